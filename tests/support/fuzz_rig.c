/* The engine's memory, its turns, and what is looked at after each. */
#include "tests/support/fuzz_rig.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/state.h"

enum { SETTLE_TURNS_MAX = 20000 };

#define REQUIRE(condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                            \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* ------------------------------------------------------------------ memory */

/* Zeroed memory between two pages without access. */
static void *guarded(size_t bytes)
{
    const size_t whole = (bytes + CF_PAGE_BYTES - 1) & ~(size_t)(CF_PAGE_BYTES - 1);
    uint8_t *all =
        mmap(NULL, whole + 2 * (size_t)CF_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED || mprotect(all + CF_PAGE_BYTES, whole, PROT_READ | PROT_WRITE) != 0)
        abort();
    return all + CF_PAGE_BYTES;
}

static void wipe(void *memory, size_t bytes)
{
    if (madvise(memory, (bytes + CF_PAGE_BYTES - 1) & ~(size_t)(CF_PAGE_BYTES - 1), MADV_DONTNEED) != 0)
        abort();
}

static size_t down_bytes(uint32_t port)
{
    return cf_port_down_bytes(fuzz_is_application(port) ? CF_REPLY_SLOTS : 0, FUZZ_DOWN_SLOTS_MAX);
}

static void make_memory(struct fuzz_rig *r)
{
    r->private_memory = guarded(cf_engine_private_bytes());
    for (uint32_t port = 1; port < FUZZ_PORTS; port++) {
        r->ports[port].down = guarded(down_bytes(port));
        r->ports[port].up = guarded(cf_port_up_bytes(FUZZ_UP_SLOTS));
    }
}

static void choose_limits(struct fuzz_rig *r, const struct fuzz_step *first)
{
    static const uint32_t records[] = {64, 64, 1, 8};
    static const uint64_t slots[] = {FUZZ_DOWN_SLOTS_MAX, 512, 256, 128};
    struct cf_limits *l = &r->limits;
    cf_limits_default(l);
    l->applications = FUZZ_APPS;
    l->providers = FUZZ_PROVIDERS;
    l->lines = FUZZ_LINES;
    l->open_lines = FUZZ_OPENS;
    l->calls = (first->how & 1) != 0 ? 16 : FUZZ_CALLS;
    l->calls_per_provider = (first->how & 1) != 0 ? 16 : FUZZ_CALLS;
    l->handles = (first->how & 2) != 0 ? 16 : FUZZ_HANDLES;
    l->idle_handles_max = (first->how & 4) != 0 ? 3 : 32;
    l->turn_records = records[first->whom % 4];
    l->port_records = l->turn_records;
    l->resync_slice = l->sweep_slice = 16;
    l->wake_interval_us = (first->how & 8) != 0 ? 250 : 0;
    r->down_slots = slots[first->more % 4];
    r->options = (struct cf_engine_options){
        .close_policy = (first->how & 16) != 0 ? CF_CLOSE_KEEPS : CF_CLOSE_DROPS,
        .boot_id = 1,
    };
    char why[200];
    REQUIRE(cf_limits_check(l, why, sizeof why), "%s", why);
}

static void forget(struct fuzz_port *p)
{
    struct cf_port_down *down = p->down;
    struct cf_port_up *up = p->up;
    const uint32_t generation = p->generation;
    memset(p, 0, sizeof *p);
    p->down = down;
    p->up = up;
    p->generation = generation;
}

static void join(struct fuzz_port *p)
{
    const struct cf_port_header *h = &p->down->header;
    cf_ring_producer_init(&p->out, cf_port_up_ring(p->up), h->up_slots, &p->down->up.up_ack, 0);
    cf_ring_consumer_init(&p->in, cf_port_down_ring(p->down, h->reply_slots), h->down_slots, 0);
}

