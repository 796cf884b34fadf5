/*
 * Calls that came in: the dialog (RFC 3261 section 12), what has been promised to the peer, what was told upwards.
 *
 *     OFFERING --accept--> ACCEPTED --answer--> ANSWERED --ACK--> CONFIRMED --BYE--> LINGER --> IDLE, free
 *         |                    |                   |                  |
 *         | CANCEL, drop       |                   | drop             | drop
 *         v                    v                   v                  v
 *       LINGER or IDLE, free                    BYE_WAIT --ACK--> BYE_SENT --response--> IDLE, free
 *
 * Shape:     a pool; a call is named by index and generation (64 bits) and found by the keyed hash of Call-ID and both tags.
 *            Its texts are one stored text with the lengths of its parts.
 * Units:     nanoseconds of the clock that the caller passes in.
 * Invariant: IDLE is the last event of a call, and with it the call's name is void. Nothing is told of a muted call.
 * Overlap:   one thread. Within the OFFERING event every operation is allowed on that call; within the others none.
 * Errors:    operations: -ESTALE no such call, -EINVAL not in this state.
 * Trust:     CSeq, tags and target of every request are the peer's; a request of a dialog is believed only when Call-ID and both
 *            tags match, of which ours cannot be guessed.
 */
#ifndef CALLFAN_ADAPTERS_SIP_CALL_H
#define CALLFAN_ADAPTERS_SIP_CALL_H

#include "adapters/sip/cause.h"
#include "adapters/sip/transaction.h"

enum { CF_SIP_IDENTITY_MAX = 128 }; /* bytes of a caller's or called party's number or name; longer ones are cut */

enum cf_sip_call_state {
    CF_SIP_CALL_FREE,
    CF_SIP_CALL_OFFERING,
    CF_SIP_CALL_ACCEPTED, /* 180 was sent */
    CF_SIP_CALL_ANSWERED, /* 200 was sent, its ACK has not come */
    CF_SIP_CALL_CONFIRMED,
    CF_SIP_CALL_BYE_WAIT, /* to be ended, but BYE must wait for the ACK (RFC 3261 15) */
    CF_SIP_CALL_BYE_SENT,
    CF_SIP_CALL_LINGER, /* over; IDLE comes when the linger time has passed */
};

enum cf_sip_event_kind {
    CF_SIP_OFFERING, /* caller, name, called */
    CF_SIP_ACCEPTED,
    CF_SIP_CONNECTED,
    CF_SIP_HELD, /* the peer put us on hold */
    CF_SIP_RESUMED,
    CF_SIP_DISCONNECTED, /* mode, cause */
    CF_SIP_IDLE,
};

/* UTF-8, without a terminating 0, valid until the event returns. */
struct cf_sip_words {
    const char *text;
    size_t len;
};

struct cf_sip_event {
    enum cf_sip_event_kind kind;
    uint64_t call;
    uint64_t user; /* what cf_sip_call_bind() gave */
    uint64_t time_ns;
    uint32_t mode; /* LINEDISCONNECTMODE_ */
    struct cf_sip_cause cause;
    struct cf_sip_words caller, caller_name, called;
};

/* Parts of a call's stored text. */
enum cf_sip_text {
    CF_SIP_TEXT_CALL_ID,
    CF_SIP_TEXT_LOCAL,  /* our From in requests: the INVITE's To with our tag */
    CF_SIP_TEXT_REMOTE, /* our To in requests: the INVITE's From */
    CF_SIP_TEXT_ROUTES, /* route set, comma separated */
    CF_SIP_TEXT_CALLER,
    CF_SIP_TEXT_CALLER_NAME,
    CF_SIP_TEXT_CALLED,
    CF_SIP_TEXT_TARGET, /* remote target; last, because it alone is replaced */
    CF_SIP_TEXTS
};

/* A 2xx to an INVITE that has no ACK yet. */
struct cf_sip_ok {
    struct cf_sip_stored message; /* empty: none is waiting */
    union cf_sip_addr peer;
    uint64_t repeat_ns; /* interval */
    uint64_t next_ns;
    uint64_t end_ns; /* 64 * T1 after it was sent */
    uint32_t cseq;
    bool waiting;
    bool offers; /* it holds our offer: the ACK brings the answer */
};

