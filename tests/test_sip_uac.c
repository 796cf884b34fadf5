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

#define CONTACT "Contact: <sip:200@198.51.100.7:5071>\r\n"

static struct sip_asked invite;

static bool slice_is(const struct cf_sip_msg *msg, struct cf_sip_slice slice, const char *text)
{
    return slice.len == strlen(text) && memcmp(cf_sip_ptr(msg, slice), text, slice.len) == 0;
}

/* Passes time until something is sent, `most` at the most. */
static void pass_until_sent(struct sip_rig *rig, uint64_t most)
{
    const uint64_t end = rig->now + most;
    while (rig->sent_count == 0 && rig->now < end)
        sip_rig_pass(rig, 10 * MS);
}

static void open_rig(struct sip_rig *rig)
{
    sip_rig_open(rig, sip_peer_config());
}

/* Lets every timer run out and looks whether something is left. */
static void close_rig(struct sip_rig *rig)
{
    sip_rig_clear(rig);
    sip_rig_pass(rig, 60 * S);
    sip_rig_assert_nothing_left(rig);
    sip_rig_close(rig);
}

/* ---- whole calls */

static void a_call_is_dialled_rings_is_answered_and_ended_by_the_other_side(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
    sip_peer_make(&rig, "200", &invite);
    assert_true(slice_is(&invite.msg, invite.msg.uri, "sip:200@example.com"));
    assert_true(slice_is(&invite.msg, invite.msg.from.uri, "sip:100@example.com"));
    assert_true(slice_is(&invite.msg, invite.msg.to.uri, "sip:200@example.com"));
    assert_int_equal(invite.msg.to.tag.len, 0);
    assert_true(slice_is(&invite.msg, invite.msg.contact.uri, "sip:callfan@192.0.2.1:5060"));
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
    close_rig(&rig);
}

static void our_drop_of_an_answered_call_sends_bye(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked bye;
    open_rig(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE)");
    sip_peer_take(&rig, 0, &bye);
    assert_true(slice_is(&bye.msg, bye.msg.uri, "sip:200@198.51.100.7:5071"));
    assert_true(slice_is(&bye.msg, bye.msg.to.tag, "callee"));
    assert_int_equal(bye.msg.cseq, 2);
    sip_rig_assert_sent(&rig, "BYE");
    sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
    sip_rig_assert_log(&rig, "IDLE");
    close_rig(&rig);
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
        {487, "", "DISCONNECTED(80000,SIP 487) IDLE"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_rig rig;
        open_rig(&rig);
        sip_peer_make(&rig, "200", &invite);
        sip_peer_answer(&rig, &invite, rows[i].status, "callee", rows[i].reason, NULL);
        sip_rig_assert_log(&rig, rows[i].log);
        sip_rig_assert_sent(&rig, "ACK");
        sip_peer_answer(&rig, &invite, rows[i].status, "callee", rows[i].reason, NULL);
        sip_rig_assert_sent(&rig, "ACK"); /* the answer again, the ACK again */
        sip_rig_assert_log(&rig, "");
        close_rig(&rig);
    }
}

static void ack_and_cancel_repeat_what_the_rfc_wants(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked ack;
    open_rig(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 486, "callee", "", NULL);
    sip_peer_take(&rig, 0, &ack);
    assert_true(slice_is(&ack.msg, ack.msg.uri, "sip:200@example.com"));
    assert_true(slice_is(&ack.msg, ack.msg.to.tag, "callee"));
    assert_int_equal(ack.msg.cseq, invite.msg.cseq);
    assert_int_equal(ack.msg.via.branch.len, invite.msg.via.branch.len);
    assert_memory_equal(cf_sip_ptr(&ack.msg, ack.msg.via.branch), cf_sip_ptr(&invite.msg, invite.msg.via.branch),
                        ack.msg.via.branch.len);
    close_rig(&rig);
}

/* ---- giving up */

static void cancel_waits_for_a_provisional_answer_and_487_ends_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked cancel;
    open_rig(&rig);
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
    close_rig(&rig);
}

static void a_cancel_has_its_time_however_late_it_could_be_sent(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
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
    close_rig(&rig);
}

static void an_answer_that_crosses_cancel_is_confirmed_and_ended(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked bye;
    open_rig(&rig);
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
    close_rig(&rig);
}

static void a_cancel_without_effect_ends_in_time(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT, NULL);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 31 * S);
    sip_rig_assert_log(&rig, "");
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 2 * S);
    sip_rig_assert_log(&rig, "DISCONNECTED(80000,SIP CANCEL) IDLE");
    close_rig(&rig);
}

static void who_rings_too_long_is_cancelled_and_has_not_answered(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT, NULL);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 179 * S);
    pass_until_sent(&rig, 2 * S);
    sip_rig_assert_sent(&rig, "CANCEL");
    sip_peer_answer(&rig, &invite, 487, "callee", "", NULL);
    sip_rig_assert_log(&rig, "DISCONNECTED(40,SIP 408) IDLE");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->no_answer, 1);
    close_rig(&rig);
}

