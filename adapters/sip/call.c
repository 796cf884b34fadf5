#include "adapters/sip/call.h"
#include "adapters/sip/field.h"
#include "adapters/sip/response.h"

#include <assert.h>
#include <errno.h>

#include "callfan/tapi_const.h"

#define RING_AGAIN_NS (60 * CF_SIP_NS_PER_S) /* RFC 3261 13.3.1.1: a proxy gives up after three silent minutes */

/* ---- names and texts */

uint64_t cf_sip_call_id(const struct cf_sip_calls *calls, const struct cf_sip_call *call)
{
    return (uint64_t)call->generation << 32 | (uint32_t)(call - calls->call);
}

struct cf_sip_call *cf_sip_call_of(const struct cf_sip_calls *calls, uint64_t id)
{
    const uint32_t index = (uint32_t)id;
    if (index >= calls->touched)
        return NULL;
    struct cf_sip_call *call = &calls->call[index];
    return call->generation == (uint32_t)(id >> 32) && call->state != CF_SIP_CALL_FREE ? call : NULL;
}

static struct cf_sip_key dialog_key(const struct cf_sip_calls *calls, const struct cf_sip_msg *request, const char *tag,
                                    size_t tag_len)
{
    struct cf_sip_hash hash;
    cf_sip_hash_init(&hash, &calls->stack->config.secret);
    cf_sip_hash_bytes(&hash, cf_sip_ptr(request, request->call_id), request->call_id.len);
    cf_sip_hash_bytes(&hash, tag, tag_len);
    cf_sip_hash_bytes(&hash, cf_sip_ptr(request, request->from.tag), request->from.tag.len);
    return cf_sip_hash_end(&hash);
}

struct cf_sip_call *cf_sip_call_find(const struct cf_sip_calls *calls, const struct cf_sip_msg *request)
{
    const struct cf_sip_key key = dialog_key(calls, request, cf_sip_ptr(request, request->to.tag), request->to.tag.len);
    struct cf_sip_node *node = cf_sip_table_find(&calls->dialogs, &key);
    return node != NULL ? CF_SIP_CONTAINER(node, struct cf_sip_call, node) : NULL;
}

static size_t text_at(const struct cf_sip_call *call, enum cf_sip_text part)
{
    size_t at = 0;
    for (unsigned i = 0; i < (unsigned)part; i++)
        at += call->text_len[i];
    return at;
}

size_t cf_sip_call_text(const struct cf_sip_calls *calls, const struct cf_sip_call *call, enum cf_sip_text part,
                        char *dst, size_t bytes)
{
    if (bytes > call->text_len[part])
        bytes = call->text_len[part];
    return cf_sip_store_get(&calls->stack->store, call->text, text_at(call, part), dst, bytes);
}

/* Appends a stored text, or a piece of it. */
static void put_stored(struct cf_sip_stack *stack, struct cf_sip_stored stored, size_t at, size_t len)
{
    struct cf_sip_out *out = &stack->out;
    if (out->full || len > out->bytes_max - out->len) {
        out->full = true;
        return;
    }
    out->len += cf_sip_store_get(&stack->store, stored, at, out->text + out->len, len);
}

static void put_text(struct cf_sip_calls *calls, const struct cf_sip_call *call, enum cf_sip_text part)
{
    put_stored(calls->stack, call->text, text_at(call, part), call->text_len[part]);
}

void cf_sip_put_contact(struct cf_sip_stack *stack, struct cf_sip_out *out)
{
    CF_SIP_PUT(out, "Contact: <sip:");
    cf_sip_put_string(out, stack->config.user);
    CF_SIP_PUT(out, "@");
    cf_sip_put_string(out, stack->config.host);
    CF_SIP_PUT(out, ":");
    cf_sip_put_number(out, stack->config.port);
    CF_SIP_PUT(out, ">\r\nAllow: " CF_SIP_ALLOW "\r\nSupported:\r\n");
}

