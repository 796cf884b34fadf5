/*
 * callfan dial: an owner application that makes calls, one or many, and says how each of them went.
 *
 * The life of a call here: lineMakeCall -> LINE_REPLY brings the handle -> states -> CONNECTED: answered -> after --talk lineDrop
 * -> IDLE -> lineDeallocateCall. A call that the other side clears is dropped (cleared) at once; a busy tone that does not end by
 * itself is cut after TONE_MS. The end that was asked for drops what is left and waits for its IDLE, END_NS_MAX long.
 */
#include "apps/callfan/tool.h"

#include <inttypes.h>
#include <stdio.h>

#include "apps/callfan/call_list.h"
#include "apps/callfan/dialled.h"
#include "apps/callfan/histogram.h"
#include "apps/callfan/options.h"
#include "apps/callfan/output.h"
#include "apps/callfan/pace.h"
#include "apps/callfan/session.h"

enum {
    AT_ONCE_MAX = 10000, /* calls alive */
    BURST = 256,         /* calls begun between two looks at the messages */
    RETRY_MS = 10,       /* after LINEERR_REQUESTOVERRUN */
    TONE_MS = 2000,
    PROGRESS_MS = 5000,
    LINES_MS = 5000, /* so long it waits for a line when none is open: its provider may be starting again */
    COMPLAINTS_MAX = 10,
    MODES = 32,
};

/* States of a call that was answered; those beside CONNECTED come first only when messages were missed. */
#define TALKS                                                                                                          \
    (LINECALLSTATE_CONNECTED | LINECALLSTATE_ONHOLD | LINECALLSTATE_ONHOLDPENDTRANSFER |                               \
     LINECALLSTATE_ONHOLDPENDCONF | LINECALLSTATE_CONFERENCED)
#define TONES      (LINECALLSTATE_BUSY | LINECALLSTATE_SPECIALINFO)
#define END_NS_MAX INT64_C(5000000000)

enum action { ACTION_MAKE, ACTION_DROP, ACTION_CUT, ACTION_PROGRESS, ACTION_LINES };

struct dial {
    bool json, quiet; /* options */
    uint64_t count_max;
    uint32_t at_once;
    double rate;
    int64_t talk_ns;
    struct cf_tool_operands operands;

    struct cf_tool_session session;
    struct cf_tool_output out;
    struct cf_tool_pace pace;
    struct cf_dialled calls;
    DWORD line_at;
    bool waits; /* an ACTION_MAKE timer runs */
    bool stopping;
    int64_t stop_ns;
    struct cf_histogram answer_time;
    uint64_t made, answered, failed, given_up, drops_failed, missed;
    uint64_t by_mode[MODES]; /* failed ones by the bit of their LINEDISCONNECTMODE_ */
};

static const char *destination(const struct dial *d)
{
    return d->operands.text[0];
}

/* ---- what is said of a call ------------------------------------------------------------------ */

/* How the end of a call that was not answered is told: once, and not for ever. */
static void fail(struct dial *d, struct cf_dialled_call *c, const char *why, const char *cause)
{
    if (c->judged)
        return;
    c->judged = true;
    if (d->failed++ >= COMPLAINTS_MAX)
        return;
    fprintf(stderr, "callfan dial: ");
    if (c->id != 0)
        fprintf(stderr, "call %08x ", c->id);
    fprintf(stderr, "to '%s' on line %u: %s", destination(d), c->device, why);
    if (*cause != '\0') {
        fputs(", cause ", stderr);
        cf_tool_print_text(stderr, cause, 0);
    }
    putc('\n', stderr);
}

static void fail_error(struct dial *d, struct cf_dialled_call *c, LONG error)
{
    char why[256];
    snprintf(why, sizeof why, "%s: %s", cf_line_error_name(error), cf_line_error_text(error));
    fail(d, c, why, "");
}

