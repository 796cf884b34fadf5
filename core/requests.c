/*
 * Requests: what applications ask, and what providers reply.
 *
 * Order      of checks: handle, privilege (NOTOWNER), parameters, call state (INVALCALLSTATE), capability (OPERATIONUNAVAIL)
 * Trust      everything is validated on the copy in e->in
 */
#include "core/internal.h"

#include "core/parties.h"
#include "core/requests.h"

/* ------------------------------------------------------------------ outstanding requests */

static uint64_t command_number(uint32_t port, uint32_t at, uint32_t generation) {
    return (uint64_t)generation << 32 | (uint64_t)port << 16 | at;
}

/* CF_INDEX_NONE: more of that kind than the application may have outstanding. A free slot is there then: the kinds share them. */
static uint32_t request_make(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    struct cf_port_view *v = &e->view[port];
    const struct cf_message *m = &e->in.m;
    bool digits = m->id == CF_REQ_GENERATE_DIGITS;
    uint32_t at = p->requests_free;
    if ((digits ? p->digits_live : p->requests_live - p->digits_live) >= p->requests_max)
        return CF_INDEX_NONE;
    cf_touch_one(e, &p->requests_free);
    if (at != CF_INDEX_NONE)
        p->requests_free = v->requests[at].next;
    else
        at = p->requests_used++;
    assert(at < CF_REQUEST_SLOTS);
    p->requests_live++;
    p->digits_live = (uint16_t)(p->digits_live + digits);
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
    p->digits_live = (uint16_t)(p->digits_live - (q->id == CF_REQ_GENERATE_DIGITS));
}

bool cf_request_void(const struct cf_engine *e, uint32_t port, const struct cf_request *q) {
    const struct cf_port_view *v = &e->view[port];
    if (q->open_line == CF_INDEX_NONE)
        return false;
    const struct cf_open_line *o = &v->open_lines[q->open_line];
    if (o->state != CF_OPEN_OPEN || o->generation != q->open_generation)
        return true;
    return q->id == CF_REQ_GENERATE_DIGITS && cf_handle_table_look_up(&v->handles, q->handle, q->handle_generation) == NULL;
}

/* How digits ended: to the handle that sent them. */
static void send_generate(struct cf_engine *e, uint32_t port, const struct cf_request *q) {
    uint64_t how = q->result == 0 ? LINEGENERATETERM_DONE : LINEGENERATETERM_CANCEL;
    e->tally.deliveries++;
    cf_output_message(e, port, LINE_GENERATE, cf_port_handle(e, port, q->handle, q->handle_generation), how, 0,
                      (uint32_t)(q->time_ns / 1000000), q->time_ns, q->open_line);
}

