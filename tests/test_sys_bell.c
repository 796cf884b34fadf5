/* Bells: rung stays rung until drained; nothing a peer does blocks or kills the core's side. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/sys_bell.h"

typedef int create_fn(int *ret_read_fd, int *ret_write_fd);
static create_fn *const kinds[] = {cf_bell_create_down, cf_bell_create_up};
static int (*const rings[])(int write_fd) = {cf_bell_ring_down, cf_bell_ring_up};

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}

static void rung_until_drained(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        int in, out;
        assert_int_equal(kinds[kind](&in, &out), 0);
        assert_true((fcntl(in, F_GETFD) & fcntl(out, F_GETFD) & FD_CLOEXEC) != 0);
        assert_true((fcntl(in, F_GETFL) & fcntl(out, F_GETFL) & O_NONBLOCK) != 0);
        assert_false(readable(in));
        assert_int_equal(cf_bell_drain(in), 0);
        for (int i = 0; i < 3; i++)
            assert_int_equal(rings[kind](out), 0);
        assert_true(readable(in));
        assert_int_equal(cf_bell_drain(in), 1);
        assert_false(readable(in));
        assert_int_equal(cf_bell_drain(in), 0);
        close(in);
        close(out);
    }
}

static void a_bell_that_nobody_hears_is_rung_without_end(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        int in, out;
        assert_int_equal(kinds[kind](&in, &out), 0);
        for (int i = 0; i < 100000; i++) /* more than any socket keeps */
            assert_int_equal(rings[kind](out), 0);
        assert_int_equal(cf_bell_drain(in), 1);
        assert_false(readable(in));
        close(in);
        close(out);
    }
}

static void a_peer_gone_is_an_error_and_no_signal(void **state)
{
    (void)state;
    int in, out;
    signal(SIGPIPE, SIG_DFL); /* a stray one would end the test program */
    assert_int_equal(cf_bell_create_down(&in, &out), 0);
    close(in);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cf_bell_ring_down(out), -EPIPE);
    close(out);
    assert_int_equal(cf_bell_create_down(&in, &out), 0);
    cf_bell_ring_down(out);
    close(out);
    assert_int_equal(cf_bell_drain(in), 1); /* first what was rung */
    assert_int_equal(cf_bell_drain(in), -EPIPE);
    close(in);
    for (int kind = 0; kind < 2; kind++)
        assert_int_equal(rings[kind](-1), -EBADF);
    assert_int_equal(cf_bell_drain(-1), -EBADF);
}

/* A service that is none could end its applications with a signal. */
static void nothing_that_can_raise_a_signal_is_a_bell(void **state)
{
    (void)state;
    int fds[2], in, out;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(cf_bell_check_up(fds[1]), -EPROTO);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(cf_bell_check_up(fds[1]), -EPROTO);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(cf_bell_check_up(-1), -EBADF);
    assert_int_equal(cf_bell_create_up(&in, &out), 0);
    assert_int_equal(cf_bell_check_up(out), 0);
    close(in);
    close(out);
}

static void a_peer_gone_with_unread_rings_is_an_error_too(void **state)
{
    (void)state;
    int in, out;
    assert_int_equal(cf_bell_create_down(&in, &out), 0);
    cf_bell_ring_down(out);
    close(in);
    assert_int_equal(cf_bell_ring_down(out), -EPIPE);
    close(out);
}

static void what_a_peer_does_to_the_down_bell_does_not_block_the_core(void **state)
{
    (void)state;
    int in, out;
    assert_int_equal(cf_bell_create_down(&in, &out), 0);
    assert_int_equal(fcntl(in, F_SETFL, 0), 0);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(cf_bell_ring_down(out), 0);
    assert_true((fcntl(out, F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(send(in, "x", 1, MSG_NOSIGNAL), -1); /* the core's end takes nothing */
    assert_int_equal(errno, EPIPE);
    assert_int_equal(shutdown(in, SHUT_RDWR), 0);
    assert_int_equal(cf_bell_ring_down(out), -EPIPE);
    close(in);
    close(out);
}

static void what_a_peer_does_to_the_up_bell_does_not_block_the_core(void **state)
{
    (void)state;
    int in, out;
    uint64_t most = UINT64_MAX - 1, count;
    assert_int_equal(cf_bell_create_up(&in, &out), 0);
    assert_int_equal(fcntl(out, F_SETFL, 0), 0); /* of both ends: they are one description */
    assert_int_equal(fcntl(in, F_GETFL) & O_NONBLOCK, 0);
    alarm(10); /* a drain that blocks ends the test */
    assert_int_equal(cf_bell_drain(in), 0);
    assert_int_equal(write(out, &most, sizeof most), sizeof most);
    assert_int_equal(cf_bell_drain(in), 1);
    assert_int_equal(cf_bell_ring_up(out), 0);
    assert_int_equal(read(out, &count, sizeof count), sizeof count); /* the peer takes its own ring away */
    assert_int_equal(cf_bell_drain(in), 0);
    alarm(0);
    close(in);
    close(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rung_until_drained),
        cmocka_unit_test(a_bell_that_nobody_hears_is_rung_without_end),
        cmocka_unit_test(a_peer_gone_is_an_error_and_no_signal),
        cmocka_unit_test(nothing_that_can_raise_a_signal_is_a_bell),
        cmocka_unit_test(a_peer_gone_with_unread_rings_is_an_error_too),
        cmocka_unit_test(what_a_peer_does_to_the_down_bell_does_not_block_the_core),
        cmocka_unit_test(what_a_peer_does_to_the_up_bell_does_not_block_the_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
