/* See at.h. */
#include "adapters/modem/at.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

struct name {
    const char *text;
    bool whole; /* the line is nothing else */
    uint8_t value;
};

static const struct name results[] = {
    {"OK", true, CF_AT_OK},
    {"CONNECT", false, CF_AT_CONNECT},
    {"NO CARRIER", true, CF_AT_NO_CARRIER},
    {"ERROR", true, CF_AT_ERROR},
    {"NO DIALTONE", true, CF_AT_NO_DIALTONE},
    {"NO DIAL TONE", true, CF_AT_NO_DIALTONE},
    {"BUSY", true, CF_AT_BUSY},
    {"NO ANSWER", true, CF_AT_NO_ANSWER},
    {"BLACKLISTED", true, CF_AT_BLACKLISTED},
    {"DELAYED", true, CF_AT_DELAYED},
    {"+CME ERROR:", false, CF_AT_CME_ERROR},
    {"+CMS ERROR:", false, CF_AT_CME_ERROR},
    {"COMMAND NOT SUPPORT", true, CF_AT_ERROR}, /* what some say instead */
    {"TOO MANY PARAMETERS", true, CF_AT_ERROR},
};

static const struct name urcs[] = {
    {"RING", true, CF_AT_RING},    {"+CRING:", false, CF_AT_CRING}, {"+CLIP:", false, CF_AT_CLIP},
    {"+CCWA:", false, CF_AT_CCWA}, {"+CLCC:", false, CF_AT_CLCC},   {"+CSSI:", false, CF_AT_CSSI},
    {"+CSSU:", false, CF_AT_CSSU}, {"+CREG:", false, CF_AT_CREG},   {"+CEER:", false, CF_AT_CEER},
    {"+COLP:", false, CF_AT_COLP}, {"+CPIN:", false, CF_AT_CPIN},   {"^ORIG:", false, CF_AT_ORIG},
    {"^CONF:", false, CF_AT_CONF}, {"^CONN:", false, CF_AT_CONN},   {"^CEND:", false, CF_AT_CEND},
    {"NMBR =", false, CF_AT_NMBR}, {"NMBR=", false, CF_AT_NMBR},    {"NAME =", false, CF_AT_NAME},
    {"NAME=", false, CF_AT_NAME},
};

/* V.250 table 1 and the rates that follow it; 2 is RING. */
static const int8_t numeric_results[] = {
    [0] = CF_AT_OK,      [1] = CF_AT_CONNECT,     [2] = -1,         [3] = CF_AT_NO_CARRIER, [4] = CF_AT_ERROR,
    [5] = CF_AT_CONNECT, [6] = CF_AT_NO_DIALTONE, [7] = CF_AT_BUSY, [8] = CF_AT_NO_ANSWER,
};

