/* Our INVITE: called, answered, forked, redirected, challenged, cancelled; see call.h. */
#include <errno.h>

#include "adapters/sip/call.h"
#include "adapters/sip/field.h"
#include "adapters/sip/login.h"
#include "adapters/sip/referral.h"

enum { URI_BYTES_MAX = 512, Q850_ELSEWHERE = 26 };

/* ---- destinations */

static bool starts(struct cf_sip_words words, const char *lower)
{
    const size_t len = strlen(lower);
    return words.len >= len && cf_sip_same(words.text, len, lower, len);
}

/* What separates digits for the eye, in a number that is nothing but digits and such. */
static bool is_dialable(struct cf_sip_words words)
{
    for (size_t i = 0; i < words.len; i++)
        if (words.text[i] == '\0' || strchr("0123456789+*#ABCDabcd ()-.", words.text[i]) == NULL)
            return false;
    return true;
}

static void put_user(struct cf_sip_out *out, struct cf_sip_words user)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,;?/";
    const bool dialable = is_dialable(user);
    for (size_t i = 0; i < user.len; i++) {
        const char c = user.text[i];
        if (dialable && strchr(" ()-.", c) != NULL)
            continue;
        if (c != '\0' && strchr(plain, c) != NULL) {
            cf_sip_put(out, &c, 1);
        } else {
            const char escaped[] = {'%', "0123456789ABCDEF"[(uint8_t)c >> 4], "0123456789ABCDEF"[c & 15]};
            cf_sip_put(out, escaped, sizeof(escaped));
        }
    }
}

/* A dialable address of TAPI may go on behind '|', '^' or a line's end with a subaddress, a name and further addresses. */
static struct cf_sip_words first_address(struct cf_sip_words destination)
{
    size_t len = 0;
    while (len < destination.len && strchr("|^\r\n", destination.text[len]) == NULL)
        len++;
    return (struct cf_sip_words){destination.text, len};
}

static bool is_clean(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)text[i] <= 0x20 || (uint8_t)text[i] >= 0x7f || text[i] == '<' || text[i] == '>' || text[i] == '"')
            return false;
    return true;
}

/* A URI that can be called: sip: or tel:, in bytes that can stand in a request line. */
static bool is_callable(const char *text, size_t len)
{
    struct cf_sip_uri uri;
    return is_clean(text, len) && cf_sip_uri_read(text, len, &uri) &&
           (uri.scheme == CF_SIP_SCHEME_SIP || uri.scheme == CF_SIP_SCHEME_TEL) &&
           (uri.user_len != 0 || uri.host_len != 0);
}

bool cf_sip_destination_put(const struct cf_sip_config *config, struct cf_sip_words destination, struct cf_sip_out *out)
{
    const struct cf_sip_words address = first_address(destination);
    if (starts(address, "sip:") || starts(address, "sips:") || starts(address, "tel:")) {
        cf_sip_put(out, address.text, address.len);
    } else if (address.len != 0 && memchr(address.text, '@', address.len) != NULL) {
        CF_SIP_PUT(out, "sip:");
        cf_sip_put(out, address.text, address.len);
    } else if (address.len != 0 && config->has_peer) {
        CF_SIP_PUT(out, "sip:");
        put_user(out, address);
        CF_SIP_PUT(out, "@");
        cf_sip_put_string(out, config->domain);
    }
    return !out->full && out->len != 0 && is_callable(out->text, out->len);
}

/* Where it goes: the configured peer, else the numeric address of the URI. */
static bool find_hop(const struct cf_sip_config *config, const char *uri_text, size_t len, struct cf_sip_hop *ret_hop)
{
    struct cf_sip_uri uri;
    if (config->has_peer) {
        *ret_hop = config->peer;
        return true;
    }
    *ret_hop = (struct cf_sip_hop){.stream = cf_sip_uri_wants_stream(uri_text, len)};
    return cf_sip_uri_read(uri_text, len, &uri) &&
           cf_sip_addr_parse(&ret_hop->addr, uri.host, uri.host_len, uri.port != 0 ? uri.port : CF_SIP_DEFAULT_PORT) &&
           ret_hop->addr.sa.sa_family == config->family;
}

