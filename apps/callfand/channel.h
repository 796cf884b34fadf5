/*
 * The channel between keeper and core: one socket pair per life of a core.
 *
 * Shape      packets of sizeof(struct cf_channel_record) with up to 6 descriptors
 * Trust      the keeper believes the core's records only as far as their fields are in range; it reads nothing else from outside
 * Errors     negative errno
 */
#ifndef CF_CALLFAND_CHANNEL_H
#define CF_CALLFAND_CHANNEL_H

#include <stdint.h>

#include "callfan/limits.h"

enum cf_channel_type {
    /* core to keeper */
    CF_CHANNEL_READY = 1, /* value, door_beat: addresses of the counters of turns and of the door's rounds; priorities: of the shown lists */
    CF_CHANNEL_OPEN = 2,  /* port, kind, bytes, name, pid, uid; descriptors CF_OPEN_*. Answered by OPENED */
    CF_CHANNEL_WELCOME =
        3, /* port, generation; descriptors for the peer, in the order of shm/hello.h. The keeper sends the welcome:
                               so it is sent or not, whenever the core dies */
    CF_CHANNEL_FREE = 4,  /* port, generation: unmap and close */
    CF_CHANNEL_HANGS = 9, /* port of a provider that takes no commands; value: its starts, as the core knows them */
    /* keeper to core */
    CF_CHANNEL_OPENED = 5,   /* port, generation, result 0 or a negative errno */
    CF_CHANNEL_PROVIDER = 6, /* port 1 + place of the provider; provider */
    CF_CHANNEL_SETTINGS = 7, /* settings */
    CF_CHANNEL_STOP = 8,     /* end */
};

enum { CF_OPEN_DOWN, CF_OPEN_UP, CF_OPEN_SOCKET, CF_OPEN_BELL_DOWN, CF_OPEN_BELL_UP, CF_OPEN_PIDFD, CF_OPEN_FDS };

/* What the door knows of a provider's program. */
struct cf_provider_view {
    uint32_t used;     /* 0: no provider has this place */
    uint32_t external; /* started by somebody else: no token */
    int32_t pid;       /* 0: not running */
    uint32_t starts;
    uint32_t deaths; /* that nobody had asked for */
    int32_t last_status; /* of wait(2), of the life before; 0 before the first */
    uint32_t hangs;      /* shown out because it took no commands */
    char name[CF_NAME_MAX];
    char token[CF_NAME_MAX];
};

/* What may change without a restart. */
struct cf_settings {
    uint32_t wake_interval_us;
    uint32_t spin_us;
    uint32_t hello_ms;
    uint32_t provider_hang_seconds; /* 0: never */
    uint32_t hang_seconds;          /* of the core, as the keeper watches it; 0: never */
    uint32_t reserved;
};

struct cf_channel_record {
    uint32_t type; /* enum cf_channel_type */
    uint32_t port;
    uint32_t generation;
    uint32_t kind; /* enum cf_port_kind */
    int32_t result;
    int32_t pid;
    uint32_t uid;
    uint32_t reserved;
    uint64_t value, door_beat, priorities;
    uint64_t down_bytes, up_bytes;
    char name[CF_NAME_MAX];
    struct cf_settings settings;
    struct cf_provider_view provider;
};

/* Sends one record; fds stay open here. */
int cf_channel_send(int fd, const struct cf_channel_record *record, const int *fds, uint32_t fds_count);

/* Receives one record. -EAGAIN: none there; -ECONNRESET: the other side is gone; -EPROTO: not a record. */
int cf_channel_receive(int fd, struct cf_channel_record *ret_record, int ret_fds[CF_OPEN_FDS], uint32_t *ret_fds_count);

#endif