void fuzz_rig_begin(struct fuzz_rig *r, const struct fuzz_step *first, unsigned hostile)
{
    if (r->private_memory == NULL)
        make_memory(r);
    choose_limits(r, first);
    const size_t bytes = cf_engine_state_bytes(&r->limits);
    if (bytes > r->state_bytes) {
        r->state = guarded(bytes); /* once for each of the few sizes there are */
        r->state_bytes = bytes;
    } else {
        wipe(r->state, r->state_bytes);
    }
    r->hostile = hostile;
    r->now = 1000000;
    r->engine = cf_engine_create(r->private_memory, r->state, r->state_bytes, &r->limits, &r->options);
    REQUIRE(r->engine != NULL, "no engine over %zu bytes", bytes);
    for (uint32_t port = 0; port < FUZZ_PORTS; port++) {
        forget(&r->ports[port]);
        r->ports[port].generation = 0;
    }
    r->ports[0].down = cf_engine_door_down(r->engine);
    r->ports[0].up = cf_engine_door_up(r->engine);
    r->ports[0].attached = true;
    join(&r->ports[0]);
}

bool fuzz_is_hostile(const struct fuzz_rig *r, uint32_t port)
{
    return fuzz_is_provider(port)
               ? (r->hostile & FUZZ_HOSTILE_PROVIDERS) != 0
               : fuzz_is_application(port) && port != FUZZ_WITNESS && (r->hostile & FUZZ_HOSTILE_APPLICATIONS) != 0;
}

/* ------------------------------------------------------------------ what was published */

/* One more record of a down ring, as a peer that believes the core sees it. Returns its slots. */
static uint32_t look_at_record(struct fuzz_port *p, uint32_t port, uint64_t at)
{
    const struct cf_slot *ring = p->in.slots;
    const struct cf_message *m = (const struct cf_message *)&ring[at & p->in.mask];
    const uint64_t left = p->in.mask + 1 - (at & p->in.mask);
    REQUIRE(m->slots >= 1 && m->slots <= CF_RECORD_SLOTS_MAX && m->slots <= left, "port %u: %u slots at %lu", port,
            m->slots, at);
    for (uint32_t i = 0; i < m->slots; i++)
        REQUIRE(ring[(at + i) & p->in.mask].commit == at + i + 1, "port %u: commit word %lu at %lu", port,
                ring[(at + i) & p->in.mask].commit, at + i);
    if (m->id == CF_MESSAGE_FILLER)
        return m->slots;
    const bool folds = fuzz_is_application(port) && (m->id == CF_LINE_GAP || m->id == CF_LINE_RESYNC_END);
    const uint64_t first = folds ? m->param1 : m->sequence, last = folds ? m->param2 : m->sequence;
    REQUIRE(first == p->seen + 1 && last >= first && m->sequence == last,
            "port %u: message %#x has sequence %lu (%lu to %lu) after %lu", port, m->id, m->sequence, first, last,
            p->seen);
    p->seen = last;
    p->told += folds ? last - first + (m->id == CF_LINE_GAP) : 0;
    p->published += !(folds && m->id == CF_LINE_GAP);
    return m->slots;
}

static void look_at_port(struct fuzz_rig *r, uint32_t port)
{
    struct fuzz_port *p = &r->ports[port];
    const struct cf_port_core_down *d = &p->down->down;
    REQUIRE(d->tail >= p->seen_tail && d->tail - p->seen_tail <= p->in.mask + 1, "port %u: tail %lu after %lu", port,
            d->tail, p->seen_tail);
    while (p->seen_tail < d->tail)
        p->seen_tail += look_at_record(p, port, p->seen_tail);
    REQUIRE(p->seen_tail == d->tail, "port %u: a record ends behind the tail", port);
    if (r->engine->ports[port].state == CF_PORT_NONE)
        return; /* its end has come, and nothing of this turn is published to it any more */
    REQUIRE(d->sequence == p->seen && d->messages == p->published, "port %u: counts %lu, %lu; seen %lu, %lu", port,
            d->sequence, d->messages, p->seen, p->published);
    /* the law: what was offered was published or missed, and every number of the sequence stands for one of them */
    const uint64_t untold = r->engine->ports[port].outage_missed;
    REQUIRE(d->missed == p->told + untold, "port %u: missed %lu, told %lu, to be told %lu", port, d->missed, p->told,
            untold);
    REQUIRE(d->missed == 0 || fuzz_is_application(port), "port %u misses", port);
    struct cf_engine_port_status s;
    REQUIRE(cf_engine_port_status(r->engine, port, &s), "port %u has no status", port);
    REQUIRE(s.offered == s.delivered + s.pending + s.missed + s.cancelled, "port %u: the law", port);
    REQUIRE(s.ring_used <= s.ring_slots || p->lied, "port %u: %lu slots used", port, s.ring_used);
    struct cf_engine_totals t;
    cf_engine_totals(r->engine, &t);
    if (!fuzz_is_hostile(r, port) &&
        t.set_aside == 0) /* what was set aside is counted as bad, and what follows it may be */
        REQUIRE(s.bad_records == 0, "port %u keeps the rules, %lu records were refused", port, s.bad_records);
}

