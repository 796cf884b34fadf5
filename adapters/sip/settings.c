/* See settings.h. */
#include "adapters/sip/settings.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callfan/limits.h"

const char cf_sip_settings_help[] =
    "Keys of its section:\n"
    "  listen = {\"127.0.0.1:5060\"}  UDP addresses, one trunk line each, numbered from 0; IPv6 as \"[::1]:5060\"\n"
    "  number = {}             directory numbers of the lines\n"
    "  contact = {}            address given to peers, as \"sip.example.com:5060\"; without it, that of listen\n"
    "  media = {}              address in session descriptions; without it, that of listen\n"
    "  media_port = 4000       port in session descriptions\n"
    "  codecs = {PCMU, PCMA}   what is accepted and offered, in order of preference for offers of our own\n"
    "  contact_user = callfan  user part of Contact\n"
    "  calls_max = 16384       calls alive at once, on each line\n"
    "  transactions_max = 0    transactions alive at once, on each line; each lives up to 32 s; 0: 8 per call\n"
    "  drop_status = 603       answer to a call that is dropped before it was answered, 480, 486, 600, 603 ...\n"
    "  trying_ms = 200         100 is sent when nothing else was by then; 0: at once\n"
    "  ring_limit_ms = 180000  a call that nobody answers for so long ends with 480\n"
    "  linger_ms = 0           DISCONNECTED to IDLE, when the peer hung up\n"
    "  retry_after_s = 5       in 503, when there is no room for another call\n"
    "  t1_ms = 500             round trip estimate of RFC 3261, the unit of all retransmissions\n"
    "  trust_asserted = false  the caller is who P-Asserted-Identity names, not From\n"
    "  receive_bytes = 8388608 receive buffer of each socket\n"
    "  gather_us = 0           after it woke, what comes within so long is taken together: less work, more delay\n"
    "  tcp = true              listen on TCP too, at the same addresses\n"
    "  connections_max = 256   TCP connections of a line\n"
    "  peer = {}               \"HOST:PORT\" where calls, REGISTER and OPTIONS of a line go; a name is looked up at "
    "the start\n"
    "  transport = {udp}       udp or tcp: how they go there\n"
    "  domain = {}             host part of addresses that are dialled; without it, that of peer\n"
    "  register = {false}      the line registers at its peer, and is out of service until it has\n"
    "  register_s = 3600       for how long it asks to be registered\n"
    "  username = {}, password = {}\n"
    "                          answer to the peer's challenges (401, 407)\n"
    "  options_s = 0           OPTIONS to the peer that often; without an answer the line is out of service; 0: never\n"
    "  session_s = 1800        session timer (RFC 4028); 0: none\n"
    "  min_se_s = 90           shorter session intervals are refused\n"
    "  reliable = false        reliable ringing (RFC 3262) where the peer can do it, not only where it must\n"
    "  redirects_max = 5       3xx answers that an outgoing call follows\n"
    "  refer = nobody          who may have a call of ours transferred (REFER): nobody, peer or anybody. Whoever may "
    "makes "
    "the line call\n"
    "  replace = peer          who may put a call in the place of one of ours (INVITE with Replaces): the same words\n"
    "  transfer_limit_ms = 180000  a transfer of ours whose outcome nobody tells for so long has failed\n"
    "  conference = {}         sip: URI of a conference factory (RFC 4579): lines that have one make conferences\n"
    "  admit = {}              \"user:password\" of those who may call; without any, everybody may\n"
    "  realm = callfan         realm of the challenge to the others\n"
    "  digest = {SHA-256, MD5} what the challenge offers; old peers read its first line alone and know only MD5\n";

