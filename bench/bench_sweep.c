/*
 * Question: an application closes its line while it has handles of N calls. They are void at once (bench_handle_close); how long does the engine
 * sweep afterwards, what does a handle cost, and what do the other applications notice meanwhile? The goal: their p99 moved by at most 10 %.
 *
 * Expected: to sweep a handle is the next call of the line's list, its references, the handle and its marks; and since there is a monitor less,
 * LINE_CALLINFO is owed to each of the 7 others: their handles, marks, and a slot of each ring. Some 25 lines, most of which follow each other in
 * memory: 150 to 200 ns. A turn sweeps sweep_slice of them (64 by default): events of others wait 10 to 15 us for it, where a turn without takes
 * one or two; so in the engine by itself no slice that is worth a turn can leave the p99 where it was, and what counts is how much it is
 * beside what wakes a sleeper (up to 250 us).
 *
 * Method: the engine of the product over the product's layout (support/engine_bed.h), 8 applications with a handle of each call. Application 0
 * closes its line; the turns until it has no handle any more are what is timed. One sweep per run, each with a new engine. The second
 * argument is sweep_slice.
 *   sweep    with no other traffic
 *   beside   with traffic (support/beside.h), and the same for as many events again afterwards: counters with_ and without_
 */
#include <stdio.h>

#include "bench/cbench.h"
#include "bench/support/beside.h"
#include "bench/support/engine_bed.h"
#include "shm/sys_memory.h"

enum { PORTS = 8 };

static uint64_t calls_of(struct cbench_state *s) {
    uint64_t calls = (uint64_t)cbench_range(s, 0);
    return cbench_smoke() && calls > 1000 ? 1000 : calls;
}

static uint64_t handles(const struct cf_bed *b) {
    struct cf_engine_totals t;
    cf_engine_totals(b->engine, &t);
    return t.handles_live;
}

/* Application 0 is about to close its line. */
static struct cf_bed *bed_closing(struct cbench_state *s) {
    uint64_t calls = calls_of(s);
    struct cf_bed *b = cf_bed_new(&(struct cf_bed_options){.ports = PORTS, .calls = calls, .sweep_slice = (uint32_t)cbench_range(s, 1)});
    cf_bed_offer(b, calls, 0);
    cf_bed_must(handles(b) == calls * PORTS, "not everybody has a handle of each call");
    cf_bed_close(&b->apps[0]);
    return b;
}

static bool swept(const struct cf_bed *b) { return handles(b) == b->calls * (PORTS - 1); }

/* In the short run nobody reads it, and one is enough. */
static void took(struct cbench_state *s, int64_t ns) { cbench_set_time(s, cbench_smoke() ? 1 : (double)ns / 1e9); }

static void sweep(struct cbench_state *s, void *arg) {
    (void)arg;
    struct cf_beside_samples turns = cf_beside_samples_new();
    CBENCH_LOOP (s) {
        struct cf_bed *b = bed_closing(s);
        int64_t sum_ns = 0;
        while (!swept(b)) {
            int64_t from_ns = cf_beside_cpu_ns();
            cf_bed_turn(b);
            int64_t took_ns = cf_beside_cpu_ns() - from_ns;
            cf_beside_add(&turns, took_ns);
            sum_ns += took_ns;
        }
        cf_bed_free(b);
        took(s, sum_ns);
    }
    cbench_items(s, cbench_iterations(s) * (int64_t)calls_of(s));
    cf_beside_counters(s, "", &turns, NULL);
    cf_beside_samples_free(&turns);
}

static void beside(struct cbench_state *s, void *arg) {
    (void)arg;
    struct cf_beside_samples turns[2] = {cf_beside_samples_new(), cf_beside_samples_new()};
    struct cf_beside_samples delays[2] = {cf_beside_samples_new(), cf_beside_samples_new()};
    CBENCH_LOOP (s) {
        struct cf_beside t = {bed_closing(s), cf_beside_cpu_ns(), 88172645463325252u, &turns[0], &delays[0]};
        int64_t from_ns = t.due_ns;
        while (!swept(t.b))
            cf_beside_step(&t, true);
        took(s, cf_beside_cpu_ns() - from_ns);
        t.turns = &turns[1];
        t.delays = &delays[1];
        cf_beside_alone(&t, &delays[0]);
        cf_bed_free(t.b);
    }
    cbench_items(s, cbench_iterations(s) * (int64_t)calls_of(s));
    cf_beside_counters(s, "with_", &turns[0], &delays[0]);
    cf_beside_counters(s, "without_", &turns[1], &delays[1]);
    for (int i = 0; i < 2; i++) {
        cf_beside_samples_free(&turns[i]);
        cf_beside_samples_free(&delays[i]);
    }
}

static const struct {
    const char *name;
    cbench_fn *fn;
    int64_t calls, slice;
} runs[] = {
    {"sweep", sweep, 10000, 64},    {"sweep", sweep, 100000, 64},    {"sweep", sweep, 1000000, 64},   {"sweep", sweep, 1000000, 256},
    {"beside", beside, 100000, 64}, {"beside", beside, 1000000, 256}, {"beside", beside, 1000000, 64}, {"beside", beside, 1000000, 32},
    {"beside", beside, 1000000, 16},
};

int main(int argc, char **argv) {
    if (!cbench_init(&argc, argv))
        return 1;
    printf("huge pages: %s\n", cf_memory_grants_huge() ? "granted" : "the system grants none");
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        if (cbench_smoke() && runs[i].calls != 100000)
            continue; /* one of each kind */
        struct cbench *c = cbench_add(runs[i].name, runs[i].fn, NULL);
        cbench_manual_time(c);
        cbench_fix_iterations(c, 1);
        cbench_unit(c, CBENCH_MS);
        cbench_args(c, (const int64_t[]){runs[i].calls, runs[i].slice}, 2);
    }
    return cbench_run();
}
