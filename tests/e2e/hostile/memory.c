/* What an application can do to the core with its own memory alone. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <sys/mman.h>

#include "tests/e2e/hostile/hostile.h"

enum { BURST = 256 };

/* ------------------------------------------------------------------ scribble */

static uint64_t *any_word(struct hostile *h)
{
    struct raw_port *p = &h->port;
    static const size_t peer_words[] = {offsetof(struct cf_port_up, down_ack),
                                        offsetof(struct cf_port_up, messages_acked),
                                        offsetof(struct cf_port_up, cancelled), offsetof(struct cf_port_up, wake_at),
                                        offsetof(struct cf_port_up, reply_waiting)};
    size_t at = raw_below(&h->random, 2) == 0
                    ? peer_words[raw_below(&h->random, sizeof peer_words / sizeof peer_words[0])]
                    : raw_below(&h->random, p->up_bytes / 8) * 8;
    return (uint64_t *)(void *)((uint8_t *)p->up + at);
}

/* A commit word that the core believes, in front of whatever lies in its slot. */
static void commit_something(struct hostile *h)
{
    struct raw_port *p = &h->port;
    uint64_t at = cf_load_acquire_64(&p->down->up.up_ack) + raw_below(&h->random, 4);
    raw_commit(p, at, at + 1);
}

void hostile_scribble(struct hostile *h)
{
    while (hostile_join(h))
        for (int i = 0; i < BURST; i++, h->acts++) {
            uint64_t value = hostile_number(h);
            if (raw_below(&h->random, 4) == 0)
                value = cf_load_relaxed_64(&h->port.down->down.tail) + raw_below(&h->random, 5) - 2;
            cf_store_relaxed_64(any_word(h), value);
            commit_something(h);
            raw_ring_bell(&h->port);
        }
}

/* ------------------------------------------------------------------ records */

static void random_message(struct hostile *h, struct cf_message *m)
{
    static const uint16_t ranges[] = {0x2000, 0x2020, 0x2040, 0x3000, 0x4000, 0x5000};
    uint64_t *random = &h->random;
    *m = (struct cf_message){
        .sequence = hostile_number(h),
        .time_ns = (int64_t)hostile_number(h),
        .device = hostile_handle(h),
        .param1 = hostile_number(h),
        .param2 = hostile_number(h),
        .param3 = hostile_number(h),
        .id = (uint16_t)(ranges[raw_below(random, 6)] + raw_below(random, 16)),
        .slots = 1,
        .flags = (uint8_t)raw_below(random, raw_below(random, 2) == 0 ? 64 : 256),
        .open_line = (uint32_t)hostile_number(h),
    };
    if (raw_below(random, 8) == 0)
        m->id = (uint16_t)hostile_number(h);
}

/* Payload that is a list of fields, or looks like one. */
static void random_slot(struct hostile *h, struct cf_slot *s)
{
    for (size_t i = 0; i < sizeof s->body; i++)
        s->body[i] = (uint8_t)raw_random(&h->random);
    uint16_t head[2] = {(uint16_t)raw_below(&h->random, 24), (uint16_t)raw_below(&h->random, 80)};
    memcpy(s->body + raw_below(&h->random, 2) * 4, head, sizeof head);
}

/* One record at the producer's place, wrong in one of several ways. */
static void wrong_record(struct hostile *h)
{
    struct raw_port *p = &h->port;
    uint64_t *random = &h->random, at = p->out.tail, left = p->out.mask + 1 - (at & p->out.mask);
    uint64_t how = raw_below(random, 10),
             slots = raw_below(random, 2) == 0 ? 1 : 1 + raw_below(random, CF_RECORD_SLOTS_MAX);
    struct cf_message m;
    struct cf_slot s = {0};
    random_message(h, &m);
    m.slots = (uint8_t)slots;
    if (how == 0) /* a length that cannot be, or across the end */
        m.slots = (uint8_t)(raw_below(random, 2) == 0 ? 0 : 65 + raw_below(random, 190));
    else if (how == 1 && left < CF_RECORD_SLOTS_MAX)
        m.slots = (uint8_t)(left + 1);
    else if (how == 2)
        m.id = CF_MESSAGE_FILLER;
    if (slots > left)
        slots = left;
    raw_write_slot(p, at, &m);
    for (uint64_t i = 1; i < slots; i++) {
        random_slot(h, &s);
        raw_write_slot(p, at + i, &s);
        if (how != 3) /* half written: the first alone */
            raw_commit(p, at + i, at + i + (how == 4 ? raw_below(random, 3) : 1));
    }
    raw_commit(p, at, at + 1);
    p->out.tail = at + slots;
}

