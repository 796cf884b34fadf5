/* The parts of the command-line tool: histogram, map, timers, pace, options, output, states of calls and their comparison. */
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <setjmp.h>

#include <cmocka.h>

#include "apps/callfan/call_list.h"
#include "apps/callfan/compare.h"
#include "apps/callfan/dialled.h"
#include "apps/callfan/histogram.h"
#include "apps/callfan/map.h"
#include "apps/callfan/marks.h"
#include "apps/callfan/open_lines.h"
#include "apps/callfan/options.h"
#include "apps/callfan/output.h"
#include "apps/callfan/pace.h"
#include "apps/callfan/timers.h"
#include "apps/callfan/tool.h"
#include "shm/handle.h"

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

/* Runs what a monitor saw of call 42 against the first of the sender's list. Letters: o c h d i states, upper case: in a resync; x: its line closes. */
static struct cf_compare_result seen_of(const char *states, uint8_t sent, uint32_t waited,
                                        struct cf_compare_times times)
{
    static const char letters[] = "ochcdi";
    struct cf_view v = {0};
    struct cf_sender s = make_sender(42);
    struct cf_compare_result r;
    s.calls[0].count = sent;
    for (uint32_t i = 0; i < 6; i++)
        s.calls[0].state[i] |= (waited >> i & 1) != 0 ? CF_SENDER_MAY_MISS : 0;
    if (*states != '\0')
        cf_view_announce(&v, 99, 0, "42");
    for (const char *c = states; *c != '\0'; c++) {
        if (*c == 'x') {
            cf_view_close(&v, 0, true);
            continue;
        }
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

static struct cf_compare_result seen(const char *states, struct cf_compare_times times)
{
    return seen_of(states, 6, 0, times);
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

/* An application's own call has no caller: neither list can name the other's. One that has lost its number is missed all the same. */
static void calls_of_applications_are_not_compared(void **state)
{
    (void)state;
    for (int dialled = 0; dialled < 2; dialled++) {
        struct cf_view v = {0};
        struct cf_sender s = make_sender(42);
        struct cf_compare_result r;
        s.calls[0].dialled = dialled != 0;
        cf_view_announce(&v, 99, 0, "");
        cf_compare(&v, &s, &long_run, NULL, &r);
        assert_int_equal(r.unknown, 0);
        assert_int_equal(r.unseen, !dialled);
        cf_view_fini(&v);
        cf_sender_fini(&s);
    }
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
}

/* The line of call 42 was away from 2.5 to 3.5 s; the call began at 2 s. */
static struct cf_compare_times away_run(struct cf_away_window *window)
{
    struct cf_compare_times t = long_run;
    *window = (struct cf_away_window){2500000000, 3500000000, 0};
    t.away = (struct cf_away){window, 1, 1};
    return t;
}

static void a_call_cut_by_a_death_shows_all_that_was_sent_and_one_idle(void **state)
{
    (void)state;
    struct cf_away_window window;
    struct cf_compare_times t = away_run(&window);
    assert_int_equal(seen_of("ocdi", 2, 0, t).cut, 1);
    assert_int_equal(seen_of("ochcdi", 5, 0, t).cut, 1);    /* DISCONNECTED was sent */
    assert_int_equal(seen_of("ocdi", 1, 0, t).cut, 1);      /* CONNECTED was sent, but not written down any more */
    assert_int_equal(seen_of("ocdi", 3, 1 << 2, t).cut, 1); /* ONHOLD waited for room in vain */
    assert_int_equal(seen_of("ocDi", 4, 0, t).cut, 1);      /* folded by a resync */
    assert_int_equal(seen_of("ocI", 4, 0, t).cut, 1);
    assert_int_equal(seen_of("ocx", 4, 0, t).cut, 1); /* behind when its line closed */
    assert_int_equal(seen_of("ocx", 6, 0, t).cut, 1);
    assert_int_equal(seen_of("ohx", 6, 0, t).cut, 0);
    window.from_ns = 20000000000; /* long after the last that it was told */
    assert_int_equal(seen_of("ocx", 6, 0, t).cut, 1);
    assert_int_equal(seen_of("ocdi", 2, 0, t).cut, 0);
    window.from_ns = 2500000000;
    assert_int_equal(seen_of("oc", 2, 0, t).cut, 0);
    assert_int_equal(seen_of("ocd", 2, 0, t).lost + seen_of("ocd", 2, 0, t).different, 1);
    assert_int_equal(seen_of("odi", 2, 0, t).cut, 0); /* CONNECTED is missing */
    assert_int_equal(seen_of("ocdi", 3, 0, t).cut, 0);
    assert_int_equal(seen_of("ocdi", 6, 0, t).cut, 0);
    assert_int_equal(seen_of("oocdi", 2, 0, t).cut, 0);
    assert_int_equal(seen_of("ocdi", 2, 0, long_run).cut, 0); /* nobody died */
}

static void a_call_that_began_while_its_line_was_away_need_not_be_seen(void **state)
{
    (void)state;
    struct cf_away_window window;
    struct cf_compare_times t = away_run(&window);
    assert_int_equal(seen("", t).unseen, 1); /* before the line closed */
    window.from_ns = 1500000000;
    assert_int_equal(seen("", t).early, 1);
    window.to_ns = 1900000000;
    assert_int_equal(seen("", t).unseen, 1); /* after it was open again */
}

static void states_after_idle_and_lines_that_close_too_early_are_counted(void **state)
{
    (void)state;
    struct cf_view v = {0};
    struct cf_batch_message idle = {.hDevice = 99, .time_ns = 1, .dwParam1 = LINECALLSTATE_IDLE, .dwParam3 = 4};
    cf_view_announce(&v, 99, 7, "42");
    cf_view_announce(&v, 98, 7, "43");
    cf_view_announce(&v, 97, 8, "44");
    assert_int_equal(v.live_count, 3);
    assert_true(cf_view_state(&v, &idle, false));
    assert_false(cf_view_state(&v, &idle, false));
    assert_int_equal(v.after_idle, 1);
    assert_int_equal(v.live_count, 2);
    cf_view_close(&v, 7, false);
    assert_int_equal(v.closed_live, 1); /* 43; 42 was IDLE */
    assert_int_equal(v.live_count, 1);
    cf_view_close(&v, 8, true);
    assert_int_equal(v.closed_live, 1); /* messages of the line had been missed */
    assert_false(cf_view_state(&v, &idle, false));
    assert_int_equal(v.unknown_handle, 1);
    cf_view_fini(&v);
}

static void a_slot_that_is_used_again_is_another_call(void **state)
{
    (void)state;
    struct cf_view v = {0};
    const HCALL first = cf_handle_of_usage(0, 5, CF_KIND_CALL, 1), second = cf_handle_of_usage(0, 5, CF_KIND_CALL, 3);
    struct cf_batch_message m = {.hDevice = first, .time_ns = 1, .dwParam1 = LINECALLSTATE_IDLE, .dwParam3 = 4};
    cf_view_announce(&v, first, 7, "42");
    cf_view_announce(&v, first, 7, "43");
    assert_int_equal(v.announced_twice, 1);
    assert_true(cf_view_state(&v, &m, false));
    cf_view_give_back(&v, first);
    cf_view_give_back(&v, first); /* a second time is nothing */
    cf_view_announce(&v, second, 8, "44");
    assert_int_equal(v.announced_twice, 1);
    assert_false(cf_view_state(&v, &m, false)); /* void by now, though its slot has a call */
    assert_int_equal(v.unknown_handle, 1);
    cf_view_give_back(&v, first);
    cf_view_close(&v, 7, false);
    assert_int_equal(v.live_count, 1); /* neither was that of the second one */
    m.hDevice = second;
    m.dwParam1 = LINECALLSTATE_CONNECTED;
    cf_view_state(&v, &m, false);
    assert_true(cf_view_is(&v, second, LINECALLSTATE_CONNECTED, 0));
    cf_view_close(&v, 8, false);
    assert_int_equal(v.closed_live, 1);
    assert_false(cf_view_is(&v, second, LINECALLSTATE_CONNECTED, 0));
    cf_view_fini(&v);
}

/* ---- marks -------------------------------------------------------------------------------------- */

/* A line as the scripts write it: the time so many ns ago. */
static void write_mark(FILE *f, int64_t ago_ns)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t us = ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec - ago_ns) / 1000;
    fprintf(f, "%lld.%06lld\n", (long long)(us / 1000000), (long long)(us % 1000000));
    fflush(f);
}

static void marks_of_a_file_have_their_own_times(void **state)
{
    (void)state;
    static struct cf_marks m;
    char path[] = "/tmp/callfan-marks-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    assert_non_null(f);
    m = (struct cf_marks){.path = path};
    cf_marks_catch();
    int64_t now = cf_tool_now_ns();
    cf_marks_arrived(&m, now - 1, now);
    assert_int_equal(m.count, 0); /* no signal yet */
    write_mark(f, 500000000);
    write_mark(f, 200000000);
    raise(SIGUSR1); /* two that became one */
    cf_marks_arrived(&m, now - 50000000, now);
    assert_int_equal(m.count, 2);
    assert_true(llabs(m.mark[0].at_ns - (now - 500000000)) < 100000000);
    assert_true(llabs(m.mark[1].at_ns - (now - 200000000)) < 100000000);
    assert_int_equal(m.mark[1].silence_ns, 50000000); /* from the message before on, which was later than the mark */
    cf_marks_event(&m, m.mark[1].at_ns, now);
    assert_int_equal(m.mark[1].first_ns, 0); /* no newer than the mark */
    cf_marks_event(&m, m.mark[1].at_ns + 1, now);
    cf_marks_event(&m, m.mark[1].at_ns + 2, now + 1);
    assert_int_equal(m.mark[1].first_ns, now - m.mark[1].at_ns);
    int64_t at = m.mark[1].at_ns;
    cf_marks_arrived(&m, at + INT64_C(3000000001), at + INT64_C(9000000000)); /* too late to belong to it */
    assert_int_equal(m.mark[1].silence_ns, 50000000);
    cf_marks_end(&m);
    fclose(f);
    unlink(path);
}

static void a_line_with_a_name_begins_a_phase(void **state)
{
    (void)state;
    static struct cf_marks m;
    char path[] = "/tmp/callfan-marks-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    m = (struct cf_marks){.path = path};
    cf_marks_catch();
    cf_marks_take(&m);
    cf_phases_latency(&m.phases, 1, 1); /* of no phase */
    assert_int_equal(m.phases.count, 0);
    cf_marks_write(&m, "before");
    cf_marks_write(&m, "a_name_that_is_too_long");
    raise(SIGUSR1);
    cf_marks_take(&m);
    assert_int_equal(m.count, 0); /* they are no marks */
    assert_int_equal(m.phases.count, 2);
    const struct cf_phase *first = &m.phases.of[0], *second = &m.phases.of[1];
    assert_string_equal(first->name, "before");
    assert_string_equal(second->name, "a_name_that_is_");
    assert_true(second->at_ns >= first->at_ns);
    cf_phases_latency(&m.phases, first->at_ns - 1, 5);
    cf_phases_latency(&m.phases, first->at_ns, 10); /* told later than the second phase began, and yet of the first */
    cf_phases_latency(&m.phases, second->at_ns + 1, 20);
    cf_phases_latency(&m.phases, INT64_MAX, 30);
    assert_int_equal(first->latency->count, second->at_ns > first->at_ns);
    assert_int_equal(second->latency->count, 3 - first->latency->count);
    assert_int_equal(second->latency->max_ns, 30);
    cf_phases_begin(&m.phases, "more", second->at_ns - 1);
    assert_int_equal(m.phases.of[2].at_ns, second->at_ns);
    for (unsigned i = 0; i < CF_PHASES_MAX; i++)
        cf_phases_begin(&m.phases, "more", second->at_ns + 1);
    assert_int_equal(m.phases.count, CF_PHASES_MAX);
    cf_marks_end(&m);
    assert_int_equal(m.phases.count, 0);
    close(fd);
    unlink(path);
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

/* ---- pace ---------------------------------------------------------------------------------------- */

/* How many turns there are in so many steps of step_ns from 5 s on. */
static int turns(double rate, int64_t step_ns, int steps)
{
    struct cf_tool_pace p;
    int64_t now_ns = 5000000000;
    int taken = 0;
    cf_tool_pace_init(&p, rate, now_ns);
    for (int i = 0; i < steps; i++, now_ns += step_ns)
        while (taken < 100000 && cf_tool_pace_take(&p, now_ns))
            taken++;
    return taken;
}

static void a_pace_keeps_its_rate_whatever_the_steps(void **state)
{
    (void)state;
    assert_int_equal(turns(10, 1000000, 1000), 10);    /* 1 s by milliseconds, the first turn at once */
    assert_int_equal(turns(10, 70000000, 15), 10);     /* 1.05 s in steps that fit no interval */
    assert_int_equal(turns(1000, 10000000, 100), 991); /* ten turns a step */
    assert_int_equal(turns(0.5, 1000000000, 4), 2);
    assert_int_equal(turns(0, 1, 1), 100000); /* no rate: as often as asked */
}

static void a_pace_makes_only_the_last_moment_good(void **state)
{
    (void)state;
    struct cf_tool_pace p;
    cf_tool_pace_init(&p, 100, 1000000000);
    assert_true(cf_tool_pace_take(&p, 1000000000));
    assert_false(cf_tool_pace_take(&p, 1009999999));
    int late = 0;
    while (cf_tool_pace_take(&p, INT64_C(61000000000))) /* a minute later */
        late++;
    assert_int_equal(late, 11); /* 100 ms of debt, and now */
    cf_tool_pace_return(&p);
    assert_true(cf_tool_pace_take(&p, INT64_C(61000000000)));
    assert_false(cf_tool_pace_take(&p, INT64_C(61000000000)));
}

static void dialled_calls_are_found_by_handle_and_request(void **state)
{
    (void)state;
    enum { ROOM = 50 };
    struct cf_dialled d;
    uint64_t seed = 3, numbers = 0;
    assert_true(cf_dialled_init(&d, ROOM));
    struct cf_dialled_call *live[ROOM], *first = d.calls;
    uint32_t count = 0;
    for (int i = 0; i < 20000; i++) {
        uint64_t dice = next_random(&seed) % 4;
        if (dice < 2 && count < ROOM) {
            struct cf_dialled_call *c = live[count++] = cf_dialled_take(&d, 7, i + 1);
            cf_dialled_set_request(&d, c, (LONG)++numbers);
            assert_ptr_equal(cf_dialled_by_request(&d, numbers), c);
        } else if (dice == 2 && count > 0) {
            struct cf_dialled_call *c = live[next_random(&seed) % count];
            if (c->handle == 0) {
                LONG request = c->request;
                c->handle = (uint64_t)request << 32;
                cf_dialled_has_handle(&d, c);
                cf_dialled_set_request(&d, c, 0);
                assert_null(cf_dialled_by_request(&d, (uint64_t)request));
            }
            assert_ptr_equal(cf_dialled_by_handle(&d, c->handle), c);
        } else if (count > 0) {
            uint64_t at = next_random(&seed) % count;
            HCALL handle = live[at]->handle;
            LONG request = live[at]->request;
            cf_dialled_forget(&d, live[at]);
            live[at] = live[--count];
            assert_null(cf_dialled_by_handle(&d, handle)); /* also 0, which is none */
            assert_null(cf_dialled_by_request(&d, (uint64_t)request));
        }
        assert_int_equal(d.live, count);
    }
    uint32_t at = 0, seen = 0;
    for (struct cf_dialled_call *c; (c = cf_dialled_next(&d, &at)) != NULL; seen++) {
        assert_int_equal(c->device, 7);
        cf_dialled_forget(&d, c);
    }
    assert_int_equal(seen, count);
    assert_int_equal(d.live + d.by_handle.used_count + d.by_request.used_count, 0);
    assert_ptr_equal(d.calls, first);
    cf_dialled_fini(&d);
}

/* ---- options ------------------------------------------------------------------------------------- */

struct parsed {
    bool flag;
    double rate;
    const char *text;
    struct cf_tool_line_list lines;
    struct cf_tool_operands operands;
};

/* Words are separated by single spaces; "~" stands for an empty one. CF_EXIT_OK with GO_ON is -1. */
static int parse(const char *line, struct parsed *p, uint32_t max)
{
    static char words[256];
    char *argv[16] = {(char *)"test"}, *save;
    int argc = 1, result = -1;
    *p = (struct parsed){.operands = {.name = "CALL", .min = max > 0, .max = max}};
    const struct cf_tool_option options[] = {
        {"flag", CF_OPTION_FLAG, &p->flag, NULL, "a flag"},
        {"rate", CF_OPTION_RATE, &p->rate, "R", "a rate"},
        {"text", CF_OPTION_TEXT, &p->text, "TEXT", "a text"},
        {"line", CF_OPTION_LINES, &p->lines, "N", "lines"},
    };
    const struct cf_tool_usage usage = {.synopsis = "callfan test",
                                        .text = "A test.",
                                        .options = options,
                                        .options_count = 4,
                                        .operands = max > 0 ? &p->operands : NULL};
    snprintf(words, sizeof words, "%s", line);
    for (char *w = strtok_r(words, " ", &save); w != NULL && argc < 15; w = strtok_r(NULL, " ", &save))
        argv[argc++] = strcmp(w, "~") == 0 ? (char *)"" : w;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_GO_ON)
        return -1;
    return result;
}

static void operands_stand_anywhere_between_options(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse("a --flag b --rate 2.5 --line 3-5 c", &p, 3), -1);
    assert_int_equal(p.operands.count, 3);
    assert_string_equal(p.operands.text[0], "a");
    assert_string_equal(p.operands.text[2], "c");
    assert_true(p.flag && p.rate == 2.5 && p.lines.count == 1 && p.lines.range[0].last == 5);
    assert_int_equal(parse("--text --flag -- --flag", &p, 1), -1);
    assert_string_equal(p.text, "--flag"); /* a value is a value */
    assert_string_equal(p.operands.text[0], "--flag");
    assert_false(p.flag);
    assert_int_equal(parse("~", &p, 1), -1);
    assert_string_equal(p.operands.text[0], "");
    assert_int_equal(parse("a b --text=x=y", &p, 2), -1);
    assert_string_equal(p.text, "x=y");
    assert_int_equal(parse("", &p, 0), -1);
}

