#include "apps/callfan/session.h"

#include <stdio.h>

#include "apps/callfan/tool.h"

enum { BATCH = 1024 };

static const char *full_name(const struct cf_tool_session *s, char text[64])
{
    snprintf(text, 64, "callfan %s", s->command);
    return text;
}

static int open_lines(struct cf_tool_session *s)
{
    s->lines = (struct cf_tool_lines){
        .command = s->command, .app = s->service.app, .wanted = &s->wanted, .privileges = s->privileges};
    return cf_tool_lines_open(&s->lines, s->service.devices) ? CF_EXIT_OK : CF_EXIT_FINDINGS;
}

int cf_tool_session_join(struct cf_tool_session *s)
{
    char name[64];
    int result = cf_tool_service_join(&s->service, s->socket, full_name(s, name), s->ring_kib * 1024, s->flags);
    if (result != CF_EXIT_OK)
        return result;
    result = open_lines(s);
    if (result != CF_EXIT_OK) {
        cf_tool_session_leave(s);
        return result;
    }
    s->start_ns = cf_tool_now_ns();
    s->end_ns = s->duration_ns == 0 ? 0 : s->start_ns + s->duration_ns;
    return CF_EXIT_OK;
}

static void let_go(struct cf_tool_session *s)
{
    if (s->service.app != 0)
        lineShutdown(s->service.app);
    s->service.app = 0;
    cf_tool_lines_fini(&s->lines);
    cf_tool_timers_fini(&s->timers);
}

int cf_tool_session_rejoin(struct cf_tool_session *s)
{
    char name[64];
    let_go(s);
    if (cf_tool_service_try(&s->service, full_name(s, name), s->ring_kib * 1024, s->flags) != 0) {
        s->service.app = 0;
        return CF_EXIT_NO_SERVICE;
    }
    s->gone = false;
    return open_lines(s);
}

void cf_tool_session_leave(struct cf_tool_session *s)
{
    if (s->gone)
        fprintf(stderr, "callfan %s: the service at %s went away\n", s->command, s->service.socket);
    let_go(s);
}

bool cf_tool_session_over(const struct cf_tool_session *s)
{
    return cf_tool_stop_asked() || (s->messages_max != 0 && s->messages >= s->messages_max) ||
           (s->end_ns != 0 && cf_tool_now_ns() >= s->end_ns);
}

void cf_tool_session_later(struct cf_tool_session *s, int64_t ms, uint64_t key, uint32_t action)
{
    cf_tool_timers_add(&s->timers, cf_tool_now_ns() + ms * 1000000, key, action);
}

double cf_tool_session_seconds(const struct cf_tool_session *s)
{
    return (double)(cf_tool_now_ns() - s->start_ns) / 1e9;
}

static DWORD wait_ms(const struct cf_tool_session *s)
{
    int64_t due_ns = cf_tool_timers_due(&s->timers), now_ns = cf_tool_now_ns();
    if (s->end_ns > now_ns && s->end_ns < due_ns)
        due_ns = s->end_ns;
    if (due_ns <= now_ns)
        return 0;
    if (due_ns - now_ns >= CF_TOOL_WAIT_MS_MAX * INT64_C(1000000))
        return CF_TOOL_WAIT_MS_MAX;
    return (DWORD)((due_ns - now_ns) / 1000000) + 1;
}

static void take(struct cf_tool_session *s, const struct cf_batch_message *m)
{
    DWORD device;
    s->messages++;
    s->ops->message(s->self, m);
    if (m->dwMessageID == LINE_LINEDEVSTATE)
        s->gone |= (m->dwParam1 & LINEDEVSTATE_REINIT) != 0;
    else if (cf_tool_lines_follow(&s->lines, m, &device) && s->ops->line != NULL)
        s->ops->line(s->self, m, device);
}

static int step(struct cf_tool_session *s)
{
    static struct cf_batch_message batch[BATCH];
    struct cf_tool_timer timer;
    uint32_t count;
    uint64_t left = s->messages_max == 0 ? BATCH : s->messages_max - s->messages;
    LONG error = cf_line_get_messages(s->service.app, batch, left < BATCH ? (uint32_t)left : BATCH, wait_ms(s), &count);
    if (error != 0) {
        cf_tool_complain(s->command, "fetching messages", error);
        return CF_EXIT_NO_SERVICE;
    }
    if (count > 0 && s->ops->arrived != NULL)
        s->ops->arrived(s->self);
    for (uint32_t i = 0; i < count; i++)
        take(s, &batch[i]);
    while (cf_tool_timers_take(&s->timers, cf_tool_now_ns(), &timer))
        s->ops->timer(s->self, &timer);
    if (s->ops->turned != NULL)
        s->ops->turned(s->self);
    return s->gone ? CF_EXIT_NO_SERVICE : CF_EXIT_OK;
}

int cf_tool_session_run(struct cf_tool_session *s)
{
    int result = CF_EXIT_OK;
    while (result == CF_EXIT_OK && !s->ops->finished(s->self))
        result = step(s);
    return result;
}
