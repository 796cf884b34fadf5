/* The commands of the core, and how those of ours ended in the modem. See internal.h. */
#include <stdio.h>
#include <string.h>

#include "adapters/modem/cause.h"
#include "adapters/modem/internal.h"

static void refuse(struct cf_modem *m, uint64_t number, int32_t result, uint64_t user)
{
    m->counters.refused++;
    m->callbacks.reply(m->callbacks.context, number, result, user);
}

static bool refuse_null(struct cf_modem *m, struct cf_modem_call *call, uint64_t number, int64_t now)
{
    m->now = m->chat.now = now;
    if (call == NULL)
        refuse(m, number, LINEERR_INVALCALLSTATE, 0);
    return call == NULL;
}

/* ------------------------------------------------------------------ dialling */

/* Takes what a modem may dial, leaves out what only people write. False: something else is in it, or nothing, or too much. */
static bool dialable(const char *text, uint32_t len, char *to, uint32_t bytes)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < len; i++) {
        if (memchr(" -().", text[i], 5) != NULL)
            continue;
        const char *plain = memchr("0123456789*#+ABCDabcd,WwPpTt!", text[i], 29);
        if (plain == NULL || n + 1 >= bytes)
            return false;
        to[n++] = text[i];
    }
    to[n] = '\0';
    return n > 0;
}

static bool wants_voice(const struct cf_modem *m, uint32_t media_modes)
{
    if ((media_modes & (LINEMEDIAMODE_INTERACTIVEVOICE | LINEMEDIAMODE_AUTOMATEDVOICE)) != 0)
        return true;
    return (media_modes & (LINEMEDIAMODE_DATAMODEM | LINEMEDIAMODE_DIGITALDATA)) == 0 && m->config.voice;
}

/* 0 or why the line cannot make a call now: a call that is not on hold is in the way. */
static int32_t may_dial(const struct cf_modem *m)
{
    uint32_t held = 0;
    if (!m->service || m->chat.state != CF_CHAT_READY)
        return LINEERR_RESOURCEUNAVAIL;
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        held += m->calls[i].phase == CF_MODEM_UP && m->calls[i].state == LINECALLSTATE_ONHOLD;
    if (cf_modem_live(m) != held || (held != 0 && !m->config.profile->holds) || held > 1)
        return LINEERR_CALLUNAVAIL;
    return 0;
}

void cf_modem_make_call(struct cf_modem *m, uint64_t number, const char *destination, uint32_t len,
                        uint32_t media_modes, int64_t now)
{
    char digits[CF_MODEM_NUMBER_MAX];
    struct cf_chat_command command = {.kind = CF_CHAT_DIAL};
    m->now = m->chat.now = now;
    if (!dialable(destination, len, digits, sizeof(digits))) {
        refuse(m, number, LINEERR_INVALADDRESS, 0);
        return;
    }
    const int32_t obstacle = may_dial(m);
    struct cf_modem_call *call = obstacle == 0 ? cf_modem_call_begin(m, CF_MODEM_DIALLING, false) : NULL;
    if (call == NULL) {
        refuse(m, number, obstacle != 0 ? obstacle : LINEERR_CALLUNAVAIL, 0);
        return;
    }
    call->data = !wants_voice(m, media_modes);
    call->bearer_known = true;
    call->make = (struct cf_modem_order){true, number};
    snprintf(call->number, sizeof(call->number), "%s", digits);
    snprintf(command.text, sizeof(command.text), "ATD%s%s", digits, call->data ? "" : ";");
    command.serial = call->serial;
    command.data = call->data;
    if (cf_chat_send(&m->chat, &command, false))
        return;
    call->phase = CF_MODEM_FREE;
    refuse(m, number, LINEERR_RESOURCEUNAVAIL, 0);
}

/* lineMakeCall has succeeded: the call is the core's from now on. False: no name is left for it. */
static bool dial_succeeded(struct cf_modem *m, struct cf_modem_call *call)
{
    if (!call->make.waits)
        return true;
    call->user = m->callbacks.dialled(m->callbacks.context, call);
    if (call->user == 0) {
        cf_modem_order_reply(m, &call->make, LINEERR_RESOURCEUNAVAIL, 0);
        return false;
    }
    m->counters.dialled++;
    cf_modem_order_reply(m, &call->make, 0, call->user);
    cf_modem_call_tell(m, call, LINECALLSTATE_DIALING, 0);
    return true;
}

