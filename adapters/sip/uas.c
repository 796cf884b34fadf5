/* The peer's INVITE: offered, accepted, answered, refused, cancelled; see call.h. */
#include <errno.h>

#include "adapters/sip/call.h"
#include "adapters/sip/field.h"

#define RING_AGAIN_NS (60 * CF_SIP_NS_PER_S) /* RFC 3261 13.3.1.1: a proxy gives up after three silent minutes */

/* ---- beginning */

static void put_routes(struct cf_sip_out *out, const struct cf_sip_msg *invite)
{
    for (unsigned i = 0; i < invite->routes_count; i++) {
        if (i != 0)
            CF_SIP_PUT(out, ", ");
        cf_sip_put_value(out, cf_sip_ptr(invite, invite->routes[i]), invite->routes[i].len);
    }
}

static void put_part(struct cf_sip_calls *calls, const struct cf_sip_beginning *beginning, enum cf_sip_text part)
{
    struct cf_sip_out *out = &calls->stack->out;
    const struct cf_sip_msg *invite = beginning->invite;
    const struct cf_sip_party *caller = &beginning->identity->caller;
    const struct cf_sip_party *called = &beginning->identity->called;
    switch (part) {
    case CF_SIP_TEXT_CALL_ID:
        cf_sip_put_value(out, cf_sip_ptr(invite, invite->call_id), invite->call_id.len);
        break;
    case CF_SIP_TEXT_LOCAL:
        cf_sip_put_value(out, cf_sip_ptr(invite, invite->to.value), invite->to.value.len);
        CF_SIP_PUT(out, ";tag=");
        cf_sip_put(out, beginning->tag, CF_SIP_TAG_LEN);
        break;
    case CF_SIP_TEXT_REMOTE:
        cf_sip_put_value(out, cf_sip_ptr(invite, invite->from.value), invite->from.value.len);
        break;
    case CF_SIP_TEXT_ROUTES:
        put_routes(out, invite);
        break;
    case CF_SIP_TEXT_CALLER:
        cf_sip_put(out, caller->number, caller->number_len);
        break;
    case CF_SIP_TEXT_CALLER_NAME:
        cf_sip_put(out, caller->name, caller->name_len);
        break;
    case CF_SIP_TEXT_CALLED:
        cf_sip_put(out, called->number, called->number_len);
        break;
    case CF_SIP_TEXT_TARGET:
        cf_sip_put_value(out, cf_sip_ptr(invite, invite->contact.uri), invite->contact.uri.len);
        break;
    case CF_SIP_TEXTS:
        break;
    }
}

/* Writes all texts into the stack's buffer and keeps them; false when they do not fit. */
static bool keep_texts(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_beginning *beginning)
{
    struct cf_sip_out *out = cf_sip_stack_begin(calls->stack);
    for (unsigned part = 0; part < CF_SIP_TEXTS; part++) {
        const size_t at = out->len;
        put_part(calls, beginning, (enum cf_sip_text)part);
        if (out->full || out->len - at > UINT16_MAX)
            return false;
        call->text_len[part] = (uint16_t)(out->len - at);
    }
    return cf_sip_store_put(&calls->stack->store, &call->text, out->text, out->len);
}

static void insert(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *invite,
                   const char *tag)
{
    const struct cf_sip_key key =
        cf_sip_call_key(calls, (struct cf_sip_words){cf_sip_ptr(invite, invite->call_id), invite->call_id.len},
                        (struct cf_sip_words){tag, CF_SIP_TAG_LEN},
                        (struct cf_sip_words){cf_sip_ptr(invite, invite->from.tag), invite->from.tag.len});
    cf_sip_table_insert(&calls->dialogs, &call->node, key);
}