static void an_invite_that_nobody_answers_is_repeated_and_given_up(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_rig_pass(&rig, 31 * S);
    sip_rig_assert_sent(
        &rig, "INVITE INVITE INVITE INVITE INVITE"); /* 0.5, 1.5, 3.5, 7.5, 15.5 s; the next would be at 31.5 */
    sip_rig_assert_log(&rig, "");
    sip_rig_pass(&rig, 2 * S);
    sip_rig_assert_log(&rig, "DISCONNECTED(100,SIP unreachable) IDLE");
    close_rig(&rig);
}

static void a_bye_that_nobody_answers_ends_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 33 * S);
    sip_rig_assert_log(&rig, "IDLE");
    close_rig(&rig);
}

/* ---- forks */

static void the_first_fork_to_answer_has_the_call_and_others_are_ended(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked ack, bye;
    open_rig(&rig);
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
    assert_true(slice_is(&ack.msg, ack.msg.to.tag, "a"));
    assert_int_equal(ack.msg.cseq, invite.msg.cseq);
    assert_true(slice_is(&bye.msg, bye.msg.uri, "sip:a@198.51.100.7:6001"));
    assert_int_equal(rig.sent[1].port, 6001);
    sip_rig_assert_sent(&rig, "ACK BYE");
    sip_rig_assert_log(&rig, "");
    sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
    sip_peer_answer(&rig, &invite, 200, "b", "Contact: <sip:b@198.51.100.7:6002>\r\n", ANSWER("sendrecv"));
    sip_rig_assert_sent(&rig, "ACK");
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_peer_take(&rig, 0, &bye);
    assert_true(slice_is(&bye.msg, bye.msg.to.tag, "b"));
    close_rig(&rig);
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
    open_rig(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "a", "Contact: <sip:a@198.51.100.7:6001>\r\n", NULL);
    ask_as(&rig, "a", "OPTIONS", 100);
    sip_rig_assert_sent(&rig, "200");
    sip_peer_answer(&rig, &invite, 200, "b", "Contact: <sip:b@198.51.100.7:6002>\r\n", ANSWER("sendrecv"));
    sip_rig_clear(&rig);
    ask_as(&rig, "b", "BYE", 1);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE) IDLE");
    close_rig(&rig);
}

static void a_late_fork_is_ended_once_and_without_its_contact(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked bye;
    open_rig(&rig);
    sip_peer_connect(&rig, &invite);
    for (unsigned i = 0; i < 3; i++) {
        sip_peer_answer(&rig, &invite, 200, "late", "", ANSWER("sendrecv"));
        if (i == 0)
            sip_peer_take(&rig, 1, &bye);
        sip_rig_assert_sent(&rig, i == 0 ? "ACK BYE" : "ACK");
    }
    assert_true(slice_is(&bye.msg, bye.msg.uri, "sip:200@example.com"));
    assert_int_equal(cf_sip_ua_counters(rig.ua)->forks_ended, 1);
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    close_rig(&rig);
}

static void a_peer_that_makes_up_forks_gets_a_bounded_answer(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
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
    close_rig(&rig);
}

/* ---- routes */

static void record_routes_are_followed_in_reverse(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
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
    close_rig(&rig);
}

/* ---- redirects */

static void a_redirect_is_followed_with_a_new_invite(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked second;
    open_rig(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 302, "callee",
                    "Contact: <sip:900@198.51.100.7:6000>;q=0.2, <sip:300@example.com>;q=0.9\r\n", NULL);
    sip_peer_take(&rig, 1, &second);
    assert_true(slice_is(&second.msg, second.msg.uri, "sip:300@example.com"));
    assert_true(slice_is(&second.msg, second.msg.to.uri, "sip:200@example.com"));
    assert_int_equal(second.msg.cseq, invite.msg.cseq + 1);
    sip_rig_assert_sent(&rig, "ACK INVITE");
    sip_rig_assert_log(&rig, "PROCEEDING INFORMED");
    sip_peer_answer(&rig, &second, 200, "callee", CONTACT, ANSWER("sendrecv"));
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "INFORMED CONNECTED");
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    close_rig(&rig);
}

static void a_redirect_of_a_call_that_rang_rings_anew(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT, NULL);
    sip_peer_answer(&rig, &invite, 302, "callee", "Contact: <sip:300@example.com>\r\n", NULL);
    sip_peer_take(&rig, 1, &invite);
    sip_peer_answer(&rig, &invite, 180, "other", CONTACT, NULL);
    sip_rig_assert_log(&rig, "RINGBACK PROCEEDING INFORMED RINGBACK");
    sip_peer_answer(&rig, &invite, 486, "other", "", NULL);
    close_rig(&rig);
}

static void redirects_end_somewhere(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
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
    close_rig(&rig);
}

static void a_redirect_to_nowhere_ends_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 301, "callee", "Contact: <mailto:x@example.com>\r\n", NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "DISCONNECTED(2000,SIP 301) IDLE");
    close_rig(&rig);
}

/* ---- challenges */

#define CHALLENGE "Digest realm=\"r\", nonce=\"n1\", qop=\"auth\", algorithm=MD5\r\n"

static struct cf_sip_config login_config(void)
{
    struct cf_sip_config config = sip_peer_config();
    config.username = "alice";
    config.password = "secret";
    return config;
}

static void a_challenge_is_answered_once_and_remembered(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked second, bye;
    sip_rig_open(&rig, login_config());
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
    close_rig(&rig);
}

static void a_proxy_and_the_callee_may_both_challenge(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, login_config());
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
    close_rig(&rig);
}

