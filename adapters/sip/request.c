/* Requests of ours within a call: BYE, ACK, PRACK, re-INVITE, INFO; see call.h. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>

#include "adapters/sip/call.h"
#include "adapters/sip/field.h"
#include "adapters/sip/login.h"

/* ---- where it goes */

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

bool cf_sip_uri_wants_stream(const char *uri, size_t len)
{
    static const char wanted[] = ";transport=tcp";
    const size_t wanted_len = sizeof(wanted) - 1;
    for (size_t at = 0; at + wanted_len <= len; at++)
        if (uri[at] == ';' && cf_sip_same(uri + at, wanted_len, wanted, wanted_len) &&
            (at + wanted_len == len || !cf_sip_is(uri[at + wanted_len], CF_SIP_CHAR_TOKEN)))
            return true;
    return false;
}

/*
 * Over a stream the connection that is there is taken for every address of its host: a peer behind it listens at that address
 * perhaps for nobody but itself (RFC 5923 says how to ask; few do).
 */
struct cf_sip_hop cf_sip_call_hop(const struct cf_sip_call *call, const char *uri_text, size_t len)
{
    struct cf_sip_uri uri;
    struct cf_sip_hop hop = {.stream = cf_sip_uri_wants_stream(uri_text, len)};
    if (!cf_sip_uri_read(uri_text, len, &uri) ||
        !cf_sip_addr_parse(&hop.addr, uri.host, uri.host_len, uri.port != 0 ? uri.port : CF_SIP_DEFAULT_PORT) ||
        hop.addr.sa.sa_family != call->peer.addr.sa.sa_family)
        return call->peer;
    if (call->peer.stream && cf_sip_addr_same_host(&hop.addr, &call->peer.addr)) {
        hop.stream = true;
        hop.connection = call->peer.connection;
    }
    return hop;
}

/* ---- building */

/* Reads the call's own far end into the stack's text buffer. */
static struct cf_sip_far far_of(struct cf_sip_calls *calls, const struct cf_sip_call *call)
{
    static const enum cf_sip_text parts[] = {CF_SIP_TEXT_TARGET, CF_SIP_TEXT_ROUTES, CF_SIP_TEXT_REMOTE};
    struct cf_sip_far far;
    struct cf_sip_words *const words[] = {&far.target, &far.routes, &far.remote};
    char *at = calls->stack->text;
    for (unsigned i = 0; i < 3; i++) {
        words[i]->text = at;
        words[i]->len = cf_sip_call_text(calls, call, parts[i], at, UINT16_MAX);
        at += words[i]->len;
    }
    return far;
}

static void put_words(struct cf_sip_out *out, struct cf_sip_words words)
{
    cf_sip_put(out, words.text, words.len);
}

/* Request line to Route; returns where to send it. first: the INVITE that begins the call, which goes where it was configured to. */
static struct cf_sip_hop put_way(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_far *far,
                                 bool first, const char *branch, struct cf_sip_parts *parts)
{
    struct cf_sip_out *out = &calls->stack->out;
    struct cf_sip_address route;
    struct cf_sip_uri uri = {0};
    size_t rest = 0;
    const bool routed = first_route(far->routes.text, far->routes.len, &route, &rest);
    const struct cf_sip_words next =
        routed ? (struct cf_sip_words){far->routes.text + route.uri.at, route.uri.len} : far->target;
    const bool strict = routed && cf_sip_uri_read(next.text, next.len, &uri) && !uri.lr;
    const struct cf_sip_hop hop = first && !routed ? call->peer : cf_sip_call_hop(call, next.text, next.len);

    put_words(out, strict ? next : far->target);
    cf_sip_put_via(calls->stack, &hop, branch, parts);
    if (strict) {
        CF_SIP_PUT(out, "Route: ");
        cf_sip_put(out, far->routes.text + rest, far->routes.len - rest);
        if (rest < far->routes.len)
            CF_SIP_PUT(out, ",");
        CF_SIP_PUT(out, "<");
        put_words(out, far->target);
        CF_SIP_PUT(out, ">\r\n");
    } else if (routed) {
        CF_SIP_PUT(out, "Route: ");
        put_words(out, far->routes);
        CF_SIP_PUT(out, "\r\n");
    }
    return hop;
}

