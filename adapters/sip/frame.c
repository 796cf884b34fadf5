/*
 * See frame.h. The header part is walked line by line, each byte looked at once however often more comes; its lines are read
 * where they lie, in the caller's input or, when the message began in an earlier one, in the framer's memory, into which no byte
 * behind the message is ever copied.
 */
#include "adapters/sip/frame.h"

static const char crlf_twice[] = "\r\n\r\n";

void cf_sip_framer_init(struct cf_sip_framer *framer, char held[CF_SIP_FRAME_BYTES])
{
    *framer = (struct cf_sip_framer){.held = held};
}

static enum cf_sip_frame_what fail(struct cf_sip_framer *f, enum cf_sip_frame_fault fault)
{
    f->fault = fault;
    return CF_SIP_FRAME_FAULT;
}

/* ------------------------------------------------------------------ lines of the header part */

/* "SIP/..." first, as in a response, or last, as in a request. That it is well-formed is the scanner's to say. */
static bool is_start_line(const char *line, const char *end)
{
    while (end > line && end[-1] == ' ')
        end--;
    const char *version = end;
    while (version > line && version[-1] != ' ')
        version--;
    return (end - line >= 4 && CF_SIP_SAME(line, 4, "sip/")) ||
           (version > line && end - version >= 4 && CF_SIP_SAME(version, 4, "sip/"));
}

/* The value of a Content-Length line, else NULL. */
static const char *length_value(const char *line, const char *end)
{
    static const char name[] = "content-length";
    size_t len = 1;
    if (line == end || cf_sip_lower(*line) != 'l') {
        len = sizeof(name) - 1;
        if ((size_t)(end - line) < len || !CF_SIP_SAME(line, len, "content-length"))
            return NULL;
    }
    const char *colon = line + len;
    while (colon < end && (*colon == ' ' || *colon == '\t'))
        colon++;
    return colon < end && *colon == ':' ? colon + 1 : NULL;
}

/* Reads the value at p up to the end of its line, folded ones included; the line ends before `end`. */
static bool read_length(const char *p, const char *end, uint32_t *ret_value)
{
    const char *last = p;
    do
        last = (const char *)memchr(last, '\n', (size_t)(end - last)) + 1;
    while (*last == ' ' || *last == '\t'); /* the empty line follows, at the latest */
    struct cf_sip_cursor c = {p, last};
    cf_sip_skip_space(&c);
    if (!cf_sip_take_number(&c, ret_value))
        return false;
    cf_sip_skip_space(&c);
    return c.p == c.end;
}

/* The line that begins at f->line and ends at `end`, its end of line at `next`, is whole. */
static enum cf_sip_frame_fault read_line(struct cf_sip_framer *f, const char *base, const char *end, const char *next)
{
    const char *line = base + f->line;
    if (line == base)
        return is_start_line(line, end) ? CF_SIP_FRAME_NONE : CF_SIP_FRAME_NOT_SIP;
    if (end != line) {
        const char *value = length_value(line, end);
        if (value == NULL)
            return CF_SIP_FRAME_NONE;
        if (f->length != 0)
            return CF_SIP_FRAME_BAD_LENGTH;
        f->length = (uint32_t)(value - base);
        return CF_SIP_FRAME_NONE;
    }
    uint32_t content;
    if (f->length == 0)
        return CF_SIP_FRAME_NO_LENGTH;
    if (!read_length(base + f->length, next, &content))
        return CF_SIP_FRAME_BAD_LENGTH;
    if (content > CF_SIP_FRAME_BYTES - (uint32_t)(next - base))
        return CF_SIP_FRAME_TOO_LONG;
    f->need_bytes = (uint32_t)(next - base) + content;
    return CF_SIP_FRAME_NONE;
}

/* Where the line that ends at the control byte p goes on: behind LF or CR LF. p: more bytes are needed; NULL: it is no end of line. */
static const char *behind_eol(const char *p, const char *end)
{
    if (*p == '\n')
        return p + 1;
    if (*p != '\r')
        return NULL;
    if (p + 1 == end)
        return p;
    return p[1] == '\n' ? p + 2 : NULL;
}

/* Reads on in the headers of the message at base, of which len bytes are here. */
static enum cf_sip_frame_fault read_headers(struct cf_sip_framer *f, const char *base, size_t len)
{
    const char *end = base + (len < CF_SIP_FRAME_HEADER_BYTES ? len : CF_SIP_FRAME_HEADER_BYTES);
    while (f->need_bytes == 0) {
        const char *p = cf_sip_find_control(base + f->seen, end);
        f->seen = (uint32_t)(p - base);
        if (p < end && *p == '\t') {
            f->seen++;
            continue;
        }
        const char *next = p < end ? behind_eol(p, end) : p;
        if (next == NULL)
            return CF_SIP_FRAME_CONTROL_BYTE;
        if (next == p)
            return len < CF_SIP_FRAME_HEADER_BYTES ? CF_SIP_FRAME_NONE : CF_SIP_FRAME_HEADER_LONG;
        const enum cf_sip_frame_fault fault = read_line(f, base, p, next);
        if (fault != CF_SIP_FRAME_NONE)
            return fault;
        f->line = f->seen = (uint32_t)(next - base);
    }
    return CF_SIP_FRAME_NONE;
}

/* ------------------------------------------------------------------ messages */

