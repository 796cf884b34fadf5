/* The engine under test with its memory: copying it, crashing it, recovering it, comparing it. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/state.h"
#include "tests/model/sim.h"

static void *aligned(size_t bytes) {
    void *p = NULL;
    if (posix_memalign(&p, CF_PAGE_BYTES, (bytes + CF_PAGE_BYTES - 1) & ~(size_t)(CF_PAGE_BYTES - 1)) != 0)
        abort();
    memset(p, 0, bytes);
    return p;
}

void core_init(struct core *c, const struct cf_limits *limits, const struct cf_engine_options *options, uint32_t down_slots,
               uint32_t up_slots) {
    memset(c, 0, sizeof *c);
    c->limits = *limits;
    c->options = *options;
    c->state_bytes = cf_engine_state_bytes(limits);
    c->state = aligned(c->state_bytes);
    c->private_memory = aligned(cf_engine_private_bytes());
    c->engine = cf_engine_create(c->private_memory, c->state, c->state_bytes, limits, options);
    assert(c->engine != NULL);
    for (uint32_t port = 1; port < SIM_PORTS; port++) {
        c->ports[port].down_bytes = m_is_app(port) ? cf_port_down_bytes(CF_REPLY_SLOTS, down_slots) : cf_port_down_bytes(0, SIM_PROVIDER_SLOTS);
        c->ports[port].up_bytes = cf_port_up_bytes(up_slots);
        c->ports[port].down = aligned(c->ports[port].down_bytes);
        c->ports[port].up = aligned(c->ports[port].up_bytes);
    }
}

void core_fini(struct core *c) {
    for (uint32_t port = 1; port < SIM_PORTS; port++) {
        free(c->ports[port].down);
        free(c->ports[port].up);
    }
    free(c->state);
    free(c->private_memory);
}

void core_map(struct core *c, uint32_t port, const struct cf_port_header *header) {
    memset(c->ports[port].down, 0, c->ports[port].down_bytes);
    memset(c->ports[port].up, 0, c->ports[port].up_bytes);
    cf_port_format(c->ports[port].down, header);
    cf_port_begin(c->ports[port].down, c->ports[port].up, cf_port_down_first(port));
    c->ports[port].mapped = true;
    cf_engine_map_port(c->engine, port, c->ports[port].down, c->ports[port].up);
}

void core_unmap(struct core *c, uint32_t port) {
    c->ports[port].mapped = false;
    cf_engine_map_port(c->engine, port, NULL, NULL);
}

struct cf_port_down *core_down(const struct core *c, uint32_t port) {
    return port == 0 ? cf_engine_door_down(c->engine) : c->ports[port].down;
}

struct cf_port_up *core_up(const struct core *c, uint32_t port) {
    return port == 0 ? cf_engine_door_up(c->engine) : c->ports[port].up;
}

static bool attach(struct core *c) {
    memset(c->private_memory, 0xA5, cf_engine_private_bytes()); /* a new process knows nothing */
    c->engine = cf_engine_attach(c->private_memory, c->state, c->state_bytes);
    if (c->engine == NULL)
        return false;
    for (uint32_t port = 1; port < SIM_PORTS; port++)
        if (c->ports[port].mapped)
            cf_engine_map_port(c->engine, port, c->ports[port].down, c->ports[port].up);
    return true;
}

/* All but the journal's entries, which mean nothing between turns. */
void core_copy_state(struct core *to, const struct core *from) {
    size_t log = (size_t)((const uint8_t *)from->engine->journal.log - from->state), after = log + sizeof(struct cf_journal_log);
    size_t before = log + offsetof(struct cf_journal_log, lines);
    memcpy(to->state, from->state, before);
    memcpy(to->state + after, from->state + after, from->state_bytes - after);
}

bool core_copy(struct core *to, const struct core *from) {
    core_copy_state(to, from);
    for (uint32_t port = 1; port < SIM_PORTS; port++) {
        to->ports[port].mapped = from->ports[port].mapped;
        if (!from->ports[port].mapped)
            continue;
        memcpy(to->ports[port].down, from->ports[port].down, from->ports[port].down_bytes);
        memcpy(to->ports[port].up, from->ports[port].up, from->ports[port].up_bytes);
    }
    return attach(to) && cf_engine_recover(to->engine);
}

/* ------------------------------------------------------------------ crashes */

struct crash {
    uint64_t left, passed;
    jmp_buf back;
};

static void count_point(enum cf_point point, void *arg) {
    struct crash *k = arg;
    (void)point;
    k->passed++;
    if (k->left-- == 0)
        longjmp(k->back, 1);
}

bool core_crash(struct core *c, uint64_t n, int64_t now_ns, struct cf_engine_result *ret_result) {
    struct crash k = {.left = n};
    cf_engine_on_point(c->engine, count_point, &k);
    if (setjmp(k.back) != 0)
        return true;
    cf_engine_turn(c->engine, now_ns, ret_result);
    cf_engine_on_point(c->engine, NULL, NULL);
    return false;
}

struct crash_when {
    const struct core *core;
    bool (*when)(const struct core *c, void *arg);
    void *arg;
    jmp_buf back;
};

