/*
 * The words of memory ordering used in Callfan; nothing else touches fences, builtins or volatile.
 *
 * Units      a 32-bit or 64-bit word, naturally aligned
 * Progress   wait-free each (a CAS may fail, it never waits)
 * Overlap    all, from any thread or process that maps the word
 * Source     Concurrency Kit ck_pr(3). ThreadSanitizer cannot see ck_pr, so a build under it uses the compiler's atomics;
 *            TSan does not model fences either, so there every ordered access is sequentially consistent by itself.
 */
#ifndef CF_SHM_ATOMICS_H
#define CF_SHM_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef CF_MODEL

/* Defined by tests/support/explorer.c, which decides what an access sees and who runs next. No part of the product is built like this. */
enum cf_model_operation { CF_MODEL_CAS, CF_MODEL_SWAP, CF_MODEL_ADD, CF_MODEL_OR, CF_MODEL_AND };
uint64_t cf_model_load(const void *p, uint32_t bytes, bool acquire);
void cf_model_store(void *p, uint32_t bytes, uint64_t v, bool release);
uint64_t cf_model_change(void *p, uint32_t bytes, enum cf_model_operation op, uint64_t expected, uint64_t v, bool acq_rel);
void cf_model_fence(void);

#define CF_ATOMICS(bits, type)                                                                                        \
    static inline type cf_load_relaxed_##bits(const type *p) { return (type)cf_model_load(p, bits / 8, false); }     \
    static inline type cf_load_acquire_##bits(const type *p) { return (type)cf_model_load(p, bits / 8, true); }      \
    static inline void cf_store_relaxed_##bits(type *p, type v) { cf_model_store(p, bits / 8, v, false); }           \
    static inline void cf_store_release_##bits(type *p, type v) { cf_model_store(p, bits / 8, v, true); }            \
    static inline bool cf_cas_acq_rel_##bits(type *p, type expected, type desired) {                                 \
        return (type)cf_model_change(p, bits / 8, CF_MODEL_CAS, expected, desired, true) == expected;                \
    }                                                                                                                 \
    static inline type cf_swap_acq_rel_##bits(type *p, type v) {                                                     \
        return (type)cf_model_change(p, bits / 8, CF_MODEL_SWAP, 0, v, true);                                        \
    }                                                                                                                 \
    static inline type cf_add_relaxed_##bits(type *p, type v) {                                                      \
        return (type)cf_model_change(p, bits / 8, CF_MODEL_ADD, 0, v, false);                                        \
    }                                                                                                                 \
    static inline void cf_or_acq_rel_##bits(type *p, type v) { cf_model_change(p, bits / 8, CF_MODEL_OR, 0, v, true); } \
    static inline void cf_and_acq_rel_##bits(type *p, type v) { cf_model_change(p, bits / 8, CF_MODEL_AND, 0, v, true); }

CF_ATOMICS(32, uint32_t)
CF_ATOMICS(64, uint64_t)

static inline void cf_fence_store_load(void) { cf_model_fence(); }
static inline void cf_pause(void) {}

#elif defined(CF_TSAN)

#define CF_ATOMICS(bits, type)                                                                                        \
    static inline type cf_load_relaxed_##bits(const type *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }        \
    static inline type cf_load_acquire_##bits(const type *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }        \
    static inline void cf_store_relaxed_##bits(type *p, type v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }        \
    static inline void cf_store_release_##bits(type *p, type v) { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); }        \
    static inline bool cf_cas_acq_rel_##bits(type *p, type expected, type desired) {                                 \
        return __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);        \
    }                                                                                                                 \
    static inline type cf_swap_acq_rel_##bits(type *p, type v) { return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); } \
    static inline type cf_add_relaxed_##bits(type *p, type v) { return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST); } \
    static inline void cf_or_acq_rel_##bits(type *p, type v) { __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST); }          \
    static inline void cf_and_acq_rel_##bits(type *p, type v) { __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST); }

CF_ATOMICS(32, uint32_t)
CF_ATOMICS(64, uint64_t)

static inline void cf_fence_store_load(void) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }
static inline void cf_pause(void) { __builtin_ia32_pause(); }

#else

#include <ck_pr.h>

/* ck_pr_fence_acquire/release are compiler barriers on x86-64 (TSO) and real fences elsewhere. */
#define CF_ATOMICS(bits, type)                                                                                        \
    static inline type cf_load_relaxed_##bits(const type *p) { return ck_pr_load_##bits(p); }                        \
    static inline type cf_load_acquire_##bits(const type *p) {                                                       \
        type v = ck_pr_load_##bits(p);                                                                                \
        ck_pr_fence_acquire();                                                                                        \
        return v;                                                                                                     \
    }                                                                                                                 \
    static inline void cf_store_relaxed_##bits(type *p, type v) { ck_pr_store_##bits(p, v); }                        \
    static inline void cf_store_release_##bits(type *p, type v) {                                                    \
        ck_pr_fence_release();                                                                                        \
        ck_pr_store_##bits(p, v);                                                                                     \
    }                                                                                                                 \
    static inline bool cf_cas_acq_rel_##bits(type *p, type expected, type desired) {                                 \
        ck_pr_fence_release();                                                                                        \
        bool won = ck_pr_cas_##bits(p, expected, desired);                                                            \
        ck_pr_fence_acquire();                                                                                        \
        return won;                                                                                                   \
    }                                                                                                                 \
    static inline type cf_swap_acq_rel_##bits(type *p, type v) {                                                     \
        ck_pr_fence_release();                                                                                        \
        type old = ck_pr_fas_##bits(p, v);                                                                            \
        ck_pr_fence_acquire();                                                                                        \
        return old;                                                                                                   \
    }                                                                                                                 \
    static inline type cf_add_relaxed_##bits(type *p, type v) { return ck_pr_faa_##bits(p, v); }                     \
    static inline void cf_or_acq_rel_##bits(type *p, type v) {                                                       \
        ck_pr_fence_release();                                                                                        \
        ck_pr_or_##bits(p, v);                                                                                        \
        ck_pr_fence_acquire();                                                                                        \
    }                                                                                                                 \
    static inline void cf_and_acq_rel_##bits(type *p, type v) {                                                      \
        ck_pr_fence_release();                                                                                        \
        ck_pr_and_##bits(p, v);                                                                                       \
        ck_pr_fence_acquire();                                                                                        \
    }

CF_ATOMICS(32, uint32_t)
CF_ATOMICS(64, uint64_t)

/* Orders every store before it with every load after it: the one fence of the sleep/wake protocol. */
static inline void cf_fence_store_load(void) { ck_pr_fence_memory(); }
static inline void cf_pause(void) { ck_pr_stall(); }

#endif

#undef CF_ATOMICS

#define cf_likely(x) __builtin_expect(!!(x), 1)
#define cf_unlikely(x) __builtin_expect(!!(x), 0)
#define cf_prefetch_read(p) __builtin_prefetch((p), 0, 3)
#define cf_prefetch_write(p) __builtin_prefetch((p), 1, 3)
/* What only prefetches: a function without an effect, as gcc sees it, and a call of it would be left out. */
#define CF_PREFETCHES static inline __attribute__((always_inline))

#endif
