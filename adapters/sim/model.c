/* See model.h. */
#include "adapters/sim/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/sim/bond.h"
#include "shm/sys_memory.h"

/* ------------------------------------------------------------------ life */

/* The states of an exact profile: OFFERING, (ACCEPTED,) CONNECTED, then toggles, DISCONNECTED, IDLE, and LINE_APPNEWCALL before. */
static void read_profile(struct cf_sim_model *m)
{
    uint32_t n = m->settings->messages;
    m->accepts = n == 0 || (n >= 6 && n % 2 == 0);
    m->toggles = n <= 6 ? 0 : (uint16_t)(n - 5 - m->accepts);
}

static size_t memory_bytes(const struct cf_sim_settings *s)
{
    return ((size_t)cf_sim_completions_base(s) + CF_SIM_COMPLETIONS_MAX) * sizeof(struct cf_sim_call);
}

static size_t bonds_bytes(const struct cf_sim_settings *s)
{
    return (size_t)s->calls_max * sizeof(struct cf_sim_bond);
}

static size_t forwards_bytes(const struct cf_sim_settings *s)
{
    return (size_t)s->lines * sizeof(struct cf_sim_forward);
}

static size_t pasts_bytes(const struct cf_sim_settings *s)
{
    return (size_t)s->calls_max * sizeof(struct cf_sim_past);
}

int cf_sim_model_new(struct cf_sim_model **ret_model, const struct cf_sim_settings *settings,
                     const struct cf_sim_outlet *outlet, int64_t now_ns)
{
    struct cf_sim_model *m = calloc(1, sizeof *m);
    void *memory, *bonds, *pasts, *forwards;
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
    m->busy = calloc(settings->lines, sizeof *m->busy);
    if (m->open == NULL || m->place == NULL || m->busy == NULL || cf_memory_anonymous(memory_bytes(settings), false, &memory) < 0)
        goto fail;
    m->calls = memory;
    m->digits = (struct cf_sim_sending *)memory + settings->calls_max;
    m->digits_used = 1;
    if (cf_memory_anonymous(bonds_bytes(settings), false, &bonds) < 0)
        goto fail;
    m->bonds = bonds;
    if (cf_memory_anonymous(pasts_bytes(settings), false, &pasts) < 0)
        goto fail;
    m->pasts = pasts;
    if (cf_memory_anonymous(forwards_bytes(settings), false, &forwards) < 0)
        goto fail;
    m->forwards = forwards;
    m->orbits = (struct cf_sim_orbit *)memory + cf_sim_orbits_base(settings);
    for (uint32_t i = 0; i < CF_SIM_ORBITS_MAX; i++)
        cf_wheel_node_init(&m->orbits[i].timer);
    m->completions = (struct cf_sim_completion *)memory + cf_sim_completions_base(settings);
    for (uint32_t i = 0; i < CF_SIM_COMPLETIONS_MAX; i++)
        cf_wheel_node_init(&m->completions[i].timer);
    if (!cf_wheel_init(&m->wheel, memory, sizeof(struct cf_sim_call), 0) ||
        cf_sim_far_ends_new(&m->far_ends, settings, &m->out, &m->wheel, m->digits + CF_SIM_DIGITS_MAX,
                            cf_sim_far_ends_base(settings)) < 0)
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
    cf_sim_far_ends_free(m->far_ends);
    cf_wheel_fini(&m->wheel);
    if (m->calls != NULL)
        cf_memory_unmap(m->calls, memory_bytes(m->settings));
    if (m->bonds != NULL)
        cf_memory_unmap(m->bonds, bonds_bytes(m->settings));
    if (m->pasts != NULL)
        cf_memory_unmap(m->pasts, pasts_bytes(m->settings));
    if (m->forwards != NULL)
        cf_memory_unmap(m->forwards, forwards_bytes(m->settings));
    free(m->open);
    free(m->place);
    free(m->busy);
    free(m);
}

/* ------------------------------------------------------------------ work */

