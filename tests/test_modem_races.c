/*
 * Everything that crosses something else on the way between a modem and its calls, one test for each race that is known.
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

static void clip_before_ring_is_one_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< +CLIP: \"5550\",129", "= 0 O", "caller 0 5550", "< RING", "calls 1",
         LIST("< +CLCC: 1,1,4,0,0,\"5550\",129"));
    PLAY("< +CLIP: \"5550\",129", "calls 1", "rings 1");
}

static void a_withheld_caller_is_told_once(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", "< +CLIP: \"\",128,,,,1", LIST("< +CLCC: 1,1,4,0,0"), "+ 400", "< RING", "< +CLIP: \"\",128,,,,1",
         "calls 1");
    assert_int_equal(rig.call[0].infos, 1);
    assert_true(modem_rig_find(&rig, 0)->withheld);
}

static void list_before_ring_and_clip_is_one_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< +CLCC: 1,1,4,0,0", LIST("< +CLCC: 1,1,4,0,0,\"5550\",129"), "= 0 O", "caller 0 5550");
    PLAY("< +CRING: VOICE", "< +CLIP: \"+495550\",145", "calls 1", "rings 1");
}

static void ring_within_a_list_is_one_call(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("+ 500", "> AT+CLCC", "< +CLCC: 1,1,0,0,0", "< +CCWA: \"777\",129,1", "= 1 O", "< OK", "= 1 O", "calls 2",
         ">! AT+CLCC");
    PLAY("~", "< +CLCC: 1,1,0,0,0", "< +CLCC: 2,1,5,0,0", "< OK", "+ 500",
         LIST("< +CLCC: 1,1,0,0,0", "< +CLCC: 2,1,5,0,0,\"777\",129"), "calls 2", "= 0 OC", "= 1 O");
}

static void a_list_older_than_the_ring_does_not_end_the_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "+ 500", "> AT+CLCC", "< OK", "= 0 ODI", "+ 1100", "~");
    PLAY("< +CLCC: 1,1,4,0,0", "> AT+CLCC", "< RING", "= 1 O", "< OK", "= 1 O", LIST(), "= 1 O");
    PLAY("+ 500", LIST(), "= 1 ODI"); /* twice not in a list that could have shown it */
}

static void lines_split_at_every_byte_are_the_same(void **state)
{
    (void)state;
    static const char text[] = "\r\n+CRING: VOICE\r\n\r\n+CLIP: \"5550\",129,,,\"Ada, \",0\r\n";
    for (size_t cut = 0; cut <= sizeof(text) - 1; cut++) {
        modem_rig_open(&rig, CF_MODEM_GSM);
        modem_rig_feed(&rig, text, cut);
        modem_rig_feed(&rig, text + cut, sizeof(text) - 1 - cut);
        PLAY("calls 1", "= 0 O", "caller 0 5550", "rings 1");
    }
}

static void a_notice_within_a_response_belongs_to_neither(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("! dial 0 1", "> ATD1;", "< +CREG: 2", "service 0", "< +CLIP: \"9\",129", "calls 0", "< OK", "reply 0",
         "= 0 GP");
    PLAY("< +CREG: 5", "service 1");
}

static void no_carrier_during_another_command_is_not_its_result(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("! dial 0 1", "> ATD1;", "< OK", "> AT+CLCC", "< NO CARRIER", "= 0 GP", "~", "< +CLCC: 1,0,2,0,0", "< OK");
    PLAY("> AT+CEER", "< +CEER: 34", "< OK", "= 0 GPDI", "cause 0 Q.850 34");
    assert_true(modem_rig_settled(&rig));
}

static void no_carrier_crossing_ata_is_a_cancelled_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! answer 0", "> ATA", "< NO CARRIER", "reply OPERATIONFAILED",
         "= 0 ODI");
    PLAY("mode 0 CANCELLED", "< ERROR", "~", "+ 200"); /* the second result is nobody's */
    assert_int_equal(rig.modem.counters.strays, 1);
    assert_true(modem_rig_settled(&rig));
}

static void ok_of_ata_then_no_carrier_is_a_short_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("< RING", "! answer 0", "> ATA", "<< \r\nOK\r\n\r\nNO CARRIER\r\n", "reply 0", "= 0 OCDI", "mode 0 NORMAL");
    assert_true(modem_rig_settled(&rig));
}

