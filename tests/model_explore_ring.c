/*
 * The real ring in every interleaving of a producer and a consumer: records come whole, in order, exactly once, nothing is written over
 * before it was acknowledged, and no plain access is without its ordering.
 */
#include <stddef.h>
#include <string.h>

#include "shm/ring.h"
#include "tests/support/explorer.h"

enum { SLOTS = 4, RECORDS = 6 };

static struct {
    struct cf_slot slots[SLOTS] __attribute__((aligned(64)));
    uint64_t ack __attribute__((aligned(64)));
} shared;

/* Payload bytes of each record, from the case. */
static const uint32_t *sizes;
static struct cf_ring_producer producer;
static struct cf_ring_consumer consumer;
static struct cf_record out, in;
static uint64_t copy_head;
static uint32_t got, records;

static uint8_t byte_of(uint64_t number, uint32_t at)
{
    return (uint8_t)(number * 31 + at + 1);
}

static void begin(uint64_t at)
{
    memset(&shared, 0, sizeof shared);
    shared.ack = at;
    copy_head = at;
    got = 0;
    cf_ring_producer_init(&producer, shared.slots, SLOTS, &shared.ack, at);
    cf_ring_consumer_init(&consumer, shared.slots, SLOTS, at);
}

static void produce(void)
{
    for (uint32_t n = 0; n < records; n++) {
        out.m = (struct cf_message){.sequence = n, .device = sizes[n], .param3 = ~(uint64_t)n, .id = 1};
        out.payload_bytes = sizes[n];
        for (uint32_t i = 0; i < sizes[n]; i++)
            out.payload[i] = byte_of(n, i);
        while (!cf_ring_put(&producer, &out))
            cf_explorer_wait_change(&shared.ack, 8, producer.head_seen);
    }
}

static void expect(const struct cf_message *m, const uint8_t *payload, uint32_t bytes)
{
    cf_explorer_assert(m->sequence == got && m->param3 == ~(uint64_t)got, "record %u came as %llu", got,
                       (unsigned long long)m->sequence);
    cf_explorer_assert(m->slots == cf_record_slots(sizes[got]), "record %u has %u slots", got, m->slots);
    for (uint32_t i = 0; i < bytes; i++) {
        uint8_t right = i < sizes[got] ? byte_of(got, i) : 0;
        cf_explorer_assert(payload[i] == right, "record %u, byte %u: %u", got, i, payload[i]);
    }
    got++;
}

static void wait_for(uint64_t head)
{
    cf_explorer_wait(&shared.slots[head & (SLOTS - 1)].commit, 8, head + 1);
}

/* As an application reads: in place, and acknowledges `every` records. */
static void peek(uint32_t every)
{
    static uint8_t payload[CF_RECORD_PAYLOAD_MAX];
    while (got < records) {
        const struct cf_message *m = cf_ring_peek(&consumer);
        if (m == NULL) {
            cf_ring_acknowledge(&shared.ack, consumer.head);
            wait_for(consumer.head);
            continue;
        }
        expect(m, payload, cf_ring_payload(m, payload));
        cf_ring_consume(&consumer, m);
        if (got % every == 0)
            cf_ring_acknowledge(&shared.ack, consumer.head);
    }
}

static void peek_each(void)
{
    peek(1);
}

static void peek_pairs(void)
{
    peek(2);
}

/* As the core reads: copies. */
static void copy(void)
{
    while (got < records) {
        enum cf_ring_read read = cf_ring_copy_out(shared.slots, SLOTS - 1, &copy_head, &in);
        cf_explorer_assert(read != CF_RING_BAD, "record %u is malformed", got);
        if (read == CF_RING_RECORD) {
            expect(&in.m, in.payload, in.payload_bytes);
            cf_ring_acknowledge(&shared.ack, copy_head);
        } else {
            cf_ring_acknowledge(&shared.ack, copy_head);
            wait_for(copy_head);
        }
    }
}

static void all_came(void)
{
    cf_explorer_assert(got == records, "%u records came", got);
}

/* A consumer that lies about what it has read, between any two looks of the producer. */
static void lie(void)
{
    cf_store_release_64(&shared.ack, 1);
    cf_store_release_64(&shared.ack, 1000);
    cf_store_release_64(&shared.ack, 2);
}

static void look_for_room(void)
{
    for (uint32_t n = 0; n < 3; n++) {
        uint64_t room = cf_ring_free(&producer);
        cf_explorer_assert(producer.head_seen <= producer.tail && room <= SLOTS, "%llu slots of %u are free",
                           (unsigned long long)room, SLOTS);
    }
}

static void no_lie_believed(void)
{
    cf_explorer_assert(producer.head_seen <= 2, "an acknowledgement of %llu was believed",
                       (unsigned long long)producer.head_seen);
}

static void lies_setup(void)
{
    records = 0;
    begin(0);
    producer.tail = 2;
}

static const uint32_t mixed[] = {0, 60, 20}; /* 1, 3 and 2 slots: the last begins where the first lay */
static const uint32_t with_fillers[] = {20, 0, 20};
static const uint32_t single[RECORDS] = {0, 0, 0, 0, 0, 0};

static void mixed_setup(void)
{
    sizes = mixed;
    records = 3;
    begin(0);
}

static void filler_setup(void)
{
    sizes = with_fillers;
    records = 3;
    begin(SLOTS * 5 + 3); /* one slot before the end, in a later lap; and again at the third record */
}

static void single_setup(void)
{
    sizes = single;
    records = RECORDS;
    begin(SLOTS - 1);
}

static const struct cf_explored cases[] = {
    {"single_slots_read_in_place", 3, single_setup, {produce, peek_each}, all_came},
    {"single_slots_acknowledged_in_pairs", 3, single_setup, {produce, peek_pairs}, all_came},
    {"long_records_read_in_place", 4, mixed_setup, {produce, peek_each}, all_came},
    {"long_records_copied_out", 4, mixed_setup, {produce, copy}, all_came},
    {"fillers_read_in_place", 4, filler_setup, {produce, peek_pairs}, all_came},
    {"fillers_copied_out", 4, filler_setup, {produce, copy}, all_came},
    {"an_acknowledgement_that_lies", 5, lies_setup, {look_for_room, lie}, no_lie_believed},
};

int main(int argc, char **argv)
{
    return cf_explorer_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
