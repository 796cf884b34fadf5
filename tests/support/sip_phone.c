#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "adapters/provider/clock.h"
#include "adapters/sip/net.h"
#include "adapters/sip/scan.h"
#include "callfan/provider.h"
#include "shm/fields.h"
#include "tests/support/sip_phone.h"
#include "tests/support/spawn.h"

enum { PATIENCE_S = 30, TEXT_MAX = SIP_PHONE_TEXT_MAX };

static int64_t soon(void)
{
    return cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;
}

/* ---- the telephone */

#define SDP "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"

void sip_phone_send(struct sip_phone *f, const char *text)
{
    assert_true(sendto(f->udp, text, strlen(text), 0, &f->peer.sa, cf_sip_addr_len(&f->peer)) >= 0);
}

static void refuse(struct sip_phone *f, const struct cf_sip_msg *msg, unsigned status)
{
    char text[2 * TEXT_MAX];
    snprintf(text, sizeof(text),
             "SIP/2.0 %u x\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n\r\n", status,
             msg->vias[0].len, cf_sip_ptr(msg, msg->vias[0]), msg->from.value.len, cf_sip_ptr(msg, msg->from.value),
             msg->to.value.len, cf_sip_ptr(msg, msg->to.value), msg->to.tag.len == 0 ? ";tag=phone" : "",
             msg->call_id.len, cf_sip_ptr(msg, msg->call_id), msg->cseq_value.len, cf_sip_ptr(msg, msg->cseq_value));
    sip_phone_send(f, text);
}

/* What a focus is asked beside what any telephone is. True: it has been answered. */
static bool talk_as_focus(struct sip_phone *f, const struct cf_sip_msg *msg)
{
    const bool factory = memmem(cf_sip_ptr(msg, msg->to.value), msg->to.value.len, "sip:factory@", 12) != NULL;
    if (msg->method == CF_SIP_REFER) {
        const char *at = memmem(msg->base, msg->len, "\r\nRefer-To: ", 12);
        assert_non_null(at);
        snprintf(f->refer_to, sizeof(f->refer_to), "%.*s", (int)strcspn(at + 12, "\r"), at + 12);
        f->refer_cseq = msg->cseq;
        if (f->refer != 0)
            refuse(f, msg, f->refer);
        return f->refer != 0;
    }
    if (msg->method == CF_SIP_INVITE && factory && msg->to.tag.len != 0 && f->refuse_change != 0) {
        refuse(f, msg, f->refuse_change);
        return true;
    }
    if (msg->method != CF_SIP_INVITE || !factory || msg->to.tag.len != 0)
        return false;
    if (f->refuse != 0) {
        refuse(f, msg, f->refuse);
        return true;
    }
    f->of_factory = true;
    snprintf(f->conference, sizeof(f->conference), "From: %.*s;tag=phone\r\nTo: %.*s\r\nCall-ID: %.*s\r\n",
             msg->to.value.len, cf_sip_ptr(msg, msg->to.value), msg->from.value.len, cf_sip_ptr(msg, msg->from.value),
             msg->call_id.len, cf_sip_ptr(msg, msg->call_id));
    return false;
}

