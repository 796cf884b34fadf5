/* See gather.h. */
#include "core/gather.h"

#include "core/blocks.h"

struct gathered {
    uint8_t modes, wanted, bytes;
    char digits[CF_GATHER_MAX];
};
_Static_assert(sizeof(struct gathered) <= CF_PARTY_BLOCK_BYTES, "one block");

static const struct gathered *gathered_of(const struct cf_engine *e, const struct cf_request *q) {
    return (const struct gathered *)e->parties[q->digits].bytes;
}

/* ------------------------------------------------------------------ the request */

static bool timeout_valid(const struct cf_line_caps *caps, uint64_t ms) {
    return ms == 0 || (ms >= caps->gather_timeout_min_ms && ms <= caps->gather_timeout_max_ms);
}

/* Why what it asks for cannot be had of that line. */
static int32_t line_refusal(const struct cf_line_caps *caps, const struct cf_message *m) {
    uint32_t modes = (uint32_t)m->param1;
    if ((modes & ~caps->monitor_digit_modes) != 0)
        return LINEERR_INVALDIGITMODE;
    return timeout_valid(caps, m->param2 & UINT32_MAX) && timeout_valid(caps, m->param2 >> 32) ? 0 : LINEERR_INVALTIMEOUT;
}

static int32_t parameters_refusal(const struct cf_message *m, const struct cf_field *ends) {
    uint32_t modes = (uint32_t)m->param1;
    if (m->param1 >> 32 == 0)
        return 0; /* it stops what runs */
    if (!cf_gather_modes_valid(modes))
        return LINEERR_INVALDIGITMODE;
    return ends->bytes <= CF_DIGITS_MAX && cf_gather_digits_valid(modes, ends->data, ends->bytes) ? 0 : LINEERR_INVALDIGITS;
}

static struct cf_record *begin_command(struct cf_engine *e, const struct cf_call *c, uint64_t number, const struct cf_field *ends) {
    const struct cf_message *m = &e->in.m;
    bool stops = number == 0;
    struct cf_record *r = cf_output_begin(e, CF_CMD_GATHER_DIGITS, c->provider_call, number, stops ? 0 : m->param1, stops ? 0 : m->param2);
    if (!stops && ends->bytes != 0)
        cf_fields_append(r, CF_FIELD_TERMINATION_DIGITS, ends->data, ends->bytes);
    return r;
}

static int32_t start(struct cf_engine *e, uint32_t port, const struct cf_asked *a, const struct cf_field *ends) {
    const struct cf_message *m = &e->in.m;
    uint32_t block = cf_block_take(e), at = block == CF_INDEX_NONE ? CF_INDEX_NONE : cf_request_of_call(e, port, a);
    if (at == CF_INDEX_NONE) {
        cf_block_give(e, block);
        return LINEERR_RESOURCEUNAVAIL;
    }
    struct cf_request *q = &e->view[port].requests[at];
    *(struct gathered *)e->parties[block].bytes = (struct gathered){.modes = (uint8_t)m->param1, .wanted = (uint8_t)(m->param1 >> 32)};
    q->digits = block;
    q->request_id = (uint32_t)m->param3;
    q->handle = a->index;
    q->handle_generation = a->handle->generation;
    begin_command(e, a->call, cf_request_number(e, port, at), ends);
    if (cf_output_command(e, a->call->provider, CF_PROVIDER_KEEP_REQUESTS))
        return 0;
    cf_request_free(e, port, at);
    return LINEERR_RESOURCEUNAVAIL;
}

static int32_t gather(struct cf_engine *e, uint32_t port) {
    const struct cf_message *m = &e->in.m;
    struct cf_asked a = cf_request_asked(e, port);
    struct cf_field ends;
    if (a.call == NULL)
        return LINEERR_INVALCALLHANDLE;
    if (!cf_fields_find(&e->in, CF_FIELD_TERMINATION_DIGITS, &ends))
        ends = (struct cf_field){0};
    int32_t error = cf_request_refusal(e, &a, LINECALLFEATURE_GATHERDIGITS, parameters_refusal(m, &ends));
    if (error != 0)
        return error;
    if (m->param1 >> 32 == 0) {
        begin_command(e, a.call, 0, &ends);
        return cf_output_command(e, a.call->provider, CF_PROVIDER_KEEP_REQUESTS) ? 0 : LINEERR_RESOURCEUNAVAIL;
    }
    error = line_refusal(&e->infos[a.call->line].caps, m);
    if (error == 0 && m->param1 >> 32 > CF_GATHER_MAX)
        error = LINEERR_RESOURCEUNAVAIL;
    return error != 0 ? error : start(e, port, &a, &ends);
}

bool cf_gather_take(struct cf_engine *e, uint32_t port) {
    if (e->in.m.id != CF_REQ_GATHER_DIGITS)
        return false;
    cf_output_answer(e, port, gather(e, port), NULL, 0);
    return true;
}

/* ------------------------------------------------------------------ its end */

int32_t cf_gather_replied(struct cf_engine *e, struct cf_request *q, int32_t result) {
    const struct cf_message *m = &e->in.m;
    struct cf_field f;
    if (result != 0 || !cf_one_of(m->param3, CF_GATHER_TERMS))
        return LINEGATHERTERM_CANCEL;
    if (cf_fields_find(&e->in, CF_FIELD_DIGITS, &f)) {
        struct cf_party_block *block = &e->parties[q->digits];
        struct gathered *g = (struct gathered *)block->bytes;
        cf_touch_range(&e->journal, block, sizeof *block);
        for (uint32_t i = 0; i < f.bytes && g->bytes < g->wanted; i++)
            if (cf_digit_heard(g->modes, f.data[i]))
                g->digits[g->bytes++] = (char)f.data[i];
    }
    return (int32_t)m->param3;
}

static uint32_t payload_of(const struct gathered *g) { return g->bytes == 0 ? 0 : 4u + g->bytes; }

uint64_t cf_gather_cost(const struct cf_engine *e, uint32_t port, const struct cf_request *q) {
    const struct cf_port *p = &e->ports[port];
    return cf_ring_cost(p->mask, p->tail, cf_record_slots(payload_of(gathered_of(e, q))));
}

void cf_gather_send(struct cf_engine *e, uint32_t port, const struct cf_request *q) {
    const struct gathered *g = gathered_of(e, q);
    uint32_t how = q->result > 0 ? (uint32_t)q->result : LINEGATHERTERM_CANCEL;
    struct cf_record *r = cf_output_begin(e, LINE_GATHERDIGITS, cf_port_handle(e, port, q->handle, q->handle_generation), how, q->request_id,
                                          (uint32_t)(q->time_ns / 1000000));
    r->m.time_ns = q->time_ns;
    r->m.open_line = q->open_line;
    if (g->bytes != 0)
        cf_fields_append(r, CF_FIELD_DIGITS, g->digits, g->bytes);
    e->tally.deliveries++;
    cf_output_record(e, port, &e->out);
}

void cf_gather_free(struct cf_engine *e, struct cf_request *q) {
    cf_block_give(e, q->digits);
    q->digits = 0;
}

bool cf_gather_check(const struct cf_engine *e, const struct cf_request *q) {
    if (q->digits >= e->g->parties_used || e->parties[q->digits].next != CF_INDEX_NONE)
        return false;
    const struct gathered *g = gathered_of(e, q);
    return g->wanted != 0 && g->wanted <= CF_GATHER_MAX && g->bytes <= g->wanted;
}
