/*
 * The timer wheel: one hashed wheel, one slot per tick, entries of a later round stay in their slot.
 *
 * Shape      nodes lie in the user's array, one per index, at a fixed stride; a slot is a doubly linked list, first in first out
 * Units      ticks; what a tick is, the user says
 * Invariant  an entry stands in the slot of its due tick; now never passes a tick with due entries in it
 * Progress   set, cancel and expire O(1), and one look per round at an entry that is due in a later one: no level ever
 *            cascades, so no tick costs much more than another
 * Overlap    none
 * Source     Varghese and Lauck, Hashed and Hierarchical Timing Wheels, scheme 6
 */
#ifndef CF_SIM_WHEEL_H
#define CF_SIM_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CF_WHEEL_SLOTS (UINT32_C(1) << 18) /* 262 s of ms ticks */
#define CF_WHEEL_NONE  UINT32_MAX
#define CF_WHEEL_NEVER UINT64_MAX

struct cf_wheel_node {
    uint32_t next, previous;
    uint64_t due; /* CF_WHEEL_NEVER: not in the wheel */
};

struct cf_wheel {
    uint8_t *nodes; /* of index 0 */
    size_t stride;
    struct {
        uint32_t first, last;
    } * slots;
    uint64_t *filled; /* a bit per slot */
    uint64_t now;
    uint32_t cursor; /* next entry of the slot of now to look at; CF_WHEEL_NONE: its beginning */
    bool looking;    /* cursor counts */
    uint64_t entries;
};

/* False: no memory. nodes: the node of index 0; the user's array may grow in place. */
bool cf_wheel_init(struct cf_wheel *w, void *nodes, size_t stride, uint64_t now);
void cf_wheel_fini(struct cf_wheel *w);

/* A node must begin like this before it is set the first time. */
static inline void cf_wheel_node_init(struct cf_wheel_node *n)
{
    n->due = CF_WHEEL_NEVER;
}

/* Sets or moves the timer of index to due; one that is due now or was due before expires within this tick. */
void cf_wheel_set(struct cf_wheel *w, uint32_t index, uint64_t due);
void cf_wheel_cancel(struct cf_wheel *w, uint32_t index);

/* Takes one entry that is due at now out of the wheel. CF_WHEEL_NONE: no more; then cf_wheel_advance(). */
uint32_t cf_wheel_expire(struct cf_wheel *w);

/* To the next tick. */
void cf_wheel_advance(struct cf_wheel *w);

/* The first tick in now..limit whose slot holds an entry (which may be due in a later round), or limit. */
uint64_t cf_wheel_next(const struct cf_wheel *w, uint64_t limit);

/* Moves now to tick without looking at the slots between: none of them may hold an entry that is due. */
void cf_wheel_skip(struct cf_wheel *w, uint64_t tick);

/* All invariants. Slow. */
bool cf_wheel_check(const struct cf_wheel *w, char *why, size_t why_bytes);

#endif
