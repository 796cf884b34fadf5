/*
 * The confinement of a running service: that it is there, in every process and after every restart; that who breaks out of it is killed,
 * named in the log and replaced; and that everything works as another user.
 */
#define _GNU_SOURCE
#include "tests/test_keeper_peer.h"

#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#ifdef __x86_64__
#include <sys/user.h>
#endif

#include "adapters/provider/sandbox.h"

/* ctest-timeout: 180 */

static struct daemon d;

static const char sim[] = "provider sim { command = \"callfan-sim\" restart_ms_min = 10 lines = 2 }\n";

/* A folder that another user may enter, and a service in it. */
static void start(const char *first, const char *second)
{
    char more[2048];
    daemon_folder(&d);
    assert_int_equal(chmod(d.folder, 0755), 0);
    snprintf(more, sizeof more, "%s%s", first, second);
    daemon_configure(&d, more);
    daemon_launch(&d, NULL, NULL);
    daemon_wait_log(&d, "the core is ready");
}

/* A line of /proc/PID/status, as a number. */
static unsigned long long status_line(pid_t pid, const char *key, int base)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    unsigned long long value = ~0ull;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtoull(line + strlen(key), NULL, base);
    fclose(f);
    return value;
}

/* Everything that /proc tells of a confined process of that user. A thread has its own line Seccomp. */
static void expect_confined(pid_t pid, uid_t uid)
{
    char path[64];
    struct stat st;
    assert_int_equal(status_line(pid, "Uid:", 10), uid);
    assert_int_equal(status_line(pid, "CapEff:", 16), 0);
    assert_int_equal(status_line(pid, "CapPrm:", 16), 0);
    assert_int_equal(status_line(pid, "CapBnd:", 16), 0);
    assert_int_equal(status_line(pid, "NoNewPrivs:", 10), 1);
    assert_int_equal(status_line(pid, "Seccomp:", 10), 2);
    assert_int_equal(status_line(pid, "Seccomp_filters:", 10), 1);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 0); /* not dumpable: root's, whoever the process is */
}

/* Core and simulator, and each thread of the core. */
static void expect_all_confined(uid_t uid)
{
    pid_t core = daemon_core(&d);
    expect_confined(core, uid);
    expect_confined(daemon_provider(&d, "sim"), uid);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)core);
    DIR *tasks = opendir(path);
    assert_non_null(tasks);
    int threads = 0;
    for (struct dirent *e; (e = readdir(tasks)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        expect_confined((pid_t)atoi(e->d_name), uid);
        threads++;
    }
    closedir(tasks);
    assert_int_equal(threads, 2); /* engine and door */
}

/* The simulator's lines are there, and an application is served. */
static void expect_service(void)
{
    struct peer p;
    int64_t until = test_now_ms() + WAIT_MS;
    while (daemon_number(&d, "totals", "lines") != 2)
        if (test_now_ms() >= until)
            fail_msg("there are not 2 lines\n%s", d.log);
    peer_attach_application(&p, &d, "guest");
    assert_true(peer_ping(&p));
    peer_close(&p);
}

static void live_through_deaths(uid_t uid)
{
    struct peer witness;
    peer_attach_application(&witness, &d, "witness");
    expect_service();
    expect_all_confined(uid);
    for (int i = 0; i < 3; i++) {
        kill(daemon_core(&d), SIGKILL);
        daemon_wait_log(&d, "the core is ready");
        assert_true(peer_ping(&witness));
        expect_service();
        kill(daemon_provider(&d, "sim"), SIGKILL);
        daemon_wait_log(&d, "attached to");
        expect_service();
        expect_all_confined(uid);
    }
    peer_close(&witness);
}

static void core_and_providers_are_confined_after_every_restart(void **state)
{
    (void)state;
    if (!cf_confine_filters())
        skip();
    start(sim, "");
    daemon_wait_log(&d, "attached to");
    live_through_deaths(getuid());
    assert_int_equal(daemon_number(&d, "settings", "sandbox"), 1);
    assert_null(strstr(d.log, "system call filter"));
    daemon_stop(&d);
}

static void everything_works_as_another_user(void **state)
{
    (void)state;
    if (!cf_confine_filters() || geteuid() != 0)
        skip();
    start("user = \"65534\"\n", sim);
    daemon_wait_log(&d, "attached to");
    struct stat st;
    assert_int_equal(stat(d.socket, &st), 0);
    assert_int_equal(st.st_uid, 65534);
    assert_int_equal(status_line(d.pid, "Uid:", 10), 0); /* the keeper */
    live_through_deaths(65534);
    assert_int_equal(daemon_number(&d, "settings", "user"), 65534);
    assert_null(strstr(d.log, "runs as root"));
    daemon_stop(&d);
}

