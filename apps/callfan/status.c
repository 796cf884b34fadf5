/*
 * callfan status: ports, ring depth, the law's counters, turns, restarts.
 */
#include "apps/callfan/status.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/callfan/options.h"
#include "apps/callfan/service.h"
#include "apps/callfan/tool.h"
#include "shm/hello.h"
#include "shm/port.h"
#include "shm/sys_socket.h"

#define CONNECT_NS INT64_C(5000000000)
#define ANSWER_NS  INT64_C(120000000000) /* of an inspection; a status comes at once */

enum { TEXT_BYTES_MAX = 64 << 20 };

static int64_t number(struct json_object *o, const char *key)
{
    struct json_object *v;
    return json_object_object_get_ex(o, key, &v) ? json_object_get_int64(v) : 0;
}

static const char *text(struct json_object *o, const char *key)
{
    struct json_object *v;
    return json_object_object_get_ex(o, key, &v) && v != NULL ? json_object_get_string(v) : "-";
}

static struct json_object *part(struct json_object *o, const char *key)
{
    struct json_object *v;
    return json_object_object_get_ex(o, key, &v) ? v : NULL;
}

static size_t list_length(struct json_object *list)
{
    return list != NULL && json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

/* Reads packets until the service hangs up. */
static char *read_all(int fd, int64_t patience_ns, size_t *ret_bytes)
{
    char *all = NULL;
    size_t bytes = 0, packet = 1;
    while (packet != 0 && bytes < TEXT_BYTES_MAX) {
        char *more = realloc(all, bytes + CF_STATUS_PACKET + 1);
        uint32_t fds = 0;
        if (more == NULL)
            break;
        all = more;
        int error = cf_socket_wait(fd, POLLIN, patience_ns);
        if (error == 0)
            error = cf_socket_receive(fd, all + bytes, CF_STATUS_PACKET, &packet, NULL, 0, &fds);
        if (error == -ECONNRESET)
            packet = 0;
        else if (error != 0)
            break;
        bytes += packet;
        all[bytes] = '\0';
    }
    *ret_bytes = bytes;
    return all;
}

/* A refusal comes as a welcome, whose text says why. */
static struct json_object *parse(const char *command, const char *all, size_t bytes, int *ret_exit)
{
    struct cf_welcome refusal;
    *ret_exit = CF_EXIT_FINDINGS;
    if (bytes == sizeof refusal) {
        memcpy(&refusal, all, sizeof refusal);
        if (refusal.magic == CF_HELLO_MAGIC) {
            fprintf(stderr, "callfan %s: refused: %.*s\n", command, (int)sizeof refusal.text, refusal.text);
            return NULL;
        }
    }
    struct json_object *o = bytes == 0 ? NULL : json_tokener_parse(all);
    if (o == NULL)
        fprintf(stderr, "callfan %s: the service's answer is no status (%zu bytes)\n", command, bytes);
    return o;
}

struct json_object *cf_tool_service_ask(const char *command, const char *socket, struct cf_hello *hello, int *ret_exit)
{
    int fd, error = cf_socket_connect(socket, CONNECT_NS, &fd);
    *ret_exit = CF_EXIT_NO_SERVICE;
    if (error != 0) {
        fprintf(stderr,
                "callfan %s: nobody answers at %s (%s): start callfand, or name its socket with --socket or "
                "CALLFAN_SOCKET\n",
                command, socket, strerror(-error));
        return NULL;
    }
    struct json_object *o = NULL;
    hello->magic = CF_HELLO_MAGIC;
    hello->version = CF_LAYOUT_VERSION;
    error = cf_socket_send(fd, hello, sizeof *hello, NULL, 0);
    if (error != 0) {
        fprintf(stderr, "callfan %s: asking the service at %s: %s\n", command, socket, strerror(-error));
    } else {
        size_t bytes = 0;
        char *all = read_all(fd, hello->kind == CF_HELLO_STATUS ? CONNECT_NS : ANSWER_NS, &bytes);
        o = parse(command, all, bytes, ret_exit);
        free(all);
    }
    close(fd);
    return o;
}

struct json_object *cf_tool_status_fetch(const char *command, const char *socket, int *ret_exit)
{
    struct cf_hello hello = {.kind = CF_HELLO_STATUS, .name = "callfan status"};
    return cf_tool_service_ask(command, socket, &hello, ret_exit);
}

static void print_process(struct json_object *o)
{
    struct json_object *p = part(o, "process"), *s = part(o, "settings"), *t = part(o, "totals"), *d = part(o, "door");
    struct json_object *up = part(p, "up_seconds");
    printf("callfand %s  up %.0f s  keeper %" PRId64 "  core %" PRId64 "  socket %s\n", text(o, "version"),
           up != NULL ? json_object_get_double(up) : 0.0, number(p, "keeper_pid"), number(p, "core_pid"),
           text(s, "socket"));
    printf("restarts  core %" PRId64 " (last end: %s)  cold starts %" PRId64 "  turns undone %" PRId64
           "  published again %" PRId64 "  records set aside %" PRId64 "\n",
           number(p, "core_restarts"), text(p, "last_core_end"), number(p, "cold_starts"),
           number(t, "recoveries_undone"), number(t, "recoveries_republished"), number(t, "set_aside"));
    printf("work      turns %" PRId64 "  records %" PRId64 "  deliveries %" PRId64 "  bells %" PRId64
           "  sleeps %" PRId64 "\n",
           number(t, "turns"), number(t, "records"), number(t, "deliveries"), number(t, "bells_rung"),
           number(t, "sleeps"));
    printf("calls     live %" PRId64 "  made %" PRId64 "  ended %" PRId64 "  refused %" PRId64 "  lines %" PRId64
           "  opens %" PRId64 "  handles %" PRId64 "\n",
           number(t, "calls_live"), number(t, "calls_made"), number(t, "calls_ended"), number(t, "calls_refused"),
           number(t, "lines"), number(t, "opens"), number(t, "handles_live"));
    printf("refused   stale events %" PRId64 "  stale requests %" PRId64 "  bad records %" PRId64 "  handles %" PRId64
           "  hellos %" PRId64 "  expelled %" PRId64 "\n",
           number(t, "stale_events"), number(t, "stale_requests"), number(t, "bad_records"),
           number(t, "handles_refused"), number(d, "refused"), number(d, "expelled"));
}

static void print_providers(struct json_object *list)
{
    printf("\n%-16s %8s %9s %6s  %s\n", "provider", "pid", "restarts", "hangs", "last end");
    for (size_t i = 0; i < list_length(list); i++) {
        struct json_object *p = json_object_array_get_idx(list, i);
        printf("%-16s %8" PRId64 " %9" PRId64 " %6" PRId64 "  %s\n", text(p, "name"), number(p, "pid"),
               number(p, "restarts"), number(p, "hangs"), text(p, "last_end"));
    }
}

/* The access section and the limits of a port; "-" where everything is allowed. */
static void access_of(struct json_object *port, char *room, size_t room_bytes)
{
    struct json_object *name;
    if (!json_object_object_get_ex(port, "access", &name) || name == NULL)
        snprintf(room, room_bytes, "-");
    else
        snprintf(room, room_bytes, "%s: %" PRId64 " handles, %" PRId64 " lines, %" PRId64 " requests a turn",
                 json_object_get_string(name), number(port, "handles_max"), number(port, "open_lines_max"),
                 number(port, "requests_per_turn"));
}

/* "live", "behind 12 s", "resync 0 s" */
static const char *port_state(struct json_object *p, char words[24])
{
    static const char *const steps[] = {"", "behind", "resync"};
    int64_t step = number(p, "behind");
    struct json_object *since = part(p, "behind_seconds");
    if (step > 0 && step <= 2)
        snprintf(words, 24, "%s %.0f s", steps[step], since != NULL ? json_object_get_double(since) : 0.0);
    else
        snprintf(words, 24, "%s", text(p, "state"));
    return words;
}

/* By its own counters, and by what the core says of them. */
static bool law_holds(struct json_object *p)
{
    struct json_object *lawful = part(p, "lawful");
    return number(p, "offered") ==
               number(p, "delivered") + number(p, "pending") + number(p, "missed") + number(p, "cancelled") &&
           (lawful == NULL || json_object_get_boolean(lawful));
}

static void print_ports(struct json_object *list)
{
    printf("\n%4s %-11s %-20s %8s %-13s %15s %13s %-2s %13s %8s %12s %12s %5s %6s %9s  %s\n", "port", "kind", "name", "pid",
           "state", "ring", "offered", "=", "delivered", "+pending", "+missed", "+cancelled", "gaps", "lines",
           "handles", "access");
    for (size_t i = 0; i < list_length(list); i++) {
        struct json_object *p = json_object_array_get_idx(list, i);
        char ring[48], words[24], access[160];
        access_of(p, access, sizeof access);
        snprintf(ring, sizeof ring, "%" PRId64 "/%" PRId64, number(p, "ring_used"), number(p, "ring_slots"));
        printf("%4" PRId64 " %-11s %-20.20s %8" PRId64 " %-13s %15s %13" PRId64 " %-2s %13" PRId64 " %8" PRId64
               " %12" PRId64 " %12" PRId64 " %5" PRId64 " %6" PRId64 " %9" PRId64 "  %s\n",
               number(p, "port"), text(p, "kind"), text(p, "name"), number(p, "pid"), port_state(p, words), ring,
               number(p, "offered"), law_holds(p) ? "=" : "!=", number(p, "delivered"), number(p, "pending"),
               number(p, "missed"), number(p, "cancelled"), number(p, "gaps"), number(p, "open_lines"),
               number(p, "handles"), access);
    }
}

int cf_tool_status(int argc, char **argv)
{
    const char *socket = NULL;
    bool json = false;
    const struct cf_tool_option options[] = {
        CF_TOOL_OPTION_SOCKET(&socket),
        {"json", CF_OPTION_FLAG, &json, NULL, "everything, as one JSON object"},
    };
    const struct cf_tool_usage usage = {
        .synopsis = "callfan status [OPTION]...",
        .text = "Shows the service: its processes and restarts, what the engine did, the providers, and\n"
                "per port the ring's depth and the counters, for which at every turn\n"
                "offered = delivered + pending + missed + cancelled; != marks a port for which it does not hold.",
        .options = options,
        .options_count = sizeof options / sizeof *options};
    int result;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    cf_tool_catch_signals();
    struct json_object *o = cf_tool_status_fetch("status", cf_tool_socket(socket), &result);
    if (o == NULL)
        return result;
    if (json) {
        puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
    } else {
        print_process(o);
        print_providers(part(o, "providers"));
        print_ports(part(o, "ports"));
    }
    json_object_put(o);
    return CF_EXIT_OK;
}
