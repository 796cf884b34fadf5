/*
 * The state machine of a modem's calls: what each thing that a modem can say makes of a call, and every race that is known.
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

static void gsm(void)
{
    modem_rig_init(&rig, CF_MODEM_GSM);
    modem_rig_begin(&rig, true);
    PLAY("~", "service 1");
}

static void v250(void)
{
    modem_rig_init(&rig, CF_MODEM_V250);
    modem_rig_begin(&rig, true);
    PLAY("~", "service 1");
}

/* Lists without the call end it; what remains is nothing. */
static void over(void)
{
    assert_true(modem_rig_settled(&rig));
}

/* A list of calls with these rows; NULL: none. */
#define LIST(...) "> AT+CLCC", ##__VA_ARGS__, "< OK"

/* ---- incoming */

static void ring_offers_each_ring_is_told_ata_connects(void **state)
{
    (void)state;
    gsm();
    PLAY("< +CRING: VOICE", "= 0 O", "rings 1", LIST("< +CLCC: 1,1,4,0,0,\"5550\",129"), "caller 0 5550");
    PLAY("+ 400", "< +CRING: VOICE", "rings 2", "calls 1", "= 0 O");
    PLAY("! answer 0", "> ATA", "~", "replies 0", "< OK", "reply 0", "= 0 OC");
    PLAY(LIST("< +CLCC: 1,1,0,0,0,\"5550\",129"), "= 0 OC", "< NO CARRIER", "= 0 OC", "> AT+CEER", "< +CEER: 16",
         "< OK");
    PLAY("= 0 OCDI", "mode 0 NORMAL", "cause 0 Q.850 16", "~");
    over();
}

static void an_accepted_call_rings_on(void **state)
{
    (void)state;
    v250();
    PLAY("< RING", "= 0 O", "! accept 0", "reply 0", "= 0 OA", "! accept 0", "reply INVALCALLSTATE", "< RING",
         "= 0 OA");
    PLAY("! answer 0", "> ATA", "< CONNECT 9600", "= 0 OAC", "reply 0", "< NO CARRIER", "= 0 OACDI", "mode 0 NORMAL");
    over();
}

static void a_lost_train_of_rings_is_cancelled(void **state)
{
    (void)state;
    v250();
    PLAY("< RING", "+ 5000", "< RING", "+ 6900", "= 0 O", "+ 200", "= 0 ODI", "mode 0 CANCELLED", "calls 1");
    over();
}

static void a_call_gone_from_the_list_is_cancelled_at_once(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 2,1,4,0,0"), "= 0 O", "+ 500", LIST(), "= 0 ODI", "mode 0 CANCELLED", "~");
    over();
}

static void a_ring_that_the_list_confirms_does_not_run_out(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING");
    for (int i = 0; i < 30; i++)
        PLAY(LIST("< +CLCC: 1,1,4,0,0"), "= 0 O", "+ 500");
    PLAY(LIST(), "= 0 ODI");
    over();
}

static void dropping_a_ringing_call_rejects_it(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! drop 0", "> AT+CHUP", "= 0 O", "< OK", "reply 0", "= 0 ODI");
    PLAY("mode 0 REJECT");
    over();
}

static void the_caller_of_an_analogue_line_is_merged(void **state)
{
    (void)state;
    v250();
    PLAY("< RING", "caller 0 ", "< DATE = 1129", "< TIME = 1512", "< NMBR = 5551234", "< NAME = ADA",
         "caller 0 5551234");
    PLAY("calls 1", "< RING", "rings 2", "+ 8000", "= 0 ODI");
    over();
}

/* ---- outgoing */

static void a_dialled_voice_call_goes_through_all_states(void **state)
{
    (void)state;
    gsm();
    PLAY("! dial 0 +49(30)12-34", "> ATD+49301234;", "replies 0", "< OK", "reply 0", "= 0 GP");
    PLAY(LIST("< +CLCC: 1,0,2,0,0,\"+49301234\",145"), "= 0 GP", "+ 500", LIST("< +CLCC: 1,0,3,0,0"), "= 0 GPR");
    PLAY("+ 500", LIST("< +CLCC: 1,0,0,0,0"), "= 0 GPRC", "+ 500", LIST("< +CLCC: 1,0,0,0,0"), "= 0 GPRC");
    PLAY("! drop 0", "> AT+CHUP", "< OK", "reply 0", "= 0 GPRCI");
    over();
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
        v250();
        PLAY("! dial 0 123", "> ATD123", table[i].said, "reply 0", table[i].states, table[i].mode);
        over();
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
        gsm();
        PLAY("! dial 0 123", "> ATD123;", "< OK", "= 0 GP", LIST("< +CLCC: 1,0,2,0,0"), table[i].said, table[i].states,
             table[i].mode);
        over();
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
        gsm();
        PLAY("! dial 0 123", "> ATD123;", "< OK", LIST("< +CLCC: 1,0,2,0,0"), "< NO CARRIER", "= 0 GP", "> AT+CEER");
        PLAY(table[i].report, "< OK", table[i].mode, table[i].cause);
        over();
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
        gsm();
        PLAY("! dial 0 123", "> ATD123;", table[i].said, table[i].reply, "calls 0", "live 0", "~");
    }
}