static void error_to_ata_leaves_it_to_the_rings(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("< RING", "! answer 0", "> ATA", "< ERROR", "reply OPERATIONFAILED", "= 0 O", "+ 7100", "= 0 ODI",
         "mode 0 CANCELLED");
    assert_true(modem_rig_settled(&rig));
}

static void the_train_of_rings_cannot_be_lost_while_it_is_answered(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("< RING", "+ 6900", "! answer 0", "> ATA", "+ 3000", "= 0 O", "< CONNECT", "= 0 OC", "reply 0");
}

static void a_ring_crossing_the_answer_is_no_second_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! answer 0", "> ATA", "< RING", "< OK", "= 0 OC", "< RING",
         "< +CLIP: \"1\",129");
    PLAY("calls 1", LIST("< +CLCC: 1,1,0,0,0"), "calls 1", "live 1");
}

static void a_ring_after_hanging_up_is_the_old_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! drop 0", "> AT+CHUP", "< RING", "< OK", "= 0 ODI", "< RING",
         "calls 1");
    PLAY(LIST("< +CLCC: 1,1,4,0,0"), "calls 1", "+ 500", LIST(), "calls 1", "+ 1000", "< RING", "calls 2", "= 1 O");
}

static void a_new_call_right_after_hanging_up_is_found_by_the_list(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! drop 0", "> AT+CHUP", "< OK", "< RING", "calls 1");
    PLAY(LIST("< +CLCC: 2,1,4,0,0,\"42\",129"), "calls 2", "= 1 O", "caller 1 42");
}

static void an_analogue_line_that_rings_on_after_a_drop_is_not_offered_again(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("< RING", "! drop 0", "> ATH", "< OK", "= 0 ODI", "+ 5000", "< RING", "calls 1", "+ 5000", "< RING",
         "calls 1");
    PLAY("+ 7100", "< RING", "calls 2");
}

static void another_number_in_a_train_of_rings_is_another_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("< RING", "< NMBR = 1", "+ 5000", "< RING", "< NMBR = 1", "calls 1", "+ 6000", "< RING", "< NMBR = 2",
         "calls 2");
    PLAY("= 0 ODI", "mode 0 CANCELLED", "= 1 O", "caller 1 2");
}

static void another_caller_before_the_list_shows_it_is_another_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", "< +CLIP: \"0305550\",129", LIST("< +CLCC: 1,1,4,0,0,\"+49305550\",145"), "caller 0 0305550");
    PLAY("< +CLIP: \"+49305550\",145", "calls 1", "< RING", "< +CLIP: \"777\",129", "= 0 ODI", "mode 0 CANCELLED");
    PLAY("calls 2", "= 1 O", LIST("< +CLCC: 1,1,4,0,0,\"777\",129"), "calls 2", "caller 1 777", "< +CLIP: \"\",128");
    PLAY("calls 2", "live 1");
}

static void hanging_up_before_atd_was_sent_needs_no_modem(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< +CLCC: 9", "> AT+CLCC", "! dial 0 1", "~", "calls 0", "< OK", "> ATD1;", "< OK", "= 0 GP", "reply 0");
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< +CLCC: 9", "> AT+CLCC", "! dial 0 1", "end", "reply OPERATIONFAILED", "live 0", "< OK", "~", "calls 0");
}

static void hanging_up_while_atd_runs_breaks_it_off(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("! dial 0 1", "> ATD1", "+ 600", "reply 0", "! drop 0", "> \r", "= 0 G", "< NO CARRIER", "= 0 GI", "reply 0",
         "~");
    assert_true(modem_rig_settled(&rig));
}

static void breaking_off_crosses_the_ok(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("! dial 0 1", "> ATD1;", "+ 600", "! drop 0", "> \r", "< OK", "= 0 GP", "> AT+CHUP", "< OK", "= 0 GPI",
         "reply 0");
    assert_true(modem_rig_settled(&rig));
}

static void breaking_off_crosses_connect(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
    PLAY("! dial 0 1", "> ATD1", "+ 600", "! drop 0", "> \r", "< CONNECT", "= 0 GC", "+ 1200", "> +++", "< OK",
         "> ATH");
    PLAY("< OK", "= 0 GCI", "reply 0");
    assert_true(modem_rig_settled(&rig));
}

