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
#include "callfan/provider.h"
#include "shm/forward.h"
#include "shm/operations.h"

#define CF_NO_REPLY 0xFF

enum cf_request_id {
    /* synchronous */
    CF_REQ_PING = 0x2000,        /* answers at once, no data */
    CF_REQ_DEVICES = 0x2001,     /* data: struct cf_reply_devices */
    CF_REQ_DEV_CAPS = 0x2002,    /* param1 device id; data: struct cf_reply_dev_caps */
    CF_REQ_OPEN = 0x2003,        /* device HLINE made by the library; param1 device id, param2 dwPrivileges | media << 32, param3 API version | address id << 32 */
    CF_REQ_LINE_STATUS = 0x2004, /* device HLINE; param1 place of the first application told (0 first); data: struct cf_reply_line_status */
    CF_REQ_STATUS_MESSAGES = 0x2005, /* device HLINE; param1 line states, param2 address states */
    CF_REQ_CALL_INFO = 0x2006,   /* device HCALL; data: struct cf_reply_call_info */
    CF_REQ_CALL_STATUS = 0x2007, /* device HCALL; data: struct cf_reply_call_status */
    CF_REQ_NEW_CALLS = 0x2008,   /* device HLINE; param1 LINECALLSELECT_ | address id << 32, param2 cursor (0 first), param3 room in handles; data: struct cf_reply_new_calls */
    CF_REQ_SET_PRIVILEGE = 0x2009, /* device HCALL; param1 LINECALLPRIVILEGE_ */
    CF_REQ_RELEASE_ASK = 0x200A, /* device HCALL: lineDeallocateCall on a line opened below API 2.0 (H-43) */
    CF_REQ_GENERATE_DIGITS = 0x200B, /* device HCALL; param1 LINEDIGITMODE_, param2 duration in ms; fields: DIGITS, none: stops what runs. Answered
                                   when it is under way; its end is LINE_GENERATE */
    CF_REQ_CONF_CALLS = 0x200C,  /* device HCALL; param2 cursor (0 first), param3 room in handles; data: struct cf_reply_new_calls, the parent first */
    CF_REQ_HANDOFF = 0x200D,     /* device HCALL; field TARGET: the application's name; without it param1 is the LINEMEDIAMODE_ */
    CF_REQ_SET_APP_SPECIFIC = 0x200E, /* device HCALL; param1 the value */
    CF_REQ_SET_MEDIA_MODE = 0x200F, /* device HCALL; param1 LINEMEDIAMODE_ bits */
    CF_REQ_ADDRESS_STATUS = 0x2010, /* device HLINE; param1 address id; data: struct cf_reply_address_status */
    CF_REQ_MONITOR_DIGITS = 0x2011, /* device HCALL; param1 LINEDIGITMODE_ bits, 0: no more */
    CF_REQ_MONITOR_MEDIA = 0x2012,  /* device HCALL; param1 LINEMEDIAMODE_ bits, 0: no more */
    CF_REQ_MONITOR_TONES = 0x2013,  /* device HCALL; fields: TONES (struct cf_heard_tone), none: no more */
    CF_REQ_GATHER_DIGITS = 0x2014,  /* device HCALL; param1 LINEDIGITMODE_ bits | how many << 32 (0: stops what runs), param2 ms to the first digit | between
                                   two << 32 (0: for ever), param3 the library's number, which LINE_GATHERDIGITS brings back; fields: TERMINATION_DIGITS */
    CF_REQ_GENERATE_TONE = 0x2015,  /* device HCALL; param1 LINETONEMODE_ (0: stops what runs), param2 duration in ms; fields: TONES (struct cf_tone) of
                                   CUSTOM. Answered and ended as GENERATE_DIGITS */
    CF_REQ_SET_APP_PRIORITY = 0x2016, /* param1 LINEMEDIAMODE_, param2 1 first, 0 not in the list; field APP_PRIORITY: the name */
    CF_REQ_GET_APP_PRIORITY = 0x2017, /* param1 LINEMEDIAMODE_; field APP_PRIORITY; data: struct cf_reply_app_priority */
    /* asynchronous: param1 request id */
    CF_REQ_MAKE_CALL = 0x2020,   /* device HLINE; fields: DESTINATION, CALL_PARAMS, USER_USER; param2 country code */
    CF_REQ_ACCEPT = 0x2021,      /* device HCALL */
    CF_REQ_ANSWER = 0x2022,
    CF_REQ_DROP = 0x2023,
    CF_REQ_HOLD = 0x2024,
    CF_REQ_UNHOLD = 0x2025,
    CF_REQ_SET_CALL_PARAMS = 0x2026, /* device HCALL; fields: CALL_PARAMS (bearer_mode, min_rate, max_rate count) */
    CF_REQ_DIAL = 0x2027,        /* device HCALL; param2 country code; fields: DESTINATION, of no bytes: that was all */
    CF_REQ_REDIRECT = 0x2028,    /* device HCALL; param2 country code; fields: DESTINATION */
    CF_REQ_SECURE_CALL = 0x2029, /* device HCALL */
    CF_REQ_SWAP_HOLD = 0x202A,   /* device HCALL, the active one; param2 HCALL, the one on hold */
    CF_REQ_SETUP_TRANSFER = 0x202B, /* device HCALL; fields: CALL_PARAMS, USER_USER, TARGET. Makes the consultation call */
    CF_REQ_COMPLETE_TRANSFER = 0x202C, /* device HCALL; param2 HCALL of the consultation call, param3 LINETRANSFERMODE_. CONFERENCE makes the conference's call */
    CF_REQ_BLIND_TRANSFER = 0x202D, /* device HCALL; param2 country code; fields: DESTINATION */
    CF_REQ_PARK = 0x202E,        /* device HCALL; param2 LINEPARKMODE_; fields: DESTINATION of DIRECTED. The reply of NONDIRECTED brings PARK_ADDRESS */
    CF_REQ_SETUP_CONFERENCE = 0x202F, /* device HCALL, or HLINE without one; param3 parties expected; fields: CALL_PARAMS, USER_USER, TARGET. Makes the
                                    conference's call and the consultation call */
    CF_REQ_PREPARE_ADD = 0x2030, /* device HCALL of the conference; fields as SETUP_TRANSFER. Makes the consultation call */
    CF_REQ_ADD_TO_CONFERENCE = 0x2031, /* device HCALL of the conference; param2 HCALL */
    CF_REQ_REMOVE_FROM_CONFERENCE = 0x2032, /* device HCALL of the member */
    CF_REQ_UNPARK = 0x2033,      /* device HLINE; param2 address id; fields: DESTINATION. Makes the call, as PICKUP does */
    CF_REQ_PICKUP = 0x2034,      /* device HLINE; param2 address id; fields: DESTINATION, GROUP, each or none */
    CF_REQ_FORWARD = 0x2035,     /* device HLINE; param2 address id | 1 << 32 for all addresses, param3 rings; fields: FORWARD_LIST, CALL_PARAMS,
                                    USER_USER. May make a consultation call */
    CF_REQ_COMPLETE_CALL = 0x2036, /* device HCALL; param2 LINECALLCOMPLMODE_, param3 message id. The reply brings the completion id */
    CF_REQ_UNCOMPLETE_CALL = 0x2037, /* device HLINE; param2 completion id */
    CF_REQ_SEND_USER_USER = 0x2038, /* device HCALL; fields: USER_USER */
    CF_REQ_RELEASE_USER_USER = 0x2039, /* device HCALL */
    CF_REQ_SET_CALL_DATA = 0x203A, /* device HCALL; fields: CALL_DATA, none: nothing is kept any more */
    CF_REQ_SET_CALL_TREATMENT = 0x203B, /* device HCALL; param2 LINECALLTREATMENT_ */
    CF_REQ_DEV_SPECIFIC = 0x203C, /* device HLINE; param2 HCALL or 0, param3 address id; fields: DEV_SPECIFIC, which the reply may bring too */
    /* silent */
    CF_REQ_CLOSE = 0x2040,       /* device HLINE: lineClose */
    CF_REQ_RELEASE = 0x2041,     /* device HCALL: lineDeallocateCall */
    CF_REQ_SHUTDOWN = 0x2042,    /* lineShutdown: the peer will close its socket */
};

