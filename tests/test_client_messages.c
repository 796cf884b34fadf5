/* What messages do to handles in libcallfan, and which of them are handed out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/fake_app.h"

#define OWNER   LINECALLPRIVILEGE_OWNER
#define MONITOR LINECALLPRIVILEGE_MONITOR

static LINECALLSTATUS status_of(HCALL call)
{
    LINECALLSTATUS s = {.dwTotalSize = sizeof s};
    assert_int_equal(lineGetCallStatus(call, &s), 0);
    return s;
}

static LONG status_error(HCALL call)
{
    LINECALLSTATUS s = {.dwTotalSize = sizeof s};
    return lineGetCallStatus(call, &s);
}

static void tell_state(struct fake_app *a, HCALL call, HLINE line, DWORD to, DWORD mode, DWORD privilege)
{
    fake_message(a->port, LINE_CALLSTATE, call, to, mode, privilege, cf_handle_slot(line));
}

static struct cf_app_counters counters_of(struct fake_app *a)
{
    struct cf_app_counters c;
    assert_int_equal(cf_app_counters(a->app, &c), 0);
    assert_int_equal(c.offered, c.delivered + c.pending + c.missed + c.cancelled);
    return c;
}

/* ------------------------------------------------------------------ handles appear */

static void announced_call_has_its_state_and_instance(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_call(a, 3, 1);
    assert_int_equal(status_error(call), LINEERR_INVALCALLHANDLE);
    fake_new_call(a->port, a->line, call, LINECALLSTATE_OFFERING, OWNER, "555", "100");
    LINEMESSAGE m = fake_app_next(a);
    assert_int_equal(m.dwMessageID, LINE_APPNEWCALL);
    assert_int_equal(m.dwCallbackInstance, FAKE_INSTANCE);
    m = fake_app_next(a);
    assert_int_equal(m.dwCallbackInstance, FAKE_INSTANCE);
    LINECALLSTATUS s = status_of(call);
    assert_int_equal(s.dwCallState, LINECALLSTATE_OFFERING);
    assert_int_equal(s.dwCallPrivilege, OWNER);
    assert_int_equal(s.dwCallFeatures, LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP);
    tell_state(a, call, a->line, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE, 0);
    fake_app_next(a);
    s = status_of(call);
    assert_int_equal(s.dwCallState, LINECALLSTATE_CONNECTED);
    assert_int_equal(s.dwCallStateMode, LINECONNECTEDMODE_ACTIVE);
    assert_int_equal(s.dwCallPrivilege, OWNER);                   /* 0 in the message changes nothing */
    assert_int_equal(fake_count(a->port, CF_REQ_CALL_STATUS), 0); /* all of it was local */
}

static void tell_state_at(struct fake_app *a, HCALL call, DWORD to, DWORD mode, int64_t time_ns)
{
    struct cf_record r = {.m = {.time_ns = time_ns,
                                .device = call,
                                .param1 = to,
                                .param2 = mode,
                                .id = LINE_CALLSTATE,
                                .open_line = cf_handle_slot(a->line)}};
    fake_send(a->port, &r);
    fake_app_next(a);
}

/* Seconds of the day at which the call's state was entered. */
static uint32_t entered_s(HCALL call)
{
    SYSTEMTIME t = status_of(call).tStateEntryTime;
    return (t.wHour * 60u + t.wMinute) * 60u + t.wSecond;
}

static void entry_time_is_that_of_the_state_not_of_the_message(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, MONITOR);
    const int64_t hour = INT64_C(3600000000000);
    const uint32_t day_s = 86400;
    int64_t base = INT64_C(1000000000000);
    tell_state_at(a, call, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE, base + hour);
    uint32_t first = entered_s(call);
    tell_state_at(a, call, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_INACTIVE, base + 2 * hour);
    assert_int_equal(entered_s(call), first); /* the mode changed, not the state */
    assert_int_equal(status_of(call).dwCallStateMode, LINECONNECTEDMODE_INACTIVE);
    tell_state_at(a, call, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL, base + 3 * hour);
    assert_int_equal((entered_s(call) + day_s - first) % day_s, 2 * 3600);
}

