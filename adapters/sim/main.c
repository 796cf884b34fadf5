/*
 * callfan-sim: a simulated exchange as a provider of callfan. See callfan-sim(8).
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/provider/sandbox.h"
#include "adapters/sim/model.h"
#include "adapters/sim/player.h"
#include "shm/sys_stderr.h"

enum {
    CHUNK = 64,       /* things done with one look at the clock */
    TURN_CHUNKS = 32, /* before commands are looked at again */
    ATTACH_PATIENCE_S = 30,
    ATTACH_PAUSE_MS = 50,
    EXIT_WRONG_USE = 2,
};

struct program {
    struct cf_options options;
    struct cf_sim_settings settings;
    struct cf_sim_port port;
    struct cf_sim_outlet outlet;
    struct cf_script script;
    struct cf_sim_model *model; /* or */
    struct cf_sim_player *player;
    struct cf_reactor *reactor;
    uint32_t lines;
    bool stopping;
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cf_stderr_say(format, arguments);
    va_end(arguments);
}

/* ------------------------------------------------------------------ model or script */

static uint32_t work(struct program *g, int64_t now_ns, uint32_t limit)
{
    return g->model != NULL ? cf_sim_model_work(g->model, now_ns, limit) : cf_sim_player_work(g->player, now_ns, limit);
}

static int64_t deadline(const struct program *g)
{
    return g->model != NULL ? cf_sim_model_deadline(g->model) : cf_sim_player_deadline(g->player);
}

static void obey(struct program *g)
{
    static struct cf_command command; /* 4 KiB, one thread */
    while (cf_provider_next_command(g->port.provider, &command)) {
        if (g->model != NULL)
            cf_sim_model_command(g->model, &command, cf_clock_ns());
        else
            cf_sim_player_command(g->player, &command, cf_clock_ns());
    }
}

/* ------------------------------------------------------------------ attach */

static bool announce(struct program *g)
{
    char name[CF_NAME_MAX], address[CF_NAME_MAX];
    struct cf_line_info line;
    if (!cf_provider_snapshot_begin(g->port.provider))
        return false;
    for (uint32_t i = 0; i < g->lines; i++) {
        cf_sim_describe_line(&g->settings, i, name, address, &line);
        if (!cf_provider_post_line(g->port.provider, &line))
            return false;
    }
    if (g->model != NULL)
        cf_sim_model_announce(g->model, cf_clock_ns());
    else
        cf_sim_player_announce(g->player, cf_clock_ns());
    return cf_provider_snapshot_end(g->port.provider);
}

/* One try after the other, hearing signals between them. True: attached, or told to stop. */
static bool attach(struct program *g)
{
    char why[256] = "";
    int64_t end = cf_clock_ns() + ATTACH_PATIENCE_S * CF_NS_PER_S;
    int rc;
    while ((rc = cf_provider_attach(g->port.provider, 0, why, sizeof why)) < 0) {
        int64_t now = cf_clock_ns();
        if (!cf_provider_try_again(rc) || now >= end ||
            cf_reactor_turn(g->reactor, now + ATTACH_PAUSE_MS * CF_NS_PER_MS) < 0) {
            say("%s", why);
            return false;
        }
        if (g->stopping)
            return true;
    }
    if (announce(g)) {
        say("attached to %s as \"%s\" with %u lines", g->options.socket_path, g->options.name, g->lines);
        return true;
    }
    say("the core does not take the announcement of %u lines", g->lines);
    return false;
}

/* ------------------------------------------------------------------ running */

static void on_signal(void *arg, int signal_number, int64_t now_ns)
{
    struct program *g = arg;
    (void)now_ns;
    if (signal_number != SIGHUP) /* callfand starts a provider anew when its section changed */
        g->stopping = true;
}

/* Does what is due in small pieces, each with the time as it is then, and wakes the core between them. */
static bool work_while_ready(struct program *g)
{
    for (int i = 0; i < TURN_CHUNKS; i++) {
        if (!cf_provider_ready(g->port.provider))
            return false;
        if (work(g, cf_clock_ns(), CHUNK) < CHUNK)
            return false;
        cf_provider_flush(g->port.provider);
    }
    return true;
}

static bool turn(struct program *g)
{
    obey(g);
    bool more = work_while_ready(g);
    int64_t until = more ? 0 : deadline(g);
    if (!more && !cf_provider_ready(g->port.provider))
        until = CF_REACTOR_NEVER; /* the port comes back by itself while its ring is full */
    int rc = cf_provider_turn(g->port.provider, g->reactor, until);
    if (rc < 0) {
        say("io_uring: %s", strerror(-rc));
        return false;
    }
    if (g->port.journal != NULL && (rc = cf_sim_journal_flush(g->port.journal)) < 0) {
        say("%s: %s", g->settings.record, strerror(-rc));
        return false;
    }
    return true;
}

static bool run(struct program *g)
{
    while (!g->stopping) {
        if (!turn(g))
            return false;
        if (!cf_provider_attached(g->port.provider) && !g->stopping) {
            say("the service hung up");
            if (!attach(g))
                return false;
        }
    }
    return true;
}

