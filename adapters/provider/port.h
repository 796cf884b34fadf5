/*
 * The adapter's side of a port: events up, commands down, and the identifiers of its calls.
 *
 * Shape      one struct cf_provider per program; its table of call identifiers outlives the port, so that an adapter which loses
 *            the core announces its live calls again at the next attach
 * Units      time_ns: CLOCK_MONOTONIC ns at which the adapter saw what it reports
 * Invariant  per call the order of events is kept; replies are never lost; nothing overtakes a waiting reply
 * Writers    the up object: this library. The down object and the header: the core, read-only here
 * Overlap    none: one thread
 * Progress   cf_provider_attach() and the snapshot wait, bounded; nothing else blocks but cf_provider_turn(), until its deadline
 * Errors     up ring full: of each call the newest state waits here (older ones are merged into it and counted), replies wait here,
 *            a new call is refused to the adapter; cf_provider_ready() turns false before that, and the adapter then stops reading
 *            its network where the protocol allows. All counted
 * Trust      the core is believed; the welcome, the header and the seals are checked once, at attach
 */
#ifndef CF_PROVIDER_PORT_H
#define CF_PROVIDER_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/provider/reactor.h"
#include "callfan/provider.h"
#include "shm/fields.h"
#include "shm/handle.h"
#include "shm/record.h"
#include "shm/request.h"

struct cf_provider;

/* Text that need not end with a NUL; {NULL, 0}: none. */
struct cf_text {
    const char *at;
    uint32_t bytes;
};

/* NULL gives {NULL, 0}. */
struct cf_text cf_text_of(const char *string);

/* Strings are copied. Zeros take the defaults in parentheses. */
struct cf_provider_options {
    const char *socket_path; /* of the service (CF_DEFAULT_SOCKET) */
    const char *name;        /* in the service's configuration; required */
    const char *token;       /* NULL: CALLFAN_TOKEN of the environment */
    uint32_t
        calls_max; /* identifiers alive at once (1,048,576), at most CF_CALLS_MAX; memory is touched as they are used */
    uint32_t commands_max; /* commands taken and not yet answered (65,536); beyond it commands wait in the ring */
    uint32_t ring_bytes;   /* down ring wished for (the service's default) */
    uint32_t gather_us;    /* cf_provider_turn(): least time between two wake-ups (0) */
};

struct cf_provider_counters {
    uint64_t attaches;
    uint64_t events;   /* records put into the up ring */
    uint64_t commands; /* commands handed out */
    uint64_t replies;
    uint64_t replies_waited;    /* replies that found the ring full and waited here */
    uint64_t states_kept;       /* call states that found the ring full and waited here */
    uint64_t states_merged;     /* of the waiting ones, those replaced by a newer state: never seen by the core */
    uint64_t new_calls_refused; /* new calls that found the ring full */
    uint64_t infos_refused;     /* other events that found the ring full */
    uint64_t stale;             /* events for a call whose identifier had ended: not sent */
    uint64_t bells_rung;
    uint64_t bells_heard;
};

/* ------------------------------------------------------------------ life */

/* Memory for a provider, not attached. Returns 0 or a negative errno. */
int cf_provider_new(struct cf_provider **ret_provider, const struct cf_provider_options *options);

/* Detaches and frees. NULL is a no-op. */
void cf_provider_free(struct cf_provider *p);

/*
 * Joins the core: connects, tries again with growing pauses for up to wait_ns (0: one try) while the service is not there or says
 * "again", checks the port and maps it. Blocks. Returns 0 or a negative errno with a sentence in why: ETIMEDOUT, EPROTO another
 * layout version, EACCES refused, ... What waited from an earlier port is dropped; identifiers stay. Then announce with the snapshot.
 */
int cf_provider_attach(struct cf_provider *p, int64_t wait_ns, char *why, size_t why_bytes);

/* True for those errors of cf_provider_attach() that pass: no service there yet, or it is busy. */
bool cf_provider_try_again(int error);

/* Leaves the core (which ends the calls it knows of). */
void cf_provider_detach(struct cf_provider *p);

