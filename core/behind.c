/*
 * Behind: an application that does not read fast enough. It is told exactly how many messages it missed and is brought back
 * to the truth; nobody waits for it.
 *
 * Shape      in step -> (no room for a bundle) behind -> (a quarter of the ring free) kept replies, GAP, RESYNC_BEGIN -> resync, in
 *            slices: a LINE_CALLSTATE per changed handle, announcements of live calls not yet announced -> RESYNC_END -> in step
 * Invariant  messages + missed counts everything offered; every missed message is covered by one GAP or RESYNC_END
 * Errors     a full ring during resync is a new outage; the marks stay
 */
#include "core/conference.h"
#include "core/requests.h"

/* For the status. A new core counts from its own beginning: the time is not part of the state. */
static void note_begin(struct cf_engine *e, uint32_t port) {
    if (e->view[port].behind_ns == 0)
        e->view[port].behind_ns = e->now_ns;
}

/* What was found of the port when it was in step holds no longer. */
static void set_step(struct cf_engine *e, uint32_t port, enum cf_port_step step) {
    e->ports[port].step = (uint8_t)step;
    cf_outlet_shut(e, port);
}

void cf_behind_enter(struct cf_engine *e, uint32_t port, uint32_t cause) {
    struct cf_port *p = &e->ports[port];
    if (p->step == CF_BEHIND)
        return;
    cf_touch_one(e, p);
    set_step(e, port, CF_BEHIND);
    note_begin(e, port);
    cf_touch_one(e, &p->gap_cause);
    p->gap_cause = cause;
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

/* LINE_ADDRESSSTATE of each address of which it is owed, with all the bits of all of them. False: no room. */
static bool tell_addresses(struct cf_engine *e, uint32_t port, uint32_t index) {
    struct cf_open_line *o = &e->view[port].open_lines[index];
    struct cf_port *p = &e->ports[port];
    cf_touch_one(e, o);
    for (; o->state == CF_OPEN_OPEN && o->owed_address_states != 0 && o->owed_addresses != 0; o->owed_addresses &= o->owed_addresses - 1) {
        if (cf_output_free(e, &e->view[port], p->reserve + 1u) < p->reserve + 1u)
            return false;
        e->tally.deliveries++;
        cf_output_message(e, port, LINE_ADDRESSSTATE, cf_open_hline(e, port, index), (uint64_t)__builtin_ctzll(o->owed_addresses),
                          o->owed_address_states, 0, e->now_ns, index);
    }
    o->owed_addresses = 0;
    o->owed_address_states = 0;
    return true;
}

/* LINE_CLOSE, LINE_LINEDEVSTATE and LINE_ADDRESSSTATE of one open. False: no room. */
static bool tell_open(struct cf_engine *e, uint32_t port, uint32_t index) {
    struct cf_open_line *o = &e->view[port].open_lines[index];
    struct cf_port *p = &e->ports[port];
    if (((o->due & CF_DUE_ADDRESS) != 0 && !tell_addresses(e, port, index)) ||
        cf_output_free(e, &e->view[port], p->reserve + 1u) < p->reserve + 1u)
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
        struct cf_request *q = &v->requests[p->replied_first];
        if (!cf_request_has_room(e, port, q) || !cf_slice_room(e))
            return false;
        if (!cf_request_void(e, port, q))
            cf_request_send_reply(e, port, q);
        cf_request_forget_first(e, port);
    }
    return true;
}

static bool used_below_half(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    uint64_t half = (v->p->mask + 1) / 2;
    return cf_output_free(e, v, half) >= half;
}

/* At most so many a second, after so many at once. */
#define CF_NEWS_NS 50000
#define CF_NEWS_AT_ONCE 1024

/* Whether that application may be told of one more line now. */
static bool news_at_pace(const struct cf_engine *e, struct cf_port_view *v) {
    if (v->news_ns > e->now_ns)
        return false;
    int64_t longest = e->now_ns - (int64_t)CF_NEWS_AT_ONCE * CF_NEWS_NS;
    v->news_ns = (v->news_ns == 0 || v->news_ns < longest ? longest : v->news_ns) + CF_NEWS_NS;
    return true;
}

/*
 * A provider that brings and removes lines without end must not fill the rings of those who only want to hear of calls, nor keep them busy:
 * half a ring and a pace.
 */
