/*
 * The reactor over real sockets, pipes and signals of this process.
 */
#define _GNU_SOURCE
#include "adapters/provider/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_S = 30 };

static int64_t soon(void)
{
    return cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;
}

static struct cf_reactor *open_reactor(const struct cf_reactor_options *options)
{
    struct cf_reactor *r = NULL;
    char why[200] = "";
    int rc = cf_reactor_open(&r, options, why, sizeof why);
    if (rc < 0)
        fail_msg("cf_reactor_open: %s (%s)", why, strerror(-rc));
    return r;
}

/* A UDP socket on the loopback of the family, any port. */
static int udp_socket(int family, struct sockaddr_storage *ret_address, socklen_t *ret_bytes)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    memset(ret_address, 0, sizeof *ret_address);
    ret_address->ss_family = (sa_family_t)family;
    if (family == AF_INET)
        ((struct sockaddr_in *)ret_address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        ((struct sockaddr_in6 *)ret_address)->sin6_addr = in6addr_loopback;
    *ret_bytes = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (bind(fd, (struct sockaddr *)ret_address, *ret_bytes) < 0) {
        close(fd);
        return -1;
    }
    *ret_bytes = sizeof *ret_address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)ret_address, ret_bytes), 0);
    return fd;
}

/* ------------------------------------------------------------------ datagrams */

struct echo {
    struct cf_reactor *reactor;
    int source;
    unsigned received, echoed;
    bool truncated;
    uint32_t bytes_last;
    int32_t error;
};

static void echo(void *arg, const struct cf_datagram *d, int64_t now_ns)
{
    struct echo *e = arg;
    assert_true(now_ns > 0);
    if (d->error != 0) {
        e->error = d->error;
        return;
    }
    e->received++;
    e->truncated = d->truncated;
    e->bytes_last = d->bytes;
    e->echoed += cf_reactor_send(e->reactor, e->source, d->data, d->bytes, d->from, d->from_bytes);
}

static void ignore(void *arg, const struct cf_datagram *d, int64_t now_ns)
{
    (void)now_ns;
    *(unsigned *)arg += d->error == 0;
}

static void echo_over(int family)
{
    struct sockaddr_storage server, client;
    socklen_t server_bytes, client_bytes;
    int fd = udp_socket(family, &server, &server_bytes);
    if (fd < 0 && family == AF_INET6)
        skip(); /* no IPv6 here */
    assert_true(fd >= 0);
    int peer = udp_socket(family, &client, &client_bytes);
    struct echo e = {.reactor = open_reactor(NULL)};
    e.source = cf_reactor_receive(e.reactor, fd, echo, &e);
    assert_true(e.source >= 0);

    for (unsigned n = 1; n <= 100; n++) {
        char text[32], back[64];
        int len = snprintf(text, sizeof text, "datagram %u", n);
        assert_int_equal(sendto(peer, text, (size_t)len, 0, (struct sockaddr *)&server, server_bytes), len);
        int64_t end = soon();
        ssize_t got;
        do {
            assert_true(cf_reactor_turn(e.reactor, cf_clock_ns() + CF_NS_PER_MS) >= 0);
            got = recv(peer, back, sizeof back, MSG_DONTWAIT);
        } while (got < 0 && cf_clock_ns() < end);
        assert_int_equal(got, len);
        assert_memory_equal(back, text, len);
    }
    struct cf_reactor_counters c;
    cf_reactor_counters(e.reactor, &c);
    assert_int_equal(c.datagrams, 100);
    assert_int_equal(c.sends, 100);
    assert_int_equal(c.send_errors, 0);
    assert_int_equal(c.rearms, 0); /* one multishot operation served them all */
    cf_reactor_close(e.reactor);
    close(fd);
    close(peer);
}

static void echoes_over_ipv4(void **state)
{
    (void)state;
    echo_over(AF_INET);
}

static void echoes_over_ipv6(void **state)
{
    (void)state;
    echo_over(AF_INET6);
}

