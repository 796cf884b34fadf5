/* We transfer calls, under simulated time: REFER, what the peer tells of it, and what becomes of the call. */
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

static int blind(struct sip_rig *rig, const char *destination)
{
    const struct cf_sip_referring referring = {.destination = {destination, strlen(destination)}};
    return cf_sip_ua_refer(rig->ua, rig->now, rig->call, &referring);
}

/* A connected call whose REFER was sent. */
static void begin(struct sip_rig *rig, struct sip_asked *ret_refer)
{
    sip_peer_open(rig);
    sip_peer_connect(rig, &invite);
    assert_int_equal(blind(rig, "300"), 0);
    sip_peer_take(rig, 0, ret_refer);
    sip_rig_assert_sent(rig, "REFER");
    sip_rig_assert_log(rig, "");
}

/* NOTIFY with this status in a message/sipfrag body; 0: without. */
static void notify(struct sip_rig *rig, unsigned cseq, unsigned status, const char *headers)
{
    char extra[400], body[64] = "";
    if (status != 0)
        snprintf(body, sizeof(body), "SIP/2.0 %u Whatever\r\n", status);
    snprintf(extra, sizeof(extra), "%s%sContent-Length: %zu\r\n\r\n%s", headers,
             status != 0 ? "Content-Type: message/sipfrag;version=2.0\r\n" : "", strlen(body), body);
    char text[8192];
    const struct cf_sip_msg *msg = &invite.msg;
    snprintf(text, sizeof(text),
             "NOTIFY sip:callfan@192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKn%u\r\n"
             "Max-Forwards: 70\r\nFrom: %.*s;tag=callee\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: %u NOTIFY\r\n"
             "Contact: <sip:200@198.51.100.7:5071>\r\n%s",
             cseq, msg->to.value.len, cf_sip_ptr(msg, msg->to.value), msg->from.value.len,
             cf_sip_ptr(msg, msg->from.value), msg->call_id.len, cf_sip_ptr(msg, msg->call_id), cseq, extra);
    sip_rig_receive(rig, text);
}

#define ACTIVE "Event: refer\r\nSubscription-State: active;expires=60\r\n"
#define OVER   "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n"

static void a_refer_names_whom_to_call_and_who_asks(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked refer;
    begin(&rig, &refer);
    assert_non_null(strstr(refer.text, "\r\nRefer-To: <sip:300@example.com>\r\n"));
    assert_non_null(strstr(refer.text, "\r\nReferred-By: <sip:100@example.com>\r\n"));
    assert_non_null(strstr(refer.text, "\r\nContact: <sip:callfan@192.0.2.1:5060>\r\n"));
    assert_true(sip_peer_slice_is(&refer.msg, refer.msg.to.tag, "callee"));
    assert_true(sip_peer_slice_is(&refer.msg, refer.msg.uri, "sip:200@198.51.100.7:5071"));
    assert_int_equal(blind(&rig, "300"), -EBUSY);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), -EBUSY);
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(1,SIP BYE) IDLE");
    sip_peer_close(&rig);
}

/* Until then the peer may not know the dialog that it is to transfer. */
static void a_refer_waits_for_the_ack_of_our_2xx(void **state)
{
    (void)state;
    struct sip_rig rig;
    for (unsigned again = 0; again < 2; again++) { /* a newer INVITE shows as much as the ACK */
        sip_rig_open(&rig, sip_rig_config());
        sip_rig_invite(&rig);
        assert_int_equal(cf_sip_ua_answer(rig.ua, rig.now, rig.call), 0);
        sip_rig_assert_sent(&rig, "100 200");
        assert_int_equal(blind(&rig, "sip:300@example.com"), 0);
        assert_int_equal(blind(&rig, "sip:301@example.com"), -EBUSY);
        sip_rig_assert_sent(&rig, "");
        if (again == 0) {
            sip_rig_receive(&rig, sip_rig_request(&rig, "ACK", 1, "ack", true, "", NULL));
            sip_rig_assert_sent(&rig, "REFER");
        } else {
            sip_rig_receive(&rig, sip_rig_request(&rig, "INVITE", 2, "again", true, "", NULL));
            sip_rig_assert_sent(&rig, "200 REFER");
        }
        sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 3, "bye", true, "", NULL));
        sip_rig_assert_log(&rig, "OFFERING CONNECTED DONE(487) DISCONNECTED(1,SIP BYE) IDLE");
        sip_rig_pass(&rig, 80 * S);
        sip_rig_close(&rig);
    }
}

