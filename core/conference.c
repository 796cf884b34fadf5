/* See conference.h. */
#include "core/conference.h"

#include "core/requests.h"

static struct cf_call *parent_of(const struct cf_engine *e, const struct cf_call *c) {
    uint32_t parent = cf_extra_of(e, c)->parent;
    return parent == CF_INDEX_NONE ? NULL : cf_call_at(e, parent);
}

/* ------------------------------------------------------------------ the list */

static void unlink_member(struct cf_engine *e, struct cf_call *c, struct cf_call *parent) {
    struct cf_call_extra *x = cf_extra_touch(e, c), *p = cf_extra_touch(e, parent);
    if (x->member_next != CF_INDEX_NONE)
        cf_extra_touch(e, cf_call_at(e, x->member_next))->member_previous = x->member_previous;
    else
        p->members_last = x->member_previous;
    if (x->member_previous != CF_INDEX_NONE)
        cf_extra_touch(e, cf_call_at(e, x->member_previous))->member_next = x->member_next;
    else
        p->members_first = x->member_next;
    p->members--;
    x->parent = x->member_next = x->member_previous = CF_INDEX_NONE;
}

void cf_conference_leave(struct cf_engine *e, struct cf_call *c) {
    struct cf_call *parent = parent_of(e, c);
    if (parent != NULL)
        unlink_member(e, c, parent);
}

bool cf_conference_join(struct cf_engine *e, struct cf_call *c, struct cf_call *parent) {
    if (parent_of(e, c) == parent)
        return true;
    cf_conference_leave(e, c);
    if (parent == c || parent->line != c->line || parent->state == LINECALLSTATE_IDLE || parent_of(e, parent) != NULL ||
        cf_extra_of(e, c)->members != 0 || cf_extra_of(e, parent)->members == CF_CONFERENCE_MEMBERS_MAX)
        return false;
    struct cf_call_extra *x = cf_extra_touch(e, c), *p = cf_extra_touch(e, parent);
    uint32_t x_index = cf_call_index(e, c);
    if (x == NULL || p == NULL)
        return true; /* a member of none, for want of room, which is counted and not the provider's fault */
    x->parent = cf_call_index(e, parent);
    x->member_next = CF_INDEX_NONE;
    x->member_previous = p->members_last;
    if (p->members_last != CF_INDEX_NONE)
        cf_extra_touch(e, cf_call_at(e, p->members_last))->member_next = x_index;
    else
        p->members_first = x_index;
    p->members_last = x_index;
    p->members++;
    return true;
}

bool cf_conference_is(const struct cf_engine *e, const struct cf_call *c) {
    return c->origin == LINECALLORIGIN_CONFERENCE || cf_extra_of(e, c)->members != 0;
}

void cf_conference_end(struct cf_engine *e, struct cf_call *c) {
    cf_conference_leave(e, c);
    while (cf_extra_of(e, c)->members != 0)
        unlink_member(e, cf_call_at(e, cf_extra_of(e, c)->members_first), c);
}

bool cf_conference_check(const struct cf_engine *e, const struct cf_call *c) {
    const struct cf_call_extra *x = cf_extra_of(e, c);
    const struct cf_call *parent = parent_of(e, c);
    uint32_t used = e->call_head->used, n = 0, previous = CF_INDEX_NONE;
    if (parent != NULL &&
        (x->parent >= used || !cf_generation_live(parent->generation) || parent->line != c->line || x->members != 0 ||
         (c->state & LINECALLSTATE_CONFERENCED) == 0))
        return false;
    for (uint32_t at = x->members_first; at != CF_INDEX_NONE && n <= x->members; n++) {
        if (at >= used || cf_extra_of(e, cf_call_at(e, at))->parent != cf_call_index(e, c) ||
            cf_extra_of(e, cf_call_at(e, at))->member_previous != previous)
            return false;
        previous = at;
        at = cf_extra_of(e, cf_call_at(e, at))->member_next;
    }
    return n == x->members && n <= CF_CONFERENCE_MEMBERS_MAX && x->members_last == previous;
}

/* ------------------------------------------------------------------ the parent's handles */

static uint64_t handle_of(const struct cf_engine *e, const struct cf_call *c, uint64_t ref) {
    uint32_t port, open_line;
    return cf_ref_live(e, c, ref, &port, &open_line) ? cf_port_handle(e, port, cf_ref_index(ref), cf_ref_generation(ref)) : 0;
}

/* The same, but 0 for one that its application has not been told of yet. */
static uint64_t told_handle_of(const struct cf_engine *e, const struct cf_call *c, uint64_t ref) {
    uint32_t port = cf_open_port_of(*cf_open_at(e, c->line, cf_ref_position(ref)));
    return (cf_slot_at(&e->view[port], cf_ref_index(ref))->info & CF_SLOT_ANNOUNCE_DUE) != 0 ? 0 : handle_of(e, c, ref);
}

