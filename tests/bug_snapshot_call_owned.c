/*
 * A call that its provider announces at its attach waits for applications that come later. One that somebody owned was kept as well, so
 * that it went on in the network when its owner had left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "core/state.h"
#include "tests/model/rig.h"

static uint32_t told(uint16_t id) {
    uint32_t n = 0;
    for (const struct cf_message *m; (m = rig_next(RIG_PROVIDER)) != NULL;)
        n += m->id == id;
    return n;
}

static void a_call_of_the_snapshot_ends_with_its_only_owner(void **state) {
    (void)state;
    rig_begin(1024, NULL);
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    rig_send(RIG_PROVIDER, CF_EV_SNAPSHOT_BEGIN, 0, 0, 0, 0);
    rig_offer(0, 0);
    rig_send(RIG_PROVIDER, CF_EV_SNAPSHOT_END, 0, 0, 0, 0);
    rig_turns(2);
    assert_int_equal(rig_totals().calls_live, 1);
    told(0);
    rig_send(RIG_APP, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
    rig_turns(20);
    assert_int_equal(told(CF_CMD_CLOSE_CALL), 1);
    assert_int_equal(rig_totals().calls_live, 0);
    rig_end();
}

static void one_that_nobody_owned_waits(void **state) {
    (void)state;
    rig_begin(1024, NULL);
    rig_send(RIG_PROVIDER, CF_EV_SNAPSHOT_BEGIN, 0, 0, 0, 0);
    rig_offer(0, 0);
    rig_send(RIG_PROVIDER, CF_EV_SNAPSHOT_END, 0, 0, 0, 0);
    rig_turns(20);
    assert_int_equal(rig_totals().calls_live, 1);
    rig_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_of_the_snapshot_ends_with_its_only_owner),
        cmocka_unit_test(one_that_nobody_owned_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
