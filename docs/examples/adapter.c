/*
 * A whole adapter: a door phone that speaks UDP. "ring NAME" begins a call on its one line, "open" says
 * that the door was answered there, "stop" that the visitor left. An application's lineAnswer sends "talk" to the
 * phone, lineDrop sends "hang up". See docs/adapters/writing.md.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "adapters/provider/options.h"
#include "adapters/provider/port.h"
#include "adapters/provider/sandbox.h"
#include "callfan/tapi.h"

struct door {
    struct cf_provider *provider;
    struct cf_reactor *reactor;
    int source; /* of the reactor: the UDP socket */
    struct sockaddr_storage phone;
    socklen_t phone_bytes;
    uint64_t call; /* identifier of the live call, 0: none */
    uint32_t state;
    bool stopping;
};

static void report(struct door *d, uint32_t state, uint32_t mode, int64_t now)
{
    const struct cf_call_state s = {.state = state, .mode = mode, .time_ns = now};
    if (d->call == 0 || d->state == LINECALLSTATE_IDLE)
        return;
    d->state = state;
    cf_provider_post_call_state(d->provider, d->call, &s);
}

static void ring(struct door *d, const char *name, uint32_t bytes, int64_t now)
{
    if (d->call != 0 && d->state != LINECALLSTATE_IDLE)
        return; /* one visitor at a time; of a former one applications may keep handles for as long as they like */
    d->call = cf_provider_call_new(d->provider, NULL);
    d->state = LINECALLSTATE_OFFERING;
    const struct cf_new_call c = {.call = d->call,
                                  .state = d->state,
                                  .mode = LINEOFFERINGMODE_ACTIVE,
                                  .origin = LINECALLORIGIN_EXTERNAL,
                                  .reason = LINECALLREASON_DIRECT,
                                  .time_ns = now,
                                  .caller_name = {name, bytes}};
    if (!cf_provider_post_new_call(d->provider, &c)) { /* no room: as if nobody had rung */
        cf_provider_call_free(d->provider, d->call);
        d->call = 0;
    }
}

static void on_datagram(void *arg, const struct cf_datagram *datagram, int64_t now)
{
    struct door *d = arg;
    const char *text = (const char *)datagram->data;
    if (datagram->error != 0) {
        d->stopping = true; /* the socket is of no more use */
        return;
    }
    memcpy(&d->phone, datagram->from, datagram->from_bytes);
    d->phone_bytes = datagram->from_bytes;
    if (datagram->bytes > 5 && memcmp(text, "ring ", 5) == 0) {
        ring(d, text + 5, datagram->bytes - 5, now);
    } else if (datagram->bytes >= 4 && memcmp(text, "open", 4) == 0) {
        report(d, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE, now);
    } else if (datagram->bytes >= 4 && memcmp(text, "stop", 4) == 0) {
        report(d, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL, now);
        report(d, LINECALLSTATE_IDLE, 0, now);
    }
}

static void obey(struct door *d, const struct cf_command *c, int64_t now)
{
    bool ours = c->call != 0 && c->call == d->call && d->state != LINECALLSTATE_IDLE;
    const char *word = c->id == CF_CMD_ANSWER ? "talk" : "hang up";
    if (c->id == CF_CMD_CLOSE_CALL || c->id == CF_CMD_REFUSED) { /* the core has done with it */
        cf_provider_call_free(d->provider, c->call);
        if (c->call == d->call)
            d->call = 0;
    } else if (cf_command_wants_reply(c->id)) {
        bool can = c->id == CF_CMD_ANSWER || c->id == CF_CMD_DROP;
        cf_provider_reply(d->provider, c->number,
                          !can    ? LINEERR_OPERATIONUNAVAIL
                          : !ours ? LINEERR_INVALCALLSTATE
                                  : 0,
                          c->call);
        if (!can || !ours)
            return;
        cf_reactor_send(d->reactor, d->source, word, (uint32_t)strlen(word), (struct sockaddr *)&d->phone,
                        d->phone_bytes);
        report(d, c->id == CF_CMD_ANSWER ? LINECALLSTATE_CONNECTED : LINECALLSTATE_IDLE,
               c->id == CF_CMD_ANSWER ? LINECONNECTEDMODE_ACTIVE : 0, now);
    }
}

static bool announce(struct door *d)
{
    const struct cf_line_info line = {
        .line = 0,
        .name = "Front door",
        .info = "door phone 1.0",
        .caps = {.calls_max = 1, .call_features = LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP}};
    return cf_provider_snapshot_begin(d->provider) && cf_provider_post_line(d->provider, &line) &&
           cf_provider_snapshot_end(d->provider);
}

static void on_signal(void *arg, int number, int64_t now)
{
    struct door *d = arg;
    (void)now;
    d->stopping |= number != SIGHUP;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "door phone: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct door d;
    static struct cf_command command;
    struct cf_options o;
    cfg_opt_t keys[] = {CFG_INT("port", 5077, CFGF_NONE), CFG_END()};
    cfg_t *cfg;
    char why[256] = "";
    long port = 0;
    cf_sandbox_begin();
    enum cf_options_parsed parsed = cf_options_parse(
        argc, argv, &(struct cf_options_program){"door-phone", "door", "A door phone.", NULL}, &o, why, sizeof why);
    if (parsed == CF_OPTIONS_DONE)
        return EXIT_SUCCESS;
    if (parsed == CF_OPTIONS_BAD || cf_options_section(&o, keys, &cfg, why, sizeof why) < 0 ||
        cf_options_int(&o, cfg, "port", 1, 65535, &port, why, sizeof why) < 0)
        return fail("configuration", why);
    cfg_free(cfg);

    struct sockaddr_in here = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) < 0)
        return fail("socket", "cannot bind the UDP port");
    if (cf_reactor_open(&d.reactor, NULL, why, sizeof why) < 0 || cf_reactor_signals(d.reactor, on_signal, &d) < 0 ||
        (d.source = cf_reactor_receive(d.reactor, fd, on_datagram, &d)) < 0)
        return fail("reactor", why);
    const struct cf_provider_options options = {.socket_path = o.socket_path, .name = o.name, .calls_max = 64};
    if (cf_provider_new(&d.provider, &options) < 0 || cf_sandbox_enter(0, why, sizeof why) < 0 ||
        cf_provider_attach(d.provider, 30 * CF_NS_PER_S, why, sizeof why) < 0 || !announce(&d))
        return fail("attach", why);
    while (!d.stopping && cf_provider_attached(d.provider)) {
        while (cf_provider_next_command(d.provider, &command))
            obey(&d, &command, cf_clock_ns());
        if (cf_provider_turn(d.provider, d.reactor, CF_REACTOR_NEVER) < 0)
            return fail("reactor", "the io_uring failed");
    }
    cf_provider_free(d.provider);
    cf_reactor_close(d.reactor);
    return d.stopping ? EXIT_SUCCESS : EXIT_FAILURE; /* callfand starts it again */
}