/* False before attach and after the core hung up. A core that merely restarts keeps its ports and is not noticed. */
bool cf_provider_attached(const struct cf_provider *p);

/*
 * Turns the reactor: first puts what waited and rings the core's bell if it sleeps, then sleeps until deadline_ns, an event of the
 * reactor or a command. What comes within gather_us after it woke is left to gather until then: one wake-up for all, of commands and
 * of the network. Take all commands before. Watches the port's bell and socket in r, which must be the same at every call.
 * Returns what cf_reactor_turn() does; after it look at cf_provider_attached().
 */
int cf_provider_turn(struct cf_provider *p, struct cf_reactor *r, int64_t deadline_ns);

/* Stops watching in r; before cf_reactor_close() when the provider lives longer than the reactor. */
void cf_provider_leave_reactor(struct cf_provider *p);

/* Puts what waited and rings the core's bell if it sleeps. cf_provider_turn() does it; only needed in a loop without it. */
void cf_provider_flush(struct cf_provider *p);

/*
 * True when an eighth of the up ring is free and nothing waits here; once false, it turns true again at a quarter. While false stop
 * reading the network; cf_provider_turn() then returns every millisecond.
 */
bool cf_provider_ready(struct cf_provider *p);

/* ------------------------------------------------------------------ snapshot and lines */

/*
 * After attach: cf_provider_snapshot_begin(), cf_provider_post_line() per line, cf_provider_post_new_call() per live call,
 * cf_provider_snapshot_end(). The three wait for room in the ring, at most 10 s without progress; false: the core is gone or stands.
 */
bool cf_provider_snapshot_begin(struct cf_provider *p);
bool cf_provider_snapshot_end(struct cf_provider *p);

struct cf_line_info {
    uint32_t line;
    const char *name;
    const char *address; /* its directory number; NULL: none */
    const char *info;    /* provider's name and version */
    struct cf_line_caps caps;
};

bool cf_provider_post_line(struct cf_provider *p, const struct cf_line_info *line);

/* False: the ring is full, try again later. */
bool cf_provider_post_line_remove(struct cf_provider *p, uint32_t line);
bool cf_provider_post_line_close(struct cf_provider *p, uint32_t line);
bool cf_provider_post_line_state(struct cf_provider *p, uint32_t line, uint32_t line_dev_state, uint64_t detail);
bool cf_provider_post_address_state(struct cf_provider *p, uint32_t line, uint32_t address, uint32_t address_states);

/* LINEADDRESSSTATE_FORWARD with what is forwarded from now on: entries of shm/forward.h, CF_FORWARD_BYTES_MAX at most; none: nothing. Told
 * again after each attach, since a line comes without. False: the ring is full, try again later. */
bool cf_provider_post_forwarding(struct cf_provider *p, uint32_t line, uint32_t address, uint32_t rings,
                                 struct cf_text list);

/* Waits for room in the ring as the snapshot does: for programs that cannot go on without. */
bool cf_provider_wait_room(struct cf_provider *p);

/* ------------------------------------------------------------------ calls */

/* A new identifier, or 0 when calls_max are alive. user is handed back by cf_provider_call_user(). */
uint64_t cf_provider_call_new(struct cf_provider *p, void *user);

/* The user pointer of a live identifier, NULL for any other. */
void *cf_provider_call_user(const struct cf_provider *p, uint64_t call);

/*
 * Ends an identifier: after CF_CMD_CLOSE_CALL or CF_CMD_REFUSED, or for a call that the core never heard of. What waited for it
 * is dropped. False when it had ended before.
 */
bool cf_provider_call_free(struct cf_provider *p, uint64_t call);

/* Identifiers alive. */
uint32_t cf_provider_calls(const struct cf_provider *p);

