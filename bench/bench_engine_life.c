/*
 * Question: what does the whole life of a call cost the engine, per call and per message, with 1, 4, 16 and 64 monitoring ports and 10 K to 10 M
 * live calls, and which part of that life grows with what?
 *
 * A life: a new call, OFFERING, of which each port gets a handle (LINE_APPNEWCALL with two numbers, LINE_CALLSTATE); ACCEPTED, CONNECTED,
 * DISCONNECTED, IDLE; then each port gives its handle back (lineDeallocateCall) and the provider is told to forget the call. Six messages and a
 * record per port.
 *
 * Expected: per port twelve lines: seven slots of its ring, the slot of its own ring that gives the handle back, the handle (16 bytes, random) and
 * two words of marks, the handle twice. Per call some 40: in each of five stages the provider's slot and table entry, the call's state and references; the
 * whole call at its beginning and end; neighbours on the line's list. With 16 ports 15 to 50 ns a message by the lines, some 75 by the
 * instructions, if they overlap as those of states do. Not proportional: a new handle asks whether its open has one already, and each release looks at all references of
 * the call for ones that are void, so both grow with the square of the ports, by some ns for each pair.
 *
 * Method: the engine of the product over the product's layout (support/engine_bed.h), huge pages asked for. N calls live all the time
 * (support/call_flow.h): in a round 256 begin, 256 others enter each of the further stages, 256 end. Which ones end is drawn from all that stand, and
 * slots wait in the free queues until N/16 others were used, so that the lines of a call are where they are in a service with N calls. Between two stages of
 * a call N/64 other calls enter the same stage. The provider's ring is filled with 256 events of one stage, the turns that take them are timed,
 * 64 records each; the applications acknowledge; of IDLE they read the handle, put the release, and the turns that take those are timed. All is CPU
 * time of one thread: what others take of the processor is not in it. No line comes from another processor's cache, as half of them do in a service.
 * At the end every call, handle and message is counted.
 * The reference moves the same lines in the same order of the same calls and does nothing else: call, references, table entry and handle in
 * memory of the same kind and size, the neighbours' links, the slots of rings of the same size. No journal, no privilege, no look whether anybody lives.
 * What would not fit the engine's ceilings or the machine's memory is not begun; a line says what it would take.
 * Time per item is time per message. Counters, ns: call, a whole life; offering, accepted, connected, disconnected, idle, release: per call and port. Memory:
 * of state and ports, or of the reference.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/cbench.h"
#include "bench/support/bare_calls.h"
#include "bench/support/call_flow.h"
#include "bench/support/engine_bed.h"
#include "callfan/tapi_const.h"
#include "shm/sys_memory.h"

enum {
    BATCH = 256,
    MESSAGES = 6,  /* to each port in a life */
    RELEASE = CF_STAGES,
    PARTS
};

static const char *const part_names[PARTS] = {"offering", "accepted", "connected", "disconnected", "idle", "release"};
static const uint32_t states[CF_STAGES] = {LINECALLSTATE_OFFERING, LINECALLSTATE_ACCEPTED, LINECALLSTATE_CONNECTED, LINECALLSTATE_DISCONNECTED,
                                           LINECALLSTATE_IDLE};

static int64_t cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Whole batches, one at least. */
static uint64_t batches(uint64_t calls) { return (calls + BATCH - 1) / BATCH * BATCH; }
static uint64_t spare_of(uint64_t calls) { return batches(calls / 16); }
static uint64_t distance_of(uint64_t calls) { return batches(calls / 64); }

struct times {
    int64_t ns[PARTS];
};

/* ------------------------------------------------------------------ the engine */

struct life {
    struct cf_bed *b;
    struct cf_flow flow;
};

static struct life *life_new(const struct cf_bed_options *o, uint64_t calls) {
    struct life *l = calloc(1, sizeof *l);
    cf_bed_must(l != NULL, "no memory");
    l->b = cf_bed_new(o);
    cf_bed_offer(l->b, o->calls, 0);
    cf_flow_init(&l->flow, calls, o->calls - calls, distance_of(calls), BATCH);
    return l;
}

static void life_free(struct life *l) {
    cf_bed_free(l->b);
    cf_flow_fini(&l->flow);
    free(l);
}

/* Turns until so many records were taken. */
static int64_t take(struct cf_bed *b, uint64_t records) {
    int64_t from_ns = cpu_ns();
    for (uint64_t taken = 0; taken < records; taken += b->result.records)
        cf_bed_turn(b);
    return cpu_ns() - from_ns;
}

