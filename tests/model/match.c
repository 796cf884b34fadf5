/* What the engine published, against what the model expects. */
#include <string.h>

#include "core/engine.h"
#include "tests/model/model.h"

/* Where the walk through a turn's outputs stands. */
struct match {
    struct model *m;
    const struct m_output *out;
    uint32_t count, at;
    bool bundle; /* the one before was LINE_APPNEWCALL: this must be its LINE_CALLSTATE */
};

/* ------------------------------------------------------------------ to applications */

/* One more message of a port: its sequence follows the last. */
static bool sequence(struct model *m, struct m_port *p, const struct m_output *o) {
    const struct cf_message *g = &o->m;
    uint64_t first = g->id == CF_LINE_GAP || g->id == CF_LINE_RESYNC_END ? g->param1 : g->sequence;
    uint64_t last = g->id == CF_LINE_GAP || g->id == CF_LINE_RESYNC_END ? g->param2 : g->sequence;
    if (first != p->sequence + 1 || last < first || g->sequence != last)
        return m_fail(m, "port %u: message %#x has sequence %lu (first %lu, last %lu) after %lu", o->port, g->id, g->sequence,
                      first, last, p->sequence);
    p->sequence = last;
    if (g->id == CF_LINE_GAP) {
        p->gaps++;
        p->missed_told += last - first + 1;
    } else {
        p->messages++;
        p->missed_told += last - first;
    }
    return true;
}

static bool gap(struct model *m, struct m_port *p, const struct m_output *o) {
    uint64_t n = o->m.param2 - o->m.param1 + 1;
    m_requests_kept(m, o->port);
    if (!p->outage)
        return m_fail(m, "port %u: GAP although nothing was missed", o->port);
    if ((o->m.param3 != CF_GAP_CAUSE_RING_FULL && (o->m.param3 != CF_GAP_CAUSE_HANDLES || !p->limited)) || o->m.device != 0)
        return m_fail(m, "port %u: GAP with cause %lu", o->port, o->m.param3);
    if (n < p->missed_low || n > p->missed_high + p->missed_low)
        return m_fail(m, "port %u: GAP of %lu messages, between %lu and %lu were missed", o->port, n, p->missed_low,
                      p->missed_low + p->missed_high);
    bool ending = false; /* ends of calls that were counted but may be missed only later */
    for (uint32_t i = 0; i < m->calls_high; i++)
        ending |= m->calls[i].used && m->calls[i].ending && !m->calls[i].ended;
    p->missed_high = ending ? p->missed_low + p->missed_high - n : 0;
    p->missed_low = 0;
    return true;
}

static bool resync(struct model *m, struct m_port *p, const struct m_output *o) {
    bool begin = o->m.id == CF_LINE_RESYNC_BEGIN;
    if (begin == p->resyncing && !begin)
        return m_fail(m, "port %u: RESYNC_END without its beginning", o->port);
    p->resyncing = begin;
    if (begin)
        return true;
    if (o->m.param3 > p->unseen_high)
        return m_fail(m, "port %u: %lu calls unseen, at most %lu were", o->port, o->m.param3, p->unseen_high);
    p->unseen_high -= o->m.param3;
    return true;
}

/* A handle that the engine made: of this usage, a call's, newer than every one in its slot. */
bool m_new_handle(struct model *m, uint32_t port, uint64_t h) {
    struct m_port *p = &m->ports[port];
    uint32_t slot = cf_handle_slot(h), generation = cf_handle_generation(h);
    if (cf_handle_kind(h) != CF_KIND_CALL || cf_handle_usage(h) != p->usage || !cf_generation_live(generation) ||
        generation <= p->base_generation)
        return m_fail(m, "port %u: %#lx is no call handle of this usage", port, h);
    if (slot >= sizeof p->handle_generation / sizeof p->handle_generation[0])
        return m_fail(m, "port %u: handle %#lx beyond the limit", port, h);
    if (generation <= p->handle_generation[slot])
        return m_fail(m, "port %u: handle %#lx again", port, h);
    p->handle_generation[slot] = generation;
    return true;
}

static uint32_t text_serial(const struct m_output *o, uint16_t tag) {
    for (uint32_t at = 0; at + 4 <= o->payload_bytes;) {
        uint16_t head[2];
        memcpy(head, o->payload + at, 4);
        if (head[0] == 0 || at + 4 + head[1] > o->payload_bytes)
            break;
        if (head[0] == tag) {
            uint32_t n = 0;
            for (uint32_t i = 1; i < head[1] && o->payload[at + 4 + i] >= '0' && o->payload[at + 4 + i] <= '9'; i++)
                n = n * 10 + (uint32_t)(o->payload[at + 4 + i] - '0');
            return n;
        }
        at += 4 + head[1];
    }
    return 0;
}

