/* H-62: after lineClose no LINE_REPLY comes for requests on that line or its calls; those of other lines come. */
#include "tests/support/conformance.h"

static void only_the_other_lines_replies_come(void **state)
{
    struct world *w = *state;
    struct client a;
    HCALL made = 0, other = 0;
    HLINE line = client_start(&a, OWNER), second = client_open(&a, 1, OWNER);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, OWNER, LINECALLSTATE_OFFERING);
    assert_true(lineAnswer(call, NULL, 0) > 0);
    assert_true(lineMakeCall(line, &made, "1", 0, NULL) > 0);
    LONG request = lineMakeCall(second, &other, "2", 0, NULL);
    struct cf_command answer = exchange_command_of(&w->exchange, CF_CMD_ANSWER, id);
    struct cf_command make = exchange_command(&w->exchange, CF_CMD_MAKE_CALL);
    struct cf_command make_other = exchange_command(&w->exchange, CF_CMD_MAKE_CALL);
    exchange_reply(&w->exchange, &answer, 0, id); /* may be in the queue before the close */
    assert_error(lineClose(line), 0);
    exchange_reply(&w->exchange, &make, 0, cf_provider_call_new(w->exchange.provider, w));
    exchange_reply(&w->exchange, &make_other, 0, cf_provider_call_new(w->exchange.provider, w));
    assert_error(client_reply(&a, request), 0);
    assert_true(other != 0 && made == 0);
    client_nothing(&a, w, 1);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(only_the_other_lines_replies_come))
