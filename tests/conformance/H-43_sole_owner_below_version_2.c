/* H-43: on a line opened with a version below 2.0 the sole owner cannot give back a call that is not IDLE. */
#include "tests/support/conformance.h"

static void it_is_refused_until_idle(void **state)
{
    struct world *w = *state;
    struct client a;
    client_join(&a);
    a.api_version = CF_TAPI_VERSION_1_4;
    client_open(&a, 0, OWNER);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_expect(&a, LINE_CALLSTATE).hDevice;
    assert_error(lineDeallocateCall(call), LINEERR_INVALCALLSTATE);
    assert_int_equal(call_state(call), LINECALLSTATE_OFFERING); /* it is still valid */
    assert_int_equal(call_owners(call), 1);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&a, call, LINECALLSTATE_IDLE);
    assert_error(lineDeallocateCall(call), 0);
    assert_call_void(call);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(it_is_refused_until_idle))
