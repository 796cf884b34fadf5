/* See player.h. */
#include "adapters/sim/player.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/provider/listening.h"
#include "adapters/sim/digits.h"
#include "adapters/sim/echo.h"
#include "adapters/sim/reactions.h"
#include "callfan/tapi.h"

/* A call by its number in the script. */
struct played {
    uint64_t id; /* 0: never begun; stays after the end, for late reports */
    bool known;  /* the identifier is alive */
    uint32_t line, state, mode;
    uint32_t origin;             /* 0: not known */
    const struct played *parent; /* of CONFERENCED, as the script named it; NULL: it did not */
    uint32_t tone_list;          /* the newest one that somebody listens for */
};

/* What is told of a call. */
struct told {
    uint32_t state;
    uint64_t mode; /* of CONFERENCED the parent's identifier */
    const struct played *parent;
    struct cf_text cause;
};

/* What the script said last about a command; few, so they are looked through. */
enum { ORDERS_MAX = 64 };

struct order {
    uint16_t command;
    enum cf_script_reaction what;
    int32_t error;
    uint32_t made[2];
};

/* Digits and tones on their way; few at a time, so they are looked through. */
enum { SENDING_MAX = 64, GATHERING_MAX = 64 };

struct sending {
    uint64_t number; /* of the command that waits */
    uint64_t call;
    int64_t due_ns;
};

struct cf_sim_player {
    const struct cf_script *script;
    const struct cf_sim_settings *settings;
    struct cf_sim_port *port;
    int64_t start_ns; /* CF_REACTOR_NEVER: not begun */
    uint32_t next;    /* event */
    uint32_t dialled; /* number of the next call made by an application */
    uint32_t completions; /* the newest id */
    struct order orders[ORDERS_MAX];
    uint32_t orders_count;
    struct sending sending[SENDING_MAX];
    uint32_t sending_count;
    struct cf_listening *listening;
    struct played *calls; /* CF_SCRIPT_CALLS_MAX */
};

int cf_sim_player_new(struct cf_sim_player **ret_player, const struct cf_script *script,
                      const struct cf_sim_settings *settings, struct cf_sim_port *port, int64_t now_ns)
{
    struct cf_sim_player *p = calloc(1, sizeof *p);
    if (p != NULL)
        p->calls = calloc(CF_SCRIPT_CALLS_MAX, sizeof *p->calls);
    if (p == NULL || p->calls == NULL ||
        cf_listening_new(&p->listening, port->provider, settings->calls_max, GATHERING_MAX) < 0) {
        cf_sim_player_free(p);
        return -ENOMEM;
    }
    p->script = script;
    p->settings = settings;
    p->port = port;
    p->dialled = CF_SIM_FIRST_DIALLED;
    p->start_ns = settings->needs_open ? CF_REACTOR_NEVER : now_ns + (int64_t)settings->start_ms * CF_NS_PER_MS;
    *ret_player = p;
    return 0;
}

