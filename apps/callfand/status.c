/* The snapshot and the door's own knowledge, put into json-c's objects. */
#include "apps/callfand/status.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void add_number(struct json_object *o, const char *key, uint64_t value)
{
    json_object_object_add(o, key, json_object_new_uint64(value));
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
    json_object_object_add(o, key, json_object_new_string(text));
}

/* What wait(2) said of a life, in words; null before the first end. */
static void add_end(struct json_object *o, const char *key, uint32_t lives_ended, int status)
{
    char text[64];
    if (lives_ended == 0)
        json_object_object_add(o, key, NULL);
    else if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, sizeof text, "status %d", WEXITSTATUS(status));
    if (lives_ended != 0)
        add_text(o, key, text);
}

static struct json_object *limits(const struct cf_limits *l)
{
    struct json_object *o = json_object_new_object();
#define ADD(field) add_number(o, #field, l->field)
    ADD(applications);
    ADD(providers);
    ADD(lines);
    ADD(open_lines);
    ADD(calls);
    ADD(handles);
    ADD(calls_per_provider);
    ADD(turn_records);
    ADD(port_records);
    ADD(idle_handles_max);
    ADD(resync_slice);
    ADD(sweep_slice);
    ADD(down_ring_bytes);
    ADD(up_ring_bytes);
    ADD(provider_up_ring_bytes);
    ADD(wake_interval_us);
#undef ADD
    return o;
}

static struct json_object *totals(const struct cf_snapshot *s)
{
    struct json_object *o = json_object_new_object();
    const struct cf_engine_totals *t = &s->totals;
#define ADD(field) add_number(o, #field, t->field)
    ADD(turns);
    ADD(records);
    ADD(outputs);
    ADD(calls_live);
    ADD(calls_made);
    ADD(calls_refused);
    ADD(calls_ended);
    ADD(lines);
    ADD(opens);
    ADD(handles_live);
    ADD(handles_made);
    ADD(deliveries);
    ADD(stale_events);
    ADD(stale_requests);
    ADD(bad_records);
    ADD(handles_refused);
    ADD(recoveries_undone);
    ADD(recoveries_republished);
    ADD(set_aside);
    ADD(parties_dropped);
    ADD(party_blocks);
    ADD(party_blocks_max);
    ADD(denied);
#undef ADD
    add_number(o, "bells_rung", s->bells_rung);
    add_number(o, "sleeps", s->sleeps);
    return o;
}

