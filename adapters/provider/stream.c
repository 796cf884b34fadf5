/*
 * Byte streams: see stream.h. What is to be sent is a chain of send buffers; one SENDMSG over its first parts is with the kernel,
 * and what it did not take stays at the head of the chain.
 *
 * Source     io_uring_enter(2), accept(2), connect(2)
 */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/provider/reactor_state.h"

/* ------------------------------------------------------------------ the out queue */

static void drop_first(struct cf_reactor *r, struct cf_stream *t)
{
    const int i = t->first;
    t->first = r->sends[i].next;
    t->buffers--;
    r->stream_sends--;
    cf_reactor_send_free(r, i);
}

static void drop_queue(struct cf_reactor *r, struct cf_stream *t)
{
    while (t->buffers != 0)
        drop_first(r, t);
    t->queued_bytes = 0;
}

/* The kernel took so many bytes from the head of the chain. */
static void consume(struct cf_reactor *r, struct cf_stream *t, uint32_t bytes)
{
    assert(bytes <= t->queued_bytes);
    t->queued_bytes -= bytes;
    while (bytes != 0) {
        struct iovec *part = &r->sends[t->first].part;
        const uint32_t taken = bytes < part->iov_len ? bytes : (uint32_t)part->iov_len;
        part->iov_base = (uint8_t *)part->iov_base + taken;
        part->iov_len -= taken;
        bytes -= taken;
        if (part->iov_len == 0)
            drop_first(r, t);
    }
}

static void append_buffer(struct cf_reactor *r, struct cf_stream *t)
{
    const int i = cf_reactor_send_take(r);
    struct cf_send_slot *slot = &r->sends[i];
    slot->part = (struct iovec){slot->open.data, 0};
    slot->next = CF_REACTOR_NO_SEND;
    if (t->buffers != 0)
        r->sends[t->last].next = i;
    else
        t->first = i;
    t->last = i;
    t->buffers++;
    r->stream_sends++;
}

/* Free bytes behind what the last buffer holds; also while the kernel sends what lies before them. */
static uint32_t room_in_last(const struct cf_reactor *r, const struct cf_stream *t)
{
    if (t->buffers == 0)
        return 0;
    const struct cf_send_slot *slot = &r->sends[t->last];
    return slot->open.capacity - (uint32_t)((uint8_t *)slot->part.iov_base + slot->part.iov_len - slot->open.data);
}

static void append(struct cf_reactor *r, struct cf_stream *t, const uint8_t *data, uint32_t bytes)
{
    t->queued_bytes += bytes;
    while (bytes != 0) {
        if (room_in_last(r, t) == 0)
            append_buffer(r, t);
        struct iovec *part = &r->sends[t->last].part;
        const uint32_t room = room_in_last(r, t);
        const uint32_t copied = bytes < room ? bytes : room;
        memcpy((uint8_t *)part->iov_base + part->iov_len, data, copied);
        part->iov_len += copied;
        data += copied;
        bytes -= copied;
    }
}

/* May so many bytes be appended: by the stream's own limit, that of all streams, and what is free? */
static bool fits(const struct cf_reactor *r, const struct cf_stream *t, uint32_t bytes)
{
    const struct cf_reactor_options *o = &r->options;
    const uint32_t room = room_in_last(r, t);
    const uint32_t more = bytes > room ? (bytes - room - 1) / o->send_bytes + 1 : 0;
    const uint32_t own = o->stream_bytes > o->send_bytes ? o->stream_bytes / o->send_bytes : 1;
    const uint32_t all = o->sends_count > 1 ? o->sends_count / 2 : 1;
    return t->buffers + more <= own && r->stream_sends + more <= all && more <= cf_reactor_sends_left(r);
}

