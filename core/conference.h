/*
 * Conferences: which call is a member of which other.
 *
 * Shape      a list of members per parent, in both calls' extra blocks; parent and members are calls of one line (M-38)
 * Invariant  a call is a member as long as its state is CONFERENCED and its parent lives; no parent is a member; at most
 *            CF_CONFERENCE_MEMBERS_MAX members, so that the end of a parent is bounded
 * Trust      the provider names the parent; one that is not a call of that line, or one member more than there may be, makes the call
 *            CONFERENCED without a parent (M-37), counted as a bad event; as a late one when the parent has ended since
 * Errors     no block free: CONFERENCED without a parent, counted with what else finds none
 */
#ifndef CF_CORE_CONFERENCE_H
#define CF_CORE_CONFERENCE_H

#include "core/extra.h"

/* c becomes a member of parent's conference, whatever it was before; of none for want of room. False: it may not be; then it is a member of none. */
bool cf_conference_join(struct cf_engine *e, struct cf_call *c, struct cf_call *parent);

/* c is a member of none any more. */
void cf_conference_leave(struct cf_engine *e, struct cf_call *c);

/* c ends: its members stay CONFERENCED, of nobody; it leaves where it was. */
void cf_conference_end(struct cf_engine *e, struct cf_call *c);

/* The handle that the open at that position has for the parent of c, 0: none (M-30, M-32, M-33). */
uint64_t cf_conference_handle(const struct cf_engine *e, const struct cf_call *c, uint32_t position);

/* The same for all positions of the line at once: handles[CF_OPENS_PER_LINE_MAX]. */
void cf_conference_handles(const struct cf_engine *e, const struct cf_call *c, uint64_t *handles);

/* It stands for a conference: it was made as one, or has members. */
bool cf_conference_is(const struct cf_engine *e, const struct cf_call *c);

bool cf_conference_check(const struct cf_engine *e, const struct cf_call *c);

/* lineGetConfRelatedCalls, CF_REQ_CONF_CALLS. */
void cf_conference_calls(struct cf_engine *e, uint32_t port);

#endif
