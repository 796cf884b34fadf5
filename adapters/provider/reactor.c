/*
 * The reactor: see reactor.h. Sources and sends live in fixed arrays; user_data of a completion is a tag and an index in one.
 *
 * Source     io_uring_setup(2), io_uring_register(2), io_uring_enter(2); liburing 2.3
 */
#include "adapters/provider/reactor_state.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "adapters/provider/uring.h"

enum {
    ENTRIES_DEFAULT = 512,
    DATAGRAM_BUFFERS_DEFAULT = 256,
    STREAM_BUFFERS_DEFAULT = 1024,
    BYTES_DEFAULT = 4096,
    SENDS_DEFAULT = 1024,
    POOL_MAX = 32768,
    BYTES_MAX = 65536,
    TURN_COMPLETIONS_MAX = 512, /* handled in one turn, so that timers and commands get their time */
    /* Completions that end gathering early: a socket that finds no buffer receives nothing until the next turn. */
    GATHER_EVENTS_MAX = DATAGRAM_BUFFERS_DEFAULT / 2,
    SENDS_PATIENCE_MS = 20, /* how long datagrams without room in their socket keep a turn from ending */
    CLOSE_TURNS_MAX = 100,  /* of at most 10 ms, until the kernel let go of everything */
    NAME_BYTES = 32,        /* room for an address before each datagram: sockaddr_in6 has 28 */
    SOURCES_DEFAULT = 256,
    STREAM_BYTES_DEFAULT = 128 << 10,
    STREAM_BYTES_MAX = 16 << 20,
    DATAGRAM_GROUP = 0,
    STREAM_GROUP = 1,
};

/* ------------------------------------------------------------------ making one */

static uint32_t round_up_power(uint32_t n)
{
    uint32_t p = 1;
    while (p < n)
        p <<= 1;
    return p;
}

static int read_options(struct cf_reactor_options *o, const struct cf_reactor_options *given)
{
    if (given != NULL)
        *o = *given;
    const struct {
        uint32_t *value, fallback, max;
    } all[] = {
        {&o->entries, ENTRIES_DEFAULT, POOL_MAX},
        {&o->datagram_buffers_count, DATAGRAM_BUFFERS_DEFAULT, POOL_MAX},
        {&o->stream_buffers_count, STREAM_BUFFERS_DEFAULT, POOL_MAX},
        {&o->buffer_bytes, BYTES_DEFAULT, BYTES_MAX},
        {&o->sends_count, SENDS_DEFAULT, POOL_MAX},
        {&o->send_bytes, BYTES_DEFAULT, BYTES_MAX},
        {&o->sources_count, SOURCES_DEFAULT, CF_REACTOR_SOURCES_MAX},
        {&o->stream_bytes, STREAM_BYTES_DEFAULT, STREAM_BYTES_MAX},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (*all[i].value == 0)
            *all[i].value = all[i].fallback;
        if (*all[i].value > all[i].max)
            return -EINVAL;
        *all[i].value = round_up_power(*all[i].value);
    }
    return 0;
}

static int make_buffers(struct cf_reactor *r)
{
    const struct cf_reactor_options *o = &r->options;
    int rc = cf_buffers_init(&r->datagram_buffers, &r->ring, DATAGRAM_GROUP, o->datagram_buffers_count,
                             o->buffer_bytes + (uint32_t)sizeof(struct io_uring_recvmsg_out) + NAME_BYTES);
    if (rc == 0 && o->streams)
        rc = cf_buffers_init(&r->stream_buffers, &r->ring, STREAM_GROUP, o->stream_buffers_count, o->buffer_bytes);
    return rc;
}

static int make_sends(struct cf_reactor *r)
{
    const struct cf_reactor_options *o = &r->options;
    r->sends = calloc(o->sends_count, sizeof *r->sends);
    r->send_memory = malloc((size_t)o->sends_count * o->send_bytes);
    r->put_off_max = r->ring.cq.ring_entries;
    r->put_off = calloc(r->put_off_max, sizeof *r->put_off);
    if (r->sends == NULL || r->send_memory == NULL || r->put_off == NULL)
        return -ENOMEM;
    r->send_free = CF_REACTOR_NO_SEND;
    for (uint32_t i = o->sends_count; i-- > 0;) {
        r->sends[i].open = (struct cf_send){r->send_memory + (size_t)i * o->send_bytes, o->send_bytes};
        r->sends[i].next = r->send_free;
        r->send_free = (int)i;
    }
    return 0;
}

