/* Fuzz entry of the extensions' headers and bodies: whatever the message, what is read lies inside it and within its bounds. */
#include <assert.h>
#include <stdint.h>

#include "adapters/sip/extension.h"

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
    cf_sip_scan(&msg, (const char *)data, size);
    check_contacts(&msg);
    check_session(&msg);
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
