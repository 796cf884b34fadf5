/*
 * spray: sends SIP messages that were spoiled by chance, as fast as told, to a port of 127.0.0.1.
 *
 * Shape      seeds are files of one message each. What is sent is a seed, one to four times cut, doubled, mixed with another, blown
 *            up, or with bytes changed; one of eight is left as it was. ######## in a seed becomes a number
 * Invariant  every IPv4 address that can be read out of what is sent begins with 127, whatever was done to it: answers stay
 *            on the machine
 * Progress   one thread. UDP: batches of sendmmsg. TCP: connections one after another, written in pieces and closed in the middle
 */
#define _GNU_SOURCE 1 /* sendmmsg */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    SEEDS_MAX = 512,
    SEED_BYTES_MAX = 16384,
    MESSAGE_MAX = 60000, /* below the longest datagram */
    BATCH = 64,
    CONNECTION_MESSAGES_MAX = 4, /* a spoiled message is often the last that its connection carries */
    NUMBER_BYTES = 8,
    NUMBERS_LIVE = 8,
    NUMBER_MESSAGES = 16, /* a new number after so many messages */
    STUCK_MS = 2000,      /* a peer that takes nothing for so long is given up */
};

static const char NUMBER_PLACE[] = "########";

static struct {
    char seed[SEEDS_MAX][SEED_BYTES_MAX];
    size_t seed_bytes[SEEDS_MAX], seeds_count;
    long port;
    bool tcp;
    uint64_t count, rate, random;
    uint64_t sent, sent_bytes, connections, refused;
    int64_t start_ns;
} s = {.count = 100000, .random = 1};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static size_t below(size_t n)
{
    s.random ^= s.random << 13;
    s.random ^= s.random >> 7;
    s.random ^= s.random << 17;
    return n == 0 ? 0 : (size_t)((s.random >> 20) % n);
}

/* ---- spoiling ----------------------------------------------------------------------------------- */

struct message {
    char *data; /* MESSAGE_MAX bytes */
    size_t bytes;
};

static void change_bytes(struct message *m)
{
    static const char special[] = "\0\r\n \t:;,\"<>()[]%@=\\/?\x7f\x80\xff";
    for (size_t left = 1 + below(8); left > 0 && m->bytes > 0; left--) {
        char *at = m->data + below(m->bytes);
        *at = below(2) == 0 ? special[below(sizeof special - 1)] : (char)(*at ^ (1 << below(8)));
    }
}

static void cut(struct message *m)
{
    m->bytes = below(m->bytes + 1);
}

static void remove_part(struct message *m)
{
    const size_t from = below(m->bytes), bytes = below(m->bytes - from + 1);
    memmove(m->data + from, m->data + from + bytes, m->bytes - from - bytes);
    m->bytes -= bytes;
}

/* Puts bytes of something at a place of the message. */
static void insert(struct message *m, size_t at, const char *what, size_t bytes)
{
    if (bytes > MESSAGE_MAX - m->bytes)
        bytes = MESSAGE_MAX - m->bytes;
    memmove(m->data + at + bytes, m->data + at, m->bytes - at);
    memcpy(m->data + at, what, bytes);
    m->bytes += bytes;
}

static void repeat_part(struct message *m)
{
    char part[512];
    const size_t from = below(m->bytes), most = m->bytes - from < sizeof part ? m->bytes - from : sizeof part;
    const size_t bytes = below(most + 1);
    memcpy(part, m->data + from, bytes);
    for (size_t times = below(8) == 0 ? below(200) : 1; times > 0; times--)
        insert(m, from, part, bytes);
}

static void mix(struct message *m)
{
    const size_t other = below(s.seeds_count), from = below(s.seed_bytes[other]);
    insert(m, below(m->bytes + 1), s.seed[other] + from, below(s.seed_bytes[other] - from + 1));
}

