/*
 * Question: what does it cost the core to wake 16 sleeping applications, at 10,000 and at 120,000 messages/s to each?
 *
 * Expected: without a bound every turn would ring 16 bells. With wake_interval_us at its default of 250 an application is woken at most
 * 4,000 times a second whatever the rate; 16 x 4,000 writes to pipes of 0.7 to 1.7 us each are 5 to 11 % of a CPU. The simulator
 * acts in ticks of 1 ms, so some 1,000 a second are what is seen. On top of it come the deliveries, 1.9 M/s at some 20 ns, the
 * handles that 16 monitors give back, 160,000 records/s that a sleeping core is woken for, and the core's own sleeping.
 *
 * Method: callfand with default settings but spin_us, and callfan-sim with an exact profile of 12 messages per call; the engine has one CPU,
 * the 16 monitors (processes that sleep in the batch call) the other, the simulator takes what is left (bench-cpus: 2). After the live calls
 * have reached their number it is watched for 2 s. An iteration's time is the CPU time of the core process (/proc/PID/stat) per second.
 * Arguments: messages/s to each application; spin_us. Reference: a process on the core's CPU that sleeps until the next 250 us are over
 * and then writes a byte into each of 16 pipes, with 16 readers that sleep on the first CPU.
 *
 * Counters: core_% the core's share of a CPU; wakes how often an application slept and woke per second (voluntary context switches; mean
 * of the 16) and wakes_max of the busiest; bells that the core rang per second, the simulator's included; delivered messages/s over
 * all; gaps, of monitors that fell behind (then the other figures mean little); p50_us, p99_us, p99.9_us from the simulator's time of the event to the batch call's return, over all applications.
 */
#define _GNU_SOURCE 1
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "adapters/provider/clock.h"
#include "apps/callfan/histogram.h"
#include "bench/cbench.h"
#include "bench/support/service.h"
#include "callfan/tapi.h"
#include "shm/atomics.h"

#define APPS        16
#define LINES       4
#define BATCH       256
#define INTERVAL_US 250
#define PATIENCE_NS (60 * CF_NS_PER_S)

enum { PREPARE, WATCH, END };

struct app {
    uint64_t ready, ended;
    uint64_t messages, wakes, gaps;
    struct cf_histogram age;
};

static struct shared {
    uint32_t phase;
    struct app app[APPS];
} * shared;

static pid_t children[APPS];

static uint64_t sleeps(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)u.ru_nvcsw;
}

static int64_t window_ns(void)
{
    return cbench_smoke() ? 100 * CF_NS_PER_MS : 2 * CF_NS_PER_S;
}

/* ------------------------------------------------------------ an application */

static void take_messages(struct app *a, const struct cf_batch_message *m, uint32_t count, bool watched)
{
    int64_t now = cf_clock_ns();
    for (uint32_t i = 0; i < count; i++) {
        if (watched)
            cf_histogram_add(&a->age, now - m[i].time_ns);
        if (m[i].dwMessageID == LINE_CALLSTATE && m[i].dwParam1 == LINECALLSTATE_IDLE)
            lineDeallocateCall(m[i].hDevice);
        else if (m[i].dwMessageID == CF_LINE_GAP)
            a->gaps++;
        else if (m[i].dwMessageID == LINE_CLOSE)
            bench_give_up("a line was closed");
    }
    a->messages += watched ? count : 0;
}

static void monitor(struct app *a)
{
    static struct cf_batch_message m[BATCH];
    static const DWORD ids[LINES] = {0, 1, 2, 3};
    HLINEAPP app;
    HLINE lines[LINES];
    DWORD devices = 0, version = 0x00020002;
    uint32_t phase = PREPARE, now, count;
    const struct cf_init_options options = {.size = sizeof options, .socket_path = bench_service_socket()};
    if (cf_line_initialize(&app, NULL, "bench_wake", &devices, &version, NULL, &options) != 0 ||
        cf_line_open_many(app, ids, LINES, lines, NULL, version, 0, LINECALLPRIVILEGE_MONITOR, 0) != LINES)
        bench_give_up("a monitor cannot open its lines");
    cf_store_release_64(&a->ready, 1);
    while ((now = cf_load_acquire_32(&shared->phase)) != END) {
        if (now != phase)
            a->wakes = sleeps();
        phase = now;
        if (cf_line_get_messages(app, m, BATCH, 20, &count) != 0)
            bench_give_up("no messages can be fetched");
        take_messages(a, m, count, phase == WATCH);
    }
    a->wakes = sleeps() - a->wakes;
    cf_store_release_64(&a->ended, 1);
    lineShutdown(app);
}

