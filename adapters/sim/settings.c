/* See settings.h. */
#include "adapters/sim/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sim/digests.h"
#include "callfan/limits.h"
#include "callfan/tapi_const.h"

const char cf_sim_settings_help[] =
    "Keys of its section:\n"
    "  lines = 4              lines, numbered from 0\n"
    "  number = 200           directory number of line 0; the others follow\n"
    "  rate = 1               calls per second over all lines, 0 to 1000000; 0: none\n"
    "  arrivals = poisson     or regular\n"
    "  burst = 1              so many times as often in the last burst_ms = 1000 of every burst_every_ms = 60000\n"
    "  answer = auto          the far end set answers by itself, or owner: an application answers\n"
    "  when = open            calls come to lines that an application has open, or always\n"
    "  start_ms = 0           the first call, after the first line was opened (when = open) or the start\n"
    "  accept_ms = 100        OFFERING to ACCEPTED\n"
    "  answer_ms = 2000       ACCEPTED (or RINGBACK) to CONNECTED\n"
    "  hold_ms = 10000        mean time from CONNECTED to DISCONNECTED\n"
    "  hold = exponential     or fixed\n"
    "  hold_max_ms = 0        the longest that an exponential one can be, which makes the mean shorter; 0: no end\n"
    "  linger_ms = 0          DISCONNECTED to IDLE\n"
    "  busy = 0               probability that the called set is busy\n"
    "  no_answer = 0          ... that nobody answers, for no_answer_ms = 30000\n"
    "  abandon = 0            ... that the caller gives up, after abandon_ms = 8000 in the mean\n"
    "  dial_ms = 50           DIALING to PROCEEDING of an outgoing call\n"
    "  setup_ms = 200         PROCEEDING to RINGBACK or BUSY\n"
    "  dial = {}              how dialled numbers turn out: \"PREFIX=answer\", busy, noanswer, reject, badaddress,\n"
    "                         unreachable, congestion, blocked\n"
    "  dialtone_ms = 30000    how long a call without a number has dial tone when nobody dials\n"
    "  without = {}           what the lines cannot do: accept, answer, hold, unhold, swaphold, generatedigits,\n"
    "                         setcallparams, setuptransfer, completetransfer, blindtransfer, setupconference, "
    "prepareadd,\n"
    "                         addtoconference, removefromconference, dial, redirect, securecall,\n"
    "                         transferconference, transferheld, transfermake,\n"
    "                         conferenceheld, conferencemake, setupconfnull, autoreconnect, confdrop, generatetone,\n"
    "                         monitordigits, gatherdigits, monitormedia, monitortones, park, unpark,\n"
    "                         pickup, pickupgroup, forward, completecall, uncompletecall,\n"
    "                         senduseruser, releaseuseruser, setcalldata, settreatment, devspecific\n"
    "  conference_max = 8     parties of a conference, the line's own included, 3 to 256\n"
    "  remove = any           who can be removed from a conference: any, last or none\n"
    "  removed = connected    what a removed call becomes, or idle\n"
    "  orbits = 10            calls that can be parked at once, 0 to 100; 0: none\n"
    "  orbit = 700            where the first of them is parked; the others follow\n"
    "  park_ms = 60000        until a parked call comes back to who parked it\n"
    "  completions = 100      calls that wait for lineCompleteCall at once, 0 to 100; 0: none\n"
    "  free_ms = 10000        until the set that they wait for is free\n"
    "  ring_ms = 5000         from one ring to the next, of lines that forward what nobody answers\n"
    "  pickup_group = all     the group of all lines, by which their calls can be picked up\n"
    "  digits = \"\"            what the far end dials on CONNECTED calls while an application listens or gathers: "
    "0-9, A-D, *, #\n"
    "  digits_ms = 200        before each digit\n"
    "  messages = 0           LINE_ messages of every call, 4 to 256: an exact profile for load tests\n"
    "  calls = 0              calls of its own, altogether; 0: no end\n"
    "  calls_max = 1048576    calls alive at once\n"
    "  seed = 1               same seed, same calls\n"
    "  first_serial = 1       the caller's number is the call's serial number\n"
    "  record = FILE          journal of everything reported\n"
    "  digests = FILE         what was told of each call, in two bytes each; needs calls\n"
    "  script = FILE          exact events at exact times instead of the model\n";