static void a_provider_has_a_user_and_groups_of_its_own(void **state)
{
    (void)state;
    if (!cf_confine_filters() || geteuid() != 0)
        skip();
    start("user = \"65534\"\n",
          "provider sim { command = \"callfan-sim\" user = \"65533\" groups = {\"20\", \"tty\"} lines = 2 }\n");
    daemon_wait_log(&d, "attached to");
    expect_confined(daemon_core(&d), 65534);
    expect_confined(daemon_provider(&d, "sim"), 65533);
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/status", (int)daemon_provider(&d, "sim"));
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL && strncmp(line, "Groups:", 7) != 0)
        continue;
    fclose(f);
    assert_string_equal(line, "Groups:\t5 20 65533 65534 \n"); /* tty; that of the socket, by which it connects */
    expect_service();
    daemon_stop(&d);
}

/* It is no adapter of ours: it has its user, and gets no privileges; the rest is its own matter. */
static void a_foreign_program_gains_nothing(void **state)
{
    (void)state;
    char path[128];
    if (geteuid() != 0)
        skip();
    daemon_folder(&d);
    assert_int_equal(chmod(d.folder, 0755), 0);
    snprintf(path, sizeof path, "%s/program", d.folder);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs("#!/bin/sh\necho \"the program runs\" >&2\nexec sleep 1000\n", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
    char more[256];
    snprintf(more, sizeof more, "user = \"65534\"\nprovider foreign { command = \"%s\" }\n", path);
    daemon_configure(&d, more);
    daemon_launch(&d, NULL, NULL);
    daemon_wait_log(&d, "the program runs");
    pid_t pid = daemon_provider(&d, "foreign");
    assert_int_equal(status_line(pid, "Uid:", 10), 65534);
    assert_int_equal(status_line(pid, "CapBnd:", 16), 0);
    assert_int_equal(status_line(pid, "NoNewPrivs:", 10), 1);
    daemon_stop(&d);
}

static void without_the_sandbox_nothing_is_confined(void **state)
{
    (void)state;
    start("sandbox = false\n", sim);
    daemon_wait_log(&d, "attached to");
    assert_non_null(strstr(d.log, "sandbox = false: core and providers may make any system call"));
    pid_t pids[] = {daemon_core(&d), daemon_provider(&d, "sim")};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(status_line(pids[i], "Seccomp:", 10), 0);
        assert_int_equal(status_line(pids[i], "NoNewPrivs:", 10), 0);
    }
    assert_int_equal(daemon_number(&d, "settings", "sandbox"), 0);
    expect_service();
    daemon_stop(&d);
}

static void faults_are_told_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } faults[] = {
        {"\n\nuser = \"no-such-user\"\n", "callfan.conf:14: there is no user no-such-user"},
        {"\nprovider a {\n user = \"no-such-user\" }\n", "callfan.conf:14: there is no user no-such-user"},
        {"\nprovider a {\n groups = {\"tty\"} }\n",
         "callfan.conf:14: provider a has groups, but neither it nor callfand has a user"},
        {"user = \"65534\"\nprovider a {\n\n groups = {\"no-such-group\"} }\n",
         "callfan.conf:15: there is no group no-such-group"},
        {"\nprovider a {\n user = \"65534\" }\n",
         "callfan.conf:14: provider a could not connect: it has a user, but the socket has"},
        {"\nsandbox = maybe\n", "callfan.conf:13: "},
    };
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        daemon_folder(&d);
        daemon_configure(&d, faults[i].text);
        daemon_launch(&d, NULL, NULL);
        int status = daemon_wait_exit(&d);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 1 || strstr(d.log, faults[i].want) == NULL)
            fail_msg("'%s' led to %d and:\n%s", faults[i].text, status, d.log);
        daemon_remove_folder(&d);
    }
}

static void only_root_may_become_another_user(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    daemon_folder(&d);
    assert_int_equal(chmod(d.folder, 0777), 0);
    daemon_configure(&d, "user = \"65533\"\n");
    int log[2];
    assert_int_equal(pipe2(log, O_CLOEXEC), 0);
    d.pid = fork();
    if (d.pid == 0) {
        dup2(log[1], STDERR_FILENO);
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(9);
        execl(daemon_program(), "callfand", "--config", d.config, (char *)NULL);
        _exit(126);
    }
    close(log[1]);
    d.log_fd = log[0];
    int status = daemon_wait_exit(&d);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(d.log, "callfand must be started as root, or as user 65533 itself, to run as user 65533"));
    daemon_remove_folder(&d);
}

