/*
 * What the model exchange is made of, for the files of this folder: its calls, the wheel that they stand in, and what some of them are to
 * each other.
 *
 * Shape      one 64-byte line per call, found by the index of its identifier; behind them the digits and tones that are on their way and
 *            the far ends that somebody listens to and the orbits and completions, in the same wheel. What only some calls need stands apart and touches no memory
 *            for the others: a struct cf_sim_bond of transfers and conferences, a struct cf_sim_past of calls that come back
 * Units      ms and ticks of 1 ms; now_ns: CLOCK_MONOTONIC ns
 * Invariant  a call has a timer exactly when it is not IDLE and does not stand for a conference
 *            an orbit has a timer exactly when it is taken, a completion when it has an id; a past counts only while its call is CF_SIM_TAKEN
 *            a bond counts only while its call is CF_SIM_BONDED; partners name each other; a call is CONFERENCED exactly when it has
 *            a parent, which lists it
 * Overlap    none
 */
#ifndef CF_SIM_CALL_H
#define CF_SIM_CALL_H

#include "adapters/sim/far_end.h"
#include "adapters/sim/model.h"
#include "adapters/sim/random.h"
#include "adapters/sim/wheel.h"
#include "callfan/tapi.h"

#define CF_SIM_TICK_NS     CF_NS_PER_MS
#define CF_SIM_NOBODY      UINT32_MAX
#define CF_SIM_DIGITS_MAX  4096u /* calls that send digits or tones at the same time, and one more */
#define CF_SIM_COUNTRY_MAX 999u  /* of country codes: ITU-T E.164 */

#define CF_SIM_PARTY_UNKNOWN UINT64_MAX

#define CF_SIM_PENDING (LINECALLSTATE_ONHOLDPENDTRANSFER | LINECALLSTATE_ONHOLDPENDCONF)
#define CF_SIM_RINGING (LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED)
#define CF_SIM_ON_HOLD (LINECALLSTATE_ONHOLD | CF_SIM_PENDING)

enum cf_sim_call_flag {
    CF_SIM_OUTGOING = 1,
    CF_SIM_HELD = 2,       /* by its owner, or in a conference: the exchange's own toggles pass unseen */
    CF_SIM_CONFERENCE = 4, /* it stands for one: there is no far end that could hang up */
    CF_SIM_RINGS = 8,      /* a member that the far end has not answered yet */
    CF_SIM_BONDED = 16,
    CF_SIM_TAKEN = 32, /* its far end was another call's before */
};

struct cf_sim_call {
    struct cf_wheel_node timer;
    uint64_t id; /* 0: not in use */
    uint64_t serial;
    uint32_t line;
    uint32_t state, mode;
    uint32_t segment_ms; /* of talking or holding */
    uint32_t give_up_ms; /* of a caller whom nobody answers */
    uint32_t sending;    /* digits or a tone: their place among those that are sent, 0 none */
    uint16_t toggles;    /* between CONNECTED and ONHOLD, still to come */
    uint8_t outcome;     /* enum cf_sim_outcome */
    uint8_t flags;       /* enum cf_sim_call_flag */
    uint16_t far_end;    /* its place there: somebody listens, or did; 0 nobody */
    uint16_t reserved;
};
_Static_assert(sizeof(struct cf_sim_call) == 64, "one line");

/* Indexes of calls; CF_SIM_NOBODY: none. */
struct cf_sim_bond {
    uint32_t partner;              /* the other of a call on hold and its consultation call */
    uint32_t parent;               /* the call that stands for its conference, */
    uint32_t next, previous;       /* and the members beside it there */
    uint32_t first, last, members; /* of a conference, in the order in which they joined */
    uint32_t consults;             /* 1: of the two partners it is the consultation call */
};

/* What a call was before it came to its line. */
struct cf_sim_past {
    uint64_t party;  /* serial number of the call that its far end made; CF_SIM_PARTY_UNKNOWN */
    uint32_t reason; /* LINECALLREASON_ */
    uint32_t redirecting, dialled; /* lines: that sent it here, and to which it came first; CF_SIM_NOBODY: none, its own */
    uint32_t hops;                 /* how often it was sent on because nobody answered */
    uint32_t completion;           /* of a call back: the id that lineCompleteCall had; 0: none */
    uint32_t reserved;
};

enum cf_sim_forward_kind { CF_SIM_FORWARD_UNCOND, CF_SIM_FORWARD_BUSY, CF_SIM_FORWARD_NO_ANSWER, CF_SIM_FORWARD_KINDS };