static uint64_t tick_of(const struct cf_sim_model *m, int64_t now_ns)
{
    return now_ns <= m->start_ns ? 0 : (uint64_t)(now_ns - m->start_ns) / CF_SIM_TICK_NS;
}

/* By whose timer it is. */
static void expire(struct cf_sim_model *m, uint32_t index, int64_t now_ns)
{
    const struct cf_sim_settings *s = m->settings;
    if (index >= cf_sim_completions_base(s)) {
        cf_sim_completion_expire(m, index - cf_sim_completions_base(s), now_ns);
    } else if (index >= cf_sim_orbits_base(s)) {
        cf_sim_orbit_expire(m, index - cf_sim_orbits_base(s), now_ns);
    } else if (index >= cf_sim_far_ends_base(s)) {
        cf_sim_far_end_expire(m->far_ends, index - cf_sim_far_ends_base(s), now_ns);
    } else if (index >= s->calls_max) {
        cf_sim_digits_end(m, &m->calls[m->digits[index - s->calls_max].call], 0);
    } else {
        cf_sim_call_expire(m, &m->calls[index], now_ns);
        cf_sim_call_go_on(m, &m->calls[index], m->wheel.now, now_ns);
    }
}

uint32_t cf_sim_model_work(struct cf_sim_model *m, int64_t now_ns, uint32_t limit)
{
    uint64_t target = tick_of(m, now_ns);
    uint32_t done = 0;
    if (!m->settings->needs_open)
        cf_sim_arrivals_start(m, 0);
    if (m->forwards_untold != 0)
        cf_sim_forwards_tell(m);
    for (;;) {
        for (; done < limit && cf_sim_arrival_tick(m) <= m->wheel.now; done++)
            cf_sim_arrive(m, now_ns);
        uint32_t index;
        for (; done < limit && (index = cf_wheel_expire(&m->wheel)) != CF_WHEEL_NONE; done++)
            expire(m, index, now_ns);
        if (done >= limit || m->wheel.now >= target)
            return done;
        uint64_t arrival = cf_sim_arrival_tick(m);
        uint64_t next = cf_wheel_next(&m->wheel, arrival < target ? arrival : target);
        if (next > m->wheel.now)
            cf_wheel_skip(&m->wheel, next);
        else
            cf_wheel_advance(&m->wheel);
    }
}

int64_t cf_sim_model_deadline(const struct cf_sim_model *m)
{
    uint64_t next = cf_wheel_next(&m->wheel, cf_sim_arrival_tick(m));
    return next == CF_WHEEL_NEVER ? CF_REACTOR_NEVER : m->start_ns + (int64_t)(next * CF_SIM_TICK_NS);
}

/* ------------------------------------------------------------------ commands */

/* Accept, answer and drop: in which states, and what the call becomes. */
static const struct {
    uint16_t command;
    uint32_t states;
    struct cf_sim_step to;
} controls[] = {
    {CF_CMD_ACCEPT, LINECALLSTATE_OFFERING, {LINECALLSTATE_ACCEPTED, 0}},
    {CF_CMD_ANSWER,
     LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED,
     {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE}},
    {CF_CMD_DROP,
     LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED,
     {LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_REJECT}},
    {CF_CMD_DROP, ~(uint32_t)LINECALLSTATE_IDLE, {LINECALLSTATE_IDLE, 0}},
};

/* False: that state does not allow it. */
static bool control_step(const struct cf_sim_call *c, uint16_t command, struct cf_sim_step *ret_step)
{
    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
        if (controls[i].command == command && (controls[i].states & c->state) != 0) {
            *ret_step = controls[i].to;
            return true;
        }
    }
    return false;
}

static void control(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    struct cf_sim_step to;
    if (c == NULL || !control_step(c, command->id, &to)) {
        cf_sim_reply(m, command, c == NULL ? LINEERR_INVALCALLHANDLE : LINEERR_INVALCALLSTATE, command->call);
        return;
    }
    cf_sim_reply(m, command, 0, c->id);
    if (command->id == CF_CMD_ANSWER)
        c->outcome = CF_SIM_ANSWER;
    cf_sim_call_report(m, c, to, now.ns);
    if (command->id == CF_CMD_DROP && to.state != LINECALLSTATE_IDLE)
        cf_sim_call_end(m, c, now.ns); /* rejected: the owner's drop is the end, no linger */
    else
        cf_sim_call_go_on(m, c, now.tick, now.ns);
}

