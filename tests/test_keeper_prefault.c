/* What the keeper's memory is to a new core: the arena at its addresses, and its page tables filled without a page more. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "apps/callfand/arena.h"
#include "apps/callfand/prefault.h"
#include "core/engine.h"

static struct cf_arena arena;
static struct cf_holdings holdings;

/* Pages of that range for which this process has a page table entry. */
static uint64_t mapped_pages(const void *at, uint64_t bytes)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    uint64_t entries[512], count = 0, pages = bytes / CF_PAGE_BYTES, first = (uintptr_t)at / CF_PAGE_BYTES;
    for (uint64_t i = 0; i < pages;) {
        uint64_t n = pages - i < 512 ? pages - i : 512;
        assert_int_equal(pread(fd, entries, n * 8, (off_t)((first + i) * 8)), n * 8);
        for (uint64_t k = 0; k < n; k++)
            count += entries[k] >> 63;
        i += n;
    }
    close(fd);
    return count;
}

static uint64_t mapped_port_pages(void)
{
    return mapped_pages(cf_arena_down(&arena, 1), arena.down_bytes_max + arena.up_bytes_max);
}

static bool always(void *arg, uint32_t port, uint32_t generation)
{
    (void)arg;
    return port == 1 && generation == 7;
}

static void small_arena(bool huge_pages)
{
    struct cf_limits limits;
    cf_limits_default(&limits);
    limits.applications = limits.providers = 4;
    limits.lines = limits.open_lines = 64;
    limits.calls = limits.calls_per_provider = 100000;
    limits.handles = 1024;
    assert_int_equal(cf_arena_reserve(&limits, 1 << 20, huge_pages, &arena), 0);
    cf_holdings_init(&holdings, &arena);
}

static void the_pages_that_exist_are_mapped_and_no_others(void **state)
{
    (void)state;
    enum { EVERY = 3 };
    small_arena(false);
    uint8_t *bytes = arena.state;
    uint64_t pages = arena.state_bytes / CF_PAGE_BYTES;
    assert_true(pages > 4096); /* more than one slice */
    pid_t dead_core = fork();
    if (dead_core == 0) {
        for (uint64_t i = 0; i < pages; i += EVERY)
            bytes[i * CF_PAGE_BYTES] = (uint8_t)i;
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(dead_core, &status, 0), dead_core);
    assert_int_equal(mapped_pages(bytes, arena.state_bytes), 0);
    struct cf_prefault prefault;
    cf_prefault_init(&prefault, &arena, &holdings);
    int steps = 1;
    while (cf_prefault_step(&prefault, always, NULL))
        steps++;
    assert_true(steps > 1);
    assert_int_equal(mapped_pages(bytes, arena.state_bytes), (pages + EVERY - 1) / EVERY);
    for (uint64_t i = 0; i < pages; i += EVERY)
        assert_int_equal(bytes[i * CF_PAGE_BYTES], (uint8_t)i);
}

/* How many bytes of what is mapped there huge pages were asked for: "hg" among the flags of /proc/self/smaps. */
static uint64_t asked_for(const void *from, uint64_t bytes)
{
    char line[512];
    uint64_t first, last, size = 0, found = 0;
    const uint64_t begin = (uint64_t)(uintptr_t)from, end = begin + bytes;
    bool here = false;
    FILE *f = fopen("/proc/self/smaps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &first, &last) == 2)
            here = first >= begin && last <= end, size = last - first;
        else if (here && strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " hg") != NULL)
            found += size;
    }
    fclose(f);
    return found;
}

struct tables {
    uint64_t bytes, end;
    unsigned large, count;
};

static void look_at_table(void *arg, uint64_t at, uint64_t bytes)
{
    struct tables *t = arg;
    assert_true(at >= t->end); /* in order, none over another */
    t->end = at + bytes;
    t->count++;
    if (bytes < CF_HUGE_BYTES)
        return;
    assert_int_equal(at % CF_HUGE_BYTES, 0);
    t->bytes += bytes / CF_HUGE_BYTES * CF_HUGE_BYTES;
    t->large++;
}

