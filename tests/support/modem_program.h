/*
 * callfan-modem as a process between a core and up to 64 modems, all played by the test.
 *
 * Begin      modem_program_set_up(); change the modems as you like; modem_program_start(); ... modem_program_tear_down()
 * Turns      nothing moves but by modem_program_turn() and MODEM_PROGRAM_UNTIL()
 */
#ifndef CF_TESTS_MODEM_PROGRAM_H
#define CF_TESTS_MODEM_PROGRAM_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "adapters/provider/clock.h"
#include "callfan/provider.h"
#include "tests/support/modem_core.h"
#include "tests/support/modem_emulator.h"

enum { MODEM_PROGRAM_PATIENCE_S = 60 };

struct modem_program {
    struct modem_core core;
    struct modem_emulator modem[MODEM_LINES];
    unsigned modems;
    pid_t pid;
    int out;          /* its standard error */
    char said[65536]; /* what came from there */
};

/* So many modems, each with its link. */
void modem_program_set_up(struct modem_program *p, unsigned modems);
/* Starts the program with short times; set, set_2: one more KEY=VALUE each, or NULL. Returns when every line is in service. */
void modem_program_start(struct modem_program *p, const char *set, const char *set_2);
/* SIGTERM; it must end with 0. */
void modem_program_tear_down(struct modem_program *p);

void modem_program_turn(struct modem_program *p);
/* Turns until the condition holds; the test fails when it does not within the patience. */
#define MODEM_PROGRAM_UNTIL(p, condition)                                                                              \
    do {                                                                                                               \
        const int64_t until = cf_clock_ns() + MODEM_PROGRAM_PATIENCE_S * CF_NS_PER_S;                                  \
        while (modem_program_turn(p), !(condition)) {                                                                  \
            if (cf_clock_ns() > until)                                                                                 \
                fail_msg("never: %s (line %d)\ncall: %s\nmodem: %s\nit said: %s", #condition, __LINE__,                \
                         (p)->core.calls > 0 ? (p)->core.heard[(p)->core.calls - 1].states : "none",                   \
                         modem_program_tail((p)->modem[0].log), modem_program_tail((p)->said));                        \
            poll(NULL, 0, 1);                                                                                          \
        }                                                                                                              \
    } while (0)

/* The exit status; -signal when it was killed. */
int modem_program_wait_for_exit(struct modem_program *p);

bool modem_program_in_service(const struct modem_program *p);
/* The newest call of a line, or NULL. */
struct modem_heard *modem_program_newest(struct modem_program *p, uint32_t line);
/* Whether these are all its states so far. */
bool modem_program_is(struct modem_program *p, uint32_t line, const char *states);
bool modem_program_replied(const struct modem_program *p, uint64_t number);
bool modem_program_said(const struct modem_program *p, const char *text);
/* The end of a text that may be long. */
const char *modem_program_tail(const char *text);

#endif
