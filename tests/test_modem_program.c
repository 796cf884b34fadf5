/*
 * callfan-modem as a program, between a core played by the test and modems played by the test on pseudo terminals.
 *
 * ctest-timeout: 240
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "adapters/provider/clock.h"
#include "callfan/provider.h"
#include "tests/support/modem_core.h"
#include "tests/support/modem_emulator.h"

enum { PATIENCE_S = 60 };

/* Short times, so that what has to pass passes soon; what must not run out under load is long. */
#define QUICK                                                                                                          \
    "--set", "poll_ms=10", "--set", "ring_ms=1500", "--set", "command_ms=20000", "--set", "dial_ms=60000", "--set",    \
        "dial_reply_ms=10", "--set", "settle_ms=1", "--set", "escape_guard_ms=5", "--set", "late_ms=50", "--set",      \
        "retry_ms=10", "--set", "remove_ms=60000"

struct fixture {
    struct modem_core core;
    struct modem_emulator modem[MODEM_LINES];
    unsigned modems;
    pid_t pid;
    int out;
    char said[65536];
};

static struct fixture f;

/* ---- the program */

static const char *program(void)
{
    static char path[512];
    const char *folder = getenv("CALLFAN_BIN");
    snprintf(path, sizeof(path), "%s/callfan-modem", folder != NULL ? folder : "build/release/bin");
    return path;
}

static pid_t spawn(char *const argv[], int *ret_err)
{
    int ends[2] = {-1, -1};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const int null = open("/dev/null", O_RDWR);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
        if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(ends[1], 2) < 0)
            _exit(126);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(ends[1]);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    *ret_err = ends[0];
    return pid;
}

static void read_said(void)
{
    const size_t used = strlen(f.said);
    const ssize_t n = read(f.out, f.said + used, sizeof(f.said) - 1 - used);
    if (n > 0)
        f.said[used + (size_t)n] = '\0';
}

/* ---- turning */

static void turn(void)
{
    for (unsigned i = 0; i < f.modems; i++)
        modem_turn(&f.modem[i]);
    if (f.core.core.up != NULL && !f.core.core.serving)
        modem_core_hear(&f.core);
    read_said();
}

/* Turns until the condition holds. */
#define UNTIL(condition)                                                                                               \
    do {                                                                                                               \
        const int64_t end = cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;                                                  \
        while (turn(), !(condition)) {                                                                                 \
            if (cf_clock_ns() > end)                                                                                   \
                fail_msg("never: %s (line %d)\ncall: %s\nmodem: %s\nit said: %s", #condition, __LINE__,                \
                         f.core.calls > 0 ? f.core.heard[f.core.calls - 1].states : "none", f.modem[0].log, f.said);   \
            poll(NULL, 0, 1);                                                                                          \
        }                                                                                                              \
    } while (0)

static int wait_for_exit(void)
{
    int status = 0;
    UNTIL(waitpid(f.pid, &status, WNOHANG) == f.pid);
    read_said();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- beginning and end */

static const char *link_of(unsigned line)
{
    static char path[160];
    snprintf(path, sizeof(path), "%s/modem%u", f.core.core.folder, line);
    return path;
}

/* Before start(): so many modems, which may be changed before they are started. */
static void set_up(unsigned modems)
{
    memset(&f, 0, sizeof(f));
    f.modems = modems;
    provider_core_init(&f.core.core, 1024, 4096);
    for (unsigned i = 0; i < modems; i++) {
        f.modem[i].seed = i + 1;
        modem_open(&f.modem[i], link_of(i));
    }
    provider_core_serve(&f.core.core);
}

static bool all_in_service(void)
{
    for (unsigned i = 0; i < f.modems; i++) {
        const size_t n = strlen(f.core.line[i].events);
        if (n == 0 || f.core.line[i].events[n - 1] != 's')
            return false;
    }
    return true;
}

/* set: one more KEY=VALUE or NULL. */
static void start(const char *set, const char *set_2)
{
    char devices[MODEM_LINES * 160] = "device={";
    for (unsigned i = 0; i < f.modems; i++)
        sprintf(devices + strlen(devices), "%s\"%s\"", i == 0 ? "" : ", ", link_of(i));
    strcat(devices, "}");
    char *const argv[] = {(char *)program(),
                          "--socket",
                          f.core.core.path,
                          "--name",
                          "test",
                          "--set",
                          devices,
                          QUICK,
                          "--set",
                          set != NULL ? (char *)set : "numeric=false",
                          "--set",
                          set_2 != NULL ? (char *)set_2 : "numeric=false",
                          NULL};
    f.pid = spawn(argv, &f.out);
    provider_core_served(&f.core.core);
    UNTIL(f.core.snapshot_ended && all_in_service());
}

static void tear_down(void)
{
    assert_int_equal(kill(f.pid, SIGTERM), 0);
    const int status = wait_for_exit();
    if (status != 0)
        fail_msg("exit %d: %s", status, f.said);
    close(f.out);
    for (unsigned i = 0; i < f.modems; i++)
        modem_close(&f.modem[i]);
    provider_core_fini(&f.core.core);
}

static struct modem_heard *newest(uint32_t line)
{
    return modem_core_newest(&f.core, line);
}

static bool is(uint32_t line, const char *states)
{
    const struct modem_heard *heard = newest(line);
    return heard != NULL && strcmp(heard->states, states) == 0;
}

static bool replied(uint64_t number)
{
    return f.core.reply[number].came;
}

/* ---- the tests */

static void a_call_rings_is_answered_and_ends(void **state)
{
    (void)state;
    set_up(1);
    start(NULL, NULL);
    const int id = modem_incoming(&f.modem[0], "5550123", false);
    modem_ring(&f.modem[0], id);
    UNTIL(is(0, "O") && newest(0)->caller[0] != '\0');
    assert_string_equal(newest(0)->caller, "5550123");
    assert_int_equal(newest(0)->media, LINEMEDIAMODE_INTERACTIVEVOICE);
    assert_int_equal(newest(0)->origin, LINECALLORIGIN_INBOUND);
    assert_int_equal(f.core.line[0].rings, 1);
    const uint64_t number = modem_core_order(&f.core, CF_CMD_ANSWER, newest(0)->call);
    UNTIL(is(0, "OC") && replied(number));
    assert_int_equal(f.core.reply[number].result, 0);
    modem_remote_hangs_up(&f.modem[0], id, 16);
    UNTIL(is(0, "OCDI"));
    assert_int_equal(newest(0)->mode, LINEDISCONNECTMODE_NORMAL);
    assert_string_equal(newest(0)->cause, "Q.850 16");
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_rings_is_answered_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
