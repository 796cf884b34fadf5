/* Rights in the engine: what a rule covers, what becomes of it when ports, providers and cores come and go, limits of one port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/rights.h"
#include "tests/model/sim.h"

enum { PROVIDER = 1, APP = 1 + SIM_PROVIDERS, OTHER = APP + 1, SLOTS = 1024, V22 = 0x00020002 };

#define OWNER   LINECALLPRIVILEGE_OWNER
#define MONITOR LINECALLPRIVILEGE_MONITOR
#define NOTHING LINECALLPRIVILEGE_NONE

static struct core core, before;
static struct cf_limits limits;
static struct cf_ring_producer up[SIM_PORTS];
static struct cf_ring_consumer down[SIM_PORTS];
static uint64_t sequence[SIM_PORTS];
static uint32_t generation[SIM_PORTS];
static uint32_t lives[SIM_PORTS][8]; /* of the slots of open lines */
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

static uint32_t turns(int n) {
    struct cf_engine_result r;
    char why[256];
    uint32_t records = 0;
    for (int i = 0; i < n; i++) {
        cf_engine_turn(core.engine, now_ns += 1000, &r);
        records += r.records;
        if (!cf_engine_check(core.engine, why, sizeof why))
            fail_msg("%s", why);
    }
    return records;
}

static const struct cf_message *next(uint32_t port, uint16_t id) {
    const struct cf_message *m;
    while ((m = cf_ring_peek(&down[port])) != NULL) {
        cf_ring_consume(&down[port], m);
        if (port != 0) {
            core_up(&core, port)->messages_acked++;
            cf_ring_acknowledge(&core_up(&core, port)->down_ack, down[port].head);
        } else {
            cf_ring_acknowledge(&cf_engine_door_up(core.engine)->down_ack, down[0].head);
        }
        if (m->id == id)
            return m;
    }
    return NULL;
}

/* The port attaches; what the engine says to it: 0 or a negative errno. rights NULL: the record does not say. */
static int32_t join(uint32_t port, const char *name, const void *rights, uint32_t rights_bytes) {
    uint32_t kind = port <= SIM_PROVIDERS ? CF_PORT_PROVIDER : CF_PORT_APPLICATION;
    struct cf_port_header h = {.kind = kind, .port = port, .generation = ++generation[port], .up_slots = SLOTS,
                               .down_slots = kind == CF_PORT_PROVIDER ? SIM_PROVIDER_SLOTS : SLOTS,
                               .reply_slots = kind == CF_PORT_APPLICATION ? CF_REPLY_SLOTS : 0};
    core_map(&core, port, &h);
    cf_ring_producer_init(&up[port], cf_port_up_ring(core_up(&core, port)), SLOTS, &core_down(&core, port)->up.up_ack, 0);
    cf_ring_consumer_init(&down[port], cf_port_down_ring(core_down(&core, port), h.reply_slots), h.down_slots,
                          core_up(&core, port)->down_ack);
    sequence[port] = 0;
    struct cf_record *r = record(CF_DOOR_ATTACH, 0, port, kind, generation[port]);
    cf_fields_append_text(r, CF_FIELD_NAME, name);
    if (rights != NULL)
        cf_fields_append(r, CF_FIELD_RIGHTS, rights, rights_bytes);
    send(0, r);
    turns(3);
    const struct cf_message *m = next(0, CF_DOOR_ATTACHED);
    assert_non_null(m);
    assert_int_equal(m->param1, port);
    return (int32_t)(uint32_t)m->param2;
}

static void leave(uint32_t port) {
    send(0, record(CF_DOOR_GONE, 0, port, 0, generation[port]));
    for (int i = 0; i < 100; i++)
        turns(1);
    assert_non_null(next(0, CF_DOOR_FREE));
    core_unmap(&core, port);
}

