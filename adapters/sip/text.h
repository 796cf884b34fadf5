/*
 * Pieces of text inside a message, and the character classes of RFC 3261 section 25.1.
 *
 * Shape:     a slice is offset and length inside the message (4 bytes); a cursor walks one header value.
 * Invariant: at + len <= length of the message; an absent item is the slice {0, 0}.
 * Trust:     the bytes come from the network. White space inside a value may hold CR and LF (line folding); nothing
 *            else below 0x20 but TAB is there, because the scanner refuses it.
 *
 * With SSE2 sixteen bytes are looked at at once; CF_SIP_PORTABLE leaves that out, and the result is the same.
 */
#ifndef CALLFAN_ADAPTERS_SIP_TEXT_H
#define CALLFAN_ADAPTERS_SIP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(CF_SIP_PORTABLE)
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

/* Whether [p, end) begins with the bytes of a literal, case included: the short way past what nearly all senders write alike. */
#define CF_SIP_STARTS(p, end, literal)                                                                                 \
    ((size_t)((end) - (p)) >= sizeof(literal) - 1 && memcmp((p), "" literal, sizeof(literal) - 1) == 0)

/*
 * The searches that most of a scan's time goes into. Each gives the first byte of its kind in [p, end), or end. Up to
 * `limit`, which is end or behind it, memory may be read though it does not count: what stands behind a value in the same
 * message saves looking at the value's last bytes one by one.
 *   space    up to 0x20: white space or control
 *   bracket  '<', '>', space or control: where a URI in angle brackets must end
 *   value    what cannot stand in an unquoted parameter value (not CF_SIP_CHAR_VALUE)
 *   host     what cannot stand in a host name (not CF_SIP_CHAR_HOST)
 *   quote    '"' or a backslash
 *   colon    ':'
 */
#if defined(__SSE2__) && !defined(CF_SIP_PORTABLE)
static inline __m128i cf_sip_splat(int byte)
{
    return _mm_set1_epi8((char)byte);
}

/* Each kind: 0xff in the bytes that are meant. */
static inline __m128i cf_sip_kind_control(__m128i bytes)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, cf_sip_splat(0x1f)), bytes);
}

static inline __m128i cf_sip_kind_space(__m128i bytes)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, cf_sip_splat(0x20)), bytes);
}

static inline __m128i cf_sip_kind_bracket(__m128i bytes)
{
    /* '<' | 2 is '>' */
    return _mm_or_si128(cf_sip_kind_space(bytes),
                        _mm_cmpeq_epi8(_mm_or_si128(bytes, cf_sip_splat(2)), cf_sip_splat('>')));
}

static inline __m128i cf_sip_kind_value(__m128i bytes)
{
    __m128i stop = _mm_or_si128(cf_sip_kind_bracket(bytes), _mm_cmpeq_epi8(bytes, cf_sip_splat(';')));
    stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, cf_sip_splat(',')));
    stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, cf_sip_splat('"')));
    return _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, cf_sip_splat(0x7f)));
}

static inline __m128i cf_sip_range(__m128i bytes, int first, int last)
{
    const __m128i from = _mm_sub_epi8(bytes, cf_sip_splat(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(from, cf_sip_splat(last - first)), from);
}

static inline __m128i cf_sip_kind_host(__m128i bytes)
{
    const __m128i letter = cf_sip_range(_mm_or_si128(bytes, cf_sip_splat(0x20)), 'a', 'z');
    const __m128i other = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, cf_sip_splat('/')), cf_sip_range(bytes, '-', '9'));
    const __m128i host = _mm_or_si128(_mm_or_si128(letter, other), _mm_cmpeq_epi8(bytes, cf_sip_splat('_')));
    return _mm_cmpeq_epi8(host, _mm_setzero_si128());
}

static inline __m128i cf_sip_kind_quote(__m128i bytes)
{
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, cf_sip_splat('"')), _mm_cmpeq_epi8(bytes, cf_sip_splat('\\')));
}

static inline __m128i cf_sip_kind_colon(__m128i bytes)
{
    return _mm_cmpeq_epi8(bytes, cf_sip_splat(':'));
}

