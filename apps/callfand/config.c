/* Reads the file with libConfuse; the outline gives the lines. */
#include "apps/callfand/config.h"

#include <assert.h>
#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/callfand/outline.h"
#include "shm/hello.h"

#define RING_BYTES_MAX_DEFAULT (64u << 20)

/* Whole numbers at the top: where they go and what they may be. */
struct number {
    const char *name;
    size_t offset;
    long low, high;
    bool is_limit; /* of struct cf_limits, whose default is the default */
    long fallback;
};

/* clang-format off */
#define LIMIT(field, low, high) {#field, offsetof(struct cf_config, limits.field), low, high, true, 0}
#define PLAIN(field, low, high, fallback) {#field, offsetof(struct cf_config, field), low, high, false, fallback}
/* clang-format on */

/* The ceilings repeat those of cf_limits_check(), which has the last word; here they give the message its line. */
static const struct number numbers[] = {
    LIMIT(applications, 1, CF_APPLICATIONS_MAX),
    LIMIT(providers, 1, CF_PROVIDERS_MAX),
    LIMIT(lines, 1, CF_LINES_MAX),
    LIMIT(open_lines, 1, CF_OPEN_LINES_MAX),
    LIMIT(calls, 16, CF_CALLS_MAX),
    LIMIT(handles, 16, CF_HANDLES_PER_APP_MAX),
    LIMIT(calls_per_provider, 16, CF_CALLS_MAX),
    LIMIT(turn_records, 1, CF_TURN_RECORDS_MAX),
    LIMIT(port_records, 1, CF_TURN_RECORDS_MAX),
    LIMIT(idle_handles_max, 1, CF_HANDLES_PER_APP_MAX),
    LIMIT(resync_slice, 16, 4096),
    LIMIT(sweep_slice, 16, 4096),
    LIMIT(down_ring_bytes, 64 << 10, 1 << 30),
    LIMIT(up_ring_bytes, 16 << 10, 1 << 28),
    LIMIT(provider_up_ring_bytes, 64 << 10, 1 << 28),
    LIMIT(wake_interval_us, 0, 1000000),
    PLAIN(ring_bytes_max, 64 << 10, 1 << 30, RING_BYTES_MAX_DEFAULT),
    PLAIN(socket_mode, 0, 0777, 0660),
    PLAIN(spin_us, 0, 1000000, 20),
    PLAIN(engine_cpu, -1, 1023, -1),
    PLAIN(door_cpu, -1, 1023, -1),
    PLAIN(hang_seconds, 0, 3600, 5),
    PLAIN(provider_hang_seconds, 0, 3600, 10),
    PLAIN(hello_ms, 10, 60000, 2000),
    PLAIN(hellos_max, 1, 1024, 64),
};
#define NUMBERS (sizeof numbers / sizeof numbers[0])

_Static_assert(sizeof(struct cf_limits) == 16 * sizeof(uint32_t), "each limit stands in the table above");

static const char *const texts[] = {"socket", "socket_group", "close_policy", "user", "sandbox", "huge_pages", "priorities"};
#define TEXTS (sizeof texts / sizeof texts[0])

/* What one reading of a file holds together. */
struct reading {
    const char *path;
    struct cf_outline outline;
    struct cf_config *config;
    char *why;
    size_t why_bytes;
    bool failed;
};

static struct reading *current; /* libConfuse's error function takes no argument */

