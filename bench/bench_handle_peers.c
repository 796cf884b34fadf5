/*
 * Question: what do Callfan's handles cost beside what a program would use without them: an allocator (glibc's, jemalloc) and a hash table
 * (liburcu's lock-free cds_lfht, Concurrency Kit's ck_ht), with 4 K, 128 K, 1 M and 8 M handles, one thread and two, in time and memory?
 *
 * Expected: a release with an allocation touches two lines of the table; a peer touches the object, the hash table's lines on the way to
 * it and the allocator's, so 3 to 6 times as many, each a miss once the table is beyond the caches. A look-up is one line of the slot
 * and one of its line, against bucket, entry and object. Sweeping reads the slots in their order, the peers search each handle. Memory:
 * 64 bytes against object, allocator's overhead (16 bytes with glibc) and buckets: 16 bytes of liburcu, 66 of ck_ht at half load.
 *
 * Method: objects of 64 bytes, all kinds do the same work (bench/handles/keeper.h), and each look-up checks that it found the right object
 * in the right life. Before churn and look-up each keeper has had the same life: twice as many handles as are live were allocated, put in random
 * order, half of them released, as many again churned; so free slots and chunks lie anywhere. Peers' tables never grow.
 *
 *   fill             a new keeper until all are live, in a new process; bytes: its private memory afterwards, over the handles
 *   churn            one of the live handles at random is released, one allocated. Two threads: each has half of the handles, to
 *                    itself with Callfan and ck_ht, which have one writer per table, in one table with liburcu; time per operation of both
 *   churn_shared     churn with a table whose handles any thread may release, in one thread
 *   churn_remote     one thread allocates, another one releases, batches of 64, at most 2,048 under way: Callfan's shared table and
 *                    liburcu; ck_ht's one writer cannot
 *   look_up          of live handles in random order, as a reader that a writer may be beside: liburcu's read lock, ck_epoch's section
 *   look_up_churned  the same on one CPU, while the other one churns; void_ppm: how many of a million ended between the reader's two loads.
 *                    Peers free objects in batches of 1,024 after a grace period, Callfan's slots need none
 *   churn_looked_up  that writer's time
 *   sweep            all handles of a line at its close, until all slots or objects are given back. void_us: until none is live, which
 *                    Callfan's are with one store, so that this work can wait
 *
 * With one thread peers free at once, as if nobody could be reading: kind to them. bench-cpus: 2
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/cbench.h"
#include "bench/handles/allocator.h"
#include "bench/handles/keeper.h"
#include "shm/atomics.h"
#include "shm/sys_memory.h"

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_handle_peers: %s\n", what);
    exit(1);
}

static uint64_t *words(uint64_t count)
{
    void *memory;
    must(cf_memory_anonymous(count * sizeof(uint64_t), false, &memory) == 0, "no memory");
    memset(memory, 0, count * sizeof(uint64_t));
    return memory;
}

static void shuffle(uint64_t *array, uint64_t count)
{
    uint64_t seed = 5;
    for (uint64_t i = count; i-- > 1;) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t at = (seed >> 33) % (i + 1), swap = array[at];
        array[at] = array[i];
        array[i] = swap;
    }
}

/* ------------------------------------------------------------------ what must be so */

/* Of more handles only so many: beyond the caches they take longer than what is measured. */
#define EXPECT_MOST (1 << 20)

static uint64_t found(const struct keeper_kind *kind, struct keeper_work *w, uint64_t *ret_asked)
{
    *ret_asked = w->count < EXPECT_MOST ? w->count : EXPECT_MOST;
    return kind->look_up(w, *ret_asked);
}

static void expect_live(const struct keeper_kind *kind, struct keeper_work *w)
{
    uint64_t asked, live = found(kind, w, &asked);
    must(live == asked, "a live handle was not found");
}

static void expect_void(const struct keeper_kind *kind, struct keeper_work *w)
{
    uint64_t asked, live = found(kind, w, &asked);
    must(live == 0, "a handle outlived its object");
}

/* ------------------------------------------------------------------ a keeper in use */