static cfg_opt_t *keys(void)
{
    static cfg_opt_t all[] = {
        CFG_INT("lines", 4, CFGF_NONE),
        CFG_INT("number", 200, CFGF_NONE),
        CFG_FLOAT("rate", 1, CFGF_NONE),
        CFG_STR("arrivals", "poisson", CFGF_NONE),
        CFG_FLOAT("burst", 1, CFGF_NONE),
        CFG_INT("burst_ms", 1000, CFGF_NONE),
        CFG_INT("burst_every_ms", 60000, CFGF_NONE),
        CFG_STR("answer", "auto", CFGF_NONE),
        CFG_STR("when", "open", CFGF_NONE),
        CFG_INT("start_ms", 0, CFGF_NONE),
        CFG_INT("accept_ms", 100, CFGF_NONE),
        CFG_INT("answer_ms", 2000, CFGF_NONE),
        CFG_FLOAT("hold_ms", 10000, CFGF_NONE),
        CFG_STR("hold", "exponential", CFGF_NONE),
        CFG_INT("hold_max_ms", 0, CFGF_NONE),
        CFG_INT("linger_ms", 0, CFGF_NONE),
        CFG_FLOAT("busy", 0, CFGF_NONE),
        CFG_FLOAT("no_answer", 0, CFGF_NONE),
        CFG_INT("no_answer_ms", 30000, CFGF_NONE),
        CFG_FLOAT("abandon", 0, CFGF_NONE),
        CFG_INT("abandon_ms", 8000, CFGF_NONE),
        CFG_INT("dial_ms", 50, CFGF_NONE),
        CFG_INT("setup_ms", 200, CFGF_NONE),
        CFG_STR_LIST("dial", "{}", CFGF_NONE),
        CFG_INT("dialtone_ms", 30000, CFGF_NONE),
        CFG_STR_LIST("without", "{}", CFGF_NONE),
        CFG_INT("conference_max", 8, CFGF_NONE),
        CFG_STR("remove", "any", CFGF_NONE),
        CFG_STR("removed", "connected", CFGF_NONE),
        CFG_INT("orbits", 10, CFGF_NONE),
        CFG_INT("orbit", 700, CFGF_NONE),
        CFG_INT("park_ms", 60000, CFGF_NONE),
        CFG_INT("completions", 100, CFGF_NONE),
        CFG_INT("free_ms", 10000, CFGF_NONE),
        CFG_INT("ring_ms", 5000, CFGF_NONE),
        CFG_STR("pickup_group", "all", CFGF_NONE),
        CFG_STR("digits", "", CFGF_NONE),
        CFG_INT("digits_ms", 200, CFGF_NONE),
        CFG_INT("messages", 0, CFGF_NONE),
        CFG_INT("calls", 0, CFGF_NONE),
        CFG_INT("calls_max", 1 << 20, CFGF_NONE),
        CFG_INT("seed", 1, CFGF_NONE),
        CFG_INT("first_serial", 1, CFGF_NONE),
        CFG_STR("record", NULL, CFGF_NONE),
        CFG_STR("digests", NULL, CFGF_NONE),
        CFG_STR("script", NULL, CFGF_NONE),
        CFG_END(),
    };
    return all;
}

enum { MS_MAX = 86400000 };

/* One reading: what goes along every function below, and the first error. */
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

static uint32_t ms(struct reading *r, const char *key)
{
    return (uint32_t)number(r, key, 0, MS_MAX);
}

static double real(struct reading *r, const char *key, double low, double high)
{
    double value = low;
    if (r->rc == 0)
        r->rc = cf_options_float(r->options, r->cfg, key, low, high, &value, r->why, r->why_bytes);
    return value;
}

/* The place of the value among the names. */
static int choice(struct reading *r, const char *key, const char *const *names)
{
    int value = 0;
    if (r->rc == 0)
        r->rc = cf_options_choice(r->options, r->cfg, key, names, &value, r->why, r->why_bytes);
    return value;
}