static void credentials_that_are_not_taken_end_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked second;
    sip_rig_open(&rig, login_config());
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 401, "x", "WWW-Authenticate: " CHALLENGE, NULL);
    sip_peer_take(&rig, 1, &second);
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &second, 401, "x", "WWW-Authenticate: " CHALLENGE, NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "DISCONNECTED(4,SIP 401) IDLE");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->login_failed, 1);
    close_rig(&rig);
}

static void without_credentials_a_challenge_is_a_refusal(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_rig(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 401, "x", "WWW-Authenticate: " CHALLENGE, NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "DISCONNECTED(4,SIP 401) IDLE");
    close_rig(&rig);
}

/* What comes from elsewhere within an early dialog does not take our INVITE with it. */
static void an_invite_goes_again_to_where_it_went(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, login_config());
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
    close_rig(&rig);
}

/* ---- reliable provisional responses */

static void reliable_ringing_is_acknowledged_in_order(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked prack;
    open_rig(&rig);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "callee", CONTACT "Require: 100rel\r\nRSeq: 17\r\n", NULL);
    sip_peer_take(&rig, 0, &prack);
    assert_non_null(strstr(prack.text, "RAck: 17 1 INVITE\r\n"));
    assert_true(slice_is(&prack.msg, prack.msg.to.tag, "callee"));
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
    close_rig(&rig);
}

/* ---- hold */

static void hold_and_retrieve_are_told_when_the_peer_agrees(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    open_rig(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, false), -EINVAL);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), -EBUSY);
    sip_peer_take(&rig, 0, &re);
    assert_non_null(strstr(re.text, "a=sendonly\r\n"));
    assert_true(slice_is(&re.msg, re.msg.to.tag, "callee"));
    sip_rig_assert_sent(&rig, "INVITE");
    sip_rig_assert_log(&rig, "");
    sip_peer_answer(&rig, &re, 200, NULL, CONTACT, ANSWER("recvonly"));
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "ONHOLD DONE(200)");
    sip_peer_ask(&rig, &invite, "INVITE", 1, "", SDP("sendonly"));
    assert_non_null(strstr(rig.sent[0].text, "a=inactive\r\n")); /* we hold still */
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, ""); /* both hold: ONHOLD */
    sip_peer_ask(&rig, &invite, "ACK", 1, "", NULL);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, false), 0);
    sip_peer_take(&rig, 0, &re);
    assert_non_null(strstr(re.text, "a=sendrecv\r\n"));
    sip_rig_assert_sent(&rig, "INVITE");
    sip_peer_answer(&rig, &re, 200, NULL, CONTACT, ANSWER("sendonly"));
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "HELD DONE(200)"); /* the peer holds still */
    sip_peer_ask(&rig, &invite, "INVITE", 2, "", SDP("sendrecv"));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "RESUMED");
    sip_peer_ask(&rig, &invite, "ACK", 2, "", NULL);
    sip_peer_ask(&rig, &invite, "BYE", 3, "", NULL);
    close_rig(&rig);
}

static void a_refused_hold_changes_nothing(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    open_rig(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    sip_peer_take(&rig, 0, &re);
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &re, 488, NULL, "", NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "DONE(488)");
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0); /* it may be tried again */
    sip_peer_take(&rig, 0, &re);
    sip_peer_answer(&rig, &re, 481, NULL, "", NULL);
    sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(8000,SIP timeout)");
    close_rig(&rig);
}

