/* Headers and bodies of the SIP extensions, and the negotiation of session timers row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/sip/extension.h"

#define HEAD                                                                                                           \
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@y>;tag=2\r\n" \
    "Call-ID: 1\r\nCSeq: 1 INVITE\r\n"

/* A message is scanned where it stands, so both live together. */
struct message {
    char text[8000];
    struct cf_sip_msg msg;
};

static const struct cf_sip_msg *make(struct message *m, const char *headers)
{
    snprintf(m->text, sizeof(m->text), HEAD "%s\r\n", headers);
    assert_int_equal(cf_sip_scan(&m->msg, m->text, strlen(m->text)), CF_SIP_ERROR_OK);
    return &m->msg;
}

struct text {
    char at[1000];
    struct cf_sip_out out;
};

static struct cf_sip_out *begin(struct text *text)
{
    text->out = (struct cf_sip_out){.text = text->at, .bytes_max = sizeof(text->at) - 1};
    return &text->out;
}

static const char *end(struct text *text)
{
    assert_false(text->out.full);
    text->at[text->out.len] = 0;
    return text->at;
}

/* ---- lists */

#define BIT(name) (1u << CF_SIP_OPTION_##name)

static void option_tags_are_read_as_a_set(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool good;
        uint32_t set;
        unsigned others;
    } table[] = {
        {"", true, 0, 0},
        {"Supported:\r\n", true, 0, 0},
        {"k: 100rel, timer ,replaces\r\n", true, BIT(REL100) | BIT(TIMER) | BIT(REPLACES), 0},
        {"Supported: TIMER\r\nSupported: norefersub, from-change,histinfo\r\nSupported: privacy,path,outbound,gruu\r\n",
         true,
         BIT(TIMER) | BIT(NOREFERSUB) | BIT(FROM_CHANGE) | BIT(HISTINFO) | BIT(PRIVACY) | BIT(PATH) | BIT(OUTBOUND) |
             BIT(GRUU),
         0},
        {"Supported: x-a, timer, x-b, timers\r\n", true, BIT(TIMER), 3},
        {"Supported: timer,,100rel\r\n", false, BIT(TIMER), 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        uint32_t set = 77;
        unsigned others = 77;
        make(&m, table[i].headers);
        assert_int_equal(cf_sip_options_read(&m.msg, &m.msg.supported, &set, &others), table[i].good);
        assert_int_equal(set, table[i].set);
        assert_int_equal(others, table[i].others);
    }
}

static void option_tags_are_written(void **state)
{
    (void)state;
    struct text text;
    cf_sip_options_put(begin(&text), "Supported", BIT(REL100) | BIT(TIMER) | BIT(GRUU));
    assert_string_equal(end(&text), "Supported: 100rel, timer, gruu\r\n");
    cf_sip_options_put(begin(&text), "Require", BIT(REPLACES));
    assert_string_equal(end(&text), "Require: replaces\r\n");
    cf_sip_options_put(begin(&text), "Require", 0);
    assert_string_equal(end(&text), "");
}

static void what_is_required_and_not_understood_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        uint32_t understood;
        unsigned count;
        const char *line;
    } table[] = {
        {"", 0, 0, ""},
        {"Require: timer\r\n", BIT(TIMER), 0, ""},
        {"Require: timer, 100rel\r\n", BIT(TIMER), 1, "Unsupported: 100rel\r\n"},
        {"Require: a, timer\r\nRequire: b\r\n", BIT(TIMER), 2, "Unsupported: a, b\r\n"},
        {"Require: a, timer\r\n", 0, 2, "Unsupported: a, timer\r\n"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct text text;
        make(&m, table[i].headers);
        assert_int_equal(cf_sip_unsupported_put(begin(&text), &m.msg, table[i].understood), table[i].count);
        assert_string_equal(end(&text), table[i].line);
    }
}

static void methods_are_read_as_a_set(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int result;
        uint32_t methods;
    } table[] = {
        {"", 0, 77},
        {"Allow:\r\n", 1, 0},
        {"Allow: INVITE, ACK,BYE\r\nAllow: UPDATE\r\n", 1,
         1u << CF_SIP_INVITE | 1u << CF_SIP_ACK | 1u << CF_SIP_BYE | 1u << CF_SIP_UPDATE},
        {"Allow: invite, SING, PRACK\r\n", 1, 1u << CF_SIP_PRACK},
        {"Allow: INVITE;BYE\r\n", -1, 77},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        uint32_t methods = 77;
        assert_int_equal(cf_sip_allow_read(make(&m, table[i].headers), &methods), table[i].result);
        assert_int_equal(methods, table[i].methods);
    }
}

