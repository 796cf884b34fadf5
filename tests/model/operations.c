/* What asynchronous and silent requests mean to the model: who may do what to which call, and what it makes. */
#include <stdlib.h>
#include <string.h>

#include "core/engine.h"
#include "tests/model/model.h"

/* ------------------------------------------------------------------ calls that requests make */

/* The engine may have no room for a call, or for one more. Calls that go take room until they are swept. */
bool m_calls_lack(const struct model *m) {
    uint32_t n = m->calls_going;
    for (uint32_t i = 0; i < m->calls_high; i++)
        n += m->calls[i].used;
    for (uint32_t i = 0; i < m->requests_high; i++)
        n += m->requests[i].used ? m->requests[i].makes : 0;
    return n + 8 >= m->calls_max;
}

bool m_may_lack_room(struct model *m, uint32_t port, uint32_t makes) {
    return makes != 0 && (m_may_be_limited(m, port) || m_calls_lack(m));
}

/* A name that the provider may give to a call now. */
static bool id_new(struct model *m, uint32_t provider, uint64_t id) {
    uint32_t index = cf_handle_index(id), generation = cf_handle_generation(id);
    if (cf_handle_kind(id) != CF_KIND_PROVIDER || index >= m->calls_per_provider || !cf_generation_live(generation))
        return false;
    for (uint32_t i = 0; i < m->calls_high; i++)
        if (m->calls[i].used && m->calls[i].provider == provider && !m->calls[i].ending && cf_handle_index(m->calls[i].id) == index)
            return false;
    return generation > m->ids[provider][index];
}

static struct m_call *call_made(struct model *m, struct m_request *q, uint64_t id) {
    struct m_call *c = m_call_new(m, q->provider, q->line, id, LINECALLSTATE_UNKNOWN, 0);
    c->made = true;
    c->media = LINEMEDIAMODE_INTERACTIVEVOICE;
    c->address = q->address;
    c->serial = q->serial;
    if (q->id == CF_REQ_MAKE_CALL) {
        c->who.number[M_CALLED] = q->serial;
    } else {
        c->nameless = true;
        c->serial = M_NAMELESS_FROM + ++m->nameless;
    }
    if (q->id == CF_REQ_UNPARK)
        c->shown.reason = LINECALLREASON_UNPARK;
    else if (q->id == CF_REQ_PICKUP)
        c->shown.reason = LINECALLREASON_PICKUP;
    return c;
}

/* Who asked owns the call, alone, and learns its handle by LINE_REPLY (H-3, H-4). */
static void belongs(struct model *m, struct m_request *q, uint32_t number, struct m_call *c) {
    q->made[number] = (uint16_t)(c - m->calls);
    bool orphan = q->suppressed == 2 || q->orphan;
    c->drop = q->suppressed != 0; /* its line may have been closed meanwhile */
    c->conference = number == 0 && (q->id == CF_REQ_SETUP_CONFERENCE || q->id == CF_REQ_COMPLETE_TRANSFER);
    if (orphan)
        return;
    struct m_ref *ref = m_ref_new(m, q->port, q->open, q->made[number], M_REPLY);
    ref->privilege = LINECALLPRIVILEGE_OWNER;
    ref->view_state = LINECALLSTATE_UNKNOWN;
    ref->limbo = m->ports[q->port].opens[q->open].limbo || q->suppressed == 1;
}

/* Those who monitor hear of it as UNKNOWN (M-60, M-65). */
static void told_to_monitors(struct model *m, const struct m_request *q, uint32_t call) {
    bool orphan = q->suppressed == 2 || q->orphan;
    m_call_announce(m, call, q->port, orphan ? SIM_OPENS : q->open, orphan);
    m_address_use(m, &m->calls[call], LINECALLSTATE_IDLE, LINECALLSTATE_UNKNOWN, !orphan && q->suppressed == 0);
    if (orphan) /* its owner, whom nobody saw, may be told to be gone */
        m_counts_changed(m, call, 0, LINECALLINFOSTATE_NUMOWNERDECR, false);
}

