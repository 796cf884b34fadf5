/* What all calls have; see call.h. */
#include "adapters/sip/call.h"
#include "adapters/sip/field.h"

#include <assert.h>
#include <errno.h>

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

struct cf_sip_key cf_sip_call_key(const struct cf_sip_calls *calls, struct cf_sip_words call_id,
                                  struct cf_sip_words local_tag, struct cf_sip_words remote_tag)
{
    struct cf_sip_hash hash;
    cf_sip_hash_init(&hash, &calls->stack->config.secret);
    cf_sip_hash_bytes(&hash, call_id.text, call_id.len);
    cf_sip_hash_bytes(&hash, local_tag.text, local_tag.len);
    cf_sip_hash_bytes(&hash, remote_tag.text, remote_tag.len);
    return cf_sip_hash_end(&hash);
}

static struct cf_sip_words words_of(const struct cf_sip_msg *msg, struct cf_sip_slice slice)
{
    return (struct cf_sip_words){cf_sip_ptr(msg, slice), slice.len};
}

struct cf_sip_call *cf_sip_call_find(const struct cf_sip_calls *calls, const struct cf_sip_msg *request)
{
    const struct cf_sip_key key =
        cf_sip_call_key(calls, words_of(request, request->call_id), words_of(request, request->to.tag),
                        words_of(request, request->from.tag));
    struct cf_sip_node *node = cf_sip_table_find(&calls->dialogs, &key);
    return node != NULL ? CF_SIP_CONTAINER(node, struct cf_sip_call, node) : NULL;
}

struct cf_sip_key cf_sip_key_of_response(const struct cf_sip_calls *calls, const struct cf_sip_msg *response)
{
    return cf_sip_call_key(calls, words_of(response, response->call_id), words_of(response, response->from.tag),
                           words_of(response, response->to.tag));
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

void cf_sip_call_put(struct cf_sip_calls *calls, const struct cf_sip_call *call, enum cf_sip_text part)
{
    cf_sip_stack_put(calls->stack, call->text, text_at(call, part), call->text_len[part]);
}

static bool text_is(struct cf_sip_calls *calls, const struct cf_sip_call *call, enum cf_sip_text part, const char *text,
                    size_t len)
{
    return call->text_len[part] == len && cf_sip_call_text(calls, call, part, calls->stack->text, len) == len &&
           memcmp(calls->stack->text, text, len) == 0;
}

bool cf_sip_call_set(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_text part, const char *text,
                     size_t len)
{
    struct cf_sip_store *store = &calls->stack->store;
    char *whole = calls->stack->text;
    const size_t before = text_at(call, part);
    const size_t after = call->text.len - before - call->text_len[part];
    struct cf_sip_stored stored;
    if (text_is(calls, call, part, text, len))
        return true;
    if (len > UINT16_MAX || before + len + after > CF_SIP_DATAGRAM_MAX)
        return false;
    cf_sip_store_get(store, call->text, 0, whole, before);
    memcpy(whole + before, text, len);
    cf_sip_store_get(store, call->text, before + call->text_len[part], whole + before + len, after);
    if (!cf_sip_store_put(store, &stored, whole, before + len + after)) {
        calls->stack->counters.no_block++;
        return false;
    }
    cf_sip_store_free(store, &call->text);
    call->text = stored;
    call->text_len[part] = (uint16_t)len;
    return true;
}

/* While a call lives its connection is held open: a peer behind it may be reached by no other. */
void cf_sip_call_set_peer(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_hop *peer)
{
    const struct cf_sip_stack *stack = calls->stack;
    const uint64_t before = call->peer.stream ? call->peer.connection : 0;
    const uint64_t after = peer->stream ? peer->connection : 0;
    call->peer = *peer;
    if (before == after || stack->hold == NULL)
        return;
    if (after != 0)
        stack->hold(stack->send_context, after, true);
    if (before != 0)
        stack->hold(stack->send_context, before, false);
}

void cf_sip_call_set_target(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *msg)
{
    const struct cf_sip_slice uri = msg->contact.uri;
    if (uri.len > 1) /* "*" is none */
        cf_sip_call_set(calls, call, CF_SIP_TEXT_TARGET, cf_sip_ptr(msg, uri), uri.len);
    /* Where there is no room the old target still reaches the peer in most networks. */
}

/* ---- deadlines */

void cf_sip_call_due(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_due due, uint64_t at_ns)
{
    uint64_t next = UINT64_MAX;
    call->due[due] = at_ns;
    for (unsigned i = 0; i < CF_SIP_DUES; i++)
        if (call->due[i] != 0 && call->due[i] < next)
            next = call->due[i];
    if (next == UINT64_MAX)
        cf_sip_wheel_disarm(calls->stack->wheel, &call->timer);
    else if (call->timer.next == NULL || next != call->timer_ns) {
        call->timer_ns = next;
        cf_sip_wheel_arm(calls->stack->wheel, &call->timer, next);
    }
}

static void wait_for_nothing(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    memset(call->due, 0, sizeof(call->due));
    cf_sip_wheel_disarm(calls->stack->wheel, &call->timer);
}

/* ---- events */

void cf_sip_call_report_event(struct cf_sip_calls *calls, const struct cf_sip_call *call, struct cf_sip_event *event)
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
    cf_sip_call_report_event(calls, call, &(struct cf_sip_event){.kind = kind});
}

