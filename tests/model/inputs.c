/* What each record means to the model: the door's, the providers' and the applications'. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/engine.h"
#include "tests/model/model.h"

/* The number in a field such as "c17" or "d17"; 0 when there is none. */
static uint32_t serial_of(const struct cf_record *r, uint16_t tag) {
    struct cf_field f;
    char text[16] = {0};
    if (!cf_fields_find(r, tag, &f) || f.bytes < 2 || f.bytes >= sizeof text)
        return 0;
    memcpy(text, f.data, f.bytes);
    return (uint32_t)strtoul(text + 1, NULL, 10);
}

/* ------------------------------------------------------------------ the door */

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
            q->state = M_REQUEST_REPLY;
            q->any_error = q->deferred = true;
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
    if (!l->up)
        l->status = LINEDEVSTATUSFLAGS_CONNECTED | LINEDEVSTATUSFLAGS_INSERVICE;
    l->known = l->up = true;
    l->removed = false;
    l->addresses = caps.addresses;
    l->media = caps.media_modes;
    l->features = caps.call_features;
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
            if (!o->used || o->gone || o->limbo || o->provider != provider || o->line != line || (o->mask & bits) == 0)
                continue;
            if (p->outage)
                p->missed_high++;
            else
                o->states_owed |= o->mask & bits;
        }
}

static struct m_call *call_new(struct model *m, uint32_t provider, uint32_t line, uint64_t id, uint32_t state, uint32_t mode) {
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
    return &m->calls[i];
}

static void new_call(struct model *m, uint32_t provider, const struct cf_record *r) {
    uint32_t line = (uint32_t)r->m.param1;
    if (line >= SIM_LINES || m_call_of(m, provider, r->m.device) != NULL)
        return;
    struct m_call *c = call_new(m, provider, line, r->m.device, (uint32_t)r->m.param2, (uint32_t)(r->m.param2 >> 32));
    uint32_t call = (uint32_t)(c - m->calls);
    c->address = (uint8_t)(r->m.param1 >> 32);
    c->media = (uint32_t)r->m.param3;
    c->state_ns = r->m.time_ns;
    c->serial = serial_of(r, CF_FIELD_CALLER);
    m_who_take(&c->who, r);
    if (!m->lines[provider][line].up) {
        c->refusable = c->must_refuse = c->invalid = true;
        return;
    }
    m_call_announce(m, call, 0, 0, false);
    uint32_t sure = m_call_refs(m, call, false), all = m_call_refs(m, call, true);
    c->refusable = sure == 0;
    c->must_refuse = all == 0;
}

static void make_succeeded(struct model *m, struct m_request *q, const struct cf_record *r) {
    struct m_call *c = call_new(m, q->provider, q->line, r->m.device, LINECALLSTATE_UNKNOWN, 0);
    uint32_t call = (uint32_t)(c - m->calls);
    c->made = true;
    c->media = LINEMEDIAMODE_INTERACTIVEVOICE;
    c->serial = c->who.number[M_CALLED] = q->serial;
    q->call = (uint16_t)call;
    bool orphan = q->suppressed == 2 || q->orphan;
    c->drop = q->suppressed != 0; /* its line may have been closed meanwhile */
    if (!orphan) {
        struct m_ref *ref = m_ref_new(m, q->port, q->open, call, M_REPLY);
        ref->privilege = LINECALLPRIVILEGE_OWNER;
        ref->view_state = LINECALLSTATE_UNKNOWN;
        ref->limbo = m->ports[q->port].opens[q->open].limbo;
        if (q->suppressed == 1)
            ref->limbo = true;
    }
    m_call_announce(m, call, q->port, orphan ? SIM_OPENS : q->open, orphan);
    if (orphan) /* its owner, whom nobody saw, may be told to be gone */
        m_counts_changed(m, call, 0, LINECALLINFOSTATE_NUMOWNERDECR, false);
}

/* LINE_CALLINFO to everyone with a handle. */
static void call_changed(struct model *m, struct m_call *c, uint32_t bits, int64_t time_ns) {
    if (c->state == LINECALLSTATE_IDLE)
        return;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *ref = &m->refs[i];
        if (ref->used && !ref->gone && &m->calls[ref->call] == c)
            m_ref_owe(m, ref, &(struct m_owed){.id = LINE_CALLINFO, .param1 = bits, .time_ns = time_ns});
    }
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
    call_changed(m, c, bits, time_ns);
}

