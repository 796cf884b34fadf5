/* The SIP user agent server under simulated time: whole calls, races between the two ends, losses, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "callfan/tapi_const.h"
#include "tests/support/sip_rig.h"

/* ---- whole calls */

static void an_ordinary_call_is_offered_accepted_answered_and_ended(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    sip_rig_assert_log(&rig, "OFFERING");
    assert_string_equal(rig.caller, "+1555");
    assert_string_equal(rig.caller_name, "Al \"Q\"");
    assert_string_equal(rig.called, "+4420");
    assert_int_equal(rig.sent[0].port, 5070); /* no rport: the port of the Via */
    assert_null(strstr(rig.sent[0].text, "received="));
    sip_rig_assert_sent(&rig, "100");
    assert_int_equal(cf_sip_ua_accept(rig.ua, rig.now, rig.call), 0);
    sip_rig_assert_log(&rig, "ACCEPTED");
    sip_rig_assert_sent(&rig, "180");
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
    sip_rig_assert_log(&rig, "CONNECTED");
    assert_int_equal(rig.last.user, 4711);
    const struct cf_sip_msg ok = sip_rig_read_sent(&rig, 0);
    assert_memory_equal(cf_sip_ptr(&ok, ok.contact.uri), "sip:callfan@192.0.2.1:5060", ok.contact.uri.len);
    assert_true(sip_rig_body_has(
        &rig, 0, "m=audio 4000 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"));
    assert_true(sip_rig_body_has(&rig, 0, "c=IN IP4 192.0.2.2\r\n"));
    sip_rig_assert_sent(&rig, "200");
    assert_int_equal(strlen(rig.tag), CF_SIP_TAG_LEN);
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
    sip_rig_pass(&rig, 10 * S);
    sip_rig_assert_sent(&rig, ""); /* confirmed: nothing is repeated */
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 2, "bye", true, "Reason: Q.850;cause=16\r\n", NULL));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "DISCONNECTED(1,Q.850 16) IDLE");
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_sent(&rig, "");
    sip_rig_assert_nothing_left(&rig);
    const struct cf_sip_counters *counters = cf_sip_ua_counters(rig.ua);
    assert_int_equal(counters->offered, 1);
    assert_int_equal(counters->answered, 1);
    assert_int_equal(counters->ended, 1);
    assert_int_equal(counters->acks, 1);
    assert_int_equal(counters->retransmissions, 0);
    sip_rig_close(&rig);
}

static void our_own_drop_sends_bye_and_waits_for_its_answer(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE)");
    const struct cf_sip_msg bye = sip_rig_read_sent(&rig, 0);
    assert_memory_equal(cf_sip_ptr(&bye, bye.uri), "sip:al@198.51.100.7:5070", bye.uri.len);
    assert_memory_equal(cf_sip_ptr(&bye, bye.to.tag), "caller", 6);
    assert_int_equal(bye.from.tag.len, strlen(rig.tag));
    assert_memory_equal(cf_sip_ptr(&bye, bye.from.tag), rig.tag, bye.from.tag.len);
    char answer[1024];
    snprintf(answer, sizeof(answer),
             "SIP/2.0 200 OK\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s\r\nCall-ID: one@a.example\r\nCSeq: %u BYE\r\n\r\n",
             bye.vias[0].len, cf_sip_ptr(&bye, bye.vias[0]), bye.from.value.len, cf_sip_ptr(&bye, bye.from.value),
             bye.to.value.len, cf_sip_ptr(&bye, bye.to.value), bye.cseq);
    rig.sent_count = 0;
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0); /* again: on its way */
    sip_rig_assert_sent(&rig, "");
    sip_rig_receive(&rig, answer);
    sip_rig_assert_log(&rig, "IDLE");
    sip_rig_receive(&rig, answer); /* the answer again is absorbed */
    sip_rig_assert_log(&rig, "");
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), -ESTALE);
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_sent(&rig, "");
    sip_rig_assert_nothing_left(&rig);
    assert_int_equal(cf_sip_ua_counters(rig.ua)->stale_commands, 1);
    sip_rig_close(&rig);
}

