#include "adapters/sip/timer.h"

#include <assert.h>

#define MASK (CF_SIP_WHEEL_SLOTS - 1)

void cf_sip_wheel_init(struct cf_sip_wheel *wheel, uint64_t now_ns)
{
    wheel->cursor = now_ns >> CF_SIP_WHEEL_SHIFT;
    wheel->armed = 0;
    for (unsigned i = 0; i < CF_SIP_WHEEL_SLOTS / 64; i++)
        wheel->bits[i] = 0;
    for (unsigned i = 0; i < CF_SIP_WHEEL_SLOTS; i++)
        wheel->head[i].next = wheel->head[i].prev = &wheel->head[i];
}

void cf_sip_wheel_disarm(struct cf_sip_wheel *wheel, struct cf_sip_timer *timer)
{
    if (timer->next == NULL)
        return;
    const unsigned slot = timer->tick & MASK;
    timer->prev->next = timer->next;
    timer->next->prev = timer->prev;
    timer->next = timer->prev = NULL;
    wheel->armed--;
    if (wheel->head[slot].next == &wheel->head[slot])
        wheel->bits[slot / 64] &= ~((uint64_t)1 << slot % 64);
}

/* Timers of this turn of the wheel go to the front of their slot, later ones to its end, so that both walks end soon. */
void cf_sip_wheel_arm(struct cf_sip_wheel *wheel, struct cf_sip_timer *timer, uint64_t due_ns)
{
    cf_sip_wheel_disarm(wheel, timer);
    const uint64_t slot_ns = (uint64_t)1 << CF_SIP_WHEEL_SHIFT;
    uint64_t tick = (due_ns >> CF_SIP_WHEEL_SHIFT) + (due_ns % slot_ns != 0);
    if (tick < wheel->cursor)
        tick = wheel->cursor;
    struct cf_sip_timer *head = &wheel->head[tick & MASK];
    struct cf_sip_timer *after = tick - wheel->cursor < CF_SIP_WHEEL_SLOTS ? head : head->prev;
    timer->tick = tick;
    timer->prev = after;
    timer->next = after->next;
    after->next->prev = timer;
    after->next = timer;
    wheel->bits[(tick & MASK) / 64] |= (uint64_t)1 << tick % 64;
    wheel->armed++;
}

/* The first tick from `from` on, at most `last`, whose slot holds timers; last when there is none before. */
static uint64_t next_filled(const struct cf_sip_wheel *wheel, uint64_t from, uint64_t last)
{
    while (from < last) {
        const unsigned slot = from & MASK;
        const uint64_t bits = wheel->bits[slot / 64] >> slot % 64;
        if (bits != 0) {
            const uint64_t found = from + (unsigned)__builtin_ctzll(bits);
            return found < last ? found : last;
        }
        from += 64 - slot % 64;
    }
    return last;
}

struct cf_sip_timer *cf_sip_wheel_expired(struct cf_sip_wheel *wheel, uint64_t now_ns)
{
    const uint64_t target = now_ns >> CF_SIP_WHEEL_SHIFT;
    if (target < wheel->cursor)
        return NULL;
    /* After a pause longer than one turn every slot has been passed: once around is enough. */
    if (target - wheel->cursor >= CF_SIP_WHEEL_SLOTS)
        wheel->cursor = target - CF_SIP_WHEEL_SLOTS + 1;
    while (true) {
        struct cf_sip_timer *head = &wheel->head[wheel->cursor & MASK];
        for (struct cf_sip_timer *timer = head->next; timer != head; timer = timer->next)
            if (timer->tick <= target) {
                cf_sip_wheel_disarm(wheel, timer);
                return timer;
            }
        if (wheel->cursor == target)
            return NULL;
        wheel->cursor = next_filled(wheel, wheel->cursor + 1, target);
    }
}

uint64_t cf_sip_wheel_deadline(const struct cf_sip_wheel *wheel)
{
    if (wheel->armed == 0)
        return CF_SIP_TIMER_NEVER;
    const uint64_t last = wheel->cursor + CF_SIP_WHEEL_SLOTS;
    for (uint64_t tick = next_filled(wheel, wheel->cursor, last); tick < last;
         tick = next_filled(wheel, tick + 1, last)) {
        const struct cf_sip_timer *head = &wheel->head[tick & MASK];
        for (const struct cf_sip_timer *timer = head->next; timer != head; timer = timer->next)
            if (timer->tick <= tick)
                return tick << CF_SIP_WHEEL_SHIFT;
    }
    return last << CF_SIP_WHEEL_SHIFT; /* only timers of later turns: look again then */
}

bool cf_sip_wheel_check(const struct cf_sip_wheel *wheel)
{
    uint32_t armed = 0;
    for (unsigned slot = 0; slot < CF_SIP_WHEEL_SLOTS; slot++) {
        const struct cf_sip_timer *head = &wheel->head[slot];
        const bool bit = (wheel->bits[slot / 64] >> slot % 64 & 1) != 0;
        if (bit != (head->next != head))
            return false;
        for (const struct cf_sip_timer *timer = head->next; timer != head; timer = timer->next) {
            if (timer->next->prev != timer || (timer->tick & MASK) != slot || ++armed > wheel->armed)
                return false;
        }
    }
    return armed == wheel->armed;
}