/* Begins a request in the stack's buffer: all up to CSeq. Loose routing, or strict routing when the first route has no lr (RFC 3261
 * 12.2.1.1). Fills in what cf_sip_client_new() needs. cseq 0: the next one. */
static struct cf_sip_out *begin_to(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_method method,
                                   uint32_t cseq, const struct cf_sip_far *far, struct cf_sip_asking *ret_asking)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_out *out = cf_sip_stack_begin(stack);
    const char *name = cf_sip_method_name(method);
    char branch[CF_SIP_BRANCH_LEN];
    *ret_asking = (struct cf_sip_asking){.use = CF_SIP_USE_NOBODY, .invite = method == CF_SIP_INVITE};
    ret_asking->key = cf_sip_branch_make(calls->transactions, method, branch);
    ret_asking->cseq = cseq != 0 ? cseq : ++call->local_cseq;
    cf_sip_put_string(out, name);
    ret_asking->parts.method_len = (uint16_t)out->len;
    CF_SIP_PUT(out, " ");
    const size_t uri_at = out->len;
    const bool first = method == CF_SIP_INVITE && call->state == CF_SIP_CALL_CALLING;
    ret_asking->to = put_way(calls, call, far, first, branch, &ret_asking->parts);
    if (call->credentials) {
        const char *end = memchr(out->text + uri_at, ' ', out->len - uri_at);
        cf_sip_login_put(stack, name, out->text + uri_at, end != NULL ? (size_t)(end - out->text) - uri_at : 0);
    }
    CF_SIP_PUT(out, "From: ");
    cf_sip_call_put(calls, call, CF_SIP_TEXT_LOCAL);
    CF_SIP_PUT(out, "\r\nCall-ID: ");
    cf_sip_call_put(calls, call, CF_SIP_TEXT_CALL_ID);
    CF_SIP_PUT(out, "\r\n");
    ret_asking->parts.same_end = (uint16_t)out->len;
    CF_SIP_PUT(out, "To: ");
    put_words(out, far->remote);
    CF_SIP_PUT(out, "\r\n");
    ret_asking->parts.to_end = (uint16_t)out->len;
    CF_SIP_PUT(out, "CSeq: ");
    cf_sip_put_number(out, ret_asking->cseq);
    CF_SIP_PUT(out, " ");
    cf_sip_put_string(out, name);
    CF_SIP_PUT(out, "\r\n");
    return out;
}

struct cf_sip_out *cf_sip_call_begin_request(struct cf_sip_calls *calls, struct cf_sip_call *call,
                                             enum cf_sip_method method, struct cf_sip_asking *ret_asking)
{
    const struct cf_sip_far far = far_of(calls, call);
    return begin_to(calls, call, method, 0, &far, ret_asking);
}

bool cf_sip_call_send_request(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_asking *asking)
{
    struct cf_sip_client **slot = asking->use < CF_SIP_CALL_USES ? &call->client[asking->use] : NULL;
    if (slot != NULL && *slot != NULL) {
        (*slot)->owner = NULL; /* it has been answered and only absorbs what comes again */
        *slot = NULL;
    }
    struct cf_sip_client *client = cf_sip_client_new(calls->transactions, asking);
    if (client != NULL && slot != NULL) {
        client->owner = slot;
        *slot = client;
    }
    return client != NULL;
}

/* ---- BYE, ACK, PRACK */

static bool send_bye(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_asking asking;
    struct cf_sip_out *out = cf_sip_call_begin_request(calls, call, CF_SIP_BYE, &asking);
    CF_SIP_PUT(out, "Content-Length: 0\r\n\r\n");
    asking.use = CF_SIP_USE_BYE;
    return cf_sip_call_send_request(calls, call, &asking);
}