void cf_sip_call_report_disconnected(struct cf_sip_calls *calls, struct cf_sip_call *call,
                                     const struct cf_sip_cause *cause)
{
    const bool connected = call->told != 0;
    const struct cf_q850_progress progress = {
        .incoming = !call->outgoing, .alerted = call->alerted || connected, .connected = connected};
    calls->stack->counters.ended++;
    cf_sip_call_report_done(calls, call, 487);
    if (call->quiet)
        return;
    cf_sip_call_report_event(
        calls, call,
        &(struct cf_sip_event){.kind = CF_SIP_DISCONNECTED, .mode = cf_sip_mode_of(cause, progress), .cause = *cause});
}

void cf_sip_call_report_media(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    static const uint8_t kinds[2][2] = {{CF_SIP_RESUMED, CF_SIP_HELD}, {CF_SIP_ONHOLD, CF_SIP_ONHOLD}};
    uint8_t kind = kinds[call->holds][call->held];
    if (!cf_sip_call_connected(call))
        return;
    if (call->told == 0) {
        call->told = CF_SIP_RESUMED;
        cf_sip_call_report(calls, call, CF_SIP_CONNECTED);
    }
    if (kind == call->told)
        return;
    call->told = kind;
    cf_sip_call_report(calls, call, (enum cf_sip_event_kind)kind);
}

void cf_sip_call_report_done(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status)
{
    if (!call->operating)
        return;
    call->operating = false;
    cf_sip_store_free(&calls->stack->store, &call->digits);
    cf_sip_call_report_event(calls, call, &(struct cf_sip_event){.kind = CF_SIP_DONE, .status = status});
}

/* ---- beginning and end */

struct cf_sip_call *cf_sip_call_claim(struct cf_sip_calls *calls, enum cf_sip_call_state state)
{
    struct cf_sip_call *call;
    if (calls->free_first != 0) {
        call = &calls->call[calls->free_first - 1];
        calls->free_first = call->next_free;
    } else if (calls->touched < calls->calls_max) {
        call = &calls->call[calls->touched++];
        call->generation = 0;
    } else {
        return NULL;
    }
    *call = (struct cf_sip_call){
        .generation = call->generation + 1, .state = (uint8_t)state, .offered = CF_SIP_OFFERED_NOTHING};
    call->timer.kind = CF_SIP_TIMER_CALL;
    calls->live++;
    return call;
}

/* Requests on their way go on without their call, so that the peer still hears of its end and gets its ACKs; but the first INVITE, which
 * its call alone limits. */
static void leave_transactions(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->invite != NULL)
        call->invite->owner = NULL;
    call->invite = NULL;
    for (unsigned use = 0; use < CF_SIP_CALL_USES; use++) {
        struct cf_sip_client *client = call->client[use];
        if (client == NULL)
            continue;
        client->owner = NULL;
        call->client[use] = NULL;
        if (client->invite && !client->within && client->state <= CF_SIP_TRANSACTION_PROCEEDING)
            cf_sip_client_free(calls->transactions, client);
    }
}

