/* The handle table: the paths that are not a look-up or a plain allocation. */
#include "shm/handle_table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct cf_handle_slot *slot_at(const struct cf_handle_table *t, uint32_t index)
{
    return (struct cf_handle_slot *)cf_handle_table_slot(t, index);
}

/* ------------------------------------------------------------------ making one */

void cf_handle_table_format(struct cf_handle_head *head, struct cf_journal *journal, uint32_t limit, uint32_t base_generation)
{
    assert(limit != 0 && limit <= CF_HANDLE_INDEX_MASK && base_generation % 2 == 0 && base_generation < CF_GENERATION_END);
    cf_touch_range(journal, head, sizeof *head);
    *head = (struct cf_handle_head){
        .limit = limit,
        .base_generation = base_generation,
        .generation_end = CF_GENERATION_END,
    };
}

void cf_handle_table_narrow(struct cf_handle_head *head, struct cf_journal *journal, uint32_t generation_end)
{
    assert(generation_end % 2 == 0 && generation_end > head->base_generation && head->used == 0);
    cf_touch_range(journal, head, sizeof *head);
    head->generation_end = generation_end;
}

static void view_init(struct cf_handle_table *t, struct cf_handle_head *head, uint32_t stride)
{
    assert((uintptr_t)head % 64 == 0 && (stride == 16 || stride == 32 || (stride != 0 && stride % 64 == 0)));
    *t = (struct cf_handle_table){
        .head = head,
        .limit = head->limit,
        .stride = stride,
        .taken = CF_INDEX_NONE,
        .ordered = CF_INDEX_NONE,
        .take_due = CF_HANDLE_TAKE_EVERY,
        .released = CF_INDEX_NONE,
    };
}

void cf_handle_table_view(struct cf_handle_table *t, struct cf_handle_head *head, void *slots, uint32_t stride,
                          struct cf_journal *journal)
{
    assert((uintptr_t)slots % 64 == 0);
    view_init(t, head, stride);
    t->slots = (uint8_t *)slots;
    t->journal = journal;
    t->plain = journal != NULL;
}

void cf_handle_table_view_segments(struct cf_handle_table *t, struct cf_handle_head *head, uint64_t *segments,
                                   uint32_t segment_shift, uint32_t stride, cf_handle_segment_fn *provide, void *arg)
{
    assert(segment_shift < CF_HANDLE_INDEX_BITS);
    view_init(t, head, stride);
    t->segments = segments;
    t->segment_shift = segment_shift;
    t->provide = provide;
    t->provide_arg = arg;
}

/* ------------------------------------------------------------------ the owner's lists */

static bool add_segment(struct cf_handle_table *t, uint32_t index)
{
    void *memory = t->provide(((size_t)1 << t->segment_shift) * t->stride, t->provide_arg);
    if (memory == NULL)
        return false;
    assert((uintptr_t)memory % 64 == 0);
    /* H2 pairs with H2 in cf_handle_table_slot(): the zeroes before the address */
    cf_store_release_64(&t->segments[index >> t->segment_shift], (uint64_t)(uintptr_t)memory);
    return true;
}

uint32_t cf_handle_table_allocate_fresh(struct cf_handle_table *t, uint32_t *ret_index)
{
    struct cf_handle_head *h = t->head;
    uint32_t index = h->used;
    assert(!t->installed);
    if (index >= h->limit)
        return 0;
    struct cf_handle_slot *slot = slot_at(t, index);
    if (slot == NULL) {
        if (!add_segment(t, index))
            return 0;
        slot = slot_at(t, index);
    }
    cf_touch(t->journal, h);
    cf_touch_range(t->journal, slot, t->stride);
    uint32_t generation = h->base_generation + 1;
    if (t->slots != NULL) /* may hold old bytes, which nobody looks at while the index is not below `used` */
        memset(slot, 0, t->stride);
    cf_store_release_32(&slot->generation, generation); /* H0 */
    cf_store_release_32(&h->used, index + 1);           /* H1 pairs with H1 in cf_handle_table_slot_clamped() */
    h->live++;
    *ret_index = index;
    return generation;
}

