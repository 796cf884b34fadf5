/*
 * The real turn of the engine against the real receiver of the library, in every interleaving: an application that goes to sleep on its
 * bell as a message comes is woken, with and without a wake interval, and after a recovery.
 *
 * Not here   epoll and the eventfd are a flag each; the lock of the receiver has one taker
 */
#define _GNU_SOURCE 1
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "tests/support/explored_engine.h"

#include "client/internal.h"
#include "shm/sys_bell.h"

enum { MESSAGES = 3 };

/* The kernel and the rest of the library, as the receiver meets them. */
static uint32_t event_readable;

static CF_EXPLORER_KERNEL bool woken(void *arg)
{
    (void)arg;
    return event_readable != 0 || down_bell != 0;
}

static CF_EXPLORER_KERNEL int model_poll(const void *fds, const void *timeout)
{
    (void)fds;
    (void)timeout; /* never: a wake-up that only time brings is a lost one */
    cf_explorer_kernel(&down_bell);
    cf_explorer_sleep(woken, NULL);
    return 1;
}

static CF_EXPLORER_KERNEL int model_epoll_wait(struct epoll_event *events)
{
    cf_explorer_kernel(&down_bell);
    events[0].data.fd = 1;
    return down_bell != 0 ? 1 : 0;
}

static CF_EXPLORER_KERNEL int model_drain(void)
{
    cf_explorer_kernel(&down_bell);
    int rung = down_bell != 0;
    down_bell = 0;
    return rung;
}

static CF_EXPLORER_KERNEL int model_event_write(void)
{
    event_readable = 1;
    return 0;
}

static CF_EXPLORER_KERNEL int model_event_read(void)
{
    event_readable = 0;
    return 0;
}

static bool model_take(const struct cf_message *m, struct cf_batch_message *out)
{
    *out = (struct cf_batch_message){.seq = m->sequence, .dwMessageID = m->id};
    return true;
}

#define ppoll(fds, count, timeout, mask) model_poll(fds, timeout)
#define epoll_wait(fd, events, max, ms)  model_epoll_wait(events)
#define epoll_ctl(epoll, op, fd, event)  ((void)(fd))
#define cf_bell_drain(fd)                model_drain()
#define eventfd_write(fd, n)             model_event_write()
#define eventfd_read(fd, n)              ((void)(n), model_event_read())
#define pthread_mutex_lock(m)            ((void)(m))
#define pthread_mutex_unlock(m)          ((void)(m))
#define cf_message_take(u, m, with, out) ((void)(u), (void)(with), model_take(m, out))
#define cf_message_make(u, out)          ((void)(u), (void)(out), false)
#define cf_message_make_pending(u)       ((void)(u), false)
#define cf_usage_closing(u)              ((void)(u), false)
#define cf_usage_enter_app(app, ret)     ((void)(app), *(ret) = 0, (struct cf_usage *)NULL)
#define cf_usage_leave(u)                ((void)(u))
#define cf_monotonic_ns()                INT64_C(0)
#define look_ahead                       receive_look_ahead
#define take                             receive_take
#include "client/receive.c"

static struct cf_usage usage;
static uint32_t offered, messages, got;

/* ------------------------------------------------------------------ the core */

static bool model_request_take(struct cf_engine *e, uint32_t port)
{
    (void)e;
    (void)port;
    return true;
}

/* One message a turn. */
static bool model_service(struct cf_engine *e)
{
    if (offered < messages) {
        offered++;
        cf_output_message(e, 1, LINE_LINEDEVSTATE, 0, 0, 0, 0, 0, CF_INDEX_NONE);
    }
    return false;
}

static void turn(void)
{
    now_ns += 10;
    cf_engine_turn(&engine, now_ns, &turn_result);
    for (uint32_t i = 0; i < turn_result.wakes_count; i++)
        ring(&down_bell);
}

static void engine_runs(void)
{
    while (offered < messages)
        turn();
    for (int64_t due; (due = cf_engine_deadline(&engine)) != INT64_MAX;) { /* a bell that was held back */
        now_ns = due;
        turn();
    }
}

/* A core is killed after the commit of its first turn; the next one publishes again and rings every bell once. */
static void engine_dies(void)
{
    begin(&engine, now_ns, &turn_result);
    model_service(&engine);
    cf_store_release_64(&control.committed, control.turn);
    cf_ports_clean(&engine);
    engine.bells_due = 0;
    memset(&engine.view[1].rung_at, 0, sizeof engine.view[1].rung_at);
    cf_explorer_assert(cf_engine_recover(&engine), "the state is refused");
    ring(&down_bell); /* ring_all() in apps/callfand/engine_loop.c */
    engine_runs();
}

/* ------------------------------------------------------------------ the application */

static void receives(void)
{
    while (got < messages) {
        struct cf_batch_message m;
        uint32_t count = 0;
        LONG error = receive(&usage, &m, 1, false, WAIT_FOR_EVER, &count);
        cf_explorer_assert(error == 0 && count == 1, "receive: %d, %u messages", (int)error, count);
        cf_explorer_assert(m.seq == got + 1u, "message %u came as %u", (unsigned)m.seq, got + 1u);
        got++;
    }
}

/* Sleeps on the event handle itself, in a loop of its own, and takes one message whenever that is readable. */
static void polls(void)
{
    while (got < messages) {
        struct cf_batch_message m;
        uint32_t count = 0;
        model_poll(NULL, NULL);
        LONG error = receive(&usage, &m, 1, false, 0, &count);
        cf_explorer_assert(error == 0 && (count == 0 || m.seq == got + 1u), "message %u came as %u", (unsigned)m.seq,
                           got + 1u);
        got += count;
    }
}

static void setup(uint32_t count, int64_t wake_interval_ns)
{
    engine_begin(wake_interval_ns);
    messages = count;
    offered = got = event_readable = 0;
    memset(&usage, 0, sizeof usage);
    usage.down = &down_object.down;
    usage.up = &up_object.up;
    usage.down_slots = down_object.down_ring;
    usage.down_mask = DOWN_SLOTS - 1;
    usage.down_bell = 1;
    usage.socket = 2;
    cf_receive_init(&usage);
}

static void at_once(void)
{
    setup(MESSAGES, 0);
}

static void at_intervals(void)
{
    setup(MESSAGES, 1000);
}

static void all_came(void)
{
    cf_explorer_assert(got == messages, "%u of %u messages came", got, messages);
    cf_explorer_assert(up_object.up.down_ack <= got, "%u messages came, %u are acknowledged", got,
                       (unsigned)up_object.up.down_ack);
}

static const struct cf_explored cases[] = {
    {"a_sleeper_is_woken", 4, at_once, {engine_runs, receives}, all_came},
    {"a_sleeper_is_woken_at_intervals", 4, at_intervals, {engine_runs, receives}, all_came},
    {"a_poller_is_woken", 4, at_once, {engine_runs, polls}, all_came},
    {"a_poller_is_woken_at_intervals", 4, at_intervals, {engine_runs, polls}, all_came},
    {"a_sleeper_outlives_the_core", 4, at_once, {engine_dies, receives}, all_came},
};

int main(int argc, char **argv)
{
    return cf_explorer_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
