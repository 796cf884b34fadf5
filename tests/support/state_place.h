/*
 * Where something lies in the state of a service that runs with a configuration, for tests that damage it.
 *
 * Errors     whatever fails ends the test
 */
#ifndef CF_TESTS_STATE_PLACE_H
#define CF_TESTS_STATE_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

enum state_place {
    STATE_MAGIC,
    STATE_VERSION,
    STATE_LIVE_CALLS,
    STATE_FIRST_CALL_OWNERS,
    STATE_FIRST_APPLICATION_MISSED,
    STATE_BEYOND_JOURNAL
};

/* In bytes from the state's beginning. */
unsigned long state_place(const char *config_path, enum state_place place);

/* Overwrites the state of that core from there on, at most to its end. False: this system does not let us. */
bool state_spoil(pid_t core, unsigned long from, int byte, unsigned long bytes);

#endif