/* ---- numbers */

static void numbers_are_read_with_their_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int (*read)(const struct cf_sip_msg *msg, uint32_t *ret_value);
        int result;
        uint32_t value;
    } table[] = {
        {"", cf_sip_rseq_read, 0, 77},
        {"RSeq: 1\r\n", cf_sip_rseq_read, 1, 1},
        {"RSeq: 4294967295\r\n", cf_sip_rseq_read, 1, UINT32_MAX},
        {"RSeq: 4294967296\r\n", cf_sip_rseq_read, -1, 77},
        {"RSeq: 0\r\n", cf_sip_rseq_read, -1, 77},
        {"RSeq: 1 2\r\n", cf_sip_rseq_read, -1, 77},
        {"RSeq:\r\n", cf_sip_rseq_read, -1, 77},
        {"", cf_sip_min_se_read, 0, 77},
        {"Min-SE: 90\r\n", cf_sip_min_se_read, 1, 90},
        {"Min-SE: 120;x=y;z\r\n", cf_sip_min_se_read, 1, 120},
        {"Min-SE: 120;;\r\n", cf_sip_min_se_read, -1, 77},
        {"Min-SE: 120 seconds\r\n", cf_sip_min_se_read, -1, 77},
        {"Min-SE: x\r\n", cf_sip_min_se_read, -1, 77},
        {"", cf_sip_min_expires_read, 0, 77},
        {"Min-Expires: 0\r\n", cf_sip_min_expires_read, 1, 0},
        {"Min-Expires: 3600s\r\n", cf_sip_min_expires_read, -1, 77},
        {"", cf_sip_retry_after_read, 0, 77},
        {"Retry-After: 120 (in a meeting)\r\n", cf_sip_retry_after_read, 1, 120},
        {"Retry-After: 18000;duration=3600\r\n", cf_sip_retry_after_read, 1, 18000},
        {"Retry-After: 5\r\n", cf_sip_retry_after_read, 1, 5},
        {"Retry-After: 5 m\r\n", cf_sip_retry_after_read, -1, 77},
        {"Retry-After: soon\r\n", cf_sip_retry_after_read, -1, 77},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        uint32_t value = 77;
        if (table[i].read(make(&m, table[i].headers), &value) != table[i].result || value != table[i].value)
            fail_msg("row %zu: %u: %s", i, value, table[i].headers);
    }
}

static void acknowledged_responses_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int result;
        struct cf_sip_rack rack;
    } table[] = {
        {"", 0, {7, 7, CF_SIP_BYE}},
        {"RAck: 776656 1 INVITE\r\n", 1, {776656, 1, CF_SIP_INVITE}},
        {"RAck: 1   2\tSING\r\n", 1, {1, 2, CF_SIP_UNKNOWN}},
        {"RAck: 0 1 INVITE\r\n", -1, {7, 7, CF_SIP_BYE}},
        {"RAck: 1 INVITE\r\n", -1, {7, 7, CF_SIP_BYE}},
        {"RAck: 1 2INVITE\r\n", -1, {7, 7, CF_SIP_BYE}},
        {"RAck: 1 2\r\n", -1, {7, 7, CF_SIP_BYE}},
        {"RAck: 1\r\n", -1, {7, 7, CF_SIP_BYE}},
        {"RAck: 1 2 INVITE 3\r\n", -1, {7, 7, CF_SIP_BYE}},
        {"RAck: 4294967296 2 INVITE\r\n", -1, {7, 7, CF_SIP_BYE}},
        {"RAck:\r\n", -1, {7, 7, CF_SIP_BYE}},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct cf_sip_rack rack = {7, 7, CF_SIP_BYE};
        assert_int_equal(cf_sip_rack_read(make(&m, table[i].headers), &rack), table[i].result);
        assert_int_equal(rack.rseq, table[i].rack.rseq);
        assert_int_equal(rack.cseq, table[i].rack.cseq);
        assert_int_equal(rack.method, table[i].rack.method);
    }
    struct text text;
    cf_sip_rack_put(begin(&text), &table[1].rack);
    cf_sip_rseq_put(&text.out, UINT32_MAX);
    assert_string_equal(end(&text), "RAck: 776656 1 INVITE\r\nRSeq: 4294967295\r\n");
}

