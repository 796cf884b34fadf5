/*
 * What transactions and dialogs stand on: configuration, memory, timers, counters, and the way out.
 *
 * Shape:     one structure per user agent server (ua.h), filled once at start; all pools lie in memory handed in.
 * Writers:   one thread.
 * Progress:  nothing here blocks, allocates or asks for the time.
 */
#ifndef CALLFAN_ADAPTERS_SIP_STACK_H
#define CALLFAN_ADAPTERS_SIP_STACK_H

#include "adapters/sip/auth.h"
#include "adapters/sip/hash.h"
#include "adapters/sip/extension.h"
#include "adapters/sip/net.h"
#include "adapters/sip/out.h"
#include "adapters/sip/scan.h"
#include "adapters/sip/sdp.h"
#include "adapters/sip/store.h"
#include "adapters/sip/table.h"
#include "adapters/sip/timer.h"

#define CF_SIP_MAGIC_COOKIE "z9hG4bK" /* begins every branch that RFC 3261's rules hold for */

#define CF_SIP_NS_PER_S  UINT64_C(1000000000)
#define CF_SIP_NS_PER_MS UINT64_C(1000000)

enum {
    CF_SIP_DATAGRAM_MAX = 65507, /* what UDP carries */
    CF_SIP_TAG_LEN = 16,
    CF_SIP_NONCE_S = 60, /* how long a nonce of ours may be used */
};

/* Whom a setting trusts. */
enum cf_sip_trust {
    CF_SIP_TRUST_NOBODY,
    CF_SIP_TRUST_PEER,    /* whoever sends from the host of the line's peer */
    CF_SIP_TRUST_ANYBODY, /* whoever may call */
};

/* Zeros take the defaults in parentheses. Strings and codecs are borrowed as long as the user agent lives. */
struct cf_sip_config {
    const char *host;          /* address or name in Contact and Via, an IPv6 address in brackets; required */
    uint16_t port;             /* (5060) */
    const char *user;          /* user part of Contact ("callfan") */
    struct cf_sdp_local media; /* address required */
    struct cf_sip_key secret;  /* random; keys hashes and tags */
    uint32_t calls_max;        /* (1,024) calls at once */
    uint32_t
        transactions_max; /* (4 * calls_max + 64) server transactions; as many client ones, but two per call at least */
    uint32_t blocks_max;  /* (12 * calls_max + 4 * transactions_max + 256) of 256 bytes */
    uint64_t t1_ns, t2_ns, t4_ns; /* (500 ms, 4 s, 5 s) */
    uint64_t trying_ns;           /* (0) 100 is sent when there is no other response by then */
    uint64_t ring_limit_ns;       /* (180 s) unanswered for so long: 480 */
    uint64_t linger_ns;           /* (0) from DISCONNECTED to IDLE when the peer hung up */
    uint32_t retry_after_s;       /* (5) in 503 */
    bool trust_asserted;          /* take the caller from P-Asserted-Identity */

    sa_family_t family; /* of the address that the line listens on (AF_INET) */
    bool has_peer;      /* without one, calls go to numeric addresses alone */
    struct cf_sip_hop peer;
    const char *domain;   /* host part of From, To and Request-URI; with has_peer required */
    const char *number;   /* user part of From of our calls, and what is registered (user) */
    const char *username; /* credentials for those who challenge us; NULL: none */
    const char *password;
    const char *const *admit; /* "user:password": who may call us; none: anybody */
    unsigned admits;
    const char *realm;      /* of our challenges ("callfan") */
    unsigned digests;       /* of our challenges, bits 1u << CF_SIP_ALGORITHM_x (0: all) */
    uint32_t register_s;    /* (0) Expires of our REGISTER; 0: none is sent */
    uint32_t options_s;     /* (0) OPTIONS to the peer that often; 0: never */
    uint32_t session_s;     /* (0) session interval that we offer and take; 0: no session timers */
    uint32_t min_se_s;      /* (90) shorter ones are refused */
    uint32_t redirects_max; /* (0) 3xx followed in one call */
    const char *conference;     /* sip: URI of a conference factory; NULL: none */
    enum cf_sip_trust refer;    /* who may have a call of ours transferred: REFER makes us call */
    enum cf_sip_trust replace;  /* who may put a call in the place of one of ours: INVITE with Replaces */
    uint64_t transfer_limit_ns; /* (180 s) a transfer of ours that nobody has told the outcome of for so long has failed */
    bool reliable;          /* provisional responses are reliable where the peer can do it, not only where it must */
};

