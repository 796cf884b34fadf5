#include "adapters/sip/field.h"

#include <string.h>

static struct cf_sip_slice slice_of(const char *base, const char *start, const char *end)
{
    return (struct cf_sip_slice){(uint16_t)(start - base), (uint16_t)(end - start)};
}

/* Reads a quoted string whose opening quote is at the cursor; the result is what stands between the quotes. */
static bool take_quoted(struct cf_sip_cursor *c, const char *limit, const char **ret_text, size_t *ret_len)
{
    const char *start = c->p + 1;
    const char *p = cf_sip_find_quote(start, c->end, limit);
    while (p < c->end && *p == '\\')
        p = c->end - p >= 2 ? cf_sip_find_quote(p + 2, c->end, limit) : c->end;
    if (p >= c->end)
        return false;
    *ret_text = start;
    *ret_len = (size_t)(p - start);
    c->p = p + 1;
    return true;
}

/* What cf_sip_param_next() gives. The value's last bytes may be read together with what stands behind them, up to limit. */
static int param_next(struct cf_sip_cursor *c, const char *limit, struct cf_sip_param *ret_param)
{
    if (!cf_sip_take(c, ';'))
        return 0;
    ret_param->name = c->p;
    ret_param->name_len = cf_sip_take_class(c, CF_SIP_CHAR_TOKEN);
    ret_param->value = NULL;
    ret_param->value_len = 0;
    ret_param->end = c->p;
    if (ret_param->name_len == 0)
        return -1;
    if (!cf_sip_take(c, '='))
        return 1;
    if (cf_sip_at(c, '"')) {
        if (!take_quoted(c, limit, &ret_param->value, &ret_param->value_len))
            return -1;
    } else {
        ret_param->value = c->p;
        c->p = cf_sip_find_value(c->p, c->end, limit);
        ret_param->value_len = (size_t)(c->p - ret_param->value);
        if (ret_param->value_len == 0)
            return -1;
    }
    ret_param->end = c->p;
    return 1;
}

int cf_sip_param_next(struct cf_sip_cursor *c, struct cf_sip_param *ret_param)
{
    return param_next(c, c->end, ret_param);
}

/* True when the value is over, or another value follows after a comma. */
static bool value_ends(struct cf_sip_cursor *c)
{
    cf_sip_skip_space(c);
    if (c->p == c->end)
        return true;
    if (*c->p != ',')
        return false;
    struct cf_sip_cursor rest = {c->p + 1, c->end};
    cf_sip_skip_space(&rest);
    return rest.p < rest.end && *rest.p != ',';
}

