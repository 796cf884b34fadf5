/* See script.h. */
#include "adapters/sim/script.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sim/reactions.h"
#include "adapters/sim/script_words.h"
#include "callfan/tapi.h"
#include "shm/forward.h"

enum { WORDS_MAX = 64, SECONDS_MAX = 1000000 };

/* One line in hand. */
struct parser {
    struct cf_script *script;
    uint32_t capacity; /* of script->events */
    uint32_t line;     /* number, from 1 */
    int64_t last_ns;   /* for +TIME */
    struct cf_text words[WORDS_MAX];
    uint32_t words_count, at;
    char *why;
    size_t why_bytes;
};

static bool fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct parser *p, const char *format, ...)
{
    va_list arguments;
    int n = snprintf(p->why, p->why_bytes, "line %u: ", p->line);
    va_start(arguments, format);
    if (n > 0 && (size_t)n < p->why_bytes)
        vsnprintf(p->why + n, p->why_bytes - (size_t)n, format, arguments);
    va_end(arguments);
    return false;
}

/* ------------------------------------------------------------------ words */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Splits a line into words: bare, or in double quotes. A word that begins with # begins a comment. */
static bool split(struct parser *p, const char *at, const char *end)
{
    p->words_count = p->at = 0;
    for (;;) {
        while (at < end && is_space(*at))
            at++;
        if (at == end || *at == '#')
            return true;
        if (p->words_count == WORDS_MAX)
            return fail(p, "more than %d words", WORDS_MAX);
        bool quoted = *at == '"';
        at += quoted;
        const char *first = at;
        while (at < end && (quoted ? *at != '"' : !is_space(*at)))
            at++;
        if (quoted && at == end)
            return fail(p, "a quote does not end");
        p->words[p->words_count++] = (struct cf_text){first, (uint32_t)(at - first)};
        at += quoted;
    }
}

static bool word_is(struct cf_text word, const char *name)
{
    return word.bytes == strlen(name) && memcmp(word.at, name, word.bytes) == 0;
}

/* The next word; false at the end of the line. */
static bool next(struct parser *p, struct cf_text *ret_word)
{
    if (p->at == p->words_count)
        return false;
    *ret_word = p->words[p->at++];
    return true;
}

static bool peek_is(const struct parser *p, const char *name)
{
    return p->at < p->words_count && word_is(p->words[p->at], name);
}

static bool need(struct parser *p, const char *what, struct cf_text *ret_word)
{
    if (next(p, ret_word))
        return true;
    fail(p, "%s is missing", what);
    return false; /* said apart, so that a compiler knows it too */
}

/* Decimal, or hexadecimal with 0x. */
static bool read_number(struct cf_text word, uint64_t max, uint64_t *ret_value)
{
    bool hex = word.bytes > 2 && word.at[0] == '0' && (word.at[1] == 'x' || word.at[1] == 'X');
    uint64_t base = hex ? 16 : 10, value = 0;
    if (word.bytes == 0)
        return false;
    for (uint32_t i = hex ? 2 : 0; i < word.bytes; i++) {
        char c = word.at[i];
        uint64_t digit = c >= '0' && c <= '9'   ? (uint64_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint64_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint64_t)(c - 'A' + 10)
                                                : 99;
        if (digit >= base || value > (max - digit) / base)
            return false;
        value = value * base + digit;
    }
    *ret_value = value;
    return true;
}

static bool need_number(struct parser *p, const char *what, uint64_t max, uint64_t *ret_value)
{
    struct cf_text word;
    if (!need(p, what, &word))
        return false;
    return read_number(word, max, ret_value) || fail(p, "%s is '%.*s', must be a number up to %llu", what,
                                                     (int)word.bytes, word.at, (unsigned long long)max);
}

static bool need_number_32(struct parser *p, const char *what, uint64_t max, uint32_t *ret_value)
{
    uint64_t value = 0;
    if (!need_number(p, what, max, &value))
        return false;
    *ret_value = (uint32_t)value;
    return true;
}

