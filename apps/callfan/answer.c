/*
 * callfan answer: an owner application. It answers the calls that are offered to it and later drops them.
 *
 * The life of a call here: offered (with OWNER) -> [--accept: lineAccept at once] -> after --after ms lineAnswer -> connected
 * -> after --hold ms lineDrop -> IDLE -> lineDeallocateCall. A call that the other side clears is dropped (cleared) at once.
 */
#include "apps/callfan/tool.h"

#include <inttypes.h>
#include <stdio.h>

#include "apps/callfan/call_list.h"
#include "apps/callfan/map.h"
#include "apps/callfan/options.h"
#include "apps/callfan/session.h"

enum { RETRY_MS = 10 }; /* after LINEERR_REQUESTOVERRUN, as long as the call lasts */

enum action { ACTION_ACCEPT, ACTION_ANSWER, ACTION_DROP, ACTIONS };

static const char *const action_names[ACTIONS] = {"lineAccept", "lineAnswer", "lineDrop"};

/* A call's value in the map: its last state, whether we own it, whether it was connected once. */
enum { OWNED = 1, TALKED = 2 };

static uint64_t call_value(DWORD state, uint64_t flags)
{
    return (uint64_t)state << 8 | (flags & (OWNED | TALKED));
}

static DWORD value_state(uint64_t value)
{
    return (DWORD)(value >> 8);
}

struct answer {
    uint32_t after_ms, hold_ms; /* options */
    bool accept, existing, verbose;
    uint64_t count_max;

    struct cf_tool_session session;
    struct cf_tool_map calls;    /* HCALL -> call_value() */
    struct cf_tool_map requests; /* request id -> action + 1 */
    uint64_t offered, connected, ended;
    uint64_t done[ACTIONS], failed[ACTIONS], late[ACTIONS];
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
        cf_tool_session_later(&a->session, RETRY_MS, call, action);
    } else {
        note_failure(a, action, result);
    }
}

static void later(struct answer *a, uint32_t ms, HCALL call, enum action action)
{
    if (ms == 0)
        run(a, action, call);
    else
        cf_tool_session_later(&a->session, ms, call, action);
}

/* A timer is worth running only while the call is where the timer was set for. */
static void on_timer(void *self, const struct cf_tool_timer *t)
{
    struct answer *a = self;
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
    bool talks = state == LINECALLSTATE_CONNECTED && (value & TALKED) == 0;
    DWORD before = value_state(value);
    cf_tool_map_put(&a->calls, call, call_value(state, (owned ? OWNED : 0) | (value & TALKED) | (talks ? TALKED : 0)));
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
    } else if (talks) {
        a->connected++;
        if (a->hold_ms != UINT32_MAX)
            later(a, a->hold_ms, call, ACTION_DROP);
    } else if (state == LINECALLSTATE_DISCONNECTED) {
        run(a, ACTION_DROP, call);
    }
}

