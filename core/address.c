/*
 * Addresses of lines: how many calls each has in use, who is told of it, and what else a provider says of them.
 *
 * Invariant  in_use counts the calls of a line and address that are on the line's list and not IDLE
 */
#include "core/forwarding.h"

enum cf_address_use cf_address_use_of(uint32_t state) {
    switch (state) {
    case 0:
    case LINECALLSTATE_IDLE:
        return CF_ADDRESS_UNUSED;
    case LINECALLSTATE_ONHOLD:
        return CF_ADDRESS_ON_HOLD;
    case LINECALLSTATE_ONHOLDPENDCONF:
    case LINECALLSTATE_ONHOLDPENDTRANSFER:
        return CF_ADDRESS_ON_HOLD_PENDING;
    default:
        return CF_ADDRESS_ACTIVE;
    }
}

void cf_address_tell(struct cf_engine *e, uint32_t line, uint32_t address, uint32_t bits) {
    struct cf_line *l = &e->lines[line];
    if ((e->g->address_states_ever & bits) == 0 || (l->address_states_union & bits) == 0)
        return;
    for (uint32_t at = cf_line_next_position(l, 0); at != CF_INDEX_NONE; at = cf_line_next_position(l, at + 1)) {
        uint64_t open = *cf_open_at(e, line, at);
        uint32_t port = cf_open_port_of(open), index = cf_open_line_of(open);
        if (!(open & CF_OPEN_LIVE) || e->ports[port].state != CF_PORT_LIVE)
            continue;
        uint32_t wanted = e->view[port].open_lines[index].address_states & bits;
        if (wanted != 0)
            cf_output_tell(e, port, LINE_ADDRESSSTATE, cf_open_hline(e, port, index), address, wanted, 0, e->now_ns, index);
    }
}

/* What the number of calls in use has become. Each counts as a station: the line has its addresses for itself. */
static uint32_t use_bits(uint32_t now, bool more) {
    switch (now) {
    case 0:
        return LINEADDRESSSTATE_INUSEZERO;
    case 1:
        return LINEADDRESSSTATE_INUSEONE;
    default:
        return now == 2 && more ? LINEADDRESSSTATE_INUSEMANY : 0;
    }
}

void cf_address_call(struct cf_engine *e, const struct cf_call *c, enum cf_address_use was, enum cf_address_use is) {
    uint32_t bits = LINEADDRESSSTATE_NUMCALLS;
    if (was == is)
        return;
    if (was == CF_ADDRESS_UNUSED || is == CF_ADDRESS_UNUSED) {
        uint32_t *in_use = cf_in_use_at(e, c->line, c->address);
        cf_touch_one(e, in_use);
        *in_use += was == CF_ADDRESS_UNUSED ? 1u : UINT32_MAX;
        bits |= use_bits(*in_use, was == CF_ADDRESS_UNUSED);
    }
    cf_address_tell(e, c->line, c->address, bits);
}

/* ------------------------------------------------------------------ lineGetAddressStatus */

#define STATUS_CALLS_MAX 4096 /* of a trunk with more, the first so many are looked at */

void cf_address_status(struct cf_engine *e, uint32_t port) {
    const struct cf_open_line *o = cf_open_find(e, port, e->in.m.device);
    uint64_t address = e->in.m.param1;
    if (o == NULL || address >= e->lines[o->line].addresses) {
        cf_output_answer(e, port, o == NULL ? LINEERR_INVALLINEHANDLE : LINEERR_INVALADDRESSID, NULL, 0);
        return;
    }
    const struct cf_line *l = &e->lines[o->line];
    struct cf_reply_address_status r;
    memset(&r, 0, offsetof(struct cf_reply_address_status, forwards));
    r.in_use = *cf_in_use_at(e, o->line, (uint32_t)address);
    r.in_service = l->state == CF_LINE_UP;
    r.address_features = e->infos[o->line].caps.more.address_features;
    uint32_t counts[CF_ADDRESS_USES] = {0}, seen = 0;
    for (uint32_t i = l->calls_first; i != CF_INDEX_NONE && seen < STATUS_CALLS_MAX; seen++) {
        const struct cf_call *c = cf_call_at(e, i);
        counts[cf_address_use_of(c->state)] += c->address == address;
        i = c->next;
    }
    cf_looked_at(e, seen);
    r.on_hold_calls = counts[CF_ADDRESS_ON_HOLD];
    r.on_hold_pending_calls = counts[CF_ADDRESS_ON_HOLD_PENDING];
    r.active_calls = r.in_use - r.on_hold_calls - r.on_hold_pending_calls; /* those that were not looked at too */
    cf_forwarding_read(e, o->line, (uint32_t)address, &r);
    cf_output_answer(e, port, 0, &r, offsetof(struct cf_reply_address_status, forwards) + r.forward_bytes);
}
