/* Requests within and without a dialog: hold, re-INVITE, routes, refusals, Via, old and malformed peers. */
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

/* ---- within a dialog */

static void hold_and_resume_are_reported(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 2, "re2", true, "", SDP("sendonly")));
    assert_true(sip_rig_body_has(&rig, 0, "a=recvonly\r\n"));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "HELD");
    sip_rig_pass(&rig, 600 * MS);
    sip_rig_assert_sent(&rig, "200"); /* repeated until the ACK, as the first one */
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 2, "re2a", true, "", NULL));
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 3, "re3", true, "", SDP("inactive")));
    assert_true(sip_rig_body_has(&rig, 0, "a=inactive\r\n"));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, ""); /* still on hold */
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 3, "re3a", true, "", NULL));
    sip_rig_receive(&rig, sip_rig_request(&rig, "UPDATE", 4, "up4", true, "", SDP("sendrecv")));
    assert_true(sip_rig_body_has(&rig, 0, "a=sendrecv\r\n"));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "RESUMED");
    sip_rig_receive(
        &rig, sip_rig_request(
                  &rig, "INVITE", 5, "re5", true, "",
                  "v=0\r\no=- 1 4 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "HELD");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 5, "re5a", true, "", NULL));
    /* a re-INVITE without an offer: ours goes out, the answer comes with the ACK */
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 6, "re6", true, "", NULL));
    assert_true(sip_rig_body_has(&rig, 0, "m=audio 4000 RTP/AVP 0 8\r\n"));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 7, "re7", true, "", SDP("sendrecv")));
    sip_rig_assert_sent(&rig, "491"); /* our offer is open */
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 6, "re6a", true, "", SDP("sendrecv")));
    sip_rig_assert_log(&rig, "RESUMED");
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 8, "bye", true, "", NULL));
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE) IDLE");
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void the_session_keeps_its_name_and_counts_its_versions(void **state)
{
    (void)state;
    struct sip_rig rig;
    unsigned long long session[2];
    unsigned version[2];
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    sip_rig_clear(&rig);
    cf_sip_ua_answer(rig.ua, rig.now, rig.call);
    assert_int_equal(sscanf(strstr(rig.sent[0].text, "o="), "o=callfan %llu %u", &session[0], &version[0]), 2);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
    static const struct {
        const char *body;
        unsigned version;
    } rows[] = {{SDP("sendrecv"), 1}, {SDP("sendonly"), 2}, {SDP("sendonly"), 2}, {SDP("sendrecv"), 3}};
    for (unsigned i = 0; i < 4; i++) { /* what the peer repeats gets the same answer */
        char branch[8];
        snprintf(branch, sizeof(branch), "re%u", i);
        sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 2 + i, branch, true, "", rows[i].body));
        assert_int_equal(sscanf(strstr(rig.sent[0].text, "o="), "o=callfan %llu %u", &session[1], &version[1]), 2);
        assert_true(session[0] == session[1]);
        assert_int_equal(version[0], 1);
        assert_int_equal(version[1], rows[i].version);
        sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 2 + i, "acks", true, "", NULL));
        rig.sent_count = 0;
    }
    sip_rig_close(&rig);
}

static void requests_within_the_dialog_are_answered_sensibly(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    static const struct {
        const char *method;
        unsigned cseq;
        const char *headers;
        const char *body;
        const char *sent;
    } table[] = {
        {"INFO", 10, "", NULL, "200"},
        {"OPTIONS", 11, "", NULL, "200"},
        {"UPDATE", 12, "", NULL, "200"},
        {"MESSAGE", 13, "", NULL, "405"},
        {"NOTIFY", 14, "", NULL, "489"},
        {"REFER", 14, "Refer-To: <sip:1@192.0.2.9>\r\n", NULL, "405"}, /* the default: nobody may */
        {"FROBNICATE", 15, "", NULL, "501"},
        {"INFO", 12, "", NULL, "500"}, /* older than one that was taken */
        {"INVITE", 16, "Require: 100rel, replaces, x-y\r\n", SDP("sendrecv"), "420"},
        {"INVITE", 16, "",
         "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\nm=audio 9 RTP/AVP 18\r\n", "488"},
        {"INVITE", 16, "", "nonsense", "488"},
        {"UPDATE", 16, "Content-Encoding: gzip\r\n", SDP("sendrecv"), "415"},
        {"INVITE", 16, "", SDP("sendrecv"), "200"}, /* the refused ones did not use up the number */
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char branch[16];
        snprintf(branch, sizeof(branch), "in%zu", i);
        sip_rig_receive(
            &rig, sip_rig_request(&rig, table[i].method, table[i].cseq, branch, true, table[i].headers, table[i].body));
        if (strcmp(table[i].sent, "420") == 0)
            assert_true(sip_rig_body_has(&rig, 0, "Unsupported: replaces, x-y\r\n"));
        if (strcmp(table[i].sent, "405") == 0 || strcmp(table[i].sent, "501") == 0)
            assert_true(sip_rig_body_has(&rig, 0, "Allow: INVITE, ACK"));
        sip_rig_assert_sent(&rig, table[i].sent);
        sip_rig_assert_log(&rig, "");
    }
    sip_rig_close(&rig);
}

