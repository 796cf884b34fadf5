/*
 * The turn: a transaction over the state. Take records, act, do what is due, commit, publish.
 *
 * Invariant  before commit nothing of the turn is visible: output slots lack their commit words, state lines have their old
 *            content in the journal. After commit everything that is published can be derived again from the state: tails,
 *            counters and cursors lie in the ports, answers in the control. So a new core either undoes or publishes again.
 * Order      journal empty < turn number raised < changes < committed raised < commit words, tails, cursors < next turn
 */
#include "core/ahead.h"
#include "core/internal.h"

/* ------------------------------------------------------------------ publishing: idempotent, from committed state alone */

static void publish_port(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    const struct cf_port *p = v->p;
    if (v->down == NULL || p->state == CF_PORT_NONE)
        return;
    struct cf_port_core_down *d = &v->down->down;
    cf_journal_point(&e->journal, CF_POINT_PUBLISH);
    cf_ring_publish(v->ring, p->mask, d->tail, p->tail);
    cf_journal_point(&e->journal, CF_POINT_PUBLISH);
    cf_store_relaxed_64(&d->sequence, p->sequence);
    cf_store_relaxed_64(&d->messages, p->messages);
    cf_store_relaxed_64(&d->missed, p->missed);
    cf_store_relaxed_64(&d->gaps, p->gaps);
    cf_store_relaxed_64(&d->behind, p->step);
    cf_store_relaxed_64(&d->requests, p->requests);
    cf_store_relaxed_64(&d->bad, p->bad);
    cf_store_release_64(&d->tail, p->tail);
    cf_journal_point(&e->journal, CF_POINT_PUBLISH);
    cf_ring_acknowledge(&v->down->up.up_ack, p->up_head);
}

static void publish_answers(struct cf_engine *e) {
    struct cf_control *c = e->control;
    for (uint64_t i = 0; i < c->answers_count; i++) {
        const struct cf_answer *a = &c->answers[i];
        struct cf_port_view *v = &e->view[a->port];
        if (v->down == NULL)
            continue;
        cf_journal_point(&e->journal, CF_POINT_PUBLISH);
        /* S0 pairs with the acquire of the waiting thread: result and data before done */
        cf_store_release_64(&cf_port_reply(v->down, a->slot)->done, a->number);
    }
}

/* ------------------------------------------------------------------ bells */

static void add_wake(struct cf_engine *e, uint32_t port, uint32_t slot) {
    struct cf_engine_result *r = e->result;
    if (r->wakes_count < CF_ENGINE_WAKES_MAX)
        r->wakes[r->wakes_count++] = (struct cf_engine_wake){port, slot};
}

/* Rings a sleeper whose index was passed; at most once per sleep and per wake interval. */
static void look_at_sleeper(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    if (v->down == NULL)
        return;
    uint64_t wake_at = cf_load_relaxed_64(&v->up->wake_at); /* W0 pairs with the fence between wake_at and the peer's last look */
    bool was_due = v->bell_due;
    v->bell_due = false;
    if (wake_at != 0 && wake_at != v->rung_at && wake_at <= v->p->tail) {
        if (e->now_ns - v->rung_ns < v->wake_interval_ns) {
            v->bell_due = true;
        } else {
            v->rung_at = wake_at;
            v->rung_ns = e->now_ns;
            add_wake(e, port, UINT32_MAX);
        }
    }
    e->bells_due += (uint32_t)v->bell_due - (uint32_t)was_due;
}

static void wake_sleepers(struct cf_engine *e) {
    const struct cf_control *c = e->control;
    if (e->dirty_count == 0 && c->answers_count == 0 && e->bells_due == 0)
        return;
    cf_fence_store_load(); /* W0: what was published before the look at the sleeping words */
    for (uint32_t i = 0; i < e->dirty_count; i++)
        look_at_sleeper(e, e->dirty[i]);
    if (e->bells_due != 0)
        for (uint32_t i = 0; i < e->active_count; i++)
            if (e->view[e->active[i]].bell_due)
                look_at_sleeper(e, e->active[i]);
    for (uint64_t i = 0; i < c->answers_count; i++) {
        const struct cf_port_view *v = &e->view[c->answers[i].port];
        if (v->down != NULL && (cf_load_relaxed_64(&v->up->reply_waiting) >> c->answers[i].slot & 1) != 0)
            add_wake(e, c->answers[i].port, c->answers[i].slot);
    }
}

/* ------------------------------------------------------------------ taking records */

