/*
 * callfan, the command-line tool: its commands, and what they share.
 *
 * Errors     every command returns one of enum cf_tool_exit and has said on stderr what went wrong
 */
#ifndef CF_APPS_CALLFAN_TOOL_H
#define CF_APPS_CALLFAN_TOOL_H

#include <stdbool.h>
#include <stdint.h>

enum cf_tool_exit {
    CF_EXIT_OK = 0,
    CF_EXIT_FINDINGS = 1,   /* it ran, and what it looked at is not as it should be */
    CF_EXIT_USAGE = 2,      /* the command line is wrong */
    CF_EXIT_NO_SERVICE = 3, /* callfand cannot be reached, or went away */
};

/* argv[0] is the command's name. */
int cf_tool_monitor(int argc, char **argv);
int cf_tool_answer(int argc, char **argv);
int cf_tool_dial(int argc, char **argv);
int cf_tool_hold(int argc, char **argv);
int cf_tool_unhold(int argc, char **argv);
int cf_tool_drop(int argc, char **argv);
int cf_tool_lines(int argc, char **argv);
int cf_tool_calls(int argc, char **argv);
int cf_tool_status(int argc, char **argv);
int cf_tool_doctor(int argc, char **argv);
int cf_tool_check(int argc, char **argv);

/* CLOCK_MONOTONIC. */
int64_t cf_tool_now_ns(void);

/* SIGINT and SIGTERM ask the command to end; another one, a second later, ends it at once. SIGPIPE is ignored. */
void cf_tool_catch_signals(void);
bool cf_tool_stop_asked(void);

#endif
