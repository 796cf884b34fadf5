/* SIP connections over real sockets of this process: both directions, whatever peers do, and full tables. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "adapters/sip/tcp.h"

#define MESSAGE(call_id, body_len, body)                                                                               \
    "OPTIONS sip:b@b.example SIP/2.0\r\nCall-ID: " call_id "\r\nContent-Length: " body_len "\r\n\r\n" body
#define ONE   MESSAGE("one", "0", "")
#define TWO   MESSAGE("two", "5", "hello")
#define THREE MESSAGE("three", "0", "")

enum { PATIENCE_S = 30, KEPT = 64 };

/* A line's connections and what was heard from them. */
struct line {
    struct cf_sip_tcp *tcp;
    unsigned messages, closed;
    int error;
    uint64_t from, gone; /* connections of the last message, and of the last end */
    union cf_sip_addr peer;
    char text[KEPT][160]; /* of the first messages */
    bool answers, drops;
};

static struct cf_reactor *reactor;

static void on_message(void *context, uint64_t connection, const union cf_sip_addr *from, const char *bytes, size_t len,
                       int64_t now_ns)
{
    struct line *line = context;
    if (line->messages < KEPT)
        snprintf(line->text[line->messages], sizeof(line->text[0]), "%.*s", (int)len, bytes);
    line->messages++;
    line->from = connection;
    line->peer = *from;
    assert_true(cf_sip_tcp_alive(line->tcp, connection));
    if (line->answers)
        assert_true(cf_sip_tcp_send(line->tcp, now_ns, connection, bytes, len));
    if (line->drops)
        cf_sip_tcp_drop(line->tcp, now_ns, connection);
}

static void on_closed(void *context, uint64_t connection, const union cf_sip_addr *peer, int error, int64_t now_ns)
{
    struct line *line = context;
    assert_true(now_ns > 0);
    line->closed++;
    line->gone = connection;
    line->error = error;
    line->peer = *peer;
    assert_false(cf_sip_tcp_alive(line->tcp, connection));
}

static union cf_sip_addr loopback(int family, uint16_t port)
{
    union cf_sip_addr addr;
    const char *text = family == AF_INET ? "127.0.0.1" : "::1";
    assert_true(cf_sip_addr_parse(&addr, text, strlen(text), port));
    return addr;
}

static int try_open_line(struct line *line, int family, const struct cf_sip_tcp_config *config)
{
    const union cf_sip_addr at = loopback(family, 0);
    *line = (struct line){0};
    return cf_sip_tcp_open(&line->tcp, reactor, &at, config,
                           &(struct cf_sip_tcp_callbacks){on_message, on_closed, line});
}

static void open_line(struct line *line, const struct cf_sip_tcp_config *config)
{
    assert_int_equal(try_open_line(line, AF_INET, config), 0);
}

static void turn(struct line *line)
{
    assert_true(cf_reactor_turn(reactor, cf_clock_ns() + CF_NS_PER_MS) >= 0);
    assert_true(cf_sip_tcp_check(line->tcp));
}

