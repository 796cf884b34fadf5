#include "adapters/sip/scan.h"
#include "adapters/sip/field.h"

#include <assert.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The scan's place in the message. */
struct scan {
    struct cf_sip_msg *msg;
    const char *p;
    const char *end;
};

static void fault(struct cf_sip_msg *msg, enum cf_sip_error error)
{
    if (msg->error == CF_SIP_ERROR_OK)
        msg->error = (uint8_t)error;
}

static struct cf_sip_slice slice_of(const struct cf_sip_msg *msg, const char *start, const char *end)
{
    return (struct cf_sip_slice){(uint16_t)(start - msg->base), (uint16_t)(end - start)};
}

/*
 * Finds the end of the line at p, folded lines taken as one when `folds`. ret_next is the start of the next line.
 * Without an end of line the line ends with the message and the fault UNTERMINATED is noted.
 */
static const char *line_end(struct scan *s, const char *p, bool folds, const char **ret_next)
{
    while (true) {
        p = cf_sip_find_control(p, s->end);
        if (p == s->end) {
            fault(s->msg, CF_SIP_ERROR_UNTERMINATED);
            *ret_next = p;
            return p;
        }
        if (*p == '\t') {
            p++;
            continue;
        }
        const size_t eol = *p == '\n' ? 1 : *p == '\r' && s->end - p >= 2 && p[1] == '\n' ? 2 : 0;
        if (eol == 0) {
            fault(s->msg, CF_SIP_ERROR_CONTROL_BYTE);
            p++;
            continue;
        }
        const char *next = p + eol;
        if (folds && next < s->end && (*next == ' ' || *next == '\t')) {
            p = next;
            continue;
        }
        *ret_next = next;
        return p;
    }
}

/* "SIP/2.0", in any case. */
static bool version_ok(const char *p, size_t len)
{
    return CF_SIP_SAME(p, len, "sip/2.0");
}

static void scan_status_line(struct cf_sip_msg *msg, const char *p, const char *end)
{
    const char *space = memchr(p, ' ', (size_t)(end - p));
    if (space == NULL || !version_ok(p, (size_t)(space - p))) {
        fault(msg, space == NULL ? CF_SIP_ERROR_START_LINE : CF_SIP_ERROR_VERSION);
        return;
    }
    struct cf_sip_cursor c = {space + 1, end};
    uint32_t status;
    const char *digits = c.p;
    const bool number = cf_sip_take_number(&c, &status);
    if (!number || c.p - digits != 3 || status < 100 || status > 699 || (c.p < end && *c.p != ' ')) {
        fault(msg, CF_SIP_ERROR_STATUS);
        return;
    }
    msg->status = (uint16_t)status;
    if (c.p < end)
        msg->reason = slice_of(msg, c.p + 1, end);
}

static void scan_request_line(struct cf_sip_msg *msg, const char *p, const char *end)
{
    struct cf_sip_cursor c = {p, end};
    const size_t method_len = cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN);
    if (method_len == 0 || !cf_sip_at(&c, ' ')) {
        msg->error = CF_SIP_ERROR_NOISE; /* whatever else is wrong with it */
        return;
    }
    const char *uri = c.p + 1;
    const char *uri_end = memchr(uri, ' ', (size_t)(end - uri));
    const char *version = end;
    while (version > uri && version[-1] != ' ')
        version--;
    if (uri_end == NULL || end - version < 4 || !CF_SIP_SAME(version, 4, "sip/")) {
        /* "INVITE sip:x SIP/2.0 " with trailing spaces is SIP, though malformed; "GET / HTTP/1.1" is not. */
        const char *last = end;
        while (last > uri && last[-1] == ' ')
            last--;
        const bool sip = last - uri >= 8 && CF_SIP_SAME(last - 8, 8, " sip/2.0");
        if (!sip) {
            msg->error = CF_SIP_ERROR_NOISE;
            return;
        }
        fault(msg, CF_SIP_ERROR_START_LINE);
    } else if (uri_end + 1 != version || uri_end == uri || *uri == '<') {
        fault(msg, CF_SIP_ERROR_START_LINE);
    } else if (!version_ok(version, (size_t)(end - version))) {
        fault(msg, CF_SIP_ERROR_VERSION);
    }
    msg->is_request = true;
    msg->method_text = slice_of(msg, p, p + method_len);
    msg->method = (uint8_t)cf_sip_method_of(p, method_len);
    if (uri_end != NULL)
        msg->uri = slice_of(msg, uri, uri_end);
}

