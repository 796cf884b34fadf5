/* What is heard on calls, and what is waited for, inside the engine: behind, without room, with many who listen, and of peers that break the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "core/internal.h"
#include "core/extra.h"
#include "tests/model/rig.h"

static uint64_t call, handle;

static void few_calls(struct cf_limits *l) {
    l->calls = l->calls_per_provider = 16;
    l->handles = 256;
}

static int begin(void (*limits)(struct cf_limits *)) {
    rig_begin(256, limits);
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    call = rig_offer(0, 0);
    handle = rig_find(RIG_APP, LINE_APPNEWCALL)->param2;
    assert_int_equal(rig_next(RIG_APP)->id, LINE_CALLSTATE);
    return 0;
}

static int setup(void **unused) {
    (void)unused;
    return begin(NULL);
}

static int setup_few(void **unused) {
    (void)unused;
    return begin(few_calls);
}

static int teardown(void **unused) {
    (void)unused;
    rig_end();
    return 0;
}

static void hears(uint16_t event, uint64_t what, uint64_t detail) {
    rig_send(RIG_PROVIDER, event, call, what, detail, 0);
    rig_turns(1);
}

static int32_t ask_with(uint16_t id, uint64_t p1, uint64_t p2, uint64_t p3, uint16_t tag, const void *data, uint32_t bytes) {
    struct cf_record *r = rig_record(id, handle, p1, p2, p3);
    r->m.flags = 0;
    if (tag != 0)
        assert_true(cf_fields_append(r, tag, data, bytes));
    rig_put(RIG_APP, r);
    rig_turns(1);
    const struct cf_reply_slot *slot = cf_port_reply(core_down(&rig.core, RIG_APP), 0);
    assert_int_equal(slot->done, rig.sequence[RIG_APP]);
    return slot->result;
}

/* One gathering of n digits; its command's number. */
static uint64_t gather(uint32_t number, uint32_t n) {
    assert_int_equal(ask_with(CF_REQ_GATHER_DIGITS, LINEDIGITMODE_DTMF | (uint64_t)n << 32, 0, number, 0, NULL, 0), 0);
    const struct cf_message *m = rig_find(RIG_PROVIDER, CF_CMD_GATHER_DIGITS);
    assert_non_null(m);
    assert_int_equal(m->param2, LINEDIGITMODE_DTMF | (uint64_t)n << 32);
    return m->param1;
}

static void gathered(uint64_t command, uint64_t how, const char *digits) {
    struct cf_record *r = rig_record(CF_EV_REPLY, call, command, 0, how);
    cf_fields_append_text(r, CF_FIELD_DIGITS, digits);
    rig_put(RIG_PROVIDER, r);
    rig_turns(1);
}

static void assert_gathered(const struct cf_message *m, uint32_t number, uint32_t how, const char *digits) {
    struct cf_record r = {.m = *m};
    struct cf_field f = {0};
    assert_int_equal(m->id, LINE_GATHERDIGITS);
    assert_int_equal(m->device, handle);
    assert_int_equal(m->param1, how);
    assert_int_equal(m->param2, number);
    r.payload_bytes = cf_ring_payload(m, r.payload);
    assert_true(cf_fields_find(&r, CF_FIELD_DIGITS, &f) == (*digits != '\0'));
    assert_int_equal(f.bytes, strlen(digits));
    if (f.bytes != 0)
        assert_memory_equal(f.data, digits, f.bytes);
}

/* ------------------------------------------------------------------ behind */

static void a_digit_that_finds_no_room_is_missed(void **unused) {
    (void)unused;
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_MONITOR_DIGITS, handle, LINEDIGITMODE_DTMF, 0, 0), 0);
    rig_fall_behind(RIG_APP, call);
    uint64_t before = rig_status(RIG_APP).missed;
    hears(CF_EV_DIGIT, '1', LINEDIGITMODE_DTMF);
    hears(CF_EV_DIGIT, '2', LINEDIGITMODE_PULSE); /* which it did not ask for */
    assert_int_equal(rig_status(RIG_APP).missed, before + 1);
    rig_read(RIG_APP);
    assert_int_equal(rig_count(LINE_MONITORDIGITS, 0), 0);
    assert_int_equal(rig_count(CF_LINE_RESYNC_END, 0), 1);
    hears(CF_EV_DIGIT, '3', LINEDIGITMODE_DTMF);
    const struct cf_message *m = rig_find(RIG_APP, LINE_MONITORDIGITS);
    assert_non_null(m);
    assert_int_equal(m->param1, '3');
    assert_int_equal(m->param3, (uint32_t)(m->time_ns / 1000000));
}

