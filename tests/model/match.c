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
            for (uint32_t i = 1; i < head[1]; i++)
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
    if (privilege == r->privilege && r->announce != M_OPTIONAL)
        return true;
    if (privilege == LINECALLPRIVILEGE_MONITOR)
        return (r->candidate || r->announce != M_NOW) && (o->privilege & LINECALLPRIVILEGE_MONITOR) != 0;
    return privilege == LINECALLPRIVILEGE_OWNER && (r->candidate || (r->announce != M_NOW && m_owner_fits(o, &m->calls[r->call])));
}

static bool appnewcall(struct match *k, const struct m_output *o) {
    struct model *m = k->m;
    struct m_open *open = m_open_of(m, o->port, o->m.device);
    uint32_t serial = text_serial(o, CF_FIELD_CALLER);
    if (open == NULL)
        return m_fail(m, "port %u: APPNEWCALL for a line that is not open, %#lx", o->port, o->m.device);
    if (serial == 0)
        serial = text_serial(o, CF_FIELD_CALLED);
    struct m_ref *found = NULL;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *r = &m->refs[i];
        if (r->used && r->port == o->port && &m->ports[o->port].opens[r->open] == open && r->handle == 0 &&
            m->calls[r->call].serial == serial && (r->announce == M_NOW || r->announce == M_LATER || r->announce == M_OPTIONAL))
            found = r;
    }
    for (uint32_t i = 0; i < m->calls_high && found == NULL; i++) {
        const struct m_call *c = &m->calls[i];
        uint32_t owners, monitors, unsure;
        m_call_count(m, i, &owners, &monitors, &unsure);
        if (c->used && c->serial == serial && m->ports[o->port].outage &&
            (m->small || (m_owner_fits(open, c) && owners == 0))) /* left by its owner */
            found = m_ref_new(m, o->port, (uint32_t)(open - m->ports[o->port].opens), i, M_OPTIONAL);
    }
    if (found == NULL)
        return m_fail(m, "port %u: APPNEWCALL of call %u, which is not due to line %#lx", o->port, serial, o->m.device);
    if (o->m.param1 != m->calls[found->call].address)
        return m_fail(m, "port %u: APPNEWCALL names address %lu", o->port, o->m.param1);
    if (!privilege_fits(m, found, (uint32_t)o->m.param3))
        return m_fail(m, "port %u: APPNEWCALL of call %u with privilege %lu, expected %u", o->port, serial, o->m.param3,
                      found->privilege);
    if (!m_new_handle(m, o->port, o->m.param2))
        return false;
    found->privilege = (uint8_t)o->m.param3;
    found->candidate = false;
    found->handle = o->m.param2;
    if (found->announce != M_NOW) {
        found->owed_count = 0;
        found->view_state = 0;
    }
    found->announce = M_TOLD;
    m->calls[found->call].refusable = m->calls[found->call].must_refuse = false;
    if (k->at + 1 >= k->count || k->out[k->at + 1].m.id != LINE_CALLSTATE || k->out[k->at + 1].m.device != o->m.param2)
        return m_fail(m, "port %u: APPNEWCALL without its CALLSTATE right behind it", o->port);
    k->bundle = true;
    return true;
}

