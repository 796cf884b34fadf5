/*
 * The state: what the engine keeps in its region, as data.
 *
 * Shape      control (turn, log of the turn's answers; not journaled) | journal log | door port | priorities as shown | globals | priorities |
 *            ports | rights | lines | calls of addresses | calls | reference chunks | party blocks | requests | per application: open lines, handle slots, marks | per provider: call map, line map.
 *            Everything after the shown priorities is journaled: no store without cf_touch().
 * Units      indices instead of pointers; CF_INDEX_NONE is no index
 * Invariant  cf_engine_check()
 * Writers    the engine's thread
 */
#ifndef CF_CORE_STATE_H
#define CF_CORE_STATE_H

#include "callfan/limits.h"
#include "callfan/provider.h"
#include "core/engine.h"
#include "core/marks.h"
#include "core/priority.h"
#include "core/rights.h"
#include "shm/fields.h"
#include "shm/handle.h"
#include "shm/handle_table.h"
#include "shm/journal.h"
#include "shm/operations.h"
#include "shm/port.h"
#include "shm/request.h"

#define CF_STATE_MAGIC UINT64_C(0x3145544154534643) /* "CFSTATE1" */
#define CF_STATE_VERSION 9u
#define CF_DOOR_SLOTS 2048
#define CF_LOOKS_PER_TURN 4096 /* calls that requests of all applications look at, one request more at most */
#define CF_BAD_MAX 1024 /* records against the rules after which a peer is shown out */

/* ------------------------------------------------------------------ control: not journaled */

struct cf_answer {
    uint32_t port;
    uint32_t slot;
    uint64_t number;
};

struct cf_control {
    uint64_t magic;
    uint32_t version;
    uint32_t reserved;
    uint64_t boot_id;
    uint64_t state_bytes;
    struct cf_limits limits;
    struct cf_engine_options options;
    uint64_t door_beat; /* the door's thread: rounds it ever made */
    uint64_t pad[7];
    /* the turn */
    uint64_t turn;       /* being executed, or equal to committed */
    uint64_t committed;  /* the one commit point */
    uint64_t beat;       /* turns ever begun by any core: the watcher's counter */
    uint64_t attempts;   /* crashed attempts at turn `turn` */
    uint64_t hand_port;  /* record in hand: port + 1, 0 none */
    uint64_t hand_index; /* and the ring index at which it lies */
    uint64_t hand_service; /* port whose service is being done + 1, 0 none */
    uint64_t setting_aside; /* 1: a turn that leaves something out was begun */
    uint64_t undone, republished; /* recoveries by kind */
    uint64_t answers_count;
    struct cf_answer answers[CF_TURN_RECORDS_MAX];
};

/* ------------------------------------------------------------------ globals */

/* What a turn counts; added to the globals when it commits. */
struct cf_tally {
    uint64_t records, outputs, deliveries;
    uint64_t calls_made, calls_refused, calls_ended, handles_made;
    uint64_t stale_events, stale_requests, bad_records, handles_refused, set_aside, parties_dropped;
    uint64_t denied; /* for want of rights */
};

struct cf_globals {
    struct cf_tally sum;
    uint64_t serial;        /* counts calls and opens: who was there first */
    uint32_t address_states_ever; /* LINEADDRESSSTATE_ bits that some open ever asked for: without one, no line need be looked at */
    uint32_t going;         /* ports in state CF_PORT_GOING: references to their handles are void before each open is closed */
    /* line: one touch for the heads of both pools */
    uint32_t lines_used;    /* device ids ever given */
    uint32_t opens;
    uint32_t next_port;     /* round robin */
    uint32_t chunk_free;    /* list of free reference chunks */
    uint32_t chunks_used;
    uint32_t party_free;    /* list of free party blocks */
    uint32_t parties_used;
    uint32_t parties_live;
    /* line */
    uint32_t busy[(CF_PORTS_MAX + 31) / 32 + 1]; /* bit per port: the port has service due (notices, dues, sweep, behind) */
    uint32_t next_service;  /* round robin: where a turn stopped for want of room */
};
_Static_assert(offsetof(struct cf_globals, lines_used) == 128, "line 2");

