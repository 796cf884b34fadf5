/*
 * Calls: objects, references, and the fan-out of what happens to them.
 *
 * Invariant  a call holds one reference per (port, open line) that has a handle; owners counts those with owner privilege; a void
 *            reference (its open's line word is cleared, or its port is going) is skipped until somebody removes it
 */
#include "core/internal.h"

#include "core/conference.h"
#include "core/parties.h"
#include "core/watch.h"

#define CALL_IDLE LINECALLSTATE_IDLE

/* ------------------------------------------------------------------ references */

static uint64_t *ref_at(const struct cf_engine *e, const struct cf_call *c, uint32_t at) {
    if (at < CF_REFS_INLINE)
        return (uint64_t *)&c->ref[at];
    struct cf_ref_chunk *k = &e->chunks[c->chunk];
    for (at -= CF_REFS_INLINE; at >= CF_REFS_PER_CHUNK; at -= CF_REFS_PER_CHUNK)
        k = &e->chunks[k->next];
    return &k->refs[at];
}

uint64_t cf_call_ref(const struct cf_engine *e, const struct cf_call *c, uint32_t at) { return *ref_at(e, c, at); }

/* Every at from 0 to refs - 1 in turn, walking each chunk once. */
struct ref_walk {
    const struct cf_engine *e;
    const uint64_t *refs;
    uint32_t chunk; /* the next one */
    uint32_t left, here;
};

static inline struct ref_walk walk_refs(const struct cf_engine *e, const struct cf_call *c) {
    return (struct ref_walk){e, c->ref, c->chunk, c->refs, CF_REFS_INLINE};
}

static inline bool next_ref(struct ref_walk *w, uint64_t *ret_ref) {
    if (w->left == 0)
        return false;
    if (cf_unlikely(w->here == 0)) {
        const struct cf_ref_chunk *k = &w->e->chunks[w->chunk];
        w->refs = k->refs;
        w->chunk = k->next;
        w->here = CF_REFS_PER_CHUNK;
    }
    *ret_ref = *w->refs++;
    w->here--;
    w->left--;
    return true;
}

static uint32_t chunk_take(struct cf_engine *e) {
    struct cf_globals *g = e->g;
    uint32_t chunk = g->chunk_free;
    if (chunk == CF_INDEX_NONE && g->chunks_used == e->chunks_max)
        return CF_INDEX_NONE;
    cf_touch_one(e, &g->chunk_free);
    if (chunk == CF_INDEX_NONE)
        chunk = g->chunks_used++;
    else
        g->chunk_free = e->chunks[chunk].next;
    cf_touch_one(e, &e->chunks[chunk].next);
    e->chunks[chunk].next = CF_INDEX_NONE;
    return chunk;
}

static void chunk_give(struct cf_engine *e, uint32_t chunk) {
    cf_touch_one(e, &e->chunks[chunk].next);
    e->chunks[chunk].next = e->g->chunk_free;
    cf_touch_one(e, &e->g->chunk_free);
    e->g->chunk_free = chunk;
}

/* Room for one more reference; grows the list by a chunk at its end. */
static bool ref_room(struct cf_engine *e, struct cf_call *c) {
    uint32_t n = c->refs;
    if (n == CF_HANDLES_PER_CALL_MAX)
        return false;
    if (n < CF_REFS_INLINE || (n - CF_REFS_INLINE) % CF_REFS_PER_CHUNK != 0)
        return true;
    uint32_t chunk = chunk_take(e);
    if (chunk == CF_INDEX_NONE)
        return false;
    uint32_t *link = &c->chunk;
    for (uint32_t k = (n - CF_REFS_INLINE) / CF_REFS_PER_CHUNK; k > 0; k--)
        link = &e->chunks[*link].next;
    cf_touch_one(e, link);
    *link = chunk;
    return true;
}

static void ref_add(struct cf_engine *e, struct cf_call *c, uint64_t ref) {
    uint64_t *slot = ref_at(e, c, c->refs);
    cf_touch_one(e, slot);
    *slot = ref;
    cf_touch_one(e, c);
    c->refs++;
}

/* The chunk that would hold reference number n, its first, goes back. */
static void chunk_drop_last(struct cf_engine *e, struct cf_call *c, uint32_t n) {
    uint32_t *link = &c->chunk;
    for (uint32_t k = (n - CF_REFS_INLINE) / CF_REFS_PER_CHUNK; k > 0; k--)
        link = &e->chunks[*link].next;
    chunk_give(e, *link);
    cf_touch_one(e, link);
    *link = CF_INDEX_NONE;
}

static void ref_remove(struct cf_engine *e, struct cf_call *c, uint32_t at) {
    uint32_t last = c->refs - 1u;
    uint64_t *hole = ref_at(e, c, at);
    cf_touch_one(e, hole);
    *hole = *ref_at(e, c, last);
    cf_touch_one(e, c);
    c->refs = (uint16_t)last;
    if (last >= CF_REFS_INLINE && (last - CF_REFS_INLINE) % CF_REFS_PER_CHUNK == 0)
        chunk_drop_last(e, c, last);
}

