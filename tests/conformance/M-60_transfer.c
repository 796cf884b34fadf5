/*
 * The rows of lineSetupTransfer, lineCompleteTransfer and lineSwapHold: what the asker and what each monitor sees (H-3 to H-9, M-60 to M-64).
 * A monitor hears of the consultation call as UNKNOWN, then of its real state; a transfer makes no further call.
 */
#include "tests/support/conformance.h"

struct talk {
    struct client owner, monitor;
    HLINE owner_line, line;
    uint64_t id;
    HCALL owned, seen;
};

static void begin(struct talk *t, struct world *w)
{
    t->owner_line = client_start(&t->owner, OWNER);
    t->line = client_start(&t->monitor, MONITOR);
    t->id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    t->owned = client_new_call(&t->owner, t->owner_line, OWNER, LINECALLSTATE_OFFERING);
    t->seen = client_new_call(&t->monitor, t->line, MONITOR, LINECALLSTATE_OFFERING);
}

static void both_state(struct talk *t, struct world *w, DWORD state, DWORD mode)
{
    exchange_state(&w->exchange, t->id, state, mode);
    client_state(&t->owner, t->owned, state);
    client_state(&t->monitor, t->seen, state);
}

static void leave(struct talk *t)
{
    client_leave(&t->owner);
    client_leave(&t->monitor);
}

struct consultation {
    uint64_t id;
    HCALL owned, seen;
};

static struct consultation consult(struct talk *t, struct world *w)
{
    struct consultation c = {.owned = 77};
    LONG request = lineSetupTransfer(t->owned, &c.owned, NULL);
    assert_true(request > 0);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SETUP_TRANSFER, t->id);
    client_nothing(&t->monitor, w, 0);
    assert_int_equal(c.owned, 77); /* H-4 */
    c.id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, c.id);
    assert_error(client_reply(&t->owner, request), 0);
    c.seen = client_new_call(&t->monitor, t->line, MONITOR, LINECALLSTATE_UNKNOWN);
    both_state(t, w, LINECALLSTATE_ONHOLDPENDTRANSFER, 0);
    exchange_state(&w->exchange, c.id, LINECALLSTATE_DIALTONE, LINEDIALTONEMODE_NORMAL);
    assert_int_equal(client_state(&t->owner, c.owned, LINECALLSTATE_DIALTONE).dwParam3, OWNER);
    assert_int_equal(client_state(&t->monitor, c.seen, LINECALLSTATE_DIALTONE).dwParam3, 0);
    return c;
}

static LINECALLINFO info_of(HCALL call)
{
    char room[4096];
    LINECALLINFO *info = (LINECALLINFO *)room;
    info->dwTotalSize = sizeof room;
    assert_error(lineGetCallInfo(call, info), 0);
    return *info;
}

static void transfer_of_a_connected_call(void **state)
{
    struct world *w = *state;
    struct talk t;
    begin(&t, w);
    HCALL none = 77;
    LONG request = lineSetupTransfer(t.owned, &none, NULL);
    assert_error(client_reply(&t.owner, request), LINEERR_INVALCALLSTATE);
    both_state(&t, w, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    request = lineCompleteTransfer(t.owned, t.owned, NULL, LINETRANSFERMODE_TRANSFER);
    assert_error(client_reply(&t.owner, request), LINEERR_INVALCONSULTCALLHANDLE);

    struct consultation c = consult(&t, w);
    assert_int_equal(call_owners(c.owned), 1);
    assert_int_equal(call_monitors(c.owned), 1);
    assert_int_equal(info_of(c.owned).dwRelatedCallID, info_of(t.owned).dwCallID);
    assert_int_equal(info_of(t.owned).dwRelatedCallID, 0);
    assert_int_equal(info_of(c.owned).dwOrigin, LINECALLORIGIN_OUTBOUND);

    request = lineCompleteTransfer(t.owned, c.owned, NULL, LINETRANSFERMODE_TRANSFER);
    assert_error(client_reply(&t.owner, request), LINEERR_INVALCALLSTATE); /* the consultation call has only dial tone */
    exchange_state(&w->exchange, c.id, LINECALLSTATE_RINGBACK, 0);
    client_state(&t.owner, c.owned, LINECALLSTATE_RINGBACK);
    client_state(&t.monitor, c.seen, LINECALLSTATE_RINGBACK);
    assert_error(lineCompleteTransfer(t.owned, c.owned, NULL, 3), LINEERR_INVALTRANSFERMODE);
    request = lineCompleteTransfer(t.seen, c.seen, NULL, LINETRANSFERMODE_TRANSFER);
    assert_error(client_reply(&t.monitor, request), LINEERR_NOTOWNER);

    request = lineCompleteTransfer(t.owned, c.owned, NULL, LINETRANSFERMODE_TRANSFER);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_COMPLETE_TRANSFER, t.id);
    assert_int_equal(command.second, c.id);
    assert_int_equal(command.transfer_mode, LINETRANSFERMODE_TRANSFER);
    exchange_reply(&w->exchange, &command, 0, 0);
    assert_error(client_reply(&t.owner, request), 0);
    both_state(&t, w, LINECALLSTATE_IDLE, 0);
    exchange_state(&w->exchange, c.id, LINECALLSTATE_IDLE, 0);
    client_state(&t.owner, c.owned, LINECALLSTATE_IDLE);
    client_state(&t.monitor, c.seen, LINECALLSTATE_IDLE);
    client_nothing(&t.monitor, w, 0); /* M-64 */
    assert_error(lineDeallocateCall(t.owned), 0); /* H-30: they stay valid until given back */
    assert_error(lineDeallocateCall(c.owned), 0);
    leave(&t);
}