struct cf_sip_call {
    struct cf_sip_node node;
    struct cf_sip_timer timer;
    uint32_t generation; /* odd: live */
    uint8_t state;
    bool muted;
    bool alerted;
    bool held;
    uint32_t next_free;
    uint32_t invite_cseq; /* of the INVITE that began the call */
    uint32_t remote_cseq;
    uint32_t local_cseq;
    uint32_t sdp_version;
    uint64_t sdp_session; /* the same in every o= line of the call */
    uint64_t user;
    uint64_t limit_ns;            /* unanswered until then: given up */
    struct cf_sip_server *invite; /* the INVITE that began the call, as long as its transaction lives */
    struct cf_sip_client *bye;
    struct cf_sip_stored text;
    uint16_t text_len[CF_SIP_TEXTS];
    bool offers;               /* the INVITE brought no offer: the prepared body is ours */
    struct cf_sip_stored body; /* session description for the 200, prepared when the INVITE came */
    struct cf_sip_ok ok;
    union cf_sip_addr peer; /* source of the newest request of the dialog */
};

struct cf_sip_calls {
    struct cf_sip_stack *stack;
    struct cf_sip_transactions *transactions;
    struct cf_sip_call *call;
    uint32_t calls_max, touched, live;
    uint32_t free_first; /* index + 1; first in, first out */
    uint32_t free_last;
    struct cf_sip_table dialogs;
    void (*event)(void *context, const struct cf_sip_event *event);
    void *event_context;
};

/* ---- names and texts */

uint64_t cf_sip_call_id(const struct cf_sip_calls *calls, const struct cf_sip_call *call);
struct cf_sip_call *cf_sip_call_of(const struct cf_sip_calls *calls, uint64_t id); /* NULL: stale */

/* The dialog that a request with a tag in To belongs to. */
struct cf_sip_call *cf_sip_call_find(const struct cf_sip_calls *calls, const struct cf_sip_msg *request);

/* Copies a part; returns its length. */
size_t cf_sip_call_text(const struct cf_sip_calls *calls, const struct cf_sip_call *call, enum cf_sip_text part,
                        char *dst, size_t bytes);

/* ---- beginning */

/* What a new call begins with. */
struct cf_sip_beginning {
    const struct cf_sip_msg *invite;
    const union cf_sip_addr *source;
    const char *tag;               /* ours, CF_SIP_TAG_LEN bytes */
    const struct cf_sip_out *body; /* session description prepared for the answer */
    uint64_t sdp_session;
    bool offers; /* the description is an offer */
    bool holds;  /* the INVITE's offer puts us on hold */
};

/* Makes a call of an INVITE. NULL: no room. Nothing is sent or told yet. */
struct cf_sip_call *cf_sip_call_new(struct cf_sip_calls *calls, const struct cf_sip_beginning *beginning);

/* Joins the call with its INVITE's transaction and starts the time limit. */
void cf_sip_call_start(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_server *invite);

/* Takes back what cf_sip_call_new() made. */
void cf_sip_call_free(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* Reports OFFERING; the call may be gone afterwards. */
void cf_sip_call_offer(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* ---- operations from above; 0 or a negative errno */

int cf_sip_call_accept(struct cf_sip_calls *calls, struct cf_sip_call *call);
int cf_sip_call_answer(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* Ends the call: before the answer with this final status (0: 603), later with BYE; during the linger IDLE comes at
 * once. */
int cf_sip_call_drop(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status);

/* ---- what comes from the network and the clock */

/* An ACK of the dialog; true when a 2xx was waiting for it. */
bool cf_sip_call_ack(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *ack);

/* CANCEL of its INVITE, which is answered 487. False: too late, nothing happened. */
bool cf_sip_call_cancel(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *cancel);

/* BYE of the peer, which has been answered. */
void cf_sip_call_bye(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *bye);

/* Our BYE was answered, or given up. */
void cf_sip_call_bye_done(struct cf_sip_calls *calls, struct cf_sip_call *call);

void cf_sip_call_timeout(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* Begins to wait for the ACK of the 2xx that stands in the stack's buffer. */
void cf_sip_call_wait_ack(struct cf_sip_calls *calls, struct cf_sip_call *call, const union cf_sip_addr *peer,
                          uint32_t cseq, bool offers);

/* The newest Contact of the peer becomes the remote target. */
void cf_sip_call_set_target(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *request);

void cf_sip_call_report(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_event_kind kind);

/* Contact, Allow and Supported of a 2xx. */
void cf_sip_put_contact(struct cf_sip_stack *stack, struct cf_sip_out *out);

bool cf_sip_calls_check(const struct cf_sip_calls *calls);

#endif
