/*
 * The ring: one producer, one consumer, 64-byte slots, the commit word in the slot.
 *
 * Shape      slots_count (a power of two) slots of 64 bytes; indices count slots from 0 and never wrap
 * Invariant  slot i holds i + 1 in its commit word once readable; fresh memory (0) and a former lap never match;
 *            a slot whose index is not acknowledged is never overwritten; a record never straddles the end (a filler
 *            record goes before it); a record becomes visible by its first commit word, stored last
 * Writers    slots: the producer. Acknowledgement word: the consumer, on a page of its own
 * Overlap    one producer thread with one consumer thread
 * Progress   wait-free; claim fails when the ring is full, nothing waits
 * Errors     none besides full and empty
 * Trust      cf_ring_peek() is for a consumer that believes its producer (an application reading the core's ring);
 *            cf_ring_copy_out() is for one that does not: it copies first and trusts no count it did not clamp
 * Source     sequence in slot: LMAX Disruptor's availability laps; batched acknowledgement: FastForward, MCRingBuffer
 */
#ifndef CF_SHM_RING_H
#define CF_SHM_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/atomics.h"
#include "shm/record.h"

/* ------------------------------------------------------------------ producer */

struct cf_ring_producer {
    struct cf_slot *slots;
    uint64_t mask;       /* slots_count - 1 */
    uint64_t tail;       /* next index to write */
    uint64_t head_seen;  /* acknowledgement as last read */
    const uint64_t *ack; /* the consumer's word: every index below it may be overwritten */
};

/* ack must point at a word that only the consumer stores. */
static inline void cf_ring_producer_init(struct cf_ring_producer *p, struct cf_slot *slots, uint64_t slots_count,
                                         const uint64_t *ack, uint64_t tail) {
    *p = (struct cf_ring_producer){slots, slots_count - 1, tail, cf_load_acquire_64(ack), ack};
}

/* Slots free without looking at the consumer's word again. A word ahead of the tail (a lying peer) counts as the tail. */
static inline uint64_t cf_ring_free_seen(const struct cf_ring_producer *p) {
    return p->mask + 1 - (p->tail - p->head_seen);
}

static inline uint64_t cf_ring_free(struct cf_ring_producer *p) {
    uint64_t ack = cf_load_acquire_64(p->ack); /* R1 pairs with A1 in cf_ring_acknowledge(): the consumer has done reading */
    if (ack > p->head_seen && ack <= p->tail)
        p->head_seen = ack;
    return cf_ring_free_seen(p);
}

/* Slots that a record of n slots takes at index tail, filler included. */
static inline uint64_t cf_ring_cost(uint64_t mask, uint64_t tail, uint32_t n) {
    uint64_t left = mask + 1 - (tail & mask);
    return n <= left ? n : left + n;
}

/* Copies a record's bodies (never commit words) to index at; at must leave n slots before the end of the ring. */
static inline void cf_ring_write(struct cf_slot *slots, uint64_t mask, uint64_t at, const struct cf_record *r) {
    struct cf_slot *s = &slots[at & mask];
    memcpy((uint8_t *)s + 8, (const uint8_t *)&r->m + 8, CF_SLOT_BYTES - 8);
    uint32_t left = r->payload_bytes;
    for (uint32_t i = 1; i < r->m.slots; i++) {
        uint32_t n = left < CF_SLOT_PAYLOAD ? left : CF_SLOT_PAYLOAD;
        memcpy(s[i].body, r->payload + (size_t)(i - 1) * CF_SLOT_PAYLOAD, n);
        if (n < CF_SLOT_PAYLOAD)
            memset(s[i].body + n, 0, CF_SLOT_PAYLOAD - n); /* also closes the list of fields */
        left -= n;
    }
}

/* Writes a filler that covers the rest of the ring from index at. */
static inline void cf_ring_write_filler(struct cf_slot *slots, uint64_t mask, uint64_t at) {
    struct cf_message *m = (struct cf_message *)&slots[at & mask];
    memset((uint8_t *)m + 8, 0, CF_SLOT_BYTES - 8);
    m->id = CF_MESSAGE_FILLER;
    m->slots = (uint8_t)(mask + 1 - (at & mask)); /* below 64: a filler precedes a record of at most 64 slots */
}

