/*
 * Our scanner against libosip2's parser, where that is installed.
 *
 * Of messages that are put together by chance from legal pieces (compact names, folds, blanks, order, lists, quoted strings,
 * IPv6) both must read the same. Of the captured messages, the torture messages and variations of both, either both refuse,
 * or both accept and read the same, or one of the tables below has the reason why not. A difference without a reason fails.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/sip/field.h"
#include "adapters/sip/scan.h"
#include "tests/support/sip_corpus.h"

#if defined(__has_include)
#if __has_include(<osipparser2/osip_parser.h>)
#define HAVE_OSIP 1
#include <sys/time.h>
#include <osipparser2/osip_parser.h>
#endif
#endif

#ifdef HAVE_OSIP
enum { MESSAGES = 5000, VARIATIONS = 120, TEXT_MAX = 8192, HEADERS_MAX = 16 };

static struct {
    int (*parser_init)(void);
    int (*message_init)(osip_message_t **);
    int (*message_parse)(osip_message_t *, const char *, size_t);
    void (*message_free)(osip_message_t *);
    int (*get_via)(const osip_message_t *, int, osip_via_t **);
    int (*get_param)(osip_list_t *, char *, osip_generic_param_t **);
    int (*get_contact)(const osip_message_t *, int, osip_contact_t **);
} osip;

/* They lose the first of two Content-Type headers; LeakSanitizer asks for this. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libosipparser2\n";
}

static void be_quiet(const char *file, int line, osip_trace_level_t level, const char *format, va_list args)
{
    (void)file, (void)line, (void)level, (void)format, (void)args;
}

static bool load(void)
{
    void *library = dlopen("libosipparser2.so", RTLD_NOW);
    if (library == NULL)
        return false;
    *(void **)&osip.parser_init = dlsym(library, "parser_init");
    *(void **)&osip.message_init = dlsym(library, "osip_message_init");
    *(void **)&osip.message_parse = dlsym(library, "osip_message_parse");
    *(void **)&osip.message_free = dlsym(library, "osip_message_free");
    *(void **)&osip.get_via = dlsym(library, "osip_message_get_via");
    *(void **)&osip.get_param = dlsym(library, "osip_uri_param_get_byname");
    *(void **)&osip.get_contact = dlsym(library, "osip_message_get_contact");
    void (*trace)(osip_trace_level_t, osip_trace_func_t *);
    *(void **)&trace = dlsym(library, "osip_trace_initialize_func");
    if (trace != NULL)
        trace(OSIP_BUG, be_quiet);
    return osip.parser_init != NULL && osip.message_init != NULL && osip.message_parse != NULL &&
           osip.message_free != NULL && osip.get_via != NULL && osip.get_param != NULL && osip.get_contact != NULL &&
           osip.parser_init() == 0;
}

/* ---- a message by chance */

static uint64_t seed;

