/*
 * The core process: the engine's thread and the door's thread, over the keeper's memory.
 *
 * Shape      forked by the keeper, never executed anew, so that it has the keeper's mappings, descriptors and tables
 * Errors     by exit status
 */
#ifndef CF_CALLFAND_CORE_H
#define CF_CALLFAND_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "apps/callfand/arena.h"
#include "apps/callfand/channel.h"
#include "apps/callfand/config.h"
#include "apps/callfand/holding.h"

/* How a core ended; any other end is a crash. */
enum cf_core_exit {
    CF_CORE_STOPPED = 0,
    CF_CORE_BAD_STATE = 70,  /* the state is not one that this program left: start cold */
    CF_CORE_BAD_SYSTEM = 71, /* the system refused what the core cannot do without */
};

/* What the keeper counted. */
struct cf_keeper_counts {
    int64_t started_ns;
    uint32_t core_starts, cold_starts;
    int32_t last_core_status; /* of wait(2); 0 before the first death */
    uint32_t reloads;
    uint32_t replacements; /* of core_starts, those that were asked for by a reload */
};

/*
 * A point at which the core is to kill itself or to hang, for tests; at_count 0: none. record_id: every core that has such a record in hand
 * kills itself.
 */
struct cf_crash_at {
    enum cf_point point;
    uint64_t at_count;
    uint64_t door_rounds; /* the door's thread hangs in that round; 0: never */
    uint64_t door_steps;  /* the core kills itself at that step of the door with a port; 0: never */
    bool hangs;           /* at the point; else it kills itself */
    uint16_t record_id;   /* 0: none */
    bool any_param1;
    uint64_t record_param1;
};

/* For tests: runs for ever. */
_Noreturn void cf_core_hang(void);

/* For tests: a step of the door in the life of a port, which may be the last. */
struct cf_core_start;
void cf_core_at_door_step(const struct cf_core_start *start);

/* What a core begins with. */
struct cf_core_start {
    const struct cf_config *config;
    const struct cf_arena *arena;
    const struct cf_holdings *holdings;
    const struct cf_provider_view *providers; /* CF_PROVIDERS_MAX of them */
    struct cf_settings settings;
    struct cf_keeper_counts counts;
    struct cf_crash_at crash_at;
    uint64_t boot_id;
    const struct cf_priorities *priorities; /* that a cold core begins with */
    int32_t keeper_pid;
    int listen_fd, channel_fd;
    bool cold; /* the state is zeroed; else it is a dead core's */
};

/* Runs the core until it is told to stop. Returns its exit status. */
int cf_core_run(const struct cf_core_start *start);

#endif