/* Kept from run to run, since making it takes longer than any run. */
static struct {
    const struct keeper_kind *kind; /* NULL: none */
    uint64_t live;
    unsigned shards;
    uint64_t *handles;
    struct keeper_work work[KEEPER_SHARDS_MAX]; /* as the shards' writers */
} bed;

static void shard_end(struct keeper_work *w)
{
    expect_live(bed.kind, w);
    bed.kind->release(w);
    expect_void(bed.kind, w);
}

static void bed_end(void)
{
    if (bed.kind == NULL)
        return;
    bed.kind->enter();
    for (unsigned i = 0; i < bed.shards; i++)
        shard_end(&bed.work[i]);
    bed.kind->leave();
    bed.kind->free(bed.work[0].keeper);
    cf_memory_unmap(bed.handles, bed.live * sizeof *bed.handles);
    bed.kind = NULL;
}

/* The life before: see the head. */
static void shard_begin(struct keeper_work *w)
{
    struct keeper_work all = *w;
    all.count = 2 * w->count;
    all.handles = words(all.count);
    bed.kind->fill(&all);
    shuffle(all.handles, all.count);
    memcpy(w->handles, all.handles, w->count * sizeof *w->handles);
    struct keeper_work half = all;
    half.count = w->count;
    half.handles = all.handles + w->count;
    bed.kind->release(&half);
    expect_void(bed.kind, &half);
    cf_memory_unmap(all.handles, all.count * sizeof *all.handles);
    bed.kind->churn(w, w->count);
}

static void bed_begin(const struct keeper_kind *kind, uint64_t live, unsigned shards)
{
    if (bed.kind == kind && bed.live == live && bed.shards == shards)
        return;
    bed_end();
    bed.kind = kind;
    bed.live = live;
    bed.shards = shards;
    bed.handles = words(live);
    struct keeper *keeper = kind->new(kind, 2 * live, shards);
    kind->enter();
    for (unsigned i = 0; i < shards; i++) {
        bed.work[i] = (struct keeper_work){
            .keeper = keeper,
            .shard = i,
            .thread = i,
            .handles = bed.handles + live / shards * i,
            .count = live / shards,
            .seed = i + 1,
        };
        shard_begin(&bed.work[i]);
    }
    kind->leave();
}

static uint64_t live_of(const struct cbench_state *s)
{
    return (uint64_t)cbench_range(s, 0);
}

/* ------------------------------------------------------------------ one thread, or two alike */

/* The first thread makes the bed; the other one sees it after the barrier at the loop's begin. */
static void run_begin(struct cbench_state *s, const struct keeper_kind *kind, unsigned shards)
{
    cbench_pin((unsigned)cbench_thread_index(s));
    if (cbench_thread_index(s) == 0) {
        bed_begin(kind, live_of(s), shards);
        kind->set_watched(bed.work[0].keeper, cbench_thread_count(s) > 1);
    }
    kind->enter();
}

static void run_end(struct cbench_state *s, const struct keeper_kind *kind)
{
    kind->leave();
    if (cbench_thread_index(s) == 0) /* the other one has ended its loop too */
        kind->set_watched(bed.work[0].keeper, false);
    cbench_items(s, cbench_iterations(s));
}

static void compare_shared(struct cbench_state *s)
{
    char name[64];
    snprintf(name, sizeof name, "churn_ref_urcu_glibc/%" PRIu64, live_of(s));
    cbench_compare(s, name);
}

static void churn(struct cbench_state *s, void *arg)
{
    const struct keeper_kind *kind = arg;
    run_begin(s, kind, (unsigned)cbench_thread_count(s));
    int64_t times = cbench_begin(s);
    kind->churn(&bed.work[cbench_thread_index(s)], (uint64_t)times);
    cbench_end(s);
    run_end(s, kind);
    if (kind == &keeper_callfan_shared)
        compare_shared(s);
}

static void look_up(struct cbench_state *s, void *arg)
{
    const struct keeper_kind *kind = arg;
    run_begin(s, kind, 1);
    int64_t times = cbench_begin(s);
    struct keeper_work mine = bed.work[0];
    mine.thread = (unsigned)cbench_thread_index(s);
    mine.at = mine.thread * (mine.count / 2);
    uint64_t live = kind->look_up(&mine, (uint64_t)times);
    cbench_end(s);
    must(live == (uint64_t)times, "a live handle was not found");
    run_end(s, kind);
}

