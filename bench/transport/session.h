/*
 * A session: two processes, one transport, a number of messages, every one verified.
 *
 * Shape      both ends are forked for the session, so nothing is left over from the one before; near on the first CPU, far on the second
 * Units      seconds from the first message's sending to the last one's arrival (round trip: to the last answer's), message 0 not included,
 *            which went before so that everything was connected and touched
 * Progress   bounded: an end is killed after 60 s (30 in a smoke run)
 * Errors     false, with a sentence
 */
#ifndef CALLFAN_BENCH_SESSION_H
#define CALLFAN_BENCH_SESSION_H

#include "bench/transport/transport.h"

struct session {
    const struct transport *transport;
    size_t bytes;
    enum transport_mode mode;
    bool round_trip; /* each message is answered before the next is sent */
    uint64_t count;
    bool counted; /* system calls are counted by the kernel, where it does; the time is no good then */
};

/* What an end did for all messages, all its threads. */
struct session_end {
    uint64_t calls;  /* system calls */
    uint64_t sleeps; /* voluntary switches to another thread */
};

enum session_calls { SESSION_CALLS_UNKNOWN, SESSION_CALLS_OF_TRANSPORT, SESSION_CALLS_OF_KERNEL };

struct session_result {
    double seconds;
    double line_ns;           /* how long a line took from one CPU to the other, mean of before and after */
    enum session_calls calls; /* who counted */
    struct session_end near, far;
};

bool session_run(const struct session *s, struct session_result *ret_result, const char **ret_why);

#endif