/* ------------------------------------------------------------------ ports */

enum cf_port_state { CF_PORT_NONE = 0, CF_PORT_LIVE = 1, CF_PORT_DRAINING = 2, CF_PORT_GOING = 3 };
/* Its service crashed the engine again and again: it is shown out; and when its end crashes the engine too, nothing more is done for it. */
enum cf_port_aside { CF_ASIDE_NOT = 0, CF_ASIDE_LIFE = 1, CF_ASIDE_END = 2 };
enum cf_port_step { CF_IN_STEP = 0, CF_BEHIND = 1, CF_RESYNC = 2 };

/* A walk over the calls of a line; a call that is freed moves the walks that stand on it. */
struct cf_walk {
    uint32_t line; /* CF_INDEX_NONE: no walk */
    uint32_t call; /* next call to visit */
};

struct cf_port {
    /* line 0: output */
    uint64_t tail;      /* next down ring index */
    uint64_t head_seen; /* the peer's acknowledgement, clamped */
    uint64_t mask;      /* down slots - 1 */
    uint64_t sequence;  /* last given */
    uint64_t messages;  /* ever put, GAPs not counted */
    uint64_t missed;    /* ever */
    uint32_t idle_handles;
    uint16_t reserve;   /* slots kept for what is never lost */
    uint8_t expelled;   /* the door was asked to close its socket */
    uint8_t records;    /* taken in one turn at most; of an application what its rights say */
    uint8_t state;      /* enum cf_port_state */
    uint8_t kind;       /* enum cf_port_kind */
    uint8_t step;       /* enum cf_port_step */
    uint8_t usage;
    uint32_t generation;
    /* line 1: input */
    uint64_t up_head;
    uint64_t up_mask;
    uint64_t requests; /* records taken */
    uint64_t bad;
    uint64_t gaps;
    uint64_t calls_unseen;       /* ever */
    uint16_t requests_max;       /* outstanding at most, and so many kept apart beside them */
    uint16_t digits_live;        /* of requests_live: those apart, cf_request_apart() */
    uint16_t requests_used;      /* slots of the request table ever used */
    uint16_t requests_void;      /* of requests_live: of lines closed since, those apart not among them: nobody waits for their LINE_REPLY */
    uint32_t requests_free;      /* list */
    uint32_t requests_live;
    /* line 2: outage */
    uint64_t outage_missed;      /* in this outage or resync, not yet told */
    uint64_t outage_unseen;      /* calls that began and ended unseen */
    uint32_t untold;             /* marks: live calls that were not announced and are to be */
    uint8_t rank[CF_PRIORITY_MODES + 1]; /* of its name in the list of each media mode, from 1; 0: not in it */
    uint32_t watches;            /* calls on which it listens (core/watch.h), a call once per open line */
    uint32_t forward_blocks;     /* provider: in which the forwarding of its addresses is kept (core/forwarding.h) */
    uint32_t replied_first, replied_last; /* requests whose LINE_REPLY waits */
    uint32_t due_first, due_last;         /* open lines with something due (close, device state) */
    uint32_t gap_cause;
    /* line 3: closing */
    struct cf_walk walk;         /* of the open line being swept, or of the provider's line being ended */
    uint32_t sweep_first, sweep_last; /* open lines closed and not yet swept */
    uint32_t sweep_scan;         /* death: next open line, or provider's line, to close */
    uint32_t opens_used;         /* high water of open line slots; of a provider: of its call identifiers */
    uint32_t opens_live;
    uint32_t lines_used;         /* provider: high water of line numbers */
    uint32_t calls_due_first, calls_due_last; /* provider: calls with a command due */
    uint32_t calls_live;         /* provider */
    uint32_t orphan_scan;        /* provider's death: requests searched so far */
    uint64_t drain_left;         /* records still taken from a dead peer's ring */
    uint32_t news;               /* devices to tell LINE_CREATE or LINE_REMOVE of */
    uint16_t expelling;          /* too many handles of IDLE calls: its lines are being closed */
    uint8_t aside;               /* enum cf_port_aside */
    uint8_t announcing;          /* provider: between SNAPSHOT_BEGIN and SNAPSHOT_END */
    /* line 4 */
    struct cf_handle_head handles;
    /* line 5 */
    char name[CF_NAME_MAX];
};
_Static_assert(sizeof(struct cf_port) == 6 * 64, "six lines");

