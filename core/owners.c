/*
 * Owners: who becomes the owner of a call, at its beginning and by a handoff, and what an owner writes on it.
 *
 * Invariant  what is handed over is not lost: a target that is behind, or has no room, keeps ownership by its handle's marks
 * Source     tapi reference: lineOpen, lineSetAppPriority, lineHandoff, lineSetAppSpecific, lineSetMediaMode; G-4, G-5, G-25 in docs/TAPI.md
 */
#include "core/requests.h"

/* Of two opens that could have a call: higher in the list of the media mode, else opened earlier (G-5). */
struct claim {
    uint32_t position, rank;
    uint64_t opened;
};

static bool comes_before(const struct claim *a, const struct claim *b) {
    return a->rank != b->rank ? a->rank < b->rank : a->opened < b->opened;
}

/* Its application could be given another handle, and clears away those it has. */
static bool has_room(const struct cf_engine *e, uint32_t port) {
    const struct cf_port *p = &e->ports[port];
    return p->idle_handles < e->limits.idle_handles_max && p->handles.live < e->view[port].rights->handles;
}

/* ------------------------------------------------------------------ the initial owner */

/* The best open with OWNER for that media mode whose application is in step. CF_INDEX_NONE: none. */
static uint32_t find_owner(const struct cf_engine *e, const struct cf_call *c, uint32_t media) {
    const struct cf_line *l = &e->lines[c->line];
    struct claim best = {CF_INDEX_NONE, UINT32_MAX, UINT64_MAX};
    for (uint32_t at = cf_line_next_position(l, 0); at != CF_INDEX_NONE; at = cf_line_next_position(l, at + 1)) {
        uint64_t open = *cf_open_at(e, c->line, at);
        if ((open & (CF_OPEN_LIVE | CF_OPEN_OWNER)) != (CF_OPEN_LIVE | CF_OPEN_OWNER))
            continue;
        uint32_t port = cf_open_port_of(open);
        const struct cf_port *p = &e->ports[port];
        const struct cf_open_line *o = &e->view[port].open_lines[cf_open_line_of(open)];
        if (p->state != CF_PORT_LIVE || p->step != CF_IN_STEP || !has_room(e, port) || (o->media_modes & media) == 0 ||
            ((open & CF_OPEN_SINGLE_ADDRESS) != 0 && o->address != c->address))
            continue;
        struct claim claim = {at, cf_priority_rank(e, port, media), o->opened};
        if (comes_before(&claim, &best))
            best = claim;
    }
    return best.position;
}

/* Offers the call to who may own it for that media mode. True: somebody does. */
static bool offer(struct cf_engine *e, struct cf_call *c, uint32_t media) {
    /* One whose ring turns out to be full falls behind and is no candidate any more; nothing is counted as missed here, since announcing
     * to monitors counts it. */
    for (int tries = 0; tries < 8; tries++) {
        uint32_t at = find_owner(e, c, media);
        if (at == CF_INDEX_NONE)
            return false;
        if (cf_call_may_announce(e, c, cf_open_port_of(*cf_open_at(e, c->line, at))))
            return cf_call_announce(e, c, at, true, c->state, c->mode);
    }
    return false;
}

/* The order in which TAPI tries the media modes of a call of which UNKNOWN is one. The last three are tried only of a call without it. */
static const uint32_t media_order[] = {
    LINEMEDIAMODE_UNKNOWN,     LINEMEDIAMODE_INTERACTIVEVOICE, LINEMEDIAMODE_DATAMODEM, LINEMEDIAMODE_G3FAX,
    LINEMEDIAMODE_TDD,         LINEMEDIAMODE_G4FAX,            LINEMEDIAMODE_DIGITALDATA, LINEMEDIAMODE_TELETEX,
    LINEMEDIAMODE_VIDEOTEX,    LINEMEDIAMODE_TELEX,            LINEMEDIAMODE_MIXED,     LINEMEDIAMODE_ADSI,
    LINEMEDIAMODE_AUTOMATEDVOICE, LINEMEDIAMODE_VOICEVIEW,     LINEMEDIAMODE_VIDEO,
};
#define MEDIA_ORDER (sizeof media_order / sizeof media_order[0])
_Static_assert(MEDIA_ORDER == CF_PRIORITY_MODES, "each media mode");

/* A mode that nobody takes is none of the call's any more once another is taken; UNKNOWN stays until an owner knows better. */
void cf_call_choose_owner(struct cf_engine *e, struct cf_call *c) {
    uint32_t media = c->media != 0 ? c->media : LINEMEDIAMODE_UNKNOWN, in_vain = 0;
    size_t count = (media & LINEMEDIAMODE_UNKNOWN) != 0 ? MEDIA_ORDER - 3 : MEDIA_ORDER;
    for (size_t i = 0; i < count; i++) {
        if ((media & media_order[i]) == 0)
            continue;
        if (offer(e, c, media_order[i])) {
            cf_touch_one(e, c);
            c->media &= ~in_vain;
            return;
        }
        in_vain |= media_order[i] & ~(uint32_t)LINEMEDIAMODE_UNKNOWN;
    }
}

/* ------------------------------------------------------------------ lineHandoff */

