/* See far_end.h. */
#include "adapters/sim/far_end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/provider/collector.h"
#include "callfan/tapi.h"

struct far_end {
    struct cf_wheel_node timer;
    uint64_t call;       /* 0: not in use */
    uint64_t digit_tick; /* the next digit; CF_WHEEL_NEVER: none */
    uint16_t *place;     /* the call's */
    uint32_t modes;      /* LINEDIGITMODE_ that somebody listens for */
    uint32_t dialled;    /* of the settings' digits */
    uint32_t next_free;
    bool connected;
    uint8_t reserved[11];
};
_Static_assert(sizeof(struct far_end) * CF_SIM_FAR_ENDS == CF_SIM_FAR_END_BYTES, "one wheel, one stride");

struct cf_sim_far_ends {
    const struct cf_sim_settings *settings;
    const struct cf_sim_outlet *out;
    struct cf_wheel *wheel;
    uint32_t base;
    uint32_t used, free, count;
    struct far_end *all;
    struct cf_collector collectors[CF_SIM_FAR_ENDS];
};

int cf_sim_far_ends_new(struct cf_sim_far_ends **ret_far, const struct cf_sim_settings *settings,
                        const struct cf_sim_outlet *out, struct cf_wheel *wheel, void *nodes, uint32_t base)
{
    struct cf_sim_far_ends *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    f->settings = settings;
    f->out = out;
    f->wheel = wheel;
    f->base = base;
    f->used = 1;
    f->all = nodes;
    *ret_far = f;
    return 0;
}

void cf_sim_far_ends_free(struct cf_sim_far_ends *f)
{
    free(f);
}

/* ------------------------------------------------------------------ entries */

static int64_t ns_of(uint64_t tick)
{
    return (int64_t)tick * CF_NS_PER_MS;
}

/* The entry of the call, made if it has none; 0: none is free. */
static uint32_t entry(struct cf_sim_far_ends *f, uint16_t *place, uint64_t call, bool connected)
{
    uint32_t at = *place;
    if (at != 0)
        return at;
    if (f->free != 0)
        f->free = f->all[at = f->free].next_free;
    else if (f->used < CF_SIM_FAR_ENDS)
        cf_wheel_node_init(&f->all[at = f->used++].timer);
    else
        return 0;
    struct cf_wheel_node timer = f->all[at].timer;
    f->all[at] = (struct far_end){
        .timer = timer, .call = call, .place = place, .digit_tick = CF_WHEEL_NEVER, .connected = connected};
    f->collectors[at].number = 0;
    f->count++;
    *place = (uint16_t)at;
    return at;
}

void cf_sim_far_end_forget(struct cf_sim_far_ends *f, uint16_t *place)
{
    uint32_t at = *place;
    if (at == 0)
        return;
    cf_wheel_cancel(f->wheel, f->base + at);
    f->all[at].call = 0;
    f->all[at].next_free = f->free;
    f->free = at;
    f->count--;
    *place = 0;
}

/* Sets the timer to what comes next. */
static void settle(struct cf_sim_far_ends *f, uint32_t at, uint64_t tick)
{
    struct far_end *e = &f->all[at];
    const struct cf_collector *c = &f->collectors[at];
    bool listens = c->number != 0 || e->modes != 0;
    if (!listens || !e->connected || f->settings->digits[e->dialled] == '\0')
        e->digit_tick = CF_WHEEL_NEVER;
    else if (e->digit_tick == CF_WHEEL_NEVER)
        e->digit_tick = tick + f->settings->digits_ms;
    uint64_t due = e->digit_tick;
    if (c->number != 0 && c->due_ns != CF_REACTOR_NEVER && (uint64_t)(c->due_ns / CF_NS_PER_MS) < due)
        due = (uint64_t)(c->due_ns / CF_NS_PER_MS);
    if (due != CF_WHEEL_NEVER)
        cf_wheel_set(f->wheel, f->base + at, due);
    else
        cf_wheel_cancel(f->wheel, f->base + at);
}

static void end_gathering(struct cf_sim_far_ends *f, uint32_t at, uint32_t how)
{
    struct cf_collector *c = &f->collectors[at];
    if (c->number == 0)
        return;
    f->out->gathered(f->out->arg, c->number, how, c->call, cf_collector_digits(c));
    c->number = 0;
}