static void look_at_wakes(const struct fuzz_rig *r)
{
    REQUIRE(r->result.wakes_count <= CF_ENGINE_WAKES_MAX, "%u wakes", r->result.wakes_count);
    for (uint32_t i = 0; i < r->result.wakes_count; i++) {
        const struct cf_engine_wake *w = &r->result.wakes[i];
        REQUIRE(w->port < FUZZ_PORTS && (w->reply_slot == UINT32_MAX || w->reply_slot < CF_REPLY_SLOTS),
                "wake of port %u, slot %u", w->port, w->reply_slot);
    }
}

/* The door's part: ports that are free, peers to show out. */
static void serve_door(struct fuzz_rig *r)
{
    struct fuzz_port *door = &r->ports[0];
    const struct cf_message *m;
    while ((m = cf_ring_peek(&door->in)) != NULL) {
        const uint32_t port = (uint32_t)m->param1;
        REQUIRE(port != 0 && port < FUZZ_PORTS, "the door hears of port %u", port);
        struct fuzz_port *p = &r->ports[port];
        if (m->id == CF_DOOR_ATTACHED && m->param2 != 0) { /* told to go; it may be gone already */
            struct cf_engine_totals t;
            cf_engine_totals(r->engine, &t);
            REQUIRE(t.set_aside != 0, "port %u was not attached: %d", port, (int)(uint32_t)m->param2);
            cf_engine_map_port(r->engine, port, NULL, NULL);
            forget(p);
        }
        if (m->id == CF_DOOR_EXPEL && m->param2 != CF_EXPEL_CRASHES)
            REQUIRE(fuzz_is_hostile(r, port), "port %u keeps the rules and is shown out", port);
        if (m->id == CF_DOOR_EXPEL && m->param3 == p->generation)
            fuzz_die(r, port);
        if (m->id == CF_DOOR_FREE) {
            REQUIRE(p->dying && m->param3 == p->generation, "port %u is free", port);
            cf_engine_map_port(r->engine, port, NULL, NULL);
            forget(p);
        }
        cf_ring_consume(&door->in, m);
        door->messages++;
        door->up->messages_acked = door->messages;
        cf_ring_acknowledge(&door->up->down_ack, door->in.head);
    }
}

static void look(struct fuzz_rig *r)
{
    char why[200];
    REQUIRE(cf_engine_check(r->engine, why, sizeof why), "%s", why);
    for (uint32_t port = 0; port < FUZZ_PORTS; port++)
        if (r->ports[port].attached)
            look_at_port(r, port);
    serve_door(r);
}

/* ------------------------------------------------------------------ turns */

void fuzz_turn(struct fuzz_rig *r)
{
    r->now += 1000;
    cf_engine_turn(r->engine, r->now, &r->result);
    look_at_wakes(r);
    look(r);
}

struct crash {
    uint32_t left;
    jmp_buf back;
};

static void on_point(enum cf_point point, void *arg)
{
    struct crash *c = arg;
    (void)point;
    if (c->left-- == 0)
        longjmp(c->back, 1);
}

