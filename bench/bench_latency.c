/*
 * Question: how old is a LINE_CALLSTATE when the application has it, at 1 K, 10 K, 100 K and 1 M events/s, with all awake and with all asleep?
 * And how many a second come through when there are always more?
 *
 * Expected: awake, an event travels twice between two caches (about 0.1 us each), with a turn of the engine between, 0.4 to 1 us in all; the
 * rate does not matter up to 100 K/s, which leaves 10 us for each. At saturation 2 to 4 M/s, since one thread posts and takes, with a clock
 * between. Asleep, two wake-ups of another CPU, 25 to 50 us each; at high rates the
 * application is woken once per wake_interval_us (250), so that a message is up to 250 us old, and half of it in the mean.
 *
 * Method: open loop. An event has a time at which it is due, at equal distances, and that time is its stamp (time_ns): whoever is late, this
 * program or the service, what waited meanwhile is as old as it really is. The age is taken when the batch call hands the message out.
 * At most 60,000 are under way, since rings have room for 65,536: one that finds no room is posted later and was due when it was due.
 * Rate 0 is saturation: all events are due at once, at distances of 1 ns. There the rate that was reached is the answer, ages are the time in the queue.
 * The provider is the provider library in this program, 1,024 calls take turns, each between CONNECTED and ONHOLD; the application
 * monitors them. The engine has one CPU, this program the other (bench-cpus: 2). An iteration's time is the median age;
 * counters (us): percentiles of the age to p99.99 (of 2,000 events at 1 K/s that is the oldest), p99 from the posting (post_p99) in place of the time that was due, and the rate that was reached.
 *
 *   awake/RATE       spin_us 1 s; one thread posts what is due and looks at the application's ring in turn
 *   awake_ref/RATE   the same thread and times; in place of Callfan a lane of cache lines there, a process that copies them, and a lane back
 *   asleep/RATE      spin_us 0; the provider sleeps until an event is due, the application in the batch call, in threads of their own
 *   asleep_ref/RATE  the same threads; in place of Callfan a pipe there, a process that copies, and a pipe back
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/provider/port.h"
#include "apps/callfan/histogram.h"
#include "bench/cbench.h"
#include "bench/support/service.h"
#include "callfan/tapi.h"
#include "shm/atomics.h"

#define PROVIDER    "provider bench {\n}\n"
#define CALLS       1024
#define EVENTS_MAX  1000000
#define ROOM        60000
#define BATCH       256
#define LANE        UINT64_C(65536)
#define LINES_BYTES (2 * LANE * sizeof(struct line) + 4096)

/* What carries events: Callfan, or a bare relay. */
struct path {
    const char *name, *configuration;
    bool (*open)(const char *configuration);
    void (*close)(void);
    bool (*post)(int64_t due);                     /* false: no room */
    uint32_t (*take)(int64_t *ret_due, bool wait); /* up to BATCH; returns how many */
    void (*run)(void);
};

/* ------------------------------------------------------------ Callfan */

static struct {
    struct cf_provider *provider;
    uint64_t calls[CALLS];
    uint32_t state; /* of all calls that took their turn in this round */
    uint64_t sent;
    HLINEAPP app;
} rig;

static bool announce(void)
{
    const struct cf_provider_options options = {
        .socket_path = bench_service_socket(), .name = "bench", .calls_max = CALLS};
    char why[256] = "";
    if (cf_provider_new(&rig.provider, &options) != 0)
        return false;
    if (cf_provider_attach(rig.provider, 10 * CF_NS_PER_S, why, sizeof why) != 0) {
        fprintf(stderr, "the provider cannot attach: %s\n", why);
        return false;
    }
    return cf_provider_snapshot_begin(rig.provider) &&
           cf_provider_post_line(rig.provider, &(struct cf_line_info){.name = "bench"}) &&
           cf_provider_snapshot_end(rig.provider);
}

