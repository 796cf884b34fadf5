/* See check.h. The order of the parts is that in which they rely on each other. */
#include "core/check.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/internal.h"
#include "core/extra.h"
#include "core/forwarding.h"
#include "core/gather.h"
#include "core/parties.h"
#include "core/watch.h"

/* The sums are made in few and long steps: in slices only where they are as good as nothing. */
#define SUMS_MAX 8192u

static bool fail(struct cf_check_walk *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct cf_check_walk *w, const char *format, ...) {
    va_list list;
    va_start(list, format);
    if (w->findings < CF_CHECK_TEXTS)
        vsnprintf(w->text[w->findings], CF_CHECK_TEXT_BYTES, format, list);
    w->findings++;
    va_end(list);
    return false;
}

/* Counters and high waters by which everything else is bounded. */
static bool check_control(const struct cf_engine *e, struct cf_check_walk *w) {
    const struct cf_globals *g = e->g;
    if (e->control->magic != CF_STATE_MAGIC || e->control->turn != e->control->committed)
        return fail(w, "the state is in the middle of a turn");
    if (g->lines_used > e->limits.lines || g->chunks_used > e->chunks_max || g->parties_used > e->parties_max)
        return fail(w, "%u lines, %u reference chunks, %u party blocks were used; %u, %u and %u are there", g->lines_used, g->chunks_used,
                    g->parties_used, e->limits.lines, e->chunks_max, e->parties_max);
    if (e->call_head->used > e->limits.calls)
        return fail(w, "%u calls were used, %u are there", e->call_head->used, e->limits.calls);
    if (!cf_priorities_check(e->priorities))
        return fail(w, "the lists of priorities are damaged");
    uint32_t going = 0;
    for (uint32_t port = 0; port < e->ports_count; port++) {
        const struct cf_port *p = &e->ports[port];
        going += p->state == CF_PORT_GOING;
        bool provider = cf_port_is_provider(e, port);
        if (p->state == CF_PORT_NONE)
            continue;
        if (p->kind != (port == 0 ? CF_PORT_DOOR : provider ? CF_PORT_PROVIDER : CF_PORT_APPLICATION))
            return fail(w, "port %u: of kind %u", port, p->kind);
        if (p->opens_used > (provider ? e->limits.calls_per_provider : e->limits.open_lines) || p->lines_used > e->limits.lines ||
            p->requests_max > CF_REQUESTS_PER_PORT_MAX || p->requests_used > 2u * p->requests_max)
            return fail(w, "port %u: %u opens or calls, %u lines, %u requests were used, which is too many", port, p->opens_used,
                        p->lines_used, p->requests_used);
        if (p->kind == CF_PORT_APPLICATION && (p->handles.used > e->limits.handles || p->handles.limit != e->limits.handles))
            return fail(w, "port %u: %u handles were used, %u are there", port, p->handles.used, e->limits.handles);
        if (p->kind == CF_PORT_APPLICATION && !cf_rights_check(e->view[port].rights, &e->limits))
            return fail(w, "port %u: its rights are none", port);
        if (p->kind == CF_PORT_APPLICATION && !cf_priority_check_port(e, port))
            return fail(w, "port %u: its ranks are not those of its name", port);
    }
    return going == g->going ? true : fail(w, "%u ports that go counted, %u found", g->going, going);
}

/* ------------------------------------------------------------------ calls */

/* Its further references lie in so many chunks as it takes to hold them. */
static bool check_chunks(const struct cf_engine *e, const struct cf_call *c, struct cf_check_walk *w) {
    uint32_t n = c->refs <= CF_REFS_INLINE ? 0 : (c->refs - CF_REFS_INLINE + CF_REFS_PER_CHUNK - 1) / CF_REFS_PER_CHUNK;
    uint32_t chunk = c->chunk;
    if (c->refs > CF_OPENS_PER_LINE_MAX)
        return fail(w, "call %u: %u references", cf_call_index(e, c), c->refs);
    for (uint32_t i = 0; i < n; i++) {
        if (chunk >= e->g->chunks_used)
            return fail(w, "call %u: its chain of references leads to chunk %u", cf_call_index(e, c), chunk);
        chunk = e->chunks[chunk].next;
    }
    w->chunks += n;
    return true;
}