/* Makes [first, last) readable. Last slot first, so that the whole range appears with its first commit word. */
static inline void cf_ring_publish(struct cf_slot *slots, uint64_t mask, uint64_t first, uint64_t last) {
    while (first < last) {
        uint64_t behind = ((last - 1) & mask) + 1, left = last - first; /* one piece, or two where it goes around the end */
        for (struct cf_slot *s = &slots[behind], *end = s - (behind < left ? behind : left); s != end;)
            cf_store_release_64(&(--s)->commit, last--); /* A0 pairs with R0 in cf_ring_peek(), cf_ring_copy_out() */
    }
}

/* Puts one record and publishes it. r->m.slots is set here. False when the ring has no room for it. */
static inline bool cf_ring_put(struct cf_ring_producer *p, struct cf_record *r) {
    r->m.slots = (uint8_t)cf_record_slots(r->payload_bytes);
    uint64_t cost = cf_ring_cost(p->mask, p->tail, r->m.slots);
    if (cf_ring_free_seen(p) < cost && cf_ring_free(p) < cost)
        return false;
    uint64_t first = p->tail, at = first;
    if (cost != r->m.slots) {
        cf_ring_write_filler(p->slots, p->mask, at);
        at += cost - r->m.slots;
    }
    cf_ring_write(p->slots, p->mask, at, r);
    p->tail = first + cost;
    cf_ring_publish(p->slots, p->mask, first, p->tail);
    return true;
}

/* ------------------------------------------------------------------ consumer */

struct cf_ring_consumer {
    const struct cf_slot *slots;
    uint64_t mask;
    uint64_t head; /* next index to read */
};

static inline void cf_ring_consumer_init(struct cf_ring_consumer *c, const struct cf_slot *slots, uint64_t slots_count,
                                         uint64_t head) {
    *c = (struct cf_ring_consumer){slots, slots_count - 1, head};
}

static inline bool cf_ring_readable(const struct cf_ring_consumer *c) {
    return cf_load_acquire_64(&c->slots[c->head & c->mask].commit) == c->head + 1; /* R0 pairs with A0 */
}

/* The next record in place, or NULL. Valid until the consumer acknowledges past it. Steps over fillers. Trusting consumers only. */
static inline const struct cf_message *cf_ring_peek(struct cf_ring_consumer *c) {
    for (;;) {
        const struct cf_slot *s = &c->slots[c->head & c->mask];
        if (cf_load_acquire_64(&s->commit) != c->head + 1) /* R0 pairs with A0 */
            return NULL;
        const struct cf_message *m = (const struct cf_message *)s;
        if (cf_likely(m->id != CF_MESSAGE_FILLER))
            return m;
        c->head += m->slots;
    }
}

/* Steps over the record that cf_ring_peek() returned. */
static inline void cf_ring_consume(struct cf_ring_consumer *c, const struct cf_message *m) { c->head += m->slots; }

/* Tells the producer that everything below index may be overwritten. */
static inline void cf_ring_acknowledge(uint64_t *ack, uint64_t index) {
    cf_store_release_64(ack, index); /* A1 pairs with R1 in cf_ring_free(): our reads are done */
}

/* Copies the payload slots of a record in place to out (room for slots - 1 times 56 bytes). Returns bytes. */
static inline uint32_t cf_ring_payload(const struct cf_message *m, uint8_t *out) {
    const struct cf_slot *s = (const struct cf_slot *)m;
    for (uint32_t i = 1; i < m->slots; i++)
        memcpy(out + (size_t)(i - 1) * CF_SLOT_PAYLOAD, s[i].body, CF_SLOT_PAYLOAD);
    return (uint32_t)(m->slots - 1) * CF_SLOT_PAYLOAD;
}

enum cf_ring_read { CF_RING_EMPTY, CF_RING_RECORD, CF_RING_BAD };

/*
 * For a consumer that does not trust the producer: copies the record at index *head out and steps *head over it.
 * CF_RING_BAD: the slot is committed but no producer that keeps the rules can have written it (slots 0 or above 64, across the
 * end, or a later slot of the record without its commit word); *head then steps one slot, so that progress is certain.
 * Every byte is read once; the caller validates its copy.
 */
enum cf_ring_read cf_ring_copy_out(const struct cf_slot *slots, uint64_t mask, uint64_t *head, struct cf_record *ret_record);

#endif