/* Whom the request names, or who comes first for its media mode. 0 or LINEERR_. */
static int32_t find_target(const struct cf_engine *e, const struct cf_call *c, uint32_t giver, const struct cf_field *name,
                           uint32_t *ret_position) {
    const struct cf_line *l = &e->lines[c->line];
    uint32_t media = (uint32_t)e->in.m.param1;
    struct claim best = {CF_INDEX_NONE, UINT32_MAX, UINT64_MAX};
    for (uint32_t at = cf_line_next_position(l, 0); at != CF_INDEX_NONE; at = cf_line_next_position(l, at + 1)) {
        uint64_t open = *cf_open_at(e, c->line, at);
        uint32_t port = cf_open_port_of(open);
        const struct cf_port *p = &e->ports[port];
        if ((open & (CF_OPEN_LIVE | CF_OPEN_OWNER)) != (CF_OPEN_LIVE | CF_OPEN_OWNER) || p->state != CF_PORT_LIVE)
            continue;
        const struct cf_open_line *o = &e->view[port].open_lines[cf_open_line_of(open)];
        bool fits = name != NULL ? strlen(p->name) == name->bytes && memcmp(p->name, name->data, name->bytes) == 0
                                 : (o->media_modes & media) != 0;
        if (!fits || (!has_room(e, port) && cf_call_find_position(e, c, at) == CF_INDEX_NONE))
            continue;
        struct claim claim = {at, name != NULL ? 0 : cf_priority_rank(e, port, media), o->opened};
        if (comes_before(&claim, &best))
            best = claim;
    }
    if (best.position == CF_INDEX_NONE)
        return LINEERR_TARGETNOTFOUND;
    *ret_position = best.position;
    bool self = cf_open_port_of(*cf_open_at(e, c->line, best.position)) == giver;
    return self && name == NULL ? LINEERR_TARGETSELF : 0;
}

static int32_t hand_off(struct cf_engine *e, uint32_t port) {
    struct cf_asked a = cf_request_asked(e, port);
    struct cf_field f;
    uint32_t position;
    if (a.call == NULL)
        return LINEERR_INVALCALLHANDLE;
    if (!a.owner)
        return LINEERR_NOTOWNER;
    bool directed = cf_fields_find(&e->in, CF_FIELD_TARGET, &f);
    if (!directed && !cf_media_mode_valid(e->in.m.param1))
        return LINEERR_INVALMEDIAMODE;
    if (a.call->state == LINECALLSTATE_IDLE)
        return LINEERR_INVALCALLSTATE; /* nothing but replies follows IDLE */
    int32_t error = find_target(e, a.call, port, directed ? &f : NULL, &position);
    if (error != 0)
        return error;
    return cf_call_hand(e, a.call, position, port) ? 0 : LINEERR_NOMEM;
}

/* ------------------------------------------------------------------ lineSetAppSpecific, lineSetMediaMode */

static int32_t set_app_specific(struct cf_engine *e, uint32_t port) {
    struct cf_asked a = cf_request_asked(e, port);
    uint32_t value = (uint32_t)e->in.m.param1;
    if (a.call == NULL)
        return LINEERR_INVALCALLHANDLE;
    if (!a.owner)
        return LINEERR_NOTOWNER;
    if (a.call->app_specific == value)
        return 0;
    cf_touch_one(e, &a.call->app_specific);
    a.call->app_specific = value;
    cf_call_info_but(e, a.call, LINECALLINFOSTATE_APPSPECIFIC, e->now_ns, port);
    return 0;
}

static int32_t set_media_mode(struct cf_engine *e, uint32_t port) {
    struct cf_asked a = cf_request_asked(e, port);
    uint64_t media = e->in.m.param1;
    if (a.call == NULL)
        return LINEERR_INVALCALLHANDLE;
    if (!a.owner)
        return LINEERR_NOTOWNER;
    if (!cf_media_modes_valid(media))
        return LINEERR_INVALMEDIAMODE;
    struct cf_call *c = a.call;
    if (c->media == media)
        return 0;
    cf_touch_one(e, c);
    c->media = (uint32_t)media;
    if (c->provider != 0 && c->state != LINECALLSTATE_IDLE) {
        cf_output_begin(e, CF_CMD_SET_MEDIA_MODE, c->provider_call, 0, media, 0);
        cf_output_command(e, c->provider, CF_PROVIDER_KEEP_REQUESTS); /* advice only: a provider whose ring is full does not get it */
    }
    cf_call_info(e, c, LINECALLINFOSTATE_MEDIAMODE, e->now_ns);
    return 0;
}

bool cf_owners_take(struct cf_engine *e, uint32_t port) {
    switch (e->in.m.id) {
    case CF_REQ_HANDOFF:
        cf_output_answer(e, port, hand_off(e, port), NULL, 0);
        return true;
    case CF_REQ_SET_APP_SPECIFIC:
        cf_output_answer(e, port, set_app_specific(e, port), NULL, 0);
        return true;
    case CF_REQ_SET_MEDIA_MODE:
        cf_output_answer(e, port, set_media_mode(e, port), NULL, 0);
        return true;
    default:
        return false;
    }
}
