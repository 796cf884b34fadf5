/* The undo journal: whatever a turn changed after touching it comes back byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/journal.h"

enum { LINES = 4096, BYTES = LINES * CF_LINE_BYTES };

struct fixture {
    uint8_t *region, *before;
    struct cf_journal j;
    uint64_t seed;
};

static int setup(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);
    x->region = aligned_alloc(CF_LINE_BYTES, BYTES);
    x->before = malloc(BYTES);
    x->seed = 88172645463325252u;
    for (size_t i = 0; i < BYTES; i++)
        x->region[i] = (uint8_t)(i * 31 >> 3);
    memcpy(x->before, x->region, BYTES);
    x->j.log = calloc(1, sizeof *x->j.log);
    x->j.base = x->region;
    x->j.bytes = BYTES;
    cf_journal_begin(&x->j, 1);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *x = *state;
    free(x->region);
    free(x->before);
    free(x->j.log);
    free(x);
    return 0;
}

static uint32_t random_next(struct fixture *x)
{
    x->seed ^= x->seed << 13;
    x->seed ^= x->seed >> 7;
    x->seed ^= x->seed << 17;
    return (uint32_t)(x->seed >> 16);
}

static void scribble(struct fixture *x, uint32_t at, uint32_t bytes)
{
    cf_touch_range(&x->j, x->region + at, bytes);
    for (uint32_t i = 0; i < bytes; i++)
        x->region[at + i] = (uint8_t)random_next(x);
}

static void begin_turn(struct fixture *x, uint64_t turn)
{
    x->j.log->count = 0;
    cf_journal_begin(&x->j, turn);
    memcpy(x->before, x->region, BYTES);
}

static void undo_restores_random_changes_exactly(void **state)
{
    struct fixture *x = *state;
    for (uint64_t turn = 2; turn < 300; turn++) {
        begin_turn(x, turn);
        for (uint32_t n = random_next(x) % 400; n != 0; n--) {
            uint32_t bytes = 1 + random_next(x) % 300;
            scribble(x, random_next(x) % (BYTES - bytes), bytes);
        }
        if (turn % 2 == 0) /* a committed turn stays */
            continue;
        assert_true(cf_journal_undo(&x->j));
        assert_memory_equal(x->region, x->before, BYTES);
    }
}

static void undo_twice_is_undo_once(void **state)
{
    struct fixture *x = *state;
    scribble(x, 100, 5000);
    assert_true(cf_journal_undo(&x->j)); /* a core that dies in its recovery */
    assert_true(cf_journal_undo(&x->j));
    assert_memory_equal(x->region, x->before, BYTES);
}

static void an_undo_cut_short_is_repeated_whole(void **state)
{
    struct fixture *x = *state;
    for (int i = 0; i < 50; i++)
        scribble(x, random_next(x) % (BYTES - 64), 64);
    uint64_t count = x->j.log->count;
    for (uint64_t i = count; i-- > count / 2;) /* the newest half came back, then the core died */
        memcpy(x->region + x->j.log->lines[i] * CF_LINE_BYTES, x->j.log->old[i], CF_LINE_BYTES);
    assert_true(cf_journal_undo(&x->j));
    assert_memory_equal(x->region, x->before, BYTES);
}

static void a_line_kept_twice_ends_with_its_oldest_content(void **state)
{
    struct fixture *x = *state;
    uint8_t *a = x->region, *b = x->region + CF_JOURNAL_FILTER * CF_LINE_BYTES; /* the same place in the filter */
    for (int i = 0; i < 5; i++) {
        cf_touch(&x->j, a);
        memset(a, i, CF_LINE_BYTES);
        cf_touch(&x->j, b);
        memset(b, 100 + i, CF_LINE_BYTES);
    }
    assert_int_equal(x->j.log->count, 10);
    assert_true(cf_journal_undo(&x->j));
    assert_memory_equal(x->region, x->before, BYTES);
}

