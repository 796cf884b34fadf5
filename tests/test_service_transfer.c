/*
 * Transfers and conferences from end to end: applications with the real library, callfand, and callfan-sim as the exchange. An owner acts, a
 * monitor watches, and each is told exactly what it should be.
 */
#define _GNU_SOURCE
#include "tests/support/conformance.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/state_place.h"

/* ctest-timeout: 240 */

/* Every call is answered at once and goes on until somebody ends it; 2... is busy. */
#define LIMITS "applications = 8\nproviders = 4\nlines = 64\nopen_lines = 64\ncalls = 1024\nhandles = 1024\n"
#define SIM                                                                                                            \
    LIMITS "provider sim { command = \"callfan-sim\"\n lines = 4\n rate = 0\n dial_ms = 0\n setup_ms = 0\n"            \
           "answer_ms = 0\n linger_ms = 3600000\n hold_ms = 86400000\n hold = fixed\n"                                 \
           "dial = {\"2=busy\", \"5=blocked\"}\n conference_max = 4\n"

enum { PATIENCE_MS = 30000, PATIENCE_ROUNDS = 3000 };

static struct test_service service;

struct scene {
    struct client owner, monitor;
    HLINE owner_line, line;
};

/* A call as the two see it. */
struct pair {
    HCALL owned, seen;
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

static void both(struct scene *s, struct pair call, DWORD state)
{
    client_state(&s->owner, call.owned, state);
    client_state(&s->monitor, call.seen, state);
}

static void conferenced(struct scene *s, struct pair call, struct pair conference)
{
    assert_true(client_state(&s->owner, call.owned, LINECALLSTATE_CONFERENCED).dwParam2 == conference.owned);
    assert_true(client_state(&s->monitor, call.seen, LINECALLSTATE_CONFERENCED).dwParam2 == conference.seen);
}

static void answered(struct scene *s, struct pair call)
{
    static const DWORD states[] = {LINECALLSTATE_DIALING, LINECALLSTATE_PROCEEDING, LINECALLSTATE_RINGBACK,
                                   LINECALLSTATE_CONNECTED};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        both(s, call, states[i]);
}

static void busy(struct scene *s, struct pair call)
{
    both(s, call, LINECALLSTATE_DIALING);
    both(s, call, LINECALLSTATE_PROCEEDING);
    both(s, call, LINECALLSTATE_BUSY);
}

static HCALL told(struct scene *s)
{
    return client_new_call(&s->monitor, s->line, MONITOR, LINECALLSTATE_UNKNOWN);
}

static struct pair connected(struct scene *s)
{
    struct pair call = {0};
    LONG request = lineMakeCall(s->owner_line, &call.owned, "100", 0, NULL);
    assert_error(client_reply(&s->owner, request), 0);
    call.seen = told(s);
    answered(s, call);
    return call;
}

/* LINECALLPARAMS that have the number dialled at once. */
struct one_step {
    LINECALLPARAMS params;
    char target[16];
};

static const LINECALLPARAMS *to(struct one_step *o, const char *target)
{
    *o = (struct one_step){.params = {.dwTotalSize = sizeof *o,
                                      .dwBearerMode = LINEBEARERMODE_VOICE,
                                      .dwMediaMode = LINEMEDIAMODE_INTERACTIVEVOICE,
                                      .dwCallParamFlags = LINECALLPARAMFLAGS_ONESTEPTRANSFER,
                                      .dwTargetAddressSize = (DWORD)strlen(target) + 1,
                                      .dwTargetAddressOffset = offsetof(struct one_step, target)}};
    snprintf(o->target, sizeof o->target, "%s", target);
    return &o->params;
}

static struct pair consult(struct scene *s, struct pair call, const char *target)
{
    struct one_step o;
    struct pair consultation = {0};
    LONG request = lineSetupTransfer(call.owned, &consultation.owned, to(&o, target));
    assert_error(client_reply(&s->owner, request), 0);
    consultation.seen = told(s);
    both(s, call, LINECALLSTATE_ONHOLDPENDTRANSFER);
    both(s, consultation, LINECALLSTATE_DIALTONE);
    return consultation;
}

static void ok(struct scene *s, LONG request)
{
    assert_error(client_reply(&s->owner, request), 0);
}

static void drop(struct scene *s, struct pair call)
{
    ok(s, lineDrop(call.owned, NULL, 0));
    both(s, call, LINECALLSTATE_IDLE);
}

struct list {
    LINECALLLIST head;
    HCALL calls[8];
};

static DWORD related(HCALL call, struct list *list)
{
    *list = (struct list){.head.dwTotalSize = sizeof *list};
    LONG error = lineGetConfRelatedCalls(call, &list->head);
    if (error != LINEERR_NOCONFERENCE)
        assert_error(error, 0);
    return error == 0 ? list->head.dwCallsNumEntries : 0;
}

/* ------------------------------------------------------------------ transfer */

static void an_attended_transfer_with_a_swap(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, "");
    struct pair call = connected(&s), consultation = consult(&s, call, "101");
    answered(&s, consultation);
    LONG request = lineSwapHold(consultation.owned, call.owned);
    both(&s, consultation, LINECALLSTATE_ONHOLDPENDTRANSFER);
    both(&s, call, LINECALLSTATE_CONNECTED);
    ok(&s, request);
    request = lineSwapHold(call.owned, consultation.owned);
    both(&s, call, LINECALLSTATE_ONHOLDPENDTRANSFER);
    both(&s, consultation, LINECALLSTATE_CONNECTED);
    ok(&s, request);
    ok(&s, lineCompleteTransfer(call.owned, consultation.owned, NULL, LINETRANSFERMODE_TRANSFER));
    both(&s, call, LINECALLSTATE_IDLE);
    both(&s, consultation, LINECALLSTATE_IDLE);
    request = lineCompleteTransfer(call.owned, consultation.owned, NULL, LINETRANSFERMODE_TRANSFER);
    assert_error(client_reply(&s.owner, request), LINEERR_INVALCALLSTATE);
    leave(&s);
}

