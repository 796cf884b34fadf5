/* See trunk.h. */
#include "adapters/sip/trunk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    BIND_TRIES = 40, /* a ring that just ended may hold the port for some 40 ms */
    BIND_PAUSE_MS = 25,
};

/* ------------------------------------------------------------------ from the user agent to the core */

static struct cf_sip_link *link_of(struct cf_sip_trunks *trunks, uint64_t provider_call)
{
    const uint32_t index = cf_handle_index(provider_call);
    if (index >= trunks->links || provider_call == 0 || trunks->link[index].provider_call != provider_call)
        return NULL;
    return &trunks->link[index];
}

static void unlink_call(struct cf_sip_trunks *trunks, struct cf_sip_link *link)
{
    cf_provider_call_free(trunks->provider, link->provider_call);
    *link = (struct cf_sip_link){0};
}

static struct cf_text text_of(struct cf_sip_words words)
{
    return (struct cf_text){words.text, (uint32_t)words.len};
}

static struct cf_new_call new_call(const struct cf_sip_trunk *trunk, uint64_t call, int64_t time_ns)
{
    return (struct cf_new_call){
        .call = call,
        .line = trunk->line,
        .state = LINECALLSTATE_OFFERING,
        .mode = LINEOFFERINGMODE_ACTIVE,
        .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE,
        .origin = LINECALLORIGIN_INBOUND,
        .reason = LINECALLREASON_DIRECT,
        .time_ns = time_ns,
    };
}

static void offer(struct cf_sip_trunk *trunk, const struct cf_sip_event *event)
{
    struct cf_sip_trunks *trunks = trunk->all;
    const uint64_t call = cf_provider_call_new(trunks->provider, NULL);
    if (call == 0 || cf_handle_index(call) >= trunks->links) {
        trunks->no_link++;
        if (call != 0)
            cf_provider_call_free(trunks->provider, call);
        cf_sip_uas_close(trunk->uas, event->time_ns, event->call, 503);
        return;
    }
    struct cf_sip_link *link = &trunks->link[cf_handle_index(call)];
    *link = (struct cf_sip_link){call, event->call, trunk};
    cf_sip_uas_bind(trunk->uas, event->call, call);
    struct cf_new_call announced = new_call(trunk, call, (int64_t)event->time_ns);
    announced.caller = text_of(event->caller);
    announced.caller_name = text_of(event->caller_name);
    announced.called = text_of(event->called);
    if (cf_provider_post_new_call(trunks->provider, &announced))
        return;
    trunks->no_link++;
    unlink_call(trunks, link);
    cf_sip_uas_close(trunk->uas, event->time_ns, event->call, 503);
}

static void post(struct cf_sip_trunk *trunk, const struct cf_sip_event *event, uint32_t state, uint32_t mode)
{
    char cause[24];
    struct cf_call_state change = {.state = state, .mode = mode, .time_ns = (int64_t)event->time_ns};
    if (event->kind == CF_SIP_DISCONNECTED)
        change.raw_cause = (struct cf_text){cause, cf_sip_cause_text(&event->cause, cause)};
    cf_provider_post_call_state(trunk->all->provider, event->user, &change);
}

/* The last event. Where there is no core, none will close the call: it ends here. */
static void idle(struct cf_sip_trunk *trunk, const struct cf_sip_event *event)
{
    struct cf_sip_trunks *trunks = trunk->all;
    struct cf_sip_link *link = link_of(trunks, event->user);
    const struct cf_call_state change = {.state = LINECALLSTATE_IDLE, .time_ns = (int64_t)event->time_ns};
    const enum cf_posted posted = cf_provider_post_call_state(trunks->provider, event->user, &change);
    if (link == NULL)
        return;
    link->uas_call = 0;
    if (posted == CF_POST_STALE)
        unlink_call(trunks, link);
}

