/*
 * Prefaulting: a new core has the memory but not yet the page tables; the door's thread fills them in slices, behind the engine.
 *
 * Invariant  gives no page to the state that it did not have; contents never change
 * Progress   each step is bounded (a slice of the state or of a port); memory that the state never had takes no time
 */
#ifndef CF_CALLFAND_PREFAULT_H
#define CF_CALLFAND_PREFAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "apps/callfand/arena.h"
#include "apps/callfand/holding.h"

struct cf_prefault {
    const struct cf_arena *arena;
    const struct cf_holdings *holdings;
    uint32_t port;     /* next */
    uint64_t port_at;  /* next byte of its objects, the down object first */
    uint64_t state_at; /* next byte of the state */
};

void cf_prefault_init(struct cf_prefault *prefault, const struct cf_arena *arena, const struct cf_holdings *holdings);

/* One slice. still_held(arg, port, generation) says whether a port that the keeper held is mapped yet. False: all done. */
typedef bool cf_prefault_held_fn(void *arg, uint32_t port, uint32_t generation);
bool cf_prefault_step(struct cf_prefault *prefault, cf_prefault_held_fn *still_held, void *arg);

#endif
