/*
 * Outstanding requests: what providers were asked and have not answered, and the replies that wait for room.
 *
 * Shape      per application a table of CF_REQUEST_SLOTS; a command's number says slot, port and generation
 * Invariant  cf_requests_check()
 */
#include "core/gather.h"

#include "core/blocks.h"

/* Its line was closed since. By the open's serial, which is ours: a peer may open a slot again with the generation that it had. */
static bool line_closed(const struct cf_port_view *v, const struct cf_request *q) {
    if (q->open_line == CF_INDEX_NONE)
        return false;
    const struct cf_open_line *o = &v->open_lines[q->open_line];
    return o->state != CF_OPEN_OPEN || (uint32_t)o->opened != q->open_serial;
}

#define CF_RECLAIM_MAX 32u /* requests at once: what each frees is bounded, and so is the step */

/* Replies that wait for room and that nobody waits for any more, since their line was closed. */
static void forget_void_replies(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    struct cf_port_view *v = &e->view[port];
    uint32_t before = CF_INDEX_NONE, freed = 0;
    for (uint32_t at = p->replied_first, next; at != CF_INDEX_NONE && freed < CF_RECLAIM_MAX; at = next) {
        next = v->requests[at].next;
        if (!line_closed(v, &v->requests[at])) {
            before = at;
            continue;
        }
        uint32_t *link = before == CF_INDEX_NONE ? &p->replied_first : &v->requests[before].next;
        cf_touch_one(e, link);
        *link = next;
        cf_touch_one(e, &p->replied_last);
        if (next == CF_INDEX_NONE)
            p->replied_last = before;
        cf_request_free(e, port, at);
        freed++;
    }
}

/*
 * The table is full, so some of its requests are of lines closed since. They give up their places: what providers still answer is then
 * of nobody, and a call made for one of them is closed as soon as its provider has made it.
 */
static void reclaim(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    struct cf_port_view *v = &e->view[port];
    uint32_t freed = 0;
    for (uint32_t at = 0; at < p->requests_used && freed < CF_RECLAIM_MAX; at++)
        if (v->requests[at].state == CF_REQUEST_SENT && line_closed(v, &v->requests[at])) {
            cf_request_orphan(e, port, at);
            freed++;
        }
    if (freed == 0)
        forget_void_replies(e, port);
}

uint32_t cf_request_make(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    struct cf_port_view *v = &e->view[port];
    const struct cf_message *m = &e->in.m;
    bool apart = cf_request_apart(m->id);
    if ((apart ? p->digits_live : p->requests_live - p->digits_live - p->requests_void) >= p->requests_max)
        return CF_INDEX_NONE;
    if (p->requests_free == CF_INDEX_NONE && p->requests_used == 2u * p->requests_max)
        reclaim(e, port);
    uint32_t at = p->requests_free;
    cf_touch_one(e, &p->requests_free);
    if (at != CF_INDEX_NONE)
        p->requests_free = v->requests[at].next;
    else
        at = p->requests_used++;
    assert(at < CF_REQUEST_SLOTS);
    p->requests_live++;
    p->digits_live = (uint16_t)(p->digits_live + apart);
    if (cf_request_is_long(m->id)) {
        cf_touch_one(e, &p->reserve);
        p->reserve++;
        cf_outlet_shut(e, port);
    }
    struct cf_request *q = &v->requests[at];
    uint32_t generation = q->generation + 1;
    cf_touch_one(e, q);
    *q = (struct cf_request){.generation = generation == 0 ? 1 : generation, .next = CF_INDEX_NONE, .state = CF_REQUEST_SENT,
                             .id = m->id, .request_id = (uint32_t)m->param1, .call = CF_INDEX_NONE, .handle = CF_INDEX_NONE,
                             .open_line = CF_INDEX_NONE, .time_ns = e->now_ns};
    return at;
}

void cf_request_free(struct cf_engine *e, uint32_t port, uint32_t at) {
    struct cf_port *p = &e->ports[port];
    struct cf_request *q = &e->view[port].requests[at];
    cf_touch_one(e, q);
    q->state = CF_REQUEST_FREE;
    q->next = p->requests_free;
    cf_touch_one(e, &p->requests_free);
    p->requests_free = at;
    p->requests_live--;
    if (cf_request_is_long(q->id)) {
        cf_touch_one(e, &p->reserve);
        p->reserve--;
        if (q->text_bytes != 0)
            cf_block_give(e, q->text);
    }
    if (q->id == CF_REQ_GATHER_DIGITS)
        cf_gather_free(e, q);
    if (cf_request_apart(q->id)) {
        p->digits_live--;
    } else if (line_closed(&e->view[port], q)) {
        p->requests_void--;
    } else if (q->open_line != CF_INDEX_NONE) {
        struct cf_open_line *o = &e->view[port].open_lines[q->open_line];
        cf_touch_one(e, o);
        o->requests--;
    }
}

