/* callfand's life: start, end, the core's death at any moment, cold starts. */
#define _GNU_SOURCE
#include "tests/test_keeper_peer.h"

#include <limits.h>

#include "shm/journal.h"

/* ctest-timeout: 300 */

static struct daemon d;

static void kill_core(struct daemon *at)
{
    assert_int_equal(kill(daemon_core(at), SIGKILL), 0);
    daemon_wait_log(at, "the core is ready");
}

static void sigterm_ends_everything_with_status_0(void **state)
{
    (void)state;
    struct peer p;
    daemon_start(&d, "");
    peer_attach_application(&p, &d, "first");
    pid_t core = daemon_core(&d);
    daemon_stop(&d);
    assert_int_equal(kill(core, 0), -1);
    assert_true(peer_hung_up(&p));
    peer_close(&p);
}

/* As service managers do. */
static void a_signal_to_all_of_its_processes_ends_it_in_order(void **state)
{
    (void)state;
    daemon_start(&d, "");
    pid_t core = daemon_core(&d);
    assert_int_equal(kill(core, SIGTERM), 0);
    assert_int_equal(kill(core, SIGHUP), 0);
    daemon_stop(&d);
    assert_null(strstr(d.log, "died of signal"));
}

static void a_second_callfand_on_the_socket_is_told_so(void **state)
{
    (void)state;
    static struct daemon second;
    daemon_start(&d, "");
    second = d;
    second.log_bytes = second.log_seen = 0;
    daemon_launch(&second, NULL, NULL);
    daemon_wait_log(&second, "another callfand serves");
    int status = daemon_wait_exit(&second);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    struct peer p;
    peer_attach_application(&p, &d, "undisturbed");
    assert_true(peer_ping(&p));
    peer_close(&p);
    daemon_stop(&d);
}

static void the_socket_of_a_killed_callfand_is_taken_over(void **state)
{
    (void)state;
    daemon_start(&d, "");
    assert_int_equal(kill(d.pid, SIGKILL), 0);
    int status = daemon_wait_exit(&d); /* the log ends: the core ended with its keeper */
    assert_true(WIFSIGNALED(status));
    assert_int_equal(access(d.socket, F_OK), 0);
    daemon_launch(&d, NULL, NULL);
    daemon_wait_log(&d, "the core is ready");
    daemon_stop(&d);
}

static void ports_live_on_when_the_core_is_killed(void **state)
{
    (void)state;
    struct peer p[3];
    daemon_start(&d, "");
    for (int i = 0; i < 3; i++)
        peer_attach_application(&p[i], &d, "steady");
    for (int round = 0; round < 10; round++) {
        kill_core(&d);
        for (int i = 0; i < 3; i++)
            if (!peer_ping(&p[i]))
                fail_msg("no answer after death %d\n%s", round + 1, d.log);
    }
    assert_int_equal(daemon_number(&d, "process", "core_restarts"), 10);
    assert_int_equal(daemon_number(&d, "process", "cold_starts"), 0);
    assert_int_equal(daemon_ports(&d), 3);
    for (int i = 0; i < 3; i++)
        peer_close(&p[i]);
    daemon_wait_ports(&d, 0);
    daemon_stop(&d);
}

static void a_peer_that_dies_with_the_core_is_noticed(void **state)
{
    (void)state;
    struct peer stays, leaves;
    daemon_start(&d, "");
    peer_attach_application(&stays, &d, "stays");
    peer_attach_application(&leaves, &d, "leaves");
    pid_t core = daemon_core(&d);
    assert_int_equal(kill(core, SIGSTOP), 0);
    peer_close(&leaves);
    assert_int_equal(kill(core, SIGKILL), 0);
    daemon_wait_log(&d, "the core is ready");
    daemon_wait_ports(&d, 1);
    assert_true(peer_ping(&stays));
    peer_close(&stays);
    daemon_stop(&d);
}