static void status_asks_the_core_while_something_is_unread_or_behind(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, MONITOR);
    assert_int_equal(status_of(call).dwCallState, LINECALLSTATE_OFFERING);
    tell_state(a, call, a->line, LINECALLSTATE_CONNECTED, 0, 0);
    assert_int_equal(status_of(call).dwCallState, LINECALLSTATE_ACCEPTED); /* what the core says */
    assert_int_equal(fake_count(a->port, CF_REQ_CALL_STATUS), 1);
    fake_app_next(a);
    assert_int_equal(status_of(call).dwCallState, LINECALLSTATE_CONNECTED);
    cf_store_release_64(&a->port->down->down.behind, 1);
    assert_int_equal(status_of(call).dwCallState, LINECALLSTATE_ACCEPTED);
    assert_int_equal(fake_count(a->port, CF_REQ_CALL_STATUS), 2);
    cf_store_release_64(&a->port->down->down.behind, 0);
}

static void made_call_is_written_with_its_reply(void **state)
{
    struct fake_app *a = *state;
    HCALL made = 0, call = fake_app_call(a, 5, 1);
    LONG id = lineMakeCall(a->line, &made, "100", 0, NULL);
    assert_true(id > 0);
    struct cf_message r = fake_await(a->port, CF_REQ_MAKE_CALL, 0);
    assert_int_equal(r.param1, id);
    assert_int_equal(r.flags, CF_NO_REPLY);
    fake_message(a->port, LINE_REPLY, call, (DWORD)id, 0, OWNER, cf_handle_slot(a->line));
    assert_true(made == 0); /* H-4 */
    LINEMESSAGE m = fake_app_next(a);
    assert_int_equal(m.dwMessageID, LINE_REPLY);
    assert_true(m.hDevice == 0 && m.dwParam3 == 0 && (LONG)m.dwParam1 == id && m.dwParam2 == 0);
    assert_int_equal(m.dwCallbackInstance, FAKE_INSTANCE);
    assert_true(made == call);
    tell_state(a, call, a->line, LINECALLSTATE_DIALING, 0, OWNER);
    assert_true(fake_app_next(a).hDevice == call);
    assert_int_equal(status_of(call).dwCallPrivilege, OWNER);
}

static void failed_make_call_writes_nothing(void **state)
{
    struct fake_app *a = *state;
    HCALL made = 123;
    LONG id = lineMakeCall(a->line, &made, "100", 0, NULL);
    fake_message(a->port, LINE_REPLY, 0, (DWORD)id, (DWORD)LINEERR_CALLUNAVAIL, 0, cf_handle_slot(a->line));
    LINEMESSAGE m = fake_app_next(a);
    assert_int_equal((LONG)m.dwParam2, LINEERR_CALLUNAVAIL);
    assert_true(made == 123);
}

static void reply_comes_once(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, OWNER);
    LONG id = lineDrop(call, NULL, 0);
    fake_message(a->port, LINE_REPLY, 0, (DWORD)id, 0, 0, cf_handle_slot(a->line));
    fake_message(a->port, LINE_REPLY, 0, (DWORD)id, 0, 0, cf_handle_slot(a->line));
    assert_int_equal(fake_app_next(a).dwMessageID, LINE_REPLY);
    fake_app_none(a);
    assert_int_equal(counters_of(a).cancelled, 1);
}

/* ------------------------------------------------------------------ handles end */