static void push(struct cf_reactor *r, int number)
{
    struct cf_source *s = &r->sources[number];
    struct cf_stream *t = &r->streams[number];
    if (t->sending || t->buffers == 0 || s->connecting || s->removed || t->failed)
        return;
    struct io_uring_sqe *sqe = cf_reactor_entry(r, number);
    if (sqe == NULL)
        return;
    unsigned parts = 0;
    for (int i = t->first; i != CF_REACTOR_NO_SEND && parts < CF_STREAM_PARTS_MAX; i = r->sends[i].next)
        t->part[parts++] = r->sends[i].part;
    t->message = (struct msghdr){.msg_iov = t->part, .msg_iovlen = parts};
    io_uring_prep_sendmsg(sqe, number, &t->message, MSG_NOSIGNAL);
    sqe->flags = IOSQE_FIXED_FILE;
    io_uring_sqe_set_data64(sqe, cf_reactor_tagged(CF_TAG_STREAM_SEND, (uint32_t)number));
    t->sending = true;
    s->sends++;
    r->counters.stream_sends++;
}

void cf_stream_settle(struct cf_reactor *r, int number)
{
    if (r->sources[number].removed && r->streams[number].sending)
        cf_reactor_cancel(r, number, CF_TAG_STREAM_SEND);
    else
        push(r, number);
}

/* ------------------------------------------------------------------ the end of a stream */

static void end_now(const struct cf_source *s, const struct cf_stream *t)
{
    if (t->end_wanted && t->buffers == 0 && !s->connecting && !t->failed && !s->removed)
        shutdown(s->fd, SHUT_WR);
}

/* Tells the callback, once; error 0: the peer ended. */
static void tell_closed(struct cf_reactor *r, int number, int error, int64_t now)
{
    struct cf_source *s = &r->sources[number];
    struct cf_stream *t = &r->streams[number];
    const bool told = s->ended;
    s->ended = true;
    s->connecting = false;
    if (error != 0) {
        t->failed = true;
        if (!t->sending)
            drop_queue(r, t);
    }
    if (told || s->removed)
        return;
    r->counters.streams_failed += error != 0;
    cf_reactor_settle(r, number);
    const struct cf_stream_event event = {.what = CF_STREAM_CLOSED, .error = error};
    s->fn.stream(s->arg, &event, now);
}

/* Interruptions and shortages, after which the same is tried again. */
static bool goes_on(int error)
{
    return error == -EAGAIN || error == -EINTR || error == -ENOMEM || error == -ENOBUFS || error == -ECANCELED;
}

void cf_stream_handle_send(struct cf_reactor *r, const struct cf_completion *c, int64_t now)
{
    const int number = (int)(uint32_t)c->user_data;
    struct cf_source *s = &r->sources[number];
    struct cf_stream *t = &r->streams[number];
    uint32_t asked = 0;
    for (size_t i = 0; i < t->message.msg_iovlen; i++)
        asked += (uint32_t)t->part[i].iov_len;
    t->sending = false;
    s->sends--;
    if (c->result > 0) {
        r->counters.stream_sent_bytes += (uint32_t)c->result;
        r->counters.stream_partial += (uint32_t)c->result < asked;
        consume(r, t, (uint32_t)c->result);
    }
    if (s->removed || t->failed) {
        drop_queue(r, t);
    } else if (c->result <= 0 && !goes_on(c->result)) {
        s->in_callback = true;
        tell_closed(r, number, c->result < 0 ? c->result : -EIO, now);
        s->in_callback = false;
    }
    push(r, number);
    end_now(s, t);
    cf_reactor_source_release(r, number);
}

void cf_stream_removed(struct cf_reactor *r, int number)
{
    struct cf_source *s = &r->sources[number];
    struct cf_stream *t = &r->streams[number];
    if (!t->sending)
        drop_queue(r, t);
    cf_stream_settle(r, number);
    /* The peer hears of it at once, not when the kernel lets go of the file. */
    if (!s->connecting && !t->failed)
        shutdown(s->fd, SHUT_RDWR);
}

/* ------------------------------------------------------------------ events */

void cf_stream_prepare(struct cf_reactor *r, int number, struct io_uring_sqe *sqe)
{
    const struct cf_source *s = &r->sources[number];
    const struct cf_stream *t = &r->streams[number];
    if (s->kind == CF_SOURCE_ACCEPT && s->starved) {
        io_uring_prep_poll_add(sqe, number, POLLIN);
        sqe->flags = IOSQE_FIXED_FILE;
    } else if (s->kind == CF_SOURCE_ACCEPT) {
        io_uring_prep_multishot_accept(sqe, number, NULL, NULL, SOCK_CLOEXEC);
        sqe->flags = IOSQE_FIXED_FILE;
    } else if (s->connecting) {
        io_uring_prep_connect(sqe, number, (const struct sockaddr *)&t->to, t->to_bytes);
        sqe->flags = IOSQE_FIXED_FILE;
    } else {
        io_uring_prep_recv_multishot(sqe, number, NULL, 0, 0);
        sqe->buf_group = r->stream_buffers.group;
        sqe->flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    }
}

