/*
 * The keeper: the parent of core and providers. Holds what must outlive them, starts and restarts them, reads nothing from outside
 * but its configuration and signals.
 *
 * Shape      one thread, one poll(2)
 * Invariant  memory, listening socket and signals are made before the first fork
 * Progress   never waits for a child; a core that stands still is aborted, a provider that does not end is killed
 */
#ifndef CF_CALLFAND_KEEPER_H
#define CF_CALLFAND_KEEPER_H

#include "apps/callfand/config.h"
#include "apps/callfand/core.h"

/* Exit statuses of callfand. */
enum cf_exit {
    CF_EXIT_GOOD = 0,
    CF_EXIT_CONFIG = 1, /* the configuration is wrong */
    CF_EXIT_USAGE = 2,
    CF_EXIT_START = 3, /* socket in use, no memory */
    CF_EXIT_CORE = 4,  /* the core could not be kept alive */
};

/* Runs until SIGTERM or SIGINT. Takes config. */
enum cf_exit cf_keeper_run(struct cf_config *config, struct cf_crash_at crash_at);

#endif
