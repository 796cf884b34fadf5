/*
 * The command line and the configuration that all adapters have in common.
 *
 * Shape      callfand starts an adapter as `callfan-NAME --socket PATH --name NAME --config FILE`; the adapter reads its own
 *            section `provider NAME { ... }` of that file, in which the keys of callfand (command, args, user, groups,
 *            restart_ms_min, restart_ms_max) stand beside the adapter's own. --set KEY=VALUE lines are read after the section
 * Errors     negative errno with a sentence in why, naming file and line where there is one
 * Trust      the file is the administrator's: bounded in size, errors told, nothing executed
 */
#ifndef CF_PROVIDER_OPTIONS_H
#define CF_PROVIDER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <confuse.h>

#define CF_SET_OPTIONS_MAX  64
#define CF_CONFIG_BYTES_MAX (4u << 20)
#define CF_DEFAULT_CONFIG   "/etc/callfan/callfan.conf"

/* Points into argv. */
struct cf_options {
    const char *socket_path; /* --socket, else CALLFAN_SOCKET of the environment, else CF_DEFAULT_SOCKET */
    const char *name;        /* --name, else the default name of the program */
    const char *config;      /* --config; NULL: none given */
    const char *sets[CF_SET_OPTIONS_MAX];
    unsigned sets_count;
    bool check; /* --check: read the configuration, say what is wrong, end */
};

/* What a program says of itself. */
struct cf_options_program {
    const char *program; /* "callfan-sim" */
    const char *name;    /* default of --name */
    const char *summary; /* one line for --help */
    const char *keys;    /* text for --help: the keys of its section, may be NULL */
};

enum cf_options_parsed {
    CF_OPTIONS_RUN,  /* go on */
    CF_OPTIONS_DONE, /* --help or --version was printed: exit 0 */
    CF_OPTIONS_BAD,  /* why says what is wrong: exit 2 */
};

/* Reads the command line. Prints --help and --version itself, to stdout. */
enum cf_options_parsed cf_options_parse(int argc, char **argv, const struct cf_options_program *program,
                                        struct cf_options *ret_options, char *why, size_t why_bytes);

/*
 * Reads the section of o->name with the adapter's own keys (an array ended by CFG_END(), of simple values and lists) and then the
 * --set lines. ret_cfg is to be freed with cfg_free(). No --config: defaults and --set lines. A file without the section, an unknown key, a
 * wrong value: -EINVAL with file and line.
 */
int cf_options_section(const struct cf_options *o, cfg_opt_t *keys, cfg_t **ret_cfg, char *why, size_t why_bytes);

/*
 * The value of a key, which must lie in low..high; else -EINVAL with file, line and bounds in why.
 */
int cf_options_int(const struct cf_options *o, cfg_t *cfg, const char *key, long low, long high, long *ret_value,
                   char *why, size_t why_bytes);
int cf_options_float(const struct cf_options *o, cfg_t *cfg, const char *key, double low, double high,
                     double *ret_value, char *why, size_t why_bytes);

/* The place of a key in one of names (ended by NULL): its value must be one of them; else -EINVAL with file, line and names. */
int cf_options_choice(const struct cf_options *o, cfg_t *cfg, const char *key, const char *const *names,
                      int *ret_choice, char *why, size_t why_bytes);

/* Writes "FILE:LINE: " for a key of the section, or "provider NAME: " when it is set nowhere in a file. Returns the bytes written. */
size_t cf_options_where(const struct cf_options *o, const char *key, char *text, size_t text_bytes);

/*
 * Finds the body of `provider NAME { ... }` in text: its first and one past its last byte, and the line on which it begins. Knows comments
 * and quotes. -ENOENT: no such section; -EINVAL: the text ends within a quote, a comment or a brace; -EEXIST: the section is there twice.
 */
int cf_options_find_section(const char *text, size_t bytes, const char *name, size_t *ret_first, size_t *ret_last,
                            unsigned *ret_line);

#endif
