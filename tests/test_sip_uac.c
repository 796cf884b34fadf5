/* Calls that we make, under simulated time: answers of every kind, forks, redirects, challenges, CANCEL, losses, streams. */
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
#include "tests/support/sip_peer.h"

static struct sip_asked invite;

/* ---- whole calls */

static void a_call_is_dialled_rings_is_answered_and_ended_by_the_other_side(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    assert_true(sip_peer_slice_is(&invite.msg, invite.msg.uri, "sip:200@example.com"));
    assert_true(sip_peer_slice_is(&invite.msg, invite.msg.from.uri, "sip:100@example.com"));
    assert_true(sip_peer_slice_is(&invite.msg, invite.msg.to.uri, "sip:200@example.com"));
    assert_int_equal(invite.msg.to.tag.len, 0);
    assert_true(sip_peer_slice_is(&invite.msg, invite.msg.contact.uri, "sip:callfan@192.0.2.1:5060"));
    assert_non_null(strstr(invite.text, "m=audio 4000 RTP/AVP 0 8\r\n"));
    assert_int_equal(rig.sent[0].port, 5070);
    sip_peer_answer(&rig, &invite, 100, NULL, "", NULL);
    sip_rig_assert_log(&rig, "PROCEEDING");
    sip_peer_answer(&rig, &invite, 183, "callee", CONTACT, NULL);
    sip_rig_assert_log(&rig, "");
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT, NULL);
    sip_rig_assert_log(&rig, "RINGBACK");
    sip_peer_answer(&rig, &invite, 183, "callee", CONTACT, NULL);
    sip_rig_assert_log(&rig, ""); /* it keeps ringing */
    sip_peer_answer(&rig, &invite, 200, "callee", CONTACT, ANSWER("sendrecv"));
    sip_rig_assert_log(&rig, "INFORMED CONNECTED");
    assert_int_equal(rig.sent[0].port, 5071); /* ACK goes to the contact */
    sip_rig_assert_sent(&rig, "ACK");
    sip_peer_answer(&rig, &invite, 200, "callee", CONTACT, ANSWER("sendrecv"));
    sip_rig_assert_sent(&rig, "ACK"); /* each 2xx gets one */
    sip_peer_ask(&rig, &invite, "BYE", 1, "Reason: Q.850;cause=16\r\n", NULL);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "DISCONNECTED(1,Q.850 16) IDLE");
    sip_peer_close(&rig);
}

static void our_drop_of_an_answered_call_sends_bye(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked bye;
    sip_peer_open(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE)");
    sip_peer_take(&rig, 0, &bye);
    assert_true(sip_peer_slice_is(&bye.msg, bye.msg.uri, "sip:200@198.51.100.7:5071"));
    assert_true(sip_peer_slice_is(&bye.msg, bye.msg.to.tag, "callee"));
    assert_int_equal(bye.msg.cseq, 2);
    sip_rig_assert_sent(&rig, "BYE");
    sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
    sip_rig_assert_log(&rig, "IDLE");
    sip_peer_close(&rig);
}

static void final_answers_end_the_call_with_their_modes(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *reason;
        const char *log;
    } rows[] = {
        {486, "", "BUSY DISCONNECTED(20,SIP 486) IDLE"},
        {600, "", "BUSY DISCONNECTED(20,SIP 600) IDLE"},
        {603, "", "DISCONNECTED(4,SIP 603) IDLE"},
        {404, "", "DISCONNECTED(80,SIP 404) IDLE"},
        {480, "", "DISCONNECTED(100,SIP 480) IDLE"},
        {503, "", "DISCONNECTED(200,SIP 503) IDLE"},
        {503, "Reason: Q.850;cause=34\r\n", "DISCONNECTED(200,Q.850 34) IDLE"},
        {500, "Reason: Q.850;cause=21\r\n", "DISCONNECTED(4,Q.850 21) IDLE"},
        {500, "Reason: Q.850;cause=16\r\n", "DISCONNECTED(1,Q.850 16) IDLE"},
        {487, "", "DISCONNECTED(80000,SIP 487) IDLE"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_rig rig;
        sip_peer_open(&rig);
        sip_peer_make(&rig, "200", &invite);
        sip_peer_answer(&rig, &invite, rows[i].status, "callee", rows[i].reason, NULL);
        sip_rig_assert_log(&rig, rows[i].log);
        sip_rig_assert_sent(&rig, "ACK");
        sip_peer_answer(&rig, &invite, rows[i].status, "callee", rows[i].reason, NULL);
        sip_rig_assert_sent(&rig, "ACK"); /* the answer again, the ACK again */
        sip_rig_assert_log(&rig, "");
        sip_peer_close(&rig);
    }
}

