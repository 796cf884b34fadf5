/*
 * callfan answer: an owner application. It answers the calls that are offered to it and later drops them.
 *
 * The life of a call here: offered (with OWNER) -> [--accept: lineAccept at once] -> after --after ms lineAnswer -> connected
 * -> after --hold ms lineDrop -> IDLE -> lineDeallocateCall. A call that the other side clears is dropped (cleared) at once.
 */
#include "apps/callfan/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/callfan/map.h"
#include "apps/callfan/open_lines.h"
#include "apps/callfan/options.h"
#include "apps/callfan/service.h"
#include "apps/callfan/timers.h"

enum {
    BATCH = 256,
    WAIT_MS_MAX = 250,
    RETRY_MS = 10, /* after LINEERR_REQUESTOVERRUN, as long as the call lasts */
};

enum action { ACTION_ACCEPT, ACTION_ANSWER, ACTION_DROP, ACTIONS };

static const char *const action_names[ACTIONS] = {"lineAccept", "lineAnswer", "lineDrop"};

/* A call's value in the map: its last state and whether we own it. */
enum { OWNED = 1 };

static uint64_t call_value(DWORD state, bool owned)
{
    return (uint64_t)state << 8 | (owned ? OWNED : 0);
}

static DWORD value_state(uint64_t value)
{
    return (DWORD)(value >> 8);
}

struct answer {
    const char *socket;
    struct cf_tool_line_list wanted;
    uint32_t after_ms, hold_ms;
    bool hold_given, accept, existing, verbose;
    uint64_t count_max;
    int64_t duration_ns;

    struct cf_tool_service service;
    struct cf_tool_lines lines;
    struct cf_tool_map calls;    /* HCALL -> call_value() */
    struct cf_tool_map requests; /* request id -> action + 1 */
    struct cf_tool_timers timers;
    int64_t start_ns, end_ns;
    uint64_t offered, connected, ended;
    uint64_t done[ACTIONS], failed[ACTIONS], late[ACTIONS];
    bool gone;
};

static void note_failure(struct answer *a, enum action action, LONG error)
{
    /* The other side was faster: the call went on while our request was on its way. */
    if (error == LINEERR_INVALCALLSTATE || error == LINEERR_INVALCALLHANDLE) {
        a->late[action]++;
        return;
    }
    if (a->failed[action]++ < 10)
        cf_tool_complain("answer", action_names[action], error);
}

static void run(struct answer *a, enum action action, HCALL call)
{
    LONG result = action == ACTION_ACCEPT   ? lineAccept(call, NULL, 0)
                  : action == ACTION_ANSWER ? lineAnswer(call, NULL, 0)
                                            : lineDrop(call, NULL, 0);
    if (result > 0) {
        cf_tool_map_put(&a->requests, (uint64_t)result, (uint64_t)action + 1);
    } else if (result == LINEERR_REQUESTOVERRUN) {
        cf_tool_timers_add(&a->timers, cf_tool_now_ns() + RETRY_MS * INT64_C(1000000), call, action);
    } else {
        note_failure(a, action, result);
    }
}

static void later(struct answer *a, uint32_t ms, HCALL call, enum action action)
{
    if (ms == 0)
        run(a, action, call);
    else
        cf_tool_timers_add(&a->timers, cf_tool_now_ns() + (int64_t)ms * 1000000, call, action);
}

/* A timer is worth running only while the call is where the timer was set for. */
static void on_timer(struct answer *a, const struct cf_tool_timer *t)
{
    static const DWORD states[ACTIONS] = {LINECALLSTATE_OFFERING, LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED,
                                          ~(DWORD)LINECALLSTATE_IDLE};
    uint64_t value;
    if (cf_tool_map_get(&a->calls, t->key, &value) && (value_state(value) & states[t->action]) != 0)
        run(a, t->action, t->key);
}

static void begin(struct answer *a, HCALL call)
{
    if (a->accept)
        run(a, ACTION_ACCEPT, call);
    later(a, a->after_ms, call, ACTION_ANSWER);
}

