/* SIGTERM while the core is being replaced for a new configuration: everything ends in order, at whatever moment it comes. */
#define _GNU_SOURCE
#include "tests/test_keeper_peer.h"

#include <limits.h>
#include <sys/syscall.h>

/* ctest-timeout: 240 */

enum { OFFSETS = 40, STEP_US = 250, OFFSETS_OF_EVENT = 20, STEP_OF_EVENT_US = 100, END_MS = 5000, SPIN_MS_MAX = 1000 };

static struct daemon d;

/* With other access sections than before: they need another core. */
static void reload(const char *more)
{
    static unsigned user;
    char all[PATH_MAX + 256];
    snprintf(all, sizeof all, "%saccess others { users = {\"%u\"} }\n", more, ++user);
    daemon_configure(&d, all);
    assert_int_equal(kill(d.pid, SIGHUP), 0);
}

/* Exit status 0, no process left, no socket left. */
static void expect_end(void)
{
    int status = daemon_wait_exit(&d);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("callfand ended with %d:\n%s", status, d.log);
    assert_int_equal(access(d.socket, F_OK), -1);
    daemon_remove_folder(&d);
}

/* ------------------------------------------------------------------ at any moment */

static void spin_us(int64_t us)
{
    struct timespec t;
    int64_t from = 0, now;
    do {
        clock_gettime(CLOCK_MONOTONIC, &t);
        now = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
        from = from == 0 ? now : from;
    } while (now - from < us);
}

/* event: from which line of the log on the time counts, NULL: from SIGHUP on. */
static void stop_after(const char *provider, const char *event, int64_t us)
{
    daemon_start(&d, provider);
    if (*provider != '\0')
        daemon_wait_log(&d, "attached to"); /* from here on it hears SIGTERM */
    reload(provider);
    if (event != NULL)
        daemon_wait_log(&d, event);
    spin_us(us);
    int64_t from = test_now_ms();
    assert_int_equal(kill(d.pid, SIGTERM), 0);
    expect_end();
    bool killed = strstr(d.log, "died of signal") != NULL || strstr(d.log, "does not end; killing it") != NULL;
    if (killed && test_now_ms() - from < END_MS)
        fail_msg("it was killed before its time:\n%s", strstr(d.log, "reloaded"));
}

/* From before the signal is read until the next core serves, which is a matter of milliseconds. */
static void a_stop_at_any_moment_of_a_replacement_ends_in_order(void **state)
{
    (void)state;
    static const char *const providers[] = {
        "", "provider sim { command = \"callfan-sim\"\n when = always\n rate = 1000 }\n"};
    static const char *const events[] = {"is replaced by one", "the configuration is reloaded", "the core is ready"};
    const char *build = getenv("CALLFAN_BUILD");
    int step = build != NULL && strcmp(build, "plain") != 0 ? 4 : 1;
    for (size_t p = 0; p < sizeof providers / sizeof providers[0]; p++) {
        for (int i = 0; i < OFFSETS; i += step)
            stop_after(providers[p], NULL, (int64_t)i * STEP_US);
        for (size_t k = 0; k < sizeof events / sizeof events[0]; k++)
            for (int i = 0; i < OFFSETS_OF_EVENT; i += step)
                stop_after(providers[p], events[k], (int64_t)i * STEP_OF_EVENT_US);
    }
}

/* ------------------------------------------------------------------ while a provider takes its time */

static void say(const char *line)
{
    if (write(STDERR_FILENO, line, strlen(line)) < 0)
        _exit(1);
}

/* This program as a provider's: asked to end, it waits until somebody opens the gate; without one it does not end. */
static int be_slow(const char *gate)
{
    sigset_t set;
    int signal_number;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    say("the slow one runs\n");
    sigwait(&set, &signal_number);
    say("the slow one is asked to end\n");
    while (*gate == '\0')
        pause();
    return open(gate, O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 1;
}

/* A service with that provider, its core stopped just after it was told to end for another, then SIGTERM. Returns that core. */
static pid_t stop_within_replacement(const char *gate)
{
    char provider[PATH_MAX + 256], program[PATH_MAX] = "";
    assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    snprintf(provider, sizeof provider, "provider slow { command = \"%s\"\n args = {\"--gate\", \"%s\"} }\n", program,
             gate);
    daemon_configure(&d, provider);
    daemon_launch(&d, NULL, NULL);
    daemon_wait_log(&d, "limits:");
    pid_t core = daemon_core(&d);
    while (strstr(d.log, "the slow one runs") == NULL || strstr(d.log, "the core is ready") == NULL)
        assert_true(daemon_read_log(&d, test_now_ms() + WAIT_MS));
    assert_int_equal(kill(core, SIGSTOP), 0);
    reload(provider);
    daemon_wait_log(&d, "is replaced by one");
    assert_int_equal(kill(d.pid, SIGTERM), 0);
    daemon_wait_log(&d, "the slow one is asked to end");
    return core;
}

/* Who has calls with that provider hears of their end from the next core. */
static void while_providers_end_there_is_a_core(void **state)
{
    (void)state;
    char gate[96];
    struct peer p;
    daemon_folder(&d);
    snprintf(gate, sizeof gate, "%s/gate", d.folder);
    assert_int_equal(mkfifo(gate, 0600), 0);
    pid_t core = stop_within_replacement(gate);
    int old = (int)syscall(SYS_pidfd_open, core, 0);
    kill(core, SIGCONT);
    struct pollfd gone = {.fd = old, .events = POLLIN};
    assert_true(old < 0 || poll(&gone, 1, WAIT_MS) == 1);
    peer_attach_application(&p, &d, "late");
    assert_true(peer_ping(&p));
    int fd = open(gate, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    expect_end();
    assert_true(peer_hung_up(&p));
    peer_close(&p);
    close(fd);
    close(old);
}

/* What the process itself has used, not its children. */
static int64_t used_cpu_ms(pid_t pid)
{
    char path[64], line[512];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    fclose(f);
    assert_int_equal(
        sscanf(strrchr(line, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    return (int64_t)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

/* The time by which the core should have been replaced is over meanwhile. */
static void who_waits_for_a_provider_does_not_spin(void **state)
{
    (void)state;
    daemon_folder(&d);
    pid_t core = stop_within_replacement("");
    daemon_wait_log(&d, "does not end; killing it");
    int64_t used_ms = used_cpu_ms(d.pid);
    kill(core, SIGCONT);
    expect_end();
    assert_in_range(used_ms, 0, SPIN_MS_MAX);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_at_any_moment_of_a_replacement_ends_in_order),
        cmocka_unit_test(while_providers_end_there_is_a_core),
        cmocka_unit_test(who_waits_for_a_provider_does_not_spin),
    };
    if (argc > 2 && strcmp(argv[argc - 2], "--gate") == 0)
        return be_slow(argv[argc - 1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
