/* Turns: putting records, running, crashing and recovering the engine, and holding what it did against the model. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/state.h"
#include "tests/model/sim.h"

/* ------------------------------------------------------------------ small things */

uint64_t sim_random(struct sim_random *r) { /* splitmix64 */
    uint64_t z = r->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint32_t sim_below(struct sim_random *r, uint32_t n) { return (uint32_t)((sim_random(r) >> 32) * n >> 32); }
bool sim_chance(struct sim_random *r, uint32_t percent) { return sim_below(r, 100) < percent; }

bool sim_fail(struct sim *s, const char *format, ...) {
    if (s->why[0] != '\0')
        return false;
    int n = snprintf(s->why, sizeof s->why, "step %u, turn %lu: ", s->step, s->turns);
    va_list args;
    va_start(args, format);
    vsnprintf(s->why + n, sizeof s->why - (size_t)n, format, args);
    va_end(args);
    return false;
}

/* ------------------------------------------------------------------ putting */

bool sim_pending(const struct sim *s, uint32_t port) { return s->ports[port].pending_count != 0; }

uint32_t sim_pending_count(const struct sim *s) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < SIM_PORTS; i++)
        n += s->ports[i].pending_count;
    return n;
}

bool sim_put(struct sim *s, uint32_t port, struct cf_record *r) {
    struct sim_port *p = &s->ports[port];
    if (p->pending_count == SIM_PENDING)
        return false;
    r->m.sequence = p->up_sequence + 1;
    if (r->m.time_ns == 0)
        r->m.time_ns = s->now_ns;
    if (!cf_ring_put(&p->up, r))
        return false;
    p->up_sequence++;
    uint32_t at = (p->pending_first + p->pending_count++) % SIM_PENDING;
    p->pending[at].m = r->m;
    p->pending[at].payload_bytes = r->payload_bytes;
    memcpy(p->pending[at].payload, r->payload, r->payload_bytes);
    p->pending_end[at] = p->up.tail;
    s->settled = false;
    return true;
}

/* ------------------------------------------------------------------ collecting */

static uint32_t hash_of(const struct cf_message *g) {
    uint32_t h = 2166136261u;
    for (uint32_t i = 0; i < (uint32_t)g->slots * CF_SLOT_BYTES; i++)
        h = (h ^ ((const uint8_t *)g)[i]) * 16777619u;
    return h;
}

static bool collect_port(struct sim *s, uint32_t port) {
    struct sim_port *p = &s->ports[port];
    const struct cf_port_down *down = core_down(&s->core, port);
    const struct cf_message *g;
    while (p->shadow.head < down->down.tail) {
        g = cf_ring_peek(&p->shadow);
        if (g == NULL) {
            if (p->shadow.head == down->down.tail)
                break; /* a filler came last */
            return sim_fail(s, "port %u: slot %lu below the tail %lu is not readable", port, p->shadow.head, down->down.tail);
        }
        if (s->outputs_count == SIM_OUTPUTS)
            return sim_fail(s, "the harness is too small: outputs");
        struct m_output *o = &s->outputs[s->outputs_count++];
        uint8_t payload[CF_RECORD_PAYLOAD_MAX];
        o->port = (uint8_t)port;
        o->m = *g;
        o->payload_bytes = cf_ring_payload(g, payload);
        if (o->payload_bytes > sizeof o->payload)
            o->payload_bytes = sizeof o->payload;
        memcpy(o->payload, payload, o->payload_bytes);
        p->hash[p->shadow.head & p->shadow.mask] = hash_of(g);
        cf_ring_consume(&p->shadow, g);
        s->messages += m_is_app(port);
    }
    if (p->shadow.head != down->down.tail)
        return sim_fail(s, "port %u: a record crosses the tail %lu", port, down->down.tail);
    if (cf_ring_readable(&p->shadow))
        return sim_fail(s, "port %u: a slot is readable beyond the tail %lu", port, down->down.tail);
    return true;
}

