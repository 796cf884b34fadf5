/*
 * The script: exact events at exact times, right or wrong, as text (docs/adapters/sim.md).
 *
 * Shape      events in the order of their times; equal times in the order of the lines
 * Units      at_ns: since the script began
 * Errors     -EINVAL with "line N: ..." in why
 * Trust      any bytes: lengths and numbers are bounded, nothing is read outside the text
 */
#ifndef CF_SIM_SCRIPT_H
#define CF_SIM_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "adapters/provider/port.h"

#define CF_SCRIPT_EVENTS_MAX 65536
#define CF_SCRIPT_CALLS_MAX  65536 /* numbers of calls, 0 to that - 1 */
#define CF_SCRIPT_BYTES_MAX  (8u << 20)
#define CF_SCRIPT_LINE_BYTES 1024
#define CF_SCRIPT_CALL_NONE  UINT32_MAX

enum cf_script_kind {
    CF_SCRIPT_NEW,      /* line, call, state, mode, texts */
    CF_SCRIPT_STATE,    /* call, state, mode, cause, parent, parent_id */
    CF_SCRIPT_INFO,     /* call, texts */
    CF_SCRIPT_DIGIT,    /* call, heard: the digit, mode: LINEDIGITMODE_ */
    CF_SCRIPT_MEDIA,    /* call, heard: LINEMEDIAMODE_ */
    CF_SCRIPT_TONE,     /* call, heard: app_specific, mode: number of the list, 0 the newest */
    CF_SCRIPT_LINE_ADD, /* line */
    CF_SCRIPT_LINE_REMOVE,
    CF_SCRIPT_LINE_CLOSE,
    CF_SCRIPT_LINE_STATE, /* line, bits, detail */
    CF_SCRIPT_ADDRESS_STATE, /* line, address, bits */
    CF_SCRIPT_FORWARDING,    /* line, address, rings, forward_at, forward_bytes */
    CF_SCRIPT_DEV_SPECIFIC,  /* call, or CF_SCRIPT_CALL_NONE and line; param */
    CF_SCRIPT_ON,         /* command, reaction, error, made */
};

enum cf_script_reaction {
    CF_SCRIPT_OK,    /* obeyed, with the states that follow (adapters/sim/reactions.h) */
    CF_SCRIPT_REPLY, /* answered as if it were, and no state follows */
    CF_SCRIPT_IGNORE,
    CF_SCRIPT_FAIL,
};

struct cf_script_event {
    int64_t at_ns;
    enum cf_script_kind kind;
    uint32_t source_line;
    uint32_t line, call;
    uint32_t state, mode;
    uint32_t parent;    /* of CONFERENCED: the conference's call; CF_SCRIPT_CALL_NONE: not said */
    uint64_t parent_id; /* the same as the identifier itself, right or wrong; 0: not said */
    uint32_t address, media_modes, origin, reason; /* 0: default */
    uint32_t completion, treatment;                /* 0: none */
    struct cf_text user_user, call_data;
    struct cf_text caller, caller_name, called, called_name;
    struct cf_text connected, connected_name, redirecting, redirecting_name, redirection, redirection_name;
    struct cf_text cause;
    uint32_t heard;
    uint32_t bits;
    uint64_t detail;
    uint32_t rings, forward_at, forward_bytes; /* in the script's forwarding */
    uint32_t param[3];
    uint16_t command; /* CF_CMD_ */
    enum cf_script_reaction reaction;
    int32_t error;    /* LINEERR_ of CF_SCRIPT_FAIL */
    uint32_t made[2]; /* numbers of the calls that the command makes; CF_SCRIPT_CALL_NONE: the next free ones */
};

struct cf_script {
    char *text; /* the texts of the events point into it */
    struct cf_script_event *events;
    uint32_t events_count;
    uint8_t *forwarding; /* the lists of all CF_SCRIPT_FORWARDING (shm/forward.h) */
    uint32_t forwarding_bytes;
    uint32_t lines; /* as the script says; 0: it does not */
};

/* Reads text (copied). End with cf_script_fini(). */
int cf_script_parse(struct cf_script *ret_script, const char *text, size_t bytes, char *why, size_t why_bytes);

/* Reads a file; why then names it. */
int cf_script_read(struct cf_script *ret_script, const char *path, char *why, size_t why_bytes);

void cf_script_fini(struct cf_script *s);

#endif
