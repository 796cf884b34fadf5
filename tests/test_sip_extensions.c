/* Extensions on calls that come in, under simulated time: reliable ringing, session timers, who may call, hold, streams. */
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

static void receive(struct sip_rig *rig, const char *method, unsigned cseq, const char *branch, const char *extra,
                    const char *body)
{
    sip_rig_receive(rig, sip_rig_request(rig, method, cseq, branch, strcmp(branch, "inv") != 0, extra, body));
}

static void end_call(struct sip_rig *rig)
{
    receive(rig, "BYE", 90, "bye", "", NULL);
    sip_rig_clear(rig);
    sip_rig_pass(rig, 60 * S);
    sip_rig_assert_nothing_left(rig);
    sip_rig_close(rig);
}

/* ---- reliable ringing (RFC 3262) */

/* The RSeq of the index-th message that was sent. */
static unsigned rseq_of(const struct sip_rig *rig, unsigned index)
{
    const char *line = strstr(rig->sent[index].text, "\r\nRSeq: ");
    assert_non_null(line);
    return (unsigned)strtoul(line + 8, NULL, 10);
}

static void prack(struct sip_rig *rig, unsigned cseq, const char *branch, unsigned rseq, const char *body)
{
    char rack[64];
    snprintf(rack, sizeof(rack), "RAck: %u 1 INVITE\r\n", rseq);
    receive(rig, "PRACK", cseq, branch, rack, body);
}

static void ringing_is_reliable_where_the_peer_demands_it(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    receive(&rig, "INVITE", 1, "inv", "Require: 100rel\r\n", SDP("sendrecv"));
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_accept(rig.ua, rig.now, rig.call), 0);
    assert_true(sip_rig_body_has(&rig, 0, "\r\nRequire: 100rel\r\n"));
    const unsigned rseq = rseq_of(&rig, 0);
    sip_rig_assert_sent(&rig, "180");
    sip_rig_pass(&rig, 2 * S);
    sip_rig_assert_sent(&rig, "180 180"); /* after 0.5 and 1.5 s */
    prack(&rig, 2, "p1", rseq + 1, NULL);
    sip_rig_assert_sent(&rig, "481");
    prack(&rig, 3, "p2", rseq, NULL);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_pass(&rig, 10 * S);
    sip_rig_assert_sent(&rig, "");
    prack(&rig, 4, "p3", rseq, NULL);
    sip_rig_assert_sent(&rig, "481"); /* a second one is of nothing */
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
    sip_rig_assert_sent(&rig, "200");
    receive(&rig, "ACK", 1, "ack", "", NULL);
    sip_rig_assert_log(&rig, "ACCEPTED CONNECTED");
    end_call(&rig);
}

static void ringing_is_plain_where_the_peer_only_could(void **state)
{
    (void)state;
    for (int reliable = 0; reliable < 2; reliable++) {
        struct sip_rig rig;
        struct cf_sip_config config = sip_rig_config();
        config.reliable = reliable;
        sip_rig_open(&rig, config);
        receive(&rig, "INVITE", 1, "inv", "Supported: 100rel\r\n", SDP("sendrecv"));
        sip_rig_clear(&rig);
        assert_int_equal(cf_sip_ua_accept(rig.ua, rig.now, rig.call), 0);
        assert_int_equal(sip_rig_body_has(&rig, 0, "RSeq:"), reliable);
        sip_rig_assert_sent(&rig, "180");
        assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0); /* no description in it: 200 need not wait */
        sip_rig_assert_sent(&rig, "200");
        receive(&rig, "ACK", 1, "ack", "", NULL);
        sip_rig_pass(&rig, 5 * S);
        sip_rig_assert_sent(&rig, "");
        end_call(&rig);
    }
}

static void an_offer_in_reliable_ringing_is_answered_before_the_call_is(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    receive(&rig, "INVITE", 1, "inv", "Require: 100rel\r\n", NULL);
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_accept(rig.ua, rig.now, rig.call), 0);
    assert_true(sip_rig_body_has(&rig, 0, "m=audio 4000"));
    const unsigned rseq = rseq_of(&rig, 0);
    sip_rig_assert_sent(&rig, "180");
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), -EINVAL); /* it waits */
    sip_rig_assert_sent(&rig, "");
    sip_rig_assert_log(&rig, "ACCEPTED");
    prack(&rig, 2, "p1", rseq, SDP("sendonly"));
    assert_false(sip_rig_body_has(&rig, 1, "m=audio"));
    sip_rig_assert_sent(&rig, "200 200");
    sip_rig_assert_log(&rig, "CONNECTED HELD");
    receive(&rig, "ACK", 1, "ack", "", NULL);
    sip_rig_assert_log(&rig, "");
    end_call(&rig);
}

