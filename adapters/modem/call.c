/* The life of a call record. See internal.h. */
#include <stdio.h>
#include <string.h>

#include "adapters/modem/cause.h"
#include "adapters/modem/internal.h"

enum { HANG_UPS_MAX = 3 };

bool cf_modem_call_is_live(const struct cf_modem_call *call)
{
    return call->phase >= CF_MODEM_RINGING && call->phase <= CF_MODEM_UP;
}

uint32_t cf_modem_live(const struct cf_modem *m)
{
    uint32_t live = 0;
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        live += cf_modem_call_is_live(&m->calls[i]);
    return live;
}

struct cf_modem_call *cf_modem_find(struct cf_modem *m, uint32_t serial)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        if (m->calls[i].phase != CF_MODEM_FREE && m->calls[i].serial == serial)
            return &m->calls[i];
    return NULL;
}

struct cf_modem_call *cf_modem_call_begin(struct cf_modem *m, enum cf_modem_phase phase, bool incoming)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        struct cf_modem_call *call = &m->calls[i];
        if (call->phase != CF_MODEM_FREE)
            continue;
        if (++m->serials == 0)
            m->serials = 1;
        *call = (struct cf_modem_call){.phase = phase,
                                       .serial = m->serials,
                                       .incoming = incoming,
                                       .born = m->chat.sends,
                                       .ring_due = CF_CHAT_NEVER,
                                       .over_due = CF_CHAT_NEVER};
        return call;
    }
    m->counters.no_call++;
    return NULL;
}

void cf_modem_call_announce(struct cf_modem *m, struct cf_modem_call *call, uint32_t state, uint32_t mode)
{
    call->state = state;
    call->mode = mode;
    call->user = m->callbacks.offer(m->callbacks.context, call);
    call->try_again = call->user == 0;
    m->counters.unheard += call->user == 0;
}

static void tell_with(struct cf_modem *m, struct cf_modem_call *call, uint32_t state, uint32_t mode, const char *cause)
{
    if (call->state == state && call->mode == mode)
        return;
    call->state = state;
    call->mode = mode;
    if (call->user != 0)
        m->callbacks.state(m->callbacks.context, call, cause);
}

void cf_modem_call_tell(struct cf_modem *m, struct cf_modem_call *call, uint32_t state, uint32_t mode)
{
    tell_with(m, call, state, mode, NULL);
}

void cf_modem_call_up(struct cf_modem *m, struct cf_modem_call *call)
{
    m->counters.answered += !call->connected;
    call->phase = CF_MODEM_UP;
    call->connected = true;
    call->waiting = false;
    call->ring_due = CF_CHAT_NEVER;
    cf_modem_call_tell(m, call, LINECALLSTATE_CONNECTED,
                       call->remote_held ? LINECONNECTEDMODE_ACTIVEHELD : LINECONNECTEDMODE_ACTIVE);
}

void cf_modem_call_held(struct cf_modem *m, struct cf_modem_call *call)
{
    call->phase = CF_MODEM_UP;
    call->connected = true;
    call->waiting = false;
    call->ring_due = CF_CHAT_NEVER;
    cf_modem_call_tell(m, call, LINECALLSTATE_ONHOLD, 0);
}

/* ------------------------------------------------------------------ replies */

void cf_modem_order_reply(struct cf_modem *m, struct cf_modem_order *order, int32_t result, uint64_t user)
{
    if (!order->waits)
        return;
    order->waits = false;
    m->callbacks.reply(m->callbacks.context, order->number, result, user);
}

/* Nothing can be done for it any more. That it is over is what a drop wanted. */
static void reply_all(struct cf_modem *m, struct cf_modem_call *call)
{
    cf_modem_order_reply(m, &call->make, LINEERR_OPERATIONFAILED, 0);
    cf_modem_order_reply(m, &call->answer, LINEERR_OPERATIONFAILED, call->user);
    cf_modem_order_reply(m, &call->digits, LINEERR_OPERATIONFAILED, call->user);
    cf_modem_order_reply(m, &call->drop, 0, call->user);
    if (m->holding.busy && m->holding.serial == call->serial)
        cf_modem_order_reply(m, &m->holding.order, LINEERR_OPERATIONFAILED, call->user);
}

/* Lists may still show it for a while. */
static void bury(struct cf_modem *m, const struct cf_modem_call *call)
{
    if (!call->proven)
        m->dead_until[call->id] = m->now + m->config.late_ns;
}

/* Of what was queued for it nothing is of use any more. */
static void cancel_commands(struct cf_modem *m, const struct cf_modem_call *call)
{
    static const enum cf_chat_kind kinds[] = {CF_CHAT_DIAL, CF_CHAT_ANSWER,  CF_CHAT_DIGIT,
                                              CF_CHAT_WHY,  CF_CHAT_HANG_UP, CF_CHAT_HOLDING};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (cf_chat_cancel(&m->chat, kinds[i], call->serial) && kinds[i] == CF_CHAT_HOLDING)
            m->holding.busy = false;
}

/* ------------------------------------------------------------------ the end */

void cf_modem_call_idle(struct cf_modem *m, struct cf_modem_call *call)
{
    reply_all(m, call);
    cancel_commands(m, call);
    cf_modem_call_tell(m, call, LINECALLSTATE_IDLE, 0);
    m->counters.ended++;
    call->phase = CF_MODEM_FREE;
    call->user = 0;
}

