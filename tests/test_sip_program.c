/*
 * callfan-sip as a program, between a core played by the test and peers on the network: sipp, and a caller of the test's
 * own.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
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
#include "shm/handle.h"
#include "tests/support/provider_core.h"
#include "tests/support/spawn.h"

enum { PATIENCE_S = 60, CALLS_MAX = 512, TEXT_MAX = 4096 };

/* What the core has heard of one call. */
struct heard {
    uint64_t call;
    uint32_t line;
    char states[64]; /* letters: O A C H U (we hold) D I */
    uint32_t mode;   /* of DISCONNECTED */
    char caller[64], called[64], cause[32];
    bool withheld; /* a caller of no bytes */
};

struct fixture {
    struct provider_core core;
    pid_t pid;
    int out; /* the program's standard error */
    char said[8192];
    uint16_t port;
    int udp; /* the test's own caller */
    union cf_sip_addr peer;
    struct heard heard[CALLS_MAX];
    unsigned calls;
    unsigned replies, replies_bad;
    uint64_t replied; /* the newest command that was replied to */
    unsigned lines;
    bool snapshot_ended;
    bool answering;
    uint64_t command;
    char tag[64];
};

static int64_t soon(void)
{
    return cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;
}

/* ---- the program */

/* The exit status, within the patience; -signal when it was killed. */
static int wait_for_exit(pid_t pid)
{
    const int64_t end = soon();
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (cf_clock_ns() > end) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            fail_msg("process %d did not end", (int)pid);
        }
        poll(NULL, 0, 2);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void read_said(struct fixture *f)
{
    const size_t used = strlen(f->said);
    const ssize_t n = read(f->out, f->said + used, sizeof(f->said) - 1 - used);
    if (n > 0)
        f->said[used + (size_t)n] = '\0';
}

/* ---- the core */

static void keep_text(char *to, size_t bytes, const struct cf_record *record, uint16_t tag)
{
    struct cf_field field;
    to[0] = '\0';
    if (cf_fields_find(record, tag, &field))
        snprintf(to, bytes, "%.*s", (int)field.bytes, (const char *)field.data);
}

static char letter_of(uint64_t state, uint64_t mode)
{
    switch (state) {
    case LINECALLSTATE_OFFERING:
        return 'O';
    case LINECALLSTATE_ACCEPTED:
        return 'A';
    case LINECALLSTATE_CONNECTED:
        return mode == LINECONNECTEDMODE_ACTIVEHELD ? 'H' : 'C';
    case LINECALLSTATE_ONHOLD:
        return 'U';
    case LINECALLSTATE_DISCONNECTED:
        return 'D';
    case LINECALLSTATE_IDLE:
        return 'I';
    default:
        return '?';
    }
}

static struct heard *heard_of(struct fixture *f, uint64_t call)
{
    for (unsigned i = f->calls; i-- > 0;)
        if (f->heard[i].call == call)
            return &f->heard[i];
    return NULL;
}

static void command(struct fixture *f, uint16_t id, uint64_t call, uint64_t param1)
{
    provider_core_command(&f->core, id, call, param1, 0);
}

static void hear(struct fixture *f, const struct cf_record *record)
{
    const struct cf_message *m = &record->m;
    struct heard *heard = heard_of(f, m->device);
    struct cf_field field;
    switch (m->id) {
    case CF_EV_LINE:
        f->lines++;
        break;
    case CF_EV_SNAPSHOT_END:
        f->snapshot_ended = true;
        break;
    case CF_EV_REPLY:
        f->replies++;
        f->replies_bad += m->param2 != 0;
        f->replied = m->param1;
        break;
    case CF_EV_NEW_CALL:
        assert_null(heard);
        assert_true(f->calls < CALLS_MAX);
        assert_int_equal(cf_handle_kind(m->device), CF_KIND_PROVIDER);
        heard = &f->heard[f->calls++];
        *heard = (struct heard){.call = m->device, .line = (uint32_t)m->param1};
        heard->states[0] = letter_of((uint32_t)m->param2, m->param2 >> 32);
        keep_text(heard->caller, sizeof(heard->caller), record, CF_FIELD_CALLER);
        heard->withheld = cf_fields_find(record, CF_FIELD_CALLER, &field) && field.bytes == 0;
        keep_text(heard->called, sizeof(heard->called), record, CF_FIELD_CALLED);
        if (f->answering) {
            command(f, CF_CMD_ACCEPT, m->device, ++f->command);
            command(f, CF_CMD_ANSWER, m->device, ++f->command);
        }
        break;
    case CF_EV_CALL_STATE:
        assert_non_null(heard);
        heard->states[strlen(heard->states)] = letter_of(m->param1, m->param2);
        if (m->param1 == LINECALLSTATE_DISCONNECTED) {
            heard->mode = (uint32_t)m->param2;
            keep_text(heard->cause, sizeof(heard->cause), record, CF_FIELD_RAW_CAUSE);
        }
        if (m->param1 == LINECALLSTATE_IDLE)
            command(f, CF_CMD_CLOSE_CALL, m->device, 0);
        break;
    default:
        break;
    }
}

