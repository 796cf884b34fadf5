/*
 * Operations: what providers do to calls when an owner asks, from lineAccept to lineRemoveFromConference.
 *
 * Shape      a row per request; which state allows it is shm/operations.h, whether the line can do it its capabilities
 * Order      of checks: handles, privilege (NOTOWNER), parameters, call states (INVALCALLSTATE), capability (OPERATIONUNAVAIL)
 * Invariant  the core changes no state of a call itself: the provider reports it
 */
#include "core/operations.h"

#include "core/conference.h"
#include "core/making.h"
#include "core/texts.h"

#define ON_HOLD (LINECALLSTATE_ONHOLD | LINECALLSTATE_ONHOLDPENDTRANSFER | LINECALLSTATE_ONHOLDPENDCONF)

/* Calls that come with it. */
enum makes { NOTHING, CONSULTATION, PARENT_AND_CONSULTATION, PARENT };

static const struct operation {
    uint16_t request, command;
    uint32_t feature;
    bool takes;             /* names the application in LINECALLINFO.AppName */
    uint8_t makes;          /* enum makes */
    bool conference;        /* of the call that stands for one */
    uint32_t second_states; /* of the call that param2 names; 0: there is none */
    int32_t void_error, second_void_error;
} operations[] = {
    {CF_REQ_ACCEPT, CF_CMD_ACCEPT, LINECALLFEATURE_ACCEPT, true, NOTHING, false, 0, 0, 0},
    {CF_REQ_ANSWER, CF_CMD_ANSWER, LINECALLFEATURE_ANSWER, true, NOTHING, false, 0, 0, 0},
    {CF_REQ_DROP, CF_CMD_DROP, LINECALLFEATURE_DROP, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_HOLD, CF_CMD_HOLD, LINECALLFEATURE_HOLD, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_UNHOLD, CF_CMD_UNHOLD, LINECALLFEATURE_UNHOLD, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_DIAL, CF_CMD_DIAL, LINECALLFEATURE_DIAL, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_REDIRECT, CF_CMD_REDIRECT, LINECALLFEATURE_REDIRECT, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_SECURE_CALL, CF_CMD_SECURE_CALL, LINECALLFEATURE_SECURECALL, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_PARK, CF_CMD_PARK, LINECALLFEATURE_PARK, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_COMPLETE_CALL, CF_CMD_COMPLETE_CALL, LINECALLFEATURE_COMPLETECALL, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_SEND_USER_USER, CF_CMD_SEND_USER_USER, LINECALLFEATURE_SENDUSERUSER, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_RELEASE_USER_USER, CF_CMD_RELEASE_USER_USER, LINECALLFEATURE_RELEASEUSERUSERINFO, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_SET_CALL_DATA, CF_CMD_SET_CALL_DATA, LINECALLFEATURE_SETCALLDATA, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_SET_CALL_TREATMENT, CF_CMD_SET_CALL_TREATMENT, LINECALLFEATURE_SETTREATMENT, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_SWAP_HOLD, CF_CMD_SWAP_HOLD, LINECALLFEATURE_SWAPHOLD, false, NOTHING, false, ON_HOLD, 0, LINEERR_INVALCALLHANDLE},
    {CF_REQ_SETUP_TRANSFER, CF_CMD_SETUP_TRANSFER, LINECALLFEATURE_SETUPTRANSFER, false, CONSULTATION, false, 0, 0, 0},
    {CF_REQ_COMPLETE_TRANSFER, CF_CMD_COMPLETE_TRANSFER, LINECALLFEATURE_COMPLETETRANSF, false, PARENT, false,
     LINECALLSTATE_CONNECTED | LINECALLSTATE_RINGBACK | LINECALLSTATE_BUSY | LINECALLSTATE_PROCEEDING, 0, LINEERR_INVALCONSULTCALLHANDLE},
    {CF_REQ_BLIND_TRANSFER, CF_CMD_BLIND_TRANSFER, LINECALLFEATURE_BLINDTRANSFER, false, NOTHING, false, 0, 0, 0},
    {CF_REQ_SETUP_CONFERENCE, CF_CMD_SETUP_CONFERENCE, LINECALLFEATURE_SETUPCONF, false, PARENT_AND_CONSULTATION, false, 0, 0, 0},
    {CF_REQ_PREPARE_ADD, CF_CMD_PREPARE_ADD, LINECALLFEATURE_PREPAREADDCONF, false, CONSULTATION, true, 0, LINEERR_INVALCONFCALLHANDLE, 0},
    {CF_REQ_ADD_TO_CONFERENCE, CF_CMD_ADD_TO_CONFERENCE, LINECALLFEATURE_ADDTOCONF, false, NOTHING, true,
     LINECALLSTATE_CONNECTED | LINECALLSTATE_ONHOLD | LINECALLSTATE_PROCEEDING | LINECALLSTATE_RINGBACK, LINEERR_INVALCONFCALLHANDLE,
     LINEERR_INVALCALLHANDLE},
    {CF_REQ_REMOVE_FROM_CONFERENCE, CF_CMD_REMOVE_FROM_CONFERENCE, LINECALLFEATURE_REMOVEFROMCONF, false, NOTHING, false, 0, 0, 0},
};