static void glare_is_tried_again_after_a_pause(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    open_rig(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    sip_peer_take(&rig, 0, &re);
    sip_rig_clear(&rig);
    sip_peer_ask(&rig, &invite, "INVITE", 1, "", SDP("sendonly"));
    sip_rig_assert_sent(&rig, "491");
    sip_peer_ask(&rig, &invite, "ACK", 1, "", NULL);
    sip_peer_answer(&rig, &re, 491, NULL, "", NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "");
    sip_peer_ask(&rig, &invite, "INVITE", 1, "", SDP("sendonly"));
    sip_rig_assert_sent(&rig, ""); /* a late copy of what was refused, which the peer believes to be */
    sip_rig_assert_log(&rig, "");
    sip_rig_pass(&rig, 2 * S);
    sip_rig_assert_sent(&rig, ""); /* we made the Call-ID: 2.1 to 4 s */
    pass_until_sent(&rig, 2100 * MS);
    sip_peer_take(&rig, 0, &re);
    sip_rig_assert_sent(&rig, "INVITE");
    sip_peer_answer(&rig, &re, 200, NULL, CONTACT, ANSWER("recvonly"));
    sip_rig_assert_log(&rig, "ONHOLD DONE(200)");
    sip_peer_ask(&rig, &invite, "BYE", 9, "", NULL);
    close_rig(&rig);
}

static void a_call_that_ends_ends_its_hold(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    open_rig(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    sip_peer_take(&rig, 0, &re);
    sip_rig_clear(&rig);
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(1,SIP BYE) IDLE");
    sip_rig_assert_sent(&rig, "200");
    sip_peer_answer(&rig, &re, 487, NULL, "", NULL);
    sip_rig_assert_sent(&rig, "ACK"); /* the call is gone, and still the peer wants it */
    close_rig(&rig);
}

static void an_ended_call_answers_no_challenge(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    struct cf_sip_config config = login_config();
    config.linger_ns = 10 * S;
    sip_rig_open(&rig, config);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    sip_peer_take(&rig, 0, &re);
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &re, 401, NULL, "WWW-Authenticate: " CHALLENGE, NULL);
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_pass(&rig, 11 * S);
    sip_rig_assert_log(&rig, "IDLE");
    close_rig(&rig);
}

/* ---- digits */

static void digits_go_out_one_by_one(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked info;
    open_rig(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "x", 1, 0), -EMSGSIZE);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "1#", 2, 150), 0);
    sip_rig_pass(&rig, 20 * MS);
    sip_peer_take(&rig, 0, &info);
    assert_non_null(strstr(info.text, "Signal=1\r\nDuration=150"));
    sip_rig_assert_sent(&rig, "INFO");
    sip_rig_pass(&rig, 400 * MS);
    sip_rig_assert_sent(&rig, ""); /* the next waits for the answer */
    sip_peer_answer(&rig, &info, 200, NULL, "", NULL);
    sip_rig_pass(&rig, 200 * MS);
    sip_peer_take(&rig, 0, &info);
    assert_non_null(strstr(info.text, "Signal=#\r\n"));
    sip_rig_assert_sent(&rig, "INFO");
    sip_peer_answer(&rig, &info, 200, NULL, "", NULL);
    sip_rig_assert_log(&rig, "");
    sip_rig_pass(&rig, 200 * MS);
    sip_rig_assert_log(&rig, "DONE(200)");
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "12", 2, 0), 0);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "", 0, 0), 0); /* stop */
    sip_rig_assert_log(&rig, "DONE(487)");
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "3", 1, 0), 0);
    sip_rig_pass(&rig, 20 * MS);
    sip_peer_take(&rig, 0, &info);
    sip_peer_answer(&rig, &info, 415, NULL, "", NULL);
    sip_rig_assert_log(&rig, "DONE(415)");
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    close_rig(&rig);
}

static void answers_to_digits_that_were_stopped_do_not_count(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked info, re;
    sip_rig_open(&rig, login_config());
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "1", 1, 0), 0);
    sip_rig_pass(&rig, 20 * MS);
    sip_peer_take(&rig, 0, &info);
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "", 0, 0), 0);
    sip_rig_assert_log(&rig, "DONE(487)");
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    sip_peer_take(&rig, 0, &re);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "", 0, 0), 0); /* nothing runs: nothing to stop */
    sip_peer_answer(&rig, &info, 415, NULL, "", NULL);
    sip_rig_assert_log(&rig, ""); /* the hold goes on */
    sip_peer_answer(&rig, &re, 200, NULL, CONTACT, ANSWER("recvonly"));
    sip_rig_assert_log(&rig, "ONHOLD DONE(200)");
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "1", 1, 0), 0);
    sip_rig_pass(&rig, 20 * MS);
    sip_peer_take(&rig, 0, &info);
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "2", 1, 0), 0);
    sip_rig_assert_log(&rig, "DONE(487)");
    sip_peer_answer(&rig, &info, 401, NULL, "WWW-Authenticate: " CHALLENGE, NULL);
    sip_rig_assert_log(&rig, "");
    sip_rig_pass(&rig, 20 * MS);
    sip_peer_take(&rig, 0, &info);
    assert_non_null(strstr(info.text, "Signal=2\r\n"));
    sip_rig_clear(&rig);
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    close_rig(&rig);
}

static void digits_of_small_letters_are_sent_as_capitals(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked info;
    open_rig(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "d", 1, 0), 0);
    sip_rig_pass(&rig, 20 * MS);
    sip_peer_take(&rig, 0, &info);
    assert_non_null(strstr(info.text, "Signal=D\r\n"));
    sip_rig_clear(&rig);
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    close_rig(&rig);
}

/* A server that wants another nonce for each request. */
static void every_digit_may_be_challenged(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked info;
    sip_rig_open(&rig, login_config());
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "1234", 4, 0), 0);
    for (unsigned i = 0; i < 4; i++) {
        pass_until_sent(&rig, 1 * S);
        sip_peer_take(&rig, 0, &info);
        sip_rig_clear(&rig);
        sip_peer_answer(&rig, &info, 401, NULL,
                        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\", stale=true\r\n", NULL);
        sip_peer_take(&rig, 0, &info);
        sip_rig_clear(&rig);
        sip_peer_answer(&rig, &info, 200, NULL, "", NULL);
    }
    sip_rig_pass(&rig, 1 * S);
    sip_rig_assert_log(&rig, "DONE(200)");
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    close_rig(&rig);
}

/* ---- session timers */

static void the_session_is_refreshed_in_time(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    struct cf_sip_config config = sip_peer_config();
    config.session_s = 100;
    sip_rig_open(&rig, config);
    sip_peer_make(&rig, "200", &invite);
    assert_non_null(strstr(invite.text, "Session-Expires: 100\r\n"));
    sip_peer_answer(&rig, &invite, 200, "callee", CONTACT "Require: timer\r\nSession-Expires: 100;refresher=uac\r\n",
                    ANSWER("sendrecv"));
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 49 * S);
    sip_rig_assert_sent(&rig, "");
    pass_until_sent(&rig, 2 * S);
    sip_peer_take(&rig, 0, &re);
    sip_rig_assert_sent(&rig, "INVITE");
    assert_non_null(strstr(re.text, "o=callfan "));
    sip_peer_answer(&rig, &re, 200, NULL, CONTACT "Require: timer\r\nSession-Expires: 100;refresher=uac\r\n",
                    ANSWER("sendrecv"));
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, ""); /* nothing has changed */
    pass_until_sent(&rig, 51 * S);
    sip_rig_assert_sent(&rig, "INVITE"); /* now nobody answers */
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 33 * S);
    sip_rig_assert_log(&rig, "DISCONNECTED(8000,SIP timeout)");
    close_rig(&rig);
}