/* Back to where it came from. 200 to whatever is asked, but where silence was ordered; ACK to a 200 of ours. */
static void talk(struct sip_phone *f, const struct cf_sip_msg *msg)
{
    char text[2 * TEXT_MAX];
    if (!msg->is_request && msg->cseq_method == CF_SIP_INVITE && msg->status >= 200) {
        snprintf(text, sizeof(text),
                 "ACK sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKack%u\r\nFrom: %.*s\r\n"
                 "To: %.*s\r\nCall-ID: %.*s\r\nCSeq: 1 ACK\r\n\r\n",
                 f->own_port, f->calls, msg->from.value.len, cf_sip_ptr(msg, msg->from.value), msg->to.value.len,
                 cf_sip_ptr(msg, msg->to.value), msg->call_id.len, cf_sip_ptr(msg, msg->call_id));
        sip_phone_send(f, text);
        snprintf(f->tag, sizeof(f->tag), "%.*s", msg->to.tag.len, cf_sip_ptr(msg, msg->to.tag));
    }
    if (!msg->is_request)
        return;
    snprintf(f->asked + strlen(f->asked), sizeof(f->asked) - strlen(f->asked), "%.*s ", msg->method_text.len,
             cf_sip_ptr(msg, msg->method_text));
    if (msg->method == CF_SIP_ACK)
        return;
    if (f->silent != 0) {
        f->silent--;
        return;
    }
    const bool described = msg->method == CF_SIP_INVITE;
    if (f->focus && talk_as_focus(f, msg))
        return;
    if (described && msg->to.tag.len == 0) {
        snprintf(f->caller, sizeof(f->caller), "%.*s", msg->from.value.len, cf_sip_ptr(msg, msg->from.value));
        snprintf(f->called, sizeof(f->called), "%.*s;tag=phone", msg->to.value.len, cf_sip_ptr(msg, msg->to.value));
        snprintf(f->called_id, sizeof(f->called_id), "%.*s", msg->call_id.len, cf_sip_ptr(msg, msg->call_id));
    }
    snprintf(text, sizeof(text),
             "SIP/2.0 200 OK\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n"
             "Contact: <sip:answers@127.0.0.1:%u>%s\r\n%s%s%sContent-Length: %zu\r\n\r\n%s",
             msg->vias[0].len, cf_sip_ptr(msg, msg->vias[0]), msg->from.value.len, cf_sip_ptr(msg, msg->from.value),
             msg->to.value.len, cf_sip_ptr(msg, msg->to.value), msg->to.tag.len == 0 ? ";tag=phone" : "",
             msg->call_id.len, cf_sip_ptr(msg, msg->call_id), msg->cseq_value.len, cf_sip_ptr(msg, msg->cseq_value),
             f->own_port, f->of_factory && !f->no_focus ? ";isfocus" : "",
             f->of_factory && f->watched ? "Allow-Events: refer, conference\r\n" : "",
             msg->method == CF_SIP_REFER ? "Refer-Sub: false\r\n" : "",
             described ? "Content-Type: application/sdp\r\n" : "", described ? strlen(SDP) : 0, described ? SDP : "");
    f->of_factory = false;
    sip_phone_send(f, text);
}

static void telephone(struct sip_phone *f)
{
    char text[TEXT_MAX];
    struct cf_sip_msg msg;
    socklen_t len = sizeof(f->peer);
    for (ssize_t n; (n = recvfrom(f->udp, text, sizeof(text), MSG_DONTWAIT, &f->peer.sa, &len)) > 0;)
        if (cf_sip_scan(&msg, text, (size_t)n) == CF_SIP_ERROR_OK)
            talk(f, &msg);
}

/* It calls; extra: header lines. */
void sip_phone_ring(struct sip_phone *f)
{
    char text[TEXT_MAX];
    f->calls++;
    snprintf(text, sizeof(text),
             "INVITE sip:4420@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKinv%u\r\n"
             "From: <sip:1555@a.example>;tag=mine\r\nTo: <sip:4420@127.0.0.1>\r\nCall-ID: call%u\r\nCSeq: 1 INVITE\r\n"
             "Contact: <sip:phone@127.0.0.1:%u>\r\nContent-Type: application/sdp\r\n\r\n" SDP,
             f->own_port, f->calls, f->calls, f->own_port);
    sip_phone_send(f, text);
}

static void ask(struct sip_phone *f, const char *method, unsigned cseq, const char *dialog, const char *extra,
                const char *body)
{
    char text[2 * TEXT_MAX];
    snprintf(text, sizeof(text),
             "%s sip:4420@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s%u-%u\r\n%s"
             "CSeq: %u %s\r\n%sContent-Length: %zu\r\n\r\n%s",
             method, f->own_port, method, f->calls, cseq, dialog, cseq, method, extra, body != NULL ? strlen(body) : 0,
             body != NULL ? body : "");
    sip_phone_send(f, text);
}

