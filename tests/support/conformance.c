#include "tests/support/conformance.h"

#include <stdio.h>

enum { PATIENCE_MS = 30000 };

int world_set_up(void **state)
{
    static struct world w;
    service_start(&w.service, EXCHANGE_SECTION_PATIENT);
    exchange_attach(&w.exchange, WORLD_LINES);
    service_wait_status(&w.service, "totals.lines", WORLD_LINES);
    *state = &w;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *w = *state;
    exchange_detach(&w->exchange);
    service_stop(&w->service);
    return 0;
}

void world_rest(struct world *w)
{
    service_wait_status(&w->service, "totals.opens", 0);
}

void client_join(struct client *c)
{
    client_join_as(c, "conformance");
}

void client_join_as(struct client *c, const char *name)
{
    static DWORD_PTR next_instance = 0x1000;
    DWORD devices = 0, version = TAPI_CURRENT_VERSION;
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    *c = (struct client){.api_version = TAPI_CURRENT_VERSION, .instance = next_instance++};
    assert_error(lineInitializeEx(&c->app, NULL, NULL, name, &devices, &version, &params), 0);
    assert_int_equal(devices, WORLD_LINES);
    assert_int_equal(version, TAPI_CURRENT_VERSION);
}

void client_leave(struct client *c)
{
    assert_error(lineShutdown(c->app), 0);
    c->app = 0;
}

HLINE client_open(struct client *c, DWORD device, DWORD privileges)
{
    HLINE line = 0;
    assert_error(lineOpen(c->app, device, &line, c->api_version, 0, c->instance, privileges,
                          LINEMEDIAMODE_INTERACTIVEVOICE, NULL),
                 0);
    assert_true(line != 0);
    assert_error(lineSetStatusMessages(line, LINEDEVSTATE_OTHER, 0), 0);
    return line;
}

HLINE client_start(struct client *c, DWORD privileges)
{
    client_join(c);
    return client_open(c, 0, privileges);
}

static bool is_marker(const LINEMESSAGE *m)
{
    return m->dwMessageID == LINE_LINEDEVSTATE && m->dwParam1 == LINEDEVSTATE_OTHER;
}

LINEMESSAGE client_message(struct client *c)
{
    LINEMESSAGE m;
    do
        assert_error(lineGetMessage(c->app, &m, PATIENCE_MS), 0);
    while (is_marker(&m));
    return m;
}

LINEMESSAGE client_expect(struct client *c, DWORD id)
{
    LINEMESSAGE m = client_message(c);
    if (m.dwMessageID != id)
        fail_msg("%s (0x%llx 0x%llx 0x%llx) came instead of %s", cf_message_name(m.dwMessageID),
                 (unsigned long long)m.dwParam1, (unsigned long long)m.dwParam2, (unsigned long long)m.dwParam3,
                 cf_message_name(id));
    return m;
}

LINEMESSAGE client_state(struct client *c, HCALL call, DWORD state)
{
    LINEMESSAGE m = client_expect(c, LINE_CALLSTATE);
    assert_true(m.hDevice == call);
    if (m.dwParam1 != state)
        fail_msg("%s came instead of %s", cf_call_state_name((DWORD)m.dwParam1), cf_call_state_name(state));
    assert_true(m.dwCallbackInstance == c->instance);
    return m;
}

HCALL client_new_call(struct client *c, HLINE line, DWORD privilege, DWORD state)
{
    LINEMESSAGE m = client_expect(c, LINE_APPNEWCALL);
    assert_true(m.hDevice == line);
    assert_true(m.dwCallbackInstance == c->instance);
    assert_int_equal(m.dwParam3, privilege);
    HCALL call = (HCALL)m.dwParam2;
    assert_true(call != 0);
    m = client_state(c, call, state);
    assert_int_equal(m.dwParam3, privilege);
    return call;
}

void client_info(struct client *c, HCALL call, DWORD bits)
{
    for (DWORD got = 0; got != bits;) {
        LINEMESSAGE m = client_expect(c, LINE_CALLINFO);
        assert_true(m.hDevice == call);
        assert_int_equal(m.dwParam2, 0);
        assert_int_equal(m.dwParam3, 0);
        got |= (DWORD)m.dwParam1;
        if ((got & ~bits) != 0)
            fail_msg("LINE_CALLINFO 0x%x instead of 0x%x", got, bits);
    }
}

LONG client_reply(struct client *c, LONG request)
{
    if (request <= 0)
        fail_msg("no request: %s", cf_line_error_name(request));
    LINEMESSAGE m = client_expect(c, LINE_REPLY);
    assert_int_equal(m.dwParam1, request);
    assert_true(m.hDevice == 0);
    assert_int_equal(m.dwParam3, 0);
    return (LONG)m.dwParam2;
}

void client_nothing(struct client *c, struct world *w, DWORD device)
{
    /* Several: counts of owners and monitors may be told some turns later. */
    for (int i = 0; i < 3; i++) {
        LINEMESSAGE m;
        uint32_t marker = exchange_mark(&w->exchange, device);
        do {
            assert_error(lineGetMessage(c->app, &m, PATIENCE_MS), 0);
            if (!is_marker(&m))
                fail_msg("%s (0x%llx 0x%llx 0x%llx) came, nothing was due", cf_message_name(m.dwMessageID),
                         (unsigned long long)m.dwParam1, (unsigned long long)m.dwParam2,
                         (unsigned long long)m.dwParam3);
        } while (m.dwParam2 != marker);
    }
}

