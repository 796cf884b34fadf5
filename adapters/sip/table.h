/*
 * Hash table of nodes that lie in the caller's structures, by 128-bit key (hash.h).
 *
 * Shape:     buckets, a power of two at least twice as many as nodes (most look-ups find nothing, and then touch no node),
 *            each a singly linked list.
 * Invariant: a node is in at most one table; `live` counts the nodes.
 * Progress:  insertion O(1); look-up and removal walk one bucket, whose length no peer can choose (keys are keyed hashes).
 */
#ifndef CALLFAN_ADAPTERS_SIP_TABLE_H
#define CALLFAN_ADAPTERS_SIP_TABLE_H

#include "adapters/sip/hash.h"

struct cf_sip_node {
    struct cf_sip_node *next;
    struct cf_sip_key key;
    bool in;
};

struct cf_sip_table {
    struct cf_sip_node **bucket;
    uint32_t mask;
    uint32_t live;
};

/* Number of buckets for so many nodes. */
uint32_t cf_sip_table_buckets(uint32_t nodes_max);

/* Takes `buckets` zeroed pointers; buckets is a power of two. */
void cf_sip_table_init(struct cf_sip_table *table, struct cf_sip_node **bucket, uint32_t buckets);
void cf_sip_table_insert(struct cf_sip_table *table, struct cf_sip_node *node, struct cf_sip_key key);
void cf_sip_table_remove(struct cf_sip_table *table, struct cf_sip_node *node); /* no-op when it is not in */
struct cf_sip_node *cf_sip_table_find(const struct cf_sip_table *table, const struct cf_sip_key *key);
bool cf_sip_table_check(const struct cf_sip_table *table);

#define CF_SIP_CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
