/* G-3: where the configuration says that calls are kept, closing a line does not drop what it alone owned. */
#include "tests/support/conformance.h"

static int set_up_keeping(void **state)
{
    static struct world w;
    service_start(&w.service, "close_policy = keep\n" EXCHANGE_SECTION_PATIENT);
    exchange_attach(&w.exchange, WORLD_LINES);
    service_wait_status(&w.service, "totals.lines", WORLD_LINES);
    *state = &w;
    return 0;
}

static void the_call_goes_on(void **state)
{
    struct world *w = *state;
    struct client owner, monitor;
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&monitor, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL call = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_error(lineClose(owner_line), 0);
    client_info(&monitor, call, LINECALLINFOSTATE_NUMOWNERDECR);
    client_nothing(&monitor, w, 0);
    assert_false(exchange_has(&w->exchange, CF_CMD_DROP, id));
    assert_int_equal(call_state(call), LINECALLSTATE_OFFERING);
    exchange_end(&w->exchange, id);
    client_leave(&owner);
    client_leave(&monitor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_call_goes_on)};
    return cmocka_run_group_tests(tests, set_up_keeping, world_tear_down);
}
