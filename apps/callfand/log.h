/*
 * The log of callfand: one line on stderr for each thing an operator wants to know.
 *
 * Shape      time, program, who (keeper, core), level, text. Under journald (JOURNAL_STREAM in the environment) the line
 *            starts with the priority in angle brackets instead of the time
 * Overlap    any thread; a line is one write
 * Progress   never waits for who reads it (shm/sys_stderr.h): lines are dropped, and their number told by the next one that fits
 */
#ifndef CF_CALLFAND_LOG_H
#define CF_CALLFAND_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum cf_log_level { CF_LOG_ERROR = 3, CF_LOG_WARNING = 4, CF_LOG_INFO = 6 };

/* Once, in main(). */
void cf_log_begin(void);

/* Who speaks from now on, in the process that was forked for it; text is borrowed for the process's life. */
void cf_log_as(const char *who);

void cf_log(enum cf_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Lines that a peer can cause at will. Zeroed: none yet. One thread. */
struct cf_log_limit {
    int64_t second; /* in which told were told */
    uint32_t told, kept_back;
};

/* Whether one more may be told: at most per_second. What was kept back is counted, and told with the next that may. */
bool cf_log_may(struct cf_log_limit *limit, uint32_t per_second);

#define cf_log_error(...)   cf_log(CF_LOG_ERROR, __VA_ARGS__)
#define cf_log_warning(...) cf_log(CF_LOG_WARNING, __VA_ARGS__)
#define cf_log_info(...)    cf_log(CF_LOG_INFO, __VA_ARGS__)

#endif