static bool collect(struct sim *s) {
    s->outputs_count = 0;
    memset(s->taken, 0, sizeof s->taken);
    for (uint32_t port = 0; port < SIM_PORTS; port++) {
        struct sim_port *p = &s->ports[port];
        if (port != 0 && !s->core.ports[port].mapped)
            continue;
        if (!collect_port(s, port))
            return false;
        uint64_t ack = core_down(&s->core, port)->up.up_ack;
        while (s->taken[port] < p->pending_count && p->pending_end[(p->pending_first + s->taken[port]) % SIM_PENDING] <= ack)
            s->taken[port]++;
    }
    return true;
}

/* ------------------------------------------------------------------ the model's turn */

static void words_of(const struct sim *s, struct m_words *words) {
    for (uint32_t port = 0; port < SIM_PORTS; port++) {
        words[port] = (struct m_words){0};
        if (port != 0 && !s->core.ports[port].mapped)
            continue;
        const struct cf_port_core_down *d = &core_down(&s->core, port)->down;
        const struct cf_port *p = &s->core.engine->ports[port];
        uint64_t room = p->mask + 1 - (p->tail - p->head_seen);
        words[port] = (struct m_words){(uint32_t)d->behind, d->sequence, d->messages, d->missed, d->gaps, false, room <= p->reserve,
                                       room < 6}; /* three slots, and as many that are left at the ring's end */
    }
    for (uint32_t i = 0; i < s->outputs_count; i++)
        words[s->outputs[i].port].resynced |=
            s->outputs[i].m.id == CF_LINE_RESYNC_BEGIN || s->outputs[i].m.id == CF_LINE_RESYNC_END;
}

static void model_turn(struct sim *s, struct model *m, const uint32_t *order, uint32_t ports, bool idle) {
    struct m_words words[SIM_PORTS];
    words_of(s, words);
    m_turn_begin(m, words);
    for (uint32_t i = 0; i < ports; i++) {
        struct sim_port *p = &s->ports[order[i]];
        for (uint32_t n = 0; n < s->taken[order[i]]; n++)
            (s->aside == order[i] + 1 ? m_set_aside : m_input)(m, order[i], &p->pending[(p->pending_first + n) % SIM_PENDING]);
    }
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS && !m->failed; port++) {
        struct sim_port *p = &s->ports[port];
        for (uint32_t slot = 0; slot < CF_REPLY_SLOTS && s->core.ports[port].mapped; slot++) {
            const struct cf_reply_slot *reply = cf_port_reply(core_down(&s->core, port), slot);
            if ((p->slots_busy >> slot & 1) != 0 && reply->done == p->slot_sequence[slot])
                m_answers(m, port, slot, reply);
        }
    }
    if (!m->failed)
        m_outputs(m, s->outputs, s->outputs_count, words);
    if (!m->failed)
        m_turn_end(m, idle, words);
}

static bool next_order(uint32_t *a, uint32_t n) { /* the next permutation */
    uint32_t i = n;
    while (i > 1 && a[i - 2] > a[i - 1])
        i--;
    if (i <= 1)
        return false;
    uint32_t j = n - 1;
    while (a[j] < a[i - 2])
        j--;
    uint32_t t = a[i - 2];
    a[i - 2] = a[j], a[j] = t;
    for (uint32_t l = i - 1, r = n - 1; l < r; l++, r--)
        t = a[l], a[l] = a[r], a[r] = t;
    return true;
}

/* The order of a round over the ports: the door, then from where the last round ended, which the engine's state says. */
static uint32_t likely_order(struct sim *s, uint32_t *order) {
    uint32_t mapped[SIM_PORTS], count = 0, n = 0;
    for (uint32_t port = 0; port < SIM_PORTS; port++)
        if (port == 0 || s->core.ports[port].mapped)
            mapped[count++] = port;
    if (s->taken[0] != 0)
        order[n++] = 0;
    for (uint32_t i = 0, start = s->next_port % count; i < count; i++) {
        uint32_t at = (start + i) % count;
        if (mapped[at] == 0 || s->taken[mapped[at]] == 0)
            continue;
        order[n++] = mapped[at];
    }
    return n;
}

