/* Questions: what applications ask about devices, lines and calls. They change nothing but the list of new calls. */
#include "core/parties.h"
#include "core/requests.h"

#include "core/operations.h"
#include "core/texts.h"
#include "core/watch.h"

static void devices(struct cf_engine *e, uint32_t port) {
    struct cf_reply_devices r = {.devices = e->g->lines_used};
    cf_output_answer(e, port, 0, &r, sizeof r);
}

/* Providers number their lines each for itself; the place of the provider in the configuration tells them apart. */
static uint32_t permanent_id(const struct cf_line *l, const struct cf_line_caps *c) {
    return (uint32_t)l->provider << 20 | (c->permanent_id & 0xFFFFF);
}

static void dev_caps(struct cf_engine *e, uint32_t port) {
    uint64_t line = e->in.m.param1;
    if (line >= e->g->lines_used || e->lines[line].state == CF_LINE_REMOVED) {
        cf_output_answer(e, port, line >= e->g->lines_used ? LINEERR_BADDEVICEID : LINEERR_NODEVICE, NULL, 0);
        return;
    }
    const struct cf_line_info *info = &e->infos[line];
    const struct cf_line_caps *c = &info->caps;
    struct cf_reply_dev_caps r = {
        .permanent_id = permanent_id(&e->lines[line], c), .addresses = c->addresses, .bearer_modes = c->bearer_modes,
        .media_modes = c->media_modes, .dev_cap_flags = c->dev_cap_flags, .line_features = c->line_features,
        .calls_max = c->calls_max, .answer_mode = c->answer_mode, .addr_cap_flags = c->addr_cap_flags,
        .call_features = c->call_features, .call_states = c->call_states, .in_service = e->lines[line].state == CF_LINE_UP,
        .digit_modes = c->digit_modes, .transfer_modes = c->transfer_modes, .conference_max = c->conference_max,
        .remove_from_conf_caps = c->remove_from_conf_caps, .remove_from_conf_state = c->remove_from_conf_state,
        .monitor_digit_modes = c->monitor_digit_modes, .gather_timeout_min_ms = c->gather_timeout_min_ms,
        .gather_timeout_max_ms = c->gather_timeout_max_ms, .generate_tone_modes = c->generate_tone_modes,
        .generate_tone_freqs = c->generate_tone_freqs, .monitor_tone_freqs = c->monitor_tone_freqs,
        .monitor_tone_entries = c->monitor_tone_entries,
        .more = c->more,
    };
    memcpy(r.name, info->name, sizeof r.name);
    memcpy(r.provider, info->provider, sizeof r.provider);
    memcpy(r.address, info->address, sizeof r.address);
    cf_output_answer(e, port, 0, &r, sizeof r);
}

#define STATUS_CALLS_MAX 4096 /* of a trunk with more, the first so many are looked at */

static void count_calls(struct cf_engine *e, const struct cf_line *l, struct cf_reply_line_status *r) {
    uint32_t counts[CF_ADDRESS_USES] = {0}, seen = 0;
    for (uint32_t i = l->calls_first; i != CF_INDEX_NONE && seen < STATUS_CALLS_MAX; seen++) {
        const struct cf_call *c = cf_call_at(e, i);
        counts[cf_address_use_of(c->state)]++;
        i = c->next;
    }
    r->active_calls = counts[CF_ADDRESS_ACTIVE] + (seen == STATUS_CALLS_MAX ? l->calls - seen : 0);
    r->on_hold_calls = counts[CF_ADDRESS_ON_HOLD];
    r->on_hold_pending_calls = counts[CF_ADDRESS_ON_HOLD_PENDING];
    cf_looked_at(e, seen);
}

