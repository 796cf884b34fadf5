/* The engine by hand: one provider, two applications, a call from OFFERING to IDLE, and what becomes of handles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "callfan/provider.h"
#include "core/engine.h"
#include "shm/fields.h"
#include "shm/handle.h"
#include "shm/request.h"

#define SLOTS 4096

struct peer {
    uint32_t port;
    struct cf_port_down *down;
    struct cf_port_up *up;
    struct cf_ring_producer out;
    struct cf_ring_consumer in;
    uint64_t number;
};

static struct cf_engine *engine;
static void *private_memory, *state;
static struct cf_engine_result result;
static int64_t now = 1000000;
static struct peer door, provider, owner, monitor;

static void turns(int n) {
    for (int i = 0; i < n; i++) {
        char why[200];
        cf_engine_turn(engine, now += 1000, &result);
        if (!cf_engine_check(engine, why, sizeof why))
            fail_msg("%s", why);
    }
}

static void join(struct peer *p, struct cf_port_down *down, struct cf_port_up *up) {
    p->down = down;
    p->up = up;
    cf_ring_producer_init(&p->out, cf_port_up_ring(up), down->header.up_slots, &down->up.up_ack, 0);
    cf_ring_consumer_init(&p->in, cf_port_down_ring(down, down->header.reply_slots), down->header.down_slots, 0);
}

static void send(struct peer *p, uint16_t id, uint8_t flags, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    struct cf_record r = {.m = {.sequence = ++p->number, .id = id, .flags = flags, .device = device, .param1 = p1, .param2 = p2,
                                .param3 = p3, .time_ns = now, .open_line = CF_INDEX_NONE}};
    assert_true(cf_ring_put(&p->out, &r));
}

static const struct cf_message *next(struct peer *p) {
    const struct cf_message *m = cf_ring_peek(&p->in);
    if (m != NULL) {
        cf_ring_consume(&p->in, m);
        p->up->messages_acked++;
        cf_ring_acknowledge(&p->up->down_ack, p->in.head);
    }
    return m;
}

static void expect(struct peer *p, uint16_t id, uint64_t p1, uint64_t p2, uint64_t p3) {
    const struct cf_message *m = next(p);
    assert_non_null(m);
    assert_int_equal(m->id, id);
    assert_int_equal(m->param1, p1);
    assert_int_equal(m->param2, p2);
    assert_int_equal(m->param3, p3);
}

static void attach(struct peer *p, uint32_t port, uint32_t kind) {
    uint32_t replies = kind == CF_PORT_APPLICATION ? CF_REPLY_SLOTS : 0;
    struct cf_port_down *down = aligned_alloc(4096, cf_port_down_bytes(replies, SLOTS));
    struct cf_port_up *up = aligned_alloc(4096, cf_port_up_bytes(SLOTS));
    memset(down, 0, cf_port_down_bytes(replies, SLOTS));
    memset(up, 0, cf_port_up_bytes(SLOTS));
    struct cf_port_header h = {.kind = kind, .port = port, .generation = 1, .down_slots = SLOTS, .up_slots = SLOTS, .reply_slots = replies};
    cf_port_format(down, &h);
    memset(p, 0, sizeof *p);
    p->port = port;
    join(p, down, up);
    cf_engine_map_port(engine, port, down, up);
    send(&door, CF_DOOR_ATTACH, 0, 0, port, kind, 1);
    turns(1);
    expect(&door, CF_DOOR_ATTACHED, port, 0, 1);
}

static int32_t ask(struct peer *p, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    send(p, id, 0, device, p1, p2, p3);
    turns(1);
    const struct cf_reply_slot *r = cf_port_reply(p->down, 0);
    assert_int_equal(r->done, p->number);
    return r->result;
}

static uint64_t hline(uint32_t slot) { return cf_handle_of_usage(0, slot, CF_KIND_LINE, 1); }

static uint32_t calls_max = 1024, idle_handles_max = 65536, resync_slice = 512;

static int setup(void **unused) {
    (void)unused;
    struct cf_limits l;
    cf_limits_default(&l);
    l.applications = 4;
    l.providers = 2;
    l.lines = 64;
    l.open_lines = 64;
    l.calls = l.calls_per_provider = calls_max;
    l.handles = 4096;
    l.idle_handles_max = idle_handles_max;
    l.resync_slice = resync_slice;
    uint64_t bytes = cf_engine_state_bytes(&l);
    state = aligned_alloc(4096, bytes);
    memset(state, 0, bytes);
    private_memory = aligned_alloc(64, cf_engine_private_bytes());
    struct cf_engine_options o = {0};
    engine = cf_engine_create(private_memory, state, bytes, &l, &o);
    assert_non_null(engine);
    memset(&door, 0, sizeof door);
    join(&door, cf_engine_door_down(engine), cf_engine_door_up(engine));
    attach(&provider, 1, CF_PORT_PROVIDER);
    send(&provider, CF_EV_SNAPSHOT_BEGIN, 0, 0, 0, 0, 0);
    struct cf_record line = {.m = {.id = CF_EV_LINE, .sequence = ++provider.number}};
    struct cf_line_caps caps = {.line_features = LINEFEATURE_MAKECALL,
                                .call_features = LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP |
                                                 LINECALLFEATURE_GENERATEDIGITS | LINECALLFEATURE_SETCALLPARAMS};
    cf_fields_append_text(&line, CF_FIELD_NAME, "trunk");
    cf_fields_append(&line, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
    assert_true(cf_ring_put(&provider.out, &line));
    send(&provider, CF_EV_SNAPSHOT_END, 0, 0, 0, 0, 0);
    turns(1);
    attach(&owner, 3, CF_PORT_APPLICATION);
    attach(&monitor, 4, CF_PORT_APPLICATION);
    assert_int_equal(ask(&owner, CF_REQ_OPEN, hline(0), 0, LINECALLPRIVILEGE_OWNER | (uint64_t)LINEMEDIAMODE_INTERACTIVEVOICE << 32, 0x20002), 0);
    assert_int_equal(ask(&monitor, CF_REQ_OPEN, hline(0), 0, LINECALLPRIVILEGE_MONITOR, 0x20002), 0);
    expect(&provider, CF_CMD_OPEN_LINE, 0, LINEMEDIAMODE_INTERACTIVEVOICE, 0);
    return 0;
}

static int setup_small(void **unused) {
    calls_max = 16;
    int result_of_setup = setup(unused);
    calls_max = 1024;
    return result_of_setup;
}

static int setup_slow_resync(void **unused) {
    idle_handles_max = resync_slice = 16;
    int result_of_setup = setup(unused);
    idle_handles_max = 65536;
    resync_slice = 512;
    return result_of_setup;
}

static int teardown(void **unused) {
    (void)unused;
    struct peer *peers[] = {&provider, &owner, &monitor};
    for (size_t i = 0; i < 3; i++) {
        free(peers[i]->down);
        free(peers[i]->up);
    }
    free(private_memory);
    free(state);
    return 0;
}

static uint64_t offer(uint32_t index, uint32_t generation) {
    uint64_t call = cf_handle_make(index, CF_KIND_PROVIDER, generation);
    struct cf_record r = {.m = {.id = CF_EV_NEW_CALL, .sequence = ++provider.number, .device = call, .param2 = LINECALLSTATE_OFFERING,
                                .param3 = LINEMEDIAMODE_INTERACTIVEVOICE, .time_ns = now}};
    cf_fields_append_text(&r, CF_FIELD_CALLER, "100");
    cf_fields_append_text(&r, CF_FIELD_CALLED, "200");
    assert_true(cf_ring_put(&provider.out, &r));
    turns(1);
    return call;
}

static uint64_t announced(struct peer *p, uint64_t privilege) {
    const struct cf_message *m = next(p);
    assert_non_null(m);
    assert_int_equal(m->id, LINE_APPNEWCALL);
    assert_int_equal(m->param3, privilege);
    uint64_t call = m->param2;
    m = next(p);
    assert_int_equal(m->id, LINE_CALLSTATE);
    assert_int_equal(m->device, call);
    assert_int_equal(m->param3, privilege);
    return call;
}

static void every_state_reaches_owner_and_monitor(void **unused) {
    (void)unused;
    uint64_t call = offer(0, 1), at_owner = announced(&owner, LINECALLPRIVILEGE_OWNER), at_monitor = announced(&monitor, LINECALLPRIVILEGE_MONITOR);
    send(&owner, CF_REQ_ANSWER, CF_NO_REPLY, at_owner, 7, 0, 0);
    turns(1);
    const struct cf_message *m = next(&provider);
    assert_int_equal(m->id, CF_CMD_ANSWER);
    send(&provider, CF_EV_REPLY, 0, 0, m->param1, 0, 0);
    send(&provider, CF_EV_CALL_STATE, 0, call, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE, 0);
    send(&provider, CF_EV_CALL_STATE, 0, call, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL, 0);
    send(&provider, CF_EV_CALL_STATE, 0, call, LINECALLSTATE_IDLE, 0, 0);
    turns(1);
    expect(&owner, LINE_REPLY, 7, 0, 0);
    for (struct peer *p = &owner; p != NULL; p = p == &owner ? &monitor : NULL) {
        expect(p, LINE_CALLSTATE, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE, 0);
        expect(p, LINE_CALLSTATE, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL, 0);
        expect(p, LINE_CALLSTATE, LINECALLSTATE_IDLE, 0, 0);
        assert_null(next(p));
    }
    send(&owner, CF_REQ_RELEASE, CF_NO_REPLY, at_owner, 0, 0, 0);
    turns(1);
    assert_null(next(&provider));
    send(&monitor, CF_REQ_RELEASE, CF_NO_REPLY, at_monitor, 0, 0, 0);
    turns(1);
    m = next(&provider);
    assert_int_equal(m->id, CF_CMD_CLOSE_CALL);
    assert_int_equal(m->device, call);
    assert_int_equal(ask(&monitor, CF_REQ_CALL_STATUS, at_monitor, 0, 0, 0), LINEERR_INVALCALLHANDLE);
    struct cf_engine_totals t;
    cf_engine_totals(engine, &t);
    assert_int_equal(t.calls_live, 0);
    assert_int_equal(t.handles_live, 0);
}

static void closing_the_line_voids_its_handles_and_drops_the_call(void **unused) {
    (void)unused;
    uint64_t call = offer(0, 1), at_owner = announced(&owner, LINECALLPRIVILEGE_OWNER), at_monitor = announced(&monitor, LINECALLPRIVILEGE_MONITOR);
    send(&owner, CF_REQ_CLOSE, CF_NO_REPLY, hline(0), 0, 0, 0);
    assert_int_equal(ask(&owner, CF_REQ_CALL_INFO, at_owner, 0, 0, 0), LINEERR_INVALCALLHANDLE);
    turns(2);
    expect(&provider, CF_CMD_OPEN_LINE, 0, 0, 0); /* for no media mode any more */
    const struct cf_message *m = next(&provider);
    assert_int_equal(m->id, CF_CMD_DROP);
    assert_int_equal(m->device, call);
    const struct cf_message *info = next(&monitor);
    assert_int_equal(info->id, LINE_CALLINFO);
    assert_int_equal(info->device, at_monitor);
    assert_int_equal(info->param1, LINECALLINFOSTATE_NUMOWNERDECR);
}

