/* Within calls that we made, under simulated time: hold and retrieve, digits, session timers. */
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

/* ---- hold */

static void hold_and_retrieve_are_told_when_the_peer_agrees(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    sip_peer_open(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, false), -EINVAL);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), -EBUSY);
    sip_peer_take(&rig, 0, &re);
    assert_non_null(strstr(re.text, "a=sendonly\r\n"));
    assert_true(sip_peer_slice_is(&re.msg, re.msg.to.tag, "callee"));
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
    sip_peer_close(&rig);
}

static void a_refused_hold_changes_nothing(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    sip_peer_open(&rig);
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
    sip_peer_close(&rig);
}

static void glare_is_tried_again_after_a_pause(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    sip_peer_open(&rig);
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
    sip_peer_pass_until_sent(&rig, 2100 * MS);
    sip_peer_take(&rig, 0, &re);
    sip_rig_assert_sent(&rig, "INVITE");
    sip_peer_answer(&rig, &re, 200, NULL, CONTACT, ANSWER("recvonly"));
    sip_rig_assert_log(&rig, "ONHOLD DONE(200)");
    sip_peer_ask(&rig, &invite, "BYE", 9, "", NULL);
    sip_peer_close(&rig);
}

static void a_call_that_ends_ends_its_hold(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    sip_peer_open(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    sip_peer_take(&rig, 0, &re);
    sip_rig_clear(&rig);
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(1,SIP BYE) IDLE");
    sip_rig_assert_sent(&rig, "200");
    sip_peer_answer(&rig, &re, 487, NULL, "", NULL);
    sip_rig_assert_sent(&rig, "ACK"); /* the call is gone, and still the peer wants it */
    sip_peer_close(&rig);
}

static void an_ended_call_answers_no_challenge(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    struct cf_sip_config config = sip_peer_login_config();
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
    sip_peer_close(&rig);
}

/* ---- digits */

static void digits_go_out_one_by_one(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked info;
    sip_peer_open(&rig);
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
    sip_peer_close(&rig);
}

/* An INFO that overtakes our 2xx finds no dialog at the peer. */
static void digits_wait_for_the_ack_of_our_2xx(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
    sip_rig_assert_sent(&rig, "100 200");
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "7", 1, 0), 0);
    sip_rig_pass(&rig, 300 * MS);
    sip_rig_assert_sent(&rig, "");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
    sip_rig_pass(&rig, 20 * MS);
    assert_true(sip_rig_body_has(&rig, 0, "Signal=7\r\n"));
    sip_rig_assert_sent(&rig, "INFO");
    sip_rig_assert_log(&rig, "OFFERING CONNECTED");
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 2, "bye", true, "", NULL));
    sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(1,SIP BYE) IDLE");
    sip_rig_pass(&rig, 40 * S);
    sip_rig_close(&rig);

    /* And when no ACK comes, they end with the call. */
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "7", 1, 0), 0);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 80 * S);
    sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(8000,SIP timeout) IDLE");
    for (unsigned i = 0; i < rig.sent_count; i++)
        assert_null(strstr(rig.sent[i].text, "INFO sip:"));
    sip_rig_close(&rig);
}

static void answers_to_digits_that_were_stopped_do_not_count(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked info, re;
    sip_rig_open(&rig, sip_peer_login_config());
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
    sip_peer_close(&rig);
}

static void digits_of_small_letters_are_sent_as_capitals(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked info;
    sip_peer_open(&rig);
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "d", 1, 0), 0);
    sip_rig_pass(&rig, 20 * MS);
    sip_peer_take(&rig, 0, &info);
    assert_non_null(strstr(info.text, "Signal=D\r\n"));
    sip_rig_clear(&rig);
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    sip_peer_close(&rig);
}

/* A server that wants another nonce for each request. */
static void every_digit_may_be_challenged(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked info;
    sip_rig_open(&rig, sip_peer_login_config());
    sip_peer_connect(&rig, &invite);
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "1234", 4, 0), 0);
    for (unsigned i = 0; i < 4; i++) {
        sip_peer_pass_until_sent(&rig, 1 * S);
        sip_peer_take(&rig, 0, &info);
        sip_rig_clear(&rig);
        sip_peer_answer(&rig, &info, 401, NULL, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\", stale=true\r\n",
                        NULL);
        sip_peer_take(&rig, 0, &info);
        sip_rig_clear(&rig);
        sip_peer_answer(&rig, &info, 200, NULL, "", NULL);
    }
    sip_rig_pass(&rig, 1 * S);
    sip_rig_assert_log(&rig, "DONE(200)");
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    sip_peer_close(&rig);
}

