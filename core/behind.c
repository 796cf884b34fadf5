/*
 * Behind: an application that does not read fast enough. It is told exactly how many messages it missed and is brought back
 * to the truth; nobody waits for it.
 *
 * Shape      in step -> (no room for a bundle) behind -> (a quarter of the ring free) kept replies, GAP, RESYNC_BEGIN -> resync, in
 *            slices: a LINE_CALLSTATE per changed handle, announcements of live calls not yet announced -> RESYNC_END -> in step
 * Invariant  messages + missed counts everything offered; every missed message is covered by one GAP or RESYNC_END
 * Errors     a full ring during resync is a new outage; the marks stay
 */
#include "core/internal.h"

void cf_behind_enter(struct cf_engine *e, uint32_t port, uint32_t cause) {
    struct cf_port *p = &e->ports[port];
    if (p->step == CF_BEHIND)
        return;
    cf_touch_one(e, p);
    p->step = CF_BEHIND;
    cf_touch_one(e, &p->gap_cause);
    p->gap_cause = cause;
    if (p->unannounced_since == 0) /* a resync that ends here hands on what it could not announce either */
        p->unannounced_since = p->resync_keep;
    p->resync_keep = 0;
    cf_port_busy(e, port);
    cf_port_dirty(e, port);
}

/* ------------------------------------------------------------------ what is never lost */

static void open_settled(struct cf_engine *e, struct cf_open_line *o) {
    cf_touch_one(e, o);
    o->due = 0;
    if (o->swept) {
        o->state = CF_OPEN_FREE;
        o->swept = 0;
    }
}

/* LINE_CLOSE and LINE_LINEDEVSTATE of one open. False: no room. */
static bool tell_open(struct cf_engine *e, uint32_t port, uint32_t index) {
    struct cf_open_line *o = &e->view[port].open_lines[index];
    struct cf_port *p = &e->ports[port];
    if (cf_output_free(e, &e->view[port], p->reserve + 1u) < p->reserve + 1u)
        return false;
    if ((o->due & CF_DUE_CLOSE) != 0)
        cf_output_message(e, port, LINE_CLOSE, cf_open_hline(e, port, index), 0, 0, 0, e->now_ns, index);
    else if ((o->due & CF_DUE_STATE) != 0 && o->state == CF_OPEN_OPEN && o->owed_states != 0)
        cf_output_message(e, port, LINE_LINEDEVSTATE, cf_open_hline(e, port, index), o->owed_states, 0, 0, e->now_ns, index);
    cf_touch_one(e, o);
    o->owed_states = 0;
    open_settled(e, o);
    return true;
}

static bool tell_kept_replies(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    struct cf_port_view *v = &e->view[port];
    while (p->replied_first != CF_INDEX_NONE) {
        if (cf_output_free(e, v, 1) < 1 || !cf_slice_room(e))
            return false;
        uint32_t at = p->replied_first;
        struct cf_request *q = &v->requests[at];
        cf_touch_one(e, &p->replied_first);
        p->replied_first = q->next;
        if (p->replied_first == CF_INDEX_NONE)
            p->replied_last = CF_INDEX_NONE;
        if (!cf_request_void(e, port, q))
            cf_request_send_reply(e, port, q);
        cf_request_free(e, port, at);
    }
    return true;
}

static bool tell_news(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    for (uint32_t n = 0; p->news != 0 && n < e->limits.resync_slice && cf_slice_room(e); n++) {
        if (cf_output_free(e, v, p->reserve + 1u) < p->reserve + 1u)
            return false;
        uint32_t line = cf_marks_next(&v->news, 0);
        assert(line != CF_INDEX_NONE);
        cf_marks_clear(&v->news, &e->journal, line);
        cf_touch_one(e, &p->news);
        p->news--;
        bool removed = e->lines[line].state == CF_LINE_REMOVED;
        cf_output_message(e, port, removed ? LINE_REMOVE : LINE_CREATE, 0, line, 0, 0, e->now_ns, CF_INDEX_NONE);
        e->tally.deliveries++;
    }
    return p->news == 0;
}