/* The exchange switches anything that its lines can carry. */
static void set_params(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    const struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    bool over = c == NULL || c->state == LINECALLSTATE_IDLE || c->state == LINECALLSTATE_DISCONNECTED;
    (void)now;
    cf_sim_reply(m, command, c == NULL ? LINEERR_INVALCALLHANDLE : over ? LINEERR_INVALCALLSTATE : 0, command->call);
}

static void core_forgets(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    if (c == NULL)
        return;
    bool refused = command->id == CF_CMD_REFUSED;
    if (refused || c->state != LINECALLSTATE_IDLE) {
        m->counters.refused += refused;
        m->counters.closed_live += !refused;
        cf_sim_call_note(m, c, refused ? CF_JOURNAL_REFUSED : CF_JOURNAL_CLOSED, refused ? command->refusal : c->state,
                         now.ns);
    }
    cf_sim_call_forget(m, c, now.ns);
}

static void open_line(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    uint32_t line = command->line;
    if (line >= m->settings->lines || m->place[line] != CF_LINES_MAX)
        return;
    m->place[line] = m->open_count;
    m->open[m->open_count++] = line;
    cf_sim_arrivals_start(m, now.tick);
}

static void forget_line(struct cf_sim_model *m, uint32_t line)
{
    if (line >= m->settings->lines || m->place[line] == CF_LINES_MAX)
        return;
    uint32_t last = m->open[--m->open_count];
    m->open[m->place[line]] = last;
    m->place[last] = m->place[line];
    m->place[line] = CF_LINES_MAX;
}

static void close_line(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    (void)now;
    forget_line(m, command->line);
}

