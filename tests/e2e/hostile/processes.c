/* Children that keep everything, and a process that stands still. */
#define _GNU_SOURCE 1
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/e2e/hostile/hostile.h"

enum { CHILDREN = 4, LIVES = 3 };

static void wait_for_all(void)
{
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

/* A process that dies with the one that forked it. 0 in the child. */
static pid_t split(bool tied)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0 && tied) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(0);
    }
    return pid;
}

/* ------------------------------------------------------------------ fork */

/* Uses what its parent attached, all children at once: words, records, bells, messages. */
static void abuse_inherited(struct hostile *h)
{
    struct cf_record r;
    while (hostile_goes_on(h)) {
        struct raw_port *p = &h->port;
        uint64_t at = cf_load_acquire_64(&p->down->up.up_ack);
        raw_record(&r, (uint16_t)(CF_REQ_PING + raw_below(&h->random, 0x48)), hostile_handle(h), hostile_number(h), 0,
                   0)
            ->m.slots = 1;
        raw_write_slot(p, at, &r.m);
        raw_commit(p, at, at + 1);
        cf_store_release_64(&p->up->down_ack, cf_load_relaxed_64(&p->down->down.tail));
        raw_ring_bell(p);
        if (raw_below(&h->random, 1024) == 0) {
            cf_socket_send(p->socket, &r, 64, NULL, 0); /* talks on after the welcome */
            raw_sleep_us(1000);
        }
    }
}

/* The one that attached is dead, its children live on and use everything. */
static void one_family(struct hostile *h)
{
    struct hostile mine = *h;
    mine.random = raw_random(&h->random) | 1;
    int64_t life_ns = (h->end_ns - raw_now_ns()) / 2;
    if (!hostile_join(&mine) || !hostile_open_lines(&mine, LINECALLPRIVILEGE_MONITOR))
        _exit(1);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = split(i == 0); /* the others stay when it dies */
        if (pid == 0) {
            mine.random = raw_random(&h->random) + (uint64_t)i + 1;
            if (i > 1) { /* these only keep it */
                raw_sleep_us(life_ns / 1000);
                _exit(0);
            }
            mine.end_ns = raw_now_ns() + life_ns;
            abuse_inherited(&mine);
            _exit(0);
        }
    }
    raw_sleep_us(life_ns / 8000);
    _exit(0);
}

/* What a program costs the others by running at all: the measure for those that do more. */
void hostile_burn(struct hostile *h)
{
    while (hostile_goes_on(h))
        for (uint32_t i = 0; i < 100000; i++)
            h->acts += (i ^ h->acts) & 1;
}

void hostile_fork(struct hostile *h)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that orphans can be waited for */
    while (hostile_goes_on(h)) {
        for (int i = 0; i < LIVES; i++) {
            raw_random(&h->random);
            pid_t pid = split(true);
            if (pid == 0)
                one_family(h);
            h->attached += pid > 0;
        }
        h->acts += LIVES;
        wait_for_all();
        if (h->end_ns - raw_now_ns() < INT64_C(50000000))
            break; /* what is left is too short for a life */
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/* ------------------------------------------------------------------ stop */

static void a_monitor(struct hostile *h)
{
    struct cf_record r;
    while (hostile_join(h)) {
        if (h->opened == 0 && !hostile_open_lines(h, LINECALLPRIVILEGE_MONITOR))
            continue;
        hostile_read(h, UINT32_MAX);
        raw_ask(&h->port, raw_record(&r, CF_REQ_PING, 0, 0, 0, 0), h->end_ns);
        raw_sleep_us(500);
    }
    _exit(0);
}

void hostile_stop(struct hostile *h)
{
    pid_t pid = split(true);
    if (pid == 0) {
        h->ns += INT64_C(60000000000); /* it does not end by itself, unless it gets no port */
        a_monitor(h);
    }
    while (pid > 0 && hostile_goes_on(h)) {
        raw_sleep_us((int64_t)raw_below(&h->random, 100000));
        kill(pid, SIGSTOP);
        raw_sleep_us((int64_t)raw_below(&h->random, 500000));
        kill(pid, SIGCONT);
        h->acts++;
    }
    if (pid > 0) {
        int status = 0;
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        h->attached += WIFSIGNALED(status);
    }
}
