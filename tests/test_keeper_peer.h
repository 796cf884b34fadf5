/*
 * What the tests of callfand share: a running daemon in a folder of its own, and a peer that speaks the control socket by hand.
 *
 * Shape      every wait has a deadline and waits for an event: a line of the daemon's log, a packet, an exit
 */
#ifndef CF_TEST_KEEPER_PEER_H
#define CF_TEST_KEEPER_PEER_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "shm/hello.h"
#include "shm/port.h"
#include "shm/request.h"
#include "shm/ring.h"
#include "shm/sys_bell.h"
#include "shm/sys_futex.h"
#include "shm/sys_memory.h"
#include "shm/sys_socket.h"

#define WAIT_MS   60000
#define LOG_BYTES (1 << 20)

static inline int64_t test_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ daemon */

struct daemon {
    pid_t pid;
    int log_fd;
    char folder[64], socket[96], config[96];
    size_t log_bytes, log_seen; /* log_seen: up to where daemon_wait_log() has looked */
    char log[LOG_BYTES];
};

/* Small limits, so that a daemon starts at once under every sanitizer; and time for a hello, however busy the machine is. */
static const char test_limits[] =
    "applications = 8\nproviders = 4\nlines = 64\nopen_lines = 64\ncalls = 1024\nhandles = 1024\n"
    "down_ring_bytes = 65536\nup_ring_bytes = 16384\nprovider_up_ring_bytes = 65536\nhello_ms = 30000\n";

static inline void daemon_folder(struct daemon *d)
{
    memset(d, 0, sizeof *d);
    d->log_fd = -1;
    strcpy(d->folder, "/tmp/callfan-test-XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    snprintf(d->socket, sizeof d->socket, "%s/socket", d->folder);
    snprintf(d->config, sizeof d->config, "%s/callfan.conf", d->folder);
}

/* The configuration: socket, small limits, and more. */
static inline void daemon_configure(const struct daemon *d, const char *more)
{
    FILE *f = fopen(d->config, "w");
    assert_non_null(f);
    fprintf(f, "socket = \"%s\"\n%s%s\n", d->socket, test_limits, more);
    assert_int_equal(fclose(f), 0);
}

static inline const char *daemon_program(void)
{
    static char path[512];
    const char *bin = getenv("CALLFAN_BIN");
    assert_non_null(bin); /* ctest sets it */
    snprintf(path, sizeof path, "%s/callfand", bin);
    return path;
}

/* Starts callfand; option, value: one more option, may be NULL. */
static inline void daemon_launch(struct daemon *d, const char *option, const char *value)
{
    int log[2];
    const char *program = daemon_program(); /* an assertion that fails in the child would go on with the tests there */
    assert_int_equal(pipe2(log, O_CLOEXEC), 0);
    d->pid = fork();
    assert_true(d->pid >= 0);
    if (d->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        unsetenv("JOURNAL_STREAM");
        dup2(log[1], STDOUT_FILENO);
        dup2(log[1], STDERR_FILENO);
        execl(program, "callfand", "--config", d->config, option, value, (char *)NULL);
        _exit(126);
    }
    close(log[1]);
    d->log_fd = log[0];
}

static inline bool daemon_read_log(struct daemon *d, int64_t until_ms)
{
    struct pollfd f = {.fd = d->log_fd, .events = POLLIN};
    int64_t left = until_ms - test_now_ms();
    if (poll(&f, 1, left < 0 ? 0 : (int)left) != 1)
        return false;
    assert_true(d->log_bytes < sizeof d->log - 1);
    ssize_t n = read(d->log_fd, d->log + d->log_bytes, sizeof d->log - 1 - d->log_bytes);
    if (n <= 0)
        return false;
    d->log_bytes += (size_t)n;
    d->log[d->log_bytes] = '\0';
    return true;
}

/* Waits for a text that the log has not shown before. */
static inline void daemon_wait_log(struct daemon *d, const char *text)
{
    int64_t until = test_now_ms() + WAIT_MS;
    for (;;) {
        char *found = strstr(d->log + d->log_seen, text);
        if (found != NULL) {
            d->log_seen = (size_t)(found - d->log) + strlen(text);
            return;
        }
        if (!daemon_read_log(d, until))
            fail_msg("'%s' is not in the log:\n%s", text, d->log);
    }
}

static inline int daemon_wait_exit(struct daemon *d)
{
    int64_t until = test_now_ms() + WAIT_MS;
    int status = 0;
    while (daemon_read_log(d, until)) /* ends when the last process that writes it has ended */
        continue;
    if (test_now_ms() >= until)
        fail_msg("callfand or one of its children is still there:\n%s", d->log);
    assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
    d->pid = 0;
    close(d->log_fd);
    d->log_fd = -1;
    return status;
}

static inline void daemon_start(struct daemon *d, const char *more)
{
    daemon_folder(d);
    daemon_configure(d, more);
    daemon_launch(d, NULL, NULL);
    daemon_wait_log(d, "the core is ready");
}

static inline void daemon_remove_folder(const struct daemon *d)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", d->folder);
    assert_int_equal(system(command), 0);
}