static const struct operation *find(uint16_t request) {
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (operations[i].request == request)
            return &operations[i];
    return NULL;
}

/* ------------------------------------------------------------------ what is allowed */

/* Only the call of a conference can be added to, and only another one begins one. */
uint32_t cf_operation_features_of(const struct cf_engine *e, const struct cf_call *c) {
    uint32_t features = cf_operation_features(c->state) & e->lines[c->line].call_features;
    return features & ~(cf_conference_is(e, c) ? LINECALLFEATURE_SETUPCONF : LINECALLFEATURE_PREPAREADDCONF | LINECALLFEATURE_ADDTOCONF);
}

int32_t cf_request_refusal(const struct cf_engine *e, const struct cf_asked *a, uint32_t feature, int32_t params) {
    const struct cf_call *c = a->call;
    bool rejoin = feature == LINECALLFEATURE_ANSWER && c->state == LINECALLSTATE_CONNECTED && c->mode == LINECONNECTEDMODE_INACTIVE;
    if (!a->owner && (feature & CF_MONITOR_FEATURES) == 0)
        return LINEERR_NOTOWNER;
    if (params != 0)
        return params;
    if ((cf_operation_features(c->state) & feature) == 0 && !rejoin)
        return LINEERR_INVALCALLSTATE;
    if ((e->lines[c->line].call_features & feature) == 0)
        return LINEERR_OPERATIONUNAVAIL;
    return c->provider == 0 ? LINEERR_OPERATIONFAILED : 0;
}

/* The second call is of the same line, where both will be on hold in turn or in one conference (M-38); a transfer may lead to another. */
static bool needs_one_line(const struct cf_engine *e, const struct operation *op) {
    return op->request != CF_REQ_COMPLETE_TRANSFER || e->in.m.param3 == LINETRANSFERMODE_CONFERENCE;
}

/* The handles name calls of the kind that is asked for. *second: the call that the request names beside the first; NULL: it needs none. */
static int32_t handles_refusal(struct cf_engine *e, uint32_t port, const struct operation *op, const struct cf_asked *a, struct cf_asked *second) {
    bool is = cf_conference_is(e, a->call);
    *second = (struct cf_asked){0};
    if (op->conference && !is)
        return op->void_error;
    if (op->makes == PARENT_AND_CONSULTATION && is)
        return LINEERR_INVALCALLHANDLE; /* a conference of conferences */
    if (op->second_states == 0)
        return 0;
    *second = cf_request_find_call(e, port, e->in.m.param2);
    const struct cf_call *c = second->call;
    if (c == NULL || c == a->call || c->provider != a->call->provider || (c->line != a->call->line && needs_one_line(e, op)))
        return op->second_void_error;
    bool taken = cf_conference_is(e, c) || (c->state & LINECALLSTATE_CONFERENCED) != 0;
    return op->conference && taken ? op->second_void_error : 0;
}

/* What is wrong beside the first call's own state; a wrong state of the second is the same error as one of the first. */
static int32_t parameters_refusal(const struct cf_engine *e, const struct operation *op, const struct cf_call *first,
                                  const struct cf_asked *second) {
    int32_t wrong = cf_parameters_refusal(e, first);
    if (second->call != NULL && !second->owner)
        return LINEERR_NOTOWNER;
    if (wrong != 0)
        return wrong;
    return second->call != NULL && (second->call->state & op->second_states) == 0 ? LINEERR_INVALCALLSTATE : 0;
}