static int make_sources(struct cf_reactor *r, char *why, size_t why_bytes)
{
    const uint32_t count = r->options.sources_count;
    r->sources = calloc(count, sizeof *r->sources);
    r->streams = calloc(count, sizeof *r->streams);
    r->retry = calloc(count, sizeof *r->retry);
    if (r->sources == NULL || r->streams == NULL || r->retry == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        r->sources[i].next_free = i + 1;
    int rc = io_uring_register_files_sparse(&r->ring, count);
    if (rc == -EMFILE)
        snprintf(why, why_bytes, "the limit of open files (ulimit -n) does not allow %u sources", count);
    return rc;
}

static void free_memory(struct cf_reactor *r)
{
    cf_buffers_fini(&r->datagram_buffers);
    cf_buffers_fini(&r->stream_buffers);
    free(r->sends);
    free(r->send_memory);
    free(r->put_off);
    free(r->sources);
    free(r->streams);
    free(r->retry);
    free(r);
}

int cf_reactor_open(struct cf_reactor **ret_reactor, const struct cf_reactor_options *options, char *why,
                    size_t why_bytes)
{
    struct cf_reactor *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->signal_fd = -1;
    r->spare_fd = -1;
    int rc = read_options(&r->options, options);
    if (rc < 0) {
        snprintf(why, why_bytes, "a size of the reactor is out of range");
        goto free_reactor;
    }
    rc = cf_uring_open(&r->ring, r->options.entries, why, why_bytes);
    if (rc < 0)
        goto free_reactor;
    snprintf(why, why_bytes, "setting up the io_uring failed");
    rc = make_sources(r, why, why_bytes);
    if (rc == 0)
        rc = make_buffers(r);
    if (rc == 0)
        rc = make_sends(r);
    if (rc == 0)
        rc = cf_uring_enable(&r->ring, r->options.streams);
    if (rc < 0)
        goto exit_ring;
    *ret_reactor = r;
    return 0;

exit_ring:
    io_uring_queue_exit(&r->ring);
free_reactor:
    free_memory(r);
    return rc;
}

/* ------------------------------------------------------------------ submitting */

/* A submission entry; makes room by submitting what is there. */
static struct io_uring_sqe *next_entry(struct cf_reactor *r)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);
    if (sqe == NULL) {
        io_uring_submit(&r->ring);
        sqe = io_uring_get_sqe(&r->ring);
    }
    return sqe;
}

struct io_uring_sqe *cf_reactor_entry(struct cf_reactor *r, int number)
{
    struct io_uring_sqe *sqe = next_entry(r);
    struct cf_source *s = &r->sources[number];
    if (sqe == NULL && !s->retry) {
        s->retry = true;
        r->retry[r->retry_count++] = (uint32_t)number;
    }
    return sqe;
}

/* Starts the source's operation: multishot, but for connecting. */
static void arm(struct cf_reactor *r, int number)
{
    struct cf_source *s = &r->sources[number];
    struct io_uring_sqe *sqe = cf_reactor_entry(r, number);
    if (sqe == NULL)
        return;
    switch (s->kind) {
    case CF_SOURCE_DATAGRAMS:
        io_uring_prep_recvmsg_multishot(sqe, number, &s->shape, MSG_TRUNC);
        sqe->buf_group = r->datagram_buffers.group;
        sqe->flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
        break;
    case CF_SOURCE_WATCH:
        io_uring_prep_poll_multishot(sqe, number, s->events);
        sqe->flags = IOSQE_FIXED_FILE;
        break;
    default:
        cf_stream_prepare(r, number, sqe);
        break;
    }
    io_uring_sqe_set_data64(sqe, cf_reactor_tagged(CF_TAG_SOURCE, (uint32_t)number));
    s->armed = true;
}

void cf_reactor_cancel(struct cf_reactor *r, int number, enum cf_reactor_tag tag)
{
    struct io_uring_sqe *sqe = cf_reactor_entry(r, number);
    if (sqe == NULL)
        return;
    io_uring_prep_cancel64(sqe, cf_reactor_tagged(tag, (uint32_t)number), 0);
    io_uring_sqe_set_data64(sqe, cf_reactor_tagged(CF_TAG_CANCEL, (uint32_t)number));
}

/* Connecting goes on while reading is paused. */
static bool wanted(const struct cf_reactor *r, const struct cf_source *s)
{
    return s->kind != CF_SOURCE_FREE && !s->removed && !s->ended && (!s->paused || s->connecting) && !r->closing;
}

