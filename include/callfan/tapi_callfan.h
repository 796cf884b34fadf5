/*
 * Callfan's own calls beside TAPI 2.2: initialisation with options, many things at once, the truth after a resync, counters and
 * names. callfan/tapi.h includes it, and what it says on top holds here too.
 */
#ifndef CALLFAN_TAPI_CALLFAN_H
#define CALLFAN_TAPI_CALLFAN_H

#include "callfan/tapi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Callfan: initialisation with options ----------------------------------------------------- */

/* cf_init_options.flags. Keep caller and called of every announced call until its handle is given back, in private
 * memory; the batch call then gives them with each message of the call, not with LINE_APPNEWCALL alone. */
#define CF_INIT_CACHE_IDENTITY 0x00000001U

/* cf_init_options.wake_interval_us, spin_us: zero microseconds, where 0 asks for the default. */
#define CF_INIT_NONE 0xFFFFFFFFU

/*
 * Options of cf_line_initialize; all zero but size means all defaults.
 * Units: sizes in bytes, times in microseconds.
 */
struct cf_init_options {
    uint32_t size;             /* sizeof(struct cf_init_options); smaller: the rest is zero; larger: INVALPARAM */
    const char *socket_path;   /* NULL: CALLFAN_SOCKET, else /run/callfan/callfan.sock */
    uint32_t ring_bytes;       /* of the message ring, rounded up to a power of two; 0: the service's default (4 MiB) */
    uint32_t wake_interval_us; /* a sleeping application is woken at most once per interval; 0: the service's (250) */
    uint32_t spin_us;          /* how long a thread that waits looks before it sleeps; 0: the library's choice */
    uint32_t flags;            /* CF_INIT_CACHE_IDENTITY */
};

static_assert(sizeof(struct cf_init_options) == 32, "fields are only ever added at the end");

/* Joins the service with options; lineInitializeEx calls it with NULL options. Synchronous. As lineInitializeEx, and
 * INVALPARAM: size too large, unknown flags, a ring beyond the service's limits. */
CF_API LONG cf_line_initialize(HLINEAPP *ret_app, LINECALLBACK callback, const char *app_name, DWORD *ret_devs_count,
                               DWORD *api_version, LINEINITIALIZEEXPARAMS *params,
                               const struct cf_init_options *options);

/* ---- Callfan: many at once -------------------------------------------------------------------- */

/* One message, straight from the ring. */
struct cf_batch_message {
    uint64_t seq;     /* dense; what lies between two was cancelled (its handle was void) or is told by CF_LINE_GAP */
    int64_t time_ns;  /* CLOCK_MONOTONIC at which the provider saw the event */
    uint64_t hDevice; /* HLINE, HCALL or 0, by message */
    uint32_t dwMessageID; /* LINE_ or CF_LINE_ */
    uint32_t flags;       /* reserved, 0 */
    DWORD_PTR dwCallbackInstance, dwParam1, dwParam2, dwParam3;
    const char *caller; /* with LINE_APPNEWCALL, else NULL (but CF_INIT_CACHE_IDENTITY); "" when not known */
    const char *called;
};

static_assert(sizeof(struct cf_batch_message) == 80, "no padding");

/*
 * Takes up to max messages; waits up to timeout_ms for the first (0 polls, 0xFFFFFFFF waits for ever) and for no
 * other. 0 with *ret_count = 0: none came in time. caller and called point into the library's memory and stay valid
 * until the next cf_line_get_messages, lineGetMessage or cf_dispatch on this application by whatever thread, so a
 * program that uses them fetches with one thread. Messages whose handle is void are left out, counted as cancelled,
 * and do not end the wait. INVALAPPHANDLE (also: shut down meanwhile), INVALPARAM (max is 0).
 */
CF_API LONG cf_line_get_messages(HLINEAPP app, struct cf_batch_message *messages, uint32_t max, DWORD timeout_ms,
                                 uint32_t *ret_count);

/*
 * Opens count lines in one pass, all with the same version, callback instance, privileges and media modes, each as
 * lineOpen would. Result: how many were opened (a whole failure, such as INVALAPPHANDLE, is negative and opens none).
 * ret_lines[i] is the line of device_ids[i] or 0; ret_errors[i] (ret_errors may be NULL) is 0 or why not. INVALAPPHANDLE,
 * INCOMPATIBLEAPIVERSION, INVALPRIVSELECT, INVALMEDIAMODE, OPERATIONUNAVAIL (_PROXY).
 */
CF_API LONG cf_line_open_many(HLINEAPP app, const DWORD *device_ids, uint32_t count, HLINE *ret_lines, LONG *ret_errors,
                              DWORD api_version, DWORD_PTR callback_instance, DWORD privileges, DWORD media_modes);

/* Runs the LINECALLBACK for up to max pending messages on the calling thread and returns how many; never waits. The
 * callback may call anything, lineShutdown too, after which no further one runs. INVALAPPHANDLE, OPERATIONUNAVAIL (no
 * callback was given). */
CF_API LONG cf_dispatch(HLINEAPP app, uint32_t max);

/* ---- Callfan: the truth after a resync -------------------------------------------------------- */

