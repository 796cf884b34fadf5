/*
 * The handle table with narrow generations, every state that can be reached.
 *
 * A world is a table's memory and beside it a small model (lives as plain numbers, the free slots in a row). From the empty world
 * every operation is applied to every world found, until no new one appears: up to and including the end of all generations. In
 * each world the check must hold and every (index, generation) there is must be answered as the model says; a stale release must
 * change nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/handle_table.h"

/* ------------------------------------------------------------------ a set of worlds */

struct set {
    size_t bytes, count, room;
    uint8_t *worlds;
    uint32_t *index;
    size_t index_size;
};

static uint64_t hash(const uint8_t *p, size_t n)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h ^ h >> 29;
}

static uint32_t *find(struct set *s, const void *world)
{
    size_t at = hash(world, s->bytes) & (s->index_size - 1);
    while (s->index[at] != 0 && memcmp(s->worlds + (size_t)(s->index[at] - 1) * s->bytes, world, s->bytes) != 0)
        at = (at + 1) & (s->index_size - 1);
    return &s->index[at];
}

static void grow_index(struct set *s)
{
    free(s->index);
    s->index_size = s->index_size == 0 ? 1024 : s->index_size * 2;
    s->index = calloc(s->index_size, sizeof *s->index);
    for (size_t i = 0; i < s->count; i++)
        *find(s, s->worlds + i * s->bytes) = (uint32_t)(i + 1);
}

static void set_add(struct set *s, const void *world)
{
    if (s->count * 2 >= s->index_size)
        grow_index(s);
    uint32_t *at = find(s, world);
    if (*at != 0)
        return;
    if (s->count == s->room) {
        s->room = s->room == 0 ? 1024 : s->room * 2;
        s->worlds = realloc(s->worlds, s->room * s->bytes);
    }
    memcpy(s->worlds + s->count * s->bytes, world, s->bytes);
    *at = (uint32_t)++s->count;
}

static void set_free(struct set *s)
{
    free(s->worlds);
    free(s->index);
    *s = (struct set){0};
}

/* ------------------------------------------------------------------ one table and its model */

enum { SLOTS_MAX = 5, STRIDE = 32, POISON = 0xABABABAB };

/* Everything that the table's calls depend on; the rest of struct cf_handle_table is constant. */
struct memory {
    struct cf_handle_head head __attribute__((aligned(64)));
    uint8_t slots[SLOTS_MAX * STRIDE] __attribute__((aligned(64)));
    uint32_t taken, ordered, take_due, released;
    uint32_t zero[12];
};

/* base: no life yet; odd: lives; even: free, or at the end. */
struct model {
    uint8_t generation[SLOTS_MAX], used, row_count, row[SLOTS_MAX];
    uint8_t zero[4];
};

struct noun {
    struct memory memory;
    struct model model;
    uint8_t zero[64 - sizeof(struct model)];
};

struct shape {
    uint32_t limit, base, end, take_due;
};

static bool single_thread;

static void noun_view(struct cf_handle_table *t, struct noun *n, struct cf_journal *journal)
{
    cf_handle_table_view(t, &n->memory.head, n->memory.slots, STRIDE, journal);
    if (single_thread)
        cf_handle_table_set_single_thread(t);
    t->taken = n->memory.taken;
    t->ordered = n->memory.ordered;
    t->take_due = n->memory.take_due;
    t->released = n->memory.released;
}

/*
 * Words that mean nothing get one value that would lead astray, so that the same world looks the same however it was reached, and
 * that nobody can depend on them.
 */
static void noun_poison(struct noun *n, uint32_t released)
{
    struct cf_handle_head *h = &n->memory.head;
    for (uint32_t lane = 0; lane < CF_HANDLE_LANES; lane++) {
        if ((lane + CF_HANDLE_LANES - h->lane) % CF_HANDLE_LANES >= h->free) {
            h->first[lane] = h->last[lane] = POISON;
        } else {
            struct cf_handle_slot *last = (struct cf_handle_slot *)(void *)(n->memory.slots + h->last[lane] * STRIDE);
            last->link = POISON;
        }
    }
    for (uint32_t i = 0; i < h->used; i++) {
        struct cf_handle_slot *slot = (struct cf_handle_slot *)(void *)(n->memory.slots + i * STRIDE);
        if (cf_generation_live(slot->generation) || (slot->generation == h->generation_end && released == CF_INDEX_NONE))
            slot->link = POISON;
    }
}

