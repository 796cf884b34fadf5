/*
 * Fuzz entry of what a visitor of callfand says first: a packet on its socket, admitted or refused under several sets of rules.
 * The input: a byte that chooses the rules, one that chooses who it is, then the packet; an 'H' before it stands for a good hello, which
 * the rest changes: offset (2 bytes), value (1 byte).
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/callfand/admit.h"
#include "apps/callfand/visitor.h"
#include "shm/handle_table.h"
#include "shm/port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cf_provider_view providers[CF_PROVIDERS_MAX] = {
    {.used = 1, .name = "sip", .token = "0123456789abcdef", .pid = 17},
    {.used = 1, .name = "modem", .external = 1},
    {.used = 1, .name = "sim", .token = ""}, /* not started yet */
    {.used = 0, .name = "gone", .token = "token"},
};

static const struct {
    uint32_t applications, providers, down_ring_bytes, ring_bytes_max, wake_interval_us;
} sets[] = {
    {256, 64, 1 << 20, 64 << 20, 250},
    {1, 1, 64 << 10, 64 << 10, 0},
    {16, 4, 128 << 10, 1 << 30, 1000000},
};

static bool clean(const char text[CF_NAME_MAX])
{
    const size_t n = strnlen(text, CF_NAME_MAX);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7F)
            return false;
    return n < CF_NAME_MAX;
}

static void check_provider(const struct cf_admit_rules *rules, const struct cf_hello *h, const struct cf_peer *peer,
                           const struct cf_admission *a)
{
    const uint32_t place = a->port_first - 1;
    assert(a->port_end == a->port_first + 1 && place < rules->limits->providers);
    const struct cf_provider_view *v = &rules->providers[place];
    assert(v->used && strcmp(v->name, a->name) == 0 && a->reply_slots == 0);
    if (v->external)
        assert(peer->uid == rules->uid || peer->uid == 0);
    else
        assert(v->token[0] != '\0' && memcmp(v->token, h->token, sizeof v->token) == 0);
}

static bool power_of_two(uint64_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static void check_admission(const struct cf_admit_rules *rules, const void *packet, size_t bytes,
                            const struct cf_peer *peer, const struct cf_admission *a)
{
    struct cf_hello h;
    assert(memchr(a->text, '\0', sizeof a->text) != NULL && clean(a->name));
    if (a->result != 0) {
        assert(a->result < 0 && a->text[0] != '\0');
        return;
    }
    assert(bytes == sizeof h && a->text[0] == '\0');
    memcpy(&h, packet, sizeof h);
    assert(h.magic == CF_HELLO_MAGIC && h.version == CF_LAYOUT_VERSION && h.kind == a->kind);
    if (a->kind == CF_HELLO_STATUS)
        return;
    assert(a->port_first >= 1 && a->port_first < a->port_end && a->port_end <= CF_PORTS_MAX);
    assert(power_of_two(a->down_slots) && power_of_two(a->up_slots) && a->up_slots > CF_RECORD_SLOTS_MAX);
    assert(a->down_slots * CF_SLOT_BYTES >= 64 << 10 && a->down_slots * CF_SLOT_BYTES <= rules->ring_bytes_max);
    assert(a->wake_interval_us <= 1000000);
    if (a->kind == CF_HELLO_PROVIDER) {
        check_provider(rules, &h, peer, a);
        return;
    }
    assert(a->kind == CF_HELLO_APPLICATION && a->port_first == 1 + rules->limits->providers);
    assert(a->usage < CF_USAGES_PER_PROCESS && (a->base_generation & 1) == 0 &&
           a->base_generation < CF_GENERATION_END && a->name[0] != '\0');
    assert(a->reply_slots == CF_REPLY_SLOTS);
}

/* Says it over a socket, hears it as the door does, and tells the outcome. */
static void visit(const struct cf_admit_rules *rules, const void *packet, size_t bytes, const struct cf_peer *peer)
{
    static struct cf_admission a, heard;
    int ends[2];
    struct cf_hello hello;
    size_t got;
    cf_admit(rules, packet, bytes, peer, &a);
    check_admission(rules, packet, bytes, peer, &a);
    const int made = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
    assert(made == 0);
    struct cf_visitor visitor;
    cf_visitor_init(&visitor, ends[0], peer, 0, 1);
    const ssize_t sent = send(ends[1], packet, bytes, MSG_NOSIGNAL);
    const int error = cf_visitor_hear(&visitor, &hello, &got);
    if (bytes == 0 || sent != (ssize_t)bytes) {
        assert(error == -ECONNRESET || error == -EAGAIN);
    } else {
        assert(error == 0 && got == (bytes <= sizeof hello ? bytes : 0));
        cf_admit(rules, &hello, got, peer, &heard);
        assert(heard.result == a.result && heard.kind == a.kind && heard.port_first == a.port_first);
    }
    if (a.result != 0) {
        struct cf_welcome w;
        cf_visitor_refuse(visitor.fd, a.result, a.text);
        const ssize_t n = recv(ends[1], &w, sizeof w, MSG_DONTWAIT);
        assert(n == (ssize_t)sizeof w && w.magic == CF_HELLO_MAGIC && w.result == a.result &&
               strcmp(w.text, a.text) == 0);
    }
    cf_visitor_fini(&visitor);
    close(ends[1]);
}

/* A good hello with some bytes of it changed. */
static size_t change_good(const uint8_t *data, size_t size, unsigned kind, uint8_t out[sizeof(struct cf_hello)])
{
    struct cf_hello h = {.magic = CF_HELLO_MAGIC,
                         .version = CF_LAYOUT_VERSION,
                         .kind = 1 + kind % 3,
                         .name = "sip",
                         .token = "0123456789abcdef"};
    memcpy(out, &h, sizeof h);
    for (size_t i = 0; i + 3 <= size; i += 3)
        out[(data[i] | data[i + 1] << 8) % sizeof h] = data[i + 2];
    return sizeof h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_limits limits;
    uint8_t good[sizeof(struct cf_hello)];
    if (size < 2)
        return 0;
    cf_limits_default(&limits);
    const unsigned set = data[0] % 3u;
    limits.applications = sets[set].applications;
    limits.providers = sets[set].providers;
    limits.down_ring_bytes = sets[set].down_ring_bytes;
    const struct cf_admit_rules rules = {.limits = &limits,
                                         .providers = providers,
                                         .ring_bytes_max = sets[set].ring_bytes_max,
                                         .wake_interval_us = sets[set].wake_interval_us,
                                         .uid = 1000};
    const struct cf_peer peer = {.pid = 4711, .uid = data[1] % 3u == 0 ? 0 : data[1] % 3u == 1 ? 1000 : 1001};
    if (size > 3 && data[2] == 'H') {
        const size_t bytes = change_good(data + 4, size - 4, data[3], good);
        visit(&rules, good, bytes, &peer);
    } else {
        visit(&rules, data + 2, size - 2, &peer);
    }
    return 0;
}
