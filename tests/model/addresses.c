/* Addresses: who has how many calls, who is told, and the media modes that lines are open for. */
#include <string.h>

#include "tests/model/model.h"

/* Kinds of use of an address: 0 none, 1 active, 2 on hold, 3 on hold for something. */
static uint32_t use_of(uint32_t state) {
    switch (state) {
    case LINECALLSTATE_IDLE:
        return 0;
    case LINECALLSTATE_ONHOLD:
        return 2;
    case LINECALLSTATE_ONHOLDPENDCONF:
    case LINECALLSTATE_ONHOLDPENDTRANSFER:
        return 3;
    default:
        return 1;
    }
}

/* Every open of the line that asked for one of the bits is owed them, or misses a message. sure: it is told in this turn. */
static void tell(struct model *m, uint32_t provider, uint32_t line, uint32_t address, uint32_t bits, bool sure) {
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < SIM_OPENS; i++) {
            struct m_port *p = &m->ports[port];
            struct m_open *o = &p->opens[i];
            if (!o->used || o->provider != provider || o->line != line || ((o->address_mask | o->address_mask_seen) & bits) == 0)
                continue;
            p->late_tells += !p->outage && !sure;
            if (p->outage)
                p->missed_high++;
            else if (sure && !o->limbo && !o->gone && (o->address_mask & bits) != 0 && address < SIM_ADDRESSES)
                o->address_owed[address] |= bits & o->address_mask;
        }
}

/* A call's state changes, or it comes (was IDLE) or goes (is IDLE). */
void m_address_use(struct model *m, const struct m_call *c, uint32_t was, uint32_t is, bool sure) {
    if (use_of(was) != use_of(is))
        tell(m, c->provider, c->line, c->address, LINEADDRESSSTATE_NUMCALLS, sure);
    if (use_of(was) != use_of(is) && (use_of(was) == 0 || use_of(is) == 0)) /* whoever did not ask for NUMCALLS too */
        tell(m, c->provider, c->line, c->address, LINEADDRESSSTATE_INUSEZERO | LINEADDRESSSTATE_INUSEONE | LINEADDRESSSTATE_INUSEMANY, false);
}

void m_address_event(struct model *m, uint32_t provider, uint32_t line, const struct cf_record *r) {
    uint32_t address = (uint32_t)(r->m.param1 >> 32);
    struct cf_field f;
    if (line >= SIM_LINES || address >= SIM_ADDRESSES || !m->lines[provider][line].up)
        return;
    if (cf_fields_find(r, CF_FIELD_FORWARD_LIST, &f)) {
        struct m_forwards *to = &m->lines[provider][line].forwards[address];
        if (f.bytes == 1) /* a list that is none: the event is refused as a whole */
            return;
        memcpy(to->list, f.data, f.bytes);
        to->bytes = f.bytes;
        to->rings = f.bytes != 0 ? (uint32_t)r->m.param3 : 0;
    }
    tell(m, provider, line, address, (uint32_t)r->m.param2 & 0x1FF, true);
}

void m_address_output(struct model *m, const struct m_output *o) {
    struct m_open *open = m_open_of(m, o->port, o->m.device);
    uint32_t bits = (uint32_t)o->m.param2;
    if (open == NULL)
        m_fail(m, "port %u: ADDRESSSTATE of a line that is not open, %#lx", o->port, o->m.device);
    else if (o->m.param1 >= SIM_ADDRESSES || bits == 0 || (bits & ~(open->address_mask | open->address_mask_seen)) != 0 || o->m.param3 != 0)
        m_fail(m, "port %u: ADDRESSSTATE %#x of address %lu, enabled is %#x", o->port, bits, o->m.param1, open->address_mask);
    else
        open->address_owed[o->m.param1] &= ~bits;
}

void m_address_end(struct model *m, uint32_t port, struct m_open *o) {
    for (uint32_t i = 0; i < SIM_ADDRESSES; i++) {
        if (o->used && !m->ports[port].outage && !o->gone && !o->limbo && o->address_owed[i] != 0)
            m_fail(m, "port %u: ADDRESSSTATE %#x of address %u is missing", port, o->address_owed[i], i);
        o->address_owed[i] = 0;
    }
    o->address_mask_seen = 0;
}

/* ------------------------------------------------------------------ lineGetAddressStatus */

