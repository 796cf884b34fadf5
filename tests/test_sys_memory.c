/* Shared memory: what a peer gets it can read, and cannot write, cut or grow; reservations can be filled and emptied. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/atomics.h"
#include "shm/sys_memory.h"

enum { BYTES = 65536 };

static int create(enum cf_object object)
{
    int fd = -1;
    assert_int_equal(cf_memory_create("test", object, BYTES, &fd), 0);
    return fd;
}

static uint8_t *map(int fd, enum cf_access access)
{
    void *memory = NULL;
    assert_int_equal(cf_memory_map(fd, BYTES, access, NULL, &memory), 0);
    return memory;
}

static void a_new_object_is_zeroed_and_private_to_its_owner(void **state)
{
    (void)state;
    struct stat st;
    int down = create(CF_OBJECT_DOWN), up = create(CF_OBJECT_UP);
    assert_int_equal(fstat(down, &st), 0);
    assert_int_equal(st.st_size, BYTES);
    assert_int_equal(st.st_mode & 07777, 0400);
    assert_int_equal(fstat(up, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true((fcntl(down, F_GETFD) & FD_CLOEXEC) != 0);
    uint8_t *memory = map(down, CF_ACCESS_WRITE);
    for (int i = 0; i < BYTES; i++)
        assert_int_equal(memory[i], 0);
    cf_memory_unmap(memory, BYTES);
    close(down);
    close(up);
}

static void a_sealed_down_object_cannot_be_written_by_who_receives_it(void **state)
{
    (void)state;
    void *memory;
    char path[64];
    int fd = create(CF_OBJECT_DOWN);
    uint8_t *own = map(fd, CF_ACCESS_WRITE);
    assert_int_equal(cf_memory_seal(fd, CF_OBJECT_DOWN), 0);
    own[5] = 77; /* ours stays writable */
    uint8_t *peer = map(fd, CF_ACCESS_READ);
    assert_int_equal(peer[5], 77);
    assert_int_equal(cf_memory_protect(peer, BYTES, CF_ACCESS_WRITE), -EACCES);
    assert_int_equal(cf_memory_map(fd, BYTES, CF_ACCESS_WRITE, NULL, &memory), -EPERM);
    assert_true(write(fd, "x", 1) < 0);
    assert_true(ftruncate(fd, BYTES / 2) != 0);
    assert_true(ftruncate(fd, BYTES * 2) != 0);
    assert_true(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) != 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDWR | O_CLOEXEC); /* an own uid may open it anew: of no use */
    if (again >= 0) {
        assert_int_equal(cf_memory_map(again, BYTES, CF_ACCESS_WRITE, NULL, &memory), -EPERM);
        close(again);
    }
    assert_int_equal(cf_memory_seal(fd, CF_OBJECT_DOWN), -EPERM);
    cf_memory_unmap(own, BYTES);
    cf_memory_unmap(peer, BYTES);
    close(fd);
}

static void a_sealed_up_object_can_be_written_but_not_resized(void **state)
{
    (void)state;
    int fd = create(CF_OBJECT_UP);
    assert_int_equal(cf_memory_seal(fd, CF_OBJECT_UP), 0);
    uint8_t *memory = map(fd, CF_ACCESS_WRITE);
    memory[0] = 1;
    assert_true(ftruncate(fd, 0) != 0 && errno == EPERM);
    assert_true(ftruncate(fd, BYTES * 2) != 0 && errno == EPERM);
    cf_memory_unmap(memory, BYTES);
    close(fd);
}