/* What the peer answers and tells, and how that ends. */
static void outcomes(void **state)
{
    (void)state;
    static const struct {
        unsigned answer;      /* to REFER; 0: NOTIFY comes first */
        const char *headers;  /* of it */
        unsigned notified[4]; /* statuses; 1: without a body */
        const char *last;     /* headers of the last NOTIFY */
        const char *sent, *log;
    } table[] = {
        {202, "", {100, 180, 200}, OVER, "200 200 200 BYE", "DONE(200)"},
        {200, "", {200}, ACTIVE, "200 BYE", "DONE(200)"},
        {202, "", {299}, OVER, "200 BYE", "DONE(200)"},
        {0, "", {100, 200}, OVER, "200 200 BYE", "DONE(200)"},
        {202, "Refer-Sub: false\r\n", {0}, "", "BYE", "DONE(200)"},
        {202, "Refer-Sub: true\r\n", {200}, OVER, "200 BYE", "DONE(200)"},
        {202, "", {100, 486}, OVER, "200 200", "DONE(486)"},
        {202, "", {603}, ACTIVE, "200", "DONE(603)"},
        {202, "", {100, 1}, OVER, "200 200", "DONE(500)"}, /* how it went is not said */
        {202, "", {180}, OVER, "200", "DONE(500)"},
        {202, "", {1}, ACTIVE, "200", ""},
        {405, "", {0}, "", "", "DONE(405)"},
        {501, "", {0}, "", "", "DONE(501)"},
        {603, "", {0}, "", "", "DONE(603)"},
        {302, "", {0}, "", "", "DONE(302)"},
        {481, "", {0}, "", "BYE", "DONE(487) DISCONNECTED(8000,SIP timeout)"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sip_rig rig;
        struct sip_asked refer, bye;
        begin(&rig, &refer);
        if (table[i].answer != 0)
            sip_peer_answer(&rig, &refer, table[i].answer, NULL, table[i].headers, NULL);
        for (unsigned k = 0; k < 4 && table[i].notified[k] != 0; k++)
            notify(&rig, 1 + k, table[i].notified[k] == 1 ? 0 : table[i].notified[k],
                   k == 3 || table[i].notified[k + 1] == 0 ? table[i].last : ACTIVE);
        const bool ends = strstr(table[i].sent, "BYE") != NULL;
        if (ends)
            sip_peer_take(&rig, rig.sent_count - 1, &bye);
        sip_rig_assert_sent(&rig, table[i].sent);
        sip_rig_assert_log(&rig, table[i].log);
        if (ends) {
            sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
            sip_rig_assert_log(&rig, "IDLE");
        } else { /* the call is as it was */
            assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
            sip_rig_pass(&rig, 40 * S);
        }
        sip_peer_close(&rig);
    }
}

static void a_peer_that_tells_nothing_has_failed_in_time(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked refer;
    begin(&rig, &refer);
    sip_peer_answer(&rig, &refer, 202, NULL, "", NULL);
    sip_rig_pass(&rig, 31 * S);
    sip_rig_assert_log(&rig, "");
    sip_rig_pass(&rig, 2 * S);
    sip_rig_assert_log(&rig, "DONE(408)");
    assert_int_equal(blind(&rig, "301"), 0); /* the call is as it was, and may be transferred again */
    sip_peer_take(&rig, 0, &refer);
    sip_rig_assert_sent(&rig, "REFER");
    sip_peer_answer(&rig, &refer, 202, NULL, "", NULL);
    notify(&rig, 1, 180, ACTIVE);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_pass(&rig, 179 * S); /* it rings, and may do so for long */
    sip_rig_assert_log(&rig, "");
    sip_rig_pass(&rig, 2 * S);
    sip_rig_assert_log(&rig, "DONE(408)");
    notify(&rig, 2, 200, OVER); /* too late */
    sip_rig_assert_sent(&rig, "481");
    sip_rig_assert_log(&rig, "");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->transfer_failures, 2);
    sip_peer_ask(&rig, &invite, "BYE", 3, "", NULL);
    sip_rig_assert_log(&rig, "DISCONNECTED(1,SIP BYE) IDLE");
    sip_peer_close(&rig);
}

static void nobody_answers_the_refer(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked refer;
    begin(&rig, &refer);
    sip_rig_pass(&rig, 33 * S);
    sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(8000,SIP timeout)");
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 33 * S);
    sip_rig_assert_log(&rig, "IDLE");
    sip_peer_close(&rig);
}

