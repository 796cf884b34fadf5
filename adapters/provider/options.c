/*
 * The common command line, and an adapter's section of the configuration: see options.h.
 */
#define _GNU_SOURCE
#include "adapters/provider/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/hello.h"

/* The keys of callfand, which stand in the same section. */
static const char *const keeper_numbers[] = {"restart_ms_min", "restart_ms_max"};
enum { KEEPER_KEYS = 6, KEYS_MAX = 128, CONFIG_BYTES_USUAL = 32 << 10 };

/* ------------------------------------------------------------------ command line */

static void print_help(const struct cf_options_program *program)
{
    printf("Usage: %s [OPTION]...\n%s\n\n"
           "  --socket PATH      control socket of callfand (default: $CALLFAN_SOCKET, else %s)\n"
           "  --name NAME        name of this provider in the configuration (default: %s)\n"
           "  --config FILE      read the section `provider NAME { ... }` of FILE\n"
           "  --set KEY=VALUE    set a key of that section after it was read; may be given several times\n"
           "  --check            read the configuration, say what is wrong, and end\n"
           "  --help             this text\n"
           "  --version          name and version\n\n"
           "The token by which callfand knows its providers is taken from CALLFAN_TOKEN in the environment.\n"
           "With CALLFAN_SANDBOX=false in the environment it is not confined to the system calls it needs.\n"
           "Exit status: 0 ended by a signal or nothing wrong, 1 failure, 2 wrong command line or configuration.\n",
           program->program, program->summary, CF_DEFAULT_SOCKET, program->name);
    if (program->keys != NULL)
        printf("\n%s", program->keys);
}

enum cf_options_parsed cf_options_parse(int argc, char **argv, const struct cf_options_program *program,
                                        struct cf_options *ret_options, char *why, size_t why_bytes)
{
    enum { SOCKET = 256, NAME, CONFIG, SET, CHECK, HELP, VERSION };
    static const struct option known[] = {
        {"socket", required_argument, NULL, SOCKET}, {"name", required_argument, NULL, NAME},
        {"config", required_argument, NULL, CONFIG}, {"set", required_argument, NULL, SET},
        {"check", no_argument, NULL, CHECK},         {"help", no_argument, NULL, HELP},
        {"version", no_argument, NULL, VERSION},     {NULL, 0, NULL, 0},
    };
    const char *environment = getenv("CALLFAN_SOCKET");
    struct cf_options o = {.socket_path = environment != NULL ? environment : CF_DEFAULT_SOCKET, .name = program->name};
    optind = 0; /* a second reading starts anew */
    for (int option; (option = getopt_long(argc, argv, ":", known, NULL)) != -1;) {
        switch (option) {
        case SOCKET:
            o.socket_path = optarg;
            break;
        case NAME:
            o.name = optarg;
            break;
        case CONFIG:
            o.config = optarg;
            break;
        case SET:
            if (o.sets_count == CF_SET_OPTIONS_MAX || strchr(optarg, '=') == NULL) {
                snprintf(why, why_bytes, "--set %s: KEY=VALUE is wanted, at most %d times", optarg, CF_SET_OPTIONS_MAX);
                return CF_OPTIONS_BAD;
            }
            o.sets[o.sets_count++] = optarg;
            break;
        case CHECK:
            o.check = true;
            break;
        case HELP:
            print_help(program);
            return CF_OPTIONS_DONE;
        case VERSION:
            printf("%s %s\n", program->program, CF_VERSION);
            return CF_OPTIONS_DONE;
        case ':':
            snprintf(why, why_bytes, "%s needs a value (see --help)", argv[optind - 1]);
            return CF_OPTIONS_BAD;
        default:
            snprintf(why, why_bytes, "unknown option %s (see --help)", argv[optind - 1]);
            return CF_OPTIONS_BAD;
        }
    }
    if (optind < argc) {
        snprintf(why, why_bytes, "unexpected argument %s (see --help)", argv[optind]);
        return CF_OPTIONS_BAD;
    }
    *ret_options = o;
    return CF_OPTIONS_RUN;
}

