/*
 * The handle table: slots with generations, so that a handle names one life of one slot and every copy of it is void at once.
 *
 * Shape      a head of 64 bytes and slots of `stride` bytes, each beginning with struct cf_handle_slot. Slots lie in one piece
 *            (cf_handle_table_view) or in segments that are added and never moved (cf_handle_table_view_segments).
 *            Free slots queue up, first in first out, through `link`, which the user may use while the slot lives. The queue is dealt
 *            over CF_HANDLE_LANES lists in turn, so that who comes next is known, and prefetched, that many allocations before.
 * Units      an index counts slots; a generation is odd while the slot lives, even while it is free, and only grows
 * Invariant  cf_handle_table_check(). A slot whose generation reaches generation_end is retired: no generation is used twice
 * Writers    plain table (with a journal, or declared so): one thread, plain stores, with a journal each after cf_touch(). Else the
 *            owner (one thread at a time) allocates, installs and sweeps; any thread releases
 * Overlap    look-up with everything; release with everything; allocate, install and sweep not with each other
 * Progress   look-up wait-free, loads only. Release lock-free: one CAS of the generation, exactly one caller wins, then one push
 *            to the owner's list. Allocate bounded (at most CF_HANDLE_TAKE released slots put in order and as many queued; when nothing else is free it
 *            takes the oldest of what is in order so far: the one exception from first in, first out). Close of a parent: one release, whatever the children
 * Errors     full, stale
 * Trust      index and generation of look-up, release and install may be anything
 */
#ifndef CF_SHM_HANDLE_TABLE_H
#define CF_SHM_HANDLE_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/atomics.h"
#include "shm/handle.h"
#include "shm/journal.h"

#define CF_GENERATION_END UINT32_C(0xFFFFFFFE) /* the width of the product: lives 1, 3, ... 0xFFFFFFFD */
#define CF_HANDLE_TAKE 32u       /* released slots put in order, and as many queued, by one allocation at most */
#define CF_HANDLE_TAKE_EVERY 8u  /* allocations; above one per release, so that what waits to be put in order gets less */
#define CF_HANDLE_LANES 4u

/* In the caller's memory, journaled or private, aligned to 64 bytes. */
struct cf_handle_head {
    uint32_t limit;           /* slots at most */
    uint32_t base_generation; /* even: a slot's first life is one above */
    uint32_t generation_end;  /* even: a slot that reaches it is retired */
    uint32_t used;            /* slots below it were given out at least once */
    uint32_t live;            /* given out and not known to the owner as released */
    uint32_t free;            /* in the queue */
    uint32_t retired;
    uint32_t lane;            /* lane of the slot that is free the longest; the next one that is released goes to lane + free */
    uint32_t first[CF_HANDLE_LANES]; /* of a lane that is empty: anything */
    uint32_t last[CF_HANDLE_LANES];
};
_Static_assert(sizeof(struct cf_handle_head) == 64, "one line");
_Static_assert(offsetof(struct cf_handle_head, used) == 12, "layout");
_Static_assert(offsetof(struct cf_handle_head, lane) == 28, "layout");
_Static_assert(offsetof(struct cf_handle_head, first) == 32, "layout");
_Static_assert(offsetof(struct cf_handle_head, last) == 48, "layout");

/* The beginning of every slot. */
struct cf_handle_slot {
    uint32_t generation;
    uint32_t link; /* next free slot while free; the user's while live */
};
_Static_assert(sizeof(struct cf_handle_slot) == 8, "layout");

/* The beginning of the slots of a table with parents; also all of libcallfan's call slots that other threads read. */
struct cf_handle_child {
    uint32_t generation;
    uint32_t link;
    uint64_t parent; /* cf_handle_parent(): a life of a slot in the parents' table */
    uint64_t state;  /* one word, so that a wait-free read cannot tear: see cf_handle_state() */
};
_Static_assert(offsetof(struct cf_handle_child, parent) == 8, "layout");
_Static_assert(offsetof(struct cf_handle_child, state) == 16, "layout");

/* Gives zeroed memory aligned to 64 bytes that stays where it is for the table's life, or NULL. */
typedef void *cf_handle_segment_fn(size_t bytes, void *arg);

