/*
 * Parameters of operations: what the core knows to be wrong with them, by what their line can do. The library has looked at the most of it;
 * a peer need not be ours.
 *
 * Shape      a function per request that has parameters of its own
 * Errors     what is no value at all has an error of its own; a value that the line cannot do is OPERATIONUNAVAIL, once the state allows it
 */
#include "core/requests.h"

static const struct cf_line_caps *caps_of(const struct cf_engine *e, const struct cf_call *c) { return &e->infos[c->line].caps; }

/* Exactly one of those bits. */
static bool one_of(uint64_t value, uint64_t bits) { return value != 0 && (value & (value - 1)) == 0 && (value & bits) != 0; }

/* lineCompleteTransfer's mode: what it resolves to. */
static int32_t complete_transfer(const struct cf_engine *e, const struct cf_call *c) {
    uint64_t mode = e->in.m.param3;
    (void)c;
    if (!one_of(mode, LINETRANSFERMODE_TRANSFER | LINETRANSFERMODE_CONFERENCE))
        return LINEERR_INVALTRANSFERMODE;
    return 0;
}

/* More digits may only be announced where the line can wait for them. */
static int32_t dial(const struct cf_engine *e, const struct cf_call *c) {
    struct cf_field f;
    bool partial = cf_fields_find(&e->in, CF_FIELD_DESTINATION, &f) && f.bytes != 0 && f.data[f.bytes - 1] == ';';
    return partial && (e->lines[c->line].addr_cap_flags & LINEADDRCAPFLAGS_PARTIALDIAL) == 0 ? LINEERR_INVALADDRESS : 0;
}

static int32_t redirect(const struct cf_engine *e, const struct cf_call *c) {
    struct cf_field f;
    (void)c;
    return cf_fields_find(&e->in, CF_FIELD_DESTINATION, &f) && f.bytes != 0 ? 0 : LINEERR_INVALADDRESS;
}

static int32_t park(const struct cf_engine *e, const struct cf_call *c) {
    uint64_t mode = e->in.m.param2;
    if (!one_of(mode, LINEPARKMODE_DIRECTED | LINEPARKMODE_NONDIRECTED))
        return LINEERR_INVALPARKMODE;
    return mode == LINEPARKMODE_DIRECTED ? redirect(e, c) : 0;
}

static int32_t complete_call(const struct cf_engine *e, const struct cf_call *c) {
    const struct cf_feature_caps *more = &caps_of(e, c)->more;
    uint64_t mode = e->in.m.param2;
    if (!one_of(mode, LINECALLCOMPLMODE_CAMPON | LINECALLCOMPLMODE_CALLBACK | LINECALLCOMPLMODE_INTRUDE | LINECALLCOMPLMODE_MESSAGE))
        return LINEERR_INVALCALLCOMPLMODE;
    if (mode == LINECALLCOMPLMODE_MESSAGE && (more->completion_modes & mode) != 0 && e->in.m.param3 >= more->completion_messages)
        return LINEERR_INVALMESSAGEID;
    return 0;
}

static int32_t user_user(const struct cf_engine *e, const struct cf_call *c) {
    struct cf_field f;
    (void)c;
    return cf_fields_find(&e->in, CF_FIELD_USER_USER, &f) && f.bytes > CF_USER_USER_MAX ? LINEERR_USERUSERINFOTOOBIG : 0;
}

static int32_t call_data(const struct cf_engine *e, const struct cf_call *c) {
    struct cf_field f;
    (void)c;
    return cf_fields_find(&e->in, CF_FIELD_CALL_DATA, &f) && f.bytes > CF_CALL_DATA_MAX ? LINEERR_INVALPARAM : 0;
}

static int32_t treatment(const struct cf_engine *e, const struct cf_call *c) {
    uint64_t id = e->in.m.param2;
    uint32_t known = caps_of(e, c)->more.call_treatments;
    if ((caps_of(e, c)->call_features & LINECALLFEATURE_SETTREATMENT) == 0)
        return 0; /* nothing can be chosen: OPERATIONUNAVAIL, in its turn */
    return id == 0 || id > LINECALLTREATMENT_MUSIC || (known >> id & 1) == 0 ? LINEERR_INVALPARAM : 0;
}

static const struct {
    uint16_t request;
    int32_t (*refusal)(const struct cf_engine *e, const struct cf_call *c);
} rows[] = {
    {CF_REQ_COMPLETE_TRANSFER, complete_transfer},
    {CF_REQ_DIAL, dial},
    {CF_REQ_REDIRECT, redirect},
    {CF_REQ_PARK, park},
    {CF_REQ_COMPLETE_CALL, complete_call},
    {CF_REQ_SEND_USER_USER, user_user},
    {CF_REQ_SET_CALL_DATA, call_data},
    {CF_REQ_SET_CALL_TREATMENT, treatment},
};

int32_t cf_parameters_refusal(const struct cf_engine *e, const struct cf_call *c) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].request == e->in.m.id)
            return rows[i].refusal(e, c);
    return 0;
}

bool cf_parameters_unable(const struct cf_engine *e, const struct cf_call *c) {
    const struct cf_line_caps *caps = caps_of(e, c);
    switch (e->in.m.id) {
    case CF_REQ_COMPLETE_TRANSFER:
        return (caps->transfer_modes & e->in.m.param3) == 0;
    case CF_REQ_PARK:
        return (caps->more.park_modes & e->in.m.param2) == 0;
    case CF_REQ_COMPLETE_CALL:
        return caps->more.completion_modes != 0 && (caps->more.completion_modes & e->in.m.param2) == 0;
    default:
        return false;
    }
}
