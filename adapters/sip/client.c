/* Client transactions; see transaction.h. */
#include "adapters/sip/transaction.h"

#include <assert.h>

static struct cf_sip_key branch_key(const struct cf_sip_stack *stack, enum cf_sip_method method, const char *branch,
                                    size_t len)
{
    struct cf_sip_hash hash;
    cf_sip_hash_init(&hash, &stack->config.secret);
    cf_sip_hash_number(&hash, method);
    cf_sip_hash_bytes(&hash, branch, len);
    return cf_sip_hash_end(&hash);
}

struct cf_sip_key cf_sip_branch_make(struct cf_sip_transactions *t, enum cf_sip_method method,
                                     char branch[CF_SIP_BRANCH_LEN])
{
    const uint64_t number = ++t->branches;
    const struct cf_sip_key random = branch_key(t->stack, CF_SIP_UNKNOWN, (const char *)&number, sizeof(number));
    struct cf_sip_out out = {.text = branch, .bytes_max = CF_SIP_BRANCH_LEN};
    CF_SIP_PUT(&out, CF_SIP_MAGIC_COOKIE);
    cf_sip_put_hex64(&out, random.word[0]);
    assert(!out.full && out.len == CF_SIP_BRANCH_LEN);
    return branch_key(t->stack, method, branch, CF_SIP_BRANCH_LEN);
}

void cf_sip_put_via(struct cf_sip_stack *stack, const struct cf_sip_hop *hop, const char *branch,
                    struct cf_sip_parts *ret_parts)
{
    struct cf_sip_out *out = &stack->out;
    if (hop->stream)
        CF_SIP_PUT(out, " SIP/2.0\r\nVia: SIP/2.0/TCP ");
    else
        CF_SIP_PUT(out, " SIP/2.0\r\nVia: SIP/2.0/UDP ");
    cf_sip_put_string(out, stack->config.host);
    CF_SIP_PUT(out, ":");
    cf_sip_put_number(out, stack->config.port);
    CF_SIP_PUT(out, ";branch=");
    ret_parts->branch_at = (uint16_t)out->len;
    cf_sip_put(out, branch, CF_SIP_BRANCH_LEN);
    CF_SIP_PUT(out, ";rport\r\nMax-Forwards: 70\r\n");
}

static struct cf_sip_client *claim(struct cf_sip_transactions *t)
{
    struct cf_sip_client *c;
    if (t->client_free != 0) {
        c = &t->client[t->client_free - 1];
        t->client_free = c->next_free;
    } else if (t->clients_touched < t->clients_max) {
        c = &t->client[t->clients_touched++];
    } else {
        t->stack->counters.no_transaction++;
        return NULL;
    }
    t->clients_live++;
    return c;
}

/* Every change of state but the first. */
static void set_state(struct cf_sip_transactions *t, struct cf_sip_client *c, enum cf_sip_transaction_state state)
{
    t->streams_calling -= c->state == CF_SIP_TRANSACTION_CALLING && c->peer.stream;
    c->state = (uint8_t)state;
}

static void unclaim(struct cf_sip_transactions *t, struct cf_sip_client *c)
{
    c->state = CF_SIP_TRANSACTION_FREE;
    c->next_free = t->client_free;
    t->client_free = (uint32_t)(c - t->client) + 1;
    t->clients_live--;
}

struct cf_sip_client *cf_sip_client_new(struct cf_sip_transactions *t, const struct cf_sip_asking *asking)
{
    struct cf_sip_stack *stack = t->stack;
    struct cf_sip_client *c = claim(t);
    if (c == NULL && asking->invite)
        return NULL;
    stack->counters.sent_requests++;
    if (!cf_sip_stack_send(stack, &asking->to)) {
        if (c != NULL)
            unclaim(t, c);
        return NULL;
    }
    if (c == NULL)
        return NULL;
    *c = (struct cf_sip_client){.state = CF_SIP_TRANSACTION_CALLING,
                                .use = (uint8_t)asking->use,
                                .invite = asking->invite,
                                .within = asking->within,
                                .peer = asking->to,
                                .cseq = asking->cseq,
                                .parts = asking->parts,
                                .repeat_ns = stack->config.t1_ns,
                                .end_ns = stack->now_ns + 64 * stack->config.t1_ns};
    t->streams_calling += c->peer.stream;
    c->timer.kind = CF_SIP_TIMER_CLIENT;
    cf_sip_stack_keep(stack, &c->request);
    cf_sip_table_insert(&t->clients, &c->node, asking->key);
    cf_sip_wheel_arm(stack->wheel, &c->timer, c->peer.stream ? c->end_ns : stack->now_ns + c->repeat_ns);
    return c;
}

