/* One reservation for the state, one for the ports. */
#include "apps/callfand/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/engine.h"

static uint64_t whole_pages(uint64_t bytes)
{
    return (bytes + CF_PAGE_BYTES - 1) / CF_PAGE_BYTES * CF_PAGE_BYTES;
}

static uint64_t whole_huge_pages(uint64_t bytes)
{
    return (bytes + CF_HUGE_BYTES - 1) / CF_HUGE_BYTES * CF_HUGE_BYTES;
}

static void advise_table(void *state, uint64_t at, uint64_t bytes)
{
    cf_memory_advise_huge((uint8_t *)state + at, bytes);
}

static uint64_t stride(const struct cf_arena *a)
{
    return a->down_bytes_max + a->up_bytes_max;
}

int cf_arena_reserve(const struct cf_limits *limits, uint64_t ring_bytes_max, bool huge_pages, struct cf_arena *ret_arena)
{
    struct cf_arena a = {.huge_pages = huge_pages};
    uint32_t up =
        limits->up_ring_bytes > limits->provider_up_ring_bytes ? limits->up_ring_bytes : limits->provider_up_ring_bytes;
    a.ports_count = 1 + limits->providers + limits->applications;
    a.down_bytes_max = whole_huge_pages(cf_port_down_bytes(CF_REPLY_SLOTS, ring_bytes_max / CF_SLOT_BYTES));
    a.up_bytes_max = whole_huge_pages(cf_port_up_bytes(up / CF_SLOT_BYTES));
    a.state_bytes = whole_pages(cf_engine_state_bytes(limits));
    void *ports;
    int error = cf_memory_reserve(a.ports_count * stride(&a), &ports);
    if (error != 0)
        return error;
    a.ports = ports;
    error = cf_memory_sparse("callfan-state", a.state_bytes, &a.state_fd, &a.state);
    if (error != 0) {
        cf_memory_unmap(ports, a.ports_count * stride(&a));
        return error;
    }
    if (huge_pages)
        cf_engine_state_tables(limits, advise_table, a.state);
    *ret_arena = a;
    return 0;
}

int cf_arena_renew_state(const struct cf_limits *limits, struct cf_arena *arena)
{
    /* In place of the old mapping; nobody else maps it, as the core is dead. */
    void *fresh;
    int fd = -1, error = cf_memory_sparse("callfan-state", arena->state_bytes, &fd, &fresh);
    if (error != 0)
        return error;
    cf_memory_unmap(arena->state, arena->state_bytes);
    close(arena->state_fd);
    arena->state_fd = fd;
    arena->state =
        fresh; /* a cold start may use another address: every pointer into the old state died with its core */
    if (arena->huge_pages)
        cf_engine_state_tables(limits, advise_table, fresh);
    return 0;
}

bool cf_arena_fits(const struct cf_arena *arena, struct cf_arena_port sizes)
{
    return sizes.down_bytes >= sizeof(struct cf_port_down) && sizes.down_bytes <= arena->down_bytes_max &&
           sizes.up_bytes >= sizeof(struct cf_port_up) && sizes.up_bytes <= arena->up_bytes_max;
}

static uint8_t *place(const struct cf_arena *arena, uint32_t port)
{
    assert(port < arena->ports_count);
    return arena->ports + port * stride(arena);
}

struct cf_port_down *cf_arena_down(const struct cf_arena *arena, uint32_t port)
{
    return (struct cf_port_down *)(void *)place(arena, port);
}

struct cf_port_up *cf_arena_up(const struct cf_arena *arena, uint32_t port)
{
    return (struct cf_port_up *)(void *)(place(arena, port) + arena->down_bytes_max);
}

int cf_arena_map(const struct cf_arena *arena, uint32_t port, struct cf_arena_port sizes, int down_fd, int up_fd,
                 enum cf_access access)
{
    assert(cf_arena_fits(arena, sizes));
    void *at;
    int error = cf_memory_map(down_fd, sizes.down_bytes, access, cf_arena_down(arena, port), &at);
    if (error == 0)
        error = cf_memory_map(up_fd, sizes.up_bytes, access, cf_arena_up(arena, port), &at);
    if (error != 0)
        cf_arena_unmap(arena, port);
    if (error == 0 && arena->huge_pages) {
        cf_memory_advise_huge(cf_arena_down(arena, port), sizes.down_bytes);
        cf_memory_advise_huge(cf_arena_up(arena, port), sizes.up_bytes);
    }
    return error;
}

int cf_arena_raise(const struct cf_arena *arena, uint32_t port, struct cf_arena_port sizes)
{
    int error = cf_memory_protect(cf_arena_down(arena, port), sizes.down_bytes, CF_ACCESS_WRITE);
    if (error == 0)
        error = cf_memory_protect(cf_arena_up(arena, port), sizes.up_bytes, CF_ACCESS_WRITE);
    return error;
}

void cf_arena_unmap(const struct cf_arena *arena, uint32_t port)
{
    if (cf_memory_unmap_to_reservation(place(arena, port), stride(arena)) != 0)
        abort(); /* address space that may show a dead peer's memory is no place to go on from */
}
