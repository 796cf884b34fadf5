/* The parts of the command-line tool: histogram, map, timers, states of calls and their comparison. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

#include "apps/callfan/compare.h"
#include "apps/callfan/histogram.h"
#include "apps/callfan/map.h"
#include "apps/callfan/output.h"
#include "apps/callfan/timers.h"

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void percentiles_are_at_most_a_step_too_high(void **state)
{
    (void)state;
    static struct cf_histogram h;
    assert_int_equal(cf_histogram_percentile(&h, 0.5), 0);
    for (int64_t v = 1; v <= 100000; v++)
        cf_histogram_add(&h, v * 1000);
    static const double parts[] = {0.01, 0.5, 0.9, 0.99, 0.999};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        double exact = parts[i] * 1e8, got = (double)cf_histogram_percentile(&h, parts[i]);
        assert_true(got >= exact && got <= exact * 1.033);
    }
    assert_int_equal(cf_histogram_percentile(&h, 1), 100000000);
    cf_histogram_add(&h, -5);
    cf_histogram_add(&h, INT64_MAX);
    assert_int_equal(h.max_ns, INT64_MAX);
    assert_int_equal(h.count, 100002);
    assert_int_equal(cf_histogram_percentile(&h, 0), 0);
}

static void map_agrees_with_an_array(void **state)
{
    (void)state;
    enum { KEYS = 4000 };
    static uint64_t value[KEYS]; /* 0: absent */
    struct cf_tool_map m = {0};
    uint64_t seed = 1, got, present = 0;
    assert_false(cf_tool_map_get(&m, 1, &got));
    assert_false(cf_tool_map_remove(&m, 1));
    for (int i = 0; i < 200000; i++) {
        uint64_t k = next_random(&seed) % KEYS, key = (k + 1) << 32; /* like generations */
        if (next_random(&seed) % 3 != 0) {
            present += value[k] == 0;
            assert_int_equal(cf_tool_map_put(&m, key, (uint64_t)i + 1), value[k] == 0);
            value[k] = (uint64_t)i + 1;
        } else {
            present -= value[k] != 0;
            assert_int_equal(cf_tool_map_remove(&m, key), value[k] != 0);
            value[k] = 0;
        }
        assert_int_equal(m.used_count, present);
    }
    for (uint64_t k = 0; k < KEYS; k++) {
        bool found = cf_tool_map_get(&m, (k + 1) << 32, &got);
        assert_int_equal(found, value[k] != 0);
        assert_true(!found || got == value[k]);
    }
    cf_tool_map_put(&m, 5, 77);
    cf_tool_map_put(&m, 6, 77);
    assert_int_equal(cf_tool_map_remove_value(&m, 77), 2);
    assert_int_equal(m.used_count, present);
    cf_tool_map_fini(&m);
}

static void timers_come_out_in_order(void **state)
{
    (void)state;
    struct cf_tool_timers t = {0};
    struct cf_tool_timer timer;
    uint64_t seed = 7;
    assert_false(cf_tool_timers_take(&t, INT64_MAX - 1, &timer));
    for (uint64_t i = 0; i < 5000; i++)
        cf_tool_timers_add(&t, (int64_t)(next_random(&seed) % 1000), i, 0);
    int64_t last = 0;
    assert_false(cf_tool_timers_take(&t, -1, &timer));
    for (int i = 0; i < 5000; i++) {
        assert_true(cf_tool_timers_take(&t, 1000, &timer));
        assert_true(timer.due_ns >= last);
        last = timer.due_ns;
    }
    assert_int_equal(t.count, 0);
    assert_true(cf_tool_timers_due(&t) == INT64_MAX);
    cf_tool_timers_fini(&t);
}

/* ---- comparing ---------------------------------------------------------------------------------- */

enum { S = 1000000 }; /* sender's times in us, for brevity */

static const DWORD full[] = {LINECALLSTATE_OFFERING,  LINECALLSTATE_CONNECTED,    LINECALLSTATE_ONHOLD,
                             LINECALLSTATE_CONNECTED, LINECALLSTATE_DISCONNECTED, LINECALLSTATE_IDLE};

static struct cf_sender make_sender(uint64_t serial)
{
    struct cf_sender s = {0};
    s.calls = calloc(1, sizeof *s.calls);
    s.calls_count = s.calls_room = 1;
    s.calls[0] = (struct cf_sender_call){.serial = serial, .first_ns = 2000000000, .count = 6};
    for (uint32_t i = 0; i < 6; i++) {
        s.calls[0].state[i] = cf_view_code(full[i], 0);
        s.calls[0].after_us[i] = i * S;
    }
    cf_tool_map_put(&s.by_serial, serial, 1);
    return s;
}

/* Runs what a monitor saw of call 42 against the sender's full list. Letters: o c h d i states, upper case: in a resync. */
static struct cf_compare_result seen(const char *states, struct cf_compare_times times)
{
    static const char letters[] = "ochcdi";
    struct cf_view v = {0};
    struct cf_sender s = make_sender(42);
    struct cf_compare_result r;
    if (*states != '\0')
        cf_view_announce(&v, 99, 0, "42");
    for (const char *c = states; *c != '\0'; c++) {
        bool resync = *c < 'a';
        char lower = (char)(*c | 0x20);
        struct cf_batch_message m = {.hDevice = 99, .time_ns = 2000000000 + (c - states)};
        m.dwParam1 = full[strchr(letters, lower) - letters];
        m.dwParam3 = c == states ? LINECALLPRIVILEGE_MONITOR : 0;
        cf_view_state(&v, &m, resync);
    }
    cf_compare(&v, &s, &times, NULL, &r);
    cf_view_fini(&v);
    cf_sender_fini(&s);
    return r;
}

