/*
 * The messages of RFC 4475, written anew in tests/corpus/sip_torture/ under the RFC's own short names: what the scanner takes
 * out of each, or which fault it finds. Then captured and torture messages and variations of them: the scanner as it is built
 * and the one without SSE2 give the same.
 *
 * Where this scanner does otherwise than the RFC advises (docs/adapters/sip-scanner.md has the reasons):
 *   intmeth    control bytes behind a backslash in a display name are refused; intmeth-plain is the same message without them
 *   escruri    headers in a Request-URI pass; the URI is not read further than its user and host
 *   baddate    Date is not read, so that no fault in it matters
 *   badbranch  a branch of nothing but the magic cookie is a branch like another
 *   badinv01, regbadct and baddn are refused, where the RFC lets an element be lenient
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/sip/field.h"
#include "adapters/sip/scan.h"
#include "tests/support/sip_corpus.h"
#include "tests/support/sip_portable.h"

/* Of a request `what` is the method, of a response its status. "" where nothing is to come out, NULL where it is long. */
struct torture {
    const char *name;
    enum cf_sip_error error;
    const char *what;
    const char *from_tag;
    const char *to_tag;
    uint32_t cseq;
    const char *branch;
    const char *contact;
    unsigned body;
};

#define OK CF_SIP_ERROR_OK