/* ------------------------------------------------------------------ a reader beside a writer */

#define STRIDE 256 /* of the one that is not timed: how often it looks whether it is over */

static struct {
    const struct keeper_kind *kind;
    struct keeper_work work;
    bool writes;
    uint32_t running, stop;
    uint64_t times;
} other;

static void *other_run(void *arg)
{
    (void)arg;
    cbench_pin(1);
    other.kind->enter();
    while (cf_load_acquire_32(&other.stop) == 0) {
        if (other.writes)
            other.kind->churn(&other.work, STRIDE);
        else
            other.kind->look_up(&other.work, STRIDE);
        other.times += STRIDE;
        cf_store_release_32(&other.running, 1);
    }
    other.kind->leave();
    return NULL;
}

static void beside(struct cbench_state *s, const struct keeper_kind *kind, bool writer_timed)
{
    pthread_t thread;
    uint64_t live = 0;
    cbench_pin(0);
    bed_begin(kind, live_of(s), 1);
    kind->set_watched(bed.work[0].keeper, true);
    struct keeper_work reader = bed.work[0];
    reader.thread = 1;
    other.kind = kind;
    other.work = writer_timed ? reader : bed.work[0];
    other.writes = !writer_timed;
    other.running = other.stop = 0;
    other.times = 0;
    must(pthread_create(&thread, NULL, other_run, NULL) == 0, "no thread");
    while (cf_load_acquire_32(&other.running) == 0)
        sched_yield(); /* it begins on this CPU */
    kind->enter();
    int64_t times = cbench_begin(s);
    if (writer_timed)
        kind->churn(&bed.work[0], (uint64_t)times);
    else
        live = kind->look_up(&reader, (uint64_t)times);
    cbench_end(s);
    kind->leave();
    cf_store_release_32(&other.stop, 1);
    pthread_join(thread, NULL);
    if (!writer_timed) {
        bed.work[0].seed = other.work.seed;
        cbench_counter(s, "void_ppm", ((double)times - (double)live) * 1e6, CBENCH_PER_ITERATION);
    }
    cbench_counter(s, "other_per_s", (double)other.times, CBENCH_RATE);
    kind->set_watched(bed.work[0].keeper, false);
    cbench_items(s, cbench_iterations(s));
}

static void look_up_churned(struct cbench_state *s, void *arg)
{
    beside(s, arg, false);
}

static void churn_looked_up(struct cbench_state *s, void *arg)
{
    beside(s, arg, true);
}

/* ------------------------------------------------------------------ one allocates, another one releases */

#define LANE  2048 /* handles under way at most: the bed has room for twice as many as live in it */
#define BATCH 64

static struct {
    struct keeper_work work; /* the releasing thread's */
    uint64_t handles[LANE];
    uint64_t given __attribute__((aligned(128))); /* batches; by the allocating thread */
    uint64_t taken __attribute__((aligned(128))); /* by the releasing one */
    uint32_t stop __attribute__((aligned(128)));
} lane;

static void wait_a_little(uint32_t *spins)
{
    cf_pause();
    if (++*spins % 1024 == 0)
        sched_yield();
}

/* The batch as the work of one that fills or releases it. */
static struct keeper_work batch_work(const struct keeper_work *w, uint64_t batch)
{
    struct keeper_work part = *w;
    part.handles = &lane.handles[batch * BATCH % LANE];
    part.count = BATCH;
    return part;
}

static void *lane_release(void *arg)
{
    const struct keeper_kind *kind = arg;
    uint32_t spins = 0;
    cbench_pin(1);
    kind->enter();
    for (uint64_t batch = 0;; batch++) {
        while (cf_load_acquire_64(&lane.given) == batch && cf_load_acquire_32(&lane.stop) == 0)
            wait_a_little(&spins);
        if (cf_load_acquire_64(&lane.given) == batch)
            break;
        struct keeper_work part = batch_work(&lane.work, batch);
        kind->release(&part);
        cf_store_release_64(&lane.taken, batch + 1);
    }
    kind->leave();
    return NULL;
}

