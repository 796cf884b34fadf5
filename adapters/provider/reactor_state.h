/*
 * Inside the reactor: what reactor.c (datagrams, descriptors, the turn) and stream.c (byte streams) share.
 *
 * Shape      sources and streams are arrays with the same numbers; the second part of a source that is no stream is never touched.
 *            Send buffers form a free list, or the chain of a stream
 * Invariant  a source's number is free again only after the last completion of each of its operations: a completion's number
 *            always names the source that asked
 */
#ifndef CF_PROVIDER_REACTOR_STATE_H
#define CF_PROVIDER_REACTOR_STATE_H

#include <liburing.h>

#include "adapters/provider/buffers.h"
#include "adapters/provider/stream.h"

enum { CF_REACTOR_NO_SEND = -1 };

/* user_data: the tag in the top half, an index below: of a source, TAG_SEND of a send buffer. */
enum cf_reactor_tag {
    CF_TAG_SOURCE = 1, /* the operation that a source's kind stands for */
    CF_TAG_SEND = 2,   /* one datagram */
    CF_TAG_CANCEL = 3,
    CF_TAG_STREAM_SEND = 4, /* the one send of a stream */
};

enum cf_source_kind { CF_SOURCE_FREE, CF_SOURCE_DATAGRAMS, CF_SOURCE_WATCH, CF_SOURCE_ACCEPT, CF_SOURCE_STREAM };

struct cf_source {
    enum cf_source_kind kind;
    int fd;
    bool armed; /* the kernel holds an operation: its last completion is still to come */
    bool paused;
    bool removed;    /* free once nothing is with the kernel and no callback runs */
    bool ended;      /* nothing more will come: not armed again */
    bool connecting; /* a stream whose operation is to connect */
    bool starved;    /* connections cannot be accepted for want of descriptors: its operation is to poll */
    bool in_callback;
    bool retry; /* stands in cf_reactor.retry */
    uint32_t events;
    uint32_t sends; /* on their way: the file slot stays */
    uint32_t next_free;
    void *arg;
    union {
        cf_reactor_ready_fn *ready;
        cf_reactor_datagram_fn *datagram;
        cf_reactor_accept_fn *accept;
        cf_reactor_stream_fn *stream;
    } fn;
    struct msghdr shape; /* of datagrams: what the kernel puts before each */
};

struct cf_stream {
    int first, last;  /* chain of send buffers: what is queued, the part with the kernel included */
    uint32_t buffers; /* in the chain */
    uint32_t queued_bytes;
    bool sending;    /* the kernel holds the first parts of the chain */
    bool end_wanted; /* after what is queued */
    bool failed;     /* nothing can be sent any more */
    socklen_t to_bytes;
    struct msghdr message;
    struct iovec part[CF_STREAM_PARTS_MAX];
    struct sockaddr_storage to;
};

struct cf_send_slot {
    struct cf_send open; /* first: what the caller holds */
    int next;            /* free list, or the chain of a stream */
    int source;          /* of a datagram */
    struct iovec part;   /* of a stream: what is not sent yet */
    struct msghdr message;
    struct sockaddr_storage to;
};

struct cf_completion {
    uint64_t user_data;
    int32_t result;
    uint32_t flags;
};

struct cf_reactor {
    struct io_uring ring;
    struct cf_reactor_options options;
    struct cf_source *sources;
    struct cf_stream *streams;
    uint32_t source_free; /* first of the free list; sources_count: none */
    uint32_t sources_used;
    struct cf_buffers datagram_buffers, stream_buffers;
    struct cf_send_slot *sends;
    uint8_t *send_memory;
    int send_free;
    uint32_t sends_busy;
    uint32_t stream_sends; /* of these, in chains of streams */
    uint32_t sends_new;    /* datagrams whose completions are not taken yet, counted since the last wait */
    /* Sources for which no entry was free: cf_reactor_turn() tries again. */
    uint32_t *retry;
    uint32_t retry_count;
    /* Completions taken from the ring while a claim looked for finished sends; handled before newer ones. */
    struct cf_completion *put_off;
    uint32_t put_off_first, put_off_count, put_off_max;
    cf_reactor_signal_fn *signal;
    void *signal_arg;
    int signal_fd;
    int spare_fd; /* given up for a moment to close a connection for which there is no descriptor */
    bool closing;
    struct cf_reactor_counters counters;
};

static inline uint64_t cf_reactor_tagged(enum cf_reactor_tag tag, uint32_t index)
{
    return (uint64_t)tag << 32 | index;
}

/* ------------------------------------------------------------------ reactor.c */

/* A submission entry for an operation on a source; makes room by submitting. NULL: the source is tried again in the next turn. */
struct io_uring_sqe *cf_reactor_entry(struct cf_reactor *r, int number);
int cf_reactor_source_new(struct cf_reactor *r, int fd, enum cf_source_kind kind);
/* Starts, or takes back, the source's operation as its state wants it. */
void cf_reactor_settle(struct cf_reactor *r, int number);
void cf_reactor_cancel(struct cf_reactor *r, int number, enum cf_reactor_tag tag);
/* Frees the source when it was removed and nothing holds it. */
void cf_reactor_source_release(struct cf_reactor *r, int number);
/* Takes and returns a send buffer; there must be one. */
int cf_reactor_send_take(struct cf_reactor *r);
void cf_reactor_send_free(struct cf_reactor *r, int i);
uint32_t cf_reactor_sends_left(const struct cf_reactor *r);
/* Submits, and looks for finished sends. No callback is called. */
void cf_reactor_reap_sends(struct cf_reactor *r);

/* ------------------------------------------------------------------ stream.c */

void cf_stream_prepare(struct cf_reactor *r, int number,
                       struct io_uring_sqe *sqe); /* the operation of an ACCEPT or STREAM source */
void cf_stream_handle(struct cf_reactor *r, int number, const struct cf_completion *c, int64_t now_ns);
void cf_stream_handle_send(struct cf_reactor *r, const struct cf_completion *c, int64_t now_ns);
void cf_stream_settle(struct cf_reactor *r, int number); /* sends what is queued, or takes a send back */
void cf_stream_removed(struct cf_reactor *r, int number);

#endif