/* For the state's large tables, and a ring as far as it fills them; for nothing when they are not wanted. */
static void huge_pages_are_asked_for_where_they_pay(void **state)
{
    (void)state;
    struct cf_limits limits;
    struct tables t = {0};
    struct cf_arena_port sizes = {cf_port_down_bytes(0, 3 * CF_HUGE_BYTES / 2 / CF_SLOT_BYTES), cf_port_up_bytes(256)};
    int down = -1, up = -1;
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0)
        skip(); /* a kernel without them */
    cf_limits_default(&limits);
    limits.applications = limits.providers = 4;
    limits.calls = limits.calls_per_provider = 1000000;
    limits.handles = 1000000;
    assert_int_equal(cf_engine_state_tables(&limits, look_at_table, &t), cf_engine_state_bytes(&limits));
    assert_int_equal(t.count, 3 + 4 + 4); /* calls, references, parties; calls of providers; handles of applications */
    assert_int_equal(t.large, t.count);
    for (int wanted = 0; wanted <= 1; wanted++) {
        assert_int_equal(cf_arena_reserve(&limits, 4 << 20, wanted != 0, &arena), 0);
        assert_int_equal(asked_for(arena.state, arena.state_bytes), wanted != 0 ? t.bytes : 0);
        assert_int_equal(cf_arena_renew_state(&limits, &arena), 0);
        assert_int_equal(asked_for(arena.state, arena.state_bytes), wanted != 0 ? t.bytes : 0);
        assert_int_equal(cf_memory_create("down", CF_OBJECT_DOWN, sizes.down_bytes, &down), 0);
        assert_int_equal(cf_memory_create("up", CF_OBJECT_UP, sizes.up_bytes, &up), 0);
        assert_int_equal(cf_arena_map(&arena, 2, sizes, down, up, CF_ACCESS_WRITE), 0);
        assert_int_equal(asked_for(cf_arena_down(&arena, 2), sizes.down_bytes), wanted != 0 ? CF_HUGE_BYTES : 0);
        assert_int_equal(asked_for(cf_arena_up(&arena, 2), sizes.up_bytes), 0); /* small */
        close(down);
        close(up);
        cf_memory_unmap(arena.state, arena.state_bytes);
        close(arena.state_fd);
        cf_memory_unmap(arena.ports, arena.ports_count * (arena.down_bytes_max + arena.up_bytes_max));
    }
}

