/*
 * H-61, H-63, H-64, H-65: closing a line drops the calls of which it was the sole owner; others who hold them see them end. A call
 * with another owner goes on, and the others are told the counts.
 */
#include "tests/support/conformance.h"

static void solely_owned_calls_are_dropped(void **state)
{
    struct world *w = *state;
    struct client owner, monitor;
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&monitor, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL call = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_error(lineClose(owner_line), 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_DROP, id);
    assert_int_equal(c.number, 0); /* the core's own */
    exchange_reply(&w->exchange, &c, 0, id);
    assert_false(exchange_has(&w->exchange, CF_CMD_CLOSE_CALL, id));
    client_info(&monitor, call, LINECALLINFOSTATE_NUMOWNERDECR);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&monitor, call, LINECALLSTATE_IDLE);
    assert_error(lineDeallocateCall(call), 0);
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, id);
    client_leave(&owner);
    client_leave(&monitor);
}

static void a_call_with_another_owner_goes_on(void **state)
{
    struct world *w = *state;
    struct client owner, other;
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&other, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL call = client_new_call(&other, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_error(lineSetCallPrivilege(call, OWNER), 0);
    assert_error(lineClose(owner_line), 0);
    client_info(&other, call, LINECALLINFOSTATE_NUMOWNERDECR);
    client_nothing(&other, w, 0);
    assert_false(exchange_has(&w->exchange, CF_CMD_DROP, id));
    assert_int_equal(call_state(call), LINECALLSTATE_OFFERING);
    assert_int_equal(call_owners(call), 1);
    exchange_end(&w->exchange, id);
    client_leave(&owner);
    client_leave(&other);
}

RUN_IN_WORLD(cmocka_unit_test(solely_owned_calls_are_dropped), cmocka_unit_test(a_call_with_another_owner_goes_on))