#define UNTIL(line, condition)                                                                                         \
    do {                                                                                                               \
        const int64_t until_end = cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;                                            \
        while (!(condition)) {                                                                                         \
            turn(line);                                                                                                \
            if (cf_clock_ns() > until_end)                                                                             \
                fail_msg("waited for nothing: %s", #condition);                                                        \
        }                                                                                                              \
    } while (0)

static const struct cf_sip_tcp_counters *n(const struct line *line)
{
    return cf_sip_tcp_counters(line->tcp);
}

static int connected_to(const union cf_sip_addr *addr)
{
    const int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &addr->sa, cf_sip_addr_len(addr)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* A peer without a stack of its own, whose connection the line has accepted. */
static int peer_of(struct line *line)
{
    const uint64_t before = n(line)->accepted + n(line)->refused;
    const int fd = connected_to(cf_sip_tcp_bound(line->tcp));
    UNTIL(line, n(line)->accepted + n(line)->refused == before + 1);
    return fd;
}

static void says(int fd, const char *text, size_t len)
{
    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}
#define SAYS(fd, text) says((fd), text, sizeof(text) - 1)

static void hears(struct line *line, int fd, const char *text, size_t len)
{
    char got[4096];
    size_t at = 0;
    UNTIL(line, ({
              const ssize_t part = recv(fd, got + at, len - at, 0);
              assert_true(part != 0);
              at += part > 0 ? (size_t)part : 0;
              at == len;
          }));
    assert_memory_equal(got, text, len);
}

/* True once the peer's connection has ended, in order or not. */
static bool is_over(int fd)
{
    char bytes[4096];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        ;
    return got == 0 || errno != EAGAIN;
}

/* ------------------------------------------------------------------ both directions */

static void ask_and_answer(int family)
{
    struct line a, b;
    if (try_open_line(&a, family, NULL) == -EADDRNOTAVAIL)
        skip(); /* no IPv6 here */
    assert_int_equal(try_open_line(&b, family, NULL), 0);
    b.answers = true;
    const int64_t now = cf_clock_ns();
    const uint64_t id = cf_sip_tcp_send_to(a.tcp, now, cf_sip_tcp_bound(b.tcp), ONE, sizeof(ONE) - 1);
    assert_true(id != 0);
    /* What follows goes the same way, also before it is connected. */
    assert_true(cf_sip_tcp_send_to(a.tcp, now, cf_sip_tcp_bound(b.tcp), TWO, sizeof(TWO) - 1) == id);
    assert_true(cf_sip_tcp_send(a.tcp, now, id, THREE, sizeof(THREE) - 1));
    UNTIL(&a, a.messages == 3);
    assert_int_equal(b.messages, 3);
    static const char *const texts[] = {ONE, TWO, THREE};
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(b.text[i], texts[i]);
        assert_string_equal(a.text[i], texts[i]);
    }
    assert_true(a.from == id);
    assert_true(cf_sip_tcp_find(a.tcp, cf_sip_tcp_bound(b.tcp)) == id);
    assert_true(cf_sip_tcp_find(b.tcp, &b.peer) == b.from); /* the other side of it, by a's own port */
    assert_int_equal(n(&a)->opened, 1);
    assert_int_equal(n(&b)->accepted, 1);
    assert_int_equal(n(&b)->opened, 0);
    assert_true(cf_sip_addr_same_host(&b.peer, cf_sip_tcp_bound(a.tcp)));
    cf_sip_tcp_close(a.tcp);
    UNTIL(&b, b.closed == 1);
    assert_int_equal(b.error, 0);
    assert_true(b.gone == b.from);
    cf_sip_tcp_close(b.tcp);
}

static void request_and_answer_share_a_connection(void **state)
{
    (void)state;
    ask_and_answer(AF_INET);
}

static void request_and_answer_share_a_connection_over_ipv6(void **state)
{
    (void)state;
    ask_and_answer(AF_INET6);
}

static void messages_come_however_they_were_written(void **state)
{
    (void)state;
    static const char text[] = ONE TWO THREE TWO;
    struct line line;
    open_line(&line, NULL);
    int fd = peer_of(&line);
    says(fd, text, sizeof(text) - 1); /* in one segment */
    UNTIL(&line, line.messages == 4);
    assert_int_equal(n(&line)->in_pieces, 0);
    for (size_t i = 0; i < sizeof(text) - 1; i++) { /* byte by byte */
        says(fd, text + i, 1);
        turn(&line);
    }
    UNTIL(&line, line.messages == 8);
    for (unsigned i = 0; i < 4; i++)
        assert_string_equal(line.text[i], line.text[i + 4]);
    assert_string_equal(line.text[3], TWO);
    assert_true(n(&line)->in_pieces > 0);
    close(fd);
    cf_sip_tcp_close(line.tcp);
}

static void pings_are_answered(void **state)
{
    (void)state;
    struct line line;
    open_line(&line, NULL);
    int fd = peer_of(&line);
    SAYS(fd, "\r\n\r\n");
    hears(&line, fd, "\r\n", 2);
    SAYS(fd, "\r\n" ONE "\r\n\r\n");
    hears(&line, fd, "\r\n", 2);
    assert_int_equal(n(&line)->pings, 2);
    assert_int_equal(n(&line)->pongs, 1);
    assert_int_equal(line.messages, 1);
    close(fd);
    cf_sip_tcp_close(line.tcp);
}

/* ------------------------------------------------------------------ peers that misbehave */

static void a_stream_that_is_not_sip_is_closed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum cf_sip_frame_fault fault;
    } bad[] = {
        {"GET / HTTP/1.1\r\n\r\n", CF_SIP_FRAME_NOT_SIP},
        {ONE "OPTIONS sip:b SIP/2.0\r\n\r\n", CF_SIP_FRAME_NO_LENGTH},
        {MESSAGE("x", "65535", ""), CF_SIP_FRAME_TOO_LONG},
        {MESSAGE("x", "minus", ""), CF_SIP_FRAME_BAD_LENGTH},
        {"\x16\x03\x01\x02", CF_SIP_FRAME_CONTROL_BYTE},
    };
    struct line line;
    open_line(&line, NULL);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int fd = peer_of(&line);
        says(fd, bad[i].text, strlen(bad[i].text));
        UNTIL(&line, line.closed == i + 1 && is_over(fd));
        assert_int_equal(line.error, -EBADMSG);
        assert_int_equal(n(&line)->faults_by_kind[bad[i].fault], 1);
        close(fd);
    }
    assert_int_equal(line.messages, 1);
    assert_int_equal(cf_sip_tcp_connections(line.tcp), 0);
    cf_sip_tcp_close(line.tcp);
}