static void a_made_call_gives_its_handle_with_the_reply(void **unused) {
    (void)unused;
    struct cf_record r = {.m = {.id = CF_REQ_MAKE_CALL, .sequence = ++owner.number, .device = hline(0), .param1 = 9, .flags = CF_NO_REPLY}};
    cf_fields_append_text(&r, CF_FIELD_DESTINATION, "555");
    assert_true(cf_ring_put(&owner.out, &r));
    turns(1);
    const struct cf_message *m = next(&provider);
    assert_int_equal(m->id, CF_CMD_MAKE_CALL);
    uint64_t call = cf_handle_make(5, CF_KIND_PROVIDER, 1);
    send(&provider, CF_EV_REPLY, 0, call, m->param1, 0, 0);
    send(&provider, CF_EV_CALL_STATE, 0, call, LINECALLSTATE_DIALING, 0, 0);
    turns(1);
    m = next(&owner);
    assert_int_equal(m->id, LINE_REPLY);
    assert_int_equal(m->param1, 9);
    uint64_t made = m->device;
    assert_int_not_equal(made, 0);
    expect(&owner, LINE_CALLSTATE, LINECALLSTATE_DIALING, 0, LINECALLPRIVILEGE_OWNER);
    m = next(&monitor);
    assert_int_equal(m->id, LINE_APPNEWCALL);
    expect(&monitor, LINE_CALLSTATE, LINECALLSTATE_UNKNOWN, 0, LINECALLPRIVILEGE_MONITOR);
    expect(&monitor, LINE_CALLSTATE, LINECALLSTATE_DIALING, 0, 0);
}

