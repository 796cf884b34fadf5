/*
 * Transfers by REFER of either side, and the NOTIFYs that tell how they go; see call.h.
 *
 *     ours         ASKED --2xx, or NOTIFY--> ACCEPTED --NOTIFY with a final status, or none in time--> DONE
 *     the peer's   OBEYED --the call that was asked for has failed--> NOTHING
 *                  OBEYED --it is answered, and NOTIFY too--> OVER --BYE of either side--> the call is gone
 *
 * Source: RFC 3515, RFC 5589 (how they are used together), RFC 4488 (without NOTIFY), RFC 5057 (whom a failed NOTIFY concerns).
 */
#include <errno.h>

#include "adapters/sip/call.h"
#include "adapters/sip/field.h"
#include "adapters/sip/referral.h"
#include "callfan/tapi_const.h"

enum { LINES_BYTES_MAX = 2048 };

/* ---- names of dialogs */

/* The tag of an address that is kept as text; "0" of a peer without one (RFC 3891 3). */
static struct cf_sip_words tag_of(const char *text, size_t len)
{
    struct cf_sip_cursor c = {text, text + len};
    struct cf_sip_address address = {0};
    if (!cf_sip_address_read(&c, text, &address) || address.tag.len == 0)
        return (struct cf_sip_words){"0", 1};
    return (struct cf_sip_words){text + address.tag.at, address.tag.len};
}

static void put_replaces(struct cf_sip_calls *calls, const struct cf_sip_call *call, struct cf_sip_out *out)
{
    static const enum cf_sip_text parts[] = {CF_SIP_TEXT_CALL_ID, CF_SIP_TEXT_REMOTE, CF_SIP_TEXT_LOCAL};
    struct cf_sip_words words[3];
    char *at = calls->stack->text;
    for (unsigned i = 0; i < 3; i++) {
        words[i] = (struct cf_sip_words){at, cf_sip_call_text(calls, call, parts[i], at, UINT16_MAX)};
        at += words[i].len;
    }
    const struct cf_sip_words theirs = tag_of(words[1].text, words[1].len), ours = tag_of(words[2].text, words[2].len);
    const struct cf_sip_replaces replaces = {.call_id = words[0].text,
                                             .call_id_len = words[0].len,
                                             .to_tag = theirs.text,
                                             .to_tag_len = theirs.len,
                                             .from_tag = ours.text,
                                             .from_tag_len = ours.len};
    cf_sip_replaces_put_escaped(out, &replaces);
}

int cf_sip_call_name(struct cf_sip_calls *calls, const struct cf_sip_call *call, struct cf_sip_dialog_name *ret_name)
{
    struct cf_sip_dialog_name *name = ret_name;
    name->target = (struct cf_sip_out){.text = name->target_text, .bytes_max = sizeof(name->target_text)};
    name->replaces = (struct cf_sip_out){.text = name->replaces_text, .bytes_max = sizeof(name->replaces_text)};
    if (!cf_sip_call_connected(call) && call->state != CF_SIP_CALL_CALLING)
        return -EINVAL;
    const size_t len = cf_sip_call_text(calls, call, CF_SIP_TEXT_TARGET, name->target.text, name->target.bytes_max);
    const char *headers = memchr(name->target.text, '?', len);
    name->target.len = headers != NULL ? (size_t)(headers - name->target.text) : len;
    if (cf_sip_call_connected(call))
        put_replaces(calls, call, &name->replaces);
    return len == name->target.bytes_max || name->replaces.full ? -EMSGSIZE : 0;
}

/* ---- our REFER */

bool cf_sip_call_send_refer(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_asking asking;
    struct cf_sip_out *out = cf_sip_call_begin_request(calls, call, CF_SIP_REFER, &asking);
    cf_sip_put_contact(calls->stack, out, &asking.to);
    cf_sip_stack_put(calls->stack, call->lines, 0, call->lines.len);
    CF_SIP_PUT(out, "Content-Length: 0\r\n\r\n");
    asking.use = CF_SIP_USE_REFER;
    call->refer.cseq = asking.cseq;
    return cf_sip_call_send_request(calls, call, &asking);
}

