/* See model.h. */
#include "adapters/sim/model.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sim/random.h"
#include "adapters/sim/wheel.h"
#include "callfan/tapi.h"
#include "shm/sys_memory.h"

#define TICK_NS CF_NS_PER_MS

struct call {
    struct cf_wheel_node timer;
    uint64_t id; /* 0: not in use */
    uint64_t serial;
    uint32_t line;
    uint32_t state, mode;
    uint32_t segment_ms; /* of talking or holding */
    uint32_t give_up_ms; /* of a caller whom nobody answers */
    uint16_t toggles;    /* between CONNECTED and ONHOLD, still to come */
    uint8_t outcome;     /* enum cf_sim_outcome */
    uint8_t outgoing;
    uint8_t held; /* by its owner: the exchange's own toggles pass unseen */
    uint8_t reserved[7];
};
_Static_assert(sizeof(struct call) == 64, "one line");

struct cf_sim_model {
    const struct cf_sim_settings *settings;
    struct cf_sim_outlet out;
    int64_t start_ns;
    struct call *calls; /* calls_max */
    uint32_t used;      /* calls below it were in use at least once */
    uint64_t live;
    struct cf_wheel wheel;
    struct cf_random arrivals; /* of its own calls alone, so that commands change nothing about them */
    struct cf_random dialling;
    bool arriving;
    double next_arrival_ns; /* since start_ns */
    uint64_t serial;        /* of the next call */
    uint64_t made;          /* of settings->calls */
    bool accepts;           /* the profile passes ACCEPTED */
    uint16_t toggles;
    uint32_t *open; /* lines that are open, in no order */
    uint32_t open_count;
    uint32_t *place; /* of a line in open; CF_LINES_MAX: closed */
    struct cf_sim_counters counters;
};

/* How each outcome ends; ANSWER ends when the talk does. */
static const uint32_t disconnect_modes[] = {
    [CF_SIM_ANSWER] = LINEDISCONNECTMODE_NORMAL,           [CF_SIM_BUSY] = LINEDISCONNECTMODE_BUSY,
    [CF_SIM_NO_ANSWER] = LINEDISCONNECTMODE_NOANSWER,      [CF_SIM_ABANDON] = LINEDISCONNECTMODE_CANCELLED,
    [CF_SIM_REJECT] = LINEDISCONNECTMODE_REJECT,           [CF_SIM_BAD_ADDRESS] = LINEDISCONNECTMODE_BADADDRESS,
    [CF_SIM_UNREACHABLE] = LINEDISCONNECTMODE_UNREACHABLE, [CF_SIM_CONGESTION] = LINEDISCONNECTMODE_CONGESTION,
    [CF_SIM_BLOCKED] = LINEDISCONNECTMODE_BLOCKED,
};
_Static_assert(sizeof disconnect_modes / sizeof disconnect_modes[0] == CF_SIM_OUTCOMES, "an end for each outcome");

/* ------------------------------------------------------------------ life */

/* The states of an exact profile: OFFERING, (ACCEPTED,) CONNECTED, then toggles, DISCONNECTED, IDLE, and LINE_APPNEWCALL before. */
static void read_profile(struct cf_sim_model *m)
{
    uint32_t n = m->settings->messages;
    m->accepts = n == 0 || (n >= 6 && n % 2 == 0);
    m->toggles = n <= 6 ? 0 : (uint16_t)(n - 5 - m->accepts);
}

int cf_sim_model_new(struct cf_sim_model **ret_model, const struct cf_sim_settings *settings,
                     const struct cf_sim_outlet *outlet, int64_t now_ns)
{
    struct cf_sim_model *m = calloc(1, sizeof *m);
    void *memory;
    if (m == NULL)
        return -ENOMEM;
    m->settings = settings;
    m->out = *outlet;
    m->start_ns = now_ns;
    m->serial = settings->first_serial;
    cf_random_init(&m->arrivals, settings->seed);
    cf_random_init(&m->dialling, ~settings->seed);
    read_profile(m);
    m->open = malloc(settings->lines * sizeof *m->open);
    m->place = malloc(settings->lines * sizeof *m->place);
    if (m->open == NULL || m->place == NULL ||
        cf_memory_anonymous((size_t)settings->calls_max * sizeof(struct call), false, &memory) < 0)
        goto fail;
    m->calls = memory;
    if (!cf_wheel_init(&m->wheel, memory, sizeof(struct call), 0))
        goto fail;
    for (uint32_t i = 0; i < settings->lines; i++)
        m->place[i] = CF_LINES_MAX;
    *ret_model = m;
    return 0;

fail:
    cf_sim_model_free(m);
    return -ENOMEM;
}

