/*
 * callfan hold, unhold, drop: one function on calls that other applications own, and out again.
 *
 * The life of a call here: found by its dwCallID among lineGetNewCalls -> lineSetCallPrivilege(OWNER) -> the function -> LINE_REPLY
 * and the state -> lineDeallocateCall. That last step leaves the call as it is, even when no other owner is left (H-44), as long as
 * any application has a handle; the last handle of all takes the call with it (H-47). So a call that was put on hold or retrieved
 * and that nobody else has is kept until somebody has, or it ends.
 */
#include "apps/callfan/tool.h"

#include <inttypes.h>
#include <stdio.h>

#include "apps/callfan/call_list.h"
#include "apps/callfan/options.h"
#include "apps/callfan/output.h"
#include "apps/callfan/session.h"

enum { ACTION_TIMEOUT };

struct deed {
    const char *command, *function;
    LONG (*run)(HCALL call);
    DWORD reached;    /* states that show it was done */
    const char *only; /* what LINEERR_INVALCALLSTATE means */
    bool ends;        /* the call need not outlive it */
};

static LONG drop_call(HCALL call)
{
    return lineDrop(call, NULL, 0);
}

static const struct deed hold = {
    "hold", "lineHold", lineHold, LINECALLSTATE_ONHOLD, "only a call that is CONNECTED can be put on hold", false};
static const struct deed unhold = {
    "unhold", "lineUnhold", lineUnhold, LINECALLSTATE_CONNECTED, "only a call that is on hold can be retrieved", false};
static const struct deed drop = {"drop",
                                 "lineDrop",
                                 drop_call,
                                 LINECALLSTATE_DISCONNECTED | LINECALLSTATE_IDLE,
                                 "a call that is IDLE has ended already",
                                 true};

enum phase {
    WANTED,  /* not found yet */
    ASKED,   /* the function was called */
    KEPT,    /* it is done, and the handle stays */
    THROUGH, /* the handle is void, or there never was one */
};

struct target {
    DWORD id, device, state, mode;
    HCALL handle;
    LONG request; /* outstanding; 0: none */
    enum phase phase;
    bool replied, reached, twice, good;
};

struct control {
    const struct deed *deed;
    bool json, keep; /* options */
    int64_t timeout_ns;
    struct cf_tool_operands operands;

    struct cf_tool_session session;
    struct target targets[CF_TOOL_OPERANDS_MAX];
    uint32_t count, left; /* left: not THROUGH */
};

/* ---- what is said ---------------------------------------------------------------------------- */

static void say(const struct control *c, const struct target *t, const char *what)
{
    fprintf(stderr, "callfan %s: call %08x", c->deed->command, t->id);
    if (t->handle != 0)
        fprintf(stderr, " on line %u", t->device);
    fprintf(stderr, ": %s\n", what);
}

static void say_error(const struct control *c, const struct target *t, const char *function, LONG error)
{
    char text[256];
    if (error == LINEERR_INVALCALLSTATE)
        snprintf(text, sizeof text, "it is %s: %s", cf_call_state_name(t->state), c->deed->only);
    else
        snprintf(text, sizeof text, "%s: %s: %s", function, cf_line_error_name(error), cf_line_error_text(error));
    say(c, t, text);
}

static void print_state(const struct control *c, const struct target *t)
{
    const char *state = cf_call_state_name(t->state), *mode = cf_call_mode_name(t->state, t->mode);
    if (c->json)
        printf("{\"line\":%u,\"call_id\":\"%08x\",\"state\":\"%s\",\"mode\":\"%s\"}\n", t->device, t->id, state, mode);
    else
        printf("line %u  call %08x  %s%s%s\n", t->device, t->id, state, *mode != '\0' ? " " : "", mode);
    fflush(stdout);
}

/* ---- the handle's end ------------------------------------------------------------------------ */

static void let_go(struct control *c, struct target *t)
{
    if (t->handle != 0)
        lineDeallocateCall(t->handle);
    t->handle = 0;
    t->phase = THROUGH;
    c->left--;
}

/* Whether the call lives on when we let it go: somebody else has a handle, or it has ended. */
static bool may_let_go(const struct target *t)
{
    struct cf_tool_call call;
    return t->state == LINECALLSTATE_IDLE || cf_tool_call_ask(t->handle, t->device, &call) != 0 ||
           call.owners + call.monitors > 1;
}

static void finish(struct control *c, struct target *t)
{
    t->request = 0;
    if (t->good)
        print_state(c, t);
    bool wanted = c->keep && t->good && t->state != LINECALLSTATE_IDLE;
    if (!wanted && (c->deed->ends || may_let_go(t))) {
        let_go(c, t);
        return;
    }
    t->phase = KEPT;
    if (!wanted)
        say(c, t, "nobody else has it, and it would end with us: staying until somebody has it or it ends");
}