/* ------------------------------------------------------------------ the words of a configuration file */

enum token { TOKEN_END, TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_SIGN, TOKEN_BAD };

struct scanner {
    const char *at, *end;
    unsigned line;
    const char *word; /* of TOKEN_WORD, without its quotes */
    size_t word_bytes;
};

/* Comments begin only where a word could. False: a comment that does not end. */
static bool skip_space(struct scanner *s)
{
    while (s->at < s->end) {
        size_t left = (size_t)(s->end - s->at);
        if (strchr(" \t\r\n\f\v", *s->at) != NULL && *s->at != '\0') {
            s->line += *s->at++ == '\n';
        } else if (*s->at == '#' || (left >= 2 && memcmp(s->at, "//", 2) == 0)) {
            const char *newline = memchr(s->at, '\n', left);
            s->at = newline != NULL ? newline : s->end;
        } else if (left >= 2 && memcmp(s->at, "/*", 2) == 0) {
            const char *close = memmem(s->at + 2, left - 2, "*/", 2);
            if (close == NULL)
                return false;
            for (; s->at < close + 2; s->at++)
                s->line += *s->at == '\n';
        } else {
            break;
        }
    }
    return true;
}

static enum token next_quoted(struct scanner *s)
{
    char quote = *s->at++;
    s->word = s->at;
    for (; s->at < s->end && *s->at != quote; s->at++) {
        if (*s->at == '\\' && s->at + 1 < s->end)
            s->at++;
        s->line += *s->at == '\n';
    }
    if (s->at >= s->end)
        return TOKEN_BAD;
    s->word_bytes = (size_t)(s->at++ - s->word);
    return TOKEN_WORD;
}

static enum token next_token(struct scanner *s)
{
    if (!skip_space(s))
        return TOKEN_BAD;
    if (s->at >= s->end)
        return TOKEN_END;
    switch (*s->at) {
    case '{':
        s->at++;
        return TOKEN_OPEN;
    case '}':
        s->at++;
        return TOKEN_CLOSE;
    case '+':
        if (s->at + 1 == s->end || s->at[1] != '=')
            return TOKEN_BAD;
        s->at += 2;
        return TOKEN_SIGN;
    case '*':
    case '\0':
        return TOKEN_BAD; /* libConfuse passes over the one, and ends at the other */
    case '=':
    case ',':
    case '(':
    case ')':
        s->at++;
        return TOKEN_SIGN;
    case '"':
    case '\'':
        return next_quoted(s);
    default:
        s->word = s->at;
        while (s->at < s->end && strchr(" \t\r\n\f\v{}=+*,()\"'#", *s->at) == NULL) /* stops at a NUL byte, too */
            s->at++;
        s->word_bytes = (size_t)(s->at - s->word);
        return TOKEN_WORD;
    }
}

static bool word_is(const struct scanner *s, const char *word)
{
    return s->word_bytes == strlen(word) && memcmp(s->word, word, s->word_bytes) == 0;
}

/* From after an opening brace to after its closing one; *ret_last is where that stands. */
static bool skip_body(struct scanner *s, const char **ret_last)
{
    for (unsigned depth = 1;;) {
        enum token t = next_token(s);
        if (t == TOKEN_END || t == TOKEN_BAD)
            return false;
        depth += t == TOKEN_OPEN;
        if (t == TOKEN_CLOSE && --depth == 0) {
            *ret_last = s->at - 1;
            return true;
        }
    }
}