static void what_is_no_notify_of_the_refer_is_refused(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked refer;
    char other[64];
    begin(&rig, &refer);
    sip_peer_answer(&rig, &refer, 202, NULL, "", NULL);
    snprintf(other, sizeof(other), "Event: refer;id=%u\r\n", refer.msg.cseq + 7);
    static const struct {
        const char *headers, *sent;
    } table[] = {
        {"", "489"},
        {"Event: talk\r\n", "489"},
        {"Event: refer;id=x\r\n", "400"},
        {"Event: refer\r\nSubscription-State: ;\r\n", "400"},
    };
    for (unsigned i = 0; i < 4; i++) {
        notify(&rig, 1 + i, 200, table[i].headers);
        sip_rig_assert_sent(&rig, table[i].sent);
    }
    notify(&rig, 9, 200, other);
    sip_rig_assert_sent(&rig, "481");
    sip_rig_assert_log(&rig, "");
    snprintf(other, sizeof(other), "Event: refer;id=%u\r\n", refer.msg.cseq);
    notify(&rig, 10, 404, other);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "DONE(404)");
    sip_peer_ask(&rig, &invite, "BYE", 11, "", NULL);
    sip_peer_close(&rig);
}

static void a_challenged_refer_is_sent_again(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked refer, again;
    sip_rig_open(&rig, sip_peer_login_config());
    sip_peer_connect(&rig, &invite);
    assert_int_equal(blind(&rig, "300"), 0);
    sip_peer_take(&rig, 0, &refer);
    sip_rig_clear(&rig);
    sip_peer_answer(&rig, &refer, 407, NULL, "Proxy-Authenticate: " CHALLENGE, NULL);
    sip_peer_take(&rig, 0, &again);
    sip_rig_assert_sent(&rig, "REFER");
    assert_non_null(strstr(again.text, "Proxy-Authorization: Digest"));
    assert_non_null(strstr(again.text, "Refer-To: <sip:300@example.com>\r\n"));
    assert_true(again.msg.cseq > refer.msg.cseq);
    sip_peer_answer(&rig, &again, 407, NULL, "Proxy-Authenticate: " CHALLENGE, NULL);
    sip_rig_assert_log(&rig, "DONE(407)");
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    sip_peer_close(&rig);
}

static void destinations_and_states_that_cannot_be(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_peer_open(&rig);
    sip_peer_make(&rig, "200", &invite);
    assert_int_equal(blind(&rig, "300"), -EINVAL);
    sip_peer_answer(&rig, &invite, 200, "callee", CONTACT, ANSWER("sendrecv"));
    sip_rig_clear(&rig);
    assert_int_equal(blind(&rig, ""), -EDESTADDRREQ);
    assert_int_equal(blind(&rig, "sip:a b@x"), -EDESTADDRREQ);
    assert_int_equal(blind(&rig, "sip:300@x?Replaces=1"), -EDESTADDRREQ); /* headers are ours to write */
    const uint64_t call = rig.call;
    rig.call = 12345;
    assert_int_equal(blind(&rig, "300"), -ESTALE);
    rig.call = call;
    sip_rig_assert_sent(&rig, "");
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    sip_peer_close(&rig);
}

static void our_own_drop_ends_the_transfer(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked refer, bye;
    begin(&rig, &refer);
    sip_peer_answer(&rig, &refer, 202, NULL, "", NULL);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(1,SIP BYE)");
    sip_peer_take(&rig, 0, &bye);
    sip_rig_assert_sent(&rig, "BYE");
    notify(&rig, 1, 200, OVER); /* crosses it */
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "");
    sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
    sip_rig_assert_log(&rig, "IDLE");
    sip_peer_close(&rig);
}

/* ---- with a consultation call */

