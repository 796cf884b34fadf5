/*
 * Fuzz entry of what a program finds behind the socket's name: a stranger who answers with a welcome, descriptors and a port of his own
 * making. libcallfan and the providers' library take it or fail; neither maps what could be cut under it, nothing stays open.
 * The input: a byte of what is wrong with the objects, then changes of 3 bytes: what is changed and how, offset, value.
 */
/* ctest-args: --variations 16 */
/* ctest-args-sanitized: --variations 1 */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adapters/provider/port.h"
#include "adapters/provider/state.h"
#include "client/internal.h"
#include "shm/hello.h"
#include "shm/sys_bell.h"
#include "shm/sys_memory.h"
#include "shm/sys_socket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DOWN_SLOTS = 64, UP_SLOTS = 128, SERVER_FD = 700 };

#define TO_PROVIDER  1u
#define UNSEALED     2u  /* neither object has its seals */
#define SMALLER      4u  /* the objects are a page smaller than the welcome says */
#define FEWER        8u  /* a descriptor is missing */
#define NO_MEMORY    16u /* pipes in place of the objects */
#define SAYS_NOTHING 32u
#define TWICE        64u /* the welcome comes cut short, then the rest */
#define NO_BELL      128u /* a pipe, whose write may raise SIGPIPE, in place of the up bell */

static struct {
    char path[64];
    struct cf_listener listener;
    pthread_t thread;
    pthread_mutex_t lock; /* what follows */
    struct cf_welcome welcome;
    size_t bytes;
    int fds[4];
    uint32_t fds_count;
    bool says_nothing, again;
    uint32_t visits; /* in this input */
} stranger = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const uint64_t telling[] = {0,
                                   1,
                                   2,
                                   63,
                                   64,
                                   128,
                                   4095,
                                   4096,
                                   UINT16_MAX,
                                   INT32_MAX,
                                   UINT32_MAX,
                                   UINT64_C(1) << 32,
                                   INT64_MAX,
                                   UINT64_MAX,
                                   UINT64_C(1) << 57,
                                   UINT64_C(1) << 40};

/* One visitor after the other. His own end lies high, so that the library's descriptors can be counted. */
static void *serve(void *unused)
{
    for (;;) {
        int low;
        if (cf_socket_wait(stranger.listener.fd, POLLIN, -1) != 0 || cf_socket_accept(stranger.listener.fd, &low) != 0)
            continue;
        const int fd = fcntl(low, F_DUPFD_CLOEXEC, SERVER_FD);
        close(low);
        assert(fd >= SERVER_FD);
        struct cf_hello hello;
        size_t bytes;
        uint32_t count = 0;
        if (cf_socket_wait(fd, POLLIN, INT64_C(5000000000)) == 0) /* else he would find the door shut while he speaks */
            cf_socket_receive(fd, &hello, sizeof hello, &bytes, NULL, 0, &count);
        struct cf_welcome refusal = {.magic = CF_HELLO_MAGIC, .result = -EINVAL, .version = CF_LAYOUT_VERSION};
        pthread_mutex_lock(&stranger.lock);
        const bool first = stranger.visits++ == 0;
        if (!first) /* "try again" was believed: that is enough of it */
            cf_socket_send(fd, &refusal, sizeof refusal, NULL, 0);
        else if (!stranger.says_nothing)
            cf_socket_send(fd, &stranger.welcome, stranger.bytes, stranger.fds, stranger.fds_count);
        if (first && stranger.again)
            cf_socket_send(fd, &stranger.welcome, sizeof stranger.welcome, NULL, 0);
        pthread_mutex_unlock(&stranger.lock);
        close(fd);
    }
    return unused;
}

static void begin(void)
{
    char folder[] = "/tmp/callfan-welcome-XXXXXX";
    const char *made = mkdtemp(folder);
    assert(made != NULL);
    snprintf(stranger.path, sizeof stranger.path, "%s/s", folder);
    const int listening = cf_socket_listen(stranger.path, 0600, (gid_t)-1, &stranger.listener);
    assert(listening == 0);
    const int started = pthread_create(&stranger.thread, NULL, serve, NULL);
    assert(started == 0);
}

static void end(void)
{
    char *slash = strrchr(stranger.path, '/');
    cf_socket_listener_close(&stranger.listener, stranger.path, true);
    char lock[80];
    snprintf(lock, sizeof lock, "%s.lock", stranger.path);
    unlink(lock);
    *slash = '\0';
    rmdir(stranger.path);
}

/* The lowest free one: the same before and after, and nothing stayed open. */
static int lowest_fd(void)
{
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert(fd >= 0);
    close(fd);
    return fd;
}

static void change(void *object, size_t bytes, const uint8_t *how)
{
    uint8_t *to = (uint8_t *)object + how[1] % bytes;
    const size_t left = bytes - how[1] % bytes;
    if ((how[0] & 2) == 0)
        *to = how[2];
    else
        memcpy(to, &telling[how[2] % 16], left < 8 ? left : 8);
}