/* False when there is nothing to go on with: no start line, or one that is not SIP. */
static bool scan_start_line(struct scan *s)
{
    while (s->p < s->end && (*s->p == '\r' || *s->p == '\n'))
        s->p++;
    if (s->p == s->end) {
        fault(s->msg, CF_SIP_ERROR_EMPTY);
        return false;
    }
    const char *next;
    const char *end = line_end(s, s->p, false, &next);
    if (memchr(s->p, '\t', (size_t)(end - s->p)) != NULL)
        fault(s->msg, CF_SIP_ERROR_START_LINE);
    if (end - s->p >= 4 && CF_SIP_SAME(s->p, 4, "sip/"))
        scan_status_line(s->msg, s->p, end);
    else
        scan_request_line(s->msg, s->p, end);
    s->p = next;
    return s->msg->is_request || s->msg->status != 0;
}

#define KEY(len, first) ((unsigned)(len) << 8 | (unsigned)(first))

/* The bytes of two words that differ when letters are compared without case. */
static uint64_t differ8(const char *a, const char *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x | 0x2020202020202020u) ^ (y | 0x2020202020202020u);
}

static uint32_t differ4(const char *a, const char *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x | 0x20202020u) ^ (y | 0x20202020u);
}

/*
 * Compares two names of equal length, 4 or more, a word at a time; the last word overlaps the one before. Setting bit 5
 * folds letters; the other bytes that it makes equal to a letter or '-' cannot stand in a line that passed without a fault.
 */
static bool same_name(const char *name, const char *lower, size_t len)
{
    if (len < 8)
        return (differ4(name, lower) | differ4(name + len - 4, lower + len - 4)) == 0;
    uint64_t differ = differ8(name + len - 8, lower + len - 8);
    for (size_t at = 0; at + 8 < len; at += 8)
        differ |= differ8(name + at, lower + at);
    return differ == 0;
}

