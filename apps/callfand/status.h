/*
 * Status: what callfand tells of itself, as JSON.
 *
 * Shape      one object; documented in callfand(8)
 * Writers    the door's thread, from a snapshot that the engine's thread took between two turns
 */
#ifndef CF_CALLFAND_STATUS_H
#define CF_CALLFAND_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "apps/callfand/core.h"
#include "apps/callfand/link.h"

/* What the door counted itself. */
struct cf_door_counts {
    uint64_t hellos, refused, expelled, attached, gone;
    uint64_t denied; /* of the refused: for want of access */
    uint32_t half_open;
};

/* The process behind a port. */
struct cf_status_peer {
    int32_t pid; /* 0: no such port */
    uint32_t uid;
};

struct cf_status_source {
    const struct cf_core_start *start;
    const struct cf_snapshot *snapshot;
    const struct cf_provider_view *providers;
    const struct cf_settings *settings;
    const struct cf_status_peer *peers; /* by port number */
    const struct cf_door_counts *door;
    const uint32_t *stuck_seconds; /* by place of the provider: since when its commands lie there untaken */
    int64_t now_ns;
};

/* The text, to be freed by the caller; NULL without memory. */
char *cf_status_text(const struct cf_status_source *source, size_t *ret_bytes);

#endif
