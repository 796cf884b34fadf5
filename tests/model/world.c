/* A run: its limits, its ports, its steps, and the rest at its end. */
#include <stdio.h>
#include <string.h>

#include "tests/model/sim.h"

/* ------------------------------------------------------------------ joining and leaving */

static void peer_begins(struct sim *s, uint32_t port) {
    struct sim_port *p = &s->ports[port];
    const struct cf_port_down *down = core_down(&s->core, port);
    struct cf_port_up *up = core_up(&s->core, port);
    memset(p, 0, offsetof(struct sim_port, hash));
    p->waiting_slot = UINT32_MAX;
    p->slots_busy = 0;
    p->asleep = false;
    p->lag = 0;
    p->deaf_until = 0;
    cf_ring_producer_init(&p->up, cf_port_up_ring(up), down->header.up_slots, &down->up.up_ack, 0);
    cf_ring_consumer_init(&p->shadow, cf_port_down_ring(down, down->header.reply_slots), down->header.down_slots, up->down_ack);
    p->read = up->down_ack;
    memset(p->line_generation, 0, sizeof p->line_generation);
}

static struct cf_record *door_record(uint16_t id, uint32_t port, uint64_t kind, uint32_t generation) {
    static struct cf_record r;
    r.m = (struct cf_message){.id = id, .param1 = port, .param2 = kind, .param3 = generation, .flags = CF_NO_REPLY,
                              .open_line = CF_INDEX_NONE};
    r.payload_bytes = 0;
    return &r;
}

/* In every fourth run an application may do less with some lines. Not drawn from the run's numbers, which would make it another run. */
static void restrict_rights(const struct sim *s, uint32_t port, struct cf_rights *r, struct m_port *p) {
    static const uint8_t some[] = {3, 3, 3, CF_RIGHT_MONITOR, CF_RIGHT_MONITOR, CF_RIGHT_OWN, 0, 0};
    struct sim_random random = {s->options.seed ^ (uint64_t)(port * 1000 + p->generation) << 32};
    bool all = s->options.seed % 4 != 3 || sim_chance(&random, 25);
    cf_rights_everything(r, &s->core.limits);
    if (!all)
        r->rules_count = 0;
    for (uint32_t provider = 0; provider < SIM_PROVIDERS; provider++)
        for (uint32_t line = 0; line < SIM_LINES; line++) {
            char name[32];
            uint8_t bits = all ? 3 : some[sim_below(&random, sizeof some)];
            p->rights[provider][line] = bits;
            snprintf(name, sizeof name, "peer%u", m_provider_port(provider));
            if (!all && bits != 0)
                r->rules[r->rules_count++] =
                    (struct cf_rights_rule){.provider = cf_rights_provider(name), .first = line, .last = line, .bits = bits};
        }
}

bool sim_attach(struct sim *s, uint32_t port) {
    struct m_port *p = &s->model.ports[port];
    uint32_t generation = p->generation + 1, kind = m_is_provider(port) ? CF_PORT_PROVIDER : CF_PORT_APPLICATION;
    struct cf_port_header header = {
        .kind = kind,
        .port = port,
        .generation = generation,
        .down_slots = kind == CF_PORT_PROVIDER ? SIM_PROVIDER_SLOTS : s->down_slots,
        .up_slots = s->up_slots,
        .reply_slots = kind == CF_PORT_APPLICATION ? CF_REPLY_SLOTS : 0,
        .usage = kind == CF_PORT_APPLICATION ? sim_below(&s->random, CF_USAGES_PER_PROCESS) : 0,
        .base_generation = kind == CF_PORT_APPLICATION ? 2 * sim_below(&s->random, 1000) : 0,
        .wake_interval_us = s->core.limits.wake_interval_us,
    };
    char name[32];
    core_map(&s->core, port, &header);
    *p = (struct m_port){.kind = (uint8_t)kind, .state = 1, .generation = generation, .usage = header.usage,
                         .base_generation = header.base_generation, .requests_max = s->down_slots / 4 - 4};
    peer_begins(s, port);
    struct cf_record *r = door_record(CF_DOOR_ATTACH, port, kind, generation);
    snprintf(name, sizeof name, "peer%u", port);
    cf_fields_append_text(r, CF_FIELD_NAME, name);
    struct cf_rights rights;
    restrict_rights(s, port, &rights, p);
    if (kind == CF_PORT_APPLICATION)
        cf_fields_append(r, CF_FIELD_RIGHTS, &rights, cf_rights_bytes(&rights));
    return sim_put(s, 0, r) && sim_settle(s);
}

