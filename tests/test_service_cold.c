/*
 * Cold starts of a real service, seen by an application with the real library: LINE_CLOSE and REINIT, then, after it has joined again, the calls
 * that lived on in callfan-sim and callfan-sip. Once for each cause.
 */
#define _GNU_SOURCE
#include "tests/support/conformance.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/state_place.h"

/* ctest-timeout: 240 */

enum { PATIENCE_MS = 30000, SIM_CALLS = 5, TEXT_MAX = 4096 };

/* Small, so that all of the state can be written over. */
#define LIMITS                                                                                                         \
    "applications = 8\nproviders = 4\nlines = 64\nopen_lines = 64\ncalls = 1024\nhandles = 1024\nhang_seconds = 2\n"
#define SIM                                                                                                            \
    LIMITS "provider sim { command = \"callfan-sim\"\n lines = 3\n rate = 100\n arrivals = regular\n calls = 5\n"      \
           "when = open\n answer = auto\n accept_ms = 1\n answer_ms = 2\n hold_ms = 600000\n hold = fixed }\n"
#define QUIET LIMITS "provider sim { command = \"callfan-sim\"\n lines = 3\n rate = 0 }\n"
#define SIP LIMITS "provider sip { command = \"callfan-sip\"\n listen = {\"127.0.0.1:0\"} }\n"

static struct test_service service;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ the causes */

enum cause { NO_STATE, OTHER_VERSION, FAILS_ITS_CHECK, NO_TURN, CAUSES };

static const char *const reasons[] = {
    "cold start: the core could not use its state",
    "cold start: the core could not use its state",
    "the state is damaged: ",
    "cold start: three restarts in a row did not lead to a turn",
};
_Static_assert(sizeof reasons / sizeof reasons[0] == CAUSES, "a reason for each cause");

static void start_cold(enum cause cause)
{
    pid_t core = (pid_t)service_status(&service, "process.core_pid");
    assert_true(core > 1);
    assert_int_equal(kill(core, SIGSTOP), 0);
    static const struct {
        enum state_place place;
        int byte;
        unsigned long bytes;
    } damages[] = {{STATE_MAGIC, 0, 64},
                   {STATE_VERSION, 7, 4},
                   {STATE_LIVE_CALLS, 0x7F, 1},
                   {STATE_BEYOND_JOURNAL, 0x5A, ULONG_MAX}};
    _Static_assert(sizeof damages / sizeof damages[0] == CAUSES, "one for each cause");
    bool spoiled =
        state_spoil(core, state_place(service.config, damages[cause].place), damages[cause].byte, damages[cause].bytes);
    assert_true(spoiled || geteuid() != 0);
    if (cause == FAILS_ITS_CHECK) { /* what is checked is what a fault left */
        kill(core, SIGABRT);
        kill(core, SIGCONT);
    } else {
        kill(core, SIGKILL);
    }
    if (!spoiled) {
        service_stop(&service);
        skip();
    }
    service_wait_log(&service, reasons[cause]);
}

/* ------------------------------------------------------------------ an application */

struct app {
    HLINEAPP app;
    DWORD devices, privileges;
    HLINE lines[8];
    unsigned connected, offered;
    HCALL call; /* the newest */
};

static LONG try_to_join(struct app *a)
{
    DWORD version = TAPI_CURRENT_VERSION;
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    return lineInitializeEx(&a->app, NULL, NULL, "cold", &a->devices, &version, &params);
}

static void join(struct app *a, DWORD privileges)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    *a = (struct app){.privileges = privileges};
    for (;;) { /* the service may be between two cores */
        LONG error = try_to_join(a);
        if (error == 0)
            break;
        if (now_ms() > until_ms)
            fail_msg("cannot join: %s", cf_line_error_name(error));
        poll(NULL, 0, 10);
    }
}