static void a_line_is_kept_once_per_turn(void **state)
{
    struct fixture *x = *state;
    for (int i = 0; i < 100; i++)
        cf_touch(&x->j, x->region + 640 + i % 64);
    assert_int_equal(x->j.log->count, 1);
    assert_int_equal(x->j.log->lines[0], 10);
    begin_turn(x, 2); /* the filter must forget */
    cf_touch(&x->j, x->region + 640);
    assert_int_equal(x->j.log->count, 1);
}

static void a_range_keeps_each_line_it_meets(void **state)
{
    struct fixture *x = *state;
    cf_touch_range(&x->j, x->region + 63, 2);
    assert_int_equal(x->j.log->count, 2);
    cf_touch_range(&x->j, x->region + 128, 64);
    assert_int_equal(x->j.log->count, 3);
    cf_touch_range(&x->j, x->region + 1000, 0);
    assert_int_equal(x->j.log->count, 3);
    assert_int_equal(cf_journal_room(&x->j), CF_JOURNAL_ENTRIES - 3);
}

static void memory_without_a_journal_is_left_alone(void **state)
{
    struct fixture *x = *state;
    cf_touch(NULL, x->region);
    cf_touch_range(NULL, x->region, 1000);
    assert_int_equal(x->j.log->count, 0);
}

static void an_entry_beyond_its_count_does_not_exist(void **state)
{
    struct fixture *x = *state;
    scribble(x, 0, 128);
    assert_int_equal(x->j.log->count, 2);
    x->j.log->lines[2] = 77; /* the core died between entry and count */
    memset(x->j.log->old[2], 0xEE, CF_LINE_BYTES);
    assert_true(cf_journal_undo(&x->j));
    assert_memory_equal(x->region, x->before, BYTES);
}

static void a_log_that_nobody_can_have_written_is_refused(void **state)
{
    struct fixture *x = *state;
    scribble(x, 0, 64);
    x->j.log->lines[0] = LINES;
    assert_false(cf_journal_undo(&x->j));
    x->j.log->lines[0] = 0;
    x->j.log->count = CF_JOURNAL_ENTRIES + 1;
    assert_false(cf_journal_undo(&x->j));
}

/* A crash at any point of the touching: what was not touched yet is not changed yet. */
struct crash {
    jmp_buf out;
    int left;
};

static void crash_at(enum cf_point point, void *arg)
{
    struct crash *c = arg;
    assert_int_equal(point, CF_POINT_TOUCH);
    if (c->left-- == 0)
        longjmp(c->out, 1);
}

/* True when the turn came to its end. */
static bool scribble_until_crash(struct fixture *x, struct crash *c)
{
    if (setjmp(c->out) != 0)
        return false;
    for (int i = 0; i < 20; i++)
        scribble(x, random_next(x) % (BYTES - 200), 200);
    return true;
}

static void a_crash_at_any_touch_is_undone(void **state)
{
    struct fixture *x = *state;
    struct crash c;
    for (int n = 0; n < 60; n++) {
        begin_turn(x, (uint64_t)n + 2);
        c.left = n;
        x->j.on_point = crash_at;
        x->j.point_arg = &c;
        assert_false(scribble_until_crash(x, &c));
        x->j.on_point = NULL;
        assert_true(cf_journal_undo(&x->j));
        assert_memory_equal(x->region, x->before, BYTES);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(undo_restores_random_changes_exactly),
        CASE(undo_twice_is_undo_once),
        CASE(an_undo_cut_short_is_repeated_whole),
        CASE(a_line_kept_twice_ends_with_its_oldest_content),
        CASE(a_line_is_kept_once_per_turn),
        CASE(a_range_keeps_each_line_it_meets),
        CASE(memory_without_a_journal_is_left_alone),
        CASE(an_entry_beyond_its_count_does_not_exist),
        CASE(a_log_that_nobody_can_have_written_is_refused),
        CASE(a_crash_at_any_touch_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
