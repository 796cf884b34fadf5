/* Falsified outputs: a model that does not notice them is no model. */
#include <string.h>

#include "tests/model/sim.h"

static bool in_step(const struct sim *s, uint32_t port) {
    const struct cf_port_core_down *d = &core_down(&s->core, port)->down;
    const struct m_port *p = &s->model.ports[port];
    return m_is_app(port) && p->state == 2 && p->behind == 0 && d->behind == 0 && d->gaps == p->gaps;
}

/* A message of a handle that the application had before this turn and keeps, of a call whose provider lives; none of lineHandoff's. */
static bool of_old_handle(struct sim *s, const struct m_output *o, uint16_t id) {
    if (o->m.id != id || o->m.param3 != 0 || !in_step(s, o->port))
        return false;
    const struct m_ref *r = m_ref_of(&s->model, o->port, o->m.device);
    if (r == NULL || r->announce != M_TOLD || r->first || r->limbo || s->model.calls[r->call].ending)
        return false;
    for (uint32_t i = 0; i < s->outputs_count; i++)
        if (&s->outputs[i] != o && s->outputs[i].port == o->port && s->outputs[i].m.device == o->m.device)
            return false;
    return true;
}

static void remove_at(struct sim *s, uint32_t at) {
    memmove(&s->outputs[at], &s->outputs[at + 1], (s->outputs_count - at - 1) * sizeof s->outputs[0]);
    s->outputs_count--;
}

/* A message of that kind that brings such a text. */
static bool has_text(const struct sim *s, const struct m_output *o, uint16_t id, uint16_t tag) {
    uint16_t told = 0;
    memcpy(&told, o->payload, sizeof told);
    return m_is_app(o->port) && o->m.id == id && o->payload_bytes > 4 && told == tag && in_step(s, o->port);
}

static bool other_text(struct m_output *o) {
    o->payload[4] = o->payload[4] == '5' ? '6' : '5';
    return true;
}

static bool shorter_text(struct m_output *o) {
    uint16_t bytes;
    memcpy(&bytes, o->payload + 2, sizeof bytes);
    bytes--;
    memcpy(o->payload + 2, &bytes, sizeof bytes);
    return true;
}

