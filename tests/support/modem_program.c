#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/support/modem_program.h"
#include "tests/support/spawn.h"

/* Short times, so that what has to pass passes soon; what must not run out under load is long. */
#define QUICK                                                                                                          \
    "--set", "poll_ms=10", "--set", "ring_ms=1500", "--set", "command_ms=20000", "--set", "dial_ms=60000", "--set",    \
        "dial_reply_ms=300", "--set", "settle_ms=1", "--set", "escape_guard_ms=5", "--set", "late_ms=50", "--set",     \
        "retry_ms=10", "--set", "remove_ms=60000"

static void read_said(struct modem_program *p)
{
    const size_t used = strlen(p->said);
    const ssize_t n = read(p->out, p->said + used, sizeof(p->said) - 1 - used);
    if (n > 0)
        p->said[used + (size_t)n] = '\0';
}

/* ---- turning */

void modem_program_turn(struct modem_program *p)
{
    for (unsigned i = 0; i < p->modems; i++)
        modem_turn(&p->modem[i]);
    if (p->core.core.up != NULL && !p->core.core.serving)
        modem_core_hear(&p->core);
    read_said(p);
}

const char *modem_program_tail(const char *text)
{
    const size_t len = strlen(text);
    return len > 400 ? text + len - 400 : text;
}

int modem_program_wait_for_exit(struct modem_program *p)
{
    int status = 0;
    MODEM_PROGRAM_UNTIL(p, waitpid(p->pid, &status, WNOHANG) == p->pid);
    read_said(p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- beginning and end */

static const char *link_of(const struct modem_program *p, unsigned line)
{
    static char path[160];
    snprintf(path, sizeof(path), "%s/modem%u", p->core.core.folder, line);
    return path;
}

void modem_program_set_up(struct modem_program *p, unsigned modems)
{
    memset(p, 0, sizeof(*p));
    p->modems = modems;
    provider_core_init(&p->core.core, 1024, 4096);
    for (unsigned i = 0; i < modems; i++) {
        p->modem[i].seed = i + 1;
        modem_open(&p->modem[i], link_of(p, i));
    }
    provider_core_serve(&p->core.core);
}

bool modem_program_in_service(const struct modem_program *p)
{
    for (unsigned i = 0; i < p->modems; i++) {
        const char *events = p->core.line[i].events;
        const size_t n = strlen(events);
        const bool anew = n > 1 && strcmp(events + n - 2, "-+") == 0; /* it is created when it works */
        if (n == 0 || (events[n - 1] != 's' && !anew))
            return false;
    }
    return true;
}

void modem_program_start(struct modem_program *p, const char *set, const char *set_2)
{
    char devices[MODEM_LINES * 160] = "device={";
    for (unsigned i = 0; i < p->modems; i++)
        sprintf(devices + strlen(devices), "%s\"%s\"", i == 0 ? "" : ", ", link_of(p, i));
    strcat(devices, "}");
    char *const argv[] = {(char *)spawn_path("callfan-modem"),
                          "--socket",
                          p->core.core.path,
                          "--name",
                          "test",
                          "--set",
                          devices,
                          QUICK,
                          "--set",
                          set != NULL ? (char *)set : "numeric=false",
                          "--set",
                          set_2 != NULL ? (char *)set_2 : "numeric=false",
                          NULL};
    p->pid = spawn(argv, &p->out);
    provider_core_served(&p->core.core);
    MODEM_PROGRAM_UNTIL(p, p->core.snapshot_ended && modem_program_in_service(p));
}

void modem_program_tear_down(struct modem_program *p)
{
    assert_int_equal(kill(p->pid, SIGTERM), 0);
    const int status = modem_program_wait_for_exit(p);
    if (status != 0)
        fail_msg("exit %d: %s", status, p->said);
    close(p->out);
    for (unsigned i = 0; i < p->modems; i++)
        modem_close(&p->modem[i]);
    provider_core_fini(&p->core.core);
}

struct modem_heard *modem_program_newest(struct modem_program *p, uint32_t line)
{
    return modem_core_newest(&p->core, line);
}

bool modem_program_is(struct modem_program *p, uint32_t line, const char *states)
{
    const struct modem_heard *heard = modem_program_newest(p, line);
    return heard != NULL && strcmp(heard->states, states) == 0;
}

bool modem_program_replied(const struct modem_program *p, uint64_t number)
{
    return p->core.reply[number].came;
}

bool modem_program_said(const struct modem_program *p, const char *text)
{
    return strstr(p->said, text) != NULL;
}