struct cf_new_call {
    uint64_t call;
    uint32_t line, address;
    uint32_t state, mode;
    uint32_t media_modes; /* 0: INTERACTIVEVOICE */
    uint32_t origin;      /* 0: LINECALLORIGIN_UNKNOWN */
    uint32_t reason;      /* 0: LINECALLREASON_UNKNOWN */
    int64_t time_ns;
    /* Numbers and names; a number of 0 bytes with a place is withheld by its owner. */
    struct cf_text caller, caller_name, called, called_name;
    struct cf_text connected, connected_name, redirecting, redirecting_name, redirection, redirection_name;
    struct cf_text user_user, call_data; /* what came with it; at most CF_USER_USER_MAX and CF_CALL_DATA_MAX bytes */
    uint32_t completion_id;              /* of LINECALLREASON_CALLCOMPLETION */
};

/* Announces a call. False: the ring is full or the core gone; the call is not known there (free it, refuse it). */
bool cf_provider_post_new_call(struct cf_provider *p, const struct cf_new_call *c);

struct cf_call_state {
    uint32_t state, mode;
    uint32_t media_modes; /* 0: unchanged */
    int64_t time_ns;
    struct cf_text raw_cause; /* "SIP 486"; of one that has to wait 23 bytes are kept, of CONFERENCED none */
    uint64_t parent;          /* of CONFERENCED, in place of a mode: the call that stands for the conference; 0: not known */
};

enum cf_posted {
    CF_POSTED,     /* in the ring */
    CF_POST_WAITS, /* the ring is full; it goes out later unless a newer state of the call comes first */
    CF_POST_STALE, /* the identifier has ended, or there is no core: not sent */
};

enum cf_posted cf_provider_post_call_state(struct cf_provider *p, uint64_t call, const struct cf_call_state *s);

/* What changed is in the fields of info (its message is filled here, but for param2, the treatment). False: the ring is full, it is lost and
 * counted. */
bool cf_provider_post_call_info(struct cf_provider *p, uint64_t call, uint32_t info_states, int64_t time_ns,
                                struct cf_record *info);

/* What is heard on a call: only what somebody listens for need be told. */
struct cf_heard {
    uint16_t event;  /* CF_EV_DIGIT, CF_EV_MEDIA, CF_EV_TONE */
    uint32_t what;   /* the digit, LINEMEDIAMODE_, the tone's app_specific */
    uint32_t detail; /* LINEDIGITMODE_ of a digit, the list of a tone */
    int64_t time_ns;
};

/* False: the ring is full, or a state of the call waits; it is lost and counted. */
bool cf_provider_post_heard(struct cf_provider *p, uint64_t call, const struct cf_heard *h);

/* LINE_DEVSPECIFIC of a call, or (call 0) of a line. False: the ring is full, it is lost and counted. */
bool cf_provider_post_dev_specific(struct cf_provider *p, uint64_t call, uint32_t line, const uint32_t param[3], int64_t time_ns);

/* Puts a record as it is (its sequence is set here): for reports that no rule allows. False: the ring is full. */
bool cf_provider_post_raw(struct cf_provider *p, struct cf_record *record);

/* ------------------------------------------------------------------ commands */

