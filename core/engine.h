/*
 * The engine: a single-threaded, deterministic function over memory. It takes records from rings, changes state, puts records
 * into rings. No lock, no clock, no system call, no allocation.
 *
 * Shape      all state lies in one region that the caller hands over (zeroed at first); struct cf_engine is the process-private
 *            view of it. Ports lie where the caller maps them.
 * Units      now_ns: CLOCK_MONOTONIC ns; port: 0 the door, 1..providers the providers by their place in the configuration,
 *            then the applications
 * Invariant  between turns committed == turn and cf_engine_check() holds; a turn is done wholly or not at all
 * Writers    the engine's thread, of state, down objects and the door's down ring; nobody else
 * Overlap    one thread calls; the status getters may run in another thread of the process (counters may be torn in time)
 * Errors     cf_engine_attach() and cf_engine_recover() fail when the state is not one that this program left
 * Trust      up objects belong to peers: every word is read once, clamped, every record copied out and validated
 */
#ifndef CF_CORE_ENGINE_H
#define CF_CORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callfan/limits.h"
#include "shm/journal.h"
#include "shm/port.h"

struct cf_engine;
struct cf_priorities;
struct cf_priorities_shown;

/* ------------------------------------------------------------------ memory */

/* Bytes of the state region for these limits; most of it is touched only as it fills. */
uint64_t cf_engine_state_bytes(const struct cf_limits *limits);

/* The same, and tells the tables that are touched at random: where huge pages pay. Those of 2 MiB and more begin at a multiple of it. */
typedef void cf_engine_table_fn(void *arg, uint64_t at, uint64_t bytes);
uint64_t cf_engine_state_tables(const struct cf_limits *limits, cf_engine_table_fn *tell, void *tell_arg);

/* Bytes of private memory that cf_engine_create() and cf_engine_attach() need. */
size_t cf_engine_private_bytes(void);

/* What becomes of a call when its sole owner closes the line, shuts down or dies (H-61, G-3). */
enum cf_close_policy { CF_CLOSE_DROPS = 0, CF_CLOSE_KEEPS = 1 };

struct cf_engine_options {
    enum cf_close_policy close_policy;
    uint64_t boot_id; /* anything that differs between two cold starts */
    const struct cf_priorities *priorities; /* to begin with; NULL, or ones that do not hold: none. Copied */
};

/* Formats zeroed state (64-byte aligned) for the limits. Private memory: 64-byte aligned, borrowed for the engine's life. */
struct cf_engine *cf_engine_create(void *private_memory, void *state, uint64_t state_bytes, const struct cf_limits *limits,
                                   const struct cf_engine_options *options);

/* A new core over the state of a dead one. NULL when it is no such state. Then map every port, then cf_engine_recover(). */
struct cf_engine *cf_engine_attach(void *private_memory, void *state, uint64_t state_bytes);

/* Where port lies in this process; NULL, NULL: not mapped any more. Before the port's attach record is taken. */
void cf_engine_map_port(struct cf_engine *e, uint32_t port, struct cf_port_down *down, struct cf_port_up *up);

/*
 * Undoes a turn that did not commit, publishes one that did again. False: the state is unusable, start cold.
 * After it ring every bell and wake every reply waiter once.
 */
bool cf_engine_recover(struct cf_engine *e);

/* ------------------------------------------------------------------ turns */

struct cf_engine_wake {
    uint32_t port;
    uint32_t reply_slot; /* UINT32_MAX: ring the port's down bell; else: futex-wake that reply slot's done word */
};

#define CF_ENGINE_WAKES_MAX 512

struct cf_engine_result {
    uint32_t records;     /* input records taken */
    uint32_t outputs;     /* output records written */
    bool more;            /* work is left for the next turn although no input may be readable (slices) */
    uint32_t wakes_count;
    struct cf_engine_wake wakes[CF_ENGINE_WAKES_MAX];
};

/* Runs one turn. Any number of turns may follow each other without sleeping. */
void cf_engine_turn(struct cf_engine *e, int64_t now_ns, struct cf_engine_result *ret_result);

/*
 * Before the thread sleeps: publishes "the core sleeps" to every peer and looks once more. False: there is work, do not sleep
 * (the words are taken back). After waking call cf_engine_awake().
 */
bool cf_engine_sleep(struct cf_engine *e);
void cf_engine_awake(struct cf_engine *e);

/* The time at which a turn is due without input (a bell held back by wake_interval); INT64_MAX: none. */
int64_t cf_engine_deadline(const struct cf_engine *e);

/* Counts turns; advances whenever the thread lives. Read by the watcher of another process. */
const uint64_t *cf_engine_turn_counter(const struct cf_engine *e);

