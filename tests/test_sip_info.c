/* Digits that come in by INFO: what is read of its body, what is answered, and that each is heard once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "tests/support/sip_peer.h"

#define RELAY "Content-Type: application/dtmf-relay\r\n"
#define BARE  "Content-Type: application/dtmf\r\n"

/* An INFO of the caller's, with that CSeq and branch. */
static void info(struct sip_rig *rig, unsigned cseq, const char *branch, const char *extra, const char *body)
{
    sip_rig_receive(rig, sip_rig_request(rig, "INFO", cseq, branch, true, extra, body));
}

static void a_body_is_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *extra, *body, *sent, *told;
    } table[] = {
        {RELAY, "Signal=5\r\nDuration=160\r\n", "200", "DIGIT(5)"},
        {RELAY, "Signal= *\r\nDuration= 160", "200", "DIGIT(*)"},
        {RELAY, "Signal=11", "200", "DIGIT(#)"},
        {RELAY, "Signal=b\r\n", "200", "DIGIT(B)"},
        {"c: Application/DTMF-Relay;charset=x\r\n", "Duration=1\nSignal=0", "200", "DIGIT(0)"},
        {BARE, "9", "200", "DIGIT(9)"},
        {BARE, " 10\r\n", "200", "DIGIT(*)"},
        {BARE, "\r\nd\r\n\r\n", "200", "DIGIT(D)"},
        {BARE "Content-Encoding: identity\r\n", "1", "200", "DIGIT(1)"},
        {BARE "Content-Disposition: signal;handling=required\r\n", "1", "200", "DIGIT(1)"},
        {"", NULL, "200", ""}, /* does the call live? */
        {"Content-Type: application/sdp\r\n", NULL, "200", ""},
        /* no digit */
        {RELAY, "Signal=16\r\n", "400", ""}, /* a flash */
        {RELAY, "Signal=55\r\n", "400", ""},
        {RELAY, "Signal=\r\n", "400", ""},
        {RELAY, "Duration=100\r\n", "400", ""},
        {RELAY, "5", "400", ""},
        {RELAY, NULL, "400", ""},
        {BARE, "12 ", "200", "DIGIT(A)"},
        {BARE, "1 2", "400", ""},
        {BARE, "Signal=5\r\n", "400", ""},
        {BARE, "!", "400", ""},
        {BARE, "\x01", "400", ""},
        {BARE, "\r\n", "400", ""},
        {BARE, "99999999999999999999", "400", ""},
        {BARE, NULL, "400", ""},
        /* not what we read */
        {"Content-Type: application/media_control+xml\r\n", "<x/>", "415", ""},
        {"Content-Type: text/dtmf\r\n", "1", "415", ""},
        {"Content-Type: application/dtmf-relays\r\n", "Signal=1", "415", ""},
        {"X-Content-Type: none\r\n", "Signal=1", "415", ""},
        {RELAY "Content-Encoding: gzip\r\n", "Signal=1", "415", ""},
        {"Content-Type: text/plain\r\nContent-Disposition: x;a=b;handling=optional\r\n", "Signal=1", "200", ""},
        {"Content-Type: text/plain\r\nContent-Disposition: x;handling=required\r\n", "Signal=1", "415", ""},
        {"Content-Type: text/plain\r\nContent-Disposition: x;handling\r\n", "Signal=1", "415", ""},
        {"Content-Type: text/plain\r\nContent-Disposition: ;;\r\n", "Signal=1", "415", ""},
        {"Info-Package: dtmf\r\n" RELAY, "Signal=1", "469", ""},
        {"Info-Package:\r\n", NULL, "469", ""},
        {"Require: nothing-we-know\r\n" RELAY, "Signal=1", "420", ""},
    };
    struct sip_rig rig;
    char branch[32];
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    unsigned digits = 0, refused = 0;
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(branch, sizeof(branch), "z9hG4bKinfo%u", i);
        sip_rig_clear(&rig);
        info(&rig, 10 + i, branch, table[i].extra, table[i].body);
        const bool has_accept =
            strstr(rig.sent[0].text, "Accept: application/dtmf-relay, application/dtmf\r\n") != NULL;
        const bool has_packages = strstr(rig.sent[0].text, "\r\nRecv-Info:\r\n") != NULL;
        if (has_accept != (strcmp(table[i].sent, "415") == 0) || has_packages != (strcmp(table[i].sent, "469") == 0))
            fail_msg("row %u: %s", i, rig.sent[0].text);
        if (strcmp(rig.log, table[i].told) != 0)
            fail_msg("row %u: told \"%s\"", i, rig.log);
        sip_rig_assert_log(&rig, table[i].told);
        sip_rig_assert_sent(&rig, table[i].sent);
        digits += table[i].told[0] != '\0';
        refused += table[i].sent[0] == '4' && strcmp(table[i].sent, "420") != 0;
        assert_true(cf_sip_ua_check(rig.ua));
        sip_rig_pass(&rig, 40 * MS);
    }
    assert_int_equal(cf_sip_ua_counters(rig.ua)->digits, digits);
    assert_int_equal(cf_sip_ua_counters(rig.ua)->refused_info, refused);
    assert_int_equal(cf_sip_ua_counters(rig.ua)->refused_flood, 0);
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 100, "z9hG4bKbye", true, "", NULL));
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void copies_are_not_heard(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    sip_rig_clear(&rig);
    info(&rig, 10, "z9hG4bKa", BARE, "1");
    sip_rig_pass(&rig, 500 * MS);
    info(&rig, 10, "z9hG4bKa", BARE, "1"); /* the 200 was lost */
    sip_rig_assert_log(&rig, "DIGIT(1)");
    sip_rig_assert_sent(&rig, "200 200");
    sip_rig_clear(&rig);
    info(&rig, 11, "z9hG4bKb", BARE, "1"); /* the same key again */
    info(&rig, 9, "z9hG4bKc", BARE, "2");  /* overtaken, */
    info(&rig, 11, "z9hG4bKd", BARE, "3"); /* and over another path */
    sip_rig_assert_log(&rig, "DIGIT(1)");
    sip_rig_assert_sent(&rig, "200 500 500");
    sip_rig_pass(&rig, 33 * S);
    sip_rig_clear(&rig);
    info(&rig, 11, "z9hG4bKb", BARE, "1"); /* its transaction is gone */
    sip_rig_assert_log(&rig, "");
    sip_rig_assert_sent(&rig, "500");
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 12, "z9hG4bKbye", true, "", NULL));
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void refused_ones_may_be_sent_better(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    sip_rig_clear(&rig);
    info(&rig, 10, "z9hG4bKa", BARE, "x");
    info(&rig, 10, "z9hG4bKa", BARE, "x"); /* its copy gets the same */
    info(&rig, 10, "z9hG4bKb", BARE, "4");
    sip_rig_assert_log(&rig, "DIGIT(4)");
    sip_rig_assert_sent(&rig, "400 400 200");
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 12, "z9hG4bKbye", true, "", NULL));
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void a_flood_is_refused_and_takes_nothing(void **state)
{
    (void)state;
    struct sip_rig rig;
    char branch[32];
    unsigned cseq = 10;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_connect(&rig);
    const struct cf_sip_counters *counters = cf_sip_ua_counters(rig.ua);
    const uint32_t transactions = cf_sip_ua_live(rig.ua).server_transactions;
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(branch, sizeof(branch), "z9hG4bKf%u", cseq);
        sip_rig_clear(&rig);
        info(&rig, cseq++, branch, BARE, "1");
        const bool admitted = i < CF_SIP_INFOS_BURST;
        assert_string_equal(rig.log, admitted ? "DIGIT(1)" : "");
        assert_true(admitted || strstr(rig.sent[0].text, "Retry-After: 1\r\n") != NULL);
        sip_rig_assert_sent(&rig, admitted ? "200" : "500");
    }
    assert_int_equal(counters->digits, CF_SIP_INFOS_BURST);
    assert_int_equal(counters->refused_flood, 2000 - CF_SIP_INFOS_BURST);
    assert_int_equal(cf_sip_ua_live(rig.ua).server_transactions, transactions + CF_SIP_INFOS_BURST);
    sip_rig_pass(&rig, 40 * MS);
    sip_rig_clear(&rig);
    info(&rig, cseq - 1, branch, BARE, "1"); /* a copy of one that was refused, for which there would be room now */
    sip_rig_assert_log(&rig, "");
    sip_rig_assert_sent(&rig, "500");
    sip_rig_pass(&rig, 40 * MS);
    sip_rig_clear(&rig);
    info(&rig, cseq++, "z9hG4bKg", BARE, "2"); /* at the rate that is allowed it goes on */
    info(&rig, cseq++, "z9hG4bKh", BARE, "3");
    sip_rig_assert_log(&rig, "DIGIT(2)");
    sip_rig_assert_sent(&rig, "200 500");
    sip_rig_pass(&rig, 10 * S);
    sip_rig_clear(&rig);
    for (unsigned i = 0; i < CF_SIP_INFOS_BURST; i++) { /* no more than that was saved up */
        snprintf(branch, sizeof(branch), "z9hG4bKi%u", cseq);
        sip_rig_clear(&rig);
        info(&rig, cseq++, branch, BARE, "4");
        sip_rig_assert_sent(&rig, "200");
    }
    info(&rig, cseq++, "z9hG4bKj", BARE, "5");
    sip_rig_assert_sent(&rig, "500");
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", cseq, "z9hG4bKbye", true, "",
                                          NULL)); /* the rest of the call is not touched */
    sip_rig_assert_sent(&rig, "200");
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void without_a_transaction_it_is_not_heard(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_config config = sip_rig_config();
    config.transactions_max = 3; /* the INVITE's, and two more */
    sip_rig_open(&rig, config);
    sip_rig_connect(&rig);
    sip_rig_clear(&rig);
    info(&rig, 10, "z9hG4bKa", BARE, "1");
    info(&rig, 11, "z9hG4bKb", BARE, "2");
    info(&rig, 12, "z9hG4bKc", BARE, "3");
    sip_rig_assert_log(&rig, "DIGIT(1) DIGIT(2)");
    sip_rig_assert_sent(&rig, "200 200 500");
    sip_rig_pass(&rig, 40 * S);
    sip_rig_clear(&rig);
    info(&rig, 12, "z9hG4bKc", BARE, "3"); /* the peer believes it refused */
    info(&rig, 13, "z9hG4bKd", BARE, "4");
    sip_rig_assert_log(&rig, "DIGIT(4)");
    sip_rig_assert_sent(&rig, "500 200");
    assert_int_equal(cf_sip_ua_counters(rig.ua)->refused_flood, 1);
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 14, "z9hG4bKbye", true, "", NULL));
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

