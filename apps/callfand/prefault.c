/* mincore(2) tells which pages of the state exist; madvise(2) maps them. */
#define _GNU_SOURCE
#include "apps/callfand/prefault.h"

#include <sys/mman.h>

#define SLICE_PAGES 4096
#define SLICE_BYTES ((uint64_t)SLICE_PAGES * CF_PAGE_BYTES)

void cf_prefault_init(struct cf_prefault *prefault, const struct cf_arena *arena, const struct cf_holdings *holdings)
{
    *prefault = (struct cf_prefault){.arena = arena, .holdings = holdings, .port = 1};
}

static void populate_port(const struct cf_prefault *p, uint32_t port)
{
    const struct cf_holding *h = &p->holdings->ports[port];
    cf_memory_populate(cf_arena_down(p->arena, port), h->sizes.down_bytes, true);
    cf_memory_populate(cf_arena_up(p->arena, port), h->sizes.up_bytes, true);
}

/* Maps the runs of pages that exist in [at, at + bytes). Failing is no harm: the engine faults. */
static void populate_state(uint8_t *at, uint64_t bytes)
{
    unsigned char resident[SLICE_PAGES];
    uint64_t pages = bytes / CF_PAGE_BYTES;
    if (mincore(at, bytes, resident) != 0)
        return;
    for (uint64_t i = 0; i < pages;) {
        uint64_t first = i;
        while (i < pages && (resident[i] & 1) != 0)
            i++;
        if (i > first)
            cf_memory_populate(at + first * CF_PAGE_BYTES, (i - first) * CF_PAGE_BYTES, true);
        else
            i++;
    }
}

bool cf_prefault_step(struct cf_prefault *p, cf_prefault_held_fn *still_held, void *arg)
{
    while (p->port < p->arena->ports_count) {
        uint32_t port = p->port++;
        const struct cf_holding *h = &p->holdings->ports[port];
        if (h->held && still_held(arg, port, h->generation)) {
            populate_port(p, port);
            return true;
        }
    }
    uint64_t left = p->arena->state_bytes - p->state_at;
    if (left == 0)
        return false;
    uint64_t bytes = left < SLICE_BYTES ? left : SLICE_BYTES;
    populate_state((uint8_t *)p->arena->state + p->state_at, bytes);
    p->state_at += bytes;
    return p->state_at < p->arena->state_bytes;
}