/* The oldest message owed to the handle is this one. */
static bool meets(struct model *m, struct m_ref *r, const struct m_output *o) {
    for (uint32_t i = 0; i < r->owed_count; i++) {
        const struct m_owed *w = &r->owed[i];
        bool same = w->id == o->m.id && w->param1 == (uint32_t)o->m.param1 &&
                    (w->id != LINE_CALLSTATE || w->any_mode || w->param2 == (uint32_t)o->m.param2);
        if (same && w->time_ns != 0 && w->time_ns != o->m.time_ns)
            return m_fail(m, "port %u: message of %#lx at %ld, the event was at %ld", o->port, o->m.device, o->m.time_ns,
                          w->time_ns);
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
    if (r->first && !r->limbo && o->m.param3 != r->privilege && o->m.param3 != r->privilege_before && !(r->first_free && o->m.param3 == 0))
        return m_fail(m, "port %u: first CALLSTATE of call %u with privilege %lu, expected %u", o->port, c->serial, o->m.param3,
                      r->privilege);
    if (!r->first && o->m.param3 != 0)
        return m_fail(m, "port %u: CALLSTATE of call %u with privilege %lu, expected 0", o->port, c->serial, o->m.param3);
    bool unknown = r->unknown && r->first && o->m.param1 == LINECALLSTATE_UNKNOWN && o->m.param2 == 0;
    bool ending = c->ending && !c->ended && r->owed_count == 0;
    if (p->outage || ending || (bundle && r->owed_count == 0)) {
        if (!unknown && !m_call_passed(c, (uint32_t)o->m.param1, (uint32_t)o->m.param2))
            return m_fail(m, "port %u: CALLSTATE %#lx %#lx of call %u, which is in %#x %#x", o->port, o->m.param1, o->m.param2,
                          c->serial, c->state, c->mode);
        m->checked++;
    } else if (!meets(m, r, o)) {
        return false;
    }
    r->first = false;
    r->view_state = (uint32_t)o->m.param1;
    r->view_mode = (uint32_t)o->m.param2;
    r->saw_idle = r->view_state == LINECALLSTATE_IDLE;
    return true;
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
    bool due = r->owed_count != 0 && r->owed[0].id == LINE_CALLINFO && r->owed[0].param1 == bits;
    if (!due && (bits & ~(r->counts | r->infos)) == 0 && bits != 0) {
        if ((bits & r->counts) != 0 && r->changes-- <= 1)
            r->counts = 0;
        r->counts_must &= ~bits;
        if (!m->ports[o->port].outage)
            r->infos &= ~bits;
        m->checked++;
        return true;
    }
    if (m->small && (bits & ~SIM_COUNT_BITS) == 0)
        return true;
    if (m->ports[o->port].outage)
        return m_fail(m, "port %u: CALLINFO %#x of call %u, %#x had changed", o->port, bits, m->calls[r->call].serial,
                      r->infos | r->counts);
    return meets(m, r, o);
}

static bool reply(struct model *m, const struct m_output *o) {
    struct m_request *q = NULL;
    for (uint32_t i = 0; i < m->requests_high; i++)
        if (m->requests[i].used && m->requests[i].port == o->port && m->requests[i].request_id == o->m.param1)
            q = &m->requests[i];
    for (uint32_t i = 0; q != NULL && q->state == M_REQUEST_WITH_PROVIDER && i < m->requests_high; i++) {
        struct m_request *other = &m->requests[i]; /* two asked the same of a call: whose command was which, only this tells */
        if (!other->used || other->state != M_REQUEST_REPLY || other->id != q->id || other->call != q->call ||
            other->id == CF_REQ_MAKE_CALL || other->id == CF_REQ_SET_CALL_PARAMS)
            continue;
        uint64_t number = q->number;
        q->number = other->number, other->number = number;
        q->result = other->result;
        q->any_error = other->any_error, q->deferred = other->deferred;
        q->state = M_REQUEST_REPLY;
        other->state = M_REQUEST_WITH_PROVIDER;
    }
    bool refused = q != NULL && q->limited && q->state == M_REQUEST_FORWARD && (int32_t)(uint32_t)o->m.param2 < 0;
    if (q == NULL || (q->state != M_REQUEST_REPLY && !refused))
        return m_fail(m, "port %u: LINE_REPLY of request %lu, which is %s", o->port, o->m.param1,
                      q == NULL ? "unknown" : q->state == M_REQUEST_FORWARD ? "to be passed on" : "with its provider");
    if (q->suppressed == 2)
        return m_fail(m, "port %u: LINE_REPLY of request %lu, whose line was closed", o->port, o->m.param1);
    int32_t result = (int32_t)(uint32_t)o->m.param2;
    if (q->any_error || refused ? result >= 0 : result != q->result)
        return m_fail(m, "port %u: LINE_REPLY of request %lu (%#x) says %#x, expected %#x", o->port, o->m.param1, q->id,
                      (unsigned)result, (unsigned)q->result);
    q->used = false;
    m->checked++;
    if (q->id != CF_REQ_MAKE_CALL || result != 0) {
        if (o->m.device != 0 || o->m.param3 != 0)
            return m_fail(m, "port %u: LINE_REPLY of request %lu with a handle", o->port, o->m.param1);
        return true;
    }
    if (!m_new_handle(m, o->port, o->m.device))
        return false;
    if (o->m.param3 != LINECALLPRIVILEGE_OWNER)
        return m_fail(m, "port %u: a made call with privilege %lu", o->port, o->m.param3);
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *r = &m->refs[i];
        if (r->used && r->port == o->port && r->open == q->open && r->call == q->call && r->announce == M_REPLY) {
            r->announce = M_TOLD;
            r->handle = o->m.device;
            return true;
        }
    }
    return m_fail(m, "port %u: a made call whose reference is gone", o->port);
}