/* In an early dialog, in one that was answered, and not in one that is over, or is none. */
static void digits_are_heard_as_long_as_the_call_lives(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct cf_sip_config config = sip_rig_config();
    config.linger_ns = 5 * S;
    sip_rig_open(&rig, config);
    sip_rig_invite(&rig);
    assert_int_equal(cf_sip_ua_accept(rig.ua, rig.now, rig.call), 0);
    sip_rig_assert_sent(&rig, "100 180");
    sip_rig_clear(&rig);
    info(&rig, 10, "z9hG4bKa", BARE, "1");
    sip_rig_assert_log(&rig, "DIGIT(1)");
    sip_rig_assert_sent(&rig, "200");
    sip_rig_receive(&rig, sip_rig_request(&rig, "BYE", 11, "z9hG4bKbye", true, "", NULL));
    sip_rig_clear(&rig);
    info(&rig, 12, "z9hG4bKb", BARE, "2"); /* it lingers */
    sip_rig_assert_log(&rig, "");
    sip_rig_assert_sent(&rig, "481");
    sip_rig_pass(&rig, 40 * S);
    sip_rig_clear(&rig);
    info(&rig, 13, "z9hG4bKc", BARE, "3");
    sip_rig_assert_log(&rig, "");
    sip_rig_assert_sent(&rig, "481");
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);

    sip_rig_open(&rig, config);
    sip_rig_connect(&rig);
    assert_int_equal(cf_sip_ua_drop(rig.ua, rig.now, rig.call, 0), 0);
    sip_rig_clear(&rig);
    info(&rig, 14, "z9hG4bKd", BARE, "4"); /* it crosses our BYE */
    sip_rig_assert_log(&rig, "");
    sip_rig_assert_sent(&rig, "481");
    sip_rig_pass(&rig, 40 * S);
    sip_rig_assert_nothing_left(&rig);
    sip_rig_close(&rig);
}

