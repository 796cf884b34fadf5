/*
 * Requests: what applications ask, and what providers reply.
 *
 * Order      of checks: handle, privilege (NOTOWNER), parameters, call state (INVALCALLSTATE), capability (OPERATIONUNAVAIL)
 * Trust      everything is validated on the copy in e->in
 */
#include "core/requests.h"

#include "core/conference.h"
#include "core/gather.h"
#include "core/making.h"
#include "core/watch.h"

/* ------------------------------------------------------------------ handles of requests */

struct cf_asked cf_request_find_call(struct cf_engine *e, uint32_t port, uint64_t hcall) {
    struct cf_asked a = {0};
    struct cf_port_view *v = &e->view[port];
    uint32_t index = cf_handle_slot(hcall);
    if (cf_handle_kind(hcall) != CF_KIND_CALL || cf_handle_usage(hcall) != v->p->usage || index >= e->limits.handles)
        return a;
    struct cf_call_handle *h = cf_handle_table_look_up(&v->handles, index, cf_handle_generation(hcall));
    if (h == NULL)
        return a;
    uint32_t open_line = h->info & CF_SLOT_OPEN_MASK;
    const struct cf_open_line *o = &v->open_lines[open_line];
    struct cf_call *c = cf_call_at(e, h->call);
    if (o->state != CF_OPEN_OPEN || (c->flags & CF_CALL_TENTATIVE) != 0) /* void with its line; not valid before LINE_REPLY (H-4) */
        return a;
    cf_call_drop_void(e, c);
    return (struct cf_asked){c, h, index, open_line, (h->info & CF_SLOT_OWNER) != 0, cf_call_find_position(e, c, o->position)};
}

struct cf_asked cf_request_asked(struct cf_engine *e, uint32_t port) {
    struct cf_asked a = cf_request_find_call(e, port, e->in.m.device);
    if (a.call == NULL)
        e->tally.stale_requests++;
    return a;
}

int32_t cf_request_denied(struct cf_engine *e, int32_t error) {
    e->tally.denied++;
    return error;
}

struct cf_record *cf_output_begin_from_request(struct cf_engine *e, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    struct cf_record *r = cf_output_begin(e, id, device, p1, p2, p3);
    r->payload_bytes = e->in.payload_bytes;
    memcpy(r->payload, e->in.payload, e->in.payload_bytes);
    return r;
}

void cf_request_set_aside(struct cf_engine *e, uint32_t port) {
    const struct cf_message *m = &e->in.m;
    if (m->flags != CF_NO_REPLY)
        cf_output_answer(e, port, LINEERR_OPERATIONFAILED, NULL, 0);
    else if (m->id >= CF_REQ_MAKE_CALL && m->id < CF_REQ_CLOSE) /* what else it says is not looked at: it is of no line */
        cf_request_reply_now(e, port, LINEERR_OPERATIONFAILED, CF_INDEX_NONE);
}

void cf_request_replied(struct cf_engine *e, uint32_t provider) {
    const struct cf_message *m = &e->in.m;
    uint32_t port = (uint32_t)(m->param1 >> 16) & 0xFFFF, at = (uint32_t)m->param1 & 0xFFFF;
    int32_t result = (int32_t)(uint32_t)m->param2;
    if (m->param1 == 0)
        return; /* the core's own drop */
    if (result > 0)
        result = LINEERR_OPERATIONFAILED;
    bool known = port < e->ports_count && at < CF_REQUEST_SLOTS;
    struct cf_request *q = known ? &e->view[port].requests[at] : NULL;
    if (q != NULL && q->state == CF_REQUEST_SENT && q->generation == (uint32_t)(m->param1 >> 32) && q->provider == provider) {
        cf_touch_one(e, q);
        q->time_ns = m->time_ns;
        if (result == 0 && e->ports[port].state == CF_PORT_LIVE) {
            cf_operation_done(e, q);
            result = cf_request_take_text(e, q);
        }
        if (q->id == CF_REQ_GATHER_DIGITS)
            result = cf_gather_replied(e, q, result);
        if (q->id == CF_REQ_FORWARD && q->makes == 0 && result == 0)
            cf_making_close(e, provider, m->device); /* the line was not to make a call for it */
        if (q->makes != 0)
            cf_making_replied(e, provider, port, at, result);
        else
            cf_request_finish(e, port, at, result);
        return;
    }
    /* Who asked is gone. A call made for him is closed at once; other replies may name a call too, which lives on without him. */
    e->tally.stale_events++;
    if (result == 0) {
        cf_making_close(e, provider, m->device);
        cf_making_close(e, provider, m->param3); /* a completion id is no identifier of a call: its generation is 0 */
    }
}

/* ------------------------------------------------------------------ handles */

static void release(struct cf_engine *e, uint32_t port, bool ask) {
    struct cf_asked a = cf_request_asked(e, port);
    if (a.call == NULL) {
        if (ask)
            cf_output_answer(e, port, LINEERR_INVALCALLHANDLE, NULL, 0);
        return;
    }
    if (ask && a.owner && a.call->owners == 1 && a.call->state != LINECALLSTATE_IDLE) {
        cf_output_answer(e, port, LINEERR_INVALCALLSTATE, NULL, 0); /* H-43 */
        return;
    }
    cf_call_release(e, a.call, a.ref_at, false, port);
    if (ask)
        cf_output_answer(e, port, 0, NULL, 0);
}

