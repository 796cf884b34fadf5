/*
 * LINE_LINEDEVSTATE and lineGetLineDevStatus of a line that goes out of service, is disconnected, has a message waiting, and comes back: told
 * to the opens that asked for it; while it cannot be used its features are none.
 */
#include "tests/support/conformance.h"

static LINEDEVSTATUS status_of(HLINE line)
{
    LINEDEVSTATUS s = {.dwTotalSize = sizeof s};
    assert_error(lineGetLineDevStatus(line, &s), 0);
    return s;
}

static void flags_and_features_follow(void **state)
{
    enum {
        CONNECTED = LINEDEVSTATUSFLAGS_CONNECTED,
        IN_SERVICE = LINEDEVSTATUSFLAGS_INSERVICE,
        WAITING = LINEDEVSTATUSFLAGS_MSGWAIT
    };
    static const struct {
        DWORD state, flags;
        bool usable;
    } steps[] = {
        {LINEDEVSTATE_OUTOFSERVICE, CONNECTED, false},
        {LINEDEVSTATE_INSERVICE, CONNECTED | IN_SERVICE, true},
        {LINEDEVSTATE_DISCONNECTED, IN_SERVICE, false},
        {LINEDEVSTATE_CONNECTED, CONNECTED | IN_SERVICE, true},
        {LINEDEVSTATE_MSGWAITON, CONNECTED | IN_SERVICE | WAITING, true},
        {LINEDEVSTATE_MAINTENANCE, CONNECTED | WAITING, false},
        {LINEDEVSTATE_INSERVICE | LINEDEVSTATE_MSGWAITOFF, CONNECTED | IN_SERVICE, true},
        {LINEDEVSTATE_OUTOFSERVICE | LINEDEVSTATE_DISCONNECTED, 0, false},
        {LINEDEVSTATE_INSERVICE | LINEDEVSTATE_CONNECTED, CONNECTED | IN_SERVICE, true},
        {LINEDEVSTATE_RINGING, CONNECTED | IN_SERVICE, true},
    };
    struct world *w = *state;
    struct client asks, other;
    HLINE line = client_start(&asks, OWNER), quiet = client_start(&other, MONITOR);
    DWORD all = LINEDEVSTATE_OTHER;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        all |= steps[i].state;
    assert_error(lineSetStatusMessages(line, all, 0), 0);
    assert_int_equal(status_of(line).dwDevStatusFlags, CONNECTED | IN_SERVICE);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_true(cf_provider_post_line_state(w->exchange.provider, 0, steps[i].state, 3 | UINT64_C(5) << 32));
        cf_provider_flush(w->exchange.provider);
        LINEMESSAGE m = client_expect(&asks, LINE_LINEDEVSTATE);
        assert_true(m.hDevice == line);
        assert_int_equal(m.dwParam1, steps[i].state);
        assert_int_equal(m.dwParam2, 3);
        assert_int_equal(m.dwParam3, 5);
        LINEDEVSTATUS s = status_of(quiet);
        assert_int_equal(s.dwDevStatusFlags, steps[i].flags);
        assert_int_equal(s.dwLineFeatures != 0, steps[i].usable);
        assert_int_equal(s.dwAvailableMediaModes != 0, steps[i].usable);
    }
    client_nothing(&other, w, 0);
    client_leave(&asks);
    client_leave(&other);
}

/* Only the line that said so; and one that is announced anew, to change what it can do, stays as it is. */
static void it_is_the_line_s_own(void **state)
{
    struct world *w = *state;
    struct client c;
    HLINE line = client_start(&c, MONITOR), second = client_open(&c, 1, MONITOR);
    assert_true(cf_provider_post_line_state(w->exchange.provider, 1, LINEDEVSTATE_OUTOFSERVICE, 0));
    const struct cf_line_info again = {.line = 1, .name = "again", .caps = {.line_features = LINEFEATURE_MAKECALL}};
    assert_true(cf_provider_post_line(w->exchange.provider, &again));
    client_nothing(&c, w, 1);
    assert_int_equal(status_of(line).dwDevStatusFlags, LINEDEVSTATUSFLAGS_CONNECTED | LINEDEVSTATUSFLAGS_INSERVICE);
    assert_int_equal(status_of(second).dwDevStatusFlags, LINEDEVSTATUSFLAGS_CONNECTED);
    assert_int_equal(status_of(second).dwLineFeatures, 0);
    client_leave(&c);
}

RUN_IN_WORLD(cmocka_unit_test(flags_and_features_follow), cmocka_unit_test(it_is_the_line_s_own))
