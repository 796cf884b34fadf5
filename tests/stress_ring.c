/*
 * One producer and one consumer race on a ring in a sealed port: first two threads, the reader copying out as the core does, then two
 * processes joined as a core and its application are, with the consumer asleep on its bell whenever the ring is empty.
 *
 * ctest-args: --messages 500000
 * ctest-args-sanitized: --messages 60000
 * ctest-timeout: 300
 *
 * What must hold: every record arrives once, in order, whole; a consumer that said where to wake it is woken (a wait of 10 s without a
 * bell while records lie there is a lost wake-up; the producer often waits for the consumer without ringing again); the consumer's mapping of the ring is read-only.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/port.h"
#include "shm/sys_bell.h"
#include "shm/sys_memory.h"
#include "shm/sys_socket.h"

enum { SLOTS = 512, BATCH = 16 };

static uint64_t messages = 100000;

struct end {
    const struct cf_port_down *down;
    struct cf_port_up *up;
    int bell;
    bool distrust; /* reads as the core reads a peer's ring */
};

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static uint32_t payload_of(uint64_t number)
{
    uint64_t seed = number;
    next(&seed);
    return next(&seed) % 8 == 0 ? (uint32_t)(next(&seed) % (CF_RECORD_PAYLOAD_MAX + 1)) : 0;
}

static bool fail(const char *what, uint64_t number)
{
    fprintf(stderr, "%s at record %" PRIu64 "\n", what, number);
    return false;
}

/* ------------------------------------------------------------------ producer */

struct producer {
    struct cf_ring_producer ring;
    const struct cf_port_up *up;
    int bell;
    uint64_t rung, full;
};

/* As the core does after a turn: one fence, then the bell if the sleeper's place was passed. */
static void wake(struct producer *p)
{
    cf_fence_store_load(); /* the commit words before the look at wake_at; partner: sleep_until_rung() */
    uint64_t wake_at = cf_load_acquire_64(&p->up->wake_at);
    if (wake_at != 0 && p->ring.tail >= wake_at) {
        cf_bell_ring_down(p->bell);
        p->rung++;
    }
}

/* Waits until the consumer has read everything, without looking at wake_at again: only the bell that was rung brings it. */
static void await_all_read(struct producer *p)
{
    for (uint32_t spins = 1; cf_ring_free(&p->ring) != SLOTS; spins++) {
        cf_pause();
        if (spins % 4096 == 0)
            sched_yield();
    }
}

static void produce(struct producer *p)
{
    static struct cf_record r;
    uint64_t seed = 1;
    for (uint64_t number = 1; number <= messages;) {
        uint64_t batch = 1 + next(&seed) % BATCH;
        for (; batch != 0 && number <= messages; batch--, number++) {
            r.payload_bytes = payload_of(number);
            r.m.sequence = number;
            r.m.param1 = ~number;
            memset(r.payload, (int)(number % 255 + 1), r.payload_bytes);
            while (!cf_ring_put(&p->ring, &r)) {
                wake(p);
                p->full++;
                await_all_read(p);
            }
        }
        wake(p);
        if (next(&seed) % 2 == 0)
            await_all_read(p);
    }
}

/* ------------------------------------------------------------------ consumer */

static bool intact(const struct cf_record *r, uint64_t number)
{
    uint32_t written = payload_of(number);
    if (r->m.sequence != number || r->m.param1 != ~number || r->m.slots != cf_record_slots(written))
        return fail("a record out of order or torn", number);
    for (uint32_t i = 0; i < r->payload_bytes; i++)
        if (r->payload[i] != (i < written ? number % 255 + 1 : 0))
            return fail("a payload torn", number);
    return true;
}

