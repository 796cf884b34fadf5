/* See watch.h. */
#include "core/watch.h"

#include "core/blocks.h"
#include "core/requests.h"

/* ------------------------------------------------------------------ where they lie */

static uint32_t blocks_for(uint32_t watches) {
    return watches <= CF_WATCHES_HERE ? 0 : (watches - CF_WATCHES_HERE + CF_WATCHES_PER_BLOCK - 1) / CF_WATCHES_PER_BLOCK;
}

/* The block of watch number n, of those beyond the first: the newest block leads the chain. */
static uint32_t block_of(const struct cf_engine *e, const struct cf_call_extra *x, uint32_t n) {
    uint32_t block = x->watch_block;
    for (uint32_t i = blocks_for(x->watches); i > blocks_for(n + 1); i--)
        block = e->parties[block].next;
    return block;
}

static const struct cf_watch *watch_at(const struct cf_engine *e, const struct cf_call_extra *x, uint32_t n) {
    if (n < CF_WATCHES_HERE)
        return &x->watch[n];
    const struct cf_watch *all = (const void *)e->parties[block_of(e, x, n)].bytes;
    return &all[(n - CF_WATCHES_HERE) % CF_WATCHES_PER_BLOCK];
}

static struct cf_watch *touch_watch(struct cf_engine *e, struct cf_call *c, uint32_t n) {
    struct cf_call_extra *x = cf_extra_touch(e, c);
    if (n >= CF_WATCHES_HERE) {
        struct cf_party_block *block = &e->parties[block_of(e, x, n)];
        cf_touch_range(&e->journal, block, sizeof *block);
    }
    return (struct cf_watch *)watch_at(e, x, n);
}

/* Number of the reference's watch; CF_INDEX_NONE: it has none. */
static uint32_t find(const struct cf_engine *e, const struct cf_call *c, uint64_t ref) {
    const struct cf_call_extra *x = cf_extra_of(e, c);
    for (uint32_t n = 0; n < x->watches; n++)
        if (watch_at(e, x, n)->ref == ref && !watch_at(e, x, n)->ended)
            return n;
    return CF_INDEX_NONE;
}

/* The port of one that has not ended. */
static uint32_t port_of(const struct cf_engine *e, const struct cf_call *c, const struct cf_watch *w) {
    return cf_open_port_of(*cf_open_at(e, c->line, cf_ref_position(w->ref)));
}

static void count(struct cf_engine *e, uint32_t port, int32_t more) {
    cf_touch_one(e, &e->ports[port].watches);
    e->ports[port].watches += (uint32_t)more;
}

/* A new watch for a reference of that port: its number. CF_INDEX_NONE: there is no room. */
static uint32_t add(struct cf_engine *e, struct cf_call *c, uint64_t ref, uint32_t port) {
    struct cf_call_extra *x = e->ports[port].watches < e->parties_max / 8 + 8 ? cf_extra_touch(e, c) : NULL;
    if (x == NULL)
        return CF_INDEX_NONE;
    if (blocks_for(x->watches + 1) != blocks_for(x->watches)) {
        uint32_t block = cf_block_take(e);
        if (block == CF_INDEX_NONE)
            return CF_INDEX_NONE;
        e->parties[block].next = x->watch_block;
        x->watch_block = block;
    }
    count(e, port, 1);
    *touch_watch(e, c, x->watches++) = (struct cf_watch){.ref = ref};
    return x->watches - 1;
}

/* The hole is filled with the last one. */
static void remove_watch(struct cf_engine *e, struct cf_call *c, uint32_t n) {
    struct cf_call_extra *x = cf_extra_touch(e, c);
    *touch_watch(e, c, n) = *watch_at(e, x, x->watches - 1);
    if (blocks_for(x->watches - 1) != blocks_for(x->watches)) {
        uint32_t block = x->watch_block;
        x->watch_block = e->parties[block].next;
        cf_touch_one(e, &e->parties[block].next);
        e->parties[block].next = CF_INDEX_NONE;
        cf_block_give(e, block);
    }
    x->watches--;
}