void cf_sim_player_free(struct cf_sim_player *p)
{
    if (p == NULL)
        return;
    cf_listening_free(p->listening);
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

/* Digits that are due, or (call not 0) those of that call, which are cut off. Returns how many. */
static uint32_t end_digits(struct cf_sim_player *p, uint64_t call, int64_t now_ns)
{
    uint32_t ended = 0;
    for (uint32_t i = p->sending_count; i-- > 0;) {
        const struct sending s = p->sending[i];
        if (call != 0 ? s.call != call : s.due_ns > now_ns)
            continue;
        p->sending[i] = p->sending[--p->sending_count];
        cf_provider_reply(p->port->provider, s.number, call != 0 ? LINEERR_OPERATIONFAILED : 0, s.call);
        ended++;
    }
    return ended;
}

/* ------------------------------------------------------------------ what is heard */

/* What is heard on a call, whether somebody listens or not; a digit is gathered too. */
static bool play_heard(struct cf_sim_player *p, const struct cf_script_event *e, int64_t now_ns)
{
    static const uint16_t events[] = {
        [CF_SCRIPT_DIGIT] = CF_EV_DIGIT, [CF_SCRIPT_MEDIA] = CF_EV_MEDIA, [CF_SCRIPT_TONE] = CF_EV_TONE};
    const struct played *call = &p->calls[e->call];
    struct cf_record r;
    begin_record(&r, events[e->kind], id_of(p, e->call), now_ns);
    r.m.param1 = e->heard;
    r.m.param2 = e->kind == CF_SCRIPT_TONE && e->mode == 0 ? call->tone_list : e->mode;
    if (!cf_provider_post_raw(p->port->provider, &r))
        return false;
    if (e->kind == CF_SCRIPT_DIGIT)
        cf_listening_gather(p->listening, call->id, (char)e->heard, e->mode, now_ns);
    return true;
}

/* ------------------------------------------------------------------ states */

static void keep_state(struct cf_sim_player *p, struct played *c, const struct told *t, int64_t now_ns, uint32_t flags)
{
    c->state = t->state;
    c->mode = (t->state & LINECALLSTATE_CONFERENCED) != 0 ? 0 : (uint32_t)t->mode;
    c->parent = t->parent;
    write_down(p, c, now_ns, flags);
}

/* What is being sent and gathered ends before the state that ends it. */
static void leave_state(struct cf_sim_player *p, const struct played *c, const struct told *t, int64_t now_ns)
{
    if (t->state != LINECALLSTATE_CONNECTED)
        end_digits(p, c->id, now_ns);
    if (t->state == LINECALLSTATE_IDLE)
        cf_listening_end(p->listening, c->id);
}

/* By hand, since the script may report what no rule allows: of a call that ended, or never was. */
static bool post_state(struct cf_sim_player *p, struct played *c, const struct told *t, int64_t now_ns)
{
    struct cf_record r;
    begin_record(&r, CF_EV_CALL_STATE, id_of(p, (uint32_t)(c - p->calls)), now_ns);
    r.m.param1 = t->state;
    r.m.param2 = t->mode;
    append(&r, CF_FIELD_RAW_CAUSE, t->cause);
    if (c->id != 0)
        leave_state(p, c, t, now_ns);
    if (!cf_provider_post_raw(p->port->provider, &r))
        return false;
    keep_state(p, c, t, now_ns, 0);
    return true;
}

/* What a command makes of a live call: it waits where there is no room, as a real adapter's state does. */
static void tell_state(struct cf_sim_player *p, struct played *c, const struct told *t, int64_t now_ns)
{
    bool conferenced = (t->state & LINECALLSTATE_CONFERENCED) != 0;
    const struct cf_call_state s = {.state = t->state,
                                    .mode = conferenced ? 0 : (uint32_t)t->mode,
                                    .parent = conferenced ? t->mode : 0,
                                    .time_ns = now_ns};
    leave_state(p, c, t, now_ns);
    enum cf_posted posted = cf_provider_post_call_state(p->port->provider, c->id, &s);
    keep_state(p, c, t, now_ns, posted == CF_POST_WAITS ? CF_JOURNAL_WAITED : 0);
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
        .connected = e->connected,
        .connected_name = e->connected_name,
        .redirecting = e->redirecting,
        .redirecting_name = e->redirecting_name,
        .redirection = e->redirection,
        .redirection_name = e->redirection_name,
        .completion_id = e->completion,
        .user_user = e->user_user,
        .call_data = e->call_data,
    };
    if (!cf_provider_post_new_call(p->port->provider, &n))
        return false;
    c->line = e->line;
    c->state = e->state;
    c->mode = e->mode;
    c->origin = e->origin;
    c->parent = NULL;
    write_down(p, c, now_ns, CF_JOURNAL_NEW);
    return true;
}

static bool play_state(struct cf_sim_player *p, const struct cf_script_event *e, int64_t now_ns)
{
    bool named = e->parent != CF_SCRIPT_CALL_NONE;
    const struct told t = {.state = e->state,
                           .mode = named               ? id_of(p, e->parent)
                                   : e->parent_id != 0 ? e->parent_id
                                                       : e->mode,
                           .parent = named ? &p->calls[e->parent] : NULL,
                           .cause = e->cause};
    return post_state(p, &p->calls[e->call], &t, now_ns);
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
        {e->connected, CF_FIELD_CONNECTED, LINECALLINFOSTATE_CONNECTEDID},
        {e->connected_name, CF_FIELD_CONNECTED_NAME, LINECALLINFOSTATE_CONNECTEDID},
        {e->redirecting, CF_FIELD_REDIRECTING, LINECALLINFOSTATE_REDIRECTINGID},
        {e->redirecting_name, CF_FIELD_REDIRECTING_NAME, LINECALLINFOSTATE_REDIRECTINGID},
        {e->redirection, CF_FIELD_REDIRECTION, LINECALLINFOSTATE_REDIRECTIONID},
        {e->redirection_name, CF_FIELD_REDIRECTION_NAME, LINECALLINFOSTATE_REDIRECTIONID},
        {e->user_user, CF_FIELD_USER_USER, LINECALLINFOSTATE_USERUSERINFO},
        {e->call_data, CF_FIELD_CALL_DATA, LINECALLINFOSTATE_CALLDATA},
    };
    struct cf_record r;
    begin_record(&r, CF_EV_CALL_INFO, id_of(p, e->call), now_ns);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].text.at == NULL)
            continue;
        cf_fields_append(&r, fields[i].tag, fields[i].text.at, fields[i].text.bytes); /* "": withheld */
        r.m.param1 |= fields[i].bit;
    }
    r.m.param1 |= e->treatment != 0 ? LINECALLINFOSTATE_TREATMENT : 0;
    r.m.param2 = e->treatment;
    return cf_provider_post_raw(p->port->provider, &r);
}