static void fail(struct control *c, struct target *t, const char *why)
{
    say(c, t, why);
    finish(c, t);
}

/* ---- finding and asking ---------------------------------------------------------------------- */

static void ask(struct control *c, struct target *t)
{
    t->phase = ASKED;
    LONG result = lineSetCallPrivilege(t->handle, LINECALLPRIVILEGE_OWNER);
    if (result == 0)
        result = c->deed->run(t->handle);
    if (result < 0) {
        say_error(c, t, c->deed->function, result);
        finish(c, t);
        return;
    }
    t->request = result;
    cf_tool_session_later(&c->session, c->timeout_ns / 1000000, (uint64_t)(t - c->targets), ACTION_TIMEOUT);
}

static void look_at(void *self, HCALL handle, DWORD device)
{
    struct control *c = self;
    struct cf_tool_call call;
    struct target *t = NULL;
    bool known = cf_tool_call_ask(handle, device, &call) == 0;
    for (uint32_t i = 0; known && i < c->count && t == NULL; i++)
        t = c->targets[i].id == call.id ? &c->targets[i] : NULL;
    if (t == NULL || t->handle != 0) {
        if (t != NULL)
            t->twice = true;
        lineDeallocateCall(handle);
        return;
    }
    t->handle = handle;
    t->device = device;
    t->state = call.state & 0x00FFFFFF;
    t->mode = call.mode;
}

static bool find_all(struct control *c)
{
    if (!cf_tool_calls_of_lines(&c->session.lines, look_at, c))
        return false;
    for (uint32_t i = 0; i < c->count; i++) {
        struct target *t = &c->targets[i];
        if (t->handle == 0)
            say(c, t, "there is no such call; 'callfan calls' lists them");
        else if (t->twice)
            say(c, t, "another line has a call of this name: choose with --line");
        if (t->handle == 0 || t->twice)
            let_go(c, t);
        else
            ask(c, t);
    }
    return true;
}

/* ---- what comes ------------------------------------------------------------------------------ */

static void look_on(struct control *c, struct target *t)
{
    if (t->replied && t->reached) {
        t->good = true;
        finish(c, t);
    } else if (!t->reached && (t->state & (LINECALLSTATE_DISCONNECTED | LINECALLSTATE_IDLE)) != 0) {
        fail(c, t, "it has ended");
    }
}

static void on_reply(struct control *c, struct target *t, LONG result)
{
    t->request = 0;
    t->replied = true;
    if (result == 0) {
        look_on(c, t);
        return;
    }
    LINECALLSTATUS status = {.dwTotalSize = sizeof status}; /* what it is by now */
    if (lineGetCallStatus(t->handle, &status) == 0)
        t->state = status.dwCallState & 0x00FFFFFF;
    say_error(c, t, c->deed->function, result);
    finish(c, t);
}

static void on_state(struct control *c, struct target *t, DWORD state, DWORD mode)
{
    t->state = state & 0x00FFFFFF;
    t->mode = mode;
    if (t->phase == ASKED) {
        t->reached |= (t->state & c->deed->reached) != 0;
        look_on(c, t);
        return;
    }
    print_state(c, t);
    if (t->state == LINECALLSTATE_IDLE)
        let_go(c, t);
}

static void on_call_message(struct control *c, struct target *t, const struct cf_batch_message *m)
{
    if (m->dwMessageID == LINE_CALLSTATE)
        on_state(c, t, (DWORD)m->dwParam1, (DWORD)m->dwParam2);
    else if (m->dwMessageID == LINE_CALLINFO && t->phase == KEPT && !(c->keep && t->good) && may_let_go(t))
        let_go(c, t);
}

static void on_message(void *self, const struct cf_batch_message *m)
{
    struct control *c = self;
    for (uint32_t i = 0; i < c->count; i++) {
        struct target *t = &c->targets[i];
        if (t->phase == THROUGH)
            continue;
        if (m->dwMessageID == LINE_REPLY && t->request != 0 && (DWORD_PTR)t->request == m->dwParam1)
            on_reply(c, t, (LONG)m->dwParam2);
        else if (m->dwMessageID != LINE_REPLY && t->handle == m->hDevice)
            on_call_message(c, t, m);
    }
}

static void on_line(void *self, const struct cf_batch_message *m, DWORD device)
{
    struct control *c = self;
    for (uint32_t i = 0; i < c->count && m->dwMessageID == LINE_CLOSE; i++) {
        struct target *t = &c->targets[i];
        if (t->phase == THROUGH || t->device != device)
            continue;
        say(c, t, "the line was closed");
        t->good = false;
        t->handle = 0;
        let_go(c, t);
    }
}