static void provider_joins(const char *name) {
    struct cf_line_caps caps = {.addresses = 1, .line_features = LINEFEATURE_MAKECALL,
                                .call_features = LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP};
    assert_int_equal(join(PROVIDER, name, NULL, 0), 0);
    for (uint32_t line = 0; line < 4; line++) {
        struct cf_record *r = record(CF_EV_LINE, 0, line, 0, 0);
        cf_fields_append(r, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
        send(PROVIDER, r);
    }
    turns(3);
}

/* The limits of everybody and one rule: all lines, or those of that provider. */
static struct cf_rights rights_of(const char *provider, uint32_t bits) {
    struct cf_rights r;
    cf_rights_everything(&r, &limits);
    strcpy(r.name, "some");
    r.rules[0].provider = provider == NULL ? 0 : cf_rights_provider(provider);
    r.rules[0].bits = bits;
    return r;
}

static void app_joins(uint32_t port, const struct cf_rights *r) {
    assert_int_equal(join(port, "app", r, cf_rights_bytes(r)), 0);
}

static int setup(void **unused) {
    (void)unused;
    cf_limits_default(&limits);
    limits.applications = SIM_APPS;
    limits.providers = SIM_PROVIDERS;
    limits.lines = limits.open_lines = 8;
    limits.calls = limits.calls_per_provider = limits.handles = 64;
    core_init(&core, &limits, &(struct cf_engine_options){.boot_id = 1}, SLOTS, SLOTS);
    core_init(&before, &limits, &(struct cf_engine_options){.boot_id = 1}, SLOTS, SLOTS);
    const struct cf_port_down *door = core_down(&core, 0);
    cf_ring_producer_init(&up[0], cf_port_up_ring(core_up(&core, 0)), door->header.up_slots, &door->up.up_ack, 0);
    cf_ring_consumer_init(&down[0], cf_port_down_ring(core_down(&core, 0), 0), door->header.down_slots, 0);
    memset(sequence, 0, sizeof sequence);
    memset(generation, 0, sizeof generation);
    memset(lives, 0, sizeof lives);
    now_ns = 1000000;
    provider_joins("one");
    return 0;
}

static int teardown(void **unused) {
    (void)unused;
    core_fini(&core);
    core_fini(&before);
    return 0;
}

static int32_t ask(uint32_t port, struct cf_record *r) {
    r->m.flags = 0;
    send(port, r);
    turns(20);
    const struct cf_reply_slot *slot = cf_port_reply(core_down(&core, port), 0);
    assert_int_equal(slot->done, sequence[port]);
    return slot->result;
}

static uint64_t hline(uint32_t port, uint32_t slot) { return cf_handle_of_usage(0, slot, CF_KIND_LINE, lives[port][slot]); }

static int32_t open_line(uint32_t port, uint32_t slot, uint32_t line, uint32_t privileges) {
    lives[port][slot] = lives[port][slot] == 0 ? 1 : lives[port][slot] + 2;
    return ask(port, record(CF_REQ_OPEN, hline(port, slot), line, (uint64_t)LINEMEDIAMODE_INTERACTIVEVOICE << 32 | privileges, V22));
}

static void offer(uint32_t index) {
    send(PROVIDER, record(CF_EV_NEW_CALL, cf_handle_make(index, CF_KIND_PROVIDER, 1), 0, LINECALLSTATE_OFFERING,
                          LINEMEDIAMODE_INTERACTIVEVOICE));
    turns(3);
}

/* ------------------------------------------------------------------ the rules alone */

static void rules_add_up_and_include_their_borders(void **unused) {
    (void)unused;
    struct cf_rights r = {.rules_count = 3};
    uint64_t one = cf_rights_provider("one"), two = cf_rights_provider("two");
    r.rules[0] = (struct cf_rights_rule){.provider = one, .first = 2, .last = 4, .bits = CF_RIGHT_OWN};
    r.rules[1] = (struct cf_rights_rule){.provider = one, .first = 4, .last = 4, .bits = CF_RIGHT_MONITOR};
    r.rules[2] = (struct cf_rights_rule){.provider = 0, .first = 9, .last = UINT32_MAX, .bits = CF_RIGHT_MONITOR};
    static const uint32_t want[] = {0, 0, CF_RIGHT_OWN, CF_RIGHT_OWN, CF_RIGHT_OWN | CF_RIGHT_MONITOR, 0, 0, 0, 0, CF_RIGHT_MONITOR};
    for (uint32_t line = 0; line < 10; line++) {
        assert_int_equal(cf_rights_of(&r, one, line), want[line]);
        assert_int_equal(cf_rights_of(&r, two, line), line == 9 ? CF_RIGHT_MONITOR : 0);
    }
    assert_int_equal(cf_rights_of(&r, two, UINT32_MAX), CF_RIGHT_MONITOR);
    r.rules_count = 0;
    assert_int_equal(cf_rights_of(&r, one, 2), 0);
}

static void bytes_that_are_no_rights_refuse_the_port(void **unused) {
    (void)unused;
    struct cf_rights good = rights_of(NULL, CF_RIGHT_OWN), bad;
    uint32_t bytes = cf_rights_bytes(&good);
    assert_int_equal(join(APP, "app", &good, bytes - 1), -22);
    core_unmap(&core, APP);
    assert_int_equal(join(APP, "app", &good, bytes + 1), -22);
    core_unmap(&core, APP);
    assert_int_equal(join(APP, "app", &good, 4), -22);
    core_unmap(&core, APP);
    struct {
        size_t offset;
        uint32_t value;
    } wrong[] = {
        {offsetof(struct cf_rights, rules_count), 17}, {offsetof(struct cf_rights, handles), 0},
        {offsetof(struct cf_rights, handles), 65},     {offsetof(struct cf_rights, open_lines), 9},
        {offsetof(struct cf_rights, open_lines), 0},   {offsetof(struct cf_rights, records), 0},
        {offsetof(struct cf_rights, records), 33},     {offsetof(struct cf_rights, rules[0].bits), 4},
        {offsetof(struct cf_rights, rules[0].bits), 0}, {offsetof(struct cf_rights, rules[0].last), 0},
    };
    good.rules[0].first = 1;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bad = good;
        memcpy((uint8_t *)&bad + wrong[i].offset, &wrong[i].value, sizeof wrong[i].value);
        if (join(APP, "app", &bad, bytes) != -22)
            fail_msg("%zu: taken", i);
        core_unmap(&core, APP);
    }
    app_joins(APP, &good);
}