/* Private to the process. */
struct cf_handle_table {
    struct cf_handle_head *head;
    uint8_t *slots;   /* in one piece; NULL: in segments */
    uint64_t *segments; /* addresses, one per 1 << segment_shift slots; 0 where none was added yet */
    struct cf_journal *journal;
    const struct cf_handle_table *parents;
    cf_handle_segment_fn *provide;
    void *provide_arg;
    uint32_t limit;   /* a copy: look-ups stay off the head's line */
    uint32_t stride;
    uint32_t segment_shift;
    bool plain;       /* one thread does everything: with a journal, or by cf_handle_table_set_single_thread() */
    bool installed;   /* the other side chooses indices and generations: nothing is put on a list here */
    uint8_t pad0[64];
    /* The owner's: what was taken from `released`, newest first, and what of that was turned round, oldest first. */
    uint32_t taken, ordered;
    uint32_t take_due; /* allocations until the next look at `released` */
    uint8_t pad1[116];
    uint32_t released; /* any thread pushes; the owner takes all */
    uint8_t pad2[124];
};

/* ------------------------------------------------------------------ making one */

/* Fills a head: no slot given out. base_generation is even; limit slots at most. Touches the head. */
void cf_handle_table_format(struct cf_handle_head *head, struct cf_journal *journal, uint32_t limit, uint32_t base_generation);

/* Before the first allocation: narrower generations, so that retirement can be reached. end is even and above the base. */
void cf_handle_table_narrow(struct cf_handle_head *head, struct cf_journal *journal, uint32_t generation_end);

/*
 * The view of a table whose slots lie in one piece of head->limit * stride bytes. What the bytes held before does not matter.
 * stride is 16, 32 or a multiple of 64; slots is aligned to 64. Without a journal what was released and not yet taken by the owner
 * is known to this view only, so there is one view and it stays where it is.
 */
void cf_handle_table_view(struct cf_handle_table *t, struct cf_handle_head *head, void *slots, uint32_t stride,
                          struct cf_journal *journal);

/*
 * The same in segments of 1 << segment_shift slots, without a journal. segments is an array of
 * cf_handle_table_segments(limit, segment_shift) zeros; the addresses that provide returned are found there when the table ends.
 */
void cf_handle_table_view_segments(struct cf_handle_table *t, struct cf_handle_head *head, uint64_t *segments,
                                   uint32_t segment_shift, uint32_t stride, cf_handle_segment_fn *provide, void *arg);

/* The table is filled by cf_handle_table_install() alone: released slots wait for the other side. Before the first use. */
static inline void cf_handle_table_set_installed(struct cf_handle_table *t)
{
    t->installed = true;
}

static inline uint32_t cf_handle_table_segments(uint32_t limit, uint32_t segment_shift)
{
    return (uint32_t)(((uint64_t)limit + (UINT32_C(1) << segment_shift) - 1) >> segment_shift);
}

/* The same thread allocates, releases and sweeps: no atomic read-modify-write is needed. Look-ups may come from any. Before the first use. */
static inline void cf_handle_table_set_single_thread(struct cf_handle_table *t)
{
    t->plain = true;
}

/* Slots of t begin with struct cf_handle_child and live only as long as their parent's life does. Before the first use. */
static inline void cf_handle_table_set_parents(struct cf_handle_table *t, const struct cf_handle_table *parents)
{
    t->parents = parents;
}

/* ------------------------------------------------------------------ any thread */

/* The memory of a slot of a table that lies in one piece. index < limit. */
static inline void *cf_handle_table_slot_in_one(const struct cf_handle_table *t, uint32_t index)
{
    return t->slots + (size_t)index * t->stride;
}

/* The memory of a slot, NULL where its segment was never added. index < limit. */
static inline void *cf_handle_table_slot(const struct cf_handle_table *t, uint32_t index)
{
    if (cf_likely(t->slots != NULL))
        return cf_handle_table_slot_in_one(t, index);
    /* H2 pairs with H2 in add_segment() */
    uint8_t *segment = (uint8_t *)(uintptr_t)cf_load_acquire_64(&t->segments[index >> t->segment_shift]);
    if (cf_unlikely(segment == NULL))
        return NULL;
    return segment + (size_t)(index & ((UINT32_C(1) << t->segment_shift) - 1)) * t->stride;
}

/* As above, but NULL also for an index that no handle can have. Memory in one piece may hold old bytes above `used`. */
static inline void *cf_handle_table_slot_clamped(const struct cf_handle_table *t, uint32_t index)
{
    /* H1 pairs with H1 in cf_handle_table_allocate_fresh(): the slot was cleaned before it counted as used */
    uint32_t end = t->slots != NULL ? cf_load_acquire_32(&t->head->used) : t->limit;
    return cf_likely(index < end) ? cf_handle_table_slot(t, index) : NULL;
}

