/*
 * Session descriptions: reading an offer, making an answer or an offer from configuration.
 *
 * Shape:     one audio stream over RTP/AVP with the static payload types of the configuration; every other stream of an
 *            offer is answered with port 0.
 * Invariant: an answer has as many streams as the offer, in the same order.
 * Errors:    enum cf_sdp_error; nothing acceptable in a good offer is CF_SDP_ERROR_NOTHING (SIP 488).
 * Trust:     everything comes from the network; at most CF_SDP_STREAMS_MAX streams and CF_SDP_FORMATS_MAX formats are read.
 * Source:    RFC 4566 (SDP), RFC 3264 (offer and answer; hold in section 8.4), RFC 3551 (static payload types).
 */
#ifndef CALLFAN_ADAPTERS_SIP_SDP_H
#define CALLFAN_ADAPTERS_SIP_SDP_H

#include "adapters/sip/out.h"
#include "adapters/sip/text.h"

enum {
    CF_SDP_STREAMS_MAX = 16,
    CF_SDP_FORMATS_MAX = 32,
    CF_SDP_CODECS_MAX = 8,
};

#define CF_SDP_ERRORS(X)                                                                                               \
    X(OK, "OK")                                                                                                        \
    X(EMPTY, "Empty Session Description")                                                                              \
    X(VERSION, "Session Description Version Not 0")                                                                    \
    X(LINE, "Malformed Session Description Line")                                                                      \
    X(CONNECTION, "Malformed Connection Data")                                                                         \
    X(MEDIA, "Malformed Media Description")                                                                            \
    X(TOO_MANY, "Too Many Media Descriptions")                                                                         \
    X(NO_CONNECTION, "No Connection Data")                                                                             \
    X(NOTHING, "No Acceptable Media")

enum cf_sdp_error {
#define X(name, text) CF_SDP_ERROR_##name,
    CF_SDP_ERRORS(X)
#undef X
        CF_SDP_ERRORS_COUNT
};

enum cf_sdp_direction {
    CF_SDP_SENDRECV,
    CF_SDP_SENDONLY,
    CF_SDP_RECVONLY,
    CF_SDP_INACTIVE,
};

struct cf_sdp_stream {
    struct cf_sip_slice media;   /* "audio" */
    struct cf_sip_slice proto;   /* "RTP/AVP" */
    struct cf_sip_slice formats; /* the rest of the m= line */
    uint32_t port;
    enum cf_sdp_direction direction;
    bool null_address; /* c= of this stream is 0.0.0.0 or :: */
};

struct cf_sdp {
    const char *base;
    struct cf_sip_slice origin;  /* value of o= */
    struct cf_sip_slice address; /* of c= that counts for the audio stream */
    unsigned streams;
    int audio; /* the stream that an answer takes: audio, RTP/AVP, port not 0; -1: none */
    struct cf_sdp_stream stream[CF_SDP_STREAMS_MAX];
};

/* An RTP payload type that the configuration offers. */
struct cf_sdp_codec {
    uint8_t payload; /* 0 PCMU, 8 PCMA */
    const char *name;
};

struct cf_sdp_local {
    const char *address; /* without brackets */
    bool ipv6;
    uint16_t port;
    unsigned codecs;
    struct cf_sdp_codec codec[CF_SDP_CODECS_MAX];
};

enum cf_sdp_error cf_sdp_scan(const char *text, size_t len, struct cf_sdp *ret_sdp);
const char *cf_sdp_error_text(enum cf_sdp_error error);

/* True when the offer puts this side on hold: sendonly, inactive or a null address (RFC 3264 8.4). */
bool cf_sdp_holds(const struct cf_sdp *offer);

/* True when the answer to our offer takes our stream: it is not refused, and with a codec of ours. */
bool cf_sdp_accepted(const struct cf_sdp *answer, const struct cf_sdp_local *local);

/* True when the answer to our offer puts this side on hold, given what we offered: the peer does not want what we would send. The
 * answer to INACTIVE says nothing and is false: what was known before holds on. */
bool cf_sdp_answer_holds(const struct cf_sdp *answer, enum cf_sdp_direction offered);

/* What our answer says, when we want `ours` (RFC 3264 6.1): of what we want, the part that the offer lets be. */
enum cf_sdp_direction cf_sdp_answer_direction(const struct cf_sdp *offer, enum cf_sdp_direction ours);

/* A mark of the o= line, never 0; 0: there is no such line. The same mark twice: the peer has changed nothing (RFC 3264 8). */
uint64_t cf_sdp_mark(const struct cf_sdp *sdp);

/* Writes the answer, with cf_sdp_answer_direction(); session and version are those of our o= line. CF_SDP_ERROR_NOTHING: no stream or codec in common, and
 * nothing written. */
enum cf_sdp_error cf_sdp_answer_as(const struct cf_sdp *offer, const struct cf_sdp_local *local,
                                   enum cf_sdp_direction ours, uint64_t session, uint32_t version,
                                   struct cf_sip_out *out);

/* Writes an offer with all codecs: SENDRECV, or SENDONLY or INACTIVE to hold. */
void cf_sdp_offer_as(const struct cf_sdp_local *local, enum cf_sdp_direction ours, uint64_t session, uint32_t version,
                     struct cf_sip_out *out);

/* Both, wanting SENDRECV. */
enum cf_sdp_error cf_sdp_answer(const struct cf_sdp *offer, const struct cf_sdp_local *local, uint64_t session,
                                uint32_t version, struct cf_sip_out *out);
void cf_sdp_offer(const struct cf_sdp_local *local, uint64_t session, uint32_t version, struct cf_sip_out *out);

#endif