bool cf_sip_callable(const struct cf_sip_config *config, struct cf_sip_words destination)
{
    char uri[URI_BYTES_MAX];
    struct cf_sip_out out = {.text = uri, .bytes_max = sizeof(uri)};
    struct cf_sip_hop hop;
    return cf_sip_destination_put(config, destination, &out) && find_hop(config, uri, out.len, &hop);
}

/* ---- making */

static void put_host(struct cf_sip_out *out, const struct cf_sip_config *config)
{
    if (config->has_peer) {
        cf_sip_put_string(out, config->domain);
        return;
    }
    cf_sip_put_string(out, config->host);
    CF_SIP_PUT(out, ":");
    cf_sip_put_number(out, config->port);
}

/* A number of this call that nobody can guess. */
static struct cf_sip_key random_of(const struct cf_sip_calls *calls, const struct cf_sip_call *call, const char *what)
{
    const uint64_t name = cf_sip_call_id(calls, call);
    struct cf_sip_hash hash;
    cf_sip_hash_init(&hash, &calls->stack->config.secret);
    cf_sip_hash_bytes(&hash, what, strlen(what));
    cf_sip_hash_number(&hash, name);
    cf_sip_hash_number(&hash, calls->stack->now_ns);
    return cf_sip_hash_end(&hash);
}

static void put_made_part(struct cf_sip_calls *calls, const struct cf_sip_call *call, enum cf_sip_text part,
                          struct cf_sip_words uri)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_out *out = &stack->out;
    const struct cf_sip_key random = random_of(calls, call, part == CF_SIP_TEXT_LOCAL ? "tag" : "call");
    const char *user = stack->config.number != NULL ? stack->config.number : stack->config.user;
    char number[CF_SIP_IDENTITY_MAX];
    switch (part) {
    case CF_SIP_TEXT_CALL_ID:
        cf_sip_put_hex64(out, random.word[0]);
        cf_sip_put_hex64(out, random.word[1]);
        CF_SIP_PUT(out, "@");
        cf_sip_put_string(out, stack->config.host);
        break;
    case CF_SIP_TEXT_LOCAL:
        CF_SIP_PUT(out, "<sip:");
        cf_sip_put_string(out, user);
        CF_SIP_PUT(out, "@");
        put_host(out, &stack->config);
        CF_SIP_PUT(out, ">;tag=");
        cf_sip_put_hex64(out, random.word[0]);
        break;
    case CF_SIP_TEXT_CALLER:
        cf_sip_put_string(out, user);
        break;
    case CF_SIP_TEXT_CALLED:
        cf_sip_put(out, number, cf_sip_number_copy(number, sizeof(number), uri.text, uri.len));
        break;
    case CF_SIP_TEXT_REMOTE:
        CF_SIP_PUT(out, "<");
        cf_sip_put(out, uri.text, uri.len);
        CF_SIP_PUT(out, ">");
        break;
    case CF_SIP_TEXT_TARGET:
        cf_sip_put(out, uri.text, uri.len);
        break;
    case CF_SIP_TEXT_CALLER_NAME:
    case CF_SIP_TEXT_ROUTES:
    case CF_SIP_TEXTS:
        break;
    }
}

static bool keep_made_texts(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_words uri)
{
    struct cf_sip_out *out = cf_sip_stack_begin(calls->stack);
    for (unsigned part = 0; part < CF_SIP_TEXTS; part++) {
        const size_t at = out->len;
        put_made_part(calls, call, (enum cf_sip_text)part, uri);
        call->text_len[part] = (uint16_t)(out->len - at);
    }
    return !out->full && cf_sip_store_put(&calls->stack->store, &call->text, out->text, out->len);
}

static uint64_t limit_ns(const struct cf_sip_calls *calls, const struct cf_sip_call *call)
{
    return call->limit_s != 0 ? call->limit_s * CF_SIP_NS_PER_S : calls->stack->config.ring_limit_ns;
}

