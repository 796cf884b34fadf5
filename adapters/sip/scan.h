/*
 * The SIP scanner: one pass over a message, no copy, no allocation, no system call.
 *
 * Shape:     struct cf_sip_msg points into the caller's bytes; it keeps what an event core needs and counts the rest.
 * Units:     offsets and lengths in bytes from the start of the message; Expires in seconds.
 * Invariant: every slice lies inside the message; whatever the input, at most CF_SIP_HEADERS_MAX headers are read.
 * Overlap:   pure function; any number of threads on different structures.
 * Errors:    enum cf_sip_error, the first fault found. Scanning goes on after a fault, so that a 400 can be built from
 *            what is there (cf_sip_msg_answerable()).
 * Trust:     everything comes from the network. Duplicate single headers, contradicting lengths, control bytes, numbers
 *            out of range are faults; unknown headers are counted and passed over.
 * Source:    RFC 3261 sections 7, 20, 25; RFC 3581; RFC 3326; RFC 4475 for what to accept and what to refuse.
 *
 * Decisions where the RFC leaves room: a line may end in LF alone; a bare CR, NUL or another control byte is a fault; an
 * empty parameter (";;") is a fault, and so is a second tag, or a second branch of the topmost Via; white space inside a header's
 * name is a fault; an address without <> that holds '?' is a fault; bytes after the body of a datagram are ignored.
 */
#ifndef CALLFAN_ADAPTERS_SIP_SCAN_H
#define CALLFAN_ADAPTERS_SIP_SCAN_H

#include "adapters/sip/text.h"

enum {
    CF_SIP_MESSAGE_BYTES_MAX = 65535,
    CF_SIP_HEADERS_MAX = 256, /* lines, folded ones counted once */
    CF_SIP_VIAS_MAX = 32,     /* Via lines; a line may hold several values */
    CF_SIP_ROUTES_MAX = 16,   /* Record-Route lines */
    CF_SIP_LISTS_MAX = 4,     /* lines kept of each of Require, Supported, Reason, P-Asserted-Identity */
    CF_SIP_EXTRAS_MAX = 24,   /* lines kept of the headers that few messages have */
};

#define CF_SIP_METHODS(X)                                                                                              \
    X(INVITE)                                                                                                          \
    X(ACK)                                                                                                             \
    X(BYE)                                                                                                             \
    X(CANCEL)                                                                                                          \
    X(OPTIONS)                                                                                                         \
    X(INFO)                                                                                                            \
    X(UPDATE)                                                                                                          \
    X(PRACK)                                                                                                           \
    X(REGISTER)                                                                                                        \
    X(SUBSCRIBE)                                                                                                       \
    X(NOTIFY)                                                                                                          \
    X(REFER)                                                                                                           \
    X(MESSAGE)                                                                                                         \
    X(PUBLISH)

enum cf_sip_method {
    CF_SIP_UNKNOWN, /* a token that is none of the others; struct cf_sip_msg keeps its text */
#define X(name) CF_SIP_##name,
    CF_SIP_METHODS(X)
#undef X
        CF_SIP_METHODS_COUNT
};

/* What can be wrong, with the reason phrase of the answer. NOISE is what is not SIP at all and is never answered. */
#define CF_SIP_ERRORS(X)                                                                                               \
    X(OK, "OK")                                                                                                        \
    X(EMPTY, "Empty Datagram")                                                                                         \
    X(TOO_LONG, "Message Too Large")                                                                                   \
    X(NOISE, "Not SIP")                                                                                                \
    X(START_LINE, "Malformed Start Line")                                                                              \
    X(VERSION, "Version Not Supported")                                                                                \
    X(STATUS, "Malformed Status Code")                                                                                 \
    X(CONTROL_BYTE, "Control Byte in Header")                                                                          \
    X(UNTERMINATED, "Missing Empty Line after Headers")                                                                \
    X(HEADER_LINE, "Malformed Header Line")                                                                            \
    X(TOO_MANY_HEADERS, "Too Many Headers")                                                                            \
    X(TOO_MANY_VALUES, "Too Many Via or Record-Route Headers")                                                         \
    X(DUPLICATE, "Repeated Single-Value Header")                                                                       \
    X(VIA, "Malformed Via Header")                                                                                     \
    X(FROM, "Malformed From Header")                                                                                   \
    X(TO, "Malformed To Header")                                                                                       \
    X(CALL_ID, "Malformed Call-ID Header")                                                                             \
    X(CSEQ, "Malformed CSeq Header")                                                                                   \
    X(CSEQ_METHOD, "CSeq Method Does Not Match")                                                                       \
    X(CONTACT, "Malformed Contact Header")                                                                             \
    X(RECORD_ROUTE, "Malformed Record-Route Header")                                                                   \
    X(MAX_FORWARDS, "Malformed Max-Forwards Header")                                                                   \
    X(CONTENT_LENGTH, "Malformed Content-Length Header")                                                               \
    X(BODY_SHORT, "Body Shorter Than Content-Length")                                                                  \
    X(MISSING_VIA, "Missing Via Header")                                                                               \
    X(MISSING_FROM, "Missing From Header")                                                                             \
    X(MISSING_TO, "Missing To Header")                                                                                 \
    X(MISSING_CALL_ID, "Missing Call-ID Header")                                                                       \
    X(MISSING_CSEQ, "Missing CSeq Header")