static unsigned below(unsigned bound)
{
    uint64_t z = (seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (unsigned)((z ^ (z >> 31)) % bound);
}

#define PICK(list) (list)[below(sizeof(list) / sizeof((list)[0]))]

static const char *space(void)
{
    static const char *const spaces[] = {"", "", "", " ", "  ", "\t", "\r\n ", " \r\n\t"};
    return PICK(spaces);
}

static const char *uri(void)
{
    static const char *const uris[] = {
        "sip:a@b.example",          "sip:+4420@192.0.2.1:5070", "sips:bob;x=y@[2001:db8::1]:5061;transport=udp",
        "sip:192.0.2.9;lr;maddr=x", "sip:alice:pw@h.example",   "sip:%61b@c.example"};
    return PICK(uris);
}

static const char *tag(void)
{
    static const char *const tags[] = {"1", "9f1c2d3e", "a.b-c_d", "as76f9s8df7", "~x!*"};
    return PICK(tags);
}

/* name-addr with a tag, or one without. */
static void put_address(char *to, bool tagged)
{
    static const char *const displays[] = {"", "", "Bob ", "\"A \\\"q\\\" <x>\" ", "\"\" ", "two words "};
    to += sprintf(to, "%s<%s>", PICK(displays), uri());
    if (tagged)
        sprintf(to, "%s;%stag%s=%s%s", space(), space(), "", "", tag());
}

static const char *name(const char *full, const char *compact)
{
    return compact != NULL && below(3) == 0 ? compact : full;
}

static void put_via(char *to)
{
    static const char *const hosts[] = {"192.0.2.7", "pc.example", "[2001:db8::9]", "h"};
    static const char *const ports[] = {"", ":5060", ":6", ":65535"};
    static const char *const ends[] = {"", ";rport", ";received=192.0.2.3", ";ttl=1;x"};
    sprintf(to, "SIP/2.0/%s %s%s%s;branch=z9hG4bK%s%s", below(2) ? "UDP" : "TCP", PICK(hosts), PICK(ports), space(),
            tag(), PICK(ends));
}

static size_t message_by_chance(char *text)
{
    static const char *const methods[] = {"INVITE", "BYE", "OPTIONS", "ACK", "CANCEL", "INFO", "UPDATE", "REGISTER"};
    static const char *const bodies[] = {"", "v=0\r\n", "anything at all\r\n\r\n"};
    char header[HEADERS_MAX][1024], value[900];
    unsigned headers = 0;
    const char *method = PICK(methods);
    const char *body = PICK(bodies);
    for (unsigned i = 0; i < 1 + below(3); i++) {
        put_via(value);
        sprintf(header[headers++], "%s:%s%s", name("Via", "v"), space(), value);
    }
    put_address(value, true);
    sprintf(header[headers++], "%s:%s%s", name("From", "f"), space(), value);
    put_address(value, below(2));
    sprintf(header[headers++], "%s:%s%s", name("To", "t"), space(), value);
    sprintf(header[headers++], "%s:%s%s@%s", name("Call-ID", "i"), space(), tag(),
            below(2) ? "h.example" : "192.0.2.1");
    sprintf(header[headers++], "CSeq: %u%s%s", below(1u << 31), below(3) ? " " : "  ", method);
    put_address(value, false);
    if (below(4) != 0)
        sprintf(header[headers++], "%s:%s%s", name("Contact", "m"), space(), value);
    if (below(2))
        sprintf(header[headers++], "Max-Forwards: %u", below(256));
    if (below(2))
        sprintf(header[headers++], "Subject: x;y,z\"");
    if (below(2))
        sprintf(header[headers++], "Record-Route: <%s;lr>, <%s>", uri(), uri());
    if (body[0] != '\0')
        sprintf(header[headers++], "%s: application/sdp", name("Content-Type", "c"));
    sprintf(header[headers++], "%s: %zu", name("Content-Length", "l"), strlen(body));

    char *p = text + sprintf(text, "%s %s SIP/2.0\r\n", method, uri());
    unsigned order[HEADERS_MAX];
    for (unsigned i = 0; i < headers; i++)
        order[i] = i;
    for (unsigned i = headers;
         i-- > 1;) { /* Vias keep their order only by chance: the first in the text is the topmost */
        const unsigned j = below(i + 1);
        const unsigned other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
    for (unsigned i = 0; i < headers; i++)
        p += sprintf(p, "%s\r\n", header[order[i]]);
    p += sprintf(p, "\r\n%s", body);
    return (size_t)(p - text);
}

/* ---- the comparison: what the first difference is, NULL when there is none */

static const char *text_differs(const struct cf_sip_msg *msg, struct cf_sip_slice slice, const char *theirs,
                                const char *what)
{
    if (theirs == NULL)
        theirs = "";
    return slice.len != strlen(theirs) || memcmp(cf_sip_ptr(msg, slice), theirs, slice.len) != 0 ? what : NULL;
}

static const char *param_of(osip_list_t *params, const char *name_of_param)
{
    osip_generic_param_t *param = NULL;
    char copy[16];
    snprintf(copy, sizeof(copy), "%s", name_of_param);
    osip.get_param(params, copy, &param);
    return param != NULL ? param->gvalue : NULL;
}

static const char *uri_differs(const struct cf_sip_msg *msg, struct cf_sip_slice slice, const osip_uri_t *theirs,
                               const char *what)
{
    struct cf_sip_uri ours;
    if (!cf_sip_uri_read(cf_sip_ptr(msg, slice), slice.len, &ours))
        return NULL; /* kept as text by the scanner, refused by whoever reads it */
    if (theirs == NULL)
        return what;
    if (ours.scheme != CF_SIP_SCHEME_SIP && ours.scheme != CF_SIP_SCHEME_SIPS)
        return theirs->string != NULL ? NULL : what; /* kept as a string there */
    const char *host = theirs->host != NULL ? theirs->host : "";
    if (ours.host_len != strlen(host) || memcmp(ours.host, host, ours.host_len) != 0)
        return what;
    return ours.port != (theirs->port != NULL ? atoi(theirs->port) : 0) ? what : NULL;
}

static const char *via_differs(const struct cf_sip_msg *msg, osip_message_t *theirs)
{
    osip_via_t *via = NULL;
    if (osip.get_via(theirs, 0, &via) < 0)
        return "Via";
    if (msg->via.port != (via->port != NULL ? atoi(via->port) : 0))
        return "Via port";
    const char *differs = text_differs(msg, msg->via.host, via->host, "Via host");
    return differs != NULL ? differs
                           : text_differs(msg, msg->via.branch, param_of(&via->via_params, "branch"), "Via branch");
}

static const char *start_differs(const struct cf_sip_msg *msg, osip_message_t *theirs)
{
    if (msg->is_request != (theirs->sip_method != NULL))
        return "kind";
    if (!msg->is_request)
        return msg->status != theirs->status_code ? "status" : NULL;
    const char *differs = text_differs(msg, msg->method_text, theirs->sip_method, "method");
    return differs != NULL ? differs : uri_differs(msg, msg->uri, theirs->req_uri, "Request-URI");
}

static const char *call_differs(const struct cf_sip_msg *msg, osip_message_t *theirs)
{
    char call_id[1000];
    const osip_call_id_t *id = theirs->call_id;
    snprintf(call_id, sizeof(call_id), "%s%s%s", id->number, id->host != NULL ? "@" : "",
             id->host != NULL ? id->host : "");
    const char *differs = text_differs(msg, msg->call_id, call_id, "Call-ID");
    if (differs == NULL && msg->cseq != strtoul(theirs->cseq->number, NULL, 10))
        differs = "CSeq";
    if (differs == NULL)
        differs = text_differs(msg, msg->cseq_method_text, theirs->cseq->method, "CSeq method");
    if (differs == NULL)
        differs = text_differs(msg, msg->from.tag, param_of(&theirs->from->gen_params, "tag"), "From tag");
    if (differs == NULL)
        differs = text_differs(msg, msg->to.tag, param_of(&theirs->to->gen_params, "tag"), "To tag");
    if (differs == NULL)
        differs = uri_differs(msg, msg->from.uri, theirs->from->url, "From");
    return differs != NULL ? differs : uri_differs(msg, msg->to.uri, theirs->to->url, "To");
}

static const char *contact_differs(const struct cf_sip_msg *msg, osip_message_t *theirs)
{
    osip_contact_t *contact = NULL;
    const bool there = osip.get_contact(theirs, 0, &contact) >= 0 && contact != NULL;
    if (cf_sip_seen(msg, CF_SIP_HEADER_CONTACT) != there)
        return "Contact is there";
    if (!there || contact->url == NULL) /* the wildcard has none */
        return NULL;
    return uri_differs(msg, msg->contact.uri, contact->url, "Contact");
}

static const char *body_differs(const struct cf_sip_msg *msg, osip_message_t *theirs)
{
    const osip_body_t *body = theirs->bodies.node != NULL ? theirs->bodies.node->element : NULL;
    if (msg->body.len != (body != NULL ? body->length : 0))
        return "body length";
    return body != NULL && memcmp(cf_sip_ptr(msg, msg->body), body->body, body->length) != 0 ? "body" : NULL;
}

static const char *difference(const struct cf_sip_msg *msg, osip_message_t *theirs)
{
    const char *differs = start_differs(msg, theirs);
    if (differs == NULL)
        differs = call_differs(msg, theirs);
    if (differs == NULL)
        differs = via_differs(msg, theirs);
    if (differs == NULL)
        differs = contact_differs(msg, theirs);
    return differs != NULL ? differs : body_differs(msg, theirs);
}

static void legal_messages_read_the_same(void **state)
{
    (void)state;
    static char text[TEXT_MAX];
    unsigned compared = 0;
    if (!load())
        skip();
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct cf_sip_msg msg;
        osip_message_t *theirs;
        seed = i + 1;
        const size_t len = message_by_chance(text);
        if (cf_sip_scan(&msg, text, len) != CF_SIP_ERROR_OK)
            fail_msg("seed %u: %s for a legal message:\n%s", i + 1, cf_sip_error_text(msg.error), text);
        assert_int_equal(osip.message_init(&theirs), 0);
        if (osip.message_parse(theirs, text, len) == 0) {
            const char *differs = difference(&msg, theirs);
            if (differs != NULL)
                fail_msg("seed %u: %s differs for\n%s", i + 1, differs, text);
            assert_int_equal(msg.vias_count, theirs->vias.nb_elt);
            compared++;
        }
        osip.message_free(theirs);
    }
    print_message("%u of %u messages compared\n", compared, (unsigned)MESSAGES);
    assert_true(compared > MESSAGES * 9 / 10);
}
/* ---- the reasons */

/* What we refuse and they accept: why the fault is one to us. */
static const char *const strict[CF_SIP_ERRORS_COUNT] = {
    [CF_SIP_ERROR_NOISE] = "they take a start line of any kind; ours is not answered when it is not SIP",
    [CF_SIP_ERROR_START_LINE] = "more than one blank, a TAB, <> or a fold in the start line",
    [CF_SIP_ERROR_VERSION] = "they compare the version with nothing",
    [CF_SIP_ERROR_STATUS] = "they take any number",
    [CF_SIP_ERROR_CONTROL_BYTE] = "they pass over control bytes, and a bare CR ends a line",
    [CF_SIP_ERROR_UNTERMINATED] = "they do without the empty line when there is no body",
    [CF_SIP_ERROR_HEADER_LINE] = "a colon that is missing, or nothing before it",
    [CF_SIP_ERROR_DUPLICATE] = "they take the last of two",
    [CF_SIP_ERROR_VIA] = "second branch, port out of range, rubbish behind the value",
    [CF_SIP_ERROR_FROM] = "second tag, several values, quotes that do not balance, empty parameters",
    [CF_SIP_ERROR_TO] = "as From",
    [CF_SIP_ERROR_CALL_ID] = "white space inside",
    [CF_SIP_ERROR_CSEQ] = "a number that does not fit 32 bits, rubbish behind the method",
    [CF_SIP_ERROR_CSEQ_METHOD] = "they do not compare it with the request line",
    [CF_SIP_ERROR_CONTACT] = "as From; '?' without <>",
    [CF_SIP_ERROR_RECORD_ROUTE] = "as From",
    [CF_SIP_ERROR_MAX_FORWARDS] = "they keep it as text",
    [CF_SIP_ERROR_CONTENT_LENGTH] = "they read as many digits as there are, and a sign",
    [CF_SIP_ERROR_BODY_SHORT] = "they take the bytes that are there",
    [CF_SIP_ERROR_MISSING_VIA] = "they ask for no header",
    [CF_SIP_ERROR_MISSING_FROM] = "they ask for no header",
    [CF_SIP_ERROR_MISSING_TO] = "they ask for no header",
    [CF_SIP_ERROR_MISSING_CALL_ID] = "they ask for no header",
    [CF_SIP_ERROR_MISSING_CSEQ] = "they ask for no header",
};

static bool uri_is_readable_sip(const struct cf_sip_msg *msg, struct cf_sip_slice slice)
{
    struct cf_sip_uri uri;
    return slice.len == 0 || (cf_sip_uri_read(cf_sip_ptr(msg, slice), slice.len, &uri) &&
                              (uri.scheme == CF_SIP_SCHEME_SIP || uri.scheme == CF_SIP_SCHEME_SIPS));
}

static bool keeps_an_odd_uri(const struct cf_sip_msg *msg)
{
    return !uri_is_readable_sip(msg, msg->uri) || !uri_is_readable_sip(msg, msg->from.uri) ||
           !uri_is_readable_sip(msg, msg->to.uri) || !uri_is_readable_sip(msg, msg->contact.uri);
}

static bool display_is_odd(const struct cf_sip_msg *msg, const struct cf_sip_address *address)
{
    const char *p = cf_sip_ptr(msg, address->display);
    for (unsigned i = 0; i < address->display.len && !address->display_quoted; i++)
        if (!cf_sip_is(p[i], CF_SIP_CHAR_TOKEN) && p[i] != ' ')
            return true;
    return false;
}

static bool keeps_an_odd_display_name(const struct cf_sip_msg *msg)
{
    return display_is_odd(msg, &msg->from) || display_is_odd(msg, &msg->to) || display_is_odd(msg, &msg->contact);
}

static bool does_not_read_the_other_vias(const struct cf_sip_msg *msg)
{
    for (unsigned i = 0; i < msg->vias_count; i++) {
        const char *start = cf_sip_ptr(msg, msg->vias[i]);
        struct cf_sip_cursor c = {start, start + msg->vias[i].len};
        while (true) {
            struct cf_sip_via via = {0};
            if (!cf_sip_via_read(&c, msg->base, &via))
                return true;
            if (c.p == c.end)
                break;
            c.p++;
        }
    }
    return false;
}

static bool does_not_read_the_content_type(const struct cf_sip_msg *msg)
{
    const char *p = cf_sip_ptr(msg, msg->content_type);
    struct cf_sip_cursor c = {p, p + msg->content_type.len};
    const bool type = cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN) != 0 && cf_sip_take(&c, '/') &&
                      cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN) != 0;
    return msg->content_type.len != 0 && !type;
}

