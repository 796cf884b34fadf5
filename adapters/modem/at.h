/*
 * What a modem says: bytes in, lines out, each named.
 *
 * Shape      one struct cf_at_parser per modem; a byte gives at most one line, which points into the parser until the next byte
 * Units      lines end with CR or LF, so that verbose answers (CR LF text CR LF), numeric ones (digit CR) and the echo of a command
 *            (text CR) are all lines; empty lines are none. "> " at the beginning of a line is a prompt at once
 * Invariant  what comes out depends on the bytes alone, not on how they were split over reads
 * Errors     a line longer than CF_AT_LINE_MAX and one with control characters come out as such, without their text
 * Trust      the modem is believed in nothing: fields are bounded views, numbers are range-checked
 * Source     ITU-T V.250 5.7 and 6.3, 3GPP TS 27.007 4.2 and 7, Hayes' numeric codes
 */
#ifndef CALLFAN_ADAPTERS_MODEM_AT_H
#define CALLFAN_ADAPTERS_MODEM_AT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CF_AT_LINE_MAX = 512,
    CF_AT_FIELDS_MAX = 16,
};

enum cf_at_kind {
    CF_AT_TEXT,    /* none of the below: information, an echo, something of a vendor */
    CF_AT_RESULT,  /* a final result code */
    CF_AT_URC,     /* a line with a name that we know, solicited or not */
    CF_AT_PROMPT,  /* "> " */
    CF_AT_GARBAGE, /* control characters within */
    CF_AT_LONG,    /* longer than CF_AT_LINE_MAX */
};

enum cf_at_result {
    CF_AT_OK,
    CF_AT_CONNECT, /* rest: the text after it, a rate or nothing */
    CF_AT_NO_CARRIER,
    CF_AT_ERROR,
    CF_AT_NO_DIALTONE,
    CF_AT_BUSY,
    CF_AT_NO_ANSWER,
    CF_AT_BLACKLISTED,
    CF_AT_DELAYED,
    CF_AT_CME_ERROR, /* rest: its number or text; also +CMS ERROR */
    CF_AT_RESULTS_COUNT,
    /* Not from the modem: how a command ended that it did not answer. */
    CF_AT_TIMEOUT = CF_AT_RESULTS_COUNT,
    CF_AT_ABORTED,
};

enum cf_at_urc {
    CF_AT_RING,
    CF_AT_CRING,
    CF_AT_CLIP,
    CF_AT_CCWA,
    CF_AT_CLCC,
    CF_AT_CSSI,
    CF_AT_CSSU,
    CF_AT_CREG,
    CF_AT_CEER,
    CF_AT_COLP,
    CF_AT_CPIN,
    CF_AT_ORIG,
    CF_AT_CONF,
    CF_AT_CONN,
    CF_AT_CEND,
    CF_AT_NMBR,
    CF_AT_NAME,
    CF_AT_URCS_COUNT,
};

struct cf_at_line {
    enum cf_at_kind kind;
    enum cf_at_result result; /* of CF_AT_RESULT */
    enum cf_at_urc urc;       /* of CF_AT_URC */
    const char *text;
    uint32_t len;
    const char *rest; /* after the name */
    uint32_t rest_len;
};

struct cf_at_parser {
    char text[CF_AT_LINE_MAX];
    uint32_t len;
    bool noisy, too_long;
    bool numeric; /* set by the user: a line of one or two digits is a numeric result code */
};

void cf_at_init(struct cf_at_parser *parser);

/* Takes one byte. True when it completed a line. */
bool cf_at_push(struct cf_at_parser *parser, uint8_t byte, struct cf_at_line *ret_line);

/* Names a line, as cf_at_push() does. */
void cf_at_name(const char *text, uint32_t len, bool numeric, struct cf_at_line *ret_line);

/* "NO CARRIER"; of CF_AT_TIMEOUT and CF_AT_ABORTED too. */
const char *cf_at_result_text(enum cf_at_result result);

/* ------------------------------------------------------------------ fields */

/* One of `1,"555",129`; text without its quotes. */
struct cf_at_field {
    const char *text;
    uint32_t len;
    bool quoted;
};

struct cf_at_fields {
    uint32_t count;
    struct cf_at_field field[CF_AT_FIELDS_MAX];
};

/* Splits at commas outside of quotes; what comes after CF_AT_FIELDS_MAX fields is left out. An open quote reaches to the end. */
void cf_at_split(const char *text, uint32_t len, struct cf_at_fields *ret_fields);

/* The number in a field, or -1: not there, empty, not a plain number of at most 9 digits. */
int32_t cf_at_number(const struct cf_at_fields *fields, uint32_t index);

/* Copies a field as a string of printable characters, cut to bytes - 1; "" when it is not there. */
void cf_at_string(const struct cf_at_fields *fields, uint32_t index, char *to, uint32_t bytes);

#endif