/* A name of the table, or a number. */
static bool need_name(struct parser *p, const char *what, const struct cf_script_word *table, uint32_t *ret_value)
{
    struct cf_text word;
    uint64_t value;
    if (!need(p, what, &word))
        return false;
    if (cf_script_word_find(table, word, ret_value))
        return true;
    if (!read_number(word, UINT32_MAX, &value))
        return fail(p, "unknown %s '%.*s'", what, (int)word.bytes, word.at);
    *ret_value = (uint32_t)value;
    return true;
}

/* SECONDS or SECONDS.FRACTION, at most 9 digits after the point. */
static bool read_seconds(struct cf_text word, int64_t *ret_ns)
{
    const char *point = memchr(word.at, '.', word.bytes);
    uint32_t whole = point != NULL ? (uint32_t)(point - word.at) : word.bytes;
    uint32_t digits = word.bytes - whole;
    uint64_t seconds, fraction = 0;
    if (!read_number((struct cf_text){word.at, whole}, SECONDS_MAX, &seconds) || (whole > 1 && word.at[1] == 'x') ||
        digits == 1 || digits > 10)
        return false;
    if (digits != 0) {
        const struct cf_text after = {point + 1, digits - 1};
        if (!read_number(after, 999999999, &fraction) || memchr(after.at, 'x', after.bytes) != NULL)
            return false;
        for (uint32_t i = digits - 1; i < 9; i++)
            fraction *= 10;
    }
    *ret_ns = (int64_t)(seconds * CF_NS_PER_S + fraction);
    return true;
}

/* ------------------------------------------------------------------ events */

static bool mode_after_state(struct parser *p, struct cf_script_event *e)
{
    uint64_t number;
    if (p->at == p->words_count)
        return true;
    if (cf_script_word_find(cf_script_modes(e->state), p->words[p->at], &e->mode)) {
        p->at++;
    } else if (read_number(p->words[p->at], UINT32_MAX, &number)) {
        e->mode = (uint32_t)number;
        p->at++;
    }
    return true;
}

static bool state_and_mode(struct parser *p, struct cf_script_event *e)
{
    return need_name(p, "state", cf_script_states, &e->state) && mode_after_state(p, e);
}

/* KEY VALUE pairs to the end of the line. Which keys an event takes, its caller says: all, or the texts of CALL_INFO. */
static bool pairs(struct parser *p, struct cf_script_event *e, bool all)
{
    const struct {
        const char *key;
        struct cf_text *text;
    } texts[] = {
        {"caller", &e->caller},           {"name", &e->caller_name},
        {"called", &e->called},           {"calledname", &e->called_name},
        {"connected", &e->connected},     {"connectedname", &e->connected_name},
        {"redirecting", &e->redirecting}, {"redirectingname", &e->redirecting_name},
        {"redirection", &e->redirection}, {"redirectionname", &e->redirection_name},
        {"useruser", &e->user_user},      {"calldata", &e->call_data},
    };
    struct cf_text key;
    while (next(p, &key)) {
        size_t i = 0;
        while (i < sizeof texts / sizeof texts[0] && !word_is(key, texts[i].key))
            i++;
        bool good;
        if (i < sizeof texts / sizeof texts[0])
            good = need(p, texts[i].key, texts[i].text);
        else if (!all && word_is(key, "treatment"))
            good = need_name(p, "treatment", cf_script_treatments, &e->treatment);
        else if (all && word_is(key, "address"))
            good = need_number_32(p, "address", UINT32_MAX, &e->address);
        else if (all && word_is(key, "completion"))
            good = need_number_32(p, "completion", UINT32_MAX, &e->completion);
        else if (all && word_is(key, "media"))
            good = need_number_32(p, "media", UINT32_MAX, &e->media_modes);
        else if (all && word_is(key, "origin"))
            good = need_name(p, "origin", cf_script_origins, &e->origin);
        else if (all && word_is(key, "reason"))
            good = need_name(p, "reason", cf_script_reasons, &e->reason);
        else
            good = fail(p, "unexpected word '%.*s'", (int)key.bytes, key.at);
        if (!good)
            return false;
    }
    return true;
}