uint32_t cf_call_find_position(const struct cf_engine *e, const struct cf_call *c, uint32_t position) {
    struct ref_walk w = walk_refs(e, c);
    uint64_t ref;
    for (uint32_t at = 0; next_ref(&w, &ref); at++)
        if (cf_ref_position(ref) == position)
            return at;
    return CF_INDEX_NONE;
}

bool cf_ref_live(const struct cf_engine *e, const struct cf_call *c, uint64_t ref, uint32_t *ret_port, uint32_t *ret_open_line) {
    uint64_t open = *cf_open_at(e, c->line, cf_ref_position(ref));
    *ret_port = cf_open_port_of(open);
    *ret_open_line = cf_open_line_of(open);
    return (open & CF_OPEN_LIVE) != 0 && cf_port_alive(&e->ports[*ret_port]);
}

/* ------------------------------------------------------------------ objects */

struct cf_call *cf_call_make(struct cf_engine *e, uint32_t line, uint32_t address, uint32_t provider) {
    uint32_t index, generation = cf_handle_table_allocate(&e->calls, &index);
    if (generation == 0)
        return NULL;
    struct cf_call *c = cf_call_at(e, index);
    cf_touch_range(&e->journal, c, sizeof *c);
    memset((uint8_t *)c + 8, 0, sizeof *c - 8);
    c->line = line;
    c->address = address;
    c->provider = (uint16_t)provider;
    c->chunk = c->parties = c->extra = CF_INDEX_NONE;
    c->next = c->previous = c->next_due = CF_INDEX_NONE;
    cf_touch_one(e, &e->g->serial);
    c->born = e->g->serial++;
    c->bearer_mode = LINEBEARERMODE_VOICE;
    c->state_time_ns = e->now_ns;
    cf_touch_one(e, &e->ports[provider].calls_live);
    e->ports[provider].calls_live++;
    e->tally.calls_made++;
    return c;
}

/* A tentative call is on no list: it becomes one of the line's calls when its provider confirms it. */
void cf_call_link(struct cf_engine *e, struct cf_call *c) {
    struct cf_line *l = &e->lines[c->line];
    uint32_t index = cf_call_index(e, c);
    cf_touch_one(e, l);
    cf_touch_one(e, &c->next);
    c->previous = l->calls_last;
    c->next = CF_INDEX_NONE;
    if (l->calls_last == CF_INDEX_NONE) {
        l->calls_first = index;
    } else {
        struct cf_call *last = cf_call_at(e, l->calls_last);
        cf_touch_one(e, &last->next);
        last->next = index;
    }
    l->calls_last = index;
    l->calls++;
    cf_line_tell(e, c->line, LINEDEVSTATE_NUMCALLS, 0, 0, CF_INDEX_NONE, 0);
    cf_address_call(e, c, CF_ADDRESS_UNUSED, cf_address_use_of(c->state));
}

static void unlink_call(struct cf_engine *e, struct cf_call *c) {
    struct cf_line *l = &e->lines[c->line];
    if ((c->flags & CF_CALL_TENTATIVE) != 0)
        return; /* was never on the list */
    cf_touch_one(e, l);
    if (l->walks != 0)
        cf_walks_leave(e, c);
    if (c->previous == CF_INDEX_NONE) {
        l->calls_first = c->next;
    } else {
        cf_touch_one(e, &cf_call_at(e, c->previous)->next);
        cf_call_at(e, c->previous)->next = c->next;
    }
    if (c->next == CF_INDEX_NONE) {
        l->calls_last = c->previous;
    } else {
        cf_touch_one(e, &cf_call_at(e, c->next)->previous);
        cf_call_at(e, c->next)->previous = c->previous;
    }
    l->calls--;
    cf_line_tell(e, c->line, LINEDEVSTATE_NUMCALLS, 0, 0, CF_INDEX_NONE, 0);
    cf_address_call(e, c, cf_address_use_of(c->state), CF_ADDRESS_UNUSED);
}

void cf_call_told(struct cf_engine *e, uint32_t port, uint32_t call) {
    struct cf_port_view *v = &e->view[port];
    if (v->p->untold == 0 || !cf_marks_clear(&v->untold, &e->journal, call))
        return;
    cf_touch_one(e, &v->p->untold);
    v->p->untold--;
}

/* It has ended, or is nobody's any more: nothing is left to be told of it. */
static void forget_untold(struct cf_engine *e, struct cf_call *c) {
    for (uint32_t i = 0; i < e->active_count; i++)
        if (!cf_port_is_provider(e, e->active[i]) && e->active[i] != 0)
            cf_call_told(e, e->active[i], cf_call_index(e, c));
    cf_touch_one(e, c);
    c->flags &= (uint16_t)~CF_CALL_SKIPPED;
}

void cf_call_free(struct cf_engine *e, struct cf_call *c) {
    assert(c->refs == 0);
    if ((c->flags & CF_CALL_SKIPPED) != 0)
        forget_untold(e, c);
    unlink_call(e, c);
    cf_parties_free(e, c);
    if ((c->flags & CF_CALL_EXTRA) != 0) {
        cf_conference_end(e, c);
        cf_watch_end(e, c);
        cf_extra_free(e, c);
    }
    if (c->provider != 0) {
        struct cf_port_view *v = &e->view[c->provider];
        cf_touch_one(e, &v->p->calls_live);
        v->p->calls_live--;
        if (c->provider_call != 0) {
            struct cf_provider_call *entry = &v->provider_calls[cf_handle_index(c->provider_call)];
            cf_touch_one(e, entry);
            entry->call = 0;
        }
    }
    e->tally.calls_ended++;
    uint32_t index = cf_call_index(e, c);
    cf_handle_table_release(&e->calls, index, c->generation);
}

