/*
 * What services of an exchange keep in the engine: texts of calls, replies that bring bytes back, where an address forwards to. Each turn that changes them is also run
 * with a crash at each of its points, and must come out the same.
 *
 * ctest-labels: one-thread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/extra.h"
#include "core/internal.h"
#include "tests/model/rig.h"

enum { LINE = 0, ADDRESSES = 3, RING_SLOTS = 256, WALK_POINTS_MAX = 4096 };

static struct core before, twin, trial;
static uint64_t call, handle;
static uint32_t blocks_at_rest;

static void small(struct cf_limits *l) {
    l->calls = l->calls_per_provider = 32;
    l->handles = 256;
}

static void announce(void) {
    struct cf_line_caps caps = {.line_features = LINEFEATURE_MAKECALL | LINEFEATURE_DEVSPECIFIC, .call_features = 0xFFFFFFFF,
                                .addr_cap_flags = LINEADDRCAPFLAGS_FWDCONSULT, .addresses = ADDRESSES,
                                .more = {.address_features = LINEADDRFEATURE_FORWARD,
                                         .park_modes = LINEPARKMODE_DIRECTED | LINEPARKMODE_NONDIRECTED}};
    struct cf_record *r = rig_record(CF_EV_LINE, 0, LINE, 0, 0);
    cf_fields_append(r, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
    rig_put(RIG_PROVIDER, r);
    rig_turns(1);
}

static int setup(void **unused) {
    (void)unused;
    rig_begin(RING_SLOTS, small);
    announce();
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    call = rig_offer(LINE, 0);
    handle = rig_find(RIG_APP, LINE_APPNEWCALL)->param2;
    rig_state(call, LINECALLSTATE_CONNECTED, 0);
    rig_read(RIG_APP);
    blocks_at_rest = rig.core.engine->g->parties_live;
    for (struct core *c = &before; c != NULL; c = c == &before ? &twin : c == &twin ? &trial : NULL)
        core_init(c, &rig.core.limits, &rig.core.options, RING_SLOTS, RIG_UP_SLOTS);
    return 0;
}

static int teardown(void **unused) {
    (void)unused;
    core_fini(&before);
    core_fini(&twin);
    core_fini(&trial);
    rig_end();
    return 0;
}

static uint64_t undone(const struct core *c) {
    struct cf_engine_totals t;
    cf_engine_totals(c->engine, &t);
    return t.recoveries_undone;
}

/* Crashes at the n-th point of the turn that is due, recovers, and is what it would have been. False: there are not so many points. */
static bool crashed_at(uint64_t n, int64_t now_ns) {
    struct cf_engine_result result;
    char why[256];
    assert_true(core_copy(&trial, &before));
    uint64_t undone_before = undone(&trial);
    if (!core_crash(&trial, n, now_ns, &result))
        return false;
    assert_true(core_recover(&trial, UINT64_MAX));
    if (undone(&trial) != undone_before) {
        assert_int_equal(core_changed_at(&trial, &before), 0);
        cf_engine_turn(trial.engine, now_ns, &result);
    }
    if (!core_same(&trial, &twin, why, sizeof why))
        fail_msg("a crash at point %lu: %s", (unsigned long)n, why);
    if (!cf_engine_check(trial.engine, why, sizeof why))
        fail_msg("a crash at point %lu: %s", (unsigned long)n, why);
    return true;
}

/* The turn that is due, with a crash at each of its points, then as it is. */
static void walk(void) {
    struct cf_engine_result result;
    int64_t now_ns = rig.now_ns + 1000;
    uint64_t n = 0;
    assert_true(core_copy(&before, &rig.core));
    assert_true(core_copy(&twin, &rig.core));
    cf_engine_turn(twin.engine, now_ns, &result);
    while (n < WALK_POINTS_MAX && crashed_at(n, now_ns))
        n++;
    assert_in_range(n, 3, WALK_POINTS_MAX - 1);
    rig_turns(1);
}

static void give_data(const void *data, uint32_t bytes) {
    struct cf_record *r = rig_record(CF_EV_CALL_INFO, call, LINECALLINFOSTATE_CALLDATA, 0, 0);
    assert_true(cf_fields_append(r, CF_FIELD_CALL_DATA, data, bytes));
    rig_put(RIG_PROVIDER, r);
}

