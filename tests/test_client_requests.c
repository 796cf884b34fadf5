/* Requests of libcallfan: answers, asynchronous ids, full rings, lists of calls, opening; many threads at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/fake_app.h"

#define OWNER   LINECALLPRIVILEGE_OWNER
#define MONITOR LINECALLPRIVILEGE_MONITOR
#define V22     CF_TAPI_VERSION_2_2

static LONG status_error(HCALL call)
{
    LINECALLSTATUS s = {.dwTotalSize = sizeof s};
    return lineGetCallStatus(call, &s);
}

/* ------------------------------------------------------------------ devices */

static void devices_answer(void **state)
{
    struct fake_app *a = *state;
    LINEDEVCAPS caps = {.dwTotalSize = sizeof caps};
    LINEADDRESSCAPS address = {.dwTotalSize = sizeof address};
    LINEEXTENSIONID ext = {1, 2, 3, 4};
    DWORD version = 0;
    assert_int_equal(lineNegotiateAPIVersion(a->app, 1, CF_TAPI_VERSION_1_3, 0x00030000, &version, &ext), 0);
    assert_int_equal(version, V22);
    assert_int_equal(ext.dwExtensionID0 | ext.dwExtensionID3, 0);
    assert_int_equal(lineNegotiateAPIVersion(a->app, 1, 0x00030000, 0x00030001, &version, NULL),
                     LINEERR_INCOMPATIBLEAPIVERSION);
    assert_int_equal(lineNegotiateAPIVersion(a->app, 99, CF_TAPI_VERSION_1_3, V22, &version, NULL),
                     LINEERR_BADDEVICEID);
    assert_int_equal(lineNegotiateAPIVersion(a->app, 1, CF_TAPI_VERSION_1_3, V22, NULL, NULL), LINEERR_INVALPOINTER);
    assert_int_equal(lineGetDevCaps(a->app, 2, V22, 0, &caps), 0);
    assert_int_equal(caps.dwPermanentLineID, 102);
    assert_true(caps.dwNeededSize > caps.dwUsedSize);
    assert_int_equal(lineGetDevCaps(a->app, 2, V22, 1, &caps), LINEERR_INCOMPATIBLEEXTVERSION);
    assert_int_equal(lineGetDevCaps(a->app, 2, 0x00020005, 0, &caps), LINEERR_INCOMPATIBLEAPIVERSION);
    assert_int_equal(lineGetDevCaps(a->app, 2, V22, 0, NULL), LINEERR_INVALPOINTER);
    assert_int_equal(lineGetDevCaps(a->app, FAKE_DEVICES, V22, 0, &caps), LINEERR_BADDEVICEID);
    assert_int_equal(lineGetAddressCaps(a->app, 2, 0, V22, 0, &address), 0);
    assert_int_equal(lineGetAddressCaps(a->app, 2, 1, V22, 0, &address), LINEERR_INVALADDRESSID);
    assert_int_equal(lineGetDevCaps(a->app + 1, 2, V22, 0, &caps), LINEERR_INVALAPPHANDLE);
}

static void status_of_a_line(void **state)
{
    struct fake_app *a = *state;
    LINEDEVSTATUS s = {.dwTotalSize = sizeof s};
    DWORD lines = 9, addresses = 9;
    assert_int_equal(lineGetLineDevStatus(a->line, &s), 0);
    assert_int_equal(s.dwNumActiveCalls, 2);
    assert_int_equal(s.dwLineFeatures, LINEFEATURE_MAKECALL);
    assert_int_equal(s.dwDevStatusFlags, LINEDEVSTATUSFLAGS_CONNECTED | LINEDEVSTATUSFLAGS_INSERVICE);
    assert_int_equal(lineGetStatusMessages(a->line, &lines, &addresses), 0);
    assert_int_equal(lines | addresses, 0); /* none at first */
    assert_int_equal(lineSetStatusMessages(a->line, LINEDEVSTATE_OPEN, LINEADDRESSSTATE_NUMCALLS), 0);
    struct cf_message m = fake_await(a->port, CF_REQ_STATUS_MESSAGES, 0);
    assert_true(m.device == a->line && m.param1 == LINEDEVSTATE_OPEN && m.param2 == LINEADDRESSSTATE_NUMCALLS);
    assert_int_equal(lineSetStatusMessages(a->line, 0x02000000, 0), LINEERR_INVALLINESTATE);
    assert_int_equal(lineSetStatusMessages(a->line, 0, 0x00000200), LINEERR_INVALADDRESSSTATE);
    assert_int_equal(fake_count(a->port, CF_REQ_STATUS_MESSAGES), 1);
    assert_int_equal(lineGetStatusMessages(a->line, &lines, &addresses), 0);
    assert_int_equal(lines, LINEDEVSTATE_OPEN);
    assert_int_equal(addresses, LINEADDRESSSTATE_NUMCALLS);
    assert_int_equal(lineGetStatusMessages(a->line, NULL, &addresses), LINEERR_INVALPOINTER);
}

/* ------------------------------------------------------------------ opening */

static bool fail_open(struct fake_port *port, const struct cf_record *r, void *arg)
{
    if (r->m.id != CF_REQ_OPEN)
        return false;
    fake_answer(port, &r->m, r->m.param1 % 2 == 0 ? *(int32_t *)arg : 0, NULL, 0);
    return true;
}

