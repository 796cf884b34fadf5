/* A provider that takes no commands: shown out, its calls ended once, its program started again. One that is slow is left alone. */
#include "tests/support/conformance.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "callfan/tapi.h"

/* ctest-timeout: 240 */

enum { CALLS = 5, HANDLES_MAX = 64, PATIENCE_MS = 30000 };

static struct test_service service;

#define HANG "provider_hang_seconds = 2\n"
#define SIM                                                                                                            \
    "provider sim { command = \"callfan-sim\"\n lines = 4\n rate = 100\n arrivals = regular\n calls = 5\n when = "     \
    "open\n"                                                                                                           \
    "answer = auto\n accept_ms = 1\n answer_ms = 2\n hold_ms = 600000\n hold = fixed\n restart_ms_min = 50 }\n"

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ what an application is told */

struct told {
    HLINEAPP app;
    HLINE lines[WORLD_LINES];
    unsigned calls, connected, closes, creates, replies, gaps;
    LONG worst_reply, best_reply;
    struct {
        HCALL call;
        unsigned connected, disconnected, idle;
    } of[HANDLES_MAX];
};

static void note_state(struct told *t, HCALL call, DWORD state)
{
    unsigned i = 0;
    while (i < t->calls && t->of[i].call != call)
        i++;
    assert_true(i < HANDLES_MAX);
    if (i == t->calls)
        t->of[t->calls++].call = call;
    t->connected += state == LINECALLSTATE_CONNECTED;
    t->of[i].connected += state == LINECALLSTATE_CONNECTED;
    t->of[i].disconnected += state == LINECALLSTATE_DISCONNECTED;
    t->of[i].idle += state == LINECALLSTATE_IDLE;
}

static void note(struct told *t, const LINEMESSAGE *m)
{
    switch (m->dwMessageID) {
    case LINE_CALLSTATE:
        note_state(t, (HCALL)m->hDevice, (DWORD)m->dwParam1);
        break;
    case LINE_CLOSE:
        t->closes++;
        break;
    case LINE_CREATE:
        t->creates++;
        break;
    case LINE_REPLY:
        t->best_reply = t->replies == 0 || (LONG)m->dwParam2 > t->best_reply ? (LONG)m->dwParam2 : t->best_reply;
        t->worst_reply = t->replies == 0 || (LONG)m->dwParam2 < t->worst_reply ? (LONG)m->dwParam2 : t->worst_reply;
        t->replies++;
        break;
    case CF_LINE_GAP:
        t->gaps++;
        break;
    }
}

static unsigned idle_calls(const struct told *t)
{
    unsigned n = 0;
    for (unsigned i = 0; i < t->calls; i++)
        n += t->of[i].idle != 0;
    return n;
}

/* Takes messages until *counter, which they count, is at least that. */
static void wait_for(struct told *t, const unsigned *counter, unsigned least, const char *what)
{
    for (int64_t until_ms = now_ms() + PATIENCE_MS; *counter < least;) {
        LINEMESSAGE m;
        if (now_ms() > until_ms)
            fail_msg("%u %s, not %u", *counter, what, least);
        if (lineGetMessage(t->app, &m, 100) == 0)
            note(t, &m);
    }
}

static void join(struct told *t, DWORD privileges)
{
    DWORD devices = 0, version = TAPI_CURRENT_VERSION;
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    struct cf_init_options options = {.size = sizeof options, .ring_bytes = 1 << 20};
    *t = (struct told){0};
    assert_error(cf_line_initialize(&t->app, NULL, "told", &devices, &version, &params, &options), 0);
    assert_int_equal(devices, WORLD_LINES);
    for (DWORD i = 0; i < WORLD_LINES; i++)
        assert_error(lineOpen(t->app, i, &t->lines[i], TAPI_CURRENT_VERSION, 0, 0, privileges,
                              LINEMEDIAMODE_INTERACTIVEVOICE, NULL),
                     0);
}

static void leave(struct told *t)
{
    assert_error(lineShutdown(t->app), 0);
}

