/*
 * The reactor: one io_uring under one thread, the only way an adapter touches a network, a device or a bell.
 *
 * Shape      sources (a datagram socket, a byte stream or a listening socket (stream.h), a descriptor to watch, the signals), each
 *            with a callback; a pool of send buffers; receive buffers that the kernel fills, a group for datagrams and one for
 *            streams. Sources are registered files: a source's number is its file slot
 * Units      deadlines and now_ns: CLOCK_MONOTONIC ns
 * Invariant  the ring is created disabled, restricted to the operations named in uring.c (those of streams only for who asked for
 *            streams), then enabled: no other operation can be asked of it for its whole life, since seccomp does not see
 *            what goes through io_uring
 * Overlap    none: one thread opens, turns and closes it. Callbacks run inside cf_reactor_turn() and cf_reactor_gather(); they
 *            may call everything here but these two and cf_reactor_close()
 * Progress   blocking in cf_reactor_turn() and cf_reactor_gather() alone, at most until their deadline
 * Errors     negative errno. A full send pool refuses and counts; datagrams longer than a buffer are marked truncated; without
 *            free receive buffers the kernel keeps datagrams in the socket's queue
 * Trust      what a datagram holds is the network's; lengths and addresses were checked against the buffer
 */
#ifndef CF_PROVIDER_REACTOR_H
#define CF_PROVIDER_REACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "adapters/provider/clock.h"

struct cf_reactor;
struct io_uring;

#define CF_REACTOR_SOURCES_MAX 32768     /* what sources_count may be; the limit of open files bounds it too */
#define CF_REACTOR_NEVER       INT64_MAX /* a deadline: wait for an event only */

/* Zeros take the defaults in parentheses. Sizes are rounded up to powers of two. */
struct cf_reactor_options {
    uint32_t entries;                /* submissions between two turns without a system call (512) */
    uint32_t datagram_buffers_count; /* receive buffers of all sockets (256: few stay in the caches), at most 32,768 */
    uint32_t stream_buffers_count;   /* of all streams (1,024), at most 32,768; none without streams */
    uint32_t buffer_bytes;           /* longest datagram kept whole (4,096), at most 65,536 */
    uint32_t sends_count;            /* datagrams on their way at once (1,024), at most 32,768 */
    uint32_t send_bytes;             /* longest datagram sent (4,096), at most 65,536 */
    uint32_t sources_count;          /* sources at once (256), at most CF_REACTOR_SOURCES_MAX */
    uint32_t stream_bytes; /* that one stream may have queued (131,072), in whole send buffers; at most 16,777,216 */
    bool streams;          /* false: the ring refuses to accept, to connect and to read streams, whoever asks it */
};

struct cf_reactor_counters {
    uint64_t turns;
    uint64_t completions;
    uint64_t datagrams;
    uint64_t truncated;      /* datagrams longer than buffer_bytes */
    uint64_t no_buffers;     /* times the kernel found no receive buffer */
    uint64_t receive_errors; /* errors of a socket that receiving went on after */
    uint64_t rearms;         /* multishot operations started again */
    uint64_t sends;
    uint64_t send_errors;
    uint64_t sends_refused; /* claims without a free send buffer */
    uint64_t accepted;
    uint64_t accepts_refused; /* connections closed at once: no descriptor left */
    uint64_t streams_opened;  /* accepted or connected, and read */
    uint64_t streams_failed;  /* ended with an error */
    uint64_t stream_reads;
    uint64_t stream_read_bytes;
    uint64_t stream_sends;   /* operations; each takes what is queued */
    uint64_t stream_partial; /* of these, sent in part: the rest followed */
    uint64_t stream_sent_bytes;
    uint64_t stream_refused; /* sends for which a stream had no room */
};

/* A received datagram, valid until the callback returns. */
struct cf_datagram {
    uint8_t *data;
    uint32_t bytes;
    int32_t error; /* 0; else a negative errno: the socket is of no more use, data is NULL, nothing more will come */
    bool truncated;
    socklen_t from_bytes;
    const struct sockaddr *from;
};

