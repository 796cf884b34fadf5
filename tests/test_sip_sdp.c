/* Directions of session descriptions: who holds whom, over the whole matrix; answers to our offers; unchanged descriptions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/sip/sdp.h"

#define HEAD    "v=0\r\no=a 1 1 IN IP4 192.0.2.9\r\ns=-\r\n"
#define SESSION HEAD "c=IN IP4 192.0.2.9\r\nt=0 0\r\n"

static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
static const struct cf_sdp_local local = {
    .address = "203.0.113.1", .port = 5004, .codecs = 2, .codec = {{0, "PCMU"}, {8, "PCMA"}}};

static struct cf_sdp scan(const char *text)
{
    struct cf_sdp sdp;
    assert_int_equal(cf_sdp_scan(text, strlen(text), &sdp), CF_SDP_ERROR_OK);
    return sdp;
}

static void an_answer_is_what_both_sides_let_be(void **state)
{
    (void)state;
    /* Rows: what the peer offers, then the same with a null address. Columns: what we want. */
    static const enum cf_sdp_direction wanted[2][4][4] = {
        {
            [CF_SDP_SENDRECV] = {CF_SDP_SENDRECV, CF_SDP_SENDONLY, CF_SDP_RECVONLY, CF_SDP_INACTIVE},
            [CF_SDP_SENDONLY] = {CF_SDP_RECVONLY, CF_SDP_INACTIVE, CF_SDP_RECVONLY, CF_SDP_INACTIVE},
            [CF_SDP_RECVONLY] = {CF_SDP_SENDONLY, CF_SDP_SENDONLY, CF_SDP_INACTIVE, CF_SDP_INACTIVE},
            [CF_SDP_INACTIVE] = {CF_SDP_INACTIVE, CF_SDP_INACTIVE, CF_SDP_INACTIVE, CF_SDP_INACTIVE},
        },
        {
            [CF_SDP_SENDRECV] = {CF_SDP_RECVONLY, CF_SDP_INACTIVE, CF_SDP_RECVONLY, CF_SDP_INACTIVE},
            [CF_SDP_SENDONLY] = {CF_SDP_RECVONLY, CF_SDP_INACTIVE, CF_SDP_RECVONLY, CF_SDP_INACTIVE},
            [CF_SDP_RECVONLY] = {CF_SDP_INACTIVE, CF_SDP_INACTIVE, CF_SDP_INACTIVE, CF_SDP_INACTIVE},
            [CF_SDP_INACTIVE] = {CF_SDP_INACTIVE, CF_SDP_INACTIVE, CF_SDP_INACTIVE, CF_SDP_INACTIVE},
        },
    };
    static const char *const addresses[] = {"192.0.2.9", "0.0.0.0"};
    for (unsigned null = 0; null < 2; null++)
        for (unsigned peer = 0; peer < 4; peer++)
            for (unsigned ours = 0; ours < 4; ours++) {
                char text[500], answer[1000] = "", line[40];
                snprintf(text, sizeof(text), HEAD "c=IN IP4 %s\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=%s\r\n",
                         addresses[null], names[peer]);
                const struct cf_sdp offer = scan(text);
                const enum cf_sdp_direction want = wanted[null][peer][ours];
                assert_int_equal(cf_sdp_answer_direction(&offer, (enum cf_sdp_direction)ours), want);
                struct cf_sip_out out = {.text = answer, .bytes_max = sizeof(answer) - 1};
                assert_int_equal(cf_sdp_answer_as(&offer, &local, (enum cf_sdp_direction)ours, 7, 2, &out),
                                 CF_SDP_ERROR_OK);
                snprintf(line, sizeof(line), "\r\na=%s\r\n", names[want]);
                assert_string_equal(answer + out.len - strlen(line), line);
                const bool receives = null == 0 && (peer == CF_SDP_SENDRECV || peer == CF_SDP_RECVONLY);
                assert_int_equal(cf_sdp_holds(&offer), !receives);
            }
    const struct cf_sdp none = scan(SESSION "m=video 9 RTP/AVP 31\r\n");
    assert_int_equal(cf_sdp_answer_direction(&none, CF_SDP_SENDRECV), CF_SDP_INACTIVE);
    assert_false(cf_sdp_holds(&none));
}

static void an_offer_says_whether_we_hold(void **state)
{
    (void)state;
    for (unsigned ours = 0; ours < 4; ours++) {
        char text[500] = "";
        struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text) - 1};
        cf_sdp_offer_as(&local, (enum cf_sdp_direction)ours, 7, 2, &out);
        const struct cf_sdp sdp = scan(text);
        assert_int_equal(sdp.stream[0].direction, ours);
        assert_non_null(strstr(text, "o=callfan 7 2 IN IP4 203.0.113.1\r\n"));
        char plain[500] = "";
        struct cf_sip_out plain_out = {.text = plain, .bytes_max = sizeof(plain) - 1};
        cf_sdp_offer(&local, 7, 2, &plain_out);
        assert_int_equal(strcmp(plain, text) == 0, ours == CF_SDP_SENDRECV);
    }
}

