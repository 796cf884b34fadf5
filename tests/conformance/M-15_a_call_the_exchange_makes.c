/*
 * M-15: a call that the exchange makes as an effect of an operation (LINEADDRCAPFLAGS_HOLDMAKESNEW: holding gives a new dial tone) comes by
 * LINE_APPNEWCALL and LINE_CALLSTATE to who monitors, whoever asked for the operation. Nobody owns it until somebody wants to.
 */
#include "tests/support/conformance.h"

/* The one call of the line that it has no handle for. */
static HCALL only_new_call(HLINE line)
{
    struct {
        LINECALLLIST head;
        HCALL calls[4];
    } list = {.head.dwTotalSize = sizeof list};
    assert_error(lineGetNewCalls(line, 0, LINECALLSELECT_LINE, &list.head), 0);
    assert_int_equal(list.head.dwCallsNumEntries, 1);
    return list.calls[0];
}

static void holding_makes_a_call(void **state)
{
    struct world *w = *state;
    struct client owner, monitor;
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&monitor, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL owned = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL seen = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, 0);
    client_state(&owner, owned, LINECALLSTATE_CONNECTED);
    client_state(&monitor, seen, LINECALLSTATE_CONNECTED);

    LONG request = lineHold(owned);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_HOLD, id);
    exchange_reply(&w->exchange, &command, 0, id);
    exchange_state(&w->exchange, id, LINECALLSTATE_ONHOLD, 0);
    uint64_t made = exchange_call(&w->exchange, 0, LINECALLSTATE_DIALTONE, "200", "");
    assert_error(client_reply(&owner, request), 0);
    client_state(&owner, owned, LINECALLSTATE_ONHOLD);
    client_state(&monitor, seen, LINECALLSTATE_ONHOLD);
    HCALL made_seen =
        client_new_call(&monitor, line, MONITOR, LINECALLSTATE_DIALTONE); /* not UNKNOWN: no application made it */
    assert_int_equal(call_owners(made_seen), 0);
    client_nothing(&owner, w, 0); /* its line is open without MONITOR */

    HCALL taken = only_new_call(owner_line);
    assert_int_equal(call_privilege(taken), MONITOR);
    client_info(&monitor, made_seen, LINECALLINFOSTATE_NUMMONITORS);
    assert_error(lineSetCallPrivilege(taken, OWNER), 0);
    client_info(&monitor, made_seen, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
    request = lineDrop(taken, NULL, 0);
    command = exchange_command_of(&w->exchange, CF_CMD_DROP, made);
    exchange_reply(&w->exchange, &command, 0, made);
    assert_error(client_reply(&owner, request), 0);
    exchange_state(&w->exchange, made, LINECALLSTATE_IDLE, 0);
    client_state(&owner, taken, LINECALLSTATE_IDLE);
    client_state(&monitor, made_seen, LINECALLSTATE_IDLE);
    exchange_end(&w->exchange, id);
    client_leave(&owner);
    client_leave(&monitor);
}

RUN_IN_WORLD(cmocka_unit_test(holding_makes_a_call))