void cf_call_set_text(uint8_t *field, uint32_t room, const struct cf_record *r, uint16_t tag) {
    struct cf_field f;
    if (!cf_fields_find(r, tag, &f))
        return;
    cf_party_set(field, room, f.data, f.bytes);
    field[0] &= CF_PARTY_LENGTH;
}

void cf_call_due(struct cf_engine *e, struct cf_call *c, uint16_t due) {
    cf_touch_one(e, c);
    bool queued = (c->flags & CF_CALL_QUEUED) != 0;
    c->flags |= due | CF_CALL_QUEUED;
    cf_port_busy(e, c->provider);
    if (queued)
        return;
    struct cf_port *p = &e->ports[c->provider];
    cf_touch_one(e, &c->next_due);
    c->next_due = CF_INDEX_NONE;
    cf_touch_one(e, &p->calls_due_first);
    if (p->calls_due_last == CF_INDEX_NONE) {
        p->calls_due_first = cf_call_index(e, c);
    } else {
        struct cf_call *last = cf_call_at(e, p->calls_due_last);
        cf_touch_one(e, &last->next_due);
        last->next_due = cf_call_index(e, c);
    }
    p->calls_due_last = cf_call_index(e, c);
}

/* The open at that position is still to be told of the call, which was not announced to it. */
static bool open_waits(const struct cf_engine *e, const struct cf_call *c, uint32_t at) {
    uint64_t open = *cf_open_at(e, c->line, at);
    uint32_t port = cf_open_port_of(open);
    const struct cf_port *p = &e->ports[port];
    return (open & CF_OPEN_LIVE) != 0 && (open & CF_OPEN_MONITOR) != 0 && p->state == CF_PORT_LIVE && p->untold != 0 &&
           cf_marks_test(&e->view[port].untold, cf_call_index(e, c)) &&
           e->view[port].open_lines[cf_open_line_of(open)].opened <= c->born && cf_call_find_position(e, c, at) == CF_INDEX_NONE;
}

/* Those opens; each one's port is given to fn unless it is NULL. */
static bool somebody_waits(struct cf_engine *e, struct cf_call *c, void (*fn)(struct cf_engine *, struct cf_port *)) {
    struct cf_line *l = &e->lines[c->line];
    bool found = false;
    for (uint32_t at = cf_line_next_position(l, 0); at != CF_INDEX_NONE; at = cf_line_next_position(l, at + 1)) {
        if (!open_waits(e, c, at))
            continue;
        found = true;
        if (fn == NULL)
            break;
        fn(e, &e->ports[cf_open_port_of(*cf_open_at(e, c->line, at))]);
    }
    return found;
}

/*
 * An open of it has, or is about to give back, a handle for a call that was not announced (lineGetNewCalls; or the line is open twice): unless
 * another one still waits, there is nothing to tell.
 */
static void handed(struct cf_engine *e, struct cf_call *c, uint32_t port) {
    struct cf_line *l = &e->lines[c->line];
    for (uint32_t at = cf_line_next_position(l, 0); at != CF_INDEX_NONE; at = cf_line_next_position(l, at + 1))
        if (cf_open_port_of(*cf_open_at(e, c->line, at)) == port && open_waits(e, c, at))
            return;
    cf_call_told(e, port, cf_call_index(e, c));
}

void cf_call_unseen(struct cf_engine *e, struct cf_port *p) {
    cf_touch_one(e, &p->outage_unseen);
    p->outage_unseen++;
    cf_touch_one(e, &p->calls_unseen);
    p->calls_unseen++;
}

void cf_call_collect(struct cf_engine *e, struct cf_call *c) {
    if (c->refs != 0 || (c->flags & (CF_CALL_TENTATIVE | CF_CALL_CLOSING)) != 0)
        return;
    bool lived = (c->flags & CF_CALL_LIVED) != 0 && e->lines[c->line].state != CF_LINE_REMOVED;
    bool skipped = (c->flags & CF_CALL_SKIPPED) != 0;
    if (c->state != CALL_IDLE && (lived || (skipped && somebody_waits(e, c, NULL)))) { /* who is behind will be told of it */
        if ((c->flags & CF_CALL_EXTRA) != 0)
            cf_watch_nobody(e, c);
        return;
    }
    if (skipped)
        forget_untold(e, c);
    if (c->provider == 0 || e->ports[c->provider].state != CF_PORT_LIVE) {
        if ((c->flags & CF_CALL_QUEUED) == 0)
            cf_call_free(e, c);
        return;
    }
    if ((c->flags & CF_CALL_QUEUED) == 0) {
        cf_output_begin(e, CF_CMD_CLOSE_CALL, c->provider_call, 0, 0, 0);
        if (cf_output_command(e, c->provider, CF_PROVIDER_KEEP_DUES)) {
            cf_call_free(e, c);
            return;
        }
    }
    if ((c->flags & CF_CALL_EXTRA) != 0)
        cf_conference_end(e, c); /* no list may give anyone a handle for it again */
    cf_touch_one(e, c);
    c->flags = (uint16_t)((c->flags | CF_CALL_CLOSING) & ~CF_CALL_DROP_DUE);
    cf_call_due(e, c, CF_CALL_CLOSE_DUE);
}

