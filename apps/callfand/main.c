/* The command line of callfand. */
#include <ctype.h>
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
#include "apps/callfand/log.h"
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
    "                     (touch, output, commit, publish; door: a step with a port)\n"
    "  --crash-at record:ID[:P]\n"
    "                     for tests: every core kills itself when it has a record with that id, and with that\n"
    "                     first parameter, in hand\n"
    "  --hang-at P:N      for tests: there it runs for ever; also door, its other thread's N-th round\n"
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

/* "ID" or "ID:PARAM1", decimal or with 0x. */
static bool parse_record(const char *text, struct cf_crash_at *ret_crash_at)
{
    char *end;
    errno = 0;
    unsigned long long id = isdigit((unsigned char)*text) ? strtoull(text, &end, 0) : 0, param1 = 0;
    if (id == 0 || id > UINT16_MAX || errno != 0)
        return false;
    bool any = *end == '\0';
    if (!any) {
        text = end + 1;
        if (*end != ':' || !isdigit((unsigned char)*text))
            return false;
        param1 = strtoull(text, &end, 0);
    }
    *ret_crash_at = (struct cf_crash_at){.record_id = (uint16_t)id, .any_param1 = any, .record_param1 = param1};
    return errno == 0 && *end == '\0';
}

static bool parse_count(const char *text, uint64_t *ret_count)
{
    char *end;
    if (text[0] < '1' || text[0] > '9')
        return false;
    errno = 0;
    *ret_count = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool parse_point(const char *text, bool hangs, struct cf_crash_at *ret_crash_at)
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
    if (!hangs && strncmp(text, "record:", 7) == 0)
        return parse_record(text + 7, ret_crash_at);
    uint64_t count;
    if (colon == NULL || !parse_count(colon + 1, &count))
        return false;
    if (strncmp(text, "door:", 5) == 0) {
        *ret_crash_at = (struct cf_crash_at){.door_rounds = hangs ? count : 0, .door_steps = hangs ? 0 : count};
        return true;
    }
    for (size_t i = 0; i < CF_POINTS; i++) {
        if (strlen(points[i].name) == (size_t)(colon - text) &&
            strncmp(points[i].name, text, (size_t)(colon - text)) == 0) {
            *ret_crash_at = (struct cf_crash_at){.point = points[i].point, .at_count = count, .hangs = hangs};
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
    enum { CONFIG = 256, SOCKET, FOREGROUND, CRASH_AT, HANG_AT, VERSION };
    static const struct option options[] = {
        {"config", required_argument, NULL, CONFIG},
        {"socket", required_argument, NULL, SOCKET},
        {"check", no_argument, NULL, 'n'},
        {"foreground", no_argument, NULL, FOREGROUND},
        {"crash-at", required_argument, NULL, CRASH_AT},
        {"hang-at", required_argument, NULL, HANG_AT},
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
            if (!parse_point(optarg, false, &c->crash_at))
                usage(
                    "--crash-at takes touch, output, commit, publish or door, a colon and a number from 1; or record:ID[:P]");
            break;
        case HANG_AT:
            if (!parse_point(optarg, true, &c->crash_at))
                usage("--hang-at takes touch, output, commit, publish or door, a colon and a number from 1");
            break;
        case 'h':
            fputs(help_text, stdout);
            if (!cf_confine_filters())
                fputs("\nThis build has a sanitizer, and therefore no sandbox.\n", stdout);
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
        if (cf_confine_become(&p->identity) != 0)
            _exit(126);
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
    cf_log_begin();
    return cf_keeper_run(&config, line.crash_at);
}
