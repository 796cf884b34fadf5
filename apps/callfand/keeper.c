/* Signals, the core's life, its records, the providers' lives. */
#define _GNU_SOURCE
#include "apps/callfand/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
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
#include "apps/callfand/priorities.h"
#include "shm/sys_socket.h"

#define TICK_NS         INT64_C(500000000)  /* between looks at the turn counter */
#define READY_TICKS_MAX 120                 /* for a core to become ready */
#define ABORT_TICKS     4                   /* from SIGABRT to SIGKILL */
#define STOP_NS         INT64_C(5000000000) /* for the core to end */
#define REPLACE_NS      INT64_C(1000000000) /* for a core that is to be replaced to end between two turns */
#define JOIN_NS         INT64_C(5000000000) /* for a provider to join again after a cold start */
#define FRUITLESS_MAX   3                   /* restarts in a row without a turn, then a cold start */
#define COLD_MAX        3                   /* cold starts in a row without a turn, then the end */

/* A thread of the core, by a counter that it advances while it lives. */
struct cf_watched {
    const char *name;
    const uint64_t *counter;
    uint64_t seen;
    uint32_t idle_ticks; /* looks in a row that found it where it was */
};

struct cf_keeper {
    struct cf_config config;
    struct cf_arena arena;
    struct cf_listener listener;
    struct cf_holdings holdings;
    struct cf_children children;
    struct cf_keeper_counts counts;
    struct cf_crash_at crash_at; /* of the first core only, but for a record */
    int signals;
    /* the lists of lineSetAppPriority, as they are in the file */
    char priorities_path[CF_PRIORITIES_PATH_MAX];
    struct cf_priorities priorities;
    const struct cf_priorities_shown *shown; /* in the state; NULL before the first core was ready */
    uint64_t shown_version;
    bool unsaved; /* the file could not be written; told once */
    /* the core */
    int32_t core_pid; /* 0: none */
    int channel;
    bool cold;               /* the next core finds zeroed state */
    const uint64_t *counter; /* of turns, in the state; NULL before the first core was ready */
    uint64_t counter_at_start;
    struct cf_watched engine, door;
    bool ready, aborted;
    uint32_t abort_ticks, fruitless, cold_in_row;
    int64_t tick_ns, cold_ns; /* of the last cold start, 0: all that mattered of it is done */
    bool outdated;      /* the core was forked with an older configuration: another is to take its place */
    int64_t replace_ns; /* it was told to end, and is killed then; 0: not told */
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
    return (struct cf_settings){.wake_interval_us = c->limits.wake_interval_us,
                                .spin_us = c->spin_us,
                                .hello_ms = c->hello_ms,
                                .provider_hang_seconds = c->provider_hang_seconds,
                                .hang_seconds = c->hang_seconds};
}