int64_t cf_modem_dial_tick(struct cf_modem *m, struct cf_modem_call *call)
{
    if (!call->make.waits || !cf_chat_in_modem(&m->chat, CF_CHAT_DIAL, call->serial))
        return CF_CHAT_NEVER;
    const int64_t due = m->chat.sent + m->config.reply_ns;
    if (m->now < due)
        return due;
    if (!dial_succeeded(m, call)) {
        call->dropping = true;
        cf_chat_abort(&m->chat);
    }
    return CF_CHAT_NEVER;
}

/* What LINEERR_ an error of ATD is: 27.007 9.2. */
static int32_t error_of(const struct cf_at_line *line)
{
    struct cf_at_fields fields;
    if (line == NULL || line->result != CF_AT_CME_ERROR)
        return LINEERR_OPERATIONFAILED;
    cf_at_split(line->rest, line->rest_len, &fields);
    switch (cf_at_number(&fields, 0)) {
    case 3: /* operation not allowed */
    case 4: /* not supported */
        return LINEERR_OPERATIONUNAVAIL;
    case 26: /* dial string too long */
    case 27: /* invalid characters in it */
        return LINEERR_INVALADDRESS;
    case 30: /* no network service */
    case 31: /* network time-out */
        return LINEERR_RESOURCEUNAVAIL;
    default:
        return LINEERR_OPERATIONFAILED;
    }
}

static void connected(struct cf_modem *m, struct cf_modem_call *call, const struct cf_at_line *line)
{
    cf_modem_call_up(m, call);
    if (line != NULL && line->result == CF_AT_CONNECT && line->rest_len > 0 && call->user != 0)
        m->callbacks.info(m->callbacks.context, call, LINECALLINFOSTATE_RATE);
}

static void dial_obeyed(struct cf_modem *m, struct cf_modem_call *call, enum cf_at_result result,
                        const struct cf_at_line *line)
{
    const bool known = dial_succeeded(m, call);
    call->phase = CF_MODEM_CALLING;
    if (known && result == CF_AT_OK && call->state == LINECALLSTATE_DIALING)
        cf_modem_call_tell(m, call, LINECALLSTATE_PROCEEDING, 0);
    if (result == CF_AT_CONNECT)
        connected(m, call, line);
    if (!known || call->dropping)
        cf_modem_call_hang_up(m, call);
    else
        cf_modem_poll(m);
}

static void dial_failed(struct cf_modem *m, struct cf_modem_call *call, enum cf_at_result result,
                        const struct cf_at_line *line)
{
    if (call->make.waits && (result == CF_AT_ERROR || result == CF_AT_CME_ERROR || result == CF_AT_TIMEOUT)) {
        cf_modem_order_reply(m, &call->make, error_of(line), 0); /* there never was a call */
        call->phase = CF_MODEM_FREE;
        return;
    }
    if (!dial_succeeded(m, call)) {
        call->phase = CF_MODEM_FREE;
        return;
    }
    cf_modem_call_lost(m, call, result);
}

static void dial_ended(struct cf_modem *m, struct cf_modem_call *call, enum cf_at_result result,
                       const struct cf_at_line *line)
{
    if (result == CF_AT_OK || result == CF_AT_CONNECT)
        dial_obeyed(m, call, result, line);
    else
        dial_failed(m, call, result, line);
}

/* ------------------------------------------------------------------ answering */

void cf_modem_accept(struct cf_modem *m, struct cf_modem_call *call, uint64_t number, int64_t now)
{
    if (refuse_null(m, call, number, now))
        return;
    if (call->phase != CF_MODEM_RINGING || call->state != LINECALLSTATE_OFFERING || call->dropping) {
        refuse(m, number, LINEERR_INVALCALLSTATE, call->user);
        return;
    }
    m->callbacks.reply(m->callbacks.context, number, 0, call->user);
    cf_modem_call_tell(m, call, LINECALLSTATE_ACCEPTED, 0); /* a modem cannot say so to the network */
}

static bool send_holding(struct cf_modem *m, struct cf_modem_call *call, enum cf_modem_holding what, const char *text)
{
    struct cf_chat_command command = {.kind = CF_CHAT_HOLDING, .serial = call->serial};
    snprintf(command.text, sizeof(command.text), "%s", text);
    if (m->holding.busy || !cf_chat_send(&m->chat, &command, false))
        return false;
    m->holding.busy = true;
    m->holding.what = what;
    m->holding.serial = call->serial;
    m->holding.order = (struct cf_modem_order){false, 0};
    return true;
}