/* Who was passed over, being behind, may still become the owner of an offered call that has none. */
static bool privilege_fits(const struct model *m, const struct m_ref *r, uint32_t privilege) {
    const struct m_open *o = &m->ports[r->port].opens[r->open];
    if (r->handed)
        return privilege == LINECALLPRIVILEGE_OWNER;
    if (privilege == r->privilege && r->announce != M_OPTIONAL)
        return true;
    if (privilege == LINECALLPRIVILEGE_MONITOR)
        return (r->candidate || r->announce != M_NOW) && (o->privilege & LINECALLPRIVILEGE_MONITOR) != 0;
    return privilege == LINECALLPRIVILEGE_OWNER && (r->candidate || (r->announce != M_NOW && m_owner_fits(o, &m->calls[r->call])));
}

/* Which call is announced: what its texts say, or of a call without any, whose handle it is; when that is gone already, they come in order. */
struct announced {
    uint32_t serial;
    uint64_t id; /* 0: any without a name, of that address */
    uint32_t address;
};

static struct announced announced(const struct model *m, const struct m_output *o) {
    struct announced a = {text_serial(o, CF_FIELD_CALLER), 0, (uint32_t)o->m.param1};
    if (a.serial == 0)
        a.serial = text_serial(o, CF_FIELD_CALLED);
    if (a.serial == 0)
        a.id = m->identify(m->identify_arg, o->port, o->m.param2);
    return a;
}

static bool is_announced(const struct m_call *c, const struct announced *a) {
    return a->serial != 0 ? c->serial == a->serial : c->nameless && (a->id == 0 ? c->address == a->address : c->id == a->id);
}

static bool appnewcall(struct match *k, const struct m_output *o) {
    struct model *m = k->m;
    struct m_open *open = m_open_of(m, o->port, o->m.device);
    struct announced a = announced(m, o);
    if (open == NULL)
        return m_fail(m, "port %u: APPNEWCALL for a line that is not open, %#lx", o->port, o->m.device);
    struct m_ref *found = NULL;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *r = &m->refs[i];
        if (r->used && r->port == o->port && &m->ports[o->port].opens[r->open] == open && r->handle == 0 && !r->for_list &&
            is_announced(&m->calls[r->call], &a) && (r->announce == M_NOW || r->announce == M_LATER || r->announce == M_OPTIONAL) &&
            (found == NULL || r->made < found->made))
            found = r;
    }
    for (uint32_t i = 0; i < m->calls_high && found == NULL; i++) {
        const struct m_call *c = &m->calls[i];
        uint32_t owners, monitors, unsure;
        m_call_count(m, i, &owners, &monitors, &unsure);
        if (c->used && is_announced(c, &a) && m->ports[o->port].outage &&
            (m->small || (m_owner_fits(open, c) && owners == 0))) /* left by its owner */
            found = m_ref_new(m, o->port, (uint32_t)(open - m->ports[o->port].opens), i, M_OPTIONAL);
    }
    if (found == NULL)
        return m_fail(m, "port %u: APPNEWCALL of call %u (%#lx), which is not due to line %#lx", o->port, a.serial, a.id, o->m.device);
    uint32_t serial = m->calls[found->call].serial;
    if (found->listed != 0 && found->listed != o->m.param2)
        return m_fail(m, "port %u: call %u announced with handle %#lx, listed with %#lx", o->port, serial, o->m.param2, found->listed);
    if (o->m.param1 != m->calls[found->call].address)
        return m_fail(m, "port %u: APPNEWCALL names address %lu", o->port, o->m.param1);
    if (!privilege_fits(m, found, (uint32_t)o->m.param3))
        return m_fail(m, "port %u: APPNEWCALL of call %u with privilege %lu, expected %u", o->port, serial, o->m.param3,
                      found->privilege);
    if (!m_new_handle(m, o->port, o->m.param2))
        return false;
    found->privilege = (uint8_t)o->m.param3;
    found->candidate = found->handed = false;
    found->handle = o->m.param2;
    if (found->announce != M_NOW) {
        found->owed_count = 0;
        found->view_state = 0;
        found->perhaps = true;
    }
    found->announce = M_TOLD;
    m->calls[found->call].refusable = m->calls[found->call].must_refuse = false;
    if (k->at + 1 >= k->count || k->out[k->at + 1].m.id != LINE_CALLSTATE || k->out[k->at + 1].m.device != o->m.param2)
        return m_fail(m, "port %u: APPNEWCALL without its CALLSTATE right behind it", o->port);
    k->bundle = true;
    return true;
}

