/* Who calls, who was called, who sent the call on: each header by a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/sip/identity.h"
#include "callfan/tapi_const.h"

#define VIA  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define REST "Call-ID: 1\r\nCSeq: 1 INVITE\r\n"

/* A message is scanned where it stands, so both live together. */
struct message {
    char text[8000];
    struct cf_sip_msg msg;
};

static const struct cf_sip_msg *make(struct message *m, const char *start, const char *from, const char *to,
                                     const char *headers)
{
    snprintf(m->text, sizeof(m->text), "%s\r\n" VIA "From: %s\r\nTo: %s\r\n" REST "%s\r\n", start, from, to, headers);
    assert_int_equal(cf_sip_scan(&m->msg, m->text, strlen(m->text)), CF_SIP_ERROR_OK);
    return &m->msg;
}

static const struct cf_sip_msg *make_invite(struct message *m, const char *headers)
{
    return make(m, "INVITE sip:200@pbx.example SIP/2.0", "\"Al\" <sip:100@a.example>;tag=1", "<sip:200@pbx.example>",
                headers);
}

/* "B" hidden, "?" unknown, "-" not named, else "number" or "number/name". */
static const char *shown(const struct cf_sip_party *party, char *text, size_t bytes)
{
    const bool number = party->number_len != 0, name = party->name_len != 0;
    if (party->flags == LINECALLPARTYID_BLOCKED && !number && !name)
        return "B";
    if (party->flags == LINECALLPARTYID_UNKNOWN && !number && !name)
        return "?";
    if (party->flags == 0 && !number && !name)
        return "-";
    assert_int_equal(party->flags, (number ? LINECALLPARTYID_ADDRESS : 0u) | (name ? LINECALLPARTYID_NAME : 0u));
    snprintf(text, bytes, "%.*s%s%.*s", party->number_len, party->number, name ? "/" : "", party->name_len,
             party->name);
    return text;
}

static void assert_party(size_t row, const struct cf_sip_party *party, const char *wanted)
{
    char text[300];
    const char *got = shown(party, text, sizeof(text));
    if (strcmp(got, wanted) != 0)
        fail_msg("row %zu: '%s' instead of '%s'", row, got, wanted);
}