static bool sends_several_bodies(const struct cf_sip_msg *msg)
{
    const char *p = cf_sip_ptr(msg, msg->content_type);
    return msg->content_type.len >= 10 && CF_SIP_SAME(p, 10, "multipart/");
}

static bool has_no_content_type(const struct cf_sip_msg *msg)
{
    return !cf_sip_seen(msg, CF_SIP_HEADER_CONTENT_TYPE);
}

static bool holds(const struct cf_sip_msg *msg, struct cf_sip_slice slice, const char *any)
{
    const char *p = cf_sip_ptr(msg, slice);
    for (unsigned i = 0; i < slice.len; i++)
        if (p[i] != '\0' && strchr(any, p[i]) != NULL)
            return true;
    return false;
}

static bool has_parentheses(const struct cf_sip_msg *msg)
{
    for (unsigned i = 0; i < msg->vias_count; i++)
        if (holds(msg, msg->vias[i], "()"))
            return true;
    return holds(msg, msg->from.value, "()") || holds(msg, msg->to.value, "()") || holds(msg, msg->contact.value, "()");
}

static bool has_a_tab(const struct cf_sip_msg *msg)
{
    return memchr(msg->base, '\t', msg->body.at) != NULL;
}

static bool has_a_bare_lf(const struct cf_sip_msg *msg)
{
    for (unsigned i = 1; i < msg->body.at; i++)
        if (msg->base[i] == '\n' && msg->base[i - 1] != '\r')
            return true;
    return false;
}