/* ATA for the only call; a second one is taken with +CHLD, which holds or releases the first. */
static bool send_answer(struct cf_modem *m, struct cf_modem_call *call)
{
    struct cf_chat_command command = {
        .kind = CF_CHAT_ANSWER, .serial = call->serial, .data = call->data, .text = "ATA"};
    if (cf_modem_live(m) == 1)
        return cf_chat_send(&m->chat, &command, false);
    if (!m->config.profile->holds)
        return false;
    if (m->config.waiting_releases)
        return send_holding(m, call, CF_MODEM_TAKE_WAITING_RELEASE, "AT+CHLD=1");
    return send_holding(m, call, CF_MODEM_TAKE_WAITING, "AT+CHLD=2");
}

void cf_modem_answer(struct cf_modem *m, struct cf_modem_call *call, uint64_t number, int64_t now)
{
    if (refuse_null(m, call, number, now))
        return;
    if (call->phase != CF_MODEM_RINGING || call->answering || call->dropping) {
        refuse(m, number, LINEERR_INVALCALLSTATE, call->user);
        return;
    }
    if (m->chat.state != CF_CHAT_READY || !send_answer(m, call)) {
        refuse(m, number, LINEERR_RESOURCEUNAVAIL, call->user);
        return;
    }
    call->answering = true;
    call->answer = (struct cf_modem_order){true, number};
}

static void answered(struct cf_modem *m, struct cf_modem_call *call, const struct cf_at_line *line)
{
    call->answering = false;
    m->quiet_rings = m->now + m->config.late_ns; /* a RING that crossed it */
    cf_modem_order_reply(m, &call->answer, 0, call->user);
    connected(m, call, line);
    if (call->dropping)
        cf_modem_call_hang_up(m, call);
    else
        cf_modem_poll(m);
}

static void answer_failed(struct cf_modem *m, struct cf_modem_call *call, enum cf_at_result result)
{
    call->answering = false;
    cf_modem_order_reply(m, &call->answer, LINEERR_OPERATIONFAILED, call->user);
    if (result != CF_AT_ERROR && result != CF_AT_CME_ERROR && result != CF_AT_TIMEOUT) {
        cf_modem_call_lost(m, call, result); /* the caller was quicker */
        return;
    }
    if (call->ring_due != CF_CHAT_NEVER || !m->config.profile->lists)
        call->ring_due = m->now + m->config.ring_ns; /* if it still rings we shall hear it */
    if (call->dropping)
        cf_modem_call_hang_up(m, call);
    else
        cf_modem_poll(m);
}

static void answer_ended(struct cf_modem *m, struct cf_modem_call *call, enum cf_at_result result,
                         const struct cf_at_line *line)
{
    if (result == CF_AT_OK || result == CF_AT_CONNECT)
        answered(m, call, line);
    else
        answer_failed(m, call, result);
}

/* ------------------------------------------------------------------ dropping */

/* Ends it in the modem, by whatever it takes in its phase. */
static void take_down(struct cf_modem *m, struct cf_modem_call *call)
{
    if (call->phase == CF_MODEM_ASKING || call->phase == CF_MODEM_OVER) {
        cf_modem_call_idle(m, call);
    } else if (call->dropping) {
        return;
    } else if (cf_chat_cancel(&m->chat, CF_CHAT_DIAL, call->serial)) { /* the modem never heard of it */
        cf_modem_call_idle(m, call);
    } else if (call->phase == CF_MODEM_DIALLING || cf_chat_in_modem(&m->chat, CF_CHAT_ANSWER, call->serial)) {
        call->dropping = true;
        cf_chat_abort(&m->chat);
    } else if (call->answering && m->holding.busy && !cf_chat_cancel(&m->chat, CF_CHAT_HOLDING, call->serial)) {
        call->dropping = true; /* +CHLD cannot be broken off; then hang up */
    } else {
        if (call->answering) {
            cf_chat_cancel(&m->chat, CF_CHAT_ANSWER, call->serial);
            m->holding.busy = m->holding.busy && m->holding.serial != call->serial;
            call->answering = false;
            cf_modem_order_reply(m, &call->answer, LINEERR_OPERATIONFAILED, call->user);
        }
        cf_modem_call_hang_up(m, call);
    }
}

void cf_modem_drop(struct cf_modem *m, struct cf_modem_call *call, uint64_t number, int64_t now)
{
    if (refuse_null(m, call, number, now))
        return;
    if (call->drop.waits) { /* the core's own drop after the application's */
        m->callbacks.reply(m->callbacks.context, number, 0, call->user);
        return;
    }
    call->drop = (struct cf_modem_order){true, number};
    take_down(m, call);
}

