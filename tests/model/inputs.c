/* What each record means to the model: the door's, the providers' and the applications'. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/engine.h"
#include "tests/model/model.h"

/* The number in a field such as "c17" or "d17"; 0 when there is none. */
uint32_t m_serial_of(const struct cf_record *r, uint16_t tag) {
    struct cf_field f;
    char text[16] = {0};
    if (!cf_fields_find(r, tag, &f) || f.bytes < 2 || f.bytes >= sizeof text)
        return 0;
    memcpy(text, f.data, f.bytes);
    return (uint32_t)strtoul(text + 1, NULL, 10);
}

/* ------------------------------------------------------------------ the door */

static bool of_open(const struct model *m, const struct m_request *q, uint32_t provider) {
    const struct m_open *o = q->open < SIM_OPENS ? &m->ports[q->port].opens[q->open] : NULL;
    return o != NULL && o->used && o->provider == provider;
}

static void provider_gone(struct model *m, uint32_t provider) {
    for (uint32_t i = 0; i < m->calls_high; i++) {
        struct m_call *c = &m->calls[i];
        if (!c->used || c->ending || c->provider != provider)
            continue;
        c->ending = true;
        c->drop = 0;
        if (c->state == LINECALLSTATE_IDLE)
            continue;
        m_call_state(m, c, LINECALLSTATE_DISCONNECTED, 0, 0, true);
        m_call_state(m, c, LINECALLSTATE_IDLE, 0, 0, true);
    }
    for (uint32_t i = 0; i < m->requests_high; i++) {
        struct m_request *q = &m->requests[i];
        if (q->used && q->provider == provider && q->state != M_REQUEST_REPLY) {
            m_request_ends(m, q);
            q->any_error = q->deferred = true;
        } else if (q->used && q->suppressed == 0 && of_open(m, q, provider)) {
            q->suppressed = 1; /* what waits for room is not told of a line that closes */
        }
    }
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < SIM_OPENS; i++) {
            struct m_open *o = &m->ports[port].opens[i];
            if (o->used && !o->gone && o->provider == provider) {
                o->limbo = true;
                o->close_owed = 2;
            }
        }
    for (uint32_t i = 0; i < SIM_LINES; i++) {
        m->lines[provider][i].up = false;
        m->lines[provider][i].opened = 0;
    }
    memset(m->ids[provider], 0, sizeof m->ids[provider]); /* the next one counts anew */
}

static void door_input(struct model *m, const struct cf_record *r) {
    uint32_t port = (uint32_t)r->m.param1;
    struct m_port *p = &m->ports[port];
    if (r->m.id == CF_DOOR_ATTACH) {
        p->state = 2;
        p->attached_owed = true;
        return;
    }
    p->state = 3;
    p->free_owed = true;
    if (m_is_provider(port))
        provider_gone(m, port - 1);
    else
        m_app_gone(m, port);
}

/* ------------------------------------------------------------------ providers */

static void line_forced(struct model *m, uint32_t provider, uint32_t line) {
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < SIM_OPENS; i++) {
            struct m_open *o = &m->ports[port].opens[i];
            if (!o->used || o->gone || o->provider != provider || o->line != line)
                continue;
            o->limbo = true;
            o->close_owed = 2;
            for (uint32_t k = 0; k < m->refs_high; k++) {
                struct m_ref *ref = &m->refs[k];
                if (!ref->used || ref->port != port || ref->open != i)
                    continue;
                ref->limbo = true;
                ref->counts_must = 0;
                if (m->calls[ref->call].drop == 0)
                    m->calls[ref->call].drop = 1;
                if (ref->announce == M_LATER)
                    ref->announce = M_OPTIONAL;
            }
            for (uint32_t k = 0; k < m->requests_high; k++)
                if (m->requests[k].used && m->requests[k].port == port && m->requests[k].open == i && m->requests[k].suppressed == 0)
                    m->requests[k].suppressed = 1;
        }
    m->lines[provider][line].opened = 2;
}

