/*
 * Fuzz entry of libcallfan against a core that says anything: messages with any contents, answers with any contents and lengths, in any
 * order with the functions of the application. Rings are well-formed (the library believes its core as far as that), contents are not.
 * Whatever comes: what the functions hand out keeps its bounds, and the counters keep the law.
 * The input: steps of 16 bytes.
 */
/* ctest-args: --variations 2 */
/* ctest-args-sanitized: --variations 1 */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/fake_app.h"
#include "tests/support/fuzz_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

enum { STEPS_MAX = 64, PENDING_MAX = 700, CALLS = 8, BATCH = 16, OPEN_MAX = 4 };

struct step {
    uint8_t op, what, whom, how;
    uint32_t a, b, c;
};
_Static_assert(sizeof(struct step) == 16, "one step");

static struct fake_app app;
static uint32_t ports;   /* attached to the core that runs */
static uint32_t pending; /* slots not read yet */
static HLINE lines[OPEN_MAX];

/* How the core answers: set before a function is called, read by the core's thread while it runs, or later. */
static pthread_mutex_t answer_lock = PTHREAD_MUTEX_INITIALIZER;
static struct step answer;
static bool answers_wildly;

static void set_answer(const struct step *s, bool wildly)
{
    pthread_mutex_lock(&answer_lock);
    answer = *s;
    answers_wildly = wildly;
    pthread_mutex_unlock(&answer_lock);
}

static const uint16_t ids[] = {LINE_CALLSTATE,     LINE_CALLINFO,     LINE_APPNEWCALL,   LINE_REPLY,
                               LINE_CLOSE,         LINE_GENERATE,     LINE_LINEDEVSTATE, LINE_CREATE,
                               LINE_REMOVE,        CF_LINE_GAP,       LINE_CALLSTATE,    CF_LINE_RESYNC_BEGIN,
                               CF_LINE_RESYNC_END, LINE_ADDRESSSTATE, LINE_GATHERDIGITS, LINE_MONITORDIGITS};
static const uint64_t telling[] = {0,          1,         2,         7,          31,         1000,
                                   UINT16_MAX, INT32_MAX, INT64_MAX, UINT32_MAX, UINT64_MAX, 0x80000000u,
                                   0x01000002, 4096,      16384,     255};

static HCALL call_of(const struct step *s)
{
    return fake_app_call(&app, s->whom % CALLS, 1 + (s->whom >> 3) % 4u);
}

static uint64_t device_of(const struct step *s)
{
    switch (s->how % 8) {
    case 0:
    case 1:
    case 2:
        return call_of(s);
    case 3:
    case 4:
        return lines[s->whom % OPEN_MAX];
    case 5:
        return app.app;
    case 6:
        return fake_app_call(&app, s->a, s->b % 8);
    default:
        return (uint64_t)s->a << 32 | s->b;
    }
}

static uint64_t value_of(const struct step *s, unsigned which)
{
    const uint32_t raw = which == 0 ? s->a : which == 1 ? s->b : s->c;
    return (s->how >> (3 + which) & 1) == 0 ? 1u << raw % 24 : telling[raw % 16];
}

/* ------------------------------------------------------------------ the core */

