/*
 * An application that is too slow, several times over: it forgets everything at CF_LINE_RESYNC_END, walks its list of calls, and knows of
 * each call what the exchange knows. What it was told that it missed is what the counters say, and the calls that it never saw are those
 * that were unseen.
 */
#include "tests/support/conformance.h"

#include <stdio.h>

enum { OUTAGES = 6, CALLS_MAX = 8000, STEPS_MAX = 5000, BATCH = 32, CHANGES_PER_LOOK = 16 };

/* The exchange's own record of each call ever. */
struct sent {
    uint64_t id;
    DWORD state, mode;
    bool ended;
    bool seen; /* announced to the application */
};

/* What the application believes: its book. */
struct known {
    HCALL call;
    DWORD state, mode;
};

struct story {
    struct world *w;
    struct client app;
    HLINE line;
    bool batches;
    uint32_t random;
    struct sent sent[CALLS_MAX];
    uint32_t sent_count, live_count;
    uint32_t live[CALLS_MAX];
    struct known known[CALLS_MAX];
    uint32_t known_count;
    uint64_t unseen_told, missed_told;
    uint32_t resyncs, gaps, from_resync;
};

static uint32_t below(struct story *s, uint32_t n)
{
    s->random = s->random * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(s->random >> 8) * n >> 24);
}

/* ---- the exchange ------------------------------------------------------------------------------ */

static void begin_call(struct story *s)
{
    char caller[16];
    snprintf(caller, sizeof caller, "%u", s->sent_count);
    s->sent[s->sent_count] = (struct sent){.id = exchange_call(&s->w->exchange, 0, LINECALLSTATE_OFFERING, caller, "2"),
                                           .state = LINECALLSTATE_OFFERING};
    s->live[s->live_count++] = s->sent_count++;
}

static void change_call(struct story *s, struct sent *c)
{
    static const DWORD states[][2] = {{LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE},
                                      {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_INACTIVE},
                                      {LINECALLSTATE_ONHOLD, 0},
                                      {LINECALLSTATE_ACCEPTED, 0}};
    uint32_t i = below(s, 4);
    c->state = states[i][0];
    c->mode = states[i][1];
    exchange_state(&s->w->exchange, c->id, c->state, c->mode);
}

static void something_happens(struct story *s)
{
    uint32_t pick = s->live_count == 0 ? 0 : below(s, s->live_count);
    struct sent *c = s->live_count == 0 ? NULL : &s->sent[s->live[pick]];
    if (c == NULL || (s->live_count < 150 && s->sent_count < CALLS_MAX && below(s, 4) == 0)) {
        begin_call(s);
    } else if (s->live_count > 20 && below(s, 12) == 0) {
        exchange_end(&s->w->exchange, c->id);
        c->state = LINECALLSTATE_IDLE;
        c->mode = 0;
        c->ended = true;
        s->live[pick] = s->live[--s->live_count];
    } else {
        change_call(s, c);
    }
}

static uint64_t missed(struct story *s)
{
    struct cf_app_counters k;
    assert_error(cf_app_counters(s->app.app, &k), 0);
    return k.missed;
}

static void let_a_turn_pass(struct story *s)
{
    LINEDEVSTATUS status = {.dwTotalSize = sizeof status};
    assert_error(lineGetLineDevStatus(s->line, &status), 0);
}

/* Until the service has no room for it any more. The exchange reads its commands meanwhile. */
static void fall_behind(struct story *s, uint64_t by)
{
    uint64_t before = missed(s);
    for (uint32_t i = 0; missed(s) < before + by; i++) {
        assert_true(i < STEPS_MAX);
        for (uint32_t k = 0; k < CHANGES_PER_LOOK; k++)
            something_happens(s);
        exchange_has(&s->w->exchange, CF_CMD_REFUSED, UINT64_MAX);
        let_a_turn_pass(s);
    }
}

/* ---- the application --------------------------------------------------------------------------- */

static struct known *know(struct story *s, HCALL call)
{
    for (uint32_t i = 0; i < s->known_count; i++)
        if (s->known[i].call == call)
            return &s->known[i];
    assert_true(s->known_count < CALLS_MAX);
    s->known[s->known_count] = (struct known){.call = call};
    return &s->known[s->known_count++];
}

static void note_state(struct story *s, HCALL call, DWORD state, DWORD mode)
{
    struct known *k = know(s, call);
    if (state != LINECALLSTATE_IDLE) {
        k->state = state;
        k->mode = mode;
        return;
    }
    lineDeallocateCall(call);
    *k = s->known[--s->known_count];
}

static uint32_t serial_of(HCALL call)
{
    char memory[1024];
    LINECALLINFO *info = (LINECALLINFO *)(void *)memory;
    memset(memory, 0, sizeof memory);
    info->dwTotalSize = sizeof memory;
    assert_error(lineGetCallInfo(call, info), 0);
    assert_true(info->dwCallerIDSize > 1);
    return (uint32_t)atoi(memory + info->dwCallerIDOffset);
}