/* events: POLLIN, POLLHUP ... of poll(2). */
typedef void cf_reactor_ready_fn(void *arg, uint32_t events, int64_t now_ns);
typedef void cf_reactor_datagram_fn(void *arg, const struct cf_datagram *datagram, int64_t now_ns);
typedef void cf_reactor_signal_fn(void *arg, int signal_number, int64_t now_ns);

/* Makes a reactor for the calling thread. On failure why gets one sentence that says what the kernel lacks or forbids. */
int cf_reactor_open(struct cf_reactor **ret_reactor, const struct cf_reactor_options *options, char *why,
                    size_t why_bytes);

/* Sends what was committed, takes every operation back, frees everything. Descriptors stay the caller's. NULL is a no-op. */
void cf_reactor_close(struct cf_reactor *r);

/*
 * Submits what was committed, waits for events until deadline_ns (a past one only looks), runs the callbacks.
 * Returns the number of completions handled, those of datagrams sent included (0 at the deadline), or a negative errno, after
 * which the reactor is of no more use. A turn that sends may end 20 ms after its begin with nothing else.
 */
int cf_reactor_turn(struct cf_reactor *r, int64_t deadline_ns);

/*
 * As a turn, but lets events gather until until_ns (or until there are very many) before the callbacks run: one wake-up for all of
 * them. Returns their number without those that only tell of a datagram sent, or a negative errno.
 */
int cf_reactor_gather(struct cf_reactor *r, int64_t until_ns);

/* ------------------------------------------------------------------ sources */

/*
 * Receives every datagram of a UDP socket (IPv4, IPv6, or AF_UNIX without addresses) and lets it be sent from. Returns the
 * source's number or a negative errno. The descriptor stays the caller's and may be closed once the source was removed.
 */
int cf_reactor_receive(struct cf_reactor *r, int fd, cf_reactor_datagram_fn *fn, void *arg);

/*
 * Calls fn when fd becomes ready for one of events, once per change: fn reads until there is nothing left (fd non-blocking).
 * Returns the source's number or a negative errno.
 */
int cf_reactor_watch(struct cf_reactor *r, int fd, uint32_t events, cf_reactor_ready_fn *fn, void *arg);

/* Blocks SIGTERM, SIGINT and SIGHUP for the calling thread and hands them to fn instead. Once. Returns 0 or a negative errno. */
int cf_reactor_signals(struct cf_reactor *r, cf_reactor_signal_fn *fn, void *arg);

/* Stops receiving from a source, or goes on. A few datagrams, pieces or connections that came already may still be handed out. */
void cf_reactor_pause(struct cf_reactor *r, int source, bool paused);

/*
 * Its callback is not called any more. The number may be given to another source later. A stream is ended: what was queued
 * and is not with the kernel yet is lost (cf_reactor_stream_end() sends it first).
 */
void cf_reactor_remove(struct cf_reactor *r, int source);

/* ------------------------------------------------------------------ sending */

struct cf_send {
    uint8_t *data;     /* the caller writes its datagram here */
    uint32_t capacity; /* bytes at data */
};

/* A free send buffer, or NULL when all are on their way (counted). Ends with commit or abort. */
struct cf_send *cf_reactor_send_claim(struct cf_reactor *r);

/* Sends the first bytes of the buffer from source to an address (copied). It goes out with the next turn. Takes s. */
void cf_reactor_send_commit(struct cf_reactor *r, struct cf_send *s, int source, uint32_t bytes,
                            const struct sockaddr *to, socklen_t to_bytes);
void cf_reactor_send_abort(struct cf_reactor *r, struct cf_send *s);

/* Claim, copy, commit. False when it is too long or there is no buffer. */
bool cf_reactor_send(struct cf_reactor *r, int source, const void *data, uint32_t bytes, const struct sockaddr *to,
                     socklen_t to_bytes);

/* ------------------------------------------------------------------ looking in */

void cf_reactor_counters(const struct cf_reactor *r, struct cf_reactor_counters *ret_counters);

/* The ring itself, for a test of its restrictions. */
struct io_uring *cf_reactor_ring(struct cf_reactor *r);

#endif
