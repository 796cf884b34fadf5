/*
 * Conferences: two calls made at once (H-3, M-65), CONFERENCED naming the parent as each receiver knows it (M-30 to M-36), and the list of
 * a conference's calls (H-16).
 */
#include "tests/support/conformance.h"

struct hall {
    struct client owner, monitor;
    HLINE owner_line, line;
    uint64_t first, parent, consult;
    HCALL first_owned, first_seen, parent_owned, parent_seen, consult_owned, consult_seen;
};

static void state_of(struct hall *h, struct world *w, uint64_t id, HCALL owned, HCALL seen, DWORD state)
{
    exchange_state(&w->exchange, id, state, 0);
    client_state(&h->owner, owned, state);
    client_state(&h->monitor, seen, state);
}

static void begin(struct hall *h, struct world *w)
{
    h->owner_line = client_start(&h->owner, OWNER);
    h->line = client_start(&h->monitor, MONITOR);
    h->first = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    h->first_owned = client_new_call(&h->owner, h->owner_line, OWNER, LINECALLSTATE_OFFERING);
    h->first_seen = client_new_call(&h->monitor, h->line, MONITOR, LINECALLSTATE_OFFERING);
    state_of(h, w, h->first, h->first_owned, h->first_seen, LINECALLSTATE_CONNECTED);
}

static void made(struct hall *h, struct world *w, LONG request, const struct cf_command *command)
{
    h->parent = cf_provider_call_new(w->exchange.provider, &w->exchange);
    h->consult = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply_two(&w->exchange, command, h->parent, h->consult);
    assert_error(client_reply(&h->owner, request), 0);
    h->parent_seen = client_new_call(&h->monitor, h->line, MONITOR, LINECALLSTATE_UNKNOWN);
    h->consult_seen = client_new_call(&h->monitor, h->line, MONITOR, LINECALLSTATE_UNKNOWN);
    state_of(h, w, h->parent, h->parent_owned, h->parent_seen, LINECALLSTATE_ONHOLDPENDCONF);
    state_of(h, w, h->consult, h->consult_owned, h->consult_seen, LINECALLSTATE_DIALTONE);
}

static void setup(struct hall *h, struct world *w)
{
    begin(h, w);
    LONG request = lineSetupConference(h->first_owned, 0, &h->parent_owned, &h->consult_owned, 3, NULL);
    assert_true(request > 0);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SETUP_CONFERENCE, h->first);
    assert_int_equal(command.parties, 3);
    made(h, w, request, &command);
}

static void joins(struct hall *h, struct world *w, uint64_t id, HCALL owned, HCALL seen, HCALL parent_owned, HCALL parent_seen)
{
    exchange_conferenced(&w->exchange, id, h->parent);
    assert_true(client_state(&h->owner, owned, LINECALLSTATE_CONFERENCED).dwParam2 == parent_owned);
    assert_true(client_state(&h->monitor, seen, LINECALLSTATE_CONFERENCED).dwParam2 == parent_seen);
}

static void leave(struct hall *h, struct world *w)
{
    exchange_end(&w->exchange, h->first);
    exchange_end(&w->exchange, h->consult);
    exchange_end(&w->exchange, h->parent);
    client_leave(&h->owner);
    client_leave(&h->monitor);
}

struct list {
    LINECALLLIST head;
    HCALL calls[8];
};

static LONG related(HCALL call, struct list *list, DWORD room)
{
    memset(list, 0, sizeof *list);
    list->head.dwTotalSize = (DWORD)(sizeof list->head + room * sizeof(HCALL));
    return lineGetConfRelatedCalls(call, &list->head);
}

