/*
 * malloc and Concurrency Kit's hash table (ck_ht, one writer, any readers, who hold a ck_epoch section), the handle as a direct key.
 *
 * ck_ht never makes an entry that was deleted an empty one again, and an insertion looks on until it finds an empty one: without
 * empties it would walk a sixteenth of the table. So the table is built anew after as many deletions as half its capacity, which is
 * part of the work. The time between is such that it costs about half an insertion for each.
 */
#include "bench/handles/peer.h"

#include <string.h>

#include <ck_epoch.h>
#include <ck_ht.h>

struct object {
    uint64_t key, parent, state;
    uint64_t rest[5];
};
_Static_assert(sizeof(struct object) == OBJECT_BYTES, "as large as a slot");

struct shard {
    ck_ht_t tables[2];
    uint32_t current; /* which of them */
    uint32_t capacity;
    uint64_t deleted; /* since the table was built */
    uint64_t last_key;
    struct peer_waiting waiting;
} __attribute__((aligned(128)));

struct reader {
    ck_epoch_record_t record;
} __attribute__((aligned(128)));

struct keeper {
    const struct allocator *allocator;
    bool watched;
    unsigned shards;
    ck_epoch_t epoch;
    struct reader reader[2];
    struct shard shard[KEEPER_SHARDS_MAX];
};

/* Tables have their final size from the start, so none is replaced by a larger one while it may be read. */
static void glibc_free(void *memory, size_t bytes, bool defer)
{
    (void)bytes;
    if (defer)
        abort();
    allocator_glibc.release(memory);
}

static void jemalloc_free(void *memory, size_t bytes, bool defer)
{
    (void)bytes;
    if (defer)
        abort();
    allocator_jemalloc.release(memory);
}

static void *glibc_malloc(size_t bytes)
{
    return allocator_glibc.allocate(bytes);
}

static void *jemalloc_malloc(size_t bytes)
{
    return allocator_jemalloc.allocate(bytes);
}

static struct ck_malloc glibc_functions = {.malloc = glibc_malloc, .free = glibc_free};
static struct ck_malloc jemalloc_functions = {.malloc = jemalloc_malloc, .free = jemalloc_free};

static void hash_of_key(ck_ht_hash_t *h, const void *key, size_t bytes, uint64_t seed)
{
    uint64_t k;
    (void)bytes;
    (void)seed;
    memcpy(&k, key, sizeof k);
    h->value = peer_hash(k);
}

static void table_init(struct keeper *k, ck_ht_t *t, uint32_t capacity)
{
    if (!ck_ht_init(t, CK_HT_MODE_DIRECT | CK_HT_WORKLOAD_DELETE, hash_of_key,
                    k->allocator == &allocator_glibc ? &glibc_functions : &jemalloc_functions, capacity, 1))
        abort();
}

static struct keeper *keeper_new(const struct keeper_kind *kind, uint64_t handles, unsigned shards)
{
    struct keeper *k = aligned_alloc(128, sizeof *k);
    if (k == NULL)
        abort();
    memset(k, 0, sizeof *k);
    k->allocator = kind->allocator;
    k->shards = shards;
    ck_epoch_init(&k->epoch);
    for (unsigned i = 0; i < 2; i++)
        ck_epoch_register(&k->epoch, &k->reader[i].record, NULL);
    for (unsigned i = 0; i < shards; i++) {
        k->shard[i].capacity = (uint32_t)(2 * handles / shards); /* at most half of it is ever used */
        table_init(k, &k->shard[i].tables[0], k->shard[i].capacity);
    }
    return k;
}

static void keeper_free(struct keeper *k)
{
    for (unsigned i = 0; i < k->shards; i++) {
        ck_ht_t *t = &k->shard[i].tables[k->shard[i].current];
        if (ck_ht_count(t) != 0)
            abort();
        ck_ht_destroy(t);
    }
    free(k);
}

static void give_back(struct keeper *k, struct shard *s)
{
    ck_epoch_synchronize(&k->reader[0].record);
    peer_waiting_free(&s->waiting, k->allocator);
}

static void set_watched(struct keeper *k, bool watched)
{
    k->watched = watched;
    for (unsigned i = 0; i < k->shards; i++)
        give_back(k, &k->shard[i]);
}

static void nothing(void)
{
}