static enum cf_sip_frame_what whole(struct cf_sip_framer *f, const char *bytes, struct cf_sip_frame *ret_frame)
{
    *ret_frame = (struct cf_sip_frame){bytes, f->need_bytes};
    f->held_bytes = f->line = f->seen = f->length = f->need_bytes = 0;
    return CF_SIP_FRAME_MESSAGE;
}

static void hold(struct cf_sip_framer *f, const char **at, size_t len)
{
    memcpy(f->held + f->held_bytes, *at, len);
    f->held_bytes += (uint32_t)len;
    *at += len;
}

/* A message that begins here. */
static enum cf_sip_frame_what begin(struct cf_sip_framer *f, const char **at, const char *end,
                                    struct cf_sip_frame *ret_frame)
{
    const char *base = *at;
    const size_t len = (size_t)(end - base);
    const enum cf_sip_frame_fault fault = read_headers(f, base, len);
    if (fault != CF_SIP_FRAME_NONE)
        return fail(f, fault);
    if (f->need_bytes != 0 && f->need_bytes <= len) {
        *at += f->need_bytes;
        return whole(f, base, ret_frame);
    }
    hold(f, at, len);
    return CF_SIP_FRAME_MORE;
}

/* Up to the next end of line, and not more than headers may have. */
static size_t headers_step(const struct cf_sip_framer *f, const char *at, const char *end)
{
    const char *eol = memchr(at, '\n', (size_t)(end - at));
    const size_t step = (size_t)((eol != NULL ? eol + 1 : end) - at);
    const size_t room = CF_SIP_FRAME_HEADER_BYTES - f->held_bytes;
    return step < room ? step : room;
}

/* A message that began in earlier input. */
static enum cf_sip_frame_what go_on(struct cf_sip_framer *f, const char **at, const char *end,
                                    struct cf_sip_frame *ret_frame)
{
    while (f->need_bytes == 0 && *at < end) {
        hold(f, at, headers_step(f, *at, end));
        const enum cf_sip_frame_fault fault = read_headers(f, f->held, f->held_bytes);
        if (fault != CF_SIP_FRAME_NONE)
            return fail(f, fault);
    }
    if (f->need_bytes == 0)
        return CF_SIP_FRAME_MORE;
    const size_t left = f->need_bytes - f->held_bytes;
    const size_t here = (size_t)(end - *at);
    hold(f, at, here < left ? here : left);
    return here < left ? CF_SIP_FRAME_MORE : whole(f, f->held, ret_frame);
}

/* Between messages. MESSAGE: one begins at *at. */
static enum cf_sip_frame_what keepalives(struct cf_sip_framer *f, const char **at, const char *end)
{
    while (*at < end && **at == crlf_twice[f->crlf_bytes]) {
        ++*at;
        if (++f->crlf_bytes == 4) {
            f->crlf_bytes = 0;
            return CF_SIP_FRAME_PING;
        }
    }
    if (*at == end)
        return CF_SIP_FRAME_MORE;
    if (f->crlf_bytes % 2 != 0)
        return fail(f, CF_SIP_FRAME_NOT_SIP); /* CR alone */
    const bool pong = f->crlf_bytes == 2;
    f->crlf_bytes = 0;
    return pong ? CF_SIP_FRAME_PONG : CF_SIP_FRAME_MESSAGE;
}

enum cf_sip_frame_what cf_sip_framer_next(struct cf_sip_framer *framer, const char **at, const char *end,
                                          struct cf_sip_frame *ret_frame)
{
    if (framer->fault != CF_SIP_FRAME_NONE)
        return CF_SIP_FRAME_FAULT;
    if (framer->held_bytes != 0)
        return go_on(framer, at, end, ret_frame);
    const enum cf_sip_frame_what what = keepalives(framer, at, end);
    return what == CF_SIP_FRAME_MESSAGE ? begin(framer, at, end, ret_frame) : what;
}

bool cf_sip_framer_inside(const struct cf_sip_framer *framer)
{
    return framer->held_bytes != 0;
}

const char *cf_sip_frame_fault_text(enum cf_sip_frame_fault fault)
{
    static const char *const texts[CF_SIP_FRAME_FAULTS_COUNT] = {
#define X(name, text) [CF_SIP_FRAME_##name] = text,
        CF_SIP_FRAME_FAULTS(X)
#undef X
    };
    return fault < CF_SIP_FRAME_FAULTS_COUNT ? texts[fault] : "unknown fault";
}

bool cf_sip_framer_check(const struct cf_sip_framer *f)
{
    if (f->crlf_bytes > 3 || f->fault >= CF_SIP_FRAME_FAULTS_COUNT || f->held_bytes > CF_SIP_FRAME_BYTES)
        return false;
    if (f->fault != CF_SIP_FRAME_NONE)
        return true;
    if (f->held_bytes == 0)
        return f->line == 0 && f->seen == 0 && f->length == 0 && f->need_bytes == 0;
    if (f->need_bytes != 0)
        return f->crlf_bytes == 0 && f->held_bytes < f->need_bytes && f->need_bytes <= CF_SIP_FRAME_BYTES;
    return f->crlf_bytes == 0 && f->line <= f->seen && f->seen <= f->held_bytes && f->length <= f->line &&
           f->held_bytes < CF_SIP_FRAME_HEADER_BYTES;
}
