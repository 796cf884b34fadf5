/* What requests on an open line mean to the model: lineMakeCall, lineSetupConference without a call, lineUnpark, linePickup, lineForward, lineUncompleteCall, lineDevSpecific. */
#include <string.h>

#include "core/engine.h"
#include "shm/forward.h"
#include "tests/model/model.h"

/* What each needs of its line. */
static const struct {
    uint16_t id;
    uint32_t address_feature, address_cap;
} rows[] = {
    {CF_REQ_SETUP_CONFERENCE, 0, LINEADDRCAPFLAGS_SETUPCONFNULL},
    {CF_REQ_UNPARK, LINEADDRFEATURE_UNPARK, 0},
    {CF_REQ_PICKUP, LINEADDRFEATURE_PICKUP, 0},
    {CF_REQ_FORWARD, LINEADDRFEATURE_FORWARD, 0},
    {CF_REQ_UNCOMPLETE_CALL, LINEADDRFEATURE_UNCOMPLETECALL, 0},
};

static bool line_can(const struct m_line *l, uint16_t id) {
    if (id == CF_REQ_DEV_SPECIFIC)
        return (l->line_features & LINEFEATURE_DEVSPECIFIC) != 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].id == id)
            return (l->more.address_features & rows[i].address_feature) == rows[i].address_feature &&
                   (l->address_caps & rows[i].address_cap) == rows[i].address_cap;
    return true;
}

/* Which address of the line it is about; CF_ALL_ADDRESSES: each. */
static uint32_t address_of(const struct cf_record *r) {
    struct cf_call_params params = {0};
    struct cf_field f;
    switch (r->m.id) {
    case CF_REQ_UNCOMPLETE_CALL:
        return 0;
    case CF_REQ_FORWARD:
        return r->m.param2 >> 32 != 0 ? CF_ALL_ADDRESSES : (uint32_t)r->m.param2;
    case CF_REQ_UNPARK:
    case CF_REQ_PICKUP:
        return (uint32_t)r->m.param2;
    case CF_REQ_DEV_SPECIFIC:
        return (uint32_t)r->m.param3;
    default:
        if (cf_fields_find(r, CF_FIELD_CALL_PARAMS, &f) && f.bytes == sizeof params)
            memcpy(&params, f.data, sizeof params);
        return params.address_id;
    }
}

/* The list is whole, and the line can do what is in it. */
static bool list_right(const struct m_line *l, const struct cf_record *r) {
    struct cf_field f;
    struct cf_forward_head head;
    uint32_t entries = 0, specific = 0, at = 0;
    if (!cf_fields_find(r, CF_FIELD_FORWARD_LIST, &f))
        return true;
    for (; at + sizeof head <= f.bytes; entries++) {
        memcpy(&head, f.data + at, sizeof head);
        at += (uint32_t)sizeof head + head.caller_bytes + head.address_bytes;
        specific += head.mode == LINEFORWARDMODE_BUSYSPECIFIC;
        if (head.mode == 0 || (head.mode & (head.mode - 1)) != 0 || (head.mode & l->more.forward_modes) == 0)
            return false;
    }
    return at == f.bytes && entries <= l->more.forward_entries_max && specific <= l->more.forward_specific_max;
}

/* lineDevSpecific may name a call, which is one of the line's. */
static bool names_call(const struct cf_record *r) { return r->m.id == CF_REQ_DEV_SPECIFIC && r->m.param2 != 0; }

static bool call_right(struct model *m, uint32_t port, const struct m_open *o, const struct cf_record *r) {
    const struct m_ref *ref = m_ref_of(m, port, r->m.param2);
    if (ref == NULL || ref->gone)
        return false;
    return m->calls[ref->call].provider == o->provider && m->calls[ref->call].line == o->line;
}

/* Its handle may be void already, or its provider be gone. */
static bool call_unsure(struct model *m, uint32_t port, const struct cf_record *r) {
    const struct m_ref *ref = m_ref_of(m, port, r->m.param2);
    return ref != NULL && (ref->limbo || m->ports[port].opens[ref->open].limbo || m->calls[ref->call].ending);
}

