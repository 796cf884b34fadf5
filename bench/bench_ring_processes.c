/*
 * Question: how many messages of 64 bytes go through a ring between two processes, and how long is a round trip?
 *
 * Expected: each message is one line that travels from one first-level cache to the other; the line, its body and its commit word go
 * together, so the bare loop that stores 56 bytes and a sequence word into each slot is the bound: 130 to 180 M/s here. The ring adds a
 * compare with the acknowledgement as last read, and the lap arithmetic. A round trip between two spinning processes is two
 * such travels, about 0.1 us; with both asleep on their bells, two wake-ups of another CPU, 25 to 50 us (bench-cpus: 2).
 *
 * Method: a forked process on the other CPU consumes in batches (peek until empty, acknowledge every quarter ring) and adds up a word of each
 * message, which is compared at the end. throughput/SLOTS: default sizes of a port are 16384 (1 MiB) and 65536 (4 MiB). throughput_ref:
 * the same memory, the same back pressure (one word, once per quarter ring), by hand. round_trip: one message there, one back, both
 * spinning; its reference is two words. wake: both sleep in poll on their bells, by the protocol of the port (publish where to be
 * woken, fence, look again); its reference is a byte through two plain pipes with blocking reads.
 */
#define _GNU_SOURCE 1
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cbench.h"
#include "shm/ring.h"
#include "shm/sys_bell.h"
#include "shm/sys_memory.h"
#include "shm/sys_socket.h"

#define SLOTS_MAX 65536
#define BATCH 1024

struct lane {
    uint64_t ack __attribute__((aligned(128)));
    uint64_t wake_at __attribute__((aligned(128)));
    struct cf_slot slots[SLOTS_MAX] __attribute__((aligned(4096)));
};

struct shared {
    struct lane there, back;
    uint64_t slots_count, goal, sum __attribute__((aligned(128)));
    int bell_there[2], bell_back[2];
};

static struct shared *shared;

static void wait_a_little(uint32_t *spins)
{
    cf_pause();
    if (++*spins % 16384 == 0)
        sched_yield(); /* where another program was given the CPU of the other side */
}

static pid_t start(void (*consumer)(void), uint64_t slots_count)
{
    void *memory;
    if (cf_memory_anonymous(sizeof *shared, true, &memory) != 0)
        abort();
    shared = memory;
    if (cf_memory_populate(shared, sizeof *shared, true) != 0)
        abort();
    shared->slots_count = slots_count;
    shared->goal = UINT64_MAX;
    if (cf_bell_create_down(&shared->bell_there[0], &shared->bell_there[1]) != 0 ||
        cf_bell_create_up(&shared->bell_back[0], &shared->bell_back[1]) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        cbench_pin(1);
        consumer();
        _exit(0);
    }
    cbench_pin(0);
    return child;
}

/* The other side ends when it has seen `goal` messages. */
static void finish(struct cbench_state *s, pid_t child, uint64_t messages)
{
    int status;
    cf_store_release_64(&shared->goal, messages);
    waitpid(child, &status, 0);
    if (status != 0)
        abort();
    cbench_items(s, (int64_t)messages);
    for (int i = 0; i < 2; i++) {
        close(shared->bell_there[i]);
        close(shared->bell_back[i]);
    }
    cf_memory_unmap(shared, sizeof *shared);
}

static bool done(uint64_t seen)
{
    return cf_load_acquire_64(&shared->goal) == seen;
}

/* ------------------------------------------------------------------ throughput */

static void consume_ring(void)
{
    struct cf_ring_consumer c;
    uint64_t seen = 0, sum = 0, quarter = shared->slots_count / 4, acked = 0;
    uint32_t spins = 0;
    cf_ring_consumer_init(&c, shared->there.slots, shared->slots_count, 0);
    while (!done(seen)) {
        const struct cf_message *m;
        while ((m = cf_ring_peek(&c)) != NULL) {
            sum += m->param1;
            seen++;
            cf_ring_consume(&c, m);
            if (c.head - acked >= quarter)
                cf_ring_acknowledge(&shared->there.ack, acked = c.head);
        }
        wait_a_little(&spins);
    }
    cf_store_release_64(&shared->sum, sum);
}

static void throughput(struct cbench_state *s, void *arg)
{
    static struct cf_record r;
    struct cf_ring_producer p;
    uint64_t sent = 0, sum = 0;
    uint32_t spins = 0;
    (void)arg;
    pid_t child = start(consume_ring, (uint64_t)cbench_range(s, 0));
    cf_ring_producer_init(&p, shared->there.slots, shared->slots_count, &shared->there.ack, 0);
    for (int64_t n; (n = cbench_take(s, BATCH)) != 0;)
        for (int64_t i = 0; i < n; i++) {
            r.m.sequence = ++sent;
            r.m.param1 = sent * 3;
            sum += sent * 3;
            while (!cf_ring_put(&p, &r))
                wait_a_little(&spins);
        }
    cf_store_release_64(&shared->goal, sent);
    while (cf_load_acquire_64(&shared->sum) != sum)
        wait_a_little(&spins);
    finish(s, child, sent);
}

