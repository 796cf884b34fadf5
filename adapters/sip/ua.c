#include "adapters/sip/ua.h"
#include "adapters/sip/dialog.h"
#include "adapters/sip/field.h"
#include "adapters/sip/line.h"
#include "adapters/sip/reply.h"

#include <assert.h>
#include <errno.h>

struct cf_sip_ua {
    struct cf_sip_stack stack;
    struct cf_sip_transactions transactions;
    struct cf_sip_calls calls;
    struct cf_sip_line line;
};

/* ---- start */

static void set_default32(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

static void set_default64(uint64_t *value, uint64_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

static bool is_word(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (!cf_sip_is(*p, CF_SIP_CHAR_VALUE) || (uint8_t)*p >= 0x80 || *p == '@')
            return false;
    return *text != '\0';
}

static bool is_factory(const struct cf_sip_config *config)
{
    const struct cf_sip_words factory = {config->conference, strlen(config->conference)};
    struct cf_sip_uri uri;
    return cf_sip_uri_read(factory.text, factory.len, &uri) && uri.scheme == CF_SIP_SCHEME_SIP &&
           cf_sip_callable(config, factory);
}

const char *cf_sip_config_complete(struct cf_sip_config *config)
{
    set_default32(&config->calls_max, 1024);
    if (config->calls_max > 1u << 24)
        return "calls_max is above 16,777,216";
    set_default32(&config->transactions_max, 4 * config->calls_max + 64);
    set_default32(&config->blocks_max, 12 * config->calls_max + 4 * config->transactions_max + 256);
    set_default32(&config->retry_after_s, 5);
    set_default64(&config->t1_ns, 500 * CF_SIP_NS_PER_MS);
    set_default64(&config->t2_ns, 4 * CF_SIP_NS_PER_S);
    set_default64(&config->t4_ns, 5 * CF_SIP_NS_PER_S);
    set_default64(&config->ring_limit_ns, 180 * CF_SIP_NS_PER_S);
    set_default64(&config->transfer_limit_ns, 180 * CF_SIP_NS_PER_S);
    set_default32(&config->min_se_s, CF_SIP_SESSION_S_MIN);
    if (config->port == 0)
        config->port = CF_SIP_DEFAULT_PORT;
    if (config->family == AF_UNSPEC)
        config->family = AF_INET;
    if (config->realm == NULL)
        config->realm = "callfan";
    if (config->user == NULL)
        config->user = "callfan";
    if (config->host == NULL || !is_word(config->host))
        return "host is missing or not an address or name";
    if (!is_word(config->user))
        return "user is not a word";
    if (config->media.address == NULL || !is_word(config->media.address) || config->media.port == 0)
        return "media address or port is missing";
    if (config->media.codecs == 0 || config->media.codecs > CF_SDP_CODECS_MAX)
        return "no codec, or more than 8";
    if (config->number != NULL && !is_word(config->number))
        return "number is not a word";
    if (config->has_peer && (config->domain == NULL || !is_word(config->domain)))
        return "domain is missing or not an address or name";
    if (!config->has_peer && (config->register_s != 0 || config->options_s != 0))
        return "REGISTER and OPTIONS need a peer";
    if (config->username != NULL && !config->has_peer)
        return "username needs a peer: nobody else gets credentials";
    if (config->username != NULL && (config->password == NULL || !cf_sip_auth_quotable(config->username)))
        return "username without password, or with a quote or backslash in it";
    if (config->conference != NULL && !is_factory(config))
        return "conference is no sip: address that can be called";
    if (!cf_sip_auth_quotable(config->realm))
        return "realm has a quote or backslash in it";
    if (config->t1_ns > config->t2_ns || config->t2_ns > 64 * config->t1_ns || 64 * config->t1_ns / 64 != config->t1_ns)
        return "t1 must not exceed t2, nor t2 64 times t1";
    return NULL;
}

/* Where the pieces lie in the memory that is handed in. */
struct layout {
    size_t wheel, call, server, client, servers, merged, clients, dialogs, block, out, text, end;
    uint32_t clients_max;
};

static size_t place(size_t *end, size_t bytes)
{
    const size_t at = *end;
    *end += (bytes + 63) & ~(size_t)63;
    return at;
}

/* A call that we make and end takes one for 64 T1 (timer M) and one for T4 (timer K): as many as server transactions, of which
 * calls that come in take two for 64 T1; and two for each call whatever is configured. */
static uint32_t clients_of(const struct cf_sip_config *config)
{
    const uint32_t least = 2 * config->calls_max + 16;
    return config->transactions_max > least ? config->transactions_max : least;
}

static struct layout layout_of(const struct cf_sip_config *config)
{
    const uint32_t transactions = config->transactions_max;
    struct layout l = {.clients_max = clients_of(config)};
    size_t end = 0;
    place(&end, sizeof(struct cf_sip_ua));
    l.wheel = place(&end, sizeof(struct cf_sip_wheel));
    l.call = place(&end, (size_t)config->calls_max * sizeof(struct cf_sip_call));
    l.server = place(&end, (size_t)transactions * sizeof(struct cf_sip_server));
    l.client = place(&end, (size_t)l.clients_max * sizeof(struct cf_sip_client));
    l.servers = place(&end, cf_sip_table_buckets(transactions) * sizeof(struct cf_sip_node *));
    l.merged = place(&end, cf_sip_table_buckets(transactions) * sizeof(struct cf_sip_node *));
    l.clients = place(&end, cf_sip_table_buckets(l.clients_max) * sizeof(struct cf_sip_node *));
    l.dialogs = place(&end, cf_sip_table_buckets(config->calls_max) * sizeof(struct cf_sip_node *));
    l.block = place(&end, (size_t)config->blocks_max * sizeof(struct cf_sip_block));
    l.out = place(&end, CF_SIP_DATAGRAM_MAX);
    l.text = place(&end, CF_SIP_DATAGRAM_MAX); /* all texts of a call have room in it */
    l.end = end;
    return l;
}

size_t cf_sip_ua_bytes(const struct cf_sip_config *config)
{
    return layout_of(config).end;
}

struct cf_sip_ua *cf_sip_ua_init(void *memory, const struct cf_sip_config *config,
                                 const struct cf_sip_ua_callbacks *callbacks, uint64_t now_ns)
{
    const struct layout l = layout_of(config);
    char *base = memory;
    struct cf_sip_ua *ua = memory;
    struct cf_sip_stack *stack = &ua->stack;
    struct cf_sip_transactions *t = &ua->transactions;
    struct cf_sip_calls *calls = &ua->calls;
    assert((uintptr_t)memory % 64 == 0);

    stack->config = *config;
    stack->now_ns = now_ns;
    stack->send = callbacks->send;
    stack->send_context = callbacks->context;
    stack->hold = callbacks->hold;
    cf_sip_store_init(&stack->store, (struct cf_sip_block *)(base + l.block), config->blocks_max);
    stack->wheel = (struct cf_sip_wheel *)(base + l.wheel);
    cf_sip_wheel_init(stack->wheel, now_ns);
    stack->out = (struct cf_sip_out){.text = base + l.out, .bytes_max = CF_SIP_DATAGRAM_MAX};
    stack->text = base + l.text;

    t->stack = stack;
    t->server = (struct cf_sip_server *)(base + l.server);
    t->client = (struct cf_sip_client *)(base + l.client);
    t->servers_max = config->transactions_max;
    t->clients_max = l.clients_max;
    cf_sip_table_init(&t->servers, (struct cf_sip_node **)(base + l.servers), cf_sip_table_buckets(t->servers_max));
    cf_sip_table_init(&t->merged, (struct cf_sip_node **)(base + l.merged), cf_sip_table_buckets(t->servers_max));
    cf_sip_table_init(&t->clients, (struct cf_sip_node **)(base + l.clients), cf_sip_table_buckets(t->clients_max));

    calls->stack = stack;
    calls->transactions = t;
    calls->call = (struct cf_sip_call *)(base + l.call);
    calls->calls_max = config->calls_max;
    calls->event = callbacks->event;
    calls->event_context = callbacks->context;
    cf_sip_table_init(&calls->dialogs, (struct cf_sip_node **)(base + l.dialogs),
                      cf_sip_table_buckets(config->calls_max));

    cf_sip_line_init(&ua->line, stack, t);
    ua->line.service = callbacks->service;
    ua->line.service_context = callbacks->context;
    return ua;
}

void cf_sip_ua_start(struct cf_sip_ua *ua, uint64_t now_ns)
{
    ua->stack.now_ns = now_ns;
    cf_sip_line_start(&ua->line);
}

bool cf_sip_ua_leave(struct cf_sip_ua *ua, uint64_t now_ns)
{
    ua->stack.now_ns = now_ns;
    return cf_sip_line_leave(&ua->line);
}

bool cf_sip_ua_in_service(const struct cf_sip_ua *ua)
{
    return ua->line.in_service;
}

/* ---- a new call */

static void refuse_overload(struct cf_sip_ua *ua, const struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = &ua->stack;
    stack->counters.refused_overload++;
    struct cf_sip_out *out = cf_sip_reply_begin(stack, request, 503, NULL);
    CF_SIP_PUT(out, "Retry-After: ");
    cf_sip_put_number(out, stack->config.retry_after_s);
    CF_SIP_PUT(out, "\r\n");
    cf_sip_reply_stateless(stack, request, 503);
}

/* Keeps the head of all responses to this INVITE: Via to CSeq with our tag, then Record-Route. */
static bool keep_head(struct cf_sip_stack *stack, struct cf_sip_server *server, const struct cf_sip_request *request,
                      const char *tag)
{
    struct cf_sip_out *out = cf_sip_stack_begin(stack);
    cf_sip_put_head(out, request->msg, &request->source.addr, tag, CF_SIP_TAG_LEN);
    server->routes_at = (uint32_t)out->len;
    cf_sip_put_routes(out, request->msg);
    return !out->full && cf_sip_store_put(&stack->store, &server->head, out->text, out->len);
}

/* Room for the heads, texts and descriptions that this call will still need, of which each is shorter than its INVITE
 * with our own lines. */
static bool has_room(const struct cf_sip_stack *stack, const struct cf_sip_msg *invite)
{
    return stack->store.free_count >= 5 * cf_sip_store_blocks(invite->len + 512);
}

static void send_trying(struct cf_sip_ua *ua, struct cf_sip_server *server, const struct cf_sip_request *request)
{
    struct cf_sip_out *out = cf_sip_stack_begin(&ua->stack);
    cf_sip_put_status_line(out, 100, NULL);
    cf_sip_put_head(out, request->msg, &request->source.addr, "", 0);
    cf_sip_put_body(out, "", "", 0);
    cf_sip_server_respond(&ua->transactions, server, 100);
}

/* Names the session in our o= lines: any number will do that stays the same and fits what others read (63 bits). */
static uint64_t session_of(const struct cf_sip_request *request)
{
    return request->key.word[0] >> 1;
}

/* old: the call whose place it takes, for this reason; NULL: none. */
static void begin_call(struct cf_sip_ua *ua, const struct cf_sip_request *request, struct cf_sip_beginning beginning,
                       struct cf_sip_call *old, uint32_t reason)
{
    struct cf_sip_stack *stack = &ua->stack;
    const struct cf_sip_msg *msg = request->msg;
    const struct cf_sip_hop to = cf_sip_response_hop(msg, &request->source);
    char tag[CF_SIP_TAG_LEN];
    struct cf_sip_identity identity;
    struct cf_sip_call *call = NULL;
    struct cf_sip_server *server = NULL;
    cf_sip_tag_make(stack, msg, tag);
    cf_sip_identity_of_invite(msg, stack->config.trust_asserted, &identity);
    beginning.tag = tag;
    beginning.identity = &identity;
    if (!ua->calls.overload && has_room(stack, msg))
        call = cf_sip_call_new(&ua->calls, &beginning);
    if (call != NULL)
        server = cf_sip_server_new(&ua->transactions, &request->key, true, &to);
    if (server == NULL || !keep_head(stack, server, request, tag)) {
        if (server != NULL)
            cf_sip_server_free(&ua->transactions, server);
        if (call != NULL)
            cf_sip_call_free(&ua->calls, call);
        refuse_overload(ua, request);
        return;
    }
    cf_sip_table_insert(&ua->transactions.merged, &server->merged, request->merged);
    cf_sip_call_start(&ua->calls, call, server);
    if (stack->config.trying_ns == 0)
        send_trying(ua, server, request);
    else
        cf_sip_call_due(&ua->calls, call, CF_SIP_DUE_TRYING, stack->now_ns + stack->config.trying_ns);
    if (old == NULL) {
        cf_sip_call_offer(&ua->calls, call, &identity);
        return;
    }
    identity.reason = reason;
    cf_sip_replace(&ua->calls, call, old, &identity);
}

static bool is_merged(struct cf_sip_ua *ua, struct cf_sip_request *request)
{
    request->merged = cf_sip_merged_key(&ua->stack, request->msg);
    if (cf_sip_table_find(&ua->transactions.merged, &request->merged) == NULL)
        return false;
    ua->stack.counters.refused_merged++;
    cf_sip_reply_plain(&ua->stack, request, 482);
    return true;
}

static void receive_invite(struct cf_sip_ua *ua, struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = &ua->stack;
    struct cf_sip_out body = {.text = stack->text, .bytes_max = CF_SIP_DATAGRAM_MAX};
    const struct cf_sip_described described = {.session = session_of(request), .version = 1, .ours = CF_SDP_SENDRECV};
    struct cf_sip_beginning beginning = {
        .invite = request->msg, .source = &request->source, .body = &body, .sdp_session = described.session};
    struct cf_sip_call *old;
    uint32_t options, required, reason = 0;
    if (is_merged(ua, request) || !cf_sip_reply_admits(stack, request) ||
        !cf_sip_reply_extensions(stack, request, &options, &required) ||
        !cf_sip_replace_find(&ua->calls, request, &old, &reason) ||
        !cf_sip_reply_session(stack, request, &beginning.session))
        return;
    if (request->msg->contact.uri.len <= 1) {
        cf_sip_reply_begin(stack, request, 400, "Missing Contact Header");
        cf_sip_reply_stateless(stack, request, 400);
        return;
    }
    const enum cf_sip_media media =
        cf_sip_reply_media(stack, request, &described, &body, &beginning.holds, &beginning.sdp_mark);
    beginning.offers = media == CF_SIP_MEDIA_OFFERED;
    beginning.reliable = ((stack->config.reliable ? options : required) & 1u << CF_SIP_OPTION_REL100) != 0;
    if (media != CF_SIP_MEDIA_REFUSED)
        begin_call(ua, request, beginning, old, reason);
}

/* ---- requests */

static bool uri_is_ours(const struct cf_sip_msg *msg)
{
    struct cf_sip_uri uri;
    return cf_sip_uri_read(cf_sip_ptr(msg, msg->uri), msg->uri.len, &uri) && uri.scheme != CF_SIP_SCHEME_OTHER;
}

/* Requests without a tag in To. */
static void receive_outside(struct cf_sip_ua *ua, struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = &ua->stack;
    uint32_t options, required;
    switch ((enum cf_sip_method)request->msg->method) {
    case CF_SIP_INVITE:
        if (uri_is_ours(request->msg)) {
            receive_invite(ua, request);
            break;
        }
        stack->counters.refused_uri++;
        cf_sip_reply_plain(stack, request, 416);
        break;
    case CF_SIP_OPTIONS:
        if (cf_sip_reply_extensions(stack, request, &options, &required))
            cf_sip_reply_options(&ua->transactions, request, false);
        break;
    case CF_SIP_BYE:
    case CF_SIP_UPDATE:
    case CF_SIP_INFO:
    case CF_SIP_PRACK:
    case CF_SIP_NOTIFY:
        stack->counters.refused_unknown++;
        cf_sip_reply_plain(stack, request, 481);
        break;
    default:
        cf_sip_reply_method(stack, request);
        break;
    }
}

/* RFC 3261 9.2: CANCEL is answered by itself; its INVITE gets 487 if it has no final response yet. */
static void receive_cancel(struct cf_sip_ua *ua, const struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = &ua->stack;
    const struct cf_sip_key key = cf_sip_server_key(stack, request->msg, CF_SIP_INVITE);
    struct cf_sip_server *invite = cf_sip_server_find(&ua->transactions, &key);
    if (invite == NULL) {
        stack->counters.refused_unknown++;
        cf_sip_reply_plain(stack, request, 481);
        return;
    }
    struct cf_sip_server **owner = invite->owner;
    cf_sip_reply_begin(stack, request, 200, NULL);
    cf_sip_reply_end(&ua->transactions, request, 200, "", 0);
    if (owner != NULL)
        cf_sip_call_cancel(&ua->calls, CF_SIP_CONTAINER(owner, struct cf_sip_call, invite), request->msg);
}

static void receive_ack(struct cf_sip_ua *ua, const struct cf_sip_msg *msg)
{
    struct cf_sip_stack *stack = &ua->stack;
    const struct cf_sip_key key = cf_sip_server_key(stack, msg, CF_SIP_INVITE);
    struct cf_sip_server *server = cf_sip_server_find(&ua->transactions, &key);
    bool taken = server != NULL && cf_sip_server_ack(&ua->transactions, server);
    if (!taken && msg->to.tag.len != 0) {
        struct cf_sip_call *call = cf_sip_call_find(&ua->calls, msg);
        taken = call != NULL && cf_sip_call_ack(&ua->calls, call, msg);
    }
    if (taken)
        stack->counters.acks++;
    else
        stack->counters.acks_unmatched++;
}

static void receive_request(struct cf_sip_ua *ua, struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = &ua->stack;
    const struct cf_sip_msg *msg = request->msg;
    stack->counters.requests++;
    if (msg->method == CF_SIP_ACK) {
        receive_ack(ua, msg);
        return;
    }
    request->key = cf_sip_server_key(stack, msg, (enum cf_sip_method)msg->method);
    struct cf_sip_server *server = cf_sip_server_find(&ua->transactions, &request->key);
    if (server != NULL)
        cf_sip_server_repeat(&ua->transactions, server);
    else if (msg->method == CF_SIP_CANCEL)
        receive_cancel(ua, request);
    else if (msg->to.tag.len != 0)
        cf_sip_dialog_request(&ua->calls, request);
    else
        receive_outside(ua, request);
}

/* The call that a client transaction of a call's is for; NULL: nobody waits. */
static struct cf_sip_call *call_of(const struct cf_sip_client *client)
{
    if (client->owner == NULL || client->use >= CF_SIP_CALL_USES)
        return NULL;
    return CF_SIP_CONTAINER(client->owner - client->use, struct cf_sip_call, client);
}

static void hand_on(struct cf_sip_ua *ua, struct cf_sip_client *client, enum cf_sip_heard heard,
                    const struct cf_sip_msg *msg)
{
    struct cf_sip_call *call = call_of(client);
    const enum cf_sip_use use = (enum cf_sip_use)client->use;
    if (use > CF_SIP_USE_NOBODY && client->owner != NULL && heard == CF_SIP_HEARD_FINAL)
        cf_sip_line_response(&ua->line, use, msg);
    else if (call != NULL && use == CF_SIP_USE_INVITE)
        cf_sip_call_invite_response(&ua->calls, call, client, heard, msg);
    else if (call != NULL && heard == CF_SIP_HEARD_FINAL)
        cf_sip_call_request_response(&ua->calls, call, use, client, msg, msg->status);
    else if (call == NULL && heard == CF_SIP_HEARD_SUCCESS)
        cf_sip_client_repeat_ack(&ua->transactions, client);
}

static void receive_response(struct cf_sip_ua *ua, const struct cf_sip_hop *source, const struct cf_sip_msg *msg)
{
    struct cf_sip_stack *stack = &ua->stack;
    struct cf_sip_client *client = cf_sip_client_find(&ua->transactions, msg);
    stack->counters.responses++;
    if (client == NULL) {
        stack->counters.responses_unmatched++;
        return;
    }
    struct cf_sip_call *call = call_of(client);
    if (call != NULL && source->stream && call->peer.stream) {
        const struct cf_sip_hop peer = {call->peer.addr, true, source->connection};
        cf_sip_call_set_peer(&ua->calls, call, &peer);
    }
    const enum cf_sip_heard heard = cf_sip_client_response(&ua->transactions, client, msg);
    if (heard != CF_SIP_HEARD_NOTHING)
        hand_on(ua, client, heard, msg);
}

/* ---- what cannot be read */

static void receive_malformed(struct cf_sip_ua *ua, struct cf_sip_request *request, bool truncated)
{
    struct cf_sip_stack *stack = &ua->stack;
    const enum cf_sip_error error = (enum cf_sip_error)request->msg->error;
    stack->counters.malformed++;
    stack->counters.malformed_by_kind[error]++;
    if (!cf_sip_msg_answerable(request->msg))
        return;
    const unsigned status = truncated ? 513 : error == CF_SIP_ERROR_VERSION ? 505 : 400;
    stack->counters.malformed_answered++;
    cf_sip_reply_begin(stack, request, status, status == 400 ? cf_sip_error_text(error) : NULL);
    cf_sip_reply_stateless(stack, request, status);
}

void cf_sip_ua_receive(struct cf_sip_ua *ua, uint64_t now_ns, const struct cf_sip_hop *source, const char *data,
                       size_t len, bool truncated)
{
    struct cf_sip_stack *stack = &ua->stack;
    struct cf_sip_msg msg;
    struct cf_sip_request request = {.msg = &msg, .source = *source};
    stack->now_ns = now_ns;
    stack->counters.received++;
    stack->counters.received_bytes += len;
    enum cf_sip_error error = cf_sip_scan(&msg, data, len);
    if (truncated && error == CF_SIP_ERROR_OK)
        error = msg.error = CF_SIP_ERROR_TOO_LONG;
    if (error == CF_SIP_ERROR_EMPTY)
        stack->counters.keepalives++;
    else if (error != CF_SIP_ERROR_OK)
        receive_malformed(ua, &request, truncated);
    else if (msg.is_request)
        receive_request(ua, &request);
    else
        receive_response(ua, source, &msg);
}

/* ---- the clock */

/* Nobody answered. */
static void give_up(struct cf_sip_ua *ua, struct cf_sip_client *client)
{
    struct cf_sip_call *call = call_of(client);
    const enum cf_sip_use use = (enum cf_sip_use)client->use;
    const bool owned = client->owner != NULL, within = client->within;
    cf_sip_client_free(&ua->transactions, client);
    ua->stack.counters.bye_timeouts += use == CF_SIP_USE_BYE;
    if (use > CF_SIP_USE_NOBODY && owned)
        cf_sip_line_response(&ua->line, use, NULL);
    else if (call != NULL && use == CF_SIP_USE_INVITE && !within)
        cf_sip_call_unreachable(&ua->calls, call);
    else if (call != NULL)
        cf_sip_call_request_response(&ua->calls, call, use, NULL, NULL, 408);
}

static void client_timeout(struct cf_sip_ua *ua, struct cf_sip_client *client)
{
    if (cf_sip_client_timeout(&ua->transactions, client))
        give_up(ua, client);
}

void cf_sip_ua_connection_failed(struct cf_sip_ua *ua, uint64_t now_ns, const union cf_sip_addr *peer)
{
    struct cf_sip_client *client;
    uint32_t at = 0;
    ua->stack.now_ns = now_ns;
    while ((client = cf_sip_client_calling(&ua->transactions, peer, &at)) != NULL)
        give_up(ua, client);
}

void cf_sip_ua_tick(struct cf_sip_ua *ua, uint64_t now_ns)
{
    struct cf_sip_timer *timer;
    ua->stack.now_ns = now_ns;
    while ((timer = cf_sip_wheel_expired(ua->stack.wheel, now_ns)) != NULL) {
        switch (timer->kind) {
        case CF_SIP_TIMER_SERVER:
            cf_sip_server_timeout(&ua->transactions, CF_SIP_CONTAINER(timer, struct cf_sip_server, timer));
            break;
        case CF_SIP_TIMER_CLIENT:
            client_timeout(ua, CF_SIP_CONTAINER(timer, struct cf_sip_client, timer));
            break;
        case CF_SIP_TIMER_REGISTER:
            cf_sip_line_timeout(&ua->line, CF_SIP_USE_REGISTER);
            break;
        case CF_SIP_TIMER_OPTIONS:
            cf_sip_line_timeout(&ua->line, CF_SIP_USE_OPTIONS);
            break;
        default:
            cf_sip_call_timeout(&ua->calls, CF_SIP_CONTAINER(timer, struct cf_sip_call, timer));
            break;
        }
    }
}

uint64_t cf_sip_ua_next_deadline(const struct cf_sip_ua *ua)
{
    return cf_sip_wheel_deadline(ua->stack.wheel);
}

/* ---- from above */

static struct cf_sip_call *command(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t id)
{
    struct cf_sip_call *call = cf_sip_call_of(&ua->calls, id);
    ua->stack.now_ns = now_ns;
    if (call == NULL)
        ua->stack.counters.stale_commands++;
    return call;
}

int cf_sip_ua_bind(struct cf_sip_ua *ua, uint64_t id, uint64_t user)
{
    struct cf_sip_call *call = command(ua, ua->stack.now_ns, id);
    if (call == NULL)
        return -ESTALE;
    call->user = user;
    return 0;
}

int cf_sip_ua_accept(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t id)
{
    struct cf_sip_call *call = command(ua, now_ns, id);
    return call != NULL ? cf_sip_call_accept(&ua->calls, call) : -ESTALE;
}

int cf_sip_ua_answer(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t id)
{
    struct cf_sip_call *call = command(ua, now_ns, id);
    return call != NULL ? cf_sip_call_answer(&ua->calls, call) : -ESTALE;
}

int cf_sip_ua_redirect(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t id, struct cf_sip_words destination)
{
    struct cf_sip_call *call = command(ua, now_ns, id);
    return call != NULL ? cf_sip_call_redirect(&ua->calls, call, destination) : -ESTALE;
}

int cf_sip_ua_make(struct cf_sip_ua *ua, uint64_t now_ns, const struct cf_sip_making *making, uint64_t *ret_call)
{
    struct cf_sip_call *call;
    ua->stack.now_ns = now_ns;
    const int rc = cf_sip_call_make(&ua->calls, making, &call);
    if (rc == 0)
        *ret_call = cf_sip_call_id(&ua->calls, call);
    return rc;
}

int cf_sip_ua_hold(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t id, bool hold)
{
    struct cf_sip_call *call = command(ua, now_ns, id);
    return call != NULL ? cf_sip_call_hold(&ua->calls, call, hold) : -ESTALE;
}

int cf_sip_ua_digits(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t id, const char *digits, size_t len,
                     uint32_t duration_ms)
{
    struct cf_sip_call *call = command(ua, now_ns, id);
    return call != NULL ? cf_sip_call_digits(&ua->calls, call, digits, len, duration_ms) : -ESTALE;
}

int cf_sip_ua_name(struct cf_sip_ua *ua, uint64_t id, struct cf_sip_dialog_name *ret_name)
{
    struct cf_sip_call *call = command(ua, ua->stack.now_ns, id);
    return call != NULL ? cf_sip_call_name(&ua->calls, call, ret_name) : -ESTALE;
}

int cf_sip_ua_refer(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t id, const struct cf_sip_referring *referring)
{
    struct cf_sip_call *call = command(ua, now_ns, id);
    return call != NULL ? cf_sip_call_refer(&ua->calls, call, referring) : -ESTALE;
}

int cf_sip_ua_quiet(struct cf_sip_ua *ua, uint64_t id, bool quiet)
{
    struct cf_sip_call *call = command(ua, ua->stack.now_ns, id);
    if (call == NULL)
        return -ESTALE;
    call->quiet = quiet;
    return 0;
}

bool cf_sip_ua_callable(const struct cf_sip_ua *ua, struct cf_sip_words destination)
{
    return cf_sip_callable(&ua->stack.config, destination);
}

int cf_sip_ua_drop(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t id, unsigned status)
{
    if (status != 0 && (status < 300 || status > 699))
        return -EINVAL;
    struct cf_sip_call *call = command(ua, now_ns, id);
    return call != NULL ? cf_sip_call_drop(&ua->calls, call, status) : -ESTALE;
}

int cf_sip_ua_close(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t id, unsigned status)
{
    struct cf_sip_call *call = command(ua, now_ns, id);
    if (call == NULL)
        return -ESTALE;
    call->muted = true;
    return cf_sip_call_drop(&ua->calls, call, status >= 300 && status <= 699 ? status : 0);
}

void cf_sip_ua_overload(struct cf_sip_ua *ua, bool on)
{
    ua->calls.overload = on;
}

/* ---- looking in */

const struct cf_sip_counters *cf_sip_ua_counters(const struct cf_sip_ua *ua)
{
    return &ua->stack.counters;
}

struct cf_sip_live cf_sip_ua_live(const struct cf_sip_ua *ua)
{
    return (struct cf_sip_live){
        .calls = ua->calls.live,
        .server_transactions = ua->transactions.servers_live,
        .client_transactions = ua->transactions.clients_live,
        .timers = ua->stack.wheel->armed,
        .blocks_free = ua->stack.store.free_count,
        .blocks_max = ua->stack.store.blocks,
    };
}

static struct cf_sip_snapshot snapshot_of(const struct cf_sip_ua *ua, const struct cf_sip_call *call,
                                          char text[3][CF_SIP_IDENTITY_MAX])
{
    struct cf_sip_snapshot snapshot = {.call = cf_sip_call_id(&ua->calls, call),
                                       .user = call->user,
                                       .state = (enum cf_sip_call_state)call->state,
                                       .outgoing = call->outgoing,
                                       .progress = (enum cf_sip_event_kind)call->progress,
                                       .told = (enum cf_sip_event_kind)call->told};
    struct cf_sip_words *const words[] = {&snapshot.caller, &snapshot.caller_name, &snapshot.called};
    for (unsigned part = 0; part < 3; part++) {
        words[part]->text = text[part];
        words[part]->len = cf_sip_call_text(&ua->calls, call, (enum cf_sip_text)(CF_SIP_TEXT_CALLER + part), text[part],
                                            CF_SIP_IDENTITY_MAX);
    }
    return snapshot;
}

int cf_sip_ua_snapshot(const struct cf_sip_ua *ua, uint64_t id, char text[3][CF_SIP_IDENTITY_MAX],
                       struct cf_sip_snapshot *ret_snapshot)
{
    const struct cf_sip_call *call = cf_sip_call_of(&ua->calls, id);
    if (call == NULL)
        return -ESTALE;
    *ret_snapshot = snapshot_of(ua, call, text);
    return 0;
}

void cf_sip_ua_walk(const struct cf_sip_ua *ua, void (*each)(void *context, const struct cf_sip_snapshot *snapshot),
                    void *context)
{
    char text[3][CF_SIP_IDENTITY_MAX];
    for (uint32_t i = 0; i < ua->calls.touched; i++) {
        const struct cf_sip_call *call = &ua->calls.call[i];
        if (call->state == CF_SIP_CALL_FREE || call->muted)
            continue;
        const struct cf_sip_snapshot snapshot = snapshot_of(ua, call, text);
        each(context, &snapshot);
    }
}

/* Blocks that calls and transactions hold. */
static uint64_t blocks_held(const struct cf_sip_ua *ua)
{
    uint64_t held = 0;
    for (uint32_t i = 0; i < ua->calls.touched; i++) {
        const struct cf_sip_call *call = &ua->calls.call[i];
        if (call->state != CF_SIP_CALL_FREE)
            held += cf_sip_store_blocks(call->text.len) + cf_sip_store_blocks(call->body.len) +
                    cf_sip_store_blocks(call->ok.message.len) + cf_sip_store_blocks(call->digits.len) +
                    cf_sip_store_blocks(call->lines.len);
    }
    for (uint32_t i = 0; i < ua->transactions.servers_touched; i++) {
        const struct cf_sip_server *server = &ua->transactions.server[i];
        if (server->state != CF_SIP_TRANSACTION_FREE)
            held += cf_sip_store_blocks(server->head.len) + cf_sip_store_blocks(server->response.len);
    }
    for (uint32_t i = 0; i < ua->transactions.clients_touched; i++) {
        const struct cf_sip_client *client = &ua->transactions.client[i];
        if (client->state != CF_SIP_TRANSACTION_FREE)
            held += cf_sip_store_blocks(client->request.len) + cf_sip_store_blocks(client->ack.len);
    }
    return held;
}

bool cf_sip_ua_check(const struct cf_sip_ua *ua)
{
    return cf_sip_wheel_check(ua->stack.wheel) && cf_sip_transactions_check(&ua->transactions) &&
           cf_sip_calls_check(&ua->calls) && cf_sip_line_check(&ua->line) &&
           blocks_held(ua) + ua->stack.store.free_count == ua->stack.store.blocks;
}
