#include "adapters/sip/uas.h"
#include "adapters/sip/dialog.h"
#include "adapters/sip/field.h"
#include "adapters/sip/reply.h"

#include <assert.h>
#include <errno.h>

struct cf_sip_uas {
    struct cf_sip_stack stack;
    struct cf_sip_transactions transactions;
    struct cf_sip_calls calls;
    bool overload;
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

const char *cf_sip_config_complete(struct cf_sip_config *config)
{
    set_default32(&config->calls_max, 1024);
    if (config->calls_max > 1u << 24)
        return "calls_max is above 16,777,216";
    set_default32(&config->transactions_max, 4 * config->calls_max + 64);
    set_default32(&config->blocks_max, 12 * config->calls_max + 2 * config->transactions_max + 256);
    set_default32(&config->retry_after_s, 5);
    set_default64(&config->t1_ns, 500 * CF_SIP_NS_PER_MS);
    set_default64(&config->t2_ns, 4 * CF_SIP_NS_PER_S);
    set_default64(&config->t4_ns, 5 * CF_SIP_NS_PER_S);
    set_default64(&config->ring_limit_ns, 180 * CF_SIP_NS_PER_S);
    if (config->port == 0)
        config->port = CF_SIP_DEFAULT_PORT;
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

static struct layout layout_of(const struct cf_sip_config *config)
{
    const uint32_t transactions = config->transactions_max;
    struct layout l = {.clients_max = config->calls_max};
    size_t end = 0;
    place(&end, sizeof(struct cf_sip_uas));
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
    l.text = place(&end, 2 * (size_t)UINT16_MAX); /* two texts of a call at once */
    l.end = end;
    return l;
}

size_t cf_sip_uas_bytes(const struct cf_sip_config *config)
{
    return layout_of(config).end;
}

struct cf_sip_uas *cf_sip_uas_init(void *memory, const struct cf_sip_config *config,
                                   const struct cf_sip_uas_callbacks *callbacks, uint64_t now_ns)
{
    const struct layout l = layout_of(config);
    char *base = memory;
    struct cf_sip_uas *uas = memory;
    struct cf_sip_stack *stack = &uas->stack;
    struct cf_sip_transactions *t = &uas->transactions;
    struct cf_sip_calls *calls = &uas->calls;
    assert((uintptr_t)memory % 64 == 0);

    stack->config = *config;
    stack->now_ns = now_ns;
    stack->send = callbacks->send;
    stack->send_context = callbacks->context;
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
    return uas;
}

/* ---- a new call */

static void refuse_overload(struct cf_sip_uas *uas, const struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = &uas->stack;
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
    cf_sip_put_head(out, request->msg, &request->source, tag, CF_SIP_TAG_LEN);
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

static void send_trying(struct cf_sip_uas *uas, struct cf_sip_server *server, const struct cf_sip_request *request)
{
    struct cf_sip_out *out = cf_sip_stack_begin(&uas->stack);
    cf_sip_put_status_line(out, 100, NULL);
    cf_sip_put_head(out, request->msg, &request->source, "", 0);
    cf_sip_put_body(out, "", "", 0);
    cf_sip_server_respond(&uas->transactions, server, 100);
}

/* Names the session in our o= lines: any number will do that stays the same and fits what others read (63 bits). */
static uint64_t session_of(const struct cf_sip_request *request)
{
    return request->key.word[0] >> 1;
}

static void begin_call(struct cf_sip_uas *uas, const struct cf_sip_request *request, const struct cf_sip_out *body,
                       enum cf_sip_media media, bool holds)
{
    struct cf_sip_stack *stack = &uas->stack;
    const struct cf_sip_msg *msg = request->msg;
    const union cf_sip_addr to = cf_sip_response_address(msg, &request->source);
    char tag[CF_SIP_TAG_LEN];
    cf_sip_tag_make(stack, msg, tag);
    struct cf_sip_call *call = NULL;
    struct cf_sip_server *server = NULL;
    const struct cf_sip_beginning beginning = {.invite = msg,
                                               .source = &request->source,
                                               .tag = tag,
                                               .body = body,
                                               .sdp_session = session_of(request),
                                               .offers = media == CF_SIP_MEDIA_OFFERED,
                                               .holds = holds};
    if (!uas->overload && has_room(stack, msg))
        call = cf_sip_call_new(&uas->calls, &beginning);
    if (call != NULL)
        server = cf_sip_server_new(&uas->transactions, &request->key, true, &to);
    if (server == NULL || !keep_head(stack, server, request, tag)) {
        if (server != NULL)
            cf_sip_server_free(&uas->transactions, server);
        if (call != NULL)
            cf_sip_call_free(&uas->calls, call);
        refuse_overload(uas, request);
        return;
    }
    cf_sip_table_insert(&uas->transactions.merged, &server->merged, request->merged);
    cf_sip_call_start(&uas->calls, call, server);
    send_trying(uas, server, request);
    cf_sip_call_offer(&uas->calls, call);
}

static void receive_invite(struct cf_sip_uas *uas, struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = &uas->stack;
    struct cf_sip_out body = {.text = stack->text, .bytes_max = CF_SIP_DATAGRAM_MAX};
    bool holds;
    request->merged = cf_sip_merged_key(stack, request->msg);
    if (cf_sip_table_find(&uas->transactions.merged, &request->merged) != NULL) {
        stack->counters.refused_merged++;
        cf_sip_reply_plain(stack, request, 482);
        return;
    }
    if (!cf_sip_reply_extensions(stack, request))
        return;
    if (request->msg->contact.uri.len <= 1) {
        cf_sip_reply_begin(stack, request, 400, "Missing Contact Header");
        cf_sip_reply_stateless(stack, request, 400);
        return;
    }
    const enum cf_sip_media media = cf_sip_reply_media(stack, request, session_of(request), 1, &body, &holds);
    if (media != CF_SIP_MEDIA_REFUSED)
        begin_call(uas, request, &body, media, holds);
}

/* ---- requests */

static bool uri_is_ours(const struct cf_sip_msg *msg)
{
    struct cf_sip_uri uri;
    return cf_sip_uri_read(cf_sip_ptr(msg, msg->uri), msg->uri.len, &uri) && uri.scheme != CF_SIP_SCHEME_OTHER;
}

/* Requests without a tag in To. */
static void receive_outside(struct cf_sip_uas *uas, struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = &uas->stack;
    switch ((enum cf_sip_method)request->msg->method) {
    case CF_SIP_INVITE:
        if (uri_is_ours(request->msg)) {
            receive_invite(uas, request);
            break;
        }
        stack->counters.refused_uri++;
        cf_sip_reply_plain(stack, request, 416);
        break;
    case CF_SIP_OPTIONS:
        if (cf_sip_reply_extensions(stack, request))
            cf_sip_reply_options(&uas->transactions, request, false);
        break;
    case CF_SIP_BYE:
    case CF_SIP_UPDATE:
    case CF_SIP_INFO:
        stack->counters.refused_unknown++;
        cf_sip_reply_plain(stack, request, 481);
        break;
    default:
        cf_sip_reply_method(stack, request);
        break;
    }
}

/* RFC 3261 9.2: CANCEL is answered by itself; its INVITE gets 487 if it has no final response yet. */
static void receive_cancel(struct cf_sip_uas *uas, const struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = &uas->stack;
    const struct cf_sip_key key = cf_sip_server_key(stack, request->msg, CF_SIP_INVITE);
    struct cf_sip_server *invite = cf_sip_server_find(&uas->transactions, &key);
    if (invite == NULL) {
        stack->counters.refused_unknown++;
        cf_sip_reply_plain(stack, request, 481);
        return;
    }
    struct cf_sip_server **owner = invite->owner;
    cf_sip_reply_begin(stack, request, 200, NULL);
    cf_sip_reply_end(&uas->transactions, request, 200, "", 0);
    if (owner != NULL)
        cf_sip_call_cancel(&uas->calls, CF_SIP_CONTAINER(owner, struct cf_sip_call, invite), request->msg);
}

static void receive_ack(struct cf_sip_uas *uas, const struct cf_sip_msg *msg)
{
    struct cf_sip_stack *stack = &uas->stack;
    const struct cf_sip_key key = cf_sip_server_key(stack, msg, CF_SIP_INVITE);
    struct cf_sip_server *server = cf_sip_server_find(&uas->transactions, &key);
    bool taken = server != NULL && cf_sip_server_ack(&uas->transactions, server);
    if (!taken && msg->to.tag.len != 0) {
        struct cf_sip_call *call = cf_sip_call_find(&uas->calls, msg);
        taken = call != NULL && cf_sip_call_ack(&uas->calls, call, msg);
    }
    if (taken)
        stack->counters.acks++;
    else
        stack->counters.acks_unmatched++;
}

static void receive_request(struct cf_sip_uas *uas, struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = &uas->stack;
    const struct cf_sip_msg *msg = request->msg;
    stack->counters.requests++;
    if (msg->method == CF_SIP_ACK) {
        receive_ack(uas, msg);
        return;
    }
    request->key = cf_sip_server_key(stack, msg, (enum cf_sip_method)msg->method);
    struct cf_sip_server *server = cf_sip_server_find(&uas->transactions, &request->key);
    if (server != NULL)
        cf_sip_server_repeat(&uas->transactions, server);
    else if (msg->method == CF_SIP_CANCEL)
        receive_cancel(uas, request);
    else if (msg->to.tag.len != 0)
        cf_sip_dialog_request(&uas->calls, request);
    else
        receive_outside(uas, request);
}

static void receive_response(struct cf_sip_uas *uas, const struct cf_sip_msg *msg)
{
    struct cf_sip_stack *stack = &uas->stack;
    struct cf_sip_client *client = cf_sip_client_find(&uas->transactions, msg);
    stack->counters.responses++;
    if (client == NULL) {
        stack->counters.responses_unmatched++;
        return;
    }
    struct cf_sip_client **owner = client->owner;
    if (cf_sip_client_response(&uas->transactions, client, msg->status) && owner != NULL)
        cf_sip_call_bye_done(&uas->calls, CF_SIP_CONTAINER(owner, struct cf_sip_call, bye));
}

/* ---- what cannot be read */

static void receive_malformed(struct cf_sip_uas *uas, struct cf_sip_request *request, bool truncated)
{
    struct cf_sip_stack *stack = &uas->stack;
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

void cf_sip_uas_receive(struct cf_sip_uas *uas, uint64_t now_ns, const union cf_sip_addr *source, const char *data,
                        size_t len, bool truncated)
{
    struct cf_sip_stack *stack = &uas->stack;
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
        receive_malformed(uas, &request, truncated);
    else if (msg.is_request)
        receive_request(uas, &request);
    else
        receive_response(uas, &msg);
}

/* ---- the clock */

static void client_timeout(struct cf_sip_uas *uas, struct cf_sip_client *client)
{
    struct cf_sip_client **owner = client->owner;
    if (!cf_sip_client_timeout(&uas->transactions, client))
        return;
    uas->stack.counters.bye_timeouts++;
    if (owner != NULL)
        cf_sip_call_bye_done(&uas->calls, CF_SIP_CONTAINER(owner, struct cf_sip_call, bye));
}

void cf_sip_uas_tick(struct cf_sip_uas *uas, uint64_t now_ns)
{
    struct cf_sip_timer *timer;
    uas->stack.now_ns = now_ns;
    while ((timer = cf_sip_wheel_expired(uas->stack.wheel, now_ns)) != NULL) {
        switch (timer->kind) {
        case CF_SIP_TIMER_SERVER:
            cf_sip_server_timeout(&uas->transactions, CF_SIP_CONTAINER(timer, struct cf_sip_server, timer));
            break;
        case CF_SIP_TIMER_CLIENT:
            client_timeout(uas, CF_SIP_CONTAINER(timer, struct cf_sip_client, timer));
            break;
        default:
            cf_sip_call_timeout(&uas->calls, CF_SIP_CONTAINER(timer, struct cf_sip_call, timer));
            break;
        }
    }
}

uint64_t cf_sip_uas_next_deadline(const struct cf_sip_uas *uas)
{
    return cf_sip_wheel_deadline(uas->stack.wheel);
}

/* ---- from above */

static struct cf_sip_call *command(struct cf_sip_uas *uas, uint64_t now_ns, uint64_t id)
{
    struct cf_sip_call *call = cf_sip_call_of(&uas->calls, id);
    uas->stack.now_ns = now_ns;
    if (call == NULL)
        uas->stack.counters.stale_commands++;
    return call;
}

int cf_sip_uas_bind(struct cf_sip_uas *uas, uint64_t id, uint64_t user)
{
    struct cf_sip_call *call = command(uas, uas->stack.now_ns, id);
    if (call == NULL)
        return -ESTALE;
    call->user = user;
    return 0;
}

int cf_sip_uas_accept(struct cf_sip_uas *uas, uint64_t now_ns, uint64_t id)
{
    struct cf_sip_call *call = command(uas, now_ns, id);
    return call != NULL ? cf_sip_call_accept(&uas->calls, call) : -ESTALE;
}

int cf_sip_uas_answer(struct cf_sip_uas *uas, uint64_t now_ns, uint64_t id)
{
    struct cf_sip_call *call = command(uas, now_ns, id);
    return call != NULL ? cf_sip_call_answer(&uas->calls, call) : -ESTALE;
}

int cf_sip_uas_drop(struct cf_sip_uas *uas, uint64_t now_ns, uint64_t id, unsigned status)
{
    if (status != 0 && (status < 300 || status > 699))
        return -EINVAL;
    struct cf_sip_call *call = command(uas, now_ns, id);
    return call != NULL ? cf_sip_call_drop(&uas->calls, call, status) : -ESTALE;
}

int cf_sip_uas_close(struct cf_sip_uas *uas, uint64_t now_ns, uint64_t id, unsigned status)
{
    struct cf_sip_call *call = command(uas, now_ns, id);
    if (call == NULL)
        return -ESTALE;
    call->muted = true;
    return cf_sip_call_drop(&uas->calls, call, status >= 300 && status <= 699 ? status : 0);
}

void cf_sip_uas_overload(struct cf_sip_uas *uas, bool on)
{
    uas->overload = on;
}

/* ---- looking in */

const struct cf_sip_counters *cf_sip_uas_counters(const struct cf_sip_uas *uas)
{
    return &uas->stack.counters;
}

struct cf_sip_live cf_sip_uas_live(const struct cf_sip_uas *uas)
{
    return (struct cf_sip_live){
        .calls = uas->calls.live,
        .server_transactions = uas->transactions.servers_live,
        .client_transactions = uas->transactions.clients_live,
        .timers = uas->stack.wheel->armed,
        .blocks_free = uas->stack.store.free_count,
        .blocks_max = uas->stack.store.blocks,
    };
}

void cf_sip_uas_walk(const struct cf_sip_uas *uas, void (*each)(void *context, const struct cf_sip_snapshot *snapshot),
                     void *context)
{
    char text[3][CF_SIP_IDENTITY_MAX];
    for (uint32_t i = 0; i < uas->calls.touched; i++) {
        const struct cf_sip_call *call = &uas->calls.call[i];
        if (call->state == CF_SIP_CALL_FREE || call->muted)
            continue;
        struct cf_sip_snapshot snapshot = {.call = cf_sip_call_id(&uas->calls, call),
                                           .user = call->user,
                                           .state = (enum cf_sip_call_state)call->state,
                                           .held = call->held};
        struct cf_sip_words *const words[] = {&snapshot.caller, &snapshot.caller_name, &snapshot.called};
        for (unsigned part = 0; part < 3; part++) {
            words[part]->text = text[part];
            words[part]->len = cf_sip_call_text(&uas->calls, call, (enum cf_sip_text)(CF_SIP_TEXT_CALLER + part),
                                                text[part], CF_SIP_IDENTITY_MAX);
        }
        each(context, &snapshot);
    }
}

/* Blocks that calls and transactions hold. */
static uint64_t blocks_held(const struct cf_sip_uas *uas)
{
    uint64_t held = 0;
    for (uint32_t i = 0; i < uas->calls.touched; i++) {
        const struct cf_sip_call *call = &uas->calls.call[i];
        if (call->state != CF_SIP_CALL_FREE)
            held += cf_sip_store_blocks(call->text.len) + cf_sip_store_blocks(call->body.len) +
                    cf_sip_store_blocks(call->ok.message.len);
    }
    for (uint32_t i = 0; i < uas->transactions.servers_touched; i++) {
        const struct cf_sip_server *server = &uas->transactions.server[i];
        if (server->state != CF_SIP_TRANSACTION_FREE)
            held += cf_sip_store_blocks(server->head.len) + cf_sip_store_blocks(server->response.len);
    }
    for (uint32_t i = 0; i < uas->transactions.clients_touched; i++) {
        const struct cf_sip_client *client = &uas->transactions.client[i];
        if (client->state != CF_SIP_TRANSACTION_FREE)
            held += cf_sip_store_blocks(client->request.len);
    }
    return held;
}

bool cf_sip_uas_check(const struct cf_sip_uas *uas)
{
    return cf_sip_wheel_check(uas->stack.wheel) && cf_sip_transactions_check(&uas->transactions) &&
           cf_sip_calls_check(&uas->calls) && blocks_held(uas) + uas->stack.store.free_count == uas->stack.store.blocks;
}
