/*
 * Question: what does the life of a handle cost, one allocation and one release, with N others alive?
 *
 * Expected: each of the two writes one line of the slot's memory that nobody touched for N lives. With 4 K live slots (512 KiB) that is
 * the second-level cache, with 128 K, 1 M and 8 M (16 MiB, 128 MiB, 1 GiB) memory: then the bare loop pays the same misses. A shard that one
 * thread uses alone (churn) adds compares and the head; one whose handles any thread may release (churn_shared) adds one
 * compare-and-swap in the release (5 ns), one push (5 ns), and turning the pushed ones round. Beside malloc and hash tables:
 * bench_handle_peers.
 *
 * Method: N handles live, N slots free. Each step releases any of the live handles at random and allocates one, which the
 * table takes from the other end of its queue. The bare loop does the same with plain arrays: it writes the line of the one that
 * goes and the line of the one that comes, and keeps the order in an array of numbers; no generation, no check, no other thread
 * allowed. In churn the steps are independent, so a processor has as many misses under way as fit its window: some 20 steps of the bare
 * loop, 3 of the table's. In churn_alone each step waits for what the one before read, as handles come one by one in life.
 * churn_journal is the engine's instance: 16-byte slots, every change kept in an undo journal that starts anew after 64
 * steps. churn_remote: one thread allocates, another releases (bench-cpus: 2).
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cbench.h"
#include "shm/handle_table.h"

#define TURN 64

static uint64_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void *room(size_t count, size_t bytes)
{
    void *p = aligned_alloc(64, (count * bytes + 63) / 64 * 64);
    if (p == NULL)
        abort();
    memset(p, 0, count * bytes);
    return p;
}

static void *provide(size_t bytes, void *arg)
{
    (void)arg;
    return room(bytes, 1);
}

/* ------------------------------------------------------------------ the table */

#define SHIFT 12

struct bed {
    struct cf_handle_head *head;
    struct cf_handle_table table;
    uint64_t *segments, *live;
    uint64_t mask, seed; /* which of the live ones goes next */
    void *slots;
    struct cf_journal *journal;
};

static uint64_t allocate(struct cf_handle_table *t)
{
    uint32_t index, generation = cf_handle_table_allocate(t, &index);
    if (generation == 0)
        abort();
    return cf_handle_make(index, CF_KIND_CALL, generation);
}

static void release(struct cf_handle_table *t, uint64_t handle)
{
    if (!cf_handle_table_release(t, cf_handle_index(handle), cf_handle_generation(handle)))
        abort();
}

/* Every 64 steps a turn begins, and the journal anew. */
static void begin(struct bed *b, uint64_t step)
{
    if (b->journal == NULL || step % TURN != 0)
        return;
    b->journal->log->count = 0;
    cf_journal_begin(b->journal, b->journal->turn + 1);
}

/* Until every slot had a first life and the order of the queue is as random as it will be. */
static void warm(struct bed *b, uint64_t live)
{
    uint64_t seed = 3, *all = room(2 * live, sizeof *all);
    for (uint64_t i = 0; i < 2 * live; i++) {
        begin(b, i);
        all[i] = allocate(&b->table);
    }
    for (uint64_t i = 2 * live; i-- > 1;) {
        uint64_t at = random_next(&seed) % (i + 1), swap = all[at];
        all[at] = all[i];
        all[i] = swap;
    }
    for (uint64_t i = 0; i < 2 * live; i++) {
        begin(b, i);
        if (i < live)
            b->live[i] = all[i];
        else
            release(&b->table, all[i]);
    }
    free(all);
    for (uint64_t i = 0; i < 4 * live; i++) { /* until what was released at once is in order */
        uint64_t *handle = &b->live[random_next(&seed) % live];
        begin(b, i);
        release(&b->table, *handle);
        *handle = allocate(&b->table);
    }
}

static struct bed *bed_new(uint64_t live, bool single_thread, bool journaled)
{
    struct bed *b = room(1, sizeof *b);
    uint32_t limit = (uint32_t)(2 * live), segments = cf_handle_table_segments(limit, SHIFT);
    b->mask = live - 1; /* a power of two */
    b->live = room(live, sizeof *b->live);
    if (journaled) {
        uint8_t *memory = room(64 + (size_t)limit * 16, 1);
        b->head = (struct cf_handle_head *)(void *)memory;
        b->slots = memory;
        b->journal = room(1, sizeof *b->journal);
        b->journal->log = room(1, sizeof *b->journal->log);
        b->journal->base = memory;
        b->journal->bytes = 64 + (uint64_t)limit * 16;
        cf_journal_begin(b->journal, 1);
        cf_handle_table_format(b->head, NULL, limit, 0);
        cf_handle_table_view(&b->table, b->head, memory + 64, 16, b->journal);
    } else {
        b->head = room(1, sizeof *b->head);
        b->segments = room(segments, sizeof *b->segments);
        cf_handle_table_format(b->head, NULL, limit, 0);
        cf_handle_table_view_segments(&b->table, b->head, b->segments, SHIFT, 64, provide, NULL);
        if (single_thread)
            cf_handle_table_set_single_thread(&b->table);
    }
    warm(b, live);
    return b;
}

