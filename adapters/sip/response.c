#include "adapters/sip/response.h"

#include <assert.h>

const char *cf_sip_status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } table[] = {
        {100, "Trying"},
        {180, "Ringing"},
        {181, "Call Is Being Forwarded"},
        {182, "Queued"},
        {183, "Session Progress"},
        {200, "OK"},
        {202, "Accepted"},
        {302, "Moved Temporarily"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {410, "Gone"},
        {415, "Unsupported Media Type"},
        {416, "Unsupported URI Scheme"},
        {420, "Bad Extension"},
        {422, "Session Interval Too Small"},
        {469, "Bad Info Package"},
        {480, "Temporarily Unavailable"},
        {481, "Call/Transaction Does Not Exist"},
        {482, "Loop Detected"},
        {484, "Address Incomplete"},
        {486, "Busy Here"},
        {487, "Request Terminated"},
        {488, "Not Acceptable Here"},
        {489, "Bad Event"},
        {491, "Request Pending"},
        {500, "Server Internal Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Server Time-out"},
        {505, "Version Not Supported"},
        {513, "Message Too Large"},
        {600, "Busy Everywhere"},
        {603, "Decline"},
        {604, "Does Not Exist Anywhere"},
        {606, "Not Acceptable"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].status == status)
            return table[i].text;
    return "Unknown";
}

void cf_sip_put_status_line(struct cf_sip_out *out, unsigned status, const char *reason)
{
    assert(status >= 100 && status <= 699);
    CF_SIP_PUT(out, "SIP/2.0 ");
    cf_sip_put_number(out, status);
    CF_SIP_PUT(out, " ");
    cf_sip_put_string(out, reason != NULL ? reason : cf_sip_status_text(status));
    CF_SIP_PUT(out, "\r\n");
}

static void put_slice(struct cf_sip_out *out, const struct cf_sip_msg *msg, struct cf_sip_slice slice)
{
    cf_sip_put_value(out, cf_sip_ptr(msg, slice), slice.len);
}

static void put_between(struct cf_sip_out *out, const struct cf_sip_msg *msg, unsigned from, unsigned to)
{
    cf_sip_put_value(out, msg->base + from, to - from);
}

static void put_received(struct cf_sip_out *out, const union cf_sip_addr *source)
{
    char text[INET6_ADDRSTRLEN];
    cf_sip_addr_text(source, text);
    CF_SIP_PUT(out, "received=");
    cf_sip_put_string(out, text);
}

static void put_rport(struct cf_sip_out *out, const union cf_sip_addr *source)
{
    CF_SIP_PUT(out, "rport=");
    cf_sip_put_number(out, cf_sip_addr_port(source));
}

/* The sender wrote the address that its datagram came from. */
static bool sent_by_is_source(const struct cf_sip_msg *msg, const union cf_sip_addr *source)
{
    union cf_sip_addr addr;
    return cf_sip_addr_parse(&addr, cf_sip_ptr(msg, msg->via.host), msg->via.host.len, 0) &&
           cf_sip_addr_same_host(&addr, source);
}

/*
 * The first Via line. What the sender put into `received` and `rport` is replaced where it stands; `received` is added
 * where it is due and missing.
 */
static void put_top_via(struct cf_sip_out *out, const struct cf_sip_msg *msg, const union cf_sip_addr *source)
{
    const struct cf_sip_via *via = &msg->via;
    const bool due = via->rport.len != 0 || via->received.len != 0 || !sent_by_is_source(msg, source);
    const struct cf_sip_slice *first = &via->rport;
    const struct cf_sip_slice *second = &via->received;
    if (first->at > second->at) {
        first = &via->received;
        second = &via->rport;
    }
    unsigned at = via->value.at;
    const struct cf_sip_slice *const cuts[] = {first, second};
    for (unsigned i = 0; i < 2; i++) {
        if (cuts[i]->len == 0)
            continue;
        put_between(out, msg, at, cuts[i]->at);
        if (cuts[i] == &via->rport)
            put_rport(out, source);
        else
            put_received(out, source);
        at = cuts[i]->at + cuts[i]->len;
    }
    put_between(out, msg, at, via->value.at + via->value.len);
    if (due && via->received.len == 0) {
        CF_SIP_PUT(out, ";");
        put_received(out, source);
    }
    put_between(out, msg, via->value.at + via->value.len, msg->vias[0].at + msg->vias[0].len);
}

void cf_sip_put_head(struct cf_sip_out *out, const struct cf_sip_msg *request, const union cf_sip_addr *source,
                     const char *tag, size_t tag_len)
{
    CF_SIP_PUT(out, "Via: ");
    put_top_via(out, request, source);
    for (unsigned i = 1; i < request->vias_count; i++) {
        CF_SIP_PUT(out, "\r\nVia: ");
        put_slice(out, request, request->vias[i]);
    }
    CF_SIP_PUT(out, "\r\nFrom: ");
    put_slice(out, request, request->from.value);
    CF_SIP_PUT(out, "\r\nTo: ");
    put_slice(out, request, request->to.value);
    if (request->to.tag.len == 0 && tag_len != 0) {
        CF_SIP_PUT(out, ";tag=");
        cf_sip_put(out, tag, tag_len);
    }
    CF_SIP_PUT(out, "\r\nCall-ID: ");
    put_slice(out, request, request->call_id);
    CF_SIP_PUT(out, "\r\nCSeq: ");
    put_slice(out, request, request->cseq_value);
    CF_SIP_PUT(out, "\r\n");
}

void cf_sip_put_routes(struct cf_sip_out *out, const struct cf_sip_msg *request)
{
    for (unsigned i = 0; i < request->routes_count; i++) {
        CF_SIP_PUT(out, "Record-Route: ");
        put_slice(out, request, request->routes[i]);
        CF_SIP_PUT(out, "\r\n");
    }
}

void cf_sip_put_body(struct cf_sip_out *out, const char *type, const char *body, size_t len)
{
    if (len != 0) {
        CF_SIP_PUT(out, "Content-Type: ");
        cf_sip_put_string(out, type);
        CF_SIP_PUT(out, "\r\n");
    }
    CF_SIP_PUT(out, "Content-Length: ");
    cf_sip_put_number(out, len);
    CF_SIP_PUT(out, "\r\n\r\n");
    cf_sip_put(out, body, len);
}

struct cf_sip_hop cf_sip_response_hop(const struct cf_sip_msg *request, const struct cf_sip_hop *source)
{
    struct cf_sip_hop hop = *source;
    /* Of a stream it is the address that a new connection is opened to once the old one is gone. */
    if (request->via.rport.len == 0 || source->stream)
        cf_sip_addr_set_port(&hop.addr, request->via.port != 0 ? request->via.port : CF_SIP_DEFAULT_PORT);
    return hop;
}