void cf_sip_call_free(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_store *store = &calls->stack->store;
    assert(call->state != CF_SIP_CALL_FREE);
    cf_sip_call_refer_progress(calls, call, 500); /* where nothing else was said of its end */
    leave_transactions(calls, call);
    cf_sip_call_set_peer(calls, call, &(struct cf_sip_hop){.stream = false});
    wait_for_nothing(calls, call);
    cf_sip_table_remove(&calls->dialogs, &call->node);
    cf_sip_store_free(store, &call->text);
    cf_sip_store_free(store, &call->body);
    cf_sip_store_free(store, &call->ok.message);
    cf_sip_store_free(store, &call->digits);
    cf_sip_store_free(store, &call->lines);
    call->state = CF_SIP_CALL_FREE;
    calls->live--;
    if (++call->generation == UINT32_MAX - 1)
        return; /* retired: its name would begin to repeat */
    call->next_free = calls->free_first;
    calls->free_first = (uint32_t)(call - calls->call) + 1;
}

void cf_sip_call_end(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    cf_sip_call_report(calls, call, CF_SIP_IDLE);
    cf_sip_call_free(calls, call);
}

void cf_sip_call_linger(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    struct cf_sip_stack *stack = calls->stack;
    wait_for_nothing(calls, call);
    call->ok.waiting = false;
    call->reliable.waiting = false;
    cf_sip_store_free(&stack->store, &call->ok.message);
    call->state = CF_SIP_CALL_LINGER;
    if (stack->config.linger_ns == 0 || call->muted || call->quiet)
        cf_sip_call_end(calls, call);
    else
        cf_sip_call_due(calls, call, CF_SIP_DUE_LINGER, stack->now_ns + stack->config.linger_ns);
}

struct cf_sip_cause cf_sip_call_cause(const struct cf_sip_msg *msg, enum cf_sip_ending ending)
{
    struct cf_sip_reason reason;
    cf_sip_reason_read(msg, &reason);
    return (struct cf_sip_cause){.ending = ending, .q850 = reason.q850, .reason = reason.sip, .status = msg->status};
}

int cf_sip_call_drop(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status)
{
    struct cf_sip_cause cause = {.ending = CF_SIP_ENDING_STATUS, .status = (uint16_t)(status != 0 ? status : 603)};
    switch ((enum cf_sip_call_state)call->state) {
    case CF_SIP_CALL_OFFERING:
    case CF_SIP_CALL_ACCEPTED:
        cf_sip_call_refuse(calls, call, cause.status);
        cf_sip_call_report_disconnected(calls, call, &cause);
        cf_sip_call_end(calls, call);
        return 0;
    case CF_SIP_CALL_CALLING:
        cf_sip_call_give_up(calls, call);
        return 0;
    case CF_SIP_CALL_ANSWERED:
    case CF_SIP_CALL_CONFIRMED:
        cf_sip_call_hang_up(calls, call, CF_SIP_ENDING_BYE);
        return 0;
    case CF_SIP_CALL_LINGER:
        cf_sip_call_end(calls, call);
        return 0;
    case CF_SIP_CALL_CANCELLING:
    case CF_SIP_CALL_BYE_WAIT:
    case CF_SIP_CALL_BYE_SENT:
        return 0; /* on its way */
    case CF_SIP_CALL_FREE:
    case CF_SIP_CALL_STATES:
        break;
    }
    return -ESTALE;
}

void cf_sip_call_bye(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *bye)
{
    struct cf_sip_cause cause = cf_sip_call_cause(bye, CF_SIP_ENDING_BYE);
    switch ((enum cf_sip_call_state)call->state) {
    case CF_SIP_CALL_OFFERING:
    case CF_SIP_CALL_ACCEPTED: /* RFC 3261 15: a caller may end an early dialog so */
        cause.ending = CF_SIP_ENDING_CANCEL;
        cf_sip_call_refuse(calls, call, 487);
        cf_sip_call_report_disconnected(calls, call, &cause);
        cf_sip_call_linger(calls, call);
        break;
    case CF_SIP_CALL_CALLING: /* only a caller may end an early dialog by BYE: the INVITE's final response decides */
    case CF_SIP_CALL_CANCELLING:
        break;
    case CF_SIP_CALL_ANSWERED:
    case CF_SIP_CALL_CONFIRMED:
        cf_sip_call_report_disconnected(calls, call, &cause);
        cf_sip_call_linger(calls, call);
        break;
    case CF_SIP_CALL_BYE_WAIT: /* both ended it; ours need not be sent, or its answer not be awaited */
    case CF_SIP_CALL_BYE_SENT:
        cf_sip_call_end(calls, call);
        break;
    case CF_SIP_CALL_LINGER:
    case CF_SIP_CALL_FREE:
    case CF_SIP_CALL_STATES:
        break;
    }
}

