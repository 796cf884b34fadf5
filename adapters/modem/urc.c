/* What the modem says unasked: rings, callers, results of calls, supplementary services. See internal.h. */
#include <stdio.h>
#include <string.h>

#include "adapters/modem/cause.h"
#include "adapters/modem/internal.h"

enum { CLI_WITHHELD = 1 }; /* validity in +CLIP, 27.007 7.6 */

/* ------------------------------------------------------------------ calls that come in */

static struct cf_modem_call *find_ringing(struct cf_modem *m, bool waiting)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        if (m->calls[i].phase == CF_MODEM_RINGING && m->calls[i].waiting == waiting)
            return &m->calls[i];
    return NULL;
}

static struct cf_modem_call *only_call(struct cf_modem *m)
{
    struct cf_modem_call *only = NULL;
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        if (!cf_modem_call_is_live(&m->calls[i]))
            continue;
        if (only != NULL)
            return NULL;
        only = &m->calls[i];
    }
    return only;
}

/* The call that a RING without a name means: the one that rings, also one that waited until the other had ended. */
static struct cf_modem_call *ringing_call(struct cf_modem *m)
{
    struct cf_modem_call *call = find_ringing(m, false);
    if (call != NULL)
        return call;
    call = find_ringing(m, true);
    if (call == NULL || cf_modem_live(m) != 1)
        return NULL;
    call->waiting = false;
    return call;
}

/* False: a RING now belongs to a call that is over, or is no call of its own; the list of calls tells. */
static bool may_be_new(struct cf_modem *m)
{
    if (m->now >= m->quiet && m->now >= m->quiet_rings && cf_modem_live(m) == 0)
        return true;
    if (m->now < m->quiet && !m->config.profile->rejects)
        m->quiet = m->now + m->config.ring_ns; /* on an analogue line it rings on */
    m->counters.rings_late++;
    cf_modem_poll(m);
    return false;
}

static struct cf_modem_call *begin_ringing(struct cf_modem *m, bool waiting, const char *number, const char *name)
{
    struct cf_modem_call *call = cf_modem_call_begin(m, CF_MODEM_RINGING, true);
    if (call == NULL)
        return NULL;
    call->waiting = waiting;
    call->data = !m->config.voice;
    call->forwarded = m->now < m->forwarded_until;
    call->ring_due = waiting && m->config.profile->lists ? CF_CHAT_NEVER : m->now + m->config.ring_ns;
    snprintf(call->number, sizeof(call->number), "%s", number);
    snprintf(call->name, sizeof(call->name), "%s", name);
    m->forwarded_until = 0;
    m->counters.offered++;
    return call;
}

static void offer(struct cf_modem *m, struct cf_modem_call *call)
{
    cf_modem_call_announce(m, call, LINECALLSTATE_OFFERING, LINEOFFERINGMODE_ACTIVE);
    cf_modem_poll(m);
}

/* bearer: what +CRING: says, "" for RING. */
static void ring(struct cf_modem *m, const char *bearer)
{
    struct cf_modem_call *call = ringing_call(m);
    m->counters.rings++;
    if (call == NULL) {
        if (!may_be_new(m) || (call = begin_ringing(m, false, "", "")) == NULL)
            return;
        call->bearer_known = bearer[0] != '\0';
        if (call->bearer_known)
            call->data = strncmp(bearer, "VOICE", 5) != 0;
        offer(m, call);
    } else if (call->try_again) {
        cf_modem_call_announce(m, call, call->state, call->mode);
    }
    call->rings++;
    call->ring_due = m->now + m->config.ring_ns;
    m->callbacks.ringing(m->callbacks.context, call->rings);
}

/* Two ways to write one number ("+49305550", "0305550"), or one of them not known. */
static bool may_be_same(const char *a, const char *b)
{
    enum { TELLING_DIGITS = 6 };
    size_t i = strlen(a), j = strlen(b), same = 0;
    while (i > 0 && j > 0 && same < TELLING_DIGITS) {
        if (a[--i] != b[--j])
            return false;
        same++;
    }
    return true;
}