static void an_answer_tells_whether_the_peer_holds(void **state)
{
    (void)state;
    /* Rows: what we offered. Columns: the answer. */
    static const bool holds[4][4] = {
        [CF_SDP_SENDRECV] = {false, true, false, true},
        [CF_SDP_SENDONLY] = {false, true, false, true}, /* recvonly is all that it may say when it does not hold */
        [CF_SDP_RECVONLY] = {false, false, false, false},
        [CF_SDP_INACTIVE] = {false, false, false, false},
    };
    for (unsigned offered = 0; offered < 4; offered++)
        for (unsigned answer = 0; answer < 4; answer++) {
            char text[500];
            snprintf(text, sizeof(text), SESSION "m=audio 9 RTP/AVP 0\r\na=%s\r\n", names[answer]);
            const struct cf_sdp sdp = scan(text);
            assert_int_equal(cf_sdp_answer_holds(&sdp, (enum cf_sdp_direction)offered), holds[offered][answer]);
        }
    const struct cf_sdp null = scan(HEAD "c=IN IP4 0.0.0.0\r\nm=audio 9 RTP/AVP 0\r\n");
    assert_true(cf_sdp_answer_holds(&null, CF_SDP_SENDRECV));
    assert_true(cf_sdp_answer_holds(&null, CF_SDP_SENDONLY));
    assert_false(cf_sdp_answer_holds(&null, CF_SDP_INACTIVE));
}

static void an_answer_must_take_our_stream(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        bool accepted;
    } table[] = {
        {SESSION "m=audio 9 RTP/AVP 0\r\n", true},
        {SESSION "m=audio 9 RTP/AVP 96 8\r\na=inactive\r\n", true},
        {SESSION "m=audio 9 RTP/AVP 0\r\nm=video 0 RTP/AVP 31\r\n", true},
        {SESSION "m=audio 0 RTP/AVP 0\r\n", false},
        {SESSION "m=audio 9 RTP/AVP 18 96\r\n", false},
        {SESSION "m=audio 9 RTP/SAVP 0\r\n", false},
        {SESSION "m=video 9 RTP/AVP 31\r\n", false},
        {SESSION "m=audio 0 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\n", false}, /* one that we never offered */
        {SESSION, false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct cf_sdp answer = scan(table[i].answer);
        if (cf_sdp_accepted(&answer, &local) != table[i].accepted)
            fail_msg("row %zu", i);
    }
}

static void a_description_is_known_again_by_its_origin(void **state)
{
    (void)state;
    static const char *const origins[] = {
        "o=a 1 1 IN IP4 192.0.2.9\r\n", "o=a 1 2 IN IP4 192.0.2.9\r\n",  "o=a 2 1 IN IP4 192.0.2.9\r\n",
        "o=b 1 1 IN IP4 192.0.2.9\r\n", "o=a 1 1 IN IP4 192.0.2.10\r\n", "o=a 11 IN IP4 192.0.2.9\r\n",
    };
    uint64_t mark[6];
    for (size_t i = 0; i < 6; i++) {
        char text[500];
        snprintf(text, sizeof(text), "v=0\r\n%sc=IN IP4 192.0.2.9\r\nm=audio 9 RTP/AVP 0\r\n", origins[i]);
        struct cf_sdp sdp = scan(text);
        mark[i] = cf_sdp_mark(&sdp);
        assert_true(mark[i] != 0);
        for (size_t j = 0; j < i; j++)
            assert_true(mark[j] != mark[i]);
        snprintf(text, sizeof(text), "v=0\n%.*s \ns=x\nc=IN IP4 192.0.2.9\na=inactive\nm=audio 8 RTP/AVP 8\n",
                 (int)strlen(origins[i]) - 2, origins[i]);
        sdp = scan(text); /* what else is in it does not count */
        assert_true(cf_sdp_mark(&sdp) == mark[i]);
    }
    const struct cf_sdp without = scan("v=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 9 RTP/AVP 0\r\n");
    assert_true(cf_sdp_mark(&without) == 0);
    const struct cf_sdp empty = scan("v=0\r\no=\r\nc=IN IP4 192.0.2.9\r\n");
    assert_true(cf_sdp_mark(&empty) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_what_both_sides_let_be),        cmocka_unit_test(an_offer_says_whether_we_hold),
        cmocka_unit_test(an_answer_tells_whether_the_peer_holds),     cmocka_unit_test(an_answer_must_take_our_stream),
        cmocka_unit_test(a_description_is_known_again_by_its_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