struct cf_sip_call *cf_sip_call_new(struct cf_sip_calls *calls, const struct cf_sip_beginning *beginning)
{
    struct cf_sip_store *store = &calls->stack->store;
    const struct cf_sip_out *body = beginning->body;
    struct cf_sip_call *call = cf_sip_call_claim(calls, CF_SIP_CALL_OFFERING);
    if (call == NULL)
        return NULL;
    if (!cf_sip_store_put(store, &call->body, body->text, body->len) || !keep_texts(calls, call, beginning)) {
        calls->stack->counters.no_block++;
        cf_sip_call_free(calls, call);
        return NULL;
    }
    call->offers = beginning->offers;
    call->held = beginning->holds;
    call->reliable.used = beginning->reliable;
    call->session = beginning->session;
    call->invite_cseq = beginning->invite->cseq;
    call->remote_cseq = beginning->invite->cseq;
    call->sdp_version = 1;
    call->sdp_session = beginning->sdp_session;
    call->sdp_mark = beginning->sdp_mark;
    if (call->offers)
        call->offered = CF_SDP_SENDRECV;
    cf_sip_call_set_peer(calls, call, beginning->source);
    insert(calls, call, beginning->invite, beginning->tag);
    return call;
}

void cf_sip_call_start(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_server *invite)
{
    call->invite = invite;
    invite->owner = &call->invite;
    cf_sip_call_due(calls, call, CF_SIP_DUE_LIMIT, calls->stack->now_ns + calls->stack->config.ring_limit_ns);
}

static struct cf_sip_words words_of(const char *text, size_t len)
{
    return (struct cf_sip_words){text, len};
}

void cf_sip_call_offer(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_identity *identity)
{
    calls->stack->counters.offered++;
    cf_sip_call_report_event(
        calls, call,
        &(struct cf_sip_event){.kind = CF_SIP_OFFERING,
                               .identity = identity,
                               .caller = words_of(identity->caller.number, identity->caller.number_len),
                               .caller_name = words_of(identity->caller.name, identity->caller.name_len),
                               .called = words_of(identity->called.number, identity->called.number_len)});
}

/* ---- answering */

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
    cf_sip_stack_put(calls->stack, invite->head, 0, status < 300 ? invite->head.len : invite->routes_at);
    return out;
}

/* The prepared session description, with the lines before it. */
static void put_prepared_body(struct cf_sip_calls *calls, const struct cf_sip_call *call)
{
    struct cf_sip_out *out = &calls->stack->out;
    CF_SIP_PUT(out, "Content-Type: application/sdp\r\nContent-Length: ");
    cf_sip_put_number(out, call->body.len);
    CF_SIP_PUT(out, "\r\n\r\n");
    cf_sip_stack_put(calls->stack, call->body, 0, call->body.len);
}

/* RFC 3262 3: a first number within 31 bits; an INVITE without an offer gets ours with the first reliable response (5). */
static void begin_reliable(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_reliable *reliable = &call->reliable;
    const bool first = reliable->rseq == 0;
    if (first)
        reliable->rseq = (uint32_t)call->sdp_session & 0xFFFFFF;
    reliable->rseq++;
    reliable->waiting = true;
    reliable->offers = first && call->offers;
    reliable->repeat_ns = calls->stack->config.t1_ns;
    reliable->end_ns = calls->stack->now_ns + 64 * calls->stack->config.t1_ns;
    cf_sip_call_due(calls, call, CF_SIP_DUE_RELIABLE, calls->stack->now_ns + reliable->repeat_ns);
}

void cf_sip_call_trying(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->state != CF_SIP_CALL_OFFERING)
        return;
    /* Of its head only Via to CSeq; the tag that we add there does no harm (RFC 3261 8.2.6.2). */
    struct cf_sip_out *out = cf_sip_stack_begin(calls->stack);
    cf_sip_put_status_line(out, 100, NULL);
    cf_sip_stack_put(calls->stack, call->invite->head, 0, call->invite->routes_at);
    cf_sip_put_body(out, "", "", 0);
    cf_sip_server_respond(calls->transactions, call->invite, 100);
}

static void send_ringing(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_out *out = begin_response(calls, call, 180);
    const bool reliable = call->reliable.used;
    cf_sip_put_contact(stack, out, &call->invite->peer);
    if (reliable) {
        begin_reliable(calls, call);
        CF_SIP_PUT(out, "Require: 100rel\r\n");
        cf_sip_rseq_put(out, call->reliable.rseq);
    }
    if (reliable && call->reliable.offers)
        put_prepared_body(calls, call);
    else
        cf_sip_put_body(out, "", "", 0);
    cf_sip_server_respond(calls->transactions, call->invite, 180);
    cf_sip_call_due(calls, call, CF_SIP_DUE_RING, stack->now_ns + RING_AGAIN_NS);
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

void cf_sip_call_ring_again(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->state == CF_SIP_CALL_ACCEPTED)
        send_ringing(calls, call);
}

