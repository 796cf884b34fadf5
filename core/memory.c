/* The state region: where everything lies in it, and the private view of it. */
#include <stdio.h>

#include "core/internal.h"

/* Lays pieces out one after another; with base NULL it only counts. */
struct layout {
    uint8_t *base;
    uint64_t at;
    cf_engine_table_fn *tell;
    void *tell_arg;
};

static void *piece(struct layout *l, uint64_t bytes) {
    l->at = (l->at + 4095) & ~UINT64_C(4095);
    void *p = l->base == NULL ? NULL : l->base + l->at;
    l->at += bytes;
    return p;
}

/* A table of which each event touches an entry somewhere: it begins where a huge page may. */
static void *table(struct layout *l, uint64_t bytes) {
    if (bytes >= CF_HUGE_BYTES)
        l->at = (l->at + CF_HUGE_BYTES - 1) & ~(CF_HUGE_BYTES - 1);
    void *p = piece(l, bytes);
    if (l->tell != NULL)
        l->tell(l->tell_arg, l->at - bytes, bytes);
    return p;
}

static uint32_t chunks_max(const struct cf_limits *l) {
    /* Enough for two chunks (38 references) per call; more sharers are refused and counted. */
    return l->calls > 1u << 30 ? 1u << 31 : l->calls * 2;
}

static void lay_application(struct cf_engine *e, struct layout *l, uint32_t port) {
    const struct cf_limits *m = &e->limits;
    struct cf_port_view *v = &e->view[port];
    v->open_lines = piece(l, (uint64_t)m->open_lines * sizeof(struct cf_open_line));
    void *slots = table(l, (uint64_t)m->handles * sizeof(struct cf_call_handle));
    void *changed = piece(l, cf_marks_bytes(m->handles));
    void *notices = piece(l, cf_marks_bytes(m->handles));
    void *news = piece(l, cf_marks_bytes(m->lines));
    void *untold = piece(l, cf_marks_bytes(m->calls));
    if (l->base == NULL)
        return;
    cf_handle_table_view(&v->handles, &v->p->handles, slots, sizeof(struct cf_call_handle), &e->journal);
    v->handles.limit = m->handles; /* the head is formatted when somebody attaches */
    cf_marks_view(&v->changed, changed, m->handles);
    cf_marks_view(&v->notices, notices, m->handles);
    cf_marks_view(&v->news, news, m->lines);
    cf_marks_view(&v->untold, untold, m->calls);
}

static void lay_provider(struct cf_engine *e, struct layout *l, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    v->provider_calls = table(l, (uint64_t)e->limits.calls_per_provider * sizeof(struct cf_provider_call));
    v->provider_lines = piece(l, (uint64_t)e->limits.lines * sizeof(uint32_t));
}

/* Fills the pointers of e for a region at base (NULL: counts only). e->limits is set. tell: NULL, or is told the tables. Returns bytes. */
static uint64_t lay_out(struct cf_engine *e, uint8_t *base, cf_engine_table_fn *tell, void *tell_arg) {
    struct layout l = {base, 0, tell, tell_arg};
    const struct cf_limits *m = &e->limits;
    e->ports_count = 1 + m->providers + m->applications;
    e->control = piece(&l, sizeof(struct cf_control));
    e->journal.log = piece(&l, sizeof(struct cf_journal_log));
    struct cf_port_down *door_down = piece(&l, cf_port_down_bytes(0, CF_DOOR_SLOTS));
    struct cf_port_up *door_up = piece(&l, cf_port_up_bytes(CF_DOOR_SLOTS));
    e->priorities_shown = piece(&l, sizeof(struct cf_priorities_shown));
    e->g = piece(&l, sizeof(struct cf_globals));
    e->priorities = piece(&l, sizeof(struct cf_priorities));
    e->call_head = piece(&l, sizeof(struct cf_handle_head));
    e->ports = piece(&l, (uint64_t)e->ports_count * sizeof(struct cf_port));
    e->rights = piece(&l, (uint64_t)e->ports_count * sizeof(struct cf_rights));
    e->lines = piece(&l, (uint64_t)m->lines * sizeof(struct cf_line));
    e->infos = piece(&l, (uint64_t)m->lines * sizeof(struct cf_line_info));
    e->opens = piece(&l, (uint64_t)m->lines * CF_OPENS_PER_LINE_MAX * sizeof(uint64_t));
    e->in_use = piece(&l, (uint64_t)m->lines * CF_ADDRESSES_PER_LINE_MAX * sizeof(uint32_t));
    void *calls = table(&l, (uint64_t)m->calls * sizeof(struct cf_call));
    e->chunks_max = chunks_max(m);
    e->chunks = table(&l, (uint64_t)e->chunks_max * sizeof(struct cf_ref_chunk));
    e->parties_max = m->calls; /* a block holds the names and numbers of most calls; what finds none free is dropped and counted */
    e->parties = table(&l, (uint64_t)e->parties_max * sizeof(struct cf_party_block));
    struct cf_request *requests = piece(&l, (uint64_t)e->ports_count * CF_REQUEST_SLOTS * sizeof(struct cf_request));
    if (base != NULL) {
        cf_handle_table_view(&e->calls, e->call_head, calls, sizeof(struct cf_call), &e->journal);
        e->calls.limit = m->calls;
        for (uint32_t port = 0; port < e->ports_count; port++) {
            e->outlet[port].p = e->view[port].p = &e->ports[port];
            e->view[port].rights = &e->rights[port];
            e->view[port].requests = requests + (size_t)port * CF_REQUEST_SLOTS;
        }
        cf_engine_map_port(e, 0, door_down, door_up);
    }
    for (uint32_t port = 1; port < e->ports_count; port++) {
        if (cf_port_is_provider(e, port))
            lay_provider(e, &l, port);
        else
            lay_application(e, &l, port);
    }
    return (l.at + 4095) & ~UINT64_C(4095);
}