static cfg_opt_t *keys(void)
{
    static cfg_opt_t all[] = {
        CFG_STR_LIST("listen", "{127.0.0.1:5060}", CFGF_NONE),
        CFG_STR_LIST("number", "{}", CFGF_NONE),
        CFG_STR_LIST("contact", "{}", CFGF_NONE),
        CFG_STR_LIST("media", "{}", CFGF_NONE),
        CFG_INT("media_port", 4000, CFGF_NONE),
        CFG_STR_LIST("codecs", "{PCMU, PCMA}", CFGF_NONE),
        CFG_STR("contact_user", "callfan", CFGF_NONE),
        CFG_INT("calls_max", 16384, CFGF_NONE),
        CFG_INT("transactions_max", 0, CFGF_NONE),
        CFG_INT("drop_status", 603, CFGF_NONE),
        CFG_INT("trying_ms", 200, CFGF_NONE),
        CFG_INT("ring_limit_ms", 180000, CFGF_NONE),
        CFG_INT("linger_ms", 0, CFGF_NONE),
        CFG_INT("retry_after_s", 5, CFGF_NONE),
        CFG_INT("t1_ms", 500, CFGF_NONE),
        CFG_BOOL("trust_asserted", cfg_false, CFGF_NONE),
        CFG_INT("receive_bytes", 8 << 20, CFGF_NONE),
        CFG_INT("gather_us", 0, CFGF_NONE),
        CFG_BOOL("tcp", cfg_true, CFGF_NONE),
        CFG_INT("connections_max", 256, CFGF_NONE),
        CFG_STR_LIST("peer", "{}", CFGF_NONE),
        CFG_STR_LIST("transport", "{udp}", CFGF_NONE),
        CFG_STR_LIST("domain", "{}", CFGF_NONE),
        CFG_BOOL_LIST("register", "{false}", CFGF_NONE),
        CFG_INT("register_s", 3600, CFGF_NONE),
        CFG_STR_LIST("username", "{}", CFGF_NONE),
        CFG_STR_LIST("password", "{}", CFGF_NONE),
        CFG_INT("options_s", 0, CFGF_NONE),
        CFG_INT("session_s", 1800, CFGF_NONE),
        CFG_INT("min_se_s", 90, CFGF_NONE),
        CFG_BOOL("reliable", cfg_false, CFGF_NONE),
        CFG_INT("redirects_max", 5, CFGF_NONE),
        CFG_STR("refer", "nobody", CFGF_NONE),
        CFG_STR("replace", "peer", CFGF_NONE),
        CFG_INT("transfer_limit_ms", 180000, CFGF_NONE),
        CFG_STR_LIST("conference", "{}", CFGF_NONE),
        CFG_STR_LIST("admit", "{}", CFGF_NONE),
        CFG_STR("realm", "callfan", CFGF_NONE),
        CFG_STR_LIST("digest", "{SHA-256, MD5}", CFGF_NONE),
        CFG_END(),
    };
    return all;
}

/* One reading: what goes along every helper, and the first error. */
struct reading {
    const struct cf_options *options;
    cfg_t *cfg;
    char *why;
    size_t why_bytes;
    int rc;
};

static long number(struct reading *r, const char *key, long low, long high)
{
    long value = low;
    if (r->rc == 0)
        r->rc = cf_options_int(r->options, r->cfg, key, low, high, &value, r->why, r->why_bytes);
    return value;
}

static void fail(struct reading *r, const char *key, const char *sentence, const char *value)
{
    if (r->rc != 0)
        return;
    const size_t n = cf_options_where(r->options, key, r->why, r->why_bytes);
    snprintf(r->why + n, r->why_bytes - n, sentence, value);
    r->rc = -EINVAL;
}

static void copy(struct reading *r, char to[CF_SIP_NAME_MAX], const char *key, const char *value)
{
    if (strlen(value) >= CF_SIP_NAME_MAX)
        fail(r, key, "%s is longer than 63 bytes", value);
    else
        memcpy(to, value, strlen(value) + 1);
}

