/*
 * owner: an application with a script. It owns the calls of one line, makes calls where told, and does what its steps say when a
 * call comes into a state.
 *
 * Shape      each call walks through the steps by itself: a step STATE:ACTION is taken when the call enters STATE and it is the
 *            next step. A call that is DISCONNECTED is dropped (cleared), one that is IDLE is given back, without a step
 * Progress   one thread; ends when --count calls have ended: 0 when every request and every step was done, else 1
 *
 * Standard output: one JSON object per line, as callfan monitor --json prints LINE_CALLSTATE; and at the end of a call one with
 * "message":"end" and what LINECALLINFO has.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callfan/tapi.h"

enum { STEPS_MAX = 16, CALLS_MAX = 4096, REQUESTS_MAX = CALLS_MAX * 2, WAIT_MS = 250, INFO_BYTES = 4096 };

enum action {
    ACTION_NOTHING,
    ACTION_ACCEPT,
    ACTION_ANSWER,
    ACTION_DROP,
    ACTION_HOLD,
    ACTION_UNHOLD,
    ACTION_DIGITS,
    ACTIONS
};

static const char *const action_names[ACTIONS] = {"nothing", "accept", "answer", "drop", "hold", "unhold", "digits"};

/* SENT as the state of a step: the digits were sent. No LINECALLSTATE_ has this bit. */
static const DWORD STATE_SENT = UINT32_C(1) << 31;

struct step {
    DWORD state, mode; /* mode 0: any */
    enum action action;
    const char *text; /* of ACTION_DIGITS */
};

struct call {
    HCALL handle; /* 0: free; written by the library when lineMakeCall is replied to */
    size_t step;
    bool cleared;
};

struct request {
    LONG id;
    enum action action;
    struct call *call;
};

static struct {
    struct step step[STEPS_MAX];
    size_t steps_count;
    DWORD line;
    const char *dial, *ready;
    bool lax;
    unsigned long count, together;
    HLINEAPP app;
    HLINE open_line;
    struct call call[CALLS_MAX];
    struct request request[REQUESTS_MAX];
    unsigned long dialled, live, ended, faults;
} o = {.count = 1, .together = 1};

static volatile sig_atomic_t stopped, asked_to_clear;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        asked_to_clear = 1;
    else
        stopped = 1;
}

static void fault(const char *what, LONG error)
{
    fprintf(stderr, "owner: %s: %s\n", what, cf_line_error_name(error));
    o.faults++;
}

/* ---- the script --------------------------------------------------------------------------------- */

static DWORD state_named(const char *name, size_t bytes)
{
    if (strncmp(name, "SENT", bytes) == 0 && bytes == strlen("SENT"))
        return STATE_SENT;
    for (DWORD bit = 1; bit != 0; bit <<= 1) {
        const char *other = cf_call_state_name(bit);
        if (other != NULL && strlen(other) == bytes && strncmp(other, name, bytes) == 0)
            return bit;
    }
    return 0;
}

static DWORD mode_named(DWORD state, const char *name, size_t bytes)
{
    for (DWORD bit = 1; bit != 0; bit <<= 1) {
        const char *other = cf_call_mode_name(state, bit);
        if (other != NULL && strlen(other) == bytes && strncmp(other, name, bytes) == 0)
            return bit;
    }
    return 0;
}

/* STATE[/MODE]:ACTION[=TEXT] */
static bool step_parse(const char *text, struct step *ret_step)
{
    struct step step = {0};
    const size_t state_bytes = strcspn(text, "/:");
    step.state = state_named(text, state_bytes);
    text += state_bytes;
    if (*text == '/') {
        const size_t mode_bytes = strcspn(++text, ":");
        step.mode = mode_named(step.state, text, mode_bytes);
        text += mode_bytes;
        if (step.mode == 0)
            return false;
    }
    if (step.state == 0 || *text++ != ':')
        return false;
    const size_t action_bytes = strcspn(text, "=");
    for (step.action = ACTION_NOTHING; step.action < ACTIONS; step.action++)
        if (strlen(action_names[step.action]) == action_bytes &&
            strncmp(action_names[step.action], text, action_bytes) == 0)
            break;
    if (step.action == ACTIONS || (text[action_bytes] == '=') != (step.action == ACTION_DIGITS))
        return false;
    step.text = text[action_bytes] == '=' ? text + action_bytes + 1 : NULL;
    *ret_step = step;
    return true;
}

