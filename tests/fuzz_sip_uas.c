/*
 * Fuzz entry of the whole user agent: datagrams, operations and time in any order. The input is a script: lines "%d" begin
 * a datagram (the lines up to the next '%' line; $T in it stands for our newest tag, $B for our newest branch), "%a" accepts
 * the newest call, "%n" answers, "%x" drops, "%c" closes it, "%o" toggles overload, "%l" lets 1 s pass, "%L" 40 s; "%m" makes a call to
 * the destination in the next line, "%h" holds, "%u" retrieves, "%g" sends the digits in the next line, "%r 180" answers our newest
 * request other than ACK with that status, the lines up to the next '%' line being headers and, behind an empty line, a body.
 * "%q NOTIFY" is a request of the peer in the dialog of that newest request of ours, followed by lines as %r is; "%i" sends the newest call on to the destination in the next line, "%e" transfers it
 * to the destination in the next line, "%ed" to the dialog of the call before, which then ends quietly; "%mf" calls a conference's factory, "%ej" has
 * a focus take over the call before, "%er" let go of the next line's.
 * "%t" starts the line's REGISTER, "%v" takes it back, "%s" goes over to a stream (each time another connection) or back, "%f" tells
 * that no connection to the peer can be made.
 * After every step the invariants hold; in the end, when all timers have run out, nothing is left: every call that was offered
 * or made and not closed has had exactly one IDLE.
 */
#define _GNU_SOURCE /* memmem() */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sip/ua.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 64, CALLS_MAX = 8 };

struct run {
    struct cf_sip_ua *ua;
    uint64_t now;
    uint64_t call, before;
    unsigned cseq; /* of the peer's requests in our dialogs */
    unsigned offered, made, idle, closed;
    bool overload;
    struct cf_sip_hop source;
    char tag[64];
    char branch[64];
    char asked[4096]; /* our newest request but ACK */
    size_t asked_len;
    uint64_t connections;
};

static void keep(char *to, size_t bytes, const struct cf_sip_msg *msg, struct cf_sip_slice slice)
{
    if (slice.len == 0 || slice.len >= bytes)
        return;
    memcpy(to, cf_sip_ptr(msg, slice), slice.len);
    to[slice.len] = '\0';
}

/* Everything that goes out can be read by our own scanner, unless it repeats what was malformed. */
static void on_send(void *context, const struct cf_sip_hop *to, const char *bytes, size_t len)
{
    struct run *run = context;
    struct cf_sip_msg msg;
    assert(len <= CF_SIP_DATAGRAM_MAX && to->addr.sa.sa_family == AF_INET);
    cf_sip_scan(&msg, bytes, len);
    assert(msg.error != CF_SIP_ERROR_NOISE && msg.error != CF_SIP_ERROR_CONTROL_BYTE);
    if (msg.is_request && msg.method != CF_SIP_ACK && len <= sizeof(run->asked)) {
        memcpy(run->asked, bytes, len);
        run->asked_len = len;
    }
    if (msg.is_request)
        keep(run->branch, sizeof(run->branch), &msg, msg.via.branch);
    else
        keep(run->tag, sizeof(run->tag), &msg, msg.to.tag);
}

static void on_event(void *context, const struct cf_sip_event *event)
{
    struct run *run = context;
    const bool begins = event->kind == CF_SIP_OFFERING || event->kind == CF_SIP_BEGUN;
    run->offered += begins;
    run->idle += event->kind == CF_SIP_IDLE;
    assert(!begins || event->identity != NULL);
    assert(event->kind != CF_SIP_DIGIT || (event->digit != 0 && strchr("0123456789*#ABCD", event->digit) != NULL));
    if (begins) {
        run->before = run->call;
        run->call = event->call;
    }
    assert(event->kind != CF_SIP_DISCONNECTED || (event->mode != 0 && (event->mode & (event->mode - 1)) == 0));
    for (const struct cf_sip_words *w = &event->caller; w <= &event->called; w++)
        assert(w->len <= CF_SIP_IDENTITY_MAX);
}

