#include "adapters/sip/extension.h"

#include "adapters/sip/field.h"

#include <string.h>

/* ---- option tags and methods */

static const struct {
    const char *tag;
    size_t len;
} options[CF_SIP_OPTIONS_COUNT] = {
#define X(name, text) [CF_SIP_OPTION_##name] = {text, sizeof(text) - 1},
    CF_SIP_OPTIONS(X)
#undef X
};

/* The bit of a tag, 0 for those that we do not know. */
static uint32_t option_bit(const char *tag, size_t len)
{
    for (unsigned i = 0; i < CF_SIP_OPTIONS_COUNT; i++)
        if (cf_sip_same(tag, len, options[i].tag, options[i].len))
            return 1u << i;
    return 0;
}

struct tags {
    uint32_t set;
    unsigned others;
};

static void add_tag(void *context, const char *token, size_t len)
{
    struct tags *tags = context;
    const uint32_t bit = option_bit(token, len);
    tags->set |= bit;
    tags->others += bit == 0;
}

bool cf_sip_options_read(const struct cf_sip_msg *msg, const struct cf_sip_list *list, uint32_t *ret_set,
                         unsigned *ret_others)
{
    struct tags tags = {0};
    const bool good = cf_sip_list_walk(msg, list, add_tag, &tags);
    *ret_set = tags.set;
    *ret_others = tags.others;
    return good;
}

void cf_sip_options_put(struct cf_sip_out *out, const char *header, uint32_t set)
{
    bool any = false;
    for (unsigned i = 0; i < CF_SIP_OPTIONS_COUNT; i++) {
        if ((set >> i & 1) == 0)
            continue;
        cf_sip_put_string(out, any ? ", " : header);
        if (!any)
            CF_SIP_PUT(out, ": ");
        cf_sip_put(out, options[i].tag, options[i].len);
        any = true;
    }
    if (any)
        CF_SIP_PUT(out, "\r\n");
}

struct unsupported {
    struct cf_sip_out *out;
    uint32_t understood;
    unsigned count;
};

static void put_unsupported(void *context, const char *token, size_t len)
{
    struct unsupported *u = context;
    if ((option_bit(token, len) & u->understood) != 0)
        return;
    cf_sip_put_string(u->out, u->count == 0 ? "Unsupported: " : ", ");
    cf_sip_put(u->out, token, len);
    u->count++;
}

unsigned cf_sip_unsupported_put(struct cf_sip_out *out, const struct cf_sip_msg *msg, uint32_t understood)
{
    struct unsupported u = {.out = out, .understood = understood};
    cf_sip_list_walk(msg, &msg->require, put_unsupported, &u);
    if (u.count != 0)
        CF_SIP_PUT(out, "\r\n");
    return u.count;
}

static void add_method(void *context, const char *token, size_t len)
{
    const enum cf_sip_method method = cf_sip_method_of(token, len);
    if (method != CF_SIP_UNKNOWN)
        *(uint32_t *)context |= 1u << method;
}

int cf_sip_allow_read(const struct cf_sip_msg *msg, uint32_t *ret_methods)
{
    struct cf_sip_list list = {.count = 1};
    uint32_t methods = 0;
    unsigned lines = 0;
    for (; cf_sip_extra(msg, CF_SIP_HEADER_ALLOW, lines, &list.line[0]); lines++)
        if (!cf_sip_list_walk(msg, &list, add_method, &methods))
            return -1;
    if (lines == 0)
        return 0;
    *ret_methods = methods;
    return 1;
}

/* ---- numbers */

/* The first line of a header. */
static bool line_of(const struct cf_sip_msg *msg, enum cf_sip_header header, struct cf_sip_cursor *ret_line)
{
    struct cf_sip_slice slice;
    if (!cf_sip_extra(msg, header, 0, &slice))
        return false;
    *ret_line = (struct cf_sip_cursor){cf_sip_ptr(msg, slice), cf_sip_ptr(msg, slice) + slice.len};
    return true;
}

/* A number alone. */
static int read_number(const struct cf_sip_msg *msg, enum cf_sip_header header, uint32_t *ret_value)
{
    struct cf_sip_cursor c;
    uint32_t value;
    if (!line_of(msg, header, &c))
        return 0;
    if (!cf_sip_take_number(&c, &value) || c.p != c.end)
        return -1;
    *ret_value = value;
    return 1;
}