static void on_state(struct answer *a, HCALL call, DWORD state, DWORD privilege)
{
    uint64_t value = 0;
    bool known = cf_tool_map_get(&a->calls, call, &value);
    bool owned = privilege != 0 ? privilege == LINECALLPRIVILEGE_OWNER : (value & OWNED) != 0;
    DWORD before = value_state(value);
    cf_tool_map_put(&a->calls, call, call_value(state, owned));
    if (a->verbose)
        printf("%016" PRIx64 "  %s%s\n", call, cf_call_state_name(state), owned ? "" : "  (not ours)");
    if (state == LINECALLSTATE_IDLE) {
        a->ended += owned;
        cf_tool_map_remove(&a->calls, call);
        lineDeallocateCall(call);
    } else if (!owned) {
        return;
    } else if (state == LINECALLSTATE_OFFERING && (!known || before == 0)) {
        a->offered++;
        begin(a, call);
    } else if (state == LINECALLSTATE_CONNECTED && before != LINECALLSTATE_CONNECTED) {
        a->connected++;
        if (a->hold_given)
            later(a, a->hold_ms, call, ACTION_DROP);
    } else if (state == LINECALLSTATE_DISCONNECTED) {
        run(a, ACTION_DROP, call);
    }
}

/* Calls that nobody owns when we start: takes them, as an owner that died would have wanted. */
static void adopt_call(struct answer *a, HCALL call)
{
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    LINECALLSTATUS status = {.dwTotalSize = sizeof status};
    if (lineGetCallInfo(call, &info) != 0 || info.dwNumOwners != 0 || lineGetCallStatus(call, &status) != 0 ||
        status.dwCallState == LINECALLSTATE_IDLE || lineSetCallPrivilege(call, LINECALLPRIVILEGE_OWNER) != 0) {
        lineDeallocateCall(call);
        return;
    }
    cf_tool_map_put(&a->calls, call, call_value(0, true));
    if (status.dwCallState == LINECALLSTATE_ACCEPTED) {
        cf_tool_map_put(&a->calls, call, call_value(LINECALLSTATE_ACCEPTED, true));
        a->offered++;
        later(a, a->after_ms, call, ACTION_ANSWER);
    } else {
        on_state(a, call, status.dwCallState, LINECALLPRIVILEGE_OWNER);
    }
}

static void adopt_existing(struct answer *a)
{
    size_t at = 0;
    DWORD bytes = 1 << 20;
    LINECALLLIST *list = malloc(bytes);
    for (const struct cf_tool_map_entry *e; list != NULL && (e = cf_tool_map_next(&a->lines.ids, &at)) != NULL;) {
        list->dwTotalSize = bytes;
        if (lineGetNewCalls(e->key, 0, LINECALLSELECT_LINE, list) != 0)
            continue;
        if (list->dwNeededSize > bytes) {
            bytes = list->dwNeededSize * 2;
            free(list);
            list = malloc(bytes);
            at--; /* once more */
            continue;
        }
        const HCALL *calls = (const HCALL *)(const void *)((const char *)list + list->dwCallsOffset);
        for (DWORD i = 0; i < list->dwCallsNumEntries; i++)
            adopt_call(a, calls[i]);
    }
    free(list);
}

static void on_reply(struct answer *a, const struct cf_batch_message *m)
{
    uint64_t action;
    if (!cf_tool_map_get(&a->requests, m->dwParam1, &action))
        return;
    cf_tool_map_remove(&a->requests, m->dwParam1);
    if ((LONG)m->dwParam2 == 0)
        a->done[action - 1]++;
    else
        note_failure(a, (enum action)(action - 1), (LONG)m->dwParam2);
}

static void on_message(struct answer *a, const struct cf_batch_message *m)
{
    DWORD device;
    switch (m->dwMessageID) {
    case LINE_CALLSTATE:
        on_state(a, m->hDevice, (DWORD)m->dwParam1, (DWORD)m->dwParam3);
        break;
    case LINE_REPLY:
        on_reply(a, m);
        break;
    case LINE_CREATE:
    case LINE_CLOSE:
        cf_tool_lines_follow(&a->lines, m, &device);
        break;
    case LINE_LINEDEVSTATE:
        a->gone |= (m->dwParam1 & LINEDEVSTATE_REINIT) != 0;
        break;
    default:
        break;
    }
}

static bool finished(const struct answer *a)
{
    return cf_tool_stop_asked() || a->gone || (a->count_max != 0 && a->ended >= a->count_max) ||
           (a->end_ns != 0 && cf_tool_now_ns() >= a->end_ns);
}

static DWORD wait_ms(const struct answer *a)
{
    int64_t due_ns = cf_tool_timers_due(&a->timers);
    if (a->end_ns != 0 && a->end_ns < due_ns)
        due_ns = a->end_ns;
    int64_t now_ns = cf_tool_now_ns();
    if (due_ns == INT64_MAX || due_ns - now_ns >= WAIT_MS_MAX * INT64_C(1000000))
        return WAIT_MS_MAX;
    return due_ns <= now_ns ? 0 : (DWORD)((due_ns - now_ns) / 1000000) + 1;
}

