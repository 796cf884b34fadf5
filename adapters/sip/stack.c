#include "adapters/sip/stack.h"

bool cf_sip_stack_send(struct cf_sip_stack *stack, const union cf_sip_addr *to)
{
    if (stack->out.full || stack->out.len > CF_SIP_DATAGRAM_MAX) {
        stack->counters.too_large++;
        return false;
    }
    stack->send(stack->send_context, to, stack->out.text, stack->out.len);
    return true;
}

void cf_sip_stack_resend(struct cf_sip_stack *stack, struct cf_sip_stored stored, const union cf_sip_addr *to)
{
    if (stored.first == 0)
        return;
    const size_t len = cf_sip_store_get(&stack->store, stored, 0, stack->text, CF_SIP_DATAGRAM_MAX);
    stack->send(stack->send_context, to, stack->text, len);
}

void cf_sip_stack_count_response(struct cf_sip_stack *stack, unsigned status)
{
    if (status < 200)
        stack->counters.sent_1xx++;
    else if (status < 300)
        stack->counters.sent_2xx++;
    else
        stack->counters.sent_3xx_6xx++;
}
