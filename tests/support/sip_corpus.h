/*
 * The SIP messages of tests/corpus/, and variations of them.
 *
 * Shape      one message per file; read whole into memory that lives as long as the program
 * Errors     whatever cannot be read fails the test
 */
#ifndef CF_TESTS_SIP_CORPUS_H
#define CF_TESTS_SIP_CORPUS_H

#include <stddef.h>
#include <stdint.h>

enum { SIP_CORPUS_MESSAGES_MAX = 1024, SIP_CORPUS_BYTES_MAX = 65535 };

struct sip_corpus_message {
    char name[64]; /* folder/file */
    const char *text;
    size_t len;
};

struct sip_corpus {
    struct sip_corpus_message message[SIP_CORPUS_MESSAGES_MAX];
    size_t count;
};

/* Adds the messages of tests/corpus/<folder>, in the order of their names. */
void sip_corpus_add(struct sip_corpus *corpus, const char *folder);

/* The message of that name within a folder; fails the test when there is none. */
const struct sip_corpus_message *sip_corpus_find(const struct sip_corpus *corpus, const char *folder, const char *name);

/*
 * Writes a variation of the message to `text`, of SIP_CORPUS_BYTES_MAX bytes, and returns its length: one to three small changes
 * of bytes or whole lines, made from *state alone, which is moved on.
 */
size_t sip_corpus_vary(char *text, const struct sip_corpus_message *message, uint64_t *state);

#endif