static void a_reinvite_before_the_answer_must_wait(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    cf_sip_ua_accept(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "100 180");
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 2, "re2", true, "", SDP("sendrecv")));
    assert_true(sip_rig_body_has(&rig, 0, "Retry-After: "));
    sip_rig_assert_sent(&rig, "500");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 2, "re2", true, "", NULL));
    cf_sip_ua_answer(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "200");
    /* the ACK was lost; a newer INVITE shows that the 200 arrived */
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 3, "re3", true, "", SDP("sendrecv")));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 3, "re3a", true, "", NULL));
    /* a late copy of the refused one is not answered 200: nobody would acknowledge it */
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 2, "re2", true, "", SDP("sendonly")));
    sip_rig_assert_sent(&rig, "");
    sip_rig_assert_log(&rig, "OFFERING ACCEPTED CONNECTED");
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_sent(&rig, "");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->no_ack, 0);
    sip_rig_close(&rig);
}

static void an_update_without_a_description_needs_no_answered_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    cf_sip_ua_accept(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "100 180");
    sip_rig_receive(&rig, sip_rig_request(&rig, "UPDATE", 2, "up2", true, "", NULL));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_receive(&rig, sip_rig_request(&rig, "UPDATE", 3, "up3", true, "", SDP("sendonly")));
    sip_rig_assert_sent(&rig, "500");
    cf_sip_ua_answer(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_receive(&rig, sip_rig_request(&rig, "UPDATE", 3, "up3", true, "", SDP("sendonly")));
    sip_rig_assert_sent(&rig, "500"); /* the same again */
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
    cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0);
    sip_rig_assert_sent(&rig, "BYE");
    sip_rig_receive(&rig, sip_rig_request(&rig, "UPDATE", 4, "up4", true, "", NULL));
    sip_rig_assert_sent(&rig, "481");
    sip_rig_assert_log(&rig, "OFFERING ACCEPTED CONNECTED DISCONNECTED(1,SIP BYE)");
    sip_rig_close(&rig);
}

static void a_drop_during_a_reinvite_sends_bye_after_its_ack(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 2, "re2", true, "", SDP("sendonly")));
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_sent(&rig, "");
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 3, "re3", true, "", SDP("sendonly")));
    sip_rig_assert_sent(&rig, "481");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 2, "ack2", true, "", NULL));
    sip_rig_assert_sent(&rig, "BYE");
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE) IDLE");
    sip_rig_clear(&rig);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