static bool requests_pending(const struct sim *s) {
    uint32_t n = 0;
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        n += s->ports[port].pending_count;
    return n != 0;
}

/* The peer dies. What it and the applications had sent is taken first; then the door is told, and frees the port when the engine says so. */
bool sim_detach(struct sim *s, uint32_t port) {
    struct m_port *p = &s->model.ports[port];
    while (sim_pending(s, port) || requests_pending(s))
        if (!sim_turn(s))
            return false;
    if (!sim_put(s, 0, door_record(CF_DOOR_GONE, port, 0, p->generation)))
        return true;
    s->ports[port].asleep = false;
    s->ports[port].waiting_slot = UINT32_MAX;
    if (sim_chance(&s->random, 50))
        for (uint32_t other = 1; other < SIM_PORTS; other++) /* the others go on meanwhile */
            if (other != port && m_is_app(other) && s->model.ports[other].state == 2 && sim_chance(&s->random, 50))
                sim_read(s, other, 0);
    if (!sim_settle(s))
        return false;
    core_unmap(&s->core, port);
    uint32_t generation = p->generation;
    *p = (struct m_port){.generation = generation};
    return true;
}

/* ------------------------------------------------------------------ the run */

static void choose_limits(struct sim *s, struct cf_limits *l, struct cf_engine_options *o) {
    static const uint32_t records[] = {1, 1, 2, 8, 64}, slots[] = {128, 256, 256, 1024, 2048};
    struct sim_random *r = &s->random;
    cf_limits_default(l);
    l->applications = SIM_APPS;
    l->providers = SIM_PROVIDERS;
    l->lines = SIM_PROVIDERS * SIM_LINES;
    l->open_lines = SIM_OPENS;
    l->calls = sim_chance(r, 85) ? SIM_CALLS : 24 + sim_below(r, 60);
    l->calls_per_provider = l->calls < SIM_INDICES ? l->calls : SIM_INDICES;
    l->handles = sim_chance(r, 80) ? 512 : 32 + sim_below(r, 100);
    l->turn_records = records[sim_below(r, 5)];
    l->port_records = 1 + sim_below(r, l->turn_records);
    l->idle_handles_max = sim_chance(r, 80) ? 400 : 4 + sim_below(r, 20);
    l->resync_slice = 16 + sim_below(r, 60);
    l->sweep_slice = 16 + sim_below(r, 60);
    l->wake_interval_us = sim_chance(r, 30) ? 0 : 250;
    s->down_slots = slots[sim_below(r, 5)];
    s->up_slots = 1024;
    s->crowd = sim_chance(r, 10);
    s->calls_wanted = s->crowd ? 6 : 10 + sim_below(r, 60);
    s->long_calls = sim_below(r, 90);
    s->burst = sim_chance(r, 50) ? 4 : 30;
    *o = (struct cf_engine_options){.close_policy = sim_chance(r, 75) ? CF_CLOSE_DROPS : CF_CLOSE_KEEPS, .boot_id = 1};
    s->model.handles_max = l->handles;
    s->model.calls_max = l->calls;
    s->model.calls_per_provider = l->calls_per_provider;
    s->model.small = l->handles < 512 || l->idle_handles_max < 400 || l->calls < SIM_CALLS;
    s->model.idle_max = l->idle_handles_max;
    s->model.keeps = o->close_policy == CF_CLOSE_KEEPS;
}

static uint64_t identify(const void *core, uint32_t port, uint64_t handle) { return core_call_id(core, port, handle); }

static bool begin(struct sim *s) {
    struct cf_limits limits;
    struct cf_engine_options options;
    char why[128];
    m_init(&s->model);
    choose_limits(s, &limits, &options);
    if (!cf_limits_check(&limits, why, sizeof why))
        return sim_fail(s, "limits: %s", why);
    core_init(&s->core, &limits, &options, s->down_slots, s->up_slots);
    s->twins = s->options.crash || s->options.walk;
    if (s->twins) {
        core_init(&s->twin, &limits, &options, s->down_slots, s->up_slots);
        core_init(&s->third, &limits, &options, s->down_slots, s->up_slots);
    }
    s->model.identify = identify;
    s->model.identify_arg = &s->core;
    s->model.ports[0].state = 2;
    s->ports[0].waiting_slot = UINT32_MAX;
    const struct cf_port_down *door = core_down(&s->core, 0);
    cf_ring_producer_init(&s->ports[0].up, cf_port_up_ring(core_up(&s->core, 0)), door->header.up_slots, &door->up.up_ack, 0);
    cf_ring_consumer_init(&s->ports[0].shadow, cf_port_down_ring(door, door->header.reply_slots), door->header.down_slots, 0);
    if (!sim_attach(s, 1 + SIM_PROVIDERS))
        return false;
    for (uint32_t provider = 0; provider < SIM_PROVIDERS; provider++)
        if (!sim_attach(s, m_provider_port(provider)) || !sim_snapshot(s, provider) || !sim_settle(s))
            return false;
    return sim_devices(s, 1 + SIM_PROVIDERS);
}