static void a_bye_that_nobody_answers_is_repeated_and_given_up(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_sent(&rig, "BYE");
    sip_rig_pass(&rig, 3600 * MS);
    sip_rig_assert_sent(&rig, "BYE BYE BYE"); /* after 0.5, 1.5 and 3.5 s */
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE)");
    sip_rig_pass(&rig, 29 * S);
    sip_rig_assert_log(&rig, "IDLE");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->bye_timeouts, 1);
    sip_rig_assert_sent(&rig, "BYE BYE BYE BYE BYE BYE BYE");
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

/* ---- before the answer */

static void refusals_carry_their_status_and_mode(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *sent;
        const char *log;
    } table[] = {
        {0, "603", "DISCONNECTED(4,SIP 603) IDLE"},    {486, "486", "DISCONNECTED(20,SIP 486) IDLE"},
        {600, "600", "DISCONNECTED(20,SIP 600) IDLE"}, {480, "480", "DISCONNECTED(100,SIP 480) IDLE"},
        {404, "404", "DISCONNECTED(80,SIP 404) IDLE"}, {503, "503", "DISCONNECTED(200,SIP 503) IDLE"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sip_rig rig;
        sip_rig_open(&rig, sip_rig_config());
        sip_rig_invite(&rig);
        sip_rig_clear(&rig);
        assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, table[i].status), 0);
        sip_rig_assert_log(&rig, table[i].log);
        if (table[i].status == 503)
            assert_true(sip_rig_body_has(&rig, 0, "Retry-After: 5\r\n"));
        sip_rig_assert_sent(&rig, table[i].sent);
        sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "inv", true, "", NULL));
        sip_rig_pass(&rig, 6 * S); /* timer I */
        sip_rig_assert_sent(&rig, "");
        sip_rig_assert_nothing_left(&rig);
        sip_rig_close(&rig);
    }
}

static void a_call_may_be_refused_from_within_its_offering(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    rig.refuse = 503;
    sip_rig_invite(&rig);
    sip_rig_assert_log(&rig, "OFFERING DISCONNECTED(200,SIP 503) IDLE");
    sip_rig_assert_sent(&rig, "100 503");
    assert_int_equal(cf_sip_ua_accept(rig.ua, rig.now, rig.call), -ESTALE);
    sip_rig_close(&rig);
}

static void cancel_ends_a_ringing_call(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        const char *log;
    } table[] = {
        {"", "DISCONNECTED(80000,SIP CANCEL) IDLE"},
        {"Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n", "DISCONNECTED(8,SIP 200) IDLE"},
        {"Reason: Q.850;cause=26\r\n", "DISCONNECTED(8,Q.850 26) IDLE"},
        {"Reason: Q.850;cause=16\r\n", "DISCONNECTED(80000,Q.850 16) IDLE"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sip_rig rig;
        sip_rig_open(&rig, sip_rig_config());
        sip_rig_invite(&rig);
        if (i % 2 == 0)
            cf_sip_ua_accept(rig.ua, rig.now, rig.call);
        sip_rig_clear(&rig);
        sip_rig_receive(&rig, sip_rig_request(&rig, "CANCEL", 1, "inv", false, table[i].headers, NULL));
        sip_rig_assert_log(&rig, table[i].log);
        sip_rig_assert_sent(&rig, "200 487");
        sip_rig_receive(&rig, sip_rig_request(&rig, "CANCEL", 1, "inv", false, "", NULL)); /* again: its answer again */
        sip_rig_assert_sent(&rig, "200");
        sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "inv", true, "", NULL));
        assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), -ESTALE);
        sip_rig_pass(&rig, 40 * S);
        sip_rig_assert_sent(&rig, "");
        sip_rig_assert_nothing_left(&rig);
        sip_rig_close(&rig);
    }
}

