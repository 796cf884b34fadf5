/*
 * Transactions: server transactions for INVITE and for everything else, client transactions for what we send (not INVITE).
 *
 *     INVITE server          PROCEEDING --2xx--> ACCEPTED --L--> gone        other server   COMPLETED --J--> gone
 *                            PROCEEDING --3xx..6xx--> COMPLETED --ACK--> CONFIRMED --I--> gone
 *                                                     COMPLETED --H--> gone (G repeats the response meanwhile)
 *     client                 TRYING --1xx--> PROCEEDING --final--> COMPLETED --K--> gone     (E repeats, F gives up)
 *
 * Shape:     two pools and three hash tables. A transaction is known by the keyed hash of what identifies it: branch, sent-by and
 *            method for a branch with the magic cookie, else Request-URI, tags, Call-ID, CSeq and topmost Via.
 * Invariant: one timer per transaction; a transaction of an owner clears the owner's pointer when it goes.
 * Errors:    no free transaction: NULL; the caller answers without one.
 * Source:    RFC 3261 section 17 and 17.2.3; RFC 6026 (ACCEPTED, timer L).
 */
#ifndef CALLFAN_ADAPTERS_SIP_TRANSACTION_H
#define CALLFAN_ADAPTERS_SIP_TRANSACTION_H

#include "adapters/sip/stack.h"

enum cf_sip_transaction_state {
    CF_SIP_TRANSACTION_FREE,
    CF_SIP_TRANSACTION_PROCEEDING, /* INVITE: no final response yet. Client: before a final response */
    CF_SIP_TRANSACTION_ACCEPTED,
    CF_SIP_TRANSACTION_COMPLETED,
    CF_SIP_TRANSACTION_CONFIRMED,
};

struct cf_sip_server {
    struct cf_sip_node node;   /* by transaction key */
    struct cf_sip_node merged; /* INVITE that begins a call: by From tag, Call-ID and CSeq (RFC 3261 8.2.2.2) */
    struct cf_sip_timer timer;
    uint8_t state;
    bool invite;
    union cf_sip_addr peer;        /* where responses go */
    struct cf_sip_stored head;     /* of every response to this INVITE: Via to CSeq, then Record-Route */
    uint32_t routes_at;            /* where Record-Route begins in the head */
    struct cf_sip_stored response; /* the last one, to be sent again */
    uint64_t repeat_ns;            /* interval of timer G */
    uint64_t end_ns;               /* timer H */
    struct cf_sip_server **owner;  /* the pointer that names this transaction, NULL: none */
    uint32_t next_free;
};

struct cf_sip_client {
    struct cf_sip_node node; /* by branch */
    struct cf_sip_timer timer;
    uint8_t state;
    bool provisional;
    union cf_sip_addr peer;
    struct cf_sip_stored request;
    uint64_t repeat_ns; /* interval of timer E */
    uint64_t end_ns;    /* timer F */
    struct cf_sip_client **owner;
    uint32_t next_free;
};

struct cf_sip_transactions {
    struct cf_sip_stack *stack;
    struct cf_sip_server *server;
    struct cf_sip_client *client;
    uint32_t servers_max, clients_max;
    uint32_t servers_touched, clients_touched;
    uint32_t servers_live, clients_live;
    uint32_t server_free, client_free; /* index + 1 */
    struct cf_sip_table servers, merged, clients;
    uint64_t branches; /* branches made */
};

/* The key of the server transaction that a request belongs to, as if its method were `method` (ACK and CANCEL look for
 * the INVITE). */
struct cf_sip_key cf_sip_server_key(const struct cf_sip_stack *stack, const struct cf_sip_msg *request,
                                    enum cf_sip_method method);

/* The key under which the same request over another path is found. */
struct cf_sip_key cf_sip_merged_key(const struct cf_sip_stack *stack, const struct cf_sip_msg *request);

struct cf_sip_server *cf_sip_server_find(const struct cf_sip_transactions *t, const struct cf_sip_key *key);

/* NULL: none left. */
struct cf_sip_server *cf_sip_server_new(struct cf_sip_transactions *t, const struct cf_sip_key *key, bool invite,
                                        const union cf_sip_addr *peer);
void cf_sip_server_free(struct cf_sip_transactions *t, struct cf_sip_server *s);

/* Sends the response that stands in the stack's buffer and keeps what must be sent again. */
void cf_sip_server_respond(struct cf_sip_transactions *t, struct cf_sip_server *s, unsigned status);

/* The request came again. */
void cf_sip_server_repeat(struct cf_sip_transactions *t, struct cf_sip_server *s);

/* An ACK of this INVITE; true when it confirmed a final response that is not 2xx. */
bool cf_sip_server_ack(struct cf_sip_transactions *t, struct cf_sip_server *s);

void cf_sip_server_timeout(struct cf_sip_transactions *t, struct cf_sip_server *s);

/* Writes a new branch, CF_SIP_BRANCH_LEN bytes, and gives the client key that belongs to it. */
enum { CF_SIP_BRANCH_LEN = 7 + 16 };
struct cf_sip_key cf_sip_branch_make(struct cf_sip_transactions *t, enum cf_sip_method method,
                                     char branch[CF_SIP_BRANCH_LEN]);

/* Sends the request in the stack's buffer and repeats it until answered. NULL: none left; it was sent once. */
struct cf_sip_client *cf_sip_client_new(struct cf_sip_transactions *t, const struct cf_sip_key *key,
                                        const union cf_sip_addr *peer);
struct cf_sip_client *cf_sip_client_find(const struct cf_sip_transactions *t, const struct cf_sip_msg *response);

/* A response; true when it is the first final one. */
bool cf_sip_client_response(struct cf_sip_transactions *t, struct cf_sip_client *c, unsigned status);

/* Timer E, F or K; true when the request was given up (timer F). The transaction is gone after F and K. */
bool cf_sip_client_timeout(struct cf_sip_transactions *t, struct cf_sip_client *c);

bool cf_sip_transactions_check(const struct cf_sip_transactions *t);

#endif
