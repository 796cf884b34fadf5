/* The model of the simulation is tested itself: it must notice one falsified output, of whatever kind, and none means no complaint. */
/*
 * ctest-args-sanitized: 1
 * ctest-timeout: 300
 * ctest-labels: one-thread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/model/sim.h"

static struct sim sim;
static uint32_t wanted = 3; /* outputs of each kind */

/* Runs seeds until enough had an output to falsify in them; those must fail. */
static void notices(enum sim_sabotage sabotage) {
    uint32_t done = 0;
    for (uint64_t seed = 1; seed < 200 && done < wanted; seed++) {
        struct sim_options o = {.seed = seed, .steps = 250, .sabotage = sabotage};
        bool fine = sim_run(&sim, &o);
        if (sim.model.small) /* its limits leave the model room to doubt */
            continue;
        if (sim.sabotaged && fine)
            print_error("seed %lu: a falsified output (%d) was not noticed\n", seed, (int)sabotage);
        assert_false(sim.sabotaged && fine);
        assert_true(sim.sabotaged || fine);
        done += sim.sabotaged;
    }
    assert_int_equal(done, wanted);
}

static void an_honest_engine_passes(void **unused) {
    (void)unused;
    for (uint64_t seed = 1; seed <= 3 * wanted; seed++) {
        struct sim_options o = {.seed = seed, .steps = 250};
        if (!sim_run(&sim, &o))
            fail_msg("seed %lu: %s", seed, sim.why);
    }
}

#define NOTICED(name, sabotage)           \
    static void name(void **unused) {     \
        (void)unused;                     \
        notices(sabotage);                \
    }

NOTICED(a_lost_state_is_noticed, SIM_LOSE_STATE)
NOTICED(a_state_told_as_the_one_before_is_noticed, SIM_LOSE_STATE_QUIETLY)
NOTICED(a_message_told_twice_is_noticed, SIM_TWICE)
NOTICED(a_wrong_parent_is_noticed, SIM_WRONG_PARENT)
NOTICED(a_lost_second_handle_is_noticed, SIM_LOST_SECOND)
NOTICED(a_second_handle_that_is_the_first_is_noticed, SIM_SECOND_IS_FIRST)
NOTICED(a_wrong_state_is_noticed, SIM_WRONG_STATE)
NOTICED(a_wrong_mode_is_noticed, SIM_WRONG_MODE)
NOTICED(a_wrong_privilege_is_noticed, SIM_WRONG_PRIVILEGE)
NOTICED(a_privilege_after_the_first_state_is_noticed, SIM_LATE_PRIVILEGE)
NOTICED(a_message_for_a_handle_never_given_is_noticed, SIM_WRONG_HANDLE)
NOTICED(a_wrong_time_is_noticed, SIM_WRONG_TIME)
NOTICED(a_wrong_open_line_is_noticed, SIM_WRONG_LINE)
NOTICED(a_wrong_result_is_noticed, SIM_WRONG_RESULT)
NOTICED(a_reply_to_another_request_is_noticed, SIM_WRONG_REQUEST)
NOTICED(digits_that_ended_otherwise_are_noticed, SIM_WRONG_END)
NOTICED(digits_of_another_handle_are_noticed, SIM_END_OF_ANOTHER)
NOTICED(a_wrong_digit_is_noticed, SIM_WRONG_DIGIT)
NOTICED(a_lost_digit_is_noticed, SIM_DIGIT_LOST)
NOTICED(gathering_that_ended_otherwise_is_noticed, SIM_WRONG_TERM)
NOTICED(gathering_of_another_number_is_noticed, SIM_WRONG_GATHERING)
NOTICED(a_wrong_tone_is_noticed, SIM_WRONG_TONE)
NOTICED(a_tone_of_another_handle_is_noticed, SIM_TONE_OF_ANOTHER)
NOTICED(a_wrong_list_of_tones_is_noticed, SIM_WRONG_LIST)
NOTICED(a_wrong_park_address_is_noticed, SIM_WRONG_PLACE)
NOTICED(a_lost_park_address_is_noticed, SIM_LOST_PLACE)
NOTICED(a_wrong_answer_of_a_device_is_noticed, SIM_WRONG_ANSWER)
NOTICED(a_wrong_devspecific_is_noticed, SIM_WRONG_SPECIFIC)
NOTICED(a_devspecific_of_another_line_is_noticed, SIM_SPECIFIC_LINE)
NOTICED(a_call_that_is_not_closed_is_noticed, SIM_NO_CLOSE_CALL)
NOTICED(a_drop_of_another_call_is_noticed, SIM_WRONG_DROP)
NOTICED(a_gap_that_miscounts_is_noticed, SIM_WRONG_GAP)

int main(int argc, char **argv) {
    if (argc > 1)
        wanted = (uint32_t)strtoul(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_engine_passes),
        cmocka_unit_test(a_lost_state_is_noticed),
        cmocka_unit_test(a_state_told_as_the_one_before_is_noticed),
        cmocka_unit_test(a_message_told_twice_is_noticed),
        cmocka_unit_test(a_wrong_parent_is_noticed),
        cmocka_unit_test(a_lost_second_handle_is_noticed),
        cmocka_unit_test(a_second_handle_that_is_the_first_is_noticed),
        cmocka_unit_test(a_wrong_state_is_noticed),
        cmocka_unit_test(a_wrong_mode_is_noticed),
        cmocka_unit_test(a_wrong_privilege_is_noticed),
        cmocka_unit_test(a_privilege_after_the_first_state_is_noticed),
        cmocka_unit_test(a_message_for_a_handle_never_given_is_noticed),
        cmocka_unit_test(a_wrong_time_is_noticed),
        cmocka_unit_test(a_wrong_open_line_is_noticed),
        cmocka_unit_test(a_wrong_result_is_noticed),
        cmocka_unit_test(a_reply_to_another_request_is_noticed),
        cmocka_unit_test(digits_that_ended_otherwise_are_noticed),
        cmocka_unit_test(digits_of_another_handle_are_noticed),
        cmocka_unit_test(a_wrong_digit_is_noticed),
        cmocka_unit_test(a_lost_digit_is_noticed),
        cmocka_unit_test(gathering_that_ended_otherwise_is_noticed),
        cmocka_unit_test(gathering_of_another_number_is_noticed),
        cmocka_unit_test(a_wrong_tone_is_noticed),
        cmocka_unit_test(a_tone_of_another_handle_is_noticed),
        cmocka_unit_test(a_wrong_list_of_tones_is_noticed),
        cmocka_unit_test(a_wrong_park_address_is_noticed),
        cmocka_unit_test(a_lost_park_address_is_noticed),
        cmocka_unit_test(a_wrong_answer_of_a_device_is_noticed),
        cmocka_unit_test(a_wrong_devspecific_is_noticed),
        cmocka_unit_test(a_devspecific_of_another_line_is_noticed),
        cmocka_unit_test(a_call_that_is_not_closed_is_noticed),
        cmocka_unit_test(a_drop_of_another_call_is_noticed),
        cmocka_unit_test(a_gap_that_miscounts_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