static void a_wrong_command_line_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",           "a b c",           "a -x",         "a --rate 0",    "a --rate -1",
        "a --rate x", "a --rate 100001", "a --rate nan", "a --rate 1e99", "a --rate 1e-300",
        "a --flag=1", "a --text",        "a --rate ~",   "a --line 5-3",  "--",
        "a --nothing"};
    struct parsed p;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(parse(wrong[i], &p, 2), CF_EXIT_USAGE);
    assert_int_equal(parse("a", &p, 0), CF_EXIT_USAGE);
    assert_int_equal(parse("a b c d --help", &p, 4), CF_EXIT_OK);
}

static void call_ids_are_hexadecimal(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "0x", "123456789", "12g", "-1", " 1", "1 ", "0x0x1", "+1"};
    DWORD id = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(cf_tool_call_id_parse(wrong[i], &id));
    assert_int_equal(id, 7);
    assert_true(cf_tool_call_id_parse("0000002a", &id) && id == 42);
    assert_true(cf_tool_call_id_parse("2A", &id) && id == 42);
    assert_true(cf_tool_call_id_parse("0xFFFFFFFF", &id) && id == UINT32_MAX);
    assert_true(cf_tool_call_id_parse("10", &id) && id == 16);
}

/* ---- output -------------------------------------------------------------------------------------- */