void cf_modem_call_end(struct cf_modem *m, struct cf_modem_call *call, uint32_t mode, const char *cause)
{
    if (call->phase == CF_MODEM_OVER)
        return;
    bury(m, call);
    reply_all(m, call);
    cancel_commands(m, call);
    if (mode == LINEDISCONNECTMODE_BUSY && !call->incoming)
        tell_with(m, call, LINECALLSTATE_BUSY, LINEBUSYMODE_STATION, NULL);
    tell_with(m, call, LINECALLSTATE_DISCONNECTED, mode, cause);
    call->phase = CF_MODEM_OVER;
    call->answering = false;
    call->over_due = m->now + m->config.linger_ns;
    if (m->config.linger_ns == 0 || call->user == 0)
        cf_modem_call_idle(m, call);
}

void cf_modem_call_dropped(struct cf_modem *m, struct cf_modem_call *call)
{
    bury(m, call);
    if (call->phase == CF_MODEM_RINGING) {
        m->quiet = m->now + (m->config.profile->rejects ? m->config.late_ns : m->config.ring_ns);
        reply_all(m, call);
        cancel_commands(m, call);
        tell_with(m, call, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_REJECT, NULL);
    }
    cf_modem_call_idle(m, call);
}

/* The mode where no cause is known. */
static uint32_t plain_mode(const struct cf_modem_call *call)
{
    if (call->barred && !call->connected)
        return LINEDISCONNECTMODE_BLOCKED;
    if (call->connected)
        return LINEDISCONNECTMODE_NORMAL;
    if (call->incoming)
        return LINEDISCONNECTMODE_CANCELLED;
    return cf_modem_mode_of_result(call->result);
}

void cf_modem_call_explained(struct cf_modem *m, struct cf_modem_call *call)
{
    char text[CF_MODEM_CAUSE_MAX];
    const struct cf_q850_progress progress = {call->incoming, call->alerted, call->connected};
    uint32_t mode = plain_mode(call);
    if (call->cause != 0) {
        snprintf(text, sizeof(text), "Q.850 %u", call->cause);
        if (mode != LINEDISCONNECTMODE_BLOCKED)
            mode = cf_modem_mode_of_cause(call->cause, progress);
    } else {
        snprintf(text, sizeof(text), "AT %s", cf_at_result_text(call->result));
    }
    cf_modem_call_end(m, call, mode, text);
}

void cf_modem_call_lost(struct cf_modem *m, struct cf_modem_call *call, enum cf_at_result result)
{
    if (!cf_modem_call_is_live(call))
        return;
    if (call->dropping) {
        cf_modem_call_dropped(m, call);
        return;
    }
    call->result = result;
    const bool missed = call->incoming && !call->connected;
    const struct cf_chat_command why = {.kind = CF_CHAT_WHY, .serial = call->serial, .text = "AT+CEER"};
    bury(m, call); /* it may be in a list that is on its way */
    if (missed || call->barred || call->cause != 0 || result != CF_AT_NO_CARRIER || !m->config.profile->reports ||
        m->chat.state != CF_CHAT_READY || !cf_chat_send(&m->chat, &why, true))
        cf_modem_call_explained(m, call);
    else
        call->phase = CF_MODEM_ASKING;
}

/* ------------------------------------------------------------------ hanging up */

static bool any_waiting(const struct cf_modem *m)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        if (m->calls[i].phase == CF_MODEM_RINGING && m->calls[i].waiting)
            return true;
    return false;
}

/* 27.007 7.13: 0 releases the held or rejects the waiting, 1x releases the active call x. */
static void hang_up_text(const struct cf_modem *m, const struct cf_modem_call *call, char *text, size_t bytes)
{
    const struct cf_modem_profile *profile = m->config.profile;
    if (!profile->holds || cf_modem_live(m) == 1)
        snprintf(text, bytes, "%s", call->hang_ups == 0 ? profile->hang_up : profile->hang_up_2);
    else if (call->phase == CF_MODEM_RINGING || (call->state == LINECALLSTATE_ONHOLD && !any_waiting(m)))
        snprintf(text, bytes, "AT+CHLD=0");
    else if (call->id != 0)
        snprintf(text, bytes, "AT+CHLD=1%u", call->id);
    else
        snprintf(text, bytes, "%s", profile->hang_up);
}

void cf_modem_call_hang_up(struct cf_modem *m, struct cf_modem_call *call)
{
    struct cf_chat_command command = {.kind = CF_CHAT_HANG_UP, .serial = call->serial};
    call->dropping = true;
    if (cf_chat_has(&m->chat, CF_CHAT_HANG_UP, call->serial))
        return;
    if (m->chat.state == CF_CHAT_ONLINE)
        cf_chat_escape(&m->chat);
    hang_up_text(m, call, command.text, sizeof(command.text));
    if (call->hang_ups < HANG_UPS_MAX && cf_chat_send(&m->chat, &command, true)) {
        call->hang_ups++;
        return;
    }
    call->dropping = false;
    call->hang_ups = 0;
    cf_modem_order_reply(m, &call->drop, LINEERR_OPERATIONFAILED, call->user);
    cf_modem_poll(m);
}
