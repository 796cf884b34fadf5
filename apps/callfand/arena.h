/*
 * The arena: the address space that keeper and core share, at the same addresses in both.
 *
 * Shape      the state region (shared memory, appears when touched), and a reservation with one stride per port number:
 *            the down object at its start, the up object at down_bytes_max. Reserved once, before the first fork
 * Invariant  a port's objects lie at cf_arena_down() and cf_arena_up() in every process that maps them; what is not mapped is
 *            reservation without access
 * Writers    the keeper maps without access, before the objects are sealed; the core writes
 * Errors     negative errno
 */
#ifndef CF_CALLFAND_ARENA_H
#define CF_CALLFAND_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include "callfan/limits.h"
#include "shm/port.h"
#include "shm/sys_memory.h"

struct cf_arena {
    void *state;
    uint64_t state_bytes;
    int state_fd; /* tells which of it has been touched */
    uint8_t *ports;
    uint64_t down_bytes_max, up_bytes_max; /* whole huge pages */
    uint32_t ports_count;
    bool huge_pages; /* asked for, for the large tables of the state and for rings */
};

/* The bytes of one port's two objects. */
struct cf_arena_port {
    uint64_t down_bytes, up_bytes;
};

int cf_arena_reserve(const struct cf_limits *limits, uint64_t ring_bytes_max, bool huge_pages, struct cf_arena *ret_arena);

/* Zeroed state for the same limits; its address may be another. */
int cf_arena_renew_state(const struct cf_limits *limits, struct cf_arena *arena);

/* True when a port's objects may have these sizes. */
bool cf_arena_fits(const struct cf_arena *arena, struct cf_arena_port sizes);

struct cf_port_down *cf_arena_down(const struct cf_arena *arena, uint32_t port);
struct cf_port_up *cf_arena_up(const struct cf_arena *arena, uint32_t port);

/* Maps both objects in their place. */
int cf_arena_map(const struct cf_arena *arena, uint32_t port, struct cf_arena_port sizes, int down_fd, int up_fd,
                 enum cf_access access);

/* Makes both objects writable, mapped without access by the keeper. */
int cf_arena_raise(const struct cf_arena *arena, uint32_t port, struct cf_arena_port sizes);

/* Reservation again. */
void cf_arena_unmap(const struct cf_arena *arena, uint32_t port);

#endif