static void gathered_digits_wait_with_their_digits(void **unused) {
    (void)unused;
    char most[CF_GATHER_MAX + 1];
    memset(most, '7', CF_GATHER_MAX);
    most[CF_GATHER_MAX] = '\0';
    uint64_t first = gather(11, 5), second = gather(12, CF_GATHER_MAX), third = gather(13, 3);
    rig_fall_behind(RIG_APP, call);
    uint64_t before = rig_status(RIG_APP).missed;
    gathered(first, LINEGATHERTERM_CANCEL, "12");
    gathered(second, LINEGATHERTERM_BUFFERFULL, most);
    rig_send(RIG_PROVIDER, CF_EV_REPLY, call, third, (uint32_t)LINEERR_OPERATIONFAILED, LINEGATHERTERM_BUFFERFULL);
    rig_turns(1);
    assert_int_equal(rig_status(RIG_APP).missed, before);
    for (const struct cf_message *m; (m = rig_next(RIG_APP)) != NULL;) {
        assert_int_not_equal(m->id, LINE_GATHERDIGITS);
        assert_int_not_equal(m->id, CF_LINE_GAP);
    }
    rig_turns(2);
    assert_gathered(rig_next(RIG_APP), 11, LINEGATHERTERM_CANCEL, "12"); /* first, and in the order in which they ended */
    assert_gathered(rig_next(RIG_APP), 12, LINEGATHERTERM_BUFFERFULL, most);
    assert_gathered(rig_next(RIG_APP), 13, LINEGATHERTERM_CANCEL, "");
    assert_int_equal(rig_next(RIG_APP)->id, CF_LINE_GAP);
    assert_int_equal(rig_status(RIG_APP).requests_outstanding, 0);
}

/* A ring with so little left that a message of three slots has no room, while one of a single slot has. */
static void gathered_digits_wait_for_room_in_front_of_others(void **unused) {
    (void)unused;
    char most[CF_GATHER_MAX + 1];
    memset(most, '7', CF_GATHER_MAX);
    most[CF_GATHER_MAX] = '\0';
    uint64_t number[100];
    for (uint32_t i = 0; i < 60; i++)
        number[i] = gather(i + 1, i % 2 == 0 ? CF_GATHER_MAX : 1);
    rig_fall_behind(RIG_APP, call);
    for (uint32_t i = 0; i < 60; i++)
        gathered(number[i], LINEGATHERTERM_BUFFERFULL, i % 2 == 0 ? most : "1");
    uint32_t told = 0;
    for (uint32_t idle = 0; idle < 4;) {
        const struct cf_message *m = rig_next(RIG_APP);
        if (m != NULL && m->id == LINE_GATHERDIGITS) {
            assert_gathered(m, told + 1, LINEGATHERTERM_BUFFERFULL, told % 2 == 0 ? most : "1");
            told++;
        }
        idle += m == NULL;
        rig_turns(1); /* one more message at a time finds room */
    }
    assert_int_equal(told, 60);
    assert_int_equal(rig_status(RIG_APP).behind, 0);
}

/* ------------------------------------------------------------------ who breaks the rules */