/* The oldest message owed to the handle is this one. */
bool m_meets(struct model *m, struct m_ref *r, const struct m_output *o) {
    for (uint32_t i = 0; i < r->owed_count; i++) {
        const struct m_owed *w = &r->owed[i];
        bool conferenced = w->id == LINE_CALLSTATE && w->param1 == LINECALLSTATE_CONFERENCED;
        bool same = w->id == o->m.id && w->param1 == (uint32_t)o->m.param1 &&
                    (w->id == LINE_CALLINFO || w->any_mode || conferenced || w->param2 == (uint32_t)o->m.param2) &&
                    (w->id != LINE_DEVSPECIFIC || w->param3 == o->m.param3);
        if (same && w->time_ns != 0 && w->time_ns != o->m.time_ns)
            return m_fail(m, "port %u: message of %#lx at %ld, the event was at %ld", o->port, o->m.device, o->m.time_ns,
                          w->time_ns);
        if (same && conferenced && !m_conference_told(m, r, w, o))
            return false;
        if (same) {
            memmove(r->owed, r->owed + i + 1, (r->owed_count - i - 1) * sizeof r->owed[0]);
            r->owed_count -= (uint8_t)(i + 1);
            m->checked++;
            return true;
        }
        if (!w->optional)
            break;
    }
    return m_fail(m, "port %u: message %u of %#lx (%#lx, %#lx) of call %u is not the one due (%u owed, first %u %#x %#x)", o->port,
                  o->m.id, o->m.device, o->m.param1, o->m.param2, m->calls[r->call].serial, r->owed_count,
                  r->owed_count ? r->owed[0].id : 0, r->owed_count ? r->owed[0].param1 : 0, r->owed_count ? r->owed[0].param2 : 0);
}

/* Whose handle the message names as the conference's call. */
static uint32_t told_parent(struct model *m, const struct m_output *o) {
    const struct m_ref *p = o->m.param1 == LINECALLSTATE_CONFERENCED ? m_ref_of(m, o->port, o->m.param2) : NULL;
    return p == NULL ? 0 : m->calls[p->call].serial;
}

static bool callstate(struct match *k, const struct m_output *o) {
    struct model *m = k->m;
    struct m_port *p = &m->ports[o->port];
    struct m_ref *r = m_ref_of(m, o->port, o->m.device);
    bool bundle = k->bundle;
    k->bundle = false;
    if (r == NULL)
        return m_fail(m, "port %u: CALLSTATE for a handle that it was not given, %#lx", o->port, o->m.device);
    struct m_call *c = &m->calls[r->call];
    if (r->saw_idle)
        return m_fail(m, "port %u: CALLSTATE %#lx after IDLE of call %u", o->port, o->m.param1, c->serial);
    if (bundle && o->m.param1 == LINECALLSTATE_IDLE)
        return m_fail(m, "port %u: call %u announced as IDLE", o->port, c->serial);
    if (r->first && !r->limbo && o->m.param3 != r->privilege && o->m.param3 != r->privilege_before &&
        !((r->first_free || r->listed != 0) && o->m.param3 == 0))
        return m_fail(m, "port %u: first CALLSTATE of call %u with privilege %lu, expected %u", o->port, c->serial, o->m.param3,
                      r->privilege);
    if (!r->first && o->m.param3 != 0)
        return m_fail(m, "port %u: CALLSTATE of call %u with privilege %lu, expected 0", o->port, c->serial, o->m.param3);
    bool unknown = r->unknown && r->first && o->m.param1 == LINECALLSTATE_UNKNOWN && o->m.param2 == 0;
    bool ending = c->ending && !c->ended && r->owed_count == 0;
    bool listed = r->handle == 0; /* in this turn: what it is owed from then on was not counted */
    bool conferenced = o->m.param1 == LINECALLSTATE_CONFERENCED;
    if (p->outage || ending || listed || r->perhaps || (bundle && r->owed_count == 0)) {
        if (conferenced && !m_conference_told(m, r, NULL, o))
            return false;
        if (!unknown && !m_call_passed(c, (uint32_t)o->m.param1, conferenced ? 0 : (uint32_t)o->m.param2))
            return m_fail(m, "port %u: CALLSTATE %#lx %#lx of call %u, which is in %#x %#x", o->port, o->m.param1, o->m.param2,
                          c->serial, c->state, c->mode);
        m->checked++;
    } else if (!m_meets(m, r, o)) {
        return false;
    }
    r->first = false;
    r->view_state = (uint32_t)o->m.param1;
    r->view_mode = conferenced ? 0 : (uint32_t)o->m.param2;
    r->view_parent = told_parent(m, o);
    r->saw_idle = r->view_state == LINECALLSTATE_IDLE;
    return true;
}

