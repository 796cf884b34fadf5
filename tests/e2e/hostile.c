/*
 * hostile: an application that attaches by the raw protocol and misbehaves in a named way for some seconds. What the service has to bear
 * is done by it; whether the service bore it others say (scripts/hostile.sh).
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>

#include "tests/e2e/hostile/hostile.h"

#define RETRY_US 2000

static const struct behaviour {
    const char *name;
    void (*run)(struct hostile *);
    const char *text;
} behaviours[] = {
    {"scribble", hostile_scribble, "random words all over its own memory: cursors, sleeping words, records"},
    {"records", hostile_records, "records that are random, half written, of wrong length, across the end"},
    {"double-read", hostile_double_read, "changes records and words while the core reads them"},
    {"sleeping", hostile_sleeping, "says without end that it sleeps and that it does not"},
    {"liar", hostile_liar, "acknowledges what it did not read, and backwards"},
    {"punch", hostile_punch, "takes the pages of its own memory away while the core reads them"},
    {"churn", hostile_churn, "opens, lists every call and closes in a loop"},
    {"burn", hostile_burn, "only burns processor time, without a port"},
    {"hoard", hostile_hoard, "never gives a handle back"},
    {"slow", hostile_slow, "reads one message a second"},
    {"requests", hostile_requests, "as many requests as may be outstanding, about handles that are not its own"},
    {"nonblock", hostile_nonblock, "clears O_NONBLOCK everywhere, fills and resizes bells, closes its ends"},
    {"drain", hostile_drain, "drains every bell and its own socket, and rings the bell it should hear"},
    {"fault", hostile_fault, "reads and writes bells from memory that takes long to appear"},
    {"watch", hostile_watch, "thousands of epoll sets on every bell, for which who rings has to pay"},
    {"connect", hostile_connect, "floods of connections, half hellos, descriptors, ports and their deaths"},
    {"fork", hostile_fork, "leaves children that use its socket, memory and bells"},
    {"stop", hostile_stop, "is stopped and continued at random"},
};
enum { BEHAVIOURS = sizeof behaviours / sizeof behaviours[0] };

/* ------------------------------------------------------------------ what behaviours share */

bool hostile_goes_on(struct hostile *h)
{
    const int64_t now_ns = raw_now_ns();
    if (h->acts == 0 && now_ns < h->first_ns_max)
        h->end_ns = now_ns + h->ns;
    return !h->given_up && now_ns < h->end_ns;
}

bool hostile_join(struct hostile *h)
{
    if (h->port.socket >= 0 && !raw_hung_up(&h->port))
        return hostile_goes_on(h);
    h->shown_out += h->port.socket >= 0;
    hostile_leave(h);
    while (hostile_goes_on(h)) {
        int error = raw_attach(&h->port, h->path, &h->hello);
        if (error == 0) {
            h->attached++;
            return true;
        }
        h->refused++;
        raw_sleep_us(RETRY_US);
    }
    return false;
}

void hostile_leave(struct hostile *h)
{
    raw_detach(&h->port);
    h->opened = 0;
}

uint64_t hostile_number(struct hostile *h)
{
    uint64_t shift = raw_below(&h->random, 64), n = raw_random(&h->random);
    switch (raw_below(&h->random, 7)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return UINT64_C(1) << shift;
    case 3:
        return (UINT64_C(1) << shift) - 1;
    case 4:
        return n & 0xFF;
    case 5:
        return n & 0xFF0000000F;
    default:
        return n;
    }
}

uint64_t hostile_handle(struct hostile *h)
{
    static const enum cf_handle_kind kinds[] = {CF_KIND_LINE, CF_KIND_CALL,     CF_KIND_CALL,
                                                CF_KIND_CALL, CF_KIND_PROVIDER, CF_KIND_USAGE};
    if (raw_below(&h->random, 16) == 0)
        return hostile_number(h);
    uint32_t usage = raw_below(&h->random, 16) == 0 ? (uint32_t)raw_below(&h->random, 8) : 0;
    uint32_t slot = (uint32_t)raw_below(&h->random, raw_below(&h->random, 4) == 0 ? CF_SLOT_MASK : 64);
    uint32_t generation = (uint32_t)raw_below(&h->random, raw_below(&h->random, 4) == 0 ? UINT32_MAX : 16);
    return cf_handle_of_usage(usage, slot, kinds[raw_below(&h->random, sizeof kinds / sizeof kinds[0])], generation);
}

uint64_t hostile_hline(const struct hostile *h, uint32_t slot)
{
    return cf_handle_of_usage(0, slot, CF_KIND_LINE, h->generation);
}

