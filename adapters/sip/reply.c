#include "adapters/sip/reply.h"
#include "adapters/sip/field.h"

void cf_sip_tag_make(const struct cf_sip_stack *stack, const struct cf_sip_msg *request, char tag[CF_SIP_TAG_LEN])
{
    struct cf_sip_hash hash;
    struct cf_sip_out out = {.text = tag, .bytes_max = CF_SIP_TAG_LEN};
    cf_sip_hash_init(&hash, &stack->config.secret);
    cf_sip_hash_bytes(&hash, "tag", 3);
    cf_sip_hash_bytes(&hash, cf_sip_ptr(request, request->call_id), request->call_id.len);
    cf_sip_hash_bytes(&hash, cf_sip_ptr(request, request->from.tag), request->from.tag.len);
    cf_sip_hash_bytes(&hash, cf_sip_ptr(request, request->via.branch), request->via.branch.len);
    cf_sip_hash_number(&hash, request->cseq);
    cf_sip_put_hex64(&out, cf_sip_hash_end(&hash).word[0]);
}

struct cf_sip_out *cf_sip_reply_begin(struct cf_sip_stack *stack, const struct cf_sip_request *request, unsigned status,
                                      const char *reason)
{
    char tag[CF_SIP_TAG_LEN];
    struct cf_sip_out *out = cf_sip_stack_begin(stack);
    if (request->msg->to.tag.len == 0)
        cf_sip_tag_make(stack, request->msg, tag);
    cf_sip_put_status_line(out, status, reason);
    cf_sip_put_head(out, request->msg, &request->source.addr, tag, request->msg->to.tag.len == 0 ? sizeof(tag) : 0);
    return out;
}

static void send_stateless(struct cf_sip_stack *stack, const struct cf_sip_request *request, unsigned status)
{
    const struct cf_sip_hop to = cf_sip_response_hop(request->msg, &request->source);
    cf_sip_stack_count_response(stack, status);
    stack->counters.sent_stateless++;
    cf_sip_stack_send(stack, &to);
}

void cf_sip_reply_stateless(struct cf_sip_stack *stack, const struct cf_sip_request *request, unsigned status)
{
    cf_sip_put_body(&stack->out, "", "", 0);
    send_stateless(stack, request, status);
}

void cf_sip_reply_end(struct cf_sip_transactions *t, const struct cf_sip_request *request, unsigned status,
                      const char *body, size_t len)
{
    struct cf_sip_stack *stack = t->stack;
    const struct cf_sip_hop to = cf_sip_response_hop(request->msg, &request->source);
    cf_sip_put_body(&stack->out, "application/sdp", body, len);
    struct cf_sip_server *s = cf_sip_server_new(t, &request->key, request->msg->method == CF_SIP_INVITE, &to);
    if (s != NULL) {
        cf_sip_server_respond(t, s, status);
    } else {
        stack->counters.no_transaction++;
        send_stateless(stack, request, status);
    }
}

void cf_sip_reply_plain(struct cf_sip_stack *stack, const struct cf_sip_request *request, unsigned status)
{
    cf_sip_reply_begin(stack, request, status, NULL);
    cf_sip_reply_stateless(stack, request, status);
}

static bool refuse_malformed(struct cf_sip_stack *stack, const struct cf_sip_request *request, const char *reason)
{
    stack->counters.refused_extension++;
    cf_sip_reply_begin(stack, request, 400, reason);
    cf_sip_reply_stateless(stack, request, 400);
    return false;
}

bool cf_sip_reply_extensions(struct cf_sip_stack *stack, const struct cf_sip_request *request, uint32_t *ret_options,
                             uint32_t *ret_required)
{
    const struct cf_sip_msg *msg = request->msg;
    const uint32_t ours = cf_sip_stack_options(stack);
    unsigned unknown = 0, others = 0;
    uint32_t required = 0, supported = 0;
    if (!cf_sip_options_read(msg, &msg->require, &required, &unknown))
        return refuse_malformed(stack, request, "Malformed Require Header");
    cf_sip_options_read(msg, &msg->supported, &supported, &others);
    *ret_options = required | supported;
    *ret_required = required;
    if (unknown == 0 && (required & ~ours) == 0)
        return true;
    stack->counters.refused_extension++;
    cf_sip_unsupported_put(cf_sip_reply_begin(stack, request, 420, NULL), msg, ours);
    cf_sip_reply_stateless(stack, request, 420);
    return false;
}

bool cf_sip_reply_session(struct cf_sip_stack *stack, const struct cf_sip_request *request,
                          struct cf_sip_session *ret_session)
{
    const struct cf_sip_session_wish wish = {stack->config.session_s, stack->config.min_se_s};
    struct cf_sip_session_peer peer;
    if (!cf_sip_session_read(request->msg, &peer))
        return refuse_malformed(stack, request, "Malformed Session-Expires Header");
    *ret_session = cf_sip_session_as_uas(&wish, &peer);
    if (!ret_session->too_small)
        return true;
    stack->counters.refused_session++;
    cf_sip_session_put_422(cf_sip_reply_begin(stack, request, 422, NULL), &wish);
    cf_sip_reply_stateless(stack, request, 422);
    return false;
}

