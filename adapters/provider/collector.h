/*
 * The collector: gathers digits as CF_CMD_GATHER_DIGITS asks, for adapters that hear them one by one.
 *
 * Shape      one struct per gathering; who uses it brings digits and time, and replies when it ends (cf_provider_reply_gathered())
 * Units      ns of the user's clock
 * Overlap    none; pure
 */
#ifndef CF_PROVIDER_COLLECTOR_H
#define CF_PROVIDER_COLLECTOR_H

#include "adapters/provider/port.h"
#include "shm/operations.h"

struct cf_collector {
    uint64_t number; /* of the command; 0: nothing is gathered */
    uint64_t call;
    int64_t due_ns; /* when it ends for want of a digit; CF_REACTOR_NEVER: it waits for ever */
    uint32_t modes; /* LINEDIGITMODE_ */
    uint32_t wanted;
    uint32_t between_ms; /* 0: for ever */
    uint32_t bytes;      /* of digits */
    char digits[CF_GATHER_MAX];
    char ends[17]; /* each of these ends it; the 16 digits at most, and a NUL */
};

/* command is one that wants digits. */
void cf_collector_begin(struct cf_collector *c, const struct cf_command *command, int64_t now_ns);

/* A digit was heard: LINEGATHERTERM_ if it is the last one, else 0; also when it is not of the modes, or nothing is gathered. */
uint32_t cf_collector_hear(struct cf_collector *c, char digit, uint32_t mode, int64_t now_ns);

/* LINEGATHERTERM_ if it has waited long enough, else 0. */
uint32_t cf_collector_expire(const struct cf_collector *c, int64_t now_ns);

static inline struct cf_text cf_collector_digits(const struct cf_collector *c)
{
    return (struct cf_text){c->digits, c->bytes};
}

#endif
