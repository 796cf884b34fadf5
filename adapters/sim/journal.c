/* See journal.h. */
#include "adapters/sim/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_ENTRIES 2048

struct cf_sim_journal {
    int fd;
    int error;
    uint32_t used; /* entries in the buffer */
    struct cf_sim_journal_entry buffer[BUFFER_ENTRIES];
};

static int write_all(int fd, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    while (bytes != 0) {
        ssize_t n = write(fd, at, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += n;
        bytes -= (size_t)n;
    }
    return 0;
}

int cf_sim_journal_open(struct cf_sim_journal **ret_journal, const char *path,
                        const struct cf_sim_journal_header *header)
{
    struct cf_sim_journal *j = malloc(sizeof *j);
    if (j == NULL)
        return -ENOMEM;
    j->used = 0;
    j->error = 0;
    j->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int rc = j->fd < 0 ? -errno : write_all(j->fd, header, sizeof *header);
    if (rc < 0) {
        if (j->fd >= 0)
            close(j->fd);
        free(j);
        return rc;
    }
    *ret_journal = j;
    return 0;
}

int cf_sim_journal_flush(struct cf_sim_journal *j)
{
    if (j->error == 0 && j->used != 0)
        j->error = write_all(j->fd, j->buffer, j->used * sizeof j->buffer[0]);
    j->used = 0;
    return j->error;
}

void cf_sim_journal_add(struct cf_sim_journal *j, const struct cf_sim_journal_entry *entry)
{
    if (j->used == BUFFER_ENTRIES)
        cf_sim_journal_flush(j);
    j->buffer[j->used++] = *entry;
}

int cf_sim_journal_close(struct cf_sim_journal *j)
{
    if (j == NULL)
        return 0;
    int rc = cf_sim_journal_flush(j);
    if (close(j->fd) < 0 && rc == 0)
        rc = -errno;
    free(j);
    return rc;
}