/* The next that it is owed, but for what need not come. */
static bool info_due(const struct m_ref *r, uint32_t bits) {
    uint32_t i = 0;
    while (i < r->owed_count && r->owed[i].optional && (r->owed[i].id != LINE_CALLINFO || r->owed[i].param1 != bits))
        i++;
    return i < r->owed_count && r->owed[i].id == LINE_CALLINFO && r->owed[i].param1 == bits;
}

static bool callinfo(struct model *m, const struct m_output *o) {
    struct m_ref *r = m_ref_of(m, o->port, o->m.device);
    if (r == NULL && m_listed_of(m, o->port, o->m.device) != NULL && (o->m.param1 & ~(uint64_t)SIM_COUNT_BITS) == 0)
        return true; /* whose handle it is will be told by lineGetCallInfo */
    if (r == NULL)
        return m_fail(m, "port %u: CALLINFO for a handle that it was not given, %#lx", o->port, o->m.device);
    if (r->saw_idle)
        return m_fail(m, "port %u: CALLINFO of call %u after IDLE", o->port, m->calls[r->call].serial);
    uint32_t bits = (uint32_t)o->m.param1;
    if (r->handle == 0) /* listed in this turn */
        r->counts |= bits & SIM_COUNT_BITS;
    if (!info_due(r, bits) && (bits & ~(r->counts | r->infos)) == 0 && bits != 0) {
        if ((bits & r->counts) != 0 && r->changes-- <= 1)
            r->counts = 0;
        r->counts_must &= ~bits;
        if (!m->ports[o->port].outage && r->handle != 0)
            r->infos &= ~bits;
        m->checked++;
        return true;
    }
    if (m->small && (bits & ~SIM_COUNT_BITS) == 0)
        return true;
    if (m->ports[o->port].outage)
        return m_fail(m, "port %u: CALLINFO %#x of call %u, %#x had changed", o->port, bits, m->calls[r->call].serial,
                      r->infos | r->counts);
    return m_meets(m, r, o);
}

static bool line_closed(struct model *m, const struct m_output *o) {
    struct m_port *p = &m->ports[o->port];
    struct m_open *open = m_open_of(m, o->port, o->m.device);
    if (open != NULL && open->gone && open->close_owed != 0)
        return true; /* lineClose came right after it */
    for (uint32_t i = 0; i < SIM_LATE && (open == NULL || open->gone); i++)
        if (p->late_close[i] == o->m.device) {
            p->late_close[i] = 0;
            return true; /* it was kept for want of room, and lineClose came first */
        }
    if (open == NULL || open->gone)
        return m_fail(m, "port %u: LINE_CLOSE of a line that is not open, %#lx", o->port, o->m.device);
    p->closing |= m_idle_handles(m, o->port) + 2 >= 2 * m->idle_max;
    if (open->close_owed == 0 && !p->closing)
        return m_fail(m, "port %u: LINE_CLOSE that nobody asked for, %#lx", o->port, o->m.device);
    uint32_t at = (uint32_t)(open - p->opens);
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *r = &m->refs[i];
        if (!r->used || r->port != o->port || r->open != at || r->gone)
            continue;
        for (uint32_t n = 0; n < r->owed_count; n++)
            if (!r->owed[n].optional && open->close_owed != 0 && !p->outage && !p->closing)
                return m_fail(m, "port %u: LINE_CLOSE before the end of call %u was told", o->port, m->calls[r->call].serial);
        if (open->close_owed == 0 && r->privilege == LINECALLPRIVILEGE_OWNER && m->calls[r->call].drop == 0)
            m->calls[r->call].drop = 1;
        r->limbo = true;
        r->owed_count = 0;
    }
    for (uint32_t i = 0; i < SIM_CALLS; i++) {
        if (!m->listed[i].used || m->listed[i].port != o->port || m->listed[i].open != at)
            continue;
        m->listed[i].used = false; /* of whichever call it is */
        for (uint32_t k = 0; k < m->calls_high; k++)
            if (m->calls[k].used && m->calls[k].provider == open->provider && m->calls[k].line == open->line)
                m_counts_changed(m, k, o->port, LINECALLINFOSTATE_NUMMONITORS, false);
    }
    bool forced = open->close_owed == 0;
    m_open_drop(m, o->port, at);
    if (!forced)
        for (uint32_t i = 0; i < m->calls_high; i++)
            if (m->calls[i].drop == 2)
                m->calls[i].drop = 1;
    m->checked++;
    return true;
}

