/*
 * Output: messages into down rings (never their commit words: that is publishing), answers into reply slots.
 *
 * Invariant  sequence numbers are dense per port; the slots of `reserve` are left to LINE_REPLY and what is never lost
 */
#include "core/internal.h"

void cf_port_dirty_slow(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    v->dirty_turn = e->journal.turn;
    e->dirty[e->dirty_count++] = port;
    cf_touch_one(e, v->p); /* once a turn: whoever finds the port dirty need not */
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

void cf_output_record(struct cf_engine *e, uint32_t port) {
    struct cf_port_view *v = &e->view[port];
    struct cf_port *p = v->p;
    struct cf_record *r = &e->out;
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

bool cf_output_tell(struct cf_engine *e, uint32_t port, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3,
                    int64_t time_ns, uint32_t open_line) {
    e->tally.deliveries++;
    if (cf_unlikely(!cf_output_ready(e, port, 1))) {
        cf_output_missed(e, e->view[port].p, 1);
        return false;
    }
    cf_output_message(e, port, id, device, p1, p2, p3, time_ns, open_line);
    return true;
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
    cf_output_record(e, port);
    return true;
}