static void demanded_reliable_ringing_stays_reliable(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    receive(&rig, "INVITE", 1, "inv", "Require: 100rel\r\n", NULL);
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_accept(rig.ua, rig.now, rig.call), 0);
    const unsigned rseq = rseq_of(&rig, 0);
    sip_rig_assert_sent(&rig, "180");
    prack(&rig, 2, "p1", rseq, SDP("sendrecv"));
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 60 * S + 20 * MS);
    assert_int_equal(rseq_of(&rig, 0), rseq + 1);
    assert_false(sip_rig_body_has(&rig, 0, "m=audio")); /* the offer has been answered */
    sip_rig_assert_sent(&rig, "180");
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
    sip_rig_assert_sent(&rig, "200");
    receive(&rig, "ACK", 1, "ack", "", NULL);
    end_call(&rig);
}

static void without_prack_the_call_is_refused(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    receive(&rig, "INVITE", 1, "inv", "Require: 100rel\r\n", SDP("sendrecv"));
    assert_int_equal(cf_sip_ua_accept(rig.ua, rig.now, rig.call), 0);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 31900 * MS);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 200 * MS);
    sip_rig_assert_sent(&rig, "504");
    sip_rig_assert_log(&rig, "DISCONNECTED(8000,SIP timeout) IDLE");
    receive(&rig, "ACK", 1, "inv", "", NULL);
    sip_rig_pass(&rig, 60 * S);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

/* ---- session timers (RFC 4028) */

static struct cf_sip_config timer_config(void)
{
    struct cf_sip_config config = sip_rig_config();
    config.session_s = 1800;
    return config;
}

static void too_short_a_session_is_refused(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, timer_config());
    receive(&rig, "INVITE", 1, "inv", "Supported: timer\r\nSession-Expires: 60\r\n", SDP("sendrecv"));
    assert_true(sip_rig_body_has(&rig, 0, "\r\nMin-SE: 90\r\n"));
    sip_rig_assert_sent(&rig, "422");
    sip_rig_assert_log(&rig, "");
    sip_rig_close(&rig);
}

static void the_caller_refreshes_and_is_missed_when_it_does_not(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, timer_config());
    receive(&rig, "INVITE", 1, "inv", "Supported: timer\r\nSession-Expires: 100;refresher=uac\r\n", SDP("sendrecv"));
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
    assert_true(sip_rig_body_has(&rig, 1, "\r\nSession-Expires: 100;refresher=uac\r\n"));
    assert_true(sip_rig_body_has(&rig, 1, "\r\nRequire: timer\r\n"));
    sip_rig_assert_sent(&rig, "100 200");
    receive(&rig, "ACK", 1, "ack", "", NULL);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 50 * S);
    receive(&rig, "INVITE", 2, "re2", "Supported: timer\r\nSession-Expires: 100;refresher=uac\r\n", SDP("sendrecv"));
    sip_rig_assert_sent(&rig, "200");
    receive(&rig, "ACK", 2, "ack2", "", NULL);
    sip_rig_assert_log(&rig, ""); /* a refresh changes nothing */
    sip_rig_pass(&rig, 60 * S);
    sip_rig_assert_log(&rig, "");
    sip_rig_pass(&rig, 9 * S);
    sip_rig_assert_log(&rig, "DISCONNECTED(8000,SIP timeout)");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->sessions_expired, 1);
    end_call(&rig);
}

static unsigned version_of(const struct sip_rig *rig, unsigned index)
{
    unsigned long long session;
    unsigned version;
    assert_int_equal(sscanf(strstr(rig->sent[index].text, "o="), "o=callfan %llu %u", &session, &version), 2);
    return version;
}