static void consume_bare(void)
{
    const struct cf_slot *slots = shared->there.slots;
    uint64_t mask = shared->slots_count - 1, at = 0, sum = 0, quarter = shared->slots_count / 4, acked = 0, word;
    uint32_t spins = 0;
    while (!done(at)) {
        while (cf_load_acquire_64(&slots[at & mask].commit) == at + 1) {
            memcpy(&word, slots[at & mask].body + 24, 8);
            sum += word;
            if (++at - acked >= quarter)
                cf_store_release_64(&shared->there.ack, acked = at);
        }
        wait_a_little(&spins);
    }
    cf_store_release_64(&shared->sum, sum);
}

static void throughput_ref(struct cbench_state *s, void *arg)
{
    uint64_t sent = 0, sum = 0, seen = 0, body[7] = {0};
    uint32_t spins = 0;
    (void)arg;
    pid_t child = start(consume_bare, (uint64_t)cbench_range(s, 0));
    struct cf_slot *slots = shared->there.slots;
    uint64_t count = shared->slots_count;
    for (int64_t n; (n = cbench_take(s, BATCH)) != 0;)
        for (int64_t i = 0; i < n; i++) {
            while (sent - seen >= count) {
                seen = cf_load_acquire_64(&shared->there.ack);
                if (sent - seen >= count)
                    wait_a_little(&spins);
            }
            struct cf_slot *slot = &slots[sent & (count - 1)];
            body[0] = sent + 1;
            body[3] = (sent + 1) * 3;
            sum += (sent + 1) * 3;
            memcpy(slot->body, body, sizeof slot->body);
            cf_store_release_64(&slot->commit, sent + 1);
            sent++;
        }
    cf_store_release_64(&shared->goal, sent);
    while (cf_load_acquire_64(&shared->sum) != sum)
        wait_a_little(&spins);
    finish(s, child, sent);
}

/* ------------------------------------------------------------------ round trip, spinning */

static void put_one(struct cf_ring_producer *p, struct cf_record *r, uint64_t number)
{
    r->m.sequence = number;
    if (!cf_ring_put(p, r))
        abort();
}

static void take_one(struct cf_ring_consumer *c, uint64_t *ack, const struct cf_message *m, uint64_t number)
{
    if (m->sequence != number)
        abort();
    cf_ring_consume(c, m);
    if (c->head % 64 == 0)
        cf_ring_acknowledge(ack, c->head);
}

static void echo_ring(void)
{
    static struct cf_record r;
    struct cf_ring_consumer c;
    struct cf_ring_producer p;
    const struct cf_message *m;
    uint32_t spins = 0;
    cf_ring_consumer_init(&c, shared->there.slots, shared->slots_count, 0);
    cf_ring_producer_init(&p, shared->back.slots, shared->slots_count, &shared->back.ack, 0);
    for (uint64_t seen = 0; !done(seen);) {
        if ((m = cf_ring_peek(&c)) == NULL) {
            wait_a_little(&spins);
            continue;
        }
        take_one(&c, &shared->there.ack, m, ++seen);
        put_one(&p, &r, seen);
    }
}

static void round_trip(struct cbench_state *s, void *arg)
{
    static struct cf_record r;
    struct cf_ring_consumer c;
    struct cf_ring_producer p;
    const struct cf_message *m;
    uint64_t sent = 0;
    uint32_t spins = 0;
    (void)arg;
    pid_t child = start(echo_ring, 1024);
    cf_ring_consumer_init(&c, shared->back.slots, 1024, 0);
    cf_ring_producer_init(&p, shared->there.slots, 1024, &shared->there.ack, 0);
    CBENCH_LOOP (s) {
        put_one(&p, &r, ++sent);
        while ((m = cf_ring_peek(&c)) == NULL)
            wait_a_little(&spins);
        take_one(&c, &shared->back.ack, m, sent);
    }
    finish(s, child, sent);
}

static void echo_word(void)
{
    uint32_t spins = 0;
    for (uint64_t seen = 0; !done(seen);) {
        if (cf_load_acquire_64(&shared->there.wake_at) != seen + 1)
            wait_a_little(&spins);
        else
            cf_store_release_64(&shared->back.wake_at, ++seen);
    }
}