/* ---- calls and requests ------------------------------------------------------------------------- */

static struct call *call_of(HCALL handle)
{
    for (size_t i = 0; i < CALLS_MAX; i++)
        if (o.call[i].handle == handle)
            return &o.call[i];
    return NULL;
}

static struct call *call_new(HCALL handle)
{
    struct call *c = call_of(0);
    if (c == NULL) {
        fprintf(stderr, "owner: more than %d calls at once\n", CALLS_MAX);
        exit(1);
    }
    *c = (struct call){.handle = handle};
    o.live++;
    return c;
}

static struct request *request_of(LONG id)
{
    for (size_t i = 0; i < REQUESTS_MAX; i++)
        if (o.request[i].id == id)
            return &o.request[i];
    return NULL;
}

static void note_request(LONG result, enum action action, struct call *call)
{
    struct request *q = result > 0 ? request_of(0) : NULL;
    if (result <= 0)
        fault(action_names[action], result);
    else if (q != NULL)
        *q = (struct request){.id = result, .action = action, .call = call};
    else
        fault("more requests than it can note", LINEERR_NOMEM);
}

/* Synchronous, unlike the others; LINE_GENERATE tells the end. */
static void send_digits(struct call *c, const char *digits)
{
    const LONG error = lineGenerateDigits(c->handle, LINEDIGITMODE_DTMF, digits, 0);
    if (error != 0)
        fault("lineGenerateDigits", error);
}

static void act(struct call *c, const struct step *s)
{
    switch (s->action) {
    case ACTION_ACCEPT:
        note_request(lineAccept(c->handle, NULL, 0), s->action, c);
        break;
    case ACTION_ANSWER:
        note_request(lineAnswer(c->handle, NULL, 0), s->action, c);
        break;
    case ACTION_DROP:
        c->cleared = true;
        note_request(lineDrop(c->handle, NULL, 0), s->action, c);
        break;
    case ACTION_HOLD:
        note_request(lineHold(c->handle), s->action, c);
        break;
    case ACTION_UNHOLD:
        note_request(lineUnhold(c->handle), s->action, c);
        break;
    case ACTION_DIGITS:
        send_digits(c, s->text);
        break;
    default:
        break;
    }
}

/* The text at an offset of a structure, as a JSON member. No text of these tests needs escaping; what would is left out. */
static void print_text(const char *name, const LINECALLINFO *info, DWORD offset, DWORD bytes)
{
    const char *text = (const char *)info + offset;
    printf(",\"%s\":\"", name);
    for (DWORD i = 0; i < bytes && text[i] != '\0'; i++)
        if (text[i] >= ' ' && text[i] <= '~' && text[i] != '"' && text[i] != '\\')
            putchar(text[i]);
    putchar('"');
}