/*
 * The engine may take the ports in any order: one of them must explain what it did. Several may explain a turn and only one
 * the turns after it, so the likely one comes first.
 */
static bool explain(struct sim *s, bool idle) {
    uint32_t order[SIM_PORTS], sorted[SIM_PORTS], n = likely_order(s, order), m = 0;
    for (uint32_t port = 0; port < SIM_PORTS; port++)
        if (s->taken[port] != 0)
            sorted[m++] = port;
    if (n <= 1) {
        model_turn(s, &s->model, order, n, idle);
        return !s->model.failed || sim_fail(s, "%s", s->model.why);
    }
    char first[sizeof s->model.why] = "";
    bool another = true;
    do {
        m_copy(&s->trial, &s->model);
        model_turn(s, &s->trial, order, n, idle);
        if (!s->trial.failed) {
            m_copy(&s->model, &s->trial);
            return true;
        }
        for (uint32_t i = 0; s->options.verbose && i < n; i++)
            printf("%s%u%s", i == 0 ? "  not in the order " : ", ", order[i], i + 1 < n ? "" : ": ");
        if (s->options.verbose)
            printf("%s\n", s->trial.why);
        if (first[0] == '\0') {
            memcpy(first, s->trial.why, sizeof first);
            memcpy(order, sorted, sizeof order);
            continue;
        }
        another = next_order(order, n);
    } while (another);
    return sim_fail(s, "(%u ports, no order explains it) %s", n, first);
}

/* ------------------------------------------------------------------ after a turn */

static bool law(struct sim *s, uint32_t port) {
    struct cf_engine_port_status st;
    if (!cf_engine_port_status(s->core.engine, port, &st))
        return sim_fail(s, "port %u: no status", port);
    const struct m_port *p = &s->model.ports[port];
    if (p->state != 2)
        return true;
    const struct sim_port *h = &s->ports[port];
    uint64_t delivered = h->messages_read - h->cancelled;
    if (st.offered != st.delivered + st.pending + st.missed + st.cancelled)
        return sim_fail(s, "port %u: offered %lu, delivered %lu, pending %lu, missed %lu, cancelled %lu", port, st.offered,
                        st.delivered, st.pending, st.missed, st.cancelled);
    if (st.sequence != p->sequence || st.gaps != p->gaps || st.generation != p->generation || st.state != 1)
        return sim_fail(s, "port %u: status says sequence %lu, gaps %lu, generation %u, state %u", port, st.sequence, st.gaps,
                        st.generation, st.state);
    if (st.delivered > delivered || st.delivered + st.pending + st.cancelled != p->messages)
        return sim_fail(s, "port %u: %lu delivered, %lu pending, %lu cancelled of %lu; read %lu", port, st.delivered, st.pending,
                        st.cancelled, p->messages, delivered);
    return true;
}

/* Counters against the model, when nothing is under way. */
static bool totals(struct sim *s) {
    struct model *m = &s->model;
    struct cf_engine_totals t;
    cf_engine_totals(s->core.engine, &t);
    uint64_t opens = 0, handles = 0;
    bool sure = true;
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < SIM_OPENS; i++) {
            opens += m->ports[port].opens[i].used;
            sure &= !m->ports[port].opens[i].limbo && m->ports[port].behind == 0;
        }
    for (uint32_t i = 0; i < m->refs_high; i++)
        handles += m->refs[i].used && m->refs[i].handle != 0;
    for (uint32_t i = 0; i < SIM_CALLS; i++)
        sure &= !m->listed[i].used;
    for (uint32_t i = 0; i < m->requests_high; i++)
        sure &= !m->requests[i].used || m->requests[i].makes == 0;
    for (uint32_t port = 1 + SIM_PROVIDERS; sure && port < SIM_PORTS; port++) {
        struct cf_engine_port_status st;
        uint64_t n = 0;
        for (uint32_t i = 0; i < m->refs_high; i++)
            n += m->refs[i].used && m->refs[i].handle != 0 && m->refs[i].port == port;
        if (m->ports[port].state == 2 && cf_engine_port_status(s->core.engine, port, &st) && st.handles != n)
            return sim_fail(s, "totals: port %u has %lu handles, the model gives it %lu", port, st.handles, n);
    }
    if (sure && (t.opens != opens || t.handles_live != handles))
        return sim_fail(s, "totals: %lu open lines and %lu handles, the model has %lu and %lu", t.opens, t.handles_live, opens,
                        handles);
    uint64_t calls = 0;
    for (uint32_t i = 0; i < m->calls_high; i++)
        calls += m->calls[i].used;
    if (sure && t.calls_live != calls)
        return sim_fail(s, "totals: %lu calls live, the model has %lu", t.calls_live, calls);
    return true;
}

