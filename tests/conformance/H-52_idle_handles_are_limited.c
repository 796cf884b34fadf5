/*
 * H-52: only the application frees its handles. One that keeps more handles of ended calls than the limit is told of no new calls until it
 * has given half of them back, and then of those that live; beyond twice the limit its lines are closed by force. The others lose nothing.
 */
#include "tests/support/conformance.h"

enum { LIMIT = 64, HANDLES = 256, ENDED = 40, CALLS_MAX = 400 };

static int set_up_limited(void **state)
{
    static struct world w;
    service_start(&w.service, "idle_handles_max = 64\nhandles = 256\n" EXCHANGE_SECTION_PATIENT);
    exchange_attach(&w.exchange, WORLD_LINES);
    service_wait_status(&w.service, "totals.lines", WORLD_LINES);
    *state = &w;
    return 0;
}

/* The application that keeps its handles, by a name of its own in the status. */
static HLINE leaky_start(struct client *c)
{
    DWORD devices = 0, version = TAPI_CURRENT_VERSION;
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    *c = (struct client){.api_version = TAPI_CURRENT_VERSION, .instance = 7};
    assert_error(lineInitializeEx(&c->app, NULL, NULL, "leaky", &devices, &version, &params), 0);
    return client_open(c, 0, MONITOR);
}

/* The exchange's calls, and the handles of an application that gives all of them back in time. */
struct traffic {
    struct world *w;
    struct client tidy;
    HLINE line;
    uint64_t id[CALLS_MAX];
    HCALL call[CALLS_MAX];
    unsigned begun, ended;
};

static void traffic_start(struct traffic *t, struct world *w)
{
    *t = (struct traffic){.w = w};
    t->line = client_start(&t->tidy, MONITOR);
}