/* ------------------------------------------------------------------ handles */

uint32_t cf_call_give_handle(struct cf_engine *e, struct cf_call *c, uint32_t position, bool owner) {
    uint64_t open = *cf_open_at(e, c->line, position);
    uint32_t port = cf_open_port_of(open), open_line = cf_open_line_of(open), index;
    struct cf_port_view *v = &e->view[port];
    if (v->p->handles.live >= v->rights->handles || !ref_room(e, c)) {
        e->tally.handles_refused++;
        return CF_INDEX_NONE;
    }
    uint32_t generation = cf_handle_table_allocate(&v->handles, &index);
    if (generation == 0) {
        /* A chunk that was added for nothing goes back. */
        uint32_t n = c->refs;
        if (n >= CF_REFS_INLINE && (n - CF_REFS_INLINE) % CF_REFS_PER_CHUNK == 0)
            chunk_drop_last(e, c, n);
        e->tally.handles_refused++;
        return CF_INDEX_NONE;
    }
    struct cf_call_handle *h = cf_slot_at(v, index);
    cf_touch_one(e, h);
    h->call = cf_call_index(e, c);
    h->info = open_line | (owner ? CF_SLOT_OWNER : 0);
    h->owed = 0;
    ref_add(e, c, cf_ref_make(position, index, generation));
    if (owner) {
        c->owners++;
        c->flags &= (uint16_t)~CF_CALL_LIVED;
    }
    if (c->state == CALL_IDLE) {
        cf_touch_one(e, v->p);
        v->p->idle_handles++;
    }
    struct cf_open_line *o = &v->open_lines[open_line];
    cf_touch_one(e, o);
    if ((c->flags & CF_CALL_TENTATIVE) == 0)
        o->handles++;
    e->tally.handles_made++;
    if (cf_unlikely((c->flags & CF_CALL_SKIPPED) != 0) && v->p->untold != 0)
        handed(e, c, port);
    return index;
}

void cf_call_release(struct cf_engine *e, struct cf_call *c, uint32_t at, bool closed, uint32_t causer) {
    uint64_t ref = cf_call_ref(e, c, at), open = *cf_open_at(e, c->line, cf_ref_position(ref));
    uint32_t port = cf_open_port_of(open), index = cf_ref_index(ref);
    struct cf_port_view *v = &e->view[port];
    struct cf_call_handle *h = cf_slot_at(v, index);
    bool owner = (h->info & CF_SLOT_OWNER) != 0;
    struct cf_open_line *o = &v->open_lines[cf_open_line_of(open)];
    if (cf_unlikely((c->flags & CF_CALL_SKIPPED) != 0) && v->p->untold != 0)
        handed(e, c, port);
    cf_marks_clear(&v->changed, &e->journal, index);
    cf_marks_clear(&v->notices, &e->journal, index);
    cf_handle_table_release(&v->handles, index, cf_ref_generation(ref));
    cf_touch_one(e, o);
    if ((c->flags & CF_CALL_TENTATIVE) == 0)
        o->handles--;
    ref_remove(e, c, at);
    if (owner)
        c->owners--;
    if (cf_unlikely((c->flags & CF_CALL_EXTRA) != 0))
        cf_watch_leave(e, c, ref, port);
    if (c->state == CALL_IDLE) {
        cf_touch_one(e, v->p);
        v->p->idle_handles--;
        if (v->p->untold != 0)
            cf_port_busy(e, port);
    }
    if (c->refs == 0) {
        cf_call_collect(e, c);
        return;
    }
    if (c->state == CALL_IDLE)
        return;
    if (owner && closed && c->owners == 0 && e->ports[c->provider].state == CF_PORT_LIVE && c->provider != 0 &&
        (c->flags & CF_CALL_TENTATIVE) == 0 &&
        e->control->options.close_policy == CF_CLOSE_DROPS)
        cf_call_due(e, c, CF_CALL_DROP_DUE);
    cf_call_notice(e, c, owner ? LINECALLINFOSTATE_NUMOWNERDECR : LINECALLINFOSTATE_NUMMONITORS, causer);
}

void cf_call_drop_void(struct cf_engine *e, struct cf_call *c) {
    if (cf_likely(e->lines[c->line].closed == 0 && e->g->going == 0))
        return;
    /* Backwards, since the hole is filled with the last one. The caller's own reference is live, so the call stays. */
    for (uint32_t at = c->refs; at-- > 0;) {
        uint32_t port, open_line;
        if (!cf_ref_live(e, c, cf_call_ref(e, c, at), &port, &open_line))
            cf_call_release(e, c, at, true, port);
    }
}

/* ------------------------------------------------------------------ telling */

