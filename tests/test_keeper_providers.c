/* The keeper and its providers' programs: started with what they need, restarted with pauses, ended with callfand, reloaded. */
#define _GNU_SOURCE
#include "tests/test_keeper_peer.h"

/* ctest-timeout: 180 */

static struct daemon d;

/* A program that writes down how it was called, says so in the log, and stays. */
static const char *write_program(const char *name, const char *before_exec)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", d.folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "#!/bin/sh\necho \"$CALLFAN_TOKEN\" > %s/token-$4\necho \"$@\" > %s/args-$4\necho $$ > %s/pid-$4\n%s\necho "
            "\"program $4 runs\" >&2\nexec sleep 1000\n",
            d.folder, d.folder, d.folder, before_exec);
    fclose(f);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

/* The line that the program of a provider wrote. */
static void read_note(const char *what, const char *provider, char *line, size_t bytes)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s-%s", d.folder, what, provider);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, (int)bytes, f));
    fclose(f);
    line[strcspn(line, "\n")] = '\0';
}

static pid_t note_pid(const char *provider)
{
    char line[32];
    read_note("pid", provider, line, sizeof line);
    return (pid_t)atoi(line);
}

static int try_provider(struct peer *p, const char *name, const char *token)
{
    struct cf_hello h = test_hello(CF_HELLO_PROVIDER, name);
    snprintf(h.token, sizeof h.token, "%s", token);
    return peer_say(p, peer_connect(&d), &h, sizeof h);
}

static void launch(const char *more)
{
    daemon_configure(&d, more);
    daemon_launch(&d, NULL, NULL);
    daemon_wait_log(&d, "limits:"); /* before any program is started */
}

static void a_program_gets_its_arguments_and_a_token_that_lets_it_in(void **state)
{
    (void)state;
    char more[512], line[512], want[512];
    struct peer p;
    daemon_folder(&d);
    snprintf(more, sizeof more,
             "provider none { }\nprovider one { command = \"%s\"\n args = {\"--fast\", \"a b\"}\n rate = 5\n }\n",
             write_program("program", ""));
    launch(more);
    daemon_wait_log(&d, "program one runs");
    read_note("args", "one", line, sizeof line);
    snprintf(want, sizeof want, "--socket %s --name one --config %s --fast a b", d.socket, d.config);
    assert_string_equal(line, want);

    read_note("token", "one", line, sizeof line);
    assert_int_equal(strlen(line), 32);
    assert_int_equal(try_provider(&p, "one", line), 0);
    peer_map(&p);
    assert_int_equal(p.welcome.port, 2); /* the second of the configuration */
    assert_int_equal(p.down->header.kind, CF_PORT_PROVIDER);
    assert_int_equal(p.down->header.reply_slots, 0);
    assert_int_equal(p.down->header.up_slots, 65536 / 64);

    struct peer twin;
    assert_int_equal(try_provider(&twin, "one", line), -EAGAIN);
    close(twin.socket);
    peer_close(&p);
    daemon_wait_ports(&d, 0);
    assert_int_equal(try_provider(&p, "one", line), 0);
    assert_int_equal(p.welcome.port, 2);
    assert_int_equal(p.welcome.generation, 2);
    peer_close(&p);
    daemon_stop(&d);
}

static void a_killed_program_starts_again_with_another_token(void **state)
{
    (void)state;
    char more[512], old[64], new[64];
    struct peer p;
    daemon_folder(&d);
    snprintf(more, sizeof more, "provider one { command = \"%s\"\n restart_ms_min = 1 }\n",
             write_program("program", ""));
    launch(more);
    daemon_wait_log(&d, "program one runs");
    read_note("token", "one", old, sizeof old);
    assert_int_equal(kill(note_pid("one"), SIGKILL), 0);
    daemon_wait_log(&d, "died of signal 9");
    daemon_wait_log(&d, "program one runs");
    read_note("token", "one", new, sizeof new);
    assert_string_not_equal(old, new);
    assert_int_equal(try_provider(&p, "one", old), -EACCES);
    close(p.socket);
    assert_int_equal(try_provider(&p, "one", new), 0);
    peer_close(&p);

    kill(daemon_core(&d), SIGKILL); /* a new core knows the token too */
    daemon_wait_log(&d, "the core is ready");
    daemon_wait_ports(&d, 0);
    assert_int_equal(try_provider(&p, "one", new), 0);
    peer_close(&p);
    daemon_stop(&d);
}

static void pauses_double_up_to_their_maximum(void **state)
{
    (void)state;
    daemon_folder(&d);
    /* A program that lives for longer than the maximum begins anew: that is far more than this one needs on a busy machine. */
    launch("provider one { command = \"/bin/false\"\n restart_ms_min = 250\n restart_ms_max = 900 }\n");
    daemon_wait_log(&d, "starts again in 250 ms");
    daemon_wait_log(&d, "starts again in 500 ms");
    daemon_wait_log(&d, "starts again in 900 ms");
    daemon_wait_log(&d, "starts again in 900 ms");
    assert_int_equal(daemon_number(&d, "process", "core_restarts"), 0);
    daemon_stop(&d);
}