/* Refer-To and Referred-By; false: the destination is none. */
static bool put_refer_lines(struct cf_sip_calls *calls, const struct cf_sip_call *call,
                            const struct cf_sip_referring *referring, struct cf_sip_out *out)
{
    char uri_text[512];
    struct cf_sip_out uri = {.text = uri_text, .bytes_max = sizeof(uri_text)};
    if (!cf_sip_destination_put(&calls->stack->config, referring->destination, &uri) ||
        memchr(uri.text, '?', uri.len) != NULL)
        return false;
    CF_SIP_PUT(out, "Refer-To: <");
    cf_sip_put(out, uri.text, uri.len);
    if (referring->wanted == CF_SIP_REFERRAL_REMOVE)
        CF_SIP_PUT(out, ";method=BYE");
    if (referring->replaces.len != 0) {
        CF_SIP_PUT(out, "?Replaces=");
        cf_sip_put(out, referring->replaces.text, referring->replaces.len);
    }
    CF_SIP_PUT(out, ">\r\nReferred-By: ");
    const size_t len = cf_sip_call_text(calls, call, CF_SIP_TEXT_LOCAL, calls->stack->text, UINT16_MAX);
    struct cf_sip_cursor c = {calls->stack->text, calls->stack->text + len};
    struct cf_sip_address local = {0};
    cf_sip_address_read(&c, calls->stack->text, &local);
    CF_SIP_PUT(out, "<");
    cf_sip_put(out, calls->stack->text + local.uri.at, local.uri.len);
    CF_SIP_PUT(out, ">\r\n");
    return !out->full;
}

static void forget_refer(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    call->refer = (struct cf_sip_refer){0};
    cf_sip_store_free(&calls->stack->store, &call->lines);
    cf_sip_call_due(calls, call, CF_SIP_DUE_REFER, 0);
}

int cf_sip_call_refer(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_referring *referring)
{
    char lines[LINES_BYTES_MAX];
    struct cf_sip_out out = {.text = lines, .bytes_max = sizeof(lines)};
    if (!cf_sip_call_connected(call))
        return -EINVAL;
    if (call->operating || call->refer.state != CF_SIP_REFER_NOTHING)
        return -EBUSY;
    if (!put_refer_lines(calls, call, referring, &out))
        return -EDESTADDRREQ;
    if (!cf_sip_store_put(&calls->stack->store, &call->lines, out.text, out.len)) {
        calls->stack->counters.no_block++;
        return -ENOSPC;
    }
    const bool waits = call->state == CF_SIP_CALL_ANSWERED;
    call->auth_tries = 0;
    if (!waits && !cf_sip_call_send_refer(calls, call)) {
        forget_refer(calls, call);
        return -ENOSPC;
    }
    call->refer.state = waits ? CF_SIP_REFER_WAITING : CF_SIP_REFER_ASKED;
    call->refer.wanted = (uint8_t)referring->wanted;
    call->operating = true;
    return 0;
}

static void count(struct cf_sip_counters *c, enum cf_sip_referral wanted, bool done)
{
    const bool transfer = wanted == CF_SIP_REFERRAL_TRANSFER;
    c->transfers += transfer && done;
    c->transfer_failures += transfer && !done;
    c->joined += wanted == CF_SIP_REFERRAL_JOIN && done;
    c->removed += wanted == CF_SIP_REFERRAL_REMOVE && done;
    c->focus_failures += !transfer && !done;
}

/* The outcome is known: after a transfer there is nothing left to talk about. more: the peer may yet tell of it. */
static void finish(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status, bool more)
{
    const enum cf_sip_referral wanted = (enum cf_sip_referral)call->refer.wanted;
    const bool done = status < 300;
    if (more && wanted != CF_SIP_REFERRAL_TRANSFER)
        call->former_refer = call->refer.cseq;
    forget_refer(calls, call);
    count(&calls->stack->counters, wanted, done);
    cf_sip_call_report_done(calls, call, done ? 200 : status);
    if (!done || wanted != CF_SIP_REFERRAL_TRANSFER)
        return;
    call->quiet = true;
    cf_sip_call_hang_up(calls, call, CF_SIP_ENDING_BYE);
}

