/*
 * Services of an exchange from end to end: applications with the real library, callfand, and callfan-sim: parking, pickup,
 * forwarding, completion, and what goes along with a call.
 */
#define _GNU_SOURCE
#include "tests/support/conformance.h"

#include <stdio.h>

/* ctest-timeout: 240 */

#define SIM                                                                                                            \
    "applications = 8\nproviders = 4\nlines = 64\nopen_lines = 64\ncalls = 1024\nhandles = 1024\n"                     \
    "provider sim { command = \"callfan-sim\"\n lines = 4\n rate = 0\n dial_ms = 0\n setup_ms = 0\n"                   \
    "answer_ms = 0\n hold_ms = 86400000\n hold = fixed\n answer = owner\n orbits = 2\n"

static struct test_service service;

struct scene {
    struct client owner, monitor;
    HLINE owner_line, line;
};

static void begin(struct scene *s, const char *more)
{
    char configuration[1024];
    snprintf(configuration, sizeof configuration, "%s%s}\n", SIM, more);
    service_start(&service, configuration);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
    s->owner_line = client_start(&s->owner, OWNER);
    s->line = client_start(&s->monitor, MONITOR);
}

static void leave(struct scene *s)
{
    client_leave(&s->owner);
    client_leave(&s->monitor);
    service_stop(&service);
}

/* A call that the owner made; *ret_seen is the monitor's. */
static HCALL connected(struct scene *s, HCALL *ret_seen)
{
    static const DWORD states[] = {LINECALLSTATE_DIALING, LINECALLSTATE_PROCEEDING, LINECALLSTATE_RINGBACK,
                                   LINECALLSTATE_CONNECTED};
    HCALL call = 0;
    assert_error(client_reply(&s->owner, lineMakeCall(s->owner_line, &call, "100", 0, NULL)), 0);
    *ret_seen = client_new_call(&s->monitor, s->line, MONITOR, LINECALLSTATE_UNKNOWN);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        client_state(&s->owner, call, states[i]);
        client_state(&s->monitor, *ret_seen, states[i]);
    }
    return call;
}

static void a_call_is_parked_and_taken_again(void **state)
{
    (void)state;
    struct scene s;
    struct {
        VARSTRING head;
        char more[64];
    } where = {.head = {.dwTotalSize = sizeof where}};
    HCALL seen, again = 0;
    begin(&s, "");
    HCALL call = connected(&s, &seen);
    assert_error(client_reply(&s.owner, linePark(call, LINEPARKMODE_NONDIRECTED, NULL, &where.head)), 0);
    assert_string_equal((const char *)&where + where.head.dwStringOffset, "700");
    client_state(&s.owner, call, LINECALLSTATE_IDLE);
    client_state(&s.monitor, seen, LINECALLSTATE_IDLE);
    assert_error(client_reply(&s.owner, lineUnpark(s.owner_line, 0, &again, "701")), LINEERR_INVALADDRESS);
    assert_error(client_reply(&s.owner, lineUnpark(s.owner_line, 0, &again, "700")), 0);
    HCALL taken = client_new_call(&s.monitor, s.line, MONITOR, LINECALLSTATE_UNKNOWN);
    client_state(&s.owner, again, LINECALLSTATE_CONNECTED);
    client_state(&s.monitor, taken, LINECALLSTATE_CONNECTED);
    assert_int_equal(call_info(taken)->dwReason, LINECALLREASON_UNPARK);
    assert_error(client_reply(&s.owner, linePark(again, LINEPARKMODE_DIRECTED, "701", NULL)), 0);
    client_state(&s.owner, again, LINECALLSTATE_IDLE);
    client_state(&s.monitor, taken, LINECALLSTATE_IDLE);
    leave(&s);
}

