/*
 * lineGatherDigits: 0 when it has begun; LINE_GATHERDIGITS tells the end, to the handle that asked and to nobody else, once, and not after
 * lineClose or lineDeallocateCall; the digits are in the buffer by then. One gathering per call at a time, whoever owns it.
 */
#include "tests/support/conformance.h"

static struct cf_command asked(struct trio *t, struct world *w, uint32_t wanted)
{
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_GATHER_DIGITS, t->id);
    assert_int_equal(c.digits_wanted, wanted);
    assert_true((c.number != 0) == (wanted != 0));
    return c;
}

static void gathered(struct client *c, HCALL call, DWORD how)
{
    LINEMESSAGE m = client_expect(c, LINE_GATHERDIGITS);
    assert_true(m.hDevice == call);
    assert_true(m.dwCallbackInstance == c->instance);
    assert_int_equal(m.dwParam1, how);
    assert_int_equal(m.dwParam2, 0);
    uint32_t age_ms = (uint32_t)(cf_clock_ns() / CF_NS_PER_MS) - (uint32_t)m.dwParam3;
    assert_true(m.dwParam3 <= UINT32_MAX && age_ms < 60000);
}

#define FILL '~'

static void each_end_and_what_is_in_the_buffer(void **state)
{
    static const struct {
        uint32_t wanted, how;
        const char *digits, *buffer; /* '.': the NUL, '~': not written */
    } cases[] = {
        {4, LINEGATHERTERM_BUFFERFULL, "12#A", "12#A~"},
        {4, LINEGATHERTERM_TERMDIGIT, "1#", "1#.~~"},
        {4, LINEGATHERTERM_FIRSTTIMEOUT, "", ".~~~~"},
        {4, LINEGATHERTERM_INTERTIMEOUT, "123", "123.~"},
        {4, LINEGATHERTERM_CANCEL, "12", "~~~~~"},
        {1, LINEGATHERTERM_BUFFERFULL, "9", "9~~~~"},
        {2, LINEGATHERTERM_BUFFERFULL, "1234", "12~~~"},  /* never more than the buffer was said to hold */
        {4, LINEGATHERTERM_INTERTIMEOUT, "1x2", "12.~~"}, /* what is no digit is left out */
        {4, LINEGATHERTERM_BUFFERFULL | LINEGATHERTERM_CANCEL, "12", "~~~~~"}, /* no reason at all: CANCEL */
    };
    struct world *w = *state;
    struct trio t;
    char buffer[5];
    trio_begin(&t, w);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(buffer, FILL, sizeof buffer);
        assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, cases[i].wanted, "#*", 100, 60000), 0);
        struct cf_command c = asked(&t, w, cases[i].wanted);
        assert_int_equal(c.digit_mode, LINEDIGITMODE_DTMF);
        assert_int_equal(c.first_ms, 100);
        assert_int_equal(c.between_ms, 60000);
        assert_int_equal(c.termination.bytes, 2);
        assert_memory_equal(c.termination.at, "#*", 2);
        exchange_gathered(&w->exchange, &c, cases[i].how, cases[i].digits);
        bool one = (cases[i].how & (cases[i].how - 1)) == 0;
        gathered(&t.first, t.owned, one ? cases[i].how : LINEGATHERTERM_CANCEL);
        for (size_t k = 0; k < sizeof buffer; k++)
            assert_int_equal(buffer[k], cases[i].buffer[k] == '.' ? '\0' : cases[i].buffer[k]);
    }
    client_nothing(&t.first, w, 0);
    client_nothing(&t.second, w, 0);
    client_nothing(&t.monitor, w, 0);
    trio_leave(&t, w);
}

static void as_many_as_there_may_be(void **state)
{
    struct world *w = *state;
    struct trio t;
    char buffer[101], digits[101];
    trio_begin(&t, w);
    for (size_t i = 0; i < 100; i++)
        digits[i] = (char)('0' + i % 10);
    digits[100] = '\0';
    buffer[100] = FILL;
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, 100, NULL, 0, 0), 0);
    struct cf_command c = asked(&t, w, 100);
    assert_int_equal(c.termination.bytes, 0);
    exchange_gathered(&w->exchange, &c, LINEGATHERTERM_BUFFERFULL, digits);
    gathered(&t.first, t.owned, LINEGATHERTERM_BUFFERFULL);
    assert_memory_equal(buffer, digits, 100);
    assert_int_equal(buffer[100], FILL);
    trio_leave(&t, w);
}

/* The exchange ends the old one when a new one comes, from whichever owner; a buffer that is none only ends. */
static void one_gathering_at_a_time_over_all_owners(void **state)
{
    struct world *w = *state;
    struct trio t;
    char one[4], two[4];
    trio_begin(&t, w);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, one, 3, NULL, 0, 0), 0);
    struct cf_command first = asked(&t, w, 3);
    assert_error(lineGatherDigits(t.co_owned, LINEDIGITMODE_DTMF, two, 2, NULL, 0, 0), 0);
    struct cf_command second = asked(&t, w, 2);
    exchange_gathered(&w->exchange, &first, LINEGATHERTERM_CANCEL, "1");
    gathered(&t.first, t.owned, LINEGATHERTERM_CANCEL);
    assert_error(lineGatherDigits(t.owned, 99, NULL, 0, "?", 1, 1), 0); /* nothing else is looked at */
    struct cf_command stop = asked(&t, w, 0);
    exchange_reply(&w->exchange, &second, LINEERR_OPERATIONFAILED, t.id);
    exchange_reply(&w->exchange, &stop, 0, t.id);
    gathered(&t.second, t.co_owned, LINEGATHERTERM_CANCEL);
    client_nothing(&t.first, w, 0);
    client_nothing(&t.second, w, 0);
    trio_leave(&t, w);
}

