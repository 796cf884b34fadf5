/* Choices, coroutines, store buffers and the happens-before order of the interleaving explorer. */
#define _GNU_SOURCE 1
#include "tests/support/explorer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

/* What shm/atomics.h declares in a build with CF_MODEL; this file is built without. */
enum cf_model_operation { CF_MODEL_CAS, CF_MODEL_SWAP, CF_MODEL_ADD, CF_MODEL_OR, CF_MODEL_AND };
uint64_t cf_model_load(const void *p, uint32_t bytes, bool acquire);
void cf_model_store(void *p, uint32_t bytes, uint64_t v, bool release);
uint64_t cf_model_change(void *p, uint32_t bytes, enum cf_model_operation op, uint64_t expected, uint64_t v,
                         bool acq_rel);
void cf_model_fence(void);
void *cf_model_memcpy(void *to, const void *from, size_t bytes);
void *cf_model_memset(void *to, int byte, size_t bytes);

enum {
    THREADS = CF_EXPLORER_THREADS,
    STACK_BYTES = 256 << 10,
    CHOICES_MAX = 4096,
    BUFFER_MAX = 64,
    WORDS = 4096,   /* of the table of words; a power of two */
    GRAINS = 16384, /* of the table of plain memory; a power of two */
    POINTS_MAX = 20000
};

/* ------------------------------------------------------------------ state */

struct clock {
    uint32_t of[THREADS];
};

struct store {
    void *p;
    uint64_t value;
    uint32_t bytes;
    bool release, late;
    struct clock clock;
};

enum status { RUNNABLE, WAITING, SLEEPING, ENDED };

struct thread {
    enum status status;
    ucontext_t context;
    struct clock clock;
    struct store buffer[BUFFER_MAX];
    uint32_t buffered;
    const void *word; /* WAITING */
    uint32_t bytes;
    uint64_t value;
    bool equal;            /* until the word holds value; else until it does not */
    bool (*ready)(void *); /* SLEEPING */
    void *arg;
};

/* A word of the atomics. users and writers are kept from execution to execution. */
struct word {
    const void *p;
    uint8_t users, writers;
    uint64_t execution;
    struct clock released;
};

/* Four bytes of memory, and when who last touched them. */
struct grain {
    uintptr_t at;
    uint64_t execution;
    uint32_t wrote[THREADS], read[THREADS], stored[THREADS], loaded[THREADS];
};

static struct thread threads[THREADS];
static char stacks[THREADS][STACK_BYTES] __attribute__((aligned(64)));
static ucontext_t home;
static int current = -1; /* the thread that runs; -1: set-up, end or the explorer itself */
static uint32_t threads_count;
static const struct cf_explored *explored;

static struct word words[WORDS];
static struct grain grains[GRAINS];
static uint64_t execution; /* ever begun */
static bool sharing_grew;

static struct {
    uint32_t point, options, chosen;
} path[CHOICES_MAX];
static uint32_t depth, prefix, points, delays, delays_max;
static bool failed;
static char why[512];
static const char *replayed; /* NULL: a search */

/* ------------------------------------------------------------------ choices */

static void leave(void)
{
    int from = current;
    current = -1;
    if (from >= 0)
        swapcontext(&threads[from].context, &home);
}

static void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!failed)
        vsnprintf(why, sizeof why, format, args);
    va_end(args);
    failed = true;
    leave();
}

/* "12=1,30=2": the choices that are not 0, by the number of their point. */
static uint32_t replay_choice(uint32_t point)
{
    for (const char *s = replayed; *s != '\0';) {
        char *end;
        uint32_t at = (uint32_t)strtoul(s, &end, 10);
        uint32_t choice = *end == '=' ? (uint32_t)strtoul(end + 1, &end, 10) : 0;
        if (at == point)
            return choice;
        s = *end == ',' ? end + 1 : end + strlen(end);
    }
    return 0;
}

