/*
 * Service: what is due on busy ports besides the records, in bounded slices: commands that had no room, replies and closes that wait,
 * recovery, notices, the sweep of closed opens, the end of ports.
 */
#include "core/forwarding.h"
#include "core/making.h"

#include "core/watch.h"

/* ------------------------------------------------------------------ walks over a line's calls */

static void walk_begin(struct cf_engine *e, struct cf_port *p, uint32_t line) {
    cf_touch_one(e, &p->walk);
    p->walk = (struct cf_walk){line, e->lines[line].calls_first};
    cf_touch_one(e, &e->lines[line]);
    e->lines[line].walks++;
}

static void walk_end(struct cf_engine *e, struct cf_port *p) {
    cf_touch_one(e, &e->lines[p->walk.line]);
    e->lines[p->walk.line].walks--;
    cf_touch_one(e, &p->walk);
    p->walk = (struct cf_walk){CF_INDEX_NONE, CF_INDEX_NONE};
}

void cf_walks_leave(struct cf_engine *e, struct cf_call *c) {
    uint32_t index = cf_call_index(e, c);
    for (uint32_t port = 0; port < e->ports_count; port++) {
        struct cf_port *p = &e->ports[port];
        if (p->state == CF_PORT_NONE || p->walk.line != c->line || p->walk.call != index)
            continue;
        cf_touch_one(e, &p->walk);
        p->walk.call = c->next;
    }
}

/* ------------------------------------------------------------------ the sweep of closed opens */

/* Handles of calls that are not on the line's list yet. False: the turn has no room for more. */
static bool sweep_tentative(struct cf_engine *e, uint32_t port, uint32_t open_line) {
    struct cf_port *p = &e->ports[port];
    for (uint32_t at = 0; at < p->requests_used; at++) {
        if (!cf_slice_room(e))
            return false;
        const struct cf_request *q = &e->view[port].requests[at];
        if (q->state != CF_REQUEST_SENT || q->open_line != open_line)
            continue;
        for (uint32_t i = 0; i < q->makes; i++) {
            struct cf_call *c = cf_making_call(e, q, i);
            if (c != NULL && (c->flags & CF_CALL_TENTATIVE) != 0 && c->refs != 0)
                cf_call_release(e, c, 0, true, port);
        }
    }
    return true;
}

static void sweep_done(struct cf_engine *e, uint32_t port, uint32_t open_line) {
    struct cf_port *p = &e->ports[port];
    struct cf_open_line *o = &e->view[port].open_lines[open_line];
    struct cf_line *l = &e->lines[o->line];
    walk_end(e, p);
    assert(o->handles == 0);
    uint64_t *open = cf_open_at(e, o->line, o->position);
    cf_touch_one(e, open);
    *open = 0;
    cf_touch_range(&e->journal, l, sizeof *l);
    l->used[o->position / 64] &= ~(UINT64_C(1) << (o->position % 64));
    l->closed--;
    cf_touch_one(e, &p->sweep_first);
    p->sweep_first = o->next_sweep;
    if (p->sweep_first == CF_INDEX_NONE)
        p->sweep_last = CF_INDEX_NONE;
    cf_touch_one(e, o);
    if ((o->due & CF_DUE_QUEUED) != 0 && p->state == CF_PORT_LIVE) {
        o->swept = 1; /* its LINE_CLOSE waits for room */
    } else {
        o->state = CF_OPEN_FREE;
        o->due = 0;
    }
}

/* One slice of the sweep of the port's first closed open. True when more is left. */
static bool sweep_step(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    for (uint32_t n = 0; p->sweep_first != CF_INDEX_NONE && n < e->limits.sweep_slice && cf_slice_room(e);) {
        uint32_t open_line = p->sweep_first;
        struct cf_open_line *o = &e->view[port].open_lines[open_line];
        if (p->walk.line == CF_INDEX_NONE)
            walk_begin(e, p, o->line);
        n++; /* a line without calls counts too */
        for (; p->walk.call != CF_INDEX_NONE && n < e->limits.sweep_slice && cf_slice_room(e); n++) {
            struct cf_call *c = cf_call_at(e, p->walk.call);
            cf_touch_one(e, &p->walk);
            p->walk.call = c->next;
            uint32_t at = cf_call_find_position(e, c, o->position);
            if (at != CF_INDEX_NONE)
                cf_call_release(e, c, at, true, port);
            else if (c->refs == 0)
                cf_call_collect(e, c); /* it was kept for somebody who closed before he was told */
        }
        if (p->walk.call == CF_INDEX_NONE && sweep_tentative(e, port, open_line))
            sweep_done(e, port, open_line);
    }
    return p->sweep_first != CF_INDEX_NONE;
}

