#include "bench/support/engine_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callfan/provider.h"
#include "core/state.h"
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

static void *object(enum cf_object kind, uint64_t bytes, bool small_pages) {
    int fd = -1;
    void *p = NULL;
    cf_bed_must(cf_memory_create("bench", kind, bytes, &fd) == 0 && cf_memory_reserve(bytes, &p) == 0 &&
                    cf_memory_map(fd, bytes, CF_ACCESS_WRITE, p, &p) == 0,
                "no memory object");
    if (!small_pages)
        cf_memory_advise_huge(p, bytes);
    cf_bed_must(cf_memory_populate(p, bytes, true) == 0 && cf_memory_seal(fd, kind) == 0, "no memory object");
    close(fd);
    return p;
}

void *cf_bed_object(uint64_t bytes) { return object(CF_OBJECT_DOWN, bytes, false); }

static void join(struct cf_bed_peer *p) {
    const struct cf_port_header *h = &p->down->header;
    cf_ring_producer_init(&p->out, cf_port_up_ring(p->up), h->up_slots, &p->down->up.up_ack, 0);
    cf_ring_consumer_init(&p->in, cf_port_down_ring(p->down, h->reply_slots), h->down_slots, p->up->down_ack);
}

#define BED_LINE cf_handle_of_usage(0, 0, CF_KIND_LINE, 1) /* each application's HLINE */

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
    bool application = kind == CF_PORT_APPLICATION;
    uint64_t slots = CF_BED_RING_BYTES / CF_SLOT_BYTES, up_slots = application ? CF_BED_UP_RING_BYTES / CF_SLOT_BYTES : slots;
    struct cf_port_header h = {.kind = kind, .port = port, .generation = 1, .down_slots = slots, .up_slots = up_slots,
                               .reply_slots = application ? CF_REPLY_SLOTS : 0};
    p->down_bytes = cf_port_down_bytes(h.reply_slots, slots);
    p->up_bytes = cf_port_up_bytes(up_slots);
    p->down = object(CF_OBJECT_DOWN, p->down_bytes, b->small_pages);
    p->up = object(CF_OBJECT_UP, p->up_bytes, b->small_pages);
    cf_port_format(p->down, &h);
    cf_port_begin(p->down, p->up, cf_port_down_first(port));
    join(p);
    cf_engine_map_port(b->engine, port, p->down, p->up);
    put(&b->door, CF_DOOR_ATTACH, 0, port, kind, 1);
    cf_bed_turn(b);
    cf_bed_acknowledge(&b->door);
}

static void advise_table(void *state, uint64_t at, uint64_t bytes) { cf_memory_advise_huge((uint8_t *)state + at, bytes); }

/* ------------------------------------------------------------------ how large it is */

/* Chunks of references of a call that all have a handle of. */
static uint64_t chunks_of(uint32_t ports) {
    return ports <= CF_REFS_INLINE ? 0 : (ports - CF_REFS_INLINE + CF_REFS_PER_CHUNK - 1) / CF_REFS_PER_CHUNK;
}

/* The engine has two chunks for each call that the limit allows (core/memory.c): where each call needs more of them the limit is higher. */
static uint64_t calls_limit(const struct cf_bed_options *o) {
    uint64_t by_chunks = (o->calls * chunks_of(o->ports) + 1) / 2, most = by_chunks > o->calls ? by_chunks : o->calls;
    return most < 1024 ? 1024 : most;
}

static uint64_t table_bytes(uint64_t bytes) { return (bytes + CF_HUGE_BYTES - 1) / CF_HUGE_BYTES * CF_HUGE_BYTES; }

uint64_t cf_bed_bytes(const struct cf_bed_options *o) {
    uint64_t calls = table_bytes(o->calls * sizeof(struct cf_call)) + table_bytes(o->calls * chunks_of(o->ports) * sizeof(struct cf_ref_chunk));
    uint64_t provider = table_bytes(o->calls * sizeof(struct cf_provider_call)) + 2 * CF_BED_RING_BYTES;
    uint64_t rings = cf_port_down_bytes(CF_REPLY_SLOTS, CF_BED_RING_BYTES / CF_SLOT_BYTES) + cf_port_up_bytes(CF_BED_UP_RING_BYTES / CF_SLOT_BYTES);
    uint64_t handles = table_bytes(o->calls * sizeof(struct cf_call_handle)) + 2 * cf_marks_bytes((uint32_t)calls_limit(o)); /* and its marks */
    return calls + provider + o->ports * (rings + handles) + sizeof(struct cf_journal_log) + (4u << 20);
}

static uint64_t available_bytes(void) {
    unsigned long long kib = 0;
    char line[256];
    FILE *f = fopen("/proc/meminfo", "r");
    while (f != NULL && kib == 0 && fgets(line, sizeof line, f) != NULL)
        sscanf(line, "MemAvailable: %llu kB", &kib);
    if (f != NULL)
        fclose(f);
    return (uint64_t)kib << 10;
}

static double gib(uint64_t bytes) { return (double)bytes / (1u << 30); }

