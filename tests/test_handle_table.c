/* The handle table through its calls: lives, order, retirement, segments, parents, installing, journal, check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/handle_table.h"

enum { SLOTS = 8, STRIDE = 64 };

struct fixture {
    struct cf_handle_head head __attribute__((aligned(64)));
    uint8_t slots[SLOTS * STRIDE] __attribute__((aligned(64)));
    struct cf_handle_table table;
};

static struct fixture *fixture_new(uint32_t limit, uint32_t base, uint32_t end)
{
    struct fixture *x = (struct fixture *)aligned_alloc(64, (sizeof *x + 63) / 64 * 64);
    memset(x, 0xA5, sizeof *x); /* memory that had another use before */
    cf_handle_table_format(&x->head, NULL, limit, base);
    if (end != 0)
        cf_handle_table_narrow(&x->head, NULL, end);
    cf_handle_table_view(&x->table, &x->head, x->slots, STRIDE, NULL);
    return x;
}

static void expect_sound(const struct cf_handle_table *t)
{
    char why[128] = "";
    bool sound = cf_handle_table_check(t, why, sizeof why);
    if (!sound)
        print_error("%s\n", why);
    assert_true(sound);
}

static void expect_unsound(const struct cf_handle_table *t, const char *word)
{
    char why[128] = "";
    assert_false(cf_handle_table_check(t, why, sizeof why));
    if (strstr(why, word) == NULL)
        fail_msg("\"%s\" does not speak of %s", why, word);
}

/* ------------------------------------------------------------------ lives */

static void handle_value_keeps_its_parts(void **state)
{
    (void)state;
    uint64_t h = cf_handle_of_usage(7, 0x1234567, CF_KIND_CALL, 0xFFFFFFFD);
    assert_int_equal(cf_handle_usage(h), 7);
    assert_int_equal(cf_handle_slot(h), 0x1234567);
    assert_int_equal(cf_handle_kind(h), CF_KIND_CALL);
    assert_int_equal(cf_handle_generation(h), 0xFFFFFFFD);
    assert_int_equal(cf_handle_index(h), 7u << CF_USAGE_SHIFT | 0x1234567);
    assert_true(cf_generation_newer(3, 1) && !cf_generation_newer(3, 3) && !cf_generation_newer(1, 3));
}

static void first_life_is_one_above_the_base_and_its_slot_is_zero(void **state)
{
    (void)state;
    struct fixture *x = fixture_new(SLOTS, 40, 0);
    uint32_t index;
    assert_int_equal(cf_handle_table_allocate(&x->table, &index), 41);
    assert_int_equal(index, 0);
    uint8_t *slot = cf_handle_table_look_up(&x->table, 0, 41);
    assert_ptr_equal(slot, x->slots);
    for (int i = 4; i < STRIDE; i++)
        assert_int_equal(slot[i], 0);
    expect_sound(&x->table);
    free(x);
}

static void old_bytes_above_used_are_not_believed(void **state)
{
    (void)state;
    struct fixture *x = fixture_new(SLOTS, 0, 0);
    uint32_t old = 0xA5A5A5A5; /* odd: would be a live generation */
    assert_true(cf_generation_live(old));
    for (uint32_t i = 0; i < SLOTS; i++)
        assert_null(cf_handle_table_look_up(&x->table, i, old));
    uint32_t index;
    cf_handle_table_allocate(&x->table, &index);
    assert_null(cf_handle_table_look_up(&x->table, 1, old));
    assert_false(cf_handle_table_release(&x->table, 1, old));
    free(x);
}

static void release_twice_is_refused_and_reuse_does_not_revive(void **state)
{
    (void)state;
    struct fixture *x = fixture_new(1, 0, 0);
    uint32_t index;
    uint32_t first = cf_handle_table_allocate(&x->table, &index);
    assert_true(cf_handle_table_release(&x->table, index, first));
    assert_false(cf_handle_table_release(&x->table, index, first));
    uint32_t second = cf_handle_table_allocate(&x->table, &index);
    assert_int_equal(index, 0);
    assert_int_equal(second, first + 2);
    assert_null(cf_handle_table_look_up(&x->table, 0, first));
    assert_false(cf_handle_table_release(&x->table, 0, first));
    assert_non_null(cf_handle_table_look_up(&x->table, 0, second));
    expect_sound(&x->table);
    free(x);
}