/* This is all that an application has to do. */
static void forget_and_list(struct story *s)
{
    struct cf_call_truth calls[7];
    uint64_t cursor = 0;
    uint32_t count;
    s->known_count = 0;
    do {
        assert_error(cf_list_calls(s->app.app, 0, &cursor, calls, 7, &count), 0);
        for (uint32_t i = 0; i < count; i++) {
            note_state(s, calls[i].hCall, calls[i].dwCallState, calls[i].dwCallStateMode);
            assert_true(calls[i].hLine == s->line);
            assert_int_equal(calls[i].dwCallPrivilege, MONITOR);
            s->from_resync += (calls[i].flags & CF_CALL_RESYNCED) != 0;
        }
    } while (cursor != 0);
}

static void on_message(struct story *s, const LINEMESSAGE *m)
{
    struct cf_resync r;
    switch (m->dwMessageID) {
    case LINE_APPNEWCALL:
        know(s, (HCALL)m->dwParam2);
        break;
    case LINE_CALLSTATE:
        note_state(s, m->hDevice, (DWORD)m->dwParam1, (DWORD)m->dwParam2);
        break;
    case CF_LINE_GAP:
        s->gaps++;
        break;
    case CF_LINE_RESYNC_END:
        s->resyncs++;
        assert_error(cf_resync_take(s->app.app, &r), 0);
        s->missed_told += r.missed;
        s->unseen_told += r.calls_unseen;
        assert_true(r.gaps == 0 || r.causes == CF_GAP_CAUSE_RING_FULL);
        assert_true(r.gaps == 0 || r.last_missed - r.first_missed + 1 >= r.gaps);
        forget_and_list(s);
        break;
    default:
        break;
    }
}

/* A call of which this was the first that it heard: marked in the exchange's record, while its handle lives. */
static void note_seen(struct story *s, HCALL call)
{
    uint32_t serial = serial_of(call);
    assert_true(serial < s->sent_count);
    assert_false(s->sent[serial].seen); /* announced once */
    s->sent[serial].seen = true;
}

/* Takes what is there, at most `most` messages. False: there was nothing. */
static bool take(struct story *s, uint32_t most)
{
    struct cf_batch_message b[BATCH];
    uint32_t count = 0;
    LINEMESSAGE m;
    if (!s->batches) {
        if (lineGetMessage(s->app.app, &m, 0) != 0)
            return false;
        if (m.dwMessageID == LINE_APPNEWCALL)
            note_seen(s, (HCALL)m.dwParam2);
        on_message(s, &m);
        return true;
    }
    assert_error(cf_line_get_messages(s->app.app, b, most < BATCH ? most : BATCH, 0, &count), 0);
    for (uint32_t i = 0; i < count; i++)
        if (b[i].dwMessageID == LINE_APPNEWCALL)
            note_seen(s, (HCALL)b[i].dwParam2);
    for (uint32_t i = 0; i < count; i++) {
        m = (LINEMESSAGE){.hDevice = b[i].hDevice,
                          .dwMessageID = b[i].dwMessageID,
                          .dwParam1 = b[i].dwParam1,
                          .dwParam2 = b[i].dwParam2,
                          .dwParam3 = b[i].dwParam3};
        LINECALLSTATUS status = {.dwTotalSize = sizeof status};
        /* a call that the list gave back already, left in the batch */
        HCALL call = m.dwMessageID == LINE_APPNEWCALL ? (HCALL)m.dwParam2 : m.hDevice;
        if ((m.dwMessageID == LINE_APPNEWCALL || m.dwMessageID == LINE_CALLSTATE) &&
            lineGetCallStatus(call, &status) == LINEERR_INVALCALLHANDLE)
            continue;
        on_message(s, &m);
    }
    return count != 0;
}

/* Reads until nothing is left to read and it was told of all that it missed. */
static void catch_up(struct story *s)
{
    for (int i = 0; i < 50; i++) {
        struct cf_app_counters k = {0};
        for (int quiet = 0; quiet < 20; quiet++) {
            if (take(s, BATCH))
                quiet = 0;
            exchange_has(&s->w->exchange, CF_CMD_REFUSED, UINT64_MAX);
            let_a_turn_pass(s);
        }
        assert_error(cf_app_counters(s->app.app, &k), 0);
        if (k.pending == 0 && k.missed == s->missed_told)
            return;
    }
    fail_msg("it does not come to rest: missed %llu, told %llu", (unsigned long long)missed(s),
             (unsigned long long)s->missed_told);
}

