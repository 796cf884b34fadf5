/* From fork to exit. */
#define _GNU_SOURCE
#include "apps/callfand/core.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/callfand/door.h"
#include "apps/callfand/engine_loop.h"
#include "apps/callfand/link.h"
#include "apps/callfand/log.h"
#include "shm/sys_confine.h"

#define CHECK_SLICE  4096
#define CHECK_MS_MAX 30 /* of the silence that a core's death is */

/* What a core consists of; static, as there is one per process and it is large. */
static struct cf_link link_;
static struct cf_engine_loop loop;
static struct cf_door door;

/* What it needs for good it has: the keeper's memory and descriptors. False: the system refuses. */
static bool confine(const struct cf_core_start *start)
{
    int error = cf_confine_become(&start->config->identity);
    if (error == 0 && start->config->sandbox)
        error = cf_confine_harden();
    if (error != 0)
        cf_log_error("the core cannot give up its privileges: %s", strerror(-error));
    return error == 0;
}

static bool prepare_process(const struct cf_core_start *start)
{
    cf_log_as("core");
    if (!confine(start))
        return false;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGTERM, SIG_IGN); /* the keeper's to hear: a service manager signals all of a service's processes */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "callfan-core");
    if (getppid() != start->keeper_pid)
        _exit(CF_CORE_STOPPED); /* the keeper died before we asked to be told */
    return true;
}

static void pin(pthread_t thread, const char *who, int32_t cpu)
{
    cpu_set_t set;
    if (cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    int error = pthread_setaffinity_np(thread, sizeof set, &set);
    if (error != 0)
        cf_log_warning("%s cannot be bound to processor %d: %s", who, (int)cpu, strerror(error));
}

/* ------------------------------------------------------------------- crash */

static struct cf_crash_at crash_at;
static uint64_t points_seen;

void cf_core_hang(void)
{
    for (;;)
        cf_pause();
}

static void on_point(enum cf_point point, void *arg)
{
    (void)arg;
    if (point != crash_at.point || ++points_seen != crash_at.at_count)
        return;
    if (crash_at.hangs)
        cf_core_hang();
    kill(getpid(), SIGKILL);
}

void cf_core_at_door_step(const struct cf_core_start *start)
{
    static uint64_t steps_seen; /* the door's thread alone */
    if (++steps_seen == start->crash_at.door_steps)
        kill(getpid(), SIGKILL);
}

/* The poison: not while a core sets it aside, for then the record is in nobody's hand. */
static void on_point_of_record(enum cf_point point, void *engine)
{
    const struct cf_message *m = cf_engine_in_hand(engine);
    (void)point;
    if (m != NULL && m->id == crash_at.record_id && (crash_at.any_param1 || m->param1 == crash_at.record_param1))
        kill(getpid(), SIGKILL);
}

/* ------------------------------------------------------------------ engine */

static struct cf_engine *make_engine(const struct cf_core_start *start, void *memory)
{
    const struct cf_arena *a = start->arena;
    struct cf_engine_options options = {
        .close_policy = start->config->close_policy, .boot_id = start->boot_id, .priorities = start->priorities};
    if (start->cold)
        return cf_engine_create(memory, a->state, a->state_bytes, &start->config->limits, &options);
    return cf_engine_attach(memory, a->state, a->state_bytes);
}

/* Every port of the keeper's table: writable again, known to the engine, its bells heard. */
static int take_over_ports(const struct cf_core_start *start)
{
    for (uint32_t port = 1; port < start->arena->ports_count; port++) {
        const struct cf_holding *h = &start->holdings->ports[port];
        if (!h->held)
            continue;
        int error = cf_arena_raise(start->arena, port, h->sizes);
        if (error == 0 && cf_load_acquire_64(&cf_arena_down(start->arena, port)->header.magic) != CF_PORT_MAGIC)
            continue; /* P0: the door died before it was formatted, so the engine never heard of it */
        if (error == 0)
            error = cf_engine_loop_map(&loop, port, h->kind, h->bell_down, h->bell_up);
        if (error != 0)
            return error;
    }
    return 0;
}

/*
 * What the last core's fault left behind is checked before anything is built on it; one that was killed had none. A state that is too
 * large for the time is believed where the check has not come.
 */
static bool state_holds(const struct cf_core_start *start, struct cf_engine *engine)
{
    static struct cf_check_walk walk;
    struct timespec begun, now;
    int status = start->counts.last_core_status;
    if (!WIFSIGNALED(status) || WTERMSIG(status) == SIGKILL)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    cf_check_walk_begin(&walk);
    while (cf_engine_check_step(engine, &walk, CHECK_SLICE) && walk.findings == 0) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000 >= CHECK_MS_MAX)
            break;
    }
    if (walk.findings != 0)
        cf_log_error("the state is damaged: %s", walk.text[0]);
    return walk.findings == 0;
}