static enum cf_ring_read take(struct end *e, struct cf_ring_consumer *c, struct cf_record *ret_record)
{
    if (e->distrust)
        return cf_ring_copy_out(c->slots, c->mask, &c->head, ret_record);
    const struct cf_message *m = cf_ring_peek(c);
    if (m == NULL)
        return CF_RING_EMPTY;
    ret_record->m = *m;
    ret_record->payload_bytes = cf_ring_payload(m, ret_record->payload);
    cf_ring_consume(c, m);
    return CF_RING_RECORD;
}

/* False when no bell rang although there is something to read. */
static bool sleep_until_rung(struct end *e, struct cf_ring_consumer *c, uint64_t *slept)
{
    bool woken = true;
    cf_store_release_64(&e->up->wake_at, c->head + 1);
    cf_fence_store_load(); /* wake_at before the look at the commit word; partner: wake() */
    if (!cf_ring_readable(c)) {
        ++*slept;
        woken = cf_socket_wait(e->bell, POLLIN, INT64_C(10000000000)) == 0 || !cf_ring_readable(c);
        cf_bell_drain(e->bell);
    }
    cf_store_release_64(&e->up->wake_at, 0);
    return woken;
}

static bool consume(struct end *e, uint64_t *ret_slept)
{
    static struct cf_record r;
    struct cf_ring_consumer c;
    uint64_t number = 1, acked = 0;
    cf_ring_consumer_init(&c, cf_port_down_ring(e->down, e->down->header.reply_slots), e->down->header.down_slots, 0);
    while (number <= messages) {
        enum cf_ring_read got = take(e, &c, &r);
        if (got == CF_RING_BAD)
            return fail("a record refused", number);
        if (got == CF_RING_EMPTY) {
            cf_ring_acknowledge(&e->up->down_ack, c.head);
            if (!sleep_until_rung(e, &c, ret_slept))
                return fail("a lost wake-up", number);
            continue;
        }
        if (!intact(&r, number++))
            return false;
        if (c.head - acked >= SLOTS / 4) {
            acked = c.head;
            cf_ring_acknowledge(&e->up->down_ack, acked);
        }
    }
    cf_ring_acknowledge(&e->up->down_ack, c.head);
    return true;
}

/* ------------------------------------------------------------------ the two pairs */

static const struct cf_port_header header = {.kind = CF_PORT_APPLICATION, .port = 3, .generation = 1, .down_slots = SLOTS, .up_slots = 64};

struct port {
    struct cf_port_down *down;
    struct cf_port_up *up;
    int down_fd, up_fd, bell_in, bell_out;
};

static void must(int error, const char *what)
{
    if (error < 0) {
        fprintf(stderr, "%s: %s\n", what, strerror(-error));
        exit(1);
    }
}

/* On a CPU of its own where there are two: some schedulers keep the two ends on one, and then nothing ever races. */
static void place(unsigned which)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    which %= (unsigned)CPU_COUNT(&allowed);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed) || which-- != 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

static void port_new(struct port *p)
{
    size_t down = cf_port_down_bytes(0, SLOTS), up = cf_port_up_bytes(64);
    void *memory;
    must(cf_memory_create("down", CF_OBJECT_DOWN, down, &p->down_fd), "create");
    must(cf_memory_create("up", CF_OBJECT_UP, up, &p->up_fd), "create");
    must(cf_memory_map(p->down_fd, down, CF_ACCESS_WRITE, NULL, &memory), "map");
    p->down = memory;
    must(cf_memory_map(p->up_fd, up, CF_ACCESS_WRITE, NULL, &memory), "map");
    p->up = memory;
    must(cf_memory_populate(p->down, down, true), "populate");
    cf_port_format(p->down, &header);
    must(cf_memory_seal(p->down_fd, CF_OBJECT_DOWN), "seal");
    must(cf_memory_seal(p->up_fd, CF_OBJECT_UP), "seal");
    must(cf_bell_create_down(&p->bell_in, &p->bell_out), "bell");
}

