#include "adapters/sip/dialog.h"

/* Through a transaction: a copy of the request that comes later is not to be taken for good when the reason is over. */
static void refuse_order(struct cf_sip_calls *calls, const struct cf_sip_request *request, unsigned status)
{
    struct cf_sip_stack *stack = calls->stack;
    stack->counters.refused_order++;
    struct cf_sip_out *out = cf_sip_reply_begin(stack, request, status, NULL);
    if (status == 500) {
        /* RFC 3261 14.2 wants 0 to 10 seconds by chance: the request's own hash is chance enough. */
        CF_SIP_PUT(out, "Retry-After: ");
        cf_sip_put_number(out, request->key.word[1] % 11);
        CF_SIP_PUT(out, "\r\n");
    }
    cf_sip_reply_end(calls->transactions, request, status, "", 0);
}

static bool refuse(struct cf_sip_calls *calls, const struct cf_sip_request *request, unsigned status)
{
    refuse_order(calls, request, status);
    return false;
}

/* The session description for a 200 within the dialog, in the stack's text buffer. */
static struct cf_sip_out description(struct cf_sip_calls *calls)
{
    return (struct cf_sip_out){.text = calls->stack->text, .bytes_max = CF_SIP_DATAGRAM_MAX};
}

/* The description that answers the request's: as it was when that was an answer too and the peer repeats its own (RFC 3264 8), else a
 * new version. */
static struct cf_sip_described described_by(const struct cf_sip_call *call, const struct cf_sip_msg *request)
{
    struct cf_sdp offer;
    const bool read = cf_sdp_scan(cf_sip_ptr(request, request->body), request->body.len, &offer) == CF_SDP_ERROR_OK;
    const bool same = read && call->offered == CF_SIP_OFFERED_NOTHING && call->sdp_mark != 0 &&
                      cf_sdp_mark(&offer) == call->sdp_mark && cf_sdp_holds(&offer) == call->held;
    return (struct cf_sip_described){.session = call->sdp_session,
                                     .version = same ? call->sdp_version : call->sdp_version + 1,
                                     .ours = call->holds ? CF_SDP_SENDONLY : CF_SDP_SENDRECV};
}

static void take_session(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_session *session)
{
    call->session = *session;
    cf_sip_session_start(calls, call);
}

static void put_session(struct cf_sip_out *out, const struct cf_sip_session *session)
{
    cf_sip_session_put(out, session);
    if (session->required)
        CF_SIP_PUT(out, "Require: timer\r\n");
}

static bool answer_reinvite(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = calls->stack;
    const struct cf_sip_described described = described_by(call, request->msg);
    struct cf_sip_out body = description(calls);
    struct cf_sip_session session;
    uint64_t mark;
    bool holds;
    if (!cf_sip_reply_session(stack, request, &session))
        return false;
    const enum cf_sip_media media = cf_sip_reply_media(stack, request, &described, &body, &holds, &mark);
    if (media == CF_SIP_MEDIA_REFUSED)
        return false;
    const struct cf_sip_hop to = cf_sip_response_hop(request->msg, &request->source);
    struct cf_sip_server *server = cf_sip_server_new(calls->transactions, &request->key, true, &to);
    if (server == NULL)
        return refuse(calls, request, 500); /* the session goes on as it was */
    call->sdp_version = described.version;
    call->sdp_mark = mark;
    call->offered = media == CF_SIP_MEDIA_OFFERED ? described.ours : CF_SIP_OFFERED_NOTHING;
    stack->counters.reinvites++;
    struct cf_sip_out *out = cf_sip_reply_begin(stack, request, 200, NULL);
    cf_sip_put_routes(out, request->msg);
    cf_sip_put_contact(stack, out, &to);
    put_session(out, &session);
    cf_sip_put_body(out, "application/sdp", body.text, body.len);
    cf_sip_server_respond(calls->transactions, server, 200);
    cf_sip_call_wait_ack(calls, call, &to, request->msg->cseq, media == CF_SIP_MEDIA_OFFERED);
    cf_sip_call_set_target(calls, call, request->msg);
    take_session(calls, call, &session);
    if (media == CF_SIP_MEDIA_ANSWERED) {
        call->held = holds;
        cf_sip_call_report_media(calls, call);
    }
    cf_sip_call_confirm(calls, call);
    return true;
}

/* Ended from our side: BYE is on its way, or waits. */
static bool is_over(const struct cf_sip_call *call)
{
    return call->state == CF_SIP_CALL_BYE_WAIT || call->state == CF_SIP_CALL_BYE_SENT;
}

static bool is_calling(const struct cf_sip_call *call)
{
    return call->state == CF_SIP_CALL_CALLING || call->state == CF_SIP_CALL_CANCELLING;
}

