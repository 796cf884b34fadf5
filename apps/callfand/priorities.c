/* See priorities.h. */
#define _GNU_SOURCE
#include "apps/callfand/priorities.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "CFPRIOR1"

struct file {
    char magic[sizeof MAGIC - 1];
    struct cf_priorities priorities;
};
_Static_assert(sizeof(struct file) == 8 + sizeof(struct cf_priorities), "no padding");

/* The whole content, of exactly that many bytes. */
static int read_whole(int fd, void *data, size_t bytes)
{
    uint8_t more;
    size_t got = 0;
    while (got < bytes) {
        ssize_t n = read(fd, (uint8_t *)data + got, bytes - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EBADMSG;
        got += (size_t)n;
    }
    return read(fd, &more, 1) == 0 ? 0 : -EBADMSG;
}

int cf_priorities_load(const char *path, struct cf_priorities *ret_priorities)
{
    static struct file file; /* large; the keeper has one thread */
    memset(ret_priorities, 0, sizeof *ret_priorities);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int error = read_whole(fd, &file, sizeof file);
    close(fd);
    if (error == 0 && (memcmp(file.magic, MAGIC, sizeof file.magic) != 0 || !cf_priorities_check(&file.priorities)))
        error = -EBADMSG;
    if (error == 0)
        *ret_priorities = file.priorities;
    return error;
}

static int write_whole(int fd, const void *data, size_t bytes)
{
    for (size_t put = 0; put < bytes;) {
        ssize_t n = write(fd, (const uint8_t *)data + put, bytes - put);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        put += (size_t)n;
    }
    return 0;
}

int cf_priorities_save(const char *path, const struct cf_priorities *priorities)
{
    static struct file file;
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
        return -ENAMETOOLONG;
    memcpy(file.magic, MAGIC, sizeof file.magic);
    file.priorities = *priorities;
    unlink(beside); /* of a keeper that died; what stands there is not followed */
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    int error = write_whole(fd, &file, sizeof file);
    if (close(fd) != 0 && error == 0)
        error = -errno;
    if (error == 0 && rename(beside, path) != 0)
        error = -errno;
    if (error != 0)
        unlink(beside);
    return error;
}
