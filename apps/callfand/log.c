/* One line each, one write each. */
#include "apps/callfand/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shm/sys_stderr.h"

static const char *log_who = "keeper";

void cf_log_begin(void)
{
    cf_stderr_begin("callfand");
}

void cf_log_as(const char *who)
{
    log_who = who;
    cf_stderr_forked();
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

void cf_log(enum cf_log_level level, const char *format, ...)
{
    char line[CF_STDERR_LINE_MAX];
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
    cf_stderr_put(line, length);
}

bool cf_log_may(struct cf_log_limit *limit, uint32_t per_second)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec != limit->second) {
        limit->second = now.tv_sec;
        limit->told = 0;
    }
    if (limit->told == per_second) {
        limit->kept_back++;
        return false;
    }
    limit->told++;
    if (limit->kept_back != 0)
        cf_log_info("%u lines like the next one were kept back", limit->kept_back);
    limit->kept_back = 0;
    return true;
}
