/*
 * What does one answered and cleared call cost the SIP adapter, the kernel aside?
 *
 * Expected: three datagrams are scanned (250 + 2 * 200 ns), three responses are built (1.5 KB written twice: into the
 * message and into the store), the session description is read and answered, some eight keyed hashes over 60 to 150 bytes
 * are made (100 ns each), five texts are stored and freed: 3 to 4 us. The kernel's part of such a call (3 datagrams in, 3
 * out) is about 11 us.
 * Method: INVITE, answer, ACK, BYE through the whole user agent, time moving on by 1/rate per call, so that as many ended
 * transactions are alive (32 s each) as at that rate, which is the argument. `call_ref_scan` only scans the messages.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sip/ua.h"
#include "bench/cbench.h"

enum { PLACES_MAX = 16, DIGITS = 8 };

/* A request with places in it that differ from call to call. */
struct template
{
    char text[1536];
    size_t len;
    char *number[PLACES_MAX]; /* DIGITS digits */
    unsigned numbers;
    char *tag; /* CF_SIP_TAG_LEN bytes, NULL: none */
};

struct caller {
    struct cf_sip_ua *ua;
    void *memory;
    uint64_t now;
    uint64_t call;
    char tag[CF_SIP_TAG_LEN];
    struct template invite, ack, bye;
    uint64_t calls, idle;
};

#define SDP                                                                                                            \
    "v=0\r\no=- 3725467 3725467 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n"                      \
    "m=audio 32456 RTP/AVP 0 8 18 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"                             \
    "a=rtpmap:18 G729/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"

static void make(struct template *t, const char *method, unsigned cseq, bool tagged, const char *sdp)
{
    t->len = (size_t)snprintf(t->text, sizeof(t->text),
                              "%s sip:+441632960123@192.0.2.1:5060;user=phone SIP/2.0\r\n"
                              "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-%s-NNNNNNNN;rport\r\n"
                              "Max-Forwards: 70\r\n"
                              "From: \"Alice Example\" <sip:+15550100@carrier.example.com>;tag=NNNNNNNN\r\n"
                              "To: <sip:+441632960123@trunk.example.net>%s\r\n"
                              "Call-ID: NNNNNNNN-4d5b-11ee-9c1e-0242ac120002@198.51.100.7\r\n"
                              "CSeq: %u %s\r\n"
                              "Contact: <sip:+15550100@198.51.100.7:5060;transport=udp>\r\n"
                              "User-Agent: Example SBC 7.1\r\n"
                              "%sContent-Length: %zu\r\n\r\n%s",
                              method, method, tagged ? ";tag=TTTTTTTTTTTTTTTT" : "", cseq, method,
                              sdp[0] != '\0' ? "Content-Type: application/sdp\r\n" : "", strlen(sdp), sdp);
    t->numbers = 0;
    for (char *at = t->text; (at = strstr(at, "NNNNNNNN")) != NULL; at += DIGITS)
        t->number[t->numbers++] = at;
    t->tag = strstr(t->text, "TTTTTTTTTTTTTTTT");
}

/* Fills in the call's number and our tag. */
static void fill(struct template *t, uint64_t call, const char *tag)
{
    char digits[DIGITS];
    for (unsigned i = DIGITS; i-- > 0; call /= 10)
        digits[i] = (char)('0' + call % 10);
    for (unsigned i = 0; i < t->numbers; i++)
        memcpy(t->number[i], digits, DIGITS);
    if (t->tag != NULL)
        memcpy(t->tag, tag, CF_SIP_TAG_LEN);
}

/* Keeps our tag from the 200 to INVITE: the second tag in it. */
static void on_send(void *context, const struct cf_sip_hop *to, const char *bytes, size_t len)
{
    struct caller *caller = context;
    const char *end = bytes + len;
    (void)to;
    if (memcmp(bytes, "SIP/2.0 200", 11) != 0 || caller->call == 0)
        return;
    const char *at = memmem(bytes, len, "\r\nTo: ", 6);
    at = at != NULL ? memmem(at, (size_t)(end - at), ";tag=", 5) : NULL;
    if (at != NULL)
        memcpy(caller->tag, at + 5, CF_SIP_TAG_LEN);
}

static void on_event(void *context, const struct cf_sip_event *event)
{
    struct caller *caller = context;
    if (event->kind == CF_SIP_OFFERING)
        caller->call = event->call;
    caller->idle += event->kind == CF_SIP_IDLE;
}