static void ack_and_cancel_repeat_what_the_rfc_wants(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked ack;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 486, "callee", "", NULL);
    sip_peer_take(&rig, 0, &ack);
    assert_true(sip_peer_slice_is(&ack.msg, ack.msg.uri, "sip:200@example.com"));
    assert_true(sip_peer_slice_is(&ack.msg, ack.msg.to.tag, "callee"));
    assert_int_equal(ack.msg.cseq, invite.msg.cseq);
    assert_int_equal(ack.msg.via.branch.len, invite.msg.via.branch.len);
    assert_memory_equal(cf_sip_ptr(&ack.msg, ack.msg.via.branch), cf_sip_ptr(&invite.msg, invite.msg.via.branch),
                        ack.msg.via.branch.len);
    sip_peer_close(&rig);
}

/* ---- giving up */

static void cancel_waits_for_a_provisional_answer_and_487_ends_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked cancel;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_sent(&rig, "");
    sip_rig_assert_log(&rig, "");
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT, NULL);
    sip_peer_take(&rig, 0, &cancel);
    assert_memory_equal(cf_sip_ptr(&cancel.msg, cancel.msg.via.branch), cf_sip_ptr(&invite.msg, invite.msg.via.branch),
                        cancel.msg.via.branch.len);
    assert_int_equal(cancel.msg.to.tag.len, 0);
    assert_int_equal(cancel.msg.cseq, invite.msg.cseq);
    sip_rig_assert_sent(&rig, "CANCEL");
    sip_peer_answer(&rig, &cancel, 200, "callee", "", NULL);
    sip_peer_answer(&rig, &invite, 487, "callee", "", NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "DISCONNECTED(80000,SIP CANCEL) IDLE");
    sip_peer_close(&rig);
}

static void a_cancel_has_its_time_however_late_it_could_be_sent(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_pass(&rig, 31 * S);
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT, NULL);
    sip_rig_assert_sent(&rig, "CANCEL");
    sip_rig_pass(&rig, 3 * S);
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &invite, 487, "callee", "", NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "DISCONNECTED(80000,SIP CANCEL) IDLE");
    sip_peer_close(&rig);
}

static void an_answer_that_crosses_cancel_is_confirmed_and_ended(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked bye;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT, NULL);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_sent(&rig, "CANCEL");
    sip_rig_assert_log(&rig, "RINGBACK");
    sip_peer_answer(&rig, &invite, 200, "callee", CONTACT, ANSWER("sendrecv"));
    sip_peer_take(&rig, 1, &bye);
    sip_rig_assert_sent(&rig, "ACK BYE");
    sip_rig_assert_log(&rig, "INFORMED CONNECTED DISCONNECTED(1,SIP BYE)");
    sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
    sip_rig_assert_log(&rig, "IDLE");
    sip_peer_close(&rig);
}

static void a_cancel_without_effect_ends_in_time(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT, NULL);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 31 * S);
    sip_rig_assert_log(&rig, "");
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 2 * S);
    sip_rig_assert_log(&rig, "DISCONNECTED(80000,SIP CANCEL) IDLE");
    sip_peer_close(&rig);
}

static void who_rings_too_long_is_cancelled_and_has_not_answered(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT, NULL);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 179 * S);
    sip_peer_pass_until_sent(&rig, 2 * S);
    sip_rig_assert_sent(&rig, "CANCEL");
    sip_peer_answer(&rig, &invite, 487, "callee", "", NULL);
    sip_rig_assert_log(&rig, "DISCONNECTED(40,SIP 408) IDLE");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->no_answer, 1);
    sip_peer_close(&rig);
}

static void an_invite_that_nobody_answers_is_repeated_and_given_up(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_rig_pass(&rig, 31 * S);
    sip_rig_assert_sent(
        &rig, "INVITE INVITE INVITE INVITE INVITE"); /* 0.5, 1.5, 3.5, 7.5, 15.5 s; the next would be at 31.5 */
    sip_rig_assert_log(&rig, "");
    sip_rig_pass(&rig, 2 * S);
    sip_rig_assert_log(&rig, "DISCONNECTED(100,SIP unreachable) IDLE");
    sip_peer_close(&rig);
}