static uint32_t choose(uint32_t options)
{
    uint32_t point = points++;
    if (point == POINTS_MAX) {
        fail("no end after %u scheduling points", point);
        return 0;
    }
    if (options == 1)
        return 0;
    if (replayed != NULL) {
        uint32_t choice = replay_choice(point);
        return choice < options ? choice : 0;
    }
    if (depth == CHOICES_MAX) {
        fprintf(stderr, "explorer: more than %u choices in one execution\n", depth);
        exit(2);
    }
    if (depth >= prefix)
        path[depth].chosen = 0;
    path[depth].point = point;
    path[depth].options = options;
    return path[depth++].chosen;
}

/* The next path to try; false: all were. */
static bool next_path(void)
{
    while (depth > 0 && path[depth - 1].chosen + 1 >= path[depth - 1].options)
        depth--;
    if (depth == 0)
        return false;
    path[depth - 1].chosen++;
    prefix = depth;
    return true;
}

static void print_path(FILE *f)
{
    const char *comma = "";
    for (uint32_t i = 0; i < depth; i++)
        if (path[i].chosen != 0) {
            fprintf(f, "%s%u=%u", comma, path[i].point, path[i].chosen);
            comma = ",";
        }
}

/* ------------------------------------------------------------------ words and grains */

static size_t hash(uintptr_t p)
{
    uint64_t h = (uint64_t)(p >> 2) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(h >> 40);
}

static struct word *word_of(const void *p)
{
    size_t at = hash((uintptr_t)p) & (WORDS - 1);
    for (uint32_t looks = 0; words[at].p != NULL && words[at].p != p; looks++, at = (at + 1) & (WORDS - 1))
        assert(looks < WORDS);
    struct word *w = &words[at];
    w->p = p;
    if (w->execution != execution) {
        w->execution = execution;
        memset(&w->released, 0, sizeof w->released);
    }
    return w;
}

static bool shared(const struct word *w)
{
    return (w->users & (w->users - 1)) != 0 && w->writers != 0;
}

static void use(struct word *w, bool writes)
{
    bool before = shared(w);
    w->users |= (uint8_t)(1u << current);
    if (writes)
        w->writers |= (uint8_t)(1u << current);
    sharing_grew |= !before && shared(w);
}

static struct grain *grain_of(uintptr_t at)
{
    size_t i = hash(at) & (GRAINS - 1);
    for (uint32_t looks = 0; grains[i].execution == execution && grains[i].at != at;
         looks++, i = (i + 1) & (GRAINS - 1))
        assert(looks < GRAINS);
    struct grain *g = &grains[i];
    if (g->execution != execution) {
        memset(g, 0, sizeof *g);
        g->execution = execution;
        g->at = at;
    }
    return g;
}

/* Something in `when` is not before what the current thread does now. */
static int unordered(const uint32_t *when)
{
    for (int t = 0; t < THREADS; t++)
        if (t != current && when[t] > threads[current].clock.of[t])
            return t;
    return -1;
}

enum kind { PLAIN_READ, PLAIN_WRITE, LOAD, STORE };

static void touch(const void *p, size_t bytes, enum kind kind)
{
    static const char *const names[] = {"a plain read", "a plain write", "an atomic load", "an atomic store"};
    if (current < 0)
        return;
    uintptr_t first = (uintptr_t)p & ~(uintptr_t)3, end = (uintptr_t)p + bytes;
    for (uintptr_t at = first; at < end; at += 4) {
        struct grain *g = grain_of(at);
        int other = unordered(g->wrote);
        if (other < 0 && kind != LOAD && kind != PLAIN_READ)
            other = unordered(g->read);
        if (other < 0 && kind <= PLAIN_WRITE)
            other = unordered(g->stored);
        if (other < 0 && kind == PLAIN_WRITE)
            other = unordered(g->loaded);
        uint32_t now = threads[current].clock.of[current];
        uint32_t *mine = kind == PLAIN_READ    ? g->read
                         : kind == PLAIN_WRITE ? g->wrote
                         : kind == LOAD        ? g->loaded
                                               : g->stored;
        mine[current] = now;
        if (other >= 0) {
            fail("race: %s of thread %d at %p is not ordered with an access of thread %d", names[kind], current,
                 (void *)at, other);
            return;
        }
    }
}