/* ---- events */

static void report(struct cf_sip_calls *calls, const struct cf_sip_call *call, struct cf_sip_event *event)
{
    if (call->muted)
        return;
    event->call = cf_sip_call_id(calls, call);
    event->user = call->user;
    event->time_ns = calls->stack->now_ns;
    calls->event(calls->event_context, event);
}

void cf_sip_call_report(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_event_kind kind)
{
    report(calls, call, &(struct cf_sip_event){.kind = kind});
}

void cf_sip_call_offer(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    char text[3][CF_SIP_IDENTITY_MAX];
    struct cf_sip_event event = {.kind = CF_SIP_OFFERING};
    struct cf_sip_words *const words[] = {&event.caller, &event.caller_name, &event.called};
    for (unsigned i = 0; i < 3; i++) {
        words[i]->text = text[i];
        words[i]->len =
            cf_sip_call_text(calls, call, (enum cf_sip_text)(CF_SIP_TEXT_CALLER + i), text[i], CF_SIP_IDENTITY_MAX);
    }
    calls->stack->counters.offered++;
    report(calls, call, &event);
}

static void report_disconnected(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_cause *cause)
{
    const struct cf_sip_progress progress = {.alerted = call->alerted,
                                             .connected = call->state >= CF_SIP_CALL_ANSWERED};
    calls->stack->counters.ended++;
    report(
        calls, call,
        &(struct cf_sip_event){.kind = CF_SIP_DISCONNECTED, .mode = cf_sip_mode_of(cause, progress), .cause = *cause});
}

/* ---- beginning and end */

static struct cf_sip_call *claim(struct cf_sip_calls *calls)
{
    struct cf_sip_call *call;
    if (calls->free_first != 0) {
        call = &calls->call[calls->free_first - 1];
        calls->free_first = call->next_free;
        if (calls->free_first == 0)
            calls->free_last = 0;
    } else if (calls->touched < calls->calls_max) {
        call = &calls->call[calls->touched++];
        call->generation = 0;
    } else {
        return NULL;
    }
    *call = (struct cf_sip_call){.generation = call->generation + 1, .state = CF_SIP_CALL_OFFERING};
    call->timer.kind = CF_SIP_TIMER_CALL;
    calls->live++;
    return call;
}

void cf_sip_call_free(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_store *store = &calls->stack->store;
    assert(call->state != CF_SIP_CALL_FREE);
    if (call->invite != NULL)
        call->invite->owner = NULL;
    if (call->bye != NULL)
        call->bye->owner = NULL;
    call->invite = NULL;
    call->bye = NULL;
    cf_sip_wheel_disarm(calls->stack->wheel, &call->timer);
    cf_sip_table_remove(&calls->dialogs, &call->node);
    cf_sip_store_free(store, &call->text);
    cf_sip_store_free(store, &call->body);
    cf_sip_store_free(store, &call->ok.message);
    call->state = CF_SIP_CALL_FREE;
    calls->live--;
    if (++call->generation == UINT32_MAX - 1)
        return; /* retired: its name would begin to repeat */
    const uint32_t index = (uint32_t)(call - calls->call) + 1;
    call->next_free = 0;
    if (calls->free_last != 0)
        calls->call[calls->free_last - 1].next_free = index;
    else
        calls->free_first = index;
    calls->free_last = index;
}

static void become_idle(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    cf_sip_call_report(calls, call, CF_SIP_IDLE);
    cf_sip_call_free(calls, call);
}

/* The peer ended it: DISCONNECTED was told, IDLE follows after the linger. */
static void linger(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_stack *stack = calls->stack;
    call->ok.waiting = false;
    cf_sip_store_free(&stack->store, &call->ok.message);
    call->state = CF_SIP_CALL_LINGER;
    if (stack->config.linger_ns == 0 || call->muted)
        become_idle(calls, call);
    else
        cf_sip_wheel_arm(stack->wheel, &call->timer, stack->now_ns + stack->config.linger_ns);
}