/* Who has the line open, from that place on, as many as there is room for. */
static uint32_t list_apps(const struct cf_engine *e, uint32_t line, uint64_t from, struct cf_reply_app *apps, uint32_t *ret_next) {
    const struct cf_line *l = &e->lines[line];
    uint32_t n = 0, at = from < CF_OPENS_PER_LINE_MAX ? cf_line_next_position(l, (uint32_t)from) : CF_INDEX_NONE;
    for (; at != CF_INDEX_NONE && n < CF_APPS_PER_SLICE; at = cf_line_next_position(l, at + 1)) {
        uint64_t open = *cf_open_at(e, line, at);
        const struct cf_port *p = &e->ports[cf_open_port_of(open)];
        const struct cf_open_line *o = &e->view[cf_open_port_of(open)].open_lines[cf_open_line_of(open)];
        if ((open & CF_OPEN_LIVE) == 0)
            continue;
        apps[n] = (struct cf_reply_app){.media_modes = o->media_modes,
                                        .address = (open & CF_OPEN_SINGLE_ADDRESS) != 0 ? o->address : UINT32_MAX};
        memcpy(apps[n++].name, p->name, sizeof p->name);
    }
    *ret_next = at != CF_INDEX_NONE ? at : 0;
    return n;
}

static void line_status(struct cf_engine *e, uint32_t port) {
    const struct cf_open_line *o = cf_open_find(e, port, e->in.m.device);
    if (o == NULL) {
        cf_output_answer(e, port, LINEERR_INVALLINEHANDLE, NULL, 0);
        return;
    }
    struct {
        struct cf_reply_line_status head;
        struct cf_reply_app apps[CF_APPS_PER_SLICE];
    } r;
    const struct cf_line *l = &e->lines[o->line];
    r.head = (struct cf_reply_line_status){.opens = l->opens, .open_media_modes = l->media_modes,
                                           .status_flags = l->state == CF_LINE_UP ? l->status : 0};
    if (e->in.m.param1 == 0)
        count_calls(e, l, &r.head);
    r.head.apps = list_apps(e, o->line, e->in.m.param1, r.apps, &r.head.next);
    cf_output_answer(e, port, 0, &r, (uint32_t)(sizeof r.head + r.head.apps * sizeof r.apps[0]));
}

/* What the asker may do now: the provider's abilities, the state, the privilege (7.3). */
static uint32_t call_features(const struct cf_engine *e, const struct cf_asked *a) {
    if (a->call->provider == 0)
        return 0;
    return cf_operation_features_of(e, a->call) & (a->owner ? UINT32_MAX : CF_MONITOR_FEATURES);
}

static void call_status(struct cf_engine *e, uint32_t port) {
    struct cf_asked a = cf_request_find_call(e, port, e->in.m.device);
    if (a.call == NULL) {
        cf_output_answer(e, port, LINEERR_INVALCALLHANDLE, NULL, 0);
        return;
    }
    struct cf_reply_call_status r = {
        .state = a.call->state, .mode = a.call->mode,
        .privilege = a.owner ? LINECALLPRIVILEGE_OWNER : LINECALLPRIVILEGE_MONITOR,
        .features = call_features(e, &a), .state_time_ns = a.call->state_time_ns,
    };
    cf_output_answer(e, port, 0, &r, sizeof r);
}

static void copy_party(char *out, const uint8_t *field) {
    memcpy(out, field + 1, cf_party_bytes(field));
    out[cf_party_bytes(field)] = '\0';
}

