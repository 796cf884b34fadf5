/* See listening.h. */
#include "adapters/provider/listening.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "adapters/provider/collector.h"

struct listener {
    uint64_t call;      /* 0: never used; another one's: not heard of yet */
    uint32_t gathering; /* its place, from 1; 0: none */
    uint32_t modes;     /* LINEDIGITMODE_ that somebody listens for */
};

struct gathering {
    struct cf_collector collector;
    uint32_t at; /* its place in the heap */
    uint32_t next_free;
};

struct cf_listening {
    struct cf_provider *provider;
    uint32_t calls_max, gatherings_max;
    struct listener *listeners;   /* by index of the call */
    struct gathering *gatherings; /* place 0 is not used */
    uint32_t *heap;               /* places; no one is due before the one at (its index - 1) / 2 */
    uint32_t count;               /* of the heap */
    uint32_t used, free;          /* places below used were taken at least once */
};

int cf_listening_new(struct cf_listening **ret_listening, struct cf_provider *provider, uint32_t calls_max,
                     uint32_t gatherings_max)
{
    struct cf_listening *l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    *l = (struct cf_listening){
        .provider = provider, .calls_max = calls_max, .gatherings_max = gatherings_max, .used = 1};
    l->listeners = calloc(calls_max, sizeof *l->listeners);
    l->gatherings = calloc((size_t)gatherings_max + 1, sizeof *l->gatherings);
    l->heap = calloc(gatherings_max, sizeof *l->heap);
    if (l->listeners == NULL || l->gatherings == NULL || l->heap == NULL) {
        cf_listening_free(l);
        return -ENOMEM;
    }
    *ret_listening = l;
    return 0;
}

void cf_listening_free(struct cf_listening *l)
{
    if (l == NULL)
        return;
    free(l->listeners);
    free(l->gatherings);
    free(l->heap);
    free(l);
}

/* ------------------------------------------------------------------ the heap */

static int64_t due_at(const struct cf_listening *l, uint32_t at)
{
    return l->gatherings[l->heap[at]].collector.due_ns;
}

static void put_at(struct cf_listening *l, uint32_t at, uint32_t place)
{
    l->heap[at] = place;
    l->gatherings[place].at = at;
}

static void swap(struct cf_listening *l, uint32_t a, uint32_t b)
{
    const uint32_t place = l->heap[a];
    put_at(l, a, l->heap[b]);
    put_at(l, b, place);
}

