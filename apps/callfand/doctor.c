/* The lists, and the findings that follow from them. */
#include "apps/callfand/doctor.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callfan/tapi.h"

#define IDLE_NS       INT64_C(60000000000) /* a handle of an IDLE call may be kept for so long without a word */
#define NEAR_PERCENT  90                   /* of a limit */
#define STUCK_SECONDS 2                    /* commands due without progress */

/* What is being written. */
struct sheet {
    const struct cf_status_source *source;
    const struct cf_inspection *inspection;
    struct json_object *findings;
};

static void add_number(struct json_object *o, const char *key, uint64_t value)
{
    json_object_object_add(o, key, json_object_new_uint64(value));
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
    json_object_object_add(o, key, json_object_new_string(text));
}

static void add_seconds(struct json_object *o, const char *key, int64_t ns)
{
    char text[32];
    snprintf(text, sizeof text, "%.3f", (double)ns / 1e9);
    json_object_object_add(o, key, json_object_new_double_s((double)ns / 1e9, text));
}

static void found(struct sheet *s, const char *kind, const char *advice, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void found(struct sheet *s, const char *kind, const char *advice, const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    struct json_object *o = json_object_new_object();
    add_text(o, "kind", kind);
    add_text(o, "text", text);
    add_text(o, "advice", advice);
    json_object_array_add(s->findings, o);
}

static const struct cf_engine_port_status *port_at(const struct sheet *s, uint32_t port)
{
    return &s->source->snapshot->ports[port];
}

/* "application NAME (process PID, port N)" */
static const char *port_words(const struct sheet *s, uint32_t port)
{
    static char words[160];
    const struct cf_engine_port_status *p = port_at(s, port);
    const char *kind = p->kind == CF_PORT_PROVIDER ? "provider" : "application";
    if (p->kind == CF_PORT_FREE)
        snprintf(words, sizeof words, "port %u, which is free by now", port);
    else
        snprintf(words, sizeof words, "%s %.*s (process %d, port %u)", kind, (int)CF_NAME_MAX, p->name,
                 (int)s->source->peers[port].pid, port);
    return words;
}

static const char *state_name(uint32_t state)
{
    static const struct {
        uint32_t state;
        const char *name;
    } names[] = {{LINECALLSTATE_OFFERING, "OFFERING"},
                 {LINECALLSTATE_ACCEPTED, "ACCEPTED"},
                 {LINECALLSTATE_DIALTONE, "DIALTONE"},
                 {LINECALLSTATE_DIALING, "DIALING"},
                 {LINECALLSTATE_RINGBACK, "RINGBACK"},
                 {LINECALLSTATE_BUSY, "BUSY"},
                 {LINECALLSTATE_SPECIALINFO, "SPECIALINFO"},
                 {LINECALLSTATE_CONNECTED, "CONNECTED"},
                 {LINECALLSTATE_PROCEEDING, "PROCEEDING"},
                 {LINECALLSTATE_ONHOLD, "ONHOLD"},
                 {LINECALLSTATE_CONFERENCED, "CONFERENCED"},
                 {LINECALLSTATE_ONHOLDPENDCONF, "ONHOLDPENDCONF"},
                 {LINECALLSTATE_ONHOLDPENDTRANSFER, "ONHOLDPENDTRANSFER"},
                 {LINECALLSTATE_DISCONNECTED, "DISCONNECTED"},
                 {LINECALLSTATE_IDLE, "IDLE"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].state == state)
            return names[i].name;
    return "UNKNOWN";
}

/* ------------------------------------------------------------------- the state */

static struct json_object *checked(struct sheet *s)
{
    const struct cf_inspection *i = s->inspection;
    const struct cf_check_walk *w = &i->check;
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "full", json_object_new_boolean(i->wish.full && !i->refused));
    json_object_object_add(o, "sums", json_object_new_boolean(!w->turns));
    add_number(o, "calls", w->calls);
    add_number(o, "lines", w->lines);
    add_number(o, "ports", w->ports);
    add_number(o, "handles", w->handles);
    add_number(o, "damages", w->findings);
    add_number(o, "slices", i->steps);
    add_number(o, "turns", i->turn_last - i->turn_first);
    add_seconds(o, "seconds", i->ended_ns - i->begun_ns);
    add_number(o, "slice_us_max", (uint64_t)(i->step_ns_max / 1000));
    add_number(o, "slice_us_mean", (uint64_t)(i->steps == 0 ? 0 : i->steps_ns / 1000) / (i->steps == 0 ? 1 : i->steps));
    add_seconds(o, "stood_seconds", i->stood_ns);
    return o;
}

