/* What a turn does besides records: each port gets its share of it, and one whose share crashes the engine is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "tests/model/rig.h"

enum { MANY = 20000 };

static void many_calls(struct cf_limits *l) {
    l->calls = l->calls_per_provider = MANY + 16;
    l->handles = 2 * MANY;
    l->sweep_slice = l->resync_slice = MANY; /* the slice does not bound a step: the journal does */
}

static int setup(void **unused) {
    (void)unused;
    rig_begin(1024, NULL);
    return 0;
}

static int setup_many(void **unused) {
    (void)unused;
    rig_begin(1024, many_calls);
    return 0;
}

static int teardown(void **unused) {
    (void)unused;
    rig_end();
    return 0;
}

/* ------------------------------------------------------------------ shares */

/*
 * Two applications at low ports close lines with 20,000 calls each, so that several turns are full of sweeping. A third one, at a higher
 * port, is due a device's news: it waits for its turn among three, not for the end of the others.
 */
static void a_high_port_is_served_while_low_ones_have_much_to_do(void **unused) {
    (void)unused;
    struct cf_engine_result r;
    rig_join(RIG_APP);
    rig_join(RIG_OTHER);
    rig_join(RIG_THIRD);
    rig_open(RIG_APP, 0, 0);
    rig_open(RIG_OTHER, 0, 0);
    for (uint32_t i = 0; i < MANY; i++) {
        rig_send(RIG_PROVIDER, CF_EV_NEW_CALL, cf_handle_make(i, CF_KIND_PROVIDER, 1), 0, LINECALLSTATE_OFFERING,
                 LINEMEDIAMODE_INTERACTIVEVOICE);
        cf_engine_turn(rig.core.engine, rig.now_ns += 1000, &r);
        while (rig_next(RIG_APP) != NULL || rig_next(RIG_OTHER) != NULL) {
        }
    }
    assert_int_equal(rig_totals().handles_live, 2 * MANY);
    while (rig_next(RIG_THIRD) != NULL) {
    }
    rig_send(RIG_APP, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
    rig_send(RIG_OTHER, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
    struct cf_record *line = rig_record(CF_EV_LINE, 0, 7, 0, 0);
    rig_put(RIG_PROVIDER, line);
    for (uint32_t turn = 1; rig_next(RIG_THIRD) == NULL; turn++) {
        assert_true(turn <= 3);
        cf_engine_turn(rig.core.engine, rig.now_ns += 1000, &r);
    }
    assert_true(rig_totals().handles_live > MANY / 2); /* the others were far from done */
    for (uint32_t turn = 0; rig_totals().handles_live != 0; turn++) {
        assert_true(turn < 100);
        while (rig_next(RIG_PROVIDER) != NULL) {
        }
        rig_turns(1);
    }
}

/* ------------------------------------------------------------------ handles of calls that have ended */

static int64_t sleeps_for(void) {
    assert_true(cf_engine_sleep(rig.core.engine));
    int64_t due = cf_engine_deadline(rig.core.engine);
    cf_engine_awake(rig.core.engine);
    return due == INT64_MAX ? due : due - rig.now_ns;
}

/* They are given back without a bell, so the engine looks for it: soon after something came, and ever less often when nothing does. */
static void releases_without_a_bell_are_looked_for(void **unused) {
    (void)unused;
    struct cf_engine_result r;
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    assert_true(sleeps_for() == INT64_MAX);
    rig_send(RIG_PROVIDER, CF_EV_NEW_CALL, cf_handle_make(0, CF_KIND_PROVIDER, 1), 0, LINECALLSTATE_OFFERING, LINEMEDIAMODE_INTERACTIVEVOICE);
    rig_turns(2);
    assert_true(sleeps_for() == INT64_MAX); /* a handle that is given back now rings */
    uint64_t call = 0;
    for (const struct cf_message *m = rig_next(RIG_APP); m != NULL; m = rig_next(RIG_APP))
        call = m->id == LINE_CALLSTATE ? m->device : call;
    rig_send(RIG_PROVIDER, CF_EV_CALL_STATE, cf_handle_make(0, CF_KIND_PROVIDER, 1), LINECALLSTATE_IDLE, 0, 0);
    rig_turns(2);
    assert_int_equal(rig_totals().handles_live, 1);
    static const int64_t looks[] = {1000000, 2000000, 4000000, 8000000, 16000000, 16000000};
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        assert_true(sleeps_for() == looks[i]);
        cf_engine_turn(rig.core.engine, rig.now_ns += looks[i], &r); /* nothing came */
    }
    rig_send(RIG_APP, CF_REQ_RELEASE, call + 1, 0, 0, 0); /* something did */
    rig_turns(1);
    assert_true(sleeps_for() == looks[0]);
    rig_send(RIG_APP, CF_REQ_RELEASE, call, 0, 0, 0);
    rig_turns(2);
    assert_int_equal(rig_totals().handles_live, 0);
    assert_true(sleeps_for() == INT64_MAX);
}

/* ------------------------------------------------------------------ crashes */

static bool serves(const struct core *c, void *port) { return core_hand_service(c) == *(uint32_t *)port + 1; }

/* Each core dies while it does what is due for that port, until one leaves it out. */
static void die_of_service(uint32_t port) {
    struct cf_engine_result r;
    uint32_t deaths = 0;
    for (uint32_t quiet = 0; quiet < 8; quiet++) {
        if (!core_crash_when(&rig.core, serves, &port, rig.now_ns += 1000, &r))
            continue;
        assert_true(++deaths <= 9);
        assert_true(core_recover(&rig.core, UINT64_MAX));
        quiet = 0;
    }
    assert_true(deaths >= 3);
    rig_turns(2);
}

static void door_takes_it_away(uint32_t port, uint32_t generation) {
    const struct cf_message *m = rig_find(0, CF_DOOR_EXPEL);
    assert_non_null(m);
    assert_int_equal(m->param1, port);
    assert_int_equal(m->param2, CF_EXPEL_CRASHES);
    rig_send(0, CF_DOOR_GONE, 0, port, 0, generation);
}

static void an_application_whose_service_crashes_is_shown_out(void **unused) {
    (void)unused;
    rig_join(RIG_APP);
    rig_join(RIG_OTHER);
    rig_open(RIG_APP, 0, 0);
    rig_open(RIG_OTHER, 0, 0);
    uint64_t call = rig_offer(0, 0);
    rig_send(RIG_APP, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0); /* now a sweep is due */
    die_of_service(RIG_APP);
    assert_int_equal(rig_totals().set_aside, 1);
    rig_read(RIG_OTHER);
    rig_state(call, LINECALLSTATE_CONNECTED, 0);
    rig_read(RIG_OTHER);
    assert_int_equal(rig_count(LINE_CALLSTATE, 0), 1);
    assert_int_equal(rig_totals().handles_live, 2); /* what it had is void, and not swept yet */
    door_takes_it_away(RIG_APP, 1);
    rig_turns(4);
    assert_int_equal(rig_totals().handles_live, 1);
    assert_non_null(rig_find(0, CF_DOOR_FREE));
    core_unmap(&rig.core, RIG_APP);
    rig_join(RIG_APP); /* its place is free */
    rig_open(RIG_APP, 0, 0);
}

static void one_whose_end_crashes_too_is_left_lying(void **unused) {
    (void)unused;
    rig_join(RIG_APP);
    rig_join(RIG_OTHER);
    rig_open(RIG_APP, 0, 0);
    rig_open(RIG_OTHER, 0, 0);
    uint64_t call = rig_offer(0, 0);
    rig_send(RIG_APP, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
    die_of_service(RIG_APP);
    door_takes_it_away(RIG_APP, 1);
    die_of_service(RIG_APP);
    assert_int_equal(rig_totals().set_aside, 2);
    assert_null(rig_find(0, CF_DOOR_FREE));
    assert_false(rig.result.more); /* and nobody works on it for ever */
    assert_true(cf_engine_sleep(rig.core.engine));
    cf_engine_awake(rig.core.engine);
    rig_read(RIG_OTHER);
    rig_state(call, LINECALLSTATE_CONNECTED, 0);
    rig_state(call, LINECALLSTATE_DISCONNECTED, 0);
    rig_state(call, LINECALLSTATE_IDLE, 0);
    rig_read(RIG_OTHER);
    assert_int_equal(rig_count(LINE_CALLSTATE, 0), 3);
    assert_int_equal(rig_offer(0, 1), cf_handle_make(1, CF_KIND_PROVIDER, 1));
    assert_non_null(rig_find(RIG_OTHER, LINE_APPNEWCALL));
}

static void a_provider_whose_end_crashes_hurts_no_other(void **unused) {
    (void)unused;
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    uint64_t call = rig_offer(0, 0);
    rig_read(RIG_APP);
    rig_send(0, CF_DOOR_GONE, 0, RIG_PROVIDER, 0, 1);
    die_of_service(RIG_PROVIDER);
    assert_in_range(rig_totals().set_aside, 1, 2); /* the turn in which its end began may have been undone */
    rig_read(RIG_APP);
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_PING, 0, 0, 0, 0), 0);
    assert_false(rig.result.more);
    (void)call;
}