void cf_request_of_line(struct cf_engine *e, uint32_t port, struct cf_request *q, uint32_t open_line) {
    struct cf_open_line *o = &e->view[port].open_lines[open_line];
    q->open_line = open_line;
    q->open_serial = (uint32_t)o->opened;
    if (cf_request_apart(q->id))
        return;
    cf_touch_one(e, o);
    o->requests++;
}

bool cf_request_void(const struct cf_engine *e, uint32_t port, const struct cf_request *q) {
    const struct cf_port_view *v = &e->view[port];
    if (q->open_line == CF_INDEX_NONE)
        return false;
    if (line_closed(v, q))
        return true;
    return cf_request_apart(q->id) && cf_handle_table_look_up(&v->handles, q->handle, q->handle_generation) == NULL;
}

/* How digits or a tone ended: to the handle that sent them. */
static void send_generate(struct cf_engine *e, uint32_t port, const struct cf_request *q) {
    uint64_t how = q->result == 0 ? LINEGENERATETERM_DONE : LINEGENERATETERM_CANCEL;
    e->tally.deliveries++;
    cf_output_message(e, port, LINE_GENERATE, cf_port_handle(e, port, q->handle, q->handle_generation), how, 0,
                      (uint32_t)(q->time_ns / 1000000), q->time_ns, q->open_line);
}

/* Who asked cannot have given it back, since he learns of it now; with the call it may be gone. */
static uint64_t second_handle(const struct cf_engine *e, uint32_t port, const struct cf_request *q) {
    const struct cf_call *c = cf_call_at(e, q->second);
    const struct cf_open_line *o = &e->view[port].open_lines[q->open_line];
    uint32_t at = c->generation == q->second_generation ? cf_call_find_position(e, c, o->position) : CF_INDEX_NONE;
    if (at == CF_INDEX_NONE)
        return 0;
    uint64_t ref = cf_call_ref(e, c, at);
    return cf_port_handle(e, port, cf_ref_index(ref), cf_ref_generation(ref));
}

/* ------------------------------------------------------------------ what a reply brings back */

static uint16_t text_tag(uint16_t id) { return id == CF_REQ_PARK ? CF_FIELD_PARK_ADDRESS : CF_FIELD_DEV_SPECIFIC; }

int32_t cf_request_take_text(struct cf_engine *e, struct cf_request *q) {
    struct cf_field f;
    if (q->id == CF_REQ_COMPLETE_CALL)
        q->number = (uint32_t)e->in.m.param3;
    if (!cf_request_is_long(q->id) || !cf_fields_find(&e->in, text_tag(q->id), &f) || f.bytes == 0)
        return 0;
    struct cf_bytes text = cf_block_write(e, f.data, f.bytes < CF_REPLY_TEXT_MAX ? f.bytes : CF_REPLY_TEXT_MAX);
    if (text.bytes == 0) {
        e->tally.parties_dropped++;
        return LINEERR_NOMEM;
    }
    q->text = text.first;
    q->text_bytes = text.bytes;
    return 0;
}

static bool has_text(const struct cf_request *q) { return cf_request_is_long(q->id) && q->text_bytes != 0; }

uint64_t cf_request_cost(const struct cf_engine *e, uint32_t port, const struct cf_request *q) {
    const struct cf_port *p = &e->ports[port];
    return has_text(q) ? cf_ring_cost(p->mask, p->tail, cf_record_slots(4 + q->text_bytes)) : 1;
}

static void send_text(struct cf_engine *e, uint32_t port, const struct cf_request *q) {
    uint8_t text[CF_REPLY_TEXT_MAX];
    struct cf_record *r = cf_output_begin(e, LINE_REPLY, 0, q->request_id, (uint32_t)q->result, 0);
    cf_block_read(e, (struct cf_bytes){q->text, q->text_bytes}, text);
    cf_fields_append(r, text_tag(q->id), text, q->text_bytes);
    r->m.open_line = q->open_line;
    cf_output_record(e, port, &e->out);
}

void cf_request_send_reply(struct cf_engine *e, uint32_t port, struct cf_request *q) {
    if (q->id == CF_REQ_GATHER_DIGITS) {
        cf_gather_send(e, port, q);
        return;
    }
    if (cf_request_apart(q->id)) {
        send_generate(e, port, q);
        return;
    }
    if (has_text(q) && q->result == 0) {
        e->tally.deliveries++;
        send_text(e, port, q);
        return;
    }
    uint64_t first = q->makes != 0 && q->result == 0 ? cf_port_handle(e, port, q->handle, q->handle_generation) : 0;
    uint64_t second = q->makes == 2 && q->result == 0 ? second_handle(e, port, q) : 0;
    if (q->id == CF_REQ_COMPLETE_CALL && q->result == 0)
        second = q->number;
    e->tally.deliveries++;
    cf_output_message(e, port, LINE_REPLY, first, q->request_id, (uint32_t)q->result, second, e->now_ns, q->open_line);
}