static void a_datagram_longer_than_a_buffer_is_marked(void **state)
{
    (void)state;
    struct sockaddr_storage server, client;
    socklen_t server_bytes, client_bytes;
    int fd = udp_socket(AF_INET, &server, &server_bytes), peer = udp_socket(AF_INET, &client, &client_bytes);
    const struct cf_reactor_options options = {.buffer_bytes = 1024};
    struct echo e = {.reactor = open_reactor(&options)};
    e.source = cf_reactor_receive(e.reactor, fd, echo, &e);
    char text[1025];
    memset(text, 'x', sizeof text);
    for (unsigned n = 0; n < 2; n++) { /* one that just fits, one that does not */
        assert_true(sendto(peer, text, 1024 + n, 0, (struct sockaddr *)&server, server_bytes) > 0);
        for (int64_t end = soon(); e.received == n && cf_clock_ns() < end;)
            cf_reactor_turn(e.reactor, end);
        assert_int_equal(e.received, n + 1);
        assert_int_equal(e.bytes_last, 1024);
        assert_int_equal(e.truncated, n == 1);
    }
    cf_reactor_close(e.reactor);
    close(fd);
    close(peer);
}

/* More datagrams than receive buffers, more replies than send buffers: none is lost. */
static void survives_more_datagrams_than_buffers(void **state)
{
    (void)state;
    struct sockaddr_storage server, client;
    socklen_t server_bytes, client_bytes;
    int fd = udp_socket(AF_INET, &server, &server_bytes), peer = udp_socket(AF_INET, &client, &client_bytes);
    const struct cf_reactor_options options = {.entries = 64, .datagram_buffers_count = 8, .sends_count = 4};
    struct echo e = {.reactor = open_reactor(&options)};
    e.source = cf_reactor_receive(e.reactor, fd, echo, &e);
    unsigned sent = 0, back = 0;
    char byte = 'x';
    for (int64_t end = soon(); back < 1000 && cf_clock_ns() < end;) {
        for (; sent < 1000 && sent - back < 100; sent++) /* the socket's own queue holds more than these */
            assert_int_equal(sendto(peer, &byte, 1, 0, (struct sockaddr *)&server, server_bytes), 1);
        assert_true(cf_reactor_turn(e.reactor, cf_clock_ns() + CF_NS_PER_MS) >= 0);
        while (recv(peer, &byte, 1, MSG_DONTWAIT) == 1)
            back++;
    }
    assert_int_equal(back, 1000);
    struct cf_reactor_counters c;
    cf_reactor_counters(e.reactor, &c);
    assert_true(c.no_buffers > 0 && c.rearms > 0); /* or this showed nothing */
    assert_int_equal(c.sends_refused, 0);
    cf_reactor_close(e.reactor);
    close(fd);
    close(peer);
}

static void a_paused_socket_keeps_its_datagrams(void **state)
{
    (void)state;
    struct sockaddr_storage server, client;
    socklen_t server_bytes, client_bytes;
    int fd = udp_socket(AF_INET, &server, &server_bytes), peer = udp_socket(AF_INET, &client, &client_bytes);
    struct cf_reactor *r = open_reactor(NULL);
    unsigned received = 0;
    int source = cf_reactor_receive(r, fd, ignore, &received);
    cf_reactor_pause(r, source, true);
    cf_reactor_turn(r, cf_clock_ns() + CF_NS_PER_MS); /* the operation is taken back */
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(sendto(peer, "x", 1, 0, (struct sockaddr *)&server, server_bytes), 1);
    for (unsigned i = 0; i < 20; i++)
        cf_reactor_turn(r, cf_clock_ns() + CF_NS_PER_MS);
    assert_int_equal(received, 0);
    cf_reactor_pause(r, source, false);
    for (int64_t end = soon(); received < 5 && cf_clock_ns() < end;)
        cf_reactor_turn(r, end);
    assert_int_equal(received, 5);
    /* Pausing and going on before the kernel answered ends in receiving. */
    cf_reactor_pause(r, source, true);
    cf_reactor_pause(r, source, false);
    assert_int_equal(sendto(peer, "x", 1, 0, (struct sockaddr *)&server, server_bytes), 1);
    for (int64_t end = soon(); received < 6 && cf_clock_ns() < end;)
        cf_reactor_turn(r, end);
    assert_int_equal(received, 6);
    cf_reactor_close(r);
    close(fd);
    close(peer);
}

