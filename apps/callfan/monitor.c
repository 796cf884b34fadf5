/*
 * callfan monitor: opens lines with MONITOR and prints every message, until ^C or a bound; then a summary on stderr.
 */
#include "apps/callfan/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apps/callfan/histogram.h"
#include "apps/callfan/map.h"
#include "apps/callfan/open_lines.h"
#include "apps/callfan/options.h"
#include "apps/callfan/output.h"
#include "apps/callfan/service.h"

enum {
    BATCH = 256,
    WAIT_MS_MAX = 250, /* how late ^C may be noticed */
    REJOIN_MS = 250,   /* between two attempts to find a service that went away */
    REJOIN_ATTEMPTS = 120,
};

struct monitor {
    /* options */
    const char *socket;
    struct cf_tool_line_list wanted;
    bool json, existing;
    uint64_t count_max;
    int64_t duration_ns; /* 0: none */
    uint32_t ring_kib;

    struct cf_tool_service service;
    struct cf_tool_lines lines;
    struct cf_tool_map calls; /* HCALL -> device id */
    struct cf_tool_output out;
    struct cf_histogram latency;
    int64_t start_ns, end_ns;
    uint64_t messages, calls_seen, calls_ended, missed, unseen, gaps;
    bool resync, gone;
};

static void give_back(struct monitor *m, HCALL call)
{
    cf_tool_map_remove(&m->calls, call);
    lineDeallocateCall(call);
}

/* A call's line, state and mode as far as the message tells; the message of a call that is not in the map has no line. */
static struct cf_tool_event describe(struct monitor *m, const struct cf_batch_message *b)
{
    struct cf_tool_event e = {.m = b, .line = -1, .caller = b->caller, .called = b->called};
    DWORD device;
    uint64_t id;
    switch (b->dwMessageID) {
    case LINE_APPNEWCALL:
        e.call = (HCALL)b->dwParam2;
        e.privilege = (DWORD)b->dwParam3;
        if (cf_tool_lines_device(&m->lines, b->hDevice, &device))
            e.line = device;
        break;
    case LINE_CALLSTATE:
        e.state = (DWORD)b->dwParam1;
        e.mode = (DWORD)b->dwParam2;
        e.privilege = (DWORD)b->dwParam3;
        /* fall through */
    case LINE_CALLINFO:
        e.call = b->hDevice;
        if (cf_tool_map_get(&m->calls, e.call, &id))
            e.line = (int64_t)id;
        break;
    case LINE_CREATE:
    case LINE_REMOVE:
        e.line = (int64_t)b->dwParam1;
        break;
    default:
        if (cf_tool_lines_device(&m->lines, b->hDevice, &device))
            e.line = device;
    }
    return e;
}

/* What the message changes in our books; after it was described, since LINE_CLOSE and IDLE forget. */
static void account(struct monitor *m, const struct cf_batch_message *b, const struct cf_tool_event *e)
{
    DWORD device;
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
    case CF_LINE_GAP:
        m->gaps++;
        m->missed += b->dwParam2 - b->dwParam1 + 1;
        break;
    case CF_LINE_RESYNC_BEGIN:
        m->resync = true;
        break;
    case CF_LINE_RESYNC_END:
        m->resync = false;
        m->unseen += b->dwParam3;
        break;
    case LINE_LINEDEVSTATE:
        m->gone |= (b->dwParam1 & LINEDEVSTATE_REINIT) != 0;
        break;
    case LINE_CLOSE:
    case LINE_CREATE:
        if (cf_tool_lines_follow(&m->lines, b, &device) && b->dwMessageID == LINE_CLOSE)
            cf_tool_map_remove_value(&m->calls, device);
        break;
    default:
        break;
    }
}

/* Calls that existed before the lines were opened: LINE_CALLSTATE of theirs comes only once they have a handle. */
static void adopt_existing(struct monitor *m)
{
    size_t at = 0;
    DWORD bytes = 1 << 20;
    LINECALLLIST *list = malloc(bytes);
    for (const struct cf_tool_map_entry *e; list != NULL && (e = cf_tool_map_next(&m->lines.ids, &at)) != NULL;) {
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
            m->calls_seen += cf_tool_map_put(&m->calls, calls[i], e->value);
    }
    free(list);
}

static int open_lines(struct monitor *m)
{
    m->lines = (struct cf_tool_lines){
        .command = "monitor", .app = m->service.app, .wanted = &m->wanted, .privileges = LINECALLPRIVILEGE_MONITOR};
    if (!cf_tool_lines_open(&m->lines, m->service.devices))
        return CF_EXIT_FINDINGS;
    if (m->existing)
        adopt_existing(m);
    return CF_EXIT_OK;
}

static bool finished(const struct monitor *m)
{
    return cf_tool_stop_asked() || (m->count_max != 0 && m->messages >= m->count_max) ||
           (m->end_ns != 0 && cf_tool_now_ns() >= m->end_ns) || ferror(m->out.to) != 0;
}