static void bed_free(struct bed *b)
{
    char why[128];
    if (!cf_handle_table_check(&b->table, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    for (uint32_t i = 0; b->segments != NULL && i < cf_handle_table_segments(b->head->limit, SHIFT); i++)
        free((void *)(uintptr_t)b->segments[i]);
    if (b->journal != NULL)
        free(b->journal->log);
    else
        free(b->head);
    free(b->journal);
    free(b->slots);
    free(b->segments);
    free(b->live);
    free(b);
}

/* Kept from run to run: making it takes longer than a run. */
static struct {
    struct bed *bed; /* NULL: none */
    uint64_t live;
    bool single_thread, journaled;
} kept;

static void drop_bed(void)
{
    if (kept.bed != NULL)
        bed_free(kept.bed);
    kept.bed = NULL;
}

static struct bed *bed_for(const struct cbench_state *s, bool single_thread, bool journaled)
{
    uint64_t live = (uint64_t)cbench_range(s, 0);
    if (kept.bed == NULL || kept.live != live || kept.single_thread != single_thread || kept.journaled != journaled) {
        drop_bed();
        kept.bed = bed_new(live, single_thread, journaled);
        kept.live = live;
        kept.single_thread = single_thread;
        kept.journaled = journaled;
    }
    return kept.bed;
}

static void churn_with(struct cbench_state *s, bool single_thread)
{
    cbench_pin(0);
    struct bed *b = bed_for(s, single_thread, false);
    uint64_t seed = b->seed;
    CBENCH_LOOP (s) {
        uint64_t *handle = &b->live[random_next(&seed) & b->mask];
        release(&b->table, *handle);
        *handle = allocate(&b->table);
    }
    b->seed = seed;
    cbench_items(s, cbench_iterations(s));
}

/* The next step waits for what this one read: nothing overlaps. */
static void churn_alone(struct cbench_state *s, void *arg)
{
    (void)arg;
    cbench_pin(0);
    struct bed *b = bed_for(s, true, false);
    uint64_t seed = b->seed;
    CBENCH_LOOP (s) {
        uint64_t *handle = &b->live[random_next(&seed) & b->mask];
        const struct cf_handle_slot *goes = cf_handle_table_slot(&b->table, cf_handle_index(*handle));
        release(&b->table, *handle);
        *handle = allocate(&b->table);
        seed += (goes->generation >> 31) + (cf_handle_generation(*handle) >> 31); /* 0, but who can know */
    }
    b->seed = seed;
    cbench_items(s, cbench_iterations(s));
}

static void churn(struct cbench_state *s, void *arg)
{
    (void)arg;
    churn_with(s, true);
}

static void churn_shared(struct cbench_state *s, void *arg)
{
    (void)arg;
    churn_with(s, false);
}

static void churn_journal(struct cbench_state *s, void *arg)
{
    (void)arg;
    cbench_pin(0);
    struct bed *b = bed_for(s, true, true);
    uint64_t seed = b->seed, at = 0;
    CBENCH_LOOP (s) {
        begin(b, at++);
        uint64_t *handle = &b->live[random_next(&seed) & b->mask];
        release(&b->table, *handle);
        *handle = allocate(&b->table);
    }
    b->seed = seed;
    cbench_items(s, cbench_iterations(s));
}

/* ------------------------------------------------------------------ the bare loop */

static void bare(struct cbench_state *s, size_t stride, bool alone)
{
    uint64_t live_count = (uint64_t)cbench_range(s, 0), mask = live_count - 1, seed = 3, q = 0;
    uint8_t *lines = room(2 * live_count, stride);
    uint32_t *order = room(2 * live_count, sizeof *order);
    cbench_pin(0);
    for (uint64_t i = 0; i < 2 * live_count; i++)
        order[i] = (uint32_t)i;
    for (uint64_t i = 2 * live_count; i-- > 1;) {
        uint64_t other = random_next(&seed) % (i + 1);
        uint32_t swap = order[other];
        order[other] = order[i];
        order[i] = swap;
    }
    uint32_t *live = order, *queue = order + live_count;
    CBENCH_LOOP (s) {
        uint32_t *one = &live[random_next(&seed) & mask], comes = queue[q];
        uint32_t *goes_line = (uint32_t *)(void *)(lines + (size_t)*one * stride);
        uint32_t *comes_line = (uint32_t *)(void *)(lines + (size_t)comes * stride);
        ++*goes_line;
        queue[q] = *one;
        q = q + 1 == live_count ? 0 : q + 1;
        ++*comes_line;
        *one = comes;
        if (alone)
            seed += (*goes_line >> 31) + (*comes_line >> 31);
    }
    cbench_items(s, cbench_iterations(s));
    free(lines);
    free(order);
}

static void churn_ref(struct cbench_state *s, void *arg)
{
    (void)arg;
    bare(s, 64, false);
}

static void churn_alone_ref(struct cbench_state *s, void *arg)
{
    (void)arg;
    bare(s, 64, true);
}

static void churn_journal_ref(struct cbench_state *s, void *arg)
{
    (void)arg;
    bare(s, 16, false);
}

/* ------------------------------------------------------------------ released by another thread */

#define RELAY 4096

/* A lane of handles from the allocating thread to the releasing one; each word empty (0) or full. */
static struct {
    struct cf_handle_head head __attribute__((aligned(64)));
    struct cf_handle_table table;
    uint64_t segments[(2 * RELAY) >> 6];
    uint64_t lane[RELAY] __attribute__((aligned(64)));
    uint64_t done __attribute__((aligned(64)));
} remote;

static void wait_a_little(uint32_t *spins)
{
    cf_pause();
    if (++*spins % 1024 == 0)
        sched_yield();
}

static void remote_release(void)
{
    uint32_t spins = 0;
    for (uint64_t at = 0;; at++) {
        uint64_t *word = &remote.lane[at % RELAY], handle;
        while ((handle = cf_load_acquire_64(word)) == 0) {
            if (cf_load_acquire_64(&remote.done) == at + 1)
                return;
            wait_a_little(&spins);
        }
        release(&remote.table, handle);
        cf_store_release_64(word, 0);
    }
}

static void *remote_thread(void *arg)
{
    (void)arg;
    cbench_pin(1);
    remote_release();
    return NULL;
}


static void churn_remote(struct cbench_state *s, void *arg)
{
    pthread_t other;
    uint64_t at = 0;
    uint32_t spins = 0;
    (void)arg;
    memset(&remote, 0, sizeof remote);
    cf_handle_table_format(&remote.head, NULL, 2 * RELAY, 0);
    cf_handle_table_view_segments(&remote.table, &remote.head, remote.segments, 6, 64, provide, NULL);
    if (pthread_create(&other, NULL, remote_thread, NULL) != 0)
        abort();
    cbench_pin(0);
    CBENCH_LOOP (s) {
        uint64_t *word = &remote.lane[at++ % RELAY];
        while (cf_load_acquire_64(word) != 0)
            wait_a_little(&spins);
        cf_store_release_64(word, allocate(&remote.table));
    }
    cf_store_release_64(&remote.done, at + 1);
    pthread_join(other, NULL);
    cbench_items(s, cbench_iterations(s));
    for (size_t i = 0; i < sizeof remote.segments / sizeof *remote.segments; i++)
        free((void *)(uintptr_t)remote.segments[i]);
}

/* The same relay without a table: the line that travels is written on both sides. */
static uint64_t (*relay_lines)[8];

static void *relay_thread(void *arg)
{
    uint32_t spins = 0;
    (void)arg;
    cbench_pin(1);
    for (uint64_t at = 0;; at++) {
        uint64_t *word = &remote.lane[at % RELAY], line;
        while ((line = cf_load_acquire_64(word)) == 0) {
            if (cf_load_acquire_64(&remote.done) == at + 1)
                return NULL;
            wait_a_little(&spins);
        }
        relay_lines[line - 1][0]++;
        cf_store_release_64(word, 0);
    }
}

static void churn_remote_ref(struct cbench_state *s, void *arg)
{
    pthread_t other;
    uint64_t at = 0;
    uint32_t spins = 0;
    (void)arg;
    memset(&remote, 0, sizeof remote);
    relay_lines = room(2 * RELAY, sizeof *relay_lines);
    if (pthread_create(&other, NULL, relay_thread, NULL) != 0)
        abort();
    cbench_pin(0);
    CBENCH_LOOP (s) {
        uint64_t *word = &remote.lane[at % RELAY], line = at++ % (2 * RELAY) + 1;
        while (cf_load_acquire_64(word) != 0)
            wait_a_little(&spins);
        relay_lines[line - 1][0]++;
        cf_store_release_64(word, line);
    }
    cf_store_release_64(&remote.done, at + 1);
    pthread_join(other, NULL);
    cbench_items(s, cbench_iterations(s));
    free(relay_lines);
}

static void add(const char *name, cbench_fn *fn)
{
    static const int64_t live[] = {4096, 131072, 1 << 20, 8 << 20};
    struct cbench *b = cbench_add(name, fn, NULL);
    for (size_t i = 0; i < (cbench_smoke() ? 1 : sizeof live / sizeof *live); i++)
        cbench_arg(b, live[i]);
}

int main(int argc, char **argv)
{
    if (!cbench_init(&argc, argv))
        return 1;
    add("churn", churn);
    add("churn_ref", churn_ref);
    add("churn_alone", churn_alone);
    add("churn_alone_ref", churn_alone_ref);
    add("churn_shared", churn_shared);
    add("churn_shared_ref", churn_ref);
    add("churn_journal", churn_journal);
    add("churn_journal_ref", churn_journal_ref);
    cbench_real_time(cbench_add("churn_remote", churn_remote, NULL));
    cbench_real_time(cbench_add("churn_remote_ref", churn_remote_ref, NULL));
    int status = cbench_run();
    drop_bed();
    return status;
}