void cf_modem_forget(struct cf_modem *m, struct cf_modem_call *call, int64_t now)
{
    m->now = m->chat.now = now;
    if (call == NULL)
        return;
    cf_modem_order_reply(m, &call->answer, LINEERR_OPERATIONFAILED, 0);
    cf_modem_order_reply(m, &call->drop, 0, 0);
    cf_modem_order_reply(m, &call->digits, LINEERR_OPERATIONFAILED, 0);
    call->user = 0;
    call->try_again = false;
    take_down(m, call);
}

void cf_modem_void_orders(struct cf_modem *m, int64_t now)
{
    m->now = m->chat.now = now;
    m->holding.order.waits = false;
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        struct cf_modem_call *call = &m->calls[i];
        const bool unborn = call->make.waits;
        call->make.waits = call->answer.waits = call->drop.waits = call->digits.waits = false;
        if (unborn)
            take_down(m, call); /* nobody knows of it */
    }
}

void cf_modem_hang_up_all(struct cf_modem *m, int64_t now)
{
    m->now = m->chat.now = now;
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        if (m->calls[i].phase != CF_MODEM_FREE)
            take_down(m, &m->calls[i]);
}

static void hang_up_ended(struct cf_modem *m, struct cf_modem_call *call, enum cf_at_result result)
{
    if (result == CF_AT_OK || (result == CF_AT_TIMEOUT && !m->config.profile->lists))
        cf_modem_call_dropped(m, call);
    else
        cf_modem_call_hang_up(m, call); /* another way, a few times */
}

/* ------------------------------------------------------------------ hold */

void cf_modem_hold(struct cf_modem *m, struct cf_modem_call *call, uint64_t number, bool hold, int64_t now)
{
    if (refuse_null(m, call, number, now))
        return;
    int32_t wrong = 0;
    if (!m->config.profile->holds)
        wrong = LINEERR_OPERATIONUNAVAIL;
    else if (call->phase != CF_MODEM_UP || call->dropping || call->data ||
             call->state != (hold ? (uint32_t)LINECALLSTATE_CONNECTED : (uint32_t)LINECALLSTATE_ONHOLD))
        wrong = LINEERR_INVALCALLSTATE;
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX && wrong == 0; i++)
        if (m->calls[i].phase == CF_MODEM_RINGING || m->calls[i].phase == CF_MODEM_DIALLING)
            wrong = LINEERR_RESOURCEUNAVAIL; /* +CHLD=2 would take the waiting call */
    if (wrong == 0 && !send_holding(m, call, hold ? CF_MODEM_HOLD : CF_MODEM_UNHOLD, "AT+CHLD=2"))
        wrong = LINEERR_RESOURCEUNAVAIL;
    if (wrong != 0)
        refuse(m, number, wrong, call->user);
    else
        m->holding.order = (struct cf_modem_order){true, number};
}

/* +CHLD=2 puts the active calls on hold and takes the others up. */
static void swap(struct cf_modem *m)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        struct cf_modem_call *call = &m->calls[i];
        if (call->phase != CF_MODEM_UP)
            continue;
        if (call->state == LINECALLSTATE_ONHOLD)
            cf_modem_call_up(m, call);
        else
            cf_modem_call_held(m, call);
    }
}

static void hold_active(struct cf_modem *m)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        if (m->calls[i].phase == CF_MODEM_UP)
            cf_modem_call_held(m, &m->calls[i]);
}

static void release_active(struct cf_modem *m)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        struct cf_modem_call *call = &m->calls[i];
        if (call->phase == CF_MODEM_UP && call->state != LINECALLSTATE_ONHOLD)
            cf_modem_call_end(m, call, LINEDISCONNECTMODE_NORMAL, "AT+CHLD=1");
    }
}

static void holding_ended(struct cf_modem *m, struct cf_modem_call *call, enum cf_at_result result)
{
    const enum cf_modem_holding what = m->holding.what;
    const bool takes = what == CF_MODEM_TAKE_WAITING || what == CF_MODEM_TAKE_WAITING_RELEASE;
    m->holding.busy = false;
    cf_modem_order_reply(m, &m->holding.order, result == CF_AT_OK ? 0 : LINEERR_OPERATIONFAILED,
                         call != NULL ? call->user : 0);
    if (result == CF_AT_OK && what == CF_MODEM_TAKE_WAITING_RELEASE)
        release_active(m);
    else if (result == CF_AT_OK && takes)
        hold_active(m);
    else if (result == CF_AT_OK)
        swap(m);
    if (takes && call != NULL && call->answering)
        answer_ended(m, call, result, NULL);
    cf_modem_poll(m);
}

/* ------------------------------------------------------------------ digits */