int cf_options_find_section(const char *text, size_t bytes, const char *name, size_t *ret_first, size_t *ret_last,
                            unsigned *ret_line)
{
    struct scanner s = {.at = text, .end = text + bytes, .line = 1};
    enum { OTHER, PROVIDER, TITLE } last = OTHER; /* what the words before the brace were */
    bool named = false, found = false;
    for (;;) {
        enum token t = next_token(&s);
        if (t == TOKEN_END)
            return found ? 0 : -ENOENT;
        if (t == TOKEN_BAD || t == TOKEN_CLOSE)
            return -EINVAL;
        if (t == TOKEN_WORD && last == PROVIDER) {
            last = TITLE;
            named = word_is(&s, name);
        } else if (t == TOKEN_WORD) {
            last = word_is(&s, "provider") ? PROVIDER : OTHER;
        } else if (t == TOKEN_OPEN) {
            const char *first = s.at, *end;
            unsigned line = s.line;
            if (!skip_body(&s, &end))
                return -EINVAL;
            if (last == TITLE && named) {
                if (found)
                    return -EEXIST;
                found = true;
                *ret_first = (size_t)(first - text);
                *ret_last = (size_t)(end - text);
                *ret_line = line;
            }
            last = OTHER;
        } else {
            last = OTHER;
        }
    }
}

/* ------------------------------------------------------------------ the file */

struct section {
    char *text; /* of the body, NUL-terminated */
    unsigned line;
};

static int read_file(const char *path, char **ret_text, size_t *ret_bytes, char *why, size_t why_bytes)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        int rc = -errno;
        snprintf(why, why_bytes, "%s: %s", path, strerror(-rc));
        return rc;
    }
    char *text = NULL;
    int rc = 0;
    size_t n = 0;
    for (size_t room = 0; rc == 0 && n == room && n <= CF_CONFIG_BYTES_MAX;) {
        room = room == 0 ? CONFIG_BYTES_USUAL : 4 * room < CF_CONFIG_BYTES_MAX ? 4 * room : CF_CONFIG_BYTES_MAX + 1;
        char *more = realloc(text, room);
        if (more == NULL) {
            rc = -ENOMEM;
            break;
        }
        text = more;
        n += fread(text + n, 1, room - n, f);
        if (ferror(f) != 0)
            rc = -EIO;
    }
    if (rc == 0 && n > CF_CONFIG_BYTES_MAX)
        rc = -EFBIG;
    *ret_bytes = n;
    fclose(f);
    if (rc < 0) {
        snprintf(why, why_bytes, "%s: %s", path, strerror(-rc));
        free(text);
        return rc;
    }
    *ret_text = text;
    return 0;
}

/* libConfuse counts the line of a comment twice: it is given blanks instead. */
static void blank_comments(char *text)
{
    struct scanner s = {.at = text, .end = text + strlen(text)};
    enum token t;
    do {
        const char *from = s.at;
        skip_space(&s);
        for (char *p = text + (from - text); p < s.at; p++)
            if (strchr(" \t\r\n\f\v", *p) == NULL)
                *p = ' ';
        t = next_token(&s);
    } while (t != TOKEN_END && t != TOKEN_BAD);
}

static int read_section(const struct cf_options *o, struct section *ret_section, char *why, size_t why_bytes)
{
    char *text = NULL;
    size_t bytes = 0, first, last;
    unsigned line;
    int rc = read_file(o->config, &text, &bytes, why, why_bytes);
    if (rc != 0)
        return rc;
    assert(text != NULL);
    rc = cf_options_find_section(text, bytes, o->name, &first, &last, &line);
    if (rc == 0) {
        text[last] = '\0';
        memmove(text, text + first, last - first + 1);
        blank_comments(text);
        *ret_section = (struct section){text, line};
        return 0;
    }
    free(text);
    if (rc == -ENOENT)
        snprintf(why, why_bytes, "%s: there is no section `provider %s { ... }`", o->config, o->name);
    else if (rc == -EEXIST)
        snprintf(why, why_bytes, "%s: the section `provider %s` is there twice", o->config, o->name);
    else
        snprintf(why, why_bytes, "%s: a quote, a comment or a brace does not end, or '*', '+' or a NUL byte stands without quotes",
                 o->config);
    return -EINVAL;
}

/* The line of the file in which the section sets key; 0: it does not. */
static unsigned line_of(const struct section *section, const char *key)
{
    struct scanner s = {.at = section->text, .end = section->text + strlen(section->text), .line = section->line};
    for (unsigned depth = 0, line = 0;;) {
        bool candidate = line != 0;
        enum token t = next_token(&s);
        if (t == TOKEN_END || t == TOKEN_BAD)
            return 0;
        if (candidate && t == TOKEN_SIGN)
            return line;
        depth += t == TOKEN_OPEN;
        depth -= t == TOKEN_CLOSE && depth != 0;
        line = t == TOKEN_WORD && depth == 0 && word_is(&s, key) ? s.line : 0;
    }
}

