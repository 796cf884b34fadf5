/* fork and exec of the providers' programs. */
#include "apps/callfand/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/callfand/log.h"

#define END_NS            INT64_C(5000000000) /* from SIGTERM to SIGKILL */
#define ABORT_NS          INT64_C(2000000000) /* from SIGABRT to SIGKILL: for a core dump */
#define ANNOUNCE_AGAIN_NS INT64_C(10000000)
#define MS_NS             INT64_C(1000000)

_Static_assert(CF_PROVIDERS_MAX <= 64, "a bit per place");

static void changed(struct cf_children *c, const struct cf_child *child)
{
    c->changed |= UINT64_C(1) << (child - c->of);
}

static bool has_process(const struct cf_child *child)
{
    return child->state == CF_CHILD_RUNS || child->state == CF_CHILD_ENDS || child->state == CF_CHILD_ABORTS;
}

/* ------------------------------------------------------------------- start */

static bool make_token(char token[CF_NAME_MAX])
{
    uint8_t random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(token + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* In the child, between fork and exec; the keeper has one thread, so any call may be made here. */
static void run(const struct cf_children *c, const struct cf_child *child, const char *path, int32_t keeper)
{
    const struct cf_config_provider *p = &child->settings;
    char *argv[8 + CF_PROVIDER_ARGS_MAX];
    size_t n = 0;
    argv[n++] = p->command;
    argv[n++] = (char *)"--socket";
    argv[n++] = (char *)(uintptr_t)c->socket;
    argv[n++] = (char *)"--name";
    argv[n++] = (char *)(uintptr_t)p->name;
    argv[n++] = (char *)"--config";
    argv[n++] = (char *)(uintptr_t)c->config_path;
    for (uint32_t i = 0; i < p->args_count; i++)
        argv[n++] = p->args[i];
    argv[n] = NULL;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    int error = cf_confine_become(&p->identity);
    if (error != 0) {
        cf_log_error("provider %s cannot become user %u: %s", p->name, (unsigned)p->identity.uid, strerror(-error));
        _exit(126);
    }
    if (c->sandbox)
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* also of a program that does not confine itself */
    setpgid(0, 0); /* ^C on the terminal is for the keeper, which ends them in order */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != keeper)
        _exit(1); /* the keeper died before the line above */
    int null = open("/dev/null", O_RDWR);
    if (null >= 0)
        dup2(null, STDIN_FILENO); /* null itself goes with this process's image or stays one descriptor of /dev/null */
    setenv("CALLFAN_TOKEN", child->token, 1);
    setenv("CALLFAN_SANDBOX", c->sandbox ? "true" : "false", 1);
    execv(path, argv);
    cf_log_error("cannot run %s: %s", path, strerror(errno));
    _exit(127);
}

static void died_at(struct cf_child *child, int64_t now_ns)
{
    const struct cf_config_provider *p = &child->settings;
    bool lived = child->started_ns != 0 && now_ns - child->started_ns > (int64_t)p->restart_ms_max * MS_NS;
    if (child->pause_ms == 0 || lived)
        child->pause_ms = p->restart_ms_min;
    else
        child->pause_ms = child->pause_ms > p->restart_ms_max / 2 ? p->restart_ms_max : 2 * child->pause_ms;
    child->state = CF_CHILD_WAITS;
    child->due_ns = now_ns + (int64_t)child->pause_ms * MS_NS;
}

static void start(struct cf_children *c, struct cf_child *child, int64_t now_ns)
{
    char path[PATH_MAX];
    const struct cf_config_provider *p = &child->settings;
    if (p->command == NULL) { /* its command went away with a new configuration */
        child->state = CF_CHILD_EXTERNAL;
        changed(c, child);
        return;
    }
    if (!cf_config_command_path(p->command, path, sizeof path) || !make_token(child->token)) {
        cf_log_error("provider %s: cannot find the program %s", p->name, p->command);
        died_at(child, now_ns);
        return;
    }
    changed(c, child);
    if (!c->announce(c->announce_arg)) { /* the core must know the token before anybody can say it */
        child->due_ns = now_ns + ANNOUNCE_AGAIN_NS;
        return;
    }
    int32_t keeper = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run(c, child, path, keeper);
    if (pid < 0) {
        cf_log_error("provider %s: cannot fork: %s", p->name, strerror(errno));
        died_at(child, now_ns);
        return;
    }
    child->pid = pid;
    child->starts++;
    child->started_ns = now_ns;
    child->state = CF_CHILD_RUNS;
    changed(c, child);
    cf_log_info("provider %s: %s started as process %d", p->name, path, (int)pid);
}

/* --------------------------------------------------------------------- end */

static void end(struct cf_children *c, struct cf_child *child, bool again, int64_t now_ns)
{
    child->again = again;
    if (child->state == CF_CHILD_RUNS) {
        kill(child->pid, SIGTERM);
        child->state = CF_CHILD_ENDS;
        child->due_ns = now_ns + END_NS;
    } else if (child->state == CF_CHILD_ABORTS) {
        child->state = CF_CHILD_ENDS;
    } else if (child->state == CF_CHILD_WAITS && again) {
        child->due_ns = now_ns;
    } else if (child->state == CF_CHILD_WAITS || child->state == CF_CHILD_EXTERNAL) {
        if (again)
            return;
        child->state = CF_CHILD_NONE;
        cf_config_provider_fini(&child->settings);
        changed(c, child);
    }
}

/* One that was stopped takes its SIGABRT only once it goes on. */
void cf_children_hung(struct cf_children *children, uint32_t place, uint32_t starts, int64_t now_ns)
{
    struct cf_child *child = &children->of[place];
    if (child->starts != starts || child->state == CF_CHILD_NONE)
        return;
    child->hangs++;
    changed(children, child);
    if (child->state != CF_CHILD_RUNS)
        return;
    cf_log_warning("provider %s: process %d hangs; aborting it", child->settings.name, (int)child->pid);
    kill(child->pid, SIGABRT);
    kill(child->pid, SIGCONT);
    child->state = CF_CHILD_ABORTS;
    child->due_ns = now_ns + ABORT_NS;
}

void cf_children_end(struct cf_children *children, int64_t now_ns)
{
    for (uint32_t i = 0; i < CF_PROVIDERS_MAX; i++)
        end(children, &children->of[i], false, now_ns);
}

void cf_children_restart(struct cf_children *children, uint32_t place, int64_t now_ns)
{
    struct cf_child *child = &children->of[place];
    if (child->state != CF_CHILD_RUNS)
        return;
    cf_log_warning("provider %s: process %d has not joined; restarting it", child->settings.name, (int)child->pid);
    end(children, child, true, now_ns);
}

static void tell_end(const struct cf_child *child, int status)
{
    const char *name = child->settings.name;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        cf_log_error("provider %s: process %d was killed by its system call filter", name, (int)child->pid);
    else if (WIFSIGNALED(status))
        cf_log_warning("provider %s: process %d died of signal %d (%s)", name, (int)child->pid, WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else if (child->state == CF_CHILD_ENDS && WEXITSTATUS(status) == 0)
        cf_log_info("provider %s: process %d ended", name, (int)child->pid);
    else
        cf_log_warning("provider %s: process %d ended with status %d", name, (int)child->pid, WEXITSTATUS(status));
}

bool cf_children_ended(struct cf_children *children, int32_t pid, int status, int64_t now_ns)
{
    for (uint32_t i = 0; i < CF_PROVIDERS_MAX; i++) {
        struct cf_child *child = &children->of[i];
        if (!has_process(child) || child->pid != pid)
            continue;
        tell_end(child, status);
        bool told = child->state == CF_CHILD_ENDS;
        child->pid = 0;
        child->last_status = status;
        changed(children, child);
        if (!told) {
            child->deaths++;
            died_at(child, now_ns);
            cf_log_info("provider %s: starts again in %u ms", child->settings.name, child->pause_ms);
        } else if (child->again) {
            child->state = CF_CHILD_WAITS;
            child->due_ns = now_ns;
        } else {
            child->state = CF_CHILD_NONE;
            cf_config_provider_fini(&child->settings);
        }
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------- work */

void cf_children_work(struct cf_children *children, int64_t now_ns)
{
    for (uint32_t i = 0; i < CF_PROVIDERS_MAX; i++) {
        struct cf_child *child = &children->of[i];
        if (child->state == CF_CHILD_WAITS && now_ns >= child->due_ns) {
            start(children, child, now_ns);
        } else if ((child->state == CF_CHILD_ENDS || child->state == CF_CHILD_ABORTS) && now_ns >= child->due_ns) {
            cf_log_warning("provider %s: process %d does not end; killing it", child->settings.name, (int)child->pid);
            kill(child->pid, SIGKILL);
            child->due_ns = now_ns + END_NS;
        }
    }
}

int64_t cf_children_deadline(const struct cf_children *children)
{
    int64_t due = INT64_MAX;
    for (uint32_t i = 0; i < CF_PROVIDERS_MAX; i++) {
        const struct cf_child *child = &children->of[i];
        if (child->state >= CF_CHILD_WAITS && child->state != CF_CHILD_RUNS && child->due_ns < due)
            due = child->due_ns;
    }
    return due;
}

bool cf_children_running(const struct cf_children *children)
{
    for (uint32_t i = 0; i < CF_PROVIDERS_MAX; i++)
        if (has_process(&children->of[i]))
            return true;
    return false;
}

/* ---------------------------------------------------------- configuration */

static void adopt(struct cf_children *c, struct cf_child *child, const struct cf_config_provider *p, int64_t now_ns)
{
    cf_config_provider_fini(&child->settings);
    cf_config_provider_copy(p, &child->settings);
    changed(c, child);
    if (has_process(child)) {
        end(c, child, true, now_ns);
        return;
    }
    child->again = true;
    child->state = p->command == NULL ? CF_CHILD_EXTERNAL : CF_CHILD_WAITS;
    child->due_ns = now_ns;
    child->pause_ms = 0;
}

static struct cf_child *find(struct cf_children *c, const char *name)
{
    for (uint32_t i = 0; i < c->places; i++)
        if (c->of[i].state != CF_CHILD_NONE && strcmp(c->of[i].settings.name, name) == 0)
            return &c->of[i];
    return NULL;
}

static struct cf_child *free_place(struct cf_children *c)
{
    for (uint32_t i = 0; i < c->places; i++)
        if (c->of[i].state == CF_CHILD_NONE)
            return &c->of[i];
    return NULL;
}

void cf_children_configure(struct cf_children *children, const struct cf_config *config, int64_t now_ns)
{
    children->socket = config->socket;
    children->config_path = config->path;
    children->sandbox = config->sandbox;
    if (children->places == 0)
        children->places = config->limits.providers; /* fixed by the first configuration: port numbers hang on it */
    for (uint32_t i = 0; i < children->places; i++) {
        struct cf_child *child = &children->of[i];
        if (child->state != CF_CHILD_NONE && cf_config_provider_find(config, child->settings.name) < 0) {
            cf_log_info("provider %s is no longer configured", child->settings.name);
            end(children, child, false, now_ns);
        }
    }
    for (uint32_t i = 0; i < config->providers_count; i++) {
        const struct cf_config_provider *p = &config->providers[i];
        struct cf_child *child = find(children, p->name);
        if (child != NULL && child->settings.digest == p->digest && child->again)
            continue;
        if (child == NULL)
            child = free_place(children);
        if (child != NULL)
            adopt(children, child, p, now_ns);
        else
            cf_log_error("provider %s: all %u places are taken; it is left out", p->name, children->places);
    }
}

void cf_children_view(const struct cf_children *children, uint32_t place, struct cf_provider_view *ret_view)
{
    const struct cf_child *child = &children->of[place];
    *ret_view = (struct cf_provider_view){
        .used = child->state != CF_CHILD_NONE,
        .external = child->state == CF_CHILD_EXTERNAL,
        .pid = child->pid,
        .starts = child->starts,
        .deaths = child->deaths,
        .hangs = child->hangs,
        .last_status = child->last_status,
    };
    memcpy(ret_view->name, child->settings.name, sizeof ret_view->name);
    if (!ret_view->external)
        memcpy(ret_view->token, child->token, sizeof ret_view->token);
}
