/*
 * A running callfand in a folder of its own, for tests over the public interfaces.
 *
 * Errors     whatever fails ends the test, with what callfand wrote to its log
 */
#ifndef CF_TESTS_SERVICE_H
#define CF_TESTS_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct test_service {
    char folder[64];
    char socket[96];
    char config[96];
    char log[96];
    pid_t pid; /* the keeper, 0: not running */
};

/* Writes the configuration (text beside the socket's line), starts callfand and waits until it listens. Sets CALLFAN_SOCKET. */
void service_start(struct test_service *s, const char *configuration);

/* The same with one more option of callfand, "--crash-at", "commit:7". */
void service_start_with(struct test_service *s, const char *configuration, const char *option, const char *value);

/* The first process of a provider in the status. */
pid_t service_provider(const struct test_service *s);

/* A number of the first provider, or of the first port with that name, in the status; -1: there is none. */
int64_t service_provider_number(const struct test_service *s, const char *key);
int64_t service_port_number(const struct test_service *s, const char *port, const char *key);

/* True when the log has that text. service_wait_log() waits for it. */
bool service_log_has(const struct test_service *s, const char *text);
void service_wait_log(const struct test_service *s, const char *text);

/* SIGTERM; it must end with 0. Removes the folder. */
void service_stop(struct test_service *s);

/* SIGKILL of the core process; the keeper starts another. Returns when the new one answers. */
void service_kill_core(struct test_service *s);

/* A number in the status, by the path of its keys: "totals.calls_live"; of an array by name: "ports.monitor 1.missed". */
int64_t service_status(const struct test_service *s, const char *path);

/* Waits, bounded, until that number has a value. */
void service_wait_status(const struct test_service *s, const char *path, int64_t value);

#endif
