/* The beginning and the end of a turn, and the answers of synchronous requests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/model.h"

void m_turn_begin(struct model *m, const struct m_words *words) {
    m->turn++;
    for (uint32_t i = 1 + SIM_PROVIDERS; i < SIM_PORTS; i++) {
        struct m_port *p = &m->ports[i];
        p->outage = p->behind != 0 || words[i].behind != 0 || words[i].gaps != p->gaps || words[i].resynced;
        p->missed_high += p->outage ? p->late_tells : 0;
        p->late_tells = p->outage ? 0 : p->late_tells;
        p->missed_high += p->behind == 2 && words[i].behind == 1 ? 2 : 0; /* what a resync announces may find no room */
        p->sure = words[i].behind == 1 && words[i].gaps == p->gaps && p->behind != 2;
    }
}

/* ------------------------------------------------------------------ answers */

static void dev_caps(struct model *m, struct m_answer *a, const struct cf_reply_slot *reply) {
    struct m_line *known = NULL;
    for (uint32_t i = 0; i < SIM_PROVIDERS * SIM_LINES; i++)
        if (m->lines[i / SIM_LINES][i % SIM_LINES].device == a->device)
            known = &m->lines[i / SIM_LINES][i % SIM_LINES];
    if (reply->result != 0) {
        if (known != NULL && known->up)
            m_fail(m, "capabilities of device %u refused, it is up", a->device);
        return;
    }
    struct cf_reply_dev_caps caps;
    uint32_t provider, line;
    if (reply->bytes < sizeof caps) {
        m_fail(m, "capabilities of %u bytes", reply->bytes);
        return;
    }
    memcpy(&caps, reply->data, sizeof caps);
    caps.name[CF_NAME_MAX - 1] = '\0';
    if (sscanf(caps.name, "p%ul%u", &provider, &line) != 2 || provider >= SIM_PROVIDERS || line >= SIM_LINES) {
        m_fail(m, "device %u is called '%s'", a->device, caps.name);
        return;
    }
    struct m_line *l = &m->lines[provider][line];
    if (l->device == UINT32_MAX)
        l->device = a->device;
    if (l->device != a->device)
        m_fail(m, "line %s is device %u and %u", caps.name, l->device, a->device);
    if (l->up && (caps.in_service != 1 || caps.addresses != l->addresses || caps.media_modes != l->media))
        m_fail(m, "line %s: in service %u, %u addresses, media %#x", caps.name, caps.in_service, caps.addresses, caps.media_modes);
}

/* One of the handles of a list turns out to be this call's. */
static void identified(struct model *m, uint32_t port, struct m_answer *a, uint32_t serial) {
    struct m_listed *l = m_listed_of(m, port, a->handle);
    struct m_open *o = &m->ports[port].opens[l->open];
    uint64_t id = serial == 0 ? m->identify(m->identify_arg, port, a->handle) : 0;
    for (uint32_t i = 0; i < m->calls_high; i++) {
        struct m_call *c = &m->calls[i];
        bool same = serial != 0 ? c->serial == serial : c->nameless && c->id == id;
        if (!c->used || !same || c->provider != o->provider || c->line != o->line)
            continue;
        for (uint32_t k = 0; k < m->refs_high; k++) {
            struct m_ref *r = &m->refs[k];
            if (!r->used || r->call != i || r->port != port || r->open != l->open || r->gone)
                continue;
            if (r->announce != M_LATER && r->announce != M_OPTIONAL) {
                m_fail(m, "port %u: a second handle for call %u", port, serial);
                return;
            }
            r->used = false;
        }
        l->used = false;
        c->refusable = false;
        struct m_ref *r = m_ref_new(m, port, l->open, i, M_TOLD);
        r->handle = a->handle;
        r->first_free = true;
        r->view_state = c->state;
        r->view_mode = c->mode;
        r->saw_idle = c->state == LINECALLSTATE_IDLE;
        return;
    }
    m_fail(m, "port %u: handle %#lx from the list is of call %u, which is not on the line", port, a->handle, serial);
}

