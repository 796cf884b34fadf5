/* Our calls are transferred by others, under simulated time: REFER that comes in, and INVITE with Replaces. */
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
#include "adapters/sip/extension.h"

#define REFER_TO "Refer-To: <sip:300@198.51.100.9>\r\n"

static struct cf_sip_config config_of(enum cf_sip_trust trust)
{
    struct cf_sip_config config = sip_rig_config();
    config.refer = trust;
    config.replace = trust;
    return config;
}

static void refer(struct sip_rig *rig, unsigned cseq, const char *headers)
{
    char branch[16];
    snprintf(branch, sizeof(branch), "refer%u", cseq);
    sip_rig_receive(rig, sip_rig_request(rig, "REFER", cseq, branch, true, headers, NULL));
}

/* A connected call, whose caller has it transferred to 300. */
static uint64_t begin(struct sip_rig *rig, struct sip_asked *ret_invite, struct sip_asked *ret_notify)
{
    sip_rig_open(rig, config_of(CF_SIP_TRUST_ANYBODY));
    sip_rig_connect(rig);
    const uint64_t old = rig->call;
    refer(rig, 2, REFER_TO "Referred-By: \"Boss\" <sip:boss@a.example>\r\n");
    sip_peer_take(rig, 0, ret_invite);
    sip_peer_take(rig, 2, ret_notify);
    sip_rig_assert_sent(rig, "INVITE 202 NOTIFY");
    sip_rig_assert_log(rig, "BEGUN");
    assert_true(rig->call != old);
    return old;
}

static void assert_notify(const struct sip_asked *notify, unsigned status, const char *subscription)
{
    assert_int_equal(notify->msg.method, CF_SIP_NOTIFY);
    assert_int_equal(cf_sip_sipfrag_status(cf_sip_ptr(&notify->msg, notify->msg.body), notify->msg.body.len), status);
    assert_non_null(strstr(notify->text, "\r\nEvent: refer;id=2\r\n"));
    assert_non_null(strstr(notify->text, subscription));
    assert_true(cf_sip_type_is(&notify->msg, "message", "sipfrag"));
}

static void a_refer_makes_a_call_and_hears_of_it(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked invite, notify, bye;
    begin(&rig, &invite, &notify);
    assert_true(sip_peer_slice_is(&invite.msg, invite.msg.uri, "sip:300@198.51.100.9"));
    assert_non_null(strstr(invite.text, "\r\nReferred-By: \"Boss\" <sip:boss@a.example>\r\n"));
    assert_null(strstr(invite.text, "Replaces:"));
    assert_int_equal(rig.identity.reason, LINECALLREASON_TRANSFER);
    assert_memory_equal(rig.identity.redirecting.number, "boss", 4);
    assert_memory_equal(rig.identity.redirecting.name, "Boss", 4);
    assert_memory_equal(rig.called, "300", 4);
    assert_notify(&notify, 100, "Subscription-State: active;");
    sip_peer_answer(&rig, &invite, 180, "target", "", NULL);
    sip_rig_assert_sent(&rig, ""); /* one NOTIFY at a time */
    sip_rig_assert_log(&rig, "RINGBACK");
    sip_peer_answer(&rig, &notify, 200, NULL, "", NULL);
    sip_peer_take(&rig, 0, &notify);
    assert_notify(&notify, 180, "Subscription-State: active;");
    sip_rig_assert_sent(&rig, "NOTIFY");
    sip_peer_answer(&rig, &notify, 200, NULL, "", NULL);
    sip_peer_answer(&rig, &invite, 200, "target", CONTACT, ANSWER("sendrecv"));
    sip_peer_take(&rig, 1, &notify);
    assert_notify(&notify, 200, "Subscription-State: terminated;reason=noresource\r\n");
    sip_rig_assert_sent(&rig, "ACK NOTIFY");
    sip_rig_assert_log(&rig, "INFORMED CONNECTED");
    sip_peer_answer(&rig, &notify, 200, NULL, "", NULL);
    sip_rig_assert_log(&rig, "");
    sip_rig_pass(&rig, 5 * S); /* whoever asked for it should hang up, and does not */
    sip_peer_take(&rig, 0, &bye);
    assert_true(sip_peer_slice_is(&bye.msg, bye.msg.to.tag, "caller"));
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE)");
    sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
    sip_rig_assert_log(&rig, "IDLE");
    assert_int_equal(cf_sip_ua_live(rig.ua).calls, 1);
    assert_int_equal(cf_sip_ua_counters(rig.ua)->referred, 1);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_pass(&rig, 40 * S);
    sip_peer_close(&rig);
}

