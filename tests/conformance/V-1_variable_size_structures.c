/*
 * V-1 to V-9: too small a dwTotalSize is LINEERR_STRUCTURETOOSMALL; nothing is written beyond it; a part that does not fit is absent
 * (size 0, offset 0) and dwNeededSize tells what would do; the retry with it gets everything; strings end with NUL.
 */
#include "tests/support/conformance.h"

enum { ROOM = 2048, PATTERN = 0xA5 };

union info {
    LINECALLINFO info;
    unsigned char bytes[ROOM];
};

static LONG ask(HCALL call, DWORD total, union info *u)
{
    memset(u->bytes, PATTERN, sizeof u->bytes);
    u->info.dwTotalSize = total;
    LONG result = lineGetCallInfo(call, &u->info);
    for (DWORD i = total; i < ROOM; i++)
        assert_int_equal(u->bytes[i], PATTERN);
    return result;
}

static void every_size_is_safe(void **state)
{
    struct world *w = *state;
    struct client a;
    union info u;
    HLINE line = client_start(&a, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "5551000", "5552000");
    HCALL call = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    for (DWORD total = 4; total < sizeof(LINECALLINFO); total += 4)
        assert_error(ask(call, total, &u), LINEERR_STRUCTURETOOSMALL);
    assert_error(ask(call, ROOM, &u), 0);
    DWORD needed = u.info.dwNeededSize;
    assert_int_equal(u.info.dwUsedSize, needed);
    assert_true(needed > sizeof(LINECALLINFO));
    for (DWORD total = sizeof(LINECALLINFO); total <= needed; total++) {
        assert_error(ask(call, total, &u), 0);
        assert_true(u.info.hLine == line);
        assert_int_equal(u.info.dwNumMonitors, 1);
        assert_int_equal(u.info.dwNeededSize, needed);
        assert_true(u.info.dwUsedSize <= total);
        assert_int_equal(u.info.dwUsedSize == needed, total == needed);
        assert_int_equal(u.info.dwCallerIDSize == 0, u.info.dwCallerIDOffset == 0);
        if (u.info.dwCallerIDSize != 0)
            assert_string_equal(u.bytes + u.info.dwCallerIDOffset, "5551000");
        if (u.info.dwCalledIDSize != 0)
            assert_string_equal(u.bytes + u.info.dwCalledIDOffset, "5552000");
    }
    assert_int_equal(u.info.dwCallerIDSize, 8);
    assert_int_equal(u.info.dwCalledIDSize, 8);
    assert_error(lineGetCallInfo(call, NULL), LINEERR_INVALPOINTER);
    exchange_end(&w->exchange, id);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(every_size_is_safe))