/* Length and first letter choose the only candidate, which is then compared. Compact forms need no comparison. */
static enum cf_sip_header header_of(const char *name, size_t len)
{
    const char *full;
    enum cf_sip_header header;
    if (len > 19)
        return CF_SIP_HEADER_OTHER;
    switch (KEY(len, name[0] | 0x20)) {
#define COMPACT(letter, id)                                                                                            \
    case KEY(1, letter):                                                                                               \
        return CF_SIP_HEADER_##id;
#define FULL(first, text, id)                                                                                          \
    case KEY(sizeof(text) - 1, first):                                                                                 \
        full = text;                                                                                                   \
        header = CF_SIP_HEADER_##id;                                                                                   \
        break;
#define EITHER(first, text, id, other_text, other_id) /* two of one length and first letter */                         \
    case KEY(sizeof(text) - 1, first):                                                                                 \
        if (same_name(name, text, len))                                                                                \
            return CF_SIP_HEADER_##id;                                                                                 \
        full = other_text;                                                                                             \
        header = CF_SIP_HEADER_##other_id;                                                                             \
        break;
        COMPACT('v', VIA)
        COMPACT('f', FROM)
        COMPACT('t', TO)
        COMPACT('i', CALL_ID)
        COMPACT('m', CONTACT)
        COMPACT('l', CONTENT_LENGTH)
        COMPACT('c', CONTENT_TYPE)
        COMPACT('e', CONTENT_ENCODING)
        COMPACT('k', SUPPORTED)
        COMPACT('o', EVENT)
        COMPACT('r', REFER_TO)
        COMPACT('x', SESSION_EXPIRES)
        FULL('v', "via", VIA)
        FULL('f', "from", FROM)
        FULL('t', "to", TO)
        FULL('c', "cseq", CSEQ)
        FULL('r', "record-route", RECORD_ROUTE)
        FULL('m', "max-forwards", MAX_FORWARDS)
        FULL('c', "content-type", CONTENT_TYPE)
        FULL('c', "content-length", CONTENT_LENGTH)
        FULL('c', "content-encoding", CONTENT_ENCODING)
        FULL('e', "expires", EXPIRES)
        FULL('r', "require", REQUIRE)
        FULL('s', "supported", SUPPORTED)
        FULL('r', "reason", REASON)
        FULL('a', "allow", ALLOW)
        FULL('a', "authorization", AUTHORIZATION)
        FULL('d', "diversion", DIVERSION)
        FULL('e', "event", EVENT)
        FULL('h', "history-info", HISTORY_INFO)
        FULL('m', "min-expires", MIN_EXPIRES)
        FULL('m', "min-se", MIN_SE)
        FULL('p', "privacy", PRIVACY)
        FULL('p', "proxy-authenticate", PROXY_AUTHENTICATE)
        FULL('r', "retry-after", RETRY_AFTER)
        FULL('s', "service-route", SERVICE_ROUTE)
        FULL('s', "session-expires", SESSION_EXPIRES)
        FULL('w', "www-authenticate", WWW_AUTHENTICATE)
        EITHER('c', "call-id", CALL_ID, "contact", CONTACT)
        EITHER('p', "p-asserted-identity", ASSERTED, "proxy-authorization", PROXY_AUTHORIZATION)
        EITHER('r', "rseq", RSEQ, "rack", RACK)
        EITHER('r', "replaces", REPLACES, "refer-to", REFER_TO)
    default:
        return CF_SIP_HEADER_OTHER;
#undef COMPACT
#undef FULL
#undef EITHER
    }
    const bool same = len >= 4 ? same_name(name, full, len) : cf_sip_same(name, len, full, len);
    return same ? header : CF_SIP_HEADER_OTHER;
}

/* A whole number that is the whole value. */
static bool number_of(struct cf_sip_cursor c, uint32_t *ret_value)
{
    if (!cf_sip_take_number(&c, ret_value))
        return false;
    cf_sip_skip_space(&c);
    return c.p == c.end;
}

static void scan_single_address(struct cf_sip_msg *msg, struct cf_sip_cursor c, struct cf_sip_address *address,
                                enum cf_sip_error error)
{
    const char *start = c.p;
    if (cf_sip_address_read(&c, msg->base, address) && c.p == c.end)
        return;
    fault(msg, error);
    address->value = slice_of(msg, start, c.end); /* a 400 can still repeat it */
}

static void scan_call_id(struct cf_sip_msg *msg, struct cf_sip_cursor c)
{
    const size_t len = (size_t)(c.end - c.p);
    msg->call_id = slice_of(msg, c.p, c.end);
    /* A folded line holds SP or HTAB too. */
    if (len == 0 || memchr(c.p, ' ', len) != NULL || memchr(c.p, '\t', len) != NULL)
        fault(msg, CF_SIP_ERROR_CALL_ID);
}

static void scan_via(struct cf_sip_msg *msg, struct cf_sip_cursor c)
{
    if (msg->vias_count == CF_SIP_VIAS_MAX) {
        fault(msg, CF_SIP_ERROR_TOO_MANY_VALUES);
        return;
    }
    msg->vias[msg->vias_count++] = slice_of(msg, c.p, c.end);
    if (msg->vias_count == 1 && !cf_sip_via_read(&c, msg->base, &msg->via))
        fault(msg, CF_SIP_ERROR_VIA);
}