/* Every call that began has ended, once. */
static void assert_ended_once(const struct told *t, unsigned calls)
{
    assert_int_equal(t->calls, calls);
    for (unsigned i = 0; i < t->calls; i++) {
        assert_int_equal(t->of[i].connected, 1);
        assert_int_equal(t->of[i].disconnected, 1);
        assert_int_equal(t->of[i].idle, 1);
    }
    assert_int_equal(t->gaps, 0);
}

/* ------------------------------------------------------------------ callfan-sim, stopped */

static void dial(struct told *t, HCALL *ret_call)
{
    assert_true(lineMakeCall(t->lines[0], ret_call, "5551234", 0, NULL) > 0);
    wait_for(t, &t->replies, 1, "replies");
    assert_int_equal(t->worst_reply, 0);
    wait_for(t, &t->connected, 1, "calls connected");
    t->replies = 0;
}

static void lines_come_back(struct told *t)
{
    wait_for(t, &t->creates, WORLD_LINES, "lines created");
    for (DWORD i = 0; i < WORLD_LINES; i++)
        assert_error(lineOpen(t->app, i, &t->lines[i], TAPI_CURRENT_VERSION, 0, 0, LINECALLPRIVILEGE_MONITOR,
                              LINEMEDIAMODE_INTERACTIVEVOICE, NULL),
                     0);
    unsigned before = t->connected;
    wait_for(t, &t->connected, before + CALLS, "calls of the new life connected");
}

/* drops: requests that are made while it stands. Returns the most of its ring that was seen in use. */
static int64_t stop_and_ask(unsigned drops)
{
    struct told monitor, caller;
    HCALL call = 0;
    int64_t used = 0;
    join(&monitor, LINECALLPRIVILEGE_MONITOR);
    join(&caller, LINECALLPRIVILEGE_NONE);
    wait_for(&monitor, &monitor.connected, CALLS, "calls connected");
    dial(&caller, &call);
    wait_for(&monitor, &monitor.connected, CALLS + 1, "calls connected");
    pid_t pid = service_provider(&service);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    for (unsigned i = 0; i < drops; i++)
        assert_true(lineDrop(call, NULL, 0) > 0);
    for (int64_t until_ms = now_ms() + PATIENCE_MS; drops > 1 && used < 950 && now_ms() < until_ms;)
        used = service_port_number(&service, "sim", "ring_used");
    service_wait_log(&service, "it is shown out");
    wait_for(&caller, &caller.replies, drops, "replies");
    assert_true(caller.best_reply < 0);
    wait_for(&caller, &caller.closes, WORLD_LINES, "lines closed");
    wait_for(&monitor, &monitor.closes, WORLD_LINES, "lines closed");
    assert_int_equal(idle_calls(&monitor), CALLS + 1);
    assert_ended_once(&monitor, CALLS + 1);
    assert_ended_once(&caller, 1);
    assert_int_equal(caller.replies, drops);
    lines_come_back(&monitor);
    assert_true(service_provider(&service) != pid);
    assert_int_equal(service_provider_number(&service, "hangs"), 1);
    assert_int_equal(service_provider_number(&service, "restarts"), 1);
    assert_int_equal(service_status(&service, "door.expelled"), 1);
    assert_int_equal(kill(pid, 0), -1);
    leave(&caller);
    leave(&monitor);
    return used;
}

static void start_sim(const char *more)
{
    char text[1024];
    snprintf(text, sizeof text, "%s%s%s", HANG, more, SIM);
    service_start(&service, text);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
}

static void a_stopped_program_is_restarted_and_its_calls_end_once(void **state)
{
    (void)state;
    start_sim("");
    stop_and_ask(1);
    assert_true(service_log_has(&service, "hangs; aborting it"));
    assert_true(service_log_has(&service, "died of signal 6")); /* so that there is a core dump */
    service_stop(&service);
}

static void one_that_is_stopped_until_its_ring_is_full_too(void **state)
{
    (void)state;
    start_sim("down_ring_bytes = 65536\nprovider_hang_seconds = 6\n"); /* time enough to fill it */
    int64_t used = stop_and_ask(1000);
    assert_true(used >= 950);
    service_stop(&service);
}