/* What is told of one party: its text and what LINECALLPARTYID_ says. */
static bool party_right(const struct m_who *w, uint32_t address, const char *told_address, uint32_t room, const char *told_name,
                        uint32_t told_flags, uint32_t unknown) {
    char text[96];
    uint32_t flags = 0, number = w->number[address], name = w->number[address + 1];
    uint32_t bytes = number == M_WITHHELD || number == 0 ? 0 : m_who_text(number, text);
    uint32_t name_bytes = name == 0 ? 0 : m_who_text(name, text);
    flags |= number == M_WITHHELD ? LINECALLPARTYID_BLOCKED : bytes != 0 ? LINECALLPARTYID_ADDRESS : 0;
    flags |= name_bytes != 0 ? LINECALLPARTYID_NAME : 0;
    flags |= bytes > room || name_bytes > CF_NAME_MAX - 1 ? LINECALLPARTYID_PARTIAL : 0;
    bytes = bytes > room ? room : bytes;
    name_bytes = name_bytes > CF_NAME_MAX - 1 ? CF_NAME_MAX - 1 : name_bytes;
    return strnlen(told_address, CF_NAME_MAX) == bytes && strnlen(told_name, CF_NAME_MAX) == name_bytes &&
           (bytes == 0 || strtoul(told_address + 1, NULL, 10) == number) &&
           (name_bytes == 0 || strtoul(told_name + 1, NULL, 10) == name) && told_flags == (flags != 0 ? flags : unknown);
}

static void who(struct model *m, uint32_t port, const struct m_answer *a, const struct cf_reply_call_info *i) {
    const uint32_t inside = 31, beside = CF_NAME_MAX - 1; /* bytes kept in the call, and beside it */
    bool right = m->parties_lack ||
                 (party_right(&a->who, M_CALLER, i->caller, inside, i->caller_name, i->caller_flags, LINECALLPARTYID_UNKNOWN) &&
                  party_right(&a->who, M_CALLED, i->called, inside, i->called_name, i->called_flags, LINECALLPARTYID_UNKNOWN) &&
                  party_right(&a->who, M_CONNECTED, i->connected, beside, i->connected_name, i->connected_flags, LINECALLPARTYID_UNKNOWN) &&
                  party_right(&a->who, M_REDIRECTION, i->redirection, beside, i->redirection_name, i->redirection_flags,
                              LINECALLPARTYID_UNAVAIL) &&
                  party_right(&a->who, M_REDIRECTING, i->redirecting, beside, i->redirecting_name, i->redirecting_flags,
                              LINECALLPARTYID_UNAVAIL));
    if (!right)
        m_fail(m, "port %u: call info names %s (%s) %#x, %s (%s) %#x, connected %s (%s) %#x, to %s (%s) %#x, by %s (%s) %#x", port, i->caller,
               i->caller_name, i->caller_flags, i->called, i->called_name, i->called_flags, i->connected, i->connected_name,
               i->connected_flags, i->redirection, i->redirection_name, i->redirection_flags, i->redirecting, i->redirecting_name,
               i->redirecting_flags);
    m_tags_answer(m, port, a, i);
    if (((a->listened[M_DIGITS] & ~i->monitor_digit_modes) | (a->listened[M_MEDIA] & ~i->monitor_media_modes)) != 0) /* who has gone may count yet */
        m_fail(m, "port %u: call info says that digits %#x, media %#x are listened for, expected %#x, %#x", port, i->monitor_digit_modes,
               i->monitor_media_modes, a->listened[M_DIGITS], a->listened[M_MEDIA]);
    if (i->bearer_mode != a->bearer || i->rate != a->rate)
        m_fail(m, "port %u: call info says bearer mode %u at %u, expected %u at %u", port, i->bearer_mode, i->rate, a->bearer, a->rate);
}

