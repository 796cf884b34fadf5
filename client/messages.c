/*
 * What a message does to the handles, and whether it is handed out.
 *
 * Shape      the consumer's thread, under down_lock, one message at a time, in the order of the ring
 * Invariant  a call handle gets its slot from the first of: LINE_APPNEWCALL, the LINE_REPLY that brings it, the answer of lineGetNewCalls,
 *            or a message that overtook that answer. A message whose handle is void is not handed out (cancelled)
 * Source     rules H-4 to H-11, H-30, H-31, H-50, H-62, H-68, M-40; design: a handle newer than its slot is installed, a released or
 *            older one is void
 * Trust      the core's ring is believed; a handle of another usage or kind counts as void
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"
#include "shm/fields.h"

/* A message's call: its slot, and the open line that the handle belongs to. */
struct place {
    struct cf_call_slot *call;
    uint64_t parent;
    const struct cf_line_slot *open_line;
};

/* ------------------------------------------------------------------ texts */

static const char *text_put(struct cf_consumer *c, const void *data, uint32_t bytes)
{
    if (bytes == 0 || bytes >= CF_TEXT_BYTES - c->text_used)
        return "";
    char *to = c->text + c->text_used;
    memcpy(to, data, bytes);
    to[bytes] = '\0';
    c->text_used += bytes + 1;
    return to;
}

/* The record of m with its payload in one piece. */
static const struct cf_record *gather(struct cf_consumer *c, const struct cf_message *m)
{
    c->scratch.m = *m;
    c->scratch.payload_bytes = cf_ring_payload(m, c->scratch.payload);
    return &c->scratch;
}

static struct cf_field field_of(const struct cf_record *r, uint16_t tag)
{
    struct cf_field f;
    return cf_fields_find(r, tag, &f) ? f : (struct cf_field){tag, 0, NULL};
}

/* Keeps "caller NUL called NUL" with the call. Without memory the batch call gives "" for it. */
static void remember_identity(struct cf_call_slot *slot, const struct cf_field *caller, const struct cf_field *called)
{
    free(slot->identity);
    slot->identity = malloc((size_t)caller->bytes + called->bytes + 2);
    if (slot->identity == NULL)
        return;
    char *to = slot->identity;
    if (caller->bytes != 0)
        memcpy(to, caller->data, caller->bytes);
    to[caller->bytes] = '\0';
    to += caller->bytes + 1;
    if (called->bytes != 0)
        memcpy(to, called->data, called->bytes);
    to[called->bytes] = '\0';
}

static void take_identity(struct cf_usage *u, const struct cf_message *m, struct cf_call_slot *slot, bool with_text,
                          struct cf_batch_message *out)
{
    bool remember = (u->flags & CF_INIT_CACHE_IDENTITY) != 0;
    if (!with_text && !remember)
        return;
    const struct cf_record *r = gather(&u->consumer, m);
    struct cf_field caller = field_of(r, CF_FIELD_CALLER), called = field_of(r, CF_FIELD_CALLED);
    if (remember)
        remember_identity(slot, &caller, &called);
    if (with_text) {
        out->caller = text_put(&u->consumer, caller.data, caller.bytes);
        out->called = text_put(&u->consumer, called.data, called.bytes);
    }
}

static void give_identity(struct cf_usage *u, const struct cf_call_slot *slot, struct cf_batch_message *out)
{
    const char *caller = slot->identity;
    if (caller == NULL)
        return;
    const char *called = caller + strlen(caller) + 1;
    out->caller = text_put(&u->consumer, caller, (uint32_t)strlen(caller));
    out->called = text_put(&u->consumer, called, (uint32_t)strlen(called));
}

void cf_call_forget_identity(struct cf_usage *u, HCALL call)
{
    struct cf_call_slot *slot = cf_handle_table_slot_clamped(&u->calls, cf_handle_slot(call));
    if (slot == NULL || cf_load_acquire_32(&slot->child.generation) != cf_handle_generation(call) + 1)
        return; /* a newer call has the slot and its own identity */
    free(slot->identity);
    slot->identity = NULL;
}

/* ------------------------------------------------------------------ handles */

