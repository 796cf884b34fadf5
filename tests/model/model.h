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
#include "core/rights.h"
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
    SIM_REFS = 2048,
    SIM_REQUESTS = 256,
    SIM_QUEUE = 68,
    SIM_PASSED = 160,
    SIM_LATE = 16,
    SIM_PEERS = 9,       /* names that lists of priorities may hold: "peer0" to "peer8", of which some are nobody's */
    SIM_MODES = 15,
    SIM_ADDRESSES = 2,   /* of each line */
    SIM_LISTED = 64,
    SIM_SPECIFICS = 64, /* CF_EV_DEV_SPECIFIC of a turn */
    SIM_TONES = 256, /* lists of them */
    SIM_IDS = 256, /* call identifiers per provider */
};

/* What handles that go in slices change. */
#define SIM_COUNT_BITS \
    (LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMOWNERDECR | LINECALLINFOSTATE_NUMMONITORS | LINECALLINFOSTATE_MONITORMODES)

/*
 * Who takes part in a call: a number per text, since every text here is a letter, a number and, of the long ones, dots (m_who_text).
 * 0 nothing is known, M_WITHHELD an empty field came.
 */
enum m_who_text_of { M_CALLER, M_CALLER_NAME, M_CALLED, M_CALLED_NAME, M_CONNECTED, M_CONNECTED_NAME, M_REDIRECTION, M_REDIRECTION_NAME,
                     M_REDIRECTING, M_REDIRECTING_NAME, M_WHO };
#define M_WITHHELD UINT32_MAX
#define M_NAMELESS_FROM 500000u /* serials of calls without any text */
#define M_LONG_FROM 1000000u /* numbers from here on: each fifth text is long */

struct m_who {
    uint32_t number[M_WHO];
};

/* What else lineGetCallInfo tells of a call: the number in each text, 0 there is none. */
struct m_shown {
    uint32_t user_user, call_data, treatment;
    uint32_t reason; /* of calls that lineUnpark and linePickup made; 0: not looked at */
};

enum m_heard { M_DIGITS, M_MEDIA, M_HEARD };

/* Requests that are answered at once and whose end is a message of their own. */
enum m_apart { M_NOT_APART, M_SENDS_DIGITS, M_SENDS_TONE, M_GATHERS, M_APART };

/* One message that a handle is owed. */
struct m_owed {
    bool deferred; /* may come in a later turn, until the engine has nothing left to do */
    bool optional;
    bool any_mode;
    bool parent_unsure; /* the handle of the conference's call, or 0 */
    uint16_t parent;    /* of CONFERENCED: the reference, + 1, whose handle is due; 0: none is */
    uint16_t id;   /* LINE_CALLSTATE, LINE_CALLINFO, LINE_MONITORDIGITS, LINE_MONITORMEDIA, LINE_MONITORTONE or LINE_DEVSPECIFIC */
    uint32_t param1, param2, param3; /* param3: of LINE_DEVSPECIFIC */
    int64_t time_ns;
};

/* What a provider has said in this turn that only it and its applications understand: of a call, or of a line (call_id 0). */
struct m_specific {
    uint64_t call_id;
    uint8_t provider;
    uint32_t param[3];
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
    bool handed;      /* handed over, and not told of it yet: surely an owner */
    bool candidate;   /* may turn out to be the initial owner */
    bool saw_idle;
    bool for_list;    /* lineGetConfRelatedCalls may make it */
    bool listing;     /* such a list may have given it its handle in this turn */
    bool perhaps;     /* it was announced in this turn, which was not certain: what it was owed was not counted */
    bool owner_unsure; /* it asked in this turn to be a monitor, and whether it may is not known */
    bool told_before; /* the application had the handle when the turn began */
    uint8_t privilege, privilege_before; /* now, and at the beginning of the turn */
    uint64_t handle;
    uint64_t listed;  /* the handle that such a list had for it in this turn */
    uint64_t made;    /* the how manieth reference it is */
    uint64_t counted; /* the list that it was found in last */
    uint32_t view_state, view_mode, view_parent; /* view_parent: serial of the conference's call that it was told of last, 0 none */
    uint32_t counts, counts_must; /* owner and monitor changes it may, must still be told */
    uint32_t changes;             /* so many, or fewer with their bits or-ed */
    uint32_t infos;               /* LINE_CALLINFO bits lost to an outage */
    uint32_t listens[M_HEARD];    /* lineMonitorDigits, lineMonitorMedia: the modes */
    uint32_t heard[M_HEARD];      /* those heard in this turn, whatever it listens for later in it */
    bool listens_unsure;          /* ... or some of them */
    uint8_t owed_count;
    struct m_owed owed[SIM_QUEUE];
};

