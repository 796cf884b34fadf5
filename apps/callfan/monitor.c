/*
 * callfan monitor: opens lines with MONITOR and prints every message, until ^C or a bound; then a summary on stderr.
 */
#include "apps/callfan/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "apps/callfan/call_list.h"
#include "apps/callfan/histogram.h"
#include "apps/callfan/map.h"
#include "apps/callfan/options.h"
#include "apps/callfan/output.h"
#include "apps/callfan/session.h"

enum {
    REJOIN_MS = 250, /* between two attempts to find a service that went away */
    REJOIN_ATTEMPTS = 120,
};

struct monitor {
    bool json, existing; /* options */

    struct cf_tool_session session;
    struct cf_tool_map calls; /* HCALL -> device id */
    struct cf_tool_output out;
    struct cf_histogram latency;
    uint64_t calls_seen, calls_ended;
    struct cf_resync missed; /* of sessions before this one, and of this one when it was taken */
    bool resync;
};

static void give_back(struct monitor *m, HCALL call)
{
    cf_tool_map_remove(&m->calls, call);
    lineDeallocateCall(call);
}

/* What the message changes in our books; after it was described, since IDLE forgets. */
static void account(struct monitor *m, const struct cf_batch_message *b, const struct cf_tool_event *e)
{
    switch (b->dwMessageID) {
    case LINE_APPNEWCALL:
        m->calls_seen += cf_tool_map_put(&m->calls, e->call, (uint64_t)(e->line < 0 ? 0 : e->line));
        break;
    case LINE_CALLSTATE:
        if (!m->resync)
            cf_histogram_add(&m->latency, cf_tool_now_ns() - b->time_ns);
        if ((e->state & LINECALLSTATE_IDLE) != 0) {
            m->calls_ended++;
            give_back(m, e->call);
        }
        break;
    case CF_LINE_RESYNC_BEGIN:
    case CF_LINE_RESYNC_END:
        m->resync = b->dwMessageID == CF_LINE_RESYNC_BEGIN;
        break;
    default:
        break;
    }
}

static void on_message(void *self, const struct cf_batch_message *b)
{
    struct monitor *m = self;
    struct cf_tool_event e = cf_tool_event_read(b, &m->session.lines);
    uint64_t device;
    if (e.line < 0 && e.call != 0 && cf_tool_map_get(&m->calls, e.call, &device))
        e.line = (int64_t)device;
    cf_tool_output_event(&m->out, &e);
    account(m, b, &e);
}

static void on_line(void *self, const struct cf_batch_message *b, DWORD device)
{
    struct monitor *m = self;
    if (b->dwMessageID == LINE_CLOSE)
        cf_tool_map_remove_value(&m->calls, device);
}

static void on_turn(void *self)
{
    fflush(((struct monitor *)self)->out.to);
}

static bool finished(void *self)
{
    const struct monitor *m = self;
    return cf_tool_session_over(&m->session) || ferror(m->out.to) != 0;
}

/* A call that existed before its line was opened: LINE_CALLSTATE of it comes only once it has a handle. */
static void adopt(void *self, HCALL call, DWORD device)
{
    struct monitor *m = self;
    m->calls_seen += cf_tool_map_put(&m->calls, call, device);
}

static void adopt_existing(struct monitor *m)
{
    if (m->existing)
        cf_tool_calls_of_lines(&m->session.lines, adopt, m);
}

static void take_missed(struct monitor *m)
{
    struct cf_resync r;
    if (cf_resync_take(m->session.service.app, &r) != 0)
        return;
    m->missed.gaps += r.gaps;
    m->missed.missed += r.missed;
    m->missed.calls_unseen += r.calls_unseen;
}

/* The service ended or started cold: every handle is void. Waits for it to come back; CF_EXIT_OK also when that is no longer
 * wanted. */
