/*
 * iceoryx: chunks of shared memory are lent, filled and published, and taken in place at the other end. One topic in each direction; the
 * subscriber's queue is as long as it can be, 256, and the publisher waits for it, so nothing is dropped. Spinning asks for a chunk again and
 * again; sleeping waits with a wait set. Needs RouDi (roudi.h).
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <unistd.h>

#include <iceoryx_binding_c/config.h>
#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>
#include <iceoryx_binding_c/wait_set.h>

#include "bench/transport/roudi.h"
#include "bench/transport/transport.h"

#define PATIENCE_MS 10000

static unsigned link_number;
static iox_pub_storage_t publisher_storage;
static iox_sub_storage_t subscriber_storage;
static iox_ws_storage_t wait_set_storage;
static iox_pub_t publisher;
static iox_sub_t subscriber;
static iox_ws_t wait_set;

static bool open_link(struct transport_link *l)
{
    link_number++;
    return roudi_start(&l->why);
}

static void close_link(struct transport_link *l)
{
    (void)l; /* RouDi stays for the next link and ends with the program */
}

static iox_pub_t new_publisher(const char *link, const char *direction)
{
    iox_pub_options_t options;
    iox_pub_options_init(&options);
    options.subscriberTooSlowPolicy = ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
    return iox_pub_init(&publisher_storage, "callfan", link, direction, &options);
}

static iox_sub_t new_subscriber(const char *link, const char *direction)
{
    iox_sub_options_t options;
    iox_sub_options_init(&options);
    options.queueCapacity = iox_cfg_max_subscriber_queue_capacity();
    options.queueFullPolicy = QueueFullPolicy_BLOCK_PRODUCER;
    return iox_sub_init(&subscriber_storage, "callfan", link, direction, &options);
}

/* RouDi brings both ends together after both have told it what they want. */
static bool is_joined(void)
{
    return iox_pub_has_subscribers(publisher) &&
           iox_sub_get_subscription_state(subscriber) == SubscribeState_SUBSCRIBED;
}

static bool join(struct transport_link *l)
{
    char name[64], link[32];
    snprintf(name, sizeof name, "callfan-bench-%d", (int)getpid());
    snprintf(link, sizeof link, "%d-%u", (int)getppid(), link_number);
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    iox_runtime_init(name);
    publisher = new_publisher(link, l->far ? "back" : "there");
    subscriber = new_subscriber(link, l->far ? "there" : "back");
    if (l->mode == TRANSPORT_SLEEPING) {
        wait_set = iox_ws_init(&wait_set_storage);
        if (iox_ws_attach_subscriber_state(wait_set, subscriber, SubscriberState_HAS_DATA, 1, NULL) !=
            WaitSetResult_SUCCESS)
            return transport_fail(l, "iceoryx has no wait set");
    }
    for (int ms = 0; !is_joined(); ms++) {
        if (ms == PATIENCE_MS)
            return transport_fail(l, "iceoryx does not bring the ends together");
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return true;
}

static void leave(struct transport_link *l)
{
    if (l->mode == TRANSPORT_SLEEPING) {
        iox_ws_detach_subscriber_state(wait_set, subscriber, SubscriberState_HAS_DATA);
        iox_ws_deinit(wait_set);
    }
    iox_sub_deinit(subscriber);
    iox_pub_deinit(publisher);
    /* The library leaves RouDi at exit. No iox_runtime_shutdown(): with it, exit hangs now and then, waiting for an answer of RouDi's. */
}

static bool send_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    static uint8_t message[TRANSPORT_BYTES_MAX];
    numbered_fill(message, l->bytes);
    for (uint64_t i = 0; i < count; i++) {
        void *chunk;
        if (iox_pub_loan_chunk(publisher, &chunk, (uint32_t)l->bytes) != AllocationResult_SUCCESS)
            return transport_fail(l, "iceoryx lends no chunk");
        numbered_set(message, l->bytes, first + i);
        memcpy(chunk, message, l->bytes);
        iox_pub_publish_chunk(publisher, chunk);
    }
    return true;
}

static const void *take(struct transport_link *l)
{
    iox_notification_info_t notification;
    const void *chunk;
    uint64_t missed;
    uint32_t spins = 0;
    for (;;) {
        enum iox_ChunkReceiveResult result = iox_sub_take_chunk(subscriber, &chunk);
        if (result == ChunkReceiveResult_SUCCESS)
            return chunk;
        if (result != ChunkReceiveResult_NO_CHUNK_AVAILABLE)
            return NULL;
        if (l->mode == TRANSPORT_SPINNING)
            transport_spin(&spins);
        else
            iox_ws_wait(wait_set, &notification, 1, &missed);
    }
}

static bool receive_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const void *chunk = take(l);
        if (chunk == NULL || !numbered_is(chunk, l->bytes, first + i))
            return transport_fail_message(l);
        iox_sub_release_chunk(subscriber, chunk);
    }
    return true;
}

const struct transport transport_iceoryx = {
    .name = "iceoryx",
    .modes = TRANSPORT_SPINNING + TRANSPORT_SLEEPING,
    .open = open_link,
    .join = join,
    .send = send_messages,
    .receive = receive_messages,
    .leave = leave,
    .close = close_link,
};
