/*
 * Who calls, who was called, who sent the call on: the parties that a message names, as TAPI has them.
 *
 * Shape:     bounded copies, UTF-8, cut at a character's border, without terminating 0.
 * Invariant: flags are LINECALLPARTYID_ bits: ADDRESS when there is a number, NAME when there is a name; BLOCKED alone: the
 *            party hides, and no text is given; UNKNOWN alone: named, but in no way that can be read. 0: the message does not
 *            name such a party.
 * Overlap:   pure functions.
 * Trust:     everything comes from the network. P-Asserted-Identity is believed only from those whom the configuration
 *            trusts; From, Diversion and History-Info are anybody's word.
 * Source:    RFC 3261; RFC 3323, RFC 3325 (privacy, asserted identity); RFC 5806 (Diversion); RFC 7044, RFC 4244 (History-Info);
 *            RFC 4458 (cause parameter).
 *
 * Decisions: a number is the URI's user part, else its host; an unreadable URI stands as it is. From "anonymous" or of the domain
 * anonymous.invalid hides. Privacy id, user or header hides the caller, history (or header) the diverting party. Where Diversion
 * and History-Info both name one, Diversion counts. A History-Info entry with rc (a registered contact) or np sends nobody on.
 */
#ifndef CALLFAN_ADAPTERS_SIP_IDENTITY_H
#define CALLFAN_ADAPTERS_SIP_IDENTITY_H

#include "adapters/sip/scan.h"

enum {
    CF_SIP_PARTY_BYTES_MAX = 128, /* of a number or a name */
    CF_SIP_HISTORY_MAX = 16,      /* entries of History-Info that are read */
};

struct cf_sip_party {
    uint32_t flags; /* LINECALLPARTYID_ */
    uint8_t number_len;
    uint8_t name_len;
    char number[CF_SIP_PARTY_BYTES_MAX];
    char name[CF_SIP_PARTY_BYTES_MAX];
};

struct cf_sip_identity {
    struct cf_sip_party caller;
    struct cf_sip_party called;      /* Request-URI; its user part missing: To */
    struct cf_sip_party redirecting; /* who sent the call on last */
    struct cf_sip_party redirection; /* where to: the called party, when somebody sent the call on */
    uint32_t reason;                 /* LINECALLREASON_: DIRECT, FWDUNCOND, FWDBUSY, FWDNOANSWER, TRANSFER (Referred-By),
                                        or REDIRECT: sent on, why is not known, or deflected */
};

/* Of an INVITE that came in. */
void cf_sip_identity_of_invite(const struct cf_sip_msg *invite, bool trusted, struct cf_sip_identity *ret_identity);

/* Who has a call transferred, of a REFER: Referred-By, else From. */
void cf_sip_identity_of_referrer(const struct cf_sip_msg *refer, struct cf_sip_party *ret_party);

/* Who answered, of a 2xx: P-Asserted-Identity when trusted, else the Contact when it has a user part. False: not said. */
bool cf_sip_identity_of_answer(const struct cf_sip_msg *response, bool trusted, struct cf_sip_party *ret_connected);

/* Where the call is sent on to, of a 181 or 3xx: the Contact (the most wanted one), else the last entry of History-Info; and
 * why, for 181 from Diversion or History-Info too. False: the message does not say where; the reason is written all the same. */
bool cf_sip_identity_of_redirection(const struct cf_sip_msg *response, struct cf_sip_party *ret_redirection,
                                    uint32_t *ret_reason);

/* A number as applications see it, of any URI; returns its length. */
size_t cf_sip_number_copy(char *dst, size_t dst_bytes, const char *uri, size_t len);

#endif
