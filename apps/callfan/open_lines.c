#include "apps/callfan/open_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/callfan/service.h"

enum { OPEN_AT_ONCE = 1024 };

static bool is_wanted(const struct cf_tool_lines *l, DWORD device)
{
    for (uint32_t i = 0; i < l->wanted->count; i++)
        if (device >= l->wanted->range[i].first && device <= l->wanted->range[i].last)
            return true;
    return l->wanted->count == 0;
}

static void make_room(struct cf_tool_lines *l, size_t devices)
{
    if (devices <= l->devices_room)
        return;
    size_t room = devices < 64 ? 64 : devices * 2;
    HLINE *by_device = realloc(l->by_device, room * sizeof *by_device);
    if (by_device == NULL) {
        fprintf(stderr, "callfan %s: no memory for %zu lines\n", l->command, room);
        exit(EXIT_FAILURE);
    }
    memset(by_device + l->devices_room, 0, (room - l->devices_room) * sizeof *by_device);
    l->by_device = by_device;
    l->devices_room = room;
}

/* False when the error is the user's affair: a line that was asked for is not there. */
static bool note(struct cf_tool_lines *l, DWORD device, HLINE line, LONG error)
{
    if (error == 0) {
        l->by_device[device] = line;
        l->open_count++;
        cf_tool_map_put(&l->ids, line, device);
        return true;
    }
    if (l->wanted->count == 0 || error == LINEERR_RESOURCEUNAVAIL)
        return true;
    char what[32];
    snprintf(what, sizeof what, "line %u", device);
    cf_tool_complain(l->command, what, error);
    return false;
}

static bool open_batch(struct cf_tool_lines *l, const DWORD *ids, uint32_t count)
{
    HLINE lines[OPEN_AT_ONCE];
    LONG errors[OPEN_AT_ONCE];
    if (count == 0)
        return true;
    LONG result = cf_line_open_many(l->app, ids, count, lines, errors, TAPI_CURRENT_VERSION, 0, l->privileges,
                                    LINEMEDIAMODE_INTERACTIVEVOICE);
    if (result < 0) {
        cf_tool_complain(l->command, "opening lines", result);
        return false;
    }
    bool good = true;
    for (uint32_t i = 0; i < count; i++)
        good &= note(l, ids[i], lines[i], errors[i]);
    return good;
}

bool cf_tool_lines_open(struct cf_tool_lines *l, DWORD devices)
{
    for (uint32_t i = 0; i < l->wanted->count; i++)
        if (l->wanted->range[i].last >= devices) {
            fprintf(stderr, "callfan %s: there is no line %u: %s; 'callfan lines' lists them\n", l->command,
                    l->wanted->range[i].last, devices == 0 ? "the service has none yet" : "the last ones are lower");
            return false;
        }
    make_room(l, devices);
    DWORD ids[OPEN_AT_ONCE];
    uint32_t count = 0;
    bool good = true;
    for (DWORD device = 0; device < devices; device++) {
        if (l->by_device[device] != 0 || !is_wanted(l, device))
            continue;
        ids[count++] = device;
        if (count == OPEN_AT_ONCE) {
            good &= open_batch(l, ids, count);
            count = 0;
        }
    }
    return open_batch(l, ids, count) && good;
}

bool cf_tool_lines_follow(struct cf_tool_lines *l, const struct cf_batch_message *m, DWORD *ret_device)
{
    if (m->dwMessageID == LINE_CREATE) {
        DWORD device = (DWORD)m->dwParam1;
        if (!is_wanted(l, device))
            return false;
        make_room(l, (size_t)device + 1);
        if (l->by_device[device] == 0)
            open_batch(l, &device, 1);
        *ret_device = device;
        return true;
    }
    if (m->dwMessageID != LINE_CLOSE || !cf_tool_lines_device(l, m->hDevice, ret_device))
        return false;
    if (l->by_device[*ret_device] == m->hDevice)
        l->by_device[*ret_device] = 0;
    cf_tool_map_remove(&l->ids, m->hDevice);
    l->open_count--;
    return true;
}

bool cf_tool_lines_device(const struct cf_tool_lines *l, HLINE line, DWORD *ret_device)
{
    uint64_t id;
    if (!cf_tool_map_get(&l->ids, line, &id))
        return false;
    *ret_device = (DWORD)id;
    return true;
}

HLINE cf_tool_lines_next(const struct cf_tool_lines *l, DWORD *at, DWORD *ret_device)
{
    for (size_t i = 0; i < l->devices_room && l->open_count != 0; i++) {
        DWORD device = *at < l->devices_room ? *at : 0;
        *at = device + 1;
        if (l->by_device[device] == 0)
            continue;
        *ret_device = device;
        return l->by_device[device];
    }
    return 0;
}

void cf_tool_lines_fini(struct cf_tool_lines *l)
{
    free(l->by_device);
    cf_tool_map_fini(&l->ids);
    l->by_device = NULL;
    l->devices_room = 0;
    l->open_count = 0;
}
