/*
 * The core's side of one provider port, played by a test: a socket in a folder of its own, the memory objects, both bells.
 *
 * Overlap    provider_core_serve() runs the door in a thread of its own until the provider was welcomed; everything else belongs to the
 *            test's thread
 */
#ifndef CF_TESTS_PROVIDER_CORE_H
#define CF_TESTS_PROVIDER_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/hello.h"
#include "shm/port.h"
#include "shm/record.h"
#include "shm/ring.h"
#include "shm/sys_socket.h"

/* What the door answers. */
enum provider_core_answer {
    CORE_WELCOMES,
    CORE_REFUSES,       /* EACCES */
    CORE_SAYS_AGAIN,    /* EAGAIN to the first, then welcomes */
    CORE_OTHER_VERSION, /* of layout */
    CORE_TALKS_GARBAGE,
    CORE_HANGS_UP,        /* on the first, then welcomes */
    CORE_LEAVES_UNSEALED, /* objects that could be cut */
    CORE_LIES_ABOUT_SIZE, /* a header with more slots than the object has */
    CORE_WRONG_KIND,      /* a port of an application */
};

struct provider_core {
    char folder[64], path[96];
    enum provider_core_answer answer;
    uint64_t down_slots, up_slots;
    uint32_t listen_after_ms;
    pthread_t door;
    bool serving;
    struct cf_listener listener;
    struct cf_hello hello; /* as it came */
    uint32_t generation;
    uint32_t accepted;
    /* The port. */
    int socket, down_bell, up_bell; /* our ends: write end, read end */
    struct cf_port_down *down;
    struct cf_port_up *up;
    struct cf_ring_producer commands;
    uint64_t head;     /* of the up ring */
    uint64_t sequence; /* of the last event taken */
};

/* Makes the folder; slots are powers of two, at least 128. */
void provider_core_init(struct provider_core *c, uint64_t down_slots, uint64_t up_slots);

/* Listens (after listen_after_ms), accepts and answers in a thread until one provider was answered for good. */
void provider_core_serve(struct provider_core *c);

/* Waits for that thread. */
void provider_core_served(struct provider_core *c);

/* Takes the next event; false: none. Fails the test when its sequence is not dense. ack: tells the provider that it may overwrite it. */
bool provider_core_take(struct provider_core *c, struct cf_record *ret_record, bool ack);

/* Sends a command and rings the bell when the provider asked for it. Returns whether it rang. */
bool provider_core_command(struct provider_core *c, uint16_t id, uint64_t call, uint64_t param1, uint64_t param2);

/* The same with a record that is made already. */
bool provider_core_send(struct provider_core *c, struct cf_record *record);

/* As the keeper's end: everything closed. */
void provider_core_hang_up(struct provider_core *c);

void provider_core_fini(struct provider_core *c);

#endif