static void whoever_asked_hangs_up_after_success(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked invite, notify;
    begin(&rig, &invite, &notify);
    sip_peer_answer(&rig, &notify, 200, NULL, "", NULL);
    sip_peer_answer(&rig, &invite, 200, "target", CONTACT, ANSWER("sendrecv"));
    sip_peer_take(&rig, 1, &notify);
    sip_rig_clear(&rig);
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 3, "bye", true, "", NULL)); /* before it answers NOTIFY */
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE) IDLE");
    sip_peer_answer(&rig, &notify, 481, NULL, "", NULL);
    sip_rig_assert_log(&rig, "");
    assert_int_equal(cf_sip_ua_live(rig.ua).calls, 1);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_pass(&rig, 40 * S);
    sip_peer_close(&rig);
}

/* How the new call ends, what is told of it; the old call goes on. */
static void failures_are_told(void **state)
{
    (void)state;
    static const struct {
        unsigned answer; /* to INVITE; 0: none */
        bool drop;
        unsigned told;
        const char *log;
    } table[] = {
        {486, false, 486, "BUSY DISCONNECTED(20,SIP 486) IDLE"},
        {404, false, 404, "DISCONNECTED(80,SIP 404) IDLE"},
        {0, false, 408, "DISCONNECTED(100,SIP unreachable) IDLE"},
        {180, true, 487, "RINGBACK DISCONNECTED(80000,SIP CANCEL) IDLE"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sip_rig rig;
        struct sip_asked invite, notify;
        const uint64_t old = begin(&rig, &invite, &notify);
        sip_peer_answer(&rig, &notify, 200, NULL, "", NULL);
        if (table[i].answer != 0)
            sip_peer_answer(&rig, &invite, table[i].answer, "target", "", NULL);
        if (table[i].drop) {
            sip_peer_take(&rig, 0, &notify);
            assert_notify(&notify, 180, "active");
            sip_peer_answer(&rig, &notify, 200, NULL, "", NULL);
            assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
            sip_peer_answer(&rig, &invite, 487, "target", "", NULL);
        }
        if (table[i].answer == 0) {
            rig.sent_count = 0;
            while (rig.log[0] == '\0') {
                rig.sent_count = 0;
                sip_rig_pass(&rig, S);
            }
        }
        sip_peer_take(&rig, rig.sent_count - 1, &notify);
        if (notify.msg.method != CF_SIP_NOTIFY) /* ACK of the refusal is the last */
            sip_peer_take(&rig, rig.sent_count - 2, &notify);
        assert_notify(&notify, table[i].told, "Subscription-State: terminated;reason=noresource\r\n");
        sip_rig_assert_log(&rig, table[i].log);
        rig.sent_count = 0;
        sip_peer_answer(&rig, &notify, 200, NULL, "", NULL);
        sip_rig_pass(&rig, 10 * S);
        sip_rig_clear(&rig);
        refer(&rig, 9, REFER_TO); /* it may ask again */
        sip_rig_assert_sent(&rig, "INVITE 202 NOTIFY");
        sip_rig_assert_log(&rig, "BEGUN");
        sip_rig_pass(&rig, 40 * S);
        sip_rig_clear(&rig);
        assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, old, 0), 0);
        sip_rig_pass(&rig, 40 * S);
        sip_peer_close(&rig);
    }
}

