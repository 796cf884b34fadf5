/*
 * callfan-modem: modems on serial lines as a provider of callfan. See callfan-modem --help.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/modem/lines.h"

enum {
    ATTACH_PATIENCE_S = 30,
    ATTACH_PAUSE_MS = 200,
    EXIT_WRONG_USE = 2,
    HANG_UP_S = 2, /* at the end, for the modems to obey */
    BUFFERS = 16,  /* there are no datagrams */
};

struct program {
    struct cf_options options;
    struct cf_modem_settings settings;
    struct cf_provider *provider;
    struct cf_reactor *reactor;
    struct cf_modem_lines lines;
    int64_t lost_ns;  /* when the service hung up, 0: it did not */
    int64_t retry_ns; /* when to look for it again */
    bool stopping;
    bool dump;
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    va_list arguments;
    fputs("callfan-modem: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* ------------------------------------------------------------------ attach */

/* Looks for the service for up to wait_ns and announces lines and live calls. */
static bool attach(struct program *g, int64_t wait_ns, bool quiet)
{
    char why[256] = "";
    if (cf_provider_attach(g->provider, wait_ns, why, sizeof(why)) < 0) {
        if (!quiet)
            say("%s", why);
        return false;
    }
    if (!cf_modem_lines_announce(&g->lines, cf_clock_ns())) {
        say("the core does not take the announcement of %u lines", g->settings.lines);
        cf_provider_detach(g->provider);
        return false;
    }
    say("attached to %s as \"%s\" with %u lines", g->options.socket_path, g->options.name, g->settings.lines);
    return true;
}

/* Without the service calls go on, unheard. False: it stayed away too long. */
static bool look_for_service(struct program *g, int64_t now_ns)
{
    if (g->lost_ns == 0) {
        say("the service hung up");
        g->lost_ns = g->retry_ns = now_ns;
    }
    if (now_ns < g->retry_ns)
        return true;
    if (attach(g, 0, true)) {
        g->lost_ns = 0;
        return true;
    }
    g->retry_ns = now_ns + ATTACH_PAUSE_MS * CF_NS_PER_MS;
    if (now_ns - g->lost_ns < ATTACH_PATIENCE_S * CF_NS_PER_S)
        return true;
    say("the service did not come back within %d s", ATTACH_PATIENCE_S);
    return false;
}

/* ------------------------------------------------------------------ running */

static void on_signal(void *arg, int signal_number, int64_t now_ns)
{
    struct program *g = arg;
    (void)now_ns;
    if (signal_number == SIGHUP) /* settings need a new start, which callfand gives; here it asks for the counters */
        g->dump = true;
    else
        g->stopping = true;
}

static void print_counters(const struct program *g)
{
    struct cf_modem_counters c;
    cf_modem_lines_counters(&g->lines, &c);
    say("live: calls %u", cf_modem_lines_live(&g->lines));
#define X(name)                                                                                                        \
    if (c.name != 0)                                                                                                   \
        say(#name " %llu", (unsigned long long)c.name);
    CF_MODEM_COUNTERS(X)
#undef X
}

static void obey(struct program *g)
{
    static struct cf_command command; /* 4 KiB, one thread */
    while (cf_provider_next_command(g->provider, &command))
        cf_modem_lines_command(&g->lines, &command, cf_clock_ns());
}

static bool turn(struct program *g)
{
    obey(g);
    int64_t now = cf_clock_ns();
    int64_t until = cf_modem_lines_tick(&g->lines, now);
    if (!cf_provider_attached(g->provider)) {
        if (!look_for_service(g, now))
            return false;
        until = g->lost_ns != 0 && g->retry_ns < until ? g->retry_ns : until;
    }
    cf_modem_lines_pause(&g->lines, g->lost_ns == 0 && !cf_provider_ready(g->provider));
    const int rc = cf_provider_turn(g->provider, g->reactor, until);
    if (rc < 0) {
        say("io_uring: %s", strerror(-rc));
        return false;
    }
    return true;
}

static bool run(struct program *g)
{
    while (!g->stopping) {
        if (!turn(g))
            return false;
        if (g->dump)
            print_counters(g);
        g->dump = false;
    }
    return true;
}

/* ------------------------------------------------------------------ start and end */

static bool start(struct program *g)
{
    char why[256] = "";
    const struct cf_provider_options options = {
        .socket_path = g->options.socket_path, .name = g->options.name, .calls_max = cf_modem_lines_calls()};
    const struct cf_reactor_options sizes = {.buffers_count = BUFFERS, .sends_count = BUFFERS};
    int rc = cf_reactor_open(&g->reactor, &sizes, why, sizeof(why));
    if (rc == 0)
        rc = cf_reactor_signals(g->reactor, on_signal, g);
    if (rc < 0) {
        say("%s", why[0] != '\0' ? why : strerror(-rc));
        return false;
    }
    rc = cf_provider_new(&g->provider, &options);
    if (rc < 0) {
        say("provider \"%s\": %s", options.name, strerror(-rc));
        return false;
    }
    rc = cf_modem_lines_open(&g->lines, &g->settings, g->provider, g->reactor, say, why, sizeof(why));
    if (rc < 0) {
        say("%s", why);
        return false;
    }
    return attach(g, ATTACH_PATIENCE_S * CF_NS_PER_S, false);
}

/* Nobody is left to end the calls that are up: they are hung up, and the modems get a moment to obey. */
static void hang_up(struct program *g)
{
    const int64_t end = cf_clock_ns() + HANG_UP_S * CF_NS_PER_S;
    cf_modem_lines_hang_up(&g->lines, cf_clock_ns());
    for (int64_t now; cf_modem_lines_live(&g->lines) != 0 && (now = cf_clock_ns()) < end;) {
        const int64_t next = cf_modem_lines_tick(&g->lines, now);
        if (cf_provider_turn(g->provider, g->reactor, next < end ? next : end) < 0)
            return;
    }
    cf_provider_flush(g->provider);
}

static void finish(struct program *g)
{
    if (g->lines.settings != NULL)
        print_counters(g);
    cf_modem_lines_close(&g->lines);
    cf_provider_free(g->provider);
    cf_reactor_close(g->reactor);
}

int main(int argc, char **argv)
{
    static struct program g;
    static const struct cf_options_program about = {
        "callfan-modem", "modem", "Modems on serial lines: a provider of callfan.", cf_modem_settings_help};
    char why[512] = "";
    switch (cf_options_parse(argc, argv, &about, &g.options, why, sizeof(why))) {
    case CF_OPTIONS_DONE:
        return EXIT_SUCCESS;
    case CF_OPTIONS_BAD:
        say("%s", why);
        return EXIT_WRONG_USE;
    case CF_OPTIONS_RUN:
        break;
    }
    if (cf_modem_settings_read(&g.options, &g.settings, why, sizeof(why)) < 0) {
        say("%s", why);
        return EXIT_WRONG_USE;
    }
    if (g.options.check)
        return EXIT_SUCCESS;
    const bool good = start(&g) && run(&g);
    if (g.lines.settings != NULL)
        hang_up(&g);
    finish(&g);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
