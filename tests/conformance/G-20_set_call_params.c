/*
 * G-20: lineSetCallParams is asynchronous. Owner; neither IDLE nor DISCONNECTED; when it has succeeded everyone with a handle, the one who
 * asked too (M-50), gets LINE_CALLINFO with what is different, and lineGetCallInfo tells it.
 */
#include "tests/support/conformance.h"

static void bearer_and_rate(HCALL call, DWORD *bearer, DWORD *rate)
{
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    assert_error(lineGetCallInfo(call, &info), 0);
    *bearer = info.dwBearerMode;
    *rate = info.dwRate;
}

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

static void both_state(struct pair *p, struct world *w, DWORD state)
{
    exchange_state(&w->exchange, p->id, state, 0);
    client_state(&p->owner, p->owned, state);
    client_state(&p->monitor, p->seen, state);
}

static void leave(struct pair *p)
{
    client_leave(&p->owner);
    client_leave(&p->monitor);
}

/* LINE_REPLY {0} and LINE_CALLINFO {bits} (0: none), in either order. */
static void reply_and_info(struct pair *p, LONG request, DWORD bits)
{
    for (int i = 0; i < (bits == 0 ? 1 : 2); i++) {
        LINEMESSAGE m = client_message(&p->owner);
        if (m.dwMessageID == LINE_REPLY) {
            assert_int_equal(m.dwParam1, request);
            assert_int_equal(m.dwParam2, 0);
        } else {
            assert_int_equal(m.dwMessageID, LINE_CALLINFO);
            assert_true(m.hDevice == p->owned);
            assert_int_equal(m.dwParam1, bits);
        }
    }
    if (bits != 0)
        client_info(&p->monitor, p->seen, bits);
}

static void success_changes_the_call_and_tells_everyone(void **state)
{
    struct world *w = *state;
    struct pair p;
    DWORD bearer, rate;
    begin(&p, w);
    LONG request = lineSetCallParams(p.owned, LINEBEARERMODE_SPEECH, 0, 48000, NULL);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_SET_CALL_PARAMS, p.id);
    assert_int_equal(c.params.bearer_mode, LINEBEARERMODE_SPEECH);
    assert_int_equal(c.params.min_rate, 0);
    assert_int_equal(c.params.max_rate, 48000);
    bearer_and_rate(p.seen, &bearer, &rate);
    assert_int_equal(bearer, LINEBEARERMODE_VOICE); /* not before it has succeeded */
    exchange_reply(&w->exchange, &c, 0, p.id);
    reply_and_info(&p, request, LINECALLINFOSTATE_BEARERMODE | LINECALLINFOSTATE_RATE);
    bearer_and_rate(p.owned, &bearer, &rate);
    assert_int_equal(bearer, LINEBEARERMODE_SPEECH);
    assert_int_equal(rate, 48000);

    const LINEDIALPARAMS dial = {.dwDigitDuration = 100};
    request = lineSetCallParams(p.owned, LINEBEARERMODE_SPEECH, 32000, 32000, &dial);
    c = exchange_command_of(&w->exchange, CF_CMD_SET_CALL_PARAMS, p.id);
    exchange_reply(&w->exchange, &c, 0, p.id);
    reply_and_info(&p, request, LINECALLINFOSTATE_RATE); /* what is different, and no more */

    request = lineSetCallParams(p.owned, LINEBEARERMODE_SPEECH, 0, 0, NULL); /* nothing is */
    c = exchange_command_of(&w->exchange, CF_CMD_SET_CALL_PARAMS, p.id);
    exchange_reply(&w->exchange, &c, 0, p.id);
    reply_and_info(&p, request, 0);
    client_nothing(&p.owner, w, 0);
    client_nothing(&p.monitor, w, 0);
    bearer_and_rate(p.seen, &bearer, &rate);
    assert_int_equal(rate, 32000);
    exchange_end(&w->exchange, p.id);
    leave(&p);
}

static void failure_changes_nothing(void **state)
{
    struct world *w = *state;
    struct pair p;
    DWORD bearer, rate;
    begin(&p, w);
    LONG request = lineSetCallParams(p.owned, LINEBEARERMODE_SPEECH, 0, 64000, NULL);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_SET_CALL_PARAMS, p.id);
    exchange_reply(&w->exchange, &c, LINEERR_RATEUNAVAIL, p.id);
    assert_error(client_reply(&p.owner, request), LINEERR_RATEUNAVAIL);
    bearer_and_rate(p.owned, &bearer, &rate);
    assert_int_equal(bearer, LINEBEARERMODE_VOICE);
    assert_int_equal(rate, 0);
    client_nothing(&p.monitor, w, 0);
    exchange_end(&w->exchange, p.id);
    leave(&p);
}

static void what_is_refused(void **state)
{
    struct world *w = *state;
    struct pair p;
    begin(&p, w);
    assert_error(lineSetCallParams(0, 0, 1, 0, NULL), LINEERR_INVALCALLHANDLE);
    assert_error(lineSetCallParams(p.owned, 0, 0, 0, NULL), LINEERR_INVALBEARERMODE);
    assert_error(lineSetCallParams(p.owned, LINEBEARERMODE_VOICE | LINEBEARERMODE_SPEECH, 0, 0, NULL),
                 LINEERR_INVALBEARERMODE);
    assert_error(lineSetCallParams(p.owned, 0x100, 0, 0, NULL), LINEERR_INVALBEARERMODE);
    assert_error(lineSetCallParams(p.owned, LINEBEARERMODE_VOICE, 2, 1, NULL), LINEERR_INVALRATE);
    assert_error(client_reply(&p.monitor, lineSetCallParams(p.seen, LINEBEARERMODE_DATA, 0, 0, NULL)),
                 LINEERR_NOTOWNER);
    assert_error(client_reply(&p.owner, lineSetCallParams(p.owned, LINEBEARERMODE_DATA, 0, 0, NULL)),
                 LINEERR_BEARERMODEUNAVAIL);
    assert_error(client_reply(&p.owner, lineSetCallParams(p.owned, LINEBEARERMODE_VOICE, 64001, 128000, NULL)),
                 LINEERR_RATEUNAVAIL);
    both_state(&p, w, LINECALLSTATE_DISCONNECTED);
    assert_error(client_reply(&p.owner, lineSetCallParams(p.owned, LINEBEARERMODE_DATA, 0, 0, NULL)),
                 LINEERR_INVALCALLSTATE); /* the state before the capability */
    both_state(&p, w, LINECALLSTATE_IDLE);
    assert_error(client_reply(&p.owner, lineSetCallParams(p.owned, LINEBEARERMODE_VOICE, 0, 0, NULL)),
                 LINEERR_INVALCALLSTATE);
    assert_false(exchange_has(&w->exchange, CF_CMD_SET_CALL_PARAMS, p.id));
    leave(&p);
}

RUN_IN_WORLD(cmocka_unit_test(success_changes_the_call_and_tells_everyone), cmocka_unit_test(failure_changes_nothing),
             cmocka_unit_test(what_is_refused))
