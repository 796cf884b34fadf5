/* See tcp.h. */
#include "adapters/sip/tcp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "adapters/sip/table.h"

enum {
    CONNECTIONS_DEFAULT = 256,
    BACKLOG = 1024,
    BIND_TRIES = 40, /* a ring that just ended may hold the port for some 40 ms */
    BIND_PAUSE_MS = 25,
    UNANSWERED_MS = 32000, /* a peer that acknowledges nothing for so long (64 * T1) is gone */
    PROBE_AFTER_S = 120,   /* a connection without traffic is probed, and found gone after UNANSWERED_MS */
    PROBE_EVERY_S = 15,
    NONE = -1,
};

#define IDLE_DEFAULT_NS    (600 * CF_NS_PER_S)
#define CONNECT_DEFAULT_NS (10 * CF_NS_PER_S)
#define CLOSE_DEFAULT_NS   (5 * CF_NS_PER_S)

/* A connection is in the list of its state; an open one that is held is in none. */
enum state { FREE, OPEN, CONNECTING, CLOSING, STATES_COUNT };

struct connection {
    struct cf_sip_node node; /* in by_peer while OPEN or CONNECTING */
    struct cf_sip_tcp *tcp;
    uint32_t generation;
    enum state state;
    int source;
    uint32_t holders;
    int next, prev; /* in the list */
    bool listed;
    int64_t since_ns; /* in the list */
    union cf_sip_addr peer;
    struct cf_sip_framer framer;
};

/* Ordered by since_ns: what is due is at the front. */
struct list {
    int first, last;
    uint32_t count;
    int64_t limit_ns;
};

struct cf_sip_tcp {
    struct cf_reactor *reactor;
    struct cf_sip_tcp_config config;
    struct cf_sip_tcp_callbacks callbacks;
    struct cf_sip_tcp_counters counters;
    struct connection *connection;
    char *held;                     /* CF_SIP_FRAME_BYTES for each */
    struct list list[STATES_COUNT]; /* FREE: the free slots; OPEN: those that nobody holds */
    struct cf_sip_node **bucket;
    struct cf_sip_table by_peer;
    struct cf_sip_key secret;
    union cf_sip_addr bound;
    int listening_fd, listening_source;
    bool paused;
};

/* ------------------------------------------------------------------ slots and lists */

static uint64_t id_of(const struct connection *c)
{
    return (uint64_t)c->generation << 32 | (uint32_t)(c - c->tcp->connection);
}

/* NULL: the id is stale. */
static struct connection *connection_of(const struct cf_sip_tcp *tcp, uint64_t id)
{
    const uint32_t index = (uint32_t)id;
    if (index >= tcp->config.connections_max)
        return NULL;
    struct connection *c = &tcp->connection[index];
    const bool alive = c->state == OPEN || c->state == CONNECTING;
    return alive && c->generation == (uint32_t)(id >> 32) ? c : NULL;
}

static struct connection *counted_connection(struct cf_sip_tcp *tcp, uint64_t id)
{
    struct connection *c = connection_of(tcp, id);
    tcp->counters.stale += c == NULL;
    return c;
}

static void leave_list(struct connection *c)
{
    struct cf_sip_tcp *tcp = c->tcp;
    struct list *list = &tcp->list[c->state];
    if (!c->listed)
        return;
    *(c->prev != NONE ? &tcp->connection[c->prev].next : &list->first) = c->next;
    *(c->next != NONE ? &tcp->connection[c->next].prev : &list->last) = c->prev;
    c->listed = false;
    list->count--;
}

static void join_list(struct connection *c, int64_t now)
{
    struct cf_sip_tcp *tcp = c->tcp;
    struct list *list = &tcp->list[c->state];
    const int index = (int)(c - tcp->connection);
    c->since_ns = now;
    c->prev = list->last;
    c->next = NONE;
    *(list->last != NONE ? &tcp->connection[list->last].next : &list->first) = index;
    list->last = index;
    c->listed = true;
    list->count++;
}

