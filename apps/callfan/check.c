/*
 * callfan check: a monitor that proves its view. It takes messages by the batch call, keeps the states of every call, and at the
 * end compares them with what the sender sent, the sequence numbers with each other, and the counters with the law.
 *
 * --monitors N runs N processes of it; each reports for itself, and the exit status is the worst.
 */
#include "apps/callfan/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/callfan/compare.h"
#include "apps/callfan/digests.h"
#include "apps/callfan/histogram.h"
#include "apps/callfan/marks.h"
#include "apps/callfan/options.h"
#include "apps/callfan/output.h"
#include "apps/callfan/sender.h"
#include "apps/callfan/session.h"
#include "apps/callfan/view.h"

enum {
    MONITORS_MAX = 64,
    KEPT_MAX = 8192, /* IDLE handles */
};

#define QUIET_NS     INT64_C(1000000000)  /* no message for so long and no call live: the traffic has ended */
#define DRAIN_NS_MAX INT64_C(30000000000) /* after the end was asked for */
#define KEEP_NS      INT64_C(100000000) /* an IDLE handle is given back so late, so that a second IDLE would be seen */

/* Handles of calls that are IDLE, in the order of their ends. */
struct kept {
    uint32_t first, count;
    struct {
        HCALL call;
        int64_t at_ns;
    } of[KEPT_MAX];
};

struct check {
    const char *sender_path, *digests_path, *states_text, *ready_path;
    struct cf_expected_states expected;
    uint64_t calls_max;
    uint32_t monitors;
    bool json, allow_gaps, resync_phases;

    unsigned number; /* of this monitor, from 1 */
    struct cf_tool_session session;
    struct cf_view view;
    struct cf_digests digests;
    struct cf_histogram latency;
    struct cf_compare_times times;
    struct cf_compare_result result;
    struct cf_app_counters counters;
    struct cf_marks marks;
    struct kept kept;
    struct cf_tool_map gaps_at_open; /* device + 1 -> how many there had been */

    uint64_t messages, call_messages, next_seq, holes, gap_missed, folded, unseen_told, gaps, resyncs, not_dense;
    uint64_t resync_states; /* told by resyncs */
    int64_t arrival_ns, silence_ns_max; /* of the batch at hand, or the last */
    int64_t event_ns, event_before_gap_ns;
    int64_t asked_ns;                   /* when the end was asked for; 0: not yet */
    uint64_t listed_otherwise;          /* states of cf_list_calls that the messages did not tell */
    bool resync;
};

/* ---- sequence ---------------------------------------------------------------------------------- */

/* The message's own number follows the last one, or says itself what it stands for. */
static void check_sequence(struct check *c, const struct cf_batch_message *m)
{
    bool range = m->dwMessageID == CF_LINE_GAP || m->dwMessageID == CF_LINE_RESYNC_END;
    uint64_t first = range ? m->dwParam1 : m->seq, last = range ? m->dwParam2 : m->seq;
    if (first < c->next_seq || last < first || last != m->seq)
        c->not_dense++;
    else
        c->holes += first - c->next_seq;
    c->next_seq = m->seq + 1;
}

/* ---- the list ---------------------------------------------------------------------------------- */

/* After a resync: the library's list of calls, as far as it stems from messages up to this one, and our view of them. */
static void compare_list(struct check *c, uint64_t seq)
{
    struct cf_call_truth calls[64];
    uint64_t cursor = 0;
    uint32_t count = 0;
    do {
        if (cf_list_calls(c->session.service.app, 0, &cursor, calls, 64, &count) != 0) {
            c->listed_otherwise++;
            return;
        }
        for (uint32_t i = 0; i < count; i++)
            if (calls[i].seq != 0 && calls[i].seq <= seq)
                c->listed_otherwise +=
                    !cf_view_is(&c->view, calls[i].hCall, calls[i].dwCallState, calls[i].dwCallStateMode);
    } while (cursor != 0);
}

/* ---- messages ---------------------------------------------------------------------------------- */

static void give_back(struct check *c)
{
    struct kept *k = &c->kept;
    HCALL call = k->of[k->first].call;
    k->first = (k->first + 1) % KEPT_MAX;
    k->count--;
    cf_view_give_back(&c->view, call);
    lineDeallocateCall(call); /* void, if its line closed */
}

