/*
 * Requests: the up ring's producer, the reply slots, and what is outstanding.
 *
 * Shape      synchronous: one of CF_REPLY_SLOTS slots from begin to end; asynchronous: one of CF_REQUESTS_PER_PORT_MAX entries from the
 *            call to its LINE_REPLY, the entry's number in the low bits of the request id
 * Invariant  request sequences are dense from 1 in the order of the ring; an entry stands before its record is published
 * Writers    under up_lock: ring, sequence, entries that begin. The consumer ends entries; any thread frees its reply slot
 * Progress   a full ring makes the caller wait, which ends: the core takes records whatever else happens, or it is gone
 * Errors     OPERATIONFAILED: the service is gone, or the usage is shut down meanwhile; REQUESTOVERRUN
 * Trust      answers come from memory that only the core writes; lengths are clamped all the same
 */
#define _GNU_SOURCE 1
#include <assert.h>
#include <string.h>
#include <time.h>

#include "client/internal.h"
#include "shm/sys_bell.h"
#include "shm/sys_futex.h"

#define ENTRY_BITS 10
#define ENTRY_MASK ((UINT32_C(1) << ENTRY_BITS) - 1)
#define SERIAL_MAX ((UINT32_C(1) << (31 - ENTRY_BITS)) - 1)
_Static_assert(CF_REQUESTS_PER_PORT_MAX == 1 << ENTRY_BITS, "the entry's number is part of the id");

#define ID_MAX   UINT32_C(0x7FFFFFFF)
#define ID_TAKEN UINT32_C(0x80000000) /* the consumer reads the entry */

#define FULL_SPINS    2000u /* looks at a full ring before sleeping */
#define FULL_SLEEP_NS 50000 /* between looks after that */
#define SPIN_LOOKS    64u   /* looks between two readings of the clock */

void cf_request_init(struct cf_record *r, uint16_t id, uint64_t device, uint32_t open_line)
{
    r->m = (struct cf_message){.device = device, .id = id, .flags = CF_NO_REPLY, .open_line = open_line};
    r->payload_bytes = 0;
}

/* ------------------------------------------------------------------ the ring, under up_lock */

static void ring_bell(struct cf_usage *u)
{
    cf_fence_store_load(); /* W0: our commit before the core's word; pairs with the fence in cf_engine_sleep() */
    if (cf_load_relaxed_32(&u->down->up.sleeping) != 0)
        cf_bell_ring_up(u->up_bell); /* a core that died is told of by the socket */
}

/* What has time goes with what is taken next; the core looks for it by itself, so long as it holds handles of ended calls. */
static bool has_time(struct cf_usage *u)
{
    const uint64_t enough = u->producer.mask / 4 * 3;
    return cf_ring_free_seen(&u->producer) > enough || cf_ring_free(&u->producer) > enough;
}

/* False: the service is gone. */
static bool put(struct cf_usage *u, struct cf_record *r, bool urgent)
{
    if (cf_load_acquire_32(&u->gone) != 0)
        return false;
    r->m.sequence = u->request_sequence + 1;
    for (uint32_t looks = 0; !cf_ring_put(&u->producer, r); looks++) {
        if (looks < FULL_SPINS) {
            cf_pause();
            continue;
        }
        ring_bell(u);
        if (cf_usage_hung_up(u))
            return false;
        nanosleep(&(struct timespec){0, FULL_SLEEP_NS}, NULL);
    }
    u->request_sequence++;
    if (urgent || !has_time(u))
        ring_bell(u);
    return true;
}

bool cf_request_silent(struct cf_usage *u, struct cf_record *r, bool urgent)
{
    pthread_mutex_lock(&u->up_lock);
    bool sent = put(u, r, urgent);
    pthread_mutex_unlock(&u->up_lock);
    return sent;
}

/* ------------------------------------------------------------------ synchronous */