static void a_dead_provider_ends_its_calls_and_lines(void **unused) {
    (void)unused;
    offer(0, 1);
    announced(&owner, LINECALLPRIVILEGE_OWNER);
    announced(&monitor, LINECALLPRIVILEGE_MONITOR);
    send(&door, CF_DOOR_GONE, 0, 0, 1, 0, 1);
    turns(400);
    for (struct peer *p = &owner; p != NULL; p = p == &owner ? &monitor : NULL) {
        expect(p, LINE_CALLSTATE, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_UNKNOWN, 0);
        expect(p, LINE_CALLSTATE, LINECALLSTATE_IDLE, 0, 0);
        expect(p, LINE_CLOSE, 0, 0, 0);
        assert_null(next(p));
    }
    expect(&door, CF_DOOR_FREE, 1, 0, 1);
    struct cf_engine_totals t;
    cf_engine_totals(engine, &t);
    assert_int_equal(t.calls_live, 0);
    assert_int_equal(t.opens, 0);
}

static void a_monitor_behind_gets_one_gap_and_the_truth(void **unused) {
    (void)unused;
    /* The monitor does not read while one call changes state far more often than its ring has slots. */
    uint64_t call = offer(0, 1), handle = announced(&owner, LINECALLPRIVILEGE_OWNER);
    uint64_t sent = 2;
    for (uint32_t i = 0; i < 2 * SLOTS; i++, sent++) {
        send(&provider, CF_EV_CALL_STATE, 0, call, i % 2 ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED, 0, 0);
        turns(1);
        expect(&owner, LINE_CALLSTATE, i % 2 ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED, 0, 0);
    }
    uint64_t second = offer(1, 1);
    announced(&owner, LINECALLPRIVILEGE_OWNER);
    sent += 2;
    struct cf_engine_port_status s;
    cf_engine_port_status(engine, 4, &s);
    assert_int_equal(s.behind, 1);
    assert_int_equal(s.offered, sent);
    assert_int_equal(s.offered, s.delivered + s.pending + s.missed + s.cancelled);
    uint64_t sequence = 0, read = 0, gaps = 0, missed = 0;
    const struct cf_message *m;
    uint32_t last_state = 0, new_calls = 0;
    bool ended = false;
    for (int i = 0; i < 100; i++, turns(1))
        while ((m = next(&monitor)) != NULL) {
            if (m->id == CF_LINE_GAP) {
                assert_int_equal(m->param1, sequence + 1);
                missed += m->param2 - m->param1 + 1;
                gaps++;
                monitor.up->messages_acked--;
            } else {
                read++;
                assert_int_equal(m->sequence, sequence + 1);
            }
            if (m->id == LINE_APPNEWCALL)
                new_calls++;
            if (m->id == LINE_CALLSTATE && new_calls < 2)
                last_state = (uint32_t)m->param1;
            ended |= m->id == CF_LINE_RESYNC_END;
            sequence = m->sequence;
        }
    assert_int_equal(gaps, 1);
    assert_true(ended);
    assert_int_equal(new_calls, 2);
    assert_int_equal(last_state, LINECALLSTATE_ONHOLD);
    assert_int_equal(missed + read, sent + 3 + 2); /* RESYNC_BEGIN, one state, RESYNC_END, and the second call */
    cf_engine_port_status(engine, 4, &s);
    assert_int_equal(s.behind, 0);
    assert_int_equal(s.missed, missed);
    assert_int_equal(s.pending, 0);
    assert_int_equal(s.offered, s.delivered + s.pending + s.missed + s.cancelled);
    (void)handle;
    (void)second;
}