bool cf_watch_check(const struct cf_engine *e, const struct cf_call *c, uint32_t *blocks) {
    const struct cf_call_extra *x = cf_extra_of(e, c);
    uint32_t n = 0;
    for (uint32_t block = x->watch_block; block != CF_INDEX_NONE && n <= blocks_for(x->watches); block = e->parties[block].next, n++)
        if (block >= e->g->parties_used)
            return false;
    uint64_t seen[CF_OPENS_PER_LINE_MAX / 64] = {0};
    *blocks += n;
    if (n != blocks_for(x->watches) || (x->watches != 0 && c->state == LINECALLSTATE_IDLE))
        return false;
    for (uint32_t i = 0; i < x->watches; i++) {
        const struct cf_watch *w = watch_at(e, x, i);
        uint32_t position = cf_ref_position(w->ref), at = w->ended ? CF_INDEX_NONE : cf_call_find_position(e, c, position);
        uint64_t *word = &seen[position / 64], bit = UINT64_C(1) << (position % 64);
        bool nothing = w->digit_modes == 0 && w->media_modes == 0;
        if (w->ended ? w->tones == 0 || !nothing
                     : at == CF_INDEX_NONE || cf_call_ref(e, c, at) != w->ref || (*word & bit) != 0 || (w->tones == 0 && nothing))
            return false;
        *word |= w->ended ? 0 : bit;
    }
    return true;
}

void cf_watch_count(const struct cf_engine *e, const struct cf_call *c, uint32_t *by_port) {
    const struct cf_call_extra *x = cf_extra_of(e, c);
    for (uint32_t n = 0; n < x->watches; n++) {
        const struct cf_watch *w = watch_at(e, x, n);
        if (!w->ended)
            by_port[port_of(e, c, w)]++;
    }
}

/* ------------------------------------------------------------------ what is listened for */

struct cf_watch_modes cf_watch_modes(const struct cf_engine *e, const struct cf_call *c) {
    const struct cf_call_extra *x = cf_extra_of(e, c);
    struct cf_watch_modes all = {0};
    for (uint32_t n = 0; n < x->watches; n++) {
        const struct cf_watch *w = watch_at(e, x, n);
        all.digit_modes |= w->digit_modes;
        all.media_modes |= w->media_modes;
    }
    return all;
}

static void due(struct cf_engine *e, struct cf_call *c) {
    if (c->provider != 0 && e->ports[c->provider].state == CF_PORT_LIVE)
        cf_call_due(e, c, CF_CALL_MONITOR_DUE);
}

/* Something may be listened for that was not, or not any more: everyone with a handle learns it, and the provider. */
static void changed(struct cf_engine *e, struct cf_call *c, struct cf_watch_modes before) {
    struct cf_watch_modes now = cf_watch_modes(e, c);
    if (now.digit_modes == before.digit_modes && now.media_modes == before.media_modes)
        return;
    cf_call_notice(e, c, LINECALLINFOSTATE_MONITORMODES, CF_INDEX_NONE);
    due(e, c);
}

/* Digits and media of an application. */
static int32_t listen(struct cf_engine *e, uint32_t port, const struct cf_asked *a, bool digits, uint32_t modes) {
    uint64_t ref = cf_call_ref(e, a->call, a->ref_at);
    uint32_t n = find(e, a->call, ref);
    struct cf_watch_modes before = cf_watch_modes(e, a->call);
    if (n == CF_INDEX_NONE && modes == 0)
        return 0;
    n = n != CF_INDEX_NONE ? n : add(e, a->call, ref, port);
    if (n == CF_INDEX_NONE)
        return LINEERR_RESOURCEUNAVAIL;
    struct cf_watch *w = touch_watch(e, a->call, n);
    if (digits)
        w->digit_modes = (uint8_t)modes;
    else
        w->media_modes = modes;
    if (w->digit_modes == 0 && w->media_modes == 0 && w->tones == 0) {
        remove_watch(e, a->call, n);
        count(e, port, -1);
    }
    changed(e, a->call, before);
    return 0;
}

/*
 * Tones are kept by the provider alone, so its ring must have room for them now. The list has a number of its own, so that what was heard of an
 * older one is told apart.
 */
static int32_t listen_for_tones(struct cf_engine *e, uint32_t port, const struct cf_asked *a, const struct cf_field *tones) {
    struct cf_call *c = a->call;
    uint64_t ref = cf_call_ref(e, c, a->ref_at);
    uint32_t n = find(e, c, ref), before = n == CF_INDEX_NONE ? 0 : watch_at(e, cf_extra_of(e, c), n)->tones;
    if (before == 0 && tones == NULL)
        return 0;
    bool is_new = n == CF_INDEX_NONE;
    n = is_new ? add(e, c, ref, port) : n;
    if (n == CF_INDEX_NONE)
        return LINEERR_RESOURCEUNAVAIL;
    struct cf_watch *w = touch_watch(e, c, n);
    struct cf_call_extra *x = cf_extra_touch(e, c);
    uint32_t number = tones == NULL ? 0 : x->tone_lists == UINT32_MAX ? 1 : x->tone_lists + 1;
    struct cf_record *r = cf_output_begin(e, CF_CMD_MONITOR_TONES, c->provider_call, 0, number, before);
    if (tones != NULL)
        cf_fields_append(r, CF_FIELD_TONES, tones->data, tones->bytes);
    bool told = cf_output_command(e, c->provider, CF_PROVIDER_KEEP_REQUESTS);
    if (told) {
        w->tones = number;
        x->tone_lists = number != 0 ? number : x->tone_lists;
    }
    if (told ? number == 0 && w->digit_modes == 0 && w->media_modes == 0 : is_new) {
        remove_watch(e, c, n);
        count(e, port, -1);
    }
    return told ? 0 : LINEERR_RESOURCEUNAVAIL;
}

