/* The loop: visitors, ports, keeper, engine. */
#define _GNU_SOURCE
#include "apps/callfand/door.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "apps/callfand/admit.h"
#include "apps/callfand/doctor.h"
#include "apps/callfand/log.h"
#include "shm/sys_socket.h"

#define EVENTS_MAX        64
#define ACCEPTS_MAX       32                  /* per wake, so that ports are looked at in between */
#define ACCEPT_PAUSE_NS   INT64_C(100000000)  /* after a lack of descriptors */
#define REFUSALS_TOLD_MAX 8                   /* lines of log per second */
#define STATUS_NS         INT64_C(5000000000) /* for a reader of the status */
#define BEAT_NS           INT64_C(400000000)  /* the keeper looks every half a second */
#define SNAPSHOT_PAUSE_NS INT64_C(2000000)    /* the engine spends at most this rarely on status */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ----------------------------------------------------------------- watching */

bool cf_door_watch(struct cf_door *door, int fd, enum cf_door_watch what, uint32_t index)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)what << 32 | index};
    return epoll_ctl(door->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void cf_door_unwatch(struct cf_door *door, int fd)
{
    epoll_ctl(door->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void accept_on(struct cf_door *door)
{
    door->accepting = cf_door_watch(door, door->start->listen_fd, CF_WATCH_LISTENER, 0);
}

/* ----------------------------------------------------------------- visitors */

/* Its descriptor may live on in a port, so it is taken out of the set, not only closed. */
static void dismiss(struct cf_door *door, struct cf_visitor *v)
{
    if (v->fd >= 0)
        cf_door_unwatch(door, v->fd);
    cf_visitor_fini(v);
}

static void ask_snapshot(struct cf_door *door)
{
    if (door->snapshot_asked || now_ns() < door->snapshot_ns + SNAPSHOT_PAUSE_NS)
        return; /* asked again by the loop */
    door->snapshot_asked = true;
    struct cf_record r = cf_link_record(CF_LINK_STATUS, 0, 0);
    cf_link_tell_engine(door->link, &r);
}

/* What the configuration grants who sits behind that socket. groups: room that outlives the answer's use. */
static struct cf_grant grant_of(const struct cf_door *door, const struct cf_visitor *v)
{
    static gid_t groups[CF_PEER_GROUPS_MAX]; /* of the one thread that asks */
    const struct cf_config *c = door->start->config;
    struct cf_access_rules rules = {c->access, c->access_count, getuid(), c->socket_gid};
    struct cf_access_asker asker = {.uid = v->peer.uid, .gid = v->peer.gid, .groups = groups};
    if (cf_socket_peer_groups(v->fd, groups, CF_PEER_GROUPS_MAX, &asker.groups_count) != 0)
        asker.groups_count = 0; /* what the kernel does not say grants nothing */
    return cf_access_find(&rules, &asker);
}

static void refuse(struct cf_door *door, struct cf_visitor *v, int32_t result, const char *text)
{
    door->counts.refused++;
    if (cf_log_may(&door->log_refusals, REFUSALS_TOLD_MAX))
        cf_log_warning("process %d of user %u is refused: %s", (int)v->peer.pid, (unsigned)v->peer.uid, text);
    cf_visitor_refuse(v->fd, result, text);
    dismiss(door, v);
}

static void judge(struct cf_door *door, struct cf_visitor *v, const struct cf_hello *hello, size_t bytes)
{
    const struct cf_config *c = door->start->config;
    struct cf_grant grant = grant_of(door, v);
    struct cf_admit_rules rules = {.limits = &c->limits,
                                   .providers = door->providers,
                                   .ring_bytes_max = c->ring_bytes_max,
                                   .wake_interval_us = door->settings.wake_interval_us,
                                   .uid = getuid(),
                                   .grant = &grant,
                                   .has_sections = c->access_count != 0};
    struct cf_admission a;
    cf_door_hear_keeper(door); /* a token is told before the program that says it is started */
    door->counts.hellos++;
    cf_admit(&rules, hello, bytes, &v->peer, &a);
    if (a.result != 0) {
        door->counts.denied += a.denied;
        refuse(door, v, a.result, a.text);
        return;
    }
    if (a.kind == CF_HELLO_DOCTOR) {
        if (cf_door_doctor_allows(hello, &v->peer))
            cf_door_doctor_hear(door, v, hello);
        else
            refuse(door, v, -EACCES, "the full check stops all events: root and callfand's own user may ask for it");
        return;
    }
    if (a.kind == CF_HELLO_STATUS) {
        v->state = CF_VISITOR_ASKS;
        v->deadline_ns = now_ns() + STATUS_NS;
        ask_snapshot(door);
        return;
    }
    cf_door_unwatch(door, v->fd);
    int error = cf_door_port_open(door, &a, v->fd, &v->peer, a.text, sizeof a.text);
    if (error == 0)
        v->fd = -1; /* the port's */
    if (error == 0 || door->stopping)
        dismiss(door, v);
    else
        refuse(door, v, error, a.text);
}

static void hear_visitor(struct cf_door *door, struct cf_visitor *v)
{
    struct cf_hello hello;
    size_t bytes = 0;
    if (v->state == CF_VISITOR_LISTENS) {
        if (!cf_visitor_send(v))
            dismiss(door, v);
        return;
    }
    int error = cf_visitor_hear(v, &hello, &bytes);
    if (error == -EAGAIN)
        return;
    if (error != 0 || v->state == CF_VISITOR_ASKS ||
        v->state == CF_VISITOR_WAITS) /* left, or talks while it should listen */
        dismiss(door, v);
    else
        judge(door, v, &hello, bytes);
}

/* A free place, made by sending away the one that has been here longest. */
static struct cf_visitor *place_for_visitor(struct cf_door *door)
{
    struct cf_visitor *oldest = &door->visitors[0];
    for (uint32_t i = 0; i < door->start->config->hellos_max; i++) {
        struct cf_visitor *v = &door->visitors[i];
        if (v->state == CF_VISITOR_NONE)
            return v;
        if (v->since_ns < oldest->since_ns)
            oldest = v;
    }
    refuse(door, oldest, -EAGAIN, "too many peers that are no port");
    return oldest;
}

static void receive_visitor(struct cf_door *door, int fd)
{
    struct cf_peer peer;
    if (cf_socket_peer(fd, &peer) != 0) {
        close(fd);
        return;
    }
    struct cf_visitor *v = place_for_visitor(door);
    cf_visitor_init(v, fd, &peer, now_ns(), (int64_t)door->settings.hello_ms * 1000000);
    if (!cf_door_watch(door, fd, CF_WATCH_VISITOR, (uint32_t)(v - door->visitors)))
        cf_visitor_fini(v);
    else
        hear_visitor(door, v); /* the hello mostly came with the connection */
}

static void accept_visitors(struct cf_door *door)
{
    for (int i = 0; i < ACCEPTS_MAX && !door->stopping; i++) {
        int fd = -1;
        int error = cf_socket_accept(door->start->listen_fd, &fd);
        if (error == -EAGAIN)
            return;
        if (error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -ENOBUFS) {
            cf_log_error("cannot accept: %s", strerror(-error));
            cf_door_unwatch(door, door->start->listen_fd);
            door->accepting = false;
            door->accept_again_ns = now_ns() + ACCEPT_PAUSE_NS;
            return;
        }
        if (error == 0)
            receive_visitor(door, fd);
    }
}

/* -------------------------------------------------------------------- status */

static void want_write(struct cf_door *door, struct cf_visitor *v)
{
    struct epoll_event event = {.events = EPOLLOUT,
                                .data.u64 = (uint64_t)CF_WATCH_VISITOR << 32 | (uint64_t)(v - door->visitors)};
    epoll_ctl(door->epoll, EPOLL_CTL_MOD, v->fd, &event);
}

static void tell_visitor(struct cf_door *door, struct cf_visitor *v, const char *text, size_t bytes)
{
    char *copy = text == NULL ? NULL : malloc(bytes);
    if (copy == NULL) {
        dismiss(door, v);
        return;
    }
    memcpy(copy, text, bytes);
    cf_visitor_tell(v, copy, bytes, now_ns() + STATUS_NS);
    if (cf_visitor_send(v))
        want_write(door, v);
    else
        dismiss(door, v);
}

static void take_snapshot(struct cf_door *door)
{
    uint32_t visitors = door->start->config->hellos_max;
    door->snapshot_asked = false;
    door->snapshot_ns = now_ns();
    door->counts.half_open = 0;
    for (uint32_t i = 0; i < visitors; i++)
        door->counts.half_open += door->visitors[i].state == CF_VISITOR_SILENT;
    struct cf_status_source source = {door->start, &door->link->snapshot, door->providers,     &door->settings,
                                      door->peers, &door->counts,         door->stuck_seconds, door->snapshot_ns};
    size_t bytes = 0, doctor_bytes = 0;
    char *text = cf_status_text(&source, &bytes), *doctor = NULL;
    for (uint32_t i = 0; i < visitors; i++) {
        struct cf_visitor *v = &door->visitors[i];
        if (v->state == CF_VISITOR_ASKS && !v->doctor) {
            tell_visitor(door, v, text, bytes);
        } else if (v->state == CF_VISITOR_ASKS) { /* one at most */
            v->inspected = false;
            doctor = cf_doctor_text(&source, &door->link->inspection, &doctor_bytes);
            tell_visitor(door, v, doctor, doctor_bytes);
        }
    }
    free(doctor);
    free(text);
}

/* -------------------------------------------------------------------- engine */

static void take_from_link(struct cf_door *door)
{
    struct cf_link *link = door->link;
    const struct cf_message *m;
    while ((m = cf_ring_peek(&link->to_door_take)) != NULL) {
        uint16_t id = m->id;
        uint32_t port = (uint32_t)m->param1;
        cf_ring_consume(&link->to_door_take, m);
        cf_ring_acknowledge(&link->to_door_ack, link->to_door_take.head);
        if (id == CF_LINK_REMOVED)
            cf_door_port_removed(door, port);
        else if (id == CF_LINK_SNAPSHOT)
            take_snapshot(door);
        else if (id == CF_LINK_INSPECTED)
            cf_door_doctor_inspected(door);
    }
}

static void take_from_engine(struct cf_door *door)
{
    const struct cf_message *m;
    while (!door->stopping && (m = cf_ring_peek(&door->from_engine)) != NULL) {
        uint32_t port = (uint32_t)m->param1, generation = (uint32_t)m->param3;
        if (m->id == CF_DOOR_ATTACHED)
            cf_door_port_attached(door, port, generation, (int32_t)m->param2);
        else if (m->id == CF_DOOR_FREE)
            cf_door_port_freed(door, port, generation);
        else if (m->id == CF_DOOR_EXPEL)
            cf_door_port_expel(door, port, generation, (enum cf_expel)m->param2);
        cf_ring_consume(&door->from_engine, m);
        uint64_t *acked = &door->engine_up->messages_acked;
        cf_store_relaxed_64(acked, cf_load_relaxed_64(acked) + 1);
        cf_ring_acknowledge(&door->engine_up->down_ack,
                            door->from_engine.head); /* a new core's door does the rest again */
    }
}

/* ---------------------------------------------------------------------- loop */

static void dispatch(struct cf_door *door, const struct epoll_event *event)
{
    uint32_t index = (uint32_t)event->data.u64;
    uint64_t count;
    switch ((enum cf_door_watch)(event->data.u64 >> 32)) {
    case CF_WATCH_LISTENER:
        accept_visitors(door);
        break;
    case CF_WATCH_CHANNEL:
        cf_door_hear_keeper(door);
        break;
    case CF_WATCH_LINK: {
        ssize_t n = read(door->link->door_event, &count, sizeof count);
        (void)n; /* what it rings for is looked at in every round */
        break;
    }
    case CF_WATCH_VISITOR:
        if (door->visitors[index].state != CF_VISITOR_NONE)
            hear_visitor(door, &door->visitors[index]);
        break;
    case CF_WATCH_PORT:
        cf_door_port_look(door, index);
        break;
    }
}

/* What is due by time. Returns when it is due next. */
static int64_t service(struct cf_door *door)
{
    int64_t now = now_ns(), due = INT64_MAX;
    if (!door->accepting && now >= door->accept_again_ns)
        accept_on(door);
    if (!door->accepting)
        due = now + ACCEPT_PAUSE_NS;
    cf_door_doctor_work(door);
    int64_t look = cf_door_hang_look(door, now);
    if (due > look)
        due = look;
    if (due > now + BEAT_NS)
        due = now + BEAT_NS;
    for (uint32_t i = 0; i < door->start->config->hellos_max; i++) {
        struct cf_visitor *v = &door->visitors[i];
        if (v->state == CF_VISITOR_SILENT && now >= v->deadline_ns)
            refuse(door, v, -ETIMEDOUT, "no hello came in time");
        else if (v->state != CF_VISITOR_NONE && now >= v->deadline_ns)
            dismiss(door, v);
        if (v->state == CF_VISITOR_ASKS && !door->snapshot_asked) {
            ask_snapshot(door);
            if (!door->snapshot_asked && due > door->snapshot_ns + SNAPSHOT_PAUSE_NS)
                due = door->snapshot_ns + SNAPSHOT_PAUSE_NS;
        }
        if (v->state != CF_VISITOR_NONE && v->deadline_ns < due)
            due = v->deadline_ns;
    }
    return due;
}

static bool still_held(void *arg, uint32_t port, uint32_t generation)
{
    const struct cf_door *door = arg;
    return door->ports[port].state != CF_DOOR_PORT_FREE && door->ports[port].generation == generation;
}

static int wait_ms(int64_t due)
{
    if (due == INT64_MAX)
        return -1;
    int64_t left = due - now_ns();
    return left <= 0 ? 0 : left / 1000000 >= INT_MAX ? INT_MAX : (int)(left / 1000000 + 1);
}

static void wait_for_events(struct cf_door *door, int64_t due)
{
    struct epoll_event events[EVENTS_MAX];
    int timeout = door->prefaulting ? 0 : wait_ms(due);
    cf_store_release_64(&door->engine_up->wake_at, door->from_engine.head + 1);
    cf_fence_store_load(); /* W0 pairs with W0 in the engine's look at its sleepers: it sees our word, or we its record */
    if (cf_ring_readable(&door->from_engine))
        timeout = 0;
    int n = epoll_wait(door->epoll, events, EVENTS_MAX, timeout);
    cf_store_release_64(&door->engine_up->wake_at, 0);
    for (int i = 0; i < n && !door->stopping; i++)
        dispatch(door, &events[i]);
}

void *cf_door_run(void *arg)
{
    struct cf_door *door = arg;
    uint64_t rounds = 0;
    pthread_setname_np(pthread_self(), "callfan-door");
    while (!door->stopping) {
        cf_store_relaxed_64(door->beat, cf_load_relaxed_64(door->beat) + 1);
        if (++rounds == door->start->crash_at.door_rounds)
            cf_core_hang();
        take_from_engine(door);
        take_from_link(door);
        int64_t due = service(door);
        if (door->prefaulting) {
            door->prefaulting = cf_prefault_step(&door->prefault, still_held, door);
            sched_yield(); /* under SCHED_RR whoever waits for this processor would wait for all slices */
        }
        if (!door->stopping)
            wait_for_events(door, due);
    }
    cf_link_stop(door->link);
    return NULL;
}

/* --------------------------------------------------------------------- begin */

/* A new core's door: the keeper's table against the engine's ports. */
static void compare(struct cf_door *door, struct cf_engine_loop *loop)
{
    for (uint32_t port = 1; port < door->start->arena->ports_count; port++) {
        const struct cf_holding *h = &door->start->holdings->ports[port];
        struct cf_engine_port_status status;
        bool in_engine = cf_engine_port_status(loop->engine, port, &status) && status.kind != CF_PORT_FREE;
        if (h->held) {
            bool known = in_engine && status.generation == h->generation;
            if (!known && loop->ports[port].mapped)
                cf_engine_loop_unmap(loop, port);
            cf_door_port_adopt(door, port, known);
        } else if (in_engine) { /* an application that died with all it had */
            struct cf_record r = cf_link_record(CF_LINK_GONE, port, status.generation);
            cf_link_tell_engine(door->link, &r);
        }
    }
}

int cf_door_init(struct cf_door *door, const struct cf_core_start *start, struct cf_engine_loop *loop)
{
    struct cf_link *link = loop->link;
    memset(door, 0, sizeof *door);
    door->start = start;
    door->link = link;
    door->settings = start->settings;
    memcpy(door->providers, start->providers, sizeof door->providers);
    door->engine_down = cf_engine_door_down(loop->engine);
    door->engine_up = cf_engine_door_up(loop->engine);
    door->beat = cf_engine_door_beat(loop->engine);
    cf_ring_consumer_init(&door->from_engine,
                          cf_port_down_ring(door->engine_down, door->engine_down->header.reply_slots),
                          door->engine_down->header.down_slots, cf_load_acquire_64(&door->engine_up->down_ack));
    for (uint32_t i = 0; i < CF_PORTS_MAX; i++) {
        struct cf_door_port *p = &door->ports[i];
        p->socket = p->bell_down = p->bell_up = p->pidfd = -1;
        for (int k = 0; k < CF_WELCOME_FDS; k++)
            p->welcome[k] = -1;
    }
    door->visitors = calloc(start->config->hellos_max, sizeof *door->visitors);
    door->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (door->visitors == NULL || door->epoll < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < start->config->hellos_max; i++)
        door->visitors[i].fd = -1;
    accept_on(door);
    if (!cf_door_watch(door, start->channel_fd, CF_WATCH_CHANNEL, 0) ||
        !cf_door_watch(door, link->door_event, CF_WATCH_LINK, 0) || !door->accepting)
        return -ENOMEM;
    if (!start->cold) {
        compare(door, loop);
        cf_prefault_init(&door->prefault, start->arena, start->holdings);
        door->prefaulting = true;
    }
    return 0;
}

void cf_door_fini(struct cf_door *door)
{
    for (uint32_t i = 0; i < door->start->config->hellos_max && door->visitors != NULL; i++)
        cf_visitor_fini(&door->visitors[i]);
    free(door->visitors);
    if (door->epoll >= 0)
        close(door->epoll);
}
