/*
 * Where the simulator's reports go: the provider's port and the journal; in tests, anywhere else.
 */
#ifndef CF_SIM_OUTLET_H
#define CF_SIM_OUTLET_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/provider/port.h"
#include "adapters/sim/journal.h"

/* What the journal wants to know beside the event. */
struct cf_sim_note {
    uint64_t serial;
    uint32_t line;
    uint32_t flags; /* enum cf_sim_journal_flag */
};

struct cf_sim_outlet {
    void *arg;
    uint64_t (*call_new)(void *arg); /* 0: no identifier free */
    void (*call_free)(void *arg, uint64_t call);
    bool (*announce)(void *arg, const struct cf_new_call *call,
                     const struct cf_sim_note *note); /* false: the core does not know it */
    void (*state)(void *arg, uint64_t call, const struct cf_call_state *state, const struct cf_sim_note *note);
    void (*reply)(void *arg, uint64_t number, int32_t result, uint64_t call);
    void (*note)(void *arg, const struct cf_sim_note *note, uint32_t state, int64_t now_ns); /* for the journal alone */
};

/* The port and, unless it is NULL, the journal; both borrowed. */
struct cf_sim_port {
    struct cf_provider *provider;
    struct cf_sim_journal *journal;
};

struct cf_sim_outlet cf_sim_port_outlet(struct cf_sim_port *port);

#endif
