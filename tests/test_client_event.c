/* The event handle, waiting, waking, acknowledging; and what happens when the service or the usage ends meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/fake_app.h"

#define MONITOR LINECALLPRIVILEGE_MONITOR

/* What happens between draining the bell and publishing wake_at: set by a test, for its own thread and one read. */
static _Thread_local struct fake_app *at_next_read;

static void tell(struct fake_app *a, uint32_t value)
{
    fake_message(a->port, LINE_LINEDEVSTATE, a->line, LINEDEVSTATE_NUMCALLS, value, 0, cf_handle_slot(a->line));
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* In place of the C library's, for the bell's drain. */
ssize_t recv(int fd, void *data, size_t bytes, int flags)
{
    struct fake_app *a = at_next_read;
    ssize_t got = syscall(SYS_recvfrom, fd, data, bytes, flags, NULL, NULL);
    int error = errno;
    at_next_read = NULL;
    if (a != NULL)
        tell(a, 4711);
    errno = error;
    return got;
}

/* ------------------------------------------------------------------ level-triggered */

static void readable_exactly_while_a_message_is_pending(void **state)
{
    struct fake_app *a = *state;
    fake_app_none(a);
    assert_false(fake_app_readable(a, 0));
    for (uint32_t round = 0; round < 50; round++) {
        for (uint32_t i = 0; i < 3; i++)
            tell(a, i);
        for (uint32_t i = 0; i < 3; i++) {
            assert_true(fake_app_readable(a, 20000));
            assert_true(fake_app_readable(a, 0)); /* polling changes nothing */
            assert_int_equal(fake_app_next(a).dwParam2, i);
        }
        assert_false(fake_app_readable(a, 0));
        fake_app_none(a);
        assert_false(fake_app_readable(a, 0));
    }
}

static void first_message_wakes_a_poller_that_never_asked(void **state)
{
    struct fake_app *a = *state;
    tell(a, 1); /* nobody has called lineGetMessage yet */
    assert_true(fake_app_readable(a, 20000));
    assert_int_equal(fake_app_next(a).dwParam2, 1);
}

static void messages_left_by_a_batch_keep_it_readable(void **state)
{
    struct fake_app *a = *state;
    struct cf_batch_message m[4];
    uint32_t count;
    for (uint32_t i = 0; i < 9; i++)
        tell(a, i);
    for (uint32_t left = 9; left > 0; left -= count) {
        assert_true(fake_app_readable(a, 0));
        assert_int_equal(cf_line_get_messages(a->app, m, 4, 0, &count), 0);
        assert_int_equal(count, left < 4 ? left : 4);
    }
    assert_false(fake_app_readable(a, 0));
}

static void only_void_messages_are_no_lasting_readiness(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, MONITOR);
    assert_int_equal(lineDeallocateCall(call), 0);
    fake_message(a->port, LINE_CALLSTATE, call, LINECALLSTATE_IDLE, 0, 0, cf_handle_slot(a->line));
    assert_true(fake_app_readable(a, 20000)); /* nobody knows yet what it is */
    fake_app_none(a);
    assert_false(fake_app_readable(a, 0));
}

static void stray_bell_is_silenced(void **state)
{
    struct fake_app *a = *state;
    fake_app_none(a);
    for (uint32_t i = 0; i < 3; i++) {
        fake_ring(a->port);
        assert_true(fake_app_readable(a, 20000));
        fake_app_none(a);
        assert_false(fake_app_readable(a, 0));
    }
    tell(a, 5);
    assert_true(fake_app_readable(a, 20000));
}

static void no_bell_for_who_is_awake(void **state)
{
    struct fake_app *a = *state;
    fake_app_none(a);
    uint64_t before = a->port->bells;
    for (uint32_t i = 0; i < 10; i++)
        tell(a, i);
    fake_app_next(a); /* awake from here: wake_at is 0 while messages are left */
    assert_int_equal(cf_load_acquire_64(&a->port->up->wake_at), 0);
    uint64_t after = a->port->bells;
    assert_true(after > before);
    for (uint32_t i = 0; i < 10; i++)
        tell(a, i);
    assert_int_equal(a->port->bells, after);
    for (uint32_t i = 0; i < 19; i++)
        fake_app_next(a);
    assert_int_equal(cf_load_acquire_64(&a->port->up->wake_at), a->port->producer.tail + 1);
}

