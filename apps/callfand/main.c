/* The command line of callfand. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/callfand/config.h"
#include "apps/callfand/keeper.h"
#include "apps/standard_streams.h"

#define DEFAULT_CONFIG    CF_SYSCONFDIR "/callfan/callfan.conf" /* /etc where callfan is installed under /usr */
#define CHECK_SECONDS_MAX 10

static const char help_text[] =
    "usage: callfand [--config FILE] [--socket PATH] [-n]\n"
    "\n"
    "The Callfan service: keeps the lines, calls and handles, starts its providers, serves applications.\n"
    "\n"
    "  --config FILE      the configuration (" DEFAULT_CONFIG ")\n"
    "  --socket PATH      the control socket, instead of that of the configuration\n"
    "  -n, --check        only check the configuration and say what is wrong\n"
    "  --foreground       accepted for service managers; callfand never goes into the background\n"
    "  --crash-at P:N     for tests: the first core kills itself at the N-th point of kind P\n"
    "                     (touch, output, commit, publish)\n"
    "  -h, --help         this text\n"
    "  --version          the version\n"
    "\n"
    "SIGTERM and SIGINT end it, SIGHUP reads the configuration again.\n"
    "Exit status: 0 ended as asked, 1 the configuration is wrong, 2 the command line is wrong, 3 it cannot start\n"
    "(socket in use, no memory), 4 the core could not be kept alive.\n";

struct command_line {
    const char *config, *socket;
    bool check;
    struct cf_crash_at crash_at;
};

static bool parse_crash_at(const char *text, struct cf_crash_at *ret_crash_at)
{
    static const struct {
        const char *name;
        enum cf_point point;
    } points[] = {{"touch", CF_POINT_TOUCH},
                  {"output", CF_POINT_OUTPUT},
                  {"commit", CF_POINT_COMMIT},
                  {"publish", CF_POINT_PUBLISH}};
    _Static_assert(sizeof points / sizeof points[0] == CF_POINTS, "every kind of point has a name");
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon[1] < '1' || colon[1] > '9')
        return false;
    char *end;
    errno = 0;
    uint64_t count = strtoull(colon + 1, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    for (size_t i = 0; i < CF_POINTS; i++) {
        if (strlen(points[i].name) == (size_t)(colon - text) &&
            strncmp(points[i].name, text, (size_t)(colon - text)) == 0) {
            *ret_crash_at = (struct cf_crash_at){points[i].point, count};
            return true;
        }
    }
    return false;
}

static void usage(const char *what)
{
    fprintf(stderr, "callfand: %s; see callfand --help\n", what);
    exit(CF_EXIT_USAGE);
}

static void parse(int argc, char **argv, struct command_line *c)
{
    enum { CONFIG = 256, SOCKET, FOREGROUND, CRASH_AT, VERSION };
    static const struct option options[] = {
        {"config", required_argument, NULL, CONFIG},
        {"socket", required_argument, NULL, SOCKET},
        {"check", no_argument, NULL, 'n'},
        {"foreground", no_argument, NULL, FOREGROUND},
        {"crash-at", required_argument, NULL, CRASH_AT},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, VERSION},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "nh", options, NULL)) != -1) {
        switch (option) {
        case CONFIG:
            c->config = optarg;
            break;
        case SOCKET:
            c->socket = optarg;
            break;
        case 'n':
            c->check = true;
            break;
        case FOREGROUND:
            break;
        case CRASH_AT:
            if (!parse_crash_at(optarg, &c->crash_at))
                usage("--crash-at takes touch, output, commit or publish, a colon and a number from 1");
            break;
        case 'h':
            fputs(help_text, stdout);
            exit(CF_EXIT_GOOD);
        case VERSION:
            puts("callfand " CF_VERSION);
            exit(CF_EXIT_GOOD);
        default:
            exit(CF_EXIT_USAGE); /* getopt has said why */
        }
    }
    if (optind < argc)
        usage("it takes no arguments besides options");
}

/* ------------------------------------------------------------------- check */

/* Lets the provider's program read its own section. */
static bool check_provider(const struct cf_config *config, const struct cf_config_provider *p)
{
    char path[PATH_MAX];
    if (!cf_config_command_path(p->command, path, sizeof path)) {
        fprintf(stderr, "%s:%u: provider %s: cannot find the program %s\n", config->path, p->line, p->name, p->command);
        return false;
    }
    const char *argv[10 + CF_PROVIDER_ARGS_MAX] = {p->command, "--socket", config->socket, "--name",
                                                   p->name,    "--config", config->path};
    size_t n = 7;
    for (uint32_t i = 0; i < p->args_count; i++)
        argv[n++] = p->args[i];
    argv[n++] = "--check";
    argv[n] = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(CHECK_SECONDS_MAX);
        execv(path, (char **)(uintptr_t)argv);
        _exit(127);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "%s:%u: provider %s: %s finds its section wrong\n", config->path, p->line, p->name, path);
        return false;
    }
    return true;
}

static int check(const struct cf_config *config)
{
    bool good = true;
    for (uint32_t i = 0; i < config->providers_count; i++)
        if (config->providers[i].command != NULL)
            good &= check_provider(config, &config->providers[i]);
    if (good)
        printf("%s: good, %u providers\n", config->path, config->providers_count);
    return good ? CF_EXIT_GOOD : CF_EXIT_CONFIG;
}

int main(int argc, char **argv)
{
    struct command_line line = {.config = DEFAULT_CONFIG};
    static struct cf_config config;
    char why[512];
    cf_standard_streams_fill();
    parse(argc, argv, &line);
    if (!cf_config_load(line.config, &config, why, sizeof why)) {
        fprintf(stderr, "callfand: %s\n", why);
        return CF_EXIT_CONFIG;
    }
    if (line.socket != NULL) {
        if (*line.socket == '\0' || strlen(line.socket) >= sizeof config.socket)
            usage("--socket takes a path of at most 95 bytes");
        snprintf(config.socket, sizeof config.socket, "%s", line.socket);
    }
    if (line.check) {
        int status = check(&config);
        cf_config_fini(&config);
        return status;
    }
    return cf_keeper_run(&config, line.crash_at);
}