/* The call data that lineGetCallInfo would tell. */
static uint32_t data_of_call(uint8_t *ret_data) {
    struct cf_reply_call_info info;
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_CALL_INFO, handle, 0, 0, 0), 0);
    const struct cf_reply_slot *slot = cf_port_reply(core_down(&rig.core, RIG_APP), 0);
    memset(&info, 0, sizeof info);
    memcpy(&info, slot->data, slot->bytes);
    assert_int_equal(slot->bytes, offsetof(struct cf_reply_call_info, texts) + info.text_bytes[CF_CALL_TEXT_CALL_DATA]);
    memcpy(ret_data, info.texts, info.text_bytes[CF_CALL_TEXT_CALL_DATA]);
    return info.text_bytes[CF_CALL_TEXT_CALL_DATA];
}

static void data_is_there_wherever_the_core_dies(void **unused) {
    (void)unused;
    static const uint32_t sizes[] = {1024, 1, 124, 125, 1024, 0, 300};
    uint8_t data[CF_CALL_DATA_MAX], got[CF_CALL_DATA_MAX];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(data, (int)('a' + i), sizeof data);
        data[sizes[i] / 2] = 0;
        give_data(data, sizes[i]);
        walk();
        assert_int_equal(data_of_call(got), sizes[i]);
        assert_memory_equal(got, data, sizes[i]);
        assert_int_equal(rig.core.engine->g->parties_live, blocks_at_rest + 2 + (sizes[i] + 123) / 124); /* and two of the side */
    }
    rig_state(call, LINECALLSTATE_IDLE, 0);
    rig_send(RIG_APP, CF_REQ_RELEASE, handle, 0, 0, 0);
    walk();
    assert_int_equal(rig.core.engine->g->parties_live, blocks_at_rest);
}

/* A longer one than is allowed is cut; where no block is free nothing is kept, and that is counted. */
static void too_much_is_cut_or_not_kept(void **unused) {
    (void)unused;
    uint8_t data[2000], got[CF_CALL_DATA_MAX];
    memset(data, 'x', sizeof data);
    give_data(data, sizeof data);
    walk();
    assert_int_equal(data_of_call(got), CF_CALL_DATA_MAX);
    for (uint32_t i = 1; i < 4; i++) { /* of 32 blocks: 9 and two of the side for each */
        uint64_t other = rig_offer(LINE, i);
        struct cf_record *r = rig_record(CF_EV_CALL_INFO, other, LINECALLINFOSTATE_CALLDATA, 0, 0);
        cf_fields_append(r, CF_FIELD_CALL_DATA, data, CF_CALL_DATA_MAX);
        rig_put(RIG_PROVIDER, r);
        walk();
    }
    assert_int_equal(rig_totals().parties_dropped, 2);
    give_data(data, 10); /* the old one goes first: there is room */
    walk();
    assert_int_equal(data_of_call(got), 10);
    assert_int_equal(rig_totals().parties_dropped, 2);
}

/* ------------------------------------------------------------------ replies that bring bytes back */

static void park(uint64_t request_id) {
    rig_send(RIG_APP, CF_REQ_PARK, handle, request_id, LINEPARKMODE_NONDIRECTED, 0);
}

static uint64_t command_number(uint16_t id) {
    const struct cf_message *m = rig_find(RIG_PROVIDER, id);
    assert_non_null(m);
    return m->param1;
}

static void answer(uint64_t number, const char *text) {
    struct cf_record *r = rig_record(CF_EV_REPLY, call, number, 0, 0);
    cf_fields_append_text(r, CF_FIELD_PARK_ADDRESS, text);
    rig_put(RIG_PROVIDER, r);
}