static void cancel_that_comes_too_late_changes_nothing(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    cf_sip_ua_answer(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "100 200");
    sip_rig_receive(&rig, sip_rig_request(&rig, "CANCEL", 1, "inv", false, "", NULL));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "OFFERING CONNECTED");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 2, "bye", true, "", NULL));
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE) IDLE");
    sip_rig_clear(&rig);
    sip_rig_receive(&rig, sip_rig_request(&rig, "CANCEL", 5, "nobody", false, "", NULL));
    sip_rig_assert_sent(&rig, "481");
    sip_rig_close(&rig);
}

static void a_final_refusal_is_repeated_until_its_ack(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    cf_sip_ua_drop(rig.ua, rig.now, rig.call, 486);
    sip_rig_assert_sent(&rig, "100 486");
    sip_rig_pass(&rig, 1600 * MS);
    sip_rig_assert_sent(&rig, "486 486"); /* after 0.5 and 1.5 s */
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "inv", true, "", NULL));
    sip_rig_invite(&rig); /* a late repetition of the INVITE is absorbed */
    sip_rig_pass(&rig, 4 * S);
    sip_rig_assert_sent(&rig, "");
    sip_rig_pass(&rig, 2 * S);
    sip_rig_assert_nothing_left(&rig);

    rig.log[0] = '\0';
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 9, "inv9", false, "", SDP("sendrecv")));
    cf_sip_ua_drop(rig.ua, rig.now, rig.call, 486);
    sip_rig_pass(&rig, 33 * S); /* timer H: the ACK never comes */
    sip_rig_assert_sent(&rig, "100 486 486 486 486 486 486 486 486 486 486 486");
    sip_rig_assert_nothing_left(&rig);
    assert_int_equal(cf_sip_ua_counters(rig.ua)->no_ack_final, 1);
    sip_rig_close(&rig);
}

static void an_unanswered_call_is_given_up_after_the_limit(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_config config = sip_rig_config();
    config.ring_limit_ns = 130 * S;
    config.linger_ns = 2 * S;
    sip_rig_open(&rig, config);
    sip_rig_invite(&rig);
    cf_sip_ua_accept(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "100 180");
    sip_rig_pass(&rig, 121 * S);
    sip_rig_assert_sent(&rig, "180 180"); /* once a minute */
    sip_rig_pass(&rig, 10 * S);
    sip_rig_assert_log(&rig, "OFFERING ACCEPTED DISCONNECTED(40,SIP 480)");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "inv", true, "", NULL));
    sip_rig_pass(&rig, 2 * S);
    sip_rig_assert_log(&rig, "IDLE");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->no_answer, 1);
    sip_rig_close(&rig);
}

static void bye_before_the_answer_ends_the_call_too(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    cf_sip_ua_accept(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "100 180");
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 2, "bye", true, "", NULL));
    sip_rig_assert_sent(&rig, "200 487");
    sip_rig_assert_log(&rig, "OFFERING ACCEPTED DISCONNECTED(80000,SIP CANCEL) IDLE");
    sip_rig_close(&rig);
}

/* ---- losses */

static void repeated_requests_get_the_same_answer_and_no_second_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    sip_rig_invite(&rig);
    sip_rig_assert_log(&rig, "OFFERING");
    assert_int_equal(rig.sent_count, 2);
    assert_string_equal(rig.sent[0].text, rig.sent[1].text);
    sip_rig_clear(&rig);
    cf_sip_ua_accept(rig.ua, rig.now, rig.call);
    sip_rig_invite(&rig);
    assert_string_equal(rig.sent[0].text, rig.sent[1].text);
    sip_rig_assert_sent(&rig, "180 180");
    cf_sip_ua_answer(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_invite(&rig); /* ACCEPTED: absorbed, the 2xx has its own timer */
    sip_rig_assert_sent(&rig, "");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 2, "bye", true, "", NULL));
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 2, "bye", true, "", NULL));
    assert_string_equal(rig.sent[0].text, rig.sent[1].text);
    sip_rig_assert_sent(&rig, "200 200");
    sip_rig_assert_log(&rig, "ACCEPTED CONNECTED DISCONNECTED(1,SIP BYE) IDLE");
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 3, "bye3", true, "", NULL)); /* a new BYE of a dead dialog */
    sip_rig_assert_sent(&rig, "481");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->retransmissions, 4);
    sip_rig_close(&rig);
}