static void callers_are_named_or_hide(void **state)
{
    (void)state;
#define ASSERTED "P-Asserted-Identity: \"Bea\" <sip:+4930@net.example>, <tel:+4931>\r\n"
    static const struct {
        const char *from;
        const char *headers;
        const char *plain;   /* the caller when the peer is not trusted */
        const char *trusted; /* NULL: the same */
    } table[] = {
        {"\"A \\\"Q\\\" B\" <sip:100@a.example>;tag=1", "", "100/A \"Q\" B", NULL},
        {"sip:100@a.example;tag=1", "", "100", NULL},
        {"<tel:+49-30-1;phone-context=x>;tag=1", "", "+49-30-1", NULL},
        {"<sip:%2B49%20x:secret@a.example>;tag=1", "", "+49 x", NULL},
        {"<sip:192.0.2.4:5070>;tag=1", "", "192.0.2.4", NULL},
        {"<urn:service:sos>;tag=1", "", "urn:service:sos", NULL},
        {"<sip:@broken>;tag=1", "", "broken", NULL},
        {"<sip:a@[::1>;tag=1", "", "sip:a@[::1", NULL},
        {"<sip:100@a.example>;tag=1", ASSERTED, "100", "+4930/Bea"},
        {"<sip:100@a.example>;tag=1", "P-Asserted-Identity: <tel:+4931>\r\nP-Asserted-Identity: <sip:1@x>\r\n", "100",
         "+4931"},
        {"<sip:100@a.example>;tag=1", "P-Asserted-Identity: broken\r\n", "100", NULL},
        /* who hides */
        {"\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1", "", "B", NULL},
        {"<sip:Anonymous@a.example>;tag=1", "", "B", NULL},
        {"<sip:x@anonymous.INVALID>;tag=1", "", "B", NULL},
        {"<sip:anonymous@anonymous.invalid>;tag=1", ASSERTED, "B", "+4930/Bea"},
        {"<sip:anonymous@anonymous.invalid>;tag=1", ASSERTED "Privacy: id\r\n", "B", NULL},
        {"<sip:100@a.example>;tag=1", ASSERTED "Privacy: ID\r\n", "B", NULL},
        {"<sip:100@a.example>;tag=1", ASSERTED "Privacy: session; user ;critical\r\n", "B", NULL},
        {"<sip:100@a.example>;tag=1", ASSERTED "Privacy: none\r\nPrivacy: header\r\n", "B", NULL},
        {"<sip:100@a.example>;tag=1", ASSERTED "Privacy: critical,id\r\n", "B", NULL},
        {"<sip:100@a.example>;tag=1", ASSERTED "Privacy: none\r\n", "100", "+4930/Bea"},
        {"<sip:100@a.example>;tag=1", ASSERTED "Privacy: session;history;idx\r\n", "100", "+4930/Bea"},
        {"<sip:100@a.example>;tag=1", ASSERTED "Privacy:\r\n", "100", "+4930/Bea"},
        {"<sip:100@a.example>;tag=1", ASSERTED "Privacy: \"id\"\r\n", "100", "+4930/Bea"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct cf_sip_identity identity;
        make(&m, "INVITE sip:200@pbx SIP/2.0", table[i].from, "<sip:200@pbx>", table[i].headers);
        cf_sip_identity_of_invite(&m.msg, false, &identity);
        assert_party(i, &identity.caller, table[i].plain);
        cf_sip_identity_of_invite(&m.msg, true, &identity);
        assert_party(i, &identity.caller, table[i].trusted != NULL ? table[i].trusted : table[i].plain);
        assert_int_equal(identity.reason, LINECALLREASON_DIRECT);
        assert_party(i, &identity.redirecting, "-");
        assert_party(i, &identity.redirection, "-");
    }
}

static void the_called_party_is_the_request_uri_or_to(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        const char *to;
        const char *called;
    } table[] = {
        {"sip:200@pbx", "<sip:200@elsewhere>", "200"},
        {"sip:200@pbx", "Bob <sip:200@elsewhere>", "200/Bob"},
        {"sip:200@pbx", "Bob <sip:300@elsewhere>", "200"}, /* another one's name */
        {"sip:192.0.2.1", "Bob <sip:300@elsewhere>", "300/Bob"},
        {"sip:192.0.2.1", "<sip:elsewhere>", "192.0.2.1"},
        {"tel:+49", "<sip:elsewhere>", "+49"},
        {"urn:service:sos", "<sip:112@elsewhere>", "112"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct cf_sip_identity identity;
        char start[200];
        snprintf(start, sizeof(start), "INVITE %s SIP/2.0", table[i].uri);
        make(&m, start, "<sip:1@a>;tag=1", table[i].to, "");
        cf_sip_identity_of_invite(&m.msg, false, &identity);
        assert_party(i, &identity.called, table[i].called);
    }
}

#define R(name) LINECALLREASON_##name

struct sent_on {
    const char *headers;
    const char *redirecting;
    uint32_t reason;
};

static void check_sent_on(const struct sent_on *table, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        struct message m;
        struct cf_sip_identity identity;
        memset(&identity, 0x5a, sizeof(identity));
        make_invite(&m, table[i].headers);
        cf_sip_identity_of_invite(&m.msg, false, &identity);
        assert_party(i, &identity.redirecting, table[i].redirecting);
        assert_party(i, &identity.redirection, strcmp(table[i].redirecting, "-") == 0 ? "-" : "200");
        if (identity.reason != table[i].reason)
            fail_msg("row %zu: reason %#x", i, identity.reason);
    }
}