static void call_info(struct model *m, uint32_t port, struct m_answer *a, const struct cf_reply_slot *reply) {
    struct cf_reply_call_info info;
    if (reply->bytes < offsetof(struct cf_reply_call_info, texts) || reply->bytes > sizeof info) {
        m_fail(m, "call info of %u bytes", reply->bytes);
        return;
    }
    memset(&info, 0, sizeof info);
    memcpy(&info, reply->data, reply->bytes);
    const char *text = info.caller[0] != '\0' ? info.caller : info.called;
    uint32_t serial = text[0] != '\0' ? (uint32_t)strtoul(text + 1, NULL, 10) : 0;
    if (a->listed) {
        identified(m, port, a, serial);
        return;
    }
    if (m->calls[a->call].used && serial != (m->calls[a->call].nameless ? 0 : m->calls[a->call].serial))
        m_fail(m, "port %u: info of call %u says it is %u", port, m->calls[a->call].serial, serial);
    who(m, port, a, &info);
    if (!m->parties_lack && !m_shown_right(&a->shown, &info))
        m_fail(m, "port %u: info of call %u says treatment %u, %u and %u bytes of user-user information and data, reason %#x; "
               "expected %u, %u, %u, %#x", port, m->calls[a->call].serial, info.call_treatment, info.text_bytes[CF_CALL_TEXT_USER_USER],
               info.text_bytes[CF_CALL_TEXT_CALL_DATA], info.reason, a->shown.treatment, a->shown.user_user, a->shown.call_data,
               a->shown.reason);
    uint32_t low = a->owners + a->monitors, have = info.owners + info.monitors;
    if (info.owners < a->owners || info.monitors < a->monitors || have > low + a->unsure)
        m_fail(m, "port %u: call %u has %u owners and %u monitors, expected %u and %u (%u unsure)", port, serial, info.owners,
               info.monitors, a->owners, a->monitors, a->unsure);
}

static void call_status(struct model *m, uint32_t port, struct m_answer *a, const struct cf_reply_slot *reply) {
    struct cf_reply_call_status s;
    if (reply->bytes < sizeof s) {
        m_fail(m, "call status of %u bytes", reply->bytes);
        return;
    }
    memcpy(&s, reply->data, sizeof s);
    bool ending = (m->calls[a->call].ending && !m->calls[a->call].ended) || a->may_fail;
    if ((s.privilege != a->privilege && !a->may_fail) || (!ending && (s.state != a->state || s.mode != a->mode)))
        m_fail(m, "port %u: status of call %u is %#x %#x privilege %u, expected %#x %#x %u", port, m->calls[a->call].serial, s.state,
               s.mode, s.privilege, a->state, a->mode, a->privilege);
}

static void new_calls(struct model *m, uint32_t port, struct m_answer *a, const struct cf_reply_slot *reply) {
    struct cf_reply_new_calls list;
    if (reply->bytes < sizeof list) {
        m_fail(m, "list of %u bytes", reply->bytes);
        return;
    }
    memcpy(&list, reply->data, sizeof list);
    if (list.entries > CF_NEW_CALLS_PER_SLICE || reply->bytes != sizeof list + list.entries * 8) {
        m_fail(m, "list of %u entries in %u bytes", list.entries, reply->bytes);
        return;
    }
    if (list.total < a->total_low || list.total > a->total_high)
        m_fail(m, "port %u: a list of %u calls, between %u and %u are new", port, list.total, a->total_low, a->total_high);
    if (list.total > a->room ? list.entries != 0 : list.cursor == 0 && list.entries != list.total && !a->limited)
        m_fail(m, "port %u: %u of %u calls listed, room for %u", port, list.entries, list.total, a->room);
    for (uint32_t i = 0; i < list.entries && !m->failed; i++) {
        uint64_t h;
        memcpy(&h, reply->data + sizeof list + (size_t)i * 8, 8);
        uint32_t free_entry = 0;
        while (free_entry < SIM_CALLS && m->listed[free_entry].used)
            free_entry++;
        if (free_entry == SIM_CALLS)
            m_fail(m, "the model is too small: lists");
        else if (m_new_handle(m, port, h))
            m->listed[free_entry] = (struct m_listed){true, (uint8_t)port, a->open, h};
    }
}

