/*
 * The work that is the same for every kind of keeper. A kind gives its three operations as a constant table, whose functions the
 * compiler can see: so each kind gets loops of its own with nothing between the loop and the operation, and no loop is written twice.
 */
#ifndef CALLFAN_BENCH_HANDLES_WORK_H
#define CALLFAN_BENCH_HANDLES_WORK_H

#include <stdlib.h>
#include <time.h>

#include "bench/handles/keeper.h"
#include "shm/atomics.h"

#define WORK static inline __attribute__((always_inline))

struct keeper_operations {
    uint64_t (*allocate)(struct keeper *k, unsigned shard); /* the handle; the object's state word is the same */
    bool (*release)(struct keeper *k, unsigned shard, uint64_t handle);
    /* The state of the handle's object, read while that is still its object. False: the handle is void. */
    bool (*read)(struct keeper *k, unsigned shard, unsigned thread, uint64_t handle, uint64_t *ret_state);
};

static inline int64_t work_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline uint64_t work_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

WORK void work_fill(const struct keeper_operations *o, struct keeper_work *w)
{
    for (uint64_t i = 0; i < w->count; i++)
        w->handles[i] = o->allocate(w->keeper, w->shard);
}

WORK void work_churn(const struct keeper_operations *o, struct keeper_work *w, uint64_t times)
{
    struct keeper *k = w->keeper;
    uint64_t *handles = w->handles, mask = w->count - 1, seed = w->seed;
    unsigned shard = w->shard;
    for (; times > 0; times--) {
        uint64_t *one = &handles[work_random(&seed) & mask];
        if (!o->release(k, shard, *one))
            abort();
        /* pairs with the load in work_look_up(): the object before its handle */
        cf_store_release_64(one, o->allocate(k, shard));
    }
    w->seed = seed;
}

WORK uint64_t work_look_up(const struct keeper_operations *o, struct keeper_work *w, uint64_t times)
{
    struct keeper *k = w->keeper;
    const uint64_t *handles = w->handles;
    uint64_t mask = w->count - 1, at = w->at, live = 0;
    unsigned shard = w->shard, thread = w->thread;
    for (uint64_t end = at + times; at != end; at++) {
        uint64_t handle = cf_load_acquire_64(&handles[at & mask]), state;
        if (!o->read(k, shard, thread, handle, &state))
            continue;
        if (state != handle) /* another object, or another life */
            abort();
        live++;
    }
    w->at = at;
    return live;
}

WORK void work_release(const struct keeper_operations *o, struct keeper_work *w)
{
    for (uint64_t i = 0; i < w->count; i++)
        if (!o->release(w->keeper, w->shard, w->handles[i]))
            abort();
}

#endif
