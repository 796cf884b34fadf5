#define _GNU_SOURCE
#include "tests/support/provider_core.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/sys_bell.h"
#include "shm/sys_memory.h"

enum { PORT = 1, PATIENCE_S = 20 };

void provider_core_init(struct provider_core *c, uint64_t down_slots, uint64_t up_slots)
{
    *c = (struct provider_core){.down_slots = down_slots, .up_slots = up_slots};
    c->socket = c->down_bell = c->up_bell = c->listener.fd = c->listener.lock = -1;
    snprintf(c->folder, sizeof c->folder, "/tmp/callfan-test-XXXXXX");
    assert_non_null(mkdtemp(c->folder));
    snprintf(c->path, sizeof c->path, "%s/socket", c->folder);
}

/* ------------------------------------------------------------------ the door's thread: no assertion of cmocka in here */

static void give_up(const char *what, int rc)
{
    fprintf(stderr, "provider_core: %s: %s\n", what, strerror(-rc));
    abort();
}

static void must(const char *what, int rc)
{
    if (rc < 0)
        give_up(what, rc);
}

static void make_port(struct provider_core *c, struct cf_welcome *w, int fds[4])
{
    void *memory;
    w->down_bytes = cf_port_down_bytes(0, c->down_slots);
    w->up_bytes = cf_port_up_bytes(c->up_slots);
    must("create", cf_memory_create("test-down", CF_OBJECT_DOWN, w->down_bytes, &fds[0]));
    must("create", cf_memory_create("test-up", CF_OBJECT_UP, w->up_bytes, &fds[1]));
    must("map", cf_memory_map(fds[0], w->down_bytes, CF_ACCESS_WRITE, NULL, &memory));
    c->down = memory;
    must("map", cf_memory_map(fds[1], w->up_bytes, CF_ACCESS_WRITE, NULL, &memory));
    c->up = memory;
    const struct cf_port_header header = {
        .kind = c->answer == CORE_WRONG_KIND ? CF_PORT_APPLICATION : CF_PORT_PROVIDER,
        .port = PORT,
        .generation = c->generation,
        .down_slots = c->answer == CORE_LIES_ABOUT_SIZE ? 2 * c->down_slots : c->down_slots,
        .up_slots = c->up_slots,
    };
    cf_port_format(c->down, &header);
    cf_port_begin(c->down, c->up, cf_port_down_first(PORT));
    if (c->answer != CORE_LEAVES_UNSEALED) {
        must("seal", cf_memory_seal(fds[0], CF_OBJECT_DOWN));
        must("seal", cf_memory_seal(fds[1], CF_OBJECT_UP));
    }
    must("bell", cf_bell_create_down(&fds[2], &c->down_bell));
    must("bell", cf_bell_create_up(&c->up_bell, &fds[3]));
    cf_ring_producer_init(&c->commands, cf_port_down_ring(c->down, 0), c->down_slots, &c->up->down_ack, c->up->down_ack);
    c->head = 0;
    c->sequence = 0;
}