static void keep(struct check *c, HCALL call)
{
    struct kept *k = &c->kept;
    if (k->count == KEPT_MAX)
        give_back(c);
    uint32_t at = (k->first + k->count++) % KEPT_MAX;
    k->of[at].call = call;
    k->of[at].at_ns = c->arrival_ns;
}

static void turned(void *self)
{
    struct check *c = self;
    int64_t before_ns = cf_tool_now_ns() - KEEP_NS;
    while (c->kept.count > 0 && c->kept.of[c->kept.first].at_ns <= before_ns)
        give_back(c);
}

static void note_open(struct check *c, DWORD device)
{
    cf_tool_map_put(&c->gaps_at_open, (uint64_t)device + 1, c->gaps);
}

static void on_close(struct check *c, const struct cf_batch_message *m, DWORD device)
{
    uint64_t before = 0;
    cf_tool_map_get(&c->gaps_at_open, (uint64_t)device + 1, &before);
    bool behind = c->gaps != before;
    cf_view_close(&c->view, device, behind);
    cf_away_close(&c->times.away, device,
                  behind && c->event_before_gap_ns < m->time_ns ? c->event_before_gap_ns : m->time_ns);
}

static void on_line(void *self, const struct cf_batch_message *m, DWORD device)
{
    struct check *c = self;
    if (m->dwMessageID == LINE_CLOSE) {
        on_close(c, m, device);
        return;
    }
    note_open(c, device);
    cf_away_open(&c->times.away, device, cf_tool_now_ns());
}

static void on_state(struct check *c, const struct cf_batch_message *m)
{
    c->call_messages++;
    cf_marks_event(&c->marks, m->time_ns, c->arrival_ns);
    c->resync_states += c->resync;
    if (!c->resync) {
        cf_histogram_add(&c->latency, c->arrival_ns - m->time_ns);
        cf_phases_latency(&c->marks.phases, m->time_ns, c->arrival_ns - m->time_ns);
        c->event_ns = m->time_ns;
    }
    if (cf_view_state(&c->view, m, c->resync))
        keep(c, m->hDevice);
}

/* All monitors read the line upon the signal, which their parent hands on. */
static void tell_resync(const struct check *c)
{
    char phase[CF_PHASE_NAME_MAX];
    snprintf(phase, sizeof phase, "resynced.%u", c->number);
    cf_marks_write(&c->marks, phase);
    kill(c->monitors == 1 ? getpid() : getppid(), SIGUSR1);
}

static void on_message(void *self, const struct cf_batch_message *m)
{
    struct check *c = self;
    DWORD device = 0;
    check_sequence(c, m);
    c->messages += m->dwMessageID != CF_LINE_GAP;
    switch (m->dwMessageID) {
    case LINE_APPNEWCALL:
        c->call_messages++;
        cf_tool_lines_device(&c->session.lines, m->hDevice, &device);
        cf_view_announce(&c->view, (HCALL)m->dwParam2, device, m->caller);
        break;
    case LINE_CALLSTATE:
        on_state(c, m);
        break;
    case CF_LINE_GAP:
        c->gaps++;
        c->event_before_gap_ns = c->event_ns;
        c->gap_missed += m->dwParam2 - m->dwParam1 + 1;
        break;
    case CF_LINE_RESYNC_BEGIN:
        c->resync = true;
        break;
    case CF_LINE_RESYNC_END:
        c->resync = false;
        if (c->resync_phases)
            tell_resync(c);
        compare_list(c, m->seq);
        c->resyncs++;
        c->folded += m->dwParam2 - m->dwParam1;
        c->unseen_told += m->dwParam3;
        break;
    default:
        break;
    }
}

static void note_arrival(void *self)
{
    struct check *c = self;
    int64_t now_ns = cf_tool_now_ns(), before_ns = c->arrival_ns;
    if (now_ns - before_ns > c->silence_ns_max)
        c->silence_ns_max = now_ns - before_ns;
    cf_marks_arrived(&c->marks, before_ns, now_ns);
    c->arrival_ns = now_ns;
}

/* ---- the run ----------------------------------------------------------------------------------- */