static void judge_state(struct sheet *s)
{
    const struct cf_check_walk *w = &s->inspection->check;
    uint64_t texts = w->findings < CF_CHECK_TEXTS ? w->findings : CF_CHECK_TEXTS;
    for (uint64_t i = 0; i < texts; i++)
        found(s, "state", "the state is damaged: keep the log and this report, then restart callfand", "%s",
              w->text[i]);
    if (w->findings > texts)
        found(s, "state", "the state is damaged: keep the log and this report, then restart callfand",
              "%" PRIu64 " more damages of the state", w->findings - texts);
    if (s->inspection->refused)
        found(s, "full", "ask again when there are fewer calls; the check was made in slices, without the sums",
              "the full check was refused: it would stop all events for about %.1f s",
              (double)s->inspection->expected_ns / 1e9);
}

/* ----------------------------------------------------------------------- calls */

static struct json_object *holders(const struct sheet *s, const struct cf_survey_call *c)
{
    struct json_object *list = json_object_new_array();
    for (uint32_t i = 0; i < c->holders_count; i++) {
        struct json_object *o = json_object_new_object();
        char name[CF_NAME_MAX + 1] = {0};
        memcpy(name, port_at(s, c->holders[i].port)->name, CF_NAME_MAX);
        add_number(o, "port", c->holders[i].port);
        add_text(o, "name", name);
        add_text(o, "privilege", c->holders[i].owner ? "owner" : "monitor");
        json_object_array_add(list, o);
    }
    return list;
}

static struct json_object *calls(struct sheet *s)
{
    const struct cf_survey *survey = &s->inspection->survey;
    struct json_object *list = json_object_new_array();
    for (uint32_t i = 0; i < survey->calls_count; i++) {
        const struct cf_survey_call *c = &survey->calls[i];
        struct json_object *o = json_object_new_object();
        char id[16];
        snprintf(id, sizeof id, "%08x", c->call_id);
        add_text(o, "call_id", id);
        add_number(o, "line", c->line);
        add_text(o, "state", state_name(c->state));
        add_number(o, "mode", c->mode);
        add_seconds(o, "seconds", c->quiet_ns);
        add_number(o, "provider_port", c->provider);
        add_number(o, "owners", c->owners);
        add_number(o, "monitors", c->monitors);
        json_object_object_add(o, "holders", holders(s, c));
        json_object_array_add(list, o);
    }
    if (survey->calls_quiet != 0)
        found(s, "calls", "look whether these calls exist; callfan drop ends one, whoever owns it",
              "%" PRIu64 " calls had no event for %.0f s or longer, the longest for %.0f s", survey->calls_quiet,
              (double)survey->quiet_ns / 1e9, (double)survey->calls[0].quiet_ns / 1e9);
    return list;
}

/* ----------------------------------------------------------------------- ports */

static void judge_idle(struct sheet *s, uint32_t port, struct json_object *list)
{
    const struct cf_survey *survey = &s->inspection->survey;
    const struct cf_survey_port *p = &survey->ports[port];
    uint32_t most = s->source->snapshot->limits.idle_handles_max;
    int64_t patience = survey->quiet_ns < IDLE_NS ? survey->quiet_ns : IDLE_NS;
    if (p->idle == 0)
        return;
    struct json_object *o = json_object_new_object();
    add_number(o, "port", port);
    add_number(o, "handles", p->idle);
    add_seconds(o, "seconds", p->idle_ns);
    json_object_array_add(list, o);
    if (p->idle_ns >= patience || p->idle > most / 2)
        found(s, "idle", "it has to give handles back (lineDeallocateCall) once their calls are IDLE",
              "%s holds %" PRIu64 " handles of IDLE calls, the oldest for %.0f s; at %u it is told of no more calls",
              port_words(s, port), p->idle, (double)p->idle_ns / 1e9, most);
}

