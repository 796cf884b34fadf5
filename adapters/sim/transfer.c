/*
 * Hold, consultation and transfer of the model exchange.
 *
 * A completed or blind transfer takes both calls off the line: the far ends go on without it, and nothing more is reported of them.
 */
#include "adapters/sim/bond.h"

#define TRANSFERABLE_TO                                                                                                \
    (LINECALLSTATE_CONNECTED | LINECALLSTATE_RINGBACK | LINECALLSTATE_BUSY | LINECALLSTATE_PROCEEDING)

/* ------------------------------------------------------------------ hold */

/* The state is told before the reply (M-23). */
void cf_sim_hold(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    int32_t error = c == NULL                             ? LINEERR_INVALCALLHANDLE
                    : c->state != LINECALLSTATE_CONNECTED ? LINEERR_INVALCALLSTATE
                                                          : 0;
    if (error == 0)
        cf_sim_rest(m, c, LINECALLSTATE_ONHOLD, now.ns);
    cf_sim_reply(m, command, error, command->call);
}

/*
 * Whom a retrieved call waited for is let go. The consultation call itself, which a swap had put on hold, only takes its turn: the
 * first call goes back to where it was.
 */
static void end_consultation(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns)
{
    struct cf_sim_call *partner = cf_sim_partner(m, c);
    if (partner == NULL || (c->state & CF_SIM_PENDING) == 0)
        return;
    if (!cf_sim_consults(m, c)) {
        cf_sim_part(m, c);
        cf_sim_call_end(m, partner, now_ns);
    } else if (partner->state == LINECALLSTATE_CONNECTED) {
        cf_sim_rest(m, partner, c->state, now_ns);
    }
}

void cf_sim_unhold(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    int32_t error = c == NULL ? LINEERR_INVALCALLHANDLE : (c->state & CF_SIM_ON_HOLD) == 0 ? LINEERR_INVALCALLSTATE : 0;
    if (error == 0) {
        end_consultation(m, c, now.ns);
        if ((c->flags & CF_SIM_CONFERENCE) != 0 && cf_sim_members(m, c) == 0)
            cf_sim_call_end(m, c, now.ns); /* nobody is left in it */
        else
            cf_sim_talk(m, c, now.ns);
    }
    cf_sim_reply(m, command, error, command->call);
}

/* Partners exchange their parts, and the one that waits now waits for what the other had waited for. */
void cf_sim_swap_hold(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *active = cf_sim_call_find(m, command->call), *held = cf_sim_call_find(m, command->second);
    int32_t error = 0;
    if (active == NULL || held == NULL || active->line != held->line)
        error = LINEERR_INVALCALLHANDLE;
    else if (active->state != LINECALLSTATE_CONNECTED || (held->state & CF_SIM_ON_HOLD) == 0)
        error = LINEERR_INVALCALLSTATE;
    if (error == 0) {
        cf_sim_rest(m, active, cf_sim_partner(m, active) == held ? held->state : LINECALLSTATE_ONHOLD, now.ns);
        cf_sim_talk(m, held, now.ns);
    }
    cf_sim_reply(m, command, error, command->call);
}

/* ------------------------------------------------------------------ transfer */

static int32_t setup_refusal(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    if (c == NULL)
        return LINEERR_INVALCALLHANDLE;
    if (c->state != LINECALLSTATE_CONNECTED)
        return LINEERR_INVALCALLSTATE;
    if ((c->flags & CF_SIM_CONFERENCE) != 0)
        return LINEERR_OPERATIONUNAVAIL;
    return cf_sim_partner(m, c) != NULL ? LINEERR_CALLUNAVAIL : 0; /* one consultation at a time */
}

void cf_sim_setup_transfer(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    int32_t error = setup_refusal(m, c);
    struct cf_sim_call *consultation = error == 0 ? cf_sim_outgoing_begin(m, c->line) : NULL;
    if (consultation == NULL) {
        cf_sim_reply(m, command, error != 0 ? error : LINEERR_CALLUNAVAIL, command->call);
        return;
    }
    cf_sim_pair(m, c, consultation);
    cf_sim_reply(m, command, 0, consultation->id);
    cf_sim_rest(m, c, LINECALLSTATE_ONHOLDPENDTRANSFER, now.ns);
    cf_sim_dial_tone(m, consultation, now);
    if (command->target.bytes != 0)
        cf_sim_dial(m, consultation, command->target, now);
}