/* An object with a header in it, as good as the input says. */
static int make_object(enum cf_object object, size_t bytes, unsigned wrong, const struct cf_port_header *header)
{
    int fd;
    if ((wrong & NO_MEMORY) != 0) {
        int ends[2];
        const int made = pipe2(ends, O_CLOEXEC);
        assert(made == 0);
        close(ends[1]);
        return ends[0];
    }
    const int made = cf_memory_create("object", object, bytes - ((wrong & SMALLER) != 0 ? 4096 : 0), &fd);
    assert(made == 0);
    if (header != NULL) {
        const ssize_t written = pwrite(fd, header, sizeof *header, 0);
        assert(written == (ssize_t)sizeof *header);
    }
    if ((wrong & UNSEALED) == 0)
        cf_memory_seal(fd, object);
    return fd;
}

static void prepare(const uint8_t *data, size_t size)
{
    const unsigned wrong = data[0];
    const bool provider = (wrong & TO_PROVIDER) != 0;
    struct cf_port_header h = {.magic = CF_PORT_MAGIC,
                               .version = CF_LAYOUT_VERSION,
                               .kind = provider ? CF_PORT_PROVIDER : CF_PORT_APPLICATION,
                               .port = 3,
                               .generation = 5,
                               .down_slots = DOWN_SLOTS,
                               .up_slots = UP_SLOTS,
                               .reply_slots = provider ? 0 : CF_REPLY_SLOTS};
    const size_t down = cf_port_down_bytes(h.reply_slots, DOWN_SLOTS), up = cf_port_up_bytes(UP_SLOTS);
    stranger.welcome = (struct cf_welcome){.magic = CF_HELLO_MAGIC,
                                           .version = CF_LAYOUT_VERSION,
                                           .port = 3,
                                           .generation = 5,
                                           .down_bytes = down,
                                           .up_bytes = up,
                                           .text = "no"};
    for (size_t i = 1; i + 3 <= size; i += 3) {
        if ((data[i] & 1) != 0)
            change(&h, sizeof h, data + i);
        else
            change(&stranger.welcome, sizeof stranger.welcome, data + i);
    }
    int bells[4];
    const int made = cf_bell_create_down(&bells[0], &bells[1]) |
                     ((wrong & NO_BELL) != 0 ? pipe2(bells + 2, O_CLOEXEC) : cf_bell_create_up(&bells[2], &bells[3]));
    assert(made == 0);
    stranger.fds[0] = make_object(CF_OBJECT_DOWN, down, wrong, &h);
    stranger.fds[1] = make_object(CF_OBJECT_UP, up, wrong, NULL);
    stranger.fds[2] = bells[0];
    stranger.fds[3] = bells[3];
    close(bells[1]);
    close(bells[2]);
    stranger.fds_count = (wrong & FEWER) != 0 ? 3 : 4;
    stranger.says_nothing = (wrong & SAYS_NOTHING) != 0;
    stranger.again = (wrong & TWICE) != 0;
    stranger.bytes = stranger.again ? sizeof stranger.welcome - 1 : sizeof stranger.welcome;
    stranger.visits = 0;
}

static bool attach_client(void)
{
    static struct cf_usage usage;
    const struct cf_attach a = {.path = stranger.path, .name = "fuzz"};
    usage.socket = usage.down_bell = usage.up_bell = usage.event = usage.epoll = -1;
    const LONG error = cf_attach(&usage, &a);
    assert(error <= 0);
    if (error != 0) {
        assert(usage.down == NULL && usage.up == NULL);
        return false;
    }
    const struct cf_port_header *h = &usage.down->header;
    assert(cf_port_down_bytes(h->reply_slots, h->down_slots) <= usage.down_bytes);
    assert(cf_port_up_bytes(h->up_slots) <= usage.up_bytes);
    cf_detach(&usage);
    return true;
}

static bool attach_provider(void)
{
    static struct cf_provider *provider;
    const struct cf_provider_options options = {
        .name = "fuzz", .token = "t", .socket_path = stranger.path, .calls_max = 16, .commands_max = 16};
    char why[256] = "";
    if (provider == NULL) {
        const int made = cf_provider_new(&provider, &options);
        assert(made == 0);
    }
    const int rc = cf_provider_attach(provider, 0, why, sizeof why);
    assert(rc <= 0 && (rc == 0) == cf_provider_attached(provider) && (rc == 0 || why[0] != '\0'));
    if (rc != 0)
        return false;
    assert((provider->commands.mask + 1) * CF_SLOT_BYTES < provider->down_bytes);
    assert(cf_port_up_bytes(provider->events.mask + 1) <= provider->up_bytes);
    cf_provider_detach(provider);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (stranger.path[0] == '\0') {
        begin();
        atexit(end);
    }
    const int before = lowest_fd();
    pthread_mutex_lock(&stranger.lock);
    prepare(data, size);
    pthread_mutex_unlock(&stranger.lock);
    const bool taken = (data[0] & TO_PROVIDER) != 0 ? attach_provider() : attach_client();
    assert(!taken || (data[0] & (UNSEALED | SMALLER | FEWER | NO_MEMORY | SAYS_NOTHING | TWICE | NO_BELL)) == 0);
    pthread_mutex_lock(&stranger.lock);
    for (int i = 0; i < 4; i++)
        close(stranger.fds[i]);
    pthread_mutex_unlock(&stranger.lock);
    const int after = lowest_fd();
    assert(after == before);
    return 0;
}
