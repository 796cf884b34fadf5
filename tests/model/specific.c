/* What LINE_DEVSPECIFIC means to the model: of a call to all who have a handle, of a line to all who have it open. */
#include "core/engine.h"
#include "tests/model/model.h"

static bool same(const struct m_specific *x, const struct cf_message *g)
{
    return g->param1 == x->param[0] && g->param2 == x->param[1] && g->param3 == x->param[2] && g->time_ns == x->time_ns;
}

/* ------------------------------------------------------------------ the event */

static void to_handles(struct model *m, const struct m_call *c, const struct m_specific *x)
{
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *ref = &m->refs[i];
        if (ref->used && !ref->gone && &m->calls[ref->call] == c)
            m_ref_owe(m, ref,
                      &(struct m_owed){.id = LINE_DEVSPECIFIC,
                                       .param1 = x->param[0],
                                       .param2 = x->param[1],
                                       .param3 = x->param[2],
                                       .time_ns = x->time_ns});
    }
}

/* An open that may be closed already may hear of it; one that is behind misses it. */
static void to_open(struct m_port *p, struct m_open *o, uint64_t bit)
{
    bool perhaps = o->limbo || o->unsure;
    if (p->outage) {
        p->missed_low += p->sure && !perhaps;
        p->missed_high += !p->sure || perhaps;
    } else {
        o->specific_owed |= perhaps ? 0 : bit;
    }
    o->specific_may |= bit;
}

void m_specific_event(struct model *m, uint32_t provider, const struct cf_record *r)
{
    struct m_call *c = r->m.device != 0 ? m_call_of(m, provider, r->m.device) : NULL;
    bool of_line = r->m.device == 0;
    if (of_line ? r->m.open_line >= SIM_LINES : c == NULL || c->state == LINECALLSTATE_IDLE)
        return;
    if (m->specifics_count == SIM_SPECIFICS) {
        m_fail(m, "the model is too small: LINE_DEVSPECIFIC in a turn");
        return;
    }
    struct m_specific *x = &m->specifics[m->specifics_count];
    *x = (struct m_specific){.call_id = r->m.device,
                             .provider = (uint8_t)provider,
                             .param = {(uint32_t)r->m.param1, (uint32_t)r->m.param2, (uint32_t)r->m.param3},
                             .time_ns = r->m.time_ns};
    uint64_t bit = UINT64_C(1) << m->specifics_count++;
    if (!of_line) {
        to_handles(m, c, x);
        return;
    }
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < SIM_OPENS && !m->ports[port].shut; i++) {
            struct m_open *o = &m->ports[port].opens[i];
            if (o->used && !o->gone && o->provider == provider && o->line == r->m.open_line)
                to_open(&m->ports[port], o, bit);
        }
}

/* ------------------------------------------------------------------ the message */

static void told_of_line(struct model *m, const struct m_output *o)
{
    struct m_open *open = m_open_of(m, o->port, o->m.device);
    for (uint32_t i = 0; open != NULL && i < m->specifics_count; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if ((open->specific_may & bit) != 0 && same(&m->specifics[i], &o->m)) {
            open->specific_owed &= ~bit;
            open->specific_may &= ~(bit * 2 - 1); /* nor any that came before */
            m->checked++;
            return;
        }
        if ((open->specific_owed & bit) != 0)
            break;
    }
    m_fail(m, "port %u: LINE_DEVSPECIFIC (%lu, %lu, %lu) of line %#lx, which is not the one due", o->port, o->m.param1,
           o->m.param2, o->m.param3, o->m.device);
}

/* In an outage, or to a handle that a list made in this turn: what was reported in it. */
static bool reported(const struct model *m, const struct m_call *c, const struct m_output *o)
{
    for (uint32_t i = 0; i < m->specifics_count; i++)
        if (m->specifics[i].call_id == c->id && m->specifics[i].provider == c->provider &&
            same(&m->specifics[i], &o->m))
            return true;
    return false;
}

void m_specific_told(struct model *m, const struct m_output *o)
{
    struct m_ref *r = m_ref_of(m, o->port, o->m.device);
    if (cf_handle_kind(o->m.device) == CF_KIND_LINE)
        told_of_line(m, o);
    else if (r == NULL || r->saw_idle)
        m_fail(m, "port %u: LINE_DEVSPECIFIC of %#lx, which it was not given, or whose call has ended", o->port,
               o->m.device);
    else if (!m->ports[o->port].outage && r->handle != 0)
        m_meets(m, r, o);
    else if (!reported(m, &m->calls[r->call], o))
        m_fail(m, "port %u: LINE_DEVSPECIFIC (%lu, %lu, %lu) of %#lx, of which nothing such was reported", o->port,
               o->m.param1, o->m.param2, o->m.param3, o->m.device);
}

/* ------------------------------------------------------------------ the end of a turn */

void m_specific_end(struct model *m)
{
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < SIM_OPENS; i++) {
            struct m_open *o = &m->ports[port].opens[i];
            if (o->used && !o->gone && o->specific_owed != 0 && !m->ports[port].outage && !m->ports[port].shut)
                m_fail(m, "port %u: LINE_DEVSPECIFIC of line %#lx is missing", port, o->handle);
            o->specific_owed = o->specific_may = 0;
        }
    m->specifics_count = 0;
}