static void a_session_whose_refreshes_are_refused_is_ended(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    struct cf_sip_config config = sip_peer_config();
    config.session_s = 100;
    sip_rig_open(&rig, config);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 200, "callee", CONTACT "Require: timer\r\nSession-Expires: 100;refresher=uac\r\n",
                    ANSWER("sendrecv"));
    sip_rig_clear(&rig);
    for (unsigned i = 0; i < 2; i++) { /* after 50 and 62.5 s */
        pass_until_sent(&rig, 51 * S);
        sip_peer_take(&rig, 0, &re);
        sip_rig_assert_sent(&rig, "INVITE");
        sip_peer_answer(&rig, &re, 500, NULL, "", NULL);
        sip_rig_assert_sent(&rig, "ACK");
        sip_rig_assert_log(&rig, "");
    }
    sip_rig_pass(&rig, 5 * S);
    sip_rig_assert_sent(&rig, "");
    pass_until_sent(&rig, 1 * S);
    sip_rig_assert_sent(&rig, "BYE");
    sip_rig_assert_log(&rig, "DISCONNECTED(8000,SIP timeout)");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->sessions_expired, 1);
    close_rig(&rig);
}

static void a_session_that_the_peer_does_not_refresh_is_ended(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_config config = sip_peer_config();
    config.session_s = 100;
    sip_rig_open(&rig, config);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 200, "callee", CONTACT "Require: timer\r\nSession-Expires: 100;refresher=uas\r\n",
                    ANSWER("sendrecv"));
    sip_rig_clear(&rig);
    sip_peer_ask(&rig, &invite, "UPDATE", 1, "Supported: timer\r\nSession-Expires: 100;refresher=uac\r\n", NULL);
    assert_non_null(strstr(rig.sent[0].text, "Session-Expires: 100;refresher=uac\r\n"));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_pass(&rig, 66 * S);
    sip_rig_assert_sent(&rig, "");
    sip_rig_pass(&rig, 3 * S);
    sip_rig_assert_log(&rig, "DISCONNECTED(8000,SIP timeout)");
    close_rig(&rig);
}

static void a_longer_session_is_asked_for_when_the_peer_wants_it(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked second;
    struct cf_sip_config config = sip_peer_config();
    config.session_s = 100;
    sip_rig_open(&rig, config);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 422, "callee", "Min-SE: 600\r\n", NULL);
    sip_peer_take(&rig, 1, &second);
    assert_non_null(strstr(second.text, "Session-Expires: 600\r\n"));
    assert_non_null(strstr(second.text, "Min-SE: 600\r\n"));
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &second, 422, "callee", "Min-SE: 601\r\n", NULL);
    sip_rig_assert_sent(&rig, "ACK"); /* once is enough */
    close_rig(&rig);
}

static void a_hold_asks_for_a_longer_session_when_the_peer_wants_it(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    struct cf_sip_config config = sip_peer_config();
    config.session_s = 100;
    sip_rig_open(&rig, config);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    sip_peer_take(&rig, 0, &re);
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &re, 422, NULL, "Min-SE: 600\r\n", NULL);
    sip_peer_take(&rig, 1, &re);
    assert_non_null(strstr(re.text, "\r\nSession-Expires: 600\r\nMin-SE: 600\r\n"));
    sip_rig_assert_sent(&rig, "ACK INVITE");
    sip_peer_answer(&rig, &re, 422, NULL, "Min-SE: 700\r\n", NULL);
    sip_rig_assert_log(&rig, "DONE(422)");
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    close_rig(&rig);
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
    open_rig(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_peer_make(&rig, rows[i].destination, &invite);
        if (!slice_is(&invite.msg, invite.msg.uri, rows[i].uri))
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
    close_rig(&rig);
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
    close_rig(&rig);
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
    assert_true(slice_is(&invite.msg, invite.msg.contact.uri, "sip:callfan@192.0.2.1:5060;transport=tcp"));
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
    close_rig(&rig);
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
    close_rig(&rig);
}

/* ---- the line's own requests */

