/*
 * Where the simulator's reports go: the provider's port, the journal and the digests; in tests, anywhere else.
 */
#ifndef CF_SIM_OUTLET_H
#define CF_SIM_OUTLET_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/provider/port.h"
#include "adapters/sim/digests.h"
#include "adapters/sim/journal.h"

/* What the journal wants to know beside the event. */
struct cf_sim_note {
    uint64_t serial;
    uint32_t line;
    uint32_t flags; /* enum cf_sim_journal_flag */
};

/* What is told of a call beside its state: one field, or a treatment. */
struct cf_sim_info {
    uint32_t states; /* LINECALLINFOSTATE_ */
    uint32_t treatment;
    uint16_t tag; /* CF_FIELD_; 0: none */
    struct cf_text text;
};

struct cf_sim_outlet {
    void *arg;
    uint64_t (*call_new)(void *arg); /* 0: no identifier free */
    void (*call_free)(void *arg, uint64_t call);
    bool (*announce)(void *arg, const struct cf_new_call *call,
                     const struct cf_sim_note *note); /* false: the core does not know it */
    void (*state)(void *arg, uint64_t call, const struct cf_call_state *state, const struct cf_sim_note *note);
    void (*reply)(void *arg, uint64_t number, int32_t result, uint64_t call,
                  uint64_t second); /* second: of SETUP_CONFERENCE, otherwise 0 */
    void (*reply_text)(void *arg, uint64_t number, uint64_t call, uint16_t command,
                       struct cf_text text); /* success of PARK: where; of DEV_SPECIFIC: what comes back */
    void (*reply_completion)(void *arg, uint64_t number, uint64_t call, uint32_t id); /* success of COMPLETE_CALL */
    bool (*info)(void *arg, uint64_t call, const struct cf_sim_info *info, int64_t now_ns); /* false: it found no room */
    bool (*forwarding)(void *arg, uint32_t line, uint32_t rings,
                       struct cf_text list); /* shm/forward.h; false: it found no room and is to be told again */
    void (*dev_specific)(void *arg, uint64_t call, uint32_t line, const uint32_t param[3],
                         int64_t now_ns); /* LINE_DEVSPECIFIC; call 0: of the line */
    void (*gathered)(void *arg, uint64_t number, uint32_t how, uint64_t call, struct cf_text digits);
    void (*heard)(void *arg, uint64_t call, const struct cf_heard *h);
    void (*note)(void *arg, const struct cf_sim_note *note, uint32_t state, int64_t now_ns); /* for the journal alone */
};

/* The port and, unless they are NULL, the journal and the digests; all borrowed. */
struct cf_sim_port {
    struct cf_provider *provider;
    struct cf_sim_journal *journal;
    struct cf_sim_digests *digests;
};

struct cf_sim_outlet cf_sim_port_outlet(struct cf_sim_port *port);

#endif
