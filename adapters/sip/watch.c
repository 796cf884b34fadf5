/*
 * Who is in a conference: a subscription within the dialog with its focus; see call.h.
 *
 *     SUBSCRIBE --2xx--> NOTIFYs come; SUBSCRIBE again at half of what was granted
 *     SUBSCRIBE --anything else--> nothing is heard of it        NOTIFY that ends it --a minute--> SUBSCRIBE
 *
 * A focus that does not say in its 2xx that it has the package (Allow-Events: conference) is not asked. Whatever becomes of the
 * subscription, the call goes on (RFC 5057 5.2).
 *
 * Source: RFC 4575, RFC 6665, RFC 4579 5.3.
 */
#include "adapters/sip/call.h"
#include "adapters/sip/referral.h"
#include "adapters/sip/roster.h"

enum { EXPIRES_S = 3600, EXPIRES_S_MIN = 60, AGAIN_S = 60 };

bool cf_sip_call_send_subscribe(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_asking asking;
    struct cf_sip_out *out = cf_sip_call_begin_request(calls, call, CF_SIP_SUBSCRIBE, &asking);
    cf_sip_put_contact(calls->stack, out, &asking.to);
    CF_SIP_PUT(out, "Event: conference\r\nAccept: application/conference-info+xml\r\nExpires: ");
    cf_sip_put_number(out, EXPIRES_S);
    CF_SIP_PUT(out, "\r\nContent-Length: 0\r\n\r\n");
    asking.use = CF_SIP_USE_SUBSCRIBE;
    return cf_sip_call_send_request(calls, call, &asking);
}

void cf_sip_call_watch(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (!cf_sip_call_connected(call))
        return;
    call->watch_tries = 0;
    call->watches = cf_sip_call_send_subscribe(calls, call);
    calls->stack->counters.watch_failures += !call->watches;
}

void cf_sip_call_watch_response(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response,
                                unsigned status)
{
    if (!call->watches)
        return; /* NOTIFY has ended it meanwhile */
    if (status >= 300) {
        call->watches = false;
        calls->stack->counters.watch_failures++;
        return;
    }
    const bool says = cf_sip_seen(response, CF_SIP_HEADER_EXPIRES) && response->expires < EXPIRES_S;
    uint32_t granted_s = says ? response->expires : EXPIRES_S;
    granted_s = granted_s > EXPIRES_S_MIN ? granted_s : EXPIRES_S_MIN;
    cf_sip_call_due(calls, call, CF_SIP_DUE_WATCH, calls->stack->now_ns + granted_s / 2 * CF_SIP_NS_PER_S);
}

static void read_roster(struct cf_sip_calls *calls, const struct cf_sip_call *call, const struct cf_sip_msg *notify)
{
    static struct cf_sip_roster roster; /* 80 KiB, one thread */
    const unsigned long salt = (unsigned long)calls->stack->config.secret.word[0] | 1;
    if (notify->body.len == 0)
        return;
    if (!cf_sip_type_is(notify, "application", "conference-info+xml") || cf_sip_body_encoded(notify) ||
        !cf_sip_roster_read(cf_sip_ptr(notify, notify->body), notify->body.len, salt, &roster)) {
        calls->stack->counters.rosters_unread++;
        return;
    }
    cf_sip_call_report_event(calls, call, &(struct cf_sip_event){.kind = CF_SIP_ROSTER, .roster = &roster});
}

bool cf_sip_call_watched(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request,
                         bool over)
{
    const unsigned status = call->watches ? 200 : 481;
    calls->stack->counters.refused_unknown += !call->watches;
    cf_sip_reply_begin(calls->stack, request, status, NULL);
    cf_sip_reply_end(calls->transactions, request, status, "", 0);
    if (!call->watches)
        return false;
    if (over) {
        call->watches = false;
        cf_sip_call_due(calls, call, CF_SIP_DUE_WATCH, calls->stack->now_ns + AGAIN_S * CF_SIP_NS_PER_S);
    }
    if (cf_sip_call_connected(call))
        read_roster(calls, call, request->msg);
    return true;
}