/* The next LINE_REPLY: its payload is that one text. */
static void expect_reply(uint64_t request_id, const char *text) {
    const struct cf_message *m;
    uint8_t payload[CF_RECORD_SLOTS_MAX * CF_SLOT_BYTES];
    do {
        m = cf_ring_peek(&rig.down[RIG_APP]);
        assert_non_null(m);
        if (m->id != LINE_REPLY)
            rig_next(RIG_APP);
    } while (m->id != LINE_REPLY);
    uint32_t bytes = cf_ring_payload(m, payload);
    assert_int_equal(m->param1, request_id);
    assert_int_equal(m->param2, 0);
    assert_int_equal(m->slots, 2);
    assert_in_range(bytes, strlen(text) + 4, sizeof payload);
    assert_memory_equal(payload + 4, text, strlen(text));
    rig_next(RIG_APP);
}

#define LONGEST "123456789012345678901234567890123456789012345678901"

static void a_park_address_comes_with_its_reply(void **unused) {
    (void)unused;
    for (uint32_t i = 0; i < 2 * RING_SLOTS; i++) { /* at each place of the ring, its end too */
        park(1 + i);
        rig_turns(1);
        assert_int_equal(rig.core.engine->ports[RIG_APP].reserve, cf_port_reserve(&rig.core.engine->ports[RIG_APP]) + 1);
        answer(command_number(CF_CMD_PARK), LONGEST);
        if (i < 4)
            walk();
        else
            rig_turns(1);
        expect_reply(1 + i, LONGEST);
        if (i % 3 == 0)
            rig_state(call, LINECALLSTATE_CONNECTED, 0); /* one slot more */
    }
    assert_int_equal(rig.core.engine->ports[RIG_APP].reserve, cf_port_reserve(&rig.core.engine->ports[RIG_APP]));
    assert_int_equal(rig.core.engine->g->parties_live, blocks_at_rest);
}

static void it_is_kept_while_the_application_is_behind(void **unused) {
    (void)unused;
    enum { PARKS = 60 }; /* near the 64 that a ring of 256 slots allows */
    uint64_t numbers[PARKS];
    for (uint32_t i = 0; i < PARKS; i++) {
        park(1 + i);
        rig_turns(1);
        numbers[i] = command_number(CF_CMD_PARK);
    }
    rig_fall_behind(RIG_APP, call);
    for (uint32_t i = 0; i < PARKS; i++) {
        answer(numbers[i], LONGEST);
        if (i < 2)
            walk();
        else
            rig_turns(1);
    }
    assert_int_equal(rig_status(RIG_APP).behind, 1);
    assert_int_equal(rig.core.engine->g->parties_live, blocks_at_rest + (PARKS < 32 ? PARKS : 32 - blocks_at_rest));
    uint32_t told = 0, failed = 0;
    for (uint32_t quiet = 0; quiet < 4; quiet++) {
        const struct cf_message *m;
        while ((m = cf_ring_peek(&rig.down[RIG_APP])) != NULL) {
            if (m->id == LINE_REPLY) {
                assert_int_equal(m->param1, 1 + told + failed); /* in their order */
                told += m->param2 == 0 && m->slots == 2;
                failed += (int32_t)(uint32_t)m->param2 == LINEERR_NOMEM; /* no block was free for the address */
            }
            rig_next(RIG_APP);
            quiet = 0;
        }
        if (told + failed < 4)
            walk();
        else
            rig_turns(1);
    }
    assert_int_equal(told + failed, PARKS);
    assert_int_equal(told, 32 - blocks_at_rest);
    assert_int_equal(rig_status(RIG_APP).behind, 0);
    assert_int_equal(rig.core.engine->g->parties_live, blocks_at_rest);
}