static void hear_all(struct fixture *f)
{
    static struct cf_record record;
    while (provider_core_take(&f->core, &record, true))
        hear(f, &record);
}

static bool every_call_is(const struct fixture *f, unsigned calls, char last)
{
    if (f->calls < calls)
        return false;
    for (unsigned i = 0; i < f->calls; i++)
        if (f->heard[i].states[strlen(f->heard[i].states) - 1] != last)
            return false;
    return true;
}

/* Listens until so many calls were announced and the newest state of each has this letter. */
static void hear_until(struct fixture *f, unsigned calls, char last)
{
    const int64_t end = soon();
    while (hear_all(f), !every_call_is(f, calls, last)) {
        if (cf_clock_ns() > end)
            fail_msg("%u calls, the first '%s', instead of %u in state %c", f->calls, f->heard[0].states, calls, last);
        poll(NULL, 0, 1);
    }
}

/* Listens until that command was replied to, and no later one. */
static void replied_until(struct fixture *f, uint64_t number)
{
    const int64_t end = soon();
    while (hear_all(f), f->replied != number) {
        if (cf_clock_ns() > end)
            fail_msg("command %llu was not replied to, but %llu", (unsigned long long)number,
                     (unsigned long long)f->replied);
        poll(NULL, 0, 1);
    }
}

static void welcome(struct fixture *f)
{
    const int64_t end = soon();
    f->snapshot_ended = false;
    f->lines = 0;
    provider_core_served(&f->core);
    while (hear_all(f), !f->snapshot_ended) {
        if (cf_clock_ns() > end)
            fail_msg("no snapshot; it said: %s", f->said);
        poll(NULL, 0, 1);
    }
}

/* ---- the test's caller */

static void send_text(struct fixture *f, const char *text)
{
    assert_true(sendto(f->udp, text, strlen(text), 0, &f->peer.sa, cf_sip_addr_len(&f->peer)) >= 0);
}

static void send_request(struct fixture *f, const char *method, unsigned cseq, const char *branch, bool tagged,
                         const char *sdp)
{
    char text[TEXT_MAX];
    snprintf(
        text, sizeof(text),
        "%s sip:4420@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"
        "From: <sip:1555@a.example>;tag=mine\r\nTo: <sip:4420@127.0.0.1>%s%s\r\nCall-ID: of-the-test\r\nCSeq: %u %s\r\n"
        "Contact: <sip:1555@127.0.0.1:9>\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, branch, tagged ? ";tag=" : "", tagged ? f->tag : "", cseq, method,
        sdp[0] != '\0' ? "Content-Type: application/sdp\r\n" : "", strlen(sdp), sdp);
    send_text(f, text);
}

#define SDP(direction)                                                                                                 \
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=" direction     \
    "\r\n"