/* Its book, the list, lineGetCallStatus and the exchange's record say the same of every call. */
static void compare(struct story *s)
{
    struct cf_call_truth calls[64];
    uint64_t cursor = 0;
    uint32_t count, listed = 0;
    do {
        assert_error(cf_list_calls(s->app.app, s->line, &cursor, calls, 64, &count), 0);
        for (uint32_t i = 0; i < count; i++, listed++) {
            const struct cf_call_truth *t = &calls[i];
            const struct sent *c = &s->sent[serial_of(t->hCall)];
            const struct known *k = know(s, t->hCall);
            LINECALLSTATUS status = {.dwTotalSize = sizeof status};
            assert_error(lineGetCallStatus(t->hCall, &status), 0);
            if (t->dwCallState != c->state || t->dwCallStateMode != c->mode || k->state != c->state ||
                k->mode != c->mode || status.dwCallState != c->state || status.dwCallStateMode != c->mode)
                fail_msg("call %ld: sent %s %x, listed %s %x, in the book %s %x, status %s %x", (long)(c - s->sent),
                         cf_call_state_name(c->state), c->mode, cf_call_state_name(t->dwCallState), t->dwCallStateMode,
                         cf_call_state_name(k->state), k->mode, cf_call_state_name(status.dwCallState),
                         status.dwCallStateMode);
            assert_true(t->seq != 0 && t->state_time_ns != 0);
            assert_true(c->seen);
        }
    } while (cursor != 0);
    assert_int_equal(listed, s->live_count);
    assert_int_equal(s->known_count, s->live_count);
    uint64_t unseen = 0;
    for (uint32_t i = 0; i < s->sent_count; i++)
        unseen += s->sent[i].ended && !s->sent[i].seen;
    assert_int_equal(s->unseen_told, unseen);
}

static void outages(struct world *w, bool batches)
{
    static struct story story;
    struct story *s = &story;
    struct cf_init_options o = {.size = sizeof o, .ring_bytes = 64 << 10};
    DWORD devices, version = TAPI_CURRENT_VERSION;
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    memset(s, 0, sizeof *s);
    s->w = w;
    s->batches = batches;
    s->random = 1;
    s->app.api_version = TAPI_CURRENT_VERSION;
    assert_error(cf_line_initialize(&s->app.app, NULL, "slow", &devices, &version, &params, &o), 0);
    s->line = client_open(&s->app, 0, MONITOR);
    assert_error(lineSetStatusMessages(s->line, 0, 0), 0);
    for (int i = 0; i < OUTAGES; i++) {
        fall_behind(s, 200);
        if (i % 2 == 1) { /* it reads on a little, in the middle of what it is told, and falls behind again */
            for (uint32_t k = 0; k < 700 / BATCH * (s->batches ? 1u : BATCH); k++)
                take(s, BATCH);
            fall_behind(s, 100);
        }
        catch_up(s);
        compare(s);
    }
    assert_true(s->gaps >= OUTAGES && s->resyncs >= OUTAGES && s->from_resync > 0);
    for (uint32_t i = 0; i < s->sent_count; i++)
        if (!s->sent[i].ended) {
            exchange_end(&w->exchange, s->sent[i].id);
            exchange_has(&w->exchange, CF_CMD_REFUSED, UINT64_MAX);
        }
    client_leave(&s->app);
    for (int i = 0; i < 2000 && service_status(&w->service, "totals.calls_live") != 0; i++)
        exchange_has(&w->exchange, CF_CMD_REFUSED, UINT64_MAX);
}

static void message_by_message(void **state)
{
    outages(*state, false);
}

static void in_batches(void **state)
{
    outages(*state, true);
}

static void what_the_functions_refuse(void **state)
{
    struct client c;
    HLINE line = client_start(&c, MONITOR);
    struct cf_call_truth t;
    struct cf_resync r;
    uint64_t cursor = 0;
    uint32_t count = 77;
    (void)state;
    assert_error(cf_list_calls(c.app + 1, 0, &cursor, &t, 1, &count), LINEERR_INVALAPPHANDLE);
    assert_error(cf_list_calls(c.app, line + (UINT64_C(2) << 32), &cursor, &t, 1, &count), LINEERR_INVALLINEHANDLE);
    assert_error(cf_list_calls(c.app, 0, &cursor, &t, 0, &count), LINEERR_INVALPARAM);
    assert_error(cf_list_calls(c.app, 0, NULL, &t, 1, &count), LINEERR_INVALPOINTER);
    assert_error(cf_list_calls(c.app, line, &cursor, &t, 1, &count), 0);
    assert_int_equal(count, 0);
    assert_true(cursor == 0);
    assert_error(cf_resync_take(c.app, NULL), LINEERR_INVALPOINTER);
    assert_error(cf_resync_take(c.app, &r), 0);
    assert_true(r.gaps == 0 && r.missed == 0 && r.resyncs == 0 && r.under_way == 0);
    client_leave(&c);
    assert_error(cf_resync_take(c.app, &r), LINEERR_UNINITIALIZED);
}

RUN_IN_WORLD(cmocka_unit_test(what_the_functions_refuse), cmocka_unit_test(message_by_message),
             cmocka_unit_test(in_batches))
