/*
 * Random numbers that come again with their seed.
 *
 * Source     xoshiro256++ and splitmix64, Blackman and Vigna, https://prng.di.unimi.it/
 */
#ifndef CF_SIM_RANDOM_H
#define CF_SIM_RANDOM_H

#include <math.h>
#include <stdint.h>

struct cf_random {
    uint64_t s[4];
};

static inline void cf_random_init(struct cf_random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += UINT64_C(0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        r->s[i] = z ^ (z >> 31);
    }
}

static inline uint64_t cf_random_rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline uint64_t cf_random_next(struct cf_random *r)
{
    uint64_t *s = r->s;
    uint64_t result = cf_random_rotate(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = cf_random_rotate(s[3], 45);
    return result;
}

/* Uniform in [0, 1). */
static inline double cf_random_unit(struct cf_random *r)
{
    return (double)(cf_random_next(r) >> 11) * 0x1p-53;
}

/* Uniform in [0, n). n above 0. */
static inline uint32_t cf_random_below(struct cf_random *r, uint32_t n)
{
    return (uint32_t)(((cf_random_next(r) >> 32) * n) >> 32);
}

static inline double cf_random_exponential(struct cf_random *r, double mean)
{
    return -mean * log1p(-cf_random_unit(r));
}

#endif