static void endless_headers_end_the_connection(void **state)
{
    (void)state;
    struct line line;
    open_line(&line, NULL);
    int fd = peer_of(&line);
    SAYS(fd, "OPTIONS sip:b SIP/2.0\r\n");
    UNTIL(&line, ({
        (void)!send(fd, "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", 47, MSG_NOSIGNAL);
        line.closed == 1;
    }));
    assert_int_equal(n(&line)->faults_by_kind[CF_SIP_FRAME_HEADER_LONG], 1);
    close(fd);
    cf_sip_tcp_close(line.tcp);
}

static void a_peer_that_ends_inside_a_message_is_counted(void **state)
{
    (void)state;
    struct line line;
    open_line(&line, NULL);
    int fd = peer_of(&line);
    says(fd, TWO, sizeof(TWO) - 3);
    shutdown(fd, SHUT_WR); /* half open: it could still read */
    UNTIL(&line, line.closed == 1 && is_over(fd));
    assert_int_equal(line.error, 0);
    assert_int_equal(line.messages, 0);
    assert_int_equal(n(&line)->cut_short, 1);
    assert_int_equal(n(&line)->peer_closed, 1);
    close(fd);
    fd = peer_of(&line);
    const struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
    UNTIL(&line, line.closed == 2);
    assert_int_equal(line.error, -ECONNRESET);
    assert_int_equal(n(&line)->failed, 1);
    cf_sip_tcp_close(line.tcp);
}