/* An offer of all codecs is not what was answered: it must not look as if nothing had changed. */
static void our_refresh_names_a_new_description_once(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    sip_rig_open(&rig, timer_config());
    receive(&rig, "INVITE", 1, "inv", "Supported: timer\r\nSession-Expires: 100;refresher=uas\r\n", SDP("sendrecv"));
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
    assert_int_equal(version_of(&rig, 0), 1);
    sip_rig_assert_sent(&rig, "200");
    receive(&rig, "ACK", 1, "ack", "", NULL);
    for (unsigned i = 0; i < 2; i++) {
        sip_rig_clear(&rig);
        sip_rig_pass(&rig, 50 * S + 20 * MS);
        sip_peer_take(&rig, 0, &re);
        assert_int_equal(version_of(&rig, 0), 2);
        sip_rig_assert_sent(&rig, "INVITE");
        sip_peer_answer(&rig, &re, 200, NULL,
                        "Contact: <sip:al@198.51.100.7:5070>\r\nSession-Expires: 100;refresher=uac\r\n",
                        ANSWER("sendrecv"));
        sip_rig_assert_log(&rig, "");
    }
    end_call(&rig);
}

/* ---- who may call */

static void callers_must_authenticate_where_some_are_admitted(void **state)
{
    (void)state;
    static const char *const admit[] = {"bob:pw"};
    struct sip_rig rig;
    struct cf_sip_config config = sip_rig_config();
    config.admit = admit;
    config.admits = 1;
    config.realm = "here";
    sip_rig_open(&rig, config);
    sip_rig_invite(&rig);
    struct cf_sip_msg refusal = sip_rig_read_sent(&rig, 0);
    struct cf_sip_challenge challenge;
    assert_int_equal(refusal.status, 401);
    assert_true(cf_sip_challenge_read(&refusal, "here", &challenge));
    sip_rig_assert_sent(&rig, "401");
    sip_rig_assert_log(&rig, "");
    static const struct {
        const char *password, *sent;
    } rows[] = {{"wrong", "401"}, {"pw", "100"}};
    for (unsigned i = 0; i < 2; i++) {
        char line[1024];
        char cnonce[CF_SIP_CNONCE_LEN + 1];
        struct cf_sip_out out = {.text = line, .bytes_max = sizeof(line) - 1};
        const struct cf_sip_credentials credentials = {"bob", rows[i].password};
        cf_sip_cnonce_make(&config.secret, i, cnonce);
        const struct cf_sip_auth_use use = {
            .method = "INVITE", .uri = "sip:+4420@192.0.2.1", .uri_len = 19, .nc = 1, .cnonce = cnonce};
        assert_true(cf_sip_authorization_put(&out, &challenge, &credentials, &use));
        line[out.len] = '\0';
        sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 2 + i, i == 0 ? "a" : "b", false, line, SDP("sendrecv")));
        sip_rig_assert_sent(&rig, rows[i].sent);
    }
    sip_rig_assert_log(&rig, "OFFERING");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->refused_login, 2);
    sip_rig_close(&rig);
}

static void only_the_configured_algorithms_are_offered(void **state)
{
    (void)state;
    static const char *const admit[] = {"bob:pw"};
    for (unsigned algorithm = 0; algorithm < CF_SIP_ALGORITHMS; algorithm++) {
        struct sip_rig rig;
        struct cf_sip_config config = sip_rig_config();
        config.admit = admit;
        config.admits = 1;
        config.digests = 1u << algorithm;
        sip_rig_open(&rig, config);
        sip_rig_invite(&rig);
        assert_int_equal(sip_rig_body_has(&rig, 0, "algorithm=MD5"), algorithm == CF_SIP_ALGORITHM_MD5);
        assert_int_equal(sip_rig_body_has(&rig, 0, "algorithm=SHA-256"), algorithm == CF_SIP_ALGORITHM_SHA256);
        sip_rig_close(&rig);
    }
}

/* ---- hold of a call that came in */

static void we_hold_a_call_that_came_in(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    sip_peer_take(&rig, 0, &re);
    assert_int_equal(re.msg.from.tag.len, CF_SIP_TAG_LEN);
    assert_non_null(strstr(re.text, "a=sendonly\r\n"));
    assert_memory_equal(re.text, "INVITE sip:al@198.51.100.7:5070 ", 32);
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &re, 100, NULL, "", NULL);
    sip_rig_pass(&rig, 1 * S);
    sip_rig_assert_sent(&rig, "");
    sip_peer_answer(&rig, &re, 200, NULL, "Contact: <sip:al@198.51.100.7:5070>\r\n", ANSWER("recvonly"));
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "ONHOLD DONE(200)");
    sip_peer_answer(&rig, &re, 200, NULL, "Contact: <sip:al@198.51.100.7:5070>\r\n", ANSWER("recvonly"));
    sip_rig_assert_sent(&rig, "ACK");
    end_call(&rig);
}

