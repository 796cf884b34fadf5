/* H-49, H-57, M-50, M-52: who leaves or changes privilege is told to the other holders by LINE_CALLINFO, and not to itself. */
#include "tests/support/conformance.h"

static void the_others_and_not_the_causer(void **state)
{
    struct world *w = *state;
    struct client a, b, c;
    HLINE a_line = client_start(&a, MONITOR), b_line = client_start(&b, MONITOR), c_line = client_start(&c, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_CONNECTED, "1", "2");
    HCALL a_call = client_new_call(&a, a_line, MONITOR, LINECALLSTATE_CONNECTED);
    HCALL b_call = client_new_call(&b, b_line, MONITOR, LINECALLSTATE_CONNECTED);
    HCALL c_call = client_new_call(&c, c_line, MONITOR, LINECALLSTATE_CONNECTED);
    assert_error(lineSetCallPrivilege(b_call, OWNER), 0);
    client_info(&a, a_call, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
    client_info(&c, c_call, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
    client_nothing(&b, w, 0);
    assert_error(lineSetCallPrivilege(c_call, OWNER), 0);
    client_info(&a, a_call, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
    client_info(&b, b_call, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
    assert_int_equal(call_owners(a_call), 2);
    assert_int_equal(call_monitors(a_call), 1);
    assert_error(lineSetCallPrivilege(c_call, MONITOR), 0); /* b owns too */
    client_info(&a, a_call, LINECALLINFOSTATE_NUMOWNERDECR | LINECALLINFOSTATE_NUMMONITORS);
    client_info(&b, b_call, LINECALLINFOSTATE_NUMOWNERDECR | LINECALLINFOSTATE_NUMMONITORS);
    client_nothing(&c, w, 0);
    assert_error(lineDeallocateCall(c_call), 0);
    client_info(&a, a_call, LINECALLINFOSTATE_NUMMONITORS);
    client_info(&b, b_call, LINECALLINFOSTATE_NUMMONITORS);
    client_nothing(&c, w, 0);
    exchange_end(&w->exchange, id);
    client_leave(&a);
    client_leave(&b);
    client_leave(&c);
}

RUN_IN_WORLD(cmocka_unit_test(the_others_and_not_the_causer))
