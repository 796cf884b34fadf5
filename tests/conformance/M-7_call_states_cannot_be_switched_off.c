/*
 * M-7, M-8: lineSetStatusMessages masks LINE_LINEDEVSTATE and LINE_ADDRESSSTATE alone, and all of these are off at first; messages of
 * calls and replies come whatever the masks are.
 */
#include "tests/support/conformance.h"

static void masks_do_not_touch_calls(void **state)
{
    struct world *w = *state;
    struct client a;
    DWORD line_states = 1, address_states = 1;
    HLINE line = 0;
    client_join(&a);
    assert_error(
        lineOpen(a.app, 0, &line, TAPI_CURRENT_VERSION, 0, a.instance, OWNER, LINEMEDIAMODE_INTERACTIVEVOICE, NULL), 0);
    assert_error(lineGetStatusMessages(line, &line_states, &address_states), 0);
    assert_int_equal(line_states & ~LINEDEVSTATE_REINIT, 0);
    assert_int_equal(address_states, 0);
    exchange_mark(&w->exchange, 0); /* LINE_LINEDEVSTATE, which is off */
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    LINEMESSAGE m;
    assert_error(lineGetMessage(a.app, &m, 30000), 0);
    assert_int_equal(m.dwMessageID, LINE_APPNEWCALL);
    HCALL call = (HCALL)m.dwParam2;
    client_state(&a, call, LINECALLSTATE_OFFERING);
    assert_error(lineSetStatusMessages(line, 0, 0), 0);
    LONG request = lineAccept(call, NULL, 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_ACCEPT, id);
    exchange_reply(&w->exchange, &c, 0, id);
    exchange_state(&w->exchange, id, LINECALLSTATE_ACCEPTED, 0);
    assert_error(client_reply(&a, request), 0);
    client_state(&a, call, LINECALLSTATE_ACCEPTED);
    assert_error(lineSetStatusMessages(line, LINEDEVSTATE_OTHER, 0), 0);
    client_nothing(&a, w, 0); /* markers come now */
    exchange_end(&w->exchange, id);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(masks_do_not_touch_calls))