static void print_end(HCALL call)
{
    static union {
        LINECALLINFO info;
        char bytes[INFO_BYTES];
    } u;
    u.info.dwTotalSize = sizeof u;
    const LONG error = lineGetCallInfo(call, &u.info);
    if (error != 0) {
        fault("lineGetCallInfo", error);
        return;
    }
    const LINECALLINFO *i = &u.info;
    printf("{\"message\":\"end\",\"call\":\"%016" PRIx64 "\",\"reason\":%" PRIu32 ",\"origin\":%" PRIu32, call,
           i->dwReason, i->dwOrigin);
    print_text("caller", i, i->dwCallerIDOffset, i->dwCallerIDSize);
    print_text("caller_name", i, i->dwCallerIDNameOffset, i->dwCallerIDNameSize);
    print_text("called", i, i->dwCalledIDOffset, i->dwCalledIDSize);
    print_text("connected", i, i->dwConnectedIDOffset, i->dwConnectedIDSize);
    print_text("redirecting", i, i->dwRedirectingIDOffset, i->dwRedirectingIDSize);
    print_text("redirection", i, i->dwRedirectionIDOffset, i->dwRedirectionIDSize);
    print_text("cause", i, i->dwDevSpecificOffset, i->dwDevSpecificSize);
    printf("}\n");
}

static void on_end(struct call *c)
{
    print_end(c->handle);
    if (c->step != o.steps_count && !o.lax) {
        fprintf(stderr, "owner: call %016" PRIx64 " ended before step %zu\n", c->handle, c->step + 1);
        o.faults++;
    }
    lineDeallocateCall(c->handle);
    *c = (struct call){0};
    o.live--;
    o.ended++;
}

/* Takes the call's next step when it is for this. */
static void walk(struct call *c, DWORD state, DWORD mode)
{
    const struct step *s = &o.step[c->step];
    if (c->step == o.steps_count || (s->state & state) == 0 || (s->mode != 0 && (s->mode & mode) == 0))
        return;
    c->step++;
    act(c, s);
}

static void on_digits_sent(HCALL handle, DWORD how)
{
    struct call *c = call_of(handle);
    if (how != LINEGENERATETERM_DONE)
        fault("the digits were not sent to their end", LINEERR_OPERATIONFAILED);
    else if (c != NULL)
        walk(c, STATE_SENT, 0);
}

static void on_state(HCALL handle, DWORD state, DWORD mode)
{
    struct call *c = call_of(handle);
    const struct step clear = {.action = ACTION_DROP};
    if (c == NULL)
        c = call_new(handle);
    printf("{\"message\":\"LINE_CALLSTATE\",\"call\":\"%016" PRIx64 "\",\"state\":\"%s\",\"mode\":\"%s\"}\n", handle,
           cf_call_state_name(state), cf_call_mode_name(state, mode));
    walk(c, state, mode);
    if (state == LINECALLSTATE_DISCONNECTED && !c->cleared)
        act(c, &clear);
    if (state == LINECALLSTATE_IDLE)
        on_end(c);
}

static void on_reply(LONG id, LONG error)
{
    struct request *q = request_of(id);
    if (q == NULL)
        return;
    /* The call may have ended while the clearing of it was on its way, or, in disorder, while anything was. */
    const bool late =
        (q->action == ACTION_DROP || o.lax) && (error == LINEERR_INVALCALLSTATE || error == LINEERR_INVALCALLHANDLE);
    if (error != 0 && !late)
        fault(action_names[q->action], error);
    if (error != 0 && q->action == ACTION_NOTHING) { /* lineMakeCall: there is no call */
        o.live--;
        o.ended++;
        *q->call = (struct call){0};
    }
    q->id = 0;
}

/* As many calls as may be together. The call's place is taken before there is a handle: the library writes it. */
static void dial(void)
{
    while (o.dial != NULL && o.dialled < o.count && o.live < o.together) {
        struct call *c = call_new(~(HCALL)0);
        const LONG result = lineMakeCall(o.open_line, &c->handle, o.dial, 0, NULL);
        o.dialled++;
        note_request(result, ACTION_NOTHING, c);
        if (result <= 0) {
            *c = (struct call){0};
            o.live--;
            o.ended++;
        }
    }
}

/* Upon SIGUSR1: hangs up what is left, as calls whose peer has vanished. */
static void clear_all(void)
{
    const struct step clear = {.action = ACTION_DROP};
    asked_to_clear = 0;
    for (size_t i = 0; i < CALLS_MAX; i++)
        if (o.call[i].handle != 0 && ~o.call[i].handle != 0 && !o.call[i].cleared)
            act(&o.call[i], &clear);
}