static void a_connection_that_ended_is_opened_again(void **state)
{
    (void)state;
    struct line a, b;
    open_line(&a, NULL);
    open_line(&b, NULL);
    const union cf_sip_addr to = *cf_sip_tcp_bound(b.tcp);
    const uint64_t first = cf_sip_tcp_send_to(a.tcp, cf_clock_ns(), &to, ONE, sizeof(ONE) - 1);
    UNTIL(&b, b.messages == 1);
    cf_sip_tcp_drop(b.tcp, cf_clock_ns(), b.from);
    UNTIL(&a, a.closed == 1);
    assert_true(a.gone == first);
    assert_int_equal(b.closed, 0); /* it ended it itself */
    assert_false(cf_sip_tcp_send(a.tcp, cf_clock_ns(), first, TWO, sizeof(TWO) - 1));
    assert_int_equal(n(&a)->stale, 1);
    assert_true(cf_sip_tcp_find(a.tcp, &to) == 0);
    const uint64_t second = cf_sip_tcp_send_to(a.tcp, cf_clock_ns(), &to, THREE, sizeof(THREE) - 1);
    assert_true(second != 0 && second != first);
    UNTIL(&b, b.messages == 2);
    assert_string_equal(b.text[1], THREE);
    cf_sip_tcp_close(a.tcp);
    cf_sip_tcp_close(b.tcp);
}

static void a_refused_connection_is_reported(void **state)
{
    (void)state;
    struct line a, b;
    open_line(&a, NULL);
    open_line(&b, NULL);
    const union cf_sip_addr to = *cf_sip_tcp_bound(b.tcp);
    cf_sip_tcp_close(b.tcp);
    turn(&a); /* the kernel lets go of the port */
    const uint64_t id = cf_sip_tcp_send_to(a.tcp, cf_clock_ns(), &to, ONE, sizeof(ONE) - 1);
    assert_true(id != 0);
    cf_sip_tcp_hold(a.tcp, id);
    UNTIL(&a, a.closed == 1);
    assert_int_equal(a.error, -ECONNREFUSED);
    assert_true(a.gone == id);
    assert_int_equal(n(&a)->open_failures, 1);
    cf_sip_tcp_release(a.tcp, cf_clock_ns(), id); /* its holder hears of it later */
    assert_int_equal(cf_sip_tcp_connections(a.tcp), 0);
    cf_sip_tcp_close(a.tcp);
}

/* A listener that accepts nothing and whose queue is full: to connect takes for ever. */
static void a_connection_that_is_not_made_in_time_is_given_up(void **state)
{
    (void)state;
    union cf_sip_addr to = loopback(AF_INET, 0);
    socklen_t len = cf_sip_addr_len(&to);
    const int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(silent, &to.sa, len), 0);
    assert_int_equal(listen(silent, 0), 0);
    assert_int_equal(getsockname(silent, &to.sa, &len), 0);
    const int filler = connected_to(&to);
    struct line line;
    open_line(&line, NULL);
    const int64_t now = cf_clock_ns();
    const uint64_t id = cf_sip_tcp_send_to(line.tcp, now, &to, ONE, sizeof(ONE) - 1);
    assert_true(id != 0);
    for (unsigned i = 0; i < 5; i++)
        turn(&line);
    assert_true(cf_sip_tcp_tick(line.tcp, now) == now + 10 * CF_NS_PER_S);
    assert_int_equal(line.closed, 0);
    assert_true(cf_sip_tcp_tick(line.tcp, now + 10 * CF_NS_PER_S) == CF_REACTOR_NEVER);
    assert_int_equal(line.closed, 1);
    assert_int_equal(line.error, -ETIMEDOUT);
    assert_false(cf_sip_tcp_alive(line.tcp, id));
    turn(&line);
    cf_sip_tcp_close(line.tcp);
    close(filler);
    close(silent);
}

/* ------------------------------------------------------------------ time and tables */