static bool check_references(struct cf_engine *e, const struct cf_call *c, struct cf_check_walk *w) {
    uint32_t owners = 0, index = cf_call_index(e, c);
    uint64_t seen[CF_OPENS_PER_LINE_MAX / 64] = {0};
    for (uint32_t at = 0; at < c->refs; at++) {
        uint64_t ref = cf_call_ref(e, c, at), open = *cf_open_at(e, c->line, cf_ref_position(ref));
        uint32_t port = cf_open_port_of(open), slot = cf_ref_index(ref);
        if (port >= e->ports_count || e->ports[port].kind != CF_PORT_APPLICATION || e->ports[port].state == CF_PORT_NONE)
            return fail(w, "call %u: reference %u names port %u, no application", index, at, port);
        const struct cf_call_handle *h = cf_handle_table_look_up(&e->view[port].handles, slot, cf_ref_generation(ref));
        if (h == NULL || h->call != index)
            return fail(w, "call %u: reference %u has no handle at port %u", index, at, port);
        if ((h->info & CF_SLOT_OPEN_MASK) != cf_open_line_of(open))
            return fail(w, "call %u: handle %u at port %u belongs to another open", index, slot, port);
        uint64_t *word = &seen[cf_ref_position(ref) / 64], bit = UINT64_C(1) << (cf_ref_position(ref) % 64);
        if ((*word & bit) != 0)
            return fail(w, "call %u: two handles for one open (I-1)", index);
        *word |= bit;
        owners += (h->info & CF_SLOT_OWNER) != 0;
    }
    return owners == c->owners ? true : fail(w, "call %u: %u owners counted, %u found", index, c->owners, owners);
}

/* It and its neighbours on its line's list know each other. */
static bool check_neighbours(const struct cf_engine *e, const struct cf_call *c, struct cf_check_walk *w) {
    uint32_t index = cf_call_index(e, c), used = e->call_head->used;
    const struct cf_line *l = &e->lines[c->line];
    if ((c->flags & CF_CALL_TENTATIVE) != 0)
        return true;
    bool previous = c->previous == CF_INDEX_NONE ? l->calls_first == index
                                                 : c->previous < used && cf_call_at(e, c->previous)->next == index;
    bool next = c->next == CF_INDEX_NONE ? l->calls_last == index : c->next < used && cf_call_at(e, c->next)->previous == index;
    return previous && next ? true : fail(w, "line %u: its list of calls is broken at call %u", c->line, index);
}

static bool check_provider_of(const struct cf_engine *e, const struct cf_call *c, struct cf_check_walk *w) {
    uint32_t index = cf_call_index(e, c), at = cf_handle_index(c->provider_call);
    if (c->provider == 0)
        return true;
    if (!cf_port_is_provider(e, c->provider) || e->ports[c->provider].state == CF_PORT_NONE)
        return fail(w, "call %u: port %u is named as its provider", index, c->provider);
    w->calls_of[c->provider]++;
    if (c->provider_call == 0)
        return true;
    const struct cf_provider_call *entry = &e->view[c->provider].provider_calls[at];
    if (at >= e->limits.calls_per_provider || entry->call != index + 1 || entry->generation != cf_handle_generation(c->provider_call))
        return fail(w, "call %u: its provider's map does not lead to it", index);
    return true;
}

static bool check_call(struct cf_engine *e, struct cf_call *c, struct cf_check_walk *w) {
    uint32_t index = cf_call_index(e, c);
    w->live++;
    w->calls++;
    w->linked += (c->flags & CF_CALL_TENTATIVE) == 0;
    w->references += c->refs;
    if (c->line >= e->g->lines_used)
        return fail(w, "call %u: on line %u, and %u lines were used", index, c->line, e->g->lines_used);
    if (!check_chunks(e, c, w) || !check_references(e, c, w) || !check_neighbours(e, c, w))
        return false;
    if (c->refs == 0 && (c->flags & (CF_CALL_TENTATIVE | CF_CALL_CLOSING | CF_CALL_SKIPPED | CF_CALL_QUEUED | CF_CALL_LIVED)) == 0)
        return fail(w, "call %u: nobody has a handle, yet it lives", index);
    if (!check_provider_of(e, c, w))
        return false;
    if (!cf_parties_check(e, c, &w->blocks))
        return fail(w, "call %u: what is kept of its parties is damaged", index);
    if (!cf_extra_check(e, c, &w->blocks))
        return fail(w, "call %u: what it has beside the others, its conference, or who listens, is damaged", index);
    cf_watch_count(e, c, w->watches_of);
    return true;
}

