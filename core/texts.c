/* See texts.h. */
#include "core/texts.h"

#include "core/blocks.h"

static const struct {
    uint16_t tag, bytes_max;
} kinds[CF_CALL_TEXTS] = {
    [CF_CALL_TEXT_DISPLAYABLE] = {CF_FIELD_DISPLAYABLE, CF_CALL_TEXT_MAX},
    [CF_CALL_TEXT_CALLED_PARTY] = {CF_FIELD_CALLED_PARTY, CF_CALL_TEXT_MAX},
    [CF_CALL_TEXT_COMMENT] = {CF_FIELD_COMMENT, CF_CALL_TEXT_MAX},
    [CF_CALL_TEXT_USER_USER] = {CF_FIELD_USER_USER, CF_USER_USER_MAX},
    [CF_CALL_TEXT_CALL_DATA] = {CF_FIELD_CALL_DATA, CF_CALL_DATA_MAX},
};

/* ------------------------------------------------------------------ the block */

static const struct cf_call_shown nothing = {
    .texts = {{CF_INDEX_NONE, 0}, {CF_INDEX_NONE, 0}, {CF_INDEX_NONE, 0}, {CF_INDEX_NONE, 0}, {CF_INDEX_NONE, 0}},
};
_Static_assert(CF_CALL_TEXTS == 5, "each has its entry above");

const struct cf_call_shown *cf_shown_of(const struct cf_engine *e, const struct cf_call *c) {
    uint32_t block = cf_extra_of(e, c)->shown_block;
    return block == CF_INDEX_NONE ? &nothing : (const struct cf_call_shown *)e->parties[block].bytes;
}

struct cf_call_shown *cf_shown_touch(struct cf_engine *e, struct cf_call *c) {
    struct cf_call_extra *x = cf_extra_touch(e, c);
    if (x == NULL)
        return NULL;
    if (x->shown_block != CF_INDEX_NONE) {
        cf_touch_range(&e->journal, &e->parties[x->shown_block], sizeof e->parties[x->shown_block]);
        return (struct cf_call_shown *)e->parties[x->shown_block].bytes;
    }
    uint32_t block = cf_block_take(e);
    if (block == CF_INDEX_NONE) {
        e->tally.parties_dropped++;
        return NULL;
    }
    x->shown_block = block;
    memcpy(e->parties[block].bytes, &nothing, sizeof nothing);
    return (struct cf_call_shown *)e->parties[block].bytes;
}

void cf_shown_free(struct cf_engine *e, const struct cf_call *c) {
    const struct cf_call_shown *x = cf_shown_of(e, c);
    for (uint32_t kind = 0; kind < CF_CALL_TEXTS; kind++)
        cf_block_give(e, x->texts[kind].first);
    cf_block_give(e, cf_extra_of(e, c)->shown_block);
}

bool cf_shown_check(const struct cf_engine *e, const struct cf_call *c, uint32_t *blocks) {
    uint32_t block = cf_extra_of(e, c)->shown_block;
    if (block == CF_INDEX_NONE)
        return true;
    if (block >= e->g->parties_used || e->parties[block].next != CF_INDEX_NONE)
        return false;
    (*blocks)++;
    const struct cf_call_shown *x = cf_shown_of(e, c);
    for (uint32_t kind = 0; kind < CF_CALL_TEXTS; kind++)
        if (x->texts[kind].bytes > kinds[kind].bytes_max || !cf_block_check(e, x->texts[kind], blocks))
            return false;
    return true;
}

/* ------------------------------------------------------------------ texts */

void cf_text_set(struct cf_engine *e, struct cf_call *c, enum cf_call_text kind, const void *data, uint32_t bytes) {
    uint32_t left = bytes < kinds[kind].bytes_max ? bytes : kinds[kind].bytes_max;
    if (left == 0 && cf_shown_of(e, c)->texts[kind].bytes == 0)
        return;
    struct cf_call_shown *x = cf_shown_touch(e, c);
    if (x == NULL)
        return;
    cf_block_give(e, x->texts[kind].first);
    x->texts[kind] = cf_block_write(e, data, left);
    if (x->texts[kind].bytes != left)
        e->tally.parties_dropped++;
}

void cf_texts_take(struct cf_engine *e, struct cf_call *c, enum cf_call_text except) {
    struct cf_fields fields = cf_fields_of(&e->in);
    for (struct cf_field f; cf_fields_next(&fields, &f);)
        for (uint32_t kind = 0; kind < CF_CALL_TEXTS; kind++)
            if (kinds[kind].tag == f.tag && kind != except)
                cf_text_set(e, c, kind, f.data, f.bytes);
}

uint32_t cf_texts_read(const struct cf_engine *e, const struct cf_call *c, uint32_t ret_bytes[CF_CALL_TEXTS], uint8_t *ret_texts) {
    const struct cf_call_shown *x = cf_shown_of(e, c);
    uint32_t all = 0;
    for (uint32_t kind = 0; kind < CF_CALL_TEXTS; kind++) {
        ret_bytes[kind] = x->texts[kind].bytes;
        cf_block_read(e, x->texts[kind], ret_texts + all);
        all += x->texts[kind].bytes;
    }
    return all;
}