static void judge_behind(struct sheet *s, uint32_t port, struct json_object *list)
{
    const struct cf_engine_port_status *p = port_at(s, port);
    int64_t behind_ns = p->behind_since_ns == 0 ? 0 : s->source->now_ns - p->behind_since_ns;
    if (p->behind == 0)
        return;
    struct json_object *o = json_object_new_object();
    add_number(o, "port", port);
    add_text(o, "step", p->behind == 1 ? "behind" : "resync");
    add_seconds(o, "seconds", behind_ns);
    add_number(o, "missed", p->missed);
    add_number(o, "pending", p->pending);
    add_number(o, "gaps", p->gaps);
    json_object_array_add(list, o);
    found(s, "behind", "see whether it hangs or is stopped; if it is only slow, give it a larger ring",
          "%s is behind for %.1f s: %" PRIu64 " messages wait in its ring, %" PRIu64 " were missed so far",
          port_words(s, port), (double)behind_ns / 1e9, p->pending, p->missed);
}

static void judge_port(struct sheet *s, uint32_t port)
{
    const struct cf_engine_port_status *p = port_at(s, port);
    if ((p->unlawful & CF_UNLAWFUL_SEQUENCE) != 0)
        found(s, "law", "keep this report and the log, then restart callfand",
              "%s: offered = delivered + pending + missed + cancelled does not hold", port_words(s, port));
    if ((p->unlawful & CF_UNLAWFUL_PEER) != 0)
        found(s, "law", "it is no libcallfan, or damaged its memory: restart it",
              "%s says that it read or cancelled more than there was", port_words(s, port));
    if (p->bad_records != 0)
        found(s, "records", "it breaks the rules: see its version; after 1,024 such records it is shown out",
              "%s sent %" PRIu64 " records that were refused", port_words(s, port), p->bad_records);
    if (p->kind == CF_PORT_APPLICATION && p->handles * 100 > p->handles_max * NEAR_PERCENT)
        found(s, "limit", "raise handles in callfan.conf (its access section has a limit too), or see why it keeps so many",
              "%s has %" PRIu64 " of %" PRIu64 " handles", port_words(s, port), p->handles, p->handles_max);
}

static void judge_ports(struct sheet *s, struct json_object *idle, struct json_object *behind)
{
    for (uint32_t port = 1; port < s->source->start->arena->ports_count; port++) {
        if (port_at(s, port)->kind == CF_PORT_FREE)
            continue;
        judge_idle(s, port, idle);
        judge_behind(s, port, behind);
        judge_port(s, port);
    }
}

/* ------------------------------------------------------------------- providers */

static void judge_answers(struct sheet *s, uint32_t port, struct json_object *list)
{
    const struct cf_survey_port *p = &s->inspection->survey.ports[port];
    if (p->unanswered == 0)
        return;
    struct json_object *o = json_object_new_object();
    add_number(o, "port", port);
    add_number(o, "requests", p->unanswered);
    add_seconds(o, "seconds", p->unanswered_ns);
    add_number(o, "asked_by_port", p->asked_by);
    json_object_array_add(list, o);
    char asker[160];
    snprintf(asker, sizeof asker, "%s", port_words(s, p->asked_by));
    found(s, "unanswered",
          "see whether the provider hangs or waits for its network; stopping it ends them with an error",
          "%s has not answered %" PRIu64 " requests, the oldest for %.1f s, of %s", port_words(s, port), p->unanswered,
          (double)p->unanswered_ns / 1e9, asker);
}

static void judge_provider(struct sheet *s, uint32_t place)
{
    const struct cf_provider_view *v = &s->source->providers[place];
    uint32_t stuck = s->source->stuck_seconds[place], limit = s->source->settings->provider_hang_seconds;
    if (!v->external && v->pid == 0)
        found(s, "provider", "the log says how it ended; it is started again after a pause",
              "provider %s is not running", v->name);
    else if (port_at(s, 1 + place)->kind == CF_PORT_FREE)
        found(s, "provider", v->external ? "start it" : "the log says why it does not join",
              "provider %s is not there: its lines are down", v->name);
    if (stuck >= STUCK_SECONDS)
        found(s, "provider",
              limit != 0 ? "it is shown out after provider_hang_seconds"
                         : "provider_hang_seconds is 0: restart it by hand",
              "provider %s has not taken its commands for %u s", v->name, stuck);
    if (v->hangs != 0)
        found(s, "provider", "see its core dumps and its log", "provider %s was shown out %u times because it hung",
              v->name, v->hangs);
    if (v->deaths != 0)
        found(s, "provider", "the log says how it ended", "provider %s died %u times and was started again", v->name,
              v->deaths);
}

