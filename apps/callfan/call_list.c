#include "apps/callfan/call_list.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "apps/callfan/service.h"

enum {
    LIST_BYTES = 1 << 16,
    LIST_ATTEMPTS = 16, /* of a list that grows faster than it is fetched */
    INFO_BYTES = 8192,
    ID_DIGITS_MAX = 8,
};

/* A string inside a structure that the service filled. */
static void copy_text(char *to, size_t room, const void *structure, DWORD size, DWORD offset)
{
    size_t bytes = size < room ? size : room - 1;
    if (size != 0)
        memcpy(to, (const char *)structure + offset, bytes);
    to[bytes] = '\0';
}

LONG cf_tool_call_ask(HCALL handle, DWORD device, struct cf_tool_call *ret_call)
{
    union {
        LINECALLINFO info;
        char bytes[INFO_BYTES];
    } u = {.info.dwTotalSize = INFO_BYTES};
    LINECALLSTATUS status = {.dwTotalSize = sizeof status};
    LONG error = lineGetCallInfo(handle, &u.info);
    if (error == 0)
        error = lineGetCallStatus(handle, &status);
    if (error != 0)
        return error;
    struct cf_tool_call *c = ret_call;
    *c = (struct cf_tool_call){.handle = handle,
                               .device = device,
                               .id = u.info.dwCallID,
                               .state = status.dwCallState,
                               .mode = status.dwCallStateMode,
                               .owners = u.info.dwNumOwners,
                               .monitors = u.info.dwNumMonitors,
                               .since = status.tStateEntryTime};
    copy_text(c->caller, sizeof c->caller, &u, u.info.dwCallerIDSize, u.info.dwCallerIDOffset);
    copy_text(c->called, sizeof c->called, &u, u.info.dwCalledIDSize, u.info.dwCalledIDOffset);
    copy_text(c->cause, sizeof c->cause, &u, u.info.dwDevSpecificSize, u.info.dwDevSpecificOffset);
    return 0;
}

/* All calls of a line, in memory that the caller frees; NULL, and the error, when they cannot be had. */
static LINECALLLIST *list_calls(HLINE line, LONG *ret_error)
{
    DWORD bytes = LIST_BYTES;
    for (int i = 0; i < LIST_ATTEMPTS; i++) {
        LINECALLLIST *list = malloc(bytes);
        *ret_error = LINEERR_NOMEM;
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

LONG cf_tool_calls_of_line(HLINE line, DWORD device, cf_tool_call_fn *fn, void *self)
{
    LONG error;
    LINECALLLIST *list = list_calls(line, &error);
    if (list == NULL)
        return error;
    const HCALL *calls = (const HCALL *)(const void *)((const char *)list + list->dwCallsOffset);
    for (DWORD i = 0; i < list->dwCallsNumEntries; i++)
        fn(self, calls[i], device);
    free(list);
    return 0;
}

bool cf_tool_calls_of_lines(const struct cf_tool_lines *lines, cf_tool_call_fn *fn, void *self)
{
    bool good = true;
    for (DWORD device = 0; device < lines->devices_room; device++) {
        LONG error =
            lines->by_device[device] == 0 ? 0 : cf_tool_calls_of_line(lines->by_device[device], device, fn, self);
        if (error != 0)
            cf_tool_complain(lines->command, "lineGetNewCalls", error);
        good &= error == 0;
    }
    return good;
}

bool cf_tool_call_id_parse(const char *text, DWORD *ret_id)
{
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    size_t digits = strlen(text);
    if (digits == 0 || digits > ID_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits; i++)
        if (!isxdigit((unsigned char)text[i]))
            return false;
    *ret_id = (DWORD)strtoul(text, NULL, 16);
    return true;
}
