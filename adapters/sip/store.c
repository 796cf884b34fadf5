#include "adapters/sip/store.h"

#include <assert.h>
#include <string.h>

void cf_sip_store_init(struct cf_sip_store *store, struct cf_sip_block *block, uint32_t blocks)
{
    *store = (struct cf_sip_store){.block = block, .blocks = blocks, .free_count = blocks};
}

static uint32_t take_block(struct cf_sip_store *store)
{
    assert(store->free_count != 0);
    store->free_count--;
    if (store->free_first == 0)
        return ++store->touched;
    const uint32_t taken = store->free_first;
    store->free_first = store->block[taken - 1].next;
    return taken;
}

bool cf_sip_store_put(struct cf_sip_store *store, struct cf_sip_stored *ret_stored, const char *text, size_t len)
{
    *ret_stored = (struct cf_sip_stored){0, 0};
    if (len == 0)
        return true;
    if (len > UINT32_MAX || cf_sip_store_blocks(len) > store->free_count)
        return false;
    ret_stored->len = (uint32_t)len;
    uint32_t *link = &ret_stored->first;
    while (len != 0) {
        const uint32_t taken = take_block(store);
        struct cf_sip_block *block = &store->block[taken - 1];
        const size_t part = len < CF_SIP_BLOCK_TEXT ? len : CF_SIP_BLOCK_TEXT;
        memcpy(block->text, text, part);
        block->next = 0;
        *link = taken;
        link = &block->next;
        text += part;
        len -= part;
    }
    return true;
}

size_t cf_sip_store_get(const struct cf_sip_store *store, struct cf_sip_stored stored, size_t at, char *dst,
                        size_t bytes)
{
    if (at >= stored.len)
        return 0;
    if (bytes > stored.len - at)
        bytes = stored.len - at;
    const struct cf_sip_block *block = &store->block[stored.first - 1];
    for (; at >= CF_SIP_BLOCK_TEXT; at -= CF_SIP_BLOCK_TEXT)
        block = &store->block[block->next - 1];
    size_t left = bytes;
    while (left != 0) {
        const size_t part = left < CF_SIP_BLOCK_TEXT - at ? left : CF_SIP_BLOCK_TEXT - at;
        memcpy(dst, block->text + at, part);
        dst += part;
        left -= part;
        at = 0;
        if (left != 0)
            block = &store->block[block->next - 1];
    }
    return bytes;
}

void cf_sip_store_free(struct cf_sip_store *store, struct cf_sip_stored *stored)
{
    for (uint32_t at = stored->first; at != 0;) {
        struct cf_sip_block *block = &store->block[at - 1];
        const uint32_t next = block->next;
        block->next = store->free_first;
        store->free_first = at;
        store->free_count++;
        at = next;
    }
    *stored = (struct cf_sip_stored){0, 0};
}