static bool play_forwarding(struct cf_sim_player *p, const struct cf_script_event *e)
{
    struct cf_text list = {"", 0};
    if (e->forward_bytes != 0)
        list = (struct cf_text){(const char *)p->script->forwarding + e->forward_at, e->forward_bytes};
    return cf_provider_post_forwarding(p->port->provider, e->line, e->address, e->rings, list);
}

/* Of a call, or of a line alone. */
static bool play_dev_specific(struct cf_sim_player *p, const struct cf_script_event *e, int64_t now_ns)
{
    const bool of_line = e->call == CF_SCRIPT_CALL_NONE;
    struct cf_record r;
    begin_record(&r, CF_EV_DEV_SPECIFIC, of_line ? 0 : id_of(p, e->call), now_ns);
    r.m.param1 = e->param[0];
    r.m.param2 = e->param[1];
    r.m.param3 = e->param[2];
    if (of_line)
        r.m.open_line = e->line;
    return cf_provider_post_raw(p->port->provider, &r);
}

static bool play_line_add(struct cf_sim_player *p, const struct cf_script_event *e)
{
    char name[CF_NAME_MAX], address[CF_NAME_MAX];
    struct cf_line_info line;
    cf_sim_describe_line(p->settings, e->line, name, address, &line);
    return cf_provider_post_line(p->port->provider, &line);
}

/* What the script says of a command; by itself it obeys. */
static struct order order_of(const struct cf_sim_player *p, uint16_t command)
{
    for (uint32_t i = 0; i < p->orders_count; i++)
        if (p->orders[i].command == command)
            return p->orders[i];
    return (struct order){.command = command, .what = CF_SCRIPT_OK, .made = {CF_SCRIPT_CALL_NONE, CF_SCRIPT_CALL_NONE}};
}

static void play_on(struct cf_sim_player *p, const struct cf_script_event *e)
{
    uint32_t i = 0;
    while (i < p->orders_count && p->orders[i].command != e->command)
        i++;
    assert(i < ORDERS_MAX); /* there are fewer commands */
    p->orders[i] = (struct order){e->command, e->reaction, e->error, {e->made[0], e->made[1]}};
    p->orders_count += i == p->orders_count;
}

/* False: there is no room now. */
static bool play(struct cf_sim_player *p, const struct cf_script_event *e, int64_t now_ns)
{
    struct cf_provider *provider = p->port->provider;
    switch (e->kind) {
    case CF_SCRIPT_NEW:
        return play_new(p, e, now_ns);
    case CF_SCRIPT_STATE:
        return play_state(p, e, now_ns);
    case CF_SCRIPT_INFO:
        return play_info(p, e, now_ns);
    case CF_SCRIPT_DIGIT:
    case CF_SCRIPT_MEDIA:
    case CF_SCRIPT_TONE:
        return play_heard(p, e, now_ns);
    case CF_SCRIPT_LINE_ADD:
        return play_line_add(p, e);
    case CF_SCRIPT_LINE_REMOVE:
        return cf_provider_post_line_remove(provider, e->line);
    case CF_SCRIPT_LINE_CLOSE:
        return cf_provider_post_line_close(provider, e->line);
    case CF_SCRIPT_LINE_STATE:
        return cf_provider_post_line_state(provider, e->line, e->bits, e->detail);
    case CF_SCRIPT_ADDRESS_STATE:
        return cf_provider_post_address_state(provider, e->line, e->address, e->bits);
    case CF_SCRIPT_FORWARDING:
        return play_forwarding(p, e);
    case CF_SCRIPT_DEV_SPECIFIC:
        return play_dev_specific(p, e, now_ns);
    case CF_SCRIPT_ON:
        play_on(p, e);
        return true;
    }
    return true;
}

