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

/* Up to 7 bytes as the low bytes of a word. */
static inline uint64_t load_part(const char *text, size_t len)
{
    uint64_t word = 0;
    if (len >= 4) { /* two halves that overlap */
        uint32_t first, last;
        memcpy(&first, text, sizeof(first));
        memcpy(&last, text + len - sizeof(last), sizeof(last));
        return first | (uint64_t)last << (8 * (len - sizeof(last)));
    }
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)(uint8_t)text[i] << (8 * i);
    return word;
}

/* Adds the low `len` bytes of word, 0 to 8; the others are 0. */
static inline __attribute__((always_inline)) void add_word(struct cf_sip_hash *hash, uint64_t v[4], uint64_t word,
                                                           size_t len)
{
    const size_t used = hash->len % 8;
    hash->tail |= word << (8 * used);
    hash->len += len;
    if (used + len < 8)
        return;
    mix(v, hash->tail);
    hash->tail = word >> 1 >> (63 - 8 * used);
}

/* Adds the whole words of a text; returns how many bytes these were. */
static inline __attribute__((always_inline)) size_t add_words(struct cf_sip_hash *hash, uint64_t v[4], const char *text,
                                                              size_t len)
{
    const size_t shift = 8 * (hash->len % 8), bytes = len & ~(size_t)7;
    uint64_t tail = hash->tail;
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, sizeof(word));
        mix(v, tail | word << shift);
        tail = word >> 1 >> (63 - shift);
    }
    hash->tail = tail;
    hash->len += bytes;
    return bytes;
}

static void add_bytes(struct cf_sip_hash *hash, const char *text, size_t len)
{
    uint64_t v[4] = {hash->v[0], hash->v[1], hash->v[2], hash->v[3]}; /* in registers for the loop */
    const size_t done = add_words(hash, v, text, len);
    add_word(hash, v, load_part(text + done, len - done), len - done);
    memcpy(hash->v, v, sizeof(v));
}

void cf_sip_hash_number(struct cf_sip_hash *hash, uint64_t number)
{
    add_bytes(hash, (const char *)&number, sizeof(number));
}

enum {
    SHORT_MAX = 0xfffe, /* bytes of a piece that is followed by its length in two bytes */
    LONG_MARK = 0xffff, /* instead, behind the length in eight bytes */
    LOWER_BYTES = 64,
};

/* Behind a longer piece. */
static void add_long_length(struct cf_sip_hash *hash, size_t len)
{
    const uint16_t mark = LONG_MARK;
    cf_sip_hash_number(hash, len);
    add_bytes(hash, (const char *)&mark, sizeof(mark));
}

void cf_sip_hash_bytes(struct cf_sip_hash *hash, const char *text, size_t len)
{
    if (len > SHORT_MAX) {
        add_bytes(hash, text, len);
        add_long_length(hash, len);
        return;
    }
    uint64_t v[4] = {hash->v[0], hash->v[1], hash->v[2], hash->v[3]};
    const size_t done = add_words(hash, v, text, len), rest = len - done;
    const uint64_t word = load_part(text + done, rest) | (uint64_t)len << (8 * rest);
    if (rest + 2 <= sizeof(word)) {
        add_word(hash, v, word, rest + 2);
    } else {
        add_word(hash, v, word, sizeof(word));
        add_word(hash, v, len >> 8, 1);
    }
    memcpy(hash->v, v, sizeof(v));
}

void cf_sip_hash_lower(struct cf_sip_hash *hash, const char *text, size_t len)
{
    char lower[LOWER_BYTES];
    size_t part = 0;
    for (size_t at = 0; at < len; at += part) {
        part = len - at < sizeof(lower) ? len - at : sizeof(lower);
        for (size_t i = 0; i < part; i++)
            lower[i] = cf_sip_lower(text[at + i]);
        if (len > sizeof(lower))
            add_bytes(hash, lower, part);
    }
    if (len > sizeof(lower))
        add_long_length(hash, len);
    else
        cf_sip_hash_bytes(hash, lower, len);
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