static void judge_providers(struct sheet *s, struct json_object *unanswered)
{
    for (uint32_t place = 0; place < CF_PROVIDERS_MAX; place++) {
        if (!s->source->providers[place].used)
            continue;
        judge_provider(s, place);
        judge_answers(s, 1 + place, unanswered);
    }
}

/* ------------------------------------------------------------------ the service */

static void judge_share(struct sheet *s, const char *what, uint64_t used, uint64_t most, const char *advice)
{
    if (used * 100 > most * NEAR_PERCENT)
        found(s, "limit", advice, "%" PRIu64 " of %" PRIu64 " %s are in use", used, most, what);
}

static void judge_service(struct sheet *s)
{
    const struct cf_keeper_counts *k = &s->source->start->counts;
    const struct cf_engine_totals *t = &s->source->snapshot->totals;
    const struct cf_survey *survey = &s->inspection->survey;
    const struct cf_limits *l = &s->source->snapshot->limits;
    if (k->core_starts - 1 > k->replacements)
        found(s, "core", "see the log and the core dumps; if it goes on, report it",
              "the core was started again %u times", k->core_starts - 1 - k->replacements);
    if (k->cold_starts != 0)
        found(s, "core", "see the log: all calls and handles were given up", "there were %u cold starts",
              k->cold_starts);
    if (t->set_aside != 0)
        found(s, "records", "report it with the log: each of them crashed three cores",
              "%" PRIu64 " records were set aside", t->set_aside);
    if (t->handles_refused != 0)
        found(s, "limit", "raise handles or calls in callfan.conf",
              "%" PRIu64 " times a call was not announced for want of a handle or a reference", t->handles_refused);
    if (t->parties_dropped != 0)
        found(s, "limit", "raise calls in callfan.conf", "%" PRIu64 " names and numbers of calls found no room",
              t->parties_dropped);
    judge_share(s, "calls", t->calls_live, l->calls, "raise calls in callfan.conf");
    judge_share(s, "lines", t->lines, l->lines, "raise lines in callfan.conf");
    judge_share(s, "blocks of names and numbers", t->party_blocks, t->party_blocks_max, "raise calls in callfan.conf");
    judge_share(s, "blocks of references", survey->chunks, survey->chunks_max, "raise calls in callfan.conf");
}

char *cf_doctor_text(const struct cf_status_source *source, const struct cf_inspection *inspection, size_t *ret_bytes)
{
    struct sheet s = {source, inspection, json_object_new_array()};
    struct json_object *o = json_object_new_object(), *idle = json_object_new_array(),
                       *behind = json_object_new_array(), *unanswered = json_object_new_array();
    if (o == NULL || s.findings == NULL || idle == NULL || behind == NULL || unanswered == NULL)
        return NULL;
    add_text(o, "version", CF_VERSION);
    json_object_object_add(o, "checked", checked(&s));
    judge_state(&s);
    add_seconds(o, "older_seconds", inspection->wish.quiet_ns);
    add_number(o, "calls_total", inspection->survey.calls_quiet);
    json_object_object_add(o, "calls", calls(&s));
    judge_ports(&s, idle, behind);
    judge_providers(&s, unanswered);
    judge_service(&s);
    json_object_object_add(o, "idle", idle);
    json_object_object_add(o, "behind", behind);
    json_object_object_add(o, "unanswered", unanswered);
    json_object_object_add(o, "healthy", json_object_new_boolean(json_object_array_length(s.findings) == 0));
    json_object_object_add(o, "findings", s.findings);
    const char *text =
        json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, ret_bytes);
    char *copy = text == NULL ? NULL : malloc(*ret_bytes + 1);
    if (copy != NULL)
        memcpy(copy, text, *ret_bytes + 1);
    json_object_put(o);
    return copy;
}
