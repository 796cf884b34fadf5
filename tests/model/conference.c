/* Conferences, as the model sees them: which call is a member of which, and what of it each receiver is told. */
#include <string.h>

#include "core/engine.h"
#include "tests/model/model.h"

/* ------------------------------------------------------------------ who is in which */

static uint16_t number_of(const struct model *m, const struct m_call *c) { return (uint16_t)(c - m->calls + 1); }

/* sure: without those that may be closed already, nobody having a handle, or may have found no place. */
static uint32_t members(const struct model *m, const struct m_call *c, bool sure) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->calls_high; i++) {
        const struct m_call *member = &m->calls[i];
        if (member->used && member->parent == number_of(m, c))
            n += !sure || (!member->parent_unsure && m_call_refs(m, i, false) != 0);
    }
    return n;
}

bool m_conference_is(const struct model *m, const struct m_call *c) { return c->conference || members(m, c, false) != 0; }

bool m_conference_unsure(const struct model *m, const struct m_call *c) {
    return !c->conference && (m->parties_lack || (members(m, c, false) != 0 && members(m, c, true) == 0));
}

void m_conference_leave(struct model *m, struct m_call *c) {
    (void)m;
    c->parent = 0;
}

/* It ends: its members stay where they are, in nobody's conference. */
void m_conference_over(struct model *m, struct m_call *c) {
    for (uint32_t i = 0; i < m->calls_high; i++) {
        struct m_call *member = &m->calls[i];
        if (!member->used || member->parent != number_of(m, c))
            continue;
        member->parent = 0;
        m_call_passes(member);
    }
    c->parent = 0;
}

static bool is_member(const struct model *m, const struct m_call *c, bool sure) {
    return c->parent != 0 && (!sure || (!c->parent_unsure && m_call_refs(m, c->parent - 1u, false) != 0));
}

/* The provider says that c is CONFERENCED, and with which call: a living one of the same line that is no member itself, and c no conference. */
void m_conference_join(struct model *m, struct m_call *c, uint64_t parent_id) {
    struct m_call *parent = parent_id == 0 ? NULL : m_call_of(m, c->provider, parent_id);
    if (parent != NULL && c->parent == number_of(m, parent))
        return;
    c->parent = 0;
    c->parent_unsure = false;
    if (parent == NULL || parent == c || parent->line != c->line || parent->state == LINECALLSTATE_IDLE || members(m, c, true) != 0 ||
        is_member(m, parent, true))
        return;
    c->parent = number_of(m, parent);
    c->parent_unsure = members(m, c, false) != 0 || is_member(m, parent, false);
}

/* ------------------------------------------------------------------ what a receiver is told of the conference's call (M-30 to M-33) */

static bool same_open(const struct m_ref *a, const struct m_ref *b) { return a->port == b->port && a->open == b->open; }

void m_conference_owed(const struct model *m, const struct m_ref *r, struct m_owed *owed) {
    uint32_t parent = m->calls[r->call].parent;
    for (uint32_t i = 0; parent != 0 && i < m->refs_high; i++) {
        const struct m_ref *p = &m->refs[i];
        if (!p->used || p->gone || p->call != parent - 1 || !same_open(p, r))
            continue;
        owed->parent = (uint16_t)(i + 1);
        owed->parent_unsure = p->limbo || m->calls[r->call].parent_unsure || p->announce == M_OPTIONAL || p->announce == M_LATER;
    }
}

static bool is_handle_of(const struct m_ref *r, uint64_t handle) { return handle != 0 && (r->handle == handle || r->listed == handle); }

/* A handle that lineGetNewCalls has just handed out on that open, not known yet of which call. */
static bool in_new_list(const struct model *m, const struct m_ref *r, uint64_t handle) {
    for (uint32_t i = 0; i < SIM_CALLS; i++)
        if (m->listed[i].used && m->listed[i].port == r->port && m->listed[i].open == r->open && m->listed[i].handle == handle)
            return true;
    return false;
}

/* What one may have been told while the conference was that of call number parent: its own handle, or 0 while it had none. */
static bool fits(const struct model *m, const struct m_ref *r, uint32_t parent, uint64_t handle) {
    bool had = false;
    if (parent == 0)
        return handle == 0;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        const struct m_ref *p = &m->refs[i];
        if (!p->used || p->call != parent - 1 || !same_open(p, r))
            continue;
        if (is_handle_of(p, handle))
            return true;
        /* With its provider the conference ends, maybe before its members do. */
        had |= p->told_before && !p->gone && !p->limbo && !m->calls[r->call].parent_unsure && !m->calls[parent - 1].ending;
    }
    return handle == 0 ? !had : in_new_list(m, r, handle);
}

