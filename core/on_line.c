/*
 * Requests on an open line: lineMakeCall, lineUnpark, linePickup, lineForward, lineUncompleteCall, lineDevSpecific.
 *
 * Shape      a row per request: what it makes, what the line must be able to do, which of its parameters are wrong
 * Order      of checks: line, its provider, rights, parameters, capability (OPERATIONUNAVAIL)
 * Source     rules H-3 to H-8, H-10, M-60, P-2
 */
#include "core/making.h"
#include "core/parties.h"
#include "shm/forward.h"

static const struct on_line {
    uint16_t request, command;
    bool makes; /* a call, of its maker's */
    uint16_t origin, reason;
    uint32_t line_feature, address_feature;
} rows[] = {
    {CF_REQ_MAKE_CALL, CF_CMD_MAKE_CALL, true, LINECALLORIGIN_OUTBOUND, LINECALLREASON_DIRECT, LINEFEATURE_MAKECALL, 0},
    {CF_REQ_UNPARK, CF_CMD_UNPARK, true, LINECALLORIGIN_UNKNOWN, LINECALLREASON_UNPARK, 0, LINEADDRFEATURE_UNPARK},
    {CF_REQ_PICKUP, CF_CMD_PICKUP, true, LINECALLORIGIN_INBOUND, LINECALLREASON_PICKUP, 0, LINEADDRFEATURE_PICKUP},
    {CF_REQ_FORWARD, CF_CMD_FORWARD, true, LINECALLORIGIN_OUTBOUND, LINECALLREASON_DIRECT, 0, LINEADDRFEATURE_FORWARD},
    {CF_REQ_UNCOMPLETE_CALL, CF_CMD_UNCOMPLETE_CALL, false, 0, 0, 0, LINEADDRFEATURE_UNCOMPLETECALL},
    {CF_REQ_DEV_SPECIFIC, CF_CMD_DEV_SPECIFIC, false, 0, 0, LINEFEATURE_DEVSPECIFIC, 0},
};

static const struct on_line *find(uint16_t request) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].request == request)
            return &rows[i];
    return NULL;
}

/* What a request asks of its line. */
struct asking {
    const struct on_line *row;
    const struct cf_open_line *open;
    uint32_t address; /* CF_ALL_ADDRESSES: each */
    struct cf_call_params params;
    struct cf_call *call; /* DEV_SPECIFIC: the one it is about, or NULL */
};

/* ------------------------------------------------------------------ the address */

/* False: the line has no such address. */
static bool find_address(const struct cf_engine *e, struct asking *a) {
    const struct cf_message *m = &e->in.m;
    uint32_t line = a->open->line;
    switch (a->row->request) {
    case CF_REQ_MAKE_CALL:
        a->address = cf_making_address(e, line, &a->params);
        break;
    case CF_REQ_FORWARD:
        a->address = m->param2 >> 32 != 0 ? CF_ALL_ADDRESSES : (uint32_t)m->param2;
        return m->param2 >> 32 != 0 || a->address < e->lines[line].addresses;
    case CF_REQ_DEV_SPECIFIC:
        a->address = (uint32_t)m->param3;
        break;
    case CF_REQ_UNCOMPLETE_CALL:
        a->address = 0;
        break;
    default:
        a->address = (uint32_t)m->param2;
    }
    return a->address < e->lines[line].addresses;
}

/* ------------------------------------------------------------------ parameters */

/* More of a number than what there is now is to come: a semicolon ends it. */
static bool is_partial(const struct cf_field *f) { return f->bytes != 0 && f->data[f->bytes - 1] == ';'; }