static bool retired(const struct cf_handle_table *t, const struct cf_handle_slot *slot)
{
    return cf_load_relaxed_32(&slot->generation) == t->head->generation_end;
}

void cf_handle_table_retire(struct cf_handle_table *t)
{
    cf_touch(t->journal, t->head);
    t->head->retired++;
    t->head->live--;
}

/* Turns up to CF_HANDLE_TAKE released slots round: they come newest first. */
static void order_some(struct cf_handle_table *t)
{
    if (t->taken == CF_INDEX_NONE)
        t->taken = cf_swap_acq_rel_32(&t->released, CF_INDEX_NONE); /* H4 pairs with H4 in push() */
    for (uint32_t n = 0; n < CF_HANDLE_TAKE && t->taken != CF_INDEX_NONE; n++) {
        uint32_t index = t->taken;
        struct cf_handle_slot *slot = slot_at(t, index);
        t->taken = cf_load_relaxed_32(&slot->link);
        if (retired(t, slot)) {
            cf_handle_table_retire(t);
            continue;
        }
        cf_store_relaxed_32(&slot->link, t->ordered);
        t->ordered = index;
    }
}

/* Queues up to `most` of what is in order. */
static void queue_some(struct cf_handle_table *t, uint32_t most)
{
    for (; most != 0 && t->ordered != CF_INDEX_NONE; most--) {
        uint32_t index = t->ordered;
        t->ordered = cf_load_relaxed_32(&slot_at(t, index)->link);
        cf_handle_table_queue(t, index);
    }
}

/* True when there is more to do. What was released meanwhile waits until all that was taken is queued. */
static bool take_some(struct cf_handle_table *t)
{
    if (t->taken != CF_INDEX_NONE || t->ordered == CF_INDEX_NONE)
        order_some(t);
    if (t->taken == CF_INDEX_NONE)
        queue_some(t, CF_HANDLE_TAKE);
    return t->taken != CF_INDEX_NONE || t->ordered != CF_INDEX_NONE || cf_load_relaxed_32(&t->released) != CF_INDEX_NONE;
}

void cf_handle_table_take(struct cf_handle_table *t)
{
    struct cf_handle_head *h = t->head;
    t->take_due = CF_HANDLE_TAKE_EVERY;
    bool more = take_some(t);
    if (h->used < h->limit) /* never used slots bridge the time until the rest is in order */
        return;
    for (; h->free == 0 && more; more = take_some(t)) /* more than once only over slots that were retired */
        if (t->ordered != CF_INDEX_NONE)
            queue_some(t, 1);
}

/* ------------------------------------------------------------------ release */

/* Hands a slot that was just released to the owner. Its link is ours alone: the generation is even and it is on no list. */
static void push(struct cf_handle_table *t, uint32_t index, struct cf_handle_slot *slot)
{
    uint32_t first;
    do {
        first = cf_load_relaxed_32(&t->released);
        cf_store_relaxed_32(&slot->link, first);
        /* H4 pairs with H4 in take_some(): link and generation before the index. The owner takes all, so a slot that went round
         * meanwhile (ABA) does no harm: our link names the slot that is first, whatever its history. */
    } while (!cf_cas_acq_rel_32(&t->released, first, index));
}

bool cf_handle_table_release_shared(struct cf_handle_table *t, uint32_t index, uint32_t generation)
{
    struct cf_handle_slot *slot = (struct cf_handle_slot *)cf_handle_table_look_up(t, index, generation);
    if (slot == NULL || !cf_cas_acq_rel_32(&slot->generation, generation, generation + 1))
        return false;
    if (!t->installed)
        push(t, index, slot);
    return true;
}

/* ------------------------------------------------------------------ install, sweep */