static void port_free(struct port *p)
{
    cf_memory_unmap(p->down, cf_port_down_bytes(0, SLOTS));
    cf_memory_unmap(p->up, cf_port_up_bytes(64));
    close(p->down_fd);
    close(p->up_fd);
    close(p->bell_in);
    close(p->bell_out);
}

static void produce_into(struct port *p, const char *name)
{
    struct producer producer = {.up = p->up, .bell = p->bell_out};
    cpu_set_t before;
    sched_getaffinity(0, sizeof before, &before);
    place(0);
    cf_ring_producer_init(&producer.ring, cf_port_down_ring(p->down, 0), SLOTS, &p->up->down_ack, 0);
    produce(&producer);
    sched_setaffinity(0, sizeof before, &before);
    printf("%s: %" PRIu64 " records, %" PRIu64 " bells, full %" PRIu64 " times\n", name, messages, producer.rung, producer.full);
}

struct thread {
    struct end end;
    bool right;
    uint64_t slept;
};

static void *consumer_thread(void *arg)
{
    struct thread *t = arg;
    place(1);
    t->right = consume(&t->end, &t->slept);
    if (!t->right)
        exit(1);
    return NULL;
}

static bool between_threads(void)
{
    struct port p;
    pthread_t id;
    port_new(&p);
    struct thread t = {.end = {p.down, p.up, p.bell_in, true}};
    if (pthread_create(&id, NULL, consumer_thread, &t) != 0)
        return fail("no thread", 0);
    produce_into(&p, "threads");
    pthread_join(id, NULL);
    printf("threads: slept %" PRIu64 " times\n", t.slept);
    port_free(&p);
    return t.right;
}

/* The application's side: believes nothing but what the kernel confirms, maps down read-only. */
static int application(int socket)
{
    char hello;
    int fds[3];
    uint32_t count;
    size_t bytes, down_bytes = cf_port_down_bytes(0, SLOTS), up_bytes = cf_port_up_bytes(64);
    void *down, *up;
    uint64_t slept = 0;
    must(cf_socket_wait(socket, POLLIN, INT64_C(30000000000)), "no welcome");
    must(cf_socket_receive(socket, &hello, 1, &bytes, fds, 3, &count), "receive");
    must(cf_memory_verify(fds[0], CF_OBJECT_DOWN, down_bytes), "down is not sealed");
    must(cf_memory_verify(fds[1], CF_OBJECT_UP, up_bytes), "up is not sealed");
    must(cf_memory_map(fds[0], down_bytes, CF_ACCESS_READ, NULL, &down), "map down");
    must(cf_memory_map(fds[1], up_bytes, CF_ACCESS_WRITE, NULL, &up), "map up");
    if (cf_memory_protect(down, down_bytes, CF_ACCESS_WRITE) != -EACCES)
        return fail("the ring could be made writable", 0);
    struct end e = {down, up, fds[2], false};
    if (count != 3 || cf_load_acquire_64(&e.down->header.magic) != CF_PORT_MAGIC || e.down->header.version != CF_LAYOUT_VERSION)
        return fail("not a port", 0);
    bool right = consume(&e, &slept);
    printf("processes: slept %" PRIu64 " times\n", slept);
    fflush(stdout);
    return right ? 0 : 1;
}

static bool between_processes(void)
{
    int sockets[2], status = -1;
    struct port p;
    must(cf_socket_pair(sockets), "socketpair");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        place(1);
        _exit(application(sockets[1]));
    }
    must(child, "fork");
    port_new(&p);
    must(cf_socket_send(sockets[0], "w", 1, (int[]){p.down_fd, p.up_fd, p.bell_in}, 3), "send");
    close(p.bell_in);
    p.bell_in = -1;
    close(sockets[1]);
    produce_into(&p, "processes");
    waitpid(child, &status, 0);
    close(sockets[0]);
    port_free(&p);
    return status == 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--messages") == 0)
        messages = strtoull(argv[2], NULL, 10);
    alarm(250);
    return between_threads() && between_processes() ? 0 : 1;
}
