/* A log that nobody reads: keeper, door, engine and providers go on, are replaced and end, and what was lost is told. */
#define _GNU_SOURCE
#include "tests/test_keeper_peer.h"

#include <sys/syscall.h>

/* ctest-timeout: 180 */

enum { REFUSALS = 100, GUESTS = 50 };

#define SIM                                                                                                            \
    "provider sim { command = \"callfan-sim\"\n lines = 3\n rate = 100\n when = always\n"                              \
    "restart_ms_min = 1 }\n"

static struct daemon d;

/* Not a byte more goes into it. */
static void fill_log(void)
{
    char path[64], junk[4096];
    memset(junk, '-', sizeof junk);
    junk[sizeof junk - 1] = '\n';
    snprintf(path, sizeof path, "/proc/self/fd/%d", d.log_fd);
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t bytes = sizeof junk; bytes != 0; bytes = bytes == 1 ? 0 : bytes / 2)
        while (write(fd, junk + sizeof junk - bytes, bytes) == (ssize_t)bytes)
            continue;
    assert_int_equal(errno, EAGAIN);
    close(fd);
}

static void read_log(void)
{
    d.log_bytes = d.log_seen = 0;
    while (daemon_read_log(&d, test_now_ms()))
        continue;
}

/* Each costs a line, as far as lines of refusals and ports are written. */
static void make_lines(void)
{
    struct peer p;
    for (int i = 0; i < REFUSALS; i++) {
        assert_int_equal(peer_say(&p, peer_connect(&d), "nonsense", 8), -EINVAL);
        close(p.socket);
    }
    for (int i = 0; i < GUESTS; i++) {
        peer_attach_application(&p, &d, "guest");
        assert_true(peer_ping(&p));
        peer_close(&p);
    }
}

/* The provider reports calls; nobody is there to act on them, and the engine says so. */
static void wait_for_calls(void)
{
    int64_t until = test_now_ms() + WAIT_MS, made = daemon_number(&d, "totals", "calls_refused");
    while (daemon_number(&d, "totals", "calls_refused") < made + 10)
        if (test_now_ms() >= until)
            fail_msg("no calls come any more");
}

static void wait_for_number(const char *key, int64_t value)
{
    int64_t until = test_now_ms() + WAIT_MS;
    while (daemon_number(&d, "process", key) != value)
        if (test_now_ms() >= until)
            fail_msg("%s is not %d", key, (int)value);
}

static void wait_for_another_provider(pid_t old)
{
    int64_t until = test_now_ms() + WAIT_MS;
    for (;;) {
        struct json_object *status = daemon_status(&d), *list = NULL, *pid = NULL;
        assert_true(json_object_object_get_ex(status, "providers", &list));
        assert_true(json_object_object_get_ex(json_object_array_get_idx(list, 0), "pid", &pid));
        pid_t new = json_object_get_int(pid);
        json_object_put(status);
        if (new > 1 && new != old)
            return;
        if (test_now_ms() >= until)
            fail_msg("the provider is not started again");
    }
}

static void replace_everybody(void)
{
    struct peer stays;
    peer_attach_application(&stays, &d, "stays");
    wait_for_calls();
    assert_int_equal(kill(daemon_core(&d), SIGKILL), 0);
    wait_for_number("core_restarts", 1);
    assert_true(peer_ping(&stays));
    wait_for_calls();
    pid_t old = daemon_provider(&d, "sim");
    assert_int_equal(kill(old, SIGKILL), 0);
    wait_for_another_provider(old);
    wait_for_calls();
    daemon_configure(&d, SIM "access others { users = {\"1\"} }\n");
    assert_int_equal(kill(d.pid, SIGHUP), 0);
    wait_for_number("core_replacements", 1);
    assert_true(peer_ping(&stays));
    wait_for_calls();
    peer_close(&stays);
}

/* The keeper's end, which nobody hears of but its parent. */
static void wait_for_end(void)
{
    int fd = (int)syscall(SYS_pidfd_open, d.pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, WAIT_MS) != 1)
        fail_msg("it does not end");
    close(fd);
}

static void a_full_log_stops_nobody(void **state)
{
    (void)state;
    daemon_start(&d, SIM);
    daemon_wait_log(&d, "attached to");
    fill_log();
    make_lines();
    replace_everybody();
    assert_int_equal(daemon_number(&d, "process", "cold_starts"), 0);

    read_log();
    assert_null(strstr(d.log, "guest"));
    make_lines();
    daemon_wait_log(&d, "callfand: ");
    daemon_wait_log(&d, " lines of log are lost");
    daemon_wait_log(&d, "application guest");

    fill_log();
    assert_int_equal(kill(d.pid, SIGTERM), 0);
    wait_for_end();
    read_log();
    int status = daemon_wait_exit(&d);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(access(d.socket, F_OK), -1);
    daemon_remove_folder(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_log_stops_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