static void set_state(struct connection *c, enum state state, int64_t now)
{
    leave_list(c);
    c->state = state;
    if (state != OPEN || c->holders == 0)
        join_list(c, now);
}

static void touch(struct connection *c, int64_t now)
{
    if (c->state == OPEN && c->listed)
        set_state(c, OPEN, now);
}

static struct cf_sip_key key_of(const struct cf_sip_tcp *tcp, const union cf_sip_addr *peer)
{
    struct cf_sip_hash hash;
    cf_sip_hash_init(&hash, &tcp->secret);
    cf_sip_hash_number(&hash, cf_sip_addr_port(peer));
    if (peer->sa.sa_family == AF_INET) {
        cf_sip_hash_bytes(&hash, (const char *)&peer->in4.sin_addr, sizeof(peer->in4.sin_addr));
    } else {
        cf_sip_hash_bytes(&hash, (const char *)&peer->in6.sin6_addr, sizeof(peer->in6.sin6_addr));
        cf_sip_hash_number(&hash, peer->in6.sin6_scope_id);
    }
    return cf_sip_hash_end(&hash);
}

/* From here on the id is stale and no look-up finds the connection. */
static void forget(struct connection *c)
{
    cf_sip_table_remove(&c->tcp->by_peer, &c->node);
    c->generation += c->generation != UINT32_MAX ? 1 : 2; /* never 0 */
    c->holders = 0;
}

static void release(struct connection *c)
{
    if (c->state != CLOSING)
        forget(c);
    cf_reactor_remove(c->tcp->reactor, c->source);
    c->source = NONE;
    set_state(c, FREE, 0);
}

/* Ends it and tells the user. */
static void fail(struct connection *c, int error, int64_t now)
{
    struct cf_sip_tcp *tcp = c->tcp;
    const uint64_t id = id_of(c);
    const union cf_sip_addr peer = c->peer;
    release(c);
    tcp->callbacks.closed(tcp->callbacks.context, id, &peer, error, now);
}

/* A free slot, at the expense of the longest idle where there is none; NULL, counted: all are in use. */
static struct connection *new_slot(struct cf_sip_tcp *tcp)
{
    if (tcp->list[FREE].first == NONE && tcp->list[OPEN].first != NONE) {
        tcp->counters.evicted++;
        release(&tcp->connection[tcp->list[OPEN].first]);
    }
    if (tcp->list[FREE].first != NONE)
        return &tcp->connection[tcp->list[FREE].first];
    tcp->counters.refused++;
    return NULL;
}

/* ------------------------------------------------------------------ received bytes */

/* One frame. False: the connection is not to be read on. */
static bool take_frame(struct connection *c, enum cf_sip_frame_what what, const struct cf_sip_frame *frame, int64_t now)
{
    struct cf_sip_tcp *tcp = c->tcp;
    const uint64_t id = id_of(c);
    switch (what) {
    case CF_SIP_FRAME_MORE:
        return false;
    case CF_SIP_FRAME_MESSAGE:
        tcp->counters.messages++;
        tcp->counters.message_bytes += frame->len;
        tcp->counters.in_pieces += frame->bytes == c->framer.held;
        touch(c, now);
        tcp->callbacks.message(tcp->callbacks.context, id, &c->peer, frame->bytes, frame->len, now);
        return connection_of(tcp, id) == c; /* it may have been dropped */
    case CF_SIP_FRAME_PING:
        tcp->counters.pings++;
        touch(c, now);
        cf_reactor_stream_send(tcp->reactor, c->source, "\r\n", 2); /* without room: the reactor counts it */
        return true;
    case CF_SIP_FRAME_PONG:
        tcp->counters.pongs++;
        return true;
    case CF_SIP_FRAME_FAULT:
        tcp->counters.faults++;
        tcp->counters.faults_by_kind[c->framer.fault]++;
        fail(c, -EBADMSG, now);
        return false;
    }
    return false;
}

