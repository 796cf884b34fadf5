/* See wheel.h. */
#include "adapters/sim/wheel.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_MASK (CF_WHEEL_SLOTS - 1)
#define WORDS     (CF_WHEEL_SLOTS / 64)

bool cf_wheel_init(struct cf_wheel *w, void *nodes, size_t stride, uint64_t now)
{
    *w = (struct cf_wheel){.nodes = nodes, .stride = stride, .now = now, .cursor = CF_WHEEL_NONE};
    w->slots = malloc(CF_WHEEL_SLOTS * sizeof *w->slots);
    w->filled = calloc(WORDS, sizeof *w->filled);
    if (w->slots == NULL || w->filled == NULL) {
        cf_wheel_fini(w);
        return false;
    }
    memset(w->slots, 0xFF, CF_WHEEL_SLOTS * sizeof *w->slots); /* CF_WHEEL_NONE everywhere */
    return true;
}

void cf_wheel_fini(struct cf_wheel *w)
{
    free(w->slots);
    free(w->filled);
    w->slots = NULL;
    w->filled = NULL;
}

static struct cf_wheel_node *node(const struct cf_wheel *w, uint32_t index)
{
    return (struct cf_wheel_node *)(void *)(w->nodes + (size_t)index * w->stride);
}

void cf_wheel_cancel(struct cf_wheel *w, uint32_t index)
{
    struct cf_wheel_node *n = node(w, index);
    if (n->due == CF_WHEEL_NEVER)
        return;
    uint32_t slot = (uint32_t)n->due & SLOT_MASK;
    if (w->looking && w->cursor == index)
        w->cursor = n->next;
    if (n->previous == CF_WHEEL_NONE)
        w->slots[slot].first = n->next;
    else
        node(w, n->previous)->next = n->next;
    if (n->next == CF_WHEEL_NONE)
        w->slots[slot].last = n->previous;
    else
        node(w, n->next)->previous = n->previous;
    if (w->slots[slot].first == CF_WHEEL_NONE)
        w->filled[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    n->due = CF_WHEEL_NEVER;
    w->entries--;
}

void cf_wheel_set(struct cf_wheel *w, uint32_t index, uint64_t due)
{
    cf_wheel_cancel(w, index);
    if (due < w->now)
        due = w->now;
    struct cf_wheel_node *n = node(w, index);
    uint32_t slot = (uint32_t)due & SLOT_MASK;
    n->due = due;
    n->next = CF_WHEEL_NONE;
    n->previous = w->slots[slot].last;
    if (n->previous == CF_WHEEL_NONE) {
        w->slots[slot].first = index;
        w->filled[slot / 64] |= UINT64_C(1) << slot % 64;
    } else {
        node(w, n->previous)->next = index;
    }
    w->slots[slot].last = index;
    if (w->looking && w->cursor == CF_WHEEL_NONE && slot == ((uint32_t)w->now & SLOT_MASK))
        w->cursor = index; /* after the end that was reached */
    w->entries++;
}

uint32_t cf_wheel_expire(struct cf_wheel *w)
{
    if (!w->looking) {
        w->cursor = w->slots[w->now & SLOT_MASK].first;
        w->looking = true;
    }
    while (w->cursor != CF_WHEEL_NONE) {
        uint32_t index = w->cursor;
        struct cf_wheel_node *n = node(w, index);
        if (n->due == w->now) {
            cf_wheel_cancel(w, index);
            return index;
        }
        w->cursor = n->next; /* of a later round */
    }
    return CF_WHEEL_NONE;
}

void cf_wheel_advance(struct cf_wheel *w)
{
    w->now++;
    w->looking = false;
}

void cf_wheel_skip(struct cf_wheel *w, uint64_t tick)
{
    assert(tick >= w->now);
    if (tick == w->now)
        return;
    w->now = tick;
    w->looking = false;
}

uint64_t cf_wheel_next(const struct cf_wheel *w, uint64_t limit)
{
    if (w->entries == 0 || limit <= w->now)
        return limit > w->now ? limit : w->now;
    uint64_t end = limit - w->now < CF_WHEEL_SLOTS ? limit : w->now + CF_WHEEL_SLOTS;
    bool seen = w->looking && w->cursor == CF_WHEEL_NONE; /* what is left in the slot of now is of a later round */
    for (uint64_t t = w->now + seen; t < end;) {
        uint32_t slot = (uint32_t)t & SLOT_MASK;
        uint64_t word = w->filled[slot / 64] >> slot % 64;
        if (word != 0) {
            t += (unsigned)__builtin_ctzll(word);
            return t < end ? t : limit;
        }
        t += 64 - slot % 64;
    }
    return limit;
}

bool cf_wheel_check(const struct cf_wheel *w, char *why, size_t why_bytes)
{
    uint64_t entries = 0;
    for (uint32_t slot = 0; slot < CF_WHEEL_SLOTS; slot++) {
        uint32_t previous = CF_WHEEL_NONE;
        for (uint32_t i = w->slots[slot].first; i != CF_WHEEL_NONE; i = node(w, i)->next) {
            const struct cf_wheel_node *n = node(w, i);
            if (n->previous != previous || (n->due & SLOT_MASK) != slot || n->due < w->now || ++entries > w->entries) {
                snprintf(why, why_bytes, "entry %u stands wrongly in slot %u", i, slot);
                return false;
            }
            previous = i;
        }
        bool bit = (w->filled[slot / 64] >> slot % 64 & 1) != 0;
        if (w->slots[slot].last != previous || bit != (previous != CF_WHEEL_NONE)) {
            snprintf(why, why_bytes, "the end of slot %u is wrong", slot);
            return false;
        }
    }
    if (entries == w->entries)
        return true;
    snprintf(why, why_bytes, "%llu entries, %llu counted", (unsigned long long)entries, (unsigned long long)w->entries);
    return false;
}