static void unmap_port(struct provider_core *c)
{
    if (c->down != NULL)
        cf_memory_unmap(c->down, cf_port_down_bytes(0, c->down_slots));
    if (c->up != NULL)
        cf_memory_unmap(c->up, cf_port_up_bytes(c->up_slots));
    c->down = NULL;
    c->up = NULL;
    int *fds[] = {&c->socket, &c->down_bell, &c->up_bell};
    for (int i = 0; i < 3; i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

/* Answers one hello. True: that was the last. */
static bool answer(struct provider_core *c, int socket)
{
    struct cf_welcome w = {.magic = CF_HELLO_MAGIC, .version = CF_LAYOUT_VERSION, .port = PORT};
    int fds[4];
    uint32_t fds_count = 0;
    size_t bytes = 0;
    must("wait", cf_socket_wait(socket, POLLIN, (int64_t)PATIENCE_S * 1000000000));
    must("hello", cf_socket_receive(socket, &c->hello, sizeof c->hello, &bytes, NULL, 0, &fds_count));
    bool first = c->accepted++ == 0;
    if (c->answer == CORE_HANGS_UP && first)
        return false;
    if (c->answer == CORE_TALKS_GARBAGE) {
        must("send", cf_socket_send(socket, "What do you want?", 17, NULL, 0));
        return true;
    }
    if (c->answer == CORE_REFUSES || (c->answer == CORE_SAYS_AGAIN && first)) {
        w.result = c->answer == CORE_REFUSES ? -EACCES : -EAGAIN;
        snprintf(w.text, sizeof w.text, "not you");
        must("send", cf_socket_send(socket, &w, sizeof w, NULL, 0));
        return c->answer == CORE_REFUSES;
    }
    if (c->answer == CORE_OTHER_VERSION)
        w.version++;
    w.generation = ++c->generation;
    make_port(c, &w, fds);
    must("send", cf_socket_send(socket, &w, sizeof w, fds, 4));
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    return true;
}

static void *door(void *arg)
{
    struct provider_core *c = arg;
    struct timespec pause = {.tv_nsec = (long)c->listen_after_ms * 1000000};
    nanosleep(&pause, NULL);
    if (c->listener.fd < 0)
        must("listen", cf_socket_listen(c->path, 0600, (gid_t)-1, &c->listener));
    for (;;) {
        int socket;
        must("wait", cf_socket_wait(c->listener.fd, POLLIN, (int64_t)PATIENCE_S * 1000000000));
        if (cf_socket_accept(c->listener.fd, &socket) < 0)
            continue;
        if (answer(c, socket)) {
            c->socket = socket;
            return NULL;
        }
        close(socket);
    }
}

/* ------------------------------------------------------------------ the test's thread */

void provider_core_serve(struct provider_core *c)
{
    unmap_port(c);
    assert_int_equal(pthread_create(&c->door, NULL, door, c), 0);
    c->serving = true;
}

void provider_core_served(struct provider_core *c)
{
    if (c->serving)
        assert_int_equal(pthread_join(c->door, NULL), 0);
    c->serving = false;
}

bool provider_core_take(struct provider_core *c, struct cf_record *ret_record, bool ack)
{
    enum cf_ring_read read;
    do {
        read = cf_ring_copy_out(cf_port_up_ring(c->up), c->up_slots - 1, &c->head, ret_record);
        assert_int_not_equal(read, CF_RING_BAD);
        if (ack)
            cf_ring_acknowledge(&c->down->up.up_ack, c->head);
    } while (read == CF_RING_RECORD && ret_record->m.id == CF_MESSAGE_FILLER);
    if (read == CF_RING_EMPTY)
        return false;
    assert_int_equal(ret_record->m.sequence, c->sequence + 1);
    c->sequence++;
    return true;
}

bool provider_core_command(struct provider_core *c, uint16_t id, uint64_t call, uint64_t param1, uint64_t param2)
{
    struct cf_record r = {.m = {.id = id, .device = call, .param1 = param1, .param2 = param2}};
    return provider_core_send(c, &r);
}

bool provider_core_send(struct provider_core *c, struct cf_record *r)
{
    assert_true(cf_ring_put(&c->commands, r));
    cf_fence_store_load();
    uint64_t wake_at = cf_load_relaxed_64(&c->up->wake_at);
    if (wake_at == 0 || wake_at > c->commands.tail)
        return false;
    assert_int_equal(cf_bell_ring_down(c->down_bell), 0);
    return true;
}

void provider_core_hang_up(struct provider_core *c)
{
    if (c->socket >= 0)
        close(c->socket);
    c->socket = -1;
}

void provider_core_fini(struct provider_core *c)
{
    provider_core_served(c);
    unmap_port(c);
    if (c->listener.fd >= 0)
        cf_socket_listener_close(&c->listener, c->path, true);
    char lock[128];
    snprintf(lock, sizeof lock, "%s.lock", c->path);
    unlink(lock);
    rmdir(c->folder);
}