/* ------------------------------------------------------------ processes */

static void share(void)
{
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        bench_give_up("no memory");
    shared = memory;
}

static void start(int number, void (*run)(struct app *))
{
    children[number] = fork();
    if (children[number] == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        cbench_pin(0);
        run(&shared->app[number]);
        _exit(0);
    }
}

static bool all(size_t offset)
{
    for (int i = 0; i < APPS; i++)
        if (cf_load_acquire_64((uint64_t *)((char *)&shared->app[i] + offset)) == 0)
            return false;
    return true;
}

/* Looks at one that ended, so not always at all; the wait is bounded besides. */
static bool one_has_failed(void)
{
    siginfo_t info = {0};
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 && info.si_status != 0;
}

static bool wait_for_all(size_t offset)
{
    for (int64_t end = cf_clock_ns() + PATIENCE_NS; !all(offset);) {
        if (cf_clock_ns() > end || one_has_failed())
            return false;
        nanosleep(&(struct timespec){0, CF_NS_PER_MS}, NULL);
    }
    return true;
}

/* Ends the children and lets go of the memory. False: one had died or does not end. */
static bool finish(void)
{
    cf_store_release_32(&shared->phase, END);
    bool good = wait_for_all(offsetof(struct app, ended));
    for (int i = 0; i < APPS; i++) {
        int status = 0;
        if (!good)
            kill(children[i], SIGKILL);
        good &= waitpid(children[i], &status, 0) == children[i] && status == 0;
    }
    return good;
}

static void print_counters(struct cbench_state *s, double seconds, double core, double bells)
{
    static struct cf_histogram age;
    uint64_t wakes = 0, wakes_max = 0, messages = 0, gaps = 0;
    memset(&age, 0, sizeof age);
    for (int i = 0; i < APPS; i++) {
        const struct app *a = &shared->app[i];
        wakes += a->wakes;
        wakes_max = a->wakes > wakes_max ? a->wakes : wakes_max;
        messages += a->messages;
        gaps += a->gaps;
        age.count += a->age.count;
        age.max_ns = a->age.max_ns > age.max_ns ? a->age.max_ns : age.max_ns;
        for (int b = 0; b < CF_HISTOGRAM_BUCKETS; b++)
            age.bucket[b] += a->age.bucket[b];
    }
    cbench_counter(s, "core_%", 100 * core / seconds, 0);
    cbench_counter(s, "wakes", (double)wakes / APPS / seconds, 0);
    cbench_counter(s, "wakes_max", (double)wakes_max / seconds, 0);
    cbench_counter(s, "bells", bells / seconds, 0);
    if (age.count != 0) {
        cbench_counter(s, "delivered", (double)messages / seconds, 0);
        cbench_counter(s, "gaps", (double)gaps, 0);
        cbench_counter(s, "p50_us", (double)cf_histogram_percentile(&age, 0.5) / 1e3, 0);
        cbench_counter(s, "p99_us", (double)cf_histogram_percentile(&age, 0.99) / 1e3, 0);
        cbench_counter(s, "p99.9_us", (double)cf_histogram_percentile(&age, 0.999) / 1e3, 0);
    }
}

/* ------------------------------------------------------------ Callfan */

static bool start_service(int64_t messages_per_s, int64_t spin_us, double *ret_calls_per_s)
{
    char configuration[512];
    *ret_calls_per_s = (double)messages_per_s / 12 / (cbench_smoke() ? 20 : 1);
    snprintf(configuration, sizeof configuration,
             "spin_us = %lld\nprovider sim {\n command = \"callfan-sim\"\n lines = %d\n rate = %.3f\n messages = 12\n"
             " hold_ms = %d\n accept_ms = 10\n answer_ms = 20\n}\n",
             (long long)spin_us, LINES, *ret_calls_per_s, cbench_smoke() ? 20 : 1000);
    return bench_service_start(configuration) && bench_service_wait("totals.lines", LINES);
}