/* ---- contacts */

static void contacts_come_in_the_order_of_their_wish(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        const char *uris; /* each with its q, ';' between them */
        unsigned left_out;
    } table[] = {
        {"", "", 0},
        {"Contact: <sip:a@h>\r\n", "sip:a@h 1000;", 0},
        {"Contact: <sip:a@h>;q=0.2, \"B, b\" <sip:b@h;q=0.9>;q=0.75;expires=9, sip:c@h;q=0.2\r\nm: "
         "<sip:d@h>;q=0.999\r\n"
         "Contact: <sip:e@h>\r\n",
         "sip:e@h 1000;sip:d@h 999;sip:b@h;q=0.9 750;sip:a@h 200;sip:c@h 200;", 0},
        {"Contact: <sip:a@h>;q=1.0,<sip:b@h>;q=0,<sip:c@h>;q=0.,<sip:d@h>;q=.5\r\n",
         "sip:a@h 1000;sip:d@h 500;sip:b@h 0;sip:c@h 0;", 0},
        /* what is no q counts as none given */
        {"Contact: <sip:a@h>;q=2,<sip:b@h>;q=0.1234,<sip:c@h>;q=10,<sip:d@h>;q=1.1,<sip:e@h>;q=x,<sip:f@h>;q=0.5.5\r\n",
         "sip:a@h 1000;sip:b@h 1000;sip:c@h 1000;sip:d@h 1000;sip:e@h 1000;sip:f@h 1000;", 0},
        {"Contact: <sip:a@h>\r\nContact: <broken, <sip:b@h>\r\nContact: <sip:c@h>, ;\r\n", "sip:a@h 1000;sip:c@h 1000;",
         2},
        {"Contact: *\r\n", "", 1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct cf_sip_contacts contacts;
        char uris[1000] = "";
        const struct cf_sip_msg *msg = make(&m, table[i].headers);
        const unsigned count = cf_sip_contacts_read(msg, &contacts);
        assert_int_equal(count, contacts.count);
        for (unsigned c = 0; c < contacts.count; c++) {
            const struct cf_sip_contact *contact = &contacts.contact[c];
            snprintf(uris + strlen(uris), sizeof(uris) - strlen(uris), "%.*s %u;", contact->uri.len,
                     cf_sip_ptr(msg, contact->uri), contact->q);
        }
        assert_string_equal(uris, table[i].uris);
        assert_int_equal(contacts.left_out, table[i].left_out);
    }
}

static void contacts_are_read_up_to_their_limit(void **state)
{
    (void)state;
    struct message m;
    struct cf_sip_contacts contacts;
    char headers[2000] = "Contact: <sip:0@h>";
    for (unsigned i = 1; i < CF_SIP_CONTACTS_MAX + 2; i++)
        snprintf(headers + strlen(headers), sizeof(headers) - strlen(headers), ",<sip:%u@h>", i);
    strcat(headers, "\r\n");
    make(&m, headers);
    assert_int_equal(cf_sip_contacts_read(&m.msg, &contacts), CF_SIP_CONTACTS_MAX);
    assert_int_equal(contacts.left_out, 2);
}