enum cf_handle_install cf_call_install(struct cf_usage *u, HCALL call, HLINE line, uint32_t privilege,
                                       uint64_t sequence, struct cf_call_slot **ret_slot)
{
    struct cf_handle_child *child = NULL;
    if (cf_handle_kind(call) != CF_KIND_CALL || cf_handle_usage(call) != u->number)
        return CF_INSTALL_VOID;
    uint32_t generation = cf_handle_generation(call);
    uint64_t parent = cf_handle_parent(cf_handle_slot(line), cf_handle_generation(line));
    enum cf_handle_install done = cf_handle_table_install(&u->calls, cf_handle_slot(call), generation, parent,
                                                          cf_handle_state(0, 0, privilege), &child);
    struct cf_call_slot *slot = (struct cf_call_slot *)child;
    if (done == CF_INSTALL_NEW) {
        slot->privilege_sequence = sequence;
        cf_store_relaxed_64(&slot->state_sequence, 0);
        cf_store_relaxed_64(&slot->resync, 0);
        if (cf_handle_slot(call) >= u->calls_end)
            cf_store_release_32(&u->calls_end, cf_handle_slot(call) + 1);
        free(slot->identity); /* of a call whose handle went with its line */
        slot->identity = NULL;
        if (generation > u->consumer.generation_max)
            u->consumer.generation_max = generation;
    }
    if (ret_slot != NULL)
        *ret_slot = slot;
    return done;
}

/* The line whose lineGetNewCalls may have made a handle that a message mentions before the answer was read; 0: none. */
static HLINE seeking_line(const struct cf_usage *u, const struct cf_message *m)
{
    const struct cf_consumer *c = &u->consumer;
    for (uint32_t i = 0; i < c->seeking_count; i++) {
        const struct cf_line_slot *line = cf_line_find(u, c->seeking[i]);
        /* A message from before the open belongs to a former open line that had the slot. */
        if (cf_handle_slot(c->seeking[i]) == m->open_line && line != NULL &&
            m->sequence > cf_load_relaxed_64(&line->opened_as_of))
            return c->seeking[i];
    }
    return 0;
}

static bool find_call(struct cf_usage *u, const struct cf_message *m, struct place *ret)
{
    HCALL call = m->device;
    if (cf_handle_kind(call) != CF_KIND_CALL || cf_handle_usage(call) != u->number)
        return false;
    uint32_t index = cf_handle_slot(call), generation = cf_handle_generation(call);
    struct cf_handle_child *child = cf_handle_child_read(&u->calls, index, generation, NULL, &ret->parent);
    if (child == NULL) {
        HLINE line = seeking_line(u, m);
        if (line == 0 || cf_call_install(u, call, line, LINECALLPRIVILEGE_MONITOR, 0, NULL) != CF_INSTALL_NEW)
            return false;
        child = cf_handle_child_read(&u->calls, index, generation, NULL, &ret->parent);
        if (child == NULL)
            return false;
    }
    ret->call = (struct cf_call_slot *)child;
    /* That the line lives was part of the look-up above; its slot stays where it is. */
    ret->open_line = cf_handle_table_slot(&u->lines, cf_handle_parent_index(ret->parent));
    return true;
}

/* ------------------------------------------------------------------ messages */

static bool to_call(struct cf_usage *u, const struct cf_message *m, bool with_text, struct cf_batch_message *out,
                    struct place *ret)
{
    if (!find_call(u, m, ret) || cf_version_hides(cf_load_relaxed_32(&ret->open_line->api_version), m->id))
        return false;
    out->dwCallbackInstance = cf_load_relaxed_64(&ret->open_line->callback_instance);
    if (with_text && (u->flags & CF_INIT_CACHE_IDENTITY) != 0)
        give_identity(u, ret->call, out);
    return true;
}

static bool to_line(struct cf_usage *u, const struct cf_message *m, struct cf_batch_message *out,
                    struct cf_line_slot **ret)
{
    *ret = cf_line_find(u, m->device);
    if (*ret == NULL)
        return false;
    out->dwCallbackInstance = cf_load_relaxed_64(&(*ret)->callback_instance);
    return !cf_version_hides(cf_load_relaxed_32(&(*ret)->api_version), m->id);
}

static bool new_call(struct cf_usage *u, const struct cf_message *m, bool with_text, struct cf_batch_message *out)
{
    struct cf_line_slot *line;
    struct cf_call_slot *slot;
    bool shown = to_line(u, m, out, &line);
    if (line == NULL)
        return false;
    enum cf_handle_install done = cf_call_install(u, m->param2, m->device, (uint32_t)m->param3, m->sequence, &slot);
    if (done != CF_INSTALL_NEW && done != CF_INSTALL_ALREADY)
        return false;
    take_identity(u, m, slot, with_text, out);
    return shown;
}

/* That call handle is not ours any more. One that is to come is. */
static bool given_back(const struct cf_usage *u, HCALL call)
{
    const struct cf_call_slot *slot = cf_handle_table_slot_clamped(&u->calls, cf_handle_slot(call));
    return slot != NULL && cf_load_acquire_32(&slot->child.generation) > cf_handle_generation(call);
}

