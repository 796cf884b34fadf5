/*
 * The port: what joins the core to one peer, application or provider.
 *
 * Shape      two memory objects. Down (written by the core only, sealed F_SEAL_FUTURE_WRITE|SHRINK|GROW|SEAL, read-only for the
 *            peer):    page 0 header and core words | reply slots (64 x 4096, applications only) | ring
 *            Up (written by the peer, sealed SHRINK|GROW|SEAL):
 *                      page 0 peer words | ring
 *            and two bells (shm/sys_bell.h), each side keeping its own end.
 * Invariant  the header is constant; magic is stored last, when everything else stands
 * Writers    header, core words, reply slots, down ring: the core. Peer words, up ring: the peer
 * Trust      the core reads each peer word once, clamps it, and indexes by nothing it found there
 */
#ifndef CF_SHM_PORT_H
#define CF_SHM_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "shm/atomics.h"
#include "shm/record.h"
#include "shm/ring.h"

#define CF_PORT_MAGIC UINT64_C(0x314e414643504143) /* "CAPCFAN1" */
#define CF_LAYOUT_VERSION 7u
#define CF_PAGE_BYTES 4096
#define CF_HUGE_BYTES (UINT64_C(2) << 20)

enum cf_port_kind { CF_PORT_FREE = 0, CF_PORT_DOOR = 1, CF_PORT_PROVIDER = 2, CF_PORT_APPLICATION = 3 };

/* Constant for the port's life. */
struct cf_port_header {
    uint64_t magic;          /* CF_PORT_MAGIC, stored last with release */
    uint32_t version;        /* CF_LAYOUT_VERSION */
    uint32_t kind;           /* enum cf_port_kind */
    uint32_t port;           /* number */
    uint32_t generation;     /* of the number's use */
    uint64_t down_slots;     /* powers of two */
    uint64_t up_slots;
    uint32_t reply_slots;    /* 64 or 0 */
    uint32_t usage;          /* 0..7: the application's usage number in its process */
    uint32_t base_generation; /* even: handles of this port start above it */
    uint32_t wake_interval_us;
    int64_t utc_offset_ns;   /* CLOCK_REALTIME - CLOCK_MONOTONIC when the port was made */
};
_Static_assert(sizeof(struct cf_port_header) == 64, "one line");

/* What the peer reads when it sends. Stored at publishing. */
struct cf_port_core_up {
    uint64_t up_ack;   /* index below which the up ring may be overwritten */
    uint32_t sleeping; /* the core sleeps: ring the up bell after a commit (store-load fence between) */
    uint32_t reserved;
    uint64_t reserved2[6];
};
_Static_assert(sizeof(struct cf_port_core_up) == 64, "one line");

/* The law's counters on the core's side. Stored at publishing. */
struct cf_port_core_down {
    uint64_t tail;      /* published end of the down ring */
    uint64_t sequence;  /* of the last published message */
    uint64_t messages;  /* messages ever published (GAPs not counted) */
    uint64_t missed;    /* messages merged or dropped while behind, ever */
    uint64_t gaps;      /* GAP messages ever published */
    uint64_t behind;    /* 0 in step, 1 behind, 2 resynchronising */
    uint64_t requests;  /* requests ever taken from the up ring */
    uint64_t bad;       /* records refused as malformed */
};
_Static_assert(sizeof(struct cf_port_core_down) == 64, "one line");

/* Page 0 of the down object; 128 bytes apart, since neighbouring lines are fetched in pairs. */
struct cf_port_down {
    struct cf_port_header header;
    uint64_t pad0[8];
    struct cf_port_core_up up;
    uint64_t pad1[8];
    struct cf_port_core_down down;
    uint64_t pad2[8];
    uint8_t reserved[CF_PAGE_BYTES - 6 * 64];
};
_Static_assert(offsetof(struct cf_port_down, up) == 128, "layout");
_Static_assert(offsetof(struct cf_port_down, down) == 256, "layout");
_Static_assert(sizeof(struct cf_port_down) == CF_PAGE_BYTES, "one page");

