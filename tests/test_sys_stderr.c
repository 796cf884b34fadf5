/* Lines on a standard error that is full, shared and read by nobody: who speaks goes on, and what was lost is told. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/atomics.h"
#include "shm/sys_stderr.h"

enum { WAIT_MS = 20000, SETTLED = 3, MORE = 97, TEXT_BYTES = 8 << 20, NOBODY = 65534 };

/* What a child saw: its standard error is not the test's. */
static struct outcome {
    uint32_t taken, lost, stop, puts[3]; /* of each speaker */
    bool described; /* its description waits as it did before */
    char text[TEXT_BYTES];
} *seen;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int setup(void **state)
{
    (void)state;
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return seen == MAP_FAILED;
}

static int teardown(void **state)
{
    (void)state;
    return munmap(seen, sizeof *seen);
}

static pid_t fork_with_stderr(int fd)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    if (dup2(fd, STDERR_FILENO) < 0)
        _exit(1);
    return 0;
}

static void wait_good(pid_t pid)
{
    int status = 0, fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, WAIT_MS) != 1) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        fail_msg("it waits for who reads its standard error");
    }
    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool put(const char *line)
{
    return cf_stderr_put(line, strlen(line));
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cf_stderr_say(format, arguments);
    va_end(arguments);
}

/* Adds what can be read now to the text; at the end nothing is left. */
static void read_on(int fd, size_t *used)
{
    struct pollfd f = {.fd = fd, .events = POLLIN};
    ssize_t n;
    while (*used < TEXT_BYTES - 1 && poll(&f, 1, 100) == 1 &&
           (n = read(fd, seen->text + *used, TEXT_BYTES - 1 - *used)) > 0)
        *used += (size_t)n;
    seen->text[*used] = '\0';
}

/* Fills it, says MORE in vain, reads all, and says one more. */
static void speak(int out, int in)
{
    size_t used = 0;
    int flags = fcntl(out, F_GETFL);
    cf_stderr_begin("speaker");
    while (seen->lost < SETTLED) {
        if (put("speaker: one of many\n")) { /* shorter than what tells of the lost */
            seen->taken++;
            seen->lost = 0;
        } else {
            seen->lost++;
            poll(NULL, 0, 20); /* a terminal hands on what it has some time later, and says so to nobody */
        }
    }
    while (seen->lost < SETTLED + MORE && !put("speaker: lost\n"))
        seen->lost++;
    seen->described = fcntl(STDERR_FILENO, F_GETFL) == flags && (flags & O_NONBLOCK) == 0;
    read_on(in, &used);
    for (int64_t until = now_ms() + WAIT_MS; strstr(seen->text, "speaker: heard") == NULL && now_ms() < until;) {
        say("%s", "heard");
        read_on(in, &used);
    }
    _exit(0);
}

static void fill_and_go_on(int out, int in, uid_t user)
{
    pid_t pid = fork_with_stderr(out);
    if (pid == 0 && user != 0 && (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0))
        _exit(2);
    if (pid == 0)
        speak(out, in);
    wait_good(pid);
    assert_true(seen->taken > 10);
    assert_int_equal(seen->lost, SETTLED + MORE);
    assert_true(seen->described);
    assert_null(strstr(seen->text, "speaker: lost"));
    const char *told = strstr(seen->text, "speaker: 100 lines of log are lost");
    assert_non_null(told);
    assert_non_null(strstr(told, "speaker: heard"));
    assert_null(strstr(strchr(told, '\n'), "are lost")); /* once */
    close(out);
    close(in);
}

static void a_full_pipe_stops_nobody(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fill_and_go_on(ends[1], ends[0], 0);
}

/* As that of a supervisor that runs as root: it cannot be opened again. */
static void a_full_pipe_of_another_user_stops_nobody(void **state)
{
    (void)state;
    int ends[2];
    if (geteuid() != 0)
        skip();
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fill_and_go_on(ends[1], ends[0], NOBODY);
}

static void a_full_socket_stops_nobody(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fill_and_go_on(ends[1], ends[0], 0);
}

static void a_terminal_that_stands_still_stops_nobody(void **state)
{
    (void)state;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    fill_and_go_on(slave, master, 0);
}

static void lines_go_to_a_file_and_long_ones_are_cut(void **state)
{
    (void)state;
    char path[] = "/tmp/callfan-test-XXXXXX", text[3 * CF_STDERR_LINE_MAX];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    pid_t pid = fork_with_stderr(fd);
    if (pid == 0) {
        cf_stderr_begin("speaker");
        say("%s %d", "number", 1);
        say("%0*d", 2 * CF_STDERR_LINE_MAX, 0);
        _exit(put("the end\n") ? 0 : 1);
    }
    wait_good(pid);
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
    static const char first[] = "speaker: number 1\n";
    assert_memory_equal(text, first, sizeof first - 1);
    const char *second = text + sizeof first - 1, *end = strchr(second, '\n');
    assert_non_null(end);
    assert_int_equal(end + 1 - second, CF_STDERR_LINE_MAX - 1);
    assert_string_equal(end, "\nthe end\n");
    close(fd);
}