static void scan_record_route(struct cf_sip_msg *msg, struct cf_sip_cursor c)
{
    if (msg->routes_count == CF_SIP_ROUTES_MAX) {
        fault(msg, CF_SIP_ERROR_TOO_MANY_VALUES);
        return;
    }
    msg->routes[msg->routes_count++] = slice_of(msg, c.p, c.end);
    while (true) {
        struct cf_sip_address route = {0};
        if (!cf_sip_address_read(&c, msg->base, &route)) {
            fault(msg, CF_SIP_ERROR_RECORD_ROUTE);
            return;
        }
        if (!cf_sip_at(&c, ','))
            return;
        c.p++;
    }
}

static void scan_cseq(struct cf_sip_msg *msg, struct cf_sip_cursor c)
{
    msg->cseq_value = slice_of(msg, c.p, c.end);
    if (!cf_sip_cseq_read(&c, msg))
        fault(msg, CF_SIP_ERROR_CSEQ);
}

static void keep_line(struct cf_sip_msg *msg, struct cf_sip_list *list, struct cf_sip_cursor c)
{
    if (list->count < CF_SIP_LISTS_MAX)
        list->line[list->count++] = slice_of(msg, c.p, c.end);
}

static void keep_extra(struct cf_sip_msg *msg, enum cf_sip_header header, struct cf_sip_cursor c)
{
    if (msg->extras_count == CF_SIP_EXTRAS_MAX)
        msg->others_count++;
    else
        msg->extra[msg->extras_count++] = (struct cf_sip_extra){(uint8_t)header, slice_of(msg, c.p, c.end)};
}

static void scan_expires(struct cf_sip_msg *msg, struct cf_sip_cursor c)
{
    /* RFC 4475 3.1.1.12: a value too large to count is as good as for ever; a malformed one counts as absent. */
    if (!number_of(c, &msg->expires))
        msg->expires = UINT32_MAX;
}

static void scan_max_forwards(struct cf_sip_msg *msg, struct cf_sip_cursor c)
{
    uint32_t value;
    if (!number_of(c, &value) || value > 255)
        fault(msg, CF_SIP_ERROR_MAX_FORWARDS);
    else
        msg->max_forwards = (uint8_t)value;
}

/* True for headers of which a message may have one only. */
static bool is_single(enum cf_sip_header header)
{
    const uint32_t single = 1u << CF_SIP_HEADER_FROM | 1u << CF_SIP_HEADER_TO | 1u << CF_SIP_HEADER_CALL_ID |
                            1u << CF_SIP_HEADER_CSEQ | 1u << CF_SIP_HEADER_MAX_FORWARDS |
                            1u << CF_SIP_HEADER_CONTENT_LENGTH | 1u << CF_SIP_HEADER_CONTENT_TYPE |
                            1u << CF_SIP_HEADER_EXPIRES;
    return (single >> header & 1) != 0;
}

static void scan_known(struct cf_sip_msg *msg, enum cf_sip_header header, struct cf_sip_cursor c)
{
    switch (header) {
    case CF_SIP_HEADER_VIA:
        scan_via(msg, c);
        break;
    case CF_SIP_HEADER_FROM:
        scan_single_address(msg, c, &msg->from, CF_SIP_ERROR_FROM);
        break;
    case CF_SIP_HEADER_TO:
        scan_single_address(msg, c, &msg->to, CF_SIP_ERROR_TO);
        break;
    case CF_SIP_HEADER_CALL_ID:
        scan_call_id(msg, c);
        break;
    case CF_SIP_HEADER_CSEQ:
        scan_cseq(msg, c);
        break;
    case CF_SIP_HEADER_CONTACT:
        if (msg->contact.uri.len != 0)
            keep_extra(msg, CF_SIP_HEADER_CONTACT_MORE, c);
        else if (!cf_sip_address_read(&c, msg->base, &msg->contact))
            fault(msg, CF_SIP_ERROR_CONTACT);
        else if (cf_sip_at(&c, ','))
            msg->contact_rest = slice_of(msg, c.p + 1, c.end);
        break;
    case CF_SIP_HEADER_RECORD_ROUTE:
        scan_record_route(msg, c);
        break;
    case CF_SIP_HEADER_MAX_FORWARDS:
        scan_max_forwards(msg, c);
        break;
    case CF_SIP_HEADER_CONTENT_LENGTH:
        if (!number_of(c, &msg->content_length)) {
            fault(msg, CF_SIP_ERROR_CONTENT_LENGTH);
            msg->seen &= ~(1u << header); /* there is no length to go by */
        }
        break;
    case CF_SIP_HEADER_CONTENT_TYPE:
        msg->content_type = slice_of(msg, c.p, c.end);
        break;
    case CF_SIP_HEADER_CONTENT_ENCODING:
        msg->content_encoding = slice_of(msg, c.p, c.end);
        break;
    case CF_SIP_HEADER_EXPIRES:
        scan_expires(msg, c);
        break;
    case CF_SIP_HEADER_REQUIRE:
        keep_line(msg, &msg->require, c);
        break;
    case CF_SIP_HEADER_SUPPORTED:
        keep_line(msg, &msg->supported, c);
        break;
    case CF_SIP_HEADER_REASON:
        keep_line(msg, &msg->reasons, c);
        break;
    case CF_SIP_HEADER_ASSERTED:
        keep_line(msg, &msg->asserted, c);
        break;
    default:
        keep_extra(msg, header, c);
        break;
    }
}