void cf_sip_call_send_bye(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    assert(!call->ok.waiting);
    call->state = CF_SIP_CALL_BYE_SENT;
    call->change = CF_SIP_CHANGE_NOTHING;
    call->auth_tries = 0;
    for (unsigned due = 0; due < CF_SIP_DUES; due++)
        call->due[due] = 0;
    cf_sip_call_due(calls, call, CF_SIP_DUE_LIMIT, 0);
    if (!send_bye(calls, call))
        cf_sip_call_end(calls, call);
}

void cf_sip_call_hang_up(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_ending ending)
{
    cf_sip_call_report_disconnected(calls, call, &(struct cf_sip_cause){.ending = ending});
    if (call->ok.waiting) /* of the first INVITE or of a later one (RFC 3261 15) */
        call->state = CF_SIP_CALL_BYE_WAIT;
    else
        cf_sip_call_send_bye(calls, call);
}

void cf_sip_call_end_incompatible(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    cf_sip_call_report_disconnected(calls, call, &(struct cf_sip_cause){.ending = CF_SIP_ENDING_STATUS, .status = 488});
    cf_sip_call_send_bye(calls, call);
}

/* RFC 3261 13.2.2.4: ACK of a 2xx is a request of its own, with the credentials of the INVITE. */
static bool send_ack(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *invite,
                     const struct cf_sip_far *far, struct cf_sip_hop *ret_to)
{
    struct cf_sip_asking asking;
    struct cf_sip_out *out = begin_to(calls, call, CF_SIP_ACK, invite->cseq, far, &asking);
    CF_SIP_PUT(out, "Content-Length: 0\r\n\r\n");
    calls->stack->counters.sent_acks++;
    *ret_to = asking.to;
    return cf_sip_stack_send(calls->stack, ret_to);
}

void cf_sip_call_send_ack(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *invite)
{
    const struct cf_sip_far far = far_of(calls, call);
    struct cf_sip_hop to;
    if (send_ack(calls, call, invite, &far, &to))
        cf_sip_client_keep_ack(calls->transactions, invite, &to);
}

/* The routes of a response, nearest first: Record-Route in reverse order (RFC 3261 12.1.2), written to `to`. */
size_t cf_sip_routes_reversed(const struct cf_sip_msg *response, char *to, size_t bytes)
{
    struct cf_sip_out out = {.text = to, .bytes_max = bytes};
    for (unsigned i = response->routes_count; i-- > 0;) {
        const char *line = cf_sip_ptr(response, response->routes[i]);
        struct cf_sip_slice value[CF_SIP_ROUTES_MAX];
        unsigned values = 0;
        for (struct cf_sip_cursor c = {line, line + response->routes[i].len}; values < CF_SIP_ROUTES_MAX; c.p++) {
            struct cf_sip_address route = {0};
            if (!cf_sip_address_read(&c, response->base, &route))
                break;
            value[values++] = route.value;
            if (!cf_sip_at(&c, ','))
                break;
        }
        while (values-- > 0) {
            if (out.len != 0)
                CF_SIP_PUT(&out, ", ");
            cf_sip_put_value(&out, cf_sip_ptr(response, value[values]), value[values].len);
        }
    }
    return out.full ? 0 : out.len;
}

/* The far end that a response names, its routes in `routes`. Without a Contact, which should be there, who was called is the target. */
static struct cf_sip_far far_of_response(const struct cf_sip_msg *response, char *routes, size_t bytes)
{
    const struct cf_sip_slice target = response->contact.uri.len > 1 ? response->contact.uri : response->to.uri;
    return (struct cf_sip_far){
        .target = {cf_sip_ptr(response, target), target.len},
        .routes = {routes, cf_sip_routes_reversed(response, routes, bytes)},
        .remote = {cf_sip_ptr(response, response->to.value), response->to.value.len},
    };
}

/* A peer may make up forks and reliable responses without end: each request to them takes a transaction that others may need. */
static bool may_stray(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->strays == CF_SIP_STRAYS_MAX) {
        calls->stack->counters.forks_ignored++;
        return false;
    }
    call->strays++;
    return true;
}

