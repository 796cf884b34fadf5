/*
 * Extra: what only some calls have beside the 256 bytes of each: a related call, a conference, who listens, texts.
 *
 * Shape      one block (core/blocks.h) per call that has any of it, from the first need until the call is freed
 * Invariant  cf_extra_check(); a member stands in its parent's list, and only there
 */
#ifndef CF_CORE_EXTRA_H
#define CF_CORE_EXTRA_H

#include "core/blocks.h"

/* Who listens on a call, and for what (core/watch.h). */
struct cf_watch {
    uint64_t ref;         /* one of the call's references */
    uint32_t media_modes; /* LINEMEDIAMODE_ */
    uint32_t tones;       /* number of its list, 0 none */
    uint8_t digit_modes;  /* LINEDIGITMODE_ */
    uint8_t ended;        /* the reference is gone, and the provider is still to be told that its list ends */
    uint8_t reserved[6];
};
_Static_assert(sizeof(struct cf_watch) == 24, "five in a block");

#define CF_WATCHES_HERE 2u                                                        /* in the extra block itself */
#define CF_WATCHES_PER_BLOCK (CF_PARTY_BLOCK_BYTES / (uint32_t)sizeof(struct cf_watch)) /* then in blocks of their own */

struct cf_call_extra {
    uint32_t related_id; /* LINECALLINFO.dwRelatedCallID */
    uint32_t parent;     /* of a member of a conference: the call that stands for it; CF_INDEX_NONE */
    uint32_t member_next, member_previous;
    uint32_t members_first, members_last, members; /* of a parent, in the order in which they came */
    uint32_t watches;     /* in watch[], then in the chain of watch_block: the last ones first */
    uint32_t watch_block;
    uint32_t tone_lists;  /* the last number given */
    uint32_t told_media_modes; /* to the provider */
    uint8_t told_digit_modes;
    uint8_t reserved[3];
    uint32_t shown_block; /* with what else LINECALLINFO shows, core/texts.h; CF_INDEX_NONE */
    struct cf_watch watch[CF_WATCHES_HERE];
};
_Static_assert(sizeof(struct cf_call_extra) <= CF_PARTY_BLOCK_BYTES, "one block");

/* What the call has, or a record that says: nothing. Never NULL. */
const struct cf_call_extra *cf_extra_of(const struct cf_engine *e, const struct cf_call *c);

/* The same to be written, its block touched as a whole; NULL: no block is free (counted). */
struct cf_call_extra *cf_extra_touch(struct cf_engine *e, struct cf_call *c);

void cf_extra_free(struct cf_engine *e, struct cf_call *c);

/* Well formed. Adds its block to *blocks. */
bool cf_extra_check(const struct cf_engine *e, const struct cf_call *c, uint32_t *blocks);

#endif
