/* See settings.h. */
#include "adapters/modem/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/modem/tty.h"

#define NS_PER_MS INT64_C(1000000)

const char cf_modem_settings_help[] =
    "Keys of its section:\n"
    "  device = {}             serial lines, as \"/dev/ttyUSB2\"; one line each, numbered from 0\n"
    "  number = {}             directory numbers of the lines\n"
    "  profile = {gsm}         what the modem is: gsm (27.007) or v250 (a modem on an analogue line)\n"
    "  speed = {115200}        bits per second\n"
    "  init = {}               commands after ATE0V1 instead of the profile's, divided by |\n"
    "  pin = {}                PIN of the SIM, given at most once per run\n"
    "  media = {}              what is dialled unless the application says: voice or data; without it, the profile's\n"
    "  flow_control = false    RTS/CTS\n"
    "  numeric = false         ask for numeric result codes (V0) instead of words\n"
    "  waiting = hold          answering a waiting call holds the active one; release: ends it\n"
    "  poll_ms = 500           between two questions for the list of calls, while there are calls\n"
    "  ring_ms = 7000          an unanswered call without RING for so long is over\n"
    "  command_ms = 5000       a command that is not answered for so long has failed\n"
    "  dial_ms = 90000         likewise ATD and ATA\n"
    "  dial_reply_ms = 500     an ATD without an error for so long is a call\n"
    "  settle_ms = 150         silence after a result of a call, in which a crossing one is ignored\n"
    "  escape_guard_ms = 1100  silence before and after +++\n"
    "  late_ms = 1000          a call that has ended may be spoken of for so long\n"
    "  linger_ms = 0           DISCONNECTED to IDLE, when the other side ended the call\n"
    "  retry_ms = 1000         until a device that is gone is looked for again; doubles up to 16 times that\n"
    "  remove_ms = 10000       a line whose device is gone for so long is removed; -1: never\n";

static cfg_opt_t *keys(void)
{
    static cfg_opt_t all[] = {
        CFG_STR_LIST("device", "{}", CFGF_NONE),     CFG_STR_LIST("number", "{}", CFGF_NONE),
        CFG_STR_LIST("profile", "{gsm}", CFGF_NONE), CFG_INT_LIST("speed", "{115200}", CFGF_NONE),
        CFG_STR_LIST("init", "{}", CFGF_NONE),       CFG_STR_LIST("pin", "{}", CFGF_NONE),
        CFG_STR_LIST("media", "{}", CFGF_NONE),      CFG_BOOL("flow_control", cfg_false, CFGF_NONE),
        CFG_BOOL("numeric", cfg_false, CFGF_NONE),   CFG_STR("waiting", "hold", CFGF_NONE),
        CFG_INT("poll_ms", 500, CFGF_NONE),          CFG_INT("ring_ms", 7000, CFGF_NONE),
        CFG_INT("command_ms", 5000, CFGF_NONE),      CFG_INT("dial_ms", 90000, CFGF_NONE),
        CFG_INT("dial_reply_ms", 500, CFGF_NONE),    CFG_INT("settle_ms", 150, CFGF_NONE),
        CFG_INT("escape_guard_ms", 1100, CFGF_NONE), CFG_INT("late_ms", 1000, CFGF_NONE),
        CFG_INT("linger_ms", 0, CFGF_NONE),          CFG_INT("retry_ms", 1000, CFGF_NONE),
        CFG_INT("remove_ms", 10000, CFGF_NONE),      CFG_END(),
    };
    return all;
}

/* One reading: what goes along every helper, and the first error. */
struct reading {
    const struct cf_options *options;
    cfg_t *cfg;
    char *why;
    size_t why_bytes;
    int rc;
};

static void fail(struct reading *r, const char *key, const char *sentence, const char *value)
{
    if (r->rc != 0)
        return;
    const size_t n = cf_options_where(r->options, key, r->why, r->why_bytes);
    snprintf(r->why + n, r->why_bytes - n, sentence, value);
    r->rc = -EINVAL;
}

static int64_t ms(struct reading *r, const char *key, long low, long high)
{
    long value = low;
    if (r->rc == 0)
        r->rc = cf_options_int(r->options, r->cfg, key, low, high, &value, r->why, r->why_bytes);
    return value * NS_PER_MS;
}

/* The entry of a list for a line: its own, else the last where lists go on; "" where there is none. */
static const char *entry(struct reading *r, const char *key, unsigned line, bool goes_on)
{
    const unsigned count = cfg_size(r->cfg, key);
    if (count == 0 || (line >= count && !goes_on))
        return "";
    return cfg_getnstr(r->cfg, key, line < count ? line : count - 1);
}

static void copy(struct reading *r, char *to, size_t bytes, const char *key, const char *value)
{
    if (strlen(value) >= bytes)
        fail(r, key, "\"%s\" is too long", value);
    else
        memcpy(to, value, strlen(value) + 1);
}

static void read_profile(struct reading *r, struct cf_modem_line_settings *line, unsigned index)
{
    const char *name = entry(r, "profile", index, true);
    for (size_t i = 0; i < CF_MODEM_PROFILES_COUNT; i++)
        if (strcmp(name, cf_modem_profiles[i].name) == 0)
            line->profile = &cf_modem_profiles[i];
    if (line->profile == NULL)
        fail(r, "profile", "\"%s\" is no profile: gsm, v250", name);
}

static void read_media(struct reading *r, struct cf_modem_line_settings *line, unsigned index)
{
    const char *media = entry(r, "media", index, true);
    if (media[0] == '\0')
        line->voice = line->profile != NULL && line->profile->voice;
    else if (strcmp(media, "voice") == 0 || strcmp(media, "data") == 0)
        line->voice = media[0] == 'v';
    else
        fail(r, "media", "\"%s\" is not voice or data", media);
}