static void message_between_drain_and_wake_at_is_not_lost(void **state)
{
    struct fake_app *a = *state;
    for (uint32_t i = 0; i < 20; i++) {
        tell(a, i);
        at_next_read = a; /* while wake_at is 0: the core does not ring for it */
        assert_int_equal(fake_app_next(a).dwParam2, i);
        assert_null(at_next_read);
        assert_true(fake_app_readable(a, 0));
        assert_int_equal(fake_app_next(a).dwParam2, 4711);
        assert_false(fake_app_readable(a, 0));
    }
    fake_ring(a->port);
    assert_true(fake_app_readable(a, 20000));
    at_next_read = a; /* the same in a fetch that found nothing */
    assert_int_equal(fake_app_next(a).dwParam2, 4711);
    assert_false(fake_app_readable(a, 0));
}

/* A poller in a thread of its own counts what it gets, by the event handle alone. */
struct poller {
    struct fake_app *a;
    uint32_t wanted, got, idle, ended;
};

static void *poll_and_take(void *arg)
{
    struct poller *p = arg;
    while (p->got < p->wanted) {
        LINEMESSAGE m;
        if (!fake_app_readable(p->a, 20000))
            break; /* a lost wake-up */
        if (lineGetMessage(p->a->app, &m, 0) != 0)
            p->idle++;
        else if (m.dwParam2 != p->got++)
            break;
    }
    cf_store_release_32(&p->ended, 1);
    return NULL;
}

/* lead: how many messages may be unread. With 1 each is sent when the reader is just about to go to sleep. */
static void poll_messages(struct fake_app *a, uint32_t wanted, uint32_t lead)
{
    struct poller p = {.a = a, .wanted = wanted};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, poll_and_take, &p), 0);
    for (uint32_t i = 0; i < wanted && cf_load_acquire_32(&p.ended) == 0; i++) {
        while (a->port->producer.tail - cf_load_acquire_64(&a->port->up->down_ack) >= lead)
            if (cf_load_acquire_32(&p.ended) != 0)
                break;
        tell(a, i);
    }
    pthread_join(thread, NULL);
    assert_int_equal(p.got, wanted);
    assert_true(p.idle <= wanted); /* no spinning on a handle that stays readable for nothing */
}

static void poller_never_misses_a_message(void **state)
{
    struct fake_app *a = *state;
    poll_messages(a, 20000, 900);
    fake_app_none(a);
}

static void poller_never_misses_one_that_comes_as_it_goes_to_sleep(void **state)
{
    struct fake_app *a = *state;
    poll_messages(a, 5000, 1);
    fake_app_none(a);
}

/* ------------------------------------------------------------------ waiting */

struct waiter {
    struct fake_app *a;
    DWORD timeout_ms;
    LONG result;
    LINEMESSAGE m;
};

static void *wait_for_one(void *arg)
{
    struct waiter *w = arg;
    w->result = lineGetMessage(w->a->app, &w->m, w->timeout_ms);
    return NULL;
}

/* Before a waiter begins: so that until_armed() sees it, and not what came before it. */
static void not_armed(struct fake_app *a)
{
    cf_store_release_64(&a->port->up->wake_at, 0);
}

/* A waiter found nothing and is about to sleep, or sleeps. */
static void until_armed(struct fake_app *a)
{
    while (cf_load_acquire_64(&a->port->up->wake_at) == 0)
        cf_pause();
}