/* LINE_CREATE and LINE_REMOVE: param1 is the device. */
static bool device_message(struct model *m, const struct m_output *o, uint32_t *owed) {
    uint32_t unknown = UINT32_MAX;
    for (uint32_t i = 0; i < SIM_PROVIDERS * SIM_LINES; i++) {
        uint32_t device = m->lines[i / SIM_LINES][i % SIM_LINES].device;
        if (owed[i] != 0 && device == o->m.param1) {
            owed[i]--;
            m->ports[o->port].news_told[i] = true;
            return true;
        }
        if (owed[i] != 0 && device == UINT32_MAX)
            unknown = i;
    }
    if (unknown == UINT32_MAX)
        return m_fail(m, "port %u: message %u of device %lu is not due", o->port, o->m.id, o->m.param1);
    owed[unknown]--;
    m->ports[o->port].news_told[unknown] = true;
    return true;
}

static bool devstate(struct model *m, const struct m_output *o) {
    struct m_open *open = m_open_of(m, o->port, o->m.device);
    if (open == NULL)
        return m_fail(m, "port %u: LINEDEVSTATE of a line that is not open, %#lx", o->port, o->m.device);
    uint32_t bits = (uint32_t)o->m.param1;
    if (bits == 0 || (bits & ~(open->mask | open->mask_seen)) != 0)
        return m_fail(m, "port %u: LINEDEVSTATE %#x, enabled is %#x", o->port, bits, open->mask);
    open->states_owed &= ~bits;
    return true;
}

static void app_output(struct match *k, const struct m_output *o) {
    struct model *m = k->m;
    struct m_port *p = &m->ports[o->port];
    if (!sequence(m, p, o))
        return;
    switch (o->m.id) {
    case CF_LINE_GAP:
        gap(m, p, o);
        break;
    case CF_LINE_RESYNC_BEGIN:
    case CF_LINE_RESYNC_END:
        resync(m, p, o);
        break;
    case LINE_APPNEWCALL:
        appnewcall(k, o);
        break;
    case LINE_CALLSTATE:
        callstate(k, o);
        break;
    case LINE_CALLINFO:
        callinfo(m, o);
        break;
    case LINE_MONITORDIGITS:
    case LINE_MONITORMEDIA:
    case LINE_MONITORTONE:
        m_heard_told(m, o);
        break;
    case LINE_REPLY:
        m_reply(m, o);
        break;
    case LINE_GENERATE:
        m_generate(m, o);
        break;
    case LINE_GATHERDIGITS:
        m_gathered(m, o);
        break;
    case LINE_DEVSPECIFIC:
        m_specific_told(m, o);
        break;
    case LINE_CLOSE:
        line_closed(m, o);
        break;
    case LINE_CREATE:
        device_message(m, o, p->created_owed);
        break;
    case LINE_REMOVE:
        device_message(m, o, p->removed_owed);
        break;
    case LINE_LINEDEVSTATE:
        devstate(m, o);
        break;
    case LINE_ADDRESSSTATE:
        m_address_output(m, o);
        break;
    default:
        m_fail(m, "port %u: message %#x", o->port, o->m.id);
        break;
    }
    bool listed = o->m.id == LINE_CALLINFO && m_listed_of(m, o->port, o->m.device) != NULL;
    if (o->m.open_line != CF_INDEX_NONE && o->m.id != LINE_REPLY && !listed) {
        bool of_call = o->m.id == LINE_CALLSTATE || o->m.id == LINE_CALLINFO || o->m.id == LINE_GENERATE || o->m.id == LINE_GATHERDIGITS ||
                       o->m.id == LINE_MONITORDIGITS || o->m.id == LINE_MONITORMEDIA || o->m.id == LINE_MONITORTONE ||
                       (o->m.id == LINE_DEVSPECIFIC && cf_handle_kind(o->m.device) == CF_KIND_CALL);
        struct m_ref *r = of_call ? m_ref_of(m, o->port, o->m.device) : NULL;
        uint32_t slot = r != NULL ? r->open : cf_handle_slot(o->m.device);
        if (o->m.open_line != slot)
            m_fail(m, "port %u: message %u names line slot %u, expected %u", o->port, o->m.id, o->m.open_line, slot);
    } else if (!listed && (o->m.id == LINE_CALLSTATE || o->m.id == LINE_CALLINFO || o->m.id == LINE_APPNEWCALL || o->m.id == LINE_CLOSE)) {
        m_fail(m, "port %u: message %u names no line", o->port, o->m.id);
    }
}