static void requests_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum cf_sip_trust trust;
        bool has_peer;
        const char *headers, *sent;
    } table[] = {
        {CF_SIP_TRUST_NOBODY, true, REFER_TO, "405"},
        {CF_SIP_TRUST_PEER, false, REFER_TO, "403"},
        {CF_SIP_TRUST_PEER, true, REFER_TO, "INVITE 202 NOTIFY"},
        {CF_SIP_TRUST_ANYBODY, true, "", "400"},
        {CF_SIP_TRUST_ANYBODY, true, "Refer-To: <sip:1@x>\r\nRefer-To: <sip:2@x>\r\n", "400"},
        {CF_SIP_TRUST_ANYBODY, true, "Refer-To: <sip:1@x?Replaces=nonsense>\r\n", "400"},
        {CF_SIP_TRUST_ANYBODY, true, "Refer-To: <sip:1@x?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3%0D%0AX%3A%20y>\r\n",
         "400"},
        {CF_SIP_TRUST_ANYBODY, true, "Refer-To: <sip:1@x;method=BYE>\r\n", "603"},
        {CF_SIP_TRUST_ANYBODY, true, "Refer-To: <http://x/>\r\n", "404"},
        {CF_SIP_TRUST_ANYBODY, false, "Refer-To: <sip:1@names.example>\r\n", "404"},
        {CF_SIP_TRUST_ANYBODY, true, "Refer-To: <sip:1@x>\r\nRequire: tdialog\r\n", "420"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sip_rig rig;
        struct cf_sip_config config = table[i].has_peer ? sip_peer_config() : sip_rig_config();
        config.refer = table[i].trust;
        sip_rig_open(&rig, config);
        sip_rig_connect(&rig);
        const uint64_t old = rig.call;
        refer(&rig, 2, table[i].headers);
        if (table[i].trust == CF_SIP_TRUST_NOBODY)
            assert_false(sip_rig_body_has(&rig, 0, "REFER\r\n\r\n"));
        sip_rig_assert_sent(&rig, table[i].sent);
        sip_rig_assert_log(&rig, table[i].sent[0] == 'I' ? "BEGUN" : "");
        sip_rig_pass(&rig, 40 * S);
        cf_sip_ua_drop(rig.ua, rig.now, old, 0);
        sip_rig_pass(&rig, 40 * S);
        sip_peer_close(&rig);
    }
}

static void one_transfer_at_a_time_and_none_while_the_core_is_behind(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked invite, notify;
    const uint64_t old = begin(&rig, &invite, &notify);
    refer(&rig, 3, REFER_TO);
    sip_rig_assert_sent(&rig, "491");
    const struct cf_sip_referring referring = {.destination = {"sip:1@198.51.100.9", 18}};
    assert_int_equal(cf_sip_ua_refer(rig.ua, rig.now, old, &referring), -EBUSY);
    sip_peer_answer(&rig, &notify, 200, NULL, "", NULL);
    sip_peer_answer(&rig, &invite, 404, "target", "", NULL);
    sip_peer_take(&rig, 0, &notify);
    if (notify.msg.method != CF_SIP_NOTIFY)
        sip_peer_take(&rig, 1, &notify);
    sip_peer_answer(&rig, &notify, 200, NULL, "", NULL);
    sip_rig_clear(&rig);
    cf_sip_ua_overload(rig.ua, true);
    refer(&rig, 4, REFER_TO);
    sip_rig_assert_sent(&rig, "503");
    sip_rig_assert_log(&rig, "");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->refused_transfer, 2);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, old, 0), 0);
    sip_rig_pass(&rig, 40 * S);
    sip_peer_close(&rig);
}

/* RFC 4488: nothing is told; after success we hang up when the peer does not. A peer that refuses NOTIFY is no longer told. */
static void who_wants_no_notify_gets_none(void **state)
{
    (void)state;
    for (unsigned refuses = 0; refuses < 2; refuses++) {
        struct sip_rig rig;
        struct sip_asked invite, notify;
        sip_rig_open(&rig, config_of(CF_SIP_TRUST_ANYBODY));
        sip_rig_connect(&rig);
        refer(&rig, 2, refuses ? REFER_TO : REFER_TO "Refer-Sub: false\r\nSupported: norefersub\r\n");
        sip_peer_take(&rig, 0, &invite);
        assert_int_equal(sip_rig_body_has(&rig, 1, "Refer-Sub: false\r\n"), !refuses);
        if (refuses) {
            sip_peer_take(&rig, 2, &notify);
            sip_peer_answer(&rig, &notify, 481, NULL, "", NULL);
        }
        sip_rig_assert_sent(&rig, refuses ? "INVITE 202 NOTIFY" : "INVITE 202");
        sip_peer_answer(&rig, &invite, 180, "target", "", NULL);
        sip_peer_answer(&rig, &invite, 200, "target", CONTACT, ANSWER("sendrecv"));
        sip_rig_assert_sent(&rig, "ACK");
        sip_rig_assert_log(&rig, "BEGUN RINGBACK INFORMED CONNECTED");
        sip_peer_pass_until_sent(&rig, 5 * S);
        sip_rig_assert_sent(&rig, "BYE");
        sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE)");
        cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0);
        sip_rig_pass(&rig, 40 * S);
        sip_peer_close(&rig);
    }
}

