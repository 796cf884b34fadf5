/*
 * Our scanner against libosip2's parser, where that is installed: of messages that are put together by chance from
 * legal pieces (compact names, folds, blanks, order, lists, quoted strings, IPv6) both must read the same.
 */
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

#if defined(__has_include)
#if __has_include(<osipparser2/osip_parser.h>)
#define HAVE_OSIP 1
#include <sys/time.h>
#include <osipparser2/osip_parser.h>
#endif
#endif

#ifdef HAVE_OSIP
enum { MESSAGES = 5000, TEXT_MAX = 8192, HEADERS_MAX = 16 };

static struct {
    int (*parser_init)(void);
    int (*message_init)(osip_message_t **);
    int (*message_parse)(osip_message_t *, const char *, size_t);
    void (*message_free)(osip_message_t *);
    int (*get_via)(const osip_message_t *, int, osip_via_t **);
    int (*get_param)(osip_list_t *, char *, osip_generic_param_t **);
    int (*get_contact)(const osip_message_t *, int, osip_contact_t **);
} osip;

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

/* ---- the comparison */

static void same_text(const struct cf_sip_msg *msg, struct cf_sip_slice slice, const char *theirs, const char *what)
{
    if (theirs == NULL)
        theirs = "";
    if (slice.len != strlen(theirs) || memcmp(cf_sip_ptr(msg, slice), theirs, slice.len) != 0)
        fail_msg("%s: '%.*s' here, '%s' there\n%.*s", what, (int)slice.len, cf_sip_ptr(msg, slice), theirs,
                 (int)msg->len, msg->base);
}

static const char *param_of(osip_list_t *params, const char *name_of_param)
{
    osip_generic_param_t *param = NULL;
    char copy[16];
    snprintf(copy, sizeof(copy), "%s", name_of_param);
    osip.get_param(params, copy, &param);
    return param != NULL ? param->gvalue : NULL;
}

static void same_uri(const struct cf_sip_msg *msg, struct cf_sip_slice slice, const osip_uri_t *theirs,
                     const char *what)
{
    struct cf_sip_uri ours;
    assert_true(cf_sip_uri_read(cf_sip_ptr(msg, slice), slice.len, &ours));
    if (ours.host_len != strlen(theirs->host) || memcmp(ours.host, theirs->host, ours.host_len) != 0)
        fail_msg("%s: host '%.*s' here, '%s' there", what, (int)ours.host_len, ours.host, theirs->host);
    assert_int_equal(ours.port, theirs->port != NULL ? atoi(theirs->port) : 0);
}

static void same_via(const struct cf_sip_msg *msg, osip_message_t *theirs)
{
    osip_via_t *via = NULL;
    assert_true(osip.get_via(theirs, 0, &via) >= 0);
    same_text(msg, msg->via.host, via->host, "Via host");
    same_text(msg, msg->via.branch, param_of(&via->via_params, "branch"), "branch");
    assert_int_equal(msg->via.port, via->port != NULL ? atoi(via->port) : 0);
    assert_int_equal(msg->vias_count, theirs->vias.nb_elt);
}

static void compare(const struct cf_sip_msg *msg, osip_message_t *theirs)
{
    char call_id[200];
    osip_contact_t *contact = NULL;
    same_text(msg, msg->method_text, theirs->sip_method, "method");
    snprintf(call_id, sizeof(call_id), "%s@%s", theirs->call_id->number, theirs->call_id->host);
    same_text(msg, msg->call_id, call_id, "Call-ID");
    assert_true(msg->cseq == strtoul(theirs->cseq->number, NULL, 10));
    same_text(msg, msg->cseq_method_text, theirs->cseq->method, "CSeq method");
    same_text(msg, msg->from.tag, param_of(&theirs->from->gen_params, "tag"), "From tag");
    same_text(msg, msg->to.tag, param_of(&theirs->to->gen_params, "tag"), "To tag");
    same_uri(msg, msg->uri, theirs->req_uri, "Request-URI");
    same_uri(msg, msg->from.uri, theirs->from->url, "From");
    same_uri(msg, msg->to.uri, theirs->to->url, "To");
    same_via(msg, theirs);
    assert_int_equal(cf_sip_seen(msg, CF_SIP_HEADER_CONTACT),
                     osip.get_contact(theirs, 0, &contact) >= 0 && contact != NULL);
    if (contact != NULL)
        same_uri(msg, msg->contact.uri, contact->url, "Contact");
    const osip_body_t *body = theirs->bodies.node != NULL ? theirs->bodies.node->element : NULL;
    assert_int_equal(msg->body.len, body != NULL ? body->length : 0);
    if (body != NULL)
        assert_memory_equal(cf_sip_ptr(msg, msg->body), body->body, body->length);
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
            compare(&msg, theirs);
            compared++;
        }
        osip.message_free(theirs);
    }
    print_message("%u of %u messages compared\n", compared, (unsigned)MESSAGES);
    assert_true(compared > MESSAGES * 9 / 10);
}
#else
static void legal_messages_read_the_same(void **state)
{
    (void)state;
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(legal_messages_read_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
