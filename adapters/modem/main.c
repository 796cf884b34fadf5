/*
 * callfan-modem: modems on serial lines as a provider of callfan. See callfan-modem --help.
 */
#include <stdlib.h>

#include "adapters/modem/lines.h"
#include "adapters/provider/program.h"

enum { BUFFERS = 16 }; /* there are no datagrams */

struct modems {
    struct cf_program program;
    struct cf_modem_settings settings;
    struct cf_modem_lines lines;
    bool leaving;
};

static bool announce(void *arg)
{
    struct modems *g = arg;
    return cf_modem_lines_announce(&g->lines, cf_clock_ns());
}

static void command(void *arg, const struct cf_command *c, int64_t now_ns)
{
    struct modems *g = arg;
    cf_modem_lines_command(&g->lines, c, now_ns);
}

static int64_t tick(void *arg, int64_t now_ns)
{
    struct modems *g = arg;
    return cf_modem_lines_tick(&g->lines, now_ns);
}

static void pause_reading(void *arg, bool paused)
{
    struct modems *g = arg;
    cf_modem_lines_pause(&g->lines, paused);
}

/* Nobody is left to end the calls that are up: they are hung up, and the modems get a moment to obey. */
static bool leave(void *arg, int64_t now_ns)
{
    struct modems *g = arg;
    if (!g->leaving)
        cf_modem_lines_hang_up(&g->lines, now_ns);
    g->leaving = true;
    return cf_modem_lines_live(&g->lines) != 0;
}

static void print_counters(void *arg)
{
    const struct modems *g = arg;
    struct cf_modem_counters c;
    cf_modem_lines_counters(&g->lines, &c);
    cf_program_say("live: calls %u", cf_modem_lines_live(&g->lines));
#define X(name)                                                                                                        \
    if (c.name != 0)                                                                                                   \
        cf_program_say(#name " %llu", (unsigned long long)c.name);
    CF_MODEM_COUNTERS(X)
#undef X
}

int main(int argc, char **argv)
{
    static struct modems g;
    static const struct cf_options_program about = {
        "callfan-modem", "modem", "Modems on serial lines: a provider of callfan.", cf_modem_settings_help};
    static const struct cf_program_work work = {
        .announce = announce,
        .command = command,
        .tick = tick,
        .pause = pause_reading,
        .leave = leave,
        .print = print_counters,
        .calls = CF_CALLS_TTY, /* a device that went and comes back is opened again */
    };
    static const struct cf_reactor_options sizes = {.datagram_buffers_count = BUFFERS, .sends_count = BUFFERS};
    char why[512] = "";
    int rc;
    g.program.work = &work;
    g.program.arg = &g;
    if (!cf_program_begin(&g.program, argc, argv, &about, &rc))
        return rc;
    if (cf_modem_settings_read(&g.program.options, &g.settings, why, sizeof(why)) < 0) {
        cf_program_say("%s", why);
        return CF_EXIT_WRONG_USE;
    }
    if (g.program.options.check)
        return EXIT_SUCCESS;
    bool good = cf_program_open(&g.program, &sizes, (struct cf_provider_options){.calls_max = cf_modem_lines_calls()});
    g.program.lines = g.settings.lines;
    if (good && cf_modem_lines_open(&g.lines, &g.settings, g.program.provider, g.program.reactor, cf_program_say, why,
                                    sizeof(why)) < 0) {
        cf_program_say("%s", why);
        good = false;
    }
    good = good && cf_program_run(&g.program);
    cf_modem_lines_close(&g.lines);
    cf_program_close(&g.program);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