static const struct torture table[] = {
    /* 3.1.1: valid messages */
    {"wsinv", OK, "INVITE", "b1tt3rn", "77aa01", 17, "390qx4", "sip:bittern@example.org", 118},
    {"intmeth", CF_SIP_ERROR_CONTROL_BYTE, "!peculiar-Verb9876543210_*+`.%truly'~", "_word~1'+`*%!-.", "", 271828182,
     "z9hG4bK-.!%66*_+`'~", "", 0},
    {"intmeth-plain", OK, "!peculiar-Verb9876543210_*+`.%truly'~", "_word~1'+`*%!-.", "", 271828182,
     "z9hG4bK-.!%66*_+`'~", "", 0},
    {"esc01", OK, "INVITE", "412", "", 88441, "z9hG4bKq7m",
     "sip:fin%63h@node5.example.net;%6C%72;n%61me=v%61lue%25%34%31", 118},
    {"escnull", OK, "REGISTER", "51128", "", 2718, "z9hG4bK90plum", "sip:%00@node5.example.org", 0},
    {"esc02", OK, "RE%47IST%45R", "g231", "", 5522, "z9hG4bK51fern", "sip:pen%64@node.example.org", 0},
    {"lwsdisp", OK, "OPTIONS", "919", "", 44, "z9hG4bK2moss", "", 0},
    {"longreq", OK, "INVITE", NULL, "", 3882340, "", NULL, 118},
    {"dblreq", OK, "REGISTER", "8321ff", "", 7, "z9hG4bKab4c2", "", 0},
    {"semiuri", OK, "OPTIONS", "33191", "", 8, "z9hG4bKoak", "", 0},
    {"transports", OK, "OPTIONS", "bush33", "", 60, "z9hG4bKbirch", "", 0},
    {"mpart01", OK, "MESSAGE", "1c8899", "", 127, "z9hG4bK-d8-77ab-1--d8-", "", 489},
    {"unreason", OK, "200", "8f1x", "2229", 35, "z9hG4bK8812willow", "sip:stork@node198.example.org", 118},
    {"noreason", OK, "100", "a71", "8cc2", 35, "z9hG4bK2297alder", "sip:stork@node105.example.org", 0},
    /* 3.1.2: invalid messages */
    {"badinv01", CF_SIP_ERROR_FROM, "INVITE", "13452", "", 8, "", "sip:owl@example.org", 118},
    {"clerr", CF_SIP_ERROR_BODY_SHORT, "INVITE", "93942939o2", "", 8, "z9hG4bK-39234-23523",
     "sip:kite@hungry.example.net", 118},
    {"ncl", CF_SIP_ERROR_CONTENT_LENGTH, "INVITE", "32394234", "", 8, "z9hG4bKhazel", "sip:kite@hungry.example.net",
     118},
    {"scalar02", CF_SIP_ERROR_CSEQ, "REGISTER", "239232jh3", "", 0, "z9hG4bK342sdfoi3", "sip:wren@node129.example.org",
     0},
    {"scalarlg", CF_SIP_ERROR_CSEQ, "503", "2easdjfejw", "", 0, "z9hG4bKzzxdiwo34sw", "", 0},
    {"quotbal", CF_SIP_ERROR_TO, "INVITE", "93334", "", 8, "z9hG4bKpoplar", "sip:kite@host59.example.net", 118},
    {"ltgtruri", CF_SIP_ERROR_START_LINE, "INVITE", "39291", "", 1, "", "sip:kite@host5.example.net", 118},
    {"lwsruri", CF_SIP_ERROR_START_LINE, "INVITE", "231413434", "3xfe-9921883-z9f", 2130706432, "z9hG4bKbeech",
     "sip:kite@host1.example.net", 118},
    {"lwsstart", CF_SIP_ERROR_START_LINE, "INVITE", "8814", "", 1893884, "z9hG4bKlarch", "sip:kite@host1.example.net",
     118},
    {"trws", CF_SIP_ERROR_START_LINE, "OPTIONS", "329429089", "", 238923, "z9hG4bK299342093", "", 0},
    {"escruri", OK, "INVITE", "341518", "", 149209342, "z9hG4bKcedar", "sip:kite@host39923.example.net", 118},
    {"baddate", OK, "INVITE", "2234923", "", 1392934, "z9hG4bKspruce", "sip:kite@host5.example.net", 118},
    {"regbadct", CF_SIP_ERROR_CONTACT, "REGISTER", "998332", "", 1, "z9hG4bKmaple", "", 0},
    {"badaspec", CF_SIP_ERROR_TO, "OPTIONS", "433423", "", 3923239, "z9hG4bKkdju43234", "", 0},
    {"baddn", CF_SIP_ERROR_FROM, "OPTIONS", "", "", 3923239, "z9hG4bKkdjuw", "", 0},
    {"badvers", CF_SIP_ERROR_VERSION, "OPTIONS", "qweoiqpe", "", 1, "z9hG4bKkdjuw", "", 0},
    {"mismatch01", CF_SIP_ERROR_CSEQ_METHOD, "OPTIONS", "34525", "", 8, "z9hG4bKlinden", "", 0},
    {"mismatch02", CF_SIP_ERROR_CSEQ_METHOD, "FRESHVERB", "34525", "", 8, "z9hG4bKrowan", "sip:kite@host.example.net",
     118},
    {"bigcode", CF_SIP_ERROR_STATUS, "0", "", "", 0, "", "", 0},
    /* 3.2: transactions */
    {"badbranch", OK, "OPTIONS", "33242", "", 8, "z9hG4bK", "", 0},
    /* 3.3: applications */
    {"insuf", CF_SIP_ERROR_MISSING_FROM, "INVITE", "", "", 193942, "z9hG4bKkdj.insuf", "", 118},
    {"unkscm", OK, "OPTIONS", "384", "", 3923423, "z9hG4bKkdjuw39234", "", 0},
    {"novelsc", OK, "OPTIONS", "384", "", 3923423, "z9hG4bKkdjuw39234", "", 0},
    {"unksm2", OK, "REGISTER", "3234233", "", 234902, "z9hG4bKpine", "name:Jenny_Wren", 0},
    {"bext01", OK, "OPTIONS", "242etr", "", 8, "z9hG4bKyew2", "", 0},
    {"invut", OK, "INVITE", "8392034", "", 235448, "z9hG4bKkdjuw", "sip:kite@host5.example.net", 40},
    {"regaut01", OK, "REGISTER", "87321hj23128", "", 9338, "z9hG4bKkdjuw", "", 0},
    {"multi01", CF_SIP_ERROR_DUPLICATE, "INVITE", "3413415", "", 5, "z9hG4bKkdjuw", "sip:kite@host25.example.net", 118},
    {"mcl01", CF_SIP_ERROR_DUPLICATE, "OPTIONS", "3923942", "", 15932, "z9hG4bK293423", "", 13},
    {"bcast", OK, "200", "11141343", "2229", 35, "z9hG4bK1324923", "sip:wren@host198.example.org", 118},
    {"zeromf", OK, "OPTIONS", "3ghsd41", "", 39234321, "z9hG4bKkdjuw2349i", "", 0},
    {"cparam01", OK, "REGISTER", "DkfVgjkrtMwaerKKpe", "", 2, "z9hG4bKkdjuw", "sip:+19725552222@gw1.example.net", 0},
    {"cparam02", OK, "REGISTER", "838293", "", 3, "z9hG4bKkdjuw", "sip:+19725552222@gw1.example.net;unknownparam", 0},
    {"regescrt", OK, "REGISTER", "8", "", 14398234, "z9hG4bKkdjuw",
     "sip:wren@example.org?Route=%3Csip:sip.example.org%3E", 0},
    {"sdp01", OK, "INVITE", "234", "", 8, "z9hG4bKkdjuw", "sip:kite@host15.example.net", 118},
    /* 3.4: RFC 2543 */
    {"inv2543", OK, "INVITE", "", "", 56, "", "", 118},
};

