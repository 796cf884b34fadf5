/*
 * Texts: bytes that are known of a call beside its parties: user-user information, call data, what lineMakeCall's parameters say for show.
 *
 * Shape      each in a chain of blocks (core/blocks.h) of its own; a block that the call's side block (core/extra.h) leads to has them, and
 *            some numbers that LINECALLINFO shows
 * Invariant  cf_shown_check(): a chain has the blocks that its bytes need, none for none
 * Errors     no block free: the text is not kept, counted (parties_dropped)
 * Trust      from applications and providers: a longer one than its kind allows is cut
 */
#ifndef CF_CORE_TEXTS_H
#define CF_CORE_TEXTS_H

#include "core/extra.h"

/* What LINECALLINFO shows of few calls. */
struct cf_call_shown {
    uint32_t treatment;            /* dwCallTreatment */
    uint32_t completion_id;        /* dwCompletionID */
    uint32_t param_flags, country; /* dwCallParamFlags, dwCountryCode */
    struct cf_bytes texts[CF_CALL_TEXTS];
};
_Static_assert(sizeof(struct cf_call_shown) <= CF_PARTY_BLOCK_BYTES, "one block");

/* What the call has, or a record that says: nothing. Never NULL. */
const struct cf_call_shown *cf_shown_of(const struct cf_engine *e, const struct cf_call *c);

/* The same to be written, its block touched as a whole; NULL: no block is free (counted). */
struct cf_call_shown *cf_shown_touch(struct cf_engine *e, struct cf_call *c);

/* Gives all of it back. */
void cf_shown_free(struct cf_engine *e, const struct cf_call *c);

/* Well formed. Adds its blocks to *blocks. */
bool cf_shown_check(const struct cf_engine *e, const struct cf_call *c, uint32_t *blocks);

/* The call has that text from now on; bytes 0: none. */
void cf_text_set(struct cf_engine *e, struct cf_call *c, enum cf_call_text kind, const void *data, uint32_t bytes);

/* Takes from e->in those that are in it, but for except (CF_CALL_TEXTS: all); a field of no bytes is one that is not kept any more. */
void cf_texts_take(struct cf_engine *e, struct cf_call *c, enum cf_call_text except);

/* All texts one after the other, CF_CALL_TEXTS_BYTES at most, and the bytes of each. Returns how many bytes. */
uint32_t cf_texts_read(const struct cf_engine *e, const struct cf_call *c, uint32_t ret_bytes[CF_CALL_TEXTS], uint8_t *ret_texts);

#endif