static void a_late_error_of_atd_ends_the_call(void **state)
{
    (void)state;
    v250();
    PLAY("! dial 0 123", "> ATD123", "replies 0", "+ 500", "reply 0", "= 0 G", "< ERROR", "= 0 GDI",
         "mode 0 TEMPFAILURE");
    over();
}

static void what_cannot_be_dialled_is_refused(void **state)
{
    (void)state;
    gsm();
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
    v250();
    PLAY("! dial 0 123", "> ATD123", "+ 600", "reply 0", "= 0 G", "< CONNECT 9600/V32", "= 0 GC");
    assert_int_equal(rig.call[0].infos, 1);
    PLAY("<< OK\r\nRING\r\nERROR\r\n~~~", "= 0 GC", "calls 1", "< NO CARRIER", "= 0 GCDI", "mode 0 NORMAL");
    over();
}

static void dropping_a_data_call_escapes_first(void **state)
{
    (void)state;
    v250();
    PLAY("! dial 0 123", "> ATD123", "< CONNECT", "= 0 GC", "! drop 0", "~", "+ 1000", "~", "+ 200", "> +++", "~");
    PLAY("< OK", "+ 200", "> ATH", "< OK", "reply 0", "= 0 GCI");
    over();
}

/* ---- two calls */

static void active_call(void)
{
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! answer 0", "> ATA", "< OK", LIST("< +CLCC: 1,1,0,0,0"), "= 0 OC");
}

static void waiting_call(void)
{
    active_call();
    PLAY("< +CCWA: \"777\",129,1", "= 1 O", "caller 1 777", LIST("< +CLCC: 1,1,0,0,0", "< +CLCC: 2,1,5,0,0"), "= 1 O");
}

static void a_waiting_call_is_taken_swapped_and_dropped(void **state)
{
    (void)state;
    waiting_call();
    PLAY("! answer 1", "> AT+CHLD=2", "< OK", "reply 0", "= 0 OCL", "= 1 OC");
    PLAY(LIST("< +CLCC: 1,1,1,0,0", "< +CLCC: 2,1,0,0,0"), "= 0 OCL", "= 1 OC");
    PLAY("! unhold 0", "> AT+CHLD=2", "< OK", "reply 0", "= 0 OCLC", "= 1 OCL");
    PLAY(LIST("< +CLCC: 1,1,0,0,0", "< +CLCC: 2,1,1,0,0"));
    PLAY("! hold 0", "> AT+CHLD=2", "< OK", "= 0 OCLCL", "= 1 OCLC", LIST("< +CLCC: 1,1,1,0,0", "< +CLCC: 2,1,0,0,0"));
    PLAY("! drop 1", "> AT+CHLD=12", "< OK", "= 1 OCLCI", "! unhold 0", "> AT+CHLD=2", "< OK", "= 0 OCLCLC");
    PLAY(LIST("< +CLCC: 1,1,0,0,0"), "! drop 0", "> AT+CHUP", "< OK", "= 0 OCLCLCI");
    over();
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
    waiting_call();
    PLAY("! drop 1", "> AT+CHLD=0", "< OK", "= 1 ODI", "mode 1 REJECT", "= 0 OC", "live 1");
}

static void a_waiting_call_rings_when_the_other_has_ended(void **state)
{
    (void)state;
    waiting_call();
    PLAY("< ^CEND:1,9,0,16", "= 0 OCDI", "< RING", "calls 2", "rings 2");
    assert_false(modem_rig_find(&rig, 1)->waiting);
    PLAY(LIST("< +CLCC: 2,1,4,0,0"), "calls 2");
    assert_false(modem_rig_find(&rig, 1)->waiting);
    PLAY("! answer 1", "> ATA", "< OK", "= 1 OC");
}

static void a_second_call_is_dialled_beside_a_held_one(void **state)
{
    (void)state;
    active_call();
    PLAY("! dial 0 9", "reply CALLUNAVAIL", "! hold 0", "> AT+CHLD=2", "< OK", "= 0 OCL", LIST("< +CLCC: 1,1,1,0,0"));
    PLAY("! dial 0 9", "> ATD9;", "< OK", "= 1 GP", LIST("< +CLCC: 1,1,1,0,0", "< +CLCC: 2,0,0,0,0"), "= 1 GPC");
    PLAY("! drop 0", "> AT+CHLD=0", "< OK", "= 0 OCLI", "live 1");
}

static void hold_is_refused_while_a_call_waits_and_where_there_is_none(void **state)
{
    (void)state;
    waiting_call();
    PLAY("! hold 0", "reply RESOURCEUNAVAIL", "! unhold 0", "reply INVALCALLSTATE");
    v250();
    PLAY("! dial 0 1", "> ATD1", "< CONNECT", "! hold 0", "reply OPERATIONUNAVAIL", "! digits 0 1",
         "reply OPERATIONUNAVAIL");
}

