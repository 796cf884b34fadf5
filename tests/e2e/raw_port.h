/*
 * A port held by hand: what the hostile programs of these tests need of the control socket, the rings and the bells.
 *
 * Shape      one port of an application or a provider; nothing keeps the holder from breaking every rule
 * Units      nanoseconds of CLOCK_MONOTONIC
 * Invariant  every store into memory that the core reads is one atomic word: several threads of a hostile process may race as they like
 * Errors     negative errno, of the kernel or of the door's refusal
 */
#ifndef CF_E2E_RAW_PORT_H
#define CF_E2E_RAW_PORT_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "callfan/tapi_const.h"
#include "shm/fields.h"
#include "shm/handle.h"
#include "shm/hello.h"
#include "shm/port.h"
#include "shm/request.h"
#include "shm/sys_bell.h"
#include "shm/sys_memory.h"
#include "shm/sys_socket.h"

#define RAW_WAIT_NS INT64_C(2000000000)

enum { RAW_DOWN, RAW_UP, RAW_DOWN_BELL, RAW_UP_BELL, RAW_FDS };

struct raw_port {
    int socket; /* -1: not attached */
    int fds[RAW_FDS];
    uint64_t down_bytes, up_bytes;
    struct cf_port_down *down;
    struct cf_port_up *up;
    struct cf_ring_producer out;
    struct cf_ring_consumer in;
    uint64_t sequence, read;
};

