/*
 * Headers of transfers: who is to be called, instead of which call, on whose word, and how it went.
 *
 * Shape:    readers take a scanned message and point into it; writers write values or whole lines.
 * Errors:   readers: 1 it is there, 0 it is not, -1 it is malformed or there twice; only 1 writes the result.
 * Overlap:  pure functions.
 * Trust:    see scan.h. What a Refer-To asks for is anybody's wish: of the headers in its URI Replaces alone is read.
 * Source:   RFC 3515 (Refer-To, event refer), RFC 3891 (Replaces), RFC 3892 (Referred-By), RFC 4488 (Refer-Sub), RFC 6665 (Event,
 *           Subscription-State), RFC 3261 19.1.1 (headers in URIs).
 */
#ifndef CALLFAN_ADAPTERS_SIP_REFERRAL_H
#define CALLFAN_ADAPTERS_SIP_REFERRAL_H

#include "adapters/sip/out.h"
#include "adapters/sip/scan.h"

enum { CF_SIP_REPLACES_MAX = 1024 }; /* bytes of a Replaces value, escaped or not */

struct cf_sip_refer_to {
    struct cf_sip_slice uri;      /* without its headers */
    struct cf_sip_slice replaces; /* the value of its Replaces header, escaped; {0, 0}: none */
    bool invites;                 /* the method that it asks for is INVITE */
};

int cf_sip_refer_to_read(const struct cf_sip_msg *msg, struct cf_sip_refer_to *ret_refer_to);

/* Decodes %xx. Returns the length, 0: malformed, a byte that cannot stand in a header, or too long. */
size_t cf_sip_unescape(char *dst, size_t bytes, const char *text, size_t len);

/* A dialog as its far end names it: to-tag is the far end's, from-tag ours. */
struct cf_sip_replaces {
    const char *call_id, *to_tag, *from_tag;
    size_t call_id_len, to_tag_len, from_tag_len;
    bool early_only;
};

/* A value, unescaped. False: malformed. */
bool cf_sip_replaces_parse(const char *text, size_t len, struct cf_sip_replaces *ret_replaces);
int cf_sip_replaces_read(const struct cf_sip_msg *msg, struct cf_sip_replaces *ret_replaces);

/* The value, escaped as the header of a URI. early_only is not written. */
void cf_sip_replaces_put_escaped(struct cf_sip_out *out, const struct cf_sip_replaces *replaces);

int cf_sip_referred_by_read(const struct cf_sip_msg *msg, struct cf_sip_address *ret_address);

/* Refer-Sub: true, or false: whoever sends it wants no NOTIFYs, or sends none. */
int cf_sip_refer_sub_read(const struct cf_sip_msg *msg, bool *ret_subscribes);

/* Event: the package, and which REFER of the dialog it is about. */
struct cf_sip_package {
    bool refer;      /* else another one, or */
    bool conference; /* RFC 4575 */
    bool identified; /* with id */
    uint32_t id;     /* CSeq of the REFER */
};

int cf_sip_package_read(const struct cf_sip_msg *msg, struct cf_sip_package *ret_package);

/* Allow-Events: the peer has the package of conferences. */
bool cf_sip_conference_package_read(const struct cf_sip_msg *msg);

/* Subscription-State: nothing more will be told. */
int cf_sip_subscription_read(const struct cf_sip_msg *msg, bool *ret_over);

#endif