static void a_mapping_made_before_the_seal_can_be_raised_later(void **state)
{
    (void)state;
    int fd = create(CF_OBJECT_DOWN);
    uint8_t *keeper = map(fd, CF_ACCESS_NONE);
    assert_int_equal(cf_memory_seal(fd, CF_OBJECT_DOWN), 0);
    pid_t child = fork(); /* as a new core */
    assert_true(child >= 0);
    if (child == 0) {
        if (cf_memory_protect(keeper, BYTES, CF_ACCESS_WRITE) != 0)
            _exit(1);
        keeper[123] = 45;
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    uint8_t *reader = map(fd, CF_ACCESS_READ);
    assert_int_equal(reader[123], 45);
    cf_memory_unmap(reader, BYTES);
    cf_memory_unmap(keeper, BYTES);
    close(fd);
}

static void verify_refuses_missing_seals_and_other_sizes(void **state)
{
    (void)state;
    int down = create(CF_OBJECT_DOWN), up = create(CF_OBJECT_UP), pipe_fds[2];
    assert_int_equal(cf_memory_verify(up, CF_OBJECT_UP, BYTES), -EPERM);
    assert_int_equal(cf_memory_seal(up, CF_OBJECT_UP), 0);
    assert_int_equal(cf_memory_seal(down, CF_OBJECT_DOWN), 0);
    assert_int_equal(cf_memory_verify(up, CF_OBJECT_UP, BYTES), 0);
    assert_int_equal(cf_memory_verify(down, CF_OBJECT_DOWN, BYTES), 0);
    assert_int_equal(cf_memory_verify(down, CF_OBJECT_UP, BYTES), 0); /* more seals than promised */
    assert_int_equal(cf_memory_verify(up, CF_OBJECT_DOWN, BYTES), -EPERM);
    assert_int_equal(cf_memory_verify(up, CF_OBJECT_UP, BYTES + 4096), -EMSGSIZE);
    assert_int_equal(cf_memory_verify(up, CF_OBJECT_UP, BYTES - 4096), -EMSGSIZE);
    assert_int_equal(pipe(pipe_fds), 0);
    assert_true(cf_memory_verify(pipe_fds[0], CF_OBJECT_UP, BYTES) < 0);
    assert_int_equal(cf_memory_verify(-1, CF_OBJECT_UP, BYTES), -EBADF);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    close(down);
    close(up);
}

static size_t resident_pages(void *memory, size_t bytes)
{
    unsigned char present[BYTES / 4096];
    size_t count = 0;
    assert_int_equal(mincore(memory, bytes, present), 0);
    for (size_t i = 0; i < bytes / 4096; i++)
        count += present[i] & 1;
    return count;
}

static void populate_gives_every_page_and_changes_none(void **state)
{
    (void)state;
    int fd = create(CF_OBJECT_UP);
    uint8_t *memory = map(fd, CF_ACCESS_WRITE);
    memory[5000] = 9;
    assert_true(resident_pages(memory, BYTES) < BYTES / 4096);
    assert_int_equal(cf_memory_populate(memory, BYTES, true), 0);
    assert_int_equal(resident_pages(memory, BYTES), BYTES / 4096);
    assert_int_equal(memory[5000], 9);
    uint8_t *reader = map(fd, CF_ACCESS_READ);
    assert_int_equal(cf_memory_populate(reader, BYTES, false), 0);
    assert_true(cf_memory_populate(reader, BYTES, true) < 0); /* not ours to write */
    cf_memory_unmap(memory, BYTES);
    cf_memory_unmap(reader, BYTES);
    close(fd);
}

/* True when reading there kills. */
static bool access_kills(const uint8_t *p)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would print */
        signal(SIGBUS, SIG_DFL);
        _exit(cf_load_relaxed_32((const uint32_t *)(const void *)p) == 12345);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status);
}

static void a_reservation_is_filled_and_emptied_in_place(void **state)
{
    (void)state;
    void *start = NULL, *memory = NULL;
    const size_t reserved = (size_t)64 << 30; /* address space only */
    assert_int_equal(cf_memory_reserve(reserved, &start), 0);
    assert_int_equal((uintptr_t)start % CF_HUGE_BYTES, 0);
    assert_true(access_kills(start));
    uint8_t *at = (uint8_t *)start + ((size_t)3 << 30);
    int fd = create(CF_OBJECT_UP);
    assert_int_equal(cf_memory_map(fd, BYTES, CF_ACCESS_WRITE, at, &memory), 0);
    assert_ptr_equal(memory, at);
    at[0] = 1;
    assert_true(access_kills(at + BYTES));
    assert_int_equal(cf_memory_unmap_to_reservation(at, BYTES), 0);
    assert_true(access_kills(at));
    assert_int_equal(cf_memory_map(fd, BYTES, CF_ACCESS_READ, at, &memory), 0);
    assert_int_equal(at[0], 1);
    assert_int_equal(cf_memory_unmap(start, reserved), 0);
    close(fd);
}

