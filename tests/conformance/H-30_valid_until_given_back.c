/*
 * H-30, H-34, H-35, H-39: a handle stays valid in every state, IDLE too, until it is given back. In IDLE, information and status can be
 * read and the privilege set; what changes the call is LINEERR_INVALCALLSTATE.
 */
#include "tests/support/conformance.h"

static void an_idle_call_can_be_read(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, OWNER | MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
    HCALL call = client_new_call(&a, line, OWNER, LINECALLSTATE_OFFERING);
    exchange_state(&w->exchange, id, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL);
    client_state(&a, call, LINECALLSTATE_DISCONNECTED);
    assert_int_equal(call_state(call), LINECALLSTATE_DISCONNECTED);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&a, call, LINECALLSTATE_IDLE);
    assert_int_equal(call_state(call), LINECALLSTATE_IDLE);
    assert_int_equal(call_owners(call), 1);
    assert_error(client_reply(&a, lineDrop(call, NULL, 0)), LINEERR_INVALCALLSTATE);
    assert_error(client_reply(&a, lineAnswer(call, NULL, 0)), LINEERR_INVALCALLSTATE);
    assert_error(client_reply(&a, lineAccept(call, NULL, 0)), LINEERR_INVALCALLSTATE);
    assert_error(lineSetCallPrivilege(call, MONITOR), 0);
    assert_int_equal(call_privilege(call), MONITOR);
    assert_error(lineSetCallPrivilege(call, OWNER), 0);
    assert_false(exchange_has(&w->exchange, CF_CMD_CLOSE_CALL, id)); /* as long as a handle exists */
    assert_error(lineDeallocateCall(call), 0);
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, id);
    assert_call_void(call);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(an_idle_call_can_be_read))