void cf_watch_leave(struct cf_engine *e, struct cf_call *c, uint64_t ref, uint32_t port) {
    uint32_t n = find(e, c, ref);
    if (n == CF_INDEX_NONE)
        return;
    struct cf_watch_modes before = cf_watch_modes(e, c);
    struct cf_watch *w = touch_watch(e, c, n);
    count(e, port, -1);
    if (w->tones != 0) {
        *w = (struct cf_watch){.ref = w->ref, .tones = w->tones, .ended = 1};
        if (c->refs != 0)
            due(e, c);
    } else {
        remove_watch(e, c, n);
    }
    if (c->refs != 0) /* else it is closed, which says it all, or see cf_watch_nobody() */
        changed(e, c, before);
}

void cf_watch_nobody(struct cf_engine *e, struct cf_call *c) {
    const struct cf_call_extra *x = cf_extra_of(e, c);
    if (x->watches != 0 || x->told_digit_modes != 0 || x->told_media_modes != 0)
        due(e, c);
}

void cf_watch_end(struct cf_engine *e, struct cf_call *c) {
    const struct cf_call_extra *old = cf_extra_of(e, c);
    for (uint32_t n = 0; n < old->watches; n++) {
        const struct cf_watch *w = watch_at(e, old, n);
        if (!w->ended)
            count(e, port_of(e, c, w), -1);
    }
    if (old->watches == 0 && old->told_digit_modes == 0 && old->told_media_modes == 0)
        return;
    struct cf_call_extra *x = cf_extra_touch(e, c);
    cf_block_give(e, x->watch_block);
    x->watch_block = CF_INDEX_NONE;
    x->watches = x->told_media_modes = x->told_digit_modes = 0;
}

/* ------------------------------------------------------------------ the provider */

static bool command(struct cf_engine *e, const struct cf_call *c, uint16_t id, uint64_t p2, uint64_t p3) {
    cf_output_begin(e, id, c->provider_call, 0, p2, p3);
    return cf_output_command(e, c->provider, CF_PROVIDER_KEEP_DUES);
}

bool cf_watch_tell(struct cf_engine *e, struct cf_call *c) {
    struct cf_watch_modes now = cf_watch_modes(e, c);
    const struct cf_call_extra *told = cf_extra_of(e, c);
    if (now.digit_modes != told->told_digit_modes) {
        if (!command(e, c, CF_CMD_MONITOR_DIGITS, now.digit_modes, 0))
            return false;
        cf_extra_touch(e, c)->told_digit_modes = (uint8_t)now.digit_modes;
    }
    if (now.media_modes != told->told_media_modes) {
        if (!command(e, c, CF_CMD_MONITOR_MEDIA, now.media_modes, 0))
            return false;
        cf_extra_touch(e, c)->told_media_modes = now.media_modes;
    }
    for (uint32_t n = told->watches; n-- > 0;) {
        const struct cf_watch *w = watch_at(e, told, n);
        if (!w->ended)
            continue;
        if (!command(e, c, CF_CMD_MONITOR_TONES, 0, w->tones))
            return false;
        remove_watch(e, c, n);
    }
    return true;
}

/* ------------------------------------------------------------------ what is heard */

static const struct heard {
    uint16_t event, message;
} heard[] = {
    {CF_EV_DIGIT, LINE_MONITORDIGITS},
    {CF_EV_MEDIA, LINE_MONITORMEDIA},
    {CF_EV_TONE, LINE_MONITORTONE},
};

static bool well_formed(const struct cf_message *m) {
    if (m->id == CF_EV_DIGIT)
        return cf_one_of(m->param2, CF_DIGIT_MODES) && cf_digit_heard((uint32_t)m->param2, m->param1);
    return m->id == CF_EV_MEDIA ? cf_one_of(m->param1, CF_MEDIA_MODES)
                                : m->param1 <= UINT32_MAX && m->param2 != 0 && m->param2 <= UINT32_MAX;
}

static bool listens(const struct cf_watch *w, const struct cf_message *m) {
    if (w->ended)
        return false;
    return m->id == CF_EV_DIGIT   ? (w->digit_modes & m->param2) != 0
           : m->id == CF_EV_MEDIA ? (w->media_modes & m->param1) != 0
                                  : w->tones == m->param2;
}