static void waiting_thread_gets_the_message(void **state)
{
    struct fake_app *a = *state;
    for (uint32_t i = 0; i < 200; i++) {
        struct waiter w = {.a = a, .timeout_ms = 0xFFFFFFFF};
        pthread_t thread;
        not_armed(a);
        assert_int_equal(pthread_create(&thread, NULL, wait_for_one, &w), 0);
        if (i % 2 == 0)
            until_armed(a);
        tell(a, i);
        pthread_join(thread, NULL);
        assert_int_equal(w.result, 0);
        assert_int_equal(w.m.dwParam2, i);
    }
}

static void each_of_many_waiters_gets_one(void **state)
{
    struct fake_app *a = *state;
    struct waiter w[8];
    pthread_t threads[8];
    not_armed(a);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < 8; i++) {
        w[i] = (struct waiter){.a = a, .timeout_ms = 20000};
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_one, &w[i]), 0);
    }
    until_armed(a);
    for (uint32_t i = 0; i < 8; i++)
        tell(a, i);
    for (uint32_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(w[i].result, 0);
        seen |= 1u << w[i].m.dwParam2;
    }
    assert_int_equal(seen, 0xFF);
}

static void a_sleeper_does_not_keep_others_from_polling(void **state)
{
    struct fake_app *a = *state;
    struct waiter w = {.a = a, .timeout_ms = 0xFFFFFFFF};
    pthread_t thread;
    not_armed(a);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_one, &w), 0);
    until_armed(a);
    fake_app_none(a); /* would wait for ever if the sleeper held a lock */
    tell(a, 1);
    pthread_join(thread, NULL);
    assert_int_equal(w.result, 0);
}

static void timeout_is_operation_failed_and_not_early(void **state)
{
    struct fake_app *a = *state;
    LINEMESSAGE m;
    int64_t start = now_ms();
    assert_int_equal(lineGetMessage(a->app, &m, 60), LINEERR_OPERATIONFAILED);
    assert_true(now_ms() - start >= 59);
    struct cf_batch_message b;
    uint32_t count = 9;
    start = now_ms();
    assert_int_equal(cf_line_get_messages(a->app, &b, 1, 60, &count), 0);
    assert_int_equal(count, 0);
    assert_true(now_ms() - start >= 59);
    assert_int_equal(lineGetMessage(a->app, NULL, 0), LINEERR_INVALPOINTER);
}

static void spinning_waiter_gets_it_and_sleeps_in_the_end(void **state)
{
    struct cf_init_options o = {.size = sizeof o, .spin_us = 2000};
    struct fake_app *a = fake_app_new(&o);
    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        struct waiter w = {.a = a, .timeout_ms = 0xFFFFFFFF};
        pthread_t thread;
        not_armed(a);
        assert_int_equal(pthread_create(&thread, NULL, wait_for_one, &w), 0);
        if (i % 2 == 0)
            until_armed(a); /* its spin is over */
        tell(a, i);
        pthread_join(thread, NULL);
        assert_int_equal(w.result, 0);
        assert_int_equal(w.m.dwParam2, i);
    }
    LINEMESSAGE m;
    assert_int_equal(lineGetMessage(a->app, &m, 10), LINEERR_OPERATIONFAILED);
    assert_int_not_equal(cf_load_acquire_64(&a->port->up->wake_at), 0); /* a poller would be woken */
    fake_app_free(a);
}

/* ------------------------------------------------------------------ acknowledging */

static void acknowledged_by_quarters_and_when_drained(void **state)
{
    struct fake_app *a = *state;
    const uint64_t *ack = &a->port->up->down_ack, *messages = &a->port->up->messages_acked;
    const uint64_t first = cf_load_acquire_64(ack); /* where the ring begins */
    assert_true(first != 0);
    for (uint32_t i = 0; i < 600; i++)
        tell(a, i);
    for (uint32_t i = 0; i < 600; i++) {
        uint64_t before = cf_load_acquire_64(ack) - first;
        assert_true(before <= i); /* never past what was handed out */
        assert_true(i - before <= 256);
        assert_int_equal(cf_load_acquire_64(messages), before);
        fake_app_next(a);
    }
    assert_int_equal(cf_load_acquire_64(ack), first + 600);
    assert_int_equal(cf_load_acquire_64(messages), 600);
}

