/* The door's word that a peer is gone: it ends the use of the number that it speaks of, and what the peer had committed is done first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "tests/model/rig.h"

static int setup(void **unused) {
    (void)unused;
    rig_begin(1024, NULL);
    return 0;
}

static int teardown(void **unused) {
    (void)unused;
    rig_end();
    return 0;
}

static void gone(uint32_t port, uint32_t generation) { rig_send(0, CF_DOOR_GONE, 0, port, 0, generation); }

/* A core died after the door had spoken of the death, and the next door says it once more: the number has another user by then. */
static void the_death_of_a_former_user_is_not_the_next_one_s(void **unused) {
    (void)unused;
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    uint64_t call = rig_offer(0, 1);
    rig_turns(4);
    gone(RIG_APP, 0);
    rig_turns(20);
    assert_int_equal(rig_status(RIG_APP).kind, CF_PORT_APPLICATION);
    assert_int_equal(rig_totals().handles_live, 1);
    rig_state(call, LINECALLSTATE_CONNECTED, 0);
    rig_turns(4);
    assert_non_null(rig_find(RIG_APP, LINE_CALLSTATE));
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_PING, 0, 0, 0, 0), 0);
}

/* The door hears of a death while the request that the peer had committed before lies in its ring. */
static void what_a_dead_application_had_asked_is_done(void **unused) {
    (void)unused;
    rig_join(RIG_APP);
    rig_join(RIG_OTHER);
    rig_open(RIG_APP, 0, 0);
    rig_open(RIG_OTHER, 0, 0);
    uint64_t call = rig_offer(0, 1);
    rig_turns(4);
    const struct cf_message *m = rig_find(RIG_APP, LINE_APPNEWCALL);
    assert_non_null(m);
    while (rig_next(RIG_PROVIDER) != NULL) {
    }
    rig_send(RIG_APP, CF_REQ_ANSWER, m->param2, 1, 0, 0);
    gone(RIG_APP, 1);
    rig_turns(20);
    m = rig_find(RIG_PROVIDER, CF_CMD_ANSWER);
    assert_non_null(m);
    assert_int_equal(m->device, call);
}

/* The same of a provider: the last state that it had posted is told before its calls end. */
static void what_a_dead_provider_had_posted_is_told(void **unused) {
    (void)unused;
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    uint64_t call = rig_offer(0, 1);
    rig_turns(4);
    assert_non_null(rig_find(RIG_APP, LINE_CALLSTATE));
    rig_state(call, LINECALLSTATE_CONNECTED, 0);
    gone(RIG_PROVIDER, 1);
    rig_turns(20);
    static const uint32_t states[] = {LINECALLSTATE_CONNECTED, LINECALLSTATE_DISCONNECTED, LINECALLSTATE_IDLE};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        const struct cf_message *m = rig_find(RIG_APP, LINE_CALLSTATE);
        assert_non_null(m);
        assert_int_equal(m->param1, states[i]);
    }
    assert_null(rig_find(RIG_APP, LINE_CALLSTATE));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_death_of_a_former_user_is_not_the_next_one_s, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_dead_application_had_asked_is_done, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_dead_provider_had_posted_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
