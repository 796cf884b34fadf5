#include "apps/callfan/digests.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/sim/digests.h"
#include "shm/atomics.h"
#include "shm/handle.h"
#include "shm/sys_memory.h"

#define ENDED UINT32_C(0x80000000)

enum { FINDINGS_PRINTED_MAX = 20 };

static_assert(CF_SIM_DIGESTS_MAX < ENDED, "a number and a bit");

static size_t seen_bytes(const struct cf_digests *d)
{
    return d->calls_count * sizeof *d->seen;
}

static size_t numbers_bytes(void)
{
    return ((size_t)CF_SLOT_MASK + 1) * sizeof(uint32_t);
}

static bool complain(const char *path, const char *what)
{
    fprintf(stderr, "callfan check: %s: %s\n", path, what);
    return false;
}

static bool map(struct cf_digests *d, const char *path)
{
    struct stat s;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return complain(path, strerror(errno));
    if (fstat(fd, &s) != 0 || s.st_size < (off_t)sizeof *d->header) {
        close(fd);
        return complain(path, "no digests of callfan-sim");
    }
    void *at = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_SHARED, fd, 0);
    int error = errno;
    close(fd);
    if (at == MAP_FAILED)
        return complain(path, strerror(error));
    d->header = at;
    d->sent = (const uint16_t *)(const void *)(d->header + 1);
    d->file_bytes = (size_t)s.st_size;
    return true;
}

static bool is_sound(struct cf_digests *d)
{
    const struct cf_sim_digests_header *h = d->header;
    if (cf_load_acquire_64(&h->magic) != CF_SIM_DIGESTS_MAGIC || h->version != CF_SIM_DIGESTS_VERSION)
        return false;
    d->calls_count = h->calls_count;
    d->first_serial = h->first_serial;
    return d->calls_count <= CF_SIM_DIGESTS_MAX && d->file_bytes >= sizeof *h + seen_bytes(d);
}

bool cf_digests_open(struct cf_digests *d, const char *path)
{
    void *seen, *numbers;
    if (!map(d, path))
        return false;
    if (!is_sound(d)) {
        cf_digests_close(d);
        return complain(path, "no digests of callfan-sim");
    }
    if (cf_memory_anonymous(seen_bytes(d), false, &seen) == 0)
        d->seen = seen;
    if (cf_memory_anonymous(numbers_bytes(), false, &numbers) == 0)
        d->number_at = numbers;
    if (d->seen != NULL && d->number_at != NULL)
        return true;
    cf_digests_close(d);
    return complain(path, "no memory for as many calls");
}

void cf_digests_close(struct cf_digests *d)
{
    if (d->seen != NULL)
        cf_memory_unmap(d->seen, seen_bytes(d));
    if (d->number_at != NULL)
        cf_memory_unmap(d->number_at, numbers_bytes());
    if (d->header != NULL)
        munmap((void *)(uintptr_t)d->header, d->file_bytes);
    *d = (struct cf_digests){0};
}

void cf_digests_ready(struct cf_digests *d)
{
    d->begun_at_ready = cf_load_acquire_64(&d->header->begun);
}

bool cf_digests_announce(struct cf_digests *d, HCALL call, uint64_t serial)
{
    uint64_t number = serial - d->first_serial;
    if (serial == 0 || number >= d->calls_count) {
        d->unknown_count++;
        return false;
    }
    uint32_t *at = &d->number_at[cf_handle_slot(call)];
    if (*at != 0 || d->seen[number] != 0) {
        d->twice_count++;
        return false;
    }
    *at = (uint32_t)number + 1;
    return true;
}

enum cf_digest_told cf_digests_state(struct cf_digests *d, HCALL call, uint32_t state, uint32_t mode)
{
    uint32_t *at = &d->number_at[cf_handle_slot(call)];
    if (*at == 0)
        return CF_DIGEST_UNKNOWN;
    uint16_t *seen = &d->seen[(*at & ~ENDED) - 1];
    bool first = *seen == 0;
    *seen = cf_sim_digest_add(*seen, state, mode);
    if ((*at & ENDED) != 0)
        return CF_DIGEST_AFTER_IDLE;
    if ((state & LINECALLSTATE_IDLE) != 0)
        *at |= ENDED;
    return first ? CF_DIGEST_FIRST : CF_DIGEST_LATER;
}

void cf_digests_give_back(struct cf_digests *d, HCALL call)
{
    d->number_at[cf_handle_slot(call)] = 0;
}

uint64_t cf_digests_waited(const struct cf_digests *d)
{
    return cf_load_relaxed_64(&d->header->waited);
}

/* Where in the result a call counts whose digests differ. */
static uint64_t *count_of(const struct cf_digests *d, uint64_t number, struct cf_compare_result *r)
{
    uint16_t seen = d->seen[number], sent = d->sent[number];
    if (seen == 0)
        return number < d->begun_at_ready ? &r->early : &r->unseen;
    if (sent == 0)
        return &r->unknown;
    return cf_sim_digest_states(seen) < cf_sim_digest_states(sent) ? &r->lost : &r->different;
}

void cf_digests_compare(const struct cf_digests *d, FILE *to, struct cf_compare_result *ret_result)
{
    struct cf_compare_result r = {.unknown = d->unknown_count};
    unsigned printed = 0;
    for (uint64_t i = 0; i < d->calls_count; i++) {
        if (d->seen[i] == d->sent[i]) {
            r.same += d->seen[i] != 0;
            continue;
        }
        uint64_t *count = count_of(d, i, &r);
        (*count)++;
        if (count == &r.early || to == NULL || printed++ >= FINDINGS_PRINTED_MAX)
            continue;
        fprintf(to, "call %" PRIu64 ": %u states sent (digest %04x), %u seen (%04x)\n", d->first_serial + i,
                cf_sim_digest_states(d->sent[i]), d->sent[i], cf_sim_digest_states(d->seen[i]), d->seen[i]);
    }
    *ret_result = r;
}