static void lines_are_taken_in_turn(void **state)
{
    (void)state;
    HLINE by_device[] = {0, 11, 0, 33, 44};
    struct cf_tool_lines l = {.by_device = by_device, .devices_room = 5, .open_count = 3};
    DWORD at = 0, device;
    static const HLINE turns_of[] = {11, 33, 44, 11, 33};
    for (int i = 0; i < 5; i++)
        assert_int_equal(cf_tool_lines_next(&l, &at, &device), turns_of[i]);
    assert_int_equal(device, 3);
    by_device[1] = by_device[3] = by_device[4] = 0;
    assert_int_equal(cf_tool_lines_next(&l, &at, &device), 0);
    l.open_count = 0;
    assert_int_equal(cf_tool_lines_next(&l, &at, &device), 0);
}

static const char *printed(const struct cf_batch_message *m, bool json, DWORD call_id)
{
    static char text[512];
    struct cf_tool_lines lines = {0};
    memset(text, 0, sizeof text);
    cf_tool_map_put(&lines.ids, 500, 4);
    struct cf_tool_event e = cf_tool_event_read(m, &lines);
    e.call_id = call_id;
    struct cf_tool_output o = {.to = fmemopen(text, sizeof text, "w"), .json = json};
    cf_tool_output_event(&o, &e);
    fclose(o.to);
    cf_tool_map_fini(&lines.ids);
    return json ? text : text + strlen("00:00:00.000000");
}

