/* Checks in the order in which a peer can be wrong: packet, version, kind, credentials, wishes. */
#include "apps/callfand/admit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "shm/handle_table.h"
#include "shm/port.h"

static void refuse(struct cf_admission *a, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void refuse(struct cf_admission *a, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(a->text, sizeof a->text, format, arguments);
    va_end(arguments);
    a->result = error;
}

static void deny(struct cf_admission *a)
{
    a->result = -EACCES;
    a->denied = true;
}

/* A name fit to be printed; what is not becomes '?'. */
static void clean_name(const char from[CF_NAME_MAX], char to[CF_NAME_MAX])
{
    size_t n = strnlen(from, CF_NAME_MAX - 1);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)from[i];
        to[i] = c < ' ' || c == 0x7F ? '?' : (char)c;
    }
    memset(to + n, 0, CF_NAME_MAX - n);
}

/* Same time for every wrong token. */
static bool same_token(const char *a, const char *b)
{
    unsigned difference = 0;
    for (size_t i = 0; i < CF_NAME_MAX; i++)
        difference |= (unsigned char)a[i] ^ (unsigned char)b[i];
    return difference == 0;
}

static uint32_t ring_bytes(const struct cf_admit_rules *rules, uint32_t wish, uint32_t most)
{
    if (wish == 0)
        return rules->limits->down_ring_bytes < most ? rules->limits->down_ring_bytes : most;
    uint32_t bytes = 64 << 10;
    while (bytes < wish && bytes < most)
        bytes *= 2; /* a power of two below 2^31, as most is at most 2^30 */
    return bytes;
}

/* Nobody has granted this user anything. */
static void deny_user(const struct cf_admit_rules *rules, const struct cf_peer *peer, struct cf_admission *a)
{
    unsigned uid = (unsigned)peer->uid;
    if (rules->has_sections)
        snprintf(a->text, sizeof a->text,
                 "user %u has no access: add users = {\"%u\"}, or a group of it, to an access section of callfan.conf",
                 uid, uid);
    else
        snprintf(
            a->text, sizeof a->text,
            "user %u has no access: add it to socket_group, or users = {\"%u\"} to an access section of callfan.conf",
            uid, uid);
    deny(a);
}

static void admit_provider(const struct cf_admit_rules *rules, const struct cf_hello *h, const struct cf_peer *peer,
                           struct cf_admission *a)
{
    uint32_t place = 0;
    while (place < rules->limits->providers &&
           !(rules->providers[place].used && strcmp(rules->providers[place].name, a->name) == 0))
        place++;
    if (place == rules->limits->providers) {
        refuse(a, -EACCES, "no provider %s is configured", a->name);
        return;
    }
    const struct cf_provider_view *view = &rules->providers[place];
    if (view->external && peer->uid != rules->uid && peer->uid != 0 &&
        (rules->grant == NULL || rules->grant->section == NULL || !cf_grant_provider(rules->grant, a->name))) {
        snprintf(a->text, sizeof a->text,
                 "user %u may not be a provider: its access section of callfan.conf lacks provider = {\"%.32s\"}",
                 (unsigned)peer->uid, a->name);
        deny(a);
        return;
    }
    if (!view->external && (view->token[0] == '\0' || !same_token(h->token, view->token))) {
        refuse(a, -EACCES, "wrong token for provider %s: callfand starts it itself", a->name);
        return;
    }
    a->port_first = 1 + place;
    a->port_end = a->port_first + 1;
    a->up_slots = rules->limits->provider_up_ring_bytes / CF_SLOT_BYTES;
    a->down_slots = ring_bytes(rules, h->ring_bytes, rules->ring_bytes_max) / CF_SLOT_BYTES;
}

static void admit_application(const struct cf_admit_rules *rules, const struct cf_hello *h, const struct cf_peer *peer,
                              struct cf_admission *a)
{
    if (rules->grant == NULL || !rules->grant->admitted) {
        deny_user(rules, peer, a);
        return;
    }
    if (h->usage >= CF_USAGES_PER_PROCESS || (h->base_generation & 1) != 0 || h->base_generation >= CF_GENERATION_END) {
        refuse(a, -EINVAL, "usage is %u, must be below %d; base generation is %u, must be even and below %u", h->usage,
               CF_USAGES_PER_PROCESS, h->base_generation, CF_GENERATION_END);
        return;
    }
    if (a->name[0] == '\0')
        snprintf(a->name, sizeof a->name, "process-%d", (int)peer->pid);
    a->port_first = 1 + rules->limits->providers;
    a->port_end = a->port_first + rules->limits->applications;
    a->up_slots = rules->limits->up_ring_bytes / CF_SLOT_BYTES;
    a->down_slots =
        ring_bytes(rules, h->ring_bytes, cf_grant_ring_bytes(rules->grant, rules->ring_bytes_max)) / CF_SLOT_BYTES;
    a->ports_max = rules->grant->section == NULL ? 0 : rules->grant->section->applications;
    cf_grant_rights(rules->grant, rules->limits, &a->rights);
    a->reply_slots = CF_REPLY_SLOTS;
    a->usage = h->usage;
    a->base_generation = h->base_generation;
}

static void admit_status(const struct cf_admit_rules *rules, const struct cf_peer *peer, struct cf_admission *a)
{
    if (rules->grant == NULL || !rules->grant->admitted) {
        deny_user(rules, peer, a);
    } else if (!cf_grant_status(rules->grant)) {
        snprintf(a->text, sizeof a->text,
                 "user %u may not read the status: access %.32s of callfan.conf lacks status = true",
                 (unsigned)peer->uid, rules->grant->section->name);
        deny(a);
    }
}

void cf_admit(const struct cf_admit_rules *rules, const void *packet, size_t bytes, const struct cf_peer *peer,
              struct cf_admission *ret_admission)
{
    struct cf_admission *a = ret_admission;
    struct cf_hello h;
    memset(a, 0, sizeof *a);
    if (bytes != sizeof h) {
        refuse(a, -EINVAL, "a hello has %zu bytes, this packet %zu", sizeof h, bytes);
        return;
    }
    memcpy(&h, packet, sizeof h);
    if (h.magic != CF_HELLO_MAGIC) {
        refuse(a, -EINVAL, "this is no hello");
        return;
    }
    if (h.version != CF_LAYOUT_VERSION) {
        refuse(a, -EPROTO, "callfand speaks layout version %u, this peer version %u", CF_LAYOUT_VERSION, h.version);
        return;
    }
    a->kind = h.kind;
    clean_name(h.name, a->name);
    a->wake_interval_us = h.wake_interval_us == UINT32_MAX ? rules->wake_interval_us
                          : h.wake_interval_us > 1000000   ? 1000000
                                                           : h.wake_interval_us;
    if (h.kind == CF_HELLO_PROVIDER)
        admit_provider(rules, &h, peer, a);
    else if (h.kind == CF_HELLO_APPLICATION)
        admit_application(rules, &h, peer, a);
    else if (h.kind == CF_HELLO_STATUS || h.kind == CF_HELLO_DOCTOR)
        admit_status(rules, peer, a);
    else
        refuse(a, -EINVAL, "kind %u is none that callfand knows", h.kind);
}
