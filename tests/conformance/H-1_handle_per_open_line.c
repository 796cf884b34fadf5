/* H-1: a handle is of one call through one open line; two applications, or two opens of one, hold different handles. */
#include "tests/support/conformance.h"

static void each_open_line_has_its_own_handle(void **state)
{
    struct world *w = *state;
    struct client a, b;
    HLINE first = client_start(&a, MONITOR), second = client_open(&a, 0, MONITOR), other = client_start(&b, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL calls[3] = {client_new_call(&a, first, MONITOR, LINECALLSTATE_OFFERING)};
    calls[1] = client_new_call(&a, second, MONITOR, LINECALLSTATE_OFFERING);
    calls[2] = client_new_call(&b, other, MONITOR, LINECALLSTATE_OFFERING);
    assert_true(calls[0] != calls[1]);
    LINECALLINFO info[3];
    for (int i = 0; i < 3; i++) {
        info[i] = (LINECALLINFO){.dwTotalSize = sizeof info[i]};
        assert_error(lineGetCallInfo(calls[i], &info[i]), 0);
        assert_int_equal(info[i].dwCallID, info[0].dwCallID);
        assert_int_equal(info[i].dwNumMonitors, 3);
    }
    assert_true(info[0].hLine == first && info[1].hLine == second && info[2].hLine == other);
    assert_error(lineDeallocateCall(calls[0]), 0);
    assert_call_void(calls[0]);
    assert_int_equal(call_state(calls[1]), LINECALLSTATE_OFFERING);
    exchange_end(&w->exchange, id);
    client_leave(&a);
    client_leave(&b);
}

RUN_IN_WORLD(cmocka_unit_test(each_open_line_has_its_own_handle))
