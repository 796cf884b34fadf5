/* H-33, T-1, T-2, I-5: nothing leaves IDLE, and no call begins there: such reports change nothing and are counted. */
#include "tests/support/conformance.h"

static void reports_after_idle_are_refused(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&a, call, LINECALLSTATE_IDLE);
    int64_t stale = service_status(&w->service, "totals.stale_events");
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_nothing(&a, w, 0);
    assert_int_equal(call_state(call), LINECALLSTATE_IDLE);
    assert_int_equal(service_status(&w->service, "totals.stale_events"), stale + 2);
    exchange_call(&w->exchange, 0, LINECALLSTATE_IDLE, "1", "2");
    client_nothing(&a, w, 0);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(reports_after_idle_are_refused))