/* A new process over what the last one left. */
static void attach_anew(struct fuzz_rig *r)
{
    memset(r->private_memory, 0xA5, cf_engine_private_bytes());
    r->engine = cf_engine_attach(r->private_memory, r->state, r->state_bytes);
    REQUIRE(r->engine != NULL, "the state is not accepted");
    for (uint32_t port = 1; port < FUZZ_PORTS; port++)
        if (r->ports[port].attached)
            cf_engine_map_port(r->engine, port, r->ports[port].down, r->ports[port].up);
}

/* False: it crashed. */
static bool run_to_point(struct fuzz_rig *r, uint32_t point, bool recovers)
{
    struct crash c = {.left = point};
    cf_engine_on_point(r->engine, on_point, &c);
    if (setjmp(c.back) != 0)
        return false;
    if (recovers)
        REQUIRE(cf_engine_recover(r->engine), "the state cannot be recovered");
    else
        cf_engine_turn(r->engine, r->now, &r->result);
    cf_engine_on_point(r->engine, NULL, NULL);
    return true;
}

void fuzz_crash(struct fuzz_rig *r, uint32_t point, bool again)
{
    r->now += 1000;
    if (run_to_point(r, point, false)) {
        look_at_wakes(r);
        look(r);
        return;
    }
    attach_anew(r);
    if (!run_to_point(r, again ? point / 2 : UINT32_MAX, true)) {
        attach_anew(r);
        REQUIRE(cf_engine_recover(r->engine), "the state cannot be recovered");
    }
    look(r);
}

/* ------------------------------------------------------------------ ports */

bool fuzz_put(struct fuzz_rig *r, uint32_t port, struct cf_record *record)
{
    struct fuzz_port *p = &r->ports[port];
    const uint64_t taken = p->down->up.up_ack;
    if (!p->attached || p->dying)
        return false;
    if (p->out.tail < taken) /* it scribbled ahead, and the core took that for records */
        p->out.tail = p->out.head_seen = taken;
    record->m.sequence = p->number + 1;
    if (!cf_ring_put(&p->out, record))
        return false;
    p->number++;
    return true;
}

static void tell_engine(struct fuzz_rig *r, uint16_t id, uint32_t port, uint32_t kind, const char *name)
{
    struct cf_record record = {.m = {.id = id,
                                     .flags = CF_NO_REPLY,
                                     .open_line = CF_INDEX_NONE,
                                     .param1 = port,
                                     .param2 = kind,
                                     .param3 = r->ports[port].generation}};
    cf_fields_append_text(&record, CF_FIELD_NAME, name);
    REQUIRE(fuzz_put(r, 0, &record), "the door's ring is full");
}

void fuzz_arrive(struct fuzz_rig *r, uint32_t port, uint32_t usage, uint32_t base_generation)
{
    struct fuzz_port *p = &r->ports[port];
    const uint32_t kind = fuzz_is_provider(port) ? CF_PORT_PROVIDER : CF_PORT_APPLICATION;
    if (p->attached)
        return;
    forget(p);
    p->generation++;
    p->usage = kind == CF_PORT_APPLICATION ? usage % CF_USAGES_PER_PROCESS : 0;
    p->base_generation = kind == CF_PORT_APPLICATION ? base_generation & ~1u : 0;
    wipe(p->down, down_bytes(port));
    wipe(p->up, cf_port_up_bytes(FUZZ_UP_SLOTS));
    const struct cf_port_header header = {
        .kind = kind,
        .port = port,
        .generation = p->generation,
        .down_slots = kind == CF_PORT_PROVIDER ? FUZZ_DOWN_SLOTS_MAX : r->down_slots,
        .up_slots = FUZZ_UP_SLOTS,
        .reply_slots = kind == CF_PORT_APPLICATION ? CF_REPLY_SLOTS : 0,
        .usage = p->usage,
        .base_generation = p->base_generation,
        .wake_interval_us = r->limits.wake_interval_us,
    };
    cf_port_format(p->down, &header);
    join(p);
    p->attached = true;
    cf_engine_map_port(r->engine, port, p->down, p->up);
    tell_engine(r, CF_DOOR_ATTACH, port, kind, "peer");
}