static void look_at_point(enum cf_point point, void *arg) {
    struct crash_when *k = arg;
    (void)point;
    if (k->when(k->core, k->arg))
        longjmp(k->back, 1);
}

bool core_crash_when(struct core *c, bool (*when)(const struct core *c, void *arg), void *arg, int64_t now_ns,
                     struct cf_engine_result *ret_result) {
    struct crash_when k = {.core = c, .when = when, .arg = arg};
    cf_engine_on_point(c->engine, look_at_point, &k);
    if (setjmp(k.back) != 0)
        return true;
    cf_engine_turn(c->engine, now_ns, ret_result);
    cf_engine_on_point(c->engine, NULL, NULL);
    return false;
}

uint32_t core_hand_port(const struct core *c) { return (uint32_t)((const struct cf_control *)(const void *)c->state)->hand_port; }
uint32_t core_hand_service(const struct core *c) { return (uint32_t)((const struct cf_control *)(const void *)c->state)->hand_service; }

uint32_t core_attempts(const struct core *c) { return (uint32_t)((const struct cf_control *)(const void *)c->state)->attempts; }

uint64_t core_count_points(struct core *c, int64_t now_ns, struct cf_engine_result *ret_result) {
    struct crash k = {.left = UINT64_MAX};
    cf_engine_on_point(c->engine, count_point, &k);
    cf_engine_turn(c->engine, now_ns, ret_result);
    cf_engine_on_point(c->engine, NULL, NULL);
    return k.passed;
}

bool core_recover(struct core *c, uint64_t crash_at) {
    struct crash k = {.left = crash_at};
    if (!attach(c))
        return false;
    cf_engine_on_point(c->engine, count_point, &k);
    if (setjmp(k.back) != 0)
        return core_recover(c, UINT64_MAX);
    bool fine = cf_engine_recover(c->engine);
    cf_engine_on_point(c->engine, NULL, NULL);
    return fine;
}

/* ------------------------------------------------------------------ whose handle it is */

uint64_t core_call_id(const struct core *c, uint32_t port, uint64_t handle) {
    const struct cf_port_view *v = &c->engine->view[port];
    uint32_t index = cf_handle_slot(handle);
    if (!c->ports[port].mapped || index >= c->limits.handles)
        return 0;
    const struct cf_call_handle *h = cf_handle_table_look_up(&v->handles, index, cf_handle_generation(handle));
    return h == NULL ? 0 : cf_call_at(c->engine, h->call)->provider_call;
}

/* ------------------------------------------------------------------ comparing */

static bool same_port(const struct core *a, const struct core *b, uint32_t port, char *why, size_t why_bytes) {
    const struct cf_port_down *x = core_down(a, port), *y = core_down(b, port);
    const struct cf_port_up *up = core_up(a, port);
    if (x->up.up_ack != y->up.up_ack || memcmp(&x->down, &y->down, sizeof x->down) != 0) {
        snprintf(why, why_bytes, "port %u: taken %lu and %lu, tail %lu and %lu, sequence %lu and %lu, messages %lu and %lu", port,
                 x->up.up_ack, y->up.up_ack, x->down.tail, y->down.tail, x->down.sequence, y->down.sequence, x->down.messages,
                 y->down.messages);
        return false;
    }
    uint32_t replies = x->header.reply_slots;
    uint64_t mask = x->header.down_slots - 1;
    const struct cf_slot *rx = cf_port_down_ring(x, replies), *ry = cf_port_down_ring(y, replies);
    for (uint64_t i = up->down_ack; i < x->down.tail; i++)
        if (memcmp(&rx[i & mask], &ry[i & mask], CF_SLOT_BYTES) != 0) {
            const struct cf_message *p = (const struct cf_message *)&rx[i & mask], *q = (const struct cf_message *)&ry[i & mask];
            snprintf(why, why_bytes, "port %u: ring slot %lu differs (commit %lu %lu, id %#x %#x, device %#lx %#lx)", port, i,
                     p->commit, q->commit, p->id, q->id, p->device, q->device);
            return false;
        }
    for (uint32_t i = 0; i < replies; i++) {
        const struct cf_reply_slot *p = cf_port_reply(x, i), *q = cf_port_reply(y, i);
        if (p->done != q->done || p->as_of != q->as_of || p->result != q->result || p->bytes != q->bytes ||
            memcmp(p->data, q->data, p->bytes) != 0) {
            snprintf(why, why_bytes, "port %u: reply slot %u differs", port, i);
            return false;
        }
    }
    return true;
}

uint64_t core_changed_at(const struct core *a, const struct core *b) {
    const uint8_t *x = a->state, *y = b->state;
    uint64_t at = (uint64_t)((const uint8_t *)a->engine->g - x);
    if (memcmp(x + at, y + at, a->state_bytes - at) == 0)
        return 0;
    while (x[at] == y[at])
        at++;
    return at;
}

bool core_same(const struct core *a, const struct core *b, char *why, size_t why_bytes) {
    for (uint32_t port = 0; port < SIM_PORTS; port++)
        if ((port == 0 || a->ports[port].mapped) && !same_port(a, b, port, why, why_bytes))
            return false;
    return true;
}