/* What a port keeps back, beside one more slot for each reply that is outstanding and may take two. */
static inline uint32_t cf_port_reserve(const struct cf_port *p) { return p->requests_max + 16u; }

/* Each message and each one missed has its sequence number; those missed and not told yet get theirs with the gap. */
static inline bool cf_port_law_holds(const struct cf_port *p) { return p->sequence == p->messages + p->missed - p->outage_missed; }
_Static_assert(offsetof(struct cf_port, up_head) == 64, "line 1");
_Static_assert(offsetof(struct cf_port, outage_missed) == 128, "line 2");
_Static_assert(offsetof(struct cf_port, walk) == 192, "line 3");

/* ------------------------------------------------------------------ lines */

enum cf_line_state { CF_LINE_NONE = 0, CF_LINE_UP = 1, CF_LINE_DOWN = 2, CF_LINE_REMOVED = 3 };

struct cf_line {
    uint8_t state; /* enum cf_line_state */
    uint8_t status;    /* LINEDEVSTATUSFLAGS_ */
    uint16_t provider; /* port */
    uint32_t number;   /* the provider's */
    uint32_t calls;    /* objects, IDLE ones included */
    uint32_t calls_first, calls_last;
    uint32_t opens;      /* live */
    uint32_t walks;      /* walks that stand on this line's calls */
    uint32_t addresses;
    uint32_t media_modes; /* union of the opens' */
    uint32_t call_features;
    uint32_t addr_cap_flags;
    uint32_t call_states;
    uint32_t states_union; /* LINEDEVSTATE_ bits that some open asked for */
    uint32_t address_states_union; /* LINEADDRESSSTATE_ bits */
    uint32_t closed;     /* opens that are closed and not yet swept: only then can references on this line be void */
    uint32_t reserved;
    uint64_t used[CF_OPENS_PER_LINE_MAX / 64]; /* positions of opens in use (live or not yet swept) */
    uint64_t forwarding_unknown; /* a bit for each address whose forwarding could not be kept */
    uint32_t forwarding;         /* first head of what is kept (core/forwarding.h) */
    uint32_t reserved2[5];
};
_Static_assert(sizeof(struct cf_line) == 128, "two lines");

struct cf_line_info {
    struct cf_line_caps caps;
    char name[CF_NAME_MAX];
    char provider[CF_NAME_MAX];
    char address[CF_NAME_MAX];
    uint8_t pad[36];
};
_Static_assert(sizeof(struct cf_line_info) == 384, "six lines");

/*
 * One open of a line, seen from the line: what fan-out needs. Plane k holds positions 8k..8k+7 of every line.
 * The live bit is the line word: clearing it voids every call handle of that open at once.
 */
#define CF_OPEN_LIVE (UINT64_C(1) << 63)
#define CF_OPEN_MONITOR (UINT64_C(1) << 33)
#define CF_OPEN_OWNER (UINT64_C(1) << 34)
#define CF_OPEN_SINGLE_ADDRESS (UINT64_C(1) << 35)