static bool answer_wildly(struct fake_port *p, const struct cf_record *r, void *unused)
{
    static uint8_t data[CF_REPLY_SLOT_BYTES];
    pthread_mutex_lock(&answer_lock);
    const struct step s = answer;
    const bool wildly = answers_wildly;
    pthread_mutex_unlock(&answer_lock);
    (void)unused;
    if (!wildly || r->m.flags == CF_NO_REPLY || r->m.flags >= CF_REPLY_SLOTS)
        return false;
    struct cf_reply_slot *slot = cf_port_reply(p->down, r->m.flags);
    for (size_t i = 0; i < sizeof data; i += 4) {
        const uint32_t word = (s.what & 1) != 0 ? s.a + (uint32_t)i * s.b : i % 16 == 0 ? s.a : i % 16 == 4 ? s.b : s.c;
        memcpy(data + i, &word, 4);
    }
    if (r->m.id == CF_REQ_NEW_CALLS && (s.what & 2) != 0) { /* a list of handles that there may be; its end comes */
        const struct cf_reply_new_calls head = {.total = s.a, .entries = s.b, .cursor = r->m.param2 == 0 ? s.c : 0};
        memcpy(data, &head, sizeof head);
        for (uint32_t i = 0; i < CALLS; i++) {
            const HCALL call = fake_app_call(&app, i, 1 + s.whom % 4u);
            memcpy(data + sizeof head + i * sizeof call, &call, sizeof call);
        }
    }
    fake_answer(p, &r->m, (s.what & 4) != 0 ? (int32_t)s.a : 0, data, s.c % (sizeof slot->data + 1));
    return true;
}

static void send_record(const struct step *s, bool raw)
{
    static struct cf_record r;
    r.m = (struct cf_message){.id = raw ? (uint16_t)s->c : ids[s->what % (sizeof ids / sizeof ids[0])],
                              .device = device_of(s),
                              .param1 = value_of(s, 0),
                              .param2 = (s->what & 64) != 0 ? call_of(s) : value_of(s, 1),
                              .param3 = value_of(s, 2),
                              .open_line = (s->what & 128) != 0 ? s->a : cf_handle_slot(lines[s->whom % OPEN_MAX])};
    if (r.m.id == CF_MESSAGE_FILLER)
        return;
    r.payload_bytes = 0;
    if (r.m.id == LINE_GATHERDIGITS && (s->how & 1) != 0) { /* one of those that are waited for, perhaps */
        r.m.param2 = (2 + s->b % 64) * CF_REQUESTS_PER_PORT_MAX + s->b % 2;
        cf_fields_append(&r, CF_FIELD_DIGITS, "123456789", s->c % 10);
    }
    if ((s->what & 32) != 0) {
        cf_fields_append(&r, CF_FIELD_CALLER, "5551234", s->a % 8);
        cf_fields_append(&r, CF_FIELD_CALLED, &s->a, s->b % 13);
    }
    if (raw) {
        r.payload_bytes = s->b % sizeof r.payload;
        memset(r.payload, (int)s->a, r.payload_bytes);
        memcpy(r.payload, &s->a, r.payload_bytes < 12 ? r.payload_bytes : 12);
    }
    const uint32_t slots = cf_record_slots(r.payload_bytes);
    if (pending + 2 * slots > PENDING_MAX)
        return;
    pending += slots + (slots > 1 ? slots : 0); /* a filler may go before it */
    fake_send(app.port, &r);
}

/* ------------------------------------------------------------------ the application */

static void read_one(void)
{
    LINEMESSAGE m;
    if (lineGetMessage(app.app, &m, 0) == 0 && m.dwMessageID == LINE_CLOSE)
        for (uint32_t i = 0; i < OPEN_MAX; i++)
            if (lines[i] == m.hDevice)
                lines[i] = 0;
}

static void read_all(void)
{
    static struct cf_batch_message m[BATCH];
    uint32_t count;
    for (unsigned i = 0; i < 2 * PENDING_MAX; i++) {
        if (cf_line_get_messages(app.app, m, BATCH, 0, &count) != 0 || count == 0)
            break;
        assert(count <= BATCH);
        for (uint32_t k = 0; k < count; k++) {
            assert(m[k].caller == NULL || strlen(m[k].caller) < 8192);
            assert(m[k].called == NULL || strlen(m[k].called) < 8192);
        }
    }
    pending = 0;
    struct cf_app_counters c;
    const LONG error = cf_app_counters(app.app, &c);
    assert(error == 0 && c.offered == c.delivered + c.pending + c.missed + c.cancelled);
}

/* A part of a structure lies in it. */
static void part(DWORD size, DWORD offset, DWORD used)
{
    assert(size == 0 || (offset <= used && size <= used - offset));
}