static bool take_port(struct cf_sip_cursor *c, uint16_t *ret_port)
{
    uint32_t port;
    if (!cf_sip_take_number(c, &port) || port == 0 || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/* An IPv6 reference without its brackets; the cursor is at '['. */
static bool take_ipv6(struct cf_sip_cursor *c, const char **ret_host, size_t *ret_len)
{
    const char *start = ++c->p;
    while (c->p < c->end && *c->p != ']') {
        const char l = cf_sip_lower(*c->p);
        if (!cf_sip_is(l, CF_SIP_CHAR_DIGIT) && !(l >= 'a' && l <= 'f') && l != ':' && l != '.')
            return false;
        c->p++;
    }
    if (c->p >= c->end || c->p == start)
        return false;
    *ret_host = start;
    *ret_len = (size_t)(c->p - start);
    c->p++;
    return true;
}

static bool take_host(struct cf_sip_cursor *c, const char *limit, const char **ret_host, size_t *ret_len,
                      bool *ret_ipv6)
{
    *ret_ipv6 = cf_sip_at(c, '[');
    if (*ret_ipv6)
        return take_ipv6(c, ret_host, ret_len);
    *ret_host = c->p;
    c->p = cf_sip_find_host(c->p, c->end, limit);
    *ret_len = (size_t)(c->p - *ret_host);
    return *ret_len != 0;
}

/*
 * "SIP / version / transport" with the blank behind it still to come. A version that is not 2.0 is malformed to us, but read
 * on: the answer to such a request repeats its Via.
 */
static bool take_via_protocol(struct cf_sip_cursor *c, struct cf_sip_via *via, bool *ret_known)
{
    const char *start = c->p;
    size_t len = cf_sip_take_class(c, CF_SIP_CHAR_TOKEN);
    if (!CF_SIP_SAME(start, len, "sip") || !cf_sip_take(c, '/'))
        return false;
    start = c->p;
    len = cf_sip_take_class(c, CF_SIP_CHAR_TOKEN);
    *ret_known = CF_SIP_SAME(start, len, "2.0");
    if (len == 0 || !cf_sip_take(c, '/'))
        return false;
    start = c->p;
    len = cf_sip_take_class(c, CF_SIP_CHAR_TOKEN);
    if (CF_SIP_SAME(start, len, "udp"))
        via->transport = CF_SIP_TRANSPORT_UDP;
    else if (CF_SIP_SAME(start, len, "tcp"))
        via->transport = CF_SIP_TRANSPORT_TCP;
    else if (CF_SIP_SAME(start, len, "tls"))
        via->transport = CF_SIP_TRANSPORT_TLS;
    return len != 0 && c->p < c->end && cf_sip_is(*c->p, CF_SIP_CHAR_SPACE);
}

/* False when it is a second branch, of which nobody could say which one counts. */
static bool keep_via_param(struct cf_sip_via *via, const char *base, const struct cf_sip_param *param)
{
    if (CF_SIP_SAME(param->name, param->name_len, "rport")) {
        via->rport = slice_of(base, param->name, param->end);
    } else if (param->value == NULL) {
        return true;
    } else if (CF_SIP_SAME(param->name, param->name_len, "branch")) {
        const bool first = via->branch.len == 0;
        via->branch = slice_of(base, param->value, param->value + param->value_len);
        return first;
    } else if (CF_SIP_SAME(param->name, param->name_len, "received")) {
        via->received = slice_of(base, param->name, param->end);
    }
    return true;
}

/* The parameters of a Via value from p up to what is none; ret_end is moved behind each that is well-formed. NULL: malformed. */
static const char *read_via_params(const char *p, const char *end, const char *limit, const char *base,
                                   struct cf_sip_via *via, const char **ret_end)
{
    const char *last = *ret_end;
    bool repeated = false;
    int got = 0;
    while (p < end) {
        if (CF_SIP_STARTS(p, end, ";branch=") && end - p > 8 && cf_sip_is(p[8], CF_SIP_CHAR_VALUE)) {
            repeated |= via->branch.len != 0;
            last = cf_sip_find_value(p + 8, end, limit);
            via->branch = slice_of(base, p + 8, last);
            p = last;
        } else if (CF_SIP_STARTS(p, end, ";rport") && (end - p == 6 || p[6] == ';')) {
            last = p + 6;
            via->rport = slice_of(base, p + 1, last);
            p = last;
        } else {
            struct cf_sip_param param;
            struct cf_sip_cursor rest = {p, end};
            got = param_next(&rest, limit, &param);
            p = rest.p;
            if (got <= 0)
                break;
            repeated |= !keep_via_param(via, base, &param);
            last = param.end;
        }
    }
    *ret_end = last;
    return got >= 0 && !repeated ? p : NULL;
}

/* "SIP/2.0/UDP host[:port]" up to a parameter or the end, as most senders write it; gives where it ends, or NULL. */
static inline const char *take_plain_via(const char *p, const char *end, const char *limit, const char *base,
                                         struct cf_sip_via *via)
{
    if (!CF_SIP_STARTS(p, end, "SIP/2.0/UDP "))
        return NULL;
    const char *host = p + 12;
    p = cf_sip_find_host(host, end, limit);
    if (p == host || p == end || (*p != ':' && *p != ';'))
        return NULL;
    const char *host_end = p;
    uint32_t port = 0;
    if (*p == ':') {
        for (p++; p < end && (uint8_t)(*p - '0') <= 9 && p - host_end <= 5; p++)
            port = port * 10 + (uint8_t)(*p - '0');
        if (port == 0 || port > UINT16_MAX || (p < end && *p != ';'))
            return NULL;
    }
    via->transport = CF_SIP_TRANSPORT_UDP;
    via->port = (uint16_t)port;
    via->host = slice_of(base, host, host_end);
    return p;
}

/* The same however it is written; the cursor then stands behind it. */
static const char *take_via(struct cf_sip_cursor *c, const char *limit, const char *base, struct cf_sip_via *via,
                            bool *ret_known)
{
    const char *host;
    size_t host_len;
    bool ipv6;
    if (!take_via_protocol(c, via, ret_known))
        return NULL;
    cf_sip_skip_space(c);
    if (!take_host(c, limit, &host, &host_len, &ipv6))
        return NULL;
    via->host = slice_of(base, host, host + host_len);
    const char *end = c->p;
    if (!cf_sip_take(c, ':'))
        return end;
    return take_port(c, &via->port) ? c->p : NULL;
}

bool cf_sip_via_read_within(struct cf_sip_cursor *c, const char *limit, const char *base, struct cf_sip_via *ret_via)
{
    cf_sip_skip_space(c);
    const char *start = c->p;
    bool known = true;
    ret_via->branch = (struct cf_sip_slice){0, 0};
    const char *end = take_plain_via(start, c->end, limit, base, ret_via);
    if (end != NULL)
        c->p = end;
    else if ((end = take_via(c, limit, base, ret_via, &known)) == NULL)
        return false;
    const char *p = read_via_params(c->p, c->end, limit, base, ret_via, &end);
    ret_via->value = slice_of(base, start, end);
    if (p == NULL)
        return false;
    c->p = p;
    return known && (p == c->end || value_ends(c));
}

bool cf_sip_via_read(struct cf_sip_cursor *c, const char *base, struct cf_sip_via *ret_via)
{
    return cf_sip_via_read_within(c, c->end, base, ret_via);
}

/* True for "scheme:something" without white space. */
static bool looks_like_uri(const char *start, const char *end)
{
    if (CF_SIP_STARTS(start, end, "sip:"))
        return end - start > 4;
    struct cf_sip_cursor c = {start, end};
    if (c.p == c.end || cf_sip_is(*c.p, CF_SIP_CHAR_DIGIT))
        return false;
    if (cf_sip_take_class(&c, CF_SIP_CHAR_SCHEME) == 0 || !cf_sip_at(&c, ':'))
        return false;
    return c.end - c.p >= 2;
}

/* <uri>, the cursor at '<'. */
static bool take_bracketed(struct cf_sip_cursor *c, const char *limit, const char *base, struct cf_sip_slice *ret_uri)
{
    const char *start = c->p + 1;
    const char *end = cf_sip_find_bracket(start, c->end, limit);
    if (end == c->end || *end != '>' || !looks_like_uri(start, end))
        return false;
    *ret_uri = slice_of(base, start, end);
    c->p = end + 1;
    return true;
}

static const char *trim_end(const char *start, const char *end)
{
    while (end > start && cf_sip_is(end[-1], CF_SIP_CHAR_SPACE))
        end--;
    return end;
}

/* A display name without quotes before '<', or a bare address; the cursor is at its first byte. */
static bool take_unquoted(struct cf_sip_cursor *c, const char *limit, const char *base, struct cf_sip_address *address)
{
    const char *start = c->p;
    bool question = false;
    while (c->p < c->end && *c->p != '<' && *c->p != ';' && *c->p != ',') {
        question |= *c->p == '?';
        c->p++;
    }
    const char *end = trim_end(start, c->p);
    if (cf_sip_at(c, '<')) {
        address->display = slice_of(base, start, end);
        return take_bracketed(c, limit, base, &address->uri);
    }
    if (end - start == 1 && *start == '*') {
        address->uri = slice_of(base, start, end);
        return true;
    }
    for (const char *p = start; p < end; p++)
        if (cf_sip_is(*p, CF_SIP_CHAR_SPACE) || *p == '"' || *p == '>')
            return false;
    if (question || !looks_like_uri(start, end))
        return false;
    address->uri = slice_of(base, start, end);
    return true;
}

static bool take_address(struct cf_sip_cursor *c, const char *limit, const char *base, struct cf_sip_address *address)
{
    if (cf_sip_at(c, '<'))
        return take_bracketed(c, limit, base, &address->uri);
    if (!cf_sip_at(c, '"'))
        return take_unquoted(c, limit, base, address);
    const char *text;
    size_t len;
    if (!take_quoted(c, limit, &text, &len))
        return false;
    address->display = slice_of(base, text, text + len);
    address->display_quoted = true;
    cf_sip_skip_space(c);
    return cf_sip_at(c, '<') && take_bracketed(c, limit, base, &address->uri);
}

/* ["display" ]<sip:...>, as most senders write it; gives where it ends, or NULL when it is something else. */
static inline const char *take_plain_address(const char *p, const char *end, const char *limit, const char *base,
                                             struct cf_sip_address *address)
{
    if (p < end && *p == '"') {
        const char *quote = cf_sip_find_quote(p + 1, end, limit);
        if (end - quote < 3 || memcmp(quote, "\" <", 3) != 0)
            return NULL;
        address->display = slice_of(base, p + 1, quote);
        address->display_quoted = true;
        p = quote + 2;
    }
    if (!CF_SIP_STARTS(p, end, "<sip:"))
        return NULL;
    const char *close = cf_sip_find_bracket(p + 5, end, limit);
    if (close == end || *close != '>' || close == p + 5)
        return NULL;
    address->uri = slice_of(base, p + 1, close);
    return close + 1;
}

bool cf_sip_address_read_within(struct cf_sip_cursor *c, const char *limit, const char *base,
                                struct cf_sip_address *ret_address)
{
    cf_sip_skip_space(c);
    const char *start = c->p;
    ret_address->tag = (struct cf_sip_slice){0, 0};
    const char *p = take_plain_address(start, c->end, limit, base, ret_address);
    if (p == NULL) {
        if (!take_address(c, limit, base, ret_address))
            return false;
        p = c->p;
    }
    const char *end = trim_end(start, p);
    bool repeated = false;
    int got = 0;
    while (p < c->end) {
        if (CF_SIP_STARTS(p, c->end, ";tag=") && c->end - p > 5 && cf_sip_is(p[5], CF_SIP_CHAR_VALUE)) {
            repeated |= ret_address->tag.len != 0;
            end = cf_sip_find_value(p + 5, c->end, limit);
            ret_address->tag = slice_of(base, p + 5, end);
            p = end;
            continue;
        }
        struct cf_sip_param param;
        struct cf_sip_cursor rest = {p, c->end};
        got = param_next(&rest, limit, &param);
        p = rest.p;
        if (got <= 0)
            break;
        if (CF_SIP_SAME(param.name, param.name_len, "tag") && param.value != NULL) {
            repeated |= ret_address->tag.len != 0;
            ret_address->tag = slice_of(base, param.value, param.value + param.value_len);
        }
        end = param.end;
    }
    c->p = p;
    ret_address->value = slice_of(base, start, end);
    return !repeated && (p == c->end ? got >= 0 : got == 0 && value_ends(c));
}

bool cf_sip_address_read(struct cf_sip_cursor *c, const char *base, struct cf_sip_address *ret_address)
{
    return cf_sip_address_read_within(c, c->end, base, ret_address);
}

/* Whether the CSeq's method is the request line's, the usual case: then it need not be looked up again. */
static bool same_method(const struct cf_sip_msg *msg, const char *text, size_t len)
{
    return msg->is_request && msg->method_text.len == len && memcmp(cf_sip_ptr(msg, msg->method_text), text, len) == 0;
}

bool cf_sip_cseq_read(struct cf_sip_cursor *c, struct cf_sip_msg *msg)
{
    cf_sip_skip_space(c);
    if (!cf_sip_take_number(c, &msg->cseq) || c->p == c->end || !cf_sip_is(*c->p, CF_SIP_CHAR_SPACE))
        return false;
    cf_sip_skip_space(c);
    const char *start = c->p;
    const size_t left = (size_t)(c->end - start);
    if (same_method(msg, start, left)) {
        msg->cseq_method_text = slice_of(msg->base, start, c->end);
        msg->cseq_method = msg->method;
        c->p = c->end;
        return true;
    }
    const size_t len = cf_sip_take_class(c, CF_SIP_CHAR_TOKEN);
    msg->cseq_method_text = slice_of(msg->base, start, c->p);
    msg->cseq_method = cf_sip_method_of(start, len);
    cf_sip_skip_space(c);
    return len != 0 && c->p == c->end;
}

/* Length and first letter tell the known methods apart; METHOD_AT() is a different place for each of them. */
#define METHOD_AT(first, len) (((len) + 3 * (first)) % 32)

enum cf_sip_method cf_sip_method_of(const char *text, size_t len)
{
    static const struct {
        char name[10];
        uint8_t len;
        uint8_t method;
    } methods[32] = {
#define METHOD(first, name) [METHOD_AT(first, sizeof(#name) - 1)] = {#name, sizeof(#name) - 1, CF_SIP_##name}
        METHOD('I', INVITE), METHOD('A', ACK),    METHOD('B', BYE),     METHOD('C', CANCEL),   METHOD('O', OPTIONS),
        METHOD('I', INFO),   METHOD('U', UPDATE), METHOD('P', PRACK),   METHOD('R', REGISTER), METHOD('S', SUBSCRIBE),
        METHOD('N', NOTIFY), METHOD('R', REFER),  METHOD('M', MESSAGE), METHOD('P', PUBLISH),
#undef METHOD
    };
    if (len == 0)
        return CF_SIP_UNKNOWN;
    const unsigned at = METHOD_AT((uint8_t)text[0], (unsigned)len);
    const bool same = methods[at].len == len && memcmp(methods[at].name, text, len) == 0;
    return same ? (enum cf_sip_method)methods[at].method : CF_SIP_UNKNOWN;
}

static enum cf_sip_scheme scheme_of(const char *text, size_t len)
{
    if (CF_SIP_SAME(text, len, "sip"))
        return CF_SIP_SCHEME_SIP;
    if (CF_SIP_SAME(text, len, "sips"))
        return CF_SIP_SCHEME_SIPS;
    return CF_SIP_SAME(text, len, "tel") ? CF_SIP_SCHEME_TEL : CF_SIP_SCHEME_OTHER;
}

static size_t length_before(const char *start, const char *end, char stop)
{
    const char *found = memchr(start, stop, (size_t)(end - start));
    return (size_t)((found != NULL ? found : end) - start);
}

static bool read_host_part(struct cf_sip_cursor *c, struct cf_sip_uri *uri)
{
    if (!take_host(c, c->end, &uri->host, &uri->host_len, &uri->host_ipv6))
        return false;
    if (cf_sip_at(c, ':')) {
        c->p++;
        if (!take_port(c, &uri->port))
            return false;
    }
    struct cf_sip_param param;
    int got;
    while ((got = cf_sip_param_next(c, &param)) > 0)
        uri->lr |= CF_SIP_SAME(param.name, param.name_len, "lr");
    return got == 0 && (c->p == c->end || *c->p == '?');
}

bool cf_sip_uri_read(const char *text, size_t len, struct cf_sip_uri *ret_uri)
{
    *ret_uri = (struct cf_sip_uri){.user = "", .host = ""};
    const char *end = text + len;
    const size_t scheme_len = length_before(text, end, ':');
    if (scheme_len == len || !looks_like_uri(text, end))
        return false;
    ret_uri->scheme = scheme_of(text, scheme_len);
    struct cf_sip_cursor c = {text + scheme_len + 1, end};
    if (ret_uri->scheme == CF_SIP_SCHEME_OTHER)
        return true;
    if (ret_uri->scheme == CF_SIP_SCHEME_TEL) {
        ret_uri->user = c.p;
        ret_uri->user_len = length_before(c.p, end, ';');
        return ret_uri->user_len != 0;
    }
    const char *user_end = memchr(c.p, '@', (size_t)(end - c.p));
    if (user_end != NULL) {
        ret_uri->user = c.p;
        ret_uri->user_len = length_before(c.p, user_end, ':');
        ret_uri->user_len = length_before(c.p, c.p + ret_uri->user_len, ';');
        c.p = user_end + 1;
    }
    return read_host_part(&c, ret_uri);
}

/* One value of a Reason header: protocol ;cause=n ;text="...". */
static bool read_reason_value(struct cf_sip_cursor *c, struct cf_sip_reason *reason)
{
    cf_sip_skip_space(c);
    const char *protocol = c->p;
    const size_t protocol_len = cf_sip_take_class(c, CF_SIP_CHAR_TOKEN);
    struct cf_sip_param param;
    uint32_t cause = 0;
    const char *text = NULL;
    size_t text_len = 0;
    int got;
    while ((got = cf_sip_param_next(c, &param)) > 0) {
        if (CF_SIP_SAME(param.name, param.name_len, "cause") && param.value != NULL) {
            struct cf_sip_cursor number = {param.value, param.value + param.value_len};
            if (!cf_sip_take_number(&number, &cause) || number.p != number.end)
                cause = 0;
        } else if (CF_SIP_SAME(param.name, param.name_len, "text") && param.value != NULL) {
            text = param.value;
            text_len = param.value_len;
        }
    }
    if (protocol_len == 0 || got < 0 || !value_ends(c))
        return false;
    const bool q850 = CF_SIP_SAME(protocol, protocol_len, "q.850") && cause >= 1 && cause <= 127;
    const bool sip = CF_SIP_SAME(protocol, protocol_len, "sip") && cause >= 100 && cause <= 699;
    if (q850 && reason->q850 == 0)
        reason->q850 = (uint16_t)cause;
    else if (sip && reason->sip == 0)
        reason->sip = (uint16_t)cause;
    else
        return true;
    if (text != NULL && (q850 || reason->text == NULL)) {
        reason->text = text;
        reason->text_len = text_len;
    }
    return true;
}

void cf_sip_reason_read(const struct cf_sip_msg *msg, struct cf_sip_reason *ret_reason)
{
    *ret_reason = (struct cf_sip_reason){0};
    for (unsigned i = 0; i < msg->reasons.count; i++) {
        const char *start = cf_sip_ptr(msg, msg->reasons.line[i]);
        struct cf_sip_cursor c = {start, start + msg->reasons.line[i].len};
        while (read_reason_value(&c, ret_reason) && cf_sip_at(&c, ','))
            c.p++;
    }
}

bool cf_sip_list_walk(const struct cf_sip_msg *msg, const struct cf_sip_list *list,
                      void (*each)(void *context, const char *token, size_t len), void *context)
{
    for (unsigned i = 0; i < list->count; i++) {
        const char *start = cf_sip_ptr(msg, list->line[i]);
        struct cf_sip_cursor c = {start, start + list->line[i].len};
        cf_sip_skip_space(&c);
        if (c.p == c.end)
            continue; /* an empty Supported says "nothing" */
        do {
            const char *token = c.p;
            const size_t len = cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN);
            if (len == 0)
                return false;
            each(context, token, len);
        } while (cf_sip_take(&c, ','));
        if (c.p != c.end)
            return false;
    }
    return true;
}