static inline int64_t raw_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void raw_sleep_us(int64_t us)
{
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

/* ------------------------------------------------------------------ chance: xorshift64* */

static inline uint64_t raw_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static inline uint64_t raw_below(uint64_t *state, uint64_t n)
{
    return (raw_random(state) >> 11) % n;
}

/* ------------------------------------------------------------------ attach, detach */

static inline void raw_none(struct raw_port *p)
{
    *p = (struct raw_port){.socket = -1, .fds = {-1, -1, -1, -1}};
}

static inline void raw_detach(struct raw_port *p)
{
    if (p->down != NULL)
        cf_memory_unmap(p->down, p->down_bytes);
    if (p->up != NULL)
        cf_memory_unmap(p->up, p->up_bytes);
    for (int i = 0; i < RAW_FDS; i++)
        if (p->fds[i] >= 0)
            close(p->fds[i]);
    if (p->socket >= 0)
        close(p->socket);
    raw_none(p);
}

static inline struct cf_hello raw_hello(enum cf_hello_kind kind, const char *name)
{
    struct cf_hello h = {.magic = CF_HELLO_MAGIC, .version = CF_LAYOUT_VERSION, .kind = kind};
    snprintf(h.name, sizeof h.name, "%s", name);
    return h;
}

static inline int raw_map(struct raw_port *p, const struct cf_welcome *w)
{
    void *memory;
    p->down_bytes = w->down_bytes;
    p->up_bytes = w->up_bytes;
    int error = cf_memory_map(p->fds[RAW_DOWN], w->down_bytes, CF_ACCESS_READ, NULL, &memory);
    if (error != 0)
        return error;
    p->down = memory;
    error = cf_memory_map(p->fds[RAW_UP], w->up_bytes, CF_ACCESS_WRITE, NULL, &memory);
    if (error != 0)
        return error;
    p->up = memory;
    const struct cf_port_header *h = &p->down->header;
    cf_ring_producer_init(&p->out, cf_port_up_ring(p->up), h->up_slots, &p->down->up.up_ack, 0);
    cf_ring_consumer_init(&p->in, cf_port_down_ring(p->down, h->reply_slots), h->down_slots, p->up->down_ack);
    return 0;
}

/* Says a hello and takes the port; what the door refuses with is the error. */
static inline int raw_attach(struct raw_port *p, const char *path, const struct cf_hello *hello)
{
    struct cf_welcome w;
    size_t bytes = 0;
    uint32_t fds = 0;
    raw_none(p);
    int error = cf_socket_connect(path, RAW_WAIT_NS, &p->socket);
    if (error != 0) {
        p->socket = -1;
        return error;
    }
    error = cf_socket_send(p->socket, hello, sizeof *hello, NULL, 0);
    if (error == 0)
        error = cf_socket_wait(p->socket, POLLIN, RAW_WAIT_NS);
    if (error == 0)
        error = cf_socket_receive(p->socket, &w, sizeof w, &bytes, p->fds, RAW_FDS, &fds);
    if (error == 0 && (bytes != sizeof w || w.result != 0 || fds != RAW_FDS))
        error = bytes == sizeof w && w.result < 0 ? w.result : -EPROTO;
    if (error == 0)
        error = raw_map(p, &w);
    if (error != 0)
        raw_detach(p);
    return error;
}

/* The door has closed the socket. */
static inline bool raw_hung_up(const struct raw_port *p)
{
    char byte;
    return p->socket < 0 || recv(p->socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

/* ------------------------------------------------------------------ up: by the word */

static inline struct cf_slot *raw_up_slot(const struct raw_port *p, uint64_t index)
{
    return &p->out.slots[index & p->out.mask];
}

/* The words of one slot but its commit word, which may follow by itself. */
static inline void raw_write_slot(const struct raw_port *p, uint64_t index, const void *slot)
{
    uint64_t words[8], *to = (uint64_t *)(void *)raw_up_slot(p, index);
    memcpy(words, slot, sizeof words);
    for (int i = 1; i < 8; i++)
        cf_store_relaxed_64(&to[i], words[i]);
}

static inline void raw_commit(const struct raw_port *p, uint64_t index, uint64_t word)
{
    cf_store_release_64(&raw_up_slot(p, index)->commit, word);
}

/* A bell that its holder has filled and made blocking would keep the holder; it is rung as it is. */
static inline void raw_ring_bell(const struct raw_port *p)
{
    struct pollfd f = {.fd = p->fds[RAW_UP_BELL], .events = POLLOUT};
    cf_fence_store_load();
    if (cf_load_relaxed_32(&p->down->up.sleeping) != 0 && poll(&f, 1, 0) == 1 && (f.revents & POLLOUT) != 0)
        cf_bell_ring_up(f.fd);
}

/* Puts a record as the rules say, and waits for room until then. False: none came. */
static inline bool raw_put(struct raw_port *p, struct cf_record *r, int64_t until_ns)
{
    r->m.sequence = p->sequence + 1;
    while (!cf_ring_put(&p->out, r)) {
        raw_ring_bell(p);
        if (raw_now_ns() >= until_ns || raw_hung_up(p))
            return false;
        raw_sleep_us(50);
    }
    p->sequence++;
    raw_ring_bell(p);
    return true;
}

/* A record of one slot. */
static inline struct cf_record *raw_record(struct cf_record *r, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2,
                                           uint64_t p3)
{
    r->m = (struct cf_message){.id = id,
                               .device = device,
                               .param1 = p1,
                               .param2 = p2,
                               .param3 = p3,
                               .flags = CF_NO_REPLY,
                               .time_ns = raw_now_ns()};
    r->payload_bytes = 0;
    return r;
}

/* Asks and waits for the answer; NULL: none came. */
static inline const struct cf_reply_slot *raw_ask(struct raw_port *p, struct cf_record *r, int64_t until_ns)
{
    r->m.flags = 0;
    if (!raw_put(p, r, until_ns))
        return NULL;
    const struct cf_reply_slot *slot = cf_port_reply(p->down, 0);
    for (int looks = 0; cf_load_acquire_64(&slot->done) != p->sequence; looks++) {
        if (looks < 2000) {
            cf_pause();
            continue;
        }
        if (raw_now_ns() >= until_ns || raw_hung_up(p))
            return NULL;
        raw_sleep_us(20);
    }
    return slot;
}

/* ------------------------------------------------------------------ down */

/* The next message, acknowledged as the rules say once the caller asks for another. NULL: none. */
static inline const struct cf_message *raw_next(struct raw_port *p)
{
    cf_ring_acknowledge(&p->up->down_ack, p->in.head);
    const struct cf_message *m = cf_ring_peek(&p->in);
    if (m == NULL)
        return NULL;
    cf_ring_consume(&p->in, m);
    p->read += m->id != CF_LINE_GAP;
    cf_store_relaxed_64(&p->up->messages_acked, p->read);
    return m;
}

#endif