/* Bytes that are known of a call beside its parties, in the order in which they lie in an answer. */
enum cf_call_text {
    CF_CALL_TEXT_DISPLAYABLE,
    CF_CALL_TEXT_CALLED_PARTY,
    CF_CALL_TEXT_COMMENT,
    CF_CALL_TEXT_USER_USER,
    CF_CALL_TEXT_CALL_DATA,
    CF_CALL_TEXTS
};
#define CF_CALL_TEXTS_BYTES (3 * CF_CALL_TEXT_MAX + CF_USER_USER_MAX + CF_CALL_DATA_MAX)

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
    uint32_t digit_modes;       /* LINEDIGITMODE_ that it can send */
    uint32_t transfer_modes;    /* LINETRANSFERMODE_ */
    uint32_t conference_max;    /* dwMaxNumConference */
    uint32_t remove_from_conf_caps, remove_from_conf_state;
    uint32_t monitor_digit_modes; /* LINEDIGITMODE_ that it hears */
    uint32_t gather_timeout_min_ms, gather_timeout_max_ms;
    uint32_t generate_tone_modes, generate_tone_freqs; /* LINETONEMODE_; of a custom tone */
    uint32_t monitor_tone_freqs, monitor_tone_entries;
    struct cf_feature_caps more;
};