/* The next hop of our BYE: routes first, loose or strict, and the newest contact. */
static void our_requests_follow_routes_and_the_newest_contact(void **state)
{
    (void)state;
    static const struct {
        const char *routes;
        const char *request_line;
        const char *route;
        unsigned port;
    } table[] = {
        {"", "BYE sip:new@198.51.100.7:5099 SIP/2.0\r\n", NULL, 5099},
        {"Record-Route: <sip:198.51.100.20:5080;lr>\r\nRecord-Route: <sip:p1.example;lr>\r\n",
         "BYE sip:new@198.51.100.7:5099 SIP/2.0\r\n", "Route: <sip:198.51.100.20:5080;lr>, <sip:p1.example;lr>\r\n",
         5080},
        {"Record-Route: <sip:198.51.100.20:5080>,<sip:p1.example;lr>\r\n", "BYE sip:198.51.100.20:5080 SIP/2.0\r\n",
         "Route: <sip:p1.example;lr>,<sip:new@198.51.100.7:5099>\r\n", 5080},
        {"Record-Route: <sip:name.example;lr>\r\n", "BYE sip:new@198.51.100.7:5099 SIP/2.0\r\n",
         "Route: <sip:name.example;lr>\r\n", 5070}, /* a name: back to where the newest request came from */
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sip_rig rig;
        sip_rig_open(&rig, sip_rig_config());
        sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 1, "inv", false, table[i].routes, SDP("sendrecv")));
        sip_rig_clear(&rig);
        cf_sip_ua_answer(rig.ua, rig.now, rig.call);
        if (table[i].routes[0] != '\0')
            assert_true(sip_rig_body_has(&rig, 0, "Record-Route: <sip:"));
        sip_rig_assert_sent(&rig, "200");
        sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
        char text[4096];
        snprintf(text, sizeof(text), "%s", sip_rig_request(&rig, "UPDATE", 2, "up", true, "", NULL));
        char *contact = strstr(text, "al@198.51.100.7:5070");
        assert_non_null(contact);
        memmove(contact + 21, contact + 20, strlen(contact + 20) + 1);
        memcpy(contact, "new@198.51.100.7:5099", 21);
        sip_rig_receive(&rig, text);
        sip_rig_clear(&rig);
        cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0);
        assert_memory_equal(rig.sent[0].text, table[i].request_line, strlen(table[i].request_line));
        if (table[i].route != NULL)
            assert_true(sip_rig_body_has(&rig, 0, table[i].route));
        else
            assert_false(sip_rig_body_has(&rig, 0, "Route:"));
        assert_int_equal(rig.sent[0].port, table[i].port);
        sip_rig_close(&rig);
    }
}

/* ---- outside of dialogs */

static void requests_that_begin_no_call_are_answered(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *headers;
        const char *body;
        const char *sent;
    } table[] = {
        {"OPTIONS", "", NULL, "200"},
        {"OPTIONS", "Require: nothing-we-have\r\n", NULL, "420"},
        {"REGISTER", "", NULL, "405"},
        {"SUBSCRIBE", "", NULL, "405"},
        {"MESSAGE", "", NULL, "405"},
        {"NEWMETHOD", "", NULL, "501"},
        {"BYE", "", NULL, "481"},
        {"INFO", "", NULL, "481"},
        {"INVITE", "Require: x-y\r\n", SDP("sendrecv"), "420"},
        {"INVITE", "Require: a,,\r\n", SDP("sendrecv"), "400"},
        {"INVITE", "Content-Encoding: gzip\r\n", SDP("sendrecv"), "415"},
        {"INVITE", "", "v=1\r\n", "488"},
        {"INVITE", "", "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\nm=video 9 RTP/AVP 31\r\n",
         "488"},
    };
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char branch[16];
        snprintf(branch, sizeof(branch), "out%zu", i);
        for (int again = 0; again < 2; again++) { /* without a transaction, and yet the same answer each time */
            sip_rig_receive(&rig,
                            sip_rig_request(&rig, table[i].method, 1, branch, false, table[i].headers, table[i].body));
        }
        assert_int_equal(rig.sent_count, 2);
        assert_string_equal(rig.sent[0].text, rig.sent[1].text);
        rig.sent_count = 1;
        sip_rig_assert_sent(&rig, table[i].sent);
        sip_rig_assert_log(&rig, "");
    }
    rig.tag[0] = '\0';
    snprintf(rig.tag, sizeof(rig.tag), "nobody");
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 1, "x1", true, "", SDP("sendrecv")));
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "x1", true, "", NULL));
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 1, "x2", true, "", NULL));
    sip_rig_assert_sent(&rig, "481 481");
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void a_request_over_two_paths_is_refused_once(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_invite(&rig);
    sip_rig_assert_sent(&rig, "100");
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 1, "otherpath", false, "", SDP("sendrecv")));
    sip_rig_assert_sent(&rig, "482");
    sip_rig_assert_log(&rig, "OFFERING");
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 2, "newtry", false, "",
                                          SDP("sendrecv"))); /* a new attempt is another call */
    sip_rig_assert_sent(&rig, "100");
    sip_rig_assert_log(&rig, "OFFERING");
    sip_rig_close(&rig);
}