enum cf_sip_error {
#define X(name, text) CF_SIP_ERROR_##name,
    CF_SIP_ERRORS(X)
#undef X
        CF_SIP_ERRORS_COUNT
};

/* Headers that the scanner knows; those before EXTRA are also the bit numbers of cf_sip_msg.seen. */
enum cf_sip_header {
    CF_SIP_HEADER_OTHER,
    CF_SIP_HEADER_VIA,
    CF_SIP_HEADER_FROM,
    CF_SIP_HEADER_TO,
    CF_SIP_HEADER_CALL_ID,
    CF_SIP_HEADER_CSEQ,
    CF_SIP_HEADER_CONTACT,
    CF_SIP_HEADER_RECORD_ROUTE,
    CF_SIP_HEADER_MAX_FORWARDS,
    CF_SIP_HEADER_CONTENT_LENGTH,
    CF_SIP_HEADER_CONTENT_TYPE,
    CF_SIP_HEADER_CONTENT_ENCODING,
    CF_SIP_HEADER_EXPIRES,
    CF_SIP_HEADER_REQUIRE,
    CF_SIP_HEADER_SUPPORTED,
    CF_SIP_HEADER_REASON,
    CF_SIP_HEADER_ASSERTED,
    CF_SIP_HEADER_EXTRA, /* no header: those that follow are kept as lines, unread (cf_sip_extra()) */
    CF_SIP_HEADER_ALLOW = CF_SIP_HEADER_EXTRA,
    CF_SIP_HEADER_ALLOW_EVENTS,
    CF_SIP_HEADER_AUTHORIZATION,
    CF_SIP_HEADER_CONTACT_MORE, /* Contact lines after the first */
    CF_SIP_HEADER_CONTENT_DISPOSITION,
    CF_SIP_HEADER_DIVERSION,
    CF_SIP_HEADER_EVENT,
    CF_SIP_HEADER_HISTORY_INFO,
    CF_SIP_HEADER_INFO_PACKAGE,
    CF_SIP_HEADER_MIN_EXPIRES,
    CF_SIP_HEADER_MIN_SE,
    CF_SIP_HEADER_PRIVACY,
    CF_SIP_HEADER_PROXY_AUTHENTICATE,
    CF_SIP_HEADER_PROXY_AUTHORIZATION,
    CF_SIP_HEADER_RACK,
    CF_SIP_HEADER_REFER_SUB,
    CF_SIP_HEADER_REFER_TO,
    CF_SIP_HEADER_REFERRED_BY,
    CF_SIP_HEADER_REPLACES,
    CF_SIP_HEADER_RETRY_AFTER,
    CF_SIP_HEADER_RSEQ,
    CF_SIP_HEADER_SERVICE_ROUTE,
    CF_SIP_HEADER_SESSION_EXPIRES,
    CF_SIP_HEADER_SUBSCRIPTION_STATE,
    CF_SIP_HEADER_WWW_AUTHENTICATE,
};

enum cf_sip_transport {
    CF_SIP_TRANSPORT_OTHER,
    CF_SIP_TRANSPORT_UDP,
    CF_SIP_TRANSPORT_TCP,
    CF_SIP_TRANSPORT_TLS,
};

