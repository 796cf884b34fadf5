/*
 * Byte streams of the reactor: TCP and AF_UNIX connections, listened for, opened, read and written in its restricted io_uring.
 *
 * Shape      a stream is a source of the reactor (reactor.h): cf_reactor_pause() and cf_reactor_remove() work on it and on a
 *            listening socket. What is to be sent is copied into the reactor's send buffers; one operation per stream is on its
 *            way, with up to CF_STREAM_PARTS_MAX of them
 * Invariant  bytes leave and arrive in order; CF_STREAM_CLOSED is the last event and comes once, also when reading and writing
 *            both fail
 * Overlap    none, as in reactor.h. Callbacks may send, end, reset, pause, remove (their own stream too), listen and connect
 * Progress   nothing here blocks. How long a connection may take to be made is the caller's matter: cf_reactor_remove() ends it
 * Errors     negative errno. A full out queue refuses and counts; without free receive buffers bytes stay in the socket
 * Trust      what a stream brings is the network's
 *
 * Who owns a descriptor: a stream takes it when cf_reactor_stream() succeeds and closes it after the kernel let go of it (not
 * before: a port would stay in use). A listening socket stays the caller's, who may close it once the source was removed. The
 * descriptor of an accepted connection is the callback's.
 */
#ifndef CF_PROVIDER_STREAM_H
#define CF_PROVIDER_STREAM_H

#include "adapters/provider/reactor.h"

#define CF_STREAM_PARTS_MAX 8 /* send buffers in one operation */

enum cf_stream_what {
    CF_STREAM_DATA,      /* data and bytes, valid until the callback returns */
    CF_STREAM_CONNECTED, /* of a stream that was opened to an address */
    CF_STREAM_CLOSED, /* error 0: the peer sends no more; else a negative errno: the connection, or the try at it, failed */
};

struct cf_stream_event {
    enum cf_stream_what what;
    int32_t error;
    uint32_t bytes;
    const uint8_t *data;
};

typedef void cf_reactor_stream_fn(void *arg, const struct cf_stream_event *event, int64_t now_ns);

/* Takes fd. A negative one is an errno: nothing can be accepted any more, and this was the last call. */
typedef void cf_reactor_accept_fn(void *arg, int fd, const struct sockaddr *from, socklen_t from_bytes, int64_t now_ns);

/*
 * Hands every connection that reaches a listening socket to fn. Where the process has no descriptor left, the connection is
 * closed and counted. Returns the source's number or a negative errno.
 */
int cf_reactor_accept(struct cf_reactor *r, int fd, cf_reactor_accept_fn *fn, void *arg);

/*
 * Reads a connected stream socket (to is NULL), or connects it to an address (copied) first. Takes fd on success. Returns the
 * source's number or a negative errno. After CF_STREAM_CLOSED the source stays until it is removed.
 */
int cf_reactor_stream(struct cf_reactor *r, int fd, const struct sockaddr *to, socklen_t to_bytes,
                      cf_reactor_stream_fn *fn, void *arg);

/*
 * Sends all bytes, after those before them and as soon as the stream is connected, or nothing. False, counted: the stream's
 * own queue is full (stream_bytes), all streams together hold half of the reactor's send buffers, or the stream failed or was ended.
 */
bool cf_reactor_stream_send(struct cf_reactor *r, int source, const void *data, uint32_t bytes);

/* Bytes that the kernel has not taken yet. */
uint32_t cf_reactor_stream_unsent(const struct cf_reactor *r, int source);

/*
 * Nothing is sent after what is queued: then the peer reads the end. Receiving goes on; CF_STREAM_CLOSED tells when the peer
 * has ended too. A peer that does not read can keep it for ever: have a time limit, then remove.
 */
void cf_reactor_stream_end(struct cf_reactor *r, int source);

/* Removes the stream and tells the peer that the connection failed (TCP: RST). cf_reactor_remove() says that it ended (FIN). */
void cf_reactor_stream_reset(struct cf_reactor *r, int source);

#endif