static void any_index_and_generation_may_be_asked(void **state)
{
    (void)state;
    struct fixture *x = fixture_new(SLOTS, 0, 0);
    uint32_t index;
    cf_handle_table_allocate(&x->table, &index);
    static const uint32_t odd_words[] = {0, 1, 2, 3, SLOTS - 1, SLOTS, SLOTS + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF};
    for (size_t i = 0; i < sizeof odd_words / sizeof *odd_words; i++)
        for (size_t g = 0; g < sizeof odd_words / sizeof *odd_words; g++) {
            bool right = odd_words[i] == 0 && odd_words[g] == 1;
            assert_int_equal(cf_handle_table_look_up(&x->table, odd_words[i], odd_words[g]) != NULL, right);
            if (!right)
                assert_false(cf_handle_table_release(&x->table, odd_words[i], odd_words[g]));
        }
    expect_sound(&x->table);
    free(x);
}

static void a_full_table_gives_zero_until_a_release(void **state)
{
    (void)state;
    struct fixture *x = fixture_new(3, 0, 0);
    uint32_t index, kept = 77;
    for (int i = 0; i < 3; i++)
        assert_int_equal(cf_handle_table_allocate(&x->table, &index), 1);
    assert_int_equal(cf_handle_table_allocate(&x->table, &kept), 0);
    assert_int_equal(kept, 77);
    assert_true(cf_handle_table_release(&x->table, 1, 1));
    assert_int_equal(cf_handle_table_allocate(&x->table, &index), 3);
    assert_int_equal(index, 1);
    expect_sound(&x->table);
    free(x);
}

static void reuse_is_first_in_first_out(void **state)
{
    (void)state;
    struct fixture *x = fixture_new(SLOTS, 0, 0);
    static const uint32_t order[SLOTS] = {5, 2, 7, 0, 1, 6, 3, 4};
    uint32_t index;
    for (int i = 0; i < SLOTS; i++)
        cf_handle_table_allocate(&x->table, &index);
    for (uint32_t life = 1; life < 9; life += 2) {
        for (int i = 0; i < SLOTS; i++)
            assert_true(cf_handle_table_release(&x->table, order[i], life));
        expect_sound(&x->table);
        for (int i = 0; i < SLOTS; i++) {
            assert_int_equal(cf_handle_table_allocate(&x->table, &index), life + 2);
            assert_int_equal(index, order[i]);
        }
        expect_sound(&x->table);
    }
    free(x);
}

static void released_slots_come_before_never_used_ones(void **state)
{
    (void)state;
    struct fixture *x = fixture_new(SLOTS, 0, 0);
    uint32_t index;
    cf_handle_table_allocate(&x->table, &index);
    cf_handle_table_allocate(&x->table, &index);
    cf_handle_table_release(&x->table, 0, 1);
    cf_handle_table_allocate(&x->table, &index);
    assert_int_equal(index, 0);
    cf_handle_table_allocate(&x->table, &index);
    assert_int_equal(index, 2);
    free(x);
}

static void a_slot_without_generations_left_is_retired_and_counted(void **state)
{
    (void)state;
    struct fixture *x = fixture_new(2, 8, 14); /* lives 9, 11, 13 */
    uint32_t index, generation, lives = 0;
    while ((generation = cf_handle_table_allocate(&x->table, &index)) != 0) {
        lives++;
        assert_true(generation < 14);
        assert_true(cf_handle_table_release(&x->table, index, generation));
        assert_false(cf_handle_table_release(&x->table, index, generation));
        expect_sound(&x->table);
    }
    assert_int_equal(lives, 6);
    assert_int_equal(x->head.retired, 2);
    assert_int_equal(x->head.live, 0);
    assert_int_equal(x->head.free, 0);
    for (uint32_t g = 0; g < 32; g++)
        assert_null(cf_handle_table_look_up(&x->table, 0, g));
    free(x);
}

