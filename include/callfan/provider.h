/*
 * The provider's contract: TAPI's service-provider role over a port (TSPI operations become commands, LINEEVENTs events).
 *
 * Shape      struct cf_message records (shm/record.h): events go up, commands come down
 * Units      time_ns of an event: CLOCK_MONOTONIC ns at which the provider saw it
 * Identity   the provider numbers its lines 0..n-1 and keeps the numbers over restarts. It names its calls itself (HDRVCALL): a 64-bit
 *            handle of kind CF_KIND_PROVIDER, made by cf_handle_make(index, CF_KIND_PROVIDER, generation) with an odd generation; index below
 *            calls_per_provider; an index may be used again, with a higher generation, only after CF_CMD_CLOSE_CALL for it
 *            came (or the call was refused). The core refuses an event whose generation is not the live one and counts it.
 * Order      per call: CF_EV_NEW_CALL first (or the success of the command that made it), IDLE last, nothing after IDLE; after DISCONNECTED the
 *            provider runs the linger (configuration) and reports IDLE itself; IDLE follows CF_CMD_DROP or the linger.
 * Parties    a text field that is absent changes nothing; an address (CALLER, CALLED, CONNECTED, REDIRECTING, REDIRECTION) of no bytes says that the
 *            party is withheld (LINECALLPARTYID_BLOCKED). Kept are 31 bytes of caller and called, 63 of the others; more is PARTIAL
 * Progress   every command but CLOSE_CALL, OPEN_LINE, CLOSE_LINE, REFUSED, SET_MEDIA_MODE and the three MONITOR_ is answered by exactly one CF_EV_REPLY. Of
 *            commands that are new to a provider those with a number in param1 are refused (OPERATIONUNAVAIL), the others passed over.
 * Listening  what somebody listens for on a call is told by CF_CMD_MONITOR_DIGITS, _MEDIA and _TONES; it ends with IDLE or CLOSE_CALL, or when the provider
 *            attaches anew. Other digits, media and tones may be reported and go to nobody. Of a conference its own call is what is heard: what is
 *            reported of a call that is CONFERENCED goes to nobody
 * Start      after attach: CF_EV_SNAPSHOT_BEGIN, CF_EV_LINE per line, CF_EV_NEW_CALL per live call, CF_EV_SNAPSHOT_END. Calls that
 *            are announced between the marks are taken although no application has their line open, and kept until IDLE.
 * Source     TSPI 2.1: LINEEVENT, ASYNC_COMPLETION, TSPI_lineMakeCall, TSPI_lineCloseCall ...
 */
#ifndef CALLFAN_PROVIDER_H
#define CALLFAN_PROVIDER_H

#include <stdint.h>

#include "callfan/limits.h"
#include "callfan/tapi_const.h"

