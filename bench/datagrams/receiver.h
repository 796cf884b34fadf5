/*
 * A receiver: a way to take datagrams from a UDP socket and to answer them, as a table of functions, so that all are measured by one program.
 *
 * Shape      each keeps what it needs in variables of its own, one at a time
 * Invariant  whoever receives hands each datagram to receiver_take(), and sends receiver_answer()'s bytes to where it came from when the link
 *            answers. Every one of them asks for the sender's address, and has DATAGRAM_ROOM_BYTES for what comes
 * Overlap    one thread
 * Progress   receive waits, asleep; the sender goes on until as many were received as are wanted
 * Errors     false, and then *why is a sentence
 */
#ifndef CALLFAN_BENCH_DATAGRAMS_RECEIVER_H
#define CALLFAN_BENCH_DATAGRAMS_RECEIVER_H

#include "bench/datagrams/datagram.h"

#define RECEIVER_BATCH   64  /* datagrams that one recvmmsg or sendmmsg takes */
#define RECEIVER_TURN    512 /* that a loop takes before it looks at anything else, as the reactor does */
#define RECEIVER_WAIT_MS 100 /* how long a turn waits at most: an adapter has timers */

struct receiver_link {
    int fd;       /* bound, blocking */
    size_t bytes; /* of each datagram */
    bool answers;
    bool failed; /* a datagram was not what was sent, or came a second time */
    uint64_t received, last;
    uint64_t unanswered; /* of these: the answer could not be sent */
    uint8_t answer[DATAGRAM_ANSWER_BYTES];
    const char *why;
};

struct receiver {
    const char *name;
    bool (*open)(struct receiver_link *l);
    bool (*receive)(struct receiver_link *l, uint64_t goal); /* until so many were received, or a few more */
    void (*close)(struct receiver_link *l);
};

extern const struct receiver receiver_reactor, receiver_epoll_recvmsg, receiver_epoll_recvmmsg, receiver_recvmmsg;

static inline bool receiver_fail(struct receiver_link *l, const char *why)
{
    l->why = why;
    return false;
}

static inline void receiver_take(struct receiver_link *l, const void *datagram, size_t bytes)
{
    l->failed |= bytes != l->bytes || !datagram_follows(datagram, l->bytes, &l->last);
    l->received++;
}

/* The answer to what was taken last. */
static inline const void *receiver_answer(struct receiver_link *l)
{
    numbered_set(l->answer, sizeof l->answer, l->last);
    return l->answer;
}

#endif