static bool finished(void *self)
{
    struct check *c = self;
    int64_t now_ns = cf_tool_now_ns();
    bool asked = cf_tool_session_over(&c->session) ||
                 (c->calls_max != 0 && c->view.calls_count - c->view.live_count >= c->calls_max);
    if (!asked)
        return false;
    if (c->asked_ns == 0)
        c->asked_ns = now_ns;
    bool quiet = now_ns - c->arrival_ns >= QUIET_NS && now_ns - c->asked_ns >= QUIET_NS && !c->resync;
    return (quiet && c->view.live_count == 0) || now_ns - c->asked_ns >= DRAIN_NS_MAX;
}

/* ---- the verdict ------------------------------------------------------------------------------- */

struct verdict {
    const char *text;
    uint64_t count;
};

enum { VERDICTS = 18 };

/* Everything that may not be; a count of 0 is as it should be. */
static void judge(const struct check *c, struct verdict verdicts[VERDICTS])
{
    const struct cf_app_counters *k = &c->counters;
    const struct cf_compare_result *r = &c->result;
    uint64_t unseen = r->unseen > c->unseen_told ? r->unseen - c->unseen_told : 0;
    if (c->expected.count != 0 && c->calls_max != 0)
        unseen = c->view.calls_count > c->calls_max ? c->view.calls_count - c->calls_max
                                                    : c->calls_max - c->view.calls_count;
    const struct verdict all[VERDICTS] = {
        {"calls with other states than were sent", r->different},
        {"calls with states missing", r->lost},
        {"calls that the sender does not know", r->unknown},
        {"calls missing or too many", unseen},
        {"calls announced twice", c->view.announced_twice},
        {"states after IDLE", c->view.after_idle},
        {"calls whose line closed before they were IDLE", c->view.closed_live},
        {"states of a void or unknown handle", c->view.unknown_handle},
        {"first states without privilege", c->view.no_first_privilege},
        {"later states with privilege", c->view.second_privilege},
        {"sequence numbers out of order", c->not_dense},
        {"sequence numbers neither delivered, cancelled nor told by a gap",
         c->holes > k->cancelled ? c->holes - k->cancelled : k->cancelled - c->holes},
        {"messages by which the law is broken", k->offered - (k->delivered + k->pending + k->missed + k->cancelled)},
        {"messages by which the counters and what arrived differ",
         k->delivered > c->messages ? k->delivered - c->messages : c->messages - k->delivered},
        {"missed messages that no gap or resync told, or the reverse", k->missed > c->gap_missed + c->folded
                                                                           ? k->missed - c->gap_missed - c->folded
                                                                           : c->gap_missed + c->folded - k->missed},
        {"calls that are listed otherwise than told after a resync", c->listed_otherwise},
        {"gaps, where none is allowed", c->allow_gaps ? 0 : c->gaps},
        {"states that the simulator could not tell at once, which its digests do not allow for",
         c->digests_path != NULL ? cf_digests_waited(&c->digests) : 0},
    };
    memcpy(verdicts, all, sizeof all);
}

