/*
 * Kinds of handle keepers: Callfan's table, and what a program would use without one: an allocator and a hash table. All do the same
 * work on objects of 64 bytes: allocate one and give it a handle, find it by its handle, end the handle and the object's life.
 *
 * Shape      a keeper has one or two shards. Each shard has one writer; where the kind allows more (liburcu), shards are one table
 * Invariant  an object's state word is its handle, so that whoever reads the state knows whether he found the right object in the
 *            right life. The work itself checks it and ends the program when it is not so
 * Overlap    look_up with everything once the keeper is watched; fill, churn and release of a shard not with each other
 * Errors     the work ends the program; there is nothing to compare with a wrong result
 */
#ifndef CALLFAN_BENCH_HANDLES_KEEPER_H
#define CALLFAN_BENCH_HANDLES_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEEPER_SHARDS_MAX 2
#define OBJECT_BYTES      64

struct keeper;

/* What one thread does with a keeper. */
struct keeper_work {
    struct keeper *keeper;
    unsigned shard;    /* allocates and releases here, looks up here */
    unsigned thread;   /* 0 or 1 */
    uint64_t *handles; /* those of the shard; while another thread looks them up they change by single stores */
    uint64_t count;    /* a power of two */
    uint64_t at, seed; /* which is looked up next; which is released next */
} __attribute__((aligned(128)));

struct allocator;

struct keeper_kind {
    const char *name; /* benchmarks' names end in it: "" or "_shared" of Callfan's, "_ref_" and the peer's */
    const struct allocator *allocator; /* NULL: the keeper has memory of its own */
    bool any_releases;                 /* any thread may release, while the shard's writer allocates */

    /* Room for that many handles in all, dealt over the shards. Tables have their final size from the start. */
    struct keeper *(*new)(const struct keeper_kind *kind, uint64_t handles, unsigned shards);
    void (*free)(struct keeper *k); /* everything was released */

    /* Whether threads look up while others release: then memory is given back only when nobody can be reading it any more. */
    void (*set_watched)(struct keeper *k, bool watched);

    /* Each thread around its work. Not nested. */
    void (*enter)(void);
    void (*leave)(void);

    void (*fill)(struct keeper_work *w);                  /* allocates `count` */
    void (*churn)(struct keeper_work *w, uint64_t times); /* releases one, whichever it may be, and allocates one */
    uint64_t (*look_up)(struct keeper_work *w, uint64_t times); /* returns how many were live */
    void (*release)(struct keeper_work *w);                     /* all */

    /* Ends all handles as a line that is closed does: nanoseconds until none is live, and until all memory is given back. */
    void (*drop)(struct keeper_work *w, int64_t *ret_void_ns, int64_t *ret_all_ns);
};

/* Callfan's, then the peers that were there when this was compiled. Ends with NULL. */
extern const struct keeper_kind *const keeper_kinds[];

/* The one of a single thread, without atomic read-modify-writes; and the one whose handles any thread may release. */
extern const struct keeper_kind keeper_callfan, keeper_callfan_shared;
extern const struct keeper_kind keeper_urcu_glibc, keeper_urcu_jemalloc;
extern const struct keeper_kind keeper_ck_ht_glibc, keeper_ck_ht_jemalloc;

#endif