/* The provider says that it has made them. Names that will not do are none; of two the one that will do is closed again. */
void m_request_done(struct model *m, struct m_request *q, const struct cf_record *r) {
    const uint64_t ids[2] = {r->m.device, r->m.param3};
    if (q->id == CF_REQ_FORWARD && q->result == 0 && q->makes == 0 && id_new(m, q->provider, ids[0]))
        call_made(m, q, ids[0])->nobodys = true; /* its line makes none for it */
    if (q->id == CF_REQ_FORWARD && q->result == 0 && ids[0] == 0)
        q->makes = 0; /* it needed none (H-8) */
    if (q->makes == 0 || q->result != 0)
        return;
    bool valid = id_new(m, q->provider, ids[0]);
    if (q->makes == 2)
        valid = valid && id_new(m, q->provider, ids[1]) && cf_handle_index(ids[0]) != cf_handle_index(ids[1]);
    if (!valid)
        q->result = LINEERR_OPERATIONFAILED;
    for (uint32_t i = 0; i < q->makes; i++) {
        if (!valid && q->makes == 2 && id_new(m, q->provider, ids[i]))
            call_made(m, q, ids[i])->nobodys = true;
        else if (valid)
            belongs(m, q, i, call_made(m, q, ids[i]));
    }
    for (uint32_t i = 0; valid && i < q->makes; i++)
        told_to_monitors(m, q, q->made[i]);
}

/* ------------------------------------------------------------------ requests about calls */

#define ON_HOLD (LINECALLSTATE_ONHOLD | LINECALLSTATE_ONHOLDPENDTRANSFER | LINECALLSTATE_ONHOLDPENDCONF)

/* What each needs of its call: an ability of the line's, and a state (5.9). */
static const struct {
    uint16_t id;
    uint32_t feature;
} features[] = {
    {CF_REQ_ACCEPT, LINECALLFEATURE_ACCEPT},
    {CF_REQ_ANSWER, LINECALLFEATURE_ANSWER},
    {CF_REQ_DROP, LINECALLFEATURE_DROP},
    {CF_REQ_HOLD, LINECALLFEATURE_HOLD},
    {CF_REQ_UNHOLD, LINECALLFEATURE_UNHOLD},
    {CF_REQ_SET_CALL_PARAMS, LINECALLFEATURE_SETCALLPARAMS},
    {CF_REQ_SWAP_HOLD, LINECALLFEATURE_SWAPHOLD},
    {CF_REQ_SETUP_TRANSFER, LINECALLFEATURE_SETUPTRANSFER},
    {CF_REQ_COMPLETE_TRANSFER, LINECALLFEATURE_COMPLETETRANSF},
    {CF_REQ_BLIND_TRANSFER, LINECALLFEATURE_BLINDTRANSFER},
    {CF_REQ_SETUP_CONFERENCE, LINECALLFEATURE_SETUPCONF},
    {CF_REQ_PREPARE_ADD, LINECALLFEATURE_PREPAREADDCONF},
    {CF_REQ_ADD_TO_CONFERENCE, LINECALLFEATURE_ADDTOCONF},
    {CF_REQ_REMOVE_FROM_CONFERENCE, LINECALLFEATURE_REMOVEFROMCONF},
    {CF_REQ_DIAL, LINECALLFEATURE_DIAL},
    {CF_REQ_REDIRECT, LINECALLFEATURE_REDIRECT},
    {CF_REQ_SECURE_CALL, LINECALLFEATURE_SECURECALL},
    {CF_REQ_PARK, LINECALLFEATURE_PARK},
    {CF_REQ_COMPLETE_CALL, LINECALLFEATURE_COMPLETECALL},
    {CF_REQ_SEND_USER_USER, LINECALLFEATURE_SENDUSERUSER},
    {CF_REQ_RELEASE_USER_USER, LINECALLFEATURE_RELEASEUSERUSERINFO},
    {CF_REQ_SET_CALL_DATA, LINECALLFEATURE_SETCALLDATA},
    {CF_REQ_SET_CALL_TREATMENT, LINECALLFEATURE_SETTREATMENT},
};

static uint32_t feature_of(uint16_t id) {
    size_t i = 0;
    while (features[i].id != id)
        i++;
    return features[i].feature;
}

