/* What a line asks for itself, under simulated time: REGISTER and OPTIONS. */
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

static void the_line_registers_refreshes_and_leaves(void **state)
{
    (void)state;
    struct sip_rig rig;
    struct sip_asked asked;
    struct cf_sip_config config = sip_peer_login_config();
    config.register_s = 600;
    sip_rig_open(&rig, config);
    assert_false(cf_sip_ua_in_service(rig.ua));
    cf_sip_ua_start(rig.ua, rig.now);
    sip_peer_take(&rig, 0, &asked);
    assert_true(sip_peer_slice_is(&asked.msg, asked.msg.uri, "sip:example.com"));
    assert_true(sip_peer_slice_is(&asked.msg, asked.msg.to.uri, "sip:100@example.com"));
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
    sip_peer_pass_until_sent(&rig, 2 * S);
    sip_peer_take(&rig, 0, &asked);
    sip_rig_assert_sent(&rig, "REGISTER");
    sip_peer_answer(&rig, &asked, 503, "r", "Retry-After: 10\r\n", NULL);
    sip_rig_assert_log(&rig, "OUTOFSERVICE(503)");
    sip_peer_pass_until_sent(&rig, 11 * S);
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
    sip_peer_close(&rig);
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
    sip_peer_pass_until_sent(rig, 40 * S);
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
    sip_peer_close(&rig);
    /* where nothing was granted, nothing is taken back, and nothing tried any more */
    sip_rig_open(&rig, config);
    cf_sip_ua_start(rig.ua, rig.now);
    sip_peer_take(&rig, 0, &first);
    sip_peer_answer(&rig, &first, 403, "r", "", NULL);
    sip_rig_clear(&rig);
    assert_false(cf_sip_ua_leave(rig.ua, rig.now));
    sip_rig_pass(&rig, 60 * S);
    sip_rig_assert_sent(&rig, "");
    sip_peer_close(&rig);
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
    sip_peer_pass_until_sent(&rig, 61 * S);
    sip_rig_assert_sent(&rig, "OPTIONS");
    sip_rig_clear(&rig);
    sip_rig_pass(&rig, 33 * S);
    sip_rig_assert_log(&rig, "OUTOFSERVICE(408)");
    sip_rig_clear(&rig);
    sip_peer_pass_until_sent(&rig, 61 * S);
    sip_peer_take(&rig, 0, &asked);
    sip_peer_answer(&rig, &asked, 200, "r", "", NULL);
    sip_rig_assert_log(&rig, "INSERVICE(200)");
    sip_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_registers_refreshes_and_leaves),
        cmocka_unit_test(what_a_registrar_grants_is_believed),
        cmocka_unit_test(a_registration_on_its_way_is_taken_back),
        cmocka_unit_test(options_tell_whether_there_is_a_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