size_t cf_options_where(const struct cf_options *o, const char *key, char *text, size_t text_bytes)
{
    char ignored[1];
    struct section section = {NULL, 0};
    int n = -1;
    if (o->config != NULL && read_section(o, &section, ignored, sizeof ignored) == 0) {
        unsigned line = line_of(&section, key);
        if (line != 0)
            n = snprintf(text, text_bytes, "%s:%u: ", o->config, line);
        free(section.text);
    }
    if (n < 0)
        n = snprintf(text, text_bytes, "provider %s: ", o->name);
    return n < 0 ? 0 : (size_t)n < text_bytes ? (size_t)n : text_bytes - 1;
}

/* ------------------------------------------------------------------ libConfuse */

/* libConfuse's error function has no argument. One thread reads, at start. */
static struct {
    const char *place; /* the file, or "--set" */
    unsigned line;     /* of the file, at which the text given to libConfuse begins; 0: none */
    char *why;
    size_t why_bytes;
} reading;

static void on_error(cfg_t *cfg, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
    if (reading.why_bytes == 0 || reading.why[0] != '\0')
        return; /* the first fault is the cause of the others */
    int n = reading.line != 0 ? snprintf(reading.why, reading.why_bytes, "%s:%u: ", reading.place,
                                         reading.line + (unsigned)cfg->line - 1)
                              : snprintf(reading.why, reading.why_bytes, "%s: ", reading.place);
    if (n > 0 && (size_t)n < reading.why_bytes)
        vsnprintf(reading.why + n, reading.why_bytes - (size_t)n, format, arguments);
}

static int parse(cfg_t *cfg, const char *place, unsigned line, const char *text, char *why, size_t why_bytes)
{
    reading.place = place;
    reading.line = line;
    reading.why = why;
    reading.why_bytes = why_bytes;
    if (why_bytes != 0)
        why[0] = '\0';
    int rc = cfg_parse_buf(cfg, text);
    reading.place = NULL; /* it lies on the caller's stack, as why does */
    reading.why = NULL;
    reading.why_bytes = 0;
    if (rc == CFG_SUCCESS)
        return 0;
    if (why_bytes != 0 && why[0] == '\0')
        snprintf(why, why_bytes, "%s: cannot be read", place);
    return -EINVAL;
}

/* "KEY=VALUE" as a line of the file: a value that is not quoted or a list is quoted. */
static int parse_set(cfg_t *cfg, const char *set, char *why, size_t why_bytes)
{
    const char *value = strchr(set, '=') + 1;
    bool as_it_is = *value == '"' || *value == '\'' || *value == '{';
    size_t bytes = 2 * strlen(set) + 4;
    char *line = malloc(bytes), *out = line;
    if (line == NULL)
        return -ENOMEM;
    memcpy(out, set, (size_t)(value - set));
    out += value - set;
    if (!as_it_is)
        *out++ = '"';
    for (const char *c = value; *c != '\0'; c++) {
        if (!as_it_is && (*c == '"' || *c == '\\' || *c == '$'))
            *out++ = '\\';
        *out++ = *c;
    }
    if (!as_it_is)
        *out++ = '"';
    *out++ = '\n';
    *out = '\0';
    char place[128];
    snprintf(place, sizeof place, "--set %s", set);
    int rc = parse(cfg, place, 0, line, why, why_bytes);
    free(line);
    return rc;
}

