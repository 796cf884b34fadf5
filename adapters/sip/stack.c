#include "adapters/sip/stack.h"
#include "adapters/sip/response.h"

void cf_sip_stack_put(struct cf_sip_stack *stack, struct cf_sip_stored stored, size_t at, size_t len)
{
    struct cf_sip_out *out = &stack->out;
    if (out->full || len > out->bytes_max - out->len) {
        out->full = true;
        return;
    }
    out->len += cf_sip_store_get(&stack->store, stored, at, out->text + out->len, len);
}

bool cf_sip_stack_send(struct cf_sip_stack *stack, const struct cf_sip_hop *to)
{
    if (stack->out.full || stack->out.len > CF_SIP_DATAGRAM_MAX) {
        stack->counters.too_large++;
        return false;
    }
    stack->send(stack->send_context, to, stack->out.text, stack->out.len);
    return true;
}

void cf_sip_stack_resend(struct cf_sip_stack *stack, struct cf_sip_stored stored, const struct cf_sip_hop *to)
{
    if (stored.first == 0)
        return;
    const size_t len = cf_sip_store_get(&stack->store, stored, 0, stack->text, CF_SIP_DATAGRAM_MAX);
    stack->send(stack->send_context, to, stack->text, len);
}

void cf_sip_stack_keep(struct cf_sip_stack *stack, struct cf_sip_stored *stored)
{
    cf_sip_store_free(&stack->store, stored);
    if (!stack->out.full && !cf_sip_store_put(&stack->store, stored, stack->out.text, stack->out.len))
        stack->counters.no_block++;
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

uint32_t cf_sip_stack_options(const struct cf_sip_stack *stack)
{
    const uint32_t timer = stack->config.session_s != 0 ? 1u << CF_SIP_OPTION_TIMER : 0;
    const uint32_t replaces = stack->config.replace != CF_SIP_TRUST_NOBODY ? 1u << CF_SIP_OPTION_REPLACES : 0;
    const uint32_t refer = stack->config.refer != CF_SIP_TRUST_NOBODY ? 1u << CF_SIP_OPTION_NOREFERSUB : 0;
    return timer | replaces | refer | 1u << CF_SIP_OPTION_REL100;
}

void cf_sip_put_allow(const struct cf_sip_stack *stack, struct cf_sip_out *out)
{
    CF_SIP_PUT(out, "Allow: " CF_SIP_ALLOW);
    if (stack->config.refer != CF_SIP_TRUST_NOBODY)
        CF_SIP_PUT(out, ", REFER");
    CF_SIP_PUT(out, "\r\n");
}

void cf_sip_put_contact(struct cf_sip_stack *stack, struct cf_sip_out *out, const struct cf_sip_hop *hop)
{
    CF_SIP_PUT(out, "Contact: <sip:");
    cf_sip_put_string(out, stack->config.user);
    CF_SIP_PUT(out, "@");
    cf_sip_put_string(out, stack->config.host);
    CF_SIP_PUT(out, ":");
    cf_sip_put_number(out, stack->config.port);
    if (hop->stream)
        CF_SIP_PUT(out, ";transport=tcp");
    CF_SIP_PUT(out, ">\r\n");
    cf_sip_put_allow(stack, out);
    cf_sip_options_put(out, "Supported", cf_sip_stack_options(stack));
}
