/* See modem.h: the modem as a whole; call.c, urc.c, list.c and order.c are its parts. */
#include "adapters/modem/modem.h"

#include <stdio.h>
#include <string.h>

#include "adapters/modem/internal.h"

/* ------------------------------------------------------------------ what the chat tells */

static void on_write(void *context, const char *bytes, uint32_t len)
{
    struct cf_modem *m = context;
    m->callbacks.write(m->callbacks.context, bytes, len);
}

/* The PIN once in the life of the program: three wrong ones lock the card. */
static void pin_asked(struct cf_modem *m)
{
    struct cf_chat_command give = {.kind = CF_CHAT_PIN};
    if (!m->pin_wanted || m->pin_given || m->config.pin == NULL)
        return;
    snprintf(give.text, sizeof(give.text), "AT+CPIN=\"%s\"", m->config.pin);
    m->pin_given = cf_chat_send(&m->chat, &give, true);
}

static void on_result(void *context, const struct cf_chat_command *command, enum cf_at_result result,
                      const struct cf_at_line *line)
{
    struct cf_modem *m = context;
    m->now = m->chat.now;
    if (command->kind == CF_CHAT_PIN)
        pin_asked(m);
    else if (command->kind == CF_CHAT_LIST)
        cf_modem_list_ended(m, result);
    else
        cf_modem_command_ended(m, command, result, line);
}

static void on_line(void *context, const struct cf_at_line *line, const struct cf_chat_command *asked)
{
    struct cf_modem *m = context;
    m->now = m->chat.now;
    cf_modem_line_came(m, line, asked);
}

/* The beginning is over: at the start, and after every resynchronisation. */
static void on_ready(void *context)
{
    struct cf_modem *m = context;
    m->now = m->chat.now;
    cf_modem_service(m, m->registered || !m->config.profile->registers);
    cf_modem_poll(m); /* calls may live that we do not know of, or have ended unheard */
}

static void on_dead(void *context)
{
    struct cf_modem *m = context;
    cf_modem_vanished(m, m->chat.now);
    m->callbacks.dead(m->callbacks.context);
}

/* ------------------------------------------------------------------ life */

void cf_modem_init(struct cf_modem *m, const struct cf_modem_config *config, const struct cf_modem_callbacks *callbacks)
{
    memset(m, 0, sizeof(*m));
    m->config = *config;
    m->callbacks = *callbacks;
    m->poll_due = CF_CHAT_NEVER;
    const struct cf_chat_config chat = {
        .init = config->init != NULL ? config->init : config->profile->init,
        .numeric = config->numeric,
        .command_ns = config->command_ns,
        .dial_ns = config->dial_ns,
        .settle_ns = config->settle_ns,
        .guard_ns = config->guard_ns,
    };
    const struct cf_chat_callbacks chat_callbacks = {on_write, on_result, on_line, on_ready, on_dead, m};
    cf_chat_init(&m->chat, &chat, &chat_callbacks, &m->counters);
}

void cf_modem_opened(struct cf_modem *m, int64_t now)
{
    m->now = now;
    m->registered = m->pin_wanted = m->others = m->poll_again = false;
    m->open = true;
    m->quiet = m->quiet_rings = m->forwarded_until = 0;
    memset(m->dead_until, 0, sizeof(m->dead_until));
    m->counters.opened++;
    cf_chat_open(&m->chat, now);
}

void cf_modem_vanished(struct cf_modem *m, int64_t now)
{
    m->now = now;
    if (!m->open)
        return;
    m->open = false;
    m->counters.vanished++;
    cf_chat_close(&m->chat);
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        struct cf_modem_call *call = &m->calls[i];
        if (call->phase == CF_MODEM_FREE)
            continue;
        if (call->phase == CF_MODEM_OVER) {
            cf_modem_call_idle(m, call);
        } else if (call->make.waits) { /* the core does not know it yet */
            cf_modem_order_reply(m, &call->make, LINEERR_OPERATIONFAILED, 0);
            call->phase = CF_MODEM_FREE;
        } else {
            cf_modem_call_end(m, call, LINEDISCONNECTMODE_UNKNOWN, "device gone");
            if (call->phase == CF_MODEM_OVER)
                cf_modem_call_idle(m, call);
        }
    }
    m->holding.busy = false;
    m->poll_due = CF_CHAT_NEVER;
    cf_modem_service(m, false);
}

