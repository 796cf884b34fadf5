/* A thread of the core that runs for ever, under a real service, applications with the real library: replaced, and nothing is lost. */
#include "tests/support/conformance.h"

#include <stdio.h>
#include <time.h>

/* ctest-timeout: 240 */

static struct test_service service;
static struct exchange exchange;
static struct client monitor;
static HLINE line;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void begin(const char *point)
{
    service_start_with(&service, EXCHANGE_SECTION "hang_seconds = 2\nspin_us = 0\n", "--hang-at", point);
    exchange_attach(&exchange, WORLD_LINES);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
    line = client_start(&monitor, MONITOR);
}

static void end(void)
{
    client_leave(&monitor);
    exchange_detach(&exchange);
    service_stop(&service);
}

/* Every state once, in order, and nothing else. */
static void one_call(void)
{
    uint64_t call = exchange_call(&exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
    HCALL handle = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    exchange_state(&exchange, call, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    client_state(&monitor, handle, LINECALLSTATE_CONNECTED);
    exchange_end(&exchange, call);
    client_state(&monitor, handle, LINECALLSTATE_DISCONNECTED);
    client_state(&monitor, handle, LINECALLSTATE_IDLE);
    assert_error(lineDeallocateCall(handle), 0);
    exchange_command_of(&exchange, CF_CMD_CLOSE_CALL, call);
}

static void an_engine_that_runs_for_ever_is_replaced(void **state)
{
    static const char *const points[] = {"touch:900", "output:300", "commit:3000", "publish:900"};
    (void)state;
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        begin(points[i]);
        int calls = 0;
        while (one_call(), !service_log_has(&service, "stands still, its engine"))
            if (++calls == 5000)
                fail_msg("no hang at %s", points[i]);
        for (int n = 0; n < 50; n++)
            one_call();
        assert_int_equal(service_status(&service, "process.core_restarts"), 1);
        assert_int_equal(service_status(&service, "process.cold_starts"), 0);
        assert_int_equal(service_status(&service, "totals.calls_live"), 0);
        assert_int_equal(service_port_number(&service, "conformance", "missed"), 0);
        end();
    }
}

static void a_door_that_runs_for_ever_is_replaced_while_events_flow(void **state)
{
    (void)state;
    begin("door:60");
    int64_t until_ms = now_ms() + 100000;
    bool hung = false;
    for (int calls = 0; !service_log_has(&service, "stands still, its door"); calls++) {
        assert_true(now_ms() < until_ms);
        one_call();
        if (!hung) /* each asking is a few rounds of the door */
            hung = service_status(&service, "process.core_pid") < 0;
    }
    struct client late;
    HLINE late_line = client_start(&late, MONITOR);
    uint64_t call = exchange_call(&exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
    HCALL handles[2] = {client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING),
                        client_new_call(&late, late_line, MONITOR, LINECALLSTATE_OFFERING)};
    exchange_end(&exchange, call);
    for (int i = 0; i < 2; i++) {
        client_state(i == 0 ? &monitor : &late, handles[i], LINECALLSTATE_DISCONNECTED);
        client_state(i == 0 ? &monitor : &late, handles[i], LINECALLSTATE_IDLE);
        assert_error(lineDeallocateCall(handles[i]), 0);
    }
    client_leave(&late);
    assert_int_equal(service_status(&service, "process.core_restarts"), 1);
    assert_int_equal(service_status(&service, "process.cold_starts"), 0);
    end();
}

/* Whoever comes while nobody opens is let in by the next core. */
static void a_door_that_hangs_from_its_first_round_keeps_nobody_out(void **state)
{
    (void)state;
    begin("door:1");
    for (int n = 0; n < 10; n++)
        one_call();
    assert_int_equal(service_status(&service, "process.core_restarts"), 1);
    assert_true(service_log_has(&service, "stands still, its door"));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_that_runs_for_ever_is_replaced),
        cmocka_unit_test(a_door_that_runs_for_ever_is_replaced_while_events_flow),
        cmocka_unit_test(a_door_that_hangs_from_its_first_round_keeps_nobody_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
