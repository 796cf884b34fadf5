/*
 * User-user information: lineSendUserUserInfo takes it to the other end; what comes from there is in LINECALLINFO until lineReleaseUserUserInfo,
 * told to everyone by LINE_CALLINFO(USERUSERINFO). It comes with a new call too.
 */
#include "tests/support/conformance.h"

static bool info_is(HCALL call, const void *bytes, DWORD count)
{
    const LINECALLINFO *info = call_info(call);
    return part_is(info, info->dwUserUserInfoSize, info->dwUserUserInfoOffset, bytes, count);
}

static void sent_as_it_is(void **state)
{
    struct world *w = *state;
    struct watched t;
    char most[129];
    memset(most, 'u', sizeof most);
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    LONG request = lineSendUserUserInfo(t.owned, "a\0b", 3);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SEND_USER_USER, t.id);
    assert_true(command.user_user.bytes == 3 && memcmp(command.user_user.at, "a\0b", 3) == 0);
    exchange_reply(&w->exchange, &command, 0, t.id);
    assert_error(client_reply(&t.owner, request), 0);
    assert_true(info_is(t.owned, NULL, 0)); /* what was sent is not what came */
    request = lineSendUserUserInfo(t.owned, most, 128);
    command = exchange_command_of(&w->exchange, CF_CMD_SEND_USER_USER, t.id);
    assert_int_equal(command.user_user.bytes, 128);
    exchange_reply(&w->exchange, &command, 0, t.id);
    assert_error(client_reply(&t.owner, request), 0);
    assert_error(lineSendUserUserInfo(t.owned, most, 129), LINEERR_USERUSERINFOTOOBIG);
    assert_error(lineSendUserUserInfo(t.owned, NULL, 1), LINEERR_INVALPOINTER);
    exchange_end(&w->exchange, t.id);
    watched_leave(&t);
}

static void shown_until_it_is_released(void **state)
{
    struct world *w = *state;
    struct watched t;
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    exchange_info(&w->exchange, t.id, LINECALLINFOSTATE_USERUSERINFO, CF_FIELD_USER_USER, "one", 3);
    client_info(&t.owner, t.owned, LINECALLINFOSTATE_USERUSERINFO);
    client_info(&t.monitor, t.seen, LINECALLINFOSTATE_USERUSERINFO);
    assert_true(info_is(t.owned, "one", 3) && info_is(t.seen, "one", 3));
    LONG request = lineReleaseUserUserInfo(t.owned);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_RELEASE_USER_USER, t.id);
    exchange_reply(&w->exchange, &command, LINEERR_OPERATIONFAILED, t.id);
    assert_error(client_reply(&t.owner, request), LINEERR_OPERATIONFAILED);
    assert_true(info_is(t.seen, "one", 3)); /* it has failed */
    request = lineReleaseUserUserInfo(t.owned);
    command = exchange_command_of(&w->exchange, CF_CMD_RELEASE_USER_USER, t.id);
    exchange_reply(&w->exchange, &command, 0, t.id);
    assert_error(client_reply(&t.owner, request), 0);
    assert_true(info_is(t.owned, NULL, 0) && info_is(t.seen, NULL, 0));
    exchange_info(&w->exchange, t.id, LINECALLINFOSTATE_USERUSERINFO, CF_FIELD_USER_USER, "two", 3); /* what the provider kept back */
    client_info(&t.owner, t.owned, LINECALLINFOSTATE_USERUSERINFO);
    assert_true(info_is(t.owned, "two", 3));
    exchange_state(&w->exchange, t.id, LINECALLSTATE_IDLE, 0);
    client_state(&t.owner, t.owned, LINECALLSTATE_IDLE);
    assert_true(info_is(t.owned, "two", 3)); /* H-39 */
    watched_leave(&t);
}

static void comes_with_a_new_call(void **state)
{
    struct world *w = *state;
    struct client c;
    HLINE line = client_start(&c, MONITOR);
    const struct cf_new_call given = {.call = cf_provider_call_new(w->exchange.provider, &w->exchange),
                                      .state = LINECALLSTATE_OFFERING,
                                      .user_user = {"\0\1", 2},
                                      .call_data = {"data", 4}};
    assert_true(cf_provider_post_new_call(w->exchange.provider, &given));
    cf_provider_flush(w->exchange.provider);
    HCALL call = client_new_call(&c, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_true(info_is(call, "\0\1", 2));
    const LINECALLINFO *info = call_info(call);
    assert_true(part_is(info, info->dwCallDataSize, info->dwCallDataOffset, "data", 4));
    exchange_end(&w->exchange, given.call);
    client_leave(&c);
}

static void sizes_are_said_beforehand(void **state)
{
    struct client c;
    LINEDEVCAPS caps = {.dwTotalSize = sizeof caps};
    (void)state;
    client_join(&c);
    assert_error(lineGetDevCaps(c.app, 0, TAPI_CURRENT_VERSION, 0, &caps), 0);
    assert_int_equal(caps.dwUUISendUserUserInfoSize, 128);
    assert_int_equal(caps.dwUUICallInfoSize, 128);
    assert_error(lineGetDevCaps(c.app, EXCHANGE_PLAIN_LINE, TAPI_CURRENT_VERSION, 0, &caps), 0);
    assert_int_equal(caps.dwUUISendUserUserInfoSize, 0);
    client_leave(&c);
}

RUN_IN_WORLD(cmocka_unit_test(sent_as_it_is), cmocka_unit_test(shown_until_it_is_released), cmocka_unit_test(comes_with_a_new_call),
             cmocka_unit_test(sizes_are_said_beforehand))
