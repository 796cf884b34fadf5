/*
 * M-3, M-4, M-5, M-6: dwParam1 is one state, with the device's own high bits if it has any; dwParam2 its mode, 0 where it has none;
 * dwParam3 is 0 after the first. A mode that changes alone is told. The message tells the state of its time, lineGetCallStatus the present.
 */
#include "tests/support/conformance.h"

static const struct {
    DWORD state, mode;
} steps[] = {
    {LINECALLSTATE_ACCEPTED, 0},
    {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE},
    {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_INACTIVE},
    {LINECALLSTATE_ONHOLD, 0},
    {LINECALLSTATE_CONNECTED | 0x42000000, LINECONNECTEDMODE_ACTIVE},
    {LINECALLSTATE_UNKNOWN, 0},
    {LINECALLSTATE_BUSY, LINEBUSYMODE_TRUNK},
    {LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_CONGESTION},
    {LINECALLSTATE_IDLE, 0},
};

enum { STEPS = sizeof steps / sizeof *steps };

static void states_arrive_as_reported(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    for (int i = 0; i < STEPS; i++)
        exchange_state(&w->exchange, id, steps[i].state, steps[i].mode);
    for (int i = 0; i < STEPS; i++) {
        LINEMESSAGE m = client_state(&a, call, steps[i].state);
        assert_int_equal(m.dwParam2, steps[i].mode);
        assert_int_equal(m.dwParam3, 0);
    }
    assert_int_equal(call_state(call), LINECALLSTATE_IDLE);
    client_leave(&a);
}

static void what_is_no_state_is_refused(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    static const DWORD wrong[] = {0, LINECALLSTATE_CONNECTED | LINECALLSTATE_ONHOLD, 0x10000, 0x42000000};
    int64_t stale = service_status(&w->service, "totals.stale_events");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        exchange_state(&w->exchange, id, wrong[i], 0);
    client_nothing(&a, w, 0);
    assert_int_equal(service_status(&w->service, "totals.stale_events"), stale + 4);
    assert_int_equal(call_state(call), LINECALLSTATE_OFFERING);
    exchange_end(&w->exchange, id);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(states_arrive_as_reported), cmocka_unit_test(what_is_no_state_is_refused))