static void a_program_that_is_nowhere_is_named(void **state)
{
    (void)state;
    daemon_folder(&d);
    launch("provider one { command = \"callfan-there-is-no-such\" }\n");
    daemon_wait_log(&d, "provider one: cannot find the program callfan-there-is-no-such");
    daemon_stop(&d);
}

static void programs_end_when_the_keeper_is_killed(void **state)
{
    (void)state;
    char more[512];
    daemon_folder(&d);
    snprintf(more, sizeof more, "provider one { command = \"%s\" }\n", write_program("program", ""));
    launch(more);
    daemon_wait_log(&d, "program one runs");
    assert_int_equal(kill(d.pid, SIGKILL), 0);
    daemon_wait_exit(&d); /* the program holds the log open: its end is that of the program too */
    daemon_remove_folder(&d);
}

static void a_program_that_ignores_sigterm_is_killed(void **state)
{
    (void)state;
    char more[512];
    daemon_folder(&d);
    snprintf(more, sizeof more, "provider one { command = \"%s\" }\n", write_program("program", "trap '' TERM"));
    launch(more);
    daemon_wait_log(&d, "program one runs");
    assert_int_equal(kill(d.pid, SIGTERM), 0);
    daemon_wait_log(&d, "does not end; killing it");
    int status = daemon_wait_exit(&d);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    daemon_remove_folder(&d);
}

static void reload(const char *more, const char *expect)
{
    daemon_configure(&d, more);
    assert_int_equal(kill(d.pid, SIGHUP), 0);
    daemon_wait_log(&d, expect);
}

static void sighup_starts_ends_and_restarts_what_changed(void **state)
{
    (void)state;
    char more[1024];
    struct peer p;
    daemon_folder(&d);
    const char *program = write_program("program", "");
    snprintf(more, sizeof more, "provider one { command = \"%s\" }\nprovider two { command = \"%s\" }\n", program,
             program);
    launch(more);
    peer_attach_application(&p, &d, "witness");
    while (strstr(d.log, "program one runs") == NULL || strstr(d.log, "program two runs") == NULL)
        assert_true(daemon_read_log(&d, test_now_ms() + WAIT_MS));
    d.log_seen = d.log_bytes;
    pid_t one = note_pid("one");

    /* one unchanged but moved, two gone, three new */
    snprintf(more, sizeof more, "# moved\n\nprovider three { command = \"%s\" }\nprovider one {   command = \"%s\" }\n",
             program, program);
    reload(more, "provider two is no longer configured");
    daemon_wait_log(&d, "the configuration is reloaded");
    daemon_wait_log(&d, "program three runs");
    assert_int_equal(note_pid("one"), one);
    assert_int_equal(kill(one, 0), 0);

    /* one has another setting of its own */
    snprintf(more, sizeof more, "provider three { command = \"%s\" }\nprovider one { command = \"%s\"\n rate = 7 }\n",
             program, program);
    reload(more, "the configuration is reloaded");
    daemon_wait_log(&d, "program one runs");
    assert_int_not_equal(note_pid("one"), one);

    /* a broken file changes nothing */
    reload("nonsense = 3\n", "the configuration is not reloaded");
    assert_non_null(strstr(d.log, "no such option or section: nonsense"));

    /* what cannot be reloaded is said, the rest is */
    snprintf(more, sizeof more,
             "provider three { command = \"%s\" }\nprovider one { command = \"%s\"\n rate = 7 }\nspin_us = "
             "77\nhang_seconds = 9\nprovider_hang_seconds = 8\n"
             "close_policy = keep\nhellos_max = 5\n",
             program, program);
    reload(more, "needing a restart of callfand: hellos_max, close_policy");
    assert_int_equal(daemon_number(&d, "settings", "spin_us"), 77);
    assert_int_equal(daemon_number(&d, "settings", "hang_seconds"), 9);
    assert_int_equal(daemon_number(&d, "settings", "provider_hang_seconds"), 8);
    assert_true(peer_ping(&p));
    peer_close(&p);
    daemon_stop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_gets_its_arguments_and_a_token_that_lets_it_in),
        cmocka_unit_test(a_killed_program_starts_again_with_another_token),
        cmocka_unit_test(pauses_double_up_to_their_maximum),
        cmocka_unit_test(a_program_that_is_nowhere_is_named),
        cmocka_unit_test(programs_end_when_the_keeper_is_killed),
        cmocka_unit_test(a_program_that_ignores_sigterm_is_killed),
        cmocka_unit_test(sighup_starts_ends_and_restarts_what_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
