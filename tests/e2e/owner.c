/*
 * owner: an application with a script. It owns the calls of one line, makes calls where told, and does what its steps say when a
 * call comes into a state.
 *
 * Shape      each call walks through the steps by itself: a step STATE:ACTION is taken when the call enters STATE and it is the
 *            next step. A call that is DISCONNECTED is dropped (cleared), one that is IDLE is given back, without a step. The first
 *            call has the steps before --then, the next, if that is there, those behind it; of several --then each call has its own, and
 *            the last is for all that follow
 * Progress   one thread; ends when --count calls have ended: 0 when every request and every step was done, else 1
 *
 * Standard output: one JSON object per line, as callfan monitor --json prints LINE_CALLSTATE; and at the end of a call one with
 * "message":"end" and what LINECALLINFO has.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callfan/tapi.h"

enum {
    STEPS_MAX = 16,
    LISTS_MAX = 4,
    CALLS_MAX = 4096,
    REQUESTS_MAX = CALLS_MAX * 2,
    WAIT_MS = 250,
    INFO_BYTES = 4096
};

enum action {
    ACTION_NOTHING,
    ACTION_ACCEPT,
    ACTION_ANSWER,
    ACTION_DROP,
    ACTION_HOLD,
    ACTION_UNHOLD,
    ACTION_DIGITS,
    ACTION_SETUP,
    ACTION_COMPLETE,
    ACTION_SWAP,
    ACTION_RETRIEVE,
    ACTION_TRANSFER,
    ACTION_DROP_BOTH,
    ACTION_TAKE,
    ACTION_DIAL,
    ACTION_REDIRECT,
    ACTION_LISTEN,
    ACTION_GATHER,
    ACTION_CONFERENCE,
    ACTION_PREPARE,
    ACTION_JOIN,
    ACTION_REMOVE,
    ACTION_MERGE,
    ACTION_DROP_OTHER,
    ACTIONS
};

static const struct {
    const char *name;
    bool text, optional;
} actions[ACTIONS] = {
    {"nothing", false, false},   {"accept", false, false}, {"answer", false, false},   {"drop", false, false},
    {"hold", false, false},      {"unhold", false, false}, {"digits", true, false},    {"setup", true, true},
    {"complete", false, false},  {"swap", false, false},   {"retrieve", false, false}, {"transfer", true, false},
    {"drop_both", false, false}, {"take", false, false},   {"dial", true, false},      {"redirect", true, false},
    {"listen", false, false},    {"gather", true, false},  {"conference", true, true}, {"prepare", true, true},
    {"join", false, false},      {"remove", false, false}, {"merge", false, false},    {"drop_other", false, false},
};

/*
 * SENT as the state of a step: the digits were sent; REFUSED: the action before has failed; GATHERED: digits were; THEN: at once behind the step
 * before. No LINECALLSTATE_ has these bits.
 */
static const DWORD STATE_SENT = UINT32_C(1) << 31, STATE_REFUSED = UINT32_C(1) << 30,
                   STATE_GATHERED = UINT32_C(1) << 29, STATE_THEN = UINT32_C(1) << 28;

struct step {
    DWORD state, mode; /* mode 0: any */
    enum action action;
    const char *text; /* of those that have one; NULL: none */
};

struct steps {
    struct step step[STEPS_MAX];
    size_t count;
};

struct call {
    HCALL handle;       /* 0: free; written by the library when lineMakeCall is replied to */
    struct call *other; /* a consultation call and the call, or conference, that it was made of */
    const struct steps *steps;
    size_t step;
    bool cleared;
    char buffer[64], gathered[64], heard[64]; /* digits: of what is gathered now, of what was, that were monitored */
};

struct request {
    LONG id;
    enum action action;
    struct call *call;
    struct call *made[2]; /* that come with it, NULL: none */
};

static struct {
    struct steps lists[LISTS_MAX];
    size_t last_list;
    DWORD line;
    DWORD privileges;
    const char *dial, *ready;
    bool lax;
    unsigned long count, together;
    HLINEAPP app;
    HLINE open_line;
    struct call call[CALLS_MAX];
    struct request request[REQUESTS_MAX];
    unsigned long dialled, live, ended, begun, faults;
} o = {.privileges = LINECALLPRIVILEGE_OWNER, .count = 1, .together = 1};

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
    if (strncmp(name, "REFUSED", bytes) == 0 && bytes == strlen("REFUSED"))
        return STATE_REFUSED;
    if (strncmp(name, "GATHERED", bytes) == 0 && bytes == strlen("GATHERED"))
        return STATE_GATHERED;
    if (strncmp(name, "THEN", bytes) == 0 && bytes == strlen("THEN"))
        return STATE_THEN;
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
        if (strlen(actions[step.action].name) == action_bytes &&
            strncmp(actions[step.action].name, text, action_bytes) == 0)
            break;
    const bool with_text = text[action_bytes] == '=';
    if (step.action == ACTIONS ||
        (with_text ? !actions[step.action].text : actions[step.action].text && !actions[step.action].optional))
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
    *c = (struct call){.handle = handle, .steps = &o.lists[o.begun < o.last_list ? o.begun : o.last_list]};
    o.begun++;
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
        fault(actions[action].name, result);
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

