/*
 * The one consumer of the ring: lineGetMessage, the batch call, cf_dispatch, and the event handle.
 *
 * Shape      a fetch takes what is there under down_lock and then leaves the event handle telling the truth:
 *              messages left        the eventfd is readable
 *              none left            everything acknowledged, bell drained, wake_at published, looked again, eventfd not readable
 *            A thread that waits sleeps on that same event handle without the lock, so the application's poll and any number of
 *            waiting threads see the same.
 * Units      wake_at, down_ack: ring indices; timeouts: ms in TAPI's calls, ns here
 * Invariant  what was acknowledged was handed out or cancelled. messages counts neither fillers nor CF_LINE_GAP
 * Writers    down_ack, messages_acked, cancelled, wake_at: the thread that holds down_lock
 * Progress   a fetch is bounded by the messages it takes; it never waits for the service
 * Errors     INVALAPPHANDLE, OPERATIONFAILED (no message in time; or the service is gone and everything was told)
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "client/internal.h"
#include "shm/sys_bell.h"

#define WAIT_FOR_EVER UINT32_MAX
#define TEXT_ROOM     8192u /* two texts of the longest record */
#define SPIN_LOOKS    64u
#define LOOK_AHEAD    8u /* messages: enough to hide one miss of the cache behind them */

/* ------------------------------------------------------------------ the event handle, under down_lock */

static void signal_event(struct cf_usage *u)
{
    if (!u->consumer.signalled)
        u->consumer.signalled = eventfd_write(u->event, 1) == 0;
}

static void clear_event(struct cf_usage *u)
{
    eventfd_t count;
    if (u->consumer.signalled) {
        eventfd_read(u->event, &count);
        u->consumer.signalled = false;
    }
}

static void disarm(struct cf_usage *u)
{
    if (u->consumer.armed) {
        cf_store_relaxed_64(&u->up->wake_at, 0);
        u->consumer.armed = false;
    }
}

/* Publishes "wake me" and looks again: true when something came meanwhile (then it is taken back). */
static bool arm(struct cf_usage *u)
{
    struct cf_consumer *c = &u->consumer;
    cf_store_release_64(&u->up->wake_at, c->ring.head + 1);
    c->armed = c->rung_possible = true;
    cf_fence_store_load(); /* W2: wake_at before the ring; the core publishes before it reads wake_at */
    if (cf_ring_peek(&c->ring) == NULL)
        return false;
    disarm(u);
    return true;
}

/* The service is gone: its descriptors would be readable for ever. */
static void leave_service(struct cf_usage *u)
{
    epoll_ctl(u->epoll, EPOLL_CTL_DEL, u->down_bell, NULL);
    epoll_ctl(u->epoll, EPOLL_CTL_DEL, u->socket, NULL);
    cf_store_release_32(&u->gone, 1);
    u->consumer.detached = true;
}

static void drain_bell(struct cf_usage *u)
{
    u->consumer.rung_possible = u->consumer.armed; /* it may be rung again at once */
    if (cf_bell_drain(u->down_bell) == -EPIPE)
        leave_service(u);
}

/* What the event handle is readable for; silences what has been seen. */
static void look(struct cf_usage *u)
{
    struct epoll_event events[3];
    int count = epoll_wait(u->epoll, events, 3, 0);
    for (int i = 0; i < count && !u->consumer.detached; i++) {
        if (events[i].data.fd == u->socket)
            leave_service(u);
        else if (events[i].data.fd == u->down_bell)
            drain_bell(u);
    }
}

/* ------------------------------------------------------------------ taking, under down_lock */

static void acknowledge(struct cf_usage *u)
{
    struct cf_consumer *c = &u->consumer;
    if (c->acknowledged == c->ring.head)
        return;
    cf_store_relaxed_64(&u->up->messages_acked, c->messages);
    cf_store_relaxed_64(&u->up->cancelled, c->cancelled);
    c->acknowledged = c->ring.head;
    cf_ring_acknowledge(&u->up->down_ack, c->acknowledged); /* A1: also after the counters that go with it */
}

