/* malloc and liburcu's lock-free hash table (cds_lfht), flavour memb: one table, any thread reads and writes. */
#include "bench/handles/peer.h"

#include <string.h>

#include <urcu/urcu-memb.h>

#include <urcu/rculfhash.h>

struct object {
    struct cds_lfht_node hook;
    uint64_t key, parent, state;
    uint64_t rest[3];
};
_Static_assert(sizeof(struct object) == OBJECT_BYTES, "as large as a slot");

struct shard {
    uint64_t last_key;
    struct peer_waiting waiting;
} __attribute__((aligned(128)));

struct keeper {
    struct cds_lfht *table;
    const struct allocator *allocator;
    bool watched;
    struct shard shard[KEEPER_SHARDS_MAX];
};

static struct keeper *keeper_new(const struct keeper_kind *kind, uint64_t handles, unsigned shards)
{
    struct keeper *k = aligned_alloc(128, sizeof *k);
    (void)shards; /* one table for both */
    if (k == NULL)
        abort();
    memset(k, 0, sizeof *k);
    k->allocator = kind->allocator;
    k->table = cds_lfht_new_flavor(handles, handles, handles, 0, &urcu_memb_flavor, NULL);
    if (k->table == NULL)
        abort();
    return k;
}

static void keeper_free(struct keeper *k)
{
    if (cds_lfht_destroy(k->table, NULL) != 0) /* not empty */
        abort();
    free(k);
}

static void give_back(struct keeper *k, struct shard *s)
{
    urcu_memb_synchronize_rcu();
    peer_waiting_free(&s->waiting, k->allocator);
}

static void set_watched(struct keeper *k, bool watched)
{
    k->watched = watched;
    for (unsigned i = 0; i < KEEPER_SHARDS_MAX; i++)
        give_back(k, &k->shard[i]);
}

static void enter(void)
{
    urcu_memb_register_thread();
}

static void leave(void)
{
    urcu_memb_unregister_thread();
}

static int same_key(struct cds_lfht_node *n, const void *key)
{
    return caa_container_of(n, struct object, hook)->key == *(const uint64_t *)key;
}

static uint64_t allocate(struct keeper *k, unsigned shard)
{
    struct object *o = k->allocator->allocate(sizeof *o);
    cds_lfht_node_init(&o->hook);
    o->key = o->state = peer_key(&k->shard[shard].last_key, shard);
    o->parent = shard;
    uint64_t key = o->key;
    urcu_memb_read_lock();
    cds_lfht_add(k->table, peer_hash(key), &o->hook);
    urcu_memb_read_unlock();
    return key;
}

static bool release(struct keeper *k, unsigned shard, uint64_t handle)
{
    struct cds_lfht_iter found;
    struct shard *s = &k->shard[shard];
    urcu_memb_read_lock();
    cds_lfht_lookup(k->table, peer_hash(handle), same_key, &handle, &found);
    struct cds_lfht_node *n = cds_lfht_iter_get_node(&found);
    bool ended = n != NULL && cds_lfht_del(k->table, n) == 0;
    urcu_memb_read_unlock();
    if (!ended)
        return false;
    struct object *o = caa_container_of(n, struct object, hook);
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
    struct cds_lfht_iter found;
    (void)shard;
    (void)thread;
    urcu_memb_read_lock();
    cds_lfht_lookup(k->table, peer_hash(handle), same_key, &handle, &found);
    struct cds_lfht_node *n = cds_lfht_iter_get_node(&found);
    if (n != NULL)
        *ret_state = caa_container_of(n, struct object, hook)->state;
    urcu_memb_read_unlock();
    return n != NULL;
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
        .name = kind_name, .allocator = kind_allocator, .any_releases = true, .new = keeper_new, .free = keeper_free,  \
        .set_watched = set_watched, .enter = enter, .leave = leave, .fill = fill, .churn = churn, .look_up = look_up,  \
        .release = release_all, .drop = drop                                                                           \
    }

const struct keeper_kind keeper_urcu_glibc = KIND("_ref_urcu_glibc", &allocator_glibc);
const struct keeper_kind keeper_urcu_jemalloc = KIND("_ref_urcu_jemalloc", &allocator_jemalloc);