/* ------------------------------------------------------------------ shutdown */

static void shutdown_wakes_every_waiter(void **state)
{
    struct fake_app *a = *state;
    struct waiter w[6];
    pthread_t threads[6];
    uint32_t woken = 0;
    not_armed(a);
    for (uint32_t i = 0; i < 6; i++) {
        w[i] = (struct waiter){.a = a, .timeout_ms = 0xFFFFFFFF};
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_one, &w[i]), 0);
    }
    until_armed(a);
    assert_int_equal(lineShutdown(a->app), 0);
    for (uint32_t i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
        /* A thread that had not begun yet finds no usage at all. */
        assert_true(w[i].result == LINEERR_INVALAPPHANDLE || w[i].result == LINEERR_UNINITIALIZED);
        woken += w[i].result == LINEERR_INVALAPPHANDLE;
    }
    assert_true(woken > 0);
    assert_int_equal(fake_await(a->port, CF_REQ_SHUTDOWN, 0).flags, CF_NO_REPLY);
    assert_int_equal(lineShutdown(a->app), LINEERR_UNINITIALIZED);
    a->app = 0;
}

static void *ask_status(void *arg)
{
    struct waiter *w = arg;
    LINEDEVSTATUS s = {.dwTotalSize = sizeof s};
    w->result = lineGetLineDevStatus(w->a->line, &s);
    return NULL;
}

static void shutdown_releases_who_waits_for_an_answer(void **state)
{
    struct fake_app *a = *state;
    struct waiter w = {.a = a};
    pthread_t thread;
    fake_hold(a->port, true);
    assert_int_equal(pthread_create(&thread, NULL, ask_status, &w), 0);
    while (cf_load_acquire_64(&a->port->up->reply_waiting) == 0)
        cf_pause();
    assert_int_equal(lineShutdown(a->app), 0);
    pthread_join(thread, NULL);
    assert_int_equal(w.result, LINEERR_OPERATIONFAILED);
    a->app = 0;
}

/* ------------------------------------------------------------------ callbacks */

static struct {
    HLINEAPP app;
    HCALL release;
    uint32_t calls, last;
    bool shut;
} heard;

static void hear(uint64_t device, DWORD message, DWORD_PTR instance, DWORD_PTR p1, DWORD_PTR p2, DWORD_PTR p3)
{
    (void)device, (void)instance, (void)p1, (void)p3;
    heard.calls++;
    heard.last = message;
    if (heard.release != 0 && p2 == 1)
        assert_int_equal(lineDeallocateCall(heard.release), 0);
    if (heard.shut)
        assert_int_equal(lineShutdown(heard.app), 0);
}

static void dispatch_runs_callbacks_that_may_do_anything(void **state)
{
    struct fake_app a = {.core = fake_core_start()};
    DWORD devices, version = CF_TAPI_VERSION_2_2;
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEHIDDENWINDOW};
    struct cf_init_options o = {.size = sizeof o, .socket_path = a.core->path};
    (void)state;
    assert_int_equal(cf_line_initialize(&a.app, NULL, "x", &devices, &version, &params, &o), LINEERR_INVALPARAM);
    assert_int_equal(cf_line_initialize(&a.app, hear, "x", &devices, &version, &params, &o), 0);
    a.event = params.Handles.hEvent;
    a.port = fake_core_port(a.core, 0);
    a.line = fake_app_open(&a, 0, version, FAKE_INSTANCE);
    assert_int_equal(cf_dispatch(a.app, 10), 0);
    HCALL call = fake_app_announce(&a, 0, 1, MONITOR);
    heard.app = a.app;
    heard.release = call;
    tell(&a, 1); /* its callback releases the call of the next */
    fake_message(a.port, LINE_CALLSTATE, call, LINECALLSTATE_IDLE, 0, 0, cf_handle_slot(a.line));
    tell(&a, 2);
    assert_true(fake_app_readable(&a, 20000));
    assert_int_equal(cf_dispatch(a.app, 10), 2);
    assert_int_equal(heard.calls, 2);
    heard.release = 0;
    for (uint32_t i = 0; i < 5; i++)
        tell(&a, 9);
    assert_int_equal(cf_dispatch(a.app, 2), 2);
    assert_true(fake_app_readable(&a, 0));
    heard.shut = true;
    assert_int_equal(cf_dispatch(a.app, 10), 1);
    assert_int_equal(heard.calls, 5);
    assert_int_equal(cf_dispatch(a.app, 10), LINEERR_UNINITIALIZED);
    fake_core_stop(a.core);
}