/* A number and the parameters behind it, which are left in ret_rest. */
static int read_number_and(const struct cf_sip_msg *msg, enum cf_sip_header header, uint32_t *ret_value,
                           struct cf_sip_cursor *ret_rest)
{
    if (!line_of(msg, header, ret_rest))
        return 0;
    if (!cf_sip_take_number(ret_rest, ret_value))
        return -1;
    cf_sip_skip_space(ret_rest);
    return 1;
}

int cf_sip_rseq_read(const struct cf_sip_msg *msg, uint32_t *ret_rseq)
{
    uint32_t rseq;
    const int got = read_number(msg, CF_SIP_HEADER_RSEQ, &rseq);
    if (got != 1)
        return got;
    if (rseq == 0)
        return -1;
    *ret_rseq = rseq;
    return 1;
}

int cf_sip_min_expires_read(const struct cf_sip_msg *msg, uint32_t *ret_s)
{
    return read_number(msg, CF_SIP_HEADER_MIN_EXPIRES, ret_s);
}

int cf_sip_min_se_read(const struct cf_sip_msg *msg, uint32_t *ret_s)
{
    struct cf_sip_cursor rest;
    struct cf_sip_param param;
    uint32_t value = 0;
    int got = read_number_and(msg, CF_SIP_HEADER_MIN_SE, &value, &rest);
    if (got != 1)
        return got;
    while ((got = cf_sip_param_next(&rest, &param)) > 0)
        continue;
    if (got < 0 || rest.p != rest.end)
        return -1;
    *ret_s = value;
    return 1;
}

int cf_sip_retry_after_read(const struct cf_sip_msg *msg, uint32_t *ret_s)
{
    struct cf_sip_cursor rest;
    uint32_t value = 0;
    const int got = read_number_and(msg, CF_SIP_HEADER_RETRY_AFTER, &value, &rest);
    if (got != 1)
        return got;
    if (rest.p != rest.end && *rest.p != '(' && *rest.p != ';')
        return -1;
    *ret_s = value;
    return 1;
}

int cf_sip_rack_read(const struct cf_sip_msg *msg, struct cf_sip_rack *ret_rack)
{
    struct cf_sip_cursor c;
    struct cf_sip_rack rack;
    if (!line_of(msg, CF_SIP_HEADER_RACK, &c))
        return 0;
    if (!cf_sip_take_number(&c, &rack.rseq) || rack.rseq == 0 || !(c.p < c.end && cf_sip_is(*c.p, CF_SIP_CHAR_SPACE)))
        return -1;
    cf_sip_skip_space(&c);
    if (!cf_sip_take_number(&c, &rack.cseq) || !(c.p < c.end && cf_sip_is(*c.p, CF_SIP_CHAR_SPACE)))
        return -1;
    cf_sip_skip_space(&c);
    const char *method = c.p;
    const size_t len = cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN);
    rack.method = cf_sip_method_of(method, len);
    if (len == 0 || c.p != c.end)
        return -1;
    *ret_rack = rack;
    return 1;
}

void cf_sip_rack_put(struct cf_sip_out *out, const struct cf_sip_rack *rack)
{
    CF_SIP_PUT(out, "RAck: ");
    cf_sip_put_number(out, rack->rseq);
    CF_SIP_PUT(out, " ");
    cf_sip_put_number(out, rack->cseq);
    CF_SIP_PUT(out, " ");
    cf_sip_put_string(out, cf_sip_method_name(rack->method));
    CF_SIP_PUT(out, "\r\n");
}

static void put_number_line(struct cf_sip_out *out, const char *name, uint32_t number)
{
    cf_sip_put_string(out, name);
    CF_SIP_PUT(out, ": ");
    cf_sip_put_number(out, number);
    CF_SIP_PUT(out, "\r\n");
}

void cf_sip_rseq_put(struct cf_sip_out *out, uint32_t rseq)
{
    put_number_line(out, "RSeq", rseq);
}

/* ---- contacts */

struct cf_sip_cursor cf_sip_address_params(const struct cf_sip_msg *msg, const struct cf_sip_address *address)
{
    const char *params = cf_sip_ptr(msg, address->uri) + address->uri.len;
    const char *end = cf_sip_ptr(msg, address->value) + address->value.len;
    if (params < end && *params == '>')
        params++;
    return (struct cf_sip_cursor){params, end};
}