static uint64_t step_calls(struct cf_engine *e, struct cf_check_walk *w) {
    if (w->at >= e->call_head->used) {
        w->part = CF_CHECK_LINES;
        w->at = 0;
        return 1;
    }
    struct cf_call *c = cf_call_at(e, w->at++);
    if (!cf_generation_live(c->generation))
        return 1;
    check_call(e, c, w);
    return 4 + 3 * (uint64_t)c->refs;
}

/* ------------------------------------------------------------------ lines */

/* Each position in use is an open that knows its line and place; so many of them as are counted are live. */
static bool check_positions(const struct cf_engine *e, uint32_t line, struct cf_check_walk *w, uint64_t *cost) {
    const struct cf_line *l = &e->lines[line];
    uint32_t live = 0, closed = 0;
    for (uint32_t at = cf_line_next_position(l, 0); at != CF_INDEX_NONE; at = cf_line_next_position(l, at + 1)) {
        uint64_t open = *cf_open_at(e, line, at);
        uint32_t port = cf_open_port_of(open), index = cf_open_line_of(open);
        *cost += 2;
        live += (open & CF_OPEN_LIVE) != 0;
        closed += (open & CF_OPEN_LIVE) == 0;
        if (port >= e->ports_count || e->ports[port].kind != CF_PORT_APPLICATION || index >= e->ports[port].opens_used)
            return fail(w, "line %u: position %u names open %u of port %u", line, at, index, port);
        const struct cf_open_line *o = &e->view[port].open_lines[index];
        if (o->state == CF_OPEN_FREE || o->line != line || o->position != at)
            return fail(w, "line %u: position %u and open %u of port %u do not agree", line, at, index, port);
    }
    if (live != l->opens || closed != l->closed)
        return fail(w, "line %u: %u opens and %u closed ones counted, %u and %u found", line, l->opens, l->closed, live, closed);
    return true;
}

static bool check_line(const struct cf_engine *e, uint32_t line, struct cf_check_walk *w, uint64_t *cost) {
    const struct cf_line *l = &e->lines[line];
    uint32_t used = e->call_head->used;
    if (!cf_port_is_provider(e, l->provider) || l->state > CF_LINE_REMOVED)
        return fail(w, "line %u: in state %u, of port %u", line, l->state, l->provider);
    bool empty = l->calls_first == CF_INDEX_NONE && l->calls_last == CF_INDEX_NONE;
    if (empty != (l->calls == 0) || (!empty && (l->calls_first >= used || l->calls_last >= used)))
        return fail(w, "line %u: %u calls counted, its list is from call %u to %u", line, l->calls, l->calls_first, l->calls_last);
    if (!empty && (cf_call_at(e, l->calls_first)->line != line || cf_call_at(e, l->calls_last)->line != line))
        return fail(w, "line %u: its list begins or ends with a call of another line", line);
    uint32_t blocks = 0;
    if (!cf_forwarding_check(e, line, &blocks))
        return fail(w, "line %u: what is kept of its forwarding is damaged", line);
    w->blocks += blocks;
    w->forward_blocks_of[l->provider] += blocks;
    *cost += 3 * blocks;
    return check_positions(e, line, w, cost);
}

static uint64_t step_lines(const struct cf_engine *e, struct cf_check_walk *w) {
    uint64_t cost = 4;
    if (w->at < e->g->lines_used) {
        w->lines++;
        check_line(e, w->at++, w, &cost);
    } else {
        w->part = CF_CHECK_PORTS;
        w->port = w->at = 0;
    }
    return cost;
}

/* ------------------------------------------------------------------ ports */

