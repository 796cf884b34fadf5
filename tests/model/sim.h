/*
 * The deterministic simulation: one process, no system call, plain memory for ports; everything follows from a seed.
 *
 * Shape      struct core is the engine with the memory it works on; struct sim is the world around it
 * Invariant  the same options and seed give the same run, crashes included
 */
#ifndef CF_TESTS_MODEL_SIM_H
#define CF_TESTS_MODEL_SIM_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/engine.h"
#include "tests/model/model.h"

enum { SIM_PENDING = 64, SIM_OUTPUTS = 16384, SIM_INDICES = 256, SIM_RING_MAX = 2048, SIM_PROVIDER_SLOTS = 2048 };

/* ------------------------------------------------------------------ random numbers */

struct sim_random {
    uint64_t state;
};
uint64_t sim_random(struct sim_random *r);
uint32_t sim_below(struct sim_random *r, uint32_t n); /* 0..n-1 */
bool sim_chance(struct sim_random *r, uint32_t percent);

/* ------------------------------------------------------------------ the engine and its memory */

struct core {
    struct cf_limits limits;
    struct cf_engine_options options;
    void *private_memory;
    uint8_t *state;
    uint64_t state_bytes;
    struct cf_engine *engine;
    struct {
        struct cf_port_down *down;
        struct cf_port_up *up;
        size_t down_bytes, up_bytes;
        bool mapped;
    } ports[SIM_PORTS];
};

void core_init(struct core *c, const struct cf_limits *limits, const struct cf_engine_options *options, uint32_t down_slots,
               uint32_t up_slots);
void core_fini(struct core *c);

/* Formats the port's memory anew and maps it. */
void core_map(struct core *c, uint32_t port, const struct cf_port_header *header);
void core_unmap(struct core *c, uint32_t port);

struct cf_port_down *core_down(const struct core *c, uint32_t port);
struct cf_port_up *core_up(const struct core *c, uint32_t port);

/* to becomes what from is, with a new engine over it. False: the engine does not accept the state. */
bool core_copy(struct core *to, const struct core *from);
/* The state's bytes alone, between turns. */
void core_copy_state(struct core *to, const struct core *from);

/* What is left of a crashed core gets a new engine: attached, mapped, recovered. crash_at: the recovery crashes there (SIZE_MAX no). */
bool core_recover(struct core *c, uint64_t crash_at);

/* Runs a turn that crashes at the n-th point (from 0). True: it crashed; false: it had fewer points, and is done. */
bool core_crash(struct core *c, uint64_t n, int64_t now_ns, struct cf_engine_result *ret_result);

/* Runs a turn that crashes at the first point at which when() says so. */
bool core_crash_when(struct core *c, bool (*when)(const struct core *c, void *arg), void *arg, int64_t now_ns,
                     struct cf_engine_result *ret_result);
/* What the engine has in hand: port + 1 of a record, of service; 0: none. Also of one that has crashed. */
uint32_t core_hand_port(const struct core *c);
uint32_t core_hand_service(const struct core *c);
/* The provider's name for the call of an application's handle; 0: there is none. */
uint64_t core_call_id(const struct core *c, uint32_t port, uint64_t handle);
/* Crashes that count against the turn; one just before its commit counts as the first. */
uint32_t core_attempts(const struct core *c);

/* Points of a turn. Runs it. */
uint64_t core_count_points(struct core *c, int64_t now_ns, struct cf_engine_result *ret_result);

/* Where the journaled state of the two differs first, 0: nowhere. */
uint64_t core_changed_at(const struct core *a, const struct core *b);

/* What peers can see is the same. Else a sentence. */
bool core_same(const struct core *a, const struct core *b, char *why, size_t why_bytes);

/* ------------------------------------------------------------------ the world */

/* What a test of the model itself does to one output before the model sees it. */
enum sim_sabotage {
    SIM_HONEST,
    SIM_LOSE_STATE,      /* a LINE_CALLSTATE, with its number */
    SIM_LOSE_STATE_QUIETLY, /* ... becomes a repetition of the one before it */
    SIM_TWICE,           /* an output comes twice */
    SIM_WRONG_PARENT,    /* CONFERENCED without its conference's call, or with one although there is none */
    SIM_LOST_SECOND,     /* LINE_REPLY's second new handle */
    SIM_SECOND_IS_FIRST, /* ... is the first again */
    SIM_WRONG_STATE,
    SIM_WRONG_MODE,
    SIM_WRONG_PRIVILEGE, /* LINE_APPNEWCALL's */
    SIM_LATE_PRIVILEGE,  /* in a LINE_CALLSTATE that is not the first */
    SIM_WRONG_HANDLE,
    SIM_WRONG_TIME,
    SIM_WRONG_LINE,      /* the open line's slot */
    SIM_WRONG_RESULT,    /* LINE_REPLY's */
    SIM_WRONG_REQUEST,
    SIM_WRONG_END,       /* LINE_GENERATE's DONE or CANCEL */
    SIM_END_OF_ANOTHER,  /* LINE_GENERATE's handle */
    SIM_WRONG_DIGIT,     /* one of LINE_GATHERDIGITS */
    SIM_DIGIT_LOST,      /* its last */
    SIM_WRONG_TERM,      /* its reason */
    SIM_WRONG_GATHERING, /* its number */
    SIM_WRONG_TONE,      /* LINE_MONITORTONE's */
    SIM_TONE_OF_ANOTHER, /* its handle */
    SIM_WRONG_LIST,      /* that ends, of CF_CMD_MONITOR_TONES */
    SIM_WRONG_PLACE,     /* where a call was parked, of LINE_REPLY */
    SIM_LOST_PLACE,      /* ... none */
    SIM_WRONG_ANSWER,    /* of a device, in LINE_REPLY */
    SIM_WRONG_SPECIFIC,  /* LINE_DEVSPECIFIC's third parameter */
    SIM_SPECIFIC_LINE,   /* its line is another */
    SIM_NO_CLOSE_CALL,   /* CLOSE_CALL becomes DROP */
    SIM_WRONG_DROP,      /* DROP of another call */
    SIM_WRONG_GAP,       /* one more was missed than GAP says */
    SIM_SABOTAGES
};