static void a_bye_that_nobody_answers_ends_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 33 * S);
    sip_rig_assert_log(&rig, "IDLE");
    sip_peer_close(&rig);
}

/* ---- forks */

static void the_first_fork_to_answer_has_the_call_and_others_are_ended(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked ack, bye;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "a", "Contact: <sip:a@198.51.100.7:6001>\r\n", NULL);
    sip_peer_answer(&rig, &invite, 180, "b", "Contact: <sip:b@198.51.100.7:6002>\r\n", NULL);
    sip_rig_assert_log(&rig, "RINGBACK");
    sip_peer_answer(&rig, &invite, 200, "b", "Contact: <sip:b@198.51.100.7:6002>\r\n", ANSWER("sendrecv"));
    assert_int_equal(rig.sent[0].port, 6002);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "INFORMED CONNECTED");
    sip_peer_answer(&rig, &invite, 200, "a", "Contact: <sip:a@198.51.100.7:6001>\r\n", ANSWER("sendrecv"));
    sip_peer_take(&rig, 0, &ack);
    sip_peer_take(&rig, 1, &bye);
    assert_true(sip_peer_slice_is(&ack.msg, ack.msg.to.tag, "a"));
    assert_int_equal(ack.msg.cseq, invite.msg.cseq);
    assert_true(sip_peer_slice_is(&bye.msg, bye.msg.uri, "sip:a@198.51.100.7:6001"));
    assert_int_equal(rig.sent[1].port, 6001);
    sip_rig_assert_sent(&rig, "ACK BYE");
    sip_rig_assert_log(&rig, "");
    sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
    sip_peer_answer(&rig, &invite, 200, "b", "Contact: <sip:b@198.51.100.7:6002>\r\n", ANSWER("sendrecv"));
    sip_rig_assert_sent(&rig, "ACK");
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_peer_take(&rig, 0, &bye);
    assert_true(sip_peer_slice_is(&bye.msg, bye.msg.to.tag, "b"));
    sip_peer_close(&rig);
}

/* A request of the callee with another tag than "callee". */
static void ask_as(struct sip_rig *rig, const char *tag, const char *method, unsigned cseq)
{
    char text[2048];
    const struct cf_sip_msg *msg = &invite.msg;
    snprintf(text, sizeof(text),
             "%s sip:callfan@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bK%s%s%u\r\n"
             "From: %.*s;tag=%s\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: %u %s\r\n\r\n",
             method, tag, method, cseq, msg->to.value.len, cf_sip_ptr(msg, msg->to.value), tag, msg->from.value.len,
             cf_sip_ptr(msg, msg->from.value), msg->call_id.len, cf_sip_ptr(msg, msg->call_id), cseq, method);
    sip_rig_receive(rig, text);
}

static void each_fork_counts_its_requests_for_itself(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "a", "Contact: <sip:a@198.51.100.7:6001>\r\n", NULL);
    ask_as(&rig, "a", "OPTIONS", 100);
    sip_rig_assert_sent(&rig, "200");
    sip_peer_answer(&rig, &invite, 200, "b", "Contact: <sip:b@198.51.100.7:6002>\r\n", ANSWER("sendrecv"));
    sip_rig_clear(&rig);
    ask_as(&rig, "b", "BYE", 1);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE) IDLE");
    sip_peer_close(&rig);
}

static void a_late_fork_is_ended_once_and_without_its_contact(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked bye;
    sip_peer_open(&rig);
    sip_peer_connect(&rig, &invite);
    for (unsigned i = 0; i < 3; i++) {
        sip_peer_answer(&rig, &invite, 200, "late", "", ANSWER("sendrecv"));
        if (i == 0)
            sip_peer_take(&rig, 1, &bye);
        sip_rig_assert_sent(&rig, i == 0 ? "ACK BYE" : "ACK");
    }
    assert_true(sip_peer_slice_is(&bye.msg, bye.msg.uri, "sip:200@example.com"));
    assert_int_equal(cf_sip_ua_counters(rig.ua)->forks_ended, 1);
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    sip_peer_close(&rig);
}