static void what_is_kept_goes_with_the_line_or_the_application(void **unused) {
    (void)unused;
    park(1);
    park(2);
    rig_turns(1);
    uint64_t first = command_number(CF_CMD_PARK), second = command_number(CF_CMD_PARK);
    rig_fall_behind(RIG_APP, call);
    answer(first, LONGEST);
    answer(second, "7");
    rig_turns(1);
    assert_int_equal(rig.core.engine->g->parties_live, blocks_at_rest + 2);
    rig_send(RIG_APP, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
    rig_turns(1);
    rig_read(RIG_APP);
    assert_int_equal(rig_count(LINE_REPLY, 0), 0); /* H-62 */
    assert_int_equal(rig.core.engine->g->parties_live, blocks_at_rest);
}

/* ------------------------------------------------------------------ lineForward */

static void a_consultation_call_that_was_not_needed_is_no_more(void **unused) {
    (void)unused;
    uint64_t made = rig_totals().calls_live;
    struct cf_record *r = rig_record(CF_REQ_FORWARD, rig_hline(0), 9, 0, 3);
    rig_put(RIG_APP, r);
    rig_turns(1);
    uint64_t number = command_number(CF_CMD_FORWARD);
    rig_send(RIG_PROVIDER, CF_EV_REPLY, 0, number, 0, 0);
    walk();
    const struct cf_message *m = rig_find(RIG_APP, LINE_REPLY);
    assert_true(m->param1 == 9 && m->param2 == 0 && m->device == 0);
    assert_int_equal(rig_totals().calls_live, made);
}

/* A list that is none, from a peer that is not our library. */
static void a_forward_list_that_is_none_is_refused(void **unused) {
    (void)unused;
    static const uint8_t list[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 0, 'x'};
    for (uint32_t bytes = 1; bytes <= sizeof list; bytes++) {
        struct cf_record *r = rig_record(CF_REQ_FORWARD, rig_hline(0), bytes, 0, 3);
        cf_fields_append(r, CF_FIELD_FORWARD_LIST, list, bytes);
        rig_put(RIG_APP, r);
        rig_turns(1);
        const struct cf_message *m = rig_find(RIG_APP, LINE_REPLY);
        assert_int_equal(m->param1, bytes);
        assert_int_equal((int32_t)(uint32_t)m->param2, LINEERR_INVALPARAM);
    }
    assert_null(rig_find(RIG_PROVIDER, CF_CMD_FORWARD));
}

/* ------------------------------------------------------------------ what an address forwards */

struct list {
    uint8_t bytes[CF_FORWARD_BYTES_MAX + 256];
    uint32_t used;
};

/* Addresses of so many bytes each. */
static void add_entry(struct list *l, uint32_t mode, uint16_t caller_bytes, uint16_t address_bytes) {
    struct cf_forward_head head = {.mode = mode, .country = 49, .caller_bytes = caller_bytes, .address_bytes = address_bytes};
    memcpy(l->bytes + l->used, &head, sizeof head);
    memset(l->bytes + l->used + sizeof head, '5', caller_bytes);
    memset(l->bytes + l->used + sizeof head + caller_bytes, '7', address_bytes);
    l->used += (uint32_t)sizeof head + caller_bytes + address_bytes;
}

static void tell(uint32_t address, const struct list *l, uint32_t rings) {
    struct cf_record *r = rig_record(CF_EV_ADDRESS_STATE, 0, LINE | (uint64_t)address << 32, LINEADDRESSSTATE_FORWARD, rings);
    assert_true(cf_fields_append(r, CF_FIELD_FORWARD_LIST, l->bytes, l->used));
    rig_put(RIG_PROVIDER, r);
}

/* What lineGetAddressStatus would tell. */
static void assert_forwards(uint32_t address, const struct list *l, uint32_t rings) {
    struct cf_reply_address_status s;
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_ADDRESS_STATUS, rig_hline(0), address, 0, 0), 0);
    const struct cf_reply_slot *slot = cf_port_reply(core_down(&rig.core, RIG_APP), 0);
    assert_in_range(slot->bytes, offsetof(struct cf_reply_address_status, forwards), sizeof s);
    memcpy(&s, slot->data, slot->bytes);
    assert_int_equal(slot->bytes, offsetof(struct cf_reply_address_status, forwards) + s.forward_bytes);
    assert_int_equal(s.address_features, LINEADDRFEATURE_FORWARD);
    assert_int_equal(s.forward_bytes, l->used);
    assert_memory_equal(s.forwards, l->bytes, l->used);
    assert_int_equal(s.forward_rings, rings);
}

static const struct list nothing;

static struct list unknown(void) {
    struct list l = {{0}, sizeof(struct cf_forward_head)};
    memcpy(l.bytes, &(struct cf_forward_head){.mode = LINEFORWARDMODE_UNKNOWN}, sizeof(struct cf_forward_head));
    return l;
}

static uint32_t blocks(void) { return rig.core.engine->g->parties_live - blocks_at_rest; }

