/* M-40, M-41, G-7: dwParam3 is the receiver's privilege in the first state of a handle, a made call's too, and 0 in the others. */
#include "tests/support/conformance.h"

static void only_the_first_state_carries_it(void **state)
{
    struct world *w = *state;
    struct client maker, monitor;
    HCALL made = 0;
    HLINE maker_line = client_start(&maker, NOTHING), line = client_start(&monitor, MONITOR);
    LONG request = lineMakeCall(maker_line, &made, "123", 0, NULL);
    struct cf_command c = exchange_command(&w->exchange, CF_CMD_MAKE_CALL);
    uint64_t id = cf_provider_call_new(w->exchange.provider, w);
    exchange_reply(&w->exchange, &c, 0, id);
    exchange_state(&w->exchange, id, LINECALLSTATE_DIALING, 0);
    exchange_state(&w->exchange, id, LINECALLSTATE_PROCEEDING, 0);
    assert_error(client_reply(&maker, request), 0);
    assert_int_equal(client_state(&maker, made, LINECALLSTATE_DIALING).dwParam3, OWNER);
    assert_int_equal(client_state(&maker, made, LINECALLSTATE_PROCEEDING).dwParam3, 0);
    HCALL seen = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_UNKNOWN);
    assert_int_equal(client_state(&monitor, seen, LINECALLSTATE_DIALING).dwParam3, 0);
    assert_int_equal(client_state(&monitor, seen, LINECALLSTATE_PROCEEDING).dwParam3, 0);
    exchange_end(&w->exchange, id);
    client_leave(&maker);
    client_leave(&monitor);
}

RUN_IN_WORLD(cmocka_unit_test(only_the_first_state_carries_it))