/* The bytes of the host address, which our nonces are bound to. */
static const void *host_of(const struct cf_sip_hop *hop, size_t *ret_len)
{
    const bool ipv4 = hop->addr.sa.sa_family == AF_INET;
    *ret_len = ipv4 ? sizeof(hop->addr.in4.sin_addr) : sizeof(hop->addr.in6.sin6_addr);
    return ipv4 ? (const void *)&hop->addr.in4.sin_addr : (const void *)&hop->addr.in6.sin6_addr;
}

bool cf_sip_reply_admits(struct cf_sip_stack *stack, const struct cf_sip_request *request)
{
    const struct cf_sip_config *config = &stack->config;
    const struct cf_sip_guard guard = {.secret = config->secret,
                                       .realm = config->realm,
                                       .admit = config->admit,
                                       .admits = config->admits,
                                       .algorithms = config->digests,
                                       .nonce_s = CF_SIP_NONCE_S};
    size_t len;
    const void *host = host_of(&request->source, &len);
    const uint64_t now_s = stack->now_ns / CF_SIP_NS_PER_S;
    unsigned who;
    if (config->admits == 0)
        return true;
    const enum cf_sip_auth auth = cf_sip_authorization_check(&guard, request->msg, host, len, now_s, &who);
    if (auth == CF_SIP_AUTH_OK)
        return true;
    stack->counters.refused_login++;
    cf_sip_challenge_put(cf_sip_reply_begin(stack, request, 401, NULL), &guard, host, len, now_s,
                         auth == CF_SIP_AUTH_STALE);
    cf_sip_reply_stateless(stack, request, 401);
    return false;
}

bool cf_sip_reply_trusts(const struct cf_sip_stack *stack, const struct cf_sip_request *request,
                         enum cf_sip_trust trust)
{
    const struct cf_sip_config *config = &stack->config;
    return trust == CF_SIP_TRUST_ANYBODY || (trust == CF_SIP_TRUST_PEER && config->has_peer &&
                                             cf_sip_addr_same_host(&request->source.addr, &config->peer.addr));
}

void cf_sip_reply_method(struct cf_sip_stack *stack, const struct cf_sip_request *request)
{
    const unsigned status = request->msg->method == CF_SIP_UNKNOWN ? 501 : 405;
    stack->counters.refused_method++;
    struct cf_sip_out *out = cf_sip_reply_begin(stack, request, status, NULL);
    cf_sip_put_allow(stack, out);
    cf_sip_reply_stateless(stack, request, status);
}

void cf_sip_reply_options(struct cf_sip_transactions *t, const struct cf_sip_request *request, bool in_dialog)
{
    struct cf_sip_out *out = cf_sip_reply_begin(t->stack, request, 200, NULL);
    cf_sip_put_allow(t->stack, out);
    CF_SIP_PUT(out, "Accept: application/sdp, message/sipfrag, " CF_SIP_INFO_TYPES "\r\n");
    cf_sip_options_put(out, "Supported", cf_sip_stack_options(t->stack));
    if (in_dialog)
        cf_sip_reply_end(t, request, 200, "", 0);
    else
        cf_sip_reply_stateless(t->stack, request, 200);
}

static enum cf_sip_media refuse_media(struct cf_sip_stack *stack, const struct cf_sip_request *request, unsigned status,
                                      const char *warning)
{
    stack->counters.refused_media++;
    struct cf_sip_out *out = cf_sip_reply_begin(stack, request, status, NULL);
    if (status == 415) {
        CF_SIP_PUT(out, "Accept: application/sdp\r\nAccept-Encoding: identity\r\n");
    } else {
        CF_SIP_PUT(out, "Warning: 305 ");
        cf_sip_put_string(out, stack->config.host);
        CF_SIP_PUT(out, " \"");
        cf_sip_put_string(out, warning);
        CF_SIP_PUT(out, "\"\r\n");
    }
    cf_sip_reply_stateless(stack, request, status);
    return CF_SIP_MEDIA_REFUSED;
}

enum cf_sip_media cf_sip_reply_media(struct cf_sip_stack *stack, const struct cf_sip_request *request,
                                     const struct cf_sip_described *described, struct cf_sip_out *out, bool *ret_holds,
                                     uint64_t *ret_mark)
{
    const struct cf_sip_msg *msg = request->msg;
    const struct cf_sdp_local *local = &stack->config.media;
    struct cf_sdp offer;
    *ret_mark = 0;
    if (msg->body.len == 0) {
        *ret_holds = false;
        cf_sdp_offer_as(local, described->ours, described->session, described->version, out);
        return CF_SIP_MEDIA_OFFERED;
    }
    if (!cf_sip_type_is(msg, "application", "sdp") || cf_sip_body_encoded(msg))
        return refuse_media(stack, request, 415, NULL);
    enum cf_sdp_error error = cf_sdp_scan(cf_sip_ptr(msg, msg->body), msg->body.len, &offer);
    if (error == CF_SDP_ERROR_OK)
        error = cf_sdp_answer_as(&offer, local, described->ours, described->session, described->version, out);
    if (error != CF_SDP_ERROR_OK || out->full)
        return refuse_media(stack, request, 488, cf_sdp_error_text(error));
    *ret_holds = cf_sdp_holds(&offer);
    *ret_mark = cf_sdp_mark(&offer);
    return CF_SIP_MEDIA_ANSWERED;
}