void cf_sip_call_wait_ack(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_hop *peer,
                          uint32_t cseq, bool offers)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_ok *ok = &call->ok;
    cf_sip_store_free(&stack->store, &ok->message);
    *ok = (struct cf_sip_ok){.peer = *peer, .cseq = cseq, .waiting = true, .offers = offers};
    cf_sip_stack_keep(stack, &ok->message);
    ok->repeat_ns = stack->config.t1_ns;
    ok->end_ns = stack->now_ns + 64 * stack->config.t1_ns;
    cf_sip_call_due(calls, call, CF_SIP_DUE_OK, stack->now_ns + ok->repeat_ns);
}

static void send_answer(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_out *out = begin_response(calls, call, 200);
    const struct cf_sip_hop peer = call->invite->peer;
    const bool described = call->reliable.rseq != 0 && call->offers; /* by the reliable 180 and its PRACK */
    cf_sip_put_contact(stack, out, &peer);
    cf_sip_session_put(out, &call->session);
    if (call->session.required)
        CF_SIP_PUT(out, "Require: timer\r\n");
    if (described)
        cf_sip_put_body(out, "", "", 0);
    else
        put_prepared_body(calls, call);
    cf_sip_server_respond(calls->transactions, call->invite, 200);
    cf_sip_call_due(calls, call, CF_SIP_DUE_LIMIT, 0);
    cf_sip_call_due(calls, call, CF_SIP_DUE_RING, 0);
    cf_sip_call_due(calls, call, CF_SIP_DUE_RELIABLE, 0);
    call->reliable.waiting = false; /* RFC 3262 3: a final response ends its repetition */
    cf_sip_call_wait_ack(calls, call, &peer, call->invite_cseq, call->offers && !described);
    cf_sip_store_free(&stack->store, &call->body);
    call->state = CF_SIP_CALL_ANSWERED;
    stack->counters.answered++;
    cf_sip_session_start(calls, call);
    cf_sip_call_report_media(calls, call);
}

int cf_sip_call_answer(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (!is_open(call) || call->reliable.answer_due)
        return -EINVAL;
    if (call->reliable.waiting && call->reliable.offers)
        call->reliable.answer_due = true; /* RFC 3262 5: the answer to our offer comes first */
    else
        send_answer(calls, call);
    return 0;
}

/* ---- refusing */

void cf_sip_call_refuse(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status)
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

int cf_sip_call_redirect(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_words destination)
{
    struct cf_sip_out uri = {.text = calls->stack->text, .bytes_max = CF_SIP_DATAGRAM_MAX};
    if (!is_open(call))
        return -EINVAL;
    if (!cf_sip_destination_put(&calls->stack->config, destination, &uri))
        return -EDESTADDRREQ;
    struct cf_sip_out *out = begin_response(calls, call, 302);
    CF_SIP_PUT(out, "Contact: <");
    cf_sip_put(out, uri.text, uri.len);
    CF_SIP_PUT(out, ">\r\n");
    cf_sip_put_body(out, "", "", 0);
    cf_sip_server_respond(calls->transactions, call->invite, 302);
    cf_sip_call_report_disconnected(calls, call, &(struct cf_sip_cause){.ending = CF_SIP_ENDING_STATUS, .status = 302});
    cf_sip_call_end(calls, call);
    return 0;
}

static void refuse_and_linger(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status,
                              const struct cf_sip_cause *cause)
{
    cf_sip_call_refuse(calls, call, status);
    cf_sip_call_report_disconnected(calls, call, cause);
    cf_sip_call_linger(calls, call);
}

bool cf_sip_call_cancel(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *cancel)
{
    if (!is_open(call))
        return false;
    const struct cf_sip_cause cause = cf_sip_call_cause(cancel, CF_SIP_ENDING_CANCEL);
    calls->stack->counters.cancelled++;
    refuse_and_linger(calls, call, 487, &cause);
    return true;
}

