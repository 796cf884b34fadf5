/*
 * Calls: the dialog (RFC 3261 section 12), what has been promised to the peer, what was told upwards.
 *
 *     incoming   OFFERING --accept--> ACCEPTED --answer--> ANSWERED --ACK--> CONFIRMED
 *     outgoing   CALLING --2xx--> CONFIRMED        CALLING --drop--> CANCELLING --final response--> LINGER or BYE_SENT
 *     both       CONFIRMED --BYE--> LINGER --> IDLE, free      CONFIRMED --drop--> BYE_SENT --response--> IDLE, free
 *                OFFERING, ACCEPTED, CALLING end by CANCEL, drop or a final status in LINGER or IDLE
 *                ANSWERED --drop--> BYE_WAIT --ACK--> BYE_SENT
 *
 * Shape:     a pool; a call is named by index and generation (64 bits) and found by the keyed hash of Call-ID and both tags.
 *            Its texts are one stored text with the lengths of its parts. Of what a call waits for, each has a deadline of its
 *            own; its timer runs to the earliest.
 * Units:     nanoseconds of the clock that the caller passes in.
 * Invariant: IDLE is the last event of a call, and with it the call's name is void. Nothing is told of a muted call. Of each
 *            kind (enum cf_sip_use) at most one request of ours is waited for.
 * Overlap:   one thread. Within the OFFERING and BEGUN events every operation is allowed on that call, within DONE on other calls;
 *            within the others none.
 * Errors:    operations: -ESTALE no such call, -EINVAL not in this state, -EBUSY another one is on its way, -EMSGSIZE too long,
 *            -ENOSPC no room.
 * Trust:     CSeq, tags and target of every request are the peer's; a request of a dialog is believed only when Call-ID and both
 *            tags match, of which ours cannot be guessed.
 *
 * Files:     call.c what all calls have; uas.c the INVITE of the peer; uac.c the INVITE of ours; request.c further requests of
 *            ours; dialog.c those of the peer; info.c its digits; refer.c transfers by REFER; watch.c who is in a
 *            conference; replace.c calls that take the place of others.
 */
#ifndef CALLFAN_ADAPTERS_SIP_CALL_H
#define CALLFAN_ADAPTERS_SIP_CALL_H

#include "adapters/sip/cause.h"
#include "adapters/sip/extension.h"
#include "adapters/sip/identity.h"
#include "adapters/sip/reply.h"
#include "adapters/sip/transaction.h"

enum {
    CF_SIP_IDENTITY_MAX = 128, /* bytes of a caller's or called party's number or name; longer ones are cut */
    CF_SIP_DIGITS_MAX = 128,   /* digits sent by one command */
    CF_SIP_INFOS_PER_S = 25,   /* INFOs that one call may bring: twice the digits of a dialler (ITU-T Q.24), */
    CF_SIP_INFOS_BURST = 50,   /* and so many at once */
    CF_SIP_RETRIES_MAX = 5,    /* re-INVITEs refused with 491 before it is given up */
    CF_SIP_ROUTES_BYTES_MAX = 4096,
    CF_SIP_STRAYS_MAX = 64, /* requests that one call sends into early dialogs and to further forks */
    CF_SIP_OFFERED_NOTHING = 0xFF,
};

enum cf_sip_call_state {
    CF_SIP_CALL_FREE,
    CF_SIP_CALL_OFFERING,
    CF_SIP_CALL_ACCEPTED, /* 180 was sent */
    CF_SIP_CALL_ANSWERED, /* 200 was sent, its ACK has not come */
    CF_SIP_CALL_CALLING,  /* our INVITE has no final response */
    CF_SIP_CALL_CANCELLING,
    CF_SIP_CALL_CONFIRMED,
    CF_SIP_CALL_BYE_WAIT, /* to be ended, but BYE must wait for the ACK (RFC 3261 15) */
    CF_SIP_CALL_BYE_SENT,
    CF_SIP_CALL_LINGER, /* over; IDLE comes when the linger time has passed */
    CF_SIP_CALL_STATES
};