/* How this line answers challenges; see login.h. */
struct cf_sip_known {
    struct cf_sip_challenge challenge; /* when `have` */
    bool have;
    uint32_t nc; /* requests with its nonce */
};
struct cf_sip_login {
    struct cf_sip_known known[2]; /* of WWW-Authenticate, of Proxy-Authenticate */
    uint64_t cnonces;             /* made so far */
};

/* Named counters; X(name). */
#define CF_SIP_COUNTERS(X)                                                                                             \
    X(received) /* datagrams */                                                                                        \
    X(received_bytes)                                                                                                  \
    X(keepalives)          /* datagrams of CR and LF only */                                                           \
    X(malformed)           /* all kinds of malformed_by_kind */                                                        \
    X(malformed_answered)  /* of these, answered with 400, 505 or 513 */                                               \
    X(requests)            /* well-formed */                                                                           \
    X(responses)           /* well-formed, received */                                                                 \
    X(responses_unmatched) /* received, of no transaction */                                                           \
    X(retransmissions)     /* requests absorbed by their transaction */                                                \
    X(acks)                /* that confirmed something */                                                              \
    X(acks_unmatched)                                                                                                  \
    X(sent_1xx)                                                                                                        \
    X(sent_2xx)                                                                                                        \
    X(sent_3xx_6xx)                                                                                                    \
    X(sent_stateless) /* of these, without a transaction */                                                            \
    X(sent_requests)                                                                                                   \
    X(sent_acks)                                                                                                       \
    X(resent_acks)    /* because a final response came again */                                                        \
    X(resent_2xx)     /* 2xx to INVITE sent again because no ACK came */                                               \
    X(resent_finals)  /* 3xx to 6xx to INVITE sent again because no ACK came */                                        \
    X(resent_answers) /* responses sent again because the request came again, or no PRACK */                           \
    X(resent_requests)                                                                                                 \
    X(offered) /* new calls */                                                                                         \
    X(answered)                                                                                                        \
    X(ended)                                                                                                           \
    X(cancelled)                                                                                                       \
    X(refused_overload)  /* 503 */                                                                                     \
    X(refused_extension) /* 420 */                                                                                     \
    X(refused_method)    /* 405, 501 */                                                                                \
    X(refused_media)     /* 415, 488 */                                                                                \
    X(refused_uri)       /* 416 */                                                                                     \
    X(refused_merged)    /* 482 */                                                                                     \
    X(refused_unknown)   /* 481 */                                                                                     \
    X(refused_order)     /* 500 for a CSeq that is too low, 491 */                                                     \
    X(refused_info)      /* INFO with 400, 415, 469: no digit that we can read */                                      \
    X(refused_flood)     /* INFO with 500: too many of one call, or no transaction left */                             \
    X(digits)            /* heard */                                                                                   \
    X(reinvites)                                                                                                       \
    X(no_ack)       /* calls ended because no ACK came for 2xx */                                                      \
    X(no_ack_final) /* transactions ended because no ACK came for 3xx to 6xx */                                        \
    X(no_answer)    /* calls ended because nobody answered */                                                          \
    X(bye_timeouts) /* BYEs that nobody answered */                                                                    \
    X(no_prack)     /* calls ended because no PRACK came for a reliable 180 */                                         \
    X(sent_pracks)                                                                                                     \
    X(made)             /* outgoing calls */                                                                           \
    X(redirected)       /* 3xx that were followed */                                                                   \
    X(forks_ended)      /* 2xx of further forks, ended at once */                                                      \
    X(forks_ignored)    /* PRACKs and BYEs of forks that one call would have sent above its limit */                   \
    X(unreachable)      /* outgoing calls that nobody answered in any way */                                           \
    X(challenged)       /* 401 and 407 received */                                                                     \
    X(login_failed)     /* of these, those we have no answer to, or whose answer was not taken */                      \
    X(refused_login)    /* 401 sent */                                                                                 \
    X(refused_session)  /* 422 sent */                                                                                 \
    X(sessions_expired) /* calls ended because nobody refreshed them */                                                \
    X(glares)           /* 491 received */                                                                             \
    X(registered)       /* REGISTERs that were granted */                                                              \
    X(register_failures)                                                                                               \
    X(transfers)        /* calls that we transferred */                                                                \
    X(transfer_failures)                                                                                               \
    X(conferences)      /* calls of ours that a focus answered */                                                      \
    X(no_focus)         /* calls to a conference factory that somebody else answered */                                \
    X(joined)           /* calls that a focus has taken into a conference upon our REFER */                            \
    X(removed)          /* of these, those that it has hung up upon another */                                         \
    X(focus_failures)   /* REFERs of either kind that came to nothing */                                               \
    X(watch_failures)   /* SUBSCRIBEs that a focus refused, or nobody answered */                                      \
    X(rosters_unread)   /* what a focus told of its conference, and could not be read */                               \
    X(referred)         /* calls made because a REFER asked for them */                                                \
    X(replaced)         /* calls that an INVITE with Replaces took the place of */                                     \
    X(refused_transfer) /* REFERs, and INVITEs with Replaces, that were refused */                                     \
    X(options_failures) /* OPTIONS of ours that nobody answered, or with 408 or 503 */                                 \
    X(no_transaction)   /* requests of either side that found no transaction left */                                   \
    X(no_block)         /* messages that could not be kept for repetition */                                           \
    X(too_large)        /* messages that did not fit a datagram and were not sent */                                   \
    X(stale_commands)   /* commands for a call that is gone */