static void idle_connections_are_closed_and_held_ones_are_not(void **state)
{
    (void)state;
    const struct cf_sip_tcp_config config = {.idle_ns = 60 * CF_NS_PER_S};
    struct line line;
    open_line(&line, &config);
    int idle = peer_of(&line), held = peer_of(&line);
    SAYS(held, ONE);
    UNTIL(&line, line.messages == 1);
    const uint64_t id = line.from;
    cf_sip_tcp_hold(line.tcp, id);
    cf_sip_tcp_hold(line.tcp, id);
    const int64_t now = cf_clock_ns();
    assert_true(cf_sip_tcp_tick(line.tcp, now) <= now + 60 * CF_NS_PER_S);
    assert_int_equal(cf_sip_tcp_connections(line.tcp), 2);
    assert_true(cf_sip_tcp_tick(line.tcp, now + 60 * CF_NS_PER_S) == CF_REACTOR_NEVER);
    assert_int_equal(cf_sip_tcp_connections(line.tcp), 1);
    assert_int_equal(n(&line)->idle_closed, 1);
    UNTIL(&line, is_over(idle));
    cf_sip_tcp_release(line.tcp, now, id);
    assert_true(cf_sip_tcp_tick(line.tcp, now) == CF_REACTOR_NEVER); /* one holder is left */
    cf_sip_tcp_release(line.tcp, now, id);
    assert_true(cf_sip_tcp_tick(line.tcp, now) == now + 60 * CF_NS_PER_S);
    cf_sip_tcp_tick(line.tcp, now + 60 * CF_NS_PER_S);
    assert_false(cf_sip_tcp_alive(line.tcp, id));
    UNTIL(&line, is_over(held));
    assert_int_equal(line.closed, 0); /* we ended them */
    close(idle);
    close(held);
    cf_sip_tcp_close(line.tcp);
}

static void a_full_table_gives_up_the_longest_idle(void **state)
{
    (void)state;
    const struct cf_sip_tcp_config config = {.connections_max = 2};
    struct line line;
    open_line(&line, &config);
    int first = peer_of(&line), second = peer_of(&line);
    says(first, TWO, 20); /* a piece of a message is no activity */
    SAYS(second, ONE);
    UNTIL(&line, line.messages == 1);
    const uint64_t second_id = line.from;
    cf_sip_tcp_hold(line.tcp, second_id);
    int third = peer_of(&line);
    assert_int_equal(n(&line)->evicted, 1);
    UNTIL(&line, is_over(first));
    assert_false(is_over(second));
    SAYS(third, ONE);
    UNTIL(&line, line.messages == 2);
    cf_sip_tcp_hold(line.tcp, line.from);
    /* All are held now: neither in nor out. */
    int fourth = peer_of(&line);
    UNTIL(&line, is_over(fourth));
    assert_int_equal(n(&line)->refused, 1);
    const union cf_sip_addr anywhere = loopback(AF_INET, 9);
    assert_true(cf_sip_tcp_send_to(line.tcp, cf_clock_ns(), &anywhere, ONE, sizeof(ONE) - 1) == 0);
    assert_int_equal(n(&line)->refused, 2);
    cf_sip_tcp_release(line.tcp, cf_clock_ns(), second_id);
    int fifth = peer_of(&line);
    UNTIL(&line, is_over(second));
    assert_int_equal(n(&line)->evicted, 2);
    const int all[] = {first, second, third, fourth, fifth};
    for (unsigned i = 0; i < 5; i++)
        close(all[i]);
    cf_sip_tcp_close(line.tcp);
}

static void a_reactor_without_sources_refuses(void **state)
{
    (void)state;
    struct line line;
    struct cf_reactor *other = reactor;
    char why[200];
    assert_int_equal(cf_reactor_open(&reactor, &(struct cf_reactor_options){.sources_count = 2, .streams = true}, why, sizeof(why)), 0);
    open_line(&line, NULL);
    int first = peer_of(&line), second = peer_of(&line);
    UNTIL(&line, is_over(second));
    assert_int_equal(n(&line)->accepted, 1);
    assert_int_equal(n(&line)->refused, 1);
    assert_int_equal(cf_sip_tcp_connections(line.tcp), 1);
    close(first);
    close(second);
    cf_sip_tcp_close(line.tcp);
    cf_reactor_close(reactor);
    reactor = other;
}

