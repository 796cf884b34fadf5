/* The ring: every size of record at every place of the ring, full rings, and consumers that meet what no producer writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/ring.h"

enum { SLOTS = 256 };

struct fixture {
    struct cf_slot *slots; /* end at a page without access, and begin after one */
    uint8_t *memory;
    size_t bytes;
    uint64_t ack;
    struct cf_ring_producer p;
    struct cf_ring_consumer c;
    uint64_t head; /* of the copying reader */
};

static struct fixture *fixture_new(uint64_t slots_count, uint64_t start)
{
    struct fixture *x = calloc(1, sizeof *x);
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = slots_count * CF_SLOT_BYTES;
    assert_int_equal(bytes % page, 0);
    x->bytes = bytes + 2 * page;
    x->memory = mmap(NULL, x->bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(x->memory != MAP_FAILED);
    assert_int_equal(mprotect(x->memory + page, bytes, PROT_READ | PROT_WRITE), 0);
    x->slots = (struct cf_slot *)(void *)(x->memory + page);
    x->ack = x->head = start;
    cf_ring_producer_init(&x->p, x->slots, slots_count, &x->ack, start);
    cf_ring_consumer_init(&x->c, x->slots, slots_count, start);
    return x;
}

static void fixture_free(struct fixture *x)
{
    munmap(x->memory, x->bytes);
    free(x);
}

/* A record that can be known again: number in sequence, payload bytes made of number and place. */
static void make(struct cf_record *r, uint64_t number, uint32_t payload_bytes)
{
    memset(&r->m, 0, sizeof r->m);
    r->m.sequence = number;
    r->m.id = (uint16_t)(1 + number % 1000);
    r->m.device = payload_bytes;
    r->m.open_line = (uint32_t)~number;
    r->payload_bytes = payload_bytes;
    for (uint32_t i = 0; i < payload_bytes; i++)
        r->payload[i] = (uint8_t)(number * 7 + i);
}

static void expect_made(const struct cf_message *m, const uint8_t *payload, uint32_t bytes, uint64_t number)
{
    uint32_t written = (uint32_t)m->device;
    assert_int_equal(m->sequence, number);
    assert_int_equal(m->id, 1 + number % 1000);
    assert_int_equal(m->open_line, (uint32_t)~number);
    assert_int_equal(m->slots, cf_record_slots(written));
    assert_int_equal(bytes, (m->slots - 1) * CF_SLOT_PAYLOAD);
    for (uint32_t i = 0; i < bytes; i++)
        if (payload[i] != (i < written ? (uint8_t)(number * 7 + i) : 0)) /* the rest of the last slot is zero */
            fail_msg("record %lu, byte %u of %u: %u", (unsigned long)number, i, written, payload[i]);
}

static void peek_and_expect(struct fixture *x, uint64_t number)
{
    static uint8_t payload[CF_RECORD_PAYLOAD_MAX];
    const struct cf_message *m = cf_ring_peek(&x->c);
    assert_non_null(m);
    uint32_t bytes = cf_ring_payload(m, payload);
    expect_made(m, payload, bytes, number);
    cf_ring_consume(&x->c, m);
}

static void copy_out_and_expect(struct fixture *x, uint64_t number)
{
    static struct cf_record r;
    assert_int_equal(cf_ring_copy_out(x->slots, SLOTS - 1, &x->head, &r), CF_RING_RECORD);
    expect_made(&r.m, r.payload, r.payload_bytes, number);
}

static void an_empty_ring_gives_nothing(void **state)
{
    (void)state;
    static struct cf_record r;
    struct fixture *x = fixture_new(SLOTS, 0);
    assert_false(cf_ring_readable(&x->c));
    assert_null(cf_ring_peek(&x->c));
    assert_int_equal(cf_ring_copy_out(x->slots, SLOTS - 1, &x->head, &r), CF_RING_EMPTY);
    assert_int_equal(x->head, 0);
    fixture_free(x);
}

/* Each record size at each distance from the end of the ring, so that every filler there can be is written and stepped over. */
static void every_size_crosses_the_end_at_every_distance(void **state)
{
    (void)state;
    static struct cf_record r;
    for (uint32_t slots = 1; slots <= CF_RECORD_SLOTS_MAX; slots++) {
        struct fixture *x = fixture_new(SLOTS, 0);
        uint64_t number = 0, laps = 0;
        for (uint64_t distance = 1; distance <= SLOTS; distance++) {
            x->p.tail = x->p.head_seen = x->ack = x->c.head = x->head = ++laps * SLOTS - distance; /* an idle ring stands there */
            uint32_t most = (slots - 1) * CF_SLOT_PAYLOAD, least = slots == 1 ? 0 : most - CF_SLOT_PAYLOAD + 1;
            for (int i = 0; i < 2; i++) {
                make(&r, ++number, i == 0 ? most : least);
                uint64_t before = x->p.tail;
                assert_true(cf_ring_put(&x->p, &r));
                assert_int_equal(x->p.tail - before, cf_ring_cost(SLOTS - 1, before, slots));
                copy_out_and_expect(x, number);
                peek_and_expect(x, number);
                assert_int_equal(x->c.head, x->p.tail);
                assert_int_equal(x->head, x->p.tail);
                cf_ring_acknowledge(&x->ack, x->c.head);
            }
            assert_false(cf_ring_readable(&x->c));
        }
        fixture_free(x);
    }
}

static void random_traffic_comes_out_as_it_went_in(void **state)
{
    (void)state;
    static struct cf_record r;
    struct fixture *x = fixture_new(SLOTS, 0);
    uint64_t seed = 99, put = 0, got = 0, refused = 0;
    for (int i = 0; i < 300000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t dice = (uint32_t)(seed >> 33);
        if (dice % 2 == 0) {
            make(&r, put + 1, (dice >> 8) % 4 == 0 ? (dice >> 10) % (CF_RECORD_PAYLOAD_MAX + 1) : 0);
            uint64_t cost = cf_ring_cost(SLOTS - 1, x->p.tail, cf_record_slots(r.payload_bytes));
            bool room = SLOTS - (x->p.tail - x->ack) >= cost;
            assert_int_equal(cf_ring_put(&x->p, &r), room);
            put += room;
            refused += !room;
        } else if (got < put) {
            copy_out_and_expect(x, got + 1);
            peek_and_expect(x, ++got);
            if (dice % 5 == 0)
                cf_ring_acknowledge(&x->ack, x->c.head);
        } else {
            assert_null(cf_ring_peek(&x->c));
            cf_ring_acknowledge(&x->ack, x->c.head);
        }
    }
    assert_true(got > 10000 && refused > 1000);
    fixture_free(x);
}

static void a_full_ring_refuses_and_overwrites_nothing(void **state)
{
    (void)state;
    static struct cf_record r;
    struct fixture *x = fixture_new(SLOTS, 0);
    static struct cf_slot before[SLOTS];
    for (uint64_t i = 1; i <= SLOTS; i++) {
        make(&r, i, 0);
        assert_true(cf_ring_put(&x->p, &r));
    }
    memcpy(before, x->slots, sizeof before);
    for (uint32_t payload = 0; payload <= CF_RECORD_PAYLOAD_MAX; payload += 500) {
        make(&r, 9999, payload);
        assert_false(cf_ring_put(&x->p, &r));
    }
    assert_memory_equal(before, x->slots, sizeof before);
    peek_and_expect(x, 1);
    make(&r, SLOTS + 1, 0);
    assert_false(cf_ring_put(&x->p, &r)); /* read, but not acknowledged */
    cf_ring_acknowledge(&x->ack, x->c.head);
    assert_true(cf_ring_put(&x->p, &r));
    assert_false(cf_ring_put(&x->p, &r));
    for (uint64_t i = 2; i <= SLOTS + 1; i++)
        peek_and_expect(x, i);
    fixture_free(x);
}

static void an_acknowledgement_that_lies_gives_no_room(void **state)
{
    (void)state;
    static struct cf_record r;
    struct fixture *x = fixture_new(SLOTS, 1000);
    for (int i = 0; i < SLOTS; i++) {
        make(&r, 1, 0);
        assert_true(cf_ring_put(&x->p, &r));
    }
    static const uint64_t lies[] = {0, 999, 1000 + SLOTS + 1, UINT64_MAX, UINT64_C(1) << 63};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        cf_ring_acknowledge(&x->ack, lies[i]);
        assert_int_equal(cf_ring_free(&x->p), 0);
        assert_false(cf_ring_put(&x->p, &r));
    }
    cf_ring_acknowledge(&x->ack, 1010);
    assert_int_equal(cf_ring_free(&x->p), 10);
    cf_ring_acknowledge(&x->ack, 1005); /* backwards: what was given stays given */
    assert_int_equal(cf_ring_free(&x->p), 10);
    fixture_free(x);
}