static bool take_one(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    uint64_t head = p->up_head;
    enum cf_ring_read got = cf_ring_copy_out(v->up_ring, p->up_mask, &head, &e->in);
    if (got == CF_RING_EMPTY && head == p->up_head)
        return false;
    if (got == CF_RING_EMPTY) /* a filler alone: stepped over, else the ring would look readable for ever */
        got = CF_RING_BAD;
    e->control->hand_index = p->up_head;
    e->control->hand_port = port + 1;
    cf_touch_one(e, &p->up_head);
    if (got == CF_RING_BAD) {
        p->bad++;
        e->tally.bad_records++;
    } else if (p->kind == CF_PORT_APPLICATION) {
        if (!cf_request_take(e, port)) {
            e->control->hand_port = 0;
            return false;
        }
    } else if (p->kind == CF_PORT_PROVIDER) {
        cf_event_take(e, port);
    } else {
        cf_door_take(e);
    }
    e->control->hand_port = 0;
    cf_touch_one(e, &p->up_head);
    p->up_head = head;
    p->requests++;
    if (p->state == CF_PORT_DRAINING) {
        cf_touch_one(e, &p->drain_left);
        p->drain_left -= p->drain_left != 0;
    }
    cf_port_dirty(e, port); /* its acknowledgement moves */
    return true;
}

/*
 * A provider that does not read its commands is not read either: the refusal or close that its next record may cost has room. Requests and
 * what is due leave more room than that, so that only such answers can hold it back: each record taken of one that waits for room in its own
 * ring lets it put a reply and then read a command, and they cost no more than it reads.
 */
static bool may_take(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    if (v->down == NULL || (v->p->state != CF_PORT_LIVE && v->p->state != CF_PORT_DRAINING))
        return false;
    if (v->p->state == CF_PORT_DRAINING)
        return v->p->drain_left != 0;
    if (v->p->kind != CF_PORT_PROVIDER)
        return true;
    return cf_output_free(e, v, CF_PROVIDER_ROOM) >= CF_PROVIDER_ROOM;
}

/*
 * A peer that goes on breaking the rules, or whose service crashes the engine, is shown out: the door closes its socket, and the rest is
 * the death of an application or provider.
 */
static void expel(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = e->view[port].p;
    cf_output_begin(e, CF_DOOR_EXPEL, 0, port, p->aside != CF_ASIDE_NOT ? CF_EXPEL_CRASHES : CF_EXPEL_BAD_RECORDS, p->generation);
    if (!cf_output_command(e, 0, CF_DOOR_SLOTS / 2))
        return; /* the door is busy: at another turn */
    cf_touch_one(e, p);
    p->expelled = 1;
}

/* Everything that a dead peer had committed was taken, or as much as its ring can hold. */
static bool nothing_committed(const struct cf_port_view *v) {
    struct cf_ring_consumer c = {v->up_ring, v->p->up_mask, v->p->up_head};
    return v->p->drain_left == 0 || !cf_ring_readable(&c);
}

static uint32_t take_port(struct cf_engine *e, uint32_t port, uint32_t budget) {
    uint32_t n = 0;
    struct cf_port *p = e->view[port].p;
    uint32_t most = budget < p->records ? budget : p->records;
    if (port != 0 && most > 1)
        cf_ahead_begin(e, port);
    while (n < most && cf_journal_room(&e->journal) > CF_JOURNAL_ENTRIES / 2 && may_take(e, port)) {
        if (port != 0)
            cf_ahead_go_on(e, port);
        if (!take_one(e, port))
            break;
        n++;
    }
    if (cf_unlikely((p->bad >= CF_BAD_MAX || p->aside != CF_ASIDE_NOT) && !p->expelled) && p->state == CF_PORT_LIVE && port != 0)
        expel(e, port);
    if (n == 0 && p->state == CF_PORT_DRAINING && nothing_committed(&e->view[port])) {
        cf_touch_one(e, p);
        p->state = CF_PORT_GOING;
        cf_touch_one(e, &e->g->going);
        e->g->going++;
        cf_touch_one(e, &p->sweep_scan);
        p->sweep_scan = 0;
        cf_port_busy(e, port);
    }
    return n;
}

static uint32_t take_records(struct cf_engine *e) {
    uint32_t budget = e->control->attempts >= 2 ? 1 : e->limits.turn_records, taken = 0;
    taken += take_port(e, 0, budget);
    uint32_t count = e->active_count, start = count == 0 ? 0 : e->g->next_port % count;
    for (uint32_t i = 0; i < count && taken < budget; i++) {
        uint32_t at = start + i < count ? start + i : start + i - count;
        if (e->active[at] == 0)
            continue;
        uint32_t n = take_port(e, e->active[at], budget - taken);
        taken += n;
        if (n != 0) {
            cf_touch_one(e, &e->g->next_port);
            e->g->next_port = at + 1;
        }
    }
    return taken;
}

/* ------------------------------------------------------------------ the turn */