static int64_t script_deadline(const struct cf_sim_player *p)
{
    if (p->start_ns == CF_REACTOR_NEVER || p->next == p->script->events_count)
        return CF_REACTOR_NEVER;
    return p->start_ns + p->script->events[p->next].at_ns;
}

static uint32_t play_due(struct cf_sim_player *p, int64_t now_ns, uint32_t limit)
{
    uint32_t done = 0;
    while (done < limit && now_ns >= script_deadline(p) && play(p, &p->script->events[p->next], now_ns)) {
        p->next++;
        done++;
    }
    return done;
}

uint32_t cf_sim_player_work(struct cf_sim_player *p, int64_t now_ns, uint32_t limit)
{
    uint32_t done = end_digits(p, 0, now_ns) + cf_listening_expire(p->listening, now_ns);
    return done < limit ? done + play_due(p, now_ns, limit - done) : done;
}

int64_t cf_sim_player_deadline(const struct cf_sim_player *p)
{
    int64_t due = script_deadline(p);
    for (uint32_t i = 0; i < p->sending_count; i++)
        due = p->sending[i].due_ns < due ? p->sending[i].due_ns : due;
    const int64_t gathering = cf_listening_due(p->listening);
    return gathering < due ? gathering : due;
}

/* ------------------------------------------------------------------ commands */

/* A call by that number of the script, or by the next one. NULL: the number is taken, or no identifier can be had. */
static struct played *make(struct cf_sim_player *p, uint32_t number, uint32_t line)
{
    if (number == CF_SCRIPT_CALL_NONE)
        number = p->dialled++ % CF_SCRIPT_CALLS_MAX;
    struct played *c = &p->calls[number];
    if (c->known || !begin_call(p, c))
        return NULL;
    c->line = line;
    c->state = c->mode = c->origin = 0;
    c->parent = NULL;
    return c;
}

static void unmake(struct cf_sim_player *p, struct played *c)
{
    cf_provider_call_free(p->port->provider, c->id);
    c->known = false;
}

/* The calls that a command names and makes, by their parts in it. */
struct cast {
    struct played *calls[CF_SIM_WHOS];
};

/* 0, or an error: then none was made. *cast is empty before. */
static int32_t assemble(struct cf_sim_player *p, const struct cf_command *command, const struct cf_sim_reaction *r,
                        const struct order *order, struct cast *cast)
{
    const struct cf_provider *provider = p->port->provider;
    struct played **calls = cast->calls;
    calls[CF_SIM_WHO_CALL] = cf_provider_call_user(provider, command->call);
    calls[CF_SIM_WHO_SECOND] = cf_provider_call_user(provider, command->second);
    if ((command->call != 0 && calls[CF_SIM_WHO_CALL] == NULL) ||
        (command->second != 0 && calls[CF_SIM_WHO_SECOND] == NULL))
        return LINEERR_INVALCALLHANDLE;
    uint32_t line = calls[CF_SIM_WHO_CALL] != NULL ? calls[CF_SIM_WHO_CALL]->line : command->line;
    for (uint32_t i = 0; i < r->makes; i++) {
        calls[CF_SIM_WHO_MADE + i] = make(p, order->made[i], line);
        if (calls[CF_SIM_WHO_MADE + i] != NULL)
            continue;
        if (i != 0)
            unmake(p, calls[CF_SIM_WHO_MADE]);
        return LINEERR_CALLUNAVAIL;
    }
    if (r->makes != 0 && r->conference == CF_SIM_WHO_MADE)
        calls[CF_SIM_WHO_MADE]->origin = LINECALLORIGIN_CONFERENCE;
    return 0;
}

static uint32_t hold_of(const struct played *second)
{
    const uint32_t pending = LINECALLSTATE_ONHOLDPENDTRANSFER | LINECALLSTATE_ONHOLDPENDCONF;
    return second != NULL && (second->state & pending) != 0 ? second->state : LINECALLSTATE_ONHOLD;
}

