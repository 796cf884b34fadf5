/*
 * Requests that make calls, whatever they are of: an open line (core/on_line.c) or a call (core/operations.c).
 *
 * Shape      the call exists from the request on, tentative, with a handle that nobody was told (H-4); the provider's reply makes it
 *            one of the line's calls. A request makes one call or two
 * Source     rules H-3 to H-7, M-60 to M-66, P-2
 */
#include "core/making.h"

#include "core/texts.h"

/* What LINECALLINFO shows of what it was made with. */
static void note_more(struct cf_engine *e, struct cf_call *c, const struct cf_made *what) {
    struct cf_call_extra *x = what->related_id != 0 ? cf_extra_touch(e, c) : NULL;
    if (x != NULL)
        x->related_id = what->related_id;
    bool more = what->params.call_param_flags != 0 || what->country != 0;
    struct cf_call_shown *shown = more ? cf_shown_touch(e, c) : NULL;
    if (shown != NULL) {
        shown->param_flags = what->params.call_param_flags;
        shown->country = what->country;
    }
    if (what->texts)
        cf_texts_take(e, c, CF_CALL_TEXT_USER_USER); /* which goes to the other end, and is not what came from there */
}

int32_t cf_making_add(struct cf_engine *e, uint32_t port, uint32_t at, const struct cf_made *what) {
    struct cf_request *q = &e->view[port].requests[at];
    const struct cf_open_line *o = &e->view[port].open_lines[q->open_line];
    const struct cf_call_params *params = &what->params;
    struct cf_call *c = cf_call_make(e, o->line, what->address, q->provider);
    if (c == NULL)
        return LINEERR_CALLUNAVAIL;
    c->flags |= CF_CALL_TENTATIVE;
    c->origin = what->origin;
    c->reason = what->reason;
    c->media = params->media_mode != 0 ? params->media_mode : LINEMEDIAMODE_INTERACTIVEVOICE;
    c->bearer_mode = params->bearer_mode != 0 ? params->bearer_mode : LINEBEARERMODE_VOICE;
    c->app_port = (uint16_t)port;
    uint32_t handle = cf_call_give_handle(e, c, o->position, true);
    if (handle == CF_INDEX_NONE) {
        cf_call_free(e, c);
        return LINEERR_NOMEM;
    }
    struct cf_call_handle *h = cf_slot_at(&e->view[port], handle);
    h->info |= CF_SLOT_PRIVILEGE_DUE;
    cf_touch_one(e, q);
    if (q->makes++ == 0) {
        q->call = cf_call_index(e, c);
        q->call_generation = c->generation;
        q->handle = handle;
        q->handle_generation = h->generation;
    } else {
        q->second = cf_call_index(e, c);
        q->second_generation = c->generation;
    }
    note_more(e, c, what);
    return 0;
}

struct cf_call *cf_making_call(struct cf_engine *e, const struct cf_request *q, uint32_t number) {
    if (number >= q->makes)
        return NULL;
    struct cf_call *c = cf_call_at(e, number == 0 ? q->call : q->second);
    return c->generation == (number == 0 ? q->call_generation : q->second_generation) ? c : NULL;
}

static void unmake(struct cf_engine *e, uint32_t port, struct cf_call *c) {
    if (c->refs != 0)
        cf_call_release(e, c, 0, false, port);
    cf_call_free(e, c);
}

/* Its calls, as far as they are tentative still. */
static void unmake_all(struct cf_engine *e, uint32_t port, const struct cf_request *q) {
    for (uint32_t i = 0; i < q->makes; i++) {
        struct cf_call *c = cf_making_call(e, q, i);
        if (c != NULL && (c->flags & CF_CALL_TENTATIVE) != 0)
            unmake(e, port, c);
    }
}

void cf_making_fail(struct cf_engine *e, uint32_t port, uint32_t at, int32_t error) {
    unmake_all(e, port, &e->view[port].requests[at]);
    cf_request_finish(e, port, at, error);
}

uint32_t cf_making_address(const struct cf_engine *e, uint32_t line, const struct cf_call_params *params) {
    const char *own = e->infos[line].address;
    struct cf_field f;
    if (params->address_mode != LINEADDRESSMODE_DIALABLEADDR)
        return params->address_id < e->lines[line].addresses ? params->address_id : CF_INDEX_NONE;
    bool same = cf_fields_find(&e->in, CF_FIELD_ADDRESS, &f) && f.bytes != 0 && f.bytes == strnlen(own, CF_NAME_MAX) &&
                memcmp(f.data, own, f.bytes) == 0;
    return same ? 0 : CF_INDEX_NONE;
}

void cf_making_read_params(const struct cf_record *r, struct cf_call_params *ret_params) {
    struct cf_field f;
    memset(ret_params, 0, sizeof *ret_params);
    if (cf_fields_find(r, CF_FIELD_CALL_PARAMS, &f) && f.bytes == sizeof *ret_params)
        memcpy(ret_params, f.data, sizeof *ret_params);
}