static bool falsify(struct sim *s, uint32_t at) {
    struct m_output *o = &s->outputs[at];
    struct cf_message *g = &o->m;
    bool state = of_old_handle(s, o, LINE_CALLSTATE);
    const struct m_ref *r = state ? m_ref_of(&s->model, o->port, g->device) : NULL;
    switch (s->options.sabotage) {
    case SIM_LOSE_STATE:
        if (state)
            remove_at(s, at);
        return state;
    case SIM_LOSE_STATE_QUIETLY:
        if (!state || r->view_state == LINECALLSTATE_CONFERENCED) /* of nobody's conference it may say so twice */
            return false;
        g->param1 = r->view_state, g->param2 = r->view_mode;
        return true;
    case SIM_WRONG_PARENT:
        if (!state || g->param1 != LINECALLSTATE_CONFERENCED)
            return false;
        g->param2 = g->param2 == 0 ? g->device : 0;
        return true;
    case SIM_LOST_SECOND:
        if (g->id != LINE_REPLY || g->param3 == 0 || !in_step(s, o->port))
            return false;
        g->param3 = 0;
        return true;
    case SIM_SECOND_IS_FIRST:
        if (g->id != LINE_REPLY || g->param3 == 0 || !in_step(s, o->port))
            return false;
        g->param3 = g->device;
        return true;
    case SIM_TWICE:
        if (state) {
            memmove(o + 1, o, (s->outputs_count - at) * sizeof *o);
            s->outputs_count++;
        }
        return state;
    case SIM_WRONG_STATE:
        if (state)
            g->param1 = g->param1 == LINECALLSTATE_BUSY ? LINECALLSTATE_ONHOLD : LINECALLSTATE_BUSY, g->param2 = 0;
        return state;
    case SIM_WRONG_MODE:
        if (state)
            g->param2 ^= 64;
        return state;
    case SIM_WRONG_PRIVILEGE:
        if (g->id != LINE_APPNEWCALL || !in_step(s, o->port))
            return false;
        g->param3 ^= LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER;
        return true;
    case SIM_LATE_PRIVILEGE:
        if (state)
            g->param3 = r->privilege;
        return state;
    case SIM_WRONG_HANDLE:
        if (state)
            g->device += UINT64_C(2) << 32;
        return state;
    case SIM_WRONG_TIME:
        if (state)
            g->time_ns++;
        return state;
    case SIM_WRONG_LINE:
        if (state)
            g->open_line ^= 1;
        return state;
    case SIM_WRONG_RESULT:
        if (g->id != LINE_REPLY || !in_step(s, o->port))
            return false;
        g->param2 = g->param2 == 0 ? (uint32_t)LINEERR_OPERATIONFAILED : 0;
        return true;
    case SIM_WRONG_REQUEST:
        if (g->id != LINE_REPLY || !in_step(s, o->port))
            return false;
        g->param1 += 1000;
        return true;
    case SIM_WRONG_END:
        if (g->id != LINE_GENERATE || !in_step(s, o->port))
            return false;
        g->param1 ^= LINEGENERATETERM_DONE | LINEGENERATETERM_CANCEL;
        return true;
    case SIM_END_OF_ANOTHER:
        if (g->id != LINE_GENERATE || !in_step(s, o->port))
            return false;
        g->device += UINT64_C(2) << 32;
        return true;
    case SIM_WRONG_DIGIT:
        return has_text(s, o, LINE_GATHERDIGITS, CF_FIELD_DIGITS) && other_text(o);
    case SIM_DIGIT_LOST:
        return has_text(s, o, LINE_GATHERDIGITS, CF_FIELD_DIGITS) && shorter_text(o);
    case SIM_WRONG_PLACE:
        return has_text(s, o, LINE_REPLY, CF_FIELD_PARK_ADDRESS) && other_text(o);
    case SIM_WRONG_ANSWER:
        return has_text(s, o, LINE_REPLY, CF_FIELD_DEV_SPECIFIC) && other_text(o);
    case SIM_WRONG_SPECIFIC:
        if (g->id != LINE_DEVSPECIFIC || !in_step(s, o->port))
            return false;
        g->param3++;
        return true;
    case SIM_SPECIFIC_LINE:
        if (g->id != LINE_DEVSPECIFIC || cf_handle_kind(g->device) != CF_KIND_LINE || !in_step(s, o->port))
            return false;
        g->device += UINT64_C(2) << 32;
        return true;
    case SIM_LOST_PLACE:
        if (!has_text(s, o, LINE_REPLY, CF_FIELD_PARK_ADDRESS))
            return false;
        o->payload_bytes = 0;
        return true;
    case SIM_WRONG_TERM:
        if (g->id != LINE_GATHERDIGITS || !in_step(s, o->port))
            return false;
        g->param1 = g->param1 == LINEGATHERTERM_BUFFERFULL ? LINEGATHERTERM_FIRSTTIMEOUT : LINEGATHERTERM_BUFFERFULL;
        return true;
    case SIM_WRONG_GATHERING:
        if (g->id != LINE_GATHERDIGITS || !in_step(s, o->port))
            return false;
        g->param2 += 1000;
        return true;
    case SIM_WRONG_TONE:
    case SIM_TONE_OF_ANOTHER:
        if (g->id != LINE_MONITORTONE || !in_step(s, o->port))
            return false;
        if (s->options.sabotage == SIM_WRONG_TONE)
            g->param1++;
        else
            g->device += UINT64_C(2) << 32;
        return true;
    case SIM_WRONG_LIST:
        if (g->id != CF_CMD_MONITOR_TONES || !m_is_provider(o->port))
            return false;
        g->param3++;
        return true;
    case SIM_NO_CLOSE_CALL:
        if (g->id != CF_CMD_CLOSE_CALL || !m_is_provider(o->port))
            return false;
        g->id = CF_CMD_DROP;
        return true;
    case SIM_WRONG_DROP:
        if (g->id != CF_CMD_DROP || g->param1 != 0 || !m_is_provider(o->port))
            return false;
        for (uint32_t i = 0; i < s->model.calls_high; i++) {
            const struct m_call *c = &s->model.calls[i];
            if (!c->used || c->ending || c->drop != 0 || c->provider != o->port - 1u || c->id == g->device)
                continue;
            g->device = c->id;
            return true;
        }
        return false;
    case SIM_WRONG_GAP:
        if (g->id != CF_LINE_GAP)
            return false;
        g->param2++;
        g->sequence++;
        return true;
    default:
        return false;
    }
}

void sim_sabotage(struct sim *s) {
    for (uint32_t at = 0; at < s->outputs_count && s->outputs_count < SIM_OUTPUTS && !s->sabotaged; at++)
        s->sabotaged = falsify(s, at);
}
