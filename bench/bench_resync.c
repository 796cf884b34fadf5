/*
 * Question: an application was behind while N calls came, or changed. How long until a resync has told it of all of them, what does a call
 * cost, and what do the other applications notice meanwhile? The goal: 2 M calls within 2 s, the others' p99 moved by at most 10 %.
 *
 * Expected: to announce a call is a handle (a line of the application's table), a reference (one of the call's lines), three slots of the ring
 * (announcement with two numbers, state) and two bits of marks: some six lines, of which three or four are cold at 2 M calls: 200 to 400 ns, so
 * 2 M calls take 0.4 to 0.8 s. To tell the state of a changed handle is a slot, the handle and the call: 100 ns. A turn does resync_slice of
 * them (512 by default): events of others wait up to 100 to 200 us for it.
 *
 * Method: the engine of the product over the product's layout (support/engine_bed.h), 8 applications. Application 0 stands still until its ring
 * is full; then N calls come (announce) or change (state). Then it reads all that there is after each turn, and the turns until RESYNC_END are
 * what is timed, with no other traffic. One resync per run, each with a new engine. The second argument is resync_slice.
 * beside: meanwhile there is traffic (support/beside.h), and the same for as many events again after RESYNC_END: counters with_ and without_. In a
 * service the others' wake-ups (up to 250 us) come on top of both.
 */
#include <stdio.h>

#include "bench/cbench.h"
#include "bench/support/beside.h"
#include "bench/support/engine_bed.h"
#include "callfan/tapi_const.h"
#include "shm/sys_memory.h"

enum { PORTS = 8 };

/* ---- the outage ---- */

static bool behind(const struct cf_bed *b) { return b->apps[0].down->down.behind != 0; }

static void others_read(struct cf_bed *b) {
    for (uint32_t p = 1; p < b->ports; p++)
        cf_bed_acknowledge(&b->apps[p]);
}

/* Call 0 toggles until the ring of application 0 is full. */
static void fill_ring(struct cf_bed *b) {
    for (uint64_t i = 0; !behind(b); i += CF_BED_EVENTS) {
        cf_bed_must(i < 2 * CF_BED_RING_BYTES / CF_SLOT_BYTES, "the ring does not fill");
        for (uint32_t j = 0; j < CF_BED_EVENTS; j++)
            cf_bed_state(b, cf_bed_call(0, 0), j & 1 ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED);
        cf_bed_turn(b);
        others_read(b);
    }
}

static void change_all(struct cf_bed *b) {
    for (uint64_t i = 1; i < b->calls; i++) {
        cf_bed_state(b, cf_bed_call(i, 0), LINECALLSTATE_CONNECTED);
        if (i % CF_BED_EVENTS != 0 && i + 1 != b->calls)
            continue;
        cf_bed_turn(b);
        others_read(b);
    }
}

/* Application 0 is behind, and was told nothing of `calls` calls, or of their newest states. */
static struct cf_bed *bed_behind(uint64_t calls, uint32_t slice, bool known) {
    struct cf_bed *b = cf_bed_new(&(struct cf_bed_options){.ports = PORTS, .calls = calls + 1, .resync_slice = slice});
    cf_bed_offer(b, known ? calls + 1 : 1, 0);
    fill_ring(b);
    if (known)
        change_all(b);
    else
        cf_bed_offer(b, calls, 1);
    cf_bed_must(behind(b), "it is not behind");
    return b;
}

/* Everybody has a handle of every call, and nobody is behind. */
static void check_end(const struct cf_bed *b) {
    struct cf_engine_totals t;
    cf_engine_totals(b->engine, &t);
    cf_bed_must(t.calls_live == b->calls && t.handles_live == b->calls * b->ports, "not every call was announced");
}

/* ---- figures ---- */

static uint64_t calls_of(struct cbench_state *s) {
    uint64_t calls = (uint64_t)cbench_range(s, 0);
    return cbench_smoke() && calls > 1000 ? 1000 : calls;
}

/* How long a resync took. In the short run nobody reads it, and one is enough. */
static void took(struct cbench_state *s, int64_t ns) { cbench_set_time(s, cbench_smoke() ? 1 : (double)ns / 1e9); }

/* ---- alone ---- */

static void resync(struct cbench_state *s, bool known) {
    uint64_t calls = calls_of(s);
    struct cf_beside_samples turns = cf_beside_samples_new();
    CBENCH_LOOP (s) {
        struct cf_bed *b = bed_behind(calls, (uint32_t)cbench_range(s, 1), known);
        int64_t sum_ns = 0;
        while (behind(b)) {
            cf_bed_acknowledge(&b->apps[0]);
            int64_t from_ns = cf_beside_cpu_ns();
            cf_bed_turn(b);
            int64_t took_ns = cf_beside_cpu_ns() - from_ns;
            cf_beside_add(&turns, took_ns);
            sum_ns += took_ns;
        }
        check_end(b);
        cf_bed_free(b);
        took(s, sum_ns);
    }
    cbench_items(s, cbench_iterations(s) * (int64_t)calls);
    cf_beside_counters(s, "", &turns, NULL);
    cf_beside_samples_free(&turns);
}

static void announce(struct cbench_state *s, void *arg) {
    (void)arg;
    resync(s, false);
}

static void state(struct cbench_state *s, void *arg) {
    (void)arg;
    resync(s, true);
}

/* ---- beside traffic ---- */

static void beside(struct cbench_state *s, void *arg) {
    (void)arg;
    uint64_t calls = calls_of(s);
    struct cf_beside_samples turns[2] = {cf_beside_samples_new(), cf_beside_samples_new()};
    struct cf_beside_samples delays[2] = {cf_beside_samples_new(), cf_beside_samples_new()};
    CBENCH_LOOP (s) {
        struct cf_beside t = {bed_behind(calls, (uint32_t)cbench_range(s, 1), false), cf_beside_cpu_ns(), 88172645463325252u, &turns[0], &delays[0]};
        int64_t from_ns = t.due_ns;
        while (behind(t.b))
            cf_beside_step(&t, true);
        took(s, cf_beside_cpu_ns() - from_ns);
        t.turns = &turns[1];
        t.delays = &delays[1];
        cf_beside_alone(&t, &delays[0]);
        check_end(t.b);
        cf_bed_free(t.b);
    }
    cbench_items(s, cbench_iterations(s) * (int64_t)calls);
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
    {"announce", announce, 10000, 512},   {"announce", announce, 100000, 512}, {"announce", announce, 1000000, 512},
    {"announce", announce, 2000000, 512}, {"announce", announce, 2000000, 32}, {"state", state, 10000, 512},
    {"state", state, 100000, 512},        {"state", state, 1000000, 512},      {"state", state, 2000000, 512},
    {"beside", beside, 100000, 512},      {"beside", beside, 2000000, 512},    {"beside", beside, 2000000, 64},
    {"beside", beside, 2000000, 32},
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
