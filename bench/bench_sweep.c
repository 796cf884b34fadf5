/*
 * Question: an application closes its line while it has handles of N calls. They are void at once (bench_handle_close); how long does the engine
 * sweep afterwards, what does a handle cost, and what do the other applications notice meanwhile? The goal: their p99 moved by at most 10 %.
 *
 * Expected: to sweep a handle is the next call of the line's list, its references, the handle and its marks; and since there is a monitor less,
 * LINE_CALLINFO is owed to each of the 7 others: their handles, marks, and a slot of each ring. Some 25 lines, most of which follow each other in
 * memory: 200 to 300 ns. A turn sweeps sweep_slice of them (64 by default): events of others wait 10 to 15 us for it, where a turn without takes
 * one or two; so in the engine by itself no slice that is worth a turn can leave the p99 where it was, and what counts is how much it is
 * beside what wakes a sleeper (up to 250 us).
 *
 * Method: the engine of the product over the product's layout (support/engine_bed.h), 8 applications with a handle of each call. Application 0
 * closes its line; the turns until it has no handle any more are what is timed. One sweep per run, each with a new engine. The second
 * argument is sweep_slice.
 *   sweep    with no other traffic
 *   beside   with traffic (support/beside.h), and the same for as many events again afterwards: counters with_ and without_
 */
#include "bench/support/beside.h"
#include "bench/support/engine_bed.h"

enum { PORTS = 8 };

static uint64_t handles(const struct cf_bed *b) {
    struct cf_engine_totals t;
    cf_engine_totals(b->engine, &t);
    return t.handles_live;
}

/* Application 0 is about to close its line. */
static struct cf_bed *bed_closing(uint64_t calls, uint32_t slice) {
    struct cf_bed *b = cf_bed_new(&(struct cf_bed_options){.ports = PORTS, .calls = calls, .sweep_slice = slice});
    cf_bed_offer(b, calls, 0);
    cf_bed_must(handles(b) == calls * PORTS, "not everybody has a handle of each call");
    cf_bed_close(&b->apps[0]);
    return b;
}

static bool sweeps(const struct cf_bed *b) { return handles(b) != b->calls * (PORTS - 1); }

static void check_end(const struct cf_bed *b) {
    for (uint32_t p = 1; p < PORTS; p++)
        cf_bed_must(b->apps[p].down->down.missed == 0, "one of the others has missed something");
}

#define SWEEP(calls, slice) {"sweep", bed_closing, sweeps, check_end, false, calls, slice}
#define BESIDE(calls, slice) {"beside", bed_closing, sweeps, check_end, true, calls, slice}

static const struct cf_beside_work works[] = {
    SWEEP(10000, 64),   SWEEP(100000, 64),    SWEEP(1000000, 64),  SWEEP(1000000, 256), BESIDE(100000, 64),
    BESIDE(1000000, 256), BESIDE(1000000, 64), BESIDE(1000000, 32), BESIDE(1000000, 16),
};

int main(int argc, char **argv) { return cf_beside_main(argc, argv, works, sizeof works / sizeof works[0]); }