/* Everybody gives back the handle of each call that became IDLE: what he has not read yet. */
static int64_t release_all(struct cf_bed *b) {
    for (uint32_t p = 0; p < b->ports; p++) {
        struct cf_bed_peer *a = &b->apps[p];
        uint32_t n = 0;
        for (const struct cf_message *m; (m = cf_ring_peek(&a->in)) != NULL; n++) {
            cf_bed_must(m->id == LINE_CALLSTATE && m->param1 == LINECALLSTATE_IDLE, "something else than IDLE was told");
            cf_bed_release(a, m->device);
            cf_ring_consume(&a->in, m);
        }
        cf_bed_must(n == BATCH, "not every call was told IDLE");
        cf_bed_acknowledge(a);
    }
    return take(b, (uint64_t)BATCH * b->ports);
}

/* False: not every stage was ready. */
static bool life_round(struct life *l, struct times *t) {
    bool all = true;
    for (int s = 0; s < CF_STAGES; s++) {
        if (!cf_flow_ready(&l->flow, (enum cf_stage)s)) {
            all = false;
            continue;
        }
        for (int i = 0; i < BATCH; i++) {
            uint32_t lived, number = cf_flow_enter(&l->flow, (enum cf_stage)s, &lived);
            if (s == CF_STAGE_OFFERING)
                cf_bed_new_call(l->b, cf_bed_call(number, lived));
            else
                cf_bed_state(l->b, cf_bed_call(number, lived), states[s]);
        }
        t->ns[s] += take(l->b, BATCH);
        if (s == CF_STAGE_IDLE)
            t->ns[RELEASE] += release_all(l->b);
        for (uint32_t p = 0; p < l->b->ports; p++)
            cf_bed_acknowledge(&l->b->apps[p]);
        cf_bed_acknowledge(&l->b->provider);
    }
    return all;
}

static struct cf_engine_totals totals_of(const struct life *l) {
    struct cf_engine_totals t;
    cf_engine_totals(l->b->engine, &t);
    return t;
}

/* So many calls lived since; nothing was lost, and nothing is left of them. */
static void check(const struct life *l, const struct cf_engine_totals *before, uint64_t lived) {
    struct cf_engine_totals now = totals_of(l);
    uint64_t ports = l->b->ports;
    cf_bed_must(now.calls_live == l->flow.calls && now.handles_live == l->flow.calls * ports, "calls or handles are left or missing");
    cf_bed_must(now.calls_ended - before->calls_ended == lived && now.deliveries - before->deliveries == lived * MESSAGES * ports,
                "not every message was told");
    cf_bed_must(now.stale_events + now.stale_requests + now.bad_records + now.handles_refused == 0, "something was refused");
    for (uint64_t p = 0; p < ports; p++)
        cf_bed_must(l->b->apps[p].down->down.missed == 0, "a port fell behind");
}

/* ------------------------------------------------------------------ the same lines, bare */

struct bare {
    struct cf_bare_calls *calls;
    struct cf_flow flow;
};

static struct bare *bare_new(uint32_t ports, uint64_t calls) {
    struct bare *r = calloc(1, sizeof *r);
    cf_bed_must(r != NULL, "no memory");
    r->calls = cf_bare_calls_new(ports, calls + spare_of(calls));
    cf_flow_init(&r->flow, calls, spare_of(calls), distance_of(calls), BATCH);
    return r;
}

static void bare_free(struct bare *r) {
    cf_bare_calls_free(r->calls);
    cf_flow_fini(&r->flow);
    free(r);
}

static bool bare_round(struct bare *r, struct times *t) {
    bool all = true;
    uint32_t numbers[BATCH];
    for (int s = 0; s < CF_STAGES; s++) {
        if (!cf_flow_ready(&r->flow, (enum cf_stage)s)) {
            all = false;
            continue;
        }
        for (int i = 0; i < BATCH; i++)
            numbers[i] = cf_flow_enter(&r->flow, (enum cf_stage)s, NULL);
        int64_t from_ns = cpu_ns();
        for (int i = 0; i < BATCH; i += CF_BED_EVENTS)
            cf_bare_calls_turn(r->calls, numbers + i, states[s]);
        t->ns[s] += cpu_ns() - from_ns;
        if (s != CF_STAGE_IDLE)
            continue;
        cf_bare_calls_ask(r->calls, numbers, BATCH);
        from_ns = cpu_ns();
        for (int i = 0; i < BATCH; i += CF_BED_EVENTS)
            cf_bare_calls_release(r->calls, numbers + i);
        t->ns[RELEASE] += cpu_ns() - from_ns;
    }
    return all;
}

/* ------------------------------------------------------------------ runs */

/* Google Benchmark runs a function several times; what the last arguments made is kept, the one or the other. */
static struct life *kept_life;
static struct bare *kept_bare;