struct cf_sip_counters {
#define X(name) uint64_t name;
    CF_SIP_COUNTERS(X)
#undef X
    uint64_t malformed_by_kind[CF_SIP_ERRORS_COUNT];
};

struct cf_sip_stack {
    struct cf_sip_config config;
    struct cf_sip_counters counters;
    uint64_t now_ns; /* of the call that is being executed */
    void (*send)(void *context, const struct cf_sip_hop *to, const char *bytes, size_t len);
    void *send_context;
    void (*hold)(void *context, uint64_t connection,
                 bool on); /* a call needs that connection, or not any more; may be NULL */
    struct cf_sip_store store;
    struct cf_sip_wheel *wheel;
    struct cf_sip_out out; /* the message being built */
    char *text;            /* CF_SIP_DATAGRAM_MAX bytes for texts read from the store */
    struct cf_sip_login login;
};

/* Kinds of timers, by what they lie in. */
enum {
    CF_SIP_TIMER_SERVER,
    CF_SIP_TIMER_CLIENT,
    CF_SIP_TIMER_CALL,
    CF_SIP_TIMER_REGISTER,
    CF_SIP_TIMER_OPTIONS,
};

/* Begins a message in the stack's buffer. */
static inline struct cf_sip_out *cf_sip_stack_begin(struct cf_sip_stack *stack)
{
    stack->out.len = 0;
    stack->out.full = false;
    return &stack->out;
}

/* Appends a piece of a stored text to the buffer. */
void cf_sip_stack_put(struct cf_sip_stack *stack, struct cf_sip_stored stored, size_t at, size_t len);

/* Sends the message in the buffer; false, counted and nothing sent, when it did not fit. */
bool cf_sip_stack_send(struct cf_sip_stack *stack, const struct cf_sip_hop *to);

/* Sends a stored message (again). */
void cf_sip_stack_resend(struct cf_sip_stack *stack, struct cf_sip_stored stored, const struct cf_sip_hop *to);

/* Keeps the message in the buffer instead of the one kept before; counted when there is no room. */
void cf_sip_stack_keep(struct cf_sip_stack *stack, struct cf_sip_stored *stored);

/* The extensions that we can do, as bits of enum cf_sip_option. */
uint32_t cf_sip_stack_options(const struct cf_sip_stack *stack);

void cf_sip_put_allow(const struct cf_sip_stack *stack, struct cf_sip_out *out);

/* Contact (with the transport of the hop), Allow and Supported. */
void cf_sip_put_contact(struct cf_sip_stack *stack, struct cf_sip_out *out, const struct cf_sip_hop *hop);

/* Counts a response by its class. */
void cf_sip_stack_count_response(struct cf_sip_stack *stack, unsigned status);

#endif