static void a_refused_send_does_not_stop_receiving(void **state)
{
    (void)state;
    struct sockaddr_storage server, nobody, client;
    socklen_t server_bytes, nobody_bytes, client_bytes;
    int fd = udp_socket(AF_INET, &server, &server_bytes), gone = udp_socket(AF_INET, &nobody, &nobody_bytes);
    int peer = udp_socket(AF_INET, &client, &client_bytes);
    close(gone);
    struct echo e = {.reactor = open_reactor(NULL)};
    e.source = cf_reactor_receive(e.reactor, fd, echo, &e);
    assert_true(cf_reactor_send(e.reactor, e.source, "x", 1, (struct sockaddr *)&nobody, nobody_bytes));
    assert_int_equal(sendto(peer, "y", 1, 0, (struct sockaddr *)&server, server_bytes), 1);
    for (int64_t end = soon(); e.received == 0 && cf_clock_ns() < end;)
        cf_reactor_turn(e.reactor, end);
    assert_int_equal(e.received, 1);
    assert_int_equal(e.error, 0);
    cf_reactor_close(e.reactor);
    close(fd);
    close(peer);
}

static void what_is_too_long_to_send_is_refused(void **state)
{
    (void)state;
    struct sockaddr_storage server;
    socklen_t bytes;
    int fd = udp_socket(AF_INET, &server, &bytes);
    const struct cf_reactor_options options = {.send_bytes = 512};
    struct echo e = {.reactor = open_reactor(&options)};
    e.source = cf_reactor_receive(e.reactor, fd, echo, &e);
    char text[513] = {0};
    assert_true(cf_reactor_send(e.reactor, e.source, text, 512, (struct sockaddr *)&server, bytes));
    assert_false(cf_reactor_send(e.reactor, e.source, text, 513, (struct sockaddr *)&server, bytes));
    cf_reactor_close(e.reactor);
    close(fd);
}

static void a_descriptor_that_is_no_socket_is_reported(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    struct echo e = {.reactor = open_reactor(NULL)};
    e.source = cf_reactor_receive(e.reactor, ends[0], echo, &e);
    for (int64_t end = soon(); e.error == 0 && cf_clock_ns() < end;)
        cf_reactor_turn(e.reactor, end);
    assert_int_equal(e.error, -ENOTSOCK);
    cf_reactor_close(e.reactor);
    close(ends[0]);
    close(ends[1]);
}

/* An operation that the kernel still holds would keep the port: close takes everything back first. */
static void close_frees_the_port_at_once(void **state)
{
    (void)state;
    struct sockaddr_storage server;
    socklen_t bytes;
    for (int i = 0; i < 20; i++) {
        int fd = udp_socket(AF_INET, &server, &bytes);
        unsigned received = 0;
        struct cf_reactor *r = open_reactor(NULL);
        assert_true(cf_reactor_receive(r, fd, ignore, &received) >= 0);
        cf_reactor_turn(r, 0);
        cf_reactor_close(r);
        close(fd);
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&server, bytes), 0);
        close(fd);
    }
}

/* ------------------------------------------------------------------ descriptors, deadlines, signals */

struct watched {
    struct cf_reactor *reactor;
    int fd, source;
    unsigned calls;
    uint32_t events;
    bool remove_itself;
};

static void drain(void *arg, uint32_t events, int64_t now_ns)
{
    struct watched *w = arg;
    char bytes[64];
    (void)now_ns;
    w->calls++;
    w->events |= events;
    while (read(w->fd, bytes, sizeof bytes) > 0)
        ;
    if (w->remove_itself)
        cf_reactor_remove(w->reactor, w->source);
}

