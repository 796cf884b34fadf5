/*
 * linePark and lineCompleteCall with a mode that the line does not have were refused for that before the call's state was looked at:
 * OPERATIONUNAVAIL instead of INVALCALLSTATE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "tests/model/rig.h"

enum { CALL = 1 };

/* A call of a line that parks directed alone and calls back alone; its owner's handle. */
static uint64_t begin(uint64_t *ret_call) {
    struct cf_line_caps caps = {.addresses = 1, .call_features = LINECALLFEATURE_PARK | LINECALLFEATURE_COMPLETECALL,
                                .more = {.completion_modes = LINECALLCOMPLMODE_CALLBACK}};
    rig_begin(4096, NULL);
    struct cf_record *r = rig_record(CF_EV_LINE, 0, 0, 0, 0);
    cf_fields_append(r, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
    rig_put(RIG_PROVIDER, r);
    rig_turns(1);
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    *ret_call = rig_offer(0, CALL);
    const struct cf_message *m = rig_find(RIG_APP, LINE_APPNEWCALL);
    assert_non_null(m);
    return m->param2;
}

/* LINE_REPLY's result; 0: it was passed on. */
static int32_t refused(uint16_t id, uint64_t call, uint64_t mode) {
    rig_send(RIG_APP, id, call, 1, mode, 0);
    rig_turns(2);
    const struct cf_message *m = rig_find(RIG_APP, LINE_REPLY);
    return m == NULL ? 0 : (int32_t)(uint32_t)m->param2;
}

static void a_way_to_park_that_the_line_does_not_have_comes_after_the_state(void **state) {
    uint64_t call, owned = begin(&call);
    (void)state;
    assert_int_equal(refused(CF_REQ_PARK, owned, 7), LINEERR_INVALPARKMODE);
    assert_int_equal(refused(CF_REQ_PARK, owned, LINEPARKMODE_NONDIRECTED), LINEERR_INVALCALLSTATE);
    rig_state(call, LINECALLSTATE_CONNECTED, 0);
    assert_int_equal(refused(CF_REQ_PARK, owned, LINEPARKMODE_NONDIRECTED), LINEERR_OPERATIONUNAVAIL);
    rig_end();
}

static void a_way_to_complete_that_the_line_does_not_have_comes_after_the_state(void **state) {
    uint64_t call, owned = begin(&call);
    (void)state;
    assert_int_equal(refused(CF_REQ_COMPLETE_CALL, owned, 3), LINEERR_INVALCALLCOMPLMODE);
    assert_int_equal(refused(CF_REQ_COMPLETE_CALL, owned, LINECALLCOMPLMODE_INTRUDE), LINEERR_INVALCALLSTATE);
    rig_state(call, LINECALLSTATE_BUSY, LINEBUSYMODE_STATION);
    assert_int_equal(refused(CF_REQ_COMPLETE_CALL, owned, LINECALLCOMPLMODE_INTRUDE), LINEERR_OPERATIONUNAVAIL);
    assert_int_equal(refused(CF_REQ_COMPLETE_CALL, owned, LINECALLCOMPLMODE_CALLBACK), 0);
    rig_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_way_to_park_that_the_line_does_not_have_comes_after_the_state),
        cmocka_unit_test(a_way_to_complete_that_the_line_does_not_have_comes_after_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