static inline uint64_t cf_open_make(uint32_t port, uint32_t open_line, uint64_t flags) {
    return (uint64_t)open_line | (uint64_t)port << 17 | flags;
}
static inline uint32_t cf_open_line_of(uint64_t open) { return (uint32_t)open & 0x1FFFF; }
static inline uint32_t cf_open_port_of(uint64_t open) { return (uint32_t)(open >> 17) & 0x1FF; }

/*
 * ------------------------------------------------------------------ open lines: per application
 * A slot is CF_OPEN_FREE in fresh memory and again when its last user has been swept, whatever port that was.
 */

enum cf_open_state { CF_OPEN_FREE = 0, CF_OPEN_OPEN = 1, CF_OPEN_CLOSED = 2 };

#define CF_DUE_CLOSE 1u  /* LINE_CLOSE */
#define CF_DUE_STATE 2u  /* LINE_LINEDEVSTATE with owed_states */
#define CF_DUE_QUEUED 4u
#define CF_DUE_ADDRESS 8u /* LINE_ADDRESSSTATE with owed_address_states, of each of owed_addresses */

struct cf_open_line {
    uint32_t generation; /* of the HLINE, the library's */
    uint32_t line;       /* device id */
    uint8_t state;       /* enum cf_open_state */
    uint8_t position;    /* among the line's opens */
    uint8_t due;         /* CF_DUE_ */
    uint8_t forced;      /* closed by LINE_CLOSE, not by the application */
    uint32_t media_modes;
    uint64_t owed_addresses; /* a bit each */
    uint32_t address;        /* LINEOPENOPTION_SINGLEADDRESS */
    uint32_t line_states;    /* lineSetStatusMessages */
    uint16_t address_states;
    uint16_t owed_address_states;
    uint32_t handles;    /* call handles, void ones included until swept, those of tentative calls not */
    uint32_t owed_states;
    uint32_t next_due, next_sweep;
    uint16_t swept;      /* closed and swept, free once nothing is due */
    uint16_t requests;   /* outstanding, those apart not among them; of a closed one they count as the port's requests_void */
    uint64_t opened;     /* serial */
};
_Static_assert(sizeof(struct cf_open_line) == 64, "one line");

/* ------------------------------------------------------------------ handles: per application, 16 bytes */

#define CF_SLOT_OPEN_MASK 0x1FFFFu
#define CF_SLOT_OWNER (1u << 20)      /* else monitor */
#define CF_SLOT_PRIVILEGE_DUE (1u << 21) /* the next LINE_CALLSTATE carries the privilege (M-40) */
#define CF_SLOT_ANNOUNCE_DUE (1u << 22)  /* handed over while the port was behind: LINE_APPNEWCALL comes with the resync, the handle is marked */

struct cf_call_handle {
    uint32_t generation;
    uint32_t call; /* the table's link while free */
    uint32_t info; /* open line, CF_SLOT_ */
    uint32_t owed; /* LINECALLINFOSTATE_ bits to tell */
};
_Static_assert(sizeof(struct cf_call_handle) == 16, "16 bytes per handle");

/* ------------------------------------------------------------------ calls */

/*
 * A reference: generation >> 1 of the handle (31), position of the open (8), index of the handle (25). The handle itself has its usage, its
 * kind and the generation's lowest bit, which is 1, where the position stands.
 */
#define CF_REF_POSITION_SHIFT CF_USAGE_SHIFT
#define CF_REF_POSITION_BITS (UINT64_C(0xFF) << CF_REF_POSITION_SHIFT)

static inline uint64_t cf_ref_make(uint32_t position, uint32_t index, uint32_t generation) {
    return (uint64_t)(generation >> 1) << 33 | (uint64_t)position << CF_REF_POSITION_SHIFT | index;
}
static inline uint32_t cf_ref_position(uint64_t ref) { return (uint32_t)(ref >> CF_REF_POSITION_SHIFT) & 0xFF; }
static inline uint32_t cf_ref_index(uint64_t ref) { return (uint32_t)ref & CF_SLOT_MASK; }
static inline uint32_t cf_ref_generation(uint64_t ref) { return (uint32_t)(ref >> 33) << 1 | 1; }
/* bits: of its port's outlet */
static inline uint64_t cf_ref_handle(uint64_t ref, uint64_t bits) { return (ref & ~CF_REF_POSITION_BITS) | bits; }