static void provider_reply(struct model *m, uint32_t provider, const struct cf_record *r) {
    for (uint32_t i = 0; i < m->requests_high; i++) {
        struct m_request *q = &m->requests[i];
        if (!q->used || q->state != M_REQUEST_WITH_PROVIDER || q->provider != provider || q->number != r->m.param1)
            continue;
        q->state = M_REQUEST_REPLY;
        q->result = (int32_t)(uint32_t)r->m.param2;
        if (q->id == CF_REQ_MAKE_CALL && q->result == 0)
            make_succeeded(m, q, r);
        if (q->id == CF_REQ_SET_CALL_PARAMS && q->result == 0)
            params_set(m, q, r->m.time_ns);
        return;
    }
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
    case CF_EV_NEW_CALL:
        new_call(m, provider, r);
        break;
    case CF_EV_CALL_STATE:
        c = m_call_of(m, provider, r->m.device);
        if (c != NULL && c->state != LINECALLSTATE_IDLE)
            m_call_state(m, c, (uint32_t)r->m.param1, (uint32_t)r->m.param2, r->m.time_ns, false);
        break;
    case CF_EV_CALL_INFO:
        c = m_call_of(m, provider, r->m.device);
        if (c == NULL)
            break;
        m_who_take(&c->who, r);
        call_changed(m, c, (uint32_t)r->m.param1, r->m.time_ns);
        break;
    case CF_EV_REPLY:
        provider_reply(m, provider, r);
        break;
    }
}

/*
 * lineDeallocateCall. The engine remembers from which call on an application was not told everything, not which calls it was
 * told of: one that gave the handle of a live call back may be told of the call again after an outage.
 */
static void release(struct model *m, struct m_ref *r) {
    const struct m_port *p = &m->ports[r->port];
    bool again = (p->limited || p->outage) && m->calls[r->call].state != LINECALLSTATE_IDLE && !r->gone;
    m_ref_drop(m, r, false);
    if (again)
        m_ref_new(m, r->port, r->open, r->call, M_OPTIONAL);
}

/* ------------------------------------------------------------------ synchronous requests */

static void answer_privilege(struct model *m, struct m_answer *a, struct m_ref *r, uint32_t wanted) {
    struct m_call *c = &m->calls[r->call];
    uint32_t owners, monitors, unsure;
    m_call_count(m, r->call, &owners, &monitors, &unsure);
    if (wanted != LINECALLPRIVILEGE_MONITOR && wanted != LINECALLPRIVILEGE_OWNER) {
        a->result = LINEERR_INVALCALLPRIVILEGE;
        return;
    }
    if (wanted == r->privilege)
        return;
    if (wanted == LINECALLPRIVILEGE_MONITOR && owners == 1 && c->state != LINECALLSTATE_IDLE) {
        a->result = LINEERR_INVALCALLSTATE;
        a->either = unsure != 0;
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

static struct m_request *request_new(struct model *m, uint32_t port, const struct cf_record *r) {
    uint32_t i = 0;
    while (i < SIM_REQUESTS && m->requests[i].used)
        i++;
    if (i == SIM_REQUESTS) {
        m_fail(m, "the model is too small: requests");
        return &m->requests[0];
    }
    if (i >= m->requests_high)
        m->requests_high = i + 1;
    m->requests[i] = (struct m_request){.used = true, .state = M_REQUEST_REPLY, .port = (uint8_t)port, .id = r->m.id,
                                        .request_id = (uint32_t)r->m.param1, .open = (uint8_t)r->m.open_line};
    return &m->requests[i];
}

/* Nearly as many of its kind outstanding as the engine keeps room for: it may refuse. Digits have room of their own. */
static bool many_requests(const struct model *m, uint32_t port, bool digits) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->requests_high; i++)
        n += m->requests[i].used && m->requests[i].port == port && (m->requests[i].id == CF_REQ_GENERATE_DIGITS) == digits;
    return n > m->ports[port].requests_max;
}

/* Why the owner of a handle may not do this with its call now; 0: he may. params: what is wrong with the parameters. */
static int32_t refusal(const struct model *m, const struct m_ref *ref, uint32_t feature, bool state_allows, int32_t params) {
    const struct m_call *c = &m->calls[ref->call];
    if (ref->privilege != LINECALLPRIVILEGE_OWNER)
        return LINEERR_NOTOWNER;
    if (params != 0)
        return params;
    if (!state_allows)
        return LINEERR_INVALCALLSTATE;
    return (m->lines[c->provider][c->line].features & feature) == 0 ? LINEERR_OPERATIONUNAVAIL : 0;
}