static void a_watched_pipe_is_heard_each_time_it_fills(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    struct watched w = {.reactor = open_reactor(NULL), .fd = ends[0]};
    assert_int_equal(write(ends[1], "x", 1), 1); /* also what was there before */
    w.source = cf_reactor_watch(w.reactor, ends[0], POLLIN, drain, &w);
    for (unsigned n = 1; n <= 50; n++) {
        for (int64_t end = soon(); w.calls < n && cf_clock_ns() < end;)
            cf_reactor_turn(w.reactor, end);
        assert_int_equal(w.calls, n);
        if (n < 50)
            assert_int_equal(write(ends[1], "x", 1), 1);
    }
    close(ends[1]);
    for (int64_t end = soon(); (w.events & POLLHUP) == 0 && cf_clock_ns() < end;)
        cf_reactor_turn(w.reactor, end);
    assert_true((w.events & POLLHUP) != 0);
    cf_reactor_close(w.reactor);
    close(ends[0]);
}

static void a_callback_may_remove_its_own_source(void **state)
{
    (void)state;
    struct cf_reactor *r = open_reactor(NULL);
    for (int round = 0; round < 2 * 256; round++) { /* numbers are used again */
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        struct watched w = {.reactor = r, .fd = ends[0], .remove_itself = true};
        w.source = cf_reactor_watch(r, ends[0], POLLIN, drain, &w);
        assert_true(w.source >= 0);
        assert_int_equal(write(ends[1], "x", 1), 1);
        for (int64_t end = soon(); w.calls == 0 && cf_clock_ns() < end;)
            cf_reactor_turn(r, end);
        assert_int_equal(write(ends[1], "x", 1), 1);
        cf_reactor_turn(r, 0);
        cf_reactor_turn(r, 0);
        assert_int_equal(w.calls, 1);
        close(ends[0]);
        close(ends[1]);
    }
    cf_reactor_close(r);
}

static void a_turn_ends_at_its_deadline(void **state)
{
    (void)state;
    struct cf_reactor *r = open_reactor(NULL);
    int64_t begin = cf_clock_ns();
    assert_int_equal(cf_reactor_turn(r, begin + 20 * CF_NS_PER_MS), 0);
    assert_true(cf_clock_ns() >= begin + 20 * CF_NS_PER_MS);
    begin = cf_clock_ns();
    assert_int_equal(cf_reactor_turn(r, begin - CF_NS_PER_S), 0); /* a past one only looks */
    assert_true(cf_clock_ns() < begin + PATIENCE_S * CF_NS_PER_S);
    cf_reactor_close(r);
}

static void note_signal(void *arg, int signal_number, int64_t now_ns)
{
    (void)now_ns;
    *(unsigned *)arg |= 1u << signal_number;
}

static void gathering_takes_what_came_together(void **state)
{
    (void)state;
    struct sockaddr_storage server, client;
    socklen_t server_bytes, client_bytes;
    int fd = udp_socket(AF_INET, &server, &server_bytes), peer = udp_socket(AF_INET, &client, &client_bytes);
    struct echo e = {.reactor = open_reactor(NULL)};
    e.source = cf_reactor_receive(e.reactor, fd, echo, &e);
    assert_int_equal(cf_reactor_gather(e.reactor, 0), 0); /* starts receiving */
    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(sendto(peer, "x", 1, 0, (struct sockaddr *)&server, server_bytes), 1);
    const int64_t until = cf_clock_ns() + 5 * CF_NS_PER_MS;
    assert_int_equal(cf_reactor_gather(e.reactor, until), 3);
    assert_true(cf_clock_ns() >= until);
    assert_int_equal(e.received, 3);
    /* The three answers are sent now, and that they were is no event. */
    assert_int_equal(cf_reactor_gather(e.reactor, cf_clock_ns() + CF_NS_PER_MS), 0);
    struct cf_reactor_counters c;
    cf_reactor_counters(e.reactor, &c);
    assert_int_equal(c.completions, 6);
    cf_reactor_close(e.reactor);
    close(fd);
    close(peer);
}

