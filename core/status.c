/* Looking in: counters for the status, and the check of all invariants. */
#include <stdarg.h>
#include <stdio.h>

#include "core/internal.h"
#include "core/parties.h"

void cf_engine_totals(const struct cf_engine *e, struct cf_engine_totals *t) {
    const struct cf_tally *s = &e->g->sum;
    *t = (struct cf_engine_totals){
        .turns = e->control->committed, .records = s->records, .outputs = s->outputs, .calls_live = e->call_head->live,
        .calls_made = s->calls_made, .calls_refused = s->calls_refused, .calls_ended = s->calls_ended, .lines = e->g->lines_used,
        .opens = e->g->opens, .handles_made = s->handles_made, .deliveries = s->deliveries, .stale_events = s->stale_events,
        .stale_requests = s->stale_requests, .bad_records = s->bad_records, .handles_refused = s->handles_refused,
        .recoveries_undone = e->control->undone, .recoveries_republished = e->control->republished, .set_aside = s->set_aside,
        .parties_dropped = s->parties_dropped, .party_blocks = e->g->parties_live,
        .party_blocks_max = e->parties_max,
    };
    for (uint32_t port = 0; port < e->ports_count; port++)
        if (e->ports[port].kind == CF_PORT_APPLICATION)
            t->handles_live += e->ports[port].handles.live;
}

/* delivered and pending come from the peer's words, clamped: a liar changes only his own figures, and never the sum. */
bool cf_engine_port_status(const struct cf_engine *e, uint32_t port, struct cf_engine_port_status *s) {
    memset(s, 0, sizeof *s);
    if (port >= e->ports_count)
        return false;
    const struct cf_port *p = &e->ports[port];
    const struct cf_port_view *v = &e->view[port];
    if (p->state == CF_PORT_NONE || v->down == NULL)
        return true;
    uint64_t messages = p->messages, acked = cf_load_acquire_64(&v->up->messages_acked);
    uint64_t cancelled = cf_load_acquire_64(&v->up->cancelled), ack = cf_load_acquire_64(&v->up->down_ack);
    acked = acked < messages ? acked : messages;
    cancelled = cancelled < acked ? cancelled : acked;
    s->kind = p->kind;
    s->generation = p->generation;
    memcpy(s->name, p->name, sizeof s->name);
    s->state = p->state == CF_PORT_LIVE ? 1 : 2;
    s->behind = p->step;
    s->ring_slots = p->mask + 1;
    s->ring_used = ack <= p->tail ? p->tail - ack : 0;
    s->missed = p->missed;
    s->offered = messages + p->missed;
    s->cancelled = cancelled;
    s->delivered = acked - cancelled;
    s->pending = messages - acked;
    s->gaps = p->gaps;
    s->calls_unseen = p->calls_unseen;
    s->sequence = p->sequence;
    s->open_lines = p->opens_live;
    s->handles = p->kind == CF_PORT_APPLICATION ? p->handles.live : p->calls_live;
    s->requests = p->requests;
    s->requests_outstanding = p->requests_live;
    s->bad_records = p->bad;
    return true;
}

/* ------------------------------------------------------------------ the check */

struct finding {
    char *why;
    size_t bytes;
};

static bool fail(struct finding *f, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(f->why, f->bytes, format, list);
    va_end(list);
    return false;
}

/* Every index of a pool is in a chain of some call or on the free list. */
static bool check_pools(const struct cf_engine *e, uint64_t chunks, uint32_t blocks, struct finding *f) {
    const struct cf_globals *g = e->g;
    uint32_t free_chunks = 0, free_blocks = 0;
    for (uint32_t i = g->chunk_free; i < g->chunks_used && free_chunks <= g->chunks_used; i = e->chunks[i].next)
        free_chunks++;
    for (uint32_t i = g->party_free; i < g->parties_used && free_blocks <= g->parties_used; i = e->parties[i].next)
        free_blocks++;
    if (chunks + free_chunks != g->chunks_used)
        return fail(f, "%u reference chunks, %llu hold references and %u are free", g->chunks_used, (unsigned long long)chunks,
                    free_chunks);
    if (blocks + free_blocks != g->parties_used || blocks != g->parties_live || g->parties_used > e->parties_max)
        return fail(f, "%u party blocks, %u live, %u in chains and %u free", g->parties_used, g->parties_live, blocks, free_blocks);
    return true;
}