struct cf_sip_client *cf_sip_client_find(const struct cf_sip_transactions *t, const struct cf_sip_msg *response)
{
    const struct cf_sip_key key = branch_key(t->stack, (enum cf_sip_method)response->cseq_method,
                                             cf_sip_ptr(response, response->via.branch), response->via.branch.len);
    struct cf_sip_node *node = cf_sip_table_find(&t->clients, &key);
    return node != NULL ? CF_SIP_CONTAINER(node, struct cf_sip_client, node) : NULL;
}

void cf_sip_client_free(struct cf_sip_transactions *t, struct cf_sip_client *c)
{
    assert(c->state != CF_SIP_TRANSACTION_FREE);
    if (c->owner != NULL)
        *c->owner = NULL;
    c->owner = NULL;
    cf_sip_wheel_disarm(t->stack->wheel, &c->timer);
    cf_sip_table_remove(&t->clients, &c->node);
    cf_sip_store_free(&t->stack->store, &c->request);
    cf_sip_store_free(&t->stack->store, &c->ack);
    set_state(t, c, CF_SIP_TRANSACTION_FREE);
    unclaim(t, c);
}

struct cf_sip_client *cf_sip_client_calling(const struct cf_sip_transactions *t, const union cf_sip_addr *peer,
                                            uint32_t *at)
{
    while (t->streams_calling != 0 && *at < t->clients_touched) {
        struct cf_sip_client *c = &t->client[(*at)++];
        if (c->state == CF_SIP_TRANSACTION_CALLING && c->peer.stream && cf_sip_addr_same_host(&c->peer.addr, peer) &&
            cf_sip_addr_port(&c->peer.addr) == cf_sip_addr_port(peer))
            return c;
    }
    return NULL;
}

/* ---- ACK and CANCEL, made of the INVITE */

/* Appends what ACK and CANCEL repeat of the INVITE; false when it was not kept. */
static bool put_same(struct cf_sip_stack *stack, const struct cf_sip_client *c, const char *method)
{
    struct cf_sip_out *out = cf_sip_stack_begin(stack);
    const struct cf_sip_parts *parts = &c->parts;
    if (c->request.first == 0)
        return false;
    cf_sip_put_string(out, method);
    cf_sip_stack_put(stack, c->request, parts->method_len, (size_t)(parts->same_end - parts->method_len));
    return true;
}

static void put_end(struct cf_sip_out *out, uint32_t cseq, const char *method)
{
    CF_SIP_PUT(out, "CSeq: ");
    cf_sip_put_number(out, cseq);
    CF_SIP_PUT(out, " ");
    cf_sip_put_string(out, method);
}

/* RFC 3261 17.1.1.3: to where the INVITE went, with the To of the response. */
static void send_ack(struct cf_sip_transactions *t, struct cf_sip_client *c, const struct cf_sip_msg *response)
{
    struct cf_sip_stack *stack = t->stack;
    if (!put_same(stack, c, "ACK"))
        return;
    CF_SIP_PUT(&stack->out, "To: ");
    cf_sip_put_value(&stack->out, cf_sip_ptr(response, response->to.value), response->to.value.len);
    CF_SIP_PUT(&stack->out, "\r\n");
    put_end(&stack->out, c->cseq, "ACK\r\nContent-Length: 0\r\n\r\n");
    stack->counters.sent_acks++;
    if (cf_sip_stack_send(stack, &c->peer))
        cf_sip_client_keep_ack(t, c, &c->peer);
}

void cf_sip_client_keep_ack(struct cf_sip_transactions *t, struct cf_sip_client *invite, const struct cf_sip_hop *to)
{
    invite->ack_to = *to;
    cf_sip_stack_keep(t->stack, &invite->ack);
}

void cf_sip_client_repeat_ack(struct cf_sip_transactions *t, struct cf_sip_client *invite)
{
    t->stack->counters.resent_acks++;
    cf_sip_stack_resend(t->stack, invite->ack, &invite->ack_to);
}

