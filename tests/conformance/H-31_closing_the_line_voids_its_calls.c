/*
 * H-31, H-60, H-69: when lineClose returns, the line and every call handle on it are void; no message tells it; handles of
 * other lines of the application stay.
 */
#include "tests/support/conformance.h"

enum { CALLS = 100 };

static void all_handles_are_void_at_once(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, MONITOR), other = client_open(&a, 1, MONITOR), again = client_open(&a, 0, MONITOR);
    uint64_t ids[CALLS], kept_id = exchange_call(&w->exchange, 1, LINECALLSTATE_OFFERING, "1", "2");
    HCALL kept = client_new_call(&a, other, MONITOR, LINECALLSTATE_OFFERING), calls[CALLS], twins[CALLS];
    for (int i = 0; i < CALLS; i++) {
        ids[i] = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
        calls[i] = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
        twins[i] = client_new_call(&a, again, MONITOR, LINECALLSTATE_OFFERING);
    }
    assert_error(lineClose(line), 0);
    LINEDEVSTATUS status = {.dwTotalSize = sizeof status};
    assert_error(lineGetLineDevStatus(line, &status), LINEERR_INVALLINEHANDLE);
    assert_error(lineClose(line), LINEERR_INVALLINEHANDLE);
    for (int i = 0; i < CALLS; i++)
        assert_call_void(calls[i]);
    assert_int_equal(call_state(kept), LINECALLSTATE_OFFERING);
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(call_state(twins[i]), LINECALLSTATE_OFFERING);
        exchange_state(&w->exchange, ids[i], LINECALLSTATE_IDLE, 0);
    }
    /* The twins are told that a monitor left, and of the end; nothing comes for the closed line. */
    for (int ended = 0; ended < CALLS;) {
        LINEMESSAGE m = client_message(&a);
        assert_true(m.dwMessageID == LINE_CALLINFO || m.dwMessageID == LINE_CALLSTATE);
        bool of_twin = false;
        for (int i = 0; i < CALLS; i++)
            of_twin |= m.hDevice == twins[i];
        assert_true(of_twin);
        ended += m.dwMessageID == LINE_CALLSTATE && m.dwParam1 == LINECALLSTATE_IDLE;
    }
    exchange_end(&w->exchange, kept_id);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(all_handles_are_void_at_once))