void m_answers(struct model *m, uint32_t port, uint32_t slot, const struct cf_reply_slot *reply) {
    struct m_port *p = &m->ports[port];
    struct m_answer *a = &p->answers[slot];
    if (!a->used || reply->done != a->sequence) {
        m_fail(m, "port %u: reply slot %u answers request %lu, due is %lu", port, slot, reply->done, a->used ? a->sequence : 0);
        return;
    }
    a->used = false;
    m->checked++;
    if (reply->result != 0)
        m_apart_refused(m, a);
    if (reply->result != 0)
        m_tones_refused(m, a);
    if (reply->as_of < a->as_of_low)
        m_fail(m, "port %u: an answer as of %lu, %lu was published before", port, reply->as_of, a->as_of_low);
    if (reply->result != 0)
        m_tags_refused(m, a);
    if (reply->result != 0 && a->may_fail) {
        if (a->listed)
            m_listed_of(m, port, a->handle)->used = false;
        struct m_ref *ref = a->id == CF_REQ_SET_PRIVILEGE ? m_ref_of(m, port, a->handle) : NULL;
        if (ref != NULL)
            ref->privilege = (uint8_t)a->privilege; /* refused after all */
        if (a->id != CF_REQ_OPEN)
            return;
        p->opens[a->open] = (struct m_open){0};
        for (uint32_t i = 0; i < m->refs_high; i++)
            m->refs[i].used &= m->refs[i].port != port || m->refs[i].open != a->open || m->refs[i].gone;
        return;
    }
    struct m_ref *r = a->either && reply->result == 0 ? m_ref_of(m, port, a->handle) : NULL;
    if (r != NULL) {
        r->privilege = LINECALLPRIVILEGE_MONITOR;
        m_counts_changed(m, r->call, port, LINECALLINFOSTATE_NUMMONITORS | LINECALLINFOSTATE_NUMOWNERDECR, false);
        return;
    }
    bool either = a->loose && (reply->result == 0 || reply->result == LINEERR_NOCONFERENCE);
    bool right = a->id == CF_REQ_DEV_CAPS || either || (a->any_error ? reply->result < 0 : reply->result == a->result);
    if (!right) {
        m_fail(m, "port %u: request %#x of %#lx answered %#x, expected %#x%s", port, a->id, a->handle, (unsigned)reply->result,
               (unsigned)a->result, a->any_error ? " (an error)" : "");
        return;
    }
    if (a->id == CF_REQ_DEV_CAPS)
        dev_caps(m, a, reply);
    if (reply->result != 0)
        return;
    struct cf_reply_line_status status;
    switch (a->id) {
    case CF_REQ_CALL_INFO:
        call_info(m, port, a, reply);
        break;
    case CF_REQ_CALL_STATUS:
        call_status(m, port, a, reply);
        break;
    case CF_REQ_NEW_CALLS:
        new_calls(m, port, a, reply);
        break;
    case CF_REQ_ADDRESS_STATUS:
        m_address_answer(m, port, a, reply);
        break;
    case CF_REQ_GET_APP_PRIORITY:
        if (reply->bytes != sizeof(struct cf_reply_app_priority) || memcmp(reply->data, &a->state, sizeof a->state) != 0)
            m_fail(m, "port %u: an application's place in a list is %u, expected %u", port, reply->data[0], a->state);
        break;
    case CF_REQ_CONF_CALLS:
        m->turn_answer++;
        m_conference_listed(m, port, a, reply);
        break;
    case CF_REQ_LINE_STATUS:
        memcpy(&status, reply->data, sizeof status);
        if (reply->bytes < sizeof status || status.opens < a->owners || status.opens > a->owners + a->unsure)
            m_fail(m, "port %u: line opened %u times, expected %u (%u unsure)", port, status.opens, a->owners, a->unsure);
        if (status.status_flags != a->state && !a->may_fail)
            m_fail(m, "port %u: line status %#x, expected %#x", port, status.status_flags, a->state);
        break;
    }
}

/* ------------------------------------------------------------------ the end of a turn */

/* That open got handles by lineGetNewCalls, of which nobody has asked yet whose they are. */
static bool list_may_have_it(const struct model *m, const struct m_ref *r) {
    for (uint32_t i = 0; i < SIM_CALLS; i++)
        if (m->listed[i].used && m->listed[i].port == r->port && m->listed[i].open == r->open)
            return true;
    return false;
}

