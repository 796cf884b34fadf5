/* Who gets in by the access sections of the configuration, at a running callfand; what is shown of it; a reload. */
#define _GNU_SOURCE
#include "tests/support/access_user.h"

#include <grp.h>
#include <inttypes.h>

/* ctest-timeout: 240 */

/* ------------------------------------------------------------------ who gets in */

static void with_sections_nobody_else_is_let_in(void **state)
{
    (void)state;
    access_start("provider outside { }\naccess few { users = {\"1000\"}\n status = true\n own = {\"*\"}\n provider = "
                 "{\"outside\"} }\n");
    access_expect_denied(&access_nobody, CF_HELLO_APPLICATION, "x",
                         "user 65534 has no access: add users = {\"65534\"}");
    assert_int_equal(access_status(&access_nobody), -EACCES);
    assert_non_null(strstr(access_said->text, "user 65534 has no access"));
    access_expect_denied(&access_nobody, CF_HELLO_PROVIDER, "outside", "user 65534 may not be a provider");
    daemon_wait_log(&access_daemon, "of user 65534 is refused: user 65534 has no access");
    assert_int_equal(daemon_number(&access_daemon, "door", "denied"), 3);
    assert_int_equal(daemon_number(&access_daemon, "door", "refused"), 3);
    assert_int_equal(access_hello(&access_root, CF_HELLO_APPLICATION, "x"), 0);
    assert_int_equal(access_status(&access_root), 0);
    const struct identity widest = {4294967293u, 4294967293u, 0}; /* the longest sentence */
    access_expect_denied(&widest, CF_HELLO_APPLICATION, "x", "user 4294967293 has no access");
    daemon_stop(&access_daemon);
}

static void without_sections_the_sockets_group_has_everything(void **state)
{
    (void)state;
    char text[128];
    struct group *group = getgrnam("daemon");
    assert_non_null(group);
    access_start_exchanges("provider outside { }\nsocket_group = daemon\n");
    access_expect_denied(&access_nobody, CF_HELLO_APPLICATION, "x", "add it to socket_group, or users = {\"65534\"}");
    const struct identity by_primary = {STRANGER, group->gr_gid, 0}, by_other = {STRANGER, STRANGER, group->gr_gid},
                          of_another = {STRANGER, STRANGER, group->gr_gid + 1};
    assert_int_equal(access_hello(&by_primary, CF_HELLO_APPLICATION, "x"), 0);
    assert_int_equal(access_hello(&by_other, CF_HELLO_APPLICATION, "x"), 0);
    assert_int_equal(access_status(&by_other), 0);
    access_expect_denied(&by_other, CF_HELLO_PROVIDER, "outside", "user 12345 may not be a provider"); /* but that */
    snprintf(text, sizeof text, "user %u has no access", (unsigned)STRANGER);
    access_expect_denied(&of_another, CF_HELLO_APPLICATION, "x", text);
    access_expect_denied(&of_another, CF_HELLO_APPLICATION, "x", text);
    assert_int_equal(access_hello(&access_root, CF_HELLO_APPLICATION, "x"), 0);
    daemon_stop(&access_daemon);
}

static void without_a_group_only_root_is_there(void **state)
{
    (void)state;
    access_start("");
    access_expect_denied(&access_nobody, CF_HELLO_APPLICATION, "x", "user 65534 has no access");
    assert_int_equal(access_status(&access_nobody), -EACCES);
    assert_int_equal(access_hello(&access_root, CF_HELLO_APPLICATION, "x"), 0);
    daemon_stop(&access_daemon);
}

