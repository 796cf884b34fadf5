/*
 * The core process: the engine's thread and the door's thread, over the keeper's memory.
 *
 * Shape      forked by the keeper, never executed anew, so that it has the keeper's mappings, descriptors and tables
 * Errors     by exit status
 */
#ifndef CF_CALLFAND_CORE_H
#define CF_CALLFAND_CORE_H

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
};

/* A point at which the core is to kill itself, for tests; at_count 0: none. */
struct cf_crash_at {
    enum cf_point point;
    uint64_t at_count;
};

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
    int32_t keeper_pid;
    int listen_fd, channel_fd;
    bool cold; /* the state is zeroed; else it is a dead core's */
};

/* Runs the core until it is told to stop. Returns its exit status. */
int cf_core_run(const struct cf_core_start *start);

#endif
