#include "apps/callfan/histogram.h"

/* Values below 32 have a bucket each; above, the leading bit chooses the row and the next five the step. */
static unsigned bucket_of(uint64_t v)
{
    if (v < CF_HISTOGRAM_STEPS)
        return (unsigned)v;
    unsigned shift = 63u - (unsigned)__builtin_clzll(v) - CF_HISTOGRAM_STEP_BITS;
    return (shift + 1) * CF_HISTOGRAM_STEPS + (unsigned)(v >> shift) - CF_HISTOGRAM_STEPS;
}

/* The largest value of a bucket. */
static int64_t bucket_end(unsigned bucket)
{
    if (bucket < CF_HISTOGRAM_STEPS)
        return bucket;
    unsigned shift = bucket / CF_HISTOGRAM_STEPS - 1;
    uint64_t lead = bucket % CF_HISTOGRAM_STEPS + CF_HISTOGRAM_STEPS;
    return (int64_t)(((lead + 1) << shift) - 1);
}

void cf_histogram_add(struct cf_histogram *h, int64_t value_ns)
{
    int64_t v = value_ns < 0 ? 0 : value_ns;
    h->count++;
    h->bucket[bucket_of((uint64_t)v)]++;
    if (v > h->max_ns)
        h->max_ns = v;
}

int64_t cf_histogram_percentile(const struct cf_histogram *h, double part)
{
    if (h->count == 0)
        return 0;
    if (part >= 1)
        return h->max_ns;
    uint64_t wanted = (uint64_t)(part * (double)h->count) + 1, seen = 0;
    for (unsigned i = 0; i < CF_HISTOGRAM_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen >= wanted)
            return bucket_end(i) < h->max_ns ? bucket_end(i) : h->max_ns;
    }
    return h->max_ns;
}