static bool has_no_reason(const struct cf_sip_msg *msg)
{
    return !msg->is_request && msg->reason.len == 0;
}

/* "sip:x" */
static bool has_a_host_of_one_letter(const struct cf_sip_msg *msg)
{
    return msg->from.uri.len == 5 || msg->to.uri.len == 5 || msg->contact.uri.len == 5 || msg->uri.len == 5;
}

/* A line of nothing but white space that goes on with the one before. */
static bool has_an_empty_fold(const struct cf_sip_msg *msg)
{
    const char *p = msg->base;
    const char *end = p + msg->body.at;
    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        struct cf_sip_cursor c = {++p, end};
        while (cf_sip_at(&c, ' '))
            c.p++;
        if (c.p != p && (cf_sip_at(&c, '\r') || cf_sip_at(&c, '\n')))
            return true;
    }
    return false;
}

static bool has_a_call_id_without_a_number(const struct cf_sip_msg *msg)
{
    return *cf_sip_ptr(msg, msg->call_id) == '@';
}

static bool does_not_read_the_other_contacts(const struct cf_sip_msg *msg)
{
    struct cf_sip_slice more;
    return msg->contact_rest.len != 0 || cf_sip_extra(msg, CF_SIP_HEADER_CONTACT_MORE, 0, &more);
}