static void hand_out_bytes(struct cf_reactor *r, struct cf_source *s, const struct cf_completion *c, int64_t now)
{
    const uint32_t id = c->flags >> IORING_CQE_BUFFER_SHIFT;
    if (c->result > 0 && !s->removed && !s->ended) {
        const struct cf_stream_event event = {
            .what = CF_STREAM_DATA, .bytes = (uint32_t)c->result, .data = cf_buffers_at(&r->stream_buffers, id)};
        r->counters.stream_reads++;
        r->counters.stream_read_bytes += event.bytes;
        s->fn.stream(s->arg, &event, now);
    }
    cf_buffers_give(&r->stream_buffers, id);
}

static void handle_connected(struct cf_reactor *r, int number, int result, int64_t now)
{
    struct cf_source *s = &r->sources[number];
    if (s->removed || s->ended)
        return;
    if (result < 0) {
        tell_closed(r, number, result, now);
        return;
    }
    s->connecting = false;
    const struct cf_stream_event event = {.what = CF_STREAM_CONNECTED};
    s->fn.stream(s->arg, &event, now);
    push(r, number);
    end_now(s, &r->streams[number]);
}

static void handle_stream(struct cf_reactor *r, int number, const struct cf_completion *c, int64_t now)
{
    struct cf_source *s = &r->sources[number];
    if (s->connecting) {
        handle_connected(r, number, c->result, now);
        return;
    }
    if ((c->flags & IORING_CQE_F_BUFFER) != 0)
        hand_out_bytes(r, s, c, now);
    r->counters.no_buffers += c->result == -ENOBUFS;
    if (c->result <= 0 && !goes_on(c->result))
        tell_closed(r, number, c->result, now);
}

/* ------------------------------------------------------------------ accepting */

/* Any descriptor will do; one that opens no file may also be made by a program that is confined. */
static int spare(void)
{
    return eventfd(0, EFD_CLOEXEC);
}

/*
 * A connection that cannot be accepted because there is no descriptor would be announced for ever: it is accepted with the one
 * kept for this, and closed.
 */
static void refuse_connection(struct cf_reactor *r, int listening_fd)
{
    if (r->spare_fd >= 0)
        close(r->spare_fd);
    const int fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        r->counters.accepts_refused++;
    }
    r->spare_fd = spare();
}

static bool connection_waits(int listening_fd)
{
    struct pollfd ready = {.fd = listening_fd, .events = POLLIN};
    return poll(&ready, 1, 0) == 1;
}

static void hand_out_connection(struct cf_reactor *r, struct cf_source *s, int fd, int64_t now)
{
    struct sockaddr_storage from;
    socklen_t from_bytes = sizeof from;
    if (s->removed || r->closing || getpeername(fd, (struct sockaddr *)&from, &from_bytes) < 0) {
        close(fd); /* nobody waits for it any more, or it is over already */
        return;
    }
    r->counters.accepted++;
    s->fn.accept(s->arg, fd, (struct sockaddr *)&from, from_bytes, now);
}

/*
 * The kernel takes a descriptor before it looks for a connection: without one it would fail at once, again and again. So the socket is
 * polled until one comes, which gets a descriptor if there is one again, and is refused otherwise.
 */
static void handle_starved(struct cf_reactor *r, struct cf_source *s, int64_t now)
{
    if (s->removed || !connection_waits(s->fd))
        return;
    const int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        s->starved = false;
        hand_out_connection(r, s, fd, now);
    } else if (errno == EMFILE || errno == ENFILE) {
        refuse_connection(r, s->fd);
    } else {
        s->starved = false; /* it is asked again, and tells */
    }
}