static void a_2xx_is_repeated_until_its_ack(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    cf_sip_ua_answer(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "100 200");
    sip_rig_pass(&rig, 1600 * MS);
    sip_rig_assert_sent(&rig, "200 200");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 8, "wrong", true, "", NULL)); /* of another INVITE */
    sip_rig_pass(&rig, 2 * S);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
    sip_rig_pass(&rig, 60 * S);
    sip_rig_assert_sent(&rig, "");
    sip_rig_assert_log(&rig, "OFFERING CONNECTED");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->acks_unmatched, 2);
    sip_rig_close(&rig);
}

static void an_ack_that_never_comes_ends_the_call_with_bye(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    cf_sip_ua_answer(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "100 200");
    sip_rig_pass(&rig, 32100 * MS);
    sip_rig_assert_log(&rig, "OFFERING CONNECTED DISCONNECTED(8000,SIP timeout)");
    sip_rig_assert_sent(&rig, "200 200 200 200 200 200 200 200 200 200 BYE");
    sip_rig_pass(&rig, 33 * S);
    sip_rig_assert_log(&rig, "IDLE");
    sip_rig_assert_nothing_left(&rig);
    assert_int_equal(cf_sip_ua_counters(rig.ua)->no_ack, 1);
    sip_rig_close(&rig);
}

static void a_drop_before_the_ack_waits_for_it(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    cf_sip_ua_answer(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "100 200");
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_log(&rig, "OFFERING CONNECTED DISCONNECTED(1,SIP BYE)");
    sip_rig_pass(&rig, 600 * MS);
    sip_rig_assert_sent(&rig, "200"); /* still repeated: BYE may not come first */
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
    sip_rig_assert_sent(&rig, "BYE");
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 2, "bye", true, "", NULL)); /* both at once */
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "IDLE");
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_log(&rig, "");
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void the_linger_delays_idle_and_a_drop_ends_it(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_config config = sip_rig_config();
    config.linger_ns = 3 * S;
    sip_rig_open(&rig, config);
    for (int drop = 0; drop < 2; drop++) {
        sip_rig_connect(&rig);
        sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 2, drop != 0 ? "bye1" : "bye0", true, "", NULL));
        sip_rig_assert_sent(&rig, "200");
        sip_rig_pass(&rig, 2900 * MS);
        sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE)");
        if (drop != 0)
            assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
        else
            sip_rig_pass(&rig, 200 * MS);
        sip_rig_assert_log(&rig, "IDLE");
        sip_rig_pass(&rig, 40 * S); /* the INVITE's transaction ends, the same INVITE begins a new call */
    }
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void a_closed_call_is_ended_in_silence(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    assert_int_equal(cf_sip_ua_close(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_sent(&rig, "BYE");
    sip_rig_pass(&rig, 70 * S);
    sip_rig_assert_log(&rig, "");
    sip_rig_clear(&rig);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_invite(&rig);
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_close(rig.ua, rig.now, rig.call, 503), 0);
    sip_rig_assert_sent(&rig, "503");
    sip_rig_assert_log(&rig, "");
    assert_int_equal(cf_sip_ua_close(rig.ua, rig.now, rig.call, 0), -ESTALE);
    sip_rig_close(&rig);
}

/* ---- limits */

static void exhaustion_refuses_new_calls_and_harms_no_old_one(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_config config = sip_rig_config();
    config.calls_max = 2;
    sip_rig_open(&rig, config);
    sip_rig_connect(&rig);
    char text[4096];
    for (int i = 0; i < 4; i++) {
        char id[32];
        snprintf(text, sizeof(text), "%s",
                 sip_rig_request(&rig, "INVITE", 1,
                                 i == 0   ? "aa"
                                 : i == 1 ? "bb"
                                          : "cc",
                                 false, "", SDP("sendrecv")));
        snprintf(id, sizeof(id), "%c", 'A' + i);
        memcpy(strstr(text, "one@a.example"), id, 1);
        sip_rig_receive(&rig, text);
    }
    sip_rig_assert_sent(&rig, "100 503 503 503");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->refused_overload, 3);
    rig.log[0] = '\0';
    cf_sip_ua_overload(rig.ua, true);
    snprintf(rig.tag, sizeof(rig.tag), "x");
    sip_rig_receive(&rig, sip_rig_request(&rig, "OPTIONS", 1, "opt", false, "", NULL));
    sip_rig_assert_sent(&rig, "200"); /* overload refuses calls alone */
    sip_rig_close(&rig);
}