static int32_t forward_error(const struct cf_engine *e, const struct cf_feature_caps *caps) {
    struct cf_field f = {0};
    struct cf_forward_entry entry;
    uint32_t entries = 0, specific = 0;
    if (!cf_fields_find(&e->in, CF_FIELD_FORWARD_LIST, &f))
        return 0;
    const uint8_t *at = f.data, *end = f.data + f.bytes;
    while (cf_forward_next(&at, end, &entry)) {
        if (!cf_forward_mode_valid(entry.head.mode) || (entry.head.mode & caps->forward_modes) == 0)
            return LINEERR_INVALPARAM;
        entries++;
        specific += (entry.head.mode & CF_FORWARD_SPECIFIC) != 0;
    }
    if (at != end || entries > caps->forward_entries_max || specific > caps->forward_specific_max)
        return LINEERR_INVALPARAM;
    return 0;
}

/* What kind of call it is to be. */
static int32_t kind_error(const struct cf_line_caps *caps, const struct cf_call_params *p) {
    if (p->bearer_mode != 0 && !cf_bearer_mode_valid(p->bearer_mode))
        return LINEERR_INVALBEARERMODE;
    if (p->bearer_mode != 0 && (caps->bearer_modes & p->bearer_mode) == 0)
        return LINEERR_BEARERMODEUNAVAIL;
    if (p->media_mode != 0 && (caps->media_modes & p->media_mode) == 0)
        return LINEERR_INVALMEDIAMODE;
    return p->min_rate > CF_RATE_MAX ? LINEERR_RATEUNAVAIL : 0;
}

static int32_t parameter_error(struct cf_engine *e, uint32_t port, struct asking *a) {
    const struct cf_line *l = &e->lines[a->open->line];
    const struct cf_feature_caps *caps = &e->infos[a->open->line].caps.more;
    struct cf_field f;
    switch (a->row->request) {
    case CF_REQ_MAKE_CALL:
        if (cf_fields_find(&e->in, CF_FIELD_DESTINATION, &f) && is_partial(&f) && (l->addr_cap_flags & LINEADDRCAPFLAGS_PARTIALDIAL) == 0)
            return LINEERR_INVALADDRESS;
        return 0;
    case CF_REQ_PICKUP:
        return cf_fields_find(&e->in, CF_FIELD_GROUP, &f) && (l->addr_cap_flags & LINEADDRCAPFLAGS_PICKUPGROUPID) == 0 ? LINEERR_INVALGROUPID
                                                                                                                      : 0;
    case CF_REQ_FORWARD:
        return (caps->address_features & LINEADDRFEATURE_FORWARD) != 0 ? forward_error(e, caps) : 0;
    case CF_REQ_DEV_SPECIFIC: {
        uint64_t handle = e->in.m.param2;
        a->call = handle == 0 ? NULL : cf_request_find_call(e, port, handle).call;
        if (handle != 0 && (a->call == NULL || a->call->line != a->open->line))
            return LINEERR_INVALCALLHANDLE;
        return handle != 0 && a->call->provider == 0 ? LINEERR_OPERATIONFAILED : 0; /* that provider is gone */
    }
    default:
        return 0;
    }
}

static int32_t refusal_of(struct cf_engine *e, uint32_t port, struct asking *a) {
    const struct cf_line *l = &e->lines[a->open->line];
    const struct cf_line_caps *caps = &e->infos[a->open->line].caps;
    if (l->state != CF_LINE_UP || e->ports[l->provider].state != CF_PORT_LIVE)
        return LINEERR_RESOURCEUNAVAIL;
    if ((cf_line_rights(e, port, a->open->line) & CF_RIGHT_OWN) == 0)
        return cf_request_denied(e, LINEERR_OPERATIONUNAVAIL); /* whatever the line was opened with, the maker of a call owns it */
    if (!find_address(e, a))
        return a->params.address_mode == LINEADDRESSMODE_DIALABLEADDR ? LINEERR_INVALADDRESS : LINEERR_INVALADDRESSID;
    int32_t error = parameter_error(e, port, a);
    if (error == 0)
        error = kind_error(caps, &a->params);
    if (error != 0)
        return error;
    bool can = (caps->line_features & a->row->line_feature) == a->row->line_feature &&
               (caps->more.address_features & a->row->address_feature) == a->row->address_feature;
    return can ? 0 : LINEERR_OPERATIONUNAVAIL;
}