static void follow(void)
{
    while (!stopped && o.ended < o.count) {
        LINEMESSAGE m;
        dial();
        if (asked_to_clear)
            clear_all();
        const LONG error = lineGetMessage(o.app, &m, WAIT_MS);
        if (error != 0 && error != LINEERR_OPERATIONFAILED) {
            fault("lineGetMessage", error);
            return;
        }
        if (error == 0 && m.dwMessageID == LINE_CALLSTATE)
            on_state(m.hDevice, (DWORD)m.dwParam1, (DWORD)m.dwParam2);
        else if (error == 0 && m.dwMessageID == LINE_REPLY)
            on_reply((LONG)m.dwParam1, (LONG)m.dwParam2);
        else if (error == 0 && m.dwMessageID == LINE_GENERATE)
            on_digits_sent(m.hDevice, (DWORD)m.dwParam1);
        fflush(stdout);
    }
}

/* ---- the program -------------------------------------------------------------------------------- */

static void usage(FILE *to)
{
    fputs("usage: owner --line N [--dial DEST] [--count N] [--together N] [--ready FILE] "
          "[STATE[/MODE]:ACTION[=TEXT]]...\n"
          "Owns the calls of a line; makes calls with --dial. Each call goes through the steps in their order.\n"
          "  ACTION         nothing (the state must come), accept, answer, drop, hold, unhold, digits=TEXT\n"
          "  SENT           stands for a state where the digits have been sent\n"
          "  --count N      ends after N calls (1)\n"
          "  --together N   so many calls are dialled at once (1)\n"
          "  --lax          a call may end before its steps are done\n"
          "  --ready FILE   is made when the line is open\n"
          "  --help         this text\n"
          "SIGUSR1 lets it drop the calls that are left.\n",
          to);
}

static void parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"line", required_argument, NULL, 'l'},
        {"dial", required_argument, NULL, 'd'},
        {"count", required_argument, NULL, 'c'},
        {"ready", required_argument, NULL, 'r'},
        {"together", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {"lax", no_argument, NULL, 'x'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'l':
            o.line = (DWORD)strtoul(optarg, NULL, 10);
            break;
        case 'd':
            o.dial = optarg;
            break;
        case 'c':
            o.count = strtoul(optarg, NULL, 10);
            break;
        case 't':
            o.together = strtoul(optarg, NULL, 10);
            break;
        case 'x':
            o.lax = true;
            break;
        case 'r':
            o.ready = optarg;
            break;
        default:
            usage(c == 'h' ? stdout : stderr);
            exit(c == 'h' ? 0 : 2);
        }
    }
    for (; optind < argc; optind++) {
        if (o.steps_count == STEPS_MAX || !step_parse(argv[optind], &o.step[o.steps_count++])) {
            fprintf(stderr, "owner: %s is no step, or one too many\n", argv[optind]);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    DWORD devices, version = TAPI_CURRENT_VERSION;
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    parse(argc, argv);
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    LONG error = lineInitializeEx(&o.app, NULL, NULL, "owner", &devices, &version, &params);
    if (error == 0)
        error = lineOpen(o.app, o.line, &o.open_line, version, 0, 0, LINECALLPRIVILEGE_OWNER,
                         LINEMEDIAMODE_INTERACTIVEVOICE, NULL);
    if (error != 0) {
        fault("opening the line", error);
        return 1;
    }
    if (o.ready != NULL) {
        FILE *file = fopen(o.ready, "w");
        if (file == NULL || fclose(file) != 0) {
            perror(o.ready);
            return 1;
        }
    }
    follow();
    lineShutdown(o.app);
    return o.faults == 0 && o.ended >= o.count ? 0 : 1;
}