static void dispatch_without_callback_is_unavailable(void **state)
{
    struct fake_app *a = *state;
    assert_int_equal(cf_dispatch(a->app, 1), LINEERR_OPERATIONUNAVAIL);
}

/* ------------------------------------------------------------------ the service is gone */

static void hang_up_hands_out_what_came_then_closes_and_reinit(void **state)
{
    struct fake_app *a = *state;
    HLINE second = fake_app_open(a, 2, CF_TAPI_VERSION_2_2, 78);
    HLINE third = fake_app_open(a, 3, CF_TAPI_VERSION_2_2, 79);
    HCALL call = fake_app_announce(a, 0, 1, MONITOR);
    assert_int_equal(lineClose(second), 0);
    tell(a, 1);
    tell(a, 2);
    fake_hang_up(a->port);
    assert_true(fake_app_readable(a, 20000));
    assert_int_equal(fake_app_next(a).dwParam2, 1);
    assert_int_equal(fake_app_next(a).dwParam2, 2);
    assert_true(fake_app_readable(a, 0));
    LINEMESSAGE m = fake_app_next(a);
    assert_true(m.dwMessageID == LINE_CLOSE && m.hDevice == a->line && m.dwCallbackInstance == FAKE_INSTANCE);
    assert_true(fake_app_readable(a, 0));
    m = fake_app_next(a);
    assert_true(m.dwMessageID == LINE_CLOSE && m.hDevice == third && m.dwCallbackInstance == 79);
    m = fake_app_next(a);
    assert_true(m.dwMessageID == LINE_LINEDEVSTATE && m.hDevice == 0 && m.dwParam1 == LINEDEVSTATE_REINIT &&
                m.dwParam2 == 0);
    assert_false(fake_app_readable(a, 0)); /* not readable for ever */
    assert_int_equal(lineGetMessage(a->app, &m, 0xFFFFFFFF), LINEERR_OPERATIONFAILED);
    assert_int_equal(lineClose(a->line), LINEERR_INVALLINEHANDLE);
    assert_int_equal(lineDeallocateCall(call), LINEERR_INVALCALLHANDLE);
    HLINE line;
    assert_int_equal(lineOpen(a->app, 1, &line, CF_TAPI_VERSION_2_2, 0, 0, MONITOR, 0, NULL), LINEERR_REINIT);
    assert_int_equal(lineOpen(a->app, LINEMAPPER, &line, CF_TAPI_VERSION_2_2, 0, 0, MONITOR, 0, NULL), LINEERR_REINIT);
}

/* H-73: of that service, and of nobody else's; who was not told yet stands in nobody's way. */
static void who_was_told_reinit_shuts_down_first(void **state)
{
    struct fake_app *a = *state, other = {.core = a->core}, elsewhere = {.core = fake_core_start()};
    fake_hang_up(a->port);
    assert_int_equal(fake_app_join(&other, NULL, CF_TAPI_VERSION_2_2), 0);
    assert_int_equal(lineShutdown(other.app), 0);
    assert_int_equal(fake_app_next(a).dwMessageID, LINE_CLOSE);
    assert_int_equal(fake_app_next(a).dwParam1, LINEDEVSTATE_REINIT);
    for (int i = 0; i < 2; i++)
        assert_int_equal(fake_app_join(&other, NULL, CF_TAPI_VERSION_2_2), LINEERR_REINIT);
    assert_int_equal(fake_app_join(&other, NULL, CF_TAPI_VERSION_1_3 - 1), LINEERR_INCOMPATIBLEAPIVERSION);
    assert_int_equal(fake_app_join(&elsewhere, NULL, CF_TAPI_VERSION_2_2), 0);
    assert_int_equal(lineShutdown(elsewhere.app), 0);
    fake_core_stop(elsewhere.core);
    assert_int_equal(lineShutdown(a->app), 0);
    assert_int_equal(fake_app_join(a, NULL, CF_TAPI_VERSION_2_2), 0);
    fake_app_open(a, 1, CF_TAPI_VERSION_2_2, 0);
}