static void begin(struct cf_engine *e, int64_t now_ns, struct cf_engine_result *r) {
    struct cf_control *c = e->control;
    r->records = r->outputs = r->wakes_count = 0;
    r->more = false;
    e->result = r;
    e->now_ns = now_ns;
    c->hand_port = c->hand_service = 0; /* of a turn that crashed with nothing in hand the former one must not be blamed */
    cf_ports_clean(e);
    e->priorities_changed = false;
    e->looks_left = CF_LOOKS_PER_TURN;
    memset(&e->tally, 0, sizeof e->tally);
    cf_store_release_64(&e->journal.log->count, 0);
    cf_store_release_64(&c->turn, c->committed + 1); /* from here on a new core undoes */
    cf_store_release_64(&c->answers_count, 0);
    cf_store_relaxed_64(&c->beat, c->beat + 1);
    cf_journal_begin(&e->journal, c->turn);
}

static void add_tally(struct cf_engine *e) {
    uint64_t *sum = (uint64_t *)&e->g->sum;
    const uint64_t *now = (const uint64_t *)&e->tally;
    cf_touch_range(&e->journal, sum, sizeof e->g->sum);
    for (size_t i = 0; i < sizeof e->tally / sizeof *now; i++)
        sum[i] += now[i];
}

void cf_engine_turn(struct cf_engine *e, int64_t now_ns, struct cf_engine_result *r) {
    struct cf_control *c = e->control;
    begin(e, now_ns, r);
    e->tally.records = take_records(e);
    if (e->tally.records != 0)
        e->releases_ns = 0;
    r->more = cf_service(e);
    r->records = (uint32_t)e->tally.records;
    r->outputs = (uint32_t)e->tally.outputs;
    if (e->journal.log->count != 0)
        add_tally(e);
    cf_store_relaxed_64(&c->attempts, 0); /* before the commit, both: one that crashes behind it must not count against the next turn */
    cf_store_relaxed_64(&c->setting_aside, 0);
    cf_journal_point(&e->journal, CF_POINT_COMMIT);
    cf_store_release_64(&c->committed, c->turn); /* the commit point */
    cf_journal_point(&e->journal, CF_POINT_COMMIT);
    for (uint32_t i = 0; i < e->dirty_count; i++)
        publish_port(e, e->dirty[i]);
    if (cf_unlikely(e->priorities_changed))
        cf_priorities_show(e);
    publish_answers(e);
    wake_sleepers(e);
    r->more = r->more || r->records == e->limits.turn_records;
}

/* ------------------------------------------------------------------ recovery */

/* The record in hand crashed the engine again and again: step over it. */
static void set_record_aside(struct cf_engine *e, uint32_t port, bool told) {
    struct cf_port *p = e->view[port].p;
    cf_touch_one(e, &p->up_head);
    uint64_t head = p->up_head;
    if (cf_ring_copy_out(e->view[port].up_ring, p->up_mask, &head, &e->in) != CF_RING_EMPTY) {
        p->up_head = head;
        p->bad++;
        e->tally.set_aside++;
        if (e->now_ns == 0)
            e->now_ns = e->in.m.time_ns; /* a new core was not told the time yet */
        if (!told)
            ; /* what is told of it crashes too */
        else if (p->kind == CF_PORT_PROVIDER)
            cf_event_set_aside(e, port);
        else if (p->kind == CF_PORT_APPLICATION)
            cf_request_set_aside(e, port);
        else
            cf_door_set_aside(e);
    }
    cf_port_dirty(e, port);
}

/* No record was in hand, but service of that port: it gets no more of it, and is shown out. */
static void set_port_aside(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = e->view[port].p;
    cf_touch_one(e, &p->aside);
    p->aside = p->aside != CF_ASIDE_NOT || p->state == CF_PORT_GOING ? CF_ASIDE_END : CF_ASIDE_LIFE;
    e->tally.set_aside++;
}

/* What three cores died of is left out. Runs as a turn of its own. */
static void set_aside(struct cf_engine *e, int64_t now_ns) {
    struct cf_control *c = e->control;
    struct cf_engine_result ignored;
    uint64_t record = c->hand_port, service = c->hand_service;
    if (record != 0 ? record > e->ports_count || e->view[record - 1].down == NULL : service == 0 || service > e->ports_count)
        return;
    bool crashed = c->setting_aside != 0;
    c->setting_aside = 1;
    begin(e, now_ns, &ignored);
    if (record != 0)
        set_record_aside(e, (uint32_t)record - 1, !crashed);
    else
        set_port_aside(e, (uint32_t)service - 1);
    add_tally(e);
    c->hand_port = c->hand_service = c->setting_aside = 0; /* before the commit, and attempts: no crash behind it sets more aside */
    c->attempts = 0;
    cf_store_release_64(&c->committed, c->turn);
    for (uint32_t i = 0; i < e->dirty_count; i++)
        publish_port(e, e->dirty[i]);
    publish_answers(e);
}