static void tick_until(struct run *run, uint64_t end)
{
    uint64_t next;
    while ((next = cf_sip_ua_next_deadline(run->ua)) <= end) {
        run->now = next > run->now ? next : run->now;
        cf_sip_ua_tick(run->ua, run->now);
        assert(cf_sip_ua_next_deadline(run->ua) > run->now);
    }
    run->now = end;
}

/* Copies the datagram with its placeholders filled in, into memory of exactly its length. */
static void receive(struct run *run, const char *text, size_t len)
{
    static char filled[CF_SIP_MESSAGE_BYTES_MAX];
    size_t used = 0;
    for (size_t i = 0; i < len && used + sizeof(run->tag) < sizeof(filled); i++) {
        const char *value = NULL;
        if (text[i] == '$' && i + 1 < len)
            value = text[i + 1] == 'T' ? run->tag : text[i + 1] == 'B' ? run->branch : NULL;
        if (value != NULL) {
            memcpy(filled + used, value, strlen(value));
            used += strlen(value);
            i++;
        } else {
            filled[used++] = text[i];
        }
    }
    char *copy = malloc(used + 1);
    assert(copy != NULL);
    memcpy(copy, filled, used);
    cf_sip_ua_receive(run->ua, run->now, &run->source, copy, used, false);
    free(copy);
}

static void put_slice(struct cf_sip_out *out, const struct cf_sip_msg *msg, struct cf_sip_slice slice)
{
    cf_sip_put(out, cf_sip_ptr(msg, slice), slice.len);
}

/* A response to our newest request, well-formed but for the lines given. */
static void respond(struct run *run, const char *status, size_t status_len, const char *lines, size_t len)
{
    static char text[16384];
    struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text)};
    struct cf_sip_msg msg;
    if (run->asked_len == 0 || cf_sip_scan(&msg, run->asked, run->asked_len) != CF_SIP_ERROR_OK)
        return;
    CF_SIP_PUT(&out, "SIP/2.0 ");
    cf_sip_put(&out, status, status_len < 3 ? status_len : 3);
    CF_SIP_PUT(&out, " x\r\nVia: ");
    put_slice(&out, &msg, msg.vias[0]);
    CF_SIP_PUT(&out, "\r\nFrom: ");
    put_slice(&out, &msg, msg.from.value);
    CF_SIP_PUT(&out, "\r\nTo: ");
    put_slice(&out, &msg, msg.to.value);
    if (msg.to.tag.len == 0 && memmem(lines, len, "untagged", 8) == NULL)
        cf_sip_put_string(&out, memmem(lines, len, "fork", 4) != NULL ? ";tag=other" : ";tag=callee");
    CF_SIP_PUT(&out, "\r\nCall-ID: ");
    put_slice(&out, &msg, msg.call_id);
    CF_SIP_PUT(&out, "\r\nCSeq: ");
    put_slice(&out, &msg, msg.cseq_value);
    CF_SIP_PUT(&out, "\r\n");
    cf_sip_put(&out, lines, len);
    if (!out.full)
        receive(run, out.text, out.len);
}

/* A request in the dialog of our newest request, well-formed but for the lines given. */
static void request(struct run *run, const char *method, size_t method_len, const char *lines, size_t len)
{
    static char text[16384];
    struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text)};
    struct cf_sip_msg msg;
    if (run->asked_len == 0 || cf_sip_scan(&msg, run->asked, run->asked_len) != CF_SIP_ERROR_OK)
        return;
    cf_sip_put(&out, method, method_len);
    CF_SIP_PUT(&out, " sip:callfan@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKq");
    cf_sip_put_number(&out, ++run->cseq);
    CF_SIP_PUT(&out, "\r\nFrom: ");
    put_slice(&out, &msg, msg.to.value);
    if (msg.to.tag.len == 0)
        CF_SIP_PUT(&out, ";tag=callee");
    CF_SIP_PUT(&out, "\r\nTo: ");
    put_slice(&out, &msg, msg.from.value);
    CF_SIP_PUT(&out, "\r\nCall-ID: ");
    put_slice(&out, &msg, msg.call_id);
    CF_SIP_PUT(&out, "\r\nCSeq: ");
    cf_sip_put_number(&out, 1000 + run->cseq);
    CF_SIP_PUT(&out, " ");
    cf_sip_put(&out, method, method_len);
    CF_SIP_PUT(&out, "\r\n");
    cf_sip_put(&out, lines, len);
    if (!out.full)
        receive(run, out.text, out.len);
}