static void what_cannot_be_heard_is_a_bad_event(void **unused) {
    (void)unused;
    static const struct {
        uint16_t event;
        uint64_t what, detail;
        bool bad;
    } cases[] = {
        {CF_EV_DIGIT, ',', LINEDIGITMODE_DTMF, true},    {CF_EV_DIGIT, 'a', LINEDIGITMODE_DTMF, true},
        {CF_EV_DIGIT, '#', LINEDIGITMODE_PULSE, true},   {CF_EV_DIGIT, '1', 0, true},
        {CF_EV_DIGIT, '1', 3, true},                     {CF_EV_DIGIT, '1', 8, true},
        {CF_EV_DIGIT, 0x131, LINEDIGITMODE_DTMF, true},  {CF_EV_MEDIA, 0, 0, true},
        {CF_EV_MEDIA, 1, 0, true},                       {CF_EV_MEDIA, 6, 0, true},
        {CF_EV_MEDIA, UINT64_C(1) << 34, 0, true},       {CF_EV_TONE, 1, 0, true},
        {CF_EV_TONE, UINT64_C(1) << 32, 1, true},        {CF_EV_TONE, 1, 99, false}, /* a list that has ended */
        {CF_EV_DIGIT, '#', LINEDIGITMODE_DTMFEND, false}, {CF_EV_MEDIA, LINEMEDIAMODE_VIDEO, 0, false},
    };
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_MONITOR_DIGITS, handle, LINEDIGITMODE_DTMF, 0, 0), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t before = rig_status(RIG_PROVIDER).bad_records;
        hears(cases[i].event, cases[i].what, cases[i].detail);
        assert_int_equal(rig_status(RIG_PROVIDER).bad_records - before, cases[i].bad);
    }
    assert_null(rig_find(RIG_APP, LINE_MONITORDIGITS));
    rig_state(call, LINECALLSTATE_IDLE, 0);
    uint64_t before = rig_status(RIG_PROVIDER).bad_records;
    hears(CF_EV_DIGIT, '1', LINEDIGITMODE_DTMF); /* nothing follows IDLE (H-33) */
    assert_int_equal(rig_status(RIG_PROVIDER).bad_records, before + 1);
}

static void requests_of_a_hostile_application_are_judged(void **unused) {
    (void)unused;
    static const uint32_t beep[4] = {1000, 1, 1, 1}, silent[4] = {0, 1, 1, 1}, loud[4] = {1, 1, 1, 0x10000};
    static const uint8_t listed[33 * 20];
    char many[CF_DIGITS_MAX + 1];
    memset(many, '#', sizeof many);
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_MONITOR_DIGITS, handle, UINT64_C(1) << 32, 0, 0), LINEERR_INVALDIGITMODE);
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_MONITOR_DIGITS, handle, LINEDIGITMODE_PULSE, 0, 0), LINEERR_INVALDIGITMODE);
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_MONITOR_MEDIA, handle, UINT64_MAX, 0, 0), LINEERR_INVALMEDIAMODE);
    assert_int_equal(ask_with(CF_REQ_MONITOR_TONES, 0, 0, 0, CF_FIELD_TONES, listed, 19), LINEERR_INVALTONE);
    assert_int_equal(ask_with(CF_REQ_MONITOR_TONES, 0, 0, 0, CF_FIELD_TONES, listed, 0), LINEERR_INVALTONE);
    assert_int_equal(ask_with(CF_REQ_MONITOR_TONES, 0, 0, 0, CF_FIELD_TONES, listed, sizeof listed), LINEERR_RESOURCEUNAVAIL);
    assert_int_equal(ask_with(CF_REQ_GENERATE_TONE, UINT64_C(1) << 32, 0, 0, 0, NULL, 0), LINEERR_INVALTONEMODE);
    assert_int_equal(ask_with(CF_REQ_GENERATE_TONE, LINETONEMODE_CUSTOM, 0, 0, 0, NULL, 0), LINEERR_INVALTONE);
    assert_int_equal(ask_with(CF_REQ_GENERATE_TONE, LINETONEMODE_CUSTOM, 0, 0, CF_FIELD_TONES, beep, 15), LINEERR_INVALTONE);
    assert_int_equal(ask_with(CF_REQ_GENERATE_TONE, LINETONEMODE_CUSTOM, 0, 0, CF_FIELD_TONES, silent, 16), LINEERR_INVALTONE);
    assert_int_equal(ask_with(CF_REQ_GENERATE_TONE, LINETONEMODE_CUSTOM, 0, 0, CF_FIELD_TONES, loud, 16), LINEERR_INVALTONE);
    uint64_t dtmf = LINEDIGITMODE_DTMF, one = UINT64_C(1) << 32;
    assert_int_equal(ask_with(CF_REQ_GATHER_DIGITS, 8 | one, 0, 1, 0, NULL, 0), LINEERR_INVALDIGITMODE);
    assert_int_equal(ask_with(CF_REQ_GATHER_DIGITS, LINEDIGITMODE_PULSE | one, 0, 1, 0, NULL, 0), LINEERR_INVALDIGITMODE);
    assert_int_equal(ask_with(CF_REQ_GATHER_DIGITS, dtmf | 101 * one, 0, 1, 0, NULL, 0), LINEERR_RESOURCEUNAVAIL);
    assert_int_equal(ask_with(CF_REQ_GATHER_DIGITS, dtmf | one, 1001, 1, 0, NULL, 0), LINEERR_INVALTIMEOUT);
    assert_int_equal(ask_with(CF_REQ_GATHER_DIGITS, dtmf | one, 1001 * one, 1, 0, NULL, 0), LINEERR_INVALTIMEOUT);
    assert_int_equal(ask_with(CF_REQ_GATHER_DIGITS, dtmf | one, 0, 1, CF_FIELD_TERMINATION_DIGITS, "#\0", 2), LINEERR_INVALDIGITS);
    assert_int_equal(ask_with(CF_REQ_GATHER_DIGITS, dtmf | one, 0, 1, CF_FIELD_TERMINATION_DIGITS, many, sizeof many), LINEERR_INVALDIGITS);
    assert_null(rig_find(RIG_PROVIDER, CF_CMD_GATHER_DIGITS));
    assert_int_equal(rig_status(RIG_APP).requests_outstanding, 0);
    assert_int_equal(rig.core.engine->ports[RIG_APP].watches, 0);
}