/* The topmost Via value. */
struct cf_sip_via {
    enum cf_sip_transport transport;
    uint16_t port; /* 0: none given */
    struct cf_sip_slice host;
    struct cf_sip_slice branch;
    struct cf_sip_slice received; /* these two from the parameter's name to the end of its value; {0, 0}: absent */
    struct cf_sip_slice rport;
    struct cf_sip_slice value; /* the whole first value, without those that follow after a comma */
};

/* name-addr or addr-spec, with the parameters behind it. */
struct cf_sip_address {
    struct cf_sip_slice value;   /* all of it, to be copied verbatim */
    struct cf_sip_slice display; /* without quotes */
    struct cf_sip_slice uri;
    struct cf_sip_slice tag;
    bool display_quoted; /* backslash pairs are to be decoded */
};

struct cf_sip_list {
    struct cf_sip_slice line[CF_SIP_LISTS_MAX];
    uint8_t count; /* lines kept */
};

/* A header line that is kept and not read. */
struct cf_sip_extra {
    uint8_t header; /* enum cf_sip_header, EXTRA or above */
    struct cf_sip_slice value;
};

struct cf_sip_msg {
    const char *base;
    uint32_t len;
    uint32_t seen; /* bit per enum cf_sip_header */
    bool is_request;
    uint8_t method;      /* enum cf_sip_method; of a response: the CSeq's */
    uint8_t cseq_method; /* enum cf_sip_method */
    uint8_t error;       /* enum cf_sip_error, the first */
    uint16_t status;     /* of a response */
    uint16_t headers_count;
    uint16_t others_count; /* headers passed over */
    uint8_t vias_count;
    uint8_t routes_count;
    uint8_t max_forwards; /* 255 when absent */
    uint8_t extras_count;
    uint32_t cseq;
    uint32_t expires;
    uint32_t content_length; /* as given; valid when seen */
    struct cf_sip_slice method_text;
    struct cf_sip_slice uri;    /* Request-URI */
    struct cf_sip_slice reason; /* reason phrase of a response */
    struct cf_sip_slice cseq_method_text;
    struct cf_sip_slice cseq_value;
    struct cf_sip_slice call_id;
    struct cf_sip_slice content_type;
    struct cf_sip_slice content_encoding;
    struct cf_sip_slice body;
    struct cf_sip_via via;
    struct cf_sip_address from;
    struct cf_sip_address to;
    struct cf_sip_address contact;    /* the first value; uri "*" for the wildcard */
    struct cf_sip_slice contact_rest; /* the values behind it in the same line, unread */
    /* What follows is valid up to its counts and not cleared by a scan. */
    struct cf_sip_list require;
    struct cf_sip_list supported;
    struct cf_sip_list reasons;
    struct cf_sip_list asserted;
    struct cf_sip_slice vias[CF_SIP_VIAS_MAX];     /* header values in order */
    struct cf_sip_slice routes[CF_SIP_ROUTES_MAX]; /* Record-Route header values in order */
    struct cf_sip_extra
        extra[CF_SIP_EXTRAS_MAX]; /* in order; further ones are passed over and counted in others_count */
};

/*
 * Scans one datagram. Fills ret_msg whatever the result and returns the first fault, CF_SIP_ERROR_OK for a good message.
 * ret_msg borrows `data` as long as it is used.
 */
enum cf_sip_error cf_sip_scan(struct cf_sip_msg *ret_msg, const char *data, size_t len);

/* True when a response to the request can be built: Via, From, To, Call-ID and CSeq are there, and it is not an ACK. */
bool cf_sip_msg_answerable(const struct cf_sip_msg *msg);

/* The nth line (from 0) of a header from EXTRA on; false: there are not so many. */
bool cf_sip_extra(const struct cf_sip_msg *msg, enum cf_sip_header header, unsigned nth,
                  struct cf_sip_slice *ret_value);

static inline const char *cf_sip_ptr(const struct cf_sip_msg *msg, struct cf_sip_slice slice)
{
    return msg->base + slice.at;
}

static inline bool cf_sip_seen(const struct cf_sip_msg *msg, enum cf_sip_header header)
{
    return (msg->seen & (1u << header)) != 0;
}

const char *cf_sip_error_text(enum cf_sip_error error);
const char *cf_sip_method_name(enum cf_sip_method method);

#endif