static void print_json(const struct check *c, const struct verdict *verdicts, bool good)
{
    const struct cf_compare_result *r = &c->result;
    const struct cf_app_counters *k = &c->counters;
    double seconds = (double)(c->times.end_ns - c->times.ready_ns) / 1e9;
    printf("{\"monitor\":%u,\"pid\":%d,\"good\":%s,\"seconds\":%.3f,\"calls\":%zu,\"live\":%zu,\"messages\":%" PRIu64
           ",\"messages_per_second\":%.1f,\"same\":%" PRIu64 ",\"folded\":%" PRIu64 ",\"open\":%" PRIu64
           ",\"early\":%" PRIu64 ",\"cut\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"unseen\":%" PRIu64
           ",\"unseen_told\":%" PRIu64,
           c->number, (int)getpid(), good ? "true" : "false", seconds, c->view.calls_count, c->view.live_count,
           c->messages, (double)c->messages / (seconds > 0 ? seconds : 1), r->same, r->folded, r->open, r->early,
           r->cut, r->refused, r->unseen, c->unseen_told);
    printf(",\"offered\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"pending\":%" PRIu64 ",\"missed\":%" PRIu64
           ",\"cancelled\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"gap_missed\":%" PRIu64 ",\"resyncs\":%" PRIu64
           ",\"folded_messages\":%" PRIu64 ",\"resync_states\":%" PRIu64,
           k->offered, k->delivered, k->pending, k->missed, k->cancelled, c->gaps, c->gap_missed, c->resyncs,
           c->folded, c->resync_states);
    printf(",\"latency_ns\":{\"p50\":%" PRId64 ",\"p90\":%" PRId64 ",\"p99\":%" PRId64 ",\"p999\":%" PRId64
           ",\"max\":%" PRId64 "},\"longest_silence_ns\":%" PRId64 ",\"marks\":[",
           cf_histogram_percentile(&c->latency, 0.5), cf_histogram_percentile(&c->latency, 0.9),
           cf_histogram_percentile(&c->latency, 0.99), cf_histogram_percentile(&c->latency, 0.999), c->latency.max_ns,
           c->silence_ns_max);
    for (unsigned i = 0; i < c->marks.count; i++)
        printf("%s{\"at_ns\":%" PRId64 ",\"silence_ns\":%" PRId64 ",\"first_ns\":%" PRId64 "}", i == 0 ? "" : ",",
               c->marks.mark[i].at_ns, c->marks.mark[i].silence_ns, c->marks.mark[i].first_ns);
    printf("],\"phases\":[");
    for (unsigned i = 0; i < c->marks.phases.count; i++) {
        const struct cf_phase *p = &c->marks.phases.of[i];
        printf("%s{\"name\":", i == 0 ? "" : ",");
        cf_tool_print_json_string(stdout, p->name);
        printf(",\"at_ns\":%" PRId64 ",\"states\":%" PRIu64 ",\"p50\":%" PRId64 ",\"p99\":%" PRId64
               ",\"max\":%" PRId64 "}",
               p->at_ns, p->latency->count, cf_histogram_percentile(p->latency, 0.5),
               cf_histogram_percentile(p->latency, 0.99), p->latency->max_ns);
    }
    printf("],\"findings\":{");
    const char *comma = "";
    for (int i = 0; i < VERDICTS; i++)
        if (verdicts[i].count != 0) {
            printf("%s\"%s\":%" PRIu64, comma, verdicts[i].text, verdicts[i].count);
            comma = ",";
        }
    printf("}}\n");
}

static void print_plain(const struct check *c, const struct verdict *verdicts, bool good)
{
    const struct cf_compare_result *r = &c->result;
    double seconds = (double)(c->times.end_ns - c->times.ready_ns) / 1e9;
    printf("monitor %u: %s: %zu calls: %" PRIu64 " the same as sent, %" PRIu64 " folded by a resync, %" PRIu64
           " not ended, %" PRIu64 " began too early, %" PRIu64 " cut by a provider's death, %" PRIu64
           " refused, %" PRIu64 " unseen (%" PRIu64 " told)\n",
           c->number, good ? "nothing lost" : "FINDINGS", c->view.calls_count, r->same, r->folded, r->open, r->early,
           r->cut, r->refused, r->unseen, c->unseen_told);
    printf("monitor %u: %" PRIu64 " messages in %.1f s (%.0f/s), %" PRIu64 " gaps, %" PRIu64 " missed in them, %" PRIu64
           " folded; latency ",
           c->number, c->messages, seconds, (double)c->messages / (seconds > 0 ? seconds : 1), c->gaps, c->gap_missed,
           c->folded);
    cf_tool_print_latency(stdout, &c->latency);
    putchar('\n');
    for (unsigned i = 0; i < c->marks.count; i++) {
        char silence[16], first[16];
        printf("monitor %u: after mark %u: longest silence %s, first newer event after %s\n", c->number, i + 1,
               cf_tool_duration(c->marks.mark[i].silence_ns, silence),
               cf_tool_duration(c->marks.mark[i].first_ns, first));
    }
    for (unsigned i = 0; i < c->marks.phases.count; i++) {
        printf("monitor %u: from %s on: latency ", c->number, c->marks.phases.of[i].name);
        cf_tool_print_latency(stdout, c->marks.phases.of[i].latency);
        putchar('\n');
    }
    for (int i = 0; i < VERDICTS; i++)
        if (verdicts[i].count != 0)
            printf("monitor %u: %" PRIu64 " %s\n", c->number, verdicts[i].count, verdicts[i].text);
}

/* One monitor after the other: the list of an hour has millions of calls, and not all of them find room for it at once. */
static bool compare_with_sender(struct check *c)
{
    struct cf_sender sender = {0};
    int turn = open(c->sender_path, O_RDONLY | O_CLOEXEC);
    if (turn >= 0)
        flock(turn, LOCK_EX);
    bool good = cf_sender_read(&sender, c->sender_path);
    if (good)
        cf_compare(&c->view, &sender, &c->times, stderr, &c->result);
    cf_sender_fini(&sender);
    if (turn >= 0)
        close(turn);
    return good;
}