static void a_peer_that_breaks_the_rules_is_shown_out_once(void **unused) {
    (void)unused;
    for (int i = 0; i < 2000; i++) {
        send(&monitor, 0x7777, CF_NO_REPLY, 0, 0, 0, 0);
        turns(1);
    }
    expect(&door, CF_DOOR_EXPEL, 4, CF_EXPEL_BAD_RECORDS, 1);
    assert_null(next(&door));
    uint64_t call = offer(0, 1); /* the others notice nothing */
    assert_int_not_equal(announced(&owner, LINECALLPRIVILEGE_OWNER), 0);
    assert_int_not_equal(call, 0);
}

/* A provider does not know yet that the last handle of its call is gone: what it sends meanwhile is late, not wrong. */
static void late_events_of_ended_calls_do_not_show_a_provider_out(void **unused) {
    (void)unused;
    for (uint32_t i = 0; i < 1100; i++) {
        uint64_t call = offer(0, 2 * i + 1);
        send(&owner, CF_REQ_RELEASE, CF_NO_REPLY, announced(&owner, LINECALLPRIVILEGE_OWNER), 0, 0, 0);
        send(&monitor, CF_REQ_RELEASE, CF_NO_REPLY, announced(&monitor, LINECALLPRIVILEGE_MONITOR), 0, 0, 0);
        turns(1);
        while (next(&owner) != NULL || next(&monitor) != NULL)
            ;
        send(&provider, CF_EV_CALL_STATE, 0, call, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL, 0);
        turns(1);
        expect(&provider, CF_CMD_CLOSE_CALL, 0, 0, 0);
    }
    assert_null(next(&door));
    struct cf_engine_port_status s;
    cf_engine_port_status(engine, 1, &s);
    assert_int_equal(s.bad_records, 0);
    send(&provider, CF_EV_CALL_STATE, 0, cf_handle_make(0, CF_KIND_PROVIDER, 9001), LINECALLSTATE_CONNECTED, 1, 0); /* never announced */
    turns(1);
    cf_engine_port_status(engine, 1, &s);
    assert_int_equal(s.bad_records, 1);
}

/* The core must be able to sleep whatever lies in an application's ring. */
static void a_filler_alone_does_not_keep_the_core_awake(void **unused) {
    (void)unused;
    struct cf_ring_producer *o = &monitor.out;
    struct cf_message *m = (struct cf_message *)&o->slots[o->tail & o->mask];
    m->id = CF_MESSAGE_FILLER;
    m->slots = 3;
    cf_ring_publish(o->slots, o->mask, o->tail, o->tail + 1);
    o->tail += 3;
    turns(2);
    assert_true(cf_engine_sleep(engine));
    cf_engine_awake(engine);
    assert_int_equal(ask(&monitor, CF_REQ_PING, 0, 0, 0, 0), 0);
}

/* One application with more references to calls than there is room for must not make the core turn for ever. */
static void a_resync_without_references_left_ends(void **unused) {
    (void)unused;
    for (uint32_t i = 1; i < 64; i++)
        assert_int_equal(ask(&monitor, CF_REQ_OPEN, hline(i), 0, LINECALLPRIVILEGE_MONITOR, 0x20002), 0);
    for (uint32_t i = 0; i < 63; i++)
        assert_int_equal(ask(&owner, CF_REQ_OPEN, hline(i + 1), 0, LINECALLPRIVILEGE_MONITOR, 0x20002), 0);
    for (uint32_t i = 0; i < 6; i++) {
        offer(i, 1);
        while (next(&owner) != NULL || next(&monitor) != NULL)
            ;
    }
    struct cf_engine_totals t;
    cf_engine_totals(engine, &t);
    assert_true(t.handles_refused > 0);
    for (int i = 0; i < 50; i++) {
        turns(1);
        while (next(&owner) != NULL || next(&monitor) != NULL)
            ;
    }
    assert_false(result.more);
    assert_int_equal(result.outputs, 0);
    struct cf_engine_port_status before, after;
    cf_engine_port_status(engine, 4, &before);
    turns(10);
    cf_engine_port_status(engine, 4, &after);
    assert_int_equal(after.behind, 0);
    assert_int_equal(after.offered, before.offered);
}

