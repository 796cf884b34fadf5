/*
 * When an application with replies that waited for room had died, its replies were freed and stayed on their list for as long as its end took
 * turns. A core that was killed meanwhile left a state that fails its check, and the next one started cold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "core/state.h"
#include "tests/model/rig.h"

enum { SLICE = 16, UNTOLD = 3 * SLICE };

static void small_slices(struct cf_limits *l) { l->sweep_slice = SLICE; }

static void replies_leave_their_list_when_they_are_freed(void **state) {
    (void)state;
    uint32_t turns = 0;
    rig_begin(256, small_slices);
    rig_join(RIG_APP);
    rig_join(RIG_OTHER);
    rig_open(RIG_APP, 0, 0);
    rig_open(RIG_OTHER, 0, 0);
    uint64_t call = rig_offer(0, 0);
    rig_fall_behind(RIG_APP, call);
    rig_read(RIG_OTHER);
    for (uint32_t i = 0; i < 3; i++)
        rig_send(RIG_APP, CF_REQ_HOLD, 0, 7 + i, 0, 0); /* of no call: the replies wait */
    for (uint32_t i = 1; i <= UNTOLD; i++)
        rig_offer(0, i); /* the other one has them, so that they stay to be told */
    const struct cf_port *p = &rig.core.engine->ports[RIG_APP];
    assert_int_not_equal(p->replied_first, CF_INDEX_NONE);
    assert_int_equal(p->untold, UNTOLD);
    rig_send(0, CF_DOOR_GONE, 0, RIG_APP, 0, 1);
    while (p->state != CF_PORT_NONE && turns < 200) {
        rig_turns(1); /* cf_engine_check() */
        turns++;
    }
    assert_int_equal(p->state, CF_PORT_NONE);
    assert_true(turns > UNTOLD / SLICE);
    rig_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(replies_leave_their_list_when_they_are_freed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
