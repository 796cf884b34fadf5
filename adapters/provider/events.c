/*
 * Events up: building records, and what waits when the ring is full.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "adapters/provider/state.h"

#define CF_TEXT_BYTES_MAX 255 /* of one text in an event; the rest is cut off */

/* Of a new record. The payload is left as it is: only payload_bytes of it count. */
static void begin_record(struct cf_record *r, uint16_t id, uint64_t call, int64_t time_ns)
{
    r->m = (struct cf_message){.id = id, .device = call, .time_ns = time_ns, .open_line = CF_INDEX_NONE};
    r->payload_bytes = 0;
}

static void append_bytes(struct cf_record *r, uint16_t tag, struct cf_text t, uint32_t max)
{
    if (t.bytes != 0)
        cf_fields_append(r, tag, t.at, t.bytes < max ? t.bytes : max);
}

static void append_text(struct cf_record *r, uint16_t tag, struct cf_text t)
{
    append_bytes(r, tag, t, CF_TEXT_BYTES_MAX);
}

/* A number of no bytes that has a place is one that its owner withholds. */
static void append_number(struct cf_record *r, uint16_t tag, struct cf_text t)
{
    if (t.at != NULL && t.bytes == 0)
        cf_fields_append(r, tag, "", 0);
    append_text(r, tag, t);
}

static bool put(struct cf_provider *p, struct cf_record *r)
{
    if (!p->attached)
        return false;
    r->m.sequence = p->sequence + 1;
    if (!cf_ring_put(&p->events, r))
        return false;
    p->sequence++;
    p->counters.events++;
    p->bell_due = true;
    return true;
}

/* Nothing overtakes a reply: the state of a call that a reply announces must not come before it. */
static bool put_unless_replies_wait(struct cf_provider *p, struct cf_record *r)
{
    return p->replies_count == 0 && put(p, r);
}

bool cf_provider_post_raw(struct cf_provider *p, struct cf_record *record)
{
    if (put_unless_replies_wait(p, record))
        return true;
    p->counters.infos_refused++;
    return false;
}

bool cf_provider_ready(struct cf_provider *p)
{
    if (!p->attached)
        return p->ready = false;
    uint64_t all = p->events.mask + 1;
    uint64_t wanted = p->ready ? all / 8 : all / 4;
    bool room = cf_ring_free_seen(&p->events) >= wanted || cf_ring_free(&p->events) >= wanted;
    return p->ready = room && p->waiting_count == 0 && p->replies_count == 0;
}

/* ------------------------------------------------------------------ identifiers */

struct cf_provider_call *cf_provider_find(const struct cf_provider *p, uint64_t call)
{
    if (cf_handle_kind(call) != CF_KIND_PROVIDER)
        return NULL;
    return cf_handle_table_look_up(&p->table, cf_handle_index(call), cf_handle_generation(call));
}

uint64_t cf_provider_call_new(struct cf_provider *p, void *user)
{
    uint32_t index;
    uint32_t generation = cf_handle_table_allocate(&p->table, &index);
    if (generation == 0)
        return 0;
    struct cf_provider_call *c = cf_handle_table_slot(&p->table, index);
    c->user = user;
    c->waits = 0;
    p->calls++;
    return cf_handle_make(index, CF_KIND_PROVIDER, generation);
}

void *cf_provider_call_user(const struct cf_provider *p, uint64_t call)
{
    struct cf_provider_call *c = cf_provider_find(p, call);
    return c == NULL ? NULL : c->user;
}

uint32_t cf_provider_calls(const struct cf_provider *p)
{
    return p->calls;
}

/* ------------------------------------------------------------------ the waiting list */

static struct cf_provider_call *slot_at(const struct cf_provider *p, uint32_t index)
{
    return cf_handle_table_slot_in_one(&p->table, index);
}

static void list_append(struct cf_provider *p, uint32_t index)
{
    struct cf_provider_call *c = slot_at(p, index);
    c->waits = 1;
    c->next = CF_INDEX_NONE;
    c->previous = p->waiting_last;
    if (p->waiting_last == CF_INDEX_NONE)
        p->waiting_first = index;
    else
        slot_at(p, p->waiting_last)->next = index;
    p->waiting_last = index;
    p->waiting_count++;
}