struct cf_reply_line_status {
    uint32_t opens;
    uint32_t open_media_modes;
    uint32_t active_calls;  /* not IDLE, not on hold */
    uint32_t on_hold_calls;
    uint32_t on_hold_pending_calls;
    uint32_t status_flags;  /* LINEDEVSTATUSFLAGS_ */
    uint32_t apps;          /* of these follow: who has it open */
    uint32_t next;          /* place of the next, 0: those were the last */
};

struct cf_reply_app {
    char name[CF_NAME_MAX];
    uint32_t media_modes; /* for which it is open as OWNER */
    uint32_t address;     /* of LINEOPENOPTION_SINGLEADDRESS, UINT32_MAX: all */
};
#define CF_APPS_PER_SLICE ((CF_REPLY_SLOT_BYTES - 24 - sizeof(struct cf_reply_line_status)) / sizeof(struct cf_reply_app))

struct cf_reply_address_status {
    uint32_t in_use;        /* calls that are not IDLE */
    uint32_t active_calls;  /* of these, not on hold */
    uint32_t on_hold_calls;
    uint32_t on_hold_pending_calls;
    uint32_t in_service;    /* 1 up, 0 provider away */
    uint32_t address_features; /* LINEADDRFEATURE_ that the line's capabilities name */
    uint32_t forward_rings; /* before NOANSW */
    uint32_t forward_bytes; /* of forwards; 0: nothing is forwarded, or its provider does not tell */
    uint8_t forwards[CF_FORWARD_BYTES_MAX]; /* as shm/forward.h says; so many as there are travel */
};
_Static_assert(sizeof(struct cf_reply_address_status) <= CF_REPLY_SLOT_BYTES - 24, "one reply slot");

struct cf_reply_app_priority {
    uint32_t priority; /* 1 first, 0 not in the list */
    uint32_t reserved;
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
    uint32_t connected_flags, redirection_flags, redirecting_flags; /* LINECALLPARTYID_ */
    uint32_t monitor_digit_modes, monitor_media_modes; /* what any application listens for */
    char caller_name[CF_NAME_MAX], called_name[CF_NAME_MAX];
    char connected[CF_NAME_MAX], connected_name[CF_NAME_MAX];
    char redirection[CF_NAME_MAX], redirection_name[CF_NAME_MAX];
    char redirecting[CF_NAME_MAX], redirecting_name[CF_NAME_MAX];
    uint32_t call_treatment, completion_id;
    uint32_t text_bytes[CF_CALL_TEXTS]; /* enum cf_call_text; they follow one after the other */
    uint8_t texts[CF_CALL_TEXTS_BYTES], pad[3];
};
_Static_assert(sizeof(struct cf_reply_call_info) <= CF_REPLY_SLOT_BYTES - 24, "one reply slot");

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
    uint32_t call_param_flags, address_mode, address_id, no_answer_timeout_s; /* DIALABLEADDR: field ADDRESS says which address it is */
};

/* CF_FIELD_TONES of lineGenerateTone: LINEGENERATETONE. */
struct cf_tone {
    uint32_t frequency_hz, on_ms, off_ms, volume;
};

/* CF_FIELD_TONES of lineMonitorTones: LINEMONITORTONE. All frequencies 0: silence. */
struct cf_heard_tone {
    uint32_t app_specific, duration_ms, frequency_hz[3];
};

/*
 * What goes down to an application beside TAPI's own messages (ids LINE_*, CF_LINE_GAP, CF_LINE_RESYNC_BEGIN, CF_LINE_RESYNC_END):
 * LINE_APPNEWCALL: device HLINE, param1 address id, param2 HCALL, param3 privilege; payload fields CALLER, CALLED
 * LINE_CALLSTATE, LINE_CALLINFO: device HCALL
 * LINE_GENERATE: device HCALL, param1 LINEGENERATETERM_, param3 the end in ms of CLOCK_MONOTONIC, low 32 bits
 * LINE_GATHERDIGITS: device HCALL, param1 LINEGATHERTERM_, param2 the library's number (handed out as 0), param3 as LINE_GENERATE; fields: DIGITS
 * LINE_MONITORDIGITS, LINE_MONITORMEDIA, LINE_MONITORTONE: device HCALL, param1 digit, LINEMEDIAMODE_, the tone's app_specific; param2 LINEDIGITMODE_
 *   of a digit; param3 ms as LINE_GENERATE
 * LINE_REPLY: param1 request id, param2 result (LONG); of a request that makes calls: device the new HCALL, param3 that of the second; of
 *   COMPLETE_CALL: param3 the completion id; of PARK and DEV_SPECIFIC: fields PARK_ADDRESS, DEV_SPECIFIC, in a record of two slots
 *   (the library hands device and param3 out as 0)
 * LINE_DEVSPECIFIC: device HLINE or HCALL, param1 to param3 as the provider gave them
 * open_line is the HLINE's slot in all of them, so that the library finds the callback instance.
 */

#endif