static void a_peer_that_makes_up_forks_gets_a_bounded_answer(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    for (unsigned i = 0; i < 50; i++) {
        char tag[16];
        snprintf(tag, sizeof(tag), "early%u", i);
        sip_rig_pass(&rig, 20 * MS); /* so that not all are repeated at once */
        rig.sent_count = 0;
        sip_peer_answer(&rig, &invite, 180, tag, CONTACT "Require: 100rel\r\nRSeq: 1\r\n", NULL);
        sip_rig_assert_sent(&rig, "PRACK");
    }
    sip_peer_answer(&rig, &invite, 200, "callee", CONTACT, ANSWER("sendrecv"));
    for (unsigned i = 0; i < 50; i++) {
        char tag[16];
        snprintf(tag, sizeof(tag), "late%u", i);
        sip_rig_pass(&rig, 20 * MS);
        rig.sent_count = 0;
        sip_peer_answer(&rig, &invite, 200, tag, CONTACT, ANSWER("sendrecv"));
        sip_rig_assert_sent(&rig, i < 14 ? "ACK BYE" : "ACK");
    }
    assert_int_equal(cf_sip_ua_counters(rig.ua)->forks_ignored, 36);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    for (unsigned i = 0; i < 2000; i++) { /* many requests that nobody answers */
        rig.sent_count = 0;
        sip_rig_pass(&rig, 20 * MS);
    }
    sip_peer_close(&rig);
}

/* ---- routes */

static void record_routes_are_followed_in_reverse(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 200, "callee",
                    CONTACT "Record-Route: <sip:198.51.100.9:5080;lr>, <sip:198.51.100.8;lr>\r\n"
                            "Record-Route: <sip:198.51.100.7:5070;lr>\r\n",
                    ANSWER("sendrecv"));
    assert_int_equal(rig.sent[0].port, 5070);
    assert_non_null(strstr(rig.sent[0].text, "Route: <sip:198.51.100.7:5070;lr>, <sip:198.51.100.8;lr>, "
                                             "<sip:198.51.100.9:5080;lr>\r\n"));
    assert_memory_equal(rig.sent[0].text, "ACK sip:200@198.51.100.7:5071 ", 30);
    sip_rig_assert_sent(&rig, "ACK");
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    assert_non_null(strstr(rig.sent[0].text, "Route: <sip:198.51.100.7:5070;lr>, "));
    sip_peer_close(&rig);
}

/* ---- redirects */

static void a_redirect_is_followed_with_a_new_invite(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked second;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 302, "callee",
                    "Contact: <sip:900@198.51.100.7:6000>;q=0.2, <sip:300@example.com>;q=0.9\r\n", NULL);
    sip_peer_take(&rig, 1, &second);
    assert_true(sip_peer_slice_is(&second.msg, second.msg.uri, "sip:300@example.com"));
    assert_true(sip_peer_slice_is(&second.msg, second.msg.to.uri, "sip:200@example.com"));
    assert_int_equal(second.msg.cseq, invite.msg.cseq + 1);
    sip_rig_assert_sent(&rig, "ACK INVITE");
    sip_rig_assert_log(&rig, "PROCEEDING INFORMED");
    sip_peer_answer(&rig, &second, 200, "callee", CONTACT, ANSWER("sendrecv"));
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "INFORMED CONNECTED");
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    sip_peer_close(&rig);
}

static void a_redirect_of_a_call_that_rang_rings_anew(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT, NULL);
    sip_peer_answer(&rig, &invite, 302, "callee", "Contact: <sip:300@example.com>\r\n", NULL);
    sip_peer_take(&rig, 1, &invite);
    sip_peer_answer(&rig, &invite, 180, "other", CONTACT, NULL);
    sip_rig_assert_log(&rig, "RINGBACK PROCEEDING INFORMED RINGBACK");
    sip_peer_answer(&rig, &invite, 486, "other", "", NULL);
    sip_peer_close(&rig);
}

static void redirects_end_somewhere(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    for (unsigned i = 0; i < 3; i++) {
        sip_peer_answer(&rig, &invite, 302, "callee", "Contact: <sip:300@example.com>\r\n", NULL);
        sip_peer_take(&rig, 1, &invite);
        sip_rig_assert_sent(&rig, "ACK INVITE");
    }
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &invite, 302, "callee", "Contact: <sip:300@example.com>\r\n", NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "DISCONNECTED(10,SIP 302) IDLE");
    sip_peer_close(&rig);
}