static bool fail(struct reading *r, uint32_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool fail(struct reading *r, uint32_t line, const char *format, ...)
{
    if (r->failed)
        return false; /* the first fault is the cause of the others */
    r->failed = true;
    int used = line != 0 ? snprintf(r->why, r->why_bytes, "%s:%u: ", r->path, line)
                         : snprintf(r->why, r->why_bytes, "%s: ", r->path);
    if (used < 0 || (size_t)used >= r->why_bytes)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->why + used, r->why_bytes - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

/* ------------------------------------------------------------------- lines */

/* At the top, where section is NULL, or in the provider's section of that title. */
static uint32_t line_of(const struct reading *r, const char *section, const char *name)
{
    return cf_outline_line(&r->outline, section == NULL ? NULL : "provider", section, name);
}

static uint32_t lines_in(const char *text)
{
    uint32_t lines = 1;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

/* The line that a message of libConfuse means: it names the option in quotes, but not always the line. */
static uint32_t line_of_message(const struct reading *r, cfg_t *section, const char *message)
{
    const char *from = strchr(message, '\'');
    const char *to = from == NULL ? NULL : strchr(from + 1, '\'');
    if (to != NULL && to - from - 1 < CF_NAME_MAX) {
        char name[CF_NAME_MAX];
        snprintf(name, sizeof name, "%.*s", (int)(to - from - 1), from + 1);
        const char *title = section == NULL ? NULL : cfg_title(section);
        uint32_t line = cf_outline_line(&r->outline, title == NULL ? NULL : cfg_name(section), title, name);
        if (line == 0)
            line = line_of(r, NULL, name);
        if (line != 0)
            return line;
    }
    /* At the end of some files it counts further than they go. */
    uint32_t line = section != NULL && section->line > 0 ? (uint32_t)section->line : 0;
    return line <= lines_in(r->outline.text) ? line : 0;
}

static void on_error(cfg_t *section, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

static void on_error(cfg_t *section, const char *format, va_list arguments)
{
    char message[256];
    vsnprintf(message, sizeof message, format, arguments);
    fail(current, line_of_message(current, section, message), "%s", message);
}

/* ----------------------------------------------------------------- reading */

static bool known_at_top(const char *name)
{
    for (size_t i = 0; i < NUMBERS; i++)
        if (strcmp(numbers[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < TEXTS; i++)
        if (strcmp(texts[i], name) == 0)
            return true;
    return strcmp(name, "provider") == 0 || strcmp(name, "access") == 0;
}

/* libConfuse is told to pass over what it does not know, as providers' sections hold more than ours; elsewhere we do know. */
static bool check_outline(struct reading *r)
{
    const uint32_t stray = r->outline.stray_line;
    if (stray != 0 && r->outline.stray == '\0')
        return fail(r, stray, "a NUL byte");
    if (stray != 0)
        return fail(r, stray, "'%c' means nothing here; a text with it needs quotes", r->outline.stray);
    for (uint32_t i = 0; i < r->outline.entries_count; i++) {
        const struct cf_outline_entry *e = &r->outline.entries[i];
        if (e->section == NULL && !known_at_top(e->name))
            return fail(r, e->line, "no such option or section: %s", e->name);
        if (e->kind != NULL && strcmp(e->kind, "access") == 0 && !cf_access_knows(e->name))
            return fail(r, e->line, "no such option of access %s: %s", e->section, e->name);
    }
    if (r->outline.unclosed_line != 0)
        return fail(r, r->outline.unclosed_line, "the section that begins here has no closing brace");
    return true;
}

static bool read_numbers(struct reading *r, cfg_t *cfg)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        const struct number *n = &numbers[i];
        long value = cfg_getint(cfg, n->name);
        if (value < n->low || value > n->high)
            return fail(r, line_of(r, NULL, n->name), "%s is %ld, must be %ld to %ld", n->name, value, n->low, n->high);
        uint32_t stored = (uint32_t)(int32_t)value;
        memcpy((uint8_t *)r->config + n->offset, &stored, sizeof stored);
    }
    struct cf_limits *l = &r->config->limits;
    if (line_of(r, NULL, "calls_per_provider") == 0 && l->calls_per_provider > l->calls)
        l->calls_per_provider = l->calls; /* who lowers one limit need not know of the other */
    return true;
}

/* A reason of cf_limits_check() starts with the limit's name, or speaks of the ring sizes. */
static bool check_limits(struct reading *r)
{
    char sentence[192];
    if (cf_limits_check(&r->config->limits, sentence, sizeof sentence)) {
        uint32_t max = r->config->ring_bytes_max;
        if (max < r->config->limits.down_ring_bytes || (max & (max - 1)) != 0)
            return fail(r, line_of(r, NULL, "ring_bytes_max"),
                        "ring_bytes_max is %u, must be a power of two and not below down_ring_bytes (%u)", max,
                        r->config->limits.down_ring_bytes);
        return true;
    }
    uint32_t line = 0;
    for (size_t i = 0; i < NUMBERS && line == 0; i++) {
        const struct number *n = &numbers[i];
        uint32_t value;
        memcpy(&value, (const uint8_t *)r->config + n->offset, sizeof value);
        bool ring = strstr(n->name, "ring_bytes") != NULL && strstr(sentence, "ring sizes") != NULL;
        if (ring ? (value & (value - 1)) != 0
                 : strncmp(sentence, n->name, strlen(n->name)) == 0 && sentence[strlen(n->name)] == ' ')
            line = line_of(r, NULL, n->name);
    }
    return fail(r, line, "%s", sentence);
}

static bool read_socket(struct reading *r, cfg_t *cfg)
{
    const char *path = cfg_getstr(cfg, "socket");
    if (*path == '\0' || strlen(path) >= CF_SOCKET_PATH_MAX)
        return fail(r, line_of(r, NULL, "socket"), "socket needs a path of 1 to %d bytes", CF_SOCKET_PATH_MAX - 1);
    snprintf(r->config->socket, sizeof r->config->socket, "%s", path);
    const char *group = cfg_getstr(cfg, "socket_group");
    r->config->socket_gid = -1;
    if (*group == '\0')
        return true;
    struct group *entry = getgrnam(group);
    if (entry == NULL)
        return fail(r, line_of(r, NULL, "socket_group"), "there is no group %s", group);
    r->config->socket_gid = entry->gr_gid;
    return true;
}

static bool read_priorities(struct reading *r, cfg_t *cfg)
{
    const char *path = cfg_getstr(cfg, "priorities");
    if (strlen(path) >= CF_PRIORITIES_PATH_MAX)
        return fail(r, line_of(r, NULL, "priorities"), "priorities needs a path of at most %d bytes",
                    CF_PRIORITIES_PATH_MAX - 1);
    snprintf(r->config->priorities, sizeof r->config->priorities, "%s", path);
    return true;
}

static bool read_policy(struct reading *r, cfg_t *cfg)
{
    const char *policy = cfg_getstr(cfg, "close_policy");
    if (strcmp(policy, "drop") == 0)
        r->config->close_policy = CF_CLOSE_DROPS;
    else if (strcmp(policy, "keep") == 0)
        r->config->close_policy = CF_CLOSE_KEEPS;
    else
        return fail(r, line_of(r, NULL, "close_policy"), "close_policy is '%s', must be drop or keep", policy);
    return true;
}

/* ------------------------------------------------------------ who runs what */

static bool find_user(struct reading *r, uint32_t line, const char *user, struct cf_identity *ret_identity)
{
    int error = cf_identity_find(user, ret_identity);
    if (error == -ENOENT)
        return fail(r, line, "there is no user %s", user);
    if (error != 0)
        return fail(r, line, "user %s is in more than %d groups", user, CF_GROUPS_MAX);
    if (cf_identity_possible(ret_identity))
        return true;
    return fail(r, line, "callfand must be started as root, or as user %s itself, to run as user %s", user, user);
}

static bool read_identity(struct reading *r, cfg_t *cfg)
{
    const char *user = cfg_getstr(cfg, "user");
    r->config->sandbox = cfg_getbool(cfg, "sandbox") != cfg_false;
    r->config->huge_pages = cfg_getbool(cfg, "huge_pages") != cfg_false;
    return *user == '\0' || find_user(r, line_of(r, NULL, "user"), user, &r->config->identity);
}

/* Whoever runs it, it must be able to connect: to the socket's user, or to its group, which it then gets. */
static bool admit_to_socket(struct reading *r, struct cf_config_provider *p, uint32_t line)
{
    const struct cf_config *c = r->config;
    if (!p->identity.set || p->identity.uid == 0 || (c->socket_mode & 0002) != 0)
        return true;
    if (p->identity.uid == (c->identity.set ? c->identity.uid : geteuid())) /* whose socket it is */
        return true;
    if (c->socket_gid < 0 && !c->identity.set)
        return fail(r, line, "provider %s could not connect: it has a user, but the socket has neither %s", p->name,
                    "socket_group nor user");
    gid_t group = c->socket_gid >= 0 ? (gid_t)c->socket_gid : c->identity.gid;
    return cf_identity_add_group(&p->identity, group) == 0 ||
           fail(r, line, "provider %s has more than %d groups", p->name, CF_GROUPS_MAX);
}

static bool read_provider_identity(struct reading *r, cfg_t *section, struct cf_config_provider *p)
{
    const char *user = cfg_getstr(section, "user");
    uint32_t line = line_of(r, p->name, "user"), groups_line = line_of(r, p->name, "groups");
    p->identity = r->config->identity;
    if (*user != '\0' && !find_user(r, line, user, &p->identity))
        return false;
    if (cfg_size(section, "groups") != 0 && !p->identity.set)
        return fail(r, groups_line, "provider %s has groups, but neither it nor callfand has a user", p->name);
    for (unsigned i = 0; i < cfg_size(section, "groups"); i++) {
        const char *group = cfg_getnstr(section, "groups", i);
        int error = cf_identity_add_group_named(&p->identity, group);
        if (error == -ENOENT)
            return fail(r, groups_line, "there is no group %s", group);
        if (error != 0)
            return fail(r, groups_line, "provider %s has more than %d groups", p->name, CF_GROUPS_MAX);
    }
    if (!cf_identity_possible(&p->identity))
        return fail(r, groups_line, "callfand must be started as root to give provider %s its groups", p->name);
    return admit_to_socket(r, p, line);
}

/* ---------------------------------------------------------------- providers */

static bool good_name(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && strchr("-_.", name[i]) == NULL)
            return false;
    return length > 0 && length < CF_NAME_MAX;
}

static char *copy_of(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        abort();
    return copy;
}

static bool read_pauses(struct reading *r, cfg_t *section, struct cf_config_provider *p)
{
    static const char *const keys[] = {"restart_ms_min", "restart_ms_max"};
    uint32_t *values[] = {&p->restart_ms_min, &p->restart_ms_max};
    for (int i = 0; i < 2; i++) {
        long value = cfg_getint(section, keys[i]);
        if (value < 1 || value > 3600000)
            return fail(r, line_of(r, p->name, keys[i]), "%s of provider %s is %ld, must be 1 to 3600000", keys[i],
                        p->name, value);
        *values[i] = (uint32_t)value;
    }
    if (p->restart_ms_min <= p->restart_ms_max)
        return true;
    uint32_t line = line_of(r, p->name, "restart_ms_max");
    return fail(r, line != 0 ? line : line_of(r, p->name, "restart_ms_min"),
                "restart_ms_min (%u) of provider %s exceeds restart_ms_max (%u)", p->restart_ms_min, p->name,
                p->restart_ms_max);
}

/*
 * Where the section of that title begins. NULL, and it is told: libConfuse, which passes over what it does not know, and the outline, which
 * believes in braces, do not agree where sections begin.
 */
static const struct cf_outline_entry *head_of(struct reading *r, const char *kind, const char *name)
{
    const struct cf_outline_entry *head = cf_outline_section(&r->outline, kind, name);
    if (head == NULL)
        fail(r, 0, "%s %s stands within another section, or a brace before it is missing or one too many", kind, name);
    return head;
}

static bool read_provider(struct reading *r, cfg_t *section)
{
    const char *name = cfg_title(section);
    const struct cf_outline_entry *head = head_of(r, "provider", name);
    if (head == NULL)
        return false;
    const uint32_t line = head->line;
    struct cf_config *c = r->config;
    if (!good_name(name))
        return fail(r, line, "the name of a provider is 1 to %d letters, digits, '-', '_' or '.', not '%s'",
                    CF_NAME_MAX - 1, name);
    if (c->providers_count == c->limits.providers)
        return fail(r, line, "provider %s is one more than the limit of %u providers", name, c->limits.providers);
    struct cf_config_provider *p = &c->providers[c->providers_count++];
    snprintf(p->name, sizeof p->name, "%s", name);
    p->line = line;
    p->digest = head->digest;
    if (cfg_getstr(section, "command") != NULL)
        p->command = copy_of(cfg_getstr(section, "command"));
    if (p->command != NULL && *p->command == '\0')
        return fail(r, line_of(r, name, "command"), "the command of provider %s is empty", name);
    if (cfg_size(section, "args") > CF_PROVIDER_ARGS_MAX)
        return fail(r, line_of(r, name, "args"), "provider %s has more than %d args", name, CF_PROVIDER_ARGS_MAX);
    for (unsigned i = 0; i < cfg_size(section, "args"); i++)
        p->args[p->args_count++] = copy_of(cfg_getnstr(section, "args", i));
    return read_pauses(r, section, p) && read_provider_identity(r, section, p);
}

/* ------------------------------------------------------------------- access */

static bool read_access(struct reading *r, cfg_t *section, const struct cf_access_world *world)
{
    struct cf_config *c = r->config;
    const char *name = cfg_title(section), *key = NULL;
    const struct cf_outline_entry *head = head_of(r, "access", name);
    if (head == NULL)
        return false;
    const uint32_t line = head->line;
    char sentence[256];
    if (!good_name(name))
        return fail(r, line, "the name of an access section is 1 to %d letters, digits, '-', '_' or '.', not '%s'",
                    CF_NAME_MAX - 1, name);
    if (cf_access_read(section, world, &c->access[c->access_count], &key, sentence, sizeof sentence)) {
        c->access_count++;
        return true;
    }
    uint32_t key_line = key == NULL ? 0 : cf_outline_line(&r->outline, "access", name, key);
    return fail(r, key_line != 0 ? key_line : line, "%s", sentence);
}

/* After the providers, whose names it speaks of. */
static bool read_access_sections(struct reading *r, cfg_t *cfg)
{
    struct cf_config *c = r->config;
    struct cf_access_provider providers[CF_PROVIDERS_MAX];
    struct cf_access_world world = {&c->limits, c->ring_bytes_max, providers, c->providers_count};
    unsigned count = cfg_size(cfg, "access");
    if (count == 0)
        return true;
    if (count > CF_ACCESS_SECTIONS_MAX)
        return fail(r, line_of(r, NULL, "access"), "more than %d access sections", CF_ACCESS_SECTIONS_MAX);
    for (uint32_t i = 0; i < c->providers_count; i++)
        providers[i] = (struct cf_access_provider){c->providers[i].name, c->providers[i].command == NULL};
    c->access = calloc(count, sizeof *c->access);
    if (c->access == NULL)
        abort();
    for (unsigned i = 0; i < count; i++)
        if (!read_access(r, cfg_getnsec(cfg, "access", i), &world))
            return false;
    return true;
}

static bool read_all(struct reading *r, cfg_t *cfg)
{
    if (!read_numbers(r, cfg) || !check_limits(r) || !read_socket(r, cfg) || !read_priorities(r, cfg) ||
        !read_policy(r, cfg) ||
        !read_identity(r, cfg))
        return false;
    for (unsigned i = 0; i < cfg_size(cfg, "provider"); i++)
        if (!read_provider(r, cfg_getnsec(cfg, "provider", i)))
            return false;
    return read_access_sections(r, cfg);
}

/* ------------------------------------------------------------------ public */

static void fill_options(cfg_opt_t *options, cfg_opt_t *provider, cfg_opt_t *access)
{
    struct cf_config defaults = {0};
    cf_limits_default(&defaults.limits);
    size_t n = 0;
    for (size_t i = 0; i < NUMBERS; i++) {
        long value = numbers[i].fallback;
        if (numbers[i].is_limit) {
            uint32_t limit;
            memcpy(&limit, (const uint8_t *)&defaults + numbers[i].offset, sizeof limit);
            value = (long)limit;
        }
        options[n++] = (cfg_opt_t)CFG_INT(numbers[i].name, value, CFGF_NONE);
    }
    options[n++] = (cfg_opt_t)CFG_STR("socket", CF_DEFAULT_SOCKET, CFGF_NONE);
    options[n++] = (cfg_opt_t)CFG_STR("socket_group", "", CFGF_NONE);
    options[n++] = (cfg_opt_t)CFG_STR("close_policy", "drop", CFGF_NONE);
    options[n++] = (cfg_opt_t)CFG_STR("user", "", CFGF_NONE);
    options[n++] = (cfg_opt_t)CFG_STR("priorities", "", CFGF_NONE);
    const char *sandbox = getenv("CALLFAN_SANDBOX"); /* as the adapters take it; the file has the last word */
    cfg_bool_t confined = sandbox != NULL && strcmp(sandbox, "false") == 0 ? cfg_false : cfg_true;
    options[n++] = (cfg_opt_t)CFG_BOOL("sandbox", confined, CFGF_NONE);
    options[n++] = (cfg_opt_t)CFG_BOOL("huge_pages", cfg_true, CFGF_NONE);
    options[n++] = (cfg_opt_t)CFG_SEC("provider", provider, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
    options[n++] = (cfg_opt_t)CFG_SEC("access", access, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
    options[n++] = (cfg_opt_t)CFG_END();
    assert(n == NUMBERS + TEXTS + 3);
}

bool cf_config_load(const char *path, struct cf_config *ret_config, char *why, size_t why_bytes)
{
    struct reading r = {.path = path, .config = calloc(1, sizeof *r.config), .why = why, .why_bytes = why_bytes};
    if (r.config == NULL)
        abort();
    int error = cf_outline_read(path, &r.outline);
    if (error != 0) {
        snprintf(why, why_bytes, "cannot read the configuration %s: %s", path, strerror(-error));
        free(r.config);
        return false;
    }
    cfg_opt_t provider[] = {CFG_STR("command", NULL, CFGF_NONE),
                            CFG_STR_LIST("args", "{}", CFGF_NONE),
                            CFG_INT("restart_ms_min", 100, CFGF_NONE),
                            CFG_INT("restart_ms_max", 10000, CFGF_NONE),
                            CFG_STR("user", "", CFGF_NONE),
                            CFG_STR_LIST("groups", "{}", CFGF_NONE),
                            CFG_END()};
    cfg_opt_t access[CF_ACCESS_OPTIONS];
    cf_access_options(access);
    cfg_opt_t options[NUMBERS + TEXTS + 3];
    fill_options(options, provider, access);
    cfg_t *cfg = cfg_init(options, CFGF_IGNORE_UNKNOWN);
    if (cfg == NULL)
        abort();
    cfg_set_error_function(cfg, on_error);
    current = &r;
    bool good = check_outline(&r);
    if (good && cfg_parse_buf(cfg, r.outline.text) != CFG_SUCCESS)
        good = fail(&r, 0, "the file is not readable as a configuration");
    good = good && !r.failed && read_all(&r, cfg);
    current = NULL;
    cfg_free(cfg);
    cf_outline_fini(&r.outline);
    r.config->path = copy_of(path);
    if (good)
        *ret_config = *r.config;
    else
        cf_config_fini(r.config);
    free(r.config);
    return good;
}

void cf_config_provider_copy(const struct cf_config_provider *provider, struct cf_config_provider *ret_provider)
{
    *ret_provider = *provider;
    if (provider->command != NULL)
        ret_provider->command = copy_of(provider->command);
    for (uint32_t i = 0; i < provider->args_count; i++)
        ret_provider->args[i] = copy_of(provider->args[i]);
}

void cf_config_provider_fini(struct cf_config_provider *provider)
{
    free(provider->command);
    for (uint32_t i = 0; i < provider->args_count; i++)
        free(provider->args[i]);
    *provider = (struct cf_config_provider){0};
}

void cf_config_fini(struct cf_config *config)
{
    for (uint32_t i = 0; i < config->providers_count; i++)
        cf_config_provider_fini(&config->providers[i]);
    free(config->access);
    free(config->path);
    *config = (struct cf_config){0};
}

bool cf_config_take_access(struct cf_config *config, struct cf_config *next)
{
    bool same = config->access_count == next->access_count &&
                (next->access_count == 0 ||
                 memcmp(config->access, next->access, next->access_count * sizeof *next->access) == 0);
    if (same)
        return false;
    free(config->access);
    config->access = next->access;
    config->access_count = next->access_count;
    next->access = NULL;
    next->access_count = 0;
    return true;
}

bool cf_config_needs_restart(const struct cf_config *old, const struct cf_config *next, char *names, size_t names_bytes)
{
    static const char *const live[] = {"wake_interval_us", "spin_us", "hang_seconds", "provider_hang_seconds",
                                       "hello_ms"};
    size_t used = 0;
    *names = '\0';
    for (size_t i = 0; i < NUMBERS; i++) {
        bool reloads = false;
        for (size_t k = 0; k < sizeof live / sizeof live[0]; k++)
            reloads |= strcmp(live[k], numbers[i].name) == 0;
        if (!reloads &&
            memcmp((const uint8_t *)old + numbers[i].offset, (const uint8_t *)next + numbers[i].offset, 4) != 0 &&
            used < names_bytes)
            used += (size_t)snprintf(names + used, names_bytes - used, "%s%s", used == 0 ? "" : ", ", numbers[i].name);
    }
    const struct {
        const char *name;
        bool changed;
    } others[] = {
        {"socket", strcmp(old->socket, next->socket) != 0},
        {"socket_group", old->socket_gid != next->socket_gid},
        {"close_policy", old->close_policy != next->close_policy},
        {"user", old->identity.set != next->identity.set || old->identity.uid != next->identity.uid},
        {"sandbox", old->sandbox != next->sandbox},
        {"huge_pages", old->huge_pages != next->huge_pages},
        {"priorities", strcmp(old->priorities, next->priorities) != 0},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].changed && used < names_bytes)
            used += (size_t)snprintf(names + used, names_bytes - used, "%s%s", used == 0 ? "" : ", ", others[i].name);
    return *names != '\0';
}

int cf_config_provider_find(const struct cf_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->providers_count; i++)
        if (strcmp(config->providers[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool beside_us(const char *command, char *path, size_t path_bytes)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return false;
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return snprintf(path, path_bytes, "%s/%s", self, command) < (int)path_bytes && access(path, X_OK) == 0;
}

bool cf_config_command_path(const char *command, char *path, size_t path_bytes)
{
    if (strchr(command, '/') != NULL)
        return snprintf(path, path_bytes, "%s", command) < (int)path_bytes && access(path, X_OK) == 0;
    if (beside_us(command, path, path_bytes))
        return true;
    const char *search = getenv("PATH");
    for (const char *p = search != NULL ? search : "/usr/bin:/bin"; *p != '\0';) {
        size_t n = strcspn(p, ":");
        if (n > 0 && snprintf(path, path_bytes, "%.*s/%s", (int)n, p, command) < (int)path_bytes &&
            access(path, X_OK) == 0)
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}
