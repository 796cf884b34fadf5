/* The SIP scanner: what it takes out of a message, what it accepts, what it refuses and with which fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "adapters/sip/field.h"
#include "adapters/sip/scan.h"

/* The headers that every request needs, without start line and CSeq. */
#define VIA      "Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKabc;rport\r\n"
#define FROM     "From: \"A. Lice\" <sip:alice@a.example>;tag=f1\r\n"
#define TO       "To: <sip:bob@b.example>\r\n"
#define CALL_ID  "Call-ID: 1@a.example\r\n"
#define CSEQ     "CSeq: 7 INVITE\r\n"
#define INVITE   "INVITE sip:bob@b.example SIP/2.0\r\n"
#define OPTIONS  "OPTIONS sip:bob@b.example SIP/2.0\r\n"
#define COMPLETE INVITE VIA FROM TO CALL_ID CSEQ

static bool slice_is(const struct cf_sip_msg *msg, struct cf_sip_slice slice, const char *text)
{
    return slice.len == strlen(text) && memcmp(cf_sip_ptr(msg, slice), text, slice.len) == 0;
}

#define assert_slice(msg, slice, text)                                                                                 \
    do {                                                                                                               \
        if (!slice_is(&(msg), (slice), (text)))                                                                        \
            fail_msg("'%.*s' instead of '%s'", (int)(slice).len, cf_sip_ptr(&(msg), (slice)), (text));                 \
    } while (0)

static struct cf_sip_msg scan(const char *text)
{
    struct cf_sip_msg msg;
    memset(&msg, 0xa5, sizeof(msg));
    cf_sip_scan(&msg, text, strlen(text));
    return msg;
}

static void assert_error(const char *text, enum cf_sip_error wanted)
{
    const struct cf_sip_msg msg = scan(text);
    if (msg.error != wanted)
        fail_msg("'%s' instead of '%s' for:\n%s", cf_sip_error_text(msg.error), cf_sip_error_text(wanted), text);
}

static void an_ordinary_invite_gives_every_part(void **state)
{
    (void)state;
    static const char text[] = "INVITE sip:+441632960123@trunk.example.net:5060;user=phone SIP/2.0\r\n"
                               "Via: SIP/2.0/UDP 198.51.100.7:5062;rport;branch=z9hG4bKtop\r\n"
                               "Via: SIP/2.0/TCP [2001:db8::9]:5070;branch=z9hG4bKsecond;received=203.0.113.4\r\n"
                               "Max-Forwards: 68\r\n"
                               "Record-Route: <sip:p2.example;lr>\r\n"
                               "Record-Route: <sip:p1.example;lr>, <sip:p0.example;lr>\r\n"
                               "From: \"Alice \\\"Q\\\" Example\" <sip:+15550100@carrier.example.com>;tag=9f1c\r\n"
                               "To: <sip:+441632960123@trunk.example.net>\r\n"
                               "Call-ID: 8f2c1a90@198.51.100.7\r\n"
                               "CSeq: 314159 INVITE\r\n"
                               "Contact: <sip:+15550100@198.51.100.7:5062;transport=udp>;expires=60\r\n"
                               "Require: 100rel, timer\r\n"
                               "Supported: replaces\r\n"
                               "P-Asserted-Identity: \"Al\" <sip:+15550101@carrier.example.com>\r\n"
                               "Expires: 120\r\n"
                               "User-Agent: Thing\r\n"
                               "Content-Type: application/sdp\r\n"
                               "Content-Length: 5\r\n"
                               "\r\n"
                               "v=0\r\n"
                               "trailing bytes are not ours";
    const struct cf_sip_msg msg = scan(text);
    assert_int_equal(msg.error, CF_SIP_ERROR_OK);
    assert_true(msg.is_request);
    assert_int_equal(msg.method, CF_SIP_INVITE);
    assert_slice(msg, msg.uri, "sip:+441632960123@trunk.example.net:5060;user=phone");
    assert_int_equal(msg.vias_count, 2);
    assert_int_equal(msg.via.transport, CF_SIP_TRANSPORT_UDP);
    assert_slice(msg, msg.via.host, "198.51.100.7");
    assert_int_equal(msg.via.port, 5062);
    assert_slice(msg, msg.via.branch, "z9hG4bKtop");
    assert_slice(msg, msg.via.rport, "rport");
    assert_slice(msg, msg.vias[1], "SIP/2.0/TCP [2001:db8::9]:5070;branch=z9hG4bKsecond;received=203.0.113.4");
    assert_int_equal(msg.max_forwards, 68);
    assert_int_equal(msg.routes_count, 2);
    assert_slice(msg, msg.routes[1], "<sip:p1.example;lr>, <sip:p0.example;lr>");
    assert_slice(msg, msg.from.display, "Alice \\\"Q\\\" Example");
    assert_true(msg.from.display_quoted);
    assert_slice(msg, msg.from.uri, "sip:+15550100@carrier.example.com");
    assert_slice(msg, msg.from.tag, "9f1c");
    assert_slice(msg, msg.to.uri, "sip:+441632960123@trunk.example.net");
    assert_int_equal(msg.to.tag.len, 0);
    assert_slice(msg, msg.call_id, "8f2c1a90@198.51.100.7");
    assert_int_equal(msg.cseq, 314159);
    assert_slice(msg, msg.contact.uri, "sip:+15550100@198.51.100.7:5062;transport=udp");
    assert_int_equal(msg.require.count, 1);
    assert_int_equal(msg.supported.count, 1);
    assert_int_equal(msg.asserted.count, 1);
    assert_int_equal(msg.expires, 120);
    assert_slice(msg, msg.content_type, "application/sdp");
    assert_slice(msg, msg.body, "v=0\r\n");
    assert_int_equal(msg.headers_count, 17);
    assert_int_equal(msg.others_count, 1);
    assert_true(cf_sip_msg_answerable(&msg));
}

