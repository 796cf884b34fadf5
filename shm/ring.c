/* The copying, distrustful reader of a ring. */
#include "shm/ring.h"

static enum cf_ring_read copy_one(const struct cf_slot *slots, uint64_t mask, uint64_t *head, struct cf_record *r) {
    const struct cf_slot *s = &slots[*head & mask];
    if (cf_load_acquire_64(&s->commit) != *head + 1) /* R0 pairs with A0 in cf_ring_publish() */
        return CF_RING_EMPTY;
    memcpy(&r->m, s, CF_SLOT_BYTES);
    uint32_t n = r->m.slots;
    uint64_t left = mask + 1 - (*head & mask);
    if (n == 0 || n > CF_RECORD_SLOTS_MAX || n > left) {
        *head += 1;
        return CF_RING_BAD;
    }
    r->payload_bytes = (n - 1) * CF_SLOT_PAYLOAD;
    if (r->m.id == CF_MESSAGE_FILLER) {
        *head += n;
        return CF_RING_RECORD;
    }
    for (uint32_t i = 1; i < n; i++) {
        if (cf_load_acquire_64(&s[i].commit) != *head + i + 1) {
            *head += 1;
            return CF_RING_BAD;
        }
        memcpy(r->payload + (size_t)(i - 1) * CF_SLOT_PAYLOAD, s[i].body, CF_SLOT_PAYLOAD);
    }
    *head += n;
    return CF_RING_RECORD;
}

enum cf_ring_read cf_ring_copy_out(const struct cf_slot *slots, uint64_t mask, uint64_t *head, struct cf_record *r) {
    /* Two fillers never follow each other in a ring that keeps the rules. */
    for (int fillers = 0; fillers < 2; fillers++) {
        enum cf_ring_read got = copy_one(slots, mask, head, r);
        if (got != CF_RING_RECORD || r->m.id != CF_MESSAGE_FILLER)
            return got;
    }
    return CF_RING_BAD;
}
