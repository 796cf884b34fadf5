/*
 * INVITE with Replaces: a call that takes the place of another; see call.h.
 *
 * Source: RFC 3891 section 3. Whoever names both tags of a dialog was told of it by one of its ends, since nobody guesses ours; beside
 *         that the configuration says from whom such an INVITE is taken, and `admit` holds for it as for any other.
 */
#include "adapters/sip/call.h"
#include "adapters/sip/referral.h"
#include "callfan/tapi_const.h"

static bool refuse(struct cf_sip_calls *calls, const struct cf_sip_request *request, unsigned status)
{
    calls->stack->counters.refused_transfer++;
    cf_sip_reply_plain(calls->stack, request, status);
    return false;
}

/* What becomes of the INVITE when the call is in that state. */
static const struct rule {
    uint16_t refusal; /* 0: it may be replaced */
    uint16_t early_only;
    uint32_t reason;
} rules[CF_SIP_CALL_STATES] = {
    [CF_SIP_CALL_FREE] = {481, 481, 0},
    [CF_SIP_CALL_OFFERING] = {481, 481, 0}, /* an early dialog that we did not begin */
    [CF_SIP_CALL_ACCEPTED] = {481, 481, 0},
    [CF_SIP_CALL_ANSWERED] = {0, 486, LINECALLREASON_TRANSFER},
    [CF_SIP_CALL_CALLING] = {0, 0, LINECALLREASON_PICKUP},
    [CF_SIP_CALL_CANCELLING] = {603, 603, 0}, /* over, or nearly so */
    [CF_SIP_CALL_CONFIRMED] = {0, 486, LINECALLREASON_TRANSFER},
    [CF_SIP_CALL_BYE_WAIT] = {603, 603, 0},
    [CF_SIP_CALL_BYE_SENT] = {603, 603, 0},
    [CF_SIP_CALL_LINGER] = {603, 603, 0},
};

static struct cf_sip_call *find(const struct cf_sip_calls *calls, const struct cf_sip_replaces *replaces)
{
    const struct cf_sip_key key =
        cf_sip_call_key(calls, (struct cf_sip_words){replaces->call_id, replaces->call_id_len},
                        (struct cf_sip_words){replaces->to_tag, replaces->to_tag_len},
                        (struct cf_sip_words){replaces->from_tag, replaces->from_tag_len});
    struct cf_sip_node *node = cf_sip_table_find(&calls->dialogs, &key);
    return node != NULL ? CF_SIP_CONTAINER(node, struct cf_sip_call, node) : NULL;
}

bool cf_sip_replace_find(struct cf_sip_calls *calls, const struct cf_sip_request *request,
                         struct cf_sip_call **ret_call, uint32_t *ret_reason)
{
    const struct cf_sip_config *config = &calls->stack->config;
    struct cf_sip_replaces replaces;
    *ret_call = NULL;
    if (config->replace == CF_SIP_TRUST_NOBODY)
        return true; /* a header that we do not know */
    const int got = cf_sip_replaces_read(request->msg, &replaces);
    if (got == 0)
        return true;
    if (got < 0)
        return refuse(calls, request, 400);
    if (!cf_sip_reply_trusts(calls->stack, request, config->replace))
        return refuse(calls, request, 403);
    struct cf_sip_call *call = find(calls, &replaces);
    const struct rule *rule = &rules[call != NULL ? call->state : CF_SIP_CALL_FREE];
    const unsigned refusal = replaces.early_only ? rule->early_only : rule->refusal;
    if (refusal != 0)
        return refuse(calls, request, refusal);
    *ret_call = call;
    *ret_reason = rule->reason;
    return true;
}

void cf_sip_replace(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_call *old,
                    const struct cf_sip_identity *identity)
{
    const uint64_t id = cf_sip_call_id(calls, call);
    cf_sip_call_offer(calls, call, identity);
    call = cf_sip_call_of(calls, id);
    if (call == NULL || cf_sip_call_answer(calls, call) < 0)
        return; /* refused by who was told */
    calls->stack->counters.replaced++;
    if (old->state == CF_SIP_CALL_CALLING) {
        old->picked_up = true;
        cf_sip_call_give_up(calls, old);
    } else {
        cf_sip_call_hang_up(calls, old, CF_SIP_ENDING_BYE);
    }
}