static void open_checks_and_passes_its_arguments(void **state)
{
    struct fake_app *a = *state;
    HLINE line = 1;
    LINECALLPARAMS p = {.dwTotalSize = sizeof p, .dwAddressMode = LINEADDRESSMODE_ADDRESSID, .dwAddressID = 6};
    const DWORD single = LINEOPENOPTION_SINGLEADDRESS;
    assert_int_equal(lineOpen(a->app, 1, NULL, V22, 0, 0, MONITOR, 0, NULL), LINEERR_INVALPOINTER);
    assert_int_equal(lineOpen(a->app, 1, &line, 0x00040000, 0, 0, MONITOR, 0, NULL), LINEERR_INCOMPATIBLEAPIVERSION);
    assert_int_equal(lineOpen(a->app, 1, &line, V22, 1, 0, MONITOR, 0, NULL), LINEERR_INCOMPATIBLEEXTVERSION);
    assert_int_equal(lineOpen(a->app, 1, &line, V22, 0, 0, 0, 0, NULL), LINEERR_INVALPRIVSELECT);
    assert_int_equal(lineOpen(a->app, 1, &line, V22, 0, 0, OWNER | LINECALLPRIVILEGE_NONE, 4, NULL),
                     LINEERR_INVALPRIVSELECT);
    assert_int_equal(lineOpen(a->app, 1, &line, V22, 0, 0, 8, 4, NULL), LINEERR_INVALPRIVSELECT);
    assert_int_equal(lineOpen(a->app, 1, &line, V22, 0, 0, OWNER, 0, NULL), LINEERR_INVALMEDIAMODE);
    assert_int_equal(lineOpen(a->app, 1, &line, V22, 0, 0, OWNER, 0x40000000, NULL), LINEERR_INVALMEDIAMODE);
    assert_int_equal(lineOpen(a->app, 1, &line, V22, 0, 0, OWNER | LINEOPENOPTION_PROXY, 4, NULL),
                     LINEERR_OPERATIONUNAVAIL);
    assert_int_equal(lineOpen(a->app, 1, &line, V22, 0, 0, OWNER | single, 4, NULL), LINEERR_INVALPOINTER);
    p.dwTotalSize = 175;
    assert_int_equal(lineOpen(a->app, 1, &line, V22, 0, 0, OWNER | single, 4, &p), LINEERR_STRUCTURETOOSMALL);
    assert_int_equal(fake_count(a->port, CF_REQ_OPEN), 1); /* the fixture's */
    assert_true(line == 1);
    p.dwTotalSize = sizeof p;
    assert_int_equal(lineOpen(a->app, 3, &line, V22, 0, 5, MONITOR | OWNER | single, 4, &p), 0);
    struct cf_message m = fake_await(a->port, CF_REQ_OPEN, 1);
    assert_true(m.device == line && m.param1 == 3);
    assert_true(m.param2 == ((uint64_t)4 << 32 | MONITOR | OWNER | single));
    assert_true(m.param3 == ((uint64_t)6 << 32 | V22));
    assert_int_equal(m.open_line, cf_handle_slot(line));
}

static void refused_open_leaves_no_line(void **state)
{
    struct fake_app *a = *state;
    int32_t error = LINEERR_RESOURCEUNAVAIL;
    HLINE line = 1;
    fake_on_request(a->core, fail_open, &error);
    assert_int_equal(lineOpen(a->app, 2, &line, V22, 0, 0, MONITOR, 0, NULL), LINEERR_RESOURCEUNAVAIL);
    assert_true(line == 1);
    struct cf_message m = fake_await(a->port, CF_REQ_OPEN, 1);
    assert_int_equal(lineClose(m.device), LINEERR_INVALLINEHANDLE);
    assert_int_equal(fake_count(a->port, CF_REQ_CLOSE), 0);
    assert_int_equal(lineOpen(a->app, LINEMAPPER, &line, V22, 0, 0, MONITOR, 0, NULL), 0); /* 0 is refused, 1 is not */
    assert_int_equal(fake_await(a->port, CF_REQ_OPEN, 3).param1, 1);
    assert_int_equal(lineOpen(a->app, LINEMAPPER, &line, V22, 0, 0, OWNER, LINEMEDIAMODE_G3FAX, NULL),
                     LINEERR_LINEMAPPERFAILED);
}

static void many_lines_open_in_one_pass(void **state)
{
    struct fake_app *a = *state;
    int32_t error = LINEERR_NODEVICE;
    DWORD ids[500];
    HLINE lines[500];
    LONG errors[500];
    for (DWORD i = 0; i < 500; i++)
        ids[i] = i;
    fake_on_request(a->core, fail_open, &error);
    assert_int_equal(cf_line_open_many(a->app, ids, 500, lines, errors, V22, 7, MONITOR, 0), 250);
    for (DWORD i = 0; i < 500; i++) {
        assert_int_equal(errors[i], i % 2 == 0 ? LINEERR_NODEVICE : 0);
        assert_int_equal(lines[i] != 0, i % 2 == 1);
    }
    fake_message(a->port, LINE_LINEDEVSTATE, lines[499], LINEDEVSTATE_OPEN, 0, 0, cf_handle_slot(lines[499]));
    LINEMESSAGE m = fake_app_next(a);
    assert_true(m.hDevice == lines[499] && m.dwCallbackInstance == 7);
    assert_int_equal(cf_line_open_many(a->app, ids, 1, NULL, NULL, V22, 7, MONITOR, 0), LINEERR_INVALPOINTER);
    assert_int_equal(cf_line_open_many(a->app, ids, 1, lines, NULL, V22, 7, 0, 0), LINEERR_INVALPRIVSELECT);
    assert_int_equal(cf_line_open_many(a->app, NULL, 0, NULL, NULL, V22, 7, MONITOR, 0), 0);
}

/* ------------------------------------------------------------------ lineMakeCall and the others */

static struct cf_record kept;

static bool keep_record(struct fake_port *port, const struct cf_record *r, void *arg)
{
    (void)port;
    if (r->m.id != *(uint16_t *)arg)
        return false;
    kept = *r;
    return true;
}

