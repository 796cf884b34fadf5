/*
 * Joining the core, sleeping and waking. Events are in events.c, commands in commands.c.
 */
#include "adapters/provider/port.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/provider/state.h"
#include "shm/hello.h"
#include "shm/sys_bell.h"
#include "shm/sys_memory.h"
#include "shm/sys_socket.h"

enum {
    CALLS_DEFAULT = 1 << 20,
    COMMANDS_DEFAULT = 65536,
    FULL_RING_POLL_MS = 1, /* the core rings no bell when it makes room */
    ROOM_PATIENCE_S = 10,
    WELCOME_PATIENCE_S = 5, /* the door may be busy populating other ports */
    PAUSE_FIRST_MS = 10,
    PAUSE_MAX_MS = 500,
    WELCOME_FDS = 4,
};

struct cf_text cf_text_of(const char *string)
{
    return string == NULL ? (struct cf_text){NULL, 0} : (struct cf_text){string, (uint32_t)strlen(string)};
}

/* ------------------------------------------------------------------ life */

static bool copy_name(char ret_name[CF_NAME_MAX], const char *name)
{
    size_t n = strlen(name);
    if (n >= CF_NAME_MAX)
        return false;
    memcpy(ret_name, name, n + 1);
    return true;
}

static int read_options(struct cf_provider *p, const struct cf_provider_options *o)
{
    const char *token = o->token != NULL ? o->token : getenv("CALLFAN_TOKEN");
    if (o->name == NULL || *o->name == '\0' || !copy_name(p->name, o->name) ||
        !copy_name(p->token, token != NULL ? token : ""))
        return -EINVAL;
    p->calls_max = o->calls_max != 0 ? o->calls_max : CALLS_DEFAULT;
    p->commands_max = o->commands_max != 0 ? o->commands_max : COMMANDS_DEFAULT;
    p->ring_bytes = o->ring_bytes;
    p->gather_ns = (int64_t)o->gather_us * CF_NS_PER_US;
    if (p->calls_max > CF_CALLS_MAX)
        return -EINVAL;
    p->socket_path = strdup(o->socket_path != NULL ? o->socket_path : CF_DEFAULT_SOCKET);
    p->replies = calloc(p->commands_max, sizeof *p->replies);
    return p->socket_path != NULL && p->replies != NULL ? 0 : -ENOMEM;
}

int cf_provider_new(struct cf_provider **ret_provider, const struct cf_provider_options *options)
{
    struct cf_provider *p = aligned_alloc(64, (sizeof *p + 63) & ~(size_t)63);
    if (p == NULL)
        return -ENOMEM;
    memset(p, 0, sizeof *p);
    p->socket = p->down_bell = p->up_bell = -1;
    p->bell_source = p->socket_source = -1;
    p->waiting_first = p->waiting_last = CF_INDEX_NONE;
    int rc = read_options(p, options);
    if (rc == 0)
        rc = cf_memory_anonymous((size_t)p->calls_max * sizeof(struct cf_provider_call), false, &p->slots);
    if (rc < 0) {
        cf_provider_free(p);
        return rc;
    }
    cf_handle_table_format(&p->head, NULL, p->calls_max, 0);
    cf_handle_table_view(&p->table, &p->head, p->slots, sizeof(struct cf_provider_call), NULL);
    cf_handle_table_set_single_thread(&p->table);
    *ret_provider = p;
    return 0;
}

void cf_provider_free(struct cf_provider *p)
{
    if (p == NULL)
        return;
    cf_provider_detach(p);
    if (p->slots != NULL)
        cf_memory_unmap(p->slots, (size_t)p->calls_max * sizeof(struct cf_provider_call));
    free(p->socket_path);
    free(p->replies);
    free(p);
}

bool cf_provider_attached(const struct cf_provider *p)
{
    return p->attached;
}

/* ------------------------------------------------------------------ attach */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void cf_provider_leave_reactor(struct cf_provider *p)
{
    if (p->reactor != NULL && p->bell_source >= 0) {
        cf_reactor_remove(p->reactor, p->bell_source);
        cf_reactor_remove(p->reactor, p->socket_source);
    }
    p->reactor = NULL;
    p->bell_source = p->socket_source = -1;
}

