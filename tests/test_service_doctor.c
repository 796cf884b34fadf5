/* callfan doctor over a running service: healthy, and each kind of finding provoked. */
#define _GNU_SOURCE
#include "tests/support/conformance.h"

#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/callfan/status.h"
#include "shm/hello.h"
#include "tests/support/state_place.h"

/* ctest-timeout: 180 */

/* Small, so that what is full and what is damaged is easily found. */
#define LIMITS                                                                                                         \
    "applications = 8\nproviders = 4\nlines = 64\nopen_lines = 64\ncalls = 2048\nhandles = 2048\n"                     \
    "provider_hang_seconds = 0\n"

static struct test_service service;
static struct exchange exchange;

static void begin(void)
{
    service_start(&service, LIMITS EXCHANGE_SECTION);
    exchange_attach(&exchange, WORLD_LINES);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
}

static void end(void)
{
    exchange_detach(&exchange);
    service_stop(&service);
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* ------------------------------------------------------------------ asking */

static struct json_object *examine(uint32_t older_ms, bool full)
{
    int code;
    struct cf_hello hello = {.kind = CF_HELLO_DOCTOR,
                             .name = "test",
                             .doctor_flags = full ? CF_HELLO_DOCTOR_FULL : 0,
                             .doctor_older_ms = older_ms};
    struct json_object *o = cf_tool_service_ask("doctor", service.socket, &hello, &code);
    assert_non_null(o);
    return o;
}

static struct json_object *member(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    if (!json_object_object_get_ex(o, key, &v))
        fail_msg("no %s in %s", key, json_object_to_json_string(o));
    return v;
}

/* The text of the first finding of a kind that has that word; NULL: there is none. */
static const char *finding(struct json_object *o, const char *kind, const char *word)
{
    struct json_object *list = member(o, "findings");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *f = json_object_array_get_idx(list, i);
        const char *text = json_object_get_string(member(f, "text"));
        assert_true(json_object_get_string_len(member(f, "advice")) > 0);
        if (strcmp(json_object_get_string(member(f, "kind")), kind) == 0 && strstr(text, word) != NULL)
            return text;
    }
    return NULL;
}

static void assert_found(struct json_object *o, const char *kind, const char *word)
{
    if (finding(o, kind, word) == NULL)
        fail_msg("no finding %s with '%s' in %s", kind, word, json_object_to_json_string(member(o, "findings")));
    assert_false(json_object_get_boolean(member(o, "healthy")));
}

static void assert_healthy(struct json_object *o)
{
    if (!json_object_get_boolean(member(o, "healthy")))
        fail_msg("%s", json_object_to_json_string(member(o, "findings")));
    assert_int_equal(json_object_array_length(member(o, "findings")), 0);
}

