/* H-44, H-47, H-48: from 2.0 on the sole owner may give a live call back: it goes on unowned while a monitor holds it, and is closed
 * towards the provider with the last handle. */
#include "tests/support/conformance.h"

static void the_call_goes_on_unowned(void **state)
{
    struct world *w = *state;
    struct client owner, monitor;
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&monitor, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL owned = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL call = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_error(lineDeallocateCall(owned), 0);
    client_info(&monitor, call, LINECALLINFOSTATE_NUMOWNERDECR);
    assert_int_equal(call_owners(call), 0);
    client_nothing(&monitor, w, 0);
    assert_int_equal(call_state(call), LINECALLSTATE_OFFERING);
    assert_false(exchange_has(&w->exchange, CF_CMD_DROP, id));
    assert_false(exchange_has(&w->exchange, CF_CMD_CLOSE_CALL, id));
    assert_error(lineDeallocateCall(call), 0);
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, id);
    assert_false(exchange_has(&w->exchange, CF_CMD_CLOSE_CALL, id)); /* once (I-8) */
    client_leave(&owner);
    client_leave(&monitor);
}

RUN_IN_WORLD(cmocka_unit_test(the_call_goes_on_unowned))
