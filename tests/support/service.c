#define _GNU_SOURCE
#include "tests/support/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "apps/callfan/status.h"
#include "shm/sys_socket.h"

enum { PATIENCE_S = 30, PAUSE_MS = 5 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Between two looks at something that tells nobody when it changes. */
static void pause_briefly(void)
{
    struct timespec t = {.tv_nsec = PAUSE_MS * 1000000L};
    nanosleep(&t, NULL);
}

static void print_log(const struct test_service *s)
{
    char line[512];
    FILE *f = fopen(s->log, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        fprintf(stderr, "callfand: %s", line);
    if (f != NULL)
        fclose(f);
}

static void give_up(struct test_service *s, const char *what)
{
    print_log(s);
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
        s->pid = 0;
    }
    fail_msg("%s", what);
}

static void write_config(const struct test_service *s, const char *configuration)
{
    FILE *f = fopen(s->config, "we");
    assert_non_null(f);
    fprintf(f, "socket = \"%s\"\n%s\n", s->socket, configuration);
    assert_int_equal(fclose(f), 0);
}

static void run_callfand(const struct test_service *s, const char *option, const char *value)
{
    char program[512];
    const char *bin = getenv("CALLFAN_BIN");
    snprintf(program, sizeof program, "%s/callfand", bin != NULL ? bin : "build/release/bin");
    int fd = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(fd, STDERR_FILENO);
    dup2(fd, STDOUT_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execl(program, program, "--config", s->config, option, value, (char *)NULL);
    fprintf(stderr, "%s: %s\n", program, strerror(errno));
    _exit(127);
}

static bool answers(const struct test_service *s)
{
    int fd;
    if (cf_socket_connect(s->socket, INT64_C(1000000000), &fd) != 0)
        return false;
    close(fd);
    return true;
}

void service_start(struct test_service *s, const char *configuration)
{
    service_start_with(s, configuration, NULL, NULL);
}

void service_start_with(struct test_service *s, const char *configuration, const char *option, const char *value)
{
    *s = (struct test_service){0};
    snprintf(s->folder, sizeof s->folder, "/tmp/callfan-test-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->socket, sizeof s->socket, "%s/socket", s->folder);
    snprintf(s->config, sizeof s->config, "%s/callfan.conf", s->folder);
    snprintf(s->log, sizeof s->log, "%s/log", s->folder);
    write_config(s, configuration);
    s->pid = fork();
    if (s->pid == 0)
        run_callfand(s, option, value);
    assert_true(s->pid > 0);
    for (int64_t end_ms = now_ms() + PATIENCE_S * 1000; !answers(s); pause_briefly()) {
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = 0;
            give_up(s, "callfand ended at once");
        }
        if (now_ms() > end_ms)
            give_up(s, "callfand does not listen");
    }
    setenv("CALLFAN_SOCKET", s->socket, 1);
}

static int pid_open(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

void service_stop(struct test_service *s)
{
    if (s->pid == 0)
        return;
    int status = 0, fd = pid_open(s->pid);
    kill(s->pid, SIGTERM);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_S * 1000) != 1) {
        close(fd);
        give_up(s, "callfand does not end on SIGTERM");
    }
    close(fd);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    s->pid = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        give_up(s, "callfand did not end with 0");
    const char *const files[] = {s->socket, s->config, s->log};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(files[i]);
    char beside[128];
    snprintf(beside, sizeof beside, "%s.lock", s->socket);
    unlink(beside);
    snprintf(beside, sizeof beside, "%s/priorities", s->folder);
    unlink(beside);
    rmdir(s->folder);
}

/* A member of an object, or of an array the object with that name. */
static bool find_member(struct json_object *in, const char *key, struct json_object **ret)
{
    if (!json_object_is_type(in, json_type_array))
        return json_object_object_get_ex(in, key, ret);
    for (size_t i = 0; i < json_object_array_length(in); i++) {
        struct json_object *name;
        *ret = json_object_array_get_idx(in, i);
        if (json_object_object_get_ex(*ret, "name", &name) && strcmp(json_object_get_string(name), key) == 0)
            return true;
    }
    return false;
}

int64_t service_status(const struct test_service *s, const char *path)
{
    char copy[128], *rest = NULL;
    int code;
    struct json_object *all = cf_tool_status_fetch("status", s->socket, &code), *o = all;
    if (all == NULL)
        return -1;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *key = strtok_r(copy, ".", &rest); key != NULL; key = strtok_r(NULL, ".", &rest))
        if (!find_member(o, key, &o))
            fail_msg("the status has no %s", path);
    int64_t value = json_object_get_int64(o);
    json_object_put(all);
    return value;
}

static int64_t number_in_list(const struct test_service *s, const char *list_key, const char *name, const char *key)
{
    int code;
    int64_t value = -1;
    struct json_object *all = cf_tool_status_fetch("status", s->socket, &code), *list, *v;
    if (all == NULL)
        return -1;
    assert_true(json_object_object_get_ex(all, list_key, &list));
    for (size_t i = json_object_array_length(list); i-- > 0;) {
        struct json_object *o = json_object_array_get_idx(list, i);
        assert_true(json_object_object_get_ex(o, "name", &v));
        if (name != NULL && strcmp(json_object_get_string(v), name) != 0)
            continue;
        assert_true(json_object_object_get_ex(o, key, &v));
        value = json_object_get_int64(v);
    }
    json_object_put(all);
    return value;
}

int64_t service_provider_number(const struct test_service *s, const char *key)
{
    return number_in_list(s, "providers", NULL, key);
}

int64_t service_port_number(const struct test_service *s, const char *port, const char *key)
{
    return number_in_list(s, "ports", port, key);
}

pid_t service_provider(const struct test_service *s)
{
    pid_t pid = (pid_t)service_provider_number(s, "pid");
    assert_true(pid > 1);
    return pid;
}

bool service_log_has(const struct test_service *s, const char *text)
{
    char line[1024];
    bool has = false;
    FILE *f = fopen(s->log, "re");
    while (f != NULL && !has && fgets(line, sizeof line, f) != NULL)
        has = strstr(line, text) != NULL;
    if (f != NULL)
        fclose(f);
    return has;
}

void service_wait_log(const struct test_service *s, const char *text)
{
    for (int64_t end_ms = now_ms() + PATIENCE_S * 1000; now_ms() < end_ms; pause_briefly())
        if (service_log_has(s, text))
            return;
    print_log(s);
    fail_msg("the log does not say: %s", text);
}

void service_wait_status(const struct test_service *s, const char *path, int64_t value)
{
    int64_t got = -1;
    for (int64_t end_ms = now_ms() + PATIENCE_S * 1000; now_ms() < end_ms; pause_briefly()) {
        got = service_status(s, path);
        if (got == value)
            return;
    }
    print_log(s);
    fail_msg("%s is %lld, not %lld", path, (long long)got, (long long)value);
}

void service_kill_core(struct test_service *s)
{
    int64_t restarts = service_status(s, "process.core_restarts");
    pid_t core = (pid_t)service_status(s, "process.core_pid");
    assert_true(core > 1 && core != getpid());
    assert_int_equal(kill(core, SIGKILL), 0);
    service_wait_status(s, "process.core_restarts", restarts + 1);
}