enum cf_sip_event_kind {
    CF_SIP_OFFERING,   /* identity */
    CF_SIP_BEGUN,      /* identity: a call that we make because a REFER asked for it */
    CF_SIP_ACCEPTED,   /* 180 was sent */
    CF_SIP_PROCEEDING, /* outgoing: 100, 181, 182, 183 */
    CF_SIP_RINGBACK,   /* outgoing: 180 */
    CF_SIP_BUSY,       /* outgoing: 486, 600; DISCONNECTED follows */
    CF_SIP_CONNECTED,
    CF_SIP_HELD,         /* the peer put us on hold */
    CF_SIP_RESUMED,      /* neither holds */
    CF_SIP_ONHOLD,       /* we put the peer on hold */
    CF_SIP_INFORMED,     /* identity: connected or redirection party changed */
    CF_SIP_DIGIT,        /* digit: the peer sent one */
    CF_SIP_ROSTER,       /* roster: who is in the conference, or who has come and gone */
    CF_SIP_DONE,         /* the operation hold, unhold, digits or refer has ended: status 200 or why not */
    CF_SIP_DISCONNECTED, /* mode, cause */
    CF_SIP_IDLE,
    CF_SIP_EVENTS_COUNT
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
    uint32_t mode;   /* LINEDISCONNECTMODE_ */
    uint32_t status; /* of DONE */
    char digit;      /* of DIGIT: 0-9 * # A-D */
    struct cf_sip_cause cause;
    struct cf_sip_words caller, caller_name, called;
    const struct cf_sip_identity *identity; /* of OFFERING and BEGUN: all parties; else NULL */
    const struct cf_sip_party *connected;   /* of INFORMED: the party that changed; else NULL */
    const struct cf_sip_party *redirection;
    const struct cf_sip_roster *roster; /* of ROSTER; valid until the event returns */
};

/* Parts of a call's stored text. */
enum cf_sip_text {
    CF_SIP_TEXT_CALL_ID,
    CF_SIP_TEXT_LOCAL, /* our From in requests, with our tag */
    CF_SIP_TEXT_CALLER,
    CF_SIP_TEXT_CALLER_NAME,
    CF_SIP_TEXT_CALLED,
    CF_SIP_TEXT_REMOTE, /* our To in requests */
    CF_SIP_TEXT_ROUTES, /* route set, comma separated */
    CF_SIP_TEXT_TARGET, /* remote target, or the Request-URI of an INVITE of ours */
    CF_SIP_TEXTS
};

/* What a call waits for. */
enum cf_sip_due {
    CF_SIP_DUE_TRYING,   /* 100, unless there was another response */
    CF_SIP_DUE_LIMIT,    /* unanswered until then, or CANCEL without effect: given up */
    CF_SIP_DUE_RING,     /* 180 again (RFC 3261 13.3.1.1) */
    CF_SIP_DUE_RELIABLE, /* a reliable 180 again (RFC 3262) */
    CF_SIP_DUE_OK,       /* 2xx again, its ACK has not come */
    CF_SIP_DUE_LINGER,
    CF_SIP_DUE_SESSION, /* to be refreshed, or given up (RFC 4028) */
    CF_SIP_DUE_RETRY,   /* re-INVITE again after 491 */
    CF_SIP_DUE_DIGIT,   /* the next digit */
    CF_SIP_DUE_WATCH,   /* SUBSCRIBE again */
    CF_SIP_DUE_REFER,   /* the peer tells nothing of the transfer, or does not hang up after it */
    CF_SIP_DUES
};

/* A 2xx to an INVITE that has no ACK yet. */
struct cf_sip_ok {
    struct cf_sip_stored message; /* empty: none is waiting */
    struct cf_sip_hop peer;
    uint64_t repeat_ns; /* interval */
    uint64_t end_ns;    /* 64 * T1 after it was sent */
    uint32_t cseq;
    bool waiting;
    bool offers; /* it holds our offer: the ACK brings the answer */
};

/* A reliable provisional response that has no PRACK yet. */
struct cf_sip_reliable {
    uint64_t repeat_ns, end_ns;
    uint32_t rseq;   /* the last that was sent */
    bool used;       /* 180 goes out reliably */
    bool waiting;    /* no PRACK yet */
    bool offers;     /* it holds our offer: the PRACK brings the answer, and 200 must wait for it */
    bool answer_due; /* 200 waits for the PRACK */
};

/* Why our INVITE within a dialog is on its way. */
enum cf_sip_change {
    CF_SIP_CHANGE_NOTHING,
    CF_SIP_CHANGE_HOLD,
    CF_SIP_CHANGE_UNHOLD,
    CF_SIP_CHANGE_REFRESH,
};