static void what_a_peer_does_not_read_is_refused_and_counted(void **state)
{
    (void)state;
    static char big[CF_SIP_FRAME_BYTES + 1];
    struct line line;
    open_line(&line, NULL);
    int fd = peer_of(&line);
    SAYS(fd, ONE);
    UNTIL(&line, line.messages == 1);
    assert_false(cf_sip_tcp_send(line.tcp, cf_clock_ns(), line.from, big, sizeof(big))); /* longer than a message */
    UNTIL(&line, !cf_sip_tcp_send(line.tcp, cf_clock_ns(), line.from, big, CF_SIP_FRAME_BYTES));
    assert_int_equal(n(&line)->unsent, 2);
    /* To drop it waits for the peer, but not for ever. */
    const int64_t now = cf_clock_ns();
    cf_sip_tcp_drop(line.tcp, now, line.from);
    assert_false(cf_sip_tcp_alive(line.tcp, line.from));
    assert_int_equal(cf_sip_tcp_connections(line.tcp), 1);
    turn(&line);
    assert_true(cf_sip_tcp_tick(line.tcp, now) == now + 5 * CF_NS_PER_S);
    cf_sip_tcp_tick(line.tcp, now + 5 * CF_NS_PER_S);
    assert_int_equal(cf_sip_tcp_connections(line.tcp), 0);
    UNTIL(&line, is_over(fd));
    assert_int_equal(line.closed, 0);
    close(fd);
    cf_sip_tcp_close(line.tcp);
}

static void dropping_sends_the_last_answer_first(void **state)
{
    (void)state;
    struct line line;
    open_line(&line, NULL);
    line.answers = line.drops = true;
    int fd = peer_of(&line);
    SAYS(fd, TWO ONE); /* what follows the drop is not read */
    hears(&line, fd, TWO, sizeof(TWO) - 1);
    UNTIL(&line, is_over(fd));
    close(fd);
    UNTIL(&line, cf_sip_tcp_connections(line.tcp) == 0);
    assert_int_equal(line.messages, 1);
    assert_int_equal(n(&line)->dropped, 1);
    assert_int_equal(line.closed, 0);
    cf_sip_tcp_close(line.tcp);
}

static void a_paused_line_reads_nothing(void **state)
{
    (void)state;
    struct line line;
    open_line(&line, NULL);
    int fd = peer_of(&line);
    cf_sip_tcp_pause(line.tcp, true);
    turn(&line);
    SAYS(fd, ONE);
    int later = connected_to(cf_sip_tcp_bound(line.tcp));
    for (unsigned i = 0; i < 20; i++)
        turn(&line);
    assert_int_equal(line.messages, 0);
    assert_int_equal(n(&line)->accepted, 1);
    cf_sip_tcp_pause(line.tcp, false);
    UNTIL(&line, line.messages == 1 && n(&line)->accepted == 2);
    close(fd);
    close(later);
    cf_sip_tcp_close(line.tcp);
}

