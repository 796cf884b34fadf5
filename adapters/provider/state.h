/*
 * What struct cf_provider is made of, for the files of this folder.
 *
 * Invariant  the waiting list holds exactly the live identifiers with waits set, oldest first;
 *            outstanding + replies_count <= options.commands_max
 */
#ifndef CF_PROVIDER_STATE_H
#define CF_PROVIDER_STATE_H

#include "adapters/provider/port.h"
#include "shm/handle_table.h"
#include "shm/operations.h"
#include "shm/port.h"
#include "shm/ring.h"

/* A slot of the table of identifiers. previous and next form the waiting list; the table uses next while the slot is free. */
struct cf_provider_call {
    uint32_t generation;
    uint32_t next;
    void *user;
    int64_t time_ns;
    uint32_t state, mode, media_modes;
    uint32_t previous;
    uint8_t waits;
    char cause[23]; /* no NUL needed; of CONFERENCED the 8 bytes of its parent */
};
_Static_assert(sizeof(struct cf_provider_call) == 64, "one line");
_Static_assert(offsetof(struct cf_provider_call, next) == offsetof(struct cf_handle_slot, link), "the table's link");

struct cf_waiting_reply {
    uint64_t number, call;
    uint64_t detail; /* a second new call, or LINEGATHERTERM_ */
    int32_t result;
    uint32_t digits_bytes;
    char digits[CF_GATHER_MAX];
    uint16_t text_tag; /* 0: no text */
    uint8_t text_bytes;
    char text[CF_REPLY_TEXT_MAX];
};

struct cf_provider {
    _Alignas(64) struct cf_handle_head head;
    struct cf_handle_table table;
    void *slots;
    uint32_t calls;

    char *socket_path;
    char name[CF_NAME_MAX];
    char token[CF_NAME_MAX];
    uint32_t calls_max, commands_max, ring_bytes;
    int64_t gather_ns;

    /* The port. */
    bool attached;
    int socket, down_bell, up_bell;
    const struct cf_port_down *down;
    struct cf_port_up *up;
    size_t down_bytes, up_bytes;
    struct cf_ring_producer events;
    struct cf_ring_consumer commands;
    uint64_t sequence;     /* of the last event */
    uint64_t acknowledged; /* index below which the core may overwrite commands */
    uint64_t messages_acked;
    bool bell_due; /* something was put since the core was last looked at */
    bool hung_up;
    bool ready;

    /* What found the ring full. */
    uint32_t waiting_first, waiting_last, waiting_count;
    struct cf_waiting_reply *replies; /* ring of commands_max */
    uint32_t replies_first, replies_count;
    uint32_t outstanding; /* commands taken and not replied to */

    struct cf_reactor *reactor;
    int bell_source, socket_source;
    int64_t woke_ns; /* when there was something last */
    struct cf_provider_counters counters;
};

/* The live slot of an identifier, or NULL. */
struct cf_provider_call *cf_provider_find(const struct cf_provider *p, uint64_t call);

/* Puts waiting replies, then waiting states, as far as there is room. */
void cf_provider_put_waiting(struct cf_provider *p);

/* Drops everything that waits: the port is another one. */
void cf_provider_drop_waiting(struct cf_provider *p);

/* Tells the core what was read. */
void cf_provider_acknowledge(struct cf_provider *p);

/* True when a command could be taken now. */
bool cf_provider_command_readable(const struct cf_provider *p);

#endif
