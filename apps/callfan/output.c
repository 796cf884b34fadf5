#include "apps/callfan/output.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apps/callfan/tool.h"

void cf_tool_output_init(struct cf_tool_output *o, FILE *to, bool json)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool wanted = (no_colour == NULL || *no_colour == '\0') && term != NULL && strcmp(term, "dumb") != 0;
    *o = (struct cf_tool_output){
        .to = to,
        .json = json,
        .colour = !json && wanted && isatty(fileno(to)),
        .utc_offset_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec - cf_tool_now_ns(),
    };
}

/* Bytes of the UTF-8 character at c, 0 where there is none. Overlong forms and surrogates count as none. */
static int utf8_bytes(const unsigned char *c)
{
    int bytes = c[0] < 0x80                   ? 1
                : c[0] >= 0xC2 && c[0] < 0xE0 ? 2
                : c[0] >= 0xE0 && c[0] < 0xF0 ? 3
                : c[0] >= 0xF0 && c[0] < 0xF5 ? 4
                                              : 0;
    for (int i = 1; i < bytes; i++)
        if ((c[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (c[0] == 0xE0 && c[1] < 0xA0) || (c[0] == 0xF0 && c[1] < 0x90);
    bool beyond = (c[0] == 0xED && c[1] > 0x9F) || (c[0] == 0xF4 && c[1] > 0x8F);
    return overlong || beyond ? 0 : bytes;
}

void cf_tool_print_json_string(FILE *to, const char *text)
{
    putc('"', to);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0';) {
        int bytes = utf8_bytes(c);
        if (bytes == 0)
            fputs("\\ufffd", to);
        else if (*c == '"' || *c == '\\')
            fprintf(to, "\\%c", *c);
        else if (*c < 0x20 || *c == 0x7F)
            fprintf(to, "\\u%04x", *c);
        else
            fwrite(c, 1, (size_t)bytes, to);
        c += bytes == 0 ? 1 : bytes;
    }
    putc('"', to);
}

void cf_tool_print_text(FILE *to, const char *text, int width)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++, width--)
        putc(*c < 0x20 || *c == 0x7F ? '?' : *c, to);
    for (; width > 0; width--)
        putc(' ', to);
}

const char *cf_tool_duration(int64_t ns, char text[16])
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if ((double)ns >= units[i].unit || i == 2) {
            double value = (double)ns / units[i].unit;
            snprintf(text, 16, "%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, units[i].name);
            break;
        }
    return text;
}

void cf_tool_print_latency(FILE *to, const struct cf_histogram *h)
{
    static const struct {
        const char *name;
        double part;
    } points[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        char text[16];
        fprintf(to, "%s%s %s", i == 0 ? "" : ", ", points[i].name,
                cf_tool_duration(cf_histogram_percentile(h, points[i].part), text));
    }
}

struct cf_tool_event cf_tool_event_read(const struct cf_batch_message *m, const struct cf_tool_lines *lines)
{
    struct cf_tool_event e = {.m = m, .line = -1, .caller = m->caller, .called = m->called};
    DWORD device;
    switch (m->dwMessageID) {
    case LINE_CALLSTATE:
        e.state = (DWORD)m->dwParam1;
        e.mode = (DWORD)m->dwParam2;
        e.privilege = (DWORD)m->dwParam3;
        /* fall through */
    case LINE_CALLINFO:
        e.call = m->hDevice;
        return e;
    case LINE_CREATE:
    case LINE_REMOVE:
        e.line = (int64_t)m->dwParam1;
        return e;
    case LINE_APPNEWCALL:
        e.call = (HCALL)m->dwParam2;
        e.privilege = (DWORD)m->dwParam3;
        break;
    default:
        break;
    }
    if (cf_tool_lines_device(lines, m->hDevice, &device))
        e.line = device;
    return e;
}

/* The parameters of messages that are not about a call, by their names. */
struct named_params {
    uint32_t message;
    const char *name[3]; /* NULL: not shown */
};

static const struct named_params params_of[] = {
    {CF_LINE_GAP, {"first", "last", "cause"}},
    {CF_LINE_RESYNC_END, {"first", "last", "calls_unseen"}},
    {LINE_REPLY, {"request", NULL, NULL}},
    {LINE_CALLINFO, {"info", NULL, NULL}},
    {LINE_LINEDEVSTATE, {"line_state", "detail", "detail2"}},
    {LINE_ADDRESSSTATE, {"address", "address_state", NULL}},
};

/* LINECALLINFOSTATE_ by the number of the bit. */
static const char *const info_names[] = {
    "OTHER",         "DEVSPECIFIC",   "BEARERMODE",   "RATE",         "MEDIAMODE",     "APPSPECIFIC",   "CALLID",
    "RELATEDCALLID", "ORIGIN",        "REASON",       "COMPLETIONID", "NUMOWNERINCR",  "NUMOWNERDECR",  "NUMMONITORS",
    "TRUNK",         "CALLERID",      "CALLEDID",     "CONNECTEDID",  "REDIRECTIONID", "REDIRECTINGID", "DISPLAY",
    "USERUSERINFO",  "HIGHLEVELCOMP", "LOWLEVELCOMP", "CHARGINGINFO", "TERMINAL",      "DIALPARAMS",    "MONITORMODES",
    "TREATMENT",     "QOS",           "CALLDATA",
};
static_assert(LINECALLINFOSTATE_CALLDATA == 1u << (sizeof info_names / sizeof *info_names - 1), "a name per bit");

