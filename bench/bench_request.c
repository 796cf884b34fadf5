/*
 * Question: what does a request to the service cost through libcallfan, with a core that spins, with one that sleeps, and how many go
 * through in a second?
 *
 * Expected: a request is a record that travels to the core's cache, a turn of the engine, and an answer that travels back: three or four
 * lines where the bare exchange of one line moves it twice (about 0.1 us), and the turn's clock, scan of ports, journal and fence: 0.5 to
 * 1 us. With a core that sleeps, one wake-up of another CPU more: 25 to 50 us here. Pipelined, the travels overlap: the
 * engine's share alone counts, 0.1 to 0.2 us a request.
 *
 * Method: callfand with one simulated line and one call that lasts; its engine on one CPU, this program on the other (bench-cpus: 2).
 *
 *   call_status          lineGetCallStatus that must ask the core, since a message is left unread; spin_us is 1 s
 *   call_status_ref      one cache line that two processes hand to and fro
 *   call_info            lineGetCallInfo, which always asks the core and gets a longer answer
 *   call_status_local    lineGetCallStatus when everything was read: no request at all
 *   call_status_threads  call_status from so many threads of one application, all on one CPU: time per request, items over all
 *   pipelined            lineDrop by a monitor, up to so many outstanding: the core answers each with LINE_REPLY (NOTOWNER)
 *   asleep               call_status, spin_us 0, 200 us after the last one, so that the core sleeps: the request alone is timed; the
 *                        caller looks for the library's 20 us, then sleeps too. The median of each 100 counts, else a
 *                        neighbour's time slice would outweigh them all
 *   asleep_ref           one byte through two pipes, both sides in blocking reads, after the same 200 us; the medians too
 */
#define _GNU_SOURCE 1
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/provider/clock.h"
#include "bench/cbench.h"
#include "bench/support/service.h"
#include "callfan/tapi.h"
#include "shm/atomics.h"

#define SPINNING "spin_us = 1000000\n"
#define SLEEPING "spin_us = 0\n"
#define ONE_CALL                                                                                                       \
    "provider sim {\n command = \"callfan-sim\"\n lines = 1\n rate = 1000\n calls = 1\n accept_ms = 0\n"               \
    " answer_ms = 0\n hold_ms = 80000000\n hold = fixed\n}\n"

static struct {
    const char *configuration; /* of the service it belongs to; NULL: none */
    HLINEAPP app;
    HLINE line;
    HCALL call;
    bool unread; /* a message waits */
} rig;

static bool take(DWORD message, DWORD_PTR param1, LINEMESSAGE *ret)
{
    while (lineGetMessage(rig.app, ret, 10000) == 0)
        if (ret->dwMessageID == message && (param1 == 0 || ret->dwParam1 == param1))
            return true;
    return false;
}

/* An application of the service with this configuration, a monitor of its one call. */
static bool ready(const char *configuration)
{
    LINEMESSAGE m;
    DWORD devices = 0, version = 0x00020002;
    if (rig.configuration == configuration)
        return true;
    if (rig.configuration != NULL)
        lineShutdown(rig.app);
    rig.configuration = NULL;
    if (!bench_service_start(configuration) || !bench_service_wait("totals.lines", 1))
        return false;
    const struct cf_init_options options = {.size = sizeof options, .socket_path = bench_service_socket()};
    if (cf_line_initialize(&rig.app, NULL, "bench_request", &devices, &version, NULL, &options) != 0 ||
        lineOpen(rig.app, 0, &rig.line, 0x00020002, 0, 0, LINECALLPRIVILEGE_MONITOR, 0, NULL) != 0 ||
        !take(LINE_CALLSTATE, LINECALLSTATE_CONNECTED, &m))
        return false;
    rig.call = m.hDevice;
    rig.configuration = configuration;
    rig.unread = false;
    return true;
}

