/* See blocks.h. */
#include "core/blocks.h"

uint32_t cf_block_take(struct cf_engine *e) {
    struct cf_globals *g = e->g;
    uint32_t block = g->party_free;
    if (block == CF_INDEX_NONE && g->parties_used == e->parties_max)
        return CF_INDEX_NONE;
    cf_touch_one(e, &g->party_free);
    if (block == CF_INDEX_NONE)
        block = g->parties_used++;
    else
        g->party_free = e->parties[block].next;
    g->parties_live++;
    cf_touch_range(&e->journal, &e->parties[block], sizeof e->parties[block]);
    e->parties[block].next = CF_INDEX_NONE;
    return block;
}

void cf_block_give(struct cf_engine *e, uint32_t first) {
    for (uint32_t block = first; block != CF_INDEX_NONE;) {
        uint32_t next = e->parties[block].next;
        cf_touch_one(e, &e->parties[block].next);
        e->parties[block].next = e->g->party_free;
        cf_touch_one(e, &e->g->party_free);
        e->g->party_free = block;
        e->g->parties_live--;
        block = next;
    }
}

struct cf_bytes cf_block_write(struct cf_engine *e, const void *data, uint32_t bytes) {
    struct cf_bytes to = CF_BYTES_NONE;
    uint32_t *link = &to.first;
    for (; to.bytes < bytes; link = &e->parties[*link].next) {
        uint32_t here = bytes - to.bytes < CF_PARTY_BLOCK_BYTES ? bytes - to.bytes : CF_PARTY_BLOCK_BYTES;
        *link = cf_block_take(e); /* the one before was taken in this turn: it is journaled */
        if (*link == CF_INDEX_NONE) {
            cf_block_give(e, to.first);
            return CF_BYTES_NONE;
        }
        memcpy(e->parties[*link].bytes, (const uint8_t *)data + to.bytes, here);
        to.bytes += here;
    }
    return to;
}

void cf_block_read(const struct cf_engine *e, struct cf_bytes from, void *ret_data) {
    uint32_t done = 0;
    for (uint32_t block = from.first; done < from.bytes; block = e->parties[block].next) {
        uint32_t here = from.bytes - done < CF_PARTY_BLOCK_BYTES ? from.bytes - done : CF_PARTY_BLOCK_BYTES;
        memcpy((uint8_t *)ret_data + done, e->parties[block].bytes, here);
        done += here;
    }
}

bool cf_block_check(const struct cf_engine *e, struct cf_bytes bytes, uint32_t *blocks) {
    uint32_t want = (bytes.bytes + CF_PARTY_BLOCK_BYTES - 1) / CF_PARTY_BLOCK_BYTES, n = 0;
    for (uint32_t block = bytes.first; block != CF_INDEX_NONE && n <= want; block = e->parties[block].next, n++)
        if (block >= e->g->parties_used)
            return false;
    *blocks += n;
    return n == want;
}
