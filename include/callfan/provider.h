/*
 * The provider's contract: TAPI's service-provider role over a port (TSPI operations become commands, LINEEVENTs events).
 *
 * Shape      struct cf_message records (shm/record.h): events go up, commands come down
 * Units      time_ns of an event: CLOCK_MONOTONIC ns at which the provider saw it
 * Identity   the provider numbers its lines 0..n-1 and keeps the numbers over restarts. It names its calls itself (HDRVCALL): a 64-bit
 *            handle of kind CF_KIND_PROVIDER, made by cf_handle_make(index, CF_KIND_PROVIDER, generation) with an odd generation; index below
 *            calls_per_provider; an index may be used again, with a higher generation, only after CF_CMD_CLOSE_CALL for it
 *            came (or the call was refused). The core refuses an event whose generation is not the live one and counts it.
 * Order      per call: CF_EV_NEW_CALL first (or the success of CF_CMD_MAKE_CALL), IDLE last, nothing after IDLE; after DISCONNECTED the
 *            provider runs the linger (configuration) and reports IDLE itself; IDLE follows CF_CMD_DROP or the linger.
 * Parties    a text field that is absent changes nothing; an address (CALLER, CALLED, CONNECTED, REDIRECTING, REDIRECTION) of no bytes says that the
 *            party is withheld (LINECALLPARTYID_BLOCKED). Kept are 31 bytes of caller and called, 63 of the others; more is PARTIAL
 * Progress   every command but CLOSE_CALL, OPEN_LINE, CLOSE_LINE and REFUSED is answered by exactly one CF_EV_REPLY.
 * Start      after attach: CF_EV_SNAPSHOT_BEGIN, CF_EV_LINE per line, CF_EV_NEW_CALL per live call, CF_EV_SNAPSHOT_END.
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
    CF_EV_LINE_REMOVE = 0x3003, /* param1 line number: the device is gone for good (LINE_REMOVE) */
    CF_EV_LINE_CLOSE = 0x3004,  /* param1 line number: force every open of it closed (LINE_CLOSE) */
    CF_EV_LINE_STATE = 0x3005,  /* param1 line number, param2 LINEDEVSTATE_ bits, param3 detail (ring mode | ring count << 32). A line that CF_EV_LINE
                                   brought is CONNECTED and INSERVICE until told otherwise */
    CF_EV_NEW_CALL = 0x3010,    /* device call, param1 line number | address id << 32, param2 state | mode << 32, param3 media modes | origin << 32;
                                   open_line: LINECALLREASON_; fields: CALLER, CALLED, CONNECTED, REDIRECTING, REDIRECTION, each also as _NAME */
    CF_EV_CALL_STATE = 0x3011,  /* device call, param1 state, param2 mode, param3 media modes (0 unchanged); fields: RAW_CAUSE */
    CF_EV_CALL_INFO = 0x3012,   /* device call, param1 LINECALLINFOSTATE_ bits; fields: what changed */
    CF_EV_REPLY = 0x3020,       /* param1 command number, param2 result (0 or LINEERR_ as 32 bits); success of MAKE_CALL: device the new call,
                                   of other commands the call that they were about, or 0 */
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
                                   one stops the old one, whose reply comes first */
    CF_CMD_SET_CALL_PARAMS = 0x4007, /* device call, param1 command number; fields: CALL_PARAMS (bearer_mode, min_rate, max_rate count) */
    CF_CMD_CLOSE_CALL = 0x4010, /* device call: the last handle is gone (TSPI_lineCloseCall); drop it if it still lives, forget it */
    CF_CMD_REFUSED = 0x4011,    /* device call: the core cannot take this new call (SIP 503, cause 42); forget it; param1 enum cf_refusal */
    CF_CMD_OPEN_LINE = 0x4020,  /* param1 line number, param2 union of media modes: first application opened it */
    CF_CMD_CLOSE_LINE = 0x4021, /* param1 line number: last application closed it */
};

enum cf_refusal {
    CF_REFUSAL_NOBODY = 1,   /* no application owns or monitors the line */
    CF_REFUSAL_OVERLOAD = 2, /* no room for another call */
    CF_REFUSAL_INVALID = 3,  /* the event broke this contract */
};

/* CF_FIELD_LINE_CAPS of CF_EV_LINE. Zeros take defaults: 1 address, voice, INTERACTIVEVOICE, DTMF where digits can be sent. */
struct cf_line_caps {
    uint32_t permanent_id; /* stable over restarts; its low 20 bits count, the core adds the provider's place */
    uint32_t addresses;
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
};

#endif