static void the_topmost_diversion_counts(void **state)
{
    (void)state;
    static const struct sent_on table[] = {
        {"", "-", R(DIRECT)},
        {"Diversion: <sip:300@x>;reason=unconditional\r\n", "300", R(FWDUNCOND)},
        {"Diversion: \"Carl\" <tel:+4930>;reason=user-busy;counter=1\r\n", "+4930/Carl", R(FWDBUSY)},
        {"Diversion: sip:300@x;Reason=\"no-answer\"\r\n", "300", R(FWDNOANSWER)},
        {"Diversion: <sip:300@x>;reason=unavailable\r\n", "300", R(FWDNOANSWER)},
        {"Diversion: <sip:300@x>;reason=out-of-service\r\n", "300", R(FWDNOANSWER)},
        {"Diversion: <sip:300@x>;reason=time-of-day\r\n", "300", R(FWDUNCOND)},
        {"Diversion: <sip:300@x>;reason=do-not-disturb\r\n", "300", R(FWDUNCOND)},
        {"Diversion: <sip:300@x>;reason=follow-me\r\n", "300", R(FWDUNCOND)},
        {"Diversion: <sip:300@x>;reason=AWAY\r\n", "300", R(FWDUNCOND)},
        {"Diversion: <sip:300@x>;reason=deflection\r\n", "300", R(REDIRECT)},
        {"Diversion: <sip:300@x>;reason=unknown\r\n", "300", R(REDIRECT)},
        {"Diversion: <sip:300@x>;reason\r\n", "300", R(REDIRECT)},
        {"Diversion: <sip:300@x>\r\n", "300", R(REDIRECT)},
        {"Diversion: <sip:300@x>;reason=user-busy, <sip:400@x>;reason=no-answer\r\nDiversion: <sip:500@x>\r\n", "300",
         R(FWDBUSY)},
        {"Diversion: <sip:300@x>;reason=user-busy\r\nDiversion: <sip:400@x>;reason=unconditional\r\n", "300",
         R(FWDBUSY)},
        {"Diversion: \"Carl\" <sip:300@x>;privacy=full;reason=user-busy\r\n", "B", R(FWDBUSY)},
        {"Diversion: \"Carl\" <sip:300@x>;privacy=name\r\n", "300", R(REDIRECT)},
        {"Diversion: \"Carl\" <sip:300@x>;privacy=uri\r\n", "/Carl", R(REDIRECT)},
        {"Diversion: <sip:300@x>;privacy=uri\r\n", "B", R(REDIRECT)},
        {"Diversion: \"Carl\" <sip:300@x>;privacy=off;screen=yes\r\n", "300/Carl", R(REDIRECT)},
        {"Diversion: <sip:300@x>;reason=user-busy\r\nPrivacy: header\r\n", "B", R(FWDBUSY)},
        {"Diversion: broken\r\n", "?", R(REDIRECT)},
        {"Diversion:\r\n", "?", R(REDIRECT)},
    };
    check_sent_on(table, sizeof(table) / sizeof(table[0]));
}