static void on_event(void *context, const struct cf_sip_event *event)
{
    struct cf_sip_trunk *trunk = context;
    switch (event->kind) {
    case CF_SIP_OFFERING:
        offer(trunk, event);
        break;
    case CF_SIP_ACCEPTED:
        post(trunk, event, LINECALLSTATE_ACCEPTED, 0);
        break;
    case CF_SIP_CONNECTED:
    case CF_SIP_RESUMED:
        post(trunk, event, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
        break;
    case CF_SIP_HELD:
        post(trunk, event, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVEHELD);
        break;
    case CF_SIP_DISCONNECTED:
        post(trunk, event, LINECALLSTATE_DISCONNECTED, event->mode);
        break;
    case CF_SIP_IDLE:
        idle(trunk, event);
        break;
    }
}

/* ------------------------------------------------------------------ sockets */

static void on_send(void *context, const union cf_sip_addr *to, const char *bytes, size_t len)
{
    struct cf_sip_trunk *trunk = context;
    /* What finds no buffer is lost as it may be on the way: the peer, or our timer, repeats. */
    if (!cf_reactor_send(trunk->all->reactor, trunk->source, bytes, (uint32_t)len, &to->sa, cf_sip_addr_len(to)))
        trunk->all->unsent++;
}

static void on_datagram(void *context, const struct cf_datagram *datagram, int64_t now_ns)
{
    struct cf_sip_trunk *trunk = context;
    union cf_sip_addr from;
    if (datagram->error != 0 || !cf_sip_addr_of(&from, datagram->from, datagram->from_bytes))
        return;
    cf_sip_uas_receive(trunk->uas, (uint64_t)now_ns, &from, (const char *)datagram->data, datagram->bytes,
                       datagram->truncated);
}

static int bind_patiently(int fd, const union cf_sip_addr *addr)
{
    for (int i = 0; i < BIND_TRIES; i++) {
        if (bind(fd, &addr->sa, cf_sip_addr_len(addr)) == 0)
            return 0;
        if (errno != EADDRINUSE)
            return -errno;
        poll(NULL, 0, BIND_PAUSE_MS);
    }
    return -EADDRINUSE;
}

static int open_socket(struct cf_sip_trunk *trunk, const union cf_sip_addr *addr, uint32_t receive_bytes)
{
    const int one = 1;
    const int bytes = (int)receive_bytes;
    socklen_t len = sizeof(trunk->bound);
    trunk->fd = socket(addr->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (trunk->fd < 0)
        return -errno;
    /* The forced form passes net.core.rmem_max, where we may; the plain one takes what is allowed. */
    if (setsockopt(trunk->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
        setsockopt(trunk->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (addr->sa.sa_family == AF_INET6 && setsockopt(trunk->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0)
        return -errno;
    const int rc = bind_patiently(trunk->fd, addr);
    if (rc < 0)
        return rc;
    return getsockname(trunk->fd, &trunk->bound.sa, &len) == 0 ? 0 : -errno;
}

static void *map_memory(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

static int open_uas(struct cf_sip_trunk *trunk, const struct cf_sip_settings *settings)
{
    struct cf_sip_config config = cf_sip_settings_line(settings, trunk->line);
    const struct cf_sip_uas_callbacks callbacks = {on_send, on_event, trunk};
    if (config.port == 0) /* listen on port 0: the kernel chose */
        config.port = cf_sip_addr_port(&trunk->bound);
    if (getrandom(&config.secret, sizeof(config.secret), 0) != (ssize_t)sizeof(config.secret))
        return -EIO;
    if (cf_sip_config_complete(&config) != NULL)
        return -EINVAL;
    trunk->uas_bytes = cf_sip_uas_bytes(&config);
    void *memory = map_memory(trunk->uas_bytes);
    if (memory == NULL)
        return -ENOMEM;
    trunk->uas = cf_sip_uas_init(memory, &config, &callbacks, (uint64_t)cf_clock_ns());
    return 0;
}

static int open_trunk(struct cf_sip_trunks *trunks, unsigned line)
{
    const struct cf_sip_settings *settings = trunks->settings;
    struct cf_sip_trunk *trunk = &trunks->trunk[line];
    *trunk = (struct cf_sip_trunk){.all = trunks, .line = line, .fd = -1, .source = -1};
    int rc = open_socket(trunk, &settings->line[line].listen, settings->receive_bytes);
    if (rc == 0)
        rc = open_uas(trunk, settings);
    if (rc < 0)
        return rc;
    trunk->source = cf_reactor_receive(trunks->reactor, trunk->fd, on_datagram, trunk);
    return trunk->source < 0 ? trunk->source : 0;
}

uint32_t cf_sip_trunks_calls(const struct cf_sip_settings *settings)
{
    /* Beside the live calls there are those that wait for CLOSE_CALL. */
    const uint64_t calls = 2 * (uint64_t)settings->lines * settings->common.calls_max;
    return calls < CF_CALLS_MAX ? (uint32_t)calls : CF_CALLS_MAX;
}

int cf_sip_trunks_open(struct cf_sip_trunks *trunks, const struct cf_sip_settings *settings,
                       struct cf_provider *provider, struct cf_reactor *reactor, char *why, size_t why_bytes)
{
    *trunks = (struct cf_sip_trunks){.settings = settings, .provider = provider, .reactor = reactor};
    trunks->links = cf_sip_trunks_calls(settings);
    trunks->link = map_memory(trunks->links * sizeof(struct cf_sip_link));
    if (trunks->link == NULL) {
        snprintf(why, why_bytes, "no memory for %u calls", trunks->links);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < settings->lines; i++)
        trunks->trunk[i].fd = -1;
    for (unsigned i = 0; i < settings->lines; i++) {
        const int rc = open_trunk(trunks, i);
        if (rc < 0) {
            snprintf(why, why_bytes, "cannot listen on %s: %s", settings->line[i].listen_text, strerror(-rc));
            cf_sip_trunks_close(trunks);
            return rc;
        }
    }
    return 0;
}

void cf_sip_trunks_close(struct cf_sip_trunks *trunks)
{
    if (trunks->settings == NULL)
        return;
    for (unsigned i = 0; i < trunks->settings->lines; i++) {
        struct cf_sip_trunk *trunk = &trunks->trunk[i];
        if (trunk->fd < 0)
            continue;
        if (trunk->source >= 0 && trunk->uas != NULL)
            cf_reactor_remove(trunks->reactor, trunk->source);
        close(trunk->fd);
        if (trunk->uas != NULL)
            munmap(trunk->uas, trunk->uas_bytes);
        *trunk = (struct cf_sip_trunk){.fd = -1};
    }
    if (trunks->link != NULL)
        munmap(trunks->link, trunks->links * sizeof(struct cf_sip_link));
    trunks->link = NULL;
    trunks->settings = NULL;
}

/* ------------------------------------------------------------------ announcing */

static bool announce_line(struct cf_sip_trunks *trunks, unsigned line)
{
    const struct cf_sip_line_settings *settings = &trunks->settings->line[line];
    char name[CF_NAME_MAX];
    snprintf(name, sizeof(name), "SIP %.50s", settings->listen_text);
    return cf_provider_post_line(
        trunks->provider,
        &(struct cf_line_info){
            .line = line,
            .name = name,
            .address = settings->number[0] != '\0' ? settings->number : NULL,
            .info = "callfan-sip " CF_VERSION,
            .caps =
                {
                    .permanent_id = line + 1,
                    .addresses = 1,
                    .bearer_modes = LINEBEARERMODE_VOICE,
                    .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE,
                    .calls_max = trunks->settings->common.calls_max,
                    .answer_mode = LINEANSWERMODE_NONE,
                    .call_features = LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP,
                    .call_states = LINECALLSTATE_IDLE | LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED |
                                   LINECALLSTATE_CONNECTED | LINECALLSTATE_DISCONNECTED,
                },
        });
}

/* The TAPI state of a call that a new core must be told of; 0: none, it is over but for BYE or linger. */
static uint32_t state_of(const struct cf_sip_snapshot *snapshot, uint32_t *ret_mode)
{
    *ret_mode = 0;
    switch (snapshot->state) {
    case CF_SIP_CALL_OFFERING:
        *ret_mode = LINEOFFERINGMODE_ACTIVE;
        return LINECALLSTATE_OFFERING;
    case CF_SIP_CALL_ACCEPTED:
        return LINECALLSTATE_ACCEPTED;
    case CF_SIP_CALL_ANSWERED:
    case CF_SIP_CALL_CONFIRMED:
        *ret_mode = snapshot->held ? LINECONNECTEDMODE_ACTIVEHELD : LINECONNECTEDMODE_ACTIVE;
        return LINECALLSTATE_CONNECTED;
    default:
        return 0;
    }
}

static void announce_call(void *context, const struct cf_sip_snapshot *snapshot)
{
    struct cf_sip_trunk *trunk = context;
    struct cf_sip_trunks *trunks = trunk->all;
    struct cf_sip_link *link = link_of(trunks, snapshot->user);
    struct cf_new_call call = new_call(trunk, snapshot->user, cf_clock_ns());
    call.state = state_of(snapshot, &call.mode);
    call.caller = text_of(snapshot->caller);
    call.caller_name = text_of(snapshot->caller_name);
    call.called = text_of(snapshot->called);
    if (link == NULL || call.state == 0)
        return;
    while (!cf_provider_post_new_call(trunks->provider, &call))
        if (!cf_provider_wait_room(trunks->provider))
            return; /* the end of the snapshot will tell */
}

/* Identifiers of calls that the lost core would have closed. */
static void drop_idle_links(struct cf_sip_trunks *trunks)
{
    for (uint32_t i = 0; i < trunks->links; i++)
        if (trunks->link[i].provider_call != 0 && trunks->link[i].uas_call == 0)
            unlink_call(trunks, &trunks->link[i]);
}

bool cf_sip_trunks_announce(struct cf_sip_trunks *trunks)
{
    if (cf_provider_calls(trunks->provider) != 0)
        drop_idle_links(trunks);
    if (!cf_provider_snapshot_begin(trunks->provider))
        return false;
    for (unsigned i = 0; i < trunks->settings->lines; i++)
        if (!announce_line(trunks, i))
            return false;
    for (unsigned i = 0; i < trunks->settings->lines; i++)
        cf_sip_uas_walk(trunks->trunk[i].uas, announce_call, &trunks->trunk[i]);
    return cf_provider_snapshot_end(trunks->provider);
}

/* ------------------------------------------------------------------ from the core to the user agent */

static int32_t obey(struct cf_sip_trunks *trunks, const struct cf_command *command, uint64_t now_ns)
{
    const struct cf_sip_link *link = link_of(trunks, command->call);
    int rc;
    if (command->id == CF_CMD_MAKE_CALL)
        return LINEERR_OPERATIONUNAVAIL;
    if (link == NULL || link->uas_call == 0)
        return LINEERR_INVALCALLSTATE; /* it became IDLE while the command was on its way */
    switch (command->id) {
    case CF_CMD_ACCEPT:
        rc = cf_sip_uas_accept(link->trunk->uas, now_ns, link->uas_call);
        break;
    case CF_CMD_ANSWER:
        rc = cf_sip_uas_answer(link->trunk->uas, now_ns, link->uas_call);
        break;
    case CF_CMD_DROP:
        rc = cf_sip_uas_drop(link->trunk->uas, now_ns, link->uas_call, trunks->settings->drop_status);
        break;
    default:
        return LINEERR_OPERATIONUNAVAIL;
    }
    return rc == 0 ? 0 : LINEERR_INVALCALLSTATE;
}

/* Nobody wants to hear of the call any more. */
static void forget(struct cf_sip_trunks *trunks, uint64_t call, unsigned status, uint64_t now_ns)
{
    struct cf_sip_link *link = link_of(trunks, call);
    if (link == NULL)
        return;
    const struct cf_sip_link old = *link;
    unlink_call(trunks, link);
    if (old.uas_call != 0)
        cf_sip_uas_close(old.trunk->uas, now_ns, old.uas_call, status);
}

void cf_sip_trunks_command(struct cf_sip_trunks *trunks, const struct cf_command *command, int64_t now_ns)
{
    const uint64_t now = (uint64_t)now_ns;
    if (cf_command_wants_reply(command->id)) {
        const int32_t result = obey(trunks, command, now);
        cf_provider_reply(trunks->provider, command->number, result, command->call);
    } else if (command->id == CF_CMD_CLOSE_CALL) {
        forget(trunks, command->call, trunks->settings->drop_status, now);
    } else if (command->id == CF_CMD_REFUSED) {
        forget(trunks, command->call, command->refusal == CF_REFUSAL_NOBODY ? 480 : 503, now);
    }
    /* OPEN_LINE and CLOSE_LINE change nothing: a trunk line offers its calls whether or not somebody listens. */
}

int64_t cf_sip_trunks_tick(struct cf_sip_trunks *trunks, int64_t now_ns)
{
    uint64_t next = CF_SIP_TIMER_NEVER;
    for (unsigned i = 0; i < trunks->settings->lines; i++) {
        struct cf_sip_uas *uas = trunks->trunk[i].uas;
        cf_sip_uas_tick(uas, (uint64_t)now_ns);
        const uint64_t deadline = cf_sip_uas_next_deadline(uas);
        next = deadline < next ? deadline : next;
    }
    return next < (uint64_t)CF_REACTOR_NEVER ? (int64_t)next : CF_REACTOR_NEVER;
}

void cf_sip_trunks_pause(struct cf_sip_trunks *trunks, bool paused)
{
    if (trunks->paused == paused)
        return;
    trunks->paused = paused;
    for (unsigned i = 0; i < trunks->settings->lines; i++) {
        cf_reactor_pause(trunks->reactor, trunks->trunk[i].source, paused);
        cf_sip_uas_overload(trunks->trunk[i].uas, paused);
    }
}

void cf_sip_trunks_counters(const struct cf_sip_trunks *trunks, struct cf_sip_counters *ret_sum)
{
    *ret_sum = (struct cf_sip_counters){0};
    for (unsigned i = 0; i < trunks->settings->lines; i++) {
        const struct cf_sip_counters *c = cf_sip_uas_counters(trunks->trunk[i].uas);
#define X(name) ret_sum->name += c->name;
        CF_SIP_COUNTERS(X)
#undef X
        for (unsigned k = 0; k < CF_SIP_ERRORS_COUNT; k++)
            ret_sum->malformed_by_kind[k] += c->malformed_by_kind[k];
    }
}
