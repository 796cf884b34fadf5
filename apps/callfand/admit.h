/*
 * Admission: what becomes of a hello.
 *
 * Shape      a pure function of the packet, of who sent it, of what the configuration grants them and of the rest of it
 * Trust      nothing of the packet is believed; strings need not be terminated
 */
#ifndef CF_CALLFAND_ADMIT_H
#define CF_CALLFAND_ADMIT_H

#include <stddef.h>
#include <stdint.h>

#include "apps/callfand/access.h"
#include "apps/callfand/channel.h"
#include "callfan/limits.h"
#include "shm/hello.h"
#include "shm/sys_socket.h"

struct cf_admit_rules {
    const struct cf_limits *limits;
    const struct cf_provider_view *providers; /* CF_PROVIDERS_MAX of them */
    uint32_t ring_bytes_max;
    uint32_t wake_interval_us;
    uid_t uid; /* callfand's own: an external provider's must be it, or root's, or have been granted it */
    const struct cf_grant *grant; /* what cf_access_find() says of this peer; NULL: nothing */
    bool has_sections;            /* the configuration has access sections */
};

struct cf_admission {
    int32_t result; /* 0, or a negative errno with a sentence in text: see shm/hello.h */
    char text[sizeof((struct cf_welcome *)0)->text];
    bool denied;         /* result is for want of access */
    uint32_t kind;       /* enum cf_hello_kind */
    uint32_t port_first; /* the numbers that this peer may have: port_first <= number < port_end */
    uint32_t port_end;
    uint64_t down_slots, up_slots;
    uint32_t reply_slots;
    uint32_t usage, base_generation, wake_interval_us;
    uint32_t ports_max; /* of an application: ports at once of its user; 0: no limit */
    char name[CF_NAME_MAX];
    struct cf_rights rights; /* of an application */
};

void cf_admit(const struct cf_admit_rules *rules, const void *packet, size_t bytes, const struct cf_peer *peer,
              struct cf_admission *ret_admission);

#endif