/* One message of an existing handle to one reference, live one. */
static void tell_state(struct cf_engine *e, struct cf_call *c, uint64_t ref, uint64_t open, uint32_t state, uint64_t mode,
                       int64_t time_ns) {
    uint32_t port = cf_open_port_of(open), index = cf_ref_index(ref);
    struct cf_port_view *v = &e->view[port];
    uint64_t privilege = 0, handle = cf_port_handle(e, port, index, cf_ref_generation(ref));
    struct cf_call_handle *h = NULL;
    if (cf_unlikely((c->flags & CF_CALL_FIRST_DUE) != 0)) {
        h = cf_slot_at(v, index);
        if ((h->info & CF_SLOT_PRIVILEGE_DUE) != 0)
            privilege = (h->info & CF_SLOT_OWNER) != 0 ? LINECALLPRIVILEGE_OWNER : LINECALLPRIVILEGE_MONITOR;
    }
    if (cf_output_tell(e, port, LINE_CALLSTATE, handle, state, mode, privilege, time_ns, cf_open_line_of(open)) && privilege != 0) {
        cf_touch_one(e, h);
        h->info &= ~CF_SLOT_PRIVILEGE_DUE;
    }
}

/* A reference that takes the long way: of a port that is not in step or has no room, of a call of which some handle is owed its privilege. */
static void tell_slowly(struct cf_engine *e, struct cf_call *c, uint64_t ref, uint64_t open, uint32_t state, uint32_t mode, int64_t time_ns) {
    if ((open & CF_OPEN_LIVE) != 0 && cf_port_alive(&e->ports[cf_open_port_of(open)]))
        tell_state(e, c, ref, open, state, mode, time_ns);
}

/* The open lives, and its port takes ordinary messages up to the limit that it has from here on. */
static __attribute__((noinline)) bool may_put(struct cf_engine *e, uint64_t open) {
    return (open & CF_OPEN_LIVE) != 0 && cf_outlet_open(e, cf_open_port_of(open));
}

/*
 * One LINE_CALLSTATE to each of n references that lie together: the loop that everything else is built for. Returns how many were put here,
 * the others were told slowly or are void.
 */
static uint32_t fan_out_run(struct cf_engine *e, struct cf_call *c, const uint64_t *refs, uint32_t n, uint32_t state, uint32_t mode,
                            int64_t time_ns) {
    const struct cf_outlet *outlets = e->outlet;
    const uint64_t *opens = cf_open_at(e, c->line, 0);
    const uint64_t plane = (uint64_t)e->limits.lines * 8;
    const cf_pair how = {state, mode};
    uint32_t others = 0;
    for (const uint64_t *at = refs, *end = refs + n; at != end; at++) {
        const uint64_t ref = *at, *of_eight = opens + cf_ref_position(ref) / 8 * plane, open = of_eight[cf_ref_position(ref) % 8];
        const struct cf_outlet *o = outlets + cf_open_port_of(open);
        if (cf_unlikely((open & CF_OPEN_LIVE) == 0 || o->p->tail >= o->limit) && !may_put(e, open)) {
            tell_slowly(e, c, ref, open, state, mode, time_ns);
            others++;
            continue;
        }
        cf_output_put(o, LINE_CALLSTATE, cf_ref_handle(ref, o->handle_bits), how, 0, time_ns, cf_open_line_of(open));
    }
    return n - others;
}

static void fan_out(struct cf_engine *e, struct cf_call *c, uint32_t state, uint32_t mode, int64_t time_ns) {
    uint32_t told = 0, chunk = c->chunk;
    const uint64_t *refs = c->ref;
    if (cf_unlikely((c->flags & CF_CALL_FIRST_DUE) != 0)) {
        uint64_t ref;
        for (struct ref_walk w = walk_refs(e, c); next_ref(&w, &ref);)
            tell_slowly(e, c, ref, *cf_open_at(e, c->line, cf_ref_position(ref)), state, mode, time_ns);
        return;
    }
    for (uint32_t left = c->refs, n = CF_REFS_INLINE; left != 0; n = CF_REFS_PER_CHUNK) {
        n = n < left ? n : left;
        told += fan_out_run(e, c, refs, n, state, mode, time_ns);
        left -= n;
        if (left != 0) {
            refs = e->chunks[chunk].refs;
            chunk = e->chunks[chunk].next;
        }
    }
    e->tally.deliveries += told;
    e->tally.outputs += told;
}

/* LINE_CALLSTATE(CONFERENCED) names the parent as each receiver knows it (M-30). */
static void fan_out_conferenced(struct cf_engine *e, struct cf_call *c, uint32_t state, int64_t time_ns) {
    uint64_t ref, parents[CF_OPENS_PER_LINE_MAX];
    cf_conference_handles(e, c, parents);
    for (struct ref_walk w = walk_refs(e, c); next_ref(&w, &ref);) {
        uint64_t open = *cf_open_at(e, c->line, cf_ref_position(ref));
        if ((open & CF_OPEN_LIVE) != 0 && cf_port_alive(&e->ports[cf_open_port_of(open)]))
            tell_state(e, c, ref, open, state, parents[cf_ref_position(ref)], time_ns);
    }
}

/* Each handle of a call that has become IDLE counts against its application's limit, void ones until they are swept. */
static void count_idle(struct cf_engine *e, struct cf_call *c) {
    uint64_t ref;
    for (struct ref_walk w = walk_refs(e, c); next_ref(&w, &ref);) {
        uint32_t port = cf_open_port_of(*cf_open_at(e, c->line, cf_ref_position(ref)));
        struct cf_port *p = &e->ports[port];
        cf_touch_one(e, p);
        p->idle_handles++;
        if (cf_unlikely(p->idle_handles > 2 * e->limits.idle_handles_max))
            cf_port_busy(e, port);
    }
}