static bool open_monitor(void)
{
    HLINE line;
    DWORD devices = 0, version = 0x00020002;
    const struct cf_init_options options = {.size = sizeof options, .socket_path = bench_service_socket()};
    return bench_service_wait("totals.lines", 1) &&
           cf_line_initialize(&rig.app, NULL, "bench_latency", &devices, &version, NULL, &options) == 0 &&
           lineOpen(rig.app, 0, &line, 0x00020002, 0, 0, LINECALLPRIVILEGE_MONITOR, 0, NULL) == 0;
}

/* Posts the calls and takes what the application is told of them. */
static bool make_calls(void)
{
    static struct cf_batch_message m[BATCH];
    uint32_t told = 0, count;
    for (int i = 0; i < CALLS; i++) {
        rig.calls[i] = cf_provider_call_new(rig.provider, NULL);
        const struct cf_new_call c = {.call = rig.calls[i], .state = LINECALLSTATE_CONNECTED, .time_ns = cf_clock_ns()};
        if (!cf_provider_post_new_call(rig.provider, &c))
            return false;
    }
    cf_provider_flush(rig.provider);
    rig.state = LINECALLSTATE_CONNECTED;
    rig.sent = 0;
    while (told < CALLS) {
        if (cf_line_get_messages(rig.app, m, BATCH, 10000, &count) != 0 || count == 0)
            return false;
        for (uint32_t i = 0; i < count; i++)
            told += m[i].dwMessageID == LINE_CALLSTATE;
    }
    return true;
}

static bool callfan_open(const char *configuration)
{
    return bench_service_start(configuration) && announce() && open_monitor() && make_calls();
}

static void callfan_close(void)
{
    lineShutdown(rig.app);
    cf_provider_free(rig.provider);
    bench_service_stop();
}

static bool callfan_post(int64_t due)
{
    uint64_t number = rig.sent++ % CALLS;
    if (number == 0)
        rig.state ^= LINECALLSTATE_CONNECTED ^ LINECALLSTATE_ONHOLD;
    const struct cf_call_state s = {.state = rig.state, .time_ns = due};
    bool posted = cf_provider_post_call_state(rig.provider, rig.calls[number], &s) == CF_POSTED;
    cf_provider_flush(rig.provider);
    return posted;
}

static uint32_t callfan_take(int64_t *ret_due, bool wait)
{
    struct cf_batch_message m[BATCH];
    uint32_t count;
    if (cf_line_get_messages(rig.app, m, BATCH, wait ? 10000 : 0, &count) != 0)
        bench_give_up("no messages can be fetched");
    for (uint32_t i = 0; i < count; i++) {
        if (m[i].dwMessageID != LINE_CALLSTATE)
            bench_give_up("another message than LINE_CALLSTATE");
        ret_due[i] = m[i].time_ns;
    }
    return count;
}

/* ------------------------------------------------------------ relays: a process on the other CPU */

/* A lane holds as many lines as a port's ring of the default size. */
struct line {
    int64_t due;
    uint64_t number __attribute__((aligned(8))); /* from 1, stored last */
    uint64_t rest[6];
};

static struct {
    struct line *there, *back;
    uint64_t *end;
    uint64_t sent, taken;
    int there_fd[2], back_fd[2];
    pid_t child;
} relay;

static bool fork_relay(void)
{
    bench_service_stop();
    relay.sent = relay.taken = 0;
    relay.child = fork();
    if (relay.child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        cbench_pin(1);
    }
    return relay.child >= 0;
}

static void put_line(struct line *lane, uint64_t number, int64_t due)
{
    struct line *l = &lane[number % LANE];
    l->due = due;
    cf_store_release_64(&l->number, number + 1);
}

static bool take_line(const struct line *lane, uint64_t number, int64_t *ret_due)
{
    const struct line *l = &lane[number % LANE];
    if (cf_load_acquire_64(&l->number) != number + 1)
        return false;
    *ret_due = l->due;
    return true;
}