/* True: the second of two names. */
static bool second(struct reading *r, const char *key, const char *one, const char *two)
{
    const char *const names[] = {one, two, NULL};
    return choice(r, key, names) == 1;
}

static char *path(struct reading *r, const char *key)
{
    const char *value = cfg_getstr(r->cfg, key);
    if (r->rc < 0 || value == NULL || *value == '\0')
        return NULL;
    char *copy = strdup(value);
    if (copy == NULL)
        r->rc = -ENOMEM;
    return copy;
}

static int fail(struct reading *r, const char *key, const char *sentence)
{
    size_t n = cf_options_where(r->options, key, r->why, r->why_bytes);
    snprintf(r->why + n, r->why_bytes - n, "%s", sentence);
    return -EINVAL;
}

static bool read_dial_rule(const char *text, struct cf_sim_dial_rule *ret_rule)
{
    static const struct {
        const char *name;
        enum cf_sim_outcome outcome;
    } outcomes[] = {
        {"answer", CF_SIM_ANSWER},          {"busy", CF_SIM_BUSY},
        {"noanswer", CF_SIM_NO_ANSWER},     {"reject", CF_SIM_REJECT},
        {"badaddress", CF_SIM_BAD_ADDRESS}, {"unreachable", CF_SIM_UNREACHABLE},
        {"congestion", CF_SIM_CONGESTION},  {"blocked", CF_SIM_BLOCKED},
    };
    const char *sign = strchr(text, '=');
    if (sign == NULL || (size_t)(sign - text) >= sizeof ret_rule->prefix)
        return false;
    memcpy(ret_rule->prefix, text, (size_t)(sign - text));
    ret_rule->prefix[sign - text] = '\0';
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        if (strcmp(sign + 1, outcomes[i].name) == 0) {
            ret_rule->outcome = outcomes[i].outcome;
            return true;
        }
    }
    return false;
}

static void read_dial(struct reading *r, struct cf_sim_settings *s)
{
    unsigned n = cfg_size(r->cfg, "dial");
    if (r->rc == 0 && n > CF_SIM_DIAL_RULES_MAX)
        r->rc = fail(r, "dial", "dial has more than 64 rules");
    for (unsigned i = 0; i < n && r->rc == 0; i++) {
        if (read_dial_rule(cfg_getnstr(r->cfg, "dial", i), &s->dial[i]))
            s->dial_count++;
        else
            r->rc = fail(r, "dial", "a rule of dial is not \"PREFIX=OUTCOME\" with an outcome of callfan-sim(8)");
    }
}