static size_t open_files(pid_t pid)
{
    char command[64];
    int n = 0;
    snprintf(command, sizeof command, "ls /proc/%d/fd | wc -l", (int)pid);
    FILE *f = popen(command, "re");
    assert_int_equal(fscanf(f, "%d", &n), 1);
    pclose(f);
    return (size_t)n;
}

/* Comes and goes until stop becomes readable. Exits with the number of visits, 0 upon a failure. */
static pid_t fork_guest(int stop)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct pollfd f = {.fd = stop, .events = POLLIN};
    int visits = 0;
    while (poll(&f, 1, 0) == 0) {
        struct peer p;
        peer_attach_application(&p, &d, "guest");
        for (int i = 0; i < 3; i++)
            if (!peer_ping(&p))
                _exit(0);
        peer_close(&p);
        visits++;
    }
    _exit(visits > 100 ? 100 : visits);
}

/* Deaths hit every step of making and ending a port. */
static void guests_come_and_go_while_the_core_dies_again_and_again(void **state)
{
    (void)state;
    enum { GUESTS = 3, DEATHS = 25 };
    int stop[2];
    pid_t guests[GUESTS];
    struct peer stays;
    daemon_start(&d, "");
    peer_attach_application(&stays, &d, "stays");
    kill_core(&d); /* the keeper has done all that the dead one had asked of it */
    size_t files = open_files(d.pid);
    assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
    for (int i = 0; i < GUESTS; i++)
        guests[i] = fork_guest(stop[0]);
    for (int i = 0; i < DEATHS; i++)
        kill_core(&d);
    assert_int_equal(write(stop[1], "x", 1), 1);
    for (int i = 0; i < GUESTS; i++) {
        int status = 0;
        assert_int_equal(waitpid(guests[i], &status, 0), guests[i]);
        if (!WIFEXITED(status) || WEXITSTATUS(status) == 0)
            fail_msg("a guest ended with %d\n%s", status, d.log);
    }
    assert_true(peer_ping(&stays));
    daemon_wait_ports(&d, 1);
    kill_core(&d);
    assert_int_equal(open_files(d.pid), files);
    assert_int_equal(daemon_number(&d, "process", "core_restarts"), DEATHS + 2);
    assert_int_equal(daemon_number(&d, "process", "cold_starts"), 0);
    peer_close(&stays);
    close(stop[0]);
    close(stop[1]);
    daemon_stop(&d);
}

/* Dies at the n-th point of a kind while an application attaches, asks, leaves, and another comes. */
static bool survive_crash_at(const char *kind, unsigned n)
{
    char at[32];
    struct peer p;
    snprintf(at, sizeof at, "%s:%u", kind, n);
    daemon_folder(&d);
    daemon_configure(&d, "");
    daemon_launch(&d, "--crash-at", at);
    daemon_wait_log(&d, "limits:"); /* it listens */
    peer_attach_application(&p, &d, "first");
    for (int i = 0; i < 4; i++)
        if (!peer_ping(&p))
            fail_msg("no answer around %s\n%s", at, d.log);
    peer_close(&p);
    daemon_wait_ports(&d, 0);
    peer_attach_application(&p, &d, "second");
    assert_true(peer_ping(&p));
    assert_int_equal(daemon_ports(&d), 1);
    peer_close(&p);
    struct json_object *status = daemon_status(&d);
    bool crashed = status_number(status, "process", "core_restarts") == 1;
    assert_int_equal(status_number(status, "process", "cold_starts"), 0);
    json_object_put(status);
    daemon_stop(&d);
    return crashed;
}

static void every_kind_of_crash_point_is_survived(void **state)
{
    (void)state;
    static const char *const kinds[] = {"touch", "output", "commit", "publish", "door"};
    bool quick = strcmp(getenv("CALLFAN_BUILD") != NULL ? getenv("CALLFAN_BUILD") : "plain", "plain") != 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        unsigned crashes = 0, step = quick ? 7 : 1;
        for (unsigned n = 1; n <= (quick ? 22u : 40u); n += step)
            crashes += survive_crash_at(kinds[i], n);
        if (crashes == 0)
            fail_msg("no crash at any %s", kinds[i]);
    }
}

