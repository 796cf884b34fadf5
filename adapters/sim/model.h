/*
 * The model exchange: calls arrive, ring, are answered, talk and end, as the settings say; owners' commands are obeyed.
 *
 * Shape      one 64-byte line per call, found by the index of its identifier; one timer per call in a wheel of 1 ms ticks
 * Units      now_ns: CLOCK_MONOTONIC ns; a report carries the now_ns of the call that made it
 * Invariant  what happens and in which order depends on the settings (seed) and the commands alone, never on when or how often the
 *            model is asked to work
 * Overlap    none
 * Progress   cf_sim_model_work() does at most limit things
 */
#ifndef CF_SIM_MODEL_H
#define CF_SIM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/sim/outlet.h"
#include "adapters/sim/settings.h"

struct cf_sim_model;

struct cf_sim_counters {
    uint64_t arrivals;    /* calls of its own that were announced */
    uint64_t dialled;     /* calls made by applications, consultation calls included */
    uint64_t conferences; /* calls made to stand for one */
    uint64_t ended;       /* calls that reached IDLE */
    uint64_t reports;     /* states reported, the first of each call included */
    uint64_t nobody;      /* arrivals with no line open */
    uint64_t blocked;     /* arrivals beyond calls_max */
    uint64_t unsent;      /* arrivals that found no room in the port */
    uint64_t refused;     /* calls that the core refused */
    uint64_t forwarded;   /* calls that were sent on to another number */
    uint64_t closed_live; /* calls that the core closed before they ended */
};

/* settings and outlet are borrowed. now_ns is time 0 of the model. Returns 0 or -ENOMEM. */
int cf_sim_model_new(struct cf_sim_model **ret_model, const struct cf_sim_settings *settings,
                     const struct cf_sim_outlet *outlet, int64_t now_ns);
void cf_sim_model_free(struct cf_sim_model *m);

/* Does what is due at now_ns, at most limit things. Returns how many; limit: there may be more. */
uint32_t cf_sim_model_work(struct cf_sim_model *m, int64_t now_ns, uint32_t limit);

/* When the next thing is due; CF_REACTOR_NEVER: nothing is. */
int64_t cf_sim_model_deadline(const struct cf_sim_model *m);

void cf_sim_model_command(struct cf_sim_model *m, const struct cf_command *command, int64_t now_ns);

/* Announces every live call to a core that does not know them, and forgets those that had ended. No line is open any more. */
void cf_sim_model_announce(struct cf_sim_model *m, int64_t now_ns);

uint64_t cf_sim_model_live(const struct cf_sim_model *m);
void cf_sim_model_counters(const struct cf_sim_model *m, struct cf_sim_counters *ret_counters);

/* All invariants. Slow. */
bool cf_sim_model_check(const struct cf_sim_model *m, char *why, size_t why_bytes);

#endif