/* The peer's words: page 0 of the up object. */
struct cf_port_up {
    uint64_t down_ack;       /* index below which the down ring may be overwritten */
    uint64_t messages_acked; /* messages read, ever: fillers and GAPs not counted */
    uint64_t cancelled;      /* of these, messages whose handle was void when they were read */
    uint64_t pad0[13];
    uint64_t wake_at;        /* 0 awake; else: ring the down bell when the ring's tail reaches it */
    uint64_t pad1[15];
    uint64_t reply_waiting;  /* bit n: a thread sleeps (futex on the low half of reply slot n's done word) */
    uint64_t pad2[15];
    uint8_t reserved[CF_PAGE_BYTES - 384];
};
_Static_assert(offsetof(struct cf_port_up, wake_at) == 128, "layout");
_Static_assert(offsetof(struct cf_port_up, reply_waiting) == 256, "layout");
_Static_assert(sizeof(struct cf_port_up) == CF_PAGE_BYTES, "one page");

/* The answer of a synchronous request. Readable when done equals the request's sequence. */
struct cf_reply_slot {
    uint64_t done;   /* stored last with release; a futex word in its low half */
    uint64_t as_of;  /* sequence of the last message before this answer */
    int32_t result;  /* 0 or LINEERR_ */
    uint32_t bytes;  /* of data */
    uint8_t data[CF_REPLY_SLOT_BYTES - 24];
};
_Static_assert(sizeof(struct cf_reply_slot) == CF_REPLY_SLOT_BYTES, "one page");

static inline size_t cf_port_down_bytes(uint32_t reply_slots, uint64_t down_slots) {
    return sizeof(struct cf_port_down) + (size_t)reply_slots * sizeof(struct cf_reply_slot) + (size_t)down_slots * CF_SLOT_BYTES;
}
static inline size_t cf_port_up_bytes(uint64_t up_slots) {
    return sizeof(struct cf_port_up) + (size_t)up_slots * CF_SLOT_BYTES;
}
static inline struct cf_reply_slot *cf_port_reply(const struct cf_port_down *d, uint32_t slot) {
    return (struct cf_reply_slot *)(uintptr_t)((const uint8_t *)d + sizeof *d) + slot;
}
static inline struct cf_slot *cf_port_down_ring(const struct cf_port_down *d, uint32_t reply_slots) {
    return (struct cf_slot *)(uintptr_t)((const uint8_t *)d + sizeof *d + (size_t)reply_slots * sizeof(struct cf_reply_slot));
}
static inline struct cf_slot *cf_port_up_ring(const struct cf_port_up *u) {
    return (struct cf_slot *)(uintptr_t)((const uint8_t *)u + sizeof *u);
}

/* Outstanding asynchronous requests an application may have (unread LINE_REPLYs included): their replies always have room. */
static inline uint32_t cf_port_requests_max(uint64_t down_slots) {
    return down_slots / 4 < CF_REQUESTS_PER_PORT_MAX ? (uint32_t)(down_slots / 4) : CF_REQUESTS_PER_PORT_MAX;
}

/*
 * Fills the header of zeroed memory; the core side calls it before the memory is shared.
 * h gives every field; magic and version are set here.
 */
static inline void cf_port_format(struct cf_port_down *d, const struct cf_port_header *h) {
    struct cf_port_header copy = *h;
    copy.magic = 0;
    copy.version = CF_LAYOUT_VERSION;
    d->header = copy;
    cf_store_release_64(&d->header.magic, CF_PORT_MAGIC); /* P0 pairs with the peer's acquire in its attach check */
}

/*
 * The index at which a port's down ring begins. Each ring lies at the beginning of a page, of 2 MiB where those are granted: applications that get the
 * same messages, in slots of the same number, would fill the same few sets of the core's caches. So each begins 8 slots behind the one before.
 */
static inline uint64_t cf_port_down_first(uint32_t port) { return (uint64_t)(port % 64) * 8; }

/* With cf_port_format(): both sides begin there. */
static inline void cf_port_begin(struct cf_port_down *d, struct cf_port_up *u, uint64_t first) {
    d->down.tail = first;
    u->down_ack = first;
}

#endif
