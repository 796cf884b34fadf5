/*
 * Services of the model exchange beside hold, transfer and conference: dialling on a call that has dial tone, security,
 * user-user information, call data, treatment, lineDevSpecific.
 */
#include "adapters/sim/call.h"
#include "adapters/sim/echo.h"

/* ------------------------------------------------------------------ dialling */

/* A number is dialled as a whole: the lines do not wait for the rest of one (LINEADDRCAPFLAGS_PARTIALDIAL). */
void cf_sim_dial_on(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    int32_t error = cf_sim_number_refusal(command, c, LINECALLSTATE_DIALTONE);
    cf_sim_reply(m, command, error, command->call);
    if (error == 0)
        cf_sim_dial(m, c, command->destination, now);
}

/* ------------------------------------------------------------------ security */

/* Nothing disturbs the calls of this exchange: each is secure from the beginning. */
void cf_sim_secure(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    const struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    (void)now;
    int32_t error = c == NULL                        ? LINEERR_INVALCALLHANDLE
                    : c->state == LINECALLSTATE_IDLE ? LINEERR_INVALCALLSTATE
                                                     : 0;
    cf_sim_reply(m, command, error, command->call);
}

/* ------------------------------------------------------------------ what goes along with a call */

static int32_t live_refusal(const struct cf_sim_call *c)
{
    return c == NULL ? LINEERR_INVALCALLHANDLE : c->state == LINECALLSTATE_IDLE ? LINEERR_INVALCALLSTATE : 0;
}

/* The far end takes it, and sends none itself. */
void cf_sim_send_user_user(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    const uint32_t states = CF_SIM_RINGING | LINECALLSTATE_CONNECTED | LINECALLSTATE_RINGBACK;
    const struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    (void)now;
    int32_t error = c == NULL ? LINEERR_INVALCALLHANDLE : (c->state & states) == 0 ? LINEERR_INVALCALLSTATE : 0;
    cf_sim_reply(m, command, error, command->call);
}

/* There is none that has been kept back. */
void cf_sim_release_user_user(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    (void)now;
    cf_sim_reply(m, command, live_refusal(cf_sim_call_find(m, command->call)), command->call);
}

/* What is told before the reply (M-23), which fails when it cannot be told. */
static void change(struct cf_sim_model *m, const struct cf_command *command, int32_t error, const struct cf_sim_info *info,
                   int64_t now_ns)
{
    if (error == 0 && !m->out.info(m->out.arg, command->call, info, now_ns))
        error = LINEERR_RESOURCEUNAVAIL;
    cf_sim_reply(m, command, error, command->call);
}

void cf_sim_set_call_data(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    const struct cf_sim_info info = {LINECALLINFOSTATE_CALLDATA, 0, CF_FIELD_CALL_DATA, command->call_data};
    change(m, command, live_refusal(cf_sim_call_find(m, command->call)), &info, now.ns);
}

void cf_sim_set_treatment(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    const struct cf_sim_info info = {LINECALLINFOSTATE_TREATMENT, command->mode, 0, {NULL, 0}};
    int32_t error = live_refusal(cf_sim_call_find(m, command->call));
    if (error == 0 && (command->mode < LINECALLTREATMENT_SILENCE || command->mode > LINECALLTREATMENT_MUSIC))
        error = LINEERR_INVALPARAM;
    change(m, command, error, &info, now.ns);
}

/* ------------------------------------------------------------------ device specific */

void cf_sim_dev_specific(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    char back[CF_REPLY_TEXT_MAX];
    uint32_t param[3];
    int32_t error = (m->settings->line_features & LINEFEATURE_DEVSPECIFIC) == 0 ? LINEERR_OPERATIONUNAVAIL
                    : command->call != 0                  ? live_refusal(cf_sim_call_find(m, command->call))
                    : command->line >= m->settings->lines ? LINEERR_OPERATIONFAILED
                                                          : 0;
    if (error != 0) {
        cf_sim_reply(m, command, error, command->call);
        return;
    }
    uint32_t bytes = cf_sim_echo(command->dev_specific, back, param);
    m->out.reply_text(m->out.arg, command->number, command->call, command->id, (struct cf_text){back, bytes});
    m->out.dev_specific(m->out.arg, command->call, command->line, param, now.ns);
}
