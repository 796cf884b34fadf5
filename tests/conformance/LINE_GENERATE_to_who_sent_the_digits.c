/*
 * lineGenerateDigits: 0 when it has begun; LINE_GENERATE tells the end, to the handle that asked and to nobody else, once, and not after
 * lineClose or lineDeallocateCall (as H-62). One list per call at a time, whoever owns it.
 */
#include "tests/support/conformance.h"

static struct cf_command sent(struct trio *t, struct world *w, const char *digits)
{
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_GENERATE_DIGITS, t->id);
    struct cf_field f;
    assert_true(cf_fields_find(&c.record, CF_FIELD_DIGITS, &f) == (digits != NULL));
    if (digits != NULL) {
        assert_int_equal(f.bytes, strlen(digits));
        assert_memory_equal(f.data, digits, f.bytes);
    }
    return c;
}

static void generated(struct client *c, HCALL call, DWORD how)
{
    LINEMESSAGE m = client_expect(c, LINE_GENERATE);
    assert_true(m.hDevice == call);
    assert_true(m.dwCallbackInstance == c->instance);
    assert_int_equal(m.dwParam1, how);
    assert_int_equal(m.dwParam2, 0);
    uint32_t age_ms =
        (uint32_t)(cf_clock_ns() / CF_NS_PER_MS) - (uint32_t)m.dwParam3; /* the tick is of the same clock */
    assert_true(m.dwParam3 <= UINT32_MAX && age_ms < 60000);
}

static void the_end_is_told_to_who_asked_alone(void **state)
{
    struct world *w = *state;
    struct trio t;
    trio_begin(&t, w);
    assert_error(lineGenerateDigits(t.owned, LINEDIGITMODE_DTMF, "12#A,!", 80), 0);
    struct cf_command c = sent(&t, w, "12#A,!");
    assert_int_equal(c.digit_mode, LINEDIGITMODE_DTMF);
    assert_int_equal(c.digit_ms, 80);
    client_nothing(&t.first, w, 0); /* not before the exchange says so */
    exchange_reply(&w->exchange, &c, 0, t.id);
    generated(&t.first, t.owned, LINEGENERATETERM_DONE);
    client_nothing(&t.first, w, 0);
    client_nothing(&t.second, w, 0);
    client_nothing(&t.monitor, w, 0);
    assert_error(lineGenerateDigits(t.owned, LINEDIGITMODE_DTMF, "1", 0), 0);
    c = sent(&t, w, "1");
    exchange_reply(&w->exchange, &c, LINEERR_OPERATIONFAILED, t.id);
    generated(&t.first, t.owned, LINEGENERATETERM_CANCEL);
    trio_leave(&t, w);
}

/* The exchange stops the old ones when new ones come, from whichever owner; NULL only stops. */
static void one_list_at_a_time_over_all_owners(void **state)
{
    struct world *w = *state;
    struct trio t;
    trio_begin(&t, w);
    assert_error(lineGenerateDigits(t.owned, LINEDIGITMODE_DTMF, "1", 0), 0);
    struct cf_command first = sent(&t, w, "1");
    assert_error(lineGenerateDigits(t.co_owned, LINEDIGITMODE_DTMF, "2", 0), 0);
    struct cf_command second = sent(&t, w, "2");
    exchange_reply(&w->exchange, &first, LINEERR_OPERATIONFAILED, t.id);
    generated(&t.first, t.owned, LINEGENERATETERM_CANCEL);
    assert_error(lineGenerateDigits(t.owned, LINEDIGITMODE_DTMF, NULL, 0), 0);
    struct cf_command stop = sent(&t, w, NULL);
    exchange_reply(&w->exchange, &second, LINEERR_OPERATIONFAILED, t.id);
    exchange_reply(&w->exchange, &stop, 0, t.id);
    generated(&t.second, t.co_owned, LINEGENERATETERM_CANCEL);
    client_nothing(&t.first, w, 0);
    client_nothing(&t.second, w, 0);
    trio_leave(&t, w);
}