static void replaces_is_passed_on(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked invite, again;
    struct cf_sip_config config = sip_peer_login_config();
    config.refer = CF_SIP_TRUST_PEER;
    sip_rig_open(&rig, config);
    sip_rig_connect(&rig);
    const uint64_t old = rig.call;
    refer(&rig, 2, "Refer-To: <sip:300@198.51.100.9?Replaces=7%40x%3Bto-tag%3Da%3Bfrom-tag%3Db&Subject=no>\r\n");
    sip_peer_take(&rig, 0, &invite);
    assert_non_null(strstr(invite.text, "\r\nReplaces: 7@x;to-tag=a;from-tag=b\r\nRequire: replaces\r\n"));
    assert_null(strstr(invite.text, "Subject"));
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &invite, 401, "target", "WWW-Authenticate: " CHALLENGE, NULL);
    sip_peer_take(&rig, 1, &again); /* behind the ACK */
    assert_non_null(strstr(again.text, "\r\nReplaces: 7@x;to-tag=a;from-tag=b\r\n"));
    sip_peer_answer(&rig, &again, 200, "target", CONTACT, ANSWER("sendrecv"));
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), 0);
    sip_peer_take(&rig, 0, &again);
    assert_null(strstr(again.text, "Replaces:")); /* of the first INVITE alone */
    cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0);
    cf_sip_ua_drop(rig.ua, rig.now, old, 0);
    rig.sent_count = 0;
    sip_rig_pass(&rig, 20 * S);
    rig.sent_count = 0;
    sip_rig_pass(&rig, 40 * S);
    sip_peer_close(&rig);
}

static void who_must_log_in_must_for_a_transfer_too(void **state)
{
    (void)state;
    static const char *const admit[] = {"alice:secret"};
    struct sip_rig rig;
    struct sip_asked invite;
    struct cf_sip_config config = sip_peer_config();
    config.refer = CF_SIP_TRUST_ANYBODY;
    config.admit = admit;
    config.admits = 1;
    sip_rig_open(&rig, config);
    sip_peer_connect(&rig, &invite);
    sip_peer_ask(&rig, &invite, "REFER", 1, REFER_TO, NULL);
    sip_rig_assert_sent(&rig, "401");
    sip_rig_assert_log(&rig, "");
    sip_peer_ask(&rig, &invite, "BYE", 2, "", NULL);
    sip_peer_close(&rig);
}

/* ---- INVITE with Replaces */

/* An INVITE of its own dialog. */
static void replacing(struct sip_rig *rig, unsigned number, const char *replaces, const char *body)
{
    char text[4096];
    snprintf(text, sizeof(text),
             "INVITE sip:+4420@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKrep%u\r\n"
             "Max-Forwards: 70\r\nFrom: <sip:third@a.example>;tag=third\r\nTo: <sip:+4420@192.0.2.1>\r\n"
             "Call-ID: rep%u@a.example\r\nCSeq: 1 INVITE\r\nContact: <sip:third@198.51.100.7:5070>\r\n"
             "%s\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
             number, number, replaces, strlen(body), body);
    sip_rig_receive(rig, text);
}