static void a_drop_crosses_the_far_end(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("! drop 0", "> AT+CHUP", "< NO CARRIER", "= 0 OCI", "reply 0", "< ERROR", "~");
    assert_true(modem_rig_settled(&rig));
}

static void a_drop_that_fails_is_tried_another_way(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("! drop 0", "> AT+CHUP", "< ERROR", "> ATH", "< ERROR", "> ATH", "< ERROR", "reply OPERATIONFAILED", "= 0 OC");
    PLAY(LIST("< +CLCC: 1,1,0,0,0"), "= 0 OC", "! drop 0", "> AT+CHUP", "< OK", "reply 0", "= 0 OCI");
}

static void a_data_call_of_another_port_is_not_ours(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,0,0,1,0,\"*99#\",129", "< +CLCC: 2,1,4,0,0,\"5\",129"), "calls 1", "= 0 O",
         "caller 0 5");
    PLAY("! answer 0", "> ATA", "< OK", LIST("< +CLCC: 1,0,0,1,0", "< +CLCC: 2,1,0,0,0"), "calls 1", "= 0 OC");
    assert_int_equal(rig.modem.counters.rows_other, 2);
}

static void our_own_data_call_in_the_list_is_ours(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< +CRING: ASYNC", LIST("< +CLCC: 1,1,4,1,0,\"5\",129"), "= 0 O", "+ 500", LIST("< +CLCC: 1,1,4,1,0"), "+ 500",
         LIST("< +CLCC: 1,1,4,1,0"), "= 0 O", "! answer 0", "> ATA", "< CONNECT 9600", "= 0 OC", "< NO CARRIER");
    PLAY("> AT+CEER", "< +CEER: 16", "< OK", "= 0 OCDI");
    assert_true(modem_rig_settled(&rig));
    assert_int_equal(rig.modem.counters.rows_other, 0);
}

static void a_data_call_beside_that_of_another_port_ends(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< +CLCC: 1", LIST("< +CLCC: 7,0,0,1,0,\"*99#\",129"), "calls 0", "! dial 0 123 data", "> ATD123",
         "< CONNECT");
    PLAY("= 0 GC", "< NO CARRIER", "> AT+CEER", "< +CEER: 16", "< OK", "= 0 GCDI", "! dial 0 123 data", "> ATD123");
    PLAY("< CONNECT", "! drop 1", "+ 1200", "> +++", "< OK", "> AT+CHUP", "< ERROR", "> ATH", "< ERROR", "> ATH");
    PLAY("< ERROR", "= 1 GC", LIST("< +CLCC: 7,0,0,1,0,\"*99#\",129"), "+ 500");
    PLAY(LIST("< +CLCC: 7,0,0,1,0,\"*99#\",129"), "> AT+CEER", "< OK", "= 1 GCDI");
    assert_true(modem_rig_settled(&rig));
}

static void the_list_says_which_bearer_a_ring_has(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,1,4,1,0"), "= 0 O", "calls 1", "! answer 0", "> ATA", "< CONNECT", "= 0 OC");
    assert_int_equal(rig.modem.chat.state, CF_CHAT_ONLINE);
}

static void orders_of_a_core_that_is_gone_are_not_replied_to(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! answer 0", "> ATA", "replies 0", "void", "< OK", "= 0 OC",
         "replies 0");
    PLAY(LIST("< +CLCC: 1,1,0,0,0"), "! hold 0", "> AT+CHLD=2", "void", "< OK", "= 0 OCL", "replies 0",
         LIST("< +CLCC: 1,1,1,0,0"));
    PLAY("! dial 0 1", "> ATD1;", "void", "> \r", "< OK", "> AT+CHUP", "< OK", "calls 1", "replies 0", "live 1");
}

static void no_carrier_of_a_data_call_does_not_end_the_voice_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,0,0,1,0", "< +CLCC: 2,1,4,0,0"), "! answer 0", "> ATA", "< OK");
    PLAY(LIST("< +CLCC: 1,0,0,1,0", "< +CLCC: 2,1,0,0,0"), "< NO CARRIER", "= 0 OC", LIST("< +CLCC: 2,1,0,0,0"),
         "= 0 OC");
    PLAY("< NO CARRIER", "> AT+CEER", "< OK", "= 0 OCDI", "mode 0 NORMAL");
    assert_true(modem_rig_settled(&rig));
}