/* Fetches the call slot that a message further on will need. What is read there may be half written: it is a hint, and clamped. */
static void look_ahead(const struct cf_usage *u)
{
    const struct cf_message *m =
        (const struct cf_message *)&u->down_slots[(u->consumer.ring.head + LOOK_AHEAD) & u->down_mask];
    uint64_t device = cf_load_relaxed_64(&m->device);
    const void *slot = cf_handle_table_slot_clamped(&u->calls, cf_handle_slot(device));
    if (cf_handle_kind(device) == CF_KIND_CALL && slot != NULL)
        cf_prefetch_write(slot);
}

/* Takes up to max messages to hand out; none: the ring is empty. */
static uint32_t take(struct cf_usage *u, struct cf_batch_message *out, uint32_t max, bool with_text)
{
    struct cf_consumer *c = &u->consumer;
    uint64_t quarter = (u->down_mask + 1) / 4;
    const struct cf_message *m;
    uint32_t n = 0;
    while (n < max && (m = cf_ring_peek(&c->ring)) != NULL) {
        if (with_text && n != 0 && CF_TEXT_BYTES - c->text_used < TEXT_ROOM)
            break;
        if (c->ring.head - c->acknowledged >= quarter)
            acknowledge(u);
        disarm(u);
        if (max > 1)
            look_ahead(u);
        bool shown = cf_message_take(u, m, with_text, &out[n]);
        c->sequence = m->sequence;
        c->messages += m->id != CF_LINE_GAP;
        c->cancelled += !shown && m->id != CF_LINE_GAP;
        cf_ring_consume(&c->ring, m);
        n += shown;
    }
    cf_store_release_64(&c->head_published,
                        c->ring.head); /* C0 pairs with C0 in cf_receive_drained(): states before the head */
    return n;
}

static uint32_t make(struct cf_usage *u, struct cf_batch_message *out, uint32_t max)
{
    uint32_t n = 0;
    while (n < max && u->consumer.detached && cf_message_make(u, &out[n]))
        n++;
    return n;
}

static bool more(struct cf_usage *u)
{
    return cf_ring_peek(&u->consumer.ring) != NULL || (u->consumer.detached && cf_message_make_pending(u));
}

/* After a fetch that took something: the event handle tells whether there is more. */
static void settle(struct cf_usage *u)
{
    if (more(u)) {
        disarm(u);
        signal_event(u);
        return;
    }
    acknowledge(u);
    if (!u->consumer.detached) {
        if (u->consumer.rung_possible)
            drain_bell(u);
        if (arm(u)) {
            signal_event(u);
            return;
        }
    }
    clear_event(u);
}

void cf_receive_init(struct cf_usage *u)
{
    struct cf_consumer *c = &u->consumer;
    char *text = c->text;
    uint64_t first = u->up->down_ack; /* where the ring begins */
    *c = (struct cf_consumer){.text = text, .head_published = first, .acknowledged = first};
    cf_ring_consumer_init(&c->ring, u->down_slots, u->down_mask + 1, first);
    settle(u); /* who only polls the event handle is woken for the first message already */
}

static uint32_t fetch(struct cf_usage *u, struct cf_batch_message *out, uint32_t max, bool with_text)
{
    u->consumer.text_used = 0;
    for (;;) {
        uint32_t n = take(u, out, max, with_text);
        if (n == 0)
            n = make(u, out, max);
        if (n != 0) {
            settle(u);
            return n;
        }
        acknowledge(u);
        look(u);
        if (more(u))
            continue;
        if (u->consumer.detached || !arm(u)) {
            clear_event(u);
            return 0;
        }
    }
}

/* ------------------------------------------------------------------ waiting, without the lock */

bool cf_receive_drained(const struct cf_usage *u, uint64_t *ret_head)
{
    uint64_t head = cf_load_acquire_64(&u->consumer.head_published); /* C0 */
    *ret_head = head;
    return cf_load_acquire_64(&u->down_slots[head & u->down_mask].commit) != head + 1 &&
           cf_load_relaxed_64(&u->down->down.behind) == 0;
}