static void the_line_registers_refreshes_and_leaves(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked asked;
    struct cf_sip_config config = login_config();
    config.register_s = 600;
    sip_rig_open(&rig, config);
    assert_false(cf_sip_ua_in_service(rig.ua));
    cf_sip_ua_start(rig.ua, rig.now);
    sip_peer_take(&rig, 0, &asked);
    assert_true(slice_is(&asked.msg, asked.msg.uri, "sip:example.com"));
    assert_true(slice_is(&asked.msg, asked.msg.to.uri, "sip:100@example.com"));
    assert_int_equal(asked.msg.expires, 600);
    sip_rig_assert_sent(&rig, "REGISTER");
    sip_peer_answer(&rig, &asked, 401, "r", "WWW-Authenticate: " CHALLENGE, NULL);
    sip_peer_take(&rig, 0, &asked);
    assert_non_null(strstr(asked.text, "\r\nAuthorization: Digest "));
    assert_int_equal(asked.msg.cseq, 2);
    sip_rig_assert_sent(&rig, "REGISTER");
    sip_peer_answer(&rig, &asked, 200, "r", "Contact: <sip:callfan@192.0.2.1:5060>;expires=120\r\n", NULL);
    sip_rig_assert_log(&rig, "INSERVICE(200)");
    sip_rig_pass(&rig, 59 * S);
    sip_rig_assert_sent(&rig, "");
    pass_until_sent(&rig, 2 * S);
    sip_peer_take(&rig, 0, &asked);
    sip_rig_assert_sent(&rig, "REGISTER");
    sip_peer_answer(&rig, &asked, 503, "r", "Retry-After: 10\r\n", NULL);
    sip_rig_assert_log(&rig, "OUTOFSERVICE(503)");
    pass_until_sent(&rig, 11 * S);
    sip_peer_take(&rig, 0, &asked);
    sip_rig_assert_sent(&rig, "REGISTER");
    sip_peer_answer(&rig, &asked, 200, "r", "Expires: 600\r\nContact: <sip:callfan@192.0.2.1:5060>\r\n", NULL);
    sip_rig_assert_log(&rig, "INSERVICE(200)");
    sip_rig_clear(&rig);
    assert_true(cf_sip_ua_leave(rig.ua, rig.now));
    sip_peer_take(&rig, 0, &asked);
    assert_int_equal(asked.msg.expires, 0);
    sip_peer_answer(&rig, &asked, 200, "r", "", NULL);
    assert_false(cf_sip_ua_leave(rig.ua, rig.now));
    sip_rig_assert_log(&rig, "");
    close_rig(&rig);
}

/* Registers and gives the answer; returns after how many seconds the next REGISTER goes out, 0: not within 40 s. */
static unsigned seconds_granted(struct sip_rig *rig, const char *host, sa_family_t family, const char *contact)
{
    struct sip_asked asked;
    struct cf_sip_config config = sip_peer_config();
    config.host = host;
    config.family = family;
    config.register_s = 600;
    sip_rig_open(rig, config);
    cf_sip_ua_start(rig->ua, rig->now);
    sip_peer_take(rig, 0, &asked);
    sip_rig_clear(rig);
    sip_peer_answer(rig, &asked, 200, "r", contact, NULL);
    const uint64_t before = rig->now;
    pass_until_sent(rig, 40 * S);
    return rig->sent_count != 0 ? (unsigned)((rig->now - before) / S) : 0;
}

static void what_a_registrar_grants_is_believed(void **state)
{
    (void)state;
    static const struct {
        const char *host, *contact;
        unsigned seconds;
        const char *log;
    } rows[] = {
        {"192.0.2.1", "Contact: <sip:x@203.0.113.1>;expires=20, <sip:callfan@192.0.2.1:5060>;expires=60\r\n", 30,
         "INSERVICE(200)"},
        {"[2001:db8::1]", "Contact: <sip:callfan@[2001:db8::1]:5060>;expires=60\r\n", 30, "INSERVICE(200)"},
        {"192.0.2.1", "Contact: <sip:callfan@203.0.113.9:1024>;expires=60\r\n", 30, "INSERVICE(200)"}, /* rewritten */
        {"192.0.2.1", "Contact: <sip:callfan@203.0.113.9:1024>\r\nExpires: 60\r\n", 30, "INSERVICE(200)"},
        {"192.0.2.1", "", 0, "INSERVICE(200)"},
        {"192.0.2.1", "Contact: <sip:callfan@192.0.2.1:5060>;expires=0\r\n", 30, ""}, /* a failure: again in 30 s */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_rig rig;
        const unsigned seconds = seconds_granted(&rig, rows[i].host, AF_INET, rows[i].contact);
        if (seconds != rows[i].seconds)
            fail_msg("row %zu: %u s", i, seconds);
        sip_rig_assert_log(&rig, rows[i].log);
        sip_rig_close(&rig);
    }
}

static void a_registration_on_its_way_is_taken_back(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked first, second;
    struct cf_sip_config config = sip_peer_config();
    config.register_s = 600;
    sip_rig_open(&rig, config);
    cf_sip_ua_start(rig.ua, rig.now);
    sip_peer_take(&rig, 0, &first);
    sip_rig_clear(&rig);
    assert_true(cf_sip_ua_leave(rig.ua, rig.now));
    sip_peer_take(&rig, 0, &second);
    assert_int_equal(second.msg.expires, 0);
    sip_peer_answer(&rig, &first, 200, "r", "Contact: <sip:callfan@192.0.2.1:5060>;expires=600\r\n", NULL);
    assert_true(cf_sip_ua_leave(rig.ua, rig.now));
    sip_peer_answer(&rig, &second, 200, "r", "", NULL);
    assert_false(cf_sip_ua_leave(rig.ua, rig.now));
    sip_rig_assert_log(&rig, "");
    close_rig(&rig);
    /* where nothing was granted, nothing is taken back, and nothing tried any more */
    sip_rig_open(&rig, config);
    cf_sip_ua_start(rig.ua, rig.now);
    sip_peer_take(&rig, 0, &first);
    sip_peer_answer(&rig, &first, 403, "r", "", NULL);
    sip_rig_clear(&rig);
    assert_false(cf_sip_ua_leave(rig.ua, rig.now));
    sip_rig_pass(&rig, 60 * S);
    sip_rig_assert_sent(&rig, "");
    close_rig(&rig);
}

