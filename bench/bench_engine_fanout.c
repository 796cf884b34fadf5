/*
 * Question: what does one delivery of a LINE_CALLSTATE cost the engine, with 1, 4, 16 and 64 monitoring ports and 10 K, 100 K, 1 M or 10 M live
 * calls? Where does that bend?
 *
 * Expected: a delivery moves one 64-byte slot of the port's ring (written by the engine, last read by the consumer), plus its share of the
 * call's own lines: table entry, state, references, journaled, three or four lines of DRAM per event once the calls are many times the caches. At 16
 * ports about 4 to 8 ns. It bends where what a state touches of the calls (136 bytes each) leaves the second-level cache (4 K calls in 512 KiB), the third
 * (250 K calls in 32 MiB) and the reach of the page tables' cache, and where all rings together leave the third-level cache: a ring of 4 MiB is
 * written from end to end whatever the consumer has read, so 8 of them fill 32 MiB, and from there on each delivery is a line of DRAM.
 *
 * Method: the engine of the product over the product's layout (sealed memfds for ports, the state region as callfand reserves it). A
 * provider's up ring is filled with 64 LINE_CALLSTATE events of random calls, one turn takes them: the turn is what is timed, publishing
 * included. The consumers acknowledge everything before the next turn, so no ring is ever full. Stopping and starting the clock takes up to 1 us a
 * turn, which with one port is 10 to 15 ns of each delivery, in the reference too.
 * Huge pages are asked for as the daemon does; bench_engine_fanout says first whether the system grants them. fanout_small is the same
 * without asking, compared with fanout: what page walks cost.
 * The reference stores the same lines in the same turns: for each of 64 events the sequence word, body and commit word of one slot
 * in each of P rings of the same size, which begin where real ones do, and nothing else. It has no calls: that it is run once for each number of
 * them shows how steady the machine is.
 * What would not fit the engine's ceilings or the machine's memory is not begun; a line says what it would take. Counter: memory of state and ports.
 */
#include <stdio.h>

#include "bench/cbench.h"
#include "bench/support/engine_bed.h"
#include "callfan/tapi_const.h"
#include "shm/port.h"
#include "shm/sys_memory.h"

static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

/* Google Benchmark runs a function several times; the bed of the last arguments is kept. */
static struct cf_bed *kept;

/* NULL: it cannot be, and the run was given up. */
static struct cf_bed *bed_for(struct cbench_state *s, const struct cf_bed_options *o) {
    char why[256];
    if (kept != NULL && kept->ports == o->ports && kept->calls == o->calls && kept->small_pages == o->small_pages)
        return kept;
    if (kept != NULL)
        cf_bed_free(kept);
    kept = NULL;
    if (!cf_bed_fits(o, 0, why, sizeof why)) { /* memory that was there when the program began */
        cbench_fail(s, why);
        return NULL;
    }
    struct cf_bed *b = cf_bed_new(o);
    struct cf_engine_totals t;
    cf_bed_offer(b, o->calls, 0);
    cf_engine_totals(b->engine, &t);
    cf_bed_must(t.calls_live == o->calls && t.handles_live == o->calls * o->ports, "not every call was announced");
    return kept = b;
}

static struct cf_bed_options options_for(const int64_t args[2]) {
    uint64_t calls = (uint64_t)args[1];
    return (struct cf_bed_options){.ports = (uint32_t)args[0], .calls = cbench_smoke() ? 2000 : calls};
}

static void run(struct cbench_state *s, bool small_pages) {
    struct cf_bed_options o = options_for((const int64_t[]){cbench_range(s, 0), cbench_range(s, 1)});
    o.small_pages = small_pages;
    struct cf_bed *b = bed_for(s, &o);
    if (b == NULL)
        return;
    uint64_t seed = 88172645463325252u;
    for (int64_t n; (n = cbench_take(s, CF_BED_EVENTS)) != 0;) {
        cbench_pause(s);
        for (int64_t i = 0; i < n; i++)
            cf_bed_state(b, cf_bed_call(next_random(&seed) % b->calls, 0), i & 1 ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED);
        for (uint32_t p = 0; p < b->ports; p++)
            cf_bed_acknowledge(&b->apps[p]);
        cbench_resume(s);
        cf_bed_turn(b);
    }
    cbench_items(s, cbench_iterations(s) * b->ports);
    cbench_counter(s, "memory_mib", (double)cf_bed_bytes_now(b) / (1 << 20), CBENCH_PLAIN);
}

