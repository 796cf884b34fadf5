/* See program.h. */
#include "adapters/provider/program.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shm/sys_stderr.h"

enum {
    ATTACH_PATIENCE_S = 30,
    ATTACH_PAUSE_MS = 200,
    LEAVE_PATIENCE_S = 2,
};

void cf_program_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cf_stderr_say(format, arguments);
    va_end(arguments);
}

bool cf_program_begin(struct cf_program *p, int argc, char **argv, const struct cf_options_program *about,
                      int *ret_exit)
{
    char why[512] = "";
    cf_stderr_begin(about->program);
    cf_sandbox_begin();
    switch (cf_options_parse(argc, argv, about, &p->options, why, sizeof why)) {
    case CF_OPTIONS_DONE:
        *ret_exit = EXIT_SUCCESS;
        return false;
    case CF_OPTIONS_BAD:
        cf_program_say("%s", why);
        *ret_exit = CF_EXIT_WRONG_USE;
        return false;
    case CF_OPTIONS_RUN:
        break;
    }
    return true;
}

static void on_signal(void *arg, int signal_number, int64_t now_ns)
{
    struct cf_program *p = arg;
    (void)now_ns;
    if (signal_number == SIGHUP) /* settings need a new start, which callfand gives; here it asks for the counters */
        p->dump = true;
    else
        p->stopping = true;
}

bool cf_program_open(struct cf_program *p, const struct cf_reactor_options *sizes, struct cf_provider_options options)
{
    char why[256] = "";
    int rc = cf_reactor_open(&p->reactor, sizes, why, sizeof why);
    if (rc == 0)
        rc = cf_reactor_signals(p->reactor, on_signal, p);
    if (rc < 0) {
        cf_program_say("%s", why[0] != '\0' ? why : strerror(-rc));
        return false;
    }
    options.socket_path = p->options.socket_path;
    options.name = p->options.name;
    rc = cf_provider_new(&p->provider, &options);
    if (rc < 0)
        cf_program_say("provider \"%s\": %s", options.name, strerror(-rc));
    return rc == 0;
}

/* ------------------------------------------------------------------ attach */

/* Looks for the service for up to wait_ns and announces lines and live calls. */
static bool attach(struct cf_program *p, int64_t wait_ns, bool quiet)
{
    char why[256] = "";
    if (cf_provider_attach(p->provider, wait_ns, why, sizeof why) < 0) {
        if (!quiet)
            cf_program_say("%s", why);
        return false;
    }
    if (!p->work->announce(p->arg)) {
        cf_program_say("the core does not take the announcement of %u lines", p->lines);
        cf_provider_detach(p->provider);
        return false;
    }
    cf_program_say("attached to %s as \"%s\" with %u lines", p->options.socket_path, p->options.name, p->lines);
    return true;
}

/* Without the service what lives goes on. False: it stayed away too long. */
static bool look_for_service(struct cf_program *p, int64_t now_ns)
{
    if (p->lost_ns == 0) {
        cf_program_say("the service hung up");
        p->lost_ns = p->retry_ns = now_ns;
    }
    if (now_ns < p->retry_ns)
        return true;
    if (attach(p, 0, true)) {
        p->lost_ns = 0;
        return true;
    }
    p->retry_ns = now_ns + ATTACH_PAUSE_MS * CF_NS_PER_MS;
    if (now_ns - p->lost_ns < ATTACH_PATIENCE_S * CF_NS_PER_S)
        return true;
    cf_program_say("the service did not come back within %d s", ATTACH_PATIENCE_S);
    return false;
}

/* ------------------------------------------------------------------ running */

static void obey(struct cf_program *p)
{
    static struct cf_command command; /* 4 KiB, one thread */
    while (cf_provider_next_command(p->provider, &command))
        p->work->command(p->arg, &command, cf_clock_ns());
}

static bool turn(struct cf_program *p)
{
    obey(p);
    int64_t now = cf_clock_ns();
    int64_t until = p->work->tick(p->arg, now);
    if (!cf_provider_attached(p->provider)) {
        if (!look_for_service(p, now))
            return false;
        until = p->lost_ns != 0 && p->retry_ns < until ? p->retry_ns : until;
    }
    /* While the service is gone everything is read: peers are answered, and what lives may end. */
    p->work->pause(p->arg, p->lost_ns == 0 && !cf_provider_ready(p->provider));
    const int rc = cf_provider_turn(p->provider, p->reactor, until);
    if (rc < 0)
        cf_program_say("io_uring: %s", strerror(-rc));
    return rc >= 0;
}

/* Ends what lives in order; who does not answer is not waited for long. */
static void leave(struct cf_program *p)
{
    const int64_t end = cf_clock_ns() + LEAVE_PATIENCE_S * CF_NS_PER_S;
    int64_t now;
    p->work->pause(p->arg, false);
    while ((now = cf_clock_ns()) < end && p->work->leave(p->arg, now)) {
        obey(p);
        const int64_t until = p->work->tick(p->arg, now);
        if (cf_provider_turn(p->provider, p->reactor, until < end ? until : end) < 0)
            return;
    }
    cf_provider_flush(p->provider);
    cf_reactor_turn(p->reactor, 0); /* what was queued last */
}

/* The adapter's counters, and those of its side of the port. */
static void print_counters(const struct cf_program *p)
{
    struct cf_provider_counters c;
    cf_provider_counters(p->provider, &c);
    p->work->print(p->arg);
    cf_program_say("port: events %llu, commands %llu, replies %llu, replies waited %llu, states kept %llu, merged %llu, "
                   "new calls refused %llu, infos refused %llu, stale %llu",
                   (unsigned long long)c.events, (unsigned long long)c.commands, (unsigned long long)c.replies,
                   (unsigned long long)c.replies_waited, (unsigned long long)c.states_kept,
                   (unsigned long long)c.states_merged, (unsigned long long)c.new_calls_refused,
                   (unsigned long long)c.infos_refused, (unsigned long long)c.stale);
}

bool cf_program_run(struct cf_program *p)
{
    char why[256];
    if (cf_sandbox_enter(p->work->calls, why, sizeof why) < 0) {
        cf_program_say("%s", why);
        return false;
    }
    bool good = attach(p, ATTACH_PATIENCE_S * CF_NS_PER_S, false);
    while (good && !p->stopping) {
        good = turn(p);
        if (p->dump)
            print_counters(p);
        p->dump = false;
    }
    leave(p);
    print_counters(p);
    return good;
}

void cf_program_close(struct cf_program *p)
{
    cf_provider_free(p->provider);
    cf_reactor_close(p->reactor);
}