/* ------------------------------------------------------------------ the provider's reply */

/* The provider confirmed: the call becomes one of its line's. */
static void become_real(struct cf_engine *e, uint32_t port, const struct cf_request *q, struct cf_call *c, uint64_t provider_call) {
    struct cf_provider_call *entry = &e->view[c->provider].provider_calls[cf_handle_index(provider_call)];
    uint32_t ref_port, ref_open;
    if (c->refs != 0 && !cf_ref_live(e, c, cf_call_ref(e, c, 0), &ref_port, &ref_open))
        cf_call_release(e, c, 0, true, port); /* while it is tentative: the sweep of that open may be past the line's calls */
    cf_event_uses(e, c->provider, cf_handle_index(provider_call));
    cf_touch_one(e, entry);
    entry->generation = cf_handle_generation(provider_call);
    entry->call = cf_call_index(e, c) + 1;
    cf_touch_one(e, c);
    c->provider_call = provider_call;
    c->flags &= (uint16_t)~CF_CALL_TENTATIVE;
    c->flags |= CF_CALL_FIRST_DUE;
    c->state = LINECALLSTATE_UNKNOWN;
    c->state_time_ns = e->now_ns;
    cf_touch_one(e, &e->g->serial);
    c->born = e->g->serial++; /* for those who hear of it: after the calls that were announced meanwhile */
    if (c->refs != 0) {
        struct cf_open_line *o = &e->view[port].open_lines[q->open_line];
        cf_touch_one(e, o);
        o->handles++;
    }
    cf_call_link(e, c);
}

/* The maker learns its handles, then monitors hear of the calls (M-60, M-61). */
static void made(struct cf_engine *e, uint32_t port, uint32_t at, const uint64_t ids[2]) {
    struct cf_request *q = &e->view[port].requests[at];
    struct cf_call *calls[2];
    uint32_t n = q->makes;
    for (uint32_t i = 0; i < n; i++) {
        calls[i] = cf_making_call(e, q, i);
        become_real(e, port, q, calls[i], ids[i]);
    }
    cf_request_finish(e, port, at, 0);
    for (uint32_t i = 0; i < n; i++) {
        cf_call_announce_monitors(e, calls[i], LINECALLSTATE_UNKNOWN, 0);
        if (calls[i]->owners == 0 && calls[i]->refs != 0 && e->control->options.close_policy == CF_CLOSE_DROPS)
            cf_call_due(e, calls[i], CF_CALL_DROP_DUE); /* the maker closed the line meanwhile: as if it had closed it now (H-61) */
        cf_call_collect(e, calls[i]);                   /* the same, and nobody monitors it */
    }
}

static bool is_new(const struct cf_engine *e, uint32_t provider, uint64_t id) {
    uint32_t index = cf_handle_index(id);
    if (cf_handle_kind(id) != CF_KIND_PROVIDER || !cf_generation_live(cf_handle_generation(id)) || index >= e->limits.calls_per_provider)
        return false;
    const struct cf_provider_call *entry = &e->view[provider].provider_calls[index];
    return entry->call == 0 && cf_generation_newer(cf_handle_generation(id), entry->generation);
}

void cf_making_close(struct cf_engine *e, uint32_t provider, uint64_t id) {
    if (id == 0 || !cf_event_ended(e, provider, id))
        return;
    cf_output_begin(e, CF_CMD_CLOSE_CALL, id, 0, 0, 0);
    cf_output_command(e, provider, 0);
}

void cf_making_replied(struct cf_engine *e, uint32_t provider, uint32_t port, uint32_t at, int32_t result) {
    const struct cf_request *q = &e->view[port].requests[at];
    const uint64_t ids[2] = {e->in.m.device, q->makes == 2 ? e->in.m.param3 : 0};
    if (result == 0 && q->id == CF_REQ_FORWARD && ids[0] == 0) { /* it needed none (H-8) */
        unmake_all(e, port, q);
        struct cf_request *none = &e->view[port].requests[at];
        cf_touch_one(e, none);
        none->makes = 0;
        cf_request_finish(e, port, at, 0);
        return;
    }
    if (result == 0) {
        bool valid = is_new(e, provider, ids[0]) &&
                     (q->makes == 1 || (is_new(e, provider, ids[1]) && cf_handle_index(ids[0]) != cf_handle_index(ids[1])));
        if (valid) {
            made(e, port, at, ids);
            return;
        }
        e->tally.stale_events++;
        for (uint32_t i = 0; i < q->makes && q->makes == 2; i++)
            cf_making_close(e, provider, ids[i]); /* the one that is right is nobody's */
        result = LINEERR_OPERATIONFAILED;
    }
    cf_making_fail(e, port, at, result);
}

void cf_request_orphan(struct cf_engine *e, uint32_t port, uint32_t at) {
    struct cf_request *q = &e->view[port].requests[at];
    unmake_all(e, port, q);
    cf_touch_one(e, q);
    q->time_ns = e->now_ns;
    cf_request_finish(e, port, at, LINEERR_OPERATIONFAILED);
}