/* Looks at the ring for a while; true when something may be there. */
static bool spin(struct cf_usage *u, int64_t deadline)
{
    int64_t end = cf_monotonic_ns() + u->spin_ns;
    if (deadline < end)
        end = deadline;
    do {
        for (uint32_t i = 0; i < SPIN_LOOKS; i++) {
            uint64_t head = cf_load_acquire_64(&u->consumer.head_published);
            if (cf_load_acquire_64(&u->down_slots[head & u->down_mask].commit) == head + 1)
                return true;
            cf_pause();
        }
        if (cf_usage_closing(u))
            return true;
    } while (cf_monotonic_ns() < end);
    return false;
}

static void sleep_until(struct cf_usage *u, int64_t deadline)
{
    struct pollfd p = {.fd = u->epoll, .events = POLLIN};
    int64_t left = deadline - cf_monotonic_ns();
    if (left < 0)
        left = 0;
    struct timespec t = {left / 1000000000, left % 1000000000};
    ppoll(&p, 1, deadline == INT64_MAX ? NULL : &t, NULL);
}

enum got { GOT_MESSAGES, GOT_NOTHING, GOT_CLOSING, GOT_GONE };

static enum got locked_fetch(struct cf_usage *u, struct cf_batch_message *out, uint32_t max, bool with_text,
                             bool to_spin, uint32_t *ret_count)
{
    pthread_mutex_lock(&u->down_lock);
    uint32_t n = u->consumer.closing ? 0 : fetch(u, out, max, with_text);
    enum got got = n != 0                 ? GOT_MESSAGES
                   : u->consumer.closing  ? GOT_CLOSING
                   : u->consumer.detached ? GOT_GONE
                                          : GOT_NOTHING;
    if (got == GOT_NOTHING && to_spin)
        disarm(u); /* no bell for who is looking; the fetch after the spin arms again */
    pthread_mutex_unlock(&u->down_lock);
    *ret_count = n;
    return got;
}

static LONG result_of(enum got got)
{
    return got == GOT_CLOSING ? LINEERR_INVALAPPHANDLE : got == GOT_GONE ? LINEERR_OPERATIONFAILED : 0;
}

/* Fetches, waits, fetches again. INVALAPPHANDLE, OPERATIONFAILED: see above; 0 with *ret_count 0 only for time. */
static LONG receive(struct cf_usage *u, struct cf_batch_message *out, uint32_t max, bool with_text, DWORD timeout_ms,
                    uint32_t *ret_count)
{
    int64_t deadline = timeout_ms == WAIT_FOR_EVER ? INT64_MAX
                       : timeout_ms == 0           ? 0
                                                   : cf_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    bool to_spin = timeout_ms != 0 && u->spin_ns != 0;
    for (;;) {
        enum got got = locked_fetch(u, out, max, with_text, to_spin, ret_count);
        if (got != GOT_NOTHING || timeout_ms == 0)
            return result_of(got);
        if (to_spin) {
            if (spin(u, deadline))
                continue;
            got = locked_fetch(u, out, max, with_text, false, ret_count);
            if (got != GOT_NOTHING)
                return result_of(got);
        }
        sleep_until(u, deadline);
        if (cf_monotonic_ns() >= deadline) {
            timeout_ms = 0; /* one last look */
            to_spin = false;
        }
    }
}

void cf_receive_shut(struct cf_usage *u)
{
    pthread_mutex_lock(&u->down_lock);
    u->consumer.closing = true;
    signal_event(u);
    pthread_mutex_unlock(&u->down_lock);
}

/* ------------------------------------------------------------------ the functions */