static void digits_of_whom_we_called_are_heard(void **state)
{
    (void)state;
    struct sip_rig rig;
    static struct sip_asked invite;
    sip_peer_open(&rig);
    sip_peer_connect(&rig, &invite);
    sip_peer_ask(&rig, &invite, "INFO", 1, RELAY, "Signal=7\r\nDuration=250\r\n");
    sip_peer_ask(&rig, &invite, "INFO", 2, BARE, "8");
    sip_rig_assert_log(&rig, "DIGIT(7) DIGIT(8)");
    sip_rig_assert_sent(&rig, "200 200");
    assert_int_equal(cf_sip_ua_close(rig.ua, rig.now, rig.call, 0), 0); /* nobody wants to hear more */
    sip_rig_clear(&rig);
    sip_peer_ask(&rig, &invite, "INFO", 3, BARE, "9");
    sip_rig_assert_log(&rig, "");
    sip_rig_assert_sent(&rig, "481");
    sip_peer_close(&rig);
}

static void what_is_read_is_said_beforehand(void **state)
{
    (void)state;
    struct sip_rig rig;
    sip_rig_open(&rig, sip_rig_config());
    sip_rig_receive(&rig, sip_rig_request(&rig, "OPTIONS", 1, "z9hG4bKo", false, "", NULL));
    assert_non_null(strstr(rig.sent[0].text, "application/dtmf-relay, application/dtmf\r\n"));
    sip_rig_assert_sent(&rig, "200");
    sip_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_read_or_refused),
        cmocka_unit_test(copies_are_not_heard),
        cmocka_unit_test(refused_ones_may_be_sent_better),
        cmocka_unit_test(a_flood_is_refused_and_takes_nothing),
        cmocka_unit_test(without_a_transaction_it_is_not_heard),
        cmocka_unit_test(digits_are_heard_as_long_as_the_call_lives),
        cmocka_unit_test(digits_of_whom_we_called_are_heard),
        cmocka_unit_test(what_is_read_is_said_beforehand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