static void fresh_memory_and_a_former_lap_never_match(void **state)
{
    (void)state;
    static struct cf_record r;
    struct fixture *x = fixture_new(SLOTS, 0);
    for (uint64_t lap = 0; lap < 3; lap++)
        for (uint64_t i = 0; i < SLOTS; i++) {
            assert_false(cf_ring_readable(&x->c));
            make(&r, lap * SLOTS + i, 0);
            assert_true(cf_ring_put(&x->p, &r));
            peek_and_expect(x, lap * SLOTS + i);
            cf_ring_acknowledge(&x->ack, x->c.head);
        }
    fixture_free(x);
}

/* The text of a long record holds what would be the next commit word at every place where one could be looked for. */
static void payload_that_looks_like_a_commit_word_is_not_one(void **state)
{
    (void)state;
    static struct cf_record r;
    struct fixture *x = fixture_new(SLOTS, 0);
    make(&r, 1, CF_RECORD_PAYLOAD_MAX);
    for (uint64_t lap = 1; lap <= 4; lap++) {
        for (uint32_t i = 0; i + 8 <= r.payload_bytes; i += 8) {
            uint64_t word = (lap + 1) * SLOTS + 1 + i / CF_SLOT_PAYLOAD;
            memcpy(r.payload + i, &word, 8);
        }
        for (int n = 0; n < SLOTS / CF_RECORD_SLOTS_MAX; n++) {
            assert_true(cf_ring_put(&x->p, &r));
            x->c.head = x->head = x->p.tail;
            cf_ring_acknowledge(&x->ack, x->p.tail);
            assert_false(cf_ring_readable(&x->c));
        }
    }
    fixture_free(x);
}

