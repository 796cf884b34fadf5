/* Who comes first, who is handed a call, and what owners write on calls. */
#include <stdlib.h>
#include <string.h>

#include "tests/model/model.h"

/* ------------------------------------------------------------------ lists of priorities */

/* The list of a media mode, SIM_MODES for what is none: UNKNOWN is 2, VIDEO 0x8000. */
static uint32_t mode_of(uint64_t media) {
    for (uint32_t mode = 0; mode < SIM_MODES; mode++)
        if (media == UINT64_C(2) << mode)
            return mode;
    return SIM_MODES;
}

/* Where the peer stands, from 1; 0: nowhere. */
static uint32_t place_of(const struct model *m, uint32_t mode, uint32_t peer) {
    for (uint32_t i = 0; i < m->priority_count[mode]; i++)
        if (m->priority[mode][i] == peer)
            return i + 1;
    return 0;
}

/* Applications are called by their port. Behind every listed one: 100. */
uint32_t m_rank(const struct model *m, uint32_t port, uint32_t media) {
    uint32_t mode = mode_of(media), place = mode == SIM_MODES ? 0 : place_of(m, mode, port);
    return place != 0 ? place : 100;
}

/* The number in "peer7"; SIM_PEERS for another name. */
static uint32_t peer_of(const struct cf_record *r, uint16_t tag) {
    struct cf_field f;
    bool one = cf_fields_find(r, tag, &f) && f.bytes == 5 && memcmp(f.data, "peer", 4) == 0;
    return one ? (uint32_t)(f.data[4] - '0') : SIM_PEERS;
}

static bool may_set(const struct m_port *p) {
    bool may = false;
    for (uint32_t i = 0; i < SIM_PROVIDERS * SIM_LINES; i++)
        may |= (p->rights[i / SIM_LINES][i % SIM_LINES] & CF_RIGHT_OWN) != 0;
    return may;
}

void m_priority_request(struct model *m, struct m_answer *a, uint32_t port, const struct cf_record *r) {
    uint32_t mode = mode_of(r->m.param1), peer = peer_of(r, CF_FIELD_APP_PRIORITY);
    if (mode == SIM_MODES) {
        a->result = LINEERR_INVALMEDIAMODE;
        return;
    }
    uint32_t place = place_of(m, mode, peer);
    a->state = place;
    if (r->m.id == CF_REQ_GET_APP_PRIORITY)
        return;
    if (r->m.param2 > 1)
        a->result = LINEERR_INVALPARAM;
    else if (!may_set(&m->ports[port]))
        a->result = LINEERR_OPERATIONUNAVAIL;
    if (a->result != 0)
        return;
    uint8_t *list = m->priority[mode];
    if (place != 0) {
        memmove(list + place - 1, list + place, m->priority_count[mode] - place);
        m->priority_count[mode]--;
    }
    if (r->m.param2 == 1) {
        memmove(list + 1, list, m->priority_count[mode]++);
        list[0] = (uint8_t)peer;
    }
}

/* ------------------------------------------------------------------ what is told */

/* LINE_CALLINFO to everyone with a handle who is not of but_port. unsure: it may be told, or not. */
void m_call_info(struct model *m, struct m_call *c, uint32_t bits, int64_t time_ns, uint32_t but_port, bool unsure) {
    bool ending = c->ending && !c->ended; /* for the engine it may live yet */
    if (c->state == LINECALLSTATE_IDLE && !ending)
        return;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *ref = &m->refs[i];
        if (!ref->used || ref->gone || &m->calls[ref->call] != c || ref->port == but_port)
            continue;
        if (unsure || ending) {
            ref->infos |= bits;
            m->ports[ref->port].missed_high += m->ports[ref->port].outage;
        } else {
            m_ref_owe(m, ref, &(struct m_owed){.id = LINE_CALLINFO, .param1 = bits, .time_ns = time_ns});
        }
    }
}

/* ------------------------------------------------------------------ lineHandoff */

