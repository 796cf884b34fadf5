/* H-19, I-7: who gave its handle back and gets the call again holds a new handle; all old ones stay void, however often. */
#include "tests/support/conformance.h"

enum { TIMES = 200 };

static void old_handles_stay_void(void **state)
{
    struct world *w = *state;
    struct client holder, a;
    union {
        LINECALLLIST head;
        char bytes[256];
    } list;
    HLINE holder_line = client_start(&holder, MONITOR), line = client_start(&a, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    client_new_call(&holder, holder_line, MONITOR, LINECALLSTATE_OFFERING);
    HCALL handles[TIMES] = {client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING)};
    for (int i = 1; i < TIMES; i++) {
        assert_error(lineDeallocateCall(handles[i - 1]), 0);
        list.head.dwTotalSize = sizeof list;
        assert_error(lineGetNewCalls(line, 0, LINECALLSELECT_LINE, &list.head), 0);
        assert_int_equal(list.head.dwCallsNumEntries, 1);
        memcpy(&handles[i], list.bytes + list.head.dwCallsOffset, sizeof(HCALL));
        assert_int_equal(call_state(handles[i]), LINECALLSTATE_OFFERING);
    }
    for (int i = 0; i < TIMES - 1; i++)
        assert_call_void(handles[i]);
    assert_int_equal(call_state(handles[TIMES - 1]), LINECALLSTATE_OFFERING);
    exchange_end(&w->exchange, id);
    client_leave(&holder);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(old_handles_stay_void))