static void who_parked_is_called_back(void **state)
{
    (void)state;
    struct scene s;
    HCALL seen;
    begin(&s, "park_ms = 50\n");
    HCALL call = connected(&s, &seen);
    assert_error(client_reply(&s.owner, linePark(call, LINEPARKMODE_DIRECTED, "700", NULL)), 0);
    client_state(&s.owner, call, LINECALLSTATE_IDLE);
    client_state(&s.monitor, seen, LINECALLSTATE_IDLE);
    HCALL back = client_new_call(&s.owner, s.owner_line, OWNER, LINECALLSTATE_OFFERING);
    assert_int_equal(call_info(back)->dwReason, LINECALLREASON_REMINDER);
    assert_error(client_reply(&s.owner, lineAnswer(back, NULL, 0)), 0);
    client_state(&s.owner, back, LINECALLSTATE_CONNECTED);
    leave(&s);
}

/* Opens another line than the watched one, and takes what rings there. */
static void a_ringing_call_is_picked_up(void **state)
{
    (void)state;
    struct scene s;
    struct client taker;
    HCALL mine = 0;
    begin(&s, "park_ms = 50\n");
    HCALL seen, call = connected(&s, &seen);
    assert_error(client_reply(&s.owner, linePark(call, LINEPARKMODE_DIRECTED, "700", NULL)), 0);
    client_state(&s.owner, call, LINECALLSTATE_IDLE);
    client_state(&s.monitor, seen, LINECALLSTATE_IDLE);
    HCALL rings = client_new_call(&s.owner, s.owner_line, OWNER, LINECALLSTATE_OFFERING);
    client_join(&taker);
    HLINE other = client_open(&taker, 1, OWNER);
    assert_error(client_reply(&taker, linePickup(other, 0, &mine, "203", NULL)), LINEERR_INVALADDRESS);
    assert_error(client_reply(&taker, linePickup(other, 0, &mine, NULL, "none")), LINEERR_INVALGROUPID);
    assert_error(client_reply(&taker, linePickup(other, 0, &mine, NULL, "all")), 0);
    client_state(&taker, mine, LINECALLSTATE_CONNECTED);
    assert_int_equal(call_info(mine)->dwReason, LINECALLREASON_PICKUP);
    assert_int_equal(client_state(&s.owner, rings, LINECALLSTATE_DISCONNECTED).dwParam2, LINEDISCONNECTMODE_PICKUP);
    client_state(&s.owner, rings, LINECALLSTATE_IDLE);
    client_leave(&taker);
    leave(&s);
}

struct one_entry {
    LINEFORWARDLIST head;
    char to[16];
};

/* What the line's only address forwards: so many entries, the first of them so. */
static void assert_forwards(HLINE line, DWORD entries, DWORD mode, const char *to)
{
    union {
        LINEADDRESSSTATUS head;
        char bytes[512];
    } s = {.head.dwTotalSize = sizeof s};
    assert_error(lineGetAddressStatus(line, 0, &s.head), 0);
    assert_int_equal(s.head.dwForwardNumEntries, entries);
    assert_int_equal(s.head.dwForwardSize, entries * sizeof(LINEFORWARD));
    assert_true((s.head.dwAddressFeatures & LINEADDRFEATURE_FORWARD) != 0);
    if (entries == 0)
        return;
    const LINEFORWARD *f = (const LINEFORWARD *)(const void *)(s.bytes + s.head.dwForwardOffset);
    assert_int_equal(s.head.dwNumRingsNoAnswer, 3);
    assert_int_equal(f->dwForwardMode, mode);
    assert_string_equal(s.bytes + f->dwDestAddressOffset, to);
}

