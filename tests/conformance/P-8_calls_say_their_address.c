/*
 * P-8: each call says on which address of its line it is. LINE_APPNEWCALL, LINECALLINFO and lineGetNewCalls by address say it too; a
 * consultation call is on the address of the call that it was made for. On an address that the line has not there is no call.
 */
#include "tests/support/conformance.h"

enum { LINE = 1, ADDRESSES = 3 };

static DWORD address_of(HCALL call)
{
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    assert_error(lineGetCallInfo(call, &info), 0);
    return info.dwAddressID;
}

static void calls_are_found_by_address(void **state)
{
    struct world *w = *state;
    struct client owner, late;
    uint64_t ids[ADDRESSES];
    client_join(&owner);
    client_join(&late);
    exchange_addresses(&w->exchange, LINE, ADDRESSES);
    HLINE line = client_open(&owner, LINE, OWNER), late_line = client_open(&late, LINE, NOTHING);
    client_nothing(&owner, w, LINE);
    for (DWORD i = 0; i < ADDRESSES; i++) {
        ids[i] = exchange_call_media(&w->exchange, LINE, i, LINECALLSTATE_OFFERING, 0);
        LINEMESSAGE m = client_expect(&owner, LINE_APPNEWCALL);
        assert_true(m.hDevice == line);
        assert_int_equal(m.dwParam1, i);
        assert_int_equal(address_of((HCALL)m.dwParam2), i);
        client_state(&owner, (HCALL)m.dwParam2, LINECALLSTATE_OFFERING);
    }
    for (DWORD i = ADDRESSES; i-- > 0;) {
        struct {
            LINECALLLIST head;
            HCALL calls[ADDRESSES];
        } list = {.head.dwTotalSize = sizeof list};
        assert_error(lineGetNewCalls(late_line, i, LINECALLSELECT_ADDRESS, &list.head), 0);
        assert_int_equal(list.head.dwCallsNumEntries, 1);
        assert_int_equal(address_of(list.calls[0]), i);
    }
    for (DWORD i = 0; i < ADDRESSES; i++)
        exchange_end(&w->exchange, ids[i]);
    client_leave(&owner);
    client_leave(&late);
}

static void a_consultation_call_is_where_the_first_is(void **state)
{
    struct world *w = *state;
    struct client owner;
    HCALL consultation = 0;
    client_join(&owner);
    exchange_addresses(&w->exchange, LINE, ADDRESSES);
    HLINE line = client_open(&owner, LINE, OWNER);
    uint64_t id = exchange_call_media(&w->exchange, LINE, 2, LINECALLSTATE_OFFERING, 0);
    HCALL call = client_new_call(&owner, line, OWNER, LINECALLSTATE_OFFERING);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, 0);
    client_state(&owner, call, LINECALLSTATE_CONNECTED);
    LONG request = lineSetupTransfer(call, &consultation, NULL);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SETUP_TRANSFER, id);
    uint64_t made = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, made);
    assert_error(client_reply(&owner, request), 0);
    assert_int_equal(address_of(consultation), 2);
    exchange_end(&w->exchange, made);
    exchange_end(&w->exchange, id);
    client_leave(&owner);
}

static void an_address_that_is_none(void **state)
{
    struct world *w = *state;
    struct client monitor;
    client_join(&monitor);
    exchange_addresses(&w->exchange, LINE, ADDRESSES);
    HLINE line = client_open(&monitor, LINE, MONITOR);
    uint64_t id = exchange_call_media(&w->exchange, LINE, ADDRESSES, LINECALLSTATE_OFFERING, 0);
    exchange_command_of(&w->exchange, CF_CMD_REFUSED, id);
    client_nothing(&monitor, w, LINE);
    LINECALLLIST list = {.dwTotalSize = sizeof list};
    assert_error(lineGetNewCalls(line, ADDRESSES, LINECALLSELECT_ADDRESS, &list), LINEERR_INVALADDRESSID);
    client_leave(&monitor);
}

RUN_IN_WORLD(cmocka_unit_test(calls_are_found_by_address), cmocka_unit_test(a_consultation_call_is_where_the_first_is),
             cmocka_unit_test(an_address_that_is_none))