/* The requests: each slot ever used is free or outstanding, replies that wait are on their list, those apart are counted so. */
static bool check_requests(const struct cf_engine *e, uint32_t port, struct cf_check_walk *w) {
    const struct cf_port_view *v = &e->view[port];
    const struct cf_port *p = v->p;
    uint32_t in[CF_REQUEST_REPLIED + 1] = {0}, digits = 0, free = 0, waiting = 0, last = CF_INDEX_NONE, used = p->requests_used;
    for (uint32_t at = 0; at < p->requests_used; at++) {
        const struct cf_request *q = &v->requests[at];
        if (q->state > CF_REQUEST_REPLIED)
            return fail(w, "port %u: request %u is in no state", port, at);
        in[q->state]++;
        digits += q->state != CF_REQUEST_FREE && cf_request_apart(q->id);
        if (q->state == CF_REQUEST_FREE || q->id != CF_REQ_GATHER_DIGITS)
            continue;
        w->blocks++;
        if (!cf_gather_check(e, q))
            return fail(w, "port %u: request %u gathers digits and has no block for them", port, at);
    }
    for (uint32_t at = p->requests_free, n = 0; at < used && n <= used; at = v->requests[at].next, n++)
        free += v->requests[at].state == CF_REQUEST_FREE;
    for (uint32_t at = p->replied_first, n = 0; at < used && n <= used; at = v->requests[at].next, n++) {
        waiting += v->requests[at].state == CF_REQUEST_REPLIED;
        last = at;
    }
    if (free != in[CF_REQUEST_FREE] || waiting != in[CF_REQUEST_REPLIED] || last != p->replied_last)
        return fail(w, "port %u: %u requests free, %u on the list; %u replies wait, %u on the list", port, in[CF_REQUEST_FREE], free,
                    in[CF_REQUEST_REPLIED], waiting);
    if (p->requests_live != in[CF_REQUEST_SENT] + in[CF_REQUEST_REPLIED] || digits != p->digits_live)
        return fail(w, "port %u: %u requests, %u of them apart, counted; %u and %u found", port, p->requests_live, p->digits_live,
                    in[CF_REQUEST_SENT] + in[CF_REQUEST_REPLIED], digits);
    return true;
}

/* Where messages are put without a look at the port, a look would allow it; what such a look found is of the last turn. */
static bool check_outlet(const struct cf_engine *e, uint32_t port, struct cf_check_walk *w) {
    const struct cf_port *p = &e->ports[port];
    uint64_t limit = e->outlet[port].limit;
    bool dirty = (e->dirty_set[port / 64] >> (port % 64) & 1) != 0;
    return limit == 0 || (dirty && cf_port_in_step(p) && limit + p->reserve <= p->head_seen + p->mask + 1)
               ? true
               : fail(w, "port %u: messages may be put up to %llu without a look at it", port, (unsigned long long)limit);
}

/* The law on our side: each message and each one missed has a sequence number, those not told yet have theirs when the gap is. */
static bool check_port(const struct cf_engine *e, uint32_t port, struct cf_check_walk *w) {
    const struct cf_port *p = &e->ports[port];
    if (p->tail - p->head_seen > p->mask + 1)
        return fail(w, "port %u: more in the ring than it has slots", port);
    if (!check_outlet(e, port, w))
        return false;
    if (p->kind != CF_PORT_APPLICATION)
        return true;
    if (!cf_port_law_holds(p))
        return fail(w, "port %u: %llu messages and %llu missed do not make sequence %llu, with %llu not told yet", port,
                    (unsigned long long)p->messages, (unsigned long long)p->missed, (unsigned long long)p->sequence,
                    (unsigned long long)p->outage_missed);
    if (!check_requests(e, port, w))
        return false;
    return cf_requests_check(e, port, &w->port_requests, &w->blocks)
               ? true
               : fail(w, "port %u: its requests of closed lines, or what is kept for their replies, are not as counted", port);
}

static uint64_t step_ports(const struct cf_engine *e, struct cf_check_walk *w) {
    w->at = 0;
    w->port_opens = w->port_idle = w->port_handles = w->port_requests = w->port_asked = w->port_untold = 0;
    if (w->port >= e->ports_count) {
        w->port = 0;
        w->part = w->turns || w->sums_cost > w->sums_max ? CF_CHECK_END : CF_CHECK_TABLES;
        w->turns |= w->part == CF_CHECK_END;
        return 1;
    }
    const struct cf_port *p = &e->ports[w->port];
    if (p->state == CF_PORT_NONE) {
        w->port++;
        return 1;
    }
    w->ports++;
    w->sums_cost += p->kind == CF_PORT_APPLICATION ? p->handles.used : 0;
    check_port(e, w->port, w);
    w->part = p->kind == CF_PORT_PROVIDER ? CF_CHECK_PROVIDER_LINES : p->kind == CF_PORT_APPLICATION ? CF_CHECK_OPENS : CF_CHECK_PORTS;
    w->port += w->part == CF_CHECK_PORTS;
    return 6 + p->requests_used;
}

