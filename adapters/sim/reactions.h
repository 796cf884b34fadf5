/*
 * What a command makes of the calls that it is about when a script says nothing else: a table, which the player carries out.
 */
#ifndef CF_SIM_REACTIONS_H
#define CF_SIM_REACTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* A call by its part in a command. */
enum cf_sim_who {
    CF_SIM_WHO_NONE,
    CF_SIM_WHO_CALL,   /* that the command is about */
    CF_SIM_WHO_SECOND, /* the other one that it names */
    CF_SIM_WHO_MADE,   /* that it made */
    CF_SIM_WHO_MADE_TOO,
    CF_SIM_WHOS
};

#define CF_SIM_EFFECTS_MAX  3
#define CF_SIM_STATE_SECOND 0 /* the state that the second call is in, as far as that is on hold; else ONHOLD */

struct cf_sim_effect {
    uint8_t who; /* enum cf_sim_who; NONE: no more */
    uint32_t state, mode;
};

struct cf_sim_reaction {
    uint16_t command;
    uint16_t transfer_mode; /* LINETRANSFERMODE_ of COMPLETE_TRANSFER, otherwise 0 */
    uint8_t makes;          /* calls */
    uint8_t conference;     /* enum cf_sim_who: who stands for the conference of those that become CONFERENCED */
    bool first;             /* told before the reply, which is as right (M-23) */
    struct cf_sim_effect effects[CF_SIM_EFFECTS_MAX]; /* in that order */
};

/* NULL: the simulator does not know that command. */
const struct cf_sim_reaction *cf_sim_reaction_find(uint16_t command, uint32_t transfer_mode);

#endif