/* ------------------------------------------------------------------ asking the provider */

/* lineForward makes a call only where the line may need one; its provider says whether it did. */
static bool makes_call(const struct cf_engine *e, const struct asking *a) {
    bool consults = (e->lines[a->open->line].addr_cap_flags & LINEADDRCAPFLAGS_FWDCONSULT) != 0;
    return a->row->makes && (a->row->request != CF_REQ_FORWARD || consults);
}

static int32_t make(struct cf_engine *e, uint32_t port, uint32_t at, const struct asking *a) {
    struct cf_made what = {.params = a->params, .address = a->address == CF_ALL_ADDRESSES ? 0 : a->address, .origin = a->row->origin,
                           .reason = a->row->reason, .texts = true};
    struct cf_field f;
    if (a->row->request == CF_REQ_MAKE_CALL)
        what.country = (uint32_t)e->in.m.param2;
    int32_t error = cf_making_add(e, port, at, &what);
    if (error != 0 || a->row->request != CF_REQ_MAKE_CALL || !cf_fields_find(&e->in, CF_FIELD_DESTINATION, &f))
        return error;
    struct cf_call *c = cf_making_call(e, &e->view[port].requests[at], 0);
    cf_party_set(c->called, sizeof c->called, f.data, f.bytes - is_partial(&f));
    return 0;
}

/* lineForward's rings, within what the line can count. */
static uint64_t rings_of(const struct cf_feature_caps *caps, uint64_t asked) {
    uint64_t least = asked < caps->forward_rings_min ? caps->forward_rings_min : asked;
    return least > caps->forward_rings_max ? caps->forward_rings_max : least;
}

static void send(struct cf_engine *e, uint32_t port, uint32_t at, const struct asking *a) {
    const struct cf_message *m = &e->in.m;
    const struct cf_line *l = &e->lines[a->open->line];
    uint64_t detail = 0;
    if (a->row->request == CF_REQ_FORWARD)
        detail = rings_of(&e->infos[a->open->line].caps.more, m->param3);
    else if (a->row->request == CF_REQ_MAKE_CALL || a->row->request == CF_REQ_UNCOMPLETE_CALL)
        detail = m->param2;
    cf_output_begin_from_request(e, a->row->command, a->call != NULL ? a->call->provider_call : 0, cf_request_number(e, port, at),
                                 l->number | (uint64_t)a->address << 32, detail);
    if (!cf_output_command(e, l->provider, CF_PROVIDER_KEEP_REQUESTS))
        cf_making_fail(e, port, at, LINEERR_RESOURCEUNAVAIL);
}

bool cf_on_line_take(struct cf_engine *e, uint32_t port) {
    const struct cf_message *m = &e->in.m;
    struct asking a = {.row = find(m->id)};
    if (a.row == NULL)
        return false;
    a.open = cf_open_find(e, port, m->device);
    if (a.open == NULL) {
        e->tally.stale_requests++; /* its replies are suppressed: the line was closed (H-62) */
        return true;
    }
    uint32_t open_line = cf_handle_slot(m->device);
    cf_making_read_params(&e->in, &a.params);
    int32_t error = refusal_of(e, port, &a);
    uint32_t at = error == 0 ? cf_request_make(e, port) : CF_INDEX_NONE;
    if (at == CF_INDEX_NONE) {
        cf_request_reply_now(e, port, error != 0 ? error : LINEERR_REQUESTOVERRUN, open_line);
        return true;
    }
    struct cf_request *q = &e->view[port].requests[at];
    cf_request_of_line(e, port, q, open_line);
    q->provider = e->lines[a.open->line].provider;
    if (makes_call(e, &a))
        error = make(e, port, at, &a);
    if (error != 0)
        cf_making_fail(e, port, at, error);
    else
        send(e, port, at, &a);
    return true;
}
