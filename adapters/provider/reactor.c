/*
 * The reactor: see reactor.h. Sources and sends live in fixed arrays; user_data of a completion is a tag and an index in one.
 *
 * Source     io_uring_setup(2), io_uring_register(2), io_uring_enter(2); liburing 2.3
 */
#include "adapters/provider/reactor.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "adapters/provider/uring.h"

enum {
    ENTRIES_DEFAULT = 512,
    BUFFERS_DEFAULT = 1024,
    BYTES_DEFAULT = 4096,
    SENDS_DEFAULT = 1024,
    POOL_MAX = 32768,
    BYTES_MAX = 65536,
    TURN_COMPLETIONS_MAX = 512, /* handled in one turn, so that timers and commands get their time */
    CLOSE_TURNS_MAX = 100,      /* of at most 10 ms, until the kernel let go of everything */
    NAME_BYTES = 32,            /* room for an address before each datagram: sockaddr_in6 has 28 */
    BUFFER_GROUP = 0,
    NO_SEND = -1,
};

/* user_data: the tag in the top half, an index below. */
enum tag { TAG_SOURCE = 1, TAG_SEND = 2, TAG_CANCEL = 3 };

enum source_kind { SOURCE_FREE, SOURCE_DATAGRAMS, SOURCE_WATCH };

struct source {
    enum source_kind kind;
    int fd;
    bool armed; /* the kernel holds an operation: its last completion is still to come */
    bool paused;
    bool removed; /* free once no longer armed */
    uint32_t events;
    uint32_t sends; /* on their way: the file slot stays */
    void *arg;
    cf_reactor_ready_fn *ready;
    cf_reactor_datagram_fn *datagram;
    struct msghdr shape; /* what the kernel puts before each datagram */
};

struct send {
    struct cf_send open; /* first: what the caller holds */
    int next;            /* free list */
    int source;
    struct msghdr message;
    struct iovec part;
    struct sockaddr_storage to;
};

struct completion {
    uint64_t user_data;
    int32_t result;
    uint32_t flags;
};

