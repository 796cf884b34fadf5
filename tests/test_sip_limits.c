/* Calls that we make when something is used up: calls, transactions, blocks, connections, memory. */
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
    sip_peer_close(&rig);
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
    sip_peer_close(&rig);
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
    assert_true(sip_peer_slice_is(&ack.msg, ack.msg.to.tag, "callee"));
    assert_true(sip_peer_slice_is(&bye.msg, bye.msg.to.tag, "callee"));
    assert_true(sip_peer_slice_is(&bye.msg, bye.msg.uri, "sip:200@198.51.100.7:5071"));
    sip_rig_assert_sent(&rig, "ACK BYE");
    sip_rig_assert_log(&rig, "DISCONNECTED(8000,SIP 500) IDLE");
    sip_peer_answer(&rig, &invite, 200, "callee", lines, ANSWER("sendrecv"));
    sip_peer_close(&rig);
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
    sip_peer_close(&rig);
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
            struct cf_sip_config config = sip_peer_login_config();
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
            sip_peer_pass_until_sent(&rig, 5 * S);
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
        cmocka_unit_test(with_all_calls_in_use_a_call_cannot_be_made),
        cmocka_unit_test(a_dialog_that_cannot_be_kept_is_ended),
        cmocka_unit_test(only_what_waits_there_ends_with_a_connection),
        cmocka_unit_test(scarce_memory_ends_no_call_twice_and_leaks_nothing),
        cmocka_unit_test(without_a_transaction_no_invite_goes_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