bool cf_bed_fits(const struct cf_bed_options *o, uint64_t beside, char *why, size_t why_bytes) {
    if (o->ports > CF_BED_APPLICATIONS_MAX) {
        snprintf(why, why_bytes, "%u applications, there are %u at most", o->ports, CF_BED_APPLICATIONS_MAX);
        return false;
    }
    if (o->calls > CF_HANDLES_PER_APP_MAX || calls_limit(o) > CF_CALLS_MAX) {
        snprintf(why, why_bytes, "the engine has room for %d calls, %d handles of an application, %d references beside the first %d of each call",
                 CF_CALLS_MAX, CF_HANDLES_PER_APP_MAX, 2 * CF_CALLS_MAX * CF_REFS_PER_CHUNK, CF_REFS_INLINE);
        return false;
    }
    uint64_t wanted = cf_bed_bytes(o) + beside, available = available_bytes();
    if (wanted > available / 10 * 7) {
        snprintf(why, why_bytes, "takes %.1f GiB of memory; %.1f GiB are available, of which a benchmark takes %.1f at most", gib(wanted), gib(available),
                 gib(available / 10 * 7));
        return false;
    }
    return true;
}

void cf_bed_tell_ceilings(void) {
    fprintf(stderr, "ceilings: %d applications (here %d), %d calls, %d handles of an application, %d handles of a call (%d when all calls have so many)\n",
            CF_APPLICATIONS_MAX, CF_BED_APPLICATIONS_MAX, CF_CALLS_MAX, CF_HANDLES_PER_APP_MAX, CF_HANDLES_PER_CALL_MAX,
            CF_REFS_INLINE + 2 * CF_REFS_PER_CHUNK);
}

uint64_t cf_bed_bytes_now(const struct cf_bed *b) {
    struct stat st;
    cf_bed_must(fstat(b->state_fd, &st) == 0, "no state region");
    uint64_t bytes = (uint64_t)st.st_blocks * 512 + b->provider.down_bytes + b->provider.up_bytes;
    for (uint32_t p = 0; p < b->ports; p++)
        bytes += b->apps[p].down_bytes + b->apps[p].up_bytes;
    return bytes;
}

/* ------------------------------------------------------------------ making it */

static struct cf_limits limits_for(const struct cf_bed_options *o) {
    struct cf_limits l;
    cf_limits_default(&l);
    l.applications = CF_BED_APPLICATIONS_MAX;
    l.providers = 1;
    l.lines = l.open_lines = 1024;
    l.calls = (uint32_t)calls_limit(o);
    l.calls_per_provider = l.handles = o->calls < 1024 ? 1024 : (uint32_t)o->calls;
    l.port_records = CF_BED_EVENTS;
    if (o->resync_slice != 0)
        l.resync_slice = o->resync_slice;
    if (o->sweep_slice != 0)
        l.sweep_slice = o->sweep_slice;
    return l;
}

struct cf_bed *cf_bed_new(const struct cf_bed_options *options) {
    struct cf_bed *b = calloc(1, sizeof *b);
    uint32_t ports = options->ports;
    cf_bed_must(b != NULL && ports <= CF_BED_APPLICATIONS_MAX && calls_limit(options) <= CF_CALLS_MAX, "no bed");
    struct cf_limits l = limits_for(options);
    b->ports = ports;
    b->small_pages = options->small_pages;
    b->state_bytes = cf_engine_state_bytes(&l);
    cf_bed_must(cf_memory_sparse("bench-state", b->state_bytes, &b->state_fd, &b->state) == 0, "no state region");
    if (!b->small_pages)
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
        put(&b->apps[p], CF_REQ_OPEN, BED_LINE, 0, LINECALLPRIVILEGE_MONITOR, 0x20002);
        cf_bed_turn(b);
    }
    return b;
}

/* ------------------------------------------------------------------ what peers put */

uint64_t cf_bed_call(uint64_t number, uint32_t life) { return cf_handle_make((uint32_t)number, CF_KIND_PROVIDER, 2 * life + 1); }

void cf_bed_new_call(struct cf_bed *b, uint64_t call) {
    struct cf_record r = {.m = {.id = CF_EV_NEW_CALL, .device = call, .param2 = LINECALLSTATE_OFFERING, .param3 = LINEMEDIAMODE_INTERACTIVEVOICE}};
    cf_fields_append_text(&r, CF_FIELD_CALLER, "2025550100");
    cf_fields_append_text(&r, CF_FIELD_CALLED, "2025550199");
    cf_bed_must(cf_ring_put(&b->provider.out, &r), "up ring full");
}

void cf_bed_state(struct cf_bed *b, uint64_t call, uint32_t state) { put(&b->provider, CF_EV_CALL_STATE, call, state, 0, 0); }

void cf_bed_offer(struct cf_bed *b, uint64_t count, uint32_t first) {
    for (uint64_t i = 1; i <= count; i++) {
        cf_bed_new_call(b, cf_bed_call(b->calls++, 0));
        if (i % 32 != 0 && i != count)
            continue;
        while (b->provider.down->up.up_ack != b->provider.out.tail)
            cf_bed_turn(b);
        for (uint32_t p = first; p < b->ports; p++)
            cf_bed_acknowledge(&b->apps[p]);
        cf_bed_acknowledge(&b->provider);
    }
}

void cf_bed_release(struct cf_bed_peer *p, uint64_t handle) {
    struct cf_record r = {.m = {.id = CF_REQ_RELEASE, .device = handle, .flags = CF_NO_REPLY}};
    cf_bed_must(cf_ring_put(&p->out, &r), "up ring full");
}

void cf_bed_close(struct cf_bed_peer *p) { put(p, CF_REQ_CLOSE, BED_LINE, 0, 0, 0); }

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
