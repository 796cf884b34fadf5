/* What synchronous requests mean to the model: what it expects of each answer. */
#include <stdlib.h>
#include <string.h>

#include "core/engine.h"
#include "tests/model/model.h"

/*
 * lineDeallocateCall. The engine remembers which calls an application was not told of, not by which of its opens of the line: one that
 * has it open twice, was told once, and gave that handle back may be told of the call again after an outage.
 */
void m_release(struct model *m, struct m_ref *r) {
    bool again = false;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        const struct m_ref *other = &m->refs[i];
        again |= other != r && other->used && !other->for_list && other->port == r->port && other->call == r->call &&
                 (other->announce == M_LATER || other->announce == M_OPTIONAL);
    }
    again &= m->calls[r->call].state != LINECALLSTATE_IDLE && !r->gone;
    m_ref_drop(m, r, false);
    if (again)
        m_ref_new(m, r->port, r->open, r->call, M_OPTIONAL);
}

/* ------------------------------------------------------------------ synchronous requests */

static void answer_privilege(struct model *m, struct m_answer *a, struct m_ref *r, uint32_t wanted) {
    struct m_call *c = &m->calls[r->call];
    uint32_t owners, monitors, unsure;
    m_call_count(m, r->call, &owners, &monitors, &unsure);
    if (r->limbo && r->privilege == LINECALLPRIVILEGE_OWNER) { /* it is there, or the request fails anyway */
        owners++;
        unsure--;
    }
    if (wanted != LINECALLPRIVILEGE_MONITOR && wanted != LINECALLPRIVILEGE_OWNER) {
        a->result = LINEERR_INVALCALLPRIVILEGE;
        return;
    }
    if (wanted == r->privilege)
        return;
    if (wanted == LINECALLPRIVILEGE_MONITOR && owners == 1 && c->state != LINECALLSTATE_IDLE) {
        a->result = LINEERR_INVALCALLSTATE;
        a->either = unsure != 0;
        r->owner_unsure = a->either;
        return;
    }
    if (wanted == LINECALLPRIVILEGE_OWNER && (m->ports[r->port].rights[c->provider][c->line] & CF_RIGHT_OWN) == 0) {
        a->result = LINEERR_INVALCALLPRIVILEGE;
        return;
    }
    r->privilege = (uint8_t)wanted;
    if (wanted == LINECALLPRIVILEGE_OWNER && c->drop == 2)
        c->drop = 1;
    m_counts_changed(m, r->call, r->port, LINECALLINFOSTATE_NUMMONITORS |
                     (wanted == LINECALLPRIVILEGE_OWNER ? LINECALLINFOSTATE_NUMOWNERINCR : LINECALLINFOSTATE_NUMOWNERDECR), true);
}

static void answer_new_calls(struct model *m, struct m_answer *a, uint32_t port, struct m_open *o, const struct cf_record *r) {
    uint32_t select = (uint32_t)r->m.param1, address = (uint32_t)(r->m.param1 >> 32);
    if ((m->ports[port].rights[o->provider][o->line] & CF_RIGHT_MONITOR) == 0) {
        a->result = LINEERR_OPERATIONUNAVAIL;
        return;
    }
    a->room = (uint32_t)r->m.param3;
    a->limited = m_handles(m, port) + m->calls_high >= m->handles_max;
    for (uint32_t i = 0; i < m->calls_high; i++) {
        struct m_call *c = &m->calls[i];
        if (!c->used || c->provider != o->provider || c->line != o->line)
            continue;
        if (select == LINECALLSELECT_ADDRESS && c->address != address)
            continue;
        bool has = false, unsure = c->state == LINECALLSTATE_IDLE || c->ending || c->refusable || m_call_refs(m, i, false) == 0;
        for (uint32_t k = 0; k < m->refs_high; k++) {
            struct m_ref *ref = &m->refs[k];
            if (!ref->used || ref->call != i || ref->port != port || ref->gone || o != &m->ports[port].opens[ref->open])
                continue;
            unsure |= ref->announce == M_LATER || ref->announce == M_OPTIONAL || ref->announce == M_REPLY;
            has |= ref->announce == M_TOLD || ref->announce == M_NOW;
        }
        if (has)
            continue;
        a->total_high++;
        a->total_low += !unsure;
        m_counts_changed(m, i, port, LINECALLINFOSTATE_NUMMONITORS, false);
    }
}

