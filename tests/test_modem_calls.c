/*
 * The state machine of a modem's calls: what each thing that a modem, or the core, can say makes of a call.
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

/* ---- incoming */

static void ring_offers_each_ring_is_told_ata_connects(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< +CRING: VOICE", "= 0 O", "rings 1", LIST("< +CLCC: 1,1,4,0,0,\"5550\",129"), "caller 0 5550");
    PLAY("+ 400", "< +CRING: VOICE", "rings 2", "calls 1", "= 0 O");
    PLAY("! answer 0", "> ATA", "~", "replies 0", "< OK", "reply 0", "= 0 OC");
    PLAY(LIST("< +CLCC: 1,1,0,0,0,\"5550\",129"), "= 0 OC", "< NO CARRIER", "= 0 OC", "> AT+CEER", "< +CEER: 16",
         "< OK");
    PLAY("= 0 OCDI", "mode 0 NORMAL", "cause 0 Q.850 16", "~");
    assert_true(modem_rig_settled(&rig));
}

static void an_accepted_call_rings_on(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("< RING", "= 0 O", "! accept 0", "reply 0", "= 0 OA", "! accept 0", "reply INVALCALLSTATE", "< RING",
         "= 0 OA");
    PLAY("! answer 0", "> ATA", "< CONNECT 9600", "= 0 OAC", "reply 0", "< NO CARRIER", "= 0 OACDI", "mode 0 NORMAL");
    assert_true(modem_rig_settled(&rig));
}

static void a_lost_train_of_rings_is_cancelled(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("< RING", "+ 5000", "< RING", "+ 6900", "= 0 O", "+ 200", "= 0 ODI", "mode 0 CANCELLED", "calls 1");
    assert_true(modem_rig_settled(&rig));
}

static void a_call_gone_from_the_list_is_cancelled_at_once(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 2,1,4,0,0"), "= 0 O", "+ 500", LIST(), "= 0 ODI", "mode 0 CANCELLED", "~");
    assert_true(modem_rig_settled(&rig));
}

static void a_ring_that_the_list_confirms_does_not_run_out(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING");
    for (int i = 0; i < 30; i++)
        PLAY(LIST("< +CLCC: 1,1,4,0,0"), "= 0 O", "+ 500");
    PLAY(LIST(), "= 0 ODI");
    assert_true(modem_rig_settled(&rig));
}

static void dropping_a_ringing_call_rejects_it(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! drop 0", "> AT+CHUP", "= 0 O", "< OK", "reply 0", "= 0 ODI");
    PLAY("mode 0 REJECT");
    assert_true(modem_rig_settled(&rig));
}

static void the_caller_of_an_analogue_line_is_merged(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("< RING", "caller 0 ", "< DATE = 1129", "< TIME = 1512", "< NMBR = 5551234", "< NAME = ADA",
         "caller 0 5551234");
    PLAY("calls 1", "< RING", "rings 2", "+ 8000", "= 0 ODI");
    assert_true(modem_rig_settled(&rig));
}

/* ---- outgoing */

static void a_dialled_voice_call_goes_through_all_states(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("! dial 0 +49(30)12-34", "> ATD+49301234;", "replies 0", "< OK", "reply 0", "= 0 GP");
    PLAY(LIST("< +CLCC: 1,0,2,0,0,\"+49301234\",145"), "= 0 GP", "+ 500", LIST("< +CLCC: 1,0,3,0,0"), "= 0 GPR");
    PLAY("+ 500", LIST("< +CLCC: 1,0,0,0,0"), "= 0 GPRC", "+ 500", LIST("< +CLCC: 1,0,0,0,0"), "= 0 GPRC");
    PLAY("! drop 0", "> AT+CHUP", "< OK", "reply 0", "= 0 GPRCI");
    assert_true(modem_rig_settled(&rig));
}

