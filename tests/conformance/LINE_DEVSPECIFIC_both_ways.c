/*
 * lineDevSpecific takes bytes to a line's provider and brings some back with LINE_REPLY; LINE_DEVSPECIFIC is what the provider says of a line, to
 * all who have it open, or of a call, to all who have a handle.
 */
#include "tests/support/conformance.h"

static void bytes_there_and_back(void **state)
{
    struct world *w = *state;
    struct watched t;
    char bytes[1025] = "question";
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    LONG request = lineDevSpecific(t.owner_line, 0, t.owned, bytes, 9);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_DEV_SPECIFIC, t.id);
    assert_true(command.line == 0 && command.address == 0);
    assert_true(command.dev_specific.bytes == 9 && memcmp(command.dev_specific.at, "question", 9) == 0);
    exchange_reply_text(&w->exchange, &command, "answer, which is longer");
    assert_error(client_reply(&t.owner, request), 0);
    assert_memory_equal(bytes, "answer, w\0", 10); /* no more than there were */
    request = lineDevSpecific(t.line, 0, 0, bytes, 1024); /* a monitor's line, no call */
    command = exchange_command(&w->exchange, CF_CMD_DEV_SPECIFIC);
    assert_true(command.call == 0);
    assert_int_equal(command.dev_specific.bytes, 1024);
    exchange_reply(&w->exchange, &command, 0, 0);
    assert_error(client_reply(&t.monitor, request), 0);
    assert_memory_equal(bytes, "answer, w\0", 10);
    request = lineDevSpecific(t.line, 0, 0, NULL, 0);
    command = exchange_command(&w->exchange, CF_CMD_DEV_SPECIFIC);
    assert_int_equal(command.dev_specific.bytes, 0);
    exchange_reply(&w->exchange, &command, LINEERR_INVALPARAM, 0);
    assert_error(client_reply(&t.monitor, request), LINEERR_INVALPARAM);
    exchange_end(&w->exchange, t.id);
    watched_leave(&t);
}

static void what_is_wrong(void **state)
{
    struct world *w = *state;
    struct watched t, other;
    char bytes[1025] = {0};
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    watched_begin(&other, w, 1, LINECALLSTATE_CONNECTED);
    assert_error(lineDevSpecific(0, 0, 0, bytes, 1), LINEERR_INVALLINEHANDLE);
    assert_error(lineDevSpecific(t.owner_line, 0, t.owner_line, bytes, 1), LINEERR_INVALCALLHANDLE);
    assert_error(lineDevSpecific(t.owner_line, 0, 0, NULL, 1), LINEERR_INVALPOINTER);
    assert_error(lineDevSpecific(t.owner_line, 0, 0, bytes, 1025), LINEERR_INVALPARAM);
    assert_error(client_reply(&t.owner, lineDevSpecific(t.owner_line, 7, 0, bytes, 1)), LINEERR_INVALADDRESSID);
    HLINE second = client_open(&t.owner, 1, MONITOR); /* the call is of line 0 */
    assert_error(client_reply(&t.owner, lineDevSpecific(second, 0, t.owned, bytes, 1)), LINEERR_INVALCALLHANDLE);
    HLINE plain = client_open(&t.owner, EXCHANGE_PLAIN_LINE, MONITOR);
    assert_error(client_reply(&t.owner, lineDevSpecific(plain, 0, 0, bytes, 1)), LINEERR_OPERATIONUNAVAIL);
    assert_false(exchange_has(&w->exchange, CF_CMD_DEV_SPECIFIC, 0));
    exchange_end(&w->exchange, t.id);
    exchange_end(&w->exchange, other.id);
    watched_leave(&t);
    watched_leave(&other);
}

static void is_told(struct client *c, uint64_t device)
{
    LINEMESSAGE m = client_expect(c, LINE_DEVSPECIFIC);
    assert_true(m.hDevice == device && m.dwCallbackInstance == c->instance);
    assert_true(m.dwParam1 == 1 && m.dwParam2 == 0xFFFFFFFF && m.dwParam3 == 3);
}

static void what_a_provider_says_of_its_own(void **state)
{
    struct world *w = *state;
    const uint32_t params[3] = {1, 0xFFFFFFFF, 3};
    struct watched t;
    struct client opener;
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    HLINE line = client_start(&opener, NOTHING);
    assert_true(cf_provider_post_dev_specific(w->exchange.provider, t.id, 0, params, 1));
    cf_provider_flush(w->exchange.provider);
    is_told(&t.owner, t.owned);
    is_told(&t.monitor, t.seen);
    client_nothing(&opener, w, 0); /* no handle */
    assert_true(cf_provider_post_dev_specific(w->exchange.provider, 0, 0, params, 1));
    cf_provider_flush(w->exchange.provider);
    is_told(&t.owner, t.owner_line);
    is_told(&t.monitor, t.line);
    is_told(&opener, line);
    watched_state(&t, w, LINECALLSTATE_IDLE, 0);
    assert_true(cf_provider_post_dev_specific(w->exchange.provider, t.id, 0, params, 1));
    assert_true(cf_provider_post_dev_specific(w->exchange.provider, 0, 99, params, 1)); /* no such line: counted */
    cf_provider_flush(w->exchange.provider);
    client_nothing(&t.owner, w, 0); /* nothing follows IDLE */
    watched_leave(&t);
    client_leave(&opener);
}

RUN_IN_WORLD(cmocka_unit_test(bytes_there_and_back), cmocka_unit_test(what_is_wrong), cmocka_unit_test(what_a_provider_says_of_its_own))