static bool nothing_more(struct parser *p)
{
    struct cf_text word;
    return !next(p, &word) || fail(p, "unexpected word '%.*s'", (int)word.bytes, word.at);
}

/* digit D [MODE] | media MEDIA | tone NUMBER [list NUMBER] */
static bool heard_event(struct parser *p, struct cf_script_event *e, struct cf_text what)
{
    struct cf_text digit;
    if (word_is(what, "media")) {
        e->kind = CF_SCRIPT_MEDIA;
        return need_name(p, "media", cf_script_media, &e->heard) && nothing_more(p);
    }
    if (word_is(what, "tone")) {
        e->kind = CF_SCRIPT_TONE;
        if (!need_number_32(p, "tone", UINT32_MAX, &e->heard))
            return false;
        if (peek_is(p, "list")) {
            p->at++;
            if (!need_number_32(p, "list", UINT32_MAX, &e->mode))
                return false;
        }
        return nothing_more(p);
    }
    e->kind = CF_SCRIPT_DIGIT;
    e->mode = LINEDIGITMODE_DTMF;
    if (!need(p, "digit", &digit))
        return false;
    if (digit.bytes != 1)
        return fail(p, "'%.*s' is no digit", (int)digit.bytes, digit.at);
    e->heard = (uint8_t)digit.at[0];
    return (p->at == p->words_count || need_name(p, "digit mode", cf_script_digit_modes, &e->mode)) && nothing_more(p);
}

/* devspecific [NUMBER [NUMBER [NUMBER]]] */
static bool dev_specific_event(struct parser *p, struct cf_script_event *e)
{
    e->kind = CF_SCRIPT_DEV_SPECIFIC;
    for (uint32_t i = 0; i < 3 && p->at < p->words_count; i++)
        if (!need_number_32(p, "parameter", UINT32_MAX, &e->param[i]))
            return false;
    return nothing_more(p);
}

static bool add_forwarding(struct parser *p, const struct cf_forward_entry *entry)
{
    struct cf_script *s = p->script;
    const uint32_t bytes = (uint32_t)sizeof entry->head + entry->head.caller_bytes + entry->head.address_bytes;
    uint8_t *to = realloc(s->forwarding, s->forwarding_bytes + bytes);
    if (to == NULL)
        return fail(p, "no memory");
    s->forwarding = to;
    to += s->forwarding_bytes;
    memcpy(to, &entry->head, sizeof entry->head);
    to += sizeof entry->head;
    memcpy(to, entry->caller, entry->head.caller_bytes);
    memcpy(to + entry->head.caller_bytes, entry->address, entry->head.address_bytes);
    s->forwarding_bytes += bytes;
    return true;
}

static bool need_address(struct parser *p, const char *what, uint16_t *ret_bytes, const uint8_t **ret_address)
{
    struct cf_text word;
    if (!need(p, what, &word))
        return false;
    if (word.bytes > CF_FORWARD_ADDRESS_MAX)
        return fail(p, "%s has more than %u bytes", what, CF_FORWARD_ADDRESS_MAX);
    *ret_bytes = (uint16_t)word.bytes;
    *ret_address = (const uint8_t *)word.at;
    return true;
}

/* forwarding [rings N] [MODE ADDRESS [from CALLER] [country N]] ... */
static bool forwarding_event(struct parser *p, struct cf_script_event *e)
{
    e->kind = CF_SCRIPT_FORWARDING;
    e->forward_at = p->script->forwarding_bytes;
    if (peek_is(p, "rings")) {
        p->at++;
        if (!need_number_32(p, "rings", UINT32_MAX, &e->rings))
            return false;
    }
    for (uint32_t entries = 0; p->at < p->words_count; entries++) {
        struct cf_forward_entry entry = {.caller = (const uint8_t *)""};
        if (entries == CF_FORWARD_ENTRIES_MAX)
            return fail(p, "more than %u entries", CF_FORWARD_ENTRIES_MAX);
        if (!need_name(p, "forward mode", cf_script_forward_modes, &entry.head.mode) ||
            !need_address(p, "address", &entry.head.address_bytes, &entry.address))
            return false;
        if (peek_is(p, "from")) {
            p->at++;
            if (!need_address(p, "caller", &entry.head.caller_bytes, &entry.caller))
                return false;
        }
        if (peek_is(p, "country")) {
            p->at++;
            if (!need_number_32(p, "country", UINT32_MAX, &entry.head.country))
                return false;
        }
        if (!add_forwarding(p, &entry))
            return false;
    }
    e->forward_bytes = p->script->forwarding_bytes - e->forward_at;
    return true;
}