enum { ROWS = sizeof(table) / sizeof(table[0]), RFC_MESSAGES = 49, OWN_MESSAGES = 1, VARIATIONS = 300 };

static struct sip_corpus corpus;

static struct cf_sip_msg scan_named(const char *name)
{
    const struct sip_corpus_message *message = sip_corpus_find(&corpus, "sip_torture", name);
    struct cf_sip_msg msg;
    memset(&msg, 0xa5, sizeof(msg));
    cf_sip_scan(&msg, message->text, message->len);
    return msg;
}

static void assert_text(const char *name, const struct cf_sip_msg *msg, struct cf_sip_slice slice, const char *wanted)
{
    if (slice.len != strlen(wanted) || memcmp(cf_sip_ptr(msg, slice), wanted, slice.len) != 0)
        fail_msg("%s: '%.*s' instead of '%s'", name, (int)slice.len, cf_sip_ptr(msg, slice), wanted);
}

static void each_message_gives_its_parts_or_its_fault(void **state)
{
    (void)state;
    assert_int_equal(ROWS, RFC_MESSAGES + OWN_MESSAGES);
    for (size_t i = 0; i < ROWS; i++) {
        const struct torture *row = &table[i];
        const struct cf_sip_msg msg = scan_named(row->name);
        char status[8];
        if (msg.error != row->error)
            fail_msg("%s: '%s' instead of '%s'", row->name, cf_sip_error_text(msg.error),
                     cf_sip_error_text(row->error));
        snprintf(status, sizeof(status), "%u", msg.status);
        if (msg.is_request)
            assert_text(row->name, &msg, msg.method_text, row->what);
        else
            assert_string_equal(status, row->what);
        if (row->from_tag != NULL)
            assert_text(row->name, &msg, msg.from.tag, row->from_tag);
        assert_text(row->name, &msg, msg.to.tag, row->to_tag);
        assert_text(row->name, &msg, msg.via.branch, row->branch);
        if (row->contact != NULL)
            assert_text(row->name, &msg, msg.contact.uri, row->contact);
        assert_int_equal(msg.cseq, row->cseq);
        assert_int_equal(msg.body.len, row->body);
    }
}

static void every_file_has_its_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < corpus.count; i++) {
        if (strncmp(corpus.message[i].name, "sip_torture/", 12) != 0)
            continue;
        size_t row = 0;
        while (row < ROWS && strcmp(table[row].name, corpus.message[i].name + 12) != 0)
            row++;
        if (row == ROWS)
            fail_msg("%s has no row", corpus.message[i].name);
    }
}

/* What a 400 or 505 needs is read from all requests that have it, whatever else is wrong with them. */
static void faulty_requests_can_be_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct cf_sip_msg msg = scan_named(table[i].name);
        if (cf_sip_msg_answerable(&msg) != (msg.is_request && strcmp(table[i].name, "insuf") != 0))
            fail_msg("%s: answerable %d", table[i].name, cf_sip_msg_answerable(&msg));
    }
}

