/*
 * What the files of libcallfan share. Data flow: usage.c joins and leaves (attach.c speaks to the door); request.c sends records up
 * and waits for answers; receive.c is the one consumer of the ring, messages.c says what a message means to the handles; lines.c and
 * calls.c are TAPI's functions over them; digits.c has what is sent and heard on calls; structs.c fills what they return; versions.c knows what versions differ in.
 *
 * Invariant  a usage is touched only between cf_usage_enter*() and cf_usage_leave(): lineShutdown waits for those inside
 * Writers    up ring, requests, allocation of lines: under `up_lock`. Ring consumer, handles made, states: under `down_lock`.
 *            Handles are released by any thread, by one CAS. Neither lock is taken inside the other
 * Overlap    every function, unless it says which lock it wants
 */
#ifndef CF_CLIENT_INTERNAL_H
#define CF_CLIENT_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callfan/limits.h"
#include "callfan/tapi.h"
#include "shm/fields.h"
#include "shm/handle_table.h"
#include "shm/operations.h"
#include "shm/port.h"
#include "shm/request.h"

#define CF_REPLY_SPIN_NS_DEFAULT INT64_C(20000)
#define CF_REPLY_WAIT_NS         INT64_C(100000000) /* then the waiter looks at the socket */
#define CF_TEXT_BYTES            65536u

#define CF_CALL_SEGMENT_SHIFT 12
#define CF_LINE_SEGMENT_SHIFT 8

/* A call handle's slot. entered_ns and privilege_sequence follow the state word: written under down_lock. */
struct cf_call_slot {
    struct cf_handle_child child;
    int64_t entered_ns;          /* when the state was entered; any thread reads it */
    uint64_t privilege_sequence; /* of the message or answer that set the privilege last */
    char *identity;              /* CF_INIT_CACHE_IDENTITY: caller NUL called NUL; down_lock */
    uint64_t state_sequence;     /* of the message that told the state; any thread reads it and the next */
    uint64_t resync;             /* number of the resync that told it, 0: none did */
};
_Static_assert(sizeof(struct cf_call_slot) == 64, "one line");

/* An open line's slot. Written by the thread that opens it before its handle is known to anyone. */
struct cf_line_slot {
    struct cf_handle_slot slot;
    uint32_t device_id;
    uint32_t api_version;
    uint64_t callback_instance;
    uint64_t opened_as_of;  /* sequence of the last message before the open */
    uint32_t opened;        /* the generation in which the service has opened it */
    uint32_t caps_known;    /* the same for what is known of the device */
    uint32_t call_features; /* of the device */
    uint32_t line_features;
    uint32_t line_states; /* lineSetStatusMessages */
    uint32_t address_states;
    uint32_t dev_cap_flags; /* with the capabilities */
    uint32_t reserved;
};
_Static_assert(sizeof(struct cf_line_slot) == 64, "one line");

/* An asynchronous request that has no LINE_REPLY yet. id is stored last by the sender, cleared by the consumer or the close of the line. */
struct cf_outstanding {
    uint32_t id; /* 0: free */
    uint32_t reserved0;
    HLINE line;
    HCALL call; /* 0: none */
    HCALL *ret_call, *ret_second; /* where the handles of calls made go; NULL: none */
    VARSTRING *ret_string;        /* where the text goes that the reply brings, */
    void *ret_data;               /* or its bytes, as many as there is room for, */
    DWORD *ret_number;            /* or its number; NULL: none */
    uint64_t callback_instance;
    uint32_t api_version;
    uint32_t data_bytes;
    bool call_optional; /* success without a call writes 0 (H-8) */
};

/* A lineGatherDigits that has no LINE_GATHERDIGITS yet. */
struct cf_gathering {
    uint32_t number; /* 0: none */
    uint32_t wanted; /* room for so many digits */
    HCALL call;
    char *digits; /* the application's */
};

/* The consumer's side: all under down_lock but head_published. */
struct cf_consumer {
    struct cf_ring_consumer ring;
    uint64_t head_published; /* ring.head once the handles show what was read; any thread reads it */
    uint64_t acknowledged;
    uint64_t messages, cancelled; /* as cf_port_up says */
    uint64_t sequence;            /* of the last message */
    bool armed;                   /* wake_at is not 0 */
    bool rung_possible;           /* it was so since the bell was last drained */
    bool signalled;               /* the eventfd is readable */
    bool closing;                 /* the eventfd stays so */
    bool detached;                /* the service is gone, its descriptors left the event handle */
    bool resync_under_way;
    uint32_t close_cursor;   /* open lines below it got their LINE_CLOSE after the hang-up */
    uint32_t generation_max; /* of the call handles seen */
    char *text;              /* CF_TEXT_BYTES for the batch call, NULL before the first */
    uint32_t text_used;
    uint64_t resyncs;        /* ended; any thread reads it */
    struct cf_resync resync; /* since it was last taken */
    uint32_t seeking_count;  /* lineGetNewCalls under way, by line */
    HLINE seeking[CF_REPLY_SLOTS];
    struct cf_record scratch;
};

