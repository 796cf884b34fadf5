/*
 * Transactions: server transactions for what the peer asks, client transactions for what we ask.
 *
 *     INVITE server   PROCEEDING --2xx--> ACCEPTED --L--> gone        other server   COMPLETED --J--> gone
 *                     PROCEEDING --3xx..6xx--> COMPLETED --ACK--> CONFIRMED --I--> gone
 *                                              COMPLETED --H--> gone (G repeats the response meanwhile)
 *     INVITE client   CALLING --1xx--> PROCEEDING --2xx--> ACCEPTED --M--> gone      (A repeats while CALLING, B gives up)
 *                     CALLING, PROCEEDING --3xx..6xx, ACK sent--> COMPLETED --D--> gone (the response again: ACK again)
 *     other client    CALLING --1xx--> PROCEEDING --final--> COMPLETED --K--> gone   (E repeats, F gives up)
 *
 * Over a stream nothing is repeated here and G, I, J, D, K are 0; a 2xx to INVITE is repeated by its call over either.
 *
 * Shape:     two pools and three hash tables. A transaction is known by the keyed hash of what identifies it: branch, sent-by and
 *            method for a branch with the magic cookie, else Request-URI, tags, Call-ID, CSeq and topmost Via.
 * Invariant: one timer per transaction, but none for a server that awaits its owner's answer and for the client of a call's first INVITE that
 *            awaits the final response, which its owner limits; a transaction of an owner clears the owner's pointer when it goes.
 * Errors:    no free transaction: NULL; the caller answers without one.
 * Source:    RFC 3261 section 17 and 17.2.3; RFC 6026 (ACCEPTED, timers L and M).
 */
#ifndef CALLFAN_ADAPTERS_SIP_TRANSACTION_H
#define CALLFAN_ADAPTERS_SIP_TRANSACTION_H

#include "adapters/sip/stack.h"

enum cf_sip_transaction_state {
    CF_SIP_TRANSACTION_FREE,
    CF_SIP_TRANSACTION_CALLING,    /* client: no response yet */
    CF_SIP_TRANSACTION_PROCEEDING, /* no final response yet */
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
    struct cf_sip_hop peer;        /* where responses go */
    struct cf_sip_stored head;     /* of every response to this INVITE: Via to CSeq, then Record-Route */
    uint32_t routes_at;            /* where Record-Route begins in the head */
    struct cf_sip_stored response; /* the last one, to be sent again */
    uint64_t repeat_ns;            /* interval of timer G */
    uint64_t end_ns;               /* timer H */
    struct cf_sip_server **owner;  /* the pointer that names this transaction, NULL: none */
    uint32_t next_free;
};

/* What a client transaction is for, and thereby what its owner lies in. */
enum cf_sip_use {
    CF_SIP_USE_INVITE, /* these are requests of a call; the first of a call, or within its dialog */
    CF_SIP_USE_BYE,
    CF_SIP_USE_INFO,
    CF_SIP_USE_REFER,
    CF_SIP_USE_NOTIFY,
    CF_SIP_USE_SUBSCRIBE,
    CF_SIP_CALL_USES,
    CF_SIP_USE_NOBODY = CF_SIP_CALL_USES, /* nobody waits for its end: CANCEL, PRACK, BYE of a fork */
    CF_SIP_USE_REGISTER,                  /* these are requests of the line */
    CF_SIP_USE_OPTIONS,
};

/* Parts of a request of ours, so that ACK and CANCEL can be made of it: "METHOD", then all that they repeat, then To, then CSeq. */
struct cf_sip_parts {
    uint16_t method_len;
    uint16_t branch_at;
    uint16_t same_end; /* behind what ACK and CANCEL repeat: Request-URI, Via, Route, credentials, From, Call-ID */
    uint16_t to_end;
};

struct cf_sip_client {
    struct cf_sip_node node; /* by branch */
    struct cf_sip_timer timer;
    uint8_t state;
    uint8_t use;
    bool invite;
    bool within; /* a dialog that is there: an INVITE that nobody but timer B limits */
    struct cf_sip_hop peer;
    uint32_t cseq;
    struct cf_sip_parts parts;
    struct cf_sip_stored request; /* kept of an INVITE until it goes, of others until answered */
    struct cf_sip_stored ack;     /* of an INVITE: sent again with every repeated final response */
    struct cf_sip_hop ack_to;
    uint64_t repeat_ns; /* interval of timers A and E */
    uint64_t end_ns;    /* timers B, F */
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
    uint32_t streams_calling;          /* clients over a stream in CALLING, whom a failed connection concerns */
    struct cf_sip_table servers, merged, clients;
    uint64_t branches; /* branches made */
};

