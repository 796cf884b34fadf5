/*
 * record_rings: follows the up rings of a running callfand and writes what providers and applications send as inputs of
 * fuzz_provider_records and fuzz_requests: `record_rings PID SECONDS FILE STEPS`.
 *
 * Shape      the objects are those of the keeper, found by their names in /proc/PID/maps and read through /proc/PID/mem. Two providers
 *            and three applications at most, on ports 1 to 5: the service is to be configured so. Records come in the order in which they were seen, and the service is to have
 *            calls only when somebody has opened their lines: the witness, who always has, would keep them alive
 * Progress   looks at every ring each 100 us; ends when there are so many steps, or after so long
 * Errors     exit status 1 with a sentence; nothing is written to the rings
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shm/port.h"
#include "tests/support/fuzz_rig.h"

enum { LOOK_US = 100, SCAN_EVERY = 100 };

struct followed {
    uint32_t generation; /* 0: nobody */
    uint64_t ring;       /* address in that process */
    uint64_t mask, head;
};

static struct followed ports[FUZZ_PORTS];
static FILE *out;
static int memory; /* of that process */
static unsigned steps, records;

static void die(const char *what)
{
    fprintf(stderr, "record_rings: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void put(const struct fuzz_step *s)
{
    if (fwrite(s, sizeof *s, 1, out) != 1)
        die("cannot write");
    steps++;
}

static bool look(uint64_t address, void *to, size_t bytes)
{
    return pread(memory, to, bytes, (off_t)address) == (ssize_t)bytes;
}

/* ------------------------------------------------------------------ finding the rings */

/* A new port: its arrival is a step, and the end of who had the number before is one. */
static void follow(uint64_t down, uint64_t up)
{
    struct cf_port_header h;
    if (!look(down, &h, sizeof h) || h.magic != CF_PORT_MAGIC || h.port < 1 || h.port >= FUZZ_WITNESS)
        return;
    struct followed *p = &ports[h.port];
    const uint8_t who = (uint8_t)(h.port - 1);
    if (p->generation == h.generation)
        return;
    if (p->generation != 0) {
        put(&(struct fuzz_step){.op = FUZZ_OP_DIE, .who = who});
        put(&(struct fuzz_step){.op = FUZZ_OP_SETTLE});
    }
    *p = (struct followed){.generation = h.generation, .ring = up + sizeof(struct cf_port_up), .mask = h.up_slots - 1};
    put(&(struct fuzz_step){.op = FUZZ_OP_ATTACH, .who = who, .b = h.base_generation, .c = h.usage});
}

/* A port's up object lies behind its down object. */
static void scan(const char *pid)
{
    char path[64], line[512];
    uint64_t down = 0, first, last, offset;
    snprintf(path, sizeof path, "/proc/%s/maps", pid);
    FILE *maps = fopen(path, "re");
    if (maps == NULL)
        die(path);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &first, &last, &offset) != 3 || offset != 0)
            continue; /* what huge pages were asked for is a piece of its own */
        if (strstr(line, "memfd:callfan-down") != NULL) {
            down = first;
        } else if (strstr(line, "memfd:callfan-up") != NULL && down != 0) {
            follow(down, first);
            down = 0;
        }
    }
    fclose(maps);
}

/* ------------------------------------------------------------------ following them */

/* The record at the head, if there is one: as it stands, then a turn, and now and then everybody reads. */
static bool take(uint32_t port, bool replies)
{
    static struct cf_slot slots[CF_RECORD_SLOTS_MAX];
    struct followed *p = &ports[port];
    const uint64_t at = p->ring + (p->head & p->mask) * CF_SLOT_BYTES;
    struct cf_message m;
    if (p->generation == 0 || !look(at, &m, sizeof m) || m.commit != p->head + 1 || !look(at, &m, sizeof m))
        return false; /* the second look sees what the commit word stood for */
    if (fuzz_is_provider(port) && replies != (m.id == CF_EV_REPLY))
        return false;
    if (m.slots == 0 || m.slots > CF_RECORD_SLOTS_MAX || !look(at, slots, m.slots * sizeof slots[0]))
        die("a record is none");
    p->head += m.slots;
    if (m.id == CF_MESSAGE_FILLER)
        return true;
    put(&(struct fuzz_step){.op = FUZZ_OP_RAW, .who = (uint8_t)(port - 1), .what = (uint8_t)(m.slots - 1)});
    if (fwrite(slots, sizeof slots[0], m.slots, out) != m.slots)
        die("cannot write");
    steps += 4u * m.slots;
    /* The witness opens the lines that are there now, and gives back what ended before its identifier is used again. */
    put(&(struct fuzz_step){.op = FUZZ_OP_SETTLE, .how = m.id == CF_EV_SNAPSHOT_END});
    records++;
    return true;
}

/* What came between two looks has no order of its own; causes come first: events, what applications ask about them, replies. */
static bool take_round(void)
{
    bool any = false;
    for (uint32_t port = 1; port <= FUZZ_PROVIDERS; port++)
        any |= take(port, false);
    for (uint32_t port = 1 + FUZZ_PROVIDERS; port < FUZZ_WITNESS; port++)
        any |= take(port, false);
    for (uint32_t port = 1; port <= FUZZ_PROVIDERS; port++)
        any |= take(port, true);
    return any;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: record_rings PID SECONDS FILE STEPS\n");
        return 2;
    }
    const time_t end = time(NULL) + atoi(argv[2]);
    const unsigned steps_max = (unsigned)atoi(argv[4]);
    out = fopen(argv[3], "wbe");
    if (out == NULL)
        die(argv[3]);
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/mem", argv[1]);
    memory = open(path, O_RDONLY | O_CLOEXEC);
    if (memory < 0)
        die(path);
    put(&(struct fuzz_step){.op = FUZZ_FLAG_BARE | FUZZ_HOSTILE_PROVIDERS | FUZZ_HOSTILE_APPLICATIONS});
    for (unsigned looks = 0; time(NULL) < end && steps < steps_max; looks++) {
        if (looks % SCAN_EVERY == 0)
            scan(argv[1]);
        if (!take_round())
            usleep(LOOK_US);
    }
    if (fclose(out) != 0)
        die(argv[3]);
    printf("%u records, %u steps\n", records, steps);
    return records == 0;
}