/* One lineInitializeEx. */
struct cf_usage {
    /* Any thread, also when the usage is dead. */
    uint32_t life;  /* generation of the HLINEAPP, odd while it lives */
    uint32_t users; /* threads inside */
    uint32_t number;
    uint32_t generation_high; /* of every handle that this number ever gave out */
    bool claimed;             /* registry's lock */

    pthread_mutex_t up_lock, down_lock;
    uint32_t gone; /* the service hung up */

    /* Constant while it lives. */
    LINECALLBACK callback;
    uint32_t api_version;
    uint32_t flags;
    int64_t spin_ns;       /* before sleeping for a message */
    int64_t reply_spin_ns; /* before sleeping for an answer */
    int socket, down_bell, up_bell, event, epoll;
    struct cf_port_down *down; /* read only */
    struct cf_port_up *up;
    size_t down_bytes, up_bytes;
    uint64_t down_mask;
    const struct cf_slot *down_slots;

    /* Under up_lock. */
    struct cf_ring_producer producer;
    uint64_t request_sequence;
    uint64_t reply_free; /* bit per reply slot; any thread gives back */
    uint32_t request_serial;
    uint32_t request_cursor;
    uint32_t requests_max;              /* outstanding */
    struct cf_outstanding *outstanding; /* CF_REQUESTS_PER_PORT_MAX */
    uint32_t line_generation_max;
    uint32_t calls_end; /* call slots ever used are below; under down_lock, any thread reads it */

    struct cf_consumer consumer;

    /* Under down_lock. */
    struct cf_gathering *gatherings; /* CF_REQUESTS_PER_PORT_MAX */
    uint32_t gatherings_used;        /* places ever used */
    uint32_t gatherings_live;        /* any thread reads it */
    uint32_t gathering_serial;

    struct cf_handle_head *lines_head, *calls_head;
    struct cf_handle_table lines, calls;
    uint64_t *line_segments, *call_segments;

    /* Other usages look at it. */
    uint32_t reinit_told; /* REINIT was handed out: stored once in a life, 0 again when claimed is false */
    char path[108];       /* of the service's socket: constant while claimed */
};

/* ------------------------------------------------------------------ usage.c */

/* The usage of a handle, held until cf_usage_leave(); NULL with *ret_error UNINITIALIZED or the error for a void handle. */
struct cf_usage *cf_usage_enter_app(HLINEAPP app, LONG *ret_error);
struct cf_usage *cf_usage_enter(uint64_t handle, enum cf_handle_kind kind, LONG *ret_error);
/* Some usage of the process that lives and has its service; NULL: none. */
struct cf_usage *cf_usage_enter_any(void);
void cf_usage_leave(struct cf_usage *u);

/* The usage is being shut down; who is inside should leave. */
bool cf_usage_closing(const struct cf_usage *u);

/* True when the service is gone for good; a system call unless it was known before. */
bool cf_usage_hung_up(struct cf_usage *u);

int64_t cf_monotonic_ns(void);

/* ------------------------------------------------------------------ attach.c */

struct cf_attach {
    const char *path;
    const char *name;
    uint32_t ring_bytes, wake_interval_us, usage, base_generation;
};

/* Joins the service and maps the port into u. 0 or the LINEERR_ of lineInitializeEx. */
LONG cf_attach(struct cf_usage *u, const struct cf_attach *a);
void cf_detach(struct cf_usage *u);

/* ------------------------------------------------------------------ request.c */

struct cf_ticket {
    uint32_t slot;
    uint64_t sequence;
};

/* Begins a record: everything zero but id, device and open_line. */
void cf_request_init(struct cf_record *r, uint16_t id, uint64_t device, uint32_t open_line);

/* Sends a synchronous request; later cf_request_end(). At most CF_REPLY_SLOTS are under way, one more waits. */
LONG cf_request_begin(struct cf_usage *u, struct cf_record *r, struct cf_ticket *ret_ticket);

struct cf_answer_to {
    void *data;     /* room for the answer */
    uint32_t bytes; /* of it; what the answer does not fill is zeroed */
    uint32_t got;   /* set: bytes that came */
    uint64_t as_of; /* set */
};

/* Waits for the answer: its result, or OPERATIONFAILED when the service is gone or the usage is shut down. */
LONG cf_request_end(struct cf_usage *u, const struct cf_ticket *t, struct cf_answer_to *a);
LONG cf_request_sync(struct cf_usage *u, struct cf_record *r, struct cf_answer_to *a);