static bool state_allows(uint16_t id, const struct m_call *c) {
    uint32_t s = c->state;
    switch (id) {
    case CF_REQ_ACCEPT:
    case CF_REQ_REDIRECT:
        return s == LINECALLSTATE_OFFERING;
    case CF_REQ_DIAL: /* G-10 */
        return s == LINECALLSTATE_DIALTONE || s == LINECALLSTATE_DIALING || s == LINECALLSTATE_UNKNOWN;
    case CF_REQ_COMPLETE_CALL:
        return s == LINECALLSTATE_BUSY || s == LINECALLSTATE_RINGBACK;
    case CF_REQ_SEND_USER_USER:
        return s == LINECALLSTATE_CONNECTED || s == LINECALLSTATE_OFFERING || s == LINECALLSTATE_ACCEPTED || s == LINECALLSTATE_RINGBACK;
    case CF_REQ_ANSWER:
        return s == LINECALLSTATE_OFFERING || s == LINECALLSTATE_ACCEPTED ||
               (s == LINECALLSTATE_CONNECTED && c->mode == LINECONNECTEDMODE_INACTIVE);
    case CF_REQ_HOLD:
    case CF_REQ_SWAP_HOLD:
    case CF_REQ_SETUP_TRANSFER:
    case CF_REQ_BLIND_TRANSFER:
    case CF_REQ_SETUP_CONFERENCE:
    case CF_REQ_PREPARE_ADD:
    case CF_REQ_PARK:
        return s == LINECALLSTATE_CONNECTED;
    case CF_REQ_UNHOLD:
        return (s & ON_HOLD) != 0;
    case CF_REQ_COMPLETE_TRANSFER:
        return s == LINECALLSTATE_ONHOLD || s == LINECALLSTATE_ONHOLDPENDTRANSFER;
    case CF_REQ_ADD_TO_CONFERENCE:
        return s == LINECALLSTATE_ONHOLD || s == LINECALLSTATE_ONHOLDPENDCONF;
    case CF_REQ_REMOVE_FROM_CONFERENCE:
        return s == LINECALLSTATE_CONFERENCED;
    case CF_REQ_SET_CALL_PARAMS:
        return s != LINECALLSTATE_IDLE && s != LINECALLSTATE_DISCONNECTED;
    default:
        return s != LINECALLSTATE_IDLE;
    }
}

static bool has_second(uint16_t id) {
    return id == CF_REQ_SWAP_HOLD || id == CF_REQ_COMPLETE_TRANSFER || id == CF_REQ_ADD_TO_CONFERENCE;
}

static bool second_state_allows(uint16_t id, const struct m_call *c) {
    uint32_t s = c->state;
    switch (id) {
    case CF_REQ_SWAP_HOLD:
        return (s & ON_HOLD) != 0;
    case CF_REQ_COMPLETE_TRANSFER:
        return s == LINECALLSTATE_CONNECTED || s == LINECALLSTATE_RINGBACK || s == LINECALLSTATE_BUSY || s == LINECALLSTATE_PROCEEDING;
    default:
        return s == LINECALLSTATE_CONNECTED || s == LINECALLSTATE_ONHOLD || s == LINECALLSTATE_PROCEEDING || s == LINECALLSTATE_RINGBACK;
    }
}