static void line_appears(struct model *m, uint32_t provider, uint32_t line, const struct cf_record *r) {
    struct m_line *l = &m->lines[provider][line];
    struct cf_field f;
    struct cf_line_caps caps = {0};
    if (cf_fields_find(r, CF_FIELD_LINE_CAPS, &f) && f.bytes == sizeof caps)
        memcpy(&caps, f.data, sizeof caps);
    if (!l->up)
        for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
            if (m->ports[port].state == 2 && !m->ports[port].shut) {
                m->ports[port].created_owed[provider * SIM_LINES + line]++;
                m->ports[port].news_told[provider * SIM_LINES + line] = false;
            }
    if (!l->up) {
        l->status = LINEDEVSTATUSFLAGS_CONNECTED | LINEDEVSTATUSFLAGS_INSERVICE;
        memset(l->forwards, 0, sizeof l->forwards);
    }
    l->known = l->up = true;
    l->removed = false;
    l->addresses = caps.addresses;
    l->media = caps.media_modes;
    l->features = caps.call_features;
    l->line_features = caps.line_features;
    l->transfer_modes = caps.transfer_modes != 0 ? caps.transfer_modes : LINETRANSFERMODE_TRANSFER;
    l->address_caps = caps.addr_cap_flags;
    l->more = caps.more;
    l->gather_min = caps.gather_timeout_min_ms;
    l->gather_max = caps.gather_timeout_max_ms;
    l->tone_modes = caps.generate_tone_modes != 0 ? caps.generate_tone_modes : LINETONEMODE_BEEP;
    l->tone_freqs = caps.generate_tone_freqs != 0 ? caps.generate_tone_freqs : 1;
    l->heard_freqs = caps.monitor_tone_freqs != 0 ? caps.monitor_tone_freqs : 1;
    l->heard_entries = caps.monitor_tone_entries != 0 ? caps.monitor_tone_entries : 1;
    l->digit_modes = caps.monitor_digit_modes != 0 ? caps.monitor_digit_modes : LINEDIGITMODE_DTMF;
    if (l->more.park_modes == 0)
        l->more.park_modes = LINEPARKMODE_DIRECTED;
    if (l->more.forward_modes == 0)
        l->more.forward_modes = LINEFORWARDMODE_UNCOND;
    if (l->more.forward_entries_max == 0)
        l->more.forward_entries_max = 1;
}

static void line_state(struct model *m, uint32_t provider, uint32_t line, uint32_t bits) {
    struct m_line *l = &m->lines[provider][line];
    if (bits == LINEDEVSTATE_OUTOFSERVICE)
        l->status &= ~LINEDEVSTATUSFLAGS_INSERVICE;
    else if (bits == LINEDEVSTATE_INSERVICE)
        l->status |= LINEDEVSTATUSFLAGS_INSERVICE;
    else if (bits == LINEDEVSTATE_MSGWAITON)
        l->status |= LINEDEVSTATUSFLAGS_MSGWAIT;
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < SIM_OPENS; i++) {
            struct m_port *p = &m->ports[port];
            struct m_open *o = &p->opens[i];
            if (!o->used || o->gone || o->provider != provider || o->line != line || (o->mask & bits) == 0)
                continue;
            if (p->outage)
                p->missed_high++;
            else if (!o->limbo) /* else it may be told */
                o->states_owed |= o->mask & bits;
        }
}

struct m_call *m_call_new(struct model *m, uint32_t provider, uint32_t line, uint64_t id, uint32_t state, uint32_t mode) {
    uint32_t i = 0;
    while (i < SIM_CALLS && m->calls[i].used)
        i++;
    if (i == SIM_CALLS) {
        m_fail(m, "the model is too small: calls");
        return &m->calls[0];
    }
    if (i >= m->calls_high)
        m->calls_high = i + 1;
    m->calls[i] = (struct m_call){.used = true, .provider = (uint8_t)provider, .line = (uint8_t)line, .id = id, .state = state,
                                  .mode = mode, .passed_count = 1};
    m->calls[i].bearer = LINEBEARERMODE_VOICE;
    m->calls[i].passed[0].state = state;
    m->calls[i].passed[0].mode = mode;
    m->calls[i].passed[0].parent = 0;
    uint32_t *highest = &m->ids[provider][cf_handle_index(id) % SIM_IDS];
    *highest = cf_handle_generation(id) > *highest ? cf_handle_generation(id) : *highest;
    return &m->calls[i];
}