struct cf_reactor {
    struct io_uring ring;
    struct cf_reactor_options options;
    struct source sources[CF_REACTOR_SOURCES_MAX];
    struct io_uring_buf_ring *buffer_ring;
    uint8_t *buffers;
    uint32_t buffer_stride;
    struct send *sends;
    uint8_t *send_memory;
    int send_free;
    uint32_t sends_busy;
    bool entries_ran_out; /* some source could not be armed or cancelled: cf_reactor_turn() tries again */
    /* Completions taken from the ring while a claim looked for finished sends; handled before newer ones. */
    struct completion *put_off;
    uint32_t put_off_first, put_off_count, put_off_max;
    cf_reactor_signal_fn *signal;
    void *signal_arg;
    int signal_fd;
    bool closing;
    struct cf_reactor_counters counters;
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
        {&o->entries, ENTRIES_DEFAULT, POOL_MAX},     {&o->buffers_count, BUFFERS_DEFAULT, POOL_MAX},
        {&o->buffer_bytes, BYTES_DEFAULT, BYTES_MAX}, {&o->sends_count, SENDS_DEFAULT, POOL_MAX},
        {&o->send_bytes, BYTES_DEFAULT, BYTES_MAX},
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
    r->buffer_stride = o->buffer_bytes + (uint32_t)sizeof(struct io_uring_recvmsg_out) + NAME_BYTES;
    size_t ring_bytes = (size_t)o->buffers_count * sizeof(struct io_uring_buf);
    void *memory = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -ENOMEM;
    r->buffer_ring = memory;
    memory = mmap(NULL, (size_t)o->buffers_count * r->buffer_stride, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -ENOMEM;
    r->buffers = memory;
    struct io_uring_buf_reg reg = {
        .ring_addr = (uintptr_t)r->buffer_ring, .ring_entries = o->buffers_count, .bgid = BUFFER_GROUP};
    int rc = io_uring_register_buf_ring(&r->ring, &reg, 0);
    if (rc < 0)
        return rc;
    io_uring_buf_ring_init(r->buffer_ring);
    int mask = io_uring_buf_ring_mask(o->buffers_count);
    for (uint32_t i = 0; i < o->buffers_count; i++)
        io_uring_buf_ring_add(r->buffer_ring, r->buffers + (size_t)i * r->buffer_stride, r->buffer_stride,
                              (unsigned short)i, mask, (int)i);
    io_uring_buf_ring_advance(r->buffer_ring, (int)o->buffers_count);
    return 0;
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
    r->send_free = NO_SEND;
    for (uint32_t i = o->sends_count; i-- > 0;) {
        r->sends[i].open = (struct cf_send){r->send_memory + (size_t)i * o->send_bytes, o->send_bytes};
        r->sends[i].next = r->send_free;
        r->send_free = (int)i;
    }
    return 0;
}

int cf_reactor_open(struct cf_reactor **ret_reactor, const struct cf_reactor_options *options, char *why,
                    size_t why_bytes)
{
    struct cf_reactor *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->signal_fd = -1;
    int rc = read_options(&r->options, options);
    if (rc < 0) {
        snprintf(why, why_bytes, "a size of the reactor is out of range");
        goto free_reactor;
    }
    rc = cf_uring_open(&r->ring, r->options.entries, why, why_bytes);
    if (rc < 0)
        goto free_reactor;
    snprintf(why, why_bytes, "setting up the io_uring failed");
    rc = io_uring_register_files_sparse(&r->ring, CF_REACTOR_SOURCES_MAX);
    if (rc == 0)
        rc = make_buffers(r);
    if (rc == 0)
        rc = make_sends(r);
    if (rc == 0)
        rc = cf_uring_enable(&r->ring);
    if (rc < 0)
        goto free_memory;
    *ret_reactor = r;
    return 0;

free_memory:
    if (r->buffers != NULL)
        munmap(r->buffers, (size_t)r->options.buffers_count * r->buffer_stride);
    if (r->buffer_ring != NULL)
        munmap(r->buffer_ring, (size_t)r->options.buffers_count * sizeof(struct io_uring_buf));
    free(r->sends);
    free(r->send_memory);
    free(r->put_off);
    io_uring_queue_exit(&r->ring);
free_reactor:
    free(r);
    return rc;
}

/* ------------------------------------------------------------------ submitting */

static uint64_t tagged(enum tag tag, uint32_t index)
{
    return (uint64_t)tag << 32 | index;
}

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

/* Starts the source's multishot operation. Without an entry (the kernel takes none now) the next turn tries again. */
static void arm(struct cf_reactor *r, int number)
{
    struct source *s = &r->sources[number];
    struct io_uring_sqe *sqe = next_entry(r);
    if (sqe == NULL) {
        r->entries_ran_out = true;
        return;
    }
    if (s->kind == SOURCE_DATAGRAMS) {
        io_uring_prep_recvmsg_multishot(sqe, number, &s->shape, MSG_TRUNC);
        sqe->buf_group = BUFFER_GROUP;
        sqe->flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    } else {
        io_uring_prep_poll_multishot(sqe, number, s->events);
        sqe->flags = IOSQE_FIXED_FILE;
    }
    io_uring_sqe_set_data64(sqe, tagged(TAG_SOURCE, (uint32_t)number));
    s->armed = true;
}

static void cancel(struct cf_reactor *r, int number)
{
    struct io_uring_sqe *sqe = next_entry(r);
    if (sqe == NULL) {
        r->entries_ran_out = true;
        return;
    }
    io_uring_prep_cancel64(sqe, tagged(TAG_SOURCE, (uint32_t)number), 0);
    io_uring_sqe_set_data64(sqe, tagged(TAG_CANCEL, (uint32_t)number));
}

static void release_source(struct cf_reactor *r, int number)
{
    struct source *s = &r->sources[number];
    if (!s->removed || s->armed || s->sends != 0)
        return;
    int none = -1;
    io_uring_register_files_update(&r->ring, (unsigned)number, &none, 1);
    *s = (struct source){.kind = SOURCE_FREE};
}

static int add_source(struct cf_reactor *r, int fd, enum source_kind kind)
{
    for (int i = 0; i < CF_REACTOR_SOURCES_MAX; i++) {
        struct source *s = &r->sources[i];
        if (s->kind != SOURCE_FREE)
            continue;
        int rc = io_uring_register_files_update(&r->ring, (unsigned)i, &fd, 1);
        if (rc < 0)
            return rc;
        *s = (struct source){.kind = kind, .fd = fd};
        return i;
    }
    return -ENOSPC;
}

int cf_reactor_receive(struct cf_reactor *r, int fd, cf_reactor_datagram_fn *fn, void *arg)
{
    int number = add_source(r, fd, SOURCE_DATAGRAMS);
    if (number < 0)
        return number;
    struct source *s = &r->sources[number];
    s->datagram = fn;
    s->arg = arg;
    s->shape.msg_namelen = NAME_BYTES;
    arm(r, number);
    return number;
}

int cf_reactor_watch(struct cf_reactor *r, int fd, uint32_t events, cf_reactor_ready_fn *fn, void *arg)
{
    int number = add_source(r, fd, SOURCE_WATCH);
    if (number < 0)
        return number;
    struct source *s = &r->sources[number];
    s->events = events;
    s->ready = fn;
    s->arg = arg;
    arm(r, number);
    return number;
}

void cf_reactor_pause(struct cf_reactor *r, int source, bool paused)
{
    assert(source >= 0 && source < CF_REACTOR_SOURCES_MAX && r->sources[source].kind != SOURCE_FREE);
    struct source *s = &r->sources[source];
    if (s->removed || s->paused == paused)
        return;
    s->paused = paused;
    if (paused && s->armed)
        cancel(r, source);
    else if (!paused && !s->armed)
        arm(r, source);
}

void cf_reactor_remove(struct cf_reactor *r, int source)
{
    assert(source >= 0 && source < CF_REACTOR_SOURCES_MAX && r->sources[source].kind != SOURCE_FREE);
    struct source *s = &r->sources[source];
    if (s->removed)
        return;
    s->removed = true;
    if (s->armed)
        cancel(r, source);
    release_source(r, source);
}

/* ------------------------------------------------------------------ completions */

static void give_buffer(struct cf_reactor *r, uint32_t id)
{
    io_uring_buf_ring_add(r->buffer_ring, r->buffers + (size_t)id * r->buffer_stride, r->buffer_stride,
                          (unsigned short)id, io_uring_buf_ring_mask(r->options.buffers_count), 0);
    io_uring_buf_ring_advance(r->buffer_ring, 1);
}

static void hand_out_datagram(struct cf_reactor *r, struct source *s, const struct completion *c, int64_t now)
{
    uint32_t id = c->flags >> IORING_CQE_BUFFER_SHIFT;
    uint8_t *buffer = r->buffers + (size_t)id * r->buffer_stride;
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
        s->datagram(s->arg, &d, now);
    }
    give_buffer(r, id);
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

static void handle_source_error(struct cf_reactor *r, struct source *s, const struct completion *c, int64_t now)
{
    if (c->result == -ENOBUFS)
        r->counters.no_buffers++;
    else if (c->result != -ECANCELED)
        r->counters.receive_errors++;
    if (s->removed || receiving_goes_on(c->result))
        return;
    s->paused = true;
    if (s->kind == SOURCE_DATAGRAMS) {
        struct cf_datagram d = {.error = c->result};
        s->datagram(s->arg, &d, now);
    } else {
        s->ready(s->arg, POLLERR, now);
    }
}

/* The data first, then the operation again unless it goes on by itself. */
static void handle_source(struct cf_reactor *r, const struct completion *c, int64_t now)
{
    int number = (int)(uint32_t)c->user_data;
    struct source *s = &r->sources[number];
    if ((c->flags & IORING_CQE_F_MORE) == 0)
        s->armed = false;
    if (s->kind == SOURCE_DATAGRAMS && (c->flags & IORING_CQE_F_BUFFER) != 0)
        hand_out_datagram(r, s, c, now);
    else if (c->result < 0)
        handle_source_error(r, s, c, now);
    else if (s->kind == SOURCE_WATCH && !s->removed)
        s->ready(s->arg, (uint32_t)c->result, now);
    if (s->removed) {
        release_source(r, number);
    } else if (s->kind != SOURCE_FREE && !s->armed && !s->paused && !r->closing) { /* free: the callback removed it */
        r->counters.rearms++;
        arm(r, number);
    }
}

static void handle_send(struct cf_reactor *r, const struct completion *c)
{
    int i = (int)(uint32_t)c->user_data;
    struct send *s = &r->sends[i];
    if (c->result < 0)
        r->counters.send_errors++;
    r->sources[s->source].sends--;
    release_source(r, s->source);
    s->next = r->send_free;
    r->send_free = i;
    r->sends_busy--;
}

static void handle(struct cf_reactor *r, const struct completion *c, int64_t now)
{
    switch ((enum tag)(c->user_data >> 32)) {
    case TAG_SOURCE:
        handle_source(r, c, now);
        break;
    case TAG_SEND:
        handle_send(r, c);
        break;
    case TAG_CANCEL: /* the operation's own completion tells the rest */
        break;
    }
}

static bool take_from_ring(struct cf_reactor *r, struct completion *ret)
{
    struct io_uring_cqe *cqe;
    if (io_uring_peek_batch_cqe(&r->ring, &cqe, 1) == 0)
        return false;
    *ret = (struct completion){cqe->user_data, cqe->res, cqe->flags};
    io_uring_cq_advance(&r->ring, 1);
    return true;
}

static bool take(struct cf_reactor *r, struct completion *ret)
{
    if (r->put_off_count == 0)
        return take_from_ring(r, ret);
    *ret = r->put_off[r->put_off_first];
    r->put_off_first = (r->put_off_first + 1) % r->put_off_max;
    r->put_off_count--;
    return true;
}

/* Submits, and waits for one completion until the deadline. */
static int wait_for_one(struct cf_reactor *r, int64_t deadline_ns)
{
    int64_t now = cf_clock_ns();
    struct io_uring_cqe *cqe;
    int rc;
    if (r->put_off_count != 0 || deadline_ns <= now) {
        rc = io_uring_submit_and_get_events(&r->ring);
    } else if (deadline_ns == CF_REACTOR_NEVER) {
        rc = io_uring_submit_and_wait_timeout(&r->ring, &cqe, 1, NULL, NULL);
    } else {
        int64_t left = deadline_ns - now;
        struct __kernel_timespec ts = {.tv_sec = left / CF_NS_PER_S, .tv_nsec = left % CF_NS_PER_S};
        rc = io_uring_submit_and_wait_timeout(&r->ring, &cqe, 1, &ts, NULL);
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

/* What could not be done because no entry was free. To cancel twice does no harm. */
static void try_again(struct cf_reactor *r)
{
    r->entries_ran_out = false;
    for (int i = 0; i < CF_REACTOR_SOURCES_MAX; i++) {
        struct source *s = &r->sources[i];
        bool wanted = s->kind != SOURCE_FREE && !s->paused && !s->removed;
        if (wanted && !s->armed && !r->closing)
            arm(r, i);
        else if (!wanted && s->armed)
            cancel(r, i);
    }
}

int cf_reactor_turn(struct cf_reactor *r, int64_t deadline_ns)
{
    int rc = wait_for_one(r, deadline_ns);
    if (rc < 0)
        return rc;
    r->counters.turns++;
    int64_t now = cf_clock_ns();
    int handled = 0;
    struct completion c;
    while (handled < TURN_COMPLETIONS_MAX && take(r, &c)) {
        handle(r, &c, now);
        handled++;
    }
    r->counters.completions += (uint64_t)handled;
    if (r->entries_ran_out)
        try_again(r);
    return handled;
}

/* ------------------------------------------------------------------ sending */

/* Sends what waits and looks for finished ones; other completions are put off until the next turn. */
static void reap_sends(struct cf_reactor *r)
{
    io_uring_submit_and_get_events(&r->ring);
    struct completion c;
    while (r->put_off_count < r->put_off_max && take_from_ring(r, &c)) {
        if (c.user_data >> 32 == TAG_SEND) {
            handle_send(r, &c);
        } else {
            r->put_off[(r->put_off_first + r->put_off_count) % r->put_off_max] = c;
            r->put_off_count++;
        }
    }
}

struct cf_send *cf_reactor_send_claim(struct cf_reactor *r)
{
    if (r->send_free == NO_SEND)
        reap_sends(r);
    if (r->send_free == NO_SEND) {
        r->counters.sends_refused++;
        return NULL;
    }
    struct send *s = &r->sends[r->send_free];
    r->send_free = s->next;
    r->sends_busy++;
    return &s->open;
}

void cf_reactor_send_abort(struct cf_reactor *r, struct cf_send *open)
{
    struct send *s = (struct send *)open;
    s->next = r->send_free;
    r->send_free = (int)(s - r->sends);
    r->sends_busy--;
}

void cf_reactor_send_commit(struct cf_reactor *r, struct cf_send *open, int source, uint32_t bytes,
                            const struct sockaddr *to, socklen_t to_bytes)
{
    struct send *s = (struct send *)open;
    assert(source >= 0 && source < CF_REACTOR_SOURCES_MAX && r->sources[source].kind == SOURCE_DATAGRAMS);
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
    io_uring_sqe_set_data64(sqe, tagged(TAG_SEND, (uint32_t)(s - r->sends)));
    r->sources[source].sends++;
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
    for (int i = 0; i < CF_REACTOR_SOURCES_MAX; i++)
        if (r->sources[i].kind != SOURCE_FREE)
            return false;
    return r->sends_busy == 0;
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
    for (int i = 0; i < CF_REACTOR_SOURCES_MAX; i++)
        if (r->sources[i].kind != SOURCE_FREE)
            cf_reactor_remove(r, i);
    for (int i = 0; i < CLOSE_TURNS_MAX && !idle(r); i++)
        if (cf_reactor_turn(r, cf_clock_ns() + 10 * CF_NS_PER_MS) < 0)
            break;
    if (r->signal_fd >= 0)
        close(r->signal_fd);
    io_uring_unregister_files(&r->ring);
    io_uring_unregister_buf_ring(&r->ring, BUFFER_GROUP);
    io_uring_queue_exit(&r->ring);
    munmap(r->buffers, (size_t)r->options.buffers_count * r->buffer_stride);
    munmap(r->buffer_ring, (size_t)r->options.buffers_count * sizeof(struct io_uring_buf));
    free(r->sends);
    free(r->send_memory);
    free(r->put_off);
    free(r);
}

void cf_reactor_counters(const struct cf_reactor *r, struct cf_reactor_counters *ret_counters)
{
    *ret_counters = r->counters;
}

struct io_uring *cf_reactor_ring(struct cf_reactor *r)
{
    return &r->ring;
}