static void open_all(struct app *a)
{
    assert_true(a->devices <= sizeof a->lines / sizeof a->lines[0]);
    for (DWORD i = 0; i < a->devices; i++)
        assert_error(lineOpen(a->app, i, &a->lines[i], TAPI_CURRENT_VERSION, 0, 0, a->privileges,
                              LINEMEDIAMODE_INTERACTIVEVOICE, NULL),
                     0);
}

static void note(struct app *a, const LINEMESSAGE *m)
{
    if (m->dwMessageID != LINE_CALLSTATE)
        return;
    a->call = (HCALL)m->hDevice;
    a->connected += m->dwParam1 == LINECALLSTATE_CONNECTED;
    a->offered += m->dwParam1 == LINECALLSTATE_OFFERING;
}

static void wait_for(struct app *a, const unsigned *counter, unsigned least)
{
    for (int64_t until_ms = now_ms() + PATIENCE_MS; *counter < least;) {
        LINEMESSAGE m;
        assert_true(now_ms() < until_ms);
        if (lineGetMessage(a->app, &m, 100) == 0)
            note(a, &m);
    }
}

/* LINE_CLOSE for every open line, then REINIT, and nothing of any call. */
static void hear_reinit(struct app *a)
{
    unsigned closes = 0;
    LINEMESSAGE m;
    for (;;) {
        assert_error(lineGetMessage(a->app, &m, PATIENCE_MS), 0);
        if (m.dwMessageID == LINE_LINEDEVSTATE && m.dwParam1 == LINEDEVSTATE_REINIT)
            break;
        if (m.dwMessageID == LINE_REPLY || m.dwMessageID == LINE_CALLINFO)
            continue; /* of before */
        assert_int_equal(m.dwMessageID, LINE_CLOSE);
        closes++;
    }
    assert_int_equal(closes, a->devices);
}

static void expect_reinit(struct app *a)
{
    hear_reinit(a);
    assert_error(lineShutdown(a->app), 0);
}

union list {
    LINECALLLIST head;
    char bytes[4096];
};

/* The calls that there are, as lineGetNewCalls tells them; all are in that state. */
static unsigned take_calls(struct app *a, DWORD state, HCALL calls[16])
{
    unsigned n = 0;
    for (DWORD i = 0; i < a->devices; i++) {
        union list list = {.head.dwTotalSize = sizeof list};
        assert_error(lineGetNewCalls(a->lines[i], 0, LINECALLSELECT_LINE, &list.head), 0);
        for (DWORD k = 0; k < list.head.dwCallsNumEntries; k++) {
            assert_true(n < 16);
            memcpy(&calls[n], list.bytes + list.head.dwCallsOffset + k * sizeof calls[n], sizeof calls[n]);
            assert_int_equal(call_state(calls[n++]), state);
        }
    }
    return n;
}

/* Until that call is IDLE, which comes once. */
static void expect_end(struct app *a, HCALL call)
{
    unsigned idle = 0;
    for (int64_t until_ms = now_ms() + PATIENCE_MS; idle == 0;) {
        LINEMESSAGE m;
        assert_true(now_ms() < until_ms);
        if (lineGetMessage(a->app, &m, 100) == 0)
            idle += m.dwMessageID == LINE_CALLSTATE && (HCALL)m.hDevice == call && m.dwParam1 == LINECALLSTATE_IDLE;
    }
    assert_error(lineDeallocateCall(call), 0);
}

/* ------------------------------------------------------------------ callfan-sim */