/* Number and name for people: of a tel: or sip: URI the user part, of one without user the host. */
static void put_number(struct cf_sip_out *out, const char *uri_text, size_t len)
{
    struct cf_sip_uri uri;
    char text[CF_SIP_IDENTITY_MAX];
    size_t used;
    if (!cf_sip_uri_read(uri_text, len, &uri) || uri.scheme == CF_SIP_SCHEME_OTHER)
        used = cf_sip_copy_text(text, sizeof(text), uri_text, len, false, false);
    else if (uri.user_len != 0)
        used = cf_sip_copy_text(text, sizeof(text), uri.user, uri.user_len, true, false);
    else
        used = cf_sip_copy_text(text, sizeof(text), uri.host, uri.host_len, false, false);
    cf_sip_put(out, text, used);
}

/* Who calls: From, or P-Asserted-Identity where the configuration trusts it. */
static struct cf_sip_address caller_of(const struct cf_sip_calls *calls, const struct cf_sip_msg *invite)
{
    if (!calls->stack->config.trust_asserted || invite->asserted.count == 0)
        return invite->from;
    struct cf_sip_address asserted = {0};
    const char *start = cf_sip_ptr(invite, invite->asserted.line[0]);
    struct cf_sip_cursor c = {start, start + invite->asserted.line[0].len};
    return cf_sip_address_read(&c, invite->base, &asserted) ? asserted : invite->from;
}

static void put_routes(struct cf_sip_out *out, const struct cf_sip_msg *invite)
{
    for (unsigned i = 0; i < invite->routes_count; i++) {
        if (i != 0)
            CF_SIP_PUT(out, ", ");
        cf_sip_put_value(out, cf_sip_ptr(invite, invite->routes[i]), invite->routes[i].len);
    }
}

static void put_part(struct cf_sip_calls *calls, const struct cf_sip_msg *invite, const char *tag,
                     enum cf_sip_text part)
{
    struct cf_sip_out *out = &calls->stack->out;
    const struct cf_sip_address caller = caller_of(calls, invite);
    char name[CF_SIP_IDENTITY_MAX];
    switch (part) {
    case CF_SIP_TEXT_CALL_ID:
        cf_sip_put_value(out, cf_sip_ptr(invite, invite->call_id), invite->call_id.len);
        break;
    case CF_SIP_TEXT_LOCAL:
        cf_sip_put_value(out, cf_sip_ptr(invite, invite->to.value), invite->to.value.len);
        CF_SIP_PUT(out, ";tag=");
        cf_sip_put(out, tag, CF_SIP_TAG_LEN);
        break;
    case CF_SIP_TEXT_REMOTE:
        cf_sip_put_value(out, cf_sip_ptr(invite, invite->from.value), invite->from.value.len);
        break;
    case CF_SIP_TEXT_ROUTES:
        put_routes(out, invite);
        break;
    case CF_SIP_TEXT_CALLER:
        put_number(out, cf_sip_ptr(invite, caller.uri), caller.uri.len);
        break;
    case CF_SIP_TEXT_CALLER_NAME:
        cf_sip_put(out, name,
                   cf_sip_copy_text(name, sizeof(name), cf_sip_ptr(invite, caller.display), caller.display.len, false,
                                    caller.display_quoted));
        break;
    case CF_SIP_TEXT_CALLED:
        put_number(out, cf_sip_ptr(invite, invite->uri), invite->uri.len);
        break;
    case CF_SIP_TEXT_TARGET:
        cf_sip_put_value(out, cf_sip_ptr(invite, invite->contact.uri), invite->contact.uri.len);
        break;
    case CF_SIP_TEXTS:
        break;
    }
}