static void a_failed_hold_changes_nothing(void **state)
{
    (void)state;
    active_call();
    PLAY("! hold 0", "> AT+CHLD=2", "< +CME ERROR: 3", "reply OPERATIONFAILED", "= 0 OC", LIST("< +CLCC: 1,1,0,0,0"));
    PLAY("! hold 0", "> AT+CHLD=2", "< OK", "reply 0", "= 0 OCL");
}

static void the_other_side_holds_and_retrieves(void **state)
{
    (void)state;
    active_call();
    PLAY("< +CSSU: 2", "= 0 OCH", "+ 500", LIST("< +CLCC: 1,1,0,0,0"), "= 0 OCH", "< +CSSU: 3", "= 0 OCHC");
}

static void a_conference_is_told_by_the_list(void **state)
{
    (void)state;
    active_call();
    PLAY("< +CSSU: 4", LIST("< +CLCC: 1,1,0,0,1"), "= 0 OCF");
}

static void digits_go_one_by_one(void **state)
{
    (void)state;
    active_call();
    PLAY("! digits 0 1#A", "> AT+VTS=1", "~", "replies 1", "< OK", "> AT+VTS=#", "< OK", "> AT+VTS=A", "< OK",
         "reply 0");
    PLAY("! digits 0 12", "> AT+VTS=1", "! digits 0 9", "replies 3", "< OK", "> AT+VTS=9", "< OK", "reply 0", "~");
    PLAY("! digits 0 55", "> AT+VTS=5", "< ERROR", "reply OPERATIONFAILED", "! digits 0 1x", "reply INVALDIGITS");
    PLAY("! digits 0 55", "> AT+VTS=5", "! digits 0", "replies 8", "reply 0", "< OK", "~");
}

static void barring_is_blocked(void **state)
{
    (void)state;
    gsm();
    PLAY("! dial 0 1", "> ATD1;", "< +CSSI: 5", "< NO CARRIER", "= 0 GDI", "mode 0 BLOCKED", "reply 0");
    over();
}

static void vendor_notices_drive_a_call(void **state)
{
    (void)state;
    gsm();
    PLAY("! dial 0 1", "> ATD1;", "< OK", "< ^ORIG:1,0", "< ^CONF:1", "= 0 GPR", "< ^CONN:1,0", "= 0 GPRC");
    PLAY("< ^CEND:1,12,67,16", "= 0 GPRCDI", "mode 0 NORMAL", "cause 0 Q.850 16", "< NO CARRIER", "calls 1");
}

/* ---- races */

static void clip_before_ring_is_one_call(void **state)
{
    (void)state;
    gsm();
    PLAY("< +CLIP: \"5550\",129", "= 0 O", "caller 0 5550", "< RING", "calls 1",
         LIST("< +CLCC: 1,1,4,0,0,\"5550\",129"));
    PLAY("< +CLIP: \"5550\",129", "calls 1", "rings 1");
}

static void a_withheld_caller_is_told_once(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", "< +CLIP: \"\",128,,,,1", LIST("< +CLCC: 1,1,4,0,0"), "+ 400", "< RING", "< +CLIP: \"\",128,,,,1",
         "calls 1");
    assert_int_equal(rig.call[0].infos, 1);
    assert_true(modem_rig_find(&rig, 0)->withheld);
}

static void list_before_ring_and_clip_is_one_call(void **state)
{
    (void)state;
    gsm();
    PLAY("< +CLCC: 1,1,4,0,0", LIST("< +CLCC: 1,1,4,0,0,\"5550\",129"), "= 0 O", "caller 0 5550");
    PLAY("< +CRING: VOICE", "< +CLIP: \"+495550\",145", "calls 1", "rings 1");
}

static void ring_within_a_list_is_one_call(void **state)
{
    (void)state;
    active_call();
    PLAY("+ 500", "> AT+CLCC", "< +CLCC: 1,1,0,0,0", "< +CCWA: \"777\",129,1", "= 1 O", "< OK", "= 1 O", "calls 2",
         ">! AT+CLCC");
    PLAY("~", "< +CLCC: 1,1,0,0,0", "< +CLCC: 2,1,5,0,0", "< OK", "+ 500",
         LIST("< +CLCC: 1,1,0,0,0", "< +CLCC: 2,1,5,0,0,\"777\",129"), "calls 2", "= 0 OC", "= 1 O");
}

static void a_list_older_than_the_ring_does_not_end_the_call(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "+ 500", "> AT+CLCC", "< OK", "= 0 ODI", "+ 1100", "~");
    PLAY("< +CLCC: 1,1,4,0,0", "> AT+CLCC", "< RING", "= 1 O", "< OK", "= 1 O", LIST(), "= 1 O");
    PLAY("+ 500", LIST(), "= 1 ODI"); /* twice not in a list that could have shown it */
}