static void an_invite_needs_a_contact_and_a_uri_we_know(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    char text[4096];
    snprintf(text, sizeof(text), "%s", sip_rig_request(&rig, "INVITE", 1, "nocontact", false, "", SDP("sendrecv")));
    memcpy(strstr(text, "Contact:"), "X-ntact:", 8);
    sip_rig_receive(&rig, text);
    assert_true(sip_rig_body_has(&rig, 0, "SIP/2.0 400 Missing Contact Header\r\n"));
    sip_rig_assert_sent(&rig, "400");
    snprintf(text, sizeof(text), "%s", sip_rig_request(&rig, "INVITE", 1, "scheme", false, "", SDP("sendrecv")));
    memcpy(strstr(text, "sip:+4420"), "urn:+4420", 9);
    sip_rig_receive(&rig, text);
    sip_rig_assert_sent(&rig, "416");
    sip_rig_close(&rig);
}

static void malformed_datagrams_are_counted_and_answered_or_dropped(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_receive(&rig, "");
    sip_rig_receive(&rig, "\r\n\r\n");
    sip_rig_receive(&rig, "\x80\x01 not sip at all");
    sip_rig_receive(&rig, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@b>\r\nTo: "
                          "<sip:c@d>\r\nCall-ID: x\r\n\r\n");
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "bad", false, "Content-Length: 7\r\n", NULL));
    sip_rig_assert_sent(&rig, "");
    sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 1, "bad", false, "Content-Length: 7\r\n", NULL));
    assert_true(sip_rig_body_has(&rig, 0, "SIP/2.0 400 Repeated Single-Value Header\r\n"));
    sip_rig_assert_sent(&rig, "400");
    char text[4096];
    snprintf(text, sizeof(text), "%s", sip_rig_request(&rig, "INVITE", 1, "v7", false, "", NULL));
    memcpy(strstr(text, "SIP/2.0\r\n"), "SIP/7.0\r\n", 9);
    sip_rig_receive(&rig, text);
    sip_rig_assert_sent(&rig, "505");
    const char *cut = sip_rig_request(&rig, "INVITE", 1, "cut", false, "", SDP("sendrecv"));
    cf_sip_ua_receive(rig.ua, rig.now, &rig.peer, cut, strlen(cut) - 10, true);
    sip_rig_assert_sent(&rig, "513");
    const struct cf_sip_counters *counters = cf_sip_ua_counters(rig.ua);
    assert_int_equal(counters->received, 8);
    assert_int_equal(counters->keepalives, 2);
    assert_int_equal(counters->malformed, 6);
    assert_int_equal(counters->malformed_answered, 3);
    assert_int_equal(counters->malformed_by_kind[CF_SIP_ERROR_NOISE], 1);
    assert_int_equal(counters->malformed_by_kind[CF_SIP_ERROR_MISSING_CSEQ], 1);
    assert_int_equal(counters->malformed_by_kind[CF_SIP_ERROR_DUPLICATE], 2);
    assert_int_equal(counters->malformed_by_kind[CF_SIP_ERROR_VERSION], 1);
    assert_int_equal(counters->malformed_by_kind[CF_SIP_ERROR_BODY_SHORT], 1);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void the_topmost_via_tells_where_we_saw_the_request_come_from(void **state)
{
    (void)state;
    static const struct {
        const char *via;
        const char *wanted;
        unsigned port;
    } table[] = {
        {"SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKx", "Via: SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKx\r\n",
         5070},
        {"SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKx", "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKx\r\n", 5060},
        {"SIP/2.0/UDP 10.0.0.1:5088;branch=z9hG4bKx",
         "Via: SIP/2.0/UDP 10.0.0.1:5088;branch=z9hG4bKx;received=198.51.100.7\r\n", 5088},
        {"SIP/2.0/UDP 10.0.0.1:5088;rport;branch=z9hG4bKx",
         "Via: SIP/2.0/UDP 10.0.0.1:5088;rport=5070;branch=z9hG4bKx;received=198.51.100.7\r\n", 5070},
        {"SIP/2.0/UDP 198.51.100.7:5088;branch=z9hG4bKx;rport=1;received=1.1.1.1",
         "Via: SIP/2.0/UDP 198.51.100.7:5088;branch=z9hG4bKx;rport=5070;received=198.51.100.7\r\n", 5070},
        {"SIP/2.0/UDP pc.example;received=9.9.9.9;rport ;branch=z9hG4bKx , SIP/2.0/UDP second;branch=z9hG4bKy",
         "Via: SIP/2.0/UDP pc.example;received=198.51.100.7;rport=5070 ;branch=z9hG4bKx , SIP/2.0/UDP "
         "second;branch=z9hG4bKy\r\n",
         5070},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sip_rig rig;
        char text[2048];
        sip_rig_open(&rig, sip_rig_config());
        snprintf(text, sizeof(text),
                 "OPTIONS sip:x@192.0.2.1 SIP/2.0\r\nv: %s\r\nVia: SIP/2.0/UDP third\r\nf: <sip:a@b>;tag=1\r\nt: "
                 "<sip:x@y>\r\n"
                 "i: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
                 table[i].via);
        sip_rig_receive(&rig, text);
        if (!sip_rig_body_has(&rig, 0, table[i].wanted))
            fail_msg("row %zu: %s", i, rig.sent[0].text);
        assert_true(sip_rig_body_has(&rig, 0, "\r\nVia: SIP/2.0/UDP third\r\n"));
        assert_int_equal(rig.sent[0].port, table[i].port);
        sip_rig_close(&rig);
    }
}

