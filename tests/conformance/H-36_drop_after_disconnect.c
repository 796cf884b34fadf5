/* H-36: a DISCONNECTED call lives on until the owner drops it or the linger ends; lineDrop leads to IDLE; then it is given back. */
#include "tests/support/conformance.h"

static void the_owner_clears_it(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, OWNER);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, OWNER, LINECALLSTATE_OFFERING);
    exchange_state(&w->exchange, id, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_BUSY);
    LINEMESSAGE m = client_state(&a, call, LINECALLSTATE_DISCONNECTED);
    assert_int_equal(m.dwParam2, LINEDISCONNECTMODE_BUSY);
    LONG request = lineDrop(call, NULL, 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_DROP, id);
    exchange_reply(&w->exchange, &c, 0, id);
    assert_error(client_reply(&a, request), 0);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&a, call, LINECALLSTATE_IDLE);
    assert_error(lineDeallocateCall(call), 0);
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, id);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(the_owner_clears_it))