/* To cancel twice does no harm. */
void cf_reactor_settle(struct cf_reactor *r, int number)
{
    struct cf_source *s = &r->sources[number];
    const bool want = wanted(r, s);
    if (want && !s->armed)
        arm(r, number);
    else if (!want && s->armed)
        cf_reactor_cancel(r, number, CF_TAG_SOURCE);
}

/* ------------------------------------------------------------------ sources */

void cf_reactor_source_release(struct cf_reactor *r, int number)
{
    struct cf_source *s = &r->sources[number];
    if (!s->removed || s->armed || s->sends != 0 || s->in_callback)
        return;
    int none = -1;
    io_uring_register_files_update(&r->ring, (unsigned)number, &none, 1);
    if (s->kind == CF_SOURCE_STREAM)
        close(s->fd);
    *s = (struct cf_source){.kind = CF_SOURCE_FREE, .retry = s->retry, .next_free = r->source_free};
    r->source_free = (uint32_t)number;
    r->sources_used--;
}

int cf_reactor_source_new(struct cf_reactor *r, int fd, enum cf_source_kind kind)
{
    const uint32_t number = r->source_free;
    if (number == r->options.sources_count)
        return -ENOSPC;
    int rc = io_uring_register_files_update(&r->ring, number, &fd, 1);
    if (rc < 0)
        return rc;
    struct cf_source *s = &r->sources[number];
    r->source_free = s->next_free;
    r->sources_used++;
    *s = (struct cf_source){.kind = kind, .fd = fd, .retry = s->retry};
    return (int)number;
}

static struct cf_source *source_of(const struct cf_reactor *r, int number)
{
    assert(number >= 0 && (uint32_t)number < r->options.sources_count);
    assert(r->sources[number].kind != CF_SOURCE_FREE);
    return &r->sources[number];
}

int cf_reactor_receive(struct cf_reactor *r, int fd, cf_reactor_datagram_fn *fn, void *arg)
{
    int number = cf_reactor_source_new(r, fd, CF_SOURCE_DATAGRAMS);
    if (number < 0)
        return number;
    struct cf_source *s = &r->sources[number];
    s->fn.datagram = fn;
    s->arg = arg;
    s->shape.msg_namelen = NAME_BYTES;
    cf_reactor_settle(r, number);
    return number;
}

int cf_reactor_watch(struct cf_reactor *r, int fd, uint32_t events, cf_reactor_ready_fn *fn, void *arg)
{
    int number = cf_reactor_source_new(r, fd, CF_SOURCE_WATCH);
    if (number < 0)
        return number;
    struct cf_source *s = &r->sources[number];
    s->events = events;
    s->fn.ready = fn;
    s->arg = arg;
    cf_reactor_settle(r, number);
    return number;
}

void cf_reactor_pause(struct cf_reactor *r, int source, bool paused)
{
    struct cf_source *s = source_of(r, source);
    if (s->removed || s->paused == paused)
        return;
    s->paused = paused;
    cf_reactor_settle(r, source);
}

void cf_reactor_remove(struct cf_reactor *r, int source)
{
    struct cf_source *s = source_of(r, source);
    if (s->removed)
        return;
    s->removed = true;
    cf_reactor_settle(r, source);
    if (s->kind == CF_SOURCE_STREAM)
        cf_stream_removed(r, source);
    cf_reactor_source_release(r, source);
}

/* ------------------------------------------------------------------ completions */

static void hand_out_datagram(struct cf_reactor *r, struct cf_source *s, const struct cf_completion *c, int64_t now)
{
    uint32_t id = c->flags >> IORING_CQE_BUFFER_SHIFT;
    uint8_t *buffer = cf_buffers_at(&r->datagram_buffers, id);
    struct io_uring_recvmsg_out *out = io_uring_recvmsg_validate(buffer, c->result, &s->shape);
    if (out != NULL && !s->removed) {
        struct cf_datagram d = {
            .data = io_uring_recvmsg_payload(out, &s->shape),
            .bytes = io_uring_recvmsg_payload_length(out, c->result, &s->shape),
            .truncated = (out->flags & MSG_TRUNC) != 0,
            .from = io_uring_recvmsg_name(out),
            .from_bytes = out->namelen < NAME_BYTES ? out->namelen : NAME_BYTES,
        };
        r->counters.datagrams++;
        r->counters.truncated += d.truncated;
        s->fn.datagram(s->arg, &d, now);
    }
    cf_buffers_give(&r->datagram_buffers, id);
}