static void copy_lines(void)
{
    int64_t due;
    uint32_t spins = 0;
    for (uint64_t seen = 0; cf_load_relaxed_64(relay.end) == 0;) {
        if (take_line(relay.there, seen, &due))
            put_line(relay.back, seen++, due);
        else if (cf_pause(), ++spins % 16384 == 0)
            sched_yield(); /* where another program was given the CPU of the other side */
    }
}

static bool lines_open(const char *configuration)
{
    void *memory = mmap(NULL, LINES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    (void)configuration;
    if (memory == MAP_FAILED)
        return false;
    relay.there = memory;
    relay.back = relay.there + LANE;
    relay.end = (uint64_t *)(relay.back + LANE);
    if (!fork_relay())
        return false;
    if (relay.child == 0) {
        copy_lines();
        _exit(0);
    }
    return true;
}

static void lines_close(void)
{
    cf_store_release_64(relay.end, 1);
    waitpid(relay.child, NULL, 0);
    munmap(relay.there, LINES_BYTES);
}

static bool lines_post(int64_t due)
{
    if (relay.sent - relay.taken == LANE)
        return false;
    put_line(relay.there, relay.sent++, due);
    return true;
}

static uint32_t lines_take(int64_t *due, bool wait)
{
    uint32_t count = 0;
    (void)wait;
    while (count < BATCH && take_line(relay.back, relay.taken, &due[count])) {
        count++;
        relay.taken++;
    }
    return count;
}

static bool pipes_open(const char *configuration)
{
    char buffer[BATCH * 8];
    ssize_t n;
    (void)configuration;
    if (pipe(relay.there_fd) != 0 || pipe(relay.back_fd) != 0 || !fork_relay())
        return false;
    if (relay.child == 0) {
        close(relay.there_fd[1]);
        while ((n = read(relay.there_fd[0], buffer, sizeof buffer)) > 0)
            if (write(relay.back_fd[1], buffer, (size_t)n) != n)
                bench_give_up("a pipe broke");
        _exit(0);
    }
    return true;
}

static void pipes_close(void)
{
    close(relay.there_fd[1]);
    waitpid(relay.child, NULL, 0);
    close(relay.there_fd[0]);
    close(relay.back_fd[0]);
    close(relay.back_fd[1]);
}

static bool pipes_post(int64_t due)
{
    return write(relay.there_fd[1], &due, sizeof due) == sizeof due;
}

static uint32_t pipes_take(int64_t *due, bool wait)
{
    (void)wait;
    ssize_t n = read(relay.back_fd[0], due, BATCH * sizeof *due);
    if (n <= 0 || n % 8 != 0)
        bench_give_up("a pipe broke");
    return (uint32_t)n / 8;
}

/* ------------------------------------------------------------ a run */

static struct {
    const struct path *path;
    int64_t begin, interval, events, end;
    uint64_t taken; /* asleep: written by the thread that takes */
    int64_t posted[EVENTS_MAX]; /* when, by number */
    struct cf_histogram age, post_age;
} run;

static int64_t due_at(int64_t number)
{
    return run.begin + number * run.interval;
}

/* Takes what is there. Returns how many it was. */
static uint32_t take(int64_t taken, bool wait)
{
    int64_t due[BATCH];
    uint32_t count = run.path->take(due, wait);
    int64_t now = count != 0 ? cf_clock_ns() : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (due[i] != due_at(taken + i))
            bench_give_up("an event is missing, or not in order");
        cf_histogram_add(&run.age, now - due[i]);
        cf_histogram_add(&run.post_age, now - run.posted[taken + i]);
    }
    run.end = now;
    return count;
}

static void post(int64_t number, int64_t now)
{
    run.posted[number] = now;
    if (!run.path->post(due_at(number)))
        bench_give_up("no room, though fewer are under way than rings hold");
}

