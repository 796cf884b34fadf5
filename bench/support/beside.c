/* See beside.h. */
#include "bench/support/beside.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "callfan/tapi_const.h"

enum {
    EVENTS_PER_SECOND = 120000,
    SAMPLES_MAX = 1 << 21,
    EVENTS_MIN = 20000, /* of a part that is measured beside nothing */
};

#define EVENT_NS (1000000000 / EVENTS_PER_SECOND)

int64_t cf_beside_cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct cf_beside_samples cf_beside_samples_new(void) {
    struct cf_beside_samples s = {malloc(SAMPLES_MAX * sizeof(uint32_t)), 0};
    cf_bed_must(s.ns != NULL, "no memory");
    return s;
}

void cf_beside_samples_free(struct cf_beside_samples *s) { free(s->ns); }

void cf_beside_add(struct cf_beside_samples *s, int64_t ns) {
    if (s->count < SAMPLES_MAX)
        s->ns[s->count++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* In us; part 1 is the longest. Sorts. */
static double percentile(struct cf_beside_samples *s, double part) {
    if (s->count == 0)
        return 0;
    qsort(s->ns, s->count, sizeof *s->ns, ascending);
    size_t at = (size_t)(part * (double)s->count);
    return s->ns[at < s->count ? at : s->count - 1] / 1e3;
}

void cf_beside_counters(struct cbench_state *s, const char *what, struct cf_beside_samples *turns, struct cf_beside_samples *delays) {
    char name[64];
    snprintf(name, sizeof name, "%sturn_median_us", what);
    cbench_counter(s, name, percentile(turns, 0.5), CBENCH_PLAIN);
    snprintf(name, sizeof name, "%sturn_longest_us", what);
    cbench_counter(s, name, percentile(turns, 1), CBENCH_PLAIN);
    if (delays == NULL)
        return;
    snprintf(name, sizeof name, "%sp99_us", what);
    cbench_counter(s, name, percentile(delays, 0.99), CBENCH_PLAIN);
}

static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

void cf_beside_step(struct cf_beside *t, bool busy) {
    int64_t from_ns = cf_beside_cpu_ns(), first_due_ns = t->due_ns;
    uint32_t n = 0;
    for (; n < CF_BED_EVENTS && t->due_ns <= from_ns; n++, t->due_ns += EVENT_NS) {
        uint64_t r = next_random(&t->seed);
        cf_bed_state(t->b, cf_bed_call(r % t->b->calls, 0), r >> 63 ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED);
    }
    int64_t begin_ns = cf_beside_cpu_ns();
    cf_bed_turn(t->b);
    int64_t end_ns = cf_beside_cpu_ns();
    if (n != 0 || busy)
        cf_beside_add(t->turns, end_ns - begin_ns);
    for (uint32_t i = 0; i < n; i++)
        cf_beside_add(t->delays, end_ns - first_due_ns - i * (int64_t)EVENT_NS);
    for (uint32_t p = 0; p < t->b->ports; p++)
        cf_bed_acknowledge(&t->b->apps[p]);
}

void cf_beside_alone(struct cf_beside *t, const struct cf_beside_samples *like) {
    size_t wanted = cbench_smoke() ? 100 : like->count > EVENTS_MIN ? like->count : EVENTS_MIN;
    t->due_ns = cf_beside_cpu_ns();
    while (t->delays->count < wanted)
        cf_beside_step(t, false);
}
