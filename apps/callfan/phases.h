/*
 * Phases: named stretches of a run, each with the latencies of the events that it has.
 *
 * Shape      a histogram per phase, none before the first; a phase ends where the next one begins
 * Units      CLOCK_MONOTONIC ns, of the events as the provider saw them: when one is read does not matter
 * Overlap    one thread
 * Errors     no memory ends the program
 */
#ifndef CF_APPS_CALLFAN_PHASES_H
#define CF_APPS_CALLFAN_PHASES_H

#include <stdint.h>

#include "apps/callfan/histogram.h"

enum { CF_PHASES_MAX = 128, CF_PHASE_NAME_MAX = 16 }; /* what later ones have counts for the last */

struct cf_phase {
    char name[CF_PHASE_NAME_MAX]; /* cut there */
    int64_t at_ns;
    struct cf_histogram *latency; /* callee's */
};

/* All zero: none yet. */
struct cf_phases {
    unsigned count;
    struct cf_phase of[CF_PHASES_MAX];
};

void cf_phases_fini(struct cf_phases *p);

/* Not before the last one: that is its time then, as two clocks between which a time was converted may say otherwise. */
void cf_phases_begin(struct cf_phases *p, const char *name, int64_t at_ns);

/* An event at event_ns was told so much later. */
void cf_phases_latency(struct cf_phases *p, int64_t event_ns, int64_t latency_ns);

#endif