/* The slot, or NULL unless this is its present life. Parents are not asked. */
static inline void *cf_handle_table_look_up(const struct cf_handle_table *t, uint32_t index, uint32_t generation)
{
    struct cf_handle_slot *slot = cf_handle_table_slot_clamped(t, index);
    if (cf_unlikely(slot == NULL))
        return NULL;
    /* H0 pairs with H0 in allocate and install: what was written before the slot began to live */
    uint32_t now = cf_load_acquire_32(&slot->generation);
    return cf_likely(now == generation && cf_generation_live(generation)) ? slot : NULL;
}

static inline uint64_t cf_handle_parent(uint32_t index, uint32_t generation)
{
    return (uint64_t)generation << 32 | index;
}
static inline uint32_t cf_handle_parent_index(uint64_t parent) { return (uint32_t)parent; }
static inline uint32_t cf_handle_parent_generation(uint64_t parent) { return (uint32_t)(parent >> 32); }

/* State, mode and privilege of a call in one word. LINECALLSTATE_ and its modes have up to 28 bits, privileges 3. */
static inline uint64_t cf_handle_state(uint32_t state, uint32_t mode, uint32_t privilege)
{
    return (uint64_t)(state & UINT32_C(0x0FFFFFFF)) << 36 | (uint64_t)(mode & UINT32_C(0x0FFFFFFF)) << 8 | (privilege & 0xFF);
}
static inline uint32_t cf_handle_state_state(uint64_t word) { return (uint32_t)(word >> 36); }
static inline uint32_t cf_handle_state_mode(uint64_t word) { return (uint32_t)(word >> 8) & UINT32_C(0x0FFFFFFF); }
static inline uint32_t cf_handle_state_privilege(uint64_t word) { return (uint32_t)word & 0xFF; }

static inline bool cf_handle_parent_live(const struct cf_handle_table *t, uint64_t parent)
{
    return t->parents == NULL || cf_handle_table_look_up(t->parents, cf_handle_parent_index(parent),
                                                         cf_handle_parent_generation(parent)) != NULL;
}

/*
 * The slot of a child, or NULL unless this is its present life and its parent's life goes on; its state word of that very
 * life in *ret_state and its parent in *ret_parent (NULL: not wanted). Wait-free, loads only.
 *
 * The words are loaded before the generation. Whoever holds the handle learned it after the words of this life were stored, so
 * it loads those or newer ones; newer ones were stored after the generation had left this life (H3), and then it no longer
 * matches. So a match says that the words are this life's.
 */
static inline struct cf_handle_child *cf_handle_child_read(const struct cf_handle_table *t, uint32_t index, uint32_t generation,
                                                           uint64_t *ret_state, uint64_t *ret_parent)
{
    struct cf_handle_child *child = (struct cf_handle_child *)cf_handle_table_slot_clamped(t, index);
    if (cf_unlikely(child == NULL))
        return NULL;
    uint64_t parent = cf_load_acquire_64(&child->parent); /* H3 pairs with H3 in cf_handle_child_write() */
    uint64_t state = cf_load_acquire_64(&child->state);   /* H3 */
    uint32_t now = cf_load_acquire_32(&child->generation);
    if (cf_unlikely(now != generation || !cf_generation_live(generation) || !cf_handle_parent_live(t, parent)))
        return NULL;
    if (ret_state != NULL)
        *ret_state = state;
    if (ret_parent != NULL)
        *ret_parent = parent;
    return child;
}

static inline struct cf_handle_child *cf_handle_child_look_up(const struct cf_handle_table *t, uint32_t index, uint32_t generation)
{
    return cf_handle_child_read(t, index, generation, NULL, NULL);
}

/* ------------------------------------------------------------------ the owner; release: any thread */

/* For the calls below: a never used slot; what was released put in order; a release beside other threads; a last life's end. */
uint32_t cf_handle_table_allocate_fresh(struct cf_handle_table *t, uint32_t *ret_index);
void cf_handle_table_take(struct cf_handle_table *t);
bool cf_handle_table_release_shared(struct cf_handle_table *t, uint32_t index, uint32_t generation);
void cf_handle_table_retire(struct cf_handle_table *t);