static void consultations_that_come_to_nothing(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, "");
    struct pair call = connected(&s), consultation = consult(&s, call, "2");
    busy(&s, consultation);
    drop(&s, consultation);
    both(&s, call, LINECALLSTATE_CONNECTED);
    consultation = consult(&s, call, "102");
    answered(&s, consultation);
    LONG request = lineUnhold(call.owned);
    both(&s, consultation, LINECALLSTATE_IDLE);
    both(&s, call, LINECALLSTATE_CONNECTED);
    ok(&s, request);
    consultation = consult(&s, call, "103");
    answered(&s, consultation);
    assert_error(lineDeallocateCall(consultation.seen), 0);
    client_info(&s.owner, consultation.owned, LINECALLINFOSTATE_NUMMONITORS);
    assert_error(lineDeallocateCall(consultation.owned),
                 0); /* its last handle: the core closes it (TSPI_lineCloseCall) */
    both(&s, call, LINECALLSTATE_CONNECTED);
    leave(&s);
}

static void blind_transfers_by_their_numbers(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, "");
    struct pair call = connected(&s);
    assert_error(client_reply(&s.owner, lineBlindTransfer(call.owned, "5", 0)), LINEERR_ADDRESSBLOCKED);
    assert_error(client_reply(&s.owner, lineBlindTransfer(call.owned, "2", 0)), LINEERR_OPERATIONFAILED);
    assert_error(client_reply(&s.owner, lineBlindTransfer(call.owned, "1", 1000)), LINEERR_INVALCOUNTRYCODE);
    assert_int_equal(call_state(call.owned), LINECALLSTATE_CONNECTED);
    ok(&s, lineBlindTransfer(call.owned, "1", 49));
    both(&s, call, LINECALLSTATE_IDLE);
    leave(&s);
}

/* ------------------------------------------------------------------ conference */

struct hall {
    struct pair conference, first, second;
};

static struct hall three(struct scene *s)
{
    struct hall h = {.first = connected(s)};
    struct one_step o;
    LONG request = lineSetupConference(h.first.owned, 0, &h.conference.owned, &h.second.owned, 3, to(&o, "101"));
    ok(s, request);
    h.conference.seen = told(s);
    h.second.seen = told(s);
    both(s, h.conference, LINECALLSTATE_ONHOLDPENDCONF);
    both(s, h.second, LINECALLSTATE_DIALTONE);
    conferenced(s, h.first, h.conference);
    answered(s, h.second);
    ok(s, lineAddToConference(h.conference.owned, h.second.owned));
    conferenced(s, h.second, h.conference);
    both(s, h.conference, LINECALLSTATE_CONNECTED);
    return h;
}

