/* memfd, seals, mappings, reservations. */
#define _GNU_SOURCE 1
#include "shm/sys_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/atomics.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* Linux 5.1 */
#endif

static const struct {
    mode_t mode;
    int seals;
} objects[] = {
    [CF_OBJECT_DOWN] = {0400, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL},
    [CF_OBJECT_UP] = {0600, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL},
};

static const int protections[] = {
    [CF_ACCESS_NONE] = PROT_NONE,
    [CF_ACCESS_READ] = PROT_READ,
    [CF_ACCESS_WRITE] = PROT_READ | PROT_WRITE,
};

/* ------------------------------------------------------------------ objects */

static int open_memfd(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}

int cf_memory_create(const char *name, enum cf_object object, size_t bytes, int *ret_fd)
{
    int fd = open_memfd(name);
    if (fd < 0)
        return fd;
    if (ftruncate(fd, (off_t)bytes) != 0 || fchmod(fd, objects[object].mode) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

int cf_memory_seal(int fd, enum cf_object object)
{
    return fcntl(fd, F_ADD_SEALS, objects[object].seals) == 0 ? 0 : -errno;
}

int cf_memory_verify(int fd, enum cf_object object, size_t bytes)
{
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0)
        return -errno;
    if ((seals & objects[object].seals) != objects[object].seals)
        return -EPERM;
    struct stat st; /* after the seals: from here on the size stands */
    if (fstat(fd, &st) != 0)
        return -errno;
    return (uint64_t)st.st_size == bytes ? 0 : -EMSGSIZE;
}

/* ------------------------------------------------------------------ mappings */

static int map(void *at, size_t bytes, int protection, int flags, int fd, void **ret_memory)
{
    void *memory = mmap(at, bytes, protection, flags | (at == NULL ? 0 : MAP_FIXED), fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    *ret_memory = memory;
    return 0;
}

int cf_memory_map(int fd, size_t bytes, enum cf_access access, void *at, void **ret_memory)
{
    return map(at, bytes, protections[access], MAP_SHARED, fd, ret_memory);
}

int cf_memory_protect(void *memory, size_t bytes, enum cf_access access)
{
    return mprotect(memory, bytes, protections[access]) == 0 ? 0 : -errno;
}

int cf_memory_unmap(void *memory, size_t bytes)
{
    return munmap(memory, bytes) == 0 ? 0 : -errno;
}

static void touch_pages(void *memory, size_t bytes, bool write)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t at = 0; at < bytes; at += page) {
        uint32_t *word = (uint32_t *)(void *)((uint8_t *)memory + at);
        if (write)
            cf_add_relaxed_32(word, 0); /* a store that changes nothing, whoever else writes there */
        else
            cf_load_relaxed_32(word);
    }
}

int cf_memory_populate(void *memory, size_t bytes, bool write)
{
    int advice = write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
    if (madvise(memory, bytes, advice) == 0)
        return 0;
    int error = -errno;
    if (error != -EINVAL || madvise(memory, 0, advice) == 0) /* of no bytes: whether the kernel knows the advice at all */
        return error;
    touch_pages(memory, bytes, write);
    return 0;
}

/* ------------------------------------------------------------------ huge pages */

void cf_memory_advise_huge(void *memory, size_t bytes)
{
    size_t before = (CF_HUGE_BYTES - (uintptr_t)memory % CF_HUGE_BYTES) % CF_HUGE_BYTES;
    if (bytes < before + CF_HUGE_BYTES)
        return;
    size_t whole = (bytes - before) / CF_HUGE_BYTES * CF_HUGE_BYTES;
    int unused = madvise((uint8_t *)memory + before, whole, MADV_HUGEPAGE);
    (void)unused; /* a kernel that has none goes on without */
}

bool cf_memory_grants_huge(void)
{
    char text[128];
    int fd = open("/sys/kernel/mm/transparent_hugepage/shmem_enabled", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    const char *chosen = strchr(text, '['); /* always within_size [advise] never deny force */
    return chosen != NULL && strncmp(chosen, "[never]", 7) != 0 && strncmp(chosen, "[deny]", 6) != 0;
}

/* ------------------------------------------------------------------ address space */

static int reserve_at(void *at, size_t bytes, void **ret_memory)
{
    int error = map(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, ret_memory);
    if (error == 0)
        madvise(*ret_memory, bytes, MADV_DONTDUMP);
    return error;
}

int cf_memory_reserve(size_t bytes, void **ret_memory)
{
    void *all = NULL;
    size_t whole = (bytes + CF_PAGE_BYTES - 1) / CF_PAGE_BYTES * CF_PAGE_BYTES;
    int error = reserve_at(NULL, whole + CF_HUGE_BYTES, &all);
    if (error != 0)
        return error;
    uint8_t *begin = (uint8_t *)all + (CF_HUGE_BYTES - (uintptr_t)all % CF_HUGE_BYTES) % CF_HUGE_BYTES;
    size_t before = (size_t)(begin - (uint8_t *)all);
    if (before != 0)
        munmap(all, before);
    munmap(begin + whole, CF_HUGE_BYTES - before); /* before is less */
    *ret_memory = begin;
    return 0;
}

int cf_memory_unmap_to_reservation(void *memory, size_t bytes)
{
    return reserve_at(memory, bytes, &memory);
}

int cf_memory_anonymous(size_t bytes, bool shared, void **ret_memory)
{
    int sharing = shared ? MAP_SHARED : MAP_PRIVATE;
    int error = map(NULL, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, ret_memory);
    if (error == 0)
        madvise(*ret_memory, bytes, MADV_DONTDUMP);
    return error;
}

int cf_memory_sparse(const char *name, size_t bytes, int *ret_fd, void **ret_memory)
{
    int fd = open_memfd(name);
    if (fd < 0)
        return fd;
    void *memory = NULL;
    int error = ftruncate(fd, (off_t)bytes) == 0 && fchmod(fd, 0) == 0 ? 0 : -errno;
    if (error == 0)
        error = cf_memory_reserve(bytes, &memory);
    if (error == 0)
        error = map(memory, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, &memory);
    if (error == 0)
        error = cf_memory_seal(fd, CF_OBJECT_DOWN); /* through the descriptor, also one reopened in /proc, nobody writes */
    if (error != 0) {
        if (memory != NULL)
            munmap(memory, bytes);
        close(fd);
        return error;
    }
    madvise(memory, bytes, MADV_DONTDUMP);
    *ret_memory = memory;
    *ret_fd = fd;
    return 0;
}

bool cf_memory_appeared(int fd, uint64_t from, uint64_t *ret_first, uint64_t *ret_end)
{
    off_t first = lseek(fd, (off_t)from, SEEK_DATA);
    if (first < 0)
        return false;
    off_t end = lseek(fd, first, SEEK_HOLE);
    if (end <= first)
        return false;
    *ret_first = (uint64_t)first;
    *ret_end = (uint64_t)end;
    return true;
}
