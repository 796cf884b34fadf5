/* What one peer may cost the others: a turn's worth of looking at calls, half of a ring. */
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

enum { SLOTS = 1024, SMALL_SLOTS = 256, LINES = 512, CALLS = 16384, LOOKS_PER_TURN = 4096 };

struct peer {
    uint32_t port;
    struct cf_port_down *down;
    struct cf_port_up *up;
    struct cf_ring_producer out;
    struct cf_ring_consumer in;
    uint64_t number, read;
};

static struct cf_engine *engine;
static void *private_memory, *state;
static struct cf_engine_result result;
static int64_t now;
static struct peer door, provider, mate, greedy, good;

static void turns(int n)
{
    while (n-- > 0)
        cf_engine_turn(engine, now += 1000, &result);
}

static void check(void)
{
    char why[200];
    if (!cf_engine_check(engine, why, sizeof why))
        fail_msg("%s", why);
}

static void join(struct peer *p, struct cf_port_down *down, struct cf_port_up *up)
{
    p->down = down;
    p->up = up;
    cf_ring_producer_init(&p->out, cf_port_up_ring(up), down->header.up_slots, &down->up.up_ack, 0);
    cf_ring_consumer_init(&p->in, cf_port_down_ring(down, down->header.reply_slots), down->header.down_slots, 0);
}

static void put(struct peer *p, struct cf_record *r)
{
    r->m.sequence = ++p->number;
    r->m.time_ns = now;
    for (int i = 0; i < 100 && !cf_ring_put(&p->out, r); i++)
        turns(1);
}

static void send(struct peer *p, uint16_t id, uint8_t flags, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3)
{
    struct cf_record r = {.m = {.id = id, .flags = flags, .device = device, .param1 = p1, .param2 = p2, .param3 = p3}};
    put(p, &r);
}

static const struct cf_message *next(struct peer *p)
{
    const struct cf_message *m = cf_ring_peek(&p->in);
    if (m == NULL)
        return NULL;
    cf_ring_consume(&p->in, m);
    p->read += m->id != CF_LINE_GAP;
    p->up->messages_acked = p->read;
    cf_ring_acknowledge(&p->up->down_ack, p->in.head);
    return m;
}

static uint32_t read_all(struct peer *p, uint16_t id)
{
    uint32_t found = 0;
    for (const struct cf_message *m; (m = next(p)) != NULL;)
        found += m->id == id;
    return found;
}

static void attach(struct peer *p, uint32_t port, uint32_t kind, uint64_t down_slots)
{
    uint32_t replies = kind == CF_PORT_APPLICATION ? CF_REPLY_SLOTS : 0;
    size_t down_bytes = cf_port_down_bytes(replies, down_slots), up_bytes = cf_port_up_bytes(SLOTS);
    struct cf_port_header h = {.kind = kind,
                               .port = port,
                               .generation = 1,
                               .down_slots = down_slots,
                               .up_slots = SLOTS,
                               .reply_slots = replies};
    void *down = aligned_alloc(4096, (down_bytes + 4095) & ~(size_t)4095),
         *up = aligned_alloc(4096, (up_bytes + 4095) & ~(size_t)4095);
    memset(down, 0, down_bytes);
    memset(up, 0, up_bytes);
    cf_port_format(down, &h);
    *p = (struct peer){.port = port};
    join(p, down, up);
    cf_engine_map_port(engine, port, down, up);
    send(&door, CF_DOOR_ATTACH, 0, 0, port, kind, 1);
    turns(1);
    assert_int_equal(next(&door)->id, CF_DOOR_ATTACHED);
}

static uint64_t hline(uint32_t generation)
{
    return cf_handle_of_usage(0, 0, CF_KIND_LINE, generation);
}

static void open_line(struct peer *p, uint32_t generation)
{
    send(p, CF_REQ_OPEN, 0, hline(generation), 0, LINECALLPRIVILEGE_MONITOR, 0x20002);
    turns(1);
    assert_int_equal(cf_port_reply(p->down, 0)->done, p->number);
    assert_int_equal(cf_port_reply(p->down, 0)->result, 0);
}

static struct cf_engine_port_status status(const struct peer *p)
{
    struct cf_engine_port_status s;
    assert_true(cf_engine_port_status(engine, p->port, &s));
    assert_int_equal(s.offered, s.delivered + s.pending + s.missed + s.cancelled);
    return s;
}

