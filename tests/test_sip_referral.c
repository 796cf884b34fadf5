/* Headers of transfers, row by row: Refer-To, Replaces, Referred-By, Refer-Sub, Event, Subscription-State. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/sip/extension.h"
#include "adapters/sip/referral.h"

#define HEAD                                                                                                           \
    "REFER sip:a@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"                 \
    "To: <sip:b@y>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 REFER\r\n"

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

static void assert_slice(const struct cf_sip_msg *msg, struct cf_sip_slice slice, const char *wanted)
{
    assert_int_equal(slice.len, strlen(wanted));
    assert_memory_equal(cf_sip_ptr(msg, slice), wanted, slice.len);
}

static void refer_to_gives_uri_and_replaces(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int got;
        const char *uri, *replaces;
        bool invites;
    } table[] = {
        {"", 0, "", "", false},
        {"Refer-To: <sip:c@z>\r\n", 1, "sip:c@z", "", true},
        {"r: sip:c@z\r\n", 1, "sip:c@z", "", true},
        {"Refer-To: \"C\" <tel:+1555>\r\n", 1, "tel:+1555", "", true},
        {"Refer-To: <sip:c@z;method=INVITE>\r\n", 1, "sip:c@z;method=INVITE", "", true},
        {"Refer-To: <sip:c@z;METHOD=bye>\r\n", 1, "sip:c@z;METHOD=bye", "", false},
        {"Refer-To: <sip:c@z;method>\r\n", 1, "sip:c@z;method", "", false},
        {"Refer-To: <sip:c@z;lr;method=SUBSCRIBE>\r\n", 1, "sip:c@z;lr;method=SUBSCRIBE", "", false},
        {"Refer-To: <sip:c@z?Replaces=1%3Bto-tag%3D2>\r\n", 1, "sip:c@z", "1%3Bto-tag%3D2", true},
        {"Refer-To: <sip:c@z?a=b&REPLACES=x&Subject=y>\r\n", 1, "sip:c@z", "x", true},
        {"Refer-To: <sip:c@z?Subject=Replaces>\r\n", 1, "sip:c@z", "", true},
        {"Refer-To: <sip:c@z?>\r\n", 1, "sip:c@z", "", true},
        {"Refer-To: <sip:c@z?Replaces>\r\n", -1, "", "", false},
        {"Refer-To: <sip:c@z?Replaces=>\r\n", -1, "", "", false},
        {"Refer-To: <sip:c@z?Replaces=1&Replaces=2>\r\n", -1, "", "", false},
        {"Refer-To: sip:c@z?Replaces=1\r\n", -1, "", "", false}, /* without <> no '?' may stand there */
        {"Refer-To: <>\r\n", -1, "", "", false},
        {"Refer-To: <?Replaces=1>\r\n", -1, "", "", false},
        {"Refer-To: <sip:c@z>, <sip:d@z>\r\n", -1, "", "", false},
        {"Refer-To: <sip:c@z>\r\nRefer-To: <sip:d@z>\r\n", -1, "", "", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct cf_sip_refer_to to = {0};
        assert_int_equal(cf_sip_refer_to_read(make(&m, table[i].headers), &to), table[i].got);
        assert_slice(&m.msg, to.uri, table[i].uri);
        assert_slice(&m.msg, to.replaces, table[i].replaces);
        assert_int_equal(to.invites, table[i].invites);
    }
}

static void replaces_names_a_dialog(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int got;
        const char *names; /* call-id, to-tag, from-tag, early-only */
    } table[] = {
        {"", 0, ""},
        {"Replaces: 1@x;to-tag=a;from-tag=b\r\n", 1, "1@x a b 0"},
        {"Replaces: 1@x ; from-tag=b;early-only ;other=1; to-tag=a\r\n", 1, "1@x a b 1"},
        {"Replaces: 1@x;to-tag=a\r\n", -1, ""},
        {"Replaces: 1@x;from-tag=a\r\n", -1, ""},
        {"Replaces: 1@x;to-tag=a;to-tag=c;from-tag=b\r\n", -1, ""},
        {"Replaces: 1@x;to-tag;from-tag=b\r\n", -1, ""},
        {"Replaces: ;to-tag=a;from-tag=b\r\n", -1, ""},
        {"Replaces: 1@x;to-tag=a;from-tag=b, 2@x;to-tag=a;from-tag=b\r\n", -1, ""},
        {"Replaces: 1@x;to-tag=a;from-tag=b\r\nReplaces: 1@x;to-tag=a;from-tag=b\r\n", -1, ""},
        {"Replaces: 1@x;;to-tag=a;from-tag=b\r\n", -1, ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct cf_sip_replaces r = {0};
        char names[100] = "";
        assert_int_equal(cf_sip_replaces_read(make(&m, table[i].headers), &r), table[i].got);
        if (r.call_id != NULL)
            snprintf(names, sizeof(names), "%.*s %.*s %.*s %d", (int)r.call_id_len, r.call_id, (int)r.to_tag_len,
                     r.to_tag, (int)r.from_tag_len, r.from_tag, r.early_only);
        assert_string_equal(names, table[i].names);
    }
}