/* A transfer by REFER, of one side or the other; one at a time. */
enum cf_sip_refer_state {
    CF_SIP_REFER_NOTHING,
    CF_SIP_REFER_WAITING,  /* our REFER is not sent before the ACK of our 2xx */
    CF_SIP_REFER_ASKED,    /* our REFER has no final response */
    CF_SIP_REFER_ACCEPTED, /* the peer tells how it goes */
    CF_SIP_REFER_OBEYED,   /* the peer asked: we call, and tell how it goes */
    CF_SIP_REFER_OVER,     /* it has been told that it went well; its BYE is awaited */
};

struct cf_sip_refer {
    uint8_t state;  /* enum cf_sip_refer_state */
    uint8_t wanted; /* enum cf_sip_referral, of ours */
    bool silent;    /* OBEYED: nothing is told, since the peer does not want it or did not take it */
    uint16_t told;  /* OBEYED: status of the newest NOTIFY */
    uint16_t news;  /* OBEYED: the newest status, to be told when NOTIFY has been answered */
    uint32_t cseq;  /* of the REFER */
};

/* The far end of a dialog: what requests to it need. */
struct cf_sip_far {
    struct cf_sip_words target, routes, remote;
};

struct cf_sip_call {
    struct cf_sip_node node; /* by dialog; not in an outgoing call without tag of the peer, which has none */
    struct cf_sip_timer timer;
    uint64_t timer_ns;         /* what the timer runs to */
    uint64_t due[CF_SIP_DUES]; /* 0: not waited for */
    uint32_t generation;       /* odd: live */
    uint8_t state;
    uint8_t change;     /* enum cf_sip_change, of the INVITE within the dialog that is on its way */
    uint8_t wanted;     /* enum cf_sip_change, which waits for its turn */
    uint8_t offered;    /* enum cf_sdp_direction of our newest description when it was an offer, else OFFERED_NOTHING */
    uint8_t progress;   /* outgoing: the newest of CONNECTED's forerunners that was told, enum cf_sip_event_kind */
    uint8_t told;       /* CONNECTED, HELD, RESUMED or ONHOLD, the newest that was told */
    uint8_t auth_tries; /* of the request on its way */
    uint8_t redirects;  /* followed so far */
    uint8_t retries;    /* of a re-INVITE that met 491 */
    uint8_t strays;     /* PRACKs, and BYEs of further forks, sent so far */
    bool outgoing;
    bool muted;
    bool alerted;
    bool held;      /* by the peer */
    bool holds;     /* we hold the peer */
    bool operating; /* hold, unhold or digits was asked from above and DONE is owed */
    bool refresh_due;
    bool cancel_sent;
    bool rang_too_long;
    bool credentials;    /* requests of this call carry them */
    bool quiet;          /* it is transferred: IDLE comes without DISCONNECTED */
    bool picked_up;      /* outgoing: another call took its place before it was answered */
    bool to_focus;       /* outgoing: whoever answers must be the focus of a conference */
    bool watches;        /* it is to tell who comes and goes */
    uint8_t watch_tries; /* as auth_tries, of SUBSCRIBE */
    uint32_t next_free;
    uint32_t invite_cseq; /* of the INVITE that began the call */
    uint32_t remote_cseq;
    uint32_t local_cseq;
    uint32_t reliable_seen;          /* the peer's RSeq of the newest reliable response of a fork; 0: none */
    struct cf_sip_key reliable_fork; /* that fork's dialog */
    struct cf_sip_key fork_ended;    /* the newest fork that was answered too late, and got BYE */
    uint32_t min_se_s;               /* the shortest session interval that the peer takes; 0: it did not say */
    uint32_t limit_s;                /* outgoing: how long it may ring */
    uint32_t sdp_version;
    uint64_t sdp_session; /* the same in every o= line of the call */
    uint64_t sdp_mark;    /* of the peer's newest description (cf_sdp_mark()); 0: none */
    uint64_t user;
    struct cf_sip_server *invite; /* the INVITE of the peer that began the call, as long as its transaction lives */
    struct cf_sip_client *client[CF_SIP_CALL_USES];
    struct cf_sip_stored text;
    uint16_t text_len[CF_SIP_TEXTS];
    bool offers;               /* the peer's INVITE brought no offer: the prepared body is ours */
    struct cf_sip_stored body; /* session description for the 200, prepared when the INVITE came */
    struct cf_sip_ok ok;
    struct cf_sip_reliable reliable;
    struct cf_sip_session session;
    uint64_t session_end_ns; /* when it is over unless it was refreshed */
    struct cf_sip_refer refer;
    uint32_t
        former_refer; /* CSeq of our REFER before, whose subscription has not ended though its outcome is known; 0: none */
    struct cf_sip_stored lines;  /* headers of the first INVITE (Replaces, Referred-By), or of the REFER */
    uint64_t referrer;           /* the call whose REFER asked for this one, and is to hear how it goes; 0: none */
    struct cf_sip_stored digits; /* still to be sent */
    uint32_t digits_at, digit_ms;
    uint64_t infos_ns; /* when the INFOs that came would have come at the rate that is allowed */
    struct cf_sip_hop
        peer; /* source of the newest request of the dialog; outgoing, until answered: where INVITE goes */
};