/* ------------------------------------------------------------------ room */

static void many_listen_and_leave_in_any_order(void **unused) {
    (void)unused;
    enum { OPENS = 40 };
    uint64_t handles[OPENS];
    struct cf_engine *e = rig.core.engine;
    for (uint32_t i = 1; i < OPENS; i++)
        rig_open(RIG_APP, i, 0);
    call = rig_offer(0, 1);
    for (uint32_t i = 0; i < OPENS; i++)
        handles[i] = rig_find(RIG_APP, LINE_APPNEWCALL)->param2;
    for (uint32_t i = 0; i < OPENS; i++)
        assert_int_equal(rig_ask(RIG_APP, CF_REQ_MONITOR_DIGITS, handles[i], LINEDIGITMODE_DTMF, 0, 0), 0);
    assert_int_equal(e->ports[RIG_APP].watches, OPENS);
    rig_read(RIG_APP);
    hears(CF_EV_DIGIT, '1', LINEDIGITMODE_DTMF);
    rig_read(RIG_APP);
    for (uint32_t i = 0; i < OPENS; i++)
        assert_int_equal(rig_count(LINE_MONITORDIGITS, handles[i]), 1);
    for (uint32_t left = OPENS, step = 7; left > 0; left--, step += 7) {
        uint32_t i = step % left;
        if (left % 3 == 0)
            rig_send(RIG_APP, CF_REQ_RELEASE, handles[i], 0, 0, 0);
        else
            assert_int_equal(rig_ask(RIG_APP, CF_REQ_MONITOR_DIGITS, handles[i], 0, 0, 0), 0);
        rig_turns(1);
        handles[i] = handles[left - 1];
        assert_int_equal(e->ports[RIG_APP].watches, left - 1);
        hears(CF_EV_DIGIT, '2', LINEDIGITMODE_DTMF);
        rig_read(RIG_APP);
        assert_int_equal(rig_count(LINE_MONITORDIGITS, 0), left - 1);
    }
    rig_state(call, LINECALLSTATE_IDLE, 0);
}

static void one_application_takes_its_share_of_the_room(void **unused) {
    (void)unused;
    struct cf_engine *e = rig.core.engine;
    const uint32_t most = e->parties_max / 8 + 8;
    uint64_t last = 0;
    for (uint32_t i = 1; i <= most; i++)
        rig_open(RIG_APP, i, 0);
    rig_read(RIG_APP);
    call = rig_offer(0, 1);
    for (uint32_t i = 0; i <= most; i++) {
        last = rig_find(RIG_APP, LINE_APPNEWCALL)->param2;
        assert_int_equal(rig_ask(RIG_APP, CF_REQ_MONITOR_MEDIA, last, LINEMEDIAMODE_TDD, 0, 0), i < most ? 0 : LINEERR_RESOURCEUNAVAIL);
    }
    assert_int_equal(e->ports[RIG_APP].watches, most);
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_MONITOR_MEDIA, last, 0, 0, 0), 0); /* what does not listen needs no room to stop */
    rig_state(call, LINECALLSTATE_IDLE, 0);
    assert_int_equal(e->ports[RIG_APP].watches, 0);
}