void cf_sip_call_send_prack(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response)
{
    char routes[CF_SIP_ROUTES_BYTES_MAX];
    const struct cf_sip_far far = far_of_response(response, routes, sizeof(routes));
    struct cf_sip_rack rack = {.cseq = response->cseq, .method = CF_SIP_INVITE};
    struct cf_sip_asking asking;
    if (cf_sip_rseq_read(response, &rack.rseq) != 1 || !may_stray(calls, call))
        return;
    struct cf_sip_out *out = begin_to(calls, call, CF_SIP_PRACK, 0, &far, &asking);
    cf_sip_rack_put(out, &rack);
    CF_SIP_PUT(out, "Content-Length: 0\r\n\r\n");
    calls->stack->counters.sent_pracks++;
    cf_sip_call_send_request(calls, call, &asking);
}

/* Another fork was answered too: its dialog is confirmed and ended at once (RFC 3261 13.2.2.4). */
void cf_sip_call_end_fork(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *invite,
                          const struct cf_sip_msg *response)
{
    char routes[CF_SIP_ROUTES_BYTES_MAX];
    const struct cf_sip_far far = far_of_response(response, routes, sizeof(routes));
    const struct cf_sip_key fork = cf_sip_key_of_response(calls, response);
    struct cf_sip_asking asking;
    struct cf_sip_hop to;
    send_ack(calls, call, invite, &far, &to);
    /* Its 2xx again: the BYE has a transaction that repeats it. */
    if (cf_sip_key_same(&call->fork_ended, &fork) || !may_stray(calls, call))
        return;
    call->fork_ended = fork;
    calls->stack->counters.forks_ended++;
    struct cf_sip_out *out = begin_to(calls, call, CF_SIP_BYE, 0, &far, &asking);
    CF_SIP_PUT(out, "Content-Length: 0\r\n\r\n");
    cf_sip_call_send_request(calls, call, &asking);
}

/* ---- re-INVITE: hold, retrieve, refresh */

/* The direction that we offer: what we send and want to hear, of what the peer has left us. */
static enum cf_sdp_direction wanted_direction(const struct cf_sip_call *call)
{
    const bool holds = call->change == CF_SIP_CHANGE_HOLD || (call->holds && call->change != CF_SIP_CHANGE_UNHOLD);
    if (holds)
        return call->held ? CF_SDP_INACTIVE : CF_SDP_SENDONLY;
    return CF_SDP_SENDRECV;
}

static struct cf_sip_session_wish wish_of(const struct cf_sip_stack *stack)
{
    return (struct cf_sip_session_wish){.session_s = stack->config.session_s, .min_se_s = stack->config.min_se_s};
}

bool cf_sip_call_send_invite(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_stack *stack = calls->stack;
    const struct cf_sip_session_wish wish = wish_of(stack);
    const bool first = call->state == CF_SIP_CALL_CALLING;
    struct cf_sip_out body = {.text = stack->text, .bytes_max = CF_SIP_DATAGRAM_MAX};
    struct cf_sip_asking asking;
    struct cf_sip_out *out = cf_sip_call_begin_request(calls, call, CF_SIP_INVITE, &asking);
    asking.use = CF_SIP_USE_INVITE;
    asking.within = !first;
    cf_sip_put_contact(stack, out, &asking.to);
    if (first)
        cf_sip_stack_put(stack, call->lines, 0, call->lines.len);
    cf_sip_session_put_request(out, &wish, call->min_se_s, first ? NULL : &call->session);
    const enum cf_sdp_direction direction = wanted_direction(call);
    /* The offer that was made last is repeated as it was (RFC 3264 8, RFC 4028 7.4); any other, and any after an answer, is new. */
    if (direction != call->offered)
        call->sdp_version++;
    call->offered = (uint8_t)direction;
    cf_sdp_offer_as(&stack->config.media, direction, call->sdp_session, call->sdp_version, &body);
    cf_sip_put_body(out, "application/sdp", body.text, body.len);
    return cf_sip_call_send_request(calls, call, &asking);
}