/* Waits for a response of this status to a request of this method and keeps our tag. */
static void expect(struct fixture *f, unsigned status, const char *method)
{
    const int64_t end = soon();
    char text[TEXT_MAX], wanted[32], cseq[32];
    snprintf(wanted, sizeof(wanted), "SIP/2.0 %u ", status);
    snprintf(cseq, sizeof(cseq), " %s\r\n", method);
    while (cf_clock_ns() < end) {
        struct pollfd p = {.fd = f->udp, .events = POLLIN};
        if (f->snapshot_ended)
            hear_all(f);
        if (poll(&p, 1, 1) <= 0)
            continue;
        const ssize_t n = recv(f->udp, text, sizeof(text) - 1, 0);
        assert_true(n > 0);
        text[n] = '\0';
        const char *tag = strstr(text, "To: ");
        tag = tag != NULL ? strstr(tag, ";tag=") : NULL;
        if (strncmp(text, wanted, strlen(wanted)) != 0 || strstr(text, cseq) == NULL)
            continue;
        if (tag != NULL)
            snprintf(f->tag, sizeof(f->tag), "%.*s", (int)strcspn(tag + 5, "\r\n;"), tag + 5);
        return;
    }
    fail_msg("no %u to %s", status, method);
}

/* ---- beginning and end */

/* The port that the kernel chose for a line, from what the program says. */
static uint16_t port_of_line(struct fixture *f, unsigned line)
{
    const int64_t end = soon();
    char wanted[32];
    snprintf(wanted, sizeof(wanted), "line %u listens", line);
    const char *at;
    while ((at = strstr(f->said, wanted)) == NULL || strchr(at, '\n') == NULL) {
        assert_true(cf_clock_ns() < end);
        poll(NULL, 0, 1);
        read_said(f);
    }
    const int port = atoi(strstr(at, ", port ") + 7);
    assert_in_range(port, 1, 65535);
    return (uint16_t)port;
}

static void start_program(struct fixture *f)
{
    char *const argv[] = {
        (char *)spawn_path("callfan-sip"),       "--socket", f->core.path,    "--name", "test", "--set",
        "listen={\"127.0.0.1:0\", \"[::1]:0\"}", "--set",    "calls_max=256", NULL};
    f->pid = spawn(argv, &f->out);
    welcome(f);
    assert_int_equal(f->lines, 2);
    f->port = port_of_line(f, 0);
}

