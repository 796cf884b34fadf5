/* See digests.h. */
#include "adapters/sim/digests.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/atomics.h"

struct cf_sim_digests {
    struct cf_sim_digests_header *header; /* mapped: the digests follow it */
    uint16_t *digest;
    size_t bytes;
};

/* The whole file is given its blocks now: a full disk would be a SIGBUS later. */
static int map(struct cf_sim_digests *d, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    int rc = -posix_fallocate(fd, 0, (off_t)d->bytes);
    void *at = rc != 0 ? MAP_FAILED : mmap(NULL, d->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (rc == 0 && at == MAP_FAILED)
        rc = -errno;
    close(fd);
    if (rc != 0)
        return rc;
    d->header = at;
    d->digest = (uint16_t *)(void *)(d->header + 1);
    return 0;
}

int cf_sim_digests_open(struct cf_sim_digests **ret_digests, const char *path, uint64_t first_serial, uint64_t calls_count)
{
    struct cf_sim_digests *d = calloc(1, sizeof *d);
    if (d == NULL)
        return -ENOMEM;
    assert(calls_count <= CF_SIM_DIGESTS_MAX);
    d->bytes = sizeof *d->header + calls_count * sizeof *d->digest;
    int rc = map(d, path);
    if (d->header == NULL) {
        free(d);
        return rc;
    }
    *d->header = (struct cf_sim_digests_header){.version = CF_SIM_DIGESTS_VERSION,
                                                .first_serial = first_serial,
                                                .calls_count = calls_count};
    cf_store_release_64(&d->header->magic, CF_SIM_DIGESTS_MAGIC); /* last: who finds it finds the rest */
    *ret_digests = d;
    return 0;
}

void cf_sim_digests_close(struct cf_sim_digests *d)
{
    if (d == NULL)
        return;
    munmap(d->header, d->bytes);
    free(d);
}

void cf_sim_digests_begin(struct cf_sim_digests *d, uint64_t serial, int64_t now_ns)
{
    struct cf_sim_digests_header *h = d->header;
    if (serial - h->first_serial >= h->calls_count)
        return;
    if (h->begun == 0)
        h->first_ns = now_ns;
    h->last_ns = now_ns;
    cf_store_release_64(&h->begun, serial - h->first_serial + 1);
}

void cf_sim_digests_note(struct cf_sim_digests *d, const struct cf_sim_journal_entry *e)
{
    struct cf_sim_digests_header *h = d->header;
    uint64_t number = e->serial - h->first_serial;
    if (number >= h->calls_count ||
        (e->flags & (CF_JOURNAL_OUTGOING | CF_JOURNAL_AGAIN | CF_JOURNAL_CLOSED | CF_JOURNAL_UNSENT)) != 0)
        return;
    if ((e->flags & CF_JOURNAL_REFUSED) != 0) {
        d->digest[number] = 0; /* nobody was told of it */
        return;
    }
    h->waited += (e->flags & CF_JOURNAL_WAITED) != 0;
    d->digest[number] = cf_sim_digest_add(d->digest[number], e->state, e->mode);
}