static void become(struct cf_sim_player *p, const struct cast *cast, const struct cf_sim_reaction *r, int64_t now_ns)
{
    const struct played *conference = cast->calls[r->conference];
    for (int i = 0; i < CF_SIM_EFFECTS_MAX; i++) {
        const struct cf_sim_effect *e = &r->effects[i];
        struct played *c = cast->calls[e->who];
        struct told t = {.state = e->state, .mode = e->mode};
        if (c == NULL || c->state == LINECALLSTATE_IDLE)
            continue;
        if (t.state == CF_SIM_STATE_SECOND)
            t.state = hold_of(cast->calls[CF_SIM_WHO_SECOND]);
        if (t.state == LINECALLSTATE_CONFERENCED && conference != NULL) {
            t.mode = conference->id;
            t.parent = conference;
        }
        tell_state(p, c, &t, now_ns);
    }
}

/* Of a script every call is parked in the first orbit: it says itself what becomes of it. */
static void say_orbit(const struct cf_sim_player *p, const struct cf_command *command)
{
    char where[24];
    int n = snprintf(where, sizeof where, "%llu", (unsigned long long)p->settings->orbit);
    cf_provider_reply_text(p->port->provider, command->number, command->call, command->id,
                           (struct cf_text){where, (uint32_t)n});
}

static void echo(const struct cf_sim_player *p, const struct cf_command *command, int64_t now_ns)
{
    char back[CF_REPLY_TEXT_MAX];
    uint32_t param[3], bytes = cf_sim_echo(command->dev_specific, back, param);
    cf_provider_reply_text(p->port->provider, command->number, command->call, command->id,
                           (struct cf_text){back, bytes});
    cf_provider_post_dev_specific(p->port->provider, command->call, command->line, param, now_ns);
}

/* What such a command changes of a call is told before the reply (M-23), which fails when it cannot be told. */
static int32_t change(const struct cf_sim_player *p, const struct cf_command *command, int64_t now_ns)
{
    struct cf_record r;
    uint32_t states = command->id == CF_CMD_SET_CALL_DATA        ? LINECALLINFOSTATE_CALLDATA
                      : command->id == CF_CMD_SET_CALL_TREATMENT ? LINECALLINFOSTATE_TREATMENT
                                                                 : 0;
    begin_record(&r, CF_EV_CALL_INFO, command->call, now_ns);
    r.m.param2 = command->mode;
    if (command->id == CF_CMD_SET_CALL_DATA)
        cf_fields_append(&r, CF_FIELD_CALL_DATA, command->call_data.bytes != 0 ? command->call_data.at : "",
                         command->call_data.bytes);
    return states == 0 || cf_provider_post_call_info(p->port->provider, command->call, states, now_ns, &r)
               ? 0
               : LINEERR_RESOURCEUNAVAIL;
}

static void obey(struct cf_sim_player *p, const struct cf_command *command, const struct cf_sim_reaction *r,
                 const struct order *order, int64_t now_ns)
{
    struct cast cast = {0};
    bool told = order->what == CF_SCRIPT_OK;
    int32_t error = assemble(p, command, r, order, &cast);
    if (error == 0 && told)
        error = change(p, command, now_ns);
    const struct played *made = cast.calls[CF_SIM_WHO_MADE], *too = cast.calls[CF_SIM_WHO_MADE_TOO];
    if (error != 0) {
        cf_provider_reply(p->port->provider, command->number, error, command->call);
        return;
    }
    if (told && r->first)
        become(p, &cast, r, now_ns);
    if (command->id == CF_CMD_PARK && command->mode == LINEPARKMODE_NONDIRECTED)
        say_orbit(p, command);
    else if (command->id == CF_CMD_DEV_SPECIFIC && told)
        echo(p, command, now_ns);
    else if (command->id == CF_CMD_COMPLETE_CALL)
        cf_provider_reply_completion(p->port->provider, command->number, command->call, ++p->completions);
    else
        cf_provider_reply_two(p->port->provider, command->number, 0, made != NULL ? made->id : command->call,
                              too != NULL ? too->id : 0);
    if (told && !r->first)
        become(p, &cast, r, now_ns);
}