static void read_speed(struct reading *r, struct cf_modem_line_settings *line, unsigned index)
{
    const unsigned count = cfg_size(r->cfg, "speed");
    char text[24];
    const long speed = count == 0 ? 115200 : cfg_getnint(r->cfg, "speed", index < count ? index : count - 1);
    snprintf(text, sizeof(text), "%ld", speed);
    line->speed = speed > 0 && speed < INT32_MAX ? (uint32_t)speed : 0;
    if (!cf_tty_speed_is_known(line->speed))
        fail(r, "speed", "%s is no speed of serial lines: 9600, 19200, ..., 921600", text);
}

/* Every command is one line of printable characters that fits. */
static void check_init(struct reading *r, const char *init)
{
    for (const char *at = init; *at != '\0';) {
        const size_t len = strcspn(at, "|");
        if (len > CF_CHAT_TEXT_MAX)
            fail(r, "init", "%s: a command is longer than 128 bytes", init);
        if (len > 0 && (len < 2 || strncmp(at, "AT", 2) != 0))
            fail(r, "init", "\"%s\": every command begins with AT", init);
        at += len + (at[len] == '|');
    }
    for (const char *at = init; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            fail(r, "init", "%s has characters that are not printable", "init");
}

static void check_pin(struct reading *r, const char *pin)
{
    const size_t len = strlen(pin);
    if (len != 0 && (len < 4 || strspn(pin, "0123456789") != len))
        fail(r, "pin", "%s is not 4 to 8 digits", "a PIN");
}

static void read_line(struct reading *r, struct cf_modem_settings *s, unsigned index)
{
    struct cf_modem_line_settings *line = &s->line[index];
    copy(r, line->device, sizeof(line->device), "device", cfg_getnstr(r->cfg, "device", index));
    copy(r, line->number, sizeof(line->number), "number", entry(r, "number", index, false));
    copy(r, line->init, sizeof(line->init), "init", entry(r, "init", index, true));
    copy(r, line->pin, sizeof(line->pin), "pin", entry(r, "pin", index, false));
    read_profile(r, line, index);
    read_media(r, line, index);
    read_speed(r, line, index);
    check_init(r, line->init);
    check_pin(r, line->pin);
    if (line->device[0] != '/')
        fail(r, "device", "\"%s\" is no absolute path", line->device);
    for (unsigned i = 0; i < index; i++)
        if (strcmp(s->line[i].device, line->device) == 0)
            fail(r, "device", "%s is there twice", line->device);
}

static void read_times(struct reading *r, struct cf_modem_settings *s)
{
    struct cf_modem_config *c = &s->common;
    c->poll_ns = ms(r, "poll_ms", 10, 60000);
    c->ring_ns = ms(r, "ring_ms", 50, 60000);
    c->command_ns = ms(r, "command_ms", 50, 120000);
    c->dial_ns = ms(r, "dial_ms", 100, 600000);
    c->reply_ns = ms(r, "dial_reply_ms", 0, 60000);
    c->settle_ns = ms(r, "settle_ms", 0, 5000);
    c->guard_ns = ms(r, "escape_guard_ms", 0, 10000);
    c->late_ns = ms(r, "late_ms", 0, 60000);
    c->linger_ns = ms(r, "linger_ms", 0, 3600000);
    s->retry_ns = ms(r, "retry_ms", 10, 600000);
    s->remove_ns = ms(r, "remove_ms", CF_MODEM_NEVER_REMOVED, 86400000);
    if (s->remove_ns < 0)
        s->remove_ns = CF_MODEM_NEVER_REMOVED;
}

static void read_all(struct reading *r, struct cf_modem_settings *s)
{
    static const char *const waitings[] = {"hold", "release", NULL};
    int waiting = 0;
    s->lines = cfg_size(r->cfg, "device");
    if (s->lines == 0 || s->lines > CF_MODEM_LINES_MAX)
        fail(r, "device", "%s has no path, or more than 64", "device");
    for (unsigned i = 0; i < s->lines && r->rc == 0; i++)
        read_line(r, s, i);
    if (r->rc == 0)
        r->rc = cf_options_choice(r->options, r->cfg, "waiting", waitings, &waiting, r->why, r->why_bytes);
    s->common.waiting_releases = waiting == 1;
    s->common.numeric = cfg_getbool(r->cfg, "numeric") == cfg_true;
    s->flow = cfg_getbool(r->cfg, "flow_control") == cfg_true;
    read_times(r, s);
}

int cf_modem_settings_read(const struct cf_options *o, struct cf_modem_settings *ret_settings, char *why,
                           size_t why_bytes)
{
    struct reading r = {.options = o, .why = why, .why_bytes = why_bytes};
    memset(ret_settings, 0, sizeof(*ret_settings));
    r.rc = cf_options_section(o, keys(), &r.cfg, why, why_bytes);
    if (r.rc < 0)
        return r.rc;
    read_all(&r, ret_settings);
    cfg_free(r.cfg);
    return r.rc;
}

struct cf_modem_config cf_modem_settings_line(const struct cf_modem_settings *settings, unsigned line)
{
    struct cf_modem_config config = settings->common;
    const struct cf_modem_line_settings *own = &settings->line[line];
    config.profile = own->profile;
    config.init = own->init[0] != '\0' ? own->init : NULL;
    config.pin = own->pin[0] != '\0' ? own->pin : NULL;
    config.voice = own->voice;
    return config;
}