static void released_handle_cancels_its_messages(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, MONITOR), other = fake_app_announce(a, 1, 1, MONITOR);
    tell_state(a, call, a->line, LINECALLSTATE_CONNECTED, 0, 0);
    tell_state(a, other, a->line, LINECALLSTATE_CONNECTED, 0, 0);
    fake_message(a->port, LINE_CALLINFO, call, LINECALLINFOSTATE_NUMMONITORS, 0, 0, cf_handle_slot(a->line));
    assert_int_equal(lineDeallocateCall(call), 0);
    assert_true(fake_await(a->port, CF_REQ_RELEASE, 0).device == call);
    assert_int_equal(lineDeallocateCall(call), LINEERR_INVALCALLHANDLE);
    assert_int_equal(status_error(call), LINEERR_INVALCALLHANDLE);
    assert_int_equal(lineDrop(call, NULL, 0), LINEERR_INVALCALLHANDLE);
    assert_true(fake_app_next(a).hDevice == other);
    fake_app_none(a);
    struct cf_app_counters c = counters_of(a);
    assert_int_equal(c.cancelled, 2);
    assert_int_equal(c.delivered, 5);
    assert_int_equal(c.pending, 0);
    assert_int_equal(cf_load_acquire_64(&a->port->up->cancelled), 2);
    assert_int_equal(cf_load_acquire_64(&a->port->up->messages_acked), 7);
}

static void slot_in_its_next_life_is_another_call(void **state)
{
    struct fake_app *a = *state;
    HCALL first = fake_app_announce(a, 0, 1, MONITOR);
    assert_int_equal(lineDeallocateCall(first), 0);
    HCALL second = fake_app_announce(a, 0, 2, MONITOR);
    assert_int_equal(status_error(first), LINEERR_INVALCALLHANDLE);
    assert_int_equal(lineDeallocateCall(first), LINEERR_INVALCALLHANDLE);
    assert_int_equal(status_of(second).dwCallState, LINECALLSTATE_OFFERING);
    tell_state(a, first, a->line, LINECALLSTATE_IDLE, 0, 0); /* late, of the former life */
    fake_app_none(a);
    assert_int_equal(status_of(second).dwCallState, LINECALLSTATE_OFFERING);
}

/* Announced and not told a state yet: the list has nothing of the call that had the slot before. */
static void list_of_a_next_life_has_nothing_of_the_former(void **state)
{
    struct fake_app *a = *state;
    HCALL first = fake_app_announce(a, 0, 1, MONITOR), second = fake_app_call(a, 0, 2);
    struct cf_call_truth truth;
    uint64_t cursor = 0;
    uint32_t count;
    assert_int_equal(cf_list_calls(a->app, 0, &cursor, &truth, 1, &count), 0);
    assert_int_equal(count, 1);
    assert_true(truth.state_time_ns != 0 && truth.seq != 0);
    assert_int_equal(lineDeallocateCall(first), 0);
    fake_message(a->port, LINE_APPNEWCALL, a->line, 0, second, MONITOR, cf_handle_slot(a->line));
    fake_app_next(a);
    cursor = 0;
    assert_int_equal(cf_list_calls(a->app, 0, &cursor, &truth, 1, &count), 0);
    assert_int_equal(count, 1);
    assert_true(truth.hCall == second);
    assert_int_equal(truth.dwCallState, 0);
    assert_int_equal(truth.state_time_ns, 0);
    assert_int_equal(truth.seq, 0);
}

static void message_of_an_unknown_handle_is_void(void **state)
{
    struct fake_app *a = *state;
    tell_state(a, fake_app_call(a, 9, 1), a->line, LINECALLSTATE_OFFERING, 0, MONITOR);
    tell_state(a, cf_handle_of_usage(7, 9, CF_KIND_CALL, 1), a->line, LINECALLSTATE_OFFERING, 0, MONITOR);
    fake_app_none(a);
    assert_int_equal(counters_of(a).cancelled, 2);
}

