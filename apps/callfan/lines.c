/*
 * callfan lines: every line device, what it is and what it is doing.
 */
#include "apps/callfan/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/callfan/options.h"
#include "apps/callfan/output.h"
#include "apps/callfan/service.h"

enum { CAPS_BYTES = 4096 };

struct line {
    DWORD id, features, opens, active, held;
    bool in_service, known; /* known: opens, active and held were told */
    bool denied;            /* the configuration grants nothing on it */
    const char *name, *provider, *address;
};

/* A string inside a structure that the service filled; "" where there is none. */
static const char *text_at(const void *structure, DWORD size, DWORD offset)
{
    return size == 0 ? "" : (const char *)structure + offset;
}

static void ask_status(HLINEAPP app, struct line *l)
{
    HLINE h;
    LINEDEVSTATUS status = {.dwTotalSize = sizeof status};
    LONG error = lineOpen(app, l->id, &h, TAPI_CURRENT_VERSION, 0, 0, LINECALLPRIVILEGE_NONE,
                          LINEMEDIAMODE_INTERACTIVEVOICE, NULL);
    l->denied = error == LINEERR_INVALPRIVSELECT;
    if (error != 0)
        return;
    if (lineGetLineDevStatus(h, &status) == 0) {
        l->known = true;
        l->opens = status.dwNumOpens - 1; /* without ours */
        l->active = status.dwNumActiveCalls;
        l->held = status.dwNumOnHoldCalls + status.dwNumOnHoldPendCalls;
        l->in_service = (status.dwDevStatusFlags & LINEDEVSTATUSFLAGS_INSERVICE) != 0;
    }
    lineClose(h);
}

static void print_line(const struct line *l, bool json)
{
    const char *state = l->denied ? "no access" : l->in_service ? "in service" : "away";
    if (!json) {
        char opens[12] = "-", active[12] = "-", held[12] = "-";
        if (l->known) {
            snprintf(opens, sizeof opens, "%u", l->opens);
            snprintf(active, sizeof active, "%u", l->active);
            snprintf(held, sizeof held, "%u", l->held);
        }
        printf("%6u  %-20s  %-16s  %-10s  %5s  %6s  %4s  %-3s  %s\n", l->id, l->name, l->address, state, opens, active,
               held, (l->features & LINEFEATURE_MAKECALL) != 0 ? "yes" : "no", l->provider);
        return;
    }
    printf("{\"line\":%u,\"name\":", l->id);
    cf_tool_print_json_string(stdout, l->name);
    printf(",\"address\":");
    cf_tool_print_json_string(stdout, l->address);
    printf(",\"provider\":");
    cf_tool_print_json_string(stdout, l->provider);
    printf(",\"in_service\":%s,\"makes_calls\":%s",
           l->denied       ? "null"
           : l->in_service ? "true"
                           : "false",
           (l->features & LINEFEATURE_MAKECALL) != 0 ? "true" : "false");
    if (l->known)
        printf(",\"opens\":%u,\"active_calls\":%u,\"held_calls\":%u", l->opens, l->active, l->held);
    printf("}\n");
}

static void show(HLINEAPP app, DWORD id, bool json)
{
    union {
        LINEDEVCAPS caps;
        char bytes[CAPS_BYTES];
    } device = {.caps.dwTotalSize = CAPS_BYTES};
    union {
        LINEADDRESSCAPS caps;
        char bytes[CAPS_BYTES];
    } address = {.caps.dwTotalSize = CAPS_BYTES};
    LONG error = lineGetDevCaps(app, id, TAPI_CURRENT_VERSION, 0, &device.caps);
    if (error == LINEERR_NODEVICE || error == LINEERR_BADDEVICEID)
        return; /* ids have holes */
    if (error != 0) {
        char what[32];
        snprintf(what, sizeof what, "line %u", id);
        cf_tool_complain("lines", what, error);
        return;
    }
    struct line l = {.id = id,
                     .features = device.caps.dwLineFeatures,
                     .name = text_at(&device, device.caps.dwLineNameSize, device.caps.dwLineNameOffset),
                     .provider = text_at(&device, device.caps.dwProviderInfoSize, device.caps.dwProviderInfoOffset),
                     .address = ""};
    if (lineGetAddressCaps(app, id, 0, TAPI_CURRENT_VERSION, 0, &address.caps) == 0)
        l.address = text_at(&address, address.caps.dwAddressSize, address.caps.dwAddressOffset);
    ask_status(app, &l);
    print_line(&l, json);
}

int cf_tool_lines(int argc, char **argv)
{
    const char *socket = NULL;
    bool json = false;
    const struct cf_tool_option options[] = {
        CF_TOOL_OPTION_SOCKET(&socket),
        {"json", CF_OPTION_FLAG, &json, NULL, "one JSON object per line"},
    };
    const struct cf_tool_usage usage = {
        .synopsis = "callfan lines [OPTION]...",
        .text = "Lists the line devices: number, name, address, whether it is in service, how many\n"
                "applications have it open, calls active and on hold, and whether it can make calls.",
        .options = options,
        .options_count = sizeof options / sizeof *options};
    struct cf_tool_service service;
    int result;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    cf_tool_catch_signals();
    result = cf_tool_service_join(&service, socket, "callfan lines", 0, 0);
    if (result != CF_EXIT_OK)
        return result;
    if (!json)
        printf("%6s  %-20s  %-16s  %-10s  %5s  %6s  %4s  %-3s  %s\n", "line", "name", "address", "state", "opens",
               "active", "held", "out", "provider");
    for (DWORD id = 0; id < service.devices && !cf_tool_stop_asked(); id++)
        show(service.app, id, json);
    lineShutdown(service.app);
    return CF_EXIT_OK;
}