/* With too few transactions and blocks for the load, every call still ends, and nothing is lost for ever. */
static void scarce_memory_degrades_without_leaks(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_config config = sip_rig_config();
    config.calls_max = 4;
    config.transactions_max = 3;
    config.blocks_max = 60;
    sip_rig_open(&rig, config);
    unsigned answered = 0;
    for (unsigned i = 0; i < 40; i++) {
        char branch[32], text[4096];
        snprintf(branch, sizeof(branch), "s%u", i);
        snprintf(text, sizeof(text), "%s", sip_rig_request(&rig, "INVITE", 1, branch, false, "", SDP("sendrecv")));
        strstr(text, "one@a.example")[0] = (char)('A' + i % 26);
        const uint64_t before = rig.call;
        sip_rig_receive(&rig, text);
        if (rig.call != before && cf_sip_ua_answer(rig.ua, rig.now, rig.call) == 0) {
            answered++;
            if (i % 2 == 0)
                cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0);
        }
        sip_rig_clear(&rig);
        sip_rig_pass(&rig, 9 * S);
        sip_rig_clear(&rig);
    }
    assert_true(answered > 4);
    assert_true(cf_sip_ua_counters(rig.ua)->refused_overload > 0);
    for (int i = 0; i < 10; i++) { /* no ACK ever came, no BYE was answered */
        sip_rig_pass(&rig, 10 * S);
        sip_rig_clear(&rig);
    }
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void wrong_configurations_are_named(void **state)
{
    (void)state;
    struct cf_sip_config config = sip_rig_config();
    config.host = "two words";
    assert_non_null(cf_sip_config_complete(&config));
    config = sip_rig_config();
    config.media.port = 0;
    assert_non_null(cf_sip_config_complete(&config));
    config = sip_rig_config();
    config.media.codecs = 0;
    assert_non_null(cf_sip_config_complete(&config));
    config = sip_rig_config();
    config.user = "a\r\nb";
    assert_non_null(cf_sip_config_complete(&config));
    config = sip_rig_config();
    config.t1_ns = 5 * S;
    assert_non_null(cf_sip_config_complete(&config));
}

static void count_snapshot(void *context, const struct cf_sip_snapshot *snapshot)
{
    struct sip_rig *rig = context;
    assert_int_equal(snapshot->user, 4711);
    assert_int_equal(snapshot->caller.len, 5);
    snprintf(rig->log + strlen(rig->log), sizeof(rig->log) - strlen(rig->log), "%d%c ", snapshot->state,
             (snapshot->told == CF_SIP_HELD) ? 'h' : '-');
}

static void live_calls_can_be_walked(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 2, "re2", true, "", SDP("sendonly")));
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 7, "second", false, "", SDP("sendrecv")));
    sip_rig_clear(&rig);
    cf_sip_ua_walk(rig.ua, count_snapshot, &rig);
    char wanted[32];
    snprintf(wanted, sizeof(wanted), "%dh %d- ", CF_SIP_CALL_CONFIRMED, CF_SIP_CALL_OFFERING);
    assert_string_equal(rig.log, wanted);
    sip_rig_close(&rig);
}

