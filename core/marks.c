/* A hierarchical bitmap; see marks.h. */
#include "core/marks.h"

#include "shm/handle.h"

static uint64_t words_of(uint64_t bits) { return (bits + 63) / 64; }

uint64_t cf_marks_bytes(uint32_t capacity) {
    uint64_t bytes = 0;
    for (uint64_t words = words_of(capacity);; words = words_of(words)) {
        bytes += (words * 8 + 63) / 64 * 64;
        if (words == 1)
            return bytes;
    }
}

void cf_marks_view(struct cf_marks *m, void *memory, uint32_t capacity) {
    uint8_t *at = memory;
    m->capacity = capacity;
    m->levels = 0;
    for (uint64_t words = words_of(capacity);; words = words_of(words)) {
        assert(m->levels < CF_MARKS_LEVELS);
        m->level[m->levels++] = (uint64_t *)(void *)at;
        at += (words * 8 + 63) / 64 * 64;
        if (words == 1)
            return;
    }
}

bool cf_marks_test(const struct cf_marks *m, uint32_t i) { return m->level[0][i / 64] >> (i % 64) & 1; }

bool cf_marks_set(struct cf_marks *m, struct cf_journal *j, uint32_t i) {
    assert(i < m->capacity);
    if (cf_marks_test(m, i))
        return false;
    for (uint32_t l = 0; l < m->levels; l++, i /= 64) {
        uint64_t *word = &m->level[l][i / 64], before = *word;
        cf_touch(j, word);
        *word = before | UINT64_C(1) << (i % 64);
        if (before != 0)
            break;
    }
    return true;
}

bool cf_marks_clear(struct cf_marks *m, struct cf_journal *j, uint32_t i) {
    assert(i < m->capacity);
    if (!cf_marks_test(m, i))
        return false;
    for (uint32_t l = 0; l < m->levels; l++, i /= 64) {
        uint64_t *word = &m->level[l][i / 64];
        cf_touch(j, word);
        *word &= ~(UINT64_C(1) << (i % 64));
        if (*word != 0)
            break;
    }
    return true;
}

uint32_t cf_marks_next(const struct cf_marks *m, uint32_t from) {
    uint64_t i = from;
    uint32_t l = 0;
    /* Up until a word holds a bit at or after i, then down along the lowest bits. */
    for (; l < m->levels; l++) {
        uint64_t words = l == 0 ? words_of(m->capacity) : 0;
        if (l == 0 && i / 64 >= words)
            return CF_INDEX_NONE;
        uint64_t rest = m->level[l][i / 64] >> (i % 64);
        if (rest != 0) {
            i += (uint64_t)__builtin_ctzll(rest);
            break;
        }
        i = i / 64 + 1;
        if (l + 1 < m->levels) {
            uint64_t below = words_of(m->capacity);
            for (uint32_t k = 0; k < l; k++)
                below = words_of(below);
            if (i >= below) /* past the last word of this level */
                return CF_INDEX_NONE;
        }
    }
    if (l == m->levels)
        return CF_INDEX_NONE;
    while (l-- > 0)
        i = i * 64 + (uint64_t)__builtin_ctzll(m->level[l][i]);
    return (uint32_t)i;
}