static void the_last_diverting_entry_of_the_history_counts(void **state)
{
    (void)state;
    static const struct sent_on table[] = {
        /* RFC 7044: mp names who was replaced, rc and np replace nobody */
        {"History-Info: <sip:200@x>;index=1\r\n", "-", R(DIRECT)},
        {"History-Info: <sip:300@x>;index=1, <sip:200@x;cause=302>;index=1.1;mp=1\r\n", "300", R(FWDUNCOND)},
        {"History-Info: <sip:300@x>;index=1, <sip:200@x>;index=1.1;mp=1\r\n", "300", R(REDIRECT)},
        {"History-Info: <sip:300@x?Reason=SIP%3Bcause%3D486>;index=1, <sip:200@x>;index=1.1;mp=1\r\n", "300",
         R(FWDBUSY)},
        {"History-Info: <sip:300@x?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%22>;index=1, "
         "<sip:200@x;cause=408>;index=1.1;mp=1, <sip:200@192.0.2.9>;index=1.1.1;rc=1.1, "
         "<sip:200@y>;index=1.1.2;np=1.1\r\n",
         "300", R(FWDNOANSWER)},
        {"History-Info: <sip:300@x>;index=1, <sip:200@192.0.2.9>;index=1.1;rc=1\r\n", "-", R(DIRECT)},
        {"History-Info: <sip:300@x?Reason=SIP%3Bcause%3D486>;index=1, <sip:200@y>;index=1.1;rc=1\r\n", "-", R(DIRECT)},
        /* two diversions: the last one; out of order, over several lines */
        {"History-Info: <sip:200@x;cause=486>;index=1.1.1;mp=1.1\r\nHistory-Info: <sip:300@x>;index=1\r\n"
         "History-Info: \"Dora\" <sip:400@x;cause=302>;index=1.1;mp=1\r\n",
         "400/Dora", R(FWDBUSY)},
        /* numbers, not digits, are compared */
        {"History-Info: "
         "<sip:1@x>;index=1,<sip:2@x;cause=302>;index=1.9;mp=1,<sip:200@x;cause=408>;index=1.10;mp=1.9\r\n",
         "2", R(FWDNOANSWER)},
        /* the parent is not there, or not named: the one before */
        {"History-Info: <sip:300@x>;index=1, <sip:200@x;cause=302>;index=1.1;mp=7\r\n", "300", R(FWDUNCOND)},
        {"History-Info: <sip:300@x>;index=1, <sip:200@x;cause=486>;index=1.1\r\n", "300", R(FWDBUSY)},
        {"History-Info: <sip:300@x>, <sip:200@x;cause=486>\r\n", "300", R(FWDBUSY)},
        {"History-Info: <sip:200@x;cause=302>;index=1.1;mp=1\r\n", "-", R(DIRECT)}, /* by whom is not said */
        /* every cause of RFC 4458 */
        {"History-Info: <tel:+49>;index=1,<tel:200;cause=600>;index=1.1;mp=1\r\n", "+49", R(FWDBUSY)},
        {"History-Info: <sip:3@x>;index=1,<sip:200@x:5060;cause=503>;index=1.1;mp=1\r\n", "3", R(FWDNOANSWER)},
        {"History-Info: <sip:3@x>;index=1,<sip:200@[::1]:5060;cause=480>;index=1.1;mp=1\r\n", "3", R(REDIRECT)},
        {"History-Info: <sip:3@x>;index=1,<sip:200@x;cause=487>;index=1.1;mp=1\r\n", "3", R(REDIRECT)},
        {"History-Info: <sip:3@x>;index=1,<sip:200@x;cause=404>;index=1.1;mp=1\r\n", "3", R(REDIRECT)},
        {"History-Info: <sip:3@x>;index=1,<sip:200@x;cause=oops>;index=1.1;mp=1\r\n", "3", R(REDIRECT)},
        /* RFC 4244: only the Reason tells */
        {"History-Info: <sip:300@x?Reason=SIP%3Bcause%3D486>;index=1,<sip:200@x>;index=1.1\r\n", "300", R(FWDBUSY)},
        {"History-Info: <sip:300@x?Reason=SIP;cause=302;text=\"a\">;index=1,<sip:200@x>;index=1.1\r\n", "300",
         R(FWDUNCOND)},
        {"History-Info: <sip:a?b@x?X=y&reason=sip%3bcause%3d408&Z>;index=1,<sip:200@x>;index=1.1\r\n", "a?b",
         R(FWDNOANSWER)},
        {"History-Info: <sip:300@x?Reason=Q.850%3Bcause%3D17>;index=1,<sip:200@x>;index=1.1\r\n", "-", R(DIRECT)},
        {"History-Info: <sip:300@x>;index=1,<sip:200@x?Reason=SIP%3Bcause%3D486>;index=1.1\r\n", "-", R(DIRECT)},
        /* who hides */
        {"History-Info: <sip:300@x?Privacy=history>;index=1, <sip:200@x;cause=302>;index=1.1;mp=1\r\n", "B",
         R(FWDUNCOND)},
        {"History-Info: <sip:300@x?Reason=SIP%3Bcause%3D302&Privacy=user%3Bhistory>;index=1, "
         "<sip:200@x;cause=302>;index=1.1;mp=1\r\n",
         "B", R(FWDUNCOND)},
        {"History-Info: <sip:300@x>;index=1, <sip:200@x;cause=302>;index=1.1;mp=1\r\nPrivacy: history\r\n", "B",
         R(FWDUNCOND)},
        /* what is malformed ends its line */
        {"History-Info: <sip:300@x>;index=1, broken, <sip:200@x;cause=302>;index=1.1;mp=1\r\n", "-", R(DIRECT)},
        {"History-Info: <sip:300@x>;index=1, broken\r\nHistory-Info: <sip:200@x;cause=302>;index=1.1;mp=1\r\n", "300",
         R(FWDUNCOND)},
        {"History-Info: <sip:300@x>;index=x, <sip:200@x;cause=302>;index=;mp=\r\n", "-", R(DIRECT)},
        {"History-Info: <sip:300@x>;index=x, <sip:200@x;cause=302>;index=1..;mp=4294967296\r\n", "300", R(FWDUNCOND)},
        /* Diversion counts more */
        {"History-Info: <sip:300@x>;index=1, <sip:200@x;cause=302>;index=1.1;mp=1\r\n"
         "Diversion: <sip:400@x>;reason=user-busy\r\n",
         "400", R(FWDBUSY)},
    };
    check_sent_on(table, sizeof(table) / sizeof(table[0]));
}