/* The exit status of callfan with these words. */
static int callfan(const char *words)
{
    char line[512];
    const char *bin = getenv("CALLFAN_BIN");
    snprintf(line, sizeof line, "%s/callfan %s > %s/out 2>&1", bin != NULL ? bin : "build/release/bin", words,
             service.folder);
    int status = system(line);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int command(const char *words)
{
    char line[256];
    snprintf(line, sizeof line, "doctor %s", words);
    return callfan(line);
}

static bool command_said(const char *text)
{
    char line[512];
    bool said = false;
    snprintf(line, sizeof line, "%s/out", service.folder);
    FILE *f = fopen(line, "re");
    assert_non_null(f);
    while (!said && fgets(line, sizeof line, f) != NULL)
        said = strstr(line, text) != NULL;
    fclose(f);
    snprintf(line, sizeof line, "%s/out", service.folder);
    unlink(line);
    return said;
}

/* ------------------------------------------------------------------ cases */

static void a_healthy_service_is_healthy(void **state)
{
    struct client monitor;
    (void)state;
    begin();
    HLINE line = client_start(&monitor, MONITOR);
    uint64_t call = exchange_call(&exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
    HCALL handle = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    for (int full = 0; full < 2; full++) {
        struct json_object *o = examine(3600000, full != 0), *checked = member(o, "checked");
        assert_healthy(o);
        assert_true(json_object_get_boolean(member(checked, "full")) == (full != 0));
        assert_int_equal(json_object_get_int64(member(checked, "calls")), 1);
        assert_int_equal(json_object_get_int64(member(checked, "handles")), 1);
        assert_int_equal(json_object_get_int64(member(checked, "lines")), WORLD_LINES);
        assert_int_equal(json_object_get_int64(member(checked, "ports")), 3);
        if (full)
            assert_true(json_object_get_boolean(member(checked, "sums")));
        json_object_put(o);
    }
    assert_int_equal(command(""), 0);
    assert_true(command_said("healthy: nothing found"));
    assert_int_equal(command("--full"), 0);
    assert_true(command_said("the engine stood still"));
    assert_int_equal(command("--older x"), 2);
    assert_int_equal(command("--socket /nowhere/at/all"), 3);
    assert_true(command_said("nobody answers"));
    exchange_end(&exchange, call);
    client_state(&monitor, handle, LINECALLSTATE_DISCONNECTED);
    client_leave(&monitor);
    end();
}

/* Of 64; a number of a device is never free again. */
static void lines_that_are_nearly_used_up_are_told(void **state)
{
    (void)state;
    service_start(&service, LIMITS EXCHANGE_SECTION);
    exchange_attach(&exchange, 60);
    service_wait_status(&service, "totals.lines", 60);
    struct json_object *o = examine(3600000, false);
    assert_found(o, "limit", "60 of 64 lines are in use");
    json_object_put(o);
    end();
}

/* A core that is replaced because somebody asked for it is no fault. */
static void a_reload_is_no_finding(void **state)
{
    (void)state;
    begin();
    FILE *f = fopen(service.config, "ae");
    assert_non_null(f);
    fprintf(f, "access others { users = {\"1\"} }\n");
    assert_int_equal(fclose(f), 0);
    assert_int_equal(kill(service.pid, SIGHUP), 0);
    service_wait_status(&service, "process.core_replacements", 1);
    struct json_object *o = examine(3600000, false);
    assert_healthy(o);
    json_object_put(o);
    end();
}

static void an_old_call_is_told_with_who_holds_it(void **state)
{
    struct client monitor, owner;
    (void)state;
    begin();
    HLINE line = client_start(&monitor, MONITOR);
    HLINE owners = client_start(&owner, OWNER);
    exchange_call(&exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
    HCALL call = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    client_new_call(&owner, owners, OWNER, LINECALLSTATE_OFFERING);
    pause_ms(60);
    struct json_object *o = examine(50, false);
    assert_found(o, "calls", "1 calls had no event");
    struct json_object *c = json_object_array_get_idx(member(o, "calls"), 0), *holders = member(c, "holders");
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    char id[16];
    assert_error(lineGetCallInfo(call, &info), 0);
    snprintf(id, sizeof id, "%08x", info.dwCallID);
    assert_string_equal(json_object_get_string(member(c, "call_id")), id);
    assert_string_equal(json_object_get_string(member(c, "state")), "OFFERING");
    assert_int_equal(json_object_get_int64(member(c, "line")), 0);
    assert_true(json_object_get_double(member(c, "seconds")) >= 0.05);
    assert_int_equal(json_object_array_length(holders), 2);
    assert_int_equal(json_object_get_int64(member(c, "owners")), 1);
    json_object_put(o);
    o = examine(60000, false);
    assert_healthy(o);
    json_object_put(o);
    assert_int_equal(command("--older 0"), 1);
    assert_true(command_said("callfan drop ends one"));
    client_leave(&owner);
    client_leave(&monitor);
    end();
}

static void handles_of_idle_calls_are_told(void **state)
{
    struct client monitor;
    HCALL handles[3];
    (void)state;
    begin();
    HLINE line = client_start(&monitor, MONITOR);
    for (int i = 0; i < 3; i++) {
        uint64_t call = exchange_call(&exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
        handles[i] = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
        exchange_end(&exchange, call);
        client_state(&monitor, handles[i], LINECALLSTATE_DISCONNECTED);
        client_state(&monitor, handles[i], LINECALLSTATE_IDLE);
    }
    pause_ms(20);
    struct json_object *o = examine(10, false);
    assert_found(o, "idle", "application conformance");
    assert_found(o, "idle", "holds 3 handles of IDLE calls");
    assert_null(finding(o, "calls", ""));
    json_object_put(o);
    o = examine(3600000, false); /* for a minute that is nothing to say */
    assert_healthy(o);
    assert_int_equal(json_object_get_int64(member(json_object_array_get_idx(member(o, "idle"), 0), "handles")), 3);
    json_object_put(o);
    for (int i = 0; i < 3; i++)
        assert_error(lineDeallocateCall(handles[i]), 0);
    service_wait_status(&service, "totals.handles_live", 0);
    o = examine(10, false);
    assert_healthy(o);
    json_object_put(o);
    client_leave(&monitor);
    end();
}

static void who_does_not_read_is_told_to_be_behind(void **state)
{
    HLINEAPP app = 0;
    HLINE line = 0;
    DWORD devices = 0, version = TAPI_CURRENT_VERSION;
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    struct cf_init_options options = {.size = sizeof options, .ring_bytes = 65536};
    (void)state;
    begin();
    assert_error(cf_line_initialize(&app, NULL, "sleeper", &devices, &version, &params, &options), 0);
    assert_error(lineOpen(app, 0, &line, version, 0, 0, MONITOR, 0, NULL), 0);
    for (int i = 0; i < 1000; i++)
        exchange_call(&exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
    service_wait_status(&service, "totals.calls_live", 1000);
    pause_ms(30);
    struct json_object *o = examine(3600000, true), *behind = member(o, "behind");
    assert_found(o, "behind", "application sleeper");
    assert_int_equal(json_object_array_length(behind), 1);
    behind = json_object_array_get_idx(behind, 0);
    assert_true(json_object_get_int64(member(behind, "missed")) > 0);
    assert_true(json_object_get_double(member(behind, "seconds")) >= 0.03);
    assert_int_equal(json_object_get_int64(member(behind, "missed")),
                     service_port_number(&service, "sleeper", "missed"));
    json_object_put(o);
    assert_true(service_port_number(&service, "sleeper", "lawful") == 1);
    assert_error(lineShutdown(app), 0);
    end();
}

static void requests_without_an_answer_and_their_provider_are_told(void **state)
{
    struct client owner;
    (void)state;
    begin();
    HLINE line = client_start(&owner, OWNER);
    exchange_call(&exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
    HCALL call = client_new_call(&owner, line, OWNER, LINECALLSTATE_OFFERING);
    assert_true(lineDrop(call, NULL, 0) > 0);
    assert_true(lineAccept(call, NULL, 0) > 0);
    for (int i = 0; service_provider_number(&service, "stuck_seconds") < 2; i++) {
        assert_true(i < 600);
        pause_ms(50);
    }
    struct json_object *o = examine(1000, false);
    assert_found(o, "unanswered", "provider test");
    assert_found(o, "unanswered", "has not answered 2 requests");
    assert_found(o, "unanswered", "of application conformance");
    assert_found(o, "provider", "provider test has not taken its commands for");
    json_object_put(o);
    client_leave(&owner);
    end();
}

static void a_provider_that_is_not_there_is_told(void **state)
{
    (void)state;
    service_start(&service,
                  LIMITS EXCHANGE_SECTION "provider broken { command = \"/bin/false\"\n restart_ms_min = 60000\n restart_ms_max = 60000 }\n");
    exchange_attach(&exchange, WORLD_LINES);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
    service_wait_log(&service, "ended with status 1");
    struct json_object *o = examine(3600000, false);
    assert_found(o, "provider", "provider broken is not running");
    assert_null(finding(o, "provider", "provider test"));
    json_object_put(o);
    exchange_detach(&exchange);
    for (int i = 0; service_port_number(&service, "test", "pid") >= 0 && i < 6000; i++)
        pause_ms(5);
    o = examine(3600000, false);
    assert_found(o, "provider", "provider test is not there");
    json_object_put(o);
    service_stop(&service);
}

static void refused_records_and_restarts_are_told(void **state)
{
    struct cf_record junk = {.m = {.id = 0x7777}};
    (void)state;
    begin();
    assert_true(cf_provider_post_raw(exchange.provider, &junk));
    cf_provider_flush(exchange.provider);
    service_wait_status(&service, "totals.stale_events", 1);
    service_kill_core(&service);
    struct json_object *o = examine(3600000, false);
    assert_found(o, "records", "provider test");
    assert_found(o, "core", "was started again 1 times");
    json_object_put(o);
    end();
}

static void a_damaged_state_is_told(void **state)
{
    struct client monitor;
    (void)state;
    begin();
    HLINE line = client_start(&monitor, MONITOR);
    exchange_call(&exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
    client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    pid_t core = (pid_t)service_status(&service, "process.core_pid");
    unsigned long owners = state_place(service.config, STATE_FIRST_CALL_OWNERS);
    unsigned long live = state_place(service.config, STATE_LIVE_CALLS);
    bool spoiled = state_spoil(core, owners, 9, 1);
    assert_true(spoiled || geteuid() != 0);
    if (!spoiled) {
        end();
        skip();
    }
    struct json_object *o = examine(3600000, false);
    assert_found(o, "state", "call 0: 9 owners counted, 0 found");
    json_object_put(o);
    assert_int_equal(command(""), 1);
    assert_true(command_said("9 owners counted, 0 found"));
    assert_true(state_spoil(core, owners, 0, 1));
    assert_true(state_spoil(core, live, 2, 1));
    o = examine(3600000, true);
    assert_found(o, "state", "live");
    json_object_put(o);
    assert_true(state_spoil(core, live, 1, 1));
    o = examine(3600000, true);
    assert_healthy(o);
    json_object_put(o);
    client_leave(&monitor);
    end();
}

/* A counter of the first application: it has no part in sequence numbers that it should have. */
static void a_port_whose_law_does_not_hold_is_marked(void **state)
{
    struct client monitor;
    (void)state;
    begin();
    client_start(&monitor, MONITOR);
    pid_t core = (pid_t)service_status(&service, "process.core_pid");
    unsigned long missed = state_place(service.config, STATE_FIRST_APPLICATION_MISSED);
    assert_int_equal(callfan("status"), 0);
    assert_false(command_said(" != "));
    bool spoiled = state_spoil(core, missed, 3, 1);
    assert_true(spoiled || geteuid() != 0);
    if (!spoiled) {
        client_leave(&monitor);
        end();
        skip();
    }
    struct json_object *o = examine(3600000, false);
    assert_found(o, "law", "application conformance");
    assert_found(o, "state", "3 missed do not make sequence");
    json_object_put(o);
    assert_int_equal(service_port_number(&service, "conformance", "lawful"), 0);
    assert_int_equal(callfan("status"), 0);
    assert_true(command_said(" != "));
    assert_true(state_spoil(core, missed, 0, 1));
    o = examine(3600000, false);
    assert_healthy(o);
    json_object_put(o);
    client_leave(&monitor);
    end();
}

/* One after another, each with its own age; who leaves is not waited for. */
static void many_may_ask_at_once(void **state)
{
    enum { ASKING = 12 };
    pid_t pids[ASKING];
    (void)state;
    begin();
    for (int i = 0; i < ASKING; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct json_object *o = examine(i % 3 == 0 ? 0 : 1000000u + (unsigned)i, i % 2 != 0);
            double older = json_object_get_double(member(o, "older_seconds"));
            _exit(older == (i % 3 == 0 ? 0 : (1000000 + i) / 1000.0) ? 0 : 1);
        }
    }
    for (int i = 0; i < ASKING; i++) {
        int status;
        if (i == 5)
            kill(pids[i], SIGKILL);
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(i == 5 || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    }
    assert_int_equal(command(""), 0);
    assert_true(command_said("healthy"));
    end();
}

/* What stops all events is not for everybody who may connect. */
static void the_full_check_is_refused_to_others(void **state)
{
    (void)state;
    if (getuid() != 0)
        skip();
    service_start(&service, LIMITS "socket_mode = 0666\naccess look { users = {\"65534\"} status = true }\n" EXCHANGE_SECTION);
    exchange_attach(&exchange, WORLD_LINES);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
    assert_int_equal(chmod(service.folder, 0755), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int code = 0;
        struct cf_hello hello = {.kind = CF_HELLO_DOCTOR, .doctor_flags = CF_HELLO_DOCTOR_FULL};
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(2);
        bool refused = cf_tool_service_ask("doctor", service.socket, &hello, &code) == NULL && code == 1;
        hello.doctor_flags = 0;
        hello.doctor_older_ms = 1000000;
        _exit(refused && cf_tool_service_ask("doctor", service.socket, &hello, &code) != NULL ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    service_wait_status(&service, "door.refused", 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_service_is_healthy),
        cmocka_unit_test(a_reload_is_no_finding),
        cmocka_unit_test(lines_that_are_nearly_used_up_are_told),
        cmocka_unit_test(an_old_call_is_told_with_who_holds_it),
        cmocka_unit_test(handles_of_idle_calls_are_told),
        cmocka_unit_test(who_does_not_read_is_told_to_be_behind),
        cmocka_unit_test(requests_without_an_answer_and_their_provider_are_told),
        cmocka_unit_test(a_provider_that_is_not_there_is_told),
        cmocka_unit_test(refused_records_and_restarts_are_told),
        cmocka_unit_test(a_damaged_state_is_told),
        cmocka_unit_test(a_port_whose_law_does_not_hold_is_marked),
        cmocka_unit_test(the_full_check_is_refused_to_others),
        cmocka_unit_test(many_may_ask_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
