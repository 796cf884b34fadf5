/*
 * M-26: a provider announces a call before it tells anything of it. What it tells of a call that is not announced reaches nobody, and is
 * forgotten: when the call comes it is in the state that its announcement says.
 */
#include "tests/support/conformance.h"

static void what_comes_before_is_not_told(void **state)
{
    struct world *w = *state;
    struct client owner, monitor;
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&monitor, MONITOR);
    uint64_t id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    exchange_conferenced(&w->exchange, id, 0);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_nothing(&owner, w, 0);
    client_nothing(&monitor, w, 0);

    const struct cf_new_call c = {.call = id, .state = LINECALLSTATE_OFFERING, .time_ns = cf_clock_ns()};
    assert_true(cf_provider_post_new_call(w->exchange.provider, &c));
    cf_provider_flush(w->exchange.provider);
    HCALL owned = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL seen = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_int_equal(call_state(owned), LINECALLSTATE_OFFERING);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    client_state(&owner, owned, LINECALLSTATE_CONNECTED);
    client_state(&monitor, seen, LINECALLSTATE_CONNECTED);
    exchange_end(&w->exchange, id);
    client_leave(&owner);
    client_leave(&monitor);
}

RUN_IN_WORLD(cmocka_unit_test(what_comes_before_is_not_told))