/* Not every membership finds room in the engine then: any call of its own may be named, or none. */
static bool fits_any(const struct model *m, const struct m_ref *r, uint64_t handle) {
    for (uint32_t i = 0; i < m->refs_high; i++)
        if (m->refs[i].used && same_open(&m->refs[i], r) && is_handle_of(&m->refs[i], handle))
            return true;
    return handle == 0 || in_new_list(m, r, handle);
}

/* owed NULL: any time of this turn will do. */
bool m_conference_told(struct model *m, const struct m_ref *r, const struct m_owed *owed, const struct m_output *o) {
    const struct m_call *c = &m->calls[r->call];
    uint64_t handle = o->m.param2;
    bool right = m->parties_lack && fits_any(m, r, handle);
    if (owed != NULL && owed->parent == 0)
        right |= handle == 0;
    else if (owed != NULL)
        right |= is_handle_of(&m->refs[owed->parent - 1], handle) || (owed->parent_unsure && (handle == 0 || in_new_list(m, r, handle)));
    for (uint32_t i = 0; owed == NULL && i < c->passed_count; i++)
        right |= c->passed[i].state == LINECALLSTATE_CONFERENCED && fits(m, r, c->passed[i].parent, handle);
    uint64_t due = owed != NULL && owed->parent != 0 ? m->refs[owed->parent - 1].handle : 0;
    return right || m_fail(m, "port %u: call %u, handle %#lx, is CONFERENCED with %#lx, due was %#lx (now %u)", o->port, c->serial, o->m.device,
                           handle, due, c->parent == 0 ? 0 : m->calls[c->parent - 1].serial);
}

/* ------------------------------------------------------------------ lineGetConfRelatedCalls */

static struct m_ref *ref_at(struct model *m, uint32_t call, uint32_t port, uint32_t open) {
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *r = &m->refs[i];
        if (r->used && !r->gone && r->call == call && r->port == port && r->open == open)
            return r;
    }
    return NULL;
}

/* The asker's reference to that call, made if it has none: the list may give it a handle. */
static void may_list(struct model *m, struct m_answer *a, const struct m_ref *asker, uint32_t call) {
    struct m_ref *r = ref_at(m, call, asker->port, asker->open);
    struct m_call *c = &m->calls[call];
    bool told = r != NULL && r->announce != M_LATER && r->announce != M_OPTIONAL;
    if (!told)
        m_counts_changed(m, call, asker->port, LINECALLINFOSTATE_NUMMONITORS, false);
    if (r == NULL) {
        r = m_ref_new(m, asker->port, asker->open, call, M_OPTIONAL);
        r->for_list = true;
        r->limbo = asker->limbo;
        r->counts |= LINECALLINFOSTATE_NUMOWNERDECR | LINECALLINFOSTATE_NUMMONITORS; /* of opens closed before, which go in slices */
        r->changes += SIM_OPENS;
    }
    if (!told) {
        r->listing = true;
        r->view_state = c->state;
        r->view_mode = c->mode;
    }
    if (a->related_count < SIM_LISTED)
        a->related[a->related_count++] = (uint16_t)(r - m->refs);
    else
        m_fail(m, "the model is too small: calls of a conference");
}

void m_conference_asked(struct model *m, uint32_t port, struct m_answer *a, const struct m_ref *asker, const struct cf_record *r) {
    struct m_call *c = &m->calls[asker->call];
    struct m_ref self = *asker; /* references are made while it is looked at */
    a->parent = c->parent != 0 ? c->parent : m_conference_is(m, c) ? number_of(m, c) : 0;
    a->loose = m->parties_lack || c->ending || c->parent_unsure || m_conference_unsure(m, c) ||
               (a->parent != 0 && m_call_refs(m, a->parent - 1u, false) == 0);
    a->limited = m_handles(m, port) + m->calls_high >= m->handles_max;
    a->cursor = r->m.param2;
    a->open = self.open;
    a->room = (uint32_t)r->m.param3;
    if (a->parent == 0) {
        a->result = LINEERR_NOCONFERENCE;
        return;
    }
    may_list(m, a, &self, a->parent - 1u);
    for (uint32_t i = 0; i < m->calls_high; i++)
        if (m->calls[i].used && m->calls[i].parent == a->parent) {
            a->loose |= m->calls[i].parent_unsure || m_call_refs(m, i, false) == 0; /* it may be closed already */
            may_list(m, a, &self, i);
        }
}

/* One of the answer's references that this handle is of; NULL: none. */
static struct m_ref *find_listed(struct model *m, uint32_t port, const struct m_answer *a, uint64_t handle) {
    uint64_t id = m->identify(m->identify_arg, port, handle);
    struct m_ref *ending = NULL;
    for (uint32_t i = 0; i < a->related_count; i++) {
        struct m_ref *r = &m->refs[a->related[i]];
        if (is_handle_of(r, handle))
            return r;
        if (r->handle != 0 || r->listed != 0)
            continue;
        if (id != 0 && m->calls[r->call].id == id)
            return r;
        if (id == 0 && ending == NULL && (m->calls[r->call].ending || r->limbo || r->gone))
            ending = r;
    }
    return ending;
}