/* Writes all texts into the stack's buffer and keeps them; false when they do not fit. */
static bool keep_texts(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *invite,
                       const char *tag)
{
    struct cf_sip_out *out = cf_sip_stack_begin(calls->stack);
    for (unsigned part = 0; part < CF_SIP_TEXTS; part++) {
        const size_t at = out->len;
        put_part(calls, invite, tag, (enum cf_sip_text)part);
        if (out->full || out->len - at > UINT16_MAX)
            return false;
        call->text_len[part] = (uint16_t)(out->len - at);
    }
    return cf_sip_store_put(&calls->stack->store, &call->text, out->text, out->len);
}

struct cf_sip_call *cf_sip_call_new(struct cf_sip_calls *calls, const struct cf_sip_beginning *beginning)
{
    struct cf_sip_store *store = &calls->stack->store;
    const struct cf_sip_out *body = beginning->body;
    struct cf_sip_call *call = claim(calls);
    if (call == NULL)
        return NULL;
    if (!cf_sip_store_put(store, &call->body, body->text, body->len) ||
        !keep_texts(calls, call, beginning->invite, beginning->tag)) {
        calls->stack->counters.no_block++;
        cf_sip_call_free(calls, call);
        return NULL;
    }
    call->offers = beginning->offers;
    call->held = beginning->holds;
    call->invite_cseq = beginning->invite->cseq;
    call->remote_cseq = beginning->invite->cseq;
    call->sdp_version = 1;
    call->sdp_session = beginning->sdp_session;
    call->peer = *beginning->source;
    cf_sip_table_insert(&calls->dialogs, &call->node,
                        dialog_key(calls, beginning->invite, beginning->tag, CF_SIP_TAG_LEN));
    return call;
}

void cf_sip_call_start(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_server *invite)
{
    call->invite = invite;
    invite->owner = &call->invite;
    call->limit_ns = calls->stack->now_ns + calls->stack->config.ring_limit_ns;
    cf_sip_wheel_arm(calls->stack->wheel, &call->timer, call->limit_ns);
}

/* ---- answering the INVITE */

static bool is_open(const struct cf_sip_call *call)
{
    return call->state == CF_SIP_CALL_OFFERING || call->state == CF_SIP_CALL_ACCEPTED;
}

/* Begins a response to the INVITE in the stack's buffer; routes belong into those that make the dialog. */
static struct cf_sip_out *begin_response(struct cf_sip_calls *calls, const struct cf_sip_call *call, unsigned status)
{
    const struct cf_sip_server *invite = call->invite;
    struct cf_sip_out *out = cf_sip_stack_begin(calls->stack);
    cf_sip_put_status_line(out, status, NULL);
    put_stored(calls->stack, invite->head, 0, status < 300 ? invite->head.len : invite->routes_at);
    return out;
}

static void send_ringing(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_out *out = begin_response(calls, call, 180);
    cf_sip_put_contact(stack, out);
    cf_sip_put_body(out, "", "", 0);
    cf_sip_server_respond(calls->transactions, call->invite, 180);
    const uint64_t next = stack->now_ns + RING_AGAIN_NS;
    cf_sip_wheel_arm(stack->wheel, &call->timer, next < call->limit_ns ? next : call->limit_ns);
}

int cf_sip_call_accept(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->state != CF_SIP_CALL_OFFERING)
        return -EINVAL;
    call->state = CF_SIP_CALL_ACCEPTED;
    call->alerted = true;
    send_ringing(calls, call);
    cf_sip_call_report(calls, call, CF_SIP_ACCEPTED);
    return 0;
}

void cf_sip_call_wait_ack(struct cf_sip_calls *calls, struct cf_sip_call *call, const union cf_sip_addr *peer,
                          uint32_t cseq, bool offers)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_ok *ok = &call->ok;
    cf_sip_store_free(&stack->store, &ok->message);
    *ok = (struct cf_sip_ok){.peer = *peer, .cseq = cseq, .waiting = true, .offers = offers};
    if (!stack->out.full && !cf_sip_store_put(&stack->store, &ok->message, stack->out.text, stack->out.len))
        stack->counters.no_block++;
    ok->repeat_ns = stack->config.t1_ns;
    ok->next_ns = stack->now_ns + ok->repeat_ns;
    ok->end_ns = stack->now_ns + 64 * stack->config.t1_ns;
    cf_sip_wheel_arm(stack->wheel, &call->timer, ok->next_ns);
}