static void listen_to(struct call *c)
{
    const LONG error = lineMonitorDigits(c->handle, LINEDIGITMODE_DTMF);
    if (error != 0)
        fault("lineMonitorDigits", error);
}

/* COUNT[,DIGITS THAT END IT[,MS TO THE FIRST[,MS BETWEEN TWO]]]: LINE_GATHERDIGITS tells the end. */
static void gather(struct call *c, const char *text)
{
    unsigned count = 0, first_ms = 0, between_ms = 0;
    char ends[17] = "";
    sscanf(text, "%u,%16[0-9A-D*#],%u,%u", &count, ends, &first_ms, &between_ms);
    if (count == 0 || count > sizeof c->buffer) {
        fault("digits to be gathered", LINEERR_INVALPARAM);
        return;
    }
    memset(c->buffer, 0, sizeof c->buffer);
    const LONG error = lineGatherDigits(c->handle, LINEDIGITMODE_DTMF, c->buffer, count, ends[0] != '\0' ? ends : NULL,
                                        first_ms, between_ms);
    if (error != 0)
        fault("lineGatherDigits", error);
}

static void forget(struct call *c)
{
    if (c->other != NULL)
        c->other->other = NULL;
    *c = (struct call){0};
    o.live--;
    o.ended++;
}

/* Parameters of a consultation call that dials this at once; NULL: that has dial tone. */
static const LINECALLPARAMS *consulting(const char *target)
{
    static struct {
        LINECALLPARAMS params;
        char target[128];
    } p;
    p.params = (LINECALLPARAMS){.dwTotalSize = sizeof p,
                                .dwBearerMode = LINEBEARERMODE_VOICE,
                                .dwMediaMode = LINEMEDIAMODE_INTERACTIVEVOICE,
                                .dwAddressMode = LINEADDRESSMODE_ADDRESSID};
    if (target != NULL) {
        snprintf(p.target, sizeof p.target, "%s", target);
        p.params.dwCallParamFlags = LINECALLPARAMFLAGS_ONESTEPTRANSFER;
        p.params.dwTargetAddressOffset = (DWORD)offsetof(__typeof__(p), target);
        p.params.dwTargetAddressSize = (DWORD)strlen(p.target) + 1;
    }
    return &p.params;
}

/* The request makes these calls, whose places are taken before there are handles: the library writes them. */
static void note_making(LONG result, enum action action, struct call *c, struct call *first, struct call *second)
{
    struct call *const made[] = {first, second};
    note_request(result, action, c);
    struct request *q = result > 0 ? request_of(result) : NULL;
    for (int i = 0; i < 2; i++) {
        if (q != NULL)
            q->made[i] = made[i];
        else if (made[i] != NULL)
            forget(made[i]);
    }
}

static struct call *consultation_of(struct call *c)
{
    struct call *consultation = call_new(~(HCALL)0);
    consultation->other = c;
    c->other = consultation;
    return consultation;
}

static void set_up(struct call *c, const char *target, bool prepares)
{
    struct call *consultation = consultation_of(c);
    const LINECALLPARAMS *params = consulting(target);
    const LONG result = prepares ? linePrepareAddToConference(c->handle, &consultation->handle, params)
                                 : lineSetupTransfer(c->handle, &consultation->handle, params);
    note_making(result, prepares ? ACTION_PREPARE : ACTION_SETUP, c, consultation, NULL);
}

static void confer(struct call *c, const char *target)
{
    struct call *conference = call_new(~(HCALL)0), *consultation = consultation_of(conference);
    const LONG result =
        lineSetupConference(c->handle, 0, &conference->handle, &consultation->handle, 3, consulting(target));
    note_making(result, ACTION_CONFERENCE, c, conference, consultation);
}

/* The first call and its consultation call become a conference. */
static void merge(struct call *c)
{
    struct call *conference = call_new(~(HCALL)0);
    const LONG result = lineCompleteTransfer(c->other != NULL ? c->other->handle : 0, c->handle, &conference->handle,
                                             LINETRANSFERMODE_CONFERENCE);
    note_making(result, ACTION_MERGE, c, conference, NULL);
}

