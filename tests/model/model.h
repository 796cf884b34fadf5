/*
 * The model: what must be true of the engine, as plainly as it can be said, written apart from it.
 *
 * Shape      one structure without pointers, so that a trial may work on a copy
 * Units      an input is a record that the engine took, an output one that it published; a turn is the inputs in an order and
 *            the outputs they led to
 * Invariant  an input makes expectations; an output must meet the oldest expectation of its handle; what was expected at
 *            once is met in the same turn, what the engine may do in slices is met when it has nothing left to do
 * Errors     the first disagreement is kept as a sentence in why; nothing after it counts
 */
#ifndef CF_TESTS_MODEL_MODEL_H
#define CF_TESTS_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "callfan/provider.h"
#include "shm/fields.h"
#include "shm/handle.h"
#include "shm/port.h"
#include "shm/record.h"
#include "shm/request.h"

enum {
    SIM_PROVIDERS = 2,
    SIM_APPS = 4,
    SIM_PORTS = 1 + SIM_PROVIDERS + SIM_APPS,
    SIM_LINES = 3, /* per provider */
    SIM_OPENS = 6, /* per application */
    SIM_CALLS = 256,
    SIM_REFS = 1024,
    SIM_REQUESTS = 256,
    SIM_QUEUE = 68,
    SIM_PASSED = 68,
    SIM_LATE = 16,
};

#define SIM_COUNT_BITS (LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMOWNERDECR | LINECALLINFOSTATE_NUMMONITORS)

/*
 * Who takes part in a call: a number per text, since every text here is a letter, a number and, of the long ones, dots (m_who_text).
 * 0 nothing is known, M_WITHHELD an empty field came.
 */
enum m_who_text_of { M_CALLER, M_CALLER_NAME, M_CALLED, M_CALLED_NAME, M_CONNECTED, M_CONNECTED_NAME, M_REDIRECTION, M_REDIRECTION_NAME,
                     M_REDIRECTING, M_REDIRECTING_NAME, M_WHO };
#define M_WITHHELD UINT32_MAX
#define M_LONG_FROM 1000000u /* numbers from here on: each fifth text is long */

struct m_who {
    uint32_t number[M_WHO];
};

/* One message that a handle is owed. */
struct m_owed {
    bool deferred; /* may come in a later turn, until the engine has nothing left to do */
    bool optional;
    bool any_mode;
    uint16_t id;   /* LINE_CALLSTATE or LINE_CALLINFO */
    uint32_t param1, param2;
    int64_t time_ns;
};

enum m_announce {
    M_TOLD,     /* the application has the handle */
    M_NOW,      /* LINE_APPNEWCALL is due in this turn */
    M_REPLY,    /* the handle comes with LINE_REPLY */
    M_LATER,    /* the port is behind: due at the end of the resync */
    M_OPTIONAL, /* a limit may forbid it */
};

/* What one open line has to do with one call. */
struct m_ref {
    bool used, gone; /* gone: released or closed in this turn */
    uint8_t port, open;
    uint16_t call;
    uint8_t announce; /* enum m_announce */
    bool first;       /* no CALLSTATE yet: the next one carries the privilege */
    bool first_free;  /* ... or does not (handles of lineGetNewCalls) */
    bool limbo;       /* its line or provider is going: messages are possible, none is certain */
    bool unknown;     /* announced as UNKNOWN: a call made by someone else */
    bool candidate;   /* may turn out to be the initial owner */
    bool saw_idle;
    uint8_t privilege, privilege_before; /* now, and at the beginning of the turn */
    uint64_t handle;
    uint32_t view_state, view_mode;
    uint32_t counts, counts_must; /* owner and monitor changes it may, must still be told */
    uint32_t changes;             /* so many, or fewer with their bits or-ed */
    uint32_t infos;               /* LINE_CALLINFO bits lost to an outage */
    uint8_t owed_count;
    struct m_owed owed[SIM_QUEUE];
};

struct m_call {
    bool used;
    bool made;      /* by lineMakeCall */
    bool ending;    /* its provider died */
    bool ended;     /* ... and the engine has told so */
    bool refusable; /* CF_CMD_REFUSED is a right answer */
    bool must_refuse;
    bool invalid;   /* ... as against the contract */
    uint8_t provider, line;
    uint8_t drop; /* 0 none, 1 the engine may drop it, 2 it must */
    uint8_t address;
    uint32_t serial;
    uint64_t id; /* the provider's */
    uint32_t state, mode, media;
    uint32_t bearer, rate;
    struct m_who who;
    uint32_t stops; /* commands due that stop digits */
    int64_t state_ns;
    uint8_t passed_count; /* states in this turn, the one before it first */
    struct {
        uint32_t state, mode;
    } passed[SIM_PASSED];
};