static void what_a_registrar_grants_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool found;
        uint32_t expires_s;
    } table[] = {
        {"Contact: <sip:line@192.0.2.7:5071>;expires=1800\r\n", true, 1800},
        {"Contact: <sip:other@192.0.2.7:5071>;expires=1, <sip:line@192.0.2.7:5070>;expires=2, "
         "<sip:line@192.0.2.8:5071>;expires=3\r\nContact: <sip:line@192.0.2.7:5071;transport=udp>;q=1;expires=4\r\n",
         true, 4},
        {"Contact: broken\r\n", false, 0}, /* not even scanned */
        {"Contact: <sip:x@h>, ;\r\nContact: <sip:line@192.0.2.7:5071>;expires=\"60\"\r\n", true, 60},
        {"Contact: <sip:line@192.0.2.7:5071>\r\nExpires: 600\r\n", true, 600},
        {"Contact: <sip:line@192.0.2.7:5071>;expires=x\r\nExpires: 600\r\n", true, 600},
        {"Contact: <sip:line@192.0.2.7:5071>;expires=0\r\nExpires: 600\r\n", true, 0},
        {"Contact: <sip:line@192.0.2.7:5071>\r\n", false, 0},
        {"Contact: <sip:line@192.0.2.7:5071>\r\nExpires: soon\r\n", false, 0},
        {"Contact: <sip:LINE@192.0.2.7:5071>;expires=1\r\n", false, 0},
        {"Contact: <sip:line@192.0.2.7>;expires=1\r\n", false, 0},
        {"Contact: <tel:+49>;expires=1\r\n", false, 0},
        {"Expires: 600\r\n", false, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        uint32_t expires_s = 77;
        snprintf(m.text, sizeof(m.text), HEAD "%s\r\n", table[i].headers);
        cf_sip_scan(&m.msg, m.text, strlen(m.text));
        if (cf_sip_granted_read(&m.msg, "line", "192.0.2.7", 5071, &expires_s) != table[i].found ||
            expires_s != (table[i].found ? table[i].expires_s : 77))
            fail_msg("row %zu: %u", i, expires_s);
    }
    struct message m;
    uint32_t expires_s;
    make(&m, "Contact: <sip:Host.Example>;expires=5, <sip:[2001:db8::1]:5061>;expires=6\r\n");
    assert_true(cf_sip_granted_read(&m.msg, "", "hOST.eXAMPLE", 5060, &expires_s) && expires_s == 5);
    assert_true(cf_sip_granted_read(&m.msg, "", "host.example", 0, &expires_s) && expires_s == 5);
    assert_true(cf_sip_granted_read(&m.msg, "", "2001:db8::1", 5061, &expires_s) && expires_s == 6);
}

/* ---- bodies */