void cf_sim_model_free(struct cf_sim_model *m)
{
    if (m == NULL)
        return;
    cf_wheel_fini(&m->wheel);
    if (m->calls != NULL)
        cf_memory_unmap(m->calls, (size_t)m->settings->calls_max * sizeof(struct call));
    free(m->open);
    free(m->place);
    free(m);
}

/* ------------------------------------------------------------------ one call */

static uint64_t tick_of(const struct cf_sim_model *m, int64_t now_ns)
{
    return now_ns <= m->start_ns ? 0 : (uint64_t)(now_ns - m->start_ns) / TICK_NS;
}

static uint32_t index_of(const struct cf_sim_model *m, const struct call *c)
{
    return (uint32_t)(c - m->calls);
}

static struct cf_sim_note note_of(const struct call *c, uint32_t flags)
{
    return (struct cf_sim_note){c->serial, c->line, flags | (c->outgoing ? CF_JOURNAL_OUTGOING : 0)};
}

static struct call *find(const struct cf_sim_model *m, uint64_t id)
{
    uint32_t index = cf_handle_index(id);
    return id != 0 && index < m->used && m->calls[index].id == id ? &m->calls[index] : NULL;
}

/* A call with a new identifier, or NULL. */
static struct call *begin(struct cf_sim_model *m, uint32_t line)
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
    struct call *c = &m->calls[index];
    assert(c->id == 0 && c->timer.due == CF_WHEEL_NEVER);
    struct cf_wheel_node timer = c->timer;
    *c = (struct call){.timer = timer, .id = id, .line = line, .serial = m->serial++};
    m->live++;
    return c;
}

static void forget(struct cf_sim_model *m, struct call *c)
{
    cf_wheel_cancel(&m->wheel, index_of(m, c));
    m->out.call_free(m->out.arg, c->id);
    c->id = 0;
    m->live--;
}

/* How long the call stays in the state that it has now. CF_WHEEL_NEVER: until somebody does something, or as was set before. */
static uint64_t stay_ms(const struct cf_sim_model *m, const struct call *c)
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
        return c->segment_ms;
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

struct step {
    uint32_t state, mode;
};

/* What follows when the call has stayed long enough. toggle: of CONNECTED and ONHOLD, that it is to go on. */
static struct step next_step(const struct cf_sim_model *m, const struct call *c, bool toggle)
{
    const struct step end = {LINECALLSTATE_DISCONNECTED, disconnect_modes[c->outcome]};
    const struct step talk = {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE};
    bool answered = c->outcome == CF_SIM_ANSWER;
    switch (c->state) {
    case LINECALLSTATE_OFFERING:
        if (!m->settings->automatic)
            return (struct step){LINECALLSTATE_DISCONNECTED,
                                 answered ? LINEDISCONNECTMODE_NOANSWER : disconnect_modes[c->outcome]};
        if (m->accepts && c->outcome != CF_SIM_BUSY)
            return (struct step){LINECALLSTATE_ACCEPTED, 0};
        return answered && m->settings->messages != CF_SIM_MESSAGES_MIN ? talk : end;
    case LINECALLSTATE_ACCEPTED:
        if (!m->settings->automatic && answered)
            return (struct step){LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NOANSWER};
        return answered ? talk : end;
    case LINECALLSTATE_CONNECTED:
        return toggle ? (struct step){LINECALLSTATE_ONHOLD, 0} : end;
    case LINECALLSTATE_ONHOLD:
        return toggle ? talk : end;
    case LINECALLSTATE_DIALING:
        return (struct step){LINECALLSTATE_PROCEEDING, 0};
    case LINECALLSTATE_PROCEEDING:
        if (c->outcome == CF_SIM_BUSY)
            return (struct step){LINECALLSTATE_BUSY, LINEBUSYMODE_STATION};
        return answered || c->outcome == CF_SIM_NO_ANSWER ? (struct step){LINECALLSTATE_RINGBACK, 0} : end;
    case LINECALLSTATE_RINGBACK:
        return answered ? talk : end;
    case LINECALLSTATE_BUSY:
        return end;
    default:
        return (struct step){LINECALLSTATE_IDLE, 0};
    }
}