static void forget(void) {
    if (kept_life != NULL)
        life_free(kept_life);
    if (kept_bare != NULL)
        bare_free(kept_bare);
    kept_life = NULL;
    kept_bare = NULL;
}

static uint64_t calls_of(int64_t calls) { return cbench_smoke() ? 2000 : (uint64_t)calls; }

static struct cf_bed_options options_for(uint32_t ports, uint64_t calls) {
    return (struct cf_bed_options){.ports = ports, .calls = calls + spare_of(calls)};
}

/* Four lists of numbers beside the bed. */
static bool fits(const struct cf_bed_options *o, char *why, size_t why_bytes) {
    return cf_bed_fits(o, o->calls * 4 * sizeof(uint32_t), why, why_bytes);
}

static void report(struct cbench_state *s, const struct times *t, uint64_t bytes) {
    double calls = (double)cbench_iterations(s), ports = (double)cbench_range(s, 0);
    int64_t all_ns = 0;
    for (int i = 0; i < PARTS; i++) {
        cbench_counter(s, part_names[i], (double)t->ns[i] / calls / ports, CBENCH_PLAIN);
        all_ns += t->ns[i];
    }
    cbench_counter(s, "call", (double)all_ns / calls, CBENCH_PLAIN);
    cbench_counter(s, "memory_mib", (double)bytes / (1 << 20), CBENCH_PLAIN);
    cbench_set_time(s, (double)all_ns / 1e9);
    cbench_items(s, cbench_iterations(s) * MESSAGES * cbench_range(s, 0));
}

static void life(struct cbench_state *s, void *arg) {
    (void)arg;
    char why[256];
    struct times t = {0}, prelude = {0};
    struct cf_bed_options o = options_for((uint32_t)cbench_range(s, 0), calls_of(cbench_range(s, 1)));
    uint64_t calls = calls_of(cbench_range(s, 1)), lived = 0;
    if (kept_life == NULL || kept_life->b->ports != o.ports || kept_life->flow.calls != calls) {
        forget();
        if (!fits(&o, why, sizeof why)) { /* memory that was there when the program began */
            cbench_fail(s, why);
            return;
        }
        kept_life = life_new(&o, calls);
        while (!life_round(kept_life, &prelude))
            continue;
    }
    struct cf_engine_totals before = totals_of(kept_life);
    for (; cbench_take(s, BATCH) != 0; lived += BATCH)
        life_round(kept_life, &t);
    check(kept_life, &before, lived);
    report(s, &t, cf_bed_bytes_now(kept_life->b));
}

static void life_ref(struct cbench_state *s, void *arg) {
    (void)arg;
    struct times t = {0}, prelude = {0};
    uint32_t ports = (uint32_t)cbench_range(s, 0);
    uint64_t calls = calls_of(cbench_range(s, 1));
    if (kept_bare == NULL || cf_bare_calls_ports(kept_bare->calls) != ports || kept_bare->flow.calls != calls) {
        char why[256];
        struct cf_bed_options o = options_for(ports, calls);
        forget();
        if (!fits(&o, why, sizeof why)) { /* it takes less, but hardly */
            cbench_fail(s, why);
            return;
        }
        kept_bare = bare_new(ports, calls);
        while (!bare_round(kept_bare, &prelude))
            continue;
    }
    while (cbench_take(s, BATCH) != 0)
        bare_round(kept_bare, &t);
    report(s, &t, cf_bare_calls_bytes(kept_bare->calls));
}

static const int64_t ports[] = {1, 4, 16, 64}, live[] = {10000, 100000, 1000000, 10000000};

int main(int argc, char **argv) {
    if (!cbench_init(&argc, argv))
        return 1;
    fprintf(stderr, "huge pages: %s\n", cf_memory_grants_huge() ? "granted" : "the system grants none");
    cf_bed_tell_ceilings();
    struct cbench *engine = cbench_add("life", life, NULL), *ref = cbench_add("life_ref", life_ref, NULL);
    cbench_manual_time(engine);
    cbench_manual_time(ref);
    for (size_t p = 0; p < sizeof ports / sizeof ports[0]; p++)
        for (size_t c = 0; c < sizeof live / sizeof live[0]; c++) {
            int64_t args[2] = {ports[p], live[c]};
            struct cf_bed_options o = options_for((uint32_t)ports[p], calls_of(live[c]));
            char why[256];
            if (cbench_smoke() && c != 0)
                continue; /* they would all have the same few calls */
            if (!fits(&o, why, sizeof why)) {
                fprintf(stderr, "not measured: life/%d/%d %s\n", (int)ports[p], (int)live[c], why);
                continue;
            }
            cbench_args(engine, args, 2);
            cbench_args(ref, args, 2);
        }
    int result = cbench_run();
    forget();
    return result;
}
