#include "bench/support/bare_calls.h"

#include <stdlib.h>
#include <unistd.h>

#include "bench/support/engine_bed.h"
#include "callfan/tapi_const.h"
#include "shm/handle.h"
#include "shm/port.h"
#include "shm/sys_memory.h"

#define REFERENCES_INLINE 8
#define REFERENCES_PER_CHUNK 15

struct bare_call {
    uint64_t generation, entry, state, time, refs, pad0[3];
    uint64_t ref[REFERENCES_INLINE];
    uint64_t numbers[8];
    uint32_t next, previous;
    uint64_t pad1[7];
};
_Static_assert(sizeof(struct bare_call) == 256, "four lines");

struct bare_handle {
    uint32_t generation, call;
    uint64_t info;
};
_Static_assert(sizeof(struct bare_handle) == 16, "16 bytes");

struct cf_bare_calls {
    uint32_t ports, chunks; /* chunks: of a call */
    uint32_t last;          /* of the list */
    uint64_t tail, up_tail, asked_tail;
    void *memory;
    uint64_t bytes;
    int fd;
    struct bare_call *calls;
    uint64_t *entries;
    uint64_t (*chunk)[16];
    struct bare_handle *handles[CF_BED_APPLICATIONS_MAX];
    struct cf_slot *ring[CF_BED_APPLICATIONS_MAX], *up_ring[CF_BED_APPLICATIONS_MAX];
};

static void *piece(struct cf_bare_calls *r, uint64_t bytes) {
    void *p = r->memory == NULL ? NULL : (uint8_t *)r->memory + r->bytes;
    r->bytes += (bytes + CF_HUGE_BYTES - 1) / CF_HUGE_BYTES * CF_HUGE_BYTES;
    return p;
}

/* Without memory it only counts. */
static void lay_out(struct cf_bare_calls *r, uint64_t numbers) {
    r->bytes = 0;
    r->calls = piece(r, numbers * sizeof *r->calls);
    r->entries = piece(r, numbers * sizeof *r->entries);
    r->chunk = piece(r, numbers * r->chunks * sizeof *r->chunk);
    for (uint32_t p = 0; p < r->ports; p++)
        r->handles[p] = piece(r, numbers * sizeof *r->handles[p]);
}

static uint64_t *reference(struct cf_bare_calls *r, uint32_t call, uint32_t p) {
    if (p < REFERENCES_INLINE)
        return &r->calls[call].ref[p];
    p -= REFERENCES_INLINE;
    return &r->chunk[(uint64_t)call * r->chunks + p / REFERENCES_PER_CHUNK][p % REFERENCES_PER_CHUNK];
}

static void link_call(struct cf_bare_calls *r, uint32_t call) {
    r->calls[call].previous = r->last;
    r->calls[call].next = CF_INDEX_NONE;
    if (r->last != CF_INDEX_NONE)
        r->calls[r->last].next = call;
    r->last = call;
}

static void unlink_call(struct cf_bare_calls *r, uint32_t call) {
    uint32_t next = r->calls[call].next, previous = r->calls[call].previous;
    if (previous != CF_INDEX_NONE)
        r->calls[previous].next = next;
    if (next == CF_INDEX_NONE)
        r->last = previous;
    else
        r->calls[next].previous = previous;
}

static void begin(struct cf_bare_calls *r, uint32_t call) {
    struct bare_call *c = &r->calls[call];
    for (uint64_t *word = (uint64_t *)c, *end = (uint64_t *)(c + 1); word != end; word++)
        *word = call;
    r->entries[call] = call;
    link_call(r, call);
    for (uint32_t p = 0; p < r->ports; p++) {
        r->handles[p][call] = (struct bare_handle){1, call, p};
        *reference(r, call, p) = call;
    }
}

struct cf_bare_calls *cf_bare_calls_new(uint32_t ports, uint64_t calls) {
    struct cf_bare_calls *r = calloc(1, sizeof *r);
    cf_bed_must(r != NULL && ports <= CF_BED_APPLICATIONS_MAX, "no bare calls");
    r->ports = ports;
    r->last = CF_INDEX_NONE;
    r->chunks = ports <= REFERENCES_INLINE ? 0 : (ports - REFERENCES_INLINE + REFERENCES_PER_CHUNK - 1) / REFERENCES_PER_CHUNK;
    lay_out(r, calls);
    cf_bed_must(cf_memory_sparse("bench-bare", r->bytes, &r->fd, &r->memory) == 0, "no memory");
    cf_memory_advise_huge(r->memory, r->bytes);
    lay_out(r, calls);
    for (uint32_t p = 0; p < ports; p++) {
        r->ring[p] = cf_bed_object(CF_BED_RING_BYTES);
        r->up_ring[p] = cf_bed_object(CF_BED_UP_RING_BYTES);
    }
    for (uint32_t i = 0; i < calls; i++)
        begin(r, i);
    return r;
}