static void handle_accept(struct cf_reactor *r, int number, const struct cf_completion *c, int64_t now)
{
    struct cf_source *s = &r->sources[number];
    if (s->starved && c->result >= 0) {
        handle_starved(r, s, now);
        return;
    }
    switch (-c->result) {
    case EBADF:
    case EINVAL: /* it does not listen */
    case ENOTSOCK:
    case EOPNOTSUPP:
        s->ended = true;
        if (!s->removed)
            s->fn.accept(s->arg, c->result, NULL, 0, now);
        break;
    case EMFILE:
    case ENFILE:
        s->starved = true;
        if (!s->removed && connection_waits(s->fd))
            refuse_connection(r, s->fd);
        break;
    default:
        if (c->result >= 0)
            hand_out_connection(r, s, c->result, now);
        else if (c->result != -ECANCELED)
            r->counters.receive_errors++; /* of one connection: accept(2) */
        break;
    }
}

void cf_stream_handle(struct cf_reactor *r, int number, const struct cf_completion *c, int64_t now)
{
    if (r->sources[number].kind == CF_SOURCE_ACCEPT)
        handle_accept(r, number, c, now);
    else
        handle_stream(r, number, c, now);
}

int cf_reactor_accept(struct cf_reactor *r, int fd, cf_reactor_accept_fn *fn, void *arg)
{
    if (!r->options.streams)
        return -EOPNOTSUPP;
    if (r->spare_fd < 0)
        r->spare_fd = spare();
    const int number = cf_reactor_source_new(r, fd, CF_SOURCE_ACCEPT);
    if (number < 0)
        return number;
    r->sources[number].fn.accept = fn;
    r->sources[number].arg = arg;
    cf_reactor_settle(r, number);
    return number;
}

/* ------------------------------------------------------------------ streams */

int cf_reactor_stream(struct cf_reactor *r, int fd, const struct sockaddr *to, socklen_t to_bytes,
                      cf_reactor_stream_fn *fn, void *arg)
{
    if (!r->options.streams)
        return -EOPNOTSUPP;
    if (to != NULL && to_bytes > sizeof r->streams[0].to)
        return -EINVAL;
    const int number = cf_reactor_source_new(r, fd, CF_SOURCE_STREAM);
    if (number < 0)
        return number;
    struct cf_source *s = &r->sources[number];
    struct cf_stream *t = &r->streams[number];
    *t = (struct cf_stream){.first = CF_REACTOR_NO_SEND, .to_bytes = to_bytes};
    if (to != NULL) {
        memcpy(&t->to, to, to_bytes);
        s->connecting = true;
    }
    s->fn.stream = fn;
    s->arg = arg;
    r->counters.streams_opened++;
    cf_reactor_settle(r, number);
    return number;
}

static struct cf_source *stream_of(const struct cf_reactor *r, int number)
{
    assert(number >= 0 && (uint32_t)number < r->options.sources_count);
    assert(r->sources[number].kind == CF_SOURCE_STREAM);
    return &r->sources[number];
}

bool cf_reactor_stream_send(struct cf_reactor *r, int source, const void *data, uint32_t bytes)
{
    const struct cf_source *s = stream_of(r, source);
    struct cf_stream *t = &r->streams[source];
    const bool open = !t->failed && !t->end_wanted && !s->removed;
    if (open && !fits(r, t, bytes))
        cf_reactor_reap_sends(r);
    if (!open || !fits(r, t, bytes)) {
        r->counters.stream_refused++;
        return false;
    }
    append(r, t, data, bytes);
    push(r, source);
    return true;
}

uint32_t cf_reactor_stream_unsent(const struct cf_reactor *r, int source)
{
    stream_of(r, source);
    return r->streams[source].queued_bytes;
}

void cf_reactor_stream_end(struct cf_reactor *r, int source)
{
    const struct cf_source *s = stream_of(r, source);
    struct cf_stream *t = &r->streams[source];
    if (t->end_wanted)
        return;
    t->end_wanted = true;
    end_now(s, t);
}

void cf_reactor_stream_reset(struct cf_reactor *r, int source)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    const struct cf_source *s = stream_of(r, source);
    if (s->removed)
        return;
    setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    r->streams[source].failed = true; /* no FIN: see cf_stream_removed() */
    cf_reactor_remove(r, source);
}