void cf_sip_call_no_answer(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (!is_open(call))
        return;
    calls->stack->counters.no_answer++;
    call->alerted = true; /* the caller waited all that time: nobody answered */
    refuse_and_linger(calls, call, 480, &(struct cf_sip_cause){.ending = CF_SIP_ENDING_STATUS, .status = 480});
}

/* ---- what confirms */

bool cf_sip_call_ack(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *ack)
{
    if (!call->ok.waiting || ack->cseq != call->ok.cseq)
        return false;
    call->ok.waiting = false;
    cf_sip_store_free(&calls->stack->store, &call->ok.message);
    cf_sip_call_due(calls, call, CF_SIP_DUE_OK, 0);
    if (call->state == CF_SIP_CALL_BYE_WAIT) {
        cf_sip_call_send_bye(calls, call);
        return true;
    }
    if (call->ok.offers && !cf_sip_call_take_description(calls, call, ack)) {
        cf_sip_call_end_incompatible(calls, call);
        return true;
    }
    cf_sip_call_report_media(calls, call);
    cf_sip_call_confirm(calls, call);
    cf_sip_call_advance(calls, call);
    return true;
}

bool cf_sip_call_prack(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *prack)
{
    struct cf_sip_reliable *reliable = &call->reliable;
    struct cf_sip_rack rack;
    if (!reliable->waiting || cf_sip_rack_read(prack, &rack) != 1 || rack.rseq != reliable->rseq ||
        rack.cseq != call->invite_cseq || rack.method != CF_SIP_INVITE)
        return false;
    reliable->waiting = false;
    cf_sip_call_due(calls, call, CF_SIP_DUE_RELIABLE, 0);
    if (reliable->offers)
        cf_sip_call_take_description(calls, call, prack); /* one that cannot be used leaves the call as it is */
    return true;
}

void cf_sip_call_prack_answered(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (!call->reliable.answer_due || !is_open(call))
        return;
    call->reliable.answer_due = false;
    send_answer(calls, call);
}

/* ---- the clock */

static uint64_t doubled(const struct cf_sip_stack *stack, uint64_t repeat_ns)
{
    return repeat_ns * 2 < stack->config.t2_ns ? repeat_ns * 2 : stack->config.t2_ns;
}

/* The 2xx again, or the end of the patience with its ACK. */
void cf_sip_call_repeat_ok(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_ok *ok = &call->ok;
    if (!ok->waiting)
        return;
    if (stack->now_ns < ok->end_ns) {
        stack->counters.resent_2xx++;
        cf_sip_stack_resend(stack, ok->message, &ok->peer);
        ok->repeat_ns = doubled(stack, ok->repeat_ns);
        const uint64_t next = stack->now_ns + ok->repeat_ns;
        cf_sip_call_due(calls, call, CF_SIP_DUE_OK, next < ok->end_ns ? next : ok->end_ns);
        return;
    }
    stack->counters.no_ack++;
    ok->waiting = false;
    cf_sip_store_free(&stack->store, &ok->message);
    if (call->state != CF_SIP_CALL_BYE_WAIT)
        cf_sip_call_report_disconnected(calls, call, &(struct cf_sip_cause){.ending = CF_SIP_ENDING_TIMEOUT});
    cf_sip_call_send_bye(calls, call);
}

/* The reliable 180 again, doubling without bound; without PRACK for 64 T1 the call is refused (RFC 3262 3). */
void cf_sip_call_repeat_reliable(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_stack *stack = calls->stack;
    struct cf_sip_reliable *reliable = &call->reliable;
    if (!reliable->waiting || !is_open(call))
        return;
    if (stack->now_ns >= reliable->end_ns) {
        stack->counters.no_prack++;
        refuse_and_linger(calls, call, 504, &(struct cf_sip_cause){.ending = CF_SIP_ENDING_TIMEOUT});
        return;
    }
    stack->counters.resent_answers++;
    cf_sip_stack_resend(stack, call->invite->response, &call->invite->peer);
    reliable->repeat_ns *= 2;
    const uint64_t next = stack->now_ns + reliable->repeat_ns;
    cf_sip_call_due(calls, call, CF_SIP_DUE_RELIABLE, next < reliable->end_ns ? next : reliable->end_ns);
}
