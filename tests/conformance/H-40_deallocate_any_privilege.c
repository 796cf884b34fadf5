/*
 * H-40, H-41, H-42, H-45: lineDeallocateCall succeeds for a monitor in any state, for an owner among others in any state, and for
 * the sole owner of an IDLE call; it never changes the call.
 */
#include "tests/support/conformance.h"

static void monitors_leave_in_any_state(void **state)
{
    struct world *w = *state;
    struct client keeper, a;
    HLINE keeper_line = client_start(&keeper, MONITOR), line = client_start(&a, MONITOR);
    static const DWORD states[] = {LINECALLSTATE_OFFERING, LINECALLSTATE_CONNECTED, LINECALLSTATE_ONHOLD,
                                   LINECALLSTATE_UNKNOWN, LINECALLSTATE_DISCONNECTED};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        uint64_t id = exchange_call(&w->exchange, 0, states[i], "1", "2");
        HCALL kept = client_new_call(&keeper, keeper_line, MONITOR, states[i]);
        HCALL call = client_new_call(&a, line, MONITOR, states[i]);
        assert_error(lineDeallocateCall(call), 0);
        assert_call_void(call);
        client_info(&keeper, kept, LINECALLINFOSTATE_NUMMONITORS);
        client_nothing(&keeper, w, 0); /* no state came of it */
        assert_int_equal(call_state(kept), states[i]);
        exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
        client_state(&keeper, kept, LINECALLSTATE_IDLE);
        assert_error(lineDeallocateCall(kept), 0);
    }
    client_leave(&keeper);
    client_leave(&a);
}

static void one_of_two_owners_leaves(void **state)
{
    struct world *w = *state;
    struct client a, b;
    HLINE a_line = client_start(&a, OWNER), b_line = client_start(&b, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL a_call = client_new_call(&a, a_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL b_call = client_new_call(&b, b_line, MONITOR, LINECALLSTATE_OFFERING);
    assert_error(lineSetCallPrivilege(b_call, OWNER), 0);
    client_info(&a, a_call, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
    assert_error(lineDeallocateCall(a_call), 0);
    client_info(&b, b_call, LINECALLINFOSTATE_NUMOWNERDECR);
    assert_int_equal(call_state(b_call), LINECALLSTATE_OFFERING);
    assert_int_equal(call_owners(b_call), 1);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&b, b_call, LINECALLSTATE_IDLE);
    assert_error(lineDeallocateCall(b_call), 0); /* sole owner, IDLE */
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, id);
    client_leave(&a);
    client_leave(&b);
}

RUN_IN_WORLD(cmocka_unit_test(monitors_leave_in_any_state), cmocka_unit_test(one_of_two_owners_leaves))