/* What need not have come, and would have in this turn, comes no more. */
static void forget_possible(struct m_ref *r) {
    uint8_t kept = 0;
    for (uint32_t i = 0; i < r->owed_count; i++)
        if (!r->owed[i].optional || r->owed[i].deferred)
            r->owed[kept++] = r->owed[i];
    r->owed_count = kept;
}

static void ref_end(struct model *m, struct m_ref *r, bool idle, const struct m_words *words) {
    m_conference_settle(m, r);
    struct m_port *p = &m->ports[r->port];
    struct m_call *c = &m->calls[r->call];
    bool over = p->outage && words[r->port].behind == 0;
    bool ending = c->ending && !c->ended && !idle;
    if (p->outage && !over) {
        p->missed_high += r->owed_count + (c->ending && !c->ended && p->behind == 0 ? 2 : 0);
        r->owed_count = 0;
        if (r->announce == M_NOW)
            r->announce = M_LATER;
    }
    for (uint32_t i = 0; i < r->owed_count && !p->outage; i++) {
        const struct m_owed *w = &r->owed[i];
        if (!w->optional && (!w->deferred || (idle && !r->gone)))
            m_fail(m, "port %u: message %u (%#x, %#x) of call %u, handle %#lx, is missing", r->port, w->id, w->param1, w->param2,
                   c->serial, r->handle);
    }
    forget_possible(r);
    r->heard[M_DIGITS] = r->heard[M_MEDIA] = 0;
    if (r->gone || p->shut) {
        r->used = r->used && !r->gone;
        return;
    }
    if (r->announce == M_NOW && !p->outage)
        m_fail(m, "port %u: call %u was not announced", r->port, c->serial);
    if (over && r->announce == M_LATER && !r->candidate && c->state != LINECALLSTATE_IDLE && !r->limbo && !list_may_have_it(m, r) &&
        m_idle_handles(m, r->port) < m->idle_max && m_handles(m, r->port) + 1 < m->handles_max)
        m_fail(m, "port %u: call %u was not announced after the outage", r->port, c->serial);
    if ((r->announce == M_LATER || r->announce == M_OPTIONAL) && c->state == LINECALLSTATE_IDLE && !ending)
        r->used = false;
    else if (r->announce == M_LATER && over)
        r->announce = M_OPTIONAL;
    r->privilege_before = r->privilege;
    r->told_before = r->announce == M_TOLD;
    r->perhaps = r->owner_unsure = false;
    if (r->announce != M_TOLD || r->limbo || ending || (p->outage && !over) || r->owed_count != 0)
        return;
    if (r->view_state != c->state || r->view_mode != c->mode)
        m_fail(m, "port %u: it believes call %u in %#x %#x, the call is in %#x %#x%s", r->port, c->serial, r->view_state,
               r->view_mode, c->state, c->mode, over ? " (after an outage)" : "");
    if (r->view_parent != 0 && r->view_state == LINECALLSTATE_CONFERENCED && r->view_parent != c->named_parent && !m->parties_lack)
        m_fail(m, "port %u: it believes call %u in the conference of call %u, its provider named call %u%s", r->port, c->serial,
               r->view_parent, c->named_parent, over ? " (after an outage)" : "");
}

static void call_end(struct model *m, uint32_t call, bool idle) {
    struct m_call *c = &m->calls[call];
    uint32_t refs = m_call_refs(m, call, true);
    for (uint32_t i = 0; i < SIM_CALLS; i++)
        refs += m->listed[i].used; /* of whichever call it is */
    if (c->ending) {
        c->ended |= idle;
        if (refs == 0) {
            m_conference_over(m, c);
            c->used = false;
            m->calls_going += !idle;
        }
    } else {
        if (c->must_refuse)
            m_fail(m, "call %u was not refused, nobody takes it", c->serial);
        else if (refs == 0 && idle)
            m_fail(m, "provider %u: CLOSE_CALL of call %u is missing", c->provider, c->serial);
        if (c->drop == 2 && idle && c->state != LINECALLSTATE_IDLE)
            m_fail(m, "provider %u: DROP of call %u is missing", c->provider, c->serial);
        if (c->media_due != 0)
            m_fail(m, "provider %u: SET_MEDIA_MODE of call %u is missing", c->provider, c->serial);
        if (idle && refs != 0 && c->state != LINECALLSTATE_IDLE)
            m_listen_end(m, (uint32_t)(c - m->calls));
        if (c->stops[M_SENDS_DIGITS] + c->stops[M_SENDS_TONE] + c->stops[M_GATHERS] != 0)
            m_fail(m, "provider %u: a command that stops digits or a tone of call %u is missing", c->provider, c->serial);
        if (c->state == LINECALLSTATE_IDLE)
            c->drop = 0;
    }
    memset(c->stops, 0, sizeof c->stops);
    c->media_due = c->media_may = 0;
    c->tags_unsure = false;
    if (c->ending && !c->ended)
        return; /* the engine may still believe what was true before its provider died */
    c->passed_count = 0;
    m_call_passes(c);
}

