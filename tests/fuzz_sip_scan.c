/*
 * Fuzz entry of the SIP scanner: whatever the bytes, each slice lies inside the message, the readers of values end, and the
 * scanner built without SSE2 gives the same.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "adapters/sip/field.h"
#include "adapters/sip/scan.h"
#include "tests/support/sip_portable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_slice(const struct cf_sip_msg *msg, struct cf_sip_slice slice)
{
    assert((size_t)slice.at + slice.len <= msg->len);
}

static void check_address(const struct cf_sip_msg *msg, const struct cf_sip_address *address)
{
    struct cf_sip_uri uri;
    char text[64];
    check_slice(msg, address->value);
    check_slice(msg, address->display);
    check_slice(msg, address->uri);
    check_slice(msg, address->tag);
    if (cf_sip_uri_read(cf_sip_ptr(msg, address->uri), address->uri.len, &uri))
        assert(uri.user_len <= address->uri.len && uri.host_len <= address->uri.len);
    assert(cf_sip_copy_text(text, sizeof(text), cf_sip_ptr(msg, address->display), address->display.len, true,
                            address->display_quoted) <= sizeof(text));
}

static void count_token(void *context, const char *token, size_t len)
{
    assert(token != NULL && len != 0);
    ++*(size_t *)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_sip_msg msg;
    struct cf_sip_reason reason;
    size_t tokens = 0;
    const enum cf_sip_error error = cf_sip_scan(&msg, (const char *)data, size);
    struct cf_sip_msg portable;
    assert(error < CF_SIP_ERRORS_COUNT && error == msg.error);
    sip_portable_scan(&portable, (const char *)data, size);
    assert(sip_same_scan(&msg, &portable));
    const struct cf_sip_slice slices[] = {
        msg.method_text,  msg.uri,       msg.reason,    msg.cseq_method_text, msg.cseq_value,
        msg.call_id,      msg.body,      msg.via.host,  msg.via.branch,       msg.via.received,
        msg.content_type, msg.via.rport, msg.via.value, msg.content_encoding};
    for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++)
        check_slice(&msg, slices[i]);
    assert(msg.vias_count <= CF_SIP_VIAS_MAX && msg.routes_count <= CF_SIP_ROUTES_MAX);
    assert(msg.headers_count <= CF_SIP_HEADERS_MAX && msg.extras_count <= CF_SIP_EXTRAS_MAX);
    check_slice(&msg, msg.contact_rest);
    for (unsigned i = 0; i < msg.extras_count; i++)
        check_slice(&msg, msg.extra[i].value);
    for (unsigned i = 0; i < msg.vias_count; i++)
        check_slice(&msg, msg.vias[i]);
    for (unsigned i = 0; i < msg.routes_count; i++)
        check_slice(&msg, msg.routes[i]);
    check_address(&msg, &msg.from);
    check_address(&msg, &msg.to);
    check_address(&msg, &msg.contact);
    cf_sip_reason_read(&msg, &reason);
    assert(reason.q850 <= 127 && reason.sip <= 699 && reason.text_len <= size);
    cf_sip_list_walk(&msg, &msg.require, count_token, &tokens);
    assert(tokens <= size);
    if (error == CF_SIP_ERROR_OK) /* a good message has everything that an answer or a look-up needs */
        assert(msg.call_id.len != 0 && msg.via.host.len != 0 && msg.from.uri.len != 0 && msg.to.uri.len != 0);
    return 0;
}
