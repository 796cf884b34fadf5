/*
 * A whole engine for fuzz targets: a door, two providers and four applications over plain memory, driven by a program of steps.
 *
 * Shape      an input is a list of steps of 16 bytes (the rest of its length is not used); the first one chooses limits, ring sizes and
 *            who is hostile. tests/support/fuzz_steps.c says what each step does
 * Invariant  after every turn: cf_engine_check() holds, what every port can see is well-formed (commit words, dense sequences, the
 *            counters' law), and who keeps the rules sees a consistent story of each of its calls. In the end all peers die, and nothing
 *            is left of them
 * Errors     a violation aborts
 * Trust      ports 1 and 2 (providers) or 3 to 5 (applications) may do anything to the memory that is theirs; port 6 keeps the rules always
 */
#ifndef CF_TESTS_FUZZ_RIG_H
#define CF_TESTS_FUZZ_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callfan/provider.h"
#include "core/engine.h"
#include "shm/fields.h"
#include "shm/handle.h"
#include "shm/port.h"
#include "shm/request.h"

enum {
    FUZZ_PROVIDERS = 2,
    FUZZ_APPS = 4,
    FUZZ_PORTS = 1 + FUZZ_PROVIDERS + FUZZ_APPS,
    FUZZ_WITNESS = FUZZ_PORTS - 1,
    FUZZ_LINES = 8,
    FUZZ_LINES_AT_START = 3, /* per provider */
    FUZZ_OPENS = 16,
    FUZZ_CALLS = 64,
    FUZZ_HANDLES = 64,
    FUZZ_COMMANDS = 64,
    FUZZ_STEP_BYTES = 16,
    FUZZ_UP_SLOTS = 256,
    FUZZ_DOWN_SLOTS_MAX = 1024,
};

struct fuzz_step {
    uint8_t op, who, what, whom, how, more;
    uint16_t a;
    uint32_t b, c;
};
_Static_assert(sizeof(struct fuzz_step) == FUZZ_STEP_BYTES, "one step");

enum fuzz_op {
    FUZZ_OP_TURNS,
    FUZZ_OP_EVENT,
    FUZZ_OP_REQUEST,
    FUZZ_OP_ANSWER,
    FUZZ_OP_READ,
    FUZZ_OP_OPEN,
    FUZZ_OP_RAW,
    FUZZ_OP_SCRIBBLE,
    FUZZ_OP_POKE,
    FUZZ_OP_CRASH,
    FUZZ_OP_DIE,
    FUZZ_OP_ATTACH,
    FUZZ_OP_SETTLE,
    FUZZ_OP_REPEAT,
    FUZZ_OPS
};

/* The first step's op: who does not keep the rules. */
#define FUZZ_HOSTILE_PROVIDERS    1u
#define FUZZ_HOSTILE_APPLICATIONS 2u
/* Nobody but the witness is there, and nothing is announced: the steps bring their own. */
#define FUZZ_FLAG_BARE 4u

/* What an application that keeps the rules knows of one of its handles. */
struct fuzz_held {
    uint64_t handle;
    uint32_t open;
    bool held; /* announced and not given back */
    bool idle; /* was told IDLE */
};

/* A provider's own call. */
struct fuzz_call {
    uint32_t generation; /* odd: lives */
    bool ended;          /* IDLE was sent: only CLOSE_CALL is to come */
};

struct fuzz_port {
    struct cf_port_down *down; /* the memory stays where it is over all lives */
    struct cf_port_up *up;
    struct cf_ring_producer out;
    struct cf_ring_consumer in;
    bool attached, dying;
    uint32_t generation, usage, base_generation;
    uint64_t number;              /* of the last record sent */
    uint64_t messages, cancelled; /* read */
    uint64_t seen_tail, seen,
        told; /* of what was published: ring index, last sequence, numbers that GAP and RESYNC_END stand for */
    uint64_t published;             /* messages of it */
    bool lied;                      /* it wrote into its own words or slots what it should not */
    bool odd;                       /* it asked something of which is not known what answer it gets */
    uint64_t asked[CF_REPLY_SLOTS]; /* numbers of synchronous requests */
    /* applications */
    uint32_t hline_generation[FUZZ_OPENS]; /* odd: open */
    struct fuzz_held held[FUZZ_HANDLES];
    uint64_t recent[16]; /* handles that came, whatever became of them */
    uint32_t recents;
    /* providers */
    struct fuzz_call calls[FUZZ_CALLS];
    uint32_t lines_up;                         /* bit per number */
    struct cf_message commands[FUZZ_COMMANDS]; /* read, not answered */
    uint32_t commands_count;
};

struct fuzz_rig {
    struct cf_engine *engine;
    void *private_memory;
    uint8_t *state;
    size_t state_bytes;
    struct cf_limits limits;
    struct cf_engine_options options;
    struct cf_engine_result result;
    struct fuzz_port ports[FUZZ_PORTS];
    unsigned hostile;
    uint64_t down_slots;
    int64_t now;
};

/* A new engine with nothing attached but the door; `first` chooses its limits. */
void fuzz_rig_begin(struct fuzz_rig *r, const struct fuzz_step *first, unsigned hostile);

static inline bool fuzz_is_provider(uint32_t port)
{
    return port >= 1 && port <= FUZZ_PROVIDERS;
}
static inline bool fuzz_is_application(uint32_t port)
{
    return port > FUZZ_PROVIDERS && port < FUZZ_PORTS;
}

/* May do what it likes with its memory. */
bool fuzz_is_hostile(const struct fuzz_rig *r, uint32_t port);

/* Tells the engine of a new peer; it knows after a turn. A peer whose arrival was set aside is not there then. */
void fuzz_arrive(struct fuzz_rig *r, uint32_t port, uint32_t usage, uint32_t base_generation);
void fuzz_die(struct fuzz_rig *r, uint32_t port);

/* One turn, or one that crashes at its n-th point; then a new engine over the same memory. Everything is looked at. */
void fuzz_turn(struct fuzz_rig *r);
void fuzz_crash(struct fuzz_rig *r, uint32_t point, bool again);

/* Sends as the rules say: false when there is no room. Takes r->m.sequence itself. */
bool fuzz_put(struct fuzz_rig *r, uint32_t port, struct cf_record *record);

/* The application reads up to max messages and acknowledges them; the provider reads commands into its list. */
void fuzz_read(struct fuzz_rig *r, uint32_t port, uint32_t max);

/* The application closed that line, or was told so: it has no handle of it any more. */
void fuzz_forget_line(struct fuzz_port *p, uint32_t open);

/* A record with nothing in it but its id and the time. */
static inline struct cf_record fuzz_record(const struct fuzz_rig *r, uint16_t id)
{
    return (struct cf_record){.m = {.id = id, .time_ns = r->now, .flags = CF_NO_REPLY, .open_line = CF_INDEX_NONE}};
}

/* Turns until nothing is left to do, everybody reading; the door does its part. */
void fuzz_settle(struct fuzz_rig *r);

/* Everybody dies; nothing is left of anything. */
void fuzz_end(struct fuzz_rig *r);

/* The whole of a fuzz entry: begins, runs the steps, ends. forced: who is hostile whatever the input says. */
int fuzz_run(const uint8_t *data, size_t size, unsigned forced);

/* LLVMFuzzerCustomMutator for lists of steps; calls LLVMFuzzerMutate() for bytes. */
size_t fuzz_steps_mutate(uint8_t *data, size_t size, size_t size_max, unsigned seed);

#endif
