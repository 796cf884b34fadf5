/*
 * callfan-sip: SIP trunk lines as a provider of callfan. See callfan-sip --help.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sip/trunk.h"

enum {
    ATTACH_PATIENCE_S = 30,
    ATTACH_PAUSE_MS = 200,
    EXIT_WRONG_USE = 2,
    BUFFER_BYTES = 8192, /* longest datagram received whole, and sent */
    SENDS = 2048,
    SOURCES_OTHER = 8,    /* beside those of lines: signals, the port's bell and socket */
    LEAVE_PATIENCE_S = 2, /* for the answers to BYE and REGISTER at the end */
};

struct program {
    struct cf_options options;
    struct cf_sip_settings settings;
    struct cf_provider *provider;
    struct cf_reactor *reactor;
    struct cf_sip_trunks trunks;
    int64_t lost_ns;  /* when the service hung up, 0: it did not */
    int64_t retry_ns; /* when to look for it again */
    bool stopping;
    bool dump;
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    va_list arguments;
    fputs("callfan-sip: ", stderr);
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
    if (!cf_sip_trunks_announce(&g->trunks)) {
        say("the core does not take the announcement of %u lines", g->settings.lines);
        cf_provider_detach(g->provider);
        return false;
    }
    say("attached to %s as \"%s\" with %u lines", g->options.socket_path, g->options.name, g->settings.lines);
    for (unsigned i = 0; i < g->settings.lines; i++)
        say("line %u listens on %s, port %u", i, g->settings.line[i].listen_text,
            cf_sip_addr_port(&g->trunks.trunk[i].bound));
    return true;
}

/* Without the service the calls that are up go on, new ones get 503. False: it stayed away too long. */
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
    struct cf_sip_counters c;
    struct cf_sip_tcp_counters tcp;
    struct cf_sip_live live = {0};
    cf_sip_trunks_counters(&g->trunks, &c);
    for (unsigned i = 0; i < g->settings.lines; i++) {
        const struct cf_sip_live one = cf_sip_ua_live(g->trunks.trunk[i].ua);
        live.calls += one.calls;
        live.server_transactions += one.server_transactions;
        live.client_transactions += one.client_transactions;
    }
    say("live: calls %u, server transactions %u, client transactions %u", live.calls, live.server_transactions,
        live.client_transactions);
#define X(name)                                                                                                        \
    if (c.name != 0)                                                                                                   \
        say(#name " %llu", (unsigned long long)c.name);
    CF_SIP_COUNTERS(X)
#undef X
    for (unsigned k = 0; k < CF_SIP_ERRORS_COUNT; k++)
        if (c.malformed_by_kind[k] != 0)
            say("malformed: %s %llu", cf_sip_error_text((enum cf_sip_error)k),
                (unsigned long long)c.malformed_by_kind[k]);
    cf_sip_trunks_tcp_counters(&g->trunks, &tcp);
#define X(name)                                                                                                        \
    if (tcp.name != 0)                                                                                                 \
        say("tcp " #name " %llu", (unsigned long long)tcp.name);
    CF_SIP_TCP_COUNTERS(X)
#undef X
    for (unsigned k = 0; k < CF_SIP_FRAME_FAULTS_COUNT; k++)
        if (tcp.faults_by_kind[k] != 0)
            say("tcp fault: %s %llu", cf_sip_frame_fault_text((enum cf_sip_frame_fault)k),
                (unsigned long long)tcp.faults_by_kind[k]);
    if (g->trunks.unsent != 0 || g->trunks.no_link != 0)
        say("no send buffer %llu, calls the core could not be told of %llu", (unsigned long long)g->trunks.unsent,
            (unsigned long long)g->trunks.no_link);
}

static void obey(struct program *g)
{
    static struct cf_command command; /* 4 KiB, one thread */
    while (cf_provider_next_command(g->provider, &command))
        cf_sip_trunks_command(&g->trunks, &command, cf_clock_ns());
}

static bool turn(struct program *g)
{
    obey(g);
    int64_t now = cf_clock_ns();
    int64_t until = cf_sip_trunks_tick(&g->trunks, now);
    if (!cf_provider_attached(g->provider)) {
        if (!look_for_service(g, now))
            return false;
        until = g->lost_ns != 0 && g->retry_ns < until ? g->retry_ns : until;
    }
    /* While it is gone everything is read, so that peers hear 503 and BYEs are answered. */
    cf_sip_trunks_pause(&g->trunks, g->lost_ns == 0 && !cf_provider_ready(g->provider));
    const int rc = cf_provider_turn(g->provider, g->reactor, until);
    if (rc < 0) {
        say("io_uring: %s", strerror(-rc));
        return false;
    }
    return true;
}

/* Sockets of the lines and their TCP connections, each a source of the reactor. */
static uint32_t sources_of(const struct cf_sip_settings *settings)
{
    const uint32_t sources = SOURCES_OTHER + settings->lines * (2 + (settings->tcp ? settings->connections_max : 0));
    return sources < CF_REACTOR_SOURCES_MAX ? sources : CF_REACTOR_SOURCES_MAX;
}

/* Ends calls and registrations in order; peers that do not answer are not waited for long. */
static void leave(struct program *g)
{
    const int64_t end = cf_clock_ns() + LEAVE_PATIENCE_S * CF_NS_PER_S;
    int64_t now;
    while ((now = cf_clock_ns()) < end && cf_sip_trunks_leave(&g->trunks, now)) {
        obey(g);
        const int64_t until = cf_sip_trunks_tick(&g->trunks, now);
        if (cf_provider_turn(g->provider, g->reactor, until < end ? until : end) < 0)
            return;
    }
    cf_reactor_turn(g->reactor, 0); /* what was queued last */
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
    leave(g);
    return true;
}

/* ------------------------------------------------------------------ start and end */

static bool start(struct program *g)
{
    char why[256] = "";
    const struct cf_provider_options options = {
        .socket_path = g->options.socket_path,
        .name = g->options.name,
        .calls_max = cf_sip_trunks_calls(&g->settings),
        .gather_us = g->settings.gather_us,
    };
    const struct cf_reactor_options sizes = {
        .buffer_bytes = BUFFER_BYTES,
        .send_bytes = BUFFER_BYTES,
        .sends_count = SENDS,
        .sources_count = sources_of(&g->settings),
    };
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
    rc = cf_sip_trunks_open(&g->trunks, &g->settings, g->provider, g->reactor, why, sizeof(why));
    if (rc < 0) {
        say("%s", why);
        return false;
    }
    return attach(g, ATTACH_PATIENCE_S * CF_NS_PER_S, false);
}

static void finish(struct program *g)
{
    if (g->trunks.settings != NULL)
        print_counters(g);
    cf_sip_trunks_close(&g->trunks);
    cf_provider_free(g->provider);
    cf_reactor_close(g->reactor);
}

int main(int argc, char **argv)
{
    static struct program g;
    static const struct cf_options_program about = {"callfan-sip", "sip", "SIP trunk lines: a provider of callfan.",
                                                    cf_sip_settings_help};
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
    if (cf_sip_settings_read(&g.options, &g.settings, why, sizeof(why)) < 0) {
        say("%s", why);
        return EXIT_WRONG_USE;
    }
    if (g.options.check)
        return EXIT_SUCCESS;
    const bool good = start(&g) && run(&g);
    finish(&g);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