static void on_timer(void *self, const struct cf_tool_timer *timer)
{
    struct control *c = self;
    struct target *t = &c->targets[timer->key];
    char why[96];
    if (t->phase != ASKED)
        return;
    snprintf(why, sizeof why, "%s in time; it is %s", t->replied ? "the state did not change" : "no reply",
             cf_call_state_name(t->state));
    fail(c, t, why);
}

static void on_turn(void *self)
{
    struct control *c = self;
    for (uint32_t i = 0; i < c->count && cf_tool_stop_asked(); i++) {
        if (c->targets[i].phase == ASKED)
            say(c, &c->targets[i], "stopped before it was done");
        if (c->targets[i].phase != THROUGH)
            let_go(c, &c->targets[i]);
    }
}

static bool finished(void *self)
{
    return ((struct control *)self)->left == 0;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool name_targets(struct control *c)
{
    for (uint32_t i = 0; i < c->operands.count; i++) {
        struct target *t = &c->targets[c->count];
        if (!cf_tool_call_id_parse(c->operands.text[i], &t->id)) {
            fprintf(stderr, "callfan %s: '%s' is no call id; 'callfan calls' shows them\n", c->deed->command,
                    c->operands.text[i]);
            return false;
        }
        uint32_t same = 0;
        while (same < c->count && c->targets[same].id != t->id)
            same++;
        c->count += same == c->count; /* named twice is once */
    }
    c->left = c->count;
    return true;
}

static int run(struct control *c)
{
    int result = cf_tool_session_join(&c->session);
    if (result != CF_EXIT_OK)
        return result;
    result = find_all(c) ? cf_tool_session_run(&c->session) : CF_EXIT_FINDINGS;
    for (uint32_t i = 0; i < c->count && result == CF_EXIT_OK; i++)
        result = c->targets[i].good ? CF_EXIT_OK : CF_EXIT_FINDINGS;
    cf_tool_session_leave(&c->session);
    return result;
}

static int control(int argc, char **argv, const struct deed *deed, const char *synopsis, const char *text)
{
    static const struct cf_tool_session_ops ops = {
        .finished = finished, .message = on_message, .line = on_line, .timer = on_timer, .turned = on_turn};
    /* NONE: it is told of no calls but those whose handles it asks for. */
    static struct control c = {.timeout_ns = INT64_C(10000000000),
                               .operands = {.name = "CALL", .min = 1, .max = CF_TOOL_OPERANDS_MAX},
                               .session = {.ops = &ops, .self = &c, .privileges = LINECALLPRIVILEGE_NONE}};
    const struct cf_tool_option options[] = {
        CF_TOOL_OPTION_SOCKET(&c.session.socket),
        {"line", CF_OPTION_LINES, &c.session.wanted, "N", "look on this line, or N-M; may be repeated (default: all)"},
        {"timeout", CF_OPTION_SECONDS, &c.timeout_ns, "S", "give up after S seconds (default 10)"},
        {"json", CF_OPTION_FLAG, &c.json, NULL, "one JSON object per call: line, call_id, state, mode"},
        {"keep", CF_OPTION_FLAG, &c.keep, NULL,
         "stay an owner until the call ends, so that it outlives its other owners"},
    };
    const struct cf_tool_usage usage = {.synopsis = synopsis,
                                        .text = text,
                                        .options = options,
                                        .options_count = sizeof options / sizeof *options - (deed->ends ? 1 : 0),
                                        .operands = &c.operands,
                                        .exits = "0 done with every call, 1 not with every one"};
    int result;
    c.deed = deed;
    c.session.command = deed->command;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    if (!name_targets(&c))
        return CF_EXIT_USAGE;
    cf_tool_catch_signals();
    return run(&c);
}

#define STAYS                                                                                                          \
    "CALL is the call id that 'callfan calls' shows. Its owners stay owners. The last handle of\n"                     \
    "all takes a call with it: when no other application has one, this one stays until another\n"                      \
    "has, or the call ends; ^C lets it end."

int cf_tool_hold(int argc, char **argv)
{
    return control(argc, argv, &hold, "callfan hold [OPTION]... CALL...", "Puts calls on hold.\n" STAYS);
}

int cf_tool_unhold(int argc, char **argv)
{
    return control(argc, argv, &unhold, "callfan unhold [OPTION]... CALL...",
                   "Retrieves calls that are on hold.\n" STAYS);
}

int cf_tool_drop(int argc, char **argv)
{
    return control(argc, argv, &drop, "callfan drop [OPTION]... CALL...",
                   "Ends calls, whatever they are doing: rejects one that is offered, hangs up one that is\n"
                   "connected. CALL is the call id that 'callfan calls' shows.");
}