static int join_again(struct monitor *m)
{
    fprintf(stderr, "callfan monitor: the service went away; waiting for it\n");
    cf_tool_map_fini(&m->calls);
    m->resync = false;
    take_missed(m);
    for (int i = 0; i < REJOIN_ATTEMPTS && !finished(m); i++) {
        int result = cf_tool_session_rejoin(&m->session);
        if (result == CF_EXIT_OK)
            adopt_existing(m);
        if (result != CF_EXIT_NO_SERVICE)
            return result;
        struct timespec pause = {.tv_nsec = REJOIN_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
    if (finished(m)) {
        m->session.gone = false;
        return CF_EXIT_OK;
    }
    fprintf(stderr, "callfan monitor: the service at %s did not come back\n", m->session.service.socket);
    m->session.gone = false; /* said */
    return CF_EXIT_NO_SERVICE;
}

static int follow(struct monitor *m)
{
    for (;;) {
        int result = cf_tool_session_run(&m->session);
        if (!m->session.gone)
            return result;
        result = join_again(m);
        if (result != CF_EXIT_OK || m->session.service.app == 0)
            return result;
    }
}

static void print_summary(const struct monitor *m)
{
    double seconds = cf_tool_session_seconds(&m->session);
    uint64_t messages = m->session.messages;
    fprintf(stderr,
            "callfan monitor: %" PRIu64 " calls (%" PRIu64 " ended), %" PRIu64 " messages in %.1f s (%.1f/s), %" PRIu64
            " missed in %u gaps, %" PRIu64 " calls unseen\n",
            m->calls_seen, m->calls_ended, messages, seconds, (double)messages / (seconds > 0 ? seconds : 1),
            m->missed.missed, m->missed.gaps, m->missed.calls_unseen);
    if (m->latency.count != 0) {
        fprintf(stderr, "callfan monitor: latency, provider to here: ");
        cf_tool_print_latency(stderr, &m->latency);
        putc('\n', stderr);
    }
}

int cf_tool_monitor(int argc, char **argv)
{
    static const struct cf_tool_session_ops ops = {
        .finished = finished, .message = on_message, .line = on_line, .turned = on_turn};
    static struct monitor m = {.session = {.command = "monitor",
                                           .ops = &ops,
                                           .self = &m,
                                           .privileges = LINECALLPRIVILEGE_MONITOR,
                                           .flags = CF_INIT_CACHE_IDENTITY}};
    const struct cf_tool_option options[] = {
        CF_TOOL_OPTION_SOCKET(&m.session.socket),
        {"line", CF_OPTION_LINES, &m.session.wanted, "N",
         "only this line, or N-M; may be repeated (default: all, new ones too)"},
        {"json", CF_OPTION_FLAG, &m.json, NULL, "one JSON object per line"},
        {"existing", CF_OPTION_FLAG, &m.existing, NULL, "follow calls too that began before"},
        {"count", CF_OPTION_U64, &m.session.messages_max, "N", "end after N messages"},
        {"seconds", CF_OPTION_SECONDS, &m.session.duration_ns, "N", "end after N seconds"},
        {"ring", CF_OPTION_U32, &m.session.ring_kib, "KIB", "size of the message ring (default: the service's)"},
    };
    const struct cf_tool_usage usage = {
        .synopsis = "callfan monitor [OPTION]...",
        .text = "Opens lines for monitoring and prints every message about them and their calls,\n"
                "until ^C; then a summary on stderr. With --json each line is an object with seq,\n"
                "time_ns, message, and where it applies line, call, state, mode, privilege, caller,\n"
                "called.",
        .options = options,
        .options_count = sizeof options / sizeof *options};
    int result;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    cf_tool_catch_signals();
    cf_tool_output_init(&m.out, stdout, m.json);
    result = cf_tool_session_join(&m.session);
    if (result != CF_EXIT_OK)
        return result;
    adopt_existing(&m);
    result = follow(&m);
    take_missed(&m);
    print_summary(&m);
    cf_tool_session_leave(&m.session);
    cf_tool_map_fini(&m.calls);
    return result;
}