/* Peers come, talk, are cut off and go in every order; the table stays whole. */
static void any_order_keeps_the_table_whole(void **state)
{
    (void)state;
    const struct cf_sip_tcp_config config = {.connections_max = 4, .idle_ns = CF_NS_PER_S};
    struct line line;
    uint64_t seed = 20261129, held[8] = {0};
    int fds[8];
    memset(fds, -1, sizeof(fds));
    open_line(&line, &config);
    line.answers = true;
    for (unsigned step = 0; step < 3000; step++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const unsigned which = (unsigned)(seed >> 33) % 8;
        int *fd = &fds[which];
        switch ((unsigned)(seed >> 40) % 8) {
        case 0:
            if (*fd < 0)
                *fd = connected_to(cf_sip_tcp_bound(line.tcp));
            break;
        case 1:
            if (*fd >= 0)
                close(*fd);
            *fd = -1;
            break;
        case 2:
            if (*fd >= 0)
                (void)!send(*fd, TWO, (seed >> 50) % sizeof(TWO), MSG_NOSIGNAL | MSG_DONTWAIT);
            break;
        case 3:
            if (*fd >= 0)
                (void)!send(*fd, ONE, sizeof(ONE) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            break;
        case 4:
            cf_sip_tcp_drop(line.tcp, cf_clock_ns(), line.from);
            break;
        case 5:
            if (held[which] != 0)
                cf_sip_tcp_release(line.tcp, cf_clock_ns(), held[which]);
            held[which] = cf_sip_tcp_alive(line.tcp, line.from) ? line.from : 0;
            if (held[which] != 0)
                cf_sip_tcp_hold(line.tcp, held[which]);
            break;
        case 6:
            cf_sip_tcp_tick(line.tcp, cf_clock_ns() + CF_NS_PER_S);
            break;
        default:
            if (*fd >= 0)
                cf_sip_tcp_send_to(line.tcp, cf_clock_ns(), cf_sip_tcp_bound(line.tcp), ONE, sizeof(ONE) - 1);
            break;
        }
        assert_true(cf_reactor_turn(reactor, 0) >= 0);
        if (!cf_sip_tcp_check(line.tcp))
            fail_msg("the table is broken after step %u", step);
    }
    assert_true(n(&line)->messages > 50 && n(&line)->evicted > 0 && n(&line)->idle_closed > 0);
    for (unsigned i = 0; i < 8; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    cf_sip_tcp_close(line.tcp);
}

static void a_port_in_use_and_wrong_sizes_are_refused(void **state)
{
    (void)state;
    struct line line;
    struct cf_sip_tcp *second = NULL;
    open_line(&line, NULL);
    const struct cf_sip_tcp_callbacks callbacks = {on_message, on_closed, &line};
    assert_int_equal(cf_sip_tcp_open(&second, reactor, cf_sip_tcp_bound(line.tcp), NULL, &callbacks), -EADDRINUSE);
    const union cf_sip_addr any = loopback(AF_INET, 0);
    const struct cf_sip_tcp_config config = {.connections_max = CF_SIP_TCP_CONNECTIONS_MAX + 1};
    assert_int_equal(cf_sip_tcp_open(&second, reactor, &any, &config, &callbacks), -EINVAL);
    assert_null(second);
    cf_sip_tcp_close(line.tcp);
    cf_sip_tcp_close(NULL);
}

static int make_reactor(void **state)
{
    char why[200];
    (void)state;
    return cf_reactor_open(&reactor, &(struct cf_reactor_options){.streams = true}, why, sizeof(why));
}

static int drop_reactor(void **state)
{
    (void)state;
    cf_reactor_close(reactor);
    return 0;
}

#define OVER_REACTOR(test) cmocka_unit_test_setup_teardown(test, make_reactor, drop_reactor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_REACTOR(request_and_answer_share_a_connection),
        OVER_REACTOR(request_and_answer_share_a_connection_over_ipv6),
        OVER_REACTOR(messages_come_however_they_were_written),
        OVER_REACTOR(pings_are_answered),
        OVER_REACTOR(a_stream_that_is_not_sip_is_closed),
        OVER_REACTOR(endless_headers_end_the_connection),
        OVER_REACTOR(a_peer_that_ends_inside_a_message_is_counted),
        OVER_REACTOR(a_connection_that_ended_is_opened_again),
        OVER_REACTOR(a_refused_connection_is_reported),
        OVER_REACTOR(a_connection_that_is_not_made_in_time_is_given_up),
        OVER_REACTOR(idle_connections_are_closed_and_held_ones_are_not),
        OVER_REACTOR(a_full_table_gives_up_the_longest_idle),
        OVER_REACTOR(a_reactor_without_sources_refuses),
        OVER_REACTOR(what_a_peer_does_not_read_is_refused_and_counted),
        OVER_REACTOR(dropping_sends_the_last_answer_first),
        OVER_REACTOR(a_paused_line_reads_nothing),
        OVER_REACTOR(any_order_keeps_the_table_whole),
        OVER_REACTOR(a_port_in_use_and_wrong_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