static void the_status_of_a_fragment_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        unsigned status;
    } table[] = {
        {"SIP/2.0 200 OK\r\n", 200},
        {"sip/2.0 100 Trying", 100},
        {"SIP/2.0 603", 603},
        {"SIP/2.0 486\r\nX: y\r\n", 486},
        {"", 0},
        {"SIP/2.0", 0},
        {"SIP/2.0 ", 0},
        {"SIP/2.0 20", 0},
        {"SIP/2.0 2000 OK", 0},
        {"SIP/2.0 200OK", 0},
        {"SIP/2.0 099 x", 0},
        {"SIP/2.0 700 x", 0},
        {"SIP/3.0 200 OK", 0},
        {" SIP/2.0 200 OK", 0},
        {"INVITE sip:a SIP/2.0", 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(cf_sip_sipfrag_status(table[i].body, strlen(table[i].body)), table[i].status);
}

static void digits_are_written_and_read(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        char digit; /* 0: none */
        unsigned duration_ms;
    } table[] = {
        {"Signal=5\r\nDuration=160\r\n", '5', 160},
        {"signal = *\nDURATION = 250 \n", '*', 250},
        {"Duration=40\r\nSignal= #", '#', 40},
        {"Signal=a\r\n", 'A', CF_SIP_DTMF_MS_DEFAULT},
        {"Signal=10\r\nDuration=x\r\n", '*', CF_SIP_DTMF_MS_DEFAULT},
        {"Signal=11\r\nDuration=0\r\n", '#', CF_SIP_DTMF_MS_DEFAULT},
        {"Signal=15\r\nDuration=99999999\r\n", 'D', CF_SIP_DTMF_MS_MAX},
        {"\r\n\r\nOther: 1\r\nSignal=09\r\n", '9', CF_SIP_DTMF_MS_DEFAULT},
        {"", 0, 0},
        {"Duration=100\r\n", 0, 0},
        {"Signal=\r\n", 0, 0},
        {"Signal\r\n5\r\n", 0, 0},
        {"Signal=16\r\n", 0, 0},
        {"Signal=E\r\n", 0, 0},
        {"Signal=5 5\r\n", 0, 0},
        {"Signal=5\r\nSignal=x\r\n", 0, 0},
        {"5", 0, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char digit = 0;
        unsigned duration_ms = 0;
        const bool got = cf_sip_dtmf_read(table[i].body, strlen(table[i].body), &digit, &duration_ms);
        if (got != (table[i].digit != 0) || digit != table[i].digit || duration_ms != table[i].duration_ms)
            fail_msg("row %zu: %d %c %u", i, got, digit, duration_ms);
    }
    static const char digits[] = "0123456789*#ABCD";
    for (unsigned c = 0; c < 256; c++) {
        struct text text;
        char digit = 0, wanted[64];
        unsigned duration_ms;
        cf_sip_dtmf_put(begin(&text), (char)c, 100);
        snprintf(wanted, sizeof(wanted), "Signal=%c\r\nDuration=100\r\n", c);
        const bool known = c != 0 && strchr(digits, (int)c) != NULL;
        assert_string_equal(end(&text), known ? wanted : "");
        assert_int_equal(cf_sip_dtmf_read(text.at, text.out.len, &digit, &duration_ms), known);
        assert_int_equal(digit, known ? (char)c : 0);
    }
    struct text text;
    cf_sip_dtmf_put(begin(&text), '1', 100000);
    assert_string_equal(end(&text), "Signal=1\r\nDuration=5000\r\n");
}

static void a_digit_stands_alone(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        char digit; /* 0: none */
    } table[] = {
        {"5", '5'}, {"5\r\n", '5'}, {" \t#\n", '#'}, {"10", '*'},     {"00007", '7'},    {"15 ", 'D'},
        {"a", 'A'}, {"", 0},        {"\r\n", 0},     {"16", 0},       {"5 5", 0},        {"E", 0},
        {"!", 0},   {"-1", 0},      {"1,2", 0},      {"Signal=5", 0}, {"4294967301", 0}, {"\xb5", 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char digit = 0;
        const bool got = cf_sip_dtmf_bare_read(table[i].body, strlen(table[i].body), &digit);
        if (got != (table[i].digit != 0) || digit != table[i].digit)
            fail_msg("row %zu: %d %c", i, got, digit);
    }
    char digit = 'x';
    assert_false(cf_sip_dtmf_bare_read("1\0", 2, &digit));
    assert_int_equal(digit, 'x'); /* written only when there is one */
}

/* ---- session timers */

static void the_peers_wish_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool good;
        struct cf_sip_session_peer peer;
    } table[] = {
        {"", true, {false, 0, CF_SIP_REFRESHER_NONE, 0}},
        {"Supported: timer\r\n", true, {true, 0, CF_SIP_REFRESHER_NONE, 0}},
        {"Require: timer\r\nSession-Expires: 1800;refresher=uac\r\n", true, {true, 1800, CF_SIP_REFRESHER_UAC, 0}},
        {"k: timer\r\nx: 90 ;x; Refresher=UAS\r\nMin-SE: 91\r\n", true, {true, 90, CF_SIP_REFRESHER_UAS, 91}},
        {"Session-Expires: 0\r\n", true, {false, 1, CF_SIP_REFRESHER_NONE, 0}},
        {"Session-Expires: 1800;refresher=me\r\n", false, {0}},
        {"Session-Expires: 1800;refresher\r\n", false, {0}},
        {"Session-Expires: 1800;;\r\n", false, {0}},
        {"Session-Expires: 1800 s\r\n", false, {0}},
        {"Session-Expires: 99999999999\r\n", false, {0}},
        {"Session-Expires: x\r\n", false, {0}},
        {"Session-Expires: 1800\r\nMin-SE: x\r\n", false, {0}},
        {"Session-Expires: 1800\r\nSupported: ,\r\n", false, {0}},
        {"Session-Expires: 1800\r\nRequire: a b\r\n", false, {0}},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct cf_sip_session_peer peer = {true, 7, CF_SIP_REFRESHER_UAC, 7};
        assert_int_equal(cf_sip_session_read(make(&m, table[i].headers), &peer), table[i].good);
        assert_int_equal(peer.supported, table[i].peer.supported);
        assert_int_equal(peer.session_s, table[i].peer.session_s);
        assert_int_equal(peer.refresher, table[i].peer.refresher);
        assert_int_equal(peer.min_se_s, table[i].peer.min_se_s);
    }
}

#define NONE CF_SIP_REFRESHER_NONE
#define UAC  CF_SIP_REFRESHER_UAC
#define UAS  CF_SIP_REFRESHER_UAS

