/*
 * callfan calls: every live call, by lineGetNewCalls.
 */
#include "apps/callfan/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/callfan/open_lines.h"
#include "apps/callfan/options.h"
#include "apps/callfan/output.h"
#include "apps/callfan/service.h"

enum { LIST_BYTES = 1 << 16, INFO_BYTES = 8192, LIST_ATTEMPTS = 16 };

/* All calls of a line, in memory that the caller frees; NULL, and the error, when they cannot be had. */
static LINECALLLIST *list_calls(HLINE line, LONG *ret_error)
{
    DWORD bytes = LIST_BYTES;
    *ret_error = LINEERR_NOMEM;
    for (int i = 0; i < LIST_ATTEMPTS; i++) {
        LINECALLLIST *list = malloc(bytes);
        if (list == NULL)
            return NULL;
        list->dwTotalSize = bytes;
        *ret_error = lineGetNewCalls(line, 0, LINECALLSELECT_LINE, list);
        if (*ret_error == 0 && list->dwNeededSize <= bytes)
            return list;
        DWORD needed = list->dwNeededSize;
        free(list);
        if (*ret_error != 0)
            return NULL;
        bytes = needed + needed / 2; /* calls may come meanwhile */
    }
    *ret_error = LINEERR_RESOURCEUNAVAIL;
    return NULL;
}

static const char *text_at(const void *structure, DWORD size, DWORD offset)
{
    return size == 0 ? "" : (const char *)structure + offset;
}

static bool print_call(HCALL call, DWORD device, bool json)
{
    union {
        LINECALLINFO info;
        char bytes[INFO_BYTES];
    } u = {.info.dwTotalSize = INFO_BYTES};
    LINECALLSTATUS status = {.dwTotalSize = sizeof status};
    if (lineGetCallInfo(call, &u.info) != 0 || lineGetCallStatus(call, &status) != 0)
        return false;
    const char *caller = text_at(&u, u.info.dwCallerIDSize, u.info.dwCallerIDOffset);
    const char *called = text_at(&u, u.info.dwCalledIDSize, u.info.dwCalledIDOffset);
    const char *state = cf_call_state_name(status.dwCallState);
    const char *mode = cf_call_mode_name(status.dwCallState, status.dwCallStateMode);
    const SYSTEMTIME *t = &status.tStateEntryTime;
    if (!json) {
        printf("%6u  %08x  %-12s  %-10s  %02u:%02u:%02u.%03u  %6u  %8u  %-20s  %s\n", device, u.info.dwCallID, state,
               mode, t->wHour, t->wMinute, t->wSecond, t->wMilliseconds, u.info.dwNumOwners, u.info.dwNumMonitors,
               caller, called);
        return true;
    }
    printf("{\"line\":%u,\"call_id\":%u,\"state\":\"%s\",\"mode\":\"%s\","
           "\"since\":\"%04u-%02u-%02uT%02u:%02u:%02u.%03uZ\",\"owners\":%u,\"monitors\":%u,\"caller\":",
           device, u.info.dwCallID, state, mode, t->wYear, t->wMonth, t->wDay, t->wHour, t->wMinute, t->wSecond,
           t->wMilliseconds, u.info.dwNumOwners, u.info.dwNumMonitors);
    cf_tool_print_json_string(stdout, caller);
    printf(",\"called\":");
    cf_tool_print_json_string(stdout, called);
    printf("}\n");
    return true;
}

static int print_calls(HLINE line, DWORD device, bool json)
{
    LONG error;
    LINECALLLIST *list = list_calls(line, &error);
    if (list == NULL) {
        cf_tool_complain("calls", "lineGetNewCalls", error);
        return CF_EXIT_FINDINGS;
    }
    const HCALL *calls = (const HCALL *)(const void *)((const char *)list + list->dwCallsOffset);
    for (DWORD i = 0; i < list->dwCallsNumEntries; i++) {
        print_call(calls[i], device, json);
        lineDeallocateCall(calls[i]);
    }
    free(list);
    return CF_EXIT_OK;
}

int cf_tool_calls(int argc, char **argv)
{
    const char *socket = NULL;
    bool json = false;
    struct cf_tool_line_list wanted = {0};
    const struct cf_tool_option options[] = {
        {"socket", CF_OPTION_TEXT, &socket, "PATH",
         "the service's socket (default: CALLFAN_SOCKET, then the system's)"},
        {"line", CF_OPTION_LINES, &wanted, "N", "only this line, or N-M; may be repeated (default: all)"},
        {"json", CF_OPTION_FLAG, &json, NULL, "one JSON object per line"},
    };
    const struct cf_tool_usage usage = {
        "callfan calls [OPTION]...",
        "Lists the calls that exist now: line, call id, state and mode, since when (UTC), how\n"
        "many applications own and monitor it (this one too), caller and called.",
        options, sizeof options / sizeof *options};
    struct cf_tool_service service;
    int result;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    cf_tool_catch_signals();
    result = cf_tool_service_join(&service, socket, "callfan calls", 0, 0);
    if (result != CF_EXIT_OK)
        return result;
    struct cf_tool_lines lines = {
        .command = "calls", .app = service.app, .wanted = &wanted, .privileges = LINECALLPRIVILEGE_NONE};
    result = cf_tool_lines_open(&lines, service.devices) ? CF_EXIT_OK : CF_EXIT_FINDINGS;
    if (result == CF_EXIT_OK && !json)
        printf("%6s  %-8s  %-12s  %-10s  %-12s  %6s  %8s  %-20s  %s\n", "line", "call id", "state", "mode", "since",
               "owners", "monitors", "caller", "called");
    for (DWORD id = 0; result == CF_EXIT_OK && id < service.devices && !cf_tool_stop_asked(); id++)
        if (lines.by_device[id] != 0)
            result = print_calls(lines.by_device[id], id, json);
    lineShutdown(service.app);
    cf_tool_lines_fini(&lines);
    return result;
}