#define CF_REFS_INLINE 8
#define CF_REFS_PER_CHUNK 15

struct cf_ref_chunk {
    uint64_t refs[CF_REFS_PER_CHUNK];
    uint32_t next;
    uint32_t reserved;
};
_Static_assert(sizeof(struct cf_ref_chunk) == 128, "two lines");

/* core/parties.h and core/extra.h say what is in it. */
#define CF_PARTY_BLOCK_BYTES 124

struct cf_party_block {
    uint8_t bytes[CF_PARTY_BLOCK_BYTES];
    uint32_t next;
};
_Static_assert(sizeof(struct cf_party_block) == 128, "two lines");

#define CF_CALL_TENTATIVE 1u   /* lineMakeCall: the provider has not answered yet */
#define CF_CALL_SKIPPED 2u     /* was not announced to someone who is behind */
#define CF_CALL_FIRST_DUE 4u   /* some handle's next LINE_CALLSTATE carries its privilege */
#define CF_CALL_CLOSE_DUE 8u   /* CLOSE_CALL still to be sent */
#define CF_CALL_DROP_DUE 16u   /* the core's own DROP still to be sent */
#define CF_CALL_QUEUED 32u     /* in its provider's list of calls with a command due */
#define CF_CALL_CLOSING 64u    /* no reference, waits for CLOSE_CALL to be sent */
#define CF_CALL_LIVED 128u     /* lived already when its provider came, and nobody has owned it since: lives on without references */

#define CF_CALL_EXTRA 256u     /* it has an extra block: said here, in the line that each event reads */
#define CF_CALL_HANDED 512u    /* some handle's announcement is due: CF_SLOT_ANNOUNCE_DUE */
#define CF_CALL_MONITOR_DUE 1024u /* what is listened for is different from what its provider was told */

#define CF_PARTY_TEXT 32

struct cf_call {
    /* line 0: what an event reads and writes */
    uint32_t generation;
    uint32_t link;     /* the table's */
    uint64_t provider_call;
    uint32_t line;
    uint32_t address;
    uint32_t state;    /* LINECALLSTATE_, 0 while tentative */
    uint32_t mode;
    uint32_t media;
    uint16_t refs;     /* count */
    uint16_t owners;
    uint32_t chunk;    /* further references */
    uint16_t provider; /* port, 0 when its provider is gone */
    uint16_t flags;    /* CF_CALL_ */
    int64_t state_time_ns;
    uint64_t born;     /* serial */
    /* line 1 */
    uint64_t ref[CF_REFS_INLINE];
    /* line 2: who; texts as core/parties.h says */
    uint8_t caller[CF_PARTY_TEXT];
    uint8_t called[CF_PARTY_TEXT];
    /* line 3 */
    uint32_t next, previous; /* on its line */
    uint32_t next_due;
    uint16_t origin, reason;
    uint32_t bearer_mode, app_specific, rate;
    uint16_t app_port;       /* who made, accepted or answered it first */
    uint8_t cause[26];       /* length-prefixed raw cause */
    uint32_t extra;          /* block of what only few calls have */
    uint32_t parties;        /* first block of what else is known of who */
};
_Static_assert(sizeof(struct cf_call) == 256, "four lines");
_Static_assert(offsetof(struct cf_call, ref) == 64, "line 1");
_Static_assert(offsetof(struct cf_call, caller) == 128, "line 2");
_Static_assert(offsetof(struct cf_call, next) == 192, "line 3");

/* ------------------------------------------------------------------ outstanding requests */

/*
 * Per application: the asynchronous ones that its library counts, and beside them, so that they take no place from those whose LINE_REPLY must
 * come, the digits and tones that are being sent and the digits that are being gathered.
 */