/* The sole owner is gone before the call is there: it is dropped, as when he had closed the line a moment later (H-61). */
static void a_call_whose_maker_closed_the_line_meanwhile_is_dropped(void **unused) {
    (void)unused;
    send(&owner, CF_REQ_MAKE_CALL, CF_NO_REPLY, hline(0), 9, 0, 0);
    turns(1);
    const struct cf_message *m = next(&provider);
    assert_int_equal(m->id, CF_CMD_MAKE_CALL);
    uint64_t number = m->param1;
    send(&owner, CF_REQ_CLOSE, CF_NO_REPLY, hline(0), 0, 0, 0);
    turns(3);
    uint64_t call = cf_handle_make(5, CF_KIND_PROVIDER, 1);
    send(&provider, CF_EV_REPLY, 0, call, number, 0, 0);
    turns(2);
    announced(&monitor, LINECALLPRIVILEGE_MONITOR);
    expect(&provider, CF_CMD_OPEN_LINE, 0, 0, 0); /* for no media mode any more */
    expect(&provider, CF_CMD_DROP, 0, 0, 0);
}

static uint32_t step_of(const struct peer *p) {
    struct cf_engine_port_status s;
    cf_engine_port_status(engine, p->port, &s);
    return s.behind;
}

static void connected(uint64_t call) {
    send(&provider, CF_EV_CALL_STATE, 0, call, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE, 0);
    turns(1);
    while (next(&owner) != NULL)
        ;
}

/* The call could not be announced while resynchronising (too many IDLE handles), and then the ring filled up again. */
static void a_call_kept_back_in_a_broken_resync_is_told_later(void **unused) {
    (void)unused;
    uint64_t calls[60], handles[60];
    for (uint32_t i = 0; i < 60; i++) {
        calls[i] = offer(i, 1);
        announced(&owner, LINECALLPRIVILEGE_OWNER);
        handles[i] = announced(&monitor, LINECALLPRIVILEGE_MONITOR);
    }
    for (uint32_t i = 44; i < 60; i++)
        send(&provider, CF_EV_CALL_STATE, 0, calls[i], LINECALLSTATE_IDLE, 0, 0);
    turns(1);
    for (uint32_t i = 0; step_of(&monitor) == 0; i++)
        connected(calls[i % 44]);
    for (uint32_t i = 0; i < 44; i++)
        connected(calls[i]);
    for (; step_of(&monitor) == 1; turns(1))
        assert_non_null(next(&monitor));
    turns(10);
    assert_int_equal(step_of(&monitor), 2); /* half the ring is used: it waits with marks left */
    offer(60, 1);
    while (step_of(&monitor) == 2)
        connected(calls[0]);
    for (uint32_t i = 44; i < 60; i++)
        send(&monitor, CF_REQ_RELEASE, CF_NO_REPLY, handles[i], 0, 0, 0);
    bool told = false;
    for (int i = 0; i < 200; i++) {
        turns(1);
        for (const struct cf_message *m = next(&monitor); m != NULL; m = next(&monitor))
            told = told || m->id == LINE_APPNEWCALL;
    }
    assert_true(told);
}

static void a_provider_that_reads_nothing_lets_the_core_sleep(void **unused) {
    (void)unused;
    /* It makes identifiers that are refused and reads none of the refusals; its ring fills, and its events have to wait. */
    for (uint32_t i = 0; i < 2 * SLOTS; i++) {
        struct cf_record r = {.m = {.id = CF_EV_NEW_CALL, .sequence = ++provider.number, .time_ns = now,
                                    .device = cf_handle_make(i % 1024, CF_KIND_PROVIDER, 2 * (i / 1024) + 1),
                                    .param1 = 9, .param2 = LINECALLSTATE_OFFERING}};
        if (!cf_ring_put(&provider.out, &r))
            break;
        turns(1);
    }
    struct cf_ring_consumer left = {cf_port_up_ring(provider.up), provider.down->header.up_slots - 1, provider.down->up.up_ack};
    assert_true(cf_ring_readable(&left));
    cf_engine_turn(engine, now += 1000, &result);
    assert_false(result.more);
    assert_true(cf_engine_sleep(engine));
    assert_true(cf_engine_deadline(engine) <= now + 1000000);
    cf_engine_awake(engine);
    while (next(&provider) != NULL)
        ;
    assert_false(cf_engine_sleep(engine)); /* it has read: there is work again */
}

static void one_request_too_many_is_answered(void **unused) {
    (void)unused;
    offer(0, 1);
    uint64_t call = announced(&owner, LINECALLPRIVILEGE_OWNER);
    for (uint32_t i = 1; i <= CF_REQUESTS_PER_PORT_MAX; i++) { /* the provider answers none */
        send(&owner, CF_REQ_DROP, CF_NO_REPLY, call, i, 0, 0);
        turns(1);
    }
    assert_null(next(&owner));
    send(&owner, CF_REQ_DROP, CF_NO_REPLY, call, 5000, 0, 0);
    turns(1);
    expect(&owner, LINE_REPLY, 5000, (uint32_t)LINEERR_REQUESTOVERRUN, 0);
    assert_null(next(&owner));
}

/* ------------------------------------------------------------------ names and numbers */

static const uint16_t who_tags[] = {CF_FIELD_CALLER_NAME, CF_FIELD_CONNECTED, CF_FIELD_REDIRECTING, CF_FIELD_CALLED_NAME, CF_FIELD_REDIRECTION,
                                    CF_FIELD_CONNECTED_NAME, CF_FIELD_REDIRECTING_NAME, CF_FIELD_REDIRECTION_NAME};
enum { WHO = sizeof who_tags / sizeof who_tags[0] };