bool cf_sip_focus_read(const struct cf_sip_msg *msg)
{
    struct cf_sip_cursor c = cf_sip_address_params(msg, &msg->contact);
    struct cf_sip_param param;
    while (cf_sip_param_next(&c, &param) > 0)
        if (CF_SIP_SAME(param.name, param.name_len, "isfocus"))
            return param.value == NULL || CF_SIP_SAME(param.value, param.value_len, "true");
    return false;
}

/* Goes through the contacts of a message: the first one, what follows it in its line, the other lines. */
struct walk {
    const struct cf_sip_msg *msg;
    struct cf_sip_cursor c;
    unsigned lines; /* gone through: 0 the first contact, 1 the rest of its line, then CONTACT_MORE */
};

static bool next_line(struct walk *walk)
{
    const struct cf_sip_msg *msg = walk->msg;
    const unsigned line = walk->lines++;
    struct cf_sip_slice slice;
    if (line == 0)
        slice = msg->contact.uri.len != 0 ? msg->contact.value : (struct cf_sip_slice){0};
    else if (line == 1)
        slice = msg->contact_rest;
    else if (!cf_sip_extra(msg, CF_SIP_HEADER_CONTACT_MORE, line - 2, &slice))
        return false;
    walk->c = (struct cf_sip_cursor){cf_sip_ptr(msg, slice), cf_sip_ptr(msg, slice) + slice.len};
    return true;
}

/* "0.5" in thousandths; what is no q leaves the value alone. */
static void read_q(struct cf_sip_cursor c, uint16_t *q)
{
    unsigned value = 0, scale = 1000;
    bool point = false, digits = false;
    for (; c.p < c.end; c.p++) {
        if (*c.p == '.' && !point) {
            point = true;
            continue;
        }
        if (!cf_sip_is(*c.p, CF_SIP_CHAR_DIGIT) || (point && scale == 1) || (!point && digits))
            return;
        if (point)
            scale /= 10;
        value += (unsigned)(*c.p - '0') * scale;
        digits = true;
    }
    if (digits && value <= 1000)
        *q = (uint16_t)value;
}

static void read_contact_param(const struct cf_sip_param *param, struct cf_sip_contact *contact)
{
    struct cf_sip_cursor value = {param->value, param->value + param->value_len};
    uint32_t expires_s;
    if (CF_SIP_SAME(param->name, param->name_len, "q")) {
        read_q(value, &contact->q);
    } else if (CF_SIP_SAME(param->name, param->name_len, "expires") && cf_sip_take_number(&value, &expires_s) &&
               value.p == value.end) {
        contact->expires_given = true;
        contact->expires_s = expires_s;
    }
}

static void read_contact_params(struct cf_sip_cursor c, struct cf_sip_contact *contact)
{
    struct cf_sip_param param;
    while (cf_sip_param_next(&c, &param) > 0)
        if (param.value != NULL)
            read_contact_param(&param, contact);
}

/* 1: the next contact, 0: there is none, -1: one that is malformed; what stands behind it in its line is lost. */
static int next_contact(struct walk *walk, struct cf_sip_contact *ret_contact)
{
    const struct cf_sip_msg *msg = walk->msg;
    struct cf_sip_address address = {0};
    cf_sip_skip_space(&walk->c);
    while (walk->c.p == walk->c.end)
        if (!next_line(walk))
            return 0;
    if (!cf_sip_address_read(&walk->c, msg->base, &address)) {
        walk->c.p = walk->c.end;
        return -1;
    }
    if (cf_sip_at(&walk->c, ','))
        walk->c.p++;
    *ret_contact = (struct cf_sip_contact){
        .uri = address.uri, .display = address.display, .display_quoted = address.display_quoted, .q = 1000};
    read_contact_params(cf_sip_address_params(msg, &address), ret_contact);
    return 1;
}

/* Sorts it in behind those that are wanted as much. */
static void insert_contact(struct cf_sip_contacts *contacts, const struct cf_sip_contact *contact)
{
    unsigned at = contacts->count;
    if (at == CF_SIP_CONTACTS_MAX) {
        contacts->left_out++;
        return;
    }
    for (; at > 0 && contacts->contact[at - 1].q < contact->q; at--)
        contacts->contact[at] = contacts->contact[at - 1];
    contacts->contact[at] = *contact;
    contacts->count++;
}

