/*
 * H-18, M-40 (2), M-43, M-51, G-25: lineHandoff gives its target ownership: by the handle that it has, else by a new one; it is told so with
 * the state as it is and OWNER in dwParam3, also when it was an owner before. Who gives keeps what it had and is told nothing; the others
 * learn the counts. The target must have the line open as OWNER.
 */
#include "tests/support/conformance.h"

static void to_who_has_no_handle(void **state)
{
    struct world *w = *state;
    struct client giver, taker, monitor;
    HLINE giver_line = client_start(&giver, OWNER), monitor_line = client_start(&monitor, MONITOR);
    client_join_as(&taker, "taker");
    HLINE taker_line = client_open(&taker, 0, OWNER);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL given = client_new_call(&giver, giver_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL seen = client_new_call(&monitor, monitor_line, MONITOR, LINECALLSTATE_OFFERING);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    client_state(&giver, given, LINECALLSTATE_CONNECTED);
    client_state(&monitor, seen, LINECALLSTATE_CONNECTED);
    client_nothing(&taker, w, 0);
    assert_error(lineHandoff(given, "taker", 0), 0);
    HCALL taken = client_new_call(&taker, taker_line, OWNER, LINECALLSTATE_CONNECTED);
    client_info(&monitor, seen, LINECALLINFOSTATE_NUMOWNERINCR);
    client_nothing(&giver, w, 0);
    client_nothing(&taker, w, 0);
    assert_int_equal(call_privilege(given), OWNER);
    assert_int_equal(call_owners(taken), 2);
    assert_int_equal(call_monitors(taken), 1);
    assert_error(lineDeallocateCall(given), 0); /* the usual end of it */
    client_info(&taker, taken, LINECALLINFOSTATE_NUMOWNERDECR);
    LONG request = lineDrop(taken, NULL, 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_DROP, id);
    exchange_reply(&w->exchange, &c, 0, id);
    assert_error(client_reply(&taker, request), 0);
    exchange_end(&w->exchange, id);
    client_leave(&giver);
    client_leave(&taker);
    client_leave(&monitor);
    world_rest(w);
}

static void to_who_has_one(void **state)
{
    struct world *w = *state;
    struct client giver, taker, other;
    HLINE giver_line = client_start(&giver, OWNER);
    client_join_as(&taker, "taker");
    HLINE taker_line = client_open(&taker, 0, OWNER | MONITOR), other_line = client_start(&other, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL given = client_new_call(&giver, giver_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL watched = client_new_call(&taker, taker_line, MONITOR, LINECALLSTATE_OFFERING);
    HCALL seen = client_new_call(&other, other_line, MONITOR, LINECALLSTATE_OFFERING);
    assert_error(lineHandoff(watched, "conformance", 0), LINEERR_NOTOWNER);
    assert_error(lineHandoff(given, "taker", 0), 0);
    LINEMESSAGE m = client_state(&taker, watched, LINECALLSTATE_OFFERING);
    assert_int_equal(m.dwParam3, OWNER);
    assert_int_equal(call_privilege(watched), OWNER);
    client_info(&other, seen, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
    client_nothing(&giver, w, 0);
    client_nothing(&taker, w, 0);
    /* Once more: an owner already, and told all the same. */
    assert_error(lineHandoff(given, "taker", 0), 0);
    m = client_state(&taker, watched, LINECALLSTATE_OFFERING);
    assert_int_equal(m.dwParam3, OWNER);
    client_nothing(&other, w, 0);
    assert_int_equal(call_owners(given), 2);
    /* What comes after it carries no privilege. */
    exchange_state(&w->exchange, id, LINECALLSTATE_ACCEPTED, 0);
    assert_int_equal(client_state(&taker, watched, LINECALLSTATE_ACCEPTED).dwParam3, 0);
    exchange_end(&w->exchange, id);
    client_leave(&giver);
    client_leave(&taker);
    client_leave(&other);
    world_rest(w);
}

/* Before 2.0 the new handle comes by LINE_CALLSTATE alone. */
static void below_version_2(void **state)
{
    struct world *w = *state;
    struct client giver, taker;
    HLINE giver_line = client_start(&giver, OWNER);
    client_join_as(&taker, "taker");
    taker.api_version = CF_TAPI_VERSION_1_4;
    client_open(&taker, 0, OWNER);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL given = client_new_call(&giver, giver_line, OWNER, LINECALLSTATE_OFFERING);
    assert_error(lineHandoff(given, "taker", 0), 0);
    LINEMESSAGE m = client_expect(&taker, LINE_CALLSTATE);
    assert_int_equal(m.dwParam1, LINECALLSTATE_OFFERING);
    assert_int_equal(m.dwParam3, OWNER);
    assert_int_equal(call_privilege((HCALL)m.hDevice), OWNER);
    exchange_end(&w->exchange, id);
    client_leave(&giver);
    client_leave(&taker);
    world_rest(w);
}

static void only_to_an_owner_by_its_open(void **state)
{
    struct world *w = *state;
    struct client giver, taker, late;
    HLINE giver_line = client_start(&giver, OWNER);
    client_join_as(&taker, "taker");
    client_open(&taker, 0, MONITOR);
    client_open(&taker, 1, OWNER); /* another line */
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL given = client_new_call(&giver, giver_line, OWNER, LINECALLSTATE_OFFERING);
    assert_error(lineHandoff(given, "taker", 0), LINEERR_TARGETNOTFOUND);
    client_join_as(&late, "taker"); /* of that name, and with the line */
    HLINE late_line = client_open(&late, 0, OWNER);
    assert_error(lineHandoff(given, "taker", 0), 0);
    client_new_call(&late, late_line, OWNER, LINECALLSTATE_OFFERING);
    exchange_end(&w->exchange, id);
    client_leave(&giver);
    client_leave(&taker);
    client_leave(&late);
    world_rest(w);
}

RUN_IN_WORLD(cmocka_unit_test(to_who_has_no_handle), cmocka_unit_test(to_who_has_one), cmocka_unit_test(below_version_2),
             cmocka_unit_test(only_to_an_owner_by_its_open))
