/* Fuzz entry of the extensions' headers and bodies: whatever the message, what is read lies inside it and within its bounds. */
#include <assert.h>
#include <stdint.h>

#include "adapters/sip/extension.h"
#include "adapters/sip/referral.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_contacts(const struct cf_sip_msg *msg)
{
    struct cf_sip_contacts contacts;
    cf_sip_contacts_read(msg, &contacts);
    assert(contacts.count <= CF_SIP_CONTACTS_MAX);
    for (unsigned i = 0; i < contacts.count; i++) {
        const struct cf_sip_contact *contact = &contacts.contact[i];
        assert((size_t)contact->uri.at + contact->uri.len <= msg->len && contact->uri.len != 0 && contact->q <= 1000);
        assert((size_t)contact->display.at + contact->display.len <= msg->len);
        assert(i == 0 || contacts.contact[i - 1].q >= contact->q);
    }
    uint32_t granted_s;
    cf_sip_granted_read(msg, "line", "192.0.2.7", 5071, &granted_s);
}

static void check_session(const struct cf_sip_msg *msg)
{
    static const struct cf_sip_session_wish wish = {1800, 90};
    struct cf_sip_session_peer peer;
    char text[400];
    struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text)};
    cf_sip_session_read(msg, &peer);
    const struct cf_sip_session uas = cf_sip_session_as_uas(&wish, &peer), uac = cf_sip_session_as_uac(&wish, &peer);
    assert(uas.session_s == 0 || (uas.session_s >= CF_SIP_SESSION_S_MIN && !uas.too_small));
    assert(uac.session_s == 0 || uac.session_s >= CF_SIP_SESSION_S_MIN);
    cf_sip_session_put(&out, &uas);
    cf_sip_session_put_request(&out, &wish, peer.min_se_s, &uac);
    assert(!out.full);
}

static bool is_inside(const struct cf_sip_msg *msg, struct cf_sip_slice slice)
{
    return (size_t)slice.at + slice.len <= msg->len;
}

/* What is read as Replaces is read the same when it was escaped and unescaped. */
static void check_replaces(const struct cf_sip_replaces *replaces)
{
    char escaped[3 * CF_SIP_REPLACES_MAX], text[CF_SIP_REPLACES_MAX];
    struct cf_sip_out out = {.text = escaped, .bytes_max = sizeof(escaped)};
    struct cf_sip_replaces again;
    cf_sip_replaces_put_escaped(&out, replaces);
    if (out.full)
        return;
    const size_t len = cf_sip_unescape(text, sizeof(text), escaped, out.len);
    if (len == 0 || !cf_sip_replaces_parse(text, len, &again))
        return; /* too long, or a byte beyond ASCII */
    assert(again.call_id_len == replaces->call_id_len && again.to_tag_len <= replaces->to_tag_len);
}

static void check_transfer(const struct cf_sip_msg *msg)
{
    struct cf_sip_refer_to to;
    struct cf_sip_replaces replaces;
    struct cf_sip_package package;
    struct cf_sip_address by;
    char text[CF_SIP_REPLACES_MAX];
    bool yes;
    if (cf_sip_refer_to_read(msg, &to) == 1) {
        assert(to.uri.len != 0 && is_inside(msg, to.uri) && is_inside(msg, to.replaces));
        const size_t len = cf_sip_unescape(text, sizeof(text), cf_sip_ptr(msg, to.replaces), to.replaces.len);
        for (size_t i = 0; i < len; i++)
            assert(text[i] >= 0x20 && text[i] < 0x7f);
        if (cf_sip_replaces_parse(text, len, &replaces))
            check_replaces(&replaces);
    }
    if (cf_sip_replaces_read(msg, &replaces) == 1)
        check_replaces(&replaces);
    if (cf_sip_referred_by_read(msg, &by) == 1)
        assert(by.uri.len != 0 && is_inside(msg, by.uri) && is_inside(msg, by.value));
    cf_sip_refer_sub_read(msg, &yes);
    cf_sip_subscription_read(msg, &yes);
    if (cf_sip_package_read(msg, &package) == 1)
        assert(package.refer || !package.identified);
    cf_sip_type_is(msg, "message", "sipfrag");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[200000];
    struct cf_sip_msg msg;
    struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text)};
    struct cf_sip_rack rack;
    uint32_t value;
    char digit;
    unsigned ms;
    const unsigned status = cf_sip_sipfrag_status((const char *)data, size);
    assert(status == 0 || (status >= 100 && status <= 699));
    if (cf_sip_dtmf_read((const char *)data, size, &digit, &ms))
        assert(digit != 0 && ms != 0 && ms <= CF_SIP_DTMF_MS_MAX);
    if (cf_sip_dtmf_bare_read((const char *)data, size, &digit))
        assert(strchr("0123456789*#ABCD", digit) != NULL && digit != 0);
    cf_sip_scan(&msg, (const char *)data, size);
    cf_sip_body_encoded(&msg);
    cf_sip_body_optional(&msg);
    check_contacts(&msg);
    check_session(&msg);
    check_transfer(&msg);
    cf_sip_unsupported_put(&out, &msg, 1u << CF_SIP_OPTION_TIMER);
    assert(!out.full);
    cf_sip_allow_read(&msg, &value);
    if (cf_sip_rseq_read(&msg, &value) > 0)
        assert(value != 0);
    cf_sip_min_expires_read(&msg, &value);
    cf_sip_retry_after_read(&msg, &value);
    if (cf_sip_rack_read(&msg, &rack) > 0)
        assert(rack.rseq != 0 && rack.method < CF_SIP_METHODS_COUNT);
    return 0;
}
