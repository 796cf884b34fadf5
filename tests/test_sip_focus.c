/* Calls to the focus of a conference, under simulated time: who is one, what we ask of it, and what it tells of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "adapters/sip/referral.h"
#include "callfan/tapi_const.h"
#include "tests/support/sip_peer.h"

static struct sip_asked invite;

/* Calls the factory, holding. */
static void call_factory(struct sip_rig *rig)
{
    const struct cf_sip_making making = {
        .destination = {"factory", 7}, .user = 4711, .limit_s = 32, .to_focus = true, .holds = true};
    assert_int_equal(cf_sip_ua_make(rig->ua, rig->now, &making, &rig->call), 0);
    sip_peer_take(rig, 0, &invite);
    sip_rig_assert_sent(rig, "INVITE");
}

/* A call that a focus has answered. */
static void open_conference(struct sip_rig *rig)
{
    sip_peer_open(rig);
    call_factory(rig);
    sip_peer_answer(rig, &invite, 200, "callee", "Contact: <sip:200@198.51.100.7:5071>;isfocus\r\n",
                    ANSWER("recvonly"));
    sip_rig_assert_sent(rig, "ACK");
    sip_rig_assert_log(rig, "INFORMED CONNECTED ONHOLD");
}

static void close_conference(struct sip_rig *rig)
{
    sip_rig_clear(rig);
    assert_int_equal(cf_sip_ua_drop(rig->ua, rig->now, rig->call, 0), 0);
    sip_rig_pass(rig, 40 * S);
    sip_peer_close(rig);
}

static void refer(struct sip_rig *rig, enum cf_sip_referral wanted, struct sip_asked *ret_refer)
{
    const struct cf_sip_referring referring = {.destination = {"sip:300@198.51.100.9", 20}, .wanted = wanted};
    assert_int_equal(cf_sip_ua_refer(rig->ua, rig->now, rig->call, &referring), 0);
    sip_peer_take(rig, 0, ret_refer);
    sip_rig_assert_sent(rig, "REFER");
}

/* NOTIFY of a REFER, named by its CSeq or (0) not. */
static void notify(struct sip_rig *rig, unsigned cseq, uint32_t id, unsigned status, bool last)
{
    char extra[300], body[40], named[20] = "";
    if (id != 0)
        snprintf(named, sizeof(named), ";id=%u", id);
    snprintf(body, sizeof(body), "SIP/2.0 %u x\r\n", status);
    snprintf(extra, sizeof(extra), "Event: refer%s\r\nSubscription-State: %s\r\nContent-Type: message/sipfrag\r\n",
             named, last ? "terminated;reason=noresource" : "active;expires=60");
    sip_peer_ask(rig, &invite, "NOTIFY", cseq, extra, body);
}

/* ---- the tests */

static void who_says_that_he_is_one(void **state)
{
    (void)state;
    static const struct {
        const char *contact;
        bool is;
    } table[] = {
        {"Contact: <sip:c@h>;isfocus\r\n", true},
        {"Contact: sip:c@h;isfocus\r\n", true},
        {"Contact: \"isfocus\" <sip:c@h>;q=1;IsFocus\r\n", true},
        {"m: <sip:c@h>;isfocus=\"TRUE\"\r\n", true},
        {"Contact: <sip:c@h>;isfocus=\"FALSE\"\r\n", false},
        {"Contact: <sip:c@h;isfocus>\r\n", false}, /* of the URI */
        {"Contact: \"x;isfocus\" <sip:c@h>\r\n", false},
        {"Contact: <sip:c@h>;isfocused\r\n", false},
        {"Contact: <sip:c@h>\r\n", false},
        {"Contact: <sip:c@h>, <sip:d@h>;isfocus\r\n", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct cf_sip_msg msg;
        char text[400];
        snprintf(
            text, sizeof(text),
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n"
            "Call-ID: 1\r\nCSeq: 1 INVITE\r\n%s\r\n",
            table[i].contact);
        assert_int_equal(cf_sip_scan(&msg, text, strlen(text)), CF_SIP_ERROR_OK);
        if (cf_sip_focus_read(&msg) != table[i].is)
            fail_msg("%s", table[i].contact);
    }
}

static void who_says_that_he_tells(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        bool tells;
    } table[] = {
        {"Allow-Events: conference\r\n", true},
        {"u: talk,Conference\r\n", true},
        {"Allow-Events: refer\r\nAllow-Events: , presence.winfo , conference;x=1\r\n", true},
        {"Allow-Events: conferences, conference.winfo\r\n", false},
        {"Allow-Events: ,,\r\n", false},
        {"Allow-Events:\r\n", false},
        {"Allow: conference\r\n", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct cf_sip_msg msg;
        char text[400];
        snprintf(
            text, sizeof(text),
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n"
            "Call-ID: 1\r\nCSeq: 1 INVITE\r\n%s\r\n",
            table[i].lines);
        assert_int_equal(cf_sip_scan(&msg, text, strlen(text)), CF_SIP_ERROR_OK);
        if (cf_sip_conference_package_read(&msg) != table[i].tells)
            fail_msg("%s", table[i].lines);
    }
}

static void somebody_else_who_answers_is_hung_up_on(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked bye;
    sip_peer_open(&rig);
    call_factory(&rig);
    sip_peer_answer(&rig, &invite, 200, "callee", CONTACT, ANSWER("recvonly"));
    sip_peer_take(&rig, 1, &bye);
    sip_rig_assert_sent(&rig, "ACK BYE");
    sip_rig_assert_log(&rig, "DISCONNECTED(400,SIP 488)");
    sip_peer_answer(&rig, &bye, 200, NULL, "", NULL);
    sip_rig_assert_log(&rig, "IDLE");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->no_focus, 1);
    assert_int_equal(cf_sip_ua_counters(rig.ua)->conferences, 0);
    sip_peer_close(&rig);
}

