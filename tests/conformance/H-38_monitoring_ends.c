/* H-38: monitoring of digits, media and tones ends when the call goes IDLE, and with the handle: given back, its line closed, its application dead. */
#include "tests/support/conformance.h"

struct pair {
    struct client first, second;
    HLINE first_line, second_line;
    HCALL one, two;
    uint64_t id;
};

static void begin(struct pair *t, struct world *w)
{
    t->first_line = client_start(&t->first, MONITOR);
    t->second_line = client_start(&t->second, MONITOR);
    t->id = exchange_call(&w->exchange, 0, LINECALLSTATE_CONNECTED, "1", "2");
    t->one = client_new_call(&t->first, t->first_line, MONITOR, LINECALLSTATE_CONNECTED);
    t->two = client_new_call(&t->second, t->second_line, MONITOR, LINECALLSTATE_CONNECTED);
}

static const LINEMONITORTONE tone = {.dwAppSpecific = 77, .dwDuration = 200, .dwFrequency1 = 1100};

/* The first one listens for everything, the second for digits alone. Returns the number of the first one's list. */
static uint32_t everything_asked(struct pair *t, struct world *w)
{
    assert_error(lineMonitorDigits(t->one, LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND), 0);
    client_info(&t->first, t->one, LINECALLINFOSTATE_MONITORMODES);
    client_info(&t->second, t->two, LINECALLINFOSTATE_MONITORMODES);
    assert_error(lineMonitorMedia(t->one, LINEMEDIAMODE_G3FAX), 0);
    client_info(&t->first, t->one, LINECALLINFOSTATE_MONITORMODES);
    client_info(&t->second, t->two, LINECALLINFOSTATE_MONITORMODES);
    assert_error(lineMonitorTones(t->one, &tone, 1), 0);
    assert_error(lineMonitorDigits(t->two, LINEDIGITMODE_DTMF), 0); /* wanted already */
    exchange_command_of(&w->exchange, CF_CMD_MONITOR_DIGITS, t->id);
    exchange_command_of(&w->exchange, CF_CMD_MONITOR_MEDIA, t->id);
    return exchange_command_of(&w->exchange, CF_CMD_MONITOR_TONES, t->id).list;
}

static void everything_is_heard(struct world *w, uint64_t id, uint32_t list)
{
    exchange_hears(&w->exchange, id, CF_EV_DIGIT, '5', LINEDIGITMODE_DTMF);
    exchange_hears(&w->exchange, id, CF_EV_MEDIA, LINEMEDIAMODE_G3FAX, 0);
    exchange_hears(&w->exchange, id, CF_EV_TONE, 77, list);
}

/* What the provider is still asked for once the first one does not listen any more. */
static void provider_is_told(struct world *w, uint64_t id, uint32_t list)
{
    assert_int_equal(exchange_command_of(&w->exchange, CF_CMD_MONITOR_DIGITS, id).digit_mode, LINEDIGITMODE_DTMF);
    assert_int_equal(exchange_command_of(&w->exchange, CF_CMD_MONITOR_MEDIA, id).media_modes, 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_MONITOR_TONES, id);
    assert_int_equal(c.list, 0);
    assert_int_equal(c.ended_list, list);
}

static void ends_when_the_handle_is_given_back(void **state)
{
    struct world *w = *state;
    struct pair t;
    begin(&t, w);
    uint32_t list = everything_asked(&t, w);
    everything_is_heard(w, t.id, list);
    assert_true(client_expect(&t.first, LINE_MONITORDIGITS).hDevice == t.one);
    assert_true(client_expect(&t.first, LINE_MONITORMEDIA).hDevice == t.one);
    assert_int_equal(client_expect(&t.first, LINE_MONITORTONE).dwParam1, 77);
    assert_true(client_expect(&t.second, LINE_MONITORDIGITS).hDevice == t.two);
    client_nothing(&t.second, w, 0);
    assert_error(lineDeallocateCall(t.one), 0);
    client_info(&t.second, t.two, LINECALLINFOSTATE_NUMMONITORS | LINECALLINFOSTATE_MONITORMODES);
    provider_is_told(w, t.id, list);
    everything_is_heard(w, t.id, list);
    client_nothing(&t.first, w, 0);
    assert_true(client_expect(&t.second, LINE_MONITORDIGITS).hDevice == t.two);
    client_nothing(&t.second, w, 0);
    exchange_end(&w->exchange, t.id);
    client_leave(&t.first);
    client_leave(&t.second);
}

static void ends_with_the_line_and_with_the_application(void **state)
{
    struct world *w = *state;
    for (int dies = 0; dies < 2; dies++) {
        struct pair t;
        begin(&t, w);
        uint32_t list = everything_asked(&t, w);
        if (dies)
            client_leave(&t.first);
        else
            assert_error(lineClose(t.first_line), 0);
        client_info(&t.second, t.two, LINECALLINFOSTATE_NUMMONITORS | LINECALLINFOSTATE_MONITORMODES);
        provider_is_told(w, t.id, list);
        everything_is_heard(w, t.id, list);
        assert_true(client_expect(&t.second, LINE_MONITORDIGITS).hDevice == t.two);
        client_nothing(&t.second, w, 0);
        exchange_end(&w->exchange, t.id);
        if (!dies)
            client_leave(&t.first);
        client_leave(&t.second);
    }
}

static void ends_with_the_call(void **state)
{
    struct world *w = *state;
    struct pair t;
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    begin(&t, w);
    uint32_t list = everything_asked(&t, w);
    exchange_state(&w->exchange, t.id, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL);
    client_state(&t.first, t.one, LINECALLSTATE_DISCONNECTED);
    everything_is_heard(w, t.id, list); /* it is over with IDLE, not before */
    client_expect(&t.first, LINE_MONITORDIGITS);
    client_expect(&t.first, LINE_MONITORMEDIA);
    client_expect(&t.first, LINE_MONITORTONE);
    exchange_state(&w->exchange, t.id, LINECALLSTATE_IDLE, 0);
    everything_is_heard(w, t.id, list);
    client_state(&t.first, t.one, LINECALLSTATE_IDLE);
    client_nothing(&t.first, w, 0);
    assert_error(lineGetCallInfo(t.one, &info), 0);
    assert_int_equal(info.dwMonitorDigitModes, 0);
    assert_int_equal(info.dwMonitorMediaModes, 0);
    assert_error(lineDeallocateCall(t.one), 0);
    assert_error(lineDeallocateCall(t.two), 0);
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, t.id);
    assert_false(exchange_has(&w->exchange, CF_CMD_MONITOR_DIGITS, t.id)); /* it knows by itself */
    assert_false(exchange_has(&w->exchange, CF_CMD_MONITOR_TONES, t.id));
    client_leave(&t.first);
    client_leave(&t.second);
}

RUN_IN_WORLD(cmocka_unit_test(ends_when_the_handle_is_given_back),
             cmocka_unit_test(ends_with_the_line_and_with_the_application), cmocka_unit_test(ends_with_the_call))