/* LINE_GENERATE: some digits that this handle sent have ended like that. */
static bool generate(struct model *m, const struct m_output *o) {
    uint32_t ended = 0;
    for (uint32_t i = 0; i < m->requests_high; i++) {
        struct m_request *q = &m->requests[i];
        if (!q->used || q->port != o->port || q->id != CF_REQ_GENERATE_DIGITS || q->handle != o->m.device || q->state != M_REQUEST_REPLY ||
            q->suppressed == 2)
            continue;
        ended++;
        if (o->m.param1 != (q->any_error || q->result != 0 ? LINEGENERATETERM_CANCEL : LINEGENERATETERM_DONE))
            continue;
        if (o->m.param2 != 0 || o->m.param3 != (uint32_t)(o->m.time_ns / 1000000))
            return m_fail(m, "port %u: LINE_GENERATE at %ld with parameters %lu, %lu", o->port, o->m.time_ns, o->m.param2, o->m.param3);
        q->used = false;
        m->checked++;
        return true;
    }
    return m_fail(m, "port %u: LINE_GENERATE %lu of %#lx, of which %u digits have ended", o->port, o->m.param1, o->m.device, ended);
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
    case LINE_REPLY:
        reply(m, o);
        break;
    case LINE_GENERATE:
        generate(m, o);
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
    default:
        m_fail(m, "port %u: message %#x", o->port, o->m.id);
        break;
    }
    bool listed = o->m.id == LINE_CALLINFO && m_listed_of(m, o->port, o->m.device) != NULL;
    if (o->m.open_line != CF_INDEX_NONE && o->m.id != LINE_REPLY && !listed) {
        bool of_call = o->m.id == LINE_CALLSTATE || o->m.id == LINE_CALLINFO || o->m.id == LINE_GENERATE;
        struct m_ref *r = of_call ? m_ref_of(m, o->port, o->m.device) : NULL;
        uint32_t slot = r != NULL ? r->open : cf_handle_slot(o->m.device);
        if (o->m.open_line != slot)
            m_fail(m, "port %u: message %u names line slot %u, expected %u", o->port, o->m.id, o->m.open_line, slot);
    } else if (!listed && (o->m.id == LINE_CALLSTATE || o->m.id == LINE_CALLINFO || o->m.id == LINE_APPNEWCALL || o->m.id == LINE_CLOSE)) {
        m_fail(m, "port %u: message %u names no line", o->port, o->m.id);
    }
}

/* ------------------------------------------------------------------ to providers */

static bool is_command_of(const struct model *m, const struct m_request *q, uint32_t provider, const struct cf_message *g, uint16_t id,
                          uint32_t serial) {
    if (!q->used || q->provider != provider || q->id != id)
        return false;
    bool has_serial = id == CF_REQ_MAKE_CALL || id == CF_REQ_GENERATE_DIGITS || id == CF_REQ_SET_CALL_PARAMS;
    if (has_serial && q->serial != serial)
        return false;
    return id == CF_REQ_MAKE_CALL || (m->calls[q->call].id == g->device && m->calls[q->call].used);
}

static struct m_request *forwarded(struct model *m, uint32_t provider, const struct cf_message *g, uint16_t id, uint32_t serial) {
    struct m_request *perhaps = NULL; /* its line may have been closed before */
    for (uint32_t i = 0; i < m->requests_high; i++) {
        struct m_request *q = &m->requests[i];
        if (!is_command_of(m, q, provider, g, id, serial))
            continue;
        if (q->state == M_REQUEST_FORWARD)
            return q;
        if (q->state == M_REQUEST_REPLY && q->any_error && q->suppressed == 1)
            perhaps = q;
    }
    return perhaps;
}