static void insert_number(struct message *m)
{
    static const char *const numbers[] = {"4294967296",           "-1", "18446744073709551616",
                                          "00000000000000000001", "0",  "99999"};
    const char *number = numbers[below(sizeof numbers / sizeof *numbers)];
    insert(m, below(m->bytes + 1), number, strlen(number));
}

/* Bytes of an IPv4 address at p, 0: none. */
static size_t address_bytes(const char *p, const char *end)
{
    const char *at = p;
    for (int part = 0; part < 4; part++) {
        const char *digits = at;
        while (at < end && isdigit((unsigned char)*at))
            at++;
        if (at == digits || (part < 3 && (at == end || *at++ != '.')))
            return 0;
    }
    return (size_t)(at - p);
}

static void keep_at_home(struct message *m)
{
    const char *end = m->data + m->bytes;
    for (char *p = m->data; p < end; p++) {
        const size_t bytes = p > m->data && isdigit((unsigned char)p[-1]) ? 0 : address_bytes(p, end);
        if (bytes > 4 && memcmp(p, "127.", 4) == 0)
            p += bytes - 1;
        else if (bytes != 0)
            *p = 'x';
    }
}

/* Puts a number for every NUMBER_PLACE of a seed: one of the last few, so that requests of one call meet. */
static void number(struct message *m)
{
    char text[NUMBER_BYTES + 1];
    snprintf(text, sizeof text, "%08" PRIx32, (uint32_t)(s.sent / NUMBER_MESSAGES + below(NUMBERS_LIVE)));
    for (char *p = m->data; p + NUMBER_BYTES <= m->data + m->bytes; p++)
        if (memcmp(p, NUMBER_PLACE, NUMBER_BYTES) == 0)
            memcpy(p, text, NUMBER_BYTES);
}

static void spoil(struct message *m)
{
    static void (*const ways[])(struct message *) = {change_bytes, change_bytes, cut,          remove_part,
                                                     repeat_part,  mix,          insert_number};
    const size_t seed = below(s.seeds_count);
    m->bytes = s.seed_bytes[seed];
    memcpy(m->data, s.seed[seed], m->bytes);
    number(m);
    if (below(8) != 0)
        for (size_t times = 1 + below(4); times > 0; times--)
            ways[below(sizeof ways / sizeof *ways)](m);
    keep_at_home(m);
}

/* ---- sending ------------------------------------------------------------------------------------ */

/* Waits until as many as were sent may have been sent. */
static void pace(void)
{
    if (s.rate == 0)
        return;
    const int64_t due_ns = s.start_ns + (int64_t)(s.sent * 1000000000 / s.rate), ns = due_ns - now_ns();
    const struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    if (ns > 0)
        nanosleep(&t, NULL);
}

static int open_socket(int type)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)s.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        fprintf(stderr, "spray: port %ld: %s\n", s.port, strerror(errno));
        exit(1);
    }
    return fd;
}

static void send_datagrams(void)
{
    static char data[BATCH][MESSAGE_MAX];
    const int fd = open_socket(SOCK_DGRAM);
    while (s.sent < s.count) {
        struct mmsghdr batch[BATCH] = {0};
        struct iovec part[BATCH];
        const unsigned n = s.count - s.sent < BATCH ? (unsigned)(s.count - s.sent) : BATCH;
        for (unsigned i = 0; i < n; i++) {
            struct message m = {.data = data[i]};
            spoil(&m);
            part[i] = (struct iovec){.iov_base = m.data, .iov_len = m.bytes};
            batch[i].msg_hdr = (struct msghdr){.msg_iov = &part[i], .msg_iovlen = 1};
        }
        const int done = sendmmsg(fd, batch, n, 0);
        if (done < 0 && errno != EINTR && errno != ECONNREFUSED) {
            fprintf(stderr, "spray: sending: %s\n", strerror(errno));
            exit(1);
        }
        s.refused += done < 0 && errno == ECONNREFUSED;
        for (int i = 0; i < done; i++)
            s.sent_bytes += batch[i].msg_len;
        s.sent += done > 0 ? (uint64_t)done : 0;
        pace();
    }
    close(fd);
}

