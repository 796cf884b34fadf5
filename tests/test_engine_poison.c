/* A record that crashes the engine whenever it is taken: after three crashes it is set aside, told of, and everything else goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/model/sim.h"

enum { PROVIDER = 1, APP = 1 + SIM_PROVIDERS, SLOTS = 1024 };

static struct core core;
static struct cf_ring_producer up[SIM_PORTS];
static struct cf_ring_consumer down[SIM_PORTS];
static uint64_t sequence[SIM_PORTS];
static int64_t now_ns;

static struct cf_record *record(uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    static struct cf_record r;
    r.m = (struct cf_message){.id = id, .device = device, .param1 = p1, .param2 = p2, .param3 = p3, .flags = CF_NO_REPLY,
                              .open_line = CF_INDEX_NONE, .time_ns = now_ns};
    r.payload_bytes = 0;
    return &r;
}

static void send(uint32_t port, struct cf_record *r) {
    r->m.sequence = ++sequence[port];
    assert_true(cf_ring_put(&up[port], r));
}

static void turns(void) {
    struct cf_engine_result r;
    for (int i = 0; i < 50; i++)
        cf_engine_turn(core.engine, now_ns += 1000, &r);
}

/* The next message of that kind, others are passed over. NULL: none. */
static const struct cf_message *next(uint32_t port, uint16_t id) {
    const struct cf_message *m;
    while ((m = cf_ring_peek(&down[port])) != NULL) {
        cf_ring_consume(&down[port], m);
        if (m->id == id)
            return m;
    }
    return NULL;
}

static void join(uint32_t port, uint32_t kind) {
    struct cf_port_header h = {.kind = kind, .port = port, .generation = 1, .down_slots = SLOTS, .up_slots = SLOTS,
                               .reply_slots = kind == CF_PORT_APPLICATION ? CF_REPLY_SLOTS : 0};
    if (kind == CF_PORT_PROVIDER)
        h.down_slots = SIM_PROVIDER_SLOTS;
    core_map(&core, port, &h);
    cf_ring_producer_init(&up[port], cf_port_up_ring(core_up(&core, port)), SLOTS, &core_down(&core, port)->up.up_ack, 0);
    cf_ring_consumer_init(&down[port], cf_port_down_ring(core_down(&core, port), h.reply_slots), h.down_slots,
                          core_up(&core, port)->down_ack);
    sequence[port] = 0;
    send(0, record(CF_DOOR_ATTACH, 0, port, kind, 1));
    turns();
}

/* The engine dies at the first point of a turn, so with the first record in hand, `times` times; a new one takes over each time. */
static void crash(int times) {
    struct cf_engine_result r;
    for (int i = 0; i < times; i++) {
        assert_true(core_crash(&core, 0, now_ns += 1000, &r));
        assert_true(core_recover(&core, UINT64_MAX));
    }
}

static uint64_t set_aside(void) {
    struct cf_engine_totals t;
    char why[256];
    assert_true(cf_engine_check(core.engine, why, sizeof why));
    cf_engine_totals(core.engine, &t);
    return t.set_aside;
}