/* Rights, address, parameters, abilities: in this order. */
static int32_t refusal(struct model *m, uint32_t port, const struct m_open *o, const struct cf_record *r) {
    const struct m_line *l = &m->lines[o->provider][o->line];
    uint32_t address = address_of(r);
    struct cf_field f;
    bool group = r->m.id == CF_REQ_PICKUP && cf_fields_find(r, CF_FIELD_GROUP, &f);
    if ((m->ports[port].rights[o->provider][o->line] & CF_RIGHT_OWN) == 0)
        return LINEERR_OPERATIONUNAVAIL;
    if (address >= l->addresses && address != CF_ALL_ADDRESSES)
        return r->m.id == CF_REQ_SETUP_CONFERENCE ? LINEERR_INVALCALLPARAMS : LINEERR_INVALADDRESSID;
    if (names_call(r) && !call_right(m, port, o, r))
        return LINEERR_INVALCALLHANDLE;
    if (group && (l->address_caps & LINEADDRCAPFLAGS_PICKUPGROUPID) == 0)
        return LINEERR_INVALGROUPID;
    if (r->m.id == CF_REQ_FORWARD && line_can(l, r->m.id) && !list_right(l, r))
        return LINEERR_INVALPARAM;
    return line_can(l, r->m.id) ? 0 : LINEERR_OPERATIONUNAVAIL;
}

/* Calls that come with its success; of lineForward at most. */
static uint8_t makes_of(const struct m_line *l, uint16_t id) {
    switch (id) {
    case CF_REQ_SETUP_CONFERENCE:
        return 2;
    case CF_REQ_FORWARD:
        return (l->address_caps & LINEADDRCAPFLAGS_FWDCONSULT) != 0;
    case CF_REQ_UNCOMPLETE_CALL:
    case CF_REQ_DEV_SPECIFIC:
        return 0;
    default:
        return 1;
    }
}

/* What else its command says: parties, rings within what the line counts, the completion. */
static uint64_t detail_of(const struct m_line *l, const struct cf_record *r) {
    uint64_t rings = r->m.param3 < l->more.forward_rings_min ? l->more.forward_rings_min : r->m.param3;
    switch (r->m.id) {
    case CF_REQ_SETUP_CONFERENCE:
        return r->m.param3;
    case CF_REQ_FORWARD:
        return rings > l->more.forward_rings_max ? l->more.forward_rings_max : rings;
    case CF_REQ_UNCOMPLETE_CALL:
        return r->m.param2;
    default:
        return 0;
    }
}

void m_line_request(struct model *m, uint32_t port, const struct cf_record *r) {
    struct m_request *q = m_request_new(m, port, r);
    struct m_open *o = m_open_of(m, port, r->m.device);
    if (o == NULL || o->gone) {
        q->result = LINEERR_INVALLINEHANDLE;
        q->suppressed = 1;
        return;
    }
    const struct m_line *l = &m->lines[o->provider][o->line];
    uint32_t address = address_of(r);
    q->open = (uint8_t)(o - m->ports[port].opens);
    q->provider = o->provider;
    q->line = o->line;
    q->address = address == CF_ALL_ADDRESSES ? 0 : (uint8_t)address;
    q->place = o->line | (uint64_t)address << 32;
    q->detail = detail_of(l, r);
    q->serial = m_request_serial(r);
    if (o->limbo && o->close_owed == 2) {
        q->any_error = true;
        q->suppressed = 1;
        return;
    }
    q->result = refusal(m, port, o, r);
    q->suppressed = o->limbo;
    if (q->result != 0) {
        q->any_error = o->limbo || (names_call(r) && call_unsure(m, port, r));
        return;
    }
    q->state = M_REQUEST_FORWARD;
    q->makes = makes_of(l, r->m.id);
    if (names_call(r)) {
        const struct m_ref *ref = m_ref_of(m, port, r->m.param2);
        q->call = ref->call;
        q->call_id = m->calls[ref->call].id;
    }
    q->limited = o->limbo || (names_call(r) && call_unsure(m, port, r)) || m_may_lack_room(m, port, q->makes) || m_many_requests(m, port, false);
}
