/*
 * The first exchange on the control socket (SOCK_SEQPACKET): hello from the peer, welcome from the door.
 *
 * Shape      one packet each way. The welcome of a port carries four descriptors (SCM_RIGHTS), in this order: down object (read-only
 *            use), up object, down bell (read end, the peer sleeps on it), up bell (write end, the peer rings it).
 *            A status or doctor hello is answered by JSON text in packets of at most CF_STATUS_PACKET bytes, then the socket closes.
 * Errors     result: 0, or a negative errno with a sentence in text; the door then closes the socket
 *            EPROTO layout version differs, EACCES not allowed, EAGAIN try again, ENOSPC no free port, EINVAL malformed
 * Trust      the door validates every field; strings need not be terminated
 */
#ifndef CF_SHM_HELLO_H
#define CF_SHM_HELLO_H

#include <stdint.h>

#include "callfan/limits.h"

#define CF_HELLO_MAGIC UINT64_C(0x4f4c4c4548464143) /* "CAFHELLO" */
#define CF_STATUS_PACKET 32768
#define CF_DEFAULT_SOCKET "/run/callfan/callfan.sock"

enum cf_hello_kind { CF_HELLO_APPLICATION = 1, CF_HELLO_PROVIDER = 2, CF_HELLO_STATUS = 3, CF_HELLO_DOCTOR = 4 };

#define CF_HELLO_DOCTOR_FULL 1u /* the whole check at one turn boundary: the engine stands still meanwhile */

struct cf_hello {
    uint64_t magic;           /* CF_HELLO_MAGIC */
    uint32_t version;         /* CF_LAYOUT_VERSION */
    uint32_t kind;            /* enum cf_hello_kind */
    uint32_t ring_bytes;      /* wanted down ring, 0 for the default */
    uint32_t wake_interval_us; /* UINT32_MAX for the default */
    uint32_t usage;           /* application: 0..7 */
    uint32_t base_generation; /* application: even */
    char name[CF_NAME_MAX];   /* application: name; provider: its name in the configuration */
    char token[CF_NAME_MAX];  /* provider: the value of CALLFAN_TOKEN in its environment */
    uint32_t doctor_flags;    /* doctor: CF_HELLO_DOCTOR_ */
    uint32_t doctor_older_ms; /* doctor: calls without an event for so long are told */
    uint8_t reserved[24];
};
_Static_assert(sizeof(struct cf_hello) == 192, "layout");

struct cf_welcome {
    uint64_t magic;   /* CF_HELLO_MAGIC */
    int32_t result;
    uint32_t version; /* CF_LAYOUT_VERSION of the core */
    uint32_t port;
    uint32_t generation;
    uint64_t down_bytes;
    uint64_t up_bytes;
    char text[128];
};
_Static_assert(sizeof(struct cf_welcome) == 168, "layout");

#endif
