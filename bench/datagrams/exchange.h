/*
 * An exchange: two processes, a sender and a receiver with a UDP socket each over loopback, and what receiving cost.
 *
 * Shape      both are forked for the exchange (bench/support/pair.h), the sender on the first CPU, the receiver on the second. Sockets have callfan-sip's
 *            receive buffer, or what the system allows
 * Units      seconds. The time of a backlog is the sum over its portions: the sender is quiet while one is received, the clock stands while
 *            the next one is sent
 * Invariant  each datagram and each answer is whole, and later than the one before it. None is left in a socket at the end, so that what was sent and
 *            not received is lost
 * Progress   bounded, as a pair is
 * Errors     false, with a sentence
 */
#ifndef CALLFAN_BENCH_DATAGRAMS_EXCHANGE_H
#define CALLFAN_BENCH_DATAGRAMS_EXCHANGE_H

#include "bench/datagrams/receiver.h"
#include "bench/datagrams/sender.h"

struct exchange {
    const struct receiver *receiver;
    size_t bytes;
    bool answers; /* each datagram is answered */
    enum sender_pace pace;
    uint32_t per_second; /* paced */
    uint64_t count;
    bool counted; /* system calls are counted by the kernel, where it does; the times are no good then */
};

struct exchange_result {
    /* While it was measured. */
    uint64_t received; /* count, or a few more */
    double seconds;
    double cpu_seconds; /* of the receiver's process, user and system, the kernel's helpers in it included */
    uint64_t sleeps;    /* voluntary switches to another thread */
    bool calls_known;
    uint64_t calls; /* system calls */
    /* Of all, with those that went before so that everything was touched. */
    uint64_t all_sent, all_received;
    uint64_t dropped;             /* by the receiver's socket, which was full */
    uint64_t answerable, answers; /* received by the receiver; answers that came back */
};

bool exchange_run(const struct exchange *x, struct exchange_result *ret_result, const char **ret_why);

#endif