/* ---- the clock */

static void limit(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    if (call->outgoing)
        cf_sip_call_out_of_time(calls, call);
    else
        cf_sip_call_no_answer(calls, call);
}

/* Each of these either ends the call or gives its deadline a later time, or none. */
static void (*const due_actions[CF_SIP_DUES])(struct cf_sip_calls *, struct cf_sip_call *) = {
    [CF_SIP_DUE_TRYING] = cf_sip_call_trying,    [CF_SIP_DUE_LIMIT] = limit,
    [CF_SIP_DUE_RING] = cf_sip_call_ring_again,  [CF_SIP_DUE_RELIABLE] = cf_sip_call_repeat_reliable,
    [CF_SIP_DUE_OK] = cf_sip_call_repeat_ok,     [CF_SIP_DUE_LINGER] = cf_sip_call_end,
    [CF_SIP_DUE_SESSION] = cf_sip_session_due,   [CF_SIP_DUE_RETRY] = cf_sip_call_advance,
    [CF_SIP_DUE_DIGIT] = cf_sip_call_next_digit, [CF_SIP_DUE_REFER] = cf_sip_call_refer_due,
    [CF_SIP_DUE_WATCH] = cf_sip_call_watch,
};

void cf_sip_call_timeout(struct cf_sip_calls *calls, struct cf_sip_call *call)
{
    const uint64_t now = calls->stack->now_ns;
    const uint32_t generation = call->generation;
    for (unsigned i = 0; i < CF_SIP_DUES; i++) {
        if (call->due[i] == 0 || call->due[i] > now)
            continue;
        call->due[i] = 0;
        due_actions[i](calls, call);
        if (call->generation != generation)
            return;
    }
    cf_sip_call_due(calls, call, CF_SIP_DUE_RETRY, call->due[CF_SIP_DUE_RETRY]); /* the timer for what is left */
}

/* ---- looking in */

static bool call_check(const struct cf_sip_call *call)
{
    const bool open = call->state == CF_SIP_CALL_OFFERING || call->state == CF_SIP_CALL_ACCEPTED;
    const bool calling = call->state == CF_SIP_CALL_CALLING || call->state == CF_SIP_CALL_CANCELLING;
    uint64_t waits = 0;
    for (unsigned i = 0; i < CF_SIP_DUES; i++)
        waits |= call->due[i];
    if ((waits != 0) != (call->timer.next != NULL) || call->generation % 2 == 0 ||
        (!call->node.in && !calling && !(call->outgoing && call->state == CF_SIP_CALL_LINGER)))
        return false;
    if (open && (call->invite == NULL || call->invite->state != CF_SIP_TRANSACTION_PROCEEDING ||
                 call->due[CF_SIP_DUE_LIMIT] == 0))
        return false;
    if (calling && call->client[CF_SIP_USE_INVITE] == NULL)
        return false;
    if (call->invite != NULL && call->invite->owner != &call->invite)
        return false;
    for (unsigned use = 0; use < CF_SIP_CALL_USES; use++)
        if (call->client[use] != NULL &&
            (call->client[use]->owner != &call->client[use] || call->client[use]->use != use))
            return false;
    if (call->state == CF_SIP_CALL_BYE_SENT && call->client[CF_SIP_USE_BYE] == NULL)
        return false;
    if ((call->state == CF_SIP_CALL_ANSWERED || call->state == CF_SIP_CALL_BYE_WAIT) && !call->ok.waiting)
        return false;
    return !call->ok.waiting || call->due[CF_SIP_DUE_OK] != 0;
}

bool cf_sip_calls_check(const struct cf_sip_calls *calls)
{
    uint32_t live = 0, dialogs = 0;
    for (uint32_t i = 0; i < calls->touched; i++) {
        const struct cf_sip_call *call = &calls->call[i];
        if (call->state == CF_SIP_CALL_FREE)
            continue;
        live++;
        dialogs += call->node.in;
        if (!call_check(call))
            return false;
    }
    return live == calls->live && calls->dialogs.live == dialogs && cf_sip_table_check(&calls->dialogs);
}