bool cf_dues_step(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    if (!tell_kept_replies(e, port))
        return true;
    for (uint32_t n = 0; p->due_first != CF_INDEX_NONE && n < e->limits.resync_slice && cf_slice_room(e); n++) {
        uint32_t index = p->due_first, next = e->view[port].open_lines[index].next_due;
        if (!tell_open(e, port, index))
            return true;
        cf_touch_one(e, &p->due_first);
        p->due_first = next;
        if (next == CF_INDEX_NONE)
            p->due_last = CF_INDEX_NONE;
    }
    return !tell_news(e, port) || p->due_first != CF_INDEX_NONE;
}

/* ------------------------------------------------------------------ resync */

static bool used_below_half(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    uint64_t half = (v->p->mask + 1) / 2;
    return cf_output_free(e, v, half) >= half;
}

/* The truth of one marked handle. */
static void tell_truth(struct cf_engine *e, uint32_t port, uint32_t index) {
    struct cf_port_view *v = &e->view[port];
    struct cf_call_handle *h = cf_slot_at(v, index);
    struct cf_call *c = cf_call_at(e, h->call);
    uint32_t open_line = h->info & CF_SLOT_OPEN_MASK;
    uint64_t privilege = 0, handle = cf_port_handle(e, port, index, h->generation);
    cf_marks_clear(&v->changed, &e->journal, index);
    if (v->open_lines[open_line].state != CF_OPEN_OPEN)
        return;
    cf_touch_one(e, h);
    if ((h->info & CF_SLOT_PRIVILEGE_DUE) != 0)
        privilege = (h->info & CF_SLOT_OWNER) != 0 ? LINECALLPRIVILEGE_OWNER : LINECALLPRIVILEGE_MONITOR;
    h->info &= ~CF_SLOT_PRIVILEGE_DUE;
    e->tally.deliveries++;
    cf_output_message(e, port, LINE_CALLSTATE, handle, c->state, c->mode, privilege, c->state_time_ns, open_line);
}

/* Announces that call to every open of the port that should have heard of it. False: no room. */
static bool announce_missed(struct cf_engine *e, uint32_t port, struct cf_call *c) {
    struct cf_line *l = &e->lines[c->line];
    for (uint32_t at = cf_line_next_position(l, 0); at != CF_INDEX_NONE; at = cf_line_next_position(l, at + 1)) {
        uint64_t open = *cf_open_at(e, c->line, at);
        if (cf_open_port_of(open) != port || !(open & CF_OPEN_LIVE))
            continue;
        const struct cf_open_line *o = &e->view[port].open_lines[cf_open_line_of(open)];
        bool owner = c->owners == 0 && c->state == LINECALLSTATE_OFFERING && (open & CF_OPEN_OWNER) != 0 &&
                     (o->media_modes & (c->media != 0 ? c->media : LINEMEDIAMODE_UNKNOWN)) != 0 &&
                     ((open & CF_OPEN_SINGLE_ADDRESS) == 0 || o->address == c->address);
        if ((!owner && !(open & CF_OPEN_MONITOR)) || o->opened > c->born || cf_call_find_position(e, c, at) != CF_INDEX_NONE)
            continue;
        if (!cf_call_announce(e, c, at, owner, c->state, c->mode))
            return false;
    }
    return true;
}

static void begin_resync(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    cf_touch_one(e, p);
    cf_touch_one(e, &p->outage_missed);
    if (p->outage_missed != 0)
        cf_output_gap(e, port, CF_LINE_GAP, p->outage_missed, false, p->gap_cause != 0 ? p->gap_cause : CF_GAP_CAUSE_HANDLES);
    p->outage_missed = 0;
    p->gap_cause = 0;
    cf_output_message(e, port, CF_LINE_RESYNC_BEGIN, 0, 0, 0, 0, e->now_ns, CF_INDEX_NONE);
    p->step = CF_RESYNC;
    p->resync_keep = 0;
    p->resync_call = p->unannounced_since != 0 ? 0 : CF_INDEX_NONE;
    p->resync_serial = e->g->serial;
}

static void end_resync(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    cf_touch_one(e, p);
    cf_touch_one(e, &p->outage_missed);
    p->unannounced_since = p->resync_keep;
    cf_output_gap(e, port, CF_LINE_RESYNC_END, p->outage_missed, true, p->outage_unseen);
    p->outage_missed = p->outage_unseen = 0;
    p->step = CF_IN_STEP;
}

