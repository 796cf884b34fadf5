/*
 * H-15, G-11, M-50, M-51: lineGetNewCalls lists, with MONITOR, the calls for which the open line has no handle, each once; with too
 * small a list nothing is made. Other holders get LINE_CALLINFO(NUMMONITORS).
 */
#include "tests/support/conformance.h"

enum { CALLS = 5 };

union list {
    LINECALLLIST head;
    char bytes[4096];
};

static DWORD get_calls(HLINE line, DWORD select, DWORD room, union list *list)
{
    list->head.dwTotalSize = room;
    assert_error(lineGetNewCalls(line, 0, select, &list->head), 0);
    return list->head.dwCallsNumEntries;
}

static HCALL entry(const union list *list, DWORD i)
{
    HCALL call;
    memcpy(&call, list->bytes + list->head.dwCallsOffset + i * sizeof call, sizeof call);
    return call;
}

static void every_call_is_listed_once(void **state)
{
    struct world *w = *state;
    struct client first, late;
    union list list;
    uint64_t ids[CALLS];
    HCALL seen[CALLS];
    HLINE line = client_start(&first, MONITOR);
    for (int i = 0; i < CALLS; i++)
        ids[i] = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    for (int i = 0; i < CALLS; i++)
        seen[i] = client_new_call(&first, line, MONITOR, LINECALLSTATE_OFFERING);
    HLINE late_line = client_start(&late, NOTHING);

    assert_int_equal(get_calls(late_line, LINECALLSELECT_LINE, sizeof(LINECALLLIST) + 8, &list), 0);
    assert_int_equal(list.head.dwNeededSize, sizeof(LINECALLLIST) + CALLS * sizeof(HCALL));
    assert_int_equal(call_monitors(seen[0]), 1); /* nothing was made */

    assert_int_equal(get_calls(late_line, LINECALLSELECT_LINE, sizeof list, &list), CALLS);
    assert_int_equal(list.head.dwCallsSize, CALLS * sizeof(HCALL));
    for (DWORD i = 0; i < CALLS; i++) {
        assert_int_equal(call_state(entry(&list, i)), LINECALLSTATE_OFFERING);
        assert_int_equal(call_privilege(entry(&list, i)), MONITOR);
        assert_int_equal(call_monitors(seen[i]), 2);
        client_info(&first, seen[i], LINECALLINFOSTATE_NUMMONITORS);
    }
    HCALL one = entry(&list, 0);
    assert_int_equal(get_calls(late_line, LINECALLSELECT_ADDRESS, sizeof list, &list), 0); /* all known by now */
    client_nothing(&late, w, 0);
    exchange_state(&w->exchange, ids[0], LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    LINEMESSAGE m = client_expect(&late, LINE_CALLSTATE);
    assert_true(m.hDevice == one || call_state(m.hDevice) == LINECALLSTATE_CONNECTED);
    for (int i = 0; i < CALLS; i++)
        exchange_end(&w->exchange, ids[i]);
    client_leave(&first);
    client_leave(&late);
}

static void errors(void **state)
{
    (void)state;
    struct client a;
    union list list = {.head.dwTotalSize = sizeof list};
    HLINE line = client_start(&a, NOTHING);
    assert_error(lineGetNewCalls(line, 0, LINECALLSELECT_LINE, NULL), LINEERR_INVALPOINTER);
    assert_error(lineGetNewCalls(line, 7, LINECALLSELECT_ADDRESS, &list.head), LINEERR_INVALADDRESSID);
    assert_error(lineGetNewCalls(line, 0, LINECALLSELECT_LINE | LINECALLSELECT_ADDRESS, &list.head),
                 LINEERR_INVALCALLSELECT);
    assert_error(lineGetNewCalls(line, 0, LINECALLSELECT_CALL, &list.head), LINEERR_INVALCALLSELECT);
    assert_error(lineGetNewCalls(line + 1, 0, LINECALLSELECT_LINE, &list.head), LINEERR_INVALLINEHANDLE);
    list.head.dwTotalSize = sizeof(LINECALLLIST) - 1;
    assert_error(lineGetNewCalls(line, 0, LINECALLSELECT_LINE, &list.head), LINEERR_STRUCTURETOOSMALL);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(every_call_is_listed_once), cmocka_unit_test(errors))