uint64_t cf_conference_handle(const struct cf_engine *e, const struct cf_call *c, uint32_t position) {
    const struct cf_call *parent = parent_of(e, c);
    uint32_t at = parent == NULL ? CF_INDEX_NONE : cf_call_find_position(e, parent, position);
    return at == CF_INDEX_NONE ? 0 : told_handle_of(e, parent, cf_call_ref(e, parent, at));
}

void cf_conference_handles(const struct cf_engine *e, const struct cf_call *c, uint64_t *handles) {
    const struct cf_call *parent = parent_of(e, c);
    memset(handles, 0, CF_OPENS_PER_LINE_MAX * sizeof *handles);
    for (uint32_t at = 0; parent != NULL && at < parent->refs; at++) {
        uint64_t ref = cf_call_ref(e, parent, at);
        handles[cf_ref_position(ref)] = told_handle_of(e, parent, ref);
    }
}

/* ------------------------------------------------------------------ lineGetConfRelatedCalls */

/* The call of that number in the list: the parent first, then its members; NULL: no more. */
static struct cf_call *related(const struct cf_engine *e, struct cf_call *parent, uint32_t number) {
    uint32_t at = cf_extra_of(e, parent)->members_first;
    if (number == 0)
        return parent;
    while (--number > 0 && at != CF_INDEX_NONE)
        at = cf_extra_of(e, cf_call_at(e, at))->member_next;
    return at == CF_INDEX_NONE ? NULL : cf_call_at(e, at);
}

/* One that was handed the call and is behind learns its handle from the list: the resync tells who owns it by LINE_CALLSTATE alone. */
static void known_by_list(struct cf_engine *e, uint32_t port, uint64_t ref) {
    struct cf_call_handle *h = cf_slot_at(&e->view[port], cf_ref_index(ref));
    if ((h->info & CF_SLOT_ANNOUNCE_DUE) == 0)
        return;
    cf_touch_one(e, h);
    h->info = (h->info & ~CF_SLOT_ANNOUNCE_DUE) | CF_SLOT_PRIVILEGE_DUE;
}

/* The asker's handle for c, made if it has none. 0: none is to be had. */
static uint64_t handle_for(struct cf_engine *e, uint32_t port, struct cf_call *c, uint32_t position) {
    uint32_t at = cf_call_find_position(e, c, position);
    if (at != CF_INDEX_NONE) {
        known_by_list(e, port, cf_call_ref(e, c, at));
        return handle_of(e, c, cf_call_ref(e, c, at));
    }
    uint32_t index = cf_call_give_handle(e, c, position, false);
    if (index == CF_INDEX_NONE)
        return 0;
    cf_call_notice(e, c, LINECALLINFOSTATE_NUMMONITORS, port);
    return cf_port_handle(e, port, index, cf_slot_at(&e->view[port], index)->generation);
}

/* The call that stands for the conference of c; NULL: c is in none. */
static struct cf_call *conference_of(const struct cf_engine *e, struct cf_call *c) {
    struct cf_call *parent = parent_of(e, c);
    return parent != NULL ? parent : cf_conference_is(e, c) ? c : NULL;
}

/* In slices; what changes between two of them may be in the list or not, as with lineGetNewCalls. */
void cf_conference_calls(struct cf_engine *e, uint32_t port) {
    const struct cf_message *m = &e->in.m;
    struct cf_asked a = cf_request_find_call(e, port, m->device);
    struct cf_call *parent = a.call == NULL ? NULL : conference_of(e, a.call);
    struct {
        struct cf_reply_new_calls head;
        uint64_t handles[CF_NEW_CALLS_PER_SLICE];
    } r;
    if (parent == NULL) {
        cf_output_answer(e, port, a.call == NULL ? LINEERR_INVALCALLHANDLE : LINEERR_NOCONFERENCE, NULL, 0);
        return;
    }
    uint32_t position = e->view[port].open_lines[a.open_line].position, total = 1 + cf_extra_of(e, parent)->members;
    r.head = (struct cf_reply_new_calls){.total = total};
    bool refused = m->param2 == 0 && total > m->param3; /* all or nothing (G-11) */
    uint64_t number = refused ? total : m->param2;
    for (; number < total && r.head.entries < m->param3 && cf_slice_room(e); number++) {
        struct cf_call *c = related(e, parent, (uint32_t)number);
        uint64_t handle = c == NULL ? 0 : handle_for(e, port, c, position);
        if (handle == 0)
            break;
        r.handles[r.head.entries++] = handle;
    }
    bool more = number < total && r.head.entries != 0 && r.head.entries < m->param3;
    r.head.cursor = more ? number : 0;
    cf_looked_at(e, total);
    cf_output_answer(e, port, 0, &r, (uint32_t)(sizeof r.head + r.head.entries * sizeof r.handles[0]));
}