static void gathering_without_a_block_is_refused(void **unused) {
    (void)unused;
    struct cf_engine *e = rig.core.engine;
    for (uint32_t i = 0; i < e->parties_max; i++)
        gather(i + 1, 1);
    assert_int_equal(ask_with(CF_REQ_GATHER_DIGITS, LINEDIGITMODE_DTMF | UINT64_C(1) << 32, 0, 99, 0, NULL, 0), LINEERR_RESOURCEUNAVAIL);
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_MONITOR_DIGITS, handle, LINEDIGITMODE_DTMF, 0, 0), LINEERR_RESOURCEUNAVAIL);
    assert_int_equal(rig_status(RIG_APP).requests_outstanding, e->parties_max);
    rig_send(0, CF_DOOR_GONE, 0, RIG_PROVIDER, 0, 1);
    rig_turns(30);
    rig_read(RIG_APP);
    assert_int_equal(rig_count(LINE_GATHERDIGITS, handle), e->parties_max);
    assert_int_equal(rig_last(LINE_GATHERDIGITS, 0)->param1, LINEGATHERTERM_CANCEL);
    assert_int_equal(rig_status(RIG_APP).requests_outstanding, 0);
    assert_int_equal(e->g->parties_live, 0);
}

static const struct cf_heard_tone tone = {.app_specific = 5, .frequency_hz = {440, 0, 0}};

/* The provider does not read: a list that is to begin is refused, one that ends is told when there is room. */
static void lists_of_tones_and_a_provider_that_does_not_read(void **unused) {
    (void)unused;
    struct cf_engine *e = rig.core.engine;
    rig_open(RIG_APP, 1, 0); /* who keeps the call when the other line closes */
    call = rig_offer(0, 1);
    handle = rig_find(RIG_APP, LINE_APPNEWCALL)->param2;
    assert_int_equal(ask_with(CF_REQ_MONITOR_TONES, 0, 0, 0, CF_FIELD_TONES, &tone, sizeof tone), 0);
    uint32_t first = (uint32_t)rig_find(RIG_PROVIDER, CF_CMD_MONITOR_TONES)->param2;
    uint64_t before = 0;
    int32_t error;
    while ((error = ask_with(CF_REQ_MONITOR_TONES, 0, 0, 0, CF_FIELD_TONES, &tone, sizeof tone)) == 0)
        before++;
    assert_int_equal(error, LINEERR_RESOURCEUNAVAIL);
    assert_true(before > 0);
    rig_send(RIG_APP, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
    rig_turns(3);
    assert_int_equal(e->ports[RIG_APP].watches, 0);
    uint64_t last = first, ended = 0;
    for (uint32_t idle = 0; idle < 3; idle++, rig_turns(1))
        for (const struct cf_message *m; (m = rig_next(RIG_PROVIDER)) != NULL; idle = 0)
            if (m->id == CF_CMD_MONITOR_TONES) {
                assert_int_equal(m->param3, last); /* each list ends as its successor begins, the last with the line */
                last = m->param2;
                ended++;
            }
    assert_int_equal(last, 0);
    assert_int_equal(ended, before + 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define FEW(name) cmocka_unit_test_setup_teardown(name, setup_few, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_digit_that_finds_no_room_is_missed),
        CASE(gathered_digits_wait_with_their_digits),
        CASE(gathered_digits_wait_for_room_in_front_of_others),
        CASE(what_cannot_be_heard_is_a_bad_event),
        CASE(requests_of_a_hostile_application_are_judged),
        CASE(many_listen_and_leave_in_any_order),
        FEW(one_application_takes_its_share_of_the_room),
        FEW(gathering_without_a_block_is_refused),
        CASE(lists_of_tones_and_a_provider_that_does_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