static void caller(struct cf_modem *m, const char *number, const char *name)
{
    struct cf_modem_call *call = ringing_call(m);
    if (call != NULL && !may_be_same(call->number, number) && !call->answering && !call->dropping) {
        cf_modem_call_lost(m, call, CF_AT_NO_CARRIER); /* one train of rings ended and another began unseen */
        call = NULL;
    }
    if (call == NULL) {
        if (!may_be_new(m) || (call = begin_ringing(m, false, number, name)) == NULL)
            return;
        offer(m, call);
        return;
    }
    call->ring_due = m->now + m->config.ring_ns;
    if ((number[0] == '\0' || strcmp(call->number, number) == 0) && (name[0] == '\0' || strcmp(call->name, name) == 0))
        return;
    if (number[0] != '\0')
        snprintf(call->number, sizeof(call->number), "%s", number);
    if (name[0] != '\0')
        snprintf(call->name, sizeof(call->name), "%s", name);
    if (call->user != 0)
        m->callbacks.info(m->callbacks.context, call, LINECALLINFOSTATE_CALLERID);
}

static void waiting(struct cf_modem *m, const struct cf_at_fields *fields)
{
    char number[CF_MODEM_NUMBER_MAX], name[CF_MODEM_NUMBER_MAX];
    cf_at_string(fields, 0, number, sizeof(number));
    cf_at_string(fields, 3, name, sizeof(name));
    if (find_ringing(m, true) != NULL || find_ringing(m, false) != NULL)
        return; /* said again */
    if (m->now < m->quiet) {
        m->counters.rings_late++;
        cf_modem_poll(m);
        return;
    }
    struct cf_modem_call *call = begin_ringing(m, cf_modem_live(m) != 0, number, name);
    if (call != NULL)
        offer(m, call);
}

/* ------------------------------------------------------------------ calls that end */

static struct cf_modem_call *outgoing_call(struct cf_modem *m)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        if (m->calls[i].phase == CF_MODEM_CALLING)
            return &m->calls[i];
    return NULL;
}

/*
 * NO CARRIER names no call. With one alone it is that one, unless a data call on another port of the modem could be meant; else
 * the list tells which has gone.
 */
static void no_carrier(struct cf_modem *m)
{
    struct cf_modem_call *call = only_call(m);
    if (call == NULL || (m->others && m->config.profile->lists && !call->data) || call->phase == CF_MODEM_DIALLING)
        cf_modem_poll(m);
    else
        cf_modem_call_lost(m, call, CF_AT_NO_CARRIER);
}

static void result_came(struct cf_modem *m, const struct cf_at_line *line)
{
    if (line->result == CF_AT_NO_CARRIER) {
        no_carrier(m);
        return;
    }
    struct cf_modem_call *call = outgoing_call(m);
    if (call == NULL)
        m->counters.strays++;
    else if (line->result == CF_AT_CONNECT)
        cf_modem_call_up(m, call);
    else
        cf_modem_call_lost(m, call, line->result);
}

/* ------------------------------------------------------------------ what makers add */

static struct cf_modem_call *by_id(struct cf_modem *m, int32_t id)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX && id > 0; i++)
        if (cf_modem_call_is_live(&m->calls[i]) && m->calls[i].id == id)
            return &m->calls[i];
    return NULL;
}

/* The call with this id, else the outgoing one that has none yet, which gets it. */
static struct cf_modem_call *outgoing_by_id(struct cf_modem *m, int32_t id)
{
    struct cf_modem_call *call = by_id(m, id);
    if (call != NULL || id <= 0 || id >= CF_MODEM_CALLS_MAX)
        return call;
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        call = &m->calls[i];
        if ((call->phase == CF_MODEM_DIALLING || call->phase == CF_MODEM_CALLING) && call->id == 0) {
            call->id = (uint8_t)id;
            return call;
        }
    }
    return NULL;
}