/* 0 or an exit status. */
static int prepare_engine(const struct cf_core_start *start, void *memory)
{
    struct cf_engine *engine = make_engine(start, memory);
    if (engine == NULL) {
        cf_log_error(start->cold ? "the engine cannot be made" : "the state is not one that this program left");
        return CF_CORE_BAD_STATE;
    }
    int error = cf_engine_loop_init(&loop, engine, &link_, start->arena);
    if (error == 0 && !start->cold)
        error = take_over_ports(start);
    if (error != 0) {
        cf_log_error("cannot take the ports over: %s", strerror(-error));
        return CF_CORE_BAD_SYSTEM;
    }
    if (!start->cold && !cf_engine_recover(engine)) {
        cf_log_error("the state cannot be recovered");
        return CF_CORE_BAD_STATE;
    }
    if (!start->cold && !state_holds(start, engine))
        return CF_CORE_BAD_STATE;
    if (start->crash_at.at_count != 0) {
        crash_at = start->crash_at;
        cf_engine_on_point(engine, on_point, NULL);
    } else if (start->crash_at.record_id != 0) {
        crash_at = start->crash_at;
        cf_engine_on_point(engine, on_point_of_record, engine);
    }
    cf_engine_loop_resume(&loop);
    return 0;
}

/* --------------------------------------------------------------------- run */

/* Passed twice: the door's thread is made (what the C library calls for that is not allowed later); the filter binds both. */
static pthread_barrier_t threads;

static void *run_door(void *arg)
{
    pthread_barrier_wait(&threads);
    pthread_barrier_wait(&threads);
    return cf_door_run(arg);
}

/* From here on nothing is opened, connected, executed or forked. */
static int filter_calls(const struct cf_core_start *start)
{
    int error = start->config->sandbox ? cf_confine_filter(CF_CALLS_DOOR) : 0;
    if (error != 0)
        cf_log_error("the system calls of the core cannot be filtered: %s (sandbox = false goes without)",
                     strerror(-error));
    return error;
}

static int run_threads(const struct cf_core_start *start)
{
    struct cf_channel_record ready = {.type = CF_CHANNEL_READY,
                                      .value = (uintptr_t)cf_engine_turn_counter(loop.engine),
                                      .door_beat = (uintptr_t)cf_engine_door_beat(loop.engine),
                                      .priorities = (uintptr_t)cf_engine_priorities(loop.engine)};
    int error = cf_door_init(&door, start, &loop);
    if (error == 0)
        error = cf_channel_send(start->channel_fd, &ready, NULL, 0);
    pthread_t thread;
    if (error == 0)
        error = -pthread_barrier_init(&threads, NULL, 2);
    if (error == 0)
        error = -pthread_create(&thread, NULL, run_door, &door);
    if (error != 0) {
        cf_log_error("the door cannot open: %s", strerror(-error));
        return CF_CORE_BAD_SYSTEM;
    }
    pin(thread, "the door", start->config->door_cpu);
    pin(pthread_self(), "the engine", start->config->engine_cpu);
    pthread_barrier_wait(&threads);
    if (filter_calls(start) != 0)
        return CF_CORE_BAD_SYSTEM;
    pthread_barrier_wait(&threads);
    cf_engine_loop_run(&loop);
    pthread_join(thread, NULL);
    cf_door_fini(&door);
    return CF_CORE_STOPPED;
}

int cf_core_run(const struct cf_core_start *start)
{
    if (!prepare_process(start))
        return CF_CORE_BAD_SYSTEM;
    size_t bytes = (cf_engine_private_bytes() + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    if (memory == NULL || cf_link_init(&link_) != 0) {
        cf_log_error("no memory for the engine");
        return CF_CORE_BAD_SYSTEM;
    }
    memset(memory, 0, bytes);
    cf_store_relaxed_32(&link_.spin_us, start->settings.spin_us);
    int status = prepare_engine(start, memory);
    if (status == 0)
        status = run_threads(start);
    if (status == CF_CORE_STOPPED)
        cf_engine_loop_fini(&loop);
    cf_link_fini(&link_);
    free(memory);
    return status;
}
