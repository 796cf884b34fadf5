/* See rig.h. */
#include "tests/model/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct rig rig;

static uint32_t down_slots_of_applications;

static void join(uint32_t port, uint32_t kind) {
    struct cf_port_header h = {.kind = kind, .port = port, .generation = 1, .up_slots = RIG_UP_SLOTS, .reply_slots = 0,
                               .down_slots = SIM_PROVIDER_SLOTS};
    if (kind == CF_PORT_APPLICATION) {
        h.reply_slots = CF_REPLY_SLOTS;
        h.down_slots = down_slots_of_applications;
    }
    core_map(&rig.core, port, &h);
    cf_ring_producer_init(&rig.up[port], cf_port_up_ring(core_up(&rig.core, port)), RIG_UP_SLOTS,
                          &core_down(&rig.core, port)->up.up_ack, 0);
    cf_ring_consumer_init(&rig.down[port], cf_port_down_ring(core_down(&rig.core, port), h.reply_slots), h.down_slots,
                          core_up(&rig.core, port)->down_ack);
    rig.sequence[port] = 0;
    char name[] = {'p', 'e', 'e', 'r', (char)('0' + port)};
    struct cf_record *r = rig_record(CF_DOOR_ATTACH, 0, port, kind, 1);
    cf_fields_append(r, CF_FIELD_NAME, name, sizeof name);
    rig_put(0, r);
    rig_turns(1);
}

void rig_join(uint32_t port) { join(port, CF_PORT_APPLICATION); }