/* An INVITE of either side that is not over (RFC 3261 14.1), the pause after 491, or the end of the call. */
static bool must_wait(const struct cf_sip_call *call)
{
    return call->state != CF_SIP_CALL_CONFIRMED || call->ok.waiting || call->change != CF_SIP_CHANGE_NOTHING ||
           call->due[CF_SIP_DUE_RETRY] != 0;
}

static bool start_change(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_change change)
{
    call->change = (uint8_t)change;
    call->auth_tries = 0;
    if (cf_sip_call_send_invite(calls, call))
        return true;
    call->change = CF_SIP_CHANGE_NOTHING;
    return false;
}

int cf_sip_call_hold(struct cf_sip_calls *calls, struct cf_sip_call *call, bool hold)
{
    if (!cf_sip_call_connected(call) || call->holds == hold)
        return -EINVAL;
    if (call->operating)
        return -EBUSY;
    const enum cf_sip_change change = hold ? CF_SIP_CHANGE_HOLD : CF_SIP_CHANGE_UNHOLD;
    call->retries = 0;
    if (must_wait(call))
        call->wanted = (uint8_t)change;
    else if (!start_change(calls, call, change))
        return -ENOSPC;
    call->operating = true;
    return 0;
}

void cf_sip_call_confirm(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->state != CF_SIP_CALL_ANSWERED)
        return;
    call->state = CF_SIP_CALL_CONFIRMED;
    if (call->digits.first != 0)
        cf_sip_call_due(calls, call, CF_SIP_DUE_DIGIT, calls->stack->now_ns);
    cf_sip_call_refer_confirmed(calls, call);
}

void cf_sip_call_advance(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (must_wait(call))
        return;
    const enum cf_sip_change wanted = (enum cf_sip_change)call->wanted;
    if (wanted != CF_SIP_CHANGE_NOTHING) {
        call->wanted = CF_SIP_CHANGE_NOTHING;
        if (!start_change(calls, call, wanted))
            cf_sip_call_report_done(calls, call, 500);
    } else if (call->refresh_due) {
        call->refresh_due = false;
        if (!start_change(calls, call, CF_SIP_CHANGE_REFRESH))
            cf_sip_session_again(calls, call);
    }
}

bool cf_sip_call_take_description(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *msg)
{
    struct cf_sdp answer;
    if (msg->body.len == 0)
        return true; /* it should be there; the call stands without it as with a silent stream */
    if (cf_sdp_scan(cf_sip_ptr(msg, msg->body), msg->body.len, &answer) != CF_SDP_ERROR_OK ||
        !cf_sdp_accepted(&answer, &calls->stack->config.media))
        return false;
    if (call->offered != CF_SDP_INACTIVE && call->offered != CF_SIP_OFFERED_NOTHING)
        call->held = cf_sdp_answer_holds(&answer, (enum cf_sdp_direction)call->offered);
    return true;
}

bool cf_sip_call_take_answer(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response)
{
    const struct cf_sip_session_wish wish = wish_of(calls->stack);
    struct cf_sip_session_peer peer;
    cf_sip_session_read(response, &peer);
    call->session = cf_sip_session_as_uac(&wish, &peer);
    cf_sip_session_start(calls, call);
    return cf_sip_call_take_description(calls, call, response);
}

static void changed(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *client,
                    const struct cf_sip_msg *response)
{
    const enum cf_sip_change change = (enum cf_sip_change)call->change;
    cf_sip_call_set_target(calls, call, response);
    cf_sip_call_send_ack(calls, call, client);
    call->change = CF_SIP_CHANGE_NOTHING;
    const bool taken = cf_sip_call_take_answer(calls, call, response);
    if (taken && change != CF_SIP_CHANGE_REFRESH)
        call->holds = change == CF_SIP_CHANGE_HOLD;
    cf_sip_call_report_media(calls, call);
    if (change != CF_SIP_CHANGE_REFRESH)
        cf_sip_call_report_done(calls, call, taken ? 200 : 488);
    cf_sip_call_advance(calls, call);
}