static void none_for_a_handle_that_was_given_back(void **state)
{
    struct world *w = *state;
    struct trio t;
    char buffer[4] = {FILL, FILL, FILL, FILL};
    trio_begin(&t, w);
    assert_error(lineGatherDigits(t.co_owned, LINEDIGITMODE_DTMF, buffer, 2, NULL, 0, 0), 0);
    struct cf_command c = asked(&t, w, 2);
    assert_error(lineDeallocateCall(t.co_owned), 0);
    client_info(&t.first, t.owned, LINECALLINFOSTATE_NUMOWNERDECR); /* the core has read it */
    exchange_gathered(&w->exchange, &c, LINEGATHERTERM_BUFFERFULL, "12");
    client_nothing(&t.second, w, 0);
    client_info(&t.monitor, t.seen, LINECALLINFOSTATE_NUMOWNERDECR);
    assert_error(lineSetCallPrivilege(t.seen, OWNER), 0); /* so that the call outlives its first owner's line */
    client_info(&t.first, t.owned, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, 2, NULL, 0, 0), 0);
    c = asked(&t, w, 2);
    assert_error(lineClose(t.first_line), 0);
    client_info(&t.monitor, t.seen, LINECALLINFOSTATE_NUMOWNERDECR);
    exchange_gathered(&w->exchange, &c, LINEGATHERTERM_BUFFERFULL, "12");
    client_open(&t.first, 0, MONITOR);
    client_nothing(&t.first, w, 0);
    assert_int_equal(buffer[0], FILL);
    trio_leave(&t, w);
}

static void its_provider_dies(void **state)
{
    struct world *w = *state;
    struct trio t;
    char buffer[4];
    trio_begin(&t, w);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, 2, NULL, 0, 0), 0);
    asked(&t, w, 2);
    exchange_detach(&w->exchange);
    gathered(&t.first, t.owned, LINEGATHERTERM_CANCEL);
    client_leave(&t.first);
    client_leave(&t.second);
    client_leave(&t.monitor);
}

static void what_is_refused(void **state)
{
    struct world *w = *state;
    struct trio t;
    char buffer[128];
    static char ends[257];
    trio_begin(&t, w);
    memset(ends, '#', 256);
    assert_error(lineGatherDigits(0, LINEDIGITMODE_DTMF, buffer, 1, NULL, 0, 0), LINEERR_INVALCALLHANDLE);
    assert_error(lineGatherDigits(t.owned, 0, buffer, 1, NULL, 0, 0), LINEERR_INVALDIGITMODE);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMFEND, buffer, 1, NULL, 0, 0), LINEERR_INVALDIGITMODE);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_PULSE, buffer, 1, NULL, 0, 0),
                 LINEERR_INVALDIGITMODE); /* not this line */
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_PULSE, buffer, 1, "#", 0, 0), LINEERR_INVALDIGITS);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, 1, "1,", 0, 0), LINEERR_INVALDIGITS);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, 0, NULL, 0, 0), LINEERR_INVALPARAM);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, 101, NULL, 0, 0), LINEERR_RESOURCEUNAVAIL);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, 1, ends, 0, 0),
                 LINEERR_INVALDIGITS); /* 256 of them */
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, 1, NULL, 99, 0), LINEERR_INVALTIMEOUT);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, 1, NULL, 0, 60001), LINEERR_INVALTIMEOUT);
    assert_error(lineGatherDigits(t.seen, LINEDIGITMODE_DTMF, buffer, 1, NULL, 0, 0), LINEERR_NOTOWNER);
    assert_error(lineGatherDigits(t.seen, LINEDIGITMODE_DTMF, NULL, 1, NULL, 0, 0), LINEERR_NOTOWNER);
    exchange_conferenced(&w->exchange, t.id, 0);
    client_state(&t.first, t.owned, LINECALLSTATE_CONFERENCED);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, 1, NULL, 0, 0), LINEERR_INVALCALLSTATE);
    exchange_state(&w->exchange, t.id, LINECALLSTATE_IDLE, 0);
    client_state(&t.first, t.owned, LINECALLSTATE_IDLE);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, buffer, 1, NULL, 0, 0), LINEERR_INVALCALLSTATE);
    assert_error(lineGatherDigits(t.owned, LINEDIGITMODE_DTMF, NULL, 1, NULL, 0, 0), LINEERR_INVALCALLSTATE);
    assert_false(exchange_has(&w->exchange, CF_CMD_GATHER_DIGITS, t.id));
    client_leave(&t.first);
    client_leave(&t.second);
    client_leave(&t.monitor);
}

/* The last one ends the exchange. */
RUN_IN_WORLD(cmocka_unit_test(each_end_and_what_is_in_the_buffer), cmocka_unit_test(as_many_as_there_may_be),
             cmocka_unit_test(one_gathering_at_a_time_over_all_owners),
             cmocka_unit_test(none_for_a_handle_that_was_given_back), cmocka_unit_test(what_is_refused),
             cmocka_unit_test(its_provider_dies))