/* ------------------------------------------------------------------ the end of an application */

static bool close_opens(struct cf_engine *e, uint32_t port, bool told) {
    struct cf_port *p = &e->ports[port];
    cf_touch_one(e, &p->sweep_scan);
    for (uint32_t n = 0; p->sweep_scan < p->opens_used && n < e->limits.sweep_slice && cf_slice_room(e); n++, p->sweep_scan++) {
        struct cf_open_line *o = &e->view[port].open_lines[p->sweep_scan];
        if (o->state == CF_OPEN_OPEN) {
            if (told)
                cf_open_due(e, port, p->sweep_scan, CF_DUE_CLOSE);
            cf_line_close_open(e, port, p->sweep_scan, told);
        } else if (!told && o->state == CF_OPEN_CLOSED && o->swept) {
            cf_touch_one(e, o);
            o->state = CF_OPEN_FREE;
            o->due = 0;
            o->swept = 0;
        }
    }
    return p->sweep_scan < p->opens_used;
}

static void port_free(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    cf_output_begin(e, CF_DOOR_FREE, 0, port, 0, p->generation);
    if (!cf_output_command(e, 0, 0))
        return; /* the door reads again soon */
    cf_touch_one(e, &e->g->going);
    e->g->going--;
    cf_touch_range(&e->journal, p, sizeof *p);
    p->state = CF_PORT_NONE;
    p->kind = CF_PORT_FREE;
}

/* Marks of devices and calls that were still to be told: the next user of the number starts without. True: more to do. */
static bool clear_marks(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    for (uint32_t n = 0; n < e->limits.sweep_slice && cf_slice_room(e); n++) {
        uint32_t line = cf_marks_next(&v->news, 0), call = cf_marks_next(&v->untold, 0);
        if (line == CF_INDEX_NONE && call == CF_INDEX_NONE)
            return false;
        if (line != CF_INDEX_NONE)
            cf_marks_clear(&v->news, &e->journal, line);
        if (call != CF_INDEX_NONE)
            cf_call_told(e, port, call);
    }
    return true;
}

static bool application_ends(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    if (p->expelling) {
        cf_touch_one(e, &p->expelling);
        cf_touch_one(e, &p->sweep_scan);
        p->expelling = 0;
        p->sweep_scan = 0;
    }
    if (close_opens(e, port, false) || sweep_step(e, port))
        return true;
    if (!cf_request_forget_replies(e, port))
        return true;
    for (uint32_t at = 0; at < p->requests_used; at++) {
        if (!cf_slice_room(e))
            return true;
        if (e->view[port].requests[at].state == CF_REQUEST_SENT)
            cf_request_orphan(e, port, at);
    }
    if (clear_marks(e, port))
        return true;
    assert(p->handles.live == 0);
    port_free(e, port);
    return false;
}

/* ------------------------------------------------------------------ the end of a provider */

/* Commands that waited will never be sent; what they closed is freed. */
static bool forget_dues(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    for (uint32_t n = 0; p->calls_due_first != CF_INDEX_NONE && n < e->limits.sweep_slice && cf_slice_room(e); n++) {
        struct cf_call *c = cf_call_at(e, p->calls_due_first);
        cf_touch_one(e, &p->calls_due_first);
        p->calls_due_first = c->next_due;
        if (p->calls_due_first == CF_INDEX_NONE)
            p->calls_due_last = CF_INDEX_NONE;
        cf_touch_one(e, c);
        c->flags &= (uint16_t)~(CF_CALL_QUEUED | CF_CALL_DROP_DUE | CF_CALL_CLOSE_DUE | CF_CALL_MONITOR_DUE | CF_CALL_CLOSING);
        cf_call_collect(e, c);
    }
    return p->calls_due_first != CF_INDEX_NONE;
}

static bool orphan_requests(struct cf_engine *e, uint32_t provider) {
    struct cf_port *p = &e->ports[provider];
    cf_touch_one(e, &p->orphan_scan);
    if (p->orphan_scan >= e->ports_count)
        return false;
    uint32_t port = p->orphan_scan;
    bool asks = !cf_port_is_provider(e, port) && e->ports[port].state != CF_PORT_NONE;
    for (uint32_t at = 0; asks && at < e->ports[port].requests_used; at++) {
        const struct cf_request *q = &e->view[port].requests[at];
        if (!cf_slice_room(e))
            return true;
        if (q->state == CF_REQUEST_SENT && q->provider == provider)
            cf_request_orphan(e, port, at);
    }
    p->orphan_scan++;
    return true;
}