static void list_remove(struct cf_provider *p, uint32_t index)
{
    struct cf_provider_call *c = slot_at(p, index);
    if (c->previous == CF_INDEX_NONE)
        p->waiting_first = c->next;
    else
        slot_at(p, c->previous)->next = c->next;
    if (c->next == CF_INDEX_NONE)
        p->waiting_last = c->previous;
    else
        slot_at(p, c->next)->previous = c->previous;
    c->waits = 0;
    p->waiting_count--;
}

bool cf_provider_call_free(struct cf_provider *p, uint64_t call)
{
    struct cf_provider_call *c = cf_provider_find(p, call);
    if (c == NULL)
        return false;
    if (c->waits)
        list_remove(p, cf_handle_index(call));
    p->calls--;
    return cf_handle_table_release(&p->table, cf_handle_index(call), cf_handle_generation(call));
}

void cf_provider_drop_waiting(struct cf_provider *p)
{
    while (p->waiting_first != CF_INDEX_NONE)
        list_remove(p, p->waiting_first);
    p->replies_first = p->replies_count = p->outstanding = 0;
}

/* ------------------------------------------------------------------ call states */

/* Of CONFERENCED not the mode counts, but the call that stands for the conference. */
static bool names_parent(uint32_t state)
{
    return (state & LINECALLSTATE_CONFERENCED) != 0;
}

static void fill_state(struct cf_record *r, uint64_t call, const struct cf_call_state *s)
{
    begin_record(r, CF_EV_CALL_STATE, call, s->time_ns);
    r->m.param1 = s->state;
    r->m.param2 = names_parent(s->state) ? s->parent : s->mode;
    r->m.param3 = s->media_modes;
    append_text(r, CF_FIELD_RAW_CAUSE, s->raw_cause);
}

/*
 * The newest state takes the place of an older one; media modes and a cause stay unless newer ones came. A parent is kept in the place
 * of the cause, which CONFERENCED has none of.
 */
static void keep_state(struct cf_provider_call *c, const struct cf_call_state *s, bool merge)
{
    bool cause_stays = merge && !names_parent(c->state) && !names_parent(s->state) && s->raw_cause.bytes == 0;
    c->state = s->state;
    c->mode = s->mode;
    c->time_ns = s->time_ns;
    if (!merge || s->media_modes != 0)
        c->media_modes = s->media_modes;
    if (cause_stays)
        return;
    memset(c->cause, 0, sizeof c->cause);
    if (names_parent(s->state))
        memcpy(c->cause, &s->parent, sizeof s->parent);
    else if (s->raw_cause.bytes != 0)
        memcpy(c->cause, s->raw_cause.at, s->raw_cause.bytes < sizeof c->cause ? s->raw_cause.bytes : sizeof c->cause);
}

static struct cf_call_state kept_state(const struct cf_provider_call *c)
{
    struct cf_call_state s = {
        .state = c->state, .mode = c->mode, .media_modes = c->media_modes, .time_ns = c->time_ns};
    if (names_parent(c->state))
        memcpy(&s.parent, c->cause, sizeof s.parent);
    else
        s.raw_cause = (struct cf_text){c->cause, (uint32_t)strnlen(c->cause, sizeof c->cause)};
    return s;
}

enum cf_posted cf_provider_post_call_state(struct cf_provider *p, uint64_t call, const struct cf_call_state *s)
{
    struct cf_provider_call *c = cf_provider_find(p, call);
    if (c == NULL || !p->attached) {
        p->counters.stale++;
        return CF_POST_STALE;
    }
    if (c->waits) {
        p->counters.states_merged++;
        keep_state(c, s, true);
        return CF_POST_WAITS;
    }
    struct cf_record r;
    fill_state(&r, call, s);
    if (put_unless_replies_wait(p, &r))
        return CF_POSTED;
    p->counters.states_kept++;
    keep_state(c, s, false);
    list_append(p, cf_handle_index(call));
    return CF_POST_WAITS;
}