static void a_response_gives_status_and_reason(void **state)
{
    (void)state;
    struct cf_sip_msg msg = scan("SIP/2.0 487 Request Terminated\r\n" VIA FROM TO CALL_ID "CSeq: 9 INVITE\r\n\r\n");
    assert_int_equal(msg.error, CF_SIP_ERROR_OK);
    assert_false(msg.is_request);
    assert_int_equal(msg.status, 487);
    assert_slice(msg, msg.reason, "Request Terminated");
    assert_int_equal(msg.method, CF_SIP_INVITE);
    assert_false(cf_sip_msg_answerable(&msg));
    msg = scan("sip/2.0 200\r\n" VIA FROM TO CALL_ID "CSeq: 9 BYE\r\n\r\n"); /* no reason phrase at all */
    assert_int_equal(msg.error, CF_SIP_ERROR_OK);
    assert_int_equal(msg.status, 200);
    assert_int_equal(msg.reason.len, 0);
    msg = scan("SIP/2.0 180 \xd0\x97\xd0\xb2\xd0\xbe\xd0\xbd\r\n" VIA FROM TO CALL_ID "CSeq: 9 INVITE\r\n\r\n");
    assert_int_equal(msg.error, CF_SIP_ERROR_OK);
    assert_int_equal(msg.reason.len, 8);
}

/* Every header in an unusual but legal dress: compact names, folding, blanks around every separator, odd case, lists. */
static void legal_but_tortuous_messages_are_understood(void **state)
{
    (void)state;
    static const char text[] = "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
                               "TO :\r\n"
                               " sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
                               "from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n"
                               "  ;\r\n"
                               "  tag = 98asjd8\r\n"
                               "MaX-fOrWaRdS: 0068\r\n"
                               "Call-ID: wsinv.ndaksdj@192.0.2.1\r\n"
                               "Content-Length   : 3\r\n"
                               "cseq: 0009\r\n"
                               "  INVITE\r\n"
                               "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n"
                               "  branch  =   z9hG4bK9ikj8  ,\r\n"
                               " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n"
                               " z9hG4bK30239\r\n"
                               "s :\r\n"
                               "NewFangledHeader:   newfangled value\r\n"
                               " continued newfangled value\r\n"
                               "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
                               "k: a , b,\r\n c\r\n"
                               "m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n"
                               "      newvalue ;\r\n"
                               "  secondparam ; q = 0.33\r\n"
                               "\r\n"
                               "abc";
    const struct cf_sip_msg msg = scan(text);
    assert_string_equal(cf_sip_error_text(msg.error), "OK");
    assert_slice(msg, msg.to.tag, "1918181833n");
    assert_slice(msg, msg.to.uri, "sip:vivekg@chair-dnrc.example.com");
    assert_slice(msg, msg.from.tag, "98asjd8");
    assert_slice(msg, msg.from.display, "J Rosenberg \\\\\\\"");
    assert_int_equal(msg.max_forwards, 68);
    assert_int_equal(msg.cseq, 9);
    assert_int_equal(msg.vias_count, 1);
    assert_slice(msg, msg.via.host, "spindle.example.com");
    assert_slice(msg, msg.via.branch, "z9hG4bK9ikj8");
    assert_int_equal(msg.via.transport, CF_SIP_TRANSPORT_TCP);
    assert_int_equal(msg.via.port, 0);
    assert_int_equal(msg.supported.count, 1);
    assert_slice(msg, msg.contact.uri, "sip:jdrosen@example.com");
    assert_slice(msg, msg.body, "abc");
}

static void unusual_but_legal_requests_are_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {
        /* every token character in method, display name, tag and header name */
        "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@x.example "
        "SIP/2.0\r\n" VIA "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\""
        "\xd1\x80\xd0\xb0\xd0\xb1\xd0\xbe\";tag=_token~1'+`*%!-.\r\n" TO CALL_ID
        "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\nextensionHeader-!.%*+_`'~: x\r\n\r\n",
        /* percent escapes, which are no concern of the scanner */
        "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0\r\n" VIA
        "From: <sip:I%20have%20spaces@example.net>;tag=938\r\nTo: sip:%75se%72@example.com\r\n" CALL_ID CSEQ
        "Contact: <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>\r\n\r\n",
        "REGISTER sip:example.com SIP/2.0\r\n" VIA "To: sip:null-%00-null@example.com\r\n"
        "From: sip:null-%00-null@example.com;tag=8\r\n" CALL_ID "CSeq: 14398234 REGISTER\r\n"
        "Contact: <sip:%00@host5.example.com>\r\nContact: <sip:%00%00@host5.example.com>\r\nl:0\r\n\r\n",
        /* no blank between display name and '<'; a semicolon in the user part; a bare tag parameter is not the tag */
        "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0\r\n" VIA "From: caller<sip:c@example.com>;tag=323\r\n"
        "To: sip:user@example.com\r\n" CALL_ID "CSeq: 60 OPTIONS\r\nAccept: application/sdp\r\nl: 0\r\n\r\n",
        /* no rport, a transport that nobody knows, an IPv6 host, no Max-Forwards, RFC 2543 without branch and tag */
        INVITE "Via: SIP/2.0/UDP [2001:db8::9:1]:65535\r\nVia: SIP/2.0/UNKNOWN t5.example;branch=z9hG4bK1\r\n"
               "From: sip:a@b.example\r\nTo: sip:c@d.example\r\n" CALL_ID CSEQ "\r\n",
        /* lines that end in LF alone, empty lines before the start line, a datagram with nothing after the headers */
        "\r\n\r\nOPTIONS sip:x@y SIP/2.0\nv:SIP/2.0/UDP h;branch=z9hG4bK1\nf:<sip:a@b>;tag=1\nt:<sip:c@d>\ni:1\n"
        "CSeq:1 OPTIONS\n\n",
        /* schemes nobody serves are no fault of the message */
        "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\r\n" VIA "From: <http://example.com>;tag=1\r\n"
        "To: <isbn:2983792873>\r\n" CALL_ID "CSeq: 1 OPTIONS\r\nContact: <name:John_Smith>\r\n\r\n",
        "REGISTER sip:a.example SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 REGISTER\r\nContact: *\r\nExpires: 0\r\n\r\n",
        /* an Expires that cannot be counted means for ever; a header that only looks malformed is not ours */
        COMPLETE "Expires: 10000000000000000000000\r\nRetry-After: 9999999999999999\r\nDate: Fri, 01 Jan 2010 16:00:00 "
                 "EST\r\n\r\n",
        COMPLETE "Content-Length: 0000000000000000000\r\n\r\n",
        COMPLETE "Max-Forwards: 0\r\n\r\n",
        COMPLETE "Subject: tab\there and \xff\xfe not UTF-8\r\n\r\n",
        COMPLETE "Content-Length: 2\r\n\r\nabcdef",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_error(good[i], CF_SIP_ERROR_OK);
}

