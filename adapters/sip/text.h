/*
 * Pieces of text inside a message, and the character classes of RFC 3261 section 25.1.
 *
 * Shape:     a slice is offset and length inside the message (4 bytes); a cursor walks one header value.
 * Invariant: at + len <= length of the message; an absent item is the slice {0, 0}.
 * Trust:     the bytes come from the network. White space inside a value may hold CR and LF (line folding); nothing
 *            else below 0x20 but TAB is there, because the scanner refuses it.
 */
#ifndef CALLFAN_ADAPTERS_SIP_TEXT_H
#define CALLFAN_ADAPTERS_SIP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct cf_sip_slice {
    uint16_t at;
    uint16_t len;
};

struct cf_sip_cursor {
    const char *p;
    const char *end;
};

enum {
    CF_SIP_CHAR_TOKEN = 1, /* token, RFC 3261 25.1 */
    CF_SIP_CHAR_SPACE = 2, /* SP HTAB, and CR LF, which stand in a value only where a line was folded */
    CF_SIP_CHAR_DIGIT = 4,
    CF_SIP_CHAR_VALUE = 8, /* what an unquoted parameter value may hold: all visible but ; , < > " and space */
    CF_SIP_CHAR_HOST = 16, /* letter, digit, '-', '.', '_' */
    CF_SIP_CHAR_SCHEME = 32,
};

extern const uint8_t cf_sip_char[256];

static inline bool cf_sip_is(char c, unsigned classes)
{
    return (cf_sip_char[(uint8_t)c] & classes) != 0;
}

static inline char cf_sip_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Compares without case. `lower` must be written in lower case. */
static inline bool cf_sip_same(const char *p, size_t len, const char *lower, size_t lower_len)
{
    if (len != lower_len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (cf_sip_lower(p[i]) != lower[i])
            return false;
    return true;
}
#define CF_SIP_SAME(p, len, literal) cf_sip_same((p), (len), "" literal, sizeof(literal) - 1)

/*
 * The three searches that most of a scan's time goes into. Each gives the first byte of its kind in [p, end), or end, and
 * reads nothing outside the range:
 *   control  below 0x20: the end of a line
 *   bracket  '<', '>', space or control: where a URI in angle brackets must end
 *   value    what cannot stand in an unquoted parameter value (not CF_SIP_CHAR_VALUE)
 */
#ifdef __SSE2__
static inline const char *cf_sip_find_control(const char *p, const char *end)
{
    const __m128i limit = _mm_set1_epi8(0x1f);
    for (; end - p >= 16; p += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)p);
        const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, limit), bytes));
        if (mask != 0)
            return p + __builtin_ctz((unsigned)mask);
    }
    while (p < end && (uint8_t)*p >= 0x20)
        p++;
    return p;
}

static inline __m128i cf_sip_space_or_angle(__m128i bytes)
{
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x20)), bytes);
    const __m128i angle =
        _mm_cmpeq_epi8(_mm_or_si128(bytes, _mm_set1_epi8(2)), _mm_set1_epi8('>')); /* '<' | 2 is '>' */
    return _mm_or_si128(low, angle);
}

static inline const char *cf_sip_find_bracket(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        const int mask = _mm_movemask_epi8(cf_sip_space_or_angle(_mm_loadu_si128((const __m128i *)p)));
        if (mask != 0)
            return p + __builtin_ctz((unsigned)mask);
    }
    while (p < end && (uint8_t)*p > 0x20 && *p != '<' && *p != '>')
        p++;
    return p;
}

static inline const char *cf_sip_find_value_end(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)p);
        __m128i stop = _mm_or_si128(cf_sip_space_or_angle(bytes), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(';')));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(',')));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
        const int mask = _mm_movemask_epi8(stop);
        if (mask != 0)
            return p + __builtin_ctz((unsigned)mask);
    }
    while (p < end && cf_sip_is(*p, CF_SIP_CHAR_VALUE))
        p++;
    return p;
}
#else
static inline const char *cf_sip_find_control(const char *p, const char *end)
{
    while (p < end && (uint8_t)*p >= 0x20)
        p++;
    return p;
}

static inline const char *cf_sip_find_bracket(const char *p, const char *end)
{
    while (p < end && (uint8_t)*p > 0x20 && *p != '<' && *p != '>')
        p++;
    return p;
}

static inline const char *cf_sip_find_value_end(const char *p, const char *end)
{
    while (p < end && cf_sip_is(*p, CF_SIP_CHAR_VALUE))
        p++;
    return p;
}
#endif

static inline void cf_sip_skip_space(struct cf_sip_cursor *c)
{
    const char *p = c->p; /* kept in a register: the cursor is memory, and a loop over it would store every step */
    while (p < c->end && cf_sip_is(*p, CF_SIP_CHAR_SPACE))
        p++;
    c->p = p;
}

static inline bool cf_sip_at(const struct cf_sip_cursor *c, char wanted)
{
    return c->p < c->end && *c->p == wanted;
}

/* Takes `wanted` with the white space around it; false: it is not there, and only leading white space was taken. */
static inline bool cf_sip_take(struct cf_sip_cursor *c, char wanted)
{
    cf_sip_skip_space(c);
    if (!cf_sip_at(c, wanted))
        return false;
    c->p++;
    cf_sip_skip_space(c);
    return true;
}

static inline size_t cf_sip_take_class(struct cf_sip_cursor *c, unsigned classes)
{
    const char *start = c->p;
    const char *end = c->end;
    const char *p = start;
    while (p < end && cf_sip_is(*p, classes))
        p++;
    c->p = p;
    return (size_t)(p - start);
}

/* Reads 1 to 10 digits whose value fits 32 bits; more leading zeros are allowed. False: no number, or too large. */
bool cf_sip_take_number(struct cf_sip_cursor *c, uint32_t *ret_value);

/* Length of the UTF-8 character at p (1..4), 0 when the bytes are not one (overlong forms and surrogates included). */
size_t cf_sip_utf8_length(const char *p, const char *end);

/*
 * Copies text for people: white space (folded lines too) becomes one space, `%xx` is decoded when `percent`, a
 * backslash pair is decoded when `quoted`, other control bytes become '?', bytes that are not UTF-8 become U+FFFD. The copy
 * is cut at a character's border to fit; returns its length, without a terminating 0.
 */
size_t cf_sip_copy_text(char *dst, size_t dst_bytes, const char *src, size_t len, bool percent, bool quoted);

#endif
