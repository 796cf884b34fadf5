/*
 * Output: messages into down rings (never their commit words: that is publishing), answers into reply slots.
 *
 * Invariant  sequence numbers are dense per port; the slots of `reserve` are left to LINE_REPLY and what is never lost
 */
#include "core/internal.h"

#include "core/loss.h"

void cf_port_dirty_first(struct cf_engine *e, uint32_t port) {
    e->dirty_set[port / 64] |= UINT64_C(1) << (port % 64);
    e->dirty[e->dirty_count++] = port;
    cf_touch_one(e, &e->ports[port]); /* once a turn: whoever finds the port dirty need not */
}

void cf_ports_clean(struct cf_engine *e) {
    for (uint32_t i = 0; i < e->dirty_count; i++) {
        e->dirty_set[e->dirty[i] / 64] = 0;
        cf_outlet_shut(e, e->dirty[i]);
    }
    e->dirty_count = 0;
}

bool cf_outlet_open(struct cf_engine *e, uint32_t port) {
    const struct cf_port *p = &e->ports[port];
    uint64_t end = p->head_seen + p->mask + 1;
    if (!cf_port_in_step(p) || p->tail + p->reserve >= end)
        return false;
    cf_port_dirty(e, port);
    cf_journal_point(&e->journal, CF_POINT_OUTPUT);
    /* Where a crash may be wanted after each message every one comes by here. */
    e->outlet[port].limit = e->journal.on_point == NULL ? end - p->reserve : p->tail + 1;
    return true;
}

void cf_port_busy(struct cf_engine *e, uint32_t port) {
    uint32_t *word = &e->g->busy[port / 32], bit = UINT32_C(1) << (port % 32);
    if ((*word & bit) != 0)
        return;
    cf_touch_one(e, word);
    *word |= bit;
}

bool cf_port_is_busy(const struct cf_engine *e, uint32_t port) { return e->g->busy[port / 32] >> (port % 32) & 1; }

/* Reads the peer's word once; one that goes back or past what was published is not believed. */
uint64_t cf_output_look_again(struct cf_engine *e, struct cf_port_view *v) {
    struct cf_port *p = v->p;
    uint64_t ack = cf_load_acquire_64(&v->up->down_ack); /* R1 pairs with A1 in cf_ring_acknowledge() */
    if (ack > p->head_seen && ack <= v->down->down.tail) {
        cf_touch_one(e, p);
        p->head_seen = ack;
    }
    return p->mask + 1 - (p->tail - p->head_seen);
}

struct cf_record *cf_output_begin(struct cf_engine *e, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    struct cf_record *r = &e->out;
    r->m = (struct cf_message){.device = device, .param1 = p1, .param2 = p2, .param3 = p3, .id = id, .open_line = CF_INDEX_NONE,
                               .time_ns = e->now_ns};
    r->payload_bytes = 0;
    return r;
}

void cf_output_record(struct cf_engine *e, uint32_t port, struct cf_record *r) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    r->m.slots = (uint8_t)cf_record_slots(r->payload_bytes);
    uint64_t cost = cf_ring_cost(p->mask, p->tail, r->m.slots);
    cf_port_dirty(e, port);
    r->m.sequence = ++p->sequence;
    if (cost != r->m.slots)
        cf_ring_write_filler(v->ring, p->mask, p->tail);
    cf_ring_write(v->ring, p->mask, p->tail + cost - r->m.slots, r);
    p->tail += cost;
    p->messages++;
    e->tally.outputs++;
    cf_journal_point(&e->journal, CF_POINT_OUTPUT);
}

void cf_output_gap(struct cf_engine *e, uint32_t port, uint16_t id, uint64_t folded, bool counts, uint64_t p3) {
    struct cf_port *p = e->view[port].p;
    cf_port_dirty(e, port);
    uint64_t first = p->sequence + 1;
    uint64_t last = counts ? p->sequence + folded + 1 : p->sequence + folded;
    p->sequence = last - 1; /* the message below takes `last` */
    cf_output_message(e, port, id, 0, first, last, p3, e->now_ns, CF_INDEX_NONE);
    if (!counts)
        p->messages--;
    cf_touch_one(e, &p->gaps);
    if (!counts)
        p->gaps++;
}

void cf_output_missed(struct cf_engine *e, struct cf_port *p, uint64_t n) {
    cf_touch_one(e, p);
    p->missed += n;
    cf_touch_one(e, &p->outage_missed);
    p->outage_missed += n;
    cf_port_dirty(e, (uint32_t)(p - e->ports)); /* the peer reads the counter although nothing else comes */
}

bool cf_output_not_ready(struct cf_engine *e, uint32_t port) {
    if (e->view[port].p->step != CF_BEHIND)
        cf_behind_enter(e, port, 1);
    return false;
}

/* ------------------------------------------------------------------ what has no room: as the row of core/loss.c says */

/* The handle's mark and bits. A resync that has not come to that handle yet keeps everything of it. */
static bool handle_is_held(const struct cf_port_view *v, uint64_t handle) {
    return v->p->step == CF_RESYNC && cf_marks_test(&v->changed, cf_handle_slot(handle));
}