static int conclude(struct check *c)
{
    struct verdict verdicts[VERDICTS];
    if (c->sender_path != NULL) {
        if (!compare_with_sender(c))
            return CF_EXIT_FINDINGS;
    } else if (c->digests_path != NULL) {
        cf_digests_compare(&c->digests, stderr, &c->result);
    } else if (c->expected.count != 0) {
        cf_compare_expected(&c->view, &c->expected, stderr, &c->result);
    }
    judge(c, verdicts);
    bool good = true;
    for (int i = 0; i < VERDICTS; i++)
        good &= verdicts[i].count == 0;
    if (c->json)
        print_json(c, verdicts, good);
    else
        print_plain(c, verdicts, good);
    fflush(stdout);
    return good ? CF_EXIT_OK : CF_EXIT_FINDINGS;
}

/* Tells whoever waits for it that the lines are open: the file appears. */
static void tell_ready(const struct check *c)
{
    char path[512];
    if (c->ready_path == NULL)
        return;
    snprintf(path, sizeof path, "%s.%u", c->ready_path, c->number);
    FILE *f = fopen(path, "we");
    if (f == NULL) {
        fprintf(stderr, "callfan check: %s: %s\n", path, strerror(errno));
        return;
    }
    fprintf(f, "%d\n", (int)getpid());
    fclose(f);
}

static int monitor(struct check *c)
{
    static const struct cf_tool_session_ops ops = {
        .finished = finished, .arrived = note_arrival, .message = on_message, .line = on_line, .turned = turned};
    char name[32];
    snprintf(name, sizeof name, "check %u", c->number); /* it is our name in the status, too */
    c->session.command = name;
    c->session.ops = &ops;
    c->session.self = c;
    c->session.privileges = LINECALLPRIVILEGE_MONITOR;
    if (c->digests_path != NULL && !cf_digests_open(&c->digests, c->digests_path))
        return CF_EXIT_FINDINGS;
    c->view.digests = c->digests_path != NULL ? &c->digests : NULL;
    int result = cf_tool_session_join(&c->session);
    if (result != CF_EXIT_OK) {
        cf_digests_close(&c->digests);
        return result;
    }
    if (c->digests_path != NULL)
        cf_digests_ready(&c->digests);
    c->next_seq = 1;
    c->times.ready_ns = c->arrival_ns = c->event_ns = cf_tool_now_ns();
    tell_ready(c);
    result = cf_tool_session_run(&c->session);
    c->times.end_ns = cf_tool_now_ns();
    cf_marks_take(&c->marks);
    if (result == CF_EXIT_OK) {
        LONG error = cf_app_counters(c->session.service.app, &c->counters);
        if (error != 0)
            cf_tool_complain("check", "cf_app_counters", error);
        result = error != 0 ? CF_EXIT_FINDINGS : conclude(c);
    }
    cf_tool_session_leave(&c->session);
    cf_view_fini(&c->view);
    cf_digests_close(&c->digests);
    cf_away_fini(&c->times.away);
    cf_tool_map_fini(&c->gaps_at_open);
    cf_marks_end(&c->marks);
    return result;
}

/* ---- several monitors -------------------------------------------------------------------------- */

/* Forks one process per monitor, hands on SIGINT, SIGTERM and SIGUSR1, and returns the worst of their ends. */
static int run_monitors(struct check *c)
{
    static const int passed_on[] = {SIGINT, SIGTERM, SIGUSR1};
    pid_t pids[MONITORS_MAX] = {0};
    sigset_t set, old;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
        sigaddset(&set, passed_on[i]);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &old);
    unsigned left = 0;
    int worst = CF_EXIT_OK;
    for (unsigned i = 0; i < c->monitors; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            sigprocmask(SIG_SETMASK, &old, NULL);
            c->number = i + 1;
            exit(monitor(c));
        }
        if (pids[i] < 0) {
            fprintf(stderr, "callfan check: fork: %s\n", strerror(errno));
            worst = CF_EXIT_FINDINGS;
        }
        left += pids[i] > 0;
    }
    while (left > 0) {
        int number = 0, status;
        sigwait(&set, &number);
        for (unsigned i = 0; i < c->monitors && number != SIGCHLD; i++)
            if (pids[i] > 0)
                kill(pids[i], number);
        for (unsigned i = 0; i < c->monitors; i++)
            if (pids[i] > 0 && waitpid(pids[i], &status, WNOHANG) == pids[i]) {
                int code = WIFEXITED(status) ? WEXITSTATUS(status) : CF_EXIT_FINDINGS;
                worst = code > worst ? code : worst;
                pids[i] = 0;
                left--;
            }
    }
    return worst;
}