static void shared_anonymous_memory_is_seen_by_a_child_forked_later(void **state)
{
    (void)state;
    void *shared = NULL, *own = NULL;
    const size_t bytes = (size_t)16 << 30;
    assert_int_equal(cf_memory_anonymous(bytes, true, &shared), 0);
    assert_int_equal(cf_memory_anonymous(bytes, false, &own), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ((uint8_t *)shared)[bytes - 1] = 7;
        ((uint8_t *)own)[bytes - 1] = 7;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    assert_int_equal(((uint8_t *)shared)[bytes - 1], 7);
    assert_int_equal(((uint8_t *)own)[bytes - 1], 0);
    cf_memory_unmap(shared, bytes);
    cf_memory_unmap(own, bytes);
}

static void sparse_memory_tells_what_has_appeared(void **state)
{
    (void)state;
    const size_t bytes = (size_t)16 << 30;
    uint64_t first = 0, end = 0;
    void *memory = NULL;
    int fd = -1;
    assert_int_equal(cf_memory_sparse("test", bytes, &fd, &memory), 0);
    assert_false(cf_memory_appeared(fd, 0, &first, &end));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ((uint8_t *)memory)[5 * 4096 + 1] = 7;
        ((uint8_t *)memory)[6 * 4096] = 7;
        ((uint8_t *)memory)[bytes - 1] = 7;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    assert_int_equal(((uint8_t *)memory)[bytes - 1], 7);
    assert_true(cf_memory_appeared(fd, 0, &first, &end));
    assert_int_equal(first, 5 * 4096);
    assert_int_equal(end, 7 * 4096);
    assert_true(cf_memory_appeared(fd, 6 * 4096, &first, &end));
    assert_int_equal(first, 6 * 4096);
    assert_true(cf_memory_appeared(fd, end, &first, &end));
    assert_int_equal(first, bytes - 4096);
    assert_int_equal(end, bytes);
    assert_false(cf_memory_appeared(fd, end, &first, &end));
    void *again;
    assert_int_equal(cf_memory_map(fd, 4096, CF_ACCESS_WRITE, NULL, &again), -EPERM);
    assert_true(write(fd, "x", 1) < 0);
    assert_true(ftruncate(fd, 4096) < 0);
    cf_memory_unmap(memory, bytes);
    close(fd);
}

/* KiB of the mapping that begins there, of which the system says so in the line of that name. */
static long kib_of(const void *start, const char *name)
{
    char line[256], from[32], format[32];
    long kib = -1;
    bool here = false;
    snprintf(from, sizeof from, "%lx-", (unsigned long)(uintptr_t)start);
    snprintf(format, sizeof format, "%s: %%ld kB", name);
    FILE *f = fopen("/proc/self/smaps", "r");
    assert_non_null(f);
    while (kib < 0 && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, from, strlen(from)) == 0)
            here = true;
        else if (here)
            (void)sscanf(line, format, &kib);
    }
    fclose(f);
    return kib;
}

/* With the bytes around them left as they are; where the system grants none the advice changes nothing. */
static void whole_huge_pages_are_asked_for(void **state)
{
    (void)state;
    void *memory = NULL;
    int fd = -1;
    const size_t bytes = 4 * CF_HUGE_BYTES + 4096;
    assert_int_equal(cf_memory_sparse("test", bytes, &fd, &memory), 0);
    assert_int_equal((uintptr_t)memory % CF_HUGE_BYTES, 0);
    uint8_t *b = memory;
    cf_memory_advise_huge(b + 4096, CF_HUGE_BYTES - 4096); /* none is whole */
    cf_memory_advise_huge(b + 4096, 3 * CF_HUGE_BYTES);     /* the second and the third are */
    b[0] = b[CF_HUGE_BYTES] = b[3 * CF_HUGE_BYTES] = 1;
    long huge = kib_of(b + CF_HUGE_BYTES, "ShmemPmdMapped");
    if (cf_memory_grants_huge() && huge > 0) /* memory in pieces has none either */
        assert_int_equal(huge, 2048);
    assert_true(kib_of(b, "Rss") == 4 || kib_of(b, "Rss") == -1);
    assert_int_equal(b[2 * CF_HUGE_BYTES - 1], 0);
    cf_memory_unmap(memory, bytes);
    close(fd);
}

static void impossible_wishes_are_errors(void **state)
{
    (void)state;
    void *memory;
    int fd = -1;
    assert_true(cf_memory_create("test", CF_OBJECT_UP, (size_t)1 << 63, &fd) < 0);
    assert_int_equal(fd, -1);
    assert_int_equal(cf_memory_map(-1, BYTES, CF_ACCESS_READ, NULL, &memory), -EBADF);
    assert_int_equal(cf_memory_reserve((size_t)1 << 60, &memory), -ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_object_is_zeroed_and_private_to_its_owner),
        cmocka_unit_test(a_sealed_down_object_cannot_be_written_by_who_receives_it),
        cmocka_unit_test(a_sealed_up_object_can_be_written_but_not_resized),
        cmocka_unit_test(a_mapping_made_before_the_seal_can_be_raised_later),
        cmocka_unit_test(verify_refuses_missing_seals_and_other_sizes),
        cmocka_unit_test(populate_gives_every_page_and_changes_none),
        cmocka_unit_test(a_reservation_is_filled_and_emptied_in_place),
        cmocka_unit_test(shared_anonymous_memory_is_seen_by_a_child_forked_later),
        cmocka_unit_test(sparse_memory_tells_what_has_appeared),
        cmocka_unit_test(whole_huge_pages_are_asked_for),
        cmocka_unit_test(impossible_wishes_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