/* Leaves a LINE_REPLY in the ring, or takes it out. */
static bool leave_unread(bool unread)
{
    LINEMESSAGE m;
    if (rig.unread != unread) {
        if (unread ? lineDrop(rig.call, NULL, 0) <= 0 : !take(LINE_REPLY, 0, &m))
            return false;
        rig.unread = unread;
    }
    struct cf_app_counters c;
    do {
        if (cf_app_counters(rig.app, &c) != 0)
            return false;
    } while (c.pending != unread);
    return true;
}

static bool good(struct cbench_state *s, const char *configuration, bool unread)
{
    bool ok = ready(configuration) && leave_unread(unread);
    if (!ok)
        cbench_fail(s, "the service is not as it should be");
    cbench_pin(0);
    return ok;
}

static void ask_status(struct cbench_state *s)
{
    LONG error = 0;
    CBENCH_LOOP (s) {
        LINECALLSTATUS status;
        status.dwTotalSize = sizeof status;
        error |= lineGetCallStatus(rig.call, &status);
    }
    if (error != 0)
        bench_give_up("a request failed");
    cbench_items(s, cbench_iterations(s));
}

/* arg: the service's configuration. */
static void call_status(struct cbench_state *s, void *arg)
{
    if (good(s, arg, true))
        ask_status(s);
}

static void call_status_local(struct cbench_state *s, void *arg)
{
    if (good(s, arg, false))
        ask_status(s);
}

static void call_status_threads(struct cbench_state *s, void *arg)
{
    if (cbench_thread_index(s) == 0 && !good(s, arg, true))
        bench_give_up("the other threads wait for one that failed");
    cbench_pin(0);
    ask_status(s);
}

static void call_info(struct cbench_state *s, void *arg)
{
    static union {
        LINECALLINFO info;
        uint8_t room[4096];
    } i;
    LONG error = 0;
    if (!good(s, arg, true))
        return;
    CBENCH_LOOP (s) {
        i.info.dwTotalSize = sizeof i;
        error |= lineGetCallInfo(rig.call, &i.info);
    }
    if (error != 0)
        bench_give_up("a request failed");
    cbench_items(s, cbench_iterations(s));
}

