/*
 * Digest authentication, from both sides: answering the challenges of others, and challenging.
 *
 * Shape:     a challenge is kept as a bounded copy; everything else points into the caller's texts. Nothing is kept between
 *            calls: our nonces carry their time and a keyed hash that only we can make.
 * Units:     seconds of the clock that the caller passes in.
 * Invariant: no password is written anywhere but into the hash; comparisons of secrets take the same time whatever differs.
 * Overlap:   pure functions.
 * Errors:    bool; enum cf_sip_auth for a request's credentials.
 * Trust:     challenges and credentials come from the network. Texts longer than the limits, repeated parameters, unknown
 *            algorithms and unknown qualities make a challenge unusable, not the message; the next one is tried.
 * Source:    RFC 3261 22, RFC 7616, RFC 8760; RFC 2069's form, where a challenge has no qop.
 *
 * Decisions: quoted texts are hashed as they stand between the quotes, so a user name or realm of ours may hold neither '"' nor '\'
 * (cf_sip_auth_quotable()). The -sess algorithms and auth-int are not done. The digest's uri is not compared with
 * the Request-URI (RFC 3261 22.4: proxies may have changed that). nc is hashed and not remembered: within the life of a
 * nonce, whoever can send from the same source address can repeat a request's credentials for that method and uri.
 * Credentials without qop are accepted.
 */
#ifndef CALLFAN_ADAPTERS_SIP_AUTH_H
#define CALLFAN_ADAPTERS_SIP_AUTH_H

#include "adapters/sip/hash.h"
#include "adapters/sip/out.h"
#include "adapters/sip/scan.h"

enum {
    CF_SIP_REALM_MAX = 127, /* bytes of a challenge's texts; longer ones are not answered */
    CF_SIP_NONCE_MAX = 255,
    CF_SIP_OPAQUE_MAX = 255,
    CF_SIP_CNONCE_LEN = 16,
    CF_SIP_OUR_NONCE_LEN = 48, /* time and hash, hexadecimal */
    CF_SIP_DIGEST_HEX_MAX = 64,
};

enum cf_sip_algorithm {
    CF_SIP_ALGORITHM_MD5,
    CF_SIP_ALGORITHM_SHA256, /* the stronger one last */
    CF_SIP_ALGORITHMS
};

struct cf_sip_piece {
    const char *text;
    size_t len;
};

/* ---- the response value */

struct cf_sip_digest {
    enum cf_sip_algorithm algorithm;
    struct cf_sip_piece username, realm, password, method, uri, nonce;
    struct cf_sip_piece qop, nc, cnonce; /* qop.len 0: none of the three */
};

/* Writes it in hexadecimal, without a terminating 0; returns its length (32 or 64). */
size_t cf_sip_digest_hex(const struct cf_sip_digest *digest, char hex[CF_SIP_DIGEST_HEX_MAX]);

/* True when the text can stand between quotes as it is. */
bool cf_sip_auth_quotable(const char *text);

/* ---- as a client */

struct cf_sip_challenge {
    bool proxy; /* of Proxy-Authenticate */
    bool stale;
    bool qop; /* "auth" is among the qualities that it names */
    bool algorithm_named;
    bool opaque_given;
    uint8_t algorithm; /* enum cf_sip_algorithm */
    uint8_t realm_len;
    uint8_t nonce_len;
    uint8_t opaque_len;
    char realm[CF_SIP_REALM_MAX];
    char nonce[CF_SIP_NONCE_MAX];
    char opaque[CF_SIP_OPAQUE_MAX];
};

/* The best challenge of a 401 (WWW-Authenticate) or 407 (Proxy-Authenticate): SHA-256 before MD5, then the first. realm
 * NULL: any. False: none that can be answered, and nothing written. */
bool cf_sip_challenge_read(const struct cf_sip_msg *response, const char *realm,
                           struct cf_sip_challenge *ret_challenge);

/* The same of one header value, which may hold several challenges. `best` is replaced by a better one when `have`. */
bool cf_sip_challenge_choose(const char *value, size_t len, bool proxy, const char *realm, bool have,
                             struct cf_sip_challenge *best);

struct cf_sip_credentials {
    const char *username;
    const char *password;
};

/* What the credentials are for. */
struct cf_sip_auth_use {
    const char *method;
    const char *uri; /* the Request-URI */
    size_t uri_len;
    uint32_t nc;        /* 1 for the first request with this nonce, then counted up */
    const char *cnonce; /* see cf_sip_cnonce_make() */
};

/* Writes the line "Authorization: ..." or "Proxy-Authorization: ...", with CRLF. False: the user name or the uri cannot
 * stand between quotes, and nothing was written. */
bool cf_sip_authorization_put(struct cf_sip_out *out, const struct cf_sip_challenge *challenge,
                              const struct cf_sip_credentials *credentials, const struct cf_sip_auth_use *use);

/* A cnonce of a number that does not come twice; ended by 0. */
void cf_sip_cnonce_make(const struct cf_sip_key *secret, uint64_t unique, char cnonce[CF_SIP_CNONCE_LEN + 1]);

/* ---- as a server */

/* Whom we let in. */
struct cf_sip_guard {
    struct cf_sip_key secret; /* of the nonces */
    const char *realm;        /* quotable */
    const char *const *admit; /* "user:password" */
    unsigned admits;
    uint32_t nonce_s; /* how long a nonce may be used */
    unsigned algorithms; /* bits 1u << CF_SIP_ALGORITHM_x that we offer and take; 0: all */
};

enum cf_sip_auth {
    CF_SIP_AUTH_OK,
    CF_SIP_AUTH_MISSING,      /* no credentials for our realm */
    CF_SIP_AUTH_MALFORMED,    /* 400, or challenge again */
    CF_SIP_AUTH_UNKNOWN_USER, /* to be answered as WRONG: outside nobody is to learn who exists */
    CF_SIP_AUTH_WRONG,
    CF_SIP_AUTH_STALE, /* right, but with a nonce that is too old or not ours: challenge with stale */
};

/* Writes our challenges, a line with CRLF each: SHA-256 before MD5 (RFC 8760 2.3). source: the bytes of the peer's address, without port. */
void cf_sip_challenge_put(struct cf_sip_out *out, const struct cf_sip_guard *guard, const void *source,
                          size_t source_len, uint64_t now_s, bool stale);

/* Checks the Authorization lines of a request; the one for our realm counts. ret_admit: index of the user that was let in. */
enum cf_sip_auth cf_sip_authorization_check(const struct cf_sip_guard *guard, const struct cf_sip_msg *request,
                                            const void *source, size_t source_len, uint64_t now_s, unsigned *ret_admit);

#endif
