/*
 * The orbits of the model exchange: calls that were parked, until somebody takes them, their far end hangs up, or the time is over and whoever
 * parked them is called back.
 */
#include "adapters/sim/call.h"

#include <stdio.h>

#define RECALL_PAUSE_MS 1000u /* to the next try, when a call back found no room */

static uint32_t node_of(const struct cf_sim_model *m, const struct cf_sim_orbit *o)
{
    return cf_sim_orbits_base(m->settings) + (uint32_t)(o - m->orbits);
}

static void settle(struct cf_sim_model *m, const struct cf_sim_orbit *o)
{
    cf_wheel_set(&m->wheel, node_of(m, o), o->recall < o->hang_up ? o->recall : o->hang_up);
}

static void empty(struct cf_sim_model *m, struct cf_sim_orbit *o)
{
    cf_wheel_cancel(&m->wheel, node_of(m, o));
    o->taken = false;
}

/* NULL: no orbit has that number. */
static struct cf_sim_orbit *orbit_at(const struct cf_sim_model *m, struct cf_text number)
{
    uint64_t value;
    if (!cf_sim_number(number, &value) || value < m->settings->orbit ||
        value - m->settings->orbit >= m->settings->orbits)
        return NULL;
    return &m->orbits[value - m->settings->orbit];
}

static struct cf_sim_orbit *free_orbit(const struct cf_sim_model *m)
{
    for (uint32_t i = 0; i < m->settings->orbits; i++)
        if (!m->orbits[i].taken)
            return &m->orbits[i];
    return NULL;
}

/* ------------------------------------------------------------------ park */

static int32_t park_refusal(const struct cf_sim_model *m, const struct cf_command *command, const struct cf_sim_call *c,
                            struct cf_sim_orbit **ret_orbit)
{
    bool directed = command->mode == LINEPARKMODE_DIRECTED;
    if (c == NULL)
        return LINEERR_INVALCALLHANDLE;
    if (!directed && command->mode != LINEPARKMODE_NONDIRECTED)
        return LINEERR_INVALPARKMODE;
    struct cf_sim_orbit *o = directed ? orbit_at(m, command->destination) : free_orbit(m);
    if (directed && o == NULL)
        return LINEERR_INVALADDRESS;
    if (c->state != LINECALLSTATE_CONNECTED)
        return LINEERR_INVALCALLSTATE;
    if ((c->flags & CF_SIM_CONFERENCE) != 0)
        return LINEERR_OPERATIONUNAVAIL;
    if (o == NULL || o->taken)
        return LINEERR_RESOURCEUNAVAIL;
    *ret_orbit = o;
    return 0;
}

/* The far end goes on as long as it would have. */
void cf_sim_park(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_call *c = cf_sim_call_find(m, command->call);
    struct cf_sim_orbit *o = NULL;
    char where[24];
    int32_t error = park_refusal(m, command, c, &o);
    if (error != 0) {
        cf_sim_reply(m, command, error, command->call);
        return;
    }
    o->party = cf_sim_party(m, c);
    o->line = c->line;
    o->hang_up = c->timer.due + (uint64_t)c->toggles * c->segment_ms;
    o->recall = now.tick + m->settings->park_ms;
    o->taken = true;
    settle(m, o);
    int n = snprintf(where, sizeof where, "%llu", (unsigned long long)m->settings->orbit + (uint64_t)(o - m->orbits));
    if (command->mode == LINEPARKMODE_NONDIRECTED)
        m->out.reply_text(m->out.arg, command->number, c->id, command->id, (struct cf_text){where, (uint32_t)n});
    else
        cf_sim_reply(m, command, 0, c->id);
    cf_sim_call_end(m, c, now.ns);
}

/* ------------------------------------------------------------------ back again */

/* Milliseconds that the far end still talks. */
static uint32_t left_ms(const struct cf_sim_orbit *o, uint64_t tick)
{
    uint64_t left = o->hang_up > tick ? o->hang_up - tick : 1;
    return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

void cf_sim_unpark(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_orbit *o = orbit_at(m, command->destination);
    int32_t error = command->line >= m->settings->lines ? LINEERR_OPERATIONFAILED
                    : o == NULL || !o->taken            ? LINEERR_INVALADDRESS
                                                        : 0;
    struct cf_sim_call *c = NULL;
    if (error == 0)
        c = cf_sim_taken_begin(m, command->line, LINECALLREASON_UNPARK, o->party, left_ms(o, now.tick));
    if (c == NULL) {
        cf_sim_reply(m, command, error != 0 ? error : LINEERR_CALLUNAVAIL, 0);
        return;
    }
    empty(m, o);
    cf_sim_taken_connect(m, command, c, now);
}

/* To who parked it, as a call of the exchange. False: it finds no room. */
static bool recall(struct cf_sim_model *m, const struct cf_sim_orbit *o, int64_t now_ns)
{
    uint32_t left = left_ms(o, m->wheel.now);
    struct cf_sim_call *c = cf_sim_taken_begin(m, o->line, LINECALLREASON_REMINDER, o->party, left);
    return c != NULL && cf_sim_offer(m, c, now_ns);
}

void cf_sim_orbit_expire(struct cf_sim_model *m, uint32_t place, int64_t now_ns)
{
    struct cf_sim_orbit *o = &m->orbits[place];
    if (o->hang_up <= m->wheel.now || recall(m, o, now_ns)) {
        empty(m, o);
        return;
    }
    o->recall = m->wheel.now + RECALL_PAUSE_MS;
    settle(m, o);
}

bool cf_sim_orbits_check(const struct cf_sim_model *m, uint32_t *ret_taken)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < CF_SIM_ORBITS_MAX; i++) {
        const struct cf_sim_orbit *o = &m->orbits[i];
        if (o->taken != (o->timer.due != CF_WHEEL_NEVER) || (o->taken && i >= m->settings->orbits))
            return false;
        taken += o->taken;
    }
    *ret_taken = taken;
    return true;
}