int cf_sip_call_answer(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (!is_open(call))
        return -EINVAL;
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_out *out = begin_response(calls, call, 200);
    cf_sip_put_contact(stack, out);
    CF_SIP_PUT(out, "Content-Type: application/sdp\r\nContent-Length: ");
    cf_sip_put_number(out, call->body.len);
    CF_SIP_PUT(out, "\r\n\r\n");
    put_stored(stack, call->body, 0, call->body.len);
    const union cf_sip_addr peer = call->invite->peer;
    cf_sip_server_respond(calls->transactions, call->invite, 200);
    cf_sip_call_wait_ack(calls, call, &peer, call->invite_cseq, call->offers);
    cf_sip_store_free(&stack->store, &call->body);
    call->state = CF_SIP_CALL_ANSWERED;
    stack->counters.answered++;
    const bool held = call->held;
    cf_sip_call_report(calls, call, CF_SIP_CONNECTED);
    if (held)
        cf_sip_call_report(calls, call, CF_SIP_HELD);
    return 0;
}

/* ---- ending */

static void refuse(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_out *out = begin_response(calls, call, status);
    if (status == 503) {
        CF_SIP_PUT(out, "Retry-After: ");
        cf_sip_put_number(out, stack->config.retry_after_s);
        CF_SIP_PUT(out, "\r\n");
    }
    cf_sip_put_body(out, "", "", 0);
    cf_sip_server_respond(calls->transactions, call->invite, status);
}

/* The next hop's URI within `routes`: its first value. False: no routes or none that can be read. */
static bool first_route(const char *routes, size_t len, struct cf_sip_address *ret_route, size_t *ret_rest)
{
    struct cf_sip_cursor c = {routes, routes + len};
    *ret_route = (struct cf_sip_address){0};
    if (len == 0 || !cf_sip_address_read(&c, routes, ret_route))
        return false;
    *ret_rest = cf_sip_at(&c, ',') ? (size_t)(c.p + 1 - routes) : len;
    return true;
}

/* A numeric host of the peer's address family, else where the newest request came from. */
static union cf_sip_addr address_of(const struct cf_sip_call *call, const char *text, size_t len)
{
    struct cf_sip_uri uri;
    union cf_sip_addr addr;
    if (cf_sip_uri_read(text, len, &uri) &&
        cf_sip_addr_parse(&addr, uri.host, uri.host_len, uri.port != 0 ? uri.port : CF_SIP_DEFAULT_PORT) &&
        addr.sa.sa_family == call->peer.sa.sa_family)
        return addr;
    return call->peer;
}

/*
 * Request-URI and Route of a request of ours, with what comes between them: loose routing, or strict routing when the first
 * route has no lr (RFC 3261 12.2.1.1). Returns where to send it.
 */
