/*
 * The calls that lines have now, and what is known of one of them.
 *
 * Shape      a call is named to people by its LINECALLINFO.dwCallID, eight hexadecimal digits: the same for every application
 * Overlap    one thread
 */
#ifndef CF_APPS_CALLFAN_CALL_LIST_H
#define CF_APPS_CALLFAN_CALL_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "apps/callfan/open_lines.h"
#include "callfan/tapi.h"

enum { CF_TOOL_PARTY_BYTES = 256, CF_TOOL_CAUSE_BYTES = 64 };

struct cf_tool_call {
    HCALL handle;
    DWORD device;
    DWORD id; /* dwCallID */
    DWORD state, mode, owners, monitors;
    SYSTEMTIME since;
    char caller[CF_TOOL_PARTY_BYTES], called[CF_TOOL_PARTY_BYTES]; /* "" where not known */
    char cause[CF_TOOL_CAUSE_BYTES]; /* the network's own word for the end, "SIP 486"; "" where there is none */
};

/* Asks what is known of a call; 0 or LINEERR_. Synchronous. */
LONG cf_tool_call_ask(HCALL handle, DWORD device, struct cf_tool_call *ret_call);

/* Gives a monitor handle for each call of the line that has none on it yet to fn, whose affair it then is. 0 or LINEERR_. */
typedef void cf_tool_call_fn(void *self, HCALL handle, DWORD device);
LONG cf_tool_calls_of_line(HLINE line, DWORD device, cf_tool_call_fn *fn, void *self);

/* The same for all open lines, by device id; a line that fails is complained of. False: one did. */
bool cf_tool_calls_of_lines(const struct cf_tool_lines *lines, cf_tool_call_fn *fn, void *self);

/* "0000002a", "2a" or "0x2a". */
bool cf_tool_call_id_parse(const char *text, DWORD *ret_id);

#endif
