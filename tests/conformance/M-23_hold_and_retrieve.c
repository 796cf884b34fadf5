/*
 * M-23 with lineHold and lineUnhold: LINE_CALLSTATE may come before LINE_REPLY or after it, and everyone with a handle learns the state.
 * Owner; CONNECTED to ONHOLD, ONHOLD and ONHOLDPEND... to CONNECTED; other states are INVALCALLSTATE.
 */
#include "tests/support/conformance.h"

struct pair {
    struct client owner, monitor;
    HCALL owned, seen;
    uint64_t id;
};

static void begin(struct pair *p, struct world *w)
{
    HLINE owner_line = client_start(&p->owner, OWNER), line = client_start(&p->monitor, MONITOR);
    p->id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    p->owned = client_new_call(&p->owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    p->seen = client_new_call(&p->monitor, line, MONITOR, LINECALLSTATE_OFFERING);
}

static void both_state(struct pair *p, struct world *w, DWORD state, DWORD mode)
{
    exchange_state(&w->exchange, p->id, state, mode);
    assert_int_equal(client_state(&p->owner, p->owned, state).dwParam2, mode);
    assert_int_equal(client_state(&p->monitor, p->seen, state).dwParam2, mode);
}

static void leave(struct pair *p, struct world *w)
{
    exchange_end(&w->exchange, p->id);
    client_leave(&p->owner);
    client_leave(&p->monitor);
}

static void state_before_the_reply_and_after_it(void **state)
{
    struct world *w = *state;
    struct pair p;
    begin(&p, w);
    both_state(&p, w, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);

    LONG request = lineHold(p.owned);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_HOLD, p.id);
    both_state(&p, w, LINECALLSTATE_ONHOLD, 0);
    exchange_reply(&w->exchange, &c, 0, p.id);
    assert_error(client_reply(&p.owner, request), 0);

    request = lineUnhold(p.owned);
    c = exchange_command_of(&w->exchange, CF_CMD_UNHOLD, p.id);
    exchange_reply(&w->exchange, &c, 0, p.id);
    assert_error(client_reply(&p.owner, request), 0);
    both_state(&p, w, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);

    request = lineHold(p.owned);
    c = exchange_command_of(&w->exchange, CF_CMD_HOLD, p.id);
    exchange_reply(&w->exchange, &c, LINEERR_OPERATIONFAILED, p.id);
    assert_error(client_reply(&p.owner, request), LINEERR_OPERATIONFAILED);
    client_nothing(&p.monitor, w, 0);
    assert_int_equal(call_state(p.seen), LINECALLSTATE_CONNECTED);
    leave(&p, w);
}

/* The table of 5.9: which state allows which; the features of lineGetCallStatus say the same. */
static void states_that_allow_it(void **state)
{
    static const struct {
        DWORD state, mode;
        bool hold, retrieve;
    } cases[] = {
        {LINECALLSTATE_ACCEPTED, 0, false, false},
        {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE, true, false},
        {LINECALLSTATE_ONHOLD, 0, false, true},
        {LINECALLSTATE_ONHOLDPENDCONF, 0, false, true},
        {LINECALLSTATE_ONHOLDPENDTRANSFER, 0, false, true},
        {LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL, false, false},
        {LINECALLSTATE_IDLE, 0, false, false},
    };
    struct world *w = *state;
    struct pair p;
    begin(&p, w);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        both_state(&p, w, cases[i].state, cases[i].mode);
        DWORD features = call_features(p.owned);
        assert_int_equal((features & LINECALLFEATURE_HOLD) != 0, cases[i].hold);
        assert_int_equal((features & LINECALLFEATURE_UNHOLD) != 0, cases[i].retrieve);
        assert_int_equal(call_features(p.seen) & (LINECALLFEATURE_HOLD | LINECALLFEATURE_UNHOLD), 0);
        LONG request = lineHold(p.owned);
        if (cases[i].hold) {
            struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_HOLD, p.id);
            exchange_reply(&w->exchange, &c, 0, p.id);
        }
        assert_error(client_reply(&p.owner, request), cases[i].hold ? 0 : LINEERR_INVALCALLSTATE);
        request = lineUnhold(p.owned);
        if (cases[i].retrieve) {
            struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_UNHOLD, p.id);
            exchange_reply(&w->exchange, &c, 0, p.id);
        }
        assert_error(client_reply(&p.owner, request), cases[i].retrieve ? 0 : LINEERR_INVALCALLSTATE);
        assert_false(exchange_has(&w->exchange, CF_CMD_HOLD, p.id));
        assert_false(exchange_has(&w->exchange, CF_CMD_UNHOLD, p.id));
    }
    client_leave(&p.owner);
    client_leave(&p.monitor);
}

static void who_may_not(void **state)
{
    struct world *w = *state;
    struct pair p;
    begin(&p, w);
    both_state(&p, w, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    assert_error(lineHold(0), LINEERR_INVALCALLHANDLE);
    assert_error(lineUnhold(0), LINEERR_INVALCALLHANDLE);
    assert_error(client_reply(&p.monitor, lineHold(p.seen)), LINEERR_NOTOWNER);
    assert_error(client_reply(&p.monitor, lineUnhold(p.seen)), LINEERR_NOTOWNER); /* privilege before the state */
    assert_error(lineDeallocateCall(p.seen), 0);
    assert_error(lineHold(p.seen), LINEERR_INVALCALLHANDLE);
    leave(&p, w);
}

RUN_IN_WORLD(cmocka_unit_test(state_before_the_reply_and_after_it), cmocka_unit_test(states_that_allow_it),
             cmocka_unit_test(who_may_not))