/* The exchange takes the list, and says that the address has changed. The core may die meanwhile: what it knew it knows still. */
static void calls_are_forwarded(void **state)
{
    (void)state;
    struct scene s;
    HCALL consultation = 77;
    struct one_entry list = {.head = {.dwTotalSize = sizeof list,
                                      .dwNumEntries = 1,
                                      .ForwardList = {{.dwForwardMode = LINEFORWARDMODE_UNCOND,
                                                       .dwDestAddressSize = 4,
                                                       .dwDestAddressOffset = offsetof(struct one_entry, to)}}},
                             .to = "201"};
    begin(&s, "");
    assert_error(lineSetStatusMessages(s.owner_line, LINEDEVSTATE_OTHER, LINEADDRESSSTATE_FORWARD), 0);
    assert_error(client_reply(&s.owner, lineForward(s.owner_line, 0, 0, &list.head, 3, &consultation, NULL)), 0);
    assert_int_equal(consultation, 0);
    assert_int_equal(client_expect(&s.owner, LINE_ADDRESSSTATE).dwParam2, LINEADDRESSSTATE_FORWARD);
    assert_forwards(s.line, 1, LINEFORWARDMODE_UNCOND, "201");
    service_kill_core(&service);
    assert_forwards(s.line, 1, LINEFORWARDMODE_UNCOND, "201");
    list.head.ForwardList[0].dwForwardMode = LINEFORWARDMODE_UNCONDSPECIFIC; /* it does not ask who calls */
    assert_error(client_reply(&s.owner, lineForward(s.owner_line, 0, 0, &list.head, 3, &consultation, NULL)), LINEERR_INVALPARAM);
    assert_forwards(s.owner_line, 1, LINEFORWARDMODE_UNCOND, "201");
    list.head.ForwardList[0].dwForwardMode = LINEFORWARDMODE_BUSYNA;
    assert_error(client_reply(&s.owner, lineForward(s.owner_line, 1, 0, &list.head, 3, &consultation, NULL)), 0);
    assert_int_equal(client_expect(&s.owner, LINE_ADDRESSSTATE).dwParam2, LINEADDRESSSTATE_FORWARD);
    assert_forwards(s.line, 1, LINEFORWARDMODE_BUSYNA, "201");
    assert_error(client_reply(&s.owner, lineForward(s.owner_line, 0, 0, NULL, 3, &consultation, NULL)), 0);
    assert_int_equal(client_expect(&s.owner, LINE_ADDRESSSTATE).dwParam2, LINEADDRESSSTATE_FORWARD);
    assert_forwards(s.line, 0, 0, NULL);
    leave(&s);
}

static void a_busy_set_is_called_back_when_it_is_free(void **state)
{
    (void)state;
    struct scene s;
    HCALL call = 0;
    DWORD id = 0, other = 0;
    begin(&s, "dial = {\"2=busy\"}\n linger_ms = 3600000\n free_ms = 50\n completions = 1\n");
    assert_error(client_reply(&s.owner, lineMakeCall(s.owner_line, &call, "222", 0, NULL)), 0);
    client_state(&s.owner, call, LINECALLSTATE_DIALING);
    client_state(&s.owner, call, LINECALLSTATE_PROCEEDING);
    client_state(&s.owner, call, LINECALLSTATE_BUSY);
    assert_error(client_reply(&s.owner, lineCompleteCall(call, &other, LINECALLCOMPLMODE_CAMPON, 0)), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, lineCompleteCall(call, &id, LINECALLCOMPLMODE_CALLBACK, 0)), 0);
    client_state(&s.owner, call, LINECALLSTATE_IDLE);
    HCALL back = client_new_call(&s.owner, s.owner_line, OWNER, LINECALLSTATE_OFFERING);
    assert_int_equal(call_info(back)->dwReason, LINECALLREASON_CALLCOMPLETION);
    assert_int_equal(call_info(back)->dwCompletionID, id);
    assert_error(client_reply(&s.owner, lineUncompleteCall(s.owner_line, id)), LINEERR_INVALCOMPLETIONID);
    assert_error(client_reply(&s.owner, lineAnswer(back, NULL, 0)), 0);
    client_state(&s.owner, back, LINECALLSTATE_CONNECTED);
    leave(&s);
}