/* ------------------------------------------------------------------ ways to a privilege */

static void a_rule_does_not_pass_to_another_provider_in_the_same_place(void **unused) {
    (void)unused;
    struct cf_rights r = rights_of("one", CF_RIGHT_OWN | CF_RIGHT_MONITOR);
    app_joins(APP, &r);
    assert_int_equal(open_line(APP, 0, 2, OWNER | MONITOR), 0);
    leave(PROVIDER);
    assert_non_null(next(APP, LINE_CLOSE));
    provider_joins("two"); /* its lines get the same device ids */
    assert_int_equal(open_line(APP, 1, 2, NOTHING), LINEERR_INVALPRIVSELECT);
    assert_int_equal(open_line(APP, 1, 2, MONITOR), LINEERR_INVALPRIVSELECT);
    assert_int_equal(open_line(APP, 1, 2, OWNER), LINEERR_INVALPRIVSELECT);
    leave(PROVIDER);
    provider_joins("one");
    assert_int_equal(open_line(APP, 1, 2, OWNER | MONITOR), 0);
}

static void the_next_user_of_a_port_has_rights_of_its_own(void **unused) {
    (void)unused;
    struct cf_rights all = rights_of(NULL, CF_RIGHT_OWN | CF_RIGHT_MONITOR), none = all;
    none.rules_count = 0;
    app_joins(APP, &all);
    assert_int_equal(open_line(APP, 0, 0, OWNER), 0);
    leave(APP);
    app_joins(APP, &none);
    assert_int_equal(open_line(APP, 0, 0, OWNER), LINEERR_INVALPRIVSELECT);
    assert_int_equal(open_line(APP, 0, 0, NOTHING), LINEERR_INVALPRIVSELECT);
    struct cf_engine_totals t;
    cf_engine_totals(core.engine, &t);
    assert_int_equal(t.denied, 2);
}

