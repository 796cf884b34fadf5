/*
 * The record: what every ring of Callfan carries, in either direction.
 *
 * Shape      one to 64 slots of 64 bytes. The first slot is struct cf_message; each further slot is an 8-byte commit word
 *            and 56 bytes of payload. The payload is a list of fields (shm/fields.h).
 * Units      time_ns: CLOCK_MONOTONIC ns at which the provider saw the event
 * Invariant  a slot at ring index i is readable when its commit word is i + 1; indices count slots and never wrap
 * Trust      a record read from a peer is copied out once (cf_ring_copy_out), then validated, then used
 */
#ifndef CF_SHM_RECORD_H
#define CF_SHM_RECORD_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "callfan/limits.h"

#define CF_SLOT_BYTES 64
#define CF_SLOT_PAYLOAD 56
#define CF_RECORD_PAYLOAD_MAX ((CF_RECORD_SLOTS_MAX - 1) * CF_SLOT_PAYLOAD)

struct cf_message {
    uint64_t commit;   /* ring index + 1, stored last */
    uint64_t sequence; /* down: dense per port; up: the request's or event's own number, dense per port */
    int64_t time_ns;
    uint64_t device;   /* a handle, 0 where the message has none */
    uint64_t param1, param2, param3;
    uint16_t id;       /* a LINE_ message id, or CF_REQ_, CF_EV_, CF_CMD_, CF_DOOR_ */
    uint8_t slots;     /* of the whole record, 1..64 */
    uint8_t flags;     /* CF_MESSAGE_*; in a synchronous request the reply slot */
    uint32_t open_line; /* slot of the HLINE the message belongs to, CF_INDEX_NONE where there is none */
};
_Static_assert(sizeof(struct cf_message) == CF_SLOT_BYTES, "one slot");
_Static_assert(offsetof(struct cf_message, sequence) == 8, "layout");
_Static_assert(offsetof(struct cf_message, time_ns) == 16, "layout");
_Static_assert(offsetof(struct cf_message, device) == 24, "layout");
_Static_assert(offsetof(struct cf_message, param1) == 32, "layout");
_Static_assert(offsetof(struct cf_message, param3) == 48, "layout");
_Static_assert(offsetof(struct cf_message, id) == 56, "layout");
_Static_assert(offsetof(struct cf_message, slots) == 58, "layout");
_Static_assert(offsetof(struct cf_message, flags) == 59, "layout");
_Static_assert(offsetof(struct cf_message, open_line) == 60, "layout");

struct cf_slot {
    uint64_t commit;
    uint8_t body[CF_SLOT_PAYLOAD];
};
_Static_assert(sizeof(struct cf_slot) == CF_SLOT_BYTES, "one slot");

enum {
    CF_MESSAGE_FILLER = 0xFFFF, /* id: skip `slots` slots, no sequence of its own */
};

/* A record outside a ring: the message, its payload contiguous. */
struct cf_record {
    struct cf_message m;
    uint32_t payload_bytes; /* used by the writer; a reader gets (slots - 1) * 56 */
    uint8_t payload[CF_RECORD_PAYLOAD_MAX];
};

/* Slots that a record with so many payload bytes takes. */
static inline uint32_t cf_record_slots(uint32_t payload_bytes) {
    return 1 + (payload_bytes + CF_SLOT_PAYLOAD - 1) / CF_SLOT_PAYLOAD;
}

#endif