static void call_alerts(struct cf_modem *m, int32_t id)
{
    struct cf_modem_call *call = outgoing_by_id(m, id);
    if (call == NULL || call->phase != CF_MODEM_CALLING)
        return;
    call->alerted = true;
    cf_modem_call_tell(m, call, LINECALLSTATE_RINGBACK, 0);
}

static void call_connects(struct cf_modem *m, int32_t id)
{
    struct cf_modem_call *call = outgoing_by_id(m, id);
    if (call != NULL && call->phase == CF_MODEM_CALLING)
        cf_modem_call_up(m, call);
    else
        cf_modem_poll(m);
}

/* ^CEND: id, duration, end status, cause of the network */
static void call_ends(struct cf_modem *m, const struct cf_at_fields *fields)
{
    struct cf_modem_call *call = by_id(m, cf_at_number(fields, 0));
    if (call == NULL && (call = only_call(m)) != NULL && call->id != 0)
        call = NULL;
    if (call == NULL || call->phase == CF_MODEM_DIALLING || call->answering) {
        cf_modem_poll(m);
        return;
    }
    const int32_t cause = cf_at_number(fields, 3);
    call->cause = cause > 0 && cause < 128 ? (unsigned)cause : 0;
    cf_modem_call_lost(m, call, CF_AT_NO_CARRIER);
}

/* ------------------------------------------------------------------ supplementary services */

static struct cf_modem_call *active_call(struct cf_modem *m)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        if (m->calls[i].phase == CF_MODEM_UP && m->calls[i].state == LINECALLSTATE_CONNECTED)
            return &m->calls[i];
    return NULL;
}

/* 27.007 7.17, <code2> */
static void service_notice(struct cf_modem *m, int32_t code)
{
    struct cf_modem_call *call = active_call(m);
    switch (code) {
    case 0: /* the call that is about to ring was forwarded */
        m->forwarded_until = m->now + m->config.late_ns;
        break;
    case 2: /* held */
    case 3: /* retrieved */
        if (call == NULL)
            break;
        call->remote_held = code == 2;
        cf_modem_call_up(m, call);
        break;
    default:
        cf_modem_poll(m);
    }
}

/* <code1> */
static void service_intermediate(struct cf_modem *m, int32_t code)
{
    enum { CALL_WAS_FORWARDED = 2, OUTGOING_BARRED = 5 };
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        struct cf_modem_call *call = &m->calls[i];
        if (call->phase != CF_MODEM_DIALLING && call->phase != CF_MODEM_CALLING)
            continue;
        if (code == CALL_WAS_FORWARDED && call->user != 0)
            m->callbacks.info(m->callbacks.context, call, LINECALLINFOSTATE_REDIRECTIONID);
        if (code != OUTGOING_BARRED)
            continue;
        call->barred = true;
        if (call->phase == CF_MODEM_CALLING) /* else the result of ATD follows */
            cf_modem_call_lost(m, call, CF_AT_NO_CARRIER);
    }
}

static void connected_number(struct cf_modem *m, const struct cf_at_fields *fields)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        struct cf_modem_call *call = &m->calls[i];
        if (call->incoming || !cf_modem_call_is_live(call))
            continue;
        cf_at_string(fields, 0, call->connected_number, sizeof(call->connected_number));
        if (call->user != 0)
            m->callbacks.info(m->callbacks.context, call, LINECALLINFOSTATE_CONNECTEDID);
        return;
    }
}

/* ------------------------------------------------------------------ registration */

void cf_modem_service(struct cf_modem *m, bool in_service)
{
    if (m->service == in_service)
        return;
    m->service = in_service;
    m->callbacks.service(m->callbacks.context, in_service);
}

/* "<stat>[,"area",...]" unasked, "<n>,<stat>[,...]" as an answer; asked and unasked may cross. */
static void registration(struct cf_modem *m, const struct cf_at_fields *fields)
{
    const bool answer = fields->count > 1 && !fields->field[1].quoted && cf_at_number(fields, 1) >= 0;
    const int32_t stat = cf_at_number(fields, answer ? 1 : 0);
    if (stat < 0)
        return;
    m->registered = stat == 1 || stat == 5; /* at home, roaming */
    if (m->chat.state == CF_CHAT_READY)
        cf_modem_service(m, m->registered || !m->config.profile->registers);
}