static void ask_call(const struct step *s)
{
    static union {
        LINECALLINFO info;
        LINECALLSTATUS status;
        uint8_t bytes[4096];
    } u;
    const HCALL call = device_of(s);
    memset(&u, 0, sizeof u);
    u.info.dwTotalSize = (s->how & 64) != 0 ? sizeof u.info + s->c % 64 : sizeof u;
    if (lineGetCallInfo(call, &u.info) == 0) {
        const LINECALLINFO *i = &u.info;
        assert(i->dwUsedSize <= i->dwTotalSize);
        part(i->dwCallerIDSize, i->dwCallerIDOffset, i->dwUsedSize);
        part(i->dwCallerIDNameSize, i->dwCallerIDNameOffset, i->dwUsedSize);
        part(i->dwCalledIDSize, i->dwCalledIDOffset, i->dwUsedSize);
        part(i->dwConnectedIDSize, i->dwConnectedIDOffset, i->dwUsedSize);
        part(i->dwRedirectionIDSize, i->dwRedirectionIDOffset, i->dwUsedSize);
        part(i->dwRedirectingIDSize, i->dwRedirectingIDOffset, i->dwUsedSize);
        part(i->dwAppNameSize, i->dwAppNameOffset, i->dwUsedSize);
    }
    memset(&u, 0, sizeof u);
    u.status.dwTotalSize = sizeof u;
    if (lineGetCallStatus(call, &u.status) == 0)
        assert(u.status.dwUsedSize <= u.status.dwTotalSize);
}

static void ask_line(const struct step *s)
{
    static union {
        LINEDEVCAPS caps;
        LINEDEVSTATUS status;
        LINEADDRESSCAPS address;
        LINECALLLIST list;
        uint8_t bytes[1024];
    } u;
    memset(&u, 0, sizeof u);
    u.caps.dwTotalSize = sizeof u;
    if (lineGetDevCaps(app.app, s->a % 8, CF_TAPI_VERSION_2_2, 0, &u.caps) == 0) {
        assert(u.caps.dwUsedSize <= u.caps.dwTotalSize);
        part(u.caps.dwLineNameSize, u.caps.dwLineNameOffset, u.caps.dwUsedSize);
        part(u.caps.dwProviderInfoSize, u.caps.dwProviderInfoOffset, u.caps.dwUsedSize);
    }
    memset(&u, 0, sizeof u);
    u.address.dwTotalSize = sizeof u;
    if (lineGetAddressCaps(app.app, s->a % 8, 0, CF_TAPI_VERSION_2_2, 0, &u.address) == 0) {
        assert(u.address.dwUsedSize <= u.address.dwTotalSize);
        part(u.address.dwAddressSize, u.address.dwAddressOffset, u.address.dwUsedSize);
    }
    memset(&u, 0, sizeof u);
    u.status.dwTotalSize = sizeof u;
    if (lineGetLineDevStatus(lines[s->whom % OPEN_MAX], &u.status) == 0)
        assert(u.status.dwUsedSize <= u.status.dwTotalSize);
    memset(&u, 0, sizeof u);
    u.list.dwTotalSize = sizeof u.list + s->b % 200;
    if (lineGetNewCalls(lines[s->whom % OPEN_MAX], 0, LINECALLSELECT_LINE, &u.list) == 0) {
        assert(u.list.dwUsedSize <= u.list.dwTotalSize);
        part(u.list.dwCallsSize, u.list.dwCallsOffset, u.list.dwUsedSize);
    }
}