/* Of CONFERENCED: [call P | id NUMBER] */
static bool parent_after_state(struct parser *p, struct cf_script_event *e)
{
    if ((e->state & LINECALLSTATE_CONFERENCED) == 0)
        return true;
    if (peek_is(p, "call")) {
        p->at++;
        return need_number_32(p, "call", CF_SCRIPT_CALLS_MAX - 1, &e->parent);
    }
    if (peek_is(p, "id")) {
        p->at++;
        return need_number(p, "id", UINT64_MAX, &e->parent_id);
    }
    return true;
}

/* ... call C digit D [MODE] | media MEDIA | tone NUMBER [list NUMBER] | devspecific [NUMBER ...] | call C state STATE [MODE] [call P | id NUMBER]
 * [cause TEXT] | call C info KEY TEXT ... | (line L) call C new STATE [MODE] KEY VALUE ... */
static bool call_event(struct parser *p, struct cf_script_event *e, bool with_line)
{
    struct cf_text word;
    if (!need_number_32(p, "call", CF_SCRIPT_CALLS_MAX - 1, &e->call) ||
        !need(p, "new, state, info, digit, media, tone or devspecific", &word))
        return false;
    if (word_is(word, "new")) {
        e->kind = CF_SCRIPT_NEW;
        if (!with_line)
            return fail(p, "a new call needs its line before it: line L call C new STATE");
        return state_and_mode(p, e) && pairs(p, e, true);
    }
    if (word_is(word, "state")) {
        e->kind = CF_SCRIPT_STATE;
        if (!state_and_mode(p, e) || !parent_after_state(p, e))
            return false;
        if (peek_is(p, "cause")) {
            p->at++;
            if (!need(p, "cause", &e->cause))
                return false;
        }
        return nothing_more(p);
    }
    if (word_is(word, "info")) {
        e->kind = CF_SCRIPT_INFO;
        if (p->at == p->words_count)
            return fail(
                p,
                "info needs what changed: caller, name, called, calledname, connected, redirecting, redirection ...");
        return pairs(p, e, false);
    }
    if (word_is(word, "digit") || word_is(word, "media") || word_is(word, "tone"))
        return heard_event(p, e, word);
    if (word_is(word, "devspecific"))
        return dev_specific_event(p, e);
    return fail(p, "new, state, info, digit, media, tone or devspecific is wanted, not '%.*s'", (int)word.bytes, word.at);
}

/* line L add | remove | close | state BITS [DETAIL] | address A BITS | address A forwarding ... | devspecific [NUMBER ...] | call C new ... */
static bool line_event(struct parser *p, struct cf_script_event *e)
{
    struct cf_text word;
    if (!need_number_32(p, "line", UINT32_MAX, &e->line) ||
        !need(p, "add, remove, close, state, address, devspecific or call", &word))
        return false;
    if (word_is(word, "call"))
        return call_event(p, e, true);
    if (word_is(word, "state")) {
        e->kind = CF_SCRIPT_LINE_STATE;
        if (!need_name(p, "line state", cf_script_line_states, &e->bits))
            return false;
        if (p->at < p->words_count && !need_number(p, "detail", UINT64_MAX, &e->detail))
            return false;
        return nothing_more(p);
    }
    if (word_is(word, "address")) {
        e->kind = CF_SCRIPT_ADDRESS_STATE;
        if (!need_number_32(p, "address", UINT32_MAX, &e->address))
            return false;
        if (peek_is(p, "forwarding")) {
            p->at++;
            return forwarding_event(p, e);
        }
        return need_name(p, "address state", cf_script_address_states, &e->bits) && nothing_more(p);
    }
    if (word_is(word, "devspecific"))
        return dev_specific_event(p, e);
    if (word_is(word, "add"))
        e->kind = CF_SCRIPT_LINE_ADD;
    else if (word_is(word, "remove"))
        e->kind = CF_SCRIPT_LINE_REMOVE;
    else if (word_is(word, "close"))
        e->kind = CF_SCRIPT_LINE_CLOSE;
    else
        return fail(p, "add, remove, close, state, address, devspecific or call is wanted, not '%.*s'", (int)word.bytes, word.at);
    return nothing_more(p);
}