void sip_phone_ask(struct sip_phone *f, const char *method, unsigned cseq, const char *extra, const char *body)
{
    char dialog[512];
    snprintf(dialog, sizeof(dialog),
             "From: <sip:1555@a.example>;tag=mine\r\nTo: <sip:4420@127.0.0.1>;tag=%s\r\nCall-ID: call%u\r\n", f->tag,
             f->calls);
    ask(f, method, cseq, dialog, extra, body);
}

void sip_phone_ask_caller(struct sip_phone *f, const char *method, unsigned cseq, const char *extra, const char *body)
{
    char dialog[1024];
    snprintf(dialog, sizeof(dialog), "From: %s\r\nTo: %s\r\nCall-ID: %s\r\n", f->called, f->caller, f->called_id);
    ask(f, method, cseq, dialog, extra, body);
}

void sip_phone_ask_conference(struct sip_phone *f, const char *method, const char *extra, const char *body)
{
    f->asked_within++;
    ask(f, method, 100 + f->asked_within, f->conference, extra, body);
}

void sip_phone_notify(struct sip_phone *f, unsigned status, bool last)
{
    char extra[300], body[64];
    snprintf(extra, sizeof(extra), "Event: refer;id=%u\r\nSubscription-State: %s\r\nContent-Type: message/sipfrag\r\n",
             f->refer_cseq, last ? "terminated;reason=noresource" : "active;expires=60");
    snprintf(body, sizeof(body), "SIP/2.0 %u x\r\n", status);
    sip_phone_ask_conference(f, "NOTIFY", extra, body);
}

/* ---- the core */

static const char *state_name(uint64_t state)
{
    static const struct {
        uint32_t state;
        const char *name;
    } names[] = {{LINECALLSTATE_OFFERING, "OFFERING"},
                 {LINECALLSTATE_CONNECTED, "CONNECTED"},
                 {LINECALLSTATE_ONHOLD, "ONHOLD"},
                 {LINECALLSTATE_ONHOLDPENDTRANSFER, "PENDING"},
                 {LINECALLSTATE_ONHOLDPENDCONF, "PENDCONF"},
                 {LINECALLSTATE_CONFERENCED, "CONFERENCED"},
                 {LINECALLSTATE_DIALTONE, "DIALTONE"},
                 {LINECALLSTATE_DIALING, "DIALING"},
                 {LINECALLSTATE_DISCONNECTED, "DISCONNECTED"},
                 {LINECALLSTATE_IDLE, "IDLE"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].state == state)
            return names[i].name;
    return "?";
}

static void note(struct sip_phone *f, const char *word, const char *more)
{
    snprintf(f->heard + strlen(f->heard), sizeof(f->heard) - strlen(f->heard), "%s%s ", word, more);
}

/* A name for a call that the core hears of, and its name with a point. */
static void name_call(struct sip_phone *f, uint64_t call)
{
    unsigned i = 0;
    while (f->names[i] != 0 && f->names[i] != call)
        assert_true(++i < SIP_PHONE_NAMES);
    f->names[i] = call;
}

static const char *name_of(const struct sip_phone *f, uint64_t call)
{
    static char name[3];
    for (unsigned i = 0; f->focus && i < SIP_PHONE_NAMES; i++)
        if (f->names[i] == call) {
            snprintf(name, sizeof(name), "%c.", 'a' + (char)i);
            return name;
        }
    return "";
}

/* How a gathering ended, behind its reply. */
static void note_gathered(struct sip_phone *f, const struct cf_record *record)
{
    struct cf_field field = {0};
    char text[128];
    cf_fields_find(record, CF_FIELD_DIGITS, &field);
    snprintf(text, sizeof(text), "%.*s", (int)field.bytes, (const char *)field.data);
    f->heard[strlen(f->heard) - 1] = '\0';
    snprintf(f->heard + strlen(f->heard), sizeof(f->heard) - strlen(f->heard), "/%x=", (uint32_t)record->m.param3);
    note(f, "", text);
}

