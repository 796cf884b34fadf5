/*
 * A provider that named a conference's call which the core had closed meanwhile, or that was there when no block was free, was taken for one
 * that breaks the rules: after a thousand of these it was shown out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "tests/model/rig.h"

enum { PARENT = 1, MEMBER };

static uint64_t announced(void) {
    const struct cf_message *m = rig_find(RIG_APP, LINE_APPNEWCALL);
    assert_non_null(m);
    return m->param2;
}

static void begin(void (*limits)(struct cf_limits *l)) {
    rig_begin(4096, limits);
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
}

/* What the application is told as the conference's call. */
static uint64_t named(uint64_t member, uint64_t parent) {
    rig_send(RIG_PROVIDER, CF_EV_CALL_STATE, member, LINECALLSTATE_CONFERENCED, parent, 0);
    rig_turns(1);
    const struct cf_message *m = rig_find(RIG_APP, LINE_CALLSTATE);
    while (m != NULL && m->param1 != LINECALLSTATE_CONFERENCED)
        m = rig_find(RIG_APP, LINE_CALLSTATE);
    assert_non_null(m);
    return m->param2;
}

static void a_parent_that_was_closed_is_late(void **state) {
    (void)state;
    begin(NULL);
    uint64_t parent = rig_offer(0, PARENT), handle = announced(), member = rig_offer(0, MEMBER);
    announced();
    assert_int_equal(named(member, parent), handle);
    assert_int_equal(rig_status(RIG_PROVIDER).bad_records, 0);
    rig_send(RIG_APP, CF_REQ_RELEASE, handle, 0, 0, 0);
    rig_turns(1);
    assert_non_null(rig_find(RIG_PROVIDER, CF_CMD_CLOSE_CALL));
    assert_int_equal(named(member, parent), 0);
    assert_int_equal(rig_status(RIG_PROVIDER).bad_records, 0);
    assert_int_equal(rig_totals().stale_events, 1);
    assert_int_equal(named(member, parent + (UINT64_C(2) << 32)), 0); /* one that never was */
    assert_int_equal(rig_status(RIG_PROVIDER).bad_records, 1);
    rig_end();
}

static void few_calls(struct cf_limits *l) { l->calls = l->calls_per_provider = 16; }

/* Four blocks each. */
static void offer_with_names(uint32_t index) {
    char text[63];
    memset(text, 'x', sizeof text);
    struct cf_record *r = rig_record(CF_EV_NEW_CALL, cf_handle_make(index, CF_KIND_PROVIDER, 1), 0, LINECALLSTATE_OFFERING,
                                     LINEMEDIAMODE_INTERACTIVEVOICE);
    for (uint16_t tag = CF_FIELD_CONNECTED; tag <= CF_FIELD_CONNECTED_NAME; tag++)
        cf_fields_append(r, tag, text, sizeof text);
    rig_put(RIG_PROVIDER, r);
    rig_turns(1);
}

static void no_room_is_not_the_providers_fault(void **state) {
    (void)state;
    begin(few_calls);
    uint64_t parent = rig_offer(0, PARENT), handle = announced(), member = rig_offer(0, MEMBER);
    announced();
    for (uint32_t i = MEMBER + 1; i < 9; i++)
        offer_with_names(i);
    assert_int_not_equal(rig_totals().parties_dropped, 0);
    assert_int_equal(named(member, parent), 0);
    assert_int_equal(rig_status(RIG_PROVIDER).bad_records, 0);
    for (uint32_t i = MEMBER + 1; i < 9; i++)
        rig_state(cf_handle_make(i, CF_KIND_PROVIDER, 1), LINECALLSTATE_IDLE, 0);
    rig_read(RIG_APP);
    for (uint32_t i = 0; i < rig.seen_count; i++)
        if (rig.seen[i].id == LINE_CALLSTATE && rig.seen[i].param1 == LINECALLSTATE_IDLE)
            rig_send(RIG_APP, CF_REQ_RELEASE, rig.seen[i].device, 0, 0, 0);
    rig_turns(4);
    assert_int_equal(named(member, parent), handle);
    rig_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parent_that_was_closed_is_late),
        cmocka_unit_test(no_room_is_not_the_providers_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
