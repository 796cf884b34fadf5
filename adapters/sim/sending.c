/*
 * Digits and tones that calls of the model exchange send, and how long that takes; and what their far ends are to do.
 */
#include "adapters/sim/call.h"
#include "adapters/sim/digits.h"

void cf_sim_digits_forget(struct cf_sim_model *m, struct cf_sim_call *c)
{
    if (c->sending == 0)
        return;
    cf_wheel_cancel(&m->wheel, m->settings->calls_max + c->sending);
    m->digits[c->sending].next_free = m->digits_free;
    m->digits_free = c->sending;
    m->digits_count--;
    c->sending = 0;
}

void cf_sim_digits_end(struct cf_sim_model *m, struct cf_sim_call *c, int32_t result)
{
    if (c->sending == 0)
        return;
    uint64_t number = m->digits[c->sending].number;
    cf_sim_digits_forget(m, c);
    m->out.reply(m->out.arg, number, result, c->id, 0);
}

static bool begin(struct cf_sim_model *m, struct cf_sim_call *c, const struct cf_command *command, uint64_t tick)
{
    uint32_t at = m->digits_free;
    if (at != 0)
        m->digits_free = m->digits[at].next_free;
    else if (m->digits_used < CF_SIM_DIGITS_MAX)
        cf_wheel_node_init(&m->digits[at = m->digits_used++].timer);
    else
        return false;
    m->digits_count++;
    m->digits[at].number = command->number;
    m->digits[at].call = cf_sim_call_index(m, c);
    c->sending = at;
    cf_wheel_set(&m->wheel, m->settings->calls_max + at, tick + cf_sim_sending_ms(command));
    return true;
}

void cf_sim_generate(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    bool wrong = command->id == CF_CMD_GENERATE_DIGITS && command->digit_mode != LINEDIGITMODE_DTMF;
    int32_t result = c == NULL                             ? LINEERR_INVALCALLHANDLE
                     : c->state != LINECALLSTATE_CONNECTED ? LINEERR_INVALCALLSTATE
                     : wrong                               ? LINEERR_INVALDIGITMODE
                                                           : 0;
    if (c != NULL)
        cf_sim_digits_end(m, c, LINEERR_OPERATIONFAILED);
    if (result == 0 && cf_sim_sending_ms(command) != 0) {
        if (begin(m, c, command, now.tick))
            return;
        result = LINEERR_RESOURCEUNAVAIL;
    }
    cf_sim_reply(m, command, result, command->call);
}

/* Of a call that the exchange does not know nothing is heard. */
void cf_sim_listen(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    if (c != NULL)
        cf_sim_far_end_command(m->far_ends, &c->far_end, c->state == LINECALLSTATE_CONNECTED, command, now.tick);
    else if (cf_command_wants_reply(command->id))
        cf_sim_reply(m, command, LINEERR_INVALCALLHANDLE, command->call);
}