static void answer_open(struct model *m, struct m_answer *a, uint32_t port, const struct cf_record *r) {
    struct m_port *p = &m->ports[port];
    uint32_t slot = cf_handle_slot(r->m.device), privileges = (uint32_t)r->m.param2;
    uint32_t plain = privileges & ~(LINEOPENOPTION_SINGLEADDRESS | LINEOPENOPTION_PROXY);
    uint32_t address = (uint32_t)(r->m.param3 >> 32);
    struct m_line *l = NULL;
    uint32_t provider = 0, line = 0;
    for (provider = 0; provider < SIM_PROVIDERS; provider++) {
        for (line = 0; line < SIM_LINES; line++)
            if (m->lines[provider][line].known && m->lines[provider][line].device == (uint32_t)r->m.param1)
                l = &m->lines[provider][line];
        if (l != NULL)
            break;
    }
    bool right = plain == LINECALLPRIVILEGE_NONE || plain == LINECALLPRIVILEGE_MONITOR || plain == LINECALLPRIVILEGE_OWNER ||
                 plain == (LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER);
    if (l == NULL || !l->up || !right || slot >= SIM_OPENS || (privileges & LINEOPENOPTION_PROXY) != 0) {
        a->any_error = true;
        return;
    }
    line = (uint32_t)(l - m->lines[provider]);
    uint32_t rights = p->rights[provider][line];
    if (rights == 0 || ((plain & LINECALLPRIVILEGE_OWNER) != 0 && (rights & CF_RIGHT_OWN) == 0) ||
        ((plain & LINECALLPRIVILEGE_MONITOR) != 0 && (rights & CF_RIGHT_MONITOR) == 0)) {
        a->result = LINEERR_INVALPRIVSELECT;
        a->any_error = p->outage;
        return;
    }
    m_line_may_tell(m, provider, line, LINEDEVSTATE_OPEN);
    a->may_fail = p->outage; /* the slot's last LINE_CLOSE may still wait for room */
    a->open = (uint8_t)slot;
    p->opens[slot] = (struct m_open){
        .used = true,
        .unsure = a->may_fail,
        .provider = (uint8_t)provider,
        .line = (uint8_t)line,
        .privilege = (uint8_t)plain,
        .media = (uint32_t)(r->m.param2 >> 32),
        .single = (privileges & LINEOPENOPTION_SINGLEADDRESS) != 0,
        .address = (uint8_t)address,
        .handle = r->m.device,
        .order = ++m->opens_made,
    };
}

static void line_request(struct model *m, struct m_answer *a, uint32_t port, const struct cf_record *r) {
    struct m_open *o = m_open_of(m, port, r->m.device);
    if (o == NULL || o->gone) {
        a->result = LINEERR_INVALLINEHANDLE;
        return;
    }
    a->may_fail = o->limbo;
    a->open = (uint8_t)(o - m->ports[port].opens);
    if (r->m.id == CF_REQ_STATUS_MESSAGES) {
        o->mask_seen |= o->mask | (uint32_t)r->m.param1;
        o->mask = (uint32_t)r->m.param1;
        o->address_mask_seen |= o->address_mask | (uint32_t)r->m.param2;
        o->address_mask = (uint32_t)r->m.param2;
    } else if (r->m.id == CF_REQ_ADDRESS_STATUS) {
        m_address_request(m, a, o, r);
    } else if (r->m.id == CF_REQ_NEW_CALLS) {
        answer_new_calls(m, a, port, o, r);
    } else if (r->m.id == CF_REQ_LINE_STATUS) {
        a->state = m->lines[o->provider][o->line].status;
        for (uint32_t q = 1 + SIM_PROVIDERS; q < SIM_PORTS; q++)
            for (uint32_t i = 0; i < SIM_OPENS; i++) {
                const struct m_open *other = &m->ports[q].opens[i];
                if (!other->used || other->provider != o->provider || other->line != o->line)
                    continue;
                bool unsure = other->limbo || other->unsure;
                a->owners += !other->gone && !unsure;
                a->unsure += !other->gone && unsure;
            }
    }
}

struct m_request *m_request_new(struct model *m, uint32_t port, const struct cf_record *r) {
    uint32_t i = 0;
    while (i < SIM_REQUESTS && m->requests[i].used)
        i++;
    if (i == SIM_REQUESTS) {
        m_fail(m, "the model is too small: requests");
        return &m->requests[0];
    }
    if (i >= m->requests_high)
        m->requests_high = i + 1;
    m->requests[i] = (struct m_request){.used = true, .port = (uint8_t)port, .id = r->m.id,
                                        .request_id = (uint32_t)r->m.param1, .open = (uint8_t)r->m.open_line};
    m_request_ends(m, &m->requests[i]); /* at once, if it is not passed on */
    return &m->requests[i];
}

