/*
 * The model exchange with a listener in the place of the port: what it reports is written down, as entries and as a text that a test
 * can hold against what should have been said.
 *
 * Errors     whatever is not as expected ends the case
 */
#ifndef CF_TESTS_SIM_RIG_H
#define CF_TESTS_SIM_RIG_H

#include "adapters/sim/model.h"

enum { SIM_RIG_CALLS_MAX = 4096, SIM_RIG_LOG_MAX = 400000, SIM_RIG_SAID_MAX = 4096 };

struct sim_heard {
    uint64_t call;
    uint64_t serial;
    uint32_t line, state, mode, flags;
    char caller[24];
};

struct sim_listener {
    uint32_t generation[SIM_RIG_CALLS_MAX]; /* odd: alive */
    uint64_t serials[SIM_RIG_CALLS_MAX];    /* of the call that has the identifier */
    uint32_t states[SIM_RIG_CALLS_MAX];     /* as they were told last; nothing may follow IDLE */
    uint32_t calls_max;
    bool closes;             /* closes every call that became IDLE, as the core does */
    bool refuses;            /* announce, info and forwarding fail */
    uint64_t refuses_serial; /* ... for that call alone; 0: none */
    uint64_t to_close[SIM_RIG_CALLS_MAX];
    uint32_t to_close_count;
    struct sim_heard *log;
    uint32_t count;
    char said[SIM_RIG_SAID_MAX]; /* the rest is left out */
    uint64_t replies, reply_call, reply_second;
    int32_t reply_result;
    uint64_t reply_number;
    uint32_t reply_at; /* so many states had been told */
    uint32_t notes, last_note_flags;
    uint32_t last_origin, last_reason, last_completion; /* of what was announced */
    char last_called[24], last_redirecting[24];
    char last_forwards[160]; /* "rings 3, 1 to 201 of 49": what was told last of any line */
};

struct sim_rig {
    struct cf_sim_settings settings;
    struct sim_listener listener;
    struct cf_sim_outlet outlet;
    struct cf_sim_model *model;
    int64_t now_ns;
};

/* 100 calls a second to all lines, and the defaults; then, when the settings are as wanted, sim_rig_start(). */
void sim_rig_set_up(struct sim_rig *f);
void sim_rig_start(struct sim_rig *f);
void sim_rig_check(const struct sim_rig *f);
void sim_rig_tear_down(struct sim_rig *f);

/* Commands; the number is 77 where none is given. */
void sim_rig_command(struct sim_rig *f, uint16_t id, uint64_t call, uint32_t line, const char *destination);
void sim_rig_digits(struct sim_rig *f, uint64_t number, uint64_t call, const char *text, uint32_t digit_ms);
void sim_rig_obey(struct sim_rig *f, struct cf_command command);

/* Lets time pass in steps, each worked off in pieces of limit things. */
void sim_rig_pass(struct sim_rig *f, int64_t ns, int64_t step_ns, uint32_t limit);

/* The last report of a call. */
const struct sim_heard *sim_rig_last_of(const struct sim_rig *f, uint64_t call);
uint32_t sim_rig_count_of(const struct sim_rig *f, uint64_t serial);

/*
 * What was said since the last time, in its order: "=ok" and "=ERROR" of replies, "SERIAL:STATE" of states, "SERIAL:conferenced(SERIAL)" of
 * members, "+SERIAL:STATE" of what was announced, "=ok(WHERE)" of what was parked, "=ok(ID)" of what is to be completed, "SERIAL:caller(NUMBER)" of who a call is,
 * "SERIAL:data(DATA)", "SERIAL:treatment()" of what changed,
 * "lineLINE:forward" of its forwarding, "SERIAL:specific(P1,P2,P3)" or "lineLINE:specific(...)" of LINE_DEVSPECIFIC.
 */
void sim_rig_said(struct sim_rig *f, const char *expected);

#endif
