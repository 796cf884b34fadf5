/* What lineMonitorTones means to the model: a list per handle, with a number that the engine gives it and its provider hears by. */
#include <string.h>

#include "core/engine.h"
#include "tests/model/model.h"

static struct m_tones *of_handle(struct model *m, uint32_t port, uint64_t handle)
{
    for (uint32_t i = 0; i < SIM_TONES; i++) {
        struct m_tones *t = &m->tones[i];
        if (t->used && t->port == port && t->handle == handle && !t->ended && !t->stops && !t->replaced && !t->over)
            return t;
    }
    return NULL;
}

/* ------------------------------------------------------------------ the request */

/* The list as the line can tell it. */
static int32_t list_refusal(const struct m_line *l, const struct cf_field *f)
{
    struct cf_heard_tone tone;
    if (f->bytes == 0 || f->bytes % sizeof tone != 0)
        return LINEERR_INVALTONE;
    if (f->bytes / sizeof tone > l->heard_entries)
        return LINEERR_RESOURCEUNAVAIL;
    for (uint32_t at = 0; at < f->bytes; at += (uint32_t)sizeof tone) {
        uint32_t n = 0;
        memcpy(&tone, f->data + at, sizeof tone);
        for (uint32_t i = 0; i < 3; i++)
            n += tone.frequency_hz[i] != 0;
        if (n > l->heard_freqs)
            return LINEERR_INVALTONE;
    }
    return 0;
}

/* A monitor may; state, abilities, parameters that only the line can judge. */
static int32_t refusal(const struct m_line *l, const struct m_call *c, const struct cf_field *f)
{
    if (c->state == LINECALLSTATE_IDLE)
        return LINEERR_INVALCALLSTATE;
    if ((l->features & LINECALLFEATURE_MONITORTONES) == 0)
        return LINEERR_OPERATIONUNAVAIL;
    return f == NULL ? 0 : list_refusal(l, f);
}

void m_answer_tones(struct model *m, struct m_answer *a, struct m_ref *ref, const struct cf_record *r)
{
    struct m_call *c = &m->calls[ref->call];
    struct cf_field f;
    bool listed = cf_fields_find(r, CF_FIELD_TONES, &f);
    if (c->ending) {
        a->any_error = true;
        return;
    }
    a->result = refusal(&m->lines[c->provider][c->line], c, listed ? &f : NULL);
    if (a->result != 0)
        return;
    struct m_tones *old = of_handle(m, ref->port, r->m.device);
    a->may_fail |= listed && (m->small || m->parties_lack || m_many_listen(m, ref->port));
    if (!listed) {
        if (old != NULL)
            old->stops = true;
        a->tones = (uint16_t)(old == NULL ? 0 : old - m->tones + 1);
        a->tones_stop = true;
        return;
    }
    uint32_t i = 0;
    while (i < SIM_TONES && m->tones[i].used)
        i++;
    if (i == SIM_TONES || f.bytes > sizeof m->tones[0].list) {
        m_fail(m, "the model is too small: lists of tones");
        return;
    }
    if (old != NULL)
        old->replaced = true;
    m->tones[i] = (struct m_tones){.used = true,
                                   .provider = c->provider,
                                   .port = ref->port,
                                   .call_id = c->id,
                                   .handle = r->m.device,
                                   .replaces = (uint16_t)(old == NULL ? 0 : old - m->tones + 1),
                                   .bytes = (uint8_t)f.bytes};
    memcpy(m->tones[i].list, f.data, f.bytes);
    a->tones = (uint16_t)(i + 1);
}

/* Refused after all: what was before goes on, or is what a later request of this turn replaces or stops. */
void m_tones_refused(struct model *m, const struct m_answer *a)
{
    if (a->tones == 0)
        return;
    struct m_tones *t = &m->tones[a->tones - 1], *before = t->replaces == 0 ? NULL : &m->tones[t->replaces - 1];
    if (a->tones_stop) {
        t->stops = false;
        return;
    }
    for (uint32_t i = 0; i < SIM_TONES; i++)
        if (m->tones[i].used && m->tones[i].number == 0 && m->tones[i].replaces == a->tones)
            m->tones[i].replaces = t->replaces;
    if (before != NULL) {
        before->replaced = t->replaced;
        before->stops = t->stops;
    }
    t->used = false;
}

/* ------------------------------------------------------------------ what ends a list */

void m_tones_leave(struct model *m, uint32_t port, uint64_t handle)
{
    for (uint32_t i = 0; i < SIM_TONES; i++) {
        struct m_tones *t = &m->tones[i];
        if (t->used && t->port == port && t->handle == handle && !t->stops && !t->replaced)
            t->ended = true;
    }
}

/* The call is IDLE: its provider knows by itself that nobody listens any more. */
void m_tones_idle(struct model *m, const struct m_call *c)
{
    for (uint32_t i = 0; i < SIM_TONES; i++)
        if (m->tones[i].used && m->tones[i].provider == c->provider && m->tones[i].call_id == c->id)
            m->tones[i].idle = true;
}