static void churn_remote(struct cbench_state *s, void *arg)
{
    const struct keeper_kind *kind = arg;
    pthread_t thread;
    uint32_t spins = 0;
    cbench_pin(0);
    bed_begin(kind, live_of(s), 1);
    kind->set_watched(bed.work[0].keeper, true);
    memset(&lane, 0, sizeof lane);
    lane.work = bed.work[0];
    lane.work.thread = 1;
    kind->enter();
    must(pthread_create(&thread, NULL, lane_release, (void *)(uintptr_t)kind) == 0, "no thread");
    for (uint64_t batch = 0; cbench_take(s, BATCH) != 0; batch++) {
        while (batch - cf_load_acquire_64(&lane.taken) == LANE / BATCH)
            wait_a_little(&spins);
        struct keeper_work part = batch_work(&bed.work[0], batch);
        kind->fill(&part);
        cf_store_release_64(&lane.given, batch + 1);
    }
    cf_store_release_32(&lane.stop, 1);
    pthread_join(thread, NULL);
    kind->leave();
    kind->set_watched(bed.work[0].keeper, false);
    cbench_items(s, cbench_iterations(s));
}

/* ------------------------------------------------------------------ all at once */

static void sweep(struct cbench_state *s, void *arg)
{
    const struct keeper_kind *kind = arg;
    int64_t void_ns = 0, all_ns = 0;
    double void_us = 0;
    cbench_pin(0);
    bed_end();
    kind->enter();
    struct keeper_work w = {
        .keeper = kind->new(kind, live_of(s), 1), .handles = words(live_of(s)), .count = live_of(s)};
    while (cbench_take(s, 1) != 0) {
        kind->fill(&w);
        expect_live(kind, &w);
        kind->drop(&w, &void_ns, &all_ns);
        cbench_set_time(s, (double)all_ns / 1e9);
        void_us += (double)void_ns / 1e3;
        expect_void(kind, &w);
    }
    kind->leave();
    kind->free(w.keeper);
    cf_memory_unmap(w.handles, w.count * sizeof *w.handles);
    cbench_counter(s, "void_us", void_us, CBENCH_PER_ITERATION);
    cbench_items(s, cbench_iterations(s) * (int64_t)w.count);
}

/* ------------------------------------------------------------------ from nothing */

struct filled {
    int64_t ns;
    uint64_t bytes;
};

/* Memory that this process wrote since it was forked, whether it is new or was its parent's. */
static uint64_t private_bytes(void)
{
    static char text[8192];
    unsigned long kib = 0;
    int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    must(n > 0, "no /proc/self/smaps_rollup");
    close(fd);
    text[n] = 0;
    const char *line = strstr(text, "Private_Dirty:");
    must(line != NULL && sscanf(line, "Private_Dirty: %lu kB", &kib) == 1, "smaps_rollup has no Private_Dirty");
    return (uint64_t)kib << 10;
}

static void fill_all(const struct keeper_kind *kind, uint64_t *handles, uint64_t count, struct filled *ret)
{
    struct timespec start, end;
    struct keeper_work w = {.handles = handles, .count = count};
    uint64_t before = private_bytes();
    clock_gettime(CLOCK_MONOTONIC, &start);
    w.keeper = kind->new(kind, count, 1);
    kind->fill(&w);
    clock_gettime(CLOCK_MONOTONIC, &end);
    ret->bytes = private_bytes() - before;
    ret->ns = (int64_t)(end.tv_sec - start.tv_sec) * 1000000000 + (end.tv_nsec - start.tv_nsec);
    expect_live(kind, &w); /* all ends with the process */
}

static _Noreturn void fill_child(const struct keeper_kind *kind, uint64_t count, int to)
{
    struct filled result, little;
    uint64_t *handles = words(count);
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* whole huge pages would be counted for the part of them that is used */
    kind->enter();
    fill_all(kind, handles, 64, &little); /* what an allocator makes once is not the handles' */
    fill_all(kind, handles, count, &result);
    kind->leave();
    must(write(to, &result, sizeof result) == (ssize_t)sizeof result, "no pipe");
    _exit(0);
}