static void replaces_is_escaped_and_unescaped(void **state)
{
    (void)state;
    char escaped[200], text[200];
    struct cf_sip_out out = {.text = escaped, .bytes_max = sizeof(escaped)};
    const struct cf_sip_replaces one = {.call_id = "a+b%c@[x]",
                                        .call_id_len = 9,
                                        .to_tag = "t&1",
                                        .to_tag_len = 3,
                                        .from_tag = "f?2",
                                        .from_tag_len = 3};
    struct cf_sip_replaces other;
    cf_sip_replaces_put_escaped(&out, &one);
    assert_false(out.full);
    assert_null(memchr(escaped, '&', out.len));
    const size_t len = cf_sip_unescape(text, sizeof(text), escaped, out.len);
    assert_int_equal(len, strlen("a+b%c@[x];to-tag=t&1;from-tag=f?2"));
    assert_memory_equal(text, "a+b%c@[x];to-tag=t&1;from-tag=f?2", len);
    assert_true(cf_sip_replaces_parse(text, len, &other));
    assert_int_equal(other.to_tag_len, 3);
    static const char *const bad[] = {"", "%", "%4", "%4g", "a%0d%0aX: y", "%00", "%7f", "%80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(cf_sip_unescape(text, sizeof(text), bad[i], strlen(bad[i])), 0);
    assert_int_equal(cf_sip_unescape(text, 3, "abcd", 4), 0);
}

static void who_referred_and_whether_notify_is_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int by;
        const char *uri;
        int sub;
        bool subscribes;
    } table[] = {
        {"", 0, "", 0, false},
        {"Referred-By: <sip:r@x>;cid=\"2@y\"\r\nRefer-Sub: false\r\n", 1, "sip:r@x", 1, false},
        {"b: \"R\" <sip:r@x>\r\nRefer-Sub: TRUE ;a=b\r\n", 1, "sip:r@x", 1, true},
        {"b: sip:r@x\r\nRefer-Sub: perhaps\r\n", 1, "sip:r@x", -1, false},
        {"Referred-By: <sip:r@x>, <sip:s@x>\r\nRefer-Sub: true false\r\n", -1, "", -1, false},
        {"Referred-By: \r\nRefer-Sub: true\r\nRefer-Sub: true\r\n", -1, "", -1, false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct cf_sip_address by = {0};
        bool subscribes = false;
        assert_int_equal(cf_sip_referred_by_read(make(&m, table[i].headers), &by), table[i].by);
        assert_slice(&m.msg, by.uri, table[i].uri);
        assert_int_equal(cf_sip_refer_sub_read(&m.msg, &subscribes), table[i].sub);
        assert_int_equal(subscribes, table[i].subscribes);
    }
}

static void event_and_subscription_state(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int event;
        bool refer, identified;
        uint32_t id;
        int subscription;
        bool over;
    } table[] = {
        {"", 0, false, false, 0, 0, false},
        {"Event: refer\r\nSubscription-State: active;expires=60\r\n", 1, true, false, 0, 1, false},
        {"o: REFER;x=1;id=93\r\nSubscription-State: TERMINATED;reason=noresource\r\n", 1, true, true, 93, 1, true},
        {"Event: talk;id=7\r\nSubscription-State: terminated\r\n", 1, false, false, 0, 1, true},
        {"Event: refer;id=x\r\nSubscription-State: ;a\r\n", -1, false, false, 0, -1, false},
        {"Event: refer;id\r\nSubscription-State: a b\r\n", -1, false, false, 0, -1, false},
        {"Event: refer;id=4294967296\r\n", -1, false, false, 0, 0, false},
        {"Event: \r\n", -1, false, false, 0, 0, false},
        {"Event: refer talk\r\n", -1, false, false, 0, 0, false},
        {"Event: refer\r\nEvent: refer\r\n", -1, false, false, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct cf_sip_package package = {0};
        bool over = false;
        assert_int_equal(cf_sip_package_read(make(&m, table[i].headers), &package), table[i].event);
        assert_int_equal(package.refer, table[i].refer);
        assert_int_equal(package.identified, table[i].identified);
        assert_int_equal(package.id, table[i].id);
        assert_int_equal(cf_sip_subscription_read(&m.msg, &over), table[i].subscription);
        assert_int_equal(over, table[i].over);
    }
}

static void the_type_of_a_body_has_no_case_and_may_have_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool is;
    } table[] = {
        {"", false},
        {"Content-Type: message/sipfrag\r\n", true},
        {"c: Message / SIPfrag;version=2.0\r\n", true},
        {"Content-Type: message/sipfragment\r\n", false},
        {"Content-Type: application/sipfrag\r\n", false},
        {"Content-Type: message\r\n", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        assert_int_equal(cf_sip_type_is(make(&m, table[i].headers), "message", "sipfrag"), table[i].is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refer_to_gives_uri_and_replaces),
        cmocka_unit_test(replaces_names_a_dialog),
        cmocka_unit_test(replaces_is_escaped_and_unescaped),
        cmocka_unit_test(who_referred_and_whether_notify_is_wanted),
        cmocka_unit_test(event_and_subscription_state),
        cmocka_unit_test(the_type_of_a_body_has_no_case_and_may_have_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