static int setup(void **unused)
{
    (void)unused;
    struct cf_limits l;
    cf_limits_default(&l);
    l.applications = 4;
    l.providers = 2;
    l.lines = LINES;
    l.open_lines = 16;
    l.calls = l.calls_per_provider = l.handles = CALLS;
    uint64_t bytes = cf_engine_state_bytes(&l);
    state = aligned_alloc(4096, bytes);
    memset(state, 0, bytes);
    private_memory = aligned_alloc(64, cf_engine_private_bytes());
    now = 1000000;
    engine = cf_engine_create(private_memory, state, bytes, &l, &(struct cf_engine_options){0});
    assert_non_null(engine);
    memset(&door, 0, sizeof door);
    join(&door, cf_engine_door_down(engine), cf_engine_door_up(engine));
    attach(&provider, 1, CF_PORT_PROVIDER, SLOTS);
    send(&provider, CF_EV_LINE, 0, 0, 0, 0, 0);
    turns(1);
    attach(&mate, 2, CF_PORT_PROVIDER, SLOTS);
    attach(&greedy, 3, CF_PORT_APPLICATION, SLOTS);
    attach(&good, 6, CF_PORT_APPLICATION, SMALL_SLOTS);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    struct peer *peers[] = {&provider, &mate, &greedy, &good};
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        free(peers[i]->down);
        free(peers[i]->up);
    }
    free(private_memory);
    free(state);
    return 0;
}

static void make_calls(uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        send(&provider, CF_EV_NEW_CALL, 0, cf_handle_make(i, CF_KIND_PROVIDER, 1), 0, LINECALLSTATE_OFFERING,
             LINEMEDIAMODE_INTERACTIVEVOICE);
        if (i % 16 == 15) {
            turns(1);
            read_all(&greedy, 0);
            read_all(&provider, 0);
        }
    }
    turns(2);
    read_all(&greedy, 0);
}

/* ------------------------------------------------------------------ lines that come and go */

static void announcements_of_lines_leave_half_of_the_ring_to_calls(void **unused)
{
    (void)unused;
    open_line(&good, 1);
    read_all(&good, 0);
    for (int round = 0; round < 3; round++)
        for (uint32_t i = 1; i < LINES; i++) {
            send(&provider, CF_EV_LINE, 0, 0, i, 0, 0);
            send(&provider, CF_EV_LINE_REMOVE, 0, 0, i, 0, 0);
            turns(1);
        }
    struct cf_engine_port_status s = status(&good);
    assert_int_equal(s.behind, 0);
    assert_in_range(s.ring_used, SMALL_SLOTS / 4, SMALL_SLOTS / 2 + 1);
    uint64_t call = cf_handle_make(0, CF_KIND_PROVIDER, 1);
    send(&provider, CF_EV_NEW_CALL, 0, call, 0, LINECALLSTATE_OFFERING, LINEMEDIAMODE_INTERACTIVEVOICE);
    send(&provider, CF_EV_CALL_STATE, 0, call, LINECALLSTATE_CONNECTED, 0, 0);
    turns(1);
    assert_int_equal(status(&good).behind, 0);
    assert_int_equal(read_all(&good, LINE_CALLSTATE), 2);
    for (int i = 0; i < 10; i++) { /* the rest of them comes as it reads */
        turns(1);
        read_all(&good, 0);
    }
    assert_int_equal(status(&good).missed, 0);
    check();
}

static void flap(uint32_t line)
{
    send(&provider, CF_EV_LINE, 0, 0, line, 0, 0);
    send(&provider, CF_EV_LINE_REMOVE, 0, 0, line, 0, 0);
    turns(1);
}

static void announcements_of_lines_keep_a_pace_and_take_turns(void **unused)
{
    (void)unused;
    uint32_t told = 0, others = 0;
    bool last_told = false;
    read_all(&good, 0);
    int64_t from = now;
    for (uint32_t i = 0; i < 20000; i++) {
        flap(1 + i % 8);
        told += read_all(&good, LINE_REMOVE);
    }
    uint32_t most = 1024 + (uint32_t)((now - from) / 50000) + 1; /* at once, and then 20,000 a second */
    assert_in_range(told, most - 8, most);
    flap(LINES - 1); /* the tenth device */
    for (uint32_t i = 0; i < 1000 && !last_told; i++) {
        flap(1 + i % 8); /* lines of lower numbers always have news */
        for (const struct cf_message *m; (m = next(&good)) != NULL;) {
            last_told = last_told || (m->id == LINE_REMOVE && m->param1 == 9);
            others += m->id == LINE_REMOVE;
        }
    }
    assert_true(last_told);
    assert_true(others <= 9 + 1);
    check();
}