/* ------------------------------------------------------------------ commands */

/* A new one ends the old one. It goes on with the digits that are left, or begins anew when there are none. */
static void gather(struct cf_sim_far_ends *f, uint16_t *place, bool connected, const struct cf_command *command,
                   uint64_t tick)
{
    if (*place != 0)
        end_gathering(f, *place, LINEGATHERTERM_CANCEL);
    if (command->digits_wanted == 0) {
        f->out->reply(f->out->arg, command->number, 0, command->call, 0);
        if (*place != 0)
            settle(f, *place, tick);
        return;
    }
    uint32_t at = connected ? entry(f, place, command->call, connected) : 0;
    if (at == 0) {
        f->out->reply(f->out->arg, command->number, connected ? LINEERR_RESOURCEUNAVAIL : LINEERR_INVALCALLSTATE,
                      command->call, 0);
        if (*place != 0)
            settle(f, *place, tick);
        return;
    }
    cf_collector_begin(&f->collectors[at], command, ns_of(tick));
    if (f->settings->digits[f->all[at].dialled] == '\0')
        f->all[at].dialled = 0;
    settle(f, at, tick);
}

void cf_sim_far_end_command(struct cf_sim_far_ends *f, uint16_t *place, bool connected,
                            const struct cf_command *command, uint64_t tick)
{
    if (command->id == CF_CMD_GATHER_DIGITS) {
        gather(f, place, connected, command, tick);
        return;
    }
    uint32_t at = command->digit_mode != 0 ? entry(f, place, command->call, connected) : *place;
    if (at == 0)
        return;
    f->all[at].modes = command->digit_mode;
    settle(f, at, tick);
}

void cf_sim_far_end_connected(struct cf_sim_far_ends *f, uint16_t *place, bool connected)
{
    uint32_t at = *place;
    if (at == 0)
        return;
    f->all[at].connected = connected;
    if (!connected)
        end_gathering(f, at, LINEGATHERTERM_CANCEL);
    settle(f, at, f->wheel->now);
}

/* ------------------------------------------------------------------ time */

static void dial(struct cf_sim_far_ends *f, uint32_t at, int64_t now_ns)
{
    static const uint32_t modes[] = {LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMFEND};
    struct far_end *e = &f->all[at];
    char digit = f->settings->digits[e->dialled++];
    e->digit_tick = CF_WHEEL_NEVER;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        const struct cf_heard h = {.event = CF_EV_DIGIT, .what = (uint8_t)digit, .detail = modes[i], .time_ns = now_ns};
        if ((e->modes & modes[i]) != 0)
            f->out->heard(f->out->arg, e->call, &h);
    }
    uint32_t how = cf_collector_hear(&f->collectors[at], digit, LINEDIGITMODE_DTMF, ns_of(f->wheel->now));
    if (how != 0)
        end_gathering(f, at, how);
}

/* A digit that comes in the tick in which a gathering gives up is in time. */
void cf_sim_far_end_expire(struct cf_sim_far_ends *f, uint32_t place, int64_t now_ns)
{
    if (f->all[place].digit_tick <= f->wheel->now)
        dial(f, place, now_ns);
    uint32_t how = cf_collector_expire(&f->collectors[place], ns_of(f->wheel->now));
    if (how != 0)
        end_gathering(f, place, how);
    settle(f, place, f->wheel->now);
}

bool cf_sim_far_ends_check(const struct cf_sim_far_ends *f, uint32_t *ret_used, uint32_t *ret_timed)
{
    uint32_t used = 0, timed = 0;
    for (uint32_t at = 1; at < f->used; at++) {
        const struct far_end *e = &f->all[at];
        bool waits = e->timer.due != CF_WHEEL_NEVER;
        bool wanted = e->modes != 0 || f->collectors[at].number != 0;
        if (e->call == 0 ? waits : *e->place != at || (waits && !wanted))
            return false;
        used += e->call != 0;
        timed += waits;
    }
    *ret_used = used;
    *ret_timed = timed;
    return used == f->count;
}
