/* H-14: opening a line for monitoring while calls exist makes no message for them. */
#include "tests/support/conformance.h"

static void existing_calls_are_not_announced(void **state)
{
    struct world *w = *state;
    struct client first, late;
    HLINE line = client_start(&first, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&first, line, MONITOR, LINECALLSTATE_OFFERING);
    client_start(&late, MONITOR);
    client_nothing(&late, w, 0);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    client_state(&first, call, LINECALLSTATE_CONNECTED);
    client_nothing(&late, w, 0);
    exchange_end(&w->exchange, id);
    client_leave(&first);
    client_leave(&late);
}

RUN_IN_WORLD(cmocka_unit_test(existing_calls_are_not_announced))
