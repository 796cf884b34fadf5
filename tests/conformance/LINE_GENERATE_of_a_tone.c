/* lineGenerateTone: as lineGenerateDigits, with which it shares the call: digits or a tone, and a new one cancels the old. */
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

static void leave(struct pair *p, struct world *w)
{
    exchange_end(&w->exchange, p->id);
    client_leave(&p->owner);
    client_leave(&p->monitor);
}

static void generated(struct pair *p, DWORD how)
{
    LINEMESSAGE m = client_expect(&p->owner, LINE_GENERATE);
    assert_true(m.hDevice == p->owned);
    assert_int_equal(m.dwParam1, how);
}

static const LINEGENERATETONE both[3] = {{1400, 500, 0, 0xFFFF}, {2060, 500, 100, 0}, {1, 0, 0, 1}};

static void the_end_is_told_to_who_asked_alone(void **state)
{
    struct world *w = *state;
    struct pair p;
    begin(&p, w);
    assert_error(lineGenerateTone(p.owned, LINETONEMODE_CUSTOM, 1500, 2, both), 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_GENERATE_TONE, p.id);
    assert_int_equal(c.tone_mode, LINETONEMODE_CUSTOM);
    assert_int_equal(c.tone_ms, 1500);
    assert_int_equal(c.tones.bytes, 2 * sizeof both[0]);
    assert_memory_equal(c.tones.at, both, c.tones.bytes);
    client_nothing(&p.owner, w, 0);
    exchange_reply(&w->exchange, &c, 0, p.id);
    generated(&p, LINEGENERATETERM_DONE);
    assert_error(lineGenerateTone(p.owned, LINETONEMODE_BUSY, 0, 99, NULL), 0); /* its frequencies are its own */
    c = exchange_command_of(&w->exchange, CF_CMD_GENERATE_TONE, p.id);
    assert_int_equal(c.tone_mode, LINETONEMODE_BUSY);
    assert_int_equal(c.tones.bytes, 0);
    assert_error(lineGenerateDigits(p.owned, LINEDIGITMODE_DTMF, "1", 0), 0);
    struct cf_command digits = exchange_command_of(&w->exchange, CF_CMD_GENERATE_DIGITS, p.id);
    exchange_reply(&w->exchange, &c, LINEERR_OPERATIONFAILED, p.id);
    generated(&p, LINEGENERATETERM_CANCEL);
    assert_error(lineGenerateTone(p.owned, 0, 0, 0, NULL), 0); /* stops whatever is sent */
    struct cf_command stop = exchange_command_of(&w->exchange, CF_CMD_GENERATE_TONE, p.id);
    assert_true(stop.tone_mode == 0 && stop.number == 0);
    exchange_reply(&w->exchange, &digits, LINEERR_OPERATIONFAILED, p.id);
    exchange_reply(&w->exchange, &stop, 0, p.id);
    generated(&p, LINEGENERATETERM_CANCEL);
    client_nothing(&p.owner, w, 0);
    client_nothing(&p.monitor, w, 0);
    leave(&p, w);
}

static void what_is_refused(void **state)
{
    static LINEGENERATETONE many[40];
    struct world *w = *state;
    struct pair p;
    LINEGENERATETONE wrong[2] = {both[0], {0, 1, 1, 1}};
    begin(&p, w);
    for (unsigned i = 0; i < 40; i++)
        many[i] = both[0];
    assert_error(lineGenerateTone(0, LINETONEMODE_BUSY, 0, 0, NULL), LINEERR_INVALCALLHANDLE);
    assert_error(lineGenerateTone(p.owned, 3, 0, 0, NULL), LINEERR_INVALTONEMODE);
    assert_error(lineGenerateTone(p.owned, 0x20, 0, 0, NULL), LINEERR_INVALTONEMODE);
    assert_error(lineGenerateTone(p.owned, LINETONEMODE_RINGBACK, 0, 0, NULL),
                 LINEERR_INVALTONEMODE); /* not this line */
    assert_error(lineGenerateTone(p.owned, LINETONEMODE_CUSTOM, 0, 1, NULL), LINEERR_INVALPOINTER);
    assert_error(lineGenerateTone(p.owned, LINETONEMODE_CUSTOM, 0, 0, both), LINEERR_INVALTONE);
    assert_error(lineGenerateTone(p.owned, LINETONEMODE_CUSTOM, 0, 3, both),
                 LINEERR_INVALTONE); /* of this line two at most */
    assert_error(lineGenerateTone(p.owned, LINETONEMODE_CUSTOM, 0, 40, many), LINEERR_INVALTONE);
    assert_error(lineGenerateTone(p.owned, LINETONEMODE_CUSTOM, 0, 2, wrong), LINEERR_INVALTONE);
    wrong[1] = (LINEGENERATETONE){1, 1, 1, 0x10000};
    assert_error(lineGenerateTone(p.owned, LINETONEMODE_CUSTOM, 0, 2, wrong), LINEERR_INVALTONE);
    assert_error(lineGenerateTone(p.seen, LINETONEMODE_BUSY, 0, 0, NULL), LINEERR_NOTOWNER);
    exchange_end(&w->exchange, p.id);
    client_state(&p.owner, p.owned, LINECALLSTATE_DISCONNECTED);
    client_state(&p.owner, p.owned, LINECALLSTATE_IDLE);
    assert_error(lineGenerateTone(p.owned, LINETONEMODE_BUSY, 0, 0, NULL), LINEERR_INVALCALLSTATE);
    assert_error(lineGenerateTone(p.owned, 0, 0, 0, NULL), LINEERR_INVALCALLSTATE);
    assert_false(exchange_has(&w->exchange, CF_CMD_GENERATE_TONE, p.id));
    client_leave(&p.owner);
    client_leave(&p.monitor);
}

RUN_IN_WORLD(cmocka_unit_test(the_end_is_told_to_who_asked_alone), cmocka_unit_test(what_is_refused))