/* Who gets no answer has spoilt its own ring, or lost its port. */
static bool given_up(struct hostile *h)
{
    hostile_leave(h);
    return false;
}

bool hostile_open_lines(struct hostile *h, uint32_t privileges)
{
    struct cf_record r;
    struct cf_reply_devices devices = {0};
    int64_t until = raw_now_ns() + RAW_WAIT_NS < h->end_ns ? raw_now_ns() + RAW_WAIT_NS : h->end_ns;
    const struct cf_reply_slot *slot = raw_ask(&h->port, raw_record(&r, CF_REQ_DEVICES, 0, 0, 0, 0), until);
    if (slot == NULL)
        return given_up(h);
    memcpy(&devices, slot->data, sizeof devices);
    uint32_t count = devices.devices < HOSTILE_DEVICES_MAX ? devices.devices : HOSTILE_DEVICES_MAX;
    h->generation = h->generation % (UINT32_MAX / 2) + 1 + (h->generation & 1);
    h->generation |= 1;
    for (h->opened = 0; h->opened < count; h->opened++) {
        raw_record(&r, CF_REQ_OPEN, hostile_hline(h, h->opened), h->opened,
                   privileges | (uint64_t)LINEMEDIAMODE_INTERACTIVEVOICE << 32, 0x00020002);
        r.m.open_line = h->opened;
        if (raw_ask(&h->port, &r, until) == NULL)
            return given_up(h);
        h->acts++;
    }
    return true;
}

void hostile_read(struct hostile *h, uint32_t messages_max)
{
    for (uint32_t n = 0; n < messages_max && raw_next(&h->port) != NULL; n++)
        h->read++;
}

/* ------------------------------------------------------------------ the program */

static void usage(FILE *out)
{
    fprintf(out, "usage: hostile --socket PATH --behaviour NAME|all --seconds N [--seed N] [--first-device N]\n\n");
    for (int i = 0; i < BEHAVIOURS; i++)
        fprintf(out, "  %-12s %s\n", behaviours[i].name, behaviours[i].text);
}

/* False: it did nothing to anybody. */
static bool run(const struct behaviour *b, const char *path, double seconds, uint64_t seed, uint32_t first_device)
{
    struct hostile h = {.path = path, .first_device = first_device, .random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1};
    h.hello = raw_hello(CF_HELLO_APPLICATION, b->name);
    raw_none(&h.port);
    int64_t start = raw_now_ns();
    h.ns = (int64_t)(seconds * 1e9);
    h.first_ns_max = start + HOSTILE_FIRST_NS;
    h.end_ns = start + h.ns;
    b->run(&h);
    hostile_leave(&h);
    printf("hostile %s: seed %" PRIu64 ", %.1f s, %" PRIu64 " acts, %" PRIu64 " messages read, attached %" PRIu64
           ", refused %" PRIu64 ", shown out %" PRIu64 "\n",
           b->name, seed, (double)(raw_now_ns() - start) / 1e9, h.acts, h.read, h.attached, h.refused, h.shown_out);
    fflush(stdout);
    if (b->run == hostile_connect) /* to knock is an act of its own, and to take a port */
        return h.acts + h.attached != 0;
    return h.acts != 0 && (h.attached != 0 || b->run == hostile_burn);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"socket", required_argument, NULL, 's'},
                                            {"behaviour", required_argument, NULL, 'b'},
                                            {"seconds", required_argument, NULL, 'n'},
                                            {"seed", required_argument, NULL, 'r'},
                                            {"first-device", required_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *path = getenv("CALLFAN_SOCKET"), *name = NULL;
    double seconds = 0;
    uint32_t first_device = 0;
    uint64_t seed = (uint64_t)raw_now_ns() % 1000000;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 's')
            path = optarg;
        else if (c == 'b')
            name = optarg;
        else if (c == 'n')
            seconds = strtod(optarg, NULL);
        else if (c == 'r')
            seed = strtoull(optarg, NULL, 10);
        else if (c == 'd')
            first_device = (uint32_t)strtoul(optarg, NULL, 10);
        else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    bool all = name != NULL && strcmp(name, "all") == 0, known = false, acted = true;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < BEHAVIOURS && path != NULL && seconds > 0 && name != NULL; i++)
        if (all || strcmp(name, behaviours[i].name) == 0) {
            known = true;
            acted &= run(&behaviours[i], path, seconds, seed, first_device);
        }
    if (!known)
        usage(stderr);
    return !known ? 2 : acted ? 0 : 1;
}
