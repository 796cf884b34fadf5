/*
 * Calls that applications make: dial tone, dialling, and how each number turns out.
 */
#include <string.h>

#include "adapters/sim/call.h"

enum cf_sim_outcome cf_sim_dialled(const struct cf_sim_settings *s, struct cf_text number, enum cf_sim_outcome drawn)
{
    for (uint32_t i = 0; i < s->dial_count; i++) {
        size_t n = strlen(s->dial[i].prefix);
        if (n <= number.bytes && memcmp(s->dial[i].prefix, number.at, n) == 0)
            return s->dial[i].outcome;
    }
    return drawn == CF_SIM_ABANDON ? CF_SIM_ANSWER : drawn;
}

struct cf_sim_call *cf_sim_outgoing_begin(struct cf_sim_model *m, uint32_t line)
{
    struct cf_sim_call *c = cf_sim_call_begin(m, line);
    if (c == NULL)
        return NULL;
    c->flags |= CF_SIM_OUTGOING;
    cf_sim_call_draw(m, &m->dialling, c);
    c->give_up_ms = m->settings->no_answer_ms;
    m->counters.dialled++;
    return c;
}

void cf_sim_dial(struct cf_sim_model *m, struct cf_sim_call *c, struct cf_text number, struct cf_sim_time now)
{
    c->outcome = (uint8_t)cf_sim_dialled(m->settings, number, (enum cf_sim_outcome)c->outcome);
    cf_sim_call_report(m, c, (struct cf_sim_step){LINECALLSTATE_DIALING, 0}, now.ns);
    cf_sim_call_go_on(m, c, now.tick, now.ns);
}

void cf_sim_dial_tone(struct cf_sim_model *m, struct cf_sim_call *c, struct cf_sim_time now)
{
    cf_sim_call_report(m, c, (struct cf_sim_step){LINECALLSTATE_DIALTONE, LINEDIALTONEMODE_NORMAL}, now.ns);
    cf_sim_call_go_on(m, c, now.tick, now.ns);
}

void cf_sim_make_call(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    bool dialled = command->destination.bytes != 0;
    if (command->line >= m->settings->lines || (!dialled && (m->settings->call_features & LINECALLFEATURE_DIAL) == 0)) {
        cf_sim_reply(m, command, dialled ? LINEERR_OPERATIONFAILED : LINEERR_INVALADDRESS, 0);
        return;
    }
    struct cf_sim_call *c = cf_sim_outgoing_begin(m, command->line);
    if (c == NULL) {
        cf_sim_reply(m, command, LINEERR_CALLUNAVAIL, 0);
        return;
    }
    cf_sim_reply(m, command, 0, c->id);
    if (dialled)
        cf_sim_dial(m, c, command->destination, now);
    else
        cf_sim_dial_tone(m, c, now); /* until somebody dials */
}