static void take_bytes(struct connection *c, const struct cf_stream_event *event, int64_t now)
{
    const char *at = (const char *)event->data;
    const char *end = at + event->bytes;
    struct cf_sip_frame frame = {0};
    while (take_frame(c, cf_sip_framer_next(&c->framer, &at, end, &frame), &frame, now))
        ;
}

static void on_closed(struct connection *c, int error, int64_t now)
{
    struct cf_sip_tcp_counters *n = &c->tcp->counters;
    if (c->state == CLOSING) {
        release(c);
        return;
    }
    *(c->state == CONNECTING ? &n->open_failures : error != 0 ? &n->failed : &n->peer_closed) += 1;
    n->cut_short += cf_sip_framer_inside(&c->framer);
    fail(c, error, now);
}

static void on_stream(void *arg, const struct cf_stream_event *event, int64_t now_ns)
{
    struct connection *c = arg;
    switch (event->what) {
    case CF_STREAM_DATA:
        if (c->state == OPEN)
            take_bytes(c, event, now_ns);
        break;
    case CF_STREAM_CONNECTED:
        if (c->state == CONNECTING)
            set_state(c, OPEN, now_ns);
        break;
    case CF_STREAM_CLOSED:
        on_closed(c, event->error, now_ns);
        break;
    }
}

/* ------------------------------------------------------------------ new connections */

/* Small messages go at once; a peer that is gone is noticed. What the kernel does not take is left as it is. */
static void tune(int fd)
{
    const int one = 1, probe_after = PROBE_AFTER_S, probe_every = PROBE_EVERY_S;
    const unsigned unanswered = UNANSWERED_MS;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered, sizeof(unanswered));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &probe_after, sizeof(probe_after));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe_every, sizeof(probe_every));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

/* Takes fd, also when it fails. */
static struct connection *add(struct cf_sip_tcp *tcp, int fd, const union cf_sip_addr *peer, enum state state,
                              int64_t now)
{
    struct connection *c = new_slot(tcp);
    if (c == NULL) {
        close(fd);
        return NULL;
    }
    const bool connects = state == CONNECTING;
    tune(fd);
    const int source = cf_reactor_stream(tcp->reactor, fd, connects ? &peer->sa : NULL,
                                         connects ? cf_sip_addr_len(peer) : 0, on_stream, c);
    if (source < 0) {
        tcp->counters.refused++;
        close(fd);
        return NULL;
    }
    c->source = source;
    if (tcp->paused)
        cf_reactor_pause(tcp->reactor, c->source, true);
    c->peer = *peer;
    cf_sip_framer_init(&c->framer, tcp->held + (size_t)(c - tcp->connection) * CF_SIP_FRAME_BYTES);
    cf_sip_table_insert(&tcp->by_peer, &c->node, key_of(tcp, peer));
    set_state(c, state, now);
    return c;
}

static void on_accept(void *arg, int fd, const struct sockaddr *from, socklen_t from_bytes, int64_t now_ns)
{
    struct cf_sip_tcp *tcp = arg;
    union cf_sip_addr peer;
    if (fd < 0) {
        tcp->counters.deaf++; /* the connections that stand go on */
        return;
    }
    if (!cf_sip_addr_of(&peer, from, from_bytes)) {
        close(fd);
        return;
    }
    tcp->counters.accepted += add(tcp, fd, &peer, OPEN, now_ns) != NULL;
}

/* A socket at the line's own host address, any port, where the peer is of the same family. */
static int outgoing_socket(const struct cf_sip_tcp *tcp, const union cf_sip_addr *peer)
{
    const int one = 1;
    union cf_sip_addr own = tcp->bound;
    const int fd = socket(peer->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || own.sa.sa_family != peer->sa.sa_family)
        return fd;
    cf_sip_addr_set_port(&own, 0);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    if (bind(fd, &own.sa, cf_sip_addr_len(&own)) == 0)
        return fd;
    close(fd);
    return -1;
}

