#include "adapters/sip/text.h"

#include <string.h>

#define T  (CF_SIP_CHAR_TOKEN | CF_SIP_CHAR_VALUE)
#define TH (T | CF_SIP_CHAR_HOST)
#define A  (TH | CF_SIP_CHAR_SCHEME)
#define D  (A | CF_SIP_CHAR_DIGIT)
#define V  CF_SIP_CHAR_VALUE
#define S  CF_SIP_CHAR_SPACE

const uint8_t cf_sip_char[256] = {
    ['\t'] = S, ['\n'] = S,        ['\r'] = S, [' '] = S,         ['!'] = T, ['#'] = V, ['$'] = V,
    ['%'] = T,  ['&'] = V,         ['\''] = T, ['('] = V,         [')'] = V, ['*'] = T, ['+'] = T | CF_SIP_CHAR_SCHEME,
    ['-'] = A,  ['.'] = A,         ['/'] = V,  ['0' ... '9'] = D, [':'] = V, ['='] = V, ['?'] = V,
    ['@'] = V,  ['A' ... 'Z'] = A, ['['] = V,  ['\\'] = V,        [']'] = V, ['^'] = V, ['_'] = TH,
    ['`'] = T,  ['a' ... 'z'] = A, ['{'] = V,  ['|'] = V,         ['}'] = V, ['~'] = T, [0x80 ... 0xff] = V,
};

struct cf_sip_lines cf_sip_lines_of_last(const char *p, const char *end, const char *start)
{
    const size_t left = (size_t)(end - p);
    if (left != 0 && end - start >= 64) {
        const struct cf_sip_lines lines = cf_sip_lines_of(end - 64);
        return (struct cf_sip_lines){lines.lf >> (64 - left), lines.others >> (64 - left)};
    }
    char copy[64];
    memset(copy, ' ', sizeof(copy));
    memcpy(copy, p, left);
    return cf_sip_lines_of(copy);
}

size_t cf_sip_utf8_length(const char *p, const char *end)
{
    const uint8_t *u = (const uint8_t *)p;
    const size_t left = (size_t)(end - p);
    if (left == 0)
        return 0;
    if (u[0] < 0x80)
        return 1;
    if (u[0] < 0xc2 || u[0] > 0xf4)
        return 0;
    const size_t len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    if (left < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    if (u[0] == 0xe0 && u[1] < 0xa0)
        return 0; /* overlong */
    if (u[0] == 0xed && u[1] > 0x9f)
        return 0; /* surrogate */
    if (u[0] == 0xf0 && u[1] < 0x90)
        return 0; /* overlong */
    if (u[0] == 0xf4 && u[1] > 0x8f)
        return 0; /* above U+10FFFF */
    return len;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = cf_sip_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of the decoded text; runs of white space are one space. False at the end. */
static bool decoded_byte(struct cf_sip_cursor *c, bool percent, bool quoted, char *ret_byte)
{
    if (c->p >= c->end)
        return false;
    if (cf_sip_is(*c->p, CF_SIP_CHAR_SPACE)) {
        cf_sip_skip_space(c);
        *ret_byte = ' ';
        return true;
    }
    if (percent && *c->p == '%' && c->end - c->p >= 3 && hex_value(c->p[1]) >= 0 && hex_value(c->p[2]) >= 0) {
        *ret_byte = (char)(hex_value(c->p[1]) * 16 + hex_value(c->p[2]));
        c->p += 3;
        return true;
    }
    if (quoted && *c->p == '\\' && c->end - c->p >= 2)
        c->p++;
    *ret_byte = *c->p++;
    return true;
}

/* Copies what stands for itself: printable ASCII, single spaces in it. Most texts are nothing else. */
static size_t copy_plain(char *dst, size_t dst_bytes, struct cf_sip_cursor *c, bool percent, bool quoted)
{
    const char *p = c->p;
    const size_t left = (size_t)(c->end - p);
    const size_t most = left < dst_bytes ? left : dst_bytes;
    size_t n = 0;
    for (; n < most; n++) {
        const uint8_t byte = (uint8_t)p[n];
        const bool lone_space = byte == ' ' && n + 1 < left && !cf_sip_is(p[n + 1], CF_SIP_CHAR_SPACE);
        if ((byte <= 0x20 && !lone_space) || byte >= 0x7f || (percent && byte == '%') || (quoted && byte == '\\'))
            break;
        dst[n] = (char)byte;
    }
    c->p += n;
    return n;
}

size_t cf_sip_copy_text(char *dst, size_t dst_bytes, const char *src, size_t len, bool percent, bool quoted)
{
    static const char replacement[3] = {(char)0xef, (char)0xbf, (char)0xbd};
    struct cf_sip_cursor c = {src, src + len};
    size_t used = copy_plain(dst, dst_bytes, &c, percent, quoted);
    char unit[4];
    size_t have = 0; /* decoded bytes waiting in unit */
    bool more = true;

    while (true) {
        while (more && have < sizeof(unit) && (more = decoded_byte(&c, percent, quoted, &unit[have])))
            have++;
        if (have == 0)
            return used;
        const size_t good = cf_sip_utf8_length(unit, unit + have);
        const size_t taken = good != 0 ? good : 1;
        const bool control = good == 1 && ((uint8_t)unit[0] < 0x20 || unit[0] == 0x7f);
        const char *out = good == 0 ? replacement : control ? "?" : unit;
        const size_t out_len = good == 0 ? sizeof(replacement) : taken;
        if (used + out_len > dst_bytes)
            return used;
        memcpy(dst + used, out, out_len);
        used += out_len;
        memmove(unit, unit + taken, have - taken);
        have -= taken;
    }
}