static void call_command(struct model *m, uint32_t provider, const struct m_output *o) {
    struct m_call *c = m_call_of(m, provider, o->m.device);
    if (c == NULL) {
        m_fail(m, "provider %u: command %#x for call %#lx, which it does not have", provider, o->m.id, o->m.device);
        return;
    }
    uint32_t call = (uint32_t)(c - m->calls);
    if (o->m.id == CF_CMD_DROP && o->m.param1 == 0) {
        if (c->drop == 0 && !m->small)
            m_fail(m, "provider %u: call %u dropped, nobody asked for it", provider, c->serial);
        c->drop = 0;
    } else if (o->m.id == CF_CMD_CLOSE_CALL) {
        if (m_call_refs(m, call, false) != 0)
            m_fail(m, "provider %u: CLOSE_CALL of call %u, which still has handles", provider, c->serial);
        if (c->must_refuse)
            c->must_refuse = false;
        c->used = false;
    } else if (o->m.id == CF_CMD_REFUSED) {
        if (!c->refusable)
            m_fail(m, "provider %u: call %u refused (%lu), it had takers", provider, c->serial, o->m.param1);
        else if (o->m.param1 != (c->invalid ? CF_REFUSAL_INVALID : CF_REFUSAL_NOBODY))
            m_fail(m, "provider %u: call %u refused for reason %lu", provider, c->serial, o->m.param1);
        c->used = false;
    }
    if (!c->used)
        for (uint32_t i = 0; i < m->refs_high; i++)
            if (m->refs[i].used && m->refs[i].call == call && !m->refs[i].gone)
                m->refs[i].gone = true;
    m->checked++;
}

/* The number that tells a command from others like it. */
static uint32_t command_serial(const struct m_output *o) {
    struct cf_call_params params = {0};
    if (o->m.id == CF_CMD_GENERATE_DIGITS)
        return text_serial(o, CF_FIELD_DIGITS);
    if (o->m.id != CF_CMD_SET_CALL_PARAMS)
        return text_serial(o, CF_FIELD_DESTINATION);
    if (o->payload_bytes >= 4 + sizeof params) /* it is all there is */
        memcpy(&params, o->payload + 4, sizeof params);
    return params.min_rate;
}

static void stop_digits(struct model *m, uint32_t provider, const struct m_output *o) {
    for (uint32_t i = 0; i < m->calls_high; i++) {
        struct m_call *c = &m->calls[i];
        if (!c->used || c->provider != provider || c->id != o->m.device || c->stops == 0)
            continue;
        c->stops--;
        m->checked++;
        return;
    }
    m_fail(m, "provider %u: GENERATE_DIGITS that stops those of %#lx, nobody asked for it", provider, o->m.device);
}

static void provider_output(struct match *k, const struct m_output *o) {
    struct model *m = k->m;
    uint32_t provider = o->port - 1u;
    static const uint16_t request_of[] = {CF_REQ_MAKE_CALL, CF_REQ_ACCEPT, CF_REQ_ANSWER, CF_REQ_DROP, CF_REQ_HOLD, CF_REQ_UNHOLD,
                                          CF_REQ_GENERATE_DIGITS, CF_REQ_SET_CALL_PARAMS};
    if (o->m.id >= CF_CMD_MAKE_CALL && o->m.id <= CF_CMD_SET_CALL_PARAMS && o->m.param1 != 0) {
        struct m_request *q = forwarded(m, provider, &o->m, request_of[o->m.id - CF_CMD_MAKE_CALL], command_serial(o));
        if (q == NULL) {
            m_fail(m, "provider %u: command %#x that nobody asked for", provider, o->m.id);
            return;
        }
        if (o->m.id == CF_CMD_MAKE_CALL && (uint32_t)o->m.param2 != q->line)
            m_fail(m, "provider %u: MAKE_CALL on line %u, asked for on %u", provider, (uint32_t)o->m.param2, q->line);
        q->state = M_REQUEST_WITH_PROVIDER;
        q->any_error = false;
        q->number = o->m.param1;
        m->checked++;
        return;
    }
    struct m_line *l = o->m.param1 < SIM_LINES ? &m->lines[provider][o->m.param1] : NULL;
    switch (o->m.id) {
    case CF_CMD_GENERATE_DIGITS:
        stop_digits(m, provider, o);
        break;
    case CF_CMD_DROP:
    case CF_CMD_CLOSE_CALL:
    case CF_CMD_REFUSED:
        call_command(m, provider, o);
        break;
    case CF_CMD_OPEN_LINE:
    case CF_CMD_CLOSE_LINE:
        if (l == NULL || l->opened == (o->m.id == CF_CMD_OPEN_LINE ? 1 : 0))
            m_fail(m, "provider %u: command %#x of line %lu twice", provider, o->m.id, o->m.param1);
        else
            l->opened = o->m.id == CF_CMD_OPEN_LINE;
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
