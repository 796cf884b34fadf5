/* Signals, the core's life, its records, the providers' lives. */
#define _GNU_SOURCE
#include "apps/callfand/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/callfand/child.h"
#include "apps/callfand/log.h"
#include "shm/sys_socket.h"

#define TICK_NS         INT64_C(500000000)  /* between looks at the turn counter */
#define READY_TICKS_MAX 120                 /* for a core to become ready */
#define ABORT_TICKS     4                   /* from SIGABRT to SIGKILL */
#define STOP_NS         INT64_C(5000000000) /* for the core to end */
#define FRUITLESS_MAX   3                   /* restarts in a row without a turn, then a cold start */
#define COLD_MAX        3                   /* cold starts in a row without a turn, then the end */

struct cf_keeper {
    struct cf_config config;
    struct cf_arena arena;
    struct cf_listener listener;
    struct cf_holdings holdings;
    struct cf_children children;
    struct cf_keeper_counts counts;
    struct cf_crash_at crash_at; /* of the first core only */
    int signals;
    /* the core */
    int32_t core_pid; /* 0: none */
    int channel;
    bool cold;               /* the next core finds zeroed state */
    const uint64_t *counter; /* of turns, in the state; NULL before the first core was ready */
    uint64_t counter_at_start, counter_seen;
    bool ready, aborted;
    uint32_t idle_ticks, fruitless, cold_in_row;
    int64_t tick_ns;
    /* the end */
    bool stopping, core_told;
    int64_t stop_ns;
    enum cf_exit status;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct cf_settings settings_of(const struct cf_config *c)
{
    return (struct cf_settings){c->limits.wake_interval_us, c->spin_us, c->hello_ms, 0};
}

static void stop(struct cf_keeper *k, enum cf_exit status)
{
    if (k->stopping)
        return;
    k->stopping = true;
    k->status = status;
    cf_children_end(&k->children, false, now_ns());
}

/* ------------------------------------------------------------ start a core */

static uint64_t read_counter(const struct cf_keeper *k)
{
    return k->counter == NULL ? 0 : cf_load_acquire_64(k->counter);
}

static void run_core(struct cf_keeper *k, int channel, int32_t keeper_pid)
{
    static struct cf_provider_view views[CF_PROVIDERS_MAX];
    for (uint32_t i = 0; i < CF_PROVIDERS_MAX; i++)
        cf_children_view(&k->children, i, &views[i]);
    struct cf_core_start start = {
        .config = &k->config,
        .arena = &k->arena,
        .holdings = &k->holdings,
        .providers = views,
        .settings = settings_of(&k->config),
        .counts = k->counts,
        .crash_at = k->crash_at,
        .boot_id = (uint64_t)now_ns() ^ (uint64_t)keeper_pid << 40,
        .keeper_pid = keeper_pid,
        .listen_fd = k->listener.fd,
        .channel_fd = channel,
        .cold = k->cold,
    };
    close(k->signals);
    close(k->listener.lock); /* the keeper alone holds the lock */
    exit(cf_core_run(&start));
}

static void start_core(struct cf_keeper *k)
{
    int pair[2];
    int32_t keeper_pid = getpid();
    int error = cf_socket_pair(pair);
    k->counts.core_starts++;
    k->counter_at_start = k->counter_seen = read_counter(k);
    pid_t pid = error == 0 ? fork() : -1;
    if (pid == 0) {
        close(pair[0]);
        run_core(k, pair[1], keeper_pid);
    }
    if (pid < 0) {
        cf_log_error("cannot start a core: %s", strerror(error != 0 ? -error : errno));
        if (error == 0) {
            close(pair[0]);
            close(pair[1]);
        }
        stop(k, CF_EXIT_CORE);
        return;
    }
    close(pair[1]);
    k->channel = pair[0];
    k->core_pid = pid;
    k->ready = k->aborted = false;
    k->idle_ticks = 0;
    k->children.changed = 0; /* it was forked with all of it */
    k->crash_at = (struct cf_crash_at){0};
    k->cold = false;
}

/* --------------------------------------------------------- the core's words */

static void answer_opened(struct cf_keeper *k, const struct cf_channel_record *r, int result, uint32_t generation)
{
    struct cf_channel_record answer = {
        .type = CF_CHANNEL_OPENED, .port = r->port, .generation = generation, .result = result};
    int error = cf_channel_send(k->channel, &answer, NULL, 0);
    if (error != 0 && error != -ECONNRESET)
        cf_log_error("the core does not take an answer: %s", strerror(-error));
}

static void take_ready(struct cf_keeper *k, const struct cf_channel_record *r)
{
    uintptr_t first = (uintptr_t)k->arena.state;
    if (r->value < first || r->value > first + k->arena.state_bytes - sizeof(uint64_t) ||
        r->value % sizeof(uint64_t) != 0) {
        cf_log_error("the core names a turn counter outside of its state");
        kill(k->core_pid, SIGABRT);
        return;
    }
    bool first_time = k->counter == NULL;
    k->counter = (const uint64_t *)(uintptr_t)r->value;
    k->ready = true;
    k->idle_ticks = 0;
    if (first_time)
        k->counter_at_start = 0; /* of zeroed state */
    cf_log_info("the core is ready (process %d, start %u)", (int)k->core_pid, k->counts.core_starts);
}

static void take_record(struct cf_keeper *k, const struct cf_channel_record *r, int *fds, uint32_t fds_count)
{
    uint32_t generation = 0;
    int error = 0;
    switch (r->type) {
    case CF_CHANNEL_READY:
        take_ready(k, r);
        break;
    case CF_CHANNEL_OPEN:
        error = cf_holdings_open(&k->holdings, r, fds, fds_count, &generation);
        answer_opened(k, r, error, generation);
        return; /* the descriptors are kept */
    case CF_CHANNEL_WELCOME:
        error = cf_holdings_welcome(&k->holdings, r, fds, fds_count);
        if (error == -EINVAL)
            cf_log_error("the core welcomes port %u, which is not held", r->port);
        break;
    case CF_CHANNEL_FREE:
        error = cf_holdings_free(&k->holdings, r->port, r->generation);
        if (error != 0)
            cf_log_error("the core frees port %u, which is not held", r->port);
        break;
    default:
        cf_log_error("the core says %u, which means nothing", r->type);
    }
    for (uint32_t i = 0; i < fds_count; i++)
        close(fds[i]);
}

/* Everything that the core has said so far; also what a dead one said. */
static void hear_core(struct cf_keeper *k)
{
    for (;;) {
        struct cf_channel_record r;
        int fds[CF_OPEN_FDS];
        uint32_t fds_count = 0;
        int error = cf_channel_receive(k->channel, &r, fds, &fds_count);
        if (error == -EPROTO || error == -EMSGSIZE)
            continue; /* not a record; refused whole */
        if (error != 0)
            return;
        take_record(k, &r, fds, fds_count);
    }
}

/* True when the core knows all; one that does not live yet is forked with it. */
static bool tell_core_of_providers(void *arg)
{
    struct cf_keeper *k = arg;
    for (uint32_t i = 0; i < CF_PROVIDERS_MAX && k->core_pid != 0 && k->children.changed != 0; i++) {
        if ((k->children.changed >> i & 1) == 0)
            continue;
        struct cf_channel_record r = {.type = CF_CHANNEL_PROVIDER, .port = 1 + i};
        cf_children_view(&k->children, i, &r.provider);
        if (cf_channel_send(k->channel, &r, NULL, 0) != 0)
            return false; /* no room now: the bits stay */
        k->children.changed &= ~(UINT64_C(1) << i);
    }
    return true;
}

/* ---------------------------------------------------------- the core's death */

static void start_cold(struct cf_keeper *k, const char *why)
{
    cf_log_warning("cold start: %s", why);
    uint32_t ports = cf_holdings_free_all(&k->holdings);
    if (ports != 0)
        cf_log_warning("%u ports are dropped; their peers learn it by the hang-up", ports);
    k->counter = NULL;
    k->cold = true;
    k->fruitless = 0;
    k->counts.cold_starts++;
    if (++k->cold_in_row > COLD_MAX) {
        cf_log_error("%d cold starts in a row did not lead to a turn; giving up", COLD_MAX);
        stop(k, CF_EXIT_CORE);
        return;
    }
    int error = cf_arena_renew_state(&k->arena);
    if (error != 0) {
        cf_log_error("no memory for a new state: %s", strerror(-error));
        stop(k, CF_EXIT_START);
        return;
    }
    cf_children_end(&k->children, true, now_ns());
}

static void tell_death(const struct cf_keeper *k, int status)
{
    if (WIFSIGNALED(status))
        cf_log_error("the core (process %d) died of signal %d (%s)", (int)k->core_pid, WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != CF_CORE_STOPPED || !k->core_told)
        cf_log_error("the core (process %d) ended with status %d", (int)k->core_pid, WEXITSTATUS(status));
}

static void core_died(struct cf_keeper *k, int status)
{
    tell_death(k, status);
    hear_core(k);
    close(k->channel);
    k->channel = -1;
    k->core_pid = 0;
    k->counts.last_core_status = status;
    if (k->stopping)
        return;
    /* The counter moves when a turn begins, so one step alone may be a turn that did not end. */
    bool fruitful = k->counter != NULL && read_counter(k) - k->counter_at_start >= 2;
    k->fruitless = fruitful ? 0 : k->fruitless + 1;
    if (fruitful)
        k->cold_in_row = 0;
    bool gave_up =
        WIFEXITED(status) && (WEXITSTATUS(status) == CF_CORE_BAD_STATE || WEXITSTATUS(status) == CF_CORE_BAD_SYSTEM);
    if (gave_up || k->counter == NULL)
        start_cold(k, "the core could not use its state");
    else if (k->fruitless >= FRUITLESS_MAX)
        start_cold(k, "three restarts in a row did not lead to a turn");
    if (!k->stopping)
        start_core(k);
}

/* Aborts a core whose engine stands still. Counts looks, not time, so that a stopped machine is no stopped core. */
static void watch_core(struct cf_keeper *k)
{
    uint64_t counter = read_counter(k);
    bool moved = k->ready && counter != k->counter_seen;
    k->counter_seen = counter;
    if (k->core_pid == 0)
        return;
    k->idle_ticks = moved ? 0 : k->idle_ticks + 1;
    if (k->aborted) {
        if (k->idle_ticks == ABORT_TICKS)
            kill(k->core_pid, SIGKILL);
        return;
    }
    uint32_t ticks_max = k->ready ? 2 * k->config.hang_seconds : READY_TICKS_MAX;
    if (k->config.hang_seconds == 0 || k->idle_ticks < ticks_max)
        return;
    cf_log_error("the core (process %d) stands still; aborting it", (int)k->core_pid);
    kill(k->core_pid, SIGABRT);
    k->aborted = true;
    k->idle_ticks = 0;
}

/* ------------------------------------------------------------------ signals */

static void reap(struct cf_keeper *k)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == k->core_pid)
            core_died(k, status);
        else
            cf_children_ended(&k->children, pid, status, now_ns());
    }
}

