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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cbench.h"
#include "callfan/provider.h"
#include "core/engine.h"
#include "shm/fields.h"
#include "shm/handle.h"
#include "shm/request.h"
#include "shm/sys_memory.h"

#define RING_BYTES (4u << 20)
#define EVENTS 64

struct peer {
    struct cf_port_down *down;
    struct cf_port_up *up;
    size_t down_bytes, up_bytes;
    struct cf_ring_producer out;
    struct cf_ring_consumer in;
};

struct bed {
    void *state, *memory;
    uint64_t state_bytes;
    int state_fd;
    struct cf_engine *engine;
    struct peer door, provider, apps[16];
    uint32_t ports;
    uint64_t calls;
    int64_t now;
    struct cf_engine_result result;
};

static void must(bool ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "bench_engine_fanout: %s\n", what);
        exit(1);
    }
}

static void *object(enum cf_object kind, size_t bytes) {
    int fd = -1;
    void *p = NULL;
    must(cf_memory_create("bench", kind, bytes, &fd) == 0 && cf_memory_reserve(bytes, &p) == 0 &&
             cf_memory_map(fd, bytes, CF_ACCESS_WRITE, p, &p) == 0,
         "no memory object");
    cf_memory_advise_huge(p, bytes);
    must(cf_memory_populate(p, bytes, true) == 0 && cf_memory_seal(fd, kind) == 0, "no memory object");
    return p;
}

static void join(struct peer *p) {
    const struct cf_port_header *h = &p->down->header;
    cf_ring_producer_init(&p->out, cf_port_up_ring(p->up), h->up_slots, &p->down->up.up_ack, 0);
    cf_ring_consumer_init(&p->in, cf_port_down_ring(p->down, h->reply_slots), h->down_slots, 0);
}

static void turn(struct bed *b) { cf_engine_turn(b->engine, b->now += 1000, &b->result); }

static void put(struct peer *p, uint16_t id, uint8_t flags, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    struct cf_record r = {.m = {.id = id, .flags = flags, .device = device, .param1 = p1, .param2 = p2, .param3 = p3}};
    must(cf_ring_put(&p->out, &r), "up ring full");
}

static void acknowledge(struct peer *p) {
    p->in.head = p->down->down.tail;
    p->up->messages_acked = p->down->down.messages;
    cf_ring_acknowledge(&p->up->down_ack, p->in.head);
}

static void attach(struct bed *b, struct peer *p, uint32_t port, uint32_t kind) {
    uint32_t replies = kind == CF_PORT_APPLICATION ? CF_REPLY_SLOTS : 0;
    uint64_t slots = RING_BYTES / CF_SLOT_BYTES;
    p->down_bytes = cf_port_down_bytes(replies, slots);
    p->up_bytes = cf_port_up_bytes(slots);
    p->down = object(CF_OBJECT_DOWN, p->down_bytes);
    p->up = object(CF_OBJECT_UP, p->up_bytes);
    struct cf_port_header h = {.kind = kind, .port = port, .generation = 1, .down_slots = slots, .up_slots = slots, .reply_slots = replies};
    cf_port_format(p->down, &h);
    join(p);
    cf_engine_map_port(b->engine, port, p->down, p->up);
    put(&b->door, CF_DOOR_ATTACH, 0, 0, port, kind, 1);
    turn(b);
    acknowledge(&b->door);
}

static void offer_calls(struct bed *b) {
    for (uint64_t i = 0; i < b->calls; i++) {
        struct cf_record r = {.m = {.id = CF_EV_NEW_CALL, .device = cf_handle_make((uint32_t)i, CF_KIND_PROVIDER, 1),
                                    .param2 = LINECALLSTATE_OFFERING, .param3 = LINEMEDIAMODE_INTERACTIVEVOICE}};
        cf_fields_append_text(&r, CF_FIELD_CALLER, "2025550100");
        cf_fields_append_text(&r, CF_FIELD_CALLED, "2025550199");
        must(cf_ring_put(&b->provider.out, &r), "up ring full");
        if (i % 32 == 31 || i + 1 == b->calls) {
            while (b->provider.down->up.up_ack != b->provider.out.tail)
                turn(b);
            for (uint32_t p = 0; p < b->ports; p++)
                acknowledge(&b->apps[p]);
            acknowledge(&b->provider);
        }
    }
    struct cf_engine_totals t;
    cf_engine_totals(b->engine, &t);
    must(t.calls_live == b->calls && t.handles_live == b->calls * b->ports, "not every call was announced");
}