static const struct {
    uint16_t command;
    uint32_t feature, address_feature; /* LINECALLFEATURE_, LINEADDRFEATURE_ that the lines must have; 0: any has it */
    void (*obey)(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
} commands[] = {
    {CF_CMD_MAKE_CALL, 0, 0, cf_sim_make_call},
    {CF_CMD_ACCEPT, LINECALLFEATURE_ACCEPT, 0, control},
    {CF_CMD_ANSWER, LINECALLFEATURE_ANSWER, 0, control},
    {CF_CMD_DROP, 0, 0, control}, /* the core's own is not asked for by anybody */
    {CF_CMD_HOLD, LINECALLFEATURE_HOLD, 0, cf_sim_hold},
    {CF_CMD_UNHOLD, LINECALLFEATURE_UNHOLD, 0, cf_sim_unhold},
    {CF_CMD_GENERATE_DIGITS, LINECALLFEATURE_GENERATEDIGITS, 0, cf_sim_generate},
    {CF_CMD_GENERATE_TONE, LINECALLFEATURE_GENERATETONE, 0, cf_sim_generate},
    {CF_CMD_GATHER_DIGITS, LINECALLFEATURE_GATHERDIGITS, 0, cf_sim_listen},
    {CF_CMD_MONITOR_DIGITS, LINECALLFEATURE_MONITORDIGITS, 0, cf_sim_listen},
    {CF_CMD_SET_CALL_PARAMS, LINECALLFEATURE_SETCALLPARAMS, 0, set_params},
    {CF_CMD_DIAL, LINECALLFEATURE_DIAL, 0, cf_sim_dial_on},
    {CF_CMD_REDIRECT, LINECALLFEATURE_REDIRECT, 0, cf_sim_redirect},
    {CF_CMD_SECURE_CALL, LINECALLFEATURE_SECURECALL, 0, cf_sim_secure},
    {CF_CMD_SWAP_HOLD, LINECALLFEATURE_SWAPHOLD, 0, cf_sim_swap_hold},
    {CF_CMD_SETUP_TRANSFER, LINECALLFEATURE_SETUPTRANSFER, 0, cf_sim_setup_transfer},
    {CF_CMD_COMPLETE_TRANSFER, LINECALLFEATURE_COMPLETETRANSF, 0, cf_sim_complete_transfer},
    {CF_CMD_BLIND_TRANSFER, LINECALLFEATURE_BLINDTRANSFER, 0, cf_sim_blind_transfer},
    {CF_CMD_SETUP_CONFERENCE, LINECALLFEATURE_SETUPCONF, 0, cf_sim_setup_conference},
    {CF_CMD_PREPARE_ADD, LINECALLFEATURE_PREPAREADDCONF, 0, cf_sim_prepare_add},
    {CF_CMD_ADD_TO_CONFERENCE, LINECALLFEATURE_ADDTOCONF, 0, cf_sim_add_to_conference},
    {CF_CMD_REMOVE_FROM_CONFERENCE, LINECALLFEATURE_REMOVEFROMCONF, 0, cf_sim_remove_from_conference},
    {CF_CMD_PARK, LINECALLFEATURE_PARK, 0, cf_sim_park},
    {CF_CMD_UNPARK, 0, LINEADDRFEATURE_UNPARK, cf_sim_unpark},
    {CF_CMD_PICKUP, 0, LINEADDRFEATURE_PICKUP, cf_sim_pickup},
    {CF_CMD_FORWARD, 0, LINEADDRFEATURE_FORWARD, cf_sim_forward},
    {CF_CMD_COMPLETE_CALL, LINECALLFEATURE_COMPLETECALL, 0, cf_sim_complete_call},
    {CF_CMD_UNCOMPLETE_CALL, 0, LINEADDRFEATURE_UNCOMPLETECALL, cf_sim_uncomplete_call},
    {CF_CMD_SEND_USER_USER, LINECALLFEATURE_SENDUSERUSER, 0, cf_sim_send_user_user},
    {CF_CMD_RELEASE_USER_USER, LINECALLFEATURE_RELEASEUSERUSERINFO, 0, cf_sim_release_user_user},
    {CF_CMD_SET_CALL_DATA, LINECALLFEATURE_SETCALLDATA, 0, cf_sim_set_call_data},
    {CF_CMD_SET_CALL_TREATMENT, LINECALLFEATURE_SETTREATMENT, 0, cf_sim_set_treatment},
    {CF_CMD_DEV_SPECIFIC, 0, 0, cf_sim_dev_specific},
    {CF_CMD_CLOSE_CALL, 0, 0, core_forgets},
    {CF_CMD_REFUSED, 0, 0, core_forgets},
    {CF_CMD_OPEN_LINE, 0, 0, open_line},
    {CF_CMD_CLOSE_LINE, 0, 0, close_line},
};

void cf_sim_model_command(struct cf_sim_model *m, const struct cf_command *command, int64_t now_ns)
{
    const struct cf_sim_time now = {tick_of(m, now_ns), now_ns};
    size_t i = 0, n = sizeof commands / sizeof commands[0];
    while (i < n && commands[i].command != command->id)
        i++;
    if (i < n && (commands[i].feature & ~m->settings->call_features) == 0 &&
        (commands[i].address_feature & ~m->settings->address_features) == 0)
        commands[i].obey(m, command, now);
    else if (cf_command_wants_reply(command->id))
        cf_sim_reply(m, command, LINEERR_OPERATIONUNAVAIL, command->call);
}

/* In a second round, when every conference is known, each member names its own. */
void cf_sim_model_announce(struct cf_sim_model *m, int64_t now_ns)
{
    while (m->open_count != 0)
        forget_line(m, m->open[0]);
    cf_sim_forwards_announce(m);
    for (uint32_t i = 0; i < m->used; i++) {
        struct cf_sim_call *c = &m->calls[i];
        if (c->id == 0)
            continue;
        cf_sim_digits_forget(m, c); /* who asked for them is gone */
        cf_sim_far_end_forget(m->far_ends, &c->far_end);
        if (c->state == LINECALLSTATE_IDLE || !cf_sim_call_announce(m, c, CF_JOURNAL_AGAIN, now_ns)) {
            cf_sim_bond_cut(m, c);
            cf_sim_call_forget(m, c, now_ns);
        }
    }
    for (uint32_t i = 0; i < m->used; i++) {
        struct cf_sim_call *c = &m->calls[i];
        if (c->id == 0 || c->state != LINECALLSTATE_CONFERENCED)
            continue;
        if (cf_sim_conference_of(m, c) != NULL)
            cf_sim_call_report(m, c, (struct cf_sim_step){c->state, c->mode}, now_ns);
        else
            cf_sim_talk(m, c, now_ns); /* its conference could not be told */
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

static bool call_sound(const struct cf_sim_model *m, uint32_t i, char *why, size_t why_bytes)
{
    const struct cf_sim_call *c = &m->calls[i];
    bool waits = c->timer.due != CF_WHEEL_NEVER;
    bool conference = (c->flags & CF_SIM_CONFERENCE) != 0;
    if (waits != (c->id != 0 && c->state != LINECALLSTATE_IDLE && !conference) ||
        (c->id != 0 && cf_handle_index(c->id) != i)) {
        snprintf(why, why_bytes, "call %u has state %u and its timer is wrong", i, c->state);
        return false;
    }
    if (c->sending != 0 && (c->state != LINECALLSTATE_CONNECTED || m->digits[c->sending].call != i ||
                            m->digits[c->sending].timer.due == CF_WHEEL_NEVER)) {
        snprintf(why, why_bytes, "call %u sends digits %u, which are not its own", i, c->sending);
        return false;
    }
    if (c->id != 0 && !cf_sim_bond_check(m, c)) {
        snprintf(why, why_bytes, "call %u has state %u and its bonds are wrong", i, c->state);
        return false;
    }
    return true;
}

bool cf_sim_model_check(const struct cf_sim_model *m, char *why, size_t why_bytes)
{
    if (!cf_wheel_check(&m->wheel, why, why_bytes))
        return false;
    uint64_t live = 0, timed = 0, sending = 0, busy = 0;
    uint32_t far_ends, far_timers, parked, waiting;
    if (!cf_sim_far_ends_check(m->far_ends, &far_ends, &far_timers)) {
        snprintf(why, why_bytes, "a far end is not as it should be");
        return false;
    }
    if (!cf_sim_orbits_check(m, &parked) || !cf_sim_completions_check(m, &waiting)) {
        snprintf(why, why_bytes, "an orbit or a completion is not as it should be");
        return false;
    }
    for (uint32_t i = 0; i < m->used; i++) {
        const struct cf_sim_call *c = &m->calls[i];
        if (!call_sound(m, i, why, why_bytes))
            return false;
        far_ends -= c->id != 0 && c->far_end != 0;
        live += c->id != 0;
        busy += c->id != 0 && c->state != LINECALLSTATE_IDLE;
        timed += c->timer.due != CF_WHEEL_NEVER;
        sending += c->id != 0 && c->sending != 0;
    }
    for (uint32_t i = 0; i < m->open_count; i++) {
        if (m->place[m->open[i]] != i) {
            snprintf(why, why_bytes, "open line %u stands at a wrong place", m->open[i]);
            return false;
        }
    }
    uint32_t untold = 0;
    for (uint32_t i = 0; i < m->settings->lines; i++) {
        busy -= m->busy[i];
        untold += m->forwards[i].untold;
    }
    if (untold != m->forwards_untold) {
        snprintf(why, why_bytes, "the forwarding of %u lines is to be told, %u are counted", untold,
                 m->forwards_untold);
        return false;
    }
    if (busy == 0 && live == m->live && sending == m->digits_count && far_ends == 0 &&
        timed + sending + far_timers + parked + waiting == m->wheel.entries)
        return true;
    snprintf(why, why_bytes, "%llu calls live, %llu have timers, %llu send digits; counted are %llu, %llu and %u",
             (unsigned long long)live, (unsigned long long)timed, (unsigned long long)sending,
             (unsigned long long)m->live, (unsigned long long)m->wheel.entries, m->digits_count);
    return false;
}