/* The service ended or started cold: every handle is void. Waits for it to come back. */
static int join_again(struct monitor *m)
{
    fprintf(stderr, "callfan monitor: the service went away; waiting for it\n");
    lineShutdown(m->service.app);
    cf_tool_lines_fini(&m->lines);
    cf_tool_map_fini(&m->calls);
    m->gone = m->resync = false;
    for (int i = 0; i < REJOIN_ATTEMPTS && !finished(m); i++) {
        if (cf_tool_service_try(&m->service, "callfan monitor", m->ring_kib * 1024, CF_INIT_CACHE_IDENTITY) == 0)
            return open_lines(m);
        struct timespec pause = {.tv_nsec = REJOIN_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
    m->service.app = 0;
    if (finished(m))
        return CF_EXIT_OK;
    fprintf(stderr, "callfan monitor: the service at %s did not come back\n", m->service.socket);
    return CF_EXIT_NO_SERVICE;
}

static DWORD wait_ms(const struct monitor *m)
{
    int64_t left_ns = m->end_ns == 0 ? INT64_MAX : m->end_ns - cf_tool_now_ns();
    return left_ns >= WAIT_MS_MAX * INT64_C(1000000) ? WAIT_MS_MAX : left_ns <= 0 ? 0 : (DWORD)(left_ns / 1000000) + 1;
}

static int follow(struct monitor *m)
{
    struct cf_batch_message batch[BATCH];
    while (!finished(m)) {
        uint32_t count;
        uint64_t left = m->count_max == 0 ? BATCH : m->count_max - m->messages;
        LONG error =
            cf_line_get_messages(m->service.app, batch, left < BATCH ? (uint32_t)left : BATCH, wait_ms(m), &count);
        if (error != 0) {
            cf_tool_complain("monitor", "fetching messages", error);
            return CF_EXIT_NO_SERVICE;
        }
        for (uint32_t i = 0; i < count; i++) {
            struct cf_tool_event e = describe(m, &batch[i]);
            cf_tool_output_event(&m->out, &e);
            account(m, &batch[i], &e);
            m->messages++;
        }
        fflush(m->out.to);
        if (m->gone) {
            int result = join_again(m);
            if (result != CF_EXIT_OK || m->service.app == 0)
                return result;
        }
    }
    return CF_EXIT_OK;
}

static void print_summary(const struct monitor *m)
{
    double seconds = (double)(cf_tool_now_ns() - m->start_ns) / 1e9;
    fprintf(stderr,
            "callfan monitor: %" PRIu64 " calls (%" PRIu64 " ended), %" PRIu64 " messages in %.1f s (%.1f/s), %" PRIu64
            " missed in %" PRIu64 " gaps, %" PRIu64 " calls unseen\n",
            m->calls_seen, m->calls_ended, m->messages, seconds, (double)m->messages / (seconds > 0 ? seconds : 1),
            m->missed, m->gaps, m->unseen);
    if (m->latency.count != 0) {
        fprintf(stderr, "callfan monitor: latency, provider to here: ");
        cf_tool_print_latency(stderr, &m->latency);
        putc('\n', stderr);
    }
}

int cf_tool_monitor(int argc, char **argv)
{
    static struct monitor m;
    const struct cf_tool_option options[] = {
        {"socket", CF_OPTION_TEXT, &m.socket, "PATH",
         "the service's socket (default: CALLFAN_SOCKET, then the system's)"},
        {"line", CF_OPTION_LINES, &m.wanted, "N",
         "only this line, or N-M; may be repeated (default: all, new ones too)"},
        {"json", CF_OPTION_FLAG, &m.json, NULL, "one JSON object per line"},
        {"existing", CF_OPTION_FLAG, &m.existing, NULL, "follow calls too that began before"},
        {"count", CF_OPTION_U64, &m.count_max, "N", "end after N messages"},
        {"seconds", CF_OPTION_SECONDS, &m.duration_ns, "N", "end after N seconds"},
        {"ring", CF_OPTION_U32, &m.ring_kib, "KIB", "size of the message ring (default: the service's)"},
    };
    const struct cf_tool_usage usage = {
        "callfan monitor [OPTION]...",
        "Opens lines for monitoring and prints every message about them and their calls,\n"
        "until ^C; then a summary on stderr. With --json each line is an object with seq,\n"
        "time_ns, message, and where it applies line, call, state, mode, privilege, caller,\n"
        "called.",
        options, sizeof options / sizeof *options};
    int result;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    cf_tool_catch_signals();
    result = cf_tool_service_join(&m.service, m.socket, "callfan monitor", m.ring_kib * 1024, CF_INIT_CACHE_IDENTITY);
    if (result != CF_EXIT_OK)
        return result;
    cf_tool_output_init(&m.out, stdout, m.json);
    m.start_ns = cf_tool_now_ns();
    m.end_ns = m.duration_ns == 0 ? 0 : m.start_ns + m.duration_ns;
    result = open_lines(&m);
    if (result == CF_EXIT_OK) {
        result = follow(&m);
        print_summary(&m);
    }
    if (m.service.app != 0)
        lineShutdown(m.service.app);
    cf_tool_lines_fini(&m.lines);
    cf_tool_map_fini(&m.calls);
    return result;
}
