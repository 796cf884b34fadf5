/* H-2, H-32: 0 is never a handle; what is no handle of that kind is refused by each function with the error of its kind. */
#include "tests/support/conformance.h"

static void zero_and_other_kinds_are_refused(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_true(call != 0 && line != 0 && a.app != 0);
    const uint64_t wrong_lines[] = {0, call, a.app, line + 1, line + (UINT64_C(2) << 32), UINT64_MAX};
    for (size_t i = 0; i < sizeof wrong_lines / sizeof *wrong_lines; i++) {
        LINEDEVSTATUS status = {.dwTotalSize = sizeof status};
        HCALL made = 0;
        assert_error(lineGetLineDevStatus(wrong_lines[i], &status), LINEERR_INVALLINEHANDLE);
        assert_error(lineSetStatusMessages(wrong_lines[i], 0, 0), LINEERR_INVALLINEHANDLE);
        assert_error(lineMakeCall(wrong_lines[i], &made, "1", 0, NULL), LINEERR_INVALLINEHANDLE);
        assert_error(lineClose(wrong_lines[i]), LINEERR_INVALLINEHANDLE);
    }
    const uint64_t wrong_apps[] = {0, call, line, UINT64_MAX};
    for (size_t i = 0; i < sizeof wrong_apps / sizeof *wrong_apps; i++) {
        LINEMESSAGE m;
        DWORD version;
        assert_error(lineGetMessage(wrong_apps[i], &m, 0), LINEERR_INVALAPPHANDLE);
        assert_error(
            lineNegotiateAPIVersion(wrong_apps[i], 0, CF_TAPI_VERSION_1_3, TAPI_CURRENT_VERSION, &version, NULL),
            LINEERR_INVALAPPHANDLE);
        assert_error(lineShutdown(wrong_apps[i]), LINEERR_INVALAPPHANDLE);
    }
    assert_call_void(line);
    assert_call_void(a.app);
    assert_int_equal(call_state(call), LINECALLSTATE_OFFERING); /* the right ones still work */
    exchange_end(&w->exchange, id);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(zero_and_other_kinds_are_refused))