void cf_provider_detach(struct cf_provider *p)
{
    if (p->attached)
        cf_provider_acknowledge(p);
    cf_provider_leave_reactor(p);
    if (p->down != NULL)
        cf_memory_unmap((void *)(uintptr_t)p->down, p->down_bytes);
    if (p->up != NULL)
        cf_memory_unmap(p->up, p->up_bytes);
    p->down = NULL;
    p->up = NULL;
    close_fd(&p->socket);
    close_fd(&p->down_bell);
    close_fd(&p->up_bell);
    p->attached = p->ready = p->hung_up = false;
    cf_provider_drop_waiting(p);
}

static int say_hello(struct cf_provider *p)
{
    struct cf_hello hello = {
        .magic = CF_HELLO_MAGIC,
        .version = CF_LAYOUT_VERSION,
        .kind = CF_HELLO_PROVIDER,
        .ring_bytes = p->ring_bytes,
        .wake_interval_us = 0, /* commands are few and somebody waits for each */
    };
    memcpy(hello.name, p->name, sizeof hello.name);
    memcpy(hello.token, p->token, sizeof hello.token);
    return cf_socket_send(p->socket, &hello, sizeof hello, NULL, 0);
}

/* Receives the welcome. On success fds holds its four descriptors. */
static int take_welcome(struct cf_provider *p, struct cf_welcome *welcome, int fds[WELCOME_FDS], char *why,
                        size_t why_bytes)
{
    size_t bytes = 0;
    uint32_t count = 0;
    int rc = cf_socket_wait(p->socket, POLLIN, WELCOME_PATIENCE_S * CF_NS_PER_S);
    if (rc == 0)
        rc = cf_socket_receive(p->socket, welcome, sizeof *welcome, &bytes, fds, WELCOME_FDS, &count);
    if (rc < 0) {
        snprintf(why, why_bytes, "no answer from the service at %s: %s", p->socket_path, strerror(-rc));
        return rc;
    }
    welcome->text[sizeof welcome->text - 1] = '\0';
    if (bytes != sizeof *welcome || welcome->magic != CF_HELLO_MAGIC) {
        snprintf(why, why_bytes, "what listens at %s is not callfand", p->socket_path);
        rc = -EPROTO;
    } else if (welcome->result != 0) {
        snprintf(why, why_bytes, "the service refuses provider \"%s\": %s", p->name, welcome->text);
        rc = welcome->result < 0 ? welcome->result : -EPROTO;
    } else if (welcome->version != CF_LAYOUT_VERSION) {
        snprintf(why, why_bytes, "the service has layout version %u, this program %u", welcome->version,
                 CF_LAYOUT_VERSION);
        rc = -EPROTO;
    } else if (count != WELCOME_FDS) {
        snprintf(why, why_bytes, "the service's welcome lacks descriptors");
        rc = -EPROTO;
    }
    for (uint32_t i = 0; rc < 0 && i < count; i++)
        close(fds[i]);
    return rc;
}