static void where_an_address_forwards_to_is_there_wherever_the_core_dies(void **unused) {
    (void)unused;
    struct list one = {{0}, 0}, three = {{0}, 0};
    add_entry(&one, LINEFORWARDMODE_UNCOND, 0, 4);
    add_entry(&three, LINEFORWARDMODE_BUSYNASPECIFIC, CF_FORWARD_ADDRESS_MAX, CF_FORWARD_ADDRESS_MAX);
    add_entry(&three, LINEFORWARDMODE_UNAVAIL, 0, 0);
    add_entry(&three, LINEFORWARDMODE_NOANSW, 0, 1);
    assert_forwards(0, &nothing, 0);
    for (uint32_t address = 0; address < ADDRESSES; address++) {
        tell(address, &one, 1 + address);
        walk();
    }
    assert_int_equal(blocks(), 3);
    tell(1, &three, 9); /* in the middle of those of the line */
    walk();
    tell(2, &nothing, 9);
    walk();
    assert_forwards(0, &one, 1);
    assert_forwards(1, &three, 9);
    assert_forwards(2, &nothing, 0);
    assert_int_equal(blocks(), 3);
    rig_send(RIG_PROVIDER, CF_EV_ADDRESS_STATE, 0, UINT64_C(1) << 32, LINEADDRESSSTATE_FORWARD, 3); /* without a list: as it was */
    rig_turns(1);
    assert_forwards(1, &three, 9);
    rig_send(RIG_PROVIDER, CF_EV_LINE_CLOSE, 0, LINE, 0, 0); /* the line lives */
    walk();
    rig_open(RIG_APP, 1, 0);
    rig_read(RIG_APP);
    assert_int_equal(blocks(), 3);
    rig_send(RIG_PROVIDER, CF_EV_LINE_REMOVE, 0, LINE, 0, 0);
    walk();
    assert_int_equal(rig.core.engine->ports[RIG_PROVIDER].forward_blocks, 0);
}

static void a_list_beyond_the_share_is_not_known(void **unused) {
    (void)unused;
    struct list longest = {{0}, 0}, one = {{0}, 0};
    const struct list not_known = unknown();
    add_entry(&one, LINEFORWARDMODE_UNCOND, 0, 4);
    for (uint32_t i = 0; i < CF_FORWARD_ENTRIES_MAX; i++)
        add_entry(&longest, LINEFORWARDMODE_UNCOND, CF_FORWARD_ADDRESS_MAX, CF_FORWARD_ADDRESS_MAX);
    assert_int_equal(longest.used, CF_FORWARD_BYTES_MAX);
    tell(0, &one, 2);
    tell(1, &longest, 2); /* 18 blocks; of 32 the provider may have 12 */
    walk();
    assert_forwards(0, &one, 2);
    assert_forwards(1, &not_known, 0);
    assert_int_equal(rig_totals().parties_dropped, 1);
    assert_int_equal(blocks(), 1);
    tell(0, &longest, 2); /* what was kept before is not shown any more */
    tell(1, &one, 7);
    walk();
    assert_forwards(0, &not_known, 0);
    assert_forwards(1, &one, 7);
    tell(0, &nothing, 7);
    walk();
    assert_forwards(0, &nothing, 0);
    assert_int_equal(blocks(), 1);
}

/* Where the blocks are gone for other reasons. */
static void a_list_without_blocks_is_not_known(void **unused) {
    (void)unused;
    struct list ten = {{0}, 0}; /* blocks */
    uint8_t data[CF_CALL_DATA_MAX] = {0};
    const struct list not_known = unknown();
    for (uint32_t i = 0; i < 8; i++)
        add_entry(&ten, LINEFORWARDMODE_UNCOND, CF_FORWARD_ADDRESS_MAX, CF_FORWARD_ADDRESS_MAX);
    give_data(data, sizeof data);
    rig_turns(1);
    for (uint32_t i = 1; i < 3; i++) {
        struct cf_record *r = rig_record(CF_EV_CALL_INFO, rig_offer(LINE, i), LINECALLINFOSTATE_CALLDATA, 0, 0);
        cf_fields_append(r, CF_FIELD_CALL_DATA, data, CF_CALL_DATA_MAX);
        rig_put(RIG_PROVIDER, r);
        rig_turns(1);
    }
    uint64_t dropped = rig_totals().parties_dropped;
    uint32_t live = rig.core.engine->g->parties_live;
    tell(0, &ten, 1);
    walk();
    assert_forwards(0, &not_known, 0);
    assert_int_equal(rig_totals().parties_dropped, dropped + 1);
    assert_int_equal(rig.core.engine->g->parties_live, live);
}