static void requests_end(struct model *m, bool idle, const struct m_words *words) {
    for (uint32_t i = 0; i < m->requests_high; i++) {
        struct m_request *q = &m->requests[i];
        if (!q->used)
            continue;
        struct m_port *p = &m->ports[q->port];
        bool waits = p->outage || words[q->port].tight;
        if (q->state == M_REQUEST_FORWARD && q->limited && p->outage &&
            m_apart(q->id) == M_NOT_APART) { /* refused, and the reply waits for room */
            q->state = M_REQUEST_REPLY;
            q->any_error = true;
        }
        if (q->state == M_REQUEST_FORWARD && q->suppressed == 0)
            m_fail(m, "port %u: request %u (%#x) was not passed on", q->port, q->request_id, q->id);
        if (q->state == M_REQUEST_REPLY && q->suppressed == 0 && !waits && (!q->deferred || idle))
            m_fail(m, "port %u: LINE_REPLY of request %u (%#x) is missing", q->port, q->request_id, q->id);
        if ((q->state != M_REQUEST_WITH_PROVIDER && q->suppressed == 2) || (q->state == M_REQUEST_FORWARD && q->suppressed == 1) ||
            (q->state == M_REQUEST_REPLY && q->suppressed == 1 && !waits && idle))
            q->used = false;
    }
}

/* Behind, or with a full ring, and with far too many handles of calls that have ended: its lines close, and it hears of it when it reads again. */
static void port_may_close(struct model *m, uint32_t port, bool full) {
    struct m_port *p = &m->ports[port];
    if (!(p->outage || full) || m_idle_handles(m, port) + 8 < 2 * m->idle_max)
        return;
    for (uint32_t i = 0; i < SIM_OPENS; i++)
        if (p->opens[i].used) {
            p->opens[i].limbo = true;
            p->opens[i].close_owed |= 1;
        }
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *r = &m->refs[i];
        if (!r->used || r->port != port)
            continue;
        r->limbo = true;
        r->counts_must = 0;
        m_counts_changed(m, r->call, port, LINECALLINFOSTATE_NUMOWNERDECR | LINECALLINFOSTATE_NUMMONITORS, false);
        if (r->privilege == LINECALLPRIVILEGE_OWNER && m->calls[r->call].drop == 0)
            m->calls[r->call].drop = 1;
    }
    for (uint32_t i = 0; i < m->requests_high; i++)
        if (m->requests[i].used && m->requests[i].port == port && m->requests[i].suppressed == 0)
            m->requests[i].suppressed = 1;
}