struct m_call {
    bool used;
    bool made;      /* by a request */
    bool nameless;  /* no caller, no called number: no message says which call it is */
    bool conference; /* made or announced as the call of a conference */
    bool nobodys;   /* made for a request that failed: CLOSE_CALL is due, nothing else happens to it */
    bool overload;  /* CF_CMD_REFUSED may say that there is no room */
    uint32_t named_parent; /* serial of the call that its last CONFERENCED named, if that was one */
    bool parent_unsure;    /* ... or of none */
    uint16_t parent; /* it is a member of that call's conference: its number + 1; 0: of none */
    bool ending;    /* its provider died */
    bool ended;     /* ... and the engine has told so */
    bool refusable; /* CF_CMD_REFUSED is a right answer */
    bool must_refuse;
    bool invalid;   /* ... as against the contract */
    uint8_t provider, line;
    uint8_t drop; /* 0 none, 1 the engine may drop it, 2 it must */
    bool drop_again; /* a second sole owner closed before the drop for the first was seen: two may come */
    uint8_t address;
    uint32_t serial;
    uint64_t id; /* the provider's */
    uint32_t state, mode, media;
    uint32_t bearer, rate;
    uint32_t app_specific;
    bool tags_unsure; /* app_specific and media, in this turn: who set them may not have had the right */
    uint32_t media_due, media_may; /* SET_MEDIA_MODE: due in this turn, possible */
    struct m_who who;
    struct m_shown shown;
    uint32_t listened[M_HEARD]; /* what its provider was told last */
    uint8_t stops[M_APART]; /* commands due that stop what runs */
    int64_t state_ns;
    uint8_t passed_count; /* states in this turn, the one before it first */
    struct {
        uint32_t state, mode, parent; /* parent: as above */
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
    uint32_t address_mask, address_mask_seen; /* the same of LINE_ADDRESSSTATE */
    uint32_t address_owed[SIM_ADDRESSES];
    uint64_t specific_owed, specific_may; /* LINE_DEVSPECIFIC due, and possible, in this turn: bits of model.specifics */
};

/* The tones that a handle listens for. What ends it is told with a command of its own, or with that of the list in its place. */
struct m_tones {
    bool used;
    bool stops, replaced; /* its handle asked for that in this turn */
    bool ended;           /* its handle is gone */
    bool over;            /* its provider was told so in this turn */
    bool idle;            /* its call has ended in this turn */
    uint8_t provider, port, bytes;
    uint16_t replaces; /* the list whose place it takes, + 1; 0: of none */
    uint32_t number;   /* the engine's; 0: its provider is to be told in this turn */
    uint64_t call_id, handle;
    uint8_t list[80];
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
    uint32_t serial; /* of the text that m_serial_tag() names; the rate that tells two lineSetCallParams apart */
    int32_t result;
    uint8_t makes, made_count; /* calls: to be made, and made */
    uint16_t made[2];
    uint64_t second_id;     /* the provider's name for the other call, of those that have one */
    uint64_t detail;        /* what else the command must say: modes, parties, country, rings */
    uint64_t place;         /* of requests on a line: the line's number and the address */
    uint32_t completion;    /* COMPLETE_CALL: what its provider called it */
    uint8_t address;
    uint64_t handle;        /* of what is apart: whom the message at its end is for */
    uint64_t times;         /* GATHER_DIGITS: the timeouts */
    uint8_t term;           /* ... LINEGATHERTERM_ */
    uint16_t fields_bytes;  /* of what is apart: the request's fields, which its command has too */
    uint32_t fields;        /* ... and a hash of them */
    int64_t ended_ns;       /* of the provider's reply; 0: there was none */
    uint64_t ended;         /* the how manieth that ended */
    uint64_t ended_turn;
    uint8_t text_bytes;     /* what its end brings with it */
    char text[100];
    uint32_t bearer, rate;  /* SET_CALL_PARAMS */
    uint64_t call_id;       /* ... whose */
};

/* The expected answer of a synchronous request. */
/* Where the calls of an address go instead. */
struct m_forwards {
    uint32_t rings, bytes;
    uint8_t list[240];
};

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
    struct m_shown shown;
    uint32_t listened[M_HEARD]; /* modes that some application surely listens for */
    uint32_t bearer, rate;
    uint32_t app_specific, media;
    bool tags_unsure;
    uint32_t on_hold, pending; /* lineGetAddressStatus; owners: in use */
    struct m_forwards forwards;
    bool forwards_unsure; /* its provider is ending */
    uint16_t parent;  /* CONF_CALLS: the conference's call + 1; 0: there is none */
    uint16_t related[SIM_LISTED]; /* the references of its list */
    bool loose;      /* ... which may be another one, or an error */
    uint32_t related_count;
    uint64_t cursor;
    uint8_t stops;    /* enum m_apart: it only stops what runs */
    uint16_t request; /* else its request + 1 */
    uint16_t tones;   /* the list that it begins or stops, + 1 */
    bool tones_stop;
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
    uint32_t unswept; /* handles of lines that closed since the engine had nothing left to do: they may still take room */
    bool resyncing;  /* RESYNC_BEGIN was published, RESYNC_END not yet */
    uint64_t sequence, messages, missed_told, gaps;
    uint64_t missed_low, missed_high; /* bounds of what the running outage has cost */
    uint64_t unseen_low, unseen_high;
    uint32_t late_tells; /* LINE_LINEDEVSTATE and LINE_ADDRESSSTATE that slices may still tell: an outage that begins meanwhile costs them */
    struct m_open opens[SIM_OPENS];
    struct m_answer answers[CF_REPLY_SLOTS];
    uint32_t created_owed[SIM_PROVIDERS * SIM_LINES]; /* LINE_CREATE it may get */
    uint32_t removed_owed[SIM_PROVIDERS * SIM_LINES]; /* LINE_REMOVE: what is not told at once is told once, by the last state */
    bool news_told[SIM_PROVIDERS * SIM_LINES];
    uint32_t handle_generation[512];
    uint8_t rights[SIM_PROVIDERS][SIM_LINES]; /* CF_RIGHT_ bits, of an application */
};