static void make_call_sends_what_it_was_given(void **state)
{
    struct fake_app *a = *state;
    static uint16_t id = CF_REQ_MAKE_CALL; /* outlives the test: the farewell is looked at with it */
    HCALL call;
    struct {
        LINECALLPARAMS p;
        char user_user[5];
    } params = {.p = {.dwTotalSize = sizeof params,
                      .dwMinRate = 1,
                      .dwMaxRate = 2,
                      .dwCallParamFlags = LINECALLPARAMFLAGS_IDLE,
                      .dwAddressMode = LINEADDRESSMODE_ADDRESSID,
                      .dwAddressID = 3,
                      .dwUserUserInfoSize = 5,
                      .dwUserUserInfoOffset = sizeof params.p,
                      .dwNoAnswerTimeout = 30},
                .user_user = "hello"};
    fake_on_request(a->core, keep_record, &id);
    LONG request = lineMakeCall(a->line, &call, "5551234", 44, &params.p);
    assert_true(request > 0);
    fake_await(a->port, CF_REQ_MAKE_CALL, 0);
    assert_true(kept.m.device == a->line && kept.m.param2 == 44 && kept.m.param1 == (DWORD)request);
    struct cf_field f = {0};
    struct cf_call_params p;
    assert_true(cf_fields_find(&kept, CF_FIELD_DESTINATION, &f));
    assert_int_equal(f.bytes, 7);
    assert_memory_equal(f.data, "5551234", 7);
    assert_true(cf_fields_find(&kept, CF_FIELD_USER_USER, &f));
    assert_int_equal(f.bytes, 5);
    assert_memory_equal(f.data, "hello", 5);
    assert_true(cf_fields_find(&kept, CF_FIELD_CALL_PARAMS, &f));
    assert_int_equal(f.bytes, sizeof p);
    memcpy(&p, f.data, sizeof p);
    assert_int_equal(p.bearer_mode, LINEBEARERMODE_VOICE); /* 0 is voice */
    assert_int_equal(p.media_mode, LINEMEDIAMODE_INTERACTIVEVOICE);
    assert_int_equal(p.address_id, 3);
    assert_int_equal(p.no_answer_timeout_s, 30);
    assert_int_equal(p.call_param_flags, LINECALLPARAMFLAGS_IDLE);
}

static void make_call_refuses_what_cannot_be(void **state)
{
    struct fake_app *a = *state;
    HCALL call;
    char number[300];
    LINECALLPARAMS p = {.dwTotalSize = sizeof p - 1};
    memset(number, '1', sizeof number - 1);
    number[sizeof number - 1] = '\0';
    assert_int_equal(lineMakeCall(a->line, NULL, "1", 0, NULL), LINEERR_INVALPOINTER);
    assert_int_equal(lineMakeCall(a->line + 1, &call, "1", 0, NULL), LINEERR_INVALLINEHANDLE);
    assert_int_equal(lineMakeCall(a->line, &call, number, 0, NULL), LINEERR_INVALADDRESS);
    assert_int_equal(lineMakeCall(a->line, &call, "1", 0, &p), LINEERR_STRUCTURETOOSMALL);
    p = (LINECALLPARAMS){.dwTotalSize = sizeof p, .dwAddressMode = LINEADDRESSMODE_DIALABLEADDR | LINEADDRESSMODE_ADDRESSID};
    assert_int_equal(lineMakeCall(a->line, &call, "1", 0, &p), LINEERR_INVALADDRESSMODE);
    p = (LINECALLPARAMS){.dwTotalSize = sizeof p, .dwMinRate = 2, .dwMaxRate = 1};
    assert_int_equal(lineMakeCall(a->line, &call, "1", 0, &p), LINEERR_INVALRATE);
    p = (LINECALLPARAMS){.dwTotalSize = sizeof p, .dwUserUserInfoSize = 1, .dwUserUserInfoOffset = sizeof p};
    assert_int_equal(lineMakeCall(a->line, &call, "1", 0, &p), LINEERR_INVALCALLPARAMS);
    p.dwUserUserInfoOffset = 0xFFFFFFFF;
    assert_int_equal(lineMakeCall(a->line, &call, "1", 0, &p), LINEERR_INVALCALLPARAMS);
    assert_true(lineMakeCall(a->line, &call, NULL, 0, NULL) > 0);
    HCALL got = fake_app_announce(a, 0, 1, OWNER);
    assert_int_equal(lineAccept(got, NULL, 1), LINEERR_INVALPOINTER);
    assert_int_equal(lineDrop(got, number, 129), LINEERR_USERUSERINFOTOOBIG);
    assert_true(lineAnswer(got, number, 128) > 0);
    assert_int_equal(fake_await(a->port, CF_REQ_ANSWER, 0).flags, CF_NO_REPLY);
    assert_int_equal(fake_count(a->port, CF_REQ_MAKE_CALL), 1);
}

/* What the fake core's ring of 1,024 slots has room for the replies of. */
#define REQUESTS_MAX 256

static int by_value(const void *left, const void *right)
{
    LONG l = *(const LONG *)left, r = *(const LONG *)right;
    return l < r ? -1 : l > r;
}