static void keep_handle(struct cf_engine *e, uint32_t port, const struct cf_loss_row *row, uint64_t handle, uint64_t bits) {
    struct cf_port_view *v = &e->view[port];
    uint32_t index = cf_handle_slot(handle);
    if (row->merge == CF_MERGE_NEWEST) {
        cf_marks_set(&v->changed, &e->journal, index); /* the call has the state, the handle its privilege */
        return;
    }
    struct cf_call_handle *h = cf_slot_at(v, index);
    cf_touch_one(e, h);
    h->owed |= (uint32_t)bits;
    cf_marks_set(&v->notices, &e->journal, index);
    cf_port_busy(e, port);
}

static void keep_open(struct cf_engine *e, uint32_t port, uint16_t id, uint32_t open_line, uint64_t p1, uint64_t p2) {
    struct cf_open_line *o = &e->view[port].open_lines[open_line];
    cf_touch_one(e, o);
    if (id == LINE_LINEDEVSTATE)
        o->owed_states |= (uint32_t)p1;
    if (id == LINE_ADDRESSSTATE) {
        o->owed_addresses |= UINT64_C(1) << p1;
        o->owed_address_states |= (uint16_t)p2;
    }
    cf_open_due(e, port, open_line, id == LINE_LINEDEVSTATE ? CF_DUE_STATE : id == LINE_ADDRESSSTATE ? CF_DUE_ADDRESS : CF_DUE_CLOSE);
}

/* Whether a message of that row goes into the ring now. What is never lost waits its turn behind what waits already. */
static bool may_tell(struct cf_engine *e, uint32_t port, const struct cf_loss_row *row, uint64_t device) {
    struct cf_port_view *v = &e->view[port];
    switch (row->keeper) {
    case CF_KEEPER_REQUEST: /* the slots kept back are for these */
        return v->p->step != CF_BEHIND && v->p->replied_first == CF_INDEX_NONE && cf_output_free(e, v, 1) >= 1;
    case CF_KEEPER_DEVICE:
        return false; /* always by its mark, in slices */
    case CF_KEEPER_OPEN:
        return (row->loss != CF_LOSS_NEVER || v->p->step == CF_IN_STEP) && cf_output_ready(e, port, 1);
    case CF_KEEPER_HANDLE:
        return !handle_is_held(v, device) && cf_output_ready(e, port, 1);
    default:
        return cf_output_ready(e, port, 1);
    }
}

bool cf_output_may_tell(struct cf_engine *e, uint32_t port, uint16_t id) { return may_tell(e, port, cf_loss_of(id), 0); }

bool cf_output_tell(struct cf_engine *e, uint32_t port, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3,
                    int64_t time_ns, uint32_t open_line) {
    const struct cf_loss_row *row = cf_loss_of(id);
    assert(row->loss != CF_LOSS_UNSENT);
    e->tally.deliveries++;
    if (cf_likely(may_tell(e, port, row, device))) {
        cf_output_message(e, port, id, device, p1, p2, p3, time_ns, open_line);
        return true;
    }
    if (row->loss != CF_LOSS_NEVER)
        cf_output_missed(e, e->view[port].p, 1);
    if (row->keeper == CF_KEEPER_HANDLE)
        keep_handle(e, port, row, device, p1);
    else if (row->keeper == CF_KEEPER_OPEN)
        keep_open(e, port, id, open_line, p1, p2);
    return false; /* the others are kept by who asks */
}

void cf_output_answer(struct cf_engine *e, uint32_t port, int32_t result, const void *data, uint32_t bytes) {
    struct cf_port_view *v = &e->view[port];
    const struct cf_message *m = &e->in.m;
    struct cf_control *c = e->control;
    if (m->flags >= v->down->header.reply_slots || c->answers_count == CF_TURN_RECORDS_MAX) {
        cf_touch_one(e, &v->p->bad);
        v->p->bad++;
        return;
    }
    struct cf_reply_slot *s = cf_port_reply(v->down, m->flags);
    assert(bytes <= sizeof s->data);
    if (bytes != 0)
        memcpy(s->data, data, bytes);
    s->as_of = v->p->sequence;
    s->result = result;
    s->bytes = bytes;
    c->answers[c->answers_count] = (struct cf_answer){port, m->flags, m->sequence};
    cf_store_release_64(&c->answers_count, c->answers_count + 1);
    e->tally.outputs++;
    cf_journal_point(&e->journal, CF_POINT_OUTPUT);
}

bool cf_output_command(struct cf_engine *e, uint32_t port, uint32_t keep_free) {
    struct cf_port_view *v = &e->view[port];
    if (v->down == NULL || v->p->state != CF_PORT_LIVE)
        return false;
    uint64_t cost = cf_ring_cost(v->p->mask, v->p->tail, cf_record_slots(e->out.payload_bytes)) + keep_free;
    if (cf_output_free(e, v, cost) < cost)
        return false;
    cf_output_record(e, port, &e->out);
    return true;
}