static void what_is_special_about_a_message_comes_out(void **state)
{
    (void)state;
    struct cf_sip_msg msg = scan_named("wsinv");
    assert_text("wsinv", &msg, msg.uri, "sip:heron@marsh-7.example.org;oddparam");
    assert_text("wsinv", &msg, msg.from.display, "W Bittern \\\\\\\"");
    assert_text("wsinv", &msg, msg.call_id, "wsinv.reedbed@192.0.2.50");
    assert_int_equal(msg.vias_count, 2);
    assert_int_equal(msg.max_forwards, 41);
    msg = scan_named("intmeth-plain");
    assert_text("intmeth-plain", &msg, msg.from.display, "word1~` word2'+_ word3*%!.-");
    assert_text("intmeth-plain", &msg, msg.call_id, "peculiar.%Z%q%1@4\\\"}{:<>?[");
    msg = scan_named("esc01");
    assert_text("esc01", &msg, msg.uri, "sip:sips%3Awren%40example.org@example.net");
    assert_text("esc01", &msg, msg.to.uri, "sip:%77re%6E@example.org");
    msg = scan_named("lwsdisp");
    assert_text("lwsdisp", &msg, msg.from.display, "martin");
    msg = scan_named("longreq");
    assert_int_equal(msg.vias_count, 30);
    assert_int_equal(msg.from.tag.len, 163);
    assert_int_equal(msg.call_id.len, 201);
    assert_int_equal(msg.contact.uri.len, 150);
    msg = scan_named("transports");
    assert_int_equal(msg.vias_count, 5);
    msg = scan_named("mpart01");
    assert_text("mpart01", &msg, msg.content_type, "multipart/mixed;boundary=rook77");
    assert_non_null(memchr(cf_sip_ptr(&msg, msg.body), '\0', msg.body.len));
    msg = scan_named("unreason");
    assert_int_equal(msg.reason.len, 47);
    msg = scan_named("noreason");
    assert_int_equal(msg.reason.len, 0);
    msg = scan_named("scalar02");
    assert_int_equal(msg.expires, UINT32_MAX);
    msg = scan_named("cparam02");
    assert_text("cparam02", &msg, msg.contact.value, "<sip:+19725552222@gw1.example.net;unknownparam>");
    msg = scan_named("zeromf");
    assert_int_equal(msg.max_forwards, 0);
    msg = scan_named("bext01");
    assert_int_equal(msg.require.count, 1);
    struct cf_sip_slice more;
    msg = scan_named("escnull");
    assert_true(cf_sip_extra(&msg, CF_SIP_HEADER_CONTACT_MORE, 0, &more));
    assert_text("escnull", &msg, more, "<sip:%00%00@node5.example.org>");
    msg = scan_named("badvers");
    assert_text("badvers", &msg, msg.via.host, "c.example.org");
}

static void captured_messages_are_good(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (size_t i = 0; i < corpus.count; i++) {
        struct cf_sip_msg msg;
        if (strncmp(corpus.message[i].name, "sip_capture/", 12) != 0)
            continue;
        seen++;
        if (cf_sip_scan(&msg, corpus.message[i].text, corpus.message[i].len) != OK)
            fail_msg("%s: %s", corpus.message[i].name, cf_sip_error_text(msg.error));
    }
    assert_true(seen >= 100);
}

static void both_builds_give_the_same(void **state)
{
    (void)state;
    static char text[SIP_CORPUS_BYTES_MAX];
    uint64_t seed = 1;
    for (size_t i = 0; i < corpus.count; i++)
        for (unsigned v = 0; v <= VARIATIONS; v++) {
            struct cf_sip_msg msg, portable;
            size_t len = corpus.message[i].len;
            if (v == 0)
                memcpy(text, corpus.message[i].text, len);
            else
                len = sip_corpus_vary(text, &corpus.message[i], &seed);
            char *exact = malloc(len + 1); /* the message ends where the memory ends, of length 0 too */
            assert_non_null(exact);
            memcpy(exact + 1, text, len);
            cf_sip_scan(&msg, exact + 1, len);
            sip_portable_scan(&portable, exact + 1, len);
            if (!sip_same_scan(&msg, &portable))
                fail_msg("%s, variation %u: '%s' and without SSE2 '%s':\n%.*s", corpus.message[i].name, v,
                         cf_sip_error_text(msg.error), cf_sip_error_text(portable.error), (int)len, text);
            free(exact);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_gives_its_parts_or_its_fault),
        cmocka_unit_test(every_file_has_its_row),
        cmocka_unit_test(faulty_requests_can_be_answered),
        cmocka_unit_test(what_is_special_about_a_message_comes_out),
        cmocka_unit_test(captured_messages_are_good),
        cmocka_unit_test(both_builds_give_the_same),
    };
    sip_corpus_add(&corpus, "sip_torture");
    sip_corpus_add(&corpus, "sip_capture");
    sip_corpus_add(&corpus, "sip_scan");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