static void outstanding_requests_are_bounded_and_unique(void **state)
{
    struct fake_app *a = *state;
    static LONG ids[REQUESTS_MAX];
    HCALL call = fake_app_announce(a, 0, 1, OWNER), made;
    for (uint32_t i = 0; i < REQUESTS_MAX; i++) {
        ids[i] = i % 2 == 0 ? lineDrop(call, NULL, 0) : lineMakeCall(a->line, &made, "1", 0, NULL);
        assert_true(ids[i] > 0);
    }
    assert_int_equal(lineDrop(call, NULL, 0), LINEERR_REQUESTOVERRUN);
    assert_int_equal(lineMakeCall(a->line, &made, "1", 0, NULL), LINEERR_REQUESTOVERRUN);
    fake_message(a->port, LINE_REPLY, 0, (DWORD)ids[200], 0, 0, cf_handle_slot(a->line));
    assert_int_equal((LONG)fake_app_next(a).dwParam1, ids[200]);
    LONG next = lineDrop(call, NULL, 0); /* one has ended: one may begin, with an id of its own */
    assert_true(next > 0);
    assert_int_equal(lineDrop(call, NULL, 0), LINEERR_REQUESTOVERRUN);
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        assert_int_not_equal(next, ids[i]);
    qsort(ids, REQUESTS_MAX, sizeof ids[0], by_value);
    for (uint32_t i = 1; i < REQUESTS_MAX; i++)
        assert_true(ids[i - 1] < ids[i]);
    assert_int_equal(lineClose(a->line), 0); /* nobody will answer them: they do not stay outstanding */
    HLINE line = fake_app_open(a, 1, V22, 1);
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        assert_true(lineMakeCall(line, &made, "1", 0, NULL) > 0);
    assert_int_equal(lineMakeCall(line, &made, "1", 0, NULL), LINEERR_REQUESTOVERRUN);
}

/* Their replies have room in the ring: the larger it is the more there may be, up to CF_REQUESTS_PER_PORT_MAX. */
static void a_larger_ring_has_room_for_more_requests(void **state)
{
    struct fake_app *a = calloc(1, sizeof *a);
    HCALL made;
    (void)state;
    a->core = fake_core_start();
    a->core->down_ring_slots = 8 * CF_REQUESTS_PER_PORT_MAX;
    assert_int_equal(fake_app_join(a, NULL, V22), 0);
    a->line = fake_app_open(a, 1, V22, FAKE_INSTANCE);
    for (uint32_t i = 0; i < CF_REQUESTS_PER_PORT_MAX; i++)
        assert_true(lineMakeCall(a->line, &made, "1", 0, NULL) > 0);
    assert_int_equal(lineMakeCall(a->line, &made, "1", 0, NULL), LINEERR_REQUESTOVERRUN);
    fake_app_free(a);
}

/* ------------------------------------------------------------------ many threads */

struct asker {
    struct fake_app *a;
    uint32_t number, rounds, bad;
};

static void *ask_devices(void *arg)
{
    struct asker *k = arg;
    for (uint32_t i = 0; i < k->rounds; i++) {
        DWORD id = (k->number + i) % FAKE_DEVICES;
        LINEDEVCAPS caps = {.dwTotalSize = sizeof caps};
        k->bad += lineGetDevCaps(k->a->app, id, V22, 0, &caps) != 0 || caps.dwPermanentLineID != 100 + id;
    }
    return NULL;
}

static void each_thread_gets_its_own_answer(void **state)
{
    struct fake_app *a = *state;
    enum { THREADS = 80 }; /* more than reply slots */
    static struct asker askers[THREADS];
    pthread_t threads[THREADS];
    uint32_t before = fake_log_count(a->port);
    fake_hold(a->port, true); /* all of them come together */
    for (uint32_t i = 0; i < THREADS; i++) {
        askers[i] = (struct asker){a, i, 20, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_devices, &askers[i]), 0);
    }
    while (__builtin_popcountll(cf_load_acquire_64(&a->port->up->reply_waiting)) < CF_REPLY_SLOTS)
        cf_pause();
    fake_hold(a->port, false);
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].bad, 0);
    }
    assert_int_equal(fake_await(a->port, CF_REQ_DEV_CAPS, THREADS * 20 - 1).id, CF_REQ_DEV_CAPS);
    assert_int_equal(fake_log_count(a->port), before + THREADS * 20);
    assert_true(fake_log_dense(a->port));
    assert_int_equal(cf_load_acquire_64(&a->port->up->reply_waiting), 0);
}

struct releaser {
    const HCALL *calls;
    uint32_t count, won, start;
    uint32_t *go;
};

static void *release_all(void *arg)
{
    struct releaser *r = arg;
    while (cf_load_acquire_32(r->go) == 0)
        cf_pause();
    for (uint32_t i = 0; i < r->count; i++) {
        HCALL call = r->calls[(r->start + i) % r->count];
        LONG result = lineDeallocateCall(call);
        r->won += result == 0;
        if (result != 0 && result != LINEERR_INVALCALLHANDLE)
            r->won += 1000000;
        if (status_error(call) != LINEERR_INVALCALLHANDLE) /* void for everybody from then on */
            r->won += 1000000;
    }
    return NULL;
}

static void one_of_several_threads_releases_a_handle(void **state)
{
    struct fake_app *a = *state;
    enum { CALLS = 400, THREADS = 4 };
    static HCALL calls[CALLS];
    struct releaser r[THREADS];
    pthread_t threads[THREADS];
    uint32_t go = 0, won = 0;
    for (uint32_t i = 0; i < CALLS; i++)
        calls[i] = fake_app_announce(a, i, 1, MONITOR);
    for (uint32_t i = 0; i < THREADS; i++) {
        r[i] = (struct releaser){calls, CALLS, 0, i % 2 * 3, &go};
        assert_int_equal(pthread_create(&threads[i], NULL, release_all, &r[i]), 0);
    }
    cf_store_release_32(&go, 1);
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        won += r[i].won;
    }
    assert_int_equal(won, CALLS);
    fake_await(a->port, CF_REQ_RELEASE, CALLS - 1);
    assert_int_equal(fake_count(a->port, CF_REQ_RELEASE), CALLS);
}