static int32_t operation_refusal(struct cf_engine *e, uint32_t port, const struct operation *op, const struct cf_asked *a,
                                 struct cf_asked *second) {
    int32_t refusal = handles_refusal(e, port, op, a, second);
    if (refusal == 0)
        refusal = cf_request_refusal(e, a, op->feature, parameters_refusal(e, op, a->call, second));
    return refusal == 0 && cf_parameters_unable(e, a->call) ? LINEERR_OPERATIONUNAVAIL : refusal;
}

/* ------------------------------------------------------------------ the calls that come with it */

static struct cf_made consultation(const struct cf_engine *e, uint32_t address, uint32_t related_id) {
    struct cf_made what = {.address = address, .related_id = related_id, .origin = LINECALLORIGIN_OUTBOUND, .reason = LINECALLREASON_DIRECT, .texts = true};
    cf_making_read_params(&e->in, &what.params);
    return what;
}

static struct cf_made parent(uint32_t address) {
    return (struct cf_made){.address = address, .origin = LINECALLORIGIN_CONFERENCE, .reason = LINECALLREASON_DIRECT};
}

static int32_t make(struct cf_engine *e, uint32_t port, uint32_t at, enum makes makes, uint32_t address, uint32_t related_id) {
    bool conference = makes == PARENT_AND_CONSULTATION || makes == PARENT;
    struct cf_made what = parent(address);
    int32_t error = conference ? cf_making_add(e, port, at, &what) : 0;
    if (error != 0 || makes == PARENT || makes == NOTHING)
        return error;
    what = consultation(e, address, related_id);
    return cf_making_add(e, port, at, &what);
}

/* ------------------------------------------------------------------ the command */

static void send(struct cf_engine *e, uint32_t port, uint32_t at, uint16_t command, uint64_t call, uint64_t p2, uint64_t p3) {
    struct cf_request *q = &e->view[port].requests[at];
    cf_output_begin_from_request(e, command, call, cf_request_number(e, port, at), p2, p3);
    if (!cf_output_command(e, q->provider, CF_PROVIDER_KEEP_REQUESTS))
        cf_making_fail(e, port, at, LINEERR_RESOURCEUNAVAIL);
}

static void operate(struct cf_engine *e, uint32_t port, const struct operation *op) {
    const struct cf_message *m = &e->in.m;
    struct cf_asked a = cf_request_asked(e, port), second;
    struct cf_call *c = a.call;
    if (c == NULL) {
        cf_request_reply_now(e, port, op->void_error != 0 ? op->void_error : LINEERR_INVALCALLHANDLE, CF_INDEX_NONE);
        return;
    }
    int32_t refusal = operation_refusal(e, port, op, &a, &second);
    uint32_t at = refusal == 0 ? cf_request_of_call(e, port, &a) : CF_INDEX_NONE;
    if (at == CF_INDEX_NONE) {
        cf_request_reply_now(e, port, refusal != 0 ? refusal : LINEERR_REQUESTOVERRUN, a.open_line);
        return;
    }
    if (op->takes && c->app_port == 0) {
        cf_touch_one(e, &c->app_port);
        c->app_port = (uint16_t)port;
    }
    enum makes makes = op->makes == PARENT && m->param3 != LINETRANSFERMODE_CONFERENCE ? NOTHING : (enum makes)op->makes;
    int32_t error = make(e, port, at, makes, c->address, (uint32_t)c->born);
    if (error != 0)
        cf_making_fail(e, port, at, error);
    else
        send(e, port, at, op->command, c->provider_call, second.call != NULL ? second.call->provider_call : m->param2, m->param3);
}

/* lineSetupConference without a call: on an open line, whose provider makes both. */
static void setup_conference_on_line(struct cf_engine *e, uint32_t port) {
    const struct cf_message *m = &e->in.m;
    struct cf_open_line *o = cf_open_find(e, port, m->device);
    if (o == NULL) {
        e->tally.stale_requests++;
        return;
    }
    const struct cf_line *l = &e->lines[o->line];
    struct cf_call_params params;
    uint32_t open_line = cf_handle_slot(m->device);
    int32_t refusal = 0;
    cf_making_read_params(&e->in, &params);
    if (l->state != CF_LINE_UP || e->ports[l->provider].state != CF_PORT_LIVE)
        refusal = LINEERR_RESOURCEUNAVAIL;
    else if ((cf_line_rights(e, port, o->line) & CF_RIGHT_OWN) == 0)
        refusal = cf_request_denied(e, LINEERR_OPERATIONUNAVAIL);
    else if (cf_making_address(e, o->line, &params) == CF_INDEX_NONE)
        refusal = LINEERR_INVALCALLPARAMS;
    else if ((l->addr_cap_flags & LINEADDRCAPFLAGS_SETUPCONFNULL) == 0)
        refusal = LINEERR_OPERATIONUNAVAIL;
    uint32_t at = refusal == 0 ? cf_request_make(e, port) : CF_INDEX_NONE;
    if (at == CF_INDEX_NONE) {
        cf_request_reply_now(e, port, refusal != 0 ? refusal : LINEERR_REQUESTOVERRUN, open_line);
        return;
    }
    struct cf_request *q = &e->view[port].requests[at];
    cf_request_of_line(e, port, q, open_line);
    q->provider = l->provider;
    uint32_t address = cf_making_address(e, o->line, &params);
    int32_t error = make(e, port, at, PARENT_AND_CONSULTATION, address, 0);
    if (error != 0)
        cf_making_fail(e, port, at, error);
    else
        send(e, port, at, CF_CMD_SETUP_CONFERENCE, 0, l->number | (uint64_t)address << 32, m->param3);
}