static void begin(struct traffic *t, unsigned calls)
{
    for (unsigned i = 0; i < calls; i++, t->begun++) {
        t->id[t->begun] = exchange_call(&t->w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
        t->call[t->begun] = client_new_call(&t->tidy, t->line, MONITOR, LINECALLSTATE_OFFERING);
    }
}

static void end(struct traffic *t, unsigned calls)
{
    for (unsigned i = 0; i < calls; i++, t->ended++) {
        exchange_end(&t->w->exchange, t->id[t->ended]);
        client_state(&t->tidy, t->call[t->ended], LINECALLSTATE_DISCONNECTED);
        client_state(&t->tidy, t->call[t->ended], LINECALLSTATE_IDLE);
        assert_error(lineDeallocateCall(t->call[t->ended]), 0);
    }
}

/* The calls end before the other one leaves: who monitors them is nobody's news then (H-37). */
static void traffic_stop(struct traffic *t, struct client *other)
{
    end(t, t->begun - t->ended);
    client_leave(other);
    client_nothing(&t->tidy, t->w, 0); /* it lost nothing and nothing came twice */
    struct cf_resync r;
    assert_error(cf_resync_take(t->tidy.app, &r), 0);
    assert_int_equal(r.missed, 0);
    client_leave(&t->tidy);
    service_wait_status(&t->w->service, "totals.handles_live", 0);
    for (unsigned i = 0; i < t->begun; i++)
        exchange_command_of(&t->w->exchange, CF_CMD_CLOSE_CALL, t->id[i]);
}

/* Everything that has come for the application that keeps its handles. */
struct heard {
    unsigned announced, idle, gaps, resyncs, closes;
    uint64_t missed, cause, unseen;
    HCALL kept[CALLS_MAX];
};

static void hear(struct client *c, struct world *w, struct heard *h)
{
    uint32_t marker = exchange_mark(&w->exchange, 1); /* it has that line open too, and is in step */
    for (;;) {
        LINEMESSAGE m;
        assert_error(lineGetMessage(c->app, &m, 30000), 0);
        if (m.dwMessageID == LINE_LINEDEVSTATE && m.dwParam2 == marker)
            return;
        if (m.dwMessageID == LINE_APPNEWCALL)
            h->kept[h->announced++] = (HCALL)m.dwParam2;
        h->idle += m.dwMessageID == LINE_CALLSTATE && m.dwParam1 == LINECALLSTATE_IDLE;
        h->closes += m.dwMessageID == LINE_CLOSE;
        h->resyncs += m.dwMessageID == CF_LINE_RESYNC_END;
        h->unseen += m.dwMessageID == CF_LINE_RESYNC_END ? m.dwParam3 : 0;
        if (m.dwMessageID == CF_LINE_GAP) {
            h->gaps++;
            h->missed += m.dwParam2 - m.dwParam1 + 1;
            h->cause = m.dwParam3;
        }
    }
}

static void beyond_the_limit_no_call_is_told_until_half_is_given_back(void **state)
{
    struct world *w = *state;
    static struct traffic t;
    struct client leaky;
    struct heard h = {0};
    traffic_start(&t, w);
    leaky_start(&leaky);
    client_open(&leaky, 1, MONITOR);
    begin(&t, LIMIT);
    end(&t, LIMIT);
    hear(&leaky, w, &h);
    assert_int_equal(h.announced, LIMIT);
    assert_int_equal(h.idle, LIMIT);
    begin(&t, 10); /* three of them end before it may hear of any */
    end(&t, 3);
    hear(&leaky, w, &h);
    assert_int_equal(h.announced, LIMIT);
    assert_int_equal(h.gaps, 0);
    service_wait_status(&w->service, "ports.leaky.calls_unseen", 3);
    assert_int_equal(service_status(&w->service, "ports.leaky.missed"), 10 * 2);
    assert_int_equal(service_status(&w->service, "ports.leaky.behind"), 0);
    for (unsigned i = 0; i < LIMIT / 2 - 1; i++)
        assert_error(lineDeallocateCall(h.kept[i]), 0);
    service_wait_status(&w->service, "ports.leaky.handles", LIMIT / 2 + 1);
    hear(&leaky, w, &h);
    assert_int_equal(h.gaps, 0); /* one is too many still */
    assert_error(lineDeallocateCall(h.kept[LIMIT - 1]), 0);
    service_wait_status(&w->service, "ports.leaky.handles", LIMIT / 2 + 7);
    hear(&leaky, w, &h);
    assert_int_equal(h.gaps, 1);
    assert_int_equal(h.cause, CF_GAP_CAUSE_HANDLES);
    assert_int_equal(h.missed, 10 * 2);
    assert_int_equal(h.resyncs, 1);
    assert_int_equal(h.unseen, 3);
    assert_int_equal(h.announced, LIMIT + 7);
    traffic_stop(&t, &leaky);
}

static void beyond_twice_the_limit_its_lines_are_closed(void **state)
{
    struct world *w = *state;
    static struct traffic t;
    struct client leaky;
    struct heard h = {0};
    traffic_start(&t, w);
    HLINE line = leaky_start(&leaky);
    client_open(&leaky, 1, MONITOR);
    begin(&t, 2 * LIMIT + 1); /* all at once: they count when they are IDLE */
    end(&t, 2 * LIMIT);
    hear(&leaky, w, &h);
    assert_int_equal(h.announced, 2 * LIMIT + 1);
    assert_int_equal(h.closes, 0);
    end(&t, 1);
    while (h.closes < 2) { /* no marker comes after the last of them */
        LINEMESSAGE m;
        assert_error(lineGetMessage(leaky.app, &m, 30000), 0);
        h.closes += m.dwMessageID == LINE_CLOSE;
    }
    service_wait_status(&w->service, "ports.leaky.handles", 0);
    assert_int_equal(service_status(&w->service, "ports.leaky.open_lines"), 0);
    assert_call_void(h.kept[0]);
    assert_error(lineClose(line), LINEERR_INVALLINEHANDLE);
    line = client_open(&leaky, 0, MONITOR); /* it may begin anew */
    begin(&t, 1);
    client_new_call(&leaky, line, MONITOR, LINECALLSTATE_OFFERING);
    traffic_stop(&t, &leaky);
}

/* More live calls than it may have handles: counted, and told when it has given some back. */
static void without_a_free_handle_a_call_is_told_later(void **state)
{
    struct world *w = *state;
    static struct traffic t;
    struct client leaky;
    struct heard h = {0};
    int64_t refused = service_status(&w->service, "totals.handles_refused");
    traffic_start(&t, w);
    leaky_start(&leaky);
    client_open(&leaky, 1, MONITOR);
    begin(&t, HANDLES);
    end(&t, 1); /* the other one makes room for the next, this one does not */
    begin(&t, 1);
    hear(&leaky, w, &h);
    assert_int_equal(h.announced, HANDLES);
    assert_int_equal(h.gaps, 0);
    assert_int_equal(service_status(&w->service, "totals.handles_refused"), refused + 1);
    end(&t, ENDED - 1);
    for (unsigned i = 0; i < ENDED; i++)
        assert_error(lineDeallocateCall(h.kept[i]), 0);
    service_wait_status(&w->service, "ports.leaky.handles", HANDLES - ENDED + 1);
    hear(&leaky, w, &h);
    assert_int_equal(h.announced, HANDLES + 1);
    assert_int_equal(h.cause, CF_GAP_CAUSE_HANDLES);
    assert_int_equal(h.missed, 2);
    assert_int_equal(h.unseen, 0);
    for (unsigned i = ENDED; i < HANDLES; i++) { /* from here on it is tidy */
        end(&t, 1);
        assert_error(lineDeallocateCall(h.kept[i]), 0);
    }
    traffic_stop(&t, &leaky);
}

/* A request that crosses the close of its line is of a void handle; it is counted and harms nobody. */
static void a_request_that_crosses_a_forced_close_is_counted(void **state)
{
    struct world *w = *state;
    struct client c;
    client_join(&c);
    HLINE line = client_open(&c, 2, MONITOR | OWNER);
    uint64_t id = exchange_call(&w->exchange, 2, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&c, line, OWNER, LINECALLSTATE_OFFERING);
    int64_t stale = service_status(&w->service, "totals.stale_requests");
    exchange_line_close(&w->exchange, 2);
    service_wait_status(&w->service, "totals.opens", 0);
    assert_true(lineDrop(call, NULL, 0) > 0); /* it has not read of the close yet */
    service_wait_status(&w->service, "totals.stale_requests", stale + 1);
    client_expect(&c, LINE_CLOSE);
    assert_call_void(call);
    LINEMESSAGE m;
    assert_error(lineGetMessage(c.app, &m, 0), LINEERR_OPERATIONFAILED); /* and no LINE_REPLY of a closed line (H-62) */
    client_leave(&c);
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beyond_the_limit_no_call_is_told_until_half_is_given_back),
        cmocka_unit_test(beyond_twice_the_limit_its_lines_are_closed),
        cmocka_unit_test(without_a_free_handle_a_call_is_told_later),
        cmocka_unit_test(a_request_that_crosses_a_forced_close_is_counted),
    };
    return cmocka_run_group_tests(tests, set_up_limited, world_tear_down);
}
