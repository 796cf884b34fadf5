/*
 * The standard error of a program that must not stand still: a line goes out at once, or it is lost and counted.
 *
 * Shape      the description behind descriptor 2 belongs to whoever started the program and to all that it starts, so its O_NONBLOCK is not
 *            set. A pipe or terminal is opened once more, and that description does not wait; a socket is told so with each line. A pipe that
 *            cannot be opened, since it is another user's, is written with RWF_NOWAIT; before Linux 6.4 it is asked with poll(2)
 * Overlap    any thread; a line is one write, so that lines of several processes stay whole
 * Progress   never waits for a reader. A file waits for its disk; a pipe that is only asked waits when others fill it between question and write
 * Trust      whoever else writes into a pipe holds its lock while it does so (sys_bell.h): see SECURITY.md
 */
#ifndef CF_SHM_SYS_STDERR_H
#define CF_SHM_SYS_STDERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define CF_STDERR_LINE_MAX 1024 /* less than PIPE_BUF */

/* Once, before there are threads and before the process is confined. program stands before what cf_stderr_say() says; borrowed for good. */
void cf_stderr_begin(const char *program);

/* In a fork that goes on: what its parent has lost is its parent's to tell. */
void cf_stderr_forked(void);

/* A line with its newline, at most CF_STDERR_LINE_MAX bytes. False: it is lost. The next one that fits is preceded by how many were. */
bool cf_stderr_put(const char *line, size_t bytes);

/* "program: text" and a newline; what is longer than a line is cut. */
void cf_stderr_say(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

#endif
