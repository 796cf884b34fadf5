/* From fork to exit. */
#define _GNU_SOURCE
#include "apps/callfand/core.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "apps/callfand/door.h"
#include "apps/callfand/engine_loop.h"
#include "apps/callfand/link.h"
#include "apps/callfand/log.h"

/* What a core consists of; static, as there is one per process and it is large. */
static struct cf_link link_;
static struct cf_engine_loop loop;
static struct cf_door door;

static void prepare_process(const struct cf_core_start *start)
{
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
    cf_log_as("core");
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

static void on_point(enum cf_point point, void *arg)
{
    (void)arg;
    if (point == crash_at.point && ++points_seen == crash_at.at_count)
        kill(getpid(), SIGKILL);
}

/* ------------------------------------------------------------------ engine */

static struct cf_engine *make_engine(const struct cf_core_start *start, void *memory)
{
    const struct cf_arena *a = start->arena;
    struct cf_engine_options options = {.close_policy = start->config->close_policy, .boot_id = start->boot_id};
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
    if (start->crash_at.at_count != 0) {
        crash_at = start->crash_at;
        cf_engine_on_point(engine, on_point, NULL);
    }
    cf_engine_loop_resume(&loop);
    return 0;
}

/* --------------------------------------------------------------------- run */

static int run_threads(const struct cf_core_start *start)
{
    struct cf_channel_record ready = {.type = CF_CHANNEL_READY,
                                      .value = (uintptr_t)cf_engine_turn_counter(loop.engine)};
    int error = cf_door_init(&door, start, &loop);
    if (error == 0)
        error = cf_channel_send(start->channel_fd, &ready, NULL, 0);
    pthread_t thread;
    if (error == 0)
        error = -pthread_create(&thread, NULL, cf_door_run, &door);
    if (error != 0) {
        cf_log_error("the door cannot open: %s", strerror(-error));
        return CF_CORE_BAD_SYSTEM;
    }
    pin(thread, "the door", start->config->door_cpu);
    pin(pthread_self(), "the engine", start->config->engine_cpu);
    cf_engine_loop_run(&loop);
    pthread_join(thread, NULL);
    cf_door_fini(&door);
    return CF_CORE_STOPPED;
}

int cf_core_run(const struct cf_core_start *start)
{
    prepare_process(start);
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