/* callfand runs as an ordinary user: it has everything, whatever the sections say. */
static void callfands_own_user_has_everything(void **state)
{
    (void)state;
    int log[2];
    const char *program = daemon_program();
    daemon_folder(&access_daemon);
    assert_int_equal(chown(access_daemon.folder, STRANGER, STRANGER), 0);
    assert_int_equal(chmod(access_daemon.folder, 0755), 0);
    access_configure("access few { users = {\"1000\"} }\n");
    assert_int_equal(pipe2(log, O_CLOEXEC), 0);
    access_daemon.pid = fork();
    if (access_daemon.pid == 0) {
        access_begin_child();
        access_become(&access_stranger);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        unsetenv("JOURNAL_STREAM");
        dup2(log[1], STDOUT_FILENO);
        dup2(log[1], STDERR_FILENO);
        alarm(0); /* it would outlive exec */
        execl(program, "callfand", "--config", access_daemon.config, (char *)NULL);
        _exit(126);
    }
    close(log[1]);
    access_daemon.log_fd = log[0];
    daemon_wait_log(&access_daemon, "the core is ready");
    assert_int_equal(access_hello(&access_stranger, CF_HELLO_APPLICATION, "x"), 0);
    assert_int_equal(access_status(&access_stranger), 0);
    access_expect_denied(&access_nobody, CF_HELLO_APPLICATION, "x", "user 65534 has no access");
    assert_int_equal(access_hello(&access_root, CF_HELLO_APPLICATION, "x"), 0);
    daemon_stop(&access_daemon);
}

static void the_first_section_that_names_somebody_counts(void **state)
{
    (void)state;
    access_start("access first { groups = {\"4711\"}\n monitor = {\"*\"}\n status = true }\n"
                 "access second { users = {\"nobody\", \"12345\"}\n own = {\"*\"} }\n"
                 "access third { users = {\"12345\"}\n status = true }\n");
    const struct identity both = {STRANGER, STRANGER, 4711}, primary = {NOBODY, 4711, 0};
    assert_int_equal(access_status(&access_stranger), -EACCES); /* not the third */
    assert_non_null(strstr(access_said->text, "access second of callfan.conf lacks status = true"));
    assert_int_equal(access_status(&access_nobody), -EACCES); /* by name */
    assert_int_equal(access_status(&both), 0);
    assert_int_equal(access_status(&primary), 0);
    assert_int_equal(access_hello(&access_stranger, CF_HELLO_APPLICATION, "x"), 0);
    assert_int_equal(access_hello(&both, CF_HELLO_APPLICATION, "x"), 0);
    daemon_stop(&access_daemon);
}

static void external_providers_are_granted_by_name(void **state)
{
    (void)state;
    access_start(
        "provider outside { }\nprovider other { }\n"
        "access may { users = {\"12345\"}\n provider = {\"outside\"} }\naccess none { users = {\"nobody\"}\n own = "
        "{\"*\"} }\n");
    access_expect_denied(&access_stranger, CF_HELLO_PROVIDER, "other", "user 12345 may not be a provider");
    assert_non_null(strstr(access_said->text, "lacks provider = {\"other\"}"));
    access_expect_denied(&access_nobody, CF_HELLO_PROVIDER, "outside", "user 65534 may not be a provider");
    assert_int_equal(access_hello(&access_stranger, CF_HELLO_PROVIDER, "outside"), 0);
    assert_int_equal(access_hello(&access_root, CF_HELLO_PROVIDER, "other"), 0);
    daemon_stop(&access_daemon);
}

/* The tools tell what the refusal says, not only TAPI's error. */
static void run_tool(LONG *results, const void *arg)
{
    char command[1024];
    (void)arg;
    snprintf(command, sizeof command, "%s/callfan lines 2>&1", getenv("CALLFAN_BIN"));
    FILE *f = popen(command, "re");
    if (f == NULL || fgets(access_said->text, sizeof access_said->text, f) == NULL)
        return;
    results[0] = pclose(f);
}

static void tools_tell_why_they_are_refused(void **state)
{
    (void)state;
    LONG results[RESULTS];
    access_start("access few { users = {\"1000\"} }\n");
    memset(access_said, 0, sizeof *access_said);
    access_as(&access_nobody, run_tool, NULL, results);
    assert_int_not_equal(results[0], 0);
    assert_non_null(strstr(access_said->text, "callfan lines: refused by the service at "));
    assert_non_null(strstr(access_said->text, ": user 65534 has no access"));
    daemon_stop(&access_daemon);
}

