/*
 * Rings one peer's bell from the engine's thread, and keeps what that may cost.
 *
 * Shape      who rings pays for every watcher that the peer has put on its end of the bell: 20,000 epoll sets are 3 ms and more of this
 *            thread's time, as often as the peer likes to be woken
 * Invariant  a bell that is dear is rung so seldom that it takes at most 1 part in 64 of the time; what was not rung stays due
 * Progress   never waits
 */
#ifndef CF_CALLFAND_RINGER_H
#define CF_CALLFAND_RINGER_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: a bell that was never rung. */
struct cf_ringer {
    int64_t after_ns; /* not rung before */
    bool suspect;     /* the last ring took long, by the clock: the next is measured in time of the processor */
    bool due;         /* was to be rung before after_ns */
};

/* True: rung. False: it is due at after_ns. now_ns: CLOCK_MONOTONIC, not ahead of it. */
bool cf_ringer_ring(struct cf_ringer *ringer, int bell, int64_t now_ns);

#endif
