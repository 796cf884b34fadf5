/* lineInitializeEx: arguments, the door's answers, several usages, fork. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/fake_app.h"

static int core_setup(void **state)
{
    struct fake_app *a = calloc(1, sizeof *a);
    a->core = fake_core_start();
    *state = a;
    return 0;
}

static LONG join_with(struct fake_app *a, struct cf_init_options *o, const char *name)
{
    DWORD devices, version = CF_TAPI_VERSION_2_2;
    o->socket_path = a->core->path;
    return cf_line_initialize(&a->app, NULL, name, &devices, &version, NULL, o);
}

/* ------------------------------------------------------------------ arguments */

static void arguments_are_checked_before_anybody_is_asked(void **state)
{
    struct fake_app *a = *state;
    HLINEAPP app;
    DWORD devices, version = CF_TAPI_VERSION_2_2, old = 0x00010002;
    LINEINITIALIZEEXPARAMS p = {.dwTotalSize = sizeof p - 1, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    char name[65];
    assert_int_equal(lineInitializeEx(NULL, NULL, NULL, "x", &devices, &version, NULL), LINEERR_INVALPOINTER);
    assert_int_equal(lineInitializeEx(&app, NULL, NULL, "x", NULL, &version, NULL), LINEERR_INVALPOINTER);
    assert_int_equal(lineInitializeEx(&app, NULL, NULL, "x", &devices, NULL, NULL), LINEERR_INVALPOINTER);
    assert_int_equal(lineInitializeEx(&app, NULL, NULL, "x", &devices, &version, &p), LINEERR_STRUCTURETOOSMALL);
    p.dwTotalSize = sizeof p;
    p.dwOptions = LINEINITIALIZEEXOPTION_USECOMPLETIONPORT;
    assert_int_equal(lineInitializeEx(&app, NULL, NULL, "x", &devices, &version, &p), LINEERR_INVALPARAM);
    p.dwOptions = LINEINITIALIZEEXOPTION_USEEVENT | LINEINITIALIZEEXOPTION_CALLHUBTRACKING;
    assert_int_equal(lineInitializeEx(&app, NULL, NULL, "x", &devices, &version, &p), LINEERR_INVALPARAM);
    p.dwOptions = 0;
    assert_int_equal(lineInitializeEx(&app, NULL, NULL, "x", &devices, &version, &p), LINEERR_INVALPARAM);
    assert_int_equal(lineInitializeEx(&app, NULL, NULL, "x", &devices, &old, NULL), LINEERR_INCOMPATIBLEAPIVERSION);
    memset(name, 'n', 64);
    name[64] = '\0';
    assert_int_equal(lineInitializeEx(&app, NULL, NULL, name, &devices, &version, NULL), LINEERR_INVALAPPNAME);
    assert_int_equal(lineInitializeEx(&app, NULL, NULL, "", &devices, &version, NULL), LINEERR_INVALAPPNAME);
    assert_int_equal(lineInitializeEx(&app, NULL, NULL, "\xff", &devices, &version, NULL), LINEERR_INVALAPPNAME);
    assert_int_equal(lineInitializeEx(&app, NULL, NULL, "a\xc3", &devices, &version, NULL), LINEERR_INVALAPPNAME);

    struct cf_init_options o = {.size = sizeof o + 1};
    assert_int_equal(join_with(a, &o, "x"), LINEERR_INVALPARAM);
    o = (struct cf_init_options){.size = 2};
    assert_int_equal(join_with(a, &o, "x"), LINEERR_INVALPARAM);
    o = (struct cf_init_options){.size = sizeof o, .flags = 2};
    assert_int_equal(join_with(a, &o, "x"), LINEERR_INVALPARAM);
    o = (struct cf_init_options){.size = sizeof o, .ring_bytes = 0x80000000};
    assert_int_equal(join_with(a, &o, "x"), LINEERR_INVALPARAM);
    assert_int_equal(a->core->hellos, 0);
}

static void options_travel_in_the_hello(void **state)
{
    struct fake_app *a = *state;
    struct cf_init_options o = {.size = sizeof o, .ring_bytes = 70000, .wake_interval_us = CF_INIT_NONE};
    assert_int_equal(join_with(a, &o, "wallboard \xc3\xa9"), 0);
    const struct cf_hello *h = &fake_core_port(a->core, 0)->hello;
    assert_int_equal(h->ring_bytes, 131072);
    assert_int_equal(h->wake_interval_us, 0);
    assert_string_equal(h->name, "wallboard \xc3\xa9");
    assert_int_equal(h->version, CF_LAYOUT_VERSION);
    assert_int_equal(lineShutdown(a->app), 0);
    o = (struct cf_init_options){.size = sizeof o, .wake_interval_us = 40};
    assert_int_equal(join_with(a, &o, NULL), 0); /* named after the program */
    h = &fake_core_port(a->core, 1)->hello;
    assert_int_equal(h->ring_bytes, 0);
    assert_int_equal(h->wake_interval_us, 40);
    assert_int_not_equal(h->name[0], 0);
    assert_int_equal(lineShutdown(a->app), 0);
    o = (struct cf_init_options){.size = sizeof o};
    assert_int_equal(join_with(a, &o, "x"), 0);
    assert_int_equal(fake_core_port(a->core, 2)->hello.wake_interval_us, UINT32_MAX);
}

static void socket_is_taken_from_the_environment(void **state)
{
    struct fake_app *a = *state;
    DWORD devices = 0, version = 0x00030001;
    LINEINITIALIZEEXPARAMS p = {.dwTotalSize = sizeof p, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    assert_int_equal(setenv("CALLFAN_SOCKET", a->core->path, 1), 0);
    assert_int_equal(lineInitializeEx(&a->app, NULL, NULL, "x", &devices, &version, &p), 0);
    assert_int_equal(unsetenv("CALLFAN_SOCKET"), 0);
    assert_int_equal(devices, FAKE_DEVICES);
    assert_int_equal(version, CF_TAPI_VERSION_2_2); /* out: the highest of the service */
    assert_int_equal(p.dwUsedSize, sizeof p);
    assert_int_equal(fcntl(p.Handles.hEvent, F_GETFD), FD_CLOEXEC);
    assert_int_equal(lineShutdown(a->app), 0);
    assert_int_equal(fcntl(p.Handles.hEvent, F_GETFD), -1); /* closed with the usage */
    a->app = 0;
}

/* ------------------------------------------------------------------ the door */

static void nobody_at_the_socket(void **state)
{
    struct fake_app *a = *state;
    DWORD devices, version = CF_TAPI_VERSION_2_2;
    struct cf_init_options o = {.size = sizeof o, .socket_path = "/tmp/callfan-no-such-folder/sock"};
    HLINEAPP app = 5;
    assert_int_equal(cf_line_initialize(&app, NULL, "x", &devices, &version, NULL, &o), LINEERR_SERVICE_NOT_RUNNING);
    assert_true(app == 5);
    LINEMESSAGE m;
    assert_int_equal(lineGetMessage(app, &m, 0), LINEERR_UNINITIALIZED);
    assert_int_equal(lineShutdown(app), LINEERR_UNINITIALIZED);
    assert_int_equal(lineClose(7), LINEERR_UNINITIALIZED);
    assert_int_equal(lineDeallocateCall(7), LINEERR_UNINITIALIZED);
    (void)a;
}

static void refusals_become_errors_of_tapi(void **state)
{
    struct fake_app *a = *state;
    static const struct {
        int result;
        LONG error;
    } refusals[] = {
        {-EPROTO, LINEERR_INCOMPATIBLEAPIVERSION}, {-EACCES, LINEERR_OPERATIONFAILED},
        {-ENOSPC, LINEERR_RESOURCEUNAVAIL},        {-EINVAL, LINEERR_INVALPARAM},
        {5, LINEERR_INCOMPATIBLEAPIVERSION}, /* no door says that */
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct cf_init_options o = {.size = sizeof o};
        fake_on_hello(a->core, FAKE_REFUSE, refusals[i].result);
        assert_int_equal(join_with(a, &o, "x"), refusals[i].error);
    }
}

static void try_again_is_tried_again(void **state)
{
    struct fake_app *a = *state;
    struct cf_init_options o = {.size = sizeof o};
    fake_on_hello(a->core, FAKE_AGAIN_ONCE, 0);
    assert_int_equal(join_with(a, &o, "x"), 0);
    assert_int_equal(lineShutdown(a->app), 0);
    fake_on_hello(a->core, FAKE_CLOSE_ONCE, 0);
    assert_int_equal(join_with(a, &o, "x"), 0);
    assert_int_equal(a->core->hellos, 4);
}

static uint32_t open_files(void)
{
    uint32_t count = 0;
    for (int fd = 0; fd < 512; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void ports_that_do_not_fit_are_refused(void **state)
{
    struct fake_app *a = *state;
    static const enum fake_welcome hostile[] = {FAKE_UNSEALED, FAKE_OTHER_LAYOUT, FAKE_SHORT};
    for (size_t i = 0; i < 3; i++) {
        struct cf_init_options o = {.size = sizeof o};
        fake_on_hello(a->core, hostile[i], 0);
        uint32_t before = open_files();
        assert_int_equal(join_with(a, &o, "x"), LINEERR_INCOMPATIBLEAPIVERSION);
        fake_core_port(a->core, (uint32_t)i);
        assert_int_equal(open_files(), before + 3); /* the core's own: socket and its end of each bell */
    }
}

static void nothing_stays_open_after_shutdown(void **state)
{
    struct fake_app *a = *state;
    struct cf_init_options o = {.size = sizeof o};
    uint32_t before = open_files();
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(join_with(a, &o, "x"), 0);
        fake_core_port(a->core, i);
        assert_int_equal(lineShutdown(a->app), 0);
    }
    assert_int_equal(open_files(), before + 5 * 3);
}

/* ------------------------------------------------------------------ several usages */

static void eight_usages_share_no_handle(void **state)
{
    struct fake_app *a = *state;
    struct cf_init_options o = {.size = sizeof o};
    HLINEAPP apps[CF_USAGES_PER_PROCESS];
    HLINE lines[CF_USAGES_PER_PROCESS];
    for (uint32_t i = 0; i < CF_USAGES_PER_PROCESS; i++) {
        assert_int_equal(join_with(a, &o, "x"), 0);
        apps[i] = a->app;
        lines[i] = fake_app_open(a, 0, CF_TAPI_VERSION_2_2, i);
        for (uint32_t n = 0; n < i; n++)
            assert_true(apps[n] != apps[i] && lines[n] != lines[i]);
    }
    assert_int_equal(join_with(a, &o, "x"), LINEERR_RESOURCEUNAVAIL);
    struct fake_port *third = fake_core_port(a->core, 3);
    fake_message(third, LINE_LINEDEVSTATE, lines[3], LINEDEVSTATE_NUMCALLS, 0, 0, cf_handle_slot(lines[3]));
    LINEMESSAGE m;
    assert_int_equal(lineGetMessage(apps[2], &m, 0), LINEERR_OPERATIONFAILED);
    assert_int_equal(lineGetMessage(apps[3], &m, 20000), 0);
    assert_int_equal(m.dwCallbackInstance, 3);
    for (uint32_t i = 0; i < CF_USAGES_PER_PROCESS; i++) {
        assert_int_equal(lineShutdown(apps[i]), 0);
        LONG gone = i + 1 < CF_USAGES_PER_PROCESS ? LINEERR_INVALAPPHANDLE : LINEERR_UNINITIALIZED;
        assert_int_equal(lineShutdown(apps[i]), gone);
    }
    a->app = 0;
}

static void a_number_used_again_never_repeats_a_handle(void **state)
{
    struct fake_app *a = *state;
    struct cf_init_options o = {.size = sizeof o};
    uint32_t base = 0;
    HLINEAPP old_app = 0;
    HLINE old_line = 0;
    HCALL old_call = 0;
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(join_with(a, &o, "x"), 0);
        a->port = fake_core_port(a->core, i);
        uint32_t now = a->port->hello.base_generation;
        assert_int_equal(now % 2, 0);
        assert_true(i == 0 || now > base);
        LINEMESSAGE m;
        if (i != 0) {
            assert_int_equal(lineGetMessage(old_app, &m, 0), LINEERR_INVALAPPHANDLE);
            assert_int_equal(lineClose(old_line), LINEERR_INVALLINEHANDLE);
            assert_int_equal(lineDeallocateCall(old_call), LINEERR_INVALCALLHANDLE);
        }
        a->line = fake_app_open(a, 0, CF_TAPI_VERSION_2_2, FAKE_INSTANCE);
        assert_int_equal(lineClose(a->line), 0);
        a->line = fake_app_open(a, 0, CF_TAPI_VERSION_2_2, FAKE_INSTANCE);
        old_app = a->app;
        old_line = a->line;
        old_call = fake_app_announce(a, 0, 10 + i, LINECALLPRIVILEGE_MONITOR);
        base = cf_handle_generation(old_call); /* the next use starts above */
        assert_int_equal(lineShutdown(a->app), 0);
    }
    a->app = 0;
}

/* ------------------------------------------------------------------ fork */

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            _exit(__LINE__ % 250 + 1);                                                                                 \
    } while (0)

/* Mappings of shared objects. */
static uint32_t shared_maps(void)
{
    char line[512];
    uint32_t count = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        count += strstr(line, "memfd:") != NULL;
    if (f != NULL)
        fclose(f);
    return count;
}

static void child(struct fake_app *a, HCALL call, uint32_t maps)
{
    LINEMESSAGE m;
    LINECALLSTATUS s = {.dwTotalSize = sizeof s};
    DWORD devices, version = CF_TAPI_VERSION_2_2;
    struct cf_init_options o = {.size = sizeof o, .socket_path = a->core->path};
    CHECK(shared_maps() == maps - 2); /* the port is not there: nothing of the parent's can be touched */
    CHECK(lineGetMessage(a->app, &m, 0) == LINEERR_UNINITIALIZED);
    CHECK(lineGetCallStatus(call, &s) == LINEERR_UNINITIALIZED);
    CHECK(lineDeallocateCall(call) == LINEERR_UNINITIALIZED);
    CHECK(lineClose(a->line) == LINEERR_UNINITIALIZED);
    CHECK(lineShutdown(a->app) == LINEERR_UNINITIALIZED);
    CHECK(fcntl(a->event, F_GETFD) == -1); /* its copies are closed */
    HLINEAPP app = 0;
    CHECK(cf_line_initialize(&app, NULL, "child", &devices, &version, NULL, &o) == 0);
    CHECK(app != a->app);
    CHECK(lineGetMessage(a->app, &m, 0) == LINEERR_INVALAPPHANDLE);
    CHECK(lineGetMessage(app, &m, 0) == LINEERR_OPERATIONFAILED);
    CHECK(lineShutdown(app) == 0);
    _exit(0);
}

static void child_after_fork_is_uninitialised_and_harmless(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, LINECALLPRIVILEGE_MONITOR);
    fake_message(a->port, LINE_CALLSTATE, call, LINECALLSTATE_CONNECTED, 0, 0, cf_handle_slot(a->line));
    uint32_t requests = fake_log_count(a->port);
    uint32_t maps = shared_maps();
    pid_t pid = fork();
    if (pid == 0)
        child(a, call, maps);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(fake_log_count(a->port), requests); /* it asked nothing in our name */
    assert_true(fake_app_readable(a, 20000));
    assert_int_equal(fake_app_next(a).dwParam1, LINECALLSTATE_CONNECTED);
    assert_int_equal(lineDeallocateCall(call), 0);
    fake_app_announce(a, 1, 1, LINECALLPRIVILEGE_MONITOR);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, fake_app_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_core(nobody_at_the_socket),
        with_core(arguments_are_checked_before_anybody_is_asked),
        with_core(options_travel_in_the_hello),
        with_core(socket_is_taken_from_the_environment),
        with_core(refusals_become_errors_of_tapi),
        with_core(try_again_is_tried_again),
        with_core(ports_that_do_not_fit_are_refused),
        with_core(nothing_stays_open_after_shutdown),
        with_core(eight_usages_share_no_handle),
        with_core(a_number_used_again_never_repeats_a_handle),
        cmocka_unit_test_setup_teardown(child_after_fork_is_uninitialised_and_harmless, fake_app_setup,
                                        fake_app_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