/* What lines can do unless they are told to be without it. */
static const struct {
    const char *name;
    uint32_t call_features, address_features, addr_cap_flags, transfer_modes, line_features;
} abilities[] = {
    {"accept", LINECALLFEATURE_ACCEPT, 0, 0, 0, 0},
    {"answer", LINECALLFEATURE_ANSWER, 0, 0, 0, 0},
    {"hold", LINECALLFEATURE_HOLD, 0, 0, 0, 0},
    {"unhold", LINECALLFEATURE_UNHOLD, 0, 0, 0, 0},
    {"dial", LINECALLFEATURE_DIAL, 0, 0, 0, 0},
    {"redirect", LINECALLFEATURE_REDIRECT, 0, 0, 0, 0},
    {"securecall", LINECALLFEATURE_SECURECALL, 0, 0, 0, 0},
    {"swaphold", LINECALLFEATURE_SWAPHOLD, 0, 0, 0, 0},
    {"generatedigits", LINECALLFEATURE_GENERATEDIGITS, 0, 0, 0, 0},
    {"setcallparams", LINECALLFEATURE_SETCALLPARAMS, 0, 0, 0, 0},
    {"setuptransfer", LINECALLFEATURE_SETUPTRANSFER, 0, 0, 0, 0},
    {"completetransfer", LINECALLFEATURE_COMPLETETRANSF, 0, 0, LINETRANSFERMODE_TRANSFER, 0},
    {"blindtransfer", LINECALLFEATURE_BLINDTRANSFER, 0, 0, 0, 0},
    {"setupconference", LINECALLFEATURE_SETUPCONF, 0, 0, 0, 0},
    {"prepareadd", LINECALLFEATURE_PREPAREADDCONF, 0, 0, 0, 0},
    {"addtoconference", LINECALLFEATURE_ADDTOCONF, 0, 0, 0, 0},
    {"removefromconference", LINECALLFEATURE_REMOVEFROMCONF, 0, 0, 0, 0},
    {"generatetone", LINECALLFEATURE_GENERATETONE, 0, 0, 0, 0},
    {"monitordigits", LINECALLFEATURE_MONITORDIGITS, 0, 0, 0, 0},
    {"gatherdigits", LINECALLFEATURE_GATHERDIGITS, 0, 0, 0, 0},
    {"monitormedia", LINECALLFEATURE_MONITORMEDIA, 0, 0, 0, 0},
    {"monitortones", LINECALLFEATURE_MONITORTONES, 0, 0, 0, 0},
    {"transferconference", 0, 0, 0, LINETRANSFERMODE_CONFERENCE, 0},
    {"transferheld", 0, 0, LINEADDRCAPFLAGS_TRANSFERHELD, 0, 0},
    {"transfermake", 0, 0, LINEADDRCAPFLAGS_TRANSFERMAKE, 0, 0},
    {"conferenceheld", 0, 0, LINEADDRCAPFLAGS_CONFERENCEHELD, 0, 0},
    {"conferencemake", 0, 0, LINEADDRCAPFLAGS_CONFERENCEMAKE, 0, 0},
    {"setupconfnull", 0, 0, LINEADDRCAPFLAGS_SETUPCONFNULL, 0, 0},
    {"autoreconnect", 0, 0, LINEADDRCAPFLAGS_AUTORECONNECT, 0, 0},
    {"confdrop", 0, 0, LINEADDRCAPFLAGS_CONFDROP, 0, 0},
    {"park", LINECALLFEATURE_PARK, 0, 0, 0, 0},
    {"unpark", 0, LINEADDRFEATURE_UNPARK, 0, 0, 0},
    {"pickup", 0, LINEADDRFEATURE_PICKUP, 0, 0, 0},
    {"forward", 0, LINEADDRFEATURE_FORWARD, 0, 0, 0},
    {"completecall", LINECALLFEATURE_COMPLETECALL, 0, 0, 0, 0},
    {"uncompletecall", 0, LINEADDRFEATURE_UNCOMPLETECALL, 0, 0, 0},
    {"senduseruser", LINECALLFEATURE_SENDUSERUSER, 0, 0, 0, 0},
    {"releaseuseruser", LINECALLFEATURE_RELEASEUSERUSERINFO, 0, 0, 0, 0},
    {"setcalldata", LINECALLFEATURE_SETCALLDATA, 0, 0, 0, 0},
    {"settreatment", LINECALLFEATURE_SETTREATMENT, 0, 0, 0, 0},
    {"pickupgroup", 0, 0, LINEADDRCAPFLAGS_PICKUPGROUPID, 0, 0},
    {"devspecific", 0, 0, 0, 0, LINEFEATURE_DEVSPECIFIC},
};
enum { ABILITIES = sizeof abilities / sizeof abilities[0] };

/* The names are gone through, since a list is short. */
static bool listed(cfg_t *cfg, const char *key, const char *name)
{
    for (unsigned i = 0; i < cfg_size(cfg, key); i++)
        if (strcmp(cfg_getnstr(cfg, key, i), name) == 0)
            return true;
    return false;
}

static bool is_ability(const char *name)
{
    for (size_t i = 0; i < ABILITIES; i++)
        if (strcmp(abilities[i].name, name) == 0)
            return true;
    return false;
}