static void it_is_on_hold_from_the_beginning(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked again;
    open_conference(&rig);
    assert_non_null(strstr(invite.text, "\r\na=sendonly\r\n"));
    assert_int_equal(cf_sip_ua_counters(rig.ua)->conferences, 1);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, true), -EINVAL);
    assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, false), 0);
    sip_peer_take(&rig, 0, &again);
    assert_non_null(strstr(again.text, "\r\na=sendrecv\r\n"));
    sip_rig_assert_sent(&rig, "INVITE");
    sip_peer_answer(&rig, &again, 200, NULL, CONTACT, ANSWER("sendrecv")); /* what it once was need not be said again */
    sip_rig_assert_sent(&rig, "ACK");
    sip_rig_assert_log(&rig, "RESUMED DONE(200)");
    close_conference(&rig);
}

static void a_factory_that_does_not_answer_is_given_up(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked cancel;
    sip_peer_open(&rig);
    call_factory(&rig);
    sip_peer_answer(&rig, &invite, 180, "callee", "", NULL);
    sip_rig_pass(&rig, 31 * S);
    sip_rig_assert_log(&rig, "RINGBACK");
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 2 * S);
    sip_peer_take(&rig, 0, &cancel);
    assert_int_equal(cancel.msg.method, CF_SIP_CANCEL);
    sip_peer_answer(&rig, &invite, 487, "callee", "", NULL);
    assert_non_null(strstr(rig.log, "DISCONNECTED(40,SIP 408) IDLE")); /* NOANSWER */
    sip_peer_close(&rig);
}

/* Whatever comes of it, the call goes on. */
static void what_it_is_asked_does_not_end_the_call(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked asked;
    open_conference(&rig);
    refer(&rig, CF_SIP_REFERRAL_JOIN, &asked);
    assert_non_null(strstr(asked.text, "\r\nRefer-To: <sip:300@198.51.100.9>\r\n"));
    assert_true(sip_peer_slice_is(&asked.msg, asked.msg.uri, "sip:200@198.51.100.7:5071"));
    sip_peer_answer(&rig, &asked, 202, NULL, "", NULL);
    notify(&rig, 1, asked.msg.cseq, 200, true);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "DONE(200)");
    refer(&rig, CF_SIP_REFERRAL_REMOVE, &asked);
    assert_non_null(strstr(asked.text, "\r\nRefer-To: <sip:300@198.51.100.9;method=BYE>\r\n"));
    sip_peer_answer(&rig, &asked, 200, NULL, "Refer-Sub: false\r\n", NULL);
    sip_rig_assert_log(&rig, "DONE(200)");
    refer(&rig, CF_SIP_REFERRAL_JOIN, &asked);
    sip_peer_answer(&rig, &asked, 603, NULL, "", NULL);
    sip_rig_assert_log(&rig, "DONE(603)");
    const struct cf_sip_counters *c = cf_sip_ua_counters(rig.ua);
    assert_int_equal(c->joined, 1);
    assert_int_equal(c->removed, 1);
    assert_int_equal(c->focus_failures, 1);
    assert_int_equal(c->transfers + c->transfer_failures, 0);
    close_conference(&rig);
}