struct churner {
    struct fake_app *a;
    uint32_t stop, bad;
    HCALL call;
};

static void *use_handles(void *arg)
{
    struct churner *c = arg;
    while (cf_load_acquire_32(&c->stop) == 0) {
        HCALL call = cf_load_acquire_64(&c->call);
        LINECALLINFO info = {.dwTotalSize = sizeof info};
        LONG results[3] = {status_error(call), lineGetCallInfo(call, &info), lineSetCallPrivilege(call, OWNER)};
        for (uint32_t i = 0; i < 3; i++)
            if (results[i] != 0 && results[i] != LINEERR_INVALCALLHANDLE)
                cf_add_relaxed_32(&c->bad, 1);
    }
    return NULL;
}

static void handles_end_while_others_use_them(void **state)
{
    struct fake_app *a = *state;
    struct churner c = {.a = a};
    pthread_t threads[2];
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_handles, &c), 0);
    for (uint32_t life = 1; life <= 150; life++) {
        HCALL call = fake_app_announce(a, life % 3, life, MONITOR);
        cf_store_release_64(&c.call, call);
        fake_message(a->port, LINE_CALLSTATE, call, LINECALLSTATE_CONNECTED, 0, 0, cf_handle_slot(a->line));
        fake_app_next(a);
        if (life % 3 == 0) {
            assert_int_equal(lineClose(a->line), 0);
            a->line = fake_app_open(a, 1, V22, FAKE_INSTANCE);
        } else {
            assert_int_equal(lineDeallocateCall(call), 0);
        }
        assert_int_equal(status_error(call), LINEERR_INVALCALLHANDLE);
    }
    cf_store_release_32(&c.stop, 1);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_int_equal(c.bad, 0);
}

/* Begins digits, and tells at once that they have ended. */
static bool send_digits(struct fake_port *port, const struct cf_record *r, void *arg)
{
    (void)arg;
    if (r->m.id != CF_REQ_GENERATE_DIGITS)
        return false;
    fake_message(port, LINE_GENERATE, r->m.device, LINEGENERATETERM_DONE, 0, 1, r->m.open_line);
    fake_answer(port, &r->m, 0, NULL, 0);
    return true;
}

/* A few lists of digits in each life of the call, never more than the ring holds. */
static void *generate_digits(void *arg)
{
    struct churner *c = arg;
    HCALL last = 0;
    while (cf_load_acquire_32(&c->stop) == 0) {
        HCALL call = cf_load_acquire_64(&c->call);
        for (uint32_t i = 0; i < 5 && call != last; i++) {
            LONG result = lineGenerateDigits(call, LINEDIGITMODE_DTMF, i % 2 == 0 ? "12#" : NULL, i * 3000);
            if (result != 0 && result != LINEERR_INVALCALLHANDLE && result != LINEERR_OPERATIONFAILED &&
                result != LINEERR_UNINITIALIZED) /* the last usage was shut down */
                cf_add_relaxed_32(&c->bad, 1);
        }
        last = call;
        cf_pause();
    }
    return NULL;
}

/* The end of digits is told to a live handle or to nobody, however the handle's end races with it. */
static void digits_race_with_the_end_of_their_call(void **state)
{
    struct fake_app *a = *state;
    struct churner c = {.a = a};
    pthread_t threads[2];
    uint64_t cancelled = 0;
    fake_on_request(a->core, send_digits, NULL);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, generate_digits, &c), 0);
    for (uint32_t life = 1; life <= 300; life++) {
        HCALL call = fake_app_call(a, 0, life);
        LINEMESSAGE m = {0};
        fake_new_call(a->port, a->line, call, LINECALLSTATE_CONNECTED, OWNER, "", "");
        while (m.dwMessageID != LINE_CALLSTATE)
            m = fake_app_next(a);
        cf_store_release_64(&c.call, call);
        for (uint32_t i = 0; i < life % 4; i++) {
            m = fake_app_next(a);
            assert_int_equal(m.dwMessageID, LINE_GENERATE);
            assert_int_equal(m.hDevice, call);
        }
        if (life % 3 == 0) {
            assert_int_equal(lineClose(a->line), 0);
            a->line = fake_app_open(a, 1, V22, FAKE_INSTANCE);
        } else {
            assert_int_equal(lineDeallocateCall(call), 0);
        }
        assert_int_equal(lineGenerateDigits(call, LINEDIGITMODE_DTMF, "1", 0), LINEERR_INVALCALLHANDLE);
        fake_message(a->port, LINE_GENERATE, call, LINEGENERATETERM_DONE, 0, 1, cf_handle_slot(a->line));
        fake_app_none(a); /* void, all of them */
        uint64_t now = cf_load_acquire_64(&a->port->up->cancelled);
        assert_true(now > cancelled);
        cancelled = now;
    }
    fake_new_call(a->port, a->line, fake_app_call(a, 0, 301), LINECALLSTATE_CONNECTED, OWNER, "", "");
    cf_store_release_64(&c.call, fake_app_call(a, 0, 301));
    assert_int_equal(lineShutdown(a->app), 0); /* while they send */
    a->app = 0;
    cf_store_release_32(&c.stop, 1);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_int_equal(c.bad, 0);
}

static void *make_calls(void *arg)
{
    struct churner *c = arg;
    static _Thread_local HCALL made;
    while (cf_load_acquire_32(&c->stop) == 0) {
        LONG result = lineMakeCall(cf_load_acquire_64(&c->call), &made, "1", 0, NULL);
        if (result <= 0 && result != LINEERR_INVALLINEHANDLE && result != LINEERR_REQUESTOVERRUN)
            cf_add_relaxed_32(&c->bad, 1);
    }
    return NULL;
}