static void sim_over(enum cause cause)
{
    struct app a;
    HCALL calls[16];
    service_start(&service, SIM);
    service_wait_status(&service, "totals.lines", 3);
    pid_t pid = service_provider(&service);
    join(&a, LINECALLPRIVILEGE_MONITOR);
    open_all(&a);
    wait_for(&a, &a.connected, SIM_CALLS);
    start_cold(cause);
    expect_reinit(&a);
    service_wait_status(&service, "totals.lines", 3);
    service_wait_status(&service, "totals.calls_live", SIM_CALLS);
    assert_int_equal(service_status(&service, "process.cold_starts"), 1);
    assert_int_equal(service_provider(&service), pid); /* it lived on, and so did its calls */
    join(&a, LINECALLPRIVILEGE_MONITOR);
    assert_int_equal(a.devices, 3);
    open_all(&a);
    assert_int_equal(take_calls(&a, LINECALLSTATE_CONNECTED, calls), SIM_CALLS);
    assert_error(lineSetCallPrivilege(calls[0], OWNER), 0);
    assert_true(lineDrop(calls[0], NULL, 0) > 0);
    expect_end(&a, calls[0]);
    service_wait_status(&service, "totals.calls_live", SIM_CALLS - 1);
    assert_error(lineShutdown(a.app), 0);
    service_stop(&service);
}

/* H-73: until the last usage of the process that was told of it is shut down, there is no new one, and no new line. */
static void who_was_told_REINIT_shuts_down_first(void **state)
{
    struct app first, second, third;
    HLINE line = 77, lines[2];
    LONG errors[2];
    const DWORD devices[2] = {0, LINEMAPPER};
    (void)state;
    service_start(&service, QUIET); /* nothing of any call is waiting to be read */
    service_wait_status(&service, "totals.lines", 3);
    join(&first, LINECALLPRIVILEGE_MONITOR);
    join(&second, LINECALLPRIVILEGE_MONITOR);
    open_all(&first);
    open_all(&second);
    start_cold(NO_STATE);
    service_wait_status(&service, "totals.lines", 3); /* the new core takes whoever comes */
    hear_reinit(&first);
    assert_error(try_to_join(&third), LINEERR_REINIT);
    assert_error(lineOpen(first.app, 0, &line, TAPI_CURRENT_VERSION, 0, 0, LINECALLPRIVILEGE_MONITOR, 0, NULL),
                 LINEERR_REINIT);
    assert_int_equal(
        cf_line_open_many(first.app, devices, 2, lines, errors, TAPI_CURRENT_VERSION, 0, LINECALLPRIVILEGE_MONITOR, 0),
        0);
    assert_error(errors[0], LINEERR_REINIT);
    assert_error(errors[1], LINEERR_REINIT);
    hear_reinit(&second);
    assert_error(lineShutdown(first.app), 0);
    assert_error(try_to_join(&third), LINEERR_REINIT); /* the other one has not gone yet */
    assert_error(lineShutdown(second.app), 0);
    assert_error(try_to_join(&third), 0);
    assert_error(lineOpen(third.app, 0, &line, TAPI_CURRENT_VERSION, 0, 0, LINECALLPRIVILEGE_MONITOR, 0, NULL), 0);
    assert_error(lineShutdown(third.app), 0);
    service_stop(&service);
}

/* What an address forwards is told again to a core that knows nothing. */
static void forwarding_is_known_again(void **state)
{
    struct one_entry {
        LINEFORWARDLIST head;
        char to[4];
    } list = {.head = {.dwTotalSize = sizeof list,
                       .dwNumEntries = 1,
                       .ForwardList = {{.dwForwardMode = LINEFORWARDMODE_UNCOND,
                                        .dwDestAddressSize = sizeof list.to,
                                        .dwDestAddressOffset = offsetof(struct one_entry, to)}}},
              .to = "201"};
    union {
        LINEADDRESSSTATUS head;
        char bytes[256];
    } status = {.head.dwTotalSize = sizeof status};
    struct app a;
    LINEMESSAGE m;
    HCALL call = 77;
    (void)state;
    service_start(&service, SIM);
    service_wait_status(&service, "totals.lines", 3);
    join(&a, OWNER);
    open_all(&a);
    assert_error(lineSetStatusMessages(a.lines[1], LINEDEVSTATE_OTHER, LINEADDRESSSTATE_FORWARD), 0);
    assert_true(lineForward(a.lines[1], 0, 0, &list.head, 3, &call, NULL) > 0);
    do
        assert_error(lineGetMessage(a.app, &m, PATIENCE_MS), 0);
    while (m.dwMessageID != LINE_ADDRESSSTATE);
    start_cold(NO_STATE);
    assert_error(lineShutdown(a.app), 0);
    service_wait_status(&service, "totals.lines", 3);
    join(&a, MONITOR);
    open_all(&a);
    for (int64_t until_ms = now_ms() + PATIENCE_MS; status.head.dwForwardNumEntries == 0; poll(NULL, 0, 10)) {
        assert_true(now_ms() < until_ms); /* it comes behind the lines */
        assert_error(lineGetAddressStatus(a.lines[1], 0, &status.head), 0);
    }
    const LINEFORWARD *f = (const LINEFORWARD *)(const void *)(status.bytes + status.head.dwForwardOffset);
    assert_int_equal(f->dwForwardMode, LINEFORWARDMODE_UNCOND);
    assert_string_equal(status.bytes + f->dwDestAddressOffset, "201");
    assert_error(lineGetAddressStatus(a.lines[0], 0, &status.head), 0);
    assert_int_equal(status.head.dwForwardNumEntries, 0);
    assert_error(lineShutdown(a.app), 0);
    service_stop(&service);
}

