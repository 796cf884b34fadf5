/*
 * One call of the model exchange: its states, how long each lasts and what follows.
 */
#include "adapters/sim/call.h"

#include <assert.h>
#include <stdio.h>

#include "adapters/sim/bond.h"

/* States in which the far end is there; its talk has a time that runs on whatever the owner does. */
#define TALKS (LINECALLSTATE_CONNECTED | LINECALLSTATE_CONFERENCED | CF_SIM_ON_HOLD)

/* How each outcome ends; ANSWER ends when the talk does. */
static const uint32_t disconnect_modes[] = {
    [CF_SIM_ANSWER] = LINEDISCONNECTMODE_NORMAL,           [CF_SIM_BUSY] = LINEDISCONNECTMODE_BUSY,
    [CF_SIM_NO_ANSWER] = LINEDISCONNECTMODE_NOANSWER,      [CF_SIM_ABANDON] = LINEDISCONNECTMODE_CANCELLED,
    [CF_SIM_REJECT] = LINEDISCONNECTMODE_REJECT,           [CF_SIM_BAD_ADDRESS] = LINEDISCONNECTMODE_BADADDRESS,
    [CF_SIM_UNREACHABLE] = LINEDISCONNECTMODE_UNREACHABLE, [CF_SIM_CONGESTION] = LINEDISCONNECTMODE_CONGESTION,
    [CF_SIM_BLOCKED] = LINEDISCONNECTMODE_BLOCKED,
};
_Static_assert(sizeof disconnect_modes / sizeof disconnect_modes[0] == CF_SIM_OUTCOMES, "an end for each outcome");

/* ------------------------------------------------------------------ identifiers */

static struct cf_sim_note note_of(const struct cf_sim_call *c, uint32_t flags)
{
    return (struct cf_sim_note){c->serial, c->line,
                                flags | ((c->flags & CF_SIM_OUTGOING) != 0 ? CF_JOURNAL_OUTGOING : 0)};
}

struct cf_sim_call *cf_sim_call_find(const struct cf_sim_model *m, uint64_t id)
{
    uint32_t index = cf_handle_index(id);
    return id != 0 && index < m->used && m->calls[index].id == id ? &m->calls[index] : NULL;
}

struct cf_sim_call *cf_sim_call_begin(struct cf_sim_model *m, uint32_t line)
{
    uint64_t id = m->out.call_new(m->out.arg);
    if (id == 0)
        return NULL;
    uint32_t index = cf_handle_index(id);
    assert(index < m->settings->calls_max);
    if (index >= m->used) {
        for (uint32_t i = m->used; i <= index; i++)
            cf_wheel_node_init(&m->calls[i].timer);
        m->used = index + 1;
    }
    struct cf_sim_call *c = &m->calls[index];
    assert(c->id == 0 && c->timer.due == CF_WHEEL_NEVER);
    struct cf_wheel_node timer = c->timer;
    *c = (struct cf_sim_call){.timer = timer, .id = id, .line = line, .serial = m->serial++};
    m->live++;
    m->busy[line]++;
    return c;
}

void cf_sim_call_forget(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns)
{
    cf_sim_digits_end(m, c, LINEERR_OPERATIONFAILED);
    cf_sim_far_end_connected(m->far_ends, &c->far_end, false);
    cf_sim_far_end_forget(m->far_ends, &c->far_end);
    if ((c->flags & CF_SIM_BONDED) != 0)
        cf_sim_bond_end(m, c, true, now_ns);
    cf_wheel_cancel(&m->wheel, cf_sim_call_index(m, c));
    m->out.call_free(m->out.arg, c->id);
    m->busy[c->line] -= c->state != LINECALLSTATE_IDLE;
    c->id = 0;
    m->live--;
}

void cf_sim_reply(const struct cf_sim_model *m, const struct cf_command *command, int32_t result, uint64_t call)
{
    m->out.reply(m->out.arg, command->number, result, call, 0);
}

void cf_sim_call_note(const struct cf_sim_model *m, const struct cf_sim_call *c, uint32_t flags, uint32_t state,
                      int64_t now_ns)
{
    const struct cf_sim_note note = note_of(c, flags);
    m->out.note(m->out.arg, &note, state, now_ns);
}

/* ------------------------------------------------------------------ telling */

static uint32_t digits_of(char *text, size_t text_bytes, uint64_t number)
{
    return (uint32_t)snprintf(text, text_bytes, "%llu", (unsigned long long)number);
}

static struct cf_text line_number(const struct cf_sim_model *m, uint32_t line, char *text, size_t text_bytes)
{
    return (struct cf_text){text, digits_of(text, text_bytes, m->settings->number + line)};
}