/* LINE_CALLINFO with the first `texts` of them, each of so many bytes. */
static void tell_who(uint64_t call, uint32_t texts, uint32_t bytes) {
    struct cf_record r = {.m = {.id = CF_EV_CALL_INFO, .sequence = ++provider.number, .device = call, .time_ns = now,
                                .param1 = LINECALLINFOSTATE_CALLERID}};
    char text[128];
    memset(text, 'x', sizeof text);
    for (uint32_t i = 0; i < texts; i++)
        assert_true(cf_fields_append(&r, who_tags[i], text, bytes));
    assert_true(cf_ring_put(&provider.out, &r));
    turns(1);
}

static struct cf_reply_call_info info_of(struct peer *p, uint64_t call) {
    struct cf_reply_call_info info;
    assert_int_equal(ask(p, CF_REQ_CALL_INFO, call, 0, 0, 0), 0);
    memcpy(&info, cf_port_reply(p->down, 0)->data, sizeof info);
    return info;
}

static struct cf_engine_totals totals(void) {
    struct cf_engine_totals t;
    cf_engine_totals(engine, &t);
    return t;
}

/* 16 blocks of 124 bytes. A call with eight texts of 63 bytes takes 520 bytes, so five blocks; each text may end in another. */
static void names_and_numbers_beyond_the_room_are_dropped_and_counted(void **unused) {
    (void)unused;
    uint64_t calls[4], seen[4];
    for (uint32_t i = 0; i < 4; i++) {
        calls[i] = offer(i, 1);
        announced(&owner, LINECALLPRIVILEGE_OWNER);
        seen[i] = announced(&monitor, LINECALLPRIVILEGE_MONITOR);
    }
    assert_int_equal(totals().party_blocks, 0); /* who has none pays nothing */
    assert_int_equal(totals().party_blocks_max, 16);
    for (uint32_t i = 0; i < 3; i++)
        tell_who(calls[i], WHO, 63);
    assert_int_equal(totals().party_blocks, 15);
    assert_int_equal(totals().parties_dropped, 0);
    tell_who(calls[3], WHO, 63); /* one block is left: one text, the most important */
    assert_int_equal(totals().party_blocks, 16);
    assert_int_equal(totals().parties_dropped, 7);
    struct cf_reply_call_info info = info_of(&monitor, seen[3]);
    assert_int_equal(strlen(info.caller_name), 63);
    assert_string_equal(info.connected, "");
    assert_int_equal(info.connected_flags, LINECALLPARTYID_UNKNOWN);
    assert_string_equal(info.caller, "100");
    info = info_of(&monitor, seen[0]);
    assert_int_equal(strlen(info.redirection_name), 63);
    tell_who(calls[0], WHO, 0); /* names gone, numbers withheld: one block */
    assert_int_equal(totals().party_blocks, 12);
    info = info_of(&monitor, seen[0]);
    assert_int_equal(info.connected_flags, LINECALLPARTYID_BLOCKED);
    assert_int_equal(info.caller_flags, LINECALLPARTYID_ADDRESS);
    tell_who(calls[3], WHO, 63);
    assert_int_equal(totals().party_blocks, 16);
    assert_int_equal(strlen(info_of(&monitor, seen[3]).redirection_name), 63);
    assert_int_equal(totals().parties_dropped, 7);
    send(&door, CF_DOOR_GONE, 0, 0, provider.port, 0, 1); /* whatever way the calls end */
    send(&door, CF_DOOR_GONE, 0, 0, owner.port, 0, 1);
    send(&door, CF_DOOR_GONE, 0, 0, monitor.port, 0, 1);
    turns(50);
    assert_int_equal(totals().calls_live, 0);
    assert_int_equal(totals().party_blocks, 0);
}

/* ------------------------------------------------------------------ digits */

static int32_t ask_digits(struct peer *p, uint64_t call, uint64_t mode, uint64_t ms, const char *digits, uint32_t bytes) {
    struct cf_record r = {.m = {.id = CF_REQ_GENERATE_DIGITS, .sequence = ++p->number, .device = call, .param1 = mode, .param2 = ms,
                                .time_ns = now}};
    if (digits != NULL)
        assert_true(cf_fields_append(&r, CF_FIELD_DIGITS, digits, bytes));
    assert_true(cf_ring_put(&p->out, &r));
    turns(1);
    const struct cf_reply_slot *reply = cf_port_reply(p->down, 0);
    assert_int_equal(reply->done, p->number);
    return reply->result;
}

static void digits_of_a_hostile_application_are_judged(void **unused) {
    (void)unused;
    char many[256];
    offer(0, 1);
    uint64_t call = announced(&owner, LINECALLPRIVILEGE_OWNER), seen = announced(&monitor, LINECALLPRIVILEGE_MONITOR);
    static const uint64_t modes[] = {0, 3, 4, 8, UINT64_MAX, UINT64_C(1) << 33};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        assert_int_equal(ask_digits(&owner, call, modes[i], 0, "1", 1), LINEERR_INVALDIGITMODE);
    assert_int_equal(ask_digits(&owner, call, LINEDIGITMODE_PULSE, 0, "1", 1), LINEERR_INVALDIGITMODE); /* not this line's */
    assert_int_equal(ask_digits(&monitor, seen, 0, 0, "1", 1), LINEERR_NOTOWNER);
    memset(many, '1', sizeof many);
    assert_int_equal(ask_digits(&owner, call, LINEDIGITMODE_DTMF, 0, many, 256), LINEERR_RESOURCEUNAVAIL);
    assert_null(next(&provider));
    assert_int_equal(ask_digits(&owner, call, LINEDIGITMODE_DTMF, UINT64_MAX, "1\0x\n2", 5), 0);
    const struct cf_message *m = next(&provider);
    assert_int_equal(m->id, CF_CMD_GENERATE_DIGITS);
    assert_int_equal(m->param2, LINEDIGITMODE_DTMF | UINT64_C(5000) << 32); /* no digit holds its request for days */
    static const uint8_t field[] = {CF_FIELD_DIGITS, 0, 2, 0, '1', '2'};
    assert_memory_equal((const uint8_t *)(m + 1) + 8, field, sizeof field);
    assert_null(next(&provider));
}