/* The state, and the privilege where the message is newer than what last set it. */
static bool call_state(struct cf_usage *u, const struct cf_message *m, bool with_text, struct cf_batch_message *out)
{
    struct place at;
    if (!to_call(u, m, with_text, out, &at))
        return false;
    uint64_t old = cf_load_relaxed_64(&at.call->child.state);
    uint32_t state = (uint32_t)m->param1, mode = 0, privilege = cf_handle_state_privilege(old);
    if ((state & LINECALLSTATE_CONFERENCED) == 0)
        mode = (uint32_t)m->param2;
    if (m->param3 != 0 && m->sequence >= at.call->privilege_sequence) {
        privilege = (uint32_t)m->param3;
        at.call->privilege_sequence = m->sequence;
    }
    uint64_t now = cf_handle_state(state, mode, privilege);
    cf_call_begin_state(at.call);
    if (cf_handle_state_state(now) != cf_handle_state_state(old))
        cf_store_release_64((uint64_t *)&at.call->entered_ns, (uint64_t)m->time_ns);
    cf_handle_child_write(&at.call->child, at.parent, now);
    cf_call_note_state(u, at.call, m->sequence);
    if ((state & LINECALLSTATE_CONFERENCED) == 0)
        out->dwParam2 = cf_version_mode(cf_load_relaxed_32(&at.open_line->api_version), state, mode);
    else if (given_back(u, m->param2))
        out->dwParam2 = 0; /* M-32 */
    return true;
}

/* The new handle: false without memory for its slot. Who made a call owns it. */
static bool install_made(struct cf_usage *u, const struct cf_message *m, HLINE line, HCALL call)
{
    return call == 0 || cf_call_install(u, call, line, LINECALLPRIVILEGE_OWNER, m->sequence, NULL) != CF_INSTALL_MEMORY;
}

/* Writes the output locations, before anybody sees the reply. */
static void deliver_calls(struct cf_usage *u, const struct cf_message *m, const struct cf_outstanding *o,
                          struct cf_batch_message *out)
{
    bool installed = install_made(u, m, o->line, m->device) && install_made(u, m, o->line, m->param3);
    if (!installed)
        out->dwParam2 = (DWORD_PTR)(DWORD)LINEERR_NOMEM;
    if (installed && o->ret_call != NULL)
        *o->ret_call = m->device;
    if (installed && o->ret_second != NULL)
        *o->ret_second = m->param3;
}

/* What else a reply brings: a park address, a completion id, bytes of the provider. */
static void deliver_more(struct cf_usage *u, const struct cf_message *m, const struct cf_outstanding *o, struct cf_batch_message *out)
{
    if (o->call_optional && m->device == 0)
        *o->ret_call = 0; /* H-8 */
    if (o->ret_number != NULL)
        *o->ret_number = (DWORD)m->param3;
    if (o->ret_string == NULL && o->ret_data == NULL)
        return;
    const struct cf_record *r = gather(&u->consumer, m);
    struct cf_field f = field_of(r, o->ret_string != NULL ? CF_FIELD_PARK_ADDRESS : CF_FIELD_DEV_SPECIFIC);
    if (o->ret_data != NULL && f.bytes != 0)
        memcpy(o->ret_data, f.data, f.bytes < o->data_bytes ? f.bytes : o->data_bytes);
    if (o->ret_string != NULL && !cf_struct_text(o->ret_string, f.data, f.bytes))
        out->dwParam2 = (DWORD_PTR)(DWORD)LINEERR_STRUCTURETOOSMALL; /* where it was parked is lost */
}

/* H-50: below 2.0 the replies of a call go with its handle. */
static bool discarded(const struct cf_usage *u, const struct cf_outstanding *o)
{
    return o->call != 0 && o->api_version < CF_TAPI_VERSION_2_0 &&
           cf_handle_child_look_up(&u->calls, cf_handle_slot(o->call), cf_handle_generation(o->call)) == NULL;
}

static bool reply(struct cf_usage *u, const struct cf_message *m, struct cf_batch_message *out)
{
    struct cf_outstanding o;
    if (!cf_request_complete(u, m->param1, &o) || discarded(u, &o))
        return false;
    out->hDevice = 0;
    out->dwParam3 = 0;
    out->dwCallbackInstance = o.callback_instance;
    out->dwParam2 = (DWORD)m->param2;
    if ((DWORD)m->param2 == 0 && m->device != 0)
        deliver_calls(u, m, &o, out);
    if ((DWORD)m->param2 == 0)
        deliver_more(u, m, &o, out);
    return true;
}

