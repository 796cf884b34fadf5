/*
 * Requests: the records that an application sends up, and what the core puts into the reply slot.
 *
 * Shape      struct cf_message with an id below; every request has its own sequence, dense from 1 per port.
 *            synchronous: flags is the reply slot (0..63); the slot's done word becomes the request's sequence
 *            asynchronous: param1 is the request id (1..0x7FFFFFFF) that LINE_REPLY brings back; flags is CF_NO_REPLY
 *            silent: no answer; flags is CF_NO_REPLY
 *            device is the HLINE or HCALL, open_line the slot of the HLINE
 * Trust      everything in a request is validated by the engine on its copy
 */
#ifndef CF_SHM_REQUEST_H
#define CF_SHM_REQUEST_H

#include <stdint.h>

#include "callfan/limits.h"

#define CF_NO_REPLY 0xFF

enum cf_request_id {
    /* synchronous */
    CF_REQ_PING = 0x2000,        /* answers at once, no data */
    CF_REQ_DEVICES = 0x2001,     /* data: struct cf_reply_devices */
    CF_REQ_DEV_CAPS = 0x2002,    /* param1 device id; data: struct cf_reply_dev_caps */
    CF_REQ_OPEN = 0x2003,        /* device HLINE made by the library; param1 device id, param2 dwPrivileges | media << 32, param3 API version | address id << 32 */
    CF_REQ_LINE_STATUS = 0x2004, /* device HLINE; data: struct cf_reply_line_status */
    CF_REQ_STATUS_MESSAGES = 0x2005, /* device HLINE; param1 line states, param2 address states */
    CF_REQ_CALL_INFO = 0x2006,   /* device HCALL; data: struct cf_reply_call_info */
    CF_REQ_CALL_STATUS = 0x2007, /* device HCALL; data: struct cf_reply_call_status */
    CF_REQ_NEW_CALLS = 0x2008,   /* device HLINE; param1 LINECALLSELECT_ | address id << 32, param2 cursor (0 first), param3 room in handles; data: struct cf_reply_new_calls */
    CF_REQ_SET_PRIVILEGE = 0x2009, /* device HCALL; param1 LINECALLPRIVILEGE_ */
    CF_REQ_RELEASE_ASK = 0x200A, /* device HCALL: lineDeallocateCall on a line opened below API 2.0 (H-43) */
    CF_REQ_GENERATE_DIGITS = 0x200B, /* device HCALL; param1 LINEDIGITMODE_, param2 duration in ms; fields: DIGITS, none: stops what runs. Answered
                                   when it is under way; its end is LINE_GENERATE */
    /* asynchronous: param1 request id */
    CF_REQ_MAKE_CALL = 0x2020,   /* device HLINE; fields: DESTINATION, CALL_PARAMS, USER_USER; param2 country code */
    CF_REQ_ACCEPT = 0x2021,      /* device HCALL */
    CF_REQ_ANSWER = 0x2022,
    CF_REQ_DROP = 0x2023,
    CF_REQ_HOLD = 0x2024,
    CF_REQ_UNHOLD = 0x2025,
    CF_REQ_SET_CALL_PARAMS = 0x2026, /* device HCALL; fields: CALL_PARAMS (bearer_mode, min_rate, max_rate count) */
    /* silent */
    CF_REQ_CLOSE = 0x2040,       /* device HLINE: lineClose */
    CF_REQ_RELEASE = 0x2041,     /* device HCALL: lineDeallocateCall */
    CF_REQ_SHUTDOWN = 0x2042,    /* lineShutdown: the peer will close its socket */
};

struct cf_reply_devices {
    uint32_t devices;   /* ids run from 0 to devices - 1, holes possible */
    uint32_t reserved;
};

/* Followed by nothing; strings are NUL-terminated in place. */
struct cf_reply_dev_caps {
    uint32_t permanent_id;
    uint32_t addresses;
    uint32_t bearer_modes;
    uint32_t media_modes;
    uint32_t dev_cap_flags;     /* LINEDEVCAPFLAGS_ */
    uint32_t line_features;     /* LINEFEATURE_ */
    uint32_t calls_max;         /* dwMaxNumActiveCalls */
    uint32_t answer_mode;
    uint32_t addr_cap_flags;    /* LINEADDRCAPFLAGS_ */
    uint32_t call_features;     /* LINECALLFEATURE_ the provider can do at all */
    uint32_t call_states;       /* LINECALLSTATE_ it may report */
    uint32_t in_service;        /* 1 up, 0 provider away */
    char name[CF_NAME_MAX];
    char provider[CF_NAME_MAX]; /* provider's name and version */
    char address[CF_NAME_MAX];  /* directory number of address 0 */
};

struct cf_reply_line_status {
    uint32_t opens;
    uint32_t open_media_modes;
    uint32_t active_calls;  /* not IDLE, not on hold */
    uint32_t on_hold_calls;
    uint32_t on_hold_pending_calls;
    uint32_t in_service;
};

struct cf_reply_call_status {
    uint32_t state, mode;
    uint32_t privilege;     /* LINECALLPRIVILEGE_ of the asker */
    uint32_t features;      /* LINECALLFEATURE_ the asker may use now */
    int64_t state_time_ns;  /* CLOCK_MONOTONIC */
};

struct cf_reply_call_info {
    uint32_t device_id, address_id;
    uint32_t bearer_mode, rate, media_mode, app_specific;
    uint32_t call_id, related_call_id;
    uint32_t call_param_flags, call_states;
    uint32_t origin, reason;
    uint32_t owners, monitors;
    uint32_t country_code, trunk;
    uint32_t caller_flags, called_flags; /* LINECALLPARTYID_ */
    char caller[CF_NAME_MAX], called[CF_NAME_MAX];
    char app_name[CF_NAME_MAX];   /* who first made, accepted or answered it */
    char raw_cause[CF_NAME_MAX];  /* the protocol's own cause of the end, "" before */
};

/* handles[entries] follow. total: how many calls the list needed at the first slice. */
struct cf_reply_new_calls {
    uint32_t total;
    uint32_t entries;
    uint64_t cursor; /* pass it back for the next slice; 0: complete */
};
#define CF_NEW_CALLS_PER_SLICE ((CF_REPLY_SLOT_BYTES - 24 - 16) / 8)

/* CF_FIELD_CALL_PARAMS: what of LINECALLPARAMS travels. */
struct cf_call_params {
    uint32_t bearer_mode, min_rate, max_rate, media_mode;
    uint32_t call_param_flags, address_mode, address_id, no_answer_timeout_s;
};

/*
 * What goes down to an application beside TAPI's own messages (ids LINE_*, CF_LINE_GAP, CF_LINE_RESYNC_BEGIN, CF_LINE_RESYNC_END):
 * LINE_APPNEWCALL: device HLINE, param1 address id, param2 HCALL, param3 privilege; payload fields CALLER, CALLED
 * LINE_CALLSTATE, LINE_CALLINFO: device HCALL
 * LINE_GENERATE: device HCALL, param1 LINEGENERATETERM_, param3 the end in ms of CLOCK_MONOTONIC, low 32 bits
 * LINE_REPLY: param1 request id, param2 result (LONG); of a request that makes a call: device the new HCALL, param3 its privilege
 *   (the library hands device and param3 out as 0)
 * open_line is the HLINE's slot in all of them, so that the library finds the callback instance.
 */

#endif