void cf_request_send_reply(struct cf_engine *e, uint32_t port, struct cf_request *q) {
    if (q->id == CF_REQ_GENERATE_DIGITS) {
        send_generate(e, port, q);
        return;
    }
    uint64_t handle = q->made_call && q->result == 0 ? cf_port_handle(e, port, q->handle, q->handle_generation) : 0;
    e->tally.deliveries++;
    cf_output_message(e, port, LINE_REPLY, handle, q->request_id, (uint32_t)q->result, handle ? LINECALLPRIVILEGE_OWNER : 0, e->now_ns,
                      q->open_line);
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
    if (p->step != CF_BEHIND && p->replied_first == CF_INDEX_NONE && cf_output_free(e, &e->view[port], 1) >= 1) {
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

/* A reply of a request that goes to no provider: kept like others when the port is behind, without a record when none is free. */
static void reply_now(struct cf_engine *e, uint32_t port, int32_t result, uint32_t open_line) {
    uint32_t at = request_make(e, port);
    struct cf_port *p = &e->ports[port];
    if (at == CF_INDEX_NONE && p->step != CF_BEHIND && cf_output_free(e, &e->view[port], 1) >= 1) {
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
    q->open_line = open_line;
    if (open_line != CF_INDEX_NONE)
        q->open_generation = e->view[port].open_lines[open_line].generation;
    cf_request_finish(e, port, at, result);
}

void cf_request_set_aside(struct cf_engine *e, uint32_t port) {
    const struct cf_message *m = &e->in.m;
    if (m->flags != CF_NO_REPLY)
        cf_output_answer(e, port, LINEERR_OPERATIONFAILED, NULL, 0);
    else if (m->id >= CF_REQ_MAKE_CALL && m->id < CF_REQ_CLOSE) /* what else it says is not looked at: it is of no line */
        reply_now(e, port, LINEERR_OPERATIONFAILED, CF_INDEX_NONE);
}

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

static struct cf_asked find_call(struct cf_engine *e, uint32_t port) {
    struct cf_asked a = cf_request_find_call(e, port, e->in.m.device);
    if (a.call == NULL)
        e->tally.stale_requests++;
    return a;
}

/* ------------------------------------------------------------------ lineMakeCall */

static struct cf_record *output_begin_from(struct cf_engine *e, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    struct cf_record *r = cf_output_begin(e, id, device, p1, p2, p3);
    r->payload_bytes = e->in.payload_bytes;
    memcpy(r->payload, e->in.payload, e->in.payload_bytes);
    return r;
}

static void make_call(struct cf_engine *e, uint32_t port) {
    const struct cf_message *m = &e->in.m;
    struct cf_open_line *o = cf_open_find(e, port, m->device);
    if (o == NULL) {
        e->tally.stale_requests++; /* its replies are suppressed: the line was closed (H-62) */
        return;
    }
    uint32_t open_line = cf_handle_slot(m->device), line = o->line;
    struct cf_line *l = &e->lines[line];
    struct cf_call_params params = {0};
    struct cf_field f;
    if (cf_fields_find(&e->in, CF_FIELD_CALL_PARAMS, &f) && f.bytes == sizeof params)
        memcpy(&params, f.data, sizeof params);
    int32_t error = 0;
    if (l->state != CF_LINE_UP || e->ports[l->provider].state != CF_PORT_LIVE)
        error = LINEERR_RESOURCEUNAVAIL;
    else if (params.address_id >= l->addresses)
        error = LINEERR_INVALADDRESSID;
    else if ((e->infos[line].caps.line_features & LINEFEATURE_MAKECALL) == 0)
        error = LINEERR_OPERATIONUNAVAIL;
    uint32_t at = error == 0 ? request_make(e, port) : CF_INDEX_NONE;
    if (at == CF_INDEX_NONE) {
        reply_now(e, port, error != 0 ? error : LINEERR_REQUESTOVERRUN, open_line);
        return;
    }
    struct cf_request *q = &e->view[port].requests[at];
    q->open_line = open_line;
    q->open_generation = o->generation;
    q->provider = l->provider;
    q->made_call = 1;
    struct cf_call *c = cf_call_make(e, line, params.address_id, l->provider);
    if (c == NULL) {
        cf_request_finish(e, port, at, LINEERR_CALLUNAVAIL);
        return;
    }
    c->flags |= CF_CALL_TENTATIVE;
    c->origin = LINECALLORIGIN_OUTBOUND;
    c->reason = LINECALLREASON_DIRECT;
    c->media = params.media_mode != 0 ? params.media_mode : LINEMEDIAMODE_INTERACTIVEVOICE;
    c->bearer_mode = params.bearer_mode != 0 ? params.bearer_mode : LINEBEARERMODE_VOICE;
    c->app_port = (uint16_t)port;
    if (cf_fields_find(&e->in, CF_FIELD_DESTINATION, &f))
        cf_party_set(c->called, sizeof c->called, f.data, f.bytes);
    q->call = cf_call_index(e, c);
    q->call_generation = c->generation;
    q->handle = cf_call_give_handle(e, c, o->position, true);
    if (q->handle == CF_INDEX_NONE) {
        cf_call_free(e, c);
        cf_request_finish(e, port, at, LINEERR_NOMEM);
        return;
    }
    struct cf_call_handle *h = cf_slot_at(&e->view[port], q->handle);
    q->handle_generation = h->generation;
    h->info |= CF_SLOT_PRIVILEGE_DUE;
    output_begin_from(e, CF_CMD_MAKE_CALL, 0, command_number(port, at, q->generation),
                         l->number | (uint64_t)params.address_id << 32, m->param2);
    if (cf_output_command(e, l->provider, 64))
        return;
    cf_call_release(e, c, 0, false, port);
    cf_call_free(e, c);
    cf_request_finish(e, port, at, LINEERR_RESOURCEUNAVAIL);
}

/* The provider confirmed: the call becomes one of its line's, the maker learns its handle, monitors hear of it (M-60, M-61). */
static void call_made(struct cf_engine *e, uint32_t port, uint32_t at, struct cf_call *c, uint64_t provider_call) {
    struct cf_request *q = &e->view[port].requests[at];
    struct cf_provider_call *entry = &e->view[c->provider].provider_calls[cf_handle_index(provider_call)];
    uint32_t ref_port, ref_open;
    if (c->refs != 0 && !cf_ref_live(e, c, cf_call_ref(e, c, 0), &ref_port, &ref_open))
        cf_call_release(e, c, 0, true, port); /* while it is tentative: the sweep of that open may be past the line's calls */
    cf_event_uses(e, c->provider, cf_handle_index(provider_call));
    cf_touch_one(e, entry);
    entry->generation = cf_handle_generation(provider_call);
    entry->call = cf_call_index(e, c) + 1;
    cf_touch_one(e, c);
    c->provider_call = provider_call;
    c->flags &= (uint16_t)~CF_CALL_TENTATIVE;
    c->flags |= CF_CALL_FIRST_DUE;
    c->state = LINECALLSTATE_UNKNOWN;
    c->state_time_ns = e->now_ns;
    cf_touch_one(e, &e->g->serial);
    c->born = e->g->serial++; /* for those who hear of it: after the calls that were announced meanwhile */
    if (c->refs != 0) {
        struct cf_open_line *o = &e->view[port].open_lines[q->open_line];
        cf_touch_one(e, o);
        o->handles++;
    }
    cf_call_link(e, c);
    cf_request_finish(e, port, at, 0);
    cf_call_announce_monitors(e, c, LINECALLSTATE_UNKNOWN, 0);
    if (c->owners == 0 && c->refs != 0 && e->control->options.close_policy == CF_CLOSE_DROPS)
        cf_call_due(e, c, CF_CALL_DROP_DUE); /* the maker closed the line meanwhile: as if it had closed it now (H-61) */
    cf_call_collect(e, c); /* the same, and nobody monitors it */
}

static void make_call_replied(struct cf_engine *e, uint32_t provider, uint32_t port, uint32_t at, int32_t result) {
    struct cf_request *q = &e->view[port].requests[at];
    struct cf_call *c = cf_call_at(e, q->call);
    uint64_t device = e->in.m.device;
    uint32_t index = cf_handle_index(device);
    assert(c->generation == q->call_generation && (c->flags & CF_CALL_TENTATIVE) != 0);
    if (result == 0) {
        const struct cf_provider_call *entry = index < e->limits.calls_per_provider ? &e->view[provider].provider_calls[index] : NULL;
        if (cf_handle_kind(device) == CF_KIND_PROVIDER && cf_generation_live(cf_handle_generation(device)) && entry != NULL &&
            entry->call == 0 && cf_generation_newer(cf_handle_generation(device), entry->generation)) {
            call_made(e, port, at, c, device);
            return;
        }
        e->tally.stale_events++;
        result = LINEERR_OPERATIONFAILED;
    }
    if (c->refs != 0)
        cf_call_release(e, c, 0, false, port);
    cf_call_free(e, c);
    cf_request_finish(e, port, at, result);
}

void cf_request_orphan(struct cf_engine *e, uint32_t port, uint32_t at) {
    struct cf_request *q = &e->view[port].requests[at];
    if (q->made_call && q->call != CF_INDEX_NONE) {
        struct cf_call *c = cf_call_at(e, q->call);
        if (c->generation == q->call_generation && (c->flags & CF_CALL_TENTATIVE) != 0) {
            if (c->refs != 0)
                cf_call_release(e, c, 0, false, port);
            cf_call_free(e, c);
        }
    }
    cf_touch_one(e, q);
    q->time_ns = e->now_ns;
    cf_request_finish(e, port, at, LINEERR_OPERATIONFAILED);
}

/* lineSetCallParams succeeded: everyone with a handle learns what is different now. */
static void params_set(struct cf_engine *e, const struct cf_request *q) {
    struct cf_call *c = cf_call_at(e, q->call);
    if (c->generation != q->call_generation)
        return;
    uint32_t bits = c->bearer_mode != q->bearer_mode ? LINECALLINFOSTATE_BEARERMODE : 0;
    bits |= q->rate != 0 && c->rate != q->rate ? LINECALLINFOSTATE_RATE : 0;
    if (bits == 0)
        return;
    cf_touch_one(e, &c->bearer_mode);
    c->bearer_mode = q->bearer_mode;
    c->rate = q->rate != 0 ? q->rate : c->rate;
    cf_call_info(e, c, bits, e->in.m.time_ns);
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
        if (q->id == CF_REQ_SET_CALL_PARAMS && result == 0 && e->ports[port].state == CF_PORT_LIVE)
            params_set(e, q);
        if (q->made_call)
            make_call_replied(e, provider, port, at, result);
        else
            cf_request_finish(e, port, at, result);
        return;
    }
    /* Who asked is gone. A call made for him is closed at once; other replies may name a call too, which lives on without him. */
    e->tally.stale_events++;
    if (m->device != 0 && result == 0 && cf_event_ended(e, provider, m->device)) {
        cf_output_begin(e, CF_CMD_CLOSE_CALL, m->device, 0, 0, 0);
        cf_output_command(e, provider, 0);
    }
}

/* ------------------------------------------------------------------ lineAccept and the like: what providers do to calls */

static const struct operation {
    uint16_t request, command;
    uint32_t feature; /* and with it the states, shm/operations.h */
    bool takes;       /* names the application in LINECALLINFO.AppName */
} operations[] = {
    {CF_REQ_ACCEPT, CF_CMD_ACCEPT, LINECALLFEATURE_ACCEPT, true},
    {CF_REQ_ANSWER, CF_CMD_ANSWER, LINECALLFEATURE_ANSWER, true},
    {CF_REQ_DROP, CF_CMD_DROP, LINECALLFEATURE_DROP, false},
    {CF_REQ_HOLD, CF_CMD_HOLD, LINECALLFEATURE_HOLD, false},
    {CF_REQ_UNHOLD, CF_CMD_UNHOLD, LINECALLFEATURE_UNHOLD, false},
};
_Static_assert(sizeof operations / sizeof operations[0] == CF_REQ_UNHOLD - CF_REQ_ACCEPT + 1, "an entry per request, in their order");

/* Why that asker may not do this now: 0 or LINEERR_. params: what is wrong with the parameters, which counts before the call's state. */
static int32_t refusal_of(const struct cf_engine *e, const struct cf_asked *a, uint32_t feature, int32_t params, bool rejoin) {
    const struct cf_call *c = a->call;
    if (!a->owner)
        return LINEERR_NOTOWNER;
    if (params != 0)
        return params;
    if ((cf_operation_features(c->state) & feature) == 0 && !rejoin)
        return LINEERR_INVALCALLSTATE;
    if ((e->lines[c->line].call_features & feature) == 0)
        return LINEERR_OPERATIONUNAVAIL;
    return c->provider == 0 ? LINEERR_OPERATIONFAILED : 0;
}

/* An outstanding request of that call. CF_INDEX_NONE: one too many. */
static uint32_t request_of_call(struct cf_engine *e, uint32_t port, const struct cf_asked *a) {
    uint32_t at = request_make(e, port);
    if (at == CF_INDEX_NONE)
        return at;
    struct cf_request *q = &e->view[port].requests[at];
    q->open_line = a->open_line;
    q->open_generation = e->view[port].open_lines[a->open_line].generation;
    q->provider = a->call->provider;
    q->call = cf_call_index(e, a->call);
    q->call_generation = a->call->generation;
    return at;
}

/* An outstanding request, or the reply that says why not: CF_INDEX_NONE then. */
static uint32_t ask_provider(struct cf_engine *e, uint32_t port, const struct cf_asked *a, int32_t refusal) {
    uint32_t at = refusal == 0 ? request_of_call(e, port, a) : CF_INDEX_NONE;
    if (at == CF_INDEX_NONE)
        reply_now(e, port, refusal != 0 ? refusal : LINEERR_REQUESTOVERRUN, a->open_line);
    return at;
}

static void operate(struct cf_engine *e, uint32_t port, size_t op) {
    struct cf_asked a = find_call(e, port);
    if (a.call == NULL) {
        reply_now(e, port, LINEERR_INVALCALLHANDLE, CF_INDEX_NONE);
        return;
    }
    struct cf_call *c = a.call;
    bool rejoin = operations[op].command == CF_CMD_ANSWER && c->state == LINECALLSTATE_CONNECTED && c->mode == LINECONNECTEDMODE_INACTIVE;
    uint32_t at = ask_provider(e, port, &a, refusal_of(e, &a, operations[op].feature, 0, rejoin));
    if (at == CF_INDEX_NONE)
        return;
    if (operations[op].takes && c->app_port == 0) {
        cf_touch_one(e, &c->app_port);
        c->app_port = (uint16_t)port;
    }
    uint64_t number = command_number(port, at, e->view[port].requests[at].generation);
    output_begin_from(e, operations[op].command, c->provider_call, number, 0, 0);
    if (!cf_output_command(e, c->provider, 64))
        cf_request_finish(e, port, at, LINEERR_RESOURCEUNAVAIL);
}

/* ------------------------------------------------------------------ lineSetCallParams */

static void set_call_params(struct cf_engine *e, uint32_t port) {
    struct cf_asked a = find_call(e, port);
    if (a.call == NULL) {
        reply_now(e, port, LINEERR_INVALCALLHANDLE, CF_INDEX_NONE);
        return;
    }
    struct cf_call *c = a.call;
    struct cf_call_params params = {0};
    struct cf_field f;
    if (cf_fields_find(&e->in, CF_FIELD_CALL_PARAMS, &f) && f.bytes == sizeof params)
        memcpy(&params, f.data, sizeof params);
    int32_t wrong = !cf_bearer_mode_valid(params.bearer_mode) ? LINEERR_INVALBEARERMODE
                    : params.min_rate > params.max_rate       ? LINEERR_INVALRATE
                                                              : 0;
    int32_t refusal = refusal_of(e, &a, LINECALLFEATURE_SETCALLPARAMS, wrong, false);
    if (refusal == 0 && (e->infos[c->line].caps.bearer_modes & params.bearer_mode) == 0)
        refusal = LINEERR_BEARERMODEUNAVAIL;
    else if (refusal == 0 && params.min_rate > CF_RATE_MAX)
        refusal = LINEERR_RATEUNAVAIL;
    uint32_t at = ask_provider(e, port, &a, refusal);
    if (at == CF_INDEX_NONE)
        return;
    struct cf_request *q = &e->view[port].requests[at];
    q->bearer_mode = (uint16_t)params.bearer_mode;
    q->rate = params.max_rate < CF_RATE_MAX ? params.max_rate : CF_RATE_MAX;
    struct cf_record *r = cf_output_begin(e, CF_CMD_SET_CALL_PARAMS, c->provider_call, command_number(port, at, q->generation), 0, 0);
    params = (struct cf_call_params){.bearer_mode = params.bearer_mode, .min_rate = params.min_rate, .max_rate = params.max_rate};
    cf_fields_append(r, CF_FIELD_CALL_PARAMS, &params, sizeof params);
    if (!cf_output_command(e, c->provider, 64))
        cf_request_finish(e, port, at, LINEERR_RESOURCEUNAVAIL);
}

/* ------------------------------------------------------------------ lineGenerateDigits */

/* Nobody waits for the reply of a stop; what it stops has a reply of its own. */
static int32_t stop_digits(struct cf_engine *e, const struct cf_call *c, uint64_t mode) {
    cf_output_begin(e, CF_CMD_GENERATE_DIGITS, c->provider_call, 0, mode, 0);
    return cf_output_command(e, c->provider, 64) ? 0 : LINEERR_RESOURCEUNAVAIL;
}

/*
 * A request like the others until the provider replies, whose reply is LINE_GENERATE: that is why it is never lost, counts against the
 * limit of its own and ends with the provider. One per call at a time: the provider stops an earlier one and replies to it first.
 */
static int32_t start_digits(struct cf_engine *e, uint32_t port, const struct cf_asked *a, uint64_t mode, const struct cf_field *f) {
    char digits[CF_DIGITS_MAX];
    uint32_t at = f->bytes <= CF_DIGITS_MAX ? request_of_call(e, port, a) : CF_INDEX_NONE;
    if (at == CF_INDEX_NONE)
        return LINEERR_RESOURCEUNAVAIL;
    struct cf_request *q = &e->view[port].requests[at];
    q->handle = a->index;
    q->handle_generation = a->handle->generation;
    uint64_t number = command_number(port, at, q->generation);
    struct cf_record *r = cf_output_begin(e, CF_CMD_GENERATE_DIGITS, a->call->provider_call, number, mode, 0);
    cf_fields_append(r, CF_FIELD_DIGITS, digits, cf_digits_copy(digits, (uint32_t)mode, f->data, f->bytes));
    if (cf_output_command(e, a->call->provider, 64))
        return 0;
    cf_request_free(e, port, at);
    return LINEERR_RESOURCEUNAVAIL;
}

static int32_t generate_digits(struct cf_engine *e, uint32_t port) {
    const struct cf_message *m = &e->in.m;
    struct cf_asked a = find_call(e, port);
    struct cf_field f;
    if (a.call == NULL)
        return LINEERR_INVALCALLHANDLE;
    bool mode_valid = m->param1 == LINEDIGITMODE_PULSE || m->param1 == LINEDIGITMODE_DTMF;
    int32_t refusal = refusal_of(e, &a, LINECALLFEATURE_GENERATEDIGITS, mode_valid ? 0 : LINEERR_INVALDIGITMODE, false);
    if (refusal != 0)
        return refusal;
    if ((e->infos[a.call->line].caps.digit_modes & m->param1) == 0)
        return LINEERR_INVALDIGITMODE;
    uint64_t mode = m->param1 | (uint64_t)cf_digit_ms(m->param2) << 32; /* and the duration */
    return cf_fields_find(&e->in, CF_FIELD_DIGITS, &f) ? start_digits(e, port, &a, mode, &f) : stop_digits(e, a.call, mode);
}

/* ------------------------------------------------------------------ handles */

static void release(struct cf_engine *e, uint32_t port, bool ask) {
    struct cf_asked a = find_call(e, port);
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
    struct cf_asked a = find_call(e, port);
    uint64_t wanted = e->in.m.param1;
    int32_t error = 0;
    if (a.call == NULL)
        error = LINEERR_INVALCALLHANDLE;
    else if (wanted != LINECALLPRIVILEGE_MONITOR && wanted != LINECALLPRIVILEGE_OWNER)
        error = LINEERR_INVALCALLPRIVILEGE;
    else if (wanted == LINECALLPRIVILEGE_MONITOR && a.owner && a.call->owners == 1 && a.call->state != LINECALLSTATE_IDLE)
        error = LINEERR_INVALCALLSTATE; /* H-56 */
    if (error == 0 && a.owner != (wanted == LINECALLPRIVILEGE_OWNER)) {
        cf_touch_one(e, a.handle);
        cf_touch_one(e, a.call);
        a.handle->info ^= CF_SLOT_OWNER;
        if (a.owner)
            a.call->owners--;
        else
            a.call->owners++;
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
        o->address_states = (uint32_t)e->in.m.param2;
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

/* lineOpen with an HLINE slot whose former life is still being swept waits for the sweep. */
static bool must_wait(struct cf_engine *e, uint32_t port) {
    uint32_t index = cf_handle_slot(e->in.m.device);
    if (e->in.m.id != CF_REQ_OPEN || index >= e->ports[port].opens_used)
        return false;
    const struct cf_open_line *o = &e->view[port].open_lines[index];
    return o->state == CF_OPEN_CLOSED && !o->swept;
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
    case CF_REQ_MAKE_CALL:
        make_call(e, port);
        break;
    case CF_REQ_ACCEPT:
    case CF_REQ_ANSWER:
    case CF_REQ_DROP:
    case CF_REQ_HOLD:
    case CF_REQ_UNHOLD:
        operate(e, port, e->in.m.id - CF_REQ_ACCEPT);
        break;
    case CF_REQ_SET_CALL_PARAMS:
        set_call_params(e, port);
        break;
    case CF_REQ_GENERATE_DIGITS:
        cf_output_answer(e, port, generate_digits(e, port), NULL, 0);
        break;
    case CF_REQ_SHUTDOWN:
        break; /* the socket's end says it again, and says it for crashes too */
    default:
        if (cf_information_take(e, port))
            break;
        cf_touch_one(e, &e->ports[port].bad);
        e->ports[port].bad++;
        e->tally.bad_records++;
    }
    return true;
}