void fuzz_die(struct fuzz_rig *r, uint32_t port)
{
    struct fuzz_port *p = &r->ports[port];
    if (!p->attached || p->dying)
        return;
    tell_engine(r, CF_DOOR_GONE, port, 0, "");
    p->dying = true;
}

/* ------------------------------------------------------------------ the end */

/* It reads what there is, as the rules say, whatever it did before. */
static void read_all(struct fuzz_rig *r, uint32_t port)
{
    struct fuzz_port *p = &r->ports[port];
    if (!p->attached || p->dying)
        return;
    if (!p->lied) {
        fuzz_read(r, port, UINT32_MAX);
        return;
    }
    p->in.head = p->down->down.tail;
    p->up->messages_acked = p->down->down.messages;
    p->up->cancelled = 0;
    cf_ring_acknowledge(&p->up->down_ack, p->in.head);
}

static bool readable(const struct fuzz_rig *r)
{
    for (uint32_t port = 0; port < FUZZ_PORTS; port++) {
        const struct fuzz_port *p = &r->ports[port];
        struct cf_ring_consumer c = {p->out.slots, p->out.mask, p->down == NULL ? 0 : p->down->up.up_ack};
        if (p->attached && cf_ring_readable(&c))
            return true;
    }
    return false;
}

/* Whoever asked as the rules say has an answer. */
static void look_at_answers(const struct fuzz_port *p, uint32_t port)
{
    if (!p->attached || p->dying || p->lied || p->odd)
        return;
    for (uint32_t slot = 0; slot < CF_REPLY_SLOTS; slot++) {
        const struct cf_reply_slot *s = cf_port_reply(p->down, slot);
        REQUIRE(s->done == p->asked[slot], "port %u: slot %u has the answer of %lu, %lu was asked", port, slot, s->done,
                p->asked[slot]);
        REQUIRE(s->bytes <= sizeof s->data && s->result <= 0, "port %u: slot %u has %u bytes, result %d", port, slot,
                s->bytes, s->result);
    }
}

void fuzz_settle(struct fuzz_rig *r)
{
    for (uint32_t turns = 0;; turns++) {
        REQUIRE(turns < SETTLE_TURNS_MAX, "the engine comes to no rest");
        for (uint32_t port = 1; port < FUZZ_PORTS; port++)
            read_all(r, port);
        const uint64_t records = r->ports[0].out.tail;
        fuzz_turn(r);
        if (!r->result.more && r->result.outputs == 0 && !readable(r) && r->ports[0].out.tail == records)
            break;
    }
    for (uint32_t port = 1 + FUZZ_PROVIDERS; port < FUZZ_PORTS; port++)
        look_at_answers(&r->ports[port], port);
    if (cf_engine_sleep(r->engine)) {
        cf_engine_deadline(r->engine);
        cf_engine_awake(r->engine);
    }
}

/* Three cores died while they ended that port: it is left lying, with what it holds. */
static bool left_lying(const struct fuzz_rig *r, uint32_t port)
{
    return r->engine->ports[port].aside == CF_ASIDE_END;
}

void fuzz_end(struct fuzz_rig *r)
{
    fuzz_settle(r);
    for (uint32_t port = 1; port < FUZZ_PORTS; port++)
        fuzz_die(r, port);
    fuzz_settle(r);
    struct cf_engine_totals t;
    bool all = true;
    cf_engine_totals(r->engine, &t);
    for (uint32_t port = 1; port < FUZZ_PORTS; port++) {
        REQUIRE(!r->ports[port].attached || left_lying(r, port), "port %u is not free", port);
        all = all && !left_lying(r, port);
    }
    if (!all)
        return;
    REQUIRE(t.calls_live == 0 && t.handles_live == 0 && t.opens == 0 && t.party_blocks == 0,
            "left: %lu calls, %lu handles, %lu opens, %lu party blocks", t.calls_live, t.handles_live, t.opens,
            t.party_blocks);
}