static void faults_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum cf_sip_error error;
    } bad[] = {
        {"", CF_SIP_ERROR_EMPTY},
        {"\r\n\r\n", CF_SIP_ERROR_EMPTY},
        {"jaK\r\n\r\n", CF_SIP_ERROR_NOISE},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", CF_SIP_ERROR_NOISE},
        {"INVITE\r\n\r\n", CF_SIP_ERROR_NOISE},
        {" INVITE sip:x@y SIP/2.0\r\n\r\n", CF_SIP_ERROR_NOISE},
        {"INVITE  sip:x@y SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_START_LINE},
        {"INVITE sip:x@y  SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_START_LINE},
        {"INVITE sip:x@y; lr SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_START_LINE},
        {"INVITE sip:x@y SIP/2.0  \r\n" VIA FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_START_LINE},
        {"INVITE <sip:x@y> SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_START_LINE},
        {"INVITE sip:x@y\tSIP/2.0\r\n\r\n", CF_SIP_ERROR_NOISE},
        {"INVITE sip:x@y\t SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_START_LINE},
        {"INVITE sip:x@y SIP/7.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VERSION},
        {"SIP/3.0 200 OK\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VERSION},
        {"SIP/2.0 4294967301 better\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_STATUS},
        {"SIP/2.0 99 x\r\n\r\n", CF_SIP_ERROR_STATUS},
        {"SIP/2.0 700 x\r\n\r\n", CF_SIP_ERROR_STATUS},
        {"SIP/2.0 2OO x\r\n\r\n", CF_SIP_ERROR_STATUS},
        {COMPLETE "Subject: a\rb\r\n\r\n", CF_SIP_ERROR_CONTROL_BYTE},
        {COMPLETE "Subject: a\x01z\r\n\r\n", CF_SIP_ERROR_CONTROL_BYTE},
        {COMPLETE, CF_SIP_ERROR_UNTERMINATED},
        {COMPLETE "Subject: x", CF_SIP_ERROR_UNTERMINATED},
        {COMPLETE "no colon here\r\n\r\n", CF_SIP_ERROR_HEADER_LINE},
        {COMPLETE ": no name\r\n\r\n", CF_SIP_ERROR_HEADER_LINE},
        {COMPLETE " \t: no name\r\n\r\n", CF_SIP_ERROR_CSEQ}, /* a fold */
        {COMPLETE "Two words: x\r\n\r\n", CF_SIP_ERROR_HEADER_LINE},
        {COMPLETE "Via\r\n : SIP/2.0/UDP a;branch=z\r\n\r\n", CF_SIP_ERROR_HEADER_LINE},
        {INVITE "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE "Via: SIP/1.0/UDP a\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE "Via: SIP/2.0/UDPa.example\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE "Via: SIP/2.0/UDP a:0;branch=z\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE "Via: SIP/2.0/UDP a:65536\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE "Via: SIP/2.0/UDP [::1;branch=z\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE "Via: SIP/2.0/UDP a;branch=\"z\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE "Via: SIP/2.0/UDP a;branch= ;x\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE "Via: SIP/2.0/UDP a,\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE "Via: SIP/2.0/UDP a;branch=z1;branch=z2\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE "Via: SIP/2.0/UDP a;branch=z1;BRANCH = z2\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE "Via:\r\n" FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_VIA},
        {INVITE VIA "From: \"Unbalanced <sip:a@b>;tag=1\r\n" TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_FROM},
        {INVITE VIA "From: \"a\" sip:a@b;tag=1\r\n" TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_FROM},
        {INVITE VIA "From: Bell, Alexander <sip:a@b>;tag=1\r\n" TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_FROM},
        {INVITE VIA "From: <sip:a@b>;tag=1, <sip:c@d>\r\n" TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_FROM},
        {INVITE VIA "From: <sip:a@b>;;tag=1\r\n" TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_FROM},
        {INVITE VIA "From: <sip:a@b;tag=1\r\n" TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_FROM},
        {INVITE VIA "From: <sip:a@b>;tag=1;tag=1\r\n" TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_FROM},
        {INVITE VIA "From: <sip:a@b>;tag=1;Tag=2\r\n" TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_FROM},
        {INVITE VIA "From:\r\n" TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_FROM},
        {INVITE VIA FROM "To: \"Watson, Thomas\" < sip:t.watson@example.org >\r\n" CALL_ID CSEQ "\r\n",
         CF_SIP_ERROR_TO},
        {INVITE VIA FROM "To: nobody\r\n" CALL_ID CSEQ "\r\n", CF_SIP_ERROR_TO},
        {INVITE VIA FROM "To: <>\r\n" CALL_ID CSEQ "\r\n", CF_SIP_ERROR_TO},
        {INVITE VIA FROM TO "Call-ID: a b\r\n" CSEQ "\r\n", CF_SIP_ERROR_CALL_ID},
        {INVITE VIA FROM TO "Call-ID: a\r\n b\r\n" CSEQ "\r\n", CF_SIP_ERROR_CALL_ID},
        {INVITE VIA FROM TO "Call-ID:\r\n" CSEQ "\r\n", CF_SIP_ERROR_CALL_ID},
        {INVITE VIA FROM TO CALL_ID "CSeq: 36893488147419103232 INVITE\r\n\r\n", CF_SIP_ERROR_CSEQ},
        {INVITE VIA FROM TO CALL_ID "CSeq: 4294967296 INVITE\r\n\r\n", CF_SIP_ERROR_CSEQ},
        {INVITE VIA FROM TO CALL_ID "CSeq: INVITE\r\n\r\n", CF_SIP_ERROR_CSEQ},
        {INVITE VIA FROM TO CALL_ID "CSeq: 1INVITE\r\n\r\n", CF_SIP_ERROR_CSEQ},
        {INVITE VIA FROM TO CALL_ID "CSeq: 1\r\n\r\n", CF_SIP_ERROR_CSEQ},
        {INVITE VIA FROM TO CALL_ID "CSeq: 1 INVITE x\r\n\r\n", CF_SIP_ERROR_CSEQ},
        {INVITE VIA FROM TO CALL_ID "CSeq: -1 INVITE\r\n\r\n", CF_SIP_ERROR_CSEQ},
        {OPTIONS VIA FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_CSEQ_METHOD},
        {"NEWMETHOD sip:a@b SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 8 OTHERMETHD\r\n\r\n", CF_SIP_ERROR_CSEQ_METHOD},
        {COMPLETE "Contact: sip:user@example.com?Route=%3Csip:x%3E\r\n\r\n", CF_SIP_ERROR_CONTACT},
        {COMPLETE "Contact: <sip:a@b>, ,\r\n\r\n", CF_SIP_ERROR_CONTACT},
        {COMPLETE "Record-Route: <sip:a@b>;lr,\r\n\r\n", CF_SIP_ERROR_RECORD_ROUTE},
        {COMPLETE "Record-Route: <sip:a@b>, c d\r\n\r\n", CF_SIP_ERROR_RECORD_ROUTE},
        {COMPLETE "Max-Forwards: 300\r\n\r\n", CF_SIP_ERROR_MAX_FORWARDS},
        {COMPLETE "Max-Forwards: many\r\n\r\n", CF_SIP_ERROR_MAX_FORWARDS},
        {COMPLETE "Content-Length: -999\r\n\r\n", CF_SIP_ERROR_CONTENT_LENGTH},
        {COMPLETE "Content-Length: 99999999999\r\n\r\n", CF_SIP_ERROR_CONTENT_LENGTH},
        {COMPLETE "Content-Length: 5 5\r\n\r\n", CF_SIP_ERROR_CONTENT_LENGTH},
        {COMPLETE "Content-Length: 6\r\n\r\nabcde", CF_SIP_ERROR_BODY_SHORT},
        {COMPLETE "Content-Length: 4294967295\r\n\r\nabcde", CF_SIP_ERROR_BODY_SHORT},
        {COMPLETE "Content-Length: 1\r\nl: 2\r\n\r\nabc", CF_SIP_ERROR_DUPLICATE},
        {COMPLETE FROM "\r\n", CF_SIP_ERROR_DUPLICATE},
        {COMPLETE "t: <sip:x@y>\r\n\r\n", CF_SIP_ERROR_DUPLICATE},
        {COMPLETE CALL_ID "\r\n", CF_SIP_ERROR_DUPLICATE},
        {COMPLETE CSEQ "\r\n", CF_SIP_ERROR_DUPLICATE},
        {INVITE FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_MISSING_VIA},
        {INVITE VIA TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_MISSING_FROM},
        {INVITE VIA FROM CALL_ID CSEQ "\r\n", CF_SIP_ERROR_MISSING_TO},
        {INVITE VIA FROM TO CSEQ "\r\n", CF_SIP_ERROR_MISSING_CALL_ID},
        {INVITE VIA FROM TO CALL_ID "\r\n", CF_SIP_ERROR_MISSING_CSEQ},
    };
    uint64_t reached = 0;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_error(bad[i].text, bad[i].error);
        reached |= (uint64_t)1 << bad[i].error;
    }
    /* The rest cannot be written as one line of a table; the tests below reach them. */
    reached |= 1u << CF_SIP_ERROR_OK | 1u << CF_SIP_ERROR_TOO_LONG | 1u << CF_SIP_ERROR_TOO_MANY_HEADERS |
               1u << CF_SIP_ERROR_TOO_MANY_VALUES;
    assert_int_equal(reached, ((uint64_t)1 << CF_SIP_ERRORS_COUNT) - 1);
}

static void a_zero_byte_is_a_fault_wherever_it_stands(void **state)
{
    (void)state;
    static const char text[] = COMPLETE "Subject: zero\0byte\r\n\r\n";
    struct cf_sip_msg msg;
    assert_int_equal(cf_sip_scan(&msg, text, sizeof(text) - 1), CF_SIP_ERROR_CONTROL_BYTE);
    static const char name[] = "INV\0TE sip:a@b SIP/2.0\r\n\r\n";
    assert_int_not_equal(cf_sip_scan(&msg, name, sizeof(name) - 1), CF_SIP_ERROR_OK);
}

/* A message with `count` times `line` in front of the rest. */
static size_t repeat(char *dst, const char *line, size_t count)
{
    char *p = dst + sprintf(dst, "%s", COMPLETE);
    for (size_t i = 0; i < count; i++)
        p += sprintf(p, "%s", line);
    p += sprintf(p, "\r\n");
    return (size_t)(p - dst);
}

static void every_count_is_bounded(void **state)
{
    (void)state;
    static char text[200000];
    struct cf_sip_msg msg;
    size_t len = repeat(text, "X: y\r\n", CF_SIP_HEADERS_MAX - 5);
    assert_int_equal(cf_sip_scan(&msg, text, len), CF_SIP_ERROR_OK);
    len = repeat(text, "X: y\r\n", CF_SIP_HEADERS_MAX - 4);
    assert_int_equal(cf_sip_scan(&msg, text, len), CF_SIP_ERROR_TOO_MANY_HEADERS);
    len = repeat(text, VIA, CF_SIP_VIAS_MAX - 1);
    assert_int_equal(cf_sip_scan(&msg, text, len), CF_SIP_ERROR_OK);
    assert_int_equal(msg.vias_count, CF_SIP_VIAS_MAX);
    len = repeat(text, VIA, CF_SIP_VIAS_MAX);
    assert_int_equal(cf_sip_scan(&msg, text, len), CF_SIP_ERROR_TOO_MANY_VALUES);
    assert_int_equal(msg.vias_count, CF_SIP_VIAS_MAX);
    len = repeat(text, "Record-Route: <sip:a@b;lr>\r\n", CF_SIP_ROUTES_MAX);
    assert_int_equal(cf_sip_scan(&msg, text, len), CF_SIP_ERROR_OK);
    len = repeat(text, "Record-Route: <sip:a@b;lr>\r\n", CF_SIP_ROUTES_MAX + 1);
    assert_int_equal(cf_sip_scan(&msg, text, len), CF_SIP_ERROR_TOO_MANY_VALUES);
    len = repeat(text, "Reason: Q.850;cause=16\r\n", 50);
    assert_int_equal(cf_sip_scan(&msg, text, len), CF_SIP_ERROR_OK);
    assert_int_equal(msg.reasons.count, CF_SIP_LISTS_MAX);

    len = repeat(text, "X: y\r\n", 100);
    memset(text + len, 'b', CF_SIP_MESSAGE_BYTES_MAX + 1 - len);
    assert_int_equal(cf_sip_scan(&msg, text, CF_SIP_MESSAGE_BYTES_MAX), CF_SIP_ERROR_OK);
    assert_int_equal(cf_sip_scan(&msg, text, CF_SIP_MESSAGE_BYTES_MAX + 1), CF_SIP_ERROR_TOO_LONG);
}

static void a_faulty_request_is_answerable_when_its_identity_is_there(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool answerable;
    } table[] = {
        {COMPLETE "Content-Length: x\r\n\r\n", true},
        {COMPLETE, true}, /* no empty line */
        {"INVITE  sip:x@y SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", true},
        {"INVITE sip:x@y SIP/7.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", true},
        {INVITE VIA "From: \"open <sip:a@b>\r\n" TO CALL_ID CSEQ "\r\n", true},
        {INVITE VIA FROM TO CALL_ID "CSeq: nonsense\r\n\r\n", true},
        {INVITE "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" FROM TO CALL_ID CSEQ "\r\n", true},
        {INVITE "Via: nonsense\r\n" FROM TO CALL_ID CSEQ "\r\n", false},
        {INVITE FROM TO CALL_ID CSEQ "\r\n", false},
        {INVITE VIA TO CALL_ID CSEQ "\r\n", false},
        {INVITE VIA FROM TO CSEQ "\r\n", false},
        {"ACK sip:x@y SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 ACK\r\nContent-Length: x\r\n\r\n", false},
        {"SIP/2.0 200 OK\r\n" VIA FROM TO CALL_ID "CSeq: 1\r\n\r\n", false},
        {"nonsense\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct cf_sip_msg msg = scan(table[i].text);
        if (cf_sip_msg_answerable(&msg) != table[i].answerable)
            fail_msg("row %zu: %s", i, table[i].text);
    }
}

/* Each prefix of a message, once with nothing readable behind its end, once with nothing readable before its start. */
static void no_byte_outside_the_message_is_read(void **state)
{
    (void)state;
    static const char text[] =
        "INVITE sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1 ; "
        "rport\r\nv: SIP/2.0/UDP h\r\nFrom: \"a\\\"\" <sip:a@b>;tag=1\r\nTo: x <sip:c@d>\r\nCall-ID: 1\r\n"
        "CSeq: 1 INVITE\r\nContact: <sip:a@b>\r\nRecord-Route: <sip:r;lr>,\r\n <sip:s>\r\n"
        "Reason: Q.850;cause=16;text=\"x\"\r\nRequire: a,b\r\nContent-Length: 4\r\n\r\nbody";
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *area = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(area != MAP_FAILED && mprotect(area + page, page, PROT_READ | PROT_WRITE) == 0);
    for (size_t len = 0; len < sizeof(text); len++) {
        char *const places[] = {area + 2 * page - len, area + page};
        for (size_t i = 0; i < 2; i++) {
            struct cf_sip_msg msg;
            struct cf_sip_reason reason;
            memcpy(places[i], text, len);
            cf_sip_scan(&msg, places[i], len);
            cf_sip_reason_read(&msg, &reason);
            assert_true(msg.body.at + msg.body.len <= len && msg.contact.value.at + msg.contact.value.len <= len);
        }
    }
    munmap(area, 3 * page);
}

static void header_names_are_compared_whole_and_without_case(void **state)
{
    (void)state;
    struct cf_sip_msg msg =
        scan(COMPLETE "cOnTaCt: <sip:a@b>\r\nCONTENT-TYPE: a/b\r\np-asserted-IDENTITY: <sip:c@d>\r\n"
                      "Content-Encoding: gzip\r\n\r\n");
    assert_int_equal(msg.error, CF_SIP_ERROR_OK);
    assert_slice(msg, msg.contact.uri, "sip:a@b");
    assert_slice(msg, msg.content_type, "a/b");
    assert_slice(msg, msg.content_encoding, "gzip");
    assert_int_equal(msg.asserted.count, 1);
    assert_int_equal(msg.others_count, 0);
    /* same length and first letter as a known header */
    msg = scan(COMPLETE "Contacx: <\r\nContent-Tipe: a\r\nCall-IX: q\r\nP-Asserted-Identitx: x\r\nVix: y\r\nFrox: z\r\n"
                        "Content-Lengtx: 9\r\nMax_Forwards: q\r\nRequirf: a\r\n\r\n");
    assert_int_equal(msg.error, CF_SIP_ERROR_OK);
    assert_int_equal(msg.others_count, 9);
}

/* The tables of names are found by a hash: each name must be in its place. */
static void every_known_header_and_method_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum cf_sip_header header;
    } table[] = {
        {"Via: SIP/2.0/UDP h", CF_SIP_HEADER_VIA},
        {"v: SIP/2.0/UDP h", CF_SIP_HEADER_VIA},
        {"From: <sip:a@b>", CF_SIP_HEADER_FROM},
        {"f: <sip:a@b>", CF_SIP_HEADER_FROM},
        {"To: <sip:a@b>", CF_SIP_HEADER_TO},
        {"t: <sip:a@b>", CF_SIP_HEADER_TO},
        {"Call-ID: 1", CF_SIP_HEADER_CALL_ID},
        {"i: 1", CF_SIP_HEADER_CALL_ID},
        {"CSeq: 1 INVITE", CF_SIP_HEADER_CSEQ},
        {"Contact: <sip:a@b>", CF_SIP_HEADER_CONTACT},
        {"m: <sip:a@b>", CF_SIP_HEADER_CONTACT},
        {"Record-Route: <sip:a@b>", CF_SIP_HEADER_RECORD_ROUTE},
        {"Max-Forwards: 1", CF_SIP_HEADER_MAX_FORWARDS},
        {"Content-Length: 0", CF_SIP_HEADER_CONTENT_LENGTH},
        {"l: 0", CF_SIP_HEADER_CONTENT_LENGTH},
        {"Content-Type: a/b", CF_SIP_HEADER_CONTENT_TYPE},
        {"c: a/b", CF_SIP_HEADER_CONTENT_TYPE},
        {"Content-Encoding: a", CF_SIP_HEADER_CONTENT_ENCODING},
        {"e: a", CF_SIP_HEADER_CONTENT_ENCODING},
        {"Content-Disposition: a", CF_SIP_HEADER_CONTENT_DISPOSITION},
        {"Expires: 1", CF_SIP_HEADER_EXPIRES},
        {"Require: a", CF_SIP_HEADER_REQUIRE},
        {"Supported: a", CF_SIP_HEADER_SUPPORTED},
        {"k: a", CF_SIP_HEADER_SUPPORTED},
        {"Reason: a", CF_SIP_HEADER_REASON},
        {"P-Asserted-Identity: a", CF_SIP_HEADER_ASSERTED},
        {"Allow: a", CF_SIP_HEADER_ALLOW},
        {"Allow-Events: a", CF_SIP_HEADER_ALLOW_EVENTS},
        {"u: a", CF_SIP_HEADER_ALLOW_EVENTS},
        {"Authorization: a", CF_SIP_HEADER_AUTHORIZATION},
        {"Diversion: a", CF_SIP_HEADER_DIVERSION},
        {"Event: a", CF_SIP_HEADER_EVENT},
        {"o: a", CF_SIP_HEADER_EVENT},
        {"History-Info: a", CF_SIP_HEADER_HISTORY_INFO},
        {"Info-Package: a", CF_SIP_HEADER_INFO_PACKAGE},
        {"Min-Expires: a", CF_SIP_HEADER_MIN_EXPIRES},
        {"Min-SE: a", CF_SIP_HEADER_MIN_SE},
        {"Privacy: a", CF_SIP_HEADER_PRIVACY},
        {"Proxy-Authenticate: a", CF_SIP_HEADER_PROXY_AUTHENTICATE},
        {"Proxy-Authorization: a", CF_SIP_HEADER_PROXY_AUTHORIZATION},
        {"RAck: a", CF_SIP_HEADER_RACK},
        {"Refer-To: a", CF_SIP_HEADER_REFER_TO},
        {"r: a", CF_SIP_HEADER_REFER_TO},
        {"Refer-Sub: a", CF_SIP_HEADER_REFER_SUB},
        {"Referred-By: a", CF_SIP_HEADER_REFERRED_BY},
        {"b: a", CF_SIP_HEADER_REFERRED_BY},
        {"Replaces: a", CF_SIP_HEADER_REPLACES},
        {"Retry-After: a", CF_SIP_HEADER_RETRY_AFTER},
        {"RSeq: a", CF_SIP_HEADER_RSEQ},
        {"Service-Route: a", CF_SIP_HEADER_SERVICE_ROUTE},
        {"Session-Expires: a", CF_SIP_HEADER_SESSION_EXPIRES},
        {"x: a", CF_SIP_HEADER_SESSION_EXPIRES},
        {"Subscription-State: a", CF_SIP_HEADER_SUBSCRIPTION_STATE},
        {"WWW-Authenticate: a", CF_SIP_HEADER_WWW_AUTHENTICATE},
    };
    uint64_t reached = 1u << CF_SIP_HEADER_OTHER | (uint64_t)1 << CF_SIP_HEADER_CONTACT_MORE; /* these have no name */
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        static const char *const ends[] = {"\r\n\r\n", "\r\nSubject: something behind it\r\n\r\n"};
        for (size_t end = 0; end < 2; end++) { /* the second gives room to read the name in one piece */
            char text[200];
            struct cf_sip_slice value;
            snprintf(text, sizeof(text), "%s%s%s", OPTIONS, table[i].line, ends[end]);
            const struct cf_sip_msg msg = scan(text);
            const bool found = table[i].header < CF_SIP_HEADER_EXTRA ? cf_sip_seen(&msg, table[i].header)
                                                                     : cf_sip_extra(&msg, table[i].header, 0, &value);
            if (!found || msg.others_count != end)
                fail_msg("not found: %s", table[i].line);
        }
        reached |= (uint64_t)1 << table[i].header;
    }
    assert_int_equal(reached, ((uint64_t)2 << CF_SIP_HEADER_WWW_AUTHENTICATE) - 1);
    for (unsigned method = 1; method < CF_SIP_METHODS_COUNT; method++) {
        const char *name = cf_sip_method_name((enum cf_sip_method)method);
        assert_int_equal(cf_sip_method_of(name, strlen(name)), method);
    }
    assert_int_equal(cf_sip_method_of("INVITEX", 7), CF_SIP_UNKNOWN);
    assert_int_equal(cf_sip_method_of("invite", 6), CF_SIP_UNKNOWN);
    assert_int_equal(cf_sip_method_of("", 0), CF_SIP_UNKNOWN);
}

/* An empty line ends the headers whatever the body begins with; the start line cannot be folded; TAB may stand in a reason. */
static void blanks_at_the_start_of_a_line(void **state)
{
    (void)state;
    struct cf_sip_msg msg = scan(COMPLETE "Content-Length: 4\r\n\r\n a\r\n");
    assert_int_equal(msg.error, CF_SIP_ERROR_OK);
    assert_slice(msg, msg.body, " a\r\n");
    msg = scan(COMPLETE "Content-Length: 2\n\n\ta");
    assert_int_equal(msg.error, CF_SIP_ERROR_OK);
    assert_slice(msg, msg.body, "\ta");
    msg = scan(COMPLETE "Subject: a\r\n \r\n\tb\r\n\r\n");
    assert_int_equal(msg.error, CF_SIP_ERROR_OK);
    assert_int_equal(msg.headers_count, 6);
    assert_error(INVITE " " VIA FROM TO CALL_ID CSEQ "\r\n", CF_SIP_ERROR_START_LINE);
    msg = scan("SIP/2.0 200 a\tb\r\n" VIA FROM TO CALL_ID CSEQ "\r\n");
    assert_int_equal(msg.error, CF_SIP_ERROR_OK);
    assert_slice(msg, msg.reason, "a\tb");
}

/* Ends of lines, CR and LF apart, folds and control bytes at each place of the 64 bytes that are looked at together. */
static void nothing_depends_on_where_a_line_ends(void **state)
{
    (void)state;
    static const struct {
        const char *tail;
        enum cf_sip_error error;
        const char *body;
    } table[] = {
        {"\r\n\r\nbody", CF_SIP_ERROR_OK, "body"},
        {"\n\nbody", CF_SIP_ERROR_OK, "body"},
        {"\r\n\r\n\x01\r\rbody", CF_SIP_ERROR_OK, "\x01\r\rbody"}, /* what is wrong behind the headers is no fault */
        {"\r\n x\r\n\ty\r\n\r\nbody", CF_SIP_ERROR_OK, "body"},
        {"\t\r\n\r\nbody", CF_SIP_ERROR_OK, "body"},
        {"\t\n\nbody", CF_SIP_ERROR_OK, "body"},
        {"\r\r\n\r\nbody", CF_SIP_ERROR_CONTROL_BYTE, "body"},
        {"\x1f\n\nbody", CF_SIP_ERROR_CONTROL_BYTE, "body"},
        {"\r\n\rx\r\n\r\nbody", CF_SIP_ERROR_CONTROL_BYTE, "body"},
        {"\r", CF_SIP_ERROR_CONTROL_BYTE, ""},
        {"\r\n", CF_SIP_ERROR_UNTERMINATED, ""},
        {"", CF_SIP_ERROR_UNTERMINATED, ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        for (int pad = 0; pad <= 130; pad++) {
            char text[700];
            snprintf(text, sizeof(text), "%sSubject: x%*s%s", COMPLETE, pad, "", table[i].tail);
            const struct cf_sip_msg msg = scan(text);
            if (msg.error != table[i].error)
                fail_msg("row %zu, %d blanks: '%s' instead of '%s'", i, pad, cf_sip_error_text(msg.error),
                         cf_sip_error_text(table[i].error));
            assert_slice(msg, msg.body, table[i].body);
            assert_slice(msg, msg.call_id, "1@a.example");
        }
}

/* The earlier of two faults counts, in one look at 64 bytes too. */
static void the_first_fault_is_the_one_that_is_told(void **state)
{
    (void)state;
    assert_error(COMPLETE "no colon\r\nX: \x01\r\n\r\n", CF_SIP_ERROR_HEADER_LINE);
    assert_error(COMPLETE "X: \x01\r\nno colon\r\n\r\n", CF_SIP_ERROR_CONTROL_BYTE);
}

static void uris_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        enum cf_sip_scheme scheme;
        const char *user;
        const char *host;
        unsigned port;
        bool lr;
    } table[] = {
        {"sip:bob@b.example", true, CF_SIP_SCHEME_SIP, "bob", "b.example", 0, false},
        {"SIP:bob:secret@b.example:5070;lr;transport=udp", true, CF_SIP_SCHEME_SIP, "bob", "b.example", 5070, true},
        {"sips:+1-555;phone-context=x@[2001:db8::1]:5061", true, CF_SIP_SCHEME_SIPS, "+1-555", "2001:db8::1", 5061,
         false},
        {"sip:192.0.2.4", true, CF_SIP_SCHEME_SIP, "", "192.0.2.4", 0, false},
        {"sip:a@b?Subject=x", true, CF_SIP_SCHEME_SIP, "a", "b", 0, false},
        {"tel:+1-201-555-0123;ext=4", true, CF_SIP_SCHEME_TEL, "+1-201-555-0123", "", 0, false},
        {"urn:service:sos", true, CF_SIP_SCHEME_OTHER, "", "", 0, false},
        {"sip:", false, 0, NULL, NULL, 0, false},
        {"sip:a@", false, 0, NULL, NULL, 0, false},
        {"sip:a@b:x", false, 0, NULL, NULL, 0, false},
        {"sip:a@b:70000", false, 0, NULL, NULL, 0, false},
        {"sip:a@b;;", false, 0, NULL, NULL, 0, false},
        {"sip:a@[::1", false, 0, NULL, NULL, 0, false},
        {"tel:;x", false, 0, NULL, NULL, 0, false},
        {"nothing", false, 0, NULL, NULL, 0, false},
        {"", false, 0, NULL, NULL, 0, false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct cf_sip_uri uri;
        assert_int_equal(cf_sip_uri_read(table[i].text, strlen(table[i].text), &uri), table[i].good);
        if (!table[i].good)
            continue;
        assert_int_equal(uri.scheme, table[i].scheme);
        assert_int_equal(uri.user_len, strlen(table[i].user));
        assert_memory_equal(uri.user, table[i].user, uri.user_len);
        assert_int_equal(uri.host_len, strlen(table[i].host));
        assert_memory_equal(uri.host, table[i].host, uri.host_len);
        assert_int_equal(uri.port, table[i].port);
        assert_int_equal(uri.lr, table[i].lr);
    }
}

static void reasons_are_read_from_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        unsigned q850;
        unsigned sip;
        const char *text;
    } table[] = {
        {"", 0, 0, ""},
        {"Reason: Q.850;cause=16;text=\"Terminated\"\r\n", 16, 0, "Terminated"},
        {"Reason: SIP ;cause=200 ;text=\"Call completed elsewhere\"\r\n", 0, 200, "Call completed elsewhere"},
        {"Reason: SIP;cause=580;text=\"a\", q.850 ; cause = 27 ; text = \"b, c\"\r\n", 27, 580, "b, c"},
        {"Reason: SIP;cause=580\r\nReason: Q.850;cause=31\r\n", 31, 580, ""},
        {"Reason: Q.850;cause=16\r\nReason: Q.850;cause=17\r\n", 16, 0, ""},
        {"Reason: Q.850;cause=0\r\n", 0, 0, ""},
        {"Reason: Q.850;cause=128\r\n", 0, 0, ""},
        {"Reason: Q.850;cause=banana\r\n", 0, 0, ""},
        {"Reason: Preemption;cause=1\r\n", 0, 0, ""},
        {"Reason: ;;;\r\n", 0, 0, ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[2000];
        struct cf_sip_reason reason;
        snprintf(text, sizeof(text), "%s%s\r\n", COMPLETE, table[i].headers);
        const struct cf_sip_msg msg = scan(text);
        assert_int_equal(msg.error, CF_SIP_ERROR_OK);
        cf_sip_reason_read(&msg, &reason);
        assert_int_equal(reason.q850, table[i].q850);
        assert_int_equal(reason.sip, table[i].sip);
        assert_int_equal(reason.text_len, strlen(table[i].text));
        if (reason.text_len != 0)
            assert_memory_equal(reason.text, table[i].text, reason.text_len);
    }
}

struct tokens {
    char text[200];
};

static void add_token(void *context, const char *token, size_t len)
{
    struct tokens *tokens = context;
    const size_t used = strlen(tokens->text);
    snprintf(tokens->text + used, sizeof(tokens->text) - used, "%.*s|", (int)len, token);
}

static void lists_are_walked_over_lines_and_commas(void **state)
{
    (void)state;
    struct tokens tokens = {""};
    struct cf_sip_msg msg = scan(COMPLETE "Require: 100rel ,timer\r\nRequire:\r\nRequire: x-y\r\n\r\n");
    assert_true(cf_sip_list_walk(&msg, &msg.require, add_token, &tokens));
    assert_string_equal(tokens.text, "100rel|timer|x-y|");
    msg = scan(COMPLETE "Require: a,,b\r\n\r\n");
    assert_false(cf_sip_list_walk(&msg, &msg.require, add_token, &tokens));
    msg = scan(COMPLETE "Require: a b\r\n\r\n");
    assert_false(cf_sip_list_walk(&msg, &msg.require, add_token, &tokens));
}

static void text_for_people_is_clean_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        bool percent;
        bool quoted;
        size_t room;
        const char *to;
    } table[] = {
        {"plain", false, false, 64, "plain"},
        {"a\\\"b\\\\", false, true, 64, "a\"b\\"},
        {"a\\", false, true, 64, "a\\"},
        {"one\r\n two\t three", false, false, 64, "one two three"},
        {"%41%6z%c3%a9%", true, false, 64, "A%6z\xc3\xa9%"},
        {"nul-%00-nul%0d%0a", true, false, 64, "nul-?-nul??"},
        {"\xc3\xa9t\xc3\xa9", false, false, 64, "\xc3\xa9t\xc3\xa9"},
        {"\xff\xc0\xaf", false, false, 64, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", false, false, 64, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x93\x9e!", false, false, 64, "\xf0\x9f\x93\x9e!"},
        {"ab\xc3\xa9", false, false, 3, "ab"},
        {"abc", false, false, 0, ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char out[64];
        const size_t len = cf_sip_copy_text(out, table[i].room, table[i].from, strlen(table[i].from), table[i].percent,
                                            table[i].quoted);
        assert_int_equal(len, strlen(table[i].to));
        assert_memory_equal(out, table[i].to, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_invite_gives_every_part),
        cmocka_unit_test(a_response_gives_status_and_reason),
        cmocka_unit_test(legal_but_tortuous_messages_are_understood),
        cmocka_unit_test(unusual_but_legal_requests_are_accepted),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(a_zero_byte_is_a_fault_wherever_it_stands),
        cmocka_unit_test(every_count_is_bounded),
        cmocka_unit_test(a_faulty_request_is_answerable_when_its_identity_is_there),
        cmocka_unit_test(no_byte_outside_the_message_is_read),
        cmocka_unit_test(header_names_are_compared_whole_and_without_case),
        cmocka_unit_test(every_known_header_and_method_is_found),
        cmocka_unit_test(blanks_at_the_start_of_a_line),
        cmocka_unit_test(nothing_depends_on_where_a_line_ends),
        cmocka_unit_test(the_first_fault_is_the_one_that_is_told),
        cmocka_unit_test(uris_are_taken_apart),
        cmocka_unit_test(reasons_are_read_from_every_form),
        cmocka_unit_test(lists_are_walked_over_lines_and_commas),
        cmocka_unit_test(text_for_people_is_clean_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
