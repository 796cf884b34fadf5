/* H-50: after lineDeallocateCall the LINE_REPLYs of the call that are still due are delivered; other messages of it are not. */
#include "tests/support/conformance.h"

static void the_reply_still_comes(void **state)
{
    struct world *w = *state;
    struct client a, keeper;
    HLINE line = client_start(&a, OWNER);
    HLINE keeper_line = client_start(&keeper, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, OWNER, LINECALLSTATE_OFFERING);
    client_new_call(&keeper, keeper_line, MONITOR, LINECALLSTATE_OFFERING);
    LONG request = lineAnswer(call, NULL, 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_ANSWER, id);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE); /* in the queue, not read */
    assert_error(lineDeallocateCall(call), 0);
    exchange_reply(&w->exchange, &c, 0, id);
    assert_error(client_reply(&a, request), 0); /* the state before it is not handed out: its handle is void */
    client_nothing(&a, w, 0);
    exchange_end(&w->exchange, id);
    client_leave(&a);
    client_leave(&keeper);
}

RUN_IN_WORLD(cmocka_unit_test(the_reply_still_comes))
