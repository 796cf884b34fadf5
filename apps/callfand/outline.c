/* A scanner of libConfuse's syntax that knows only strings, comments, braces and names. */
#include "apps/callfand/outline.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_USUAL (32 << 10)
#define DEPTH_MAX   2 /* options of a section; what lies deeper belongs to the provider's program */

struct scan {
    char *at;
    uint32_t line;
    uint32_t depth;
    char *kind, *section;  /* kind and title of the section at depth 1 */
    uint32_t section_head; /* its entry */
    char *section_text;
    struct cf_outline *outline;
};

/* -------------------------------------------------------------------- text */

/* Steps over a quoted string. */
static char *skip_string(char *p)
{
    char quote = *p++;
    while (*p != '\0' && *p != quote)
        p += *p == '\\' && p[1] != '\0' ? 2 : 1;
    return *p == '\0' ? p : p + 1;
}

static char *blank_line(char *p)
{
    while (*p != '\0' && *p != '\n')
        *p++ = ' ';
    return p;
}

static char *blank_block(char *p)
{
    p[0] = p[1] = ' ';
    p += 2;
    while (*p != '\0' && !(p[0] == '*' && p[1] == '/')) {
        if (*p != '\n')
            *p = ' ';
        p++;
    }
    if (*p != '\0') {
        p[0] = p[1] = ' ';
        p += 2;
    }
    return p;
}

/*
 * As libConfuse has it: two slashes within a word, as in a path, begin no comment. Returns the first character that it would pass over without
 * a word: an asterisk, or a plus that is no "+=", outside of quotes and comments.
 */
static const char *blank_comments(char *p)
{
    const char *stray = NULL;
    for (bool in_word = false; *p != '\0';) {
        bool comment = *p == '#' || (*p == '/' && (p[1] == '*' || (p[1] == '/' && !in_word)));
        if (*p == '"' || *p == '\'') {
            p = skip_string(p);
            in_word = false;
        } else if (comment) {
            p = *p == '/' && p[1] == '*' ? blank_block(p) : blank_line(p);
            in_word = false;
        } else {
            if (stray == NULL && (*p == '*' || (*p == '+' && p[1] != '=')))
                stray = p;
            in_word = strchr(" \t\r\n={}()+,", *p) == NULL;
            p++;
        }
    }
    return stray;
}

static uint64_t digest(const char *from, const char *to)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a, of the text without space: what was only moved is unchanged */
    for (; from < to; from++)
        if (!isspace((unsigned char)*from))
            h = (h ^ (unsigned char)*from) * UINT64_C(0x100000001b3);
    return h;
}

/* ----------------------------------------------------------------- entries */

static void skip_space(struct scan *s)
{
    for (; isspace((unsigned char)*s->at); s->at++)
        s->line += *s->at == '\n';
}

static void skip_counted(struct scan *s, const char *to)
{
    for (; s->at < to; s->at++)
        s->line += *s->at == '\n';
}

static bool name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* A word, quoted or not, as new memory; NULL when none stands here. */
static char *take_word(struct scan *s)
{
    char *from = s->at, *to = from;
    if (*from == '"' || *from == '\'') {
        to = skip_string(from);
        skip_counted(s, to);
        return to - from < 2 ? NULL : strndup(from + 1, (size_t)(to - from) - 2);
    }
    while (name_char(*to))
        to++;
    if (to == from)
        return NULL;
    s->at = to;
    return strndup(from, (size_t)(to - from));
}

/* Takes name and title. */
static void add(struct scan *s, char *name, char *title, uint32_t line)
{
    struct cf_outline *o = s->outline;
    struct cf_outline_entry *more = realloc(o->entries, (o->entries_count + 1) * sizeof *more);
    if (more == NULL)
        abort();
    o->entries = more;
    more[o->entries_count++] = (struct cf_outline_entry){
        .kind = s->depth == 0 || s->kind == NULL ? NULL : strdup(s->kind),
        .section = s->depth == 0 || s->section == NULL ? NULL : strdup(s->section),
        .name = name,
        .title = title,
        .line = line,
    };
}

/* After `name [title]` at an opening brace. */
static void enter_section(struct scan *s, char *name, char *title, uint32_t line)
{
    bool top = s->depth == 0;
    if (top) {
        free(s->kind);
        free(s->section);
        s->kind = strdup(name);
        s->section = strdup(title != NULL ? title : name);
        s->section_head = s->outline->entries_count;
        s->section_text = s->at;
    }
    if (s->depth < DEPTH_MAX) {
        add(s, name, title, line);
    } else {
        free(name);
        free(title);
    }
    s->depth++;
    s->at++;
}

static void leave_section(struct scan *s)
{
    if (s->depth > 0 && --s->depth == 0)
        s->outline->entries[s->section_head].digest = digest(s->section_text, s->at);
    s->at++;
}