struct sim_options {
    uint64_t seed;
    uint32_t steps;
    bool crash;   /* crash some turns at a random point */
    bool walk;    /* crash every turn at every point */
    enum sim_sabotage sabotage;
    bool verbose; /* prints what goes in and comes out of each turn */
    uint32_t watch; /* ... and what the model believes of the call with this number */
};

struct sim_port {
    struct cf_ring_producer up;
    uint64_t up_sequence;
    struct cf_record pending[SIM_PENDING]; /* put, not yet taken */
    uint64_t pending_end[SIM_PENDING];
    uint32_t pending_first, pending_count;
    struct cf_ring_consumer shadow; /* sees what was published */
    uint64_t read;                  /* what the peer has read */
    uint64_t messages_read, cancelled;
    uint32_t hash[SIM_RING_MAX];    /* of a record, at its first slot, when it was published */
    uint64_t slots_busy;            /* reply slots in use */
    uint64_t slot_sequence[CF_REPLY_SLOTS];
    uint32_t lag;                   /* ring slots the peer leaves unread */
    uint32_t deaf_until;            /* step */
    bool asleep;
    uint32_t waiting_slot;          /* a thread sleeps on this reply slot, UINT32_MAX: none */
    uint32_t line_generation[SIM_OPENS];
    uint32_t next_request_id;
};

struct sim {
    struct sim_options options;
    struct sim_random random, crash_random;
    struct core core, twin, third;
    bool twins;
    struct model model, trial;
    struct sim_port ports[SIM_PORTS];
    struct m_output outputs[SIM_OUTPUTS];
    uint32_t outputs_count;
    uint32_t taken[SIM_PORTS];
    uint32_t next_port; /* where the engine's round over the ports goes on, among the mapped ones */
    uint32_t down_slots, up_slots;
    uint32_t aside; /* port + 1 of the record that the engine set aside in this turn, 0 none */
    int64_t now_ns;
    uint32_t step;
    bool settled;
    bool crowd; /* everybody opens one line, again and again, and most calls are there */
    uint32_t calls_wanted, long_calls, burst; /* live calls; percent of ends put off; events of a step at most */
    uint32_t call_generation[SIM_PROVIDERS][SIM_INDICES];
    uint32_t next_index[SIM_PROVIDERS];
    uint32_t serial, who;
    uint64_t answered[SIM_PROVIDERS]; /* the number of its last reply */
    bool sabotaged;
    uint64_t turns, records, messages, crashes, points, behinds, checks, asides;
    char why[1024];
};

/* One run. False: why says what and where. */
bool sim_run(struct sim *s, const struct sim_options *options);

/* ---- shared by the simulation's files ---- */

bool sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts a record into a port's up ring. False when there is no room. */
bool sim_put(struct sim *s, uint32_t port, struct cf_record *r);
bool sim_pending(const struct sim *s, uint32_t port);
uint32_t sim_pending_count(const struct sim *s);

/* One turn, crashed and recovered where the options want it, checked against the model. */
bool sim_turn(struct sim *s);
/* Turns until the engine has nothing left to do. */
bool sim_settle(struct sim *s);

void sim_read(struct sim *s, uint32_t port, uint32_t lag);
bool sim_attach(struct sim *s, uint32_t port);
bool sim_detach(struct sim *s, uint32_t port);

/* The engine finds its own state in order. */
bool sim_check(struct sim *s);

/* Falsifies one output of this turn, if there is one that will do. */
void sim_sabotage(struct sim *s);

/* What the peers do in a step. */
bool sim_provider_step(struct sim *s, uint32_t provider);
bool sim_app_step(struct sim *s, uint32_t port);
bool sim_snapshot(struct sim *s, uint32_t provider);
bool sim_devices(struct sim *s, uint32_t port);
void sim_provider_answers(struct sim *s, uint32_t provider, uint32_t count);
/* No address forwards anything any more. */
void sim_forwards_end(struct sim *s);

#endif