static void call_info(struct cf_engine *e, uint32_t port) {
    struct cf_asked a = cf_request_find_call(e, port, e->in.m.device);
    if (a.call == NULL) {
        cf_output_answer(e, port, LINEERR_INVALCALLHANDLE, NULL, 0);
        return;
    }
    const struct cf_call *c = a.call;
    const struct cf_call_shown *x = cf_shown_of(e, c);
    struct cf_parties p;
    cf_parties_read(e, c, &p);
    struct cf_watch_modes listened = cf_watch_modes(e, c);
    struct cf_reply_call_info r = {
        .device_id = c->line, .address_id = c->address, .bearer_mode = c->bearer_mode, .media_mode = c->media,
        .app_specific = c->app_specific, .rate = c->rate, .call_id = (uint32_t)c->born, .related_call_id = cf_extra_of(e, c)->related_id,
        .call_param_flags = x->param_flags, .country_code = x->country, .call_treatment = x->treatment, .completion_id = x->completion_id,
        .call_states = e->lines[c->line].call_states | LINECALLSTATE_UNKNOWN,
        .origin = c->origin != 0 ? c->origin : LINECALLORIGIN_UNKNOWN,
        .reason = c->reason != 0 ? c->reason : LINECALLREASON_UNKNOWN,
        .monitor_digit_modes = listened.digit_modes, .monitor_media_modes = listened.media_modes,
        .owners = c->owners, .monitors = (uint32_t)c->refs - c->owners, .trunk = UINT32_MAX,
        .caller_flags = cf_party_flags(c->caller, p.text[CF_PARTY_CALLER_NAME], LINECALLPARTYID_UNKNOWN),
        .called_flags = cf_party_flags(c->called, p.text[CF_PARTY_CALLED_NAME], LINECALLPARTYID_UNKNOWN),
        .connected_flags = cf_party_flags(p.text[CF_PARTY_CONNECTED], p.text[CF_PARTY_CONNECTED_NAME], LINECALLPARTYID_UNKNOWN),
        .redirection_flags = cf_party_flags(p.text[CF_PARTY_REDIRECTION], p.text[CF_PARTY_REDIRECTION_NAME], LINECALLPARTYID_UNAVAIL),
        .redirecting_flags = cf_party_flags(p.text[CF_PARTY_REDIRECTING], p.text[CF_PARTY_REDIRECTING_NAME], LINECALLPARTYID_UNAVAIL),
    };
    copy_party(r.caller, c->caller);
    copy_party(r.called, c->called);
    copy_party(r.caller_name, p.text[CF_PARTY_CALLER_NAME]);
    copy_party(r.called_name, p.text[CF_PARTY_CALLED_NAME]);
    copy_party(r.connected, p.text[CF_PARTY_CONNECTED]);
    copy_party(r.connected_name, p.text[CF_PARTY_CONNECTED_NAME]);
    copy_party(r.redirection, p.text[CF_PARTY_REDIRECTION]);
    copy_party(r.redirection_name, p.text[CF_PARTY_REDIRECTION_NAME]);
    copy_party(r.redirecting, p.text[CF_PARTY_REDIRECTING]);
    copy_party(r.redirecting_name, p.text[CF_PARTY_REDIRECTING_NAME]);
    copy_party(r.raw_cause, c->cause);
    if (c->app_port != 0)
        memcpy(r.app_name, e->ports[c->app_port].name, sizeof r.app_name);
    uint32_t bytes = cf_texts_read(e, c, r.text_bytes, r.texts);
    cf_output_answer(e, port, 0, &r, (uint32_t)offsetof(struct cf_reply_call_info, texts) + bytes);
}

/* ------------------------------------------------------------------ lineGetNewCalls */

#define WALK_MAX 4096 /* calls looked at per slice */

static uint64_t cursor_of(const struct cf_engine *e, uint32_t call) {
    return call == CF_INDEX_NONE ? 0 : cf_handle_make(call, CF_KIND_CALL, cf_call_at(e, call)->generation);
}

/* Where the walk goes on: the call of the cursor if it still is one of the line's, else the first. */
static uint32_t walk_from(struct cf_engine *e, const struct cf_line *l, uint32_t line, uint64_t cursor) {
    uint32_t index = cf_handle_index(cursor);
    if (cursor == 0 || index >= e->limits.calls)
        return l->calls_first;
    struct cf_call *c = cf_handle_table_look_up(&e->calls, index, cf_handle_generation(cursor));
    return c != NULL && c->line == line && (c->flags & CF_CALL_TENTATIVE) == 0 ? index : l->calls_first;
}

static bool wanted(const struct cf_engine *e, const struct cf_call *c, uint32_t position, uint32_t select, uint32_t address) {
    return (c->flags & CF_CALL_CLOSING) == 0 && (select == LINECALLSELECT_LINE || c->address == address) &&
           cf_call_find_position(e, c, position) == CF_INDEX_NONE;
}