/* New digits, or a tone, stop the old ones; the reply comes when they have been sent. */
static void generate(struct cf_sim_player *p, const struct cf_command *command, int64_t now_ns)
{
    const struct played *c = cf_provider_call_user(p->port->provider, command->call);
    end_digits(p, command->call, now_ns);
    uint32_t ms = cf_sim_sending_ms(command);
    if (c != NULL && ms != 0 && p->sending_count < SENDING_MAX) {
        int64_t due_ns = now_ns + (int64_t)ms * CF_NS_PER_MS;
        p->sending[p->sending_count++] = (struct sending){command->number, command->call, due_ns};
        return;
    }
    int32_t result = c == NULL ? LINEERR_INVALCALLHANDLE : ms != 0 ? LINEERR_RESOURCEUNAVAIL : 0;
    cf_provider_reply(p->port->provider, command->number, result, command->call);
}

static void gather(struct cf_sim_player *p, const struct cf_command *command, int64_t now_ns)
{
    if (cf_provider_call_user(p->port->provider, command->call) != NULL)
        cf_listening_command(p->listening, command, now_ns);
    else
        cf_provider_reply(p->port->provider, command->number, LINEERR_INVALCALLHANDLE, command->call);
}

static void react(struct cf_sim_player *p, const struct cf_command *command, int64_t now_ns)
{
    const struct cf_sim_reaction *r = cf_sim_reaction_find(command->id, command->transfer_mode);
    const struct order order = order_of(p, command->id);
    if (r == NULL)
        cf_provider_reply(p->port->provider, command->number, LINEERR_OPERATIONUNAVAIL, command->call);
    else if (order.what == CF_SCRIPT_FAIL)
        cf_provider_reply(p->port->provider, command->number, order.error, command->call);
    else if (order.what == CF_SCRIPT_OK &&
             (command->id == CF_CMD_GENERATE_DIGITS || command->id == CF_CMD_GENERATE_TONE))
        generate(p, command, now_ns);
    else if (order.what == CF_SCRIPT_OK && command->id == CF_CMD_GATHER_DIGITS)
        gather(p, command, now_ns);
    else if (order.what != CF_SCRIPT_IGNORE)
        obey(p, command, r, &order, now_ns);
}

/* What is listened for changes nothing: the script says what is heard. */
static void listens(struct cf_sim_player *p, const struct cf_command *command)
{
    struct played *c = cf_provider_call_user(p->port->provider, command->call);
    if (c != NULL && command->list != 0)
        c->tone_list = command->list;
}

void cf_sim_player_command(struct cf_sim_player *p, const struct cf_command *command, int64_t now_ns)
{
    if (cf_command_wants_reply(command->id)) {
        react(p, command, now_ns);
    } else if (command->id == CF_CMD_OPEN_LINE) {
        if (p->start_ns != CF_REACTOR_NEVER)
            return;
        p->start_ns = now_ns + (int64_t)p->settings->start_ms * CF_NS_PER_MS;
        play_due(p, now_ns, UINT32_MAX); /* what it says of commands holds for the next one, which may be here already */
    } else if (command->id == CF_CMD_MONITOR_TONES) {
        listens(p, command);
    } else if (command->id == CF_CMD_CLOSE_CALL || command->id == CF_CMD_REFUSED) {
        struct played *c = cf_provider_call_user(p->port->provider, command->call);
        if (c == NULL)
            return;
        end_digits(p, command->call, now_ns);
        cf_listening_end(p->listening, command->call);
        write_down(p, c, now_ns, command->id == CF_CMD_REFUSED ? CF_JOURNAL_REFUSED : CF_JOURNAL_CLOSED);
        c->known = false;
        cf_provider_call_free(p->port->provider, command->call);
    }
}

static bool announce(struct cf_sim_player *p, const struct played *c, int64_t now_ns)
{
    const struct cf_new_call n = {
        .call = c->id, .line = c->line, .state = c->state, .mode = c->mode, .origin = c->origin, .time_ns = now_ns};
    if (c->state == LINECALLSTATE_IDLE || c->state == 0)
        return false;
    while (!cf_provider_post_new_call(p->port->provider, &n))
        if (!cf_provider_wait_room(p->port->provider))
            return false;
    return true;
}

/* A member names its conference again, which the core knows by now. */
static void rejoin(struct cf_sim_player *p, struct played *c, int64_t now_ns)
{
    if (!c->known || c->parent == NULL || !c->parent->known)
        return;
    const struct told t = {.state = c->state, .mode = c->parent->id, .parent = c->parent};
    while (!post_state(p, c, &t, now_ns))
        if (!cf_provider_wait_room(p->port->provider))
            return;
}

