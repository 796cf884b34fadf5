/*
 * A hostile application: what its behaviours share.
 *
 * Shape      one port at a time, taken again whenever the service has shown the holder out
 * Progress   every behaviour ends at end_ns, give or take one bounded wait. The time counts from its first act on, for which it has
 *            HOSTILE_FIRST_NS: to attach, and what comes before it, may take long
 */
#ifndef CF_E2E_HOSTILE_H
#define CF_E2E_HOSTILE_H

#include "tests/e2e/raw_port.h"

enum { HOSTILE_DEVICES_MAX = 4096 };

#define HOSTILE_FIRST_NS INT64_C(30000000000)

struct hostile {
    const char *path;
    int64_t ns, first_ns_max, end_ns; /* how long it acts; when it must have begun; when it ends */
    uint64_t random;
    struct cf_hello hello;
    struct raw_port port;
    uint32_t first_device;       /* below it there are calls of others: it makes none there */
    uint32_t generation, opened; /* of the HLINEs; lines opened through this port, slots 0 to opened - 1 */
    bool given_up;               /* a wait would outlast the end, or nobody answers any more */
    uint64_t acts, attached, refused, shown_out, read;
};

/* hostile.c */
bool hostile_goes_on(struct hostile *h);
/* Has a port: the one it had, or another after it was shown out. False: the time is over. */
bool hostile_join(struct hostile *h);
void hostile_leave(struct hostile *h);
uint64_t hostile_number(struct hostile *h); /* one that is likely to hurt */
uint64_t hostile_handle(struct hostile *h); /* a handle, true or not */
uint64_t hostile_hline(const struct hostile *h, uint32_t slot);
/* Opens every device with these privileges. False: the port is gone. */
bool hostile_open_lines(struct hostile *h, uint32_t privileges);
void hostile_read(struct hostile *h, uint32_t messages_max);

/* memory.c: its own memory */
void hostile_scribble(struct hostile *h);
void hostile_records(struct hostile *h);
void hostile_double_read(struct hostile *h);
void hostile_sleeping(struct hostile *h);
void hostile_liar(struct hostile *h);
void hostile_punch(struct hostile *h);

/* requests.c: what an application may ask, without measure */
void hostile_churn(struct hostile *h);
void hostile_hoard(struct hostile *h);
void hostile_slow(struct hostile *h);
void hostile_requests(struct hostile *h);

/* descriptors.c: bells, sockets */
void hostile_nonblock(struct hostile *h);
void hostile_drain(struct hostile *h);
void hostile_fault(struct hostile *h);
void hostile_watch(struct hostile *h);
void hostile_connect(struct hostile *h);

/* processes.c */
void hostile_burn(struct hostile *h);
void hostile_fork(struct hostile *h);
void hostile_stop(struct hostile *h);

#endif
