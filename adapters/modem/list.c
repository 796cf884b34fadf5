/* The list of calls, +CLCC: asking for it and believing it. See internal.h. */
#include <string.h>

#include "adapters/modem/internal.h"

enum {
    ABSENT_MAX = 2, /* lists without a call that was never in one */
    STAT_ACTIVE = 0,
    STAT_HELD = 1,
    STAT_ALERTING = 3,
    STAT_INCOMING = 4,
    STAT_WAITING = 5,
};

void cf_modem_poll(struct cf_modem *m)
{
    static const struct cf_chat_command list = {.kind = CF_CHAT_LIST, .text = "AT+CLCC"};
    if (!m->config.profile->lists || m->chat.state != CF_CHAT_READY)
        return;
    if (cf_chat_in_modem(&m->chat, CF_CHAT_LIST, 0)) { /* what it will tell may be older than what made us ask */
        m->poll_again = true;
        return;
    }
    if (!cf_chat_has(&m->chat, CF_CHAT_LIST, 0) && cf_chat_send(&m->chat, &list, false))
        m->poll_due = CF_CHAT_NEVER;
}

/* <id>,<dir>,<stat>,<mode>,<mpty>[,<number>,<type>[,<alpha>]] */
void cf_modem_list_row(struct cf_modem *m, const struct cf_at_line *line)
{
    struct cf_at_fields fields;
    cf_at_split(line->rest, line->rest_len, &fields);
    const int32_t id = cf_at_number(&fields, 0), dir = cf_at_number(&fields, 1), stat = cf_at_number(&fields, 2),
                  mode = cf_at_number(&fields, 3), multiparty = cf_at_number(&fields, 4);
    if (m->list_number != m->chat.sends) { /* the first row of this list */
        m->list_number = m->chat.sends;
        m->rows_count = 0;
    }
    if (id < 1 || id >= CF_MODEM_CALLS_MAX || dir < 0 || dir > 1 || stat < 0 || mode < 0 ||
        m->rows_count == CF_MODEM_CALLS_MAX) {
        m->counters.rows_bad++;
        return;
    }
    if (stat > STAT_WAITING) /* 6: just released, as some say */
        return;
    struct cf_modem_row *row = &m->rows[m->rows_count++];
    *row = (struct cf_modem_row){.id = (uint8_t)id,
                                 .stat = (uint8_t)stat,
                                 .incoming = dir == 1,
                                 .multiparty = multiparty == 1,
                                 .data = mode > 0};
    cf_at_string(&fields, 5, row->number, sizeof(row->number));
    cf_at_string(&fields, 7, row->name, sizeof(row->name));
}

/* ------------------------------------------------------------------ which call is meant */

static bool unanswered(const struct cf_modem_row *row)
{
    return row->stat == STAT_INCOMING || row->stat == STAT_WAITING;
}

/* A data call's row is not that of a voice call, unless nobody has said yet which it is. */
static bool same_bearer(const struct cf_modem_call *call, const struct cf_modem_row *row)
{
    return !row->data || call->data || !call->bearer_known;
}

static struct cf_modem_call *match(struct cf_modem *m, const struct cf_modem_row *row)
{
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++)
        if (cf_modem_call_is_live(&m->calls[i]) && m->calls[i].id == row->id && m->calls[i].incoming == row->incoming &&
            same_bearer(&m->calls[i], row))
            return &m->calls[i];
    struct cf_modem_call *likely = NULL;
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        struct cf_modem_call *call = &m->calls[i];
        if (!cf_modem_call_is_live(call) || call->id != 0 || call->incoming != row->incoming || !same_bearer(call, row))
            continue;
        if (unanswered(row) && call->phase != CF_MODEM_RINGING)
            continue;
        if (row->data && row->number[0] != '\0' && call->number[0] != '\0' && strcmp(row->number, call->number) != 0)
            continue; /* that of another port */
        if (likely == NULL || (call->waiting == (row->stat == STAT_WAITING) && strcmp(call->number, row->number) == 0))
            likely = call;
    }
    return likely;
}

/* ------------------------------------------------------------------ what a row says */

static void row_of_ringing(struct cf_modem *m, struct cf_modem_call *call, const struct cf_modem_row *row)
{
    call->ring_due = row->stat == STAT_WAITING ? CF_CHAT_NEVER : m->now + m->config.ring_ns;
    call->waiting = row->stat == STAT_WAITING;
    if (call->number[0] != '\0' || row->number[0] == '\0')
        return;
    memcpy(call->number, row->number, sizeof(call->number));
    memcpy(call->name, row->name, sizeof(call->name));
    if (call->user != 0)
        m->callbacks.info(m->callbacks.context, call, LINECALLINFOSTATE_CALLERID);
}

static void row_of_active(struct cf_modem *m, struct cf_modem_call *call, const struct cf_modem_row *row)
{
    if (call->answering || call->phase == CF_MODEM_DIALLING)
        return; /* its own command tells */
    if (!row->multiparty) {
        cf_modem_call_up(m, call);
        return;
    }
    call->phase = CF_MODEM_UP;
    call->connected = true;
    call->ring_due = CF_CHAT_NEVER;
    cf_modem_call_tell(m, call, LINECALLSTATE_CONFERENCED, 0);
}