static void the_status_shows_section_and_limits(void **state)
{
    (void)state;
    struct guest g;
    struct json_object *o;
    access_start_exchanges("access tight { users = {\"nobody\"}\n own = {\"*\"}\n handles = 5\n open_lines = 3\n "
                           "requests_per_turn = 2 }\n");
    guest_invite(&g, &access_nobody);
    struct json_object *status = daemon_status(&access_daemon), *port = access_first_port(status);
    assert_true(json_object_object_get_ex(port, "access", &o));
    assert_string_equal(json_object_get_string(o), "tight");
    assert_true(json_object_object_get_ex(port, "handles_max", &o));
    assert_int_equal(json_object_get_int64(o), 5);
    assert_true(json_object_object_get_ex(port, "open_lines_max", &o));
    assert_int_equal(json_object_get_int64(o), 3);
    assert_true(json_object_object_get_ex(port, "requests_per_turn", &o));
    assert_int_equal(json_object_get_int64(o), 2);
    json_object_put(status);
    guest_leaves(&g);
    daemon_wait_ports(&access_daemon, 2);
    struct peer p;
    peer_attach_application(&p, &access_daemon, "root's");
    status = daemon_status(&access_daemon);
    port = access_first_port(status);
    assert_true(json_object_object_get_ex(port, "access", &o));
    assert_null(o);
    assert_true(json_object_object_get_ex(port, "handles_max", &o));
    assert_int_equal(json_object_get_int64(o), 1024);
    json_object_put(status);
    peer_close(&p);
    daemon_stop(&access_daemon);
}

static void rights_survive_the_core(void **state)
{
    (void)state;
    struct guest g;
    access_start_exchanges("access watch { users = {\"nobody\"}\n monitor = {\"alpha:2\"} }\n");
    guest_invite(&g, &access_nobody);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(guest_opens(&g, ALPHA, 2, MONITOR), 0);
        assert_int_equal(guest_opens(&g, ALPHA, 2, OWNER), LINEERR_INVALPRIVSELECT);
        assert_int_equal(guest_opens(&g, ALPHA, 1, MONITOR), LINEERR_INVALPRIVSELECT);
        if (i == 0)
            assert_int_equal(kill(daemon_core(&access_daemon), SIGKILL), 0);
    }
    assert_int_equal(daemon_number(&access_daemon, "process", "core_restarts"), 1);
    guest_leaves(&g);
    daemon_stop(&access_daemon);
}

/* ------------------------------------------------------------------ a reload */

static void reload(const char *access, const char *until)
{
    char text[3072];
    snprintf(text, sizeof text, "%s%s", access_exchanges, access);
    access_configure(text);
    assert_int_equal(kill(access_daemon.pid, SIGHUP), 0);
    daemon_wait_log(&access_daemon, "the configuration is reloaded");
    daemon_wait_log(&access_daemon, until);
}