static void reload(struct cf_keeper *k)
{
    static struct cf_config next;
    char text[512];
    if (k->stopping)
        return;
    if (!cf_config_load(k->config.path, &next, text, sizeof text)) {
        cf_log_error("the configuration is not reloaded: %s", text);
        return;
    }
    k->counts.reloads++;
    bool restart = cf_config_needs_restart(&k->config, &next, text, sizeof text);
    struct cf_config *c = &k->config;
    c->limits.wake_interval_us = next.limits.wake_interval_us;
    c->spin_us = next.spin_us;
    c->hang_seconds = next.hang_seconds;
    c->hello_ms = next.hello_ms;
    for (uint32_t i = 0; i < c->providers_count; i++)
        cf_config_provider_fini(&c->providers[i]);
    memcpy(c->providers, next.providers, sizeof c->providers);
    c->providers_count = next.providers_count;
    next.providers_count = 0; /* moved */
    cf_config_fini(&next);
    cf_children_configure(&k->children, c, now_ns());
    struct cf_channel_record r = {.type = CF_CHANNEL_SETTINGS, .settings = settings_of(c)};
    if (k->core_pid != 0 && cf_channel_send(k->channel, &r, NULL, 0) != 0)
        cf_log_error("the core does not take the new settings; reload again");
    if (restart)
        cf_log_warning("reloaded, but needing a restart of callfand: %s", text);
    else
        cf_log_info("the configuration is reloaded");
}