/* The digits go to the application's buffer, before anybody sees the message. Of what was cancelled nothing is written. */
static bool gathered(struct cf_usage *u, const struct cf_message *m, bool with_text, struct cf_batch_message *out)
{
    struct place at;
    bool ours = to_call(u, m, with_text, out, &at);
    bool written = ours && m->param1 != LINEGATHERTERM_CANCEL;
    struct cf_field digits;
    if (written)
        digits = field_of(gather(&u->consumer, m), CF_FIELD_DIGITS);
    out->dwParam2 = 0;
    return cf_gather_complete(u, m->param2, m->device, written ? &digits : NULL) && ours;
}

static bool line_close(struct cf_usage *u, const struct cf_message *m, struct cf_batch_message *out)
{
    struct cf_line_slot *line;
    if (!to_line(u, m, out, &line))
        return false;
    if (!cf_handle_table_release(&u->lines, cf_handle_slot(m->device), cf_handle_generation(m->device)))
        return false;
    cf_request_drop(u, m->device); /* nobody will answer them */
    return true;
}

/* Of no line: LINE_CREATE, LINE_REMOVE, REINIT, CF_LINE_. Those below 1.4 are told to start again instead of LINE_CREATE. */
static bool to_app(struct cf_usage *u, const struct cf_message *m, struct cf_batch_message *out)
{
    if (cf_version_hides(u->api_version, m->id))
        return false;
    cf_resync_note(u, m);
    if (m->id == LINE_CREATE && u->api_version < CF_TAPI_VERSION_1_4) {
        out->dwMessageID = LINE_LINEDEVSTATE;
        out->dwParam1 = LINEDEVSTATE_REINIT;
        out->dwParam2 = LINE_CREATE;
        out->dwParam3 = m->param1;
    }
    return true;
}

bool cf_message_take(struct cf_usage *u, const struct cf_message *m, bool with_text, struct cf_batch_message *out)
{
    struct place at;
    struct cf_line_slot *line;
    *out = (struct cf_batch_message){
        .seq = m->sequence,
        .time_ns = m->time_ns,
        .hDevice = m->device,
        .dwMessageID = m->id,
        .dwParam1 = m->param1,
        .dwParam2 = m->param2,
        .dwParam3 = m->param3,
    };
    switch (m->id) {
    case LINE_APPNEWCALL:
        return new_call(u, m, with_text, out);
    case LINE_CALLSTATE:
        return call_state(u, m, with_text, out);
    case LINE_REPLY:
        return reply(u, m, out);
    case LINE_GATHERDIGITS:
        return gathered(u, m, with_text, out);
    case LINE_CLOSE:
        return line_close(u, m, out);
    default:
        break;
    }
    if (m->device == 0)
        return to_app(u, m, out);
    if (cf_handle_kind(m->device) == CF_KIND_LINE)
        return to_line(u, m, out, &line);
    return to_call(u, m, with_text, out, &at);
}

/* ------------------------------------------------------------------ when the service is gone */

/* Only lines that the service had opened: others are still in their lineOpen, which fails by itself. */
static bool opened(const struct cf_usage *u, uint32_t index, HLINE *ret_line, uint64_t *ret_instance)
{
    const struct cf_line_slot *slot = cf_handle_table_slot_clamped(&u->lines, index);
    if (slot == NULL)
        return false;
    uint32_t generation = cf_load_acquire_32(&slot->opened); /* L0 pairs with L0 in lineOpen */
    if (!cf_generation_live(generation) || cf_load_acquire_32(&slot->slot.generation) != generation)
        return false;
    *ret_line = cf_handle_of_usage(u->number, index, CF_KIND_LINE, generation);
    *ret_instance = cf_load_relaxed_64(&slot->callback_instance);
    return true;
}

bool cf_message_make_pending(const struct cf_usage *u)
{
    return cf_load_relaxed_32(&u->reinit_told) == 0;
}

bool cf_message_make(struct cf_usage *u, struct cf_batch_message *out)
{
    struct cf_consumer *c = &u->consumer;
    if (!cf_message_make_pending(u))
        return false;
    *out = (struct cf_batch_message){.seq = ++c->sequence, .time_ns = cf_monotonic_ns()};
    uint32_t used = cf_load_acquire_32(&u->lines_head->used);
    while (c->close_cursor < used) {
        uint64_t instance;
        HLINE line;
        if (!opened(u, c->close_cursor++, &line, &instance) ||
            !cf_handle_table_release(&u->lines, cf_handle_slot(line), cf_handle_generation(line)))
            continue;
        out->hDevice = line;
        out->dwMessageID = LINE_CLOSE;
        out->dwCallbackInstance = instance;
        return true;
    }
    cf_store_release_32(&u->reinit_told, 1); /* RT0: after the path, which was there before the usage lived */
    out->dwMessageID = LINE_LINEDEVSTATE;
    out->dwParam1 = LINEDEVSTATE_REINIT;
    return true;
}