/* The numbers of the calls that a command makes: [call C [call D]], as many as it can make. */
static bool made_calls(struct parser *p, struct cf_script_event *e)
{
    const struct cf_sim_reaction *most = cf_sim_reaction_find(e->command, LINETRANSFERMODE_CONFERENCE);
    for (uint32_t i = 0; most != NULL && i < most->makes && peek_is(p, "call"); i++) {
        p->at++;
        if (!need_number_32(p, "call", CF_SCRIPT_CALLS_MAX - 1, &e->made[i]))
            return false;
    }
    return e->made[0] == CF_SCRIPT_CALL_NONE || e->made[0] != e->made[1] ||
           fail(p, "two calls cannot have the number %u", e->made[0]);
}

/* on COMMAND ok | reply [call C [call D]] | ignore | fail ERROR */
static bool on_event(struct parser *p, struct cf_script_event *e)
{
    uint32_t value;
    struct cf_text word;
    e->kind = CF_SCRIPT_ON;
    if (!need(p, "command", &word))
        return false;
    if (!cf_script_word_find(cf_script_commands, word, &value))
        return fail(p, "unknown command '%.*s'", (int)word.bytes, word.at);
    e->command = (uint16_t)value;
    if (!need(p, "ok, reply, ignore or fail", &word))
        return false;
    if (word_is(word, "fail")) {
        e->reaction = CF_SCRIPT_FAIL;
        if (!need_name(p, "error", cf_script_errors, &value))
            return false;
        e->error = (int32_t)value;
    } else if (word_is(word, "ignore")) {
        e->reaction = CF_SCRIPT_IGNORE;
    } else if (word_is(word, "ok") || word_is(word, "reply")) {
        e->reaction = word_is(word, "ok") ? CF_SCRIPT_OK : CF_SCRIPT_REPLY;
        if (!made_calls(p, e))
            return false;
    } else {
        return fail(p, "ok, reply, ignore or fail is wanted, not '%.*s'", (int)word.bytes, word.at);
    }
    return nothing_more(p);
}

static bool add_event(struct parser *p, const struct cf_script_event *e)
{
    struct cf_script *s = p->script;
    if (s->events_count == CF_SCRIPT_EVENTS_MAX)
        return fail(p, "more than %d events", CF_SCRIPT_EVENTS_MAX);
    if (s->events_count == p->capacity) {
        uint32_t capacity = p->capacity != 0 ? 2 * p->capacity : 64;
        struct cf_script_event *events = realloc(s->events, capacity * sizeof *events);
        if (events == NULL)
            return fail(p, "no memory");
        s->events = events;
        p->capacity = capacity;
    }
    s->events[s->events_count++] = *e;
    return true;
}

/* at TIME EVENT; TIME is SECONDS, or +SECONDS after the event before. */
static bool timed_event(struct parser *p, struct cf_script_event *e)
{
    struct cf_text word;
    if (!need(p, "time", &word))
        return false;
    bool relative = word.bytes != 0 && word.at[0] == '+';
    const struct cf_text seconds = {word.at + relative, word.bytes - relative};
    if (!read_seconds(seconds, &e->at_ns))
        return fail(p, "'%.*s' is no time in seconds", (int)word.bytes, word.at);
    if (relative)
        e->at_ns += p->last_ns;
    if (e->at_ns > SECONDS_MAX * CF_NS_PER_S)
        return fail(p, "later than %d s", SECONDS_MAX);
    p->last_ns = e->at_ns;
    if (!need(p, "line, call or on", &word))
        return false;
    if (word_is(word, "line"))
        return line_event(p, e);
    if (word_is(word, "call"))
        return call_event(p, e, false);
    if (word_is(word, "on"))
        return on_event(p, e);
    return fail(p, "line, call or on is wanted, not '%.*s'", (int)word.bytes, word.at);
}