/* Of a line. */
struct cf_sim_forward {
    uint32_t kinds; /* a bit for each that is set */
    uint32_t rings; /* before nobody answers */
    uint16_t country[CF_SIM_FORWARD_KINDS];
    uint16_t untold;                      /* 1: the core does not know it yet */
    char where[CF_SIM_FORWARD_KINDS][32]; /* numbers; empty: to nobody */
};

/* Where a call to a line comes out. */
struct cf_sim_route {
    uint32_t line;   /* CF_SIM_NOBODY: on none of the exchange */
    uint32_t by;     /* the line that sent it there; CF_SIM_NOBODY: none did */
    uint32_t reason; /* LINECALLREASON_ then */
};

/* A place for a parked call. */
struct cf_sim_orbit {
    struct cf_wheel_node timer; /* while it is taken */
    uint64_t party;             /* as of struct cf_sim_past */
    uint64_t hang_up, recall;   /* ticks: what comes first */
    uint32_t line;              /* on which it was parked */
    bool taken;
    uint8_t reserved[19];
};
_Static_assert(sizeof(struct cf_sim_orbit) == sizeof(struct cf_sim_call), "one wheel, one stride");

/* Somebody who waits for a set to be free. */
struct cf_sim_completion {
    struct cf_wheel_node timer; /* while it waits */
    uint32_t id;                /* 0: not in use */
    uint32_t line;              /* that is called back */
    uint32_t talk_ms;
    uint8_t reserved[36];
};
_Static_assert(sizeof(struct cf_sim_completion) == sizeof(struct cf_sim_call), "one wheel, one stride");

/* Digits or a tone on their way; entry 0 is not used. */
struct cf_sim_sending {
    struct cf_wheel_node timer;
    uint64_t number; /* of the command that waits for their end */
    uint32_t call;
    uint32_t next_free;
    uint64_t reserved[4];
};
_Static_assert(sizeof(struct cf_sim_sending) == sizeof(struct cf_sim_call), "one wheel, one stride");

struct cf_sim_model {
    const struct cf_sim_settings *settings;
    struct cf_sim_outlet out;
    int64_t start_ns;
    struct cf_sim_call *calls;     /* calls_max */
    struct cf_sim_sending *digits; /* CF_SIM_DIGITS_MAX, right behind them */
    struct cf_sim_far_ends *far_ends; /* right behind the digits */
    struct cf_sim_orbit *orbits;   /* CF_SIM_ORBITS_MAX, right behind the far ends' nodes */
    struct cf_sim_completion *completions; /* CF_SIM_COMPLETIONS_MAX, right behind them */
    uint32_t completion_id;        /* the newest */
    struct cf_sim_bond *bonds;     /* calls_max */
    struct cf_sim_past *pasts;     /* calls_max */
    uint32_t digits_used, digits_free, digits_count;
    uint32_t used; /* calls below it were in use at least once */
    uint64_t live;
    struct cf_wheel wheel;
    struct cf_random arrivals; /* of its own calls alone, so that commands change nothing about them */
    struct cf_random dialling;
    bool arriving;
    double next_arrival_ns; /* since start_ns */
    double first_arrival_ns; /* the earliest that it can be: from there the bursts are counted */
    uint64_t serial;        /* of the next call */
    uint64_t made;          /* of settings->calls */
    bool accepts;           /* the profile passes ACCEPTED */
    uint16_t toggles;
    uint32_t *open; /* lines that are open, in no order */
    uint32_t open_count;
    uint32_t *place; /* of a line in open; CF_LINES_MAX: closed */
    uint32_t *busy;  /* calls of each line that are not IDLE */
    struct cf_sim_forward *forwards; /* of each line; zeros: nothing is set */
    uint32_t forwards_untold;
    struct cf_sim_counters counters;
};

struct cf_sim_step {
    uint32_t state, mode;
};

/* When something happens. */
struct cf_sim_time {
    uint64_t tick;
    int64_t ns;
};

static inline uint32_t cf_sim_call_index(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    return (uint32_t)(c - m->calls);
}

/* Indexes in the wheel behind those of the calls. */
static inline uint32_t cf_sim_far_ends_base(const struct cf_sim_settings *s)
{
    return s->calls_max + CF_SIM_DIGITS_MAX;
}

static inline uint32_t cf_sim_orbits_base(const struct cf_sim_settings *s)
{
    return cf_sim_far_ends_base(s) + CF_SIM_FAR_ENDS;
}