static void report(struct cf_sim_model *m, struct call *c, struct step to, int64_t now_ns)
{
    const struct cf_call_state s = {.state = to.state, .mode = to.mode, .time_ns = now_ns};
    const struct cf_sim_note note = note_of(c, 0);
    c->state = to.state;
    c->mode = to.mode;
    m->counters.reports++;
    m->counters.ended += to.state == LINECALLSTATE_IDLE;
    m->out.state(m->out.arg, c->id, &s, &note);
}

/* The state has lasted its time: what follows. A toggle of a call that its owner holds is not seen. */
static void expire(struct cf_sim_model *m, struct call *c, int64_t now_ns)
{
    bool toggle = c->toggles != 0 && (c->state == LINECALLSTATE_CONNECTED || c->state == LINECALLSTATE_ONHOLD);
    c->toggles -= toggle;
    if (!toggle || !c->held)
        report(m, c, next_step(m, c, toggle), now_ns);
}

/* Sets the timer of the state the call is in; states that last no time are passed at once. tick: when this state began. */
static void go_on(struct cf_sim_model *m, struct call *c, uint64_t tick, int64_t now_ns)
{
    while (c->state != LINECALLSTATE_IDLE) {
        uint64_t stay = stay_ms(m, c);
        if (stay == CF_WHEEL_NEVER)
            return;
        if (stay != 0) {
            cf_wheel_set(&m->wheel, index_of(m, c), tick + stay);
            return;
        }
        expire(m, c, now_ns);
    }
    cf_wheel_cancel(&m->wheel, index_of(m, c));
}

/* ------------------------------------------------------------------ arrivals */

static enum cf_sim_outcome draw_outcome(const struct cf_sim_settings *s, double u)
{
    if (u < s->busy)
        return CF_SIM_BUSY;
    if (u < s->busy + s->no_answer)
        return CF_SIM_NO_ANSWER;
    return u < s->busy + s->no_answer + s->abandon ? CF_SIM_ABANDON : CF_SIM_ANSWER;
}

static uint32_t draw_ms(double ms)
{
    return ms < 1 ? 1 : ms < 1e9 ? (uint32_t)ms : 1000000000u;
}

/* Always the same number of draws, so that no call changes the next. */
static void draw_fate(struct cf_sim_model *m, struct cf_random *random, struct call *c)
{
    const struct cf_sim_settings *s = m->settings;
    c->outcome = (uint8_t)draw_outcome(s, cf_random_unit(random));
    double patience = cf_random_exponential(random, s->abandon_ms);
    double hold = cf_random_exponential(random, s->hold_ms);
    if (s->hold_fixed)
        hold = s->hold_ms;
    bool owner_decides = !s->automatic && !c->outgoing && c->outcome == CF_SIM_BUSY;
    if (s->messages != 0 || owner_decides)
        c->outcome = CF_SIM_ANSWER;
    c->give_up_ms = c->outcome == CF_SIM_ABANDON ? draw_ms(patience) : s->no_answer_ms;
    c->toggles = c->outgoing ? 0 : m->toggles;
    c->segment_ms = draw_ms(hold / (c->toggles + 1));
}

static uint32_t digits_of(char *text, size_t text_bytes, uint64_t number)
{
    return (uint32_t)snprintf(text, text_bytes, "%llu", (unsigned long long)number);
}