void rig_line(uint32_t provider, uint32_t number) {
    struct cf_line_caps caps = {.addresses = 1, .line_features = LINEFEATURE_MAKECALL,
                                .call_features = LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP | LINECALLFEATURE_GENERATEDIGITS |
                                                 LINECALLFEATURE_MONITORDIGITS | LINECALLFEATURE_MONITORMEDIA |
                                                 LINECALLFEATURE_MONITORTONES | LINECALLFEATURE_GATHERDIGITS | LINECALLFEATURE_GENERATETONE,
                                .monitor_digit_modes = LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND,
                                .generate_tone_modes = LINETONEMODE_CUSTOM | LINETONEMODE_BEEP, .monitor_tone_freqs = 3,
                                .monitor_tone_entries = 32, .gather_timeout_max_ms = 1000};
    struct cf_record *r = rig_record(CF_EV_LINE, 0, number, 0, 0);
    cf_fields_append(r, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
    rig_put(provider, r);
    rig_turns(1);
}

void rig_begin(uint32_t down_slots, void (*tweak)(struct cf_limits *l)) {
    struct cf_limits limits;
    memset(&rig, 0, sizeof rig);
    rig.now_ns = 1000000;
    down_slots_of_applications = down_slots;
    cf_limits_default(&limits);
    limits.applications = SIM_APPS;
    limits.providers = SIM_PROVIDERS;
    limits.lines = limits.open_lines = 64;
    limits.calls = limits.calls_per_provider = 4096;
    limits.handles = 8192;
    if (tweak != NULL)
        tweak(&limits);
    core_init(&rig.core, &limits, &(struct cf_engine_options){.boot_id = 1}, down_slots, RIG_UP_SLOTS);
    const struct cf_port_down *door = core_down(&rig.core, 0);
    cf_ring_producer_init(&rig.up[0], cf_port_up_ring(core_up(&rig.core, 0)), door->header.up_slots, &door->up.up_ack, 0);
    cf_ring_consumer_init(&rig.down[0], cf_port_down_ring(door, 0), door->header.down_slots, 0);
    join(RIG_PROVIDER, CF_PORT_PROVIDER);
    rig_line(RIG_PROVIDER, 0);
    rig_line(RIG_PROVIDER, 1);
}

void rig_end(void) { core_fini(&rig.core); }

void rig_turns(uint32_t n) {
    char why[256];
    for (uint32_t i = 0; i < n; i++)
        cf_engine_turn(rig.core.engine, rig.now_ns += 1000, &rig.result);
    if (!cf_engine_check(rig.core.engine, why, sizeof why))
        fail_msg("%s", why);
}

struct cf_record *rig_record(uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    static struct cf_record r;
    r.m = (struct cf_message){.id = id, .device = device, .param1 = p1, .param2 = p2, .param3 = p3, .flags = CF_NO_REPLY,
                              .open_line = CF_INDEX_NONE, .time_ns = rig.now_ns};
    r.payload_bytes = 0;
    return &r;
}

void rig_put(uint32_t port, struct cf_record *r) {
    r->m.sequence = ++rig.sequence[port];
    assert_true(cf_ring_put(&rig.up[port], r));
}

void rig_send(uint32_t port, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    rig_put(port, rig_record(id, device, p1, p2, p3));
}

int32_t rig_ask(uint32_t port, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    struct cf_record *r = rig_record(id, device, p1, p2, p3);
    r->m.flags = 0;
    rig_put(port, r);
    rig_turns(1);
    const struct cf_reply_slot *slot = cf_port_reply(core_down(&rig.core, port), 0);
    assert_int_equal(slot->done, rig.sequence[port]);
    return slot->result;
}

uint64_t rig_hline(uint32_t slot) { return cf_handle_of_usage(0, slot, CF_KIND_LINE, 1); }

void rig_open(uint32_t port, uint32_t slot, uint32_t device) {
    uint64_t how = (uint64_t)LINEMEDIAMODE_INTERACTIVEVOICE << 32 | LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER;
    assert_int_equal(rig_ask(port, CF_REQ_OPEN, rig_hline(slot), device, how, 0x00020002), 0);
}

uint64_t rig_offer(uint32_t line, uint32_t index) {
    uint64_t call = cf_handle_make(index, CF_KIND_PROVIDER, 1);
    rig_send(RIG_PROVIDER, CF_EV_NEW_CALL, call, line, LINECALLSTATE_OFFERING, LINEMEDIAMODE_INTERACTIVEVOICE);
    rig_turns(1);
    return call;
}

void rig_state(uint64_t call, uint32_t state, uint32_t mode) {
    rig_send(RIG_PROVIDER, CF_EV_CALL_STATE, call, state, mode, 0);
    rig_turns(1);
}

const struct cf_message *rig_next(uint32_t port) {
    const struct cf_message *m = cf_ring_peek(&rig.down[port]);
    if (m == NULL)
        return NULL;
    cf_ring_consume(&rig.down[port], m);
    struct cf_port_up *up = core_up(&rig.core, port);
    up->messages_acked += m->id != CF_LINE_GAP;
    cf_ring_acknowledge(&up->down_ack, rig.down[port].head);
    return m;
}

const struct cf_message *rig_find(uint32_t port, uint16_t id) {
    const struct cf_message *m;
    while ((m = rig_next(port)) != NULL && m->id != id) {
    }
    return m;
}

void rig_read(uint32_t port) {
    rig.seen_count = 0;
    for (uint32_t quiet = 0; quiet < 4; quiet++) {
        const struct cf_message *m;
        while ((m = rig_next(port)) != NULL) {
            assert_true(rig.seen_count < RIG_SEEN_MAX);
            rig.seen[rig.seen_count++] = *m;
            quiet = 0;
        }
        rig_turns(1);
    }
}

uint32_t rig_count(uint16_t id, uint64_t device) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < rig.seen_count; i++)
        n += rig.seen[i].id == id && (device == 0 || rig.seen[i].device == device);
    return n;
}

const struct cf_message *rig_last(uint16_t id, uint64_t device) {
    for (uint32_t i = rig.seen_count; i-- > 0;)
        if (rig.seen[i].id == id && (device == 0 || rig.seen[i].device == device))
            return &rig.seen[i];
    return NULL;
}

struct cf_engine_port_status rig_status(uint32_t port) {
    struct cf_engine_port_status s;
    assert_true(cf_engine_port_status(rig.core.engine, port, &s));
    assert_int_equal(s.offered, s.delivered + s.pending + s.missed + s.cancelled);
    return s;
}

struct cf_engine_totals rig_totals(void) {
    struct cf_engine_totals t;
    cf_engine_totals(rig.core.engine, &t);
    return t;
}

void rig_fall_behind(uint32_t port, uint64_t call) {
    for (uint32_t i = 0; rig_status(port).behind != 1; i++) {
        assert_true(i < 4 * down_slots_of_applications);
        rig_state(call, i % 2 == 0 ? LINECALLSTATE_CONNECTED : LINECALLSTATE_ONHOLD, 0);
    }
}