static inline uint32_t cf_sim_completions_base(const struct cf_sim_settings *s)
{
    return cf_sim_orbits_base(s) + CF_SIM_ORBITS_MAX;
}

/* LINEADDRCAPFLAGS_ that the lines have. */
static inline bool cf_sim_flag(const struct cf_sim_model *m, uint32_t flag)
{
    return (m->settings->addr_cap_flags & flag) != 0;
}

/* ------------------------------------------------------------------ one call (call.c) */

struct cf_sim_call *cf_sim_call_find(const struct cf_sim_model *m, uint64_t id);

/* A call with a new identifier, or NULL: calls_max are alive. */
struct cf_sim_call *cf_sim_call_begin(struct cf_sim_model *m, uint32_t line);

/* Tells a core that does not know it. False: it could not be told. */
bool cf_sim_call_announce(struct cf_sim_model *m, const struct cf_sim_call *c, uint32_t flags, int64_t now_ns);

/* A call that ends so, or leaves its conference, takes along whom it held or stood for (bond.h). */
void cf_sim_call_report(struct cf_sim_model *m, struct cf_sim_call *c, struct cf_sim_step to, int64_t now_ns);

/* The state has lasted its time: what follows. */
void cf_sim_call_expire(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns);

/* Sets the timer of the state the call is in; states that last no time are passed at once. tick: when this state began. */
void cf_sim_call_go_on(struct cf_sim_model *m, struct cf_sim_call *c, uint64_t tick, int64_t now_ns);

/* IDLE, at once. */
void cf_sim_call_end(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns);

/* Gives the identifier back; a call that lived is missed by those that it belonged together with. */
void cf_sim_call_forget(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns);

/* For the journal alone. */
void cf_sim_call_note(const struct cf_sim_model *m, const struct cf_sim_call *c, uint32_t flags, uint32_t state,
                      int64_t now_ns);

/* The reply to a command that is about that call, or that made it. */
void cf_sim_reply(const struct cf_sim_model *m, const struct cf_command *command, int32_t result, uint64_t call);

/* ------------------------------------------------------------------ calls that come (arrivals.c) */

/* How it will turn out. Always the same number of draws, so that no call changes the next. */
void cf_sim_call_draw(const struct cf_sim_model *m, struct cf_random *random, struct cf_sim_call *c);

void cf_sim_arrive(struct cf_sim_model *m, int64_t now_ns);
void cf_sim_arrivals_start(struct cf_sim_model *m, uint64_t tick);

/* The tick of the next arrival; CF_WHEEL_NEVER: none will come. */
uint64_t cf_sim_arrival_tick(const struct cf_sim_model *m);

/* ------------------------------------------------------------------ calls that are made (dialling.c) */

/* How a dialled number turns out: by the first rule that fits, else as it was drawn. */
enum cf_sim_outcome cf_sim_dialled(const struct cf_sim_settings *s, struct cf_text number, enum cf_sim_outcome drawn);

/* A call of an application, in no state yet. NULL as cf_sim_call_begin(). */
struct cf_sim_call *cf_sim_outgoing_begin(struct cf_sim_model *m, uint32_t line);

/* The number is dialled: DIALING and what comes of it. Of a new call, or one that has dial tone. */
void cf_sim_dial(struct cf_sim_model *m, struct cf_sim_call *c, struct cf_text number, struct cf_sim_time now);

/* Dial tone, for as long as nobody dials and the setting says. */
void cf_sim_dial_tone(struct cf_sim_model *m, struct cf_sim_call *c, struct cf_sim_time now);

void cf_sim_make_call(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);

/* ------------------------------------------------------------------ hold and transfer (transfer.c) */