static int serve(struct answer *a)
{
    struct cf_batch_message batch[BATCH];
    struct cf_tool_timer timer;
    while (!finished(a)) {
        uint32_t count;
        LONG error = cf_line_get_messages(a->service.app, batch, BATCH, wait_ms(a), &count);
        if (error != 0) {
            cf_tool_complain("answer", "fetching messages", error);
            return CF_EXIT_NO_SERVICE;
        }
        for (uint32_t i = 0; i < count; i++)
            on_message(a, &batch[i]);
        while (cf_tool_timers_take(&a->timers, cf_tool_now_ns(), &timer))
            on_timer(a, &timer);
        if (a->verbose)
            fflush(stdout);
    }
    if (a->gone)
        fprintf(stderr, "callfan answer: the service at %s went away\n", a->service.socket);
    return a->gone ? CF_EXIT_NO_SERVICE : CF_EXIT_OK;
}

static int print_summary(const struct answer *a)
{
    uint64_t failures = 0;
    fprintf(stderr, "callfan answer: %" PRIu64 " calls offered, %" PRIu64 " connected, %" PRIu64 " ended in %.1f s\n",
            a->offered, a->connected, a->ended, (double)(cf_tool_now_ns() - a->start_ns) / 1e9);
    for (int i = 0; i < ACTIONS; i++) {
        failures += a->failed[i];
        if (a->failed[i] != 0 || a->verbose)
            fprintf(stderr, "callfan answer: %s: %" PRIu64 " done, %" PRIu64 " too late, %" PRIu64 " failed\n",
                    action_names[i], a->done[i], a->late[i], a->failed[i]);
    }
    return failures == 0 ? CF_EXIT_OK : CF_EXIT_FINDINGS;
}

static int open_lines(struct answer *a)
{
    a->lines = (struct cf_tool_lines){.command = "answer",
                                      .app = a->service.app,
                                      .wanted = &a->wanted,
                                      .privileges = LINECALLPRIVILEGE_OWNER | LINECALLPRIVILEGE_MONITOR};
    if (!cf_tool_lines_open(&a->lines, a->service.devices))
        return CF_EXIT_FINDINGS;
    if (a->existing)
        adopt_existing(a);
    return CF_EXIT_OK;
}

int cf_tool_answer(int argc, char **argv)
{
    static struct answer a = {.hold_ms = UINT32_MAX};
    const struct cf_tool_option options[] = {
        {"socket", CF_OPTION_TEXT, &a.socket, "PATH",
         "the service's socket (default: CALLFAN_SOCKET, then the system's)"},
        {"line", CF_OPTION_LINES, &a.wanted, "N", "this line, or N-M; may be repeated (default: all, new ones too)"},
        {"accept", CF_OPTION_FLAG, &a.accept, NULL, "lineAccept at once (the caller hears ringing), then answer"},
        {"after", CF_OPTION_U32, &a.after_ms, "MS", "answer so many milliseconds after the offer (default 0)"},
        {"hold", CF_OPTION_U32, &a.hold_ms, "MS", "drop so long after the connection (default: the caller hangs up)"},
        {"existing", CF_OPTION_FLAG, &a.existing, NULL, "take over calls that nobody owns"},
        {"count", CF_OPTION_U64, &a.count_max, "N", "end after N calls have ended"},
        {"seconds", CF_OPTION_SECONDS, &a.duration_ns, "N", "end after N seconds"},
        {"verbose", CF_OPTION_FLAG, &a.verbose, NULL, "print every state"},
    };
    const struct cf_tool_usage usage = {
        "callfan answer [OPTION]...",
        "Opens lines as owner, answers the calls that are offered and later drops them, until\n"
        "^C. Where several applications own a line, the one that opened it first gets the calls.",
        options, sizeof options / sizeof *options};
    int result;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    a.hold_given = a.hold_ms != UINT32_MAX;
    cf_tool_catch_signals();
    result = cf_tool_service_join(&a.service, a.socket, "callfan answer", 0, 0);
    if (result != CF_EXIT_OK)
        return result;
    a.start_ns = cf_tool_now_ns();
    a.end_ns = a.duration_ns == 0 ? 0 : a.start_ns + a.duration_ns;
    result = open_lines(&a);
    if (result == CF_EXIT_OK) {
        fprintf(stderr, "callfan answer: ready on %u lines\n", a.lines.open_count);
        result = serve(&a);
        int found = print_summary(&a);
        if (result == CF_EXIT_OK)
            result = found;
    }
    lineShutdown(a.service.app);
    cf_tool_lines_fini(&a.lines);
    cf_tool_map_fini(&a.calls);
    cf_tool_map_fini(&a.requests);
    cf_tool_timers_fini(&a.timers);
    return result;
}