static bool has_headers_in_a_uri(const struct cf_sip_msg *msg)
{
    return holds(msg, msg->uri, "?") || holds(msg, msg->from.uri, "?") || holds(msg, msg->to.uri, "?") ||
           holds(msg, msg->contact.uri, "?");
}

static bool user_is_empty(const struct cf_sip_msg *msg, struct cf_sip_slice slice)
{
    struct cf_sip_uri uri;
    if (!holds(msg, slice, "@") || !cf_sip_uri_read(cf_sip_ptr(msg, slice), slice.len, &uri))
        return false;
    return uri.user_len == 0 || memmem(cf_sip_ptr(msg, slice), slice.len, ":@", 2) != NULL;
}

static bool has_an_empty_user(const struct cf_sip_msg *msg)
{
    return user_is_empty(msg, msg->uri) || user_is_empty(msg, msg->from.uri) || user_is_empty(msg, msg->to.uri) ||
           user_is_empty(msg, msg->contact.uri);
}

/* A parameter of that name that has no value. */
static bool has_bare(const struct cf_sip_msg *msg, struct cf_sip_slice slice, const char *name_of_param)
{
    const char *p = cf_sip_ptr(msg, slice);
    const size_t name_len = strlen(name_of_param);
    for (size_t i = 0; i + 1 + name_len <= slice.len; i++) {
        struct cf_sip_cursor c = {p + i, p + slice.len};
        if (!cf_sip_take(&c, ';') || (size_t)(c.end - c.p) < name_len || strncasecmp(c.p, name_of_param, name_len) != 0)
            continue;
        c.p += name_len;
        cf_sip_skip_space(&c);
        if (!cf_sip_at(&c, '='))
            return true;
    }
    return false;
}