static struct connection *open_to(struct cf_sip_tcp *tcp, const union cf_sip_addr *peer, int64_t now)
{
    const int fd = outgoing_socket(tcp, peer);
    if (fd < 0) {
        tcp->counters.refused++;
        return NULL;
    }
    struct connection *c = add(tcp, fd, peer, CONNECTING, now);
    tcp->counters.opened += c != NULL;
    return c;
}

/* ------------------------------------------------------------------ for the user */

static struct connection *find(const struct cf_sip_tcp *tcp, const union cf_sip_addr *peer)
{
    const struct cf_sip_key key = key_of(tcp, peer);
    struct cf_sip_node *node = cf_sip_table_find(&tcp->by_peer, &key);
    return node != NULL ? CF_SIP_CONTAINER(node, struct connection, node) : NULL;
}

uint64_t cf_sip_tcp_find(const struct cf_sip_tcp *tcp, const union cf_sip_addr *peer)
{
    const struct connection *c = find(tcp, peer);
    return c != NULL ? id_of(c) : 0;
}

bool cf_sip_tcp_alive(const struct cf_sip_tcp *tcp, uint64_t connection)
{
    return connection_of(tcp, connection) != NULL;
}

static bool send_on(struct connection *c, const char *bytes, size_t len, int64_t now)
{
    struct cf_sip_tcp *tcp = c->tcp;
    if (len > CF_SIP_FRAME_BYTES || !cf_reactor_stream_send(tcp->reactor, c->source, bytes, (uint32_t)len)) {
        tcp->counters.unsent++;
        return false;
    }
    tcp->counters.sent++;
    touch(c, now);
    return true;
}

bool cf_sip_tcp_send(struct cf_sip_tcp *tcp, int64_t now_ns, uint64_t connection, const char *bytes, size_t len)
{
    struct connection *c = counted_connection(tcp, connection);
    return c != NULL && send_on(c, bytes, len, now_ns);
}

uint64_t cf_sip_tcp_send_to(struct cf_sip_tcp *tcp, int64_t now_ns, const union cf_sip_addr *peer, const char *bytes,
                            size_t len)
{
    struct connection *c = find(tcp, peer);
    if (c == NULL)
        c = open_to(tcp, peer, now_ns);
    return c != NULL && send_on(c, bytes, len, now_ns) ? id_of(c) : 0;
}

void cf_sip_tcp_hold(struct cf_sip_tcp *tcp, uint64_t connection)
{
    struct connection *c = counted_connection(tcp, connection);
    if (c == NULL)
        return;
    c->holders++;
    if (c->state == OPEN)
        leave_list(c);
}

void cf_sip_tcp_release(struct cf_sip_tcp *tcp, int64_t now_ns, uint64_t connection)
{
    struct connection *c = connection_of(tcp, connection);
    if (c == NULL)
        return; /* it ended before its holder did */
    assert(c->holders != 0);
    c->holders--;
    if (c->state == OPEN && c->holders == 0)
        join_list(c, now_ns);
}

void cf_sip_tcp_drop(struct cf_sip_tcp *tcp, int64_t now_ns, uint64_t connection)
{
    struct connection *c = counted_connection(tcp, connection);
    if (c == NULL)
        return;
    tcp->counters.dropped++;
    if (cf_reactor_stream_unsent(tcp->reactor, c->source) == 0) {
        release(c);
        return;
    }
    forget(c);
    set_state(c, CLOSING, now_ns);
    cf_reactor_pause(tcp->reactor, c->source, false); /* to see the peer's end */
    cf_reactor_stream_end(tcp->reactor, c->source);
}

void cf_sip_tcp_pause(struct cf_sip_tcp *tcp, bool paused)
{
    if (tcp->paused == paused)
        return;
    tcp->paused = paused;
    cf_reactor_pause(tcp->reactor, tcp->listening_source, paused);
    for (uint32_t i = 0; i < tcp->config.connections_max; i++) {
        const struct connection *c = &tcp->connection[i];
        if (c->state == OPEN || c->state == CONNECTING)
            cf_reactor_pause(tcp->reactor, c->source, paused);
    }
}