static int32_t complete_refusal(const struct cf_sim_model *m, const struct cf_command *command,
                                const struct cf_sim_call *held, const struct cf_sim_call *consultation)
{
    bool conference = command->transfer_mode == LINETRANSFERMODE_CONFERENCE;
    if (held == NULL)
        return LINEERR_INVALCALLHANDLE;
    if (consultation == NULL || consultation == held || consultation->line != held->line ||
        (!cf_sim_flag(m, LINEADDRCAPFLAGS_TRANSFERMAKE) && cf_sim_partner(m, held) != consultation))
        return LINEERR_INVALCONSULTCALLHANDLE;
    if (!conference && command->transfer_mode != LINETRANSFERMODE_TRANSFER)
        return LINEERR_INVALTRANSFERMODE;
    if (held->state != LINECALLSTATE_ONHOLDPENDTRANSFER &&
        (held->state != LINECALLSTATE_ONHOLD || !cf_sim_flag(m, LINEADDRCAPFLAGS_TRANSFERHELD)))
        return LINEERR_INVALCALLSTATE;
    if ((consultation->state & TRANSFERABLE_TO) == 0 || (conference && consultation->state == LINECALLSTATE_BUSY))
        return LINEERR_INVALCALLSTATE;
    if ((m->settings->transfer_modes & command->transfer_mode) == 0 ||
        ((held->flags | consultation->flags) & CF_SIM_CONFERENCE) != 0)
        return LINEERR_OPERATIONUNAVAIL;
    return 0;
}

void cf_sim_complete_transfer(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *held = cf_sim_call_find(m, command->call);
    struct cf_sim_call *consultation = cf_sim_call_find(m, command->second);
    int32_t error = complete_refusal(m, command, held, consultation);
    if (error != 0) {
        cf_sim_reply(m, command, error, command->call);
    } else if (command->transfer_mode == LINETRANSFERMODE_CONFERENCE) {
        cf_sim_conference_of_two(m, command, held, consultation, now);
    } else {
        cf_sim_part(m, held);
        cf_sim_part(m, consultation);
        cf_sim_reply(m, command, 0, held->id);
        cf_sim_call_end(m, held, now.ns);
        cf_sim_call_end(m, consultation, now.ns);
    }
}

/* What a blind transfer, or a redirection, to a number that turns out so is answered with. Whoever rings there rings on without this line. */
static const int32_t sent_on_results[] = {
    [CF_SIM_ANSWER] = 0,
    [CF_SIM_BUSY] = LINEERR_OPERATIONFAILED,
    [CF_SIM_NO_ANSWER] = 0,
    [CF_SIM_ABANDON] = 0,
    [CF_SIM_REJECT] = LINEERR_OPERATIONFAILED,
    [CF_SIM_BAD_ADDRESS] = LINEERR_INVALADDRESS,
    [CF_SIM_UNREACHABLE] = LINEERR_OPERATIONFAILED,
    [CF_SIM_CONGESTION] = LINEERR_RESOURCEUNAVAIL,
    [CF_SIM_BLOCKED] = LINEERR_ADDRESSBLOCKED,
};
_Static_assert(sizeof sent_on_results / sizeof sent_on_results[0] == CF_SIM_OUTCOMES, "a result for each outcome");

int32_t cf_sim_number_refusal(const struct cf_command *command, const struct cf_sim_call *c, uint32_t state)
{
    if (c == NULL)
        return LINEERR_INVALCALLHANDLE;
    if (command->destination.bytes == 0)
        return LINEERR_INVALADDRESS;
    if (command->country > CF_SIM_COUNTRY_MAX)
        return LINEERR_INVALCOUNTRYCODE;
    return c->state != state ? LINEERR_INVALCALLSTATE : 0;
}

/* The other party of a call in that state goes to a number, and this line is out of it. */
static void send_on(struct cf_sim_model *m, const struct cf_command *command, uint32_t state, struct cf_sim_time now)
{
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    int32_t error = cf_sim_number_refusal(command, c, state);
    if (error == 0 && (c->flags & CF_SIM_CONFERENCE) != 0)
        error = LINEERR_OPERATIONUNAVAIL;
    if (error == 0)
        error = sent_on_results[cf_sim_dialled(m->settings, command->destination, CF_SIM_ANSWER)];
    cf_sim_reply(m, command, error, command->call);
    if (error == 0)
        cf_sim_call_end(m, c, now.ns);
}

void cf_sim_blind_transfer(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    send_on(m, command, LINECALLSTATE_CONNECTED, now);
}

void cf_sim_redirect(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    send_on(m, command, LINECALLSTATE_OFFERING, now);
}