/* ------------------------------------------------------------------ callfan-sip */

struct caller {
    int udp;
    struct sockaddr_in line;
    char tag[64];
};

static void call_line(struct caller *c)
{
    char text[1024] = "";
    const char *at = NULL;
    service_wait_log(&service, "line 0 listens");
    FILE *f = fopen(service.log, "re");
    while (at == NULL && fgets(text, sizeof text, f) != NULL)
        at = strstr(text, "line 0 listens") != NULL ? strstr(text, ", port ") : NULL;
    fclose(f);
    assert_non_null(at);
    c->line = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(at + 7)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(c->udp, (struct sockaddr *)&own, sizeof own), 0);
    c->tag[0] = '\0';
}

static void say(struct caller *c, const char *method, unsigned cseq, const char *branch, const char *sdp)
{
    char text[TEXT_MAX];
    int n = snprintf(
        text, sizeof text,
        "%s sip:4420@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"
        "From: <sip:1555@a.example>;tag=mine\r\nTo: <sip:4420@127.0.0.1>%s%s\r\nCall-ID: of-the-test\r\nCSeq: %u %s\r\n"
        "Contact: <sip:1555@127.0.0.1:9>\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, branch, c->tag[0] != '\0' ? ";tag=" : "", c->tag, cseq, method,
        sdp[0] != '\0' ? "Content-Type: application/sdp\r\n" : "", strlen(sdp), sdp);
    assert_int_equal(sendto(c->udp, text, (size_t)n, 0, (struct sockaddr *)&c->line, sizeof c->line), n);
}