/* Sends an asynchronous request: its id, or an error. what gives all but the id. */
LONG cf_request_async(struct cf_usage *u, struct cf_record *r, const struct cf_outstanding *what);

/*
 * Sends a record that has no answer. False: the service is gone. Not urgent: a core that sleeps is not woken for it; it looks within some
 * milliseconds so long as this application has handles of ended calls.
 */
bool cf_request_silent(struct cf_usage *u, struct cf_record *r, bool urgent);

/* For the consumer: the request of a LINE_REPLY, which ends with it. False: none with that id. */
bool cf_request_complete(struct cf_usage *u, uint64_t id, struct cf_outstanding *ret_request);

/* Forgets the requests of a line that was made void: their LINE_REPLYs, if any come, are not handed out (H-62). */
void cf_request_drop(struct cf_usage *u, HLINE line);

/* Wakes every thread that waits for an answer, to look again. */
void cf_request_wake_all(struct cf_usage *u);

/* ------------------------------------------------------------------ receive.c */

void cf_receive_init(struct cf_usage *u);

/* Makes every waiting thread look again, now and until the usage ends. */
void cf_receive_shut(struct cf_usage *u);

/* Everything that has arrived was read as of *ret_head, and the port is not behind. */
bool cf_receive_drained(const struct cf_usage *u, uint64_t *ret_head);

/* ------------------------------------------------------------------ messages.c: under down_lock */

/*
 * Takes a message in: installs, changes, voids handles and completes requests. True when it is to be handed out, in *out;
 * with_text: caller and called too, in the consumer's text buffer.
 */
bool cf_message_take(struct cf_usage *u, const struct cf_message *m, bool with_text, struct cf_batch_message *out);

/* The next message that the library makes itself when the service is gone: LINE_CLOSE per open line, then REINIT. */
bool cf_message_make(struct cf_usage *u, struct cf_batch_message *out);
bool cf_message_make_pending(const struct cf_usage *u);

/* Gives a line's call handle a slot, unless it was released. privilege_sequence as in the slot. */
enum cf_handle_install cf_call_install(struct cf_usage *u, HCALL call, HLINE line, uint32_t privilege,
                                       uint64_t sequence, struct cf_call_slot **ret_slot);

/* Forgets what was cached of a released call. */
void cf_call_forget_identity(struct cf_usage *u, HCALL call);

/* ------------------------------------------------------------------ truth.c: under down_lock */

/* A message told the call's state. */
/* Around the change of a call's state, under down_lock: who lists calls meanwhile looks again. */
void cf_call_begin_state(struct cf_call_slot *slot);
void cf_call_note_state(struct cf_usage *u, struct cf_call_slot *slot, uint64_t sequence);

/* CF_LINE_GAP, CF_LINE_RESYNC_BEGIN, CF_LINE_RESYNC_END. */
void cf_resync_note(struct cf_usage *u, const struct cf_message *m);

/* ------------------------------------------------------------------ calls.c */

/* A call handle as its functions see it. */
struct cf_asked_call {
    struct cf_usage *u;
    struct cf_call_slot *slot;
    HLINE line;
    struct cf_line_slot *open_line;
    DWORD version;
};

/* Enters the usage of an HCALL that is live; leave it. False with the error. */
bool cf_call_enter(HCALL call, struct cf_asked_call *ret, LONG *ret_error);

/* Sends an asynchronous request about a call. ret_call, ret_second: as in cf_outstanding. */
LONG cf_call_send(const struct cf_asked_call *a, HCALL call, struct cf_record *r, HCALL *ret_call, HCALL *ret_second);

/* The same with other output locations: those of what, whose other members are filled. */
LONG cf_call_send_with(const struct cf_asked_call *a, HCALL call, struct cf_record *r, struct cf_outstanding *what);

/* An asynchronous operation without more parameters than two words. */
LONG cf_call_operate(HCALL call, uint16_t id, uint64_t param2, uint64_t param3);

/* LINECALLPARAMS (NULL: a voice call) into the record. Members that its version does not have count as 0. */
LONG cf_call_add_params(struct cf_record *r, DWORD version, const LINECALLPARAMS *given);

/* TargetAddress of LINECALLPARAMS, where LINECALLPARAMFLAGS_ONESTEPTRANSFER asks for it to be dialled at once. */
LONG cf_call_add_target(struct cf_record *r, DWORD version, const LINECALLPARAMS *given);

/* A pointer is missing: INVALPOINTER, unless the handle is void too, which counts first. */
LONG cf_call_pointer_error(HCALL call, LONG void_error);

