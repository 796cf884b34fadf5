/*
 * Keyed 128-bit hash (SipHash-2-4-128): the identity of transactions and dialogs.
 *
 * Invariant: two different texts have the same hash with a chance of 2^-128; a peer that does not know the key cannot
 *            look for such a pair, nor for texts that fall into the same bucket. So the hash stands for the text, and
 *            the text is not kept.
 * Source:    Aumasson, Bernstein: SipHash, a fast short-input PRF (2012), and the 128-bit variant of its reference code.
 */
#ifndef CALLFAN_ADAPTERS_SIP_HASH_H
#define CALLFAN_ADAPTERS_SIP_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cf_sip_key {
    uint64_t word[2];
};

/* A hash being made of pieces. Every piece is followed by its length (two bytes, ten for a
 * very long one), so that "ab","c" and "a","bc" differ. */
struct cf_sip_hash {
    uint64_t v[4];
    uint64_t tail;
    size_t len;
};

void cf_sip_hash_init(struct cf_sip_hash *hash, const struct cf_sip_key *secret);
void cf_sip_hash_bytes(struct cf_sip_hash *hash, const char *text, size_t len);
void cf_sip_hash_lower(struct cf_sip_hash *hash, const char *text, size_t len); /* letters in lower case */
void cf_sip_hash_number(struct cf_sip_hash *hash, uint64_t number);
struct cf_sip_key cf_sip_hash_end(struct cf_sip_hash *hash);

/* The plain function over one text, as its test vectors have it. */
struct cf_sip_key cf_sip_hash_of(const struct cf_sip_key *secret, const char *text, size_t len);

static inline bool cf_sip_key_same(const struct cf_sip_key *a, const struct cf_sip_key *b)
{
    return ((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1])) == 0;
}

#endif
