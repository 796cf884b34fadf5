/* G-21: when several things are wrong at once the handle is told first, then parameters, then privilege, then the call's state. */
#include "tests/support/conformance.h"

static void one_after_the_other(void **state)
{
    struct world *w = *state;
    struct client owner, monitor;
    LINEMESSAGE m;
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&monitor, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL owned = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL seen = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);

    /* handle before parameters */
    assert_error(lineGetCallInfo(0, NULL), LINEERR_INVALCALLHANDLE);
    assert_error(lineGetCallStatus(0, NULL), LINEERR_INVALCALLHANDLE);
    assert_error(lineSetCallPrivilege(0, 0x80), LINEERR_INVALCALLHANDLE);
    assert_error(lineGetNewCalls(0, 7, 0, NULL), LINEERR_INVALLINEHANDLE);
    assert_error(lineMakeCall(0, NULL, "1", 0, NULL), LINEERR_INVALLINEHANDLE);
    assert_error(lineGetMessage(0, NULL, 0), LINEERR_INVALAPPHANDLE);
    assert_error(lineGetCallInfo(seen, NULL), LINEERR_INVALPOINTER);
    assert_error(lineMakeCall(line, NULL, "1", 0, NULL), LINEERR_INVALPOINTER);
    assert_error(lineGetMessage(monitor.app, NULL, 0), LINEERR_INVALPOINTER);
    /* parameters before the call's state: a sole owner cannot lower itself, and 0x80 is no privilege */
    assert_error(lineSetCallPrivilege(owned, 0x80), LINEERR_INVALCALLPRIVILEGE);
    /* privilege before the call's state */
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&monitor, seen, LINECALLSTATE_IDLE);
    client_state(&owner, owned, LINECALLSTATE_IDLE);
    assert_error(client_reply(&monitor, lineAnswer(seen, NULL, 0)), LINEERR_NOTOWNER);
    assert_error(client_reply(&owner, lineAnswer(owned, NULL, 0)), LINEERR_INVALCALLSTATE);
    assert_error(lineGetMessage(owner.app, &m, 0), LINEERR_OPERATIONFAILED); /* nothing there */
    client_leave(&owner);
    client_leave(&monitor);
}

RUN_IN_WORLD(cmocka_unit_test(one_after_the_other))