bool cf_engine_recover(struct cf_engine *e) {
    struct cf_control *c = e->control;
    memset(e->journal.filter, 0, sizeof e->journal.filter);
    if (c->turn != c->committed && c->turn != c->committed + 1)
        return false;
    if (c->turn != c->committed) {
        if (!cf_journal_undo(&e->journal))
            return false;
        /* Until this store a crash in here undoes again, which changes nothing. */
        cf_store_release_64(&c->answers_count, 0);
        cf_store_release_64(&c->turn, c->committed);
        c->undone++;
        c->attempts++;
    } else {
        if (c->answers_count > CF_TURN_RECORDS_MAX)
            return false;
        c->republished++;
    }
    for (uint32_t i = 0; i < e->active_count; i++) {
        publish_port(e, e->active[i]);
        cf_store_relaxed_32(&e->view[e->active[i]].down->up.sleeping, 0);
    }
    publish_answers(e);
    cf_priorities_show(e);
    if (c->attempts >= 3)
        set_aside(e, e->now_ns);
    return true;
}

const struct cf_message *cf_engine_in_hand(const struct cf_engine *e) { return e->control->hand_port != 0 ? &e->in.m : NULL; }

/* ------------------------------------------------------------------ sleeping */

/* A provider that does not read its commands: its events wait (see may_take()). Looks without changing anything. */
static bool held_back(const struct cf_port_view *v) {
    const struct cf_port *p = v->p;
    if (p->kind != CF_PORT_PROVIDER || p->state != CF_PORT_LIVE)
        return false;
    uint64_t ack = cf_load_acquire_64(&v->up->down_ack);
    uint64_t head = ack > p->head_seen && ack <= v->down->down.tail ? ack : p->head_seen;
    return p->mask + 1 - (p->tail - head) < CF_PROVIDER_ROOM;
}

/* Who gives back a handle of a call that has ended does not ring. The longer nothing comes, the less often it is looked for. */
#define CF_RELEASES_NS_MIN 1000000
#define CF_RELEASES_NS_MAX 16000000

static int64_t expect_releases(int64_t before_ns) {
    if (before_ns == 0)
        return CF_RELEASES_NS_MIN;
    return before_ns * 2 < CF_RELEASES_NS_MAX ? before_ns * 2 : CF_RELEASES_NS_MAX;
}

bool cf_engine_sleep(struct cf_engine *e) {
    bool idle_handles = false;
    for (uint32_t i = 0; i < e->active_count; i++)
        cf_store_relaxed_32(&e->view[e->active[i]].down->up.sleeping, 1);
    e->asleep = true;
    cf_fence_store_load(); /* W1: the sleeping words before the last look; pairs with the peers' fence after their commit */
    e->held_back = false;
    for (uint32_t i = 0; i < e->active_count; i++) {
        const struct cf_port_view *v = &e->view[e->active[i]];
        struct cf_ring_consumer c = {v->up_ring, v->p->up_mask, v->p->up_head};
        idle_handles |= v->p->idle_handles != 0;
        if (!cf_port_alive(v->p) || !cf_ring_readable(&c))
            continue;
        if (held_back(v)) {
            e->held_back = true;
            continue;
        }
        cf_engine_awake(e);
        return false;
    }
    e->releases_ns = idle_handles ? expect_releases(e->releases_ns) : 0;
    return true;
}

void cf_engine_awake(struct cf_engine *e) {
    if (!e->asleep)
        return;
    e->asleep = false;
    for (uint32_t i = 0; i < e->active_count; i++)
        cf_store_relaxed_32(&e->view[e->active[i]].down->up.sleeping, 0);
}

/* Peers that are behind acknowledge without ringing; while something waits for them the engine looks every so often. */
#define CF_LOOK_AGAIN_NS 1000000

int64_t cf_engine_deadline(const struct cf_engine *e) {
    int64_t due = INT64_MAX;
    if (e->bells_due != 0)
        for (uint32_t i = 0; i < e->active_count; i++) {
            const struct cf_port_view *v = &e->view[e->active[i]];
            if (v->bell_due && v->rung_ns + v->wake_interval_ns < due)
                due = v->rung_ns + v->wake_interval_ns;
        }
    if (e->held_back && e->now_ns + CF_LOOK_AGAIN_NS < due)
        due = e->now_ns + CF_LOOK_AGAIN_NS;
    if (e->releases_ns != 0 && e->now_ns + e->releases_ns < due)
        due = e->now_ns + e->releases_ns;
    for (size_t i = 0; i < sizeof e->g->busy / sizeof e->g->busy[0]; i++)
        if (e->g->busy[i] != 0 && e->now_ns + CF_LOOK_AGAIN_NS < due)
            due = e->now_ns + CF_LOOK_AGAIN_NS;
    return due;
}