static bool power_of_two(uint64_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static bool header_valid(const struct cf_port_header *h, const struct cf_welcome *w)
{
    const uint64_t slots_max = UINT64_C(1) << 32;
    return cf_load_acquire_64(&h->magic) == CF_PORT_MAGIC /* P0 pairs with P0 in cf_port_format() */
           && h->version == CF_LAYOUT_VERSION && h->kind == CF_PORT_PROVIDER && h->port == w->port &&
           h->generation == w->generation && power_of_two(h->down_slots) && h->down_slots <= slots_max &&
           power_of_two(h->up_slots) && h->up_slots <= slots_max && h->up_slots > CF_RECORD_SLOTS_MAX &&
           h->reply_slots <= CF_REPLY_SLOTS && cf_port_down_bytes(h->reply_slots, h->down_slots) <= w->down_bytes &&
           cf_port_up_bytes(h->up_slots) <= w->up_bytes;
}

/* Maps and checks both objects. Sizes and seals first: an object without them could be cut under us. */
static int map_port(struct cf_provider *p, const struct cf_welcome *w, int down_fd, int up_fd)
{
    void *memory = NULL;
    if (w->down_bytes < sizeof(struct cf_port_down) || w->up_bytes < sizeof(struct cf_port_up))
        return -EPROTO;
    int rc = cf_memory_verify(down_fd, CF_OBJECT_DOWN, w->down_bytes);
    if (rc == 0)
        rc = cf_memory_verify(up_fd, CF_OBJECT_UP, w->up_bytes);
    if (rc == 0)
        rc = cf_memory_map(down_fd, w->down_bytes, CF_ACCESS_READ, NULL, &memory);
    if (rc < 0)
        return rc;
    p->down = memory;
    p->down_bytes = w->down_bytes;
    rc = cf_memory_map(up_fd, w->up_bytes, CF_ACCESS_WRITE, NULL, &memory);
    if (rc < 0)
        return rc;
    p->up = memory;
    p->up_bytes = w->up_bytes;
    if (!header_valid(&p->down->header, w))
        return -EPROTO;
    rc = cf_memory_populate((void *)(uintptr_t)p->down, p->down_bytes, false);
    return rc == 0 ? cf_memory_populate(p->up, p->up_bytes, true) : rc;
}

static void begin_port(struct cf_provider *p)
{
    const struct cf_port_header *h = &p->down->header;
    cf_ring_producer_init(&p->events, cf_port_up_ring(p->up), h->up_slots, &p->down->up.up_ack,
                          cf_load_acquire_64(&p->down->up.up_ack)); /* R1: a new port's is 0 */
    cf_ring_consumer_init(&p->commands, cf_port_down_ring(p->down, h->reply_slots), h->down_slots, p->up->down_ack);
    p->acknowledged = p->commands.head;
    p->messages_acked = 0;
    p->sequence = 0;
    p->outstanding = 0;
    p->bell_due = p->hung_up = false;
    p->attached = p->ready = true;
    p->counters.attaches++;
}

static int attach_once(struct cf_provider *p, char *why, size_t why_bytes)
{
    struct cf_welcome welcome;
    int fds[WELCOME_FDS];
    int rc = cf_socket_connect(p->socket_path, CF_NS_PER_S, &p->socket);
    if (rc == 0)
        rc = say_hello(p);
    if (rc < 0) {
        snprintf(why, why_bytes, "no service at %s: %s", p->socket_path, strerror(-rc));
        goto detach;
    }
    rc = take_welcome(p, &welcome, fds, why, why_bytes);
    if (rc < 0)
        goto detach;
    p->down_bell = fds[2];
    p->up_bell = fds[3];
    rc = map_port(p, &welcome, fds[0], fds[1]);
    close(fds[0]);
    close(fds[1]);
    if (rc == 0)
        rc = cf_bell_check_up(p->up_bell);
    if (rc < 0) {
        snprintf(why, why_bytes, "the port given by %s cannot be used: %s", p->socket_path, strerror(-rc));
        goto detach;
    }
    begin_port(p);
    return 0;

detach:
    cf_provider_detach(p);
    return rc;
}

bool cf_provider_try_again(int error)
{
    return error == -ENOENT || error == -ECONNREFUSED || error == -EAGAIN || error == -ETIMEDOUT ||
           error == -ECONNRESET || error == -EPIPE;
}

static void pause_ms(int ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * CF_NS_PER_MS};
    nanosleep(&ts, NULL);
}

int cf_provider_attach(struct cf_provider *p, int64_t wait_ns, char *why, size_t why_bytes)
{
    assert(!p->attached);
    int64_t end = cf_clock_ns() + wait_ns;
    int ms = PAUSE_FIRST_MS;
    for (;;) {
        int rc = attach_once(p, why, why_bytes);
        if (!cf_provider_try_again(rc) || cf_clock_ns() >= end)
            return rc;
        pause_ms(ms);
        ms = 2 * ms < PAUSE_MAX_MS ? 2 * ms : PAUSE_MAX_MS;
    }
}

/* ------------------------------------------------------------------ bells and sleep */

void cf_provider_flush(struct cf_provider *p)
{
    if (!p->attached)
        return;
    cf_provider_put_waiting(p);
    if (!p->bell_due)
        return;
    p->bell_due = false;
    cf_fence_store_load(); /* S0: our commit words before this look at the core's word; pairs with the fence of cf_engine_sleep() */
    if (cf_load_relaxed_32(&p->down->up.sleeping) != 0) {
        p->counters.bells_rung++;
        cf_bell_ring_up(p->up_bell); /* a bell that nobody hears any more: the socket tells */
    }
}

static void hear_bell(void *arg, uint32_t events, int64_t now_ns)
{
    struct cf_provider *p = arg;
    (void)events;
    (void)now_ns;
    if (cf_bell_drain(p->down_bell) > 0)
        p->counters.bells_heard++;
}

/* The door says nothing after its welcome: what can be read is a hang-up, or is thrown away. */
static void look_at_socket(struct cf_provider *p)
{
    char rest[256];
    ssize_t n;
    do {
        n = recv(p->socket, rest, sizeof rest, MSG_DONTWAIT);
    } while (n > 0);
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        p->hung_up = true;
}