/* Goes on where the core is. */
static void follow(struct raw_port *p)
{
    uint64_t ack = cf_load_acquire_64(&p->down->up.up_ack);
    if (ack > p->out.tail || p->out.tail - ack > p->out.mask - CF_RECORD_SLOTS_MAX)
        p->out.tail = ack;
}

void hostile_records(struct hostile *h)
{
    while (hostile_join(h)) {
        if (h->port.sequence == 0 && !hostile_open_lines(h, LINECALLPRIVILEGE_MONITOR))
            continue;
        for (int i = 0; i < BURST && !raw_hung_up(&h->port); i++, h->acts++) {
            follow(&h->port);
            wrong_record(h);
            raw_ring_bell(&h->port);
        }
        hostile_read(h, BURST);
    }
}

/* ------------------------------------------------------------------ double-read */

struct racer {
    struct hostile *h;
    uint64_t random;
    uint32_t stop;
};

/* The second thread: words of the slots that the core is about to read, now this way and now that. */
static void *change_words(void *arg)
{
    struct racer *r = arg;
    struct raw_port *p = &r->h->port;
    struct cf_message m;
    while (cf_load_acquire_32(&r->stop) == 0) {
        uint64_t at = cf_load_acquire_64(&p->down->up.up_ack) + raw_below(&r->random, 4);
        uint64_t *words = (uint64_t *)(void *)raw_up_slot(p, at);
        memset(&m, 0, sizeof m);
        m.id = (uint16_t)(0x2000 + raw_below(&r->random, 0x50));
        m.slots = (uint8_t)raw_below(&r->random, 70);
        m.flags = (uint8_t)raw_below(&r->random, 70);
        m.open_line = (uint32_t)raw_below(&r->random, 4);
        uint64_t last;
        memcpy(&last, &m.id, sizeof last);
        cf_store_relaxed_64(&words[7], last);
        cf_store_relaxed_64(&words[3 + raw_below(&r->random, 4)], raw_random(&r->random));
        cf_store_relaxed_64(&words[0], at + raw_below(&r->random, 2));
        cf_store_relaxed_64(&p->up->down_ack, cf_load_relaxed_64(&p->down->down.tail) - raw_below(&r->random, 3));
        cf_store_relaxed_64(&p->up->reply_waiting, raw_random(&r->random));
    }
    return NULL;
}

static void race_once(struct hostile *h)
{
    struct racer r = {.h = h, .random = raw_random(&h->random) | 1};
    pthread_t thread;
    if (pthread_create(&thread, NULL, change_words, &r) != 0) {
        h->given_up = true;
        return;
    }
    while (hostile_goes_on(h) && !raw_hung_up(&h->port)) {
        struct cf_message m;
        uint64_t at = cf_load_acquire_64(&h->port.down->up.up_ack);
        random_message(h, &m);
        m.slots = (uint8_t)(1 + raw_below(&h->random, 3));
        for (uint64_t i = m.slots; i-- > 0;) {
            raw_write_slot(&h->port, at + i, &m);
            raw_commit(&h->port, at + i, at + i + 1);
        }
        raw_ring_bell(&h->port);
        h->acts++;
    }
    cf_store_release_32(&r.stop, 1);
    pthread_join(thread, NULL);
}

void hostile_double_read(struct hostile *h)
{
    while (hostile_join(h))
        race_once(h);
}

/* ------------------------------------------------------------------ sleeping */