/* Errors that tell of one datagram or of the network, not of the socket. */
static bool receiving_goes_on(int error)
{
    switch (-error) {
    case ENOBUFS:
    case EAGAIN:
    case EINTR:
    case ECANCELED:
    case ENOMEM:
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case EMSGSIZE:
        return true;
    default:
        return false;
    }
}

static void handle_source_error(struct cf_reactor *r, struct cf_source *s, const struct cf_completion *c, int64_t now)
{
    if (c->result == -ENOBUFS)
        r->counters.no_buffers++;
    else if (c->result != -ECANCELED)
        r->counters.receive_errors++;
    if (s->removed || receiving_goes_on(c->result))
        return;
    s->ended = true;
    if (s->kind == CF_SOURCE_DATAGRAMS) {
        struct cf_datagram d = {.error = c->result};
        s->fn.datagram(s->arg, &d, now);
    } else {
        s->fn.ready(s->arg, POLLERR, now);
    }
}

/* The data first, then the operation again unless it goes on by itself. */
static void handle_source(struct cf_reactor *r, const struct cf_completion *c, int64_t now)
{
    int number = (int)(uint32_t)c->user_data;
    struct cf_source *s = &r->sources[number];
    if ((c->flags & IORING_CQE_F_MORE) == 0)
        s->armed = false;
    s->in_callback = true; /* it may remove its source: the number stays until here */
    if (s->kind == CF_SOURCE_DATAGRAMS && (c->flags & IORING_CQE_F_BUFFER) != 0)
        hand_out_datagram(r, s, c, now);
    else if (s->kind == CF_SOURCE_ACCEPT || s->kind == CF_SOURCE_STREAM)
        cf_stream_handle(r, number, c, now);
    else if (c->result < 0)
        handle_source_error(r, s, c, now);
    else if (s->kind == CF_SOURCE_WATCH && !s->removed)
        s->fn.ready(s->arg, (uint32_t)c->result, now);
    s->in_callback = false;
    if (s->removed) {
        cf_reactor_source_release(r, number);
    } else if (!s->armed && wanted(r, s)) {
        r->counters.rearms++;
        arm(r, number);
    }
}

static void handle_send(struct cf_reactor *r, const struct cf_completion *c)
{
    int i = (int)(uint32_t)c->user_data;
    struct cf_send_slot *s = &r->sends[i];
    if (c->result < 0)
        r->counters.send_errors++;
    r->sources[s->source].sends--;
    cf_reactor_source_release(r, s->source);
    cf_reactor_send_free(r, i);
}

static void handle(struct cf_reactor *r, const struct cf_completion *c, int64_t now)
{
    switch ((enum cf_reactor_tag)(c->user_data >> 32)) {
    case CF_TAG_SOURCE:
        handle_source(r, c, now);
        break;
    case CF_TAG_SEND:
        handle_send(r, c);
        break;
    case CF_TAG_STREAM_SEND:
        cf_stream_handle_send(r, c, now);
        break;
    case CF_TAG_CANCEL: /* the operation's own completion tells the rest */
        break;
    }
}

static bool take_from_ring(struct cf_reactor *r, struct cf_completion *ret)
{
    struct io_uring_cqe *cqe;
    if (io_uring_peek_batch_cqe(&r->ring, &cqe, 1) == 0)
        return false;
    *ret = (struct cf_completion){cqe->user_data, cqe->res, cqe->flags};
    io_uring_cq_advance(&r->ring, 1);
    return true;
}

static bool take(struct cf_reactor *r, struct cf_completion *ret)
{
    if (r->put_off_count == 0)
        return take_from_ring(r, ret);
    *ret = r->put_off[r->put_off_first];
    r->put_off_first = (r->put_off_first + 1) % r->put_off_max;
    r->put_off_count--;
    return true;
}

/*
 * Submits, and waits for so many events until the deadline. Datagrams are sent while they are submitted, so their completions would
 * end the wait before it began: as many more are waited for. Where they have to wait for room in their socket, events wait with them,
 * but not for long.
 */