static uint32_t origin_of(const struct cf_sim_call *c)
{
    if ((c->flags & CF_SIM_CONFERENCE) != 0)
        return LINECALLORIGIN_CONFERENCE;
    return (c->flags & CF_SIM_OUTGOING) != 0 ? LINECALLORIGIN_OUTBOUND : LINECALLORIGIN_EXTERNAL;
}

bool cf_sim_call_announce(struct cf_sim_model *m, const struct cf_sim_call *c, uint32_t flags, int64_t now_ns)
{
    char caller[24], called[24], dialled[24], redirecting[24];
    const struct cf_text none = {NULL, 0};
    const struct cf_sim_past *past = cf_sim_past(m, c);
    const uint64_t party = cf_sim_party(m, c);
    const struct cf_text serial = {caller, digits_of(caller, sizeof caller, party)};
    const struct cf_text own = line_number(m, c->line, called, sizeof called);
    const struct cf_text first = line_number(m, cf_sim_dialled_line(m, c), dialled, sizeof dialled);
    const struct cf_sim_note note = note_of(c, flags);
    const uint32_t origin = origin_of(c);
    const struct cf_new_call new_call = {
        .call = c->id,
        .line = c->line,
        .state = c->state,
        .mode = c->mode,
        .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE,
        .origin = origin,
        .reason = past != NULL ? past->reason : LINECALLREASON_DIRECT,
        .time_ns = now_ns,
        .caller = origin != LINECALLORIGIN_EXTERNAL ? own : party != CF_SIM_PARTY_UNKNOWN ? serial : none,
        .called = origin == LINECALLORIGIN_EXTERNAL ? first : none,
        .completion_id = past != NULL ? past->completion : 0,
        .redirecting = past != NULL && past->redirecting != CF_SIM_NOBODY
                           ? line_number(m, past->redirecting, redirecting, sizeof redirecting)
                           : none,
    };
    return m->out.announce(m->out.arg, &new_call, &note);
}

static uint64_t parent_of(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    const struct cf_sim_call *conference = cf_sim_conference_of(m, c);
    return conference != NULL ? conference->id : 0;
}

void cf_sim_call_report(struct cf_sim_model *m, struct cf_sim_call *c, struct cf_sim_step to, int64_t now_ns)
{
    const struct cf_call_state s = {.state = to.state,
                                    .mode = to.mode,
                                    .time_ns = now_ns,
                                    .parent = to.state == LINECALLSTATE_CONFERENCED ? parent_of(m, c) : 0};
    const struct cf_sim_note note = note_of(c, 0);
    if (to.state != LINECALLSTATE_CONNECTED)
        cf_sim_digits_end(m, c, LINEERR_OPERATIONFAILED); /* before the state: nothing but replies follows IDLE */
    cf_sim_far_end_connected(m->far_ends, &c->far_end, to.state == LINECALLSTATE_CONNECTED);
    if (to.state == LINECALLSTATE_IDLE)
        cf_sim_far_end_forget(m->far_ends, &c->far_end);
    m->busy[c->line] -= to.state == LINECALLSTATE_IDLE && c->state != LINECALLSTATE_IDLE;
    c->state = to.state;
    c->mode = to.mode;
    m->counters.reports++;
    m->counters.ended += to.state == LINECALLSTATE_IDLE;
    m->out.state(m->out.arg, c->id, &s, &note);
    if ((c->flags & CF_SIM_BONDED) != 0 && (to.state & (LINECALLSTATE_DISCONNECTED | LINECALLSTATE_IDLE)) != 0)
        cf_sim_bond_end(m, c, to.state == LINECALLSTATE_IDLE, now_ns);
}

void cf_sim_call_end(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns)
{
    cf_sim_call_report(m, c, (struct cf_sim_step){LINECALLSTATE_IDLE, 0}, now_ns);
    cf_wheel_cancel(&m->wheel, cf_sim_call_index(m, c));
}

/* ------------------------------------------------------------------ time */

/* How long the call stays in the state that it has now. CF_WHEEL_NEVER: until somebody does something, or as was set before. */
static uint64_t stay_ms(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    const struct cf_sim_settings *s = m->settings;
    bool answered = c->outcome == CF_SIM_ANSWER;
    switch (c->state) {
    case LINECALLSTATE_OFFERING:
        if (!s->automatic)
            return c->give_up_ms;
        if (m->accepts || c->outcome == CF_SIM_BUSY)
            return s->accept_ms;
        return (uint64_t)s->accept_ms + (answered ? s->answer_ms : c->give_up_ms);
    case LINECALLSTATE_ACCEPTED:
        if (!s->automatic)
            return CF_WHEEL_NEVER;
        return answered ? s->answer_ms : c->give_up_ms;
    case LINECALLSTATE_CONNECTED:
    case LINECALLSTATE_ONHOLD:
    case LINECALLSTATE_ONHOLDPENDTRANSFER:
    case LINECALLSTATE_ONHOLDPENDCONF:
    case LINECALLSTATE_CONFERENCED:
        return c->segment_ms;
    case LINECALLSTATE_DIALTONE:
        return s->dialtone_ms;
    case LINECALLSTATE_DIALING:
        return s->dial_ms;
    case LINECALLSTATE_PROCEEDING:
        return s->setup_ms;
    case LINECALLSTATE_RINGBACK:
        return answered ? s->answer_ms : c->give_up_ms;
    case LINECALLSTATE_BUSY:
    case LINECALLSTATE_DISCONNECTED:
        return s->linger_ms;
    default:
        return CF_WHEEL_NEVER;
    }
}

