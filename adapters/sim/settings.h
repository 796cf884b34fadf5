/*
 * What the simulator is told by its section of the configuration (docs/adapters/sim.md).
 *
 * Units      milliseconds where a name ends in _ms; calls per second in rate; probabilities 0 to 1
 * Invariant  every value lies within its bounds, and the probabilities of one call sum to at most 1
 * Writers    nobody after cf_sim_settings_read()
 */
#ifndef CF_SIM_SETTINGS_H
#define CF_SIM_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/provider/options.h"
#include "callfan/limits.h"

#define CF_SIM_DIAL_RULES_MAX 64
#define CF_SIM_MESSAGES_MIN   4
#define CF_SIM_MESSAGES_MAX   256
#define CF_SIM_CONFERENCE_MIN 3 /* parties */
#define CF_SIM_FAR_DIGITS_MAX     63
#define CF_SIM_ORBITS_MAX     100
#define CF_SIM_GROUP_MAX      31
#define CF_SIM_RINGS_MAX      20
#define CF_SIM_COMPLETIONS_MAX 100

/* How a call turns out. */
enum cf_sim_outcome {
    CF_SIM_ANSWER,
    CF_SIM_BUSY,
    CF_SIM_NO_ANSWER,
    CF_SIM_ABANDON,
    CF_SIM_REJECT,
    CF_SIM_BAD_ADDRESS,
    CF_SIM_UNREACHABLE,
    CF_SIM_CONGESTION,
    CF_SIM_BLOCKED,
    CF_SIM_OUTCOMES
};

/* Dialled numbers that begin like this turn out so. */
struct cf_sim_dial_rule {
    char prefix[32];
    enum cf_sim_outcome outcome;
};

struct cf_sim_settings {
    uint32_t lines;
    uint64_t number;   /* of line 0; the others follow */
    double rate;       /* 0: no calls of its own */
    bool regular;      /* arrivals at equal distances instead of Poisson */
    double burst;      /* factor of the rate */
    uint32_t burst_ms; /* at the end of each burst_every_ms */
    uint32_t burst_every_ms;
    bool automatic;    /* the far end set answers by itself instead of the owner */
    bool needs_open;   /* calls only to lines that an application has open */
    uint32_t start_ms; /* after the first line was opened, or after the start */
    uint32_t accept_ms, answer_ms, abandon_ms, no_answer_ms;
    uint32_t dial_ms, setup_ms, dialtone_ms;
    double hold_ms; /* mean */
    bool hold_fixed;
    uint32_t hold_max_ms; /* 0: none */
    uint32_t linger_ms; /* DISCONNECTED to IDLE */
    double busy, no_answer, abandon;
    uint32_t call_features;  /* LINECALLFEATURE_ that the lines have */
    uint32_t addr_cap_flags; /* LINEADDRCAPFLAGS_ */
    uint32_t address_features; /* LINEADDRFEATURE_ */
    uint32_t transfer_modes; /* LINETRANSFERMODE_ */
    uint32_t line_features;  /* LINEFEATURE_ beside MAKECALL */
    uint64_t orbit;          /* number of the first place for a parked call; the others follow */
    uint32_t orbits;
    uint32_t completions; /* at once */
    uint32_t free_ms;     /* until a set that was busy, or nobody was at, is free */
    uint32_t ring_ms; /* from one ring to the next */
    char pickup_group[CF_SIM_GROUP_MAX + 1]; /* which all lines are of */
    uint32_t park_ms;        /* until a parked call goes back to who parked it */
    uint32_t conference_max; /* parties, the line's own included */
    uint32_t remove;         /* LINEREMOVEFROMCONF_ */
    uint32_t removed_state;  /* LINECALLSTATE_ of a call that was removed from its conference */
    uint32_t messages;       /* LINE_ messages of every call; 0: as it turns out */
    uint64_t calls;          /* of its own, altogether; 0: no end */
    uint32_t calls_max;      /* alive at once, closed or not */
    uint64_t seed, first_serial;
    char *record; /* path of the journal, NULL: none */
    char *digests; /* path of the digests, NULL: none */
    char *script; /* path of a script, NULL: the model */
    struct cf_sim_dial_rule dial[CF_SIM_DIAL_RULES_MAX];
    uint32_t dial_count;
    char digits[CF_SIM_FAR_DIGITS_MAX + 1]; /* that the far end dials while somebody listens */
    uint32_t digits_ms;                 /* before each of them */
};

/* Reads the section and checks it. Returns 0 or a negative errno with a sentence in why. End with cf_sim_settings_fini(). */
int cf_sim_settings_read(const struct cf_options *o, struct cf_sim_settings *ret_settings, char *why, size_t why_bytes);
void cf_sim_settings_fini(struct cf_sim_settings *s);

/* The defaults, as an empty section gives them. */
void cf_sim_settings_default(struct cf_sim_settings *ret_settings);

/* The keys and what they mean, for --help. */
extern const char cf_sim_settings_help[];

#endif