enum cf_provider_event {
    CF_EV_SNAPSHOT_BEGIN = 0x3000,
    CF_EV_SNAPSHOT_END = 0x3001,
    CF_EV_LINE = 0x3002,        /* param1 line number; fields: NAME, ADDRESS, PROVIDER_INFO, LINE_CAPS (struct cf_line_caps) */
    CF_EV_LINE_REMOVE = 0x3003, /* param1 line number: the device is gone for good (LINE_REMOVE). Its calls are ended first */
    CF_EV_LINE_CLOSE = 0x3004,  /* param1 line number: force every open of it closed (LINE_CLOSE) */
    CF_EV_LINE_STATE = 0x3005,  /* param1 line number, param2 LINEDEVSTATE_ bits, param3 detail (ring mode | ring count << 32). A line that CF_EV_LINE
                                   brought is CONNECTED and INSERVICE until told otherwise */
    CF_EV_NEW_CALL = 0x3010,    /* device call, param1 line number | address id << 32, param2 state | mode << 32, param3 media modes | origin << 32;
                                   open_line: LINECALLREASON_; fields: CALLER, CALLED, CONNECTED, REDIRECTING, REDIRECTION, each also as _NAME;
                                   USER_USER, CALL_DATA; COMPLETION (of CALLCOMPLETION: the id that lineCompleteCall had) */
    CF_EV_CALL_STATE = 0x3011,  /* device call, param1 state, param2 mode (of CONFERENCED: the call that stands for the conference, of the same line, announced
                                   before; 0 unknown), param3 media modes (0 unchanged); fields: RAW_CAUSE */
    CF_EV_CALL_INFO = 0x3012,   /* device call, param1 LINECALLINFOSTATE_ bits, param2 of TREATMENT: LINECALLTREATMENT_; fields: what changed,
                                   of USERUSERINFO and CALLDATA the whole of it (of no bytes: nothing any more). User-user information that comes
                                   while other has not been released (CF_CMD_RELEASE_USER_USER) is kept by the provider until then */
    CF_EV_DIGIT = 0x3013,       /* device call, param1 the digit as a character (0-9, A-D, *, #), param2 LINEDIGITMODE_ (one; DTMFEND: the tone has ended) */
    CF_EV_MEDIA = 0x3014,       /* device call, param1 LINEMEDIAMODE_ (one) that was found on it; LINECALLINFO.dwMediaMode does not change by it */
    CF_EV_TONE = 0x3015,        /* device call, param1 app_specific of the tone that was heard, param2 the number of its list */
    CF_EV_ADDRESS_STATE = 0x3016, /* param1 line number | address id << 32, param2 LINEADDRESSSTATE_ bits: what the core cannot see by the calls. Of FORWARD
                                   param3 rings before NOANSW; fields: FORWARD_LIST (shm/forward.h): the whole list from now on, with each mode of
                                   LINEFORWARDMODE_ allowed, of no bytes: nothing is forwarded, absent: as before. It lasts as long as the line:
                                   a provider that attaches tells it again */
    CF_EV_DEV_SPECIFIC = 0x3017, /* device call, or 0 and open_line line number: LINE_DEVSPECIFIC with param1 to param3, low 32 bits of each */
    CF_EV_REPLY = 0x3020,       /* param1 command number, param2 result (0 or LINEERR_ as 32 bits); success of what makes a call: device the new call
                                   (MAKE_CALL, UNPARK, PICKUP, SETUP_TRANSFER, PREPARE_ADD: that call; SETUP_CONFERENCE: param3 the second; FORWARD: a
                                   consultation call, or 0), of other commands the call that they were about, or 0. COMPLETE_CALL: param3 the
                                   completion id. Fields of a success, CF_REPLY_TEXT_MAX bytes: PARK_ADDRESS of PARK(NONDIRECTED), DEV_SPECIFIC.
                                   Of GATHER_DIGITS: param3 LINEGATHERTERM_; fields: DIGITS */
};