struct cf_command {
    uint16_t id;     /* enum cf_provider_command */
    uint64_t number; /* brought back by cf_provider_reply(); 0 for those without reply and for the core's own drop */
    uint64_t call;
    uint64_t second;                       /* the other call of SWAP_HOLD, COMPLETE_TRANSFER, ADD_TO_CONFERENCE */
    uint32_t line, address;                /* of what is about a line: MAKE_CALL, UNPARK, PICKUP, FORWARD (CF_ALL_ADDRESSES: each),
                                              UNCOMPLETE_CALL, DEV_SPECIFIC, SETUP_CONFERENCE without a call, OPEN_LINE, CLOSE_LINE */
    uint32_t country;                      /* MAKE_CALL, DIAL, REDIRECT, BLIND_TRANSFER */
    uint32_t mode;                         /* PARK: LINEPARKMODE_; COMPLETE_CALL: LINECALLCOMPLMODE_; SET_CALL_TREATMENT: LINECALLTREATMENT_ */
    uint32_t message;                      /* COMPLETE_CALL: message id */
    uint32_t completion;                   /* UNCOMPLETE_CALL: completion id */
    uint32_t rings;                        /* FORWARD */
    uint32_t transfer_mode;                /* COMPLETE_TRANSFER: LINETRANSFERMODE_ */
    uint32_t parties;                      /* SETUP_CONFERENCE: how many are expected */
    uint32_t media_modes;                  /* OPEN_LINE, SET_MEDIA_MODE, MONITOR_MEDIA */
    uint32_t refusal;                      /* REFUSED: enum cf_refusal */
    struct cf_text destination, user_user; /* of what dials; point into record */
    struct cf_text group;                  /* PICKUP */
    struct cf_text forward_list;           /* FORWARD: shm/forward.h reads it; {NULL, 0}: cancel */
    struct cf_text call_data;              /* SET_CALL_DATA, and of what makes a call; {NULL, 0}: none */
    struct cf_text dev_specific;           /* DEV_SPECIFIC */
    struct cf_text orig_address;           /* of what makes a call: its own number, where that was given */
    struct cf_text target;                 /* of what makes a consultation call: to be dialled at once; points into record */
    struct cf_call_params params;          /* of what makes a call, and SET_CALL_PARAMS; zeros when it has none */
    uint32_t digit_mode, digit_ms;         /* GENERATE_DIGITS; the modes of GATHER_DIGITS and MONITOR_DIGITS */
    struct cf_text digits;                 /* GENERATE_DIGITS; points into record */
    uint32_t digits_wanted;                /* GATHER_DIGITS: 0 only stops what runs */
    uint32_t first_ms, between_ms;         /* GATHER_DIGITS: 0 for ever */
    struct cf_text termination;            /* GATHER_DIGITS: each of its digits ends it; points into record */
    uint32_t tone_mode, tone_ms;           /* GENERATE_TONE: mode 0 only stops what runs */
    struct cf_text tones;                  /* GENERATE_TONE: struct cf_tone; MONITOR_TONES: struct cf_heard_tone; in record */
    uint32_t list, ended_list;             /* MONITOR_TONES: 0 none */
    struct cf_record record;               /* the command as it came; last */
};

/* Takes the next command. False: none now. Every one but CLOSE_CALL, REFUSED, OPEN_LINE,
 * CLOSE_LINE, SET_MEDIA_MODE and the three MONITOR_ must be replied to once. What this library does not know is refused here. */
bool cf_provider_next_command(struct cf_provider *p, struct cf_command *ret_command);

/* True when id is one that asks for a reply. */
bool cf_command_wants_reply(uint16_t id);

/* result: 0 or LINEERR_. call: the command's, or the new call of one that makes a call and succeeds, which is thereby announced. */
void cf_provider_reply(struct cf_provider *p, uint64_t number, int32_t result, uint64_t call);

/* The same with the second new call, of SETUP_CONFERENCE. */
void cf_provider_reply_two(struct cf_provider *p, uint64_t number, int32_t result, uint64_t first, uint64_t second);

/* How GATHER_DIGITS ended: LINEGATHERTERM_ and what came, 100 digits at most. One that fails: cf_provider_reply(). */
void cf_provider_reply_gathered(struct cf_provider *p, uint64_t number, uint32_t how, uint64_t call, struct cf_text digits);

/* Success of PARK(NONDIRECTED): where the call is; of DEV_SPECIFIC: bytes for who asked. At most CF_REPLY_TEXT_MAX of them count. */
void cf_provider_reply_text(struct cf_provider *p, uint64_t number, uint64_t call, uint16_t command, struct cf_text text);

/* Success of COMPLETE_CALL. */
void cf_provider_reply_completion(struct cf_provider *p, uint64_t number, uint64_t call, uint32_t completion_id);

/* ------------------------------------------------------------------ looking in */

void cf_provider_counters(const struct cf_provider *p, struct cf_provider_counters *ret_counters);

/* All invariants of what is kept here. No side effects; slow. */
bool cf_provider_check(const struct cf_provider *p, char *why, size_t why_bytes);

#endif