static void lines_split_at_every_byte_are_the_same(void **state)
{
    (void)state;
    static const char text[] = "\r\n+CRING: VOICE\r\n\r\n+CLIP: \"5550\",129,,,\"Ada, \",0\r\n";
    for (size_t cut = 0; cut <= sizeof(text) - 1; cut++) {
        gsm();
        modem_rig_feed(&rig, text, cut);
        modem_rig_feed(&rig, text + cut, sizeof(text) - 1 - cut);
        PLAY("calls 1", "= 0 O", "caller 0 5550", "rings 1");
    }
}

static void a_notice_within_a_response_belongs_to_neither(void **state)
{
    (void)state;
    gsm();
    PLAY("! dial 0 1", "> ATD1;", "< +CREG: 2", "service 0", "< +CLIP: \"9\",129", "calls 0", "< OK", "reply 0",
         "= 0 GP");
    PLAY("< +CREG: 5", "service 1");
}

static void no_carrier_during_another_command_is_not_its_result(void **state)
{
    (void)state;
    gsm();
    PLAY("! dial 0 1", "> ATD1;", "< OK", "> AT+CLCC", "< NO CARRIER", "= 0 GP", "~", "< +CLCC: 1,0,2,0,0", "< OK");
    PLAY("> AT+CEER", "< +CEER: 34", "< OK", "= 0 GPDI", "cause 0 Q.850 34");
    over();
}

static void no_carrier_crossing_ata_is_a_cancelled_call(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! answer 0", "> ATA", "< NO CARRIER", "reply OPERATIONFAILED",
         "= 0 ODI");
    PLAY("mode 0 CANCELLED", "< ERROR", "~", "+ 200"); /* the second result is nobody's */
    assert_int_equal(rig.modem.counters.strays, 1);
    over();
}

static void ok_of_ata_then_no_carrier_is_a_short_call(void **state)
{
    (void)state;
    v250();
    PLAY("< RING", "! answer 0", "> ATA", "<< \r\nOK\r\n\r\nNO CARRIER\r\n", "reply 0", "= 0 OCDI", "mode 0 NORMAL");
    over();
}

static void error_to_ata_leaves_it_to_the_rings(void **state)
{
    (void)state;
    v250();
    PLAY("< RING", "! answer 0", "> ATA", "< ERROR", "reply OPERATIONFAILED", "= 0 O", "+ 7100", "= 0 ODI",
         "mode 0 CANCELLED");
    over();
}

static void the_train_of_rings_cannot_be_lost_while_it_is_answered(void **state)
{
    (void)state;
    v250();
    PLAY("< RING", "+ 6900", "! answer 0", "> ATA", "+ 3000", "= 0 O", "< CONNECT", "= 0 OC", "reply 0");
}

static void a_ring_crossing_the_answer_is_no_second_call(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! answer 0", "> ATA", "< RING", "< OK", "= 0 OC", "< RING",
         "< +CLIP: \"1\",129");
    PLAY("calls 1", LIST("< +CLCC: 1,1,0,0,0"), "calls 1", "live 1");
}

static void a_ring_after_hanging_up_is_the_old_call(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! drop 0", "> AT+CHUP", "< RING", "< OK", "= 0 ODI", "< RING",
         "calls 1");
    PLAY(LIST("< +CLCC: 1,1,4,0,0"), "calls 1", "+ 500", LIST(), "calls 1", "+ 1000", "< RING", "calls 2", "= 1 O");
}

static void a_new_call_right_after_hanging_up_is_found_by_the_list(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! drop 0", "> AT+CHUP", "< OK", "< RING", "calls 1");
    PLAY(LIST("< +CLCC: 2,1,4,0,0,\"42\",129"), "calls 2", "= 1 O", "caller 1 42");
}

static void an_analogue_line_that_rings_on_after_a_drop_is_not_offered_again(void **state)
{
    (void)state;
    v250();
    PLAY("< RING", "! drop 0", "> ATH", "< OK", "= 0 ODI", "+ 5000", "< RING", "calls 1", "+ 5000", "< RING",
         "calls 1");
    PLAY("+ 7100", "< RING", "calls 2");
}

static void another_number_in_a_train_of_rings_is_another_call(void **state)
{
    (void)state;
    v250();
    PLAY("< RING", "< NMBR = 1", "+ 5000", "< RING", "< NMBR = 1", "calls 1", "+ 6000", "< RING", "< NMBR = 2",
         "calls 2");
    PLAY("= 0 ODI", "mode 0 CANCELLED", "= 1 O", "caller 1 2");
}

static void another_caller_before_the_list_shows_it_is_another_call(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", "< +CLIP: \"0305550\",129", LIST("< +CLCC: 1,1,4,0,0,\"+49305550\",145"), "caller 0 0305550");
    PLAY("< +CLIP: \"+49305550\",145", "calls 1", "< RING", "< +CLIP: \"777\",129", "= 0 ODI", "mode 0 CANCELLED");
    PLAY("calls 2", "= 1 O", LIST("< +CLCC: 1,1,4,0,0,\"777\",129"), "calls 2", "caller 1 777", "< +CLIP: \"\",128");
    PLAY("calls 2", "live 1");
}