static void new_call(struct model *m, uint32_t provider, const struct cf_record *r) {
    uint32_t line = (uint32_t)r->m.param1;
    if (line >= SIM_LINES || m_call_of(m, provider, r->m.device) != NULL)
        return;
    struct m_call *c = m_call_new(m, provider, line, r->m.device, (uint32_t)r->m.param2, (uint32_t)(r->m.param2 >> 32));
    uint32_t call = (uint32_t)(c - m->calls);
    c->address = (uint8_t)(r->m.param1 >> 32);
    c->media = (uint32_t)r->m.param3;
    c->state_ns = r->m.time_ns;
    c->serial = m_serial_of(r, CF_FIELD_CALLER);
    m_who_take(&c->who, r);
    m_shown_take(&c->shown, r);
    if (!m->lines[provider][line].up) {
        c->refusable = c->must_refuse = c->invalid = true;
        return;
    }
    c->conference = (uint32_t)(r->m.param3 >> 32) == LINECALLORIGIN_CONFERENCE;
    c->overload = m_calls_lack(m);
    m_call_announce(m, call, 0, 0, c->overload);
    m_address_use(m, c, LINECALLSTATE_IDLE, c->state, m_call_refs(m, call, false) != 0);
    uint32_t sure = m_call_refs(m, call, false), all = m_call_refs(m, call, true);
    c->refusable = sure == 0;
    c->must_refuse = all == 0;
}

/* lineSetCallParams was done: what is different is told, unless who asked for it is gone. */
static void params_set(struct model *m, const struct m_request *q, int64_t time_ns) {
    struct m_call *c = &m->calls[q->call];
    uint32_t bits = c->bearer != q->bearer ? LINECALLINFOSTATE_BEARERMODE : 0;
    bits |= q->rate != 0 && c->rate != q->rate ? LINECALLINFOSTATE_RATE : 0;
    if (bits == 0 || q->dead || !c->used || c->id != q->call_id || c->provider != q->provider)
        return;
    c->bearer = q->bearer;
    c->rate = q->rate != 0 ? q->rate : c->rate;
    m_call_info(m, c, bits, time_ns, 0, false);
}

/* What came from the other end is not kept any more: the next may come. */
static void user_user_released(struct model *m, const struct m_request *q) {
    struct m_call *c = &m->calls[q->call];
    if (!q->dead && c->used && c->id == q->call_id && c->provider == q->provider)
        c->shown.user_user = 0;
}

static void provider_reply(struct model *m, uint32_t provider, const struct cf_record *r) {
    for (uint32_t i = 0; i < m->requests_high; i++) {
        struct m_request *q = &m->requests[i];
        if (!q->used || q->state != M_REQUEST_WITH_PROVIDER || q->provider != provider || q->number != r->m.param1)
            continue;
        m_request_ends(m, q);
        q->ended_ns = r->m.time_ns;
        q->result = (int32_t)(uint32_t)r->m.param2;
        if (q->id == CF_REQ_GATHER_DIGITS)
            m_gather_ended(q, r);
        m_text_comes(q, r);
        m_request_done(m, q, r);
        if (q->id == CF_REQ_SET_CALL_PARAMS && q->result == 0)
            params_set(m, q, r->m.time_ns);
        if (q->id == CF_REQ_RELEASE_USER_USER && q->result == 0)
            user_user_released(m, q);
        q->completion = (uint32_t)r->m.param3;
        return;
    }
}

static void conferenced(struct model *m, struct m_call *c, const struct cf_record *r) {
    m_conference_join(m, c, r->m.param2);
    c->named_parent = c->parent != 0 ? m->calls[c->parent - 1].serial : 0;
    m_call_state(m, c, LINECALLSTATE_CONFERENCED, 0, r->m.time_ns, false);
}

