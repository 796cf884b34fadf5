/* The door of callfand: who gets in, who does not and why, how ports end, and that nobody disturbs the others. */
#define _GNU_SOURCE
#include "tests/test_keeper_peer.h"

#include <sys/mman.h>

/* ctest-timeout: 180 */

static struct daemon d;

/* Sends a packet, expects a refusal with that error and that text in it. */
static void expect_refusal(const void *packet, size_t bytes, int error, const char *text)
{
    struct peer p;
    int result = peer_say(&p, peer_connect(&d), packet, bytes);
    if (result != error || strstr(p.welcome.text, text) == NULL)
        fail_msg("refused with %d '%s', not with %d '%s'\n%s", result, p.welcome.text, error, text, d.log);
    assert_true(peer_hung_up(&p));
    close(p.socket);
}

static void refusals_say_what_is_wrong(void **state)
{
    (void)state;
    struct peer witness;
    char garbage[1024];
    memset(garbage, 0x5A, sizeof garbage);
    daemon_start(&d, "provider mine { }\nprovider started { command = \"/bin/false\"\n restart_ms_min = 60000\n "
                     "restart_ms_max = 60000 }\n");
    peer_attach_application(&witness, &d, "witness");

    expect_refusal(garbage, 1, -EINVAL, "a hello has 192 bytes, this packet 1");
    expect_refusal(garbage, sizeof(struct cf_hello), -EINVAL, "this is no hello");
    expect_refusal(garbage, sizeof garbage, -EINVAL, "a hello has 192 bytes");

    char says[80];
    struct cf_hello h = test_hello(CF_HELLO_APPLICATION, "other");
    h.version = 77;
    snprintf(says, sizeof says, "layout version %u, this peer version 77", CF_LAYOUT_VERSION);
    expect_refusal(&h, sizeof h, -EPROTO, says);
    h = test_hello((enum cf_hello_kind)9, "odd");
    expect_refusal(&h, sizeof h, -EINVAL, "kind 9");
    h = test_hello(CF_HELLO_APPLICATION, "odd");
    h.usage = 8;
    expect_refusal(&h, sizeof h, -EINVAL, "usage is 8");
    h = test_hello(CF_HELLO_APPLICATION, "odd");
    h.base_generation = 3;
    expect_refusal(&h, sizeof h, -EINVAL, "must be even");
    h = test_hello(CF_HELLO_PROVIDER, "nobody");
    expect_refusal(&h, sizeof h, -EACCES, "no provider nobody is configured");
    h = test_hello(CF_HELLO_PROVIDER, "started");
    expect_refusal(&h, sizeof h, -EACCES, "wrong token");

    assert_true(peer_ping(&witness));
    assert_int_equal(daemon_number(&d, "door", "refused"), 9);
    peer_close(&witness);
    daemon_stop(&d);
}

static void who_says_nothing_is_shown_out_in_time(void **state)
{
    (void)state;
    daemon_start(&d, "hello_ms = 300\n");
    expect_refusal(NULL, 0, -ETIMEDOUT, "no hello came in time");
    daemon_stop(&d);
}