/* While there are buffers: without one a socket would be heard of only when the time is over. */
static void gathering_ends_early_when_much_came(void **state)
{
    (void)state;
    enum { MUCH = 160 };
    struct sockaddr_storage server, client;
    socklen_t server_bytes, client_bytes;
    int fd = udp_socket(AF_INET, &server, &server_bytes), peer = udp_socket(AF_INET, &client, &client_bytes);
    struct cf_reactor *r = open_reactor(NULL);
    unsigned received = 0;
    assert_true(cf_reactor_receive(r, fd, ignore, &received) >= 0);
    for (unsigned n = 0; n < MUCH; n++)
        assert_int_equal(sendto(peer, "x", 1, 0, (struct sockaddr *)&server, server_bytes), 1);
    const int64_t until = soon();
    assert_true(cf_reactor_gather(r, until) > 0);
    assert_true(cf_clock_ns() < until);
    assert_true(received > 0);
    struct cf_reactor_counters c;
    cf_reactor_counters(r, &c);
    assert_int_equal(c.no_buffers, 0);
    cf_reactor_close(r);
    close(fd);
    close(peer);
}

/* What a turn sends is sent while it begins, and does not end it. */
static void a_turn_that_sends_sleeps_until_its_deadline(void **state)
{
    (void)state;
    struct sockaddr_storage server, client;
    socklen_t server_bytes, client_bytes;
    int fd = udp_socket(AF_INET, &server, &server_bytes), peer = udp_socket(AF_INET, &client, &client_bytes);
    struct echo e = {.reactor = open_reactor(NULL)};
    char back[8];
    e.source = cf_reactor_receive(e.reactor, fd, echo, &e);
    for (unsigned n = 0; n < 2; n++)
        assert_true(cf_reactor_send(e.reactor, e.source, "x", 1, (struct sockaddr *)&client, client_bytes));
    const int64_t deadline = cf_clock_ns() + 2 * CF_NS_PER_MS;
    assert_int_equal(cf_reactor_turn(e.reactor, deadline), 2);
    assert_true(cf_clock_ns() >= deadline);
    for (unsigned n = 0; n < 2; n++)
        assert_int_equal(recv(peer, back, sizeof back, MSG_DONTWAIT), 1);
    cf_reactor_close(e.reactor);
    close(fd);
    close(peer);
}

static void signals_arrive_as_events(void **state)
{
    (void)state;
    struct cf_reactor *r = open_reactor(NULL);
    unsigned seen = 0;
    const unsigned wanted = 1u << SIGTERM | 1u << SIGINT | 1u << SIGHUP;
    assert_int_equal(cf_reactor_signals(r, note_signal, &seen), 0);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGINT);
    kill(getpid(), SIGHUP);
    for (int64_t end = soon(); seen != wanted && cf_clock_ns() < end;)
        cf_reactor_turn(r, end);
    assert_int_equal(seen, wanted);
    cf_reactor_close(r);
}

/* ------------------------------------------------------------------ restrictions */

/* What the ring answers to an entry, made by hand. */
static int answer_to(struct cf_reactor *r, const struct io_uring_sqe *entry)
{
    struct io_uring *ring = cf_reactor_ring(r);
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    assert_non_null(sqe);
    *sqe = *entry;
    sqe->user_data = UINT64_MAX;
    assert_int_equal(io_uring_submit_and_get_events(ring), 1);
    struct io_uring_cqe *cqe;
    struct __kernel_timespec patience = {.tv_sec = PATIENCE_S};
    assert_int_equal(io_uring_wait_cqe_timeout(ring, &cqe, &patience), 0);
    assert_true(cqe->user_data == UINT64_MAX);
    int answer = cqe->res;
    io_uring_cqe_seen(ring, cqe);
    return answer;
}

