/* Looking in: counters for the status. */
#include "core/internal.h"

void cf_engine_totals(const struct cf_engine *e, struct cf_engine_totals *t) {
    const struct cf_tally *s = &e->g->sum;
    *t = (struct cf_engine_totals){
        .turns = e->control->committed, .records = s->records, .outputs = s->outputs, .calls_live = e->call_head->live,
        .calls_made = s->calls_made, .calls_refused = s->calls_refused, .calls_ended = s->calls_ended, .lines = e->g->lines_used,
        .opens = e->g->opens, .handles_made = s->handles_made, .deliveries = s->deliveries, .stale_events = s->stale_events,
        .stale_requests = s->stale_requests, .bad_records = s->bad_records, .handles_refused = s->handles_refused,
        .recoveries_undone = e->control->undone, .recoveries_republished = e->control->republished, .set_aside = s->set_aside,
        .parties_dropped = s->parties_dropped, .party_blocks = e->g->parties_live,
        .party_blocks_max = e->parties_max, .denied = s->denied,
    };
    for (uint32_t port = 0; port < e->ports_count; port++)
        if (e->ports[port].kind == CF_PORT_APPLICATION)
            t->handles_live += e->ports[port].handles.live;
}

/* delivered and pending come from the peer's words, clamped: a liar changes only his own figures, and never the sum. */
bool cf_engine_port_status(const struct cf_engine *e, uint32_t port, struct cf_engine_port_status *s) {
    memset(s, 0, sizeof *s);
    if (port >= e->ports_count)
        return false;
    const struct cf_port *p = &e->ports[port];
    const struct cf_port_view *v = &e->view[port];
    if (p->state == CF_PORT_NONE || v->down == NULL)
        return true;
    /* In this order, as the peer stores them in the other: what it cancelled is among what it then says it read. */
    uint64_t messages = p->messages, ack = cf_load_acquire_64(&v->up->down_ack), cancelled = cf_load_acquire_64(&v->up->cancelled);
    uint64_t acked = cf_load_acquire_64(&v->up->messages_acked);
    s->unlawful = (cf_port_law_holds(p) ? 0 : CF_UNLAWFUL_SEQUENCE) | (acked > messages || cancelled > acked ? CF_UNLAWFUL_PEER : 0);
    acked = acked < messages ? acked : messages;
    cancelled = cancelled < acked ? cancelled : acked;
    s->kind = p->kind;
    s->generation = p->generation;
    memcpy(s->name, p->name, sizeof s->name);
    s->state = p->state == CF_PORT_LIVE ? 1 : 2;
    s->behind = p->step;
    s->behind_since_ns = p->step == CF_IN_STEP ? 0 : v->behind_ns;
    s->ring_slots = p->mask + 1;
    s->ring_used = ack <= p->tail ? p->tail - ack : 0;
    s->missed = p->missed;
    s->offered = messages + p->missed;
    s->cancelled = cancelled;
    s->delivered = acked - cancelled;
    s->pending = messages - acked;
    s->gaps = p->gaps;
    s->calls_unseen = p->calls_unseen;
    s->sequence = p->sequence;
    s->open_lines = p->opens_live;
    s->handles = p->kind == CF_PORT_APPLICATION ? p->handles.live : p->calls_live;
    s->requests = p->requests;
    s->requests_outstanding = p->requests_live;
    s->bad_records = p->bad;
    memcpy(s->access, v->rights->name, sizeof s->access);
    s->handles_max = v->rights->handles;
    s->open_lines_max = v->rights->open_lines;
    s->requests_per_turn = v->rights->records;
    return true;
}
