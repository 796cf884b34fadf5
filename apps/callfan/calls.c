/*
 * callfan calls: every live call, by lineGetNewCalls.
 */
#include "apps/callfan/tool.h"

#include <stdio.h>

#include "apps/callfan/call_list.h"
#include "apps/callfan/options.h"
#include "apps/callfan/output.h"
#include "apps/callfan/session.h"

struct calls {
    struct cf_tool_session session;
    bool json;
};

static void print_plain(const struct cf_tool_call *c)
{
    const SYSTEMTIME *t = &c->since;
    printf("%6u  %08x  %-12s  %-10s  %02u:%02u:%02u.%03u  %6u  %8u  ", c->device, c->id, cf_call_state_name(c->state),
           cf_call_mode_name(c->state, c->mode), t->wHour, t->wMinute, t->wSecond, t->wMilliseconds, c->owners,
           c->monitors);
    cf_tool_print_text(stdout, c->caller, 20);
    fputs("  ", stdout);
    cf_tool_print_text(stdout, c->called, 0);
    putchar('\n');
}

static void print_json(const struct cf_tool_call *c)
{
    const SYSTEMTIME *t = &c->since;
    printf("{\"line\":%u,\"call_id\":\"%08x\",\"state\":\"%s\",\"mode\":\"%s\","
           "\"since\":\"%04u-%02u-%02uT%02u:%02u:%02u.%03uZ\",\"owners\":%u,\"monitors\":%u,\"caller\":",
           c->device, c->id, cf_call_state_name(c->state), cf_call_mode_name(c->state, c->mode), t->wYear, t->wMonth,
           t->wDay, t->wHour, t->wMinute, t->wSecond, t->wMilliseconds, c->owners, c->monitors);
    cf_tool_print_json_string(stdout, c->caller);
    printf(",\"called\":");
    cf_tool_print_json_string(stdout, c->called);
    printf("}\n");
}

static void show(void *self, HCALL handle, DWORD device)
{
    const struct calls *calls = self;
    struct cf_tool_call c;
    if (cf_tool_call_ask(handle, device, &c) == 0) /* else it ended meanwhile */
        (calls->json ? print_json : print_plain)(&c);
    lineDeallocateCall(handle);
}

int cf_tool_calls(int argc, char **argv)
{
    static struct calls c = {.session = {.command = "calls", .privileges = LINECALLPRIVILEGE_NONE}};
    const struct cf_tool_option options[] = {
        CF_TOOL_OPTION_SOCKET(&c.session.socket),
        {"line", CF_OPTION_LINES, &c.session.wanted, "N", "only this line, or N-M; may be repeated (default: all)"},
        {"json", CF_OPTION_FLAG, &c.json, NULL, "one JSON object per line"},
    };
    const struct cf_tool_usage usage = {
        .synopsis = "callfan calls [OPTION]...",
        .text = "Lists the calls that exist now: line, call id, state and mode, since when (UTC), how\n"
                "many applications own and monitor it (this one too), caller and called.",
        .options = options,
        .options_count = sizeof options / sizeof *options};
    int result;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    cf_tool_catch_signals();
    result = cf_tool_session_join(&c.session);
    if (result != CF_EXIT_OK)
        return result;
    if (!c.json)
        printf("%6s  %-8s  %-12s  %-10s  %-12s  %6s  %8s  %-20s  %s\n", "line", "call id", "state", "mode", "since",
               "owners", "monitors", "caller", "called");
    if (!cf_tool_calls_of_lines(&c.session.lines, show, &c))
        result = CF_EXIT_FINDINGS;
    cf_tool_session_leave(&c.session);
    return result;
}