struct m_line {
    bool known, up, removed;
    uint32_t device; /* UINT32_MAX: not asked yet */
    uint8_t opened;  /* commands seen: 0 closed, 1 opened, 2 either */
    uint32_t addresses, media, features, status, transfer_modes;
    uint32_t gather_min, gather_max, tone_modes, tone_freqs; /* lineGatherDigits' timeouts; what lineGenerateTone can send */
    uint32_t line_features;
    uint32_t heard_freqs, heard_entries;                     /* of the tones of lineMonitorTones */
    uint32_t modes_told; /* what OPEN_LINE last said: the union of the opens' media modes */
    uint32_t address_caps; /* LINEADDRCAPFLAGS_ */
    uint32_t digit_modes;  /* that it hears */
    struct cf_feature_caps more;
    struct m_forwards forwards[SIM_ADDRESSES];
};

struct model {
    bool failed;
    char why[512];
    uint32_t handles_max, idle_max;
    bool small; /* limits so small that they bite: what they cost is not predicted to the last message */
    bool keeps; /* close_policy */
    bool parties_lack; /* the engine had no room for all names and numbers */
    uint32_t calls_max, calls_per_provider;
    uint32_t ids[SIM_PROVIDERS][SIM_IDS]; /* generations: the highest of each call identifier */
    /* The provider's name for the call of a handle: asked of the engine where no message says it. 0: it does not know. */
    uint64_t (*identify)(const void *arg, uint32_t port, uint64_t handle);
    const void *identify_arg;
    uint64_t opens_made, refs_made, requests_ended;
    uint32_t nameless;
    uint32_t calls_going; /* of dead providers, forgotten here: they take room until the engine has nothing left to do */
    uint64_t turn, turn_answer; /* counted: turns, lists of a conference */
    struct m_port ports[SIM_PORTS];
    struct m_line lines[SIM_PROVIDERS][SIM_LINES];
    uint8_t priority[SIM_MODES][SIM_PEERS], priority_count[SIM_MODES]; /* numbers of peers, the first first */
    struct m_call calls[SIM_CALLS];
    struct m_ref refs[SIM_REFS];
    struct m_request requests[SIM_REQUESTS];
    uint32_t refs_high, calls_high, requests_high;
    struct m_listed listed[SIM_CALLS];
    struct m_tones tones[SIM_TONES];
    struct m_specific specifics[SIM_SPECIFICS];
    uint32_t specifics_count;
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
    bool full;     /* no room but what is kept for replies: LINE_CLOSE waits, though nothing was missed */
    bool tight;    /* nor for a long message: so does LINE_GATHERDIGITS, and what comes after it */
};

