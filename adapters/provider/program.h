/*
 * What the programs of adapters have in common: they join the service, obey it, turn their reactor, look for the service when it went,
 * print their counters upon SIGHUP, and end in order upon SIGTERM and SIGINT.
 *
 * Shape      struct cf_program: one per process. The adapter is a table of functions and an argument
 * Invariant  when the network, a device or the core is heard for the first time, the program is confined (sandbox.h)
 * Units      CLOCK_MONOTONIC ns
 * Overlap    one thread
 * Progress   cf_program_run() blocks until a signal ends it, or until the service was away for 30 s; then at most 2 s more, for the
 *            adapter to end what lives
 * Errors     false, and a line on the standard error that says why
 */
#ifndef CF_PROVIDER_PROGRAM_H
#define CF_PROVIDER_PROGRAM_H

#include "adapters/provider/options.h"
#include "adapters/provider/port.h"
#include "adapters/provider/sandbox.h"

enum { CF_EXIT_WRONG_USE = 2 };

/* All are called by cf_program_run() and may use provider and reactor. */
struct cf_program_work {
    bool (*announce)(void *arg); /* lines and live calls, after an attach; false: the core does not take them */
    void (*command)(void *arg, const struct cf_command *command, int64_t now_ns);
    int64_t (*tick)(void *arg, int64_t now_ns); /* does what is due; when to come back, CF_REACTOR_NEVER */
    void (*pause)(void *arg, bool paused);      /* the core cannot follow: stop reading; go on */
    bool (*leave)(void *arg,
                  int64_t now_ns); /* ends what lives, called again and again; true while something goes on */
    void (*print)(void *arg);      /* the counters, by cf_program_say() */
    uint32_t calls;                /* enum cf_calls: system calls beyond those of every adapter, once it runs */
};

struct cf_program {
    struct cf_options options;
    const struct cf_program_work *work;
    void *arg;
    unsigned lines; /* that are announced, for what is said */
    struct cf_provider *provider;
    struct cf_reactor *reactor;
    int64_t lost_ns;  /* when the service hung up, 0: it did not */
    int64_t retry_ns; /* when to look for it again */
    bool stopping;
    bool dump;
};

/* A line on the standard error, with the program's name before it. Never waits for who reads it: shm/sys_stderr.h. */
void cf_program_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads the command line. False: the program is to end with *ret_exit, everything was said. */
bool cf_program_begin(struct cf_program *p, int argc, char **argv, const struct cf_options_program *about,
                      int *ret_exit);

/* Makes reactor and provider; socket and name come from the command line. */
bool cf_program_open(struct cf_program *p, const struct cf_reactor_options *sizes, struct cf_provider_options options);

/* Joins the service, runs, leaves. */
bool cf_program_run(struct cf_program *p);

/* After the adapter has closed what is its own. */
void cf_program_close(struct cf_program *p);

#endif