static void read_abilities(struct reading *r, struct cf_sim_settings *s)
{
    static const char *const removes[] = {"any", "last", "none", NULL};
    static const uint32_t remove_caps[] = {LINEREMOVEFROMCONF_ANY, LINEREMOVEFROMCONF_LAST, LINEREMOVEFROMCONF_NONE};
    for (unsigned i = 0; i < cfg_size(r->cfg, "without") && r->rc == 0; i++)
        if (!is_ability(cfg_getnstr(r->cfg, "without", i)))
            r->rc = fail(r, "without", "without has a word that is not in the list of callfan-sim(8)");
    s->call_features = LINECALLFEATURE_DROP;
    for (size_t i = 0; i < ABILITIES; i++) {
        if (listed(r->cfg, "without", abilities[i].name))
            continue;
        s->call_features |= abilities[i].call_features;
        s->address_features |= abilities[i].address_features;
        s->addr_cap_flags |= abilities[i].addr_cap_flags;
        s->transfer_modes |= abilities[i].transfer_modes;
        s->line_features |= abilities[i].line_features;
    }
    s->conference_max = (uint32_t)number(r, "conference_max", CF_SIM_CONFERENCE_MIN, CF_CONFERENCE_MEMBERS_MAX);
    s->remove = remove_caps[choice(r, "remove", removes)];
    s->removed_state = second(r, "removed", "connected", "idle") ? LINECALLSTATE_IDLE : LINECALLSTATE_CONNECTED;
    if (s->remove == LINEREMOVEFROMCONF_NONE)
        s->call_features &= ~(uint32_t)LINECALLFEATURE_REMOVEFROMCONF;
    else if ((s->call_features & LINECALLFEATURE_REMOVEFROMCONF) == 0)
        s->remove = LINEREMOVEFROMCONF_NONE;
}

/* Without an orbit nothing is parked. */
static void read_orbits(struct reading *r, struct cf_sim_settings *s)
{
    s->orbits = (uint32_t)number(r, "orbits", 0, CF_SIM_ORBITS_MAX);
    s->orbit = (uint64_t)number(r, "orbit", 0, INT64_MAX / 2);
    s->park_ms = (uint32_t)number(r, "park_ms", 1, MS_MAX);
    if (s->orbits != 0)
        return;
    s->call_features &= ~(uint32_t)LINECALLFEATURE_PARK;
    s->address_features &= ~(uint32_t)LINEADDRFEATURE_UNPARK;
}

static void read_completions(struct reading *r, struct cf_sim_settings *s)
{
    s->completions = (uint32_t)number(r, "completions", 0, CF_SIM_COMPLETIONS_MAX);
    s->free_ms = (uint32_t)number(r, "free_ms", 1, MS_MAX);
    if (s->completions != 0)
        return;
    s->call_features &= ~(uint32_t)LINECALLFEATURE_COMPLETECALL;
    s->address_features &= ~(uint32_t)LINEADDRFEATURE_UNCOMPLETECALL;
}

static void read_group(struct reading *r, struct cf_sim_settings *s)
{
    const char *group = cfg_getstr(r->cfg, "pickup_group");
    size_t n = group != NULL ? strlen(group) : 0;
    if (r->rc < 0)
        return;
    if (n == 0 || n > CF_SIM_GROUP_MAX)
        r->rc = fail(r, "pickup_group", "pickup_group must have 1 to 31 characters");
    else
        memcpy(s->pickup_group, group, n + 1);
}

static void read_digits(struct reading *r, struct cf_sim_settings *s)
{
    const char *digits = cfg_getstr(r->cfg, "digits");
    size_t n = digits != NULL ? strlen(digits) : 0;
    s->digits_ms = (uint32_t)number(r, "digits_ms", 1, 86400000);
    if (r->rc < 0)
        return;
    if (n > CF_SIM_FAR_DIGITS_MAX || strspn(digits != NULL ? digits : "", "0123456789ABCD*#") != n)
        r->rc = fail(r, "digits", "digits must be at most 63 of 0-9, A-D, * and #");
    else if (n != 0)
        memcpy(s->digits, digits, n + 1);
}

