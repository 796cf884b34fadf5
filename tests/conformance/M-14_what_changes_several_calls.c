/*
 * M-14: an operation that changes several calls is told of each: one LINE_CALLSTATE for each call and each handle, whether the call was
 * named in the request or not.
 */
#include "tests/support/conformance.h"

struct call {
    uint64_t id;
    HCALL owned, seen;
};

struct desk {
    struct client owner, monitor;
    HLINE owner_line, line;
};

static void sit_down(struct desk *d)
{
    d->owner_line = client_start(&d->owner, OWNER);
    d->line = client_start(&d->monitor, MONITOR);
}

static void told(struct desk *d, const struct call *c, DWORD state)
{
    client_state(&d->owner, c->owned, state);
    client_state(&d->monitor, c->seen, state);
}

static void becomes(struct desk *d, struct world *w, const struct call *c, DWORD state)
{
    exchange_state(&w->exchange, c->id, state, 0);
    told(d, c, state);
}

static struct call offered(struct desk *d, struct world *w)
{
    struct call c = {.id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2")};
    c.owned = client_new_call(&d->owner, d->owner_line, OWNER, LINECALLSTATE_OFFERING);
    c.seen = client_new_call(&d->monitor, d->line, MONITOR, LINECALLSTATE_OFFERING);
    return c;
}

/* The command is obeyed: LINE_REPLY to the owner. */
static void done(struct desk *d, struct world *w, LONG request, uint16_t command, const struct call *c)
{
    struct cf_command got = exchange_command_of(&w->exchange, command, c->id);
    exchange_reply(&w->exchange, &got, 0, c->id);
    assert_error(client_reply(&d->owner, request), 0);
}

static void nothing_else(struct desk *d, struct world *w)
{
    client_nothing(&d->owner, w, 0);
    client_nothing(&d->monitor, w, 0);
}

static void leave(struct desk *d)
{
    client_leave(&d->owner);
    client_leave(&d->monitor);
}

/* LINEANSWERMODE_HOLD, and lineSwapHold back. */
static void two_calls_take_turns(void **state)
{
    struct world *w = *state;
    struct desk d;
    sit_down(&d);
    struct call first = offered(&d, w), second = offered(&d, w);
    becomes(&d, w, &first, LINECALLSTATE_CONNECTED);
    done(&d, w, lineAnswer(second.owned, NULL, 0), CF_CMD_ANSWER, &second);
    becomes(&d, w, &first, LINECALLSTATE_ONHOLD);
    becomes(&d, w, &second, LINECALLSTATE_CONNECTED);
    nothing_else(&d, w);
    done(&d, w, lineSwapHold(second.owned, first.owned), CF_CMD_SWAP_HOLD, &second);
    becomes(&d, w, &second, LINECALLSTATE_ONHOLD);
    becomes(&d, w, &first, LINECALLSTATE_CONNECTED);
    nothing_else(&d, w);
    exchange_end(&w->exchange, first.id);
    exchange_end(&w->exchange, second.id);
    leave(&d);
}

static void joins(struct desk *d, struct world *w, const struct call *c, const struct call *parent)
{
    exchange_conferenced(&w->exchange, c->id, parent->id);
    told(d, c, LINECALLSTATE_CONFERENCED);
}

static void a_conference_is_dropped(void **state)
{
    struct world *w = *state;
    struct desk d;
    struct call parent = {0}, second = {0};
    sit_down(&d);
    struct call first = offered(&d, w);
    becomes(&d, w, &first, LINECALLSTATE_CONNECTED);
    LONG request = lineSetupConference(first.owned, 0, &parent.owned, &second.owned, 3, NULL);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SETUP_CONFERENCE, first.id);
    parent.id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    second.id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply_two(&w->exchange, &command, parent.id, second.id);
    assert_error(client_reply(&d.owner, request), 0);
    parent.seen = client_new_call(&d.monitor, d.line, MONITOR, LINECALLSTATE_UNKNOWN);
    second.seen = client_new_call(&d.monitor, d.line, MONITOR, LINECALLSTATE_UNKNOWN);
    becomes(&d, w, &parent, LINECALLSTATE_ONHOLDPENDCONF);
    becomes(&d, w, &second, LINECALLSTATE_CONNECTED);
    joins(&d, w, &first, &parent);
    joins(&d, w, &second, &parent);
    becomes(&d, w, &parent, LINECALLSTATE_CONNECTED);

    done(&d, w, lineDrop(parent.owned, NULL, 0), CF_CMD_DROP, &parent);
    nothing_else(&d, w); /* the calls end when the exchange says so */
    assert_false(exchange_has(&w->exchange, CF_CMD_DROP, first.id));
    assert_false(exchange_has(&w->exchange, CF_CMD_DROP, second.id));
    becomes(&d, w, &first, LINECALLSTATE_IDLE);
    becomes(&d, w, &second, LINECALLSTATE_IDLE);
    becomes(&d, w, &parent, LINECALLSTATE_IDLE);
    nothing_else(&d, w);
    leave(&d);
}

RUN_IN_WORLD(cmocka_unit_test(two_calls_take_turns), cmocka_unit_test(a_conference_is_dropped))