/* Our offer had all codecs, the answer to a repeated offer has not: it is another description. */
static void an_answer_after_our_offer_is_a_new_version(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    assert_int_equal(version_of(&rig, 0), 2);
    sip_peer_take(&rig, 0, &re);
    sip_peer_answer(&rig, &re, 200, NULL, "Contact: <sip:al@198.51.100.7:5070>\r\n", ANSWER("recvonly"));
    sip_rig_clear(&rig);
    for (unsigned i = 0; i < 2; i++) {
        receive(&rig, "INVITE", 2 + i, i == 0 ? "re2" : "re3", "", SDP("sendrecv"));
        assert_int_equal(version_of(&rig, 0), 3);
        sip_rig_assert_sent(&rig, "200");
        receive(&rig, "ACK", 2 + i, "acks", "", NULL);
    }
    end_call(&rig);
}

static void a_hold_that_is_only_tried_for_ends_with_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked re;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    sip_peer_take(&rig, 0, &re);
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &re, 100, NULL, "", NULL);
    sip_rig_pass(&rig, 40 * S); /* nothing follows: timer B */
    sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(8000,SIP timeout)");
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 60 * S);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void a_hold_waits_for_the_ack(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    sip_rig_assert_sent(&rig, "100 200");
    receive(&rig, "ACK", 1, "ack", "", NULL);
    sip_rig_assert_sent(&rig, "INVITE");
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(1,SIP BYE)");
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 70 * S);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

/* A re-INVITE of the peer is answered, its ACK has not come, and the peer says that it has no such dialog. */
static void no_bye_before_the_ack_of_a_later_2xx(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked info;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    receive(&rig, "INVITE", 2, "re2", "", SDP("sendrecv"));
    sip_rig_assert_sent(&rig, "200");
    assert_int_equal(cf_sip_ua_digits(rig.ua, rig.now, rig.call, "12", 2, 0), 0);
    sip_rig_pass(&rig, 20 * MS);
    sip_peer_take(&rig, 0, &info);
    sip_rig_assert_sent(&rig, "INFO");
    sip_peer_answer(&rig, &info, 200, NULL, "", NULL);
    sip_rig_pass(&rig, 200 * MS);
    sip_peer_take(&rig, 0, &info);
    sip_rig_assert_sent(&rig, "INFO");
    sip_peer_answer(&rig, &info, 481, NULL, "", NULL);
    sip_rig_assert_sent(&rig, "");
    sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(8000,SIP timeout)");
    receive(&rig, "ACK", 2, "ack2", "", NULL);
    sip_rig_assert_sent(&rig, "BYE");
    end_call(&rig);
}

/* ---- 100 only when it is needed */

static void trying_is_sent_when_nothing_else_is(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_config config = sip_rig_config();
    config.trying_ns = 200 * MS;
    sip_rig_open(&rig, config);
    sip_rig_invite(&rig);
    sip_rig_assert_sent(&rig, "");
    sip_rig_pass(&rig, 250 * MS);
    sip_rig_assert_sent(&rig, "100");
    sip_rig_invite(&rig);
    sip_rig_assert_sent(&rig, "100"); /* the INVITE again, the answer again */
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_clear(&rig);
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 2, "two", false, "", SDP("sendrecv")));
    assert_int_equal(cf_sip_ua_accept(rig.ua, rig.now, rig.call), 0);
    sip_rig_assert_sent(&rig, "180");
    sip_rig_pass(&rig, 250 * MS);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 1 * S);
    assert_int_equal(rig.sent_count, 1); /* of the refused call, 603 again */
    sip_rig_close(&rig);
}

/* ---- an answer in ACK that cannot be used */