static bool drop_silently(struct fake_port *port, const struct cf_record *r, void *arg)
{
    (void)port, (void)arg;
    return r->m.flags == CF_NO_REPLY;
}

static void requests_of_a_closed_line_are_forgotten_however_it_races(void **state)
{
    struct fake_app *a = *state;
    struct churner c = {.a = a, .call = a->line};
    pthread_t threads[2];
    fake_on_request(a->core, drop_silently, NULL);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_calls, &c), 0);
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(lineClose(a->line), 0);
        a->line = fake_app_open(a, 1, V22, FAKE_INSTANCE);
        cf_store_release_64(&c.call, a->line);
    }
    cf_store_release_32(&c.stop, 1);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_int_equal(c.bad, 0);
    assert_int_equal(lineClose(a->line), 0);
    a->line = fake_app_open(a, 1, V22, FAKE_INSTANCE);
    HCALL made;
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        assert_true(lineMakeCall(a->line, &made, "1", 0, NULL) > 0); /* none is outstanding any more */
    assert_int_equal(lineMakeCall(a->line, &made, "1", 0, NULL), LINEERR_REQUESTOVERRUN);
}

/* ------------------------------------------------------------------ the up ring is full */

static int small_setup(void **state)
{
    struct fake_app *a = calloc(1, sizeof *a);
    a->core = fake_core_start();
    a->core->up_ring_slots = 64;
    assert_int_equal(fake_app_join(a, NULL, V22), 0);
    a->port = fake_core_port(a->core, 0);
    a->line = fake_app_open(a, 1, V22, FAKE_INSTANCE);
    *state = a;
    return 0;
}

static void *release_in_order(void *arg)
{
    struct releaser *r = arg;
    for (uint32_t i = 0; i < r->count; i++)
        r->won += lineDeallocateCall(r->calls[i]) == 0;
    return NULL;
}

/* The ring has no room left and somebody waits for it. */
static void until_full(struct fake_port *p)
{
    const struct cf_slot *ring = cf_port_up_ring(p->up);
    for (uint64_t i = cf_load_acquire_64(&p->down->up.up_ack), end = i + 64; i < end; i++)
        while (cf_load_acquire_64(&ring[i & 63].commit) != i + 1)
            cf_pause();
}

static void full_ring_makes_the_caller_wait(void **state)
{
    struct fake_app *a = *state;
    enum { CALLS = 300 };
    static HCALL calls[CALLS];
    for (uint32_t i = 0; i < CALLS; i++)
        calls[i] = fake_app_announce(a, i, 1, MONITOR);
    struct releaser r = {.calls = calls, .count = CALLS};
    pthread_t thread;
    fake_hold(a->port, true);
    assert_int_equal(pthread_create(&thread, NULL, release_in_order, &r), 0);
    until_full(a->port);
    fake_hold(a->port, false);
    pthread_join(thread, NULL);
    assert_int_equal(r.won, CALLS);
    for (uint32_t i = 0; i < CALLS; i++)
        assert_true(fake_await(a->port, CF_REQ_RELEASE, i).device == calls[i]);
}

struct sleeper {
    struct fake_app *a;
    uint32_t tid;
    LONG result;
};

static void *make_one(void *arg)
{
    struct sleeper *s = arg;
    static _Thread_local HCALL made;
    cf_store_release_32(&s->tid, (uint32_t)syscall(SYS_gettid));
    s->result = lineMakeCall(s->a->line, &made, "1", 0, NULL);
    return NULL;
}

static void *close_line(void *arg)
{
    struct sleeper *s = arg;
    cf_store_release_32(&s->tid, (uint32_t)syscall(SYS_gettid));
    s->result = lineClose(s->a->line);
    return NULL;
}

/* The thread sleeps: nothing but a lock can make it. */
static void until_asleep(struct sleeper *s)
{
    char path[64], line[256];
    while (cf_load_acquire_32(&s->tid) == 0)
        cf_pause();
    snprintf(path, sizeof path, "/proc/self/task/%u/stat", s->tid);
    for (char *state = NULL; state == NULL || state[2] != 'S';) {
        FILE *f = fopen(path, "r");
        state = f != NULL && fgets(line, sizeof line, f) != NULL ? strrchr(line, ')') : NULL;
        if (f != NULL)
            fclose(f);
    }
}