/* The open that gets the call: the named application's first, or the first claim for the media mode. */
static struct m_open *target_of(struct model *m, const struct m_call *c, const struct cf_record *r, uint32_t *ret_port) {
    struct cf_field f;
    bool directed = cf_fields_find(r, CF_FIELD_TARGET, &f);
    uint32_t peer = peer_of(r, CF_FIELD_TARGET);
    struct m_open *best = NULL;
    uint64_t best_claim = UINT64_MAX;
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < SIM_OPENS; i++) {
            struct m_open *o = &m->ports[port].opens[i];
            if (!o->used || o->gone || o->provider != c->provider || o->line != c->line || m->ports[port].state != 2 ||
                (o->privilege & LINECALLPRIVILEGE_OWNER) == 0 || (directed ? port != peer : (o->media & r->m.param1) == 0))
                continue;
            uint64_t claim = (uint64_t)(directed ? 0 : m_rank(m, port, (uint32_t)r->m.param1)) << 32 | o->order;
            if (claim >= best_claim)
                continue;
            best_claim = claim;
            best = o;
            *ret_port = port;
        }
    return best;
}

static struct m_ref *ref_at(struct model *m, uint32_t call, uint32_t port, uint32_t open) {
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *ref = &m->refs[i];
        if (ref->used && !ref->gone && ref->call == call && ref->port == port && ref->open == open)
            return ref;
    }
    return NULL;
}

/* Nothing about the call and the opens of its line is in doubt, so that what a handoff does can be told. */
bool m_handoff_sure(struct model *m, const struct m_ref *ref) {
    const struct m_call *c = &m->calls[ref->call];
    bool sure = !ref->gone && !ref->limbo && !c->ending && c->used && !m->small;
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < SIM_OPENS; i++) {
            const struct m_open *o = &m->ports[port].opens[i];
            if (o->used && o->provider == c->provider && o->line == c->line)
                sure &= !o->gone && !o->limbo && !o->unsure && o->close_owed == 0 && m->ports[port].state == 2 && !m->ports[port].shut;
        }
    for (uint32_t i = 0; i < SIM_CALLS; i++)
        sure &= !m->listed[i].used;
    return sure;
}

/* Its next LINE_CALLSTATE carries OWNER, and tells the state as it is. */
static void regrant(struct model *m, struct m_ref *to) {
    const struct m_call *c = &m->calls[to->call];
    to->privilege = LINECALLPRIVILEGE_OWNER;
    to->first = true;
    to->first_free = to->candidate = to->unknown = false;
    struct m_owed owed = {.id = LINE_CALLSTATE, .param1 = c->state, .param2 = c->mode, .time_ns = c->state_ns};
    if (c->state == LINECALLSTATE_CONFERENCED)
        m_conference_owed(m, to, &owed);
    m_ref_owe(m, to, &owed);
}

/* One that has no handle that it knows of. */
static void grant(struct model *m, uint32_t call, uint32_t port, uint32_t open, struct m_ref *to) {
    struct m_port *p = &m->ports[port];
    if (to == NULL)
        to = m_ref_new(m, port, open, call, p->outage ? M_LATER : M_NOW);
    to->announce = p->outage ? M_LATER : M_NOW;
    to->handed = true;
    if (p->outage)
        p->missed_high += 2;
    regrant(m, to);
}

static void answer_handoff(struct model *m, struct m_answer *a, uint32_t port, struct m_ref *ref, const struct cf_record *r) {
    struct m_call *c = &m->calls[ref->call];
    struct cf_field f;
    bool directed = cf_fields_find(r, CF_FIELD_TARGET, &f);
    uint32_t to_port = 0;
    if (ref->privilege != LINECALLPRIVILEGE_OWNER)
        a->result = LINEERR_NOTOWNER;
    else if (!directed && mode_of(r->m.param1) == SIM_MODES)
        a->result = LINEERR_INVALMEDIAMODE;
    else if (c->state == LINECALLSTATE_IDLE)
        a->result = LINEERR_INVALCALLSTATE;
    if (a->result != 0)
        return;
    struct m_open *open = target_of(m, c, r, &to_port);
    if (open == NULL || (!directed && to_port == port)) {
        a->result = open == NULL ? LINEERR_TARGETNOTFOUND : LINEERR_TARGETSELF;
        return;
    }
    uint32_t at = (uint32_t)(open - m->ports[to_port].opens);
    struct m_ref *to = ref_at(m, ref->call, to_port, at), before = {0};
    bool has = to != NULL && (to->announce == M_TOLD || to->announce == M_REPLY), owner = has && to->privilege == LINECALLPRIVILEGE_OWNER;
    if (to != NULL)
        before = *to;
    if (!owner && !(to != NULL && to->handed))
        m_counts_changed(m, ref->call, port, LINECALLINFOSTATE_NUMOWNERINCR | (has ? LINECALLINFOSTATE_NUMMONITORS : 0), true);
    if (to != NULL) { /* it learns it by LINE_CALLSTATE alone */
        to->counts = before.counts;
        to->counts_must = before.counts_must;
        to->changes = before.changes;
    }
    if (has)
        regrant(m, to);
    else
        grant(m, ref->call, to_port, at, to);
}