void m_provider_input(struct model *m, uint32_t provider, const struct cf_record *r) {
    uint32_t line = (uint32_t)r->m.param1;
    struct m_call *c;
    switch (r->m.id) {
    case CF_EV_LINE:
        if (line < SIM_LINES)
            line_appears(m, provider, line, r);
        break;
    case CF_EV_LINE_REMOVE:
        if (line >= SIM_LINES || !m->lines[provider][line].up)
            break;
        line_forced(m, provider, line);
        m->lines[provider][line].up = false;
        m->lines[provider][line].removed = true;
        for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
            if (m->ports[port].state == 2 && !m->ports[port].shut) {
                m->ports[port].removed_owed[provider * SIM_LINES + line]++;
                m->ports[port].news_told[provider * SIM_LINES + line] = false;
            }
        break;
    case CF_EV_LINE_CLOSE:
        if (line < SIM_LINES && m->lines[provider][line].up)
            line_forced(m, provider, line);
        break;
    case CF_EV_LINE_STATE:
        if (line < SIM_LINES)
            line_state(m, provider, line, (uint32_t)r->m.param2);
        break;
    case CF_EV_ADDRESS_STATE:
        m_address_event(m, provider, line, r);
        break;
    case CF_EV_NEW_CALL:
        new_call(m, provider, r);
        break;
    case CF_EV_CALL_STATE:
        c = m_call_of(m, provider, r->m.device);
        if (c == NULL || c->state == LINECALLSTATE_IDLE)
            break;
        if (r->m.param1 == LINECALLSTATE_CONFERENCED)
            conferenced(m, c, r);
        else
            m_call_state(m, c, (uint32_t)r->m.param1, (uint32_t)r->m.param2, r->m.time_ns, false);
        break;
    case CF_EV_CALL_INFO:
        c = m_call_of(m, provider, r->m.device);
        if (c == NULL)
            break;
        m_who_take(&c->who, r);
        m_shown_take(&c->shown, r);
        m_call_info(m, c, (uint32_t)r->m.param1, r->m.time_ns, 0, false);
        break;
    case CF_EV_DIGIT:
    case CF_EV_MEDIA:
        m_heard(m, provider, r);
        break;
    case CF_EV_DEV_SPECIFIC:
        m_specific_event(m, provider, r);
        break;
    case CF_EV_TONE:
        m_tone_heard(m, provider, r);
        break;
    case CF_EV_REPLY:
        provider_reply(m, provider, r);
        break;
    }
}

/* An event that three cores died of: its call ends, its request fails; else nothing. */
static void event_set_aside(struct model *m, uint32_t provider, const struct cf_record *r) {
    struct m_call *c = m_call_of(m, provider, r->m.device);
    struct cf_record failed;
    if (r->m.id == CF_EV_REPLY) {
        memset(&failed, 0, sizeof failed);
        failed.m = r->m;
        failed.m.param2 = (uint32_t)LINEERR_OPERATIONFAILED;
        failed.m.device = 0;
        provider_reply(m, provider, &failed);
    } else if (r->m.id == CF_EV_NEW_CALL && c == NULL) {
        c = m_call_new(m, provider, (uint32_t)r->m.param1 % SIM_LINES, r->m.device, (uint32_t)r->m.param2, (uint32_t)(r->m.param2 >> 32));
        c->refusable = c->must_refuse = c->invalid = true;
    } else if (c != NULL && c->state != LINECALLSTATE_IDLE && (r->m.id == CF_EV_CALL_STATE || r->m.id == CF_EV_CALL_INFO)) {
        if (c->state != LINECALLSTATE_DISCONNECTED)
            m_call_state(m, c, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_UNKNOWN, r->m.time_ns, false);
        m_call_state(m, c, LINECALLSTATE_IDLE, 0, r->m.time_ns, false);
    }
}

/* A request of the same kind: it fails, and is of no line. */
static void request_set_aside(struct model *m, uint32_t port, const struct cf_record *r) {
    if (m->ports[port].shut)
        return;
    if (r->m.flags == CF_NO_REPLY) {
        struct m_request *q = m_request_new(m, port, r);
        q->result = LINEERR_OPERATIONFAILED;
        q->open = SIM_OPENS;
        return;
    }
    struct m_answer *a = &m->ports[port].answers[r->m.flags % CF_REPLY_SLOTS];
    *a = (struct m_answer){.used = true, .any_error = true, .id = r->m.id, .sequence = r->m.sequence, .as_of_low = m->ports[port].sequence,
                           .handle = r->m.device, .result = LINEERR_OPERATIONFAILED};
    if (r->m.id == CF_REQ_DEV_CAPS)
        a->device = UINT32_MAX - 1; /* of none that is known to be up */
}

void m_set_aside(struct model *m, uint32_t port, const struct cf_record *r) {
    if (m_is_provider(port))
        event_set_aside(m, port - 1, r);
    else
        request_set_aside(m, port, r);
}

void m_input(struct model *m, uint32_t port, const struct cf_record *r) {
    if (port == 0)
        door_input(m, r);
    else if (m_is_provider(port))
        m_provider_input(m, port - 1, r);
    else
        m_request_input(m, port, r);
}
