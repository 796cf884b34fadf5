/*
 * A pair: two processes, forked for one run and gone after it, near on the first CPU and far on the second.
 *
 * Shape      what they and their parent share is mapped by the caller, before
 * Overlap    one pair at a time
 * Progress   bounded: an end is killed after 60 s (30 in a smoke run), and with it the other
 * Errors     false: an end failed or died
 */
#ifndef CALLFAN_BENCH_SUPPORT_PAIR_H
#define CALLFAN_BENCH_SUPPORT_PAIR_H

#include <stdbool.h>
#include <stdint.h>

/* What an end does. Its process ends with it, as by exit(), false: with status 1. */
typedef bool pair_end_fn(void *arg, bool far);

bool pair_run(pair_end_fn *fn, void *arg);

/* In shared memory, zero at first: how many gates each end has come to. */
struct pair_gate {
    uint32_t near __attribute__((aligned(128)));
    uint32_t far __attribute__((aligned(128)));
};

/* Waits until the other end has come as far. */
void pair_gate_pass(struct pair_gate *gate, bool far);

#endif
