/*
 * lineUnpark and linePickup: a new call, whose sole owner the asker is (H-3 to H-7, H-10), with its reason; monitors see it UNKNOWN first.
 */
#include "tests/support/conformance.h"

struct taken {
    struct client maker, monitor;
    HLINE line, seen_line;
};

static void begin(struct taken *t)
{
    t->line = client_start(&t->maker, NOTHING);
    t->seen_line = client_start(&t->monitor, MONITOR);
}

static void leave(struct taken *t)
{
    client_leave(&t->maker);
    client_leave(&t->monitor);
}

/* The exchange gives the call: who asked has it, the monitor sees it. */
static void given(struct taken *t, struct world *w, const struct cf_command *command, LONG request, const HCALL *call, DWORD reason)
{
    uint64_t id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    client_nothing(&t->monitor, w, 0);
    assert_int_equal(*call, 77); /* H-4 */
    exchange_reply(&w->exchange, command, 0, id);
    assert_error(client_reply(&t->maker, request), 0);
    HCALL seen = client_new_call(&t->monitor, t->seen_line, MONITOR, LINECALLSTATE_UNKNOWN);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    assert_int_equal(client_state(&t->maker, *call, LINECALLSTATE_CONNECTED).dwParam3, OWNER);
    client_state(&t->monitor, seen, LINECALLSTATE_CONNECTED);
    assert_int_equal(call_owners(*call), 1);
    assert_int_equal(call_info(seen)->dwReason, reason);
    exchange_end(&w->exchange, id);
    client_state(&t->maker, *call, LINECALLSTATE_DISCONNECTED);
    client_state(&t->maker, *call, LINECALLSTATE_IDLE);
    client_state(&t->monitor, seen, LINECALLSTATE_DISCONNECTED);
    client_state(&t->monitor, seen, LINECALLSTATE_IDLE);
}

static void unpark(void **state)
{
    struct world *w = *state;
    struct taken t;
    HCALL call = 77;
    begin(&t);
    LONG request = lineUnpark(t.line, 0, &call, "701");
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_UNPARK);
    assert_true(command.line == 0 && command.address == 0 && exchange_text_is(command.destination, "701"));
    given(&t, w, &command, request, &call, LINECALLREASON_UNPARK);
    leave(&t);
}

/* H-10, H-30: who parked a call still has its handle, IDLE, when he takes it again: that is another one. */
static void a_parked_call_comes_back_as_a_new_one(void **state)
{
    struct world *w = *state;
    struct watched t;
    HCALL again = 0;
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    LONG request = linePark(t.owned, LINEPARKMODE_DIRECTED, "701", NULL);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_PARK, t.id);
    exchange_reply(&w->exchange, &command, 0, t.id);
    assert_error(client_reply(&t.owner, request), 0);
    watched_state(&t, w, LINECALLSTATE_IDLE, 0);
    request = lineUnpark(t.owner_line, 0, &again, "701");
    command = exchange_command(&w->exchange, CF_CMD_UNPARK);
    uint64_t id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, id);
    assert_error(client_reply(&t.owner, request), 0);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    client_state(&t.owner, again, LINECALLSTATE_CONNECTED);
    assert_true(again != t.owned);
    assert_int_equal(call_state(t.owned), LINECALLSTATE_IDLE);
    assert_error(lineDeallocateCall(t.owned), 0);
    assert_int_equal(call_state(again), LINECALLSTATE_CONNECTED);
    exchange_end(&w->exchange, id);
    watched_leave(&t);
}

static void pickup(void **state)
{
    struct world *w = *state;
    struct taken t;
    HCALL call = 77;
    begin(&t);
    LONG request = linePickup(t.line, 0, &call, "21", "sales");
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_PICKUP);
    assert_true(exchange_text_is(command.destination, "21") && exchange_text_is(command.group, "sales"));
    given(&t, w, &command, request, &call, LINECALLREASON_PICKUP);
    call = 77;
    request = linePickup(t.line, 0, &call, NULL, NULL); /* its own group's, or the one that waits */
    command = exchange_command(&w->exchange, CF_CMD_PICKUP);
    assert_true(command.destination.bytes == 0 && command.group.bytes == 0);
    given(&t, w, &command, request, &call, LINECALLREASON_PICKUP);
    leave(&t);
}