static void hear(struct sip_phone *f, const struct cf_record *record)
{
    const struct cf_message *m = &record->m;
    struct cf_field field = {0};
    char error[32];
    switch (m->id) {
    case CF_EV_LINE:
        assert_true(cf_fields_find(record, CF_FIELD_LINE_CAPS, &field) && field.bytes == sizeof(f->caps));
        memcpy(&f->caps, field.data, sizeof(f->caps));
        break;
    case CF_EV_SNAPSHOT_END:
        note(f, "SNAPSHOT", "");
        break;
    case CF_EV_NEW_CALL:
        f->call = m->device;
        name_call(f, m->device);
        note(f, "+", state_name((uint32_t)m->param2));
        break;
    case CF_EV_CALL_STATE:
        note(f, name_of(f, m->device), state_name(m->param1));
        f->parent = m->param1 == LINECALLSTATE_CONFERENCED ? m->param2 : f->parent;
        break;
    case CF_EV_REPLY:
        f->replied_call = m->device;
        snprintf(error, sizeof(error), "%llu:%x", (unsigned long long)m->param1, (uint32_t)m->param2);
        note(f, "", error);
        if (m->param2 == 0 && m->device != 0)
            name_call(f, m->device);
        if (m->param3 > UINT32_MAX) /* a second call */
            name_call(f, m->param3);
        else if (m->param3 != 0)
            note_gathered(f, record);
        break;
    case CF_EV_DIGIT:
        snprintf(error, sizeof(error), "%c", (char)m->param1);
        note(f, "D", error);
        break;
    default:
        break;
    }
}

/* Listens, and lets the telephone talk, until these words have been heard, and nothing else. */
void sip_phone_heard(struct sip_phone *f, const char *wanted)
{
    static struct cf_record record;
    const int64_t end = soon();
    while (strlen(f->heard) < strlen(wanted)) {
        telephone(f);
        while (provider_core_take(&f->core, &record, true))
            hear(f, &record);
        if (cf_clock_ns() > end)
            fail_msg("heard \"%s\" instead of \"%s\"; it was asked %s", f->heard, wanted, f->asked);
        poll(NULL, 0, 1);
    }
    assert_string_equal(f->heard, wanted);
    f->heard[0] = '\0';
}

/* The telephone is asked this. */
void sip_phone_asked(struct sip_phone *f, const char *method)
{
    const int64_t end = soon();
    while (strstr(f->asked, method) == NULL) {
        telephone(f);
        if (cf_clock_ns() > end)
            fail_msg("asked \"%s\" and not %s", f->asked, method);
        poll(NULL, 0, 1);
    }
    f->asked[0] = '\0';
}

void sip_phone_command(struct sip_phone *f, uint16_t id, uint64_t call, uint64_t param1, uint64_t param2)
{
    provider_core_command(&f->core, id, call, param1, param2);
}

void sip_phone_command_with(struct sip_phone *f, uint16_t id, uint64_t call, uint64_t number, uint16_t tag,
                            const char *text)
{
    struct cf_record r = {.m = {.id = id, .device = call, .param1 = number}};
    assert_true(cf_fields_append(&r, tag, text, (uint32_t)strlen(text)));
    provider_core_send(&f->core, &r);
}

/* ---- beginning and end */

static void read_said(struct sip_phone *f)
{
    const size_t used = strlen(f->said);
    const ssize_t n = read(f->out, f->said + used, sizeof(f->said) - 1 - used);
    if (n > 0)
        f->said[used + (size_t)n] = '\0';
}

/* Waits until the program has said this; what it said before is forgotten. */
const char *sip_phone_said(struct sip_phone *f, const char *wanted)
{
    const int64_t end = soon();
    const char *at;
    while ((at = strstr(f->said, wanted)) == NULL || strchr(at, '\n') == NULL) {
        if (cf_clock_ns() > end)
            fail_msg("it said \"%s\" and not \"%s\"", f->said, wanted);
        poll(NULL, 0, 1);
        read_said(f);
    }
    return at + strlen(wanted);
}

void sip_phone_talk_with(struct sip_phone *f, unsigned line)
{
    assert_true(cf_sip_addr_parse(&f->peer, "127.0.0.1", 9, f->ports[line]));
}

