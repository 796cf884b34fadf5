/*
 * How many system calls a process makes: perf's counter on the trace point raw_syscalls:sys_enter.
 *
 * Shape      a descriptor per process, for all its threads that begin later, but not for its children
 * Errors     -1 where the system gives no such counter: it needs perf_event_open(2) for trace points (root, or CAP_PERFMON) and tracefs, which is
 *            mounted in a name space of a child where it is not
 * Progress   while a counter is open each system call on the machine takes a little longer, so nothing is timed meanwhile
 */
#ifndef CALLFAN_BENCH_SUPPORT_SYSTEM_CALLS_H
#define CALLFAN_BENCH_SUPPORT_SYSTEM_CALLS_H

#include <stdint.h>

int system_calls_open(void);

/* Calls so far. This one is counted in the next. */
uint64_t system_calls_read(int counter);

#endif
