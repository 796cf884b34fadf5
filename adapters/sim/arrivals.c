/*
 * Calls of the model exchange's own: when they come, on which line, and how they turn out.
 */
#include "adapters/sim/call.h"

#include <math.h>

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

void cf_sim_call_draw(const struct cf_sim_model *m, struct cf_random *random, struct cf_sim_call *c)
{
    const struct cf_sim_settings *s = m->settings;
    bool outgoing = (c->flags & CF_SIM_OUTGOING) != 0;
    c->outcome = (uint8_t)draw_outcome(s, cf_random_unit(random));
    double patience = cf_random_exponential(random, s->abandon_ms);
    double hold = cf_random_exponential(random, s->hold_ms);
    if (s->hold_fixed)
        hold = s->hold_ms;
    else if (s->hold_max_ms != 0 && hold > s->hold_max_ms)
        hold = s->hold_max_ms;
    bool owner_decides = !s->automatic && !outgoing && c->outcome == CF_SIM_BUSY;
    if (s->messages != 0 || owner_decides)
        c->outcome = CF_SIM_ANSWER;
    c->give_up_ms = c->outcome == CF_SIM_ABANDON ? draw_ms(patience) : s->no_answer_ms;
    c->toggles = outgoing ? 0 : m->toggles;
    c->segment_ms = draw_ms(hold / (c->toggles + 1));
}

/* From the arrival that is due to the one after it; the first of a burst, and of what follows it, is still at the distance of before. */
static double distance_ns(struct cf_sim_model *m)
{
    const struct cf_sim_settings *s = m->settings;
    double in_period_ms = fmod((m->next_arrival_ns - m->first_arrival_ns) / 1e6, s->burst_every_ms);
    bool in_burst = in_period_ms >= s->burst_every_ms - (double)s->burst_ms;
    double mean_ns = 1e9 / (in_burst ? s->rate * s->burst : s->rate);
    return s->regular ? mean_ns : cf_random_exponential(&m->arrivals, mean_ns);
}

void cf_sim_arrive(struct cf_sim_model *m, int64_t now_ns)
{
    const struct cf_sim_settings *s = m->settings;
    uint32_t choices = s->needs_open ? m->open_count : s->lines;
    uint32_t choice = cf_random_below(&m->arrivals, choices != 0 ? choices : 1);
    m->next_arrival_ns += distance_ns(m);
    if (choices == 0) {
        m->counters.nobody++;
        return;
    }
    struct cf_sim_call lost = {0};
    m->made++;
    struct cf_sim_call *c = cf_sim_call_begin(m, s->needs_open ? m->open[choice] : choice);
    cf_sim_call_draw(m, &m->arrivals, c != NULL ? c : &lost);
    if (c == NULL) {
        m->counters.blocked++;
        return;
    }
    bool here = cf_sim_divert(m, c);
    m->counters.forwarded += !here || cf_sim_past(m, c) != NULL;
    if (!here) {
        cf_sim_call_forget(m, c, now_ns);
        return;
    }
    cf_sim_limit_ringing(m, c);
    cf_sim_offer(m, c, now_ns);
}

void cf_sim_arrivals_start(struct cf_sim_model *m, uint64_t tick)
{
    const struct cf_sim_settings *s = m->settings;
    if (m->arriving || s->rate <= 0)
        return;
    m->arriving = true;
    m->next_arrival_ns = m->first_arrival_ns = (double)(tick + s->start_ms) * (double)CF_SIM_TICK_NS;
    m->next_arrival_ns += distance_ns(m);
}

uint64_t cf_sim_arrival_tick(const struct cf_sim_model *m)
{
    if (!m->arriving || (m->settings->calls != 0 && m->made >= m->settings->calls))
        return CF_WHEEL_NEVER;
    return (uint64_t)(m->next_arrival_ns / (double)CF_SIM_TICK_NS);
}