/* The door reads its ring at once, providers soon, applications as they please. */
static void readers(struct sim *s) {
    sim_read(s, 0, 0);
    for (uint32_t port = 1; port < SIM_PORTS; port++) {
        struct sim_port *p = &s->ports[port];
        if (s->model.ports[port].state == 0 || s->step < p->deaf_until)
            continue;
        if (m_is_provider(port) ? sim_chance(&s->random, 70) : sim_chance(&s->random, 50))
            sim_read(s, port, p->lag);
    }
}

static bool core_sleeps(struct sim *s) {
    bool slept = cf_engine_sleep(s->core.engine), work = sim_pending_count(s) != 0;
    if (slept && work)
        return sim_fail(s, "the core would sleep although records wait");
    if (slept && core_down(&s->core, 0)->up.sleeping == 0)
        return sim_fail(s, "the core sleeps and does not say so");
    if (slept)
        cf_engine_awake(s->core.engine);
    for (uint32_t port = 0; port < SIM_PORTS; port++)
        if ((port == 0 || s->core.ports[port].mapped) && core_down(&s->core, port)->up.sleeping != 0)
            return sim_fail(s, "port %u: the core is awake and says that it sleeps", port);
    return true;
}

static bool step(struct sim *s) {
    uint32_t actors = 1 + sim_below(&s->random, 3);
    for (uint32_t i = 0; i < actors; i++) {
        uint32_t port = 1 + sim_below(&s->random, SIM_PORTS - 1);
        bool fine = m_is_provider(port) ? sim_provider_step(s, port - 1) : sim_app_step(s, port);
        if (!fine || s->why[0] != '\0')
            return false;
    }
    readers(s);
    if (s->why[0] != '\0')
        return false;
    if (sim_chance(&s->random, 5) && !core_sleeps(s))
        return false;
    bool fine = sim_chance(&s->random, 60) ? sim_settle(s) : sim_turn(s);
    return fine && sim_check(s);
}

/* Everybody reads, everything is answered: nothing may be owed any more. */
static bool rest(struct sim *s) {
    for (uint32_t round = 0; round < 50; round++) {
        for (uint32_t port = 0; port < SIM_PORTS; port++)
            if (s->model.ports[port].state != 0)
                sim_read(s, port, 0);
        for (uint32_t provider = 0; provider < SIM_PROVIDERS; provider++)
            if (s->model.ports[m_provider_port(provider)].state == 2)
                sim_provider_answers(s, provider, 20);
        if (s->why[0] != '\0' || !sim_settle(s))
            return false;
    }
    m_at_rest(&s->model);
    return !s->model.failed || sim_fail(s, "at rest: %s", s->model.why);
}

/* All applications leave: of them and of the calls nothing may be left. */
static bool end(struct sim *s) {
    struct cf_engine_totals t;
    if (!rest(s))
        return false;
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        if (s->model.ports[port].state == 2 && !sim_detach(s, port))
            return false;
    sim_forwards_end(s);
    if (!rest(s))
        return false;
    cf_engine_totals(s->core.engine, &t);
    if (t.calls_live != 0 || t.handles_live != 0 || t.opens != 0 || t.party_blocks != 0)
        return sim_fail(s, "at the end %lu calls, %lu handles, %lu open lines, %lu party blocks are left", t.calls_live, t.handles_live,
                        t.opens, t.party_blocks);
    char why[256] = "";
    return cf_engine_check(s->core.engine, why, sizeof why) || sim_fail(s, "at the end: %s", why);
}

bool sim_run(struct sim *s, const struct sim_options *options) {
    memset(s, 0, sizeof *s);
    s->options = *options;
    s->random.state = options->seed * UINT64_C(0x2545F4914F6CDD1D) + 1;
    s->crash_random.state = options->seed ^ UINT64_C(0xC0FFEE);
    s->now_ns = INT64_C(1000000000);
    bool fine = begin(s);
    for (s->step = 1; fine && s->step <= options->steps; s->step++)
        fine = step(s);
    fine = fine && end(s);
    core_fini(&s->core);
    if (s->twins) {
        core_fini(&s->twin);
        core_fini(&s->third);
    }
    return fine;
}
