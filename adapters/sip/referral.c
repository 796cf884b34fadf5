#include "adapters/sip/referral.h"

#include "adapters/sip/field.h"

/* The only line of a header. */
static int line_of(const struct cf_sip_msg *msg, enum cf_sip_header header, struct cf_sip_cursor *ret_line)
{
    struct cf_sip_slice slice, second;
    if (!cf_sip_extra(msg, header, 0, &slice))
        return 0;
    if (cf_sip_extra(msg, header, 1, &second))
        return -1;
    *ret_line = (struct cf_sip_cursor){cf_sip_ptr(msg, slice), cf_sip_ptr(msg, slice) + slice.len};
    return 1;
}

/* One address that is the whole line. */
static int read_address(const struct cf_sip_msg *msg, enum cf_sip_header header, struct cf_sip_address *ret_address)
{
    struct cf_sip_cursor c;
    struct cf_sip_address address = {0};
    const int got = line_of(msg, header, &c);
    if (got != 1)
        return got;
    if (!cf_sip_address_read(&c, msg->base, &address) || c.p != c.end || address.uri.len == 0)
        return -1;
    *ret_address = address;
    return 1;
}

/* ---- URIs with headers */

/* Where a byte stands in [at, end), or end. */
static uint16_t find(const struct cf_sip_msg *msg, uint16_t at, uint16_t end, char byte)
{
    while (at < end && msg->base[at] != byte)
        at++;
    return at;
}

static bool named(const struct cf_sip_msg *msg, uint16_t at, uint16_t end, const char *lower)
{
    return cf_sip_same(msg->base + at, (size_t)(end - at), lower, strlen(lower));
}

/* ";method=": INVITE is what is meant where it does not say. */
static bool uri_invites(const struct cf_sip_msg *msg, uint16_t at, uint16_t end)
{
    at = find(msg, at, end, ';');
    while (at < end) {
        const uint16_t next = find(msg, (uint16_t)(at + 1), end, ';');
        const uint16_t equals = find(msg, at, next, '=');
        if (named(msg, (uint16_t)(at + 1), equals, "method") &&
            (equals == next || !named(msg, (uint16_t)(equals + 1), next, "invite")))
            return false;
        at = next;
    }
    return true;
}

/* "?name=value&name=value"; false: Replaces is there twice, or empty. */
static bool read_headers(const struct cf_sip_msg *msg, uint16_t at, uint16_t end, struct cf_sip_slice *replaces)
{
    while (at < end) {
        const uint16_t next = find(msg, (uint16_t)(at + 1), end, '&');
        const uint16_t equals = find(msg, at, next, '=');
        if (named(msg, (uint16_t)(at + 1), equals, "replaces")) {
            if (replaces->len != 0 || next - equals < 2)
                return false;
            *replaces = (struct cf_sip_slice){(uint16_t)(equals + 1), (uint16_t)(next - equals - 1)};
        }
        at = next;
    }
    return true;
}

int cf_sip_refer_to_read(const struct cf_sip_msg *msg, struct cf_sip_refer_to *ret_refer_to)
{
    struct cf_sip_address address;
    struct cf_sip_refer_to to = {0};
    const int got = read_address(msg, CF_SIP_HEADER_REFER_TO, &address);
    if (got != 1)
        return got;
    const uint16_t end = (uint16_t)(address.uri.at + address.uri.len);
    const uint16_t headers = find(msg, address.uri.at, end, '?');
    to.uri = (struct cf_sip_slice){address.uri.at, (uint16_t)(headers - address.uri.at)};
    to.invites = uri_invites(msg, address.uri.at, headers);
    if (to.uri.len == 0 || !read_headers(msg, headers, end, &to.replaces))
        return -1;
    *ret_refer_to = to;
    return 1;
}

static int hex_of(char c)
{
    const char lower = cf_sip_lower(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

size_t cf_sip_unescape(char *dst, size_t bytes, const char *text, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        int byte = (uint8_t)text[i];
        if (byte == '%') {
            if (len - i < 3 || hex_of(text[i + 1]) < 0 || hex_of(text[i + 2]) < 0)
                return 0;
            byte = hex_of(text[i + 1]) << 4 | hex_of(text[i + 2]);
            i += 2;
        }
        if (byte < 0x20 || byte >= 0x7f || used == bytes)
            return 0;
        dst[used++] = (char)byte;
    }
    return used;
}

/* ---- Replaces */

/* A parameter that must be there once, and have a value. */
static bool take_tag(const struct cf_sip_param *param, const char **tag, size_t *len)
{
    if (*tag != NULL || param->value == NULL || param->value_len == 0)
        return false;
    *tag = param->value;
    *len = param->value_len;
    return true;
}

bool cf_sip_replaces_parse(const char *text, size_t len, struct cf_sip_replaces *ret_replaces)
{
    struct cf_sip_cursor c = {text, text + len};
    struct cf_sip_replaces replaces = {0};
    struct cf_sip_param param;
    int got;
    cf_sip_skip_space(&c);
    replaces.call_id = c.p;
    while (c.p < c.end && *c.p != ';' && *c.p != ',' && !cf_sip_is(*c.p, CF_SIP_CHAR_SPACE))
        c.p++;
    replaces.call_id_len = (size_t)(c.p - replaces.call_id);
    while ((got = cf_sip_param_next(&c, &param)) > 0) {
        bool good = true;
        if (CF_SIP_SAME(param.name, param.name_len, "to-tag"))
            good = take_tag(&param, &replaces.to_tag, &replaces.to_tag_len);
        else if (CF_SIP_SAME(param.name, param.name_len, "from-tag"))
            good = take_tag(&param, &replaces.from_tag, &replaces.from_tag_len);
        else if (CF_SIP_SAME(param.name, param.name_len, "early-only"))
            replaces.early_only = true;
        if (!good)
            return false;
    }
    cf_sip_skip_space(&c);
    if (got < 0 || c.p != c.end || replaces.call_id_len == 0 || replaces.to_tag == NULL || replaces.from_tag == NULL)
        return false;
    *ret_replaces = replaces;
    return true;
}

int cf_sip_replaces_read(const struct cf_sip_msg *msg, struct cf_sip_replaces *ret_replaces)
{
    struct cf_sip_cursor c;
    const int got = line_of(msg, CF_SIP_HEADER_REPLACES, &c);
    if (got != 1)
        return got;
    return cf_sip_replaces_parse(c.p, (size_t)(c.end - c.p), ret_replaces) ? 1 : -1;
}

static void put_escaped(struct cf_sip_out *out, const char *text, size_t len)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*";
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];
        const char escaped[] = {'%', "0123456789ABCDEF"[(uint8_t)c >> 4], "0123456789ABCDEF"[c & 15]};
        if (c != '\0' && strchr(plain, c) != NULL)
            cf_sip_put(out, &c, 1);
        else
            cf_sip_put(out, escaped, sizeof(escaped));
    }
}