static void a_failed_consultation_makes_nothing(void **state)
{
    struct world *w = *state;
    struct talk t;
    HCALL consultation = 77;
    begin(&t, w);
    both_state(&t, w, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    LONG request = lineSetupTransfer(t.owned, &consultation, NULL);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SETUP_TRANSFER, t.id);
    exchange_reply(&w->exchange, &command, LINEERR_CALLUNAVAIL, 0);
    assert_error(client_reply(&t.owner, request), LINEERR_CALLUNAVAIL);
    assert_int_equal(consultation, 77);
    client_nothing(&t.monitor, w, 0);
    assert_error(lineSetupTransfer(t.owned, NULL, NULL), LINEERR_INVALPOINTER);
    assert_error(lineSetupTransfer(0, NULL, NULL), LINEERR_INVALCALLHANDLE);
    exchange_end(&w->exchange, t.id);
    leave(&t);
}

static void calls_exchange_their_parts(void **state)
{
    struct world *w = *state;
    struct talk t;
    begin(&t, w);
    both_state(&t, w, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    struct consultation c = consult(&t, w);
    exchange_state(&w->exchange, c.id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    client_state(&t.owner, c.owned, LINECALLSTATE_CONNECTED);
    client_state(&t.monitor, c.seen, LINECALLSTATE_CONNECTED);
    LONG request = lineSwapHold(t.owned, c.owned); /* the wrong way round */
    assert_error(client_reply(&t.owner, request), LINEERR_INVALCALLSTATE);
    request = lineSwapHold(c.owned, t.owned);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SWAP_HOLD, c.id);
    assert_int_equal(command.second, t.id);
    exchange_reply(&w->exchange, &command, 0, c.id);
    assert_error(client_reply(&t.owner, request), 0);
    assert_error(lineSwapHold(c.owned, 0), LINEERR_INVALCALLHANDLE);
    assert_error(lineSwapHold(0, c.owned), LINEERR_INVALCALLHANDLE);
    exchange_end(&w->exchange, c.id);
    exchange_end(&w->exchange, t.id);
    leave(&t);
}

static void blind_transfer_passes_the_address(void **state)
{
    struct world *w = *state;
    struct talk t;
    begin(&t, w);
    both_state(&t, w, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    LONG request = lineBlindTransfer(t.owned, "4711", 49);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_BLIND_TRANSFER, t.id);
    assert_int_equal(command.country, 49);
    assert_int_equal(command.destination.bytes, 4);
    exchange_reply(&w->exchange, &command, LINEERR_ADDRESSBLOCKED, t.id);
    assert_error(client_reply(&t.owner, request), LINEERR_ADDRESSBLOCKED);
    assert_error(lineBlindTransfer(t.owned, "", 0), LINEERR_INVALADDRESS);
    assert_error(lineBlindTransfer(t.owned, NULL, 0), LINEERR_INVALPOINTER);
    exchange_end(&w->exchange, t.id);
    leave(&t);
}

/* The maker closes its line before the provider answers: what was made is nobody's but the monitors', and is dropped (H-61). */
static void who_asked_is_gone_when_it_is_made(void **state)
{
    struct world *w = *state;
    struct talk t;
    HCALL consultation = 0;
    begin(&t, w);
    both_state(&t, w, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    assert_true(lineSetupTransfer(t.owned, &consultation, NULL) > 0);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SETUP_TRANSFER, t.id);
    assert_error(lineClose(t.owner_line), 0);
    struct cf_command drop = exchange_command_of(&w->exchange, CF_CMD_DROP, t.id);
    exchange_reply(&w->exchange, &drop, 0, t.id);
    uint64_t id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, id);
    client_info(&t.monitor, t.seen, LINECALLINFOSTATE_NUMOWNERDECR);
    HCALL seen = client_new_call(&t.monitor, t.line, MONITOR, LINECALLSTATE_UNKNOWN);
    drop = exchange_command_of(&w->exchange, CF_CMD_DROP, id);
    exchange_reply(&w->exchange, &drop, 0, id);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&t.monitor, seen, LINECALLSTATE_IDLE);
    exchange_end(&w->exchange, t.id);
    leave(&t);
}

RUN_IN_WORLD(cmocka_unit_test(transfer_of_a_connected_call), cmocka_unit_test(a_failed_consultation_makes_nothing),
             cmocka_unit_test(calls_exchange_their_parts), cmocka_unit_test(blind_transfer_passes_the_address),
             cmocka_unit_test(who_asked_is_gone_when_it_is_made))