bool sim_check(struct sim *s) {
    char why[256] = "";
    s->checks++;
    if (!cf_engine_check(s->core.engine, why, sizeof why))
        return sim_fail(s, "cf_engine_check: %s", why);
    return true;
}

static bool rung(const struct cf_engine_result *r, uint32_t port, uint32_t slot) {
    for (uint32_t i = 0; i < r->wakes_count; i++)
        if (r->wakes[i].port == port && r->wakes[i].reply_slot == slot)
            return true;
    return false;
}

/* Who slept and was to be woken was woken. */
static bool wakes(struct sim *s, const struct cf_engine_result *r, bool recovered) {
    for (uint32_t port = 1; port < SIM_PORTS; port++) {
        struct sim_port *p = &s->ports[port];
        if (!s->core.ports[port].mapped)
            continue;
        if (p->waiting_slot != UINT32_MAX && (p->slots_busy >> p->waiting_slot & 1) != 0 &&
            cf_port_reply(core_down(&s->core, port), p->waiting_slot)->done == p->slot_sequence[p->waiting_slot]) {
            if (!recovered && !rung(r, port, p->waiting_slot))
                return sim_fail(s, "port %u: who waits for reply slot %u was not woken", port, p->waiting_slot);
            cf_and_acq_rel_64(&core_up(&s->core, port)->reply_waiting, ~(UINT64_C(1) << p->waiting_slot));
            p->waiting_slot = UINT32_MAX;
        }
        if (p->asleep && (recovered || rung(r, port, UINT32_MAX))) {
            p->asleep = false;
            cf_store_release_64(&core_up(&s->core, port)->wake_at, 0);
        }
        if (p->asleep && core_down(&s->core, port)->down.tail >= core_up(&s->core, port)->wake_at &&
            cf_engine_deadline(s->core.engine) > s->now_ns + 2 * INT64_C(1000000000))
            return sim_fail(s, "port %u: it sleeps on, its ring's tail is %lu", port, core_down(&s->core, port)->down.tail);
    }
    return true;
}

static void forget_taken(struct sim *s) {
    for (uint32_t port = 0; port < SIM_PORTS; port++) {
        struct sim_port *p = &s->ports[port];
        p->pending_first = (p->pending_first + s->taken[port]) % SIM_PENDING;
        p->pending_count -= s->taken[port];
        for (uint32_t slot = 0; m_is_app(port) && slot < CF_REPLY_SLOTS; slot++)
            if ((p->slots_busy >> slot & 1) != 0 && s->core.ports[port].mapped &&
                cf_port_reply(core_down(&s->core, port), slot)->done == p->slot_sequence[slot])
                p->slots_busy &= ~(UINT64_C(1) << slot);
    }
}

