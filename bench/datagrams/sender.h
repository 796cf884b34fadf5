/*
 * The sender: numbered datagrams to a UDP socket at one of three paces, and the answers taken back.
 *
 * Shape      a board in memory that both ends share; each end writes its own half
 * Units      per_second: datagrams
 * Overlap    one thread, on a CPU of its own
 * Progress   until the receiver says that it is done. Paced, every datagram is due at its own time, whatever became of the ones before (an open
 *            loop): who was late sends all that are due
 * Errors     false, and then *why is a sentence
 */
#ifndef CALLFAN_BENCH_DATAGRAMS_SENDER_H
#define CALLFAN_BENCH_DATAGRAMS_SENDER_H

#include "bench/datagrams/datagram.h"

enum sender_pace {
    SENDER_BACKLOG, /* as many as are wanted, and then quiet: they lie ready when the receiver begins */
    SENDER_FLOOD, /* as fast as it can: the kernel cuts long ones into 64 (UDP_SEGMENT), which spares most of sending's cost */
    SENDER_PACED,
};

struct sender_board {
    uint64_t wanted __attribute__((aligned(128))); /* receiver: to be sent in all, of a backlog */
    uint32_t done;                                 /* receiver: not 0: no more */
    uint64_t sent __attribute__((aligned(128)));   /* sender */
    uint64_t answers;                              /* sender: those that came back, each verified */
};

struct sender {
    int fd;       /* connected to the receiver's */
    size_t bytes; /* of each datagram */
    enum sender_pace pace;
    uint32_t per_second;
    bool answered; /* answers are taken; without: there are none */
    struct sender_board *board;
    uint64_t last; /* number of the last answer */
    const char *why;
};

bool sender_run(struct sender *s);

/* Takes the answers that are there. */
bool sender_take_answers(struct sender *s);

#endif
