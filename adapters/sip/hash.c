#include "adapters/sip/hash.h"
#include "adapters/sip/text.h"

#include <string.h>

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline __attribute__((always_inline)) void round_once(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static inline __attribute__((always_inline)) void mix(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    round_once(v);
    round_once(v);
    v[0] ^= word;
}

void cf_sip_hash_init(struct cf_sip_hash *hash, const struct cf_sip_key *secret)
{
    hash->v[0] = secret->word[0] ^ 0x736f6d6570736575u;
    hash->v[1] = secret->word[1] ^ 0x646f72616e646f6du ^ 0xee;
    hash->v[2] = secret->word[0] ^ 0x6c7967656e657261u;
    hash->v[3] = secret->word[1] ^ 0x7465646279746573u;
    hash->tail = 0;
    hash->len = 0;
}

/* Up to 8 bytes as the low bytes of a word. */
static inline uint64_t load_part(const char *text, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)(uint8_t)text[i] << (8 * i);
    return word;
}

/* Adds the low `len` bytes of word, 1 to 8; the others are 0. */
static inline __attribute__((always_inline)) void add_word(struct cf_sip_hash *hash, uint64_t v[4], uint64_t word,
                                                           size_t len)
{
    const size_t used = hash->len % 8;
    hash->tail |= word << (8 * used);
    hash->len += len;
    if (used + len < 8)
        return;
    mix(v, hash->tail);
    hash->tail = used != 0 ? word >> (8 * (8 - used)) : 0;
}

static void add_bytes(struct cf_sip_hash *hash, const char *text, size_t len)
{
    uint64_t v[4] = {hash->v[0], hash->v[1], hash->v[2], hash->v[3]}; /* in registers for the loop */
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, sizeof(word));
        add_word(hash, v, word, 8);
    }
    if (i < len)
        add_word(hash, v, load_part(text + i, len - i), len - i);
    memcpy(hash->v, v, sizeof(v));
}

void cf_sip_hash_number(struct cf_sip_hash *hash, uint64_t number)
{
    add_bytes(hash, (const char *)&number, sizeof(number));
}

void cf_sip_hash_bytes(struct cf_sip_hash *hash, const char *text, size_t len)
{
    add_bytes(hash, text, len);
    cf_sip_hash_number(hash, len);
}

void cf_sip_hash_lower(struct cf_sip_hash *hash, const char *text, size_t len)
{
    char lower[64];
    for (size_t at = 0; at < len; at += sizeof(lower)) {
        const size_t part = len - at < sizeof(lower) ? len - at : sizeof(lower);
        for (size_t i = 0; i < part; i++)
            lower[i] = cf_sip_lower(text[at + i]);
        add_bytes(hash, lower, part);
    }
    cf_sip_hash_number(hash, len);
}

struct cf_sip_key cf_sip_hash_end(struct cf_sip_hash *hash)
{
    struct cf_sip_key key;
    mix(hash->v, hash->tail | (uint64_t)hash->len << 56);
    hash->v[2] ^= 0xee;
    for (unsigned i = 0; i < 4; i++)
        round_once(hash->v);
    key.word[0] = hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
    hash->v[1] ^= 0xdd;
    for (unsigned i = 0; i < 4; i++)
        round_once(hash->v);
    key.word[1] = hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
    return key;
}

struct cf_sip_key cf_sip_hash_of(const struct cf_sip_key *secret, const char *text, size_t len)
{
    struct cf_sip_hash hash;
    cf_sip_hash_init(&hash, secret);
    add_bytes(&hash, text, len);
    return cf_sip_hash_end(&hash);
}