static void expire(struct connection *c, int64_t now)
{
    struct cf_sip_tcp_counters *n = &c->tcp->counters;
    switch (c->state) {
    case CONNECTING:
        n->open_failures++;
        fail(c, -ETIMEDOUT, now);
        break;
    case OPEN:
        n->idle_closed++;
        release(c);
        break;
    default:
        release(c);
        break;
    }
}

int64_t cf_sip_tcp_tick(struct cf_sip_tcp *tcp, int64_t now_ns)
{
    int64_t next = CF_REACTOR_NEVER;
    for (enum state state = OPEN; state < STATES_COUNT; state++) {
        const struct list *list = &tcp->list[state];
        /* What a callback opens meanwhile is not due, and at the end of its list. */
        while (list->first != NONE && tcp->connection[list->first].since_ns + list->limit_ns <= now_ns)
            expire(&tcp->connection[list->first], now_ns);
    }
    for (enum state state = OPEN; state < STATES_COUNT; state++) {
        const struct list *list = &tcp->list[state];
        if (list->first != NONE && tcp->connection[list->first].since_ns + list->limit_ns < next)
            next = tcp->connection[list->first].since_ns + list->limit_ns;
    }
    return next;
}

/* ------------------------------------------------------------------ open and close */

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

static int listen_at(struct cf_sip_tcp *tcp, const union cf_sip_addr *addr)
{
    const int one = 1;
    socklen_t len = sizeof(tcp->bound);
    tcp->listening_fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (tcp->listening_fd < 0)
        return -errno;
    const int fd = tcp->listening_fd;
    /* Connections of a process before us that wait to be forgotten do not keep the port. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0)
        return -errno;
    if (addr->sa.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0)
        return -errno;
    const int rc = bind_patiently(fd, addr);
    if (rc < 0)
        return rc;
    if (listen(fd, BACKLOG) != 0 || getsockname(fd, &tcp->bound.sa, &len) != 0)
        return -errno;
    tcp->listening_source = cf_reactor_accept(tcp->reactor, fd, on_accept, tcp);
    return tcp->listening_source < 0 ? tcp->listening_source : 0;
}

static int make_table(struct cf_sip_tcp *tcp)
{
    const uint32_t count = tcp->config.connections_max;
    const uint32_t buckets = cf_sip_table_buckets(count);
    for (int i = 0; i < STATES_COUNT; i++)
        tcp->list[i] = (struct list){.first = NONE, .last = NONE};
    tcp->list[OPEN].limit_ns = tcp->config.idle_ns;
    tcp->list[CONNECTING].limit_ns = tcp->config.connect_ns;
    tcp->list[CLOSING].limit_ns = tcp->config.close_ns;
    tcp->connection = calloc(count, sizeof(*tcp->connection));
    tcp->bucket = calloc(buckets, sizeof(*tcp->bucket)); /* NOLINT(bugprone-sizeof-expression): of pointers */
    void *held = mmap(NULL, (size_t)count * CF_SIP_FRAME_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    tcp->held = held != MAP_FAILED ? held : NULL;
    if (tcp->connection == NULL || tcp->bucket == NULL || tcp->held == NULL)
        return -ENOMEM;
    cf_sip_table_init(&tcp->by_peer, tcp->bucket, buckets);
    for (uint32_t i = 0; i < count; i++) {
        tcp->connection[i] = (struct connection){.tcp = tcp, .generation = 1, .source = NONE};
        join_list(&tcp->connection[i], 0);
    }
    return getrandom(&tcp->secret, sizeof(tcp->secret), 0) == (ssize_t)sizeof(tcp->secret) ? 0 : -EIO;
}

static void complete(struct cf_sip_tcp_config *config)
{
    if (config->connections_max == 0)
        config->connections_max = CONNECTIONS_DEFAULT;
    if (config->idle_ns == 0)
        config->idle_ns = IDLE_DEFAULT_NS;
    if (config->connect_ns == 0)
        config->connect_ns = CONNECT_DEFAULT_NS;
    if (config->close_ns == 0)
        config->close_ns = CLOSE_DEFAULT_NS;
}

int cf_sip_tcp_open(struct cf_sip_tcp **ret_tcp, struct cf_reactor *reactor, const union cf_sip_addr *at,
                    const struct cf_sip_tcp_config *config, const struct cf_sip_tcp_callbacks *callbacks)
{
    struct cf_sip_tcp *tcp = calloc(1, sizeof(*tcp));
    if (tcp == NULL)
        return -ENOMEM;
    *tcp = (struct cf_sip_tcp){
        .reactor = reactor, .callbacks = *callbacks, .listening_fd = NONE, .listening_source = NONE};
    if (config != NULL)
        tcp->config = *config;
    complete(&tcp->config);
    int rc = -EINVAL;
    if (tcp->config.connections_max <= CF_SIP_TCP_CONNECTIONS_MAX)
        rc = make_table(tcp);
    if (rc == 0)
        rc = listen_at(tcp, at);
    if (rc < 0) {
        cf_sip_tcp_close(tcp);
        return rc;
    }
    *ret_tcp = tcp;
    return 0;
}

void cf_sip_tcp_close(struct cf_sip_tcp *tcp)
{
    if (tcp == NULL)
        return;
    const uint32_t count = tcp->connection != NULL ? tcp->config.connections_max : 0;
    for (uint32_t i = 0; i < count; i++)
        if (tcp->connection[i].source >= 0)
            cf_reactor_remove(tcp->reactor, tcp->connection[i].source);
    if (tcp->listening_source >= 0)
        cf_reactor_remove(tcp->reactor, tcp->listening_source);
    if (tcp->listening_fd >= 0)
        close(tcp->listening_fd);
    if (tcp->held != NULL)
        munmap(tcp->held, (size_t)tcp->config.connections_max * CF_SIP_FRAME_BYTES);
    free(tcp->connection);
    free(tcp->bucket);
    free(tcp);
}

/* ------------------------------------------------------------------ looking in */

const union cf_sip_addr *cf_sip_tcp_bound(const struct cf_sip_tcp *tcp)
{
    return &tcp->bound;
}

uint32_t cf_sip_tcp_connections(const struct cf_sip_tcp *tcp)
{
    return tcp->config.connections_max - tcp->list[FREE].count;
}

const struct cf_sip_tcp_counters *cf_sip_tcp_counters(const struct cf_sip_tcp *tcp)
{
    return &tcp->counters;
}

static bool check_list(const struct cf_sip_tcp *tcp, enum state state)
{
    const struct list *list = &tcp->list[state];
    uint32_t count = 0;
    int before = NONE;
    for (int i = list->first; i != NONE; before = i, i = tcp->connection[i].next) {
        const struct connection *c = &tcp->connection[i];
        if (++count > list->count || c->prev != before || !c->listed || c->state != state)
            return false;
        if (state == OPEN && c->holders != 0)
            return false;
    }
    return count == list->count && list->last == before;
}

bool cf_sip_tcp_check(const struct cf_sip_tcp *tcp)
{
    uint32_t listed = 0, held = 0, known = 0;
    for (enum state state = FREE; state < STATES_COUNT; state++) {
        if (!check_list(tcp, state))
            return false;
        listed += tcp->list[state].count;
    }
    for (uint32_t i = 0; i < tcp->config.connections_max; i++) {
        const struct connection *c = &tcp->connection[i];
        const bool alive = c->state == OPEN || c->state == CONNECTING;
        held += !c->listed;
        known += alive;
        if (c->generation == 0 || alive != c->node.in || (c->state == FREE) != (c->source == NONE))
            return false;
        if (!c->listed && (c->state != OPEN || c->holders == 0))
            return false;
        if (alive && !cf_sip_framer_check(&c->framer))
            return false;
    }
    return listed + held == tcp->config.connections_max && known == tcp->by_peer.live &&
           cf_sip_table_check(&tcp->by_peer);
}
