/*
 * Fuzz entry of what every reader of a ring stands on: the list of fields in a record, and the copying, distrustful reader over a
 * ring that its producer filled with anything.
 * The input: slots of 64 bytes. The high bits of a slot's commit word choose whether it is right, late, of another lap or as it stands.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/fields.h"
#include "shm/ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SLOTS = 128 };

static struct cf_record record, again;

/* Every field lies in the payload; a list that was read and written anew is the same list. */
static void check_fields(const struct cf_record *r)
{
    struct cf_fields f = cf_fields_of(r);
    struct cf_field field, found;
    uint32_t used = 0;
    again.payload_bytes = 0;
    while (cf_fields_next(&f, &field)) {
        assert(field.tag != CF_FIELD_END && field.data == r->payload + used + 4);
        used += 4u + field.bytes;
        assert(used <= r->payload_bytes);
        assert(cf_fields_find(r, field.tag, &found) && found.tag == field.tag && found.data <= field.data);
        const bool appended = cf_fields_append(&again, field.tag, field.data, field.bytes);
        assert(appended);
    }
    assert(again.payload_bytes == used && memcmp(again.payload, r->payload, used) == 0);
    assert(!cf_fields_next(&f, &field));
    if (!f.bad && r->payload_bytes - used >= 4)
        assert(r->payload[used] == 0 && r->payload[used + 1] == 0);
}

static uint64_t commit_word(uint64_t raw, uint64_t index)
{
    switch (raw >> 60) {
    case 13:
        return index + 1 + SLOTS;
    case 14:
        return index < SLOTS ? 0 : index + 1 - SLOTS;
    case 15:
        return raw;
    default:
        return index + 1;
    }
}

/* A record that was copied out stands in the ring as the reader says. */
static void check_record(const struct cf_slot *ring, uint64_t mask, uint64_t head, uint64_t next)
{
    const uint64_t first = next - record.m.slots;
    assert(first >= head && record.m.slots >= 1 && record.m.slots <= CF_RECORD_SLOTS_MAX);
    assert((first & mask) + record.m.slots <= mask + 1);
    assert(record.payload_bytes == (record.m.slots - 1u) * CF_SLOT_PAYLOAD);
    assert(memcmp(&record.m, &ring[first & mask], CF_SLOT_BYTES) == 0);
    for (uint32_t i = 1; i < record.m.slots; i++) {
        assert(ring[(first + i) & mask].commit == first + i + 1);
        assert(memcmp(record.payload + (size_t)(i - 1) * CF_SLOT_PAYLOAD, ring[(first + i) & mask].body,
                      CF_SLOT_PAYLOAD) == 0);
    }
}

static void read_ring(const struct cf_slot *ring, uint64_t mask, uint64_t head)
{
    for (uint64_t end = head + 4 * (mask + 1); head < end;) {
        const uint64_t before = head;
        const enum cf_ring_read got = cf_ring_copy_out(ring, mask, &head, &record);
        assert(head >= before && head - before <= 2 * CF_RECORD_SLOTS_MAX + CF_RECORD_SLOTS_MAX);
        if (got == CF_RING_EMPTY) {
            assert(ring[head & mask].commit != head + 1);
            return;
        }
        assert(head > before);
        if (got == CF_RING_RECORD) {
            assert(record.m.id != CF_MESSAGE_FILLER);
            check_record(ring, mask, before, head);
            check_fields(&record);
        }
    }
}

/* Zeroed slots, behind the last of which nothing can be read. */
static struct cf_slot *ring_of(uint64_t slots)
{
    enum { BYTES = SLOTS * CF_SLOT_BYTES, PAGE = 4096 };
    static uint8_t *area;
    if (area == NULL) {
        area = mmap(NULL, BYTES + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        const int closed = area == MAP_FAILED ? -1 : mprotect(area + BYTES, PAGE, PROT_NONE);
        assert(closed == 0);
    }
    struct cf_slot *ring = (struct cf_slot *)(area + BYTES) - slots;
    memset(ring, 0, slots * sizeof *ring);
    return ring;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t slots = size / CF_SLOT_BYTES < SLOTS ? size / CF_SLOT_BYTES : SLOTS;
    const uint64_t start = size == 0 ? 0 : data[size - 1]; /* where the reader stands */
    record.payload_bytes = (uint32_t)(size < sizeof record.payload ? size : sizeof record.payload);
    memcpy(record.payload, data, record.payload_bytes);
    check_fields(&record);
    uint64_t ring_slots = 64;
    while (ring_slots < slots)
        ring_slots *= 2;
    struct cf_slot *ring = ring_of(ring_slots);
    for (uint64_t i = 0; i < slots; i++) {
        struct cf_slot *s = &ring[(start + i) & (ring_slots - 1)];
        memcpy(s, data + i * CF_SLOT_BYTES, CF_SLOT_BYTES);
        s->commit = commit_word(s->commit, start + i);
    }
    read_ring(ring, ring_slots - 1, start);
    return 0;
}