static void a_range_appears_whole_with_its_first_commit_word(void **state)
{
    (void)state;
    static struct cf_record r;
    struct fixture *x = fixture_new(SLOTS, 0);
    uint64_t at = 0;
    for (uint64_t i = 1; i <= 3; i++) { /* as the engine does: written at once, published at the commit */
        make(&r, i, (uint32_t)i * 100);
        r.m.slots = (uint8_t)cf_record_slots(r.payload_bytes);
        cf_ring_write(x->slots, SLOTS - 1, at, &r);
        at += r.m.slots;
    }
    assert_null(cf_ring_peek(&x->c));
    for (uint64_t i = at; i-- > 1;) { /* a core that died after any number of commit words, but not the first */
        cf_store_release_64(&x->slots[i].commit, i + 1);
        assert_null(cf_ring_peek(&x->c));
    }
    cf_ring_publish(x->slots, SLOTS - 1, 0, at);
    cf_ring_publish(x->slots, SLOTS - 1, 0, at); /* twice is once */
    for (uint64_t i = 1; i <= 3; i++) {
        copy_out_and_expect(x, i);
        peek_and_expect(x, i);
    }
    assert_null(cf_ring_peek(&x->c));
    fixture_free(x);
}

/* ------------------------------------------------------------------ a producer that keeps no rules */

static void plant(struct fixture *x, uint64_t at, uint16_t id, uint8_t slots)
{
    struct cf_message *m = (struct cf_message *)(void *)&x->slots[at & (SLOTS - 1)];
    m->id = id;
    m->slots = slots;
    m->commit = at + 1;
}

static void counts_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static struct cf_record r;
    struct fixture *x = fixture_new(SLOTS, 0);
    static const uint8_t bad[] = {0, 65, 100, 255};
    for (size_t i = 0; i < sizeof bad; i++) {
        plant(x, x->head, 5, bad[i]);
        uint64_t before = x->head;
        assert_int_equal(cf_ring_copy_out(x->slots, SLOTS - 1, &x->head, &r), CF_RING_BAD);
        assert_int_equal(x->head, before + 1);
    }
    fixture_free(x);
}