static bool parse_line(struct parser *p)
{
    struct cf_text word;
    struct cf_script_event e = {.source_line = p->line,
                                .call = CF_SCRIPT_CALL_NONE,
                                .parent = CF_SCRIPT_CALL_NONE,
                                .made = {CF_SCRIPT_CALL_NONE, CF_SCRIPT_CALL_NONE}};
    if (!next(p, &word))
        return true;
    if (word_is(word, "lines"))
        return need_number_32(p, "lines", CF_LINES_MAX, &p->script->lines) && nothing_more(p);
    if (word_is(word, "at"))
        return timed_event(p, &e) && add_event(p, &e);
    if (word_is(word, "on"))
        return on_event(p, &e) && add_event(p, &e);
    return fail(p, "lines, at or on is wanted, not '%.*s'", (int)word.bytes, word.at);
}

/* ------------------------------------------------------------------ the whole */

static int earlier(const void *a, const void *b)
{
    const struct cf_script_event *x = a, *y = b;
    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return x->source_line < y->source_line ? -1 : x->source_line > y->source_line;
}

static bool parse_text(struct parser *p, size_t bytes)
{
    const char *at = p->script->text, *end = at + bytes;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        p->line++;
        if (stop - at > CF_SCRIPT_LINE_BYTES)
            return fail(p, "longer than %d bytes", CF_SCRIPT_LINE_BYTES);
        if (memchr(at, '\0', (size_t)(stop - at)) != NULL)
            return fail(p, "a zero byte");
        if (!split(p, at, stop) || !parse_line(p))
            return false; /* NOLINT(clang-analyzer-unix.Malloc): the caller frees the text with the rest of the script */
        at = newline != NULL ? newline + 1 : end;
    }
    return true;
}

int cf_script_parse(struct cf_script *ret_script, const char *text, size_t bytes, char *why, size_t why_bytes)
{
    struct cf_script s = {0};
    struct parser p = {.script = &s, .why = why, .why_bytes = why_bytes};
    if (bytes > CF_SCRIPT_BYTES_MAX) {
        snprintf(why, why_bytes, "longer than %u bytes", CF_SCRIPT_BYTES_MAX);
        return -EINVAL;
    }
    s.text = malloc(bytes + 1);
    if (s.text == NULL)
        return -ENOMEM;
    if (bytes != 0)
        memcpy(s.text, text, bytes);
    if (!parse_text(&p, bytes)) {
        cf_script_fini(&s);
        return -EINVAL;
    }
    if (s.events_count != 0)
        qsort(s.events, s.events_count, sizeof s.events[0], earlier);
    *ret_script = s;
    return 0;
}

void cf_script_fini(struct cf_script *s)
{
    free(s->text);
    free(s->events);
    free(s->forwarding);
    *s = (struct cf_script){0};
}

int cf_script_read(struct cf_script *ret_script, const char *path, char *why, size_t why_bytes)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        int rc = -errno;
        snprintf(why, why_bytes, "%s: %s", path, strerror(-rc));
        return rc;
    }
    char *text = malloc(CF_SCRIPT_BYTES_MAX + 1);
    size_t bytes = text != NULL ? fread(text, 1, CF_SCRIPT_BYTES_MAX + 1, f) : 0;
    int rc = text == NULL ? -ENOMEM : ferror(f) != 0 ? -EIO : 0;
    fclose(f);
    size_t n = 0;
    if (why_bytes != 0)
        n = (size_t)snprintf(why, why_bytes, "%s: ", path);
    if (n >= why_bytes)
        n = 0;
    if (rc == 0)
        rc = cf_script_parse(ret_script, text, bytes, why + n, why_bytes - n);
    else
        snprintf(why + n, why_bytes - n, "%s", strerror(-rc));
    free(text);
    return rc;
}
