/* See bond.h. */
#include "adapters/sim/bond.h"

#include <assert.h>

static const struct cf_sim_step connected = {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE};

/* Of a call that gets bonds. */
static struct cf_sim_bond *bond_begin(struct cf_sim_model *m, struct cf_sim_call *c)
{
    struct cf_sim_bond *b = &m->bonds[cf_sim_call_index(m, c)];
    if ((c->flags & CF_SIM_BONDED) == 0)
        *b = (struct cf_sim_bond){
            CF_SIM_NOBODY, CF_SIM_NOBODY, CF_SIM_NOBODY, CF_SIM_NOBODY, CF_SIM_NOBODY, CF_SIM_NOBODY, 0, 0};
    c->flags |= CF_SIM_BONDED;
    return b;
}

/* NULL: it has no bonds. */
static struct cf_sim_bond *bond_of(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    return (c->flags & CF_SIM_BONDED) != 0 ? &m->bonds[cf_sim_call_index(m, c)] : NULL;
}

static struct cf_sim_call *call_at(const struct cf_sim_model *m, uint32_t index)
{
    return index == CF_SIM_NOBODY ? NULL : &m->calls[index];
}

/* ------------------------------------------------------------------ partners */

struct cf_sim_call *cf_sim_partner(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    const struct cf_sim_bond *b = bond_of(m, c);
    return b == NULL ? NULL : call_at(m, b->partner);
}

bool cf_sim_consults(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    const struct cf_sim_bond *b = bond_of(m, c);
    return b != NULL && b->consults != 0;
}

void cf_sim_pair(struct cf_sim_model *m, struct cf_sim_call *first, struct cf_sim_call *consultation)
{
    struct cf_sim_bond *a = bond_begin(m, first), *b = bond_begin(m, consultation);
    assert(a->partner == CF_SIM_NOBODY && b->partner == CF_SIM_NOBODY);
    a->partner = cf_sim_call_index(m, consultation);
    b->partner = cf_sim_call_index(m, first);
    b->consults = 1;
}

void cf_sim_part(struct cf_sim_model *m, struct cf_sim_call *c)
{
    const struct cf_sim_call *partner = cf_sim_partner(m, c);
    if (partner == NULL)
        return;
    const uint32_t both[] = {cf_sim_call_index(m, c), cf_sim_call_index(m, partner)};
    for (int i = 0; i < 2; i++) {
        m->bonds[both[i]].partner = CF_SIM_NOBODY;
        m->bonds[both[i]].consults = 0;
    }
}

void cf_sim_rest(struct cf_sim_model *m, struct cf_sim_call *c, uint32_t state, int64_t now_ns)
{
    c->flags |= CF_SIM_HELD;
    cf_sim_call_report(m, c, (struct cf_sim_step){state, 0}, now_ns);
}

void cf_sim_talk(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns)
{
    c->flags &= (uint8_t)~CF_SIM_HELD;
    cf_sim_call_report(m, c, connected, now_ns);
}

/* ------------------------------------------------------------------ members */

struct cf_sim_call *cf_sim_conference_of(const struct cf_sim_model *m, const struct cf_sim_call *member)
{
    const struct cf_sim_bond *b = bond_of(m, member);
    return b == NULL ? NULL : call_at(m, b->parent);
}

uint32_t cf_sim_members(const struct cf_sim_model *m, const struct cf_sim_call *conference)
{
    const struct cf_sim_bond *b = bond_of(m, conference);
    return b == NULL ? 0 : b->members;
}

struct cf_sim_call *cf_sim_member_last(const struct cf_sim_model *m, const struct cf_sim_call *conference)
{
    const struct cf_sim_bond *b = bond_of(m, conference);
    return b == NULL ? NULL : call_at(m, b->last);
}

static void list_append(struct cf_sim_model *m, struct cf_sim_call *conference, struct cf_sim_call *c)
{
    struct cf_sim_bond *b = bond_begin(m, c), *p = bond_begin(m, conference);
    uint32_t index = cf_sim_call_index(m, c);
    assert(b->parent == CF_SIM_NOBODY && c != conference);
    b->parent = cf_sim_call_index(m, conference);
    b->previous = p->last;
    b->next = CF_SIM_NOBODY;
    if (p->last == CF_SIM_NOBODY)
        p->first = index;
    else
        m->bonds[p->last].next = index;
    p->last = index;
    p->members++;
}

static void list_remove(struct cf_sim_model *m, const struct cf_sim_call *c)
{
    struct cf_sim_bond *b = bond_of(m, c);
    assert(b != NULL && b->parent != CF_SIM_NOBODY);
    struct cf_sim_bond *p = &m->bonds[b->parent];
    if (b->previous == CF_SIM_NOBODY)
        p->first = b->next;
    else
        m->bonds[b->previous].next = b->next;
    if (b->next == CF_SIM_NOBODY)
        p->last = b->previous;
    else
        m->bonds[b->next].previous = b->previous;
    p->members--;
    b->parent = b->next = b->previous = CF_SIM_NOBODY;
}

/* A far end that has not answered yet goes on ringing unseen. */
void cf_sim_join(struct cf_sim_model *m, struct cf_sim_call *conference, struct cf_sim_call *c, struct cf_sim_time now)
{
    uint64_t ring_ms = c->outcome == CF_SIM_ANSWER ? m->settings->answer_ms : c->give_up_ms;
    cf_sim_part(m, c);
    list_append(m, conference, c);
    c->flags |= CF_SIM_HELD;
    if ((c->state & (LINECALLSTATE_RINGBACK | LINECALLSTATE_PROCEEDING)) != 0)
        c->flags |= CF_SIM_RINGS;
    if (c->state == LINECALLSTATE_PROCEEDING)
        cf_wheel_set(&m->wheel, cf_sim_call_index(m, c), now.tick + ring_ms);
    cf_sim_call_report(m, c, (struct cf_sim_step){LINECALLSTATE_CONFERENCED, 0}, now.ns);
}