static void put(ck_ht_t *t, uint64_t key, void *object)
{
    ck_ht_entry_t entry;
    ck_ht_hash_t h = {peer_hash(key)};
    ck_ht_entry_set_direct(&entry, h, key, (uintptr_t)object);
    if (!ck_ht_put_spmc(t, h, &entry))
        abort();
}

static __attribute__((noinline)) void build_anew(struct keeper *k, struct shard *s)
{
    ck_ht_t *old = &s->tables[s->current], *fresh = &s->tables[!s->current];
    ck_ht_iterator_t at = CK_HT_ITERATOR_INITIALIZER;
    ck_ht_entry_t *entry;
    table_init(k, fresh, s->capacity);
    while (ck_ht_next(old, &at, &entry))
        put(fresh, ck_ht_entry_key_direct(entry), (void *)ck_ht_entry_value_direct(entry));
    /* pairs with the load in read_state(): the entries before the table */
    cf_store_release_32(&s->current, !s->current);
    if (k->watched)
        ck_epoch_synchronize(&k->reader[0].record);
    ck_ht_destroy(old);
    s->deleted = 0;
}

static uint64_t allocate(struct keeper *k, unsigned shard)
{
    struct shard *s = &k->shard[shard];
    if (s->deleted >= s->capacity / 2)
        build_anew(k, s);
    struct object *o = k->allocator->allocate(sizeof *o);
    o->key = o->state = peer_key(&s->last_key, shard);
    o->parent = shard;
    uint64_t key = o->key;
    put(&s->tables[s->current], key, o);
    return key;
}

static bool release(struct keeper *k, unsigned shard, uint64_t handle)
{
    struct shard *s = &k->shard[shard];
    ck_ht_entry_t entry;
    ck_ht_hash_t h = {peer_hash(handle)};
    ck_ht_entry_key_set_direct(&entry, handle);
    if (!ck_ht_remove_spmc(&s->tables[s->current], h, &entry))
        return false;
    s->deleted++;
    void *o = (void *)ck_ht_entry_value_direct(&entry);
    if (!k->watched) {
        k->allocator->release(o);
        return true;
    }
    s->waiting.objects[s->waiting.count++] = o;
    if (s->waiting.count == PEER_BATCH)
        give_back(k, s);
    return true;
}

static bool read_state(struct keeper *k, unsigned shard, unsigned thread, uint64_t handle, uint64_t *ret_state)
{
    struct shard *s = &k->shard[shard];
    ck_epoch_record_t *record = &k->reader[thread].record;
    ck_ht_entry_t entry;
    ck_ht_hash_t h = {peer_hash(handle)};
    ck_ht_entry_key_set_direct(&entry, handle);
    ck_epoch_begin(record, NULL);
    bool found = ck_ht_get_spmc(&s->tables[cf_load_acquire_32(&s->current)], h, &entry);
    if (found)
        *ret_state = ((const struct object *)ck_ht_entry_value_direct(&entry))->state;
    ck_epoch_end(record, NULL);
    return found;
}

static const struct keeper_operations operations = {allocate, release, read_state};

static void fill(struct keeper_work *w)
{
    work_fill(&operations, w);
}

static void churn(struct keeper_work *w, uint64_t times)
{
    work_churn(&operations, w, times);
}

static uint64_t look_up(struct keeper_work *w, uint64_t times)
{
    return work_look_up(&operations, w, times);
}

static void release_all(struct keeper_work *w)
{
    work_release(&operations, w);
}

static void drop(struct keeper_work *w, int64_t *ret_void_ns, int64_t *ret_all_ns)
{
    peer_drop(&operations, w, ret_void_ns, ret_all_ns);
}

#define KIND(kind_name, kind_allocator)                                                                                \
    {                                                                                                                  \
        .name = kind_name, .allocator = kind_allocator, .new = keeper_new, .free = keeper_free,                        \
        .set_watched = set_watched, .enter = nothing, .leave = nothing, .fill = fill, .churn = churn,                  \
        .look_up = look_up, .release = release_all, .drop = drop                                                       \
    }

const struct keeper_kind keeper_ck_ht_glibc = KIND("_ref_ck_ht_glibc", &allocator_glibc);
const struct keeper_kind keeper_ck_ht_jemalloc = KIND("_ref_ck_ht_jemalloc", &allocator_jemalloc);