static bool put_reply(struct cf_provider *p, const struct cf_waiting_reply *reply)
{
    struct cf_record r;
    begin_record(&r, CF_EV_REPLY, reply->call, cf_clock_ns());
    r.m.param1 = reply->number;
    r.m.param2 = (uint32_t)reply->result;
    r.m.param3 = reply->detail;
    append_text(&r, CF_FIELD_DIGITS, (struct cf_text){reply->digits, reply->digits_bytes});
    if (reply->text_tag != 0)
        cf_fields_append(&r, reply->text_tag, reply->text, reply->text_bytes);
    return put(p, &r);
}

void cf_provider_put_waiting(struct cf_provider *p)
{
    while (p->replies_count != 0 && put_reply(p, &p->replies[p->replies_first])) {
        p->replies_first = (p->replies_first + 1) % p->commands_max;
        p->replies_count--;
    }
    while (p->replies_count == 0 && p->waiting_first != CF_INDEX_NONE) {
        uint32_t index = p->waiting_first;
        const struct cf_provider_call *c = slot_at(p, index);
        struct cf_record r;
        const struct cf_call_state s = kept_state(c);
        fill_state(&r, cf_handle_make(index, CF_KIND_PROVIDER, c->generation), &s);
        if (!put(p, &r))
            return;
        list_remove(p, index);
    }
}

/* ------------------------------------------------------------------ replies */

static void post_reply(struct cf_provider *p, const struct cf_waiting_reply *reply)
{
    if (!p->attached || p->outstanding == 0)
        return; /* the core that asked is gone */
    p->outstanding--;
    p->counters.replies++;
    if (p->replies_count == 0 && put_reply(p, reply))
        return;
    assert(p->replies_count < p->commands_max);
    p->counters.replies_waited++;
    p->replies[(p->replies_first + p->replies_count) % p->commands_max] = *reply;
    p->replies_count++;
}

void cf_provider_reply_two(struct cf_provider *p, uint64_t number, int32_t result, uint64_t first, uint64_t second)
{
    post_reply(p, &(struct cf_waiting_reply){.number = number, .call = first, .detail = second, .result = result});
}

void cf_provider_reply_text(struct cf_provider *p, uint64_t number, uint64_t call, uint16_t command, struct cf_text text)
{
    struct cf_waiting_reply reply = {.number = number, .call = call};
    reply.text_tag = command == CF_CMD_PARK ? CF_FIELD_PARK_ADDRESS : CF_FIELD_DEV_SPECIFIC;
    reply.text_bytes = (uint8_t)(text.bytes < CF_REPLY_TEXT_MAX ? text.bytes : CF_REPLY_TEXT_MAX);
    if (reply.text_bytes != 0)
        memcpy(reply.text, text.at, reply.text_bytes);
    post_reply(p, &reply);
}

void cf_provider_reply_completion(struct cf_provider *p, uint64_t number, uint64_t call, uint32_t completion_id)
{
    post_reply(p, &(struct cf_waiting_reply){.number = number, .call = call, .detail = completion_id});
}

void cf_provider_reply_gathered(struct cf_provider *p, uint64_t number, uint32_t how, uint64_t call,
                                struct cf_text digits)
{
    struct cf_waiting_reply what = {.number = number, .call = call, .detail = how};
    what.digits_bytes = digits.bytes < sizeof what.digits ? digits.bytes : (uint32_t)sizeof what.digits;
    if (what.digits_bytes != 0)
        memcpy(what.digits, digits.at, what.digits_bytes);
    post_reply(p, &what);
}

void cf_provider_reply(struct cf_provider *p, uint64_t number, int32_t result, uint64_t call)
{
    cf_provider_reply_two(p, number, result, call, 0);
}

/* ------------------------------------------------------------------ new calls and information */

