#include "bench/support/engine_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callfan/provider.h"
#include "shm/fields.h"
#include "shm/handle.h"
#include "shm/request.h"
#include "shm/sys_memory.h"

void cf_bed_must(bool ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "benchmark: %s\n", what);
        exit(1);
    }
}

static void *object(enum cf_object kind, uint64_t bytes) {
    int fd = -1;
    void *p = NULL;
    cf_bed_must(cf_memory_create("bench", kind, bytes, &fd) == 0 && cf_memory_reserve(bytes, &p) == 0 &&
                    cf_memory_map(fd, bytes, CF_ACCESS_WRITE, p, &p) == 0,
                "no memory object");
    cf_memory_advise_huge(p, bytes);
    cf_bed_must(cf_memory_populate(p, bytes, true) == 0 && cf_memory_seal(fd, kind) == 0, "no memory object");
    close(fd);
    return p;
}

void *cf_bed_object(uint64_t bytes) { return object(CF_OBJECT_DOWN, bytes); }

static void join(struct cf_bed_peer *p) {
    const struct cf_port_header *h = &p->down->header;
    cf_ring_producer_init(&p->out, cf_port_up_ring(p->up), h->up_slots, &p->down->up.up_ack, 0);
    cf_ring_consumer_init(&p->in, cf_port_down_ring(p->down, h->reply_slots), h->down_slots, 0);
}

void cf_bed_turn(struct cf_bed *b) { cf_engine_turn(b->engine, b->now += 1000, &b->result); }

static void put(struct cf_bed_peer *p, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    struct cf_record r = {.m = {.id = id, .device = device, .param1 = p1, .param2 = p2, .param3 = p3}};
    cf_bed_must(cf_ring_put(&p->out, &r), "up ring full");
}

void cf_bed_acknowledge(struct cf_bed_peer *p) {
    p->in.head = p->down->down.tail;
    p->up->messages_acked = p->down->down.messages;
    cf_ring_acknowledge(&p->up->down_ack, p->in.head);
}

static void attach(struct cf_bed *b, struct cf_bed_peer *p, uint32_t port, uint32_t kind) {
    uint32_t replies = kind == CF_PORT_APPLICATION ? CF_REPLY_SLOTS : 0;
    uint64_t slots = CF_BED_RING_BYTES / CF_SLOT_BYTES;
    p->down_bytes = cf_port_down_bytes(replies, slots);
    p->up_bytes = cf_port_up_bytes(slots);
    p->down = object(CF_OBJECT_DOWN, p->down_bytes);
    p->up = object(CF_OBJECT_UP, p->up_bytes);
    struct cf_port_header h = {.kind = kind, .port = port, .generation = 1, .down_slots = slots, .up_slots = slots, .reply_slots = replies};
    cf_port_format(p->down, &h);
    join(p);
    cf_engine_map_port(b->engine, port, p->down, p->up);
    put(&b->door, CF_DOOR_ATTACH, 0, port, kind, 1);
    cf_bed_turn(b);
    cf_bed_acknowledge(&b->door);
}

static void advise_table(void *state, uint64_t at, uint64_t bytes) { cf_memory_advise_huge((uint8_t *)state + at, bytes); }

static struct cf_limits limits_for(uint64_t calls_max, uint32_t resync_slice) {
    struct cf_limits l;
    cf_limits_default(&l);
    l.applications = CF_BED_APPLICATIONS_MAX;
    l.providers = 1;
    l.lines = l.open_lines = 1024;
    l.calls = l.calls_per_provider = (uint32_t)(calls_max < 1024 ? 1024 : calls_max);
    l.handles = l.calls;
    l.port_records = CF_BED_EVENTS;
    if (resync_slice != 0)
        l.resync_slice = resync_slice;
    return l;
}

struct cf_bed *cf_bed_new(uint32_t ports, uint64_t calls_max, uint32_t resync_slice) {
    struct cf_bed *b = calloc(1, sizeof *b);
    struct cf_limits l = limits_for(calls_max, resync_slice);
    cf_bed_must(b != NULL && ports <= CF_BED_APPLICATIONS_MAX, "no bed");
    b->ports = ports;
    b->state_bytes = cf_engine_state_bytes(&l);
    cf_bed_must(cf_memory_sparse("bench-state", b->state_bytes, &b->state_fd, &b->state) == 0, "no state region");
    cf_engine_state_tables(&l, advise_table, b->state);
    b->memory = aligned_alloc(64, cf_engine_private_bytes());
    struct cf_engine_options o = {0};
    b->engine = cf_engine_create(b->memory, b->state, b->state_bytes, &l, &o);
    cf_bed_must(b->engine != NULL, "no engine");
    b->door.down = cf_engine_door_down(b->engine);
    b->door.up = cf_engine_door_up(b->engine);
    join(&b->door);
    attach(b, &b->provider, 1, CF_PORT_PROVIDER);
    put(&b->provider, CF_EV_LINE, 0, 0, 0, 0);
    cf_bed_turn(b);
    for (uint32_t p = 0; p < ports; p++) {
        attach(b, &b->apps[p], 2 + p, CF_PORT_APPLICATION);
        put(&b->apps[p], CF_REQ_OPEN, cf_handle_of_usage(0, 0, CF_KIND_LINE, 1), 0, LINECALLPRIVILEGE_MONITOR, 0x20002);
        cf_bed_turn(b);
    }
    return b;
}

static void offer_one(struct cf_bed *b) {
    struct cf_record r = {.m = {.id = CF_EV_NEW_CALL, .device = cf_handle_make((uint32_t)b->calls++, CF_KIND_PROVIDER, 1),
                                .param2 = LINECALLSTATE_OFFERING, .param3 = LINEMEDIAMODE_INTERACTIVEVOICE}};
    cf_fields_append_text(&r, CF_FIELD_CALLER, "2025550100");
    cf_fields_append_text(&r, CF_FIELD_CALLED, "2025550199");
    cf_bed_must(cf_ring_put(&b->provider.out, &r), "up ring full");
}

void cf_bed_offer(struct cf_bed *b, uint64_t count, uint32_t first) {
    for (uint64_t i = 1; i <= count; i++) {
        offer_one(b);
        if (i % 32 != 0 && i != count)
            continue;
        while (b->provider.down->up.up_ack != b->provider.out.tail)
            cf_bed_turn(b);
        for (uint32_t p = first; p < b->ports; p++)
            cf_bed_acknowledge(&b->apps[p]);
        cf_bed_acknowledge(&b->provider);
    }
}

void cf_bed_state(struct cf_bed *b, uint64_t call, uint32_t state) {
    put(&b->provider, CF_EV_CALL_STATE, cf_handle_make((uint32_t)call, CF_KIND_PROVIDER, 1), state, 0, 0);
}

void cf_bed_free(struct cf_bed *b) {
    struct cf_bed_peer *peers[1 + CF_BED_APPLICATIONS_MAX] = {&b->provider};
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