static void a_refusal_makes_nothing(void **state)
{
    struct world *w = *state;
    struct taken t;
    HCALL call = 77;
    begin(&t);
    LONG request = linePickup(t.line, 0, &call, NULL, NULL);
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_PICKUP);
    exchange_reply(&w->exchange, &command, LINEERR_CALLUNAVAIL, 0);
    assert_error(client_reply(&t.maker, request), LINEERR_CALLUNAVAIL);
    request = lineUnpark(t.line, 0, &call, "7");
    command = exchange_command(&w->exchange, CF_CMD_UNPARK);
    exchange_reply(&w->exchange, &command, 0, 0); /* success without a call is none */
    assert_error(client_reply(&t.maker, request), LINEERR_OPERATIONFAILED);
    assert_int_equal(call, 77);
    client_nothing(&t.monitor, w, 0);
    leave(&t);
}

static void parameters(void **state)
{
    struct world *w = *state;
    struct client c;
    HCALL call = 77;
    client_join(&c);
    HLINE line = client_open(&c, 1, OWNER), plain = client_open(&c, EXCHANGE_PLAIN_LINE, OWNER);
    assert_error(lineUnpark(0, 0, &call, "7"), LINEERR_INVALLINEHANDLE);
    assert_error(lineUnpark(line, 0, NULL, "7"), LINEERR_INVALPOINTER);
    assert_error(lineUnpark(line, 0, &call, NULL), LINEERR_INVALPOINTER);
    assert_error(lineUnpark(line, 0, &call, ""), LINEERR_INVALADDRESS);
    assert_error(client_reply(&c, lineUnpark(line, 9, &call, "7")), LINEERR_INVALADDRESSID);
    assert_error(client_reply(&c, lineUnpark(plain, 0, &call, "7")), LINEERR_OPERATIONUNAVAIL);
    assert_error(linePickup(0, 0, &call, NULL, NULL), LINEERR_INVALLINEHANDLE);
    assert_error(linePickup(line, 0, NULL, NULL, NULL), LINEERR_INVALPOINTER);
    assert_error(client_reply(&c, linePickup(line, 9, &call, NULL, NULL)), LINEERR_INVALADDRESSID);
    assert_error(client_reply(&c, linePickup(line, 0, &call, NULL, "sales")), LINEERR_INVALGROUPID); /* only line 0 has groups */
    assert_error(client_reply(&c, linePickup(plain, 0, &call, NULL, NULL)), LINEERR_OPERATIONUNAVAIL);
    assert_int_equal(call, 77);
    assert_false(exchange_has(&w->exchange, CF_CMD_UNPARK, 0) || exchange_has(&w->exchange, CF_CMD_PICKUP, 0));
    client_leave(&c);
}

/* Who asked closes the line before the answer: the call is dropped as if he had had it (H-61). */
static void the_line_is_closed_meanwhile(void **state)
{
    struct world *w = *state;
    struct taken t;
    HCALL call = 77;
    begin(&t);
    assert_true(lineUnpark(t.line, 0, &call, "7") > 0);
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_UNPARK);
    assert_error(lineClose(t.line), 0);
    client_open(&t.maker, 1, NOTHING); /* now the service has taken that */
    uint64_t id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, id);
    HCALL seen = client_new_call(&t.monitor, t.seen_line, MONITOR, LINECALLSTATE_UNKNOWN);
    struct cf_command drop = exchange_command_of(&w->exchange, CF_CMD_DROP, id);
    exchange_reply(&w->exchange, &drop, 0, id);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&t.monitor, seen, LINECALLSTATE_IDLE);
    assert_int_equal(call, 77);
    leave(&t);
}

RUN_IN_WORLD(cmocka_unit_test(unpark), cmocka_unit_test(a_parked_call_comes_back_as_a_new_one), cmocka_unit_test(pickup), cmocka_unit_test(a_refusal_makes_nothing), cmocka_unit_test(parameters),
             cmocka_unit_test(the_line_is_closed_meanwhile))