/* take_due is set anew, else every world would come in 64 variants: the shape says whether each allocation looks, or none. */
static void noun_keep(struct noun *n, const struct cf_handle_table *t, const struct shape *shape)
{
    n->memory.taken = t->taken;
    n->memory.ordered = t->ordered;
    n->memory.take_due = shape->take_due;
    n->memory.released = t->released;
    noun_poison(n, t->released);
}

static void noun_init(struct noun *n, const struct shape *shape)
{
    struct cf_handle_table t;
    memset(n, 0, sizeof *n);
    cf_handle_table_format(&n->memory.head, NULL, shape->limit, shape->base);
    cf_handle_table_narrow(&n->memory.head, NULL, shape->end);
    cf_handle_table_view(&t, &n->memory.head, n->memory.slots, STRIDE, NULL);
    noun_keep(n, &t, shape);
    memset(n->model.generation, (int)shape->base, sizeof n->model.generation);
}

/* The model's own allocate and release. */
static uint32_t model_allocate(struct model *m, const struct shape *shape, uint32_t *ret_index)
{
    if (m->row_count != 0) {
        *ret_index = m->row[0];
        m->row_count--;
        memmove(m->row, m->row + 1, m->row_count);
        m->row[m->row_count] = 0;
    } else if (m->used < shape->limit) {
        *ret_index = m->used++;
    } else {
        return 0;
    }
    return ++m->generation[*ret_index];
}

static bool model_release(struct model *m, const struct shape *shape, uint32_t index, uint32_t generation)
{
    if (index >= shape->limit || generation % 2 == 0 || m->generation[index] != generation)
        return false;
    if (++m->generation[index] != shape->end)
        m->row[m->row_count++] = (uint8_t)index;
    return true;
}

static void noun_allocate(struct noun *n, struct cf_handle_table *t, const struct shape *shape, uint32_t *ret_index)
{
    uint32_t expected_index = 99, expected = model_allocate(&n->model, shape, &expected_index);
    *ret_index = 99;
    assert_int_equal(cf_handle_table_allocate(t, ret_index), expected);
    assert_int_equal(*ret_index, expected_index);
}

static void noun_release(struct noun *n, struct cf_handle_table *t, const struct shape *shape, uint32_t index, uint32_t generation)
{
    assert_int_equal(cf_handle_table_release(t, index, generation), model_release(&n->model, shape, index, generation));
}

/* Every handle value there is, asked and, where stale, released in vain. */
static void noun_ask_everything(struct noun *n, struct cf_handle_table *t, const struct shape *shape)
{
    char why[128] = "";
    if (!cf_handle_table_check(t, why, sizeof why))
        fail_msg("%s", why);
    struct memory before = n->memory;
    for (uint32_t index = 0; index <= shape->limit; index++)
        for (uint32_t generation = 0; generation <= shape->end + 1; generation++) {
            bool lives = index < shape->limit && generation % 2 == 1 && n->model.generation[index] == generation;
            assert_int_equal(cf_handle_table_look_up(t, index, generation) != NULL, lives);
            if (!lives)
                assert_false(cf_handle_table_release(t, index, generation));
        }
    assert_memory_equal(&before, &n->memory, sizeof before);
}

/* ------------------------------------------------------------------ one table */

/* The plain instance writes through a journal; its log is emptied before each operation, as by a turn. */
static struct cf_journal *journal_of(struct noun *n)
{
    struct cf_journal *j = calloc(1, sizeof *j);
    j->log = calloc(1, sizeof *j->log);
    j->base = (uint8_t *)n;
    j->bytes = sizeof *n;
    return j;
}

static void begin(struct cf_journal *j)
{
    if (j == NULL)
        return;
    j->log->count = 0;
    cf_journal_begin(j, j->turn + 1);
}