static struct pair fourth_of(struct scene *s, const struct hall *h)
{
    struct one_step o;
    struct pair fourth = {0};
    ok(s, linePrepareAddToConference(h->conference.owned, &fourth.owned, to(&o, "102")));
    fourth.seen = told(s);
    both(s, h->conference, LINECALLSTATE_ONHOLDPENDCONF);
    both(s, fourth, LINECALLSTATE_DIALTONE);
    answered(s, fourth);
    ok(s, lineAddToConference(h->conference.owned, fourth.owned));
    conferenced(s, fourth, h->conference);
    both(s, h->conference, LINECALLSTATE_CONNECTED);
    return fourth;
}

static void a_conference_of_three_a_fourth_one_removed_and_dropped(void **state)
{
    (void)state;
    struct scene s;
    struct list list;
    begin(&s, "");
    struct hall h = three(&s);
    struct pair fourth = fourth_of(&s, &h);
    HCALL fifth = 77;
    LONG request = linePrepareAddToConference(h.conference.owned, &fifth, NULL);
    assert_error(client_reply(&s.owner, request), LINEERR_CONFERENCEFULL);
    assert_true(fifth == 77);
    assert_int_equal(related(fourth.seen, &list), 4);
    assert_true(list.calls[0] == h.conference.seen && list.calls[1] == h.first.seen && list.calls[2] == h.second.seen &&
                list.calls[3] == fourth.seen);
    ok(&s, lineRemoveFromConference(h.second.owned));
    both(&s, h.second, LINECALLSTATE_CONNECTED);
    assert_int_equal(related(h.second.owned, &list), 0);
    assert_int_equal(related(h.first.owned, &list), 3);
    drop(&s, h.conference); /* its members with it */
    both(&s, h.first, LINECALLSTATE_IDLE);
    both(&s, fourth, LINECALLSTATE_IDLE);
    drop(&s, h.second); /* and nobody else */
    leave(&s);
}

static void a_conference_that_its_members_outlive(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, "without = {\"confdrop\"}\n");
    struct hall h = three(&s);
    struct pair fourth = fourth_of(&s, &h);
    drop(&s, h.conference);
    both(&s, h.first, LINECALLSTATE_CONNECTED);
    both(&s, h.second, LINECALLSTATE_CONNECTED);
    both(&s, fourth, LINECALLSTATE_CONNECTED);
    drop(&s, fourth);
    leave(&s);
}

static void the_last_member_is_a_call_of_its_own(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, "");
    struct hall h = three(&s);
    drop(&s, h.first);
    both(&s, h.second, LINECALLSTATE_CONNECTED);
    both(&s, h.conference, LINECALLSTATE_IDLE);
    drop(&s, h.second);
    leave(&s);
}

static void a_transfer_that_becomes_a_conference(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, "");
    struct hall h = {.first = connected(&s)};
    h.second = consult(&s, h.first, "101");
    answered(&s, h.second);
    ok(&s, lineCompleteTransfer(h.first.owned, h.second.owned, &h.conference.owned, LINETRANSFERMODE_CONFERENCE));
    h.conference.seen = told(&s);
    both(&s, h.conference, LINECALLSTATE_CONNECTED);
    conferenced(&s, h.first, h.conference);
    conferenced(&s, h.second, h.conference);
    drop(&s, h.second);
    both(&s, h.first, LINECALLSTATE_CONNECTED);
    both(&s, h.conference, LINECALLSTATE_IDLE);
    leave(&s);
}

/* ------------------------------------------------------------------ what lines say of themselves */

static LINEADDRESSCAPS caps_of(struct scene *s)
{
    union {
        LINEADDRESSCAPS caps;
        char room[4096];
    } u = {.caps.dwTotalSize = sizeof u};
    assert_error(lineGetAddressCaps(s->owner.app, 0, 0, TAPI_CURRENT_VERSION, 0, &u.caps), 0);
    return u.caps;
}