static void hanging_up_before_atd_was_sent_needs_no_modem(void **state)
{
    (void)state;
    gsm();
    PLAY("< +CLCC: 9", "> AT+CLCC", "! dial 0 1", "~", "calls 0", "< OK", "> ATD1;", "< OK", "= 0 GP", "reply 0");
    gsm();
    PLAY("< +CLCC: 9", "> AT+CLCC", "! dial 0 1", "end", "reply OPERATIONFAILED", "live 0", "< OK", "~", "calls 0");
}

static void hanging_up_while_atd_runs_breaks_it_off(void **state)
{
    (void)state;
    v250();
    PLAY("! dial 0 1", "> ATD1", "+ 600", "reply 0", "! drop 0", "> \r", "= 0 G", "< NO CARRIER", "= 0 GI", "reply 0",
         "~");
    over();
}

static void breaking_off_crosses_the_ok(void **state)
{
    (void)state;
    gsm();
    PLAY("! dial 0 1", "> ATD1;", "+ 600", "! drop 0", "> \r", "< OK", "= 0 GP", "> AT+CHUP", "< OK", "= 0 GPI",
         "reply 0");
    over();
}

static void breaking_off_crosses_connect(void **state)
{
    (void)state;
    v250();
    PLAY("! dial 0 1", "> ATD1", "+ 600", "! drop 0", "> \r", "< CONNECT", "= 0 GC", "+ 1200", "> +++", "< OK",
         "> ATH");
    PLAY("< OK", "= 0 GCI", "reply 0");
    over();
}

static void a_drop_crosses_the_far_end(void **state)
{
    (void)state;
    active_call();
    PLAY("! drop 0", "> AT+CHUP", "< NO CARRIER", "= 0 OCI", "reply 0", "< ERROR", "~");
    over();
}

static void a_drop_that_fails_is_tried_another_way(void **state)
{
    (void)state;
    active_call();
    PLAY("! drop 0", "> AT+CHUP", "< ERROR", "> ATH", "< ERROR", "> ATH", "< ERROR", "reply OPERATIONFAILED", "= 0 OC");
    PLAY(LIST("< +CLCC: 1,1,0,0,0"), "= 0 OC", "! drop 0", "> AT+CHUP", "< OK", "reply 0", "= 0 OCI");
}

static void a_data_call_of_another_port_is_not_ours(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,0,0,1,0,\"*99#\",129", "< +CLCC: 2,1,4,0,0,\"5\",129"), "calls 1", "= 0 O",
         "caller 0 5");
    PLAY("! answer 0", "> ATA", "< OK", LIST("< +CLCC: 1,0,0,1,0", "< +CLCC: 2,1,0,0,0"), "calls 1", "= 0 OC");
    assert_int_equal(rig.modem.counters.rows_other, 2);
}

static void our_own_data_call_in_the_list_is_ours(void **state)
{
    (void)state;
    gsm();
    PLAY("< +CRING: ASYNC", LIST("< +CLCC: 1,1,4,1,0,\"5\",129"), "= 0 O", "+ 500", LIST("< +CLCC: 1,1,4,1,0"), "+ 500",
         LIST("< +CLCC: 1,1,4,1,0"), "= 0 O", "! answer 0", "> ATA", "< CONNECT 9600", "= 0 OC", "< NO CARRIER");
    PLAY("> AT+CEER", "< +CEER: 16", "< OK", "= 0 OCDI");
    over();
    assert_int_equal(rig.modem.counters.rows_other, 0);
}

static void a_data_call_beside_that_of_another_port_ends(void **state)
{
    (void)state;
    gsm();
    PLAY("< +CLCC: 1", LIST("< +CLCC: 7,0,0,1,0,\"*99#\",129"), "calls 0", "! dial 0 123 data", "> ATD123",
         "< CONNECT");
    PLAY("= 0 GC", "< NO CARRIER", "> AT+CEER", "< +CEER: 16", "< OK", "= 0 GCDI", "! dial 0 123 data", "> ATD123");
    PLAY("< CONNECT", "! drop 1", "+ 1200", "> +++", "< OK", "> AT+CHUP", "< ERROR", "> ATH", "< ERROR", "> ATH");
    PLAY("< ERROR", "= 1 GC", LIST("< +CLCC: 7,0,0,1,0,\"*99#\",129"), "+ 500");
    PLAY(LIST("< +CLCC: 7,0,0,1,0,\"*99#\",129"), "> AT+CEER", "< OK", "= 1 GCDI");
    over();
}

static void the_list_says_which_bearer_a_ring_has(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,1,4,1,0"), "= 0 O", "calls 1", "! answer 0", "> ATA", "< CONNECT", "= 0 OC");
    assert_int_equal(rig.modem.chat.state, CF_CHAT_ONLINE);
}

static void orders_of_a_core_that_is_gone_are_not_replied_to(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! answer 0", "> ATA", "replies 0", "void", "< OK", "= 0 OC",
         "replies 0");
    PLAY(LIST("< +CLCC: 1,1,0,0,0"), "! hold 0", "> AT+CHLD=2", "void", "< OK", "= 0 OCL", "replies 0",
         LIST("< +CLCC: 1,1,1,0,0"));
    PLAY("! dial 0 1", "> ATD1;", "void", "> \r", "< OK", "> AT+CHUP", "< OK", "calls 1", "replies 0", "live 1");
}