struct m_open {
    bool used, limbo, gone;
    bool unsure; /* lineOpen may still have failed */
    uint8_t provider, line;
    uint8_t close_owed; /* LINE_CLOSE: 0 none, 1 possible, 2 due */
    uint8_t privilege;  /* LINECALLPRIVILEGE_ bits of lineOpen */
    uint32_t media;
    bool single;        /* LINEOPENOPTION_SINGLEADDRESS */
    uint8_t address;
    uint64_t handle;
    uint64_t order;
    uint32_t mask, mask_seen; /* of LINE_LINEDEVSTATE: now, and at any time in this turn */
    uint32_t states_owed; /* LINE_LINEDEVSTATE bits due in this turn */
};

/* A handle from a list of lineGetNewCalls; which call it is, lineGetCallInfo tells. */
struct m_listed {
    bool used;
    uint8_t port, open;
    uint64_t handle;
};

enum m_request_state { M_REQUEST_FORWARD = 1, M_REQUEST_WITH_PROVIDER, M_REQUEST_REPLY };

struct m_request {
    bool used, any_error, deferred, limited;
    bool orphan; /* its line was closed */
    bool dead;   /* who asked is gone */
    uint8_t suppressed; /* LINE_REPLY: 0 due, 1 possible, 2 forbidden */
    uint8_t port, open, state, provider, line;
    uint16_t id; /* CF_REQ_ */
    uint16_t call;
    uint32_t request_id;
    uint64_t number; /* the command's */
    uint32_t serial; /* of the destination; of the digits; the rate that tells two lineSetCallParams apart */
    int32_t result;
    uint64_t handle;        /* GENERATE_DIGITS: whom LINE_GENERATE is for */
    uint32_t bearer, rate;  /* SET_CALL_PARAMS */
    uint64_t call_id;       /* ... whose */
};

/* The expected answer of a synchronous request. */
struct m_answer {
    bool used, any_error, may_fail, listed, limited;
    bool either; /* whether somebody else owns the call is not known: 0 is right too */
    uint16_t id;
    uint8_t open;
    uint64_t sequence;
    uint64_t as_of_low;
    int32_t result;
    uint16_t call;
    uint32_t state, mode, privilege;
    uint32_t owners, monitors, unsure; /* unsure: references that may or may not count */
    uint32_t total_low, total_high, room;
    uint32_t device;
    uint64_t handle;
    struct m_who who;
    uint32_t bearer, rate;
    bool stops;       /* lineGenerateDigits without digits */
    uint16_t request; /* ... with: its request + 1 */
};

struct m_port {
    uint8_t kind; /* enum cf_port_kind */
    uint8_t state; /* 0 free, 1 attach sent, 2 live, 3 gone sent */
    bool attached_owed, free_owed, shut, expellable;
    uint64_t late_close[SIM_LATE]; /* closed lines whose LINE_CLOSE may still wait for room */
    uint32_t requests_max; /* so many outstanding ones are never refused */
    bool closing; /* too many handles of IDLE calls: all its lines are being closed */
    uint32_t generation, usage, base_generation;
    uint32_t behind; /* the engine's word after the last turn */
    bool sure;       /* what it is offered in this turn is missed */
    bool outage;     /* it was behind at some time in this turn, or before it */
    bool limited;    /* a limit may have kept calls from it */
    bool resyncing;  /* RESYNC_BEGIN was published, RESYNC_END not yet */
    uint64_t sequence, messages, missed_told, gaps;
    uint64_t missed_low, missed_high; /* bounds of what the running outage has cost */
    uint64_t unseen_low, unseen_high;
    struct m_open opens[SIM_OPENS];
    struct m_answer answers[CF_REPLY_SLOTS];
    uint32_t created_owed[SIM_PROVIDERS * SIM_LINES]; /* LINE_CREATE it may get */
    uint32_t removed_owed[SIM_PROVIDERS * SIM_LINES]; /* LINE_REMOVE: what is not told at once is told once, by the last state */
    bool news_told[SIM_PROVIDERS * SIM_LINES];
    uint32_t handle_generation[512];
};

struct m_line {
    bool known, up, removed;
    uint32_t device; /* UINT32_MAX: not asked yet */
    uint8_t opened;  /* commands seen: 0 closed, 1 opened, 2 either */
    uint32_t addresses, media, features, status;
};

