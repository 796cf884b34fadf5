/*
 * relay: carries UDP datagrams between two parties on 127.0.0.1, and loses, doubles and overtakes some of them.
 *
 * Shape      two sockets. The near party sends to --near-face, which stands for the far party; what comes there leaves from
 *            --far-face, which stands for the near party. So each sees the other at one address of the relay
 * Units      --lose, --double, --delay in percent of the datagrams, each direction; a delayed datagram leaves after the next
 *            one of its direction, or when nothing came for DELAY_MS
 * Progress   one thread; ends on SIGTERM or SIGINT with a line of counters on the standard output, as JSON
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DATAGRAM_MAX = 65536, DELAY_MS = 20, SOCKET_BYTES = 8 << 20, PERCENT = 100 };

enum side { NEAR, FAR, SIDES };

/* One direction: what was received at a face, and what became of it. */
struct way {
    uint64_t received, lost, doubled, delayed, unsent;
    char held[DATAGRAM_MAX]; /* the delayed datagram */
    ssize_t held_bytes;      /* -1: none */
};

static struct {
    long port[SIDES], face_port[SIDES];
    long lose, twice, delay;
    uint64_t random;
    int face[SIDES];
    struct way way[SIDES]; /* by the face it is received at */
} r = {.random = 1};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static void usage(FILE *to)
{
    fputs("usage: relay --near PORT --far PORT --near-face PORT --far-face PORT [OPTION]...\n"
          "Carries UDP datagrams between two ports of 127.0.0.1: from near to --near-face, and out of --far-face to "
          "far;\n"
          "from far to --far-face, and out of --near-face to near. SIGTERM ends it; it prints counters then.\n"
          "  --lose P      percent of the datagrams that are lost (0)\n"
          "  --double P    percent that arrive twice (0)\n"
          "  --delay P     percent that are overtaken by the next (0)\n"
          "  --seed N      of the random numbers (1); the same seed and traffic give the same losses\n"
          "  --help        this text\n",
          to);
}

/* xorshift64: no quality needed, but the same numbers everywhere. */
static bool happens(long percent)
{
    r.random ^= r.random << 13;
    r.random ^= r.random >> 7;
    r.random ^= r.random << 17;
    return (long)((r.random >> 33) % PERCENT) < percent;
}

static struct sockaddr_in at(long port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int open_face(long port)
{
    const struct sockaddr_in address = at(port);
    const int bytes = SOCKET_BYTES;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        fprintf(stderr, "relay: port %ld: %s\n", port, strerror(errno));
        exit(1);
    }
    /* So that what is lost is lost here. The system may give less. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    return fd;
}

static void carry(enum side from, const char *data, ssize_t bytes)
{
    const enum side to = from == NEAR ? FAR : NEAR;
    const struct sockaddr_in address = at(r.port[to]);
    ssize_t sent;
    do /* nobody there yet is told at the next send: of no interest */
        sent = sendto(r.face[to], data, (size_t)bytes, 0, (const struct sockaddr *)&address, sizeof address);
    while (sent < 0 && errno == EINTR);
    r.way[from].unsent += sent != bytes;
}

static void release(enum side from)
{
    struct way *w = &r.way[from];
    if (w->held_bytes >= 0)
        carry(from, w->held, w->held_bytes);
    w->held_bytes = -1;
}

static void relay_one(enum side from, const char *data, ssize_t bytes)
{
    struct way *w = &r.way[from];
    w->received++;
    if (happens(r.lose)) {
        w->lost++;
    } else if (w->held_bytes < 0 && happens(r.delay)) {
        w->delayed++;
        memcpy(w->held, data, (size_t)bytes);
        w->held_bytes = bytes;
        return;
    } else {
        carry(from, data, bytes);
        if (happens(r.twice)) {
            w->doubled++;
            carry(from, data, bytes);
        }
    }
    release(from);
}

static void receive_all(enum side from)
{
    static char data[DATAGRAM_MAX];
    ssize_t bytes;
    while ((bytes = recv(r.face[from], data, sizeof data, MSG_DONTWAIT)) >= 0 || errno == ECONNREFUSED)
        if (bytes >= 0)
            relay_one(from, data, bytes);
}

static void parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"near", required_argument, NULL, 'n'},
        {"far", required_argument, NULL, 'f'},
        {"near-face", required_argument, NULL, 'N'},
        {"far-face", required_argument, NULL, 'F'},
        {"lose", required_argument, NULL, 'l'},
        {"double", required_argument, NULL, 't'},
        {"delay", required_argument, NULL, 'd'},
        {"seed", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'h' || c == '?') {
            usage(c == 'h' ? stdout : stderr);
            exit(c == 'h' ? 0 : 2);
        }
        char *end;
        const long value = strtol(optarg, &end, 10);
        long *const target = c == 'n'   ? &r.port[NEAR]
                             : c == 'f' ? &r.port[FAR]
                             : c == 'N' ? &r.face_port[NEAR]
                             : c == 'F' ? &r.face_port[FAR]
                             : c == 'l' ? &r.lose
                             : c == 't' ? &r.twice
                             : c == 'd' ? &r.delay
                                        : NULL;
        if (end == optarg || *end != '\0' || value < 0 || value > UINT16_MAX) {
            fprintf(stderr, "relay: %s is no number from 0 to 65535\n", optarg);
            exit(2);
        }
        if (target != NULL)
            *target = value;
        else
            r.random = (uint64_t)value * UINT64_C(0x9E3779B97F4A7C15) + 1;
    }
    if (optind != argc || r.port[NEAR] == 0 || r.port[FAR] == 0 || r.face_port[NEAR] == 0 || r.face_port[FAR] == 0) {
        usage(stderr);
        exit(2);
    }
}

static void print_way(const char *name, const struct way *w, const char *end)
{
    printf("\"%s\":{\"received\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"doubled\":%" PRIu64 ",\"delayed\":%" PRIu64
           ",\"unsent\":%" PRIu64 "}%s",
           name, w->received, w->lost, w->doubled, w->delayed, w->unsent, end);
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    const struct sigaction action = {.sa_handler = on_signal}; /* without SA_RESTART: poll ends */
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct pollfd fds[SIDES];
    for (int side = 0; side < SIDES; side++) {
        r.face[side] = open_face(r.face_port[side]);
        r.way[side].held_bytes = -1;
        fds[side] = (struct pollfd){.fd = r.face[side], .events = POLLIN};
    }
    while (!ended) {
        const int ready = poll(fds, SIDES, DELAY_MS);
        for (enum side side = NEAR; side < SIDES && ready >= 0; side++) {
            if (fds[side].revents != 0)
                receive_all(side);
            else if (ready == 0)
                release(side);
        }
    }
    putchar('{');
    print_way("near", &r.way[NEAR], ",");
    print_way("far", &r.way[FAR], "}\n");
    return 0;
}
