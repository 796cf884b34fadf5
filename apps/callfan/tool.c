#include "apps/callfan/tool.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

static volatile sig_atomic_t stop_asked;

int64_t cf_tool_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#define INSIST_NS INT64_C(1000000000)

/* The same wish may come twice at once, from the terminal and from whoever started us; a later one ends us at once. */
static void on_stop(int signal_number)
{
    static int64_t first_ns;
    int64_t now_ns = cf_tool_now_ns();
    if (stop_asked == 0)
        first_ns = now_ns;
    stop_asked = 1;
    if (now_ns - first_ns > INSIST_NS) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
}

void cf_tool_catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool cf_tool_stop_asked(void)
{
    return stop_asked != 0;
}