/* ---- server transactions */

/* The key of the server transaction that a request belongs to, as if its method were `method` (ACK and CANCEL look for
 * the INVITE). */
struct cf_sip_key cf_sip_server_key(const struct cf_sip_stack *stack, const struct cf_sip_msg *request,
                                    enum cf_sip_method method);

/* The key under which the same request over another path is found. */
struct cf_sip_key cf_sip_merged_key(const struct cf_sip_stack *stack, const struct cf_sip_msg *request);

struct cf_sip_server *cf_sip_server_find(const struct cf_sip_transactions *t, const struct cf_sip_key *key);

/* NULL: none left. */
struct cf_sip_server *cf_sip_server_new(struct cf_sip_transactions *t, const struct cf_sip_key *key, bool invite,
                                        const struct cf_sip_hop *peer);
void cf_sip_server_free(struct cf_sip_transactions *t, struct cf_sip_server *s);

/* Sends the response that stands in the stack's buffer and keeps what must be sent again. Over a stream a final response to a
 * request other than INVITE ends the transaction. */
void cf_sip_server_respond(struct cf_sip_transactions *t, struct cf_sip_server *s, unsigned status);

/* The request came again. */
void cf_sip_server_repeat(struct cf_sip_transactions *t, struct cf_sip_server *s);

/* An ACK of this INVITE; true when it confirmed a final response that is not 2xx. */
bool cf_sip_server_ack(struct cf_sip_transactions *t, struct cf_sip_server *s);

void cf_sip_server_timeout(struct cf_sip_transactions *t, struct cf_sip_server *s);

/* ---- client transactions */

/* Writes a new branch, CF_SIP_BRANCH_LEN bytes, and gives the client key that belongs to it. */
enum { CF_SIP_BRANCH_LEN = 7 + 16 };
struct cf_sip_key cf_sip_branch_make(struct cf_sip_transactions *t, enum cf_sip_method method,
                                     char branch[CF_SIP_BRANCH_LEN]);

/* Appends the end of the request line, Via and Max-Forwards. */
void cf_sip_put_via(struct cf_sip_stack *stack, const struct cf_sip_hop *hop, const char *branch,
                    struct cf_sip_parts *ret_parts);

struct cf_sip_asking {
    struct cf_sip_key key; /* of cf_sip_branch_make() */
    struct cf_sip_hop to;
    enum cf_sip_use use;
    bool invite;
    bool within;
    uint32_t cseq;
    struct cf_sip_parts parts;
};

/* Sends the request in the stack's buffer and repeats it until answered. NULL: it was too large, or none is left: then it was sent once,
 * but INVITE, to whose answers nobody could see, not at all. */
struct cf_sip_client *cf_sip_client_new(struct cf_sip_transactions *t, const struct cf_sip_asking *asking);
struct cf_sip_client *cf_sip_client_find(const struct cf_sip_transactions *t, const struct cf_sip_msg *response);
void cf_sip_client_free(struct cf_sip_transactions *t, struct cf_sip_client *c);

enum cf_sip_heard {
    CF_SIP_HEARD_NOTHING,     /* absorbed */
    CF_SIP_HEARD_PROVISIONAL, /* 101 to 199, or the first 100 */
    CF_SIP_HEARD_FINAL,       /* the first final response. To INVITE, not 2xx: ACK has been sent */
    CF_SIP_HEARD_SUCCESS,     /* a further 2xx to INVITE: again, or of another fork */
};
enum cf_sip_heard cf_sip_client_response(struct cf_sip_transactions *t, struct cf_sip_client *c,
                                         const struct cf_sip_msg *response);

/* Sends CANCEL for an INVITE that has had a provisional response and no final one. */
void cf_sip_client_cancel(struct cf_sip_transactions *t, struct cf_sip_client *invite);

/* Keeps the ACK of a 2xx, which stands in the stack's buffer and was sent, for its repetitions. */
void cf_sip_client_keep_ack(struct cf_sip_transactions *t, struct cf_sip_client *invite, const struct cf_sip_hop *to);
void cf_sip_client_repeat_ack(struct cf_sip_transactions *t, struct cf_sip_client *invite);

/* The next client from *at on that waits for any response over a stream to this address; NULL: none. Moves *at behind it. */
struct cf_sip_client *cf_sip_client_calling(const struct cf_sip_transactions *t, const union cf_sip_addr *peer,
                                            uint32_t *at);

/* Timers A, B, D, E, F, K, M; true when the request was given up (B, F): then the caller frees the transaction. */
bool cf_sip_client_timeout(struct cf_sip_transactions *t, struct cf_sip_client *c);

bool cf_sip_transactions_check(const struct cf_sip_transactions *t);

#endif