static void of_a_long_history_the_end_is_read(void **state)
{
    (void)state;
    struct message m;
    struct cf_sip_identity identity;
    char headers[4000] = "History-Info: <sip:n1@x>;index=1";
    for (unsigned i = 2; i <= CF_SIP_HISTORY_MAX + 4; i++)
        snprintf(headers + strlen(headers), sizeof(headers) - strlen(headers), ", <sip:n%u@x;cause=302>;index=%u;mp=%u",
                 i, i, i - 1);
    strcat(headers, ", <sip:n0@x;cause=486>;index=0\r\n");
    make_invite(&m, headers);
    cf_sip_identity_of_invite(&m.msg, false, &identity);
    assert_party(0, &identity.redirecting, "n19");
    assert_int_equal(identity.reason, R(FWDUNCOND));
}

static void texts_are_cut_at_a_character(void **state)
{
    (void)state;
    struct message m;
    struct cf_sip_identity identity;
    char from[600] = "\"a", user[200];
    for (unsigned i = 0; i < 100; i++)
        strcat(from, "\xc3\xa9");
    memset(user, '1', sizeof(user) - 1);
    user[sizeof(user) - 1] = 0;
    snprintf(from + strlen(from), sizeof(from) - strlen(from), "\" <sip:%s@x>;tag=1", user);
    make(&m, "INVITE sip:200@x SIP/2.0", from, "<sip:200@x>", "");
    cf_sip_identity_of_invite(&m.msg, false, &identity);
    assert_int_equal(identity.caller.number_len, CF_SIP_PARTY_BYTES_MAX);
    assert_int_equal(identity.caller.name_len, CF_SIP_PARTY_BYTES_MAX - 1);
    assert_int_equal((uint8_t)identity.caller.name[CF_SIP_PARTY_BYTES_MAX - 2], 0xa9);
}