void cf_sip_call_refer_confirmed(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->refer.state != CF_SIP_REFER_WAITING)
        return;
    call->refer.state = CF_SIP_REFER_ASKED;
    if (!cf_sip_call_send_refer(calls, call))
        finish(calls, call, 500, false);
}

void cf_sip_call_refer_response(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response,
                                unsigned status)
{
    bool subscribes = true;
    if (call->refer.state != CF_SIP_REFER_ASKED)
        return; /* NOTIFY came first */
    if (status >= 300) {
        finish(calls, call, status, false);
        return;
    }
    cf_sip_refer_sub_read(response, &subscribes);
    if (!subscribes) {
        finish(calls, call, 200, false); /* RFC 4488: nothing more will be heard of it */
        return;
    }
    call->refer.state = CF_SIP_REFER_ACCEPTED;
    /* RFC 3515 2.4.4: a NOTIFY comes at once */
    cf_sip_call_due(calls, call, CF_SIP_DUE_REFER, calls->stack->now_ns + 64 * calls->stack->config.t1_ns);
}

static void told(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status, bool over)
{
    const struct cf_sip_stack *stack = calls->stack;
    if (status >= 200) {
        finish(calls, call, status, !over);
    } else if (over) {
        finish(calls, call, 500, false); /* how it went is not said */
    } else {
        call->refer.state = CF_SIP_REFER_ACCEPTED;
        cf_sip_call_due(calls, call, CF_SIP_DUE_REFER, stack->now_ns + stack->config.transfer_limit_ns);
    }
}

static bool refuse(struct cf_sip_calls *calls, const struct cf_sip_request *request, unsigned status)
{
    cf_sip_reply_begin(calls->stack, request, status, NULL);
    cf_sip_reply_end(calls->transactions, request, status, "", 0);
    return false;
}

/* More of a REFER whose outcome is known. Where a NOTIFY does not say of which it tells, the older comes first (RFC 3515 2.4.6: the second
 * of a dialog has to be named). */
static bool is_former(struct cf_sip_call *call, const struct cf_sip_package *package, bool over)
{
    if (call->former_refer == 0 || (package->identified && package->id != call->former_refer))
        return false;
    if (over)
        call->former_refer = 0;
    return true;
}

bool cf_sip_call_notified(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request)
{
    const struct cf_sip_msg *msg = request->msg;
    struct cf_sip_package package;
    bool over = false;
    const int got = cf_sip_package_read(msg, &package);
    if (got < 0 || cf_sip_subscription_read(msg, &over) < 0)
        return refuse(calls, request, 400);
    if (got == 1 && package.conference && call->to_focus)
        return cf_sip_call_watched(calls, call, request, over);
    if (got == 0 || !package.refer) {
        struct cf_sip_out *out = cf_sip_reply_begin(calls->stack, request, 489, NULL);
        CF_SIP_PUT(out, "Allow-Events: refer\r\n");
        cf_sip_reply_end(calls->transactions, request, 489, "", 0);
        return false;
    }
    if (is_former(call, &package, over)) {
        cf_sip_reply_begin(calls->stack, request, 200, NULL);
        cf_sip_reply_end(calls->transactions, request, 200, "", 0);
        return true;
    }
    const bool asked = call->refer.state == CF_SIP_REFER_ASKED || call->refer.state == CF_SIP_REFER_ACCEPTED;
    if (!asked || (package.identified && package.id != call->refer.cseq)) {
        calls->stack->counters.refused_unknown++;
        return refuse(calls, request, 481);
    }
    const unsigned status = cf_sip_type_is(msg, "message", "sipfrag")
                                ? cf_sip_sipfrag_status(cf_sip_ptr(msg, msg->body), msg->body.len)
                                : 0;
    cf_sip_reply_begin(calls->stack, request, 200, NULL);
    cf_sip_reply_end(calls->transactions, request, 200, "", 0);
    if (cf_sip_call_connected(call))
        told(calls, call, status, over);
    return true;
}

/* ---- the peer's REFER */