/* A call that it only monitors, as of a transfer: it becomes its owner. */
static void take(struct call *c)
{
    const LONG error = lineSetCallPrivilege(c->handle, LINECALLPRIVILEGE_OWNER);
    if (error != 0)
        fault("lineSetCallPrivilege", error);
}

static void act_on_both(struct call *c, enum action action)
{
    const HCALL other = c->other != NULL ? c->other->handle : 0;
    LONG result = 0;
    if (action == ACTION_COMPLETE)
        result = lineCompleteTransfer(other, c->handle, NULL, LINETRANSFERMODE_TRANSFER);
    else if (action == ACTION_JOIN)
        result = lineAddToConference(other, c->handle);
    else if (action == ACTION_SWAP)
        result = lineSwapHold(c->handle, other);
    else
        result = lineUnhold(other);
    note_request(result, action, c);
}

static void act(struct call *c, const struct step *s)
{
    static const struct step drop = {.action = ACTION_DROP};
    switch (s->action) {
    case ACTION_SETUP:
    case ACTION_PREPARE:
        set_up(c, s->text, s->action == ACTION_PREPARE);
        break;
    case ACTION_CONFERENCE:
        confer(c, s->text);
        break;
    case ACTION_MERGE:
        merge(c);
        break;
    case ACTION_REMOVE:
        note_request(lineRemoveFromConference(c->handle), s->action, c);
        break;
    case ACTION_JOIN:
    case ACTION_COMPLETE:
    case ACTION_SWAP:
    case ACTION_RETRIEVE:
        act_on_both(c, s->action);
        break;
    case ACTION_TRANSFER:
        note_request(lineBlindTransfer(c->handle, s->text, 0), s->action, c);
        break;
    case ACTION_ACCEPT:
        note_request(lineAccept(c->handle, NULL, 0), s->action, c);
        break;
    case ACTION_ANSWER:
        note_request(lineAnswer(c->handle, NULL, 0), s->action, c);
        break;
    case ACTION_DIAL:
        note_request(lineDial(c->handle, s->text, 0), s->action, c);
        break;
    case ACTION_REDIRECT:
        note_request(lineRedirect(c->handle, s->text, 0), s->action, c);
        break;
    case ACTION_TAKE:
        take(c);
        break;
    case ACTION_DROP_OTHER:
        act(c->other, &drop);
        break;
    case ACTION_DROP_BOTH:
        act(c->other, &drop);
        act(c, &drop);
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
    case ACTION_LISTEN:
        listen_to(c);
        break;
    case ACTION_GATHER:
        gather(c, s->text);
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

static void print_end(const struct call *c)
{
    static union {
        LINECALLINFO info;
        char bytes[INFO_BYTES];
    } u;
    u.info.dwTotalSize = sizeof u;
    const HCALL call = c->handle;
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
    printf(",\"heard\":\"%s\",\"gathered\":\"%s\"}\n", c->heard, c->gathered);
}

static void on_end(struct call *c)
{
    print_end(c);
    if (c->step != c->steps->count && !o.lax) {
        fprintf(stderr, "owner: call %016" PRIx64 " ended before step %zu\n", c->handle, c->step + 1);
        o.faults++;
    }
    lineDeallocateCall(c->handle);
    forget(c);
}

/* Takes the call's next step when it is for this. */
static void walk(struct call *c, DWORD state, DWORD mode)
{
    const struct step *s = &c->steps->step[c->step];
    if (c->step == c->steps->count || (s->state & state) == 0 || (s->mode != 0 && (s->mode & mode) == 0))
        return;
    c->step++;
    act(c, s);
    walk(c, STATE_THEN, 0); /* as deep as there are steps */
}

static void on_digits_sent(HCALL handle, DWORD how)
{
    struct call *c = call_of(handle);
    if (how != LINEGENERATETERM_DONE)
        fault("the digits were not sent to their end", LINEERR_OPERATIONFAILED);
    else if (c != NULL)
        walk(c, STATE_SENT, 0);
}

static void on_digit(HCALL handle, char digit)
{
    struct call *c = call_of(handle);
    const size_t used = c != NULL ? strlen(c->heard) : 0;
    if (c != NULL && used < sizeof c->heard - 1)
        c->heard[used] = digit;
}

/* "DIGITS:LINEGATHERTERM_", of several one behind the other with a blank. */
static void on_gathered(HCALL handle, DWORD how)
{
    struct call *c = call_of(handle);
    if (c == NULL)
        return;
    char digits[sizeof c->buffer + 1];
    const size_t used = strlen(c->gathered);
    snprintf(digits, sizeof digits, "%.*s", (int)sizeof c->buffer, c->buffer);
    snprintf(c->gathered + used, sizeof c->gathered - used, "%s%s:%" PRIu32, used != 0 ? " " : "", digits, how);
    walk(c, STATE_GATHERED, 0);
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
    struct call *c = q->call;
    const enum action action = q->action;
    const struct step *next = c->steps != NULL && c->step < c->steps->count ? &c->steps->step[c->step] : NULL;
    const bool expected = error != 0 && next != NULL && next->state == STATE_REFUSED;
    q->id = 0;
    if (error != 0 && !late && !expected)
        fault(actions[action].name, error);
    if (error != 0 && action == ACTION_NOTHING) /* lineMakeCall: there is no call */
        forget(c);
    for (int i = 0; i < 2; i++) {
        if (error != 0 && q->made[i] != NULL)
            forget(q->made[i]);
        q->made[i] = NULL;
    }
    if (expected) {
        printf("{\"message\":\"refused\",\"error\":\"%s\"}\n", cf_line_error_name(error));
        walk(c, STATE_REFUSED, 0);
    }
}

/* As many calls as may be together. The call's place is taken before there is a handle: the library writes it. */
static void dial(void)
{
    while (o.dial != NULL && o.dialled < (o.last_list != 0 ? 1 : o.count) && o.live < o.together) {
        struct call *c = call_new(~(HCALL)0);
        const LONG result = lineMakeCall(o.open_line, &c->handle, o.dial, 0, NULL);
        o.dialled++;
        note_request(result, ACTION_NOTHING, c);
        if (result <= 0)
            forget(c);
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
        else if (error == 0 && m.dwMessageID == LINE_MONITORDIGITS)
            on_digit(m.hDevice, (char)m.dwParam1);
        else if (error == 0 && m.dwMessageID == LINE_GATHERDIGITS)
            on_gathered(m.hDevice, (DWORD)m.dwParam1);
        fflush(stdout);
    }
}

/* ---- the program -------------------------------------------------------------------------------- */

static void usage(FILE *to)
{
    fputs("usage: owner --line N [--dial DEST] [--count N] [--together N] [--ready FILE] "
          "[STATE[/MODE]:ACTION[=TEXT]]... [--then STATE:ACTION...]\n"
          "Owns the calls of a line; makes calls with --dial. Each call goes through the steps in their order.\n"
          "  ACTION         nothing (the state must come), accept, answer, drop, hold, unhold, digits=TEXT,\n"
          "                 dial=DEST, redirect=DEST, transfer=DEST, setup[=DEST] a consultation call; of that "
          "complete, swap, retrieve\n"
          "                 the first, drop_both, drop_other;\n"
          "                 take: becomes owner of a call that it monitors (--monitor)\n"
          "                 conference[=DEST]: of this call, with a consultation call to be added by join; "
          "prepare[=DEST] "
          "another;\n"
          "                 remove: from the conference; merge: it and the call that it was made of become one\n"
          "                 listen: to digits; gather=COUNT[,ENDS[,FIRST_MS[,BETWEEN_MS]]] digits\n"
          "  SENT, GATHERED, REFUSED  stand for a state where the digits have been sent, where some were gathered, and "
          "where the\n"
          "                 action before has failed; THEN: at once behind the step before\n"
          "  --then         the steps behind are those of the next call and all that follow; one call is dialled\n"
          "  --count N      ends after N calls (1)\n"
          "  --together N   so many calls are dialled at once (1)\n"
          "  --monitor      hears of the other calls of the line too\n"
          "  --lax          a call may end before its steps are done\n"
          "  --ready FILE   is made when the line is open\n"
          "  --help         this text\n"
          "SIGUSR1 lets it drop the calls that are left.\n",
          to);
}

static void add_step(const char *text)
{
    struct steps *steps = &o.lists[o.last_list];
    if (steps->count == STEPS_MAX || !step_parse(text, &steps->step[steps->count++])) {
        fprintf(stderr, "owner: %s is no step, or one too many\n", text);
        exit(2);
    }
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
        {"then", no_argument, NULL, 'n'},
        {"monitor", no_argument, NULL, 'm'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "-", options, NULL)) != -1;) {
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
        case 'n':
            if (++o.last_list == LISTS_MAX) {
                fputs("owner: a --then too many\n", stderr);
                exit(2);
            }
            break;
        case 'm':
            o.privileges |= LINECALLPRIVILEGE_MONITOR;
            break;
        case 1:
            add_step(optarg);
            break;
        case 'r':
            o.ready = optarg;
            break;
        default:
            usage(c == 'h' ? stdout : stderr);
            exit(c == 'h' ? 0 : 2);
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
        error =
            lineOpen(o.app, o.line, &o.open_line, version, 0, 0, o.privileges, LINEMEDIAMODE_INTERACTIVEVOICE, NULL);
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