static void digits_have_a_limit_and_wait_for_room(void **unused) {
    (void)unused;
    offer(0, 1);
    uint64_t call = announced(&owner, LINECALLPRIVILEGE_OWNER), numbers[CF_REQUESTS_PER_PORT_MAX];
    for (uint32_t i = 0; i < CF_REQUESTS_PER_PORT_MAX; i++) {
        assert_int_equal(ask_digits(&owner, call, LINEDIGITMODE_DTMF, 0, "1", 1), 0);
        const struct cf_message *m = next(&provider);
        assert_int_equal(m->id, CF_CMD_GENERATE_DIGITS);
        numbers[i] = m->param1;
    }
    assert_int_equal(ask_digits(&owner, call, LINEDIGITMODE_DTMF, 0, "1", 1), LINEERR_RESOURCEUNAVAIL);
    assert_int_equal(ask_digits(&owner, call, LINEDIGITMODE_DTMF, 0, NULL, 0), 0); /* a stop needs no place */
    assert_int_equal(next(&provider)->param1, 0);
    for (uint32_t i = 0; i < SLOTS; i++) { /* a full ring, which nobody reads: the ends are kept */
        send(&provider, CF_EV_CALL_STATE, 0, cf_handle_make(0, CF_KIND_PROVIDER, 1), LINECALLSTATE_CONNECTED, 1 + i % 2, 0);
        turns(1);
    }
    for (uint32_t i = 0; i < CF_REQUESTS_PER_PORT_MAX; i++)
        send(&provider, CF_EV_REPLY, 0, 0, numbers[i], i % 2 == 0 ? 0 : (uint32_t)(i % 4 == 1 ? LINEERR_OPERATIONFAILED : LINEERR_INVALCALLSTATE), 0);
    turns(40);
    uint32_t done = 0, cancelled = 0;
    bool resynced = false;
    for (uint32_t idle = 0; idle < 3;) {
        const struct cf_message *m = next(&owner);
        if (m == NULL) {
            turns(1);
            idle++;
            continue;
        }
        assert_false(m->id == LINE_GENERATE && m->device != call);
        done += m->id == LINE_GENERATE && m->param1 == LINEGENERATETERM_DONE;
        cancelled += m->id == LINE_GENERATE && m->param1 == LINEGENERATETERM_CANCEL;
        resynced |= m->id == CF_LINE_RESYNC_END;
    }
    assert_true(resynced);
    assert_int_equal(done, CF_REQUESTS_PER_PORT_MAX / 2);
    assert_int_equal(cancelled, CF_REQUESTS_PER_PORT_MAX / 2);
    struct cf_engine_port_status s;
    assert_true(cf_engine_port_status(engine, owner.port, &s));
    assert_int_equal(s.offered, s.delivered + s.pending + s.missed + s.cancelled);
    assert_int_equal(s.requests_outstanding, 0);
}

/* The library counts only its asynchronous requests: whatever digits are being sent, each of those is replied to. */
static void digits_take_no_place_from_requests(void **unused) {
    (void)unused;
    offer(0, 1);
    uint64_t call = announced(&owner, LINECALLPRIVILEGE_OWNER), numbers[CF_REQUESTS_PER_PORT_MAX];
    for (uint32_t i = 0; i < CF_REQUESTS_PER_PORT_MAX; i++) {
        assert_int_equal(ask_digits(&owner, call, LINEDIGITMODE_DTMF, 0, "1", 1), 0);
        assert_non_null(next(&provider));
    }
    for (uint32_t i = 0; i < SLOTS; i++) { /* behind: a reply that is not kept would be lost */
        send(&provider, CF_EV_CALL_STATE, 0, cf_handle_make(0, CF_KIND_PROVIDER, 1), LINECALLSTATE_CONNECTED, 1 + i % 2, 0);
        turns(1);
    }
    for (uint32_t i = 0; i < CF_REQUESTS_PER_PORT_MAX; i++) {
        send(&owner, CF_REQ_DROP, CF_NO_REPLY, call, i + 1, 0, 0);
        turns(1);
        const struct cf_message *m = next(&provider);
        assert_int_equal(m->id, CF_CMD_DROP);
        numbers[i] = m->param1;
    }
    for (uint32_t i = 0; i < CF_REQUESTS_PER_PORT_MAX; i++)
        send(&provider, CF_EV_REPLY, 0, 0, numbers[i], 0, 0);
    turns(40);
    uint32_t replies = 0;
    for (uint32_t idle = 0; idle < 3;) {
        const struct cf_message *m = next(&owner);
        replies += m != NULL && m->id == LINE_REPLY && m->param2 == 0;
        idle += m == NULL;
        if (m == NULL)
            turns(1);
    }
    assert_int_equal(replies, CF_REQUESTS_PER_PORT_MAX);
    struct cf_engine_port_status s;
    assert_true(cf_engine_port_status(engine, owner.port, &s));
    assert_int_equal(s.bad_records, 0);
    assert_int_equal(s.requests_outstanding, CF_REQUESTS_PER_PORT_MAX);
}

