/* memfd, seals, mappings, reservations. */
#define _GNU_SOURCE 1
#include "shm/sys_memory.h"

#include <errno.h>
#include <fcntl.h>
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
    return reserve_at(NULL, bytes, ret_memory);
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
