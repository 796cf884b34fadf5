/* Callfan's own table, with the segments and the lines of libcallfan: a shard of one thread that any thread reads, and a shared one. */
#include "bench/handles/work.h"

#include <stdio.h>
#include <string.h>

#include "shm/handle_table.h"
#include "shm/sys_memory.h"

#define LINES         4
#define SEGMENT_SHIFT 12
#define SEGMENT_BYTES ((size_t)OBJECT_BYTES << SEGMENT_SHIFT)
#define SLICE         64 /* slots swept at a time */

struct shard {
    struct cf_handle_head head __attribute__((aligned(64)));
    struct cf_handle_table table;
    uint64_t *segments;
};

struct keeper {
    struct cf_handle_head line_head __attribute__((aligned(64)));
    uint8_t line_slots[LINES * 64] __attribute__((aligned(64)));
    struct cf_handle_table lines;
    uint32_t line, life; /* the line that all calls are of */
    unsigned shards;
    struct shard shard[KEEPER_SHARDS_MAX] __attribute__((aligned(128)));
};

static void *provide(size_t bytes, void *arg)
{
    void *memory;
    (void)arg;
    return cf_memory_anonymous(bytes, false, &memory) == 0 ? memory : NULL;
}

static void *room(size_t bytes)
{
    void *memory = aligned_alloc(128, (bytes + 127) / 128 * 128);
    if (memory == NULL)
        abort();
    memset(memory, 0, bytes);
    return memory;
}

static struct keeper *keeper_new(const struct keeper_kind *kind, uint64_t handles, unsigned shards)
{
    struct keeper *k = room(sizeof *k);
    uint32_t limit = (uint32_t)(handles / shards);
    cf_handle_table_format(&k->line_head, NULL, LINES, 0);
    cf_handle_table_view(&k->lines, &k->line_head, k->line_slots, 64, NULL);
    k->life = cf_handle_table_allocate(&k->lines, &k->line);
    k->shards = shards;
    for (unsigned i = 0; i < shards; i++) {
        struct shard *s = &k->shard[i];
        s->segments = room(cf_handle_table_segments(limit, SEGMENT_SHIFT) * sizeof *s->segments);
        cf_handle_table_format(&s->head, NULL, limit, 0);
        cf_handle_table_view_segments(&s->table, &s->head, s->segments, SEGMENT_SHIFT, OBJECT_BYTES, provide, NULL);
        if (kind == &keeper_callfan)
            cf_handle_table_set_single_thread(&s->table);
        cf_handle_table_set_parents(&s->table, &k->lines);
    }
    return k;
}

static void shard_free(struct shard *s)
{
    char why[128];
    if (!cf_handle_table_check(&s->table, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    for (uint32_t i = 0; i < cf_handle_table_segments(s->head.limit, SEGMENT_SHIFT); i++)
        if (s->segments[i] != 0)
            cf_memory_unmap((void *)(uintptr_t)s->segments[i], SEGMENT_BYTES);
    free(s->segments);
}

static void keeper_free(struct keeper *k)
{
    for (unsigned i = 0; i < k->shards; i++)
        shard_free(&k->shard[i]);
    free(k);
}

static void set_watched(struct keeper *k, bool watched)
{
    (void)k; /* a slot's memory stays a slot: whoever reads an old handle finds another generation */
    (void)watched;
}

static void nothing(void)
{
}

static uint64_t allocate(struct keeper *k, unsigned shard)
{
    struct cf_handle_table *t = &k->shard[shard].table;
    uint32_t index, generation = cf_handle_table_allocate(t, &index);
    if (generation == 0)
        abort();
    uint64_t handle = cf_handle_make(index, CF_KIND_CALL, generation);
    cf_handle_child_write(cf_handle_table_slot(t, index), cf_handle_parent(k->line, k->life), handle);
    return handle;
}

static bool release(struct keeper *k, unsigned shard, uint64_t handle)
{
    return cf_handle_table_release(&k->shard[shard].table, cf_handle_index(handle), cf_handle_generation(handle));
}

static bool read_state(struct keeper *k, unsigned shard, unsigned thread, uint64_t handle, uint64_t *ret_state)
{
    (void)thread;
    return cf_handle_child_read(&k->shard[shard].table, cf_handle_index(handle), cf_handle_generation(handle),
                                ret_state, NULL) != NULL;
}

static const struct keeper_operations operations = {allocate, release, read_state};

static void fill(struct keeper_work *w)
{
    work_fill(&operations, w);
}

static void churn(struct keeper_work *w, uint64_t times)
{
    work_churn(&operations, w, times);
}

static uint64_t look_up(struct keeper_work *w, uint64_t times)
{
    return work_look_up(&operations, w, times);
}

static void release_all(struct keeper_work *w)
{
    work_release(&operations, w);
}

/* The line's life ends, and with it every handle; the slots are put in the queue afterwards, a slice at a time. */
static void drop(struct keeper_work *w, int64_t *ret_void_ns, int64_t *ret_all_ns)
{
    struct keeper *k = w->keeper;
    struct cf_handle_table *t = &k->shard[w->shard].table;
    uint32_t cursor = 0;
    uint64_t swept = 0;
    int64_t start = work_now_ns();
    if (!cf_handle_table_release(&k->lines, k->line, k->life))
        abort();
    int64_t closed = work_now_ns();
    do
        swept += cf_handle_table_sweep(t, &cursor, SLICE);
    while (cursor != 0);
    *ret_all_ns = work_now_ns() - start;
    *ret_void_ns = closed - start;
    if (swept != w->count)
        abort();
    k->life = cf_handle_table_allocate(&k->lines, &k->line);
}

#define KIND(kind_name, shared)                                                                                        \
    {                                                                                                                  \
        .name = kind_name, .any_releases = shared, .new = keeper_new, .free = keeper_free, .set_watched = set_watched, \
        .enter = nothing, .leave = nothing, .fill = fill, .churn = churn, .look_up = look_up, .release = release_all,  \
        .drop = drop                                                                                                   \
    }

const struct keeper_kind keeper_callfan = KIND("", false);
const struct keeper_kind keeper_callfan_shared = KIND("_shared", true);