static void sum_up(const struct program *g)
{
    struct cf_provider_counters p;
    struct cf_sim_counters m;
    cf_provider_counters(g->port.provider, &p);
    if (g->model != NULL) {
        cf_sim_model_counters(g->model, &m);
        say("calls %llu, dialled %llu, conferences %llu, ended %llu, live %llu, reports %llu, refused %llu, "
            "blocked %llu, unsent %llu, nobody %llu, forwarded %llu",
            (unsigned long long)m.arrivals, (unsigned long long)m.dialled, (unsigned long long)m.conferences,
            (unsigned long long)m.ended, (unsigned long long)cf_sim_model_live(g->model), (unsigned long long)m.reports,
            (unsigned long long)m.refused, (unsigned long long)m.blocked, (unsigned long long)m.unsent,
            (unsigned long long)m.nobody, (unsigned long long)m.forwarded);
    }
    say("events %llu, commands %llu, states kept %llu, merged %llu, bells rung %llu, heard %llu",
        (unsigned long long)p.events, (unsigned long long)p.commands, (unsigned long long)p.states_kept,
        (unsigned long long)p.states_merged, (unsigned long long)p.bells_rung, (unsigned long long)p.bells_heard);
}

/* ------------------------------------------------------------------ start */

static bool open_journal(struct program *g)
{
    if (g->settings.record == NULL)
        return true;
    const struct cf_sim_journal_header header = {
        .magic = CF_SIM_JOURNAL_MAGIC,
        .version = CF_SIM_JOURNAL_VERSION,
        .entry_bytes = sizeof(struct cf_sim_journal_entry),
        .seed = g->settings.seed,
        .first_serial = g->settings.first_serial,
        .start_ns = cf_clock_ns(),
    };
    int rc = cf_sim_journal_open(&g->port.journal, g->settings.record, &header);
    if (rc < 0)
        say("%s: %s", g->settings.record, strerror(-rc));
    return rc == 0;
}

static bool open_digests(struct program *g)
{
    if (g->settings.digests == NULL)
        return true;
    int rc = cf_sim_digests_open(&g->port.digests, g->settings.digests, g->settings.first_serial, g->settings.calls);
    if (rc < 0)
        say("%s: %s", g->settings.digests, strerror(-rc));
    return rc == 0;
}

static bool open_world(struct program *g)
{
    g->outlet = cf_sim_port_outlet(&g->port);
    int rc = g->settings.script != NULL
                 ? cf_sim_player_new(&g->player, &g->script, &g->settings, &g->port, cf_clock_ns())
                 : cf_sim_model_new(&g->model, &g->settings, &g->outlet, cf_clock_ns());
    if (rc < 0)
        say("%s", strerror(-rc));
    return rc == 0;
}

static bool start(struct program *g)
{
    char why[256] = "";
    const struct cf_provider_options options = {
        .socket_path = g->options.socket_path, .name = g->options.name, .calls_max = g->settings.calls_max};
    const struct cf_reactor_options sizes = {.entries = 64, .datagram_buffers_count = 1, .sends_count = 1};
    int rc = cf_reactor_open(&g->reactor, &sizes, why, sizeof why);
    if (rc == 0)
        rc = cf_reactor_signals(g->reactor, on_signal, g);
    if (rc < 0) {
        say("%s", *why != '\0' ? why : strerror(-rc));
        return false;
    }
    rc = cf_provider_new(&g->port.provider, &options);
    if (rc < 0) {
        say("provider \"%s\": %s", options.name, strerror(-rc));
        return false;
    }
    if (!open_journal(g) || !open_digests(g) || !open_world(g))
        return false;
    if (cf_sandbox_enter(0, why, sizeof why) < 0) {
        say("%s", why);
        return false;
    }
    return attach(g);
}

/* Everything of the configuration, so that --check tells all that can be wrong. */
static bool configure(struct program *g)
{
    char why[512] = "";
    if (cf_sim_settings_read(&g->options, &g->settings, why, sizeof why) < 0 ||
        (g->settings.script != NULL && cf_script_read(&g->script, g->settings.script, why, sizeof why) < 0)) {
        say("%s", why);
        return false;
    }
    g->lines = g->script.lines != 0 ? g->script.lines : g->settings.lines;
    return true;
}

static bool finish(struct program *g)
{
    if (g->port.provider != NULL)
        sum_up(g);
    int rc = cf_sim_journal_close(g->port.journal);
    if (rc < 0)
        say("%s: %s", g->settings.record, strerror(-rc));
    cf_sim_digests_close(g->port.digests);
    cf_sim_model_free(g->model);
    cf_sim_player_free(g->player);
    cf_provider_free(g->port.provider);
    cf_reactor_close(g->reactor);
    return rc == 0;
}

int main(int argc, char **argv)
{
    static struct program g;
    static const struct cf_options_program about = {
        "callfan-sim", "sim", "A simulated exchange: a provider of callfan.", cf_sim_settings_help};
    char why[256] = "";
    bool good = true;
    cf_stderr_begin(about.program);
    cf_sandbox_begin();
    switch (cf_options_parse(argc, argv, &about, &g.options, why, sizeof why)) {
    case CF_OPTIONS_DONE:
        return EXIT_SUCCESS;
    case CF_OPTIONS_BAD:
        say("%s", why);
        return EXIT_WRONG_USE;
    case CF_OPTIONS_RUN:
        break;
    }
    if (!configure(&g)) {
        cf_sim_settings_fini(&g.settings);
        return EXIT_WRONG_USE;
    }
    if (!g.options.check) {
        good = start(&g) && run(&g);
        good = finish(&g) && good;
    }
    cf_script_fini(&g.script);
    cf_sim_settings_fini(&g.settings);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
