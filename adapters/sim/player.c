/* See player.h. */
#include "adapters/sim/player.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callfan/tapi.h"

enum { COMMANDS = CF_CMD_SET_CALL_PARAMS - CF_CMD_MAKE_CALL + 1 };

/* A call by its number in the script. */
struct played {
    uint64_t id; /* 0: never begun; stays after the end, for late reports */
    bool known;  /* the identifier is alive */
    uint32_t line, state, mode;
};

struct reaction {
    enum cf_script_reaction what;
    int32_t error;
    uint32_t call;
};

struct cf_sim_player {
    const struct cf_script *script;
    const struct cf_sim_settings *settings;
    struct cf_sim_port *port;
    int64_t start_ns; /* CF_REACTOR_NEVER: not begun */
    uint32_t next;    /* event */
    uint32_t dialled; /* number of the next call made by an application */
    struct reaction reactions[COMMANDS];
    struct played *calls; /* CF_SCRIPT_CALLS_MAX */
};

int cf_sim_player_new(struct cf_sim_player **ret_player, const struct cf_script *script,
                      const struct cf_sim_settings *settings, struct cf_sim_port *port, int64_t now_ns)
{
    struct cf_sim_player *p = calloc(1, sizeof *p);
    if (p != NULL)
        p->calls = calloc(CF_SCRIPT_CALLS_MAX, sizeof *p->calls);
    if (p == NULL || p->calls == NULL) {
        free(p);
        return -ENOMEM;
    }
    p->script = script;
    p->settings = settings;
    p->port = port;
    p->dialled = CF_SIM_FIRST_DIALLED;
    p->start_ns = settings->needs_open ? CF_REACTOR_NEVER : now_ns + (int64_t)settings->start_ms * CF_NS_PER_MS;
    for (int i = 0; i < COMMANDS; i++)
        p->reactions[i].call = CF_SCRIPT_CALL_NONE;
    *ret_player = p;
    return 0;
}

void cf_sim_player_free(struct cf_sim_player *p)
{
    if (p == NULL)
        return;
    free(p->calls);
    free(p);
}

/* ------------------------------------------------------------------ posting */

static void write_down(struct cf_sim_player *p, const struct played *c, int64_t now_ns, uint32_t flags)
{
    if (p->port->journal == NULL)
        return;
    const struct cf_sim_journal_entry entry = {.serial = (uint64_t)(c - p->calls),
                                               .time_ns = now_ns,
                                               .state = c->state,
                                               .mode = c->mode,
                                               .line = c->line,
                                               .flags = flags};
    cf_sim_journal_add(p->port->journal, &entry);
}

static void begin_record(struct cf_record *r, uint16_t id, uint64_t call, int64_t now_ns)
{
    r->m = (struct cf_message){.id = id, .device = call, .time_ns = now_ns, .open_line = CF_INDEX_NONE};
    r->payload_bytes = 0;
}

static void append(struct cf_record *r, uint16_t tag, struct cf_text t)
{
    if (t.bytes != 0)
        cf_fields_append(r, tag, t.at, t.bytes);
}

/* The identifier of a call; one that the core cannot know for a call that never was. */
static uint64_t id_of(const struct cf_sim_player *p, uint32_t call)
{
    uint64_t id = p->calls[call].id;
    return id != 0 ? id : cf_handle_make(call, CF_KIND_PROVIDER, UINT32_C(0xFFFFFFFB));
}

/* By hand, since the script may report what no rule allows: of a call that ended, or never was. */
static bool post_state(struct cf_sim_player *p, uint32_t call, uint32_t state, uint32_t mode, struct cf_text cause,
                       int64_t now_ns)
{
    struct cf_record r;
    begin_record(&r, CF_EV_CALL_STATE, id_of(p, call), now_ns);
    r.m.param1 = state;
    r.m.param2 = mode;
    append(&r, CF_FIELD_RAW_CAUSE, cause);
    if (!cf_provider_post_raw(p->port->provider, &r))
        return false;
    p->calls[call].state = state;
    p->calls[call].mode = mode;
    write_down(p, &p->calls[call], now_ns, 0);
    return true;
}

static bool begin_call(struct cf_sim_player *p, struct played *c)
{
    if (c->known)
        return true; /* announced twice: the same identifier again */
    c->id = cf_provider_call_new(p->port->provider, c);
    c->known = c->id != 0;
    return c->known;
}

static bool play_new(struct cf_sim_player *p, const struct cf_script_event *e, int64_t now_ns)
{
    struct played *c = &p->calls[e->call];
    if (!begin_call(p, c))
        return false;
    const struct cf_new_call n = {
        .call = c->id,
        .line = e->line,
        .address = e->address,
        .state = e->state,
        .mode = e->mode,
        .media_modes = e->media_modes,
        .origin = e->origin,
        .reason = e->reason,
        .time_ns = now_ns,
        .caller = e->caller,
        .caller_name = e->caller_name,
        .called = e->called,
        .called_name = e->called_name,
        .redirecting = e->redirecting,
    };
    if (!cf_provider_post_new_call(p->port->provider, &n))
        return false;
    c->line = e->line;
    c->state = e->state;
    c->mode = e->mode;
    write_down(p, c, now_ns, CF_JOURNAL_NEW);
    return true;
}

