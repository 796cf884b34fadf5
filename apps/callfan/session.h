/*
 * A command's stay at the service: joined, its lines open, messages taken in batches, timers run, until the command says that
 * it has finished.
 *
 * Shape      the command fills the first part, cf_tool_session_join() the second
 * Overlap    one thread
 * Errors     enum cf_tool_exit; the reason is on stderr
 * Progress   a step waits CF_TOOL_WAIT_MS_MAX at most: so late may ^C be noticed
 */
#ifndef CF_APPS_CALLFAN_SESSION_H
#define CF_APPS_CALLFAN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "apps/callfan/open_lines.h"
#include "apps/callfan/options.h"
#include "apps/callfan/service.h"
#include "apps/callfan/timers.h"
#include "callfan/tapi.h"

enum { CF_TOOL_WAIT_MS_MAX = 100 };

/* What a command does with what comes; all but finished and message may be NULL. */
struct cf_tool_session_ops {
    bool (*finished)(void *self);
    void (*arrived)(void *self); /* there is at least one message: called before the first of a batch */
    void (*message)(void *self, const struct cf_batch_message *m);
    /* m, already given to message(), is LINE_CREATE or LINE_CLOSE of a line of ours, which has been opened or forgotten. */
    void (*line)(void *self, const struct cf_batch_message *m, DWORD device);
    void (*timer)(void *self, const struct cf_tool_timer *timer);
    void (*turned)(void *self); /* messages and timers of a step are through */
};

struct cf_tool_session {
    const char *command; /* "dial" */
    const struct cf_tool_session_ops *ops;
    void *self;
    const char *socket;              /* NULL: as cf_tool_socket() finds it */
    struct cf_tool_line_list wanted; /* empty: all, later ones too */
    DWORD privileges;                /* LINECALLPRIVILEGE_ */
    uint32_t ring_kib, flags;        /* 0: the service's default; CF_INIT_ */
    int64_t duration_ns;             /* 0: no end */
    uint64_t messages_max;           /* 0: no end */

    struct cf_tool_service service;
    struct cf_tool_lines lines;
    struct cf_tool_timers timers;
    int64_t start_ns, end_ns; /* end_ns 0: none */
    uint64_t messages;        /* given to the command */
    bool gone;                /* the service went away: every handle is void */
};

/* Joins and opens the lines. After CF_EXIT_OK the command ends with cf_tool_session_leave(). */
int cf_tool_session_join(struct cf_tool_session *s);

/* The same with a service that has gone, once: CF_EXIT_NO_SERVICE, without a word, when there is none yet. */
int cf_tool_session_rejoin(struct cf_tool_session *s);

/* Takes messages and runs timers until the command has finished (CF_EXIT_OK) or the service has gone (s->gone, and
 * CF_EXIT_NO_SERVICE). */
int cf_tool_session_run(struct cf_tool_session *s);

/* An end that holds for most commands: ^C or SIGTERM, the time is over, messages_max were given. */
bool cf_tool_session_over(const struct cf_tool_session *s);

/* In so many milliseconds the command's timer() runs. */
void cf_tool_session_later(struct cf_tool_session *s, int64_t ms, uint64_t key, uint32_t action);

/* Gives everything back. Says so when the service had gone. */
void cf_tool_session_leave(struct cf_tool_session *s);

double cf_tool_session_seconds(const struct cf_tool_session *s);

#endif