/* ------------------------------------------------------------------ to providers */

/* What the command says beside its call and number. */
static bool details_right(const struct m_request *q, const struct cf_message *g) {
    switch (q->id) {
    case CF_REQ_MAKE_CALL:
    case CF_REQ_UNPARK:
    case CF_REQ_PICKUP:
    case CF_REQ_DEV_SPECIFIC:
        return g->param2 == q->place;
    case CF_REQ_FORWARD:
    case CF_REQ_UNCOMPLETE_CALL:
        return g->param2 == q->place && g->param3 == q->detail;
    case CF_REQ_SETUP_CONFERENCE:
        return g->param3 == q->detail && (q->call_id != 0 || g->param2 == q->place);
    case CF_REQ_SWAP_HOLD:
    case CF_REQ_ADD_TO_CONFERENCE:
        return g->param2 == q->second_id;
    case CF_REQ_COMPLETE_TRANSFER:
        return g->param2 == q->second_id && g->param3 == q->detail;
    case CF_REQ_BLIND_TRANSFER:
    case CF_REQ_DIAL:
    case CF_REQ_REDIRECT:
    case CF_REQ_PARK:
    case CF_REQ_SET_CALL_TREATMENT:
    case CF_REQ_GENERATE_DIGITS:
    case CF_REQ_GENERATE_TONE:
        return g->param2 == q->detail;
    case CF_REQ_GATHER_DIGITS:
        return g->param2 == q->detail && g->param3 == q->times;
    case CF_REQ_COMPLETE_CALL:
        return (g->param2 | g->param3 << 32) == q->detail;
    default:
        return true;
    }
}

static bool is_command_of(const struct m_request *q, uint32_t provider, const struct cf_message *g, uint16_t id, uint32_t serial) {
    return q->used && q->provider == provider && q->id == id && (!m_has_serial(id, q->makes) || q->serial == serial) &&
           g->device == q->call_id && details_right(q, g);
}

static struct m_request *forwarded(struct model *m, uint32_t provider, const struct cf_message *g, uint16_t id, uint32_t serial) {
    struct m_request *perhaps = NULL; /* its line may have been closed before */
    for (uint32_t i = 0; i < m->requests_high; i++) {
        struct m_request *q = &m->requests[i];
        if (!is_command_of(q, provider, g, id, serial))
            continue;
        if (q->state == M_REQUEST_FORWARD)
            return q;
        if (q->state == M_REQUEST_REPLY && q->any_error && q->suppressed == 1)
            perhaps = q;
    }
    return perhaps;
}

/* All who have a handle have so many of calls that have ended that their lines are being closed; LINE_CLOSE follows. */
static bool holders_close(const struct model *m, uint32_t call) {
    for (uint32_t i = 0; i < m->refs_high; i++) {
        const struct m_ref *r = &m->refs[i];
        if (r->used && !r->gone && r->call == call && !r->limbo && m_idle_handles(m, r->port) + 8 < 2 * m->idle_max)
            return false;
    }
    return true;
}

static bool nobodys_closed(struct model *m, uint32_t provider, const struct m_output *o) {
    for (uint32_t i = 0; i < m->calls_high && o->m.id == CF_CMD_CLOSE_CALL; i++) {
        struct m_call *c = &m->calls[i];
        if (!c->used || !c->nobodys || c->provider != provider || c->id != o->m.device)
            continue;
        m_conference_over(m, c);
        c->used = false;
        m->checked++;
        return true;
    }
    return false;
}

static void call_command(struct model *m, uint32_t provider, const struct m_output *o) {
    if (nobodys_closed(m, provider, o))
        return;
    struct m_call *c = m_call_of(m, provider, o->m.device);
    if (c == NULL) {
        m_fail(m, "provider %u: command %#x for call %#lx, which it does not have", provider, o->m.id, o->m.device);
        return;
    }
    uint32_t call = (uint32_t)(c - m->calls);
    if (o->m.id == CF_CMD_DROP && o->m.param1 == 0) {
        if (c->drop == 0 && !c->drop_again && !m->small)
            m_fail(m, "provider %u: call %u dropped, nobody asked for it", provider, c->serial);
        c->drop_again &= c->drop != 0;
        c->drop = 0;
    } else if (o->m.id == CF_CMD_CLOSE_CALL) {
        if (m_call_refs(m, call, false) != 0 && !holders_close(m, call))
            m_fail(m, "provider %u: CLOSE_CALL of call %u, which still has handles", provider, c->serial);
        if (c->must_refuse)
            c->must_refuse = false;
        m_address_use(m, c, c->state, LINECALLSTATE_IDLE, false);
        m_conference_over(m, c);
        c->used = false;
    } else if (o->m.id == CF_CMD_REFUSED) {
        if (!c->refusable)
            m_fail(m, "provider %u: call %u refused (%lu), it had takers", provider, c->serial, o->m.param1);
        else if (o->m.param1 != (c->invalid ? CF_REFUSAL_INVALID : CF_REFUSAL_NOBODY) &&
                 !(c->overload && o->m.param1 == CF_REFUSAL_OVERLOAD))
            m_fail(m, "provider %u: call %u refused for reason %lu", provider, c->serial, o->m.param1);
        m_address_use(m, c, c->state, LINECALLSTATE_IDLE, false);
        m_conference_over(m, c); /* which it never was */
        c->used = false;
    }
    if (!c->used)
        for (uint32_t i = 0; i < m->refs_high; i++)
            if (m->refs[i].used && m->refs[i].call == call && !m->refs[i].gone)
                m->refs[i].gone = true;
    m->checked++;
}