static void a_request_gets_the_session_that_the_rfc_allows(void **state)
{
    (void)state;
    static const struct {
        struct cf_sip_session_wish wish;
        struct cf_sip_session_peer request;
        struct cf_sip_session session; /* too_small, ours, required, session_s, refresher */
        const char *line;
    } table[] = {
        /* we want none */
        {{0, 90}, {true, 1800, UAC, 0}, {false, false, false, 0, NONE}, ""},
        {{0, 90}, {true, 10, NONE, 0}, {false, false, false, 0, NONE}, ""},
        /* nobody asks */
        {{1800, 90}, {false, 0, NONE, 0}, {false, false, false, 0, NONE}, ""},
        {{1800, 90}, {false, 0, NONE, 600}, {false, false, false, 0, NONE}, ""},
        /* the peer can and does not ask: we do, and it refreshes */
        {{1800, 90}, {true, 0, NONE, 0}, {false, false, true, 1800, UAC}, "Session-Expires: 1800;refresher=uac\r\n"},
        {{1800, 90}, {true, 0, NONE, 3600}, {false, false, true, 3600, UAC}, "Session-Expires: 3600;refresher=uac\r\n"},
        {{100, 600}, {true, 0, NONE, 0}, {false, false, true, 600, UAC}, "Session-Expires: 600;refresher=uac\r\n"},
        /* the table of RFC 4028 9: who can, who is named, who refreshes */
        {{1800, 90},
         {false, 1800, NONE, 0},
         {false, true, false, 1800, UAS},
         "Session-Expires: 1800;refresher=uas\r\n"},
        {{1800, 90}, {false, 1800, UAC, 0}, {false, true, false, 1800, UAS}, "Session-Expires: 1800;refresher=uas\r\n"},
        {{1800, 90}, {false, 1800, UAS, 0}, {false, true, false, 1800, UAS}, "Session-Expires: 1800;refresher=uas\r\n"},
        {{1800, 90}, {true, 1800, NONE, 0}, {false, false, true, 1800, UAC}, "Session-Expires: 1800;refresher=uac\r\n"},
        {{1800, 90}, {true, 1800, UAC, 0}, {false, false, true, 1800, UAC}, "Session-Expires: 1800;refresher=uac\r\n"},
        {{1800, 90}, {true, 1800, UAS, 0}, {false, true, false, 1800, UAS}, "Session-Expires: 1800;refresher=uas\r\n"},
        /* shortened to what we want, not below its Min-SE, never made longer */
        {{600, 90}, {true, 1800, UAC, 0}, {false, false, true, 600, UAC}, "Session-Expires: 600;refresher=uac\r\n"},
        {{600, 90}, {true, 1800, UAC, 900}, {false, false, true, 900, UAC}, "Session-Expires: 900;refresher=uac\r\n"},
        {{3600, 90}, {true, 1800, UAC, 0}, {false, false, true, 1800, UAC}, "Session-Expires: 1800;refresher=uac\r\n"},
        /* too short: 422, unless the peer would not understand that */
        {{1800, 600}, {true, 599, UAC, 0}, {true, false, false, 0, NONE}, ""},
        {{1800, 600}, {true, 600, UAC, 0}, {false, false, true, 600, UAC}, "Session-Expires: 600;refresher=uac\r\n"},
        {{1800, 0}, {true, 89, NONE, 0}, {true, false, false, 0, NONE}, ""},
        {{1800, 0}, {true, 90, NONE, 0}, {false, false, true, 90, UAC}, "Session-Expires: 90;refresher=uac\r\n"},
        {{1800, 600}, {false, 300, NONE, 0}, {false, true, false, 300, UAS}, "Session-Expires: 300;refresher=uas\r\n"},
        {{1800, 600}, {false, 1, NONE, 0}, {false, true, false, 90, UAS}, "Session-Expires: 90;refresher=uas\r\n"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct text text;
        const struct cf_sip_session s = cf_sip_session_as_uas(&table[i].wish, &table[i].request);
        if (s.too_small != table[i].session.too_small || s.ours != table[i].session.ours ||
            s.required != table[i].session.required || s.session_s != table[i].session.session_s ||
            s.refresher != table[i].session.refresher)
            fail_msg("row %zu: %d %d %d %u %d", i, s.too_small, s.ours, s.required, s.session_s, (int)s.refresher);
        cf_sip_session_put(begin(&text), &s);
        assert_string_equal(end(&text), table[i].line);
    }
}

static void an_answer_says_which_session_holds(void **state)
{
    (void)state;
    static const struct {
        struct cf_sip_session_wish wish;
        struct cf_sip_session_peer response;
        bool ours;
        uint32_t session_s;
        enum cf_sip_refresher refresher;
    } table[] = {
        {{0, 90}, {true, 1800, UAC, 0}, false, 0, NONE}, /* we never asked */
        {{1800, 90}, {false, 0, NONE, 0}, false, 0, NONE},
        {{1800, 90}, {true, 0, NONE, 0}, false, 0, NONE}, /* no Session-Expires: none runs, even if one did */
        {{1800, 90}, {true, 1800, UAC, 0}, true, 1800, UAC},
        {{1800, 90}, {true, 1800, UAS, 0}, false, 1800, UAS},
        {{1800, 90}, {false, 1800, NONE, 0}, true, 1800, UAC}, /* not said who: better us than nobody */
        {{1800, 90}, {true, 600, UAS, 0}, false, 600, UAS},
        {{1800, 90}, {true, 1, UAC, 0}, true, 90, UAC},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct cf_sip_session s = cf_sip_session_as_uac(&table[i].wish, &table[i].response);
        assert_int_equal(s.ours, table[i].ours);
        assert_int_equal(s.session_s, table[i].session_s);
        assert_int_equal(s.refresher, table[i].refresher);
        assert_false(s.too_small || s.required);
    }
}

static void our_requests_ask_for_a_session(void **state)
{
    (void)state;
    static const struct cf_sip_session ours = {.ours = true, .session_s = 1200, .refresher = UAS};
    static const struct cf_sip_session theirs = {.session_s = 1200, .refresher = UAC};
    static const struct cf_sip_session none = {0};
    static const struct {
        struct cf_sip_session_wish wish;
        uint32_t raised_s;
        const struct cf_sip_session *running;
        const char *lines;
    } table[] = {
        {{0, 90}, 0, NULL, ""},
        {{0, 90}, 600, &ours, ""},
        {{1800, 90}, 0, NULL, "Session-Expires: 1800\r\n"},
        {{1800, 0}, 0, &none, "Session-Expires: 1800\r\n"},
        {{60, 0}, 0, NULL, "Session-Expires: 90\r\n"},
        {{1800, 300}, 0, NULL, "Session-Expires: 1800\r\nMin-SE: 300\r\n"},
        {{1800, 3600}, 0, NULL, "Session-Expires: 3600\r\nMin-SE: 3600\r\n"},
        {{1800, 90}, 2400, NULL, "Session-Expires: 2400\r\nMin-SE: 2400\r\n"},
        {{1800, 90}, 900, NULL, "Session-Expires: 1800\r\nMin-SE: 900\r\n"},
        /* who refreshes stays the same, whoever sends this request */
        {{1800, 90}, 0, &ours, "Session-Expires: 1200;refresher=uac\r\n"},
        {{1800, 90}, 0, &theirs, "Session-Expires: 1200;refresher=uas\r\n"},
        {{1800, 90}, 2400, &theirs, "Session-Expires: 2400;refresher=uas\r\nMin-SE: 2400\r\n"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct text text;
        cf_sip_session_put_request(begin(&text), &table[i].wish, table[i].raised_s, table[i].running);
        assert_string_equal(end(&text), table[i].lines);
    }
    struct text text;
    cf_sip_session_put_422(begin(&text), &(struct cf_sip_session_wish){1800, 600});
    cf_sip_session_put_422(&text.out, &(struct cf_sip_session_wish){1800, 10});
    assert_string_equal(end(&text), "Min-SE: 600\r\nMin-SE: 90\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(option_tags_are_read_as_a_set),
        cmocka_unit_test(option_tags_are_written),
        cmocka_unit_test(what_is_required_and_not_understood_is_named),
        cmocka_unit_test(methods_are_read_as_a_set),
        cmocka_unit_test(numbers_are_read_with_their_bounds),
        cmocka_unit_test(acknowledged_responses_are_named),
        cmocka_unit_test(contacts_come_in_the_order_of_their_wish),
        cmocka_unit_test(contacts_are_read_up_to_their_limit),
        cmocka_unit_test(what_a_registrar_grants_is_found),
        cmocka_unit_test(the_status_of_a_fragment_is_read),
        cmocka_unit_test(digits_are_written_and_read),
        cmocka_unit_test(a_digit_stands_alone),
        cmocka_unit_test(the_peers_wish_is_read),
        cmocka_unit_test(a_request_gets_the_session_that_the_rfc_allows),
        cmocka_unit_test(an_answer_says_which_session_holds),
        cmocka_unit_test(our_requests_ask_for_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
