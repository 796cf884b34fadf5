/* Bells: rung stays rung until drained; nothing a peer does blocks or kills the ringer. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/sys_bell.h"

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}

static void rung_until_drained(void **state)
{
    (void)state;
    int in, out;
    assert_int_equal(cf_bell_create(&in, &out), 0);
    assert_true((fcntl(in, F_GETFD) & fcntl(out, F_GETFD) & FD_CLOEXEC) != 0);
    assert_false(readable(in));
    assert_int_equal(cf_bell_drain(in), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cf_bell_ring(out), 0);
    assert_true(readable(in));
    assert_int_equal(cf_bell_drain(in), 1);
    assert_false(readable(in));
    assert_int_equal(cf_bell_drain(in), 0);
    close(in);
    close(out);
}

static void a_bell_that_nobody_hears_is_rung_without_end(void **state)
{
    (void)state;
    int in, out;
    assert_int_equal(cf_bell_create(&in, &out), 0);
    for (int i = 0; i < 100000; i++) /* more than any pipe holds */
        assert_int_equal(cf_bell_ring(out), 0);
    for (int i = 0; readable(in); i++) {
        assert_true(i < 16);
        assert_int_equal(cf_bell_drain(in), 1);
    }
    close(in);
    close(out);
}

static void a_peer_gone_is_an_error_and_no_signal(void **state)
{
    (void)state;
    int in, out;
    signal(SIGPIPE, SIG_DFL); /* a stray one would end the test program */
    assert_int_equal(cf_bell_create(&in, &out), 0);
    close(in);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cf_bell_ring(out), -EPIPE);
    close(out);
    assert_int_equal(cf_bell_create(&in, &out), 0);
    cf_bell_ring(out);
    close(out);
    assert_int_equal(cf_bell_drain(in), 1); /* first what was rung */
    assert_int_equal(cf_bell_drain(in), -EPIPE);
    close(in);
    assert_int_equal(cf_bell_ring(-1), -EBADF);
    assert_int_equal(cf_bell_drain(-1), -EBADF);
}

static void a_pending_sigpipe_of_the_program_stays_pending(void **state)
{
    (void)state;
    int in, out;
    sigset_t sigpipe, pending, old;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &sigpipe, &old), 0);
    assert_int_equal(raise(SIGPIPE), 0);
    assert_int_equal(cf_bell_create(&in, &out), 0);
    close(in);
    assert_int_equal(cf_bell_ring(out), -EPIPE);
    close(out);
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 1);
    assert_int_equal(sigtimedwait(&sigpipe, NULL, &(struct timespec){0}), SIGPIPE);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void what_a_peer_does_to_its_end_does_not_block_ours(void **state)
{
    (void)state;
    int in, out;
    assert_int_equal(cf_bell_create(&in, &out), 0);
    assert_int_equal(fcntl(in, F_SETFL, 0), 0); /* the reading peer: blocking */
    for (int i = 0; i < 5000; i++)
        assert_int_equal(cf_bell_ring(out), 0);
    assert_true((fcntl(out, F_GETFL) & O_NONBLOCK) != 0);
    close(in);
    close(out);
    assert_int_equal(cf_bell_create(&in, &out), 0);
    assert_int_equal(fcntl(out, F_SETFL, 0), 0); /* the ringing peer */
    assert_int_equal(cf_bell_drain(in), 0);
    fcntl(out, F_SETPIPE_SZ, 65536);
    char flood[65536];
    memset(flood, 1, sizeof flood);
    assert_true(write(out, flood, sizeof flood) > 0);
    assert_int_equal(cf_bell_drain(in), 1);
    close(in);
    close(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rung_until_drained),
        cmocka_unit_test(a_bell_that_nobody_hears_is_rung_without_end),
        cmocka_unit_test(a_peer_gone_is_an_error_and_no_signal),
        cmocka_unit_test(a_pending_sigpipe_of_the_program_stays_pending),
        cmocka_unit_test(what_a_peer_does_to_its_end_does_not_block_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