/* Splits host and port at the last colon; a host in brackets keeps them. */
static bool split(const char *text, char host[CF_SIP_NAME_MAX], uint16_t *ret_port)
{
    const char *bracket = strchr(text, ']');
    const char *colon = strrchr(bracket != NULL ? bracket : text, ':');
    const size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    if (len == 0 || len >= CF_SIP_NAME_MAX || (bracket == NULL && memchr(text, ':', len) != NULL) ||
        (text[0] == '[') != (bracket != NULL) || (bracket != NULL && (size_t)(bracket + 1 - text) != len))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    *ret_port = CF_SIP_DEFAULT_PORT;
    if (colon == NULL)
        return true;
    struct cf_sip_cursor c = {colon + 1, colon + strlen(colon)};
    uint32_t port;
    if (!cf_sip_take_number(&c, &port) || c.p != c.end || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

bool cf_sip_settings_address(const char *text, union cf_sip_addr *ret_addr)
{
    char host[CF_SIP_NAME_MAX];
    uint16_t port;
    if (!split(text, host, &port))
        return false;
    const bool bracketed = host[0] == '[';
    const size_t len = strlen(host);
    if (!cf_sip_addr_parse(ret_addr, host + bracketed, len - 2 * bracketed, port))
        return false;
    return (ret_addr->sa.sa_family == AF_INET6) == bracketed;
}

/* The entry of a list for a line: its own, else the last; NULL for an empty list. */
static const char *entry(struct reading *r, const char *key, unsigned line)
{
    const unsigned count = cfg_size(r->cfg, key);
    return count == 0 ? NULL : cfg_getnstr(r->cfg, key, line < count ? line : count - 1);
}

static bool is_any(const union cf_sip_addr *addr)
{
    if (addr->sa.sa_family == AF_INET)
        return addr->in4.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&addr->in6.sin6_addr);
}

static void read_contact(struct reading *r, struct cf_sip_line_settings *line, unsigned index)
{
    const char *contact = entry(r, "contact", index);
    if (contact == NULL) {
        if (is_any(&line->listen))
            fail(r, "listen", "%s needs a contact, since it is no address that peers can reach", line->listen_text);
        else if (!split(line->listen_text, line->host, &line->port))
            fail(r, "listen", "%s is no address", line->listen_text);
    } else if (!split(contact, line->host, &line->port) || line->port == 0) {
        fail(r, "contact", "\"%s\" is not \"HOST:PORT\"", contact);
    }
}

static void read_media(struct reading *r, struct cf_sip_line_settings *line, unsigned index)
{
    union cf_sip_addr addr;
    char text[INET6_ADDRSTRLEN];
    const char *media = entry(r, "media", index);
    if (media == NULL) {
        if (is_any(&line->listen))
            fail(r, "listen", "%s needs a media address, since it is none that peers can reach", line->listen_text);
        cf_sip_addr_text(&line->listen, text);
        media = text;
    }
    if (!cf_sip_addr_parse(&addr, media, strlen(media), 0)) {
        fail(r, "media", "\"%s\" is no IPv4 or IPv6 address (without brackets)", media);
        return;
    }
    line->media_ipv6 = addr.sa.sa_family == AF_INET6;
    copy(r, line->media, "media", media);
}

/* The entry of a list that names one line only. */
static void copy_own(struct reading *r, char to[CF_SIP_NAME_MAX], const char *key, unsigned index)
{
    if (index < cfg_size(r->cfg, key))
        copy(r, to, key, cfg_getnstr(r->cfg, key, index));
}

/* A numeric address, or a name that is looked up once, now, in the address family of the line. */
static bool find_host(const char *host, uint16_t port, sa_family_t family, union cf_sip_addr *ret_addr)
{
    const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found;
    const bool bracketed = host[0] == '[';
    if (cf_sip_addr_parse(ret_addr, host + bracketed, strlen(host) - 2 * bracketed, port))
        return ret_addr->sa.sa_family == family;
    if (bracketed || getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    const bool good = cf_sip_addr_of(ret_addr, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (good)
        cf_sip_addr_set_port(ret_addr, port);
    return good;
}

static void read_transport(struct reading *r, const struct cf_sip_settings *s, struct cf_sip_line_settings *line,
                           unsigned index)
{
    const char *transport = entry(r, "transport", index);
    line->peer.stream = transport != NULL && strcmp(transport, "tcp") == 0;
    if (transport != NULL && !line->peer.stream && strcmp(transport, "udp") != 0)
        fail(r, "transport", "\"%s\" is not udp or tcp", transport);
    else if (line->peer.stream && !s->tcp)
        fail(r, "transport", "%s needs tcp = true", transport);
}

static void read_peer(struct reading *r, const struct cf_sip_settings *s, struct cf_sip_line_settings *line,
                      unsigned index)
{
    char host[CF_SIP_NAME_MAX];
    uint16_t port;
    const char *peer = entry(r, "peer", index);
    const char *domain = entry(r, "domain", index);
    const unsigned registers = cfg_size(r->cfg, "register");
    line->registers =
        registers != 0 && cfg_getnbool(r->cfg, "register", index < registers ? index : registers - 1) == cfg_true;
    read_transport(r, s, line, index);
    copy_own(r, line->username, "username", index);
    copy_own(r, line->password, "password", index);
    if (line->username[0] != '\0' && line->password[0] == '\0')
        fail(r, "username", "\"%s\" has no password", line->username);
    if (line->username[0] != '\0' && peer == NULL)
        fail(r, "username", "\"%s\" needs a peer: nobody else gets credentials", line->username);
    if (peer == NULL) {
        if (line->registers)
            fail(r, "register", "%s needs a peer", line->listen_text);
        return;
    }
    line->has_peer = true;
    if (!split(peer, host, &port) || port == 0)
        fail(r, "peer", "\"%s\" is not \"HOST:PORT\"", peer);
    else if (!find_host(host, port, line->listen.sa.sa_family, &line->peer.addr))
        fail(r, "peer", "\"%s\" is not known in the address family of the line", peer);
    else
        copy(r, line->domain, "domain", domain != NULL ? domain : host);
}

/* What it says, only the user agent checks. */
static void read_conference(struct reading *r, struct cf_sip_line_settings *line, unsigned index)
{
    const char *conference = entry(r, "conference", index);
    if (conference != NULL && strlen(conference) >= sizeof(line->conference))
        fail(r, "conference", "%s is longer than 255 bytes", conference);
    else if (conference != NULL)
        memcpy(line->conference, conference, strlen(conference) + 1);
}

static void read_line(struct reading *r, struct cf_sip_settings *s, unsigned index)
{
    struct cf_sip_line_settings *line = &s->line[index];
    const char *listen = cfg_getnstr(r->cfg, "listen", index);
    copy(r, line->listen_text, "listen", listen);
    if (!cf_sip_settings_address(listen, &line->listen)) {
        fail(r, "listen", "\"%s\" is not \"ADDRESS:PORT\" or \"[IPV6]:PORT\"", listen);
        return;
    }
    read_contact(r, line, index);
    read_media(r, line, index);
    copy_own(r, line->number, "number", index);
    read_peer(r, s, line, index);
    read_conference(r, line, index);
}

static void read_lines(struct reading *r, struct cf_sip_settings *s)
{
    s->lines = cfg_size(r->cfg, "listen");
    if (s->lines == 0 || s->lines > CF_SIP_LINES_MAX)
        fail(r, "listen", "%s has no address, or more than 64", "listen");
    for (unsigned i = 0; i < s->lines && r->rc == 0; i++)
        read_line(r, s, i);
    for (unsigned i = 0; i < s->lines && r->rc == 0; i++)
        for (unsigned j = 0; j < i; j++)
            if (s->line[i].listen.in4.sin_port != 0 &&
                /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c): zeroed before it was filled */
                memcmp(&s->line[i].listen, &s->line[j].listen, sizeof(s->line[i].listen)) == 0)
                fail(r, "listen", "%s is there twice", s->line[i].listen_text);
}

static void read_codecs(struct reading *r, struct cf_sdp_local *media)
{
    static const struct cf_sdp_codec known[] = {{0, "PCMU"}, {8, "PCMA"}};
    media->codecs = 0;
    for (unsigned i = 0; i < cfg_size(r->cfg, "codecs"); i++) {
        const char *name = cfg_getnstr(r->cfg, "codecs", i);
        const unsigned which = strcmp(name, "PCMU") == 0 ? 0 : strcmp(name, "PCMA") == 0 ? 1 : 2;
        if (which == 2 || media->codecs == 2)
            fail(r, "codecs", "codecs: \"%s\" is not PCMU or PCMA, or there are too many", name);
        else
            media->codec[media->codecs++] = known[which];
    }
}

static void read_digests(struct reading *r, struct cf_sip_config *common)
{
    common->digests = 0;
    for (unsigned i = 0; i < cfg_size(r->cfg, "digest"); i++) {
        const char *name = cfg_getnstr(r->cfg, "digest", i);
        if (strcmp(name, "SHA-256") == 0)
            common->digests |= 1u << CF_SIP_ALGORITHM_SHA256;
        else if (strcmp(name, "MD5") == 0)
            common->digests |= 1u << CF_SIP_ALGORITHM_MD5;
        else
            fail(r, "digest", "\"%s\" is not SHA-256 or MD5", name);
    }
    if (common->digests == 0)
        fail(r, "digest", "%s is empty", "digest");
}

static void read_admit(struct reading *r, struct cf_sip_settings *s)
{
    struct cf_sip_config *common = &s->common;
    common->admits = cfg_size(r->cfg, "admit");
    copy(r, s->realm, "realm", cfg_getstr(r->cfg, "realm"));
    read_digests(r, common);
    if (common->admits > CF_SIP_ADMITS_MAX)
        fail(r, "admit", "%s has more than 256 entries", "admit");
    for (unsigned i = 0; i < common->admits && r->rc == 0; i++) {
        const char *entry_text = cfg_getnstr(r->cfg, "admit", i);
        const char *colon = strchr(entry_text, ':');
        if (colon == NULL || colon == entry_text || strlen(entry_text) >= sizeof(s->admit_text[0])) {
            fail(r, "admit", "%s: an entry is not \"user:password\", or longer than 127 bytes", "admit");
            return;
        }
        memcpy(s->admit_text[i], entry_text, strlen(entry_text) + 1);
        s->admit[i] = s->admit_text[i];
    }
}

static enum cf_sip_trust read_trust(struct reading *r, const char *key)
{
    static const char *const names[] = {
        [CF_SIP_TRUST_NOBODY] = "nobody", [CF_SIP_TRUST_PEER] = "peer", [CF_SIP_TRUST_ANYBODY] = "anybody"};
    const char *value = cfg_getstr(r->cfg, key);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(value, names[i]) == 0)
            return (enum cf_sip_trust)i;
    fail(r, key, "\"%s\" is not nobody, peer or anybody", value);
    return CF_SIP_TRUST_NOBODY;
}

static void read_transfers(struct reading *r, struct cf_sip_config *common)
{
    common->refer = read_trust(r, "refer");
    common->replace = read_trust(r, "replace");
    common->transfer_limit_ns = (uint64_t)number(r, "transfer_limit_ms", 1000, 3600000) * CF_SIP_NS_PER_MS;
}

static void read_timers(struct reading *r, struct cf_sip_settings *s)
{
    struct cf_sip_config *common = &s->common;
    s->register_s = (uint32_t)number(r, "register_s", 60, 86400);
    common->options_s = (uint32_t)number(r, "options_s", 0, 3600);
    common->session_s = (uint32_t)number(r, "session_s", 0, 86400);
    common->min_se_s = (uint32_t)number(r, "min_se_s", 90, 86400);
    if (common->session_s != 0 && common->session_s < common->min_se_s)
        fail(r, "session_s", "%s is shorter than min_se_s", "session_s");
    common->redirects_max = (uint32_t)number(r, "redirects_max", 0, 20);
    common->reliable = cfg_getbool(r->cfg, "reliable") == cfg_true;
    s->connections_max = (uint32_t)number(r, "connections_max", 1, CF_SIP_CONNECTIONS_MAX);
}

static void read_all(struct reading *r, struct cf_sip_settings *s)
{
    struct cf_sip_config *common = &s->common;
    s->tcp = cfg_getbool(r->cfg, "tcp") == cfg_true;
    read_lines(r, s);
    read_admit(r, s);
    read_timers(r, s);
    read_transfers(r, common);
    copy(r, s->user, "contact_user", cfg_getstr(r->cfg, "contact_user"));
    common->media.port = (uint16_t)number(r, "media_port", 1, UINT16_MAX);
    read_codecs(r, &common->media);
    common->calls_max = (uint32_t)number(r, "calls_max", 1, 1 << 22);
    common->transactions_max = (uint32_t)number(r, "transactions_max", 0, 1 << 26);
    if (common->transactions_max == 0)
        common->transactions_max = 8 * common->calls_max + 64;
    /* A call holds about 3 KiB while it is set up and 0.5 KiB later, an ended transaction 0.5 KiB. */
    common->blocks_max = 12 * common->calls_max + 4 * common->transactions_max + 512;
    s->drop_status = (unsigned)number(r, "drop_status", 400, 699);
    common->trying_ns = (uint64_t)number(r, "trying_ms", 0, 200) * CF_SIP_NS_PER_MS;
    common->ring_limit_ns = (uint64_t)number(r, "ring_limit_ms", 1000, 3600000) * CF_SIP_NS_PER_MS;
    common->linger_ns = (uint64_t)number(r, "linger_ms", 0, 3600000) * CF_SIP_NS_PER_MS;
    common->retry_after_s = (uint32_t)number(r, "retry_after_s", 1, 3600);
    common->t1_ns = (uint64_t)number(r, "t1_ms", 100, 4000) * CF_SIP_NS_PER_MS;
    common->trust_asserted = cfg_getbool(r->cfg, "trust_asserted") == cfg_true;
    s->receive_bytes = (uint32_t)number(r, "receive_bytes", 65536, 1 << 30);
    s->gather_us = (uint32_t)number(r, "gather_us", 0, 50000);
}

/* What only the user agent knows to check. */
static void check_lines(struct reading *r, const struct cf_sip_settings *s)
{
    for (unsigned i = 0; i < s->lines && r->rc == 0; i++) {
        struct cf_sip_config config = cf_sip_settings_line(s, i);
        const char *wrong = cf_sip_config_complete(&config);
        if (wrong != NULL)
            fail(r, "listen", "%s", wrong);
    }
}

int cf_sip_settings_read(const struct cf_options *o, struct cf_sip_settings *ret_settings, char *why, size_t why_bytes)
{
    struct reading r = {.options = o, .why = why, .why_bytes = why_bytes};
    memset(ret_settings, 0, sizeof(*ret_settings));
    r.rc = cf_options_section(o, keys(), &r.cfg, why, why_bytes);
    if (r.rc < 0)
        return r.rc;
    read_all(&r, ret_settings);
    check_lines(&r, ret_settings);
    cfg_free(r.cfg);
    return r.rc;
}

struct cf_sip_config cf_sip_settings_line(const struct cf_sip_settings *settings, unsigned line)
{
    struct cf_sip_config config = settings->common;
    const struct cf_sip_line_settings *own = &settings->line[line];
    config.host = own->host;
    config.port = own->port;
    config.user = settings->user;
    config.media.address = own->media;
    config.media.ipv6 = own->media_ipv6;
    config.family = own->listen.sa.sa_family;
    config.has_peer = own->has_peer;
    config.peer = own->peer;
    config.domain = own->domain;
    config.number = own->number[0] != '\0' ? own->number : NULL;
    config.username = own->username[0] != '\0' ? own->username : NULL;
    config.password = own->password;
    config.admit = settings->admit;
    config.realm = settings->realm;
    config.conference = own->conference[0] != '\0' ? own->conference : NULL;
    config.register_s = own->registers ? settings->register_s : 0;
    if (own->registers && config.number != NULL)
        config.user = config.number; /* the Request-URI of calls that come by the registration */
    if (!own->has_peer)
        config.options_s = 0;
    if (!own->has_peer && config.refer == CF_SIP_TRUST_PEER)
        config.refer = CF_SIP_TRUST_NOBODY; /* it has none: nothing is offered that would be refused */
    if (!own->has_peer && config.replace == CF_SIP_TRUST_PEER)
        config.replace = CF_SIP_TRUST_NOBODY;
    return config;
}
