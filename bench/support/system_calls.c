#define _GNU_SOURCE 1
#include "bench/support/system_calls.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACEFS "/sys/kernel/tracing"

/* The trace point's number, or 0. */
static unsigned id_in(const char *folder)
{
    char path[128];
    unsigned id = 0;
    snprintf(path, sizeof path, "%s/events/raw_syscalls/sys_enter/id", folder);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%u", &id) != 1)
        id = 0;
    fclose(f);
    return id;
}

static unsigned id_in_own_name_space(void)
{
    unsigned id = 0;
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return 0;
    pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
            mount("tracefs", TRACEFS, "tracefs", 0, NULL) == 0)
            id = id_in(TRACEFS);
        _exit(write(fds[1], &id, sizeof id) == (ssize_t)sizeof id ? 0 : 1);
    }
    close(fds[1]);
    if (read(fds[0], &id, sizeof id) != (ssize_t)sizeof id)
        id = 0;
    close(fds[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
    return id;
}

static unsigned trace_point(void)
{
    static unsigned id;
    static bool known;
    if (!known) {
        known = true;
        id = id_in(TRACEFS);
        if (id == 0)
            id = id_in_own_name_space();
    }
    return id;
}

int system_calls_open(void)
{
    struct perf_event_attr a = {
        .type = PERF_TYPE_TRACEPOINT,
        .size = sizeof a,
        .config = trace_point(),
        .inherit = 1,
        .inherit_thread = 1,
    };
    if (a.config == 0)
        return -1;
    return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

uint64_t system_calls_read(int counter)
{
    uint64_t count = 0;
    return read(counter, &count, sizeof count) == (ssize_t)sizeof count ? count : 0;
}