static void data_and_treatment_are_told(void **state)
{
    (void)state;
    struct scene s;
    HCALL seen;
    begin(&s, "");
    HCALL call = connected(&s, &seen);
    LONG request = lineSetCallData(call, (char[]){"abc"}, 3);
    client_info(&s.owner, call, LINECALLINFOSTATE_CALLDATA);
    client_info(&s.monitor, seen, LINECALLINFOSTATE_CALLDATA);
    assert_error(client_reply(&s.owner, request), 0);
    const LINECALLINFO *info = call_info(seen);
    assert_int_equal(info->dwCallDataSize, 3);
    assert_memory_equal((const char *)info + info->dwCallDataOffset, "abc", 3);
    request = lineSetCallTreatment(call, LINECALLTREATMENT_MUSIC);
    client_info(&s.owner, call, LINECALLINFOSTATE_TREATMENT);
    client_info(&s.monitor, seen, LINECALLINFOSTATE_TREATMENT);
    assert_error(client_reply(&s.owner, request), 0);
    assert_int_equal(call_info(seen)->dwCallTreatment, LINECALLTREATMENT_MUSIC);
    assert_error(client_reply(&s.owner, lineSendUserUserInfo(call, "hello", 5)), 0);
    assert_error(client_reply(&s.owner, lineReleaseUserUserInfo(call)), 0);
    assert_error(client_reply(&s.owner, lineSecureCall(call)), 0);
    leave(&s);
}

static void a_line_without_groups_takes_none(void **state)
{
    (void)state;
    struct scene s;
    HCALL mine = 0;
    begin(&s, "without = {\"pickupgroup\"}\n");
    assert_error(client_reply(&s.owner, linePickup(s.owner_line, 0, &mine, NULL, "all")), LINEERR_INVALGROUPID);
    assert_error(client_reply(&s.owner, linePickup(s.owner_line, 0, &mine, NULL, NULL)), LINEERR_OPERATIONFAILED);
    leave(&s);
}

static void specific(struct client *c, uint64_t device, DWORD bytes, DWORD first, DWORD second)
{
    LINEMESSAGE m = client_expect(c, LINE_DEVSPECIFIC);
    assert_true(m.hDevice == device && m.dwCallbackInstance == c->instance);
    assert_int_equal(m.dwParam1, bytes);
    assert_int_equal(m.dwParam2, first);
    assert_int_equal(m.dwParam3, second);
}

/* lineDevSpecific is tried without a switch: its bytes come back, and everybody hears of them. */
static void device_specific_bytes_are_seen_to_have_been_there(void **state)
{
    (void)state;
    struct scene s;
    HCALL seen;
    char bytes[64] = "ask 1\xFFz", longer[60], back[60];
    begin(&s, "");
    HCALL call = connected(&s, &seen);
    assert_error(client_reply(&s.owner, lineDevSpecific(s.owner_line, 0, call, bytes, 7)), 0);
    assert_memory_equal(bytes, "ASK 1\xFFZ\0", 8);
    specific(&s.owner, call, 7, 0x206B7361, 0x007AFF31); /* "ask " and "1", 0xFF, "z" */
    specific(&s.monitor, seen, 7, 0x206B7361, 0x007AFF31);
    memset(longer, 'x', sizeof longer);
    memset(back, 'X', 51); /* as many as a LINE_REPLY brings */
    memset(back + 51, 'x', sizeof back - 51);
    assert_error(client_reply(&s.owner, lineDevSpecific(s.owner_line, 0, 0, longer, sizeof longer)), 0);
    assert_memory_equal(longer, back, sizeof back);
    specific(&s.owner, s.owner_line, sizeof longer, 0x78787878, 0x78787878);
    specific(&s.monitor, s.line, sizeof longer, 0x78787878, 0x78787878);
    assert_error(client_reply(&s.monitor, lineDevSpecific(s.line, 0, 0, NULL, 0)), 0);
    specific(&s.owner, s.owner_line, 0, 0, 0);
    specific(&s.monitor, s.line, 0, 0, 0);
    assert_error(client_reply(&s.owner, lineDrop(call, NULL, 0)), 0);
    client_state(&s.owner, call, LINECALLSTATE_IDLE);
    assert_error(client_reply(&s.owner, lineDevSpecific(s.owner_line, 0, call, bytes, 1)), LINEERR_INVALCALLSTATE);
    leave(&s);
}