/* What that state ends. */
static void leave_behind(struct cf_engine *e, struct cf_call *c, uint32_t state) {
    if (state == CALL_IDLE) {
        cf_conference_end(e, c);
        cf_watch_end(e, c);
    } else if ((state & LINECALLSTATE_CONFERENCED) == 0) {
        cf_conference_leave(e, c);
    }
}

/* It was handed to somebody who is behind, and has ended before he was told: he never had it. True: nobody has it any more. */
static bool forget_handed(struct cf_engine *e, struct cf_call *c) {
    for (uint32_t at = c->refs; at-- > 0;) {
        uint32_t port, open_line;
        uint64_t ref = cf_call_ref(e, c, at);
        if (!cf_ref_live(e, c, ref, &port, &open_line) || (cf_slot_at(&e->view[port], cf_ref_index(ref))->info & CF_SLOT_ANNOUNCE_DUE) == 0)
            continue;
        bool last = c->refs == 1;
        cf_call_unseen(e, &e->ports[port]);
        cf_call_release(e, c, at, false, port);
        if (last)
            return true; /* and the call is collected */
    }
    return false;
}

void cf_call_state(struct cf_engine *e, struct cf_call *c, uint32_t state, uint32_t mode, int64_t time_ns) {
    bool ends = state == CALL_IDLE && c->state != CALL_IDLE;
    bool counted = c->state == 0 || c->state == CALL_IDLE || state == CALL_IDLE; /* its address is in use by one more, or less */
    bool used_otherwise = counted || (((c->state | state) & CF_ON_HOLD) != 0 && e->g->address_states_ever != 0);
    uint32_t before = c->state;
    if (cf_unlikely((c->flags & CF_CALL_EXTRA) != 0))
        leave_behind(e, c, state);
    cf_touch_one(e, c);
    c->state = state;
    c->mode = mode;
    c->state_time_ns = time_ns;
    if (cf_unlikely((state & LINECALLSTATE_CONFERENCED) != 0))
        fan_out_conferenced(e, c, state, time_ns);
    else
        fan_out(e, c, state, mode, time_ns);
    if (cf_unlikely(used_otherwise))
        cf_address_call(e, c, cf_address_use_of(before), cf_address_use_of(state));
    if (ends)
        count_idle(e, c);
    if (cf_unlikely((c->flags & CF_CALL_FIRST_DUE) != 0))
        c->flags &= (uint16_t)~CF_CALL_FIRST_DUE; /* a handle that could not be told keeps its own mark */
    if (ends && (c->flags & CF_CALL_SKIPPED) != 0) {
        somebody_waits(e, c, cf_call_unseen);
        forget_untold(e, c);
    }
    if (ends && ((c->flags & CF_CALL_HANDED) == 0 || !forget_handed(e, c)))
        cf_call_collect(e, c);
}

void cf_call_info_but(struct cf_engine *e, struct cf_call *c, uint32_t bits, int64_t time_ns, uint32_t except_port) {
    uint64_t ref;
    if (c->state == CALL_IDLE)
        return;
    for (struct ref_walk w = walk_refs(e, c); next_ref(&w, &ref);) {
        uint32_t port, open_line, index = cf_ref_index(ref);
        if (!cf_ref_live(e, c, ref, &port, &open_line) || port == except_port)
            continue;
        cf_output_tell(e, port, LINE_CALLINFO, cf_port_handle(e, port, index, cf_ref_generation(ref)), bits, 0, 0, time_ns, open_line);
    }
}

void cf_call_info(struct cf_engine *e, struct cf_call *c, uint32_t bits, int64_t time_ns) {
    cf_call_info_but(e, c, bits, time_ns, CF_INDEX_NONE);
}

void cf_call_dev_specific(struct cf_engine *e, struct cf_call *c) {
    const struct cf_message *m = &e->in.m;
    uint64_t ref;
    if (c->state == CALL_IDLE)
        return;
    for (struct ref_walk w = walk_refs(e, c); next_ref(&w, &ref);) {
        uint32_t port, open_line, index = cf_ref_index(ref);
        if (!cf_ref_live(e, c, ref, &port, &open_line))
            continue;
        if (cf_unlikely((c->flags & CF_CALL_HANDED) != 0) && (cf_slot_at(&e->view[port], index)->info & CF_SLOT_ANNOUNCE_DUE) != 0)
            continue; /* it does not know the handle before the resync announces it (M-26) */
        cf_output_tell(e, port, LINE_DEVSPECIFIC, cf_port_handle(e, port, index, cf_ref_generation(ref)), (uint32_t)m->param1,
                       (uint32_t)m->param2, (uint32_t)m->param3, m->time_ns, open_line);
    }
}

#define NO_REF UINT64_MAX /* of a generation that no handle reaches */

