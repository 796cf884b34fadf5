/*
 * Each service of a call (5.9): who may ask, in which states, on which lines; and what becomes of it when who asked, his line or the provider
 * goes before the answer. The order of errors is G-21's.
 */
#include "tests/support/conformance.h"

static DWORD number;
static char room[256];

static LONG dial(HCALL call) { return lineDial(call, "1", 0); }
static LONG redirect(HCALL call) { return lineRedirect(call, "1", 0); }
static LONG send_user_user(HCALL call) { return lineSendUserUserInfo(call, "x", 1); }
static LONG set_data(HCALL call) { return lineSetCallData(call, "x", 1); }
static LONG treat(HCALL call) { return lineSetCallTreatment(call, LINECALLTREATMENT_MUSIC); }
static LONG park(HCALL call) { return linePark(call, LINEPARKMODE_DIRECTED, "7", NULL); }
static LONG complete(HCALL call) { return lineCompleteCall(call, &number, LINECALLCOMPLMODE_CAMPON, 0); }

static const struct service {
    const char *name;
    LONG (*ask)(HCALL call);
    DWORD right, wrong; /* a state in which it is allowed, one in which not */
    DWORD feature;
    uint16_t command;
} services[] = {
    {"lineDial", dial, LINECALLSTATE_DIALTONE, LINECALLSTATE_CONNECTED, LINECALLFEATURE_DIAL, CF_CMD_DIAL},
    {"lineRedirect", redirect, LINECALLSTATE_OFFERING, LINECALLSTATE_ACCEPTED, LINECALLFEATURE_REDIRECT, CF_CMD_REDIRECT},
    {"lineSecureCall", lineSecureCall, LINECALLSTATE_RINGBACK, LINECALLSTATE_IDLE, LINECALLFEATURE_SECURECALL, CF_CMD_SECURE_CALL},
    {"lineSendUserUserInfo", send_user_user, LINECALLSTATE_ACCEPTED, LINECALLSTATE_DISCONNECTED, LINECALLFEATURE_SENDUSERUSER,
     CF_CMD_SEND_USER_USER},
    {"lineReleaseUserUserInfo", lineReleaseUserUserInfo, LINECALLSTATE_DISCONNECTED, LINECALLSTATE_IDLE,
     LINECALLFEATURE_RELEASEUSERUSERINFO, CF_CMD_RELEASE_USER_USER},
    {"lineSetCallData", set_data, LINECALLSTATE_CONNECTED, LINECALLSTATE_IDLE, LINECALLFEATURE_SETCALLDATA, CF_CMD_SET_CALL_DATA},
    {"lineSetCallTreatment", treat, LINECALLSTATE_ONHOLD, LINECALLSTATE_IDLE, LINECALLFEATURE_SETTREATMENT, CF_CMD_SET_CALL_TREATMENT},
    {"linePark", park, LINECALLSTATE_CONNECTED, LINECALLSTATE_ONHOLD, LINECALLFEATURE_PARK, CF_CMD_PARK},
    {"lineCompleteCall", complete, LINECALLSTATE_BUSY, LINECALLSTATE_CONNECTED, LINECALLFEATURE_COMPLETECALL, CF_CMD_COMPLETE_CALL},
};
enum { SERVICES = sizeof services / sizeof services[0] };

static void only_an_owner_in_a_right_state(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < SERVICES; i++) {
        const struct service *s = &services[i];
        struct watched t;
        watched_begin(&t, w, 0, s->right);
        assert_int_equal(call_features(t.owned) & s->feature, s->feature);
        assert_int_equal(call_features(t.seen) & s->feature, 0);
        assert_error(client_reply(&t.monitor, s->ask(t.seen)), LINEERR_NOTOWNER);
        watched_state(&t, w, s->wrong, 0);
        assert_int_equal(call_features(t.owned) & s->feature, 0);
        assert_error(client_reply(&t.owner, s->ask(t.owned)), LINEERR_INVALCALLSTATE);
        assert_error(client_reply(&t.monitor, s->ask(t.seen)), LINEERR_NOTOWNER); /* before the state */
        assert_false(exchange_has(&w->exchange, s->command, t.id));
        assert_error(s->ask(0), LINEERR_INVALCALLHANDLE);
        assert_error(s->ask(t.line), LINEERR_INVALCALLHANDLE);
        assert_error(lineDeallocateCall(t.seen), 0);
        assert_error(s->ask(t.seen), LINEERR_INVALCALLHANDLE);
        if (s->wrong != LINECALLSTATE_IDLE)
            exchange_end(&w->exchange, t.id);
        watched_leave(&t);
    }
}

