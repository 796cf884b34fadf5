/* H-11: an application that opened the line with a version below 2.0 gets LINE_CALLSTATE without LINE_APPNEWCALL. */
#include "tests/support/conformance.h"

static void only_the_state_is_told(void **state)
{
    struct world *w = *state;
    struct client old, modern;
    client_join(&old);
    old.api_version = CF_TAPI_VERSION_1_4;
    client_open(&old, 0, MONITOR);
    HLINE line = client_start(&modern, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    client_new_call(&modern, line, MONITOR, LINECALLSTATE_OFFERING);
    LINEMESSAGE m = client_expect(&old, LINE_CALLSTATE);
    assert_int_equal(m.dwParam1, LINECALLSTATE_OFFERING);
    assert_int_equal(m.dwParam3, MONITOR);
    assert_int_equal(call_state(m.hDevice), LINECALLSTATE_OFFERING);
    exchange_end(&w->exchange, id);
    client_leave(&old);
    client_leave(&modern);
}

RUN_IN_WORLD(cmocka_unit_test(only_the_state_is_told))