static void hear_socket(void *arg, uint32_t events, int64_t now_ns)
{
    (void)events;
    (void)now_ns;
    look_at_socket(arg);
}

static int watch(struct cf_provider *p, struct cf_reactor *r)
{
    assert(p->reactor == NULL || p->reactor == r);
    if (p->reactor != NULL)
        return 0;
    int bell = cf_reactor_watch(r, p->down_bell, POLLIN, hear_bell, p);
    if (bell < 0)
        return bell;
    int control = cf_reactor_watch(r, p->socket, POLLIN, hear_socket, p);
    if (control < 0) {
        cf_reactor_remove(r, bell);
        return control;
    }
    p->reactor = r;
    p->bell_source = bell;
    p->socket_source = control;
    return 0;
}

/* Publishes "wake me at the next command" and looks once more. False: there is one. */
static bool prepare_sleep(struct cf_provider *p)
{
    cf_provider_acknowledge(p);
    cf_store_relaxed_64(&p->up->wake_at, p->commands.head + 1);
    cf_fence_store_load(); /* S1: our wish before this look at the ring; pairs with the engine's one fence per turn */
    return !cf_provider_command_readable(p);
}

/* The core rings no bell meanwhile: the caller looks at the ring afterwards. */
static int gather(struct cf_provider *p, struct cf_reactor *r, int64_t until_ns)
{
    cf_provider_acknowledge(p);
    return cf_reactor_gather(r, p->hung_up || cf_provider_command_readable(p) ? 0 : until_ns);
}

static int sleep_until(struct cf_provider *p, struct cf_reactor *r, int64_t deadline_ns)
{
    int rc = cf_reactor_turn(r, prepare_sleep(p) && !p->hung_up ? deadline_ns : 0);
    cf_store_relaxed_64(&p->up->wake_at, 0);
    return rc;
}

/* Sleeps; while the last wake-up is not gather_ns old, until it is, whatever comes. */
static int turn(struct cf_provider *p, struct cf_reactor *r, int64_t deadline_ns)
{
    if (p->gather_ns == 0)
        return sleep_until(p, r, deadline_ns);
    const int64_t until = p->woke_ns + p->gather_ns;
    const bool gathers = cf_clock_ns() < until;
    int rc = gathers ? gather(p, r, until < deadline_ns ? until : deadline_ns) : sleep_until(p, r, deadline_ns);
    if (rc > 0 || cf_provider_command_readable(p))
        p->woke_ns = cf_clock_ns();
    return rc;
}

int cf_provider_turn(struct cf_provider *p, struct cf_reactor *r, int64_t deadline_ns)
{
    cf_provider_flush(p);
    if (!p->attached)
        return cf_reactor_turn(r, deadline_ns);
    int rc = watch(p, r);
    if (rc < 0)
        return rc;
    if (p->waiting_count != 0 || p->replies_count != 0 || !p->ready || p->outstanding >= p->commands_max) {
        int64_t soon = cf_clock_ns() + FULL_RING_POLL_MS * CF_NS_PER_MS;
        if (deadline_ns > soon)
            deadline_ns = soon;
    }
    rc = turn(p, r, deadline_ns);
    if (p->hung_up)
        cf_provider_detach(p);
    return rc;
}

bool cf_provider_wait_room(struct cf_provider *p)
{
    uint64_t wanted = (p->events.mask + 1) / 8;
    uint64_t before = cf_ring_free(&p->events);
    int64_t end = cf_clock_ns() + ROOM_PATIENCE_S * CF_NS_PER_S;
    while (p->attached && !p->hung_up) {
        p->bell_due = true;
        cf_provider_flush(p);
        uint64_t now = cf_ring_free(&p->events);
        if (now >= wanted && p->replies_count == 0 && p->waiting_count == 0)
            return true;
        int64_t time = cf_clock_ns();
        if (now > before)
            end = time + ROOM_PATIENCE_S * CF_NS_PER_S;
        else if (time >= end)
            return false;
        before = now;
        if (cf_socket_wait(p->socket, POLLIN, FULL_RING_POLL_MS * CF_NS_PER_MS) == 0)
            look_at_socket(p);
    }
    return false;
}

void cf_provider_counters(const struct cf_provider *p, struct cf_provider_counters *ret_counters)
{
    *ret_counters = p->counters;
}
