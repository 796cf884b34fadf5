/*
 * One of our programs as a process of the test, whose standard error the test reads.
 *
 * Errors     whatever fails ends the test
 */
#ifndef CF_TESTS_SPAWN_H
#define CF_TESTS_SPAWN_H

#include <sys/types.h>

/* The path of a program that was built with the tests: "callfan-sip". Valid until the next call. */
const char *spawn_path(const char *program);

/* Starts argv; it dies with the test. *ret_err, which the caller closes, reads what it writes to standard error and does not block. */
pid_t spawn(char *const argv[], int *ret_err);

#endif