static void no_carrier_of_a_data_call_does_not_end_the_voice_call(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,0,0,1,0", "< +CLCC: 2,1,4,0,0"), "! answer 0", "> ATA", "< OK");
    PLAY(LIST("< +CLCC: 1,0,0,1,0", "< +CLCC: 2,1,0,0,0"), "< NO CARRIER", "= 0 OC", LIST("< +CLCC: 2,1,0,0,0"),
         "= 0 OC");
    PLAY("< NO CARRIER", "> AT+CEER", "< OK", "= 0 OCDI", "mode 0 NORMAL");
    over();
}

static void no_carrier_with_two_calls_is_the_one_gone_from_the_list(void **state)
{
    (void)state;
    waiting_call();
    PLAY("! answer 1", "> AT+CHLD=2", "< OK", LIST("< +CLCC: 1,1,1,0,0", "< +CLCC: 2,1,0,0,0"));
    PLAY("< NO CARRIER", "= 0 OCL", "= 1 OC", LIST("< +CLCC: 1,1,1,0,0"), "> AT+CEER", "< +CEER: 16", "< OK");
    PLAY("= 1 OCDI", "= 0 OCL", "live 1");
}

static void a_dead_call_still_in_the_list_is_not_born_again(void **state)
{
    (void)state;
    active_call();
    PLAY("! drop 0", "> AT+CHUP", "< OK", "= 0 OCI", "< +CLCC: 1", LIST("< +CLCC: 1,1,0,0,0"), "calls 1");
    assert_int_equal(rig.modem.counters.ghosts, 1);
    PLAY("+ 500", LIST(), "~", "calls 1");
}

static void a_call_made_at_the_device_is_announced_in_its_state(void **state)
{
    (void)state;
    gsm();
    PLAY("< +CLCC: 1", LIST("< +CLCC: 1,0,3,0,0,\"4711\",129"), "= 0 R", "+ 500", LIST("< +CLCC: 1,0,0,0,0"), "= 0 RC");
}

static void an_id_used_again_at_once_is_another_call(void **state)
{
    (void)state;
    active_call();
    PLAY("+ 500", LIST("< +CLCC: 1,0,2,0,0,\"4711\",129"), "= 1 G", "> AT+CEER", "< OK", "= 0 OCDI", "= 1 G",
         "calls 2");
}

static void nothing_is_asked_while_there_are_no_calls(void **state)
{
    (void)state;
    gsm();
    PLAY("+ 100000", "~", "< RING", LIST("< +CLCC: 1,1,4,0,0"), "+ 500", LIST(), "= 0 ODI", "+ 100000", "~");
}

static void after_a_result_of_a_call_nothing_is_sent_for_a_while(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! answer 0", "> ATA", "< NO CARRIER", "= 0 ODI", "! dial 0 5", "~");
    PLAY("+ 100", "~", "< ERROR", "calls 1", "+ 100", ">! ATD5;", "< OK", "= 1 GP", "reply 0");
}

static void an_id_that_a_list_has_freed_is_anyones(void **state)
{
    (void)state;
    active_call();
    PLAY("+ 500", LIST(), "> AT+CEER", "< OK", "= 0 OCDI", "< +CLCC: 1", LIST("< +CLCC: 1,0,2,0,0,\"9\",129"), "= 1 G");
    active_call();
    PLAY("! drop 0", "> AT+CHUP", "< OK", "= 0 OCI", "< +CLCC: 1", LIST(), "< +CLCC: 1", LIST("< +CLCC: 1,0,2,0,0"),
         "= 1 G");
}

static void a_ring_after_a_short_call_is_the_old_call(void **state)
{
    (void)state;
    v250();
    PLAY("< RING", "! answer 0", "> ATA", "< CONNECT", "< NO CARRIER", "= 0 OCDI", "< RING", "calls 1", "+ 1100",
         "< RING", "calls 2");
}

static void orders_that_still_wait_when_their_call_ends_are_replied_to(void **state)
{
    (void)state;
    modem_rig_init(&rig, CF_MODEM_GSM);
    rig.config.linger_ns = INT64_C(1000000000);
    modem_rig_begin(&rig, true);
    PLAY("< RING", "> AT+CLCC", "! answer 0", "replies 0", "< NO CARRIER", "reply OPERATIONFAILED", "= 0 OD", "+ 1000",
         "= 0 ODI");
    PLAY("< OK", "~");
    active_call();
    PLAY("+ 500", "> AT+CLCC", "! hold 0", "! digits 0 12", "replies 1", "< ^CEND:1,0,0,16", "replies 3",
         "reply OPERATIONFAILED");
    PLAY("= 0 OCDI", "< OK", "~");
}

