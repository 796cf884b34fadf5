/*
 * Traffic beside something else that one application costs the engine: what do the others' events notice of it?
 *
 * Shape      120,000 states a second of random calls are due at equal distances, as 10,000 calls a second with 12 messages make them. Each is put
 *            when it is due or as soon as the turn before has ended; its delay, from when it was due until the turn that published it
 *            to the others has ended, is noted
 * Units      CPU time of the one thread, by which the events are due, too: what other programs take of the processor is in none of
 *            it, their traces in the caches are. Asking for it takes some 0.2 us, three times a turn, which is most of the delay beside nothing
 * Errors     end the program
 * Overlap    one thread
 */
#ifndef CALLFAN_BENCH_SUPPORT_BESIDE_H
#define CALLFAN_BENCH_SUPPORT_BESIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/support/engine_bed.h"

/* The work: it is begun by bed(), done by turns of the engine until busy() says no, and what came of it looked at by check(). */
struct cf_beside_work {
    const char *name;
    struct cf_bed *(*bed)(uint64_t calls, uint32_t slice); /* a new engine */
    bool (*busy)(const struct cf_bed *b);
    void (*check)(const struct cf_bed *b);
    bool traffic; /* beside it, and for as many events again afterwards; else nothing but the work */
    int64_t calls, slice; /* the benchmark's arguments */
};

/*
 * The whole program: a benchmark for each work, one piece of it per run; its time is the thread's CPU time until it is done, per call. Counters (us):
 * median and longest turn; with traffic those and the p99 of the delays, with_ and without_ the work. In the short run one of each kind, with
 * 1,000 calls.
 */
int cf_beside_main(int argc, char **argv, const struct cf_beside_work *works, size_t count);

#endif