static void a_conference_is_made_and_joined(void **state)
{
    struct world *w = *state;
    struct hall h = {0};
    struct list list;
    setup(&h, w);
    assert_error(related(h.first_owned, &list, 8), LINEERR_NOCONFERENCE); /* M-36 */
    assert_error(related(h.parent_owned, &list, 8), 0);
    assert_int_equal(list.head.dwCallsNumEntries, 1);
    joins(&h, w, h.first, h.first_owned, h.first_seen, h.parent_owned, h.parent_seen);
    assert_int_equal(call_state(h.first_owned), LINECALLSTATE_CONFERENCED);

    LONG request = lineAddToConference(h.parent_owned, h.consult_owned);
    assert_error(client_reply(&h.owner, request), LINEERR_INVALCALLSTATE); /* it has only dial tone */
    state_of(&h, w, h.consult, h.consult_owned, h.consult_seen, LINECALLSTATE_RINGBACK);
    request = lineAddToConference(h.consult_owned, h.first_owned);
    assert_error(client_reply(&h.owner, request), LINEERR_INVALCONFCALLHANDLE);
    request = lineAddToConference(h.parent_owned, h.parent_owned);
    assert_error(client_reply(&h.owner, request), LINEERR_INVALCALLHANDLE);
    request = lineAddToConference(h.parent_owned, h.consult_owned);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_ADD_TO_CONFERENCE, h.parent);
    assert_int_equal(command.second, h.consult);
    exchange_reply(&w->exchange, &command, 0, h.parent);
    assert_error(client_reply(&h.owner, request), 0);
    joins(&h, w, h.consult, h.consult_owned, h.consult_seen, h.parent_owned, h.parent_seen);
    state_of(&h, w, h.parent, h.parent_owned, h.parent_seen, LINECALLSTATE_CONNECTED);
    assert_true((call_features(h.parent_owned) & LINECALLFEATURE_PREPAREADDCONF) != 0);
    assert_true((call_features(h.parent_owned) & LINECALLFEATURE_SETUPCONF) == 0);

    assert_error(related(h.consult_owned, &list, 8), 0);
    assert_int_equal(list.head.dwCallsNumEntries, 3);
    assert_true(list.calls[0] == h.parent_owned && list.calls[1] == h.first_owned && list.calls[2] == h.consult_owned);

    request = lineRemoveFromConference(h.first_owned);
    command = exchange_command_of(&w->exchange, CF_CMD_REMOVE_FROM_CONFERENCE, h.first);
    exchange_reply(&w->exchange, &command, 0, h.first);
    assert_error(client_reply(&h.owner, request), 0);
    state_of(&h, w, h.first, h.first_owned, h.first_seen, LINECALLSTATE_CONNECTED);
    assert_error(related(h.first_owned, &list, 8), LINEERR_NOCONFERENCE);
    assert_error(related(h.parent_owned, &list, 8), 0);
    assert_int_equal(list.head.dwCallsNumEntries, 2);
    leave(&h, w);
}

/* M-32, M-33: who has no handle for the parent is told 0, and gets it when it asks. H-16, G-11. */
static void who_has_no_handle_for_the_parent(void **state)
{
    struct world *w = *state;
    struct hall h = {0};
    struct list list;
    setup(&h, w);
    assert_error(lineDeallocateCall(h.parent_seen), 0);
    client_info(&h.owner, h.parent_owned, LINECALLINFOSTATE_NUMMONITORS);
    joins(&h, w, h.first, h.first_owned, h.first_seen, h.parent_owned, 0);
    assert_error(related(h.first_seen, &list, 1), 0);
    assert_int_equal(list.head.dwCallsNumEntries, 0);
    assert_int_equal(list.head.dwNeededSize, sizeof list.head + 2 * sizeof(HCALL));
    client_nothing(&h.owner, w, 0); /* no handle was made */
    assert_error(related(h.first_seen, &list, 2), 0);
    assert_int_equal(list.head.dwCallsNumEntries, 2);
    assert_true(list.calls[1] == h.first_seen && list.calls[0] != h.parent_seen);
    assert_int_equal(call_privilege(list.calls[0]), MONITOR);
    client_info(&h.owner, h.parent_owned, LINECALLINFOSTATE_NUMMONITORS);
    state_of(&h, w, h.parent, h.parent_owned, list.calls[0], LINECALLSTATE_CONNECTED);
    leave(&h, w);
}

/* M-37: a parent that is none is ignored; the state counts. A parent that ends leaves its members alone. */
static void parents_that_are_none(void **state)
{
    struct world *w = *state;
    struct hall h = {0};
    struct list list;
    setup(&h, w);
    const uint64_t wrong[] = {0, 12345, h.first, UINT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        exchange_conferenced(&w->exchange, h.first, wrong[i]);
        assert_int_equal(client_state(&h.owner, h.first_owned, LINECALLSTATE_CONFERENCED).dwParam2, 0);
        assert_int_equal(client_state(&h.monitor, h.first_seen, LINECALLSTATE_CONFERENCED).dwParam2, 0);
        assert_error(related(h.first_owned, &list, 8), LINEERR_NOCONFERENCE);
    }
    joins(&h, w, h.first, h.first_owned, h.first_seen, h.parent_owned, h.parent_seen);
    state_of(&h, w, h.parent, h.parent_owned, h.parent_seen, LINECALLSTATE_IDLE);
    assert_error(related(h.first_owned, &list, 8), LINEERR_NOCONFERENCE);
    assert_int_equal(call_state(h.first_owned), LINECALLSTATE_CONFERENCED);
    exchange_end(&w->exchange, h.first);
    exchange_end(&w->exchange, h.consult);
    client_leave(&h.owner);
    client_leave(&h.monitor);
}