bool cf_sip_call_send_notify(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    char text[64];
    struct cf_sip_out body = {.text = text, .bytes_max = sizeof(text)};
    struct cf_sip_asking asking;
    struct cf_sip_refer *refer = &call->refer;
    struct cf_sip_out *out = cf_sip_call_begin_request(calls, call, CF_SIP_NOTIFY, &asking);
    refer->told = refer->news;
    cf_sip_put_contact(calls->stack, out, &asking.to);
    CF_SIP_PUT(out, "Event: refer;id=");
    cf_sip_put_number(out, refer->cseq);
    if (refer->told >= 200)
        CF_SIP_PUT(out, "\r\nSubscription-State: terminated;reason=noresource\r\n");
    else
        CF_SIP_PUT(out, "\r\nSubscription-State: active;expires=300\r\n");
    CF_SIP_PUT(&body, "SIP/2.0 ");
    cf_sip_put_number(&body, refer->told);
    CF_SIP_PUT(&body, " ");
    cf_sip_put_string(&body, cf_sip_status_text(refer->told));
    CF_SIP_PUT(&body, "\r\n");
    cf_sip_put_body(out, "message/sipfrag;version=2.0", body.text, body.len);
    asking.use = CF_SIP_USE_NOTIFY;
    return cf_sip_call_send_request(calls, call, &asking);
}

/* The peer knows the outcome, or nothing can be told. It hangs up after success; if it does not, we do. */
static void end_obedience(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    const bool done = call->refer.news < 300;
    forget_refer(calls, call);
    if (!done)
        return;
    call->refer.state = CF_SIP_REFER_OVER;
    cf_sip_call_due(calls, call, CF_SIP_DUE_REFER, calls->stack->now_ns + 8 * calls->stack->config.t1_ns);
}

/* One NOTIFY at a time: what happens meanwhile waits, and only the newest of it is told. */
static void tell(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_refer *refer = &call->refer;
    const struct cf_sip_client *notify = call->client[CF_SIP_USE_NOTIFY];
    const bool on_its_way = notify != NULL && notify->state <= CF_SIP_TRANSACTION_PROCEEDING;
    if (!refer->silent && on_its_way)
        return;
    if (!refer->silent && refer->news != refer->told) {
        call->auth_tries = 0;
        refer->silent = !cf_sip_call_send_notify(calls, call);
    }
    if (refer->silent && refer->news >= 200)
        end_obedience(calls, call);
}

void cf_sip_call_notify_response(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status)
{
    struct cf_sip_refer *refer = &call->refer;
    if (refer->state != CF_SIP_REFER_OBEYED)
        return;
    refer->silent = status >= 300;
    if (refer->told >= 200)
        end_obedience(calls, call);
    else
        tell(calls, call);
}

void cf_sip_call_refer_progress(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status)
{
    struct cf_sip_call *referrer = call->referrer != 0 ? cf_sip_call_of(calls, call->referrer) : NULL;
    if (status >= 200)
        call->referrer = 0;
    if (referrer == NULL || referrer->refer.state != CF_SIP_REFER_OBEYED || !cf_sip_call_connected(referrer))
        return;
    referrer->refer.news = (uint16_t)status;
    tell(calls, referrer);
}

/* The headers that the REFER has for the new INVITE. */
static bool put_invite_lines(const struct cf_sip_msg *msg, const struct cf_sip_refer_to *to, struct cf_sip_out *out)
{
    char text[CF_SIP_REPLACES_MAX];
    struct cf_sip_replaces replaces;
    struct cf_sip_address by;
    if (to->replaces.len != 0) {
        const size_t len = cf_sip_unescape(text, sizeof(text), cf_sip_ptr(msg, to->replaces), to->replaces.len);
        if (len == 0 || !cf_sip_replaces_parse(text, len, &replaces))
            return false;
        CF_SIP_PUT(out, "Replaces: ");
        cf_sip_put(out, text, len);
        CF_SIP_PUT(out, "\r\nRequire: replaces\r\n");
    }
    if (cf_sip_referred_by_read(msg, &by) == 1) {
        CF_SIP_PUT(out, "Referred-By: ");
        cf_sip_put_value(out, cf_sip_ptr(msg, by.value), by.value.len);
        CF_SIP_PUT(out, "\r\n");
    }
    return !out->full;
}