bool cf_provider_post_new_call(struct cf_provider *p, const struct cf_new_call *c)
{
    if (cf_provider_find(p, c->call) == NULL) {
        p->counters.stale++;
        return false;
    }
    struct cf_record r;
    begin_record(&r, CF_EV_NEW_CALL, c->call, c->time_ns);
    r.m.param1 = (uint64_t)c->address << 32 | c->line;
    r.m.param2 = (uint64_t)c->mode << 32 | c->state;
    r.m.param3 = (uint64_t)(c->origin != 0 ? c->origin : LINECALLORIGIN_UNKNOWN) << 32 |
                 (c->media_modes != 0 ? c->media_modes : LINEMEDIAMODE_INTERACTIVEVOICE);
    r.m.open_line = c->reason != 0 ? c->reason : LINECALLREASON_UNKNOWN;
    append_number(&r, CF_FIELD_CALLER, c->caller);
    append_number(&r, CF_FIELD_CALLED, c->called);
    append_text(&r, CF_FIELD_CALLER_NAME, c->caller_name);
    append_text(&r, CF_FIELD_CALLED_NAME, c->called_name);
    append_number(&r, CF_FIELD_CONNECTED, c->connected);
    append_text(&r, CF_FIELD_CONNECTED_NAME, c->connected_name);
    append_number(&r, CF_FIELD_REDIRECTING, c->redirecting);
    append_text(&r, CF_FIELD_REDIRECTING_NAME, c->redirecting_name);
    append_number(&r, CF_FIELD_REDIRECTION, c->redirection);
    append_text(&r, CF_FIELD_REDIRECTION_NAME, c->redirection_name);
    append_bytes(&r, CF_FIELD_USER_USER, c->user_user, CF_USER_USER_MAX);
    append_bytes(&r, CF_FIELD_CALL_DATA, c->call_data, CF_CALL_DATA_MAX);
    if (c->completion_id != 0)
        cf_fields_append(&r, CF_FIELD_COMPLETION, &c->completion_id, sizeof c->completion_id);
    if (put_unless_replies_wait(p, &r))
        return true;
    p->counters.new_calls_refused++;
    return false;
}

bool cf_provider_post_call_info(struct cf_provider *p, uint64_t call, uint32_t info_states, int64_t time_ns,
                                struct cf_record *info)
{
    const struct cf_provider_call *c = cf_provider_find(p, call);
    if (c == NULL) {
        p->counters.stale++;
        return false;
    }
    uint32_t bytes = info->payload_bytes;
    uint64_t treatment = (info_states & LINECALLINFOSTATE_TREATMENT) != 0 ? info->m.param2 : 0;
    begin_record(info, CF_EV_CALL_INFO, call, time_ns);
    info->payload_bytes = bytes;
    info->m.param1 = info_states;
    info->m.param2 = treatment;
    if (!c->waits && put_unless_replies_wait(p, info))
        return true;
    p->counters.infos_refused++;
    return false;
}

bool cf_provider_post_heard(struct cf_provider *p, uint64_t call, const struct cf_heard *h)
{
    const struct cf_provider_call *c = cf_provider_find(p, call);
    struct cf_record r;
    if (c == NULL) {
        p->counters.stale++;
        return false;
    }
    begin_record(&r, h->event, call, h->time_ns);
    r.m.param1 = h->what;
    r.m.param2 = h->detail;
    if (!c->waits && put_unless_replies_wait(p, &r))
        return true;
    p->counters.infos_refused++;
    return false;
}

bool cf_provider_post_dev_specific(struct cf_provider *p, uint64_t call, uint32_t line, const uint32_t param[3], int64_t time_ns)
{
    struct cf_record r;
    const struct cf_provider_call *c = call != 0 ? cf_provider_find(p, call) : NULL;
    if (call != 0 && c == NULL) {
        p->counters.stale++;
        return false;
    }
    if (c != NULL && c->waits) { /* it would overtake the call's state */
        p->counters.infos_refused++;
        return false;
    }
    begin_record(&r, CF_EV_DEV_SPECIFIC, call, time_ns);
    r.m.param1 = param[0];
    r.m.param2 = param[1];
    r.m.param3 = param[2];
    r.m.open_line = call != 0 ? CF_INDEX_NONE : line;
    return cf_provider_post_raw(p, &r);
}

/* ------------------------------------------------------------------ lines and the snapshot */

static bool put_waiting_for_room(struct cf_provider *p, struct cf_record *r)
{
    while (!put_unless_replies_wait(p, r))
        if (!cf_provider_wait_room(p))
            return false;
    return true;
}

