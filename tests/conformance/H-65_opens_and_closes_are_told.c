/*
 * H-65, H-66: other opens of the device that asked for it are told LINE_LINEDEVSTATE(OPEN) and (CLOSE), the causer is not; the
 * provider is told of the first open and of the last close alone.
 */
#include "tests/support/conformance.h"

static LINEMESSAGE any_message(struct client *c)
{
    LINEMESSAGE m;
    assert_error(lineGetMessage(c->app, &m, 30000), 0);
    return m;
}

static void who_asked_is_told(void **state)
{
    struct world *w = *state;
    struct client watcher, other;
    HLINE line = client_start(&watcher, NOTHING);
    exchange_command(&w->exchange, CF_CMD_OPEN_LINE);
    assert_error(lineSetStatusMessages(line, LINEDEVSTATE_OPEN | LINEDEVSTATE_CLOSE, 0), 0);
    HLINE second = client_start(&other, NOTHING);
    LINEMESSAGE m = any_message(&watcher);
    assert_int_equal(m.dwMessageID, LINE_LINEDEVSTATE);
    assert_true(m.hDevice == line && m.dwParam1 == LINEDEVSTATE_OPEN);
    LINEDEVSTATUS status = {.dwTotalSize = sizeof status};
    assert_error(lineGetLineDevStatus(line, &status), 0);
    assert_int_equal(status.dwNumOpens, 2);
    assert_error(lineClose(second), 0);
    m = any_message(&watcher);
    assert_int_equal(m.dwMessageID, LINE_LINEDEVSTATE);
    assert_true(m.hDevice == line && m.dwParam1 == LINEDEVSTATE_CLOSE);
    assert_error(lineGetLineDevStatus(line, &status), 0);
    assert_int_equal(status.dwNumOpens, 1);
    assert_false(exchange_has(&w->exchange, CF_CMD_CLOSE_LINE, 0));
    assert_false(exchange_has(&w->exchange, CF_CMD_OPEN_LINE, 0));
    assert_error(lineClose(line), 0);
    exchange_command(&w->exchange, CF_CMD_CLOSE_LINE);
    client_leave(&watcher);
    client_leave(&other);
}

RUN_IN_WORLD(cmocka_unit_test(who_asked_is_told))