/* ------------------------------------------------------------------ one line */

static void report(struct cf_modem *m, const struct cf_at_line *line, const struct cf_chat_command *asked)
{
    struct cf_modem_call *call = asked != NULL ? cf_modem_find(m, asked->serial) : NULL;
    if (call != NULL && call->cause == 0)
        call->cause = cf_modem_cause_of_report(line->rest, line->rest_len);
}

static void named_number(struct cf_modem *m, const struct cf_at_line *line)
{
    struct cf_at_fields fields = {.count = 1, .field = {{line->rest, line->rest_len, false}}};
    char text[CF_MODEM_NUMBER_MAX];
    cf_at_string(&fields, 0, text, sizeof(text));
    caller(m, line->urc == CF_AT_NMBR ? text : "", line->urc == CF_AT_NAME ? text : "");
}

static void clip(struct cf_modem *m, const struct cf_at_fields *fields)
{
    char number[CF_MODEM_NUMBER_MAX], name[CF_MODEM_NUMBER_MAX];
    cf_at_string(fields, 0, number, sizeof(number));
    cf_at_string(fields, 4, name, sizeof(name));
    caller(m, number, name);
    struct cf_modem_call *call = find_ringing(m, false);
    if (call == NULL || cf_at_number(fields, 5) != CLI_WITHHELD || call->withheld)
        return;
    call->withheld = true;
    if (call->user != 0)
        m->callbacks.info(m->callbacks.context, call, LINECALLINFOSTATE_CALLERID);
}

static void urc_came(struct cf_modem *m, const struct cf_at_line *line, const struct cf_chat_command *asked)
{
    struct cf_at_fields fields;
    char bearer[16] = "";
    cf_at_split(line->rest, line->rest_len, &fields);
    switch (line->urc) {
    case CF_AT_RING:
        ring(m, "");
        break;
    case CF_AT_CRING:
        cf_at_string(&fields, 0, bearer, sizeof(bearer));
        ring(m, bearer);
        break;
    case CF_AT_CLIP:
        clip(m, &fields);
        break;
    case CF_AT_CCWA:
        if (!(asked != NULL && asked->kind == CF_CHAT_INIT))
            waiting(m, &fields);
        break;
    case CF_AT_CLCC:
        if (asked != NULL)
            cf_modem_list_row(m, line);
        else
            cf_modem_poll(m); /* some say it unasked */
        break;
    case CF_AT_CSSI:
        service_intermediate(m, cf_at_number(&fields, 0));
        break;
    case CF_AT_CSSU:
        service_notice(m, cf_at_number(&fields, 0));
        break;
    case CF_AT_CREG:
        registration(m, &fields);
        break;
    case CF_AT_CEER:
        report(m, line, asked);
        break;
    case CF_AT_COLP:
        connected_number(m, &fields);
        break;
    case CF_AT_CPIN:
        m->pin_wanted = line->rest_len >= 7 && memcmp(line->rest, "SIM PIN", 7) == 0 && line->rest_len == 7;
        break;
    case CF_AT_ORIG:
        outgoing_by_id(m, cf_at_number(&fields, 0));
        break;
    case CF_AT_CONF:
        call_alerts(m, cf_at_number(&fields, 0));
        break;
    case CF_AT_CONN:
        call_connects(m, cf_at_number(&fields, 0));
        break;
    case CF_AT_CEND:
        call_ends(m, &fields);
        break;
    case CF_AT_NMBR:
    case CF_AT_NAME:
        named_number(m, line);
        break;
    case CF_AT_URCS_COUNT:
        break;
    }
}

void cf_modem_line_came(struct cf_modem *m, const struct cf_at_line *line, const struct cf_chat_command *asked)
{
    if (line->kind == CF_AT_RESULT)
        result_came(m, line);
    else if (line->kind == CF_AT_URC)
        urc_came(m, line, asked);
    else
        report(m, line, asked);
}
