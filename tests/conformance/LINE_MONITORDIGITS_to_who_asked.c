/*
 * lineMonitorDigits and lineMonitorMedia: any privilege; each handle hears what it asked for and no more; the provider is asked for what
 * anybody wants, and everyone with a handle learns what that is (M-50). Of a conference its own call is heard (5.7).
 */
#include "tests/support/conformance.h"

struct pair {
    struct client owner, monitor;
    HLINE owner_line, line;
    HCALL owned, seen;
    uint64_t id;
};

static void begin(struct pair *p, struct world *w)
{
    p->owner_line = client_start(&p->owner, OWNER);
    p->line = client_start(&p->monitor, MONITOR);
    p->id = exchange_call(&w->exchange, 0, LINECALLSTATE_CONNECTED, "1", "2");
    p->seen = client_new_call(&p->monitor, p->line, MONITOR, LINECALLSTATE_CONNECTED);
    /* Connected already, so nobody is offered it: the owner fetches it. */
    struct {
        LINECALLLIST head;
        HCALL calls[4];
    } list = {.head = {.dwTotalSize = sizeof list}};
    assert_error(lineGetNewCalls(p->owner_line, 0, LINECALLSELECT_LINE, &list.head), 0);
    assert_int_equal(list.head.dwCallsNumEntries, 1);
    p->owned = list.calls[0];
    client_info(&p->monitor, p->seen, LINECALLINFOSTATE_NUMMONITORS);
    assert_error(lineSetCallPrivilege(p->owned, OWNER), 0);
    client_info(&p->monitor, p->seen, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
}

static void leave(struct pair *p, struct world *w)
{
    exchange_end(&w->exchange, p->id);
    client_leave(&p->owner);
    client_leave(&p->monitor);
}

static void modes(struct pair *p, DWORD digits, DWORD media)
{
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    client_info(&p->owner, p->owned, LINECALLINFOSTATE_MONITORMODES);
    client_info(&p->monitor, p->seen, LINECALLINFOSTATE_MONITORMODES);
    assert_error(lineGetCallInfo(p->seen, &info), 0);
    assert_int_equal(info.dwMonitorDigitModes, digits);
    assert_int_equal(info.dwMonitorMediaModes, media);
}

static void heard(struct client *c, DWORD id, HCALL call, DWORD what, DWORD detail)
{
    LINEMESSAGE m = client_expect(c, id);
    assert_true(m.hDevice == call);
    assert_true(m.dwCallbackInstance == c->instance);
    assert_int_equal(m.dwParam1, what);
    assert_int_equal(m.dwParam2, detail);
    uint32_t age_ms = (uint32_t)(cf_clock_ns() / CF_NS_PER_MS) - (uint32_t)m.dwParam3;
    assert_true(m.dwParam3 <= UINT32_MAX && age_ms < 60000);
}

static void digits_go_to_who_asked_for_their_mode(void **state)
{
    struct world *w = *state;
    struct pair p;
    begin(&p, w);
    exchange_hears(&w->exchange, p.id, CF_EV_DIGIT, '1', LINEDIGITMODE_DTMF); /* nobody listens */
    client_nothing(&p.owner, w, 0);
    assert_error(lineMonitorDigits(p.seen, LINEDIGITMODE_DTMF), 0);
    assert_int_equal(exchange_command_of(&w->exchange, CF_CMD_MONITOR_DIGITS, p.id).digit_mode, LINEDIGITMODE_DTMF);
    modes(&p, LINEDIGITMODE_DTMF, 0);
    exchange_hears(&w->exchange, p.id, CF_EV_DIGIT, '#', LINEDIGITMODE_DTMF);
    exchange_hears(&w->exchange, p.id, CF_EV_DIGIT, '#', LINEDIGITMODE_DTMFEND);
    heard(&p.monitor, LINE_MONITORDIGITS, p.seen, '#', LINEDIGITMODE_DTMF);
    client_nothing(&p.monitor, w, 0);
    client_nothing(&p.owner, w, 0);
    assert_error(lineMonitorDigits(p.owned, LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND), 0);
    assert_int_equal(exchange_command_of(&w->exchange, CF_CMD_MONITOR_DIGITS, p.id).digit_mode,
                     LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND);
    modes(&p, LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND, 0);
    exchange_hears(&w->exchange, p.id, CF_EV_DIGIT, 'D', LINEDIGITMODE_DTMF);
    exchange_hears(&w->exchange, p.id, CF_EV_DIGIT, 'D', LINEDIGITMODE_DTMFEND);
    heard(&p.owner, LINE_MONITORDIGITS, p.owned, 'D', LINEDIGITMODE_DTMF);
    heard(&p.owner, LINE_MONITORDIGITS, p.owned, 'D', LINEDIGITMODE_DTMFEND);
    heard(&p.monitor, LINE_MONITORDIGITS, p.seen, 'D', LINEDIGITMODE_DTMF);
    assert_error(lineMonitorDigits(p.seen, 0), 0); /* what anybody wants stays the same: nothing to tell */
    assert_error(lineMonitorDigits(p.owned, LINEDIGITMODE_DTMFEND), 0);
    assert_int_equal(exchange_command_of(&w->exchange, CF_CMD_MONITOR_DIGITS, p.id).digit_mode, LINEDIGITMODE_DTMFEND);
    modes(&p, LINEDIGITMODE_DTMFEND, 0);
    exchange_hears(&w->exchange, p.id, CF_EV_DIGIT, '0', LINEDIGITMODE_DTMF);
    exchange_hears(&w->exchange, p.id, CF_EV_DIGIT, '0', LINEDIGITMODE_DTMFEND);
    heard(&p.owner, LINE_MONITORDIGITS, p.owned, '0', LINEDIGITMODE_DTMFEND);
    client_nothing(&p.owner, w, 0);
    client_nothing(&p.monitor, w, 0);
    leave(&p, w);
}

static void media_go_to_who_asked_for_them(void **state)
{
    struct world *w = *state;
    struct pair p;
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    begin(&p, w);
    assert_error(lineMonitorMedia(p.owned, LINEMEDIAMODE_G3FAX | LINEMEDIAMODE_DATAMODEM), 0);
    assert_int_equal(exchange_command_of(&w->exchange, CF_CMD_MONITOR_MEDIA, p.id).media_modes,
                     LINEMEDIAMODE_G3FAX | LINEMEDIAMODE_DATAMODEM);
    modes(&p, 0, LINEMEDIAMODE_G3FAX | LINEMEDIAMODE_DATAMODEM);
    exchange_hears(&w->exchange, p.id, CF_EV_MEDIA, LINEMEDIAMODE_TDD, 0);
    exchange_hears(&w->exchange, p.id, CF_EV_MEDIA, LINEMEDIAMODE_G3FAX, 0);
    heard(&p.owner, LINE_MONITORMEDIA, p.owned, LINEMEDIAMODE_G3FAX, 0);
    client_nothing(&p.owner, w, 0);
    client_nothing(&p.monitor, w, 0);
    assert_error(lineGetCallInfo(p.owned, &info), 0);
    assert_int_equal(info.dwMediaMode, LINEMEDIAMODE_INTERACTIVEVOICE); /* not changed by what was heard */
    assert_error(lineMonitorMedia(p.owned, 0), 0);
    assert_int_equal(exchange_command_of(&w->exchange, CF_CMD_MONITOR_MEDIA, p.id).media_modes, 0);
    modes(&p, 0, 0);
    leave(&p, w);
}

static void monitors_see_that_they_may(void **state)
{
    struct world *w = *state;
    struct pair p;
    const DWORD may = LINECALLFEATURE_MONITORDIGITS | LINECALLFEATURE_MONITORMEDIA | LINECALLFEATURE_MONITORTONES;
    LINEDEVCAPS caps = {.dwTotalSize = sizeof caps};
    begin(&p, w);
    assert_int_equal(call_features(p.seen), may);
    assert_int_equal(call_features(p.owned) & may, may);
    assert_error(lineGetDevCaps(p.owner.app, 0, CF_TAPI_VERSION_2_2, 0, &caps), 0);
    assert_int_equal(caps.dwMonitorDigitModes, LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND);
    assert_int_equal(caps.dwMonitorToneMaxNumFreq, 2);
    assert_int_equal(caps.dwMonitorToneMaxNumEntries, 3);
    assert_int_equal(caps.dwGatherDigitsMinTimeout, 100);
    assert_int_equal(caps.dwGatherDigitsMaxTimeout, 60000);
    assert_int_equal(caps.dwGenerateToneModes, LINETONEMODE_CUSTOM | LINETONEMODE_BUSY | LINETONEMODE_BEEP);
    assert_int_equal(caps.dwGenerateToneMaxNumFreq, 2);
    leave(&p, w);
}

static void what_cannot_be_listened_for(void **state)
{
    struct world *w = *state;
    struct pair p;
    begin(&p, w);
    assert_error(lineMonitorDigits(0, LINEDIGITMODE_DTMF), LINEERR_INVALCALLHANDLE);
    assert_error(lineMonitorMedia(0, 0), LINEERR_INVALCALLHANDLE);
    assert_error(lineMonitorDigits(p.seen, 8), LINEERR_INVALDIGITMODE);
    assert_error(lineMonitorDigits(p.seen, LINEDIGITMODE_PULSE), LINEERR_INVALDIGITMODE); /* not this line */
    assert_error(lineMonitorMedia(p.seen, 1), LINEERR_INVALMEDIAMODE);
    assert_error(lineMonitorMedia(p.seen, 0x10000), LINEERR_INVALMEDIAMODE);
    exchange_state(&w->exchange, p.id, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL);
    client_state(&p.monitor, p.seen, LINECALLSTATE_DISCONNECTED);
    assert_error(lineMonitorDigits(p.seen, LINEDIGITMODE_DTMF), LINEERR_INVALCALLSTATE);
    assert_error(lineMonitorMedia(p.seen, LINEMEDIAMODE_G3FAX), 0);
    exchange_command_of(&w->exchange, CF_CMD_MONITOR_MEDIA, p.id);
    client_info(&p.monitor, p.seen, LINECALLINFOSTATE_MONITORMODES);
    exchange_state(&w->exchange, p.id, LINECALLSTATE_IDLE, 0);
    client_state(&p.monitor, p.seen, LINECALLSTATE_IDLE);
    assert_error(lineMonitorDigits(p.seen, 0), LINEERR_INVALCALLSTATE);
    assert_error(lineMonitorMedia(p.seen, LINEMEDIAMODE_G3FAX), LINEERR_INVALCALLSTATE);
    assert_false(exchange_has(&w->exchange, CF_CMD_MONITOR_DIGITS, p.id));
    client_leave(&p.owner);
    client_leave(&p.monitor);
}

static void of_a_conference_its_own_call_is_heard(void **state)
{
    struct world *w = *state;
    struct client c;
    HLINE line = client_start(&c, MONITOR);
    uint64_t parent = exchange_call(&w->exchange, 0, LINECALLSTATE_CONNECTED, "9", "9");
    uint64_t member = exchange_call(&w->exchange, 0, LINECALLSTATE_CONNECTED, "1", "2");
    HCALL parent_seen = client_new_call(&c, line, MONITOR, LINECALLSTATE_CONNECTED);
    HCALL member_seen = client_new_call(&c, line, MONITOR, LINECALLSTATE_CONNECTED);
    assert_error(lineMonitorDigits(member_seen, LINEDIGITMODE_DTMF), 0);
    client_info(&c, member_seen, LINECALLINFOSTATE_MONITORMODES);
    exchange_conferenced(&w->exchange, member, parent);
    client_state(&c, member_seen, LINECALLSTATE_CONFERENCED);
    assert_error(lineMonitorDigits(parent_seen, LINEDIGITMODE_DTMF), 0);
    client_info(&c, parent_seen, LINECALLINFOSTATE_MONITORMODES);
    exchange_hears(&w->exchange, member, CF_EV_DIGIT, '1', LINEDIGITMODE_DTMF);
    exchange_hears(&w->exchange, parent, CF_EV_DIGIT, '2', LINEDIGITMODE_DTMF);
    heard(&c, LINE_MONITORDIGITS, parent_seen, '2', LINEDIGITMODE_DTMF);
    exchange_state(&w->exchange, member, LINECALLSTATE_CONNECTED, 0); /* it leaves the conference and is heard again */
    client_state(&c, member_seen, LINECALLSTATE_CONNECTED);
    exchange_hears(&w->exchange, member, CF_EV_DIGIT, '3', LINEDIGITMODE_DTMF);
    heard(&c, LINE_MONITORDIGITS, member_seen, '3', LINEDIGITMODE_DTMF);
    exchange_end(&w->exchange, member);
    exchange_end(&w->exchange, parent);
    client_leave(&c);
}

RUN_IN_WORLD(cmocka_unit_test(digits_go_to_who_asked_for_their_mode), cmocka_unit_test(media_go_to_who_asked_for_them),
             cmocka_unit_test(monitors_see_that_they_may), cmocka_unit_test(what_cannot_be_listened_for),
             cmocka_unit_test(of_a_conference_its_own_call_is_heard))
