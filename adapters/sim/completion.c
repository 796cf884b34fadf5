/*
 * Calls of the model exchange that found nobody, and are called back when the other set is free.
 */
#include "adapters/sim/call.h"

#define AGAIN_MS 1000u /* to the next try, when a call back found no room */

static uint32_t node_of(const struct cf_sim_model *m, const struct cf_sim_completion *w)
{
    return cf_sim_completions_base(m->settings) + (uint32_t)(w - m->completions);
}

static void forget(struct cf_sim_model *m, struct cf_sim_completion *w)
{
    cf_wheel_cancel(&m->wheel, node_of(m, w));
    w->id = 0;
}

/* id 0: one that is free. NULL: there is none. */
static struct cf_sim_completion *find(const struct cf_sim_model *m, uint32_t id)
{
    for (uint32_t i = 0; i < m->settings->completions; i++)
        if (m->completions[i].id == id)
            return &m->completions[i];
    return NULL;
}

/* Not used again before all the others were. */
static uint32_t next_id(struct cf_sim_model *m)
{
    do
        m->completion_id++;
    while (m->completion_id == 0 || find(m, m->completion_id) != NULL);
    return m->completion_id;
}

void cf_sim_complete_call(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    struct cf_sim_completion *w = find(m, 0);
    int32_t error = c == NULL                                                         ? LINEERR_INVALCALLHANDLE
                    : command->mode != LINECALLCOMPLMODE_CALLBACK                     ? LINEERR_INVALCALLCOMPLMODE
                    : (c->state & (LINECALLSTATE_BUSY | LINECALLSTATE_RINGBACK)) == 0 ? LINEERR_INVALCALLSTATE
                    : w == NULL                                                       ? LINEERR_COMPLETIONOVERRUN
                                                                                      : 0;
    if (error != 0) {
        cf_sim_reply(m, command, error, command->call);
        return;
    }
    w->id = next_id(m);
    w->line = c->line;
    w->talk_ms = cf_sim_talk_ms(c);
    cf_wheel_set(&m->wheel, node_of(m, w), now.tick + m->settings->free_ms);
    m->out.reply_completion(m->out.arg, command->number, c->id, w->id);
    cf_sim_call_end(m, c, now.ns);
}

/* By the line that asked for it. */
void cf_sim_uncomplete_call(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_completion *w = command->completion != 0 ? find(m, command->completion) : NULL;
    bool known = w != NULL && w->line == command->line;
    (void)now;
    if (known)
        forget(m, w);
    cf_sim_reply(m, command, known ? 0 : LINEERR_INVALCOMPLETIONID, 0);
}

/* Whoever answers it talks to the other set. */
void cf_sim_completion_expire(struct cf_sim_model *m, uint32_t place, int64_t now_ns)
{
    struct cf_sim_completion *w = &m->completions[place];
    struct cf_sim_call *c =
        cf_sim_taken_begin(m, w->line, LINECALLREASON_CALLCOMPLETION, CF_SIM_PARTY_UNKNOWN, w->talk_ms);
    if (c != NULL)
        m->pasts[cf_sim_call_index(m, c)].completion = w->id;
    if (c != NULL && cf_sim_offer(m, c, now_ns))
        forget(m, w);
    else
        cf_wheel_set(&m->wheel, node_of(m, w), m->wheel.now + AGAIN_MS);
}

bool cf_sim_completions_check(const struct cf_sim_model *m, uint32_t *ret_waiting)
{
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < CF_SIM_COMPLETIONS_MAX; i++) {
        const struct cf_sim_completion *w = &m->completions[i];
        if ((w->id != 0) != (w->timer.due != CF_WHEEL_NEVER) || (w->id != 0 && i >= m->settings->completions))
            return false;
        waiting += w->id != 0;
    }
    *ret_waiting = waiting;
    return true;
}