/* lineGenerateDigits: answered at once, and then a request whose reply is LINE_GENERATE. */
static void answer_digits(struct model *m, struct m_answer *a, uint32_t port, struct m_ref *ref, const struct cf_record *r) {
    struct m_call *c = &m->calls[ref->call];
    struct cf_field f;
    uint32_t mode = (uint32_t)r->m.param1;
    bool mode_valid = mode == LINEDIGITMODE_DTMF || mode == LINEDIGITMODE_PULSE;
    if (c->ending) {
        a->any_error = true;
        return;
    }
    a->result = refusal(m, ref, LINECALLFEATURE_GENERATEDIGITS, c->state != LINECALLSTATE_IDLE, mode_valid ? 0 : LINEERR_INVALDIGITMODE);
    if (a->result == 0 && mode != LINEDIGITMODE_DTMF)
        a->result = LINEERR_INVALDIGITMODE;
    if (a->result != 0)
        return;
    a->stops = !cf_fields_find(r, CF_FIELD_DIGITS, &f);
    if (a->stops) {
        c->stops++;
        return;
    }
    struct m_request *q = request_new(m, port, r);
    q->state = M_REQUEST_FORWARD;
    q->request_id = 0;
    q->open = ref->open;
    q->provider = c->provider;
    q->line = c->line;
    q->call = ref->call;
    q->handle = r->m.device;
    q->serial = serial_of(r, CF_FIELD_DIGITS);
    q->limited = a->may_fail || many_requests(m, port, true);
    q->suppressed = a->may_fail;
    a->may_fail |= q->limited;
    a->request = (uint16_t)(q - m->requests + 1);
}

static void call_request(struct model *m, struct m_answer *a, uint32_t port, const struct cf_record *r) {
    struct m_ref *ref = m_ref_of(m, port, r->m.device);
    a->listed = ref == NULL && r->m.id == CF_REQ_CALL_INFO && m_listed_of(m, port, r->m.device) != NULL;
    if (a->listed)
        return;
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
    a->bearer = c->bearer;
    a->rate = c->rate;
    if (r->m.id == CF_REQ_GENERATE_DIGITS)
        answer_digits(m, a, port, ref, r);
    if (r->m.id == CF_REQ_SET_PRIVILEGE)
        answer_privilege(m, a, ref, (uint32_t)r->m.param1);
    if (r->m.id != CF_REQ_RELEASE_ASK)
        return;
    if (ref->privilege == LINECALLPRIVILEGE_OWNER && a->owners == 1 && c->state != LINECALLSTATE_IDLE)
        a->result = LINEERR_INVALCALLSTATE;
    else
        release(m, ref);
}

static void sync_request(struct model *m, uint32_t port, const struct cf_record *r) {
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
        line_request(m, a, port, r);
        break;
    default:
        call_request(m, a, port, r);
        break;
    }
}

/* ------------------------------------------------------------------ asynchronous and silent requests */

static void make_request(struct model *m, uint32_t port, const struct cf_record *r) {
    struct m_request *q = request_new(m, port, r);
    struct m_open *o = m_open_of(m, port, r->m.device);
    if (o == NULL || o->gone) {
        q->result = LINEERR_INVALLINEHANDLE;
        q->suppressed = 1;
        return;
    }
    q->open = (uint8_t)(o - m->ports[port].opens);
    q->provider = o->provider;
    q->line = o->line;
    q->serial = serial_of(r, CF_FIELD_DESTINATION);
    if (o->limbo && o->close_owed == 2) {
        q->any_error = true;
        q->suppressed = 1;
    } else {
        q->state = M_REQUEST_FORWARD;
        q->suppressed = o->limbo;
        q->limited = o->limbo || m_may_be_limited(m, port) || many_requests(m, port, false);
    }
}

/* What each asynchronous request about a call needs: feature and states, said anew. */
static uint32_t feature_of(uint16_t id) {
    switch (id) {
    case CF_REQ_ACCEPT:
        return LINECALLFEATURE_ACCEPT;
    case CF_REQ_ANSWER:
        return LINECALLFEATURE_ANSWER;
    case CF_REQ_HOLD:
        return LINECALLFEATURE_HOLD;
    case CF_REQ_UNHOLD:
        return LINECALLFEATURE_UNHOLD;
    case CF_REQ_SET_CALL_PARAMS:
        return LINECALLFEATURE_SETCALLPARAMS;
    default:
        return LINECALLFEATURE_DROP;
    }
}

static bool state_allows(uint16_t id, const struct m_call *c) {
    switch (id) {
    case CF_REQ_ACCEPT:
        return c->state == LINECALLSTATE_OFFERING;
    case CF_REQ_ANSWER:
        return c->state == LINECALLSTATE_OFFERING || c->state == LINECALLSTATE_ACCEPTED ||
               (c->state == LINECALLSTATE_CONNECTED && c->mode == LINECONNECTEDMODE_INACTIVE);
    case CF_REQ_HOLD:
        return c->state == LINECALLSTATE_CONNECTED;
    case CF_REQ_UNHOLD:
        return c->state == LINECALLSTATE_ONHOLD || c->state == LINECALLSTATE_ONHOLDPENDCONF ||
               c->state == LINECALLSTATE_ONHOLDPENDTRANSFER;
    case CF_REQ_SET_CALL_PARAMS:
        return c->state != LINECALLSTATE_IDLE && c->state != LINECALLSTATE_DISCONNECTED;
    default:
        return c->state != LINECALLSTATE_IDLE;
    }
}