/* Takes up_lock and a free reply slot; false without either: everybody is to leave. */
static bool lock_with_slot(struct cf_usage *u, uint32_t *ret_slot)
{
    for (;;) {
        pthread_mutex_lock(&u->up_lock);
        uint64_t free_slots = cf_load_acquire_64(&u->reply_free); /* S0 pairs with S0 in give_back() */
        if (free_slots != 0) {
            *ret_slot = (uint32_t)__builtin_ctzll(free_slots);
            cf_and_acq_rel_64(&u->reply_free, ~(UINT64_C(1) << *ret_slot));
            return true;
        }
        pthread_mutex_unlock(&u->up_lock);
        if (cf_usage_closing(u) || cf_usage_hung_up(u))
            return false;
        nanosleep(&(struct timespec){0, FULL_SLEEP_NS}, NULL); /* 64 threads wait for answers already */
    }
}

static void give_back(struct cf_usage *u, uint32_t slot)
{
    cf_or_acq_rel_64(&u->reply_free, UINT64_C(1) << slot); /* S0: the answer was read */
}

LONG cf_request_begin(struct cf_usage *u, struct cf_record *r, struct cf_ticket *ret_ticket)
{
    uint32_t slot;
    if (!lock_with_slot(u, &slot))
        return LINEERR_OPERATIONFAILED;
    r->m.flags = (uint8_t)slot;
    bool sent = put(u, r, true);
    *ret_ticket = (struct cf_ticket){slot, r->m.sequence};
    pthread_mutex_unlock(&u->up_lock);
    if (sent)
        return 0;
    give_back(u, slot);
    return LINEERR_OPERATIONFAILED;
}

static bool answered(const struct cf_reply_slot *s, uint64_t sequence)
{
    return cf_load_acquire_64(&s->done) == sequence; /* D0 pairs with the core's release of done */
}

static bool spin(const struct cf_usage *u, const struct cf_reply_slot *s, uint64_t sequence)
{
    int64_t deadline = cf_monotonic_ns() + u->reply_spin_ns;
    do {
        for (uint32_t i = 0; i < SPIN_LOOKS; i++) {
            if (answered(s, sequence))
                return true;
            cf_pause();
        }
    } while (cf_monotonic_ns() < deadline);
    return false;
}

/* Sleeps on the slot's word until it is the request's; false: nobody will answer any more. */
static bool sleep_for(struct cf_usage *u, const struct cf_reply_slot *s, const struct cf_ticket *t)
{
    bool done = false;
    cf_or_acq_rel_64(&u->up->reply_waiting, UINT64_C(1) << t->slot);
    cf_fence_store_load(); /* W1: the bit before done; the core stores done before it looks at the bit */
    for (;;) {
        uint64_t seen = cf_load_acquire_64(&s->done); /* D0 */
        done = seen == t->sequence;
        if (done || cf_usage_closing(u))
            break;
        int slept = cf_futex_wait(cf_futex_low(&s->done), (uint32_t)seen, CF_REPLY_WAIT_NS);
        if (slept < 0 && cf_usage_hung_up(u)) {
            done = answered(s, t->sequence);
            break;
        }
    }
    cf_and_acq_rel_64(&u->up->reply_waiting, ~(UINT64_C(1) << t->slot));
    return done;
}

LONG cf_request_end(struct cf_usage *u, const struct cf_ticket *t, struct cf_answer_to *a)
{
    const struct cf_reply_slot *s = cf_port_reply(u->down, t->slot);
    if (!spin(u, s, t->sequence) && !sleep_for(u, s, t)) {
        /* The slot is not given back: should the core answer after all, no later request finds its answer there. */
        return LINEERR_OPERATIONFAILED;
    }
    LONG result = s->result;
    if (a != NULL) {
        uint32_t bytes = s->bytes < sizeof s->data ? s->bytes : (uint32_t)sizeof s->data;
        a->as_of = s->as_of;
        a->got = bytes < a->bytes ? bytes : a->bytes;
        if (a->bytes != 0) {
            memcpy(a->data, s->data, a->got);
            memset((uint8_t *)a->data + a->got, 0, a->bytes - a->got);
        }
    }
    give_back(u, t->slot);
    return result;
}

LONG cf_request_sync(struct cf_usage *u, struct cf_record *r, struct cf_answer_to *a)
{
    struct cf_ticket t;
    LONG error = cf_request_begin(u, r, &t);
    return error != 0 ? error : cf_request_end(u, &t, a);
}