static bool announce(struct cf_sim_model *m, const struct call *c, uint32_t flags, int64_t now_ns)
{
    char caller[24], called[24];
    const struct cf_text serial = {caller, digits_of(caller, sizeof caller, c->serial)};
    const struct cf_text own = {called, digits_of(called, sizeof called, m->settings->number + c->line)};
    const struct cf_sim_note note = note_of(c, flags);
    const struct cf_new_call new_call = {
        .call = c->id,
        .line = c->line,
        .state = c->state,
        .mode = c->mode,
        .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE,
        .origin = c->outgoing ? LINECALLORIGIN_OUTBOUND : LINECALLORIGIN_EXTERNAL,
        .reason = LINECALLREASON_DIRECT,
        .time_ns = now_ns,
        .caller = c->outgoing ? own : serial,
        .called = c->outgoing ? (struct cf_text){NULL, 0} : own,
    };
    return m->out.announce(m->out.arg, &new_call, &note);
}

static void arrive(struct cf_sim_model *m, int64_t now_ns)
{
    const struct cf_sim_settings *s = m->settings;
    uint32_t choices = s->needs_open ? m->open_count : s->lines;
    uint32_t choice = cf_random_below(&m->arrivals, choices != 0 ? choices : 1);
    m->next_arrival_ns += s->regular ? 1e9 / s->rate : cf_random_exponential(&m->arrivals, 1e9 / s->rate);
    if (choices == 0) {
        m->counters.nobody++;
        return;
    }
    struct call lost = {0};
    m->made++;
    struct call *c = begin(m, s->needs_open ? m->open[choice] : choice);
    draw_fate(m, &m->arrivals, c != NULL ? c : &lost);
    if (c == NULL) {
        m->counters.blocked++;
        return;
    }
    c->state = LINECALLSTATE_OFFERING;
    c->mode = LINEOFFERINGMODE_ACTIVE;
    if (!announce(m, c, 0, now_ns)) {
        m->counters.unsent++;
        forget(m, c);
        return;
    }
    m->counters.arrivals++;
    m->counters.reports++;
    go_on(m, c, m->wheel.now, now_ns);
}

static void start_arriving(struct cf_sim_model *m, uint64_t tick)
{
    const struct cf_sim_settings *s = m->settings;
    if (m->arriving || s->rate <= 0)
        return;
    m->arriving = true;
    m->next_arrival_ns = (double)(tick + s->start_ms) * (double)TICK_NS;
    m->next_arrival_ns += s->regular ? 1e9 / s->rate : cf_random_exponential(&m->arrivals, 1e9 / s->rate);
}

/* The tick of the next arrival; CF_WHEEL_NEVER: none will come. */
static uint64_t arrival_tick(const struct cf_sim_model *m)
{
    if (!m->arriving || (m->settings->calls != 0 && m->made >= m->settings->calls))
        return CF_WHEEL_NEVER;
    return (uint64_t)(m->next_arrival_ns / (double)TICK_NS);
}

/* ------------------------------------------------------------------ work */

uint32_t cf_sim_model_work(struct cf_sim_model *m, int64_t now_ns, uint32_t limit)
{
    uint64_t target = tick_of(m, now_ns);
    uint32_t done = 0;
    if (!m->settings->needs_open)
        start_arriving(m, 0);
    for (;;) {
        for (; done < limit && arrival_tick(m) <= m->wheel.now; done++)
            arrive(m, now_ns);
        uint32_t index;
        for (; done < limit && (index = cf_wheel_expire(&m->wheel)) != CF_WHEEL_NONE; done++) {
            struct call *c = &m->calls[index];
            expire(m, c, now_ns);
            go_on(m, c, m->wheel.now, now_ns);
        }
        if (done >= limit || m->wheel.now >= target)
            return done;
        uint64_t arrival = arrival_tick(m);
        uint64_t next = cf_wheel_next(&m->wheel, arrival < target ? arrival : target);
        if (next > m->wheel.now)
            cf_wheel_skip(&m->wheel, next);
        else
            cf_wheel_advance(&m->wheel);
    }
}

int64_t cf_sim_model_deadline(const struct cf_sim_model *m)
{
    uint64_t next = cf_wheel_next(&m->wheel, arrival_tick(m));
    return next == CF_WHEEL_NEVER ? CF_REACTOR_NEVER : m->start_ns + (int64_t)(next * TICK_NS);
}

/* ------------------------------------------------------------------ commands */