static void a_third_call_holds_the_active_and_leaves_the_held(void **state)
{
    (void)state;
    waiting_call();
    PLAY("! answer 1", "> AT+CHLD=2", "< OK", LIST("< +CLCC: 1,1,1,0,0", "< +CLCC: 2,1,0,0,0"), "= 0 OCL", "= 1 OC");
    PLAY("< +CCWA: \"888\",129,1", LIST("< +CLCC: 1,1,1,0,0", "< +CLCC: 2,1,0,0,0", "< +CLCC: 3,1,5,0,0"), "= 2 O");
    PLAY("! answer 2", "> AT+CHLD=2", "< OK", "= 0 OCL", "= 1 OCL", "= 2 OC");
    PLAY(LIST("< +CLCC: 1,1,1,0,0", "< +CLCC: 2,1,1,0,0", "< +CLCC: 3,1,0,0,0"), "= 1 OCL", "= 2 OC");
    PLAY("! drop 2", "> AT+CHLD=13", "< OK", "= 2 OCI");
}

static void a_voice_call_of_an_analogue_line_proceeds_until_it_is_dropped(void **state)
{
    (void)state;
    modem_rig_init(&rig, CF_MODEM_V250);
    rig.config.voice = true;
    modem_rig_begin(&rig, true);
    PLAY("! dial 0 123", "> ATD123;", "< OK", "= 0 GP", "reply 0", "+ 60000", "= 0 GP", "~", "! drop 0", "> ATH",
         "< OK", "= 0 GPI");
    over();
}

static void without_a_list_rings_and_results_are_believed(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING");
    for (int i = 0; i < 14; i++)
        PLAY("> AT+CLCC", "< ERROR", "= 0 O", "+ 480");
    PLAY("+ 1000", "= 0 ODI", "mode 0 CANCELLED");
    gsm();
    PLAY("< RING", "> AT+CLCC", "< ERROR", "! answer 0", "> ATA", "< OK", "= 0 OC", "> AT+CLCC", "< ERROR",
         "< NO CARRIER");
    PLAY("> AT+CEER", "< ERROR", "= 0 OCDI", "mode 0 NORMAL");
    over();
}

/* ---- time-outs, noise, the device */

static void a_time_out_leads_to_probes_and_a_new_beginning(void **state)
{
    (void)state;
    gsm();
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
    active_call();
    PLAY("! hold 0", "> AT+CHLD=2", "+ 5000", "reply OPERATIONFAILED", "> AT", "+ 5000", "> AT", "+ 5000", "> AT",
         "= 0 OC");
    PLAY("+ 5000", "~", "= 0 OCDI", "mode 0 UNKNOWN", "service 0");
    over();
}

static void a_late_answer_is_not_that_of_the_next_command(void **state)
{
    (void)state;
    gsm();
    PLAY("< +CLCC: 1", "> AT+CLCC", "+ 5000", "> AT", "< +CLCC: 3,1,0,0,0", "< OK", "< OK", "calls 0", "> ATE0V1", "~");
}

static void echo_and_noise_change_nothing(void **state)
{
    (void)state;
    gsm();
    PLAY("< RING", "> AT+CLCC", "<< AT+CLCC\r\r\n+CLCC: 1,1,4,0,0\r\n\r\nOK\r\n", "! answer 0", "> ATA");
    PLAY("<< ATA\r\r\n\x01\x02\r\nOK\r\n", "= 0 OC", "reply 0");
    assert_int_equal(rig.modem.counters.echoes, 2);
    assert_int_equal(rig.modem.counters.garbage, 1);
}

static void garbage_between_commands_leads_to_probes(void **state)
{
    (void)state;
    v250();
    PLAY("+ 6000", "<< \x01\x02\x03\r\n", "> AT", "< OK", "> ATE0V1", "< OK", "> ATX4", "< OK", "> AT+VCID=1", "< OK",
         "~");
    PLAY("<< \x01\x02\x03\r\n", "~");
}

static void a_prompt_is_escaped_from(void **state)
{
    (void)state;
    gsm();
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
    over();
}

