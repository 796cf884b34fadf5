/* See uring.h. */
#include "adapters/provider/uring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Whatever is asked of the ring later is one of these; of the last three only where there are streams. */
static const uint8_t allowed_operations[] = {
    IORING_OP_POLL_ADD,                        /* descriptors to watch */
    IORING_OP_RECVMSG,      IORING_OP_SENDMSG, /* datagrams; streams send with the latter too */
    IORING_OP_ASYNC_CANCEL, IORING_OP_ACCEPT,  IORING_OP_CONNECT, IORING_OP_RECV,
};
enum { STREAM_OPERATIONS = 3 };
static const uint8_t allowed_registrations[] = {
    IORING_REGISTER_ENABLE_RINGS, IORING_REGISTER_FILES_UPDATE, IORING_UNREGISTER_FILES,
    IORING_UNREGISTER_PBUF_RING,  IORING_UNREGISTER_RING_FDS,
};

/* The newest set-up the kernel takes; smaller queues when memory is short (locked memory is counted per user). */
static int set_up(struct io_uring *ring, uint32_t entries, char *why, size_t why_bytes)
{
    const uint32_t common = IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;
    const uint32_t ladder[] = {
        common | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN,
        common | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
        common,
    };
    int rc = -EINVAL;
    for (uint32_t n = entries; n >= 64; n /= 2) {
        for (size_t i = 0; i < sizeof ladder / sizeof ladder[0]; i++) {
            struct io_uring_params params = {.flags = ladder[i], .cq_entries = 8 * n};
            rc = io_uring_queue_init_params(n, ring, &params);
            if (rc != -EINVAL)
                break;
        }
        if (rc != -ENOMEM)
            break;
    }
    if (rc == -ENOSYS)
        snprintf(why, why_bytes, "this kernel has no io_uring (Linux 6.0 or later is needed)");
    else if (rc == -EPERM)
        snprintf(why, why_bytes, "io_uring is forbidden here (see the sysctl kernel.io_uring_disabled, and seccomp)");
    else if (rc == -ENOMEM)
        snprintf(why, why_bytes, "no memory for an io_uring (see the limit of locked memory, ulimit -l)");
    else if (rc < 0)
        snprintf(why, why_bytes, "io_uring_setup: %s", strerror(-rc));
    return rc;
}

/* Multishot recvmsg cannot be asked for; it came with Linux 6.0, as IORING_OP_SEND_ZC did, which can. */
static int check_features(struct io_uring *ring, char *why, size_t why_bytes)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool new_enough = probe != NULL && (ring->features & IORING_FEAT_EXT_ARG) != 0 &&
                      io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);
    for (size_t i = 0; i < sizeof allowed_operations && new_enough; i++)
        new_enough = io_uring_opcode_supported(probe, allowed_operations[i]);
    io_uring_free_probe(probe);
    if (new_enough)
        return 0;
    snprintf(why, why_bytes, "this kernel's io_uring lacks multishot recvmsg (Linux 6.0 or later is needed)");
    return -EOPNOTSUPP;
}

int cf_uring_open(struct io_uring *ring, uint32_t entries, char *why, size_t why_bytes)
{
    int rc = set_up(ring, entries, why, why_bytes);
    if (rc < 0)
        return rc;
    rc = check_features(ring, why, why_bytes);
    if (rc < 0)
        io_uring_queue_exit(ring);
    return rc;
}

/* liburing 2.3 exports no wrapper for restrictions and enabling. */
int cf_uring_enable(struct io_uring *ring, bool streams)
{
    enum { OPERATIONS = sizeof allowed_operations, REGISTRATIONS = sizeof allowed_registrations };
    struct io_uring_restriction rules[OPERATIONS + REGISTRATIONS + 1];
    memset(rules, 0, sizeof rules);
    unsigned n = 0;
    const size_t operations = streams ? OPERATIONS : OPERATIONS - STREAM_OPERATIONS;
    for (size_t i = 0; i < operations; i++, n++) {
        rules[n].opcode = IORING_RESTRICTION_SQE_OP;
        rules[n].sqe_op = allowed_operations[i];
    }
    for (size_t i = 0; i < REGISTRATIONS; i++, n++) {
        rules[n].opcode = IORING_RESTRICTION_REGISTER_OP;
        rules[n].register_op = allowed_registrations[i];
    }
    rules[n].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
    rules[n++].sqe_flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    io_uring_register_ring_fd(ring); /* saves time in each system call; without it all works as well */
    int rc = io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_RESTRICTIONS, rules, n);
    if (rc < 0)
        return rc;
    return io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}