/* how: 'd' to the dialog of the call before, 'j' a focus is to take that call over, 'r' it is to let go of whom the text names. */
static void refer(struct run *run, const char *text, size_t len, char how)
{
    static struct cf_sip_dialog_name name;
    struct cf_sip_referring referring = {.destination = {text, len}};
    const bool dialog = how == 'd' || how == 'j';
    referring.wanted = how == 'j'   ? CF_SIP_REFERRAL_JOIN
                       : how == 'r' ? CF_SIP_REFERRAL_REMOVE
                                    : CF_SIP_REFERRAL_TRANSFER;
    if (dialog) {
        if (run->before == run->call || cf_sip_ua_name(run->ua, run->before, &name) != 0)
            return;
        referring.destination = (struct cf_sip_words){name.target.text, name.target.len};
        referring.replaces = (struct cf_sip_words){name.replaces.text, name.replaces.len};
    }
    if (cf_sip_ua_refer(run->ua, run->now, run->call, &referring) == 0 && how == 'd')
        cf_sip_ua_quiet(run->ua, run->before, true);
}

static void make(struct run *run, const char *text, size_t len, bool to_focus)
{
    const struct cf_sip_making making = {
        .destination = {text, len}, .user = 1, .to_focus = to_focus, .holds = to_focus};
    const uint64_t before = run->call;
    if (cf_sip_ua_make(run->ua, run->now, &making, &run->call) != 0)
        return;
    run->made++;
    run->before = before;
}

