/*
 * Forwarding: where the calls to an address go instead, as its provider tells it; lineGetAddressStatus shows it.
 *
 * Shape      of each address that forwards something its head and the list (shm/forward.h) in one chain of blocks (core/blocks.h); the line
 *            leads to one head, each head to the next
 * Invariant  cf_forwarding_check(); the provider's forward_blocks are those of its lines
 * Errors     no block free, or its provider has its share: the list is not kept, counted (parties_dropped), and shown is one entry of
 *            LINEFORWARDMODE_UNKNOWN
 * Trust      a list is looked at as a whole before anything of it is kept
 */
#ifndef CF_CORE_FORWARDING_H
#define CF_CORE_FORWARDING_H

#include "core/internal.h"

/* That address forwards so from now on; no bytes: nothing. False: it is no list, and nothing was changed. */
bool cf_forwarding_take(struct cf_engine *e, uint32_t line, uint32_t address, const uint8_t *list, uint32_t bytes, uint32_t rings);

/* Forgets what is kept of one address; false: of none is anything left. */
bool cf_forwarding_forget_one(struct cf_engine *e, uint32_t line);

/* What of it is shown. */
void cf_forwarding_read(const struct cf_engine *e, uint32_t line, uint32_t address, struct cf_reply_address_status *r);

/* Well formed. Adds its blocks to *blocks. */
bool cf_forwarding_check(const struct cf_engine *e, uint32_t line, uint32_t *blocks);

#endif