static void operate(const struct step *s)
{
    const HCALL call = device_of(s);
    HCALL made;
    switch (s->what % 10) {
    case 0:
        lineDeallocateCall(call);
        break;
    case 1:
        lineDrop(call, NULL, 0);
        break;
    case 2:
        lineAnswer(call, NULL, 0);
        break;
    case 3:
        lineMakeCall(lines[s->whom % OPEN_MAX], &made, "5551234", 0, NULL);
        break;
    case 4:
        lineSetCallPrivilege(call, s->a);
        break;
    case 5:
        if ((s->how & 128) != 0) {
            static char digits[8]; /* and a guard */
            lineGatherDigits(call, LINEDIGITMODE_DTMF, digits, 1 + s->b % 7, NULL, 0, 0);
            assert(digits[7] == '\0');
        } else {
            lineGenerateDigits(call, LINEDIGITMODE_DTMF, "123", 0);
        }
        break;
    case 6:
        lineHold(call);
        break;
    case 7:
        lineSetStatusMessages(lines[s->whom % OPEN_MAX], s->a, s->b);
        break;
    case 8:
        if (lines[s->whom % OPEN_MAX] != 0)
            lineClose(lines[s->whom % OPEN_MAX]);
        lines[s->whom % OPEN_MAX] = 0;
        break;
    default:
        if (lines[s->whom % OPEN_MAX] == 0)
            lineOpen(app.app, s->a % FAKE_DEVICES, &lines[s->whom % OPEN_MAX],
                     (s->how & 8) != 0 ? CF_TAPI_VERSION_2_2 : 0x00010004, 0, 1, LINECALLPRIVILEGE_MONITOR, 0, NULL);
    }
}

static void announce(const struct step *s)
{
    if (pending + 8 > PENDING_MAX)
        return;
    pending += 8;
    fake_new_call(app.port, lines[(s->whom >> 6) % OPEN_MAX], call_of(s), 1u << s->a % 24,
                  (s->how & 1) != 0 ? LINECALLPRIVILEGE_OWNER : LINECALLPRIVILEGE_MONITOR, "555", "100");
}

static void step(const struct step *s)
{
    set_answer(s, (s->op & 16) != 0);
    switch (s->op % 8) {
    case 0:
    case 1:
        send_record(s, false);
        break;
    case 2:
        announce(s);
        break;
    case 3:
        ask_call(s);
        break;
    case 4:
        ask_line(s);
        break;
    case 5:
        operate(s);
        break;
    case 6:
        send_record(s, true);
        break;
    default:
        if ((s->how & 1) != 0)
            read_one();
        else
            read_all();
    }
}

/* ------------------------------------------------------------------ entry */

static void stop_core(void)
{
    fake_core_stop(app.core);
}

static void join(bool remembers)
{
    const struct cf_init_options options = {.size = sizeof options, .flags = remembers ? CF_INIT_CACHE_IDENTITY : 0};
    if (app.core == NULL || ports == FAKE_PORTS_MAX) {
        if (app.core != NULL)
            fake_core_stop(app.core);
        else
            atexit(stop_core);
        app.core = fake_core_start();
        ports = 0;
    }
    fake_on_request(app.core, NULL, NULL);
    const LONG error = fake_app_join(&app, &options, CF_TAPI_VERSION_2_2);
    assert(error == 0);
    app.port = fake_core_port(app.core, ports++);
    memset(lines, 0, sizeof lines);
    lines[0] = fake_app_open(&app, 1, CF_TAPI_VERSION_2_2, FAKE_INSTANCE);
    lines[1] = fake_app_open(&app, 2, 0x00010004, FAKE_INSTANCE);
    pending = 0;
    fake_on_request(app.core, answer_wildly, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t count = size / sizeof(struct step) < STEPS_MAX ? size / sizeof(struct step) : STEPS_MAX;
    if (count == 0)
        return 0;
    join((data[size - 1] & 1) != 0);
    for (size_t i = 0; i < count; i++) {
        struct step s;
        memcpy(&s, data + i * sizeof s, sizeof s);
        step(&s);
    }
    set_answer(&(struct step){0}, false);
    const bool hung_up = (data[size - 1] & 2) != 0;
    if (hung_up)
        fake_hang_up(app.port);
    read_all();
    lineShutdown(app.app);
    app.app = 0;
    if (!hung_up)
        fake_hang_up(app.port); /* its thread has nothing to wait for */
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    return fuzz_steps_mutate(data, size, size_max, seed);
}
