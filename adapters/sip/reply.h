/*
 * Replies that are built and sent at once: to requests that begin no call, and within dialogs.
 *
 *     struct cf_sip_out *out = cf_sip_reply_begin(stack, request, 405, NULL);
 *     CF_SIP_PUT(out, "Allow: ...\r\n");
 *     cf_sip_reply_end(...)
 *
 * Invariant: the tag is a keyed hash of what identifies the request, so a reply without a transaction is the same each
 *            time the request comes (RFC 3261 8.2.7), and CANCEL and its INVITE get the same tag.
 */
#ifndef CALLFAN_ADAPTERS_SIP_REPLY_H
#define CALLFAN_ADAPTERS_SIP_REPLY_H

#include "adapters/sip/response.h"
#include "adapters/sip/transaction.h"

/* A request in hand. */
struct cf_sip_request {
    const struct cf_sip_msg *msg;
    struct cf_sip_hop source;
    struct cf_sip_key key;    /* of its server transaction */
    struct cf_sip_key merged; /* of the same INVITE over any path */
};

void cf_sip_tag_make(const struct cf_sip_stack *stack, const struct cf_sip_msg *request, char tag[CF_SIP_TAG_LEN]);

/* Status line and head. reason NULL: the RFC's. */
struct cf_sip_out *cf_sip_reply_begin(struct cf_sip_stack *stack, const struct cf_sip_request *request, unsigned status,
                                      const char *reason);

/* Ends the reply without a body and sends it without a transaction. */
void cf_sip_reply_stateless(struct cf_sip_stack *stack, const struct cf_sip_request *request, unsigned status);

/* Ends the reply with a body (len 0: none) and sends it through a new transaction; without one when there is none left. */
void cf_sip_reply_end(struct cf_sip_transactions *t, const struct cf_sip_request *request, unsigned status,
                      const char *body, size_t len);

/* A whole reply without headers of its own and without a transaction. */
void cf_sip_reply_plain(struct cf_sip_stack *stack, const struct cf_sip_request *request, unsigned status);

/* True when the request asks for no extension that we cannot do, else 420 was sent. ret_options: what the peer can do or
 * demands, as bits of enum cf_sip_option; ret_required: what it demands. */
bool cf_sip_reply_extensions(struct cf_sip_stack *stack, const struct cf_sip_request *request, uint32_t *ret_options,
                             uint32_t *ret_required);

/* What a request that may refresh the session makes of its timer. False: 400 or 422 was sent. */
bool cf_sip_reply_session(struct cf_sip_stack *stack, const struct cf_sip_request *request,
                          struct cf_sip_session *ret_session);

/* True when whoever calls may do so; else 401 was sent. */
bool cf_sip_reply_admits(struct cf_sip_stack *stack, const struct cf_sip_request *request);

/* True when the sender of the request is one of those whom a setting trusts. */
bool cf_sip_reply_trusts(const struct cf_sip_stack *stack, const struct cf_sip_request *request,
                         enum cf_sip_trust trust);

/* 405 for methods that we know, 501 for others. */
void cf_sip_reply_method(struct cf_sip_stack *stack, const struct cf_sip_request *request);

/* 200 with what we can do, through a transaction when in_dialog. */
void cf_sip_reply_options(struct cf_sip_transactions *t, const struct cf_sip_request *request, bool in_dialog);

/* What the body of an INVITE or UPDATE asks for. */
enum cf_sip_media {
    CF_SIP_MEDIA_ANSWERED, /* the description written answers its offer */
    CF_SIP_MEDIA_OFFERED,  /* it has no offer: the description written is ours */
    CF_SIP_MEDIA_REFUSED,  /* 415 or 488 was sent */
};

/* Our side of a session description. */
struct cf_sip_described {
    uint64_t session;
    uint32_t version;
    enum cf_sdp_direction ours; /* SENDRECV, or SENDONLY while we hold the peer */
};

/* Writes our session description into `out`, from the request's. ret_holds: the peer's offer puts us on hold;
 * ret_mark: the offer's mark, 0: none. */
enum cf_sip_media cf_sip_reply_media(struct cf_sip_stack *stack, const struct cf_sip_request *request,
                                     const struct cf_sip_described *described, struct cf_sip_out *out, bool *ret_holds,
                                     uint64_t *ret_mark);

#endif