void cf_sip_replaces_put_escaped(struct cf_sip_out *out, const struct cf_sip_replaces *replaces)
{
    put_escaped(out, replaces->call_id, replaces->call_id_len);
    CF_SIP_PUT(out, "%3Bto-tag%3D");
    put_escaped(out, replaces->to_tag, replaces->to_tag_len);
    CF_SIP_PUT(out, "%3Bfrom-tag%3D");
    put_escaped(out, replaces->from_tag, replaces->from_tag_len);
}

/* ---- the rest */

int cf_sip_referred_by_read(const struct cf_sip_msg *msg, struct cf_sip_address *ret_address)
{
    return read_address(msg, CF_SIP_HEADER_REFERRED_BY, ret_address);
}

/* The token at the cursor, which parameters or nothing must follow. */
static size_t take_token(struct cf_sip_cursor *c)
{
    cf_sip_skip_space(c);
    const size_t len = cf_sip_take_class(c, CF_SIP_CHAR_TOKEN);
    const struct cf_sip_cursor behind = *c;
    cf_sip_skip_space(c);
    const bool ends = c->p == c->end || *c->p == ';';
    *c = behind;
    return ends ? len : 0;
}

int cf_sip_refer_sub_read(const struct cf_sip_msg *msg, bool *ret_subscribes)
{
    struct cf_sip_cursor c;
    const int got = line_of(msg, CF_SIP_HEADER_REFER_SUB, &c);
    if (got != 1)
        return got;
    const size_t len = take_token(&c);
    const char *token = c.p - len;
    const bool yes = CF_SIP_SAME(token, len, "true");
    if (!yes && !CF_SIP_SAME(token, len, "false"))
        return -1;
    *ret_subscribes = yes;
    return 1;
}

int cf_sip_package_read(const struct cf_sip_msg *msg, struct cf_sip_package *ret_package)
{
    struct cf_sip_cursor c;
    struct cf_sip_param param;
    int got = line_of(msg, CF_SIP_HEADER_EVENT, &c);
    if (got != 1)
        return got;
    const size_t len = take_token(&c);
    struct cf_sip_package package = {.refer = CF_SIP_SAME(c.p - len, len, "refer"),
                                     .conference = CF_SIP_SAME(c.p - len, len, "conference")};
    if (len == 0)
        return -1;
    while ((got = cf_sip_param_next(&c, &param)) > 0) {
        if (!package.refer || !CF_SIP_SAME(param.name, param.name_len, "id"))
            continue;
        package.identified = true;
        if (param.value == NULL)
            return -1;
        struct cf_sip_cursor value = {param.value, param.value + param.value_len};
        if (!cf_sip_take_number(&value, &package.id) || value.p != value.end)
            return -1;
    }
    if (got < 0)
        return -1;
    *ret_package = package;
    return 1;
}

bool cf_sip_conference_package_read(const struct cf_sip_msg *msg)
{
    struct cf_sip_slice line;
    for (unsigned n = 0; cf_sip_extra(msg, CF_SIP_HEADER_ALLOW_EVENTS, n, &line); n++) {
        struct cf_sip_cursor c = {cf_sip_ptr(msg, line), cf_sip_ptr(msg, line) + line.len};
        while (c.p < c.end) {
            cf_sip_skip_space(&c);
            const size_t len = cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN);
            if (CF_SIP_SAME(c.p - len, len, "conference"))
                return true;
            while (c.p < c.end && *c.p++ != ',')
                ;
        }
    }
    return false;
}

int cf_sip_subscription_read(const struct cf_sip_msg *msg, bool *ret_over)
{
    struct cf_sip_cursor c;
    const int got = line_of(msg, CF_SIP_HEADER_SUBSCRIPTION_STATE, &c);
    if (got != 1)
        return got;
    const size_t len = take_token(&c);
    if (len == 0)
        return -1;
    *ret_over = CF_SIP_SAME(c.p - len, len, "terminated");
    return 1;
}