/* --verbose: what went in and came out of each turn. */
static void trace(const struct sim *s) {
    printf("turn %lu (step %u), now %ld%s (crashes %lu, attempts %u)\n", s->turns, s->step, s->now_ns, s->aside != 0 ? ", a record set aside" : "", s->crashes, core_attempts(&s->core));
    for (uint32_t port = 0; port < SIM_PORTS; port++)
        for (uint32_t n = 0; n < s->taken[port]; n++) {
            const struct cf_message *g = &s->ports[port].pending[(s->ports[port].pending_first + n) % SIM_PENDING].m;
            printf("  %u > %04x device %lx  %lx %lx %lx\n", port, g->id, g->device, g->param1, g->param2, g->param3);
        }
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t slot = 0; slot < CF_REPLY_SLOTS && s->core.ports[port].mapped; slot++) {
            const struct cf_reply_slot *reply = cf_port_reply(core_down(&s->core, port), slot);
            if ((s->ports[port].slots_busy >> slot & 1) != 0 && reply->done == s->ports[port].slot_sequence[slot])
                printf("  %u < answer of %lu: %#x\n", port, reply->done, (unsigned)reply->result);
        }
    for (uint32_t i = 0; i < s->outputs_count; i++) {
        const struct cf_message *g = &s->outputs[i].m;
        printf("  %u < %04x device %lx  %lx %lx %lx  sequence %lu", s->outputs[i].port, g->id, g->device, g->param1, g->param2, g->param3,
               g->sequence);
        bool announces = m_is_app(s->outputs[i].port) && g->id == LINE_APPNEWCALL;
        if (announces)
            printf("  call %lx", core_call_id(&s->core, s->outputs[i].port, g->param2));
        printf("\n");
    }
}

/* --watch: what the model believes of one call. */
static void trace_call(const struct model *m, uint32_t serial) {
    for (uint32_t i = 0; i < m->calls_high; i++) {
        const struct m_call *c = &m->calls[i];
        if (!c->used || c->serial != serial)
            continue;
        printf("  call %u: provider %u line %u id %lx state %x drop %u%s%s\n", serial, c->provider, c->line, c->id, c->state, c->drop,
               c->made ? " made" : "", c->ending ? " ending" : "");
        for (uint32_t k = 0; k < m->refs_high; k++) {
            const struct m_ref *r = &m->refs[k];
            if (r->used && r->call == i)
                printf("    port %u open %u handle %lx privilege %u announce %u view %x%s%s%s\n", r->port, r->open, r->handle,
                       r->privilege, r->announce, r->view_state, r->gone ? " gone" : "", r->limbo ? " limbo" : "",
                       r->candidate ? " candidate" : "");
        }
    }
}

static bool after_turn(struct sim *s, const struct cf_engine_result *r, bool recovered, bool *ret_idle) {
    s->turns++;
    if (!collect(s))
        return false;
    uint32_t taken = 0;
    for (uint32_t port = 0; port < SIM_PORTS; port++)
        taken += s->taken[port];
    s->records += taken;
    if (s->options.sabotage != SIM_HONEST && !s->sabotaged && s->turns > 150)
        sim_sabotage(s);
    if (s->options.verbose)
        trace(s);
    bool idle = !r->more && taken == 0 && s->outputs_count == 0 && sim_pending_count(s) == 0;
    struct cf_engine_totals t;
    cf_engine_totals(s->core.engine, &t);
    s->model.parties_lack |= t.parties_dropped != 0;
    bool explained = explain(s, idle);
    for (uint32_t port = 1 + SIM_PROVIDERS; s->options.verbose && port < SIM_PORTS; port++) {
        const struct m_port *p = &s->model.ports[port];
        const struct cf_port_core_down *d = &core_down(&s->core, port)->down;
        if (p->state == 2 && (p->outage || d->missed != p->missed_told))
            printf("  port %u: behind %lu, missed %lu, told %lu; this outage cost %lu to %lu\n", port, d->behind, d->missed,
                   p->missed_told, p->missed_low, p->missed_low + p->missed_high);
    }
    if (s->options.verbose && s->options.watch != 0)
        trace_call(&s->model, s->options.watch);
    if (!explained || !wakes(s, r, recovered))
        return false;
    forget_taken(s);
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++) {
        if (!s->core.ports[port].mapped)
            continue;
        s->behinds += s->model.ports[port].behind != 0;
        if (!law(s, port))
            return false;
    }
    if (idle && !totals(s))
        return false;
    if ((s->turns % 64 == 0 || s->options.walk || recovered) && !sim_check(s))
        return false;
    *ret_idle = idle;
    s->aside = 0;
    s->next_port = s->core.engine->g->next_port;
    return true;
}

