/*
 * A callfand of the benchmark's own: temporary folder, socket and configuration.
 *
 * Shape      one per program, kept over the runs of a benchmark; ended by bench_service_stop(), at exit, and by the kernel when the
 *            benchmark dies
 * Invariant  the engine is bound to the benchmark's second CPU (index 1 of cbench_pin()), where it has one; all else of the
 *            service may run on any
 * Overlap    one thread
 * Errors     false or a negative number, with a sentence on stderr
 */
#ifndef CALLFAN_BENCH_SUPPORT_SERVICE_H
#define CALLFAN_BENCH_SUPPORT_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A callfand with these lines in its configuration, beside socket and engine_cpu: the one that runs when its lines are the same, else a
 * new one. Its programs are those of CALLFAN_BIN, else of the folder bin beside the benchmark's.
 */
bool bench_service_start(const char *configuration);

/* Ends it and removes its folder. Without one: nothing. */
void bench_service_stop(void);

const char *bench_service_socket(void);

/* A number of `callfan status --json` by its keys: "totals.bells_rung". */
int64_t bench_service_status(const char *path);

/* Waits, bounded, until that number is at least so much. */
bool bench_service_wait(const char *path, int64_t at_least);

/* CPU time that the core process has had, user and system. */
double bench_service_core_seconds(void);

/* Ends the program with status 1 and this sentence, and with it the service. Also for its threads and children. */
_Noreturn void bench_give_up(const char *why);

/* The CPUs of the benchmark's start again, for a child or thread of a pinned one. */
void bench_unpin(void);

#endif