static bool check_provider_line(const struct cf_engine *e, uint32_t port, uint32_t number, struct cf_check_walk *w) {
    uint32_t line = e->view[port].provider_lines[number];
    if (line == 0)
        return true;
    if (line > e->g->lines_used || e->lines[line - 1].provider != port || e->lines[line - 1].number != number)
        return fail(w, "port %u: its line %u is line %u, which is of another", port, number, line - 1);
    return true;
}

static uint64_t step_provider_lines(const struct cf_engine *e, struct cf_check_walk *w) {
    const struct cf_port *p = &e->ports[w->port];
    if (p->kind == CF_PORT_PROVIDER && w->at < p->lines_used) {
        check_provider_line(e, w->port, w->at++, w);
        return 2;
    }
    if (!w->turns && p->calls_live != w->calls_of[w->port])
        fail(w, "port %u: %u calls counted, %u found", w->port, p->calls_live, w->calls_of[w->port]);
    if (!w->turns && p->forward_blocks != w->forward_blocks_of[w->port])
        fail(w, "port %u: %u blocks for forwarding counted, %u found", w->port, p->forward_blocks, w->forward_blocks_of[w->port]);
    w->port++;
    w->part = CF_CHECK_PORTS;
    return 1;
}

/* A line whose provider is none is told of as a line; nobody's rights are judged by it. */
static uint32_t rights_of(const struct cf_engine *e, uint32_t port, uint32_t line) {
    return cf_port_is_provider(e, e->lines[line].provider) ? cf_line_rights(e, port, line) : CF_RIGHT_OWN | CF_RIGHT_MONITOR;
}

/* An open line has no privilege that its application may not have. */
static bool check_rights(const struct cf_engine *e, uint32_t port, const struct cf_open_line *o, uint64_t open, struct cf_check_walk *w) {
    uint32_t rights = rights_of(e, port, o->line);
    if (o->state != CF_OPEN_OPEN ||
        (rights != 0 && (!(open & CF_OPEN_OWNER) || (rights & CF_RIGHT_OWN) != 0) &&
         (!(open & CF_OPEN_MONITOR) || (rights & CF_RIGHT_MONITOR) != 0)))
        return true;
    return fail(w, "port %u: line %u is open beyond its rights", port, o->line);
}

static bool check_open(const struct cf_engine *e, uint32_t port, uint32_t index, struct cf_check_walk *w) {
    const struct cf_open_line *o = &e->view[port].open_lines[index];
    w->port_opens += o->state == CF_OPEN_OPEN;
    if (o->state == CF_OPEN_FREE || o->swept)
        return true;
    if (o->state > CF_OPEN_CLOSED || o->line >= e->g->lines_used)
        return fail(w, "port %u: open %u is in state %u, of line %u", port, index, o->state, o->line);
    uint64_t open = *cf_open_at(e, o->line, o->position);
    if (cf_open_port_of(open) != port || cf_open_line_of(open) != index || ((open & CF_OPEN_LIVE) != 0) != (o->state == CF_OPEN_OPEN))
        return fail(w, "port %u: open %u and its line do not agree", port, index);
    w->port_handles += o->handles;
    w->port_asked += o->state == CF_OPEN_OPEN ? o->requests : 0;
    return check_rights(e, port, o, open, w);
}

static uint64_t step_opens(const struct cf_engine *e, struct cf_check_walk *w) {
    const struct cf_port *p = &e->ports[w->port];
    if (p->kind == CF_PORT_APPLICATION && w->at < p->opens_used) {
        check_open(e, w->port, w->at++, w);
        return 2;
    }
    w->part = CF_CHECK_HANDLES;
    w->at = 0;
    return 1;
}

