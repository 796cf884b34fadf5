/* See trunk.h. */
#include "adapters/sip/trunk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

/* ------------------------------------------------------------------ life */

static void on_service(void *context, bool in_service, unsigned status)
{
    struct cf_sip_trunk *trunk = context;
    (void)in_service;
    (void)status;
    trunk->service_due = true;
}

static void *map_memory(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

static int open_ua(struct cf_sip_trunk *trunk, const struct cf_sip_settings *settings)
{
    struct cf_sip_config config = cf_sip_settings_line(settings, trunk->line);
    const struct cf_sip_ua_callbacks callbacks = {.send = cf_sip_transport_send,
                                                  .event = cf_sip_link_event,
                                                  .hold = cf_sip_transport_hold,
                                                  .service = on_service,
                                                  .context = trunk};
    if (config.port == 0) /* listen on port 0: the kernel chose */
        config.port = cf_sip_addr_port(&trunk->bound);
    if (getrandom(&config.secret, sizeof(config.secret), 0) != (ssize_t)sizeof(config.secret))
        return -EIO;
    if (cf_sip_config_complete(&config) != NULL)
        return -EINVAL;
    trunk->ua_bytes = cf_sip_ua_bytes(&config);
    void *memory = map_memory(trunk->ua_bytes);
    if (memory == NULL)
        return -ENOMEM;
    trunk->ua = cf_sip_ua_init(memory, &config, &callbacks, (uint64_t)cf_clock_ns());
    return 0;
}

static int open_trunk(struct cf_sip_trunks *trunks, unsigned line, char *why, size_t why_bytes)
{
    struct cf_sip_trunk *trunk = &trunks->trunk[line];
    int rc = cf_sip_transport_open(trunk, why, why_bytes);
    if (rc < 0)
        return rc;
    rc = open_ua(trunk, trunks->settings);
    if (rc < 0) {
        snprintf(why, why_bytes, "line %u: %s", line, strerror(-rc));
        return rc;
    }
    cf_sip_ua_start(trunk->ua, (uint64_t)cf_clock_ns());
    return 0;
}

uint32_t cf_sip_trunks_calls(const struct cf_sip_settings *settings)
{
    /* Beside the live calls there are those that wait for CLOSE_CALL. */
    const uint64_t calls = 2 * (uint64_t)settings->lines * settings->common.calls_max;
    return calls < CF_CALLS_MAX ? (uint32_t)calls : CF_CALLS_MAX;
}

int cf_sip_trunks_open(struct cf_sip_trunks *trunks, const struct cf_sip_settings *settings,
                       struct cf_provider *provider, struct cf_reactor *reactor, char *why, size_t why_bytes)
{
    *trunks = (struct cf_sip_trunks){.settings = settings, .provider = provider, .reactor = reactor};
    for (unsigned i = 0; i < settings->lines; i++)
        trunks->trunk[i] = (struct cf_sip_trunk){.all = trunks, .line = i, .fd = -1, .source = -1};
    trunks->links = cf_sip_trunks_calls(settings);
    trunks->link = map_memory(trunks->links * sizeof(struct cf_sip_link));
    trunks->target = map_memory(trunks->links * sizeof(struct cf_sip_target)); /* touched where it is used */
    const uint32_t gatherings = trunks->links < CF_SIP_GATHERINGS_MAX ? trunks->links : CF_SIP_GATHERINGS_MAX;
    const bool bonds = cf_sip_bonds_open(trunks);
    const bool listens = cf_listening_new(&trunks->listening, provider, trunks->links, gatherings) == 0;
    if (trunks->link == NULL || trunks->target == NULL || !bonds || !listens) {
        snprintf(why, why_bytes, "no memory for %u calls", trunks->links);
        cf_sip_trunks_close(trunks);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < settings->lines; i++) {
        const int rc = open_trunk(trunks, i, why, why_bytes);
        if (rc < 0) {
            cf_sip_trunks_close(trunks);
            return rc;
        }
    }
    return 0;
}

void cf_sip_trunks_close(struct cf_sip_trunks *trunks)
{
    if (trunks->settings == NULL)
        return;
    for (unsigned i = 0; i < trunks->settings->lines; i++) {
        struct cf_sip_trunk *trunk = &trunks->trunk[i];
        cf_sip_transport_close(trunk);
        if (trunk->ua != NULL)
            munmap(trunk->ua, trunk->ua_bytes);
        trunk->ua = NULL;
    }
    if (trunks->link != NULL)
        munmap(trunks->link, trunks->links * sizeof(struct cf_sip_link));
    trunks->link = NULL;
    if (trunks->target != NULL)
        munmap(trunks->target, trunks->links * sizeof(struct cf_sip_target));
    trunks->target = NULL;
    cf_sip_bonds_close(trunks);
    cf_listening_free(trunks->listening);
    trunks->listening = NULL;
    trunks->settings = NULL;
}

static void drop_live(void *context, const struct cf_sip_snapshot *snapshot)
{
    struct cf_sip_trunk *trunk = context;
    cf_sip_ua_close(trunk->ua, (uint64_t)cf_clock_ns(), snapshot->call, 480);
}

bool cf_sip_trunks_leave(struct cf_sip_trunks *trunks, int64_t now_ns)
{
    bool goes_on = false;
    trunks->leaving = true;
    for (unsigned i = 0; i < trunks->settings->lines; i++) {
        struct cf_sip_trunk *trunk = &trunks->trunk[i];
        cf_sip_ua_overload(trunk->ua, true);
        cf_sip_ua_walk(trunk->ua, drop_live, trunk);
        goes_on |= cf_sip_ua_leave(trunk->ua, (uint64_t)now_ns);
        goes_on |= cf_sip_ua_live(trunk->ua).calls != 0;
    }
    return goes_on;
}

/* ------------------------------------------------------------------ announcing */

/* What a factory adds. The largest conference is the core's; a smaller limit of the focus only its refusal tells. */
static void add_conferences(struct cf_line_caps *caps)
{
    caps->call_features |= LINECALLFEATURE_SETUPCONF | LINECALLFEATURE_PREPAREADDCONF | LINECALLFEATURE_ADDTOCONF |
                           LINECALLFEATURE_REMOVEFROMCONF;
    caps->call_states |= LINECALLSTATE_CONFERENCED | LINECALLSTATE_ONHOLDPENDCONF;
    caps->transfer_modes |= LINETRANSFERMODE_CONFERENCE;
    caps->addr_cap_flags |=
        LINEADDRCAPFLAGS_SETUPCONFNULL | LINEADDRCAPFLAGS_CONFERENCEMAKE | LINEADDRCAPFLAGS_CONFERENCEHELD;
    caps->conference_max = CF_CONFERENCE_MEMBERS_MAX;
    caps->remove_from_conf_caps = LINEREMOVEFROMCONF_ANY;
    caps->remove_from_conf_state = LINECALLSTATE_IDLE;
}

static struct cf_line_caps caps_of(const struct cf_sip_settings *settings, unsigned line)
{
    struct cf_line_caps caps = {
        .permanent_id = line + 1,
        .addresses = 1,
        .bearer_modes = LINEBEARERMODE_VOICE,
        .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE,
        .line_features = LINEFEATURE_MAKECALL,
        .calls_max = settings->common.calls_max,
        .answer_mode = LINEANSWERMODE_NONE,
        .call_features = LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP | LINECALLFEATURE_HOLD |
                         LINECALLFEATURE_UNHOLD | LINECALLFEATURE_GENERATEDIGITS | LINECALLFEATURE_SWAPHOLD |
                         LINECALLFEATURE_SETUPTRANSFER | LINECALLFEATURE_COMPLETETRANSF |
                         LINECALLFEATURE_BLINDTRANSFER | LINECALLFEATURE_DIAL | LINECALLFEATURE_REDIRECT |
                         LINECALLFEATURE_MONITORDIGITS | LINECALLFEATURE_GATHERDIGITS,
        .digit_modes = LINEDIGITMODE_DTMF,
        .monitor_digit_modes = LINEDIGITMODE_DTMF, /* INFO tells a whole digit, and not when it ended */
        .gather_timeout_min_ms = 1,
        .gather_timeout_max_ms = 86400000,
        .call_states = LINECALLSTATE_IDLE | LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED | LINECALLSTATE_DIALING |
                       LINECALLSTATE_PROCEEDING | LINECALLSTATE_RINGBACK | LINECALLSTATE_BUSY |
                       LINECALLSTATE_CONNECTED | LINECALLSTATE_ONHOLD | LINECALLSTATE_DISCONNECTED |
                       LINECALLSTATE_DIALTONE | LINECALLSTATE_ONHOLDPENDTRANSFER,
        .transfer_modes = LINETRANSFERMODE_TRANSFER,
    };
    if (settings->line[line].conference[0] != '\0')
        add_conferences(&caps);
    return caps;
}

static void tell_service(struct cf_sip_trunk *trunk)
{
    const uint32_t state = cf_sip_ua_in_service(trunk->ua) ? LINEDEVSTATE_INSERVICE : LINEDEVSTATE_OUTOFSERVICE;
    trunk->service_due = !cf_provider_post_line_state(trunk->all->provider, trunk->line, state, 0);
}

static bool announce_line(struct cf_sip_trunks *trunks, unsigned line)
{
    const struct cf_sip_line_settings *settings = &trunks->settings->line[line];
    char name[CF_NAME_MAX];
    snprintf(name, sizeof(name), "SIP %.50s", settings->listen_text);
    const struct cf_line_info info = {
        .line = line,
        .name = name,
        .address = settings->number[0] != '\0' ? settings->number : NULL,
        .info = "callfan-sip " CF_VERSION,
        .caps = caps_of(trunks->settings, line),
    };
    if (!cf_provider_post_line(trunks->provider, &info))
        return false;
    trunks->trunk[line].service_due = false; /* a line that is announced is in service */
    if (!cf_sip_ua_in_service(trunks->trunk[line].ua))
        tell_service(&trunks->trunk[line]);
    return true;
}

bool cf_sip_trunks_announce(struct cf_sip_trunks *trunks)
{
    if (cf_provider_calls(trunks->provider) != 0)
        cf_sip_links_renew(trunks);
    cf_listening_renew(trunks->listening);
    if (!cf_provider_snapshot_begin(trunks->provider))
        return false;
    for (unsigned i = 0; i < trunks->settings->lines; i++)
        if (!announce_line(trunks, i))
            return false;
    for (unsigned i = 0; i < trunks->settings->lines; i++)
        cf_sip_ua_walk(trunks->trunk[i].ua, cf_sip_link_announce, &trunks->trunk[i]);
    return cf_sip_parties_announce(trunks) && cf_provider_snapshot_end(trunks->provider);
}

/* ------------------------------------------------------------------ running */

int64_t cf_sip_trunks_tick(struct cf_sip_trunks *trunks, int64_t now_ns)
{
    int64_t next = CF_REACTOR_NEVER;
    for (unsigned i = 0; i < trunks->settings->lines; i++)
        cf_sip_ua_tick(trunks->trunk[i].ua, (uint64_t)now_ns);
    cf_sip_conferences_work(trunks, (uint64_t)now_ns);
    for (unsigned i = 0; i < trunks->settings->lines; i++) {
        struct cf_sip_trunk *trunk = &trunks->trunk[i];
        const uint64_t deadline = cf_sip_ua_next_deadline(trunk->ua);
        if (deadline < (uint64_t)next)
            next = (int64_t)deadline;
        if (trunk->tcp != NULL) {
            const int64_t tcp = cf_sip_tcp_tick(trunk->tcp, now_ns);
            next = tcp < next ? tcp : next;
        }
        if (trunk->service_due && cf_provider_attached(trunks->provider))
            tell_service(trunk);
    }
    cf_listening_expire(trunks->listening, now_ns);
    const int64_t gathering = cf_listening_due(trunks->listening);
    return gathering < next ? gathering : next;
}

void cf_sip_trunks_pause(struct cf_sip_trunks *trunks, bool paused)
{
    if (trunks->paused == paused)
        return;
    trunks->paused = paused;
    for (unsigned i = 0; i < trunks->settings->lines; i++) {
        cf_sip_transport_pause(&trunks->trunk[i], paused);
        cf_sip_ua_overload(trunks->trunk[i].ua, paused);
    }
}

void cf_sip_trunks_counters(const struct cf_sip_trunks *trunks, struct cf_sip_counters *ret_sum)
{
    *ret_sum = (struct cf_sip_counters){0};
    for (unsigned i = 0; i < trunks->settings->lines; i++) {
        const struct cf_sip_counters *c = cf_sip_ua_counters(trunks->trunk[i].ua);
#define X(name) ret_sum->name += c->name;
        CF_SIP_COUNTERS(X)
#undef X
        for (unsigned k = 0; k < CF_SIP_ERRORS_COUNT; k++)
            ret_sum->malformed_by_kind[k] += c->malformed_by_kind[k];
    }
}

void cf_sip_trunks_tcp_counters(const struct cf_sip_trunks *trunks, struct cf_sip_tcp_counters *ret_sum)
{
    *ret_sum = (struct cf_sip_tcp_counters){0};
    for (unsigned i = 0; i < trunks->settings->lines; i++) {
        if (trunks->trunk[i].tcp == NULL)
            continue;
        const struct cf_sip_tcp_counters *c = cf_sip_tcp_counters(trunks->trunk[i].tcp);
#define X(name) ret_sum->name += c->name;
        CF_SIP_TCP_COUNTERS(X)
#undef X
        for (unsigned k = 0; k < CF_SIP_FRAME_FAULTS_COUNT; k++)
            ret_sum->faults_by_kind[k] += c->faults_by_kind[k];
    }
}