/* These return false when the request was refused: then its CSeq does not count. */
static bool reinvite(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request)
{
    if (is_calling(call))
        return refuse(calls, request, 491); /* an INVITE of ours is on its way */
    if (!cf_sip_call_connected(call))
        return refuse(calls, request, 500); /* RFC 3261 14.2: the first INVITE has no final response yet */
    if ((call->ok.waiting && call->ok.offers) || call->change != CF_SIP_CHANGE_NOTHING)
        return refuse(calls, request, 491); /* our offer has no answer yet */
    /* A newer INVITE shows that the peer has the 2xx, though its ACK was lost (RFC 5407 3.1.4). */
    return answer_reinvite(calls, call, request);
}

static bool update(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = calls->stack;
    const struct cf_sip_described described = described_by(call, request->msg);
    struct cf_sip_out body = description(calls);
    struct cf_sip_session session = {0};
    const bool connected = cf_sip_call_connected(call);
    bool holds = call->held;
    if (connected && !cf_sip_reply_session(stack, request, &session))
        return false;
    if (request->msg->body.len != 0) {
        if (!connected) /* RFC 3311 5.2: an offer of ours, or of the peer's, has no answer yet */
            return refuse(calls, request, is_calling(call) ? 491 : 500);
        if ((call->ok.waiting && call->ok.offers) || call->change != CF_SIP_CHANGE_NOTHING)
            return refuse(calls, request, 491);
        if (cf_sip_reply_media(stack, request, &described, &body, &holds, &call->sdp_mark) == CF_SIP_MEDIA_REFUSED)
            return false;
        call->sdp_version = described.version;
        call->offered = CF_SIP_OFFERED_NOTHING;
    }
    struct cf_sip_out *out = cf_sip_reply_begin(stack, request, 200, NULL);
    cf_sip_put_contact(stack, out, &request->source);
    put_session(out, &session);
    cf_sip_reply_end(calls->transactions, request, 200, body.text, body.len);
    if (!is_calling(call)) /* what our INVITE names may still be called again */
        cf_sip_call_set_target(calls, call, request->msg);
    if (!connected)
        return true;
    take_session(calls, call, &session);
    call->held = holds;
    cf_sip_call_report_media(calls, call);
    return true;
}

static void answer_ok(struct cf_sip_calls *calls, const struct cf_sip_request *request)
{
    cf_sip_reply_begin(calls->stack, request, 200, NULL);
    cf_sip_reply_end(calls->transactions, request, 200, "", 0);
}

static void prack(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request)
{
    if (!cf_sip_call_prack(calls, call, request->msg)) {
        calls->stack->counters.refused_unknown++;
        cf_sip_reply_plain(calls->stack, request, 481);
        return;
    }
    answer_ok(calls, request);
    cf_sip_call_prack_answered(calls, call);
}

static void carry_out(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request)
{
    const uint32_t before = call->remote_cseq;
    call->remote_cseq = request->msg->cseq;
    if (!is_calling(call)) /* our INVITE may go out again, to where it went first */
        cf_sip_call_set_peer(calls, call, &request->source);
    switch ((enum cf_sip_method)request->msg->method) {
    case CF_SIP_INVITE:
        if (!reinvite(calls, call, request))
            call->remote_cseq = before;
        break;
    case CF_SIP_BYE:
        answer_ok(calls, request);
        cf_sip_call_bye(calls, call, request->msg);
        break;
    case CF_SIP_UPDATE:
        if (!update(calls, call, request))
            call->remote_cseq = before;
        break;
    case CF_SIP_PRACK:
        prack(calls, call, request);
        break;
    case CF_SIP_INFO:
        if (!cf_sip_call_info(calls, call, request))
            call->remote_cseq = before;
        break;
    case CF_SIP_NOTIFY:
        if (!cf_sip_call_notified(calls, call, request))
            call->remote_cseq = before;
        break;
    case CF_SIP_REFER:
        if (!cf_sip_call_referred(calls, call, request))
            call->remote_cseq = before;
        break;
    case CF_SIP_OPTIONS:
        cf_sip_reply_options(calls->transactions, request, true);
        break;
    default:
        call->remote_cseq = before;
        cf_sip_reply_method(calls->stack, request);
        break;
    }
}

void cf_sip_dialog_request(struct cf_sip_calls *calls, const struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = calls->stack;
    const struct cf_sip_msg *msg = request->msg;
    struct cf_sip_call *call = cf_sip_call_find(calls, msg);
    uint32_t options, required;
    const bool wants_more = msg->method == CF_SIP_INVITE || msg->method == CF_SIP_UPDATE || msg->method == CF_SIP_INFO;
    if (call == NULL || call->state == CF_SIP_CALL_LINGER || (wants_more && is_over(call))) {
        stack->counters.refused_unknown++;
        cf_sip_reply_plain(stack, request, 481);
        return;
    }
    if (msg->method == CF_SIP_INFO && !cf_sip_call_info_admits(calls, call, request))
        return;
    if (call->remote_cseq != 0 && msg->cseq <= call->remote_cseq) {
        refuse_order(calls, request, 500); /* RFC 3261 12.2.2: out of order */
        return;
    }
    if (cf_sip_reply_extensions(stack, request, &options, &required))
        carry_out(calls, call, request);
}
