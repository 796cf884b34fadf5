/*
 * The datagrams of bench_reactor and what answers them: numbered, so that each is known to be whole and in its place.
 *
 * Invariant  the first and the last word are the number, what is between is DATAGRAM_FILL; over loopback numbers only grow
 */
#ifndef CALLFAN_BENCH_DATAGRAMS_DATAGRAM_H
#define CALLFAN_BENCH_DATAGRAMS_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DATAGRAM_SIZES(X)     X(400) X(1000) /* of a BYE, and of an INVITE with a session description */
#define DATAGRAM_BYTES_MAX    1000
#define DATAGRAM_ANSWER_BYTES 304  /* a 200 without a body */
#define DATAGRAM_ROOM_BYTES   8192 /* for any that may come: callfan-sip's BUFFER_BYTES */
#define DATAGRAM_FILL         UINT64_C(0x5a5a5a5a5a5a5a5a)

static inline uint64_t datagram_word(const void *datagram, size_t at)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)datagram + at, 8);
    return word;
}

static inline void datagram_fill(void *datagram, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 8)
        memcpy((uint8_t *)datagram + at, &(uint64_t){DATAGRAM_FILL}, 8);
}

static inline void datagram_number(void *datagram, size_t bytes, uint64_t number)
{
    memcpy(datagram, &number, 8);
    memcpy((uint8_t *)datagram + bytes - 8, &number, 8);
}

/* Looks at both numbers and at one word of every line between. A later number than *last, which it becomes. */
static inline bool datagram_follows(const void *datagram, size_t bytes, uint64_t *last)
{
    const uint64_t number = datagram_word(datagram, 0);
    uint64_t wrong = datagram_word(datagram, bytes - 8) ^ number;
    for (size_t at = 64; at + 8 < bytes; at += 64)
        wrong |= datagram_word(datagram, at) ^ DATAGRAM_FILL;
    if (wrong != 0 || number <= *last)
        return false;
    *last = number;
    return true;
}

#endif
