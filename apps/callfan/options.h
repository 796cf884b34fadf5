/*
 * A command's options: one table that is parsed, checked and printed by --help.
 *
 * Shape      long options only: --name, --name VALUE, --name=VALUE. --help is added to every table.
 * Writers    the target of an option; CF_OPTION_LINES adds to its list, the others take the last value given
 */
#ifndef CF_APPS_CALLFAN_OPTIONS_H
#define CF_APPS_CALLFAN_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

enum cf_tool_option_kind {
    CF_OPTION_FLAG,    /* bool * */
    CF_OPTION_U32,     /* uint32_t *: a decimal number */
    CF_OPTION_U64,     /* uint64_t * */
    CF_OPTION_SECONDS, /* int64_t *: seconds with a fraction, stored as nanoseconds */
    CF_OPTION_TEXT,    /* const char ** */
    CF_OPTION_LINES,   /* struct cf_tool_line_list *: N or N-M, may be repeated */
};

enum { CF_TOOL_LINE_RANGES_MAX = 64 };

/* Which lines a command is about: none given means all. */
struct cf_tool_line_list {
    uint32_t count;
    struct {
        uint32_t first, last;
    } range[CF_TOOL_LINE_RANGES_MAX];
};

struct cf_tool_option {
    const char *name;
    enum cf_tool_option_kind kind;
    void *target;
    const char *value; /* the value's name in --help, NULL for a flag */
    const char *help;
};

struct cf_tool_usage {
    const char *synopsis; /* "callfan lines [OPTION]..." */
    const char *text;     /* what the command does; lines of at most 90 characters */
    const struct cf_tool_option *options;
    size_t options_count;
};

/* CF_EXIT_OK: go on. Else the process ends with *ret_exit: --help was printed (0), or the command line is wrong (2). */
enum cf_tool_parse { CF_PARSE_GO_ON, CF_PARSE_END };
enum cf_tool_parse cf_tool_options_parse(int argc, char **argv, const struct cf_tool_usage *usage, int *ret_exit);

#endif
