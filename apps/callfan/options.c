#include "apps/callfan/options.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/callfan/tool.h"

static void print_help(const struct cf_tool_usage *usage)
{
    printf("usage: %s\n\n%s\n\n", usage->synopsis, usage->text);
    for (size_t i = 0; i <= usage->options_count; i++) {
        static const struct cf_tool_option help = {"help", CF_OPTION_FLAG, NULL, NULL, "this text"};
        const struct cf_tool_option *o = i < usage->options_count ? &usage->options[i] : &help;
        char head[64];
        snprintf(head, sizeof head, "--%s%s%s", o->name, o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
        printf("  %-18s %s\n", head, o->help);
    }
    printf("\nexit status: %s, 2 wrong command line, 3 the service is not reachable\n",
           usage->exits != NULL ? usage->exits : "0 as it should be, 1 something was found");
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret_value)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value > max)
        return false;
    *ret_value = value;
    return true;
}

static bool parse_range(const char *text, struct cf_tool_line_list *list)
{
    char copy[32];
    uint64_t first, last;
    if (list->count == CF_TOOL_LINE_RANGES_MAX || strlen(text) >= sizeof copy)
        return false;
    strcpy(copy, text);
    char *dash = strchr(copy, '-');
    if (dash != NULL)
        *dash = '\0';
    if (!parse_number(copy, UINT32_MAX - 1, &first))
        return false;
    last = first;
    if (dash != NULL && (!parse_number(dash + 1, UINT32_MAX - 1, &last) || last < first))
        return false;
    list->range[list->count].first = (uint32_t)first;
    list->range[list->count].last = (uint32_t)last;
    list->count++;
    return true;
}

static bool parse_seconds(const char *text, int64_t *ret_ns)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !isfinite(value) || value < 0 || value > 1e9)
        return false;
    *ret_ns = (int64_t)(value * 1e9);
    return true;
}

static bool parse_rate(const char *text, double *ret_rate)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(value >= CF_TOOL_RATE_MIN && value <= CF_TOOL_RATE_MAX))
        return false;
    *ret_rate = value;
    return true;
}

static bool store(const struct cf_tool_option *o, const char *value)
{
    uint64_t number;
    switch (o->kind) {
    case CF_OPTION_FLAG:
        *(bool *)o->target = true;
        return true;
    case CF_OPTION_U32:
        if (!parse_number(value, UINT32_MAX, &number))
            return false;
        *(uint32_t *)o->target = (uint32_t)number;
        return true;
    case CF_OPTION_U64:
        return parse_number(value, UINT64_MAX, (uint64_t *)o->target);
    case CF_OPTION_SECONDS:
        return parse_seconds(value, (int64_t *)o->target);
    case CF_OPTION_RATE:
        return parse_rate(value, (double *)o->target);
    case CF_OPTION_TEXT:
        *(const char **)o->target = value;
        return true;
    case CF_OPTION_LINES:
        return parse_range(value, (struct cf_tool_line_list *)o->target);
    }
    return false;
}

static const struct cf_tool_option *find(const struct cf_tool_usage *usage, const char *name, size_t bytes)
{
    for (size_t i = 0; i < usage->options_count; i++)
        if (strlen(usage->options[i].name) == bytes && memcmp(usage->options[i].name, name, bytes) == 0)
            return &usage->options[i];
    return NULL;
}

/* Takes argv[i] and, where the option has one, its value; returns how many arguments that were, 0 after an error. */
static int take(int argc, char **argv, int i, const struct cf_tool_usage *usage)
{
    const char *name = argv[i] + 2;
    size_t bytes = strcspn(name, "=");
    const struct cf_tool_option *o = strncmp(argv[i], "--", 2) == 0 ? find(usage, name, bytes) : NULL;
    if (o == NULL) {
        fprintf(stderr, "callfan %s: unknown option '%s'; see callfan %s --help\n", argv[0], argv[i], argv[0]);
        return 0;
    }
    const char *value = name[bytes] == '=' ? name + bytes + 1 : NULL;
    int taken = 1;
    if (o->kind == CF_OPTION_FLAG && value != NULL) {
        fprintf(stderr, "callfan %s: --%s takes no value\n", argv[0], o->name);
        return 0;
    }
    if (o->kind != CF_OPTION_FLAG && value == NULL) {
        if (i + 1 == argc) {
            fprintf(stderr, "callfan %s: --%s needs a value: --%s %s\n", argv[0], o->name, o->name, o->value);
            return 0;
        }
        value = argv[i + 1];
        taken = 2;
    }
    if (!store(o, value)) {
        fprintf(stderr, "callfan %s: --%s: '%s' is not a valid %s\n", argv[0], o->name, value, o->value);
        return 0;
    }
    return taken;
}

static bool take_operand(const char *command, const char *text, struct cf_tool_operands *operands)
{
    if (operands == NULL || operands->count == operands->max) {
        fprintf(stderr, "callfan %s: '%s' is one argument too many; see callfan %s --help\n", command, text, command);
        return false;
    }
    operands->text[operands->count++] = text;
    return true;
}

static bool take_all(int argc, char **argv, const struct cf_tool_usage *usage, bool *ret_help)
{
    bool options_end = false;
    for (int i = 1, taken; i < argc; i += taken) {
        taken = 1;
        if (options_end || argv[i][0] != '-') {
            if (!take_operand(argv[0], argv[i], usage->operands))
                return false;
        } else if (strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            *ret_help = true;
            return true;
        } else if ((taken = take(argc, argv, i, usage)) == 0) {
            return false;
        }
    }
    if (usage->operands == NULL || usage->operands->count >= usage->operands->min)
        return true;
    fprintf(stderr, "callfan %s: %s is missing; see callfan %s --help\n", argv[0], usage->operands->name, argv[0]);
    return false;
}

enum cf_tool_parse cf_tool_options_parse(int argc, char **argv, const struct cf_tool_usage *usage, int *ret_exit)
{
    bool help = false;
    if (!take_all(argc, argv, usage, &help)) {
        *ret_exit = CF_EXIT_USAGE;
        return CF_PARSE_END;
    }
    if (!help)
        return CF_PARSE_GO_ON;
    print_help(usage);
    *ret_exit = CF_EXIT_OK;
    return CF_PARSE_END;
}
