/*
 * What the commands print: a message as a line or as JSON, durations, JSON strings.
 */
#ifndef CF_APPS_CALLFAN_OUTPUT_H
#define CF_APPS_CALLFAN_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "apps/callfan/histogram.h"
#include "apps/callfan/open_lines.h"
#include "callfan/tapi.h"

struct cf_tool_output {
    FILE *to;
    bool json;
    bool colour;           /* only where `to` is a terminal */
    int64_t utc_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};

/* One message as the tool knows it. */
struct cf_tool_event {
    const struct cf_batch_message *m;
    int64_t line;                 /* device id, -1: of no line */
    HCALL call;                   /* 0: of no call */
    DWORD state, mode, privilege; /* 0: the message has none */
    const char *caller, *called;  /* NULL: not known */
    DWORD call_id;                /* LINECALLINFO.dwCallID; 0: not asked for */
};

/* What a message says by itself. The line of one about a call (LINE_CALLSTATE, LINE_CALLINFO) is the command's to know: -1. */
struct cf_tool_event cf_tool_event_read(const struct cf_batch_message *m, const struct cf_tool_lines *lines);

void cf_tool_output_init(struct cf_tool_output *o, FILE *to, bool json);
void cf_tool_output_event(const struct cf_tool_output *o, const struct cf_tool_event *e);

/* Text from the network: control characters are shown as '?'. Filled with spaces up to `width` bytes. */
void cf_tool_print_text(FILE *to, const char *text, int width);

/* A JSON string with its quotes; a byte that is no UTF-8 becomes U+FFFD. */
void cf_tool_print_json_string(FILE *to, const char *text);

/* "12.3 us"; at least three digits. */
const char *cf_tool_duration(int64_t ns, char text[16]);

/* "p50 12.3 us, p90 ..., p99 ..., p99.9 ..., max ..." */
void cf_tool_print_latency(FILE *to, const struct cf_histogram *h);

#endif