/* Waits for that response and keeps the tag of the other side. */
static void hear(struct caller *c, const char *status, const char *method)
{
    char text[TEXT_MAX], cseq[32];
    snprintf(cseq, sizeof cseq, " %s\r\n", method);
    for (int64_t until_ms = now_ms() + PATIENCE_MS; now_ms() < until_ms;) {
        struct pollfd p = {.fd = c->udp, .events = POLLIN};
        if (poll(&p, 1, 100) != 1)
            continue;
        ssize_t n = recv(c->udp, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        if (strncmp(text, status, strlen(status)) != 0 || strstr(text, cseq) == NULL)
            continue;
        const char *tag = strstr(text, "To: ");
        tag = tag != NULL ? strstr(tag, ";tag=") : NULL;
        if (tag != NULL)
            snprintf(c->tag, sizeof c->tag, "%.*s", (int)strcspn(tag + 5, "\r\n;"), tag + 5);
        return;
    }
    fail_msg("no %s to %s", status, method);
}

static void sip_over(enum cause cause)
{
    struct app a;
    struct caller c;
    HCALL calls[16];
    service_start(&service, SIP);
    service_wait_status(&service, "totals.lines", 1);
    pid_t pid = service_provider(&service);
    join(&a, LINECALLPRIVILEGE_OWNER | LINECALLPRIVILEGE_MONITOR);
    open_all(&a);
    call_line(&c);
    say(&c, "INVITE", 1, "invite",
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n");
    wait_for(&a, &a.offered, 1);
    assert_true(lineAnswer(a.call, NULL, 0) > 0);
    hear(&c, "SIP/2.0 200", "INVITE");
    say(&c, "ACK", 1, "ack", "");
    wait_for(&a, &a.connected, 1);
    start_cold(cause);
    expect_reinit(&a);
    service_wait_status(&service, "totals.calls_live", 1);
    assert_int_equal(service_status(&service, "process.cold_starts"), 1);
    assert_int_equal(service_provider(&service), pid);
    if (cause == OTHER_VERSION) { /* it ends before anybody has come */
        say(&c, "BYE", 2, "bye", "");
        hear(&c, "SIP/2.0 200", "BYE");
        service_wait_status(&service, "totals.calls_live", 0);
    }
    join(&a, LINECALLPRIVILEGE_MONITOR);
    open_all(&a);
    assert_int_equal(take_calls(&a, LINECALLSTATE_CONNECTED, calls), cause != OTHER_VERSION);
    if (cause != OTHER_VERSION) {
        say(&c, "BYE", 2, "bye", "");
        hear(&c, "SIP/2.0 200", "BYE");
        expect_end(&a, calls[0]);
    }
    service_wait_status(&service, "totals.calls_live", 0);
    assert_error(lineShutdown(a.app), 0);
    close(c.udp);
    service_stop(&service);
}

#define CASE(provider, cause)                                                                                          \
    static void provider##_calls_live_on_when_##cause(void **state)                                                    \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        provider##_over(cause);                                                                                        \
    }

CASE(sim, NO_STATE)
CASE(sim, OTHER_VERSION)
CASE(sim, FAILS_ITS_CHECK)
CASE(sim, NO_TURN)
CASE(sip, NO_STATE)
CASE(sip, OTHER_VERSION)
CASE(sip, FAILS_ITS_CHECK)
CASE(sip, NO_TURN)

/* Its program runs, but it does not come again: it is started anew. */
static void a_provider_that_does_not_join_again_is_restarted(void **state)
{
    char configuration[1024], program[128];
    (void)state;
    snprintf(program, sizeof program, "/tmp/callfan-test-program-%d", (int)getpid());
    FILE *f = fopen(program, "we");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\nexec sleep 1000\n");
    assert_int_equal(fchmod(fileno(f), 0755), 0);
    fclose(f);
    snprintf(configuration, sizeof configuration, LIMITS "provider deaf { command = \"%s\" }\n", program);
    service_start(&service, configuration);
    service_wait_log(&service, "started as process");
    start_cold(NO_STATE);
    service_wait_log(&service, "has not joined; restarting it");
    service_wait_status(&service, "process.cold_starts", 1);
    for (int64_t until_ms = now_ms() + PATIENCE_MS; service_provider_number(&service, "restarts") != 1;
         poll(NULL, 0, 10))
        assert_true(now_ms() < until_ms);
    service_stop(&service);
    unlink(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sim_calls_live_on_when_NO_STATE),
        cmocka_unit_test(sim_calls_live_on_when_OTHER_VERSION),
        cmocka_unit_test(sim_calls_live_on_when_FAILS_ITS_CHECK),
        cmocka_unit_test(sim_calls_live_on_when_NO_TURN),
        cmocka_unit_test(who_was_told_REINIT_shuts_down_first),
        cmocka_unit_test(forwarding_is_known_again),
        cmocka_unit_test(sip_calls_live_on_when_NO_STATE),
        cmocka_unit_test(sip_calls_live_on_when_OTHER_VERSION),
        cmocka_unit_test(sip_calls_live_on_when_FAILS_ITS_CHECK),
        cmocka_unit_test(sip_calls_live_on_when_NO_TURN),
        cmocka_unit_test(a_provider_that_does_not_join_again_is_restarted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