static void the_last_life_of_the_product_width_ends_for_good(void **state)
{
    (void)state;
    struct fixture *x = fixture_new(1, CF_GENERATION_END - 2, 0);
    uint32_t index;
    uint32_t last = cf_handle_table_allocate(&x->table, &index);
    assert_int_equal(last, UINT32_MAX - 2);
    assert_true(cf_handle_table_release(&x->table, index, last));
    assert_int_equal(cf_handle_table_allocate(&x->table, &index), 0);
    assert_int_equal(x->head.retired, 1);
    expect_sound(&x->table);
    free(x);
}

/* ------------------------------------------------------------------ journal: the engine's instance */

enum { REGION = 4096 };

static void with_a_journal_every_change_can_be_undone(void **state)
{
    (void)state;
    uint8_t *region = aligned_alloc(64, REGION), *before = malloc(REGION);
    struct cf_journal *j = calloc(1, sizeof *j);
    j->log = calloc(1, sizeof *j->log);
    j->base = region;
    j->bytes = REGION;
    memset(region, 0xA5, REGION);
    struct cf_handle_head *head = (struct cf_handle_head *)(void *)region;
    struct cf_handle_table t;
    srand(7);
    for (uint64_t turn = 1; turn <= 400; turn++) {
        memcpy(before, region, REGION);
        j->log->count = 0;
        cf_journal_begin(j, turn);
        if (turn % 97 == 1)
            cf_handle_table_format(head, j, 16, (uint32_t)turn & ~1u);
        cf_handle_table_view(&t, head, region + 64, 16, j);
        for (int i = 0; i < 12; i++) {
            uint32_t index;
            if (rand() % 2 == 0)
                cf_handle_table_allocate(&t, &index);
            else if (head->used != 0)
                for (uint32_t at = (uint32_t)rand() % head->used, g = 1; g < 2000; g += 2)
                    if (cf_handle_table_release(&t, at, g))
                        break;
        }
        expect_sound(&t);
        if (turn % 3 == 0) { /* this turn never happened */
            assert_true(cf_journal_undo(j));
            assert_memory_equal(region, before, REGION);
            expect_sound(&t);
        }
    }
    free(j->log);
    free(j);
    free(region);
    free(before);
}

/* ------------------------------------------------------------------ segments */

struct provider {
    void *given[64];
    uint32_t count, allowed;
};

static void *provide(size_t bytes, void *arg)
{
    struct provider *p = arg;
    if (p->count == p->allowed)
        return NULL;
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    return p->given[p->count++] = memory;
}

static void provider_fini(struct provider *p)
{
    while (p->count != 0)
        free(p->given[--p->count]);
}

static void segments_are_added_on_demand_and_never_move(void **state)
{
    (void)state;
    struct cf_handle_head head __attribute__((aligned(64)));
    struct provider p = {.allowed = 3};
    struct cf_handle_table t;
    uint64_t segments[5] = {0};
    void *slots[18];
    uint32_t index, generation = 0;
    cf_handle_table_format(&head, NULL, 18, 0);
    assert_int_equal(cf_handle_table_segments(18, 2), 5);
    cf_handle_table_view_segments(&t, &head, segments, 2, 64, provide, &p);
    assert_null(cf_handle_table_look_up(&t, 0, 1));
    assert_null(cf_handle_table_look_up(&t, 17, 1));
    for (uint32_t i = 0; i < 12; i++) {
        assert_int_equal(cf_handle_table_allocate(&t, &index), 1);
        assert_int_equal(index, i);
        assert_int_equal(p.count, i / 4 + 1);
        slots[i] = cf_handle_table_look_up(&t, i, 1);
    }
    assert_int_equal(cf_handle_table_allocate(&t, &index), 0); /* no memory for a fourth */
    expect_sound(&t);
    p.allowed = 5;
    for (uint32_t i = 12; i < 18; i++)
        assert_int_equal(cf_handle_table_allocate(&t, &index), 1);
    assert_int_equal(cf_handle_table_allocate(&t, &index), 0); /* the limit, inside the last segment */
    for (uint32_t i = 0; i < 12; i++)
        assert_ptr_equal(cf_handle_table_look_up(&t, i, 1), slots[i]);
    for (uint32_t i = 0; i < 18; i++)
        assert_true(cf_handle_table_release(&t, i, 1));
    for (uint32_t i = 0; i < 18; i++) {
        generation = cf_handle_table_allocate(&t, &index);
        assert_int_equal(index, i);
        assert_int_equal(generation, 3);
    }
    assert_null(cf_handle_table_look_up(&t, 18, 1));
    assert_null(cf_handle_table_look_up(&t, UINT32_MAX, 1));
    expect_sound(&t);
    provider_fini(&p);
}