struct cf_sip_calls {
    struct cf_sip_stack *stack;
    struct cf_sip_transactions *transactions;
    struct cf_sip_call *call;
    uint32_t calls_max, touched, live;
    uint32_t free_first; /* index + 1; last in, first out: its lines are warm */
    struct cf_sip_table dialogs;
    bool overload; /* whoever takes the events cannot follow: no calls begin but those that are made from above */
    void (*event)(void *context, const struct cf_sip_event *event);
    void *event_context;
};

/* ---- names, texts, deadlines, events (call.c) */

uint64_t cf_sip_call_id(const struct cf_sip_calls *calls, const struct cf_sip_call *call);
struct cf_sip_call *cf_sip_call_of(const struct cf_sip_calls *calls, uint64_t id); /* NULL: stale */

/* The dialog that a request with a tag in To belongs to. */
struct cf_sip_call *cf_sip_call_find(const struct cf_sip_calls *calls, const struct cf_sip_msg *request);

struct cf_sip_key cf_sip_call_key(const struct cf_sip_calls *calls, struct cf_sip_words call_id,
                                  struct cf_sip_words local_tag, struct cf_sip_words remote_tag);

/* The dialog that a response to our INVITE makes or belongs to. */
struct cf_sip_key cf_sip_key_of_response(const struct cf_sip_calls *calls, const struct cf_sip_msg *response);

/* Copies a part; returns its length. */
size_t cf_sip_call_text(const struct cf_sip_calls *calls, const struct cf_sip_call *call, enum cf_sip_text part,
                        char *dst, size_t bytes);

/* Appends a part to the stack's buffer. */
void cf_sip_call_put(struct cf_sip_calls *calls, const struct cf_sip_call *call, enum cf_sip_text part);

/* Gives a part another text; false, counted and nothing changed, when there is no room. The text may not lie in stack->text. */
bool cf_sip_call_set(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_text part, const char *text,
                     size_t len);

/* Where the peer was heard last. */
void cf_sip_call_set_peer(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_hop *peer);

/* The newest Contact of the peer becomes the remote target. */
void cf_sip_call_set_target(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *msg);

/* When `due` is to be looked after; 0: not any more. */
void cf_sip_call_due(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_due due, uint64_t at_ns);

void cf_sip_call_report(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_event_kind kind);
void cf_sip_call_report_event(struct cf_sip_calls *calls, const struct cf_sip_call *call, struct cf_sip_event *event);
void cf_sip_call_report_disconnected(struct cf_sip_calls *calls, struct cf_sip_call *call,
                                     const struct cf_sip_cause *cause);