static void explore(const struct shape *shape, bool journaled, size_t worlds_min)
{
    static struct noun n __attribute__((aligned(64)));
    struct set set = {.bytes = sizeof n};
    struct cf_journal *j = journaled ? journal_of(&n) : NULL;
    uint32_t index, retired_most = 0;
    noun_init(&n, shape);
    set_add(&set, &n);
    for (size_t at = 0; at < set.count; at++) {
        for (uint32_t op = 0; op <= shape->limit; op++) { /* release slot op's life, or allocate */
            struct cf_handle_table t;
            memcpy(&n, set.worlds + at * set.bytes, sizeof n);
            noun_view(&t, &n, j);
            begin(j);
            if (op == 0)
                noun_ask_everything(&n, &t, shape);
            if (op < shape->limit)
                noun_release(&n, &t, shape, op, n.model.generation[op]);
            else
                noun_allocate(&n, &t, shape, &index);
            noun_keep(&n, &t, shape);
            set_add(&set, &n);
        }
        if (n.memory.head.retired > retired_most)
            retired_most = n.memory.head.retired;
    }
    assert_int_equal(retired_most, shape->limit); /* the search came to the end of all lives */
    print_message("%zu worlds\n", set.count);
    assert_true(set.count >= worlds_min);
    set_free(&set);
    if (j != NULL) {
        free(j->log);
        free(j);
    }
}

static void every_world_of_two_slots_with_4_bit_generations(void **state)
{
    (void)state;
    explore(&(struct shape){2, 0, 14, CF_HANDLE_TAKE}, false, 300);
}

static void every_world_of_three_slots_with_4_bit_generations(void **state)
{
    (void)state;
    explore(&(struct shape){3, 0, 14, CF_HANDLE_TAKE}, false, 1000);
}

static void every_world_when_each_allocation_takes(void **state)
{
    (void)state;
    explore(&(struct shape){3, 0, 14, 1}, false, 1000);
}

static void every_world_of_the_journaled_instance(void **state)
{
    (void)state;
    explore(&(struct shape){3, 0, 14, CF_HANDLE_TAKE}, true, 1000);
}

static void every_world_of_the_single_threaded_instance(void **state)
{
    (void)state;
    single_thread = true;
    explore(&(struct shape){3, 0, 14, CF_HANDLE_TAKE}, false, 1000);
    single_thread = false;
}

/* More slots than lanes, so that slots of one lane follow each other. */
static void every_world_of_five_slots(void **state)
{
    (void)state;
    explore(&(struct shape){5, 10, 14, CF_HANDLE_TAKE}, true, 1000);
    single_thread = true;
    explore(&(struct shape){5, 8, 14, CF_HANDLE_TAKE}, false, 1000);
    single_thread = false;
}

static void every_world_above_a_base(void **state)
{
    (void)state;
    explore(&(struct shape){4, 8, 14, CF_HANDLE_TAKE}, false, 1000);
}

/* ------------------------------------------------------------------ lines and calls */

struct family {
    struct noun lines, calls;
    uint8_t line_of[SLOTS_MAX], life_of[SLOTS_MAX]; /* the model's parents */
    uint32_t cursor;
    uint8_t zero[52];
};

static const struct shape line_shape = {2, 0, 6, CF_HANDLE_TAKE}, call_shape = {2, 0, 6, CF_HANDLE_TAKE};

static bool model_parent_lives(const struct family *f, uint32_t call)
{
    return f->life_of[call] % 2 == 1 && f->lines.model.generation[f->line_of[call]] == f->life_of[call];
}