/* ------------------------------------------------------------------ lineSetAppSpecific, lineSetMediaMode */

static void answer_app_specific(struct model *m, struct m_answer *a, uint32_t port, struct m_ref *ref, const struct cf_record *r) {
    struct m_call *c = &m->calls[ref->call];
    if (ref->privilege != LINECALLPRIVILEGE_OWNER) {
        a->result = LINEERR_NOTOWNER;
        return;
    }
    if (c->app_specific == (uint32_t)r->m.param1 && !c->tags_unsure)
        return;
    c->app_specific = (uint32_t)r->m.param1;
    m_call_info(m, c, LINECALLINFOSTATE_APPSPECIFIC, 0, port, a->may_fail || c->tags_unsure);
    c->tags_unsure |= a->may_fail;
}

static void answer_media(struct model *m, struct m_answer *a, struct m_ref *ref, const struct cf_record *r) {
    struct m_call *c = &m->calls[ref->call];
    uint64_t media = r->m.param1;
    bool several = mode_of(media) == SIM_MODES && (media & 2) != 0 && media < 0x10000 && (media & 1) == 0;
    if (ref->privilege != LINECALLPRIVILEGE_OWNER)
        a->result = LINEERR_NOTOWNER;
    else if (mode_of(media) == SIM_MODES && !several)
        a->result = LINEERR_INVALMEDIAMODE;
    if (a->result != 0 || (c->media == media && !c->tags_unsure))
        return;
    bool unsure = a->may_fail || c->tags_unsure, live = c->state != LINECALLSTATE_IDLE;
    c->media = (uint32_t)media;
    m_call_info(m, c, LINECALLINFOSTATE_MEDIAMODE, 0, 0, unsure);
    c->media_due += live && !unsure && !c->ending;
    c->media_may += unsure || c->ending;
    c->tags_unsure |= a->may_fail;
}

void m_answer_owner(struct model *m, struct m_answer *a, uint32_t port, struct m_ref *ref, const struct cf_record *r) {
    if (r->m.id == CF_REQ_HANDOFF)
        answer_handoff(m, a, port, ref, r);
    else if (r->m.id == CF_REQ_SET_APP_SPECIFIC)
        answer_app_specific(m, a, port, ref, r);
    else
        answer_media(m, a, ref, r);
}

/* It was not set after all. */
void m_tags_refused(struct model *m, const struct m_answer *a) {
    struct m_call *c = &m->calls[a->call];
    if (!a->may_fail || !c->used)
        return;
    if (a->id == CF_REQ_SET_APP_SPECIFIC)
        c->app_specific = a->app_specific;
    if (a->id == CF_REQ_SET_MEDIA_MODE)
        c->media = a->media;
}

void m_tags_answer(struct model *m, uint32_t port, const struct m_answer *a, const struct cf_reply_call_info *i) {
    if (!a->tags_unsure && (i->app_specific != a->app_specific || i->media_mode != a->media))
        m_fail(m, "port %u: call info says app specific %#x, media %#x, expected %#x and %#x", port, i->app_specific, i->media_mode,
               a->app_specific, a->media);
}

void m_media_command(struct model *m, uint32_t provider, const struct m_output *o) {
    struct m_call *c = m_call_of(m, provider, o->m.device);
    if (c == NULL || (c->media_due == 0 && c->media_may == 0))
        m_fail(m, "provider %u: SET_MEDIA_MODE of %#lx, which nobody set", provider, o->m.device);
    else if (c->media_due != 0)
        c->media_due--;
    else
        c->media_may--;
    m->checked++;
}