/* ------------------------------------------------------------------ lineSetCallParams */

static void set_call_params(struct cf_engine *e, uint32_t port) {
    struct cf_asked a = cf_request_asked(e, port);
    if (a.call == NULL) {
        cf_request_reply_now(e, port, LINEERR_INVALCALLHANDLE, CF_INDEX_NONE);
        return;
    }
    struct cf_call *c = a.call;
    struct cf_call_params params;
    cf_making_read_params(&e->in, &params);
    int32_t wrong = !cf_bearer_mode_valid(params.bearer_mode) ? LINEERR_INVALBEARERMODE
                    : params.min_rate > params.max_rate       ? LINEERR_INVALRATE
                                                              : 0;
    int32_t refusal = cf_request_refusal(e, &a, LINECALLFEATURE_SETCALLPARAMS, wrong);
    if (refusal == 0 && (e->infos[c->line].caps.bearer_modes & params.bearer_mode) == 0)
        refusal = LINEERR_BEARERMODEUNAVAIL;
    else if (refusal == 0 && params.min_rate > CF_RATE_MAX)
        refusal = LINEERR_RATEUNAVAIL;
    uint32_t at = refusal == 0 ? cf_request_of_call(e, port, &a) : CF_INDEX_NONE;
    if (at == CF_INDEX_NONE) {
        cf_request_reply_now(e, port, refusal != 0 ? refusal : LINEERR_REQUESTOVERRUN, a.open_line);
        return;
    }
    struct cf_request *q = &e->view[port].requests[at];
    q->bearer_mode = (uint16_t)params.bearer_mode;
    q->rate = params.max_rate < CF_RATE_MAX ? params.max_rate : CF_RATE_MAX;
    struct cf_record *r = cf_output_begin(e, CF_CMD_SET_CALL_PARAMS, c->provider_call, cf_request_number(e, port, at), 0, 0);
    params = (struct cf_call_params){.bearer_mode = params.bearer_mode, .min_rate = params.min_rate, .max_rate = params.max_rate};
    cf_fields_append(r, CF_FIELD_CALL_PARAMS, &params, sizeof params);
    if (!cf_output_command(e, c->provider, CF_PROVIDER_KEEP_REQUESTS))
        cf_request_finish(e, port, at, LINEERR_RESOURCEUNAVAIL);
}

/* It succeeded: everyone with a handle learns what is different now. */
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

/* ------------------------------------------------------------------ */

bool cf_operation_take(struct cf_engine *e, uint32_t port) {
    const struct cf_message *m = &e->in.m;
    const struct operation *op = find(m->id);
    if (m->id == CF_REQ_SET_CALL_PARAMS)
        set_call_params(e, port);
    else if (m->id == CF_REQ_SETUP_CONFERENCE && cf_handle_kind(m->device) == CF_KIND_LINE)
        setup_conference_on_line(e, port);
    else if (op != NULL)
        operate(e, port, op);
    return op != NULL || m->id == CF_REQ_SET_CALL_PARAMS;
}

void cf_operation_done(struct cf_engine *e, const struct cf_request *q) {
    if (q->id == CF_REQ_SET_CALL_PARAMS)
        params_set(e, q);
    else if (q->id == CF_REQ_RELEASE_USER_USER && cf_call_at(e, q->call)->generation == q->call_generation)
        cf_text_set(e, cf_call_at(e, q->call), CF_CALL_TEXT_USER_USER, NULL, 0); /* the next one may come */
}