static union cf_sip_addr put_request_line(struct cf_sip_calls *calls, struct cf_sip_call *call, const char *method,
                                          const char *branch)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_out *out = cf_sip_stack_begin(stack);
    const size_t target_len = cf_sip_call_text(calls, call, CF_SIP_TEXT_TARGET, stack->text, UINT16_MAX);
    char *routes = stack->text + target_len;
    const size_t routes_len = cf_sip_call_text(calls, call, CF_SIP_TEXT_ROUTES, routes, UINT16_MAX);
    struct cf_sip_address route;
    struct cf_sip_uri uri = {0};
    size_t rest = 0;
    const bool routed = first_route(routes, routes_len, &route, &rest);
    const bool strict = routed && cf_sip_uri_read(routes + route.uri.at, route.uri.len, &uri) && !uri.lr;

    cf_sip_put_string(out, method);
    CF_SIP_PUT(out, " ");
    if (strict)
        cf_sip_put(out, routes + route.uri.at, route.uri.len);
    else
        cf_sip_put(out, stack->text, target_len);
    CF_SIP_PUT(out, " SIP/2.0\r\nVia: SIP/2.0/UDP ");
    cf_sip_put_string(out, stack->config.host);
    CF_SIP_PUT(out, ":");
    cf_sip_put_number(out, stack->config.port);
    CF_SIP_PUT(out, ";branch=");
    cf_sip_put(out, branch, CF_SIP_BRANCH_LEN);
    CF_SIP_PUT(out, ";rport\r\nMax-Forwards: 70\r\n");
    if (strict) {
        CF_SIP_PUT(out, "Route: ");
        cf_sip_put(out, routes + rest, routes_len - rest);
        if (rest < routes_len)
            CF_SIP_PUT(out, ",");
        CF_SIP_PUT(out, "<");
        cf_sip_put(out, stack->text, target_len);
        CF_SIP_PUT(out, ">\r\n");
    } else if (routed) {
        CF_SIP_PUT(out, "Route: ");
        cf_sip_put(out, routes, routes_len);
        CF_SIP_PUT(out, "\r\n");
    }
    return routed ? address_of(call, routes + route.uri.at, route.uri.len) : address_of(call, stack->text, target_len);
}

/* Sends BYE. Where no transaction is left it goes out once, and the call is over. */
static void send_bye(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_out *out = &calls->stack->out;
    char branch[CF_SIP_BRANCH_LEN];
    const struct cf_sip_key key = cf_sip_branch_make(calls->transactions, CF_SIP_BYE, branch);
    const union cf_sip_addr to = put_request_line(calls, call, "BYE", branch);
    CF_SIP_PUT(out, "From: ");
    put_text(calls, call, CF_SIP_TEXT_LOCAL);
    CF_SIP_PUT(out, "\r\nTo: ");
    put_text(calls, call, CF_SIP_TEXT_REMOTE);
    CF_SIP_PUT(out, "\r\nCall-ID: ");
    put_text(calls, call, CF_SIP_TEXT_CALL_ID);
    CF_SIP_PUT(out, "\r\nCSeq: ");
    cf_sip_put_number(out, ++call->local_cseq);
    CF_SIP_PUT(out, " BYE\r\nContent-Length: 0\r\n\r\n");
    call->state = CF_SIP_CALL_BYE_SENT;
    call->ok.waiting = false; /* of a re-INVITE: the dialog ends before its ACK */
    cf_sip_store_free(&calls->stack->store, &call->ok.message);
    cf_sip_wheel_disarm(calls->stack->wheel, &call->timer);
    call->bye = cf_sip_client_new(calls->transactions, &key, &to);
    if (call->bye == NULL)
        become_idle(calls, call);
    else
        call->bye->owner = &call->bye;
}

int cf_sip_call_drop(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status)
{
    struct cf_sip_cause cause = {.ending = CF_SIP_ENDING_STATUS, .status = (uint16_t)(status != 0 ? status : 603)};
    switch ((enum cf_sip_call_state)call->state) {
    case CF_SIP_CALL_OFFERING:
    case CF_SIP_CALL_ACCEPTED:
        refuse(calls, call, cause.status);
        report_disconnected(calls, call, &cause);
        become_idle(calls, call);
        return 0;
    case CF_SIP_CALL_ANSWERED:
        report_disconnected(calls, call, &(struct cf_sip_cause){.ending = CF_SIP_ENDING_BYE});
        call->state = CF_SIP_CALL_BYE_WAIT;
        return 0;
    case CF_SIP_CALL_CONFIRMED:
        report_disconnected(calls, call, &(struct cf_sip_cause){.ending = CF_SIP_ENDING_BYE});
        send_bye(calls, call);
        return 0;
    case CF_SIP_CALL_LINGER:
        become_idle(calls, call);
        return 0;
    case CF_SIP_CALL_BYE_WAIT:
    case CF_SIP_CALL_BYE_SENT:
        return 0; /* on its way */
    case CF_SIP_CALL_FREE:
        break;
    }
    return -ESTALE;
}

