/*
 * M-38: only calls of its own line can be added to a conference. T-3: the call that stands for it says so by its origin. M-35: whatever the
 * version a line was opened with, CONFERENCED names the conference's call by the receiver's own handle.
 */
#include "tests/support/conformance.h"

struct hall {
    struct client owner;
    HLINE line;
    uint64_t first_id, parent_id, consult_id;
    HCALL first, parent, consult;
};

static uint64_t connected(struct hall *h, struct world *w, HLINE line, uint32_t device, HCALL *ret_call)
{
    uint64_t id = exchange_call(&w->exchange, device, LINECALLSTATE_OFFERING, "1", "2");
    *ret_call = client_new_call(&h->owner, line, OWNER, LINECALLSTATE_OFFERING);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, 0);
    client_state(&h->owner, *ret_call, LINECALLSTATE_CONNECTED);
    return id;
}

/* A conference that waits for its second call. */
static void begin(struct hall *h, struct world *w)
{
    h->line = client_start(&h->owner, OWNER);
    h->first_id = connected(h, w, h->line, 0, &h->first);
    LONG request = lineSetupConference(h->first, 0, &h->parent, &h->consult, 3, NULL);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_SETUP_CONFERENCE, h->first_id);
    h->parent_id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    h->consult_id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply_two(&w->exchange, &c, h->parent_id, h->consult_id);
    assert_error(client_reply(&h->owner, request), 0);
    exchange_state(&w->exchange, h->parent_id, LINECALLSTATE_ONHOLDPENDCONF, 0);
    client_state(&h->owner, h->parent, LINECALLSTATE_ONHOLDPENDCONF);
}

static void end(struct hall *h, struct world *w)
{
    exchange_end(&w->exchange, h->first_id);
    exchange_end(&w->exchange, h->consult_id);
    exchange_end(&w->exchange, h->parent_id);
    client_leave(&h->owner);
}

static void a_call_of_another_line_is_refused(void **state)
{
    struct world *w = *state;
    struct hall h = {0};
    HCALL other;
    begin(&h, w);
    HLINE second_line = client_open(&h.owner, 1, OWNER);
    uint64_t id = connected(&h, w, second_line, 1, &other);
    LONG request = lineAddToConference(h.parent, other);
    assert_error(client_reply(&h.owner, request), LINEERR_INVALCALLHANDLE);
    assert_false(exchange_has(&w->exchange, CF_CMD_ADD_TO_CONFERENCE, 0));
    assert_int_equal(call_state(other), LINECALLSTATE_CONNECTED);
    exchange_end(&w->exchange, id);
    end(&h, w);
}

static void its_call_says_so_by_its_origin(void **state)
{
    struct world *w = *state;
    struct hall h = {0};
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    begin(&h, w);
    assert_error(lineGetCallInfo(h.parent, &info), 0);
    assert_int_equal(info.dwOrigin, LINECALLORIGIN_CONFERENCE);
    assert_error(lineGetCallInfo(h.consult, &info), 0);
    assert_int_equal(info.dwOrigin, LINECALLORIGIN_OUTBOUND);
    assert_error(lineGetCallInfo(h.first, &info), 0);
    assert_int_equal(info.dwOrigin, LINECALLORIGIN_EXTERNAL);
    end(&h, w);
}

/* What an application below 2.0 hears first of a call: its state. */
static HCALL heard_of(struct client *old, DWORD in_state)
{
    LINEMESSAGE m = client_expect(old, LINE_CALLSTATE);
    assert_int_equal(m.dwParam1, in_state);
    assert_int_equal(m.dwParam3, MONITOR);
    return m.hDevice;
}

static void old_applications_are_told_the_parent_too(void **state)
{
    struct world *w = *state;
    struct hall h = {0};
    struct client old;
    client_join(&old);
    old.api_version = CF_TAPI_VERSION_1_4;
    client_open(&old, 0, MONITOR);
    begin(&h, w);
    HCALL first = heard_of(&old, LINECALLSTATE_OFFERING);
    client_state(&old, first, LINECALLSTATE_CONNECTED);
    HCALL parent = heard_of(&old, LINECALLSTATE_UNKNOWN);
    heard_of(&old, LINECALLSTATE_UNKNOWN); /* the consultation call */
    client_state(&old, parent, LINECALLSTATE_ONHOLDPENDCONF);
    exchange_conferenced(&w->exchange, h.first_id, h.parent_id);
    assert_true(client_state(&old, first, LINECALLSTATE_CONFERENCED).dwParam2 == parent);
    assert_true(client_state(&h.owner, h.first, LINECALLSTATE_CONFERENCED).dwParam2 == h.parent);
    assert_true(parent != h.parent);
    end(&h, w);
    client_leave(&old);
}

RUN_IN_WORLD(cmocka_unit_test(a_call_of_another_line_is_refused), cmocka_unit_test(its_call_says_so_by_its_origin),
             cmocka_unit_test(old_applications_are_told_the_parent_too))