static void after_hang_up_local_functions_succeed_and_others_fail(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, MONITOR), made = 0;
    fake_hang_up(a->port);
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    assert_int_equal(lineGetCallInfo(call, &info), LINEERR_OPERATIONFAILED);
    assert_int_equal(lineMakeCall(a->line, &made, "1", 0, NULL), LINEERR_OPERATIONFAILED);
    assert_int_equal(lineDrop(call, NULL, 0), LINEERR_OPERATIONFAILED);
    assert_int_equal(lineDeallocateCall(call), 0);
    assert_int_equal(lineClose(a->line), 0);
    assert_int_equal(fake_app_next(a).dwMessageID, LINE_LINEDEVSTATE); /* no LINE_CLOSE for what we closed ourselves */
}

static void hang_up_wakes_a_waiter(void **state)
{
    struct fake_app *a = *state;
    struct waiter w = {.a = a, .timeout_ms = 0xFFFFFFFF};
    pthread_t thread;
    not_armed(a);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_one, &w), 0);
    until_armed(a);
    fake_hang_up(a->port);
    pthread_join(thread, NULL);
    assert_int_equal(w.result, 0);
    assert_int_equal(w.m.dwMessageID, LINE_CLOSE);
}

static void hang_up_releases_who_waits_for_an_answer(void **state)
{
    struct fake_app *a = *state;
    struct waiter w = {.a = a};
    pthread_t thread;
    fake_hold(a->port, true);
    assert_int_equal(pthread_create(&thread, NULL, ask_status, &w), 0);
    while (cf_load_acquire_64(&a->port->up->reply_waiting) == 0)
        cf_pause();
    fake_hang_up(a->port);
    pthread_join(thread, NULL);
    assert_int_equal(w.result, LINEERR_OPERATIONFAILED);
}

#define with_app(test) cmocka_unit_test_setup_teardown(test, fake_app_setup, fake_app_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_app(readable_exactly_while_a_message_is_pending),
        with_app(first_message_wakes_a_poller_that_never_asked),
        with_app(messages_left_by_a_batch_keep_it_readable),
        with_app(only_void_messages_are_no_lasting_readiness),
        with_app(stray_bell_is_silenced),
        with_app(no_bell_for_who_is_awake),
        with_app(message_between_drain_and_wake_at_is_not_lost),
        with_app(poller_never_misses_a_message),
        with_app(poller_never_misses_one_that_comes_as_it_goes_to_sleep),
        with_app(waiting_thread_gets_the_message),
        with_app(each_of_many_waiters_gets_one),
        with_app(a_sleeper_does_not_keep_others_from_polling),
        with_app(timeout_is_operation_failed_and_not_early),
        cmocka_unit_test(spinning_waiter_gets_it_and_sleeps_in_the_end),
        with_app(acknowledged_by_quarters_and_when_drained),
        with_app(shutdown_wakes_every_waiter),
        with_app(shutdown_releases_who_waits_for_an_answer),
        cmocka_unit_test(dispatch_runs_callbacks_that_may_do_anything),
        with_app(dispatch_without_callback_is_unavailable),
        with_app(hang_up_hands_out_what_came_then_closes_and_reinit),
        with_app(who_was_told_reinit_shuts_down_first),
        with_app(after_hang_up_local_functions_succeed_and_others_fail),
        with_app(hang_up_wakes_a_waiter),
        with_app(hang_up_releases_who_waits_for_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