/* What follows when the call has stayed long enough. toggle: of CONNECTED and ONHOLD, that it is to go on. */
static struct cf_sim_step next_step(const struct cf_sim_model *m, const struct cf_sim_call *c, bool toggle)
{
    const struct cf_sim_step end = {LINECALLSTATE_DISCONNECTED, disconnect_modes[c->outcome]};
    const struct cf_sim_step talk = {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE};
    bool answered = c->outcome == CF_SIM_ANSWER;
    switch (c->state) {
    case LINECALLSTATE_OFFERING:
        if (!m->settings->automatic)
            return (struct cf_sim_step){LINECALLSTATE_DISCONNECTED,
                                        answered ? LINEDISCONNECTMODE_NOANSWER : disconnect_modes[c->outcome]};
        if (m->accepts && c->outcome != CF_SIM_BUSY)
            return (struct cf_sim_step){LINECALLSTATE_ACCEPTED, 0};
        return answered && m->settings->messages != CF_SIM_MESSAGES_MIN ? talk : end;
    case LINECALLSTATE_ACCEPTED:
        if (!m->settings->automatic && answered)
            return (struct cf_sim_step){LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NOANSWER};
        return answered ? talk : end;
    case LINECALLSTATE_CONNECTED:
        return toggle ? (struct cf_sim_step){LINECALLSTATE_ONHOLD, 0} : end;
    case LINECALLSTATE_ONHOLD:
        return toggle ? talk : end;
    case LINECALLSTATE_ONHOLDPENDTRANSFER:
    case LINECALLSTATE_ONHOLDPENDCONF:
    case LINECALLSTATE_CONFERENCED:
        return end;
    case LINECALLSTATE_DIALTONE:
        return (struct cf_sim_step){LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_CANCELLED};
    case LINECALLSTATE_DIALING:
        return (struct cf_sim_step){LINECALLSTATE_PROCEEDING, 0};
    case LINECALLSTATE_PROCEEDING:
        if (c->outcome == CF_SIM_BUSY)
            return (struct cf_sim_step){LINECALLSTATE_BUSY, LINEBUSYMODE_STATION};
        return answered || c->outcome == CF_SIM_NO_ANSWER ? (struct cf_sim_step){LINECALLSTATE_RINGBACK, 0} : end;
    case LINECALLSTATE_RINGBACK:
        return answered ? talk : end;
    case LINECALLSTATE_BUSY:
        return end;
    default:
        return (struct cf_sim_step){LINECALLSTATE_IDLE, 0};
    }
}

/* A toggle of a call that its owner holds is not seen, nor that the far end of a member answers. */
void cf_sim_call_expire(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns)
{
    bool answers = (c->flags & CF_SIM_RINGS) != 0 && c->outcome == CF_SIM_ANSWER;
    bool toggle = !answers && c->toggles != 0 && (c->state & TALKS) != 0;
    c->flags &= (uint8_t)~CF_SIM_RINGS;
    c->toggles -= toggle;
    if (answers || (toggle && (c->flags & CF_SIM_HELD) != 0))
        return;
    struct cf_sim_step to = next_step(m, c, toggle);
    bool elsewhere = cf_sim_goes_on_elsewhere(m, c, to);
    if (elsewhere)
        to.mode = LINEDISCONNECTMODE_FORWARDED;
    cf_sim_call_report(m, c, to, now_ns);
    if (elsewhere)
        cf_sim_send_on(m, c, now_ns);
}

void cf_sim_call_go_on(struct cf_sim_model *m, struct cf_sim_call *c, uint64_t tick, int64_t now_ns)
{
    while (c->state != LINECALLSTATE_IDLE) {
        uint64_t stay = stay_ms(m, c);
        if (stay == CF_WHEEL_NEVER)
            return;
        if (stay != 0) {
            cf_wheel_set(&m->wheel, cf_sim_call_index(m, c), tick + stay);
            return;
        }
        cf_sim_call_expire(m, c, now_ns);
    }
    cf_wheel_cancel(&m->wheel, cf_sim_call_index(m, c));
}