static void hear_signals(struct cf_keeper *k)
{
    struct signalfd_siginfo info;
    while (read(k->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(k);
        } else if (info.ssi_signo == SIGHUP) {
            reload(k);
        } else {
            cf_log_info("signal %u (%s): ending", info.ssi_signo, strsignal((int)info.ssi_signo));
            stop(k, CF_EXIT_GOOD);
        }
    }
}

/* ----------------------------------------------------------------- the loop */

/* Providers first, then the core. True when nothing is left to wait for. */
static bool stopped(struct cf_keeper *k)
{
    if (!k->stopping || cf_children_running(&k->children))
        return false;
    if (k->core_pid == 0)
        return true;
    int64_t now = now_ns();
    if (!k->core_told) {
        struct cf_channel_record r = {.type = CF_CHANNEL_STOP};
        k->core_told = true;
        k->stop_ns = now + STOP_NS;
        if (cf_channel_send(k->channel, &r, NULL, 0) != 0)
            k->stop_ns = now;
    }
    if (now >= k->stop_ns) {
        cf_log_warning("the core (process %d) does not end; killing it", (int)k->core_pid);
        kill(k->core_pid, SIGKILL);
        k->stop_ns = now + STOP_NS;
    }
    return false;
}

static int wait_ms(const struct cf_keeper *k)
{
    int64_t due = k->tick_ns, children = cf_children_deadline(&k->children);
    if (children < due)
        due = children;
    int64_t left = due - now_ns();
    return left <= 0 ? 0 : (int)(left / 1000000 + 1);
}

