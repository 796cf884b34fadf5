/* By the clock a ring is long also when the woken process takes our place on the processor; only time of this thread counts against the peer. */
#include "apps/callfand/ringer.h"

#include <time.h>

#include "shm/sys_bell.h"

#define RING_NS INT64_C(20000) /* ten times what a ring takes that wakes somebody */
#define SHARE   64

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

bool cf_ringer_ring(struct cf_ringer *r, int bell, int64_t now_ns)
{
    r->due = now_ns < r->after_ns;
    if (r->due)
        return false;
    clockid_t clock = r->suspect ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    int64_t before = clock_ns(clock);
    cf_bell_ring_down(bell); /* -EPIPE: the peer is gone, the door will hear of it */
    int64_t took = clock_ns(clock) - before;
    if (r->suspect && took > RING_NS)
        r->after_ns = clock_ns(CLOCK_MONOTONIC) + took * SHARE;
    r->suspect = took > RING_NS;
    return true;
}
