/*
 * A batch of datagrams: recvmmsg takes what is there, sendmmsg sends all the answers at once.
 *
 * Overlap    one thread, one batch in the program
 */
#ifndef CALLFAN_BENCH_DATAGRAMS_BATCH_H
#define CALLFAN_BENCH_DATAGRAMS_BATCH_H

#include "bench/datagrams/receiver.h"

/* flags of recvmmsg(2). Returns the number of datagrams, 0 when none is there, or -1. */
int batch_receive(struct receiver_link *l, int flags);

#endif