void m_address_request(struct model *m, struct m_answer *a, const struct m_open *o, const struct cf_record *r) {
    if (r->m.param1 >= SIM_ADDRESSES) {
        a->result = LINEERR_INVALADDRESSID;
        return;
    }
    a->forwards = m->lines[o->provider][o->line].forwards[r->m.param1];
    a->forwards_unsure = !m->lines[o->provider][o->line].up;
    for (uint32_t i = 0; i < m->calls_high; i++) {
        const struct m_call *c = &m->calls[i];
        if (!c->used || c->provider != o->provider || c->line != o->line || c->address != r->m.param1)
            continue;
        bool unsure = c->ending || c->refusable || c->must_refuse || m_call_refs(m, i, false) == 0;
        uint32_t use = use_of(c->state);
        a->unsure += unsure;
        a->owners += !unsure && use != 0;
        a->on_hold += !unsure && use == 2;
        a->pending += !unsure && use == 3;
    }
}

/* As it was told; where there was no room for it, that it is not known. */
static bool forwards_right(const struct model *m, const struct m_answer *a, const struct cf_reply_address_status *s) {
    static const struct cf_forward_head unknown = {.mode = LINEFORWARDMODE_UNKNOWN};
    const struct m_forwards *f = &a->forwards;
    bool lacks = m->parties_lack && f->bytes != 0 && s->forward_rings == 0 && s->forward_bytes == sizeof unknown &&
                 memcmp(s->forwards, &unknown, sizeof unknown) == 0;
    bool gone = a->forwards_unsure && s->forward_bytes == 0 && s->forward_rings == 0;
    return lacks || gone ||
           (s->forward_bytes == f->bytes && s->forward_rings == f->rings && memcmp(s->forwards, f->list, f->bytes) == 0);
}

static bool between(uint32_t n, uint32_t low, uint32_t unsure) { return n >= low && n <= low + unsure; }

void m_address_answer(struct model *m, uint32_t port, const struct m_answer *a, const struct cf_reply_slot *reply) {
    struct cf_reply_address_status s = {0};
    if (reply->bytes > sizeof s) {
        m_fail(m, "address status of %u bytes", reply->bytes);
        return;
    }
    memcpy(&s, reply->data, reply->bytes);
    if (reply->bytes != offsetof(struct cf_reply_address_status, forwards) + s.forward_bytes || !forwards_right(m, a, &s))
        m_fail(m, "port %u: address status of %u bytes, a list of %u and %u rings; expected %u and %u", port, reply->bytes, s.forward_bytes,
               s.forward_rings, a->forwards.bytes, a->forwards.rings);
    if (!between(s.in_use, a->owners, a->unsure) || !between(s.on_hold_calls, a->on_hold, a->unsure) ||
        !between(s.on_hold_pending_calls, a->pending, a->unsure) || s.active_calls + s.on_hold_calls + s.on_hold_pending_calls != s.in_use)
        m_fail(m, "port %u: address status %u in use, %u active, %u and %u on hold; expected %u, %u and %u (%u unsure)", port, s.in_use,
               s.active_calls, s.on_hold_calls, s.on_hold_pending_calls, a->owners, a->on_hold, a->pending, a->unsure);
}

/* ------------------------------------------------------------------ media modes of lines */

void m_open_command(struct model *m, uint32_t provider, const struct m_output *o) {
    struct m_line *l = o->m.param1 < SIM_LINES ? &m->lines[provider][o->m.param1] : NULL;
    if (l == NULL || (l->opened == 1 && l->modes_told == (uint32_t)o->m.param2)) {
        m_fail(m, "provider %u: command %#x of line %lu twice", provider, o->m.id, o->m.param1);
        return;
    }
    l->opened = 1;
    l->modes_told = (uint32_t)o->m.param2;
}

/* When the engine has nothing left to do the provider knows for which media modes the line is open. */
void m_line_modes(struct model *m, uint32_t provider, uint32_t line) {
    const struct m_line *l = &m->lines[provider][line];
    uint32_t modes = 0;
    bool unsure = false;
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < SIM_OPENS; i++) {
            const struct m_open *o = &m->ports[port].opens[i];
            if (!o->used || o->provider != provider || o->line != line)
                continue;
            unsure |= o->limbo || o->unsure || o->close_owed != 0 || o->gone;
            modes |= (o->privilege & LINECALLPRIVILEGE_OWNER) != 0 ? o->media : 0;
        }
    if (l->up && l->opened == 1 && !unsure && l->modes_told != modes)
        m_fail(m, "provider %u: line %u is open for media %#x, it was told %#x", provider, line, modes, l->modes_told);
}
