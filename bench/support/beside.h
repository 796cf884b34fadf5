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

#include "bench/cbench.h"
#include "bench/support/engine_bed.h"

int64_t cf_beside_cpu_ns(void);

/* Durations; the first two million count. */
struct cf_beside_samples {
    uint32_t *ns;
    size_t count;
};

struct cf_beside_samples cf_beside_samples_new(void);
void cf_beside_samples_free(struct cf_beside_samples *s);
void cf_beside_add(struct cf_beside_samples *s, int64_t ns);

struct cf_beside {
    struct cf_bed *b;
    int64_t due_ns; /* of the next event */
    uint64_t seed;
    struct cf_beside_samples *turns, *delays;
};

/* What is due by now, one turn, and everybody has read. busy: the turn counts although no event was due. */
void cf_beside_step(struct cf_beside *t, bool busy);

/* Steps until as many events as in `like`, 20,000 at least, were noted. */
void cf_beside_alone(struct cf_beside *t, const struct cf_beside_samples *like);

/* Counters of the benchmark, named with `what` before them: median and longest of the turns; p99 of the delays unless they are NULL. Sorts. */
void cf_beside_counters(struct cbench_state *s, const char *what, struct cf_beside_samples *turns, struct cf_beside_samples *delays);

#endif
