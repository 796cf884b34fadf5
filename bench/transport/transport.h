/*
 * A transport: a way by which two processes send each other messages, as a table of functions, so that all are measured by one program.
 *
 * Shape      a link joins the near end, a process on the first CPU, and the far end, one on the second. Messages are numbered. Each transport
 *            keeps what it needs in variables of its own, one link at a time
 * Units      bytes: of a message, one of TRANSPORT_SIZES
 * Invariant  messages are as bench/support/numbered.h says; who receives looks at each line, so that every line travels, however the transport
 *            moves it
 * Overlap    open and close: the process that starts both ends, before and after them. All others: one thread of an end
 * Progress   send and receive wait. A waiting end looks again and again (spinning), or sleeps as the transport does by itself (sleeping)
 * Errors     false, and then *why is a sentence
 */
#ifndef CALLFAN_BENCH_TRANSPORT_H
#define CALLFAN_BENCH_TRANSPORT_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "bench/support/numbered.h"
#include "shm/atomics.h"

/* The longest is the longest record: 64 slots. One of 4,096 bytes of content does not fit into a record. */
#define TRANSPORT_SIZES(X)  X(64) X(256) X(1024) X(3584)
#define TRANSPORT_BYTES_MAX 3584

#define TRANSPORT_RING_BYTES (UINT64_C(1) << 20) /* room of each ring in memory: a port's default */
#define TRANSPORT_TURN       64 /* messages between two looks at who sleeps: the records of a turn of the engine */

enum transport_mode { TRANSPORT_SPINNING = 1, TRANSPORT_SLEEPING = 2 };

struct transport_link {
    size_t bytes; /* of each message */
    enum transport_mode mode;
    bool round_trip; /* messages go back, too */
    bool far;        /* which end this is */
    uint64_t calls;  /* system calls that this end made; true where the transport counts them */
    const char *why; /* of a failure */
};

struct transport {
    const char *name;
    unsigned modes;    /* enum transport_mode, added up */
    bool counts_calls; /* makes each system call itself and adds it to the link's */
    bool (*open)(struct transport_link *l);
    bool (*join)(struct transport_link *l);                                    /* an end's first act, may be NULL */
    bool (*send)(struct transport_link *l, uint64_t first, uint64_t count);    /* messages first, first + 1, ... */
    bool (*receive)(struct transport_link *l, uint64_t first, uint64_t count); /* no other than these are right */
    void (*leave)(struct transport_link *l);                                   /* an end's last act, may be NULL */
    void (*close)(struct transport_link *l);
};

extern const struct transport transport_ring, transport_bare, transport_ck_ring, transport_seqpacket, transport_pipe,
    transport_mq, transport_zeromq, transport_zeromq_deep, transport_iceoryx;

static inline bool transport_fail(struct transport_link *l, const char *why)
{
    l->why = why;
    return false;
}

static inline bool transport_fail_message(struct transport_link *l)
{
    return transport_fail(l, "a message is not the one that was sent");
}

/* ------------------------------------------------------------------ waiting */

static inline void transport_spin(uint32_t *spins)
{
    cf_pause();
    if (++*spins % 16384 == 0)
        sched_yield(); /* where another program was given the CPU of the other end */
}

/* A full ring in memory: libcallfan's way (client/request.c), looks first and short sleeps then. */
static inline void transport_wait_for_room(struct transport_link *l, uint32_t *looks)
{
    if (l->mode == TRANSPORT_SPINNING) {
        transport_spin(looks);
    } else if (++*looks <= 2000) {
        cf_pause();
    } else {
        l->calls++;
        nanosleep(&(struct timespec){0, 50000}, NULL);
    }
}

#endif
