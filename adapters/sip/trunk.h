/*
 * Trunk lines: each a socket with its user agent, joined with the provider's port. Call events become provider events,
 * commands become operations.
 *
 * Shape      struct cf_sip_trunks: the lines, and a table from the provider's call index to the user agent's call
 * Overlap    none: one thread
 * Errors     a call that the core cannot take is answered 503; one that nobody owns or watches 480
 * Source     callfan/provider.h
 */
#ifndef CALLFAN_ADAPTERS_SIP_TRUNK_H
#define CALLFAN_ADAPTERS_SIP_TRUNK_H

#include "adapters/provider/port.h"
#include "adapters/sip/settings.h"

struct cf_sip_trunks;

/* One line. */
struct cf_sip_trunk {
    struct cf_sip_trunks *all;
    unsigned line;
    int fd;
    int source; /* of the reactor */
    union cf_sip_addr bound;
    struct cf_sip_uas *uas;
    size_t uas_bytes;
};

/* A call as both sides name it. */
struct cf_sip_link {
    uint64_t provider_call; /* 0: this index is free */
    uint64_t uas_call;      /* 0: the call is IDLE and waits for CLOSE_CALL */
    struct cf_sip_trunk *trunk;
};

struct cf_sip_trunks {
    const struct cf_sip_settings *settings;
    struct cf_provider *provider;
    struct cf_reactor *reactor;
    struct cf_sip_trunk trunk[CF_SIP_LINES_MAX];
    struct cf_sip_link *link; /* by index of the provider's call */
    uint32_t links;
    bool paused;
    uint64_t unsent;  /* datagrams that found no send buffer */
    uint64_t no_link; /* calls that the core could not be told of */
};

/* Opens the sockets and makes the user agents. 0 or a negative errno with a sentence in why. */
int cf_sip_trunks_open(struct cf_sip_trunks *trunks, const struct cf_sip_settings *settings,
                       struct cf_provider *provider, struct cf_reactor *reactor, char *why, size_t why_bytes);
void cf_sip_trunks_close(struct cf_sip_trunks *trunks);

/* The calls alive at once that the provider must have identifiers for. */
uint32_t cf_sip_trunks_calls(const struct cf_sip_settings *settings);

/* Announces lines and live calls after an attach; false: the core does not take them. */
bool cf_sip_trunks_announce(struct cf_sip_trunks *trunks);

void cf_sip_trunks_command(struct cf_sip_trunks *trunks, const struct cf_command *command, int64_t now_ns);

/* Runs what is due and returns when to come back. */
int64_t cf_sip_trunks_tick(struct cf_sip_trunks *trunks, int64_t now_ns);

/* Stops reading while the core cannot follow, and goes on after. New calls that were read already get 503. */
void cf_sip_trunks_pause(struct cf_sip_trunks *trunks, bool paused);

/* All lines' counters added up. */
void cf_sip_trunks_counters(const struct cf_sip_trunks *trunks, struct cf_sip_counters *ret_sum);

#endif