/* ------------------------------------------------------------------ crashes */

/* The turn once more, undisturbed, on a copy: what must come out. */
static bool reference(struct sim *s, uint64_t *ret_points) {
    struct cf_engine_result r;
    if (!core_copy(&s->twin, &s->core))
        return sim_fail(s, "a copy of the state is refused");
    *ret_points = core_count_points(&s->twin, s->now_ns, &r);
    return true;
}

static uint64_t undone(const struct core *c) {
    struct cf_engine_totals t;
    cf_engine_totals(c->engine, &t);
    return t.recoveries_undone;
}

/* Recovers c, which crashed at the n-th point and was as before when the turn began, and runs the turn again if it was undone. */
static bool recover(struct sim *s, struct core *c, const struct core *before, uint64_t n, uint64_t crash_again, uint64_t undone_before,
                    struct cf_engine_result *r) {
    if (!core_recover(c, crash_again))
        return sim_fail(s, "crashed at point %lu: recovery refused", n);
    if (undone(c) == undone_before)
        return true;
    uint64_t at = core_changed_at(c, before);
    if (at != 0) /* the turn may write the same again, and nobody would see it */
        return sim_fail(s, "crashed at point %lu: undone, but byte %lu of the state is another", n, at);
    cf_engine_turn(c->engine, s->now_ns, r);
    return true;
}

/* ... and then it must be where the twin is. */
static bool recover_to_twin(struct sim *s, struct core *c, const struct core *before, uint64_t n, uint64_t crash_again,
                            uint64_t undone_before, struct cf_engine_result *r) {
    char why[256];
    if (!recover(s, c, before, n, crash_again, undone_before, r))
        return false;
    if (!core_same(c, &s->twin, why, sizeof why))
        return sim_fail(s, "crashed at point %lu, %s: %s", n, undone(c) != undone_before ? "undone" : "published again", why);
    return true;
}

/* A record is in hand that may be set aside, and so many points were passed with it. */
static bool poisonous(const struct core *c, void *left) {
    const struct cf_message *m = cf_engine_in_hand(c->engine);
    return m != NULL && core_hand_port(c) != 1 && m_may_set_aside(m) && (*(uint32_t *)left)-- == 0;
}

/* The turn crashed twice and crashes once more with a record in hand: that is set aside, in a turn of its own, which may crash too. */
static bool third_crash(struct sim *s, struct cf_engine_result *r, uint64_t again) {
    struct cf_engine_totals t;
    uint32_t points = sim_below(&s->crash_random, 6);
    uint64_t undone_before = undone(&s->core);
    if (!core_recover(&s->core, UINT64_MAX))
        return sim_fail(s, "crashed twice: recovery refused");
    if (undone(&s->core) == undone_before || !core_crash_when(&s->core, poisonous, &points, s->now_ns, r))
        return true;
    s->crashes++;
    uint32_t port = core_hand_port(&s->core);
    bool third = core_attempts(&s->core) >= 2;
    cf_engine_totals(s->core.engine, &t);
    uint64_t aside = t.set_aside;
    if (!core_recover(&s->core, again))
        return sim_fail(s, "crashed three times: recovery refused");
    cf_engine_totals(s->core.engine, &t);
    if (t.set_aside != aside + third && again == UINT64_MAX)
        return sim_fail(s, "port %u: a record that crashed three cores was not set aside", port - 1);
    s->aside = t.set_aside != aside ? port : 0; /* not, when setting it aside crashed: then it is tried again */
    s->asides += s->aside != 0;
    r->more = true;
    return true;
}

