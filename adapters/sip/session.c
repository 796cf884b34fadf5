/* The session timer of a call (RFC 4028): when it is refreshed, and what happens when it is not; see call.h. */
#include "adapters/sip/call.h"

/* RFC 4028 10: a session that was not refreshed is ended a little before the interval is over. */
static uint64_t patience_s(uint32_t interval_s)
{
    const uint32_t margin = interval_s / 3 < 32 ? interval_s / 3 : 32;
    return interval_s - margin;
}

void cf_sip_session_start(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    const uint32_t interval_s = call->session.session_s;
    const uint64_t now = calls->stack->now_ns;
    const uint64_t half_ns = (uint64_t)interval_s * CF_SIP_NS_PER_S / 2;
    call->refresh_due = false; /* whatever settled it was a refresh */
    call->session_end_ns = now + patience_s(interval_s) * CF_SIP_NS_PER_S;
    cf_sip_call_due(calls, call, CF_SIP_DUE_SESSION,
                    interval_s == 0      ? 0
                    : call->session.ours ? now + half_ns
                                         : call->session_end_ns);
}

/* An eighth of the interval later, as long as there is time. */
void cf_sip_session_again(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    const uint64_t next = calls->stack->now_ns + (uint64_t)call->session.session_s * CF_SIP_NS_PER_S / 8;
    if (call->session.session_s != 0)
        cf_sip_call_due(calls, call, CF_SIP_DUE_SESSION, next < call->session_end_ns ? next : call->session_end_ns);
}

void cf_sip_session_due(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (!cf_sip_call_connected(call))
        return;
    if (calls->stack->now_ns < call->session_end_ns) {
        call->refresh_due = true;
        call->retries = 0;
        cf_sip_call_advance(calls, call);
        return;
    }
    calls->stack->counters.sessions_expired++;
    cf_sip_call_hang_up(calls, call, CF_SIP_ENDING_TIMEOUT);
}

bool cf_sip_session_raise(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response)
{
    uint32_t min_se_s;
    if (calls->stack->config.session_s == 0 || call->min_se_s != 0 || cf_sip_min_se_read(response, &min_se_s) != 1 ||
        min_se_s == 0)
        return false;
    call->min_se_s = min_se_s;
    return true;
}