/* Steps over the value after '=': a word, or a list in braces. */
static void skip_value(struct scan *s)
{
    skip_space(s);
    if (*s->at != '{') {
        if (*s->at == '"' || *s->at == '\'')
            skip_counted(s, skip_string(s->at));
        else
            while (*s->at != '\0' && !isspace((unsigned char)*s->at) && strchr("{}=,()", *s->at) == NULL)
                s->at++;
        return;
    }
    while (*s->at != '\0' && *s->at != '}') {
        if (*s->at == '"' || *s->at == '\'')
            skip_counted(s, skip_string(s->at));
        else
            skip_counted(s, s->at + 1);
    }
    if (*s->at == '}')
        s->at++;
}

/* One option, section head or brace. */
static void step(struct scan *s)
{
    if (*s->at == '}') {
        leave_section(s);
        return;
    }
    uint32_t line = s->line;
    char *name = take_word(s);
    if (name == NULL) { /* a character that means nothing here, or a quote that does not end: libConfuse tells */
        if (*s->at != '\0')
            skip_counted(s, s->at + 1);
        return;
    }
    skip_space(s);
    char *title = NULL;
    if (*s->at != '{' && *s->at != '=' && *s->at != '+' && *s->at != '}') {
        title = take_word(s);
        skip_space(s);
    }
    if (*s->at == '{') {
        enter_section(s, name, title, line);
        return;
    }
    free(title);
    if (*s->at == '+' && s->at[1] == '=')
        s->at++;
    if (*s->at == '=') {
        s->at++;
        skip_value(s);
    }
    if (s->depth < DEPTH_MAX)
        add(s, name, NULL, line);
    else
        free(name);
}

/* ------------------------------------------------------------------ public */

int cf_outline_parse(const char *text, size_t bytes, struct cf_outline *ret_outline)
{
    *ret_outline = (struct cf_outline){0};
    char *copy = malloc(bytes + 1);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    ret_outline->text = copy;
    const char *stray = blank_comments(copy);
    if (stray == NULL && strlen(copy) < bytes)
        stray = copy + strlen(copy);
    if (stray != NULL) {
        ret_outline->stray = *stray;
        ret_outline->stray_line = 1;
        for (const char *p = copy; p < stray; p++)
            ret_outline->stray_line += *p == '\n';
    }
    struct scan s = {.at = copy, .line = 1, .outline = ret_outline};
    for (skip_space(&s); *s.at != '\0'; skip_space(&s))
        step(&s);
    if (s.depth > 0)
        ret_outline->unclosed_line = ret_outline->entries[s.section_head].line;
    free(s.kind);
    free(s.section);
    return 0;
}

int cf_outline_read(const char *path, struct cf_outline *ret_outline)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return -errno;
    char *text = NULL;
    int error = 0;
    size_t bytes = 0;
    for (size_t room = 0; error == 0 && bytes == room && bytes <= CF_OUTLINE_BYTES_MAX;) {
        room = room == 0 ? BYTES_USUAL : 4 * room < CF_OUTLINE_BYTES_MAX ? 4 * room : CF_OUTLINE_BYTES_MAX + 1;
        char *more = realloc(text, room);
        if (more == NULL) {
            error = -ENOMEM;
            break;
        }
        text = more;
        bytes += fread(text + bytes, 1, room - bytes, f);
        if (ferror(f))
            error = errno != 0 ? -errno : -EIO;
    }
    if (error == 0 && bytes > CF_OUTLINE_BYTES_MAX)
        error = -EFBIG;
    fclose(f);
    if (error == 0)
        error = cf_outline_parse(text, bytes, ret_outline);
    free(text);
    return error;
}

void cf_outline_fini(struct cf_outline *outline)
{
    for (uint32_t i = 0; i < outline->entries_count; i++) {
        free(outline->entries[i].kind);
        free(outline->entries[i].section);
        free(outline->entries[i].name);
        free(outline->entries[i].title);
    }
    free(outline->entries);
    free(outline->text);
    *outline = (struct cf_outline){0};
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

uint32_t cf_outline_line(const struct cf_outline *outline, const char *kind, const char *section, const char *name)
{
    uint32_t line = 0; /* the last one counts, as it does for libConfuse */
    for (uint32_t i = 0; i < outline->entries_count; i++) {
        const struct cf_outline_entry *e = &outline->entries[i];
        if (same(e->kind, kind) && same(e->section, section) && strcmp(e->name, name) == 0)
            line = e->line;
    }
    return line;
}

const struct cf_outline_entry *cf_outline_section(const struct cf_outline *outline, const char *kind, const char *title)
{
    for (uint32_t i = 0; i < outline->entries_count; i++) {
        const struct cf_outline_entry *e = &outline->entries[i];
        if (e->section == NULL && strcmp(e->name, kind) == 0 && same(e->title, title))
            return e;
    }
    return NULL;
}