static void a_call_takes_the_place_of_another(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked bye;
    char replaces[200];
    sip_rig_open(&rig, config_of(CF_SIP_TRUST_ANYBODY));
    sip_rig_connect(&rig);
    const uint64_t old = rig.call;
    snprintf(
        replaces, sizeof(replaces),
        "Require: replaces\r\nReplaces: one@a.example;to-tag=%s;from-tag=caller\r\nReferred-By: <sip:boss@a.example>",
        rig.tag);
    replacing(&rig, 1, replaces, SDP("sendrecv"));
    sip_peer_take(&rig, 2, &bye);
    assert_true(sip_peer_slice_is(&bye.msg, bye.msg.to.tag, "caller"));
    assert_true(sip_peer_slice_is(&bye.msg, bye.msg.call_id, "one@a.example"));
    sip_rig_assert_sent(&rig, "100 200 BYE");
    sip_rig_assert_log(&rig, "OFFERING CONNECTED DISCONNECTED(1,SIP BYE)");
    assert_true(rig.call != old);
    assert_int_equal(rig.identity.reason, LINECALLREASON_TRANSFER);
    assert_memory_equal(rig.identity.redirecting.number, "boss", 4);
    assert_string_equal(rig.caller, "third");
    sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
    sip_rig_assert_log(&rig, "IDLE");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->replaced, 1);
    sip_rig_receive(&rig,
                    "BYE sip:callfan@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKx\r\n"
                    "From: <sip:third@a.example>;tag=third\r\nTo: <sip:x@y>;tag=none\r\nCall-ID: rep1@a.example\r\n"
                    "CSeq: 2 BYE\r\n\r\n");
    sip_rig_assert_sent(&rig, "481");
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE)");
    rig.sent_count = 0;
    sip_rig_pass(&rig, 20 * S);
    rig.sent_count = 0;
    sip_rig_pass(&rig, 60 * S);
    sip_peer_close(&rig);
}

/* Of a call that is connected, which the INVITE names or does not. */
static void replaces_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum cf_sip_trust trust;
        const char *format; /* of our tag */
        const char *sent, *log;
    } table[] = {
        {CF_SIP_TRUST_ANYBODY, "Replaces: one@a.example;to-tag=%s;from-tag=other", "481", ""},
        {CF_SIP_TRUST_ANYBODY, "Replaces: one@a.example;to-tag=x%s;from-tag=caller", "481", ""},
        {CF_SIP_TRUST_ANYBODY, "Replaces: two@a.example;to-tag=%s;from-tag=caller", "481", ""},
        {CF_SIP_TRUST_ANYBODY, "Replaces: one@a.example;to-tag=%s;from-tag=caller;early-only", "486", ""},
        {CF_SIP_TRUST_ANYBODY, "Replaces: one@a.example;to-tag=%s", "400", ""},
        {CF_SIP_TRUST_ANYBODY, "Replaces: a;to-tag=1;from-tag=%s\r\nReplaces: a;to-tag=1;from-tag=1", "400", ""},
        {CF_SIP_TRUST_PEER, "Replaces: one@a.example;to-tag=%s;from-tag=caller", "403", ""}, /* the line has no peer */
        {CF_SIP_TRUST_NOBODY, "Replaces: one@a.example;to-tag=%s;from-tag=caller", "100", "OFFERING"},
        {CF_SIP_TRUST_NOBODY, "Require: replaces\r\nReplaces: a;to-tag=%s;from-tag=caller", "420", ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sip_rig rig;
        char replaces[200];
        sip_rig_open(&rig, config_of(table[i].trust));
        sip_rig_connect(&rig);
        const uint64_t old = rig.call;
        snprintf(replaces, sizeof(replaces), table[i].format, rig.tag);
        replacing(&rig, 1, replaces, SDP("sendrecv"));
        sip_rig_assert_sent(&rig, table[i].sent);
        sip_rig_assert_log(&rig, table[i].log);
        if (rig.call != old)
            cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0);
        cf_sip_ua_drop(rig.ua, rig.now, old, 0);
        rig.sent_count = 0;
        sip_rig_pass(&rig, 33 * S);
        sip_peer_close(&rig);
    }
}