/* Every operation that a byte can name, of this kernel and of later ones, but those allowed. */
static void refuses_all_but(struct cf_reactor *r, const uint8_t *allowed, size_t allowed_count)
{
    for (int operation = 0; operation < 256; operation++) {
        struct io_uring_sqe sqe = {.opcode = (uint8_t)operation, .fd = AT_FDCWD, .addr = (uintptr_t) "/dev/null"};
        if (memchr(allowed, operation, allowed_count) != NULL)
            continue;
        int answer = answer_to(r, &sqe);
        if (operation >= IORING_OP_LAST && answer == -EINVAL)
            continue; /* none that this kernel knows: refused before it is looked up */
        if (answer != -EACCES)
            fail_msg("operation %d: %s", operation, strerror(answer < 0 ? -answer : 0));
    }
}

static void the_ring_refuses_other_operations(void **state)
{
    (void)state;
    static const uint8_t allowed_all[] = {IORING_OP_POLL_ADD,    IORING_OP_RECVMSG, IORING_OP_SENDMSG,
                                          IORING_OP_ACCEPT,      IORING_OP_CONNECT, IORING_OP_RECV,
                                          IORING_OP_ASYNC_CANCEL};
    const struct cf_reactor_options with_streams = {.streams = true};
    struct cf_reactor *r = open_reactor(&with_streams);
    refuses_all_but(r, allowed_all, sizeof allowed_all);
    /* The same entry is not refused for its form: an allowed operation gets another answer. */
    struct io_uring_sqe allowed = {.opcode = IORING_OP_ASYNC_CANCEL, .addr = 12345};
    assert_int_equal(answer_to(r, &allowed), -ENOENT);
    struct io_uring_sqe linked = {.opcode = IORING_OP_ASYNC_CANCEL, .addr = 12345, .flags = IOSQE_ASYNC};
    assert_int_equal(answer_to(r, &linked), -EACCES);
    cf_reactor_close(r);
}

/* As SIP without TCP, modems and the simulator have it. */
static void without_streams_nothing_is_connected_accepted_or_read(void **state)
{
    (void)state;
    static const uint8_t allowed_all[] = {IORING_OP_POLL_ADD, IORING_OP_RECVMSG, IORING_OP_SENDMSG,
                                          IORING_OP_ASYNC_CANCEL};
    struct cf_reactor *r = open_reactor(NULL);
    refuses_all_but(r, allowed_all, sizeof allowed_all);
    assert_int_equal(cf_reactor_accept(r, STDIN_FILENO, NULL, NULL), -EOPNOTSUPP);
    assert_int_equal(cf_reactor_stream(r, STDIN_FILENO, NULL, 0, NULL, NULL), -EOPNOTSUPP);
    cf_reactor_close(r);
}

/* What opens, makes, connects, reads and writes: each with all that it needs to succeed. */
struct deeds {
    struct sockaddr_in at;
    int listening, client, ends[2];
    char byte;
    struct open_how how;
    struct io_uring_sqe of[6];
};