/* ---- what comes from the network and the clock */

bool cf_sip_call_ack(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *ack)
{
    struct cf_sip_stack *stack = calls->stack;
    if (!call->ok.waiting || ack->cseq != call->ok.cseq)
        return false;
    const bool offered = call->ok.offers;
    call->ok.waiting = false;
    cf_sip_store_free(&stack->store, &call->ok.message);
    cf_sip_wheel_disarm(stack->wheel, &call->timer);
    if (call->state == CF_SIP_CALL_BYE_WAIT) {
        send_bye(calls, call);
        return true;
    }
    if (call->state == CF_SIP_CALL_ANSWERED)
        call->state = CF_SIP_CALL_CONFIRMED;
    struct cf_sdp answer;
    if (offered && cf_sdp_scan(cf_sip_ptr(ack, ack->body), ack->body.len, &answer) == CF_SDP_ERROR_OK &&
        cf_sdp_holds(&answer) != call->held) {
        call->held = !call->held;
        cf_sip_call_report(calls, call, call->held ? CF_SIP_HELD : CF_SIP_RESUMED);
    }
    return true;
}

static struct cf_sip_cause cause_of(const struct cf_sip_msg *request, enum cf_sip_ending ending)
{
    struct cf_sip_reason reason;
    cf_sip_reason_read(request, &reason);
    return (struct cf_sip_cause){.ending = ending, .q850 = reason.q850, .reason = reason.sip};
}

bool cf_sip_call_cancel(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *cancel)
{
    if (!is_open(call))
        return false;
    const struct cf_sip_cause cause = cause_of(cancel, CF_SIP_ENDING_CANCEL);
    calls->stack->counters.cancelled++;
    refuse(calls, call, 487);
    report_disconnected(calls, call, &cause);
    linger(calls, call);
    return true;
}

void cf_sip_call_bye(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *bye)
{
    const struct cf_sip_cause cause = cause_of(bye, CF_SIP_ENDING_BYE);
    switch ((enum cf_sip_call_state)call->state) {
    case CF_SIP_CALL_OFFERING:
    case CF_SIP_CALL_ACCEPTED: /* RFC 3261 15: a caller may end an early dialog so */
        refuse(calls, call, 487);
        report_disconnected(calls, call, &(struct cf_sip_cause){CF_SIP_ENDING_CANCEL, cause.q850, cause.reason, 0});
        linger(calls, call);
        break;
    case CF_SIP_CALL_ANSWERED:
    case CF_SIP_CALL_CONFIRMED:
        report_disconnected(calls, call, &cause);
        linger(calls, call);
        break;
    case CF_SIP_CALL_BYE_WAIT: /* both ended it; ours need not be sent, or its answer not be awaited */
    case CF_SIP_CALL_BYE_SENT:
        become_idle(calls, call);
        break;
    case CF_SIP_CALL_LINGER:
    case CF_SIP_CALL_FREE:
        break;
    }
}

void cf_sip_call_bye_done(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->state == CF_SIP_CALL_BYE_SENT)
        become_idle(calls, call);
}