/* The colon of the header line, or NULL. */
static const char *find_colon(const struct scan *s, const char *line, const char *end)
{
#ifdef __SSE2__
    if (s->end - line >= 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)line);
        const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':')));
        if (mask != 0) {
            const char *colon = line + __builtin_ctz((unsigned)mask);
            return colon < end ? colon : NULL;
        }
    }
#else
    (void)s;
#endif
    return memchr(line, ':', (size_t)(end - line));
}

static void scan_header(struct scan *s, const char *line, const char *end)
{
    struct cf_sip_msg *msg = s->msg;
    const char *colon = find_colon(s, line, end);
    const char *name_end = colon;
    while (name_end != NULL && name_end > line && (name_end[-1] == ' ' || name_end[-1] == '\t'))
        name_end--;
    if (name_end == NULL || name_end == line) {
        fault(msg, CF_SIP_ERROR_HEADER_LINE);
        return;
    }
    const enum cf_sip_header header = header_of(line, (size_t)(name_end - line));
    if (header == CF_SIP_HEADER_OTHER) {
        msg->others_count++;
        return;
    }
    if (header < CF_SIP_HEADER_EXTRA && cf_sip_seen(msg, header) && is_single(header)) {
        fault(msg, CF_SIP_ERROR_DUPLICATE);
        return;
    }
    if (header < CF_SIP_HEADER_EXTRA)
        msg->seen |= 1u << header;
    struct cf_sip_cursor value = {colon + 1, end};
    cf_sip_skip_space(&value);
    while (value.end > value.p && cf_sip_is(value.end[-1], CF_SIP_CHAR_SPACE))
        value.end--;
    scan_known(msg, header, value);
}

/* Reads header lines up to the empty line; true when that was found. */
static bool scan_headers(struct scan *s)
{
    while (s->p < s->end) {
        const char *line = s->p;
        const char *next;
        const char *end = line_end(s, line, true, &next);
        s->p = next;
        if (end == line)
            return next != end; /* end of line: the empty line; end of message: none */
        if (s->msg->headers_count == CF_SIP_HEADERS_MAX) {
            fault(s->msg, CF_SIP_ERROR_TOO_MANY_HEADERS);
            return true;
        }
        s->msg->headers_count++;
        scan_header(s, line, end);
    }
    return false;
}

static void scan_body(struct scan *s)
{
    struct cf_sip_msg *msg = s->msg;
    size_t left = (size_t)(s->end - s->p);
    if (cf_sip_seen(msg, CF_SIP_HEADER_CONTENT_LENGTH)) {
        if (msg->content_length > left)
            fault(msg, CF_SIP_ERROR_BODY_SHORT);
        else
            left = msg->content_length;
    }
    msg->body = slice_of(msg, s->p, s->p + left);
}