/* Opens the test's caller, towards a line's address. */
static void open_caller(struct fixture *f, const char *host, uint16_t port)
{
    union cf_sip_addr own;
    assert_true(cf_sip_addr_parse(&own, host, strlen(host), 0) &&
                cf_sip_addr_parse(&f->peer, host, strlen(host), port));
    f->udp = socket(own.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(f->udp >= 0);
    assert_int_equal(bind(f->udp, &own.sa, cf_sip_addr_len(&own)), 0);
}

static void set_up(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    provider_core_init(&f->core, 1024, 4096);
    provider_core_serve(&f->core);
    start_program(f);
    open_caller(f, "127.0.0.1", f->port);
}

static void tear_down(struct fixture *f)
{
    assert_int_equal(kill(f->pid, SIGTERM), 0);
    const int status = wait_for_exit(f->pid);
    read_said(f);
    if (status != 0)
        fail_msg("exit %d: %s", status, f->said);
    close(f->out);
    close(f->udp);
    provider_core_fini(&f->core);
}

/* ---- the tests */

static bool have_sipp(void)
{
    return access("/usr/bin/sipp", X_OK) == 0;
}

static void calls_of_sipp_are_answered_and_told_in_order(void **state)
{
    (void)state;
    static struct fixture f;
    char target[64];
    int err;
    if (!have_sipp())
        skip();
    set_up(&f);
    f.answering = true;
    snprintf(target, sizeof(target), "127.0.0.1:%u", f.port);
    char *const argv[] = {"sipp", "-sn", "uac",      target,     "-i",  "127.0.0.1",      "-m", "200", "-r", "200",
                          "-d",   "20",  "-nostdin", "-timeout", "50s", "-timeout_error", NULL};
    const pid_t sipp = spawn(argv, &err);
    hear_until(&f, 200, 'I');
    assert_int_equal(wait_for_exit(sipp), 0);
    close(err);
    assert_int_equal(f.calls, 200);
    for (unsigned i = 0; i < f.calls; i++) {
        assert_string_equal(f.heard[i].states, "OACDI");
        assert_int_equal(f.heard[i].mode, LINEDISCONNECTMODE_NORMAL);
        assert_string_equal(f.heard[i].caller, "sipp");
        assert_string_equal(f.heard[i].called, "service");
        assert_string_equal(f.heard[i].cause, "SIP BYE");
    }
    assert_int_equal(f.replies, 400);
    assert_int_equal(f.replies_bad, 0);
    tear_down(&f);
}

static void commands_become_answers_and_their_failures_replies(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    send_request(&f, "INVITE", 1, "i1", false, SDP("sendrecv"));
    hear_until(&f, 1, 'O');
    const uint64_t call = f.heard[0].call;
    assert_string_equal(f.heard[0].caller, "1555");
    assert_string_equal(f.heard[0].called, "4420");
    command(&f, CF_CMD_ANSWER, call, 1);
    expect(&f, 200, "INVITE");
    send_request(&f, "ACK", 1, "k1", true, "");
    send_request(&f, "INVITE", 2, "i2", true, SDP("sendonly"));
    expect(&f, 200, "INVITE");
    hear_until(&f, 1, 'H');
    send_request(&f, "ACK", 2, "k2", true, "");
    command(&f, CF_CMD_ACCEPT, call, 2);   /* it is connected already */
    command(&f, CF_CMD_MAKE_CALL, 0, 3);   /* without a destination */
    command(&f, CF_CMD_DROP, call + 1, 4); /* no such call */
    replied_until(&f, 4);
    send_request(&f, "BYE", 3, "b3", true, "");
    expect(&f, 200, "BYE");
    hear_until(&f, 1, 'I');
    assert_string_equal(f.heard[0].states, "OCHDI");
    assert_int_equal(f.replies, 4);
    assert_int_equal(f.replies_bad, 3);
    tear_down(&f);
}

/* Waits for a request of this method and answers it. */
static void answer(struct fixture *f, const char *method, const char *sdp)
{
    const int64_t end = soon();
    char text[TEXT_MAX], reply[2 * TEXT_MAX];
    struct cf_sip_msg msg;
    union cf_sip_addr own;
    socklen_t own_len = sizeof(own);
    assert_int_equal(getsockname(f->udp, &own.sa, &own_len), 0);
    while (cf_clock_ns() < end) {
        struct pollfd p = {.fd = f->udp, .events = POLLIN};
        hear_all(f);
        if (poll(&p, 1, 1) <= 0)
            continue;
        const ssize_t n = recv(f->udp, text, sizeof(text) - 1, 0);
        assert_true(n > 0);
        text[n] = '\0';
        if (strncmp(text, method, strlen(method)) != 0 || cf_sip_scan(&msg, text, (size_t)n) != CF_SIP_ERROR_OK)
            continue;
        snprintf(reply, sizeof(reply),
                 "SIP/2.0 200 OK\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s\r\nCall-ID: of-the-test\r\nCSeq: %.*s\r\n"
                 "Contact: <sip:1555@127.0.0.1:%u>\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
                 msg.vias[0].len, cf_sip_ptr(&msg, msg.vias[0]), msg.from.value.len, cf_sip_ptr(&msg, msg.from.value),
                 msg.to.value.len, cf_sip_ptr(&msg, msg.to.value), msg.cseq_value.len, cf_sip_ptr(&msg, msg.cseq_value),
                 cf_sip_addr_port(&own), strlen(sdp), sdp);
        send_text(f, reply);
        return;
    }
    fail_msg("no %s came, the states are %s", method, f->heard[0].states);
}

static void hold_is_replied_to_when_the_peer_agrees(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    send_text(&f, "INVITE sip:4420@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKi1\r\n"
                  "Privacy: id\r\nFrom: <sip:1555@a.example>;tag=mine\r\nTo: <sip:4420@127.0.0.1>\r\n"
                  "Call-ID: of-the-test\r\nCSeq: 1 INVITE\r\nContact: <sip:1555@127.0.0.1:9>\r\n"
                  "Content-Type: application/sdp\r\n\r\n" SDP("sendrecv"));
    hear_until(&f, 1, 'O');
    assert_true(f.heard[0].withheld);
    const uint64_t call = f.heard[0].call;
    command(&f, CF_CMD_HOLD, call, 1);            /* too early */
    command(&f, CF_CMD_SET_CALL_PARAMS, call, 2); /* not with SIP */
    command(&f, CF_CMD_SET_MEDIA_MODE, call, 0);  /* advice, which wants no reply */
    command(&f, CF_CMD_ANSWER, call, 3);
    expect(&f, 200, "INVITE");
    send_request(&f, "ACK", 1, "k1", true, "");
    hear_until(&f, 1, 'C');
    replied_until(&f, 3); /* the state comes before it */
    assert_int_equal(f.replies, 3);
    assert_int_equal(f.replies_bad, 2);
    /* What goes to port 9 of the contact comes to nobody; the next request of the caller says where it is. */
    send_request(&f, "OPTIONS", 2, "o2", true, "");
    expect(&f, 200, "OPTIONS");
    command(&f, CF_CMD_HOLD, call, 4);
    send_request(&f, "BYE", 3, "b3", true, ""); /* the INVITE of the hold went to the contact: the call ends first */
    expect(&f, 200, "BYE");
    hear_until(&f, 1, 'I');
    replied_until(&f, 4);
    assert_int_equal(f.replies, 4);
    assert_int_equal(f.replies_bad, 3); /* and so does the hold */
    tear_down(&f);
}

static void hold_and_retrieve_become_states(void **state)
{
    (void)state;
    static struct fixture f;
    char text[TEXT_MAX];
    set_up(&f);
    union cf_sip_addr own;
    socklen_t len = sizeof(own);
    assert_int_equal(getsockname(f.udp, &own.sa, &len), 0);
    snprintf(text, sizeof(text),
             "INVITE sip:4420@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKi1\r\n"
             "From: <sip:1555@a.example>;tag=mine\r\nTo: <sip:4420@127.0.0.1>\r\n"
             "Call-ID: of-the-test\r\nCSeq: 1 INVITE\r\nContact: <sip:1555@127.0.0.1:%u>\r\n"
             "Content-Type: application/sdp\r\n\r\n" SDP("sendrecv"),
             cf_sip_addr_port(&own));
    send_text(&f, text);
    hear_until(&f, 1, 'O');
    const uint64_t call = f.heard[0].call;
    command(&f, CF_CMD_ANSWER, call, 1);
    expect(&f, 200, "INVITE");
    send_request(&f, "ACK", 1, "k1", true, "");
    hear_until(&f, 1, 'C'); /* network and commands have no order between them */
    command(&f, CF_CMD_HOLD, call, 2);
    answer(&f, "INVITE", SDP("recvonly"));
    hear_until(&f, 1, 'U');
    command(&f, CF_CMD_UNHOLD, call, 3);
    answer(&f, "INVITE", SDP("sendrecv"));
    hear_until(&f, 1, 'C');
    command(&f, CF_CMD_DROP, call, 4);
    answer(&f, "BYE", "");
    hear_until(&f, 1, 'I');
    assert_string_equal(f.heard[0].states, "OCUCDI");
    assert_int_equal(f.replies, 4);
    assert_int_equal(f.replies_bad, 0);
    tear_down(&f);
}

static void refused_and_closed_calls_are_answered(void **state)
{
    (void)state;
    static const struct {
        uint16_t id;
        uint64_t param;
        unsigned status;
        const char *states;
    } table[] = {
        {CF_CMD_REFUSED, CF_REFUSAL_NOBODY, 480, "O"},
        {CF_CMD_REFUSED, CF_REFUSAL_OVERLOAD, 503, "O"},
        {CF_CMD_CLOSE_CALL, 0, 603, "O"},
        {CF_CMD_DROP, 1, 603, "ODI"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        static struct fixture f;
        set_up(&f);
        send_request(&f, "INVITE", 1, "i1", false, SDP("sendrecv"));
        hear_until(&f, 1, 'O');
        command(&f, table[i].id, f.heard[0].call, table[i].param);
        expect(&f, table[i].status, "INVITE");
        send_request(&f, "ACK", 1, "i1", true, "");
        if (table[i].id == CF_CMD_DROP)
            hear_until(&f, 1, 'I');
        send_request(&f, "OPTIONS", 1, "o1", false, "");
        expect(&f, 200, "OPTIONS"); /* whatever was to be told is told by now */
        hear_all(&f);
        assert_string_equal(f.heard[0].states, table[i].states);
        tear_down(&f);
    }
}

static void garbage_is_survived_and_counted(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    send_text(&f, "\r\n\r\n");
    send_text(&f, "garbage");
    send_text(&f, "INVITE sip:x@y SIP/2.0\r\n\r\n");
    send_text(&f, "SIP/2.0 200 OK\r\n\r\n");
    send_request(&f, "OPTIONS", 1, "o1", false, "");
    expect(&f, 200, "OPTIONS");
    assert_int_equal(kill(f.pid, SIGHUP), 0);
    const int64_t end = soon();
    while (strstr(f.said, "malformed: Not SIP 1") == NULL) {
        assert_true(cf_clock_ns() < end);
        poll(NULL, 0, 1);
        read_said(&f);
    }
    assert_non_null(strstr(f.said, "keepalives 1"));
    tear_down(&f);
}

/* Takes the core away; returns when the program has noticed. */
static void lose_core(struct fixture *f)
{
    f->snapshot_ended = false;
    f->said[0] = '\0';
    cf_socket_listener_close(&f->core.listener, f->core.path,
                             true); /* first, so that nobody comes back before we serve */
    provider_core_hang_up(&f->core);
    const int64_t end = soon();
    while (strstr(f->said, "hung up") == NULL) {
        assert_true(cf_clock_ns() < end);
        poll(NULL, 0, 1);
        read_said(f);
    }
}

static void find_core(struct fixture *f)
{
    memset(f->heard, 0, sizeof(f->heard));
    f->calls = 0;
    provider_core_serve(&f->core);
    welcome(f);
}

static void a_new_core_gets_no_replies_for_the_old_one(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    send_request(&f, "INVITE", 1, "i1", false, SDP("sendrecv"));
    hear_until(&f, 1, 'O');
    const uint64_t call = f.heard[0].call;
    command(&f, CF_CMD_ANSWER, call, 1);
    expect(&f, 200, "INVITE");
    send_request(&f, "ACK", 1, "k1", true, "");
    hear_until(&f, 1, 'C');
    command(&f, CF_CMD_HOLD, call, 40);   /* to the contact, where nobody answers */
    command(&f, CF_CMD_ACCEPT, call, 41); /* refused at once: so the hold is on its way */
    replied_until(&f, 41);
    lose_core(&f);
    find_core(&f);
    f.replies = 0;
    command(&f, CF_CMD_DROP, call, 42); /* ends the hold, too */
    replied_until(&f, 42);
    assert_int_equal(f.replies, 1);
    /* of the call that waits for the answer to BYE alone the next core hears nothing */
    lose_core(&f);
    find_core(&f);
    assert_int_equal(f.calls, 0);
    command(&f, CF_CMD_DROP, call, 43);
    replied_until(&f, 43);
    assert_int_equal(f.replies_bad, 2);
    tear_down(&f);
}

static void a_new_core_is_told_of_the_live_calls(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    send_request(&f, "INVITE", 1, "i1", false, SDP("sendrecv"));
    hear_until(&f, 1, 'O');
    const uint64_t call = f.heard[0].call;
    command(&f, CF_CMD_ANSWER, call, 1);
    expect(&f, 200, "INVITE");
    send_request(&f, "ACK", 1, "k1", true, "");
    hear_until(&f, 1, 'C');
    char tag[sizeof(f.tag)];
    memcpy(tag, f.tag, sizeof(tag));

    lose_core(&f);
    send_request(&f, "INVITE", 9, "i9", false, SDP("sendrecv"));
    expect(&f, 503, "INVITE"); /* nobody could be told of it */

    find_core(&f);
    assert_int_equal(f.lines, 2);
    assert_int_equal(f.calls, 1);
    assert_true(f.heard[0].call == call);
    assert_string_equal(f.heard[0].states, "C");
    assert_string_equal(f.heard[0].caller, "1555");
    memcpy(f.tag, tag, sizeof(tag));
    send_request(&f, "BYE", 2, "b2", true, "");
    expect(&f, 200, "BYE");
    hear_until(&f, 1, 'I');
    assert_string_equal(f.heard[0].states, "CDI");
    tear_down(&f);
}

static void an_ipv6_line_is_a_line_as_any(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    close(f.udp);
    open_caller(&f, "::1", port_of_line(&f, 1));
    send_request(&f, "INVITE", 1, "i1", false, SDP("sendrecv"));
    hear_until(&f, 1, 'O');
    assert_int_equal(f.heard[0].line, 1);
    command(&f, CF_CMD_ANSWER, f.heard[0].call, 1);
    expect(&f, 200, "INVITE");
    send_request(&f, "ACK", 1, "k1", true, "");
    hear_until(&f, 1, 'C');
    command(&f, CF_CMD_DROP, f.heard[0].call, 2);
    hear_until(&f, 1, 'D'); /* the contact was of IPv4, so BYE comes to where the requests came from */
    const int64_t end = soon();
    char text[TEXT_MAX] = "";
    while (strncmp(text, "BYE ", 4) != 0) {
        struct pollfd p = {.fd = f.udp, .events = POLLIN};
        assert_true(cf_clock_ns() < end);
        if (poll(&p, 1, 10) > 0)
            assert_true(recv(f.udp, text, sizeof(text) - 1, 0) > 0);
    }
    assert_non_null(strstr(text, "Via: SIP/2.0/UDP [::1]:"));
    char answer[2 * TEXT_MAX] = "SIP/2.0 200 OK\r\n";
    char *end_of_headers = strstr(text, "Content-Length:");
    assert_non_null(end_of_headers);
    *end_of_headers = '\0';
    const char *via = strstr(text, "Via:");
    assert_non_null(via);
    snprintf(answer + strlen(answer), sizeof(answer) - strlen(answer), "%s\r\n", via);
    send_text(&f, answer);
    hear_until(&f, 1, 'I');
    assert_string_equal(f.heard[0].states, "OCDI");
    tear_down(&f);
}

static void what_cannot_work_is_said_and_ends_the_program(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    char listen[64];
    snprintf(listen, sizeof(listen), "listen={\"127.0.0.1:%u\"}", f.port);
    struct {
        const char *set;
        int status;
        const char *says;
    } table[] = {
        {listen, 1, "Address already in use"},
        {"listen={\"nowhere:5060\"}", 2, "nowhere:5060"},
        {"listen={\"127.0.0.1:0\", \"0.0.0.0:0\"}", 2, "0.0.0.0:0 needs a contact"},
        {"contact={\"2001:db8::1\"}", 2, "is not \"HOST:PORT\""}, /* without brackets: port 1 of "2001:db8:"? */
        {"codecs={G729}", 2, "G729"},
        {"calls_max=0", 2, "calls_max"},
        {"nonsense=1", 2, "nonsense"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[1024] = "";
        int err;
        char *const argv[] = {
            (char *)spawn_path("callfan-sip"), "--socket", "/nonexistent/socket", "--set", (char *)table[i].set, NULL};
        const int status = wait_for_exit(spawn(argv, &err));
        const ssize_t n = read(err, text, sizeof(text) - 1);
        close(err);
        if (status != table[i].status || n <= 0 || strstr(text, table[i].says) == NULL)
            fail_msg("%s: exit %d, said: %s", table[i].set, status, text);
    }
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_of_sipp_are_answered_and_told_in_order),
        cmocka_unit_test(commands_become_answers_and_their_failures_replies),
        cmocka_unit_test(hold_is_replied_to_when_the_peer_agrees),
        cmocka_unit_test(hold_and_retrieve_become_states),
        cmocka_unit_test(refused_and_closed_calls_are_answered),
        cmocka_unit_test(garbage_is_survived_and_counted),
        cmocka_unit_test(a_new_core_is_told_of_the_live_calls),
        cmocka_unit_test(a_new_core_gets_no_replies_for_the_old_one),
        cmocka_unit_test(an_ipv6_line_is_a_line_as_any),
        cmocka_unit_test(what_cannot_work_is_said_and_ends_the_program),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