static int wait_for(struct cf_reactor *r, unsigned events, int64_t deadline_ns)
{
    const unsigned completions = events + r->sends_new;
    int64_t now = cf_clock_ns();
    struct io_uring_cqe *cqe;
    int rc;
    if (r->sends_new != 0 && deadline_ns > now + SENDS_PATIENCE_MS * CF_NS_PER_MS)
        deadline_ns = now + SENDS_PATIENCE_MS * CF_NS_PER_MS;
    r->sends_new = 0;
    if (r->put_off_count != 0 || r->retry_count != 0 || deadline_ns <= now) {
        rc = io_uring_submit_and_get_events(&r->ring);
    } else if (deadline_ns == CF_REACTOR_NEVER) {
        rc = io_uring_submit_and_wait_timeout(&r->ring, &cqe, completions, NULL, NULL);
    } else {
        int64_t left = deadline_ns - now;
        struct __kernel_timespec ts = {.tv_sec = left / CF_NS_PER_S, .tv_nsec = left % CF_NS_PER_S};
        rc = io_uring_submit_and_wait_timeout(&r->ring, &cqe, completions, &ts, NULL);
    }
    switch (rc) {
    case -ETIME:
    case -EINTR:
    case -EBUSY:  /* the completion queue overflowed: it is emptied now */
    case -EAGAIN: /* no memory for a request now */
        return 0;
    default:
        return rc < 0 ? rc : 0;
    }
}

/* What could not be done because no entry was free. Each can be put on the list again, at a place already read. */
static void try_again(struct cf_reactor *r)
{
    const uint32_t count = r->retry_count;
    r->retry_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const int number = (int)r->retry[i];
        struct cf_source *s = &r->sources[number];
        s->retry = false;
        cf_reactor_settle(r, number);
        if (s->kind == CF_SOURCE_STREAM)
            cf_stream_settle(r, number);
    }
}

/* Runs the callbacks. Returns the number of completions, and in ret_sends how many of them told of a datagram that was sent. */
static int handle_completions(struct cf_reactor *r, int *ret_sends)
{
    r->counters.turns++;
    int64_t now = cf_clock_ns();
    int handled = 0;
    struct cf_completion c;
    *ret_sends = 0;
    while (handled < TURN_COMPLETIONS_MAX && take(r, &c)) {
        handle(r, &c, now);
        handled++;
        *ret_sends += c.user_data >> 32 == CF_TAG_SEND;
    }
    r->counters.completions += (uint64_t)handled;
    if (r->retry_count != 0)
        try_again(r);
    return handled;
}

int cf_reactor_turn(struct cf_reactor *r, int64_t deadline_ns)
{
    int sends;
    int rc = wait_for(r, 1, deadline_ns);
    return rc < 0 ? rc : handle_completions(r, &sends);
}

int cf_reactor_gather(struct cf_reactor *r, int64_t until_ns)
{
    int sends = 0;
    /* What a turn left over is not put off: it waited already. */
    int rc = wait_for(r, GATHER_EVENTS_MAX, io_uring_cq_ready(&r->ring) == 0 ? until_ns : 0);
    if (rc == 0)
        rc = handle_completions(r, &sends);
    return rc < 0 ? rc : rc - sends;
}

/* ------------------------------------------------------------------ sending */

int cf_reactor_send_take(struct cf_reactor *r)
{
    const int i = r->send_free;
    assert(i != CF_REACTOR_NO_SEND);
    r->send_free = r->sends[i].next;
    r->sends_busy++;
    return i;
}

void cf_reactor_send_free(struct cf_reactor *r, int i)
{
    r->sends[i].next = r->send_free;
    r->send_free = i;
    r->sends_busy--;
}

uint32_t cf_reactor_sends_left(const struct cf_reactor *r)
{
    return r->options.sends_count - r->sends_busy;
}

/* Other completions are put off until the next turn, and so are failures of streams, which a callback must hear of. */
void cf_reactor_reap_sends(struct cf_reactor *r)
{
    io_uring_submit_and_get_events(&r->ring);
    r->sends_new = 0;
    struct cf_completion c;
    while (r->put_off_count < r->put_off_max && take_from_ring(r, &c)) {
        const uint64_t tag = c.user_data >> 32;
        if (tag == CF_TAG_SEND) {
            handle_send(r, &c);
        } else if (tag == CF_TAG_STREAM_SEND && c.result > 0) {
            cf_stream_handle_send(r, &c, 0);
        } else {
            r->put_off[(r->put_off_first + r->put_off_count) % r->put_off_max] = c;
            r->put_off_count++;
        }
    }
}

struct cf_send *cf_reactor_send_claim(struct cf_reactor *r)
{
    if (r->send_free == CF_REACTOR_NO_SEND)
        cf_reactor_reap_sends(r);
    if (r->send_free == CF_REACTOR_NO_SEND) {
        r->counters.sends_refused++;
        return NULL;
    }
    return &r->sends[cf_reactor_send_take(r)].open;
}