/* Overwrites the state with a byte, from one offset to another. False: this system does not let us. */
static bool spoil_state(pid_t core, int byte, unsigned long from, unsigned long to)
{
    char path[64], line[512];
    unsigned long first = 0, last;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)core);
    FILE *maps = fopen(path, "r");
    assert_non_null(maps);
    last = 0;
    while (first == 0 && fgets(line, sizeof line, maps) != NULL)
        if (strstr(line, "rw-s") != NULL && strstr(line, "callfan-state") != NULL &&
            sscanf(line, "%lx-%lx", &first, &last) != 2)
            first = 0;
    fclose(maps);
    assert_true(first != 0);
    snprintf(path, sizeof path, "/proc/%d/mem", (int)core);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (to > last - first)
        to = last - first;
    char *junk = malloc(to - from);
    assert_non_null(junk);
    memset(junk, byte, to - from);
    bool spoiled = pwrite(fd, junk, to - from, (off_t)(first + from)) == (ssize_t)(to - from);
    free(junk);
    close(fd);
    return spoiled;
}

/* A core over spoiled state, then what is expected in the log before a cold start. */
static void start_cold_after(int byte, unsigned long from, unsigned long to, const char *expect)
{
    struct peer p;
    daemon_start(&d, "");
    peer_attach_application(&p, &d, "old");
    pid_t core = daemon_core(&d);
    assert_int_equal(kill(core, SIGSTOP), 0);
    bool spoiled = spoil_state(core, byte, from, to);
    assert_true(spoiled || geteuid() != 0);
    assert_int_equal(kill(core, SIGKILL), 0);
    if (!spoiled) {
        daemon_stop(&d);
        peer_close(&p);
        skip();
    }
    daemon_wait_log(&d, expect);
    daemon_wait_log(&d, "the core is ready");
    assert_true(peer_hung_up(&p));
    peer_close(&p);
    peer_attach_application(&p, &d, "new");
    assert_true(peer_ping(&p));
    assert_int_equal(daemon_number(&d, "process", "cold_starts"), 1);
    peer_close(&p);
    daemon_stop(&d);
}

static void state_that_is_no_state_leads_to_a_cold_start(void **state)
{
    (void)state;
    start_cold_after(0, 0, 64, "cold start: the core could not use its state");
}

/* Control and journal stay, so that the state looks like one; nothing else of it makes sense. */
static void three_restarts_without_a_turn_lead_to_a_cold_start(void **state)
{
    (void)state;
    start_cold_after(0x5A, sizeof(struct cf_journal_log) + (64 << 10), ULONG_MAX,
                     "cold start: three restarts in a row did not lead to a turn");
}

static void a_core_that_stands_still_is_replaced(void **state)
{
    (void)state;
    struct peer p;
    daemon_start(&d, "hang_seconds = 1\n");
    peer_attach_application(&p, &d, "patient");
    assert_int_equal(kill(daemon_core(&d), SIGSTOP), 0);
    daemon_wait_log(&d, "stands still");
    daemon_wait_log(&d, "the core is ready");
    assert_true(peer_ping(&p));
    peer_close(&p);
    daemon_stop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigterm_ends_everything_with_status_0),
        cmocka_unit_test(a_signal_to_all_of_its_processes_ends_it_in_order),
        cmocka_unit_test(a_second_callfand_on_the_socket_is_told_so),
        cmocka_unit_test(the_socket_of_a_killed_callfand_is_taken_over),
        cmocka_unit_test(ports_live_on_when_the_core_is_killed),
        cmocka_unit_test(a_peer_that_dies_with_the_core_is_noticed),
        cmocka_unit_test(guests_come_and_go_while_the_core_dies_again_and_again),
        cmocka_unit_test(every_kind_of_crash_point_is_survived),
        cmocka_unit_test(state_that_is_no_state_leads_to_a_cold_start),
        cmocka_unit_test(three_restarts_without_a_turn_lead_to_a_cold_start),
        cmocka_unit_test(a_core_that_stands_still_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