/* The call's reference to that handle: what check_references() says from the other side. */
static bool is_referred_to(const struct cf_engine *e, const struct cf_call *c, uint32_t port, uint32_t index, uint32_t generation) {
    for (uint32_t at = 0; at < c->refs; at++) {
        uint64_t ref = cf_call_ref(e, c, at);
        if (cf_ref_index(ref) == index && cf_ref_generation(ref) == generation &&
            cf_open_port_of(*cf_open_at(e, c->line, cf_ref_position(ref))) == port)
            return true;
    }
    return false;
}

static bool check_handle(struct cf_engine *e, uint32_t port, uint32_t index, struct cf_check_walk *w, uint64_t *cost) {
    const struct cf_port_view *v = &e->view[port];
    const struct cf_call_handle *h = cf_slot_at(v, index);
    if (!cf_generation_live(h->generation)) {
        bool marked = cf_marks_test(&v->changed, index) || cf_marks_test(&v->notices, index);
        return marked ? fail(w, "port %u: handle %u is free and marked", port, index) : true;
    }
    w->handles++;
    if (h->call >= e->call_head->used || (h->info & CF_SLOT_OPEN_MASK) >= e->ports[port].opens_used)
        return fail(w, "port %u: handle %u is of call %u and open %u", port, index, h->call, h->info & CF_SLOT_OPEN_MASK);
    const struct cf_call *c = cf_call_at(e, h->call);
    struct cf_check_walk counts_nothing = {0};
    bool whole = cf_generation_live(c->generation) && c->line < e->g->lines_used && check_chunks(e, c, &counts_nothing);
    *cost += 2 + 2 * (uint64_t)(whole ? c->refs : 0);
    if (!whole || !is_referred_to(e, c, port, index, h->generation))
        return fail(w, "port %u: handle %u is of call %u, which does not know it", port, index, h->call);
    if ((h->info & CF_SLOT_ANNOUNCE_DUE) != 0 && (!cf_marks_test(&v->changed, index) || v->p->step == CF_IN_STEP))
        return fail(w, "port %u: handle %u was handed over, and nothing tells it so", port, index);
    w->port_idle += c->state == LINECALLSTATE_IDLE;
    w->port_handles += (c->flags & CF_CALL_TENTATIVE) != 0;
    if ((h->info & CF_SLOT_OWNER) != 0 && v->open_lines[h->info & CF_SLOT_OPEN_MASK].state == CF_OPEN_OPEN &&
        (rights_of(e, port, c->line) & CF_RIGHT_OWN) == 0)
        return fail(w, "port %u: handle %u owns a call beyond its rights", port, index);
    return true;
}

/* The sums of a port. */
static bool check_counts(const struct cf_engine *e, struct cf_check_walk *w) {
    const struct cf_port *p = &e->ports[w->port];
    const struct cf_rights *rights = e->view[w->port].rights;
    w->held += p->handles.live;
    w->opens += w->port_opens;
    if (w->port_opens > rights->open_lines || p->handles.live > rights->handles)
        return fail(w, "port %u: %llu opens, %u handles, %u and %u allowed", w->port, (unsigned long long)w->port_opens, p->handles.live,
                    rights->open_lines, rights->handles);
    if (w->port_opens != p->opens_live || w->port_idle != p->idle_handles)
        return fail(w, "port %u: %u opens, %u idle handles counted, %llu and %llu found", w->port, p->opens_live, p->idle_handles,
                    (unsigned long long)w->port_opens, (unsigned long long)w->port_idle);
    if (w->port_requests != w->port_asked)
        return fail(w, "port %u: %llu requests of open lines counted, %llu found", w->port, (unsigned long long)w->port_asked,
                    (unsigned long long)w->port_requests);
    if (w->watches_of[w->port] != p->watches)
        return fail(w, "port %u: it listens on %u calls as counted, on %u as found", w->port, p->watches, w->watches_of[w->port]);
    if (w->port_handles != p->handles.live)
        return fail(w, "port %u: %llu handles live, %llu belong to opens", w->port, (unsigned long long)p->handles.live,
                    (unsigned long long)w->port_handles);
    return true;
}