static void line_close_voids_line_and_calls_at_once(void **state)
{
    struct fake_app *a = *state;
    HCALL calls[8];
    for (uint32_t i = 0; i < 8; i++)
        calls[i] = fake_app_announce(a, i, 1, OWNER);
    LONG id = lineDrop(calls[0], NULL, 0);
    assert_true(id > 0);
    tell_state(a, calls[1], a->line, LINECALLSTATE_CONNECTED, 0, 0);
    fake_message(a->port, LINE_REPLY, 0, (DWORD)id, 0, 0, cf_handle_slot(a->line));
    fake_message(a->port, LINE_LINEDEVSTATE, a->line, LINEDEVSTATE_NUMCALLS, 0, 0, cf_handle_slot(a->line));
    fake_new_call(a->port, a->line, fake_app_call(a, 20, 1), LINECALLSTATE_OFFERING, MONITOR, "1", "2");
    assert_int_equal(lineClose(a->line), 0);
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(status_error(calls[i]), LINEERR_INVALCALLHANDLE);
    assert_int_equal(lineClose(a->line), LINEERR_INVALLINEHANDLE);
    assert_true(fake_await(a->port, CF_REQ_CLOSE, 0).device == a->line);
    fake_app_none(a); /* H-31, H-62, H-69: neither the reply nor anything else */
    assert_int_equal(status_error(fake_app_call(a, 20, 1)), LINEERR_INVALCALLHANDLE);
    assert_int_equal(counters_of(a).cancelled, 5);
}

static void reopened_line_does_not_inherit_calls(void **state)
{
    struct fake_app *a = *state;
    HCALL old = fake_app_announce(a, 0, 1, MONITOR);
    HLINE closed = a->line;
    fake_new_call(a->port, a->line, fake_app_call(a, 1, 1), LINECALLSTATE_OFFERING, MONITOR, "1", "2"); /* on its way */
    assert_int_equal(lineClose(closed), 0);
    a->line = fake_app_open(a, 1, CF_TAPI_VERSION_2_2, 78);
    assert_int_equal(cf_handle_slot(a->line), cf_handle_slot(closed)); /* the same slot */
    assert_true(a->line != closed);
    fake_app_none(a);
    assert_int_equal(status_error(old), LINEERR_INVALCALLHANDLE);
    assert_int_equal(status_error(fake_app_call(a, 1, 1)), LINEERR_INVALCALLHANDLE);
    assert_int_equal(lineClose(closed), LINEERR_INVALLINEHANDLE);
    fake_app_announce(a, 1, 2, MONITOR);
}

static void forced_close_voids_when_it_is_read(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, OWNER);
    LONG id = lineAnswer(call, NULL, 0);
    fake_message(a->port, LINE_CLOSE, a->line, 0, 0, 0, cf_handle_slot(a->line));
    assert_int_equal(status_error(call), 0); /* H-30: valid until LINE_CLOSE is got */
    LINEMESSAGE m = fake_app_next(a);
    assert_int_equal(m.dwMessageID, LINE_CLOSE);
    assert_true(m.hDevice == a->line);
    assert_int_equal(m.dwCallbackInstance, FAKE_INSTANCE);
    assert_int_equal(status_error(call), LINEERR_INVALCALLHANDLE);
    LINEDEVSTATUS s = {.dwTotalSize = sizeof s};
    assert_int_equal(lineGetLineDevStatus(a->line, &s), LINEERR_INVALLINEHANDLE);
    fake_message(a->port, LINE_CLOSE, a->line, 0, 0, 0, cf_handle_slot(a->line));
    fake_message(a->port, LINE_REPLY, 0, (DWORD)id, 0, 0, cf_handle_slot(a->line));
    fake_app_none(a);
}

static void reply_survives_deallocation_since_2_0(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, OWNER);
    LONG id = lineDrop(call, NULL, 0);
    assert_int_equal(lineDeallocateCall(call), 0);
    fake_message(a->port, LINE_REPLY, 0, (DWORD)id, 0, 0, cf_handle_slot(a->line));
    LINEMESSAGE m = fake_app_next(a); /* H-50 */
    assert_true(m.dwMessageID == LINE_REPLY && (LONG)m.dwParam1 == id);
}

/* ------------------------------------------------------------------ versions */

static bool refuse_release(struct fake_port *port, const struct cf_record *r, void *arg)
{
    if (r->m.id != CF_REQ_RELEASE_ASK)
        return false;
    fake_answer(port, &r->m, *(int32_t *)arg, NULL, 0);
    return true;
}