static void options_tell_whether_there_is_a_peer(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked asked;
    struct cf_sip_config config = sip_peer_config();
    config.options_s = 60;
    sip_rig_open(&rig, config);
    cf_sip_ua_start(rig.ua, rig.now);
    sip_peer_take(&rig, 0, &asked);
    sip_rig_assert_sent(&rig, "OPTIONS");
    sip_peer_answer(&rig, &asked, 404, "r", "", NULL);
    sip_rig_assert_log(&rig, "INSERVICE(404)");
    pass_until_sent(&rig, 61 * S);
    sip_rig_assert_sent(&rig, "OPTIONS");
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 33 * S);
    sip_rig_assert_log(&rig, "OUTOFSERVICE(408)");
    sip_rig_clear(&rig);
    pass_until_sent(&rig, 61 * S);
    sip_peer_take(&rig, 0, &asked);
    sip_peer_answer(&rig, &asked, 200, "r", "", NULL);
    sip_rig_assert_log(&rig, "INSERVICE(200)");
    sip_rig_close(&rig);
}

/* ---- limits */

static void with_all_calls_in_use_a_call_cannot_be_made(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_config config = sip_peer_config();
    config.calls_max = 1;
    sip_rig_open(&rig, config);
    sip_peer_make(&rig, "200", &invite);
    const struct cf_sip_making making = {.destination = {"200", 3}};
    uint64_t call;
    assert_int_equal(cf_sip_ua_make(rig.ua, rig.now, &making, &call), -ENOSPC);
    sip_peer_answer(&rig, &invite, 404, "x", "", NULL);
    close_rig(&rig);
}

static void without_a_transaction_no_invite_goes_out(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_config config = sip_peer_config();
    const struct cf_sip_making making = {.destination = {"200", 3}};
    uint64_t call;
    config.calls_max = 1; /* 18 client transactions */
    config.transactions_max = 18;
    sip_rig_open(&rig, config);
    for (unsigned i = 0; i < 17; i++) {
        sip_peer_connect(&rig, &invite);
        sip_peer_ask(&rig, &invite, "BYE", 1 + i, "", NULL);
        sip_rig_clear(&rig);
    }
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), -ENOSPC);
    sip_rig_assert_sent(&rig, ""); /* nobody could see to the answer */
    sip_rig_assert_log(&rig, "");
    sip_peer_ask(&rig, &invite, "BYE", 50, "", NULL);
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_make(rig.ua, rig.now, &making, &call), -ENOSPC);
    sip_rig_assert_sent(&rig, "");
    assert_true(cf_sip_ua_check(rig.ua));
    close_rig(&rig);
}

/* There is no room for what the 2xx says: its dialog is ended by what stands in it. */
static void a_dialog_that_cannot_be_kept_is_ended(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked ack, bye;
    char lines[2048] = "Record-Route: <sip:198.51.100.7:5070;lr;x=";
    struct cf_sip_config config = sip_peer_config();
    memset(lines + strlen(lines), 'x', 1600);
    strcat(lines, ">\r\n" CONTACT);
    config.blocks_max = 8;
    sip_rig_open(&rig, config);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 200, "callee", lines, ANSWER("sendrecv"));
    sip_peer_take(&rig, 0, &ack);
    sip_peer_take(&rig, 1, &bye);
    assert_true(slice_is(&ack.msg, ack.msg.to.tag, "callee"));
    assert_true(slice_is(&bye.msg, bye.msg.to.tag, "callee"));
    assert_true(slice_is(&bye.msg, bye.msg.uri, "sip:200@198.51.100.7:5071"));
    sip_rig_assert_sent(&rig, "ACK BYE");
    sip_rig_assert_log(&rig, "DISCONNECTED(8000,SIP 500) IDLE");
    sip_peer_answer(&rig, &invite, 200, "callee", lines, ANSWER("sendrecv"));
    close_rig(&rig);
}

static void only_what_waits_there_ends_with_a_connection(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked other;
    struct cf_sip_config config = sip_peer_config();
    config.peer.stream = true;
    sip_rig_open(&rig, config);
    rig.peer.stream = true;
    sip_peer_make(&rig, "200", &invite);
    sip_peer_make(&rig, "201", &other);
    sip_peer_answer(&rig, &other, 180, "callee", CONTACT, NULL);
    union cf_sip_addr elsewhere = config.peer.addr;
    cf_sip_addr_set_port(&elsewhere, 4444);
    cf_sip_ua_connection_failed(rig.ua, rig.now, &elsewhere);
    sip_rig_assert_log(&rig, "RINGBACK");
    cf_sip_ua_connection_failed(rig.ua, rig.now, &config.peer.addr);
    sip_rig_assert_log(&rig, "DISCONNECTED(100,SIP unreachable) IDLE"); /* the other has been heard of */
    assert_true(cf_sip_ua_check(rig.ua));
    sip_peer_answer(&rig, &other, 486, "callee", "", NULL);
    sip_rig_assert_log(&rig, "BUSY DISCONNECTED(20,SIP 486) IDLE");
    close_rig(&rig);
}