static uint64_t step_handles(struct cf_engine *e, struct cf_check_walk *w) {
    const struct cf_port *p = &e->ports[w->port];
    uint64_t cost = 1;
    if (p->kind == CF_PORT_APPLICATION && w->at < p->handles.used) {
        check_handle(e, w->port, w->at++, w, &cost);
        return cost;
    }
    if (!w->turns)
        check_counts(e, w);
    w->part = CF_CHECK_UNTOLD;
    w->at = 0;
    return cost;
}

/* A call that it is still to be told of lives, is not IDLE, and knows that somebody waits. */
static bool check_untold(const struct cf_engine *e, uint32_t call, struct cf_check_walk *w) {
    const struct cf_call *c = cf_call_at(e, call);
    w->port_untold++;
    if (call < e->call_head->used && cf_generation_live(c->generation) && c->state != LINECALLSTATE_IDLE && (c->flags & CF_CALL_SKIPPED) != 0)
        return true;
    return fail(w, "port %u: it is still to be told of call %u, which has nothing to tell", w->port, call);
}

/* The lowest level of the marks, 64 calls at a time. */
static uint64_t step_untold(const struct cf_engine *e, struct cf_check_walk *w) {
    const struct cf_port *p = &e->ports[w->port];
    uint32_t words = (e->call_head->used + 63) / 64;
    uint64_t cost = 1;
    if (p->kind == CF_PORT_APPLICATION && w->at < words) {
        for (uint32_t end = w->at + 64 < words ? w->at + 64 : words; w->at < end && cost < 64; w->at++)
            for (uint64_t bits = e->view[w->port].untold.level[0][w->at]; bits != 0; bits &= bits - 1, cost++)
                check_untold(e, w->at * 64 + (uint32_t)__builtin_ctzll(bits), w);
        return cost;
    }
    if (!w->turns && w->port_untold != p->untold)
        fail(w, "port %u: %u calls counted of which it is to be told, %llu found", w->port, p->untold, (unsigned long long)w->port_untold);
    w->port++;
    w->part = CF_CHECK_PORTS;
    return cost;
}

/* ------------------------------------------------------------------ sums */

/* The handle tables: of calls, then of each application. */
static uint64_t step_tables(const struct cf_engine *e, struct cf_check_walk *w) {
    char why[96];
    if (w->port >= e->ports_count) {
        w->part = CF_CHECK_LISTS;
        w->at = 0;
        return 1;
    }
    uint32_t port = w->port++;
    const struct cf_handle_table *t = port == 0 ? &e->calls : &e->view[port].handles;
    if (port != 0 && (e->ports[port].state == CF_PORT_NONE || e->ports[port].kind != CF_PORT_APPLICATION))
        return 1;
    if (cf_handle_table_check(t, why, sizeof why))
        return 1 + t->head->used;
    if (port == 0)
        fail(w, "calls: %s", why);
    else
        fail(w, "port %u: %s", port, why);
    return 1 + t->head->used;
}

static bool check_list(const struct cf_engine *e, uint32_t line, struct cf_check_walk *w) {
    const struct cf_line *l = &e->lines[line];
    uint32_t n = 0, previous = CF_INDEX_NONE, used[CF_ADDRESSES_PER_LINE_MAX] = {0};
    for (uint32_t i = l->calls_first; i != CF_INDEX_NONE; i = cf_call_at(e, i)->next, n++) {
        if (i >= e->call_head->used || n > l->calls || cf_call_at(e, i)->line != line || cf_call_at(e, i)->previous != previous)
            return fail(w, "line %u: its list of calls is broken at call %u", line, i);
        previous = i;
        used[cf_call_at(e, i)->address % CF_ADDRESSES_PER_LINE_MAX] += cf_address_use_of(cf_call_at(e, i)->state) != CF_ADDRESS_UNUSED;
    }
    w->listed += n;
    if (memcmp(used, cf_in_use_at(e, line, 0), sizeof used) != 0)
        return fail(w, "line %u: the calls in use of its addresses are not as counted", line);
    return n == l->calls && l->calls_last == previous ? true
                                                      : fail(w, "line %u: %u calls counted, %u on its list", line, l->calls, n);
}

static uint64_t step_lists(const struct cf_engine *e, struct cf_check_walk *w) {
    if (w->at >= e->g->lines_used) {
        w->part = CF_CHECK_POOLS;
        return 1;
    }
    check_list(e, w->at, w);
    return 1 + e->lines[w->at++].calls;
}

