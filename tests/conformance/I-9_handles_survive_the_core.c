/* After the death of the core process handles stay valid, nothing is lost or doubled, and requests on their way are answered once. */
#include "tests/support/conformance.h"

enum { KILLS = 3, CALLS = 20 };

static void nobody_notices(void **state)
{
    struct world *w = *state;
    struct client owner, monitor;
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&monitor, MONITOR);
    uint64_t ids[CALLS];
    HCALL owned[CALLS], seen[CALLS];
    for (int k = 0; k < KILLS; k++) {
        for (int i = 0; i < CALLS; i++)
            ids[i] = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
        service_kill_core(&w->service);
        for (int i = 0; i < CALLS; i++) {
            owned[i] = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
            seen[i] = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
        }
        LONG request = lineAnswer(owned[0], NULL, 0);
        struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_ANSWER, ids[0]);
        exchange_reply(&w->exchange, &c, 0, ids[0]);
        service_kill_core(&w->service);
        assert_error(client_reply(&owner, request), 0);
        assert_int_equal(call_owners(seen[0]), 1);
        for (int i = 0; i < CALLS; i++)
            exchange_end(&w->exchange, ids[i]);
        for (int i = 0; i < CALLS; i++) {
            client_state(&owner, owned[i], LINECALLSTATE_DISCONNECTED);
            client_state(&owner, owned[i], LINECALLSTATE_IDLE);
            client_state(&monitor, seen[i], LINECALLSTATE_DISCONNECTED);
            client_state(&monitor, seen[i], LINECALLSTATE_IDLE);
            assert_error(lineDeallocateCall(owned[i]), 0);
            assert_error(lineDeallocateCall(seen[i]), 0);
            exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, ids[i]);
        }
        client_nothing(&monitor, w, 0);
    }
    service_wait_status(&w->service, "totals.calls_live", 0);
    service_wait_status(&w->service, "totals.handles_live", 0);
    assert_int_equal(service_status(&w->service, "process.cold_starts"), 0);
    client_leave(&owner);
    client_leave(&monitor);
}

RUN_IN_WORLD(cmocka_unit_test(nobody_notices))