/* Who comes first may be said by who may own the calls of some line; anybody may ask. */
static void priorities_are_set_by_who_may_own(void **unused) {
    (void)unused;
    struct cf_rights own = rights_of("one", CF_RIGHT_OWN), watch = rights_of(NULL, CF_RIGHT_MONITOR), none = watch;
    static const char name[] = "app";
    none.rules_count = 0;
    const struct {
        const struct cf_rights *rights;
        int32_t set;
    } askers[] = {{&own, 0}, {&watch, LINEERR_OPERATIONUNAVAIL}, {&none, LINEERR_OPERATIONUNAVAIL}};
    for (size_t i = 0; i < sizeof askers / sizeof askers[0]; i++) {
        app_joins(APP, askers[i].rights);
        struct cf_record *r = record(CF_REQ_SET_APP_PRIORITY, 0, LINEMEDIAMODE_INTERACTIVEVOICE, 1, 0);
        cf_fields_append_text(r, CF_FIELD_APP_PRIORITY, name);
        assert_int_equal(ask(APP, r), askers[i].set);
        r = record(CF_REQ_GET_APP_PRIORITY, 0, LINEMEDIAMODE_INTERACTIVEVOICE, 0, 0);
        cf_fields_append_text(r, CF_FIELD_APP_PRIORITY, name);
        assert_int_equal(ask(APP, r), 0);
        leave(APP);
    }
    struct cf_engine_totals t;
    cf_engine_totals(core.engine, &t);
    assert_int_equal(t.denied, 2);
}

/* A core dies at every point of the turn in which the port attaches: the rights are those of the record, no others. */
static void rights_survive_a_crash_at_any_point(void **unused) {
    (void)unused;
    struct cf_rights r = rights_of("one", CF_RIGHT_MONITOR);
    struct cf_engine_result ignored;
    uint64_t crashes = 0, undone = 0;
    for (uint64_t n = 0;; n++) {
        struct cf_port_header h = {.kind = CF_PORT_APPLICATION, .port = APP, .generation = ++generation[APP], .up_slots = SLOTS,
                                   .down_slots = SLOTS, .reply_slots = CF_REPLY_SLOTS};
        core_map(&core, APP, &h);
        cf_ring_producer_init(&up[APP], cf_port_up_ring(core_up(&core, APP)), SLOTS, &core_down(&core, APP)->up.up_ack, 0);
        cf_ring_consumer_init(&down[APP], cf_port_down_ring(core_down(&core, APP), CF_REPLY_SLOTS), SLOTS, core_up(&core, APP)->down_ack);
        sequence[APP] = 0;
        r.handles = 1 + (uint32_t)n % limits.handles; /* other ones than the last life's */
        struct cf_record *attach = record(CF_DOOR_ATTACH, 0, APP, CF_PORT_APPLICATION, generation[APP]);
        cf_fields_append(attach, CF_FIELD_RIGHTS, &r, cf_rights_bytes(&r));
        send(0, attach);
        assert_true(core_copy(&before, &core));
        const uint64_t was = *cf_engine_turn_counter(core.engine);
        bool crashed = core_crash(&core, n, now_ns += 1000, &ignored);
        if (crashed) {
            assert_true(core_recover(&core, UINT64_MAX));
            struct cf_engine_totals t;
            cf_engine_totals(core.engine, &t);
            undone += t.recoveries_undone != undone && core_changed_at(&core, &before) == 0;
            assert_int_equal(t.recoveries_undone, undone); /* what is undone is as it was before */
            assert_true(*cf_engine_turn_counter(core.engine) > was);
        }
        turns(3);
        assert_int_equal(open_line(APP, 0, 1, MONITOR), 0);
        assert_int_equal(open_line(APP, 1, 1, OWNER), LINEERR_INVALPRIVSELECT);
        struct cf_engine_port_status s;
        assert_true(cf_engine_port_status(core.engine, APP, &s));
        assert_string_equal(s.access, "some");
        assert_int_equal(s.handles_max, r.handles);
        memset(lives[APP], 0, sizeof lives[APP]);
        leave(APP);
        if (!crashed)
            break;
        crashes++;
    }
    assert_in_range(crashes, 20, 1000);
}