static void fill(struct cbench_state *s, void *arg)
{
    struct filled one;
    double bytes = 0;
    cbench_pin(0);
    bed_end();
    while (cbench_take(s, 1) != 0) {
        int pipe_ends[2], status;
        must(pipe(pipe_ends) == 0, "no pipe");
        pid_t pid = fork();
        must(pid >= 0, "no process");
        if (pid == 0)
            fill_child(arg, live_of(s), pipe_ends[1]);
        close(pipe_ends[1]);
        must(read(pipe_ends[0], &one, sizeof one) == (ssize_t)sizeof one, "the process that fills died");
        close(pipe_ends[0]);
        must(waitpid(pid, &status, 0) == pid && status == 0, "the process that fills failed");
        cbench_set_time(s, (double)one.ns / 1e9);
        bytes += (double)one.bytes / (double)live_of(s);
    }
    cbench_counter(s, "bytes", bytes, CBENCH_PER_ITERATION);
    cbench_items(s, cbench_iterations(s) * cbench_range(s, 0));
}

/* ------------------------------------------------------------------ which */

static struct cbench *add(const char *name, cbench_fn *fn, const struct keeper_kind *kind, int64_t live)
{
    char full[64];
    /* What is released by another thread is the shared one's in any case. */
    bool plain = kind == &keeper_callfan_shared && fn == churn_remote;
    snprintf(full, sizeof full, "%s%s", name, plain ? "" : kind->name);
    struct cbench *b = cbench_add(full, fn, (void *)(uintptr_t)kind);
    cbench_arg(b, live);
    return b;
}

static void add_two_threads(const char *name, cbench_fn *fn, const struct keeper_kind *kind, int64_t live)
{
    struct cbench *b = add(name, fn, kind, live);
    cbench_threads(b, 2);
    cbench_real_time(b);
}

/* Whole tables at once: half a million handles or one table in each repetition. */
static void add_each(const char *name, cbench_fn *fn, int64_t live)
{
    for (const struct keeper_kind *const *kind = keeper_kinds; *kind != NULL; kind++) {
        if (*kind == &keeper_callfan_shared) /* the same memory, and swept by its owner */
            continue;
        struct cbench *b = add(name, fn, *kind, live);
        cbench_manual_time(b);
        cbench_fix_iterations(b, live < 500000 ? 500000 / live : 1);
    }
}

/* In an order in which a keeper that was made serves all that can use it. */
static void add_all(const struct keeper_kind *kind, int64_t live)
{
    add("churn", churn, kind, live);
    if (kind->any_releases)
        cbench_real_time(add("churn_remote", churn_remote, kind, live));
    if (kind == &keeper_callfan_shared) /* looked up in the same way */
        return;
    add("look_up", look_up, kind, live);
    add_two_threads("look_up", look_up, kind, live);
    cbench_real_time(add("look_up_churned", look_up_churned, kind, live));
    cbench_real_time(add("churn_looked_up", churn_looked_up, kind, live));
    add_two_threads("churn", churn, kind, live);
}

int main(int argc, char **argv)
{
    static const int64_t live[] = {4096, 131072, 1 << 20, 8 << 20};
    size_t sizes = cbench_smoke() ? 1 : sizeof live / sizeof *live;
    if (!cbench_init(&argc, argv))
        return 1;
    must(allocator_check(), "the program does not have both allocators");
#ifndef CALLFAN_URCU
    fprintf(stderr, "bench_handle_peers: no liburcu here, so none to compare with (liburcu-dev)\n");
#endif
#ifndef CALLFAN_CK_HT
    fprintf(stderr, "bench_handle_peers: no libck here, so no ck_ht to compare with (libck-dev)\n");
#endif
    for (size_t i = 0; i < sizes; i++)
        add_each("fill", fill, live[i]);
    for (size_t i = 0; i < sizes; i++)
        for (const struct keeper_kind *const *kind = keeper_kinds; *kind != NULL; kind++)
            add_all(*kind, live[i]);
    for (size_t i = 0; i < sizes; i++)
        add_each("sweep", sweep, live[i]);
    int status = cbench_run();
    bed_end();
    return status;
}