static void an_ipv6_peer_is_answered_as_one(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    assert_true(cf_sip_addr_parse(&rig.peer.addr, "2001:db8::7", 11, 5071));
    sip_rig_receive(&rig,
                    "OPTIONS sip:x@192.0.2.1 SIP/2.0\r\nv: SIP/2.0/UDP [2001:db8::8]:5066;branch=z9hG4bKx;rport\r\n"
                    "f: <sip:a@b>;tag=1\r\nt: <sip:x@y>\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n\r\n");
    assert_true(sip_rig_body_has(
        &rig, 0, "Via: SIP/2.0/UDP [2001:db8::8]:5066;branch=z9hG4bKx;rport=5071;received=2001:db8::7\r\n"));
    assert_int_equal(rig.sent[0].port, 5071);
    sip_rig_close(&rig);
}

/* A caller of RFC 2543: no magic cookie in the branch, no tag in From. */
static void a_caller_of_rfc_2543_is_served(void **state)
{
    (void)state;
    struct sip_rig rig;
    char text[2048];
    const char *format =
        "%s sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5070\r\nFrom: sip:al@a.example\r\n"
        "To: sip:bob@192.0.2.1%s%s\r\nCall-ID: old\r\nCSeq: %u %s\r\nContact: sip:al@198.51.100.7:5070\r\n\r\n";
    sip_rig_open(&rig, sip_rig_config());
    snprintf(text, sizeof(text), format, "INVITE", "", "", 1, "INVITE");
    sip_rig_receive(&rig, text);
    sip_rig_receive(&rig, text);
    sip_rig_assert_sent(&rig, "100 100");
    sip_rig_assert_log(&rig, "OFFERING");
    cf_sip_ua_drop(rig.ua, rig.now, rig.call, 486);
    sip_rig_assert_sent(&rig, "486");
    snprintf(text, sizeof(text), format, "ACK", ";tag=", rig.tag, 1, "ACK");
    sip_rig_receive(&rig, text);
    sip_rig_pass(&rig, 20 * S);
    sip_rig_assert_sent(&rig, "");
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hold_and_resume_are_reported),
        cmocka_unit_test(the_session_keeps_its_name_and_counts_its_versions),
        cmocka_unit_test(requests_within_the_dialog_are_answered_sensibly),
        cmocka_unit_test(a_reinvite_before_the_answer_must_wait),
        cmocka_unit_test(an_update_without_a_description_needs_no_answered_call),
        cmocka_unit_test(a_drop_during_a_reinvite_sends_bye_after_its_ack),
        cmocka_unit_test(our_requests_follow_routes_and_the_newest_contact),
        cmocka_unit_test(requests_that_begin_no_call_are_answered),
        cmocka_unit_test(a_request_over_two_paths_is_refused_once),
        cmocka_unit_test(an_invite_needs_a_contact_and_a_uri_we_know),
        cmocka_unit_test(malformed_datagrams_are_counted_and_answered_or_dropped),
        cmocka_unit_test(the_topmost_via_tells_where_we_saw_the_request_come_from),
        cmocka_unit_test(an_ipv6_peer_is_answered_as_one),
        cmocka_unit_test(a_caller_of_rfc_2543_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
