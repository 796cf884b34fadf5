/* Lines that wait for nobody. */
#define _GNU_SOURCE 1
#include "shm/sys_stderr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shm/atomics.h"

_Static_assert(CF_STDERR_LINE_MAX <= PIPE_BUF, "whole or not at all");

enum way { PLAIN, OWN, SOCKET, NOWAIT };

static const char *program_name = "callfan";
static enum way way;
static int own_fd;
static uint32_t lines_lost;

void cf_stderr_begin(const char *program)
{
    struct stat s;
    program_name = program;
    if (fstat(STDERR_FILENO, &s) != 0)
        return;
    if (S_ISSOCK(s.st_mode))
        way = SOCKET;
    if (!S_ISFIFO(s.st_mode) && !S_ISCHR(s.st_mode))
        return;
    own_fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    way = own_fd >= 0 ? OWN : NOWAIT;
}

void cf_stderr_forked(void)
{
    cf_store_relaxed_32(&lines_lost, 0);
}

static ssize_t write_if_room(const char *line, size_t bytes)
{
    struct pollfd f = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&f, 1, 0) != 0)
        return write(STDERR_FILENO, line, bytes);
    errno = EAGAIN;
    return -1;
}

static ssize_t write_now(const char *line, size_t bytes)
{
    struct iovec v = {(void *)(uintptr_t)line, bytes};
    ssize_t n;
    switch (way) {
    case OWN:
        return write(own_fd, line, bytes);
    case SOCKET:
        return send(STDERR_FILENO, line, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    case NOWAIT:
        n = pwritev2(STDERR_FILENO, &v, 1, -1, RWF_NOWAIT);
        return n < 0 && errno == EOPNOTSUPP ? write_if_room(line, bytes) : n;
    case PLAIN:
        break;
    }
    return write(STDERR_FILENO, line, bytes);
}

/* Where nobody is left to tell, nothing is lost. */
static bool would_wait(const char *line, size_t bytes)
{
    return write_now(line, bytes) < 0 && errno == EAGAIN;
}

bool cf_stderr_put(const char *line, size_t bytes)
{
    char note[128];
    uint32_t lost = cf_swap_acq_rel_32(&lines_lost, 0);
    int n = lost == 0 ? 0 : snprintf(note, sizeof note, "%s: %u lines of log are lost\n", program_name, lost);
    if (n > 0 && would_wait(note, (size_t)n)) {
        cf_add_relaxed_32(&lines_lost, lost + 1);
        return false;
    }
    if (!would_wait(line, bytes))
        return true;
    cf_add_relaxed_32(&lines_lost, 1);
    return false;
}

void cf_stderr_say(const char *format, va_list arguments)
{
    char line[CF_STDERR_LINE_MAX];
    size_t most = sizeof line - 1; /* room for the newline */
    int used = snprintf(line, most, "%s: ", program_name);
    int text = vsnprintf(line + used, most - (size_t)used, format, arguments);
    size_t bytes = (size_t)used + (size_t)(text < 0 ? 0 : text);
    if (bytes > most - 1)
        bytes = most - 1;
    line[bytes++] = '\n';
    cf_stderr_put(line, bytes);
}