/* ------------------------------------------------------------------ the command */

static bool of_call(const struct m_tones *t, uint32_t provider, uint64_t call_id)
{
    return t->used && t->provider == provider && t->call_id == call_id;
}

static struct m_tones *begun(struct model *m, uint32_t provider, const struct m_output *o)
{
    uint16_t head[2] = {0, 0};
    if (o->payload_bytes >= sizeof head)
        memcpy(head, o->payload, sizeof head);
    for (uint32_t i = 0; i < SIM_TONES; i++) {
        struct m_tones *t = &m->tones[i];
        if (of_call(t, provider, o->m.device) && t->number == 0 && head[0] == CF_FIELD_TONES && head[1] == t->bytes &&
            memcmp(o->payload + sizeof head, t->list, t->bytes) == 0)
            return t;
    }
    return NULL;
}

/* Its handle is void already, though the model cannot be sure of that. */
static bool may_have_left(struct model *m, const struct m_tones *t)
{
    const struct m_ref *r = m_ref_of(m, t->port, t->handle);
    return r == NULL || r->limbo || m->ports[t->port].opens[r->open].limbo;
}

static void list_ends(struct model *m, uint32_t provider, const struct m_output *o)
{
    for (uint32_t i = 0; i < SIM_TONES; i++) {
        struct m_tones *t = &m->tones[i];
        if (!of_call(t, provider, o->m.device) || t->number != o->m.param3 || t->number == 0 || t->over)
            continue;
        if (!t->stops && (t->idle || (!t->ended && !may_have_left(m, t))))
            break;
        t->over = true;
        m->checked++;
        return;
    }
    m_fail(m, "provider %u: list of tones %lu of %#lx ends, nobody asked for it", provider, o->m.param3, o->m.device);
}

void m_tones_command(struct model *m, uint32_t provider, const struct m_output *o)
{
    if (o->m.param2 == 0) {
        list_ends(m, provider, o);
        return;
    }
    struct m_tones *t = begun(m, provider, o);
    if (t == NULL) {
        m_fail(m, "provider %u: a list of tones of %#lx that nobody asked for", provider, o->m.device);
        return;
    }
    struct m_tones *old = t->replaces == 0 ? NULL : &m->tones[t->replaces - 1];
    for (uint32_t i = 0; i < SIM_TONES; i++)
        if (of_call(&m->tones[i], provider, o->m.device) && m->tones[i].number == o->m.param2)
            m_fail(m, "provider %u: two lists of tones of %#lx are number %lu", provider, o->m.device, o->m.param2);
    if (o->m.param2 > UINT32_MAX || o->m.param3 != (old == NULL ? 0 : old->number))
        m_fail(m, "provider %u: list of tones %lu of %#lx ends number %lu, expected %u", provider, o->m.param2,
               o->m.device, o->m.param3, old == NULL ? 0 : old->number);
    if (old != NULL)
        old->over = true;
    t->number = (uint32_t)o->m.param2;
    m->checked++;
}

/* ------------------------------------------------------------------ what is heard */

/* A tone is told to whose list it is of, and of a member of a conference to nobody. */
void m_tone_heard(struct model *m, uint32_t provider, const struct cf_record *r)
{
    struct m_call *c = m_call_of(m, provider, r->m.device);
    if (c == NULL || c->state == LINECALLSTATE_IDLE || c->state == LINECALLSTATE_CONFERENCED || r->m.param2 == 0)
        return;
    for (uint32_t i = 0; i < SIM_TONES; i++) {
        const struct m_tones *t = &m->tones[i];
        if (!of_call(t, provider, c->id) || t->number != r->m.param2 || t->ended || t->stops || t->replaced)
            continue;
        struct m_ref *ref = m_ref_of(m, t->port, t->handle);
        if (ref != NULL)
            m_ref_owe(
                m, ref,
                &(struct m_owed){.id = LINE_MONITORTONE, .param1 = (uint32_t)r->m.param1, .time_ns = r->m.time_ns});
    }
}

/* That handle listens for tones, or did in this turn. */
bool m_tones_listens(const struct model *m, uint32_t port, uint64_t handle)
{
    for (uint32_t i = 0; i < SIM_TONES; i++)
        if (m->tones[i].used && m->tones[i].port == port && m->tones[i].handle == handle)
            return true;
    return false;
}

/* ------------------------------------------------------------------ the end of a turn */

void m_tones_end(struct model *m, bool idle)
{
    for (uint32_t i = 0; i < SIM_TONES; i++) {
        struct m_tones *t = &m->tones[i];
        if (!t->used)
            continue;
        if (!t->over && (t->number == 0 || t->stops || t->replaced))
            m_fail(m, "provider %u: what port %u asked of tones on %#lx is missing", t->provider, t->port, t->call_id);
        if (t->over || t->idle || m_call_of(m, t->provider, t->call_id) == NULL)
            t->used = false;
        else if (t->ended && idle)
            m_fail(m, "provider %u: that list of tones %u of %#lx ends is missing", t->provider, t->number, t->call_id);
    }
}
