/*
 * Numbered messages: what a benchmark sends so that whoever receives knows each to be whole and which it is.
 *
 * Shape      16 bytes or more, a multiple of 8
 * Invariant  the first and the last word are the number, what is between is NUMBERED_FILL; a reader looks at both and at one word of every line
 */
#ifndef CALLFAN_BENCH_SUPPORT_NUMBERED_H
#define CALLFAN_BENCH_SUPPORT_NUMBERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NUMBERED_FILL UINT64_C(0x5a5a5a5a5a5a5a5a)

static inline void numbered_fill(void *message, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 8)
        memcpy((uint8_t *)message + at, &(uint64_t){NUMBERED_FILL}, 8);
}

/* Of one that was filled. */
static inline void numbered_set(void *message, size_t bytes, uint64_t number)
{
    memcpy(message, &number, 8);
    memcpy((uint8_t *)message + bytes - 8, &number, 8);
}

static inline uint64_t numbered_word(const void *message, size_t at)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)message + at, 8);
    return word;
}

static inline bool numbered_is(const void *message, size_t bytes, uint64_t number)
{
    uint64_t wrong = (numbered_word(message, 0) ^ number) | (numbered_word(message, bytes - 8) ^ number);
    for (size_t at = 64; at + 8 < bytes; at += 64)
        wrong |= numbered_word(message, at) ^ NUMBERED_FILL;
    return wrong == 0;
}

#endif