/* ------------------------------------------------------------------ a provider that somebody else started */

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static HCALL offered(struct exchange *x, struct client *owner, HLINE line, uint64_t *ret_call)
{
    *ret_call = exchange_call(x, 0, LINECALLSTATE_OFFERING, "100", "200");
    return client_new_call(owner, line, OWNER, LINECALLSTATE_OFFERING);
}

static void a_slow_provider_is_left_alone(void **state)
{
    enum { ASKED = 10 };
    struct exchange x;
    struct client owner;
    uint64_t call;
    (void)state;
    service_start(&service, "provider_hang_seconds = 3\n" EXCHANGE_SECTION);
    exchange_attach(&x, WORLD_LINES);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
    HLINE line = client_start(&owner, OWNER);
    HCALL handle = offered(&x, &owner, line, &call);
    LONG requests[ASKED];
    for (int i = 0; i < ASKED; i++)
        requests[i] = lineAccept(handle, NULL, 0);
    for (int i = 0; i < ASKED; i++) { /* five seconds altogether: more than one may stand still */
        pause_ms(500);
        struct cf_command c = exchange_command_of(&x, CF_CMD_ACCEPT, call);
        exchange_reply(&x, &c, 0, 0);
        assert_int_equal(client_reply(&owner, requests[i]), 0);
    }
    assert_int_equal(service_provider_number(&service, "hangs"), 0);
    assert_int_equal(service_status(&service, "door.expelled"), 0);
    client_leave(&owner);
    exchange_detach(&x);
    service_stop(&service);
}

static void a_provider_without_commands_may_be_silent(void **state)
{
    struct exchange x;
    (void)state;
    service_start(&service, "provider_hang_seconds = 1\n" EXCHANGE_SECTION);
    exchange_attach(&x, WORLD_LINES);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
    pause_ms(3500);
    assert_int_equal(service_provider_number(&service, "hangs"), 0);
    exchange_detach(&x);
    service_stop(&service);
}

static void one_that_hangs_is_shown_out_and_may_come_again(void **state)
{
    struct exchange x;
    struct client owner;
    uint64_t call;
    (void)state;
    service_start(&service, HANG EXCHANGE_SECTION);
    exchange_attach(&x, WORLD_LINES);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
    HLINE line = client_start(&owner, OWNER);
    HCALL handle = offered(&x, &owner, line, &call);
    LONG request = lineDrop(handle, NULL, 0);
    assert_true(client_reply(&owner, request) < 0); /* nobody takes the command */
    client_state(&owner, handle, LINECALLSTATE_DISCONNECTED);
    client_state(&owner, handle, LINECALLSTATE_IDLE);
    client_expect(&owner, LINE_CLOSE);
    service_wait_log(&service, "it is shown out");
    service_wait_status(&service, "door.expelled", 1);
    exchange_detach(&x);
    exchange_attach(&x, WORLD_LINES);
    for (int i = 0; i < WORLD_LINES; i++)
        client_expect(&owner, LINE_CREATE);
    assert_int_equal(service_provider_number(&service, "hangs"), 1);
    line = client_open(&owner, 0, OWNER);
    offered(&x, &owner, line, &call);
    client_leave(&owner);
    exchange_detach(&x);
    service_stop(&service);
}

static void provider_hang_seconds_0_shows_nobody_out(void **state)
{
    struct exchange x;
    struct client owner;
    uint64_t call;
    (void)state;
    service_start(&service, "provider_hang_seconds = 0\n" EXCHANGE_SECTION);
    exchange_attach(&x, WORLD_LINES);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
    HLINE line = client_start(&owner, OWNER);
    HCALL handle = offered(&x, &owner, line, &call);
    LONG request = lineDrop(handle, NULL, 0);
    for (int64_t until_ms = now_ms() + PATIENCE_MS; service_provider_number(&service, "stuck_seconds") < 3; pause_ms(50))
        assert_true(now_ms() < until_ms);
    struct cf_command c = exchange_command_of(&x, CF_CMD_DROP, call);
    exchange_reply(&x, &c, 0, 0);
    assert_int_equal(client_reply(&owner, request), 0);
    client_leave(&owner);
    exchange_detach(&x);
    service_stop(&service);
}

