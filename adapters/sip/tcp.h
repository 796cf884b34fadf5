/*
 * SIP over TCP: the connections of one line, accepted and opened.
 *
 * Shape:     a table of connections_max slots with their framers; three lists in order of time (idle, connecting, closing), so
 *            that what is due is at their heads; a hash by peer address. A connection's id is index and generation: 0 is none,
 *            and an id goes stale when its connection ends.
 * Units:     ns of CLOCK_MONOTONIC.
 * Writers:   one thread, that of the reactor.
 * Progress:  nothing blocks but cf_sip_tcp_open(), up to a second while the port is in use. Memory is taken at open; the pages of a
 *            slot (64 KiB) when a message came in pieces. Callbacks run inside cf_reactor_turn() and cf_sip_tcp_tick() only.
 * Errors:    negative errno at open; afterwards refusals, all counted. A full table closes the connection that was idle for the
 *            longest time; when all are held, connecting or closing, it refuses the new one.
 * Trust:     a peer decides what it sends and when it goes. A fault of framing closes its connection (frame.h). Only whole messages and
 *            pings count as activity: a peer that sends single bytes is idle.
 * Source:    RFC 3261 section 18; RFC 5626 section 4.4.1.
 */
#ifndef CALLFAN_ADAPTERS_SIP_TCP_H
#define CALLFAN_ADAPTERS_SIP_TCP_H

#include "adapters/provider/stream.h"
#include "adapters/sip/frame.h"
#include "adapters/sip/net.h"

enum { CF_SIP_TCP_CONNECTIONS_MAX = 65536 };

/* Zeros take the defaults in parentheses. */
struct cf_sip_tcp_config {
    uint32_t
        connections_max; /* (256) at once; each is a source of the reactor, which needs some more (sources_count) */
    int64_t idle_ns;     /* (600 s) without a message while nobody holds it: closed */
    int64_t connect_ns;  /* (10 s) for a connection being opened */
    int64_t close_ns;    /* (5 s) for the peer to take what is still to be sent to it at the end */
};

#define CF_SIP_TCP_COUNTERS(X)                                                                                         \
    X(accepted)                                                                                                        \
    X(opened)        /* connections asked for by us */                                                                 \
    X(open_failures) /* of these, not made: refused, unreachable, too late */                                          \
    X(refused)       /* new connections, in or out, for which there was no slot or source */                           \
    X(deaf)          /* the listening socket failed: none is accepted any more */                                      \
    X(evicted)       /* closed, as the longest idle, for a new one */                                                  \
    X(idle_closed)   /* closed after idle_ns */                                                                        \
    X(peer_closed)   /* ended by the peer in order */                                                                  \
    X(failed)        /* reset, timed out and the like, once connected */                                               \
    X(dropped)       /* closed by cf_sip_tcp_drop() */                                                                 \
    X(faults)        /* closed because the stream could not be read as messages */                                     \
    X(cut_short)     /* ended by the peer inside a message */                                                          \
    X(messages)      /* received */                                                                                    \
    X(message_bytes)                                                                                                   \
    X(in_pieces) /* of these, copied together */                                                                       \
    X(pings)                                                                                                           \
    X(pongs)                                                                                                           \
    X(sent)   /* messages queued for sending */                                                                        \
    X(unsent) /* messages not queued: no room */                                                                       \
    X(stale)  /* sends, holds, drops of a connection that is gone */

struct cf_sip_tcp_counters {
#define X(name) uint64_t name;
    CF_SIP_TCP_COUNTERS(X)
#undef X
    uint64_t faults_by_kind[CF_SIP_FRAME_FAULTS_COUNT];
};

struct cf_sip_tcp_callbacks {
    /* One whole message; the bytes are valid until the callback returns. The callback may send, drop, open. */
    void (*message)(void *context, uint64_t connection, const union cf_sip_addr *from, const char *bytes, size_t len,
                    int64_t now_ns);
    /*
     * The connection is gone, its id is stale: what was sent on it and not answered may never have arrived; nothing did when it
     * was still being made. error: 0 the peer ended it, else a negative errno (-EBADMSG: fault of framing, -ETIMEDOUT: not made
     * in time). Not called for connections that we ended: dropped, idle or evicted (nobody held those), cf_sip_tcp_close().
     */
    void (*closed)(void *context, uint64_t connection, const union cf_sip_addr *peer, int error, int64_t now_ns);
    void *context;
};

struct cf_sip_tcp;

/*
 * Listens on an address (port 0: any, see cf_sip_tcp_bound()) and makes the table. Connections are opened from the same host
 * address. Returns 0 or a negative errno. The reactor outlives it.
 */
int cf_sip_tcp_open(struct cf_sip_tcp **ret_tcp, struct cf_reactor *reactor, const union cf_sip_addr *listen_at,
                    const struct cf_sip_tcp_config *config, const struct cf_sip_tcp_callbacks *callbacks);
void cf_sip_tcp_close(struct cf_sip_tcp *tcp); /* NULL is a no-op; without callbacks */
const union cf_sip_addr *cf_sip_tcp_bound(const struct cf_sip_tcp *tcp);

/* A connection with that peer address and port, made or being made; 0: none. */
uint64_t cf_sip_tcp_find(const struct cf_sip_tcp *tcp, const union cf_sip_addr *peer);
bool cf_sip_tcp_alive(const struct cf_sip_tcp *tcp, uint64_t connection);

/* Sends on that connection, after what was sent before; while it is being made the message waits. False, counted: it is gone or full. */
bool cf_sip_tcp_send(struct cf_sip_tcp *tcp, int64_t now_ns, uint64_t connection, const char *bytes, size_t len);

/* The same on a connection with that peer, opening one where there is none. Its id, or 0, counted. */
uint64_t cf_sip_tcp_send_to(struct cf_sip_tcp *tcp, int64_t now_ns, const union cf_sip_addr *peer, const char *bytes,
                            size_t len);

/*
 * Counts the holders of a connection (calls, transactions): while there is one, it is neither idle nor evicted. A hold ends with
 * its release or with the connection; releasing one that is gone is a no-op.
 */
void cf_sip_tcp_hold(struct cf_sip_tcp *tcp, uint64_t connection);
void cf_sip_tcp_release(struct cf_sip_tcp *tcp, int64_t now_ns, uint64_t connection);

/* Ends a connection in order: what was sent before goes out first, within close_ns. Its id is stale at once. */
void cf_sip_tcp_drop(struct cf_sip_tcp *tcp, int64_t now_ns, uint64_t connection);

/* Stops reading and accepting, or goes on. Opening and sending go on. */
void cf_sip_tcp_pause(struct cf_sip_tcp *tcp, bool paused);

/* Does what is due; when to come back (CF_REACTOR_NEVER). */
int64_t cf_sip_tcp_tick(struct cf_sip_tcp *tcp, int64_t now_ns);

uint32_t cf_sip_tcp_connections(const struct cf_sip_tcp *tcp);
const struct cf_sip_tcp_counters *cf_sip_tcp_counters(const struct cf_sip_tcp *tcp);
bool cf_sip_tcp_check(const struct cf_sip_tcp *tcp);

#endif
