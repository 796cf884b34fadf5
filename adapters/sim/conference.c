/*
 * Conferences of the model exchange: a call that stands for one, and the calls that are its members.
 */
#include "adapters/sim/bond.h"

#define ADDABLE (LINECALLSTATE_CONNECTED | LINECALLSTATE_ONHOLD | LINECALLSTATE_PROCEEDING | LINECALLSTATE_RINGBACK)

static bool is_conference(const struct cf_sim_call *c)
{
    return c != NULL && (c->flags & CF_SIM_CONFERENCE) != 0;
}

/* conference_max counts the line's own party. */
static bool full(const struct cf_sim_model *m, const struct cf_sim_call *conference)
{
    return cf_sim_members(m, conference) + 1 >= m->settings->conference_max;
}

static struct cf_sim_call *begin(struct cf_sim_model *m, uint32_t line)
{
    struct cf_sim_call *c = cf_sim_call_begin(m, line);
    if (c != NULL)
        c->flags |= CF_SIM_OUTGOING | CF_SIM_CONFERENCE;
    return c;
}

void cf_sim_conference_of_two(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_call *held,
                              struct cf_sim_call *consultation, struct cf_sim_time now)
{
    struct cf_sim_call *conference = begin(m, held->line);
    if (conference == NULL) {
        cf_sim_reply(m, command, LINEERR_CALLUNAVAIL, command->call);
        return;
    }
    m->counters.conferences++;
    cf_sim_reply(m, command, 0, conference->id);
    cf_sim_talk(m, conference, now.ns);
    cf_sim_join(m, conference, held, now);
    cf_sim_join(m, conference, consultation, now);
}

/* ------------------------------------------------------------------ set up, prepare */

static int32_t setup_refusal(const struct cf_sim_model *m, const struct cf_command *command,
                             const struct cf_sim_call *first)
{
    if (command->call != 0 && (first == NULL || is_conference(first)))
        return LINEERR_INVALCALLHANDLE;
    if (first == NULL && !cf_sim_flag(m, LINEADDRCAPFLAGS_SETUPCONFNULL))
        return LINEERR_OPERATIONUNAVAIL;
    if (first == NULL && command->line >= m->settings->lines)
        return LINEERR_OPERATIONFAILED;
    if (first != NULL && first->state != LINECALLSTATE_CONNECTED)
        return LINEERR_INVALCALLSTATE;
    if (first != NULL && cf_sim_partner(m, first) != NULL)
        return LINEERR_CALLUNAVAIL;
    return command->parties > m->settings->conference_max ? LINEERR_CONFERENCEFULL : 0;
}

void cf_sim_setup_conference(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *first = cf_sim_call_find(m, command->call), *conference = NULL, *consultation = NULL;
    int32_t error = setup_refusal(m, command, first);
    if (error == 0)
        conference = begin(m, first != NULL ? first->line : command->line);
    if (conference != NULL)
        consultation = cf_sim_outgoing_begin(m, conference->line);
    if (consultation == NULL) {
        if (conference != NULL)
            cf_sim_call_forget(m, conference, now.ns);
        cf_sim_reply(m, command, error != 0 ? error : LINEERR_CALLUNAVAIL, command->call);
        return;
    }
    m->counters.conferences++;
    cf_sim_pair(m, conference, consultation);
    m->out.reply(m->out.arg, command->number, 0, conference->id, consultation->id);
    cf_sim_rest(m, conference, LINECALLSTATE_ONHOLDPENDCONF, now.ns);
    cf_sim_dial_tone(m, consultation, now);
    if (first != NULL)
        cf_sim_join(m, conference, first, now);
    if (command->target.bytes != 0)
        cf_sim_dial(m, consultation, command->target, now);
}

static int32_t prepare_refusal(const struct cf_sim_model *m, const struct cf_sim_call *conference)
{
    if (!is_conference(conference))
        return LINEERR_INVALCONFCALLHANDLE;
    if (conference->state != LINECALLSTATE_CONNECTED)
        return LINEERR_INVALCALLSTATE;
    if (cf_sim_partner(m, conference) != NULL)
        return LINEERR_CALLUNAVAIL;
    return full(m, conference) ? LINEERR_CONFERENCEFULL : 0;
}

void cf_sim_prepare_add(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *conference = cf_sim_call_find(m, command->call);
    int32_t error = prepare_refusal(m, conference);
    struct cf_sim_call *consultation = error == 0 ? cf_sim_outgoing_begin(m, conference->line) : NULL;
    if (consultation == NULL) {
        cf_sim_reply(m, command, error != 0 ? error : LINEERR_CALLUNAVAIL, command->call);
        return;
    }
    cf_sim_pair(m, conference, consultation);
    cf_sim_reply(m, command, 0, consultation->id);
    cf_sim_rest(m, conference, LINECALLSTATE_ONHOLDPENDCONF, now.ns);
    cf_sim_dial_tone(m, consultation, now);
    if (command->target.bytes != 0)
        cf_sim_dial(m, consultation, command->target, now);
}

/* ------------------------------------------------------------------ add, remove */

static int32_t add_refusal(const struct cf_sim_model *m, const struct cf_sim_call *conference,
                           const struct cf_sim_call *c)
{
    if (!is_conference(conference))
        return LINEERR_INVALCONFCALLHANDLE;
    if (c == NULL || is_conference(c) || c->line != conference->line || cf_sim_conference_of(m, c) != NULL ||
        (!cf_sim_flag(m, LINEADDRCAPFLAGS_CONFERENCEMAKE) && cf_sim_partner(m, conference) != c))
        return LINEERR_INVALCALLHANDLE;
    if (conference->state != LINECALLSTATE_ONHOLDPENDCONF &&
        (conference->state != LINECALLSTATE_ONHOLD || !cf_sim_flag(m, LINEADDRCAPFLAGS_CONFERENCEHELD)))
        return LINEERR_INVALCALLSTATE;
    if ((c->state & ADDABLE) == 0)
        return LINEERR_INVALCALLSTATE;
    return full(m, conference) ? LINEERR_CONFERENCEFULL : 0;
}

void cf_sim_add_to_conference(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *conference = cf_sim_call_find(m, command->call), *c = cf_sim_call_find(m, command->second);
    int32_t error = add_refusal(m, conference, c);
    cf_sim_reply(m, command, error, command->call);
    if (error != 0)
        return;
    cf_sim_part(m, conference); /* whoever else was being consulted is a call of its own now */
    cf_sim_join(m, conference, c, now);
    cf_sim_talk(m, conference, now.ns);
}

void cf_sim_remove_from_conference(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    const struct cf_sim_settings *s = m->settings;
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    struct cf_sim_call *conference = c == NULL ? NULL : cf_sim_conference_of(m, c);
    int32_t error = c == NULL ? LINEERR_INVALCALLHANDLE : conference == NULL ? LINEERR_INVALCALLSTATE : 0;
    if (error == 0 && s->remove == LINEREMOVEFROMCONF_LAST && cf_sim_member_last(m, conference) != c)
        error = LINEERR_OPERATIONUNAVAIL;
    cf_sim_reply(m, command, error, command->call);
    if (error != 0)
        return;
    if (s->removed_state == LINECALLSTATE_IDLE) {
        cf_sim_call_end(m, c, now.ns);
    } else {
        cf_sim_leave(m, c, s->removed_state, now.ns);
        cf_sim_settle(m, conference, now.ns);
    }
}
