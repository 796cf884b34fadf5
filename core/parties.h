/*
 * Parties: who takes part in a call beside its caller and called number, which lie in the call itself: their names, and who is
 * connected, who sent the call on and where to. Kept only for calls of which something is known.
 *
 * Shape      a text is a byte of length (6 bits) and CF_PARTY_ flags, then so many bytes, no NUL. Those of a call lie packed, each after
 *            a byte that says which it is, in a chain of blocks (core/blocks.h); what is not known takes no room
 * Invariant  cf_parties_check()
 * Errors     no block free: the texts that find no room are dropped, the less important first, and counted (parties_dropped)
 * Trust      texts come from providers: cut at their room, control characters replaced
 */
#ifndef CF_CORE_PARTIES_H
#define CF_CORE_PARTIES_H

#include "core/internal.h"

/* Of the length byte. */
#define CF_PARTY_WITHHELD 0x80 /* the party does not want to be known: an empty field came */
#define CF_PARTY_CUT 0x40      /* it was longer */
#define CF_PARTY_LENGTH 0x3F

/* In the order of importance. */
enum cf_party {
    CF_PARTY_CALLER_NAME,
    CF_PARTY_CONNECTED,
    CF_PARTY_REDIRECTING,
    CF_PARTY_CALLED_NAME,
    CF_PARTY_REDIRECTION,
    CF_PARTY_CONNECTED_NAME,
    CF_PARTY_REDIRECTING_NAME,
    CF_PARTY_REDIRECTION_NAME,
    CF_PARTIES
};

struct cf_parties {
    uint8_t text[CF_PARTIES][CF_NAME_MAX];
};

static inline uint32_t cf_party_bytes(const uint8_t *text) { return text[0] & CF_PARTY_LENGTH; }

/* A text of room bytes, length byte included. */
void cf_party_set(uint8_t *text, uint32_t room, const void *data, uint32_t bytes);

/* Takes from e->in what is known of the call's parties, caller and called too; fields that it does not have change nothing. */
void cf_parties_take(struct cf_engine *e, struct cf_call *c);

void cf_parties_read(const struct cf_engine *e, const struct cf_call *c, struct cf_parties *ret_parties);

/* LINECALLPARTYID_ of a party with that address and name; unknown: where there is neither. */
uint32_t cf_party_flags(const uint8_t *address, const uint8_t *name, uint32_t unknown);

/* Gives the call's blocks back. */
void cf_parties_free(struct cf_engine *e, struct cf_call *c);

/* What the call keeps is well formed. Adds its blocks to *blocks. */
bool cf_parties_check(const struct cf_engine *e, const struct cf_call *c, uint32_t *blocks);

#endif