static void family_ask_everything(struct family *f, struct cf_handle_table *lines, struct cf_handle_table *calls)
{
    noun_ask_everything(&f->lines, lines, &line_shape);
    noun_ask_everything(&f->calls, calls, &call_shape);
    struct memory before = f->calls.memory;
    for (uint32_t call = 0; call < 2; call++)
        for (uint32_t generation = 0; generation < 8; generation++) {
            bool lives = generation % 2 == 1 && f->calls.model.generation[call] == generation && model_parent_lives(f, call);
            uint64_t word = 0, parent = 0;
            assert_int_equal(cf_handle_child_read(calls, call, generation, &word, &parent) != NULL, lives);
            if (lives) {
                assert_int_equal(word, call << 8 | generation);
                assert_int_equal(parent, cf_handle_parent(f->line_of[call], f->life_of[call]));
            } else {
                assert_false(cf_handle_child_release(calls, call, generation));
            }
        }
    assert_memory_equal(&before, &f->calls.memory, sizeof before);
}

static void new_call(struct family *f, struct cf_handle_table *calls, uint32_t line)
{
    uint32_t index, life = f->lines.model.generation[line];
    if (life % 2 == 0)
        return;
    noun_allocate(&f->calls, calls, &call_shape, &index);
    if (index == 99)
        return;
    cf_handle_child_write(cf_handle_table_slot(calls, index), cf_handle_parent(line, life),
                          index << 8 | f->calls.model.generation[index]);
    f->line_of[index] = (uint8_t)line;
    f->life_of[index] = (uint8_t)life;
}

static void sweep_one(struct family *f, struct cf_handle_table *calls)
{
    uint32_t call = f->cursor, expected = 0;
    if (call < f->calls.model.used && f->calls.model.generation[call] % 2 == 1 && !model_parent_lives(f, call))
        expected = model_release(&f->calls.model, &call_shape, call, f->calls.model.generation[call]);
    assert_int_equal(cf_handle_table_sweep(calls, &f->cursor, 1), expected);
}

static void family_step(struct family *f, struct cf_handle_table *lines, struct cf_handle_table *calls, int op)
{
    uint32_t index;
    switch (op) {
    case 0:
        family_ask_everything(f, lines, calls);
        noun_allocate(&f->lines, lines, &line_shape, &index);
        break;
    case 1:
    case 2:
        noun_release(&f->lines, lines, &line_shape, (uint32_t)op - 1, f->lines.model.generation[op - 1]);
        break;
    case 3:
    case 4:
        new_call(f, calls, (uint32_t)op - 3);
        break;
    case 5:
    case 6:
        noun_release(&f->calls, calls, &call_shape, (uint32_t)op - 5, f->calls.model.generation[op - 5]);
        break;
    default:
        sweep_one(f, calls);
    }
}

static void every_world_of_lines_and_calls_with_closes_and_sweeps(void **state)
{
    (void)state;
    static struct family f __attribute__((aligned(64)));
    struct set set = {.bytes = sizeof f};
    memset(&f, 0, sizeof f);
    noun_init(&f.lines, &line_shape);
    noun_init(&f.calls, &call_shape);
    set_add(&set, &f);
    for (size_t at = 0; at < set.count; at++)
        for (int op = 0; op < 8; op++) {
            struct cf_handle_table lines, calls;
            memcpy(&f, set.worlds + at * set.bytes, sizeof f);
            noun_view(&lines, &f.lines, NULL);
            noun_view(&calls, &f.calls, NULL);
            cf_handle_table_set_parents(&calls, &lines);
            family_step(&f, &lines, &calls, op);
            noun_keep(&f.lines, &lines, &line_shape);
            noun_keep(&f.calls, &calls, &call_shape);
            set_add(&set, &f);
        }
    print_message("%zu worlds\n", set.count);
    assert_true(set.count > 10000);
    set_free(&set);
}

int main(void)
{
#ifdef CF_TSAN
    return 77; /* one thread: ThreadSanitizer would look at hundreds of millions of accesses for nothing */
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_world_of_two_slots_with_4_bit_generations),
        cmocka_unit_test(every_world_of_three_slots_with_4_bit_generations),
        cmocka_unit_test(every_world_when_each_allocation_takes),
        cmocka_unit_test(every_world_of_the_journaled_instance),
        cmocka_unit_test(every_world_of_the_single_threaded_instance),
        cmocka_unit_test(every_world_above_a_base),
        cmocka_unit_test(every_world_of_five_slots),
        cmocka_unit_test(every_world_of_lines_and_calls_with_closes_and_sweeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