/* The number that tells a command from others like it. */
static uint32_t command_serial(const struct m_output *o, uint16_t request) {
    struct cf_call_params params = {0};
    if (request == CF_REQ_SET_CALL_PARAMS) {
        if (o->payload_bytes >= 4 + sizeof params) /* it is all there is */
            memcpy(&params, o->payload + 4, sizeof params);
        return params.min_rate;
    }
    uint32_t serial = text_serial(o, m_serial_tag(request));
    return serial == 0 && request == CF_REQ_PICKUP ? text_serial(o, CF_FIELD_GROUP) : serial;
}

static const struct {
    uint16_t command, request;
} commands[] = {
    {CF_CMD_MAKE_CALL, CF_REQ_MAKE_CALL},
    {CF_CMD_ACCEPT, CF_REQ_ACCEPT},
    {CF_CMD_ANSWER, CF_REQ_ANSWER},
    {CF_CMD_DROP, CF_REQ_DROP},
    {CF_CMD_HOLD, CF_REQ_HOLD},
    {CF_CMD_UNHOLD, CF_REQ_UNHOLD},
    {CF_CMD_GENERATE_DIGITS, CF_REQ_GENERATE_DIGITS},
    {CF_CMD_GENERATE_TONE, CF_REQ_GENERATE_TONE},
    {CF_CMD_GATHER_DIGITS, CF_REQ_GATHER_DIGITS},
    {CF_CMD_SET_CALL_PARAMS, CF_REQ_SET_CALL_PARAMS},
    {CF_CMD_SWAP_HOLD, CF_REQ_SWAP_HOLD},
    {CF_CMD_SETUP_TRANSFER, CF_REQ_SETUP_TRANSFER},
    {CF_CMD_COMPLETE_TRANSFER, CF_REQ_COMPLETE_TRANSFER},
    {CF_CMD_BLIND_TRANSFER, CF_REQ_BLIND_TRANSFER},
    {CF_CMD_SETUP_CONFERENCE, CF_REQ_SETUP_CONFERENCE},
    {CF_CMD_PREPARE_ADD, CF_REQ_PREPARE_ADD},
    {CF_CMD_ADD_TO_CONFERENCE, CF_REQ_ADD_TO_CONFERENCE},
    {CF_CMD_REMOVE_FROM_CONFERENCE, CF_REQ_REMOVE_FROM_CONFERENCE},
    {CF_CMD_DIAL, CF_REQ_DIAL},
    {CF_CMD_REDIRECT, CF_REQ_REDIRECT},
    {CF_CMD_SECURE_CALL, CF_REQ_SECURE_CALL},
    {CF_CMD_PARK, CF_REQ_PARK},
    {CF_CMD_UNPARK, CF_REQ_UNPARK},
    {CF_CMD_PICKUP, CF_REQ_PICKUP},
    {CF_CMD_FORWARD, CF_REQ_FORWARD},
    {CF_CMD_COMPLETE_CALL, CF_REQ_COMPLETE_CALL},
    {CF_CMD_DEV_SPECIFIC, CF_REQ_DEV_SPECIFIC},
    {CF_CMD_UNCOMPLETE_CALL, CF_REQ_UNCOMPLETE_CALL},
    {CF_CMD_SEND_USER_USER, CF_REQ_SEND_USER_USER},
    {CF_CMD_RELEASE_USER_USER, CF_REQ_RELEASE_USER_USER},
    {CF_CMD_SET_CALL_DATA, CF_REQ_SET_CALL_DATA},
    {CF_CMD_SET_CALL_TREATMENT, CF_REQ_SET_CALL_TREATMENT},
};