static bool crashed_turn(struct sim *s, struct cf_engine_result *r, bool *ret_recovered) {
    uint64_t points = 0, before = undone(&s->core);
    if (!reference(s, &points))
        return false;
    core_copy_state(&s->third, &s->core);
    s->points += points;
    uint64_t n = sim_random(&s->crash_random) % points;
    uint64_t again = sim_chance(&s->crash_random, 20) ? sim_below(&s->crash_random, 40) : UINT64_MAX;
    if (!core_crash(&s->core, n, s->now_ns, r))
        return sim_fail(s, "the turn has %lu points on a copy, but no point %lu", points, n);
    s->crashes++;
    *ret_recovered = true;
    r->more = true;
    if (sim_chance(&s->crash_random, 85))
        return recover_to_twin(s, &s->core, &s->third, n, again, before, r);
    /* Twice in the same turn: now it is run record by record, and only the model says what is right. */
    if (!core_recover(&s->core, UINT64_MAX))
        return sim_fail(s, "crashed at point %lu: recovery refused", n);
    if (undone(&s->core) == before || !core_crash(&s->core, sim_random(&s->crash_random) % points, s->now_ns, r))
        return true;
    s->crashes++;
    if (sim_chance(&s->crash_random, 50))
        return recover(s, &s->core, &s->third, n, again, before + 1, r);
    return third_crash(s, r, again);
}

static bool walk(struct sim *s) {
    uint64_t points = 0;
    struct cf_engine_result r;
    char why[256];
    if (!reference(s, &points))
        return false;
    s->points += points;
    for (uint64_t n = 0; n < points; n++) {
        if (!core_copy(&s->third, &s->core))
            return sim_fail(s, "a copy of the state is refused");
        uint64_t before = undone(&s->third);
        if (!core_crash(&s->third, n, s->now_ns, &r))
            return sim_fail(s, "the turn has %lu points on a copy, but no point %lu", points, n);
        s->crashes++;
        if (!recover_to_twin(s, &s->third, &s->core, n, UINT64_MAX, before, &r))
            return false;
        if (n % 8 == 0 && !cf_engine_check(s->third.engine, why, sizeof why))
            return sim_fail(s, "crashed at point %lu: cf_engine_check: %s", n, why);
    }
    return true;
}

/* ------------------------------------------------------------------ turns */

static bool one_turn(struct sim *s, bool *ret_idle) {
    static struct cf_engine_result r;
    bool recovered = false, work = sim_pending_count(s) != 0 || !s->settled;
    r = (struct cf_engine_result){0};
    if (s->options.walk && work && !walk(s))
        return false;
    /* After a crash while something was set aside the next one would set it aside for good, without a word. */
    if (s->options.crash && work && core_attempts(&s->core) == 0 && sim_chance(&s->crash_random, 8)) {
        if (!crashed_turn(s, &r, &recovered))
            return false;
    } else {
        cf_engine_turn(s->core.engine, s->now_ns, &r);
    }
    return after_turn(s, &r, recovered, ret_idle);
}

bool sim_turn(struct sim *s) {
    bool idle;
    s->now_ns += sim_below(&s->random, 300000);
    return one_turn(s, &idle);
}

static bool overslept(const struct sim *s, uint32_t port) {
    return s->ports[port].asleep && s->core.ports[port].mapped &&
           core_down(&s->core, port)->down.tail >= core_up(&s->core, port)->wake_at;
}

/* A bell that the wake interval holds back is rung at the deadline at the latest. */
static bool sleepers_wake(struct sim *s) {
    bool idle;
    for (uint32_t port = 1; port < SIM_PORTS; port++)
        for (uint32_t turns = 0; overslept(s, port); turns++) {
            int64_t due = cf_engine_deadline(s->core.engine);
            if (due == INT64_MAX || turns == 2 * SIM_PORTS)
                return sim_fail(s, "port %u: it sleeps on, its ring's tail is %lu", port, core_down(&s->core, port)->down.tail);
            s->now_ns = due > s->now_ns ? due : s->now_ns;
            if (!one_turn(s, &idle))
                return false;
        }
    return true;
}

bool sim_settle(struct sim *s) {
    bool idle = false;
    for (uint32_t turns = 0; !idle; turns++) {
        if (turns == 20000)
            return sim_fail(s, "the engine has work for ever");
        s->now_ns += sim_below(&s->random, 100000);
        if (!one_turn(s, &idle))
            return false;
    }
    s->settled = true;
    return sleepers_wake(s);
}