LONG lineGetMessage(HLINEAPP hLineApp, LINEMESSAGE *lpMessage, DWORD dwTimeout)
{
    LONG error;
    uint32_t count = 0;
    struct cf_batch_message m;
    struct cf_usage *u = cf_usage_enter_app(hLineApp, &error);
    if (u == NULL)
        return error;
    if (lpMessage == NULL) {
        cf_usage_leave(u);
        return LINEERR_INVALPOINTER;
    }
    error = receive(u, &m, 1, false, dwTimeout, &count);
    cf_usage_leave(u);
    if (error != 0 || count == 0)
        return error != 0 ? error : LINEERR_OPERATIONFAILED;
    *lpMessage = (LINEMESSAGE){
        .hDevice = m.hDevice,
        .dwMessageID = m.dwMessageID,
        .dwCallbackInstance = m.dwCallbackInstance,
        .dwParam1 = m.dwParam1,
        .dwParam2 = m.dwParam2,
        .dwParam3 = m.dwParam3,
    };
    return 0;
}

/* The buffer of the batch call's texts, made at the first. */
static bool text_ready(struct cf_usage *u)
{
    pthread_mutex_lock(&u->down_lock);
    if (u->consumer.text == NULL)
        u->consumer.text = malloc(CF_TEXT_BYTES);
    bool ready = u->consumer.text != NULL;
    pthread_mutex_unlock(&u->down_lock);
    return ready;
}

LONG cf_line_get_messages(HLINEAPP app, struct cf_batch_message *messages, uint32_t max, DWORD timeout_ms,
                          uint32_t *ret_count)
{
    LONG error;
    struct cf_usage *u = cf_usage_enter_app(app, &error);
    if (u == NULL)
        return error;
    if (messages == NULL || ret_count == NULL)
        error = LINEERR_INVALPOINTER;
    else if (max == 0)
        error = LINEERR_INVALPARAM;
    else if (!text_ready(u))
        error = LINEERR_NOMEM;
    else
        error = receive(u, messages, max, true, timeout_ms, ret_count);
    cf_usage_leave(u);
    return error;
}

/* The callback runs outside: it may shut the usage down. */
LONG cf_dispatch(HLINEAPP app, uint32_t max)
{
    LONG error = 0;
    uint32_t done = 0;
    for (; done < max; done++) {
        struct cf_batch_message m;
        uint32_t count = 0;
        struct cf_usage *u = cf_usage_enter_app(app, &error);
        if (u == NULL)
            break;
        LINECALLBACK callback = u->callback;
        error = callback == NULL ? LINEERR_OPERATIONUNAVAIL : receive(u, &m, 1, false, 0, &count);
        cf_usage_leave(u);
        if (error != 0 || count == 0)
            break;
        callback(m.hDevice, m.dwMessageID, m.dwCallbackInstance, m.dwParam1, m.dwParam2, m.dwParam3);
    }
    return done != 0 ? (LONG)done : error;
}

LONG cf_app_counters(HLINEAPP app, struct cf_app_counters *ret_counters)
{
    LONG error;
    struct cf_usage *u = cf_usage_enter_app(app, &error);
    if (u == NULL)
        return error;
    if (ret_counters == NULL) {
        cf_usage_leave(u);
        return LINEERR_INVALPOINTER;
    }
    const struct cf_port_core_down *core = &u->down->down;
    pthread_mutex_lock(&u->down_lock);
    uint64_t acknowledged = cf_load_relaxed_64(&u->up->messages_acked);
    uint64_t cancelled = cf_load_relaxed_64(&u->up->cancelled);
    uint64_t messages = cf_load_acquire_64(&core->messages);
    uint64_t missed = cf_load_relaxed_64(&core->missed);
    pthread_mutex_unlock(&u->down_lock);
    /* A message is readable a moment before the core has counted it. */
    if (messages < acknowledged)
        messages = acknowledged;
    *ret_counters = (struct cf_app_counters){
        .offered = messages + missed,
        .delivered = acknowledged - cancelled,
        .cancelled = cancelled,
        .missed = missed,
        .gaps = cf_load_relaxed_64(&core->gaps),
        .pending = messages - acknowledged,
        .last_seq = cf_load_relaxed_64(&core->sequence),
    };
    cf_usage_leave(u);
    return 0;
}