/* Calls that come with its success. */
static uint8_t makes_of(const struct m_request *q) {
    switch (q->id) {
    case CF_REQ_SETUP_TRANSFER:
    case CF_REQ_PREPARE_ADD:
        return 1;
    case CF_REQ_SETUP_CONFERENCE:
        return 2;
    case CF_REQ_COMPLETE_TRANSFER:
        return q->detail == LINETRANSFERMODE_CONFERENCE;
    default:
        return 0;
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

/* A request about a call, or two of them, while it is judged. */
struct asked {
    struct m_ref *first, *second;
    struct m_call *c, *d;
    bool unsure; /* whether they are there, or what they are, is not known */
};

static bool shaky(const struct model *m, uint32_t port, const struct m_ref *r) {
    return r->limbo || m->ports[port].opens[r->open].limbo || m->calls[r->call].ending;
}

/* Both calls are there and of the kind that is asked for. */
static int32_t wrong_handle(struct model *m, const struct m_request *q, struct asked *a) {
    bool add = q->id == CF_REQ_ADD_TO_CONFERENCE, is = m_conference_is(m, a->c);
    bool conference_only = add || q->id == CF_REQ_PREPARE_ADD, never = q->id == CF_REQ_SETUP_CONFERENCE;
    a->unsure |= (conference_only || never) && m_conference_unsure(m, a->c);
    if (conference_only && !is)
        return LINEERR_INVALCONFCALLHANDLE;
    if (never && is)
        return LINEERR_INVALCALLHANDLE; /* a conference of conferences */
    if (!has_second(q->id))
        return 0;
    int32_t wrong = q->id == CF_REQ_COMPLETE_TRANSFER ? LINEERR_INVALCONSULTCALLHANDLE : LINEERR_INVALCALLHANDLE;
    if (a->second == NULL || a->d == a->c || a->d->provider != a->c->provider)
        return wrong;
    bool one_line = q->id != CF_REQ_COMPLETE_TRANSFER || q->detail == LINETRANSFERMODE_CONFERENCE; /* M-38 */
    if (one_line && a->d->line != a->c->line)
        return wrong;
    a->unsure |= add && m_conference_unsure(m, a->d);
    return add && (m_conference_is(m, a->d) || a->d->state == LINECALLSTATE_CONFERENCED) ? wrong : 0;
}

/* Handles, privilege, parameters, states, abilities: in this order. */
static int32_t refusal(struct model *m, const struct m_request *q, struct asked *a, int32_t params, int32_t abilities) {
    const struct m_line *l = &m->lines[a->c->provider][a->c->line];
    int32_t wrong = wrong_handle(m, q, a);
    if (wrong != 0)
        return wrong;
    if (a->first->privilege != LINECALLPRIVILEGE_OWNER || (a->second != NULL && a->second->privilege != LINECALLPRIVILEGE_OWNER))
        return LINEERR_NOTOWNER;
    if (params != 0)
        return params;
    bool transfer = q->id == CF_REQ_COMPLETE_TRANSFER;
    if (transfer && q->detail != LINETRANSFERMODE_TRANSFER && q->detail != LINETRANSFERMODE_CONFERENCE)
        return LINEERR_INVALTRANSFERMODE;
    if (!state_allows(q->id, a->c) || (has_second(q->id) && !second_state_allows(q->id, a->d)))
        return LINEERR_INVALCALLSTATE;
    if ((l->features & feature_of(q->id)) == 0 || (transfer && (l->transfer_modes & q->detail) == 0))
        return LINEERR_OPERATIONUNAVAIL;
    return abilities;
}

static uint64_t detail_of(const struct cf_record *r) {
    switch (r->m.id) {
    case CF_REQ_COMPLETE_TRANSFER:
    case CF_REQ_SETUP_CONFERENCE:
        return r->m.param3;
    case CF_REQ_BLIND_TRANSFER:
    case CF_REQ_DIAL:
    case CF_REQ_REDIRECT:
    case CF_REQ_PARK:
    case CF_REQ_SET_CALL_TREATMENT:
        return r->m.param2;
    case CF_REQ_COMPLETE_CALL:
        return r->m.param2 | r->m.param3 << 32;
    default:
        return 0;
    }
}

static void control_request(struct model *m, uint32_t port, const struct cf_record *r) {
    struct m_request *q = m_request_new(m, port, r);
    struct asked a = {.first = m_ref_of(m, port, r->m.device)};
    if (a.first == NULL || a.first->gone) {
        bool conference = r->m.id == CF_REQ_PREPARE_ADD || r->m.id == CF_REQ_ADD_TO_CONFERENCE;
        q->result = conference ? LINEERR_INVALCONFCALLHANDLE : LINEERR_INVALCALLHANDLE;
        q->suppressed = 1;
        return;
    }
    a.second = has_second(r->m.id) ? m_ref_of(m, port, r->m.param2) : NULL;
    a.second = a.second != NULL && a.second->gone ? NULL : a.second;
    a.c = &m->calls[a.first->call];
    a.d = a.second == NULL ? NULL : &m->calls[a.second->call];
    a.unsure = a.first->owner_unsure || (a.second != NULL && (a.second->owner_unsure || shaky(m, port, a.second)));
    int32_t before, after;
    judge_params(q, r, &before, &after);
    const struct m_line *l = &m->lines[a.c->provider][a.c->line];
    if (before == 0)
        before = m_wrong_parameters(l, r);
    if (after == 0 && m_unable(l, r))
        after = LINEERR_OPERATIONUNAVAIL;
    q->open = a.first->open;
    q->provider = a.c->provider;
    q->line = a.c->line;
    q->address = a.c->address;
    q->call = a.first->call;
    q->call_id = a.c->id;
    q->second_id = a.d != NULL ? a.d->id : 0;
    q->detail = detail_of(r);
    if (r->m.id != CF_REQ_SET_CALL_PARAMS)
        q->serial = m_request_serial(r);
    const struct m_open *o = &m->ports[port].opens[a.first->open];
    bool perhaps = o->limbo && o->close_owed == 1; /* its line may have been closed, or not */
    if (a.c->ending || ((a.first->limbo || o->limbo) && !perhaps)) {
        q->any_error = true;
        q->suppressed = 1;
        return;
    }
    q->result = refusal(m, q, &a, before, after);
    if (q->result == 0 || a.unsure) {
        q->result = 0;
        q->state = M_REQUEST_FORWARD;
        q->makes = makes_of(q);
        q->limited = perhaps || a.unsure || m_many_requests(m, port, false) || m_may_lack_room(m, port, q->makes);
    }
    if (perhaps) {
        q->suppressed |= q->suppressed == 0;
        q->any_error = q->state == M_REQUEST_REPLY;
    }
}

/* ------------------------------------------------------------------ every request */

void m_request_input(struct model *m, uint32_t port, const struct cf_record *r) {
    if (m->ports[port].shut)
        return;
    struct m_open *o;
    struct m_ref *ref;
    switch (r->m.id) {
    case CF_REQ_MAKE_CALL:
    case CF_REQ_UNPARK:
    case CF_REQ_PICKUP:
    case CF_REQ_FORWARD:
    case CF_REQ_UNCOMPLETE_CALL:
    case CF_REQ_DEV_SPECIFIC:
        m_line_request(m, port, r);
        break;
    case CF_REQ_ACCEPT:
    case CF_REQ_ANSWER:
    case CF_REQ_DROP:
    case CF_REQ_HOLD:
    case CF_REQ_UNHOLD:
    case CF_REQ_SET_CALL_PARAMS:
    case CF_REQ_SWAP_HOLD:
    case CF_REQ_SETUP_TRANSFER:
    case CF_REQ_COMPLETE_TRANSFER:
    case CF_REQ_BLIND_TRANSFER:
    case CF_REQ_PREPARE_ADD:
    case CF_REQ_ADD_TO_CONFERENCE:
    case CF_REQ_REMOVE_FROM_CONFERENCE:
    case CF_REQ_DIAL:
    case CF_REQ_REDIRECT:
    case CF_REQ_SECURE_CALL:
    case CF_REQ_PARK:
    case CF_REQ_COMPLETE_CALL:
    case CF_REQ_SEND_USER_USER:
    case CF_REQ_RELEASE_USER_USER:
    case CF_REQ_SET_CALL_DATA:
    case CF_REQ_SET_CALL_TREATMENT:
        control_request(m, port, r);
        break;
    case CF_REQ_SETUP_CONFERENCE:
        if (cf_handle_kind(r->m.device) == CF_KIND_LINE)
            m_line_request(m, port, r);
        else
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
            m_release(m, ref);
        break;
    case CF_REQ_SHUTDOWN: /* announces that the peer will be gone */
        break;
    default:
        if (r->m.id >= CF_REQ_PING && r->m.id < CF_REQ_MAKE_CALL && r->m.flags < CF_REPLY_SLOTS)
            m_sync_request(m, port, r);
        else
            m->ports[port].expellable = true;
        break;
    }
}