void cf_modem_receive(struct cf_modem *m, const uint8_t *bytes, uint32_t len, int64_t now)
{
    m->now = now;
    cf_chat_receive(&m->chat, bytes, len, now);
}

static void call_tick(struct cf_modem *m, struct cf_modem_call *call)
{
    if (call->phase == CF_MODEM_OVER && m->now >= call->over_due)
        cf_modem_call_idle(m, call);
    if (call->phase != CF_MODEM_RINGING || m->now < call->ring_due)
        return;
    if (call->answering || call->dropping) { /* what was sent decides */
        call->ring_due = m->now + m->config.ring_ns;
        return;
    }
    m->counters.rings_lost++;
    cf_modem_call_lost(m, call, CF_AT_NO_CARRIER);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_of(struct cf_modem *m, struct cf_modem_call *call)
{
    if (call->phase == CF_MODEM_OVER)
        return call->over_due;
    if (call->phase == CF_MODEM_RINGING)
        return call->ring_due;
    if (call->phase == CF_MODEM_DIALLING)
        return cf_modem_dial_tick(m, call);
    return CF_CHAT_NEVER;
}

int64_t cf_modem_tick(struct cf_modem *m, int64_t now)
{
    m->now = m->chat.now = now;
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        call_tick(m, &m->calls[i]);
    if (now >= m->poll_due) {
        m->poll_due = CF_CHAT_NEVER;
        cf_modem_poll(m);
    }
    int64_t next = cf_chat_tick(&m->chat, now);
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        next = sooner(next, next_of(m, &m->calls[i]));
    if (m->poll_due == CF_CHAT_NEVER && m->config.profile->lists && m->chat.state == CF_CHAT_READY &&
        cf_modem_live(m) != 0 && !cf_chat_has(&m->chat, CF_CHAT_LIST, 0))
        m->poll_due = now + m->config.poll_ns;
    return sooner(next, m->poll_due);
}

/* ------------------------------------------------------------------ looking in */

static const char *wrong_with(const struct cf_modem *m, const struct cf_modem_call *call)
{
    if (call->phase == CF_MODEM_FREE)
        return call->user == 0 && !call->make.waits ? NULL : "a free place is not empty";
    if (call->serial == 0)
        return "a call without serial number";
    if (call->id >= CF_MODEM_CALLS_MAX)
        return "an id out of range";
    if (call->state == LINECALLSTATE_IDLE ||
        (call->state == LINECALLSTATE_DISCONNECTED) != (call->phase == CF_MODEM_OVER))
        return "state and phase differ about the end";
    if (call->phase == CF_MODEM_RINGING && !call->incoming)
        return "an outgoing call rings";
    if ((call->phase == CF_MODEM_DIALLING || call->phase == CF_MODEM_CALLING) && call->incoming)
        return "an incoming call is dialled";
    if (call->make.waits && call->phase != CF_MODEM_DIALLING)
        return "lineMakeCall waits for nothing";
    if (call->answering && call->phase != CF_MODEM_RINGING)
        return "an answered call is being answered";
    if (call->drop.waits && !call->dropping)
        return "lineDrop waits for nothing";
    if (m->chat.state == CF_CHAT_CLOSED && call->phase != CF_MODEM_FREE)
        return "a call without a device";
    return NULL;
}

bool cf_modem_check(const struct cf_modem *m, char *why, size_t why_bytes)
{
    const char *wrong = cf_chat_check(&m->chat);
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX && wrong == NULL; i++) {
        wrong = wrong_with(m, &m->calls[i]);
        for (size_t j = 0; j < i && wrong == NULL; j++)
            if (m->calls[i].phase != CF_MODEM_FREE && m->calls[j].phase != CF_MODEM_FREE &&
                m->calls[i].serial == m->calls[j].serial)
                wrong = "two calls with one serial number";
    }
    if (wrong == NULL && m->holding.busy && !cf_chat_has(&m->chat, CF_CHAT_HOLDING, m->holding.serial))
        wrong = "+CHLD is waited for and not asked";
    if (wrong != NULL)
        snprintf(why, why_bytes, "%s", wrong);
    return wrong == NULL;
}