static const DWORD conference_flags = LINEADDRCAPFLAGS_CONFDROP | LINEADDRCAPFLAGS_SETUPCONFNULL |
                                      LINEADDRCAPFLAGS_CONFERENCEHELD | LINEADDRCAPFLAGS_CONFERENCEMAKE;

static void lines_that_can_do_less_say_so_and_refuse_it(void **state)
{
    (void)state;
    struct scene s;
    HCALL none = 77, nobody = 77;
    begin(&s, "");
    LINEADDRESSCAPS caps = caps_of(&s);
    assert_int_equal(caps.dwTransferModes, LINETRANSFERMODE_TRANSFER | LINETRANSFERMODE_CONFERENCE);
    assert_int_equal(caps.dwMaxNumConference, 4);
    assert_int_equal(caps.dwRemoveFromConfCaps, LINEREMOVEFROMCONF_ANY);
    assert_int_equal(caps.dwRemoveFromConfState, LINECALLSTATE_CONNECTED);
    assert_int_equal(caps.dwAddrCapFlags & conference_flags, conference_flags);
    assert_true((caps.dwCallStates & LINECALLSTATE_ONHOLDPENDCONF) != 0);
    leave(&s);

    begin(&s, "without = {\"swaphold\", \"blindtransfer\", \"transferconference\", \"setupconference\", "
              "\"setupconfnull\"}\nremove = none\nremoved = idle\n");
    caps = caps_of(&s);
    assert_int_equal(caps.dwTransferModes, LINETRANSFERMODE_TRANSFER);
    assert_int_equal(caps.dwRemoveFromConfCaps, LINEREMOVEFROMCONF_NONE);
    assert_int_equal(caps.dwCallFeatures & (LINECALLFEATURE_SWAPHOLD | LINECALLFEATURE_BLINDTRANSFER |
                                            LINECALLFEATURE_SETUPCONF | LINECALLFEATURE_REMOVEFROMCONF),
                     0);
    assert_true((caps.dwCallFeatures & LINECALLFEATURE_SETUPTRANSFER) != 0);
    struct pair call = connected(&s);
    assert_error(client_reply(&s.owner, lineBlindTransfer(call.owned, "1", 0)), LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, lineSetupConference(call.owned, 0, &none, &nobody, 3, NULL)),
                 LINEERR_OPERATIONUNAVAIL);
    assert_error(client_reply(&s.owner, lineSetupConference(0, s.owner_line, &none, &nobody, 3, NULL)),
                 LINEERR_OPERATIONUNAVAIL);
    struct pair consultation = consult(&s, call, "101");
    answered(&s, consultation);
    assert_error(client_reply(&s.owner, lineSwapHold(consultation.owned, call.owned)), LINEERR_OPERATIONUNAVAIL);
    LONG request = lineCompleteTransfer(call.owned, consultation.owned, &none, LINETRANSFERMODE_CONFERENCE);
    assert_error(client_reply(&s.owner, request), LINEERR_OPERATIONUNAVAIL);
    assert_true(none == 77 && nobody == 77);
    leave(&s);
}

/* ------------------------------------------------------------------ a script */

/* Everything at time 0, in its order: that the line was opened. */
static void start_script(struct client *c, HLINE *ret_line, const char *text)
{
    char path[] = "/tmp/callfan-test-XXXXXX", configuration[1024];
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    snprintf(configuration, sizeof configuration, "%sscript = \"%s\"\n}\n", SIM, path);
    service_start(&service, configuration);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
    unlink(path);
    *ret_line = client_start(c, OWNER | MONITOR);
}

