#define _GNU_SOURCE 1
#include "bench/transport/roudi.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS 10000
#define END_MS   5000

static const char configuration[] =
    "[general]\nversion = 1\n[[segment]]\n[[segment.mempool]]\nsize = 4096\ncount = 2048\n";

static struct {
    pid_t pid, owner; /* 0: not running; who started it, since children inherit the rest */
    int says;         /* what it prints; kept open, or it would be killed by printing more */
} roudi;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool has_ended(void)
{
    return waitpid(roudi.pid, NULL, WNOHANG) != 0;
}

static void stop(void)
{
    if (roudi.pid == 0 || roudi.owner != getpid())
        return;
    kill(roudi.pid, SIGTERM);
    bool ended = has_ended();
    for (int64_t end = now_ms() + END_MS; !ended && now_ms() < end; ended = has_ended())
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    if (!ended) {
        kill(roudi.pid, SIGKILL);
        waitpid(roudi.pid, NULL, 0);
    }
    close(roudi.says);
    roudi.pid = 0;
}

/* Not close-on-exec: read by its path. */
static int configuration_file(char *path, size_t path_bytes)
{
    int fd = memfd_create("roudi", 0);
    if (fd < 0 || write(fd, configuration, sizeof configuration - 1) != (ssize_t)sizeof configuration - 1)
        return -1;
    snprintf(path, path_bytes, "/proc/self/fd/%d", fd);
    return fd;
}

static _Noreturn void become_roudi(int says, pid_t parent)
{
    char path[64];
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || configuration_file(path, sizeof path) < 0)
        _exit(127);
    dup2(says, STDOUT_FILENO);
    dup2(says, STDERR_FILENO);
    /* It does not watch over the ends: one that is kept from the CPU for long is not dead. */
    execlp("iox-roudi", "iox-roudi", "--monitoring-mode", "off", "--config-file", path, (char *)NULL);
    _exit(127);
}

static bool await_ready(void)
{
    char text[16384];
    size_t used = 0;
    for (int64_t end = now_ms() + START_MS, left; (left = end - now_ms()) > 0;) {
        struct pollfd p = {.fd = roudi.says, .events = POLLIN};
        if (poll(&p, 1, (int)left) <= 0)
            continue;
        ssize_t n = read(roudi.says, text + used, sizeof text - 1 - used);
        if (n <= 0)
            return false;
        used += (size_t)n;
        text[used] = 0;
        if (strstr(text, "ready for clients") != NULL)
            return true;
    }
    return false;
}

bool roudi_start(const char **ret_why)
{
    static bool failed;
    int fds[2];
    *ret_why = "iox-roudi does not start (not installed, another one running, or no room in /dev/shm)";
    if (roudi.pid != 0)
        return true;
    if (failed || pipe2(fds, O_CLOEXEC) != 0)
        return false;
    pid_t self = getpid(), child = fork();
    if (child == 0)
        become_roudi(fds[1], self);
    close(fds[1]);
    roudi.pid = child;
    roudi.owner = self;
    roudi.says = fds[0];
    if (child > 0 && await_ready()) {
        atexit(stop);
        return true;
    }
    failed = true;
    if (child > 0)
        stop();
    roudi.pid = 0;
    return false;
}
