/* See extra.h. */
#include "core/extra.h"

#include "core/conference.h"
#include "core/texts.h"
#include "core/watch.h"

static const struct cf_call_extra nothing = {
    .parent = CF_INDEX_NONE,
    .member_next = CF_INDEX_NONE,
    .member_previous = CF_INDEX_NONE,
    .members_first = CF_INDEX_NONE,
    .members_last = CF_INDEX_NONE,
    .watch_block = CF_INDEX_NONE,
    .shown_block = CF_INDEX_NONE,
};

const struct cf_call_extra *cf_extra_of(const struct cf_engine *e, const struct cf_call *c) {
    return (c->flags & CF_CALL_EXTRA) == 0 ? &nothing : (const struct cf_call_extra *)e->parties[c->extra].bytes;
}

struct cf_call_extra *cf_extra_touch(struct cf_engine *e, struct cf_call *c) {
    if ((c->flags & CF_CALL_EXTRA) != 0) {
        cf_touch_range(&e->journal, &e->parties[c->extra], sizeof e->parties[c->extra]);
        return (struct cf_call_extra *)e->parties[c->extra].bytes;
    }
    uint32_t block = cf_block_take(e);
    if (block == CF_INDEX_NONE) {
        e->tally.parties_dropped++;
        return NULL;
    }
    cf_touch_one(e, &c->extra);
    c->extra = block;
    cf_touch_one(e, c);
    c->flags |= CF_CALL_EXTRA;
    memcpy(e->parties[block].bytes, &nothing, sizeof nothing);
    return (struct cf_call_extra *)e->parties[block].bytes;
}

void cf_extra_free(struct cf_engine *e, struct cf_call *c) {
    if ((c->flags & CF_CALL_EXTRA) == 0)
        return;
    cf_shown_free(e, c);
    cf_block_give(e, c->extra);
    cf_touch_one(e, &c->extra);
    c->extra = CF_INDEX_NONE;
    cf_touch_one(e, c);
    c->flags &= (uint16_t)~CF_CALL_EXTRA;
}

bool cf_extra_check(const struct cf_engine *e, const struct cf_call *c, uint32_t *blocks) {
    if ((c->extra != CF_INDEX_NONE) != ((c->flags & CF_CALL_EXTRA) != 0))
        return false;
    if (c->extra == CF_INDEX_NONE)
        return true;
    if (c->extra >= e->g->parties_used || e->parties[c->extra].next != CF_INDEX_NONE)
        return false;
    (*blocks)++;
    return cf_shown_check(e, c, blocks) && cf_conference_check(e, c) && cf_watch_check(e, c, blocks);
}