enum cf_provider_command {
    CF_CMD_MAKE_CALL = 0x4000,  /* param1 command number, param2 line number | address id << 32, param3 country code; fields: DESTINATION, CALL_PARAMS, USER_USER */
    CF_CMD_ACCEPT = 0x4001,     /* device call, param1 command number */
    CF_CMD_ANSWER = 0x4002,
    CF_CMD_DROP = 0x4003,       /* param1 0: nobody waits for the reply (the core's own drop); it is still to be sent, with 0 */
    CF_CMD_HOLD = 0x4004,       /* device call, param1 command number; the state follows as CF_EV_CALL_STATE, in any order with the reply */
    CF_CMD_UNHOLD = 0x4005,
    CF_CMD_GENERATE_DIGITS = 0x4006, /* device call, param1 command number, param2 LINEDIGITMODE_ | duration in ms (0 the provider's) << 32; fields: DIGITS.
                                   Replied to when it has ended: 0 all were sent (DONE), else CANCEL. Without DIGITS it only stops what runs; a new
                                   one stops the old one, whose reply comes first. The same with GENERATE_TONE: one of either at a time. One that stops has
                                   number 0, and its reply too */
    CF_CMD_SET_CALL_PARAMS = 0x4007, /* device call, param1 command number; fields: CALL_PARAMS (bearer_mode, min_rate, max_rate count) */
    CF_CMD_DIAL = 0x4008,       /* device call, param1 command number, param2 country code; fields: DESTINATION: a semicolon at its end says that more will come,
                                   no bytes that it was all. Of MAKE_CALL's the same holds */
    CF_CMD_REDIRECT = 0x4009,   /* device call, param1 command number, param2 country code; fields: DESTINATION */
    CF_CMD_SECURE_CALL = 0x400A, /* device call, param1 command number */
    CF_CMD_SWAP_HOLD = 0x400B,  /* device the active call, param1 command number, param2 the call on hold */
    CF_CMD_SETUP_TRANSFER = 0x400C, /* device call, param1 command number; fields: CALL_PARAMS, USER_USER, TARGET (to be dialled at once). The reply names the
                                   consultation call */
    CF_CMD_COMPLETE_TRANSFER = 0x400D, /* device call, param1 command number, param2 the consultation call, param3 LINETRANSFERMODE_: of CONFERENCE the reply names
                                   the conference's call */
    CF_CMD_BLIND_TRANSFER = 0x400E, /* device call, param1 command number, param2 country code; fields: DESTINATION */
    CF_CMD_SET_MEDIA_MODE = 0x403D, /* device call, param2 LINEMEDIAMODE_ bits: an owner has set them. Advice; no reply */
    CF_CMD_PARK = 0x400F,       /* device call, param1 command number, param2 LINEPARKMODE_; fields: DESTINATION of DIRECTED */
    CF_CMD_CLOSE_CALL = 0x4010, /* device call: the last handle is gone (TSPI_lineCloseCall); drop it if it still lives, forget it */
    CF_CMD_REFUSED = 0x4011,    /* device call: the core cannot take this new call (SIP 503, cause 42); forget it; param1 enum cf_refusal */
    CF_CMD_OPEN_LINE = 0x4020,  /* param1 line number, param2 union of media modes: first application opened it, or the union changed since */
    CF_CMD_CLOSE_LINE = 0x4021, /* param1 line number: last application closed it */
    CF_CMD_SETUP_CONFERENCE = 0x4030, /* device call, or 0 and param2 line number | address id << 32; param1 command number, param3 parties expected; fields as
                                   SETUP_TRANSFER. The reply names the conference's call and, in param3, the consultation call */
    CF_CMD_PREPARE_ADD = 0x4031, /* device the conference's call; as SETUP_TRANSFER */
    CF_CMD_ADD_TO_CONFERENCE = 0x4032, /* device the conference's call, param1 command number, param2 the call to be added */
    CF_CMD_REMOVE_FROM_CONFERENCE = 0x4033, /* device the member, param1 command number */
    CF_CMD_UNPARK = 0x4034,     /* param1 command number, param2 line number | address id << 32; fields: DESTINATION: where it was parked */
    CF_CMD_PICKUP = 0x4035,     /* the same; fields: DESTINATION (whose call), GROUP; neither: the group that the address is of, or the call that waits */
    CF_CMD_FORWARD = 0x4036,    /* param1 command number, param2 line number | address id << 32 (CF_ALL_ADDRESSES: each), param3 rings before NOANSW;
                                   fields: FORWARD_LIST (shm/forward.h): the whole list from now on, none: nothing is forwarded; CALL_PARAMS, USER_USER of a
                                   consultation call */
    CF_CMD_COMPLETE_CALL = 0x4037, /* device call, param1 command number, param2 LINECALLCOMPLMODE_, param3 message id */
    CF_CMD_UNCOMPLETE_CALL = 0x4038, /* param1 command number, param2 line number, param3 completion id */
    CF_CMD_SEND_USER_USER = 0x4039, /* device call, param1 command number; fields: USER_USER */
    CF_CMD_RELEASE_USER_USER = 0x403A, /* device call, param1 command number: the next user-user information may be shown */
    CF_CMD_SET_CALL_DATA = 0x403B, /* device call, param1 command number; fields: CALL_DATA, none: forget it. CF_EV_CALL_INFO(CALLDATA) with what it is then
                                   follows */
    CF_CMD_SET_CALL_TREATMENT = 0x403C, /* device call, param1 command number, param2 LINECALLTREATMENT_. CF_EV_CALL_INFO(TREATMENT) follows */
    CF_CMD_DEV_SPECIFIC = 0x403E, /* device call or 0, param1 command number, param2 line number | address id << 32; fields: DEV_SPECIFIC */
    CF_CMD_GATHER_DIGITS = 0x4040, /* device call, param1 command number, param2 LINEDIGITMODE_ bits | how many digits << 32, param3 ms to the first digit |
                                   between two << 32 (0: for ever); fields: TERMINATION_DIGITS (none: none ends it). Replied to when it has ended: 0 with the
                                   digits, the termination digit among them, else CANCEL. A new one stops the old one, whose reply comes first; one for no
                                   digits, with number 0, only stops. It ends with the call, its reply before IDLE */
    CF_CMD_GENERATE_TONE = 0x4041, /* device call, param1 command number, param2 LINETONEMODE_ | duration in ms (0 the mode's own, which may be for ever) << 32;
                                   fields: TONES (struct cf_tone) of CUSTOM. As GENERATE_DIGITS; mode 0 only stops */
    CF_CMD_MONITOR_DIGITS = 0x4042, /* device call, param2 LINEDIGITMODE_ bits that somebody listens for now, 0 none */
    CF_CMD_MONITOR_MEDIA = 0x4043, /* device call, param2 LINEMEDIAMODE_ bits that somebody listens for now, 0 none */
    CF_CMD_MONITOR_TONES = 0x4044, /* device call, param2 number of a new list of tones, 0 none; fields: TONES (struct cf_heard_tone); param3 number of the list
                                   that ends, 0 none. A call has a list for each application that listens for tones */
};