static void advise_table(void *state, uint64_t at, uint64_t bytes) { cf_memory_advise_huge((uint8_t *)state + at, bytes); }

static struct bed *bed_new(uint32_t ports, uint64_t calls) {
    struct bed *b = calloc(1, sizeof *b);
    struct cf_limits l;
    cf_limits_default(&l);
    l.applications = 16;
    l.providers = 1;
    l.lines = l.open_lines = 1024;
    l.calls = l.calls_per_provider = (uint32_t)(calls < 1024 ? 1024 : calls);
    l.handles = l.calls;
    l.port_records = EVENTS;
    b->ports = ports;
    b->calls = calls;
    b->state_bytes = cf_engine_state_bytes(&l);
    must(cf_memory_sparse("bench-state", b->state_bytes, &b->state_fd, &b->state) == 0, "no state region");
    cf_engine_state_tables(&l, advise_table, b->state);
    b->memory = aligned_alloc(64, cf_engine_private_bytes());
    struct cf_engine_options o = {0};
    b->engine = cf_engine_create(b->memory, b->state, b->state_bytes, &l, &o);
    must(b->engine != NULL, "no engine");
    b->door.down = cf_engine_door_down(b->engine);
    b->door.up = cf_engine_door_up(b->engine);
    join(&b->door);
    attach(b, &b->provider, 1, CF_PORT_PROVIDER);
    put(&b->provider, CF_EV_LINE, 0, 0, 0, 0, 0);
    turn(b);
    for (uint32_t p = 0; p < ports; p++) {
        attach(b, &b->apps[p], 2 + p, CF_PORT_APPLICATION);
        put(&b->apps[p], CF_REQ_OPEN, 0, cf_handle_of_usage(0, 0, CF_KIND_LINE, 1), 0, LINECALLPRIVILEGE_MONITOR, 0x20002);
        turn(b);
    }
    offer_calls(b);
    return b;
}

static void bed_free(struct bed *b) {
    struct peer *peers[17] = {&b->provider};
    for (uint32_t p = 0; p < b->ports; p++)
        peers[1 + p] = &b->apps[p];
    for (uint32_t p = 0; p < 1 + b->ports; p++) {
        cf_memory_unmap(peers[p]->down, peers[p]->down_bytes);
        cf_memory_unmap(peers[p]->up, peers[p]->up_bytes);
    }
    cf_memory_unmap(b->state, b->state_bytes);
    close(b->state_fd);
    free(b->memory);
    free(b);
}

static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

/* Google Benchmark runs a function several times; the bed of the last arguments is kept. */
static struct bed *kept;

static struct bed *bed_for(uint32_t ports, uint64_t calls) {
    if (kept == NULL || kept->ports != ports || kept->calls != calls) {
        if (kept != NULL)
            bed_free(kept);
        kept = bed_new(ports, calls);
    }
    return kept;
}

static void fanout(struct cbench_state *s, void *arg) {
    (void)arg;
    uint32_t ports = (uint32_t)cbench_range(s, 0);
    uint64_t calls = (uint64_t)cbench_range(s, 1), seed = 88172645463325252u;
    struct bed *b = bed_for(ports, cbench_smoke() && calls > 10000 ? 10000 : calls);
    for (int64_t n; (n = cbench_take(s, EVENTS)) != 0;) {
        cbench_pause(s);
        for (int64_t i = 0; i < n; i++)
            put(&b->provider, CF_EV_CALL_STATE, 0,
                cf_handle_make((uint32_t)(next_random(&seed) % b->calls), CF_KIND_PROVIDER, 1),
                i & 1 ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED, 0, 0);
        for (uint32_t p = 0; p < ports; p++)
            acknowledge(&b->apps[p]);
        cbench_resume(s);
        turn(b);
    }
    cbench_items(s, cbench_iterations(s) * ports);
}

static void fanout_ref(struct cbench_state *s, void *arg) {
    (void)arg;
    uint32_t ports = (uint32_t)cbench_range(s, 0);
    struct cf_slot *rings[16];
    uint64_t mask = RING_BYTES / CF_SLOT_BYTES - 1, tail = 0;
    for (uint32_t p = 0; p < ports; p++)
        rings[p] = object(CF_OBJECT_DOWN, RING_BYTES);
    for (int64_t n; (n = cbench_take(s, EVENTS)) != 0;) {
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
        cf_memory_unmap(rings[p], RING_BYTES);
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