static void many_released_slots_are_put_in_order_in_slices(void **state)
{
    (void)state;
    enum { MANY = 1000, LIMIT = MANY + 100 };
    struct cf_handle_head head __attribute__((aligned(64)));
    struct provider p = {.allowed = 64};
    uint64_t segments[LIMIT / 64 + 1] = {0};
    struct cf_handle_table t;
    uint32_t index, fresh = 0, next = 0;
    cf_handle_table_format(&head, NULL, LIMIT, 0);
    cf_handle_table_view_segments(&t, &head, segments, 6, 64, provide, &p);
    for (uint32_t i = 0; i < MANY; i++)
        cf_handle_table_allocate(&t, &index);
    for (uint32_t i = 0; i < MANY; i++)
        cf_handle_table_release(&t, i * 7 % MANY, 1);
    for (uint32_t i = 0; next < MANY; i++) {
        uint32_t generation = cf_handle_table_allocate(&t, &index);
        if (generation == 1) { /* never used: while the released ones are not in order yet */
            assert_int_equal(index, MANY + fresh);
            assert_int_equal(next, 0);
            fresh++;
        } else {
            assert_int_equal(generation, 3);
            assert_int_equal(index, next++ * 7 % MANY);
        }
        if (i % 5 == 0)
            expect_sound(&t);
    }
    assert_int_equal(fresh, (MANY + CF_HANDLE_TAKE - 1) / CF_HANDLE_TAKE - 1);
    expect_sound(&t);
    provider_fini(&p);
}

static void a_table_given_out_once_serves_from_what_is_in_order_so_far(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct cf_handle_head head __attribute__((aligned(64)));
    struct provider p = {.allowed = 64};
    uint64_t segments[MANY / 64 + 1] = {0};
    struct cf_handle_table t;
    uint32_t index, lives = 0;
    static uint8_t seen[MANY];
    memset(seen, 0, sizeof seen);
    cf_handle_table_format(&head, NULL, MANY, 0);
    cf_handle_table_view_segments(&t, &head, segments, 6, 64, provide, &p);
    for (uint32_t i = 0; i < MANY; i++)
        cf_handle_table_allocate(&t, &index);
    for (uint32_t i = 0; i < MANY; i++)
        cf_handle_table_release(&t, i, 1);
    assert_int_equal(cf_handle_table_allocate(&t, &index), 3);
    assert_int_equal(index, MANY - CF_HANDLE_TAKE); /* no more than that many were looked at */
    for (; lives < MANY; lives++) {
        assert_int_equal(seen[index]++, 0);
        expect_sound(&t);
        if (lives + 1 < MANY)
            assert_int_equal(cf_handle_table_allocate(&t, &index), 3);
    }
    assert_int_equal(cf_handle_table_allocate(&t, &index), 0);
    provider_fini(&p);
}

/* ------------------------------------------------------------------ parents */

struct family {
    struct cf_handle_head line_head __attribute__((aligned(64))), call_head;
    uint8_t line_slots[4 * 64] __attribute__((aligned(64)));
    struct cf_handle_table lines, calls;
    struct provider p;
    uint64_t segments[16];
};

static struct family *family_new(bool installed)
{
    struct family *f = (struct family *)aligned_alloc(64, (sizeof *f + 63) / 64 * 64);
    memset(f, 0, sizeof *f);
    f->p.allowed = 64;
    cf_handle_table_format(&f->line_head, NULL, 4, 0);
    cf_handle_table_format(&f->call_head, NULL, 256, 0);
    cf_handle_table_view(&f->lines, &f->line_head, f->line_slots, 64, NULL);
    cf_handle_table_view_segments(&f->calls, &f->call_head, f->segments, 4, 64, provide, &f->p);
    cf_handle_table_set_parents(&f->calls, &f->lines);
    if (installed)
        cf_handle_table_set_installed(&f->calls);
    return f;
}