bool cf_request_has_room(struct cf_engine *e, uint32_t port, const struct cf_request *q) {
    uint64_t cost = q->id == CF_REQ_GATHER_DIGITS ? cf_gather_cost(e, port, q) : cf_request_cost(e, port, q);
    return cf_output_free(e, &e->view[port], cost) >= cost;
}

/* The message that tells its end: all of them are kept by the request. */
static uint16_t told_by(const struct cf_request *q) {
    return q->id == CF_REQ_GATHER_DIGITS ? LINE_GATHERDIGITS : cf_request_apart(q->id) ? LINE_GENERATE : LINE_REPLY;
}

/* Told now, or kept: while the port is behind nothing is published, and a peer that breaks the bound waits for room. */
void cf_request_finish(struct cf_engine *e, uint32_t port, uint32_t at, int32_t result) {
    struct cf_port *p = &e->ports[port];
    struct cf_request *q = &e->view[port].requests[at];
    cf_touch_one(e, q);
    q->result = result;
    if (!cf_port_alive(p) || cf_request_void(e, port, q)) {
        cf_request_free(e, port, at);
        return;
    }
    if (cf_output_may_tell(e, port, told_by(q)) && cf_request_has_room(e, port, q)) {
        cf_request_send_reply(e, port, q);
        cf_request_free(e, port, at);
        return;
    }
    q->state = CF_REQUEST_REPLIED;
    q->next = CF_INDEX_NONE;
    cf_touch_one(e, &p->replied_first);
    if (p->replied_last == CF_INDEX_NONE) {
        p->replied_first = at;
    } else {
        cf_touch_one(e, &e->view[port].requests[p->replied_last]);
        e->view[port].requests[p->replied_last].next = at;
    }
    p->replied_last = at;
    cf_port_busy(e, port);
}

void cf_request_forget_first(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    uint32_t at = p->replied_first;
    cf_touch_one(e, &p->replied_first);
    p->replied_first = e->view[port].requests[at].next;
    if (p->replied_first == CF_INDEX_NONE)
        p->replied_last = CF_INDEX_NONE;
    cf_request_free(e, port, at);
}

bool cf_request_forget_replies(struct cf_engine *e, uint32_t port) {
    while (e->ports[port].replied_first != CF_INDEX_NONE) {
        if (!cf_slice_room(e))
            return false;
        cf_request_forget_first(e, port);
    }
    return true;
}

void cf_request_reply_now(struct cf_engine *e, uint32_t port, int32_t result, uint32_t open_line) {
    uint32_t at = cf_request_make(e, port);
    struct cf_port *p = &e->ports[port];
    if (at == CF_INDEX_NONE && cf_output_may_tell(e, port, LINE_REPLY)) {
        struct cf_request unrecorded = {.request_id = (uint32_t)e->in.m.param1, .result = result, .open_line = open_line};
        cf_request_send_reply(e, port, &unrecorded);
        return;
    }
    if (at == CF_INDEX_NONE) {
        cf_touch_one(e, &p->bad);
        p->bad++;
        return;
    }
    struct cf_request *q = &e->view[port].requests[at];
    if (open_line != CF_INDEX_NONE)
        cf_request_of_line(e, port, q, open_line);
    cf_request_finish(e, port, at, result);
}

uint32_t cf_request_of_call(struct cf_engine *e, uint32_t port, const struct cf_asked *a) {
    uint32_t at = cf_request_make(e, port);
    if (at == CF_INDEX_NONE)
        return at;
    struct cf_request *q = &e->view[port].requests[at];
    cf_request_of_line(e, port, q, a->open_line);
    q->provider = a->call->provider;
    q->call = cf_call_index(e, a->call);
    q->call_generation = a->call->generation;
    return at;
}

bool cf_requests_check(const struct cf_engine *e, uint32_t port, uint64_t *ret_open, uint32_t *blocks) {
    const struct cf_port_view *v = &e->view[port];
    uint32_t closed = 0, longs = 0;
    *ret_open = 0;
    for (uint32_t at = 0; at < v->p->requests_used; at++) {
        const struct cf_request *q = &v->requests[at];
        longs += q->state != CF_REQUEST_FREE && cf_request_is_long(q->id);
        if (q->state != CF_REQUEST_FREE && has_text(q) && !cf_block_check(e, (struct cf_bytes){q->text, q->text_bytes}, blocks))
            return false;
        if (q->state == CF_REQUEST_FREE || cf_request_apart(q->id) || q->open_line == CF_INDEX_NONE)
            continue;
        if (q->open_line >= v->p->opens_used)
            return false;
        closed += line_closed(v, q);
        *ret_open += !line_closed(v, q);
    }
    return closed == v->p->requests_void && (v->p->kind != CF_PORT_APPLICATION || v->p->reserve == cf_port_reserve(v->p) + longs);
}