int cf_sip_call_make(struct cf_sip_calls *calls, const struct cf_sip_making *making, struct cf_sip_call **ret_call)
{
    struct cf_sip_stack *stack = calls->stack;
    char uri[URI_BYTES_MAX];
    struct cf_sip_out out = {.text = uri, .bytes_max = sizeof(uri)};
    struct cf_sip_hop hop;
    if (!cf_sip_destination_put(&stack->config, making->destination, &out) ||
        !find_hop(&stack->config, uri, out.len, &hop))
        return -EINVAL;
    struct cf_sip_call *call = cf_sip_call_claim(calls, CF_SIP_CALL_CALLING);
    if (call == NULL)
        return -ENOSPC;
    call->outgoing = true;
    call->user = making->user;
    call->limit_s = making->limit_s;
    call->to_focus = making->to_focus;
    call->holds = making->holds;
    cf_sip_call_set_peer(calls, call, &hop);
    call->sdp_session = random_of(calls, call, "sdp").word[0] >> 1;
    call->credentials = true;
    if (making->lines.len != 0 &&
        !cf_sip_store_put(&stack->store, &call->lines, making->lines.text, making->lines.len)) {
        cf_sip_call_free(calls, call);
        return -ENOSPC;
    }
    if (!keep_made_texts(calls, call, (struct cf_sip_words){uri, out.len}) || !cf_sip_call_send_invite(calls, call)) {
        cf_sip_call_free(calls, call);
        return -ENOSPC;
    }
    stack->counters.made++;
    call->referrer = making->referrer;
    cf_sip_call_due(calls, call, CF_SIP_DUE_LIMIT, stack->now_ns + limit_ns(calls, call));
    *ret_call = call;
    return 0;
}

/* ---- the end of an attempt */

static void fail(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_cause *cause)
{
    cf_sip_call_refer_progress(calls, call,
                               cause->ending == CF_SIP_ENDING_CANCEL   ? 487
                               : cause->ending == CF_SIP_ENDING_STATUS ? cause->status
                                                                       : 408);
    cf_sip_call_report_disconnected(calls, call, cause);
    cf_sip_call_linger(calls, call);
}

/* Our own CANCEL: who waited for an answer in vain hears NOANSWER. */
static void fail_cancelled(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->rang_too_long)
        fail(calls, call, &(struct cf_sip_cause){.ending = CF_SIP_ENDING_STATUS, .status = 408});
    else
        fail(calls, call,
             &(struct cf_sip_cause){.ending = CF_SIP_ENDING_CANCEL, .q850 = call->picked_up ? Q850_ELSEWHERE : 0});
}

void cf_sip_call_unreachable(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->state == CF_SIP_CALL_CANCELLING) {
        fail_cancelled(calls, call);
        return;
    }
    calls->stack->counters.unreachable++;
    fail(calls, call, &(struct cf_sip_cause){.ending = CF_SIP_ENDING_UNREACHABLE});
}

static void send_cancel(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_client *invite = call->client[CF_SIP_USE_INVITE];
    if (call->cancel_sent || invite == NULL || invite->state != CF_SIP_TRANSACTION_PROCEEDING)
        return; /* before a provisional response it must not be sent (RFC 3261 9.1) */
    call->cancel_sent = true;
    cf_sip_call_due(calls, call, CF_SIP_DUE_LIMIT, calls->stack->now_ns + 64 * calls->stack->config.t1_ns);
    cf_sip_client_cancel(calls->transactions, invite);
}

void cf_sip_call_give_up(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    call->state = CF_SIP_CALL_CANCELLING;
    cf_sip_call_due(calls, call, CF_SIP_DUE_LIMIT, 0); /* until there is a provisional response timer B limits it */
    send_cancel(calls, call);
}

void cf_sip_call_out_of_time(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->state == CF_SIP_CALL_CALLING) {
        calls->stack->counters.no_answer++;
        call->rang_too_long = true;
        cf_sip_call_give_up(calls, call);
    } else if (call->state == CF_SIP_CALL_CANCELLING) {
        fail_cancelled(calls, call);
    }
}

/* ---- provisional responses */

/* Requests of the peer are looked for under the dialog that was heard of last. */
static void join_dialog(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_key *key)
{
    if (call->node.in && cf_sip_key_same(&call->node.key, key))
        return;
    call->remote_cseq = 0; /* each dialog counts for itself */
    cf_sip_table_remove(&calls->dialogs, &call->node);
    cf_sip_table_insert(&calls->dialogs, &call->node, *key);
}