/* The call has no provider any more: its identifier may be used again by the next one. */
static void detach_call(struct cf_engine *e, struct cf_call *c) {
    struct cf_port_view *v = &e->view[c->provider];
    if (c->provider_call != 0) {
        struct cf_provider_call *entry = &v->provider_calls[cf_handle_index(c->provider_call)];
        cf_touch_one(e, entry);
        entry->call = 0;
    }
    cf_touch_one(e, &v->p->calls_live);
    v->p->calls_live--;
    cf_touch_one(e, c);
    c->provider = 0;
    c->provider_call = 0;
}

/* Every call of the line DISCONNECTED and IDLE, then LINE_CLOSE, and only then the line word changes. True: more to do. */
static bool end_line(struct cf_engine *e, struct cf_port *p, uint32_t provider, uint32_t line) {
    struct cf_line *l = &e->lines[line];
    do {
        if (!cf_slice_room(e))
            return true;
    } while (cf_forwarding_forget_one(e, line));
    if (p->walk.line == CF_INDEX_NONE)
        walk_begin(e, p, line);
    for (uint32_t n = 0; p->walk.call != CF_INDEX_NONE && n < e->limits.sweep_slice && cf_slice_room(e); n++) {
        struct cf_call *c = cf_call_at(e, p->walk.call);
        cf_touch_one(e, &p->walk);
        p->walk.call = c->next;
        if (c->provider != provider)
            continue;
        detach_call(e, c);
        if (c->state == LINECALLSTATE_IDLE)
            cf_call_collect(e, c);
        else
            cf_call_end(e, c, LINEDISCONNECTMODE_UNKNOWN);
    }
    if (p->walk.call != CF_INDEX_NONE)
        return true;
    walk_end(e, p);
    if (l->state == CF_LINE_UP) {
        cf_touch_one(e, l);
        l->state = CF_LINE_DOWN;
    }
    cf_line_force_close(e, line);
    return false;
}

static bool provider_ends(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    if (forget_dues(e, port) || orphan_requests(e, port))
        return true;
    if (p->sweep_scan < p->lines_used) {
        uint32_t line = v->provider_lines[p->sweep_scan];
        if (line != 0 && end_line(e, p, port, line - 1))
            return true;
        cf_touch_one(e, &p->sweep_scan);
        p->sweep_scan++;
        return true;
    }
    /* The next instance of the provider counts its generations anew. */
    cf_touch_one(e, &p->opens_used);
    for (uint32_t n = 0; p->opens_used != 0; n++) {
        if (n == 8 * e->limits.sweep_slice || !cf_slice_room(e))
            return true;
        struct cf_provider_call *entry = &v->provider_calls[--p->opens_used];
        cf_touch_one(e, entry);
        *entry = (struct cf_provider_call){0};
    }
    assert(p->calls_live == 0);
    port_free(e, port);
    return false;
}

/* ------------------------------------------------------------------ commands that had no room */

static bool send_dues(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    for (uint32_t n = 0; p->calls_due_first != CF_INDEX_NONE && n < e->limits.sweep_slice && cf_slice_room(e); n++) {
        struct cf_call *c = cf_call_at(e, p->calls_due_first);
        uint16_t id = (c->flags & CF_CALL_CLOSE_DUE) != 0 ? CF_CMD_CLOSE_CALL : CF_CMD_DROP;
        bool wanted = id == CF_CMD_CLOSE_CALL || ((c->flags & CF_CALL_DROP_DUE) != 0 && c->state != LINECALLSTATE_IDLE);
        if (id != CF_CMD_CLOSE_CALL && (c->flags & CF_CALL_MONITOR_DUE) != 0 && !cf_watch_tell(e, c))
            return true;
        cf_output_begin(e, id, c->provider_call, 0, 0, 0);
        if (wanted && !cf_output_command(e, port, CF_PROVIDER_KEEP_DUES))
            return true;
        cf_touch_one(e, &p->calls_due_first);
        p->calls_due_first = c->next_due;
        if (p->calls_due_first == CF_INDEX_NONE)
            p->calls_due_last = CF_INDEX_NONE;
        cf_touch_one(e, c);
        c->flags &= (uint16_t)~(CF_CALL_QUEUED | CF_CALL_DROP_DUE | CF_CALL_CLOSE_DUE | CF_CALL_MONITOR_DUE);
        if (id == CF_CMD_CLOSE_CALL)
            cf_call_free(e, c);
        else
            cf_call_collect(e, c);
    }
    return p->calls_due_first != CF_INDEX_NONE;
}

/* ------------------------------------------------------------------ one busy port */