size_t cf_engine_private_bytes(void) { return (sizeof(struct cf_engine) + 63) & ~(size_t)63; }

uint64_t cf_engine_state_tables(const struct cf_limits *limits, cf_engine_table_fn *tell, void *tell_arg) {
    struct cf_engine counter; /* only limits and pointers of it are used */
    memset(&counter, 0, sizeof counter);
    counter.limits = *limits;
    return lay_out(&counter, NULL, tell, tell_arg);
}

uint64_t cf_engine_state_bytes(const struct cf_limits *limits) { return cf_engine_state_tables(limits, NULL, NULL); }

static struct cf_engine *open_view(void *private_memory, void *state, uint64_t state_bytes, const struct cf_limits *limits) {
    struct cf_engine *e = private_memory;
    memset(e, 0, sizeof *e);
    e->limits = *limits;
    if (lay_out(e, state, NULL, NULL) > state_bytes)
        return NULL;
    e->journal.base = state;
    e->journal.bytes = state_bytes;
    return e;
}

static void format_door(struct cf_engine *e) {
    struct cf_port_header h = {
        .kind = CF_PORT_DOOR, .port = 0, .generation = 1, .down_slots = CF_DOOR_SLOTS, .up_slots = CF_DOOR_SLOTS};
    cf_port_format(e->view[0].down, &h);
    cf_engine_map_port(e, 0, e->view[0].down, e->view[0].up);
    cf_port_format_state(e, 0, CF_PORT_DOOR, 1, "door", 4, NULL);
}

struct cf_engine *cf_engine_create(void *private_memory, void *state, uint64_t state_bytes, const struct cf_limits *limits,
                                   const struct cf_engine_options *options) {
    struct cf_engine *e = open_view(private_memory, state, state_bytes, limits);
    if (e == NULL)
        return NULL;
    struct cf_control *c = e->control;
    assert(c != NULL); /* open_view() laid it out */
    c->version = CF_STATE_VERSION;
    c->boot_id = options->boot_id;
    c->state_bytes = state_bytes;
    c->limits = *limits;
    c->options = *options;
    c->options.priorities = NULL; /* theirs alone */
    if (options->priorities != NULL && cf_priorities_check(options->priorities))
        *e->priorities = *options->priorities;
    cf_priorities_show(e);
    cf_journal_begin(&e->journal, 0);
    cf_handle_table_format(e->call_head, &e->journal, limits->calls, 0);
    e->g->chunk_free = e->g->party_free = CF_INDEX_NONE;
    e->g->serial = 1;
    format_door(e);
    e->journal.log->count = 0;
    memset(e->journal.filter, 0, sizeof e->journal.filter);
    cf_store_release_64(&c->magic, CF_STATE_MAGIC);
    return e;
}