/* A list may be older than what was told since: no row takes a call back to before its answer, nor past a command of its own. */
static void apply(struct cf_modem *m, struct cf_modem_call *call, const struct cf_modem_row *row)
{
    call->id = row->id;
    call->absent = 0;
    if (!call->bearer_known)
        call->data = row->data;
    call->bearer_known = true;
    if (row->stat == STAT_ACTIVE) {
        row_of_active(m, call, row);
    } else if (row->stat == STAT_HELD) {
        if (!call->answering && call->phase != CF_MODEM_DIALLING)
            cf_modem_call_held(m, call);
    } else if (unanswered(row)) {
        if (call->phase == CF_MODEM_RINGING)
            row_of_ringing(m, call, row);
    } else if (row->stat == STAT_ALERTING && call->phase == CF_MODEM_CALLING) {
        call->alerted = true;
        cf_modem_call_tell(m, call, LINECALLSTATE_RINGBACK, 0);
    }
}

/* A call that nobody told of: it was there before us, or was made at the device itself, or its RING is still to come. */
static struct cf_modem_call *begin_found(struct cf_modem *m, const struct cf_modem_row *row)
{
    static const struct {
        enum cf_modem_phase phase;
        uint32_t state, mode;
    } found[] = {
        {CF_MODEM_UP, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE},
        {CF_MODEM_UP, LINECALLSTATE_ONHOLD, 0},
        {CF_MODEM_CALLING, LINECALLSTATE_DIALING, 0},
        {CF_MODEM_CALLING, LINECALLSTATE_RINGBACK, 0},
        {CF_MODEM_RINGING, LINECALLSTATE_OFFERING, LINEOFFERINGMODE_ACTIVE},
        {CF_MODEM_RINGING, LINECALLSTATE_OFFERING, LINEOFFERINGMODE_ACTIVE},
    };
    if (m->now < m->dead_until[row->id] || m->now < m->dead_until[0]) {
        m->counters.ghosts++;
        m->poll_due = m->now + m->config.poll_ns; /* should it be a new one after all */
        return NULL;
    }
    struct cf_modem_call *call = cf_modem_call_begin(m, found[row->stat].phase, row->incoming);
    if (call == NULL)
        return NULL;
    m->counters.found++;
    call->id = row->id;
    call->connected = call->phase == CF_MODEM_UP;
    call->bearer_known = true;
    call->alerted = row->stat == STAT_ALERTING;
    call->waiting = row->stat == STAT_WAITING;
    if (row->stat == STAT_INCOMING)
        call->ring_due = m->now + m->config.ring_ns;
    memcpy(call->number, row->number, sizeof(call->number));
    memcpy(call->name, row->name, sizeof(call->name));
    cf_modem_call_announce(m, call, found[row->stat].state, found[row->stat].mode);
    return call;
}

/* ------------------------------------------------------------------ the whole list */

static void judge_absent(struct cf_modem *m, struct cf_modem_call *call)
{
    if (!cf_modem_call_is_live(call) || call->phase == CF_MODEM_DIALLING || call->answering ||
        call->born >= m->list_number)
        return;
    if (call->id == 0 && ++call->absent < ABSENT_MAX)
        return;
    call->proven = true;
    cf_modem_call_lost(m, call, CF_AT_NO_CARRIER);
}

static void believe(struct cf_modem *m)
{
    bool present[CF_MODEM_CALLS_MAX] = {false}, listed[CF_MODEM_CALLS_MAX] = {false};
    m->others = false;
    for (uint32_t i = 0; i < m->rows_count; i++) {
        const struct cf_modem_row *row = &m->rows[i];
        struct cf_modem_call *call = match(m, row);
        if (call == NULL && row->data) { /* somebody else's, on another port of the modem */
            m->others = true;
            m->counters.rows_other++;
            continue;
        }
        if (call != NULL)
            apply(m, call, row);
        else
            call = begin_found(m, row);
        listed[row->id] = true;
        if (call != NULL)
            present[call - m->calls] = true;
        else
            listed[0] = true;
    }
    for (size_t i = 0; i < CF_MODEM_CALLS_MAX; i++) {
        if (!listed[i])
            m->dead_until[i] = 0;
        if (!present[i])
            judge_absent(m, &m->calls[i]);
    }
}

void cf_modem_list_ended(struct cf_modem *m, enum cf_at_result result)
{
    if (m->list_number != m->chat.sends) { /* no row came */
        m->list_number = m->chat.sends;
        m->rows_count = 0;
    }
    m->counters.polls++;
    m->poll_due = CF_CHAT_NEVER;
    if (result == CF_AT_OK)
        believe(m);
    m->rows_count = 0;
    if (m->poll_again) {
        m->poll_again = false;
        cf_modem_poll(m);
    }
}
