/*
 * callfan-sip: SIP trunks and registered lines as a provider of callfan. See callfan-sip --help.
 */
#include <stdlib.h>

#include "adapters/provider/program.h"
#include "adapters/sip/trunk.h"

enum {
    BUFFER_BYTES = 8192, /* longest datagram received whole, and sent */
    SENDS = 2048,
    SOURCES_OTHER = 8, /* beside those of lines: signals, the port's bell and socket */
};

struct sip {
    struct cf_program program;
    struct cf_sip_settings settings;
    struct cf_sip_trunks trunks;
};

static bool announce(void *arg)
{
    struct sip *g = arg;
    if (!cf_sip_trunks_announce(&g->trunks))
        return false;
    for (unsigned i = 0; i < g->settings.lines; i++)
        cf_program_say("line %u listens on %s, port %u", i, g->settings.line[i].listen_text,
                       cf_sip_addr_port(&g->trunks.trunk[i].bound));
    return true;
}

static void command(void *arg, const struct cf_command *c, int64_t now_ns)
{
    struct sip *g = arg;
    cf_sip_trunks_command(&g->trunks, c, now_ns);
}

static int64_t tick(void *arg, int64_t now_ns)
{
    struct sip *g = arg;
    return cf_sip_trunks_tick(&g->trunks, now_ns);
}

static void pause_reading(void *arg, bool paused)
{
    struct sip *g = arg;
    cf_sip_trunks_pause(&g->trunks, paused);
}

static bool leave(void *arg, int64_t now_ns)
{
    struct sip *g = arg;
    return cf_sip_trunks_leave(&g->trunks, now_ns);
}

static void print_counters(void *arg)
{
    const struct sip *g = arg;
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
    cf_program_say("live: calls %u, server transactions %u, client transactions %u", live.calls,
                   live.server_transactions, live.client_transactions);
#define X(name)                                                                                                        \
    if (c.name != 0)                                                                                                   \
        cf_program_say(#name " %llu", (unsigned long long)c.name);
    CF_SIP_COUNTERS(X)
#undef X
    for (unsigned k = 0; k < CF_SIP_ERRORS_COUNT; k++)
        if (c.malformed_by_kind[k] != 0)
            cf_program_say("malformed: %s %llu", cf_sip_error_text((enum cf_sip_error)k),
                           (unsigned long long)c.malformed_by_kind[k]);
    cf_sip_trunks_tcp_counters(&g->trunks, &tcp);
#define X(name)                                                                                                        \
    if (tcp.name != 0)                                                                                                 \
        cf_program_say("tcp " #name " %llu", (unsigned long long)tcp.name);
    CF_SIP_TCP_COUNTERS(X)
#undef X
    for (unsigned k = 0; k < CF_SIP_FRAME_FAULTS_COUNT; k++)
        if (tcp.faults_by_kind[k] != 0)
            cf_program_say("tcp fault: %s %llu", cf_sip_frame_fault_text((enum cf_sip_frame_fault)k),
                           (unsigned long long)tcp.faults_by_kind[k]);
    if (g->trunks.unsent != 0 || g->trunks.no_link != 0)
        cf_program_say("no send buffer %llu, calls the core could not be told of %llu",
                       (unsigned long long)g->trunks.unsent, (unsigned long long)g->trunks.no_link);
}

/* Sockets of the lines and their TCP connections, each a source of the reactor. */
static uint32_t sources_of(const struct cf_sip_settings *settings)
{
    const uint32_t sources = SOURCES_OTHER + settings->lines * (2 + (settings->tcp ? settings->connections_max : 0));
    return sources < CF_REACTOR_SOURCES_MAX ? sources : CF_REACTOR_SOURCES_MAX;
}

int main(int argc, char **argv)
{
    static struct sip g;
    static const struct cf_options_program about = {
        "callfan-sip", "sip", "SIP trunks and registered lines: a provider of callfan.", cf_sip_settings_help};
    static const struct cf_program_work work = {
        .announce = announce,
        .command = command,
        .tick = tick,
        .pause = pause_reading,
        .leave = leave,
        .print = print_counters,
        .calls = CF_CALLS_INTERNET,
    };
    char why[512] = "";
    int rc;
    g.program.work = &work;
    g.program.arg = &g;
    if (!cf_program_begin(&g.program, argc, argv, &about, &rc))
        return rc;
    if (cf_sip_settings_read(&g.program.options, &g.settings, why, sizeof(why)) < 0) {
        cf_program_say("%s", why);
        return CF_EXIT_WRONG_USE;
    }
    if (g.program.options.check)
        return EXIT_SUCCESS;
    const struct cf_reactor_options sizes = {
        .buffer_bytes = BUFFER_BYTES,
        .send_bytes = BUFFER_BYTES,
        .sends_count = SENDS,
        .sources_count = sources_of(&g.settings),
        .streams = g.settings.tcp,
    };
    bool good = cf_program_open(
        &g.program, &sizes,
        (struct cf_provider_options){.calls_max = cf_sip_trunks_calls(&g.settings), .gather_us = g.settings.gather_us});
    g.program.lines = g.settings.lines;
    if (good &&
        cf_sip_trunks_open(&g.trunks, &g.settings, g.program.provider, g.program.reactor, why, sizeof(why)) < 0) {
        cf_program_say("%s", why);
        good = false;
    }
    good = good && cf_program_run(&g.program);
    cf_sip_trunks_close(&g.trunks);
    cf_program_close(&g.program);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