struct model {
    bool failed;
    char why[512];
    uint32_t handles_max, idle_max;
    bool small; /* limits so small that they bite: what they cost is not predicted to the last message */
    bool keeps; /* close_policy */
    bool parties_lack; /* the engine had no room for all names and numbers */
    uint64_t opens_made;
    uint32_t serial;
    uint64_t turn;
    struct m_port ports[SIM_PORTS];
    struct m_line lines[SIM_PROVIDERS][SIM_LINES];
    struct m_call calls[SIM_CALLS];
    struct m_ref refs[SIM_REFS];
    struct m_request requests[SIM_REQUESTS];
    uint32_t refs_high, calls_high, requests_high;
    struct m_listed listed[SIM_CALLS];
    uint64_t checked; /* outputs that met an expectation */
};

/* What a port published in a turn. */
struct m_output {
    uint8_t port;
    struct cf_message m;
    uint32_t payload_bytes;
    uint8_t payload[256]; /* the first bytes: fields are short here */
};

/* The words of a port after a turn, as its peer can read them. */
struct m_words {
    uint32_t behind;
    uint64_t sequence, messages, missed, gaps;
    bool resynced; /* RESYNC_BEGIN or RESYNC_END was published */
};

void m_init(struct model *m);

/* Keeps the first disagreement. Always false. */
bool m_fail(struct model *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A turn: begin, every input in the order taken, every output, end. idle: the engine has nothing left to do. */
void m_turn_begin(struct model *m, const struct m_words *words);
void m_input(struct model *m, uint32_t port, const struct cf_record *r);
void m_outputs(struct model *m, const struct m_output *out, uint32_t count, const struct m_words *words);
void m_answers(struct model *m, uint32_t port, uint32_t slot, const struct cf_reply_slot *reply);
void m_turn_end(struct model *m, bool idle, const struct m_words *words);

/* Nobody reads slowly any more, all work is done: nothing may be owed. */
void m_at_rest(struct model *m);

/* The text of a number, as providers send it; room for 81. Returns its length. */
uint32_t m_who_text(uint32_t number, char *text);

/* ---- shared by the model's files ---- */

extern const uint16_t m_who_tags[M_WHO];
void m_who_take(struct m_who *w, const struct cf_record *r);

static inline uint32_t m_provider_port(uint32_t provider) { return 1 + provider; }
static inline bool m_is_provider(uint32_t port) { return port >= 1 && port <= SIM_PROVIDERS; }
static inline bool m_is_app(uint32_t port) { return port > SIM_PROVIDERS && port < SIM_PORTS; }

struct m_call *m_call_of(struct model *m, uint32_t provider, uint64_t id);
struct m_ref *m_ref_of(struct model *m, uint32_t port, uint64_t handle);
struct m_open *m_open_of(struct model *m, uint32_t port, uint64_t handle);
struct m_ref *m_ref_new(struct model *m, uint32_t port, uint32_t open, uint32_t call, enum m_announce announce);
void m_ref_owe(struct model *m, struct m_ref *r, const struct m_owed *owed);
void m_ref_drop(struct model *m, struct m_ref *r, bool by_close);
void m_line_may_tell(struct model *m, uint32_t provider, uint32_t line, uint32_t bits);
void m_open_drop(struct model *m, uint32_t port, uint32_t open);
void m_call_state(struct model *m, struct m_call *c, uint32_t state, uint32_t mode, int64_t time_ns, bool deferred);
void m_call_announce(struct model *m, uint32_t call, uint32_t but_port, uint32_t but_open, bool optional);
bool m_call_passed(const struct m_call *c, uint32_t state, uint32_t mode);
void m_call_count(const struct model *m, uint32_t call, uint32_t *owners, uint32_t *monitors, uint32_t *unsure);
uint32_t m_call_refs(const struct model *m, uint32_t call, bool with_later);
void m_counts_changed(struct model *m, uint32_t call, uint32_t but_port, uint32_t bits, bool sure);
void m_app_gone(struct model *m, uint32_t port);
bool m_new_handle(struct model *m, uint32_t port, uint64_t handle);
struct m_listed *m_listed_of(struct model *m, uint32_t port, uint64_t handle);
bool m_may_be_limited(struct model *m, uint32_t port);
bool m_owner_fits(const struct m_open *o, const struct m_call *c);
uint32_t m_idle_handles(const struct model *m, uint32_t port);
uint32_t m_handles(const struct model *m, uint32_t port);
void m_request_input(struct model *m, uint32_t port, const struct cf_record *r);
void m_provider_input(struct model *m, uint32_t provider, const struct cf_record *r);

#endif