static void family_free(struct family *f)
{
    provider_fini(&f->p);
    free(f);
}

static uint32_t call_on(struct family *f, uint32_t line, uint32_t life, uint32_t *ret_generation)
{
    uint32_t index;
    *ret_generation = cf_handle_table_allocate(&f->calls, &index);
    struct cf_handle_child *child = cf_handle_table_slot(&f->calls, index);
    cf_handle_child_write(child, cf_handle_parent(line, life), 1000 + index);
    return index;
}

static void closing_the_parent_voids_all_its_children_at_once(void **state)
{
    (void)state;
    struct family *f = family_new(false);
    uint32_t line[2], life[2], generation;
    for (int i = 0; i < 2; i++)
        life[i] = cf_handle_table_allocate(&f->lines, &line[i]);
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(call_on(f, line[i % 2], life[i % 2], &generation), i);
    assert_true(cf_handle_table_release(&f->lines, line[0], life[0]));
    for (uint32_t i = 0; i < 200; i++) {
        uint64_t word = 0, parent = 0;
        struct cf_handle_child *c = cf_handle_child_read(&f->calls, i, 1, &word, &parent);
        assert_int_equal(c != NULL, i % 2 == 1);
        if (c != NULL) {
            assert_int_equal(word, 1000 + i);
            assert_int_equal(cf_handle_parent_index(parent), line[1]);
            assert_int_equal(cf_handle_parent_generation(parent), life[1]);
        } else {
            assert_false(cf_handle_child_release(&f->calls, i, 1));
        }
    }
    /* The slot of the line lives again: its former children stay void. */
    assert_int_equal(cf_handle_table_allocate(&f->lines, &line[0]), life[0] + 2);
    assert_int_equal(line[0], 0);
    assert_null(cf_handle_child_look_up(&f->calls, 0, 1));
    expect_sound(&f->calls);
    family_free(f);
}

static void sweep_takes_bounded_slices_and_only_children_of_ended_parents(void **state)
{
    (void)state;
    struct family *f = family_new(false);
    uint32_t line[2], life[2], generation, cursor = 0, swept = 0, slices = 0, index;
    for (int i = 0; i < 2; i++)
        life[i] = cf_handle_table_allocate(&f->lines, &line[i]);
    for (uint32_t i = 0; i < 100; i++)
        call_on(f, line[i % 2], life[i % 2], &generation);
    assert_true(cf_handle_child_release(&f->calls, 6, 1)); /* released by hand: not swept again */
    assert_int_equal(cf_handle_table_sweep(&f->calls, &cursor, 1000), 0);
    assert_int_equal(cursor, 0);
    cf_handle_table_release(&f->lines, line[0], life[0]);
    do {
        uint32_t before = cursor, n = cf_handle_table_sweep(&f->calls, &cursor, 7);
        assert_true(n <= 7);
        assert_true(cursor == 0 || cursor == before + 7);
        swept += n;
        slices++;
    } while (cursor != 0);
    assert_int_equal(swept, 49);
    assert_int_equal(slices, (100 + 6) / 7);
    expect_sound(&f->calls);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(cf_handle_child_look_up(&f->calls, i, 1) != NULL, i % 2 == 1);
    for (generation = 1, index = 0; generation == 1 && index < 110;) /* never used ones, while these are put in order */
        generation = cf_handle_table_allocate(&f->calls, &index);
    assert_int_equal(generation, 3);
    assert_int_equal(index, 6); /* the first that was released */
    family_free(f);
}

static void state_word_keeps_its_parts(void **state)
{
    (void)state;
    uint64_t w = cf_handle_state(0x0A000001, 0x0C123456, 0xFF);
    assert_int_equal(cf_handle_state_state(w), 0x0A000001);
    assert_int_equal(cf_handle_state_mode(w), 0x0C123456);
    assert_int_equal(cf_handle_state_privilege(w), 0xFF);
}

/* ------------------------------------------------------------------ install */