static uint32_t devices(void)
{
    struct cf_engine_totals t;
    cf_engine_totals(engine, &t);
    return (uint32_t)t.lines;
}

static void announce(struct peer *p, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        send(p, CF_EV_LINE, 0, 0, i, 0, 0);
        turns(1);
    }
}

/* A number belongs to a provider's line for good. Who comes too late is refused, and in the end shown out. */
static void when_numbers_of_devices_are_used_up_who_has_one_keeps_it(void **unused)
{
    (void)unused;
    enum { LEFT = 2, BAD_MAX = 1024 };
    uint64_t call = cf_handle_make(0, CF_KIND_PROVIDER, 1);
    announce(&provider, 1, LINES - LEFT);
    announce(&mate, 0, LEFT);
    assert_int_equal(devices(), LINES);
    assert_int_equal(status(&mate).bad_records, 0);

    announce(&mate, LEFT, LEFT + 1);
    assert_int_equal(devices(), LINES);
    assert_int_equal(status(&mate).bad_records, 1);
    send(&mate, CF_EV_NEW_CALL, 0, call, LEFT, LINECALLSTATE_OFFERING, LINEMEDIAMODE_INTERACTIVEVOICE);
    turns(1);
    assert_int_equal(read_all(&mate, CF_CMD_REFUSED), 1);
    assert_int_equal(status(&mate).bad_records, 2);

    send(&provider, CF_EV_LINE_REMOVE, 0, 0, 1, 0, 0);
    turns(1);
    announce(&mate, LEFT, LEFT + 1); /* what is removed keeps its number */
    assert_int_equal(status(&mate).bad_records, 3);
    announce(&provider, 1, 2); /* for itself */
    assert_int_equal(status(&provider).bad_records, 0);
    open_line(&good, 1);
    send(&provider, CF_EV_NEW_CALL, 0, call, 0, LINECALLSTATE_OFFERING, LINEMEDIAMODE_INTERACTIVEVOICE);
    turns(1);
    assert_int_equal(read_all(&good, LINE_CALLSTATE), 1);

    read_all(&door, 0);
    for (uint32_t i = 3; i < BAD_MAX; i++) {
        assert_int_equal(read_all(&door, CF_DOOR_EXPEL), 0);
        announce(&mate, LEFT, LEFT + 1);
    }
    turns(1);
    assert_int_equal(read_all(&door, CF_DOOR_EXPEL), 1);
    check();
}

/* ------------------------------------------------------------------ what is asked of many calls */

static uint64_t taken(const struct peer *p)
{
    return status(p).requests;
}

/* Each looks at as many calls as one may, and finds none that is new. */
static void ask_for_many(uint16_t id, uint64_t p1, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        send(&greedy, id, (uint8_t)(1 + i), hline(1), p1, 0, 1);
}

static void lists_over_many_calls_share_a_turn(void **unused)
{
    (void)unused;
    enum { ASKED = 16 };
    static const struct {
        uint16_t id;
        uint64_t p1;
    } questions[] = {
        {CF_REQ_NEW_CALLS, LINECALLSELECT_LINE}, {CF_REQ_NEW_CALLS, LINECALLSELECT_ADDRESS}, {CF_REQ_LINE_STATUS, 0}};
    open_line(&greedy, 1);
    open_line(&good, 1);
    make_calls(0, 2 * LOOKS_PER_TURN);
    turns(20);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        uint64_t before = taken(&greedy);
        ask_for_many(questions[i].id, questions[i].p1, ASKED);
        send(&good, CF_REQ_PING, 0, 0, 0, 0, 0);
        turns(1);
        assert_int_equal(taken(&greedy) - before, 1);
        assert_int_equal(cf_port_reply(good.down, 0)->done, good.number); /* who asks for little does not wait */
        assert_false(cf_engine_sleep(engine));                            /* what waits is not slept over */
        turns(ASKED);
        assert_int_equal(taken(&greedy) - before, ASKED);
        for (uint32_t slot = 1; slot <= ASKED; slot++)
            assert_int_equal(cf_port_reply(greedy.down, slot)->done, greedy.number - ASKED + slot);
    }
    check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(announcements_of_lines_leave_half_of_the_ring_to_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(announcements_of_lines_keep_a_pace_and_take_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(when_numbers_of_devices_are_used_up_who_has_one_keeps_it, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_over_many_calls_share_a_turn, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