#define CF_ALL_ADDRESSES 0xFFFFFFFFu /* address id of CF_CMD_FORWARD */

enum cf_refusal {
    CF_REFUSAL_NOBODY = 1,   /* no application owns or monitors the line */
    CF_REFUSAL_OVERLOAD = 2, /* no room for another call */
    CF_REFUSAL_INVALID = 3,  /* the event broke this contract */
};

/* What line and address can do beside calls, and with which parameters. Zeros: none of it. */
struct cf_feature_caps {
    uint32_t address_features;    /* LINEADDRFEATURE_: FORWARD, PICKUP, UNPARK, UNCOMPLETECALL */
    uint32_t park_modes;          /* LINEPARKMODE_; 0 with LINECALLFEATURE_PARK: DIRECTED */
    uint32_t forward_modes;       /* LINEFORWARDMODE_; 0 with LINEADDRFEATURE_FORWARD: UNCOND */
    uint32_t forward_entries_max, forward_specific_max; /* of one list; 0 with LINEADDRFEATURE_FORWARD: 1, 0 */
    uint32_t forward_rings_min, forward_rings_max;
    uint32_t completions_max;     /* LINEADDRESSCAPS.dwMaxCallCompletions */
    uint32_t completion_modes;    /* LINECALLCOMPLMODE_ */
    uint32_t completion_conditions; /* LINECALLCOMPLCOND_ */
    uint32_t completion_messages; /* ids 0 to so many - 1, of LINECALLCOMPLMODE_MESSAGE */
    uint32_t call_treatments;     /* bit n: LINECALLTREATMENT_ n, SILENCE to MUSIC */
    uint32_t reserved[4];
};

/* CF_FIELD_LINE_CAPS of CF_EV_LINE. Zeros take defaults: 1 address, voice, INTERACTIVEVOICE, DTMF where digits can be sent. */
struct cf_line_caps {
    uint32_t permanent_id; /* stable over restarts; its low 20 bits count, the core adds the provider's place */
    uint32_t addresses;      /* at most CF_ADDRESSES_PER_LINE_MAX */
    uint32_t bearer_modes;
    uint32_t media_modes;
    uint32_t dev_cap_flags;  /* LINEDEVCAPFLAGS_ */
    uint32_t line_features;  /* LINEFEATURE_: MAKECALL when outgoing calls work */
    uint32_t calls_max;
    uint32_t answer_mode;    /* LINEANSWERMODE_ */
    uint32_t addr_cap_flags; /* LINEADDRCAPFLAGS_ */
    uint32_t call_features;  /* LINECALLFEATURE_: ACCEPT, ANSWER, DROP ... that this line can do */
    uint32_t call_states;    /* LINECALLSTATE_ that it may report */
    uint32_t digit_modes;    /* LINEDIGITMODE_ that CF_CMD_GENERATE_DIGITS can send */
    uint32_t transfer_modes; /* LINETRANSFERMODE_ of CF_CMD_COMPLETE_TRANSFER; 0 with LINECALLFEATURE_COMPLETETRANSF: TRANSFER */
    uint32_t conference_max; /* parties of a conference, LINEADDRESSCAPS.dwMaxNumConference */
    uint32_t remove_from_conf_caps;  /* LINEREMOVEFROMCONF_; 0: NONE */
    uint32_t remove_from_conf_state; /* LINECALLSTATE_ in which lineRemoveFromConference leaves a call */
    uint32_t monitor_digit_modes;    /* LINEDIGITMODE_ that it hears; 0 with LINECALLFEATURE_MONITORDIGITS or _GATHERDIGITS: DTMF */
    uint32_t gather_timeout_min_ms, gather_timeout_max_ms; /* of CF_CMD_GATHER_DIGITS; 0 and 0: it has no timeouts */
    uint32_t generate_tone_modes;    /* LINETONEMODE_; 0 with LINECALLFEATURE_GENERATETONE: BEEP */
    uint32_t generate_tone_freqs;    /* of a custom tone; 0 with CUSTOM: 1 */
    uint32_t monitor_tone_freqs;     /* of a tone that it can tell, 3 at most; 0 with LINECALLFEATURE_MONITORTONES: 1 */
    uint32_t monitor_tone_entries;   /* tones of a list, 32 at most; 0 the same: 1 */
    struct cf_feature_caps more;
};

#endif
