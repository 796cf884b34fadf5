/*
 * Question: what does it cost to turn a handle into its slot, with 4 K, 128 K, 1 M and 8 M slots?
 *
 * Expected: one line of the slot (256 KiB, 8 MiB, 64 MiB, 512 MiB in all: second-level cache, third, memory) and, for a call, one of its line's,
 * which stays in the first-level cache. Independent look-ups overlap their misses, so the bare loop that reads one word per slot
 * should be near; a chain, in which each handle is found in the slot before, shows the latency of one.
 *
 * Method: all slots live, under 64 lines, asked in random order. look_up: the generation alone. look_up_call: generation, parent's
 * generation and state word, as lineGetCallStatus does it. The bare loop loads one word of the same slots in the same order.
 * Beside malloc and hash tables: bench_handle_peers.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/cbench.h"
#include "shm/handle_table.h"

#define LINES 64
#define SHIFT 12

struct bed {
    struct cf_handle_head line_head __attribute__((aligned(64))), head;
    uint8_t line_slots[LINES * 64] __attribute__((aligned(64)));
    struct cf_handle_table lines, table;
    uint64_t segments[(8 << 20) >> SHIFT];
    uint64_t count, *handles; /* in random order */
    uint8_t *memory;
};

static struct bed bed;

static uint64_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void *provide(size_t bytes, void *arg)
{
    uint8_t **next = arg; /* all segments lie in one piece, so that the bare loop reads the same memory */
    uint8_t *segment = *next;
    *next += bytes;
    return segment;
}

static void shuffle(uint64_t *words, uint64_t count)
{
    uint64_t seed = 5;
    for (uint64_t i = count; i-- > 1;) {
        uint64_t at = random_next(&seed) % (i + 1), swap = words[at];
        words[at] = words[i];
        words[i] = swap;
    }
}

/* Kept from run to run: making it takes longer than a run. */
static void bed_init(uint64_t count)
{
    uint8_t *next;
    uint32_t index;
    if (bed.count == count)
        return;
    free(bed.handles);
    free(bed.memory);
    memset(&bed, 0, sizeof bed);
    bed.count = count;
    bed.handles = malloc(count * sizeof *bed.handles);
    bed.memory = next = aligned_alloc(4096, count * 64);
    if (bed.handles == NULL || bed.memory == NULL)
        abort();
    memset(bed.memory, 0, count * 64);
    cf_handle_table_format(&bed.line_head, NULL, LINES, 0);
    cf_handle_table_view(&bed.lines, &bed.line_head, bed.line_slots, 64, NULL);
    cf_handle_table_format(&bed.head, NULL, (uint32_t)count, 0);
    cf_handle_table_view_segments(&bed.table, &bed.head, bed.segments, SHIFT, 64, provide, &next);
    cf_handle_table_set_parents(&bed.table, &bed.lines);
    for (uint32_t i = 0; i < LINES; i++)
        cf_handle_table_allocate(&bed.lines, &index);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t generation = cf_handle_table_allocate(&bed.table, &index);
        bed.handles[i] = cf_handle_make(index, CF_KIND_CALL, generation);
        cf_handle_child_write(cf_handle_table_slot(&bed.table, index), cf_handle_parent((uint32_t)i % LINES, 1), i);
    }
    shuffle(bed.handles, count);
    for (uint64_t i = 0; i < count; i++) { /* the chain: each slot's state word is the next handle */
        struct cf_handle_child *c = cf_handle_table_slot(&bed.table, cf_handle_index(bed.handles[i]));
        cf_handle_child_write(c, c->parent, bed.handles[i + 1 == count ? 0 : i + 1]);
    }
}

static void look_up(struct cbench_state *s, void *arg)
{
    uint64_t at = 0;
    (void)arg;
    bed_init((uint64_t)cbench_range(s, 0));
    CBENCH_LOOP (s) {
        uint64_t h = bed.handles[at++ & (bed.count - 1)];
        void *slot = cf_handle_table_look_up(&bed.table, cf_handle_index(h), cf_handle_generation(h));
        if (slot == NULL)
            abort();
        CBENCH_USE(slot);
    }
    cbench_items(s, cbench_iterations(s));
}

static void look_up_call(struct cbench_state *s, void *arg)
{
    uint64_t at = 0;
    (void)arg;
    bed_init((uint64_t)cbench_range(s, 0));
    CBENCH_LOOP (s) {
        uint64_t h = bed.handles[at++ & (bed.count - 1)], state;
        if (cf_handle_child_read(&bed.table, cf_handle_index(h), cf_handle_generation(h), &state, NULL) == NULL)
            abort();
        CBENCH_USE(state);
    }
    cbench_items(s, cbench_iterations(s));
}

static void bare(struct cbench_state *s, void *arg)
{
    uint64_t at = 0;
    (void)arg;
    bed_init((uint64_t)cbench_range(s, 0));
    CBENCH_LOOP (s) {
        uint64_t h = bed.handles[at++ & (bed.count - 1)];
        CBENCH_USE(*(const uint32_t *)(const void *)(bed.memory + (size_t)cf_handle_index(h) * 64));
    }
    cbench_items(s, cbench_iterations(s));
}

static void look_up_chain(struct cbench_state *s, void *arg)
{
    (void)arg;
    bed_init((uint64_t)cbench_range(s, 0));
    uint64_t h = bed.handles[0];
    CBENCH_LOOP (s) {
        if (cf_handle_child_read(&bed.table, cf_handle_index(h), cf_handle_generation(h), &h, NULL) == NULL)
            abort();
        CBENCH_USE(h);
    }
    cbench_items(s, cbench_iterations(s));
}

static void look_up_chain_ref(struct cbench_state *s, void *arg)
{
    (void)arg;
    bed_init((uint64_t)cbench_range(s, 0));
    uint64_t h = bed.handles[0];
    CBENCH_LOOP (s) {
        const struct cf_handle_child *c = (const void *)(bed.memory + (size_t)cf_handle_index(h) * 64);
        h = c->state;
        CBENCH_USE(h);
    }
    cbench_items(s, cbench_iterations(s));
}

static const struct {
    const char *name;
    cbench_fn *fn;
} looks[] = {
    {"look_up", look_up},
    {"look_up_ref", bare},
    {"look_up_call", look_up_call},
    {"look_up_call_ref", bare},
    {"look_up_chain", look_up_chain},
    {"look_up_chain_ref", look_up_chain_ref},
};

int main(int argc, char **argv)
{
    static const int64_t slots[] = {4096, 131072, 1 << 20, 8 << 20};
    if (!cbench_init(&argc, argv))
        return 1;
    for (size_t i = 0; i < (cbench_smoke() ? 1 : sizeof slots / sizeof *slots); i++)
        for (size_t n = 0; n < sizeof looks / sizeof *looks; n++)
            cbench_arg(cbench_add(looks[n].name, looks[n].fn, NULL), slots[i]);
    return cbench_run();
}
