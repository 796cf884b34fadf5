/*
 * A core for tests of libcallfan: it lives in the test's own process, makes ports by hand, answers requests plainly and plays the
 * messages that the test tells it to.
 *
 * Shape      a listener thread, and a thread per port that takes requests from the up ring as the real core does (sleeping word, bell)
 * Overlap    any function from any thread
 * Errors     a failed call ends the test; waits are bounded and end it too
 */
#ifndef CF_TESTS_FAKE_CORE_H
#define CF_TESTS_FAKE_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "callfan/limits.h"
#include "shm/fields.h"
#include "shm/hello.h"
#include "shm/port.h"
#include "shm/request.h"
#include "shm/ring.h"
#include "shm/sys_socket.h"

#define FAKE_PORTS_MAX 32
#define FAKE_LOG_MAX   8192
#define FAKE_DEVICES   4u

struct fake_core;

struct fake_port {
    struct fake_core *core;
    struct cf_hello hello;
    int socket, up_bell, down_bell;
    struct cf_port_down *down;
    struct cf_port_up *up;
    size_t down_bytes, up_bytes;
    uint64_t up_head;
    uint64_t woken; /* by the application's bell */
    uint32_t idle_told; /* releases may come without a bell: looks for them */
    pthread_t thread;

    pthread_mutex_t lock; /* what follows */
    pthread_cond_t changed;
    struct cf_ring_producer producer;
    uint64_t sequence, messages, bells;
    bool held, stop;
    uint32_t log_count;
    struct cf_message log[FAKE_LOG_MAX];
};

/* What the door does with a hello. */
enum fake_welcome {
    FAKE_WELCOME,
    FAKE_REFUSE,       /* result is core->refusal */
    FAKE_AGAIN_ONCE,   /* -EAGAIN, the next is welcome */
    FAKE_CLOSE_ONCE,   /* closes without a word, the next is welcome */
    FAKE_UNSEALED,     /* the down object can be cut */
    FAKE_OTHER_LAYOUT, /* the port's header has another version */
    FAKE_SHORT,        /* the header speaks of a larger ring than the object holds */
};

/* Answers or logs a request in the test's way; true: done, nothing else happens with it. */
typedef bool fake_request_fn(struct fake_port *port, const struct cf_record *r, void *arg);

struct fake_core {
    char folder[64], path[96];
    struct cf_listener listener;
    int stop_fd;
    pthread_t thread;
    uint32_t up_ring_slots, down_ring_slots;
    enum fake_welcome welcome;
    int refusal;
    fake_request_fn *on_request;
    void *on_request_arg;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t ports_count, hellos;
    struct fake_port *ports[FAKE_PORTS_MAX];
};

/* Listens in a folder of its own; rings of 1024 slots each way. */
struct fake_core *fake_core_start(void);
void fake_core_stop(struct fake_core *core);

/* The n-th port ever attached. */
struct fake_port *fake_core_port(struct fake_core *core, uint32_t n);

/* Sends a record down with the next sequence (a GAP keeps the one it has); publishes and rings. Returns the sequence. */
uint64_t fake_send(struct fake_port *p, struct cf_record *r);
uint64_t fake_message(struct fake_port *p, uint32_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3,
                      uint32_t open_line);

/* LINE_APPNEWCALL and LINE_CALLSTATE as one bundle. */
void fake_new_call(struct fake_port *p, uint64_t hline, uint64_t hcall, uint32_t state, uint32_t privilege,
                   const char *caller, const char *called);

void fake_answer(struct fake_port *p, const struct cf_message *m, int32_t result, const void *data, uint32_t bytes);

/* The n-th request (0 first) with that id, waited for; fake_count() does not wait. The first FAKE_LOG_MAX are remembered. */
struct cf_message fake_await(struct fake_port *p, uint16_t id, uint32_t n);
uint32_t fake_count(struct fake_port *p, uint16_t id);

/* How many requests came; whether their sequences are 1, 2, 3 ... */
uint32_t fake_log_count(struct fake_port *p);
bool fake_log_dense(struct fake_port *p);

/* How requests are answered from now on; NULL: plainly. */
void fake_on_request(struct fake_core *core, fake_request_fn *fn, void *arg);

/* What the door does with the next hellos. */
void fake_on_hello(struct fake_core *core, enum fake_welcome welcome, int refusal);

/* Requests stay in the ring while held. */
void fake_hold(struct fake_port *p, bool held);

/* Core and keeper are gone: socket and bells closed. What was published stays readable. */
void fake_hang_up(struct fake_port *p);

/* Rings without a message. */
void fake_ring(struct fake_port *p);

#endif
