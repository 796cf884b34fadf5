/* The state's descriptor tells which pages of it exist; madvise(2) maps them. */
#define _GNU_SOURCE
#include "apps/callfand/prefault.h"

#define SLICE_BYTES (UINT64_C(1024) * CF_PAGE_BYTES)
#define RUNS_MAX    256 /* of pages, in a slice */

void cf_prefault_init(struct cf_prefault *prefault, const struct cf_arena *arena, const struct cf_holdings *holdings)
{
    *prefault = (struct cf_prefault){.arena = arena, .holdings = holdings, .port = 1};
}

static uint64_t slice(uint64_t left)
{
    return left < SLICE_BYTES ? left : SLICE_BYTES;
}

/* A slice of the port's down object, then of its up object. True: that was its last. */
static bool populate_port(struct cf_prefault *p, uint32_t port)
{
    struct cf_arena_port sizes = p->holdings->ports[port].sizes;
    bool up = p->port_at >= sizes.down_bytes;
    uint8_t *memory = up ? (uint8_t *)cf_arena_up(p->arena, port) : (uint8_t *)cf_arena_down(p->arena, port);
    uint64_t at = up ? p->port_at - sizes.down_bytes : p->port_at;
    uint64_t bytes = slice((up ? sizes.up_bytes : sizes.down_bytes) - at);
    cf_memory_populate(memory + at, bytes, true);
    p->port_at += bytes;
    return p->port_at == sizes.down_bytes + sizes.up_bytes;
}

/* A slice of what exists of the state; failing is no harm: the engine faults. False: that was the last. */
static bool populate_state(struct cf_prefault *p)
{
    uint64_t left = SLICE_BYTES, first, end;
    for (int run = 0; left > 0 && run < RUNS_MAX; run++) {
        if (!cf_memory_appeared(p->arena->state_fd, p->state_at, &first, &end))
            return false;
        uint64_t bytes = end - first < left ? end - first : left;
        cf_memory_populate((uint8_t *)p->arena->state + first, bytes, true);
        p->state_at = first + bytes;
        left -= bytes;
    }
    return true;
}

bool cf_prefault_step(struct cf_prefault *p, cf_prefault_held_fn *still_held, void *arg)
{
    for (; p->port < p->arena->ports_count; p->port++, p->port_at = 0) {
        const struct cf_holding *h = &p->holdings->ports[p->port];
        if (!h->held || !still_held(arg, p->port, h->generation))
            continue;
        if (populate_port(p, p->port)) {
            p->port++;
            p->port_at = 0;
        }
        return true;
    }
    return populate_state(p);
}