static void check_mandatory(struct cf_sip_msg *msg)
{
    static const struct {
        enum cf_sip_header header;
        enum cf_sip_error error;
    } mandatory[] = {
        {CF_SIP_HEADER_VIA, CF_SIP_ERROR_MISSING_VIA},   {CF_SIP_HEADER_FROM, CF_SIP_ERROR_MISSING_FROM},
        {CF_SIP_HEADER_TO, CF_SIP_ERROR_MISSING_TO},     {CF_SIP_HEADER_CALL_ID, CF_SIP_ERROR_MISSING_CALL_ID},
        {CF_SIP_HEADER_CSEQ, CF_SIP_ERROR_MISSING_CSEQ},
    };
    for (size_t i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++)
        if (!cf_sip_seen(msg, mandatory[i].header))
            fault(msg, mandatory[i].error);
    if (!msg->is_request)
        msg->method = msg->cseq_method;
    else if (msg->cseq_method_text.len != 0 &&
             (msg->cseq_method != msg->method || msg->cseq_method_text.len != msg->method_text.len ||
              memcmp(cf_sip_ptr(msg, msg->cseq_method_text), cf_sip_ptr(msg, msg->method_text), msg->method_text.len)))
        fault(msg, CF_SIP_ERROR_CSEQ_METHOD);
}

enum cf_sip_error cf_sip_scan(struct cf_sip_msg *ret_msg, const char *data, size_t len)
{
    memset(ret_msg, 0, offsetof(struct cf_sip_msg, require));
    ret_msg->require.count = 0;
    ret_msg->supported.count = 0;
    ret_msg->reasons.count = 0;
    ret_msg->asserted.count = 0;
    ret_msg->base = data;
    ret_msg->max_forwards = 255;
    if (len > CF_SIP_MESSAGE_BYTES_MAX) {
        ret_msg->error = CF_SIP_ERROR_TOO_LONG;
        return CF_SIP_ERROR_TOO_LONG;
    }
    ret_msg->len = (uint32_t)len;
    struct scan s = {ret_msg, data, data + len};
    if (!scan_start_line(&s))
        return (enum cf_sip_error)ret_msg->error;
    if (scan_headers(&s))
        scan_body(&s);
    else
        fault(ret_msg, CF_SIP_ERROR_UNTERMINATED);
    check_mandatory(ret_msg);
    return (enum cf_sip_error)ret_msg->error;
}

bool cf_sip_extra(const struct cf_sip_msg *msg, enum cf_sip_header header, unsigned nth, struct cf_sip_slice *ret_value)
{
    for (unsigned i = 0; i < msg->extras_count; i++)
        if (msg->extra[i].header == header && nth-- == 0) {
            *ret_value = msg->extra[i].value;
            return true;
        }
    return false;
}

bool cf_sip_msg_answerable(const struct cf_sip_msg *msg)
{
    return msg->is_request && msg->method != CF_SIP_ACK && msg->via.value.len != 0 && msg->from.value.len != 0 &&
           msg->to.value.len != 0 && msg->call_id.len != 0 && msg->cseq_value.len != 0;
}

const char *cf_sip_error_text(enum cf_sip_error error)
{
    static const char *const texts[CF_SIP_ERRORS_COUNT] = {
#define X(name, text) [CF_SIP_ERROR_##name] = text,
        CF_SIP_ERRORS(X)
#undef X
    };
    return error < CF_SIP_ERRORS_COUNT ? texts[error] : "Unknown Error";
}

const char *cf_sip_method_name(enum cf_sip_method method)
{
    static const char *const names[CF_SIP_METHODS_COUNT] = {[CF_SIP_UNKNOWN] = "UNKNOWN",
#define X(name) [CF_SIP_##name] = #name,
                                                            CF_SIP_METHODS(X)
#undef X
    };
    return method < CF_SIP_METHODS_COUNT ? names[method] : "UNKNOWN";
}
