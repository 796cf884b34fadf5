/*
 * Watches: who listens on a call for digits, media and tones, and what its provider is told of it.
 *
 * Shape      at most one per reference of the call: some in the call's extra block, more in blocks of five chained behind it
 * Invariant  cf_watch_check(): a watch is of a reference that the call has, or ended; one that listens for nothing is none.
 *            A port has at most an eighth of all blocks' number of them, so that it takes no more from the others
 * Life       until the handle is given back, its line closed and swept, the call IDLE (H-38), or nothing is asked for any more
 * Errors     no block free, or too many of that application: RESOURCEUNAVAIL
 * Trust      what providers say they heard is checked; the number of a list tells whose tone it was
 */
#ifndef CF_CORE_WATCH_H
#define CF_CORE_WATCH_H

#include "core/extra.h"

/* What anybody listens for. */
struct cf_watch_modes {
    uint32_t digit_modes, media_modes;
};
struct cf_watch_modes cf_watch_modes(const struct cf_engine *e, const struct cf_call *c);

/* lineMonitorDigits, lineMonitorMedia, lineMonitorTones: e->in. False: it is none of them. */
bool cf_watch_take(struct cf_engine *e, uint32_t port);

/* What a provider heard, e->in: an event of c. False: it says nothing that can be heard. */
bool cf_watch_event(struct cf_engine *e, const struct cf_call *c);

/* That reference of the port is no more. */
void cf_watch_leave(struct cf_engine *e, struct cf_call *c, uint64_t ref, uint32_t port);

/* Nobody has a handle for the call any more, and it lives on: its provider is to know that nobody listens. */
void cf_watch_nobody(struct cf_engine *e, struct cf_call *c);

/* Nobody listens any more, and the provider knows it by itself. */
void cf_watch_end(struct cf_engine *e, struct cf_call *c);

/* Tells the provider what is different. False: its ring has no room for all of it. */
bool cf_watch_tell(struct cf_engine *e, struct cf_call *c);

/* Adds its watches to those of their ports: by_port[ports]. */
void cf_watch_count(const struct cf_engine *e, const struct cf_call *c, uint32_t *by_port);

/* Well formed. Adds its blocks to *blocks. */
bool cf_watch_check(const struct cf_engine *e, const struct cf_call *c, uint32_t *blocks);

#endif