static void set_privilege(struct cf_engine *e, uint32_t port) {
    struct cf_asked a = cf_request_asked(e, port);
    uint64_t wanted = e->in.m.param1;
    int32_t error = 0;
    if (a.call == NULL)
        error = LINEERR_INVALCALLHANDLE;
    else if (wanted != LINECALLPRIVILEGE_MONITOR && wanted != LINECALLPRIVILEGE_OWNER)
        error = LINEERR_INVALCALLPRIVILEGE;
    else if (wanted == LINECALLPRIVILEGE_MONITOR && a.owner && a.call->owners == 1 && a.call->state != LINECALLSTATE_IDLE)
        error = LINEERR_INVALCALLSTATE; /* H-56 */
    else if (wanted == LINECALLPRIVILEGE_OWNER && !a.owner && (cf_line_rights(e, port, a.call->line) & CF_RIGHT_OWN) == 0)
        error = cf_request_denied(e, LINEERR_INVALCALLPRIVILEGE);
    if (error == 0 && a.owner != (wanted == LINECALLPRIVILEGE_OWNER)) {
        cf_touch_one(e, a.handle);
        cf_touch_one(e, a.call);
        a.handle->info ^= CF_SLOT_OWNER;
        if (a.owner)
            a.call->owners--;
        else
            a.call->owners++;
        a.call->flags &= (uint16_t)~CF_CALL_LIVED;
        cf_call_notice(e, a.call,
                       (a.owner ? LINECALLINFOSTATE_NUMOWNERDECR : LINECALLINFOSTATE_NUMOWNERINCR) | LINECALLINFOSTATE_NUMMONITORS, port);
    }
    cf_output_answer(e, port, error, NULL, 0);
}

static void status_messages(struct cf_engine *e, uint32_t port) {
    struct cf_open_line *o = cf_open_find(e, port, e->in.m.device);
    int32_t error = 0;
    if (o == NULL)
        error = LINEERR_INVALLINEHANDLE;
    else if ((e->in.m.param1 & ~UINT64_C(0x01FFFFFF)) != 0)
        error = LINEERR_INVALLINESTATE;
    else if ((e->in.m.param2 & ~UINT64_C(0x1FF)) != 0)
        error = LINEERR_INVALADDRESSSTATE;
    if (error == 0) {
        cf_touch_one(e, o);
        o->line_states = (uint32_t)e->in.m.param1;
        o->owed_states &= o->line_states; /* what waits for room and is not wanted any more */
        o->address_states = (uint16_t)e->in.m.param2;
        o->owed_address_states &= o->address_states;
        cf_line_states_union(e, o->line);
    }
    cf_output_answer(e, port, error, NULL, 0);
}

static void open_line(struct cf_engine *e, uint32_t port) { cf_output_answer(e, port, cf_line_open(e, port, &e->in.m), NULL, 0); }

static void close_line(struct cf_engine *e, uint32_t port) {
    if (cf_open_find(e, port, e->in.m.device) == NULL)
        e->tally.stale_requests++; /* a forced close was faster */
    else
        cf_line_close_open(e, port, cf_handle_slot(e->in.m.device), false);
}

/*
 * lineOpen with an HLINE slot whose former life is still being swept waits for the sweep; what looks at many calls, for a turn in which not
 * so many were looked at. At a port that is set aside nothing is swept, so nothing waits there.
 */
static bool must_wait(struct cf_engine *e, uint32_t port) {
    uint32_t index = cf_handle_slot(e->in.m.device);
    if (e->in.m.id == CF_REQ_NEW_CALLS || e->in.m.id == CF_REQ_CONF_CALLS || e->in.m.id == CF_REQ_LINE_STATUS ||
        e->in.m.id == CF_REQ_ADDRESS_STATUS)
        return e->looks_left == 0;
    if (e->in.m.id != CF_REQ_OPEN || index >= e->ports[port].opens_used)
        return false;
    const struct cf_open_line *o = &e->view[port].open_lines[index];
    return o->state == CF_OPEN_CLOSED && !o->swept && e->ports[port].aside == CF_ASIDE_NOT;
}

bool cf_request_take(struct cf_engine *e, uint32_t port) {
    if (must_wait(e, port))
        return false;
    switch (e->in.m.id) {
    case CF_REQ_PING:
        cf_output_answer(e, port, 0, NULL, 0);
        break;
    case CF_REQ_OPEN:
        open_line(e, port);
        break;
    case CF_REQ_CLOSE:
        close_line(e, port);
        break;
    case CF_REQ_STATUS_MESSAGES:
        status_messages(e, port);
        break;
    case CF_REQ_SET_PRIVILEGE:
        set_privilege(e, port);
        break;
    case CF_REQ_RELEASE:
    case CF_REQ_RELEASE_ASK:
        release(e, port, e->in.m.id == CF_REQ_RELEASE_ASK);
        break;
    case CF_REQ_CONF_CALLS:
        cf_conference_calls(e, port);
        break;
    case CF_REQ_SHUTDOWN:
        break; /* the socket's end says it again, and says it for crashes too */
    default:
        if (cf_operation_take(e, port) || cf_on_line_take(e, port) || cf_information_take(e, port) || cf_owners_take(e, port) ||
            cf_priority_take(e, port) || cf_digits_take(e, port) || cf_gather_take(e, port) || cf_watch_take(e, port))
            break;
        cf_touch_one(e, &e->ports[port].bad);
        e->ports[port].bad++;
        e->tally.bad_records++;
    }
    return true;
}