/* RFC 3261 9.1: the same branch, so that it reaches where the INVITE went. */
void cf_sip_client_cancel(struct cf_sip_transactions *t, struct cf_sip_client *invite)
{
    struct cf_sip_stack *stack = t->stack;
    char branch[CF_SIP_BRANCH_LEN];
    if (cf_sip_store_get(&stack->store, invite->request, invite->parts.branch_at, branch, sizeof(branch)) !=
            sizeof(branch) ||
        !put_same(stack, invite, "CANCEL"))
        return;
    const struct cf_sip_asking asking = {
        .key = branch_key(stack, CF_SIP_CANCEL, branch, sizeof(branch)),
        .to = invite->peer,
        .use = CF_SIP_USE_NOBODY,
        .cseq = invite->cseq,
    };
    cf_sip_stack_put(stack, invite->request, invite->parts.same_end,
                     (size_t)(invite->parts.to_end - invite->parts.same_end));
    put_end(&stack->out, invite->cseq, "CANCEL\r\nContent-Length: 0\r\n\r\n");
    cf_sip_client_new(t, &asking);
}

/* ---- responses */

static void complete(struct cf_sip_transactions *t, struct cf_sip_client *c)
{
    struct cf_sip_stack *stack = t->stack;
    /* D: at least 32 s, that is 64 T1 of the default; K: T4. Over a stream no response comes again. */
    const uint64_t wait = c->peer.stream ? 0 : c->invite ? 64 * stack->config.t1_ns : stack->config.t4_ns;
    cf_sip_store_free(&stack->store, &c->request);
    set_state(t, c, CF_SIP_TRANSACTION_COMPLETED);
    cf_sip_wheel_arm(stack->wheel, &c->timer, stack->now_ns + wait);
}

static enum cf_sip_heard invite_final(struct cf_sip_transactions *t, struct cf_sip_client *c,
                                      const struct cf_sip_msg *response)
{
    struct cf_sip_stack *stack = t->stack;
    if (response->status < 300) {
        cf_sip_store_free(&stack->store, &c->request);
        set_state(t, c, CF_SIP_TRANSACTION_ACCEPTED);
        cf_sip_wheel_arm(stack->wheel, &c->timer, stack->now_ns + 64 * stack->config.t1_ns); /* M */
    } else {
        send_ack(t, c, response);
        complete(t, c);
    }
    return CF_SIP_HEARD_FINAL;
}

enum cf_sip_heard cf_sip_client_response(struct cf_sip_transactions *t, struct cf_sip_client *c,
                                         const struct cf_sip_msg *response)
{
    const bool first = c->state == CF_SIP_TRANSACTION_CALLING;
    switch ((enum cf_sip_transaction_state)c->state) {
    case CF_SIP_TRANSACTION_CALLING:
    case CF_SIP_TRANSACTION_PROCEEDING:
        if (response->status >= 200) {
            if (c->invite)
                return invite_final(t, c, response);
            complete(t, c);
            return CF_SIP_HEARD_FINAL;
        }
        set_state(t, c, CF_SIP_TRANSACTION_PROCEEDING);
        if (c->invite && !c->within && c->owner != NULL)
            cf_sip_wheel_disarm(t->stack->wheel, &c->timer); /* the owner knows how long to wait */
        return first || response->status > 100 ? CF_SIP_HEARD_PROVISIONAL : CF_SIP_HEARD_NOTHING;
    case CF_SIP_TRANSACTION_ACCEPTED:
        return response->status >= 200 && response->status < 300 ? CF_SIP_HEARD_SUCCESS : CF_SIP_HEARD_NOTHING;
    case CF_SIP_TRANSACTION_COMPLETED:
        if (c->invite && response->status >= 300)
            cf_sip_client_repeat_ack(t, c);
        return CF_SIP_HEARD_NOTHING;
    default:
        return CF_SIP_HEARD_NOTHING;
    }
}

/* ---- the clock */

bool cf_sip_client_timeout(struct cf_sip_transactions *t, struct cf_sip_client *c)
{
    struct cf_sip_stack *stack = t->stack;
    const bool calling = c->state == CF_SIP_TRANSACTION_CALLING;
    if (!calling && c->state != CF_SIP_TRANSACTION_PROCEEDING) {
        cf_sip_client_free(t, c); /* D, K, M */
        return false;
    }
    if (stack->now_ns >= c->end_ns)
        return true; /* B, F */
    if (!c->peer.stream && (calling || !c->invite)) {
        stack->counters.resent_requests++;
        cf_sip_stack_resend(stack, c->request, &c->peer);
    }
    /* E is bounded by T2 and is T2 once there was a response; A doubles until B ends it. */
    c->repeat_ns *= 2;
    if (!c->invite && (c->repeat_ns > stack->config.t2_ns || !calling))
        c->repeat_ns = stack->config.t2_ns;
    const uint64_t next = stack->now_ns + c->repeat_ns;
    cf_sip_wheel_arm(stack->wheel, &c->timer, next < c->end_ns && !c->peer.stream ? next : c->end_ns);
    return false;
}
