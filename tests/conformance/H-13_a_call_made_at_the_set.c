/* H-13: an outgoing call that nobody made through Callfan is announced to monitors with its real state, and never as OFFERING. */
#include "tests/support/conformance.h"

static void its_real_state_is_told(void **state)
{
    struct world *w = *state;
    struct client owner, monitor;
    client_start(&owner, OWNER);
    HLINE line = client_start(&monitor, MONITOR);
    static const DWORD states[] = {LINECALLSTATE_DIALTONE, LINECALLSTATE_DIALING, LINECALLSTATE_CONNECTED};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        uint64_t id = exchange_call(&w->exchange, 0, states[i], "200", "5551");
        HCALL call = client_new_call(&monitor, line, MONITOR, states[i]);
        assert_int_equal(call_owners(call), 0); /* it is not offered to anyone */
        exchange_end(&w->exchange, id);
        client_state(&monitor, call, LINECALLSTATE_DISCONNECTED);
        client_state(&monitor, call, LINECALLSTATE_IDLE);
        assert_error(lineDeallocateCall(call), 0);
    }
    client_nothing(&owner, w, 0);
    client_leave(&owner);
    client_leave(&monitor);
}

RUN_IN_WORLD(cmocka_unit_test(its_real_state_is_told))