/* Started by hand; sandbox NULL: nothing is said of it. */
static void run_by_hand(const char *sandbox, unsigned long long filter)
{
    char program[512];
    snprintf(program, sizeof program, "%s/callfan-sim", getenv("CALLFAN_BIN"));
    start("provider sim { }\n", "");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        unsetenv("CALLFAN_SANDBOX");
        if (sandbox != NULL)
            setenv("CALLFAN_SANDBOX", sandbox, 1);
        execl(program, "callfan-sim", "--socket", d.socket, "--name", "sim", "--set", "lines=2", (char *)NULL);
        _exit(127);
    }
    expect_service();
    assert_int_equal(status_line(pid, "Seccomp:", 10), filter);
    assert_int_equal(status_line(pid, "NoNewPrivs:", 10), filter != 0);
    int status;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    daemon_stop(&d);
}

static void a_provider_run_by_hand_is_confined_unless_told_otherwise(void **state)
{
    (void)state;
    if (!cf_confine_filters())
        skip();
    run_by_hand(NULL, 2);
    run_by_hand("true", 2);
    run_by_hand("false", 0);
}

/* ------------------------------------------------------------------ breaking out */

/* This program as a provider that has been taken over. */
static int rogue(void)
{
    char why[256];
    cf_sandbox_begin();
    if (cf_sandbox_enter(0, why, sizeof why) != 0)
        return 9;
    execl("/bin/true", "true", (char *)NULL);
    return 8;
}

static void a_provider_that_breaks_out_is_killed_and_named(void **state)
{
    (void)state;
    char more[512], self[256];
    if (!cf_confine_filters())
        skip();
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    snprintf(more, sizeof more, "provider bad { command = \"%s\" args = {\"--rogue\"} restart_ms_min = 10 }\n", self);
    start(sim, more);
    daemon_wait_log(&d, "error: provider bad: process ");
    daemon_wait_log(&d, "was killed by its system call filter");
    daemon_wait_log(&d, "was killed by its system call filter"); /* started again, and again named */
    expect_service();
    daemon_stop(&d);
}

#ifdef __x86_64__
/*
 * As one who has taken the process over would: the system call in which it sleeps becomes another one. False: it does not sleep. Needs
 * CAP_SYS_PTRACE, as the core is hidden.
 */
static bool make_it_call(pid_t pid, unsigned long long number)
{
    int status;
    struct user_regs_struct regs;
    assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
    assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
    assert_int_equal(waitpid(pid, &status, __WALL), pid);
    assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
    bool sleeps = (long long)regs.orig_rax >= 0; /* the instruction before is `syscall` */
    if (sleeps) {
        regs.rip -= 2;
        regs.rax = number;
        regs.orig_rax = (unsigned long long)-1;
        assert_int_equal(ptrace(PTRACE_SETREGS, pid, NULL, &regs), 0);
    }
    assert_int_equal(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
    return sleeps;
}

static void a_core_that_breaks_out_is_killed_named_and_replaced(void **state)
{
    (void)state;
    static const unsigned long long calls[] = {SYS_openat, SYS_execve, SYS_socket, SYS_clone};
    struct peer witness;
    if (!cf_confine_filters() || geteuid() != 0)
        skip();
    start(sim, "");
    daemon_wait_log(&d, "attached to");
    peer_attach_application(&witness, &d, "witness");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        for (int turns = 0; turns < 3; turns++) /* three cores that get nowhere would lead to a cold start */
            assert_true(peer_ping(&witness));
        pid_t core = daemon_core(&d);
        int64_t until = test_now_ms() + WAIT_MS;
        while (!make_it_call(core, calls[i]))
            assert_true(test_now_ms() < until);
        daemon_wait_log(&d, "error: the core (process ");
        daemon_wait_log(&d, "was killed by its system call filter");
        daemon_wait_log(&d, "the core is ready");
    }
    assert_true(peer_ping(&witness));
    assert_int_equal(daemon_number(&d, "process", "cold_starts"), 0);
    peer_close(&witness);
    expect_service();
    daemon_stop(&d);
}
#endif

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(core_and_providers_are_confined_after_every_restart),
        cmocka_unit_test(everything_works_as_another_user),
        cmocka_unit_test(a_provider_has_a_user_and_groups_of_its_own),
        cmocka_unit_test(a_foreign_program_gains_nothing),
        cmocka_unit_test(without_the_sandbox_nothing_is_confined),
        cmocka_unit_test(faults_are_told_with_their_line),
        cmocka_unit_test(only_root_may_become_another_user),
        cmocka_unit_test(a_provider_run_by_hand_is_confined_unless_told_otherwise),
        cmocka_unit_test(a_provider_that_breaks_out_is_killed_and_named),
#ifdef __x86_64__
        cmocka_unit_test(a_core_that_breaks_out_is_killed_named_and_replaced),
#endif
    };
    if (argc > 1 && strcmp(argv[argc - 1], "--rogue") == 0)
        return rogue();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
