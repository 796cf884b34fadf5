/*
 * The handle: 64 bits that name one slot in one of its lives.
 *
 * Shape      bits 0..27 index, 28..31 kind, 32..63 generation
 *            The top 3 bits of an application's index are the usage's number in its process, so that the handles of
 *            several lineInitializeEx in one process never share a value.
 * Invariant  generation odd = live, even = free; 0 is never a handle
 */
#ifndef CF_SHM_HANDLE_H
#define CF_SHM_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

enum cf_handle_kind {
    CF_KIND_NONE = 0,
    CF_KIND_USAGE = 1,    /* HLINEAPP */
    CF_KIND_LINE = 2,     /* HLINE */
    CF_KIND_CALL = 3,     /* HCALL */
    CF_KIND_PROVIDER = 4, /* a provider's own call identifier (HDRVCALL) */
};

#define CF_HANDLE_INDEX_BITS 28
#define CF_HANDLE_INDEX_MASK ((UINT32_C(1) << CF_HANDLE_INDEX_BITS) - 1)
#define CF_USAGE_SHIFT 25
#define CF_SLOT_MASK ((UINT32_C(1) << CF_USAGE_SHIFT) - 1)
#define CF_INDEX_NONE UINT32_MAX

static inline uint64_t cf_handle_make(uint32_t index, enum cf_handle_kind kind, uint32_t generation) {
    return (uint64_t)generation << 32 | (uint64_t)kind << CF_HANDLE_INDEX_BITS | (index & CF_HANDLE_INDEX_MASK);
}
static inline uint32_t cf_handle_index(uint64_t h) { return (uint32_t)h & CF_HANDLE_INDEX_MASK; }
static inline enum cf_handle_kind cf_handle_kind(uint64_t h) {
    return (enum cf_handle_kind)(((uint32_t)h >> CF_HANDLE_INDEX_BITS) & 15);
}
static inline uint32_t cf_handle_generation(uint64_t h) { return (uint32_t)(h >> 32); }

/* An application's handle: usage 0..7 in the top bits of the index, slot below. */
static inline uint64_t cf_handle_of_usage(uint32_t usage, uint32_t slot, enum cf_handle_kind kind, uint32_t generation) {
    return cf_handle_make(usage << CF_USAGE_SHIFT | (slot & CF_SLOT_MASK), kind, generation);
}
static inline uint32_t cf_handle_usage(uint64_t h) { return cf_handle_index(h) >> CF_USAGE_SHIFT; }
static inline uint32_t cf_handle_slot(uint64_t h) { return (uint32_t)h & CF_SLOT_MASK; }

/* Generation a is newer than b (plain order: a slot whose generation would wrap is retired). */
static inline bool cf_generation_newer(uint32_t a, uint32_t b) { return a > b; }
static inline bool cf_generation_live(uint32_t g) { return (g & 1) != 0; }

#endif
