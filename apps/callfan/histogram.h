/*
 * A log-linear histogram of durations: 32 steps per power of two, so every percentile is at most 3.2 % too high.
 *
 * Shape      fixed size, about 15 KiB
 * Units      nanoseconds; negative values count as 0
 * Overlap    one thread
 */
#ifndef CF_APPS_CALLFAN_HISTOGRAM_H
#define CF_APPS_CALLFAN_HISTOGRAM_H

#include <stdint.h>

enum {
    CF_HISTOGRAM_STEP_BITS = 5,
    CF_HISTOGRAM_STEPS = 1 << CF_HISTOGRAM_STEP_BITS,
    CF_HISTOGRAM_BUCKETS = (64 - CF_HISTOGRAM_STEP_BITS) * CF_HISTOGRAM_STEPS,
};

struct cf_histogram {
    uint64_t count;
    int64_t max_ns;
    uint64_t bucket[CF_HISTOGRAM_BUCKETS];
};

void cf_histogram_add(struct cf_histogram *h, int64_t value_ns);

/* The smallest bucket end below or at which the given part (0..1) of all values lie; the maximum for 1; 0 when empty. */
int64_t cf_histogram_percentile(const struct cf_histogram *h, double part);

#endif
