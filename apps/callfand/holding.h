/*
 * The holdings: what the keeper keeps of every port, so that it outlives the core.
 *
 * Shape      one entry per port number: both objects mapped without access, the control socket, the core's ends of the bells, a pidfd
 * Invariant  generation counts the uses of a number and never repeats in the keeper's life; a held entry is mapped
 * Writers    the keeper. A core has the table as it was when it was forked
 * Trust      records come from the keeper's own child: numbers out of range are refused, nothing else is believed to be sane
 * Errors     negative errno
 */
#ifndef CF_CALLFAND_HOLDING_H
#define CF_CALLFAND_HOLDING_H

#include <stdbool.h>
#include <stdint.h>

#include "apps/callfand/arena.h"
#include "apps/callfand/channel.h"
#include "shm/port.h"

struct cf_holding {
    bool held;
    bool welcomed; /* the peer has its welcome */
    uint32_t generation;
    uint32_t kind; /* enum cf_port_kind */
    struct cf_arena_port sizes;
    int socket, bell_down, bell_up, pidfd; /* -1: none */
    int32_t pid;
    uint32_t uid;
    char name[CF_NAME_MAX];
};

struct cf_holdings {
    const struct cf_arena *arena;
    struct cf_holding ports[CF_PORTS_MAX];
};

void cf_holdings_init(struct cf_holdings *holdings, const struct cf_arena *arena);

/* CF_CHANNEL_OPEN: maps and keeps; takes the descriptors whatever comes of it. ret_generation on success. */
int cf_holdings_open(struct cf_holdings *holdings, const struct cf_channel_record *record, const int *fds,
                     uint32_t fds_count, uint32_t *ret_generation);

/* CF_CHANNEL_WELCOME: sends the welcome with the four descriptors, which stay the caller's. */
int cf_holdings_welcome(struct cf_holdings *holdings, const struct cf_channel_record *record, const int *fds,
                        uint32_t fds_count);

/* CF_CHANNEL_FREE: unmaps and closes. -ENOENT: not held with that generation. */
int cf_holdings_free(struct cf_holdings *holdings, uint32_t port, uint32_t generation);

/* All of them. Returns how many were held. */
uint32_t cf_holdings_free_all(struct cf_holdings *holdings);

#endif