static enum cf_sim_outcome dialled_outcome(const struct cf_sim_settings *s, struct cf_text number,
                                           enum cf_sim_outcome drawn)
{
    for (uint32_t i = 0; i < s->dial_count; i++) {
        size_t n = strlen(s->dial[i].prefix);
        if (n <= number.bytes && memcmp(s->dial[i].prefix, number.at, n) == 0)
            return s->dial[i].outcome;
    }
    return drawn == CF_SIM_ABANDON ? CF_SIM_ANSWER : drawn;
}

static void make_call(struct cf_sim_model *m, const struct cf_command *command, uint64_t tick, int64_t now_ns)
{
    if (command->destination.bytes == 0 || command->line >= m->settings->lines) {
        m->out.reply(m->out.arg, command->number,
                     command->destination.bytes == 0 ? LINEERR_INVALADDRESS : LINEERR_OPERATIONFAILED, 0);
        return;
    }
    struct call *c = begin(m, command->line);
    if (c == NULL) {
        m->out.reply(m->out.arg, command->number, LINEERR_CALLUNAVAIL, 0);
        return;
    }
    c->outgoing = 1;
    draw_fate(m, &m->dialling, c);
    c->outcome = (uint8_t)dialled_outcome(m->settings, command->destination, (enum cf_sim_outcome)c->outcome);
    c->give_up_ms = m->settings->no_answer_ms;
    m->counters.dialled++;
    m->out.reply(m->out.arg, command->number, 0, c->id);
    report(m, c, (struct step){LINECALLSTATE_DIALING, 0}, now_ns);
    go_on(m, c, tick, now_ns);
}

/* Whether the call may be accepted, answered, held, retrieved or dropped now; what it becomes then. */
static bool obey(const struct call *c, uint16_t command, struct step *ret_step)
{
    bool ringing = c->state == LINECALLSTATE_OFFERING || c->state == LINECALLSTATE_ACCEPTED;
    switch (command) {
    case CF_CMD_ACCEPT:
        *ret_step = (struct step){LINECALLSTATE_ACCEPTED, 0};
        return c->state == LINECALLSTATE_OFFERING;
    case CF_CMD_ANSWER:
        *ret_step = (struct step){LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE};
        return ringing;
    case CF_CMD_HOLD:
        *ret_step = (struct step){LINECALLSTATE_ONHOLD, 0};
        return c->state == LINECALLSTATE_CONNECTED;
    case CF_CMD_UNHOLD:
        *ret_step = (struct step){LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE};
        return c->state == LINECALLSTATE_ONHOLD;
    default:
        *ret_step = ringing ? (struct step){LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_REJECT}
                            : (struct step){LINECALLSTATE_IDLE, 0};
        return c->state != LINECALLSTATE_IDLE;
    }
}

static void control(struct cf_sim_model *m, const struct cf_command *command, uint64_t tick, int64_t now_ns)
{
    struct call *c = find(m, command->call);
    struct step to;
    if (c == NULL || !obey(c, command->id, &to)) {
        m->out.reply(m->out.arg, command->number, c == NULL ? LINEERR_INVALCALLHANDLE : LINEERR_INVALCALLSTATE,
                     command->call);
        return;
    }
    m->out.reply(m->out.arg, command->number, 0, c->id);
    if (command->id == CF_CMD_ANSWER)
        c->outcome = CF_SIM_ANSWER;
    report(m, c, to, now_ns);
    if (command->id == CF_CMD_DROP && to.state != LINECALLSTATE_IDLE)
        report(m, c, (struct step){LINECALLSTATE_IDLE, 0},
               now_ns); /* rejected: the owner's drop is the end, no linger */
    go_on(m, c, tick, now_ns);
}

/* The talk's time runs on: how long the other end stays is its own affair. The state is told before the reply (M-23). */
static void hold(struct cf_sim_model *m, const struct cf_command *command, int64_t now_ns)
{
    struct call *c = find(m, command->call);
    struct step to;
    bool allowed = c != NULL && obey(c, command->id, &to);
    if (allowed) {
        c->held = command->id == CF_CMD_HOLD;
        report(m, c, to, now_ns);
    }
    m->out.reply(m->out.arg, command->number,
                 allowed     ? 0
                 : c != NULL ? LINEERR_INVALCALLSTATE
                             : LINEERR_INVALCALLHANDLE,
                 command->call);
}

