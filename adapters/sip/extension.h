/*
 * Small headers and bodies of the extensions: reliable provisional responses, session timers, redirection, registration,
 * transfer, digits.
 *
 * Shape:    readers take a scanned message; writers write whole lines with CRLF.
 * Errors:   readers: 1 it is there, 0 it is not, -1 it is malformed; only 1 writes the result.
 * Overlap:  pure functions.
 * Trust:    see scan.h. Numbers have the bounds of their RFCs; lists are cut at the limits below.
 * Source:   RFC 3262 (RSeq, RAck), RFC 4028 (Session-Expires, Min-SE, 422), RFC 3261 20 (Contact, Retry-After, Min-Expires, Allow),
 *           RFC 3420 (sipfrag), RFC 3840 (isfocus); application/dtmf-relay and application/dtmf have no RFC.
 */
#ifndef CALLFAN_ADAPTERS_SIP_EXTENSION_H
#define CALLFAN_ADAPTERS_SIP_EXTENSION_H

#include "adapters/sip/out.h"
#include "adapters/sip/scan.h"

enum {
    CF_SIP_CONTACTS_MAX = 16,     /* contacts that are read of a message */
    CF_SIP_DTMF_MS_MAX = 5000,    /* longer digits are cut to it */
    CF_SIP_DTMF_MS_DEFAULT = 100, /* where a body does not say */
    CF_SIP_SESSION_S_MIN = 90,    /* RFC 4028: no session interval is shorter */
};

/* ---- option tags, as bits 1u << CF_SIP_OPTION_x */

#define CF_SIP_OPTIONS(X)                                                                                              \
    X(REL100, "100rel")                                                                                                \
    X(TIMER, "timer")                                                                                                  \
    X(REPLACES, "replaces")                                                                                            \
    X(NOREFERSUB, "norefersub")                                                                                        \
    X(FROM_CHANGE, "from-change")                                                                                      \
    X(HISTINFO, "histinfo")                                                                                            \
    X(PRIVACY, "privacy")                                                                                              \
    X(PATH, "path")                                                                                                    \
    X(OUTBOUND, "outbound")                                                                                            \
    X(GRUU, "gruu")

enum cf_sip_option {
#define X(name, text) CF_SIP_OPTION_##name,
    CF_SIP_OPTIONS(X)
#undef X
        CF_SIP_OPTIONS_COUNT
};

/* Supported (&msg->supported) or Require (&msg->require). ret_others: tags that are none of the above. False: malformed; what was
 * read before stands in the results. */
bool cf_sip_options_read(const struct cf_sip_msg *msg, const struct cf_sip_list *list, uint32_t *ret_set,
                         unsigned *ret_others);

/* "Supported: a, b" with that name; nothing for an empty set. */
void cf_sip_options_put(struct cf_sip_out *out, const char *header, uint32_t set);

/* 420's "Unsupported: ..." of all tags of Require that are not in `understood`. Returns how many there are. */
unsigned cf_sip_unsupported_put(struct cf_sip_out *out, const struct cf_sip_msg *msg, uint32_t understood);

/* Allow as bits 1u << enum cf_sip_method; methods that we do not know are left out. */
int cf_sip_allow_read(const struct cf_sip_msg *msg, uint32_t *ret_methods);

/* ---- numbers */

int cf_sip_rseq_read(const struct cf_sip_msg *msg, uint32_t *ret_rseq); /* 1 to 2^32-1 */
int cf_sip_min_se_read(const struct cf_sip_msg *msg, uint32_t *ret_s);
int cf_sip_min_expires_read(const struct cf_sip_msg *msg, uint32_t *ret_s);
int cf_sip_retry_after_read(const struct cf_sip_msg *msg, uint32_t *ret_s); /* comment and parameters are passed over */

struct cf_sip_rack {
    uint32_t rseq;
    uint32_t cseq;
    enum cf_sip_method method;
};

int cf_sip_rack_read(const struct cf_sip_msg *msg, struct cf_sip_rack *ret_rack);
void cf_sip_rack_put(struct cf_sip_out *out, const struct cf_sip_rack *rack);
void cf_sip_rseq_put(struct cf_sip_out *out, uint32_t rseq);

/* ---- contacts */

/* The parameters behind an address that was read, for cf_sip_param_next(). */
struct cf_sip_cursor cf_sip_address_params(const struct cf_sip_msg *msg, const struct cf_sip_address *address);

struct cf_sip_contact {
    struct cf_sip_slice uri;
    struct cf_sip_slice display;
    bool display_quoted;
    bool expires_given;
    uint16_t q; /* thousandths; 1000 where it is not said */
    uint32_t expires_s;
};