static bool play_info(struct cf_sim_player *p, const struct cf_script_event *e, int64_t now_ns)
{
    const struct {
        struct cf_text text;
        uint16_t tag;
        uint32_t bit;
    } fields[] = {
        {e->caller, CF_FIELD_CALLER, LINECALLINFOSTATE_CALLERID},
        {e->caller_name, CF_FIELD_CALLER_NAME, LINECALLINFOSTATE_CALLERID},
        {e->called, CF_FIELD_CALLED, LINECALLINFOSTATE_CALLEDID},
        {e->called_name, CF_FIELD_CALLED_NAME, LINECALLINFOSTATE_CALLEDID},
        {e->redirecting, CF_FIELD_REDIRECTING, LINECALLINFOSTATE_REDIRECTINGID},
    };
    struct cf_record r;
    begin_record(&r, CF_EV_CALL_INFO, id_of(p, e->call), now_ns);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        append(&r, fields[i].tag, fields[i].text);
        r.m.param1 |= fields[i].text.bytes != 0 ? fields[i].bit : 0;
    }
    return cf_provider_post_raw(p->port->provider, &r);
}

static bool play_line_add(struct cf_sim_player *p, const struct cf_script_event *e)
{
    char name[CF_NAME_MAX], address[CF_NAME_MAX];
    struct cf_line_info line;
    cf_sim_describe_line(p->settings, e->line, name, address, &line);
    return cf_provider_post_line(p->port->provider, &line);
}

static void play_on(struct cf_sim_player *p, const struct cf_script_event *e)
{
    p->reactions[e->command - CF_CMD_MAKE_CALL] = (struct reaction){e->reaction, e->error, e->call};
}

/* False: there is no room now. */
static bool play(struct cf_sim_player *p, const struct cf_script_event *e, int64_t now_ns)
{
    struct cf_provider *provider = p->port->provider;
    switch (e->kind) {
    case CF_SCRIPT_NEW:
        return play_new(p, e, now_ns);
    case CF_SCRIPT_STATE:
        return post_state(p, e->call, e->state, e->mode, e->cause, now_ns);
    case CF_SCRIPT_INFO:
        return play_info(p, e, now_ns);
    case CF_SCRIPT_LINE_ADD:
        return play_line_add(p, e);
    case CF_SCRIPT_LINE_REMOVE:
        return cf_provider_post_line_remove(provider, e->line);
    case CF_SCRIPT_LINE_CLOSE:
        return cf_provider_post_line_close(provider, e->line);
    case CF_SCRIPT_LINE_STATE:
        return cf_provider_post_line_state(provider, e->line, e->bits, e->detail);
    case CF_SCRIPT_ON:
        play_on(p, e);
        return true;
    }
    return true;
}

uint32_t cf_sim_player_work(struct cf_sim_player *p, int64_t now_ns, uint32_t limit)
{
    uint32_t done = 0;
    while (done < limit && now_ns >= cf_sim_player_deadline(p) && play(p, &p->script->events[p->next], now_ns)) {
        p->next++;
        done++;
    }
    return done;
}

int64_t cf_sim_player_deadline(const struct cf_sim_player *p)
{
    if (p->start_ns == CF_REACTOR_NEVER || p->next == p->script->events_count)
        return CF_REACTOR_NEVER;
    return p->start_ns + p->script->events[p->next].at_ns;
}

/* ------------------------------------------------------------------ commands */

/* The next number of the script for a call made by an application whose identifier can be had. */
static struct played *dial(struct cf_sim_player *p, const struct reaction *reaction)
{
    uint32_t number = reaction->call != CF_SCRIPT_CALL_NONE ? reaction->call : p->dialled++ % CF_SCRIPT_CALLS_MAX;
    struct played *c = &p->calls[number];
    return !c->known && begin_call(p, c) ? c : NULL;
}

static void make_call(struct cf_sim_player *p, const struct cf_command *command, const struct reaction *reaction,
                      int64_t now_ns)
{
    struct played *c = dial(p, reaction);
    if (c == NULL) {
        cf_provider_reply(p->port->provider, command->number, LINEERR_CALLUNAVAIL, 0);
        return;
    }
    c->line = command->line;
    cf_provider_reply(p->port->provider, command->number, 0, c->id);
    post_state(p, (uint32_t)(c - p->calls), LINECALLSTATE_DIALING, 0, (struct cf_text){NULL, 0}, now_ns);
}

