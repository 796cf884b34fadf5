#include "adapters/sip/scan.h"
#include "adapters/sip/field.h"

#include <assert.h>
#include <string.h>

#if defined(__SSE2__) && !defined(CF_SIP_PORTABLE)
#include <emmintrin.h>
#endif

/*
 * The scan's place in the message. Ends of lines are looked for 64 bytes at a time: `lf` and `stray` tell about the bytes from
 * `block` on, those before p taken out. What stands behind the headers is not looked at, but for the rest of their last block.
 */
struct scan {
    struct cf_sip_msg *msg;
    const char *p;
    const char *end;
    const char *block;
    uint64_t lf;
    uint64_t stray; /* other control bytes, without those just before a LF */
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

/* Inlined always, so that the whole state of the scan stays in registers; the same of the two that follow. */
static inline __attribute__((always_inline)) void look_at(struct scan *s, const char *block)
{
    const struct cf_sip_lines lines = cf_sip_lines_read(block, s->end, s->msg->base);
    const bool lf_follows = s->end - block > 64 && block[64] == '\n';
    s->block = block;
    s->lf = lines.lf;
    s->stray = lines.others & ~(lines.lf >> 1 | (uint64_t)lf_follows << 63);
}

/* A line may hold TAB and no other control byte; `which` tells about the bytes from `block` on. */
static void check_stray(struct cf_sip_msg *msg, const char *block, uint64_t which)
{
    for (; which != 0; which &= which - 1)
        if (block[__builtin_ctzll(which)] != '\t')
            fault(msg, CF_SIP_ERROR_CONTROL_BYTE);
}

/* Passes the next LF and gives its place; the message's end and the fault UNTERMINATED when there is none. */
static inline __attribute__((always_inline)) const char *next_lf(struct scan *s)
{
    while (s->lf == 0) {
        if (s->stray != 0)
            check_stray(s->msg, s->block, s->stray);
        s->stray = 0;
        if (s->end - s->block <= 64) {
            fault(s->msg, CF_SIP_ERROR_UNTERMINATED);
            return s->end;
        }
        look_at(s, s->block + 64);
    }
    if (s->stray != 0) {
        const uint64_t before = (s->lf & -s->lf) - 1;
        check_stray(s->msg, s->block, s->stray & before);
        s->stray &= ~before;
    }
    const char *lf = s->block + __builtin_ctzll(s->lf);
    s->lf &= s->lf - 1;
    return lf;
}

/* The end of the line whose LF is at `lf`: CR belongs to the end of line, another control byte does not belong there. */
static inline const char *before_lf(struct cf_sip_msg *msg, const char *line, const char *lf)
{
    if (lf == line)
        return lf;
    if (lf[-1] == '\r')
        return lf - 1;
    if ((uint8_t)lf[-1] < 0x20 && lf[-1] != '\t')
        fault(msg, CF_SIP_ERROR_CONTROL_BYTE);
    return lf;
}

/*
 * Passes the line at s->p, folded lines taken as one when `folds`, and gives its end. Without an end of line it ends with
 * the message. An empty line is never folded: what follows it is the body.
 */
static inline __attribute__((always_inline)) const char *line_end(struct scan *s, bool folds)
{
    const char *line = s->p;
    while (true) {
        const char *lf = next_lf(s);
        s->p = lf == s->end ? lf : lf + 1;
        if (lf == s->end)
            return lf;
        const char *end = before_lf(s->msg, line, lf);
        if (!folds || end == line || s->p == s->end || (*s->p != ' ' && *s->p != '\t'))
            return end;
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

/* What is wrong with a request line that is not "method SP uri SP SIP/2.0". */
static enum cf_sip_error request_line_fault(const char *uri, const char *uri_end, const char *end)
{
    const char *version = end;
    while (version > uri && version[-1] != ' ')
        version--;
    if (uri_end == end || end - version < 4 || !CF_SIP_SAME(version, 4, "sip/")) {
        /* "INVITE sip:x SIP/2.0 " with trailing spaces is SIP, though malformed; "GET / HTTP/1.1" is not. */
        const char *last = end;
        while (last > uri && last[-1] == ' ')
            last--;
        return last - uri >= 8 && CF_SIP_SAME(last - 8, 8, " sip/2.0") ? CF_SIP_ERROR_START_LINE : CF_SIP_ERROR_NOISE;
    }
    if (uri_end + 1 != version || uri_end == uri || *uri == '<' || memchr(uri, '\t', (size_t)(end - uri)) != NULL)
        return CF_SIP_ERROR_START_LINE;
    return version_ok(version, (size_t)(end - version)) ? CF_SIP_ERROR_OK : CF_SIP_ERROR_VERSION;
}

static bool is_token(const char *p, const char *end)
{
    struct cf_sip_cursor c = {p, end};
    return cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN) != 0 && c.p == end;
}

static void scan_request_line(struct cf_sip_msg *msg, const char *p, const char *end, const char *limit)
{
    const char *method_end = cf_sip_find_space(p, end, limit);
    const enum cf_sip_method method = cf_sip_method_of(p, (size_t)(method_end - p));
    if (method_end == end || *method_end != ' ' || (method == CF_SIP_UNKNOWN && !is_token(p, method_end))) {
        msg->error = CF_SIP_ERROR_NOISE; /* whatever else is wrong with it */
        return;
    }
    const char *uri = method_end + 1;
    const char *uri_end = cf_sip_find_space(uri, end, limit);
    if (uri_end == uri || *uri == '<' || end - uri_end != 8 || memcmp(uri_end, " SIP/2.0", 8) != 0) {
        while (uri_end < end && *uri_end != ' ')
            uri_end++;
        const enum cf_sip_error error = request_line_fault(uri, uri_end, end);
        if (error == CF_SIP_ERROR_NOISE) {
            msg->error = CF_SIP_ERROR_NOISE;
            return;
        }
        fault(msg, error);
    }
    msg->is_request = true;
    msg->method_text = slice_of(msg, p, method_end);
    msg->method = (uint8_t)method;
    if (uri_end != end)
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
    look_at(s, s->p);
    const char *line = s->p;
    const char *end = line_end(s, false);
    if (end - line >= 4 && CF_SIP_SAME(line, 4, "sip/"))
        scan_status_line(s->msg, line, end);
    else
        scan_request_line(s->msg, line, end, s->end);
    return s->msg->is_request || s->msg->status != 0;
}

/* Length, first and last letter tell the known names apart; NAME_AT() is a different place for each of them. */
#define NAME_AT(len, first, last) (((len) + 11 * (first) + 28 * (last)) % 128)

#define NAMES(X)                                                                                                       \
    X('v', 'a', "via", VIA)                                                                                            \
    X('f', 'm', "from", FROM)                                                                                          \
    X('t', 'o', "to", TO)                                                                                              \
    X('c', 'q', "cseq", CSEQ)                                                                                          \
    X('r', 'e', "record-route", RECORD_ROUTE)                                                                          \
    X('m', 's', "max-forwards", MAX_FORWARDS)                                                                          \
    X('c', 'h', "content-length", CONTENT_LENGTH)                                                                      \
    X('c', 'e', "content-type", CONTENT_TYPE)                                                                          \
    X('r', 'e', "require", REQUIRE)                                                                                    \
    X('r', 'r', "retry-after", RETRY_AFTER)                                                                            \
    X('c', 'g', "content-encoding", CONTENT_ENCODING)                                                                  \
    X('c', 'n', "content-disposition", CONTENT_DISPOSITION)                                                            \
    X('e', 's', "expires", EXPIRES)                                                                                    \
    X('s', 'd', "supported", SUPPORTED)                                                                                \
    X('r', 'n', "reason", REASON)                                                                                      \
    X('a', 'w', "allow", ALLOW)                                                                                        \
    X('a', 's', "allow-events", ALLOW_EVENTS)                                                                          \
    X('a', 'n', "authorization", AUTHORIZATION)                                                                        \
    X('d', 'n', "diversion", DIVERSION)                                                                                \
    X('e', 't', "event", EVENT)                                                                                        \
    X('h', 'o', "history-info", HISTORY_INFO)                                                                          \
    X('i', 'e', "info-package", INFO_PACKAGE)                                                                          \
    X('m', 's', "min-expires", MIN_EXPIRES)                                                                            \
    X('m', 'e', "min-se", MIN_SE)                                                                                      \
    X('p', 'y', "privacy", PRIVACY)                                                                                    \
    X('p', 'e', "proxy-authenticate", PROXY_AUTHENTICATE)                                                              \
    X('s', 'e', "service-route", SERVICE_ROUTE)                                                                        \
    X('s', 's', "session-expires", SESSION_EXPIRES)                                                                    \
    X('w', 'e', "www-authenticate", WWW_AUTHENTICATE)                                                                  \
    X('c', 'd', "call-id", CALL_ID)                                                                                    \
    X('c', 't', "contact", CONTACT)                                                                                    \
    X('p', 'y', "p-asserted-identity", ASSERTED)                                                                       \
    X('p', 'n', "proxy-authorization", PROXY_AUTHORIZATION)                                                            \
    X('r', 'q', "rseq", RSEQ)                                                                                          \
    X('r', 'k', "rack", RACK)                                                                                          \
    X('r', 's', "replaces", REPLACES)                                                                                  \
    X('r', 'o', "refer-to", REFER_TO)                                                                                  \
    X('r', 'b', "refer-sub", REFER_SUB)                                                                                \
    X('r', 'y', "referred-by", REFERRED_BY)                                                                            \
    X('s', 'e', "subscription-state", SUBSCRIPTION_STATE)

enum { NAME_PAD = 20 }; /* the longest name has 19 */

static const char names_lower[128][NAME_PAD] = {
#define X(first, last, name, id) [NAME_AT(sizeof(name) - 1, first, last)] = name,
    NAMES(X)
#undef X
};

static const struct {
    uint8_t len;
    uint8_t header;
} names_known[128] = {
#define X(first, last, name, id) [NAME_AT(sizeof(name) - 1, first, last)] = {sizeof(name) - 1, CF_SIP_HEADER_##id},
    NAMES(X)
#undef X
};

static const uint8_t compact_names['z' - 'a' + 1] = {
    ['v' - 'a'] = CF_SIP_HEADER_VIA,          ['f' - 'a'] = CF_SIP_HEADER_FROM,
    ['t' - 'a'] = CF_SIP_HEADER_TO,           ['i' - 'a'] = CF_SIP_HEADER_CALL_ID,
    ['m' - 'a'] = CF_SIP_HEADER_CONTACT,      ['l' - 'a'] = CF_SIP_HEADER_CONTENT_LENGTH,
    ['c' - 'a'] = CF_SIP_HEADER_CONTENT_TYPE, ['e' - 'a'] = CF_SIP_HEADER_CONTENT_ENCODING,
    ['k' - 'a'] = CF_SIP_HEADER_SUPPORTED,    ['o' - 'a'] = CF_SIP_HEADER_EVENT,
    ['r' - 'a'] = CF_SIP_HEADER_REFER_TO,     ['x' - 'a'] = CF_SIP_HEADER_SESSION_EXPIRES,
    ['b' - 'a'] = CF_SIP_HEADER_REFERRED_BY,  ['u' - 'a'] = CF_SIP_HEADER_ALLOW_EVENTS,
};

/*
 * Compares a name with one of the same length in lower case. Setting bit 5 folds letters; of the other bytes it makes CR
 * equal to '-', and a line that holds such a CR has its fault already.
 */
static inline bool same_name(const char *name, const char *limit, const char *lower, size_t len)
{
    size_t at = 0;
#if defined(__SSE2__) && !defined(CF_SIP_PORTABLE)
    if (limit - name >= 16) {
        const __m128i folded = _mm_or_si128(_mm_loadu_si128((const __m128i *)name), cf_sip_splat(0x20));
        const __m128i same = _mm_cmpeq_epi8(folded, _mm_loadu_si128((const __m128i *)lower));
        const unsigned differ = ~(unsigned)_mm_movemask_epi8(same) & 0xffff;
        if (len <= 16)
            return differ << (32 - len) == 0;
        if (differ != 0)
            return false;
        at = 16;
    }
#else
    (void)limit;
#endif
    for (; at < len; at++)
        if ((name[at] | 0x20) != lower[at])
            return false;
    return true;
}

static inline enum cf_sip_header header_of(const char *name, size_t len, const char *limit)
{
    const unsigned first = (uint8_t)name[0] | 0x20;
    const unsigned last = (uint8_t)name[len - 1] | 0x20;
    const unsigned at = NAME_AT((unsigned)len, first, last);
    if (names_known[at].len == len && same_name(name, limit, names_lower[at], len))
        return (enum cf_sip_header)names_known[at].header;
    return len == 1 && first >= 'a' && first <= 'z' ? (enum cf_sip_header)compact_names[first - 'a']
                                                    : CF_SIP_HEADER_OTHER;
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
    if (cf_sip_address_read_within(&c, msg->base + msg->len, msg->base, address) && c.p == c.end)
        return;
    fault(msg, error);
    address->value = slice_of(msg, start, c.end); /* a 400 can still repeat it */
}

static void scan_call_id(struct cf_sip_msg *msg, struct cf_sip_cursor c)
{
    msg->call_id = slice_of(msg, c.p, c.end);
    if (c.p == c.end || cf_sip_find_space(c.p, c.end, msg->base + msg->len) != c.end)
        fault(msg, CF_SIP_ERROR_CALL_ID);
}

static void scan_via(struct cf_sip_msg *msg, struct cf_sip_cursor c)
{
    if (msg->vias_count == CF_SIP_VIAS_MAX) {
        fault(msg, CF_SIP_ERROR_TOO_MANY_VALUES);
        return;
    }
    msg->vias[msg->vias_count++] = slice_of(msg, c.p, c.end);
    if (msg->vias_count == 1 && !cf_sip_via_read_within(&c, msg->base + msg->len, msg->base, &msg->via))
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
        if (!cf_sip_address_read_within(&c, msg->base + msg->len, msg->base, &route)) {
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
        else if (!cf_sip_address_read_within(&c, msg->base + msg->len, msg->base, &msg->contact))
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

/* The value without the white space around it; one blank in front and none behind is what nearly all have. */
static inline struct cf_sip_cursor value_of(const char *p, const char *end)
{
    struct cf_sip_cursor value = {p, end};
    if (end - p >= 2 && p[0] == ' ' && (uint8_t)p[1] > ' ')
        value.p++;
    else
        cf_sip_skip_space(&value);
    while (value.end > value.p && (uint8_t)value.end[-1] <= ' ' && cf_sip_is(value.end[-1], CF_SIP_CHAR_SPACE))
        value.end--;
    return value;
}

/* A header that nobody here wants. White space in its name is a fault: "Via", a fold and then the colon is a Via to others. */
static __attribute__((noinline)) void pass_over(struct cf_sip_msg *msg, const char *name, const char *name_end,
                                                const char *limit)
{
    if (cf_sip_find_space(name, name_end, limit) != name_end)
        fault(msg, CF_SIP_ERROR_HEADER_LINE);
    else
        msg->others_count++;
}

static void scan_header(struct scan *s, const char *line, const char *end)
{
    struct cf_sip_msg *msg = s->msg;
    const char *colon = cf_sip_find_colon(line, end, s->end);
    if (colon == end || colon == line || (uint8_t)*line <= ' ') {
        fault(msg, CF_SIP_ERROR_HEADER_LINE);
        return;
    }
    const char *name_end = colon;
    while (name_end[-1] == ' ' || name_end[-1] == '\t') /* not at the start of the line */
        name_end--;
    const enum cf_sip_header header = header_of(line, (size_t)(name_end - line), s->end);
    if (header == CF_SIP_HEADER_OTHER) {
        pass_over(msg, line, name_end, s->end);
        return;
    }
    if (header < CF_SIP_HEADER_EXTRA) {
        if (cf_sip_seen(msg, header) && is_single(header)) {
            fault(msg, CF_SIP_ERROR_DUPLICATE);
            return;
        }
        msg->seen |= 1u << header;
    }
    scan_known(msg, header, value_of(colon + 1, end));
}

/* Reads header lines up to the empty line; true when that was found. */
static bool scan_headers(struct scan *s)
{
    if (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
        fault(s->msg, CF_SIP_ERROR_START_LINE); /* which cannot be folded */
    while (s->p < s->end) {
        const char *line = s->p;
        const char *end = line_end(s, true);
        if (end == line)
            return true;
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
    const uint32_t all = 1u << CF_SIP_HEADER_VIA | 1u << CF_SIP_HEADER_FROM | 1u << CF_SIP_HEADER_TO |
                         1u << CF_SIP_HEADER_CALL_ID | 1u << CF_SIP_HEADER_CSEQ;
    for (size_t i = 0; (msg->seen & all) != all && i < sizeof(mandatory) / sizeof(mandatory[0]); i++)
        if (!cf_sip_seen(msg, mandatory[i].header))
            fault(msg, mandatory[i].error);
    if (!msg->is_request)
        msg->method = msg->cseq_method;
    else if (msg->cseq_method_text.len != 0 &&
             (msg->cseq_method != msg->method || msg->cseq_method_text.len != msg->method_text.len ||
              memcmp(cf_sip_ptr(msg, msg->cseq_method_text), cf_sip_ptr(msg, msg->method_text), msg->method_text.len) !=
                  0))
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
    struct scan s = {.msg = ret_msg, .p = data, .end = data + len};
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
