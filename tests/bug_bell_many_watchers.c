/*
 * An application puts thousands of epoll sets on the bell that the core rings for it: each ring took milliseconds of the engine's thread,
 * as often as the application liked to be woken, and everybody else waited.
 */
#define _GNU_SOURCE 1
#include <sys/epoll.h>
#include <sys/resource.h>

#include "callfan/provider.h"
#include "tests/test_keeper_peer.h"

enum { WATCHERS = 8000, LINES = 8, MS = 1500 };

static struct daemon d;

static int watchers[WATCHERS];

static void watch(int bell)
{
    struct rlimit files;
    struct epoll_event e = {.events = EPOLLIN};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    for (int i = 0; i < WATCHERS; i++) {
        watchers[i] = epoll_create1(EPOLL_CLOEXEC);
        if (watchers[i] < 0) {
            print_message("only %d descriptors: %d\n", i, errno);
            skip();
        }
        assert_int_equal(epoll_ctl(watchers[i], EPOLL_CTL_ADD, bell, &e), 0);
    }
}

/* Messages for the application: lines that come. */
static void announce_lines(struct peer *provider, const struct peer *application)
{
    struct cf_record r = {.m = {.id = CF_EV_LINE}};
    for (uint32_t i = 0; i < LINES; i++) {
        r.m.param1 = i;
        r.m.sequence = ++provider->sequence;
        assert_true(cf_ring_put(&provider->requests, &r));
    }
    cf_bell_ring_up(provider->fds[3]);
    int64_t until = test_now_ms() + WAIT_MS;
    while (cf_load_acquire_64(&application->down->down.tail) - application->up->down_ack < LINES)
        assert_true(test_now_ms() < until);
}

/* It asks as fast as it is answered and goes to sleep before each. On a machine so busy that it is answered but after each pause there is
 * nothing to be seen: false, as where there is no pause. */
static bool is_rung_seldom(struct peer *application)
{
    int64_t before = daemon_number(&d, "totals", "bells_rung"), until = test_now_ms() + MS, pings = 0;
    for (; test_now_ms() < until; pings++) {
        cf_store_release_64(&application->up->wake_at,
                            1 + (uint64_t)pings % (LINES - 1)); /* asleep again: to be rung again */
        assert_true(peer_ping(application));
        cf_bell_drain(application->fds[2]);
    }
    int64_t rung = daemon_number(&d, "totals", "bells_rung") - before;
    print_message("%d pings, rung %d times\n", (int)pings, (int)rung);
    return rung >= 1 && rung <= MS / 2 && pings > 4 * rung;
}

static void a_bell_with_thousands_of_watchers_is_rung_seldom(void **state)
{
    (void)state;
    struct peer application, provider;
    struct cf_hello h = test_hello(CF_HELLO_APPLICATION, "watched");
    h.wake_interval_us = 0;
    daemon_start(&d, "provider p {}\n");
    peer_attach(&application, &d, &h);
    h = test_hello(CF_HELLO_PROVIDER, "p");
    peer_attach(&provider, &d, &h);
    announce_lines(&provider, &application);
    watch(application.fds[2]);
    for (int64_t until = test_now_ms() + WAIT_MS; !is_rung_seldom(&application);)
        assert_true(test_now_ms() < until);
    /* What had to wait is rung all the same. */
    struct pollfd f = {.fd = application.fds[2], .events = POLLIN};
    cf_store_release_64(&application.up->wake_at, LINES);
    assert_true(peer_ping(&application));
    assert_int_equal(poll(&f, 1, WAIT_MS), 1);
    for (int i = 0; i < WATCHERS; i++)
        close(watchers[i]);
    peer_close(&application);
    peer_close(&provider);
    daemon_stop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_bell_with_thousands_of_watchers_is_rung_seldom)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