/* Answers our newest request but ACK, if one was sent. */
static void answer_newest(struct sip_rig *rig, unsigned status, const char *extra, const char *body)
{
    struct sip_asked asked;
    for (unsigned i = rig->sent_count; i-- > 0;) {
        if (memcmp(rig->sent[i].text, "ACK ", 4) == 0 || memcmp(rig->sent[i].text, "SIP/2.0 ", 8) == 0)
            continue;
        sip_peer_take(rig, i, &asked);
        rig->sent_count = 0;
        sip_peer_answer(rig, &asked, status, "callee", extra, body);
        return;
    }
}

static unsigned count_words(const char *log, const char *word)
{
    unsigned count = 0;
    for (const char *at = log; (at = strstr(at, word)) != NULL; at += strlen(word))
        count++;
    return count;
}

/* However little room there is, the call ends, exactly once, and leaves nothing. */
static void scarce_memory_ends_no_call_twice_and_leaks_nothing(void **state)
{
    (void)state;
    for (unsigned blocks = 1; blocks < 48; blocks++)
        for (unsigned routed = 0; routed < 2; routed++) {
            struct sip_rig rig;
            struct cf_sip_config config = login_config();
            const struct cf_sip_making making = {.destination = {"200", 3}, .user = 4711};
            const char *lines = routed != 0 ? CONTACT "Record-Route: <sip:198.51.100.7;lr>\r\n" : CONTACT;
            config.blocks_max = blocks;
            config.linger_ns = 1 * S;
            sip_rig_open(&rig, config);
            const int rc = cf_sip_ua_make(rig.ua, rig.now, &making, &rig.call);
            assert_true(rc == 0 || rc == -ENOSPC);
            answer_newest(&rig, 407, "Proxy-Authenticate: " CHALLENGE, NULL);
            answer_newest(&rig, 200, lines, ANSWER("sendrecv"));
            cf_sip_ua_hold(rig.ua, rig.now, rig.call, true);
            answer_newest(&rig, 491, "", NULL);
            pass_until_sent(&rig, 5 * S);
            answer_newest(&rig, 200, lines, ANSWER("recvonly"));
            cf_sip_ua_digits(rig.ua, rig.now, rig.call, "1", 1, 0);
            sip_rig_pass(&rig, 100 * MS);
            answer_newest(&rig, 200, "", NULL);
            rig.sent_count = 0;
            sip_rig_pass(&rig, 1 * S);
            rig.sent_count = 0;
            cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0);
            answer_newest(&rig, 200, "", NULL);
            for (unsigned i = 0; i < 25; i++) {
                sip_rig_pass(&rig, 10 * S);
                rig.sent_count = 0;
            }
            if (count_words(rig.log, "IDLE") != (rc == 0) || count_words(rig.log, "DISCONNECTED") != (rc == 0))
                fail_msg("%u blocks: %s", blocks, rig.log);
            sip_rig_assert_nothing_left(&rig);
            sip_rig_close(&rig);
        }
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
        cmocka_unit_test(hold_and_retrieve_are_told_when_the_peer_agrees),
        cmocka_unit_test(a_refused_hold_changes_nothing),
        cmocka_unit_test(glare_is_tried_again_after_a_pause),
        cmocka_unit_test(a_call_that_ends_ends_its_hold),
        cmocka_unit_test(an_ended_call_answers_no_challenge),
        cmocka_unit_test(digits_go_out_one_by_one),
        cmocka_unit_test(answers_to_digits_that_were_stopped_do_not_count),
        cmocka_unit_test(digits_of_small_letters_are_sent_as_capitals),
        cmocka_unit_test(every_digit_may_be_challenged),
        cmocka_unit_test(the_session_is_refreshed_in_time),
        cmocka_unit_test(a_session_whose_refreshes_are_refused_is_ended),
        cmocka_unit_test(a_session_that_the_peer_does_not_refresh_is_ended),
        cmocka_unit_test(a_longer_session_is_asked_for_when_the_peer_wants_it),
        cmocka_unit_test(a_hold_asks_for_a_longer_session_when_the_peer_wants_it),
        cmocka_unit_test(destinations_become_uris),
        cmocka_unit_test(without_a_peer_only_numeric_addresses_can_be_called),
        cmocka_unit_test(over_a_stream_nothing_is_repeated),
        cmocka_unit_test(a_connection_that_cannot_be_made_ends_the_call),
        cmocka_unit_test(the_line_registers_refreshes_and_leaves),
        cmocka_unit_test(what_a_registrar_grants_is_believed),
        cmocka_unit_test(a_registration_on_its_way_is_taken_back),
        cmocka_unit_test(options_tell_whether_there_is_a_peer),
        cmocka_unit_test(with_all_calls_in_use_a_call_cannot_be_made),
        cmocka_unit_test(a_dialog_that_cannot_be_kept_is_ended),
        cmocka_unit_test(only_what_waits_there_ends_with_a_connection),
        cmocka_unit_test(scarce_memory_ends_no_call_twice_and_leaks_nothing),
        cmocka_unit_test(without_a_transaction_no_invite_goes_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