static bool in_hand(const struct core *c, void *arg) {
    (void)arg;
    return core_hand_port(c) != 0;
}

/* One thing is blamed at a time: two crashes with a record in hand, and a third with none. */
static void a_record_is_not_blamed_for_what_service_does(void **unused) {
    (void)unused;
    struct cf_engine_result r;
    uint32_t port = RIG_APP;
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    rig_offer(0, 0);
    rig_read(RIG_APP);
    rig_send(RIG_APP, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
    for (int i = 0; i < 2; i++) {
        assert_true(core_crash_when(&rig.core, in_hand, NULL, rig.now_ns += 1000, &r));
        assert_true(core_recover(&rig.core, UINT64_MAX));
    }
    assert_true(core_crash_when(&rig.core, serves, &port, rig.now_ns += 1000, &r));
    assert_true(core_recover(&rig.core, UINT64_MAX));
    rig_turns(2);
    assert_int_equal(rig_totals().set_aside, 1);
    assert_int_equal(rig_totals().opens, 0); /* the record was taken */
    assert_int_equal(rig_status(RIG_APP).bad_records, 0);
    door_takes_it_away(RIG_APP, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_high_port_is_served_while_low_ones_have_much_to_do, setup_many, teardown),
        CASE(releases_without_a_bell_are_looked_for),
        CASE(an_application_whose_service_crashes_is_shown_out),
        CASE(one_whose_end_crashes_too_is_left_lying),
        CASE(a_provider_whose_end_crashes_hurts_no_other),
        CASE(a_record_is_not_blamed_for_what_service_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
