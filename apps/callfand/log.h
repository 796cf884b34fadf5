/*
 * The log of callfand: one line on stderr for each thing an operator wants to know.
 *
 * Shape      time, program, who (keeper, core), level, text. Under journald (JOURNAL_STREAM in the environment) the line
 *            starts with the priority in angle brackets instead of the time
 * Overlap    any thread; a line is one write
 * Progress   never blocks on a full stderr: lines are dropped, and their number told by the next one that fits
 */
#ifndef CF_CALLFAND_LOG_H
#define CF_CALLFAND_LOG_H

enum cf_log_level { CF_LOG_ERROR = 3, CF_LOG_WARNING = 4, CF_LOG_INFO = 6 };

/* Who speaks from now on; text is borrowed for the process's life. */
void cf_log_as(const char *who);

void cf_log(enum cf_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define cf_log_error(...)   cf_log(CF_LOG_ERROR, __VA_ARGS__)
#define cf_log_warning(...) cf_log(CF_LOG_WARNING, __VA_ARGS__)
#define cf_log_info(...)    cf_log(CF_LOG_INFO, __VA_ARGS__)

#endif