static void a_held_port_is_raised_and_mapped(void **state)
{
    (void)state;
    small_arena(true);
    int down = -1, up = -1;
    struct cf_arena_port sizes = {cf_port_down_bytes(0, 1024), cf_port_up_bytes(256)};
    assert_int_equal(cf_memory_create("down", CF_OBJECT_DOWN, sizes.down_bytes, &down), 0);
    assert_int_equal(cf_memory_create("up", CF_OBJECT_UP, sizes.up_bytes, &up), 0);
    assert_int_equal(cf_arena_map(&arena, 1, sizes, down, up, CF_ACCESS_NONE), 0); /* the keeper, before the seal */
    pid_t door = fork();
    if (door == 0) {
        if (cf_arena_raise(&arena, 1, sizes) != 0)
            _exit(1);
        memset(cf_arena_down(&arena, 1), 'd', sizes.down_bytes);
        memset(cf_arena_up(&arena, 1), 'u', sizes.up_bytes);
        _exit(0);
    }
    int status = 1;
    assert_int_equal(waitpid(door, &status, 0), door);
    assert_int_equal(status, 0);
    assert_int_equal(cf_memory_seal(down, CF_OBJECT_DOWN), 0);
    assert_int_equal(cf_memory_seal(up, CF_OBJECT_UP), 0);

    /* A new core: writable again although it is sealed, at the same address, with what was written. */
    holdings.ports[1] = (struct cf_holding){
        .held = true, .generation = 7, .sizes = sizes, .socket = -1, .bell_down = -1, .bell_up = -1, .pidfd = -1};
    assert_int_equal(cf_arena_raise(&arena, 1, sizes), 0);
    assert_int_equal(mapped_port_pages(), 0);
    struct cf_prefault prefault;
    cf_prefault_init(&prefault, &arena, &holdings);
    while (cf_prefault_step(&prefault, always, NULL))
        continue;
    assert_int_equal(mapped_port_pages(), (sizes.down_bytes + sizes.up_bytes) / CF_PAGE_BYTES);
    assert_int_equal(*(const char *)cf_arena_down(&arena, 1), 'd');
    *(char *)cf_arena_up(&arena, 1) = 'x';

    cf_holdings_free(&holdings, 1, 7);
    assert_int_equal(mapped_port_pages(), 0);
    close(down);
    close(up);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    small_arena(true);
    int fds[CF_OPEN_FDS];
    uint32_t generation = 0;
    struct cf_channel_record good = {.type = CF_CHANNEL_OPEN,
                                     .port = 1,
                                     .kind = CF_PORT_PROVIDER,
                                     .down_bytes = cf_port_down_bytes(0, 1024),
                                     .up_bytes = cf_port_up_bytes(256)};
    const struct {
        uint32_t port, kind, fds;
        uint64_t down, up;
        int error;
    } cases[] = {
        {0, CF_PORT_PROVIDER, 6, good.down_bytes, good.up_bytes, -EINVAL},
        {9, CF_PORT_PROVIDER, 6, good.down_bytes, good.up_bytes, -EINVAL},
        {UINT32_MAX, CF_PORT_PROVIDER, 6, good.down_bytes, good.up_bytes, -EINVAL},
        {1, CF_PORT_DOOR, 6, good.down_bytes, good.up_bytes, -EINVAL},
        {1, CF_PORT_PROVIDER, 4, good.down_bytes, good.up_bytes, -EINVAL},
        {1, CF_PORT_PROVIDER, 6, arena.down_bytes_max + 1, good.up_bytes, -EINVAL},
        {1, CF_PORT_PROVIDER, 6, good.down_bytes, arena.up_bytes_max + 1, -EINVAL},
        {1, CF_PORT_PROVIDER, 6, 0, good.up_bytes, -EINVAL},
        {1, CF_PORT_PROVIDER, 5, good.down_bytes, good.up_bytes, 0},
        {1, CF_PORT_PROVIDER, 6, good.down_bytes, good.up_bytes, -EBUSY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cf_channel_record r = good;
        r.port = cases[i].port;
        r.kind = cases[i].kind;
        r.down_bytes = cases[i].down;
        r.up_bytes = cases[i].up;
        assert_int_equal(cf_memory_create("down", CF_OBJECT_DOWN, good.down_bytes, &fds[0]), 0);
        assert_int_equal(cf_memory_create("up", CF_OBJECT_UP, good.up_bytes, &fds[1]), 0);
        for (int k = 2; k < CF_OPEN_FDS; k++)
            fds[k] = dup(0);
        assert_int_equal(cf_holdings_open(&holdings, &r, fds, cases[i].fds, &generation), cases[i].error);
        for (uint32_t k = cases[i].fds; k < CF_OPEN_FDS; k++)
            close(fds[k]);
    }
    assert_int_equal(generation, 1);
    assert_int_equal(cf_holdings_free(&holdings, 1, 2), -ENOENT);
    assert_int_equal(cf_holdings_free_all(&holdings), 1);
    assert_int_equal(cf_holdings_free(&holdings, 1, 1), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pages_that_exist_are_mapped_and_no_others),
        cmocka_unit_test(huge_pages_are_asked_for_where_they_pay),
        cmocka_unit_test(a_held_port_is_raised_and_mapped),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