/* Writes in pieces, and takes what comes back off the peer's hands. False: the peer has closed. */
static bool write_pieces(int fd, const char *data, size_t bytes)
{
    char answers[4096];
    while (bytes > 0) {
        const size_t piece = below(2) == 0 ? bytes : 1 + below(bytes);
        const ssize_t done = send(fd, data, piece, MSG_NOSIGNAL);
        if (done < 0)
            return false;
        data += done;
        bytes -= (size_t)done;
        s.sent_bytes += (uint64_t)done;
        while (recv(fd, answers, sizeof answers, MSG_DONTWAIT) > 0)
            ;
    }
    return true;
}

static void send_streams(void)
{
    static char data[MESSAGE_MAX];
    const struct timeval stuck = {.tv_sec = STUCK_MS / 1000, .tv_usec = STUCK_MS % 1000 * 1000};
    while (s.sent < s.count) {
        const int fd = open_socket(SOCK_STREAM);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &stuck, sizeof stuck);
        bool open = true;
        s.connections++;
        for (size_t left = 1 + below(CONNECTION_MESSAGES_MAX); open && left > 0 && s.sent < s.count; left--) {
            struct message m = {.data = data};
            spoil(&m);
            open = write_pieces(fd, m.data, m.bytes);
            s.sent++;
        }
        s.refused += !open;
        /* Some with a reset: those also leave no port in TIME_WAIT. */
        const struct linger reset = {.l_onoff = 1};
        if (below(4) != 0)
            (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
        pace();
    }
}

/* ---- the program -------------------------------------------------------------------------------- */

static void usage(FILE *to)
{
    fputs(
        "usage: spray --port PORT [--tcp] [--count N] [--rate N] [--seed N] FILE...\n"
        "Sends spoiled copies of the SIP messages in the files to a port of 127.0.0.1, and prints how many, as JSON.\n"
        "  --tcp      in connections instead of datagrams\n"
        "  --count N  messages (100000)\n"
        "  --rate N   messages a second at most (0: as fast as it can)\n"
        "  --seed N   of the random numbers (1)\n"
        "  --help     this text\n",
        to);
}

static void load(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL || s.seeds_count == SEEDS_MAX) {
        fprintf(stderr, "spray: %s: %s\n", path, file == NULL ? strerror(errno) : "one too many");
        exit(2);
    }
    const size_t bytes = fread(s.seed[s.seeds_count], 1, SEED_BYTES_MAX, file);
    s.seed_bytes[s.seeds_count] = bytes;
    s.seeds_count += bytes > 0;
    fclose(file);
}

static void parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"tcp", no_argument, NULL, 't'},
        {"count", required_argument, NULL, 'c'},
        {"rate", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'p':
            s.port = strtol(optarg, NULL, 10);
            break;
        case 't':
            s.tcp = true;
            break;
        case 'c':
            s.count = strtoull(optarg, NULL, 10);
            break;
        case 'r':
            s.rate = strtoull(optarg, NULL, 10);
            break;
        case 's':
            s.random = strtoull(optarg, NULL, 10) * UINT64_C(0x9E3779B97F4A7C15) + 1;
            break;
        default:
            usage(c == 'h' ? stdout : stderr);
            exit(c == 'h' ? 0 : 2);
        }
    }
    for (; optind < argc; optind++)
        load(argv[optind]);
    if (s.port <= 0 || s.port > UINT16_MAX || s.seeds_count == 0) {
        usage(stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    s.start_ns = now_ns();
    if (s.tcp)
        send_streams();
    else
        send_datagrams();
    printf("{\"sent\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"connections\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"seconds\":%.3f}\n",
           s.sent, s.sent_bytes, s.connections, s.refused, (double)(now_ns() - s.start_ns) / 1e9);
    return 0;
}