int cf_tool_check(int argc, char **argv)
{
    static struct check c = {.monitors = 1};
    const struct cf_tool_option options[] = {
        CF_TOOL_OPTION_SOCKET(&c.session.socket),
        {"line", CF_OPTION_LINES, &c.session.wanted, "N",
         "only this line, or N-M; may be repeated (default: all, new ones too)"},
        {"sender", CF_OPTION_TEXT, &c.sender_path, "FILE",
         "compare every call with callfan-sim's record (or a folder of them) at the end"},
        {"digests", CF_OPTION_TEXT, &c.digests_path, "FILE",
         "compare every call with callfan-sim's digests at the end: two bytes a call"},
        {"states", CF_OPTION_TEXT, &c.states_text, "LIST",
         "every call goes through these states, e.g. OFFERING,(ACCEPTED),CONNECTED,\n"
         "                     DISCONNECTED,IDLE; with --calls there must be exactly so many"},
        {"monitors", CF_OPTION_U32, &c.monitors, "N", "run N monitors, each a process (default 1)"},
        {"calls", CF_OPTION_U64, &c.calls_max, "N", "end after N calls have ended"},
        {"seconds", CF_OPTION_SECONDS, &c.session.duration_ns, "N", "end after N seconds (default: at ^C or SIGTERM)"},
        {"ring", CF_OPTION_U32, &c.session.ring_kib, "KIB", "size of the message ring (default: the service's)"},
        {"allow-gaps", CF_OPTION_FLAG, &c.allow_gaps, NULL,
         "a gap is no finding if it is told exactly and resynchronised"},
        {"ready", CF_OPTION_TEXT, &c.ready_path, "FILE", "create FILE.<number> when the lines are open"},
        {"marks", CF_OPTION_TEXT, &c.marks.path, "FILE",
         "the times of the marks, a line each, seconds since 1970 with fraction, written\n"
         "                     before the signal (default: when the signal came); a name behind the\n"
         "                     time begins a phase, whose latencies are reported"},
        {"resync-phases", CF_OPTION_FLAG, &c.resync_phases, NULL,
         "with --marks: at the end of a resync a phase begins, resynced.<number>"},
        {"json", CF_OPTION_FLAG, &c.json, NULL, "one JSON object per monitor"},
    };
    const struct cf_tool_usage usage = {
        .synopsis = "callfan check [--sender FILE | --digests FILE | --states LIST] [OPTION]...",
        .text = "Monitors lines by the batch call and proves at the end that nothing was lost: dense\n"
                "sequence numbers, every call's states against the sender's list, counters that obey\n"
                "offered = delivered + pending + missed + cancelled. When its end comes it reads on\n"
                "until no call is live and a second was quiet. SIGUSR1 marks a moment: the longest\n"
                "silence after it and the time until the first event newer than it are reported.",
        .options = options,
        .options_count = sizeof options / sizeof *options};
    int result;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    if (c.states_text != NULL && !cf_expected_states_parse(c.states_text, &c.expected)) {
        fprintf(stderr, "callfan check: --states: '%s' is no list of call states\n", c.states_text);
        return CF_EXIT_USAGE;
    }
    bool too_many = (c.sender_path != NULL) + (c.digests_path != NULL) + (c.states_text != NULL) > 1;
    bool no_marks = c.resync_phases && c.marks.path == NULL;
    if (c.monitors == 0 || c.monitors > MONITORS_MAX || too_many || no_marks) {
        fprintf(stderr, "callfan check: %s\n",
                too_many   ? "one of --sender, --digests and --states"
                : no_marks ? "--resync-phases needs --marks"
                           : "--monitors: 1 to 64");
        return CF_EXIT_USAGE;
    }
    cf_tool_catch_signals();
    cf_marks_catch();
    c.number = 1;
    return c.monitors == 1 ? monitor(&c) : run_monitors(&c);
}