static bool tell_news(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    for (uint32_t n = 0; p->news != 0 && n < e->limits.resync_slice && cf_slice_room(e); n++) {
        if (!used_below_half(e, port) || cf_output_free(e, v, p->reserve + 1u) < p->reserve + 1u || !news_at_pace(e, v))
            return false;
        uint32_t line = cf_marks_next(&v->news, v->news_next); /* in turn: lines that come and go keep no other waiting */
        if (line == CF_INDEX_NONE)
            line = cf_marks_next(&v->news, 0);
        assert(line != CF_INDEX_NONE);
        v->news_next = line + 1;
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

/* The truth of one marked handle. False: no room for it. */
static bool tell_truth(struct cf_engine *e, uint32_t port, uint32_t index) {
    struct cf_port_view *v = &e->view[port];
    struct cf_call_handle *h = cf_slot_at(v, index);
    struct cf_call *c = cf_call_at(e, h->call);
    uint32_t open_line = h->info & CF_SLOT_OPEN_MASK;
    uint64_t privilege = 0, handle = cf_port_handle(e, port, index, h->generation);
    bool open = v->open_lines[open_line].state == CF_OPEN_OPEN;
    if (open && (h->info & CF_SLOT_ANNOUNCE_DUE) != 0)
        return cf_call_announce_handed(e, c, port, index);
    cf_marks_clear(&v->changed, &e->journal, index);
    if (!open)
        return true;
    cf_touch_one(e, h);
    if ((h->info & CF_SLOT_PRIVILEGE_DUE) != 0)
        privilege = (h->info & CF_SLOT_OWNER) != 0 ? LINECALLPRIVILEGE_OWNER : LINECALLPRIVILEGE_MONITOR;
    h->info &= ~CF_SLOT_PRIVILEGE_DUE;
    e->tally.deliveries++;
    uint64_t detail = (c->state & LINECALLSTATE_CONFERENCED) != 0 ? cf_conference_handle(e, c, v->open_lines[open_line].position) : c->mode;
    cf_output_message(e, port, LINE_CALLSTATE, handle, c->state, detail, privilege, c->state_time_ns, open_line);
    return true;
}

/*
 * Announces that call to every open of the port that should have heard of it. False: no room. An application that had a handle for it and
 * gave that back is not told again: its mark is gone since it was told (H-51).
 */
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
    set_step(e, port, CF_RESYNC);
}

static void end_resync(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    cf_touch_one(e, p);
    cf_touch_one(e, &p->outage_missed);
    cf_output_gap(e, port, CF_LINE_RESYNC_END, p->outage_missed, true, p->outage_unseen);
    p->outage_missed = p->outage_unseen = 0;
    set_step(e, port, CF_IN_STEP);
    e->view[port].behind_ns = 0;
}

static bool has_room_for_calls(const struct cf_engine *e, uint32_t port) {
    const struct cf_port *p = &e->ports[port];
    return p->idle_handles < e->limits.idle_handles_max && p->handles.live < e->view[port].rights->handles;
}

/* One slice. True when it got somewhere. */
static bool resync_slice(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    uint32_t n = 0, slice = e->limits.resync_slice;
    for (; n < slice && used_below_half(e, port) && cf_slice_room(e); n++) {
        uint32_t index = cf_marks_next(&v->changed, 0);
        if (index == CF_INDEX_NONE || !tell_truth(e, port, index))
            break;
    }
    if (cf_marks_next(&v->changed, 0) != CF_INDEX_NONE)
        return n != 0;
    bool kept = false; /* no handle or reference to be had: the rest of them at another time */
    for (; n < slice && p->untold != 0 && used_below_half(e, port) && cf_slice_room(e); n++) {
        uint32_t index = cf_marks_next(&v->untold, 0);
        kept = !has_room_for_calls(e, port) || !announce_missed(e, port, cf_call_at(e, index));
        if (p->step == CF_BEHIND)
            return true;
        if (kept)
            break;
        cf_call_told(e, port, index);
    }
    if ((p->untold == 0 || kept) && n < slice && cf_output_free(e, v, p->reserve + 1u) >= p->reserve + 1u) {
        end_resync(e, port);
        return true;
    }
    return n != 0;
}

/* Calls were not announced to a port that is in step (too many IDLE handles, no handle): it may be told now. */
static bool may_hear_again(const struct cf_engine *e, uint32_t port) {
    const struct cf_port *p = &e->ports[port];
    uint32_t handles = e->view[port].rights->handles;
    bool references = e->g->chunk_free != CF_INDEX_NONE || e->g->chunks_used < e->chunks_max;
    return references && p->idle_handles <= e->limits.idle_handles_max / 2 && p->handles.live < handles - handles / 8;
}

bool cf_behind_step(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    if (p->step == CF_IN_STEP) {
        if (p->untold == 0 || !may_hear_again(e, port) || !used_below_half(e, port))
            return false;
        begin_resync(e, port);
        return true;
    }
    note_begin(e, port);
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