static void a_record_across_the_end_is_refused(void **state)
{
    (void)state;
    static struct cf_record r;
    for (uint32_t left = 1; left < 64; left++) {
        struct fixture *x = fixture_new(SLOTS, SLOTS - left);
        for (uint64_t i = 0; i < 128; i++)
            x->slots[(x->head + i) & (SLOTS - 1)].commit = x->head + i + 1; /* all committed */
        plant(x, x->head, 5, (uint8_t)(left + 1));
        assert_int_equal(cf_ring_copy_out(x->slots, SLOTS - 1, &x->head, &r), CF_RING_BAD);
        assert_int_equal(x->head, SLOTS - left + 1);
        fixture_free(x);
    }
}

static void a_record_with_a_later_slot_uncommitted_is_refused(void **state)
{
    (void)state;
    static struct cf_record r;
    for (uint64_t hole = 1; hole < 64; hole++) {
        struct fixture *x = fixture_new(SLOTS, 0);
        for (uint64_t i = 0; i < 64; i++)
            x->slots[i].commit = i + 1;
        x->slots[hole].commit = hole; /* another slot's, or an older word */
        plant(x, 0, 5, 64);
        assert_int_equal(cf_ring_copy_out(x->slots, SLOTS - 1, &x->head, &r), CF_RING_BAD);
        assert_int_equal(x->head, 1);
        fixture_free(x);
    }
}

static void fillers_without_end_do_not_hold_the_reader(void **state)
{
    (void)state;
    static struct cf_record r;
    struct fixture *x = fixture_new(SLOTS, 0);
    for (uint64_t i = 0; i < SLOTS; i++)
        plant(x, i, CF_MESSAGE_FILLER, 1);
    uint64_t calls = 0;
    while (cf_ring_copy_out(x->slots, SLOTS - 1, &x->head, &r) == CF_RING_BAD)
        calls++;
    assert_int_equal(calls, SLOTS / 2);
    assert_int_equal(x->head, SLOTS);
    fixture_free(x);
}

static void random_bytes_never_lead_outside_and_always_forward(void **state)
{
    (void)state;
    static struct cf_record r;
    struct fixture *x = fixture_new(SLOTS, 0);
    uint64_t seed = 4242, records = 0, bad = 0, idle = 0;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t at = x->head + (seed >> 33) % 80;
        struct cf_message *m = (struct cf_message *)(void *)&x->slots[at & (SLOTS - 1)];
        m->commit = (seed >> 20) % 8 != 0 ? at + 1 : seed;
        m->id = (seed >> 44) % 8 == 0 ? CF_MESSAGE_FILLER : (uint16_t)seed;
        m->slots = (uint8_t)(seed >> 52 & (i % 4 == 0 ? 255 : 3));
        uint64_t before = x->head;
        enum cf_ring_read got = cf_ring_copy_out(x->slots, SLOTS - 1, &x->head, &r);
        records += got == CF_RING_RECORD;
        bad += got == CF_RING_BAD;
        idle += got == CF_RING_EMPTY;
        assert_true(got == CF_RING_EMPTY ? x->head - before <= 64 : x->head > before && x->head - before <= 128);
        if (got == CF_RING_RECORD) {
            assert_true(r.m.slots >= 1 && r.m.slots <= 64 && r.m.id != CF_MESSAGE_FILLER);
            assert_int_equal(r.payload_bytes, (r.m.slots - 1) * CF_SLOT_PAYLOAD);
        }
    }
    assert_true(records > 1000 && bad > 1000 && idle > 1000);
    fixture_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_ring_gives_nothing),
        cmocka_unit_test(every_size_crosses_the_end_at_every_distance),
        cmocka_unit_test(random_traffic_comes_out_as_it_went_in),
        cmocka_unit_test(a_full_ring_refuses_and_overwrites_nothing),
        cmocka_unit_test(an_acknowledgement_that_lies_gives_no_room),
        cmocka_unit_test(fresh_memory_and_a_former_lap_never_match),
        cmocka_unit_test(payload_that_looks_like_a_commit_word_is_not_one),
        cmocka_unit_test(a_range_appears_whole_with_its_first_commit_word),
        cmocka_unit_test(counts_that_cannot_be_are_refused),
        cmocka_unit_test(a_record_across_the_end_is_refused),
        cmocka_unit_test(a_record_with_a_later_slot_uncommitted_is_refused),
        cmocka_unit_test(fillers_without_end_do_not_hold_the_reader),
        cmocka_unit_test(random_bytes_never_lead_outside_and_always_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
