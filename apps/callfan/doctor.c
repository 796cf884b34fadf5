/*
 * callfan doctor: what is wrong with a running service, and what to do about it.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#include "apps/callfan/options.h"
#include "apps/callfan/output.h"
#include "apps/callfan/service.h"
#include "apps/callfan/status.h"
#include "apps/callfan/tool.h"
#include "shm/hello.h"

#define OLDER_NS INT64_C(3600000000000)
#define MS_NS    INT64_C(1000000)

static struct json_object *part(struct json_object *o, const char *key)
{
    struct json_object *v;
    return json_object_object_get_ex(o, key, &v) ? v : NULL;
}

static int64_t number(struct json_object *o, const char *key)
{
    return json_object_get_int64(part(o, key));
}

static double seconds(struct json_object *o, const char *key)
{
    return json_object_get_double(part(o, key));
}

static const char *text(struct json_object *o, const char *key)
{
    const char *s = json_object_get_string(part(o, key));
    return s != NULL ? s : "-";
}

static size_t length(struct json_object *list)
{
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static void print_checked(struct json_object *c)
{
    printf("checked   calls %" PRId64 "  lines %" PRId64 "  ports %" PRId64 "  handles %" PRId64 "  damages %" PRId64
           "\n",
           number(c, "calls"), number(c, "lines"), number(c, "ports"), number(c, "handles"), number(c, "damages"));
    if (json_object_get_boolean(part(c, "full")))
        printf("          all of it at once: the engine stood still for %.3f s\n", seconds(c, "stood_seconds"));
    else
        printf("          in %" PRId64 " slices between %" PRId64 " turns, %.3f s; a slice took %" PRId64
               " us, at most %" PRId64 " us; sums %s\n",
               number(c, "slices"), number(c, "turns"), seconds(c, "seconds"), number(c, "slice_us_mean"),
               number(c, "slice_us_max"),
               json_object_get_boolean(part(c, "sums")) ? "compared" : "not compared (--full)");
}

static void print_holders(struct json_object *holders)
{
    for (size_t i = 0; i < length(holders); i++) {
        struct json_object *h = json_object_array_get_idx(holders, i);
        printf("%s%s ", i == 0 ? "" : ", ", text(h, "privilege"));
        cf_tool_print_text(stdout, text(h, "name"), 0);
    }
    printf("%s\n", length(holders) == 0 ? "nobody" : "");
}

static void print_calls(struct json_object *o)
{
    struct json_object *calls = part(o, "calls");
    if (length(calls) == 0)
        return;
    printf("\n%" PRId64 " calls without an event for %.0f s or longer", number(o, "calls_total"),
           seconds(o, "older_seconds"));
    printf("%s\n%6s %8s %-18s %10s  %s\n", (size_t)number(o, "calls_total") > length(calls) ? "; the longest:" : ":",
           "line", "call", "state", "seconds", "held by");
    for (size_t i = 0; i < length(calls); i++) {
        struct json_object *c = json_object_array_get_idx(calls, i);
        printf("%6" PRId64 " %8s %-18s %10.1f  ", number(c, "line"), text(c, "call_id"), text(c, "state"),
               seconds(c, "seconds"));
        print_holders(part(c, "holders"));
    }
}

static void print_findings(struct json_object *list)
{
    printf("\n%s\n", length(list) == 0 ? "healthy: nothing found" : "found:");
    for (size_t i = 0; i < length(list); i++) {
        struct json_object *f = json_object_array_get_idx(list, i);
        printf("%3zu. ", i + 1);
        cf_tool_print_text(stdout, text(f, "text"), 0);
        printf("\n     -> ");
        cf_tool_print_text(stdout, text(f, "advice"), 0);
        printf("\n");
    }
}

int cf_tool_doctor(int argc, char **argv)
{
    const char *socket = NULL;
    bool json = false, full = false;
    int64_t older_ns = OLDER_NS;
    const struct cf_tool_option options[] = {
        CF_TOOL_OPTION_SOCKET(&socket),
        {"full", CF_OPTION_FLAG, &full, NULL, "the whole check at once: all events wait meanwhile"},
        {"older", CF_OPTION_SECONDS, &older_ns, "SECONDS", "calls without an event for so long (3600)"},
        {"json", CF_OPTION_FLAG, &json, NULL, "everything, as one JSON object"},
    };
    const struct cf_tool_usage usage = {
        .synopsis = "callfan doctor [OPTION]...",
        .text = "Examines the running service: the state of its engine, old calls, handles that are not\n"
                "given back, applications that are behind, requests that no provider answers, providers,\n"
                "limits. Says what was found and what to do about it.",
        .options = options,
        .options_count = sizeof options / sizeof *options};
    int result;
    if (cf_tool_options_parse(argc, argv, &usage, &result) == CF_PARSE_END)
        return result;
    cf_tool_catch_signals();
    int64_t older_ms = older_ns / MS_NS;
    struct cf_hello hello = {.kind = CF_HELLO_DOCTOR,
                             .name = "callfan doctor",
                             .doctor_flags = full ? CF_HELLO_DOCTOR_FULL : 0,
                             .doctor_older_ms = older_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)older_ms};
    struct json_object *o = cf_tool_service_ask("doctor", cf_tool_socket(socket), &hello, &result);
    if (o == NULL)
        return result;
    if (json) {
        puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
    } else {
        print_checked(part(o, "checked"));
        print_calls(o);
        print_findings(part(o, "findings"));
    }
    bool healthy = json_object_get_boolean(part(o, "healthy"));
    json_object_put(o);
    return healthy ? CF_EXIT_OK : CF_EXIT_FINDINGS;
}
