/*
 * Threads race allocate, install, release, look-up and close on one handle table, for a number of calls.
 *
 * ctest-args: --calls 80000
 * ctest-args-sanitized: --calls 40000
 * ctest-timeout: 300
 *
 * What must hold, whatever the interleaving:
 *   - of all releases of one life exactly one wins, sweep included
 *   - a state word that a look-up returns belongs to the life asked for
 *   - a look-up that began after a close of the line returned finds none of its calls
 *   - at the end the table's counts and lists are right and nothing is lost
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shm/handle_table.h"

enum { BOARD = 256, LINES = 8, CALLS = 512, FEW = 16, SHIFT = 6 };

/* Where handles are handed from thread to thread, and taken more than once on purpose. */
struct shared {
    struct cf_handle_table lines, calls;
    struct cf_handle_head line_head __attribute__((aligned(64))), call_head;
    uint8_t line_slots[LINES * 64] __attribute__((aligned(64)));
    uint64_t segments[CALLS >> SHIFT];
    uint32_t won_last[CALLS];   /* generation of the life whose release won last */
    uint64_t board[BOARD];      /* handles of calls */
    uint64_t line_board[LINES]; /* handles of lines that are open */
    uint64_t newest;            /* the handle that was posted last: all releasers are after it */
    uint64_t closed_line;       /* the last line whose close returned */
    uint64_t stop, failures, looked_up, found, won;
    uint64_t calls_goal;
    bool installing;
};

static struct shared s;

#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            cf_add_relaxed_64(&s.failures, 1);                                                                         \
            cf_store_release_64(&s.stop, 1);                                                                           \
        }                                                                                                              \
    } while (0)

static uint32_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)(*seed >> 16);
}

static uint64_t word_of(uint32_t index, uint32_t generation)
{
    return (uint64_t)generation * 0x9E3779B97F4A7C15u ^ index;
}

static void *provide(size_t bytes, void *arg)
{
    (void)arg;
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    return memory;
}

/* ------------------------------------------------------------------ releasers and readers */

/* Over the CPUs there are: some schedulers keep all threads on one, and then nothing ever races. */
static void place(unsigned which)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    which %= (unsigned)CPU_COUNT(&allowed);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed) || which-- != 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

struct worker {
    pthread_t thread;
    unsigned cpu;
    uint64_t seed;
};

static void *releaser(void *arg)
{
    struct worker *w = arg;
    place(w->cpu);
    while (cf_load_acquire_64(&s.stop) == 0) {
        bool newest = random_next(&w->seed) % 4 == 0;
        uint64_t handle = cf_load_acquire_64(newest ? &s.newest : &s.board[random_next(&w->seed) % BOARD]);
        if (handle == 0 || (!newest && random_next(&w->seed) % 4 != 0)) {
            cf_pause();
            continue;
        }
        if (cf_handle_table_release(&s.calls, cf_handle_index(handle), cf_handle_generation(handle))) {
            uint32_t before = cf_swap_acq_rel_32(&s.won_last[cf_handle_index(handle)], cf_handle_generation(handle));
            CHECK(before != cf_handle_generation(handle), "call %" PRIx64 " was released twice\n", handle);
            cf_add_relaxed_64(&s.won, 1);
            CHECK(cf_handle_table_look_up(&s.calls, cf_handle_index(handle), cf_handle_generation(handle)) == NULL,
                  "a call lives after its release\n");
        }
    }
    return NULL;
}

