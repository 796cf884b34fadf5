/*
 * lineCompleteCall: the id is written with LINE_REPLY; the call that comes of it has it, with reason CALLCOMPLETION. lineUncompleteCall gives it up.
 */
#include "tests/support/conformance.h"

static void the_id_comes_with_the_reply_and_the_call_with_the_id(void **state)
{
    struct world *w = *state;
    struct watched t;
    DWORD id = 77;
    watched_begin(&t, w, 0, LINECALLSTATE_BUSY);
    LONG request = lineCompleteCall(t.owned, &id, LINECALLCOMPLMODE_MESSAGE, 1);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_COMPLETE_CALL, t.id);
    assert_int_equal(command.mode, LINECALLCOMPLMODE_MESSAGE);
    assert_int_equal(command.message, 1);
    client_nothing(&t.owner, w, 0);
    cf_provider_reply_completion(w->exchange.provider, command.number, t.id, 0xABCD);
    cf_provider_flush(w->exchange.provider);
    client_nothing(&t.monitor, w, 0);
    assert_int_equal(id, 77);
    assert_error(client_reply(&t.owner, request), 0);
    assert_int_equal(id, 0xABCD);
    watched_state(&t, w, LINECALLSTATE_IDLE, 0);
    const struct cf_new_call back = {.call = cf_provider_call_new(w->exchange.provider, &w->exchange),
                                     .state = LINECALLSTATE_OFFERING,
                                     .reason = LINECALLREASON_CALLCOMPLETION,
                                     .completion_id = 0xABCD};
    assert_true(cf_provider_post_new_call(w->exchange.provider, &back));
    cf_provider_flush(w->exchange.provider);
    HCALL call = client_new_call(&t.owner, t.owner_line, OWNER, LINECALLSTATE_OFFERING);
    assert_int_equal(call_info(call)->dwReason, LINECALLREASON_CALLCOMPLETION);
    assert_int_equal(call_info(call)->dwCompletionID, 0xABCD);
    assert_int_equal(call_info(t.owned)->dwCompletionID, 0);
    exchange_end(&w->exchange, back.call);
    watched_leave(&t);
}

static void a_failure_writes_nothing(void **state)
{
    struct world *w = *state;
    struct watched t;
    DWORD id = 77;
    watched_begin(&t, w, 0, LINECALLSTATE_RINGBACK);
    LONG request = lineCompleteCall(t.owned, &id, LINECALLCOMPLMODE_CAMPON, 0);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_COMPLETE_CALL, t.id);
    exchange_reply(&w->exchange, &command, LINEERR_COMPLETIONOVERRUN, t.id);
    assert_error(client_reply(&t.owner, request), LINEERR_COMPLETIONOVERRUN);
    assert_int_equal(id, 77);
    assert_error(lineCompleteCall(t.owned, NULL, LINECALLCOMPLMODE_CAMPON, 0), LINEERR_INVALPOINTER);
    assert_error(client_reply(&t.owner, lineCompleteCall(t.owned, &id, 3, 0)), LINEERR_INVALCALLCOMPLMODE);
    assert_error(client_reply(&t.owner, lineCompleteCall(t.owned, &id, 0, 0)), LINEERR_INVALCALLCOMPLMODE);
    assert_error(client_reply(&t.owner, lineCompleteCall(t.owned, &id, LINECALLCOMPLMODE_INTRUDE, 0)), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&t.owner, lineCompleteCall(t.owned, &id, LINECALLCOMPLMODE_MESSAGE, 2)), LINEERR_INVALMESSAGEID);
    exchange_end(&w->exchange, t.id);
    watched_leave(&t);
}

static void given_up(void **state)
{
    struct world *w = *state;
    struct client c;
    HLINE line = client_start(&c, NOTHING);
    LONG request = lineUncompleteCall(line, 0xABCD);
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_UNCOMPLETE_CALL);
    assert_true(command.line == 0 && command.completion == 0xABCD);
    exchange_reply(&w->exchange, &command, 0, 0);
    assert_error(client_reply(&c, request), 0);
    request = lineUncompleteCall(line, 1);
    command = exchange_command(&w->exchange, CF_CMD_UNCOMPLETE_CALL);
    exchange_reply(&w->exchange, &command, LINEERR_INVALCOMPLETIONID, 0);
    assert_error(client_reply(&c, request), LINEERR_INVALCOMPLETIONID);
    assert_error(lineUncompleteCall(0, 1), LINEERR_INVALLINEHANDLE);
    assert_error(client_reply(&c, lineUncompleteCall(client_open(&c, EXCHANGE_PLAIN_LINE, OWNER), 1)), LINEERR_OPERATIONUNAVAIL);
    client_leave(&c);
}

RUN_IN_WORLD(cmocka_unit_test(the_id_comes_with_the_reply_and_the_call_with_the_id), cmocka_unit_test(a_failure_writes_nothing),
             cmocka_unit_test(given_up))