/* A subscription that goes on when its outcome is known must not tell the outcome of the next. */
static void what_is_told_late_is_not_of_the_next(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked first, second, third;
    open_conference(&rig);
    refer(&rig, CF_SIP_REFERRAL_JOIN, &first);
    sip_peer_answer(&rig, &first, 202, NULL, "", NULL);
    notify(&rig, 1, 0, 200, false);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "DONE(200)");
    refer(&rig, CF_SIP_REFERRAL_JOIN, &second);
    sip_peer_answer(&rig, &second, 202, NULL, "", NULL);
    notify(&rig, 2, 0, 200, false); /* of the first, again */
    notify(&rig, 3, first.msg.cseq, 200, false);
    notify(&rig, 4, 0, 200, true); /* its end */
    sip_rig_assert_sent(&rig, "200 200 200");
    sip_rig_assert_log(&rig, "");
    notify(&rig, 5, first.msg.cseq, 200, true); /* of one that is over */
    sip_rig_assert_sent(&rig, "481");
    notify(&rig, 6, second.msg.cseq, 486, true);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "DONE(486)");
    refer(&rig, CF_SIP_REFERRAL_REMOVE, &third);
    sip_peer_answer(&rig, &third, 202, NULL, "", NULL);
    sip_rig_pass(&rig, 33 * S); /* nothing is told of it in time */
    sip_rig_assert_log(&rig, "DONE(408)");
    notify(&rig, 7, third.msg.cseq, 200, true);
    sip_rig_assert_sent(&rig, "200");
    notify(&rig, 8, 0, 200, true);
    sip_rig_assert_sent(&rig, "481");
    sip_rig_assert_log(&rig, "");
    close_conference(&rig);
}

/* A focus that has no such dialog any more, or none that answers: the call is over. */
static void a_focus_that_is_gone(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        struct sip_rig rig;
        struct sip_asked asked;
        open_conference(&rig);
        refer(&rig, CF_SIP_REFERRAL_JOIN, &asked);
        if (silent)
            sip_rig_pass(&rig, 33 * S);
        else
            sip_peer_answer(&rig, &asked, 481, NULL, "", NULL);
        sip_rig_assert_log(&rig, "DONE(487) DISCONNECTED(8000,SIP timeout)");
        sip_rig_clear(&rig);
        sip_rig_pass(&rig, 40 * S);
        sip_rig_assert_log(&rig, "IDLE");
        sip_peer_close(&rig);
    }
}

/* ---- who is in it */

#define WATCHED "Contact: <sip:200@198.51.100.7:5071>;isfocus\r\nAllow-Events: talk, conference\r\n"

/* A conference whose focus tells, and the SUBSCRIBE. */
static void open_watched(struct sip_rig *rig, struct sip_asked *ret_subscribe)
{
    sip_rig_open(rig, sip_peer_login_config());
    call_factory(rig);
    sip_peer_answer(rig, &invite, 200, "callee", WATCHED, ANSWER("recvonly"));
    sip_peer_take(rig, 1, ret_subscribe);
    sip_rig_assert_sent(rig, "ACK SUBSCRIBE");
    sip_rig_assert_log(rig, "INFORMED CONNECTED ONHOLD");
}

static void notify_roster(struct sip_rig *rig, unsigned cseq, const char *subscription, const char *type,
                          const char *body)
{
    char extra[300];
    snprintf(extra, sizeof(extra), "Event: conference\r\nSubscription-State: %s\r\nContent-Type: %s\r\n", subscription,
             type);
    sip_peer_ask(rig, &invite, "NOTIFY", cseq, extra, body);
}

#define ROSTER_TYPE "application/conference-info+xml"
#define ROSTER      "<conference-info xmlns='urn:ietf:params:xml:ns:conference-info'/>"