/* A list that could not be foretold has a handle that is not known: of a call of that line. */
static void listed_anyway(struct model *m, uint32_t port, const struct m_answer *a, uint64_t handle) {
    const struct m_open *o = &m->ports[port].opens[a->open];
    uint64_t id = m->identify(m->identify_arg, port, handle);
    if (m_ref_of(m, port, handle) != NULL || id == 0)
        return;
    for (uint32_t i = 0; i < m->calls_high; i++) {
        const struct m_call *c = &m->calls[i];
        if (!c->used || c->id != id || c->provider != o->provider || c->line != o->line)
            continue;
        struct m_ref *r = ref_at(m, i, port, a->open);
        if (r == NULL) {
            r = m_ref_new(m, port, a->open, i, M_OPTIONAL);
            r->for_list = true;
        }
        if (r->handle == 0)
            m_counts_changed(m, i, port, LINECALLINFOSTATE_NUMMONITORS, false);
        if (r->handle == 0 && m->ports[port].outage) /* what changed behind the list in this turn was not counted */
            r->infos = UINT32_MAX;
        r->listed = r->handle == 0 ? handle : r->listed;
        r->view_state = c->state;
        r->view_mode = c->mode;
        return;
    }
    m_fail(m, "port %u: a conference's list has handle %#lx, of call %#lx, which is not on the line", port, handle, id);
}

void m_conference_listed(struct model *m, uint32_t port, struct m_answer *a, const struct cf_reply_slot *reply) {
    struct cf_reply_new_calls list;
    uint32_t due = a->related_count;
    if (reply->bytes < sizeof list) {
        m_fail(m, "list of %u bytes", reply->bytes);
        return;
    }
    memcpy(&list, reply->data, sizeof list);
    if (list.entries > CF_NEW_CALLS_PER_SLICE || reply->bytes != sizeof list + list.entries * 8 || list.entries > a->room)
        m_fail(m, "port %u: list of %u entries in %u bytes, room for %u", port, list.entries, reply->bytes, a->room);
    if (a->loose)
        due = list.total;
    if (list.total != due)
        m_fail(m, "port %u: a conference of %u calls, %u are due", port, list.total, due);
    if (a->cursor == 0 && (due > a->room ? list.entries != 0 : list.entries != due && list.cursor == 0 && !a->limited && !a->loose))
        m_fail(m, "port %u: %u of the conference's %u calls listed, room for %u", port, list.entries, due, a->room);
    if (a->cursor != 0 && list.entries + (a->cursor < due ? a->cursor : due) > due)
        m_fail(m, "port %u: %u of the conference's %u calls listed from number %lu on", port, list.entries, due, a->cursor);
    for (uint32_t i = 0; i < list.entries && !m->failed; i++) {
        uint64_t h;
        memcpy(&h, reply->data + sizeof list + (size_t)i * 8, 8);
        struct m_ref *r = find_listed(m, port, a, h);
        if (r == NULL && a->loose) {
            listed_anyway(m, port, a, h);
            continue;
        }
        if (r == NULL || r->counted == m->turn_answer)
            m_fail(m, "port %u: handle %#lx is not due in the list of a conference%s", port, h, r == NULL ? "" : ", or twice in it");
        else if (a->cursor == 0 && !a->loose && (i == 0) != (r->call + 1u == a->parent))
            m_fail(m, "port %u: the list of a conference begins with call %u", port, m->calls[r->call].serial);
        if (m->failed)
            return;
        r->counted = m->turn_answer;
        r->listed = r->handle == 0 ? h : r->listed;
    }
}

/* The end of a turn: who was listed has that handle from now on; what a list might have given is given no more. */
void m_conference_settle(struct model *m, struct m_ref *r) {
    struct m_port *p = &m->ports[r->port];
    uint64_t listed = r->listed;
    bool made = listed != 0 && r->handle == 0, lost = p->shut || p->opens[r->open].gone;
    r->listed = 0;
    if (made && m_new_handle(m, r->port, listed)) {
        r->handle = listed;
        r->gone = lost;
    }
    if (made && r->announce != M_REPLY) { /* else LINE_REPLY will bring it once more (G-9) */
        r->announce = M_TOLD;
        r->privilege = r->privilege_before = r->handed ? LINECALLPRIVILEGE_OWNER : LINECALLPRIVILEGE_MONITOR;
        r->first_free = !r->handed;
        r->candidate = r->handed = false;
        r->saw_idle |= r->view_state == LINECALLSTATE_IDLE;
        if (!p->outage)
            r->infos = 0;
    } else if (r->for_list) {
        r->gone = true;
    }
    r->for_list = r->listing = false;
}
