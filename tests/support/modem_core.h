/*
 * What a core played by a test (provider_core.h) hears of a modem's calls, in letters, and how it commands them.
 */
#ifndef CF_TESTS_MODEM_CORE_H
#define CF_TESTS_MODEM_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/provider_core.h"

enum { MODEM_HEARD_MAX = 2048, MODEM_LINES = 64, MODEM_REPLIES_MAX = 8192 };

/* O offering, A accepted, G dialing, P proceeding, R ringback, B busy, C connected, H connected and held by the other side, L on hold,
 * F conferenced, D disconnected, I idle. */
struct modem_heard {
    uint64_t call;
    uint32_t line;
    char states[64];
    uint32_t mode; /* of DISCONNECTED */
    uint32_t media, origin;
    char caller[64], called[64], cause[32];
    unsigned infos;
    bool closed;
};

struct modem_line_heard {
    /* + announced, s in service, o out of service, c and d connected and disconnected alone, x closed, - removed */
    char events[64];
    uint32_t bits; /* all LINEDEVSTATE_ told */
    unsigned rings;
    uint32_t call_features;
};

struct modem_core {
    struct provider_core core;
    struct modem_heard heard[MODEM_HEARD_MAX];
    unsigned calls;
    struct modem_line_heard line[MODEM_LINES];
    bool snapshot_ended;
    bool keep_calls; /* IDLE is not followed by CLOSE_CALL */
    uint64_t number; /* of the last command */
    struct {
        bool came, dials;
        uint32_t line;
        int32_t result;
        uint64_t call;
    } reply[MODEM_REPLIES_MAX];
    unsigned replies;
};

void modem_core_hear(struct modem_core *c);
struct modem_heard *modem_core_call(struct modem_core *c, uint64_t call);
/* The newest call of a line, NULL: none. */
struct modem_heard *modem_core_newest(struct modem_core *c, uint32_t line);

/* Commands; return their numbers. */
uint64_t modem_core_order(struct modem_core *c, uint16_t id, uint64_t call);
uint64_t modem_core_dial(struct modem_core *c, uint32_t line, const char *destination, uint32_t media_mode);
uint64_t modem_core_digits(struct modem_core *c, uint64_t call, const char *digits);

#endif
