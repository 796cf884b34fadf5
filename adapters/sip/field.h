/*
 * Structured header values: Via, addresses, CSeq, Reason, URIs.
 *
 * Shape:    each reader takes a cursor over one header value, or a slice of one, and fills slices of the message.
 * Errors:   bool; false means malformed, and what was read so far stands in the result.
 * Trust:    see scan.h.
 * Source:   RFC 3261 19.1, 20.10, 20.20, 20.39, 20.42, 25.1; RFC 3326 (Reason); RFC 3966 (tel).
 */
#ifndef CALLFAN_ADAPTERS_SIP_FIELD_H
#define CALLFAN_ADAPTERS_SIP_FIELD_H

#include "adapters/sip/scan.h"

/* ";name[=value]". A value in quotes is given without them. */
struct cf_sip_param {
    const char *name;
    size_t name_len;
    const char *value; /* NULL: none */
    size_t value_len;
    const char *end; /* behind the parameter, closing quote included */
};

/* Reads the next parameter: 1 got one, 0 there is none (the cursor stands at ',', at the end or at something else),
 * -1 malformed. */
int cf_sip_param_next(struct cf_sip_cursor *c, struct cf_sip_param *ret_param);

/* Reads the first Via value; the cursor then stands at the end or at the comma. */
bool cf_sip_via_read(struct cf_sip_cursor *c, const char *base, struct cf_sip_via *ret_via);

/* Reads one address with its parameters; the cursor then stands at the end or at the comma. */
bool cf_sip_address_read(struct cf_sip_cursor *c, const char *base, struct cf_sip_address *ret_address);

/* The same for a value inside a message: `limit`, the message's end, is how far memory may be read. */
bool cf_sip_via_read_within(struct cf_sip_cursor *c, const char *limit, const char *base, struct cf_sip_via *ret_via);
bool cf_sip_address_read_within(struct cf_sip_cursor *c, const char *limit, const char *base,
                                struct cf_sip_address *ret_address);

bool cf_sip_cseq_read(struct cf_sip_cursor *c, struct cf_sip_msg *msg);

enum cf_sip_method cf_sip_method_of(const char *text, size_t len);

enum cf_sip_scheme {
    CF_SIP_SCHEME_OTHER,
    CF_SIP_SCHEME_SIP,
    CF_SIP_SCHEME_SIPS,
    CF_SIP_SCHEME_TEL,
};

/* Pointers into the text that was read. For tel: user is the number, host is empty. */
struct cf_sip_uri {
    enum cf_sip_scheme scheme;
    const char *user; /* before the first ';' of the user part, without the password */
    size_t user_len;
    const char *host; /* an IPv6 reference without its brackets */
    size_t host_len;
    bool host_ipv6;
    bool lr;
    uint16_t port; /* 0: none given */
};

bool cf_sip_uri_read(const char *text, size_t len, struct cf_sip_uri *ret_uri);

/* The causes that Reason headers carry (RFC 3326); 0 where there is none. */
struct cf_sip_reason {
    uint16_t q850;
    uint16_t sip;
    const char *text; /* of the value that gave q850, else of the SIP one; without quotes; NULL: none */
    size_t text_len;
};

void cf_sip_reason_read(const struct cf_sip_msg *msg, struct cf_sip_reason *ret_reason);

/* Calls `each` for every token of comma-separated lists (Require, Supported). Returns false on a malformed list. */
bool cf_sip_list_walk(const struct cf_sip_msg *msg, const struct cf_sip_list *list,
                      void (*each)(void *context, const char *token, size_t len), void *context);

#endif
