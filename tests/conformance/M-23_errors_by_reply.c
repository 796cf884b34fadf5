/*
 * Order of checks, and asynchronous errors: the handle is checked at once; NOTOWNER, INVALCALLSTATE and the provider's own errors come by
 * LINE_REPLY, exactly one per request.
 */
#include "tests/support/conformance.h"

static void each_error_comes_once(void **state)
{
    struct world *w = *state;
    struct client owner, monitor;
    HLINE owner_line = client_start(&owner, OWNER), line = client_start(&monitor, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL owned = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL seen = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_error(client_reply(&monitor, lineDrop(seen, NULL, 0)), LINEERR_NOTOWNER);
    assert_error(client_reply(&monitor, lineAccept(seen, NULL, 0)), LINEERR_NOTOWNER);
    assert_error(lineAnswer(0, NULL, 0), LINEERR_INVALCALLHANDLE);
    LONG request = lineAnswer(owned, NULL, 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_ANSWER, id);
    exchange_reply(&w->exchange, &c, LINEERR_INUSE, id);
    assert_error(client_reply(&owner, request), LINEERR_INUSE);
    exchange_reply(&w->exchange, &c, 0, id); /* a second answer to the same command is none */
    client_nothing(&owner, w, 0);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    client_state(&owner, owned, LINECALLSTATE_CONNECTED);
    assert_error(client_reply(&owner, lineAccept(owned, NULL, 0)), LINEERR_INVALCALLSTATE);
    assert_error(client_reply(&owner, lineAnswer(owned, NULL, 0)), LINEERR_INVALCALLSTATE);
    assert_false(exchange_has(&w->exchange, CF_CMD_ACCEPT, id));
    exchange_end(&w->exchange, id);
    client_leave(&owner);
    client_leave(&monitor);
}

static void many_requests_are_answered_each_once(void **state)
{
    enum { REQUESTS = 500 };
    struct world *w = *state;
    struct client owner;
    static LONG ids[REQUESTS];
    static bool answered[REQUESTS];
    HLINE line = client_start(&owner, OWNER);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&owner, line, OWNER, LINECALLSTATE_OFFERING);
    for (int i = 0; i < REQUESTS; i++) {
        ids[i] = lineAccept(call, NULL, 0);
        assert_true(ids[i] > 0);
        for (int k = 0; k < i; k++)
            assert_true(ids[i] != ids[k]);
    }
    for (int i = 0; i < REQUESTS; i++) {
        struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_ACCEPT, id);
        exchange_reply(&w->exchange, &c, i % 2 == 0 ? 0 : LINEERR_INUSE, id);
    }
    for (int i = 0; i < REQUESTS; i++) {
        LINEMESSAGE m = client_expect(&owner, LINE_REPLY);
        int k = 0;
        while (k < REQUESTS && ids[k] != (LONG)m.dwParam1)
            k++;
        assert_true(k < REQUESTS && !answered[k]);
        answered[k] = true;
        assert_error((LONG)m.dwParam2, k % 2 == 0 ? 0 : LINEERR_INUSE);
    }
    client_nothing(&owner, w, 0);
    exchange_end(&w->exchange, id);
    client_leave(&owner);
}

RUN_IN_WORLD(cmocka_unit_test(each_error_comes_once), cmocka_unit_test(many_requests_are_answered_each_once))