/* A provider that names wrong conferences, answers with success and reports nothing, or fails. */
static void a_script_reports_what_it_likes(void **state)
{
    (void)state;
    struct client c;
    HLINE line;
    struct list list;
    start_script(&c, &line,
                 "lines 4\nat 0 line 0 call 1 new offering\nat 0 call 1 state connected active\n"
                 "at 0 line 0 call 2 new onholdpendconf origin conference\n"
                 "at 0 call 1 state conferenced id 0xfffffffb00000001\nat 0 call 1 state conferenced 12345\n"
                 "at 0 call 1 state conferenced call 1\nat 0 call 1 state conferenced call 2\n"
                 "at 0 call 1 state connected\non setupconference reply call 3 call 4\n"
                 "on setuptransfer ok call 5\n");
    HCALL call = client_new_call(&c, line, OWNER, LINECALLSTATE_OFFERING);
    client_state(&c, call, LINECALLSTATE_CONNECTED);
    HCALL conference = client_new_call(&c, line, MONITOR, LINECALLSTATE_ONHOLDPENDCONF);
    for (int i = 0; i < 3; i++) /* M-37 */
        assert_int_equal(client_state(&c, call, LINECALLSTATE_CONFERENCED).dwParam2, 0);
    assert_true(client_state(&c, call, LINECALLSTATE_CONFERENCED).dwParam2 == conference);
    client_state(&c, call, LINECALLSTATE_CONNECTED);

    HCALL other = 0, consultation = 0, third = 0;
    assert_error(client_reply(&c, lineSetupConference(call, 0, &other, &consultation, 3, NULL)), 0);
    assert_error(client_reply(&c, lineSetupTransfer(call, &third, NULL)), 0); /* nothing was said of the two */
    client_state(&c, call, LINECALLSTATE_ONHOLDPENDTRANSFER);
    client_state(&c, third, LINECALLSTATE_DIALTONE);
    assert_error(client_reply(&c, lineSetupConference(0, line, &other, &consultation, 3, NULL)),
                 LINEERR_CALLUNAVAIL); /* the numbers are taken */
    assert_error(client_reply(&c, lineCompleteTransfer(call, third, &other, LINETRANSFERMODE_CONFERENCE)),
                 LINEERR_INVALCALLSTATE); /* the script has not dialled */
    assert_int_equal(related(call, &list), 0);
    assert_error(lineShutdown(c.app), 0);
    service_stop(&service);
}

static void specific(struct client *c, uint64_t device, DWORD first, DWORD second, DWORD third)
{
    LINEMESSAGE m = client_expect(c, LINE_DEVSPECIFIC);
    assert_true(m.hDevice == device && m.dwCallbackInstance == c->instance);
    assert_int_equal(m.dwParam1, first);
    assert_int_equal(m.dwParam2, second);
    assert_int_equal(m.dwParam3, third);
}

/* What an address forwards, right or wrong, and LINE_DEVSPECIFIC of a line, of a call, and of one that never was. */
static void a_script_reports_forwarding_and_device_specifics(void **state)
{
    (void)state;
    struct client c;
    HLINE line;
    union {
        LINEADDRESSSTATUS head;
        char bytes[1024];
    } s = {.head = {.dwTotalSize = sizeof s}};
    start_script(&c, &line,
                 "at 0 line 0 address 0 forwarding rings 7 uncond 201 busyspecific 202 from 100 country 44 0x300 \"\"\n"
                 "at 0 line 0 address 0 forwarding rings 5 NoAnswSpecific \"2 03\" from 100 country 44 busyna 204\n"
                 "at 0 line 0 devspecific 1 0xfffffffe 3\nat 0 call 9 devspecific 7\n"
                 "at 0 line 0 call 1 new offering\nat 0 call 1 devspecific 4 5\nat 0 line 9 devspecific\n"
                 "at 0 line 0 devspecific\n");
    specific(&c, line, 1, 0xFFFFFFFE, 3);
    HCALL call = client_new_call(&c, line, OWNER, LINECALLSTATE_OFFERING);
    specific(&c, call, 4, 5, 0);
    specific(&c, line, 0, 0, 0);
    assert_error(lineGetAddressStatus(line, 0, &s.head), 0);
    assert_int_equal(s.head.dwNumRingsNoAnswer, 5);
    assert_int_equal(s.head.dwForwardNumEntries, 2);
    const LINEFORWARD *f = (const LINEFORWARD *)(const void *)(s.bytes + s.head.dwForwardOffset);
    assert_int_equal(f[0].dwForwardMode, LINEFORWARDMODE_NOANSWSPECIFIC);
    assert_int_equal(f[0].dwDestCountryCode, 44);
    assert_string_equal(s.bytes + f[0].dwCallerAddressOffset, "100");
    assert_string_equal(s.bytes + f[0].dwDestAddressOffset, "2 03");
    assert_int_equal(f[1].dwForwardMode, LINEFORWARDMODE_BUSYNA);
    assert_string_equal(s.bytes + f[1].dwDestAddressOffset, "204");
    assert_error(lineShutdown(c.app), 0);
    service_stop(&service);
}