static void results_of_dialling_map_to_modes(void **state)
{
    (void)state;
    static const struct {
        const char *said, *states, *mode;
    } table[] = {
        {"< NO DIALTONE", "= 0 GDI", "mode 0 NODIALTONE"}, {"< BUSY", "= 0 GBDI", "mode 0 BUSY"},
        {"< NO ANSWER", "= 0 GDI", "mode 0 NOANSWER"},     {"< NO CARRIER", "= 0 GDI", "mode 0 UNKNOWN"},
        {"< BLACKLISTED", "= 0 GDI", "mode 0 BLOCKED"},    {"< DELAYED", "= 0 GDI", "mode 0 BLOCKED"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        modem_rig_open(&rig, CF_MODEM_V250);
        PLAY("! dial 0 123", "> ATD123", table[i].said, "reply 0", table[i].states, table[i].mode);
        assert_true(modem_rig_settled(&rig));
    }
}

static void results_that_come_later_do_so_too(void **state)
{
    (void)state;
    static const struct {
        const char *said, *states, *mode;
    } table[] = {
        {"< BUSY", "= 0 GPBDI", "mode 0 BUSY"},
        {"< NO ANSWER", "= 0 GPDI", "mode 0 NOANSWER"},
        {"< NO DIALTONE", "= 0 GPDI", "mode 0 NODIALTONE"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        modem_rig_open(&rig, CF_MODEM_GSM);
        PLAY("! dial 0 123", "> ATD123;", "< OK", "= 0 GP", LIST("< +CLCC: 1,0,2,0,0"), table[i].said, table[i].states,
             table[i].mode);
        assert_true(modem_rig_settled(&rig));
    }
}

static void no_carrier_before_the_answer_is_explained_by_ceer(void **state)
{
    (void)state;
    static const struct {
        const char *report, *mode, *cause;
    } table[] = {
        {"< +CEER: 1", "mode 0 BADADDRESS", "cause 0 Q.850 1"},
        {"< +CEER: \"CC setup error\",17,\"User busy\"", "mode 0 BUSY", "cause 0 Q.850 17"},
        {"< +CEER: Cause Select:68 Cause:19", "mode 0 NOANSWER", "cause 0 Q.850 19"},
        {"< +CEER: Call rejected", "mode 0 REJECT", "cause 0 Q.850 21"},
        {"< No answer", "mode 0 NOANSWER", "cause 0 Q.850 19"},
        {"< +CEER: no cause information available", "mode 0 UNKNOWN", "cause 0 AT NO CARRIER"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        modem_rig_open(&rig, CF_MODEM_GSM);
        PLAY("! dial 0 123", "> ATD123;", "< OK", LIST("< +CLCC: 1,0,2,0,0"), "< NO CARRIER", "= 0 GP", "> AT+CEER");
        PLAY(table[i].report, "< OK", table[i].mode, table[i].cause);
        assert_true(modem_rig_settled(&rig));
    }
}

static void an_error_of_atd_fails_the_request(void **state)
{
    (void)state;
    static const struct {
        const char *said, *reply;
    } table[] = {{"< ERROR", "reply OPERATIONFAILED"},
                 {"< +CME ERROR: 30", "reply RESOURCEUNAVAIL"},
                 {"< +CME ERROR: 3", "reply OPERATIONUNAVAIL"},
                 {"< +CME ERROR: 27", "reply INVALADDRESS"},
                 {"< +CME ERROR: SIM failure", "reply OPERATIONFAILED"}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        modem_rig_open(&rig, CF_MODEM_GSM);
        PLAY("! dial 0 123", "> ATD123;", table[i].said, table[i].reply, "calls 0", "live 0", "~");
    }
}

static void a_late_error_of_atd_ends_the_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("! dial 0 123", "> ATD123", "replies 0", "+ 500", "reply 0", "= 0 G", "< ERROR", "= 0 GDI",
         "mode 0 TEMPFAILURE");
    assert_true(modem_rig_settled(&rig));
}

static void what_cannot_be_dialled_is_refused(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    modem_rig_dial(&rig, "", 0, false);
    PLAY("reply INVALADDRESS");
    modem_rig_dial(&rig, "123\r", 4, false);
    PLAY("reply INVALADDRESS");
    modem_rig_dial(&rig, "123;+CLCC", 9, false);
    PLAY("reply INVALADDRESS");
    modem_rig_dial(&rig, "1234567890123456789012345678901234567890123456789012345678901234", 64, false);
    PLAY("reply INVALADDRESS", "~", "! dial 0 1", "> ATD1;", "! dial 0 2", "replies 5", "~", "< OK", "replies 6");
    PLAY("! dial 0 3", "reply CALLUNAVAIL");
}

static void a_data_call_connects_with_a_rate_and_ends(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("! dial 0 123", "> ATD123", "+ 600", "reply 0", "= 0 G", "< CONNECT 9600/V32", "= 0 GC");
    assert_int_equal(rig.call[0].infos, 1);
    PLAY("<< OK\r\nRING\r\nERROR\r\n~~~", "= 0 GC", "calls 1", "< NO CARRIER", "= 0 GCDI", "mode 0 NORMAL");
    assert_true(modem_rig_settled(&rig));
}

static void dropping_a_data_call_escapes_first(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("! dial 0 123", "> ATD123", "< CONNECT", "= 0 GC", "! drop 0", "~", "+ 1000", "~", "+ 200", "> +++", "~");
    PLAY("< OK", "+ 200", "> ATH", "< OK", "reply 0", "= 0 GCI");
    assert_true(modem_rig_settled(&rig));
}

/* ---- two calls */

static void a_waiting_call_is_taken_swapped_and_dropped(void **state)
{
    (void)state;
    modem_rig_waiting_call(&rig);
    PLAY("! answer 1", "> AT+CHLD=2", "< OK", "reply 0", "= 0 OCL", "= 1 OC");
    PLAY(LIST("< +CLCC: 1,1,1,0,0", "< +CLCC: 2,1,0,0,0"), "= 0 OCL", "= 1 OC");
    PLAY("! unhold 0", "> AT+CHLD=2", "< OK", "reply 0", "= 0 OCLC", "= 1 OCL");
    PLAY(LIST("< +CLCC: 1,1,0,0,0", "< +CLCC: 2,1,1,0,0"));
    PLAY("! hold 0", "> AT+CHLD=2", "< OK", "= 0 OCLCL", "= 1 OCLC", LIST("< +CLCC: 1,1,1,0,0", "< +CLCC: 2,1,0,0,0"));
    PLAY("! drop 1", "> AT+CHLD=12", "< OK", "= 1 OCLCI", "! unhold 0", "> AT+CHLD=2", "< OK", "= 0 OCLCLC");
    PLAY(LIST("< +CLCC: 1,1,0,0,0"), "! drop 0", "> AT+CHUP", "< OK", "= 0 OCLCLCI");
    assert_true(modem_rig_settled(&rig));
}

static void taking_a_waiting_call_may_release_the_active_one(void **state)
{
    (void)state;
    modem_rig_init(&rig, CF_MODEM_GSM);
    rig.config.waiting_releases = true;
    modem_rig_begin(&rig, true);
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! answer 0", "> ATA", "< OK", LIST("< +CLCC: 1,1,0,0,0"), "= 0 OC");
    PLAY("< +CCWA: \"777\",129,1", LIST("< +CLCC: 1,1,0,0,0", "< +CLCC: 2,1,5,0,0"));
    PLAY("! answer 1", "> AT+CHLD=1", "< OK", "reply 0", "= 0 OCDI", "mode 0 NORMAL", "= 1 OC");
    PLAY(LIST("< +CLCC: 2,1,0,0,0"), "= 1 OC", "calls 2");
}

static void a_waiting_call_is_rejected_without_the_other(void **state)
{
    (void)state;
    modem_rig_waiting_call(&rig);
    PLAY("! drop 1", "> AT+CHLD=0", "< OK", "= 1 ODI", "mode 1 REJECT", "= 0 OC", "live 1");
}

static void a_waiting_call_rings_when_the_other_has_ended(void **state)
{
    (void)state;
    modem_rig_waiting_call(&rig);
    PLAY("< ^CEND:1,9,0,16", "= 0 OCDI", "< RING", "calls 2", "rings 2");
    assert_false(modem_rig_find(&rig, 1)->waiting);
    PLAY(LIST("< +CLCC: 2,1,4,0,0"), "calls 2");
    assert_false(modem_rig_find(&rig, 1)->waiting);
    PLAY("! answer 1", "> ATA", "< OK", "= 1 OC");
}

static void a_second_call_is_dialled_beside_a_held_one(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("! dial 0 9", "reply CALLUNAVAIL", "! hold 0", "> AT+CHLD=2", "< OK", "= 0 OCL", LIST("< +CLCC: 1,1,1,0,0"));
    PLAY("! dial 0 9", "> ATD9;", "< OK", "= 1 GP", LIST("< +CLCC: 1,1,1,0,0", "< +CLCC: 2,0,0,0,0"), "= 1 GPC");
    PLAY("! drop 0", "> AT+CHLD=0", "< OK", "= 0 OCLI", "live 1");
}

static void hold_is_refused_while_a_call_waits_and_where_there_is_none(void **state)
{
    (void)state;
    modem_rig_waiting_call(&rig);
    PLAY("! hold 0", "reply RESOURCEUNAVAIL", "! unhold 0", "reply INVALCALLSTATE");
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("! dial 0 1", "> ATD1", "< CONNECT", "! hold 0", "reply OPERATIONUNAVAIL", "! digits 0 1",
         "reply OPERATIONUNAVAIL");
}

static void a_failed_hold_changes_nothing(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("! hold 0", "> AT+CHLD=2", "< +CME ERROR: 3", "reply OPERATIONFAILED", "= 0 OC", LIST("< +CLCC: 1,1,0,0,0"));
    PLAY("! hold 0", "> AT+CHLD=2", "< OK", "reply 0", "= 0 OCL");
}

static void the_other_side_holds_and_retrieves(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("< +CSSU: 2", "= 0 OCH", "+ 500", LIST("< +CLCC: 1,1,0,0,0"), "= 0 OCH", "< +CSSU: 3", "= 0 OCHC");
}

static void a_conference_is_told_by_the_list(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("< +CSSU: 4", LIST("< +CLCC: 1,1,0,0,1"), "= 0 OCF");
}

static void digits_go_one_by_one(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("! digits 0 1#A", "> AT+VTS=1", "~", "replies 1", "< OK", "> AT+VTS=#", "< OK", "> AT+VTS=A", "< OK",
         "reply 0");
    PLAY("! digits 0 12", "> AT+VTS=1", "! digits 0 9", "replies 3", "< OK", "> AT+VTS=9", "< OK", "reply 0", "~");
    PLAY("! digits 0 55", "> AT+VTS=5", "< ERROR", "reply OPERATIONFAILED", "! digits 0 1x", "reply INVALDIGITS");
    PLAY("! digits 0 55", "> AT+VTS=5", "! digits 0", "replies 8", "reply 0", "< OK", "~");
}

static void barring_is_blocked(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("! dial 0 1", "> ATD1;", "< +CSSI: 5", "< NO CARRIER", "= 0 GDI", "mode 0 BLOCKED", "reply 0");
    assert_true(modem_rig_settled(&rig));
}

static void vendor_notices_drive_a_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("! dial 0 1", "> ATD1;", "< OK", "< ^ORIG:1,0", "< ^CONF:1", "= 0 GPR", "< ^CONN:1,0", "= 0 GPRC");
    PLAY("< ^CEND:1,12,67,16", "= 0 GPRCDI", "mode 0 NORMAL", "cause 0 Q.850 16", "< NO CARRIER", "calls 1");
}

/* ---- the core */

static void a_refused_call_is_offered_to_whoever_listens_later(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("< RING", "! refuse 0", "< RING", "calls 1", "listen", "calls 2", "= 1 O", "! answer 1", "> ATA", "< CONNECT",
         "= 1 OC");
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("< RING", "! retry 0", "< RING", "calls 2", "= 1 O", "+ 8000", "= 1 ODI");
}

static void a_closed_call_is_hung_up_and_not_spoken_of(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("! forget 0", "> AT+CHUP", "< OK", "live 0", "= 0 OC");
    assert_true(modem_rig_settled(&rig));
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("< RING", "! answer 0", "> ATA", "! forget 0", "> \r", "replies 1", "< OK", "> ATH", "< OK", "live 0",
         "= 0 O");
    assert_true(modem_rig_settled(&rig));
}

static void a_second_drop_is_no_error(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("! drop 0", "> AT+CHUP", "! drop 0", "replies 2", "< OK", "replies 3", "= 0 OCI");
    assert_true(modem_rig_settled(&rig));
}

static void a_lingering_call_can_be_dropped(void **state)
{
    (void)state;
    modem_rig_init(&rig, CF_MODEM_V250);
    rig.config.linger_ns = INT64_C(2000000000);
    modem_rig_begin(&rig, true);
    PLAY("! dial 0 1", "> ATD1", "< BUSY", "= 0 GBD", "+ 1000", "= 0 GBD", "+ 1100", "= 0 GBDI");
    PLAY("! dial 0 1", "> ATD1", "< BUSY", "= 1 GBD", "! drop 1", "reply 0", "= 1 GBDI");
    assert_true(modem_rig_settled(&rig));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_offers_each_ring_is_told_ata_connects),
        cmocka_unit_test(an_accepted_call_rings_on),
        cmocka_unit_test(a_lost_train_of_rings_is_cancelled),
        cmocka_unit_test(a_call_gone_from_the_list_is_cancelled_at_once),
        cmocka_unit_test(a_ring_that_the_list_confirms_does_not_run_out),
        cmocka_unit_test(dropping_a_ringing_call_rejects_it),
        cmocka_unit_test(the_caller_of_an_analogue_line_is_merged),
        cmocka_unit_test(a_dialled_voice_call_goes_through_all_states),
        cmocka_unit_test(results_of_dialling_map_to_modes),
        cmocka_unit_test(results_that_come_later_do_so_too),
        cmocka_unit_test(no_carrier_before_the_answer_is_explained_by_ceer),
        cmocka_unit_test(an_error_of_atd_fails_the_request),
        cmocka_unit_test(a_late_error_of_atd_ends_the_call),
        cmocka_unit_test(what_cannot_be_dialled_is_refused),
        cmocka_unit_test(a_data_call_connects_with_a_rate_and_ends),
        cmocka_unit_test(dropping_a_data_call_escapes_first),
        cmocka_unit_test(a_waiting_call_is_taken_swapped_and_dropped),
        cmocka_unit_test(taking_a_waiting_call_may_release_the_active_one),
        cmocka_unit_test(a_waiting_call_is_rejected_without_the_other),
        cmocka_unit_test(a_waiting_call_rings_when_the_other_has_ended),
        cmocka_unit_test(a_second_call_is_dialled_beside_a_held_one),
        cmocka_unit_test(hold_is_refused_while_a_call_waits_and_where_there_is_none),
        cmocka_unit_test(a_failed_hold_changes_nothing),
        cmocka_unit_test(the_other_side_holds_and_retrieves),
        cmocka_unit_test(a_conference_is_told_by_the_list),
        cmocka_unit_test(digits_go_one_by_one),
        cmocka_unit_test(barring_is_blocked),
        cmocka_unit_test(vendor_notices_drive_a_call),
        cmocka_unit_test(a_refused_call_is_offered_to_whoever_listens_later),
        cmocka_unit_test(a_closed_call_is_hung_up_and_not_spoken_of),
        cmocka_unit_test(a_second_drop_is_no_error),
        cmocka_unit_test(a_lingering_call_can_be_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
