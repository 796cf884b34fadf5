/*
 * The death of a provider, per line: DISCONNECTED and IDLE for every call, then LINE_CLOSE, with which the handles are void. While it is
 * away lineOpen is LINEERR_RESOURCEUNAVAIL; LINE_CREATE with the same number tells that it is back.
 */
#include "tests/support/conformance.h"

static void calls_end_and_lines_come_back(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, MONITOR);
    exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    exchange_detach(&w->exchange);
    client_state(&a, call, LINECALLSTATE_DISCONNECTED);
    client_state(&a, call, LINECALLSTATE_IDLE);
    LINEMESSAGE m = client_expect(&a, LINE_CLOSE);
    assert_true(m.hDevice == line && m.dwCallbackInstance == a.instance);
    assert_call_void(call);
    assert_error(lineOpen(a.app, 0, &line, TAPI_CURRENT_VERSION, 0, 0, MONITOR, LINEMEDIAMODE_INTERACTIVEVOICE, NULL),
                 LINEERR_RESOURCEUNAVAIL);
    exchange_attach(&w->exchange, WORLD_LINES);
    for (DWORD device = 0; device < WORLD_LINES; device++) {
        m = client_expect(&a, LINE_CREATE);
        assert_int_equal(m.dwParam1, device);
    }
    line = client_open(&a, 0, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL next = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_true(next != call);
    assert_call_void(call);
    exchange_end(&w->exchange, id);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(calls_end_and_lines_come_back))
