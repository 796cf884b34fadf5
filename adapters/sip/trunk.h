/*
 * Lines: each an address with its sockets and its user agent, joined with the provider's port. Call events become provider events,
 * commands become operations.
 *
 * Shape      struct cf_sip_trunks: the lines, and a table from the provider's call index to the user agent's call; beside it who listens
 * Overlap    none: one thread
 * Errors     a call that the core cannot take is answered 503; one that nobody owns or watches 480
 * Source     callfan/provider.h
 *
 * Files      trunk.c life and announcements; transport.c sockets; link.c events and commands of calls; consult.c those that two calls
 *            are about: swap, transfer
 */
#ifndef CALLFAN_ADAPTERS_SIP_TRUNK_H
#define CALLFAN_ADAPTERS_SIP_TRUNK_H

#include "adapters/provider/listening.h"
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

/* What the command that waits for DONE wanted. */
enum cf_sip_doing {
    CF_SIP_DOING_ONE,   /* hold, retrieve, digits: of this call alone */
    CF_SIP_DOING_SETUP, /* this call is being held; `second` is the consultation call, which nobody was told of yet */
    CF_SIP_DOING_SWAP,  /* this call is being held; `second` is to be retrieved then */
    CF_SIP_DOING_TRANSFER, /* `second`, if any, is the consultation call, which ends with this one */
};

/* A call as both sides name it. */
struct cf_sip_link {
    uint64_t provider_call; /* 0: this index is free */
    uint64_t ua_call;       /* 0: the call is IDLE and waits for CLOSE_CALL, or has dial tone */
    uint64_t command;       /* number of the command that ends with DONE; 0: none */
    uint64_t second;        /* of that command: the provider's name of the other call; 0: none */
    uint64_t consultation; /* made of this call: on hold, it is ONHOLDPENDTRANSFER; 0: none, or a name that has ended */
    struct cf_sip_trunk *trunk;
    uint8_t doing;  /* enum cf_sip_doing */
    bool dial_tone; /* a consultation call that calls nobody yet */
    bool over;      /* DISCONNECTED was told: nothing is heard any more */
};

enum {
    CF_SIP_TARGET_MAX = 256,       /* bytes of an address that a consultation call is to dial at once */
    CF_SIP_GATHERINGS_MAX = 32768, /* calls whose digits are gathered at once: half of the replies that may be owed */
};

struct cf_sip_target {
    uint32_t len;
    uint32_t limit_s; /* dwNoAnswerTimeout */
    char text[CF_SIP_TARGET_MAX];
};

struct cf_sip_trunks {
    const struct cf_sip_settings *settings;
    struct cf_provider *provider;
    struct cf_reactor *reactor;
    struct cf_sip_trunk trunk[CF_SIP_LINES_MAX];
    struct cf_sip_link *link;     /* by index of the provider's call */
    struct cf_sip_target *target; /* likewise; valid while a consultation call waits for its call to be held */
    uint32_t links;
    struct cf_listening *listening; /* to the digits of calls */
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

/* The link of a provider's call, NULL: it has ended. A new one, NULL: none left. */
struct cf_sip_link *cf_sip_link_of(struct cf_sip_trunks *trunks, uint64_t provider_call);
struct cf_sip_link *cf_sip_link_new(struct cf_sip_trunk *trunk);

/* Gives the link and its name back; the command that waits for it fails. */
void cf_sip_link_free(struct cf_sip_trunks *trunks, struct cf_sip_link *link);

/* Makes the user agent call; 0 or LINEERR_. */
int32_t cf_sip_link_dial(struct cf_sip_link *link, struct cf_sip_words destination, uint32_t limit_s, uint64_t now_ns);

/* LINEERR_ of what an operation of the user agent returned. */
int32_t cf_sip_link_error(int rc);

/* ---- what is about two calls (consult.c) */

/* The commands SWAP_HOLD, SETUP_TRANSFER, COMPLETE_TRANSFER and BLIND_TRANSFER about a call that lives. 0: it will end with DONE and
 * its number is kept; else LINEERR_. */
int32_t cf_sip_consult_begin(struct cf_sip_link *link, const struct cf_command *command, uint64_t now_ns);

/* LINEERR_ of the status that a transfer ended with, and of that of hold, retrieve or digits. */
int32_t cf_sip_transfer_result(unsigned status);
int32_t cf_sip_link_result(unsigned status);

/* DIAL: a call with dial tone calls. 0: it was replied to. */
int32_t cf_sip_consult_dial(struct cf_sip_link *link, const struct cf_command *command, uint64_t now_ns);

/* DONE of a link. */
void cf_sip_consult_done(struct cf_sip_link *link, const struct cf_sip_event *event);

/* The call is being retrieved, so that its consultation call, if any, ends. */
void cf_sip_consult_end(struct cf_sip_link *link, uint64_t now_ns);

/* True while the call on hold is held for its consultation call. */
bool cf_sip_consult_pends(const struct cf_sip_link *link);

/* A call without a dialog: IDLE. False: it has none of them. */
bool cf_sip_consult_hang_up(struct cf_sip_link *link, uint64_t now_ns);

#endif
