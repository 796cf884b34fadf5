/*
 * H-4, H-5, H-6, H-7: the handle of lineMakeCall is written when LINE_REPLY {id, 0} is handed out, and not before; after a
 * failure never. No message of the call comes before that reply, and no LINE_APPNEWCALL at all.
 */
#include "tests/support/conformance.h"

static void the_handle_comes_with_the_reply(void **state)
{
    struct world *w = *state;
    struct client a;
    HCALL call = 0;
    HLINE line = client_start(&a, NOTHING);
    LONG request = lineMakeCall(line, &call, "5551234", 0, NULL);
    struct cf_command c = exchange_command(&w->exchange, CF_CMD_MAKE_CALL);
    assert_int_equal(c.destination.bytes, 7);
    assert_memory_equal(c.destination.at, "5551234", 7);
    client_nothing(&a, w, 0);
    assert_true(call == 0);
    uint64_t id = cf_provider_call_new(w->exchange.provider, w);
    exchange_reply(&w->exchange, &c, 0, id);
    exchange_state(&w->exchange, id, LINECALLSTATE_DIALING, 0);
    assert_error(client_reply(&a, request), 0);
    assert_true(call != 0);
    client_state(&a, call, LINECALLSTATE_DIALING);
    assert_int_equal(call_privilege(call), OWNER);
    exchange_end(&w->exchange, id);
    client_leave(&a);
}

static void a_failure_leaves_it_untouched(void **state)
{
    struct world *w = *state;
    struct client a;
    HCALL call = 0x1234;
    HLINE line = client_start(&a, NOTHING);
    LONG request = lineMakeCall(line, &call, "5551234", 0, NULL);
    struct cf_command c = exchange_command(&w->exchange, CF_CMD_MAKE_CALL);
    exchange_reply(&w->exchange, &c, LINEERR_CALLUNAVAIL, 0);
    assert_error(client_reply(&a, request), LINEERR_CALLUNAVAIL);
    assert_true(call == 0x1234);
    client_nothing(&a, w, 0);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(the_handle_comes_with_the_reply), cmocka_unit_test(a_failure_leaves_it_untouched))