static void install_takes_newer_lives_only(void **state)
{
    (void)state;
    struct family *f = family_new(true);
    struct cf_handle_child *c = NULL, *d = NULL;
    uint32_t line;
    uint64_t word, parent = cf_handle_parent(0, cf_handle_table_allocate(&f->lines, &line));
    assert_int_equal(cf_handle_table_install(&f->calls, 200, 5, parent, 11, &c), CF_INSTALL_NEW);
    assert_int_equal(f->p.count, 1); /* only the segment that was needed */
    assert_int_equal(cf_handle_table_install(&f->calls, 200, 5, parent, 12, &d), CF_INSTALL_ALREADY);
    assert_ptr_equal(c, d);
    assert_ptr_equal(cf_handle_child_read(&f->calls, 200, 5, &word, NULL), c);
    assert_int_equal(word, 11);
    assert_int_equal(cf_handle_table_install(&f->calls, 200, 3, parent, 13, &d), CF_INSTALL_VOID); /* older */
    assert_true(cf_handle_child_release(&f->calls, 200, 5));
    assert_int_equal(cf_handle_table_install(&f->calls, 200, 5, parent, 14, &d), CF_INSTALL_VOID); /* released */
    assert_int_equal(cf_handle_table_install(&f->calls, 200, 7, parent, 15, &d), CF_INSTALL_NEW);
    /* A newer life ends an older one that still stands. */
    assert_int_equal(cf_handle_table_install(&f->calls, 200, 11, parent, 16, &d), CF_INSTALL_NEW);
    assert_null(cf_handle_child_look_up(&f->calls, 200, 7));
    assert_false(cf_handle_child_release(&f->calls, 200, 7));
    assert_non_null(cf_handle_child_read(&f->calls, 200, 11, &word, NULL));
    assert_int_equal(word, 16);
    expect_sound(&f->calls);
    family_free(f);
}

static void install_refuses_what_no_core_may_send(void **state)
{
    (void)state;
    struct family *f = family_new(true);
    struct cf_handle_child *c = NULL;
    uint32_t line, life = cf_handle_table_allocate(&f->lines, &line);
    uint64_t parent = cf_handle_parent(line, life);
    assert_int_equal(cf_handle_table_install(&f->calls, 256, 1, parent, 0, &c), CF_INSTALL_VOID);
    assert_int_equal(cf_handle_table_install(&f->calls, UINT32_MAX, 1, parent, 0, &c), CF_INSTALL_VOID);
    assert_int_equal(cf_handle_table_install(&f->calls, 1, 2, parent, 0, &c), CF_INSTALL_VOID);
    assert_int_equal(cf_handle_table_install(&f->calls, 1, 0, parent, 0, &c), CF_INSTALL_VOID);
    assert_int_equal(cf_handle_table_install(&f->calls, 1, UINT32_MAX, parent, 0, &c), CF_INSTALL_VOID);
    assert_int_equal(cf_handle_table_install(&f->calls, 1, 1, cf_handle_parent(3, 1), 0, &c), CF_INSTALL_VOID);
    cf_handle_table_release(&f->lines, line, life);
    assert_int_equal(cf_handle_table_install(&f->calls, 1, 1, parent, 0, &c), CF_INSTALL_VOID);
    assert_null(c);
    f->p.allowed = f->p.count;
    life = cf_handle_table_allocate(&f->lines, &line);
    assert_int_equal(cf_handle_table_install(&f->calls, 1, 1, cf_handle_parent(line, life), 0, &c), CF_INSTALL_MEMORY);
    family_free(f);
}

/* ------------------------------------------------------------------ check */

