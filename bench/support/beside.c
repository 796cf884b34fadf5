/* See beside.h. */
#include "bench/support/beside.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/cbench.h"
#include "callfan/tapi_const.h"
#include "shm/sys_memory.h"

enum {
    EVENTS_PER_SECOND = 120000,
    SAMPLES_MAX = 1 << 21,
    EVENTS_MIN = 20000, /* of a part that is measured beside nothing */
    SHORT_CALLS = 1000,
};

#define EVENT_NS (1000000000 / EVENTS_PER_SECOND)

/* Durations; the first two million count. */
struct samples {
    uint32_t *ns;
    size_t count;
};

struct traffic {
    struct cf_bed *b;
    int64_t due_ns; /* of the next event */
    uint64_t seed;
    struct samples turns, delays;
};

static int64_t cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct samples samples_new(void) {
    struct samples s = {malloc(SAMPLES_MAX * sizeof(uint32_t)), 0};
    cf_bed_must(s.ns != NULL, "no memory");
    return s;
}

static void add(struct samples *s, int64_t ns) {
    if (s->count < SAMPLES_MAX)
        s->ns[s->count++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* In us; part 1 is the longest. Sorts. */
static double percentile(struct samples *s, double part) {
    if (s->count == 0)
        return 0;
    qsort(s->ns, s->count, sizeof *s->ns, ascending);
    size_t at = (size_t)(part * (double)s->count);
    return s->ns[at < s->count ? at : s->count - 1] / 1e3;
}

static void counter(struct cbench_state *s, const char *what, const char *name, struct samples *of, double part) {
    char whole[64];
    snprintf(whole, sizeof whole, "%s%s", what, name);
    cbench_counter(s, whole, percentile(of, part), CBENCH_PLAIN);
}

static void turn_counters(struct cbench_state *s, const char *what, struct samples *turns) {
    counter(s, what, "turn_median_us", turns, 0.5);
    counter(s, what, "turn_longest_us", turns, 1);
}

static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

static void all_read(struct cf_bed *b) {
    for (uint32_t p = 0; p < b->ports; p++)
        cf_bed_acknowledge(&b->apps[p]);
}

/* What is due by now, one turn, and everybody has read. busy: the turn counts although no event was due. */
static void step(struct traffic *t, bool busy) {
    int64_t from_ns = cpu_ns(), first_due_ns = t->due_ns;
    uint32_t n = 0;
    for (; n < CF_BED_EVENTS && t->due_ns <= from_ns; n++, t->due_ns += EVENT_NS) {
        uint64_t r = next_random(&t->seed);
        cf_bed_state(t->b, cf_bed_call(r % t->b->calls, 0), r >> 63 ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED);
    }
    int64_t begin_ns = cpu_ns();
    cf_bed_turn(t->b);
    int64_t end_ns = cpu_ns();
    if (n != 0 || busy)
        add(&t->turns, end_ns - begin_ns);
    for (uint32_t i = 0; i < n; i++)
        add(&t->delays, end_ns - first_due_ns - i * (int64_t)EVENT_NS);
    all_read(t->b);
}

static void traffic_counters(struct cbench_state *s, const char *what, struct traffic *t) {
    turn_counters(s, what, &t->turns);
    counter(s, what, "p99_us", &t->delays, 0.99);
    free(t->turns.ns);
    free(t->delays.ns);
}

static int64_t beside_traffic(struct cbench_state *s, const struct cf_beside_work *w, struct cf_bed *b) {
    struct traffic with = {b, cpu_ns(), 88172645463325252u, samples_new(), samples_new()};
    int64_t from_ns = with.due_ns;
    while (w->busy(b))
        step(&with, true);
    int64_t took_ns = cpu_ns() - from_ns;
    struct traffic without = {b, cpu_ns(), with.seed, samples_new(), samples_new()};
    size_t wanted = cbench_smoke() ? 100 : with.delays.count > EVENTS_MIN ? with.delays.count : EVENTS_MIN;
    while (without.delays.count < wanted)
        step(&without, false);
    traffic_counters(s, "with_", &with);
    traffic_counters(s, "without_", &without);
    return took_ns;
}

static int64_t alone(struct cbench_state *s, const struct cf_beside_work *w, struct cf_bed *b) {
    struct samples turns = samples_new();
    int64_t sum_ns = 0;
    while (w->busy(b)) {
        all_read(b);
        int64_t from_ns = cpu_ns();
        cf_bed_turn(b);
        int64_t took_ns = cpu_ns() - from_ns;
        add(&turns, took_ns);
        sum_ns += took_ns;
    }
    turn_counters(s, "", &turns);
    free(turns.ns);
    return sum_ns;
}

static void run(struct cbench_state *s, void *arg) {
    const struct cf_beside_work *w = arg;
    uint64_t calls = cbench_smoke() ? SHORT_CALLS : (uint64_t)cbench_range(s, 0);
    CBENCH_LOOP (s) { /* once: the iterations are fixed */
        struct cf_bed *b = w->bed(calls, (uint32_t)cbench_range(s, 1));
        int64_t took_ns = w->traffic ? beside_traffic(s, w, b) : alone(s, w, b);
        w->check(b);
        cf_bed_free(b);
        cbench_set_time(s, cbench_smoke() ? 1 : (double)took_ns / 1e9); /* in the short run nobody reads it, and one is enough */
    }
    cbench_items(s, cbench_iterations(s) * (int64_t)calls);
}

int cf_beside_main(int argc, char **argv, const struct cf_beside_work *works, size_t count) {
    if (!cbench_init(&argc, argv))
        return 1;
    printf("huge pages: %s\n", cf_memory_grants_huge() ? "granted" : "the system grants none");
    for (size_t i = 0; i < count; i++) {
        if (cbench_smoke() && works[i].calls != 100000)
            continue; /* one of each kind */
        struct cbench *c = cbench_add(works[i].name, run, (void *)(uintptr_t)&works[i]);
        cbench_manual_time(c);
        cbench_fix_iterations(c, 1);
        cbench_unit(c, CBENCH_MS);
        cbench_args(c, (const int64_t[]){works[i].calls, works[i].slice}, 2);
    }
    return cbench_run();
}
