/*
 * The datagrams of bench_reactor and what answers them: numbered, so that each is known to be whole and in its place.
 *
 * Invariant  as bench/support/numbered.h says; over loopback numbers only grow
 */
#ifndef CALLFAN_BENCH_DATAGRAMS_DATAGRAM_H
#define CALLFAN_BENCH_DATAGRAMS_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/support/numbered.h"

#define DATAGRAM_SIZES(X)     X(400) X(1000) /* of a BYE, and of an INVITE with a session description */
#define DATAGRAM_BYTES_MAX    1000
#define DATAGRAM_ANSWER_BYTES 304  /* a 200 without a body */
#define DATAGRAM_ROOM_BYTES   8192 /* for any that may come: callfan-sip's BUFFER_BYTES */

/* Whole, and a later number than *last, which it becomes. */
static inline bool datagram_follows(const void *datagram, size_t bytes, uint64_t *last)
{
    const uint64_t number = numbered_word(datagram, 0);
    if (number <= *last || !numbered_is(datagram, bytes, number))
        return false;
    *last = number;
    return true;
}

#endif
