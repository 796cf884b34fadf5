/*
 * M-10, M-11, M-13, M-24: every handle of a call, owner's or monitor's, gets every state, in order; the one who asked for the change gets
 * it besides its LINE_REPLY. Who has no handle and no MONITOR gets nothing.
 */
#include "tests/support/conformance.h"

static void all_get_all(void **state)
{
    struct world *w = *state;
    struct client owner, monitor, stranger;
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&monitor, MONITOR);
    client_start(&stranger, NOTHING);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL owned = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL seen = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    LONG request = lineAnswer(owned, NULL, 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_ANSWER, id);
    exchange_reply(&w->exchange, &c, 0, id);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    exchange_end(&w->exchange, id);
    static const DWORD states[] = {LINECALLSTATE_CONNECTED, LINECALLSTATE_DISCONNECTED, LINECALLSTATE_IDLE};
    assert_error(client_reply(&owner, request), 0);
    for (int i = 0; i < 3; i++) {
        client_state(&owner, owned, states[i]);
        client_state(&monitor, seen, states[i]);
    }
    client_nothing(&stranger, w, 0);
    client_leave(&owner);
    client_leave(&monitor);
    client_leave(&stranger);
}

RUN_IN_WORLD(cmocka_unit_test(all_get_all))
