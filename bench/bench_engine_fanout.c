/*
 * Question: what does one delivery of a LINE_CALLSTATE cost the engine, with 1, 4 and 16 monitoring ports and 10 K or 1 M calls?
 *
 * Expected: a delivery moves one 64-byte slot of the port's ring (written by the engine, last read by the consumer), plus its share of the
 * call's own lines: state and references, two lines of DRAM per event at 1 M calls, journaled. At 16 ports about 4 to 8 ns.
 *
 * Method: the engine of the product over the product's layout (sealed memfds for ports, the state region as callfand reserves it). A
 * provider's up ring is filled with 64 LINE_CALLSTATE events of random calls, one turn takes them: the turn is what is timed, publishing
 * included. The consumers acknowledge everything before the next turn, so no ring is ever full.
 * Huge pages are asked for as the daemon does; bench_engine_fanout says first whether the system grants them.
 * The reference stores the same lines in the same turns: for each of 64 events the sequence word, body and commit word of one slot
 * in each of P rings of the same size, and nothing else.
 */
#include <stdio.h>

#include "bench/cbench.h"
#include "bench/support/engine_bed.h"
#include "callfan/tapi_const.h"
#include "shm/sys_memory.h"

static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

static struct cf_bed *bed_new(uint32_t ports, uint64_t calls) {
    struct cf_bed *b = cf_bed_new(ports, calls, 0);
    struct cf_engine_totals t;
    cf_bed_offer(b, calls, 0);
    cf_engine_totals(b->engine, &t);
    cf_bed_must(t.calls_live == calls && t.handles_live == calls * ports, "not every call was announced");
    return b;
}

/* Google Benchmark runs a function several times; the bed of the last arguments is kept. */
static struct cf_bed *kept;

static struct cf_bed *bed_for(uint32_t ports, uint64_t calls) {
    if (kept == NULL || kept->ports != ports || kept->calls != calls) {
        if (kept != NULL)
            cf_bed_free(kept);
        kept = bed_new(ports, calls);
    }
    return kept;
}

static void fanout(struct cbench_state *s, void *arg) {
    (void)arg;
    uint32_t ports = (uint32_t)cbench_range(s, 0);
    uint64_t calls = (uint64_t)cbench_range(s, 1), seed = 88172645463325252u;
    struct cf_bed *b = bed_for(ports, cbench_smoke() && calls > 10000 ? 10000 : calls);
    for (int64_t n; (n = cbench_take(s, CF_BED_EVENTS)) != 0;) {
        cbench_pause(s);
        for (int64_t i = 0; i < n; i++)
            cf_bed_state(b, next_random(&seed) % b->calls, i & 1 ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED);
        for (uint32_t p = 0; p < ports; p++)
            cf_bed_acknowledge(&b->apps[p]);
        cbench_resume(s);
        cf_bed_turn(b);
    }
    cbench_items(s, cbench_iterations(s) * ports);
}

static void fanout_ref(struct cbench_state *s, void *arg) {
    (void)arg;
    uint32_t ports = (uint32_t)cbench_range(s, 0);
    struct cf_slot *rings[16];
    uint64_t mask = CF_BED_RING_BYTES / CF_SLOT_BYTES - 1, tail = 0;
    for (uint32_t p = 0; p < ports; p++)
        rings[p] = cf_bed_object(CF_BED_RING_BYTES);
    for (int64_t n; (n = cbench_take(s, CF_BED_EVENTS)) != 0;) {
        cbench_pause(s);
        cbench_resume(s);
        for (uint64_t i = tail; i < tail + (uint64_t)n; i++)
            for (uint32_t p = 0; p < ports; p++) {
                struct cf_message *m = (struct cf_message *)&rings[p][i & mask];
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
                cf_store_release_64(&rings[p][i & mask].commit, i + 1);
        tail += (uint64_t)n;
    }
    cbench_items(s, cbench_iterations(s) * ports);
    for (uint32_t p = 0; p < ports; p++)
        cf_memory_unmap(rings[p], CF_BED_RING_BYTES);
}

int main(int argc, char **argv) {
    static const int64_t args[][2] = {{1, 10000}, {4, 10000}, {16, 10000}, {1, 1000000}, {4, 1000000}, {16, 1000000}};
    if (!cbench_init(&argc, argv))
        return 1;
    fprintf(stderr, "huge pages: %s\n", cf_memory_grants_huge() ? "granted" : "the system grants none");
    struct cbench *engine = cbench_add("fanout", fanout, NULL), *ref = cbench_add("fanout_ref", fanout_ref, NULL);
    for (size_t i = 0; i < sizeof args / sizeof args[0]; i++) {
        cbench_args(engine, args[i], 2);
        cbench_args(ref, args[i], 2);
    }
    return cbench_run();
}