static void a_dialog_is_named_as_its_far_end_knows_it(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked refer;
    struct cf_sip_dialog_name name;
    char wanted[1024];
    sip_peer_open(&rig);
    sip_peer_make(&rig, "300", &invite);
    const uint64_t consultation = rig.call;
    assert_int_equal(cf_sip_ua_name(rig.ua, consultation, &name), 0);
    assert_int_equal(name.replaces.len, 0); /* it is not answered: nobody may take its place */
    assert_memory_equal(name.target.text, "sip:300@example.com", name.target.len);
    sip_peer_answer(&rig, &invite, 200, "t&g", "Contact: <sip:300@198.51.100.7:5072?Subject=x>\r\n",
                    ANSWER("sendrecv"));
    sip_rig_clear(&rig);
    assert_int_equal(cf_sip_ua_name(rig.ua, consultation, &name), 0);
    assert_memory_equal(name.target.text, "sip:300@198.51.100.7:5072", name.target.len);
    const char *at = memchr(cf_sip_ptr(&invite.msg, invite.msg.call_id), '@', invite.msg.call_id.len);
    snprintf(wanted, sizeof(wanted), "%.*s%%40192.0.2.1%%3Bto-tag%%3Dt%%26g%%3Bfrom-tag%%3D%.*s",
             (int)(at - cf_sip_ptr(&invite.msg, invite.msg.call_id)), cf_sip_ptr(&invite.msg, invite.msg.call_id),
             invite.msg.from.tag.len, cf_sip_ptr(&invite.msg, invite.msg.from.tag));
    assert_int_equal(name.replaces.len, strlen(wanted));
    assert_memory_equal(name.replaces.text, wanted, name.replaces.len);

    struct sip_asked first, bye;
    sip_peer_make(&rig, "200", &first);
    sip_peer_answer(&rig, &first, 200, "callee", CONTACT, ANSWER("sendrecv"));
    sip_rig_clear(&rig);
    const struct cf_sip_referring referring = {.destination = {name.target.text, name.target.len},
                                               .replaces = {name.replaces.text, name.replaces.len}};
    assert_int_equal(cf_sip_ua_refer(rig.ua, rig.now, rig.call, &referring), 0);
    sip_peer_take(&rig, 0, &refer);
    snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), ">\r\n");
    assert_non_null(strstr(refer.text, "Refer-To: <sip:300@198.51.100.7:5072?Replaces="));
    assert_non_null(strstr(refer.text, wanted));
    sip_rig_clear(&rig);

    /* The target ends the consultation call, which ends quietly. */
    assert_int_equal(cf_sip_ua_quiet(rig.ua, consultation, true), 0);
    sip_peer_answer(&rig, &refer, 202, NULL, "", NULL);
    char text[2048];
    snprintf(text, sizeof(text),
             "BYE sip:callfan@192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5072;branch=z9hG4bKt\r\n"
             "From: <sip:300@example.com>;tag=t&g\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: 1 BYE\r\n\r\n",
             invite.msg.from.value.len, cf_sip_ptr(&invite.msg, invite.msg.from.value), invite.msg.call_id.len,
             cf_sip_ptr(&invite.msg, invite.msg.call_id));
    sip_rig_receive(&rig, text);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "IDLE");
    invite = first;
    assert_int_equal(cf_sip_scan(&invite.msg, invite.text, strlen(invite.text)), CF_SIP_ERROR_OK);
    notify(&rig, 1, 200, OVER);
    sip_peer_take(&rig, 1, &bye);
    sip_rig_assert_sent(&rig, "200 BYE");
    sip_peer_ask(&rig, &first, "BYE", 2, "", NULL); /* both hang up */
    sip_rig_assert_log(&rig, "DONE(200) IDLE");
    sip_peer_close(&rig);
}

static void a_name_that_is_too_long_is_none(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_dialog_name name;
    char contact[700];
    sip_peer_open(&rig);
    sip_peer_make(&rig, "300", &invite);
    snprintf(contact, sizeof(contact), "Contact: <sip:%0600d@198.51.100.7>\r\n", 1);
    sip_peer_answer(&rig, &invite, 200, "callee", contact, ANSWER("sendrecv"));
    assert_int_equal(cf_sip_ua_name(rig.ua, rig.call, &name), -EMSGSIZE);
    sip_peer_ask(&rig, &invite, "BYE", 1, "", NULL);
    assert_int_equal(cf_sip_ua_name(rig.ua, rig.call, &name), -ESTALE);
    assert_int_equal(cf_sip_ua_quiet(rig.ua, rig.call, true), -ESTALE);
    sip_peer_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refer_names_whom_to_call_and_who_asks),
        cmocka_unit_test(a_refer_waits_for_the_ack_of_our_2xx),
        cmocka_unit_test(outcomes),
        cmocka_unit_test(a_peer_that_tells_nothing_has_failed_in_time),
        cmocka_unit_test(nobody_answers_the_refer),
        cmocka_unit_test(what_is_no_notify_of_the_refer_is_refused),
        cmocka_unit_test(a_challenged_refer_is_sent_again),
        cmocka_unit_test(destinations_and_states_that_cannot_be),
        cmocka_unit_test(our_own_drop_ends_the_transfer),
        cmocka_unit_test(a_dialog_is_named_as_its_far_end_knows_it),
        cmocka_unit_test(a_name_that_is_too_long_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