/* cf_call_truth.flags: the last resync told its state (or announced it). */
#define CF_CALL_RESYNCED 0x00000001U

/* A call handle and what its application knows of it: what was told by the messages taken so far. */
struct cf_call_truth {
    HCALL hCall;
    HLINE hLine;
    DWORD dwCallState;     /* 0: not told yet (LINE_APPNEWCALL alone, lineGetNewCalls): lineGetCallStatus */
    DWORD dwCallStateMode; /* as LINE_CALLSTATE of this line has it */
    DWORD dwCallPrivilege;
    uint32_t flags;        /* CF_CALL_RESYNCED */
    int64_t state_time_ns; /* CLOCK_MONOTONIC at which the provider saw it enter that state; 0: not told yet */
    uint64_t seq;          /* of the message that told the state; 0: none. What is older is in it */
};

static_assert(sizeof(struct cf_call_truth) == 48, "no padding");

/*
 * Lists the call handles of an application (line 0) or of one of its lines, also those of calls that are IDLE, as the
 * messages taken so far have them. *cursor: 0 to begin with; call again until it is 0 again, also when *ret_count is 0.
 * Local: no request; from any thread; it waits for the thread that takes messages only where a call changes at each of
 * 16 looks. A handle that comes or goes while the list is made may be in it or not; what has been there all the time is
 * listed once. INVALAPPHANDLE, INVALLINEHANDLE, INVALPOINTER, INVALPARAM (max is 0).
 *
 * The way back after an outage, in full:
 *
 *     case CF_LINE_RESYNC_END:
 *         forget every call;
 *         do {
 *             cf_list_calls(app, 0, &cursor, calls, 64, &count);
 *             remember calls[0 .. count - 1]; lineDeallocateCall those in LINECALLSTATE_IDLE
 *         } while (cursor != 0);
 *
 * A program that fetches in batches may find a call in the list of which it has a message left in its batch: seq tells; taken twice it says
 * the same.
 */
CF_API LONG cf_list_calls(HLINEAPP app, HLINE line, uint64_t *cursor, struct cf_call_truth *calls, uint32_t max,
                          uint32_t *ret_count);

/* What an application missed: the sum of CF_LINE_GAP and CF_LINE_RESYNC_END since it was taken before. All zero: nothing. */
struct cf_resync {
    uint32_t gaps, resyncs; /* outages that began, and those that came to their end */
    uint32_t causes;        /* CF_GAP_CAUSE_, or-ed */
    uint32_t under_way; /* 1: a CF_LINE_RESYNC_BEGIN has no CF_LINE_RESYNC_END yet; the list is not the whole truth */
    uint64_t first_missed, last_missed; /* sequences, from the first gap to the last */
    uint64_t missed;                    /* messages that were not delivered, those that resyncs folded included */
    uint64_t calls_unseen;              /* calls that began and ended untold */
};

static_assert(sizeof(struct cf_resync) == 48, "no padding");

/* Takes what was missed, as of the messages taken so far, and begins anew. Synchronous, local. INVALAPPHANDLE, INVALPOINTER. */
CF_API LONG cf_resync_take(HLINEAPP app, struct cf_resync *ret_resync);

/* ---- Callfan: counters and names -------------------------------------------------------------- */

/*
 * Messages of one application since it joined.
 * Invariant: offered = delivered + pending + missed + cancelled, as of the service's last turn.
 */
struct cf_app_counters {
    uint64_t offered;   /* made for this application */
    uint64_t delivered; /* handed out and acknowledged */
    uint64_t cancelled; /* not handed out: their handle was void */
    uint64_t missed;    /* never in the ring: the application was behind */
    uint64_t gaps;      /* outages, one CF_LINE_GAP each */
    uint64_t pending;   /* in the ring */
    uint64_t last_seq;  /* of the last message published */
};

/* The function and the structure share a name, which g++ -Wshadow takes for a constructor. */
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

/* Reads the counters. Synchronous, local. INVALAPPHANDLE. */
CF_API LONG cf_app_counters(HLINEAPP app, struct cf_app_counters *ret_counters);

#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* Name an error, and tell in one line what it means and what to do. "LINEERR_NODEVICE"; "success" for 0, "request id"
 * for a positive value, "unknown LINEERR_". These and the names below are never NULL and in static memory. */
CF_API const char *cf_line_error_name(LONG error);
CF_API const char *cf_line_error_text(LONG error);

/* Names a call state. "CONNECTED"; the device's high 8 bits do not matter; "?" for none or several. */
CF_API const char *cf_call_state_name(DWORD state);

/* Names the mode of a call state. "ACTIVE", "NORMAL"...; "" for a state without modes and for mode 0, except that 0 is
 * ACTIVE of OFFERING and CONNECTED. */
CF_API const char *cf_call_mode_name(DWORD state, DWORD mode);

/* Names a message. "LINE_CALLSTATE", "CF_LINE_GAP", "?" for none. */
CF_API const char *cf_message_name(DWORD message_id);

/* Names privileges. "NONE", "MONITOR", "OWNER", "MONITOR|OWNER", "" for 0, else "?". */
CF_API const char *cf_privilege_name(DWORD privilege);

#ifdef __cplusplus
}
#endif

#endif