/* The adapter's keys and callfand's. Returns their number without the end, 0 when there are too many. */
static size_t join_keys(cfg_opt_t all[KEYS_MAX], const cfg_opt_t *keys)
{
    size_t n = 0;
    for (; keys[n].type != CFGT_NONE; n++) {
        if (n + KEEPER_KEYS + 1 >= KEYS_MAX)
            return 0;
        all[n] = keys[n];
    }
    all[n++] = (cfg_opt_t)CFG_STR("command", NULL, CFGF_NONE);
    all[n++] = (cfg_opt_t)CFG_STR_LIST("args", "{}", CFGF_NONE);
    all[n++] = (cfg_opt_t)CFG_STR("user", NULL, CFGF_NONE);
    all[n++] = (cfg_opt_t)CFG_STR_LIST("groups", "{}", CFGF_NONE);
    for (size_t i = 0; i < sizeof keeper_numbers / sizeof keeper_numbers[0]; i++)
        all[n++] = (cfg_opt_t)CFG_INT(keeper_numbers[i], 0, CFGF_NONE);
    all[n] = (cfg_opt_t)CFG_END();
    for (size_t i = 1; i < n; i++)
        for (size_t k = 0; k < i; k++)
            assert(strcmp(all[i].name, all[k].name) != 0); /* one name cannot mean two things in a section that both read */
    return n;
}

int cf_options_section(const struct cf_options *o, cfg_opt_t *keys, cfg_t **ret_cfg, char *why, size_t why_bytes)
{
    cfg_opt_t all[KEYS_MAX];
    if (join_keys(all, keys) == 0) {
        snprintf(why, why_bytes, "more than %d keys", KEYS_MAX - KEEPER_KEYS - 1);
        return -EINVAL;
    }
    cfg_t *cfg = cfg_init(all, CFGF_NONE);
    if (cfg == NULL)
        return -ENOMEM;
    cfg_set_error_function(cfg, on_error);
    int rc = 0;
    if (o->config != NULL) {
        struct section section = {NULL, 0};
        rc = read_section(o, &section, why, why_bytes);
        if (rc == 0) {
            rc = parse(cfg, o->config, section.line, section.text, why, why_bytes);
            free(section.text);
        }
    }
    for (unsigned i = 0; i < o->sets_count && rc == 0; i++)
        rc = parse_set(cfg, o->sets[i], why, why_bytes);
    if (rc < 0) {
        cfg_free(cfg);
        return rc;
    }
    *ret_cfg = cfg;
    return 0;
}

/* ------------------------------------------------------------------ values */

int cf_options_int(const struct cf_options *o, cfg_t *cfg, const char *key, long low, long high, long *ret_value,
                   char *why, size_t why_bytes)
{
    long value = cfg_getint(cfg, key);
    if (value >= low && value <= high) {
        *ret_value = value;
        return 0;
    }
    size_t n = cf_options_where(o, key, why, why_bytes);
    snprintf(why + n, why_bytes - n, "%s is %ld, must be %ld to %ld", key, value, low, high);
    return -EINVAL;
}

int cf_options_float(const struct cf_options *o, cfg_t *cfg, const char *key, double low, double high,
                     double *ret_value, char *why, size_t why_bytes)
{
    double value = cfg_getfloat(cfg, key);
    if (isfinite(value) && value >= low && value <= high) {
        *ret_value = value;
        return 0;
    }
    size_t n = cf_options_where(o, key, why, why_bytes);
    snprintf(why + n, why_bytes - n, "%s is %g, must be %g to %g", key, value, low, high);
    return -EINVAL;
}

int cf_options_choice(const struct cf_options *o, cfg_t *cfg, const char *key, const char *const *names,
                      int *ret_choice, char *why, size_t why_bytes)
{
    const char *value = cfg_getstr(cfg, key);
    for (int i = 0; value != NULL && names[i] != NULL; i++) {
        if (strcmp(value, names[i]) == 0) {
            *ret_choice = i;
            return 0;
        }
    }
    size_t n = cf_options_where(o, key, why, why_bytes);
    n += (size_t)snprintf(why + n, why_bytes - n, "%s is '%s', must be", key, value != NULL ? value : "");
    for (int i = 0; names[i] != NULL && n < why_bytes; i++)
        n += (size_t)snprintf(why + n, why_bytes - n, "%s %s",
                              i == 0                 ? ""
                              : names[i + 1] == NULL ? " or"
                                                     : ",",
                              names[i]);
    return -EINVAL;
}
