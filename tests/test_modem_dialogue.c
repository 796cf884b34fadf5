/*
 * The dialogue with a modem when it goes wrong: time-outs, noise, a device that goes, a modem that is not ready.
 * The language of the scripts stands in tests/support/modem_rig.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/modem_rig.h"

static struct modem_rig rig;

#define PLAY(...) modem_rig_play(&rig, (const char *const[]){__VA_ARGS__, NULL})

static void a_time_out_leads_to_probes_and_a_new_beginning(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("! dial 0 1", "> ATD1;", "< OK", "> AT+CLCC", "+ 5000", "> AT", "= 0 GP", "+ 5000", "> AT", "< OK", "> ATE0V1",
         "< OK");
    PLAY("> AT+CMEE=1", "< OK", "> AT+CPIN?", "< OK", "> AT+CRC=1", "< OK", "> AT+CLIP=1", "< ERROR", "> AT+CCWA=1,1");
    PLAY("< OK", "> AT+CSSN=1,1", "< OK", "> AT+CREG=1", "< OK", "> AT+CREG?", "< +CREG: 1,1", "< OK");
    PLAY(LIST("< +CLCC: 1,0,0,0,0"), "= 0 GPC");
    assert_int_equal(rig.modem.counters.resyncs, 1);
}

static void a_modem_that_stays_silent_is_dead(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("! hold 0", "> AT+CHLD=2", "+ 5000", "reply OPERATIONFAILED", "> AT", "+ 5000", "> AT", "+ 5000", "> AT",
         "= 0 OC");
    PLAY("+ 5000", "~", "= 0 OCDI", "mode 0 UNKNOWN", "service 0");
    assert_true(modem_rig_settled(&rig));
}

static void a_late_answer_is_not_that_of_the_next_command(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< +CLCC: 1", "> AT+CLCC", "+ 5000", "> AT", "< +CLCC: 3,1,0,0,0", "< OK", "< OK", "calls 0", "> ATE0V1", "~");
}

static void echo_and_noise_change_nothing(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", "> AT+CLCC", "<< AT+CLCC\r\r\n+CLCC: 1,1,4,0,0\r\n\r\nOK\r\n", "! answer 0", "> ATA");
    PLAY("<< ATA\r\r\n\x01\x02\r\nOK\r\n", "= 0 OC", "reply 0");
    assert_int_equal(rig.modem.counters.echoes, 2);
    assert_int_equal(rig.modem.counters.garbage, 1);
}

static void garbage_between_commands_leads_to_probes(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("+ 6000", "<< \x01\x02\x03\r\n", "> AT", "< OK", "> ATE0V1", "< OK", "> ATX4", "< OK", "> AT+VCID=1", "< OK",
         "~");
    PLAY("<< \x01\x02\x03\r\n", "~");
}

static void a_prompt_is_escaped_from(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("<< \r\n> ", "> \x1b", "~");
}

static void numeric_results_are_understood(void **state)
{
    (void)state;
    modem_rig_init(&rig, CF_MODEM_V250);
    rig.config.numeric = true;
    modem_rig_begin(&rig, false);
    PLAY("> AT", "<< 0\r", "> ATE0V0", "<< 0\r", "> ATX4", "<< 0\r", "> AT+VCID=1", "<< 4\r", "service 1", "<< 2\r",
         "= 0 O");
    PLAY("! answer 0", "> ATA", "<< 1\r", "= 0 OC", "<< 3\r", "= 0 OCDI", "! dial 0 5", "> ATD5", "<< 7\r", "= 1 GBDI");
    assert_true(modem_rig_settled(&rig));
}

static void the_device_goes_in_the_middle_of_everything(void **state)
{
    (void)state;
    modem_rig_waiting_call(&rig);
    PLAY("! answer 1", "> AT+CHLD=2", "! digits 0 123", "vanish", "= 0 OCDI", "= 1 ODI", "mode 0 UNKNOWN",
         "mode 1 UNKNOWN");
    PLAY("service 0", "replies 3");
    assert_true(modem_rig_settled(&rig));
    PLAY("! dial 0 1", "reply RESOURCEUNAVAIL", "open", "> AT", "! dial 0 1", "reply RESOURCEUNAVAIL");
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("! dial 0 1", "> ATD1", "vanish", "reply OPERATIONFAILED", "calls 0", "live 0");
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("! dial 0 1", "> ATD1", "+ 600", "! drop 0", "vanish", "reply 0", "= 0 GDI", "live 0");
}

static void registration_lost_and_found(void **state)
{
    (void)state;
    modem_rig_init(&rig, CF_MODEM_GSM);
    modem_rig_begin(&rig, true);
    static const char *const lost[] = {"< +CREG: 0", "< +CREG: 2", "< +CREG: 3,\"00A1\",\"1234\"", "< +CREG: 4"};
    for (size_t i = 0; i < 4; i++)
        PLAY(lost[i], "service 0", "! dial 0 1", "reply RESOURCEUNAVAIL", "< +CREG: 5,\"00A1\",\"1234\"", "service 1");
}

static void the_pin_is_given_once(void **state)
{
    (void)state;
    modem_rig_init(&rig, CF_MODEM_GSM);
    rig.config.pin = "1234";
    modem_rig_begin(&rig, false);
    PLAY("> AT", "< OK", "> ATE0V1", "< OK", "> AT+CMEE=1", "< OK", "> AT+CPIN?", "< +CPIN: SIM PIN", "< OK");
    PLAY("> AT+CPIN=\"1234\"", "< +CME ERROR: 16", "> AT+CRC=1", "vanish", "open", "> AT", "< OK", "> ATE0V1", "< OK");
    PLAY("> AT+CMEE=1", "< OK", "> AT+CPIN?", "< +CPIN: SIM PIN", "< OK", "> AT+CRC=1", "~");
}

static void a_busy_sim_is_asked_again(void **state)
{
    (void)state;
    modem_rig_init(&rig, CF_MODEM_GSM);
    modem_rig_begin(&rig, false);
    PLAY("> AT", "< OK", "> ATE0V1", "< OK", "> AT+CMEE=1", "< OK", "> AT+CPIN?", "< +CME ERROR: 14", "~", "+ 900",
         "~");
    PLAY("+ 200", "> AT+CPIN?", "< +CPIN: READY", "< OK", "> AT+CRC=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_out_leads_to_probes_and_a_new_beginning),
        cmocka_unit_test(a_modem_that_stays_silent_is_dead),
        cmocka_unit_test(a_late_answer_is_not_that_of_the_next_command),
        cmocka_unit_test(echo_and_noise_change_nothing),
        cmocka_unit_test(garbage_between_commands_leads_to_probes),
        cmocka_unit_test(a_prompt_is_escaped_from),
        cmocka_unit_test(numeric_results_are_understood),
        cmocka_unit_test(the_device_goes_in_the_middle_of_everything),
        cmocka_unit_test(registration_lost_and_found),
        cmocka_unit_test(the_pin_is_given_once),
        cmocka_unit_test(a_busy_sim_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
