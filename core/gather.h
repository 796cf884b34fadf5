/*
 * Gathering: an owner waits for digits of the other end, which its provider collects.
 *
 * Shape      a request that is kept apart (cf_request_apart()), and a block in which its digits wait until they are told
 * Invariant  cf_gather_check(); the block is there from the request to its end, so that LINE_GATHERDIGITS is never lost
 * Errors     no block, or too much outstanding: RESOURCEUNAVAIL
 * Trust      of what a provider says it got, digits that were not asked for are left out; a reason that is none is CANCEL
 */
#ifndef CF_CORE_GATHER_H
#define CF_CORE_GATHER_H

#include "core/requests.h"

/* lineGatherDigits: e->in. False: it is another request. */
bool cf_gather_take(struct cf_engine *e, uint32_t port);

/* The provider's reply, e->in, to that request, touched: its digits are noted; how it ended, LINEGATHERTERM_. */
int32_t cf_gather_replied(struct cf_engine *e, struct cf_request *q, int32_t result);

/* Slots of its LINE_GATHERDIGITS in the port's ring. */
uint64_t cf_gather_cost(const struct cf_engine *e, uint32_t port, const struct cf_request *q);
void cf_gather_send(struct cf_engine *e, uint32_t port, const struct cf_request *q);

/* The request ends: its block is given back. */
void cf_gather_free(struct cf_engine *e, struct cf_request *q);

/* Its block is one. */
bool cf_gather_check(const struct cf_engine *e, const struct cf_request *q);

#endif
