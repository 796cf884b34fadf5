/*
 * The lines of callfan-modem: each a serial line and a modem, joined to the core.
 *
 * Shape      link[i] belongs to the provider's call identifier with index i, and leads to the call in its line
 * Invariant  what the core was told of a line (there, in service) follows what it is; a report that found no room is made at the next
 *            tick. Only RINGING and LINE_CALLINFO may get lost in a full ring, which the provider's library counts
 * Trust      modems: see modem.h; the core is believed
 */
#ifndef CALLFAN_ADAPTERS_MODEM_LINES_H
#define CALLFAN_ADAPTERS_MODEM_LINES_H

#include "adapters/modem/settings.h"
#include "adapters/modem/tty.h"
#include "adapters/provider/port.h"

struct cf_modem_lines;

/* One line of log. */
typedef void cf_modem_say_fn(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct cf_modem_link {
    uint64_t provider_call; /* 0: free */
    struct cf_modem_line *line;
    uint32_t serial; /* of the call; 0: it is over, CLOSE_CALL is still to come */
};

struct cf_modem_line {
    struct cf_modem_lines *all;
    unsigned number;
    struct cf_tty tty;
    struct cf_modem modem;
    bool failing;    /* that it cannot be opened was said */
    bool removed;    /* gone for so long that the line is to be away */
    bool told_there; /* the core has the line */
    bool told_up;    /* and believes it in service */
    bool connected;  /* the modem has answered since the device was opened */
    bool told_connected;
    int64_t gone_ns; /* since when, 0: the device is there */
};

struct cf_modem_lines {
    const struct cf_modem_settings *settings;
    struct cf_provider *provider;
    struct cf_reactor *reactor;
    cf_modem_say_fn *say;
    uint64_t unwritten, removals;
    struct cf_modem_line line[CF_MODEM_LINES_MAX];
    uint32_t links;
    struct cf_modem_link *link;
};

/* 0 or a negative errno with a sentence in why. The settings are kept; say is told when devices come and go. */
int cf_modem_lines_open(struct cf_modem_lines *lines, const struct cf_modem_settings *settings,
                        struct cf_provider *provider, struct cf_reactor *reactor, cf_modem_say_fn *say, char *why,
                        size_t why_bytes);
void cf_modem_lines_close(struct cf_modem_lines *lines);

/* Identifiers of calls alive at once that the provider must have. */
uint32_t cf_modem_lines_calls(void);

/* Announces lines and live calls after an attach; false: the core does not take them. */
bool cf_modem_lines_announce(struct cf_modem_lines *lines, int64_t now_ns);

void cf_modem_lines_command(struct cf_modem_lines *lines, const struct cf_command *command, int64_t now_ns);

/* Runs what is due and returns when to come back. */
int64_t cf_modem_lines_tick(struct cf_modem_lines *lines, int64_t now_ns);

/* Stops reading while the core cannot follow, and goes on after. */
void cf_modem_lines_pause(struct cf_modem_lines *lines, bool paused);

/* Hangs up all calls, because the program ends. */
void cf_modem_lines_hang_up(struct cf_modem_lines *lines, int64_t now_ns);

/* Calls in the modems. */
uint32_t cf_modem_lines_live(const struct cf_modem_lines *lines);

/* All lines' counters added up. */
void cf_modem_lines_counters(const struct cf_modem_lines *lines, struct cf_modem_counters *ret_sum);

#endif