static void lines_say_beforehand_what_they_can_do(void **state)
{
    (void)state;
    struct scene s;
    LINEADDRESSCAPS caps = {.dwTotalSize = sizeof caps};
    const DWORD features = LINEADDRFEATURE_FORWARD | LINEADDRFEATURE_PICKUP | LINEADDRFEATURE_UNPARK | LINEADDRFEATURE_UNCOMPLETECALL;
    const DWORD operations = LINECALLFEATURE_PARK | LINECALLFEATURE_COMPLETECALL | LINECALLFEATURE_SETCALLDATA |
                             LINECALLFEATURE_SETTREATMENT | LINECALLFEATURE_SENDUSERUSER;
    begin(&s, "completions = 7\n");
    assert_error(lineGetAddressCaps(s.owner.app, 0, 0, TAPI_CURRENT_VERSION, 0, &caps), 0);
    assert_int_equal(caps.dwAddressFeatures & features, features);
    assert_int_equal(caps.dwCallFeatures & operations, operations);
    assert_int_equal(caps.dwParkModes, LINEPARKMODE_DIRECTED | LINEPARKMODE_NONDIRECTED);
    assert_int_equal(caps.dwMaxForwardEntries, 3);
    assert_int_equal(caps.dwMaxFwdNumRings, 20);
    assert_int_equal(caps.dwMaxCallCompletions, 7);
    assert_int_equal(caps.dwCallCompletionModes, LINECALLCOMPLMODE_CALLBACK);
    leave(&s);
}

static void lines_without_it_refuse(void **state)
{
    (void)state;
    struct scene s;
    HCALL seen, again = 0;
    begin(&s, "without = {\"park\", \"unpark\", \"pickup\", \"forward\", \"completecall\", \"uncompletecall\", "
              "\"senduseruser\", \"releaseuseruser\", \"setcalldata\", \"settreatment\", \"devspecific\"}\n");
    HCALL call = connected(&s, &seen);
    assert_int_equal(call_features(call) & LINECALLFEATURE_PARK, 0);
    assert_error(client_reply(&s.owner, linePark(call, LINEPARKMODE_DIRECTED, "700", NULL)), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, lineUnpark(s.owner_line, 0, &again, "700")), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, linePickup(s.owner_line, 0, &again, NULL, NULL)), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, lineForward(s.owner_line, 0, 0, NULL, 3, &again, NULL)), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, lineUncompleteCall(s.owner_line, 1)), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, lineSendUserUserInfo(call, "hello", 5)), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, lineReleaseUserUserInfo(call)), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, lineSetCallData(call, NULL, 0)), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, lineSetCallTreatment(call, LINECALLTREATMENT_MUSIC)), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, lineDevSpecific(s.owner_line, 0, 0, NULL, 0)), LINEERR_OPERATIONUNAVAIL);
    leave(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_parked_and_taken_again),
        cmocka_unit_test(who_parked_is_called_back),
        cmocka_unit_test(a_ringing_call_is_picked_up),
        cmocka_unit_test(calls_are_forwarded),
        cmocka_unit_test(a_busy_set_is_called_back_when_it_is_free),
        cmocka_unit_test(data_and_treatment_are_told),
        cmocka_unit_test(a_line_without_groups_takes_none),
        cmocka_unit_test(device_specific_bytes_are_seen_to_have_been_there),
        cmocka_unit_test(lines_say_beforehand_what_they_can_do),
        cmocka_unit_test(lines_without_it_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