static void a_call_is_sent_on_before_it_is_answered(void **state)
{
    (void)state;
    static const struct {
        bool accept;
        const char *destination, *contact; /* NULL: it is none */
    } table[] = {
        {false, "5550300", "Contact: <sip:5550300@example.com>\r\n"},
        {true, "tel:+15550300", "Contact: <tel:+15550300>\r\n"},
        {false, "bob@example.org", "Contact: <sip:bob@example.org>\r\n"},
        {false, "", NULL},
        {true, "sip:a b@x", NULL},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sip_rig rig;
        struct cf_sip_config config = sip_rig_config();
        config.has_peer = true;
        config.domain = "example.com";
        sip_rig_open(&rig, config);
        const struct cf_sip_words destination = {table[i].destination, strlen(table[i].destination)};
        sip_rig_invite(&rig);
        if (table[i].accept)
            assert_int_equal(cf_sip_ua_accept(rig.ua, rig.now, rig.call), 0);
        sip_rig_clear(&rig);
        const int rc = cf_sip_ua_redirect(rig.ua, rig.now, rig.call, destination);
        if (table[i].contact != NULL) {
            assert_int_equal(rc, 0);
            assert_true(sip_rig_body_has(&rig, 0, table[i].contact));
            sip_rig_assert_sent(&rig, "302");
            sip_rig_assert_log(&rig, "DISCONNECTED(10,SIP 302) IDLE");
            assert_int_equal(cf_sip_ua_redirect(rig.ua, rig.now, rig.call, destination), -ESTALE);
        } else {
            assert_int_equal(rc, -EDESTADDRREQ);
            sip_rig_assert_sent(&rig, "");
            assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
            assert_int_equal(cf_sip_ua_redirect(rig.ua, rig.now, rig.call, destination), -EINVAL);
            sip_rig_assert_sent(&rig, "200");
            cf_sip_ua_close(rig.ua, rig.now, rig.call, 0);
        }
        sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "inv", true, "", NULL));
        rig.sent_count = 0;
        sip_rig_pass(&rig, 20 * S);
        rig.sent_count = 0;
        sip_rig_pass(&rig, 60 * S);
        sip_rig_assert_nothing_left(&rig);
        sip_rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_sent_on_before_it_is_answered),
        cmocka_unit_test(an_ordinary_call_is_offered_accepted_answered_and_ended),
        cmocka_unit_test(our_own_drop_sends_bye_and_waits_for_its_answer),
        cmocka_unit_test(a_bye_that_nobody_answers_is_repeated_and_given_up),
        cmocka_unit_test(refusals_carry_their_status_and_mode),
        cmocka_unit_test(a_call_may_be_refused_from_within_its_offering),
        cmocka_unit_test(cancel_ends_a_ringing_call),
        cmocka_unit_test(cancel_that_comes_too_late_changes_nothing),
        cmocka_unit_test(a_final_refusal_is_repeated_until_its_ack),
        cmocka_unit_test(an_unanswered_call_is_given_up_after_the_limit),
        cmocka_unit_test(bye_before_the_answer_ends_the_call_too),
        cmocka_unit_test(repeated_requests_get_the_same_answer_and_no_second_call),
        cmocka_unit_test(a_2xx_is_repeated_until_its_ack),
        cmocka_unit_test(an_ack_that_never_comes_ends_the_call_with_bye),
        cmocka_unit_test(a_drop_before_the_ack_waits_for_it),
        cmocka_unit_test(the_linger_delays_idle_and_a_drop_ends_it),
        cmocka_unit_test(a_closed_call_is_ended_in_silence),
        cmocka_unit_test(exhaustion_refuses_new_calls_and_harms_no_old_one),
        cmocka_unit_test(scarce_memory_degrades_without_leaks),
        cmocka_unit_test(wrong_configurations_are_named),
        cmocka_unit_test(live_calls_can_be_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