void cf_sim_hold(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_unhold(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_swap_hold(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_setup_transfer(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_complete_transfer(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_blind_transfer(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);

void cf_sim_redirect(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);

/* Why a call, to be in that state, cannot go to the command's number: 0 or LINEERR_. */
int32_t cf_sim_number_refusal(const struct cf_command *command, const struct cf_sim_call *c, uint32_t state);

/* ------------------------------------------------------------------ other services (service.c) */

void cf_sim_dial_on(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_secure(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_send_user_user(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_release_user_user(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_set_call_data(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_set_treatment(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_dev_specific(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);

/* ------------------------------------------------------------------ calls that were others' before (taken.c) */

/* A number in digits, 18 at most. False: it is none. */
bool cf_sim_number(struct cf_text text, uint64_t *ret_number);

/* NULL: it has none. */
const struct cf_sim_past *cf_sim_past(const struct cf_sim_model *m, const struct cf_sim_call *c);

/* Serial number of the call that its far end made, or CF_SIM_PARTY_UNKNOWN. */
uint64_t cf_sim_party(const struct cf_sim_model *m, const struct cf_sim_call *c);

/* A call in no state yet whose far end talks so long. NULL as cf_sim_call_begin(). */
struct cf_sim_call *cf_sim_taken_begin(struct cf_sim_model *m, uint32_t line, uint32_t reason, uint64_t party,
                                       uint32_t talk_ms);

/* CF_SIM_NOBODY: no line has that number. */
uint32_t cf_sim_line_of(const struct cf_sim_model *m, struct cf_text number);

/* The line that the caller had dialled. */
uint32_t cf_sim_dialled_line(const struct cf_sim_model *m, const struct cf_sim_call *c);

/* How long the far end of a call that nobody has answered yet will talk. */
uint32_t cf_sim_talk_ms(const struct cf_sim_call *c);

/* OFFERING, as a call of the exchange. False: it found no room and is forgotten. */
bool cf_sim_offer(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns);

/* The success of the command that made it, and CONNECTED. */
void cf_sim_taken_connect(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_call *c,
                          struct cf_sim_time now);

/* ------------------------------------------------------------------ orbits (park.c) */

void cf_sim_park(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_unpark(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);

/* The time of that place is over. */
void cf_sim_orbit_expire(struct cf_sim_model *m, uint32_t place, int64_t now_ns);

/* How many are taken. False: one of them is not as it should be. */
bool cf_sim_orbits_check(const struct cf_sim_model *m, uint32_t *ret_taken);

/* ------------------------------------------------------------------ completion (completion.c) */

void cf_sim_complete_call(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_uncomplete_call(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);

/* The set that somebody waits for is free. */
void cf_sim_completion_expire(struct cf_sim_model *m, uint32_t place, int64_t now_ns);

/* How many wait. False: one of them is not as it should be. */
bool cf_sim_completions_check(const struct cf_sim_model *m, uint32_t *ret_waiting);

/* ------------------------------------------------------------------ forwarding (forward.c) */

void cf_sim_forward(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);

/* Tells what the core does not know yet, as far as there is room. */
void cf_sim_forwards_tell(struct cf_sim_model *m);

/* The same of everything, to a core that knows none of it. */
void cf_sim_forwards_announce(struct cf_sim_model *m);

/* kinds: bits of what applies on that line. */
struct cf_sim_route cf_sim_route(const struct cf_sim_model *m, uint32_t line, uint32_t kinds);

/* Moves a new call, in no state yet, to the line where it comes out. False: to none. */
bool cf_sim_divert(struct cf_sim_model *m, struct cf_sim_call *c);

/* Of a new call: it rings no longer than its line's forwarding lets it. */
void cf_sim_limit_ringing(const struct cf_sim_model *m, struct cf_sim_call *c);

/* True: it is not answered, and its line has it rung elsewhere then. */
bool cf_sim_goes_on_elsewhere(const struct cf_sim_model *m, const struct cf_sim_call *c, struct cf_sim_step to);

/* The far end of such a call calls where it was sent. */
void cf_sim_send_on(struct cf_sim_model *m, const struct cf_sim_call *c, int64_t now_ns);

/* ------------------------------------------------------------------ pickup (pickup.c) */

void cf_sim_pickup(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);

/* ------------------------------------------------------------------ conferences (conference.c) */

/* How a transfer that becomes a conference is carried out. */
void cf_sim_conference_of_two(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_call *held,
                              struct cf_sim_call *consultation, struct cf_sim_time now);

void cf_sim_setup_conference(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_prepare_add(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_add_to_conference(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);
void cf_sim_remove_from_conference(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);

/* ------------------------------------------------------------------ digits and tones (sending.c) */

/* New digits, or a tone, stop the old ones. None, or an empty list: there is nothing to wait for. */
void cf_sim_generate(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);

/* GATHER_DIGITS and MONITOR_DIGITS: to its far end. */
void cf_sim_listen(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now);

/* The digits or tone of a call have ended: the reply to the command that began them. Without any nothing happens. */
void cf_sim_digits_end(struct cf_sim_model *m, struct cf_sim_call *c, int32_t result);

/* The same without a reply: who asked is gone. */
void cf_sim_digits_forget(struct cf_sim_model *m, struct cf_sim_call *c);

#endif