/* RFC 3261 14.1: who made the Call-ID waits 2.1 to 4 s, the other side up to 2 s, in steps of 10 ms, by chance. */
static uint64_t glare_pause(const struct cf_sip_call *call, const struct cf_sip_client *client)
{
    const uint64_t chance = client->node.key.word[0];
    const uint64_t steps = call->outgoing ? 210 + chance % 191 : chance % 201;
    return steps * 10 * CF_SIP_NS_PER_MS;
}

static void not_changed(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *client,
                        unsigned status)
{
    const enum cf_sip_change change = (enum cf_sip_change)call->change;
    call->change = CF_SIP_CHANGE_NOTHING;
    calls->stack->counters.glares += status == 491;
    if (status == 491 && call->retries < CF_SIP_RETRIES_MAX) {
        call->retries++;
        if (change == CF_SIP_CHANGE_REFRESH)
            call->refresh_due = true;
        else
            call->wanted = (uint8_t)change;
        cf_sip_call_due(calls, call, CF_SIP_DUE_RETRY, calls->stack->now_ns + glare_pause(call, client) + 1);
        return;
    }
    if (change != CF_SIP_CHANGE_REFRESH)
        cf_sip_call_report_done(calls, call, status);
    else
        cf_sip_session_again(calls, call);
    cf_sip_call_advance(calls, call);
}

static void digit_answered(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status)
{
    if (status >= 300) {
        cf_sip_call_report_done(calls, call, status);
        return;
    }
    call->auth_tries = 0; /* the next digit may be challenged anew */
    cf_sip_call_due(calls, call, CF_SIP_DUE_DIGIT, calls->stack->now_ns + call->digit_ms * CF_SIP_NS_PER_MS);
}

/* True when the request was sent again with credentials; of a call that has ended only BYE is. */
static bool ask_again(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_use use,
                      const struct cf_sip_msg *response)
{
    const bool wanted = use == CF_SIP_USE_BYE ? call->state == CF_SIP_CALL_BYE_SENT : cf_sip_call_connected(call);
    uint8_t *tries = use == CF_SIP_USE_SUBSCRIBE ? &call->watch_tries : &call->auth_tries;
    if (!wanted || response == NULL || !cf_sip_login_challenged(calls->stack, response, tries))
        return false;
    call->credentials = true;
    switch (use) {
    case CF_SIP_USE_INVITE:
        return cf_sip_call_send_invite(calls, call);
    case CF_SIP_USE_BYE:
        return send_bye(calls, call);
    case CF_SIP_USE_INFO:
        call->digits_at--;
        cf_sip_call_next_digit(calls, call);
        return true;
    case CF_SIP_USE_REFER:
        return cf_sip_call_send_refer(calls, call);
    case CF_SIP_USE_NOTIFY:
        return cf_sip_call_send_notify(calls, call);
    case CF_SIP_USE_SUBSCRIBE:
        return cf_sip_call_send_subscribe(calls, call);
    default:
        return false;
    }
}

/* The call has ended meanwhile, and still a 2xx wants its ACK; one that began a call that nobody waits for any more, its BYE too. */
static void confirm_ended(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *client,
                          const struct cf_sip_msg *response)
{
    /* cppcheck-suppress ctunullpointer ; only a response is below 300, and each has its transaction */
    if (client->within)
        cf_sip_call_send_ack(calls, call, client);
    else
        cf_sip_call_end_fork(calls, call, client, response);
}

void cf_sip_call_request_response(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_use use,
                                  struct cf_sip_client *client, const struct cf_sip_msg *response, unsigned status)
{
    if ((status == 401 || status == 407) && ask_again(calls, call, use, response))
        return;
    if (use == CF_SIP_USE_BYE) {
        if (call->state == CF_SIP_CALL_BYE_SENT)
            cf_sip_call_end(calls, call);
        return;
    }
    if (!cf_sip_call_connected(call)) {
        if (use == CF_SIP_USE_INVITE && status < 300)
            confirm_ended(calls, call, client, response);
        return;
    }
    if (use == CF_SIP_USE_NOTIFY) {
        cf_sip_call_notify_response(calls, call,
                                    status); /* 481: of the subscription, not of the dialog (RFC 5057 5.2) */
    } else if (use == CF_SIP_USE_SUBSCRIBE) {
        cf_sip_call_watch_response(calls, call, response, status);
    } else if (status == 481 || status == 408) {
        cf_sip_call_hang_up(calls, call, CF_SIP_ENDING_TIMEOUT); /* RFC 3261 12.2.1.2: the peer has no such dialog */
    } else if (use == CF_SIP_USE_INFO) {
        digit_answered(calls, call, status);
    } else if (use == CF_SIP_USE_REFER) {
        cf_sip_call_refer_response(calls, call, response, status);
    } else if (status < 300) {
        changed(calls, call, client, response);
    } else if (status != 422 || !cf_sip_session_raise(calls, call, response) || !cf_sip_call_send_invite(calls, call)) {
        not_changed(calls, call, client, status);
    }
}