static void *reader(void *arg)
{
    struct worker *w = arg;
    place(w->cpu);
    uint64_t looked_up = 0, found = 0;
    while (cf_load_acquire_64(&s.stop) == 0) {
        uint64_t closed = cf_load_acquire_64(&s.closed_line);
        uint64_t handle = cf_load_acquire_64(&s.board[random_next(&w->seed) % BOARD]);
        uint32_t index = cf_handle_index(handle), generation = cf_handle_generation(handle);
        uint64_t word = 0, parent = 0;
        if (handle == 0)
            continue;
        looked_up++;
        if (cf_handle_child_read(&s.calls, index, generation, &word, &parent) == NULL)
            continue;
        if (++found % 64 == 0)
            cf_add_relaxed_64(&s.found, 64);
        CHECK(word == word_of(index, generation), "call %" PRIx64 " shows the state of another life\n", handle);
        CHECK(closed == 0 || cf_handle_parent_index(parent) != cf_handle_index(closed) ||
                  cf_handle_parent_generation(parent) > cf_handle_generation(closed),
              "call %" PRIx64 " lives after its line was closed\n", handle);
    }
    cf_add_relaxed_64(&s.looked_up, looked_up);
    return NULL;
}

/* ------------------------------------------------------------------ the owner: lines, calls, sweep */

struct owner {
    time_t deadline;
    uint64_t seed, made, swept, closes, full;
    uint32_t cursor, life[CALLS]; /* installing: the generation that the other side gave last */
};

static void reopen_line(struct owner *o, uint32_t at)
{
    uint64_t old = s.line_board[at];
    uint32_t index;
    if (old != 0) {
        CHECK(cf_handle_table_release(&s.lines, cf_handle_index(old), cf_handle_generation(old)), "close of an open line\n");
        cf_store_release_64(&s.closed_line, old);
        o->closes++;
    }
    uint32_t generation = cf_handle_table_allocate(&s.lines, &index);
    CHECK(generation != 0, "no slot for a line\n");
    s.line_board[at] = cf_handle_make(index, CF_KIND_LINE, generation);
}

static void post(struct owner *o, uint32_t index, uint32_t generation)
{
    uint64_t handle = cf_handle_make(index, CF_KIND_CALL, generation);
    cf_store_release_64(&s.board[random_next(&o->seed) % BOARD], handle);
    cf_store_release_64(&s.newest, handle);
    o->made++;
}

static void allocate_call(struct owner *o, uint64_t parent)
{
    uint32_t index, generation = cf_handle_table_allocate(&s.calls, &index);
    if (generation == 0) {
        o->full++;
        return;
    }
    cf_handle_child_write(cf_handle_table_slot(&s.calls, index), parent, word_of(index, generation));
    post(o, index, generation);
}

/* Sometimes over a life that nobody released, as after a close that the other side made. */
static void install_call(struct owner *o, uint64_t parent)
{
    uint32_t index = random_next(&o->seed) % FEW, generation = (o->life[index] + 2) | 1;
    struct cf_handle_child *child;
    if (cf_handle_table_look_up(&s.calls, index, o->life[index]) != NULL && random_next(&o->seed) % 4 != 0)
        return;
    enum cf_handle_install got = cf_handle_table_install(&s.calls, index, generation, parent, word_of(index, generation), &child);
    CHECK(got == CF_INSTALL_NEW, "install gave %d\n", got);
    got = cf_handle_table_install(&s.calls, index, o->life[index], parent, 0, &child);
    CHECK(got == CF_INSTALL_VOID, "an older life was installed: %d\n", got);
    o->life[index] = generation;
    post(o, index, generation);
}

static void sweep(struct owner *o)
{
    o->swept += cf_handle_table_sweep(&s.calls, &o->cursor, 16);
}

/* On a busy machine the other threads may come late: goes on for their sake, within bounds of time and lives. */
static bool others_took_part(const struct owner *o)
{
    if (cf_load_relaxed_64(&s.won) >= s.calls_goal / 20 && cf_load_relaxed_64(&s.found) >= 1000)
        return true;
    return time(NULL) > o->deadline || o->made >= 20 * s.calls_goal;
}