static void join(struct clock *into, const struct clock *from)
{
    for (int t = 0; t < THREADS; t++)
        if (from->of[t] > into->of[t])
            into->of[t] = from->of[t];
}

/* ------------------------------------------------------------------ memory */

static uint64_t memory_load(const void *p, uint32_t bytes)
{
    if (bytes == 4)
        return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
    return __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED);
}

static void memory_store(void *p, uint32_t bytes, uint64_t v)
{
    if (bytes == 4)
        __atomic_store_n((uint32_t *)p, (uint32_t)v, __ATOMIC_RELAXED);
    else
        __atomic_store_n((uint64_t *)p, v, __ATOMIC_RELAXED);
}

static void flush_at(struct thread *t, uint32_t at)
{
    struct store s = t->buffer[at];
    memmove(&t->buffer[at], &t->buffer[at + 1], (t->buffered - at - 1) * sizeof s);
    t->buffered--;
    memory_store(s.p, s.bytes, s.value);
    word_of(s.p)->released = s.clock; /* of a relaxed store: nothing */
}

static void flush_all(struct thread *t)
{
    while (t->buffered != 0)
        flush_at(t, 0);
}

static struct store *oldest(struct thread *t, const void *p)
{
    struct store *s = t->buffer;
    while (s->p != p)
        s++;
    return s;
}

/* The oldest store of t to p becomes visible, and before it what must. */
static void flush_word(struct thread *t, const void *p)
{
    uint32_t at = (uint32_t)(oldest(t, p) - t->buffer);
    if (t->buffer[at].release)
        for (; at != 0; at--)
            flush_at(t, 0);
    flush_at(t, at);
}

static bool pending(const struct thread *t, const void *p)
{
    for (uint32_t i = 0; i < t->buffered; i++)
        if (t->buffer[i].p == p)
            return true;
    return false;
}

/*
 * The current thread looks at p: the others' stores to it have arrived, or some are late. One that was late before may stay so at no
 * cost: a thread looks several times before it sleeps.
 */
static void arrivals(const void *p)
{
    for (uint32_t t = 0; t < threads_count; t++)
        while ((int)t != current && pending(&threads[t], p)) {
            struct store *s = oldest(&threads[t], p);
            if (choose(s->late || delays < delays_max ? 2 : 1) != 0) {
                delays += !s->late;
                s->late = true;
                break;
            }
            flush_word(&threads[t], p);
        }
}

/* ------------------------------------------------------------------ who runs */

static bool may_run(uint32_t t)
{
    const struct thread *x = &threads[t];
    if (x->status == RUNNABLE)
        return true;
    if (x->status == SLEEPING)
        return x->ready(x->arg);
    if (x->status == ENDED)
        return false;
    if ((memory_load(x->word, x->bytes) == x->value) == x->equal)
        return true;
    for (uint32_t other = 0; other < threads_count; other++)
        for (uint32_t i = 0; other != t && i < threads[other].buffered; i++)
            if (threads[other].buffer[i].p == x->word && (threads[other].buffer[i].value == x->value) == x->equal)
                return true;
    return false;
}

static void switch_to(uint32_t t)
{
    int from = current;
    if ((int)t == from)
        return;
    current = (int)t;
    if (from < 0)
        swapcontext(&home, &threads[t].context);
    else
        swapcontext(&threads[from].context, &threads[t].context);
}

static bool all_ended(void)
{
    for (uint32_t t = 0; t < threads_count; t++)
        if (threads[t].status != ENDED)
            return false;
    return true;
}

