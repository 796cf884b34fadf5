/* A section of the configuration, checked. */
#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/callfand/access.h"

/* Whole numbers: where they go. Their bounds depend on the limits of everybody. */
static const struct number {
    const char *name;
    size_t offset;
} numbers[] = {
    {"handles", offsetof(struct cf_access_section, handles)},
    {"open_lines", offsetof(struct cf_access_section, open_lines)},
    {"requests_per_turn", offsetof(struct cf_access_section, requests_per_turn)},
    {"ring_bytes", offsetof(struct cf_access_section, ring_bytes)},
    {"applications", offsetof(struct cf_access_section, applications)},
};
#define NUMBERS (sizeof numbers / sizeof numbers[0])

static const char *const lists[] = {"users", "groups", "own", "monitor", "provider"};
#define LISTS (sizeof lists / sizeof lists[0])

_Static_assert(CF_ACCESS_OPTIONS == NUMBERS + LISTS + 2, "the numbers, the lists, status, the end");

struct reading {
    cfg_t *section;
    const struct cf_access_world *world;
    struct cf_access_section *access;
    const char **key;
    char *why;
    size_t why_bytes;
};

static bool fail(struct reading *r, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool fail(struct reading *r, const char *key, const char *format, ...)
{
    int used = snprintf(r->why, r->why_bytes, "access %s: ", r->access->name);
    *r->key = key;
    if (used < 0 || (size_t)used >= r->why_bytes)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->why + used, r->why_bytes - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

void cf_access_options(cfg_opt_t options[CF_ACCESS_OPTIONS])
{
    size_t n = 0;
    for (size_t i = 0; i < LISTS; i++)
        options[n++] = (cfg_opt_t)CFG_STR_LIST(lists[i], "{}", CFGF_NONE);
    for (size_t i = 0; i < NUMBERS; i++)
        options[n++] = (cfg_opt_t)CFG_INT(numbers[i].name, 0, CFGF_NODEFAULT);
    options[n++] = (cfg_opt_t)CFG_BOOL("status", cfg_false, CFGF_NONE);
    options[n++] = (cfg_opt_t)CFG_END();
    assert(n == CF_ACCESS_OPTIONS);
}

bool cf_access_knows(const char *name)
{
    for (size_t i = 0; i < LISTS; i++)
        if (strcmp(lists[i], name) == 0)
            return true;
    for (size_t i = 0; i < NUMBERS; i++)
        if (strcmp(numbers[i].name, name) == 0)
            return true;
    return strcmp(name, "status") == 0;
}

/* ------------------------------------------------------------------- numbers */

/* The whole text, digits alone, not above max. */
static bool whole_number(const char *text, size_t length, uint64_t max, uint32_t *ret_number)
{
    uint64_t n = 0;
    if (length == 0 || length > 10)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    if (n > max)
        return false;
    *ret_number = (uint32_t)n;
    return true;
}

static bool read_numbers(struct reading *r)
{
    const struct cf_limits *l = r->world->limits;
    const long bounds[NUMBERS][2] = {{1, l->handles},
                                     {1, l->open_lines},
                                     {1, l->port_records},
                                     {64 << 10, r->world->ring_bytes_max},
                                     {1, l->applications}};
    for (size_t i = 0; i < NUMBERS; i++) {
        const char *name = numbers[i].name;
        if (cfg_size(r->section, name) == 0)
            continue;
        long value = cfg_getint(r->section, name);
        if (value < bounds[i][0] || value > bounds[i][1])
            return fail(r, name, "%s is %ld, must be %ld to %ld, the limit of everybody", name, value, bounds[i][0],
                        bounds[i][1]);
        uint32_t stored = (uint32_t)value;
        memcpy((uint8_t *)r->access + numbers[i].offset, &stored, sizeof stored);
    }
    uint32_t ring = r->access->ring_bytes;
    return (ring & (ring - 1)) == 0 || fail(r, "ring_bytes", "ring_bytes is %u, must be a power of two", ring);
}

/* ------------------------------------------------------------------- people */

static bool user_of(const char *text, uint32_t *ret_id)
{
    struct passwd *entry;
    if (whole_number(text, strlen(text), UINT32_MAX - 1, ret_id))
        return true;
    entry = getpwnam(text);
    if (entry != NULL)
        *ret_id = entry->pw_uid;
    return entry != NULL;
}

static bool group_of(const char *text, uint32_t *ret_id)
{
    struct group *entry;
    if (whole_number(text, strlen(text), UINT32_MAX - 1, ret_id))
        return true;
    entry = getgrnam(text);
    if (entry != NULL)
        *ret_id = entry->gr_gid;
    return entry != NULL;
}

static bool read_people(struct reading *r)
{
    struct cf_access_section *a = r->access;
    const struct {
        const char *key, *what;
        uint32_t *ids, *count;
        bool (*find)(const char *, uint32_t *);
    } of[] = {{"users", "user", a->users, &a->users_count, user_of},
              {"groups", "group", a->groups, &a->groups_count, group_of}};
    for (size_t k = 0; k < 2; k++) {
        if (cfg_size(r->section, of[k].key) > CF_ACCESS_IDS_MAX)
            return fail(r, of[k].key, "more than %d %s", CF_ACCESS_IDS_MAX, of[k].key);
        for (unsigned i = 0; i < cfg_size(r->section, of[k].key); i++) {
            const char *text = cfg_getnstr(r->section, of[k].key, i);
            if (!of[k].find(text, &of[k].ids[*of[k].count]))
                return fail(r, of[k].key, "there is no %s '%s'", of[k].what, text);
            ++*of[k].count;
        }
    }
    return a->users_count + a->groups_count != 0 || fail(r, NULL, "it names nobody: users or groups are missing");
}

/* -------------------------------------------------------------------- lines */

static const struct cf_access_provider *provider_of(const struct reading *r, const char *name, size_t length)
{
    for (uint32_t i = 0; i < r->world->providers_count; i++) {
        const struct cf_access_provider *p = &r->world->providers[i];
        if (strlen(p->name) == length && strncmp(p->name, name, length) == 0)
            return p;
    }
    return NULL;
}

/* "N" or "N-M" */
static bool read_range(const char *text, struct cf_rights_rule *rule)
{
    const char *dash = strchr(text, '-');
    size_t length = dash == NULL ? strlen(text) : (size_t)(dash - text);
    if (!whole_number(text, length, CF_LINES_MAX - 1, &rule->first))
        return false;
    rule->last = rule->first;
    return dash == NULL ||
           (whole_number(dash + 1, strlen(dash + 1), CF_LINES_MAX - 1, &rule->last) && rule->last >= rule->first);
}

/* "*", "PROVIDER", "PROVIDER:N", "PROVIDER:N-M" */
static bool read_rule(struct reading *r, const char *key, const char *text, struct cf_rights_rule *ret_rule)
{
    *ret_rule = (struct cf_rights_rule){.first = 0, .last = UINT32_MAX};
    if (strcmp(text, "*") == 0)
        return true;
    size_t length = strcspn(text, ":");
    const struct cf_access_provider *p = provider_of(r, text, length);
    if (p == NULL)
        return fail(r, key, "there is no provider '%.*s' for '%s' of %s", (int)length, text, text, key);
    ret_rule->provider = cf_rights_provider(p->name);
    if (text[length] == '\0' || read_range(text + length + 1, ret_rule))
        return true;
    return fail(r, key,
                "'%s' of %s is none of \"*\", \"PROVIDER\", \"PROVIDER:N\" and \"PROVIDER:N-M\" with lines up to %d",
                text, key, CF_LINES_MAX - 1);
}

static struct cf_rights_rule *find_rule(struct cf_access_section *a, const struct cf_rights_rule *like)
{
    for (uint32_t i = 0; i < a->rules_count; i++)
        if (a->rules[i].provider == like->provider && a->rules[i].first == like->first &&
            a->rules[i].last == like->last)
            return &a->rules[i];
    return NULL;
}

static bool read_rules(struct reading *r, const char *key, uint32_t bit)
{
    struct cf_access_section *a = r->access;
    for (unsigned i = 0; i < cfg_size(r->section, key); i++) {
        struct cf_rights_rule rule;
        if (!read_rule(r, key, cfg_getnstr(r->section, key, i), &rule))
            return false;
        struct cf_rights_rule *known = find_rule(a, &rule);
        if (known == NULL && a->rules_count == CF_RIGHTS_RULES_MAX)
            return fail(r, key, "own and monitor name more than %d different ranges of lines", CF_RIGHTS_RULES_MAX);
        if (known == NULL) {
            known = &a->rules[a->rules_count++];
            *known = rule;
        }
        known->bits |= bit;
    }
    return true;
}

static bool read_providers(struct reading *r)
{
    struct cf_access_section *a = r->access;
    for (unsigned i = 0; i < cfg_size(r->section, "provider"); i++) {
        const char *name = cfg_getnstr(r->section, "provider", i);
        const struct cf_access_provider *p = provider_of(r, name, strlen(name));
        if (p == NULL)
            return fail(r, "provider", "there is no provider '%s'", name);
        if (!p->external)
            return fail(r, "provider", "provider %s has a command: callfand starts it itself", name);
        if (a->providers_count == CF_PROVIDERS_MAX)
            return fail(r, "provider", "more than %d providers", CF_PROVIDERS_MAX);
        a->providers[a->providers_count++] = cf_rights_provider(name);
    }
    return true;
}

bool cf_access_read(cfg_t *section, const struct cf_access_world *world, struct cf_access_section *ret_access,
                    const char **ret_key, char *why, size_t why_bytes)
{
    memset(ret_access, 0, sizeof *ret_access); /* a reload compares whole sections */
    snprintf(ret_access->name, sizeof ret_access->name, "%s", cfg_title(section));
    struct reading r = {section, world, ret_access, ret_key, why, why_bytes};
    ret_access->status = cfg_getbool(section, "status") ? 1 : 0;
    return read_people(&r) && read_numbers(&r) && read_rules(&r, "own", CF_RIGHT_OWN) &&
           read_rules(&r, "monitor", CF_RIGHT_MONITOR) && read_providers(&r);
}