struct cf_engine *cf_engine_attach(void *private_memory, void *state, uint64_t state_bytes) {
    const struct cf_control *c = state;
    char why[8];
    if (cf_load_acquire_64(&c->magic) != CF_STATE_MAGIC || c->version != CF_STATE_VERSION || c->state_bytes != state_bytes ||
        !cf_limits_check(&c->limits, why, sizeof why))
        return NULL;
    struct cf_limits limits = c->limits;
    return open_view(private_memory, state, state_bytes, &limits);
}

void cf_engine_map_port(struct cf_engine *e, uint32_t port, struct cf_port_down *down, struct cf_port_up *up) {
    assert(port < e->ports_count);
    struct cf_port_view *v = &e->view[port];
    v->down = down;
    v->up = up;
    v->rung_at = 0;
    v->rung_ns = INT64_MIN / 2;
    if (v->bell_due)
        e->bells_due--;
    v->bell_due = false;
    v->behind_ns = 0;
    e->active_count = 0;
    for (uint32_t i = 0; i < e->ports_count; i++)
        if (e->view[i].down != NULL)
            e->active[e->active_count++] = i;
    if (down == NULL)
        return;
    e->outlet[port].ring = v->ring = cf_port_down_ring(down, down->header.reply_slots);
    e->outlet[port].handle_bits = cf_handle_of_usage(down->header.usage, 0, CF_KIND_CALL, 1);
    v->up_ring = cf_port_up_ring(up);
    v->wake_interval_ns = (int64_t)down->header.wake_interval_us * 1000;
}

void cf_port_format_state(struct cf_engine *e, uint32_t port, uint8_t kind, uint32_t generation, const char *name,
                          uint32_t name_bytes, const struct cf_rights *rights) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    const struct cf_port_header *h = &v->down->header;
    cf_touch_range(&e->journal, p, sizeof *p);
    memset(p, 0, sizeof *p);
    p->mask = h->down_slots - 1;
    p->tail = p->head_seen = v->down->down.tail; /* where the ring begins */
    p->up_mask = h->up_slots - 1;
    p->requests_max = kind == CF_PORT_APPLICATION ? (uint16_t)cf_port_requests_max(h->down_slots) : 0;
    p->reserve = kind == CF_PORT_APPLICATION ? (uint16_t)cf_port_reserve(p) : 0;
    p->state = CF_PORT_LIVE;
    p->kind = kind;
    p->records = (uint8_t)(rights != NULL ? rights->records : e->limits.port_records);
    p->usage = (uint8_t)h->usage;
    p->generation = generation;
    p->requests_free = p->replied_first = p->replied_last = p->due_first = p->due_last = CF_INDEX_NONE;
    p->sweep_first = p->sweep_last = p->calls_due_first = p->calls_due_last = CF_INDEX_NONE;
    p->walk = (struct cf_walk){CF_INDEX_NONE, CF_INDEX_NONE};
    if (name_bytes != 0)
        memcpy(p->name, name, name_bytes < CF_NAME_MAX ? name_bytes : CF_NAME_MAX - 1);
    cf_touch_range(&e->journal, v->rights, sizeof *v->rights);
    *v->rights = rights != NULL ? *rights : (struct cf_rights){0};
    if (kind == CF_PORT_APPLICATION)
        cf_priority_of_port(e, port);
    if (kind == CF_PORT_APPLICATION)
        cf_handle_table_format(&p->handles, &e->journal, e->limits.handles, h->base_generation & ~1u);
}

const struct cf_priorities_shown *cf_engine_priorities(const struct cf_engine *e) { return e->priorities_shown; }
struct cf_port_down *cf_engine_door_down(struct cf_engine *e) { return e->view[0].down; }
struct cf_port_up *cf_engine_door_up(struct cf_engine *e) { return e->view[0].up; }
const struct cf_limits *cf_engine_limits(const struct cf_engine *e) { return &e->limits; }
const uint64_t *cf_engine_turn_counter(const struct cf_engine *e) { return &e->control->beat; }
uint64_t *cf_engine_door_beat(struct cf_engine *e) { return &e->control->door_beat; }
void cf_engine_beat(struct cf_engine *e) { cf_store_relaxed_64(&e->control->beat, e->control->beat + 1); }

void cf_engine_on_point(struct cf_engine *e, cf_point_fn *fn, void *arg) {
    e->journal.on_point = fn;
    e->journal.point_arg = arg;
}
