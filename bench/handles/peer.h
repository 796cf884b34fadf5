/* What the peers have in common: their objects, their hash, and memory that waits until nobody can be reading it. */
#ifndef CALLFAN_BENCH_HANDLES_PEER_H
#define CALLFAN_BENCH_HANDLES_PEER_H

#include "bench/handles/allocator.h"
#include "bench/handles/work.h"

/* Objects are freed in batches, so that the wait for readers is paid once for as many. */
#define PEER_BATCH 1024

struct peer_waiting {
    uint32_t count;
    void *objects[PEER_BATCH];
};

/* Both peers take the low bits first, so the high ones are folded in. */
static inline uint64_t peer_hash(uint64_t key)
{
    key *= UINT64_C(0x9E3779B97F4A7C15);
    return key ^ key >> 32;
}

/* Handles are numbers that count up, never used twice: each shard has every second one. 0 is none. */
static inline uint64_t peer_key(uint64_t *last, unsigned shard)
{
    return ++*last * KEEPER_SHARDS_MAX + shard;
}

static inline void peer_waiting_free(struct peer_waiting *w, const struct allocator *a)
{
    while (w->count != 0)
        a->release(w->objects[--w->count]);
}

/* A line of a peer that is closed: it ends each of its handles, in the order in which they began, which is kind to allocators. */
WORK void peer_drop(const struct keeper_operations *o, struct keeper_work *w, int64_t *ret_void_ns, int64_t *ret_all_ns)
{
    int64_t start = work_now_ns();
    work_release(o, w);
    *ret_void_ns = *ret_all_ns = work_now_ns() - start;
}

#endif