static bool has_a_bare_tag(const struct cf_sip_msg *msg)
{
    return has_bare(msg, msg->from.value, "tag") || has_bare(msg, msg->to.value, "tag");
}

static bool has_a_bare_branch(const struct cf_sip_msg *msg)
{
    return has_bare(msg, msg->via.value, "branch");
}

static bool begins_with_odd_case(const struct cf_sip_msg *msg)
{
    const char *p = msg->base;
    while (*p == '\r' || *p == '\n')
        p++;
    return !msg->is_request && memcmp(p, "SIP/2.0", 7) != 0;
}
/* What we accept and they refuse. */
static const struct {
    bool (*applies)(const struct cf_sip_msg *msg);
    const char *why;
} lenient[] = {
    {keeps_an_odd_uri, "a URI is kept as text; who needs its parts reads it with cf_sip_uri_read()"},
    {keeps_an_odd_display_name, "a display name without quotes that is no list of tokens: phones send them"},
    {does_not_read_the_other_vias, "only the topmost Via value is read; the others are sent back as they are"},
    {does_not_read_the_content_type, "Content-Type is kept as text"},
    {has_parentheses, "a parameter's value may hold any visible byte; they take parentheses for a comment"},
    {has_a_tab, "TAB is white space everywhere"},
    {has_an_empty_fold, "a folded line may be empty"},
    {sends_several_bodies, "the parts of a body are not read"},
    {has_a_host_of_one_letter, "a host may be one letter"},
    {has_a_call_id_without_a_number, "a Call-ID is any text without white space"},
    {does_not_read_the_other_contacts, "only the first Contact value is read"},
    {has_headers_in_a_uri, "headers in a URI are not read"},
    {has_an_empty_user, "a user part or a password may be empty"},
    {begins_with_odd_case, "the version is compared without case"},
};

/* What both accept and read differently. */
static const struct {
    const char *what;
    bool (*applies)(const struct cf_sip_msg *msg);
    const char *why;
} otherwise[] = {
    {"From", keeps_an_odd_uri, "they keep a URI of an unknown scheme as a string, or drop it"},
    {"From", keeps_an_odd_display_name, "they take a display name with a colon for a URI"},
    {"To", keeps_an_odd_uri, "they keep a URI of an unknown scheme as a string, or drop it"},
    {"To", keeps_an_odd_display_name, "they take a display name with a colon for a URI"},
    {"Contact", keeps_an_odd_uri, "they keep a URI of an unknown scheme as a string, or drop it"},
    {"Contact", keeps_an_odd_display_name, "they take a display name with a colon for a URI"},
    {"Request-URI", keeps_an_odd_uri, "they keep a URI of an unknown scheme as a string, or drop it"},
    {"Request-URI", keeps_an_odd_display_name, "they take a display name with a colon for a URI"},
    {"From tag", has_a_bare_tag, "they take the first parameter of that name, we the one that has a value"},
    {"To tag", has_a_bare_tag, "as From tag"},
    {"Via branch", has_a_bare_branch, "as From tag"},
    {"Via", has_no_reason, "without a blank behind the status they lose the first header"},
    {"Via port", has_no_reason, "as Via"},
    {"Via host", has_no_reason, "as Via"},
    {"Via branch", has_no_reason, "as Via"},
    {"Via branch", has_parentheses, "they take parentheses for a comment"},
    {"body", has_a_bare_lf, "they take folds out of the body when the headers end in LF CR LF"},
    {"body length", sends_several_bodies, "they take several bodies apart"},
    {"body length", has_no_content_type, "they keep no body without a Content-Type"},
};

