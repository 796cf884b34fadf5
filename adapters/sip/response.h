/*
 * Building responses from a scanned request, into the caller's buffer.
 *
 * Shape:     status line, head (what is repeated from the request), the answerer's own headers, length, body. The head is a
 *            piece of its own, so that a call keeps it and answers long after the request's bytes are gone.
 * Invariant: every Via of the request is repeated in order; the topmost gets `received` and `rport` as the source demands; every
 *            header that is written stands on one line.
 * Source:    RFC 3261 8.2.6, 18.2.1, 18.2.2; RFC 3581 section 4.
 */
#ifndef CALLFAN_ADAPTERS_SIP_RESPONSE_H
#define CALLFAN_ADAPTERS_SIP_RESPONSE_H

#include "adapters/sip/net.h"
#include "adapters/sip/out.h"
#include "adapters/sip/scan.h"

/* Methods that we answer to, for Allow; and REFER, where the configuration says so. */
#define CF_SIP_ALLOW "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK, NOTIFY"

/* Bodies of INFO that we read, for Accept. */
#define CF_SIP_INFO_TYPES "application/dtmf-relay, application/dtmf"

/* The RFC's reason phrase for a status, "Unknown" for one it does not know. */
const char *cf_sip_status_text(unsigned status);

void cf_sip_put_status_line(struct cf_sip_out *out, unsigned status, const char *reason);

/* Via, From, To, Call-ID, CSeq. The tag is added to To when the request has none there; tag_len 0 adds none (100). */
void cf_sip_put_head(struct cf_sip_out *out, const struct cf_sip_msg *request, const union cf_sip_addr *source,
                     const char *tag, size_t tag_len);

/* The Record-Route headers, which belong into responses that make a dialog. */
void cf_sip_put_routes(struct cf_sip_out *out, const struct cf_sip_msg *request);

/* Content-Type (when there is a body), Content-Length, the empty line and the body. */
void cf_sip_put_body(struct cf_sip_out *out, const char *type, const char *body, size_t len);

/* Where the response goes: back over a stream; else the source host, its port with rport, else the port of the topmost Via. */
struct cf_sip_hop cf_sip_response_hop(const struct cf_sip_msg *request, const struct cf_sip_hop *source);

#endif