void cf_sim_leave(struct cf_sim_model *m, struct cf_sim_call *c, uint32_t state, int64_t now_ns)
{
    bool rings = (c->flags & CF_SIM_RINGS) != 0;
    list_remove(m, c);
    c->flags &= (uint8_t)~CF_SIM_RINGS;
    if (rings) {
        c->flags &= (uint8_t)~CF_SIM_HELD;
        cf_sim_call_report(m, c, (struct cf_sim_step){LINECALLSTATE_RINGBACK, 0}, now_ns);
    } else if (state == LINECALLSTATE_CONNECTED) {
        cf_sim_talk(m, c, now_ns);
    } else {
        cf_sim_rest(m, c, state, now_ns);
    }
}

/* While somebody is being consulted it waits for him, whoever leaves. */
void cf_sim_settle(struct cf_sim_model *m, struct cf_sim_call *conference, int64_t now_ns)
{
    if (cf_sim_members(m, conference) >= 2 || cf_sim_partner(m, conference) != NULL)
        return;
    struct cf_sim_call *last = cf_sim_member_last(m, conference);
    bool on_hold = (conference->state & CF_SIM_ON_HOLD) != 0;
    if (last != NULL)
        cf_sim_leave(m, last, on_hold ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED, now_ns);
    cf_sim_call_end(m, conference, now_ns);
}

/* ------------------------------------------------------------------ ends */

/* Without its conference each member is a call of its own, or ends with it. */
static void dissolve(struct cf_sim_model *m, struct cf_sim_call *conference, int64_t now_ns)
{
    bool drops = cf_sim_flag(m, LINEADDRCAPFLAGS_CONFDROP);
    struct cf_sim_call *c;
    while ((c = call_at(m, m->bonds[cf_sim_call_index(m, conference)].first)) != NULL) {
        if (drops) {
            list_remove(m, c);
            cf_sim_call_end(m, c, now_ns);
        } else {
            cf_sim_leave(m, c, LINECALLSTATE_CONNECTED, now_ns);
        }
    }
}

/* The consultation is over: the call that waited for it is connected again; a conference of nobody ends. */
static void reconnect(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns)
{
    if ((c->flags & CF_SIM_CONFERENCE) != 0 && cf_sim_members(m, c) == 0)
        cf_sim_call_end(m, c, now_ns);
    else
        cf_sim_talk(m, c, now_ns);
}

void cf_sim_bond_end(struct cf_sim_model *m, struct cf_sim_call *c, bool over, int64_t now_ns)
{
    struct cf_sim_call *partner = cf_sim_partner(m, c), *conference = cf_sim_conference_of(m, c);
    if (conference != NULL) {
        list_remove(m, c);
        cf_sim_settle(m, conference, now_ns);
    }
    if (!over)
        return;
    cf_sim_part(m, c);
    if ((c->flags & CF_SIM_CONFERENCE) != 0)
        dissolve(m, c, now_ns);
    if (partner != NULL && (partner->state & CF_SIM_PENDING) != 0 && cf_sim_flag(m, LINEADDRCAPFLAGS_AUTORECONNECT))
        reconnect(m, partner, now_ns);
}

void cf_sim_bond_cut(struct cf_sim_model *m, struct cf_sim_call *c)
{
    struct cf_sim_call *member;
    if ((c->flags & CF_SIM_BONDED) == 0)
        return;
    cf_sim_part(m, c);
    if (cf_sim_conference_of(m, c) != NULL)
        list_remove(m, c);
    while ((member = cf_sim_member_last(m, c)) != NULL)
        list_remove(m, member);
}

/* ------------------------------------------------------------------ check */

static bool alive(const struct cf_sim_model *m, uint32_t index)
{
    return index < m->used && m->calls[index].id != 0;
}

static bool members_sound(const struct cf_sim_model *m, const struct cf_sim_call *c, const struct cf_sim_bond *b)
{
    uint32_t n = 0, previous = CF_SIM_NOBODY;
    for (uint32_t at = b->first; at != CF_SIM_NOBODY && n <= b->members; n++) {
        if (!alive(m, at) || (m->calls[at].flags & CF_SIM_BONDED) == 0 || m->bonds[at].previous != previous ||
            m->bonds[at].parent != cf_sim_call_index(m, c) || m->calls[at].line != c->line)
            return false;
        previous = at;
        at = m->bonds[at].next;
    }
    return n == b->members && b->last == previous && (n == 0 || (c->flags & CF_SIM_CONFERENCE) != 0);
}

bool cf_sim_bond_check(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    const struct cf_sim_bond *b = bond_of(m, c);
    if (b == NULL)
        return c->state != LINECALLSTATE_CONFERENCED;
    bool over = c->state == LINECALLSTATE_IDLE;
    if (b->partner != CF_SIM_NOBODY && (over || !alive(m, b->partner) || m->bonds[b->partner].consults == b->consults ||
                                        cf_sim_partner(m, &m->calls[b->partner]) != c))
        return false;
    if (b->parent != CF_SIM_NOBODY && (!alive(m, b->parent) || (m->calls[b->parent].flags & CF_SIM_CONFERENCE) == 0))
        return false;
    return (c->state == LINECALLSTATE_CONFERENCED) == (b->parent != CF_SIM_NOBODY) && members_sound(m, c, b) &&
           !(over && b->members != 0);
}