enum cf_handle_install cf_handle_table_install(struct cf_handle_table *t, uint32_t index, uint32_t generation, uint64_t parent,
                                               uint64_t state, struct cf_handle_child **ret_slot)
{
    assert(t->installed && t->segments != NULL);
    if (index >= t->limit || !cf_generation_live(generation) || generation <= t->head->base_generation ||
        generation >= t->head->generation_end || !cf_handle_parent_live(t, parent))
        return CF_INSTALL_VOID;
    if (cf_handle_table_slot(t, index) == NULL && !add_segment(t, index))
        return CF_INSTALL_MEMORY;
    struct cf_handle_child *child = (struct cf_handle_child *)cf_handle_table_slot(t, index);
    uint32_t now = cf_load_acquire_32(&child->generation);
    if (now == generation) {
        *ret_slot = child;
        return CF_INSTALL_ALREADY;
    }
    if (!cf_generation_newer(generation, now))
        return CF_INSTALL_VOID;
    /* No CAS: a release that comes between the load and this store has ended the very life that ends here, one that comes later fails. */
    cf_store_release_32(&child->generation, generation - 1);
    cf_handle_child_write(child, parent, state);
    cf_store_release_32(&child->generation, generation); /* H0: the words before the life */
    *ret_slot = child;
    return CF_INSTALL_NEW;
}

static bool sweep_slot(struct cf_handle_table *t, uint32_t index)
{
    struct cf_handle_child *child = (struct cf_handle_child *)cf_handle_table_slot(t, index);
    uint32_t generation = cf_load_acquire_32(&child->generation);
    if (!cf_generation_live(generation) || cf_handle_parent_live(t, cf_load_acquire_64(&child->parent)))
        return false;
    return cf_handle_table_release(t, index, generation);
}

uint32_t cf_handle_table_sweep(struct cf_handle_table *t, uint32_t *cursor, uint32_t slice)
{
    uint32_t swept = 0, at = *cursor, used = t->head->used;
    assert(!t->installed && t->parents != NULL);
    for (; slice != 0 && at < used; slice--, at++)
        swept += sweep_slot(t, at);
    *cursor = at < used ? at : 0;
    return swept;
}

/* ------------------------------------------------------------------ check */

struct finding {
    char *why;
    size_t bytes;
};

static bool __attribute__((format(printf, 2, 3))) fault(struct finding *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (f->bytes != 0)
        vsnprintf(f->why, f->bytes, format, args);
    va_end(args);
    return false;
}

static bool check_head(const struct cf_handle_table *t, struct finding *f)
{
    const struct cf_handle_head *h = t->head;
    if ((t->slots == NULL && h->limit != t->limit) || h->used > h->limit) /* one piece: looked up by the head itself */
        return fault(f, "limit %u, used %u, the view's limit %u", h->limit, h->used, t->limit);
    if (h->base_generation % 2 != 0 || h->generation_end % 2 != 0 || h->base_generation >= h->generation_end)
        return fault(f, "generations from %u to %u", h->base_generation, h->generation_end);
    if ((uint64_t)h->live + h->free + h->retired != h->used && !t->installed)
        return fault(f, "live %u, free %u, retired %u do not make used %u", h->live, h->free, h->retired, h->used);
    if (h->lane >= CF_HANDLE_LANES)
        return fault(f, "lane %u", h->lane);
    return true;
}

/* One whose segment is there. */
static struct cf_handle_slot *known_slot(const struct cf_handle_table *t, uint32_t index)
{
    struct cf_handle_slot *slot = slot_at(t, index);
    assert(slot != NULL);
    return slot;
}

static bool check_released(const struct cf_handle_table *t, const char *name, uint32_t at, bool any, struct finding *f)
{
    if (at >= t->head->used)
        return fault(f, "%s: slot %u was never used", name, at);
    const struct cf_handle_slot *slot = known_slot(t, at);
    if (cf_generation_live(slot->generation) || (!any && retired(t, slot)))
        return fault(f, "%s: slot %u has generation %u", name, at, slot->generation);
    return true;
}