static void messages_print_what_they_say(void **state)
{
    (void)state;
    struct cf_batch_message m = {.seq = 7, .time_ns = 9, .hDevice = 0xab, .dwMessageID = LINE_CALLSTATE};
    m.dwParam1 = LINECALLSTATE_CONNECTED;
    m.dwParam3 = LINECALLPRIVILEGE_OWNER;
    assert_string_equal(printed(&m, true, 0),
                        "{\"seq\":7,\"time_ns\":9,\"message\":\"LINE_CALLSTATE\",\"call\":\"00000000000000ab\","
                        "\"state\":\"CONNECTED\",\"mode\":\"ACTIVE\",\"privilege\":\"OWNER\"}\n");
    m.caller = "1\n2";
    m.called = "";
    assert_string_equal(printed(&m, false, 42), "  00000000000000ab  CONNECTED    ACTIVE  OWNER  1?2 -> ?\n");
    m = (struct cf_batch_message){.seq = 8, .dwMessageID = LINE_APPNEWCALL, .hDevice = 500, .dwParam2 = 0xab};
    m.dwParam3 = LINECALLPRIVILEGE_MONITOR;
    assert_string_equal(printed(&m, false, 0), "  line 4     00000000000000ab  LINE_APPNEWCALL  MONITOR\n");
    m = (struct cf_batch_message){.seq = 9, .dwMessageID = LINE_CALLINFO, .hDevice = 0xab};
    m.dwParam1 = LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS | LINECALLINFOSTATE_CALLDATA;
    assert_string_equal(printed(&m, false, 0),
                        "  00000000000000ab  LINE_CALLINFO  NUMOWNERINCR|NUMMONITORS|CALLDATA\n");
    m.dwParam1 = LINECALLINFOSTATE_OTHER;
    assert_string_equal(printed(&m, true, 0), "{\"seq\":9,\"time_ns\":0,\"message\":\"LINE_CALLINFO\","
                                              "\"call\":\"00000000000000ab\",\"info\":1}\n");
    m = (struct cf_batch_message){.seq = 9, .dwMessageID = LINE_REPLY, .dwParam1 = 3};
    assert_string_equal(printed(&m, false, 42), "  LINE_REPLY  request 3  success  call id 0000002a\n");
    m.dwParam2 = (DWORD)LINEERR_CALLUNAVAIL;
    assert_string_equal(printed(&m, true, 42),
                        "{\"seq\":9,\"time_ns\":0,\"message\":\"LINE_REPLY\",\"call_id\":\"0000002a\","
                        "\"request\":3,\"result\":\"LINEERR_CALLUNAVAIL\"}\n");
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
        cmocka_unit_test(a_call_cut_by_a_death_shows_all_that_was_sent_and_one_idle),
        cmocka_unit_test(a_call_that_began_while_its_line_was_away_need_not_be_seen),
        cmocka_unit_test(states_after_idle_and_lines_that_close_too_early_are_counted),
        cmocka_unit_test(a_slot_that_is_used_again_is_another_call),
        cmocka_unit_test(calls_of_applications_are_not_compared),
        cmocka_unit_test(what_could_not_be_seen_is_no_finding),
        cmocka_unit_test(marks_of_a_file_have_their_own_times),
        cmocka_unit_test(a_line_with_a_name_begins_a_phase),
        cmocka_unit_test(expected_states_allow_what_is_in_brackets),
        cmocka_unit_test(json_strings_are_always_text),
        cmocka_unit_test(a_pace_keeps_its_rate_whatever_the_steps),
        cmocka_unit_test(a_pace_makes_only_the_last_moment_good),
        cmocka_unit_test(dialled_calls_are_found_by_handle_and_request),
        cmocka_unit_test(operands_stand_anywhere_between_options),
        cmocka_unit_test(a_wrong_command_line_is_refused),
        cmocka_unit_test(call_ids_are_hexadecimal),
        cmocka_unit_test(lines_are_taken_in_turn),
        cmocka_unit_test(messages_print_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