static bool nothing_due(const struct cf_engine *e, uint32_t port) {
    const struct cf_port_view *v = &e->view[port];
    const struct cf_port *p = v->p;
    return p->step == CF_IN_STEP && p->untold == 0 && p->replied_first == CF_INDEX_NONE && p->due_first == CF_INDEX_NONE &&
           p->news == 0 && p->sweep_first == CF_INDEX_NONE && !p->expelling && cf_marks_next(&v->notices, 0) == CF_INDEX_NONE;
}

static bool application_step(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    bool more = false;
    if (p->sweep_first != CF_INDEX_NONE)
        more |= sweep_step(e, port);
    if (p->idle_handles > 2 * e->limits.idle_handles_max && !p->expelling && p->sweep_first == CF_INDEX_NONE) {
        cf_touch_one(e, &p->expelling);
        cf_touch_one(e, &p->sweep_scan);
        p->expelling = 1;
        p->sweep_scan = 0;
    }
    if (p->expelling && !close_opens(e, port, true)) {
        cf_touch_one(e, &p->expelling);
        p->expelling = 0;
    }
    more |= p->expelling != 0;
    more |= cf_behind_step(e, port);
    if (p->step != CF_BEHIND)
        cf_dues_step(e, port);
    if (p->step == CF_IN_STEP)
        more |= cf_notices_step(e, port);
    return more;
}

static void clear_busy(struct cf_engine *e, uint32_t port) {
    uint32_t *word = &e->g->busy[port / 32];
    cf_touch_one(e, word);
    *word &= ~(UINT32_C(1) << (port % 32));
}

static bool port_step(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    bool more = false, done = false;
    if (p->state == CF_PORT_NONE) {
        done = true;
    } else if (p->state == CF_PORT_GOING) {
        more = p->kind == CF_PORT_PROVIDER ? provider_ends(e, port) : application_ends(e, port);
        done = p->state == CF_PORT_NONE;
    } else if (p->state == CF_PORT_DRAINING) {
        more = true;
        if (p->kind == CF_PORT_APPLICATION) /* a lineOpen may wait for it */
            sweep_step(e, port);
    } else if (p->kind == CF_PORT_PROVIDER) {
        done = !send_dues(e, port); /* else it waits for the provider to read */
    } else {
        more = application_step(e, port);
        done = nothing_due(e, port);
    }
    if (done)
        clear_busy(e, port);
    return more && !done;
}

/* What is to be done for it crashed the engine: nothing is, until its peer is gone, and then once more unless its end crashes too. */
static bool left_out(const struct cf_port *p) {
    return p->aside == CF_ASIDE_END || (p->aside == CF_ASIDE_LIFE && p->state != CF_PORT_GOING && p->state != CF_PORT_NONE);
}

/* The first busy port from `from` on and below `to`, CF_INDEX_NONE when there is none. */
static uint32_t next_busy(const uint32_t *busy, uint32_t from, uint32_t to) {
    for (uint32_t w = from / 32, rest; from < to; from = ++w * 32)
        if ((rest = busy[w] >> (from % 32)) != 0) {
            uint32_t port = from + (uint32_t)__builtin_ctz(rest);
            return port < to ? port : CF_INDEX_NONE;
        }
    return CF_INDEX_NONE;
}

/* Lines changed by service after which a turn ends: events do not wait longer for it. One step goes beyond it by its slice at most. */
#define CF_SERVICE_LINES 8192u

/* Each busy port once, or as many as a turn has room for; the next turn goes on where this one stopped. */
bool cf_service(struct cf_engine *e) {
    uint32_t before[sizeof e->g->busy / sizeof e->g->busy[0]];
    uint32_t start = e->g->next_service < e->ports_count ? e->g->next_service : 0;
    const uint32_t from[2] = {start, 0}, to[2] = {e->ports_count, start};
    uint64_t lines = e->journal.log->count;
    bool more = false;
    memcpy(before, e->g->busy, sizeof before);
    for (int half = 0; half < 2; half++)
        for (uint32_t port = next_busy(before, from[half], to[half]); port != CF_INDEX_NONE;
             port = next_busy(before, port + 1, to[half])) {
            if (e->journal.log->count - lines > CF_SERVICE_LINES || cf_journal_room(&e->journal) < CF_JOURNAL_ENTRIES / 4) {
                cf_touch_one(e, &e->g->next_service);
                e->g->next_service = port;
                return true; /* the rest in the next turn */
            }
            if (cf_unlikely(left_out(&e->ports[port]))) {
                clear_busy(e, port);
                continue;
            }
            e->control->hand_service = port + 1;
            more |= port_step(e, port);
            e->control->hand_service = 0;
        }
    for (uint32_t w = 0; w < sizeof e->g->busy / sizeof e->g->busy[0]; w++)
        more |= (e->g->busy[w] & ~before[w]) != 0; /* a sweep made work for a port that had its turn already */
    return more;
}