/* The current thread cannot go on. */
static void run_another(void)
{
    uint32_t who[THREADS], n = 0;
    for (int looks = 0; looks < 2 && n == 0; looks++) {
        for (uint32_t t = 0; t < threads_count; t++)
            if (may_run(t))
                who[n++] = t;
        for (uint32_t t = 0; t < threads_count && n == 0; t++) /* no store waits for ever */
            flush_all(&threads[t]);
    }
    if (n != 0) {
        switch_to(who[choose(n)]);
        return;
    }
    if (!all_ended())
        fail("all threads sleep: a wake-up was lost");
    leave();
}

/* Before an access: the current thread goes on, or another one runs first. */
static void point(const void *p, bool writes)
{
    struct word *w = word_of(p);
    use(w, writes);
    uint32_t who[THREADS], n = 0;
    who[n++] = (uint32_t)current;
    if (shared(w) && delays < delays_max)
        for (uint32_t t = 0; t < threads_count; t++)
            if ((int)t != current && may_run(t))
                who[n++] = t;
    uint32_t chosen = choose(n);
    if (chosen == 0)
        return;
    delays++;
    switch_to(who[chosen]);
}

static void wait_word(const void *word, uint32_t bytes, uint64_t value, bool equal)
{
    struct thread *me = &threads[current];
    use(word_of(word), false);
    me->word = word;
    me->bytes = bytes;
    me->value = value;
    me->equal = equal;
    me->status = WAITING;
    if (!may_run((uint32_t)current))
        run_another();
    me->status = RUNNABLE;
    for (uint32_t t = 0; t < threads_count; t++)
        while ((int)t != current && (memory_load(word, bytes) == value) != equal && pending(&threads[t], word))
            flush_word(&threads[t], word);
}

void cf_explorer_wait(const void *word, uint32_t bytes, uint64_t value)
{
    wait_word(word, bytes, value, true);
}

void cf_explorer_wait_change(const void *word, uint32_t bytes, uint64_t value)
{
    wait_word(word, bytes, value, false);
}

void cf_explorer_kernel(const void *object)
{
    if (current < 0)
        return;
    point(object, true);
    flush_all(&threads[current]);
}

void cf_explorer_sleep(bool (*ready)(void *arg), void *arg)
{
    struct thread *me = &threads[current];
    me->ready = ready;
    me->arg = arg;
    me->status = SLEEPING;
    if (!ready(arg))
        run_another();
    me->status = RUNNABLE;
}

void cf_explorer_assert(bool holds, const char *format, ...)
{
    if (holds || failed)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    failed = true;
    leave();
}

/* ------------------------------------------------------------------ the accesses */

uint64_t cf_model_load(const void *p, uint32_t bytes, bool acquire)
{
    if (current < 0)
        return memory_load(p, bytes);
    point(p, false);
    struct thread *me = &threads[current];
    for (uint32_t i = me->buffered; i-- > 0;)
        if (me->buffer[i].p == p)
            return me->buffer[i].value;
    arrivals(p);
    touch(p, bytes, LOAD);
    if (acquire)
        join(&me->clock, &word_of(p)->released);
    return memory_load(p, bytes);
}

void cf_model_store(void *p, uint32_t bytes, uint64_t v, bool release)
{
    if (current < 0) {
        memory_store(p, bytes, v);
        return;
    }
    point(p, true);
    touch(p, bytes, STORE);
    struct thread *me = &threads[current];
    if (me->buffered == BUFFER_MAX)
        flush_at(me, 0);
    struct store *s = &me->buffer[me->buffered++];
    *s = (struct store){.p = p, .value = v, .bytes = bytes, .release = release};
    if (release) {
        s->clock = me->clock;
        me->clock.of[current]++;
    }
}

