/* What lineMonitorDigits and lineMonitorMedia mean to the model: who listens for what, and is told of it. */
#include "core/engine.h"
#include "tests/model/model.h"

#define EVERY_MEDIUM 0xFFFEu /* UNKNOWN to VIDEO */

/* What any application listens for; unsure: perhaps more, or less. */
uint32_t m_listened(const struct model *m, uint32_t call, enum m_heard kind, bool *ret_unsure) {
    uint32_t modes = 0;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        const struct m_ref *r = &m->refs[i];
        if (!r->used || r->gone || r->call != call)
            continue;
        modes |= r->listens[kind];
        *ret_unsure |= r->listens_unsure || (r->limbo && r->listens[kind] != 0);
    }
    return modes;
}

/* A monitor may; parameters, state, abilities: in this order. */
static int32_t refusal(const struct m_line *l, const struct m_call *c, enum m_heard kind, uint64_t modes) {
    uint32_t all = LINEDIGITMODE_PULSE | LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND;
    if (kind == M_DIGITS ? (modes & ~(uint64_t)all) != 0 : (modes & ~(uint64_t)EVERY_MEDIUM) != 0)
        return kind == M_DIGITS ? LINEERR_INVALDIGITMODE : LINEERR_INVALMEDIAMODE;
    if (c->state == LINECALLSTATE_IDLE || (kind == M_DIGITS && c->state == LINECALLSTATE_DISCONNECTED))
        return LINEERR_INVALCALLSTATE;
    if ((l->features & (kind == M_DIGITS ? LINECALLFEATURE_MONITORDIGITS : LINECALLFEATURE_MONITORMEDIA)) == 0)
        return LINEERR_OPERATIONUNAVAIL;
    return kind == M_DIGITS && (modes & ~(uint64_t)l->digit_modes) != 0 ? LINEERR_INVALDIGITMODE : 0;
}

/* Everyone with a handle learns when less is listened for than before. Handles that go in slices listen until they are swept. */
void m_listener_gone(struct model *m, const struct m_ref *r, bool by_close) {
    bool unsure = by_close || r->listens_unsure, less = false;
    for (uint32_t port = 0; port < SIM_PORTS; port++)
        unsure |= m->ports[port].unswept != 0;
    for (uint32_t kind = 0; kind < M_HEARD; kind++)
        less |= (r->listens[kind] & ~m_listened(m, r->call, kind, &unsure)) != 0;
    if (less || (unsure && (r->listens[M_DIGITS] != 0 || r->listens[M_MEDIA] != 0)))
        m_counts_changed(m, r->call, 0, LINECALLINFOSTATE_MONITORMODES, !unsure);
}

/* Nearly as many handles listen as one application may have of those that do: an eighth of the calls that there may be, and 8. */
bool m_many_listen(const struct model *m, uint32_t port) {
    uint32_t n = 4;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        const struct m_ref *r = &m->refs[i];
        if (r->used && r->port == port)
            n += r->listens[M_DIGITS] != 0 || r->listens[M_MEDIA] != 0 || m_tones_listens(m, port, r->handle);
    }
    return n >= m->calls_max / 8 + 8;
}

void m_answer_listen(struct model *m, struct m_answer *a, struct m_ref *ref, const struct cf_record *r) {
    struct m_call *c = &m->calls[ref->call];
    enum m_heard kind = r->m.id == CF_REQ_MONITOR_DIGITS ? M_DIGITS : M_MEDIA;
    a->may_fail |= m->small || m->parties_lack || m_many_listen(m, ref->port); /* no room for one more who listens */
    bool unsure = a->may_fail;
    if (c->ending) {
        a->any_error = true;
        return;
    }
    a->result = refusal(&m->lines[c->provider][c->line], c, kind, r->m.param1);
    if (a->result != 0)
        return;
    uint32_t before = m_listened(m, ref->call, kind, &unsure);
    ref->listens_unsure |= a->may_fail;
    ref->listens[kind] = (ref->listens_unsure ? ref->listens[kind] : 0) | (uint32_t)r->m.param1;
    if (unsure || m_listened(m, ref->call, kind, &unsure) != before)
        m_counts_changed(m, ref->call, 0, LINECALLINFOSTATE_MONITORMODES, !unsure);
}

/* Each who listens for it is told, but of a member of a conference nobody. */
void m_heard(struct model *m, uint32_t provider, const struct cf_record *r) {
    struct m_call *c = m_call_of(m, provider, r->m.device);
    bool digit = r->m.id == CF_EV_DIGIT;
    enum m_heard kind = digit ? M_DIGITS : M_MEDIA;
    uint64_t mode = digit ? r->m.param2 : r->m.param1;
    if (c == NULL || c->state == LINECALLSTATE_IDLE || c->state == LINECALLSTATE_CONFERENCED || (mode & (mode - 1)) != 0)
        return;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *ref = &m->refs[i];
        if (!ref->used || ref->gone || &m->calls[ref->call] != c || (ref->listens[kind] & mode) == 0)
            continue;
        ref->heard[kind] |= (uint32_t)mode;
        m_ref_owe(m, ref, &(struct m_owed){.id = digit ? LINE_MONITORDIGITS : LINE_MONITORMEDIA, .param1 = (uint32_t)r->m.param1,
                                           .param2 = digit ? (uint32_t)mode : 0, .time_ns = r->m.time_ns,
                                           .optional = ref->listens_unsure});
    }
}

void m_heard_told(struct model *m, const struct m_output *o) {
    struct m_ref *r = m_ref_of(m, o->port, o->m.device);
    bool tone = o->m.id == LINE_MONITORTONE;
    enum m_heard kind = o->m.id == LINE_MONITORDIGITS ? M_DIGITS : M_MEDIA;
    uint64_t mode = kind == M_DIGITS ? o->m.param2 : o->m.param1;
    if (r == NULL || r->saw_idle)
        m_fail(m, "port %u: message %u of %#lx, which it was not given, or whose call has ended", o->port, o->m.id, o->m.device);
    else if (o->m.param3 != (uint32_t)(o->m.time_ns / 1000000))
        m_fail(m, "port %u: message %u at %ld says %lu", o->port, o->m.id, o->m.time_ns, o->m.param3);
    else if (!m->ports[o->port].outage)
        m_meets(m, r, o);
    else if (tone ? !m_tones_listens(m, o->port, o->m.device) : (r->heard[kind] & mode) == 0)
        m_fail(m, "port %u: message %u of mode %lu, for which it does not listen", o->port, o->m.id, mode);
}

void m_listen_command(struct model *m, uint32_t provider, const struct m_output *o) {
    struct m_call *c = m_call_of(m, provider, o->m.device);
    enum m_heard kind = o->m.id == CF_CMD_MONITOR_DIGITS ? M_DIGITS : M_MEDIA;
    if (c == NULL || c->listened[kind] == o->m.param2)
        m_fail(m, "provider %u: command %#x for %#lx with modes %#lx, which it knows", provider, o->m.id, o->m.device, o->m.param2);
    else
        c->listened[kind] = (uint32_t)o->m.param2;
    m->checked++;
}

/* Nothing is left to do: its provider knows what is listened for. */
void m_listen_end(struct model *m, uint32_t call) {
    const struct m_call *c = &m->calls[call];
    for (uint32_t kind = 0; kind < M_HEARD; kind++) {
        bool unsure = false;
        uint32_t modes = m_listened(m, call, kind, &unsure);
        if (!unsure && modes != c->listened[kind])
            m_fail(m, "provider %u: call %u is listened to for %#x (%u), it was told %#x", c->provider, c->serial, modes, kind,
                   c->listened[kind]);
    }
}