static void a_redirect_to_nowhere_ends_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 301, "callee", "Contact: <mailto:x@example.com>\r\n", NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "DISCONNECTED(2000,SIP 301) IDLE");
    sip_peer_close(&rig);
}

/* ---- challenges */

static void a_challenge_is_answered_once_and_remembered(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked second, bye;
    sip_rig_open(&rig, sip_peer_login_config());
    sip_peer_make(&rig, "200", &invite);
    assert_null(strstr(invite.text, "Authorization"));
    sip_peer_answer(&rig, &invite, 407, "proxy", "Proxy-Authenticate: " CHALLENGE, NULL);
    sip_peer_take(&rig, 1, &second);
    assert_non_null(strstr(second.text, "\r\nProxy-Authorization: Digest username=\"alice\""));
    assert_null(strstr(second.text, "secret"));
    assert_int_equal(second.msg.cseq, 2);
    sip_rig_assert_sent(&rig, "ACK INVITE");
    sip_rig_assert_log(&rig, "");
    sip_peer_answer(&rig, &second, 200, "callee", CONTACT, ANSWER("sendrecv"));
    assert_non_null(strstr(rig.sent[0].text, "Proxy-Authorization"));
    sip_rig_assert_sent(&rig, "ACK");
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_peer_take(&rig, 0, &bye);
    assert_non_null(strstr(bye.text, "Proxy-Authorization"));
    assert_non_null(strstr(bye.text, "nc=00000003")); /* INVITE, ACK, BYE */
    sip_rig_assert_sent(&rig, "BYE");
    sip_peer_answer(&rig, &bye, 401, NULL, "WWW-Authenticate: " CHALLENGE, NULL);
    sip_peer_take(&rig, 0, &bye);
    sip_rig_assert_sent(&rig, "BYE");
    sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
    sip_peer_close(&rig);
}

static void a_proxy_and_the_callee_may_both_challenge(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_peer_login_config());
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 407, "proxy", "Proxy-Authenticate: " CHALLENGE, NULL);
    sip_peer_take(&rig, 1, &invite);
    sip_rig_assert_sent(&rig, "ACK INVITE");
    sip_peer_answer(&rig, &invite, 401, "callee", "WWW-Authenticate: " CHALLENGE, NULL);
    sip_peer_take(&rig, 1, &invite);
    sip_rig_assert_sent(&rig, "ACK INVITE");
    assert_non_null(strstr(invite.text, "\r\nProxy-Authorization: Digest "));
    assert_non_null(strstr(invite.text, "\r\nAuthorization: Digest "));
    sip_peer_answer(&rig, &invite, 401, "callee", "WWW-Authenticate: " CHALLENGE, NULL);
    sip_rig_assert_sent(&rig, "ACK"); /* once each */
    sip_rig_assert_log(&rig, "DISCONNECTED(4,SIP 401) IDLE");
    sip_peer_close(&rig);
}

static void credentials_that_are_not_taken_end_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked second;
    sip_rig_open(&rig, sip_peer_login_config());
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 401, "x", "WWW-Authenticate: " CHALLENGE, NULL);
    sip_peer_take(&rig, 1, &second);
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &second, 401, "x", "WWW-Authenticate: " CHALLENGE, NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "DISCONNECTED(4,SIP 401) IDLE");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->login_failed, 1);
    sip_peer_close(&rig);
}

static void without_credentials_a_challenge_is_a_refusal(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 401, "x", "WWW-Authenticate: " CHALLENGE, NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "DISCONNECTED(4,SIP 401) IDLE");
    sip_peer_close(&rig);
}

/* What comes from elsewhere within an early dialog does not take our INVITE with it. */
static void an_invite_goes_again_to_where_it_went(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_peer_login_config());
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT, NULL);
    cf_sip_addr_set_port(&rig.peer.addr, 9999);
    sip_peer_ask(&rig, &invite, "OPTIONS", 1, "", NULL);
    sip_rig_assert_sent(&rig, "200");
    sip_peer_answer(&rig, &invite, 407, "callee", "Proxy-Authenticate: " CHALLENGE, NULL);
    assert_int_equal(rig.sent[1].port, 5070);
    sip_peer_take(&rig, 1, &invite);
    sip_rig_assert_sent(&rig, "ACK INVITE");
    sip_peer_answer(&rig, &invite, 486, "other", "", NULL);
    sip_peer_close(&rig);
}

