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
 *            are about: swap, transfer; bond.h what belongs to conferences at a focus: conference.c, party.c
 */
#ifndef CALLFAN_ADAPTERS_SIP_TRUNK_H
#define CALLFAN_ADAPTERS_SIP_TRUNK_H

#include "adapters/provider/listening.h"
#include "adapters/provider/port.h"
#include "adapters/sip/settings.h"
#include "adapters/sip/tcp.h"

struct cf_sip_trunks;
struct cf_sip_bond;

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
    CF_SIP_DOING_TRANSFER,   /* `second`, if any, is the consultation call, which ends with this one */
    CF_SIP_DOING_CONFERENCE, /* a step of a conference's call; `second`, if any, is the consultation call, untold too */
};

/* What a call has to do with a conference. */
enum cf_sip_part {
    CF_SIP_PART_NONE,
    CF_SIP_PART_CONFERENCE, /* it stands for one: its far end is the focus */
    CF_SIP_PART_CHOSEN,     /* the focus will be asked to take it over */
    CF_SIP_PART_MOVING,     /* it has been asked: how the call's own dialog ends is kept until the outcome is known */
    CF_SIP_PART_MEMBER,     /* it has no dialog any more */
    CF_SIP_PART_LEAVING,    /* a member whom the focus is, or will be, asked to hang up on */
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
    uint8_t part;   /* enum cf_sip_part */
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
    struct cf_sip_link *link;           /* by index of the provider's call */
    struct cf_sip_target *target;       /* likewise; valid while a consultation call waits for its call to be held */
    struct cf_sip_bond *bond;           /* likewise; bond.h */
    uint32_t queued_first, queued_last; /* conferences that have something to be looked after */
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

/* Tells the core a state of the call. */
void cf_sip_link_tell(const struct cf_sip_link *link, uint32_t state, uint32_t mode, uint64_t now_ns);

/* Ends the command that waits; `call` is named by the reply. */
void cf_sip_link_reply(struct cf_sip_link *link, int32_t result, uint64_t call);

/* DISCONNECTED with its cause. */
void cf_sip_link_tell_disconnected(const struct cf_sip_link *link, uint32_t mode, const struct cf_sip_cause *cause,
                                   uint64_t now_ns);

/* ---- what is about two calls (consult.c) */

/* The commands SWAP_HOLD, SETUP_TRANSFER, PREPARE_ADD, COMPLETE_TRANSFER and BLIND_TRANSFER about a call that lives. 0: it will end with DONE and
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

/* On hold for its consultation call: LINECALLSTATE_. */
uint32_t cf_sip_consult_hold(const struct cf_sip_link *link);

/* True while the call on hold is held for its consultation call. */
bool cf_sip_consult_pends(const struct cf_sip_link *link);

/* A call without a dialog: IDLE. False: it has none of them. */
bool cf_sip_consult_hang_up(struct cf_sip_link *link, uint64_t now_ns);

/* Where a consultation call is to go at once; LINEERR_ when it cannot. A new consultation call that keeps it; NULL: none left. */
int32_t cf_sip_consult_refusal(const struct cf_sip_trunk *trunk, const struct cf_command *command);
struct cf_sip_link *cf_sip_consult_new(struct cf_sip_trunk *trunk, const struct cf_command *command);

/* ---- conferences (conference.c, party.c) */

/* The line has a factory. */
bool cf_sip_conference_able(const struct cf_sip_trunk *trunk);

/* The commands SETUP_CONFERENCE (link NULL: of a line alone), ADD_TO_CONFERENCE and COMPLETE_TRANSFER (CONFERENCE). 0: it will end later and
 * its number is kept; else LINEERR_. */
int32_t cf_sip_conference_begin(struct cf_sip_trunks *trunks, struct cf_sip_link *link,
                                const struct cf_command *command, uint64_t now_ns);

/* Why no consultation call can be prepared to be added; 0: it can. */
int32_t cf_sip_conference_prepare_refusal(const struct cf_sip_link *conference);

/* A command about a call that has a part. False: that is of no concern. ret_owed: it is to be replied to with ret_result. */
bool cf_sip_party_command(struct cf_sip_link *party, const struct cf_command *command, uint64_t now_ns, bool *ret_owed,
                          int32_t *ret_result);

/* An event of a call that has a part. True: it is kept here, and not told. */
bool cf_sip_conference_event(struct cf_sip_link *link, const struct cf_sip_event *event);

/* The conference's call has ended, and so have its members; a second time nothing. silently: nobody is to be told, and they are freed. */
void cf_sip_conference_over(struct cf_sip_link *conference, bool silently, uint64_t now_ns);

/* The core has closed a call. True: it is a party, and its link stays until the focus has let go of it. */
bool cf_sip_party_keeps(struct cf_sip_link *party, uint64_t now_ns);

/* The link is freed, by whatever way: so are the members of a conference's, and a member leaves its list. */
void cf_sip_conference_forget(struct cf_sip_link *link);

/* There may be something to be looked after; looks after all of it. */
void cf_sip_conference_wake(struct cf_sip_link *conference);
void cf_sip_conferences_work(struct cf_sip_trunks *trunks, uint64_t now_ns);

/* For a new core: what was being made is given up; members are announced behind their conferences. False: the core does not take them. */
void cf_sip_conferences_renew(struct cf_sip_trunks *trunks);
bool cf_sip_parties_announce(struct cf_sip_trunks *trunks);

/* Memory for the bonds of so many links; false: there is none. */
bool cf_sip_bonds_open(struct cf_sip_trunks *trunks);
void cf_sip_bonds_close(struct cf_sip_trunks *trunks);

#endif
