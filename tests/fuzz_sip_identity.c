/* Fuzz entry of the parties of a message: texts within their bounds and clean UTF-8, flags that fit them. */
#include <assert.h>
#include <stdint.h>

#include "adapters/sip/identity.h"
#include "callfan/tapi_const.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t len)
{
    assert(len <= CF_SIP_PARTY_BYTES_MAX);
    for (size_t at = 0; at < len;) {
        const size_t step = cf_sip_utf8_length(text + at, text + len);
        assert(step != 0 && ((uint8_t)text[at] >= 0x20));
        at += step;
    }
}

static void check_party(const struct cf_sip_party *party)
{
    const uint32_t texts =
        (party->number_len != 0 ? LINECALLPARTYID_ADDRESS : 0u) | (party->name_len != 0 ? LINECALLPARTYID_NAME : 0u);
    check_text(party->number, party->number_len);
    check_text(party->name, party->name_len);
    assert(texts != 0 ? party->flags == texts
                      : party->flags == 0 || party->flags == LINECALLPARTYID_BLOCKED ||
                            party->flags == LINECALLPARTYID_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_sip_msg msg;
    struct cf_sip_identity identity;
    struct cf_sip_party party;
    uint32_t reason;
    cf_sip_scan(&msg, (const char *)data, size);
    for (int trusted = 0; trusted < 2; trusted++) {
        cf_sip_identity_of_invite(&msg, trusted != 0, &identity);
        check_party(&identity.caller);
        check_party(&identity.called);
        check_party(&identity.redirecting);
        check_party(&identity.redirection);
        assert(identity.caller.flags != 0 && identity.called.flags != 0);
        assert((identity.redirecting.flags != 0) == (identity.reason != LINECALLREASON_DIRECT));
        if (cf_sip_identity_of_answer(&msg, trusted != 0, &party))
            check_party(&party);
    }
    if (cf_sip_identity_of_redirection(&msg, &party, &reason))
        check_party(&party);
    assert(reason != 0 && reason != LINECALLREASON_DIRECT);
    return 0;
}