/* except_ref: of the handle whose own privilege changed; its LINE_CALLSTATE says so. */
static void notice(struct cf_engine *e, struct cf_call *c, uint32_t bits, uint32_t except_port, uint64_t except_ref) {
    uint64_t ref;
    if (c->state == CALL_IDLE || (c->flags & CF_CALL_TENTATIVE) != 0)
        return;
    for (struct ref_walk w = walk_refs(e, c); next_ref(&w, &ref);) {
        uint32_t port, open_line, index = cf_ref_index(ref);
        if (!cf_ref_live(e, c, ref, &port, &open_line) || port == except_port || ref == except_ref)
            continue;
        struct cf_call_handle *h = cf_slot_at(&e->view[port], index);
        if ((h->owed & bits) == bits)
            continue; /* marked already; one request that removes a hundred void references comes here for each of them */
        cf_touch_one(e, h);
        h->owed |= bits;
        cf_marks_set(&e->view[port].notices, &e->journal, index);
        cf_port_busy(e, port);
    }
}

void cf_call_notice(struct cf_engine *e, struct cf_call *c, uint32_t bits, uint32_t except_port) {
    notice(e, c, bits, except_port, NO_REF);
}

/* ------------------------------------------------------------------ new calls */

static void append_party(struct cf_record *r, uint16_t tag, const uint8_t *field) {
    if (cf_party_bytes(field) != 0)
        cf_fields_append(r, tag, field + 1, cf_party_bytes(field));
}

/* Not now: behind, too many IDLE handles, or no handle. It will be announced at the next resync, if it still lives. */
static void skip(struct cf_engine *e, struct cf_call *c, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    cf_output_missed(e, p, 2);
    if (cf_marks_set(&e->view[port].untold, &e->journal, cf_call_index(e, c))) {
        cf_touch_one(e, &p->untold);
        p->untold++;
        cf_port_busy(e, port);
    }
    cf_touch_one(e, c);
    c->flags |= CF_CALL_SKIPPED;
}

/*
 * A bundle is LINE_APPNEWCALL and its LINE_CALLSTATE. What the first says to everybody is written once into e->new_call, and each port then
 * has its own handles put into it.
 */
static void bundle_begin(struct cf_engine *e, const struct cf_call *c) {
    struct cf_record *r = &e->new_call;
    r->m = (struct cf_message){.id = LINE_APPNEWCALL, .param1 = c->address, .time_ns = c->state_time_ns};
    r->payload_bytes = 0;
    append_party(r, CF_FIELD_CALLER, c->caller);
    append_party(r, CF_FIELD_CALLED, c->called);
}

static uint64_t bundle_cost(const struct cf_engine *e, uint32_t port) {
    const struct cf_port *p = e->view[port].p;
    return cf_ring_cost(p->mask, p->tail, cf_record_slots(e->new_call.payload_bytes)) + 1;
}

static bool bundle_may_go(struct cf_engine *e, uint32_t port) {
    return e->view[port].p->idle_handles < e->limits.idle_handles_max && cf_output_ready(e, port, bundle_cost(e, port));
}

bool cf_call_may_announce(struct cf_engine *e, const struct cf_call *c, uint32_t port) {
    bundle_begin(e, c);
    return bundle_may_go(e, port);
}

/* dwParam2 of a LINE_CALLSTATE for the open at that position. */
static uint64_t detail_of(const struct cf_engine *e, const struct cf_call *c, uint32_t position, uint32_t state, uint32_t mode) {
    return (state & LINECALLSTATE_CONFERENCED) != 0 ? cf_conference_handle(e, c, position) : mode;
}

/* Without looking for room. */
static void bundle_put(struct cf_engine *e, const struct cf_call *c, uint32_t port, uint32_t index, uint32_t state, uint32_t mode) {
    const struct cf_call_handle *h = cf_slot_at(&e->view[port], index);
    uint32_t open_line = h->info & CF_SLOT_OPEN_MASK;
    uint64_t handle = cf_port_handle(e, port, index, h->generation);
    uint64_t privilege = (h->info & CF_SLOT_OWNER) != 0 ? LINECALLPRIVILEGE_OWNER : LINECALLPRIVILEGE_MONITOR;
    struct cf_message *m = &e->new_call.m;
    m->device = cf_open_hline(e, port, open_line);
    m->param2 = handle;
    m->param3 = privilege;
    m->open_line = open_line;
    cf_output_record(e, port, &e->new_call);
    uint64_t detail = detail_of(e, c, e->view[port].open_lines[open_line].position, state, mode);
    cf_output_message(e, port, LINE_CALLSTATE, handle, state, detail, privilege, c->state_time_ns, open_line);
}

/* After bundle_begin(). */
static bool announce(struct cf_engine *e, struct cf_call *c, uint32_t position, bool owner, uint32_t state, uint32_t mode) {
    uint64_t open = *cf_open_at(e, c->line, position);
    uint32_t port = cf_open_port_of(open);
    e->tally.deliveries += 2;
    if (!bundle_may_go(e, port)) {
        skip(e, c, port);
        return false;
    }
    uint32_t index = cf_call_give_handle(e, c, position, owner);
    if (index == CF_INDEX_NONE) {
        skip(e, c, port);
        return false;
    }
    bundle_put(e, c, port, index, state, mode);
    return true;
}

bool cf_call_announce(struct cf_engine *e, struct cf_call *c, uint32_t position, bool owner, uint32_t state, uint32_t mode) {
    bundle_begin(e, c);
    return announce(e, c, position, owner, state, mode);
}

