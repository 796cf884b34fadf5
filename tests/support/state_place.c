/* An engine with the same limits has the same layout. */
#include "tests/support/state_place.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "apps/callfand/config.h"
#include "core/internal.h"

static unsigned long offset_of(const char *config_path, enum state_place place)
{
    static struct cf_config config;
    char why[256];
    if (!cf_config_load(config_path, &config, why, sizeof why))
        fail_msg("%s", why);
    uint64_t bytes = cf_engine_state_bytes(&config.limits);
    void *state = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *private_memory = aligned_alloc(64, cf_engine_private_bytes());
    struct cf_engine_options options = {0};
    assert_true(state != MAP_FAILED && private_memory != NULL);
    struct cf_engine *e = cf_engine_create(private_memory, state, bytes, &config.limits, &options);
    assert_non_null(e);
    const void *at = &e->call_head->live;
    if (place == STATE_FIRST_CALL_OWNERS)
        at = &cf_call_at(e, 0)->owners;
    else if (place == STATE_FIRST_APPLICATION_MISSED)
        at = &e->ports[1 + config.limits.providers].missed;
    unsigned long offset = (unsigned long)((const char *)at - (const char *)state);
    free(private_memory);
    munmap(state, bytes);
    cf_config_fini(&config);
    return offset;
}

unsigned long state_place(const char *config_path, enum state_place place)
{
    switch (place) {
    case STATE_MAGIC:
        return offsetof(struct cf_control, magic);
    case STATE_VERSION:
        return offsetof(struct cf_control, version);
    case STATE_BEYOND_JOURNAL:
        return sizeof(struct cf_journal_log) + (64 << 10);
    case STATE_LIVE_CALLS:
    case STATE_FIRST_CALL_OWNERS:
    case STATE_FIRST_APPLICATION_MISSED:
        break;
    }
    return offset_of(config_path, place);
}

bool state_spoil(pid_t core, unsigned long from, int byte, unsigned long bytes)
{
    char path[64], text[512];
    unsigned long first = 0, last = 0, from_here, to_here;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)core);
    FILE *maps = fopen(path, "re");
    assert_non_null(maps);
    while (fgets(text, sizeof text, maps) != NULL)
        if (strstr(text, "rw-s") != NULL && strstr(text, "memfd:callfan-state") != NULL &&
            sscanf(text, "%lx-%lx", &from_here, &to_here) == 2) {
            first = first == 0 ? from_here : first; /* pieces, by the pages that were asked for, without a gap */
            last = to_here;
        }
    fclose(maps);
    assert_true(first != 0 && last - first > from);
    if (bytes > last - first - from)
        bytes = last - first - from;
    snprintf(path, sizeof path, "/proc/%d/mem", (int)core);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    char *junk = malloc(bytes);
    assert_non_null(junk);
    memset(junk, byte, bytes);
    bool spoiled = pwrite(fd, junk, bytes, (off_t)(first + from)) == (ssize_t)bytes;
    free(junk);
    close(fd);
    return spoiled;
}
