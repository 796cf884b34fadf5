#include "adapters/sip/table.h"

#include <assert.h>

uint32_t cf_sip_table_buckets(uint32_t nodes_max)
{
    uint32_t buckets = 16;
    while (buckets / 2 < nodes_max && buckets < (1u << 30))
        buckets *= 2;
    return buckets;
}

void cf_sip_table_init(struct cf_sip_table *table, struct cf_sip_node **bucket, uint32_t buckets)
{
    assert(buckets != 0 && (buckets & (buckets - 1)) == 0);
    *table = (struct cf_sip_table){.bucket = bucket, .mask = buckets - 1};
}

static struct cf_sip_node **bucket_of(const struct cf_sip_table *table, const struct cf_sip_key *key)
{
    return &table->bucket[key->word[0] & table->mask];
}

void cf_sip_table_insert(struct cf_sip_table *table, struct cf_sip_node *node, struct cf_sip_key key)
{
    assert(!node->in);
    struct cf_sip_node **bucket = bucket_of(table, &key);
    *node = (struct cf_sip_node){.next = *bucket, .key = key, .in = true};
    *bucket = node;
    table->live++;
}

void cf_sip_table_remove(struct cf_sip_table *table, struct cf_sip_node *node)
{
    if (!node->in)
        return;
    struct cf_sip_node **link = bucket_of(table, &node->key);
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    node->next = NULL;
    node->in = false;
    table->live--;
}

struct cf_sip_node *cf_sip_table_find(const struct cf_sip_table *table, const struct cf_sip_key *key)
{
    struct cf_sip_node *node = *bucket_of(table, key);
    while (node != NULL && !cf_sip_key_same(&node->key, key))
        node = node->next;
    return node;
}

bool cf_sip_table_check(const struct cf_sip_table *table)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i <= table->mask; i++)
        for (const struct cf_sip_node *node = table->bucket[i]; node != NULL; node = node->next) {
            if (!node->in || (node->key.word[0] & table->mask) != i || ++live > table->live)
                return false;
        }
    return live == table->live;
}