static void stop(struct cf_keeper *k, enum cf_exit status)
{
    if (k->stopping)
        return;
    k->stopping = true;
    k->status = status;
    cf_children_end(&k->children, now_ns());
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
        .priorities = &k->priorities,
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
    k->counter_at_start = read_counter(k);
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
    k->engine = (struct cf_watched){.name = "engine"};
    k->door = (struct cf_watched){.name = "door"};
    k->children.changed = 0; /* it was forked with all of it */
    k->outdated = false;
    k->replace_ns = 0;
    if (k->crash_at.record_id == 0)
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

static bool in_state(const struct cf_keeper *k, uint64_t address, uint64_t bytes)
{
    uintptr_t first = (uintptr_t)k->arena.state;
    return address >= first && address <= first + k->arena.state_bytes - bytes && address % sizeof(uint64_t) == 0;
}

/* What applications set since, into the file: soon after, and before a state is given up. */
static void keep_priorities(struct cf_keeper *k)
{
    static struct cf_priorities now; /* large */
    bool news = k->shown != NULL && cf_priorities_read(k->shown, &k->shown_version, &now) && cf_priorities_check(&now) &&
                memcmp(&now, &k->priorities, sizeof now) != 0;
    if (!news && !k->unsaved)
        return;
    if (news)
        k->priorities = now;
    int error = cf_priorities_save(k->priorities_path, &k->priorities);
    if (error != 0 && !k->unsaved)
        cf_log_error("priorities of applications cannot be kept in %s: %s", k->priorities_path, strerror(-error));
    else if (error == 0 && k->unsaved)
        cf_log_info("priorities of applications are kept in %s again", k->priorities_path);
    k->unsaved = error != 0;
}

static void take_ready(struct cf_keeper *k, const struct cf_channel_record *r)
{
    if (!in_state(k, r->value, sizeof(uint64_t)) || !in_state(k, r->door_beat, sizeof(uint64_t)) ||
        !in_state(k, r->priorities, sizeof *k->shown)) {
        cf_log_error("the core names a counter outside of its state");
        kill(k->core_pid, SIGABRT);
        return;
    }
    bool first_time = k->counter == NULL;
    k->counter = (const uint64_t *)(uintptr_t)r->value;
    k->ready = true;
    k->shown = (const struct cf_priorities_shown *)(uintptr_t)r->priorities;
    k->engine.idle_ticks = k->door.idle_ticks = 0;
    k->engine.counter = k->counter;
    k->door.counter = (const uint64_t *)(uintptr_t)r->door_beat;
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
    case CF_CHANNEL_HANGS:
        if (r->port >= 1 && r->port <= CF_PROVIDERS_MAX)
            cf_children_hung(&k->children, r->port - 1, (uint32_t)r->value, now_ns());
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
    keep_priorities(k);
    k->shown = NULL;
    k->shown_version = 0;
    k->counter = NULL;
    k->cold = true;
    k->fruitless = 0;
    k->counts.cold_starts++;
    if (++k->cold_in_row > COLD_MAX) {
        cf_log_error("%d cold starts in a row did not lead to a turn; giving up", COLD_MAX);
        stop(k, CF_EXIT_CORE);
        return;
    }
    int error = cf_arena_renew_state(&k->config.limits, &k->arena);
    if (error != 0) {
        cf_log_error("no memory for a new state: %s", strerror(-error));
        stop(k, CF_EXIT_START);
        return;
    }
    k->cold_ns = now_ns();
}

/* After a cold start the providers' programs join again, with the calls that live in them; one that does not is restarted. */
static void watch_joining(struct cf_keeper *k, int64_t now)
{
    if (k->cold_ns == 0 || now - k->cold_ns < JOIN_NS || k->stopping)
        return;
    k->cold_ns = 0;
    for (uint32_t place = 0; place < k->config.limits.providers; place++)
        if (!k->holdings.ports[1 + place].held)
            cf_children_restart(&k->children, place, now);
}

static void tell_death(const struct cf_keeper *k, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        cf_log_error("the core (process %d) was killed by its system call filter", (int)k->core_pid);
    else if (WIFSIGNALED(status))
        cf_log_error("the core (process %d) died of signal %d (%s)", (int)k->core_pid, WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != CF_CORE_STOPPED || (!k->core_told && k->replace_ns == 0))
        cf_log_error("the core (process %d) ended with status %d", (int)k->core_pid, WEXITSTATUS(status));
}

/* It ended because it was asked to, and not of itself. */
static bool was_replaced(const struct cf_keeper *k, int status)
{
    bool as_told = WIFEXITED(status) ? WEXITSTATUS(status) == CF_CORE_STOPPED : WTERMSIG(status) == SIGKILL;
    return k->replace_ns != 0 && !k->aborted && as_told;
}

static void core_died(struct cf_keeper *k, int status)
{
    bool replaced = was_replaced(k, status);
    if (!replaced)
        tell_death(k, status);
    hear_core(k);
    close(k->channel);
    k->channel = -1;
    k->core_pid = 0;
    if (!replaced || k->stopping)
        k->counts.last_core_status = status;
    /* Providers first, then the core, also when the end meets a replacement. */
    if (k->stopping && !(replaced && !k->core_told && cf_children_running(&k->children)))
        return;
    if (replaced) { /* says nothing of whether cores can live on this state */
        k->counts.replacements++;
        start_core(k);
        return;
    }
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

/*
 * A core lives with the configuration that it was forked with. For another one it is asked to end, which it does between two turns, and
 * a new one goes on over the same memory; peers notice a pause of some milliseconds. Only a core that is ready is asked: one that has not taken
 * over yet would leave a state that nobody can use.
 */
static void replace_core(struct cf_keeper *k, int64_t now)
{
    if (k->stopping || k->core_pid == 0 || !k->ready)
        return;
    if (k->outdated && k->replace_ns == 0) {
        struct cf_channel_record r = {.type = CF_CHANNEL_STOP};
        cf_log_info("the core (process %d) is replaced by one with the new access sections", (int)k->core_pid);
        k->replace_ns = now + REPLACE_NS;
        if (cf_channel_send(k->channel, &r, NULL, 0) != 0)
            k->replace_ns = now;
    }
    if (k->replace_ns != 0 && now >= k->replace_ns) {
        cf_log_warning("the core (process %d) does not end in time; killing it", (int)k->core_pid);
        kill(k->core_pid, SIGKILL);
        k->replace_ns = now + STOP_NS;
    }
}

/* Looks are counted, not time, so that a stopped machine is no stopped core. */
static bool stands_still(const struct cf_keeper *k, struct cf_watched *w)
{
    uint64_t now = w->counter == NULL ? 0 : cf_load_acquire_64(w->counter);
    uint32_t ticks_max = k->ready ? 2 * k->config.hang_seconds : READY_TICKS_MAX;
    w->idle_ticks = k->ready && now != w->seen ? 0 : w->idle_ticks + 1;
    w->seen = now;
    return k->config.hang_seconds != 0 && w->idle_ticks >= ticks_max;
}

/* Aborts a core of which one thread stands still: neither does without the other. */
static void watch_core(struct cf_keeper *k)
{
    if (k->core_pid == 0)
        return;
    if (k->aborted) {
        if (++k->abort_ticks == ABORT_TICKS)
            kill(k->core_pid, SIGKILL);
        return;
    }
    bool engine = stands_still(k, &k->engine), door = stands_still(k, &k->door);
    if (!engine && !door)
        return;
    cf_log_error("the core (process %d) stands still, its %s; aborting it", (int)k->core_pid,
                 engine ? k->engine.name : k->door.name);
    kill(k->core_pid, SIGABRT);
    k->aborted = true;
    k->abort_ticks = 0;
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
    c->provider_hang_seconds = next.provider_hang_seconds;
    c->hello_ms = next.hello_ms;
    for (uint32_t i = 0; i < c->providers_count; i++)
        cf_config_provider_fini(&c->providers[i]);
    memcpy(c->providers, next.providers, sizeof c->providers);
    c->providers_count = next.providers_count;
    next.providers_count = 0; /* moved */
    bool access = cf_config_take_access(c, &next);
    cf_config_fini(&next);
    k->outdated |= access && k->core_pid != 0;
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
        int error = cf_channel_send(k->channel, &r, NULL, 0);
        if (error != 0 && error != -ECONNRESET) /* else it is ending already, told so by a replacement */
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
    if (k->replace_ns != 0 && !k->stopping && k->replace_ns < due)
        due = k->replace_ns;
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
            keep_priorities(k);
            watch_joining(k, now);
        }
        replace_core(k, now);
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

/* Who is let in: what a stranger's refusal will say is better known before. */
static void tell_access(const struct cf_config *c)
{
    if (c->access_count != 0)
        cf_log_info("access: %u sections; root and callfand's user may do everything, who is not named nothing",
                    c->access_count);
    else if (c->socket_gid >= 0)
        cf_log_info("access: root, callfand's user and group %u may do everything, others nothing",
                    (unsigned)c->socket_gid);
    else
        cf_log_info(
            "access: for root and callfand's user alone; neither access sections nor a socket_group are configured");
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
    if (k->config.huge_pages && !cf_memory_grants_huge())
        cf_log_info("huge pages: the system grants none; \"advise\" in /sys/kernel/mm/transparent_hugepage/shmem_enabled allows them");
}

/* Those who connect are the user and the group that the configuration names; root is not among them. */
static void give_socket(const struct cf_config *c)
{
    gid_t group = c->socket_gid < 0 ? c->identity.gid : (gid_t)c->socket_gid;
    if (c->identity.set && lchown(c->socket, c->identity.uid, group) != 0)
        cf_log_warning("cannot give %s to user %u: %s", c->socket, (unsigned)c->identity.uid, strerror(errno));
}

/* The keeper keeps its user, as it restarts the others; what it holds is nobody's to look into. */
static void confine_keeper(const struct cf_config *c)
{
    if (!c->identity.set && geteuid() == 0)
        cf_log_warning(
            "the core runs as root, and so does every provider without a user of its own: see user in callfan.conf(5)");
    if (!c->sandbox)
        cf_log_warning("sandbox = false: core and providers may make any system call");
    else if (cf_confine_hide() != 0)
        cf_log_warning("the keeper's memory cannot be hidden: %s", strerror(errno));
}

static void load_priorities(struct cf_keeper *k)
{
    const char *named = k->config.priorities, *socket = k->config.socket, *slash = strrchr(socket, '/');
    int folder = slash == NULL ? 0 : (int)(slash + 1 - socket);
    if (*named != '\0')
        snprintf(k->priorities_path, sizeof k->priorities_path, "%s", named);
    else
        snprintf(k->priorities_path, sizeof k->priorities_path, "%.*spriorities", folder, socket);
    int error = cf_priorities_load(k->priorities_path, &k->priorities);
    if (error != 0 && error != -ENOENT)
        cf_log_error("priorities of applications cannot be read from %s: %s; there are none", k->priorities_path,
                     error == -EBADMSG ? "it holds no lists" : strerror(-error));
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
    give_socket(&k->config);
    confine_keeper(&k->config);
    error = cf_arena_reserve(&k->config.limits, k->config.ring_bytes_max, k->config.huge_pages, &k->arena);
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
    load_priorities(&k);
    tell_start(&k);
    tell_access(&k.config);
    cf_holdings_init(&k.holdings, &k.arena);
    k.children.announce = tell_core_of_providers;
    k.children.announce_arg = &k;
    cf_children_configure(&k.children, &k.config, now_ns());
    start_core(&k);
    k.tick_ns = now_ns() + TICK_NS;
    loop(&k);
    keep_priorities(&k);
    cf_socket_listener_close(&k.listener, k.config.socket, true);
    cf_holdings_free_all(&k.holdings);
    close(k.signals);
    cf_config_fini(&k.config);
    cf_log_info("ended");
    return k.status;
}