/*
 * Its ring is full of commands, its own ring is full of events, and the replies that it owes wait for room there, so that it takes no more
 * commands: the core has to take its events although it does not read, or neither would ever go on.
 */
static void a_provider_with_both_rings_full_goes_on(void **state)
{
    enum { COMMANDS_MAX = 8, ASKED = 1000 };
    struct exchange x;
    struct told owner;
    struct cf_command c;
    (void)state;
    service_start(
        &service,
        "provider_hang_seconds = 5\ndown_ring_bytes = 65536\nprovider_up_ring_bytes = 65536\n" EXCHANGE_SECTION);
    exchange_attach_small(&x, WORLD_LINES, COMMANDS_MAX);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
    join(&owner, LINECALLPRIVILEGE_OWNER | LINECALLPRIVILEGE_MONITOR);
    uint64_t busy = exchange_call(&x, 1, LINECALLSTATE_CONNECTED, "100", "200");
    wait_for(&owner, &owner.connected, 1, "calls connected");
    uint64_t call = exchange_call(&x, 0, LINECALLSTATE_OFFERING, "100", "200");
    wait_for(&owner, &owner.calls, 2, "calls");
    while (cf_provider_next_command(x.provider, &c)) /* OPEN_LINE */
        continue;
    for (int i = 0; i < ASKED; i++)
        assert_true(lineAccept(owner.of[1].call, NULL, 0) > 0);
    for (int64_t until_ms = now_ms() + PATIENCE_MS; service_port_number(&service, "test", "ring_used") < 950;)
        assert_true(now_ms() < until_ms);
    pid_t core = (pid_t)service_status(&service, "process.core_pid");
    assert_int_equal(kill(core, SIGSTOP), 0);
    enum cf_posted posted = CF_POSTED;
    for (int i = 0; posted == CF_POSTED; i++) {
        const struct cf_call_state s = {.state = i % 2 == 0 ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED};
        posted = cf_provider_post_call_state(x.provider, busy, &s);
    }
    for (int i = 0; i < COMMANDS_MAX; i++) {
        assert_true(cf_provider_next_command(x.provider, &c));
        cf_provider_reply(x.provider, c.number, 0, 0);
    }
    assert_false(cf_provider_next_command(x.provider, &c)); /* eight replies wait */
    assert_int_equal(kill(core, SIGCONT), 0);
    for (int64_t until_ms = now_ms() + PATIENCE_MS; owner.replies < ASKED;) {
        LINEMESSAGE m;
        if (now_ms() > until_ms)
            fail_msg("%u of %d replies came", owner.replies, ASKED);
        while (cf_provider_next_command(x.provider, &c))
            if (c.number != 0)
                cf_provider_reply(x.provider, c.number, 0, 0);
        cf_provider_turn(x.provider, x.reactor, 0);
        while (lineGetMessage(owner.app, &m, 0) == 0)
            note(&owner, &m);
    }
    assert_int_equal(owner.best_reply, 0);
    assert_int_equal(service_provider_number(&service, "hangs"), 0);
    assert_int_equal(service_status(&service, "process.core_restarts"), 0);
    exchange_end(&x, call);
    leave(&owner);
    exchange_detach(&x);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stopped_program_is_restarted_and_its_calls_end_once),
        cmocka_unit_test(one_that_is_stopped_until_its_ring_is_full_too),
        cmocka_unit_test(a_slow_provider_is_left_alone),
        cmocka_unit_test(a_provider_without_commands_may_be_silent),
        cmocka_unit_test(one_that_hangs_is_shown_out_and_may_come_again),
        cmocka_unit_test(provider_hang_seconds_0_shows_nobody_out),
        cmocka_unit_test(a_provider_with_both_rings_full_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
