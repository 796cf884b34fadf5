/* What an application says that it has read: believed only as far as it can be true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "tests/model/rig.h"

enum { SLOTS = 256 };

static int setup(void **unused) {
    (void)unused;
    rig_begin(SLOTS, NULL);
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    return 0;
}

static int teardown(void **unused) {
    (void)unused;
    rig_end();
    return 0;
}

/* Nothing was read, and the word says more than was ever written: no slot becomes free by that. */
static void an_acknowledgement_of_what_was_not_written_gives_no_room(void **unused) {
    (void)unused;
    uint64_t call = rig_offer(0, 1);
    rig_turns(4);
    core_up(&rig.core, RIG_APP)->down_ack = UINT64_C(1) << 40;
    for (uint32_t i = 0; i < 4 * SLOTS; i++) {
        rig_state(call, i % 2 == 0 ? LINECALLSTATE_CONNECTED : LINECALLSTATE_ONHOLD, 0);
        rig_turns(1);
    }
    assert_int_not_equal(rig_status(RIG_APP).behind, 0);
    const struct cf_port_core_down *d = &core_down(&rig.core, RIG_APP)->down;
    assert_true(d->tail <= SLOTS);
    assert_true(d->missed > 3 * SLOTS);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_acknowledgement_of_what_was_not_written_gives_no_room, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