static void request_that_waits_while_its_line_is_closed(void **state)
{
    struct fake_app *a = *state;
    enum { CALLS = 100 };
    static HCALL calls[CALLS];
    for (uint32_t i = 0; i < CALLS; i++)
        calls[i] = fake_app_announce(a, i, 1, MONITOR);
    struct releaser r = {.calls = calls, .count = CALLS};
    struct sleeper maker = {.a = a}, closer = {.a = a};
    pthread_t threads[3];
    HCALL made;
    fake_hold(a->port, true);
    assert_int_equal(pthread_create(&threads[0], NULL, release_in_order, &r), 0);
    until_full(a->port); /* one thread waits for room, with the lock */
    assert_int_equal(pthread_create(&threads[1], NULL, make_one, &maker), 0);
    until_asleep(&maker); /* it saw the line alive */
    assert_int_equal(pthread_create(&threads[2], NULL, close_line, &closer), 0);
    until_asleep(&closer); /* the line is void and its requests were looked through */
    fake_on_request(a->core, drop_silently, NULL);
    fake_hold(a->port, false);
    for (uint32_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(maker.result, LINEERR_INVALLINEHANDLE);
    assert_int_equal(closer.result, 0);
    a->line = fake_app_open(a, 1, V22, FAKE_INSTANCE);
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        assert_true(lineMakeCall(a->line, &made, "1", 0, NULL) > 0); /* the one above is not outstanding */
}

static void full_ring_and_no_service_still_returns(void **state)
{
    struct fake_app *a = *state;
    enum { CALLS = 100 };
    static HCALL calls[CALLS];
    for (uint32_t i = 0; i < CALLS; i++)
        calls[i] = fake_app_announce(a, i, 1, MONITOR);
    struct releaser r = {.calls = calls, .count = CALLS};
    pthread_t thread;
    fake_hold(a->port, true);
    assert_int_equal(pthread_create(&thread, NULL, release_in_order, &r), 0);
    until_full(a->port);
    fake_hang_up(a->port);
    pthread_join(thread, NULL);
    assert_int_equal(r.won, CALLS); /* 0 also when the service is gone */
}

/* ------------------------------------------------------------------ lineGetNewCalls */

struct list {
    struct fake_app *a;
    uint32_t total, given, life;
    bool overtake;
};

static void overtake(struct list *l, HCALL call)
{
    uint64_t before = cf_load_acquire_64(&l->a->port->up->messages_acked);
    fake_message(l->a->port, LINE_CALLSTATE, call, LINECALLSTATE_CONNECTED, 0, 0, cf_handle_slot(l->a->line));
    while (cf_load_acquire_64(&l->a->port->up->messages_acked) == before)
        cf_pause(); /* the application reads it before the answer is there */
}

static bool give_list(struct fake_port *port, const struct cf_record *r, void *arg)
{
    if (r->m.id != CF_REQ_NEW_CALLS)
        return false; /* arg may be gone: the application says farewell after its test */
    struct list *l = arg;
    struct {
        struct cf_reply_new_calls head;
        HCALL calls[CF_NEW_CALLS_PER_SLICE];
    } reply = {.head = {.total = l->total}};
    if (r->m.param2 == 0)
        l->given = 0;
    bool refused = r->m.param2 == 0 && l->total > r->m.param3;
    while (!refused && l->given < l->total && reply.head.entries < r->m.param3 && reply.head.entries < 300)
        reply.calls[reply.head.entries++] = fake_app_call(l->a, l->given++, l->life);
    reply.head.cursor = !refused && l->given < l->total ? l->given : 0;
    if (l->overtake)
        overtake(l, reply.calls[0]);
    fake_answer(port, &r->m, 0, &reply, (uint32_t)(sizeof reply.head + reply.head.entries * 8));
    return true;
}

static void new_calls_come_in_slices_or_not_at_all(void **state)
{
    struct fake_app *a = *state;
    struct list l = {.a = a, .total = 1000, .life = 1};
    const DWORD bytes = sizeof(LINECALLLIST) + 1000 * 8;
    LINECALLLIST *list = malloc(bytes);
    fake_on_request(a->core, give_list, &l);
    list->dwTotalSize = sizeof *list - 1;
    assert_int_equal(lineGetNewCalls(a->line, 0, LINECALLSELECT_LINE, list), LINEERR_STRUCTURETOOSMALL);
    list->dwTotalSize = bytes - 1;
    assert_int_equal(lineGetNewCalls(a->line, 0, LINECALLSELECT_LINE | LINECALLSELECT_ADDRESS, list),
                     LINEERR_INVALCALLSELECT);
    assert_int_equal(lineGetNewCalls(a->line, 0, LINECALLSELECT_LINE, NULL), LINEERR_INVALPOINTER);
    assert_int_equal(lineGetNewCalls(a->line, 0, LINECALLSELECT_LINE, list), 0);
    assert_int_equal(list->dwCallsNumEntries, 0); /* G-11 */
    assert_int_equal(list->dwNeededSize, bytes);
    assert_int_equal(list->dwUsedSize, sizeof *list);
    assert_int_equal(status_error(fake_app_call(a, 0, 1)), LINEERR_INVALCALLHANDLE);
    list->dwTotalSize = bytes;
    assert_int_equal(lineGetNewCalls(a->line, 0, LINECALLSELECT_LINE, list), 0);
    assert_int_equal(list->dwCallsNumEntries, 1000);
    assert_int_equal(list->dwUsedSize, bytes);
    assert_int_equal(list->dwNeededSize, bytes);
    assert_int_equal(fake_count(a->port, CF_REQ_NEW_CALLS), 5);
    const HCALL *calls = (const HCALL *)(const void *)((const char *)list + list->dwCallsOffset);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(calls[i] == fake_app_call(a, i, 1));
        assert_int_equal(status_error(calls[i]), 0);
    }
    assert_int_equal(fake_count(a->port, CF_REQ_CALL_STATUS), 1000); /* no state is known yet */
    fake_message(a->port, LINE_CALLSTATE, calls[9], LINECALLSTATE_CONNECTED, 0, 0, cf_handle_slot(a->line));
    assert_true(fake_app_next(a).hDevice == calls[9]);
    assert_int_equal(lineDeallocateCall(calls[9]), 0);
    /* An announcement that was on its way shows the same handle (G-9). */
    fake_new_call(a->port, a->line, calls[10], LINECALLSTATE_OFFERING, MONITOR, "1", "2");
    LINEMESSAGE m = fake_app_next(a);
    assert_true(m.dwMessageID == LINE_APPNEWCALL && m.dwParam2 == calls[10]);
    free(list);
}

static void *seek(void *arg)
{
    struct list *l = arg;
    char bytes[sizeof(LINECALLLIST) + 16];
    LINECALLLIST *list = (LINECALLLIST *)(void *)bytes;
    list->dwTotalSize = sizeof bytes;
    bool good = lineGetNewCalls(l->a->line, 0, LINECALLSELECT_LINE, list) == 0 && list->dwCallsNumEntries == 1;
    return good ? NULL : l;
}