static void refused(const struct list *l) {
    uint64_t bad = rig_status(RIG_PROVIDER).bad_records;
    tell(0, l, 5);
    rig_turns(1);
    assert_int_equal(rig_status(RIG_PROVIDER).bad_records, bad + 1);
}

static void what_is_no_list_changes_nothing(void **unused) {
    (void)unused;
    struct list one = {{0}, 0}, l = {{0}, 0};
    add_entry(&one, LINEFORWARDMODE_UNCOND, 0, 4);
    tell(0, &one, 2);
    rig_turns(1);
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_STATUS_MESSAGES, rig_hline(0), 0, 0x1FF, 0), 0);
    static const struct {
        uint32_t mode;
        uint16_t caller_bytes, address_bytes;
    } wrong[] = {{0, 0, 1},
                 {LINEFORWARDMODE_UNAVAIL * 2, 0, 1},
                 {LINEFORWARDMODE_UNCOND | LINEFORWARDMODE_BUSY, 0, 1},
                 {LINEFORWARDMODE_UNCOND, CF_FORWARD_ADDRESS_MAX + 1, 1},
                 {LINEFORWARDMODE_UNCOND, 0, CF_FORWARD_ADDRESS_MAX + 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        l = one; /* a good one first: a list is right or wrong as a whole */
        add_entry(&l, wrong[i].mode, wrong[i].caller_bytes, wrong[i].address_bytes);
        refused(&l);
    }
    for (l = one, l.used = 1; l.used < one.used; l.used++)
        refused(&l);
    l = one;
    l.used++;
    refused(&l);
    l.used = 0;
    for (uint32_t i = 0; i <= CF_FORWARD_ENTRIES_MAX; i++)
        add_entry(&l, LINEFORWARDMODE_UNCOND, 0, 1);
    refused(&l);
    assert_forwards(0, &one, 2);
    assert_int_equal(blocks(), 1);
    rig_read(RIG_APP);
    assert_int_equal(rig_count(LINE_ADDRESSSTATE, rig_hline(0)), 0);
}

/* The next instance of the provider comes without; a crash at each point of the turns in which the old one ends. */
static void it_goes_with_the_provider(void **unused) {
    (void)unused;
    struct list one = {{0}, 0};
    add_entry(&one, LINEFORWARDMODE_UNCOND, 0, 60);
    for (uint32_t address = 0; address < ADDRESSES; address++)
        tell(address, &one, 3);
    rig_turns(1);
    assert_int_equal(blocks(), ADDRESSES);
    rig_send(0, CF_DOOR_GONE, 0, RIG_PROVIDER, 0, 1);
    for (uint32_t i = 0; i < 64 && rig.core.engine->ports[RIG_PROVIDER].state != CF_PORT_NONE; i++)
        walk();
    rig_read(RIG_APP);
    assert_int_equal(rig_count(LINE_CLOSE, rig_hline(0)), 1);
    assert_int_equal(rig.core.engine->lines[0].forwarding, CF_INDEX_NONE);
    assert_int_equal(rig.core.engine->ports[RIG_PROVIDER].forward_blocks, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(data_is_there_wherever_the_core_dies, setup, teardown),
        cmocka_unit_test_setup_teardown(too_much_is_cut_or_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_park_address_comes_with_its_reply, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_kept_while_the_application_is_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_kept_goes_with_the_line_or_the_application, setup, teardown),
        cmocka_unit_test_setup_teardown(a_consultation_call_that_was_not_needed_is_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(a_forward_list_that_is_none_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(where_an_address_forwards_to_is_there_wherever_the_core_dies, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_beyond_the_share_is_not_known, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_without_blocks_is_not_known, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_list_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(it_goes_with_the_provider, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