static void own(struct owner *o)
{
    for (uint32_t at = 0; at < LINES / 2; at++)
        reopen_line(o, at);
    while ((o->made < s.calls_goal || !others_took_part(o)) && cf_load_acquire_64(&s.stop) == 0) {
        uint64_t line = s.line_board[random_next(&o->seed) % (LINES / 2)];
        uint64_t parent = cf_handle_parent(cf_handle_index(line), cf_handle_generation(line));
        if (s.installing)
            install_call(o, parent);
        else
            allocate_call(o, parent);
        if (random_next(&o->seed) % 64 == 0)
            reopen_line(o, random_next(&o->seed) % (LINES / 2));
        if (!s.installing && random_next(&o->seed) % 8 == 0)
            sweep(o);
        if (random_next(&o->seed) % 256 == 0)
            sched_yield(); /* few CPUs: let the others at the table in the middle of it */
    }
    cf_store_release_64(&s.stop, 1);
}

/* ------------------------------------------------------------------ one run */

static void prepare(bool installing, uint64_t calls)
{
    memset(&s, 0, sizeof s);
    s.installing = installing;
    s.calls_goal = calls;
    cf_handle_table_format(&s.line_head, NULL, LINES, 0);
    cf_handle_table_format(&s.call_head, NULL, CALLS, 0);
    cf_handle_table_view(&s.lines, &s.line_head, s.line_slots, 64, NULL);
    cf_handle_table_view_segments(&s.calls, &s.call_head, s.segments, SHIFT, 64, provide, NULL);
    cf_handle_table_set_parents(&s.calls, &s.lines);
    if (installing)
        cf_handle_table_set_installed(&s.calls);
}

static void expect_all_accounted(struct owner *o)
{
    uint64_t won = s.won;
    char why[128] = "";
    uint64_t alive = 0;
    CHECK(cf_handle_table_check(&s.calls, why, sizeof why), "calls: %s\n", why);
    CHECK(cf_handle_table_check(&s.lines, why, sizeof why), "lines: %s\n", why);
    for (uint32_t i = 0; i < CALLS; i++) {
        const struct cf_handle_slot *slot = cf_handle_table_slot(&s.calls, i);
        alive += slot != NULL && cf_generation_live(slot->generation);
    }
    if (!s.installing)
        CHECK(o->made == won + o->swept + alive, "made %" PRIu64 ", released %" PRIu64 ", swept %" PRIu64 ", alive %" PRIu64 "\n",
              o->made, won, o->swept, alive);
    else
        CHECK(o->made >= won + alive, "made %" PRIu64 ", released %" PRIu64 ", alive %" PRIu64 "\n", o->made, won, alive);
    CHECK(won != 0 && s.found != 0, "nothing was released or found\n");
}

static void run(bool installing, uint64_t calls, uint64_t seed)
{
    enum { RELEASERS = 2, READERS = 2 };
    struct worker w[RELEASERS + READERS];
    struct owner o = {.seed = seed, .deadline = time(NULL) + 60};
    prepare(installing, calls);
    for (int i = 0; i < RELEASERS + READERS; i++) {
        w[i] = (struct worker){.seed = seed + 17 * (uint64_t)(i + 1), .cpu = (unsigned)i};
        if (pthread_create(&w[i].thread, NULL, i < RELEASERS ? releaser : reader, &w[i]) != 0)
            abort();
    }
    own(&o);
    for (int i = 0; i < RELEASERS + READERS; i++)
        pthread_join(w[i].thread, NULL);
    expect_all_accounted(&o);
    printf("%s: seed %" PRIu64 ", made %" PRIu64 ", released %" PRIu64 ", swept %" PRIu64 ", closes %" PRIu64 ", full %" PRIu64
           ", looked up %" PRIu64 ", found %" PRIu64 "\n",
           installing ? "installed" : "allocated", seed, o.made, s.won, o.swept, o.closes, o.full, s.looked_up, s.found);
    for (uint32_t i = 0; i < CALLS >> SHIFT; i++)
        free((void *)(uintptr_t)s.segments[i]);
}

int main(int argc, char **argv)
{
    uint64_t calls = 100000, seed = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--calls") == 0)
            calls = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
    }
    run(false, calls, seed * 1000003);
    uint64_t failures = s.failures;
    run(true, calls, seed * 1000033);
    return failures + s.failures == 0 ? 0 : 1;
}