static const struct cf_compare_times long_run = {.ready_ns = 1, .end_ns = INT64_C(1000000000000)};

static void the_same_states_are_the_same(void **state)
{
    (void)state;
    struct cf_compare_result r = seen("ochcdi", long_run);
    assert_int_equal(r.same, 1);
    assert_int_equal(r.folded + r.open + r.early + r.cut + r.unseen + r.different + r.lost + r.unknown, 0);
}

static void a_doubled_swapped_or_missing_state_is_found(void **state)
{
    (void)state;
    static const char *const wrong[] = {"oochcdi", "ohccdi", "ohcdi", "ochcii", "chcdi"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(seen(wrong[i], long_run).different, 1);
    assert_int_equal(seen("ochcd", long_run).lost, 1);
    assert_int_equal(seen("o", long_run).lost, 1);
    assert_int_equal(seen("", long_run).unseen, 1);
}

static void a_resync_may_fold_states_but_not_turn_back(void **state)
{
    (void)state;
    static const char *const right[] = {"oCdi", "oI", "ochI", "Cdi", "I", "ochCdi", "OCHCDI"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        assert_int_equal(seen(right[i], long_run).folded, 1);
    assert_int_equal(seen("oChi", long_run).different, 1); /* only before the resync's own state */
    assert_int_equal(seen("ochcdO", long_run).different, 1);
    assert_int_equal(seen("oHO", long_run).different, 1);
}

static void a_state_that_waited_may_be_missing(void **state)
{
    (void)state;
    struct cf_view v = {0};
    struct cf_sender s = make_sender(42);
    struct cf_compare_result r;
    s.calls[0].state[2] |= CF_SENDER_MAY_MISS;
    s.calls[0].state[3] |= CF_SENDER_MAY_MISS;
    s.calls[0].state[5] |= CF_SENDER_MAY_MISS; /* the last one arrives */
    cf_view_announce(&v, 99, 0, "42");
    static const DWORD got[] = {LINECALLSTATE_OFFERING, LINECALLSTATE_CONNECTED, LINECALLSTATE_DISCONNECTED,
                                LINECALLSTATE_IDLE};
    for (int i = 0; i < 4; i++) {
        struct cf_batch_message m = {.hDevice = 99, .time_ns = 2000000000 + i, .dwParam1 = got[i], .dwParam3 = i == 0};
        cf_compare(&v, &s, &long_run, NULL, &r);
        assert_int_equal(i == 0 ? r.lost : r.lost + r.same, 1);
        cf_view_state(&v, &m, false);
    }
    cf_compare(&v, &s, &long_run, NULL, &r);
    assert_int_equal(r.same, 1);
    cf_view_fini(&v);
    cf_sender_fini(&s);
}

static void what_could_not_be_seen_is_no_finding(void **state)
{
    (void)state;
    struct cf_compare_times t = long_run;
    t.ready_ns = 3000000000;
    assert_int_equal(seen("", t).early, 1);
    t = long_run;
    t.end_ns = 3900000000; /* two seconds into the call */
    assert_int_equal(seen("oc", t).open, 1);
    assert_int_equal(seen("o", t).open, 1); /* CONNECTED was sent within the last second */
    t.end_ns = 6500000000;
    assert_int_equal(seen("oc", t).lost, 1);
    t = long_run;
    t.windows_count = 1;
    t.window[0].from_ns = 2500000000;
    t.window[0].to_ns = 3500000000;
    assert_int_equal(seen("ocdi", t).cut, 1);
    assert_int_equal(seen("", t).early, 1);
}

static void expected_states_allow_what_is_in_brackets(void **state)
{
    (void)state;
    struct cf_expected_states e;
    assert_true(cf_expected_states_parse("OFFERING,(ACCEPTED),CONNECTED,DISCONNECTED,IDLE", &e));
    assert_int_equal(e.count, 5);
    assert_true(e.step[1].optional && !e.step[2].optional);
    assert_false(cf_expected_states_parse("", &e));
    assert_false(cf_expected_states_parse("OFFERING;IDLE", &e));
    assert_false(cf_expected_states_parse("(OFFERING", &e));
    assert_false(cf_expected_states_parse("RINGING", &e));
}

static void json_strings_are_always_text(void **state)
{
    (void)state;
    char text[256] = {0};
    FILE *f = fmemopen(text, sizeof text, "w");
    cf_tool_print_json_string(f, "a\"b\\c\n\xC3\xA4\xFFx\xE2\x82");
    fclose(f);
    assert_string_equal(text, "\"a\\\"b\\\\c\\u000a\xC3\xA4\\ufffdx\\ufffd\\ufffd\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_at_most_a_step_too_high),
        cmocka_unit_test(map_agrees_with_an_array),
        cmocka_unit_test(timers_come_out_in_order),
        cmocka_unit_test(the_same_states_are_the_same),
        cmocka_unit_test(a_doubled_swapped_or_missing_state_is_found),
        cmocka_unit_test(a_resync_may_fold_states_but_not_turn_back),
        cmocka_unit_test(a_state_that_waited_may_be_missing),
        cmocka_unit_test(what_could_not_be_seen_is_no_finding),
        cmocka_unit_test(expected_states_allow_what_is_in_brackets),
        cmocka_unit_test(json_strings_are_always_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