static void open_with(struct sip_phone *f, const char *calls_max, const char *more, const char *factory)
{
    provider_core_init(&f->core, 1024, 4096);
    provider_core_serve(&f->core);
    char *const argv[] = {(char *)spawn_path("callfan-sip"),
                          "--socket",
                          f->core.path,
                          "--name",
                          "test",
                          "--set",
                          "listen={\"127.0.0.1:0\", \"127.0.0.1:0\"}",
                          "--set",
                          (char *)calls_max,
                          "--set",
                          (char *)more,
                          factory != NULL ? "--set" : NULL,
                          (char *)factory,
                          NULL};
    f->pid = spawn(argv, &f->out);
    provider_core_served(&f->core);
    sip_phone_heard(f, "SNAPSHOT ");
    sip_phone_said(f, "line 1 listens"); /* as line 0 did before */
    const char *at = strstr(f->said, ", port ");
    assert_non_null(at);
    at += strlen(", port ");
    f->ports[0] = (uint16_t)atoi(at);
    f->ports[1] = (uint16_t)atoi(strstr(at, ", port ") + 7);
    sip_phone_talk_with(f, 0);
}

static void open_telephone(struct sip_phone *f)
{
    union cf_sip_addr own;
    socklen_t len = sizeof(own);
    memset(f, 0, sizeof(*f));
    f->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(f->udp >= 0 && cf_sip_addr_parse(&own, "127.0.0.1", 9, 0));
    assert_int_equal(bind(f->udp, &own.sa, cf_sip_addr_len(&own)), 0);
    assert_int_equal(getsockname(f->udp, &own.sa, &len), 0);
    f->own_port = cf_sip_addr_port(&own);
}

void sip_phone_open(struct sip_phone *f, const char *more)
{
    open_telephone(f);
    open_with(f, "calls_max=2", more, NULL);
}

void sip_phone_open_focus(struct sip_phone *f, const char *more)
{
    char factory[80];
    open_telephone(f);
    f->focus = true;
    snprintf(factory, sizeof(factory), "conference={\"sip:factory@127.0.0.1:%u\"}", f->own_port);
    open_with(f, "calls_max=6", more != NULL ? more : "refer=nobody", factory);
}

void sip_phone_close(struct sip_phone *f)
{
    int status = 0;
    const int64_t end = soon();
    assert_int_equal(kill(f->pid, SIGTERM), 0);
    while (waitpid(f->pid, &status, WNOHANG) == 0) {
        telephone(f);
        if (cf_clock_ns() > end)
            kill(f->pid, SIGKILL);
        poll(NULL, 0, 1);
    }
    read_said(f);
    if (status != 0)
        fail_msg("it ended with %x and said %s", status, f->said);
    close(f->out);
    close(f->udp);
    provider_core_fini(&f->core);
}

/* A connected call of the telephone's. */
uint64_t sip_phone_connect(struct sip_phone *f)
{
    sip_phone_ring(f);
    sip_phone_heard(f, "+OFFERING ");
    char wanted[32];
    snprintf(wanted, sizeof(wanted), "%sCONNECTED 1:0 ", name_of(f, f->call));
    sip_phone_command(f, CF_CMD_ANSWER, f->call, 1, 0);
    sip_phone_heard(f, wanted);
    sip_phone_command(f, CF_CMD_GENERATE_DIGITS, f->call, 2, LINEDIGITMODE_DTMF); /* no digits: nothing to stop */
    sip_phone_heard(f, "2:0 ");
    return f->call;
}

void sip_phone_heard_error(struct sip_phone *f, unsigned number, unsigned error)
{
    char wanted[32];
    snprintf(wanted, sizeof(wanted), "%u:%x ", number, error);
    sip_phone_heard(f, wanted);
}

void sip_phone_new_core(struct sip_phone *f)
{
    f->said[0] = '\0';
    cf_socket_listener_close(&f->core.listener, f->core.path, true);
    provider_core_hang_up(&f->core);
    sip_phone_said(f, "hung up");
    provider_core_serve(&f->core);
    provider_core_served(&f->core);
}