static void step(struct run *run, const char *line, size_t len)
{
    const char *body = memchr(line, '\n', len);
    const char *rest = body != NULL ? body + 1 : line + len;
    const size_t rest_len = (size_t)(line + len - rest);
    const size_t first_len = rest_len != 0 && memchr(rest, '\n', rest_len) != NULL
                                 ? (size_t)((const char *)memchr(rest, '\n', rest_len) - rest)
                                 : rest_len;
    switch (len > 1 ? line[1] : 0) {
    case 'd':
        if (body != NULL)
            receive(run, body + 1, (size_t)(line + len - body - 1));
        break;
    case 'a':
        cf_sip_ua_accept(run->ua, run->now, run->call);
        break;
    case 'n':
        cf_sip_ua_answer(run->ua, run->now, run->call);
        break;
    case 'x':
        cf_sip_ua_drop(run->ua, run->now, run->call, len > 2 && line[2] == 'b' ? 486 : 0);
        break;
    case 'c':
        run->closed += cf_sip_ua_close(run->ua, run->now, run->call, 0) == 0;
        break;
    case 'o':
        run->overload = !run->overload;
        cf_sip_ua_overload(run->ua, run->overload);
        break;
    case 'm':
        make(run, rest, first_len, len > 2 && line[2] == 'f');
        break;
    case 'h':
    case 'u':
        cf_sip_ua_hold(run->ua, run->now, run->call, line[1] == 'h');
        break;
    case 'g':
        cf_sip_ua_digits(run->ua, run->now, run->call, rest, first_len, 0);
        break;
    case 'r':
        if (len > 6)
            respond(run, line + 3, 3, rest, rest_len);
        break;
    case 'q':
        if (len > 3)
            request(run, line + 3, (size_t)((body != NULL ? body : line + len) - line - 3), rest, rest_len);
        break;
    case 'i':
        cf_sip_ua_redirect(run->ua, run->now, run->call, (struct cf_sip_words){rest, first_len});
        break;
    case 'e':
        refer(run, rest, first_len, len > 2 ? line[2] : 0);
        break;
    case 't':
        cf_sip_ua_start(run->ua, run->now);
        break;
    case 'v':
        cf_sip_ua_leave(run->ua, run->now);
        break;
    case 's':
        run->source.stream = !run->source.stream;
        run->source.connection = run->source.stream ? ++run->connections : 0;
        break;
    case 'f':
        cf_sip_ua_connection_failed(run->ua, run->now, &run->source.addr);
        break;
    case 'l':
        tick_until(run, run->now + CF_SIP_NS_PER_S);
        break;
    case 'L':
        tick_until(run, run->now + 40 * CF_SIP_NS_PER_S);
        break;
    default:
        break;
    }
    assert(cf_sip_ua_check(run->ua));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *memory;
    static struct cf_sip_config config = {
        .host = "192.0.2.1",
        .media = {.address = "192.0.2.2", .port = 4000, .codecs = 2, .codec = {{0, "PCMU"}, {8, "PCMA"}}},
        .calls_max = CALLS_MAX,
        .transactions_max = 12,
        .blocks_max = 200,
        .ring_limit_ns = 70 * CF_SIP_NS_PER_S,
        .linger_ns = 2 * CF_SIP_NS_PER_S,
        .has_peer = true,
        .peer = {.addr.in4 = {.sin_family = AF_INET}},
        .domain = "example.com",
        .number = "100",
        .username = "u",
        .password = "p",
        .register_s = 600,
        .session_s = 200,
        .redirects_max = 2,
        .reliable = true,
        .refer = CF_SIP_TRUST_ANYBODY,
        .replace = CF_SIP_TRUST_ANYBODY,
    };
    struct run run = {.now = 1000 * CF_SIP_NS_PER_S};
    const struct cf_sip_ua_callbacks callbacks = {.send = on_send, .event = on_event, .context = &run};
    if (memory == NULL) {
        const char *wrong = cf_sip_config_complete(&config);
        assert(wrong == NULL);
        memory = aligned_alloc(64, cf_sip_ua_bytes(&config));
        assert(memory != NULL);
    }
    memset(memory, 0, cf_sip_ua_bytes(&config));
    run.ua = cf_sip_ua_init(memory, &config, &callbacks, run.now);
    const bool parsed = cf_sip_addr_parse(&run.source.addr, "192.0.2.7", 9, 5070);
    assert(parsed);

    const char *text = (const char *)data;
    const char *end = text + size;
    for (unsigned steps = 0; text < end && steps < STEPS_MAX; steps++) {
        const char *next = text + 1;
        while (next < end && (*next != '%' || next[-1] != '\n'))
            next++;
        step(&run, text, (size_t)(next - text));
        text = next;
    }
    tick_until(&run, run.now + 300 * CF_SIP_NS_PER_S);
    const struct cf_sip_live live = cf_sip_ua_live(run.ua);
    /* a confirmed call lives until somebody ends it */
    for (unsigned i = 0; i < CALLS_MAX && cf_sip_ua_live(run.ua).calls != 0; i++)
        for (uint64_t generation = 1; generation < 2 * STEPS_MAX; generation += 2)
            cf_sip_ua_drop(run.ua, run.now, generation << 32 | i, 0);
    cf_sip_ua_leave(run.ua, run.now);
    tick_until(&run, run.now + 300 * CF_SIP_NS_PER_S);
    const struct cf_sip_live left = cf_sip_ua_live(run.ua);
    assert(live.calls <= CALLS_MAX && left.calls == 0 && left.server_transactions == 0 &&
           left.client_transactions == 0);
    assert(left.timers == 0 && left.blocks_free == left.blocks_max);
    assert(run.idle <= run.offered + run.made && run.idle + run.closed >= run.offered + run.made);
    return 0;
}