/* Advances that counter without a turn: the thread is at work on something long. */
void cf_engine_beat(struct cf_engine *e);

/* A word beside it for the door's thread, which alone stores it; read by the same watcher. */
uint64_t *cf_engine_door_beat(struct cf_engine *e);

/* The lists of lineSetAppPriority as the last turn left them, for another process to keep: core/priority.h. */
const struct cf_priorities_shown *cf_engine_priorities(const struct cf_engine *e);

/* ------------------------------------------------------------------ the door's port */

/* Port 0 lies in the state region: the door thread is its peer (up ring producer, down ring consumer). */
struct cf_port_down *cf_engine_door_down(struct cf_engine *e);
struct cf_port_up *cf_engine_door_up(struct cf_engine *e);

enum cf_door_record {
    /* up */
    CF_DOOR_ATTACH = 0x5000, /* param1 port, param2 kind, param3 generation; fields NAME and, of an application, RIGHTS: the door always
                                says them, who leaves them out has everything. The port is mapped and formatted */
    CF_DOOR_GONE = 0x5001,   /* param1 port, param3 generation: the peer is dead or its socket closed */
    /* down */
    CF_DOOR_ATTACHED = 0x5010, /* param1 port, param2 0 or a negative errno, param3 generation */
    CF_DOOR_FREE = 0x5011,     /* param1 port, param3 generation: nothing refers to it any more; unmap, reuse */
    CF_DOOR_EXPEL = 0x5012,    /* param1 port, param3 generation: close its socket; param2 enum cf_expel */
};

enum cf_expel {
    CF_EXPEL_BAD_RECORDS = 1,
    CF_EXPEL_CRASHES = 2, /* what was to be done for it crashed the engine */
};

/* ------------------------------------------------------------------ looking in */

/* Crash points for tests: fn is called at each; NULL for none. */
void cf_engine_on_point(struct cf_engine *e, cf_point_fn *fn, void *arg);

/* The record that a turn has in hand; NULL: none. At a crash point. */
const struct cf_message *cf_engine_in_hand(const struct cf_engine *e);

/* All invariants of the state. No side effects; slow. why gets one sentence. In slices: core/check.h. */
bool cf_engine_check(struct cf_engine *e, char *why, size_t why_bytes);

struct cf_engine_totals {
    uint64_t turns, records, outputs;
    uint64_t calls_live, calls_made, calls_refused, calls_ended;
    uint64_t lines, opens, handles_live, handles_made;
    uint64_t deliveries;        /* messages offered to applications */
    uint64_t stale_events;      /* provider events refused: dead or unknown call, line, or against the contract */
    uint64_t stale_requests;    /* requests with a void handle */
    uint64_t bad_records;       /* malformed records */
    uint64_t handles_refused;   /* no slot, no reference for one more handle */
    uint64_t recoveries_undone, recoveries_republished;
    uint64_t set_aside;         /* records that crashed the engine and were put aside, and ports whose service did */
    uint64_t parties_dropped;   /* names and numbers of calls that found no room */
    uint64_t party_blocks, party_blocks_max; /* in use of what keeps them */
    uint64_t denied;            /* requests refused for want of rights */
};

struct cf_engine_port_status {
    uint32_t kind; /* enum cf_port_kind; CF_PORT_FREE: nothing else is set */
    uint32_t generation;
    char name[CF_NAME_MAX];
    uint32_t state;             /* 0 attaching, 1 live, 2 going */
    uint32_t behind;            /* 0 in step, 1 behind, 2 resynchronising */
    uint64_t ring_slots, ring_used;
    /* the law: offered == delivered + pending + missed + cancelled */
    uint64_t offered, delivered, pending, missed, cancelled;
    uint64_t gaps, calls_unseen, sequence;
    uint64_t open_lines, handles, requests, requests_outstanding, bad_records;
    /* of an application: the access section, "" none, and its limits */
    char access[CF_NAME_MAX];
    uint64_t handles_max, open_lines_max, requests_per_turn;
    int64_t behind_since_ns; /* not in step since then, as far as this core knows; 0: in step */
    uint32_t unlawful;       /* the law does not hold: enum cf_unlawful */
};

/* Why the law does not hold, bits. */
enum cf_unlawful {
    CF_UNLAWFUL_SEQUENCE = 1, /* our own counters: sequence numbers do not agree with what was offered */
    CF_UNLAWFUL_PEER = 2,     /* the peer says that it read more than there was, or cancelled more than it read */
};

void cf_engine_totals(const struct cf_engine *e, struct cf_engine_totals *ret_totals);
bool cf_engine_port_status(const struct cf_engine *e, uint32_t port, struct cf_engine_port_status *ret_status);
const struct cf_limits *cf_engine_limits(const struct cf_engine *e);

#endif