void m_init(struct model *m);

/* to becomes as from is. What from never used is not copied. */
void m_copy(struct model *to, const struct model *from);

/* Keeps the first disagreement. Always false. */
bool m_fail(struct model *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A turn: begin, every input in the order taken, every output, end. idle: the engine has nothing left to do. */
void m_turn_begin(struct model *m, const struct m_words *words);
void m_input(struct model *m, uint32_t port, const struct cf_record *r);
/* The same of a record that three cores died of; only of those for which m_may_set_aside(). */
void m_set_aside(struct model *m, uint32_t port, const struct cf_record *r);
bool m_may_set_aside(const struct cf_message *r);
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
void m_call_passes(struct m_call *c);
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
/* owners.c */
uint32_t m_rank(const struct model *m, uint32_t port, uint32_t media);
void m_answer_owner(struct model *m, struct m_answer *a, uint32_t port, struct m_ref *ref, const struct cf_record *r);
bool m_handoff_sure(struct model *m, const struct m_ref *ref);
void m_priority_request(struct model *m, struct m_answer *a, uint32_t port, const struct cf_record *r);
void m_tags_refused(struct model *m, const struct m_answer *a);
void m_tags_answer(struct model *m, uint32_t port, const struct m_answer *a, const struct cf_reply_call_info *i);
void m_media_command(struct model *m, uint32_t provider, const struct m_output *o);
void m_call_info(struct model *m, struct m_call *c, uint32_t bits, int64_t time_ns, uint32_t but_port, bool unsure);
/* addresses.c */
void m_address_use(struct model *m, const struct m_call *c, uint32_t was, uint32_t is, bool sure);
void m_address_event(struct model *m, uint32_t provider, uint32_t line, const struct cf_record *r);
void m_address_request(struct model *m, struct m_answer *a, const struct m_open *o, const struct cf_record *r);
void m_address_answer(struct model *m, uint32_t port, const struct m_answer *a, const struct cf_reply_slot *reply);
void m_address_output(struct model *m, const struct m_output *o);
void m_address_end(struct model *m, uint32_t port, struct m_open *o);
void m_open_command(struct model *m, uint32_t provider, const struct m_output *o);
void m_line_modes(struct model *m, uint32_t provider, uint32_t line);
uint32_t m_serial_of(const struct cf_record *r, uint16_t tag);
struct m_call *m_call_new(struct model *m, uint32_t provider, uint32_t line, uint64_t id, uint32_t state, uint32_t mode);
bool m_calls_lack(const struct model *m);
bool m_may_lack_room(struct model *m, uint32_t port, uint32_t makes);
struct m_request *m_request_new(struct model *m, uint32_t port, const struct cf_record *r);
bool m_many_requests(const struct model *m, uint32_t port, bool apart);
void m_release(struct model *m, struct m_ref *r);
void m_sync_request(struct model *m, uint32_t port, const struct cf_record *r);
void m_request_input(struct model *m, uint32_t port, const struct cf_record *r);
void m_request_done(struct model *m, struct m_request *q, const struct cf_record *r);
/* apart.c */
enum m_apart m_apart(uint16_t id); /* of a request, or its command */
void m_answer_apart(struct model *m, struct m_answer *a, uint32_t port, struct m_ref *ref, const struct cf_record *r);
bool m_apart_fields(const struct m_request *q, const struct m_output *o);
void m_apart_stops(struct model *m, uint32_t provider, const struct m_output *o);
void m_apart_refused(struct model *m, const struct m_answer *a);
void m_gather_ended(struct m_request *q, const struct cf_record *r);
void m_generate(struct model *m, const struct m_output *o);
void m_gathered(struct model *m, const struct m_output *o);
/* listening.c */
uint32_t m_listened(const struct model *m, uint32_t call, enum m_heard kind, bool *ret_unsure);
void m_answer_listen(struct model *m, struct m_answer *a, struct m_ref *ref, const struct cf_record *r);
void m_heard(struct model *m, uint32_t provider, const struct cf_record *r);
void m_heard_told(struct model *m, const struct m_output *o);
void m_listen_command(struct model *m, uint32_t provider, const struct m_output *o);
void m_listen_end(struct model *m, uint32_t call);
void m_listener_gone(struct model *m, const struct m_ref *r, bool by_close);
bool m_many_listen(const struct model *m, uint32_t port);
/* specific.c */
void m_specific_event(struct model *m, uint32_t provider, const struct cf_record *r);
void m_specific_told(struct model *m, const struct m_output *o);
void m_specific_end(struct model *m);
/* tones.c */
void m_answer_tones(struct model *m, struct m_answer *a, struct m_ref *ref, const struct cf_record *r);
void m_tones_refused(struct model *m, const struct m_answer *a);
void m_tones_leave(struct model *m, uint32_t port, uint64_t handle);
void m_tones_idle(struct model *m, const struct m_call *c);
void m_tones_command(struct model *m, uint32_t provider, const struct m_output *o);
void m_tone_heard(struct model *m, uint32_t provider, const struct cf_record *r);
bool m_tones_listens(const struct model *m, uint32_t port, uint64_t handle);
void m_tones_end(struct model *m, bool idle);
bool m_meets(struct model *m, struct m_ref *r, const struct m_output *o);
/* replies.c */
void m_request_ends(struct model *m, struct m_request *q);
void m_request_told(struct model *m, struct m_request *q);
bool m_may_be_told(const struct model *m, const struct m_request *q);
void m_requests_kept(struct model *m, uint32_t port);
bool m_has_serial(uint16_t id, uint32_t makes);
bool m_reply(struct model *m, const struct m_output *o);
void m_text_comes(struct m_request *q, const struct cf_record *r);
bool m_text_brought(const struct m_output *o, uint16_t tag, const struct m_request *q);
/* on_line.c */
void m_line_request(struct model *m, uint32_t port, const struct cf_record *r);
/* parameters.c */
uint16_t m_serial_tag(uint16_t request);
uint32_t m_request_serial(const struct cf_record *r);
int32_t m_wrong_parameters(const struct m_line *l, const struct cf_record *r);
bool m_unable(const struct m_line *l, const struct cf_record *r);
void m_shown_take(struct m_shown *w, const struct cf_record *r);
bool m_shown_right(const struct m_shown *w, const struct cf_reply_call_info *i);

/* conference.c */
bool m_conference_is(const struct model *m, const struct m_call *c);
bool m_conference_unsure(const struct model *m, const struct m_call *c);
void m_conference_join(struct model *m, struct m_call *c, uint64_t parent_id);
void m_conference_leave(struct model *m, struct m_call *c);
void m_conference_over(struct model *m, struct m_call *c);
void m_conference_owed(const struct model *m, const struct m_ref *r, struct m_owed *owed);
bool m_conference_told(struct model *m, const struct m_ref *r, const struct m_owed *owed, const struct m_output *o);
void m_conference_asked(struct model *m, uint32_t port, struct m_answer *a, const struct m_ref *r, const struct cf_record *record);
void m_conference_listed(struct model *m, uint32_t port, struct m_answer *a, const struct cf_reply_slot *reply);
void m_conference_settle(struct model *m, struct m_ref *r);

void m_provider_input(struct model *m, uint32_t provider, const struct cf_record *r);

#endif