/* It ended; before: the state it was in. */
static void fail_state(struct dial *d, struct cf_dialled_call *c, DWORD before, DWORD mode)
{
    struct cf_tool_call facts = {0};
    char why[64];
    if (c->judged)
        return;
    if (c->dropping && (before & TONES) == 0) {
        c->judged = true;
        d->given_up++;
        return;
    }
    if (cf_tool_call_ask(c->handle, c->device, &facts) == 0)
        c->id = facts.id;
    if (mode != 0)
        d->by_mode[__builtin_ctz(mode)]++;
    if (c->state == LINECALLSTATE_DISCONNECTED)
        snprintf(why, sizeof why, "DISCONNECTED %s", cf_call_mode_name(c->state, mode));
    else
        snprintf(why, sizeof why, "ended when it was %s", cf_call_state_name(before));
    fail(d, c, why, facts.cause);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void drop(struct dial *d, struct cf_dialled_call *c)
{
    if (c->request != 0) { /* the call is still being made, or a drop is under way */
        c->again = true;
        return;
    }
    LONG result = lineDrop(c->handle, NULL, 0);
    c->dropping = true;
    if (result > 0) {
        cf_dialled_set_request(&d->calls, c, result);
    } else if (result == LINEERR_REQUESTOVERRUN) {
        cf_tool_session_later(&d->session, RETRY_MS, c->handle, ACTION_DROP);
    } else if (d->drops_failed++ < COMPLAINTS_MAX) {
        cf_tool_complain("dial", "lineDrop", result);
    }
}

/* False: not now. */
static bool make(struct dial *d)
{
    DWORD device;
    HLINE line = cf_tool_lines_next(&d->session.lines, &d->line_at, &device);
    if (line == 0)
        return false;
    struct cf_dialled_call *c = cf_dialled_take(&d->calls, device, cf_tool_now_ns());
    LONG result = lineMakeCall(line, &c->handle, destination(d), 0, NULL);
    if (result == LINEERR_REQUESTOVERRUN) {
        cf_dialled_forget(&d->calls, c);
        return false;
    }
    d->made++;
    if (result > 0) {
        cf_dialled_set_request(&d->calls, c, result);
    } else {
        fail_error(d, c, result);
        cf_dialled_forget(&d->calls, c);
    }
    return true;
}

static void stop(struct dial *d)
{
    d->stopping = true;
    d->stop_ns = cf_tool_now_ns();
    uint32_t at = 0;
    for (struct cf_dialled_call *c; (c = cf_dialled_next(&d->calls, &at)) != NULL;)
        drop(d, c);
}

static bool all_made(const struct dial *d)
{
    return d->stopping || (d->count_max != 0 && d->made >= d->count_max);
}

static void wait_to_make(struct dial *d, int64_t due_ns)
{
    if (!d->waits)
        cf_tool_timers_add(&d->session.timers, due_ns, 0, ACTION_MAKE);
    d->waits = true;
}

static void make_those_due(struct dial *d)
{
    int64_t now_ns = cf_tool_now_ns();
    for (int i = 0; i < BURST && !all_made(d) && d->calls.live < d->at_once; i++) {
        if (!cf_tool_pace_take(&d->pace, now_ns)) {
            wait_to_make(d, d->pace.next_ns);
            return;
        }
        if (!make(d)) {
            cf_tool_pace_return(&d->pace);
            wait_to_make(d, now_ns + RETRY_MS * INT64_C(1000000));
            return;
        }
    }
    if (!all_made(d) && d->calls.live < d->at_once)
        wait_to_make(d, now_ns); /* the burst is over, not the work */
}

/* ---- what comes ------------------------------------------------------------------------------ */

static void on_made(struct dial *d, struct cf_dialled_call *c, LONG result)
{
    struct cf_tool_call facts;
    if (result != 0) {
        c->handle = 0;
        fail_error(d, c, result);
        return;
    }
    cf_dialled_has_handle(&d->calls, c);
    if (d->quiet || cf_tool_call_ask(c->handle, c->device, &facts) != 0)
        return;
    c->id = facts.id;
    snprintf(c->caller, sizeof c->caller, "%.*s", CF_DIALLED_CALLER_BYTES - 1, facts.caller);
}

static void on_reply(struct dial *d, struct cf_dialled_call *c, LONG result)
{
    bool makes = !c->dropping, again = c->again;
    cf_dialled_set_request(&d->calls, c, 0);
    c->again = false;
    if (makes)
        on_made(d, c, result);
    else if (result != 0 && result != LINEERR_INVALCALLSTATE && d->drops_failed++ < COMPLAINTS_MAX)
        cf_tool_complain("dial", "lineDrop", result);
    if (again && c->handle != 0)
        drop(d, c);
}

static void on_answer(struct dial *d, struct cf_dialled_call *c)
{
    c->answered = c->judged = true;
    d->answered++;
    cf_histogram_add(&d->answer_time, cf_tool_now_ns() - c->made_ns);
    if (d->talk_ns >= 0)
        cf_tool_session_later(&d->session, d->talk_ns / 1000000, c->handle, ACTION_DROP);
}

static void on_state(struct dial *d, struct cf_dialled_call *c, DWORD state, DWORD mode)
{
    DWORD before = c->state;
    c->state = state;
    if ((state & TALKS) != 0 && !c->answered)
        on_answer(d, c);
    switch (state) {
    case LINECALLSTATE_BUSY:
    case LINECALLSTATE_SPECIALINFO:
        cf_tool_session_later(&d->session, TONE_MS, c->handle, ACTION_CUT);
        break;
    case LINECALLSTATE_DISCONNECTED:
        fail_state(d, c, before, mode);
        drop(d, c);
        break;
    case LINECALLSTATE_IDLE:
        fail_state(d, c, before, 0);
        lineDeallocateCall(c->handle);
        cf_dialled_forget(&d->calls, c);
        break;
    default:
        break;
    }
}

static void show(const struct dial *d, struct cf_tool_event *e, const struct cf_dialled_call *c)
{
    if (d->quiet)
        return;
    if (c != NULL) {
        e->line = c->device;
        e->call = c->handle;
        e->call_id = c->id;
        e->caller = c->caller;
        e->called = destination(d);
    }
    cf_tool_output_event(&d->out, e);
}

/* The call was over before our lineDrop reached it: the race is nobody's fault and no news. */
static bool came_too_late(const struct cf_dialled_call *c, LONG result)
{
    return c == NULL || (c->dropping && result == LINEERR_INVALCALLSTATE);
}

static void on_message(void *self, const struct cf_batch_message *m)
{
    struct dial *d = self;
    struct cf_tool_event e = cf_tool_event_read(m, &d->session.lines);
    bool reply = m->dwMessageID == LINE_REPLY;
    struct cf_dialled_call *c =
        reply ? cf_dialled_by_request(&d->calls, m->dwParam1) : cf_dialled_by_handle(&d->calls, e.call);
    bool late = reply && came_too_late(c, (LONG)m->dwParam2);
    if (reply && c != NULL)
        on_reply(d, c, (LONG)m->dwParam2);
    if (!late)
        show(d, &e, c);
    if (m->dwMessageID == CF_LINE_GAP)
        d->missed += m->dwParam2 - m->dwParam1 + 1;
    if (c == NULL)
        return;
    if (c->handle == 0)
        cf_dialled_forget(&d->calls, c); /* it was not made */
    else if (m->dwMessageID == LINE_CALLSTATE)
        on_state(d, c, e.state & 0x00FFFFFF, e.mode);
}

/* The calls of a line that was closed by force are void, and their replies will not come. */
static void on_line(void *self, const struct cf_batch_message *m, DWORD device)
{
    struct dial *d = self;
    uint32_t at = 0;
    for (struct cf_dialled_call *c; m->dwMessageID == LINE_CLOSE && (c = cf_dialled_next(&d->calls, &at)) != NULL;) {
        if (c->device != device)
            continue;
        fail(d, c, "the line was closed", "");
        cf_dialled_forget(&d->calls, c);
    }
    if (d->session.lines.open_count == 0)
        cf_tool_session_later(&d->session, LINES_MS, 0, ACTION_LINES);
}

static void print_progress(const struct dial *d)
{
    fprintf(stderr, "callfan dial: %" PRIu64 " made, %" PRIu64 " answered, %" PRIu64 " failed, %u live\n", d->made,
            d->answered, d->failed, d->calls.live);
}

static void on_timer(void *self, const struct cf_tool_timer *t)
{
    struct dial *d = self;
    struct cf_dialled_call *c = cf_dialled_by_handle(&d->calls, t->key);
    switch (t->action) {
    case ACTION_MAKE:
        d->waits = false;
        break;
    case ACTION_PROGRESS:
        print_progress(d);
        cf_tool_session_later(&d->session, PROGRESS_MS, 0, ACTION_PROGRESS);
        break;
    case ACTION_LINES:
        if (d->session.lines.open_count != 0 || d->stopping)
            break;
        fprintf(stderr, "callfan dial: no line is open\n");
        stop(d);
        break;
    case ACTION_CUT:
        if (c != NULL && (c->state & TONES) != 0)
            drop(d, c);
        break;
    default:
        if (c != NULL)
            drop(d, c);
    }
}

/* ---- the run --------------------------------------------------------------------------------- */

static void on_turn(void *self)
{
    struct dial *d = self;
    if (!d->stopping && (cf_tool_session_over(&d->session) || ferror(d->out.to) != 0))
        stop(d);
    make_those_due(d);
    fflush(d->out.to);
}

static bool finished(void *self)
{
    const struct dial *d = self;
    return (all_made(d) && d->calls.live == 0) || (d->stopping && cf_tool_now_ns() - d->stop_ns >= END_NS_MAX);
}

static void print_reasons(const struct dial *d)
{
    const char *before = " (";
    for (int i = 0; i < MODES; i++)
        if (d->by_mode[i] != 0) {
            fprintf(stderr, "%s%s %" PRIu64, before, cf_call_mode_name(LINECALLSTATE_DISCONNECTED, (DWORD)1 << i),
                    d->by_mode[i]);
            before = ", ";
        }
    if (*before == ',')
        putc(')', stderr);
}

static int conclude(const struct dial *d)
{
    fprintf(stderr, "callfan dial: %" PRIu64 " made, %" PRIu64 " answered, %" PRIu64 " failed", d->made, d->answered,
            d->failed);
    print_reasons(d);
    if (d->given_up != 0)
        fprintf(stderr, ", %" PRIu64 " dropped before an answer", d->given_up);
    if (d->count_max > d->made)
        fprintf(stderr, ", %" PRIu64 " not made", d->count_max - d->made);
    if (d->calls.live != 0)
        fprintf(stderr, ", %u did not end in time", d->calls.live);
    if (d->missed != 0)
        fprintf(stderr, ", %" PRIu64 " messages missed (an answer may be among them)", d->missed);
    fprintf(stderr, ", in %.1f s\n", cf_tool_session_seconds(&d->session));
    if (d->answered > 1) {
        fprintf(stderr, "callfan dial: from lineMakeCall to the answer: ");
        cf_tool_print_latency(stderr, &d->answer_time);
        putc('\n', stderr);
    }
    bool good = d->answered != 0 && d->failed == 0 && d->drops_failed == 0 && d->calls.live == 0;
    return good ? CF_EXIT_OK : CF_EXIT_FINDINGS;
}

static int run(struct dial *d)
{
    if (!cf_dialled_init(&d->calls, d->at_once)) {
        fprintf(stderr, "callfan dial: no memory for %u calls\n", d->at_once);
        return CF_EXIT_FINDINGS;
    }
    cf_tool_pace_init(&d->pace, d->rate, cf_tool_now_ns());
    if (d->count_max != 1)
        cf_tool_session_later(&d->session, PROGRESS_MS, 0, ACTION_PROGRESS);
    if (d->session.lines.open_count == 0)
        cf_tool_session_later(&d->session, LINES_MS, 0, ACTION_LINES);
    on_turn(d);
    int result = cf_tool_session_run(&d->session);
    int found = conclude(d);
    return result == CF_EXIT_OK ? found : result;
}

/* The options that cannot be without each other. */
static bool settle(struct dial *d)
{
    if (d->session.wanted.count == 0) {
        fprintf(stderr, "callfan dial: --line is missing; 'callfan lines' lists them\n");
        return false;
    }
    if (d->at_once == 0)
        d->at_once = d->rate > 0 ? AT_ONCE_MAX : 1;
    if (d->count_max != 0 && d->count_max < d->at_once)
        d->at_once = (uint32_t)d->count_max;
    if (d->at_once <= AT_ONCE_MAX)
        return true;
    fprintf(stderr, "callfan dial: --max: 1 to %d\n", AT_ONCE_MAX);
    return false;
}

int cf_tool_dial(int argc, char **argv)
{
    static const struct cf_tool_session_ops ops = {
        .finished = finished, .message = on_message, .line = on_line, .timer = on_timer, .turned = on_turn};
    /* NONE: it is told of no other calls, and none is offered to it. It owns what it makes all the same. */
    static struct dial d = {
        .count_max = 1,
        .talk_ns = -1,
        .operands = {.name = "DEST", .min = 1, .max = 1},
        .session = {.command = "dial", .ops = &ops, .self = &d, .privileges = LINECALLPRIVILEGE_NONE}};
    const struct cf_tool_option options[] = {
        CF_TOOL_OPTION_SOCKET(&d.session.socket),
        {"line", CF_OPTION_LINES, &d.session.wanted, "N", "from this line, or N-M in turn; may be repeated"},
        {"talk", CF_OPTION_SECONDS, &d.talk_ns, "S",
         "drop so long after the answer (default: the other side hangs up)"},
        {"count", CF_OPTION_U64, &d.count_max, "N", "make N calls (default 1; 0: until ^C)"},
        {"rate", CF_OPTION_RATE, &d.rate, "R", "begin R calls per second (default: one when another has ended)"},
        {"max", CF_OPTION_U32, &d.at_once, "N", "at most N calls at once (default 1, with --rate 10000)"},
        {"seconds", CF_OPTION_SECONDS, &d.session.duration_ns, "N", "after N seconds drop what is left and end"},
        {"json", CF_OPTION_FLAG, &d.json, NULL, "one JSON object per line, as callfan monitor, and call_id"},
        {"quiet", CF_OPTION_FLAG, &d.quiet, NULL, "print no messages, only what failed and the summary"},
    };
    const struct cf_tool_usage usage = {
        .synopsis = "callfan dial --line N [OPTION]... DEST",
        .text = "Makes a call to DEST and prints its states until it is IDLE; or many calls. ^C drops\n"
                "what is left. On stderr: why a call failed, and a summary. What a destination looks\n"
                "like is the provider's affair: digits, for SIP also user@host and sip:user@host.",
        .options = options,
        .options_count = sizeof options / sizeof *options,
        .operands = &d.operands,
        .exits = "0 every call was answered, 1 a call failed or none was answered"};
    int result;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    if (!settle(&d))
        return CF_EXIT_USAGE;
    cf_tool_catch_signals();
    cf_tool_output_init(&d.out, stdout, d.json);
    result = cf_tool_session_join(&d.session);
    if (result != CF_EXIT_OK)
        return result;
    result = run(&d);
    cf_tool_session_leave(&d.session); /* before its memory goes: a reply could still be written there */
    cf_dialled_fini(&d.calls);
    return result;
}
