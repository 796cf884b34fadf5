/* See settings.h. */
#include "adapters/sim/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callfan/limits.h"

const char cf_sim_settings_help[] =
    "Keys of its section:\n"
    "  lines = 4              lines, numbered from 0\n"
    "  number = 200           directory number of line 0; the others follow\n"
    "  rate = 1               calls per second over all lines, 0 to 1000000; 0: none\n"
    "  arrivals = poisson     or regular\n"
    "  answer = auto          the far end set answers by itself, or owner: an application answers\n"
    "  when = open            calls come to lines that an application has open, or always\n"
    "  start_ms = 0           the first call, after the first line was opened (when = open) or the start\n"
    "  accept_ms = 100        OFFERING to ACCEPTED\n"
    "  answer_ms = 2000       ACCEPTED (or RINGBACK) to CONNECTED\n"
    "  hold_ms = 10000        mean time from CONNECTED to DISCONNECTED\n"
    "  hold = exponential     or fixed\n"
    "  linger_ms = 0          DISCONNECTED to IDLE\n"
    "  busy = 0               probability that the called set is busy\n"
    "  no_answer = 0          ... that nobody answers, for no_answer_ms = 30000\n"
    "  abandon = 0            ... that the caller gives up, after abandon_ms = 8000 in the mean\n"
    "  dial_ms = 50           DIALING to PROCEEDING of an outgoing call\n"
    "  setup_ms = 200         PROCEEDING to RINGBACK or BUSY\n"
    "  dial = {}              how dialled numbers turn out: \"PREFIX=answer\", busy, noanswer, reject, badaddress,\n"
    "                         unreachable, congestion, blocked\n"
    "  messages = 0           LINE_ messages of every call, 4 to 256: an exact profile for load tests\n"
    "  calls = 0              calls of its own, altogether; 0: no end\n"
    "  calls_max = 1048576    calls alive at once\n"
    "  seed = 1               same seed, same calls\n"
    "  first_serial = 1       the caller's number is the call's serial number\n"
    "  record = FILE          journal of everything reported\n"
    "  script = FILE          exact events at exact times instead of the model\n";

static cfg_opt_t *keys(void)
{
    static cfg_opt_t all[] = {
        CFG_INT("lines", 4, CFGF_NONE),
        CFG_INT("number", 200, CFGF_NONE),
        CFG_FLOAT("rate", 1, CFGF_NONE),
        CFG_STR("arrivals", "poisson", CFGF_NONE),
        CFG_STR("answer", "auto", CFGF_NONE),
        CFG_STR("when", "open", CFGF_NONE),
        CFG_INT("start_ms", 0, CFGF_NONE),
        CFG_INT("accept_ms", 100, CFGF_NONE),
        CFG_INT("answer_ms", 2000, CFGF_NONE),
        CFG_FLOAT("hold_ms", 10000, CFGF_NONE),
        CFG_STR("hold", "exponential", CFGF_NONE),
        CFG_INT("linger_ms", 0, CFGF_NONE),
        CFG_FLOAT("busy", 0, CFGF_NONE),
        CFG_FLOAT("no_answer", 0, CFGF_NONE),
        CFG_INT("no_answer_ms", 30000, CFGF_NONE),
        CFG_FLOAT("abandon", 0, CFGF_NONE),
        CFG_INT("abandon_ms", 8000, CFGF_NONE),
        CFG_INT("dial_ms", 50, CFGF_NONE),
        CFG_INT("setup_ms", 200, CFGF_NONE),
        CFG_STR_LIST("dial", "{}", CFGF_NONE),
        CFG_INT("messages", 0, CFGF_NONE),
        CFG_INT("calls", 0, CFGF_NONE),
        CFG_INT("calls_max", 1 << 20, CFGF_NONE),
        CFG_INT("seed", 1, CFGF_NONE),
        CFG_INT("first_serial", 1, CFGF_NONE),
        CFG_STR("record", NULL, CFGF_NONE),
        CFG_STR("script", NULL, CFGF_NONE),
        CFG_END(),
    };
    return all;
}

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
    return (uint32_t)number(r, key, 0, 86400000);
}

static double real(struct reading *r, const char *key, double low, double high)
{
    double value = low;
    if (r->rc == 0)
        r->rc = cf_options_float(r->options, r->cfg, key, low, high, &value, r->why, r->why_bytes);
    return value;
}

/* True: the second of two names. */
static bool second(struct reading *r, const char *key, const char *one, const char *two)
{
    const char *const names[] = {one, two, NULL};
    int choice = 0;
    if (r->rc == 0)
        r->rc = cf_options_choice(r->options, r->cfg, key, names, &choice, r->why, r->why_bytes);
    return choice == 1;
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

static void read_model(struct reading *r, struct cf_sim_settings *s)
{
    s->rate = real(r, "rate", 0, 1e6);
    s->regular = second(r, "arrivals", "poisson", "regular");
    s->automatic = second(r, "answer", "owner", "auto");
    s->needs_open = second(r, "when", "always", "open");
    s->start_ms = ms(r, "start_ms");
    s->accept_ms = ms(r, "accept_ms");
    s->answer_ms = ms(r, "answer_ms");
    s->hold_ms = real(r, "hold_ms", 0, 1e9);
    s->hold_fixed = second(r, "hold", "exponential", "fixed");
    s->linger_ms = ms(r, "linger_ms");
    s->no_answer_ms = ms(r, "no_answer_ms");
    s->abandon_ms = ms(r, "abandon_ms");
    s->dial_ms = ms(r, "dial_ms");
    s->setup_ms = ms(r, "setup_ms");
    s->busy = real(r, "busy", 0, 1);
    s->no_answer = real(r, "no_answer", 0, 1);
    s->abandon = real(r, "abandon", 0, 1);
    s->messages = (uint32_t)number(r, "messages", 0, CF_SIM_MESSAGES_MAX);
    if (r->rc == 0 && s->busy + s->no_answer + s->abandon > 1)
        r->rc = fail(r, "abandon", "busy, no_answer and abandon together exceed 1");
    if (r->rc == 0 && s->messages != 0 && s->messages < CF_SIM_MESSAGES_MIN)
        r->rc = fail(r, "messages", "messages must be 0 or 4 to 256");
    if (r->rc == 0 && s->messages != 0 && !s->automatic)
        r->rc = fail(r, "messages", "messages needs answer = auto: what an owner does cannot be counted before");
    read_dial(r, s);
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
    s->script = path(r, "script");
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
    free(s->script);
    s->record = s->script = NULL;
}

void cf_sim_settings_default(struct cf_sim_settings *ret_settings)
{
    const struct cf_options none = {.name = "sim"};
    char why[128];
    if (cf_sim_settings_read(&none, ret_settings, why, sizeof why) < 0)
        abort(); /* the defaults are ours */
}
