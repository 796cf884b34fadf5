/* One line each, one write each. */
#include "apps/callfand/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shm/atomics.h"

#define LINE_BYTES_MAX 1024

static const char *log_who = "keeper";
static uint32_t lines_lost;

void cf_log_as(const char *who)
{
    log_who = who;
}

static const char *level_name(enum cf_log_level level)
{
    return level == CF_LOG_ERROR ? "error: " : level == CF_LOG_WARNING ? "warning: " : "";
}

/* Writes what precedes the text; returns its length. */
static int prefix(char *line, size_t bytes, enum cf_log_level level)
{
    if (getenv("JOURNAL_STREAM") != NULL)
        return snprintf(line, bytes, "<%d>%s: %s", (int)level, log_who, level_name(level));
    struct timespec now;
    struct tm utc;
    char stamp[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    return snprintf(line, bytes, "%s.%03ldZ callfand %s: %s", stamp, now.tv_nsec / 1000000, log_who, level_name(level));
}

/* A reader that stands still must not stop who restarts the core. */
static bool fits(void)
{
    struct pollfd f = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&f, 1, 0) != 0; /* on a pipe: room for PIPE_BUF bytes, more than a line has */
}

static void put(const char *line, size_t length)
{
    if (!fits()) {
        cf_add_relaxed_32(&lines_lost, 1);
        return;
    }
    uint32_t lost = cf_swap_acq_rel_32(&lines_lost, 0);
    char note[64];
    ssize_t written = 0;
    if (lost != 0)
        written = write(STDERR_FILENO, note,
                        (size_t)snprintf(note, sizeof note, "callfand: %u lines of log are lost\n", lost));
    written = write(STDERR_FILENO, line, length);
    (void)written; /* nobody is left to tell */
}

void cf_log(enum cf_log_level level, const char *format, ...)
{
    char line[LINE_BYTES_MAX];
    int used = prefix(line, sizeof line, level);
    va_list arguments;
    va_start(arguments, format);
    int text = vsnprintf(line + used, sizeof line - (size_t)used - 1, format, arguments);
    va_end(arguments);
    size_t length = (size_t)used + (size_t)(text < 0 ? 0 : text);
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    for (size_t i = (size_t)used; i < length; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = ' ';
    line[length++] = '\n';
    put(line, length);
}