/* An address to be dialled; NULL: none. */
LONG cf_call_add_destination(struct cf_record *r, const char *address);

/* A dialable address that asks for what the line cannot wait for: DIALBILLING and its like; 0: nothing of it. */
LONG cf_dial_error(struct cf_usage *u, HLINE line, struct cf_line_slot *slot, const char *address);

/* Fills a list of handles that the service makes in slices (CF_REQ_NEW_CALLS, CF_REQ_CONF_CALLS) for a line. */
LONG cf_call_list_fill(struct cf_usage *u, uint16_t id, uint64_t device, HLINE line, uint64_t scope, LINECALLLIST *list);

/* ------------------------------------------------------------------ digits.c */

/* The gathering ends; its digits go to the application's buffer first (NULL: it stays as it is). False: none with that number on
   that call. Under down_lock. */
bool cf_gather_complete(struct cf_usage *u, uint64_t number, HCALL call, const struct cf_field *digits);

/* Handles were given back: their buffers are not written any more when this returns. */
void cf_gather_forget(struct cf_usage *u);

/* ------------------------------------------------------------------ lines.c */

struct cf_line_slot *cf_line_find(const struct cf_usage *u, HLINE line);
/* The usage and slot of an HLINE; NULL with the error. Leave the usage when it is not NULL. */
struct cf_usage *cf_line_enter(HLINE line, struct cf_line_slot **ret_slot, LONG *ret_error);
HLINE cf_line_of_parent(const struct cf_usage *u, uint64_t parent);

/* Device capabilities of an open line, asked for once. */
LONG cf_line_caps(struct cf_usage *u, HLINE line, struct cf_line_slot *slot);
LONG cf_line_ask_caps(struct cf_usage *u, DWORD device_id, struct cf_reply_dev_caps *ret_caps);

/* ------------------------------------------------------------------ versions.c */

/* One of the versions that the library knows, 1.3 to 2.2. */
bool cf_version_known(DWORD version);

/* The highest known version within [low, high], 0: none. */
DWORD cf_version_common(DWORD low, DWORD high);

/* Messages that a version does not know: true when one of a line with this version is not handed out. */
bool cf_version_hides(DWORD version, DWORD message_id);

/* The mode of a call state as this version knows it. */
DWORD cf_version_mode(DWORD version, DWORD state, DWORD mode);

/* Length of the fixed part of the structure with this version. */
DWORD cf_version_dev_caps(DWORD version);
DWORD cf_version_address_caps(DWORD version);
DWORD cf_version_dev_status(DWORD version);
DWORD cf_version_call_info(DWORD version);
DWORD cf_version_call_status(DWORD version);
DWORD cf_version_call_params(DWORD version);

/* ------------------------------------------------------------------ structs.c: V-1 to V-12 */

/* The caller's structure exists and holds the fixed part: 0, INVALPOINTER, STRUCTURETOOSMALL. */
LONG cf_struct_check(const void *structure, DWORD fixed);

/* A text of so many bytes into the caller's VARSTRING, with its NUL. False, and nothing is written: it is too small. */
bool cf_struct_text(VARSTRING *out, const void *text, DWORD bytes);

LONG cf_struct_dev_caps(LINEDEVCAPS *out, DWORD version, const struct cf_reply_dev_caps *r);
LONG cf_struct_address_caps(LINEADDRESSCAPS *out, DWORD version, DWORD device_id, DWORD address_id,
                            const struct cf_reply_dev_caps *r);
/* apps: the opens of the line, r->opens of them. */
LONG cf_struct_dev_status(LINEDEVSTATUS *out, DWORD version, DWORD line_features, DWORD media_modes,
                          const struct cf_reply_line_status *r, const struct cf_reply_app *apps);
LONG cf_struct_address_status(LINEADDRESSSTATUS *out, DWORD line_features, const struct cf_reply_address_status *r);
LONG cf_struct_varstring(VARSTRING *out, DWORD format, const void *data, DWORD bytes);
LONG cf_struct_call_info(LINECALLINFO *out, DWORD version, HLINE line, const struct cf_reply_call_info *r);
LONG cf_struct_call_status(LINECALLSTATUS *out, DWORD version, const struct cf_reply_call_status *r,
                           int64_t utc_offset_ns);

/* Room for handles in a LINECALLLIST, and its end. */
DWORD cf_struct_call_list_room(const LINECALLLIST *list);
void cf_struct_call_list_put(LINECALLLIST *list, DWORD at, const HCALL *calls, DWORD count);
void cf_struct_call_list_done(LINECALLLIST *list, DWORD entries, DWORD needed_entries);

/* What an owner or monitor may do with a call in this state, of what its line can do at all. */
DWORD cf_call_features(DWORD state, DWORD privilege, DWORD line_can);

#endif