static void deeds_init(struct deeds *d)
{
    *d = (struct deeds){.at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof d->at;
    d->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(d->listening, (struct sockaddr *)&d->at, sizeof d->at), 0);
    assert_int_equal(listen(d->listening, 1), 0);
    assert_int_equal(getsockname(d->listening, (struct sockaddr *)&d->at, &bytes), 0);
    d->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(pipe2(d->ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(d->ends[1], "x", 1), 1);
    io_uring_prep_openat(&d->of[0], AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
    io_uring_prep_openat2(&d->of[1], AT_FDCWD, "/dev/null", &d->how);
    d->of[2] = (struct io_uring_sqe){.opcode = IORING_OP_SOCKET, .fd = AF_INET, .off = SOCK_STREAM};
    io_uring_prep_connect(&d->of[3], d->client, (struct sockaddr *)&d->at, sizeof d->at);
    io_uring_prep_read(&d->of[4], d->ends[0], &d->byte, 1, 0); /* descriptors, not registered files */
    io_uring_prep_write(&d->of[5], d->ends[1], "y", 1, 0);
}

static void deeds_fini(const struct deeds *d)
{
    close(d->listening);
    close(d->client);
    close(d->ends[0]);
    close(d->ends[1]);
}

static void the_ring_opens_makes_and_connects_nothing(void **state)
{
    (void)state;
    enum { DEEDS = 6, OPENING = 3 };
    static struct deeds d;
    struct io_uring ring;
    struct io_uring_cqe *cqe;
    deeds_init(&d);
    struct cf_reactor *r = open_reactor(NULL);
    for (int i = 0; i < DEEDS; i++)
        assert_int_equal(answer_to(r, &d.of[i]), -EACCES);
    cf_reactor_close(r);
    /* Nothing else was wrong with them: a ring without restrictions does them. */
    assert_int_equal(io_uring_queue_init(8, &ring, 0), 0);
    for (int i = 0; i < DEEDS; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
        *sqe = d.of[i];
        assert_int_equal(io_uring_submit_and_wait(&ring, 1), 1);
        assert_int_equal(io_uring_peek_cqe(&ring, &cqe), 0);
        if (cqe->res < 0)
            fail_msg("operation %u in a free ring: %s", d.of[i].opcode, strerror(-cqe->res));
        if (i < OPENING)
            close(cqe->res);
        io_uring_cqe_seen(&ring, cqe);
    }
    io_uring_queue_exit(&ring);
    deeds_fini(&d);
}

static void the_ring_refuses_other_registrations(void **state)
{
    (void)state;
    struct cf_reactor *r = open_reactor(NULL);
    struct io_uring *ring = cf_reactor_ring(r);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char byte;
    struct iovec part = {&byte, 1};
    unsigned int workers[2] = {1, 1};
    assert_int_equal(io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_BUFFERS, &part, 1), -EACCES);
    assert_int_equal(io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_EVENTFD, &fd, 1), -EACCES);
    assert_int_equal(io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_PERSONALITY, NULL, 0), -EACCES);
    assert_int_equal(io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2), -EACCES);
    close(fd);
    cf_reactor_close(r);
}

static void sizes_out_of_range_are_refused(void **state)
{
    (void)state;
    const struct cf_reactor_options options = {.buffer_bytes = 70000};
    struct cf_reactor *r = NULL;
    char why[200] = "";
    assert_int_equal(cf_reactor_open(&r, &options, why, sizeof why), -EINVAL);
    assert_null(r);
    assert_string_not_equal(why, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_over_ipv4),
        cmocka_unit_test(echoes_over_ipv6),
        cmocka_unit_test(a_datagram_longer_than_a_buffer_is_marked),
        cmocka_unit_test(survives_more_datagrams_than_buffers),
        cmocka_unit_test(a_paused_socket_keeps_its_datagrams),
        cmocka_unit_test(a_refused_send_does_not_stop_receiving),
        cmocka_unit_test(what_is_too_long_to_send_is_refused),
        cmocka_unit_test(a_descriptor_that_is_no_socket_is_reported),
        cmocka_unit_test(close_frees_the_port_at_once),
        cmocka_unit_test(a_watched_pipe_is_heard_each_time_it_fills),
        cmocka_unit_test(a_callback_may_remove_its_own_source),
        cmocka_unit_test(a_turn_ends_at_its_deadline),
        cmocka_unit_test(gathering_takes_what_came_together),
        cmocka_unit_test(gathering_ends_early_when_much_came),
        cmocka_unit_test(a_turn_that_sends_sleeps_until_its_deadline),
        cmocka_unit_test(signals_arrive_as_events),
        cmocka_unit_test(the_ring_refuses_other_operations),
        cmocka_unit_test(without_streams_nothing_is_connected_accepted_or_read),
        cmocka_unit_test(the_ring_opens_makes_and_connects_nothing),
        cmocka_unit_test(the_ring_refuses_other_registrations),
        cmocka_unit_test(sizes_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
