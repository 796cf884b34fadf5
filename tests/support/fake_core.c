/* A core in the test's own process. */
#define _GNU_SOURCE 1
#include "tests/support/fake_core.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "callfan/tapi.h"
#include "shm/handle.h"
#include "shm/sys_bell.h"
#include "shm/sys_futex.h"
#include "shm/sys_memory.h"

#define DEADLINE_S 20

static void fail(const char *what)
{
    fprintf(stderr, "fake core: %s\n", what);
    abort();
}

#define must(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail(#condition);                                                                                          \
    } while (0)

static struct timespec in_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += DEADLINE_S;
    return t;
}

/* ------------------------------------------------------------------ answers */

/* ------------------------------------------------------------------ the log of a port's requests */

static _Thread_local const struct cf_message *in_hand; /* taken by this thread and not in the log yet */

static void log_request(struct fake_port *p, const struct cf_message *m)
{
    pthread_mutex_lock(&p->lock);
    if (p->log_count < FAKE_LOG_MAX) /* the first so many are kept */
        p->log[p->log_count++] = *m;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

/* Whoever has the answer finds the request in the log. */
static void log_in_hand(struct fake_port *p, const struct cf_message *m)
{
    if (in_hand == NULL || in_hand != m)
        return;
    in_hand = NULL;
    log_request(p, m);
}

void fake_answer(struct fake_port *p, const struct cf_message *m, int32_t result, const void *data, uint32_t bytes)
{
    log_in_hand(p, m);
    struct cf_reply_slot *s = cf_port_reply(p->down, m->flags);
    must(m->flags < CF_REPLY_SLOTS && bytes <= sizeof s->data);
    if (bytes != 0)
        memcpy(s->data, data, bytes);
    pthread_mutex_lock(&p->lock);
    s->as_of = p->sequence;
    pthread_mutex_unlock(&p->lock);
    s->result = result;
    s->bytes = bytes;
    cf_store_release_64(&s->done, m->sequence);
    cf_fence_store_load();
    if ((cf_load_relaxed_64(&p->up->reply_waiting) >> m->flags & 1) != 0)
        cf_futex_wake(cf_futex_low(&s->done), INT32_MAX);
}

static void answer_caps(struct fake_port *p, const struct cf_message *m)
{
    struct cf_reply_dev_caps caps = {
        .permanent_id = 100 + (uint32_t)m->param1,
        .addresses = 1,
        .bearer_modes = LINEBEARERMODE_VOICE,
        .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE,
        .line_features = LINEFEATURE_MAKECALL,
        .calls_max = 30,
        .call_features = LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP,
        .call_states = LINECALLSTATE_OFFERING | LINECALLSTATE_CONNECTED | LINECALLSTATE_IDLE,
        .in_service = 1,
        .name = "trunk",
        .provider = "fake 1",
        .address = "5550100",
    };
    fake_answer(p, m, m->param1 < FAKE_DEVICES ? 0 : LINEERR_BADDEVICEID, &caps,
                m->param1 < FAKE_DEVICES ? sizeof caps : 0);
}

static void answer_plainly(struct fake_port *p, const struct cf_message *m)
{
    struct cf_reply_devices devices = {.devices = FAKE_DEVICES};
    struct cf_reply_line_status line = {
        .opens = 1, .active_calls = 2, .status_flags = LINEDEVSTATUSFLAGS_CONNECTED | LINEDEVSTATUSFLAGS_INSERVICE};
    struct cf_reply_call_status status = {.state = LINECALLSTATE_ACCEPTED, .privilege = LINECALLPRIVILEGE_MONITOR};
    struct cf_reply_call_info info = {.device_id = 1, .call_id = 77, .caller = "555", .called = "100"};
    struct cf_reply_new_calls none = {0};
    switch (m->id) {
    case CF_REQ_DEVICES:
        fake_answer(p, m, 0, &devices, sizeof devices);
        break;
    case CF_REQ_DEV_CAPS:
        answer_caps(p, m);
        break;
    case CF_REQ_LINE_STATUS:
        fake_answer(p, m, 0, &line, sizeof line);
        break;
    case CF_REQ_CALL_STATUS:
        fake_answer(p, m, 0, &status, sizeof status);
        break;
    case CF_REQ_CALL_INFO:
        fake_answer(p, m, 0, &info, sizeof info);
        break;
    case CF_REQ_NEW_CALLS:
        fake_answer(p, m, 0, &none, sizeof none);
        break;
    default:
        fake_answer(p, m, 0, NULL, 0);
    }
}

/* ------------------------------------------------------------------ a port's thread */

static void take_request(struct fake_port *p, const struct cf_record *r)
{
    struct fake_core *c = p->core;
    pthread_mutex_lock(&c->lock);
    fake_request_fn *fn = c->on_request;
    void *arg = c->on_request_arg;
    pthread_mutex_unlock(&c->lock);
    in_hand = &r->m;
    bool done = fn != NULL && fn(p, r, arg);
    if (!done && r->m.flags != CF_NO_REPLY)
        answer_plainly(p, &r->m);
    log_in_hand(p, &r->m);
}

static bool may_take(struct fake_port *p)
{
    pthread_mutex_lock(&p->lock);
    bool may = !p->held && !p->stop;
    pthread_mutex_unlock(&p->lock);
    return may;
}

static bool stopping(struct fake_port *p)
{
    pthread_mutex_lock(&p->lock);
    bool stop = p->stop;
    pthread_mutex_unlock(&p->lock);
    return stop;
}

static bool take_all(struct fake_port *p)
{
    static _Thread_local struct cf_record r;
    uint64_t mask = p->down->header.up_slots - 1;
    bool any = false;
    while (may_take(p)) {
        enum cf_ring_read got = cf_ring_copy_out(cf_port_up_ring(p->up), mask, &p->up_head, &r);
        if (got == CF_RING_EMPTY)
            break;
        must(got == CF_RING_RECORD);
        any = true;
        take_request(p, &r);
        cf_store_release_64(&p->down->up.up_ack, p->up_head);
    }
    return any;
}

static void *port_main(void *arg)
{
    struct fake_port *p = arg;
    while (!stopping(p)) {
        cf_store_relaxed_32(&p->down->up.sleeping, 1);
        cf_fence_store_load();
        if (take_all(p))
            continue;
        struct pollfd fds[2] = {{.fd = p->up_bell, .events = POLLIN}, {.fd = p->core->stop_fd, .events = POLLIN}};
        bool held = !may_take(p);
        poll(fds, 2, held ? 1 : cf_load_relaxed_32(&p->idle_told) != 0 ? 5 : 1000); /* while held, looks for the end of it */
        cf_store_relaxed_32(&p->down->up.sleeping, 0);
        if ((fds[0].revents & POLLHUP) != 0 && !take_all(p))
            break; /* the application is gone */
        cf_bell_drain(p->up_bell);
        cf_store_relaxed_64(&p->woken, p->woken + ((fds[0].revents & POLLIN) != 0));
    }
    return NULL;
}

/* ------------------------------------------------------------------ attaching */

static void make_header(struct fake_port *p, enum fake_welcome how)
{
    struct timespec real, mono;
    clock_gettime(CLOCK_REALTIME, &real);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    struct cf_port_header h = {
        .kind = CF_PORT_APPLICATION,
        .port = 65,
        .generation = 1,
        .down_slots = p->core->down_ring_slots,
        .up_slots = p->core->up_ring_slots,
        .reply_slots = CF_REPLY_SLOTS,
        .usage = p->hello.usage,
        .base_generation = p->hello.base_generation,
        .utc_offset_ns = (int64_t)(real.tv_sec - mono.tv_sec) * 1000000000 + real.tv_nsec - mono.tv_nsec,
    };
    if (how == FAKE_SHORT)
        h.down_slots *= 2;
    cf_port_format(p->down, &h);
    if (how == FAKE_OTHER_LAYOUT)
        p->down->header.version = CF_LAYOUT_VERSION + 1;
}

static void make_port(struct fake_port *p, enum fake_welcome how, int fds[4])
{
    void *down, *up;
    int bell_write, up_bell_write;
    p->down_bytes = cf_port_down_bytes(CF_REPLY_SLOTS, p->core->down_ring_slots);
    p->up_bytes = cf_port_up_bytes(p->core->up_ring_slots);
    must(cf_memory_create("fake-down", CF_OBJECT_DOWN, p->down_bytes, &fds[0]) == 0);
    must(cf_memory_create("fake-up", CF_OBJECT_UP, p->up_bytes, &fds[1]) == 0);
    must(cf_memory_map(fds[0], p->down_bytes, CF_ACCESS_WRITE, NULL, &down) == 0);
    must(cf_memory_map(fds[1], p->up_bytes, CF_ACCESS_WRITE, NULL, &up) == 0);
    must(cf_bell_create_down(&fds[2], &bell_write) == 0);
    must(cf_bell_create_up(&p->up_bell, &up_bell_write) == 0);
    fds[3] = up_bell_write;
    p->down_bell = bell_write;
    p->down = down;
    p->up = up;
    make_header(p, how);
    cf_port_begin(p->down, p->up, cf_port_down_first(p->down->header.port));
    if (how != FAKE_UNSEALED)
        must(cf_memory_seal(fds[0], CF_OBJECT_DOWN) == 0);
    must(cf_memory_seal(fds[1], CF_OBJECT_UP) == 0);
    cf_ring_producer_init(&p->producer, cf_port_down_ring(p->down, CF_REPLY_SLOTS), p->core->down_ring_slots,
                          &p->up->down_ack, p->up->down_ack);
}

static void send_welcome(struct fake_port *p, int socket, int fds[4])
{
    struct cf_welcome w = {.magic = CF_HELLO_MAGIC,
                           .version = CF_LAYOUT_VERSION,
                           .port = 65,
                           .generation = 1,
                           .down_bytes = p->down_bytes,
                           .up_bytes = p->up_bytes};
    must(cf_socket_send(socket, &w, sizeof w, fds, 4) == 0);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

static void add_port(struct fake_core *c, int socket, const struct cf_hello *hello, enum fake_welcome how)
{
    int fds[4];
    struct fake_port *p = calloc(1, sizeof *p);
    must(p != NULL);
    p->core = c;
    p->hello = *hello;
    p->socket = socket;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    make_port(p, how, fds);
    must(pthread_create(&p->thread, NULL, port_main, p) == 0);
    send_welcome(p, socket, fds);
    pthread_mutex_lock(&c->lock);
    must(c->ports_count < FAKE_PORTS_MAX);
    c->ports[c->ports_count++] = p;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void refuse(int socket, int error)
{
    struct cf_welcome w = {.magic = CF_HELLO_MAGIC, .result = error, .version = CF_LAYOUT_VERSION};
    if (error != 0)
        cf_socket_send(socket, &w, sizeof w, NULL, 0);
    close(socket);
}

static void greet(struct fake_core *c, int socket)
{
    struct cf_hello hello;
    size_t bytes;
    uint32_t fds_count;
    if (cf_socket_wait(socket, POLLIN, INT64_C(5000000000)) != 0 ||
        cf_socket_receive(socket, &hello, sizeof hello, &bytes, NULL, 0, &fds_count) != 0 || bytes != sizeof hello) {
        close(socket);
        return;
    }
    must(hello.magic == CF_HELLO_MAGIC && hello.kind == CF_HELLO_APPLICATION && hello.base_generation % 2 == 0);
    pthread_mutex_lock(&c->lock);
    enum fake_welcome how = c->welcome;
    int refusal = c->refusal;
    c->hellos++;
    if (how == FAKE_AGAIN_ONCE || how == FAKE_CLOSE_ONCE)
        c->welcome = FAKE_WELCOME;
    pthread_mutex_unlock(&c->lock);
    if (how == FAKE_REFUSE || how == FAKE_AGAIN_ONCE || how == FAKE_CLOSE_ONCE)
        refuse(socket, how == FAKE_REFUSE ? refusal : how == FAKE_AGAIN_ONCE ? -EAGAIN : 0);
    else
        add_port(c, socket, &hello, how);
}

static void *core_main(void *arg)
{
    struct fake_core *c = arg;
    for (;;) {
        struct pollfd fds[2] = {{.fd = c->listener.fd, .events = POLLIN}, {.fd = c->stop_fd, .events = POLLIN}};
        int socket;
        poll(fds, 2, -1);
        if (fds[1].revents != 0)
            return NULL;
        if (cf_socket_accept(c->listener.fd, &socket) == 0)
            greet(c, socket);
    }
}

struct fake_core *fake_core_start(void)
{
    struct fake_core *c = calloc(1, sizeof *c);
    must(c != NULL);
    strcpy(c->folder, "/tmp/callfan-test-XXXXXX");
    must(mkdtemp(c->folder) != NULL);
    snprintf(c->path, sizeof c->path, "%s/sock", c->folder);
    c->up_ring_slots = c->down_ring_slots = 1024;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    c->stop_fd = eventfd(0, EFD_CLOEXEC);
    must(c->stop_fd >= 0);
    must(cf_socket_listen(c->path, 0600, (gid_t)-1, &c->listener) == 0);
    must(pthread_create(&c->thread, NULL, core_main, c) == 0);
    return c;
}

static void close_port(struct fake_port *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    fake_hang_up(p);
    cf_memory_unmap(p->down, p->down_bytes);
    cf_memory_unmap(p->up, p->up_bytes);
    close(p->up_bell);
    free(p);
}

void fake_core_stop(struct fake_core *c)
{
    must(eventfd_write(c->stop_fd, 1) == 0);
    pthread_join(c->thread, NULL);
    for (uint32_t i = 0; i < c->ports_count; i++)
        close_port(c->ports[i]);
    cf_socket_listener_close(&c->listener, c->path, true);
    char lock[112];
    snprintf(lock, sizeof lock, "%s.lock", c->path);
    unlink(lock);
    rmdir(c->folder);
    close(c->stop_fd);
    free(c);
}

struct fake_port *fake_core_port(struct fake_core *c, uint32_t n)
{
    struct timespec until = in_time();
    pthread_mutex_lock(&c->lock);
    while (c->ports_count <= n)
        must(pthread_cond_timedwait(&c->changed, &c->lock, &until) == 0);
    struct fake_port *p = c->ports[n];
    pthread_mutex_unlock(&c->lock);
    return p;
}

/* ------------------------------------------------------------------ messages */

/* Under the port's lock. */
static void put(struct fake_port *p, struct cf_record *r)
{
    bool gap = r->m.id == CF_LINE_GAP;
    if (!gap)
        r->m.sequence = p->sequence + 1;
    p->sequence = r->m.sequence;
    p->messages += !gap;
    if (r->m.id == LINE_CALLSTATE && r->m.param1 == LINECALLSTATE_IDLE)
        cf_store_relaxed_32(&p->idle_told, 1);
    must(cf_ring_put(&p->producer, r));
}

static void publish(struct fake_port *p)
{
    cf_store_relaxed_64(&p->down->down.tail, p->producer.tail);
    cf_store_relaxed_64(&p->down->down.sequence, p->sequence);
    cf_store_release_64(&p->down->down.messages, p->messages);
    cf_fence_store_load();
    uint64_t wake_at = cf_load_relaxed_64(&p->up->wake_at);
    if (wake_at != 0 && p->producer.tail >= wake_at) {
        p->bells++;
        cf_bell_ring_down(p->down_bell);
    }
}

uint64_t fake_send(struct fake_port *p, struct cf_record *r)
{
    pthread_mutex_lock(&p->lock);
    put(p, r);
    publish(p);
    uint64_t sequence = p->sequence;
    pthread_mutex_unlock(&p->lock);
    return sequence;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

uint64_t fake_message(struct fake_port *p, uint32_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3,
                      uint32_t open_line)
{
    static _Thread_local struct cf_record r;
    r.m = (struct cf_message){.time_ns = now_ns(),
                              .device = device,
                              .param1 = p1,
                              .param2 = p2,
                              .param3 = p3,
                              .id = (uint16_t)id,
                              .open_line = open_line};
    r.payload_bytes = 0;
    return fake_send(p, &r);
}

void fake_new_call(struct fake_port *p, uint64_t hline, uint64_t hcall, uint32_t state, uint32_t privilege,
                   const char *caller, const char *called)
{
    static _Thread_local struct cf_record a, s;
    uint32_t open_line = cf_handle_slot(hline);
    a.m = (struct cf_message){.time_ns = now_ns(),
                              .device = hline,
                              .param2 = hcall,
                              .param3 = privilege,
                              .id = LINE_APPNEWCALL,
                              .open_line = open_line};
    a.payload_bytes = 0;
    must(cf_fields_append_text(&a, CF_FIELD_CALLER, caller) && cf_fields_append_text(&a, CF_FIELD_CALLED, called));
    s.m = (struct cf_message){.time_ns = now_ns(),
                              .device = hcall,
                              .param1 = state,
                              .param3 = privilege,
                              .id = LINE_CALLSTATE,
                              .open_line = open_line};
    s.payload_bytes = 0;
    pthread_mutex_lock(&p->lock);
    put(p, &a);
    put(p, &s);
    publish(p);
    pthread_mutex_unlock(&p->lock);
}

/* ------------------------------------------------------------------ looking, steering */

uint32_t fake_log_count(struct fake_port *p)
{
    pthread_mutex_lock(&p->lock);
    uint32_t count = p->log_count;
    pthread_mutex_unlock(&p->lock);
    return count;
}

bool fake_log_dense(struct fake_port *p)
{
    bool dense = true;
    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < p->log_count; i++)
        dense = dense && p->log[i].sequence == i + 1;
    pthread_mutex_unlock(&p->lock);
    return dense;
}

/* Under the lock. */
static bool find(const struct fake_port *p, uint16_t id, uint32_t n, struct cf_message *ret)
{
    for (uint32_t i = 0; i < p->log_count; i++)
        if (p->log[i].id == id && n-- == 0) {
            *ret = p->log[i];
            return true;
        }
    return false;
}

struct cf_message fake_await(struct fake_port *p, uint16_t id, uint32_t n)
{
    struct cf_message m;
    struct timespec until = in_time();
    pthread_mutex_lock(&p->lock);
    while (!find(p, id, n, &m))
        must(pthread_cond_timedwait(&p->changed, &p->lock, &until) == 0);
    pthread_mutex_unlock(&p->lock);
    return m;
}

uint32_t fake_count(struct fake_port *p, uint16_t id)
{
    uint32_t count = 0;
    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < p->log_count; i++)
        count += p->log[i].id == id;
    pthread_mutex_unlock(&p->lock);
    return count;
}

void fake_on_request(struct fake_core *c, fake_request_fn *fn, void *arg)
{
    pthread_mutex_lock(&c->lock);
    c->on_request = fn;
    c->on_request_arg = arg;
    pthread_mutex_unlock(&c->lock);
}

void fake_on_hello(struct fake_core *c, enum fake_welcome welcome, int refusal)
{
    pthread_mutex_lock(&c->lock);
    c->welcome = welcome;
    c->refusal = refusal;
    pthread_mutex_unlock(&c->lock);
}

void fake_hold(struct fake_port *p, bool held)
{
    pthread_mutex_lock(&p->lock);
    p->held = held;
    pthread_mutex_unlock(&p->lock);
}

void fake_hang_up(struct fake_port *p)
{
    pthread_mutex_lock(&p->lock);
    p->held = true; /* nobody is left to answer */
    if (p->socket >= 0) {
        close(p->socket);
        close(p->down_bell);
        p->socket = p->down_bell = -1;
    }
    pthread_mutex_unlock(&p->lock);
}

void fake_ring(struct fake_port *p)
{
    pthread_mutex_lock(&p->lock);
    cf_bell_ring_down(p->down_bell);
    pthread_mutex_unlock(&p->lock);
}