static void check_finds_planted_damage(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        uint32_t value;
        const char *word;
    } damage[] = {
        {offsetof(struct fixture, head.limit), 5, "limit"},
        {offsetof(struct fixture, head.used), 9, "used"},
        {offsetof(struct fixture, head.base_generation), 1, "generations"},
        {offsetof(struct fixture, head.generation_end), 0, "generations"},
        {offsetof(struct fixture, head.live), 4, "live"},
        {offsetof(struct fixture, head.retired), 1, "retired"},
        {offsetof(struct fixture, head.free), 2, "free"},
        {offsetof(struct fixture, head.lane), 4, "lane"},
        {offsetof(struct fixture, head.lane), 2, "queue"},              /* lanes of other lengths */
        {offsetof(struct fixture, head.last), 2, "queue"},
        {offsetof(struct fixture, head.first), 0, "queue"},             /* a live slot */
        {offsetof(struct fixture, head.first) + 4, 7, "queue"},         /* a slot never used */
        {offsetof(struct fixture, slots) + 1 * STRIDE + 4, 1, "queue"}, /* a circle */
        {offsetof(struct fixture, slots) + 1 * STRIDE + 4, 2, "queue"}, /* into another lane */
        {offsetof(struct fixture, slots) + 3 * STRIDE, 3, "queue"},     /* free, yet live */
        {offsetof(struct fixture, slots) + 0 * STRIDE, 0, "slot 0"},     /* older than the base */
        {offsetof(struct fixture, slots) + 0 * STRIDE, 4, "used"},       /* lost: neither live nor listed */
        {offsetof(struct fixture, slots) + 0 * STRIDE, CF_GENERATION_END, "retired"},
        {offsetof(struct fixture, slots) + 0 * STRIDE, UINT32_MAX, "slot 0"},
    };
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        struct fixture *x = fixture_new(SLOTS, 0, 0);
        struct cf_journal *j = calloc(1, sizeof *j); /* the plain instance: releases reach the list at once */
        uint32_t index;
        j->log = calloc(1, sizeof *j->log);
        j->base = (uint8_t *)x;
        j->bytes = sizeof *x;
        cf_journal_begin(j, 1);
        cf_handle_table_view(&x->table, &x->head, x->slots, STRIDE, j);
        for (int n = 0; n < 7; n++)
            cf_handle_table_allocate(&x->table, &index);
        for (uint32_t at = 1; at < 7; at++)
            cf_handle_table_release(&x->table, at, 1);
        expect_sound(&x->table);
        memcpy((uint8_t *)x + damage[i].offset, &damage[i].value, 4);
        expect_unsound(&x->table, damage[i].word);
        free(j->log);
        free(j);
        free(x);
    }
}

static void check_finds_damage_among_released_slots(void **state)
{
    (void)state;
    struct fixture *x = fixture_new(SLOTS, 0, 0);
    uint32_t index;
    for (int n = 0; n < 4; n++)
        cf_handle_table_allocate(&x->table, &index);
    cf_handle_table_release(&x->table, 1, 1);
    cf_handle_table_release(&x->table, 2, 1);
    expect_sound(&x->table);
    uint32_t kept = x->table.released;
    x->table.released = 0;
    expect_unsound(&x->table, "released");
    x->table.released = CF_INDEX_NONE;
    expect_unsound(&x->table, "used");
    x->table.released = kept;
    expect_sound(&x->table);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handle_value_keeps_its_parts),
        cmocka_unit_test(first_life_is_one_above_the_base_and_its_slot_is_zero),
        cmocka_unit_test(old_bytes_above_used_are_not_believed),
        cmocka_unit_test(release_twice_is_refused_and_reuse_does_not_revive),
        cmocka_unit_test(any_index_and_generation_may_be_asked),
        cmocka_unit_test(a_full_table_gives_zero_until_a_release),
        cmocka_unit_test(reuse_is_first_in_first_out),
        cmocka_unit_test(released_slots_come_before_never_used_ones),
        cmocka_unit_test(a_slot_without_generations_left_is_retired_and_counted),
        cmocka_unit_test(the_last_life_of_the_product_width_ends_for_good),
        cmocka_unit_test(with_a_journal_every_change_can_be_undone),
        cmocka_unit_test(segments_are_added_on_demand_and_never_move),
        cmocka_unit_test(many_released_slots_are_put_in_order_in_slices),
        cmocka_unit_test(a_table_given_out_once_serves_from_what_is_in_order_so_far),
        cmocka_unit_test(closing_the_parent_voids_all_its_children_at_once),
        cmocka_unit_test(sweep_takes_bounded_slices_and_only_children_of_ended_parents),
        cmocka_unit_test(state_word_keeps_its_parts),
        cmocka_unit_test(install_takes_newer_lives_only),
        cmocka_unit_test(install_refuses_what_no_core_may_send),
        cmocka_unit_test(check_finds_planted_damage),
        cmocka_unit_test(check_finds_damage_among_released_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