static void none_for_a_handle_that_was_given_back(void **state)
{
    struct world *w = *state;
    struct trio t;
    trio_begin(&t, w);
    assert_error(lineGenerateDigits(t.co_owned, LINEDIGITMODE_DTMF, "2", 0), 0);
    struct cf_command c = sent(&t, w, "2");
    assert_error(lineDeallocateCall(t.co_owned), 0);
    client_info(&t.first, t.owned, LINECALLINFOSTATE_NUMOWNERDECR); /* the core has read it */
    exchange_reply(&w->exchange, &c, 0, t.id);
    client_nothing(&t.second, w, 0);
    client_info(&t.monitor, t.seen, LINECALLINFOSTATE_NUMOWNERDECR);
    assert_error(lineSetCallPrivilege(t.seen, OWNER), 0); /* so that the call outlives its first owner's line */
    client_info(&t.first, t.owned, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
    assert_error(lineGenerateDigits(t.owned, LINEDIGITMODE_DTMF, "3", 0), 0);
    c = sent(&t, w, "3");
    assert_error(lineClose(t.first_line), 0);
    client_info(&t.monitor, t.seen, LINECALLINFOSTATE_NUMOWNERDECR);
    exchange_reply(&w->exchange, &c, 0, t.id);
    client_open(&t.first, 0, MONITOR);
    client_nothing(&t.first, w, 0);
    trio_leave(&t, w);
}

static void what_is_sent_and_what_is_refused(void **state)
{
    static const struct {
        DWORD mode, duration;
        const char *digits, *arrives;
        DWORD arrives_duration;
    } cases[] = {
        {LINEDIGITMODE_DTMF, 0, "0123456789ABCD*#,!", "0123456789ABCD*#,!", 0},
        {LINEDIGITMODE_DTMF, 1,
         "a1 x\x80\x01"
         "b",
         "A1B", 40}, /* others are left out, no error */
        {LINEDIGITMODE_DTMF, 99999, "", "", 5000},
    };
    static char many[257];
    struct world *w = *state;
    struct trio t;
    trio_begin(&t, w);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_error(lineGenerateDigits(t.owned, cases[i].mode, cases[i].digits, cases[i].duration), 0);
        struct cf_command c = sent(&t, w, cases[i].arrives);
        assert_int_equal(c.digit_ms, cases[i].arrives_duration);
        exchange_reply(&w->exchange, &c, 0, t.id);
        generated(&t.first, t.owned, LINEGENERATETERM_DONE);
    }
    assert_error(lineGenerateDigits(0, 0, NULL, 0), LINEERR_INVALCALLHANDLE);
    assert_error(lineGenerateDigits(t.owned, 0, "1", 0), LINEERR_INVALDIGITMODE);
    assert_error(lineGenerateDigits(t.owned, LINEDIGITMODE_DTMF | LINEDIGITMODE_PULSE, "1", 0), LINEERR_INVALDIGITMODE);
    assert_error(lineGenerateDigits(t.owned, LINEDIGITMODE_DTMFEND, "1", 0), LINEERR_INVALDIGITMODE);
    assert_error(lineGenerateDigits(t.owned, LINEDIGITMODE_PULSE, "1", 0), LINEERR_INVALDIGITMODE); /* not this line */
    memset(many, '1', 256);
    assert_error(lineGenerateDigits(t.owned, LINEDIGITMODE_DTMF, many, 0), LINEERR_RESOURCEUNAVAIL);
    assert_error(lineGenerateDigits(t.seen, LINEDIGITMODE_DTMF, "1", 0), LINEERR_NOTOWNER);
    assert_error(lineGenerateDigits(t.seen, 0, "1", 0), LINEERR_INVALDIGITMODE); /* parameters before privilege */
    exchange_state(&w->exchange, t.id, LINECALLSTATE_IDLE, 0);
    client_state(&t.first, t.owned, LINECALLSTATE_IDLE);
    assert_error(lineGenerateDigits(t.owned, LINEDIGITMODE_DTMF, "1", 0), LINEERR_INVALCALLSTATE);
    assert_false(exchange_has(&w->exchange, CF_CMD_GENERATE_DIGITS, t.id));
    client_leave(&t.first);
    client_leave(&t.second);
    client_leave(&t.monitor);
}

RUN_IN_WORLD(cmocka_unit_test(the_end_is_told_to_who_asked_alone), cmocka_unit_test(one_list_at_a_time_over_all_owners),
             cmocka_unit_test(none_for_a_handle_that_was_given_back),
             cmocka_unit_test(what_is_sent_and_what_is_refused))