static void changed_sections_take_effect_and_drop_nothing(void **state)
{
    (void)state;
    struct guest early;
    struct peer witness;
    access_start_exchanges("access watch { users = {\"nobody\"}\n monitor = {\"alpha\"} }\n");
    guest_invite(&early, &access_nobody);
    peer_attach_application(&witness, &access_daemon, "witness");
    access_expect_denied(&access_stranger, CF_HELLO_APPLICATION, "x", "user 12345 has no access");
    pid_t core = daemon_core(&access_daemon);

    reload("access agent { users = {\"12345\"}\n own = {\"alpha:3\"} }\n", "the core is ready");
    assert_int_not_equal(daemon_core(&access_daemon), core);
    assert_int_equal(daemon_number(&access_daemon, "process", "core_restarts"), 0);
    assert_int_equal(daemon_number(&access_daemon, "process", "core_replacements"), 1);
    assert_int_equal(daemon_number(&access_daemon, "process", "cold_starts"), 0);
    struct json_object *status = daemon_status(&access_daemon), *process = NULL, *last_end = NULL;
    assert_true(json_object_object_get_ex(status, "process", &process));
    assert_true(json_object_object_get_ex(process, "last_core_end", &last_end));
    assert_null(last_end); /* no core has died */
    json_object_put(status);
    assert_true(peer_ping(&witness));
    assert_int_equal(access_hello(&access_stranger, CF_HELLO_APPLICATION, "x"), 0);
    access_expect_denied(&access_nobody, CF_HELLO_APPLICATION, "x", "user 65534 has no access"); /* who comes now */
    assert_int_equal(guest_opens(&early, ALPHA, 0, MONITOR), 0); /* who was there keeps what it had */
    assert_int_equal(guest_opens(&early, ALPHA, 3, OWNER), LINEERR_INVALPRIVSELECT);

    core = daemon_core(&access_daemon);
    for (int i = 0; i < 2; i++) /* when the second one is read, the first would have been acted upon */
        reload("# the same in other words\naccess agent { users = {12345} own = {\"alpha:3-3\"} }\n", "");
    assert_true(peer_ping(&witness));
    assert_null(strstr(strstr(access_daemon.log, "is replaced by one") + 1, "is replaced by one"));
    assert_int_equal(daemon_core(&access_daemon), core); /* nothing has changed */

    for (int i = 0; i < 8; i++) {
        char text[128], all[3072];
        snprintf(text, sizeof text, "access agent { users = {\"12345\"}\n own = {\"alpha:%d\"} }\n", i % 2);
        struct peer newcomer; /* comes while the core goes */
        snprintf(all, sizeof all, "%s%s", access_exchanges, text);
        access_configure(all);
        assert_int_equal(kill(access_daemon.pid, SIGHUP), 0);
        peer_attach_application(&newcomer, &access_daemon, "newcomer");
        daemon_wait_log(&access_daemon, "the core is ready");
        assert_true(peer_ping(&newcomer));
        assert_true(peer_ping(&witness));
        peer_close(&newcomer);
    }
    assert_int_equal(daemon_number(&access_daemon, "process", "core_restarts"), 0);
    assert_int_equal(daemon_number(&access_daemon, "process", "core_replacements"), 9);
    assert_int_equal(daemon_number(&access_daemon, "process", "cold_starts"), 0);
    assert_null(strstr(access_daemon.log, "died of signal"));
    guest_leaves(&early);
    peer_close(&witness);
    daemon_stop(&access_daemon);
}

/* The core is stopped when it is asked to end: it is killed, and that is no failed restart either. */
static void a_core_that_does_not_end_is_killed_for_a_reload(void **state)
{
    (void)state;
    struct peer witness;
    access_start_exchanges("access one { users = {\"nobody\"} }\n");
    peer_attach_application(&witness, &access_daemon, "witness");
    assert_int_equal(kill(daemon_core(&access_daemon), SIGSTOP), 0);
    reload("access two { users = {\"12345\"} }\n", "does not end in time");
    daemon_wait_log(&access_daemon, "the core is ready");
    assert_true(peer_ping(&witness));
    assert_int_equal(daemon_number(&access_daemon, "process", "core_replacements"), 1);
    assert_int_equal(daemon_number(&access_daemon, "process", "core_restarts"), 0);
    assert_int_equal(access_hello(&access_stranger, CF_HELLO_APPLICATION, "x"), 0);
    peer_close(&witness);
    daemon_stop(&access_daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_sections_nobody_else_is_let_in),
        cmocka_unit_test(without_sections_the_sockets_group_has_everything),
        cmocka_unit_test(without_a_group_only_root_is_there),
        cmocka_unit_test(callfands_own_user_has_everything),
        cmocka_unit_test(the_first_section_that_names_somebody_counts),
        cmocka_unit_test(external_providers_are_granted_by_name),
        cmocka_unit_test(tools_tell_why_they_are_refused),
        cmocka_unit_test(the_status_shows_section_and_limits),
        cmocka_unit_test(rights_survive_the_core),
        cmocka_unit_test(changed_sections_take_effect_and_drop_nothing),
        cmocka_unit_test(a_core_that_does_not_end_is_killed_for_a_reload),
    };
    return access_run(tests, sizeof tests / sizeof tests[0]);
}
