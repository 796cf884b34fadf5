/*
 * Messages out of a byte stream: where one ends is what its Content-Length says.
 *
 * Shape:     struct cf_sip_framer, one per connection, and CF_SIP_FRAME_BYTES of memory for a message that came in pieces. A
 *            message that lies whole in what was received is not copied.
 * Units:     bytes.
 * Invariant: the same bytes give the same frames, however they were cut. At most CF_SIP_FRAME_BYTES are held.
 * Overlap:   pure; any number of threads on different framers.
 * Errors:    enum cf_sip_frame_fault. After one the stream cannot be read on (nobody knows where the next message begins): the
 *            connection is to be closed, and the framer gives the same fault for ever.
 * Trust:     everything comes from the network. Control bytes, a first line that is not SIP, a missing, malformed, repeated or
 *            too large Content-Length and endless headers are faults. That the rest is a good message is cf_sip_scan()'s to say.
 * Source:    RFC 3261 sections 7.5, 18.3, 20.14; RFC 5626 section 4.4.1.
 */
#ifndef CALLFAN_ADAPTERS_SIP_FRAME_H
#define CALLFAN_ADAPTERS_SIP_FRAME_H

#include "adapters/sip/scan.h"

enum {
    CF_SIP_FRAME_BYTES = CF_SIP_MESSAGE_BYTES_MAX, /* longest message */
    CF_SIP_FRAME_HEADER_BYTES = 32768,             /* of these, up to and with the empty line */
};

#define CF_SIP_FRAME_FAULTS(X)                                                                                         \
    X(NONE, "none")                                                                                                    \
    X(NOT_SIP, "not SIP")                                                                                              \
    X(CONTROL_BYTE, "control byte in a header")                                                                        \
    X(HEADER_LONG, "headers too long")                                                                                 \
    X(NO_LENGTH, "no Content-Length")                                                                                  \
    X(BAD_LENGTH, "malformed or repeated Content-Length")                                                              \
    X(TOO_LONG, "message too long")

enum cf_sip_frame_fault {
#define X(name, text) CF_SIP_FRAME_##name,
    CF_SIP_FRAME_FAULTS(X)
#undef X
        CF_SIP_FRAME_FAULTS_COUNT
};

enum cf_sip_frame_what {
    CF_SIP_FRAME_MORE,    /* everything was taken; more bytes are needed */
    CF_SIP_FRAME_MESSAGE, /* bytes, len: one whole message, valid until the next call */
    CF_SIP_FRAME_PING,    /* CRLF CRLF between messages: wants CRLF back */
    CF_SIP_FRAME_PONG,    /* CRLF between messages; known when the byte behind it has come */
    CF_SIP_FRAME_FAULT,
};

struct cf_sip_frame {
    const char *bytes;
    size_t len;
};

struct cf_sip_framer {
    char *held;          /* the caller's CF_SIP_FRAME_BYTES */
    uint32_t held_bytes; /* of the message begun, in held */
    uint32_t line;       /* where the line being read begins, from the message's start */
    uint32_t seen;       /* no line ends before this */
    uint32_t length;     /* where the value of Content-Length begins; 0: none yet */
    uint32_t need_bytes; /* of the whole message; 0: its headers have not ended */
    uint8_t crlf_bytes;  /* of CR LF CR LF, read between messages */
    enum cf_sip_frame_fault fault;
};

void cf_sip_framer_init(struct cf_sip_framer *framer, char held[CF_SIP_FRAME_BYTES]);

/*
 * Takes bytes from [*at, end), moves *at behind them, and tells what they were. Call it until it says MORE or FAULT. What a
 * message points to is the caller's input or the framer's memory.
 */
enum cf_sip_frame_what cf_sip_framer_next(struct cf_sip_framer *framer, const char **at, const char *end,
                                          struct cf_sip_frame *ret_frame);

/* True while a message is begun and not whole. */
bool cf_sip_framer_inside(const struct cf_sip_framer *framer);
const char *cf_sip_frame_fault_text(enum cf_sip_frame_fault fault);
bool cf_sip_framer_check(const struct cf_sip_framer *framer);

#endif