static void info_of(HCALL call, LINECALLINFO *info)
{
    *info = (LINECALLINFO){.dwTotalSize = sizeof *info};
    assert_error(lineGetCallInfo(call, info), 0);
}

DWORD call_owners(HCALL call)
{
    LINECALLINFO info;
    info_of(call, &info);
    return info.dwNumOwners;
}

DWORD call_monitors(HCALL call)
{
    LINECALLINFO info;
    info_of(call, &info);
    return info.dwNumMonitors;
}

static void status_of(HCALL call, LINECALLSTATUS *status)
{
    *status = (LINECALLSTATUS){.dwTotalSize = sizeof *status};
    assert_error(lineGetCallStatus(call, status), 0);
}

DWORD call_state(HCALL call)
{
    LINECALLSTATUS status;
    status_of(call, &status);
    return status.dwCallState;
}

DWORD call_privilege(HCALL call)
{
    LINECALLSTATUS status;
    status_of(call, &status);
    return status.dwCallPrivilege;
}

DWORD call_features(HCALL call)
{
    LINECALLSTATUS status;
    status_of(call, &status);
    return status.dwCallFeatures;
}

void assert_call_void(HCALL call)
{
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    LINECALLSTATUS status = {.dwTotalSize = sizeof status};
    assert_error(lineGetCallInfo(call, &info), LINEERR_INVALCALLHANDLE);
    assert_error(lineGetCallStatus(call, &status), LINEERR_INVALCALLHANDLE);
    assert_error(lineSetCallPrivilege(call, OWNER), LINEERR_INVALCALLHANDLE);
    assert_error(lineAccept(call, NULL, 0), LINEERR_INVALCALLHANDLE);
    assert_error(lineAnswer(call, NULL, 0), LINEERR_INVALCALLHANDLE);
    assert_error(lineDrop(call, NULL, 0), LINEERR_INVALCALLHANDLE);
    assert_error(lineHold(call), LINEERR_INVALCALLHANDLE);
    assert_error(lineUnhold(call), LINEERR_INVALCALLHANDLE);
    assert_error(lineDeallocateCall(call), LINEERR_INVALCALLHANDLE);
}

/* ------------------------------------------------------------------ a call with an owner and a monitor */

void watched_begin(struct watched *t, struct world *w, DWORD device, DWORD state)
{
    client_join(&t->owner);
    client_join(&t->monitor);
    t->owner_line = client_open(&t->owner, device, OWNER);
    t->line = client_open(&t->monitor, device, MONITOR);
    t->id = exchange_call(&w->exchange, device, LINECALLSTATE_OFFERING, "1", "2");
    t->owned = client_new_call(&t->owner, t->owner_line, OWNER, LINECALLSTATE_OFFERING);
    t->seen = client_new_call(&t->monitor, t->line, MONITOR, LINECALLSTATE_OFFERING);
    if (state != LINECALLSTATE_OFFERING)
        watched_state(t, w, state, 0);
}

void watched_state(struct watched *t, struct world *w, DWORD state, DWORD mode)
{
    exchange_state(&w->exchange, t->id, state, mode);
    client_state(&t->owner, t->owned, state);
    client_state(&t->monitor, t->seen, state);
}

void watched_leave(struct watched *t)
{
    client_leave(&t->owner);
    client_leave(&t->monitor);
}

const LINECALLINFO *call_info(HCALL call)
{
    static _Alignas(LINECALLINFO) char room[8192];
    LINECALLINFO *info = (LINECALLINFO *)room;
    info->dwTotalSize = sizeof room;
    assert_error(lineGetCallInfo(call, info), 0);
    assert_int_equal(info->dwNeededSize, info->dwUsedSize);
    return info;
}

bool part_is(const void *structure, DWORD size, DWORD offset, const void *bytes, DWORD count)
{
    return size == count && (count == 0 ? offset == 0 : memcmp((const char *)structure + offset, bytes, count) == 0);
}

void trio_begin(struct trio *t, struct world *w)
{
    t->first_line = client_start(&t->first, OWNER);
    HLINE second_line = client_start(&t->second, MONITOR), line = client_start(&t->monitor, MONITOR);
    t->id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    t->owned = client_new_call(&t->first, t->first_line, OWNER, LINECALLSTATE_OFFERING);
    t->co_owned = client_new_call(&t->second, second_line, MONITOR, LINECALLSTATE_OFFERING);
    t->seen = client_new_call(&t->monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_error(lineSetCallPrivilege(t->co_owned, OWNER), 0);
    client_info(&t->first, t->owned, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
    client_info(&t->monitor, t->seen, LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMMONITORS);
}

void trio_leave(struct trio *t, struct world *w)
{
    exchange_end(&w->exchange, t->id);
    client_leave(&t->first);
    client_leave(&t->second);
    client_leave(&t->monitor);
}
