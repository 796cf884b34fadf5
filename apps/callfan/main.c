/*
 * callfan: monitors, makes, answers and manages calls from the command line. A command is a function cf_tool_COMMAND().
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/callfan/tool.h"
#include "apps/standard_streams.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *text;
} commands[] = {
    {"monitor", cf_tool_monitor, "print every message of lines and calls, live"},
    {"answer", cf_tool_answer, "own lines: answer the calls that are offered, later drop them"},
    {"dial", cf_tool_dial, "make a call, or many, and say how they went"},
    {"hold", cf_tool_hold, "put calls on hold"},
    {"unhold", cf_tool_unhold, "retrieve calls that are on hold"},
    {"drop", cf_tool_drop, "end calls"},
    {"lines", cf_tool_lines, "list the line devices"},
    {"calls", cf_tool_calls, "list the calls that exist now"},
    {"status", cf_tool_status, "show the service: ports, rings, counters, restarts"},
    {"doctor", cf_tool_doctor, "say what is wrong with the service, and what to do about it"},
    {"check", cf_tool_check, "monitor under load and compare what arrived with what was sent"},
};

static void print_help(FILE *to)
{
    fprintf(to, "usage: callfan COMMAND [OPTION]...\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].text);
    fprintf(to, "\ncallfan COMMAND --help tells more. The service's socket: --socket PATH, else CALLFAN_SOCKET,\n"
                "else /run/callfan/callfan.sock.\n"
                "exit status: 0 as it should be, 1 something was found, 2 wrong command line, 3 the service is not "
                "reachable\n");
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CF_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return CF_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("callfan %s\n", CF_VERSION);
        return CF_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "callfan: unknown command '%s'; see callfan --help\n", argv[1]);
    return CF_EXIT_USAGE;
}

/* Something could not be written, and not because its reader had read enough (callfan monitor | head). */
static bool output_is_lost(void)
{
    const bool failed = fflush(stdout) != 0;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return (failed || ferror(stdout) != 0) && poll(&out, 1, 0) >= 0 && (out.revents & POLLERR) == 0;
}

int main(int argc, char **argv)
{
    cf_standard_streams_fill();
    const int result = run(argc, argv);
    if (!output_is_lost())
        return result;
    fprintf(stderr, "callfan: standard output cannot be written\n");
    return result == CF_EXIT_OK ? CF_EXIT_FINDINGS : result;
}