/* ---- session timers */

/* An answered call whose session lasts 100 s and is refreshed by us ("uac") or by the callee ("uas"). */
static void open_session(struct sip_rig *rig, const char *refresher)
{
    char lines[160];
    struct cf_sip_config config = sip_peer_config();
    config.session_s = 100;
    sip_rig_open(rig, config);
    sip_peer_make(rig, "200", &invite);
    snprintf(lines, sizeof(lines), CONTACT "Require: timer\r\nSession-Expires: 100;refresher=%s\r\n", refresher);
    sip_peer_answer(rig, &invite, 200, "callee", lines, ANSWER("sendrecv"));
    sip_rig_clear(rig);
}

static void the_session_is_refreshed_in_time(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    open_session(&rig, "uac");
    assert_non_null(strstr(invite.text, "Session-Expires: 100\r\n"));
    sip_rig_pass(&rig, 49 * S);
    sip_rig_assert_sent(&rig, "");
    sip_peer_pass_until_sent(&rig, 2 * S);
    sip_peer_take(&rig, 0, &re);
    sip_rig_assert_sent(&rig, "INVITE");
    assert_non_null(strstr(re.text, "o=callfan "));
    sip_peer_answer(&rig, &re, 200, NULL, CONTACT "Require: timer\r\nSession-Expires: 100;refresher=uac\r\n",
                    ANSWER("sendrecv"));
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, ""); /* nothing has changed */
    sip_peer_pass_until_sent(&rig, 51 * S);
    sip_rig_assert_sent(&rig, "INVITE"); /* now nobody answers */
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 33 * S);
    sip_rig_assert_log(&rig, "DISCONNECTED(8000,SIP timeout)");
    sip_peer_close(&rig);
}

static void a_session_whose_refreshes_are_refused_is_ended(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    open_session(&rig, "uac");
    for (unsigned i = 0; i < 2; i++) { /* after 50 and 62.5 s */
        sip_peer_pass_until_sent(&rig, 51 * S);
        sip_peer_take(&rig, 0, &re);
        sip_rig_assert_sent(&rig, "INVITE");
        sip_peer_answer(&rig, &re, 500, NULL, "", NULL);
        sip_rig_assert_sent(&rig, "ACK");
        sip_rig_assert_log(&rig, "");
    }
    sip_rig_pass(&rig, 5 * S);
    sip_rig_assert_sent(&rig, "");
    sip_peer_pass_until_sent(&rig, 1 * S);
    sip_rig_assert_sent(&rig, "BYE");
    sip_rig_assert_log(&rig, "DISCONNECTED(8000,SIP timeout)");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->sessions_expired, 1);
    sip_peer_close(&rig);
}

static void a_session_that_the_peer_does_not_refresh_is_ended(void **state)
{
    (void)state;
    struct sip_rig rig;
    open_session(&rig, "uas");
    sip_peer_ask(&rig, &invite, "UPDATE", 1, "Supported: timer\r\nSession-Expires: 100;refresher=uac\r\n", NULL);
    assert_non_null(strstr(rig.sent[0].text, "Session-Expires: 100;refresher=uac\r\n"));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_pass(&rig, 66 * S);
    sip_rig_assert_sent(&rig, "");
    sip_rig_pass(&rig, 3 * S);
    sip_rig_assert_log(&rig, "DISCONNECTED(8000,SIP timeout)");
    sip_peer_close(&rig);
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
    sip_peer_close(&rig);
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
    sip_peer_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hold_and_retrieve_are_told_when_the_peer_agrees),
        cmocka_unit_test(a_refused_hold_changes_nothing),
        cmocka_unit_test(glare_is_tried_again_after_a_pause),
        cmocka_unit_test(a_call_that_ends_ends_its_hold),
        cmocka_unit_test(an_ended_call_answers_no_challenge),
        cmocka_unit_test(digits_go_out_one_by_one),
        cmocka_unit_test(digits_wait_for_the_ack_of_our_2xx),
        cmocka_unit_test(answers_to_digits_that_were_stopped_do_not_count),
        cmocka_unit_test(digits_of_small_letters_are_sent_as_capitals),
        cmocka_unit_test(every_digit_may_be_challenged),
        cmocka_unit_test(the_session_is_refreshed_in_time),
        cmocka_unit_test(a_session_whose_refreshes_are_refused_is_ended),
        cmocka_unit_test(a_session_that_the_peer_does_not_refresh_is_ended),
        cmocka_unit_test(a_longer_session_is_asked_for_when_the_peer_wants_it),
        cmocka_unit_test(a_hold_asks_for_a_longer_session_when_the_peer_wants_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