static void message_may_overtake_the_answer_that_brings_its_handle(void **state)
{
    struct fake_app *a = *state;
    struct list lists
        [20]; /* one a round: the two ends see each other through two mappings, which ThreadSanitizer cannot join */
    for (uint32_t life = 1; life <= 20; life++) {
        struct list *l = &lists[life - 1];
        *l = (struct list){.a = a, .total = 1, .life = life, .overtake = true};
        HCALL call = fake_app_call(a, 0, life);
        pthread_t thread;
        void *failed;
        fake_on_request(a->core, give_list, l);
        assert_int_equal(pthread_create(&thread, NULL, seek, l), 0);
        LINEMESSAGE m = fake_app_next(a);
        assert_true(m.dwMessageID == LINE_CALLSTATE && m.hDevice == call && m.dwCallbackInstance == FAKE_INSTANCE);
        pthread_join(thread, &failed);
        assert_null(failed);
        LINECALLSTATUS s = {.dwTotalSize = sizeof s};
        assert_int_equal(lineGetCallStatus(call, &s), 0);
        assert_int_equal(s.dwCallState, LINECALLSTATE_CONNECTED); /* the answer did not undo it */
        assert_int_equal(s.dwCallPrivilege, MONITOR);
        assert_int_equal(lineDeallocateCall(call), 0);
    }
    /* Without a lineGetNewCalls under way such a handle is void. */
    fake_message(a->port, LINE_CALLSTATE, fake_app_call(a, 0, 50), LINECALLSTATE_CONNECTED, 0, 0,
                 cf_handle_slot(a->line));
    fake_app_none(a);
}

/* ------------------------------------------------------------------ calls */

static bool refuse_privilege(struct fake_port *port, const struct cf_record *r, void *arg)
{
    (void)arg;
    if (r->m.id != CF_REQ_SET_PRIVILEGE)
        return false;
    fake_answer(port, &r->m, r->m.param1 == MONITOR ? LINEERR_INVALCALLSTATE : 0, NULL, 0);
    return true;
}

static void privilege_is_checked_and_remembered(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, MONITOR);
    LINECALLSTATUS s = {.dwTotalSize = sizeof s};
    fake_on_request(a->core, refuse_privilege, NULL);
    assert_int_equal(lineSetCallPrivilege(call, LINECALLPRIVILEGE_NONE), LINEERR_INVALCALLPRIVILEGE); /* H-58 */
    assert_int_equal(lineSetCallPrivilege(call, OWNER | MONITOR), LINEERR_INVALCALLPRIVILEGE);
    assert_int_equal(fake_count(a->port, CF_REQ_SET_PRIVILEGE), 0);
    assert_int_equal(lineSetCallPrivilege(call, OWNER), 0);
    assert_int_equal(lineSetCallPrivilege(call, MONITOR), LINEERR_INVALCALLSTATE);
    assert_int_equal(lineGetCallStatus(call, &s), 0);
    assert_int_equal(s.dwCallPrivilege, OWNER);
    assert_int_equal(s.dwCallFeatures, LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP);
}

static void call_info_comes_from_the_core(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, MONITOR);
    char bytes[512];
    LINECALLINFO *info = (LINECALLINFO *)(void *)bytes;
    info->dwTotalSize = sizeof bytes;
    assert_int_equal(lineGetCallInfo(call, info), 0);
    assert_true(info->hLine == a->line);
    assert_int_equal(info->dwCallID, 77);
    assert_string_equal(bytes + info->dwCallerIDOffset, "555");
    info->dwTotalSize = 8;
    assert_int_equal(lineGetCallInfo(call, info), LINEERR_STRUCTURETOOSMALL);
    assert_int_equal(lineGetCallInfo(call, NULL), LINEERR_INVALPOINTER);
    assert_int_equal(lineGetCallInfo(call + 1, NULL), LINEERR_INVALCALLHANDLE); /* the handle comes first */
    assert_int_equal(lineGetCallInfo(a->line, info), LINEERR_INVALCALLHANDLE);
    assert_int_equal(lineClose(call), LINEERR_INVALLINEHANDLE);
    assert_int_equal(lineGetCallInfo(0, info), LINEERR_INVALCALLHANDLE);
    assert_int_equal(lineGetCallInfo(UINT64_MAX, info), LINEERR_INVALCALLHANDLE);
}

#define with_app(test) cmocka_unit_test_setup_teardown(test, fake_app_setup, fake_app_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_app(devices_answer),
        with_app(status_of_a_line),
        with_app(open_checks_and_passes_its_arguments),
        with_app(refused_open_leaves_no_line),
        with_app(many_lines_open_in_one_pass),
        with_app(make_call_sends_what_it_was_given),
        with_app(make_call_refuses_what_cannot_be),
        with_app(outstanding_requests_are_bounded_and_unique),
        cmocka_unit_test(a_larger_ring_has_room_for_more_requests),
        with_app(each_thread_gets_its_own_answer),
        with_app(one_of_several_threads_releases_a_handle),
        with_app(handles_end_while_others_use_them),
        with_app(digits_race_with_the_end_of_their_call),
        with_app(requests_of_a_closed_line_are_forgotten_however_it_races),
        cmocka_unit_test_setup_teardown(full_ring_makes_the_caller_wait, small_setup, fake_app_teardown),
        cmocka_unit_test_setup_teardown(request_that_waits_while_its_line_is_closed, small_setup, fake_app_teardown),
        cmocka_unit_test_setup_teardown(full_ring_and_no_service_still_returns, small_setup, fake_app_teardown),
        with_app(new_calls_come_in_slices_or_not_at_all),
        with_app(message_may_overtake_the_answer_that_brings_its_handle),
        with_app(privilege_is_checked_and_remembered),
        with_app(call_info_comes_from_the_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