static int setup(void **unused) {
    (void)unused;
    struct cf_limits limits;
    cf_limits_default(&limits);
    limits.applications = SIM_APPS;
    limits.providers = SIM_PROVIDERS;
    limits.lines = limits.open_lines = 8;
    limits.calls = limits.calls_per_provider = limits.handles = 64;
    core_init(&core, &limits, &(struct cf_engine_options){.boot_id = 1}, SLOTS, SLOTS);
    const struct cf_port_down *door = core_down(&core, 0);
    cf_ring_producer_init(&up[0], cf_port_up_ring(core_up(&core, 0)), door->header.up_slots, &door->up.up_ack, 0);
    sequence[0] = 0;
    now_ns = 1000000;
    join(PROVIDER, CF_PORT_PROVIDER);
    struct cf_line_caps caps = {.addresses = 1, .line_features = LINEFEATURE_MAKECALL,
                                .call_features = LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP | LINECALLFEATURE_GENERATEDIGITS};
    struct cf_record *r = record(CF_EV_LINE, 0, 0, 0, 0);
    cf_fields_append(r, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
    send(PROVIDER, r);
    turns();
    join(APP, CF_PORT_APPLICATION);
    r = record(CF_REQ_OPEN, cf_handle_of_usage(0, 0, CF_KIND_LINE, 1), 0,
               (uint64_t)LINEMEDIAMODE_INTERACTIVEVOICE << 32 | LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER, 0x00020002);
    r->m.flags = 0;
    send(APP, r);
    turns();
    assert_int_equal(cf_port_reply(core_down(&core, APP), 0)->result, 0);
    return 0;
}

static int teardown(void **unused) {
    (void)unused;
    core_fini(&core);
    return 0;
}

static uint64_t offer(uint32_t index) {
    uint64_t call = cf_handle_make(index, CF_KIND_PROVIDER, 1);
    send(PROVIDER, record(CF_EV_NEW_CALL, call, 0, LINECALLSTATE_OFFERING, LINEMEDIAMODE_INTERACTIVEVOICE));
    return call;
}

static void ping(uint8_t slot) {
    struct cf_record *r = record(CF_REQ_PING, 0, 0, 0, 0);
    r->m.flags = slot;
    send(APP, r);
}

static void two_crashes_cost_nothing(void **unused) {
    (void)unused;
    ping(5);
    crash(2);
    turns();
    assert_int_equal(cf_port_reply(core_down(&core, APP), 5)->done, sequence[APP]);
    assert_int_equal(cf_port_reply(core_down(&core, APP), 5)->result, 0);
    assert_int_equal(set_aside(), 0);
}

static void a_synchronous_request_is_answered_with_an_error(void **unused) {
    (void)unused;
    ping(5);
    ping(6);
    crash(3);
    turns();
    assert_int_equal(cf_port_reply(core_down(&core, APP), 5)->done, sequence[APP] - 1);
    assert_int_equal(cf_port_reply(core_down(&core, APP), 5)->result, LINEERR_OPERATIONFAILED);
    assert_int_equal(cf_port_reply(core_down(&core, APP), 6)->done, sequence[APP]);
    assert_int_equal(cf_port_reply(core_down(&core, APP), 6)->result, 0);
    assert_int_equal(set_aside(), 1);
}

static void an_asynchronous_request_gets_its_reply(void **unused) {
    (void)unused;
    struct cf_record *r = record(CF_REQ_MAKE_CALL, cf_handle_of_usage(0, 0, CF_KIND_LINE, 1), 77, 0, 0);
    r->m.open_line = 0;
    send(APP, r);
    crash(3);
    turns();
    const struct cf_message *m = next(APP, LINE_REPLY);
    assert_non_null(m);
    assert_int_equal(m->param1, 77);
    assert_int_equal((int32_t)(uint32_t)m->param2, LINEERR_OPERATIONFAILED);
    assert_null(next(APP, LINE_REPLY));
    assert_null(next(PROVIDER, CF_CMD_MAKE_CALL));
    assert_int_equal(set_aside(), 1);
}

static void the_call_of_a_state_ends(void **unused) {
    (void)unused;
    uint64_t call = offer(0), other = offer(1);
    turns();
    assert_non_null(next(APP, LINE_APPNEWCALL));
    send(PROVIDER, record(CF_EV_CALL_STATE, call, LINECALLSTATE_CONNECTED, 0, 0));
    send(PROVIDER, record(CF_EV_CALL_STATE, other, LINECALLSTATE_CONNECTED, 0, 0));
    while (next(APP, LINE_APPNEWCALL) != NULL) {
    }
    crash(3);
    turns();
    static const uint32_t states[] = {LINECALLSTATE_DISCONNECTED, LINECALLSTATE_IDLE, LINECALLSTATE_CONNECTED};
    for (int i = 0; i < 3; i++) {
        const struct cf_message *m = next(APP, LINE_CALLSTATE);
        assert_non_null(m);
        assert_int_equal(m->param1, states[i]);
        assert_int_equal(m->param2, i == 0 ? LINEDISCONNECTMODE_UNKNOWN : 0);
    }
    assert_null(next(APP, LINE_CALLSTATE));
    assert_int_equal(set_aside(), 1);
}

static void a_new_call_is_refused(void **unused) {
    (void)unused;
    uint64_t call = offer(0);
    crash(3);
    turns();
    const struct cf_message *m = next(PROVIDER, CF_CMD_REFUSED);
    assert_non_null(m);
    assert_int_equal(m->device, call);
    assert_null(next(APP, LINE_APPNEWCALL));
    assert_int_equal(set_aside(), 1);
    offer(1);
    turns();
    assert_non_null(next(APP, LINE_APPNEWCALL));
}

static void a_provider_s_reply_fails_the_request(void **unused) {
    (void)unused;
    struct cf_record *r = record(CF_REQ_MAKE_CALL, cf_handle_of_usage(0, 0, CF_KIND_LINE, 1), 78, 0, 0);
    r->m.open_line = 0;
    send(APP, r);
    turns();
    const struct cf_message *m = next(PROVIDER, CF_CMD_MAKE_CALL);
    assert_non_null(m);
    send(PROVIDER, record(CF_EV_REPLY, cf_handle_make(3, CF_KIND_PROVIDER, 1), m->param1, 0, 0));
    crash(3);
    turns();
    m = next(APP, LINE_REPLY);
    assert_non_null(m);
    assert_int_equal(m->param1, 78);
    assert_int_equal((int32_t)(uint32_t)m->param2, LINEERR_OPERATIONFAILED);
    assert_int_equal(set_aside(), 1);
}

static uint64_t digits(uint64_t handle) {
    struct cf_record *r = record(CF_REQ_GENERATE_DIGITS, handle, LINEDIGITMODE_DTMF, 0, 0);
    r->m.flags = 3;
    cf_fields_append_text(r, CF_FIELD_DIGITS, "123");
    send(APP, r);
    return sequence[APP];
}

static void digits_that_crash_are_refused_and_their_end_is_told_as_cancelled(void **unused) {
    (void)unused;
    offer(0);
    turns();
    const struct cf_message *m = next(APP, LINE_APPNEWCALL);
    assert_non_null(m);
    uint64_t handle = m->param2, number = digits(handle);
    crash(3);
    turns();
    assert_int_equal(cf_port_reply(core_down(&core, APP), 3)->done, number);
    assert_int_equal(cf_port_reply(core_down(&core, APP), 3)->result, LINEERR_OPERATIONFAILED);
    assert_null(next(PROVIDER, CF_CMD_GENERATE_DIGITS));
    assert_null(next(APP, LINE_GENERATE));

    digits(handle);
    turns();
    assert_int_equal(cf_port_reply(core_down(&core, APP), 3)->result, 0);
    m = next(PROVIDER, CF_CMD_GENERATE_DIGITS);
    assert_non_null(m);
    send(PROVIDER, record(CF_EV_REPLY, 0, m->param1, 0, 0));
    crash(3);
    turns();
    m = next(APP, LINE_GENERATE);
    assert_non_null(m);
    assert_int_equal(m->device, handle);
    assert_int_equal(m->param1, LINEGENERATETERM_CANCEL);
    assert_int_equal(set_aside(), 2);
}

/* The application is behind: the reply is kept like any other. */
static void the_reply_of_one_set_aside_waits_for_room(void **unused) {
    (void)unused;
    uint64_t call = offer(0);
    for (uint32_t i = 0; i < 2 * SLOTS; i++) {
        send(PROVIDER, record(CF_EV_CALL_STATE, call, LINECALLSTATE_CONNECTED, 1 + i % 2, 0));
        turns();
    }
    struct cf_record *r = record(CF_REQ_MAKE_CALL, cf_handle_of_usage(0, 0, CF_KIND_LINE, 1), 79, 0, 0);
    r->m.open_line = 0;
    send(APP, r);
    crash(3);
    turns();
    assert_null(next(APP, LINE_REPLY));
    assert_int_equal(set_aside(), 1);
    cf_ring_acknowledge(&core_up(&core, APP)->down_ack, down[APP].head);
    turns();
    const struct cf_message *m = next(APP, LINE_REPLY);
    assert_non_null(m);
    assert_int_equal(m->param1, 79);
    assert_int_equal((int32_t)(uint32_t)m->param2, LINEERR_OPERATIONFAILED);
}

/* Setting it aside crashes as well: after that it is stepped over without a word, and the service goes on. */
static void what_is_told_of_it_crashes_too(void **unused) {
    (void)unused;
    struct cf_engine_result r;
    uint64_t call = offer(0), other = offer(1);
    turns();
    send(PROVIDER, record(CF_EV_CALL_STATE, call, LINECALLSTATE_CONNECTED, 0, 0));
    while (next(APP, LINE_APPNEWCALL) != NULL) {
    }
    crash(2);
    assert_true(core_crash(&core, 0, now_ns += 1000, &r));
    assert_true(core_recover(&core, 3 * SIM_PORTS)); /* beyond what recovery publishes: in the turn that sets it aside */
    assert_int_equal(set_aside(), 0);
    crash(1);
    turns();
    assert_int_equal(set_aside(), 1);
    assert_null(next(APP, LINE_CALLSTATE));
    send(PROVIDER, record(CF_EV_CALL_STATE, call, LINECALLSTATE_ONHOLD, 0, 0));
    send(PROVIDER, record(CF_EV_CALL_STATE, other, LINECALLSTATE_CONNECTED, 0, 0));
    turns();
    assert_int_equal(next(APP, LINE_CALLSTATE)->param1, LINECALLSTATE_ONHOLD); /* the call lives on */
    assert_int_equal(next(APP, LINE_CALLSTATE)->param1, LINECALLSTATE_CONNECTED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(two_crashes_cost_nothing),
        CASE(a_synchronous_request_is_answered_with_an_error),
        CASE(an_asynchronous_request_gets_its_reply),
        CASE(the_call_of_a_state_ends),
        CASE(a_new_call_is_refused),
        CASE(a_provider_s_reply_fails_the_request),
        CASE(digits_that_crash_are_refused_and_their_end_is_told_as_cancelled),
        CASE(the_reply_of_one_set_aside_waits_for_room),
        CASE(what_is_told_of_it_crashes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