/* Begins a life: the slot that is free the longest, else a never used one, zeroed. Returns the generation, 0 when full. */
static inline uint32_t cf_handle_table_allocate(struct cf_handle_table *t, uint32_t *ret_index)
{
    struct cf_handle_head *h = t->head;
    if (!t->plain && (h->free == 0 || --t->take_due == 0))
        cf_handle_table_take(t);
    if (h->free == 0)
        return cf_handle_table_allocate_fresh(t, ret_index);
    uint32_t lane = h->lane, index = h->first[lane];
    struct cf_handle_slot *slot = (struct cf_handle_slot *)cf_handle_table_slot(t, index);
    cf_touch(t->journal, h);
    cf_touch(t->journal, slot);
    if (h->free > CF_HANDLE_LANES) {
        h->first[lane] = cf_load_relaxed_32(&slot->link);
        cf_prefetch_write(cf_handle_table_slot(t, h->first[lane]));
    }
    h->lane = (lane + 1) % CF_HANDLE_LANES;
    h->free--;
    h->live++;
    uint32_t generation = cf_load_relaxed_32(&slot->generation) + 1;
    cf_store_release_32(&slot->generation, generation); /* H0 pairs with H0 in cf_handle_table_look_up() */
    *ret_index = index;
    return generation;
}

/* For release: a slot that is free from now on joins the queue. */
static inline void cf_handle_table_queue(struct cf_handle_table *t, uint32_t index)
{
    struct cf_handle_head *h = t->head;
    uint32_t lane = (h->lane + h->free) % CF_HANDLE_LANES;
    cf_touch(t->journal, h);
    if (h->free < CF_HANDLE_LANES) {
        h->first[lane] = index;
    } else {
        struct cf_handle_slot *last = (struct cf_handle_slot *)cf_handle_table_slot(t, h->last[lane]);
        assert(last != NULL);
        cf_touch(t->journal, last);
        cf_store_relaxed_32(&last->link, index);
    }
    h->last[lane] = index;
    h->free++;
    h->live--;
}

/*
 * Ends a life. True for exactly one caller; every copy of the handle is void before it returns. A slot at the end of its generations
 * is retired and counted. Any thread, unless the table is plain.
 */
static inline bool cf_handle_table_release(struct cf_handle_table *t, uint32_t index, uint32_t generation)
{
    if (!t->plain)
        return cf_handle_table_release_shared(t, index, generation);
    struct cf_handle_slot *slot = (struct cf_handle_slot *)cf_handle_table_look_up(t, index, generation);
    if (slot == NULL)
        return false;
    cf_touch(t->journal, slot);
    cf_store_release_32(&slot->generation, generation + 1);
    if (cf_unlikely(generation + 1 == t->head->generation_end)) {
        cf_handle_table_retire(t);
        return true;
    }
    cf_handle_table_queue(t, index);
    return true;
}

/* The same for a child: false also when its parent's life has ended. */
static inline bool cf_handle_child_release(struct cf_handle_table *t, uint32_t index, uint32_t generation)
{
    return cf_handle_child_look_up(t, index, generation) != NULL && cf_handle_table_release(t, index, generation);
}

/* Stores a child's words: at allocation, before the handle is handed on, and when the state changes. Not during another's install. */
static inline void cf_handle_child_write(struct cf_handle_child *child, uint64_t parent, uint64_t state)
{
    cf_store_release_64(&child->parent, parent); /* H3: the end of the former life is visible first */
    cf_store_release_64(&child->state, state);   /* H3 */
}

enum cf_handle_install {
    CF_INSTALL_NEW,     /* the slot lives in this generation from now on */
    CF_INSTALL_ALREADY, /* it did before; its words were left alone */
    CF_INSTALL_VOID,    /* released, older, its parent's life ended, or no index or generation of this table */
    CF_INSTALL_MEMORY,  /* no memory for a segment */
};

/*
 * Writes a slot that the other side allocated (index, generation). A newer generation ends an older life that still stands in
 * the slot. Slots begin with struct cf_handle_child. *ret_slot is written for NEW and ALREADY.
 */
enum cf_handle_install cf_handle_table_install(struct cf_handle_table *t, uint32_t index, uint32_t generation, uint64_t parent,
                                               uint64_t state, struct cf_handle_child **ret_slot);

/*
 * Releases children of ended parents among the next `slice` slots from *cursor (0 first). Returns how many; *cursor is 0 again
 * when the last slot was seen. For tables that allocate themselves.
 */
uint32_t cf_handle_table_sweep(struct cf_handle_table *t, uint32_t *cursor, uint32_t slice);

/*
 * True when all counts, lists and generations fit each other; else one sentence in why. Nobody else may use the table meanwhile.
 * Takes a time proportional to the slots used.
 */
bool cf_handle_table_check(const struct cf_handle_table *t, char *why, size_t why_bytes);

#endif