/* A provider that reads no commands: what has no room there is refused at once and takes no place. */
/* Who asked has died meanwhile: the reply is late, and the call, which others have, is none that was made for him. */
static void a_late_reply_hangs_nobodys_call_up(void **unused) {
    (void)unused;
    static const uint16_t requests[] = {CF_REQ_ANSWER, CF_REQ_GENERATE_DIGITS};
    offer(0, 1);
    uint64_t call = announced(&owner, LINECALLPRIVILEGE_OWNER), seen = announced(&monitor, LINECALLPRIVILEGE_MONITOR), numbers[2];
    for (uint32_t i = 0; i < 2; i++) {
        if (requests[i] == CF_REQ_GENERATE_DIGITS)
            assert_int_equal(ask_digits(&owner, call, LINEDIGITMODE_DTMF, 0, "1", 1), 0);
        else
            send(&owner, requests[i], CF_NO_REPLY, call, 1, 0, 0);
        turns(1);
        numbers[i] = next(&provider)->param1;
    }
    send(&door, CF_DOOR_GONE, 0, 0, owner.port, 0, 1);
    turns(20);
    while (next(&provider) != NULL)
        ;
    for (uint32_t i = 0; i < 2; i++)
        send(&provider, CF_EV_REPLY, 0, cf_handle_make(0, CF_KIND_PROVIDER, 1), numbers[i], 0, 0);
    turns(2);
    assert_null(next(&provider));
    assert_int_equal(info_of(&monitor, seen).monitors, 1);
}

static void digits_that_find_no_room_are_refused(void **unused) {
    (void)unused;
    offer(0, 1);
    uint64_t call = announced(&owner, LINECALLPRIVILEGE_OWNER);
    struct cf_engine_port_status s;
    char many[255];
    uint32_t begun = 0;
    memset(many, '1', sizeof many);
    while (ask_digits(&owner, call, LINEDIGITMODE_DTMF, 0, many, sizeof many) == 0)
        begun++;
    assert_in_range(begun, 1, CF_REQUESTS_PER_PORT_MAX - 1); /* the ring was full before the places were */
    assert_int_equal(ask_digits(&owner, call, LINEDIGITMODE_DTMF, 0, many, sizeof many), LINEERR_RESOURCEUNAVAIL);
    assert_true(cf_engine_port_status(engine, owner.port, &s));
    assert_int_equal(s.requests_outstanding, begun);
}

static void digits_end_with_their_provider(void **unused) {
    (void)unused;
    offer(0, 1);
    uint64_t call = announced(&owner, LINECALLPRIVILEGE_OWNER);
    assert_int_equal(ask_digits(&owner, call, LINEDIGITMODE_DTMF, 0, "1", 1), 0);
    send(&door, CF_DOOR_GONE, 0, 0, provider.port, 0, 1);
    turns(20);
    const struct cf_message *m = next(&owner);
    assert_int_equal(m->id, LINE_GENERATE);
    assert_int_equal(m->device, call);
    assert_int_equal(m->param1, LINEGENERATETERM_CANCEL);
    assert_int_equal(m->param3, (uint32_t)(m->time_ns / 1000000));
    expect(&owner, LINE_CALLSTATE, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_UNKNOWN, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_state_reaches_owner_and_monitor, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_the_line_voids_its_handles_and_drops_the_call, setup, teardown),
        cmocka_unit_test_setup_teardown(a_made_call_gives_its_handle_with_the_reply, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_provider_ends_its_calls_and_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_breaks_the_rules_is_shown_out_once, setup, teardown),
        cmocka_unit_test_setup_teardown(late_events_of_ended_calls_do_not_show_a_provider_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_filler_alone_does_not_keep_the_core_awake, setup, teardown),
        cmocka_unit_test_setup_teardown(a_resync_without_references_left_ends, setup_small, teardown),
        cmocka_unit_test_setup_teardown(a_call_kept_back_in_a_broken_resync_is_told_later, setup_slow_resync, teardown),
        cmocka_unit_test_setup_teardown(a_call_whose_maker_closed_the_line_meanwhile_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(a_provider_that_reads_nothing_lets_the_core_sleep, setup, teardown),
        cmocka_unit_test_setup_teardown(one_request_too_many_is_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(names_and_numbers_beyond_the_room_are_dropped_and_counted, setup_small, teardown),
        cmocka_unit_test_setup_teardown(digits_of_a_hostile_application_are_judged, setup, teardown),
        cmocka_unit_test_setup_teardown(digits_have_a_limit_and_wait_for_room, setup, teardown),
        cmocka_unit_test_setup_teardown(digits_take_no_place_from_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(a_late_reply_hangs_nobodys_call_up, setup, teardown),
        cmocka_unit_test_setup_teardown(digits_that_find_no_room_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(digits_end_with_their_provider, setup, teardown),
        cmocka_unit_test_setup_teardown(a_monitor_behind_gets_one_gap_and_the_truth, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
