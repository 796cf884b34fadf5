/*
 * H-68, H-70: a line that its provider closes gives LINE_CLOSE to every open of it; then the line and its call handles are void. A line
 * that is removed gives LINE_REMOVE besides, to who had it not open too, and its number is no device any more.
 */
#include "tests/support/conformance.h"

static void every_open_gets_line_close(void **state)
{
    struct world *w = *state;
    struct client a, b;
    HLINE a_line = client_start(&a, MONITOR), a_second = client_open(&a, 0, MONITOR), b_line = client_start(&b, OWNER);
    HLINE kept = client_open(&b, 1, MONITOR);
    exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, a_line, MONITOR, LINECALLSTATE_OFFERING);
    client_new_call(&a, a_second, MONITOR, LINECALLSTATE_OFFERING);
    HCALL owned = client_new_call(&b, b_line, OWNER, LINECALLSTATE_OFFERING);
    exchange_line_close(&w->exchange, 0);
    HLINE closed[2];
    for (int i = 0; i < 2;) {
        LINEMESSAGE m = client_message(&a);
        if (m.dwMessageID == LINE_CLOSE) {
            assert_true(m.dwCallbackInstance == a.instance);
            closed[i++] = m.hDevice;
        } else {
            assert_true(m.dwMessageID == LINE_CALLSTATE || m.dwMessageID == LINE_CALLINFO);
        }
    }
    assert_true((closed[0] == a_line && closed[1] == a_second) || (closed[0] == a_second && closed[1] == a_line));
    LINEMESSAGE m;
    do
        m = client_message(&b);
    while (m.dwMessageID != LINE_CLOSE);
    assert_true(m.hDevice == b_line);
    assert_call_void(call);
    assert_call_void(owned);
    assert_error(lineClose(a_line), LINEERR_INVALLINEHANDLE);
    LINEDEVSTATUS status = {.dwTotalSize = sizeof status};
    assert_error(lineGetLineDevStatus(kept, &status), 0); /* another line of the same provider */
    client_leave(&a);
    client_leave(&b);
}

static void a_removed_line_is_no_device(void **state)
{
    struct world *w = *state;
    struct client a, b;
    client_join(&a);
    client_join(&b);
    HLINE line = client_open(&a, 2, MONITOR);
    exchange_line_remove(&w->exchange, 2);
    LINEMESSAGE m = client_expect(&a, LINE_CLOSE);
    assert_true(m.hDevice == line);
    m = client_expect(&a, LINE_REMOVE);
    assert_true(m.hDevice == 0 && m.dwParam1 == 2 && m.dwCallbackInstance == 0);
    m = client_expect(&b, LINE_REMOVE);
    assert_int_equal(m.dwParam1, 2);
    assert_error(lineOpen(b.app, 2, &line, TAPI_CURRENT_VERSION, 0, 0, MONITOR, LINEMEDIAMODE_INTERACTIVEVOICE, NULL),
                 LINEERR_NODEVICE);
    client_leave(&a);
    client_leave(&b);
}

/* They know no LINE_REMOVE: LINE_LINEDEVSTATE(REMOVED), which they ask for, then LINE_CLOSE. */
static void applications_below_version_2(void **state)
{
    struct world *w = *state;
    struct client old, fresh;
    client_join(&old);
    old.api_version = CF_TAPI_VERSION_1_4;
    client_join(&fresh);
    HLINE line = client_open(&old, 1, MONITOR), other = client_open(&fresh, 1, MONITOR);
    assert_error(lineSetStatusMessages(line, LINEDEVSTATE_REMOVED, 0), 0);
    exchange_line_remove(&w->exchange, 1);
    LINEMESSAGE m = client_expect(&old, LINE_LINEDEVSTATE);
    assert_true(m.hDevice == line && m.dwParam1 == LINEDEVSTATE_REMOVED);
    m = client_expect(&old, LINE_CLOSE);
    assert_true(m.hDevice == line);
    m = client_expect(&fresh, LINE_CLOSE);
    assert_true(m.hDevice == other);
    assert_int_equal(client_expect(&fresh, LINE_REMOVE).dwParam1, 1);
    client_leave(&old);
    client_leave(&fresh);
}

RUN_IN_WORLD(cmocka_unit_test(every_open_gets_line_close), cmocka_unit_test(a_removed_line_is_no_device),
             cmocka_unit_test(applications_below_version_2))
