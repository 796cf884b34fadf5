/*
 * A hash map from a handle (or another number but 0) to a 64-bit value.
 *
 * Shape      open addressing, linear probing, at most 3/4 full; grows by doubling
 * Overlap    one thread
 * Errors     no memory ends the program: the tool has nothing to go on with
 */
#ifndef CF_APPS_CALLFAN_MAP_H
#define CF_APPS_CALLFAN_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cf_tool_map_entry {
    uint64_t key; /* 0: free */
    uint64_t value;
};

/* All zero is an empty map. */
struct cf_tool_map {
    struct cf_tool_map_entry *entries; /* callee's */
    size_t entries_count;              /* a power of two, or 0 */
    size_t used_count;
};

void cf_tool_map_fini(struct cf_tool_map *m);

/* Sets the value of a key; true when the key is new. */
bool cf_tool_map_put(struct cf_tool_map *m, uint64_t key, uint64_t value);
bool cf_tool_map_get(const struct cf_tool_map *m, uint64_t key, uint64_t *ret_value);
bool cf_tool_map_remove(struct cf_tool_map *m, uint64_t key);

/* The next entry at or after place *at, which moves behind it; NULL at the end. Not while the map changes. */
const struct cf_tool_map_entry *cf_tool_map_next(const struct cf_tool_map *m, size_t *at);

/* Removes every entry with this value; returns how many. */
size_t cf_tool_map_remove_value(struct cf_tool_map *m, uint64_t value);

#endif
