/*
 * The reactor of the adapters with callfan-sip's sizes, through its own interface: a turn is what cf_provider_turn() makes of it while no core has
 * anything to say. Answers are sent by cf_reactor_send() from within the callback, as cf_sip_transport_send() does.
 */
#include "adapters/provider/reactor.h"

#include <stdio.h>

#include "bench/datagrams/receiver.h"

#define SENDS_COUNT 2048 /* adapters/sip/main.c: SENDS */

static struct cf_reactor *reactor;
static int source;

static void on_datagram(void *arg, const struct cf_datagram *datagram, int64_t now_ns)
{
    struct receiver_link *l = arg;
    (void)now_ns;
    if (datagram->error != 0) {
        l->failed = true;
        return;
    }
    receiver_take(l, datagram->data, datagram->bytes);
    if (l->answers &&
        !cf_reactor_send(reactor, source, receiver_answer(l), sizeof l->answer, datagram->from, datagram->from_bytes))
        l->unanswered++;
}

static bool open_reactor(struct receiver_link *l)
{
    static char why[256];
    const struct cf_reactor_options sizes = {
        .buffer_bytes = DATAGRAM_ROOM_BYTES,
        .send_bytes = DATAGRAM_ROOM_BYTES,
        .sends_count = SENDS_COUNT,
        .streams = true,
    };
    if (cf_reactor_open(&reactor, &sizes, why, sizeof why) < 0)
        return receiver_fail(l, why);
    source = cf_reactor_receive(reactor, l->fd, on_datagram, l);
    return source >= 0 || receiver_fail(l, "the reactor takes no socket");
}

static bool receive(struct receiver_link *l, uint64_t goal)
{
    while (l->received < goal && !l->failed)
        if (cf_reactor_turn(reactor, cf_clock_ns() + RECEIVER_WAIT_MS * CF_NS_PER_MS) < 0)
            return receiver_fail(l, "a turn of the reactor failed");
    return true;
}

/* What the kernel put into buffers already is handed out before: a source that is removed hears of nothing. */
static void close_reactor(struct receiver_link *l)
{
    struct cf_reactor_counters c;
    cf_reactor_pause(reactor, source, true);
    while (cf_reactor_turn(reactor, cf_clock_ns() + CF_NS_PER_MS) > 0)
        ;
    cf_reactor_counters(reactor, &c);
    l->unanswered += c.send_errors;
    cf_reactor_close(reactor);
    reactor = NULL;
}

const struct receiver receiver_reactor = {"reactor", open_reactor, receive, close_reactor};
