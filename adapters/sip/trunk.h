/*
 * Lines: each an address with its sockets and its user agent, joined with the provider's port. Call events become provider events,
 * commands become operations.
 *
 * Shape      struct cf_sip_trunks: the lines, and a table from the provider's call index to the user agent's call
 * Overlap    none: one thread
 * Errors     a call that the core cannot take is answered 503; one that nobody owns or watches 480
 * Source     callfan/provider.h
 *
 * Files      trunk.c life and announcements; transport.c sockets; link.c events and commands of calls
 */
#ifndef CALLFAN_ADAPTERS_SIP_TRUNK_H
#define CALLFAN_ADAPTERS_SIP_TRUNK_H

#include "adapters/provider/port.h"
#include "adapters/sip/settings.h"
#include "adapters/sip/tcp.h"

struct cf_sip_trunks;

/* One line. */
struct cf_sip_trunk {
    struct cf_sip_trunks *all;
    unsigned line;
    int fd;                 /* UDP */
    int source;             /* of the reactor */
    struct cf_sip_tcp *tcp; /* NULL: the line does not speak TCP */
    union cf_sip_addr bound;
    struct cf_sip_ua *ua;
    size_t ua_bytes;
    bool service_due; /* the core was not told of the newest state of service */
};

/* A call as both sides name it. */
struct cf_sip_link {
    uint64_t provider_call; /* 0: this index is free */
    uint64_t ua_call;       /* 0: the call is IDLE and waits for CLOSE_CALL */
    uint64_t command;       /* number of the command that ends with DONE; 0: none */
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
    bool leaving;     /* no calls are made any more */
    uint64_t unsent;  /* messages that found no room on their way out */
    uint64_t no_link; /* calls that the core could not be told of */
};

/* ---- life (trunk.c) */

/* Opens the sockets and makes the user agents. 0 or a negative errno with a sentence in why. */
int cf_sip_trunks_open(struct cf_sip_trunks *trunks, const struct cf_sip_settings *settings,
                       struct cf_provider *provider, struct cf_reactor *reactor, char *why, size_t why_bytes);
void cf_sip_trunks_close(struct cf_sip_trunks *trunks);

/* The calls alive at once that the provider must have identifiers for. */
uint32_t cf_sip_trunks_calls(const struct cf_sip_settings *settings);

/* Announces lines and live calls after an attach; false: the core does not take them. */
bool cf_sip_trunks_announce(struct cf_sip_trunks *trunks);

/* Runs what is due and returns when to come back. */
int64_t cf_sip_trunks_tick(struct cf_sip_trunks *trunks, int64_t now_ns);

/* Stops reading while the core cannot follow, and goes on after. New calls that were read already get 503. */
void cf_sip_trunks_pause(struct cf_sip_trunks *trunks, bool paused);

/* Ends all calls and takes registrations back; true while something of it goes on. */
bool cf_sip_trunks_leave(struct cf_sip_trunks *trunks, int64_t now_ns);

/* All lines' counters added up. */
void cf_sip_trunks_counters(const struct cf_sip_trunks *trunks, struct cf_sip_counters *ret_sum);
void cf_sip_trunks_tcp_counters(const struct cf_sip_trunks *trunks, struct cf_sip_tcp_counters *ret_sum);

/* ---- sockets (transport.c) */

int cf_sip_transport_open(struct cf_sip_trunk *trunk, char *why, size_t why_bytes);
void cf_sip_transport_close(struct cf_sip_trunk *trunk);
void cf_sip_transport_pause(struct cf_sip_trunk *trunk, bool paused);

/* The user agent's way out. context: struct cf_sip_trunk. */
void cf_sip_transport_send(void *context, const struct cf_sip_hop *to, const char *bytes, size_t len);

/* A call needs its connection, or not any more. context: struct cf_sip_trunk. */
void cf_sip_transport_hold(void *context, uint64_t connection, bool on);

/* ---- calls (link.c) */

/* The user agent's events. context: struct cf_sip_trunk. */
void cf_sip_link_event(void *context, const struct cf_sip_event *event);

/* Announces a live call to a new core; of one that is over, but for BYE or linger, it is not to hear. context: struct cf_sip_trunk. */
void cf_sip_link_announce(void *context, const struct cf_sip_snapshot *snapshot);

/* For a new core: drops identifiers of calls that the lost one would have closed, and owes it no replies any more. */
void cf_sip_links_renew(struct cf_sip_trunks *trunks);

void cf_sip_trunks_command(struct cf_sip_trunks *trunks, const struct cf_command *command, int64_t now_ns);

#endif