#define CF_SIP_FIND_WORDS(kind)                                                                                        \
    for (; limit - p >= 16; p += 16) {                                                                                 \
        const int mask = _mm_movemask_epi8(cf_sip_kind_##kind(_mm_loadu_si128((const __m128i *)p)));                   \
        if (mask != 0) {                                                                                               \
            p += __builtin_ctz((unsigned)mask);                                                                        \
            return p < end ? p : end;                                                                                  \
        }                                                                                                              \
        if (end - p <= 16)                                                                                             \
            return end;                                                                                                \
    }
#else
#define CF_SIP_FIND_WORDS(kind) (void)limit;
#endif

#define CF_SIP_FIND(kind, met)                                                                                         \
    static inline const char *cf_sip_find_##kind(const char *p, const char *end, const char *limit)                    \
    {                                                                                                                  \
        CF_SIP_FIND_WORDS(kind)                                                                                        \
        while (p < end && !(met))                                                                                      \
            p++;                                                                                                       \
        return p;                                                                                                      \
    }

/* The first byte below 0x20 in [p, end), or end. */
static inline const char *cf_sip_find_control(const char *p, const char *end)
{
    const char *limit = end;
    CF_SIP_FIND_WORDS(control)
    while (p < end && (uint8_t)*p >= 0x20)
        p++;
    return p;
}

CF_SIP_FIND(space, (uint8_t)*p <= 0x20)
CF_SIP_FIND(bracket, (uint8_t)*p <= 0x20 || *p == '<' || *p == '>')
CF_SIP_FIND(value, !cf_sip_is(*p, CF_SIP_CHAR_VALUE))

static inline const char *cf_sip_find_value_end(const char *p, const char *end)
{
    return cf_sip_find_value(p, end, end);
}

CF_SIP_FIND(host, !cf_sip_is(*p, CF_SIP_CHAR_HOST))
CF_SIP_FIND(quote, *p == '"' || *p == '\\')
CF_SIP_FIND(colon, *p == ':')

/*
 * Where in the 64 bytes at p (fewer before `end`) a line ends: a bit each for LF and for the other bytes below 0x20.
 * `start` is where the message begins, so that the last piece may be read together with what stands before it.
 */
struct cf_sip_lines {
    uint64_t lf;
    uint64_t others;
};

#if defined(__SSE2__) && !defined(CF_SIP_PORTABLE)
static inline uint64_t cf_sip_mask64(__m128i a, __m128i b, __m128i c, __m128i d)
{
    const uint64_t low = (unsigned)_mm_movemask_epi8(a) | (unsigned)_mm_movemask_epi8(b) << 16;
    const uint64_t high = (unsigned)_mm_movemask_epi8(c) | (unsigned)_mm_movemask_epi8(d) << 16;
    return low | high << 32;
}

static inline struct cf_sip_lines cf_sip_lines_of(const char *p)
{
    const __m128i a = _mm_loadu_si128((const __m128i *)p);
    const __m128i b = _mm_loadu_si128((const __m128i *)(p + 16));
    const __m128i c = _mm_loadu_si128((const __m128i *)(p + 32));
    const __m128i d = _mm_loadu_si128((const __m128i *)(p + 48));
    const __m128i lf = cf_sip_splat('\n');
    const uint64_t ends =
        cf_sip_mask64(_mm_cmpeq_epi8(a, lf), _mm_cmpeq_epi8(b, lf), _mm_cmpeq_epi8(c, lf), _mm_cmpeq_epi8(d, lf));
    const uint64_t control =
        cf_sip_mask64(cf_sip_kind_control(a), cf_sip_kind_control(b), cf_sip_kind_control(c), cf_sip_kind_control(d));
    return (struct cf_sip_lines){ends, control ^ ends};
}
#else
/* Eight bytes in a word, the first in the lowest bits; of what is found the high bit of each byte becomes a bit of eight. */
static inline uint64_t cf_sip_word(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(word) : word;
}

static inline uint64_t cf_sip_gather(uint64_t found)
{
    return (found >> 7 & 0x0101010101010101u) * 0x0102040810204080u >> 56;
}

static inline struct cf_sip_lines cf_sip_lines_of(const char *p)
{
    const uint64_t low7 = 0x7f7f7f7f7f7f7f7fu;
    struct cf_sip_lines lines = {0, 0};
    for (unsigned i = 0; i < 64; i += 8) {
        const uint64_t word = cf_sip_word(p + i);
        const uint64_t other_than_lf = word ^ 0x0a0a0a0a0a0a0a0au;
        const uint64_t lf = ~(((other_than_lf & low7) + low7) | other_than_lf);
        const uint64_t control = ~(((word & low7) + 0x6060606060606060u) | word);
        lines.lf |= cf_sip_gather(lf) << i;
        lines.others |= cf_sip_gather(control & ~lf) << i;
    }
    return lines;
}
#endif

/* The same of fewer than 64 bytes. */
struct cf_sip_lines cf_sip_lines_of_last(const char *p, const char *end, const char *start);

static inline struct cf_sip_lines cf_sip_lines_read(const char *p, const char *end, const char *start)
{
    return end - p >= 64 ? cf_sip_lines_of(p) : cf_sip_lines_of_last(p, end, start);
}

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

/* Reads digits whose value fits 32 bits; any number of leading zeros is allowed. False: no number, or too large. */
static inline bool cf_sip_take_number(struct cf_sip_cursor *c, uint32_t *ret_value)
{
    uint64_t value = 0;
    const char *p = c->p;
    for (unsigned digit; p < c->end && (digit = (unsigned)(uint8_t)*p - '0') <= 9; p++) {
        value = value * 10 + digit;
        if (value > UINT32_MAX)
            return false;
    }
    if (p == c->p)
        return false;
    c->p = p;
    *ret_value = (uint32_t)value;
    return true;
}

/* Length of the UTF-8 character at p (1..4), 0 when the bytes are not one (overlong forms and surrogates included). */
size_t cf_sip_utf8_length(const char *p, const char *end);

/*
 * Copies text for people: white space (folded lines too) becomes one space, `%xx` is decoded when `percent`, a
 * backslash pair is decoded when `quoted`, other control bytes become '?', bytes that are not UTF-8 become U+FFFD. The copy
 * is cut at a character's border to fit; returns its length, without a terminating 0.
 */
size_t cf_sip_copy_text(char *dst, size_t dst_bytes, const char *src, size_t len, bool percent, bool quoted);

#endif