static void run_awake(void)
{
    for (int64_t posted = 0, taken = 0; taken < run.events;) {
        int64_t now = cf_clock_ns();
        if (posted < run.events && posted - taken < ROOM && now >= due_at(posted))
            post(posted++, now);
        taken += take(taken, false);
    }
}

static void *take_all(void *arg)
{
    cbench_pin(0);
    for (int64_t taken = 0; taken < run.events;) {
        taken += take(taken, true);
        cf_store_release_64(&run.taken, (uint64_t)taken);
    }
    return arg;
}

static void run_asleep(void)
{
    pthread_t taker;
    run.taken = 0;
    if (pthread_create(&taker, NULL, take_all, NULL) != 0)
        bench_give_up("no thread");
    for (int64_t posted = 0; posted < run.events;) {
        int64_t now = cf_clock_ns(), due = due_at(posted);
        bool room = posted - (int64_t)cf_load_acquire_64(&run.taken) < ROOM;
        if (now >= due && room)
            post(posted++, now);
        else if (!room)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 100000}, NULL);
        else
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){due / CF_NS_PER_S, due % CF_NS_PER_S},
                            NULL);
    }
    pthread_join(taker, NULL);
}

static void print_ages(struct cbench_state *s)
{
    static const struct {
        const char *name;
        double part;
    } ages[] = {{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p99.9_us", 0.999}, {"p99.99_us", 0.9999}, {"max_us", 1}};
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++)
        cbench_counter(s, ages[i].name, (double)cf_histogram_percentile(&run.age, ages[i].part) / 1e3, 0);
    cbench_counter(s, "post_p50_us", (double)cf_histogram_percentile(&run.post_age, 0.5) / 1e3, 0);
    cbench_counter(s, "post_p99_us", (double)cf_histogram_percentile(&run.post_age, 0.99) / 1e3, 0);
    cbench_counter(s, "rate", (double)run.events * 1e9 / (double)(run.end - run.begin), 0);
}

static void latency(struct cbench_state *s, void *arg)
{
    int64_t rate = cbench_range(s, 0);
    run.path = arg;
    if (!run.path->open(run.path->configuration)) {
        cbench_fail(s, "the service is not as it should be");
        return;
    }
    cbench_pin(0);
    prctl(PR_SET_TIMERSLACK, 1);
    while (cbench_take(s, 1) != 0) {
        run.age = run.post_age = (struct cf_histogram){0};
        run.events = rate == 0 ? EVENTS_MAX : rate < 10000 ? 2 * rate : rate;
        if (cbench_smoke())
            run.events = run.events < 100000 ? run.events / 100 : 1000;
        run.interval = rate == 0 ? 1 : CF_NS_PER_S / rate;
        run.begin = cf_clock_ns() + CF_NS_PER_MS;
        run.path->run();
        double took = (double)(cbench_smoke() ? run.end - run.begin : cf_histogram_percentile(&run.age, 0.5));
        cbench_set_time(s, took / 1e9);
    }
    print_ages(s);
    run.path->close();
    bench_unpin();
}

static const struct path paths[] = {
    {"awake", "spin_us = 1000000\n" PROVIDER, callfan_open, callfan_close, callfan_post, callfan_take, run_awake},
    {"awake_ref", NULL, lines_open, lines_close, lines_post, lines_take, run_awake},
    {"asleep", "spin_us = 0\n" PROVIDER, callfan_open, callfan_close, callfan_post, callfan_take, run_asleep},
    {"asleep_ref", NULL, pipes_open, pipes_close, pipes_post, pipes_take, run_asleep},
};

int main(int argc, char **argv)
{
    if (!cbench_init(&argc, argv))
        return 1;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct cbench *b = cbench_add(paths[i].name, latency, (void *)(uintptr_t)&paths[i]);
        for (int64_t rate = 1000; rate <= 1000000; rate *= 10)
            cbench_arg(b, rate);
        cbench_arg(b, 0);
        cbench_manual_time(b);
        cbench_fix_iterations(b, 1);
    }
    return cbench_run();
}