static uint64_t changed(uint64_t old, enum cf_model_operation op, uint64_t expected, uint64_t v)
{
    switch (op) {
    case CF_MODEL_CAS:
        return old == expected ? v : old;
    case CF_MODEL_SWAP:
        return v;
    case CF_MODEL_ADD:
        return old + v;
    case CF_MODEL_OR:
        return old | v;
    case CF_MODEL_AND:
        return old & v;
    }
    return old;
}

uint64_t cf_model_change(void *p, uint32_t bytes, enum cf_model_operation op, uint64_t expected, uint64_t v,
                         bool acq_rel)
{
    if (current < 0) {
        uint64_t was = memory_load(p, bytes);
        memory_store(p, bytes, changed(was, op, expected, v));
        return was;
    }
    point(p, true);
    struct thread *me = &threads[current];
    flush_all(me);
    arrivals(p);
    touch(p, bytes, STORE);
    struct word *w = word_of(p);
    uint64_t old = memory_load(p, bytes), now = changed(old, op, expected, v);
    memory_store(p, bytes, now);
    if (!acq_rel)
        return old;
    join(&me->clock, &w->released);
    if (op != CF_MODEL_CAS || old == expected) {
        join(&w->released, &me->clock);
        me->clock.of[current]++;
    }
    return old;
}

void cf_model_fence(void)
{
    if (current >= 0)
        flush_all(&threads[current]);
}

/* A plain access cannot look into the buffer: what the thread itself stored there arrives before. */
static void plain(const void *p, size_t bytes, enum kind kind)
{
    if (current < 0)
        return;
    struct thread *me = &threads[current];
    for (uint32_t i = 0; i < me->buffered; i++) {
        const struct store *s = &me->buffer[i];
        if ((uintptr_t)s->p >= (uintptr_t)p + bytes || (uintptr_t)p >= (uintptr_t)s->p + s->bytes)
            continue;
        flush_word(me, s->p);
        i = UINT32_MAX; /* from the start */
    }
    touch(p, bytes, kind);
}

void *cf_model_memcpy(void *to, const void *from, size_t bytes)
{
    plain(from, bytes, PLAIN_READ);
    plain(to, bytes, PLAIN_WRITE);
    return memcpy(to, from, bytes);
}

void *cf_model_memset(void *to, int byte, size_t bytes)
{
    plain(to, bytes, PLAIN_WRITE);
    return memset(to, byte, bytes);
}

/* What -fsanitize=thread makes the compiler call; its own run-time library is not linked. */
#define PLAIN(bytes)                                                                                                   \
    void __tsan_read##bytes(void *p);                                                                                  \
    void __tsan_read##bytes(void *p)                                                                                   \
    {                                                                                                                  \
        plain(p, bytes, PLAIN_READ);                                                                                   \
    }                                                                                                                  \
    void __tsan_write##bytes(void *p);                                                                                 \
    void __tsan_write##bytes(void *p)                                                                                  \
    {                                                                                                                  \
        plain(p, bytes, PLAIN_WRITE);                                                                                  \
    }                                                                                                                  \
    void __tsan_unaligned_read##bytes(void *p);                                                                        \
    void __tsan_unaligned_read##bytes(void *p)                                                                         \
    {                                                                                                                  \
        plain(p, bytes, PLAIN_READ);                                                                                   \
    }                                                                                                                  \
    void __tsan_unaligned_write##bytes(void *p);                                                                       \
    void __tsan_unaligned_write##bytes(void *p)                                                                        \
    {                                                                                                                  \
        plain(p, bytes, PLAIN_WRITE);                                                                                  \
    }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
void __tsan_read_range(void *p, unsigned long bytes);
void __tsan_write_range(void *p, unsigned long bytes);

void __tsan_init(void)
{
}
void __tsan_func_entry(void *pc)
{
    (void)pc;
}
void __tsan_func_exit(void)
{
}
void __tsan_read_range(void *p, unsigned long bytes)
{
    plain(p, bytes, PLAIN_READ);
}
void __tsan_write_range(void *p, unsigned long bytes)
{
    plain(p, bytes, PLAIN_WRITE);
}

