/*
 * A command's options: one table that is parsed, checked and printed by --help.
 *
 * Shape      long options only: --name, --name VALUE, --name=VALUE. --help is added to every table. What does not begin with
 *            '-' is an operand, and so is all that follows "--".
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
    CF_OPTION_RATE,    /* double *: so many a second, CF_TOOL_RATE_MIN to CF_TOOL_RATE_MAX, with a fraction */
    CF_OPTION_TEXT,    /* const char ** */
    CF_OPTION_LINES,   /* struct cf_tool_line_list *: N or N-M, may be repeated */
};

enum { CF_TOOL_LINE_RANGES_MAX = 64, CF_TOOL_OPERANDS_MAX = 256, CF_TOOL_RATE_MAX = 100000 };

#define CF_TOOL_RATE_MIN 1e-6

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

/* What is on the command line beside options, in order; borrowed from argv. */
struct cf_tool_operands {
    const char *name;  /* "CALL" */
    uint32_t min, max; /* max at most CF_TOOL_OPERANDS_MAX */
    uint32_t count;
    const char *text[CF_TOOL_OPERANDS_MAX];
};

struct cf_tool_usage {
    const char *synopsis; /* "callfan lines [OPTION]..." */
    const char *text;     /* what the command does; lines of at most 90 characters */
    const struct cf_tool_option *options;
    size_t options_count;
    struct cf_tool_operands *operands; /* NULL: the command takes none */
    const char *exits; /* what 0 and 1 mean, where that is not "as it should be" and "something was found" */
};

/* The option that all commands have. */
#define CF_TOOL_OPTION_SOCKET(target)                                                                                  \
    {                                                                                                                  \
        "socket", CF_OPTION_TEXT, target, "PATH", "the service's socket (default: CALLFAN_SOCKET, then the system's)"  \
    }

/* CF_EXIT_OK: go on. Else the process ends with *ret_exit: --help was printed (0), or the command line is wrong (2). */
enum cf_tool_parse { CF_PARSE_GO_ON, CF_PARSE_END };
enum cf_tool_parse cf_tool_options_parse(int argc, char **argv, const struct cf_tool_usage *usage, int *ret_exit);

#endif
