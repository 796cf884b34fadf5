/* See ahead.h. */
#include "core/ahead.h"

enum look { LOOK_AT_ENTRY, LOOK_AT_CALL, LOOK_AT_REFERENCES, LOOKS };
static const uint64_t look_distance[LOOKS] = {12, 8, 4};

CF_PREFETCHES void look_at_references(const struct cf_engine *e, const struct cf_call *c) {
    if (c->refs <= CF_REFS_INLINE || c->chunk >= e->chunks_max)
        return;
    cf_prefetch_read(&e->chunks[c->chunk]);
    cf_prefetch_read(&e->chunks[c->chunk].refs[8]);
}

CF_PREFETCHES void look_at_event(const struct cf_engine *e, const struct cf_port_view *v, uint64_t device, enum look look) {
    uint32_t index = cf_handle_index(device);
    if (index >= e->limits.calls_per_provider)
        return;
    const struct cf_provider_call *entry = &v->provider_calls[index];
    if (look == LOOK_AT_ENTRY) {
        cf_prefetch_read(entry);
        return;
    }
    uint32_t call = entry->call - 1;
    if (call >= e->limits.calls)
        return;
    const struct cf_call *c = cf_call_at(e, call);
    if (look == LOOK_AT_REFERENCES) {
        look_at_references(e, c);
        return;
    }
    cf_prefetch_write(c);
    cf_prefetch_read(c->ref);
}

/* The last reference takes the call with it. */
CF_PREFETCHES void look_at_neighbours(const struct cf_engine *e, const struct cf_call *c) {
    if (c->refs != 1)
        return;
    if (c->next < e->limits.calls)
        cf_prefetch_write(&cf_call_at(e, c->next)->previous);
    if (c->previous < e->limits.calls)
        cf_prefetch_write(&cf_call_at(e, c->previous)->next);
}

CF_PREFETCHES void look_at_release(const struct cf_engine *e, const struct cf_port_view *v, uint64_t device, enum look look) {
    uint32_t index = cf_handle_slot(device);
    if (index >= v->handles.head->used)
        return; /* no handle yet: nothing lies there */
    const struct cf_call_handle *h = cf_slot_at(v, index);
    if (look == LOOK_AT_ENTRY) {
        cf_prefetch_write(h);
        cf_prefetch_read(&v->changed.level[0][index / 64]);
        cf_prefetch_read(&v->notices.level[0][index / 64]);
        return;
    }
    if (h->call >= e->limits.calls)
        return;
    const struct cf_call *c = cf_call_at(e, h->call);
    if (look == LOOK_AT_REFERENCES) {
        look_at_references(e, c);
        look_at_neighbours(e, c);
        return;
    }
    cf_prefetch_write(c);
    cf_prefetch_write(c->ref);
    cf_prefetch_write(&c->next);
}

static inline bool record_waits(const struct cf_port_view *v, uint64_t at) {
    return cf_load_acquire_64(&v->up_ring[at & v->p->up_mask].commit) == at + 1;
}

/* False: there is no record. Each kind of port and each look is compiled for itself: this is done for every record. */
CF_PREFETCHES bool look_at(const struct cf_engine *e, const struct cf_port_view *v, bool provider, uint64_t at, enum look look) {
    const struct cf_message *m = (const struct cf_message *)&v->up_ring[at & v->p->up_mask];
    if (!record_waits(v, at))
        return false;
    if (provider)
        look_at_event(e, v, m->device, look);
    else if (m->id == CF_REQ_RELEASE)
        look_at_release(e, v, m->device, look);
    return true;
}

static void look_first(const struct cf_engine *e, const struct cf_port_view *v, bool provider, enum look look) {
    for (uint64_t i = 0; i < look_distance[look] && look_at(e, v, provider, v->p->up_head + i, look); i++) {
    }
}

CF_PREFETCHES void look_on(const struct cf_engine *e, const struct cf_port_view *v, bool provider) {
    uint64_t head = v->p->up_head;
    look_at(e, v, provider, head + look_distance[LOOK_AT_ENTRY], LOOK_AT_ENTRY);
    look_at(e, v, provider, head + look_distance[LOOK_AT_CALL], LOOK_AT_CALL);
    look_at(e, v, provider, head + look_distance[LOOK_AT_REFERENCES], LOOK_AT_REFERENCES);
}

void cf_ahead_begin(const struct cf_engine *e, uint32_t port) {
    const struct cf_port_view *v = &e->view[port];
    if (v->down == NULL || !record_waits(v, v->p->up_head))
        return; /* not mapped here, or nothing to take */
    for (int look = 0; look < LOOKS; look++)
        look_first(e, v, v->p->kind == CF_PORT_PROVIDER, (enum look)look);
}

void cf_ahead_go_on(const struct cf_engine *e, uint32_t port) {
    const struct cf_port_view *v = &e->view[port];
    if (v->p->kind == CF_PORT_PROVIDER)
        look_on(e, v, true);
    else
        look_on(e, v, false);
}