static void core_forgets(struct cf_sim_model *m, const struct cf_command *command, int64_t now_ns)
{
    struct call *c = find(m, command->call);
    if (c == NULL)
        return;
    bool refused = command->id == CF_CMD_REFUSED;
    if (refused || c->state != LINECALLSTATE_IDLE) {
        const struct cf_sim_note note = note_of(c, refused ? CF_JOURNAL_REFUSED : CF_JOURNAL_CLOSED);
        m->counters.refused += refused;
        m->counters.closed_live += !refused;
        m->out.note(m->out.arg, &note, refused ? command->refusal : c->state, now_ns);
    }
    forget(m, c);
}

static void open_line(struct cf_sim_model *m, uint32_t line, uint64_t tick)
{
    if (line >= m->settings->lines || m->place[line] != CF_LINES_MAX)
        return;
    m->place[line] = m->open_count;
    m->open[m->open_count++] = line;
    start_arriving(m, tick);
}

static void close_line(struct cf_sim_model *m, uint32_t line)
{
    if (line >= m->settings->lines || m->place[line] == CF_LINES_MAX)
        return;
    uint32_t last = m->open[--m->open_count];
    m->open[m->place[line]] = last;
    m->place[last] = m->place[line];
    m->place[line] = CF_LINES_MAX;
}

void cf_sim_model_command(struct cf_sim_model *m, const struct cf_command *command, int64_t now_ns)
{
    uint64_t tick = tick_of(m, now_ns);
    switch (command->id) {
    case CF_CMD_MAKE_CALL:
        make_call(m, command, tick, now_ns);
        break;
    case CF_CMD_HOLD:
    case CF_CMD_UNHOLD:
        hold(m, command, now_ns);
        break;
    case CF_CMD_CLOSE_CALL:
    case CF_CMD_REFUSED:
        core_forgets(m, command, now_ns);
        break;
    case CF_CMD_OPEN_LINE:
        open_line(m, command->line, tick);
        break;
    case CF_CMD_CLOSE_LINE:
        close_line(m, command->line);
        break;
    default:
        control(m, command, tick, now_ns);
        break;
    }
}

void cf_sim_model_announce(struct cf_sim_model *m, int64_t now_ns)
{
    while (m->open_count != 0)
        close_line(m, m->open[0]);
    for (uint32_t i = 0; i < m->used; i++) {
        struct call *c = &m->calls[i];
        if (c->id == 0)
            continue;
        if (c->state == LINECALLSTATE_IDLE || !announce(m, c, CF_JOURNAL_AGAIN, now_ns))
            forget(m, c);
    }
}

/* ------------------------------------------------------------------ looking in */

uint64_t cf_sim_model_live(const struct cf_sim_model *m)
{
    return m->live;
}

void cf_sim_model_counters(const struct cf_sim_model *m, struct cf_sim_counters *ret_counters)
{
    *ret_counters = m->counters;
}

bool cf_sim_model_check(const struct cf_sim_model *m, char *why, size_t why_bytes)
{
    if (!cf_wheel_check(&m->wheel, why, why_bytes))
        return false;
    uint64_t live = 0, timed = 0;
    for (uint32_t i = 0; i < m->used; i++) {
        const struct call *c = &m->calls[i];
        bool waits = c->timer.due != CF_WHEEL_NEVER;
        if (waits != (c->id != 0 && c->state != LINECALLSTATE_IDLE) || (c->id != 0 && cf_handle_index(c->id) != i)) {
            snprintf(why, why_bytes, "call %u has state %u and its timer is wrong", i, c->state);
            return false;
        }
        live += c->id != 0;
        timed += waits;
    }
    for (uint32_t i = 0; i < m->open_count; i++) {
        if (m->place[m->open[i]] != i) {
            snprintf(why, why_bytes, "open line %u stands at a wrong place", m->open[i]);
            return false;
        }
    }
    if (live == m->live && timed == m->wheel.entries)
        return true;
    snprintf(why, why_bytes, "%llu calls live and %llu have timers; counted are %llu and %llu",
             (unsigned long long)live, (unsigned long long)timed, (unsigned long long)m->live,
             (unsigned long long)m->wheel.entries);
    return false;
}