/* Walks the chain of `count` slots from first to last. */
static bool check_lane(const struct cf_handle_table *t, uint32_t lane, uint32_t count, struct finding *f)
{
    uint32_t at = t->head->first[lane];
    for (uint32_t n = 0; n < count; n++) {
        if (!check_released(t, "queue", at, false, f))
            return false;
        if ((n + 1 == count) != (at == t->head->last[lane])) /* also a circle */
            return fault(f, "queue: lane %u has slot %u at %u of %u, last %u", lane, at, n, count, t->head->last[lane]);
        at = known_slot(t, at)->link;
    }
    return true;
}

static bool check_queue(const struct cf_handle_table *t, struct finding *f)
{
    const struct cf_handle_head *h = t->head;
    for (uint32_t n = 0; n < CF_HANDLE_LANES; n++)
        if (!check_lane(t, (h->lane + n) % CF_HANDLE_LANES, (h->free + CF_HANDLE_LANES - 1 - n) / CF_HANDLE_LANES, f))
            return false;
    return true;
}

/* Walks a chain of at most `most` released slots; counts them and those at the end of their generations. */
static bool check_chain(const struct cf_handle_table *t, const char *name, uint32_t first, uint32_t most, bool any,
                        uint32_t *ret_count, uint32_t *ret_ended, struct finding *f)
{
    for (uint32_t at = first, n = 0; at != CF_INDEX_NONE; at = known_slot(t, at)->link, n++) {
        if (n == most)
            return fault(f, "%s: more than %u slots", name, most);
        if (!check_released(t, name, at, any, f))
            return false;
        ++*ret_count;
        *ret_ended += retired(t, known_slot(t, at));
    }
    return true;
}

static bool check_slots(const struct cf_handle_table *t, uint32_t listed, uint32_t listed_retired, struct finding *f)
{
    const struct cf_handle_head *h = t->head;
    uint32_t live = 0, ended = 0, end = h->generation_end;
    for (uint32_t i = 0; i < h->used; i++) {
        const struct cf_handle_slot *slot = known_slot(t, i);
        if (slot == NULL || slot->generation <= h->base_generation || slot->generation > end)
            return fault(f, "slot %u: generation %u", i, slot == NULL ? 0 : slot->generation);
        live += cf_generation_live(slot->generation);
        ended += slot->generation == end;
    }
    if (ended != h->retired + listed_retired)
        return fault(f, "retired %u, waiting %u, found %u", h->retired, listed_retired, ended);
    if (live + listed + ended - listed_retired != h->used)
        return fault(f, "used %u: %u live, %u on lists, %u retired", h->used, live, listed, ended);
    return true;
}

static bool check_installed(const struct cf_handle_table *t, struct finding *f)
{
    uint32_t per_segment = UINT32_C(1) << t->segment_shift;
    for (uint32_t at = 0; at < t->limit; at += per_segment) {
        for (uint32_t i = at; t->segments[at >> t->segment_shift] != 0 && i < t->limit && i - at < per_segment; i++) {
            uint32_t generation = known_slot(t, i)->generation;
            if (generation != 0 && (generation < t->head->base_generation || generation >= t->head->generation_end + 1))
                return fault(f, "slot %u: generation %u", i, generation);
        }
    }
    return true;
}

bool cf_handle_table_check(const struct cf_handle_table *t, char *why, size_t why_bytes)
{
    struct finding f = {why, why_bytes};
    const struct cf_handle_head *h = t->head;
    uint32_t listed = h->free, ended = 0;
    if (!check_head(t, &f))
        return false;
    if (t->installed)
        return check_installed(t, &f);
    return check_queue(t, &f) && check_chain(t, "ordered", t->ordered, h->live, false, &listed, &ended, &f) &&
           check_chain(t, "taken", t->taken, h->live, true, &listed, &ended, &f) &&
           check_chain(t, "released", t->released, h->live, true, &listed, &ended, &f) && check_slots(t, listed, ended, &f);
}