/* What is wrong with the parameters of lineSetCallParams, before the call's state counts and after it. The lines carry VOICE and SPEECH. */
static void judge_params(struct m_request *q, const struct cf_record *r, int32_t *before, int32_t *after) {
    struct cf_call_params params = {0};
    struct cf_field f;
    *before = *after = 0;
    if (q->id != CF_REQ_SET_CALL_PARAMS)
        return;
    if (cf_fields_find(r, CF_FIELD_CALL_PARAMS, &f) && f.bytes == sizeof params)
        memcpy(&params, f.data, sizeof params);
    q->bearer = params.bearer_mode;
    q->rate = params.max_rate > 64000 ? 64000 : params.max_rate;
    q->serial = params.min_rate;
    if (params.bearer_mode == 0 || params.bearer_mode == (LINEBEARERMODE_VOICE | LINEBEARERMODE_SPEECH))
        *before = LINEERR_INVALBEARERMODE;
    else if (params.min_rate > params.max_rate)
        *before = LINEERR_INVALRATE;
    if (params.bearer_mode != LINEBEARERMODE_VOICE && params.bearer_mode != LINEBEARERMODE_SPEECH)
        *after = LINEERR_BEARERMODEUNAVAIL;
    else if (params.min_rate > 64000)
        *after = LINEERR_RATEUNAVAIL;
}

static void control_request(struct model *m, uint32_t port, const struct cf_record *r) {
    struct m_request *q = request_new(m, port, r);
    struct m_ref *ref = m_ref_of(m, port, r->m.device);
    if (ref == NULL || ref->gone) {
        q->result = LINEERR_INVALCALLHANDLE;
        q->suppressed = 1;
        return;
    }
    struct m_call *c = &m->calls[ref->call];
    int32_t before, after;
    judge_params(q, r, &before, &after);
    q->open = ref->open;
    q->provider = c->provider;
    q->line = c->line;
    q->call = ref->call;
    q->call_id = c->id;
    const struct m_open *o = &m->ports[port].opens[ref->open];
    bool perhaps = o->limbo && o->close_owed == 1; /* its line may have been closed, or not */
    if (c->ending || ((ref->limbo || o->limbo) && !perhaps)) {
        q->any_error = true;
        q->suppressed = 1;
        return;
    }
    q->result = refusal(m, ref, feature_of(r->m.id), state_allows(r->m.id, c), before);
    if (q->result == 0)
        q->result = after;
    if (q->result == 0) {
        q->state = M_REQUEST_FORWARD;
        q->limited = perhaps || many_requests(m, port, false);
    }
    if (perhaps) {
        q->suppressed |= q->suppressed == 0;
        q->any_error = q->state == M_REQUEST_REPLY;
    }
}

void m_request_input(struct model *m, uint32_t port, const struct cf_record *r) {
    if (m->ports[port].shut)
        return;
    struct m_open *o;
    struct m_ref *ref;
    switch (r->m.id) {
    case CF_REQ_MAKE_CALL:
        make_request(m, port, r);
        break;
    case CF_REQ_ACCEPT:
    case CF_REQ_ANSWER:
    case CF_REQ_DROP:
    case CF_REQ_HOLD:
    case CF_REQ_UNHOLD:
    case CF_REQ_SET_CALL_PARAMS:
        control_request(m, port, r);
        break;
    case CF_REQ_CLOSE:
        o = m_open_of(m, port, r->m.device);
        if (o != NULL && !o->gone)
            m_open_drop(m, port, (uint32_t)(o - m->ports[port].opens));
        break;
    case CF_REQ_RELEASE:
        ref = m_ref_of(m, port, r->m.device);
        if (ref != NULL)
            release(m, ref);
        break;
    case CF_REQ_SHUTDOWN: /* announces that the peer will be gone */
        break;
    default:
        if (r->m.id >= CF_REQ_PING && r->m.id <= CF_REQ_GENERATE_DIGITS && r->m.flags < CF_REPLY_SLOTS)
            sync_request(m, port, r);
        else
            m->ports[port].expellable = true;
        break;
    }
}

void m_input(struct model *m, uint32_t port, const struct cf_record *r) {
    if (port == 0)
        door_input(m, r);
    else if (m_is_provider(port))
        m_provider_input(m, port - 1, r);
    else
        m_request_input(m, port, r);
}