/* ------------------------------------------------------------------ limits of one port */

static void so_many_records_are_taken_in_a_turn(void **unused) {
    (void)unused;
    struct cf_rights slow = rights_of(NULL, CF_RIGHT_OWN), fast = slow;
    slow.records = 2;
    app_joins(APP, &slow);
    app_joins(OTHER, &fast);
    for (uint8_t i = 0; i < 10; i++) {
        for (uint32_t port = APP; port <= OTHER; port++) {
            struct cf_record *r = record(CF_REQ_PING, 0, 0, 0, 0);
            r->m.flags = i;
            send(port, r);
        }
    }
    assert_int_equal(turns(1), 2 + 10);
    for (int i = 0; i < 4; i++)
        assert_int_equal(turns(1), 2);
    assert_int_equal(turns(1), 0);
}

static void calls_beyond_the_handles_of_a_port_wait_for_one(void **unused) {
    (void)unused;
    struct cf_rights r = rights_of(NULL, CF_RIGHT_OWN | CF_RIGHT_MONITOR), full = r;
    r.handles = 2;
    app_joins(APP, &r);
    app_joins(OTHER, &full);
    assert_int_equal(open_line(APP, 0, 0, OWNER | MONITOR), 0);
    assert_int_equal(open_line(OTHER, 0, 0, OWNER | MONITOR), 0);
    uint64_t first = 0;
    for (uint32_t i = 0; i < 3; i++) {
        offer(i);
        const struct cf_message *m = next(APP, LINE_APPNEWCALL);
        assert_true((m != NULL) == (i < 2)); /* the first to open the line is the owner, as long as it can be */
        if (m != NULL)
            assert_int_equal(m->param3, OWNER);
        if (i == 0)
            first = m->param2;
        m = next(OTHER, LINE_APPNEWCALL);
        assert_non_null(m);
        assert_int_equal(m->param3, i < 2 ? MONITOR : OWNER);
    }
    send(APP, record(CF_REQ_RELEASE, first, 0, 0, 0));
    turns(20);
    const struct cf_message *m = next(APP, LINE_APPNEWCALL); /* told late, as to one who was behind */
    assert_non_null(m);
    assert_int_equal(m->param3, MONITOR);
}

static void open_lines_of_a_port_are_limited(void **unused) {
    (void)unused;
    struct cf_rights r = rights_of(NULL, CF_RIGHT_MONITOR);
    r.open_lines = 2;
    app_joins(APP, &r);
    assert_int_equal(open_line(APP, 0, 0, MONITOR), 0);
    assert_int_equal(open_line(APP, 1, 0, MONITOR), 0);
    assert_int_equal(open_line(APP, 2, 1, NOTHING), LINEERR_RESOURCEUNAVAIL);
    send(APP, record(CF_REQ_CLOSE, hline(APP, 0), 0, 0, 0));
    turns(5);
    assert_int_equal(open_line(APP, 2, 1, NOTHING), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_add_up_and_include_their_borders),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_rights_refuse_the_port, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rule_does_not_pass_to_another_provider_in_the_same_place, setup, teardown),
        cmocka_unit_test_setup_teardown(the_next_user_of_a_port_has_rights_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(priorities_are_set_by_who_may_own, setup, teardown),
        cmocka_unit_test_setup_teardown(rights_survive_a_crash_at_any_point, setup, teardown),
        cmocka_unit_test_setup_teardown(so_many_records_are_taken_in_a_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_beyond_the_handles_of_a_port_wait_for_one, setup, teardown),
        cmocka_unit_test_setup_teardown(open_lines_of_a_port_are_limited, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