void cf_reactor_send_abort(struct cf_reactor *r, struct cf_send *open)
{
    cf_reactor_send_free(r, (int)((struct cf_send_slot *)open - r->sends));
}

void cf_reactor_send_commit(struct cf_reactor *r, struct cf_send *open, int source, uint32_t bytes,
                            const struct sockaddr *to, socklen_t to_bytes)
{
    struct cf_send_slot *s = (struct cf_send_slot *)open;
    assert(source_of(r, source)->kind == CF_SOURCE_DATAGRAMS);
    assert(bytes <= open->capacity && to_bytes <= sizeof s->to);
    struct io_uring_sqe *sqe = next_entry(r);
    if (sqe == NULL) {
        r->counters.sends_refused++;
        cf_reactor_send_abort(r, open);
        return;
    }
    s->source = source;
    s->part = (struct iovec){open->data, bytes};
    s->message = (struct msghdr){.msg_iov = &s->part, .msg_iovlen = 1};
    if (to_bytes != 0) {
        memcpy(&s->to, to, to_bytes);
        s->message.msg_name = &s->to;
        s->message.msg_namelen = to_bytes;
    }
    io_uring_prep_sendmsg(sqe, source, &s->message, MSG_NOSIGNAL);
    sqe->flags = IOSQE_FIXED_FILE;
    io_uring_sqe_set_data64(sqe, cf_reactor_tagged(CF_TAG_SEND, (uint32_t)(s - r->sends)));
    r->sources[source].sends++;
    r->sends_new++;
    r->counters.sends++;
}

bool cf_reactor_send(struct cf_reactor *r, int source, const void *data, uint32_t bytes, const struct sockaddr *to,
                     socklen_t to_bytes)
{
    struct cf_send *s = bytes <= r->options.send_bytes ? cf_reactor_send_claim(r) : NULL;
    if (s == NULL)
        return false;
    memcpy(s->data, data, bytes);
    cf_reactor_send_commit(r, s, source, bytes, to, to_bytes);
    return true;
}

/* ------------------------------------------------------------------ signals */

static void read_signals(void *arg, uint32_t events, int64_t now_ns)
{
    struct cf_reactor *r = arg;
    struct signalfd_siginfo info;
    (void)events;
    while (read(r->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        r->signal(r->signal_arg, (int)info.ssi_signo, now_ns);
}

int cf_reactor_signals(struct cf_reactor *r, cf_reactor_signal_fn *fn, void *arg)
{
    assert(r->signal_fd < 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    int rc = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (rc != 0)
        return -rc;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    r->signal = fn;
    r->signal_arg = arg;
    rc = cf_reactor_watch(r, fd, POLLIN, read_signals, r);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    r->signal_fd = fd;
    return 0;
}

/* ------------------------------------------------------------------ the end */

static bool idle(const struct cf_reactor *r)
{
    return r->sources_used == 0 && r->sends_busy == 0;
}

/*
 * The kernel holds files and buffers until its operations have ended, and io_uring_queue_exit() does not wait for that: so
 * everything is taken back first.
 */
void cf_reactor_close(struct cf_reactor *r)
{
    if (r == NULL)
        return;
    r->closing = true;
    io_uring_submit(&r->ring);
    r->sends_new = 0;
    for (uint32_t i = 0; i < r->options.sources_count && r->sources_used != 0; i++)
        if (r->sources[i].kind != CF_SOURCE_FREE)
            cf_reactor_remove(r, (int)i);
    for (int i = 0; i < CLOSE_TURNS_MAX && !idle(r); i++)
        if (cf_reactor_turn(r, cf_clock_ns() + 10 * CF_NS_PER_MS) < 0)
            break;
    if (r->signal_fd >= 0)
        close(r->signal_fd);
    if (r->spare_fd >= 0)
        close(r->spare_fd);
    io_uring_unregister_files(&r->ring);
    io_uring_unregister_buf_ring(&r->ring, DATAGRAM_GROUP);
    if (r->options.streams)
        io_uring_unregister_buf_ring(&r->ring, STREAM_GROUP);
    io_uring_queue_exit(&r->ring);
    free_memory(r);
}

void cf_reactor_counters(const struct cf_reactor *r, struct cf_reactor_counters *ret_counters)
{
    *ret_counters = r->counters;
}

struct io_uring *cf_reactor_ring(struct cf_reactor *r)
{
    return &r->ring;
}
