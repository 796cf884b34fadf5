/* H-64: what an application asked of the provider before it closed its line runs on there; others see what comes of it. */
#include "tests/support/conformance.h"

static void the_answer_takes_effect(void **state)
{
    struct world *w = *state;
    struct client owner, other;
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&other, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL owned = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL call = client_new_call(&other, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_error(lineSetCallPrivilege(call, OWNER), 0);
    client_info(&owner, owned, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
    assert_true(lineAnswer(owned, NULL, 0) > 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_ANSWER, id);
    assert_error(lineClose(owner_line), 0);
    client_info(&other, call, LINECALLINFOSTATE_NUMOWNERDECR);
    exchange_reply(&w->exchange, &c, 0, id); /* nobody is there to be told */
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    client_state(&other, call, LINECALLSTATE_CONNECTED);
    assert_int_equal(call_owners(call), 1);
    assert_false(exchange_has(&w->exchange, CF_CMD_DROP, id));
    exchange_end(&w->exchange, id);
    client_leave(&owner);
    client_leave(&other);
}

RUN_IN_WORLD(cmocka_unit_test(the_answer_takes_effect))
