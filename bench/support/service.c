#define _GNU_SOURCE 1
#include "bench/support/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "apps/callfan/status.h"
#include "bench/cbench.h"
#include "shm/sys_socket.h"

enum { PATIENCE_S = 30, PAUSE_MS = 2 };

static struct {
    pid_t pid, owner; /* the keeper, 0: not running; the process that started it */
    char folder[64], socket[96], config[96], log[96];
    char configuration[1024];
} service;

static cpu_set_t cpus;
static pid_t self_pid;

__attribute__((constructor)) static void remember_start(void)
{
    self_pid = getpid();
    sched_getaffinity(0, sizeof cpus, &cpus);
}

void bench_unpin(void)
{
    sched_setaffinity(0, sizeof cpus, &cpus);
}

static int engine_cpu(void)
{
    if (CPU_COUNT(&cpus) < 2)
        return -1;
    int cpu = cbench_pin(1);
    bench_unpin();
    return cpu;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Between two looks at something that tells nobody when it changes. */
static void pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
}

static void print_log(void)
{
    char line[512];
    FILE *f = fopen(service.log, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        fprintf(stderr, "callfand: %s", line);
    if (f != NULL)
        fclose(f);
}

/* ------------------------------------------------------------------ end */

static void remove_folder(void)
{
    char lock[128];
    snprintf(lock, sizeof lock, "%s.lock", service.socket);
    unlink(service.socket);
    unlink(service.config);
    unlink(service.log);
    unlink(lock);
    if (rmdir(service.folder) != 0)
        fprintf(stderr, "%s: %s\n", service.folder, strerror(errno));
}

void bench_service_stop(void)
{
    if (service.pid == 0 || service.owner != getpid())
        return;
    int fd = (int)syscall(SYS_pidfd_open, service.pid, 0);
    kill(service.pid, SIGTERM);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (fd < 0 || poll(&p, 1, PATIENCE_S * 1000) != 1) {
        fprintf(stderr, "callfand does not end on SIGTERM\n");
        print_log();
        kill(service.pid, SIGKILL); /* the core and the providers end with their keeper */
    }
    if (fd >= 0)
        close(fd);
    waitpid(service.pid, NULL, 0);
    service.pid = 0;
    remove_folder();
}

/* ---------------------------------------------------------------- start */

static bool write_config(int cpu)
{
    FILE *f = fopen(service.config, "we");
    if (f == NULL)
        return false;
    fprintf(f, "socket = \"%s\"\nengine_cpu = %d\n%s\n", service.socket, cpu, service.configuration);
    return fclose(f) == 0;
}

static void find_program(char *program, size_t bytes)
{
    const char *bin = getenv("CALLFAN_BIN");
    char self[400] = "";
    if (bin != NULL) {
        snprintf(program, bytes, "%s/callfand", bin);
        return;
    }
    if (readlink("/proc/self/exe", self, sizeof self - 1) > 0) {
        char *slash = strrchr(self, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    snprintf(program, bytes, "%s/../bin/callfand", self);
}

static void run_callfand(pid_t parent)
{
    char program[512];
    find_program(program, sizeof program);
    int fd = open(service.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(fd, STDERR_FILENO);
    dup2(fd, STDOUT_FILENO);
    bench_unpin();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127);
    execl(program, program, "--config", service.config, (char *)NULL);
    fprintf(stderr, "%s: %s\n", program, strerror(errno));
    _exit(127);
}

static bool answers(void)
{
    int fd;
    if (cf_socket_connect(service.socket, INT64_C(1000000000), &fd) != 0)
        return false;
    close(fd);
    return true;
}

static bool wait_until_it_answers(void)
{
    for (int64_t end_ms = now_ms() + PATIENCE_S * 1000; now_ms() < end_ms; pause_briefly()) {
        if (answers())
            return true;
        if (waitpid(service.pid, NULL, WNOHANG) == service.pid) {
            fprintf(stderr, "callfand ended at once\n");
            print_log();
            service.pid = 0;
            remove_folder();
            return false;
        }
    }
    fprintf(stderr, "callfand does not listen\n");
    print_log();
    bench_service_stop();
    return false;
}

bool bench_service_start(const char *configuration)
{
    static bool at_exit;
    if (service.pid != 0 && strcmp(configuration, service.configuration) == 0)
        return true;
    bench_service_stop();
    if (!at_exit && atexit(bench_service_stop) == 0)
        at_exit = true;
    snprintf(service.configuration, sizeof service.configuration, "%s", configuration);
    snprintf(service.folder, sizeof service.folder, "/tmp/callfan-bench-XXXXXX");
    if (mkdtemp(service.folder) == NULL) {
        fprintf(stderr, "%s: %s\n", service.folder, strerror(errno));
        return false;
    }
    snprintf(service.socket, sizeof service.socket, "%s/socket", service.folder);
    snprintf(service.config, sizeof service.config, "%s/callfan.conf", service.folder);
    snprintf(service.log, sizeof service.log, "%s/log", service.folder);
    if (!write_config(engine_cpu())) {
        fprintf(stderr, "%s cannot be written\n", service.config);
        return false;
    }
    service.owner = getpid();
    service.pid = fork();
    if (service.pid == 0)
        run_callfand(service.owner);
    return service.pid > 0 && wait_until_it_answers();
}

const char *bench_service_socket(void)
{
    return service.socket;
}

/* --------------------------------------------------------------- status */

int64_t bench_service_status(const char *path)
{
    char copy[128], *rest = NULL;
    int code;
    struct json_object *all = cf_tool_status_fetch("status", service.socket, &code), *o = all;
    if (all == NULL)
        return -1;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *key = strtok_r(copy, ".", &rest); key != NULL; key = strtok_r(NULL, ".", &rest))
        if (!json_object_object_get_ex(o, key, &o)) {
            fprintf(stderr, "the status has no %s\n", path);
            json_object_put(all);
            return -1;
        }
    int64_t value = json_object_get_int64(o);
    json_object_put(all);
    return value;
}

bool bench_service_wait(const char *path, int64_t at_least)
{
    int64_t got = -1;
    for (int64_t end_ms = now_ms() + PATIENCE_S * 1000; now_ms() < end_ms; pause_briefly())
        if ((got = bench_service_status(path)) >= at_least)
            return true;
    fprintf(stderr, "%s is %lld, not %lld\n", path, (long long)got, (long long)at_least);
    print_log();
    return false;
}

_Noreturn void bench_give_up(const char *why)
{
    fprintf(stderr, "given up: %s\n", why);
    if (getpid() != self_pid)
        _exit(EXIT_FAILURE); /* what stdio holds is the program's to write */
    exit(EXIT_FAILURE);
}

double bench_service_core_seconds(void)
{
    char name[64];
    unsigned long user = 0, system = 0;
    snprintf(name, sizeof name, "/proc/%lld/stat", (long long)bench_service_status("process.core_pid"));
    FILE *f = fopen(name, "re");
    /* The name of a process has no blank here: (callfan-core). Fields 14 and 15. */
    if (f == NULL || fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        fprintf(stderr, "%s cannot be read\n", name);
    if (f != NULL)
        fclose(f);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}