static void the_device_goes_in_the_middle_of_everything(void **state)
{
    (void)state;
    waiting_call();
    PLAY("! answer 1", "> AT+CHLD=2", "! digits 0 123", "vanish", "= 0 OCDI", "= 1 ODI", "mode 0 UNKNOWN",
         "mode 1 UNKNOWN");
    PLAY("service 0", "replies 3");
    over();
    PLAY("! dial 0 1", "reply RESOURCEUNAVAIL", "open", "> AT", "! dial 0 1", "reply RESOURCEUNAVAIL");
    v250();
    PLAY("! dial 0 1", "> ATD1", "vanish", "reply OPERATIONFAILED", "calls 0", "live 0");
    v250();
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

/* ---- the core */

static void a_refused_call_is_offered_to_whoever_listens_later(void **state)
{
    (void)state;
    v250();
    PLAY("< RING", "! refuse 0", "< RING", "calls 1", "listen", "calls 2", "= 1 O", "! answer 1", "> ATA", "< CONNECT",
         "= 1 OC");
    v250();
    PLAY("< RING", "! retry 0", "< RING", "calls 2", "= 1 O", "+ 8000", "= 1 ODI");
}

static void a_closed_call_is_hung_up_and_not_spoken_of(void **state)
{
    (void)state;
    active_call();
    PLAY("! forget 0", "> AT+CHUP", "< OK", "live 0", "= 0 OC");
    over();
    v250();
    PLAY("< RING", "! answer 0", "> ATA", "! forget 0", "> \r", "replies 1", "< OK", "> ATH", "< OK", "live 0",
         "= 0 O");
    over();
}

static void a_second_drop_is_no_error(void **state)
{
    (void)state;
    active_call();
    PLAY("! drop 0", "> AT+CHUP", "! drop 0", "replies 2", "< OK", "replies 3", "= 0 OCI");
    over();
}

static void a_lingering_call_can_be_dropped(void **state)
{
    (void)state;
    modem_rig_init(&rig, CF_MODEM_V250);
    rig.config.linger_ns = INT64_C(2000000000);
    modem_rig_begin(&rig, true);
    PLAY("! dial 0 1", "> ATD1", "< BUSY", "= 0 GBD", "+ 1000", "= 0 GBD", "+ 1100", "= 0 GBDI");
    PLAY("! dial 0 1", "> ATD1", "< BUSY", "= 1 GBD", "! drop 1", "reply 0", "= 1 GBDI");
    over();
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
        cmocka_unit_test(clip_before_ring_is_one_call),
        cmocka_unit_test(a_withheld_caller_is_told_once),
        cmocka_unit_test(list_before_ring_and_clip_is_one_call),
        cmocka_unit_test(ring_within_a_list_is_one_call),
        cmocka_unit_test(a_list_older_than_the_ring_does_not_end_the_call),
        cmocka_unit_test(lines_split_at_every_byte_are_the_same),
        cmocka_unit_test(a_notice_within_a_response_belongs_to_neither),
        cmocka_unit_test(no_carrier_during_another_command_is_not_its_result),
        cmocka_unit_test(no_carrier_crossing_ata_is_a_cancelled_call),
        cmocka_unit_test(ok_of_ata_then_no_carrier_is_a_short_call),
        cmocka_unit_test(error_to_ata_leaves_it_to_the_rings),
        cmocka_unit_test(the_train_of_rings_cannot_be_lost_while_it_is_answered),
        cmocka_unit_test(a_ring_crossing_the_answer_is_no_second_call),
        cmocka_unit_test(a_ring_after_hanging_up_is_the_old_call),
        cmocka_unit_test(a_new_call_right_after_hanging_up_is_found_by_the_list),
        cmocka_unit_test(an_analogue_line_that_rings_on_after_a_drop_is_not_offered_again),
        cmocka_unit_test(another_number_in_a_train_of_rings_is_another_call),
        cmocka_unit_test(another_caller_before_the_list_shows_it_is_another_call),
        cmocka_unit_test(hanging_up_before_atd_was_sent_needs_no_modem),
        cmocka_unit_test(hanging_up_while_atd_runs_breaks_it_off),
        cmocka_unit_test(breaking_off_crosses_the_ok),
        cmocka_unit_test(breaking_off_crosses_connect),
        cmocka_unit_test(a_drop_crosses_the_far_end),
        cmocka_unit_test(a_drop_that_fails_is_tried_another_way),
        cmocka_unit_test(a_data_call_of_another_port_is_not_ours),
        cmocka_unit_test(our_own_data_call_in_the_list_is_ours),
        cmocka_unit_test(a_data_call_beside_that_of_another_port_ends),
        cmocka_unit_test(the_list_says_which_bearer_a_ring_has),
        cmocka_unit_test(orders_of_a_core_that_is_gone_are_not_replied_to),
        cmocka_unit_test(no_carrier_of_a_data_call_does_not_end_the_voice_call),
        cmocka_unit_test(no_carrier_with_two_calls_is_the_one_gone_from_the_list),
        cmocka_unit_test(a_dead_call_still_in_the_list_is_not_born_again),
        cmocka_unit_test(a_call_made_at_the_device_is_announced_in_its_state),
        cmocka_unit_test(an_id_used_again_at_once_is_another_call),
        cmocka_unit_test(nothing_is_asked_while_there_are_no_calls),
        cmocka_unit_test(after_a_result_of_a_call_nothing_is_sent_for_a_while),
        cmocka_unit_test(an_id_that_a_list_has_freed_is_anyones),
        cmocka_unit_test(a_ring_after_a_short_call_is_the_old_call),
        cmocka_unit_test(orders_that_still_wait_when_their_call_ends_are_replied_to),
        cmocka_unit_test(a_third_call_holds_the_active_and_leaves_the_held),
        cmocka_unit_test(a_voice_call_of_an_analogue_line_proceeds_until_it_is_dropped),
        cmocka_unit_test(without_a_list_rings_and_results_are_believed),
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
        cmocka_unit_test(a_refused_call_is_offered_to_whoever_listens_later),
        cmocka_unit_test(a_closed_call_is_hung_up_and_not_spoken_of),
        cmocka_unit_test(a_second_drop_is_no_error),
        cmocka_unit_test(a_lingering_call_can_be_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