static void below_2_0_no_announcement_and_the_core_is_asked_to_release(void **state)
{
    struct fake_app *a = *state;
    int32_t no = LINEERR_INVALCALLSTATE, yes = 0;
    HLINE old = fake_app_open(a, 2, CF_TAPI_VERSION_1_4, 99);
    HCALL call = fake_app_call(a, 4, 1);
    fake_new_call(a->port, old, call, LINECALLSTATE_OFFERING, OWNER, "1", "2");
    LINEMESSAGE m = fake_app_next(a); /* H-11: the state alone */
    assert_int_equal(m.dwMessageID, LINE_CALLSTATE);
    assert_true(m.hDevice == call && m.dwCallbackInstance == 99);
    fake_message(a->port, LINE_CALLSTATE, call, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_INACTIVEHELD, 0,
                 cf_handle_slot(old));
    assert_int_equal(fake_app_next(a).dwParam2, LINECONNECTEDMODE_INACTIVE);
    fake_on_request(a->core, refuse_release, &no);
    assert_int_equal(lineDeallocateCall(call), LINEERR_INVALCALLSTATE); /* H-43 */
    fake_on_request(a->core, refuse_release, &yes);
    LONG id = lineDrop(call, NULL, 0);
    assert_int_equal(lineDeallocateCall(call), 0);
    assert_int_equal(lineDeallocateCall(call), LINEERR_INVALCALLHANDLE);
    fake_message(a->port, LINE_REPLY, 0, (DWORD)id, 0, 0, cf_handle_slot(old));
    fake_app_none(a); /* H-50: discarded with the handle */
    assert_int_equal(fake_count(a->port, CF_REQ_RELEASE), 0);
    assert_int_equal(fake_count(a->port, CF_REQ_RELEASE_ASK), 2);
}

static void messages_of_no_line(void **state)
{
    struct fake_app *a = *state;
    fake_message(a->port, LINE_CREATE, 0, 4, 0, 0, CF_INDEX_NONE);
    fake_message(a->port, LINE_REMOVE, 0, 2, 0, 0, CF_INDEX_NONE);
    LINEMESSAGE m = fake_app_next(a);
    assert_true(m.dwMessageID == LINE_CREATE && m.hDevice == 0 && m.dwParam1 == 4 && m.dwCallbackInstance == 0);
    m = fake_app_next(a);
    assert_true(m.dwMessageID == LINE_REMOVE && m.hDevice == 0 && m.dwParam1 == 2);
    assert_int_equal(lineShutdown(a->app), 0);
    assert_int_equal(fake_app_join(a, NULL, CF_TAPI_VERSION_1_3), 0);
    a->port = fake_core_port(a->core, 1);
    fake_message(a->port, LINE_REMOVE, 0, 2, 0, 0, CF_INDEX_NONE);
    fake_message(a->port, LINE_CREATE, 0, 4, 0, 0, CF_INDEX_NONE);
    m = fake_app_next(a);
    assert_true(m.dwMessageID == LINE_LINEDEVSTATE && m.dwParam1 == LINEDEVSTATE_REINIT && m.dwParam2 == LINE_CREATE &&
                m.dwParam3 == 4);
    fake_app_none(a);
}

/* ------------------------------------------------------------------ privilege */

static void own_privilege_is_not_undone_by_older_messages(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_call(a, 0, 1);
    fake_new_call(a->port, a->line, call, LINECALLSTATE_OFFERING, MONITOR, "1", "2");
    assert_int_equal(fake_app_next(a).dwMessageID, LINE_APPNEWCALL);
    assert_int_equal(lineSetCallPrivilege(call, OWNER), 0);
    assert_int_equal(fake_app_next(a).dwParam3, MONITOR); /* was sent before the call above */
    assert_int_equal(status_of(call).dwCallPrivilege, OWNER);
    tell_state(a, call, a->line, LINECALLSTATE_OFFERING, 0, MONITOR); /* newer than it */
    fake_app_next(a);
    assert_int_equal(status_of(call).dwCallPrivilege, MONITOR);
    assert_int_equal(fake_count(a->port, CF_REQ_CALL_STATUS), 0);
}