/* SIGTERM, exit 0, and no process of it is left: the log has ended. */
static inline void daemon_stop(struct daemon *d)
{
    assert_int_equal(kill(d->pid, SIGTERM), 0);
    int status = daemon_wait_exit(d);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("callfand ended with %d:\n%s", status, d->log);
    assert_int_equal(access(d->socket, F_OK), -1);
    daemon_remove_folder(d);
}

/* -------------------------------------------------------------------- peer */

struct peer {
    int socket;
    struct cf_welcome welcome;
    int fds[4]; /* down, up, down bell, up bell */
    struct cf_port_down *down;
    struct cf_port_up *up;
    struct cf_ring_producer requests;
    uint64_t sequence;
};

static inline struct cf_hello test_hello(enum cf_hello_kind kind, const char *name)
{
    struct cf_hello h = {
        .magic = CF_HELLO_MAGIC, .version = CF_LAYOUT_VERSION, .kind = kind, .wake_interval_us = UINT32_MAX};
    snprintf(h.name, sizeof h.name, "%s", name);
    return h;
}

static inline int peer_connect(const struct daemon *d)
{
    int fd = -1;
    assert_int_equal(cf_socket_connect(d->socket, WAIT_MS * INT64_C(1000000), &fd), 0);
    return fd;
}

/* Says any packet and reads the welcome. Its result, or 1 when the door closed without one. */
static inline int peer_say(struct peer *p, int fd, const void *packet, size_t bytes)
{
    size_t got = 0;
    uint32_t fds_count = 0;
    memset(p, 0, sizeof *p);
    p->socket = fd;
    if (bytes != 0)
        cf_socket_send(fd, packet, bytes, NULL, 0);
    assert_int_equal(cf_socket_wait(fd, POLLIN, WAIT_MS * INT64_C(1000000)), 0);
    if (cf_socket_receive(fd, &p->welcome, sizeof p->welcome, &got, p->fds, 4, &fds_count) != 0)
        return 1;
    assert_int_equal(got, sizeof p->welcome);
    assert_true(p->welcome.magic == CF_HELLO_MAGIC);
    assert_int_equal(fds_count, p->welcome.result == 0 ? 4 : 0);
    return p->welcome.result;
}

static inline void peer_map(struct peer *p)
{
    void *memory;
    assert_int_equal(cf_memory_verify(p->fds[0], CF_OBJECT_DOWN, p->welcome.down_bytes), 0);
    assert_int_equal(cf_memory_verify(p->fds[1], CF_OBJECT_UP, p->welcome.up_bytes), 0);
    assert_int_equal(cf_memory_map(p->fds[0], p->welcome.down_bytes, CF_ACCESS_READ, NULL, &memory), 0);
    p->down = memory;
    assert_int_equal(cf_memory_map(p->fds[1], p->welcome.up_bytes, CF_ACCESS_WRITE, NULL, &memory), 0);
    p->up = memory;
    assert_true(cf_load_acquire_64(&p->down->header.magic) == CF_PORT_MAGIC);
    cf_ring_producer_init(&p->requests, cf_port_up_ring(p->up), p->down->header.up_slots, &p->down->up.up_ack, 0);
}

/*
 * Joins. A hang-up before the welcome is a core's death: the hello is said again, as libcallfan does. No free port may mean that those
 * of peers who left are still being freed.
 */
static inline void peer_attach(struct peer *p, const struct daemon *d, const struct cf_hello *hello)
{
    int64_t until = test_now_ms() + WAIT_MS;
    for (;;) {
        int fd = peer_connect(d);
        int result = peer_say(p, fd, hello, sizeof *hello);
        if (result == 0)
            break;
        close(fd);
        if ((result != 1 && result != -EAGAIN && result != -ENOSPC) || test_now_ms() >= until)
            fail_msg("refused with %d: %s\n%s", result, p->welcome.text, d->log);
    }
    peer_map(p);
}

static inline void peer_attach_application(struct peer *p, const struct daemon *d, const char *name)
{
    struct cf_hello h = test_hello(CF_HELLO_APPLICATION, name);
    peer_attach(p, d, &h);
}

static inline void peer_close(struct peer *p)
{
    close(p->socket);
    for (int i = 0; i < 4; i++)
        close(p->fds[i]);
    if (p->down != NULL) {
        cf_memory_unmap(p->down, p->welcome.down_bytes);
        cf_memory_unmap(p->up, p->welcome.up_bytes);
    }
}