static void who_answered_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        const char *plain; /* NULL: not said */
        const char *trusted;
    } table[] = {
        {"Contact: \"Bo\" <sip:300@192.0.2.9:5070>\r\n", "300/Bo", "300/Bo"},
        {"Contact: <sip:192.0.2.9:5070>\r\n", NULL, NULL},
        {"", NULL, NULL},
        {"Contact: <sip:300@x>\r\nP-Asserted-Identity: Carl <sip:400@x>\r\n", "300", "400/Carl"},
        {"P-Asserted-Identity: Carl <sip:400@x>\r\n", NULL, "400/Carl"},
        {"Contact: <sip:300@x>\r\nP-Asserted-Identity: broken\r\n", "300", "300"},
        {"Contact: <sip:300@x>\r\nP-Asserted-Identity: <sip:400@x>\r\nPrivacy: id\r\n", "B", "B"},
        {"Privacy: history\r\n", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        make(&m, "SIP/2.0 200 OK", "<sip:1@a>;tag=1", "<sip:2@b>;tag=2", table[i].headers);
        for (int trusted = 0; trusted < 2; trusted++) {
            struct cf_sip_party party = {.flags = 77};
            const char *wanted = trusted != 0 ? table[i].trusted : table[i].plain;
            assert_int_equal(cf_sip_identity_of_answer(&m.msg, trusted != 0, &party), wanted != NULL);
            if (wanted != NULL)
                assert_party(i, &party, wanted);
            else
                assert_int_equal(party.flags, 77);
        }
    }
}

static void where_a_call_is_sent_on_to_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *start;
        const char *headers;
        const char *to; /* NULL: not said */
        uint32_t reason;
    } table[] = {
        {"SIP/2.0 302 Moved", "Contact: <sip:300@x>;q=0.1, \"Dora\" <sip:400@x>;q=0.9\r\n", "400/Dora", R(REDIRECT)},
        {"SIP/2.0 302 Moved", "Contact: <sip:300@x>\r\nDiversion: <sip:2@b>;reason=user-busy\r\n", "300", R(FWDBUSY)},
        {"SIP/2.0 302 Moved", "", NULL, R(REDIRECT)},
        {"SIP/2.0 302 Moved", "Contact: *\r\n", NULL, R(REDIRECT)},
        {"SIP/2.0 181 Forwarded", "Contact: <sip:300@x>\r\n", "300", R(REDIRECT)},
        {"SIP/2.0 181 Forwarded", "Diversion: <sip:2@b>;reason=no-answer\r\n", NULL, R(FWDNOANSWER)},
        {"SIP/2.0 181 Forwarded", "History-Info: <sip:2@b>;index=1,\"E\" <sip:300@x;cause=302>;index=1.1;mp=1\r\n",
         "300/E", R(FWDUNCOND)},
        {"SIP/2.0 181 Forwarded",
         "History-Info: <sip:2@b>;index=1,<sip:300@x;cause=302?Privacy=history>;index=1.1;mp=1\r\n", "B", R(FWDUNCOND)},
        {"SIP/2.0 181 Forwarded", "History-Info: <sip:2@b>;index=1\r\nPrivacy: history\r\n", "B", R(REDIRECT)},
        {"SIP/2.0 181 Forwarded",
         "Contact: <sip:400@x>\r\nHistory-Info: <sip:2@b>;index=1,<sip:300@x;cause=486>;index=1.1;mp=1\r\n", "400",
         R(FWDBUSY)},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct cf_sip_party party = {.flags = 77};
        uint32_t reason = 77;
        make(&m, table[i].start, "<sip:1@a>;tag=1", "<sip:2@b>;tag=2", table[i].headers);
        assert_int_equal(cf_sip_identity_of_redirection(&m.msg, &party, &reason), table[i].to != NULL);
        if (table[i].to != NULL)
            assert_party(i, &party, table[i].to);
        else
            assert_int_equal(party.flags, 77);
        if (reason != table[i].reason)
            fail_msg("row %zu: reason %#x", i, reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_are_named_or_hide),
        cmocka_unit_test(the_called_party_is_the_request_uri_or_to),
        cmocka_unit_test(the_topmost_diversion_counts),
        cmocka_unit_test(the_last_diverting_entry_of_the_history_counts),
        cmocka_unit_test(of_a_long_history_the_end_is_read),
        cmocka_unit_test(texts_are_cut_at_a_character),
        cmocka_unit_test(who_answered_is_told),
        cmocka_unit_test(where_a_call_is_sent_on_to_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