/* lineSetupConference on a line; linePrepareAddToConference; lineCompleteTransfer that makes a conference. */
static void the_other_ways_to_a_conference(void **state)
{
    struct world *w = *state;
    struct hall h = {0};
    HCALL next = 0;
    begin(&h, w);
    LONG request = lineSetupConference(0, h.owner_line, &h.parent_owned, &h.consult_owned, 2, NULL);
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_SETUP_CONFERENCE);
    assert_int_equal(command.call, 0);
    assert_int_equal(command.line, 0);
    made(&h, w, request, &command);
    request = linePrepareAddToConference(h.consult_owned, &next, NULL);
    assert_error(client_reply(&h.owner, request), LINEERR_INVALCONFCALLHANDLE);
    state_of(&h, w, h.parent, h.parent_owned, h.parent_seen, LINECALLSTATE_CONNECTED);
    request = linePrepareAddToConference(h.parent_owned, &next, NULL);
    command = exchange_command_of(&w->exchange, CF_CMD_PREPARE_ADD, h.parent);
    uint64_t id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, id);
    assert_error(client_reply(&h.owner, request), 0);
    client_new_call(&h.monitor, h.line, MONITOR, LINECALLSTATE_UNKNOWN);
    assert_int_equal(call_owners(next), 1);
    exchange_end(&w->exchange, id);
    leave(&h, w);
}

static void a_transfer_that_becomes_a_conference(void **state)
{
    struct world *w = *state;
    struct hall h = {0};
    begin(&h, w);
    LONG request = lineSetupTransfer(h.first_owned, &h.consult_owned, NULL);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SETUP_TRANSFER, h.first);
    h.consult = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, h.consult);
    assert_error(client_reply(&h.owner, request), 0);
    h.consult_seen = client_new_call(&h.monitor, h.line, MONITOR, LINECALLSTATE_UNKNOWN);
    state_of(&h, w, h.first, h.first_owned, h.first_seen, LINECALLSTATE_ONHOLDPENDTRANSFER);
    state_of(&h, w, h.consult, h.consult_owned, h.consult_seen, LINECALLSTATE_CONNECTED);
    assert_error(lineCompleteTransfer(h.first_owned, h.consult_owned, NULL, LINETRANSFERMODE_CONFERENCE), LINEERR_INVALPOINTER);
    request = lineCompleteTransfer(h.first_owned, h.consult_owned, &h.parent_owned, LINETRANSFERMODE_CONFERENCE);
    command = exchange_command_of(&w->exchange, CF_CMD_COMPLETE_TRANSFER, h.first);
    h.parent = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, h.parent);
    assert_error(client_reply(&h.owner, request), 0);
    h.parent_seen = client_new_call(&h.monitor, h.line, MONITOR, LINECALLSTATE_UNKNOWN);
    state_of(&h, w, h.parent, h.parent_owned, h.parent_seen, LINECALLSTATE_CONNECTED);
    joins(&h, w, h.first, h.first_owned, h.first_seen, h.parent_owned, h.parent_seen);
    joins(&h, w, h.consult, h.consult_owned, h.consult_seen, h.parent_owned, h.parent_seen);
    leave(&h, w);
}

/* A provider that names no call, one twice, or one that is old, has made nothing; the one that is right is closed. */
static void a_reply_that_names_no_two_calls(void **state)
{
    struct world *w = *state;
    struct hall h = {0};
    begin(&h, w);
    LONG request = lineSetupConference(h.first_owned, 0, &h.parent_owned, &h.consult_owned, 3, NULL);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SETUP_CONFERENCE, h.first);
    uint64_t id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply_two(&w->exchange, &command, id, id);
    assert_error(client_reply(&h.owner, request), LINEERR_OPERATIONFAILED);
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, id);
    assert_true(h.parent_owned == 0 && h.consult_owned == 0);
    request = lineSetupConference(h.first_owned, 0, &h.parent_owned, &h.consult_owned, 3, NULL);
    command = exchange_command_of(&w->exchange, CF_CMD_SETUP_CONFERENCE, h.first);
    exchange_reply_two(&w->exchange, &command, h.first, 0);
    assert_error(client_reply(&h.owner, request), LINEERR_OPERATIONFAILED);
    client_nothing(&h.monitor, w, 0);
    exchange_end(&w->exchange, h.first);
    client_leave(&h.owner);
    client_leave(&h.monitor);
}

RUN_IN_WORLD(cmocka_unit_test(a_conference_is_made_and_joined), cmocka_unit_test(who_has_no_handle_for_the_parent),
             cmocka_unit_test(parents_that_are_none), cmocka_unit_test(the_other_ways_to_a_conference),
             cmocka_unit_test(a_transfer_that_becomes_a_conference), cmocka_unit_test(a_reply_that_names_no_two_calls))