/* ------------------------------------------------------------------ executions */

static void run_thread(void)
{
    explored->thread[current]();
    threads[current].status = ENDED;
    run_another();
}

static void execute(void)
{
    execution++;
    depth = points = delays = 0;
    explored->setup();
    for (uint32_t t = 0; t < threads_count; t++) {
        struct thread *x = &threads[t];
        x->status = RUNNABLE;
        x->buffered = 0;
        memset(&x->clock, 0, sizeof x->clock);
        x->clock.of[t] = 1;
        getcontext(&x->context);
        x->context.uc_stack.ss_sp = stacks[t];
        x->context.uc_stack.ss_size = STACK_BYTES;
        x->context.uc_link = NULL;
        makecontext(&x->context, run_thread, 0);
    }
    switch_to(choose(threads_count));
    current = -1;
    for (uint32_t t = 0; t < threads_count; t++)
        flush_all(&threads[t]);
    if (!failed)
        explored->finish();
}

struct options {
    const char *name, *only, *replay;
    uint32_t delays, more;
    uint64_t most;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool explore(const struct cf_explored *x, const struct options *o)
{
    uint64_t count = 0;
    int64_t began = now_ms();
    explored = x;
    replayed = o->replay;
    threads_count = 0;
    while (threads_count < THREADS && x->thread[threads_count] != NULL)
        threads_count++;
    delays_max = (o->delays != 0 ? o->delays : x->delays) + o->more;
    memset(words, 0, sizeof words);
    failed = false;
    prefix = depth = 0;
    for (;;) {
        sharing_grew = false;
        execute();
        count++;
        if (failed || replayed != NULL)
            break;
        if (sharing_grew) {
            count = prefix = depth = 0;
            continue;
        }
        if (!next_path())
            break;
        if (o->most != 0 && count >= o->most) {
            snprintf(why, sizeof why, "not done after %llu executions", (unsigned long long)count);
            failed = true;
            break;
        }
    }
    double seconds = (double)(now_ms() - began) / 1000;
    if (!failed) {
        printf("%-36s %10llu executions, all with at most %u delays, %.1f s\n", x->name, (unsigned long long)count,
               delays_max, seconds);
        return true;
    }
    printf("%s: execution %llu: %s\n", x->name, (unsigned long long)count, why);
    if (replayed == NULL) {
        printf("replay: %s --case %s --delays %u --replay '", o->name, x->name, delays_max);
        print_path(stdout);
        printf("'\n");
    }
    return false;
}

int cf_explorer_main(int argc, char **argv, const struct cf_explored *cases, size_t cases_count)
{
    struct options o = {.name = argv[0]};
    bool right = true, found = false;
    for (int i = 1; i < argc && right; i += 2) {
        right = i + 1 < argc;
        if (!right)
            break;
        if (strcmp(argv[i], "--case") == 0)
            o.only = argv[i + 1];
        else if (strcmp(argv[i], "--delays") == 0)
            o.delays = (uint32_t)strtoul(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--more") == 0)
            o.more = (uint32_t)strtoul(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--most") == 0)
            o.most = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--replay") == 0)
            o.replay = argv[i + 1];
        else
            right = false;
    }
    if (!right || (o.replay != NULL && o.only == NULL)) {
        fprintf(stderr, "usage: %s [--case NAME] [--delays N] [--more N] [--most EXECUTIONS] [--replay CHOICES]\n",
                argv[0]);
        return 2;
    }
    for (size_t i = 0; i < cases_count; i++) {
        if (o.only != NULL && strcmp(o.only, cases[i].name) != 0)
            continue;
        found = true;
        if (!explore(&cases[i], &o))
            return 1;
        fflush(stdout);
    }
    return found ? 0 : 2;
}