/* ---- reliable provisional responses */

static void reliable_ringing_is_acknowledged_in_order(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked prack;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT "Require: 100rel\r\nRSeq: 17\r\n", NULL);
    sip_peer_take(&rig, 0, &prack);
    assert_non_null(strstr(prack.text, "RAck: 17 1 INVITE\r\n"));
    assert_true(sip_peer_slice_is(&prack.msg, prack.msg.to.tag, "callee"));
    assert_int_equal(prack.msg.cseq, 2);
    assert_int_equal(rig.sent[0].port, 5071); /* to the contact, as ACK */
    sip_rig_assert_sent(&rig, "PRACK");
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT "Require: 100rel\r\nRSeq: 17\r\n", NULL);
    sip_rig_assert_sent(&rig, ""); /* its own transaction repeats the PRACK */
    sip_peer_answer(&rig, &invite, 183, "callee", CONTACT "Require: 100rel\r\nRSeq: 19\r\n", NULL);
    sip_rig_assert_sent(&rig, ""); /* out of order */
    sip_peer_answer(&rig, &prack, 200, NULL, "", NULL);
    sip_peer_answer(&rig, &invite, 183, "callee", CONTACT "Require: 100rel\r\nRSeq: 18\r\n", NULL);
    sip_peer_take(&rig, 0, &prack);
    sip_rig_assert_sent(&rig, "PRACK");
    sip_peer_answer(&rig, &prack, 200, NULL, "", NULL);
    sip_peer_answer(&rig, &invite, 486, "callee", "", NULL);
    sip_rig_assert_log(&rig, "RINGBACK BUSY DISCONNECTED(20,SIP 486) IDLE");
    sip_peer_close(&rig);
}

/* ---- destinations */

static void destinations_become_uris(void **state)
{
    (void)state;
    static const struct {
        const char *destination, *uri;
    } rows[] = {
        {"+1 (425) 555-0100", "sip:+14255550100@example.com"},
        {"alice", "sip:alice@example.com"},
        {"x y", "sip:x%20y@example.com"},
        {"bob@other.example", "sip:bob@other.example"},
        {"sip:carol@198.51.100.7:5099", "sip:carol@198.51.100.7:5099"},
        {"tel:+123", "tel:+123"},
        {"200|sub^Name", "sip:200@example.com"},
        {"\xc3\xa4", "sip:%C3%A4@example.com"},
    };
    static const char *const wrong[] = {"", "|x", "sips:x@example.com", "sip:", "sip:a b@c", "sip:a@b>\r\nX: y"};
    struct sip_rig rig;
    sip_peer_open(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_peer_make(&rig, rows[i].destination, &invite);
        if (!sip_peer_slice_is(&invite.msg, invite.msg.uri, rows[i].uri))
            fail_msg("%s became %.*s", rows[i].destination, invite.msg.uri.len,
                     cf_sip_ptr(&invite.msg, invite.msg.uri));
        sip_peer_answer(&rig, &invite, 404, "x", "", NULL);
        sip_rig_clear(&rig);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct cf_sip_making making = {.destination = {wrong[i], strlen(wrong[i])}};
        uint64_t call;
        const int rc = cf_sip_ua_make(rig.ua, rig.now, &making, &call);
        if (rc != -EINVAL)
            fail_msg("\"%s\" was taken", wrong[i]);
    }
    sip_peer_close(&rig);
}

static void without_a_peer_only_numeric_addresses_can_be_called(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    const struct cf_sip_making wrong = {.destination = {"200", 3}};
    const struct cf_sip_making name = {.destination = {"sip:a@example.com", 17}};
    uint64_t call;
    assert_int_equal(cf_sip_ua_make(rig.ua, rig.now, &wrong, &call), -EINVAL);
    assert_int_equal(cf_sip_ua_make(rig.ua, rig.now, &name, &call), -EINVAL);
    sip_peer_make(&rig, "sip:200@198.51.100.7:5099", &invite);
    assert_int_equal(rig.sent[0].port, 5099);
    sip_peer_answer(&rig, &invite, 404, "x", "", NULL);
    sip_peer_close(&rig);
}

/* ---- streams */