static void send_digit(struct cf_modem *m, struct cf_modem_call *call)
{
    struct cf_chat_command command = {.kind = CF_CHAT_DIGIT, .serial = call->serial};
    if (call->to_send[call->sent] == '\0') {
        cf_modem_order_reply(m, &call->digits, 0, call->user);
        return;
    }
    snprintf(command.text, sizeof(command.text), "AT+VTS=%c", call->to_send[call->sent]);
    if (cf_chat_send(&m->chat, &command, false))
        call->sent++;
    else
        cf_modem_order_reply(m, &call->digits, LINEERR_OPERATIONFAILED, call->user);
}

static bool digits_are_good(const char *digits, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (memchr("0123456789*#ABCDabcd", digits[i], 20) == NULL)
            return false;
    return len <= CF_MODEM_DIGITS_MAX;
}

void cf_modem_digits(struct cf_modem *m, struct cf_modem_call *call, uint64_t number, uint32_t digit_mode,
                     const char *digits, uint32_t len, int64_t now)
{
    if (refuse_null(m, call, number, now))
        return;
    int32_t wrong = 0;
    if ((m->config.profile->call_features & LINECALLFEATURE_GENERATEDIGITS) == 0)
        wrong = LINEERR_OPERATIONUNAVAIL;
    else if (call->phase != CF_MODEM_UP || call->state != LINECALLSTATE_CONNECTED || call->dropping)
        wrong = LINEERR_INVALCALLSTATE;
    else if (len > 0 && digit_mode != LINEDIGITMODE_DTMF)
        wrong = LINEERR_INVALDIGITMODE;
    else if (!digits_are_good(digits, len))
        wrong = LINEERR_INVALDIGITS;
    if (wrong != 0) {
        refuse(m, number, wrong, call->user);
        return;
    }
    const bool running = cf_chat_in_modem(&m->chat, CF_CHAT_DIGIT, call->serial);
    cf_chat_cancel(&m->chat, CF_CHAT_DIGIT, call->serial);
    cf_modem_order_reply(m, &call->digits, LINEERR_OPERATIONFAILED, call->user); /* the new ones stop the old ones */
    if (len > 0)
        memcpy(call->to_send, digits, len);
    call->to_send[len] = '\0';
    call->sent = 0;
    call->digits = (struct cf_modem_order){true, number};
    if (!running || len == 0) /* else its result sends the first of these */
        send_digit(m, call);
}

static void digit_ended(struct cf_modem *m, struct cf_modem_call *call, enum cf_at_result result)
{
    m->counters.digits += result == CF_AT_OK;
    if (!call->digits.waits)
        return;
    if (result == CF_AT_OK)
        send_digit(m, call);
    else
        cf_modem_order_reply(m, &call->digits, LINEERR_OPERATIONFAILED, call->user);
}

/* ------------------------------------------------------------------ what became of a command in the modem */

void cf_modem_command_ended(struct cf_modem *m, const struct cf_chat_command *command, enum cf_at_result result,
                            const struct cf_at_line *line)
{
    struct cf_modem_call *call = command->serial != 0 ? cf_modem_find(m, command->serial) : NULL;
    if (command->kind == CF_CHAT_HOLDING) {
        holding_ended(m, call, result);
        return;
    }
    if (call == NULL) /* over since */
        return;
    switch (command->kind) {
    case CF_CHAT_DIAL:
        if (call->phase == CF_MODEM_DIALLING)
            dial_ended(m, call, result, line);
        break;
    case CF_CHAT_ANSWER:
        if (call->answering)
            answer_ended(m, call, result, line);
        break;
    case CF_CHAT_HANG_UP:
        if (cf_modem_call_is_live(call) && call->dropping)
            hang_up_ended(m, call, result);
        break;
    case CF_CHAT_WHY:
        if (call->phase == CF_MODEM_ASKING)
            cf_modem_call_explained(m, call);
        break;
    case CF_CHAT_DIGIT:
        digit_ended(m, call, result);
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------------ calls that nobody hears of */

void cf_modem_refused(struct cf_modem *m, struct cf_modem_call *call, bool again)
{
    if (call == NULL)
        return;
    m->counters.unheard++;
    call->user = 0;
    call->try_again = again;
}

void cf_modem_offer_unheard(struct cf_modem *m, int64_t now)
{
    m->now = m->chat.now = now;
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        struct cf_modem_call *call = &m->calls[i];
        if (cf_modem_call_is_live(call) && call->user == 0 && !call->make.waits && !call->dropping &&
            call->phase != CF_MODEM_DIALLING)
            cf_modem_call_announce(m, call, call->state, call->mode);
    }
}