/* Its due time is another one, or it stands where another one stood. */
static void settle(struct cf_listening *l, uint32_t at)
{
    while (at != 0 && due_at(l, at) < due_at(l, (at - 1) / 2)) {
        swap(l, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
    for (uint32_t first; (first = 2 * at + 1) < l->count; at = first) {
        if (first + 1 < l->count && due_at(l, first + 1) < due_at(l, first))
            first++;
        if (due_at(l, at) <= due_at(l, first))
            return;
        swap(l, at, first);
    }
}

/* ------------------------------------------------------------------ what is gathered */

static struct listener *listener_of(const struct cf_listening *l, uint64_t call)
{
    const uint32_t index = cf_handle_index(call);
    if (call == 0 || index >= l->calls_max || l->listeners[index].call != call)
        return NULL;
    return &l->listeners[index];
}

static void end_gathering(struct cf_listening *l, struct listener *who, uint32_t how)
{
    assert(who != NULL); /* what is gathered has somebody who listens */
    const uint32_t place = who->gathering;
    struct gathering *g = &l->gatherings[place];
    const uint32_t at = g->at;
    who->gathering = 0;
    if (at != --l->count) {
        put_at(l, at, l->heap[l->count]);
        settle(l, at);
    }
    g->next_free = l->free;
    l->free = place;
    const struct cf_collector *c = &g->collector;
    cf_provider_reply_gathered(l->provider, c->number, how, c->call, cf_collector_digits(c));
}

static void begin_gathering(struct cf_listening *l, struct listener *who, const struct cf_command *command,
                            int64_t now_ns)
{
    uint32_t place = l->free;
    if (place != 0)
        l->free = l->gatherings[place].next_free;
    else
        place = l->used++;
    cf_collector_begin(&l->gatherings[place].collector, command, now_ns);
    who->gathering = place;
    put_at(l, l->count++, place);
    settle(l, l->count - 1);
}

void cf_listening_gather(struct cf_listening *l, uint64_t call, char digit, uint32_t mode, int64_t now_ns)
{
    struct listener *who = listener_of(l, call);
    if (who == NULL || who->gathering == 0)
        return;
    struct gathering *g = &l->gatherings[who->gathering];
    const uint32_t how = cf_collector_hear(&g->collector, digit, mode, now_ns);
    if (how != 0)
        end_gathering(l, who, how);
    else
        settle(l, g->at);
}

void cf_listening_digit(struct cf_listening *l, uint64_t call, char digit, uint32_t mode, int64_t now_ns)
{
    const struct listener *who = listener_of(l, call);
    const struct cf_heard heard = {.event = CF_EV_DIGIT, .what = (uint8_t)digit, .detail = mode, .time_ns = now_ns};
    if (who != NULL && (who->modes & mode) != 0)
        cf_provider_post_heard(l->provider, call, &heard);
    cf_listening_gather(l, call, digit, mode, now_ns);
}

/* ------------------------------------------------------------------ commands, ends, time */

/* The call's entry, which may be that of one before it. NULL: no such call can be. */
static struct listener *listener_make(struct cf_listening *l, uint64_t call)
{
    const uint32_t index = cf_handle_index(call);
    if (call == 0 || index >= l->calls_max)
        return NULL;
    struct listener *who = &l->listeners[index];
    if (who->call != call) {
        cf_listening_end(l, who->call);
        who->call = call;
    }
    return who;
}

void cf_listening_command(struct cf_listening *l, const struct cf_command *command, int64_t now_ns)
{
    struct listener *who = listener_make(l, command->call);
    if (command->id == CF_CMD_MONITOR_DIGITS) {
        if (who != NULL)
            who->modes = command->digit_mode;
        return;
    }
    if (who != NULL && who->gathering != 0)
        end_gathering(l, who, LINEGATHERTERM_CANCEL);
    if (command->digits_wanted == 0 || command->number == 0)
        cf_provider_reply(l->provider, command->number, 0, command->call);
    else if (who == NULL || l->count == l->gatherings_max)
        cf_provider_reply(l->provider, command->number, LINEERR_RESOURCEUNAVAIL, command->call);
    else
        begin_gathering(l, who, command, now_ns);
}

void cf_listening_end(struct cf_listening *l, uint64_t call)
{
    struct listener *who = listener_of(l, call);
    if (who == NULL)
        return;
    who->modes = 0;
    if (who->gathering != 0)
        end_gathering(l, who, LINEGATHERTERM_CANCEL);
}

void cf_listening_renew(struct cf_listening *l)
{
    for (uint32_t i = 0; i < l->calls_max; i++)
        if (l->listeners[i].call != 0) /* pages that nobody has touched stay so */
            l->listeners[i] = (struct listener){0};
    l->count = l->free = 0;
    l->used = 1;
}

uint32_t cf_listening_expire(struct cf_listening *l, int64_t now_ns)
{
    uint32_t ended = 0;
    for (; l->count != 0 && due_at(l, 0) <= now_ns; ended++) {
        const struct cf_collector *c = &l->gatherings[l->heap[0]].collector;
        end_gathering(l, listener_of(l, c->call), cf_collector_expire(c, now_ns));
    }
    return ended;
}

int64_t cf_listening_due(const struct cf_listening *l)
{
    return l->count != 0 ? due_at(l, 0) : CF_REACTOR_NEVER;
}

bool cf_listening_check(const struct cf_listening *l)
{
    uint32_t free_count = 0, gathered = 0;
    for (uint32_t place = l->free; place != 0 && free_count <= l->gatherings_max;
         place = l->gatherings[place].next_free)
        free_count++;
    for (uint32_t at = 0; at < l->count; at++) {
        const struct gathering *g = &l->gatherings[l->heap[at]];
        const struct listener *who = listener_of(l, g->collector.call);
        if (g->at != at || who == NULL || who->gathering != l->heap[at] ||
            (at != 0 && due_at(l, at) < due_at(l, (at - 1) / 2)))
            return false;
    }
    for (uint32_t i = 0; i < l->calls_max; i++)
        gathered += l->listeners[i].gathering != 0;
    return gathered == l->count && l->count + free_count + 1 == l->used;
}