static bool open_caller(struct caller *caller, uint32_t rate)
{
    struct cf_sip_config config = {
        .host = "192.0.2.1",
        .media = {.address = "192.0.2.2", .port = 4000, .codecs = 2, .codec = {{0, "PCMU"}, {8, "PCMA"}}},
        .secret = {{1, 2}},
        .calls_max = 1024,
        .transactions_max = 80 * rate + 1024,
    };
    const struct cf_sip_ua_callbacks callbacks = {.send = on_send, .event = on_event, .context = caller};
    memset(caller, 0, sizeof(*caller));
    if (cf_sip_config_complete(&config) != NULL)
        return false;
    const size_t bytes = cf_sip_ua_bytes(&config);
    caller->memory = aligned_alloc(64, bytes);
    if (caller->memory == NULL)
        return false;
    memset(caller->memory, 0, bytes);
    caller->now = CF_SIP_NS_PER_S;
    caller->ua = cf_sip_ua_init(caller->memory, &config, &callbacks, caller->now);
    make(&caller->invite, "INVITE", 1, false, SDP);
    make(&caller->ack, "ACK", 1, true, "");
    make(&caller->bye, "BYE", 2, true, "");
    return true;
}

static void receive(struct caller *caller, struct template *t, const struct cf_sip_hop *peer)
{
    fill(t, caller->calls, caller->tag);
    cf_sip_ua_receive(caller->ua, caller->now, peer, t->text, t->len, false);
}

static void one_call(struct caller *caller, const struct cf_sip_hop *peer, uint64_t step_ns)
{
    caller->calls++;
    receive(caller, &caller->invite, peer);
    cf_sip_ua_answer(caller->ua, caller->now, caller->call);
    receive(caller, &caller->ack, peer);
    receive(caller, &caller->bye, peer);
    caller->call = 0;
    caller->now += step_ns;
    cf_sip_ua_tick(caller->ua, caller->now);
}

static void call(struct cbench_state *s, void *arg)
{
    static struct caller caller;
    struct cf_sip_hop peer = {.stream = false};
    const uint32_t rate = (uint32_t)cbench_range(s, 0);
    const uint64_t step_ns = CF_SIP_NS_PER_S / rate;
    (void)arg;
    if (!cf_sip_addr_parse(&peer.addr, "198.51.100.7", 12, 5060) || !open_caller(&caller, rate)) {
        cbench_fail(s, "no user agent");
        return;
    }
    const uint64_t warm = cbench_smoke() ? 10 : 33 * (uint64_t)rate; /* until as many transactions end as begin */
    while (caller.calls < warm)
        one_call(&caller, &peer, step_ns);
    CBENCH_LOOP (s)
        one_call(&caller, &peer, step_ns);
    cbench_items(s, cbench_iterations(s));
    cbench_counter(s, "transactions", cf_sip_ua_live(caller.ua).server_transactions, CBENCH_PLAIN);
    if (caller.idle != caller.calls)
        cbench_label(s, "not every call went through");
    free(caller.memory);
}

static void scan_only(struct cbench_state *s, void *arg)
{
    static struct caller caller;
    struct cf_sip_msg msg;
    (void)arg;
    make(&caller.invite, "INVITE", 1, false, SDP);
    make(&caller.ack, "ACK", 1, true, "");
    make(&caller.bye, "BYE", 2, true, "");
    struct template *const all[] = {&caller.invite, &caller.ack, &caller.bye};
    CBENCH_LOOP (s) {
        caller.calls++;
        for (unsigned i = 0; i < 3; i++) {
            fill(all[i], caller.calls, "0123456789abcdef");
            CBENCH_USE((int)cf_sip_scan(&msg, all[i]->text, all[i]->len));
            CBENCH_CLOBBER();
        }
    }
    cbench_items(s, cbench_iterations(s));
}

int main(int argc, char **argv)
{
    static const int64_t rates[] = {100, 2000};
    if (!cbench_init(&argc, argv))
        return 1;
    struct cbench *b = cbench_add("call", call, NULL);
    struct cbench *ref = cbench_add("call_ref_scan", scan_only, NULL);
    for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        cbench_arg(b, rates[i]);
        cbench_arg(ref, rates[i]);
    }
    return cbench_run();
}