/* The request that this command carries out; 0: it is none of those. */
static uint16_t request_of(const struct cf_message *g) {
    for (size_t i = 0; g->param1 != 0 && i < sizeof commands / sizeof commands[0]; i++)
        if (commands[i].command == g->id)
            return commands[i].request;
    return 0;
}

static void provider_output(struct match *k, const struct m_output *o) {
    struct model *m = k->m;
    uint32_t provider = o->port - 1u;
    uint16_t asked = request_of(&o->m);
    if (asked != 0) {
        struct m_request *q = forwarded(m, provider, &o->m, asked, command_serial(o, asked));
        if (q == NULL) {
            m_fail(m, "provider %u: command %#x for %#lx, %#lx, %#lx that nobody asked for", provider, o->m.id, o->m.device, o->m.param2,
                   o->m.param3);
            return;
        }
        if (m_apart(asked) != M_NOT_APART && !m_apart_fields(q, o))
            m_fail(m, "provider %u: command %#x for %#lx has other digits or tones than the request", provider, o->m.id, o->m.device);
        q->state = M_REQUEST_WITH_PROVIDER;
        q->any_error = false;
        q->number = o->m.param1;
        m->checked++;
        return;
    }
    struct m_line *l = o->m.param1 < SIM_LINES ? &m->lines[provider][o->m.param1] : NULL;
    switch (o->m.id) {
    case CF_CMD_GENERATE_DIGITS:
    case CF_CMD_GENERATE_TONE:
    case CF_CMD_GATHER_DIGITS:
        m_apart_stops(m, provider, o);
        break;
    case CF_CMD_DROP:
    case CF_CMD_CLOSE_CALL:
    case CF_CMD_REFUSED:
        call_command(m, provider, o);
        break;
    case CF_CMD_MONITOR_DIGITS:
    case CF_CMD_MONITOR_MEDIA:
        m_listen_command(m, provider, o);
        break;
    case CF_CMD_MONITOR_TONES:
        m_tones_command(m, provider, o);
        break;
    case CF_CMD_SET_MEDIA_MODE:
        m_media_command(m, provider, o);
        break;
    case CF_CMD_OPEN_LINE:
        m_open_command(m, provider, o);
        break;
    case CF_CMD_CLOSE_LINE:
        if (l == NULL || l->opened == 0)
            m_fail(m, "provider %u: command %#x of line %lu twice", provider, o->m.id, o->m.param1);
        else
            l->opened = 0;
        break;
    default:
        m_fail(m, "provider %u: command %#x", provider, o->m.id);
        break;
    }
}

static void door_output(struct model *m, const struct m_output *o) {
    struct m_port *p = o->m.param1 < SIM_PORTS ? &m->ports[o->m.param1] : NULL;
    if (p == NULL || o->m.param3 != p->generation)
        m_fail(m, "door: record %#x of port %lu, generation %lu", o->m.id, o->m.param1, o->m.param3);
    else if (o->m.id == CF_DOOR_ATTACHED && p->attached_owed && o->m.param2 == 0)
        p->attached_owed = false;
    else if (o->m.id == CF_DOOR_FREE && p->free_owed)
        p->free_owed = false;
    else if (!(o->m.id == CF_DOOR_EXPEL && p->expellable))
        m_fail(m, "door: record %#x of port %lu (%ld) is not due", o->m.id, o->m.param1, (int64_t)o->m.param2);
}

void m_outputs(struct model *m, const struct m_output *out, uint32_t count, const struct m_words *words) {
    struct match k = {.m = m, .out = out, .count = count};
    for (k.at = 0; k.at < count && !m->failed; k.at++) {
        const struct m_output *o = &out[k.at];
        if (o->port == 0)
            door_output(m, o);
        else if (m_is_provider(o->port))
            provider_output(&k, o);
        else if (m->ports[o->port].state == 0)
            m_fail(m, "port %u: message %#x to a port that is free", o->port, o->m.id);
        else if (m->ports[o->port].state == 2)
            app_output(&k, o); /* nobody reads what a dead one is still told */
    }
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS && !m->failed; port++) {
        const struct m_port *p = &m->ports[port];
        const struct m_words *w = &words[port];
        if (p->state == 2 && (w->sequence != p->sequence || w->messages != p->messages || w->gaps != p->gaps))
            m_fail(m, "port %u: words say sequence %lu, messages %lu, gaps %lu; the ring says %lu, %lu, %lu", port, w->sequence,
                   w->messages, w->gaps, p->sequence, p->messages, p->gaps);
    }
}
