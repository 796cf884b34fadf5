/* H-37, M-53: after IDLE no LINE_CALLINFO is sent, in particular none while applications give their handles back. */
#include "tests/support/conformance.h"

static void counts_change_silently(void **state)
{
    struct world *w = *state;
    struct client a, b;
    HLINE a_line = client_start(&a, MONITOR), b_line = client_start(&b, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL a_call = client_new_call(&a, a_line, MONITOR, LINECALLSTATE_OFFERING);
    HCALL b_call = client_new_call(&b, b_line, MONITOR, LINECALLSTATE_OFFERING);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&a, a_call, LINECALLSTATE_IDLE);
    client_state(&b, b_call, LINECALLSTATE_IDLE);
    assert_error(lineSetCallPrivilege(b_call, OWNER), 0);
    client_nothing(&a, w, 0);
    assert_error(lineDeallocateCall(b_call), 0);
    client_nothing(&a, w, 0);
    assert_int_equal(call_owners(a_call), 0);
    client_leave(&a);
    client_leave(&b);
}

RUN_IN_WORLD(cmocka_unit_test(counts_change_silently))