static void read_model(struct reading *r, struct cf_sim_settings *s)
{
    s->rate = real(r, "rate", 0, 1e6);
    s->regular = second(r, "arrivals", "poisson", "regular");
    s->burst = real(r, "burst", 1, 1000);
    s->burst_ms = (uint32_t)number(r, "burst_ms", 1, MS_MAX);
    s->burst_every_ms = (uint32_t)number(r, "burst_every_ms", 1, MS_MAX);
    s->automatic = second(r, "answer", "owner", "auto");
    s->needs_open = second(r, "when", "always", "open");
    s->start_ms = ms(r, "start_ms");
    s->accept_ms = ms(r, "accept_ms");
    s->answer_ms = ms(r, "answer_ms");
    s->hold_ms = real(r, "hold_ms", 0, 1e9);
    s->hold_fixed = second(r, "hold", "exponential", "fixed");
    s->hold_max_ms = ms(r, "hold_max_ms");
    s->linger_ms = ms(r, "linger_ms");
    s->no_answer_ms = ms(r, "no_answer_ms");
    s->abandon_ms = ms(r, "abandon_ms");
    s->dial_ms = ms(r, "dial_ms");
    s->setup_ms = ms(r, "setup_ms");
    s->dialtone_ms = (uint32_t)number(r, "dialtone_ms", 1, MS_MAX);
    s->busy = real(r, "busy", 0, 1);
    s->no_answer = real(r, "no_answer", 0, 1);
    s->abandon = real(r, "abandon", 0, 1);
    s->messages = (uint32_t)number(r, "messages", 0, CF_SIM_MESSAGES_MAX);
    if (r->rc == 0 && s->busy + s->no_answer + s->abandon > 1)
        r->rc = fail(r, "abandon", "busy, no_answer and abandon together exceed 1");
    if (r->rc == 0 && s->burst_ms > s->burst_every_ms)
        r->rc = fail(r, "burst_ms", "burst_ms is more than burst_every_ms");
    if (r->rc == 0 && s->messages != 0 && s->messages < CF_SIM_MESSAGES_MIN)
        r->rc = fail(r, "messages", "messages must be 0 or 4 to 256");
    if (r->rc == 0 && s->messages != 0 && !s->automatic)
        r->rc = fail(r, "messages", "messages needs answer = auto: what an owner does cannot be counted before");
    read_dial(r, s);
    read_abilities(r, s);
    read_orbits(r, s);
    read_completions(r, s);
    read_group(r, s);
    s->ring_ms = (uint32_t)number(r, "ring_ms", 1, 60000);
    read_digits(r, s);
}

static void read_all(struct reading *r, struct cf_sim_settings *s)
{
    s->lines = (uint32_t)number(r, "lines", 1, CF_LINES_MAX);
    s->number = (uint64_t)number(r, "number", 0, INT64_MAX / 2);
    read_model(r, s);
    s->calls = (uint64_t)number(r, "calls", 0, INT64_MAX);
    s->calls_max = (uint32_t)number(r, "calls_max", 1, CF_CALLS_MAX);
    s->seed = (uint64_t)number(r, "seed", INT64_MIN, INT64_MAX);
    s->first_serial = (uint64_t)number(r, "first_serial", 0, INT64_MAX / 2);
    s->record = path(r, "record");
    s->digests = path(r, "digests");
    s->script = path(r, "script");
    if (r->rc == 0 && s->digests != NULL && (s->calls == 0 || s->calls > CF_SIM_DIGESTS_MAX))
        r->rc = fail(r, "digests", "digests needs calls, at most 1073741824, to know how many there will be");
}

int cf_sim_settings_read(const struct cf_options *o, struct cf_sim_settings *ret_settings, char *why, size_t why_bytes)
{
    struct reading r = {.options = o, .why = why, .why_bytes = why_bytes};
    struct cf_sim_settings s;
    memset(&s, 0, sizeof s);
    r.rc = cf_options_section(o, keys(), &r.cfg, why, why_bytes);
    if (r.rc < 0)
        return r.rc;
    read_all(&r, &s);
    cfg_free(r.cfg);
    if (r.rc < 0)
        cf_sim_settings_fini(&s);
    else
        *ret_settings = s;
    return r.rc;
}

void cf_sim_settings_fini(struct cf_sim_settings *s)
{
    free(s->record);
    free(s->digests);
    free(s->script);
    s->record = s->digests = s->script = NULL;
}

void cf_sim_settings_default(struct cf_sim_settings *ret_settings)
{
    const struct cf_options none = {.name = "sim"};
    char why[128];
    if (cf_sim_settings_read(&none, ret_settings, why, sizeof why) < 0)
        abort(); /* the defaults are ours */
}
