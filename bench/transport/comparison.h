/*
 * The comparison of Callfan's ring with other transports: one benchmark per transport, mode and size, named so that scripts/bench.sh puts the
 * ring beside each of the others: spinning/64 beside spinning_ref/64 (the bare loop) and spinning_ref_pipe/64.
 *
 * Shape      counters, per million messages (round trips): near_calls, far_calls system calls of an end, near_sleeps, far_sleeps how often one of its
 *            threads gave up its CPU. They are taken once per benchmark, in a session of their own. line_ns, of each repetition: how long a line took
 *            from one CPU to the other just then; virtual CPUs are two threads of one core at one time and far apart at another
 */
#ifndef CALLFAN_BENCH_COMPARISON_H
#define CALLFAN_BENCH_COMPARISON_H

#include <stdbool.h>

/*
 * Registers them. A transport that was not there when this was built, or does not pass one message here, is left out; then a line on stderr
 * says so, which scripts/bench.sh shows.
 */
void comparison_register(bool round_trip);

#endif