unsigned cf_sip_contacts_read(const struct cf_sip_msg *msg, struct cf_sip_contacts *ret_contacts)
{
    struct walk walk = {.msg = msg};
    struct cf_sip_contact contact;
    int got;
    ret_contacts->count = 0;
    ret_contacts->left_out = 0;
    while ((got = next_contact(&walk, &contact)) != 0) {
        if (got > 0 && *cf_sip_ptr(msg, contact.uri) != '*')
            insert_contact(ret_contacts, &contact);
        else
            ret_contacts->left_out++;
    }
    return ret_contacts->count;
}

static bool same_bare(const char *text, size_t len, const char *wanted)
{
    return len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

/* `host` may be an IPv6 address in brackets, which those of a message have been read without. */
static bool same_host(const char *text, size_t len, const char *host)
{
    const bool bracketed = host[0] == '[';
    host += bracketed;
    if (len + bracketed != strlen(host))
        return false;
    for (size_t i = 0; i < len; i++)
        if (cf_sip_lower(text[i]) != cf_sip_lower(host[i]))
            return false;
    return true;
}

static unsigned port_of(uint16_t port)
{
    return port != 0 ? port : 5060;
}

bool cf_sip_granted_read(const struct cf_sip_msg *response, const char *user, const char *host, uint16_t port,
                         uint32_t *ret_s)
{
    struct walk walk = {.msg = response};
    struct cf_sip_contact contact;
    struct cf_sip_uri uri;
    int got;
    while ((got = next_contact(&walk, &contact)) != 0) {
        if (got < 0 || !cf_sip_uri_read(cf_sip_ptr(response, contact.uri), contact.uri.len, &uri) ||
            !same_bare(uri.user, uri.user_len, user) || !same_host(uri.host, uri.host_len, host) ||
            port_of(uri.port) != port_of(port))
            continue;
        if (contact.expires_given)
            *ret_s = contact.expires_s;
        else if (cf_sip_seen(response, CF_SIP_HEADER_EXPIRES) && response->expires != UINT32_MAX)
            *ret_s = response->expires;
        else
            return false;
        return true;
    }
    return false;
}

/* ---- bodies */

bool cf_sip_type_is(const struct cf_sip_msg *msg, const char *type, const char *subtype)
{
    const char *text = cf_sip_ptr(msg, msg->content_type);
    struct cf_sip_cursor c = {text, text + msg->content_type.len};
    if (!cf_sip_same(text, cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN), type, strlen(type)) || !cf_sip_take(&c, '/'))
        return false;
    const char *second = c.p;
    return cf_sip_same(second, cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN), subtype, strlen(subtype));
}

unsigned cf_sip_sipfrag_status(const char *body, size_t len)
{
    static const char version[8] = "sip/2.0 ";
    struct cf_sip_cursor c = {body, body + len};
    uint32_t status;
    if (len < sizeof(version) || !cf_sip_same(body, sizeof(version), version, sizeof(version)))
        return 0;
    c.p += sizeof(version);
    const char *digits = c.p;
    if (!cf_sip_take_number(&c, &status) || c.p - digits != 3 || status < 100 || status > 699)
        return 0;
    return c.p == c.end || cf_sip_is(*c.p, CF_SIP_CHAR_SPACE) ? status : 0;
}

void cf_sip_dtmf_put(struct cf_sip_out *out, char digit, unsigned duration_ms)
{
    if (strchr("0123456789*#ABCD", digit) == NULL || digit == 0)
        return;
    CF_SIP_PUT(out, "Signal=");
    cf_sip_put(out, &digit, 1);
    CF_SIP_PUT(out, "\r\nDuration=");
    cf_sip_put_number(out, duration_ms < CF_SIP_DTMF_MS_MAX ? duration_ms : CF_SIP_DTMF_MS_MAX);
    CF_SIP_PUT(out, "\r\n");
}

/* One character, or the number of an event of RFC 4733; 0: none. */
static char digit_of(struct cf_sip_cursor value)
{
    uint32_t number;
    if (value.end - value.p == 1) {
        const char lower = cf_sip_lower(*value.p);
        if (lower >= 'a' && lower <= 'd')
            return (char)(lower - 'a' + 'A');
        return cf_sip_is(lower, CF_SIP_CHAR_DIGIT) || lower == '*' || lower == '#' ? lower : 0;
    }
    if (!cf_sip_take_number(&value, &number) || value.p != value.end || number > 15)
        return 0;
    return "0123456789*#ABCD"[number];
}