static void a_focus_is_asked_to_tell_who_is_in_it(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked subscribe;
    open_watched(&rig, &subscribe);
    assert_non_null(strstr(subscribe.text, "\r\nEvent: conference\r\nAccept: " ROSTER_TYPE "\r\nExpires: 3600\r\n"));
    notify_roster(&rig, 1, "active", ROSTER_TYPE, ROSTER); /* before the 200 */
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "ROSTER");
    sip_peer_answer(&rig, &subscribe, 200, NULL, "Expires: 600\r\n", NULL);
    notify_roster(&rig, 2, "active", ROSTER_TYPE, "<conference-info/>");
    notify_roster(&rig, 3, "active", "text/plain", ROSTER);
    notify_roster(&rig, 4, "pending", ROSTER_TYPE, "");
    sip_rig_assert_sent(&rig, "200 200 200");
    sip_rig_assert_log(&rig, "");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->rosters_unread, 2);
    sip_rig_pass(&rig, 299 * S);
    sip_rig_assert_sent(&rig, "");
    sip_peer_pass_until_sent(&rig, 2 * S); /* half of it */
    sip_peer_take(&rig, 0, &subscribe);
    sip_rig_assert_sent(&rig, "SUBSCRIBE");
    sip_peer_answer(&rig, &subscribe, 407, NULL, "Proxy-Authenticate: " CHALLENGE, NULL);
    sip_peer_take(&rig, 0, &subscribe);
    assert_non_null(strstr(subscribe.text, "Proxy-Authorization: Digest"));
    sip_rig_assert_sent(&rig, "SUBSCRIBE");
    sip_peer_answer(&rig, &subscribe, 200, NULL, "Expires: 1\r\n", NULL); /* no oftener than twice a minute */
    sip_rig_pass(&rig, 29 * S);
    sip_rig_assert_sent(&rig, "");
    notify_roster(&rig, 5, "terminated;reason=deactivated", ROSTER_TYPE, ROSTER);
    sip_rig_assert_sent(&rig, "200");
    sip_rig_assert_log(&rig, "ROSTER");
    notify_roster(&rig, 6, "active", ROSTER_TYPE, ROSTER);
    sip_rig_assert_sent(&rig, "481");
    sip_rig_pass(&rig, 59 * S);
    sip_rig_assert_sent(&rig, "");
    sip_peer_pass_until_sent(&rig, 2 * S);
    sip_peer_take(&rig, 0, &subscribe);
    sip_rig_assert_sent(&rig, "SUBSCRIBE");
    close_conference(&rig);
}

/* That it does not tell is no reason to hang up, whatever it says to that. */
static void a_focus_that_does_not_tell(void **state)
{
    (void)state;
    static const unsigned statuses[] = {489, 481, 403, 408, 0};
    for (unsigned i = 0; i < 5; i++) {
        struct sip_rig rig;
        struct sip_asked subscribe;
        open_watched(&rig, &subscribe);
        if (statuses[i] != 0)
            sip_peer_answer(&rig, &subscribe, statuses[i], NULL, "", NULL);
        else
            sip_rig_pass(&rig, 33 * S);
        sip_rig_assert_log(&rig, "");
        sip_rig_clear(&rig);
        notify_roster(&rig, 1, "active", ROSTER_TYPE, ROSTER);
        sip_rig_assert_sent(&rig, "481");
        assert_int_equal(cf_sip_ua_counters(rig.ua)->watch_failures, 1);
        assert_int_equal(cf_sip_ua_hold(rig.ua, rig.now, rig.call, false), 0);
        close_conference(&rig);
    }
}

static void a_factory_has_to_be_one_that_can_be_called(void **state)
{
    (void)state;
    static const struct {
        const char *factory;
        bool peer, good;
    } table[] = {
        {"sip:factory@192.0.2.9", false, true},
        {"sip:factory@192.0.2.9:5070;transport=tcp", false, true},
        {"sip:factory@[2001:db8::1]", false, false},
        {"sip:factory@example.com", false, false},
        {"sip:factory@example.com", true, true},
        {"sips:factory@example.com", true, false},
        {"tel:+1555", true, false},
        {"factory", true, false},
        {"sip:", true, false},
        {"sip:a b@example.com", true, false},
        {"sip:a>@example.com", true, false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct cf_sip_config config = table[i].peer ? sip_peer_config() : sip_rig_config();
        config.conference = table[i].factory;
        if ((cf_sip_config_complete(&config) == NULL) != table[i].good)
            fail_msg("%s, %s a peer", table[i].factory, table[i].peer ? "with" : "without");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_says_that_he_is_one),
        cmocka_unit_test(who_says_that_he_tells),
        cmocka_unit_test(somebody_else_who_answers_is_hung_up_on),
        cmocka_unit_test(it_is_on_hold_from_the_beginning),
        cmocka_unit_test(a_factory_that_does_not_answer_is_given_up),
        cmocka_unit_test(what_it_is_asked_does_not_end_the_call),
        cmocka_unit_test(what_is_told_late_is_not_of_the_next),
        cmocka_unit_test(a_focus_that_is_gone),
        cmocka_unit_test(a_focus_is_asked_to_tell_who_is_in_it),
        cmocka_unit_test(a_focus_that_does_not_tell),
        cmocka_unit_test(a_factory_has_to_be_one_that_can_be_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
