#include "adapters/sip/transaction.h"

#include <assert.h>

static void hash_slice(struct cf_sip_hash *hash, const struct cf_sip_msg *msg, struct cf_sip_slice slice)
{
    cf_sip_hash_bytes(hash, cf_sip_ptr(msg, slice), slice.len);
}

static bool has_cookie(const struct cf_sip_msg *msg)
{
    const size_t len = sizeof(CF_SIP_MAGIC_COOKIE) - 1;
    return msg->via.branch.len > len && memcmp(cf_sip_ptr(msg, msg->via.branch), CF_SIP_MAGIC_COOKIE, len) == 0;
}

struct cf_sip_key cf_sip_server_key(const struct cf_sip_stack *stack, const struct cf_sip_msg *request,
                                    enum cf_sip_method method)
{
    struct cf_sip_hash hash;
    cf_sip_hash_init(&hash, &stack->config.secret);
    cf_sip_hash_number(&hash, method);
    if (method == CF_SIP_UNKNOWN)
        hash_slice(&hash, request, request->method_text);
    if (has_cookie(request)) {
        cf_sip_hash_number(&hash, request->via.port);
        cf_sip_hash_lower(&hash, cf_sip_ptr(request, request->via.host), request->via.host.len);
        hash_slice(&hash, request, request->via.branch);
        return cf_sip_hash_end(&hash);
    }
    /* RFC 2543. The tag in To is left out: an INVITE has none, and its ACK has the one that we gave. */
    cf_sip_hash_number(&hash, UINT64_MAX); /* where the others have a port */
    cf_sip_hash_number(&hash, request->cseq);
    hash_slice(&hash, request, request->uri);
    hash_slice(&hash, request, request->from.tag);
    hash_slice(&hash, request, request->call_id);
    hash_slice(&hash, request, request->via.value);
    return cf_sip_hash_end(&hash);
}

struct cf_sip_key cf_sip_merged_key(const struct cf_sip_stack *stack, const struct cf_sip_msg *request)
{
    struct cf_sip_hash hash;
    cf_sip_hash_init(&hash, &stack->config.secret);
    cf_sip_hash_number(&hash, request->cseq);
    hash_slice(&hash, request, request->from.tag);
    hash_slice(&hash, request, request->call_id);
    hash_slice(&hash, request, request->method_text);
    return cf_sip_hash_end(&hash);
}

struct cf_sip_server *cf_sip_server_find(const struct cf_sip_transactions *t, const struct cf_sip_key *key)
{
    struct cf_sip_node *node = cf_sip_table_find(&t->servers, key);
    return node != NULL ? CF_SIP_CONTAINER(node, struct cf_sip_server, node) : NULL;
}

struct cf_sip_server *cf_sip_server_new(struct cf_sip_transactions *t, const struct cf_sip_key *key, bool invite,
                                        const struct cf_sip_hop *peer)
{
    struct cf_sip_server *s;
    if (t->server_free != 0) {
        s = &t->server[t->server_free - 1];
        t->server_free = s->next_free;
    } else if (t->servers_touched < t->servers_max) {
        s = &t->server[t->servers_touched++];
    } else {
        return NULL;
    }
    *s = (struct cf_sip_server){.invite = invite, .peer = *peer, .state = CF_SIP_TRANSACTION_PROCEEDING};
    s->timer.kind = CF_SIP_TIMER_SERVER;
    cf_sip_table_insert(&t->servers, &s->node, *key);
    t->servers_live++;
    return s;
}

void cf_sip_server_free(struct cf_sip_transactions *t, struct cf_sip_server *s)
{
    assert(s->state != CF_SIP_TRANSACTION_FREE);
    if (s->owner != NULL)
        *s->owner = NULL;
    s->owner = NULL;
    cf_sip_wheel_disarm(t->stack->wheel, &s->timer);
    cf_sip_table_remove(&t->servers, &s->node);
    cf_sip_table_remove(&t->merged, &s->merged);
    cf_sip_store_free(&t->stack->store, &s->head);
    cf_sip_store_free(&t->stack->store, &s->response);
    s->state = CF_SIP_TRANSACTION_FREE;
    s->next_free = t->server_free;
    t->server_free = (uint32_t)(s - t->server) + 1;
    t->servers_live--;
}