#define CF_REQUEST_SLOTS (2 * CF_REQUESTS_PER_PORT_MAX)

enum cf_request_state { CF_REQUEST_FREE = 0, CF_REQUEST_SENT = 1, CF_REQUEST_REPLIED = 2 };

struct cf_request {
    uint32_t generation;
    uint32_t next;       /* free list or list of kept replies */
    uint8_t state;       /* enum cf_request_state */
    uint8_t makes;       /* calls that it makes: the reply carries so many new handles, 2 at most */
    uint16_t id;         /* CF_REQ_ */
    uint16_t provider;   /* port */
    uint16_t bearer_mode; /* SET_CALL_PARAMS: what the call is to have */
    uint32_t request_id; /* the application's; GATHER_DIGITS: its library's number; digits and tones: none */
    int32_t result;      /* GATHER_DIGITS, once replied to: LINEGATHERTERM_ */
    uint32_t call, call_generation;
    uint32_t handle, handle_generation; /* the new one of the first call made; of what is kept apart: whose message it will be */
    uint32_t open_line, open_serial;
    int64_t time_ns;     /* asked; once replied to: the reply's */
    union {
        uint32_t rate;   /* SET_CALL_PARAMS; 0: as it is */
        uint32_t second; /* the second call made */
        uint32_t digits; /* GATHER_DIGITS: the block in which they lie, core/gather.h */
        uint32_t number; /* COMPLETE_CALL: the completion id */
        uint32_t text;   /* of one with a long reply (cf_request_is_long()): a block with what comes back */
    };
    union {
        uint32_t second_generation;
        uint32_t text_bytes; /* 0: nothing came back, and there is no block */
    };
};
_Static_assert(sizeof(struct cf_request) == 64, "one line");

/* ------------------------------------------------------------------ providers' calls */

struct cf_provider_call {
    uint32_t generation; /* highest ever announced */
    uint32_t call;       /* index + 1, 0 none */
};

/* ------------------------------------------------------------------ the private view */

/* What a message to a port needs, apart from the rest of its view so that many ports are few cache lines. */
struct cf_outlet {
    struct cf_port *p;    /* its state */
    struct cf_slot *ring; /* down ring */
    uint64_t limit;       /* of the tail, in this turn: below it an ordinary message is put without a look at the port; 0: not looked at */
    uint64_t handle_bits; /* what a call's handle there has in common with all others: usage, kind, a generation that lives */
};
_Static_assert(sizeof(struct cf_outlet) == 32, "two in a line");

struct cf_port_view {
    struct cf_port *p;             /* its state */
    struct cf_slot *ring;          /* down ring */
    struct cf_port_down *down;
    struct cf_port_up *up;
    const struct cf_slot *up_ring;
    uint64_t rung_at;              /* wake_at for which the bell was rung */
    int64_t rung_ns;
    int64_t wake_interval_ns;
    bool bell_due;
    int64_t behind_ns;             /* not in step since then, as far as this process knows; 0: in step */
    /* applications */
    struct cf_open_line *open_lines;
    struct cf_handle_table handles;
    struct cf_marks changed, notices; /* by handle */
    struct cf_marks news, untold;     /* by device, by call */
    int64_t news_ns;               /* so far the pace of news is used up */
    uint32_t news_next;            /* device after the last one told of */
    /* providers */
    struct cf_provider_call *provider_calls;
    uint32_t *provider_lines;      /* line number -> device id + 1 */
    struct cf_request *requests;
    struct cf_rights *rights;      /* of an application */
} __attribute__((aligned(64)));

