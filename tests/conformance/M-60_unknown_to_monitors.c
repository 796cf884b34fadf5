/*
 * M-60 to M-63, M-66, M-67, M-20, M-21: when somebody makes a call, every monitor of the line gets a handle and UNKNOWN, then the real state;
 * the maker gets LINE_REPLY, then the real state, and never UNKNOWN. No LINE_CALLINFO is made of it. UNKNOWN is always among dwCallStates.
 */
#include "tests/support/conformance.h"

static void monitors_see_unknown_first(void **state)
{
    struct world *w = *state;
    struct client maker, m1, m2;
    HCALL made = 0;
    HLINE maker_line = client_start(&maker, OWNER | MONITOR), line1 = client_start(&m1, MONITOR),
          line2 = client_start(&m2, MONITOR);
    LONG request = lineMakeCall(maker_line, &made, "5559999", 0, NULL);
    struct cf_command c = exchange_command(&w->exchange, CF_CMD_MAKE_CALL);
    uint64_t id = cf_provider_call_new(w->exchange.provider, w);
    exchange_reply(&w->exchange, &c, 0, id);
    HCALL seen1 = client_new_call(&m1, line1, MONITOR, LINECALLSTATE_UNKNOWN);
    HCALL seen2 = client_new_call(&m2, line2, MONITOR, LINECALLSTATE_UNKNOWN);
    assert_error(client_reply(&maker, request), 0);
    client_nothing(&maker, w, 0);
    client_nothing(&m1, w, 0);
    exchange_state(&w->exchange, id, LINECALLSTATE_RINGBACK, 0);
    client_state(&maker, made, LINECALLSTATE_RINGBACK);
    client_state(&m1, seen1, LINECALLSTATE_RINGBACK);
    client_state(&m2, seen2, LINECALLSTATE_RINGBACK);
    assert_int_equal(call_owners(seen1), 1);
    assert_int_equal(call_monitors(made), 2);
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    assert_error(lineGetCallInfo(made, &info), 0);
    assert_true((info.dwCallStates & LINECALLSTATE_UNKNOWN) != 0);
    assert_int_equal(info.dwOrigin, LINECALLORIGIN_OUTBOUND);
    exchange_end(&w->exchange, id);
    client_leave(&maker);
    client_leave(&m1);
    client_leave(&m2);
}

RUN_IN_WORLD(cmocka_unit_test(monitors_see_unknown_first))
