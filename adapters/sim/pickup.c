/*
 * Calls of the model exchange that ring on one line and are taken by another. All lines are one group.
 */
#include <string.h>

#include "adapters/sim/call.h"

/* The one that has rung longest on that line, or (line CF_SIM_NOBODY) on any but the asker's. The calls are gone through, since this is rare. */
static struct cf_sim_call *longest_ringing(const struct cf_sim_model *m, uint32_t line, uint32_t asker)
{
    struct cf_sim_call *found = NULL;
    for (uint32_t i = 0; i < m->used; i++) {
        struct cf_sim_call *c = &m->calls[i];
        bool wanted = line != CF_SIM_NOBODY ? c->line == line : c->line != asker;
        if (c->id != 0 && (c->state & CF_SIM_RINGING) != 0 && wanted && (found == NULL || c->serial < found->serial))
            found = c;
    }
    return found;
}

static bool is_group(const struct cf_sim_settings *s, struct cf_text group)
{
    return group.bytes == strlen(s->pickup_group) && memcmp(group.at, s->pickup_group, group.bytes) == 0;
}

/* 0, or why there is no call to be taken. */
static int32_t find(const struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_call **ret_call)
{
    bool of_address = command->destination.bytes != 0, of_group = command->group.bytes != 0;
    if (command->line >= m->settings->lines)
        return LINEERR_OPERATIONFAILED;
    if (of_group && !is_group(m->settings, command->group))
        return LINEERR_INVALGROUPID;
    uint32_t line = of_address ? cf_sim_line_of(m, command->destination) : CF_SIM_NOBODY;
    if (of_address && line == CF_SIM_NOBODY)
        return LINEERR_INVALADDRESS;
    *ret_call = longest_ringing(m, line, command->line);
    if (*ret_call != NULL)
        return 0;
    return of_address ? LINEERR_INVALADDRESS : of_group ? LINEERR_INVALGROUPID : LINEERR_OPERATIONFAILED;
}

void cf_sim_pickup(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *ringing = NULL, *c = NULL;
    int32_t error = find(m, command, &ringing);
    if (error == 0)
        c = cf_sim_taken_begin(m, command->line, LINECALLREASON_PICKUP, cf_sim_party(m, ringing),
                               cf_sim_talk_ms(ringing));
    if (c == NULL) {
        cf_sim_reply(m, command, error != 0 ? error : LINEERR_CALLUNAVAIL, 0);
        return;
    }
    cf_sim_taken_connect(m, command, c, now);
    cf_sim_call_report(m, ringing, (struct cf_sim_step){LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_PICKUP}, now.ns);
    cf_sim_call_go_on(m, ringing, now.tick, now.ns);
}
