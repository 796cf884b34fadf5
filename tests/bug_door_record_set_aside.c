/*
 * A record of the door that was in hand when three cores died was stepped over: the death of a peer was forgotten with it, its port never
 * came free and its calls never ended; who had arrived was never told anything. Found by fuzz_provider_records.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/fuzz_rig.h"

static struct fuzz_rig rig;

/* Four cores die with the door's record in hand; the fifth has set it aside. */
static void crash_with_the_door_record_in_hand(void)
{
    struct cf_engine_totals t;
    for (int i = 0; i < 4; i++)
        fuzz_crash(&rig, 0, false);
    cf_engine_totals(rig.engine, &t);
    assert_int_equal(t.set_aside, 1);
}

static void a_death_is_not_forgotten(void **state)
{
    (void)state;
    const struct fuzz_step plain = {0};
    fuzz_rig_begin(&rig, &plain, 0);
    fuzz_arrive(&rig, 3, 0, 0);
    fuzz_settle(&rig);
    assert_true(rig.ports[3].attached);
    fuzz_die(&rig, 3);
    crash_with_the_door_record_in_hand();
    fuzz_settle(&rig);
    assert_false(rig.ports[3].attached);
}

static void who_arrives_is_told_to_go(void **state)
{
    (void)state;
    const struct fuzz_step plain = {0};
    fuzz_rig_begin(&rig, &plain, 0);
    fuzz_arrive(&rig, 3, 0, 0);
    crash_with_the_door_record_in_hand();
    fuzz_settle(&rig);
    assert_false(rig.ports[3].attached);
    fuzz_arrive(&rig, 3, 0, 0); /* and may come again */
    fuzz_settle(&rig);
    assert_true(rig.ports[3].attached);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_death_is_not_forgotten),
                                       cmocka_unit_test(who_arrives_is_told_to_go)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