void cf_bare_calls_free(struct cf_bare_calls *r) {
    for (uint32_t p = 0; p < r->ports; p++) {
        cf_memory_unmap(r->ring[p], CF_BED_RING_BYTES);
        cf_memory_unmap(r->up_ring[p], CF_BED_UP_RING_BYTES);
    }
    cf_memory_unmap(r->memory, r->bytes);
    close(r->fd);
    free(r);
}

uint32_t cf_bare_calls_ports(const struct cf_bare_calls *r) { return r->ports; }
uint64_t cf_bare_calls_bytes(const struct cf_bare_calls *r) { return r->bytes + (uint64_t)r->ports * (CF_BED_RING_BYTES + CF_BED_UP_RING_BYTES); }

static struct cf_slot *slot(struct cf_slot *ring, uint64_t bytes, uint64_t at) { return &ring[at & (bytes / CF_SLOT_BYTES - 1)]; }

static void put(struct cf_bare_calls *r, uint32_t p, uint64_t at, uint64_t device, uint64_t state) {
    struct cf_message *m = (struct cf_message *)slot(r->ring[p], CF_BED_RING_BYTES, at + cf_port_down_first(p));
    m->sequence = at;
    m->time_ns = (int64_t)at;
    m->device = device;
    m->param1 = state;
    m->param2 = m->param3 = at;
    m->id = LINE_CALLSTATE;
    m->slots = 1;
    m->flags = 0;
    m->open_line = p;
}

void cf_bare_calls_turn(struct cf_bare_calls *r, const uint32_t *calls, uint32_t state) {
    uint32_t slots = state == LINECALLSTATE_OFFERING ? 3 : 1;
    for (uint32_t i = 0; i < CF_BED_EVENTS; i++) {
        uint32_t call = (uint32_t)r->entries[calls[i]];
        if (state == LINECALLSTATE_OFFERING) {
            begin(r, call);
        } else {
            r->calls[call].state = state;
            r->calls[call].time = i;
        }
        for (uint32_t p = 0; p < r->ports; p++)
            for (uint32_t s = 0; s < slots; s++)
                put(r, p, r->tail + i * slots + s, *reference(r, call, p), state);
    }
    for (uint32_t p = 0; p < r->ports; p++)
        for (uint64_t i = r->tail + CF_BED_EVENTS * slots; i-- > r->tail;)
            cf_store_release_64(&slot(r->ring[p], CF_BED_RING_BYTES, i + cf_port_down_first(p))->commit, i + 1);
    r->tail += CF_BED_EVENTS * slots;
}

void cf_bare_calls_ask(struct cf_bare_calls *r, const uint32_t *calls, uint32_t count) {
    for (uint32_t p = 0; p < r->ports; p++)
        for (uint32_t i = 0; i < count; i++)
            ((struct cf_message *)slot(r->up_ring[p], CF_BED_UP_RING_BYTES, r->asked_tail + i))->device = calls[i];
    r->asked_tail += count;
}

void cf_bare_calls_release(struct cf_bare_calls *r, const uint32_t *calls) {
    for (uint32_t p = 0; p < r->ports; p++)
        for (uint32_t i = 0; i < CF_BED_EVENTS; i++) {
            const struct cf_message *m = (const struct cf_message *)slot(r->up_ring[p], CF_BED_UP_RING_BYTES, r->up_tail + i);
            struct bare_handle *h = &r->handles[p][m->device];
            h->generation++;
            r->calls[h->call].refs--;
            *reference(r, h->call, p) = 0;
        }
    for (uint32_t i = 0; i < CF_BED_EVENTS; i++) {
        unlink_call(r, calls[i]);
        r->calls[calls[i]].generation++;
        r->entries[calls[i]] = calls[i];
    }
    r->up_tail += CF_BED_EVENTS;
}