/* Nearly as many of its kind outstanding as the engine keeps room for: it may refuse. Digits and tones have room of their own. */
bool m_many_requests(const struct model *m, uint32_t port, bool apart) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->requests_high; i++)
        n += m->requests[i].used && m->requests[i].port == port && (m_apart(m->requests[i].id) != M_NOT_APART) == apart;
    return n > m->ports[port].requests_max;
}

static void call_request(struct model *m, struct m_answer *a, uint32_t port, const struct cf_record *r) {
    struct m_ref *ref = m_ref_of(m, port, r->m.device);
    a->listed = ref == NULL && r->m.id == CF_REQ_CALL_INFO && m_listed_of(m, port, r->m.device) != NULL;
    if (a->listed) { /* the line may have been closed meanwhile, for too many handles of calls that have ended */
        a->may_fail = m->ports[port].opens[m_listed_of(m, port, r->m.device)->open].limbo;
        return;
    }
    if (ref == NULL || ref->gone) {
        a->result = LINEERR_INVALCALLHANDLE;
        return;
    }
    struct m_call *c = &m->calls[ref->call];
    a->may_fail = ref->limbo || m->ports[port].opens[ref->open].limbo;
    a->call = ref->call;
    a->state = c->state;
    a->mode = c->mode;
    a->privilege = ref->privilege;
    m_call_count(m, ref->call, &a->owners, &a->monitors, &a->unsure);
    a->who = c->who;
    a->shown = c->shown;
    for (uint32_t kind = 0; kind < M_HEARD; kind++) {
        bool unsure = false;
        uint32_t modes = m_listened(m, ref->call, kind, &unsure);
        a->listened[kind] = unsure || c->ending || c->state == LINECALLSTATE_IDLE ? 0 : modes;
    }
    if (r->m.id == CF_REQ_MONITOR_DIGITS || r->m.id == CF_REQ_MONITOR_MEDIA)
        m_answer_listen(m, a, ref, r);
    if (r->m.id == CF_REQ_MONITOR_TONES)
        m_answer_tones(m, a, ref, r);
    a->bearer = c->bearer;
    a->rate = c->rate;
    if (m_apart(r->m.id) != M_NOT_APART)
        m_answer_apart(m, a, port, ref, r);
    a->app_specific = c->app_specific;
    a->media = c->media;
    a->tags_unsure = c->tags_unsure;
    if (r->m.id == CF_REQ_HANDOFF || r->m.id == CF_REQ_SET_APP_SPECIFIC || r->m.id == CF_REQ_SET_MEDIA_MODE)
        m_answer_owner(m, a, port, ref, r);
    if (r->m.id == CF_REQ_CONF_CALLS)
        m_conference_asked(m, port, a, ref, r);
    if (r->m.id == CF_REQ_SET_PRIVILEGE)
        answer_privilege(m, a, ref, (uint32_t)r->m.param1);
    if (r->m.id != CF_REQ_RELEASE_ASK)
        return;
    if (a->may_fail) { /* it became unsure since it was asked: 0 is right, and so is an error, and it stays what it is, possible */
        a->result = 0;
        return;
    }
    if (ref->privilege == LINECALLPRIVILEGE_OWNER && a->owners == 1 && c->state != LINECALLSTATE_IDLE)
        a->result = LINEERR_INVALCALLSTATE;
    else
        m_release(m, ref);
}

void m_sync_request(struct model *m, uint32_t port, const struct cf_record *r) {
    struct m_port *p = &m->ports[port];
    struct m_answer *a = &p->answers[r->m.flags % CF_REPLY_SLOTS];
    if (a->used)
        m_fail(m, "the harness used reply slot %u twice", r->m.flags);
    *a = (struct m_answer){.used = true, .id = r->m.id, .sequence = r->m.sequence, .as_of_low = p->sequence,
                           .device = (uint32_t)r->m.param1, .handle = r->m.device};
    switch (r->m.id) {
    case CF_REQ_PING:
    case CF_REQ_DEVICES:
    case CF_REQ_DEV_CAPS:
        break;
    case CF_REQ_OPEN:
        answer_open(m, a, port, r);
        break;
    case CF_REQ_LINE_STATUS:
    case CF_REQ_STATUS_MESSAGES:
    case CF_REQ_NEW_CALLS:
    case CF_REQ_ADDRESS_STATUS:
        line_request(m, a, port, r);
        break;
    case CF_REQ_SET_APP_PRIORITY:
    case CF_REQ_GET_APP_PRIORITY:
        m_priority_request(m, a, port, r);
        break;
    default:
        call_request(m, a, port, r);
        break;
    }
}