struct cf_sip_contacts {
    unsigned count;
    unsigned left_out; /* malformed ones, and those that are one too many */
    struct cf_sip_contact contact[CF_SIP_CONTACTS_MAX];
};

/* All contacts of the message, the most wanted (q) first, those of one q as they stand. Returns how many. */
unsigned cf_sip_contacts_read(const struct cf_sip_msg *msg, struct cf_sip_contacts *ret_contacts);

/* What a 200 to REGISTER grants to the contact with this user (may be empty), host and port (0 is 5060): its expires, else the
 * Expires header. False: the contact is not there, or nothing says how long. */
bool cf_sip_granted_read(const struct cf_sip_msg *response, const char *user, const char *host, uint16_t port,
                         uint32_t *ret_s);

/* The message's Contact says that it is the focus of a conference (RFC 3840, RFC 4579): isfocus. */
bool cf_sip_focus_read(const struct cf_sip_msg *msg);

/* ---- bodies */

/* True when Content-Type is this type, whatever its parameters. Both words in lower case. */
bool cf_sip_type_is(const struct cf_sip_msg *msg, const char *type, const char *subtype);

/* The status of a message/sipfrag body: 100 to 699, 0: none. */
unsigned cf_sip_sipfrag_status(const char *body, size_t len);

/* application/dtmf-relay. digit: 0-9 * # A-D, nothing else is written. */
void cf_sip_dtmf_put(struct cf_sip_out *out, char digit, unsigned duration_ms);
bool cf_sip_dtmf_read(const char *body, size_t len, char *ret_digit, unsigned *ret_duration_ms);

/* application/dtmf: the digit, or its number, alone. */
bool cf_sip_dtmf_bare_read(const char *body, size_t len, char *ret_digit);

/* True when the body may be left alone by who does not understand it: Content-Disposition with handling=optional. */
bool cf_sip_body_optional(const struct cf_sip_msg *msg);
bool cf_sip_body_encoded(const struct cf_sip_msg *msg);

/* ---- session timers (RFC 4028) */

enum cf_sip_refresher {
    CF_SIP_REFRESHER_NONE,
    CF_SIP_REFRESHER_UAC,
    CF_SIP_REFRESHER_UAS,
};

/* What the configuration wants. */
struct cf_sip_session_wish {
    uint32_t session_s; /* 0: no session timers at all, as if we had never heard of them */
    uint32_t min_se_s;  /* shorter intervals of others are refused; below 90 counts as 90 */
};

/* What the peer's message says. */
struct cf_sip_session_peer {
    bool supported;     /* Supported or Require: timer */
    uint32_t session_s; /* Session-Expires; 0: none */
    enum cf_sip_refresher refresher;
    uint32_t min_se_s; /* Min-SE; 0: none */
};

/* False: Session-Expires, Min-SE or an option list is malformed (400 for a request); then there is no timer in the result. */
bool cf_sip_session_read(const struct cf_sip_msg *msg, struct cf_sip_session_peer *ret_peer);

struct cf_sip_session {
    bool too_small; /* UAS: answer 422 with cf_sip_session_put_422() */
    bool ours;      /* we refresh, at half of the interval; else the peer does, and we end the call when it does not */
    bool required;  /* UAS: the 2xx must have Require: timer */
    uint32_t session_s;              /* 0: no timer runs */
    enum cf_sip_refresher refresher; /* of this transaction: UAC is who sent the request */
};

/* An INVITE or UPDATE that came in: what the 2xx is to say. Write it with cf_sip_session_put(). */
struct cf_sip_session cf_sip_session_as_uas(const struct cf_sip_session_wish *wish,
                                            const struct cf_sip_session_peer *request);

/* The 2xx to an INVITE or UPDATE of ours: what holds now. */
struct cf_sip_session cf_sip_session_as_uac(const struct cf_sip_session_wish *wish,
                                            const struct cf_sip_session_peer *response);

/* Session-Expires (and Min-SE) of a request of ours. raised_s: Min-SE of a 422 that came, 0: none. running: what holds in the
 * dialog, NULL: first INVITE; who refreshes stays the same. Nothing when we want no timers. Supported: timer is the caller's. */
void cf_sip_session_put_request(struct cf_sip_out *out, const struct cf_sip_session_wish *wish, uint32_t raised_s,
                                const struct cf_sip_session *running);

/* Session-Expires of our 2xx; nothing when no timer runs. Require: timer is the caller's, see `required`. */
void cf_sip_session_put(struct cf_sip_out *out, const struct cf_sip_session *session);

/* Min-SE of our 422. */
void cf_sip_session_put_422(struct cf_sip_out *out, const struct cf_sip_session_wish *wish);

#endif
