/*
 * What is wrong with a request about two calls was not told in the order of the checks: handles, privilege, parameters, states, abilities.
 * A call of another line, or one that is in a conference already, was taken for the second call, and a conference of two lines was asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "tests/model/rig.h"

enum { FIRST = 1, SECOND, CONFERENCE, MEMBER, ELSEWHERE, CALLS };

static uint64_t calls[CALLS], owned[CALLS], seen[CALLS];

/* The line can transfer, but resolves no transfer into a conference. */
static void can(uint32_t line, uint32_t transfer_modes) {
    struct cf_line_caps caps = {.addresses = 1, .line_features = LINEFEATURE_MAKECALL, .transfer_modes = transfer_modes,
                                .call_features = LINECALLFEATURE_SWAPHOLD | LINECALLFEATURE_COMPLETETRANSF | LINECALLFEATURE_ADDTOCONF |
                                                 LINECALLFEATURE_SETUPCONF};
    struct cf_record *r = rig_record(CF_EV_LINE, 0, line, 0, 0);
    cf_fields_append(r, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
    rig_put(RIG_PROVIDER, r);
    rig_turns(1);
}

static uint64_t announced(uint32_t port) {
    const struct cf_message *m = rig_find(port, LINE_APPNEWCALL);
    assert_non_null(m);
    return m->param2;
}

static void begin(void) {
    rig_begin(4096, NULL);
    can(0, LINETRANSFERMODE_TRANSFER);
    can(1, LINETRANSFERMODE_TRANSFER);
    rig_join(RIG_APP);
    rig_join(RIG_OTHER);
    for (uint32_t line = 0; line < 2; line++) {
        rig_open(RIG_APP, line, line);
        rig_open(RIG_OTHER, line, line);
    }
    for (uint32_t i = 1; i < CALLS; i++) {
        calls[i] = rig_offer(i == ELSEWHERE, i);
        owned[i] = announced(RIG_APP);
        seen[i] = announced(RIG_OTHER);
        rig_state(calls[i], LINECALLSTATE_CONNECTED, 0);
    }
    rig_send(RIG_PROVIDER, CF_EV_CALL_STATE, calls[MEMBER], LINECALLSTATE_CONFERENCED, calls[CONFERENCE], 0);
    rig_turns(1);
}

/* LINE_REPLY's result; 0: it was passed on. */
static int32_t refused(uint32_t port, uint16_t id, uint64_t call, uint64_t second, uint64_t detail) {
    rig_send(port, id, call, 1, second, detail);
    rig_turns(2);
    const struct cf_message *m = rig_find(port, LINE_REPLY);
    return m == NULL ? 0 : (int32_t)(uint32_t)m->param2;
}

static int32_t transfers(uint32_t port, uint64_t call, uint64_t consultation, uint32_t mode) {
    return refused(port, CF_REQ_COMPLETE_TRANSFER, call, consultation, mode);
}

static void a_wrong_handle_comes_before_the_privilege(void **state) {
    (void)state;
    begin();
    assert_int_equal(transfers(RIG_OTHER, seen[FIRST], 77, LINETRANSFERMODE_TRANSFER), LINEERR_INVALCONSULTCALLHANDLE);
    assert_int_equal(transfers(RIG_OTHER, seen[FIRST], seen[SECOND], LINETRANSFERMODE_TRANSFER), LINEERR_NOTOWNER);
    assert_int_equal(refused(RIG_OTHER, CF_REQ_SETUP_CONFERENCE, seen[CONFERENCE], 0, 2), LINEERR_INVALCALLHANDLE);
    assert_int_equal(refused(RIG_OTHER, CF_REQ_SETUP_CONFERENCE, seen[FIRST], 0, 2), LINEERR_NOTOWNER);
    rig_end();
}

static void the_mode_comes_before_the_states_and_what_the_line_can_after(void **state) {
    (void)state;
    begin(); /* both are CONNECTED: the first is to be on hold */
    assert_int_equal(transfers(RIG_APP, owned[FIRST], owned[SECOND], 3), LINEERR_INVALTRANSFERMODE);
    assert_int_equal(transfers(RIG_APP, owned[FIRST], owned[SECOND], LINETRANSFERMODE_CONFERENCE), LINEERR_INVALCALLSTATE);
    rig_state(calls[FIRST], LINECALLSTATE_ONHOLD, 0);
    rig_state(calls[SECOND], LINECALLSTATE_DIALTONE, 0);
    assert_int_equal(transfers(RIG_APP, owned[FIRST], owned[SECOND], 3), LINEERR_INVALTRANSFERMODE);
    assert_int_equal(transfers(RIG_APP, owned[FIRST], owned[SECOND], LINETRANSFERMODE_CONFERENCE), LINEERR_INVALCALLSTATE);
    rig_state(calls[SECOND], LINECALLSTATE_RINGBACK, 0);
    assert_int_equal(transfers(RIG_APP, owned[FIRST], owned[SECOND], LINETRANSFERMODE_CONFERENCE), LINEERR_OPERATIONUNAVAIL);
    assert_int_equal(transfers(RIG_APP, owned[FIRST], owned[SECOND], LINETRANSFERMODE_TRANSFER), 0);
    rig_end();
}

static void the_second_call_is_of_the_same_line_and_in_no_conference(void **state) {
    (void)state;
    begin();
    rig_state(calls[ELSEWHERE], LINECALLSTATE_ONHOLD, 0);
    assert_int_equal(refused(RIG_APP, CF_REQ_SWAP_HOLD, owned[FIRST], owned[ELSEWHERE], 0), LINEERR_INVALCALLHANDLE);
    rig_state(calls[ELSEWHERE], LINECALLSTATE_CONNECTED, 0);
    rig_state(calls[CONFERENCE], LINECALLSTATE_ONHOLD, 0);
    assert_int_equal(refused(RIG_APP, CF_REQ_ADD_TO_CONFERENCE, owned[CONFERENCE], owned[ELSEWHERE], 0), LINEERR_INVALCALLHANDLE);
    assert_int_equal(refused(RIG_APP, CF_REQ_ADD_TO_CONFERENCE, owned[CONFERENCE], owned[MEMBER], 0), LINEERR_INVALCALLHANDLE);
    assert_int_equal(refused(RIG_APP, CF_REQ_ADD_TO_CONFERENCE, owned[CONFERENCE], owned[SECOND], 0), 0);
    rig_state(calls[FIRST], LINECALLSTATE_ONHOLD, 0);
    can(0, LINETRANSFERMODE_TRANSFER | LINETRANSFERMODE_CONFERENCE);
    assert_int_equal(transfers(RIG_APP, owned[FIRST], owned[ELSEWHERE], LINETRANSFERMODE_CONFERENCE), LINEERR_INVALCONSULTCALLHANDLE);
    assert_int_equal(transfers(RIG_APP, owned[FIRST], owned[ELSEWHERE], LINETRANSFERMODE_TRANSFER), 0);
    rig_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_handle_comes_before_the_privilege),
        cmocka_unit_test(the_mode_comes_before_the_states_and_what_the_line_can_after),
        cmocka_unit_test(the_second_call_is_of_the_same_line_and_in_no_conference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