/* RFC 3262 4: in order, each fork counts for itself; what comes again is not acknowledged again, its PRACK is repeated. */
static void acknowledge(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response,
                        const struct cf_sip_key *fork)
{
    uint32_t rseq, required = 0;
    unsigned others;
    if (!cf_sip_options_read(response, &response->require, &required, &others) ||
        (required & 1u << CF_SIP_OPTION_REL100) == 0 || cf_sip_rseq_read(response, &rseq) != 1)
        return;
    const bool same_fork = call->reliable_seen != 0 && cf_sip_key_same(&call->reliable_fork, fork);
    if (same_fork && rseq != call->reliable_seen + 1)
        return;
    call->reliable_fork = *fork;
    call->reliable_seen = rseq;
    cf_sip_call_send_prack(calls, call, response);
}

static void tell_progress(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_event_kind kind)
{
    if (call->progress >= kind)
        return;
    call->progress = (uint8_t)kind;
    cf_sip_call_report(calls, call, kind);
}

static void tell_redirection(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response)
{
    struct cf_sip_party party;
    uint32_t reason;
    if (cf_sip_identity_of_redirection(response, &party, &reason))
        cf_sip_call_report_event(calls, call, &(struct cf_sip_event){.kind = CF_SIP_INFORMED, .redirection = &party});
}

static void provisional(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response)
{
    if (response->to.tag.len != 0 && response->status != 100) {
        const struct cf_sip_key fork = cf_sip_key_of_response(calls, response);
        join_dialog(calls, call, &fork);
        acknowledge(calls, call, response, &fork);
    }
    if (call->state == CF_SIP_CALL_CANCELLING) {
        send_cancel(calls, call);
        return;
    }
    if (response->status == 199)
        return;
    if (response->status == 180)
        call->alerted = true;
    tell_progress(calls, call, response->status == 180 ? CF_SIP_RINGBACK : CF_SIP_PROCEEDING);
    if (response->status == 181)
        tell_redirection(calls, call, response);
    if (response->status != 100)
        cf_sip_call_refer_progress(calls, call, response->status);
}

/* ---- 2xx */

static bool keep_dialog(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response)
{
    char routes[CF_SIP_ROUTES_BYTES_MAX];
    const struct cf_sip_key key = cf_sip_key_of_response(calls, response);
    const size_t routes_len = cf_sip_routes_reversed(response, routes, sizeof(routes));
    join_dialog(calls, call, &key);
    cf_sip_call_set_target(calls, call, response);
    return cf_sip_call_set(calls, call, CF_SIP_TEXT_REMOTE, cf_sip_ptr(response, response->to.value),
                           response->to.value.len) &&
           cf_sip_call_set(calls, call, CF_SIP_TEXT_ROUTES, routes, routes_len);
}

static void tell_connected(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response)
{
    struct cf_sip_party party;
    if (cf_sip_identity_of_answer(response, calls->stack->config.trust_asserted, &party))
        cf_sip_call_report_event(calls, call, &(struct cf_sip_event){.kind = CF_SIP_INFORMED, .connected = &party});
    cf_sip_call_report_media(calls, call);
}

static void success(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *client,
                    const struct cf_sip_msg *response)
{
    const bool cancelling = call->state == CF_SIP_CALL_CANCELLING;
    if (!keep_dialog(calls, call, response)) {
        cf_sip_call_end_fork(calls, call, client, response); /* of the dialog nothing is kept but what the 2xx says */
        fail(calls, call, &(struct cf_sip_cause){.ending = CF_SIP_ENDING_STATUS, .status = 500});
        return;
    }
    call->state = CF_SIP_CALL_CONFIRMED;
    call->auth_tries = 0;
    cf_sip_call_due(calls, call, CF_SIP_DUE_LIMIT, 0);
    cf_sip_call_send_ack(calls, call, client);
    cf_sip_store_free(&calls->stack->store, &call->lines);
    const bool wrong = call->to_focus && !cf_sip_focus_read(response);
    calls->stack->counters.no_focus += wrong;
    if (wrong || !cf_sip_call_take_answer(calls, call, response)) {
        cf_sip_call_refer_progress(calls, call, 488);
        cf_sip_call_end_incompatible(calls, call);
        return;
    }
    calls->stack->counters.answered++;
    calls->stack->counters.conferences += call->to_focus;
    tell_connected(calls, call, response);
    cf_sip_call_refer_progress(calls, call, cancelling ? 487 : 200);
    if (cancelling) /* the CANCEL came too late */
        cf_sip_call_drop(calls, call, 0);
    else if (call->to_focus && cf_sip_conference_package_read(response))
        cf_sip_call_watch(calls, call);
}