static bool check_call(struct cf_engine *e, struct cf_call *c, struct finding *f) {
    uint32_t owners = 0, index = cf_call_index(e, c);
    for (uint32_t at = 0; at < c->refs; at++) {
        uint64_t ref = cf_call_ref(e, c, at), open = *cf_open_at(e, c->line, cf_ref_position(ref));
        uint32_t port = cf_open_port_of(open), slot = cf_ref_index(ref);
        if (port >= e->ports_count || e->ports[port].kind != CF_PORT_APPLICATION)
            return fail(f, "call %u: reference %u names port %u, no application", index, at, port);
        const struct cf_call_handle *h = cf_handle_table_look_up(&e->view[port].handles, slot, cf_ref_generation(ref));
        if (h == NULL || h->call != index)
            return fail(f, "call %u: reference %u has no handle at port %u", index, at, port);
        if ((h->info & CF_SLOT_OPEN_MASK) != cf_open_line_of(open))
            return fail(f, "call %u: handle %u at port %u belongs to another open", index, slot, port);
        for (uint32_t other = 0; other < at; other++)
            if (cf_ref_position(cf_call_ref(e, c, other)) == cf_ref_position(ref))
                return fail(f, "call %u: two handles for one open (I-1)", index);
        owners += (h->info & CF_SLOT_OWNER) != 0;
    }
    if (owners != c->owners)
        return fail(f, "call %u: %u owners counted, %u found", index, c->owners, owners);
    if (c->refs == 0 && (c->flags & (CF_CALL_TENTATIVE | CF_CALL_CLOSING | CF_CALL_SKIPPED | CF_CALL_QUEUED)) == 0)
        return fail(f, "call %u: nobody has a handle, yet it lives", index);
    if (c->provider != 0 && c->provider_call != 0) {
        const struct cf_provider_call *entry = &e->view[c->provider].provider_calls[cf_handle_index(c->provider_call)];
        if (entry->call != index + 1 || entry->generation != cf_handle_generation(c->provider_call))
            return fail(f, "call %u: its provider's map does not lead to it", index);
    }
    return true;
}

static bool check_calls(struct cf_engine *e, struct finding *f, uint64_t *ret_refs) {
    uint64_t live = 0, linked = 0, listed = 0, chunks = 0;
    uint32_t blocks = 0;
    for (uint32_t i = 0; i < e->call_head->used; i++) {
        struct cf_call *c = cf_call_at(e, i);
        if (!cf_generation_live(c->generation))
            continue;
        live++;
        linked += (c->flags & CF_CALL_TENTATIVE) == 0;
        *ret_refs += c->refs;
        chunks += c->refs <= CF_REFS_INLINE ? 0 : (c->refs - CF_REFS_INLINE + CF_REFS_PER_CHUNK - 1) / CF_REFS_PER_CHUNK;
        if (!check_call(e, c, f))
            return false;
        if (!cf_parties_check(e, c, &blocks))
            return fail(f, "call %u: what is kept of its parties is damaged", i);
    }
    if (!check_pools(e, chunks, blocks, f))
        return false;
    if (live != e->call_head->live)
        return fail(f, "%llu live calls counted, %llu found", (unsigned long long)e->call_head->live, (unsigned long long)live);
    for (uint32_t line = 0; line < e->g->lines_used; line++) {
        const struct cf_line *l = &e->lines[line];
        uint32_t n = 0, previous = CF_INDEX_NONE;
        for (uint32_t i = l->calls_first; i != CF_INDEX_NONE; i = cf_call_at(e, i)->next, n++) {
            const struct cf_call *c = cf_call_at(e, i);
            if (n > l->calls || c->line != line || c->previous != previous)
                return fail(f, "line %u: its list of calls is broken at call %u", line, i);
            previous = i;
        }
        if (n != l->calls || l->calls_last != previous)
            return fail(f, "line %u: %u calls counted, %u on its list", line, l->calls, n);
        listed += n;
    }
    return listed == linked ? true : fail(f, "%llu calls on lists, %llu live", (unsigned long long)listed, (unsigned long long)linked);
}

