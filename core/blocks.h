/*
 * Blocks: a pool of 128-byte records for what only few calls have.
 *
 * Shape      chains of blocks by index, CF_INDEX_NONE at the end
 * Invariant  a block is in one chain or on the free list; each user counts its own for cf_engine_check()
 * Errors     none free: CF_INDEX_NONE; the caller counts what is lost by it
 */
#ifndef CF_CORE_BLOCKS_H
#define CF_CORE_BLOCKS_H

#include "core/internal.h"

/* Bytes in a chain: CF_INDEX_NONE and 0, or as many blocks as they need. */
struct cf_bytes {
    uint32_t first, bytes;
};
#define CF_BYTES_NONE ((struct cf_bytes){CF_INDEX_NONE, 0})

/* One block, journaled, the end of a chain; its bytes are those of its former use. */
uint32_t cf_block_take(struct cf_engine *e);

/* Gives a chain back. */
void cf_block_give(struct cf_engine *e, uint32_t first);

/* So many bytes in a new chain; no room for all of them: no chain, 0 bytes. */
struct cf_bytes cf_block_write(struct cf_engine *e, const void *data, uint32_t bytes);
void cf_block_read(const struct cf_engine *e, struct cf_bytes from, void *ret_data);

/* The chain is as long as its bytes need. Adds its blocks to *blocks. */
bool cf_block_check(const struct cf_engine *e, struct cf_bytes bytes, uint32_t *blocks);

#endif