/* A further 2xx to the INVITE that began the call: the same again, or another fork's. */
static void further_success(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *client,
                            const struct cf_sip_msg *response)
{
    const struct cf_sip_key key = cf_sip_key_of_response(calls, response);
    if (client->within || (call->node.in && cf_sip_key_same(&call->node.key, &key)))
        cf_sip_client_repeat_ack(calls->transactions, client);
    else
        cf_sip_call_end_fork(calls, call, client, response);
}

/* ---- what is tried again */

static bool invite_again(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    call->reliable_seen = 0;
    return cf_sip_call_send_invite(calls, call);
}

/* RFC 3261 8.1.3.4: the most wanted contact that can be called. Its target set is not searched further. */
static bool follow(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_contacts contacts;
    struct cf_sip_hop hop;
    if (call->redirects >= stack->config.redirects_max)
        return false;
    cf_sip_contacts_read(response, &contacts);
    for (unsigned i = 0; i < contacts.count; i++) {
        const char *uri = cf_sip_ptr(response, contacts.contact[i].uri);
        const size_t len = contacts.contact[i].uri.len;
        if (!is_callable(uri, len) || !find_hop(&stack->config, uri, len, &hop) ||
            !cf_sip_call_set(calls, call, CF_SIP_TEXT_TARGET, uri, len))
            continue;
        call->redirects++;
        call->auth_tries = 0;
        call->credentials = false; /* whoever is called now may be another */
        cf_sip_call_set_peer(calls, call, &hop);
        stack->counters.redirected++;
        if (!invite_again(calls, call))
            return false;
        call->progress = 0; /* another is called, who does not ring yet */
        tell_progress(calls, call, CF_SIP_PROCEEDING);
        tell_redirection(calls, call, response);
        return true;
    }
    return false;
}

static bool try_again(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response)
{
    switch (response->status) {
    case 401:
    case 407:
        if (!cf_sip_login_challenged(calls->stack, response, &call->auth_tries))
            return false;
        call->credentials = true;
        return invite_again(calls, call);
    case 422:
        return cf_sip_session_raise(calls, call, response) && invite_again(calls, call);
    case 300:
    case 301:
    case 302:
    case 305:
        return follow(calls, call, response);
    default:
        return false;
    }
}

static void failure(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response)
{
    const struct cf_sip_cause cause = cf_sip_call_cause(response, CF_SIP_ENDING_STATUS);
    if (call->state == CF_SIP_CALL_CANCELLING) {
        fail_cancelled(calls, call);
        return;
    }
    if (try_again(calls, call, response))
        return;
    if (response->status == 486 || response->status == 600)
        cf_sip_call_report(calls, call, CF_SIP_BUSY);
    fail(calls, call, &cause);
}

void cf_sip_call_invite_response(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *client,
                                 enum cf_sip_heard heard, const struct cf_sip_msg *response)
{
    const bool calling = call->state == CF_SIP_CALL_CALLING || call->state == CF_SIP_CALL_CANCELLING;
    if (heard == CF_SIP_HEARD_SUCCESS)
        further_success(calls, call, client, response);
    else if (!calling && heard == CF_SIP_HEARD_FINAL)
        cf_sip_call_request_response(calls, call, CF_SIP_USE_INVITE, client, response, response->status);
    else if (!calling)
        return;
    else if (heard == CF_SIP_HEARD_PROVISIONAL)
        provisional(calls, call, response);
    else if (response->status < 300)
        success(calls, call, client, response);
    else
        failure(calls, call, response);
}