void cf_request_wake_all(struct cf_usage *u)
{
    for (uint32_t i = 0; i < CF_REPLY_SLOTS; i++)
        cf_futex_wake(cf_futex_low(&cf_port_reply(u->down, i)->done), INT32_MAX);
}

/* ------------------------------------------------------------------ asynchronous */

/* A free entry, or NULL when as many are outstanding as the service has room for. Under up_lock. */
static struct cf_outstanding *free_entry(struct cf_usage *u, uint32_t *ret_number)
{
    for (uint32_t i = 0; i < u->requests_max; i++) {
        uint32_t number = (u->request_cursor + i) & (u->requests_max - 1);
        /* O1 pairs with O1 in cf_request_complete(): the consumer has read the former one */
        if (cf_load_acquire_32(&u->outstanding[number].id) == 0) {
            u->request_cursor = number + 1;
            *ret_number = number;
            return &u->outstanding[number];
        }
    }
    return NULL;
}

/* Ends an entry for whoever gets here first: the consumer, or the close of its line. */
static bool end_entry(struct cf_outstanding *o, uint32_t id, uint32_t next)
{
    return cf_cas_acq_rel_32(&o->id, id, next);
}

/* All but id and line, which other threads look at. */
static void copy(struct cf_outstanding *to, const struct cf_outstanding *from)
{
    to->call = from->call;
    to->ret_call = from->ret_call;
    to->ret_second = from->ret_second;
    to->ret_string = from->ret_string;
    to->ret_data = from->ret_data;
    to->ret_number = from->ret_number;
    to->callback_instance = from->callback_instance;
    to->api_version = from->api_version;
    to->data_bytes = from->data_bytes;
    to->call_optional = from->call_optional;
}

LONG cf_request_async(struct cf_usage *u, struct cf_record *r, const struct cf_outstanding *what)
{
    uint32_t number, id = 0;
    bool sent = false;
    pthread_mutex_lock(&u->up_lock);
    struct cf_outstanding *o = free_entry(u, &number);
    if (o != NULL) {
        u->request_serial = u->request_serial % SERIAL_MAX + 1;
        id = u->request_serial << ENTRY_BITS | number;
        copy(o, what);
        cf_store_relaxed_64(&o->line, what->line);
        cf_store_release_32(&o->id, id); /* O0 pairs with O0 in cf_request_complete(): before the record is published */
        r->m.param1 = id;
        sent = put(u, r, true);
    }
    pthread_mutex_unlock(&u->up_lock);
    if (o == NULL)
        return LINEERR_REQUESTOVERRUN;
    if (!sent) {
        end_entry(o, id, 0);
        return LINEERR_OPERATIONFAILED;
    }
    /* put() has fenced: either we see that the line was closed, or who closed it saw the entry in cf_request_drop(). */
    if (cf_line_find(u, what->line) == NULL) {
        end_entry(o, id, 0);
        return what->call != 0 ? LINEERR_INVALCALLHANDLE : LINEERR_INVALLINEHANDLE;
    }
    return (LONG)id;
}

bool cf_request_complete(struct cf_usage *u, uint64_t id, struct cf_outstanding *ret_request)
{
    struct cf_outstanding *o = &u->outstanding[id & ENTRY_MASK];
    if (id == 0 || id > ID_MAX || !end_entry(o, (uint32_t)id, ID_TAKEN)) /* O0 */
        return false;
    *ret_request = (struct cf_outstanding){.line = cf_load_relaxed_64(&o->line)};
    copy(ret_request, o);
    cf_store_release_32(&o->id, 0); /* O1: read before the next may use it */
    return true;
}

void cf_request_drop(struct cf_usage *u, HLINE line)
{
    cf_fence_store_load(); /* the line was made void before; see cf_request_async() */
    for (uint32_t i = 0; i < CF_REQUESTS_PER_PORT_MAX; i++) {
        struct cf_outstanding *o = &u->outstanding[i];
        uint32_t id = cf_load_acquire_32(&o->id);
        /* An entry that began anew meanwhile has another id. */
        if (id != 0 && id != ID_TAKEN && cf_load_relaxed_64(&o->line) == line)
            end_entry(o, id, 0);
    }
}