void cf_sip_server_respond(struct cf_sip_transactions *t, struct cf_sip_server *s, unsigned status)
{
    struct cf_sip_stack *stack = t->stack;
    assert(s->state == CF_SIP_TRANSACTION_PROCEEDING);
    cf_sip_stack_count_response(stack, status);
    cf_sip_stack_send(stack, &s->peer);
    if (status < 200) {
        cf_sip_stack_keep(stack, &s->response);
        return;
    }
    s->end_ns = stack->now_ns + 64 * stack->config.t1_ns;
    if (s->invite && status < 300) {
        /* The dialog repeats a 2xx, and repeated INVITEs are absorbed: there is nothing to keep. */
        cf_sip_store_free(&stack->store, &s->response);
        cf_sip_store_free(&stack->store, &s->head);
        s->state = CF_SIP_TRANSACTION_ACCEPTED;
        cf_sip_wheel_arm(stack->wheel, &s->timer, s->end_ns); /* L */
        return;
    }
    if (s->peer.stream && !s->invite) {
        cf_sip_server_free(t, s); /* J is 0 */
        return;
    }
    cf_sip_stack_keep(stack, &s->response);
    cf_sip_store_free(&stack->store, &s->head);
    s->state = CF_SIP_TRANSACTION_COMPLETED;
    s->repeat_ns = stack->config.t1_ns;
    const bool repeats = s->invite && !s->peer.stream;
    cf_sip_wheel_arm(stack->wheel, &s->timer, repeats ? stack->now_ns + s->repeat_ns : s->end_ns); /* G, or H, J */
}

void cf_sip_server_repeat(struct cf_sip_transactions *t, struct cf_sip_server *s)
{
    t->stack->counters.retransmissions++;
    if (s->state != CF_SIP_TRANSACTION_PROCEEDING && s->state != CF_SIP_TRANSACTION_COMPLETED)
        return;
    if (s->response.first != 0) {
        t->stack->counters.resent_answers++;
        cf_sip_stack_resend(t->stack, s->response, &s->peer);
    }
}

bool cf_sip_server_ack(struct cf_sip_transactions *t, struct cf_sip_server *s)
{
    if (!s->invite || s->state != CF_SIP_TRANSACTION_COMPLETED)
        return false;
    cf_sip_store_free(&t->stack->store, &s->response);
    if (s->peer.stream) {
        cf_sip_server_free(t, s); /* I is 0 */
        return true;
    }
    s->state = CF_SIP_TRANSACTION_CONFIRMED;
    cf_sip_wheel_arm(t->stack->wheel, &s->timer, t->stack->now_ns + t->stack->config.t4_ns); /* I */
    return true;
}

void cf_sip_server_timeout(struct cf_sip_transactions *t, struct cf_sip_server *s)
{
    struct cf_sip_stack *stack = t->stack;
    if (s->state != CF_SIP_TRANSACTION_COMPLETED || !s->invite || stack->now_ns >= s->end_ns) {
        stack->counters.no_ack_final += s->invite && s->state == CF_SIP_TRANSACTION_COMPLETED;
        cf_sip_server_free(t, s);
        return;
    }
    stack->counters.resent_finals++;
    cf_sip_stack_resend(stack, s->response, &s->peer);
    s->repeat_ns = s->repeat_ns * 2 < stack->config.t2_ns ? s->repeat_ns * 2 : stack->config.t2_ns;
    const uint64_t next = stack->now_ns + s->repeat_ns;
    cf_sip_wheel_arm(stack->wheel, &s->timer, next < s->end_ns ? next : s->end_ns);
}

bool cf_sip_transactions_check(const struct cf_sip_transactions *t)
{
    uint32_t servers = 0, clients = 0, streams = 0;
    for (uint32_t i = 0; i < t->servers_touched; i++) {
        const struct cf_sip_server *s = &t->server[i];
        if (s->state == CF_SIP_TRANSACTION_FREE)
            continue;
        servers++;
        if (!s->node.in || (s->owner != NULL && *s->owner != s) ||
            (s->state != CF_SIP_TRANSACTION_PROCEEDING && s->timer.next == NULL))
            return false;
        if (s->state == CF_SIP_TRANSACTION_PROCEEDING && s->owner == NULL)
            return false; /* nobody would ever answer it */
    }
    for (uint32_t i = 0; i < t->clients_touched; i++) {
        const struct cf_sip_client *c = &t->client[i];
        if (c->state == CF_SIP_TRANSACTION_FREE)
            continue;
        clients++;
        streams += c->state == CF_SIP_TRANSACTION_CALLING && c->peer.stream;
        const bool awaits = c->invite && !c->within && c->state == CF_SIP_TRANSACTION_PROCEEDING && c->owner != NULL;
        if (!c->node.in || (c->owner != NULL && *c->owner != c) || (c->timer.next == NULL && !awaits))
            return false;
    }
    return streams == t->streams_calling && servers == t->servers_live && clients == t->clients_live &&
           t->servers.live == servers && t->clients.live == clients && t->merged.live <= servers &&
           cf_sip_table_check(&t->servers) && cf_sip_table_check(&t->clients) && cf_sip_table_check(&t->merged);
}