static void round_trip_ref(struct cbench_state *s, void *arg)
{
    uint64_t sent = 0;
    uint32_t spins = 0;
    (void)arg;
    pid_t child = start(echo_word, 1024);
    CBENCH_LOOP (s) {
        cf_store_release_64(&shared->there.wake_at, ++sent);
        while (cf_load_acquire_64(&shared->back.wake_at) != sent)
            wait_a_little(&spins);
    }
    finish(s, child, sent);
}

/* ------------------------------------------------------------------ round trip, asleep */

static void ring_if_asleep(const struct lane *l, const struct cf_ring_producer *p, int (*ring)(int), int bell)
{
    cf_fence_store_load(); /* partner: in sleep_until_rung() */
    uint64_t wake_at = cf_load_acquire_64(&l->wake_at);
    if (wake_at != 0 && p->tail >= wake_at)
        ring(bell);
}

static const struct cf_message *sleep_until_rung(struct lane *l, struct cf_ring_consumer *c, int bell)
{
    const struct cf_message *m;
    while ((m = cf_ring_peek(c)) == NULL) {
        cf_store_release_64(&l->wake_at, c->head + 1);
        cf_fence_store_load(); /* partner: in ring_if_asleep() */
        if (!cf_ring_readable(c)) {
            if (cf_socket_wait(bell, POLLIN, INT64_C(100000000)) != 0 && done(c->head))
                return NULL;
            cf_bell_drain(bell);
        }
        cf_store_release_64(&l->wake_at, 0);
    }
    return m;
}

static void echo_asleep(void)
{
    static struct cf_record r;
    struct cf_ring_consumer c;
    struct cf_ring_producer p;
    const struct cf_message *m;
    cf_ring_consumer_init(&c, shared->there.slots, shared->slots_count, 0);
    cf_ring_producer_init(&p, shared->back.slots, shared->slots_count, &shared->back.ack, 0);
    for (uint64_t seen = 0; !done(seen);) {
        if ((m = sleep_until_rung(&shared->there, &c, shared->bell_there[0])) == NULL)
            return;
        take_one(&c, &shared->there.ack, m, ++seen);
        put_one(&p, &r, seen);
        ring_if_asleep(&shared->back, &p, cf_bell_ring_up, shared->bell_back[1]);
    }
}

static void wake(struct cbench_state *s, void *arg)
{
    static struct cf_record r;
    struct cf_ring_consumer c;
    struct cf_ring_producer p;
    uint64_t sent = 0;
    (void)arg;
    pid_t child = start(echo_asleep, 1024);
    cf_ring_consumer_init(&c, shared->back.slots, 1024, 0);
    cf_ring_producer_init(&p, shared->there.slots, 1024, &shared->there.ack, 0);
    CBENCH_LOOP (s) {
        put_one(&p, &r, ++sent);
        ring_if_asleep(&shared->there, &p, cf_bell_ring_down, shared->bell_there[1]);
        const struct cf_message *m = sleep_until_rung(&shared->back, &c, shared->bell_back[0]);
        if (m == NULL)
            abort();
        take_one(&c, &shared->back.ack, m, sent);
    }
    finish(s, child, sent);
}

static int plain_there[2], plain_back[2];

static void echo_pipe(void)
{
    char byte;
    close(plain_there[1]);
    while (read(plain_there[0], &byte, 1) == 1)
        if (write(plain_back[1], &byte, 1) != 1)
            abort();
}

static void wake_ref(struct cbench_state *s, void *arg)
{
    char byte = 1;
    (void)arg;
    if (pipe(plain_there) != 0 || pipe(plain_back) != 0)
        abort();
    pid_t child = start(echo_pipe, 1024);
    CBENCH_LOOP (s)
        if (write(plain_there[1], &byte, 1) != 1 || read(plain_back[0], &byte, 1) != 1)
            abort();
    close(plain_there[1]);
    finish(s, child, (uint64_t)cbench_iterations(s));
    close(plain_there[0]);
    close(plain_back[0]);
    close(plain_back[1]);
}

static void add(const char *name, cbench_fn *fn, bool sizes)
{
    static const int64_t slots[] = {1024, 16384, 65536};
    struct cbench *b = cbench_add(name, fn, NULL);
    for (size_t i = 0; sizes && i < (cbench_smoke() ? 1 : sizeof slots / sizeof *slots); i++)
        cbench_arg(b, slots[i]);
    cbench_real_time(b);
}

int main(int argc, char **argv)
{
    if (!cbench_init(&argc, argv))
        return 1;
    add("throughput", throughput, true);
    add("throughput_ref", throughput_ref, true);
    add("round_trip", round_trip, false);
    add("round_trip_ref", round_trip_ref, false);
    add("wake", wake, false);
    add("wake_ref", wake_ref, false);
    return cbench_run();
}
