/*
 * Calls of the model exchange whose far end was another call's before: taken out of an orbit, called back, picked up, sent on.
 */
#include "adapters/sim/call.h"

#include <stdio.h>

bool cf_sim_number(struct cf_text text, uint64_t *ret_number)
{
    uint64_t value = 0;
    if (text.bytes == 0 || text.bytes > 18)
        return false;
    for (uint32_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.at[i] - '0');
    }
    *ret_number = value;
    return true;
}

uint32_t cf_sim_line_of(const struct cf_sim_model *m, struct cf_text number)
{
    const struct cf_sim_settings *s = m->settings;
    uint64_t value;
    if (!cf_sim_number(number, &value) || value < s->number || value - s->number >= s->lines)
        return CF_SIM_NOBODY;
    return (uint32_t)(value - s->number);
}

const struct cf_sim_past *cf_sim_past(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    return (c->flags & CF_SIM_TAKEN) != 0 ? &m->pasts[cf_sim_call_index(m, c)] : NULL;
}

uint64_t cf_sim_party(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    const struct cf_sim_past *past = cf_sim_past(m, c);
    if (past != NULL)
        return past->party;
    return (c->flags & CF_SIM_OUTGOING) != 0 ? CF_SIM_PARTY_UNKNOWN : c->serial;
}

uint32_t cf_sim_dialled_line(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    const struct cf_sim_past *past = cf_sim_past(m, c);
    return past != NULL && past->dialled != CF_SIM_NOBODY ? past->dialled : c->line;
}

/* Its toggles come out of it, and the sum is what was drawn, 1e9 at most. */
uint32_t cf_sim_talk_ms(const struct cf_sim_call *c)
{
    return c->segment_ms * (c->toggles + 1u);
}

struct cf_sim_call *cf_sim_taken_begin(struct cf_sim_model *m, uint32_t line, uint32_t reason, uint64_t party,
                                       uint32_t talk_ms)
{
    struct cf_sim_call *c = cf_sim_call_begin(m, line);
    if (c == NULL)
        return NULL;
    c->outcome = CF_SIM_ANSWER;
    c->segment_ms = talk_ms;
    c->give_up_ms = m->settings->no_answer_ms;
    c->flags |= CF_SIM_TAKEN;
    m->pasts[cf_sim_call_index(m, c)] =
        (struct cf_sim_past){.party = party, .reason = reason, .redirecting = CF_SIM_NOBODY, .dialled = CF_SIM_NOBODY};
    return c;
}

bool cf_sim_offer(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns)
{
    c->state = LINECALLSTATE_OFFERING;
    c->mode = LINEOFFERINGMODE_ACTIVE;
    if (!cf_sim_call_announce(m, c, 0, now_ns)) {
        m->counters.unsent++;
        cf_sim_call_forget(m, c, now_ns);
        return false;
    }
    m->counters.arrivals++;
    m->counters.reports++;
    cf_sim_call_go_on(m, c, m->wheel.now, now_ns);
    return true;
}

/* What the reply cannot say, who it is, follows the state. */
void cf_sim_taken_connect(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_call *c,
                          struct cf_sim_time now)
{
    char caller[24];
    uint64_t party = cf_sim_party(m, c);
    cf_sim_reply(m, command, 0, c->id);
    cf_sim_call_report(m, c, (struct cf_sim_step){LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE}, now.ns);
    cf_sim_call_go_on(m, c, now.tick, now.ns);
    if (party == CF_SIM_PARTY_UNKNOWN)
        return;
    int n = snprintf(caller, sizeof caller, "%llu", (unsigned long long)party);
    const struct cf_sim_info info = {LINECALLINFOSTATE_CALLERID, 0, CF_FIELD_CALLER, {caller, (uint32_t)n}};
    m->out.info(m->out.arg, c->id, &info, now.ns);
}