static void a_call_that_is_ending_or_ringing_is_not_replaced(void **state)
{
    (void)state;
    struct sip_rig rig;
    char replaces[200];
    sip_rig_open(&rig, config_of(CF_SIP_TRUST_ANYBODY));
    sip_rig_invite(&rig);
    assert_int_equal(cf_sip_ua_accept(rig.ua, rig.now, rig.call), 0);
    sip_rig_assert_sent(&rig, "100 180");
    snprintf(replaces, sizeof(replaces), "Replaces: one@a.example;to-tag=%s;from-tag=caller", rig.tag);
    replacing(&rig, 1, replaces, SDP("sendrecv"));
    sip_rig_assert_sent(&rig, "481"); /* an early dialog that we did not begin */
    snprintf(replaces, sizeof(replaces), "Replaces: one@a.example;to-tag=%s;from-tag=caller", rig.tag);
    cf_sip_ua_answer(rig.ua, rig.now, rig.call);
    sip_rig_assert_sent(&rig, "200");
    snprintf(replaces, sizeof(replaces), "Replaces: one@a.example;to-tag=%s;from-tag=caller", rig.tag);
    sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
    cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0);
    sip_rig_assert_sent(&rig, "BYE");
    replacing(&rig, 2, replaces, SDP("sendrecv"));
    sip_rig_assert_sent(&rig, "603");
    sip_rig_assert_log(&rig, "OFFERING ACCEPTED CONNECTED DISCONNECTED(1,SIP BYE)");
    sip_rig_pass(&rig, 40 * S);
    sip_peer_close(&rig);
}

static void a_refused_replacement_leaves_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    char replaces[200];
    sip_rig_open(&rig, config_of(CF_SIP_TRUST_ANYBODY));
    sip_rig_connect(&rig);
    const uint64_t old = rig.call;
    snprintf(replaces, sizeof(replaces), "Replaces: one@a.example;to-tag=%s;from-tag=caller", rig.tag);
    rig.refuse = 503;
    replacing(&rig, 1, replaces, SDP("sendrecv"));
    sip_rig_assert_sent(&rig, "100 503");
    sip_rig_assert_log(&rig, "OFFERING DISCONNECTED(200,SIP 503) IDLE");
    replacing(&rig, 2, replaces, "nonsense");
    sip_rig_assert_sent(&rig, "488");
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, old, 0), 0);
    sip_rig_pass(&rig, 40 * S);
    sip_peer_close(&rig);
}

static void a_call_that_we_make_is_picked_up(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked invite;
    struct cf_sip_config config = sip_peer_config();
    char replaces[300];
    config.replace = CF_SIP_TRUST_PEER;
    sip_rig_open(&rig, config);
    sip_peer_make(&rig, "200", &invite);
    sip_peer_answer(&rig, &invite, 180, "callee", "", NULL);
    snprintf(replaces, sizeof(replaces), "Replaces: %.*s;to-tag=%.*s;from-tag=callee;early-only",
             invite.msg.call_id.len, cf_sip_ptr(&invite.msg, invite.msg.call_id), invite.msg.from.tag.len,
             cf_sip_ptr(&invite.msg, invite.msg.from.tag));
    sip_rig_clear(&rig);
    replacing(&rig, 1, replaces, SDP("sendonly"));
    sip_rig_assert_sent(&rig, "100 200 CANCEL");
    sip_rig_assert_log(&rig, "OFFERING CONNECTED HELD");
    assert_int_equal(rig.identity.reason, LINECALLREASON_PICKUP);
    sip_peer_answer(&rig, &invite, 487, "callee", "", NULL);
    sip_rig_assert_log(&rig, "DISCONNECTED(8,Q.850 26) IDLE");
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    rig.sent_count = 0;
    sip_rig_pass(&rig, 20 * S);
    rig.sent_count = 0;
    sip_rig_pass(&rig, 60 * S);
    sip_peer_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refer_makes_a_call_and_hears_of_it),
        cmocka_unit_test(whoever_asked_hangs_up_after_success),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(requests_that_are_refused),
        cmocka_unit_test(one_transfer_at_a_time_and_none_while_the_core_is_behind),
        cmocka_unit_test(who_wants_no_notify_gets_none),
        cmocka_unit_test(replaces_is_passed_on),
        cmocka_unit_test(who_must_log_in_must_for_a_transfer_too),
        cmocka_unit_test(a_call_takes_the_place_of_another),
        cmocka_unit_test(replaces_that_are_refused),
        cmocka_unit_test(a_call_that_is_ending_or_ringing_is_not_replaced),
        cmocka_unit_test(a_refused_replacement_leaves_the_call),
        cmocka_unit_test(a_call_that_we_make_is_picked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