/* One synchronous request through ring, bell and reply slot. False: no answer in time. */
static inline bool peer_ping(struct peer *p)
{
    struct cf_record r;
    memset(&r.m, 0, sizeof r.m);
    r.payload_bytes = 0;
    r.m.id = CF_REQ_PING;
    r.m.sequence = ++p->sequence;
    const struct cf_reply_slot *slot = cf_port_reply(p->down, 0);
    cf_store_release_64(&p->up->reply_waiting, 1);
    if (!cf_ring_put(&p->requests, &r))
        return false;
    cf_fence_store_load();
    if (cf_load_relaxed_32(&p->down->up.sleeping) != 0)
        cf_bell_ring_up(p->fds[3]);
    int64_t until = test_now_ms() + WAIT_MS;
    for (;;) {
        uint64_t done = cf_load_acquire_64(&slot->done);
        if (done == p->sequence)
            return slot->result == 0;
        if (test_now_ms() >= until)
            return false;
        cf_futex_wait(cf_futex_low(&slot->done), (uint32_t)done, INT64_C(100000000));
    }
}

/* True once the door has closed the connection. */
static inline bool peer_hung_up(const struct peer *p)
{
    char byte;
    return cf_socket_wait(p->socket, POLLIN, WAIT_MS * INT64_C(1000000)) == 0 &&
           recv(p->socket, &byte, 1, MSG_DONTWAIT) <= 0;
}

/* ------------------------------------------------------------------ status */

/* The status as JSON; to be put. */
static inline struct json_object *daemon_status(const struct daemon *d)
{
    static char text[1 << 20];
    struct cf_hello h = test_hello(CF_HELLO_STATUS, "");
    int64_t until = test_now_ms() + WAIT_MS;
    for (;;) {
        size_t used = 0, got = 0;
        int fd = peer_connect(d);
        if (cf_socket_send(fd, &h, sizeof h, NULL, 0) == 0)
            while (used + CF_STATUS_PACKET < sizeof text &&
                   cf_socket_wait(fd, POLLIN, WAIT_MS * INT64_C(1000000)) == 0 &&
                   cf_socket_receive(fd, text + used, CF_STATUS_PACKET, &got, NULL, 0, NULL) == 0)
                used += got;
        close(fd);
        text[used] = '\0';
        struct json_object *o = used == 0 ? NULL : json_tokener_parse(text);
        if (o != NULL)
            return o;
        if (test_now_ms() >= until)
            fail_msg("no status: '%s'\n%s", text, d->log);
    }
}

/* A number in it by path, as "totals", "turns". */
static inline int64_t status_number(struct json_object *status, const char *group, const char *key)
{
    struct json_object *o = NULL, *value = NULL;
    assert_true(json_object_object_get_ex(status, group, &o));
    assert_true(json_object_object_get_ex(o, key, &value));
    return json_object_get_int64(value);
}

static inline int64_t daemon_number(const struct daemon *d, const char *group, const char *key)
{
    struct json_object *status = daemon_status(d);
    int64_t value = status_number(status, group, key);
    json_object_put(status);
    return value;
}

static inline size_t daemon_ports(const struct daemon *d)
{
    struct json_object *status = daemon_status(d), *ports = NULL;
    assert_true(json_object_object_get_ex(status, "ports", &ports));
    size_t count = json_object_array_length(ports);
    json_object_put(status);
    return count;
}

/* Asks until there are so many ports: each answer is an event of the daemon's own making. */
static inline void daemon_wait_ports(const struct daemon *d, size_t count)
{
    int64_t until = test_now_ms() + WAIT_MS;
    while (daemon_ports(d) != count)
        if (test_now_ms() >= until)
            fail_msg("there are %zu ports, not %zu\n%s", daemon_ports(d), count, d->log);
}

static inline pid_t daemon_core(const struct daemon *d)
{
    return (pid_t)daemon_number(d, "process", "core_pid");
}

/* The process of a provider that the daemon started; 0: there is none at the moment. */
static inline pid_t daemon_provider_now(const struct daemon *d, const char *name)
{
    struct json_object *status = daemon_status(d), *list = NULL, *value = NULL;
    assert_true(json_object_object_get_ex(status, "providers", &list));
    pid_t pid = 0;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        assert_true(json_object_object_get_ex(o, "name", &value));
        if (strcmp(json_object_get_string(value), name) == 0 && json_object_object_get_ex(o, "pid", &value))
            pid = json_object_get_int(value);
    }
    json_object_put(status);
    return pid;
}

/* The same, waited for: the core is told of it by the keeper, and may hear of its deeds sooner. */
static inline pid_t daemon_provider(const struct daemon *d, const char *name)
{
    int64_t until = test_now_ms() + WAIT_MS;
    for (;;) {
        pid_t pid = daemon_provider_now(d, name);
        if (pid > 1)
            return pid;
        if (test_now_ms() >= until)
            fail_msg("provider %s has no process\n%s", name, d->log);
    }
}

#endif
