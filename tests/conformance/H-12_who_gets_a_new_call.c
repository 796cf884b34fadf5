/*
 * H-12: an incoming call (one that begins OFFERING) gives one handle with OWNER, to the earliest open with OWNER, and one with MONITOR to every other open with
 * MONITOR. Opens with NONE, and with OWNER alone that were not chosen, get nothing.
 */
#include "tests/support/conformance.h"

static void owner_and_monitors(void **state)
{
    struct world *w = *state;
    struct client none, monitor, first, second, both;
    client_start(&none, NOTHING);
    HLINE monitor_line = client_start(&monitor, MONITOR), first_line = client_start(&first, OWNER);
    client_start(&second, OWNER);
    HLINE both_line = client_start(&both, OWNER | MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL owned = client_new_call(&first, first_line, OWNER, LINECALLSTATE_OFFERING);
    client_new_call(&monitor, monitor_line, MONITOR, LINECALLSTATE_OFFERING);
    client_new_call(&both, both_line, MONITOR, LINECALLSTATE_OFFERING);
    assert_int_equal(call_owners(owned), 1);
    assert_int_equal(call_monitors(owned), 2);
    client_nothing(&none, w, 0);
    client_nothing(&second, w, 0);
    exchange_end(&w->exchange, id);
    client_leave(&first);
    service_wait_status(&w->service, "totals.opens", 4); /* what one port sent and what another sent have no order */
    uint64_t next = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    LINEMESSAGE m = client_expect(&second, LINE_APPNEWCALL);
    assert_int_equal(m.dwParam3, OWNER); /* now it is the earliest */
    exchange_end(&w->exchange, next);
    client_leave(&none);
    client_leave(&monitor);
    client_leave(&second);
    client_leave(&both);
}

static void without_owner_it_stays_offering(void **state)
{
    struct world *w = *state;
    struct client monitor;
    HLINE line = client_start(&monitor, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    client_nothing(&monitor, w, 0);
    assert_int_equal(call_owners(call), 0);
    assert_false(exchange_has(&w->exchange, CF_CMD_DROP, id));
    assert_error(lineSetCallPrivilege(call, OWNER), 0);
    LONG request = lineAnswer(call, NULL, 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_ANSWER, id);
    exchange_reply(&w->exchange, &c, 0, id);
    assert_error(client_reply(&monitor, request), 0);
    exchange_end(&w->exchange, id);
    client_leave(&monitor);
}

static void with_nobody_at_all_it_is_refused(void **state)
{
    struct world *w = *state;
    struct client owner;
    client_start(&owner, NOTHING);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_REFUSED, id);
    assert_int_equal(c.refusal, CF_REFUSAL_NOBODY);
    client_leave(&owner);
}

RUN_IN_WORLD(cmocka_unit_test(owner_and_monitors), cmocka_unit_test(without_owner_it_stays_offering),
             cmocka_unit_test(with_nobody_at_all_it_is_refused))