/* A digit that nobody listens for is no error: who asked may just have stopped. */
bool cf_watch_event(struct cf_engine *e, const struct cf_call *c) {
    const struct cf_message *m = &e->in.m;
    const struct cf_call_extra *x = cf_extra_of(e, c);
    uint16_t message = 0;
    for (size_t i = 0; i < sizeof heard / sizeof heard[0]; i++)
        message = heard[i].event == m->id ? heard[i].message : message;
    if (!well_formed(m))
        return false;
    if ((c->state & LINECALLSTATE_CONFERENCED) != 0) {
        e->tally.stale_events++; /* the call of the conference is the one that is heard (5.7) */
        return true;
    }
    for (uint32_t n = 0; n < x->watches; n++) {
        const struct cf_watch *w = watch_at(e, x, n);
        uint32_t port, open_line;
        if (!listens(w, m) || !cf_ref_live(e, c, w->ref, &port, &open_line))
            continue;
        uint64_t handle = cf_port_handle(e, port, cf_ref_index(w->ref), cf_ref_generation(w->ref));
        cf_output_tell(e, port, message, handle, m->param1, m->id == CF_EV_DIGIT ? m->param2 : 0, (uint32_t)(m->time_ns / 1000000),
                       m->time_ns, open_line);
    }
    return true;
}

/* ------------------------------------------------------------------ requests */

/* The list as the line can tell it: 0, INVALTONE, RESOURCEUNAVAIL. */
static int32_t tones_refusal(const struct cf_line_caps *caps, const struct cf_field *f) {
    struct cf_heard_tone t;
    if (f->bytes % sizeof t != 0 || f->bytes == 0)
        return LINEERR_INVALTONE;
    if (f->bytes / sizeof t > caps->monitor_tone_entries)
        return LINEERR_RESOURCEUNAVAIL;
    for (uint32_t at = 0; at < f->bytes; at += (uint32_t)sizeof t) {
        memcpy(&t, f->data + at, sizeof t);
        uint32_t used = (t.frequency_hz[0] != 0) + (t.frequency_hz[1] != 0) + (t.frequency_hz[2] != 0);
        if (used > caps->monitor_tone_freqs)
            return LINEERR_INVALTONE;
    }
    return 0;
}

static int32_t monitor_tones(struct cf_engine *e, uint32_t port, const struct cf_asked *a) {
    struct cf_field f;
    bool listed = cf_fields_find(&e->in, CF_FIELD_TONES, &f);
    int32_t error = cf_request_refusal(e, a, LINECALLFEATURE_MONITORTONES, 0);
    if (error == 0 && listed)
        error = tones_refusal(&e->infos[a->call->line].caps, &f);
    return error != 0 ? error : listen_for_tones(e, port, a, listed ? &f : NULL);
}

static int32_t monitor_digits(struct cf_engine *e, uint32_t port, const struct cf_asked *a) {
    uint64_t modes = e->in.m.param1;
    int32_t error = cf_request_refusal(e, a, LINECALLFEATURE_MONITORDIGITS, (modes & ~(uint64_t)CF_DIGIT_MODES) != 0 ? LINEERR_INVALDIGITMODE : 0);
    if (error == 0 && (modes & ~e->infos[a->call->line].caps.monitor_digit_modes) != 0)
        error = LINEERR_INVALDIGITMODE;
    return error != 0 ? error : listen(e, port, a, true, (uint32_t)modes);
}

/* Any media: a fax tone is looked for on a line for voice. */
static int32_t monitor_media(struct cf_engine *e, uint32_t port, const struct cf_asked *a) {
    uint64_t modes = e->in.m.param1;
    int32_t error = cf_request_refusal(e, a, LINECALLFEATURE_MONITORMEDIA, (modes & ~(uint64_t)CF_MEDIA_MODES) != 0 ? LINEERR_INVALMEDIAMODE : 0);
    return error != 0 ? error : listen(e, port, a, false, (uint32_t)modes);
}

bool cf_watch_take(struct cf_engine *e, uint32_t port) {
    uint16_t id = e->in.m.id;
    if (id != CF_REQ_MONITOR_DIGITS && id != CF_REQ_MONITOR_MEDIA && id != CF_REQ_MONITOR_TONES)
        return false;
    struct cf_asked a = cf_request_asked(e, port);
    int32_t result = a.call == NULL                ? LINEERR_INVALCALLHANDLE
                     : id == CF_REQ_MONITOR_DIGITS ? monitor_digits(e, port, &a)
                     : id == CF_REQ_MONITOR_MEDIA  ? monitor_media(e, port, &a)
                                                   : monitor_tones(e, port, &a);
    cf_output_answer(e, port, result, NULL, 0);
    return true;
}
