#include "apps/callfan/map.h"

#include <stdio.h>
#include <stdlib.h>

static size_t place_of(const struct cf_tool_map *m, uint64_t key)
{
    return (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (m->entries_count - 1);
}

void cf_tool_map_fini(struct cf_tool_map *m)
{
    free(m->entries);
    *m = (struct cf_tool_map){0};
}

static void grow(struct cf_tool_map *m)
{
    struct cf_tool_map old = *m;
    m->entries_count = old.entries_count == 0 ? 1024 : old.entries_count * 2;
    m->used_count = 0;
    m->entries = calloc(m->entries_count, sizeof *m->entries);
    if (m->entries == NULL) {
        fprintf(stderr, "callfan: no memory for %zu entries\n", m->entries_count);
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < old.entries_count; i++)
        if (old.entries[i].key != 0)
            cf_tool_map_put(m, old.entries[i].key, old.entries[i].value);
    free(old.entries);
}

bool cf_tool_map_put(struct cf_tool_map *m, uint64_t key, uint64_t value)
{
    if ((m->used_count + 1) * 4 > m->entries_count * 3)
        grow(m);
    size_t i = place_of(m, key);
    while (m->entries[i].key != 0 && m->entries[i].key != key)
        i = (i + 1) & (m->entries_count - 1);
    bool is_new = m->entries[i].key == 0;
    m->entries[i] = (struct cf_tool_map_entry){key, value};
    m->used_count += is_new;
    return is_new;
}

/* The place of a key, or entries_count. */
static size_t find(const struct cf_tool_map *m, uint64_t key)
{
    if (m->entries_count == 0)
        return 0;
    for (size_t i = place_of(m, key); m->entries[i].key != 0; i = (i + 1) & (m->entries_count - 1))
        if (m->entries[i].key == key)
            return i;
    return m->entries_count;
}

bool cf_tool_map_get(const struct cf_tool_map *m, uint64_t key, uint64_t *ret_value)
{
    size_t i = find(m, key);
    if (i == m->entries_count)
        return false;
    *ret_value = m->entries[i].value;
    return true;
}

bool cf_tool_map_remove(struct cf_tool_map *m, uint64_t key)
{
    size_t hole = find(m, key), mask = m->entries_count - 1;
    if (hole == m->entries_count)
        return false;
    /* Moves back what would no longer be found behind the hole. */
    for (size_t i = (hole + 1) & mask; m->entries[i].key != 0; i = (i + 1) & mask) {
        size_t home = place_of(m, m->entries[i].key);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->entries[hole] = m->entries[i];
            hole = i;
        }
    }
    m->entries[hole].key = 0;
    m->used_count--;
    return true;
}

const struct cf_tool_map_entry *cf_tool_map_next(const struct cf_tool_map *m, size_t *at)
{
    while (*at < m->entries_count) {
        const struct cf_tool_map_entry *entry = &m->entries[(*at)++];
        if (entry->key != 0)
            return entry;
    }
    return NULL;
}

size_t cf_tool_map_remove_value(struct cf_tool_map *m, uint64_t value)
{
    struct cf_tool_map kept = {0};
    size_t at = 0, before = m->used_count;
    for (const struct cf_tool_map_entry *e; (e = cf_tool_map_next(m, &at)) != NULL;)
        if (e->value != value)
            cf_tool_map_put(&kept, e->key, e->value);
    free(m->entries);
    *m = kept;
    return before - m->used_count;
}