/* ---- digits (INFO with application/dtmf-relay) */

#define PAUSE_NS (2 * CF_SIP_NS_PER_S) /* of ',' */

/* The digits that run, if any, end; what the peer says to the last one is of no concern to those that may follow. */
static void stop_digits(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_client **info = &call->client[CF_SIP_USE_INFO];
    if (call->digits.first == 0)
        return;
    if (*info != NULL)
        (*info)->owner = NULL;
    *info = NULL;
    cf_sip_call_due(calls, call, CF_SIP_DUE_DIGIT, 0);
    cf_sip_call_report_done(calls, call, 487);
}

int cf_sip_call_digits(struct cf_sip_calls *calls, struct cf_sip_call *call, const char *digits, size_t len,
                       uint32_t duration_ms)
{
    struct cf_sip_store *store = &calls->stack->store;
    if (len != 0 && !cf_sip_call_connected(call))
        return -EINVAL;
    if (len > CF_SIP_DIGITS_MAX)
        return -EMSGSIZE;
    for (size_t i = 0; i < len; i++)
        if (digits[i] == '\0' || strchr("0123456789ABCDabcd*#,", digits[i]) == NULL)
            return -EMSGSIZE;
    if (len != 0 && call->operating && call->digits.first == 0)
        return -EBUSY;
    stop_digits(calls, call);
    if (len == 0)
        return 0;
    if (!cf_sip_store_put(store, &call->digits, digits, len)) {
        calls->stack->counters.no_block++;
        return -ENOSPC;
    }
    call->operating = true;
    call->digits_at = 0;
    call->digit_ms = duration_ms != 0 ? duration_ms : CF_SIP_DTMF_MS_DEFAULT;
    call->auth_tries = 0;
    cf_sip_call_due(calls, call, CF_SIP_DUE_DIGIT, calls->stack->now_ns);
    return 0;
}

static bool send_digit(struct cf_sip_calls *calls, struct cf_sip_call *call, char digit)
{
    char relay[64];
    struct cf_sip_out body = {.text = relay, .bytes_max = sizeof(relay)};
    struct cf_sip_asking asking;
    struct cf_sip_out *out = cf_sip_call_begin_request(calls, call, CF_SIP_INFO, &asking);
    cf_sip_dtmf_put(&body, (char)toupper((unsigned char)digit), call->digit_ms);
    cf_sip_put_body(out, "application/dtmf-relay", body.text, body.len);
    asking.use = CF_SIP_USE_INFO;
    return cf_sip_call_send_request(calls, call, &asking);
}

void cf_sip_call_next_digit(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    char digit;
    if (!call->operating || call->digits.first == 0 || !cf_sip_call_connected(call))
        return;
    if (call->state == CF_SIP_CALL_ANSWERED)
        return; /* until the ACK has come */
    if (cf_sip_store_get(&calls->stack->store, call->digits, call->digits_at, &digit, 1) == 0) {
        cf_sip_call_report_done(calls, call, 200);
        return;
    }
    call->digits_at++;
    if (digit == ',')
        cf_sip_call_due(calls, call, CF_SIP_DUE_DIGIT, calls->stack->now_ns + PAUSE_NS);
    else if (!send_digit(calls, call, digit))
        cf_sip_call_report_done(calls, call, 500);
}
