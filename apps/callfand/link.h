/*
 * The link between the two threads of the core: the engine's and the door's.
 *
 * Shape      two rings (shm/ring.h) in private memory, an eventfd towards each thread, and a few words
 * Invariant  the engine's thread alone writes the up ring of port 0, so that a port is always mapped before the record that
 *            attaches it, and unmapped by the thread that used it
 * Writers    to_engine: the door. to_door, snapshot (between STATUS and SNAPSHOT), inspection (between INSPECT and
 *            INSPECTED): the engine's thread
 * Overlap    the two threads
 * Progress   wait-free, but for waking a sleeper
 */
#ifndef CF_CALLFAND_LINK_H
#define CF_CALLFAND_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "apps/callfand/inspection.h"
#include "core/engine.h"
#include "core/rights.h"
#include "shm/ring.h"

enum cf_link_record {
    /* door to engine */
    CF_LINK_ADD =
        0x6000, /* param1 port, param2 kind, param3 generation; device: bell_down | bell_up << 32; fields NAME, RIGHTS: map it, attach it */
    CF_LINK_GONE = 0x6001,   /* param1 port, param3 generation: tell the engine */
    CF_LINK_REMOVE = 0x6002, /* param1 port: use it no more; answered by REMOVED */
    CF_LINK_STATUS = 0x6003, /* fill the snapshot; answered by SNAPSHOT */
    CF_LINK_INSPECT =
        0x6004, /* param1 full, param2 the age of calls in ns, param3 the time it may stand: inspect; answered by INSPECTED */
    /* engine to door */
    CF_LINK_REMOVED = 0x6010, /* param1 port */
    CF_LINK_SNAPSHOT = 0x6011,
    CF_LINK_INSPECTED = 0x6012,
};

/* A port has at most ADD, GONE and REMOVE under way at once; a record that does not fit before the ring's end leaves less than itself unused. */
#define CF_LINK_SLOTS     8192
#define CF_LINK_ADD_SLOTS (1 + (8 + CF_NAME_MAX + sizeof(struct cf_rights) + CF_SLOT_PAYLOAD - 1) / CF_SLOT_PAYLOAD)
_Static_assert(CF_LINK_SLOTS >= CF_PORTS_MAX * (CF_LINK_ADD_SLOTS + 2) + CF_LINK_ADD_SLOTS + 64, "never full");

/* What status tells of the engine, taken between two turns: so the law holds in it. */
struct cf_snapshot {
    struct cf_engine_totals totals;
    struct cf_limits limits;
    uint64_t bells_rung, sleeps;
    struct cf_engine_port_status ports[CF_PORTS_MAX];
};

struct cf_link {
    struct cf_ring_producer to_engine_put, to_door_put;
    struct cf_ring_consumer to_engine_take, to_door_take;
    uint64_t to_engine_ack, to_door_ack;
    int engine_event, door_event; /* eventfds, private to the process */
    uint32_t engine_sleeps;       /* the engine's thread sleeps: write its eventfd */
    uint32_t stop;                /* end */
    uint32_t spin_us;             /* may change at any time */
    struct cf_snapshot snapshot;
    struct cf_inspection inspection;
};

int cf_link_init(struct cf_link *link);
void cf_link_fini(struct cf_link *link);

/* The door's calls. */
void cf_link_tell_engine(struct cf_link *link, struct cf_record *record);
void cf_link_stop(struct cf_link *link);

/* The engine thread's calls. */
void cf_link_tell_door(struct cf_link *link, struct cf_record *record);
void cf_link_wake_door(struct cf_link *link);

/* A record without payload. */
struct cf_record cf_link_record(uint16_t id, uint64_t param1, uint64_t param3);

#endif