static void port_end(struct model *m, uint32_t port, bool idle, const struct m_words *w) {
    struct m_port *p = &m->ports[port];
    p->closing &= !idle;
    p->late_tells = idle ? 0 : p->late_tells;
    port_may_close(m, port, w->full);
    if (idle && p->attached_owed)
        m_fail(m, "port %u: ATTACHED is missing", port);
    if (idle && p->free_owed)
        m_fail(m, "port %u: FREE is missing", port);
    for (uint32_t i = 0; i < SIM_OPENS; i++) {
        struct m_open *o = &p->opens[i];
        if (o->used && !p->outage && !o->gone && o->states_owed != 0)
            m_fail(m, "port %u: LINEDEVSTATE %#x is missing", port, o->states_owed);
        m_address_end(m, port, o);
        o->states_owed = o->mask_seen = 0;
        o->unsure = false;
        if (o->used && !o->gone && o->close_owed == 2 && idle && !p->outage && !p->shut && !w->full)
            m_fail(m, "port %u: LINE_CLOSE of %#lx is missing", port, o->handle);
        if (o->gone)
            *o = (struct m_open){0};
    }
    for (uint32_t i = 0; i < CF_REPLY_SLOTS; i++) {
        if (p->answers[i].used && !p->shut)
            m_fail(m, "port %u: request %#x was not answered", port, p->answers[i].id);
        p->answers[i].used = false;
    }
    if (p->state != 2)
        return;
    if (w->behind == 0 && (p->limited ? w->missed < p->missed_told : w->missed != p->missed_told))
        m_fail(m, "port %u: missed %lu, told %lu", port, w->missed, p->missed_told);
    if (p->behind == 0 && w->behind == 1 && p->sure) /* the turn's first messages were not missed */
        p->missed_high += p->missed_low, p->missed_low = 0;
    p->behind = w->behind;
    if (p->behind == 0) {
        if (p->outage && p->resyncing)
            m_fail(m, "port %u: the resync has no end", port);
        p->missed_low = 0;
        if (!p->limited)
            p->missed_high = p->unseen_high = 0;
        p->outage = false;
    }
}

void m_turn_end(struct model *m, bool idle, const struct m_words *words) {
    for (uint32_t port = 0; idle && port < SIM_PORTS; port++)
        m->ports[port].unswept = 0;
    m->calls_going = idle ? 0 : m->calls_going;
    for (uint32_t i = 0; i < m->refs_high; i++)
        if (m->refs[i].used)
            ref_end(m, &m->refs[i], idle, words);
    for (uint32_t i = 0; i < m->calls_high; i++)
        if (m->calls[i].used)
            call_end(m, i, idle);
    m_tones_end(m, idle);
    m_specific_end(m);
    requests_end(m, idle, words);
    for (uint32_t i = 0; i < SIM_PORTS; i++)
        if (m->ports[i].state != 0)
            port_end(m, i, idle, &words[i]);
    for (uint32_t i = 0; i < SIM_PROVIDERS * SIM_LINES && idle; i++) {
        struct m_line *l = &m->lines[i / SIM_LINES][i % SIM_LINES];
        bool open = false, unsure = false;
        for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
            for (uint32_t k = 0; k < SIM_OPENS; k++) {
                const struct m_open *o = &m->ports[port].opens[k];
                bool here = o->used && o->provider == i / SIM_LINES && o->line == i % SIM_LINES;
                open |= here && !o->limbo;
                unsure |= here && o->close_owed == 1;
            }
        if (l->up && l->opened != 2 && l->opened != open && !unsure)
            m_fail(m, "line %u: the provider believes it %s", i, l->opened ? "open" : "closed");
        m_line_modes(m, i / SIM_LINES, i % SIM_LINES);
    }
}

void m_at_rest(struct model *m) {
    for (uint32_t i = 0; i < m->refs_high; i++) {
        const struct m_ref *r = &m->refs[i];
        if (r->used && r->counts_must != 0 && !m->small)
            m_fail(m, "port %u: CALLINFO %#x of call %u is missing", r->port, r->counts_must, m->calls[r->call].serial);
        if (r->used && r->announce != M_TOLD && r->announce != M_OPTIONAL)
            m_fail(m, "port %u: call %u is still to be announced (%u)", r->port, m->calls[r->call].serial, r->announce);
    }
    for (uint32_t i = 1 + SIM_PROVIDERS; i < SIM_PORTS; i++)
        if (m->ports[i].state == 2 && m->ports[i].behind != 0)
            m_fail(m, "port %u is behind at rest", i);
    for (uint32_t i = 0; i < SIM_APPS * SIM_PROVIDERS * SIM_LINES; i++) {
        const struct m_port *p = &m->ports[1 + SIM_PROVIDERS + i % SIM_APPS];
        uint32_t line = i / SIM_APPS;
        if (p->state == 2 && p->created_owed[line] + p->removed_owed[line] != 0 && !p->news_told[line])
            m_fail(m, "LINE_CREATE or LINE_REMOVE of line %u is missing", line);
    }
}
