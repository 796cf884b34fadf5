#include "apps/callfan/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apps/callfan/tool.h"

#define WINDOW_NS INT64_C(3000000000)

static volatile sig_atomic_t asked;
static int64_t asked_ns[CF_MARKS_MAX]; /* written by the handler before it counts */

static void on_mark(int signal_number)
{
    (void)signal_number;
    if (asked < CF_MARKS_MAX) {
        asked_ns[asked] = cf_tool_now_ns();
        asked++;
    }
}

void cf_marks_catch(void)
{
    struct sigaction action = {.sa_handler = on_mark};
    sigaction(SIGUSR1, &action, NULL);
}

void cf_marks_end(struct cf_marks *m)
{
    if (m->file != NULL)
        fclose(m->file);
    m->file = NULL;
    cf_phases_fini(&m->phases);
}

static int64_t to_monotonic_ns(int64_t real_ns)
{
    struct timespec real;
    clock_gettime(CLOCK_REALTIME, &real);
    return cf_tool_now_ns() - ((int64_t)real.tv_sec * 1000000000 + real.tv_nsec - real_ns);
}

static void complain(const struct cf_marks *m, const char *what)
{
    fprintf(stderr, "callfan check: %s: %s\n", m->path, what);
    exit(EXIT_FAILURE);
}

static void add(struct cf_marks *m, int64_t at_ns)
{
    if (m->count < CF_MARKS_MAX)
        m->mark[m->count++] = (struct cf_mark){.at_ns = at_ns};
}

/* A whole number that is not negative, and the character after it; -1: none stands there. */
static int64_t take_number(char **at, char after)
{
    char *end;
    errno = 0;
    const long long number = strtoll(*at, &end, 10);
    if (errno != 0 || end == *at || number < 0 || number > INT32_MAX * INT64_C(4) || (after != '\0' && *end != after))
        return -1;
    *at = after != '\0' ? end + 1 : end;
    return number;
}

/* All lines that are new: two signals may have become one. */
static void read_lines(struct cf_marks *m)
{
    char text[64];
    if (m->file == NULL && (m->file = fopen(m->path, "re")) == NULL)
        complain(m, strerror(errno));
    clearerr(m->file); /* it grows */
    while (fgets(text, sizeof text, m->file) != NULL) {
        char *at = text;
        const int64_t seconds = take_number(&at, '.'), micros = seconds < 0 ? -1 : take_number(&at, '\0');
        if (micros < 0 || micros > 999999)
            complain(m, "a line is no time");
        const int64_t at_ns = to_monotonic_ns(seconds * 1000000000 + micros * 1000);
        at += strspn(at, " \t");
        at[strcspn(at, " \t\r\n")] = '\0';
        if (*at == '\0')
            add(m, at_ns);
        else
            cf_phases_begin(&m->phases, at, at_ns);
    }
}

void cf_marks_take(struct cf_marks *m)
{
    unsigned now = (unsigned)asked;
    if (m->path != NULL && m->heard < now)
        read_lines(m);
    for (; m->heard < now; m->heard++)
        if (m->path == NULL)
            add(m, asked_ns[m->heard]);
}

void cf_marks_write(const struct cf_marks *m, const char *phase)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int fd = open(m->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0 || dprintf(fd, "%lld.%06ld %s\n", (long long)now.tv_sec, now.tv_nsec / 1000, phase) < 0)
        complain(m, strerror(errno));
    close(fd);
}

void cf_marks_arrived(struct cf_marks *m, int64_t before_ns, int64_t now_ns)
{
    cf_marks_take(m);
    if (m->count == 0)
        return;
    struct cf_mark *k = &m->mark[m->count - 1];
    int64_t from_ns = before_ns > k->at_ns ? before_ns : k->at_ns;
    if (from_ns - k->at_ns < WINDOW_NS && now_ns - from_ns > k->silence_ns)
        k->silence_ns = now_ns - from_ns;
}

void cf_marks_event(struct cf_marks *m, int64_t event_ns, int64_t now_ns)
{
    if (m->count == 0)
        return;
    struct cf_mark *k = &m->mark[m->count - 1];
    if (k->first_ns == 0 && event_ns > k->at_ns)
        k->first_ns = now_ns - k->at_ns;
}