static void loop(struct cf_keeper *k)
{
    while (!stopped(k)) {
        int64_t now = now_ns();
        if (now >= k->tick_ns) {
            k->tick_ns = now + TICK_NS;
            watch_core(k);
        }
        cf_children_work(&k->children, now);
        tell_core_of_providers(k);
        struct pollfd fds[2] = {{.fd = k->signals, .events = POLLIN}, {.fd = k->channel, .events = POLLIN}};
        if (poll(fds, 2, wait_ms(k)) <= 0)
            continue;
        if (fds[1].revents != 0)
            hear_core(k);
        if (fds[1].revents & (POLLHUP | POLLERR))
            poll(fds, 1, 100); /* it is dead: its SIGCHLD is about to come */
        hear_signals(k);
    }
}

/* -------------------------------------------------------------------- begin */

static int begin_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void raise_files_limit(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0)
        return;
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
    rlim_t wanted = 256 + 6 * (rlim_t)CF_PORTS_MAX;
    if (l.rlim_max < wanted)
        cf_log_warning("%lu open files are allowed, all ports need %lu", (unsigned long)l.rlim_max,
                       (unsigned long)wanted);
}

/* The folder of the socket, one level: /run is empty after a boot. */
static void make_folder(const char *socket)
{
    char folder[CF_SOCKET_PATH_MAX];
    strcpy(folder, socket); /* same bound, checked when it was read */
    char *slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            cf_log_warning("cannot make %s: %s", folder, strerror(errno));
    }
}

static void tell_start(const struct cf_keeper *k)
{
    const struct cf_limits *l = &k->config.limits;
    cf_log_info("callfand " CF_VERSION " on %s, process %d, configuration %s", k->config.socket, (int)getpid(),
                k->config.path);
    cf_log_info(
        "limits: applications %u, providers %u, lines %u, open_lines %u, calls %u, handles %u, calls_per_provider %u, "
        "turn_records %u, port_records %u, idle_handles_max %u, resync_slice %u, sweep_slice %u, down_ring_bytes %u, "
        "up_ring_bytes %u, provider_up_ring_bytes %u, wake_interval_us %u; state reserved %lu MiB",
        l->applications, l->providers, l->lines, l->open_lines, l->calls, l->handles, l->calls_per_provider,
        l->turn_records, l->port_records, l->idle_handles_max, l->resync_slice, l->sweep_slice, l->down_ring_bytes,
        l->up_ring_bytes, l->provider_up_ring_bytes, l->wake_interval_us, (unsigned long)(k->arena.state_bytes >> 20));
}

/* Signals, memory, socket: all that must be there before the first fork. */
static bool begin(struct cf_keeper *k)
{
    raise_files_limit();
    k->signals = begin_signals();
    if (k->signals < 0) {
        cf_log_error("no signals: %s", strerror(errno));
        return false;
    }
    make_folder(k->config.socket);
    gid_t group = k->config.socket_gid < 0 ? (gid_t)-1 : (gid_t)k->config.socket_gid;
    int error = cf_socket_listen(k->config.socket, k->config.socket_mode, group, &k->listener);
    if (error == -EADDRINUSE) {
        cf_log_error("another callfand serves %s", k->config.socket);
        return false;
    }
    if (error != 0) {
        cf_log_error("cannot listen on %s: %s", k->config.socket, strerror(-error));
        return false;
    }
    error = cf_arena_reserve(&k->config.limits, k->config.ring_bytes_max, &k->arena);
    if (error != 0) {
        cf_log_error("cannot reserve memory: %s", strerror(-error));
        cf_socket_listener_close(&k->listener, k->config.socket, true);
        return false;
    }
    return true;
}

enum cf_exit cf_keeper_run(struct cf_config *config, struct cf_crash_at crash_at)
{
    static struct cf_keeper k; /* large, and a core finds it where it is */
    k.config = *config;
    k.crash_at = crash_at;
    k.channel = -1;
    k.cold = true;
    k.counts.started_ns = now_ns();
    if (!begin(&k)) {
        cf_config_fini(&k.config);
        return CF_EXIT_START;
    }
    tell_start(&k);
    cf_holdings_init(&k.holdings, &k.arena);
    k.children.announce = tell_core_of_providers;
    k.children.announce_arg = &k;
    cf_children_configure(&k.children, &k.config, now_ns());
    start_core(&k);
    k.tick_ns = now_ns() + TICK_NS;
    loop(&k);
    cf_socket_listener_close(&k.listener, k.config.socket, true);
    cf_holdings_free_all(&k.holdings);
    close(k.signals);
    cf_config_fini(&k.config);
    cf_log_info("ended");
    return k.status;
}