/* What a command makes of a call when the script says nothing else. */
static void obey(struct cf_sim_player *p, const struct cf_command *command, int64_t now_ns)
{
    static const uint32_t states[COMMANDS][2] = {
        [CF_CMD_ACCEPT - CF_CMD_MAKE_CALL] = {LINECALLSTATE_ACCEPTED, 0},
        [CF_CMD_ANSWER - CF_CMD_MAKE_CALL] = {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE},
        [CF_CMD_DROP - CF_CMD_MAKE_CALL] = {LINECALLSTATE_IDLE, 0},
        [CF_CMD_HOLD - CF_CMD_MAKE_CALL] = {LINECALLSTATE_ONHOLD, 0},
        [CF_CMD_UNHOLD - CF_CMD_MAKE_CALL] = {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE},
    };
    struct played *c = cf_provider_call_user(p->port->provider, command->call);
    bool state_first = command->id == CF_CMD_HOLD || command->id == CF_CMD_UNHOLD; /* as may be (M-23) */
    if (!state_first)
        cf_provider_reply(p->port->provider, command->number, c == NULL ? LINEERR_INVALCALLHANDLE : 0, command->call);
    if (c != NULL && c->state != LINECALLSTATE_IDLE) {
        const uint32_t *to = states[command->id - CF_CMD_MAKE_CALL];
        post_state(p, (uint32_t)(c - p->calls), to[0], to[1], (struct cf_text){NULL, 0}, now_ns);
    }
    if (state_first)
        cf_provider_reply(p->port->provider, command->number, c == NULL ? LINEERR_INVALCALLHANDLE : 0, command->call);
}

static void react(struct cf_sim_player *p, const struct cf_command *command, int64_t now_ns)
{
    const struct reaction *reaction = &p->reactions[command->id - CF_CMD_MAKE_CALL];
    if (reaction->what == CF_SCRIPT_FAIL)
        cf_provider_reply(p->port->provider, command->number, reaction->error, command->call);
    else if (reaction->what == CF_SCRIPT_OK && command->id == CF_CMD_MAKE_CALL)
        make_call(p, command, reaction, now_ns);
    else if (reaction->what == CF_SCRIPT_OK)
        obey(p, command, now_ns);
}

void cf_sim_player_command(struct cf_sim_player *p, const struct cf_command *command, int64_t now_ns)
{
    if (cf_command_wants_reply(command->id)) {
        react(p, command, now_ns);
    } else if (command->id == CF_CMD_OPEN_LINE) {
        if (p->start_ns == CF_REACTOR_NEVER)
            p->start_ns = now_ns + (int64_t)p->settings->start_ms * CF_NS_PER_MS;
    } else if (command->id != CF_CMD_CLOSE_LINE) { /* the core has done with a call, or refused it */
        struct played *c = cf_provider_call_user(p->port->provider, command->call);
        if (c == NULL)
            return;
        write_down(p, c, now_ns, command->id == CF_CMD_REFUSED ? CF_JOURNAL_REFUSED : CF_JOURNAL_CLOSED);
        c->known = false;
        cf_provider_call_free(p->port->provider, command->call);
    }
}

void cf_sim_player_announce(struct cf_sim_player *p, int64_t now_ns)
{
    for (uint32_t i = 0; i < CF_SCRIPT_CALLS_MAX; i++) {
        struct played *c = &p->calls[i];
        if (!c->known)
            continue;
        const struct cf_new_call n = {
            .call = c->id, .line = c->line, .state = c->state, .mode = c->mode, .time_ns = now_ns};
        bool sent = false;
        while (c->state != LINECALLSTATE_IDLE && !(sent = cf_provider_post_new_call(p->port->provider, &n)))
            if (!cf_provider_wait_room(p->port->provider))
                break;
        if (!sent) {
            cf_provider_call_free(p->port->provider, c->id);
            c->known = false;
        } else {
            write_down(p, c, now_ns, CF_JOURNAL_NEW | CF_JOURNAL_AGAIN);
        }
    }
}

/* ------------------------------------------------------------------ lines */

void cf_sim_describe_line(const struct cf_sim_settings *settings, uint32_t line, char *name, char *address,
                          struct cf_line_info *ret_line)
{
    snprintf(name, CF_NAME_MAX, "Simulator line %u", line);
    snprintf(address, CF_NAME_MAX, "%llu", (unsigned long long)(settings->number + line));
    *ret_line = (struct cf_line_info){
        .line = line,
        .name = name,
        .address = address,
        .info = "callfan-sim " CF_VERSION,
        .caps =
            {
                .permanent_id = line + 1,
                .addresses = 1,
                .bearer_modes = LINEBEARERMODE_VOICE,
                .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE,
                .line_features = LINEFEATURE_MAKECALL,
                .calls_max = settings->calls_max,
                .answer_mode = LINEANSWERMODE_NONE,
                .call_features = LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP |
                                 LINECALLFEATURE_HOLD | LINECALLFEATURE_UNHOLD,
                .call_states = LINECALLSTATE_IDLE | LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED |
                               LINECALLSTATE_DIALING | LINECALLSTATE_RINGBACK | LINECALLSTATE_BUSY |
                               LINECALLSTATE_CONNECTED | LINECALLSTATE_PROCEEDING | LINECALLSTATE_ONHOLD |
                               LINECALLSTATE_DISCONNECTED,
            },
    };
}
