#include "tests/support/sip_corpus.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096 };

static void add_file(struct sip_corpus *corpus, const char *path, const char *folder, const char *name)
{
    assert_true(corpus->count < SIP_CORPUS_MESSAGES_MAX);
    struct sip_corpus_message *message = &corpus->message[corpus->count++];
    FILE *file = fopen(path, "rb");
    char *text = malloc(SIP_CORPUS_BYTES_MAX);
    if (file == NULL || text == NULL)
        fail_msg("%s cannot be read", path);
    message->len = fread(text, 1, SIP_CORPUS_BYTES_MAX, file);
    fclose(file);
    message->text = realloc(text, message->len); /* no spare bytes behind it: reading past the end shows */
    assert_true(message->len != 0 && message->text != NULL);
    assert_true(snprintf(message->name, sizeof message->name, "%s/%s", folder, name) < (int)sizeof message->name);
}

void sip_corpus_add(struct sip_corpus *corpus, const char *folder)
{
    char path[PATH_SIZE];
    const char *source = getenv("CALLFAN_SOURCE");
    struct dirent **entries;
    const int len = snprintf(path, sizeof path, "%s/tests/corpus/%s", source != NULL ? source : ".", folder);
    const int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        fail_msg("%s cannot be read: set CALLFAN_SOURCE", path);
    for (int i = 0; i < count; i++) {
        snprintf(path + len, sizeof path - (size_t)len, "/%s", entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            add_file(corpus, path, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

const struct sip_corpus_message *sip_corpus_find(const struct sip_corpus *corpus, const char *folder, const char *name)
{
    char wanted[sizeof corpus->message[0].name];
    snprintf(wanted, sizeof wanted, "%s/%s", folder, name);
    for (size_t i = 0; i < corpus->count; i++)
        if (strcmp(corpus->message[i].name, wanted) == 0)
            return &corpus->message[i];
    fail_msg("there is no %s", wanted);
    return NULL;
}

/* ---- variations */

static size_t below(uint64_t *state, size_t bound)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return bound == 0 ? 0 : (size_t)((z ^ (z >> 31)) % bound);
}

/* The line that the byte at `at` is in: its start, and its length with the end of line. */
static size_t line_around(const char *text, size_t len, size_t at, size_t *ret_len)
{
    size_t start = at, end = at;
    while (start > 0 && text[start - 1] != '\n')
        start--;
    while (end < len && text[end] != '\n')
        end++;
    *ret_len = (end < len ? end + 1 : end) - start;
    return start;
}

static size_t take_out(char *text, size_t len, size_t at, size_t bytes)
{
    memmove(text + at, text + at + bytes, len - at - bytes);
    return len - bytes;
}

static size_t put_twice(char *text, size_t len, size_t at, size_t bytes)
{
    if (len + bytes > SIP_CORPUS_BYTES_MAX)
        return len;
    memmove(text + at + bytes, text + at, len - at);
    return len + bytes;
}

static size_t change(char *text, size_t len, uint64_t *state)
{
    static const char telling[] = "\0\x01\x7f\x80\xff\r\n\t :;,\"<>=@%?*[]/\\09azAZ";
    if (len == 0)
        return 0;
    const size_t at = below(state, len);
    size_t bytes = 1 + below(state, 12);
    size_t line_len;
    bytes = at + bytes > len ? len - at : bytes;
    switch (below(state, 8)) {
    case 0:
        text[at] = (char)(text[at] ^ 1 << below(state, 8));
        return len;
    case 1:
    case 2:
    case 3:
        text[at] = telling[below(state, sizeof telling - 1)];
        return len;
    case 4:
        return take_out(text, len, at, bytes);
    case 5:
        return put_twice(text, len, at, bytes);
    case 6: {
        const size_t start = line_around(text, len, at, &line_len);
        return take_out(text, len, start, line_len);
    }
    default: {
        const size_t start = line_around(text, len, at, &line_len);
        return put_twice(text, len, start, line_len);
    }
    }
}

size_t sip_corpus_vary(char *text, const struct sip_corpus_message *message, uint64_t *state)
{
    size_t len = message->len;
    memcpy(text, message->text, len);
    for (size_t changes = 1 + below(state, 3); changes > 0; changes--)
        len = change(text, len, state);
    return len;
}