void cf_call_announce_monitors(struct cf_engine *e, struct cf_call *c, uint32_t state, uint32_t mode) {
    struct cf_line *l = &e->lines[c->line];
    uint64_t have[CF_OPENS_PER_LINE_MAX / 64] = {0}; /* positions whose opens have a handle: looked up in the references once, not for each open */
    struct ref_walk w = walk_refs(e, c);
    for (uint64_t ref; next_ref(&w, &ref);)
        have[cf_ref_position(ref) / 64] |= UINT64_C(1) << (cf_ref_position(ref) % 64);
    bundle_begin(e, c);
    for (uint32_t at = cf_line_next_position(l, 0); at != CF_INDEX_NONE; at = cf_line_next_position(l, at + 1)) {
        uint64_t open = *cf_open_at(e, c->line, at);
        if ((open & (CF_OPEN_LIVE | CF_OPEN_MONITOR)) != (CF_OPEN_LIVE | CF_OPEN_MONITOR) ||
            e->ports[cf_open_port_of(open)].state != CF_PORT_LIVE || (have[at / 64] >> (at % 64) & 1) != 0)
            continue;
        announce(e, c, at, false, state, mode);
    }
}

/* ------------------------------------------------------------------ handing over */

/* A handle that its open had: raised, and told so with the state as it is, also when it was an owner's before (M-40, M-43). */
static void hand_known(struct cf_engine *e, struct cf_call *c, uint64_t ref, uint32_t giver) {
    uint64_t open = *cf_open_at(e, c->line, cf_ref_position(ref));
    struct cf_call_handle *h = cf_slot_at(&e->view[cf_open_port_of(open)], cf_ref_index(ref));
    uint16_t flags = c->flags;
    cf_touch_one(e, h);
    cf_touch_one(e, c);
    if ((h->info & CF_SLOT_OWNER) == 0) {
        notice(e, c, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS, giver, ref);
        h->info |= CF_SLOT_OWNER;
        c->owners++;
    }
    h->info |= CF_SLOT_PRIVILEGE_DUE;
    c->flags |= CF_CALL_FIRST_DUE;
    tell_state(e, c, ref, open, c->state, detail_of(e, c, cf_ref_position(ref), c->state, c->mode), c->state_time_ns);
    c->flags = flags;
}

/* A new one. Without room for its bundle the port is behind: it has the handle all the same, and is told of it with the resync. */
static bool hand_new(struct cf_engine *e, struct cf_call *c, uint32_t position, uint32_t giver) {
    uint32_t port = cf_open_port_of(*cf_open_at(e, c->line, position)), index = cf_call_give_handle(e, c, position, true);
    if (index == CF_INDEX_NONE)
        return false;
    struct cf_port_view *v = &e->view[port];
    struct cf_call_handle *h = cf_slot_at(v, index);
    notice(e, c, LINECALLINFOSTATE_NUMOWNERINCR, giver, cf_ref_make(position, index, h->generation));
    e->tally.deliveries += 2;
    bundle_begin(e, c);
    if (cf_output_ready(e, port, bundle_cost(e, port))) {
        bundle_put(e, c, port, index, c->state, c->mode);
        return true;
    }
    cf_output_missed(e, v->p, 2);
    h->info |= CF_SLOT_ANNOUNCE_DUE; /* touched when it was made, as the call was */
    c->flags |= CF_CALL_HANDED;
    cf_marks_set(&v->changed, &e->journal, index);
    return true;
}

bool cf_call_hand(struct cf_engine *e, struct cf_call *c, uint32_t position, uint32_t giver) {
    uint32_t at = cf_call_find_position(e, c, position);
    if (at == CF_INDEX_NONE)
        return hand_new(e, c, position, giver);
    hand_known(e, c, cf_call_ref(e, c, at), giver);
    return true;
}

bool cf_call_announce_handed(struct cf_engine *e, struct cf_call *c, uint32_t port, uint32_t index) {
    struct cf_port_view *v = &e->view[port];
    struct cf_call_handle *h = cf_slot_at(v, index);
    bundle_begin(e, c);
    uint64_t cost = bundle_cost(e, port) + v->p->reserve;
    assert(c->state != CALL_IDLE); /* forget_handed() */
    if (cf_output_free(e, v, cost) < cost)
        return false;
    cf_marks_clear(&v->changed, &e->journal, index);
    cf_touch_one(e, h);
    h->info &= ~(CF_SLOT_ANNOUNCE_DUE | CF_SLOT_PRIVILEGE_DUE);
    h->owed = 0; /* what changed before it knew of the call is no change to it */
    cf_marks_clear(&v->notices, &e->journal, index);
    e->tally.deliveries += 2;
    bundle_put(e, c, port, index, c->state, c->mode);
    return true;
}

void cf_call_end(struct cf_engine *e, struct cf_call *c, uint32_t mode) {
    if (c->state == CALL_IDLE)
        return;
    if (c->state != LINECALLSTATE_DISCONNECTED)
        cf_call_state(e, c, LINECALLSTATE_DISCONNECTED, mode, e->now_ns);
    cf_call_state(e, c, CALL_IDLE, 0, e->now_ns);
}