static void over_a_stream_nothing_is_repeated(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked bye;
    struct cf_sip_config config = sip_peer_config();
    config.peer.stream = true;
    sip_rig_open(&rig, config);
    rig.peer.stream = true;
    rig.peer.connection = 77;
    sip_peer_make(&rig, "200", &invite);
    assert_int_equal(invite.msg.via.transport, CF_SIP_TRANSPORT_TCP);
    assert_true(sip_peer_slice_is(&invite.msg, invite.msg.contact.uri, "sip:callfan@192.0.2.1:5060;transport=tcp"));
    assert_true(rig.sent[0].to.stream);
    sip_rig_pass(&rig, 20 * S);
    sip_rig_assert_sent(&rig, "");
    sip_peer_answer(&rig, &invite, 200, "callee", CONTACT, ANSWER("sendrecv"));
    assert_true(rig.sent[0].to.stream);
    assert_int_equal(rig.sent[0].to.connection, 77); /* what the answer came over */
    sip_rig_assert_sent(&rig, "ACK");
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_peer_take(&rig, 0, &bye);
    sip_rig_assert_sent(&rig, "BYE");
    sip_rig_pass(&rig, 20 * S);
    sip_rig_assert_sent(&rig, "");
    sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
    sip_rig_assert_log(&rig, "INFORMED CONNECTED DISCONNECTED(1,SIP BYE) IDLE");
    sip_peer_close(&rig);
}

static void a_connection_that_cannot_be_made_ends_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_config config = sip_peer_config();
    config.peer.stream = true;
    sip_rig_open(&rig, config);
    sip_peer_make(&rig, "200", &invite);
    cf_sip_ua_connection_failed(rig.ua, rig.now, &config.peer.addr);
    sip_rig_assert_log(&rig, "DISCONNECTED(100,SIP unreachable) IDLE");
    sip_peer_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_dialled_rings_is_answered_and_ended_by_the_other_side),
        cmocka_unit_test(our_drop_of_an_answered_call_sends_bye),
        cmocka_unit_test(final_answers_end_the_call_with_their_modes),
        cmocka_unit_test(ack_and_cancel_repeat_what_the_rfc_wants),
        cmocka_unit_test(cancel_waits_for_a_provisional_answer_and_487_ends_the_call),
        cmocka_unit_test(a_cancel_has_its_time_however_late_it_could_be_sent),
        cmocka_unit_test(an_answer_that_crosses_cancel_is_confirmed_and_ended),
        cmocka_unit_test(a_cancel_without_effect_ends_in_time),
        cmocka_unit_test(who_rings_too_long_is_cancelled_and_has_not_answered),
        cmocka_unit_test(an_invite_that_nobody_answers_is_repeated_and_given_up),
        cmocka_unit_test(a_bye_that_nobody_answers_ends_the_call),
        cmocka_unit_test(the_first_fork_to_answer_has_the_call_and_others_are_ended),
        cmocka_unit_test(each_fork_counts_its_requests_for_itself),
        cmocka_unit_test(a_late_fork_is_ended_once_and_without_its_contact),
        cmocka_unit_test(a_peer_that_makes_up_forks_gets_a_bounded_answer),
        cmocka_unit_test(record_routes_are_followed_in_reverse),
        cmocka_unit_test(a_redirect_is_followed_with_a_new_invite),
        cmocka_unit_test(a_redirect_of_a_call_that_rang_rings_anew),
        cmocka_unit_test(an_invite_goes_again_to_where_it_went),
        cmocka_unit_test(redirects_end_somewhere),
        cmocka_unit_test(a_redirect_to_nowhere_ends_the_call),
        cmocka_unit_test(a_challenge_is_answered_once_and_remembered),
        cmocka_unit_test(a_proxy_and_the_callee_may_both_challenge),
        cmocka_unit_test(credentials_that_are_not_taken_end_the_call),
        cmocka_unit_test(without_credentials_a_challenge_is_a_refusal),
        cmocka_unit_test(reliable_ringing_is_acknowledged_in_order),
        cmocka_unit_test(destinations_become_uris),
        cmocka_unit_test(without_a_peer_only_numeric_addresses_can_be_called),
        cmocka_unit_test(over_a_stream_nothing_is_repeated),
        cmocka_unit_test(a_connection_that_cannot_be_made_ends_the_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
