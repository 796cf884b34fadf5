/*
 * RouDi, iceoryx's daemon, which keeps its shared memory: a child of the benchmark.
 *
 * Shape      one for the program's life, with one pool of 2,048 chunks of 4 KiB (8 MiB in /dev/shm, and 66 MB for itself). Its name is one for the whole machine: where
 *            another RouDi runs, there is none of ours
 * Overlap    one thread, in the process that will end it
 * Progress   start and end are bounded: 10 s, 5 s
 */
#ifndef CALLFAN_BENCH_ROUDI_H
#define CALLFAN_BENCH_ROUDI_H

#include <stdbool.h>

/* Starts it unless it runs; it ends with the program. */
bool roudi_start(const char **ret_why);

#endif
