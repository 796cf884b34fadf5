/*
 * The door: the core's second thread. It lets peers in, makes their ports, and learns of their deaths.
 *
 * Shape      visitors (not admitted yet) and ports, by number; one epoll set
 * Invariant  a port's life: FREE -> ATTACHING (memory made, keeper holds it, engine told) -> LIVE (welcomed) -> GONE (engine told of the
 *            death) -> REMOVING (engine's thread told to let go) -> FREE; the keeper frees last
 * Writers    one thread; the engine's side is reached by the link, port 0's down ring and the memory it makes
 * Progress   waits only for the keeper's answer, which does not wait for us
 * Trust      peers: nothing. The keeper and the engine: believed
 */
#ifndef CF_CALLFAND_DOOR_H
#define CF_CALLFAND_DOOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "apps/callfand/core.h"
#include "apps/callfand/engine_loop.h"
#include "apps/callfand/link.h"
#include "apps/callfand/log.h"
#include "apps/callfand/prefault.h"
#include "apps/callfand/status.h"
#include "apps/callfand/visitor.h"

enum cf_door_port_state {
    CF_DOOR_PORT_FREE,
    CF_DOOR_PORT_ATTACHING,
    CF_DOOR_PORT_LIVE,
    CF_DOOR_PORT_GONE,
    CF_DOOR_PORT_REMOVING
};

/* What the peer gets with its welcome, in that order. */
enum { CF_WELCOME_DOWN, CF_WELCOME_UP, CF_WELCOME_BELL_DOWN, CF_WELCOME_BELL_UP, CF_WELCOME_FDS };

struct cf_door_port {
    enum cf_door_port_state state;
    uint32_t generation, kind;
    int socket, bell_down, bell_up, pidfd; /* -1: none */
    int welcome[CF_WELCOME_FDS];           /* until it is sent */
    bool watched;
    char name[CF_NAME_MAX];
};

struct cf_door {
    const struct cf_core_start *start;
    struct cf_link *link;
    struct cf_port_down *engine_down; /* port 0 */
    struct cf_port_up *engine_up;
    uint64_t *beat; /* advances in each round, at least twice a second: the keeper watches it */
    struct cf_ring_consumer from_engine;
    int epoll;
    bool accepting, stopping;
    int64_t accept_again_ns; /* after a lack of descriptors */
    struct cf_log_limit log_refusals, log_ports;
    struct cf_settings settings;
    struct cf_provider_view providers[CF_PROVIDERS_MAX];
    int64_t hang_look_ns;                     /* of the look at their commands */
    uint32_t stuck_seconds[CF_PROVIDERS_MAX]; /* looks in a row that found the same command due */
    uint64_t acked_seen[CF_PROVIDERS_MAX];
    struct cf_status_peer peers[CF_PORTS_MAX];
    struct cf_door_counts counts;
    bool snapshot_asked;
    bool inspecting; /* the engine's thread writes link->inspection */
    int64_t snapshot_ns;
    struct cf_prefault prefault;
    bool prefaulting;
    struct cf_visitor *visitors; /* config->hellos_max */
    struct cf_door_port ports[CF_PORTS_MAX];
};

/* Before any thread runs: opens the epoll set, takes over what a dead core's door left. 0 or a negative errno. */
int cf_door_init(struct cf_door *door, const struct cf_core_start *start, struct cf_engine_loop *loop);

/* The thread's function; argument is the door. Returns when the keeper says stop or is gone. */
void *cf_door_run(void *door);

void cf_door_fini(struct cf_door *door);

/* ------------------------------------------------------------------ door_port.c: one port's life */

/* Makes a port for an admitted peer and tells the engine. Takes fd when it succeeds. 0, or a negative errno with a sentence. */
struct cf_admission;
int cf_door_port_open(struct cf_door *door, const struct cf_admission *admission, int fd, const struct cf_peer *peer,
                      char *text, size_t text_bytes);

/* A held port of a dead core; known: the engine knows it with that generation. */
void cf_door_port_adopt(struct cf_door *door, uint32_t port, bool known);

/* What the engine says. */
void cf_door_port_attached(struct cf_door *door, uint32_t port, uint32_t generation, int32_t result);
void cf_door_port_expel(struct cf_door *door, uint32_t port, uint32_t generation, enum cf_expel why);
void cf_door_port_freed(struct cf_door *door, uint32_t port, uint32_t generation);
void cf_door_port_removed(struct cf_door *door, uint32_t port);

/* Its socket or pidfd became readable: looks whether the peer is gone. */
void cf_door_port_look(struct cf_door *door, uint32_t port);

/* ------------------------------------------------------------------ door_keeper.c: the channel */

/* Sends; on failure the keeper is gone and the door stops. */
bool cf_door_tell_keeper(struct cf_door *door, const struct cf_channel_record *record, const int *fds,
                         uint32_t fds_count);

/* Waits for OPENED. Negative errno also when the keeper is gone. */
int cf_door_await_opened(struct cf_door *door, uint32_t port, uint32_t *ret_generation);

/* Takes what the keeper says by itself. */
void cf_door_hear_keeper(struct cf_door *door);

/* ------------------------------------------------------------------ door_hang.c: providers that take no commands */

/* Once a second: who has had commands due and taken none for provider_hang_seconds is shown out. Returns the time of the next look. */
int64_t cf_door_hang_look(struct cf_door *door, int64_t now_ns);

/* Shows a peer out: as expelled, with the reason of the caller in the log. */
void cf_door_port_show_out(struct cf_door *door, uint32_t port);

/* ------------------------------------------------------------------ door_doctor.c: inspections, one visitor after another */

/* Who may connect may ask for what costs the others little; not for what stops them. */
bool cf_door_doctor_allows(const struct cf_hello *hello, const struct cf_peer *peer);

/* That visitor's hello asks for one. */
void cf_door_doctor_hear(struct cf_door *door, struct cf_visitor *visitor, const struct cf_hello *hello);

/* Begins the next inspection when none is under way or waits to be told. */
void cf_door_doctor_work(struct cf_door *door);

/* The engine has done: whom it is for may ask for the snapshot that goes with it. */
void cf_door_doctor_inspected(struct cf_door *door);

/* ------------------------------------------------------------------ watching */

enum cf_door_watch { CF_WATCH_LISTENER = 1, CF_WATCH_CHANNEL, CF_WATCH_LINK, CF_WATCH_VISITOR, CF_WATCH_PORT };
bool cf_door_watch(struct cf_door *door, int fd, enum cf_door_watch what, uint32_t index);
void cf_door_unwatch(struct cf_door *door, int fd);

#endif