/* Tells what the two holds amount to, when that has changed. */
void cf_sip_call_report_media(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* Tells how hold, unhold or digits ended, when that is owed. */
void cf_sip_call_report_done(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status);

/* True while the call is answered and neither side has ended it. */
static inline bool cf_sip_call_connected(const struct cf_sip_call *call)
{
    return call->state == CF_SIP_CALL_ANSWERED || call->state == CF_SIP_CALL_CONFIRMED;
}

/* A new call with a name, in the state given; NULL: none left. */
struct cf_sip_call *cf_sip_call_claim(struct cf_sip_calls *calls, enum cf_sip_call_state state);
void cf_sip_call_free(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* IDLE, and gone. */
void cf_sip_call_end(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* The peer ended it: DISCONNECTED was told, IDLE follows after the linger. */
void cf_sip_call_linger(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* The causes of a Reason header of a message that ended a call. */
struct cf_sip_cause cf_sip_call_cause(const struct cf_sip_msg *msg, enum cf_sip_ending ending);

/* Ends the call: before the answer with this final status (0: 603), or CANCEL; later with BYE; during the linger IDLE comes at
 * once. */
int cf_sip_call_drop(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status);

void cf_sip_call_timeout(struct cf_sip_calls *calls, struct cf_sip_call *call);

bool cf_sip_calls_check(const struct cf_sip_calls *calls);

/* ---- the peer's INVITE (uas.c) */

/* What a new call begins with. */
struct cf_sip_beginning {
    const struct cf_sip_msg *invite;
    const struct cf_sip_hop *source;
    const struct cf_sip_identity *identity;
    const char *tag;               /* ours, CF_SIP_TAG_LEN bytes */
    const struct cf_sip_out *body; /* session description prepared for the answer */
    uint64_t sdp_session;
    uint64_t sdp_mark;
    bool offers;   /* the description is an offer */
    bool holds;    /* the INVITE's offer puts us on hold */
    bool reliable; /* provisional responses are to be acknowledged */
    struct cf_sip_session session;
};

/* Makes a call of an INVITE. NULL: no room. Nothing is sent or told yet. */
struct cf_sip_call *cf_sip_call_new(struct cf_sip_calls *calls, const struct cf_sip_beginning *beginning);

/* Joins the call with its INVITE's transaction and starts the time limit. */
void cf_sip_call_start(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_server *invite);

/* Reports OFFERING; the call may be gone afterwards. */
void cf_sip_call_offer(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_identity *identity);

int cf_sip_call_accept(struct cf_sip_calls *calls, struct cf_sip_call *call);
int cf_sip_call_answer(struct cf_sip_calls *calls, struct cf_sip_call *call);
void cf_sip_call_refuse(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status);

/* Sends a call that is not answered on to another, with 302: its caller calls there. -EINVAL: not in this state; -EDESTADDRREQ: the
 * destination is none. */
int cf_sip_call_redirect(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_words destination);

/* An ACK of the dialog; true when a 2xx was waiting for it. */
bool cf_sip_call_ack(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *ack);

/* CANCEL of its INVITE, which is answered 487. False: too late, nothing happened. */
bool cf_sip_call_cancel(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *cancel);

/* PRACK; false: of no response that waits for one. */
bool cf_sip_call_prack(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *prack);

/* The PRACK has been answered: the 200 that waited for it may go out. */
void cf_sip_call_prack_answered(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* BYE of the peer, which has been answered. */
void cf_sip_call_bye(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *bye);

/* Begins to wait for the ACK of the 2xx that stands in the stack's buffer. */
void cf_sip_call_wait_ack(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_hop *peer,
                          uint32_t cseq, bool offers);

/* These are the deadlines of an incoming call. */
void cf_sip_call_trying(struct cf_sip_calls *calls, struct cf_sip_call *call);
void cf_sip_call_no_answer(struct cf_sip_calls *calls, struct cf_sip_call *call);
void cf_sip_call_ring_again(struct cf_sip_calls *calls, struct cf_sip_call *call);
void cf_sip_call_repeat_reliable(struct cf_sip_calls *calls, struct cf_sip_call *call);
void cf_sip_call_repeat_ok(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* ---- our INVITE (uac.c) */

struct cf_sip_making {
    struct cf_sip_words destination; /* digits, user@host, or a whole URI */
    uint64_t user;
    uint32_t limit_s;          /* given up when it is not answered for so long; 0: ring_limit */
    struct cf_sip_words lines; /* further headers of its INVITE, each with CRLF */
    uint64_t referrer;         /* see struct cf_sip_call */
    bool to_focus;             /* a 2xx of somebody who is no focus is acknowledged and ended */
    bool holds;                /* we hold from the beginning: sendonly is offered */
};

/* True for a destination that can be called. */
bool cf_sip_callable(const struct cf_sip_config *config, struct cf_sip_words destination);

/* The Request-URI of a destination; false: it is none. */
bool cf_sip_destination_put(const struct cf_sip_config *config, struct cf_sip_words destination,
                            struct cf_sip_out *out);

/* Makes a call and sends its INVITE. 0 with the call, which is then CALLING (no event tells it), or a negative errno: -EINVAL
 * destination, -ENOSPC no room. */
int cf_sip_call_make(struct cf_sip_calls *calls, const struct cf_sip_making *making, struct cf_sip_call **ret_call);

/* A response to the INVITE of an outgoing call. */
void cf_sip_call_invite_response(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *client,
                                 enum cf_sip_heard heard, const struct cf_sip_msg *response);

/* Nobody answered the INVITE. */
void cf_sip_call_unreachable(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* Begins to cancel. */
void cf_sip_call_give_up(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* It has rung too long, or the CANCEL had no effect. */
void cf_sip_call_out_of_time(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* ---- further requests of ours (request.c) */

/* Where a request to this URI goes: a numeric host of the peer's address family, else where the newest request came from. */
struct cf_sip_hop cf_sip_call_hop(const struct cf_sip_call *call, const char *uri, size_t len);

/* Begins a request within the dialog in the stack's buffer, all up to CSeq; sends it: false, no transaction is left, or it is too
 * large. */
struct cf_sip_out *cf_sip_call_begin_request(struct cf_sip_calls *calls, struct cf_sip_call *call,
                                             enum cf_sip_method method, struct cf_sip_asking *ret_asking);
bool cf_sip_call_send_request(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_asking *asking);

/* Sends BYE. Where no transaction is left it goes out once, and the call is over. */
void cf_sip_call_send_bye(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* DISCONNECTED, and BYE as soon as it may be sent: not before the ACK of our 2xx (RFC 3261 15). */
void cf_sip_call_hang_up(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_ending ending);

/* The answer to our offer cannot be used, nor be refused: the call ends (RFC 3261 13.2.2.4, 13.3.1.4). */
void cf_sip_call_end_incompatible(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* Sends ACK for a 2xx to an INVITE of ours within this dialog, and keeps it in the transaction. */
void cf_sip_call_send_ack(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *invite);

/* True for a URI with ;transport=tcp. */
bool cf_sip_uri_wants_stream(const char *uri, size_t len);

/* The routes of a response, nearest first: Record-Route in reverse order (RFC 3261 12.1.2). Returns their length. */
size_t cf_sip_routes_reversed(const struct cf_sip_msg *response, char *to, size_t bytes);

/* Sends INVITE, the first or within the dialog. False: no transaction is left, or it is too large. */
bool cf_sip_call_send_invite(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* Takes what the peer answers to the description that we offered. False: it cannot be used. */
bool cf_sip_call_take_description(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *msg);

/* Takes what a 2xx to an INVITE of ours says of session timer and media. False: it cannot be used. */
bool cf_sip_call_take_answer(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response);

/* Confirms and ends at once the dialog of another fork, which was answered too. */
void cf_sip_call_end_fork(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_client *invite,
                          const struct cf_sip_msg *response);

/* Acknowledges a reliable provisional response (RFC 3262) in the early dialog that it names. */
void cf_sip_call_send_prack(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response);

/* -ENOSPC when no transaction is left. */
int cf_sip_call_hold(struct cf_sip_calls *calls, struct cf_sip_call *call, bool hold);

/* digits: 0-9 A-D * # and ',' for a pause; an empty text stops the digits that run, if any. */
int cf_sip_call_digits(struct cf_sip_calls *calls, struct cf_sip_call *call, const char *digits, size_t len,
                       uint32_t duration_ms);

/* A final response to a request of ours within the dialog. Nobody answered: client and response NULL, status 408. */
void cf_sip_call_request_response(struct cf_sip_calls *calls, struct cf_sip_call *call, enum cf_sip_use use,
                                  struct cf_sip_client *client, const struct cf_sip_msg *response, unsigned status);

void cf_sip_call_next_digit(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* The peer is known to have our 2xx: digits and a REFER that waited for that go out. Before, they could overtake it, and would find no
 * dialog (RFC 3261 12.2.2: 481). */
void cf_sip_call_confirm(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* Starts what waits for its turn: a refresh, a re-INVITE again. */
void cf_sip_call_advance(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* ---- digits of the peer (info.c) */

/* INFO, of which too many have not come. False: refused, so that its CSeq does not count. */
bool cf_sip_call_info(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request);

/* True when the call may bring another INFO now; else it was refused, and counts as one that came. */
bool cf_sip_call_info_admits(struct cf_sip_calls *calls, struct cf_sip_call *call,
                             const struct cf_sip_request *request);

/* ---- transfers by REFER (refer.c) */

/* A dialog of ours as its far end is told of it. */
struct cf_sip_dialog_name {
    struct cf_sip_out target;   /* who is at its far end: a URI */
    struct cf_sip_out replaces; /* the value of Replaces, escaped; empty: it is not answered */
    char target_text[512], replaces_text[1024];
};

/* What our REFER is for. */
enum cf_sip_referral {
    CF_SIP_REFERRAL_TRANSFER, /* the peer is to talk to another, and the call ends */
    CF_SIP_REFERRAL_JOIN,     /* a focus is to call another into its conference; the call goes on */
    CF_SIP_REFERRAL_REMOVE,   /* a focus is to hang up on another: method=BYE (RFC 4579 5.11); the call goes on */
};

struct cf_sip_referring {
    struct cf_sip_words destination; /* as of cf_sip_making; of REMOVE a sip: URI */
    struct cf_sip_words replaces;    /* as of cf_sip_dialog_name */
    enum cf_sip_referral wanted;
};

/* The call's dialog, or where it is calling. -EINVAL: it is neither answered nor one of ours that is being made; -EMSGSIZE. */
int cf_sip_call_name(struct cf_sip_calls *calls, const struct cf_sip_call *call, struct cf_sip_dialog_name *ret_name);

/* Asks the peer to call another, or to hang up on it: REFER. DONE tells the outcome; after 200 of a transfer the call ends with BYE and
 * IDLE. -EINVAL: it is not answered; -EDESTADDRREQ: the destination is none. */
int cf_sip_call_refer(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_referring *referring);
bool cf_sip_call_send_refer(struct cf_sip_calls *calls, struct cf_sip_call *call);
/* Sends a REFER that waited for the ACK of our 2xx. */
void cf_sip_call_refer_confirmed(struct cf_sip_calls *calls, struct cf_sip_call *call);
bool cf_sip_call_send_notify(struct cf_sip_calls *calls, struct cf_sip_call *call);
void cf_sip_call_refer_response(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response,
                                unsigned status);
void cf_sip_call_notify_response(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status);

/* NOTIFY and REFER of the peer. False: refused, so that its CSeq does not count. */
bool cf_sip_call_notified(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request);
bool cf_sip_call_referred(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request);

/* The call that a REFER asked for has had this status: whoever asked hears it. A call that nobody asked for: nothing. */
void cf_sip_call_refer_progress(struct cf_sip_calls *calls, struct cf_sip_call *call, unsigned status);

/* Its deadline. */
void cf_sip_call_refer_due(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* ---- who is in a conference (watch.c) */

/* Asks the focus to tell who comes and goes: SUBSCRIBE. */
void cf_sip_call_watch(struct cf_sip_calls *calls, struct cf_sip_call *call);
bool cf_sip_call_send_subscribe(struct cf_sip_calls *calls, struct cf_sip_call *call);
void cf_sip_call_watch_response(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response,
                                unsigned status);

/* A NOTIFY of it, the last or not. False: refused, so that its CSeq does not count. */
bool cf_sip_call_watched(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_request *request,
                         bool over);

/* ---- calls that take the place of others (replace.c) */

/* The call that an INVITE is to take the place of, and why, LINECALLREASON_; *ret_call NULL: it names none. False: refused. */
bool cf_sip_replace_find(struct cf_sip_calls *calls, const struct cf_sip_request *request,
                         struct cf_sip_call **ret_call, uint32_t *ret_reason);

/* Offers the new call, answers it and ends the old one; within the event OFFERING it may be refused, and the old one goes on. */
void cf_sip_replace(struct cf_sip_calls *calls, struct cf_sip_call *call, struct cf_sip_call *old,
                    const struct cf_sip_identity *identity);

/* ---- session timer (session.c) */

/* Takes the interval of a message that settles it, and waits for the refresh or its absence. */
void cf_sip_session_start(struct cf_sip_calls *calls, struct cf_sip_call *call);
/* A refresh failed: once more, before the interval is over; then the call is. */
void cf_sip_session_again(struct cf_sip_calls *calls, struct cf_sip_call *call);
void cf_sip_session_due(struct cf_sip_calls *calls, struct cf_sip_call *call);

/* A 422 says that the session interval must be longer: true when it can be asked for again, which is once (RFC 4028 7.3). */
bool cf_sip_session_raise(struct cf_sip_calls *calls, struct cf_sip_call *call, const struct cf_sip_msg *response);

#endif