/* A call that nobody owns when we start: takes it, as an owner that died would have wanted. */
static void adopt(void *self, HCALL handle, DWORD device)
{
    struct answer *a = self;
    struct cf_tool_call call;
    if (cf_tool_call_ask(handle, device, &call) != 0 || call.owners != 0 || call.state == LINECALLSTATE_IDLE ||
        lineSetCallPrivilege(handle, LINECALLPRIVILEGE_OWNER) != 0) {
        lineDeallocateCall(handle);
        return;
    }
    cf_tool_map_put(&a->calls, handle, call_value(0, OWNED));
    if (call.state == LINECALLSTATE_ACCEPTED) {
        cf_tool_map_put(&a->calls, handle, call_value(LINECALLSTATE_ACCEPTED, OWNED));
        a->offered++;
        later(a, a->after_ms, handle, ACTION_ANSWER);
    } else {
        on_state(a, handle, call.state, LINECALLPRIVILEGE_OWNER);
    }
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

static void on_message(void *self, const struct cf_batch_message *m)
{
    struct answer *a = self;
    if (m->dwMessageID == LINE_CALLSTATE)
        on_state(a, m->hDevice, (DWORD)m->dwParam1, (DWORD)m->dwParam3);
    else if (m->dwMessageID == LINE_REPLY)
        on_reply(a, m);
}

static void on_turn(void *self)
{
    if (((struct answer *)self)->verbose)
        fflush(stdout);
}

static bool finished(void *self)
{
    const struct answer *a = self;
    return cf_tool_session_over(&a->session) || (a->count_max != 0 && a->ended >= a->count_max);
}

static int print_summary(const struct answer *a)
{
    uint64_t failures = 0;
    fprintf(stderr, "callfan answer: %" PRIu64 " calls offered, %" PRIu64 " connected, %" PRIu64 " ended in %.1f s\n",
            a->offered, a->connected, a->ended, cf_tool_session_seconds(&a->session));
    for (int i = 0; i < ACTIONS; i++) {
        failures += a->failed[i];
        if (a->failed[i] != 0 || a->verbose)
            fprintf(stderr, "callfan answer: %s: %" PRIu64 " done, %" PRIu64 " too late, %" PRIu64 " failed\n",
                    action_names[i], a->done[i], a->late[i], a->failed[i]);
    }
    return failures == 0 ? CF_EXIT_OK : CF_EXIT_FINDINGS;
}

int cf_tool_answer(int argc, char **argv)
{
    static const struct cf_tool_session_ops ops = {
        .finished = finished, .message = on_message, .timer = on_timer, .turned = on_turn};
    static struct answer a = {.hold_ms = UINT32_MAX,
                              .session = {.command = "answer",
                                          .ops = &ops,
                                          .self = &a,
                                          .privileges = LINECALLPRIVILEGE_OWNER | LINECALLPRIVILEGE_MONITOR}};
    const struct cf_tool_option options[] = {
        CF_TOOL_OPTION_SOCKET(&a.session.socket),
        {"line", CF_OPTION_LINES, &a.session.wanted, "N",
         "this line, or N-M; may be repeated (default: all, new ones too)"},
        {"accept", CF_OPTION_FLAG, &a.accept, NULL, "lineAccept at once (the caller hears ringing), then answer"},
        {"after", CF_OPTION_U32, &a.after_ms, "MS", "answer so many milliseconds after the offer (default 0)"},
        {"hold", CF_OPTION_U32, &a.hold_ms, "MS", "drop so long after the connection (default: the caller hangs up)"},
        {"existing", CF_OPTION_FLAG, &a.existing, NULL, "take over calls that nobody owns"},
        {"count", CF_OPTION_U64, &a.count_max, "N", "end after N calls have ended"},
        {"seconds", CF_OPTION_SECONDS, &a.session.duration_ns, "N", "end after N seconds"},
        {"verbose", CF_OPTION_FLAG, &a.verbose, NULL, "print every state"},
    };
    const struct cf_tool_usage usage = {
        .synopsis = "callfan answer [OPTION]...",
        .text = "Opens lines as owner, answers the calls that are offered and later drops them, until\n"
                "^C. Where several applications own a line, the one that opened it first gets the calls.",
        .options = options,
        .options_count = sizeof options / sizeof *options};
    int result;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    cf_tool_catch_signals();
    result = cf_tool_session_join(&a.session);
    if (result != CF_EXIT_OK)
        return result;
    if (a.existing)
        cf_tool_calls_of_lines(&a.session.lines, adopt, &a);
    fprintf(stderr, "callfan answer: ready on %u lines\n", a.session.lines.open_count);
    result = cf_tool_session_run(&a.session);
    int found = print_summary(&a);
    if (result == CF_EXIT_OK)
        result = found;
    cf_tool_session_leave(&a.session);
    cf_tool_map_fini(&a.calls);
    cf_tool_map_fini(&a.requests);
    return result;
}