static void the_ports_objects_cannot_be_abused(void **state)
{
    (void)state;
    struct peer p;
    daemon_start(&d, "");
    peer_attach_application(&p, &d, "curious");
    assert_ptr_equal(mmap(NULL, p.welcome.down_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p.fds[0], 0), MAP_FAILED);
    assert_int_equal(mprotect(p.down, p.welcome.down_bytes, PROT_READ | PROT_WRITE), -1);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", p.fds[0]);
    int again = open(path, O_RDWR | O_CLOEXEC);
    if (again >= 0) { /* as root it opens, but it does not become writable */
        assert_ptr_equal(mmap(NULL, p.welcome.down_bytes, PROT_WRITE, MAP_SHARED, again, 0), MAP_FAILED);
        assert_int_equal(ftruncate(again, 0), -1);
        close(again);
    }
    assert_int_equal(ftruncate(p.fds[1], 0), -1);
    assert_int_equal(p.down->header.port, p.welcome.port);
    assert_int_equal(p.down->header.generation, p.welcome.generation);
    assert_int_equal(p.down->header.down_slots, 65536 / 64);
    assert_int_equal(p.down->header.up_slots, 16384 / 64);
    assert_int_equal(p.down->header.reply_slots, 64);
    assert_int_equal(fcntl(p.fds[2], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    peer_close(&p);
    daemon_stop(&d);
}

static void wishes_are_bounded_by_the_configuration(void **state)
{
    (void)state;
    struct peer p;
    daemon_start(&d, "ring_bytes_max = 262144\nwake_interval_us = 777\n");
    static const struct {
        uint32_t wish;
        uint64_t slots;
    } rings[] = {{0, 1024}, {1, 1024}, {65537, 2048}, {262144, 4096}, {262145, 4096}, {UINT32_MAX, 4096}};
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
        struct cf_hello h = test_hello(CF_HELLO_APPLICATION, "wishful");
        h.ring_bytes = rings[i].wish;
        peer_attach(&p, &d, &h);
        assert_int_equal(p.down->header.down_slots, rings[i].slots);
        assert_int_equal(p.down->header.wake_interval_us, 777);
        assert_true(peer_ping(&p));
        peer_close(&p);
    }
    struct cf_hello h = test_hello(CF_HELLO_APPLICATION, "wishful");
    h.wake_interval_us = 0;
    peer_attach(&p, &d, &h);
    assert_int_equal(p.down->header.wake_interval_us, 0);
    peer_close(&p);
    daemon_stop(&d);
}

static void the_limit_of_applications_holds_and_numbers_are_used_again(void **state)
{
    (void)state;
    struct peer p[8], more;
    daemon_start(&d, "");
    struct cf_hello h = test_hello(CF_HELLO_APPLICATION, "many");
    for (int i = 0; i < 8; i++) {
        peer_attach(&p[i], &d, &h);
        assert_int_equal(p[i].welcome.port, 5 + i); /* after the door and 4 providers */
        assert_int_equal(p[i].welcome.generation, 1);
    }
    expect_refusal(&h, sizeof h, -ENOSPC, "all 8 applications");
    peer_close(&p[3]);
    daemon_wait_ports(&d, 7);
    peer_attach(&more, &d, &h);
    assert_int_equal(more.welcome.port, 8);
    assert_int_equal(more.welcome.generation, 2);
    assert_true(peer_ping(&more));
    p[3] = more;
    for (int i = 0; i < 8; i++) {
        assert_true(peer_ping(&p[i]));
        peer_close(&p[i]);
    }
    daemon_wait_ports(&d, 0);
    daemon_stop(&d);
}

static void many_attach_and_leave_without_a_trace(void **state)
{
    (void)state;
    daemon_start(&d, "");
    char command[64];
    struct peer p;
    size_t before = 0;
    pid_t core = daemon_core(&d);
    for (int i = 0; i < 60; i++) {
        peer_attach_application(&p, &d, "guest");
        assert_true(peer_ping(&p));
        peer_close(&p);
        daemon_wait_ports(&d, 0);
        if (i != 4 && i != 59)
            continue;
        size_t fds = 0;
        const pid_t both[] = {core, d.pid};
        for (int k = 0; k < 2; k++) {
            snprintf(command, sizeof command, "ls /proc/%d/fd | wc -l", (int)both[k]);
            FILE *f = popen(command, "re");
            int n = 0;
            assert_int_equal(fscanf(f, "%d", &n), 1);
            pclose(f);
            fds += (size_t)n;
        }
        if (i == 4)
            before = fds;
        else
            assert_in_range(fds, 1, before + 2); /* the asking connection itself may or may not be counted */
    }
    assert_int_equal(daemon_core(&d), core);
    daemon_stop(&d);
}

static void silent_visitors_do_not_keep_others_out(void **state)
{
    (void)state;
    int silent[20];
    struct peer p;
    daemon_start(&d, "hellos_max = 4\nhello_ms = 60000\n");
    for (int i = 0; i < 20; i++)
        silent[i] = peer_connect(&d);
    peer_attach_application(&p, &d, "brisk");
    assert_true(peer_ping(&p));
    peer_close(&p);
    for (int i = 0; i < 20; i++)
        close(silent[i]);
    daemon_stop(&d);
}

/* It shuts its end for reading, says hello, and stays. */
static void who_cannot_be_told_the_welcome_keeps_no_port(void **state)
{
    (void)state;
    daemon_start(&d, "");
    int fd = peer_connect(&d);
    struct cf_hello hello = test_hello(CF_HELLO_APPLICATION, "deaf");
    assert_int_equal(shutdown(fd, SHUT_RD), 0);
    assert_int_equal(send(fd, &hello, sizeof hello, MSG_NOSIGNAL), sizeof hello);
    for (int64_t until = test_now_ms() + WAIT_MS; daemon_number(&d, "door", "gone") != 1;)
        assert_true(test_now_ms() < until);
    daemon_wait_ports(&d, 0);
    close(fd);
    daemon_stop(&d);
}

static void who_talks_on_after_the_welcome_is_shown_out_alone(void **state)
{
    (void)state;
    struct peer quiet, loud;
    daemon_start(&d, "");
    peer_attach_application(&quiet, &d, "quiet");
    peer_attach_application(&loud, &d, "loud");
    assert_int_equal(cf_socket_send(loud.socket, "more", 4, NULL, 0), 0);
    daemon_wait_log(&d, "application loud on port 6 is gone");
    daemon_wait_ports(&d, 1);
    assert_true(peer_ping(&quiet));
    peer_close(&loud);
    peer_close(&quiet);
    daemon_stop(&d);
}

static void garbage_in_the_up_object_disturbs_nobody(void **state)
{
    (void)state;
    struct peer quiet, wild;
    daemon_start(&d, "");
    peer_attach_application(&quiet, &d, "quiet");
    peer_attach_application(&wild, &d, "wild");
    uint32_t seed = 12345;
    for (int round = 0; round < 50; round++) {
        uint32_t *word = (uint32_t *)(void *)wild.up;
        for (size_t i = 0; i < wild.welcome.up_bytes / 4; i++)
            word[i] = seed = seed * 1664525 + 1013904223;
        struct cf_slot *ring = cf_port_up_ring(wild.up);
        for (uint64_t i = 0; i < 256; i++) /* every slot claims to be committed, of some lap */
            cf_store_release_64(&ring[i].commit, (uint64_t)round * 256 + i + 1);
        cf_bell_ring_up(wild.fds[3]);
        assert_true(peer_ping(&quiet));
    }
    peer_close(&wild);
    daemon_wait_ports(&d, 1);
    assert_true(peer_ping(&quiet));
    assert_int_equal(daemon_number(&d, "process", "core_restarts"), 0);
    peer_close(&quiet);
    daemon_stop(&d);
}

/* A process attaches, its forked child keeps the socket open, then it is killed: the pidfd tells. */
static void a_death_is_seen_though_a_forked_child_holds_the_socket(void **state)
{
    (void)state;
    int told[2], hold[2];
    daemon_start(&d, "");
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    pid_t attached = fork();
    if (attached == 0) {
        struct peer p;
        char byte = 1;
        peer_attach_application(&p, &d, "parent");
        pid_t child = fork();
        if (child == 0) {
            close(hold[1]);
            ssize_t n = read(hold[0], &byte, 1); /* until the test ends */
            _exit(n == 0 ? 0 : 1);
        }
        if (write(told[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_int_equal(daemon_ports(&d), 1);
    kill(attached, SIGKILL);
    assert_int_equal(waitpid(attached, NULL, 0), attached);
    daemon_wait_ports(&d, 0);
    close(hold[1]);
    close(hold[0]);
    close(told[0]);
    close(told[1]);
    daemon_stop(&d);
}

static void status_is_whole_and_its_sums_hold(void **state)
{
    (void)state;
    struct peer p;
    daemon_start(&d, "provider mine { }\n");
    peer_attach_application(&p, &d, "counted \"one\"");
    for (int i = 0; i < 10; i++)
        assert_true(peer_ping(&p));
    struct json_object *s = daemon_status(&d), *ports, *name;
    assert_true(json_object_object_get_ex(s, "ports", &ports));
    assert_int_equal(json_object_array_length(ports), 1);
    struct json_object *port = json_object_array_get_idx(ports, 0), *o;
    static const char *const law[] = {"offered", "delivered", "pending", "missed", "cancelled", "requests", "pid"};
    int64_t values[7];
    for (int i = 0; i < 7; i++) {
        assert_true(json_object_object_get_ex(port, law[i], &o));
        values[i] = json_object_get_int64(o);
    }
    assert_int_equal(values[0], values[1] + values[2] + values[3] + values[4]);
    assert_int_equal(values[5], 10);
    assert_int_equal(values[6], getpid());
    assert_true(json_object_object_get_ex(port, "name", &name));
    assert_string_equal(json_object_get_string(name), "counted \"one\"");
    assert_int_equal(status_number(s, "limits", "applications"), 8);
    assert_int_equal(status_number(s, "process", "keeper_pid"), d.pid);
    json_object_put(s);
    peer_close(&p);
    daemon_stop(&d);
}

static void a_status_reader_that_does_not_read_is_left_behind(void **state)
{
    (void)state;
    int lazy[8];
    struct peer p;
    struct cf_hello h = test_hello(CF_HELLO_STATUS, "");
    daemon_start(&d, "");
    for (int i = 0; i < 8; i++) {
        lazy[i] = peer_connect(&d);
        assert_int_equal(cf_socket_send(lazy[i], &h, sizeof h, NULL, 0), 0);
    }
    peer_attach_application(&p, &d, "eager");
    assert_true(peer_ping(&p));
    assert_int_equal(daemon_ports(&d), 1);
    peer_close(&p);
    for (int i = 0; i < 8; i++)
        close(lazy[i]);
    daemon_stop(&d);
}

/* Two applications that are told the same do not fill the same sets of a cache; and a new core finds their rings where they are. */
static void down_rings_begin_apart(void **state)
{
    (void)state;
    struct peer p[2];
    daemon_start(&d, "");
    for (int i = 0; i < 2; i++)
        peer_attach_application(&p[i], &d, "apart");
    assert_true(p[0].up->down_ack != p[1].up->down_ack);
    assert_int_equal(kill(daemon_core(&d), SIGKILL), 0);
    for (int i = 0; i < 2; i++) {
        const uint64_t first = cf_port_down_first(p[i].welcome.port);
        assert_true(peer_ping(&p[i]));
        assert_int_equal(p[i].up->down_ack, first);
        assert_int_equal(cf_load_acquire_64(&p[i].down->down.tail), first); /* nothing was told */
    }
    assert_int_equal(daemon_number(&d, "process", "core_restarts"), 1);
    for (int i = 0; i < 2; i++)
        peer_close(&p[i]);
    daemon_stop(&d);
}

static void a_log_that_nobody_reads_stops_nobody(void **state)
{
    (void)state;
    struct peer p;
    daemon_start(&d, "");
    assert_true(fcntl(d.log_fd, F_SETPIPE_SZ, 4096) >= 0);
    for (int i = 0; i < 60; i++) {
        peer_attach_application(&p, &d, "guest");
        assert_true(peer_ping(&p));
        peer_close(&p);
        daemon_wait_ports(&d, 0);
    }
    assert_int_equal(kill(daemon_core(&d), SIGKILL), 0);
    peer_attach_application(&p, &d, "latecomer"); /* the keeper has restarted the core */
    assert_int_equal(daemon_number(&d, "process", "core_restarts"), 1);
    peer_close(&p);
    daemon_wait_ports(&d, 0);
    while (strstr(d.log, "application guest") == NULL || daemon_read_log(&d, test_now_ms()))
        daemon_read_log(&d, test_now_ms()); /* what the pipe holds */
    assert_null(strstr(d.log, "application latecomer")); /* longer lines than those that did not fit */
    peer_attach_application(&p, &d, "heard");
    daemon_wait_log(&d, "lines of log are lost");
    daemon_wait_log(&d, "application heard");
    peer_close(&p);
    daemon_stop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_say_what_is_wrong),
        cmocka_unit_test(who_says_nothing_is_shown_out_in_time),
        cmocka_unit_test(the_ports_objects_cannot_be_abused),
        cmocka_unit_test(wishes_are_bounded_by_the_configuration),
        cmocka_unit_test(the_limit_of_applications_holds_and_numbers_are_used_again),
        cmocka_unit_test(many_attach_and_leave_without_a_trace),
        cmocka_unit_test(silent_visitors_do_not_keep_others_out),
        cmocka_unit_test(who_cannot_be_told_the_welcome_keeps_no_port),
        cmocka_unit_test(who_talks_on_after_the_welcome_is_shown_out_alone),
        cmocka_unit_test(garbage_in_the_up_object_disturbs_nobody),
        cmocka_unit_test(a_death_is_seen_though_a_forked_child_holds_the_socket),
        cmocka_unit_test(status_is_whole_and_its_sums_hold),
        cmocka_unit_test(a_status_reader_that_does_not_read_is_left_behind),
        cmocka_unit_test(down_rings_begin_apart),
        cmocka_unit_test(a_log_that_nobody_reads_stops_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
