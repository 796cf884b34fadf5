/*
 * G-10: lineDial in DIALTONE, DIALING and UNKNOWN, else INVALCALLSTATE. A semicolon says that more will come, an empty address that it was all;
 * $ @ W ? are refused at once where the line cannot wait, and nothing is dialled.
 */
#include "tests/support/conformance.h"

/* A call that the client makes without a number, DIALTONE. */
static HCALL dial_tone(struct client *c, struct world *w, HLINE line, const char *address, uint64_t *ret_id)
{
    HCALL call = 0;
    LONG request = lineMakeCall(line, &call, address, 0, NULL);
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_MAKE_CALL);
    assert_true(address == NULL ? command.destination.bytes == 0 : exchange_text_is(command.destination, address));
    *ret_id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, *ret_id);
    assert_error(client_reply(c, request), 0);
    exchange_state(&w->exchange, *ret_id, LINECALLSTATE_DIALTONE, LINEDIALTONEMODE_NORMAL);
    client_state(c, call, LINECALLSTATE_DIALTONE);
    return call;
}

static void dial(struct client *c, struct world *w, HCALL call, uint64_t id, const char *digits)
{
    LONG request = lineDial(call, digits, 49);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_DIAL, id);
    assert_true(exchange_text_is(command.destination, digits));
    assert_int_equal(command.country, 49);
    exchange_reply(&w->exchange, &command, 0, id);
    assert_error(client_reply(c, request), 0);
}

static void a_number_in_parts(void **state)
{
    struct world *w = *state;
    struct client c;
    uint64_t id;
    HCALL call = dial_tone(&c, w, client_start(&c, OWNER), NULL, &id);
    assert_true((call_features(call) & LINECALLFEATURE_DIAL) != 0);
    dial(&c, w, call, id, "12;");
    exchange_state(&w->exchange, id, LINECALLSTATE_DIALING, 0);
    client_state(&c, call, LINECALLSTATE_DIALING);
    dial(&c, w, call, id, "34;");
    dial(&c, w, call, id, "");
    exchange_state(&w->exchange, id, LINECALLSTATE_PROCEEDING, 0);
    client_state(&c, call, LINECALLSTATE_PROCEEDING);
    assert_true((call_features(call) & LINECALLFEATURE_DIAL) == 0);
    LONG request = lineDial(call, "5", 0);
    assert_error(client_reply(&c, request), LINEERR_INVALCALLSTATE);
    exchange_end(&w->exchange, id);
    client_leave(&c);
}

static void lineMakeCall_begins_a_number(void **state)
{
    struct world *w = *state;
    struct client c;
    uint64_t id;
    HCALL call = dial_tone(&c, w, client_start(&c, OWNER), "0711;", &id);
    const LINECALLINFO *info = call_info(call);
    assert_true(part_is(info, info->dwCalledIDSize, info->dwCalledIDOffset, "0711", 5)); /* the sign is no part of it */
    dial(&c, w, call, id, "123");
    exchange_end(&w->exchange, id);
    client_leave(&c);
}

static void who_cannot_wait_for_more_says_so(void **state)
{
    struct client c;
    HCALL call = 77;
    (void)state;
    client_join(&c);
    LONG request = lineMakeCall(client_open(&c, EXCHANGE_PLAIN_LINE, OWNER), &call, "12;", 0, NULL);
    assert_error(client_reply(&c, request), LINEERR_INVALADDRESS);
    assert_int_equal(call, 77);
    client_leave(&c);
}

static const struct {
    const char *address;
    LONG error;
} signs[] = {
    {"0$1", LINEERR_DIALBILLING},   {"0@1", LINEERR_DIALQUIET}, {"0W1", LINEERR_DIALDIALTONE}, {"0w1", LINEERR_DIALDIALTONE},
    {"W1@2$", LINEERR_DIALDIALTONE}, {"12?", LINEERR_DIALPROMPT},
};

static void what_a_line_cannot_wait_for_is_refused_at_once(void **state)
{
    struct world *w = *state;
    struct client c;
    uint64_t id;
    HCALL none = 77;
    HLINE line = client_start(&c, OWNER);
    HCALL call = dial_tone(&c, w, line, NULL, &id);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        assert_error(lineMakeCall(line, &none, signs[i].address, 0, NULL), signs[i].error);
        assert_error(lineDial(call, signs[i].address, 0), signs[i].error);
    }
    client_nothing(&c, w, 0);
    assert_false(exchange_has(&w->exchange, CF_CMD_MAKE_CALL, 0));
    assert_false(exchange_has(&w->exchange, CF_CMD_DIAL, 0));
    exchange_end(&w->exchange, id);
    client_leave(&c);
}

/* Line 1 waits for all but a person; what is no dialable address is its provider's to read. */
static void what_it_can_wait_for_goes_to_the_provider(void **state)
{
    struct world *w = *state;
    struct client c;
    uint64_t id;
    client_join(&c);
    HLINE line = client_open(&c, 1, OWNER);
    HCALL call = dial_tone(&c, w, line, NULL, &id), none = 77;
    dial(&c, w, call, id, "W0@1$2");
    assert_error(lineDial(call, "1?", 0), LINEERR_DIALPROMPT);
    assert_error(lineMakeCall(line, &none, "1?", 0, NULL), LINEERR_DIALPROMPT);
    exchange_end(&w->exchange, id);
    client_leave(&c);
}

static void a_uri_is_no_dialable_address(void **state)
{
    struct world *w = *state;
    struct client c;
    static const char *const addresses[] = {
        "sip:wolf@example.org?subject=$", "100@192.0.2.1", "123|456^Who? W@$", /* of the last only the number is dialled */
    };
    HLINE line = client_start(&c, OWNER);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        uint64_t id;
        HCALL call = dial_tone(&c, w, line, addresses[i], &id);
        exchange_end(&w->exchange, id);
        client_state(&c, call, LINECALLSTATE_DISCONNECTED);
        client_state(&c, call, LINECALLSTATE_IDLE);
    }
    client_leave(&c);
}

static void bad_parameters(void **state)
{
    struct world *w = *state;
    struct client c;
    uint64_t id;
    char longer[257];
    memset(longer, '1', 256);
    longer[256] = '\0';
    HCALL call = dial_tone(&c, w, client_start(&c, OWNER), NULL, &id);
    assert_error(lineDial(0, "1", 0), LINEERR_INVALCALLHANDLE);
    assert_error(lineDial(call, NULL, 0), LINEERR_INVALPOINTER);
    assert_error(lineDial(call, longer, 0), LINEERR_INVALADDRESS);
    longer[255] = '\0';
    dial(&c, w, call, id, longer);
    exchange_end(&w->exchange, id);
    client_leave(&c);
}

RUN_IN_WORLD(cmocka_unit_test(a_number_in_parts), cmocka_unit_test(lineMakeCall_begins_a_number),
             cmocka_unit_test(who_cannot_wait_for_more_says_so), cmocka_unit_test(what_a_line_cannot_wait_for_is_refused_at_once),
             cmocka_unit_test(what_it_can_wait_for_goes_to_the_provider), cmocka_unit_test(a_uri_is_no_dialable_address),
             cmocka_unit_test(bad_parameters))