static void no_carrier_with_two_calls_is_the_one_gone_from_the_list(void **state)
{
    (void)state;
    modem_rig_waiting_call(&rig);
    PLAY("! answer 1", "> AT+CHLD=2", "< OK", LIST("< +CLCC: 1,1,1,0,0", "< +CLCC: 2,1,0,0,0"));
    PLAY("< NO CARRIER", "= 0 OCL", "= 1 OC", LIST("< +CLCC: 1,1,1,0,0"), "> AT+CEER", "< +CEER: 16", "< OK");
    PLAY("= 1 OCDI", "= 0 OCL", "live 1");
}

static void a_dead_call_still_in_the_list_is_not_born_again(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("! drop 0", "> AT+CHUP", "< OK", "= 0 OCI", "< +CLCC: 1", LIST("< +CLCC: 1,1,0,0,0"), "calls 1");
    assert_int_equal(rig.modem.counters.ghosts, 1);
    PLAY("+ 500", LIST(), "~", "calls 1");
}

static void a_call_made_at_the_device_is_announced_in_its_state(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< +CLCC: 1", LIST("< +CLCC: 1,0,3,0,0,\"4711\",129"), "= 0 R", "+ 500", LIST("< +CLCC: 1,0,0,0,0"), "= 0 RC");
}

static void an_id_used_again_at_once_is_another_call(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("+ 500", LIST("< +CLCC: 1,0,2,0,0,\"4711\",129"), "= 1 G", "> AT+CEER", "< OK", "= 0 OCDI", "= 1 G",
         "calls 2");
}

static void nothing_is_asked_while_there_are_no_calls(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("+ 100000", "~", "< RING", LIST("< +CLCC: 1,1,4,0,0"), "+ 500", LIST(), "= 0 ODI", "+ 100000", "~");
}

static void after_a_result_of_a_call_nothing_is_sent_for_a_while(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! answer 0", "> ATA", "< NO CARRIER", "= 0 ODI", "! dial 0 5", "~");
    PLAY("+ 100", "~", "< ERROR", "calls 1", "+ 100", ">! ATD5;", "< OK", "= 1 GP", "reply 0");
}

static void an_id_that_a_list_has_freed_is_anyones(void **state)
{
    (void)state;
    modem_rig_active_call(&rig);
    PLAY("+ 500", LIST(), "> AT+CEER", "< OK", "= 0 OCDI", "< +CLCC: 1", LIST("< +CLCC: 1,0,2,0,0,\"9\",129"), "= 1 G");
    modem_rig_active_call(&rig);
    PLAY("! drop 0", "> AT+CHUP", "< OK", "= 0 OCI", "< +CLCC: 1", LIST(), "< +CLCC: 1", LIST("< +CLCC: 1,0,2,0,0"),
         "= 1 G");
}

static void a_ring_after_a_short_call_is_the_old_call(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_V250);
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
    modem_rig_active_call(&rig);
    PLAY("+ 500", "> AT+CLCC", "! hold 0", "! digits 0 12", "replies 1", "< ^CEND:1,0,0,16", "replies 3",
         "reply OPERATIONFAILED");
    PLAY("= 0 OCDI", "< OK", "~");
}

static void a_third_call_holds_the_active_and_leaves_the_held(void **state)
{
    (void)state;
    modem_rig_waiting_call(&rig);
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
    assert_true(modem_rig_settled(&rig));
}

static void without_a_list_rings_and_results_are_believed(void **state)
{
    (void)state;
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING");
    for (int i = 0; i < 14; i++)
        PLAY("> AT+CLCC", "< ERROR", "= 0 O", "+ 480");
    PLAY("+ 1000", "= 0 ODI", "mode 0 CANCELLED");
    modem_rig_open(&rig, CF_MODEM_GSM);
    PLAY("< RING", "> AT+CLCC", "< ERROR", "! answer 0", "> ATA", "< OK", "= 0 OC", "> AT+CLCC", "< ERROR",
         "< NO CARRIER");
    PLAY("> AT+CEER", "< ERROR", "= 0 OCDI", "mode 0 NORMAL");
    assert_true(modem_rig_settled(&rig));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