/* The requests: each slot ever used is free or outstanding, replies that wait are on their list, digits are counted apart. */
static bool check_requests(const struct cf_engine *e, uint32_t port, struct finding *f) {
    const struct cf_port_view *v = &e->view[port];
    const struct cf_port *p = v->p;
    uint32_t in[CF_REQUEST_REPLIED + 1] = {0}, digits = 0, free = 0, waiting = 0, last = CF_INDEX_NONE;
    if (p->requests_used > 2u * p->requests_max)
        return fail(f, "port %u: %u requests were used, %u at most", port, p->requests_used, 2u * p->requests_max);
    for (uint32_t at = 0; at < p->requests_used; at++) {
        const struct cf_request *q = &v->requests[at];
        if (q->state > CF_REQUEST_REPLIED)
            return fail(f, "port %u: request %u is in no state", port, at);
        in[q->state]++;
        digits += q->state != CF_REQUEST_FREE && q->id == CF_REQ_GENERATE_DIGITS;
    }
    for (uint32_t at = p->requests_free; at < p->requests_used && free <= p->requests_used; at = v->requests[at].next)
        free += v->requests[at].state == CF_REQUEST_FREE;
    for (uint32_t at = p->replied_first; at < p->requests_used && waiting <= p->requests_used; at = v->requests[at].next) {
        waiting += v->requests[at].state == CF_REQUEST_REPLIED;
        last = at;
    }
    if (free != in[CF_REQUEST_FREE] || waiting != in[CF_REQUEST_REPLIED] || last != p->replied_last)
        return fail(f, "port %u: %u requests free, %u on the list; %u replies wait, %u on the list", port, in[CF_REQUEST_FREE], free,
                    in[CF_REQUEST_REPLIED], waiting);
    if (p->requests_live != in[CF_REQUEST_SENT] + in[CF_REQUEST_REPLIED] || digits != p->digits_live)
        return fail(f, "port %u: %u requests, %u of them digits, counted; %u and %u found", port, p->requests_live, p->digits_live,
                    in[CF_REQUEST_SENT] + in[CF_REQUEST_REPLIED], digits);
    return true;
}

static bool check_port(struct cf_engine *e, uint32_t port, struct finding *f, uint64_t *ret_handles, uint64_t *ret_opens) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    if (p->tail - p->head_seen > p->mask + 1)
        return fail(f, "port %u: more in the ring than it has slots", port);
    if (p->kind != CF_PORT_APPLICATION)
        return true;
    char why[96];
    if (!cf_handle_table_check(&v->handles, why, sizeof why))
        return fail(f, "port %u: %s", port, why);
    if (!check_requests(e, port, f))
        return false;
    uint32_t opens = 0, idle = 0;
    uint64_t handles = 0;
    for (uint32_t i = 0; i < p->opens_used; i++) {
        const struct cf_open_line *o = &v->open_lines[i];
        opens += o->state == CF_OPEN_OPEN;
        if (o->state == CF_OPEN_FREE || o->swept)
            continue;
        uint64_t open = *cf_open_at(e, o->line, o->position);
        if (cf_open_port_of(open) != port || cf_open_line_of(open) != i || ((open & CF_OPEN_LIVE) != 0) != (o->state == CF_OPEN_OPEN))
            return fail(f, "port %u: open %u and its line do not agree", port, i);
        handles += o->handles;
    }
    for (uint32_t i = 0; i < p->handles.used; i++) {
        const struct cf_call_handle *h = cf_slot_at(v, i);
        if (!cf_generation_live(h->generation)) {
            if (cf_marks_test(&v->changed, i) || cf_marks_test(&v->notices, i))
                return fail(f, "port %u: handle %u is free and marked", port, i);
            continue;
        }
        const struct cf_call *c = cf_call_at(e, h->call);
        idle += c->state == LINECALLSTATE_IDLE;
        handles += (c->flags & CF_CALL_TENTATIVE) != 0;
    }
    if (opens != p->opens_live || idle != p->idle_handles)
        return fail(f, "port %u: %u opens, %u idle handles counted, %u and %u found", port, p->opens_live, p->idle_handles, opens, idle);
    if (handles != p->handles.live)
        return fail(f, "port %u: %llu handles live, %llu belong to opens", port, (unsigned long long)p->handles.live,
                    (unsigned long long)handles);
    *ret_handles += p->handles.live;
    *ret_opens += opens;
    return true;
}

bool cf_engine_check(struct cf_engine *e, char *why, size_t why_bytes) {
    struct finding f = {why, why_bytes};
    uint64_t refs = 0, handles = 0, opens = 0;
    if (e->control->magic != CF_STATE_MAGIC || e->control->turn != e->control->committed)
        return fail(&f, "the state is in the middle of a turn");
    char inner[96];
    if (!cf_handle_table_check(&e->calls, inner, sizeof inner))
        return fail(&f, "calls: %s", inner);
    if (!check_calls(e, &f, &refs))
        return false;
    for (uint32_t port = 0; port < e->ports_count; port++)
        if (e->ports[port].state != CF_PORT_NONE && !check_port(e, port, &f, &handles, &opens))
            return false;
    if (refs != handles)
        return fail(&f, "%llu references, %llu handles", (unsigned long long)refs, (unsigned long long)handles);
    return opens == e->g->opens ? true : fail(&f, "%u opens counted, %llu found", e->g->opens, (unsigned long long)opens);
}