static void pipelined(struct cbench_state *s, void *arg)
{
    static struct cf_batch_message messages[256];
    int64_t window = cbench_range(s, 0), asked = 0, answered = 0, goal = 0;
    if (!good(s, arg, false))
        return;
    for (int64_t n; (n = cbench_take(s, 1024)) != 0;)
        for (goal += n; answered < goal;) {
            uint32_t count;
            for (; asked < goal && asked - answered < window; asked++)
                if (lineDrop(rig.call, NULL, 0) <= 0)
                    bench_give_up("lineDrop failed at once");
            if (cf_line_get_messages(rig.app, messages, 256, 0, &count) != 0)
                bench_give_up("no messages can be fetched");
            for (uint32_t i = 0; i < count; i++)
                if (messages[i].dwMessageID != LINE_REPLY || (LONG)messages[i].dwParam2 != LINEERR_NOTOWNER)
                    bench_give_up("another message than the answer of lineDrop");
            answered += count;
        }
    cbench_items(s, answered);
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Times exchange(arg), each time after 200 us of waking in which the other side falls asleep. */
static void time_asleep(struct cbench_state *s, void (*exchange)(void *), void *arg)
{
    enum { COUNT = 100 };
    int64_t took[COUNT], begin, now;
    while (cbench_take(s, COUNT) != 0) {
        for (int i = 0; i < COUNT; i++) {
            begin = cf_clock_ns();
            while ((now = cf_clock_ns()) < begin + 200 * CF_NS_PER_US)
                cf_pause();
            exchange(arg);
            took[i] = cf_clock_ns() - now;
        }
        qsort(took, COUNT, sizeof *took, by_time);
        cbench_set_time(s, (double)(took[COUNT / 2] * COUNT) / 1e9);
    }
    cbench_items(s, cbench_iterations(s));
}

static void ask_once(void *status)
{
    if (lineGetCallStatus(rig.call, status) != 0)
        bench_give_up("a request failed");
}

static void asleep(struct cbench_state *s, void *arg)
{
    LINECALLSTATUS status = {.dwTotalSize = sizeof status};
    if (good(s, arg, true))
        time_asleep(s, ask_once, &status);
}

/* ------------------------------------------------------------ references */

static uint64_t *shared_line(void)
{
    void *line = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (line == MAP_FAILED)
        bench_give_up("no memory");
    return line;
}

static pid_t fork_to_second_cpu(void)
{
    bench_service_stop();
    rig.configuration = NULL;
    pid_t child = fork();
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    cbench_pin(child == 0);
    return child;
}

static void wait_a_little(uint32_t *spins)
{
    cf_pause();
    if (++*spins % 16384 == 0)
        sched_yield(); /* where another program was given the CPU of the other side */
}

/* Odd values are the question, even ones the answer, all ones the end. */
static void call_status_ref(struct cbench_state *s, void *arg)
{
    uint64_t *line = shared_line(), sent = 0;
    uint32_t spins = 0;
    (void)arg;
    pid_t child = fork_to_second_cpu();
    for (uint64_t word = 0; child == 0 && (word = cf_load_acquire_64(line)) != UINT64_MAX;) {
        if (word % 2 == 1)
            cf_store_release_64(line, word + 1);
        else
            wait_a_little(&spins);
    }
    if (child == 0)
        _exit(0);
    CBENCH_LOOP (s) {
        cf_store_release_64(line, sent + 1);
        for (sent += 2; cf_load_acquire_64(line) != sent;)
            wait_a_little(&spins);
    }
    cf_store_release_64(line, UINT64_MAX);
    waitpid(child, NULL, 0);
    munmap(line, 4096);
    cbench_items(s, cbench_iterations(s));
}

struct pipes {
    int there[2], back[2];
};

static void byte_there_and_back(void *arg)
{
    struct pipes *p = arg;
    char byte = 1;
    if (write(p->there[1], &byte, 1) != 1 || read(p->back[0], &byte, 1) != 1)
        bench_give_up("a pipe broke");
}

static void asleep_ref(struct cbench_state *s, void *arg)
{
    struct pipes p;
    char byte;
    (void)arg;
    if (pipe(p.there) != 0 || pipe(p.back) != 0)
        bench_give_up("no pipes");
    pid_t child = fork_to_second_cpu();
    if (child == 0) {
        close(p.there[1]);
        while (read(p.there[0], &byte, 1) == 1 && write(p.back[1], &byte, 1) == 1)
            ;
        _exit(0);
    }
    time_asleep(s, byte_there_and_back, &p);
    close(p.there[1]);
    waitpid(child, NULL, 0);
    close(p.there[0]);
    close(p.back[0]);
    close(p.back[1]);
}

static struct cbench *add(const char *name, cbench_fn *fn, const char *configuration)
{
    struct cbench *b = cbench_add(name, fn, (void *)(uintptr_t)configuration);
    if (fn == asleep || fn == asleep_ref)
        cbench_manual_time(b);
    else
        cbench_real_time(b);
    return b;
}

int main(int argc, char **argv)
{
    if (!cbench_init(&argc, argv))
        return 1;
    add("call_status", call_status, SPINNING ONE_CALL);
    add("call_info", call_info, SPINNING ONE_CALL);
    add("call_status_local", call_status_local, SPINNING ONE_CALL);
    struct cbench *threads = add("call_status_threads", call_status_threads, SPINNING ONE_CALL);
    for (int count = 1; count <= 16; count *= 4)
        cbench_threads(threads, count);
    struct cbench *windows = add("pipelined", pipelined, SPINNING ONE_CALL);
    for (int64_t window = 1; window <= 512; window *= 8)
        cbench_arg(windows, window);
    add("call_status_ref", call_status_ref, NULL);
    add("asleep", asleep, SLEEPING ONE_CALL);
    add("asleep_ref", asleep_ref, NULL);
    return cbench_run();
}
