/*
 * Texts of any length in blocks of fixed size: stored responses, heads of responses, the text of dialogs.
 *
 * Shape:     blocks of 256 bytes, 252 of them text, linked; a text is read by copying it out.
 * Invariant: a block is free or belongs to exactly one text.
 * Errors:    a text that does not fit the free blocks is not kept: the reference is empty and the call false.
 */
#ifndef CALLFAN_ADAPTERS_SIP_STORE_H
#define CALLFAN_ADAPTERS_SIP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CF_SIP_BLOCK_TEXT = 252 };

struct cf_sip_block {
    uint32_t next; /* index + 1, 0: the last */
    char text[CF_SIP_BLOCK_TEXT];
};

struct cf_sip_store {
    struct cf_sip_block *block;
    uint32_t blocks;
    uint32_t free_first; /* index + 1 */
    uint32_t free_count;
    uint32_t touched; /* blocks that were ever used; those above were never touched */
};

/* {0, 0}: nothing stored. */
struct cf_sip_stored {
    uint32_t first; /* index + 1 */
    uint32_t len;
};

void cf_sip_store_init(struct cf_sip_store *store, struct cf_sip_block *block, uint32_t blocks);
bool cf_sip_store_put(struct cf_sip_store *store, struct cf_sip_stored *ret_stored, const char *text, size_t len);

/* Copies up to `bytes` from offset `at`; returns how many. */
size_t cf_sip_store_get(const struct cf_sip_store *store, struct cf_sip_stored stored, size_t at, char *dst,
                        size_t bytes);

/* Gives the blocks back and empties the reference. */
void cf_sip_store_free(struct cf_sip_store *store, struct cf_sip_stored *stored);

static inline uint32_t cf_sip_store_blocks(size_t len)
{
    return (uint32_t)((len + CF_SIP_BLOCK_TEXT - 1) / CF_SIP_BLOCK_TEXT);
}

#endif