/* The 2xx again, or the end of the patience with its ACK. */
static void repeat_ok(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_ok *ok = &call->ok;
    if (stack->now_ns < ok->end_ns) {
        stack->counters.resent_2xx++;
        cf_sip_stack_resend(stack, ok->message, &ok->peer);
        ok->repeat_ns = ok->repeat_ns * 2 < stack->config.t2_ns ? ok->repeat_ns * 2 : stack->config.t2_ns;
        ok->next_ns = stack->now_ns + ok->repeat_ns;
        cf_sip_wheel_arm(stack->wheel, &call->timer, ok->next_ns < ok->end_ns ? ok->next_ns : ok->end_ns);
        return;
    }
    stack->counters.no_ack++;
    ok->waiting = false;
    cf_sip_store_free(&stack->store, &ok->message);
    if (call->state != CF_SIP_CALL_BYE_WAIT)
        report_disconnected(calls, call, &(struct cf_sip_cause){.ending = CF_SIP_ENDING_TIMEOUT});
    send_bye(calls, call);
}

void cf_sip_call_timeout(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_stack *stack = calls->stack;
    if (call->ok.waiting) {
        repeat_ok(calls, call);
    } else if (call->state == CF_SIP_CALL_LINGER) {
        become_idle(calls, call);
    } else if (is_open(call) && stack->now_ns >= call->limit_ns) {
        const struct cf_sip_cause cause = {.ending = CF_SIP_ENDING_STATUS, .status = 480};
        stack->counters.no_answer++;
        call->alerted = true; /* the caller waited all that time: nobody answered */
        refuse(calls, call, 480);
        report_disconnected(calls, call, &cause);
        linger(calls, call);
    } else if (call->state == CF_SIP_CALL_ACCEPTED) {
        send_ringing(calls, call);
    }
}

void cf_sip_call_set_target(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *request)
{
    struct cf_sip_stack *stack = calls->stack;
    const struct cf_sip_slice uri = request->contact.uri;
    if (uri.len <= 1)
        return;
    char *text = stack->text;
    const size_t before = text_at(call, CF_SIP_TEXT_TARGET);
    if (call->text_len[CF_SIP_TEXT_TARGET] == uri.len &&
        cf_sip_call_text(calls, call, CF_SIP_TEXT_TARGET, text, uri.len) == uri.len &&
        memcmp(text, cf_sip_ptr(request, uri), uri.len) == 0)
        return;
    if (before + uri.len > CF_SIP_DATAGRAM_MAX)
        return;
    cf_sip_store_get(&stack->store, call->text, 0, text, before);
    memcpy(text + before, cf_sip_ptr(request, uri), uri.len);
    struct cf_sip_stored stored;
    if (!cf_sip_store_put(&stack->store, &stored, text, before + uri.len)) {
        stack->counters.no_block++;
        return; /* the old target still reaches the peer in most networks */
    }
    cf_sip_store_free(&stack->store, &call->text);
    call->text = stored;
    call->text_len[CF_SIP_TEXT_TARGET] = uri.len;
}

static bool call_check(const struct cf_sip_call *call)
{
    const bool open = is_open(call);
    if (!call->node.in || call->generation % 2 == 0)
        return false;
    if (open &&
        (call->invite == NULL || call->invite->state != CF_SIP_TRANSACTION_PROCEEDING || call->timer.next == NULL))
        return false;
    if (call->invite != NULL && call->invite->owner != &call->invite)
        return false;
    if (call->bye != NULL && (call->bye->owner != &call->bye || call->state != CF_SIP_CALL_BYE_SENT))
        return false;
    if (call->state == CF_SIP_CALL_BYE_SENT && call->bye == NULL)
        return false;
    if ((call->state == CF_SIP_CALL_ANSWERED || call->state == CF_SIP_CALL_BYE_WAIT) && !call->ok.waiting)
        return false;
    return !call->ok.waiting || call->timer.next != NULL;
}

bool cf_sip_calls_check(const struct cf_sip_calls *calls)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < calls->touched; i++) {
        if (calls->call[i].state == CF_SIP_CALL_FREE)
            continue;
        live++;
        if (!call_check(&calls->call[i]))
            return false;
    }
    return live == calls->live && calls->dialogs.live == live && cf_sip_table_check(&calls->dialogs);
}
