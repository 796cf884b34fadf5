/*
 * The reactor's byte streams over real sockets of this process.
 */
#define _GNU_SOURCE
#include "adapters/provider/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_S = 30, MANY = 1000 };

static int64_t soon(void)
{
    return cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;
}

static struct cf_reactor *open_reactor(const struct cf_reactor_options *options)
{
    struct cf_reactor *r = NULL;
    char why[200] = "";
    struct cf_reactor_options with_streams = options != NULL ? *options : (struct cf_reactor_options){0};
    with_streams.streams = true;
    int rc = cf_reactor_open(&r, &with_streams, why, sizeof why);
    if (rc < 0)
        fail_msg("cf_reactor_open: %s (%s)", why, strerror(-rc));
    return r;
}

static struct cf_reactor_counters counters_of(const struct cf_reactor *r)
{
    struct cf_reactor_counters c;
    cf_reactor_counters(r, &c);
    return c;
}

/* Turns until the condition holds; fails after a while. */
#define UNTIL(reactor, condition)                                                                                      \
    do {                                                                                                               \
        const int64_t until_end = soon();                                                                              \
        while (!(condition)) {                                                                                         \
            assert_true(cf_reactor_turn((reactor), cf_clock_ns() + CF_NS_PER_MS) >= 0);                                \
            if (cf_clock_ns() > until_end)                                                                             \
                fail_msg("waited for nothing: %s", #condition);                                                        \
        }                                                                                                              \
    } while (0)

struct address {
    struct sockaddr_storage at;
    socklen_t bytes;
};

static struct address loopback(int family)
{
    struct address a = {.bytes = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)};
    a.at.ss_family = (sa_family_t)family;
    if (family == AF_INET)
        ((struct sockaddr_in *)&a.at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        ((struct sockaddr_in6 *)&a.at)->sin6_addr = in6addr_loopback;
    return a;
}

/* A name of this process that lies in no file system. */
static struct address local_name(void)
{
    struct address a = {.bytes = sizeof(sa_family_t) + 1};
    struct sockaddr_un *un = (struct sockaddr_un *)&a.at;
    un->sun_family = AF_UNIX;
    a.bytes += (socklen_t)snprintf(un->sun_path + 1, sizeof un->sun_path - 1, "callfan-test-stream-%d", getpid());
    return a;
}

static int new_socket(const struct address *a)
{
    int fd = socket(a->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    return fd;
}

/* A listening socket on any port; its address goes to *a. -1 when the family is not there. */
static int listener(struct address *a)
{
    int fd = new_socket(a);
    if (bind(fd, (struct sockaddr *)&a->at, a->bytes) < 0) {
        close(fd);
        return -1;
    }
    assert_int_equal(listen(fd, 4096), 0);
    if (a->at.ss_family != AF_UNIX) {
        a->bytes = sizeof a->at;
        assert_int_equal(getsockname(fd, (struct sockaddr *)&a->at, &a->bytes), 0);
    }
    return fd;
}

static int peer_to(const struct address *a)
{
    int fd = new_socket(a);
    assert_int_equal(connect(fd, (struct sockaddr *)&a->at, a->bytes), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* ------------------------------------------------------------------ what callbacks saw */

struct end {
    struct cf_reactor *reactor;
    int source;
    unsigned connected, closed, pieces;
    int error;
    uint64_t bytes;
    uint8_t last[256];
    bool echoes, checks_pattern, removes_on_data, removes_on_connected, removes_on_closed;
    uint64_t wrong; /* bytes that were not those of the pattern */
};

struct server {
    struct cf_reactor *reactor;
    struct end *ends;
    unsigned count, max;
    int source;
    int error;
    bool echoes, refuses, removes_itself;
};

/* Byte number n of a long text: no short period, so that lost and doubled pieces show. */
static uint8_t pattern(uint64_t n)
{
    return (uint8_t)((n * 2654435761u) >> 13 ^ n);
}

static void on_stream(void *arg, const struct cf_stream_event *event, int64_t now_ns)
{
    struct end *e = arg;
    assert_true(now_ns > 0);
    assert_int_equal(e->closed, 0); /* nothing comes after it */
    switch (event->what) {
    case CF_STREAM_CONNECTED:
        e->connected++;
        if (e->removes_on_connected)
            cf_reactor_remove(e->reactor, e->source);
        break;
    case CF_STREAM_CLOSED:
        e->closed++;
        e->error = event->error;
        if (e->removes_on_closed)
            cf_reactor_remove(e->reactor, e->source);
        break;
    case CF_STREAM_DATA:
        assert_true(event->bytes > 0);
        e->pieces++;
        if (event->bytes <= sizeof e->last)
            memcpy(e->last, event->data, event->bytes);
        for (uint32_t i = 0; e->checks_pattern && i < event->bytes; i++)
            e->wrong += event->data[i] != pattern(e->bytes + i);
        e->bytes += event->bytes;
        if (e->echoes)
            assert_true(cf_reactor_stream_send(e->reactor, e->source, event->data, event->bytes));
        if (e->removes_on_data)
            cf_reactor_remove(e->reactor, e->source);
        break;
    }
}

static void on_accept(void *arg, int fd, const struct sockaddr *from, socklen_t from_bytes, int64_t now_ns)
{
    struct server *s = arg;
    assert_true(now_ns > 0);
    if (fd < 0) {
        s->error = fd;
        return;
    }
    assert_true(from != NULL && from_bytes >= sizeof(sa_family_t));
    if (s->removes_itself)
        cf_reactor_remove(s->reactor, s->source);
    if (s->refuses || s->count == s->max) {
        close(fd);
        s->count++;
        return;
    }
    struct end *e = &s->ends[s->count++];
    e->reactor = s->reactor;
    e->echoes = s->echoes;
    e->source = cf_reactor_stream(s->reactor, fd, NULL, 0, on_stream, e);
    assert_true(e->source >= 0);
}

/* A reactor, a connection that it accepted, and the peer's end. */
struct pair {
    struct cf_reactor *reactor;
    struct server server;
    struct end end;
    struct address at;
    int listening, peer;
};

static void open_pair(struct pair *p, const struct cf_reactor_options *options)
{
    *p = (struct pair){.reactor = open_reactor(options), .at = loopback(AF_INET)};
    p->server = (struct server){.reactor = p->reactor, .ends = &p->end, .max = 1};
    p->listening = listener(&p->at);
    p->server.source = cf_reactor_accept(p->reactor, p->listening, on_accept, &p->server);
    assert_true(p->server.source >= 0);
    p->peer = peer_to(&p->at);
    UNTIL(p->reactor, p->server.count == 1);
}

static void close_pair(struct pair *p)
{
    cf_reactor_close(p->reactor);
    close(p->listening);
    if (p->peer >= 0)
        close(p->peer);
}

/* Reads at the peer's end until n bytes are there. */
static void peer_reads(struct pair *p, void *bytes, size_t n)
{
    size_t got = 0;
    for (const int64_t end = soon(); got < n;) {
        assert_true(cf_reactor_turn(p->reactor, cf_clock_ns() + CF_NS_PER_MS) >= 0);
        const ssize_t part = recv(p->peer, (char *)bytes + got, n - got, 0);
        if (part > 0)
            got += (size_t)part;
        assert_true(part != 0 && cf_clock_ns() < end);
    }
}

/* What recv() says at the peer's end once it says something but "later". */
static ssize_t peer_hears(struct pair *p)
{
    char byte;
    ssize_t n;
    const int64_t end = soon();
    do {
        assert_true(cf_reactor_turn(p->reactor, cf_clock_ns() + CF_NS_PER_MS) >= 0);
        assert_true(cf_clock_ns() < end);
        n = recv(p->peer, &byte, 1, 0);
    } while (n < 0 && errno == EAGAIN);
    return n < 0 ? -errno : n;
}

/* ------------------------------------------------------------------ both directions */

static void echo_over(struct address a)
{
    struct end ends[1] = {{0}};
    struct server s = {.reactor = open_reactor(NULL), .ends = ends, .max = 1, .echoes = true};
    int fd = listener(&a);
    if (fd < 0) {
        cf_reactor_close(s.reactor);
        skip(); /* no IPv6 here */
    }
    s.source = cf_reactor_accept(s.reactor, fd, on_accept, &s);
    assert_true(s.source >= 0);
    struct end client = {.reactor = s.reactor};
    client.source = cf_reactor_stream(s.reactor, new_socket(&a), (struct sockaddr *)&a.at, a.bytes, on_stream, &client);
    assert_true(client.source >= 0);
    assert_true(cf_reactor_stream_send(s.reactor, client.source, "before ", 7)); /* waits for the connection */
    UNTIL(s.reactor, client.bytes == 7);
    assert_int_equal(client.connected, 1);
    assert_memory_equal(client.last, "before ", 7);
    for (unsigned n = 0; n < 100; n++) {
        assert_true(cf_reactor_stream_send(s.reactor, client.source, "again", 5));
        UNTIL(s.reactor, client.bytes == 7 + 5 * (n + 1));
    }
    cf_reactor_stream_end(s.reactor, client.source);
    UNTIL(s.reactor, ends[0].closed == 1);
    assert_int_equal(ends[0].error, 0);
    cf_reactor_stream_end(s.reactor, ends[0].source);
    UNTIL(s.reactor, client.closed == 1);
    assert_int_equal(client.error, 0);
    const struct cf_reactor_counters c = counters_of(s.reactor);
    assert_int_equal(c.accepted, 1);
    assert_int_equal(c.streams_opened, 2);
    assert_int_equal(c.streams_failed, 0);
    assert_int_equal(c.stream_read_bytes, 2 * 507);
    assert_int_equal(c.stream_sent_bytes, 2 * 507);
    cf_reactor_close(s.reactor);
    close(fd);
}

static void echoes_over_ipv4(void **state)
{
    (void)state;
    echo_over(loopback(AF_INET));
}

static void echoes_over_ipv6(void **state)
{
    (void)state;
    echo_over(loopback(AF_INET6));
}

static void echoes_over_a_local_socket(void **state)
{
    (void)state;
    echo_over(local_name());
}

/* More than queue, socket and peer hold: refused, sent in part, and complete in the end. */
static void a_slow_reader_gets_every_byte_in_order(void **state)
{
    (void)state;
    const struct cf_reactor_options options = {.send_bytes = 1024, .sends_count = 64, .stream_bytes = 16384};
    const uint64_t total = 4 << 20;
    struct pair p;
    open_pair(&p, &options);
    uint8_t out[3000], in[1777];
    uint64_t sent = 0, got = 0;
    for (const int64_t end = soon(); got < total;) {
        uint32_t n = 1 + (uint32_t)(sent % sizeof out);
        if (n > total - sent)
            n = (uint32_t)(total - sent);
        for (uint32_t i = 0; i < n; i++)
            out[i] = pattern(sent + i);
        if (n != 0 && cf_reactor_stream_send(p.reactor, p.end.source, out, n)) {
            sent += n;
            continue;
        }
        assert_true(cf_reactor_stream_unsent(p.reactor, p.end.source) <= 16384);
        assert_true(cf_reactor_turn(p.reactor, 0) >= 0 && cf_clock_ns() < end);
        for (unsigned k = 0; k < 40; k++) {
            const ssize_t part = recv(p.peer, in, sizeof in, 0);
            for (ssize_t i = 0; i < part; i++)
                assert_int_equal(in[i], pattern(got + (uint64_t)i));
            got += part > 0 ? (uint64_t)part : 0;
        }
    }
    UNTIL(p.reactor, cf_reactor_stream_unsent(p.reactor, p.end.source) == 0);
    const struct cf_reactor_counters c = counters_of(p.reactor);
    assert_true(c.stream_refused > 0 && c.stream_partial > 0); /* or this showed nothing */
    assert_int_equal(c.stream_sent_bytes, total);
    close_pair(&p);
}

/* Fewer and smaller receive buffers than bytes: the rest stays in the socket. */
static void survives_more_bytes_than_buffers(void **state)
{
    (void)state;
    const struct cf_reactor_options options = {.buffer_bytes = 64, .stream_buffers_count = 2};
    const uint64_t total = 1 << 20;
    struct pair p;
    open_pair(&p, &options);
    p.end.checks_pattern = true;
    uint8_t out[4096];
    for (uint64_t sent = 0; sent < total;) {
        for (uint32_t i = 0; i < sizeof out; i++)
            out[i] = pattern(sent + i);
        const ssize_t n = send(p.peer, out, sizeof out, MSG_NOSIGNAL);
        if (n > 0)
            sent += (uint64_t)n;
        else
            assert_int_equal(errno, EAGAIN);
        assert_true(cf_reactor_turn(p.reactor, 0) >= 0);
    }
    UNTIL(p.reactor, p.end.bytes == total);
    assert_int_equal(p.end.wrong, 0);
    assert_true(counters_of(p.reactor).no_buffers > 0);
    close_pair(&p);
}

/* ------------------------------------------------------------------ ends */

static void the_peers_end_is_told_once_and_sending_goes_on(void **state)
{
    (void)state;
    struct pair p;
    char text[5];
    open_pair(&p, NULL);
    shutdown(p.peer, SHUT_WR);
    UNTIL(p.reactor, p.end.closed == 1);
    assert_int_equal(p.end.error, 0);
    assert_true(cf_reactor_stream_send(p.reactor, p.end.source, "after", 5));
    peer_reads(&p, text, 5);
    assert_memory_equal(text, "after", 5);
    cf_reactor_remove(p.reactor, p.end.source);
    assert_int_equal(peer_hears(&p), 0);
    close_pair(&p);
}

/* Reading and writing fail both; on_stream() would not take a second end. */
static void a_reset_is_told_once(void **state)
{
    (void)state;
    const struct linger at_once = {.l_onoff = 1};
    struct pair p;
    open_pair(&p, NULL);
    setsockopt(p.peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(p.peer);
    p.peer = -1;
    cf_reactor_stream_send(p.reactor, p.end.source, "x", 1);
    UNTIL(p.reactor, p.end.closed == 1);
    assert_true(p.end.error == -ECONNRESET || p.end.error == -EPIPE);
    for (unsigned i = 0; i < 5; i++)
        cf_reactor_turn(p.reactor, 0);
    assert_false(cf_reactor_stream_send(p.reactor, p.end.source, "y", 1));
    assert_int_equal(cf_reactor_stream_unsent(p.reactor, p.end.source), 0);
    assert_int_equal(counters_of(p.reactor).streams_failed, 1);
    cf_reactor_remove(p.reactor, p.end.source);
    close_pair(&p);
}

static void a_refused_connection_is_told(void **state)
{
    (void)state;
    struct address a = loopback(AF_INET);
    int gone = listener(&a);
    close(gone);
    struct end e = {.reactor = open_reactor(NULL)};
    e.source = cf_reactor_stream(e.reactor, new_socket(&a), (struct sockaddr *)&a.at, a.bytes, on_stream, &e);
    assert_true(e.source >= 0);
    assert_true(cf_reactor_stream_send(e.reactor, e.source, "lost", 4));
    UNTIL(e.reactor, e.closed == 1);
    assert_int_equal(e.error, -ECONNREFUSED);
    assert_int_equal(e.connected, 0);
    assert_int_equal(cf_reactor_stream_unsent(e.reactor, e.source), 0);
    assert_false(cf_reactor_stream_send(e.reactor, e.source, "too late", 8));
    cf_reactor_close(e.reactor);
}

static void ending_sends_what_is_queued_first(void **state)
{
    (void)state;
    const uint32_t total = 100000; /* more than the socket takes at once with these buffers */
    const struct cf_reactor_options options = {.send_bytes = 1024};
    struct pair p;
    open_pair(&p, &options);
    uint8_t *text = malloc(total), *back = malloc(total);
    for (uint32_t i = 0; i < total; i++)
        text[i] = pattern(i);
    assert_true(cf_reactor_stream_send(p.reactor, p.end.source, text, total));
    cf_reactor_stream_end(p.reactor, p.end.source);
    assert_false(cf_reactor_stream_send(p.reactor, p.end.source, "x", 1)); /* ended */
    peer_reads(&p, back, total);
    assert_memory_equal(text, back, total);
    assert_int_equal(peer_hears(&p), 0);
    assert_int_equal(p.end.closed, 0); /* the peer has not ended */
    assert_int_equal(send(p.peer, "still", 5, MSG_NOSIGNAL), 5);
    UNTIL(p.reactor, p.end.bytes == 5);
    close_pair(&p);
    free(text);
    free(back);
}

static void a_reset_reaches_the_peer(void **state)
{
    (void)state;
    struct pair p;
    open_pair(&p, NULL);
    cf_reactor_stream_reset(p.reactor, p.end.source);
    assert_int_equal(peer_hears(&p), -ECONNRESET);
    close_pair(&p);
}

/* A send that waits for a peer which does not read is taken back. */
static void fill(struct pair *p)
{
    static const uint8_t zeros[16384];
    const int64_t end = soon();
    for (unsigned stuck = 0; stuck < 20; assert_true(cf_clock_ns() < end)) {
        const uint64_t before = counters_of(p->reactor).stream_sent_bytes;
        while (cf_reactor_stream_send(p->reactor, p->end.source, zeros, sizeof zeros))
            ;
        assert_true(cf_reactor_turn(p->reactor, cf_clock_ns() + CF_NS_PER_MS) >= 0);
        stuck = counters_of(p->reactor).stream_sent_bytes == before ? stuck + 1 : 0;
    }
    assert_true(cf_reactor_stream_unsent(p->reactor, p->end.source) > 0);
}

static void a_stuck_stream_can_be_removed_and_reset(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        struct pair p;
        open_pair(&p, NULL);
        fill(&p);
        const int source = p.end.source;
        if (reset)
            cf_reactor_stream_reset(p.reactor, source);
        else
            cf_reactor_remove(p.reactor, source);
        /* Its number is given to the next one when the kernel has let go of everything. */
        int fd = -1, number = -1;
        const int64_t end = soon();
        do {
            assert_true(cf_reactor_turn(p.reactor, cf_clock_ns() + CF_NS_PER_MS) >= 0 && cf_clock_ns() < end);
            if (number >= 0)
                cf_reactor_remove(p.reactor, number);
            fd = new_socket(&p.at);
            number = cf_reactor_stream(p.reactor, fd, (struct sockaddr *)&p.at.at, p.at.bytes, on_stream, &p.end);
            assert_true(number >= 0);
        } while (number != source);
        close_pair(&p);
    }
}

static void a_removed_stream_closes_its_descriptor(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    struct end e = {.reactor = open_reactor(NULL)};
    e.source = cf_reactor_stream(e.reactor, ends[0], NULL, 0, on_stream, &e);
    assert_true(e.source >= 0);
    cf_reactor_turn(e.reactor, 0);
    cf_reactor_remove(e.reactor, e.source);
    UNTIL(e.reactor, fcntl(ends[0], F_GETFD) < 0);
    assert_int_equal(e.closed, 0);
    cf_reactor_close(e.reactor);
    close(ends[1]);
}

static void callbacks_may_remove_their_stream(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct address a = loopback(AF_INET);
        struct end ends[1] = {{0}};
        struct server s = {.reactor = open_reactor(NULL), .ends = ends, .max = 1, .removes_itself = how == 3};
        int fd = listener(&a);
        s.source = cf_reactor_accept(s.reactor, fd, on_accept, &s);
        struct end e = {.reactor = s.reactor,
                        .removes_on_connected = how == 0,
                        .removes_on_data = how == 1,
                        .removes_on_closed = how == 2};
        e.source = cf_reactor_stream(s.reactor, new_socket(&a), (struct sockaddr *)&a.at, a.bytes, on_stream, &e);
        UNTIL(s.reactor, s.count == 1 && e.connected == 1);
        if (how == 1) {
            assert_true(cf_reactor_stream_send(s.reactor, ends[0].source, "one", 3));
            UNTIL(s.reactor, e.pieces == 1);
        }
        if (how == 2) {
            cf_reactor_remove(s.reactor, ends[0].source);
            UNTIL(s.reactor, e.closed == 1);
        } else if (how < 2) {
            UNTIL(s.reactor, ends[0].closed == 1); /* the other end hears of it */
        }
        cf_reactor_turn(s.reactor, 0);
        assert_int_equal(e.pieces, how == 1);
        cf_reactor_close(s.reactor);
        close(fd);
    }
}

/* ------------------------------------------------------------------ pausing */

static void a_paused_stream_keeps_its_bytes(void **state)
{
    (void)state;
    struct pair p;
    open_pair(&p, NULL);
    cf_reactor_pause(p.reactor, p.end.source, true);
    cf_reactor_turn(p.reactor, cf_clock_ns() + CF_NS_PER_MS); /* the operation is taken back */
    assert_int_equal(send(p.peer, "abc", 3, MSG_NOSIGNAL), 3);
    for (unsigned i = 0; i < 20; i++)
        cf_reactor_turn(p.reactor, cf_clock_ns() + CF_NS_PER_MS);
    assert_int_equal(p.end.bytes, 0);
    assert_true(cf_reactor_stream_send(p.reactor, p.end.source, "out", 3)); /* sending goes on */
    char text[3];
    peer_reads(&p, text, 3);
    cf_reactor_pause(p.reactor, p.end.source, false);
    UNTIL(p.reactor, p.end.bytes == 3);
    /* Pausing and going on before the kernel answered ends in receiving. */
    cf_reactor_pause(p.reactor, p.end.source, true);
    cf_reactor_pause(p.reactor, p.end.source, false);
    assert_int_equal(send(p.peer, "d", 1, MSG_NOSIGNAL), 1);
    UNTIL(p.reactor, p.end.bytes == 4);
    close_pair(&p);
}

static void a_paused_listener_keeps_its_connections(void **state)
{
    (void)state;
    struct address a = loopback(AF_INET);
    struct server s = {.reactor = open_reactor(NULL), .refuses = true};
    int fd = listener(&a);
    s.source = cf_reactor_accept(s.reactor, fd, on_accept, &s);
    cf_reactor_pause(s.reactor, s.source, true);
    cf_reactor_turn(s.reactor, cf_clock_ns() + CF_NS_PER_MS);
    int peer = peer_to(&a);
    for (unsigned i = 0; i < 20; i++)
        cf_reactor_turn(s.reactor, cf_clock_ns() + CF_NS_PER_MS);
    assert_int_equal(s.count, 0);
    cf_reactor_pause(s.reactor, s.source, false);
    UNTIL(s.reactor, s.count == 1);
    cf_reactor_close(s.reactor);
    close(peer);
    close(fd);
}

static void a_stream_that_is_paused_while_connecting_connects(void **state)
{
    (void)state;
    struct address a = loopback(AF_INET);
    int fd = listener(&a);
    struct end e = {.reactor = open_reactor(NULL)};
    e.source = cf_reactor_stream(e.reactor, new_socket(&a), (struct sockaddr *)&a.at, a.bytes, on_stream, &e);
    cf_reactor_pause(e.reactor, e.source, true);
    UNTIL(e.reactor, e.connected == 1);
    int peer = accept(fd, NULL, NULL);
    assert_int_equal(send(peer, "x", 1, MSG_NOSIGNAL), 1);
    for (unsigned i = 0; i < 5; i++)
        cf_reactor_turn(e.reactor, cf_clock_ns() + CF_NS_PER_MS);
    assert_int_equal(e.bytes, 0);
    cf_reactor_pause(e.reactor, e.source, false);
    UNTIL(e.reactor, e.bytes == 1);
    cf_reactor_close(e.reactor);
    close(peer);
    close(fd);
}

/* ------------------------------------------------------------------ limits */

static void many_connections_are_served(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    if (limit.rlim_cur < 2 * MANY + 2200 && limit.rlim_max >= 2 * MANY + 2200)
        limit.rlim_cur = 2 * MANY + 2200;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * MANY + 2200)
        skip();
    const struct cf_reactor_options options = {.sources_count = 2048, .stream_buffers_count = 64};
    struct address a = loopback(AF_INET);
    struct end *ends = calloc(MANY, sizeof *ends);
    int *peers = calloc(MANY, sizeof *peers);
    struct server s = {.reactor = open_reactor(&options), .ends = ends, .max = MANY, .echoes = true};
    int fd = listener(&a);
    s.source = cf_reactor_accept(s.reactor, fd, on_accept, &s);
    for (unsigned i = 0; i < MANY; i++) {
        peers[i] = peer_to(&a);
        assert_int_equal(send(peers[i], &i, sizeof i, MSG_NOSIGNAL), sizeof i);
    }
    UNTIL(s.reactor, s.count == MANY);
    UNTIL(s.reactor, counters_of(s.reactor).stream_sent_bytes == MANY * sizeof(unsigned));
    for (unsigned i = 0; i < MANY; i++) {
        unsigned back;
        assert_int_equal(recv(peers[i], &back, sizeof back, 0), sizeof back);
        assert_int_equal(back, i);
        close(peers[i]);
    }
    UNTIL(s.reactor, ends[MANY - 1].closed == 1);
    cf_reactor_close(s.reactor);
    close(fd);
    free(ends);
    free(peers);
    limit.rlim_cur = before;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void without_a_source_the_descriptor_stays_the_callers(void **state)
{
    (void)state;
    const struct cf_reactor_options options = {.sources_count = 1};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    struct end e = {.reactor = open_reactor(&options)};
    e.source = cf_reactor_stream(e.reactor, ends[0], NULL, 0, on_stream, &e);
    assert_int_equal(e.source, 0);
    assert_int_equal(cf_reactor_stream(e.reactor, ends[1], NULL, 0, on_stream, &e), -ENOSPC);
    assert_true(fcntl(ends[1], F_GETFD) >= 0);
    cf_reactor_close(e.reactor);
    close(ends[1]);
}

/* In a process of its own, whose limit cannot be raised again. */
static void more_sources_than_descriptors_are_refused_with_a_reason(void **state)
{
    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit low = {64, 64};
        struct cf_reactor *r = NULL;
        char why[200] = "";
        setrlimit(RLIMIT_NOFILE, &low);
        const int rc = cf_reactor_open(&r, &(struct cf_reactor_options){.sources_count = 1024, .streams = true}, why, sizeof why);
        _exit(rc == -EMFILE && strstr(why, "ulimit -n") != NULL ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static bool is_closed(int fd)
{
    char byte;
    const ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

static int fill_descriptors(int *fillers, int most)
{
    int count = 0;
    while (count < most && (fillers[count] = dup(0)) >= 0)
        count++;
    return count;
}

/* One connection more than there are descriptors: it is closed, and the next one with a free descriptor is taken. */
static void refuse_for_want_of_descriptors(bool want_when_it_begins)
{
    struct address a = loopback(AF_INET);
    struct server s = {.reactor = open_reactor(NULL), .refuses = true};
    int fd = listener(&a);
    int peer = new_socket(&a), later = new_socket(&a);
    struct rlimit limit, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)later + 3;
    int fillers[64], count = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    if (want_when_it_begins) {
        count = fill_descriptors(fillers, 64);
        assert_true(count > 0);
        close(fillers[--count]); /* for the one that is kept */
    }
    s.source = cf_reactor_accept(s.reactor, fd, on_accept, &s);
    cf_reactor_turn(s.reactor, 0); /* the kernel has a descriptor from here on, or has failed for want of one */
    if (!want_when_it_begins)
        count = fill_descriptors(fillers, 64);
    const uint64_t completions = counters_of(s.reactor).completions;
    for (int i = 0; i < 20; i++)
        cf_reactor_turn(s.reactor, cf_clock_ns() + CF_NS_PER_MS);
    assert_true(counters_of(s.reactor).completions <= completions + 1); /* it does not ask again and again */
    assert_int_equal(counters_of(s.reactor).accepts_refused, 0);
    assert_int_equal(connect(peer, (struct sockaddr *)&a.at, a.bytes), 0);
    UNTIL(s.reactor, is_closed(peer));
    assert_int_equal(counters_of(s.reactor).accepts_refused, 1);
    assert_int_equal(s.count, 0);
    while (count > 0)
        close(fillers[--count]);
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(connect(later, (struct sockaddr *)&a.at, a.bytes), 0);
    UNTIL(s.reactor, s.count == 1);
    cf_reactor_close(s.reactor);
    close(peer);
    close(later);
    close(fd);
}

static void without_descriptors_a_connection_is_closed(void **state)
{
    (void)state;
    refuse_for_want_of_descriptors(false);
}

static void without_descriptors_from_the_beginning_a_connection_is_closed(void **state)
{
    (void)state;
    refuse_for_want_of_descriptors(true);
}

/* Streams whose peers do not read leave half of the send buffers to the others. */
static void stuck_streams_leave_buffers_for_others(void **state)
{
    (void)state;
    static const uint8_t zeros[4096];
    const struct cf_reactor_options options = {.sends_count = 16, .stream_bytes = 65536};
    struct end ends[4] = {{0}};
    int peers[4];
    struct cf_reactor *r = open_reactor(&options);
    for (int i = 0; i < 4; i++) {
        int two[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, two), 0);
        ends[i].reactor = r;
        ends[i].source = cf_reactor_stream(r, two[0], NULL, 0, on_stream, &ends[i]);
        peers[i] = two[1];
        for (int k = 0; k < 1000; k++)
            cf_reactor_stream_send(r, ends[i].source, zeros, sizeof zeros);
    }
    uint32_t unsent = 0;
    for (int i = 0; i < 4; i++)
        unsent += cf_reactor_stream_unsent(r, ends[i].source);
    assert_true(unsent > 0 && unsent <= 8 * 4096);
    struct cf_send *claimed[8];
    for (int i = 0; i < 8; i++)
        assert_non_null(claimed[i] = cf_reactor_send_claim(r));
    for (int i = 0; i < 8; i++)
        cf_reactor_send_abort(r, claimed[i]);
    cf_reactor_close(r);
    for (int i = 0; i < 4; i++)
        close(peers[i]);
}

static void a_socket_that_does_not_listen_is_reported(void **state)
{
    (void)state;
    struct address a = loopback(AF_INET);
    int fd = new_socket(&a);
    struct server s = {.reactor = open_reactor(NULL)};
    s.source = cf_reactor_accept(s.reactor, fd, on_accept, &s);
    UNTIL(s.reactor, s.error != 0);
    assert_int_equal(s.error, -EINVAL);
    cf_reactor_close(s.reactor);
    close(fd);
}

static void close_frees_the_listening_port_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct address a = loopback(AF_INET);
        int fd = listener(&a);
        struct server s = {.reactor = open_reactor(NULL), .refuses = true};
        assert_true(cf_reactor_accept(s.reactor, fd, on_accept, &s) >= 0);
        cf_reactor_turn(s.reactor, 0);
        cf_reactor_close(s.reactor);
        close(fd);
        fd = new_socket(&a);
        assert_int_equal(bind(fd, (struct sockaddr *)&a.at, a.bytes), 0);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_over_ipv4),
        cmocka_unit_test(echoes_over_ipv6),
        cmocka_unit_test(echoes_over_a_local_socket),
        cmocka_unit_test(a_slow_reader_gets_every_byte_in_order),
        cmocka_unit_test(survives_more_bytes_than_buffers),
        cmocka_unit_test(the_peers_end_is_told_once_and_sending_goes_on),
        cmocka_unit_test(a_reset_is_told_once),
        cmocka_unit_test(a_refused_connection_is_told),
        cmocka_unit_test(ending_sends_what_is_queued_first),
        cmocka_unit_test(a_reset_reaches_the_peer),
        cmocka_unit_test(a_stuck_stream_can_be_removed_and_reset),
        cmocka_unit_test(a_removed_stream_closes_its_descriptor),
        cmocka_unit_test(callbacks_may_remove_their_stream),
        cmocka_unit_test(a_paused_stream_keeps_its_bytes),
        cmocka_unit_test(a_paused_listener_keeps_its_connections),
        cmocka_unit_test(a_stream_that_is_paused_while_connecting_connects),
        cmocka_unit_test(many_connections_are_served),
        cmocka_unit_test(without_a_source_the_descriptor_stays_the_callers),
        cmocka_unit_test(more_sources_than_descriptors_are_refused_with_a_reason),
        cmocka_unit_test(without_descriptors_a_connection_is_closed),
        cmocka_unit_test(without_descriptors_from_the_beginning_a_connection_is_closed),
        cmocka_unit_test(stuck_streams_leave_buffers_for_others),
        cmocka_unit_test(a_socket_that_does_not_listen_is_reported),
        cmocka_unit_test(close_frees_the_listening_port_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