static void a_line_that_cannot_says_so(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < SERVICES; i++) {
        struct watched t;
        watched_begin(&t, w, EXCHANGE_PLAIN_LINE, services[i].right);
        assert_int_equal(call_features(t.owned) & services[i].feature, 0);
        assert_error(client_reply(&t.owner, services[i].ask(t.owned)), LINEERR_OPERATIONUNAVAIL);
        exchange_end(&w->exchange, t.id);
        watched_leave(&t);
    }
}

static void what_the_provider_says_is_told(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < SERVICES; i++) {
        struct watched t;
        watched_begin(&t, w, 0, services[i].right);
        LONG request = services[i].ask(t.owned);
        struct cf_command command = exchange_command_of(&w->exchange, services[i].command, t.id);
        LONG second = services[i].ask(t.owned); /* while the first is on its way */
        struct cf_command other = exchange_command_of(&w->exchange, services[i].command, t.id);
        client_nothing(&t.owner, w, 0);
        exchange_reply(&w->exchange, &other, LINEERR_RESOURCEUNAVAIL, t.id);
        assert_error(client_reply(&t.owner, second), LINEERR_RESOURCEUNAVAIL);
        exchange_reply(&w->exchange, &command, 0, t.id);
        assert_error(client_reply(&t.owner, request), 0);
        client_nothing(&t.monitor, w, 0); /* a reply is nobody else's */
        exchange_end(&w->exchange, t.id);
        watched_leave(&t);
    }
}

static void who_asked_closes_his_line(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < SERVICES; i++) {
        struct watched t;
        watched_begin(&t, w, 0, services[i].right);
        assert_true(services[i].ask(t.owned) > 0);
        struct cf_command command = exchange_command_of(&w->exchange, services[i].command, t.id);
        HLINE again = client_open(&t.owner, 0, NOTHING);
        assert_error(lineClose(t.owner_line), 0);
        assert_error(services[i].ask(t.owned), LINEERR_INVALCALLHANDLE);
        exchange_reply(&w->exchange, &command, 0, t.id);
        client_nothing(&t.owner, w, 0); /* H-62 */
        assert_error(lineClose(again), 0);
        exchange_end(&w->exchange, t.id);
        watched_leave(&t);
    }
}

static void who_asked_is_gone(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < SERVICES; i++) {
        struct watched t;
        watched_begin(&t, w, 0, services[i].right);
        assert_true(services[i].ask(t.owned) > 0);
        struct cf_command command = exchange_command_of(&w->exchange, services[i].command, t.id);
        client_leave(&t.owner);
        struct cf_command drop = exchange_command_of(&w->exchange, CF_CMD_DROP, t.id);
        exchange_reply(&w->exchange, &drop, 0, t.id);
        exchange_reply_text(&w->exchange, &command, "nobody's");
        client_info(&t.monitor, t.seen, LINECALLINFOSTATE_NUMOWNERDECR);
        client_nothing(&t.monitor, w, 0);
        exchange_end(&w->exchange, t.id);
        client_leave(&t.monitor);
    }
}

static void the_provider_dies(void **state)
{
    struct world *w = *state;
    struct watched t;
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    VARSTRING *string = (VARSTRING *)room;
    string->dwTotalSize = sizeof room;
    LONG request = linePark(t.owned, LINEPARKMODE_NONDIRECTED, NULL, string);
    exchange_command_of(&w->exchange, CF_CMD_PARK, t.id);
    exchange_detach(&w->exchange);
    bool replied = false, closed = false;
    while (!replied || !closed) {
        LINEMESSAGE m = client_message(&t.owner);
        replied |= m.dwMessageID == LINE_REPLY && m.dwParam1 == (DWORD_PTR)request && (LONG)m.dwParam2 == LINEERR_OPERATIONFAILED;
        closed |= m.dwMessageID == LINE_CLOSE;
        if (m.dwMessageID == LINE_CLOSE)
            assert_true(replied); /* its line lived still */
    }
    watched_leave(&t);
    exchange_attach(&w->exchange, WORLD_LINES);
}

RUN_IN_WORLD(cmocka_unit_test(only_an_owner_in_a_right_state), cmocka_unit_test(a_line_that_cannot_says_so),
             cmocka_unit_test(what_the_provider_says_is_told), cmocka_unit_test(who_asked_closes_his_line),
             cmocka_unit_test(who_asked_is_gone), cmocka_unit_test(the_provider_dies))