struct cf_engine {
    struct cf_control *control;
    struct cf_globals *g;
    struct cf_port *ports;
    struct cf_rights *rights;      /* per port */
    struct cf_line *lines;
    struct cf_line_info *infos;
    uint64_t *opens;               /* planes */
    uint32_t *in_use;              /* per line and address: its calls that are not IDLE */
    struct cf_priorities *priorities;
    struct cf_priorities_shown *priorities_shown; /* not journaled */
    bool priorities_changed;       /* in this turn */
    struct cf_handle_head *call_head;
    struct cf_handle_table calls;
    struct cf_ref_chunk *chunks;
    uint32_t chunks_max;
    struct cf_party_block *parties;
    uint32_t parties_max;
    struct cf_limits limits;
    struct cf_journal journal;
    struct cf_tally tally;         /* of this turn */
    int64_t now_ns;
    uint32_t ports_count;          /* 1 + providers + applications */
    uint32_t active_count;
    uint32_t active[CF_PORTS_MAX]; /* mapped ports, by number */
    uint32_t dirty_count;
    uint32_t dirty[CF_PORTS_MAX];
    uint64_t dirty_set[(CF_PORTS_MAX + 63) / 64]; /* the same as bits */
    uint32_t bells_due;
    struct cf_engine_result *result;
    uint32_t looks_left;           /* calls that lists and counts may still look at in this turn */
    bool asleep;
    bool held_back;                /* at the last look before sleep: a provider's events wait for it to read */
    int64_t releases_ns;           /* asleep: handles of ended calls may be given back without a bell, so look after that time; 0: none can */
    struct cf_record in;           /* the record in hand, copied out */
    struct cf_record out;          /* a record being built */
    struct cf_record new_call;     /* LINE_APPNEWCALL of a call, for one port after the other */
    struct cf_outlet outlet[CF_PORTS_MAX] __attribute__((aligned(64)));
    struct cf_port_view view[CF_PORTS_MAX];
};

/* Those that have no LINE_REPLY, but a message of their own when they end. */
static inline bool cf_request_apart(uint16_t id) {
    return id == CF_REQ_GENERATE_DIGITS || id == CF_REQ_GENERATE_TONE || id == CF_REQ_GATHER_DIGITS;
}

#define cf_touch_one(e, p) cf_touch(&(e)->journal, (p))

static inline struct cf_call *cf_call_at(const struct cf_engine *e, uint32_t index) {
    return (struct cf_call *)cf_handle_table_slot_in_one(&e->calls, index);
}
static inline uint32_t cf_call_index(const struct cf_engine *e, const struct cf_call *c) {
    return (uint32_t)(c - cf_call_at(e, 0));
}
static inline uint64_t *cf_open_at(const struct cf_engine *e, uint32_t line, uint32_t position) {
    return &e->opens[((uint64_t)(position / 8) * e->limits.lines + line) * 8 + position % 8];
}
static inline uint32_t *cf_in_use_at(const struct cf_engine *e, uint32_t line, uint32_t address) {
    return &e->in_use[(uint64_t)line * CF_ADDRESSES_PER_LINE_MAX + address];
}
static inline struct cf_call_handle *cf_slot_at(const struct cf_port_view *v, uint32_t index) {
    return (struct cf_call_handle *)cf_handle_table_slot_in_one(&v->handles, index);
}
/* Its peer's records are still taken and it is still told of things. */
static inline bool cf_port_alive(const struct cf_port *p) {
    return p->state == CF_PORT_LIVE || p->state == CF_PORT_DRAINING;
}
/* Alive and in step: what most messages find. State and step are looked at together. */
static inline bool cf_port_in_step(const struct cf_port *p) {
    uint32_t word;
    memcpy(&word, &p->state, sizeof word);
    return (word & 0x00FF00FF) == CF_PORT_LIVE; /* who is being drained takes the long way */
}
_Static_assert(offsetof(struct cf_port, step) == offsetof(struct cf_port, state) + 2 && CF_IN_STEP == 0, "bytes of one word, little end first");
static inline bool cf_port_is_provider(const struct cf_engine *e, uint32_t port) {
    return port >= 1 && port <= e->limits.providers;
}

#endif