void cf_sim_player_announce(struct cf_sim_player *p, int64_t now_ns)
{
    p->sending_count = 0; /* who asked for the digits is gone */
    cf_listening_renew(p->listening);
    for (uint32_t i = 0; i < CF_SCRIPT_CALLS_MAX; i++) {
        struct played *c = &p->calls[i];
        if (!c->known)
            continue;
        if (announce(p, c, now_ns))
            write_down(p, c, now_ns, CF_JOURNAL_NEW | CF_JOURNAL_AGAIN);
        else
            unmake(p, c);
    }
    for (uint32_t i = 0; i < CF_SCRIPT_CALLS_MAX; i++)
        rejoin(p, &p->calls[i], now_ns);
}

/* ------------------------------------------------------------------ lines */

void cf_sim_describe_line(const struct cf_sim_settings *settings, uint32_t line, char *name, char *address,
                          struct cf_line_info *ret_line)
{
    /* What only a script reports. */
    const uint32_t by_script = LINECALLFEATURE_MONITORMEDIA | LINECALLFEATURE_MONITORTONES;
    snprintf(name, CF_NAME_MAX, "Simulator line %u", line);
    snprintf(address, CF_NAME_MAX, "%llu", (unsigned long long)settings->number + line);
    *ret_line = (struct cf_line_info){
        .line = line,
        .name = name,
        .address = address,
        .info = "callfan-sim " CF_VERSION,
        .caps =
            {
                .permanent_id = line + 1,
                .addresses = 1,
                .bearer_modes = LINEBEARERMODE_VOICE | LINEBEARERMODE_SPEECH | LINEBEARERMODE_DATA,
                .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE,
                .line_features = LINEFEATURE_MAKECALL | settings->line_features,
                .calls_max = settings->calls_max,
                .answer_mode = LINEANSWERMODE_NONE,
                .addr_cap_flags = settings->addr_cap_flags,
                .call_features = settings->call_features & ~(settings->script == NULL ? by_script : 0),
                .digit_modes = LINEDIGITMODE_DTMF,
                .monitor_digit_modes =
                    LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND | (settings->script != NULL ? LINEDIGITMODE_PULSE : 0),
                .gather_timeout_min_ms = 1,
                .gather_timeout_max_ms = 86400000,
                .generate_tone_modes = LINETONEMODE_CUSTOM | LINETONEMODE_RINGBACK | LINETONEMODE_BUSY |
                                       LINETONEMODE_BEEP | LINETONEMODE_BILLING,
                .generate_tone_freqs = CF_TONES_MAX,
                .monitor_tone_freqs = 3,
                .monitor_tone_entries = CF_TONES_MAX,
                .call_states = LINECALLSTATE_IDLE | LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED |
                               LINECALLSTATE_DIALTONE | LINECALLSTATE_DIALING | LINECALLSTATE_RINGBACK |
                               LINECALLSTATE_BUSY | LINECALLSTATE_CONNECTED | LINECALLSTATE_PROCEEDING |
                               LINECALLSTATE_ONHOLD | LINECALLSTATE_CONFERENCED | LINECALLSTATE_ONHOLDPENDCONF |
                               LINECALLSTATE_ONHOLDPENDTRANSFER | LINECALLSTATE_DISCONNECTED,
                .transfer_modes = settings->transfer_modes,
                .conference_max = settings->conference_max,
                .remove_from_conf_caps = settings->remove,
                .remove_from_conf_state = settings->removed_state,
                .more = {.address_features = settings->address_features,
                         .park_modes = LINEPARKMODE_DIRECTED | LINEPARKMODE_NONDIRECTED,
                         .forward_modes = LINEFORWARDMODE_UNCOND | LINEFORWARDMODE_BUSY | LINEFORWARDMODE_NOANSW |
                                          LINEFORWARDMODE_BUSYNA,
                         .forward_entries_max = 3,
                         .forward_rings_min = 1,
                         .forward_rings_max = CF_SIM_RINGS_MAX,
                         .completions_max = settings->completions,
                         .completion_modes = LINECALLCOMPLMODE_CALLBACK,
                         .call_treatments = 1u << LINECALLTREATMENT_SILENCE | 1u << LINECALLTREATMENT_RINGBACK |
                                            1u << LINECALLTREATMENT_BUSY | 1u << LINECALLTREATMENT_MUSIC,
                         .completion_conditions = LINECALLCOMPLCOND_BUSY | LINECALLCOMPLCOND_NOANSWER},
            },
    };
}
