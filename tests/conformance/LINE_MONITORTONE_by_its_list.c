/*
 * lineMonitorTones: any privilege; a handle has one list, a new one takes the place of the old, and a tone is told to whose list it is of, by
 * the list's own dwAppSpecific.
 */
#include "tests/support/conformance.h"

static const LINEMONITORTONE tones[4] = {
    {.dwAppSpecific = 0xFFFFFFFF, .dwDuration = 500, .dwFrequency1 = 1100},
    {.dwAppSpecific = 2, .dwDuration = 20, .dwFrequency1 = 440, .dwFrequency2 = 480},
    {.dwAppSpecific = 3, .dwDuration = 3000}, /* silence */
    {.dwAppSpecific = 4, .dwFrequency1 = 1, .dwFrequency2 = 2, .dwFrequency3 = 3},
};

static struct cf_command listed(struct world *w, uint64_t id, uint32_t count)
{
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_MONITOR_TONES, id);
    assert_int_equal(c.tones.bytes, count * sizeof tones[0]);
    if (count != 0)
        assert_memory_equal(c.tones.at, tones, c.tones.bytes);
    assert_true((c.list != 0) == (count != 0));
    return c;
}

static void heard(struct client *c, HCALL call, DWORD app_specific)
{
    LINEMESSAGE m = client_expect(c, LINE_MONITORTONE);
    assert_true(m.hDevice == call);
    assert_true(m.dwParam1 == app_specific);
    assert_int_equal(m.dwParam2, 0);
}

static void each_hears_its_own_list(void **state)
{
    struct world *w = *state;
    struct client a, b;
    HLINE a_line = client_start(&a, MONITOR), b_line = client_start(&b, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_CONNECTED, "1", "2");
    HCALL of_a = client_new_call(&a, a_line, MONITOR, LINECALLSTATE_CONNECTED);
    HCALL of_b = client_new_call(&b, b_line, MONITOR, LINECALLSTATE_CONNECTED);
    assert_error(lineMonitorTones(of_a, tones, 3), 0);
    struct cf_command first = listed(w, id, 3);
    assert_int_equal(first.ended_list, 0);
    assert_error(lineMonitorTones(of_b, tones, 1), 0);
    struct cf_command second = listed(w, id, 1);
    assert_true(second.list != first.list && second.ended_list == 0);
    exchange_hears(&w->exchange, id, CF_EV_TONE, 3, first.list);
    exchange_hears(&w->exchange, id, CF_EV_TONE, 0xFFFFFFFF, second.list);
    heard(&a, of_a, 3);
    heard(&b, of_b, 0xFFFFFFFF);
    assert_error(lineMonitorTones(of_a, tones, 2), 0);
    struct cf_command third = listed(w, id, 2);
    assert_int_equal(third.ended_list, first.list);
    exchange_hears(&w->exchange, id, CF_EV_TONE, 1, first.list); /* of the list before: too late */
    exchange_hears(&w->exchange, id, CF_EV_TONE, 2, third.list);
    heard(&a, of_a, 2);
    assert_error(lineMonitorTones(of_a, NULL, 17), 0); /* the number is not looked at */
    assert_int_equal(listed(w, id, 0).ended_list, third.list);
    assert_error(lineMonitorTones(of_a, NULL, 0), 0); /* there is none to end */
    exchange_hears(&w->exchange, id, CF_EV_TONE, 2, third.list);
    client_nothing(&a, w, 0);
    client_nothing(&b, w, 0);
    assert_false(exchange_has(&w->exchange, CF_CMD_MONITOR_TONES, id));
    exchange_end(&w->exchange, id);
    client_leave(&a);
    client_leave(&b);
}

static void what_cannot_be_listened_for(void **state)
{
    static LINEMONITORTONE many[64];
    struct world *w = *state;
    struct client c;
    HLINE line = client_start(&c, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_CONNECTED, "1", "2");
    HCALL call = client_new_call(&c, line, MONITOR, LINECALLSTATE_CONNECTED);
    for (unsigned i = 0; i < 64; i++)
        many[i] = tones[0];
    assert_error(lineMonitorTones(0, tones, 1), LINEERR_INVALCALLHANDLE);
    assert_error(lineMonitorTones(call, tones, 0), LINEERR_INVALTONE);
    assert_error(lineMonitorTones(call, tones + 3, 1), LINEERR_INVALTONE);  /* three frequencies, two can be told */
    assert_error(lineMonitorTones(call, many, 4), LINEERR_RESOURCEUNAVAIL); /* of this line three at most */
    assert_error(lineMonitorTones(call, many, 64), LINEERR_RESOURCEUNAVAIL);
    assert_error(lineMonitorTones(call, many, UINT32_MAX), LINEERR_RESOURCEUNAVAIL);
    exchange_end(&w->exchange, id);
    client_state(&c, call, LINECALLSTATE_DISCONNECTED);
    client_state(&c, call, LINECALLSTATE_IDLE);
    assert_error(lineMonitorTones(call, tones, 1), LINEERR_INVALCALLSTATE);
    assert_error(lineMonitorTones(call, NULL, 0), LINEERR_INVALCALLSTATE);
    assert_false(exchange_has(&w->exchange, CF_CMD_MONITOR_TONES, id));
    client_leave(&c);
}

RUN_IN_WORLD(cmocka_unit_test(each_hears_its_own_list), cmocka_unit_test(what_cannot_be_listened_for))
