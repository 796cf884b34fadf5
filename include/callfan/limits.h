/*
 * Every limit of a running Callfan system, in one structure.
 *
 * Units      counts, unless the name ends in _bytes, _us or _ms
 * Invariant  cf_limits_check() holds; callfand prints the structure once at start
 * Writers    nobody after start
 */
#ifndef CALLFAN_LIMITS_H
#define CALLFAN_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Hard ceilings: what the layouts can hold. The configuration goes downwards from here. */
enum {
    CF_APPLICATIONS_MAX = 256,
    CF_PROVIDERS_MAX = 64,
    CF_PORTS_MAX = 1 + CF_PROVIDERS_MAX + CF_APPLICATIONS_MAX, /* port 0 is the door */
    CF_LINES_MAX = 131072,
    CF_OPEN_LINES_MAX = 131072,
    CF_CALLS_MAX = 1 << 25,
    CF_HANDLES_PER_APP_MAX = 1 << 25,
    CF_OPENS_PER_LINE_MAX = 256,
    CF_ADDRESSES_PER_LINE_MAX = 64,
    CF_HANDLES_PER_CALL_MAX = 256,
    CF_CONFERENCE_MEMBERS_MAX = 256,
    CF_TURN_RECORDS_MAX = 64,
    CF_RECORD_SLOTS_MAX = 64,
    CF_REQUESTS_PER_PORT_MAX = 1024,
    CF_REPLY_SLOTS = 64,
    CF_REPLY_SLOT_BYTES = 4096,
    CF_USAGES_PER_PROCESS = 8,
    CF_NAME_MAX = 64 /* bytes of an application, provider or line name, NUL included */
};

struct cf_limits {
    uint32_t applications;
    uint32_t providers;
    uint32_t lines;
    uint32_t open_lines;       /* per application */
    uint32_t calls;            /* live at once, all providers */
    uint32_t handles;          /* per application */
    uint32_t calls_per_provider;
    uint32_t turn_records;     /* input records of one turn */
    uint32_t port_records;     /* input records of one turn taken from one port */
    uint32_t idle_handles_max; /* handles of IDLE calls an application may keep */
    uint32_t resync_slice;     /* handles or calls looked at per turn and port */
    uint32_t sweep_slice;      /* handles or calls swept per turn */
    uint32_t down_ring_bytes;  /* default ring towards an application or provider */
    uint32_t up_ring_bytes;    /* ring from an application */
    uint32_t provider_up_ring_bytes;
    uint32_t wake_interval_us; /* default bound on bells per port */
};

/* Fills the defaults. Any thread. */
void cf_limits_default(struct cf_limits *ret_limits);

/* True when the limits fit the ceilings and each other; else writes one sentence that names the offender into why. Any thread. */
bool cf_limits_check(const struct cf_limits *limits, char *why, size_t why_bytes);

#ifdef __cplusplus
}
#endif
#endif
