/*
 * The lines a command has open, by device id and by HLINE.
 *
 * Invariant  a device is open at most once
 * Overlap    one thread
 */
#ifndef CF_APPS_CALLFAN_OPEN_LINES_H
#define CF_APPS_CALLFAN_OPEN_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "apps/callfan/map.h"
#include "apps/callfan/options.h"
#include "callfan/tapi.h"

struct cf_tool_lines {
    const char *command; /* for complaints */
    HLINEAPP app;
    const struct cf_tool_line_list *wanted; /* borrowed; empty: all */
    DWORD privileges;
    HLINE *by_device; /* 0: not open */
    size_t devices_room;
    struct cf_tool_map ids; /* HLINE -> device id */
    uint32_t open_count;
};

/* Opens what is wanted of device ids below devices. False, with the reason on stderr: a line asked for by number cannot be
 * had. A line whose provider is away is left for its LINE_CREATE. */
bool cf_tool_lines_open(struct cf_tool_lines *l, DWORD devices);

/* Follows LINE_CREATE (opens the line when it is wanted) and LINE_CLOSE (forgets it). True when the message was one of
 * these and concerned a line of ours: *ret_device is its id. */
bool cf_tool_lines_follow(struct cf_tool_lines *l, const struct cf_batch_message *m, DWORD *ret_device);

bool cf_tool_lines_device(const struct cf_tool_lines *l, HLINE line, DWORD *ret_device);

/* The open line at or after device id *at, around the end if need be; *at moves behind it. 0: none is open. */
HLINE cf_tool_lines_next(const struct cf_tool_lines *l, DWORD *at, DWORD *ret_device);

/* Forgets all, closes nothing. */
void cf_tool_lines_fini(struct cf_tool_lines *l);

#endif