enum {
    REASONS_LENIENT = sizeof(lenient) / sizeof(lenient[0]),
    REASONS_OTHERWISE = sizeof(otherwise) / sizeof(otherwise[0])
};

struct tally {
    unsigned both_accept;
    unsigned both_refuse;
    unsigned strict[CF_SIP_ERRORS_COUNT];
    unsigned lenient[REASONS_LENIENT];
    unsigned otherwise[REASONS_OTHERWISE];
};

static void explain_lenient(struct tally *tally, const struct cf_sip_msg *msg, const char *name)
{
    for (unsigned i = 0; i < REASONS_LENIENT; i++)
        if (lenient[i].applies(msg)) {
            tally->lenient[i]++;
            return;
        }
    fail_msg("%s: accepted here and refused there without a reason:\n%.*s", name, (int)msg->len, msg->base);
}

static void explain_otherwise(struct tally *tally, const struct cf_sip_msg *msg, const char *name, const char *what)
{
    for (unsigned i = 0; i < REASONS_OTHERWISE; i++)
        if (strcmp(otherwise[i].what, what) == 0 && otherwise[i].applies(msg)) {
            tally->otherwise[i]++;
            return;
        }
    fail_msg("%s: %s differs without a reason:\n%.*s", name, what, (int)msg->len, msg->base);
}

static void compare_one(struct tally *tally, const char *name, const char *text, size_t len)
{
    struct cf_sip_msg msg;
    osip_message_t *theirs;
    char *copy = malloc(len + 1); /* they look for the NUL behind it */
    assert_true(copy != NULL && osip.message_init(&theirs) == 0);
    memcpy(copy, text, len);
    copy[len] = '\0';
    const bool ours = cf_sip_scan(&msg, copy, len) == CF_SIP_ERROR_OK;
    const bool accepted = osip.message_parse(theirs, copy, len) == 0;
    if (ours && accepted) {
        const char *differs = difference(&msg, theirs);
        if (differs != NULL)
            explain_otherwise(tally, &msg, name, differs);
        tally->both_accept++;
    } else if (ours) {
        explain_lenient(tally, &msg, name);
    } else if (accepted) {
        if (strict[msg.error] == NULL)
            fail_msg("%s: '%s' here and accepted there without a reason:\n%.*s", name, cf_sip_error_text(msg.error),
                     (int)len, copy);
        tally->strict[msg.error]++;
    } else {
        tally->both_refuse++;
    }
    osip.message_free(theirs);
    free(copy);
}

static void print_tally(const struct tally *tally)
{
    print_message("%6u both accept\n%6u both refuse\n", tally->both_accept, tally->both_refuse);
    for (unsigned i = 0; i < CF_SIP_ERRORS_COUNT; i++)
        if (tally->strict[i] != 0)
            print_message("%6u refused here: %s: %s\n", tally->strict[i], cf_sip_error_text((enum cf_sip_error)i),
                          strict[i]);
    for (unsigned i = 0; i < REASONS_LENIENT; i++)
        print_message("%6u refused there: %s\n", tally->lenient[i], lenient[i].why);
    for (unsigned i = 0; i < REASONS_OTHERWISE; i++)
        print_message("%6u %s differs: %s\n", tally->otherwise[i], otherwise[i].what, otherwise[i].why);
}

static void differences_have_their_reasons(void **state)
{
    (void)state;
    static struct sip_corpus corpus;
    static struct tally tally;
    static char text[SIP_CORPUS_BYTES_MAX];
    uint64_t random = 1;
    if (!load())
        skip();
    sip_corpus_add(&corpus, "sip_capture");
    sip_corpus_add(&corpus, "sip_torture");
    for (size_t i = 0; i < corpus.count; i++)
        compare_one(&tally, corpus.message[i].name, corpus.message[i].text, corpus.message[i].len);
    for (size_t i = 0; i < corpus.count; i++)
        for (unsigned v = 0; v < VARIATIONS; v++) {
            const size_t len = sip_corpus_vary(text, &corpus.message[i], &random);
            compare_one(&tally, corpus.message[i].name, text, len);
        }
    print_tally(&tally);
    assert_true(tally.both_accept > corpus.count * VARIATIONS / 4);
}
#else
static void legal_messages_read_the_same(void **state)
{
    (void)state;
    skip();
}

static void differences_have_their_reasons(void **state)
{
    (void)state;
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(legal_messages_read_the_same),
                                       cmocka_unit_test(differences_have_their_reasons)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