static bool post_mark(struct cf_provider *p, uint16_t id)
{
    struct cf_record r;
    begin_record(&r, id, 0, cf_clock_ns());
    return put_waiting_for_room(p, &r);
}

bool cf_provider_snapshot_begin(struct cf_provider *p)
{
    return post_mark(p, CF_EV_SNAPSHOT_BEGIN);
}

bool cf_provider_snapshot_end(struct cf_provider *p)
{
    bool done = post_mark(p, CF_EV_SNAPSHOT_END);
    cf_provider_flush(p);
    return done;
}

bool cf_provider_post_line(struct cf_provider *p, const struct cf_line_info *line)
{
    struct cf_record r;
    begin_record(&r, CF_EV_LINE, 0, cf_clock_ns());
    r.m.param1 = line->line;
    append_text(&r, CF_FIELD_NAME, cf_text_of(line->name));
    append_text(&r, CF_FIELD_ADDRESS, cf_text_of(line->address));
    append_text(&r, CF_FIELD_PROVIDER_INFO, cf_text_of(line->info));
    cf_fields_append(&r, CF_FIELD_LINE_CAPS, &line->caps, sizeof line->caps);
    return put_waiting_for_room(p, &r);
}

static bool post_line_event(struct cf_provider *p, uint16_t id, uint64_t line, uint64_t param2, uint64_t param3)
{
    struct cf_record r;
    begin_record(&r, id, 0, cf_clock_ns());
    r.m.param1 = line;
    r.m.param2 = param2;
    r.m.param3 = param3;
    return cf_provider_post_raw(p, &r);
}

bool cf_provider_post_line_remove(struct cf_provider *p, uint32_t line)
{
    return post_line_event(p, CF_EV_LINE_REMOVE, line, 0, 0);
}

bool cf_provider_post_line_close(struct cf_provider *p, uint32_t line)
{
    return post_line_event(p, CF_EV_LINE_CLOSE, line, 0, 0);
}

bool cf_provider_post_line_state(struct cf_provider *p, uint32_t line, uint32_t line_dev_state, uint64_t detail)
{
    return post_line_event(p, CF_EV_LINE_STATE, line, line_dev_state, detail);
}

bool cf_provider_post_address_state(struct cf_provider *p, uint32_t line, uint32_t address, uint32_t address_states)
{
    return post_line_event(p, CF_EV_ADDRESS_STATE, line | (uint64_t)address << 32, address_states, 0);
}

bool cf_provider_post_forwarding(struct cf_provider *p, uint32_t line, uint32_t address, uint32_t rings,
                                 struct cf_text list)
{
    struct cf_record r;
    begin_record(&r, CF_EV_ADDRESS_STATE, 0, cf_clock_ns());
    r.m.param1 = line | (uint64_t)address << 32;
    r.m.param2 = LINEADDRESSSTATE_FORWARD;
    r.m.param3 = rings;
    cf_fields_append(&r, CF_FIELD_FORWARD_LIST, list.at, list.bytes);
    return cf_provider_post_raw(p, &r);
}

/* ------------------------------------------------------------------ check */

bool cf_provider_check(const struct cf_provider *p, char *why, size_t why_bytes)
{
    if (!cf_handle_table_check(&p->table, why, why_bytes))
        return false;
    uint32_t n = 0, previous = CF_INDEX_NONE;
    for (uint32_t i = p->waiting_first; i != CF_INDEX_NONE && n <= p->waiting_count; i = slot_at(p, i)->next) {
        const struct cf_provider_call *c = slot_at(p, i);
        if (!c->waits || !cf_generation_live(c->generation) || c->previous != previous) {
            snprintf(why, why_bytes, "identifier %u stands wrongly on the waiting list", i);
            return false;
        }
        previous = i;
        n++;
    }
    if (n != p->waiting_count || previous != p->waiting_last) {
        snprintf(why, why_bytes, "the waiting list has %u entries, %u are counted", n, p->waiting_count);
        return false;
    }
    if ((uint64_t)p->outstanding + p->replies_count > p->commands_max) {
        snprintf(why, why_bytes, "%u commands and %u replies exceed %u", p->outstanding, p->replies_count,
                 p->commands_max);
        return false;
    }
    return true;
}
