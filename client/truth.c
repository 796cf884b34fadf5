/*
 * The truth of an application's calls, from its own handle slots, and what it missed.
 *
 * Shape      every call handle that lives, in the order of the slots; each slot is read on its own
 * Writers    nobody here but cf_resync_take(), under down_lock
 * Progress   cf_list_calls(): bounded by the slots ever used; no request; no lock, but for a call that changed in
 *            each of READ_TRIES looks at it: down_lock once
 */
#include "client/internal.h"

#define READ_TRIES 16u
#define CHANGING (UINT64_C(1) << 63) /* in state_sequence: the words of the state are being written */

enum look { NOTHING, WHOLE, TORN };

/* NOTHING: the slot holds no live handle of that line (0: of any). TORN: its words are not of one message. */
static enum look look_at_slot(const struct cf_usage *u, uint32_t index, HLINE line, struct cf_call_truth *ret)
{
    const struct cf_call_slot *slot = cf_handle_table_slot_clamped(&u->calls, index);
    uint64_t state, parent;
    uint32_t generation = cf_load_acquire_32(&slot->child.generation);
    uint64_t sequence = cf_load_acquire_64(&slot->state_sequence); /* T0, T1 pair with those in cf_call_*_state() */
    if (cf_handle_child_read(&u->calls, index, generation, &state, &parent) == NULL)
        return NOTHING;
    int64_t entered_ns = (int64_t)cf_load_acquire_64((const uint64_t *)&slot->entered_ns);
    uint64_t resync = cf_load_acquire_64(&slot->resync);
    HLINE owner = cf_line_of_parent(u, parent);
    const struct cf_line_slot *open_line = cf_line_find(u, owner);
    if (open_line == NULL || (line != 0 && owner != line))
        return NOTHING;
    DWORD version = cf_load_relaxed_32(&open_line->api_version);
    bool told = cf_handle_state_state(state) != 0; /* else the other words may be those of a former life */
    *ret = (struct cf_call_truth){
        .hCall = cf_handle_of_usage(u->number, index, CF_KIND_CALL, generation),
        .hLine = owner,
        .dwCallState = cf_handle_state_state(state),
        .dwCallStateMode = cf_version_mode(version, cf_handle_state_state(state), cf_handle_state_mode(state)),
        .dwCallPrivilege = cf_handle_state_privilege(state),
        .flags = told && resync != 0 && resync == cf_load_relaxed_64(&u->consumer.resyncs) ? CF_CALL_RESYNCED : 0,
        .state_time_ns = told ? entered_ns : 0,
        .seq = told ? sequence : 0,
    };
    bool whole = (sequence & CHANGING) == 0 && cf_load_acquire_64(&slot->state_sequence) == sequence &&
                 cf_load_acquire_32(&slot->child.generation) == generation;
    return whole ? WHOLE : TORN;
}

/* Whole or not at all. What changes faster than it can be read, or whose change stands still, is read while no message is taken. */
static bool read_slot(struct cf_usage *u, uint32_t index, HLINE line, struct cf_call_truth *ret)
{
    enum look seen = TORN;
    for (uint32_t i = 0; i < READ_TRIES && seen == TORN; i++)
        seen = look_at_slot(u, index, line, ret);
    if (seen == TORN) {
        pthread_mutex_lock(&u->down_lock);
        do
            seen = look_at_slot(u, index, line, ret);
        while (seen == TORN); /* released, and by nobody made again */
        pthread_mutex_unlock(&u->down_lock);
    }
    return seen == WHOLE;
}

LONG cf_list_calls(HLINEAPP app, HLINE line, uint64_t *cursor, struct cf_call_truth *calls, uint32_t max,
                   uint32_t *ret_count)
{
    LONG error = 0;
    struct cf_usage *u = cf_usage_enter_app(app, &error);
    if (u == NULL)
        return error;
    if (cursor == NULL || calls == NULL || ret_count == NULL)
        error = LINEERR_INVALPOINTER;
    else if (max == 0)
        error = LINEERR_INVALPARAM;
    else if (line != 0 && cf_line_find(u, line) == NULL)
        error = LINEERR_INVALLINEHANDLE;
    if (error != 0) {
        cf_usage_leave(u);
        return error;
    }
    uint32_t end = cf_load_acquire_32(&u->calls_end), count = 0;
    uint64_t at = *cursor;
    while (at < end && count < max) {
        if (cf_handle_table_slot_clamped(&u->calls, (uint32_t)at) == NULL)
            at = ((at >> CF_CALL_SEGMENT_SHIFT) + 1) << CF_CALL_SEGMENT_SHIFT; /* nobody ever used these */
        else
            count += read_slot(u, (uint32_t)at++, line, &calls[count]);
    }
    *cursor = at < end ? at : 0;
    *ret_count = count;
    cf_usage_leave(u);
    return 0;
}

void cf_call_begin_state(struct cf_call_slot *slot)
{
    cf_store_release_64(&slot->state_sequence, slot->state_sequence | CHANGING); /* T1: before the words, whose stores release */
}

void cf_call_note_state(struct cf_usage *u, struct cf_call_slot *slot, uint64_t sequence)
{
    if (u->consumer.resync_under_way)
        cf_store_release_64(&slot->resync, u->consumer.resyncs + 1);
    cf_store_release_64(&slot->state_sequence, sequence); /* T0: after the state */
}

void cf_resync_note(struct cf_usage *u, const struct cf_message *m)
{
    struct cf_consumer *c = &u->consumer;
    struct cf_resync *r = &c->resync;
    switch (m->id) {
    case CF_LINE_GAP:
        r->first_missed = r->gaps == 0 ? m->param1 : r->first_missed;
        r->last_missed = m->param2;
        r->missed += m->param2 - m->param1 + 1;
        r->causes |= (uint32_t)m->param3;
        r->gaps++;
        break;
    case CF_LINE_RESYNC_BEGIN:
        c->resync_under_way = true;
        break;
    case CF_LINE_RESYNC_END:
        r->missed += m->param2 - m->param1;
        r->calls_unseen += m->param3;
        r->resyncs++;
        c->resync_under_way = false;
        cf_store_release_64(&c->resyncs, c->resyncs + 1);
        break;
    default:
        return;
    }
    r->under_way = c->resync_under_way;
}

LONG cf_resync_take(HLINEAPP app, struct cf_resync *ret_resync)
{
    LONG error;
    struct cf_usage *u = cf_usage_enter_app(app, &error);
    if (u == NULL)
        return error;
    if (ret_resync == NULL) {
        cf_usage_leave(u);
        return LINEERR_INVALPOINTER;
    }
    pthread_mutex_lock(&u->down_lock);
    *ret_resync = u->consumer.resync;
    u->consumer.resync = (struct cf_resync){.under_way = u->consumer.resync_under_way};
    pthread_mutex_unlock(&u->down_lock);
    cf_usage_leave(u);
    return 0;
}