static const char *const result_texts[] = {
    [CF_AT_OK] = "OK",
    [CF_AT_CONNECT] = "CONNECT",
    [CF_AT_NO_CARRIER] = "NO CARRIER",
    [CF_AT_ERROR] = "ERROR",
    [CF_AT_NO_DIALTONE] = "NO DIALTONE",
    [CF_AT_BUSY] = "BUSY",
    [CF_AT_NO_ANSWER] = "NO ANSWER",
    [CF_AT_BLACKLISTED] = "BLACKLISTED",
    [CF_AT_DELAYED] = "DELAYED",
    [CF_AT_CME_ERROR] = "+CME ERROR",
    [CF_AT_TIMEOUT] = "time-out",
    [CF_AT_ABORTED] = "aborted",
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
static_assert(COUNT(result_texts) == CF_AT_ABORTED + 1, "a text for every result");

const char *cf_at_result_text(enum cf_at_result result)
{
    return (size_t)result < COUNT(result_texts) ? result_texts[result] : "?";
}

/* ------------------------------------------------------------------ naming */

static const struct name *find(const struct name *table, size_t count, const char *text, uint32_t len)
{
    for (size_t i = 0; i < count; i++) {
        const size_t name_len = strlen(table[i].text);
        if (len < name_len || memcmp(text, table[i].text, name_len) != 0)
            continue;
        if (len == name_len || (!table[i].whole && (text[name_len - 1] == ':' || text[name_len - 1] == '=')))
            return &table[i];
        if (!table[i].whole && text[name_len] == ' ') /* CONNECT 9600, but not CONNECTED */
            return &table[i];
    }
    return NULL;
}

static void set_rest(struct cf_at_line *line, size_t name_len)
{
    line->rest = line->text + name_len;
    line->rest_len = line->len - (uint32_t)name_len;
    while (line->rest_len > 0 && line->rest[0] == ' ') {
        line->rest++;
        line->rest_len--;
    }
}

/* "0" to "99"; those beyond the table are the connection rates of one maker or another. */
static bool name_number(struct cf_at_line *line)
{
    unsigned value = 0;
    if (line->len > 2)
        return false;
    for (uint32_t i = 0; i < line->len; i++) {
        if (line->text[i] < '0' || line->text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(line->text[i] - '0');
    }
    line->kind = CF_AT_RESULT;
    if (value == 2) {
        line->kind = CF_AT_URC;
        line->urc = CF_AT_RING;
    } else if (value >= COUNT(numeric_results)) {
        line->result = CF_AT_CONNECT;
    } else {
        line->result = (enum cf_at_result)numeric_results[value];
    }
    set_rest(line, line->len);
    return true;
}

void cf_at_name(const char *text, uint32_t len, bool numeric, struct cf_at_line *ret_line)
{
    *ret_line = (struct cf_at_line){.kind = CF_AT_TEXT, .text = text, .len = len};
    set_rest(ret_line, 0);
    const struct name *name = find(results, COUNT(results), text, len);
    if (name != NULL) {
        ret_line->kind = CF_AT_RESULT;
        ret_line->result = (enum cf_at_result)name->value;
        set_rest(ret_line, strlen(name->text));
        return;
    }
    name = find(urcs, COUNT(urcs), text, len);
    if (name != NULL) {
        ret_line->kind = CF_AT_URC;
        ret_line->urc = (enum cf_at_urc)name->value;
        set_rest(ret_line, strlen(name->text));
        return;
    }
    if (numeric)
        name_number(ret_line);
}

/* ------------------------------------------------------------------ bytes */

void cf_at_init(struct cf_at_parser *parser)
{
    parser->len = 0;
    parser->noisy = parser->too_long = parser->numeric = false;
}

static bool line_ends(struct cf_at_parser *parser, struct cf_at_line *ret_line)
{
    const uint32_t len = parser->len;
    const bool noisy = parser->noisy, too_long = parser->too_long;
    parser->len = 0;
    parser->noisy = parser->too_long = false;
    if (noisy || too_long) {
        *ret_line = (struct cf_at_line){
            .kind = too_long ? CF_AT_LONG : CF_AT_GARBAGE, .text = parser->text, .rest = parser->text};
        return true;
    }
    if (len == 0)
        return false;
    cf_at_name(parser->text, len, parser->numeric, ret_line);
    return true;
}

static bool prompt_is_whole(const struct cf_at_parser *parser)
{
    return parser->len == 2 && parser->text[0] == '>' && parser->text[1] == ' ' && !parser->noisy && !parser->too_long;
}

bool cf_at_push(struct cf_at_parser *parser, uint8_t byte, struct cf_at_line *ret_line)
{
    if (byte == '\r' || byte == '\n')
        return line_ends(parser, ret_line);
    if (byte < ' ' || byte == 0x7f) {
        parser->noisy = true;
        return false;
    }
    if (parser->len == CF_AT_LINE_MAX) {
        parser->too_long = true;
        return false;
    }
    parser->text[parser->len++] = (char)byte;
    if (!prompt_is_whole(parser))
        return false;
    parser->len = 0;
    *ret_line = (struct cf_at_line){.kind = CF_AT_PROMPT, .text = parser->text, .len = 2, .rest = parser->text};
    return true;
}

/* ------------------------------------------------------------------ fields */

/* Takes one field from text[at..len); returns where the next begins. */
static uint32_t take_field(const char *text, uint32_t len, uint32_t at, struct cf_at_field *ret_field)
{
    while (at < len && text[at] == ' ')
        at++;
    const bool quoted = at < len && text[at] == '"';
    const uint32_t begin = at + quoted;
    uint32_t end = begin;
    while (end < len && text[end] != (quoted ? '"' : ','))
        end++;
    *ret_field = (struct cf_at_field){text + begin, end - begin, quoted};
    while (end < len && text[end] != ',')
        end++;
    while (!quoted && ret_field->len > 0 && ret_field->text[ret_field->len - 1] == ' ')
        ret_field->len--;
    return end + 1;
}

void cf_at_split(const char *text, uint32_t len, struct cf_at_fields *ret_fields)
{
    ret_fields->count = 0;
    for (uint32_t at = 0; at <= len && len > 0 && ret_fields->count < CF_AT_FIELDS_MAX;)
        at = take_field(text, len, at, &ret_fields->field[ret_fields->count++]);
}

int32_t cf_at_number(const struct cf_at_fields *fields, uint32_t index)
{
    int32_t value = 0;
    if (index >= fields->count || fields->field[index].len == 0 || fields->field[index].len > 9)
        return -1;
    for (uint32_t i = 0; i < fields->field[index].len; i++) {
        const char c = fields->field[index].text[i];
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    return value;
}

void cf_at_string(const struct cf_at_fields *fields, uint32_t index, char *to, uint32_t bytes)
{
    uint32_t len = index < fields->count ? fields->field[index].len : 0;
    len = len < bytes - 1 ? len : bytes - 1;
    if (len > 0)
        memcpy(to, fields->field[index].text, len);
    to[len] = '\0';
}