static void wake(struct cbench_state *s, void *arg)
{
    double calls_per_s;
    (void)arg;
    share();
    bool good = start_service(cbench_range(s, 0), cbench_range(s, 1), &calls_per_s);
    for (int i = 0; good && i < APPS; i++)
        start(i, monitor);
    /* As many calls have ended as begin in 2 s: holding times are 1 s in the mean. */
    good = good && wait_for_all(offsetof(struct app, ready)) &&
           bench_service_wait("totals.calls_ended", cbench_smoke() ? 10 : (int64_t)(2 * calls_per_s));
    if (!good) {
        cbench_fail(s, "the service or a monitor is not as it should be");
        return;
    }
    while (cbench_take(s, 1) != 0) {
        int64_t bells = bench_service_status("totals.bells_rung");
        double core = bench_service_core_seconds();
        int64_t begin = cf_clock_ns();
        cf_store_release_32(&shared->phase, WATCH);
        nanosleep(&(struct timespec){window_ns() / CF_NS_PER_S, window_ns() % CF_NS_PER_S}, NULL);
        double seconds = (double)(cf_clock_ns() - begin) / 1e9;
        core = bench_service_core_seconds() - core;
        bells = bench_service_status("totals.bells_rung") - bells;
        if (!finish())
            bench_give_up("a monitor died");
        cbench_set_time(s, cbench_smoke() ? seconds : core / seconds);
        print_counters(s, seconds, core, (double)bells);
    }
    bench_service_stop();
    munmap(shared, sizeof *shared);
}

/* ------------------------------------------------------------ reference */

static int pipes[APPS][2];

static void reader(struct app *a)
{
    char byte;
    uint32_t phase = PREPARE, now;
    int fd = pipes[a - shared->app][0];
    cf_store_release_64(&a->ready, 1);
    while ((now = cf_load_acquire_32(&shared->phase)) != END) {
        if (now != phase)
            a->wakes = sleeps();
        phase = now;
        if (read(fd, &byte, 1) != 1)
            bench_give_up("a pipe broke");
    }
    a->wakes = sleeps() - a->wakes;
    cf_store_release_64(&a->ended, 1);
}

static void ring_all(void)
{
    char byte = 1;
    for (int i = 0; i < APPS; i++)
        if (write(pipes[i][1], &byte, 1) != 1)
            bench_give_up("a pipe broke");
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wake_ref(struct cbench_state *s, void *arg)
{
    (void)arg;
    share();
    for (int i = 0; i < APPS; i++) {
        if (pipe(pipes[i]) != 0)
            bench_give_up("no pipes");
        start(i, reader);
    }
    if (!wait_for_all(offsetof(struct app, ready)))
        bench_give_up("a reader died");
    cbench_pin(1);
    prctl(PR_SET_TIMERSLACK, 1);
    while (cbench_take(s, 1) != 0) {
        double core = cpu_seconds();
        int64_t begin = cf_clock_ns(), next = begin, rung = 0;
        for (cf_store_release_32(&shared->phase, WATCH); next < begin + window_ns(); rung++) {
            ring_all();
            next += INTERVAL_US * CF_NS_PER_US;
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){next / CF_NS_PER_S, next % CF_NS_PER_S},
                            NULL);
        }
        double seconds = (double)(cf_clock_ns() - begin) / 1e9;
        core = cpu_seconds() - core;
        cf_store_release_32(&shared->phase, END);
        ring_all();
        if (!finish())
            bench_give_up("a reader died");
        cbench_set_time(s, cbench_smoke() ? seconds : core / seconds);
        print_counters(s, seconds, core, (double)(rung * APPS));
    }
    for (int i = 0; i < APPS; i++) {
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
    munmap(shared, sizeof *shared);
    bench_unpin();
}

int main(int argc, char **argv)
{
    static const int64_t runs[][2] = {{10000, 0}, {120000, 0}, {120000, 20}};
    if (!cbench_init(&argc, argv))
        return 1;
    for (int reference = 0; reference < 2; reference++) {
        struct cbench *b = cbench_add(reference ? "wake_ref" : "wake", reference ? wake_ref : wake, NULL);
        for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
            cbench_args(b, runs[i], 2);
        cbench_manual_time(b);
        cbench_fix_iterations(b, 1);
    }
    return cbench_run();
}