/* How many calls the whole list would need; of an address it has to be counted, as far as one slice looks. */
static uint32_t total_of(struct cf_engine *e, const struct cf_line *l, const struct cf_open_line *o, uint32_t select,
                         uint32_t address) {
    if (select == LINECALLSELECT_LINE)
        return l->calls - o->handles;
    uint32_t n = 0, seen = 0;
    for (uint32_t i = l->calls_first; i != CF_INDEX_NONE && seen < WALK_MAX; i = cf_call_at(e, i)->next, seen++)
        n += wanted(e, cf_call_at(e, i), o->position, select, address);
    cf_looked_at(e, seen);
    return n + (seen == WALK_MAX ? l->calls - seen : 0);
}

static void new_calls(struct cf_engine *e, uint32_t port) {
    const struct cf_message *m = &e->in.m;
    struct cf_open_line *o = cf_open_find(e, port, m->device);
    uint32_t select = (uint32_t)m->param1, address = (uint32_t)(m->param1 >> 32);
    int32_t error = 0;
    if (o == NULL)
        error = LINEERR_INVALLINEHANDLE;
    else if (select != LINECALLSELECT_LINE && select != LINECALLSELECT_ADDRESS)
        error = LINEERR_INVALCALLSELECT;
    else if (select == LINECALLSELECT_ADDRESS && address >= e->lines[o->line].addresses)
        error = LINEERR_INVALADDRESSID;
    else if ((cf_line_rights(e, port, o->line) & CF_RIGHT_MONITOR) == 0)
        error = cf_request_denied(e, LINEERR_OPERATIONUNAVAIL); /* the list has every call of the line, whoever owns it */
    if (error != 0) {
        cf_output_answer(e, port, error, NULL, 0);
        return;
    }
    struct {
        struct cf_reply_new_calls head;
        uint64_t handles[CF_NEW_CALLS_PER_SLICE];
    } r;
    struct cf_line *l = &e->lines[o->line];
    r.head = (struct cf_reply_new_calls){.total = total_of(e, l, o, select, address)};
    uint64_t room = m->param3 < CF_NEW_CALLS_PER_SLICE ? m->param3 : CF_NEW_CALLS_PER_SLICE;
    bool refused = m->param2 == 0 && r.head.total > m->param3; /* all or nothing (G-11) */
    uint32_t i = refused ? CF_INDEX_NONE : walk_from(e, l, o->line, m->param2);
    bool refused_handle = false;
    uint32_t seen = 0;
    for (; i != CF_INDEX_NONE && seen < WALK_MAX && cf_slice_room(e); seen++) {
        struct cf_call *c = cf_call_at(e, i);
        if (wanted(e, c, o->position, select, address)) {
            if (r.head.entries == room)
                break;
            uint32_t index = cf_call_give_handle(e, c, o->position, false);
            refused_handle = index == CF_INDEX_NONE;
            if (refused_handle)
                break;
            r.handles[r.head.entries++] = cf_port_handle(e, port, index, cf_slot_at(&e->view[port], index)->generation);
            cf_call_notice(e, c, LINECALLINFOSTATE_NUMMONITORS, port);
        }
        i = c->next;
    }
    cf_looked_at(e, seen);
    bool over = refused_handle || r.head.entries == m->param3; /* no handle or no room left: what came since is told otherwise */
    r.head.cursor = over ? 0 : cursor_of(e, i);
    cf_output_answer(e, port, 0, &r, (uint32_t)(sizeof r.head + r.head.entries * sizeof r.handles[0]));
}

bool cf_information_take(struct cf_engine *e, uint32_t port) {
    switch (e->in.m.id) {
    case CF_REQ_DEVICES:
        devices(e, port);
        return true;
    case CF_REQ_DEV_CAPS:
        dev_caps(e, port);
        return true;
    case CF_REQ_LINE_STATUS:
        line_status(e, port);
        return true;
    case CF_REQ_CALL_STATUS:
        call_status(e, port);
        return true;
    case CF_REQ_CALL_INFO:
        call_info(e, port);
        return true;
    case CF_REQ_NEW_CALLS:
        new_calls(e, port);
        return true;
    case CF_REQ_ADDRESS_STATUS:
        cf_address_status(e, port);
        return true;
    default:
        return false;
    }
}
