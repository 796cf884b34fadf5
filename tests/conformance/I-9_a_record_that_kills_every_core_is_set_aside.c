/*
 * A record that kills each core that takes it: after three deaths it is left out. A request fails, an event's call ends; who has to do with
 * neither notices nothing, and handles stay valid.
 */
#include <stdio.h>

#include "tests/support/conformance.h"

/* What kills: lineHold; and a call state that no provider here sends otherwise. */
static void start(struct world *w, const char *crash_at)
{
    service_start_with(&w->service, EXCHANGE_SECTION_PATIENT, "--crash-at", crash_at);
    exchange_attach(&w->exchange, WORLD_LINES);
    service_wait_status(&w->service, "totals.lines", WORLD_LINES);
}

static void three_deaths(const struct world *w)
{
    service_wait_status(&w->service, "totals.set_aside", 1);
    service_wait_status(&w->service, "process.core_restarts", 3);
    assert_int_equal(service_status(&w->service, "process.cold_starts"), 0);
    assert_int_equal(service_status(&w->service, "totals.recoveries_undone"), 3);
}

static void leave_all(struct world *w, struct client *owner, struct client *monitor)
{
    client_leave(owner);
    client_leave(monitor);
    service_wait_status(&w->service, "totals.handles_live", 0);
    exchange_detach(&w->exchange);
    service_stop(&w->service);
}

static void a_request_fails(void **state)
{
    static struct world w;
    struct client owner, monitor;
    char crash_at[32];
    (void)state;
    snprintf(crash_at, sizeof crash_at, "record:%#x", CF_REQ_HOLD);
    start(&w, crash_at);
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&monitor, MONITOR);
    uint64_t id = exchange_call(&w.exchange, 0, LINECALLSTATE_CONNECTED, "1", "2");
    HCALL seen = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_CONNECTED);
    uint64_t offered = exchange_call(&w.exchange, 0, LINECALLSTATE_OFFERING, "3", "4");
    HCALL call = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    LONG request = lineHold(call); /* wrong in this state, too; no core comes so far as to see it */
    assert_error(client_reply(&owner, request), LINEERR_OPERATIONFAILED);
    three_deaths(&w);
    request = lineAnswer(call, NULL, 0); /* the application goes on */
    struct cf_command c = exchange_command_of(&w.exchange, CF_CMD_ANSWER, offered);
    exchange_reply(&w.exchange, &c, 0, offered);
    assert_error(client_reply(&owner, request), 0);
    exchange_state(&w.exchange, id, LINECALLSTATE_ONHOLD, 0);
    client_state(&monitor, seen, LINECALLSTATE_ONHOLD);
    assert_int_equal(call_owners(call), 1);
    exchange_end(&w.exchange, id);
    client_state(&monitor, seen, LINECALLSTATE_DISCONNECTED);
    client_state(&monitor, seen, LINECALLSTATE_IDLE);
    leave_all(&w, &owner, &monitor);
}

static void the_call_of_an_event_ends(void **state)
{
    static struct world w;
    struct client owner, monitor;
    char crash_at[32];
    (void)state;
    snprintf(crash_at, sizeof crash_at, "record:%#x:%u", CF_EV_CALL_STATE, LINECALLSTATE_SPECIALINFO);
    start(&w, crash_at);
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&monitor, MONITOR);
    uint64_t poisoned = exchange_call(&w.exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL owned = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL seen = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    uint64_t other = exchange_call(&w.exchange, 0, LINECALLSTATE_OFFERING, "3", "4");
    HCALL other_owned = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL other_seen = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    exchange_state(&w.exchange, poisoned, LINECALLSTATE_SPECIALINFO, LINESPECIALINFO_NOCIRCUIT);
    exchange_state(&w.exchange, other, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    assert_int_equal(client_state(&owner, owned, LINECALLSTATE_DISCONNECTED).dwParam2, LINEDISCONNECTMODE_UNKNOWN);
    client_state(&owner, owned, LINECALLSTATE_IDLE);
    assert_int_equal(client_state(&monitor, seen, LINECALLSTATE_DISCONNECTED).dwParam2, LINEDISCONNECTMODE_UNKNOWN);
    client_state(&monitor, seen, LINECALLSTATE_IDLE);
    client_state(&owner, other_owned, LINECALLSTATE_CONNECTED);
    client_state(&monitor, other_seen, LINECALLSTATE_CONNECTED);
    three_deaths(&w);
    exchange_state(&w.exchange, poisoned, LINECALLSTATE_CONNECTED, 0); /* after IDLE: refused, and no more than that */
    client_nothing(&monitor, &w, 0);
    client_nothing(&owner, &w, 0);
    assert_int_equal(call_state(other_seen), LINECALLSTATE_CONNECTED);
    assert_int_equal(call_state(seen), LINECALLSTATE_IDLE);
    exchange_end(&w.exchange, other);
    client_state(&owner, other_owned, LINECALLSTATE_DISCONNECTED);
    client_state(&owner, other_owned, LINECALLSTATE_IDLE);
    client_state(&monitor, other_seen, LINECALLSTATE_DISCONNECTED);
    client_state(&monitor, other_seen, LINECALLSTATE_IDLE);
    leave_all(&w, &owner, &monitor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_request_fails), cmocka_unit_test(the_call_of_an_event_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