/* Whoever asked for it, by the REFER's own word. */
static void report_begun(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *refer)
{
    struct cf_sip_identity identity = {.reason = LINECALLREASON_TRANSFER};
    char caller[CF_SIP_IDENTITY_MAX], called[CF_SIP_IDENTITY_MAX];
    struct cf_sip_event event = {.kind = CF_SIP_BEGUN, .identity = &identity};
    event.caller =
        (struct cf_sip_words){caller, cf_sip_call_text(calls, call, CF_SIP_TEXT_CALLER, caller, sizeof(caller))};
    event.called =
        (struct cf_sip_words){called, cf_sip_call_text(calls, call, CF_SIP_TEXT_CALLED, called, sizeof(called))};
    cf_sip_identity_of_referrer(refer, &identity.redirecting);
    cf_sip_call_report_event(calls, call, &event);
}

/* 202, the first NOTIFY, and the new call is told of. */
static void obey(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request,
                 struct cf_sip_call *made)
{
    bool subscribes = true;
    cf_sip_refer_sub_read(request->msg, &subscribes);
    struct cf_sip_out *out = cf_sip_reply_begin(calls->stack, request, 202, NULL);
    cf_sip_put_contact(calls->stack, out, &request->source);
    if (!subscribes)
        CF_SIP_PUT(out, "Refer-Sub: false\r\n");
    cf_sip_reply_end(calls->transactions, request, 202, "", 0);
    calls->stack->counters.referred++;
    call->refer = (struct cf_sip_refer){
        .state = CF_SIP_REFER_OBEYED, .silent = !subscribes, .news = 100, .cseq = request->msg->cseq};
    tell(calls, call);
    report_begun(calls, made, request->msg);
}

/* Whoever sends REFER has no number to dial: it must be a whole address. */
static bool is_address(const struct cf_sip_msg *msg, struct cf_sip_slice text)
{
    struct cf_sip_uri uri;
    return cf_sip_uri_read(cf_sip_ptr(msg, text), text.len, &uri) && uri.scheme != CF_SIP_SCHEME_OTHER;
}

static bool refuse_transfer(struct cf_sip_calls *calls, const struct cf_sip_request *request, unsigned status)
{
    calls->stack->counters.refused_transfer++;
    return refuse(calls, request, status);
}

bool cf_sip_call_referred(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request)
{
    struct cf_sip_stack *stack = calls->stack;
    const struct cf_sip_msg *msg = request->msg;
    char lines[LINES_BYTES_MAX];
    struct cf_sip_out out = {.text = lines, .bytes_max = sizeof(lines)};
    struct cf_sip_refer_to to;
    struct cf_sip_call *made;
    if (stack->config.refer == CF_SIP_TRUST_NOBODY) {
        cf_sip_reply_method(stack, request);
        return false;
    }
    if (!cf_sip_reply_trusts(stack, request, stack->config.refer))
        return refuse_transfer(calls, request, 403);
    if (!cf_sip_reply_admits(stack, request))
        return false;
    if (cf_sip_refer_to_read(msg, &to) != 1 || !put_invite_lines(msg, &to, &out))
        return refuse_transfer(calls, request, 400);
    if (!cf_sip_call_connected(call) || !to.invites)
        return refuse_transfer(calls, request, 603);
    if (call->operating || call->refer.state != CF_SIP_REFER_NOTHING)
        return refuse_transfer(calls, request, 491);
    const struct cf_sip_making making = {.destination = {cf_sip_ptr(msg, to.uri), to.uri.len},
                                         .lines = {out.text, out.len},
                                         .referrer = cf_sip_call_id(calls, call)};
    const int rc = !is_address(msg, to.uri) ? -EINVAL
                   : calls->overload        ? -ENOSPC
                                            : cf_sip_call_make(calls, &making, &made);
    if (rc < 0)
        return refuse_transfer(calls, request, rc == -EINVAL ? 404 : 503);
    obey(calls, call, request, made);
    return true;
}

/* ---- the clock */

void cf_sip_call_refer_due(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (!cf_sip_call_connected(call))
        return;
    if (call->refer.state == CF_SIP_REFER_ACCEPTED)
        finish(calls, call, 408, true);
    else if (call->refer.state == CF_SIP_REFER_OVER)
        cf_sip_call_hang_up(calls, call, CF_SIP_ENDING_BYE);
}