/* "Name = value" up to the end of its line; false: the body is over. */
static bool next_pair(struct cf_sip_cursor *body, struct cf_sip_cursor *ret_name, struct cf_sip_cursor *ret_value)
{
    cf_sip_skip_space(body); /* line ends too */
    if (body->p == body->end)
        return false;
    const char *end = cf_sip_find_control(body->p, body->end);
    struct cf_sip_cursor line = {body->p, end};
    ret_name->p = line.p;
    cf_sip_take_class(&line, CF_SIP_CHAR_TOKEN);
    ret_name->end = line.p;
    *ret_value = (struct cf_sip_cursor){line.p, line.p};
    if (cf_sip_take(&line, '=')) {
        while (end > line.p && end[-1] == ' ')
            end--;
        *ret_value = (struct cf_sip_cursor){line.p, end};
    }
    body->p = end < body->end ? end + 1 : end;
    return true;
}

bool cf_sip_dtmf_read(const char *body, size_t len, char *ret_digit, unsigned *ret_duration_ms)
{
    struct cf_sip_cursor c = {body, body + len}, name, value;
    char digit = 0;
    uint32_t duration_ms = 0;
    while (next_pair(&c, &name, &value)) {
        const size_t name_len = (size_t)(name.end - name.p);
        if (CF_SIP_SAME(name.p, name_len, "signal"))
            digit = digit_of(value);
        else if (CF_SIP_SAME(name.p, name_len, "duration") && !cf_sip_take_number(&value, &duration_ms))
            duration_ms = 0;
    }
    if (digit == 0)
        return false;
    *ret_digit = digit;
    *ret_duration_ms = duration_ms == 0                   ? CF_SIP_DTMF_MS_DEFAULT
                       : duration_ms < CF_SIP_DTMF_MS_MAX ? duration_ms
                                                          : CF_SIP_DTMF_MS_MAX;
    return true;
}

bool cf_sip_dtmf_bare_read(const char *body, size_t len, char *ret_digit)
{
    struct cf_sip_cursor c = {body, body + len};
    cf_sip_skip_space(&c); /* line ends too */
    while (c.end > c.p && cf_sip_is(c.end[-1], CF_SIP_CHAR_SPACE))
        c.end--;
    const char digit = c.p != c.end ? digit_of(c) : 0;
    if (digit != 0)
        *ret_digit = digit;
    return digit != 0;
}

/* Where there are two the first counts. */
bool cf_sip_body_optional(const struct cf_sip_msg *msg)
{
    struct cf_sip_cursor c;
    struct cf_sip_param param;
    if (!line_of(msg, CF_SIP_HEADER_CONTENT_DISPOSITION, &c))
        return false;
    cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN);
    while (cf_sip_param_next(&c, &param) > 0)
        if (CF_SIP_SAME(param.name, param.name_len, "handling"))
            return param.value != NULL && CF_SIP_SAME(param.value, param.value_len, "optional");
    return false;
}

bool cf_sip_body_encoded(const struct cf_sip_msg *msg)
{
    const struct cf_sip_slice encoding = msg->content_encoding;
    return encoding.len != 0 && !CF_SIP_SAME(cf_sip_ptr(msg, encoding), encoding.len, "identity");
}

/* ---- session timers */

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The shortest interval that we let pass. */
static uint32_t min_of(const struct cf_sip_session_wish *wish)
{
    return larger(wish->min_se_s, CF_SIP_SESSION_S_MIN);
}

/* Session-Expires: 1800;refresher=uac. */
static int read_session_expires(const struct cf_sip_msg *msg, struct cf_sip_session_peer *peer)
{
    struct cf_sip_cursor rest;
    struct cf_sip_param param;
    uint32_t value = 0;
    int got = read_number_and(msg, CF_SIP_HEADER_SESSION_EXPIRES, &value, &rest);
    if (got != 1)
        return got;
    while ((got = cf_sip_param_next(&rest, &param)) > 0) {
        if (!CF_SIP_SAME(param.name, param.name_len, "refresher"))
            continue;
        if (CF_SIP_SAME(param.value, param.value_len, "uac"))
            peer->refresher = CF_SIP_REFRESHER_UAC;
        else if (CF_SIP_SAME(param.value, param.value_len, "uas"))
            peer->refresher = CF_SIP_REFRESHER_UAS;
        else
            return -1;
    }
    if (got < 0 || rest.p != rest.end)
        return -1;
    peer->session_s = larger(value, 1); /* 0 is far too small, not absent */
    return 1;
}

