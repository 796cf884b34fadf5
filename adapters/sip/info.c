/*
 * INFO within a call: digits, one a request, in the bodies that RFC 6086 calls legacy usage.
 *
 * A digit is heard once: its INFO is answered by a transaction, which absorbs the copies, or not taken at all. What comes faster than
 * CF_SIP_INFOS_PER_S is refused without a transaction, so that one call leaves those of the others alone.
 *
 * Source:    RFC 6086 (4.2.2: 469, 4.3: what has no Info-Package); RFC 3261 8.2.3 (415), 20.11 (handling); RFC 2976 2.2.
 */
#include "adapters/sip/call.h"

static bool reply(struct cf_sip_calls *calls, const struct cf_sip_request *request, unsigned status, const char *reason,
                  const char *lines)
{
    cf_sip_put_string(cf_sip_reply_begin(calls->stack, request, status, reason), lines);
    cf_sip_reply_stateless(calls->stack, request, status);
    return false;
}

/* RFC 5057: 500 says nothing of the call, and unlike 503 nothing of those beside it. */
static bool refuse_busy(struct cf_sip_calls *calls, const struct cf_sip_request *request)
{
    calls->stack->counters.refused_flood++;
    return reply(calls, request, 500, NULL, "Retry-After: 1\r\n");
}

bool cf_sip_call_info_admits(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request)
{
    const uint64_t now = calls->stack->now_ns, each = CF_SIP_NS_PER_S / CF_SIP_INFOS_PER_S;
    if (call->infos_ns < now)
        call->infos_ns = now;
    if (call->infos_ns - now <= (CF_SIP_INFOS_BURST - 1) * each) {
        call->infos_ns += each;
        return true;
    }
    /* A copy that comes later is not to be taken for good, as the peer believes it refused. */
    if (request->msg->cseq > call->remote_cseq)
        call->remote_cseq = request->msg->cseq;
    return refuse_busy(calls, request);
}

/* The status that its body deserves; of 200 the digit, 0 where it has none. */
static unsigned read_digit(const struct cf_sip_msg *msg, char *ret_digit)
{
    const char *body = cf_sip_ptr(msg, msg->body);
    const bool relay = cf_sip_type_is(msg, "application", "dtmf-relay");
    const bool bare = !relay && cf_sip_type_is(msg, "application", "dtmf");
    struct cf_sip_slice package;
    unsigned duration_ms;
    *ret_digit = 0;
    if (cf_sip_extra(msg, CF_SIP_HEADER_INFO_PACKAGE, 0, &package))
        return 469;
    if (msg->body.len == 0 && !relay && !bare)
        return 200; /* whether the call lives */
    if ((!relay && !bare) || cf_sip_body_encoded(msg))
        return cf_sip_body_optional(msg) ? 200 : 415;
    return (relay ? cf_sip_dtmf_read(body, msg->body.len, ret_digit, &duration_ms)
                  : cf_sip_dtmf_bare_read(body, msg->body.len, ret_digit))
               ? 200
               : 400;
}

static bool refuse(struct cf_sip_calls *calls, const struct cf_sip_request *request, unsigned status)
{
    calls->stack->counters.refused_info++;
    return reply(calls, request, status, status == 400 ? "No Digit" : NULL,
                 status == 415   ? "Accept: " CF_SIP_INFO_TYPES "\r\nAccept-Encoding: identity\r\n"
                 : status == 469 ? "Recv-Info:\r\n" /* none */
                                 : "");
}

bool cf_sip_call_info(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request)
{
    struct cf_sip_event event = {.kind = CF_SIP_DIGIT};
    const unsigned status = read_digit(request->msg, &event.digit);
    if (status != 200)
        return refuse(calls, request, status);
    const struct cf_sip_hop to = cf_sip_response_hop(request->msg, &request->source);
    struct cf_sip_server *server = cf_sip_server_new(calls->transactions, &request->key, false, &to);
    if (server == NULL) {
        calls->stack->counters.no_transaction++;
        refuse_busy(calls, request);
        return true;
    }
    cf_sip_put_body(cf_sip_reply_begin(calls->stack, request, 200, NULL), "", "", 0);
    cf_sip_server_respond(calls->transactions, server, 200);
    if (event.digit == 0)
        return true;
    calls->stack->counters.digits++;
    cf_sip_call_report_event(calls, call, &event);
    return true;
}
