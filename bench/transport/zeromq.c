/*
 * ZeroMQ, PUSH to PULL over ipc:// (a Unix socket of the abstract namespace): each end has a thread of the library's beside its own, on the
 * same CPU. PUSH drops nothing: at its high-water mark, of 1,000 messages unless told otherwise, it waits; so it is shown with that mark and
 * with one of 16,384. It has no spinning: a thread that does so would take the CPU from the library's.
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

#include "bench/transport/transport.h"

#define DEEP 16384

static char address_there[64], address_back[64];
static int mark; /* 0: the library's default */
static void *context, *out, *in;

static bool open_named(struct transport_link *l, int high_water_mark)
{
    static unsigned link;
    (void)l;
    mark = high_water_mark;
    link++;
    snprintf(address_there, sizeof address_there, "ipc://@callfan-bench-%d-%u-there", (int)getpid(), link);
    snprintf(address_back, sizeof address_back, "ipc://@callfan-bench-%d-%u-back", (int)getpid(), link);
    return true;
}

static bool open_usual(struct transport_link *l)
{
    return open_named(l, 0);
}

static bool open_deep(struct transport_link *l)
{
    return open_named(l, DEEP);
}

static void close_names(struct transport_link *l)
{
    (void)l;
}

static void *new_socket(int type)
{
    const int none = 0;
    void *socket = zmq_socket(context, type);
    if (socket == NULL || zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none) != 0)
        return NULL;
    const int option = type == ZMQ_PUSH ? ZMQ_SNDHWM : ZMQ_RCVHWM;
    return mark == 0 || zmq_setsockopt(socket, option, &mark, sizeof mark) == 0 ? socket : NULL;
}

/* The near end is bound, the far end connects, again and again until that is so. */
static bool join(struct transport_link *l)
{
    int (*const place)(void *, const char *) = l->far ? zmq_connect : zmq_bind;
    context = zmq_ctx_new();
    if (context == NULL || (out = new_socket(ZMQ_PUSH)) == NULL || (in = new_socket(ZMQ_PULL)) == NULL ||
        place(out, l->far ? address_back : address_there) != 0 || place(in, l->far ? address_there : address_back) != 0)
        return transport_fail(l, "no sockets of ZeroMQ");
    return true;
}

static void leave(struct transport_link *l)
{
    (void)l;
    zmq_close(out);
    zmq_close(in);
    zmq_ctx_term(context);
}

static bool send_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    static uint8_t message[TRANSPORT_BYTES_MAX];
    numbered_fill(message, l->bytes);
    for (uint64_t i = 0; i < count; i++) {
        numbered_set(message, l->bytes, first + i);
        if (zmq_send(out, message, l->bytes, 0) != (int)l->bytes)
            return transport_fail(l, "ZeroMQ does not take a message");
    }
    return true;
}

static bool receive_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    static uint8_t message[TRANSPORT_BYTES_MAX];
    for (uint64_t i = 0; i < count; i++)
        if (zmq_recv(in, message, sizeof message, 0) != (int)l->bytes ||
            !numbered_is(message, l->bytes, first + i))
            return transport_fail_message(l);
    return true;
}

const struct transport transport_zeromq = {
    .name = "zeromq",
    .modes = TRANSPORT_SLEEPING,
    .open = open_usual,
    .join = join,
    .send = send_messages,
    .receive = receive_messages,
    .leave = leave,
    .close = close_names,
};

const struct transport transport_zeromq_deep = {
    .name = "zeromq_16384",
    .modes = TRANSPORT_SLEEPING,
    .open = open_deep,
    .join = join,
    .send = send_messages,
    .receive = receive_messages,
    .leave = leave,
    .close = close_names,
};