static void fanout(struct cbench_state *s, void *arg) {
    (void)arg;
    run(s, false);
}

static void fanout_small(struct cbench_state *s, void *arg) {
    char name[64];
    (void)arg;
    run(s, true);
    snprintf(name, sizeof name, "fanout/%d/%d", (int)cbench_range(s, 0), (int)cbench_range(s, 1));
    cbench_compare(s, name);
}

static void fanout_ref(struct cbench_state *s, void *arg) {
    (void)arg;
    uint32_t ports = (uint32_t)cbench_range(s, 0);
    struct cf_slot *rings[CF_BED_APPLICATIONS_MAX];
    uint64_t mask = CF_BED_RING_BYTES / CF_SLOT_BYTES - 1, tail = 0;
    for (uint32_t p = 0; p < ports; p++)
        rings[p] = cf_bed_object(CF_BED_RING_BYTES);
    for (int64_t n; (n = cbench_take(s, CF_BED_EVENTS)) != 0;) {
        cbench_pause(s);
        cbench_resume(s);
        for (uint64_t i = tail; i < tail + (uint64_t)n; i++)
            for (uint32_t p = 0; p < ports; p++) {
                struct cf_message *m = (struct cf_message *)&rings[p][(i + cf_port_down_first(p)) & mask];
                m->sequence = i;
                m->time_ns = (int64_t)i;
                m->device = i;
                m->param1 = m->param2 = m->param3 = i;
                m->id = LINE_CALLSTATE;
                m->slots = 1;
                m->flags = 0;
                m->open_line = p;
            }
        for (uint32_t p = 0; p < ports; p++)
            for (uint64_t i = tail + (uint64_t)n; i-- > tail;)
                cf_store_release_64(&rings[p][(i + cf_port_down_first(p)) & mask].commit, i + 1);
        tail += (uint64_t)n;
    }
    cbench_items(s, cbench_iterations(s) * ports);
    for (uint32_t p = 0; p < ports; p++)
        cf_memory_unmap(rings[p], CF_BED_RING_BYTES);
}

static const int64_t ports[] = {1, 4, 16, 64}, calls[] = {10000, 100000, 1000000, 10000000};
static const int64_t small[][2] = {{64, 10000}, {1, 1000000}, {16, 1000000}}; /* many rings; many calls; both */

/* Where it fits. */
static void add(struct cbench *engine, struct cbench *ref, const char *name, const int64_t args[2]) {
    struct cf_bed_options o = options_for(args);
    char why[256];
    if (cbench_smoke() && args[1] != calls[0])
        return; /* they would all have the same few calls */
    if (!cf_bed_fits(&o, 0, why, sizeof why)) {
        fprintf(stderr, "not measured: %s/%d/%d %s\n", name, (int)args[0], (int)args[1], why);
        return;
    }
    cbench_args(engine, args, 2);
    if (ref != NULL)
        cbench_args(ref, args, 2);
}

int main(int argc, char **argv) {
    if (!cbench_init(&argc, argv))
        return 1;
    fprintf(stderr, "huge pages: %s\n", cf_memory_grants_huge() ? "granted" : "the system grants none");
    cf_bed_tell_ceilings();
    struct cbench *engine = cbench_add("fanout", fanout, NULL), *without = cbench_add("fanout_small", fanout_small, NULL),
                  *ref = cbench_add("fanout_ref", fanout_ref, NULL);
    for (size_t p = 0; p < sizeof ports / sizeof ports[0]; p++)
        for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++)
            add(engine, ref, "fanout", (const int64_t[]){ports[p], calls[c]});
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        add(without, NULL, "fanout_small", small[i]);
    return cbench_run();
}