static void a_fork_does_not_tell_what_its_parent_lost(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork_with_stderr(ends[1]);
    if (pid == 0) {
        size_t used = 0;
        cf_stderr_begin("speaker");
        while (put("speaker: one of many\n"))
            continue;
        read_on(ends[0], &used);
        pid_t child = fork();
        if (child == 0) {
            cf_stderr_forked();
            say("child");
            _exit(0);
        }
        waitpid(child, NULL, 0);
        say("parent");
        used = 0;
        read_on(ends[0], &used);
        _exit(0);
    }
    wait_good(pid);
    assert_string_equal(seen->text, "speaker: child\nspeaker: 1 lines of log are lost\nspeaker: parent\n");
    close(ends[0]);
    close(ends[1]);
}

/* ------------------------------------------------------------------ a pipe that others fill too */

enum { SPEAKERS = 3, BURSTS = 200, BURSTS_MS = 5000, READS = 8, LINE = 1000, PAGE = 4096 };

static pid_t fork_speaker(int out, int number)
{
    char line[LINE];
    pid_t pid = fork_with_stderr(out);
    if (pid != 0)
        return pid;
    memset(line, 'a' + number, LINE - 1);
    line[LINE - 1] = '\n';
    cf_stderr_begin("speaker");
    while (cf_load_relaxed_32(&seen->stop) == 0) {
        cf_stderr_put(line, LINE);
        cf_add_relaxed_32(&seen->puts[number], 1);
    }
    _exit(0);
}

/* Nobody reads meanwhile. */
static void wait_until_each_goes_on(void)
{
    int64_t until = now_ms() + WAIT_MS;
    for (int i = 0; i < SPEAKERS; i++) {
        uint32_t from = cf_load_relaxed_32(&seen->puts[i]);
        while (cf_load_relaxed_32(&seen->puts[i]) - from < 2) {
            if (now_ms() > until)
                fail_msg("speaker %d waits", i);
            sched_yield();
        }
    }
}

/* One that waits, as most programs do: whatever room comes, one write takes it. */
static pid_t fork_neighbour(int out)
{
    char line[PAGE];
    pid_t pid = fork_with_stderr(out);
    if (pid != 0)
        return pid;
    memset(line, 'z', PAGE - 1);
    line[PAGE - 1] = '\n';
    while (write(STDERR_FILENO, line, PAGE) == PAGE)
        continue;
    _exit(0);
}

static void assert_whole_lines(size_t used)
{
    seen->text[used] = '\0';
    for (const char *at = seen->text, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        if (strncmp(at, "speaker: ", 9) == 0)
            continue; /* how many are lost */
        ptrdiff_t bytes = *at == 'z' ? PAGE : LINE;
        assert_int_equal(end + 1 - at, bytes);
        assert_int_equal(strspn(at, (char[]){*at, '\0'}), bytes - 1);
    }
}

static void no_speaker_waits_although_another_program_fills_the_pipe(void **state)
{
    (void)state;
    int ends[2];
    size_t used = 0;
    pid_t speakers[SPEAKERS];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 0);
    for (int i = 0; i < SPEAKERS; i++)
        speakers[i] = fork_speaker(ends[1], i);
    pid_t neighbour = fork_neighbour(ends[1]);
    const int64_t until = now_ms() + BURSTS_MS;
    for (int burst = 0; burst < BURSTS && now_ms() < until; burst++) {
        for (int i = 0; i < READS; i++) {
            ssize_t n = read(ends[0], seen->text + used, PAGE);
            assert_true(n > 0);
            used += (size_t)n;
        }
        wait_until_each_goes_on();
    }
    cf_store_relaxed_32(&seen->stop, 1);
    for (int i = 0; i < SPEAKERS; i++)
        wait_good(speakers[i]);
    kill(neighbour, SIGKILL);
    assert_int_equal(waitpid(neighbour, NULL, 0), neighbour);
    assert_whole_lines(used);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_pipe_stops_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_pipe_of_another_user_stops_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_socket_stops_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_terminal_that_stands_still_stops_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_go_to_a_file_and_long_ones_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fork_does_not_tell_what_its_parent_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(no_speaker_waits_although_another_program_fills_the_pipe, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