static void print_info_names(FILE *to, DWORD info)
{
    const char *before = "  ";
    for (size_t i = 0; i < sizeof info_names / sizeof *info_names; i++)
        if ((info >> i & 1) != 0) {
            fprintf(to, "%s%s", before, info_names[i]);
            before = "|";
        }
}

static void print_params(const struct cf_tool_output *o, const struct cf_batch_message *m)
{
    const DWORD_PTR value[3] = {m->dwParam1, m->dwParam2, m->dwParam3};
    if (m->dwMessageID == LINE_CALLINFO && !o->json) {
        print_info_names(o->to, (DWORD)m->dwParam1);
        return;
    }
    for (size_t i = 0; i < sizeof params_of / sizeof *params_of; i++)
        for (int k = 0; params_of[i].message == m->dwMessageID && k < 3; k++)
            if (params_of[i].name[k] != NULL)
                fprintf(o->to, o->json ? ",\"%s\":%" PRIu64 : "  %s %" PRIu64, params_of[i].name[k],
                        (uint64_t)value[k]);
    if (m->dwMessageID == LINE_REPLY)
        fprintf(o->to, o->json ? ",\"result\":\"%s\"" : "  %s", cf_line_error_name((LONG)m->dwParam2));
}

static void print_json(const struct cf_tool_output *o, const struct cf_tool_event *e)
{
    fprintf(o->to, "{\"seq\":%" PRIu64 ",\"time_ns\":%" PRId64 ",\"message\":\"%s\"", e->m->seq, e->m->time_ns,
            cf_message_name(e->m->dwMessageID));
    if (e->line >= 0)
        fprintf(o->to, ",\"line\":%" PRId64, e->line);
    if (e->call != 0)
        fprintf(o->to, ",\"call\":\"%016" PRIx64 "\"", e->call);
    if (e->state != 0)
        fprintf(o->to, ",\"state\":\"%s\",\"mode\":\"%s\"", cf_call_state_name(e->state),
                cf_call_mode_name(e->state, e->mode));
    if (e->privilege != 0)
        fprintf(o->to, ",\"privilege\":\"%s\"", cf_privilege_name(e->privilege));
    if (e->caller != NULL) {
        fputs(",\"caller\":", o->to);
        cf_tool_print_json_string(o->to, e->caller);
        fputs(",\"called\":", o->to);
        cf_tool_print_json_string(o->to, e->called != NULL ? e->called : "");
    }
    if (e->call_id != 0)
        fprintf(o->to, ",\"call_id\":\"%08x\"", e->call_id);
    print_params(o, e->m);
    fputs("}\n", o->to);
}

static const char *colour_of(const struct cf_tool_event *e)
{
    static const struct {
        DWORD state;
        const char *colour;
    } colours[] = {
        {LINECALLSTATE_OFFERING, "\033[33m"},  {LINECALLSTATE_ACCEPTED, "\033[33m"},
        {LINECALLSTATE_CONNECTED, "\033[32m"}, {LINECALLSTATE_DISCONNECTED, "\033[31m"},
        {LINECALLSTATE_BUSY, "\033[31m"},      {LINECALLSTATE_IDLE, "\033[2m"},
    };
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        if (colours[i].state == (e->state & 0x00FFFFFF))
            return colours[i].colour;
    return e->m->dwMessageID >= CF_LINE_GAP ? "\033[35m" : "";
}

static void print_plain(const struct cf_tool_output *o, const struct cf_tool_event *e)
{
    int64_t utc_ns = e->m->time_ns + o->utc_offset_ns;
    time_t seconds = (time_t)(utc_ns / 1000000000);
    struct tm day;
    char clock[16];
    strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&seconds, &day));
    fprintf(o->to, "%s.%06d", clock, (int)(utc_ns % 1000000000 / 1000));
    if (e->line >= 0)
        fprintf(o->to, "  line %-4" PRId64, e->line);
    if (e->call != 0)
        fprintf(o->to, "  %016" PRIx64, e->call);
    const char *colour = o->colour ? colour_of(e) : "";
    fputs(colour, o->to);
    if (e->state != 0) {
        const char *mode = cf_call_mode_name(e->state, e->mode);
        fprintf(o->to, "  %-12s%s%s", cf_call_state_name(e->state), *mode != '\0' ? " " : "", mode);
    } else {
        fprintf(o->to, "  %s", cf_message_name(e->m->dwMessageID));
    }
    fputs(*colour != '\0' ? "\033[0m" : "", o->to);
    if (e->privilege != 0)
        fprintf(o->to, "  %s", cf_privilege_name(e->privilege));
    if (e->caller != NULL) {
        fputs("  ", o->to);
        cf_tool_print_text(o->to, *e->caller != '\0' ? e->caller : "?", 0);
        fputs(" -> ", o->to);
        cf_tool_print_text(o->to, e->called != NULL && *e->called != '\0' ? e->called : "?", 0);
    }
    print_params(o, e->m);
    if (e->call_id != 0 && e->m->dwMessageID == LINE_REPLY)
        fprintf(o->to, "  call id %08x", e->call_id);
    putc('\n', o->to);
}

void cf_tool_output_event(const struct cf_tool_output *o, const struct cf_tool_event *e)
{
    if (o->json)
        print_json(o, e);
    else
        print_plain(o, e);
}
