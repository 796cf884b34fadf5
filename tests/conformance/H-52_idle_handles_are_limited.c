/*
 * H-52: only the application frees its handles. One that keeps more handles of ended calls than the limit is told of no new calls; beyond
 * twice the limit its lines are closed by force. The others lose nothing.
 */
#include "tests/support/conformance.h"

enum { LIMIT = 64 };

static int set_up_limited(void **state)
{
    static struct world w;
    service_start(&w.service, "idle_handles_max = 64\n" EXCHANGE_SECTION);
    exchange_attach(&w.exchange, WORLD_LINES);
    service_wait_status(&w.service, "totals.lines", WORLD_LINES);
    *state = &w;
    return 0;
}

static void who_keeps_too_many_is_cut_off(void **state)
{
    struct world *w = *state;
    struct client leaky, tidy;
    LINEMESSAGE m;
    HLINE line = client_start(&tidy, MONITOR);
    client_start(&leaky, MONITOR);
    unsigned told = 0;
    for (int i = 0; i < 3 * LIMIT; i++) {
        uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
        HCALL call = client_new_call(&tidy, line, MONITOR, LINECALLSTATE_OFFERING);
        exchange_end(&w->exchange, id);
        client_state(&tidy, call, LINECALLSTATE_DISCONNECTED);
        client_state(&tidy, call, LINECALLSTATE_IDLE);
        assert_error(lineDeallocateCall(call), 0);
    }
    while (lineGetMessage(leaky.app, &m, 0) == 0)
        told += m.dwMessageID == LINE_APPNEWCALL;
    assert_true(told >= LIMIT && told <= 2 * LIMIT);
    client_nothing(&tidy, w, 0);
    client_leave(&leaky);
    client_leave(&tidy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_keeps_too_many_is_cut_off)};
    return cmocka_run_group_tests(tests, set_up_limited, world_tear_down);
}