static void an_unusable_answer_in_ack_ends_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 1, "inv", false, "", NULL));
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
    sip_rig_assert_sent(&rig, "100 200");
    receive(&rig, "ACK", 1, "ack", "",
            "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\n"
            "m=audio 0 RTP/AVP 0\r\n");
    sip_rig_assert_sent(&rig, "BYE");
    sip_rig_assert_log(&rig, "OFFERING CONNECTED DISCONNECTED(400,SIP 488)");
    sip_rig_pass(&rig, 60 * S);
    sip_rig_close(&rig);
}

/* ---- streams */

static unsigned holds[16];

static void on_hold(void *context, uint64_t connection, bool on)
{
    (void)context;
    assert_true(connection < 16);
    holds[connection] += on ? 1 : (unsigned)-1;
}

static void a_call_holds_its_connection(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open_holding(&rig, sip_rig_config(), on_hold);
    rig.peer.stream = true;
    rig.peer.connection = 5;
    sip_rig_connect(&rig);
    assert_int_equal(holds[5], 1);
    rig.peer.connection = 6;
    receive(&rig, "INFO", 2, "info", "", NULL);
    assert_int_equal(holds[5], 0);
    assert_int_equal(holds[6], 1);
    receive(&rig, "BYE", 3, "bye", "", NULL);
    assert_int_equal(holds[6], 0);
    sip_rig_close(&rig);
}

static void answers_go_back_over_the_connection(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    rig.peer.stream = true;
    rig.peer.connection = 5;
    sip_rig_invite(&rig);
    assert_true(rig.sent[0].to.stream);
    assert_int_equal(rig.sent[0].to.connection, 5);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 486), 0);
    sip_rig_assert_sent(&rig, "100 486");
    sip_rig_pass(&rig, 10 * S);
    sip_rig_assert_sent(&rig, ""); /* not repeated */
    receive(&rig, "ACK", 1, "inv", "", NULL);
    receive(&rig, "OPTIONS", 1, "inv", "", NULL);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_pass(&rig, 1 * S);
    sip_rig_assert_nothing_left(&rig); /* I and J are 0 */
    sip_rig_close(&rig);
}

static void an_answer_is_repeated_even_over_a_stream(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    rig.peer.stream = true;
    rig.peer.connection = 5;
    sip_rig_invite(&rig);
    assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 1 * S);
    sip_rig_assert_sent(&rig, "200"); /* RFC 3261 13.3.1.4: the next hops may be UDP */
    receive(&rig, "ACK", 1, "ack", "", NULL);
    sip_rig_clear(&rig);
    rig.peer.connection = 6; /* a new connection of the peer: BYE from us goes over it */
    receive(&rig, "INFO", 2, "info", "", NULL);
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    assert_true(rig.sent[0].to.stream);
    assert_int_equal(rig.sent[0].to.connection, 6);
    sip_rig_assert_sent(&rig, "BYE");
    sip_rig_pass(&rig, 60 * S);
    sip_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ringing_is_reliable_where_the_peer_demands_it),
        cmocka_unit_test(ringing_is_plain_where_the_peer_only_could),
        cmocka_unit_test(an_offer_in_reliable_ringing_is_answered_before_the_call_is),
        cmocka_unit_test(demanded_reliable_ringing_stays_reliable),
        cmocka_unit_test(without_prack_the_call_is_refused),
        cmocka_unit_test(too_short_a_session_is_refused),
        cmocka_unit_test(the_caller_refreshes_and_is_missed_when_it_does_not),
        cmocka_unit_test(our_refresh_names_a_new_description_once),
        cmocka_unit_test(callers_must_authenticate_where_some_are_admitted),
        cmocka_unit_test(only_the_configured_algorithms_are_offered),
        cmocka_unit_test(we_hold_a_call_that_came_in),
        cmocka_unit_test(an_answer_after_our_offer_is_a_new_version),
        cmocka_unit_test(a_hold_that_is_only_tried_for_ends_with_the_call),
        cmocka_unit_test(a_hold_waits_for_the_ack),
        cmocka_unit_test(no_bye_before_the_ack_of_a_later_2xx),
        cmocka_unit_test(trying_is_sent_when_nothing_else_is),
        cmocka_unit_test(an_unusable_answer_in_ack_ends_the_call),
        cmocka_unit_test(a_call_holds_its_connection),
        cmocka_unit_test(answers_go_back_over_the_connection),
        cmocka_unit_test(an_answer_is_repeated_even_over_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