/* ------------------------------------------------------------------ another core */

static void join_again(struct client *c)
{
    LONG error = LINEERR_OPERATIONFAILED;
    for (int i = 0; i < PATIENCE_ROUNDS && error != 0; i++) { /* the service may be between two cores */
        DWORD devices = 0, version = TAPI_CURRENT_VERSION;
        LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
        *c = (struct client){.api_version = TAPI_CURRENT_VERSION, .instance = 1};
        error = lineInitializeEx(&c->app, NULL, NULL, "again", &devices, &version, &params);
        if (error != 0)
            poll(NULL, 0, 10);
    }
    assert_error(error, 0);
}

/* All state of the core is lost; the exchange tells it of the conference again, and of who is in it. */
static void a_conference_outlives_the_core(void **state)
{
    (void)state;
    struct scene s;
    struct list list = {0};
    begin(&s, "");
    struct hall h = three(&s);
    (void)h;
    pid_t core = (pid_t)service_status(&service, "process.core_pid");
    assert_int_equal(kill(core, SIGSTOP), 0);
    bool spoiled = state_spoil(core, state_place(service.config, STATE_MAGIC), 0, 64);
    kill(core, SIGKILL);
    if (!spoiled) {
        service_stop(&service);
        assert_true(geteuid() != 0);
        skip();
    }
    service_wait_log(&service, "cold start: ");
    client_leave(&s.owner);
    client_leave(&s.monitor);
    service_wait_status(&service, "totals.calls_live", 3);
    join_again(&s.owner);
    HLINE line = 0;
    assert_error(lineOpen(s.owner.app, 0, &line, TAPI_CURRENT_VERSION, 0, 1, OWNER | MONITOR,
                          LINEMEDIAMODE_INTERACTIVEVOICE, NULL),
                 0);
    list.head.dwTotalSize = sizeof list;
    assert_error(lineGetNewCalls(line, 0, LINECALLSELECT_LINE, &list.head), 0);
    assert_int_equal(list.head.dwCallsNumEntries, 3);
    HCALL calls[3];
    memcpy(calls, list.calls, sizeof calls);
    for (int i = 0; i < PATIENCE_ROUNDS && related(calls[0], &list) != 3; i++)
        poll(NULL, 0, 10); /* the members' states are the last that is told */
    assert_int_equal(list.head.dwCallsNumEntries, 3);
    HCALL conference = list.calls[0];
    assert_int_equal(call_state(conference), LINECALLSTATE_CONNECTED);
    assert_int_equal(call_state(list.calls[1]), LINECALLSTATE_CONFERENCED);
    assert_int_equal(call_state(list.calls[2]), LINECALLSTATE_CONFERENCED);
    assert_error(lineSetCallPrivilege(conference, OWNER), 0);
    assert_true(lineDrop(conference, NULL, 0) > 0); /* it is a conference to the exchange still: all three end */
    for (unsigned idle = 0; idle < 3;) {
        LINEMESSAGE m;
        assert_error(lineGetMessage(s.owner.app, &m, PATIENCE_MS), 0);
        idle += m.dwMessageID == LINE_CALLSTATE && m.dwParam1 == LINECALLSTATE_IDLE;
    }
    client_leave(&s.owner);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attended_transfer_with_a_swap),
        cmocka_unit_test(consultations_that_come_to_nothing),
        cmocka_unit_test(blind_transfers_by_their_numbers),
        cmocka_unit_test(a_conference_of_three_a_fourth_one_removed_and_dropped),
        cmocka_unit_test(a_conference_that_its_members_outlive),
        cmocka_unit_test(the_last_member_is_a_call_of_its_own),
        cmocka_unit_test(a_transfer_that_becomes_a_conference),
        cmocka_unit_test(lines_that_can_do_less_say_so_and_refuse_it),
        cmocka_unit_test(a_script_reports_what_it_likes),
        cmocka_unit_test(a_script_reports_forwarding_and_device_specifics),
        cmocka_unit_test(a_conference_outlives_the_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
