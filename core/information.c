/* Questions: what applications ask about devices, lines and calls. They change nothing but the list of new calls. */
#include "core/requests.h"

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
    };
    memcpy(r.name, info->name, sizeof r.name);
    memcpy(r.provider, info->provider, sizeof r.provider);
    memcpy(r.address, info->address, sizeof r.address);
    cf_output_answer(e, port, 0, &r, sizeof r);
}

#define ON_HOLD_PENDING (LINECALLSTATE_ONHOLDPENDCONF | LINECALLSTATE_ONHOLDPENDTRANSFER)
#define STATUS_CALLS_MAX 4096 /* of a trunk with more, the first so many are looked at */

static void line_status(struct cf_engine *e, uint32_t port) {
    const struct cf_open_line *o = cf_open_find(e, port, e->in.m.device);
    if (o == NULL) {
        cf_output_answer(e, port, LINEERR_INVALLINEHANDLE, NULL, 0);
        return;
    }
    const struct cf_line *l = &e->lines[o->line];
    struct cf_reply_line_status r = {.opens = l->opens, .open_media_modes = l->media_modes,
                                     .in_service = l->state == CF_LINE_UP && l->in_service};
    uint32_t seen = 0;
    for (uint32_t i = l->calls_first; i != CF_INDEX_NONE && seen < STATUS_CALLS_MAX; seen++) {
        const struct cf_call *c = cf_call_at(e, i);
        if ((c->state & ON_HOLD_PENDING) != 0)
            r.on_hold_pending_calls++;
        else if (c->state == LINECALLSTATE_ONHOLD)
            r.on_hold_calls++;
        else if (c->state != LINECALLSTATE_IDLE)
            r.active_calls++;
        i = c->next;
    }
    if (seen == STATUS_CALLS_MAX)
        r.active_calls += l->calls - seen;
    cf_output_answer(e, port, 0, &r, sizeof r);
}

/* What the asker may do now: the provider's abilities, the state, the privilege (7.3). */
static uint32_t call_features(const struct cf_engine *e, const struct cf_asked *a) {
    if (!a->owner || a->call->provider == 0)
        return 0;
    return cf_operation_features(a->call->state) & e->lines[a->call->line].call_features;
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
    memcpy(out, field + 1, field[0]);
    out[field[0]] = '\0';
}

static void call_info(struct cf_engine *e, uint32_t port) {
    struct cf_asked a = cf_request_find_call(e, port, e->in.m.device);
    if (a.call == NULL) {
        cf_output_answer(e, port, LINEERR_INVALCALLHANDLE, NULL, 0);
        return;
    }
    const struct cf_call *c = a.call;
    struct cf_reply_call_info r = {
        .device_id = c->line, .address_id = c->address, .bearer_mode = c->bearer_mode, .media_mode = c->media,
        .app_specific = c->app_specific, .call_id = (uint32_t)c->born,
        .call_states = e->lines[c->line].call_states | LINECALLSTATE_UNKNOWN,
        .origin = c->origin != 0 ? c->origin : LINECALLORIGIN_UNKNOWN,
        .reason = c->reason != 0 ? c->reason : LINECALLREASON_UNKNOWN,
        .owners = c->owners, .monitors = (uint32_t)c->refs - c->owners, .trunk = UINT32_MAX,
        .caller_flags = c->caller[0] != 0 ? LINECALLPARTYID_ADDRESS : LINECALLPARTYID_UNKNOWN,
        .called_flags = c->called[0] != 0 ? LINECALLPARTYID_ADDRESS : LINECALLPARTYID_UNKNOWN,
    };
    copy_party(r.caller, c->caller);
    copy_party(r.called, c->called);
    copy_party(r.raw_cause, c->cause);
    if (c->app_port != 0)
        memcpy(r.app_name, e->ports[c->app_port].name, sizeof r.app_name);
    cf_output_answer(e, port, 0, &r, sizeof r);
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
static uint32_t total_of(const struct cf_engine *e, const struct cf_line *l, const struct cf_open_line *o, uint32_t select,
                         uint32_t address) {
    if (select == LINECALLSELECT_LINE)
        return l->calls - o->handles;
    uint32_t n = 0, seen = 0;
    for (uint32_t i = l->calls_first; i != CF_INDEX_NONE && seen < WALK_MAX; i = cf_call_at(e, i)->next, seen++)
        n += wanted(e, cf_call_at(e, i), o->position, select, address);
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
    for (uint32_t seen = 0; i != CF_INDEX_NONE && seen < WALK_MAX && cf_slice_room(e); seen++) {
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
    default:
        return false;
    }
}