static const char *kind_name(uint32_t kind)
{
    static const char *const names[] = {"free", "door", "provider", "application"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : "?";
}

static const char *state_name(uint32_t state)
{
    static const char *const names[] = {"attaching", "live", "going"};
    return state < sizeof names / sizeof names[0] ? names[state] : "?";
}

static struct json_object *behind_seconds(const struct cf_engine_port_status *p, int64_t now_ns)
{
    char text[32];
    double seconds = p->behind_since_ns == 0 ? 0 : (double)(now_ns - p->behind_since_ns) / 1e9;
    snprintf(text, sizeof text, "%.3f", seconds);
    return json_object_new_double_s(seconds, text);
}

static struct json_object *port(uint32_t number, const struct cf_engine_port_status *p,
                                const struct cf_status_peer *peer, int64_t now_ns)
{
    struct json_object *o = json_object_new_object();
    char name[CF_NAME_MAX + 1] = {0};
    memcpy(name, p->name, CF_NAME_MAX);
    add_number(o, "port", number);
    add_text(o, "kind", kind_name(p->kind));
    add_text(o, "name", name);
    add_number(o, "generation", p->generation);
    json_object_object_add(o, "pid", json_object_new_int(peer->pid));
    add_number(o, "uid", peer->uid);
    add_text(o, "state", state_name(p->state));
#define ADD(field) add_number(o, #field, p->field)
    ADD(behind);
    json_object_object_add(o, "behind_seconds", behind_seconds(p, now_ns));
    json_object_object_add(o, "lawful", json_object_new_boolean(p->unlawful == 0));
    ADD(ring_slots);
    ADD(ring_used);
    ADD(offered);
    ADD(delivered);
    ADD(pending);
    ADD(missed);
    ADD(cancelled);
    ADD(gaps);
    ADD(calls_unseen);
    ADD(sequence);
    ADD(open_lines);
    ADD(handles);
    ADD(requests);
    ADD(requests_outstanding);
    ADD(bad_records);
    if (p->kind == CF_PORT_APPLICATION) {
        json_object_object_add(o, "access", p->access[0] == '\0' ? NULL : json_object_new_string(p->access));
        ADD(handles_max);
        ADD(open_lines_max);
        ADD(requests_per_turn);
    }
#undef ADD
    return o;
}

static struct json_object *ports(const struct cf_status_source *s)
{
    struct json_object *list = json_object_new_array();
    for (uint32_t i = 1; i < s->start->arena->ports_count; i++)
        if (s->snapshot->ports[i].kind != CF_PORT_FREE)
            json_object_array_add(list, port(i, &s->snapshot->ports[i], &s->peers[i], s->now_ns));
    return list;
}

static struct json_object *providers(const struct cf_status_source *s)
{
    struct json_object *list = json_object_new_array();
    for (uint32_t i = 0; i < CF_PROVIDERS_MAX; i++) {
        const struct cf_provider_view *v = &s->providers[i];
        if (!v->used)
            continue;
        struct json_object *o = json_object_new_object();
        uint32_t restarts = v->starts > 0 ? v->starts - 1 : 0;
        add_text(o, "name", v->name);
        add_number(o, "port", 1 + i);
        json_object_object_add(o, "external", json_object_new_boolean(v->external != 0));
        json_object_object_add(o, "pid", json_object_new_int(v->pid));
        add_number(o, "restarts", restarts);
        add_number(o, "hangs", v->hangs);
        add_number(o, "stuck_seconds", s->stuck_seconds[i]);
        add_end(o, "last_end", v->starts > (v->pid != 0 ? 1u : 0u), v->last_status);
        json_object_array_add(list, o);
    }
    return list;
}

static struct json_object *settings(const struct cf_status_source *s)
{
    const struct cf_config *c = s->start->config;
    struct json_object *o = json_object_new_object();
    add_text(o, "config", c->path);
    add_text(o, "socket", c->socket);
    add_text(o, "close_policy", c->close_policy == CF_CLOSE_DROPS ? "drop" : "keep");
    json_object_object_add(o, "user", json_object_new_int64(getuid()));
    json_object_object_add(o, "sandbox", json_object_new_boolean(c->sandbox && cf_confine_filters()));
    add_number(o, "wake_interval_us", s->settings->wake_interval_us);
    add_number(o, "spin_us", s->settings->spin_us);
    add_number(o, "hello_ms", s->settings->hello_ms);
    add_number(o, "hang_seconds", s->settings->hang_seconds);
    add_number(o, "provider_hang_seconds", s->settings->provider_hang_seconds);
    add_number(o, "ring_bytes_max", c->ring_bytes_max);
    return o;
}

static struct json_object *core(const struct cf_status_source *s)
{
    const struct cf_keeper_counts *k = &s->start->counts;
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "keeper_pid", json_object_new_int(s->start->keeper_pid));
    json_object_object_add(o, "core_pid", json_object_new_int((int)getpid()));
    add_number(o, "core_restarts", k->core_starts - 1 - k->replacements);
    add_number(o, "core_replacements", k->replacements);
    add_number(o, "cold_starts", k->cold_starts);
    add_end(o, "last_core_end", k->core_starts - 1 - k->replacements, k->last_core_status);
    char up[32];
    double up_seconds = (double)(s->now_ns - k->started_ns) / 1e9;
    snprintf(up, sizeof up, "%.3f", up_seconds);
    json_object_object_add(o, "up_seconds", json_object_new_double_s(up_seconds, up));
    return o;
}

static struct json_object *door(const struct cf_door_counts *d)
{
    struct json_object *o = json_object_new_object();
    add_number(o, "hellos", d->hellos);
    add_number(o, "refused", d->refused);
    add_number(o, "denied", d->denied);
    add_number(o, "attached", d->attached);
    add_number(o, "gone", d->gone);
    add_number(o, "expelled", d->expelled);
    add_number(o, "half_open", d->half_open);
    return o;
}

char *cf_status_text(const struct cf_status_source *source, size_t *ret_bytes)
{
    struct json_object *o = json_object_new_object();
    if (o == NULL)
        return NULL;
    add_text(o, "version", CF_VERSION);
    add_number(o, "layout_version", CF_LAYOUT_VERSION);
    json_object_object_add(o, "process", core(source));
    json_object_object_add(o, "settings", settings(source));
    json_object_object_add(o, "limits", limits(&source->snapshot->limits));
    json_object_object_add(o, "totals", totals(source->snapshot));
    json_object_object_add(o, "door", door(source->door));
    json_object_object_add(o, "providers", providers(source));
    json_object_object_add(o, "ports", ports(source));
    size_t bytes = 0;
    const char *text =
        json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &bytes);
    char *copy = text == NULL ? NULL : malloc(bytes + 1);
    if (copy != NULL) {
        memcpy(copy, text, bytes + 1);
        *ret_bytes = bytes;
    }
    json_object_put(o);
    return copy;
}
