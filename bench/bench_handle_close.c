/*
 * Question: what does it cost to close a line that has 1, 1,000, 1,000,000 or 8,000,000 calls, all of whose handles must be void when it returns?
 *
 * Expected: the same for each: one look-up of the line and one compare-and-swap of its word, then a push to the list. Releasing each call
 * instead (close_ref_each) costs a line of memory per call.
 *
 * Method: a line with N calls is closed, timed by itself with CLOCK_MONOTONIC; then it is opened anew and its calls are put under the
 * new life, which is not timed, and another line without calls is opened and closed, so that the caches hold
 * the same code and tables in all cases (a million calls written just before would leave them cold). The reference (close_ref) times a plain store to the line's word in the same way: what is left when
 * it is taken away is the close, since both pay for reading the clock. Ratio to close/1 beside it. After every close some of the calls
 * are looked up: all must be void.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/cbench.h"
#include "shm/handle_table.h"

#define LINES 4
#define SHIFT 12

static struct {
    struct cf_handle_head line_head __attribute__((aligned(64))), head;
    uint8_t line_slots[LINES * 64] __attribute__((aligned(64)));
    struct cf_handle_table lines, calls;
    uint64_t segments[(8 << 20) >> SHIFT];
    uint32_t line, life;
} bed;

static void *provide(size_t bytes, void *arg)
{
    (void)arg;
    void *memory = aligned_alloc(64, bytes);
    if (memory == NULL)
        abort();
    memset(memory, 0, bytes);
    return memory;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* One piece of code for all, so that it is in the cache when it counts. */
static __attribute__((noinline)) double timed_close(uint32_t line, uint32_t life)
{
    double start = now();
    bool closed = cf_handle_table_release(&bed.lines, line, life);
    double seconds = now() - start;
    if (!closed)
        abort();
    return seconds;
}

static __attribute__((noinline)) double timed_store(uint32_t line, uint32_t life)
{
    uint32_t *word = cf_handle_table_slot(&bed.lines, line);
    double start = now();
    cf_store_release_32(word, life + 1);
    return now() - start;
}

static void open_line(uint32_t calls)
{
    uint32_t other;
    bed.life = cf_handle_table_allocate(&bed.lines, &bed.line);
    for (uint32_t i = 0; i < calls; i++)
        cf_handle_child_write(cf_handle_table_slot(&bed.calls, i), cf_handle_parent(bed.line, bed.life), 1);
    /* A line without calls comes and goes: the caches hold code, clock, table and head, however many calls were written. */
    for (int i = 0; i < 3; i++) {
        uint32_t life = cf_handle_table_allocate(&bed.lines, &other);
        timed_store(other, life - 1);
        timed_close(other, life);
        if (cf_handle_table_look_up(&bed.lines, bed.line, bed.life) == NULL)
            abort();
    }
}

static void bed_init(uint32_t calls)
{
    uint32_t index;
    memset(&bed, 0, sizeof bed);
    cf_handle_table_format(&bed.line_head, NULL, LINES, 0);
    cf_handle_table_view(&bed.lines, &bed.line_head, bed.line_slots, 64, NULL);
    cf_handle_table_format(&bed.head, NULL, calls, 0);
    cf_handle_table_view_segments(&bed.calls, &bed.head, bed.segments, SHIFT, 64, provide, NULL);
    cf_handle_table_set_parents(&bed.calls, &bed.lines);
    for (uint32_t i = 0; i < calls; i++)
        if (cf_handle_table_allocate(&bed.calls, &index) != 1 || index != i)
            abort();
    open_line(calls);
}

static void bed_fini(struct cbench_state *s)
{
    cbench_items(s, cbench_iterations(s));
    for (size_t i = 0; i < sizeof bed.segments / sizeof *bed.segments; i++)
        free((void *)(uintptr_t)bed.segments[i]);
}

static void expect_void(uint32_t calls)
{
    for (uint32_t i = 0; i < calls; i += 1 + calls / 7)
        if (cf_handle_child_look_up(&bed.calls, i, 1) != NULL)
            abort();
}

static void close_line(struct cbench_state *s, void *arg)
{
    uint32_t calls = (uint32_t)cbench_range(s, 0);
    (void)arg;
    bed_init(calls);
    while (cbench_take(s, 1) != 0) {
        cbench_set_time(s, timed_close(bed.line, bed.life));
        expect_void(calls);
        open_line(calls);
    }
    bed_fini(s);
    cbench_compare(s, "close/1");
}

static void close_ref(struct cbench_state *s, void *arg)
{
    uint32_t calls = (uint32_t)cbench_range(s, 0);
    (void)arg;
    bed_init(calls);
    while (cbench_take(s, 1) != 0) {
        cbench_set_time(s, timed_store(bed.line, bed.life));
        expect_void(calls);
        timed_store(bed.line, bed.life - 1); /* as it was */
        cf_handle_table_release(&bed.lines, bed.line, bed.life);
        open_line(calls);
    }
    bed_fini(s);
}

static void close_ref_each(struct cbench_state *s, void *arg)
{
    uint32_t calls = (uint32_t)cbench_range(s, 0), life = 1, index;
    (void)arg;
    bed_init(calls);
    while (cbench_take(s, 1) != 0) {
        double start = now();
        for (uint32_t i = 0; i < calls; i++)
            if (!cf_handle_table_release(&bed.calls, i, life))
                abort();
        cbench_set_time(s, now() - start);
        life += 2;
        for (uint32_t i = 0; i < calls; i++)
            if (cf_handle_table_allocate(&bed.calls, &index) != life)
                abort();
    }
    bed_fini(s);
}

static void add(const char *name, cbench_fn *fn, const int64_t *iterations)
{
    static const int64_t calls[] = {1, 1000, 1000000, 8000000};
    for (size_t i = 0; i < (cbench_smoke() ? 2 : sizeof calls / sizeof *calls); i++) {
        struct cbench *b = cbench_add(name, fn, NULL);
        cbench_arg(b, calls[i]);
        cbench_manual_time(b);
        cbench_fix_iterations(b, iterations[i]);
    }
}

int main(int argc, char **argv)
{
    static const int64_t iterations[] = {100000, 10000, 100, 10};
    if (!cbench_init(&argc, argv))
        return 1;
    add("close", close_line, iterations);
    add("close_ref", close_ref, iterations);
    add("close_ref_each", close_ref_each, iterations);
    return cbench_run();
}