void hostile_sleeping(struct hostile *h)
{
    struct cf_record r;
    h->hello.wake_interval_us = 0; /* every bell it can get */
    while (hostile_join(h)) {
        struct raw_port *p = &h->port;
        if (h->opened == 0 && !hostile_open_lines(h, LINECALLPRIVILEGE_MONITOR))
            continue;
        for (int i = 0; i < BURST; i++, h->acts++) {
            uint64_t tail = cf_load_relaxed_64(&p->down->down.tail);
            cf_store_relaxed_64(&p->up->reply_waiting, UINT64_MAX);
            cf_store_relaxed_64(&p->up->wake_at, tail - raw_below(&h->random, 64));
            raw_record(&r, CF_REQ_PING, 0, 0, 0, 0)->m.flags = (uint8_t)raw_below(&h->random, CF_REPLY_SLOTS);
            if (!raw_put(p, &r, h->end_ns))
                break;
            cf_store_relaxed_64(&p->up->wake_at, raw_below(&h->random, 2) == 0 ? 0 : hostile_number(h));
            cf_store_relaxed_64(&p->up->reply_waiting, hostile_number(h));
        }
        hostile_read(h, BURST);
    }
}

/* ------------------------------------------------------------------ liar */

void hostile_liar(struct hostile *h)
{
    while (hostile_join(h)) {
        struct raw_port *p = &h->port;
        if (h->opened == 0 && !hostile_open_lines(h, LINECALLPRIVILEGE_MONITOR))
            continue;
        for (int i = 0; i < BURST; i++, h->acts++) {
            uint64_t tail = cf_load_relaxed_64(&p->down->down.tail), how = raw_below(&h->random, 5);
            uint64_t ack = how == 0   ? tail /* read nothing, acknowledge all */
                           : how == 1 ? tail + 1 + raw_below(&h->random, 1000)
                           : how == 2 ? tail - raw_below(&h->random, 1000)
                                      : hostile_number(h);
            cf_store_release_64(&p->up->down_ack, ack);
            cf_store_relaxed_64(&p->up->messages_acked, how == 3 ? tail : hostile_number(h));
            cf_store_relaxed_64(&p->up->cancelled, how == 4 ? tail + 7 : hostile_number(h));
            cf_store_relaxed_64(&p->up->wake_at, hostile_number(h));
        }
        raw_sleep_us(100);
    }
}

/* ------------------------------------------------------------------ punch */

/* A page fault of the core waits for a hole that is being punched, and the punching interrupts whoever has the page mapped. */
static void *punch_holes(void *arg)
{
    struct racer *r = arg;
    const struct raw_port *p = &r->h->port;
    while (cf_load_acquire_32(&r->stop) == 0) {
        off_t from = raw_below(&r->random, 2) == 0 ? 0 : (off_t)(raw_below(&r->random, p->up_bytes / 4096) * 4096);
        if (fallocate(p->fds[RAW_UP], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, (off_t)p->up_bytes - from) != 0)
            madvise(p->up, p->up_bytes, MADV_REMOVE);
    }
    return NULL;
}

void hostile_punch(struct hostile *h)
{
    while (hostile_join(h)) {
        struct racer r = {.h = h, .random = raw_random(&h->random) | 1};
        pthread_t thread;
        if (!hostile_open_lines(h, LINECALLPRIVILEGE_MONITOR))
            continue;
        if (pthread_create(&thread, NULL, punch_holes, &r) != 0)
            abort();
        while (hostile_goes_on(h) && !raw_hung_up(&h->port)) {
            struct cf_record record;
            uint64_t at = cf_load_acquire_64(&h->port.down->up.up_ack);
            raw_write_slot(&h->port, at, &raw_record(&record, CF_REQ_PING, 0, 0, 0, 0)->m);
            raw_commit(&h->port, at, at + 1);
            raw_ring_bell(&h->port);
            cf_store_release_64(&h->port.up->down_ack, cf_load_relaxed_64(&h->port.down->down.tail));
            h->acts++;
        }
        cf_store_release_32(&r.stop, 1);
        pthread_join(thread, NULL);
    }
}
