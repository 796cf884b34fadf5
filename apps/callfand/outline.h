/*
 * The outline of a configuration file: where each option and section stands, for messages with line numbers.
 *
 * Shape      one entry per option or section head, in the order of the file; the text with its comments blanked out
 *            (libConfuse counts a line with a comment twice, so it is given this text)
 * Errors     -errno when the file cannot be read, -EFBIG when it is longer than CF_OUTLINE_BYTES_MAX
 */
#ifndef CF_CALLFAND_OUTLINE_H
#define CF_CALLFAND_OUTLINE_H

#include <stddef.h>
#include <stdint.h>

#define CF_OUTLINE_BYTES_MAX (1 << 20)

struct cf_outline_entry {
    char *kind;    /* of the section it stands in, NULL at the top */
    char *section; /* its title, or its kind when it has none */
    char *name;    /* of the option, or the kind of the section */
    char *title;   /* of a section head, else NULL */
    uint32_t line;
    uint64_t digest; /* of a section head: of the section's text */
};

struct cf_outline {
    char *text; /* comments blanked */
    struct cf_outline_entry *entries;
    uint32_t entries_count;
    uint32_t unclosed_line; /* of the section head whose closing brace is missing; 0: none */
    uint32_t stray_line;    /* of the first character that means nothing: '*', '+', or a NUL byte, where the text ends; 0: none */
    char stray;
};

int cf_outline_read(const char *path, struct cf_outline *ret_outline);
int cf_outline_parse(const char *text, size_t bytes, struct cf_outline *ret_outline);
void cf_outline_fini(struct cf_outline *outline);

/* The line of an option: in the section of that kind and title (both NULL: at the top). 0: there is none. */
uint32_t cf_outline_line(const struct cf_outline *outline, const char *kind, const char *section, const char *name);

/* The head of the section `kind title`, or NULL. */
const struct cf_outline_entry *cf_outline_section(const struct cf_outline *outline, const char *kind,
                                                  const char *title);

#endif