/* Every index of a pool is in a chain of some call or on the free list. */
static bool check_pools(const struct cf_engine *e, struct cf_check_walk *w) {
    const struct cf_globals *g = e->g;
    uint32_t free_chunks = 0, free_blocks = 0;
    for (uint32_t i = g->chunk_free; i < g->chunks_used && free_chunks <= g->chunks_used; i = e->chunks[i].next)
        free_chunks++;
    for (uint32_t i = g->party_free; i < g->parties_used && free_blocks <= g->parties_used; i = e->parties[i].next)
        free_blocks++;
    if (w->chunks + free_chunks != g->chunks_used)
        return fail(w, "%u reference chunks, %llu hold references and %u are free", g->chunks_used, (unsigned long long)w->chunks,
                    free_chunks);
    if (w->blocks + free_blocks != g->parties_used || w->blocks != g->parties_live)
        return fail(w, "%u party blocks, %u live, %u in chains and %u free", g->parties_used, g->parties_live, w->blocks, free_blocks);
    return true;
}

static bool check_sums(const struct cf_engine *e, struct cf_check_walk *w) {
    if (!check_pools(e, w))
        return false;
    if (w->live != e->call_head->live)
        return fail(w, "%u live calls counted, %llu found", e->call_head->live, (unsigned long long)w->live);
    if (w->listed != w->linked)
        return fail(w, "%llu calls on lists, %llu live", (unsigned long long)w->listed, (unsigned long long)w->linked);
    if (w->references != w->held)
        return fail(w, "%llu references, %llu handles", (unsigned long long)w->references, (unsigned long long)w->held);
    return w->opens == e->g->opens ? true : fail(w, "%u opens counted, %llu found", e->g->opens, (unsigned long long)w->opens);
}

/* ------------------------------------------------------------------ the walk */

static uint64_t step(struct cf_engine *e, struct cf_check_walk *w) {
    switch (w->part) {
    case CF_CHECK_BEGIN:
        w->turn = e->control->committed;
        w->sums_cost = (uint64_t)e->call_head->used + e->g->lines_used + e->g->chunks_used + e->g->parties_used;
        w->part = check_control(e, w) ? CF_CHECK_CALLS : CF_CHECK_END;
        return 8 + e->ports_count;
    case CF_CHECK_CALLS:
        return step_calls(e, w);
    case CF_CHECK_LINES:
        return step_lines(e, w);
    case CF_CHECK_PORTS:
        return step_ports(e, w);
    case CF_CHECK_PROVIDER_LINES:
        return step_provider_lines(e, w);
    case CF_CHECK_OPENS:
        return step_opens(e, w);
    case CF_CHECK_HANDLES:
        return step_handles(e, w);
    case CF_CHECK_UNTOLD:
        return step_untold(e, w);
    case CF_CHECK_TABLES:
        return step_tables(e, w);
    case CF_CHECK_LISTS:
        return step_lists(e, w);
    case CF_CHECK_POOLS:
        check_sums(e, w);
        w->part = CF_CHECK_END;
        return 1 + e->g->chunks_used + e->g->parties_used;
    case CF_CHECK_END:
        break;
    }
    return 0;
}

void cf_check_walk_begin(struct cf_check_walk *w) { memset(w, 0, sizeof *w); }

bool cf_engine_check_step(struct cf_engine *e, struct cf_check_walk *w, uint64_t budget) {
    if (w->part != CF_CHECK_BEGIN && w->turn != e->control->committed) {
        w->turns = true;
        if (w->part >= CF_CHECK_TABLES)
            w->part = CF_CHECK_END;
    }
    w->sums_max = budget > SUMS_MAX ? UINT64_MAX : SUMS_MAX;
    for (uint64_t spent = 0; w->part != CF_CHECK_END && spent < budget;)
        spent += step(e, w);
    return w->part != CF_CHECK_END;
}

bool cf_engine_check(struct cf_engine *e, char *why, size_t why_bytes) {
    struct cf_check_walk w;
    cf_check_walk_begin(&w);
    w.sums_max = UINT64_MAX;
    while (w.part != CF_CHECK_END && w.findings == 0)
        step(e, &w);
    if (w.findings != 0)
        snprintf(why, why_bytes, "%s", w.text[0]);
    return w.findings == 0;
}