bool cf_sip_session_read(const struct cf_sip_msg *msg, struct cf_sip_session_peer *ret_peer)
{
    struct cf_sip_session_peer peer = {0};
    uint32_t supported, required;
    unsigned others;
    *ret_peer = peer;
    if (!cf_sip_options_read(msg, &msg->supported, &supported, &others) ||
        !cf_sip_options_read(msg, &msg->require, &required, &others) || read_session_expires(msg, &peer) < 0 ||
        cf_sip_min_se_read(msg, &peer.min_se_s) < 0)
        return false;
    peer.supported = ((supported | required) >> CF_SIP_OPTION_TIMER & 1) != 0;
    *ret_peer = peer;
    return true;
}

static const struct cf_sip_session no_timer = {0};

struct cf_sip_session cf_sip_session_as_uas(const struct cf_sip_session_wish *wish,
                                            const struct cf_sip_session_peer *request)
{
    const bool asked = request->session_s != 0;
    if (wish->session_s == 0 || (!asked && !request->supported))
        return no_timer;
    /* Who does not know the timer (a proxy asked) does not know 422 either. */
    if (asked && request->supported && request->session_s < min_of(wish))
        return (struct cf_sip_session){.too_small = true};
    const uint32_t wanted = larger(wish->session_s, larger(min_of(wish), request->min_se_s));
    struct cf_sip_session session = {.refresher = CF_SIP_REFRESHER_UAS};
    /* What was asked for may be shortened, never made longer; shorter than the shortest of all it is nobody's right to ask. */
    session.session_s = asked ? larger(smaller(wanted, request->session_s), CF_SIP_SESSION_S_MIN) : wanted;
    if (request->supported)
        session.refresher = request->refresher != CF_SIP_REFRESHER_NONE ? request->refresher : CF_SIP_REFRESHER_UAC;
    session.ours = session.refresher == CF_SIP_REFRESHER_UAS;
    session.required = !session.ours;
    return session;
}

struct cf_sip_session cf_sip_session_as_uac(const struct cf_sip_session_wish *wish,
                                            const struct cf_sip_session_peer *response)
{
    if (wish->session_s == 0 || response->session_s == 0)
        return no_timer;
    struct cf_sip_session session = {.session_s = larger(response->session_s, CF_SIP_SESSION_S_MIN)};
    session.refresher = response->refresher != CF_SIP_REFRESHER_NONE ? response->refresher : CF_SIP_REFRESHER_UAC;
    session.ours = session.refresher == CF_SIP_REFRESHER_UAC;
    return session;
}

static void put_session_expires(struct cf_sip_out *out, uint32_t session_s, enum cf_sip_refresher refresher)
{
    CF_SIP_PUT(out, "Session-Expires: ");
    cf_sip_put_number(out, session_s);
    if (refresher != CF_SIP_REFRESHER_NONE)
        cf_sip_put_string(out, refresher == CF_SIP_REFRESHER_UAC ? ";refresher=uac" : ";refresher=uas");
    CF_SIP_PUT(out, "\r\n");
}

void cf_sip_session_put_request(struct cf_sip_out *out, const struct cf_sip_session_wish *wish, uint32_t raised_s,
                                const struct cf_sip_session *running)
{
    const bool runs = running != NULL && running->session_s != 0;
    const uint32_t min_s = larger(min_of(wish), raised_s);
    if (wish->session_s == 0)
        return;
    put_session_expires(out, larger(runs ? running->session_s : wish->session_s, min_s),
                        !runs           ? CF_SIP_REFRESHER_NONE
                        : running->ours ? CF_SIP_REFRESHER_UAC
                                        : CF_SIP_REFRESHER_UAS);
    if (min_s > CF_SIP_SESSION_S_MIN)
        put_number_line(out, "Min-SE", min_s);
}

void cf_sip_session_put(struct cf_sip_out *out, const struct cf_sip_session *session)
{
    if (session->session_s != 0)
        put_session_expires(out, session->session_s, session->refresher);
}

void cf_sip_session_put_422(struct cf_sip_out *out, const struct cf_sip_session_wish *wish)
{
    put_number_line(out, "Min-SE", min_of(wish));
}