static bool has_room_for_calls(const struct cf_engine *e, uint32_t port) {
    const struct cf_port *p = &e->ports[port];
    return p->idle_handles < e->limits.idle_handles_max && p->handles.live < e->limits.handles;
}

/* One slice. True when it got somewhere. */
static bool resync_slice(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    uint32_t n = 0, slice = e->limits.resync_slice;
    for (; n < slice && used_below_half(e, port) && cf_slice_room(e); n++) {
        uint32_t index = cf_marks_next(&v->changed, 0);
        if (index == CF_INDEX_NONE)
            break;
        tell_truth(e, port, index);
    }
    if (cf_marks_next(&v->changed, 0) != CF_INDEX_NONE)
        return n != 0;
    uint32_t end = e->call_head->used;
    for (; n < slice && p->resync_call < end && used_below_half(e, port) && cf_slice_room(e); n++) {
        struct cf_call *c = cf_call_at(e, p->resync_call);
        bool missed = cf_generation_live(c->generation) && c->state != LINECALLSTATE_IDLE &&
                      (c->flags & (CF_CALL_TENTATIVE | CF_CALL_CLOSING)) == 0 && c->born >= p->unannounced_since &&
                      c->born < p->resync_serial;
        if (missed && !has_room_for_calls(e, port)) { /* the rest of them at another time */
            cf_touch_one(e, &p->resync_call);
            p->resync_keep = p->unannounced_since;
            p->resync_call = end;
            break;
        }
        if (missed && !announce_missed(e, port, c)) {
            if (p->step == CF_BEHIND)
                return true; /* the scan starts anew then */
            cf_touch_one(e, &p->resync_call); /* no handle or reference to be had: the rest of them at another time */
            p->resync_keep = p->unannounced_since;
            p->resync_call = end;
            break;
        }
        cf_touch_one(e, &p->resync_call);
        p->resync_call++;
    }
    if (p->resync_call >= end && n < slice && cf_output_free(e, v, p->reserve + 1u) >= p->reserve + 1u) {
        end_resync(e, port);
        return true;
    }
    return n != 0;
}

/* Calls were not announced to a port that is in step (too many IDLE handles, no handle): it may be told now. */
static bool may_hear_again(const struct cf_engine *e, uint32_t port) {
    const struct cf_port *p = &e->ports[port];
    bool references = e->g->chunk_free != CF_INDEX_NONE || e->g->chunks_used < e->chunks_max;
    return references && p->idle_handles <= e->limits.idle_handles_max / 2 && p->handles.live < e->limits.handles - e->limits.handles / 8;
}

bool cf_behind_step(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    if (p->step == CF_IN_STEP) {
        if (p->unannounced_since == 0 || !may_hear_again(e, port) || !used_below_half(e, port))
            return false;
        begin_resync(e, port);
        return true;
    }
    if (p->step == CF_BEHIND) {
        uint64_t quarter = (p->mask + 1) / 4;
        uint64_t enough = quarter > p->reserve ? quarter : p->reserve + quarter;
        if (cf_output_free(e, v, enough) < enough)
            return false;
        if (!tell_kept_replies(e, port))
            return false;
        begin_resync(e, port);
        return true;
    }
    return resync_slice(e, port);
}

/* ------------------------------------------------------------------ notices */

bool cf_notices_step(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    uint32_t index = 0;
    bool told = false;
    for (uint32_t n = 0; n < e->limits.resync_slice && used_below_half(e, port) && cf_slice_room(e); n++) {
        index = cf_marks_next(&v->notices, 0);
        if (index == CF_INDEX_NONE)
            return false;
        struct cf_call_handle *h = cf_slot_at(v, index);
        const struct cf_call *c = cf_call_at(e, h->call);
        uint32_t open_line = h->info & CF_SLOT_OPEN_MASK, bits = h->owed;
        cf_marks_clear(&v->notices, &e->journal, index);
        cf_touch_one(e, h);
        h->owed = 0;
        told = true;
        if (c->state == LINECALLSTATE_IDLE || v->open_lines[open_line].state != CF_OPEN_OPEN)
            continue; /* none after IDLE (H-37) */
        e->tally.deliveries++;
        cf_output_message(e, port, LINE_CALLINFO, cf_port_handle(e, port, index, h->generation), bits, 0, 0, e->now_ns, open_line);
    }
    return told;
}
