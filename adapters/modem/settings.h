/*
 * The configuration of callfan-modem: its section of callfan.conf, checked, with every default filled in.
 *
 * Shape     one line per path of `device`; the lists beside it are matched by position, and a list that is shorter goes on with its last
 *           entry (number and pin: with none)
 * Errors    negative errno with a sentence in why that names file and line
 */
#ifndef CALLFAN_ADAPTERS_MODEM_SETTINGS_H
#define CALLFAN_ADAPTERS_MODEM_SETTINGS_H

#include "adapters/modem/modem.h"
#include "adapters/provider/options.h"

enum {
    CF_MODEM_LINES_MAX = 64,
    CF_MODEM_PATH_MAX = 256,
    CF_MODEM_INIT_MAX = 512,
    CF_MODEM_PIN_MAX = 9,
    CF_MODEM_NEVER_REMOVED = -1,
};

struct cf_modem_line_settings {
    char device[CF_MODEM_PATH_MAX];
    char number[CF_MODEM_NUMBER_MAX]; /* directory number, may be empty */
    char init[CF_MODEM_INIT_MAX];     /* "": the profile's */
    char pin[CF_MODEM_PIN_MAX];       /* "": none */
    uint32_t speed;
    const struct cf_modem_profile *profile;
    bool voice;
};

struct cf_modem_settings {
    unsigned lines;
    struct cf_modem_line_settings line[CF_MODEM_LINES_MAX];
    struct cf_modem_config common; /* profile, init, pin and voice are those of a line */
    bool flow;
    int64_t retry_ns;
    int64_t remove_ns; /* CF_MODEM_NEVER_REMOVED: never */
};

extern const char cf_modem_settings_help[];

int cf_modem_settings_read(const struct cf_options *o, struct cf_modem_settings *ret_settings, char *why,
                           size_t why_bytes);

/* The configuration of one line's modem; it borrows from the settings. */
struct cf_modem_config cf_modem_settings_line(const struct cf_modem_settings *settings, unsigned line);

#endif
