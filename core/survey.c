/* See survey.h. */
#include "core/survey.h"

#include "core/internal.h"

static int64_t age(const struct cf_survey *s, int64_t time_ns) {
    if (time_ns > s->now_ns)
        return 0;
    return time_ns < 0 ? s->now_ns : s->now_ns - time_ns;
}

/* ------------------------------------------------------------------ calls */

/* Damaged chains are the check's to report; here they only must lead nowhere. */
static bool references_sound(const struct cf_engine *e, const struct cf_call *c) {
    uint32_t chunk = c->chunk;
    if (c->line >= e->g->lines_used || c->refs > CF_OPENS_PER_LINE_MAX)
        return false;
    for (uint32_t n = CF_REFS_INLINE; n < c->refs; n += CF_REFS_PER_CHUNK, chunk = e->chunks[chunk].next)
        if (chunk >= e->g->chunks_used)
            return false;
    return true;
}

static void describe(const struct cf_engine *e, const struct cf_call *c, int64_t quiet_ns, struct cf_survey_call *d) {
    *d = (struct cf_survey_call){.call_id = (uint32_t)c->born, .line = c->line, .state = c->state, .mode = c->mode,
                                 .provider = c->provider, .owners = c->owners, .monitors = (uint32_t)c->refs - c->owners,
                                 .quiet_ns = quiet_ns};
    if (!references_sound(e, c))
        return;
    for (uint32_t at = 0; at < c->refs && d->holders_count < CF_SURVEY_HOLDERS; at++) {
        uint64_t ref = cf_call_ref(e, c, at);
        uint32_t port = cf_open_port_of(*cf_open_at(e, c->line, cf_ref_position(ref))), slot = cf_ref_index(ref);
        if (port >= e->ports_count || e->ports[port].kind != CF_PORT_APPLICATION)
            continue;
        const struct cf_call_handle *h = cf_handle_table_look_up(&e->view[port].handles, slot, cf_ref_generation(ref));
        d->holders[d->holders_count].port = port;
        d->holders[d->holders_count++].owner = h != NULL && (h->info & CF_SLOT_OWNER) != 0;
    }
}

/* Into its place among those that are quiet for longest. */
static void keep(const struct cf_engine *e, struct cf_survey *s, const struct cf_call *c, int64_t quiet_ns) {
    uint32_t at = s->calls_count;
    if (at == CF_SURVEY_CALLS && s->calls[at - 1].quiet_ns >= quiet_ns)
        return;
    if (at < CF_SURVEY_CALLS)
        s->calls_count++;
    else
        at--;
    for (; at > 0 && s->calls[at - 1].quiet_ns < quiet_ns; at--)
        s->calls[at] = s->calls[at - 1];
    describe(e, c, quiet_ns, &s->calls[at]);
}

static uint64_t step_calls(const struct cf_engine *e, struct cf_survey *s) {
    if (s->at >= e->call_head->used || s->at >= e->limits.calls) {
        s->part = CF_SURVEY_OF_HANDLES;
        s->at = s->port = 0;
        return 1;
    }
    const struct cf_call *c = cf_call_at(e, s->at++);
    if (!cf_generation_live(c->generation))
        return 1;
    if (c->refs > CF_REFS_INLINE)
        s->chunks += (uint64_t)(c->refs - CF_REFS_INLINE + CF_REFS_PER_CHUNK - 1) / CF_REFS_PER_CHUNK;
    int64_t quiet_ns = age(s, c->state_time_ns);
    if ((c->flags & CF_CALL_TENTATIVE) != 0 || c->state == LINECALLSTATE_IDLE || quiet_ns < s->quiet_ns)
        return 1;
    s->calls_quiet++;
    keep(e, s, c, quiet_ns);
    return 8;
}

/* ------------------------------------------------------------------ handles, requests */

/* The next application from s->port on; false: there is none. */
static bool find_application(const struct cf_engine *e, struct cf_survey *s) {
    while (s->port < e->ports_count && (e->ports[s->port].state == CF_PORT_NONE || e->ports[s->port].kind != CF_PORT_APPLICATION)) {
        s->port++;
        s->at = 0;
    }
    return s->port < e->ports_count;
}

static uint64_t step_handles(const struct cf_engine *e, struct cf_survey *s) {
    if (!find_application(e, s)) {
        s->part = CF_SURVEY_OF_REQUESTS;
        s->at = s->port = 0;
        return 1;
    }
    const struct cf_port_view *v = &e->view[s->port];
    struct cf_survey_port *found = &s->ports[s->port];
    if (s->at >= v->p->handles.used || s->at >= e->limits.handles) {
        s->port++;
        s->at = 0;
        return 1;
    }
    const struct cf_call_handle *h = cf_slot_at(v, s->at++);
    if (!cf_generation_live(h->generation) || h->call >= e->call_head->used || h->call >= e->limits.calls)
        return 1;
    const struct cf_call *c = cf_call_at(e, h->call);
    if (c->state != LINECALLSTATE_IDLE)
        return 2;
    int64_t idle_ns = age(s, c->state_time_ns);
    found->idle++;
    found->idle_ns = idle_ns > found->idle_ns ? idle_ns : found->idle_ns;
    return 2;
}

static uint64_t step_requests(const struct cf_engine *e, struct cf_survey *s) {
    if (!find_application(e, s)) {
        s->part = CF_SURVEY_END;
        return 1;
    }
    const struct cf_port_view *v = &e->view[s->port];
    if (s->at >= v->p->requests_used || s->at >= CF_REQUEST_SLOTS) {
        s->port++;
        s->at = 0;
        return 1;
    }
    const struct cf_request *q = &v->requests[s->at++];
    int64_t waits_ns = age(s, q->time_ns);
    if (q->state != CF_REQUEST_SENT || waits_ns < s->unanswered_ns || q->provider >= e->ports_count)
        return 1;
    struct cf_survey_port *provider = &s->ports[q->provider];
    if (provider->unanswered++ == 0 || waits_ns > provider->unanswered_ns) {
        provider->unanswered_ns = waits_ns;
        provider->asked_by = s->port;
    }
    return 1;
}

/* ------------------------------------------------------------------ the walk */

void cf_survey_begin(struct cf_survey *s, int64_t now_ns, int64_t quiet_ns, int64_t unanswered_ns) {
    memset(s, 0, sizeof *s);
    s->now_ns = now_ns;
    s->quiet_ns = quiet_ns;
    s->unanswered_ns = unanswered_ns;
}

bool cf_engine_survey_step(struct cf_engine *e, struct cf_survey *s, uint64_t budget) {
    s->chunks_max = e->chunks_max;
    for (uint64_t spent = 0; s->part != CF_SURVEY_END && spent < budget;) {
        if (s->part == CF_SURVEY_OF_CALLS)
            spent += step_calls(e, s);
        else if (s->part == CF_SURVEY_OF_HANDLES)
            spent += step_handles(e, s);
        else
            spent += step_requests(e, s);
    }
    return s->part != CF_SURVEY_END;
}
