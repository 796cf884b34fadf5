/* Sockets of a line: UDP, and TCP at the same address; see trunk.h. */
#include "adapters/sip/trunk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    BIND_TRIES = 40, /* a ring that just ended may hold the port for some 40 ms */
    BIND_PAUSE_MS = 25,
    PORT_TRIES = 16, /* a port that the kernel chose for UDP may be taken for TCP */
};

static void send_stream(struct cf_sip_trunk *trunk, const struct cf_sip_hop *to, const char *bytes, size_t len)
{
    const int64_t now = cf_clock_ns();
    if (trunk->tcp == NULL) {
        trunk->all->unsent++;
        return;
    }
    if (to->connection != 0 && cf_sip_tcp_alive(trunk->tcp, to->connection)) {
        trunk->all->unsent += !cf_sip_tcp_send(trunk->tcp, now, to->connection, bytes, len);
        return;
    }
    trunk->all->unsent += cf_sip_tcp_send_to(trunk->tcp, now, &to->addr, bytes, len) == 0;
}

void cf_sip_transport_send(void *context, const struct cf_sip_hop *to, const char *bytes, size_t len)
{
    struct cf_sip_trunk *trunk = context;
    /* What finds no room is lost as it may be on the way: the peer, or our timer, repeats. */
    if (to->stream)
        send_stream(trunk, to, bytes, len);
    else if (!cf_reactor_send(trunk->all->reactor, trunk->source, bytes, (uint32_t)len, &to->addr.sa,
                              cf_sip_addr_len(&to->addr)))
        trunk->all->unsent++;
}

void cf_sip_transport_hold(void *context, uint64_t connection, bool on)
{
    struct cf_sip_trunk *trunk = context;
    if (trunk->tcp == NULL)
        return;
    if (on)
        cf_sip_tcp_hold(trunk->tcp, connection);
    else
        cf_sip_tcp_release(trunk->tcp, cf_clock_ns(), connection);
}

static void on_datagram(void *context, const struct cf_datagram *datagram, int64_t now_ns)
{
    struct cf_sip_trunk *trunk = context;
    struct cf_sip_hop from = {.stream = false};
    if (datagram->error != 0 || !cf_sip_addr_of(&from.addr, datagram->from, datagram->from_bytes))
        return;
    cf_sip_ua_receive(trunk->ua, (uint64_t)now_ns, &from, (const char *)datagram->data, datagram->bytes,
                      datagram->truncated);
}

static void on_message(void *context, uint64_t connection, const union cf_sip_addr *peer, const char *bytes, size_t len,
                       int64_t now_ns)
{
    struct cf_sip_trunk *trunk = context;
    const struct cf_sip_hop from = {.addr = *peer, .stream = true, .connection = connection};
    cf_sip_ua_receive(trunk->ua, (uint64_t)now_ns, &from, bytes, len, false);
}

/* One that could not be made or broke has lost what was on its way (RFC 3261 17.1.4). The peer may close one after it took all: timers
 * B and F tell. */
static void on_closed(void *context, uint64_t connection, const union cf_sip_addr *peer, int error, int64_t now_ns)
{
    struct cf_sip_trunk *trunk = context;
    (void)connection;
    if (error != 0)
        cf_sip_ua_connection_failed(trunk->ua, (uint64_t)now_ns, peer);
}

static int bind_patiently(int fd, const union cf_sip_addr *addr)
{
    for (int i = 0; i < BIND_TRIES; i++) {
        if (bind(fd, &addr->sa, cf_sip_addr_len(addr)) == 0)
            return 0;
        if (errno != EADDRINUSE)
            return -errno;
        poll(NULL, 0, BIND_PAUSE_MS);
    }
    return -EADDRINUSE;
}

static int open_udp(struct cf_sip_trunk *trunk, const union cf_sip_addr *addr, uint32_t receive_bytes)
{
    const int one = 1;
    const int bytes = (int)receive_bytes;
    socklen_t len = sizeof(trunk->bound);
    trunk->fd = socket(addr->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (trunk->fd < 0)
        return -errno;
    /* The forced form passes net.core.rmem_max, where we may; the plain one takes what is allowed. */
    if (setsockopt(trunk->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
        setsockopt(trunk->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (addr->sa.sa_family == AF_INET6 && setsockopt(trunk->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0)
        return -errno;
    const int rc = bind_patiently(trunk->fd, addr);
    if (rc < 0)
        return rc;
    if (getsockname(trunk->fd, &trunk->bound.sa, &len) != 0)
        return -errno;
    trunk->source = cf_reactor_receive(trunk->all->reactor, trunk->fd, on_datagram, trunk);
    return trunk->source < 0 ? trunk->source : 0;
}

/* TCP at the port that UDP has. */
static int open_tcp(struct cf_sip_trunk *trunk)
{
    const struct cf_sip_tcp_config config = {.connections_max = trunk->all->settings->connections_max};
    const struct cf_sip_tcp_callbacks callbacks = {.message = on_message, .closed = on_closed, .context = trunk};
    return cf_sip_tcp_open(&trunk->tcp, trunk->all->reactor, &trunk->bound, &config, &callbacks);
}

int cf_sip_transport_open(struct cf_sip_trunk *trunk, char *why, size_t why_bytes)
{
    const struct cf_sip_settings *settings = trunk->all->settings;
    const struct cf_sip_line_settings *line = &settings->line[trunk->line];
    const bool any_port = cf_sip_addr_port(&line->listen) == 0;
    for (unsigned tries = 1;; tries++) {
        int rc = open_udp(trunk, &line->listen, settings->receive_bytes);
        const bool udp = rc == 0;
        if (udp && settings->tcp)
            rc = open_tcp(trunk);
        if (rc == 0)
            return 0;
        snprintf(why, why_bytes, "cannot listen on %s%s: %s", line->listen_text, udp ? " (TCP)" : "", strerror(-rc));
        if (!udp || !any_port || rc != -EADDRINUSE || tries == PORT_TRIES)
            return rc;
        cf_sip_transport_close(trunk);
    }
}

void cf_sip_transport_close(struct cf_sip_trunk *trunk)
{
    cf_sip_tcp_close(trunk->tcp);
    trunk->tcp = NULL;
    if (trunk->source >= 0)
        cf_reactor_remove(trunk->all->reactor, trunk->source);
    if (trunk->fd >= 0)
        close(trunk->fd);
    trunk->source = trunk->fd = -1;
}

void cf_sip_transport_pause(struct cf_sip_trunk *trunk, bool paused)
{
    cf_reactor_pause(trunk->all->reactor, trunk->source, paused);
    if (trunk->tcp != NULL)
        cf_sip_tcp_pause(trunk->tcp, paused);
}