/* ------------------------------------------------------------------ batch, identity, gaps */

static struct cf_batch_message batch[64];

static uint32_t fetch(struct fake_app *a, uint32_t max)
{
    uint32_t count = 99;
    assert_int_equal(cf_line_get_messages(a->app, batch, max, 20000, &count), 0);
    return count;
}

static void batch_gives_sequence_time_and_identity(void **state)
{
    struct fake_app *a = *state;
    HCALL calls[3];
    for (uint32_t i = 0; i < 3; i++) {
        char caller[8] = {'c', (char)('0' + i)}, called[8] = {'d', (char)('0' + i)};
        calls[i] = fake_app_call(a, i, 1);
        fake_new_call(a->port, a->line, calls[i], LINECALLSTATE_OFFERING, MONITOR, caller, i == 2 ? "" : called);
    }
    assert_int_equal(fetch(a, 64), 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(batch[i].seq, i + 1);
        assert_true(batch[i].time_ns > 0);
        assert_int_equal(batch[i].dwCallbackInstance, FAKE_INSTANCE);
    }
    assert_string_equal(batch[0].caller, "c0");
    assert_string_equal(batch[0].called, "d0");
    assert_string_equal(batch[2].caller, "c1");
    assert_string_equal(batch[4].called, ""); /* not known */
    assert_null(batch[1].caller);
    uint32_t count = 99;
    assert_int_equal(cf_line_get_messages(a->app, batch, 64, 0, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(cf_line_get_messages(a->app, batch, 0, 0, &count), LINEERR_INVALPARAM);
    assert_int_equal(cf_line_get_messages(a->app, NULL, 1, 0, &count), LINEERR_INVALPOINTER);
}

static void cached_identity_goes_with_every_message(void **state)
{
    struct cf_init_options o = {.size = sizeof o, .flags = CF_INIT_CACHE_IDENTITY};
    struct fake_app *a = fake_app_new(&o);
    HCALL call = fake_app_call(a, 0, 1);
    (void)state;
    fake_new_call(a->port, a->line, call, LINECALLSTATE_OFFERING, MONITOR, "alice", "bob");
    LINEMESSAGE m = fake_app_next(a); /* taken without the batch call */
    assert_int_equal(m.dwMessageID, LINE_APPNEWCALL);
    assert_int_equal(fetch(a, 8), 1);
    assert_string_equal(batch[0].caller, "alice");
    tell_state(a, call, a->line, LINECALLSTATE_CONNECTED, 0, 0);
    assert_int_equal(fetch(a, 8), 1);
    assert_string_equal(batch[0].caller, "alice");
    assert_string_equal(batch[0].called, "bob");
    assert_int_equal(lineDeallocateCall(call), 0);
    call = fake_app_call(a, 0, 2);
    fake_new_call(a->port, a->line, call, LINECALLSTATE_OFFERING, MONITOR, "carol", "dave");
    assert_int_equal(fetch(a, 8), 2);
    assert_string_equal(batch[1].caller, "carol");
    fake_app_free(a);
}

static void batch_ends_before_its_texts_do(void **state)
{
    struct fake_app *a = calloc(1, sizeof *a);
    char longest[1001];
    (void)state;
    a->core = fake_core_start();
    a->core->down_ring_slots = 4096;
    assert_int_equal(fake_app_join(a, NULL, CF_TAPI_VERSION_2_2), 0);
    a->port = fake_core_port(a->core, 0);
    a->line = fake_app_open(a, 1, CF_TAPI_VERSION_2_2, FAKE_INSTANCE);
    memset(longest, 'x', 1000);
    longest[1000] = '\0';
    static struct cf_batch_message many[200];
    uint32_t sent = 0, got = 0, batches = 0, calls;
    for (calls = 0; calls < 100; calls++, sent += 2)
        fake_new_call(a->port, a->line, fake_app_call(a, calls, 1), LINECALLSTATE_OFFERING, MONITOR, longest, "100");
    while (got < sent) {
        uint32_t count = 0;
        assert_int_equal(cf_line_get_messages(a->app, many, 200, 20000, &count), 0);
        for (uint32_t i = 0; i < count; i++)
            if (many[i].dwMessageID == LINE_APPNEWCALL) {
                assert_string_equal(many[i].caller, longest);
                assert_string_equal(many[i].called, "100");
            }
        got += count;
        batches++;
    }
    assert_int_equal(got, sent);
    assert_true(batches > 1);
    fake_app_free(a);
}

static void gap_is_handed_out_and_not_counted(void **state)
{
    struct fake_app *a = *state;
    struct cf_record r = {
        .m = {.id = CF_LINE_GAP, .sequence = 10, .param1 = 1, .param2 = 10, .param3 = 1, .open_line = CF_INDEX_NONE}};
    fake_send(a->port, &r);
    fake_message(a->port, CF_LINE_RESYNC_BEGIN, 0, 0, 0, 0, CF_INDEX_NONE);
    assert_int_equal(fetch(a, 8), 2);
    assert_int_equal(batch[0].dwMessageID, CF_LINE_GAP);
    assert_int_equal(batch[0].seq, 10);
    assert_int_equal(batch[0].dwParam2, 10);
    assert_int_equal(batch[1].seq, 11);
    assert_int_equal(counters_of(a).delivered, 1);
    assert_int_equal(cf_load_acquire_64(&a->port->up->messages_acked), 1);
}

static void ring_wraps_many_times(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, MONITOR);
    uint64_t seq = 2;
    for (uint32_t round = 0; round < 300; round++) { /* records of 1 to 3 slots: fillers at the end of a lap */
        static struct cf_record r;
        for (uint32_t i = 0; i < 20; i++) {
            r.m = (struct cf_message){.device = call,
                                      .param1 = LINECALLINFOSTATE_OTHER,
                                      .param2 = round,
                                      .id = LINE_CALLINFO,
                                      .open_line = cf_handle_slot(a->line)};
            r.payload_bytes = (i % 3) * CF_SLOT_PAYLOAD;
            fake_send(a->port, &r);
        }
        uint32_t got = 0;
        while (got < 20) {
            uint32_t n = fetch(a, 7);
            for (uint32_t i = 0; i < n; i++) {
                assert_int_equal(batch[i].seq, ++seq);
                assert_int_equal(batch[i].dwParam2, round);
            }
            got += n;
        }
    }
    assert_true(a->port->producer.tail > 8 * 1024);
    assert_int_equal(counters_of(a).delivered, 6002);
}

#define with_app(test) cmocka_unit_test_setup_teardown(test, fake_app_setup, fake_app_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_app(announced_call_has_its_state_and_instance),
        with_app(status_asks_the_core_while_something_is_unread_or_behind),
        with_app(entry_time_is_that_of_the_state_not_of_the_message),
        with_app(made_call_is_written_with_its_reply),
        with_app(failed_make_call_writes_nothing),
        with_app(reply_comes_once),
        with_app(released_handle_cancels_its_messages),
        with_app(slot_in_its_next_life_is_another_call),
        with_app(list_of_a_next_life_has_nothing_of_the_former),
        with_app(message_of_an_unknown_handle_is_void),
        with_app(line_close_voids_line_and_calls_at_once),
        with_app(reopened_line_does_not_inherit_calls),
        with_app(forced_close_voids_when_it_is_read),
        with_app(reply_survives_deallocation_since_2_0),
        with_app(below_2_0_no_announcement_and_the_core_is_asked_to_release),
        with_app(messages_of_no_line),
        with_app(own_privilege_is_not_undone_by_older_messages),
        with_app(batch_gives_sequence_time_and_identity),
        cmocka_unit_test(cached_identity_goes_with_every_message),
        cmocka_unit_test(batch_ends_before_its_texts_do),
        with_app(gap_is_handed_out_and_not_counted),
        with_app(ring_wraps_many_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
