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
        "dial_reply_ms=300", "--set", "settle_ms=1", "--set", "escape_guard_ms=5", "--set", "late_ms=50", "--set",     \
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

/* The end of a text that may be long. */
static const char *tail(const char *text)
{
    const size_t len = strlen(text);
    return len > 400 ? text + len - 400 : text;
}

/* Turns until the condition holds. */
#define UNTIL(condition)                                                                                               \
    do {                                                                                                               \
        const int64_t until = cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;                                                \
        while (turn(), !(condition)) {                                                                                 \
            if (cf_clock_ns() > until)                                                                                 \
                fail_msg("never: %s (line %d)\ncall: %s\nmodem: %s\nit said: %s", #condition, __LINE__,                \
                         f.core.calls > 0 ? f.core.heard[f.core.calls - 1].states : "none", tail(f.modem[0].log),      \
                         tail(f.said));                                                                                \
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
        const char *events = f.core.line[i].events;
        const size_t n = strlen(events);
        const bool anew = n > 1 && strcmp(events + n - 2, "-+") == 0; /* it is created when it works */
        if (n == 0 || (events[n - 1] != 's' && !anew))
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

static bool said(const char *text)
{
    return strstr(f.said, text) != NULL;
}

static void counters_are_printed_upon_hangup_signal_which_kills_nobody(void **state)
{
    (void)state;
    set_up(1);
    start(NULL, NULL);
    assert_int_equal(kill(f.pid, SIGHUP), 0);
    UNTIL(said("live: calls 0") && said("commands "));
    modem_ring(&f.modem[0], modem_incoming(&f.modem[0], "1", false));
    UNTIL(is(0, "O"));
    tear_down();
    assert_non_null(strstr(f.said, "offered 1"));
}

static void what_a_modem_cannot_do_is_said(void **state)
{
    (void)state;
    set_up(2);
    f.modem[1].analogue = true;
    start("profile={gsm, v250}", NULL);
    const uint32_t more = LINECALLFEATURE_HOLD | LINECALLFEATURE_UNHOLD | LINECALLFEATURE_GENERATEDIGITS;
    assert_int_equal(f.core.line[0].call_features & more, more);
    assert_int_equal(f.core.line[1].call_features & more, 0);
    for (uint32_t line = 0; line < 2; line++) {
        assert_int_equal(f.core.line[line].call_features & LINECALLFEATURE_SETCALLPARAMS, 0);
        modem_ring(&f.modem[line], modem_incoming(&f.modem[line], "1", line == 1));
        UNTIL(newest(line) != NULL);
        const uint64_t number = modem_core_order(&f.core, CF_CMD_SET_CALL_PARAMS, newest(line)->call);
        const uint64_t hold = modem_core_order(&f.core, CF_CMD_HOLD, newest(line)->call);
        UNTIL(replied(number) && replied(hold));
        assert_int_equal(f.core.reply[number].result, LINEERR_OPERATIONUNAVAIL);
        assert_int_equal(f.core.reply[hold].result, line == 0 ? LINEERR_INVALCALLSTATE : LINEERR_OPERATIONUNAVAIL);
    }
    const uint64_t none = modem_core_order(&f.core, CF_CMD_ANSWER, newest(1)->call + 1);
    const uint64_t nowhere = modem_core_dial(&f.core, 7, "1", 0);
    UNTIL(replied(none) && replied(nowhere));
    assert_int_equal(f.core.reply[none].result, LINEERR_INVALCALLSTATE);
    assert_int_equal(f.core.reply[nowhere].result, LINEERR_RESOURCEUNAVAIL);
    tear_down();
}

static void a_device_that_goes_takes_its_calls_and_comes_back(void **state)
{
    (void)state;
    set_up(1);
    start("remove_ms=60000", NULL);
    modem_ring(&f.modem[0], modem_incoming(&f.modem[0], "1", false));
    UNTIL(is(0, "O"));
    modem_core_order(&f.core, CF_CMD_ANSWER, newest(0)->call);
    UNTIL(is(0, "OC"));
    modem_vanish(&f.modem[0]);
    UNTIL(is(0, "OCDI"));
    assert_int_equal(newest(0)->mode, LINEDISCONNECTMODE_UNKNOWN);
    UNTIL(strcmp(f.core.line[0].events, "+oso") == 0);
    assert_true((f.core.line[0].bits & LINEDEVSTATE_DISCONNECTED) != 0);
    f.core.line[0].bits = 0;
    modem_return(&f.modem[0]);
    UNTIL(strcmp(f.core.line[0].events, "+osos") == 0);
    assert_int_equal(f.core.line[0].bits, LINEDEVSTATE_CONNECTED | LINEDEVSTATE_INSERVICE);
    modem_ring(&f.modem[0], modem_incoming(&f.modem[0], "2", false));
    UNTIL(is(0, "O"));
    tear_down();
}

static void a_device_that_stays_away_is_removed_and_created_anew(void **state)
{
    (void)state;
    set_up(1);
    start("remove_ms=20", NULL);
    modem_vanish(&f.modem[0]);
    UNTIL(strstr(f.core.line[0].events, "ox-") != NULL);
    const uint64_t number = modem_core_dial(&f.core, 0, "1", 0);
    UNTIL(replied(number));
    assert_int_equal(f.core.reply[number].result, LINEERR_RESOURCEUNAVAIL);
    modem_return(&f.modem[0]);
    UNTIL(strstr(f.core.line[0].events, "ox-+") != NULL && all_in_service());
    const uint64_t again = modem_core_dial(&f.core, 0, "123", 0);
    UNTIL(replied(again) && is(0, "GPRC"));
    tear_down();
}

static void a_silent_modem_is_closed_and_opened_again(void **state)
{
    (void)state;
    set_up(1);
    start("command_ms=200", "dial_ms=300");
    f.modem[0].mute = true;
    const uint64_t number = modem_core_dial(&f.core, 0, "1", 0);
    UNTIL(strstr(f.core.line[0].events, "so") != NULL);
    UNTIL(replied(number));
    f.modem[0].mute = false;
    UNTIL(all_in_service());
    tear_down();
}

static void registration_and_pin(void **state)
{
    (void)state;
    set_up(1);
    f.modem[0].pin = "0815";
    start("pin={\"0815\"}", NULL);
    assert_int_equal(f.modem[0].pins, 1);
    f.core.line[0].bits = 0;
    modem_say(&f.modem[0], "+CREG: 2");
    UNTIL(strcmp(f.core.line[0].events, "+oso") == 0);
    assert_int_equal(f.core.line[0].bits, LINEDEVSTATE_OUTOFSERVICE);
    modem_say(&f.modem[0], "+CREG: 5");
    UNTIL(strcmp(f.core.line[0].events, "+osos") == 0);
    tear_down();
}

static void a_wrong_pin_is_tried_once_in_the_life_of_the_program(void **state)
{
    (void)state;
    set_up(1);
    f.modem[0].pin = "0815";
    start("pin={\"4711\"}", NULL);
    for (unsigned i = 0; i < 3; i++) {
        const size_t n = strlen(f.core.line[0].events);
        modem_vanish(&f.modem[0]);
        UNTIL(strlen(f.core.line[0].events) == n + 1);
        modem_return(&f.modem[0]);
        UNTIL(strlen(f.core.line[0].events) == n + 2);
    }
    assert_int_equal(f.modem[0].pins, 1);
    tear_down();
}

static void a_new_core_is_told_of_lines_and_live_calls(void **state)
{
    (void)state;
    set_up(2);
    start(NULL, NULL);
    const int id = modem_incoming(&f.modem[0], "5550", false);
    modem_ring(&f.modem[0], id);
    UNTIL(is(0, "O"));
    modem_core_order(&f.core, CF_CMD_ANSWER, newest(0)->call);
    UNTIL(is(0, "OC"));
    const uint64_t call = newest(0)->call;
    cf_socket_listener_close(&f.core.core.listener, f.core.core.path, true);
    provider_core_hang_up(&f.core.core);
    UNTIL(said("hung up"));
    modem_ring(&f.modem[1], modem_incoming(&f.modem[1], "77", false)); /* while nobody listens */
    UNTIL(strstr(f.modem[1].log, "AT+CLCC") != NULL && f.modem[1].call[1].seen);
    f.core.calls = 0;
    memset(f.core.line, 0, sizeof(f.core.line));
    f.core.snapshot_ended = false;
    provider_core_serve(&f.core.core);
    provider_core_served(&f.core.core);
    UNTIL(f.core.snapshot_ended && f.core.calls == 2);
    assert_true(f.core.heard[0].call == call);
    assert_string_equal(f.core.heard[0].states, "C");
    assert_string_equal(f.core.heard[0].caller, "5550");
    assert_string_equal(f.core.heard[1].states, "O");
    modem_remote_hangs_up(&f.modem[0], id, 16);
    UNTIL(is(0, "CDI"));
    tear_down();
}

static void wrong_settings_are_told_with_their_key(void **state)
{
    (void)state;
    static const struct {
        const char *set, *set_2;
        int status;
        const char *said;
    } table[] = {
        {"device={\"/dev/x\"}", "poll_ms=500", 0, ""},
        {"poll_ms=500", "poll_ms=500", 2, "device has no path"},
        {"device={\"ttyS0\"}", "poll_ms=500", 2, "\"ttyS0\" is no absolute path"},
        {"device={\"/dev/x\", \"/dev/x\"}", "poll_ms=500", 2, "/dev/x is there twice"},
        {"device={\"/dev/x\"}", "profile={isdn}", 2, "\"isdn\" is no profile"},
        {"device={\"/dev/x\"}", "speed={12345}", 2, "12345 is no speed"},
        {"device={\"/dev/x\"}", "media={fax}", 2, "\"fax\" is not voice or data"},
        {"device={\"/dev/x\"}", "pin={\"12\"}", 2, "a PIN is not 4 to 8 digits"},
        {"device={\"/dev/x\"}", "pin={\"12a4\"}", 2, "a PIN is not 4 to 8 digits"},
        {"device={\"/dev/x\"}", "init={\"ATZ|&F\"}", 2, "every command begins with AT"},
        {"device={\"/dev/x\"}", "init={\"ATZ|AT+CLIP=1\"}", 0, ""},
        {"device={\"/dev/x\"}", "waiting=drop", 2, "waiting"},
        {"device={\"/dev/x\"}", "ring_ms=1", 2, "ring_ms"},
        {"device={\"/dev/x\"}", "remove_ms=-2", 2, "remove_ms"},
        {"device={\"/dev/x\"}", "colour=blue", 2, "colour"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memset(&f, 0, sizeof(f));
        char *const argv[] = {(char *)program(),      "--check", "--set", (char *)table[i].set, "--set",
                              (char *)table[i].set_2, NULL};
        f.pid = spawn(argv, &f.out);
        const int status = wait_for_exit();
        if (status != table[i].status || strstr(f.said, table[i].said) == NULL)
            fail_msg("%s %s: %d, %s", table[i].set, table[i].set_2, status, f.said);
        assert_null(strstr(f.said, "12a4"));
        close(f.out);
    }
}

static bool every_line_is(const char *states)
{
    for (uint32_t line = 0; line < f.modems; line++)
        if (!is(line, states))
            return false;
    return true;
}

static void sixty_four_modems_are_sixty_four_lines(void **state)
{
    (void)state;
    set_up(MODEM_LINES);
    start(NULL, NULL);
    for (uint32_t line = 0; line < f.modems; line++)
        modem_ring(&f.modem[line], modem_incoming(&f.modem[line], "1", false));
    UNTIL(every_line_is("O"));
    for (uint32_t line = 0; line < f.modems; line++)
        modem_core_order(&f.core, CF_CMD_ANSWER, newest(line)->call);
    UNTIL(every_line_is("OC"));
    for (uint32_t line = 0; line < f.modems; line++)
        modem_remote_hangs_up(&f.modem[line], 1, 16);
    UNTIL(every_line_is("OCDI"));
    tear_down();
}

static void live_calls_are_hung_up_at_the_end(void **state)
{
    (void)state;
    set_up(1);
    start(NULL, NULL);
    modem_core_dial(&f.core, 0, "1", 0);
    UNTIL(is(0, "GPRC"));
    assert_int_equal(kill(f.pid, SIGTERM), 0);
    UNTIL(modem_calls(&f.modem[0]) == 0);
    assert_string_equal(f.modem[0].last, "AT+CHUP");
    assert_int_equal(wait_for_exit(), 0);
    turn();
    assert_true(is(0, "GPRCI"));
    close(f.out);
    modem_close(&f.modem[0]);
    provider_core_fini(&f.core.core);
}

/* ---- a thousand calls of every kind */

enum { CALLS = 1000, JOBS_LINES = 10, GSM_LINES = 8 };

struct job {
    const struct kind *kind;
    unsigned step;
    uint32_t line;
    int id, id_2;
    struct modem_heard *first, *second;
    uint64_t number;
    unsigned calls_before;
    int64_t ring_due;
};

/* A step that is done returns true; the job goes on with the next, in the same turn or a later one. */
typedef bool step_fn(struct job *j);

static struct modem_emulator *modem_of(const struct job *j)
{
    return &f.modem[j->line];
}

static bool first_is(const struct job *j, const char *states)
{
    return j->first != NULL && strcmp(j->first->states, states) == 0;
}

/* The newest call of the line, when it is one of this job. */
static struct modem_heard *new_one(const struct job *j)
{
    unsigned n = 0;
    for (unsigned i = 0; i < f.core.calls; i++)
        n += f.core.heard[i].line == j->line;
    return n > j->calls_before ? newest(j->line) : NULL;
}

static void ring_now_and_then(struct job *j, int id)
{
    const int64_t now = cf_clock_ns();
    if (now < j->ring_due)
        return;
    modem_ring(modem_of(j), id);
    j->ring_due = now + 100 * CF_NS_PER_MS;
}

static bool comes_in(struct job *j)
{
    if (j->id == 0)
        j->id = modem_incoming(modem_of(j), "5550123", modem_of(j)->analogue);
    if ((j->first = new_one(j)) == NULL)
        ring_now_and_then(j, j->id);
    return j->first != NULL;
}

static bool answer(struct job *j)
{
    j->number = modem_core_order(&f.core, CF_CMD_ANSWER, j->first->call);
    return true;
}

static bool good_reply(struct job *j)
{
    if (!replied(j->number))
        return false;
    if (f.core.reply[j->number].result != 0)
        fail_msg("%x: %s", (unsigned)f.core.reply[j->number].result, tail(modem_of(j)->log));
    return true;
}

static bool drop(struct job *j)
{
    j->number = modem_core_order(&f.core, CF_CMD_DROP, j->first->call);
    return true;
}

static bool hangs_up(struct job *j)
{
    modem_remote_hangs_up(modem_of(j), j->id, 16);
    return true;
}

static bool is_listed(struct job *j)
{
    return modem_of(j)->analogue || modem_of(j)->call[j->id].seen;
}

static bool gives_up(struct job *j)
{
    modem_caller_gives_up(modem_of(j), j->id);
    return true;
}

static bool connected(struct job *j)
{
    const size_t n = j->first != NULL ? strlen(j->first->states) : 0;
    return n > 0 && j->first->states[n - 1] == 'C';
}

static bool ringback(struct job *j)
{
    return first_is(j, "GPR");
}

static bool hold(struct job *j)
{
    j->number = modem_core_order(&f.core, CF_CMD_HOLD, j->first->call);
    return true;
}

static bool unhold(struct job *j)
{
    j->number = modem_core_order(&f.core, CF_CMD_UNHOLD, j->first->call);
    return true;
}

static bool digits(struct job *j)
{
    memset(modem_of(j)->digits, 0, sizeof(modem_of(j)->digits));
    j->number = modem_core_digits(&f.core, j->first->call, "159#A*");
    return true;
}

static bool digits_came(struct job *j)
{
    assert_string_equal(modem_of(j)->digits, "159#A*");
    return true;
}

static bool another_waits(struct job *j)
{
    if (j->id_2 == 0)
        j->id_2 = modem_incoming(modem_of(j), "777", false);
    struct modem_heard *newer = new_one(j);
    j->second = newer != j->first ? newer : NULL;
    if (j->second == NULL)
        ring_now_and_then(j, j->id_2);
    return j->second != NULL;
}

static bool answer_second(struct job *j)
{
    j->number = modem_core_order(&f.core, CF_CMD_ANSWER, j->second->call);
    return true;
}

static bool drop_second(struct job *j)
{
    j->number = modem_core_order(&f.core, CF_CMD_DROP, j->second->call);
    return true;
}

static bool second_is_over(struct job *j)
{
    return strchr(j->second->states, 'I') != NULL;
}

static bool pulled(struct job *j)
{
    modem_vanish(modem_of(j));
    return true;
}

static bool first_is_over(struct job *j)
{
    return j->first != NULL && strchr(j->first->states, 'I') != NULL;
}

static bool plugged_in(struct job *j)
{
    modem_return(modem_of(j));
    return true;
}

static bool in_service(struct job *j)
{
    const char *events = f.core.line[j->line].events;
    return events[strlen(events) - 1] == 's';
}

static void dial(struct job *j, char fate, uint32_t media)
{
    const char number[] = {fate, '2', '3', '\0'};
    j->number = modem_core_dial(&f.core, j->line, number, media);
}

#define DIALS(name, fate, media)                                                                                       \
    static bool name(struct job *j)                                                                                    \
    {                                                                                                                  \
        dial(j, fate, media);                                                                                          \
        return true;                                                                                                   \
    }
DIALS(dial_answered, FATE_ANSWERED, 0)
DIALS(dial_busy, FATE_BUSY, 0)
DIALS(dial_no_answer, FATE_NO_ANSWER, 0)
DIALS(dial_no_carrier, FATE_NO_CARRIER, 0)
DIALS(dial_no_dialtone, FATE_NO_DIALTONE, 0)
DIALS(dial_error, FATE_ERROR, 0)
DIALS(dial_rings_on, FATE_RINGS_ON, 0)
DIALS(dial_blacklisted, FATE_BLACKLISTED, 0)
DIALS(dial_delayed, FATE_DELAYED, 0)
DIALS(dial_never, FATE_NEVER, 0)
DIALS(dial_data, FATE_ANSWERED, LINEMEDIAMODE_DATAMODEM)

static bool dialled(struct job *j)
{
    if (!good_reply(j))
        return false;
    j->first = modem_core_call(&f.core, f.core.reply[j->number].call);
    assert_non_null(j->first);
    j->id = modem_calls(modem_of(j)) != 0 ? 1 : 0;
    return true;
}

/* On a slow machine the error comes after the reply and ends the call instead. */
static bool failed(struct job *j)
{
    if (!replied(j->number))
        return false;
    if (f.core.reply[j->number].result != 0)
        return true;
    j->first = modem_core_call(&f.core, f.core.reply[j->number].call);
    return first_is(j, "GDI") && j->first->mode == LINEDISCONNECTMODE_TEMPFAILURE;
}

static bool is_gone(struct job *j)
{
    return modem_calls(modem_of(j)) == 0;
}

#define STEPS_MAX 24

static const struct kind {
    const char *name;
    bool gsm, v250;
    const char *first, *second; /* all their states; NULL: no such call, or the steps have looked */
    uint32_t mode;
    step_fn *steps[STEPS_MAX];
} kinds[] = {
    {"answered, the caller hangs up",
     true,
     true,
     "OCDI",
     NULL,
     LINEDISCONNECTMODE_NORMAL,
     {comes_in, answer, good_reply, connected, hangs_up, first_is_over}},
    {"answered, dropped",
     true,
     true,
     "OCI",
     NULL,
     0,
     {comes_in, answer, good_reply, connected, drop, good_reply, first_is_over, is_gone}},
    {"rejected",
     true,
     false,
     "ODI",
     NULL,
     LINEDISCONNECTMODE_REJECT,
     {comes_in, drop, good_reply, first_is_over, is_gone}},
    {"cancelled",
     true,
     false,
     "ODI",
     NULL,
     LINEDISCONNECTMODE_CANCELLED,
     {comes_in, is_listed, gives_up, first_is_over}},
    {"dialled, the called hangs up",
     true,
     false,
     "GPRCDI",
     NULL,
     LINEDISCONNECTMODE_NORMAL,
     {dial_answered, dialled, connected, hangs_up, first_is_over}},
    {"dialled, dropped",
     true,
     false,
     "GPRCI",
     NULL,
     0,
     {dial_answered, dialled, connected, drop, good_reply, first_is_over, is_gone}},
    {"busy", true, false, "GPRBDI", NULL, LINEDISCONNECTMODE_BUSY, {dial_busy, dialled, first_is_over}},
    {"no answer", true, false, "GPRDI", NULL, LINEDISCONNECTMODE_NOANSWER, {dial_no_answer, dialled, first_is_over}},
    {"no carrier", true, false, "GPDI", NULL, LINEDISCONNECTMODE_BADADDRESS, {dial_no_carrier, dialled, first_is_over}},
    {"no dialtone", true, true, "GDI", NULL, LINEDISCONNECTMODE_NODIALTONE, {dial_no_dialtone, dialled, first_is_over}},
    {"error", true, true, NULL, NULL, 0, {dial_error, failed}},
    {"blacklisted", true, true, "GDI", NULL, LINEDISCONNECTMODE_BLOCKED, {dial_blacklisted, dialled, first_is_over}},
    {"delayed", true, true, "GDI", NULL, LINEDISCONNECTMODE_BLOCKED, {dial_delayed, dialled, first_is_over}},
    {"dropped while it rings",
     true,
     false,
     "GPRI",
     NULL,
     0,
     {dial_rings_on, dialled, ringback, drop, good_reply, first_is_over, is_gone}},
    {"dropped while ATD runs",
     true,
     true,
     "GI",
     NULL,
     0,
     {dial_never, dialled, drop, good_reply, first_is_over, is_gone}},
    {"held and retrieved",
     true,
     false,
     "OCLCDI",
     NULL,
     LINEDISCONNECTMODE_NORMAL,
     {comes_in, answer, good_reply, connected, hold, good_reply, unhold, good_reply, connected, hangs_up,
      first_is_over}},
    {"a second call, swapped",
     true,
     false,
     "OCLCI",
     "OCLI",
     0,
     {comes_in, answer, good_reply, connected, another_waits, answer_second, good_reply, unhold, good_reply, connected,
      drop_second, good_reply, second_is_over, drop, good_reply, first_is_over, is_gone}},
    {"a second call, rejected",
     true,
     false,
     "OCI",
     "ODI",
     0,
     {comes_in, answer, good_reply, connected, another_waits, drop_second, good_reply, second_is_over, drop, good_reply,
      first_is_over, is_gone}},
    {"digits",
     true,
     false,
     "OCI",
     NULL,
     0,
     {comes_in, answer, good_reply, connected, digits, good_reply, digits_came, drop, good_reply, first_is_over,
      is_gone}},
    {"data, the far end hangs up",
     true,
     true,
     "GCDI",
     NULL,
     LINEDISCONNECTMODE_NORMAL,
     {dial_data, dialled, connected, hangs_up, first_is_over}},
    {"data, dropped",
     true,
     true,
     "GCI",
     NULL,
     0,
     {dial_data, dialled, connected, drop, good_reply, first_is_over, is_gone}},
    {"busy, analogue", false, true, "GBDI", NULL, LINEDISCONNECTMODE_BUSY, {dial_busy, dialled, first_is_over}},
    {"no answer, analogue",
     false,
     true,
     "GDI",
     NULL,
     LINEDISCONNECTMODE_NOANSWER,
     {dial_no_answer, dialled, first_is_over}},
    {"no carrier, analogue",
     false,
     true,
     "GDI",
     NULL,
     LINEDISCONNECTMODE_UNKNOWN,
     {dial_no_carrier, dialled, first_is_over}},
    {"cancelled, analogue",
     false,
     true,
     "ODI",
     NULL,
     LINEDISCONNECTMODE_CANCELLED,
     {comes_in, gives_up, first_is_over}},
    {"pulled while it is up",
     true,
     true,
     "OCDI",
     NULL,
     LINEDISCONNECTMODE_UNKNOWN,
     {comes_in, answer, good_reply, connected, pulled, first_is_over, plugged_in, in_service}},
    {"pulled while it rings",
     true,
     true,
     "ODI",
     NULL,
     LINEDISCONNECTMODE_UNKNOWN,
     {comes_in, pulled, first_is_over, plugged_in, in_service}},
    {"pulled while it is dialled",
     true,
     false,
     "GPRDI",
     NULL,
     LINEDISCONNECTMODE_UNKNOWN,
     {dial_rings_on, dialled, ringback, pulled, first_is_over, plugged_in, in_service}},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void job_begin(struct job *j, uint32_t line, unsigned *next_kind)
{
    const bool gsm = line < GSM_LINES;
    const struct kind *kind;
    do
        kind = &kinds[(*next_kind)++ % KINDS];
    while (gsm ? !kind->gsm : !kind->v250);
    *j = (struct job){.kind = kind, .line = line};
    for (unsigned i = 0; i < f.core.calls; i++)
        j->calls_before += f.core.heard[i].line == line;
}

static void expect_states(const struct job *j, const struct modem_heard *heard, const char *states)
{
    if (states == NULL)
        return;
    if (heard == NULL || strcmp(heard->states, states) != 0)
        fail_msg("\"%s\" on line %u: %s instead of %s; the modem: %s", j->kind->name, j->line,
                 heard != NULL ? heard->states : "no call", states, tail(modem_of(j)->log));
}

/* True when it has ended as it should. */
static bool job_turn(struct job *j)
{
    while (j->step < STEPS_MAX && j->kind->steps[j->step] != NULL)
        if (!j->kind->steps[j->step](j))
            return false;
        else
            j->step++;
    expect_states(j, j->first, j->kind->first);
    expect_states(j, j->second, j->kind->second);
    if (j->kind->first != NULL && j->kind->mode != 0 && j->first->mode != j->kind->mode)
        fail_msg("\"%s\": mode %x", j->kind->name, j->first->mode);
    return true;
}

static void a_thousand_calls_of_every_kind_end_in_the_right_states(void **state)
{
    (void)state;
    static struct job job[JOBS_LINES];
    unsigned begun = 0, ended = 0, next_kind[JOBS_LINES];
    set_up(JOBS_LINES);
    for (unsigned i = 0; i < JOBS_LINES; i++) {
        f.modem[i].analogue = i >= GSM_LINES;
        f.modem[i].echo_stays = i % 4 == 1;
        f.modem[i].split = i % 3 != 0;
        f.modem[i].noise = i % 4 == 3;
        f.modem[i].other_call = i == 4;
        next_kind[i] = i * 3;
    }
    start("profile={gsm, gsm, gsm, gsm, gsm, gsm, gsm, gsm, v250}", NULL);
    for (unsigned i = 0; i < JOBS_LINES; i++, begun++)
        job_begin(&job[i], i, &next_kind[i]);
    const int64_t end = cf_clock_ns() + 150 * CF_NS_PER_S;
    while (ended < CALLS) {
        turn();
        for (unsigned i = 0; i < JOBS_LINES; i++) {
            if (job[i].kind == NULL || !job_turn(&job[i]))
                continue;
            ended++;
            job[i].kind = NULL;
            if (begun++ < CALLS)
                job_begin(&job[i], i, &next_kind[i]);
        }
        if (cf_clock_ns() > end)
            for (unsigned i = 0; i < JOBS_LINES; i++)
                if (job[i].kind != NULL)
                    fail_msg("%u of %u; line %u: \"%s\" stands at step %u, %s; the modem: %s\nit said: %s", ended,
                             CALLS, i, job[i].kind->name, job[i].step,
                             job[i].first != NULL ? job[i].first->states : "no call", tail(f.modem[i].log),
                             tail(f.said));
        poll(NULL, 0, 1);
    }
    for (unsigned i = 0; i < f.core.calls; i++) {
        const char *states = f.core.heard[i].states;
        assert_int_equal(states[strlen(states) - 1], 'I');
    }
    assert_int_equal(kill(f.pid, SIGHUP), 0);
    UNTIL(said("live: calls 0"));
    tear_down();
    assert_null(strstr(f.said, "timeouts"));
}

/* ---- for the end-to-end test: a modem that plays by itself until its standard input ends */

static int play(const char *link)
{
    static struct modem_emulator e;
    int id = 0;
    char byte;
    e.seed = 1;
    modem_open(&e, link);
    fcntl(0, F_SETFL, O_NONBLOCK);
    for (;;) {
        const ssize_t n = read(0, &byte, 1);
        if (n == 0)
            break;
        if (n == 1 && byte == 'r')
            modem_ring(&e, id = modem_incoming(&e, "5550123", false));
        else if (n == 1 && byte == 'h')
            modem_remote_hangs_up(&e, modem_find(&e, 0), 16);
        else if (n == 1 && byte == 'c')
            modem_caller_gives_up(&e, id);
        else if (n == 1 && byte == 'v')
            modem_vanish(&e);
        else if (n == 1 && byte == 'b')
            modem_return(&e);
        if (e.master >= 0)
            modem_turn(&e);
        struct pollfd p[2] = {{.fd = e.master, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
        poll(p, 2, e.out_len > 0 ? 1 : 20); /* a terminal that nobody has open is always ready */
        if ((p[0].revents & POLLHUP) != 0)
            poll(NULL, 0, 5);
    }
    modem_close(&e);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_rings_is_answered_and_ends),
        cmocka_unit_test(counters_are_printed_upon_hangup_signal_which_kills_nobody),
        cmocka_unit_test(what_a_modem_cannot_do_is_said),
        cmocka_unit_test(a_device_that_goes_takes_its_calls_and_comes_back),
        cmocka_unit_test(a_device_that_stays_away_is_removed_and_created_anew),
        cmocka_unit_test(a_silent_modem_is_closed_and_opened_again),
        cmocka_unit_test(registration_and_pin),
        cmocka_unit_test(a_wrong_pin_is_tried_once_in_the_life_of_the_program),
        cmocka_unit_test(a_new_core_is_told_of_lines_and_live_calls),
        cmocka_unit_test(wrong_settings_are_told_with_their_key),
        cmocka_unit_test(sixty_four_modems_are_sixty_four_lines),
        cmocka_unit_test(live_calls_are_hung_up_at_the_end),
        cmocka_unit_test(a_thousand_calls_of_every_kind_end_in_the_right_states),
    };
    if (argc == 3 && strcmp(argv[1], "--modem") == 0)
        return play(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
